/* dataset_records.c: what records mean in order: before and after a dose, resets, changing covariates, events of the
 * model; and that patients, output points, threads and lanes leave each other's numbers alone. */
#include "dataset_setup.h"

static const char decay[] = "model m()\n var y = 0;\n K = 0.3;\n y' = -K*y;\nend\n";

/* Records at one time keep their order. */
static void order(void) {
    sim s = {.output = {"y"}};
    if (!sim_ok(&s, decay,
                "ID,TIME,AMT,EVID,CMT,ADDL,II\n"
                "1,0,.,0,.,.,.\n1,0,10,1,y,.,.\n1,0,.,0,.,.,.\n1,0,5,1,y,.,.\n1,0,.,0,.,.,.\n"
                "1,2,.,0,.,.,.\n1,2,20,1,y,2,3\n1,2,.,0,.,.,.\n1,2,1,1,y,.,.\n1,2,.,0,.,.,.\n"
                "1,5,.,0,.,.,.\n1,5,7,1,y,.,.\n1,5,.,0,.,.,.\n1,8,2,1,y,.,.\n1,8,.,0,.,.,.\n"))
        return;
    double a = exp(-0.6), b = exp(-0.9), y2 = 15 * a, y5 = (y2 + 21) * b + 20, y8 = (y5 + 7) * b + 20;
    const double want[] = {0, 10, 15, y2, y2 + 20, y2 + 21, y5, y5 + 7, y8 + 2};
    TAP_INT(s.n_row, 9);
    for (size_t i = 0; i < s.n_row && i < 9; i++) TAP_NEAR(s.row[i].value[0], want[i], 1e-8 * want[i]);
    TAP_NEAR(s.row[3].time, 2, 0);
    sim_reset(&s);
}

/* 0.1 + 2 * 0.1 is not 0.3: the dose is there all the same. */
static void rounded_times(void) {
    sim s = {.output = {"y"}};
    if (!sim_ok(&s, decay,
                "ID,TIME,AMT,EVID,CMT,ADDL,II,K\n1,0.1,10,1,1,2,0.1,0\n1,0.3,.,0,.,.,.,.\n1,1,.,0,.,.,.,.\n"))
        return;
    TAP_NEAR(s.row[0].value[0], 30, 1e-9);
    sim_reset(&s);
}

static void reset(void) {
    sim s = {.output = {"y"}};
    const char *m = "model m()\n var y = 2;\n K = 0.3;\n y' = -K*y;\nend\n";
    /* After a reset time may start anew; infusions and additional doses of before are over. */
    if (!sim_ok(&s, m,
                "ID,TIME,AMT,EVID,CMT,RATE,ADDL,II\n"
                "1,0,10,1,1,1,9,4\n1,6,.,0,.,.,.,.\n1,6,.,3,.,.,.,.\n1,6,.,0,.,.,.,.\n1,10,.,0,.,.,.,.\n"
                "1,1,8,4,1,.,.,.\n1,1,.,0,.,.,.,.\n1,3,.,0,.,.,.,.\n"))
        return;
    double k = 0.3, y6 = 2 * exp(-6 * k) + (1 - exp(-6 * k)) / k + (1 - exp(-2 * k)) / k;
    TAP_REL(s.row[0].value[0], y6, 1e-8);
    TAP_REL(s.row[1].value[0], 2.0, 1e-12);
    TAP_REL(s.row[2].value[0], 2 * exp(-4 * k), 1e-8);
    TAP_REL(s.row[3].value[0], 10.0, 1e-12);
    TAP_REL(s.row[4].value[0], 10 * exp(-2 * k), 1e-8);
    sim_reset(&s);
}

