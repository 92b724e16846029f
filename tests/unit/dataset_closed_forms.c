/* dataset_closed_forms.c: doses in the NONMEM convention against exact solutions, to 1e-8. */
#include "dataset_setup.h"

/* Gut, centre, periphery; with Q = 0 the periphery stays empty. */
static const char model[] = "model pk()\n var gut = 0, central = 0, peri = 0;\n KA = 1; CL = 1; V = 1; Q = 0; VP = 1;\n"
                            " ALAG_gut = 0; F_gut = 1; ALAG_central = 0; F_central = 1;\n"
                            " gut' = -KA*gut;\n central' = KA*gut - CL/V*central - Q/V*central + Q/VP*peri;\n peri' = "
                            "Q/V*central - Q/VP*peri;\nend\n";

/* What one unit given at time 0 leaves in the centre: a sum of exponentials. */
typedef struct response {
    int n;
    double c[3], rate[3];
} response;

typedef struct patient {
    double ka, cl, v, q, vp, lag_gut, f_gut, lag_c, f_c;
} patient;

static const patient two = {1.3, 3.7, 28, 5.5, 41, 0, 1, 0, 1}, one = {1.3, 3.7, 28, 0, 41, 0, 1, 0, 1};

static response unit(const patient *p, bool oral) {
    double k = p->cl / p->v, k12 = p->q / p->v, k21 = p->q / p->vp, ka = p->ka;
    if (!(p->q > 0)) {
        if (!oral) return (response){1, {1}, {k}};
        return (response){2, {ka / (ka - k), -ka / (ka - k)}, {k, ka}};
    }
    double s = k + k12 + k21, d = sqrt(s * s - 4 * k * k21), al = (s + d) / 2, be = 2 * k * k21 / (s + d);
    if (!oral) return (response){2, {(al - k21) / (al - be), (k21 - be) / (al - be)}, {al, be}};
    return (response){3,
                      {ka * (k21 - al) / ((ka - al) * (be - al)), ka * (k21 - be) / ((ka - be) * (al - be)),
                       ka * (k21 - ka) / ((al - ka) * (be - ka))},
                      {al, be, ka}};
}

/* In the centre at time t after a dose of `amount` over `duration`; ii > 0: after such doses since ever, the last at 0.
 */
static double after(const response *r, double t, double amount, double duration, double ii) {
    double sum = 0;
    if (t < 0 && !(ii > 0)) return 0;
    for (int i = 0; i < r->n; i++) {
        double k = r->rate[i], past = ii > 0 ? 1 / -expm1(-k * ii) : 1, x;
        if (duration > 0) {
            double in = fmin(t, duration);
            /* now: the dose under way; before: those that are over */
            double now = (exp(-k * (t - in)) - exp(-k * t)) / k / duration;
            double whole = expm1(k * duration) / k / duration * exp(-k * t);
            x = now + whole * (past - 1);
        } else {
            x = exp(-k * t) * past;
        }
        sum += r->c[i] * amount * x;
    }
    return sum;
}

/* One patient: a dose row, and what the centre holds at each time. */
typedef struct regimen {
    const char *name, *row; /* after the patient: TIME,AMT,EVID,CMT,RATE,ADDL,II,SS */
    bool oral;
    double time, amount, duration, ii;
    int addl;
    bool steady;
} regimen;