/* Start and end values follow the patient's own parameters, also those that others follow from. */
static void individual(void) {
    sim s = {.output = {"y", "K"}};
    if (!sim_ok(&s, "model m()\n var y = A0;\n A0 = 5; CL = 1; V = 10; K = CL/V;\n y' = -K*y;\nend\n",
                "ID,TIME,EVID,CL,A0\n1,0,0,2,3\n1,4,0,2,3\n2,0,0,4,1\n2,4,0,.,.\n"))
        return;
    TAP_NEAR(s.row[0].value[0], 3, 0);
    TAP_REL(s.row[1].value[0], 3 * exp(-0.8), 1e-8);
    TAP_NEAR(s.row[2].value[1], 0.4, 1e-16);
    TAP_REL(s.row[3].value[0], exp(-1.6), 1e-8);
    sim_reset(&s);
}

static void covariates(void) {
    static const char csv[] =
        "ID,TIME,AMT,EVID,CMT,K\n1,0,10,1,1,0.3\n1,2,.,0,.,.\n1,3,.,2,.,0.5\n1,5,.,0,.,.\n1,7,.,0,.,0.1\n1,9,.,0,.,.\n"
        "2,0,10,1,1,0.2\n2,9,.,0,.,0.2\n";
    sim s = {.output = {"y", "K"}};
    if (!sim_ok(&s, decay, csv)) return;
    TAP_REL(s.row[0].value[0], 10 * exp(-0.6), 1e-8);
    TAP_REL(s.row[1].value[0], 10 * exp(-0.9 - 1.0), 1e-8);
    TAP_REL(s.row[2].value[0], 10 * exp(-0.9 - 2.0), 1e-8);
    TAP_NEAR(s.row[2].value[1], 0.1, 0);
    TAP_REL(s.row[3].value[0], 10 * exp(-2.9 - 0.2), 1e-8);
    TAP_REL(s.row[4].value[0], 10 * exp(-1.8), 1e-8);
    /* From 0.3 to 0.5 in three days, to 0.1 in four, then level: the exponent is the area below. */
    s.how = PRC_LINEAR;
    if (!sim_ok(&s, decay, csv)) return;
    double k2 = 0.3 + 0.2 * 2 / 3, k5 = 0.5 - 0.1 * 2;
    TAP_REL(s.row[0].value[0], 10 * exp(-(0.3 + k2) / 2 * 2), 1e-8);
    TAP_REL(s.row[0].value[1], k2, 1e-14);
    TAP_REL(s.row[1].value[0], 10 * exp(-0.4 * 3 - (0.5 + k5) / 2 * 2), 1e-8);
    TAP_REL(s.row[2].value[0], 10 * exp(-0.4 * 3 - 0.3 * 4), 1e-8);
    TAP_REL(s.row[3].value[0], 10 * exp(-2.4 - 0.2), 1e-8);
    TAP_REL(s.row[4].value[0], 10 * exp(-1.8), 1e-8);
    sim_reset(&s);
}

/* In the steady state the covariates stand still at the record's values. */
static void steady_covariates(void) {
    sim s = {.output = {"y"}, .how = PRC_LINEAR};
    if (!sim_ok(&s, decay, "ID,TIME,AMT,EVID,CMT,II,SS,K\n1,0,10,1,1,4,1,0.3\n1,0,.,0,.,.,.,.\n1,5,.,0,.,.,.,0.8\n"))
        return;
    TAP_REL(s.row[0].value[0], 10 / (1 - exp(-1.2)), 1e-8);
    TAP_REL(s.row[1].value[0], 10 / (1 - exp(-1.2)) * exp(-0.55 * 5), 1e-8);
    sim_reset(&s);
}

/* More output points, inside the course, change no bit: states, event times, counts. Rescue: whenever y falls below 1,
 * 3 is added, and the time of the last rescue is noted. */
static const char rescue[] = "model m()\n var y = 4, n = 0, last = 0;\n K = 0.3;\n y' = -K*y;\n n' = 0;\n last' = 0;\n"
                             " at (y < 1): y = y + 3, n = n + 1, last = time;\nend\n";

static void output_points(void) {
    prc_text few = {0}, many = {0};
    for (int which = 0; which < 2; which++) {
        prc_text *t = which ? &many : &few;
        prc_text_add(t, "ID,TIME,AMT,EVID,CMT,RATE,K\n");
        for (int id = 1; id <= 20; id++)
            for (int k = 0; k <= 3000; k++) {
                double time = k * 0.01;
                if (which && k % 700 == 0 && k > 0) prc_text_printf(t, "%d,%.17g,.,0,.,.,.\n", id, time);
                if (k % 700 == 0 && k > 0) prc_text_printf(t, "%d,%.17g,1,1,y,2,.\n", id, time);
                if (k % 500 == 0 || (which && k % 7 == 0))
                    prc_text_printf(t, "%d,%.17g,.,0,.,.,%.17g\n", id, time, 0.2 + 0.01 * id);
            }
    }
    for (int coarse = 0; coarse < 2; coarse++) {
        sim a = {.output = {"y", "n", "last"}, .rtol = coarse ? 1e-4 : 1e-10}, b = a;
        if (!sim_ok(&a, rescue, few.s) || !sim_ok(&b, rescue, many.s)) break;
        size_t same = 0, j = 0;
        for (size_t i = 0; i < a.n_row; i++) {
            while (j < b.n_row && (strcmp(b.row[j].id, a.row[i].id) != 0 || b.row[j].time < a.row[i].time)) j++;
            same += j < b.n_row && memcmp(a.row[i].value, b.row[j].value, 3 * sizeof(double)) == 0;
        }
        TAP_THAT(same == a.n_row && a.n_row == 140, "%zu of %zu rows have the same bits with %zu rows", same, a.n_row,
                 b.n_row);
        sim_reset(&a);
        sim_reset(&b);
    }
    prc_text_reset(&few);
    prc_text_reset(&many);
}

/* Crossings at ln(4)/k, then every ln(4)/k: y is 4 after each rescue, as y < 1 holds from 1 on. */
static void rescue_times(void) {
    sim s = {.output = {"y", "n", "last"}, .rtol = 1e-11};
    if (!sim_ok(&s, rescue, "ID,TIME,EVID\n1,0,0\n1,5,0\n1,10,0\n1,15,0\n1,40,0\n")) return;
    for (size_t i = 1; i < s.n_row; i++) {
        double every = log(4) / 0.3, n = floor(s.row[i].time / every);
        TAP_NEAR(s.row[i].value[1], n, 0);
        TAP_NEAR(s.row[i].value[2], n * every, 1e-8);
        TAP_REL(s.row[i].value[0], 4 * exp(-0.3 * (s.row[i].time - n * every)), 1e-8);
    }
    sim_reset(&s);
}

/* 1,000 patients, ten of which run into infinity at a finite time: y' = A y^2 from 1 ends at 1/A. */
static const char blows[] =
    "model m()\n var y = 1, z = 1;\n A = 0; K = 1;\n y' = A*y^2 - (1 - A)*K*y;\n z' = K*(y - z);\nend\n";

static bool is_bad(int id) {
    return id % 100 == 37;
}

static void add_patients(prc_text *t, bool bad) {
    prc_text_add(t, "ID,TIME,AMT,EVID,CMT,A,K\n");
    for (int id = 0; id < 1000; id++) {
        if (is_bad(id) && !bad) continue;
        for (int k = 0; k < 4; k++)
            if (k == 2)
                prc_text_printf(t, "%d,%d,1,1,z,%d,%.17g\n", id, k, is_bad(id), 0.1 + 0.003 * id);
            else
                prc_text_printf(t, "%d,%d,.,0,.,%d,%.17g\n", id, k, is_bad(id), 0.1 + 0.003 * id);
    }
}