static const regimen regimens[] = {
    {"bolus", "0,100,1,central,.,.,.,.", false, 0, 100, 0, 0, 0, false},
    {"infusion", "1.5,100,1,central,40,.,.,.", false, 1.5, 100, 2.5, 0, 0, false},
    {"oral", "0,100,1,gut,.,.,.,.", true, 0, 100, 0, 0, 0, false},
    {"boluses", "0,100,1,2,.,5,12,.", false, 0, 100, 0, 12, 5, false},
    {"infusions", "0,100,1,2,25,5,8,.", false, 0, 100, 4, 8, 5, false},
    {"overlapping infusions", "0,100,1,2,5,5,8,.", false, 0, 100, 20, 8, 5, false},
    {"oral doses", "0,100,1,1,.,5,12,.", true, 0, 100, 0, 12, 5, false},
    {"bolus, steady", "0,100,1,2,.,.,12,1", false, 0, 100, 0, 12, 0, true},
    {"infusion, steady", "0,100,1,2,25,.,8,1", false, 0, 100, 4, 8, 0, true},
    {"infusion without a pause, steady", "0,100,1,2,12.5,.,8,1", false, 0, 100, 8, 8, 0, true},
    {"oral, steady", "0,100,1,1,.,.,12,1", true, 0, 100, 0, 12, 0, true},
    {"oral, steady, and on", "0,100,1,1,.,4,12,1", true, 0, 100, 0, 12, 4, true},
};

static double expected(const regimen *g, const patient *p, double t) {
    response r = unit(p, g->oral);
    double f = g->oral ? p->f_gut : p->f_c, lag = g->oral ? p->lag_gut : p->lag_c, sum = 0, amount = g->amount * f,
           duration = g->duration * f;
    /* The rate of an infusion is given, so its duration scales with bioavailability. */
    t -= g->time + lag;
    if (g->steady && t < 0) return after(&r, t + g->ii, amount, duration, g->ii);
    sum = after(&r, t, amount, duration, g->steady ? g->ii : 0);
    for (int k = 1; k <= g->addl && t - k * g->ii >= 0; k++) sum += after(&r, t - k * g->ii, amount, duration, 0);
    return sum;
}

static void run_all(const patient *p, const char *label) {
    static const double time[] = {0.25, 1, 1.75, 3.5, 4.5, 7.9, 10, 13, 23.5, 31, 47, 64.5, 90};
    enum { N = sizeof time / sizeof *time, G = sizeof regimens / sizeof *regimens };
    prc_text t = {0};
    prc_text_add(&t, "ID,KA,CL,V,Q,VP,ALAG_gut,F_gut,ALAG_central,F_central,TIME,AMT,EVID,CMT,RATE,ADDL,II,SS\n");
    for (int g = 0; g < G; g++) {
        char head[256];
        snprintf(head, sizeof head, "p%d,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g", g, p->ka, p->cl, p->v,
                 p->q, p->vp, p->lag_gut, p->f_gut, p->lag_c, p->f_c);
        /* The course starts at 0. */
        if (regimens[g].time > 0) prc_text_printf(&t, "%s,0,.,2,.,.,.,.,.\n", head);
        prc_text_printf(&t, "%s,%s\n", head, regimens[g].row);
        for (int i = 0; i < N; i++)
            if (time[i] > regimens[g].time) prc_text_printf(&t, "%s,%.17g,.,0,.,.,.,.,.\n", head, time[i]);
    }
    sim s = {.output = {"central"}};
    if (sim_ok(&s, model, t.s)) {
        TAP_INT(s.n_failed, 0);
        double worst[G] = {0};
        for (size_t i = 0; i < s.n_row; i++) {
            int g = atoi(s.row[i].id + 1);
            double want = expected(&regimens[g], p, s.row[i].time);
            double e = fabs(s.row[i].value[0] - want) / fmax(fabs(want), 1e-3);
            if (!(e <= worst[g])) worst[g] = e;
            if (!(e <= 1e-8))
                printf("# %s at %g: got %.17g, want %.17g\n", regimens[g].name, s.row[i].time, s.row[i].value[0], want);
        }
        for (int g = 0; g < G; g++) TAP_THAT(worst[g] <= 1e-8, "%s, %s: error %.1e", label, regimens[g].name, worst[g]);
    }
    prc_text_reset(&t);
    sim_reset(&s);
}

static void one_compartment(void) {
    run_all(&one, "one compartment");
}
static void two_compartments(void) {
    run_all(&two, "two compartments");
}

static void lag_and_bioavailability(void) {
    patient p = two;
    p.lag_gut = 0.75, p.f_gut = 0.6, p.lag_c = 1.25, p.f_c = 0.9;
    run_all(&p, "lag and bioavailability");
}

/* A half-life of 200 intervals: periods alone would need thousands to get there. */
static void slow(void) {
    patient p = one;
    p.cl = 28 * log(2) / (200 * 12);
    run_all(&p, "slow elimination");
}

/* SS = 2 adds the steady state of another regimen to what is there; the first one goes on. */
static void two_regimens(void) {
    sim s = {.output = {"central", "gut"}};
    if (!sim_ok(&s, model,
                "ID,TIME,AMT,EVID,CMT,RATE,ADDL,II,SS,KA,CL,V,Q,VP\n"
                "1,0,100,1,1,.,9,24,1,1.3,3.7,28,5.5,41\n1,12,50,1,1,.,9,24,2,1.3,3.7,28,5.5,41\n"
                "1,13,.,0,.,.,.,.,.,1.3,3.7,28,5.5,41\n1,30,.,0,.,.,.,.,.,1.3,3.7,28,5.5,41\n1,50,.,0,.,.,.,.,.,1.3,3."
                "7,28,5.5,41\n"))
        return;
    response r = unit(&two, true);
    for (size_t i = 0; i < s.n_row; i++) {
        double t = s.row[i].time, want = after(&r, fmod(t, 24), 100, 0, 24) + after(&r, fmod(t - 12, 24), 50, 0, 24);
        TAP_REL(s.row[i].value[0], want, 1e-8);
    }
    sim_reset(&s);
}

/* Elimination that saturates has no closed form; the steady state must repeat itself, and the infusion balance must
 * hold. */
static void saturable(void) {
    sim s = {.output = {"c", "out"}};
    const char *mm = "model mm()\n var c = 0, out = 0;\n Vm = 10; Km = 2;\n c' = -Vm*c/(Km + c);\n out' = 0;\nend\n";
    if (!sim_ok(&s, mm, "ID,TIME,AMT,EVID,CMT,II,SS,ADDL\n1,0,80,1,1,12,1,1\n1,0,.,0,.,.,.,.\n1,12,.,0,.,.,.,.\n"))
        return;
    TAP_REL(s.row[1].value[0], s.row[0].value[0], 1e-8);
    /* Over one interval: Vm t = c0 - c1 + Km ln(c0/c1), c0 = c1 + dose. */
    double c0 = s.row[0].value[0], c1 = c0 - 80;
    TAP_REL(80 + 2 * log(c0 / c1), 120.0, 1e-8);
    /* More than can be eliminated: there is none, and nothing else is given out. */
    sim_run(&s, mm, "ID,TIME,AMT,EVID,CMT,II,SS\n1,0,130,1,1,12,1\n1,0,.,0,.,.,.\n2,0,80,1,1,12,1\n2,0,.,0,.,.,.\n");
    TAP_INT(s.status, PRC_OK);
    TAP_INT(s.n_failed, 1);
    TAP_STR(s.failed[0], "1");
    TAP_INT(s.outcome[0], PRC_NOT_STEADY);
    TAP_OK(isnan(s.row[0].value[0]));
    TAP_REL(s.row[1].value[0], c0, 1e-8);
    sim_run(&s, "model m()\n var c = 0, out = 0;\n c' = 0;\n out' = 0;\nend\n",
            "ID,TIME,AMT,EVID,CMT,II,SS\n1,0,130,1,1,12,1\n1,0,.,0,.,.,.\n");
    TAP_INT(s.n_failed, 1);
    sim_reset(&s);
}

int main(void) {
    TAP_RUN(one_compartment);
    TAP_RUN(two_compartments);
    TAP_RUN(lag_and_bioavailability);
    TAP_RUN(slow);
    TAP_RUN(two_regimens);
    TAP_RUN(saturable);
    return tap_done();
}