static void failures(void) {
    prc_text with = {0}, without = {0};
    add_patients(&with, true);
    add_patients(&without, false);
    sim a = {.output = {"y", "z"}, .rtol = 1e-6, .width = 32},
        b = {.output = {"y", "z"}, .rtol = 1e-6, .threads = 2, .width = 8};
    if (sim_ok(&a, blows, with.s) && sim_ok(&b, blows, without.s)) {
        TAP_INT(a.n_failed, 10);
        TAP_INT(b.n_failed, 0);
        TAP_INT(a.counts.n_patient, 1000);
        TAP_INT(a.n_row, 3000);
        for (int i = 0; i < 10; i++)
            TAP_THAT(atoi(a.failed[i]) == 100 * i + 37 &&
                         (a.outcome[i] == PRC_STEP_TOO_SMALL || a.outcome[i] == PRC_NONFINITE),
                     "patient %s: %s", a.failed[i], prc_outcome_why(a.outcome[i]));
        size_t same = 0, j = 0;
        for (size_t i = 0; i < a.n_row; i++) {
            if (is_bad(atoi(a.row[i].id))) {
                /* It reaches infinity at time 1: the row there and later ones hold nothing. */
                if (a.row[i].time > 1) TAP_OK(isnan(a.row[i].value[0]));
                continue;
            }
            same += memcmp(&a.row[i], &b.row[j++], sizeof a.row[i]) == 0;
        }
        TAP_INT(same, 2970);
    }
    prc_text_reset(&with);
    prc_text_reset(&without);
    sim_reset(&a);
    sim_reset(&b);
}

static const char everything[] =
    "ID,TIME,AMT,EVID,CMT,RATE,ADDL,II,SS,K\n1,0,100,1,y,50,3,4,1,0.3\n1,0,.,0,.,.,.,.,.,.\n1,6,9,1,1,.,.,.,.,0.4\n"
    "1,6,.,0,.,.,.,.,.,.\n1,6,9,1,1,.,.,.,.,.\n1,9,20,1,1,.,2,3,2,.\n1,10,.,0,.,.,.,.,.,0.5\n1,0,5,4,1,.,.,.,.,0.1\n"
    "\"2 b\",1.5,.,0,.,.,.,.,.,0.2\n\"2 b\",4,.,2,.,.,.,.,.,.\n\"2 b\",4,.,3,.,.,.,.,.,.\n";

/* Whichever allocation fails, the run ends with that error and nothing is lost. */
static void out_of_memory(void) {
    sim s = {.output = {"y"}, .how = PRC_LINEAR, .fail_at = 1};
    long other = 0;
    for (; s.fail_at < 5000; s.fail_at++) {
        sim_run(&s, decay, everything);
        if (s.status == PRC_OK) break;
        other += s.status != PRC_E_MEMORY;
    }
    TAP_THAT(s.status == PRC_OK && other == 0 && s.fail_at > 100, "%ld allocations fail cleanly (%ld otherwise)",
             s.fail_at - 1, other);
}

/* Bytes changed at random: an error with a message, or a data set, never a crash. */
static void broken_bytes(void) {
    static const char bytes[] = ",.\n\"0-9e17xID;:\r\t \xC3";
    char text[sizeof everything];
    uint64_t seed = 20261120;
    int bad = 0, fine = 0, dumb = 0;
    for (int n = 0; n < 2000; n++) {
        memcpy(text, everything, sizeof text);
        for (int k = 0; k <= n % 4; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[(seed >> 33) % (sizeof text - 1)] = bytes[(seed >> 20) % (sizeof bytes - 1)];
        }
        sim s = {.output = {"y"}, .check_only = true, .how = n % 2 ? PRC_LINEAR : PRC_LOCF};
        sim_run(&s, decay, text);
        if (s.status == PRC_OK)
            fine++;
        else if (prc_status_exit(s.status) == 3 && s.err.message[0] && s.err.source[0])
            bad++;
        else
            dumb++;
        sim_reset(&s);
    }
    TAP_THAT(dumb == 0 && bad > 500 && fine > 100, "%d with a message, %d read, %d otherwise", bad, fine, dumb);
}

int main(void) {
    TAP_RUN(out_of_memory);
    TAP_RUN(broken_bytes);
    TAP_RUN(order);
    TAP_RUN(rounded_times);
    TAP_RUN(reset);
    TAP_RUN(individual);
    TAP_RUN(covariates);
    TAP_RUN(steady_covariates);
    TAP_RUN(output_points);
    TAP_RUN(rescue_times);
    TAP_RUN(failures);
    return tap_done();
}
