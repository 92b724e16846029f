/* trial_test.c: trial files, what a trial measures, its allocation, its numbers, its failures, its tables. Runs in the source folder. */
#include "../tap.h"
#include "../../src/trial/trial_int.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NONE ((double)NAN)

/* A trial file on disk for the length of a test. */
static const char *write_trial(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/paracrine-trial-%d.yaml", (int)getpid());
    FILE *f = fopen(path, "w");
    if (f) {
        fputs(text, f);
        fclose(f);
    }
    return path;
}

static prc_trial_spec *read_text(const char *text)
{
    prc_trial_spec *s = NULL;
    prc_error err = {0};
    const char *path = write_trial(text);
    if (!TAP_OK((prc_trial_read(path, ".", NULL, &s, &err)) == PRC_OK)) tap_note("error", err.message);
    unlink(path);
    return s;
}

#define HEAD "title: Small\ncondition: knee-oa\nseed: 5\n"
#define PEOPLE "population: { size_per_arm: 21, include: { kl_grade: [2, 3], vas_pain: { min: 40 } } }\nrandomise: { stratify: [kl_grade, sex], block: 4 }\n"
#define ARMS                                                                                                                           \
    "arms:\n  placebo: { give: saline, route: intra-articular, at: 0 d }\n"                                                            \
    "  m50: { give: msc, source: umbilical-cord, donor: allogeneic, dose: 50e6 cells, route: intra-articular, at: 0 d }\n"             \
    "  m10: { like: m50, dose: 10e6 cells }\n"
#define ENDPOINTS                                                                                                                      \
    "endpoints:\n  primary: { score: vas_pain, at: 12 mo, analysis: [ancova, responder], covariates: [baseline, kl_grade, age] }\n"    \
    "  relief_duration: { score: vas_pain, analysis: duration }\n  tkr: { event: knee_replacement }\n"                                 \
    "  safety: { adverse_events: [joint_swelling] }\n"
#define DROPOUT "dropout: { rate: 20 %/y, mechanism: mar }\n"
#define SMALL HEAD PEOPLE ARMS "visits: [0 d, 3 mo, 12 mo]\n" ENDPOINTS DROPOUT
#define SMALL_MORE_VISITS HEAD PEOPLE ARMS "visits: [0 d, 1 mo, 3 mo, 5 mo, 12 mo]\n" ENDPOINTS DROPOUT

static prc_trial_result *run_spec(const prc_trial_spec *s, int threads, int width)
{
    prc_trial_result *r = NULL;
    prc_error err = {0};
    prc_trial_options o;
    prc_trial_defaults(&o);
    o.n_threads = threads;
    o.width = width;
    o.keep = true;
    if (!s) return NULL;
    if (!TAP_OK((prc_trial_run(s, &o, &r, &err)) == PRC_OK)) tap_note("error", err.message);
    return r;
}

/* ---- what a trial sees --------------------------------------------------------------------------------------- */

static const prc_observable pain = {.name = "pain", .kind = PRC_OB_SCORE, .min = 0, .max = 100, .direction = -1, .residual_sd = 20, .icc = 0.75, .placebo_share = 1, .subject_sd = 4};

static void placebo_response(void)
{
    prc_arm_effect effect = {12, 720, 10}, nothing = {NONE, NONE, NONE};
    prc_observable image = pain;
    image.placebo_share = 0;
    TAP_NEAR(prc_placebo(&pain, &effect, 5), 0, 0);
    TAP_NEAR(prc_placebo(&pain, &effect, 10), 0, 0);
    TAP_NEAR(prc_placebo(&pain, &effect, 190), 12 * (1 - exp(-9.)) * exp(-0.25), 1e-12);
    TAP_NEAR(prc_placebo(&image, &effect, 190), 0, 0);
    TAP_NEAR(prc_placebo(&pain, &nothing, 190), 0, 0);
    TAP_NEAR(prc_placebo(&pain, NULL, 190), 0, 0);
}

static void measurement(void)
{
    enum { N = 4000 };
    static double a[N], b[N], diff[N], sum[N];
    prc_arm_effect effect = {12, 720, 0};
    for (uint32_t i = 0; i < N; i++) {
        a[i] = prc_measure(NULL, NULL, &pain, 9, 0, i, 0, 50, NULL, false, 0);
        b[i] = prc_measure(NULL, NULL, &pain, 9, 0, i, 90, 50, NULL, false, 0);
        diff[i] = a[i] - b[i];
        sum[i] = (a[i] + b[i]) / 2;
    }
    /* Noise 20*sqrt(0.25) = 10 a visit, 4 a patient; four standard errors of an SD of 4000 are 4.5 %. */
    TAP_NEAR(prc_stat_sd(diff, N), 10 * sqrt(2.), 0.64);
    TAP_NEAR(prc_stat_sd(sum, N), sqrt(50 + 16.), 0.37);
    TAP_NEAR(prc_stat_mean(a, N, 0.95).estimate, 50, 4 * 10.8 / sqrt(N));
    /* The same day is the same measurement; the placebo response improves. */
    TAP_NEAR(prc_measure(NULL, NULL, &pain, 9, 0, 3, 90, 50, &effect, false, 0) - b[3], -prc_placebo(&pain, &effect, 90), 1e-12);
    prc_observable up = pain, graded = pain, readout = pain;
    up.direction = 1;
    TAP_NEAR(prc_measure(NULL, NULL, &up, 9, 0, 3, 90, 50, &effect, false, 0) - b[3], prc_placebo(&pain, &effect, 90), 1e-12);
    graded.rounding = 7;
    for (uint32_t i = 0; i < 200; i++) a[i] = prc_measure(NULL, NULL, &graded, 9, 0, i, 0, 97, NULL, false, 0);
    bool clipped = false, stepped = true;
    for (int i = 0; i < 200; i++) {
        clipped = clipped || a[i] == 100;
        stepped = stepped && (a[i] == 100 || fmod(a[i], 7) == 0);
    }
    TAP_OK(clipped && stepped);
    readout.kind = PRC_OB_READOUT;
    TAP_NEAR(prc_measure(NULL, NULL, &readout, 9, 0, 3, 90, 50, NULL, false, 0), NONE, 0);
    TAP_NEAR(prc_measure(NULL, NULL, &pain, 9, 0, 3, 90, NONE, NULL, false, 0), NONE, 0);
}

static void trial_bias(void)
{
    prc_trial_spec *s = read_text(SMALL);
    if (!s) return;
    const prc_condition *c = s->condition;
    const prc_observable *ob = &c->observable[prc_condition_observable(c, "vas_pain")], *image = &c->observable[prc_condition_observable(c, "mocart")];
    prc_arm_effect effect = {12, 720, 0};
    double mean = c->typical.value[prc_condition_row(c, "trial.bias_mean")];
    prc_observable fine = *ob, fine_image = *image;
    fine.rounding = fine_image.rounding = 0;
#define SEEN(o, active, bias) prc_measure(c, &c->typical, o, 1, 0, 7, 365, 50, &effect, active, bias)
    TAP_NEAR(SEEN(&fine, true, 1) - SEEN(&fine, true, 0), -mean, 1e-9);
    TAP_NEAR(SEEN(&fine, false, 1) - SEEN(&fine, false, 0), 0, 0);
    TAP_NEAR(SEEN(&fine_image, true, 1) - SEEN(&fine_image, true, 0), 0, 0);
    prc_trial_spec_free(s);
}

/* ---- files --------------------------------------------------------------------------------------------------- */

static void shipped_trials(void)
{
    static const char *const files[] = {"trials/knee-oa-dose.yaml", "trials/knee-oa-early-late.yaml", "trials/knee-oa-comparators.yaml"};
    static const size_t arms[] = {5, 4, 5}, populations[] = {1, 2, 1};
    for (int i = 0; i < 3; i++) {
        prc_trial_spec *s = NULL;
        prc_error err = {0};
        if (!TAP_OK((prc_trial_read(files[i], ".", NULL, &s, &err)) == PRC_OK)) tap_note("error", err.message);
        if (!s) continue;
        TAP_INT(s->arms->n, arms[i]);
        TAP_INT(s->n_population, populations[i]);
        prc_trial_spec_free(s);
    }
    prc_trial_spec *s = NULL;
    uint64_t seed = 77;
    TAP_INT(prc_trial_read(files[0], ".", &seed, &s, NULL), PRC_OK);
    if (!s) return;
    TAP_INT(s->seed, 77);
    TAP_INT(s->population[0].size_per_arm, 200);
    TAP_INT(s->block, 10);
    TAP_NEAR(s->horizon, 730.5, 1e-9);
    TAP_INT(s->missing, PRC_MISSING_MAR);
    TAP_NEAR(s->dropout_rate, 0.08, 1e-12);
    TAP_STR(s->endpoint[0].name, "primary");
    TAP_INT(s->endpoint[0].n_covariate, 2);
    TAP_INT(s->endpoint[0].covariate[0], -1);
    TAP_NEAR(s->endpoint[0].at, 365.25, 1e-9);
    TAP_INT(s->endpoint[2].analyses, 1u << PRC_AN_KAPLAN_MEIER | 1u << PRC_AN_LOGRANK);
    TAP_INT(s->n_adverse, 2);
    TAP_INT(strlen(s->sha256), 64);
    TAP_STR(s->visit_label[4], "12 mo");
    /* A different reading of the block: rounded up to whole rounds of the arms. */
    prc_trial_spec_free(s);
    s = read_text(SMALL);
    if (s) TAP_INT(s->block, 6);
    prc_trial_spec_free(s);
}

static void template(void)
{
    prc_condition *c = NULL;
    prc_error err = {0};
    char *text = NULL;
    TAP_INT(prc_condition_load(".", "knee-oa", &c, &err), PRC_OK);
    if (!c) return;
    TAP_INT(prc_trial_template(c, &text, &err), PRC_OK);
    prc_trial_spec *s = read_text(text);
    if (s) {
        TAP_INT(s->arms->n, 3);
        TAP_OK(s->n_endpoint >= 4);
    } else printf("%s", text);
    prc_trial_spec_free(s);
    prc_free(text);
    prc_condition_free(c);
}

/* Every broken file gives one error with a place and a cure. The exact words are tested by tests/bad/run. */
static void broken_files(void)
{
    DIR *d = opendir("tests/bad/trial");
    if (!TAP_OK(d != NULL)) return;
    for (struct dirent *f; (f = readdir(d));) {
        char path[512];
        prc_trial_spec *s = NULL;
        prc_error err = {0};
        size_t len = strlen(f->d_name);
        if (len < 6 || strcmp(f->d_name + len - 5, ".yaml") != 0) continue;
        snprintf(path, sizeof path, "tests/bad/trial/%s", f->d_name);
        prc_status st = prc_trial_read(path, ".", NULL, &s, &err);
        TAP_THAT(st != PRC_OK && prc_status_exit(st) == 3, "%s is refused", f->d_name);
        TAP_THAT((err.line > 0 || strcmp(f->d_name, "empty.yaml") == 0) && err.message[0] && strstr(err.source, f->d_name), "%s:%d:%d: %.*s", f->d_name, err.line, err.col, (int)strcspn(err.message, "\n"), err.message);
        prc_trial_spec_free(s);
    }
    closedir(d);
    prc_trial_spec *s = NULL;
    prc_error err;
    TAP_INT(prc_trial_read("no/such/file.yaml", ".", NULL, &s, &err), PRC_E_IO);
    TAP_INT(prc_trial_read(".", ".", NULL, &s, &err), PRC_E_IO);
}

/* ---- the run ------------------------------------------------------------------------------------------------- */

static void time_grid(void)
{
    double visit[3] = {0, 28, 100.5}, *t;
    size_t n;
    prc_trial_spec s = {.visit = visit, .n_visit = 3, .horizon = 120};
    TAP_INT(prc_trial_times(&s, &t, &n, NULL), PRC_OK);
    const double want[] = {0, 28, 56, 84, 100.5, 112, 120};
    TAP_INT(n, 7);
    for (size_t k = 0; k < 7 && k < n; k++) TAP_NEAR(t[k], want[k], 0);
    prc_free(t);
    TAP_NEAR(prc_trial_step(9 * 365.25), 55, 0);
    TAP_NEAR(prc_trial_step(730.5), 28, 0);
}

static void allocation(const prc_trial_result *r)
{
    size_t arm[3] = {0}, stratum_arm[3] = {0};
    bool exact = true;
    for (size_t k = 0; k < r->n_subject; k++) arm[r->subject[k].arm]++;
    TAP_INT(arm[0], 21);
    TAP_INT(arm[1], 21);
    TAP_INT(arm[2], 21);
    char name[PRC_USUBJID_MAX];
    prc_subject_name(r, &r->subject[0], name);
    TAP_STR(name, "ALL-000001");
    /* Within a stratum the arms differ by at most what is left over from whole blocks. */
    for (size_t k = 0; k < r->n_subject; k++) {
        memset(stratum_arm, 0, sizeof stratum_arm);
        for (size_t j = 0; j < r->n_subject; j++)
            if (strcmp(r->subject[j].stratum, r->subject[k].stratum) == 0) stratum_arm[r->subject[j].arm]++;
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) exact = exact && stratum_arm[a] <= stratum_arm[b] + 5;
    }
    TAP_OK(exact);
    TAP_HAS(r->subject[0].stratum, "kl_grade=");
}

static void screening(const prc_trial_result *r)
{
    const prc_population_run *p = &r->population[0];
    const prc_condition *c = r->spec->condition;
    size_t vas = (size_t)prc_condition_observable(c, "vas_pain"), kl = (size_t)prc_condition_covariate(c, "kl_grade");
    bool good = true;
    for (size_t i = 0; i < p->cohort->n; i++) {
        double grade = p->cohort->covariate[i * p->cohort->n_covariate + kl];
        good = good && p->screening[i * c->n_observable + vas] >= 40 && (grade == 2 || grade == 3);
    }
    TAP_OK(good);
    TAP_OK(p->n_screened >= p->cohort->n + p->n_not_eligible);
    TAP_THAT(p->regression_to_mean < 0, "regression to the mean is %g", p->regression_to_mean);
    TAP_OK(p->criterion_failed[0] > 0 && p->criterion_failed[1] > 0);
}

/* What a subject shows agrees with how he left. */
static void dispositions(const prc_trial_result *r)
{
    size_t lost = 0, wrong = 0;
    for (size_t k = 0; k < r->n_subject; k++) {
        const prc_subject *u = &r->subject[k];
        lost += u->disposition == PRC_DROPPED_OUT;
        for (size_t v = 0; v < r->spec->n_visit; v++) {
            bool there = !isnan(*prc_score_at(r, k, v, (size_t)r->spec->endpoint[0].observable));
            if (u->disposition == PRC_COMPLETED || u->disposition == PRC_DROPPED_OUT) wrong += there != (r->spec->visit[v] <= u->dropout_day);
        }
    }
    TAP_INT(wrong, 0);
    TAP_INT(lost, r->n_lost);
    TAP_THAT(lost > 0 && lost < r->n_subject / 2, "%zu lost", lost);
}

static void results(const prc_trial_result *r)
{
    TAP_INT(r->n_result, 3);
    const prc_endpoint_result *x = &r->result[0], *relief = &r->result[1], *tkr = &r->result[2];
    double none = *prc_score_at(r, 0, 0, 0);
    TAP_OK(!isnan(none));
    TAP_THAT(x->true_diff[1] < -2 && x->true_diff[1] > -20, "true difference of 50 M is %g", x->true_diff[1]);
    TAP_THAT(x->true_diff[1] < x->true_diff[2], "50 M (%g) beats 10 M (%g)", x->true_diff[1], x->true_diff[2]);
    TAP_NEAR(x->true_diff[0], NONE, 0);
    TAP_NEAR(x->true_diff[1], x->true_value[1] - x->true_value[0], 1e-12);
    TAP_THAT(fabs(x->diff[1].estimate - x->true_diff[1]) < 5 * x->diff[1].se, "estimate %g of %g", x->diff[1].estimate, x->true_diff[1]);
    TAP_INT(x->evaluated[1], 21);
    TAP_OK(x->responders[1] <= 21 && !isnan(x->rate[1].estimate) && !isnan(x->risk_diff[1].p));
    TAP_NEAR(x->mcid, 15, 0);
    TAP_OK(relief->duration_mean[1] >= 0 && relief->duration_mean[1] <= 12.0001);
    TAP_OK(relief->true_value[1] > relief->true_value[0]);
    TAP_INT(tkr->km[0].n, 21);
    TAP_OK(tkr->event_pct_true[0] >= 0 && tkr->survival[0].estimate <= 1);
}

static bool same_bytes(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}

/* Two runs of the same file give the same bytes. */
static bool same_runs(const prc_trial_result *a, const prc_trial_result *b)
{
    const prc_truth *s = a->population[0].truth, *t = b->population[0].truth;
    size_t runs = s->n_arm * s->n_patient, values = runs * s->n_time * s->n_observable;
    return a->n_subject == b->n_subject && same_bytes(a->score, b->score, a->n_subject * a->spec->n_visit * a->spec->condition->n_observable * sizeof(double)) &&
           s->n_time == t->n_time && same_bytes(s->value, t->value, values * sizeof(double)) && same_bytes(s->event_time, t->event_time, runs * s->n_observable * sizeof(double)) &&
           a->n_ae == b->n_ae && a->n_lost == b->n_lost;
}

static void small_trial(void)
{
    prc_trial_spec *s = read_text(SMALL);
    prc_trial_result *one = run_spec(s, 1, 0), *two = run_spec(s, 2, 8);
    if (one) {
        allocation(one);
        screening(one);
        dispositions(one);
        results(one);
    }
    if (one && two) TAP_OK(same_runs(one, two));
    prc_trial_result_free(one);
    prc_trial_result_free(two);
    prc_trial_spec_free(s);
}

/* The values at 0, 3 and 12 months, and who is there, do not depend on visits at 1 and 5 months. */
static void another_visit(void)
{
    prc_trial_spec *few = read_text(SMALL), *more = read_text(SMALL_MORE_VISITS);
    prc_trial_result *a = run_spec(few, 2, 0), *b = run_spec(more, 2, 0);
    static const size_t visit[3] = {0, 2, 4};
    if (a && b) {
        size_t differ = 0, values = 0;
        for (size_t k = 0; k < a->n_subject; k++)
            for (size_t v = 0; v < 3; v++)
                for (size_t o = 0; o < few->condition->n_observable; o++) {
                    double x = *prc_score_at(a, k, v, o), y = *prc_score_at(b, k, visit[v], o);
                    differ += memcmp(&x, &y, sizeof x) != 0;
                    if (!isnan(x)) values++;
                }
        TAP_INT(differ, 0);
        TAP_OK(values > 500);
        TAP_NEAR(b->result[1].duration_mean[1], a->result[1].duration_mean[1], 0);
        TAP_NEAR(b->result[0].diff[1].estimate, a->result[0].diff[1].estimate, 0);
    }
    prc_trial_result_free(a);
    prc_trial_result_free(b);
    prc_trial_spec_free(few);
    prc_trial_spec_free(more);
}

/* A patient whose parameter is no number is an outcome; everybody else's course keeps its bits. */
static void one_patient_fails(void)
{
    prc_trial_spec *s = read_text(SMALL);
    if (!s) return;
    prc_engine *e = NULL;
    prc_cohort *all = NULL, *rest = NULL;
    prc_truth *with = NULL, *without = NULL;
    uint32_t id[6] = {1, 2, 3, 4, 5, 6};
    size_t others[5] = {0, 1, 3, 4, 5}, differ = 0;
    double time[3] = {0, 100, 365};
    prc_error err = {0};
    TAP_INT(prc_engine_create(s->condition, &e, &err), PRC_OK);
    TAP_INT(prc_cohort_draw(e, &s->condition->typical, 3, 0, id, 6, 1, &all, &err), PRC_OK);
    int k = prc_model_find(s->condition->model, "v_K");
    TAP_OK(k >= 0);
    if (!all || k < 0) goto out;
    all->param[2 * all->n_param + (size_t)s->condition->model->var[k].slot] = NONE;
    TAP_INT(prc_cohort_subset(all, others, 5, &rest, &err), PRC_OK);
    TAP_INT(prc_truth_simulate(e, &s->condition->typical, all, s->arms->arm, 3, time, 3, 365, 2, NULL, &with, &err), PRC_OK);
    TAP_INT(prc_truth_simulate(e, &s->condition->typical, rest, s->arms->arm, 3, time, 3, 365, 1, NULL, &without, &err), PRC_OK);
    if (!with || !without) goto out;
    for (size_t a = 0; a < 3; a++) {
        TAP_OK(prc_outcome_failed(with->outcome[a * 6 + 2]));
        TAP_OK(with->stop_time[a * 6 + 2] < 365);
        TAP_NEAR(PRC_TRUTH_AT(with, a, 2, 2, 0), NONE, 0);
        for (size_t i = 0; i < 5; i++)
            for (size_t t = 0; t < 3; t++)
                for (size_t o = 0; o < with->n_observable; o++)
                    differ += memcmp(&PRC_TRUTH_AT(with, a, others[i], t, o), &PRC_TRUTH_AT(without, a, i, t, o), sizeof(double)) != 0;
    }
    TAP_INT(differ, 0);
out:
    prc_truth_free(with);
    prc_truth_free(without);
    prc_cohort_free(all);
    prc_cohort_free(rest);
    prc_engine_free(e);
    prc_trial_spec_free(s);
}

/* ---- who leaves, what goes wrong ----------------------------------------------------------------------------- */

#define MANY "population: { size_per_arm: 400 }\narms:\n  steroid: { give: corticosteroid, route: intra-articular, at: 0 d }\n" \
             "  cord: { give: msc, source: umbilical-cord, donor: allogeneic, dose: 20e6 cells, route: intra-articular, at: 0 d }\n" \
             "visits: [0 d, 12 mo]\nendpoints:\n  primary: { score: vas_pain }\n  safety: { adverse_events: [joint_swelling] }\n"

/* Mean change of reported pain: at the last monthly report of those who left, or at day 168 of those who stayed. */
static double last_report(const prc_trial_result *r, bool left)
{
    const prc_trial_spec *s = r->spec;
    const prc_truth *t = r->population[0].truth;
    size_t o = (size_t)s->endpoint[0].observable;
    const prc_observable *ob = &s->condition->observable[o];
    double sum = 0, n = 0;
    for (size_t k = 0; k < r->n_subject; k++) {
        const prc_subject *u = &r->subject[k];
        if ((u->disposition == PRC_DROPPED_OUT) != left || u->dropout_day < 28) continue;
        double day = left ? 28 * floor(u->dropout_day / 28) : 168;
        double now = PRC_TRUTH_AT(t, u->arm, u->member, prc_time_index(t, day), o), start = PRC_TRUTH_AT(t, u->arm, u->member, 0, o);
        sum += prc_measure(s->condition, &s->condition->typical, ob, s->seed, 0, u->id, day, now, &t->effect[u->arm], true, 0) -
               prc_measure(s->condition, &s->condition->typical, ob, s->seed, 0, u->id, 0, start, &t->effect[u->arm], true, 0);
        n++;
    }
    return sum / n;
}

static void many_patients(void)
{
    static const char *const mechanisms[] = {"mcar", "mar", "mnar"};
    for (int m = 0; m < 3; m++) {
        char text[2048];
        snprintf(text, sizeof text, "%s%sdropout: { rate: 30 %%/y, mechanism: %s }\n", HEAD, MANY, mechanisms[m]);
        prc_trial_spec *s = read_text(text);
        prc_trial_result *r = run_spec(s, 2, 0);
        if (r) {
            size_t swollen[2] = {0};
            double share = (double)r->n_lost / 800;
            TAP_THAT(fabs(share - (1 - exp(-0.3))) < 0.08, "%s: %g leave in a year", mechanisms[m], share);
            /* 24.1 % and 7.4 % of 400: within four standard errors. */
            for (size_t a = 0; a < 2; a++) swollen[a] = prc_ae_events(r, 0, a, 0);
            TAP_THAT(fabs((double)swollen[0] - 29.6) < 21 && fabs((double)swollen[1] - 96.4) < 35, "joint swelling %zu and %zu of 400", swollen[0], swollen[1]);
            double worse = last_report(r, true) - last_report(r, false);
            /* Expected 0.02 times the variance of a reported change, about 12 points, when leaving follows the reports; 0 when it does not. Standard error 2. */
            if (m == 0) TAP_THAT(fabs(worse) < 6, "mcar: those who leave reported %g worse", worse);
            if (m == 1) TAP_THAT(worse > 6 && worse < 25, "mar: those who leave reported %g worse", worse);
        }
        prc_trial_result_free(r);
        prc_trial_spec_free(s);
    }
}

static void nobody_eligible(void)
{
    prc_trial_spec *s = read_text(HEAD "population: { size_per_arm: 5, include: { age: { min: 84 }, kl_grade: [1], bmi: { max: 19 } } }\n" ARMS "visits: [0 d, 12 mo]\n" ENDPOINTS);
    prc_trial_result *r = NULL;
    prc_trial_options o;
    prc_error err = {0};
    prc_trial_defaults(&o);
    if (s) TAP_INT(prc_trial_run(s, &o, &r, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "eligible");
    TAP_HAS(err.message, "bmi keeps");
    prc_trial_spec_free(s);
}

/* A run that needs more memory than the machine has is refused at once: it does when all is kept, and a stream of a million patients needs little. */
static void too_large(void)
{
    prc_trial_spec *s = read_text(HEAD "population: { size_per_arm: 1000000 }\n" ARMS "visits: [0 d, 12 mo]\nhorizon: 20 y\n" ENDPOINTS);
    prc_trial_result *r = NULL;
    prc_trial_options o;
    prc_error err = {0};
    double *t = NULL;
    size_t n = 0;
    prc_trial_defaults(&o);
    if (!s || prc_trial_times(s, &t, &n, NULL) != PRC_OK) return;
    TAP_THAT(prc_trial_bytes_per_patient(s, &o, n) < 200, "%g bytes per patient", prc_trial_bytes_per_patient(s, &o, n));
    TAP_OK(prc_trial_bytes(s, &o, n) < 1e9);
    o.keep = true;
    if (prc_trial_bytes(s, &o, n) > (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE)) {
        TAP_INT(prc_trial_run(s, &o, &r, &err), PRC_E_MEMORY);
        TAP_HAS(err.message, "GB of memory");
    } else TAP_SKIP("this machine has the memory");
    prc_free(t);
    prc_trial_spec_free(s);
}

static bool stop_at_once(void *ctx, const char *stage, double done, double total)
{
    (void)stage;
    (void)done;
    (void)total;
    return ++*(int *)ctx < 2;
}

static void interrupted(void)
{
    prc_trial_spec *s = read_text(SMALL);
    int calls = 0;
    prc_progress progress = {stop_at_once, &calls};
    prc_trial_result *r = NULL;
    prc_trial_options o;
    prc_trial_defaults(&o);
    o.progress = &progress;
    if (s) TAP_INT(prc_trial_run(s, &o, &r, NULL), PRC_E_INTERRUPTED);
    TAP_OK(r == NULL);
    prc_trial_spec_free(s);
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

static size_t rows_of(const char *dir, const char *name, const char *const *columns, size_t n)
{
    char path[256];
    prc_table *t = NULL;
    prc_error err = {0};
    size_t rows = 0;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (TAP_OK((prc_table_read(path, PRC_CSV, &t, &err)) == PRC_OK)) {
        for (size_t i = 0; i < n; i++) TAP_THAT(prc_table_col(t, columns[i]) >= 0, "%s has %s", name, columns[i]);
        rows = t->n_row;
    } else tap_note("error", err.message);
    prc_table_free(t);
    return rows;
}

/* Runs a trial in chunks of so many patients into a folder. */
static prc_trial_result *run_tables(const prc_trial_spec *s, int threads, size_t chunk, const char *dir)
{
    prc_trial_result *r = NULL;
    prc_outdir *d = NULL;
    prc_error err = {0};
    prc_trial_options o;
    prc_trial_defaults(&o);
    o.n_threads = threads;
    o.chunk = chunk;
    o.keep = chunk == SIZE_MAX;
    if (!s || !TAP_OK(prc_outdir_create(dir, true, &d, NULL) == PRC_OK)) return NULL;
    o.dir = d;
    if (!TAP_OK((prc_trial_run(s, &o, &r, &err)) == PRC_OK)) tap_note("error", err.message);
    if (r && !TAP_OK((prc_trial_tables(r, d, &err)) == PRC_OK)) tap_note("error", err.message);
    TAP_INT(prc_outdir_commit(d, NULL), PRC_OK);
    return r;
}

/* The files and the numbers of the analyses do not depend on how many patients are simulated at a time, nor on threads. */
static void chunks(void)
{
    static const size_t chunk[] = {SIZE_MAX, 7, 40};
    prc_trial_spec *s = read_text(SMALL "subgroups: [kl_grade]\n");
    prc_trial_result *r[3] = {NULL};
    char dir[3][64], command[512];
    for (int k = 0; k < 3; k++) {
        snprintf(dir[k], sizeof dir[k], "/tmp/paracrine-chunk-%d-%d", (int)getpid(), k);
        r[k] = run_tables(s, 1 + k % 2, chunk[k], dir[k]);
    }
    for (int k = 1; k < 3 && r[0] && r[k]; k++) {
        snprintf(command, sizeof command, "diff -r %s %s", dir[0], dir[k]);
        TAP_THAT(system(command) == 0, "chunks of %zu patients write what one chunk writes", chunk[k]);
        for (size_t m = 0; m < r[0]->n_result; m++)
            for (size_t a = 0; a < 3; a++) {
                TAP_NEAR(r[k]->result[m].true_value[a], r[0]->result[m].true_value[a], 0);
                TAP_NEAR(r[k]->result[m].diff[a].estimate, r[0]->result[m].diff[a].estimate, 0);
            }
        TAP_NEAR(r[k]->population[0].regression_to_mean, r[0]->population[0].regression_to_mean, 0);
        TAP_NEAR(prc_baseline(r[k], 0, 3, -1, 0)->sd, prc_baseline(r[0], 0, 3, -1, 0)->sd, 0);
        TAP_OK(r[k]->population[0].truth == NULL && r[k]->score == NULL);
    }
    snprintf(command, sizeof command, "rm -r %s %s %s", dir[0], dir[1], dir[2]);
    TAP_INT(system(command), 0);
    for (int k = 0; k < 3; k++) prc_trial_result_free(r[k]);
    prc_trial_spec_free(s);
}

/* Quantiles from counts: within 0.1 % of those of the numbers, the same in any order, exact while the numbers are few. */
static void bins(void)
{
    enum { N = 30000 };
    static double x[N], y[N];
    static const double at[5] = {0.05, 0.25, 0.5, 0.75, 0.95};
    double want[5], got[5], back[5];
    for (int kind = 0; kind < 4; kind++) {
        size_t n = kind == 3 ? PRC_EXACT_VALUES : N;
        prc_bins *a = NULL, *b = NULL;
        bool added = prc_bins_create(2, &a, NULL) == PRC_OK && prc_bins_create(2, &b, NULL) == PRC_OK;
        for (size_t i = 0; i < n; i++) {
            double z = prc_normal(5, (uint32_t)i, 1, 0, 0);
            x[i] = kind == 1 ? prc_exp(8 * z) : kind == 2 ? floor(3 + z) : 20 * z;
            y[i] = x[i];
        }
        for (size_t i = 0; added && i < n; i++) added = prc_bins_add(a, 1, x[i]) && prc_bins_add(b, 1, y[n - 1 - i]);
        TAP_OK(added);
        TAP_INT(prc_bins_count(a, 1), n);
        TAP_INT(prc_bins_count(a, 0), 0);
        TAP_INT(prc_stat_quantiles(x, n, at, 5, want, NULL), PRC_OK);
        TAP_INT(prc_bins_quantiles(a, 1, at, 5, got, NULL), PRC_OK);
        TAP_INT(prc_bins_quantiles(b, 1, at, 5, back, NULL), PRC_OK);
        for (int k = 0; k < 5; k++) {
            TAP_NEAR(got[k], want[k], kind >= 2 ? 0 : 1e-3 * fabs(want[k]));
            TAP_NEAR(back[k], got[k], 0);
        }
        prc_bins_free(a);
        prc_bins_free(b);
    }
}

/* Counts beyond 16 bits, and values of both signs that repeat. */
static void many_equal(void)
{
    prc_bins *b = NULL;
    bool added = prc_bins_create(1, &b, NULL) == PRC_OK;
    for (size_t i = 0; added && i < 200000; i++) added = prc_bins_add(b, 0, i % 4 == 0 ? -100 : i % 4 == 1 ? 0 : 100);
    static const double at[3] = {0.1, 0.4, 0.9};
    double q[3];
    TAP_OK(added);
    TAP_INT(prc_bins_quantiles(b, 0, at, 3, q, NULL), PRC_OK);
    TAP_NEAR(q[0], -100, 0);
    TAP_NEAR(q[1], 0, 0);
    TAP_NEAR(q[2], 100, 0);
    prc_bins_free(b);
}

static void tables(void)
{
    static const char *const adsl[] = {"STUDYID", "USUBJID", "SUBJID", "ARM", "TRT01P", "TRT01PN", "AGE", "SEX", "KL_GRADE", "STRATUM", "SAFFL", "ITTFL", "COMPFL", "DCDECOD", "DCDAY", "POP"};
    static const char *const adqs[] = {"STUDYID", "USUBJID", "ARM", "TRT01P", "PARAMCD", "PARAM", "AVISIT", "AVISITN", "ADY", "AVAL", "BASE", "CHG", "PCHG", "ABLFL", "DTYPE"};
    static const char *const adtte[] = {"USUBJID", "ARM", "PARAMCD", "PARAM", "AVAL", "CNSR", "EVNTDESC"};
    prc_trial_spec *s = read_text(SMALL "subgroups: [kl_grade]\n");
    char dir[64], command[128];
    snprintf(dir, sizeof dir, "/tmp/paracrine-out-%d", (int)getpid());
    prc_trial_result *r = run_tables(s, 2, 0, dir);
    if (!TAP_OK(r != NULL)) goto out;
    TAP_INT(rows_of(dir, "adsl.csv", adsl, 16), 63);
    TAP_OK(rows_of(dir, "adqs.csv", adqs, 15) > 800);
    TAP_INT(rows_of(dir, "adtte.csv", adtte, 7), 126);
    TAP_OK(rows_of(dir, "adae.csv", adtte, 2) > 0);
    TAP_INT(rows_of(dir, "failures.csv", adtte, 2), r->n_failure);
    TAP_OK(rows_of(dir, "trajectories.csv", adsl, 0) > 300);
    TAP_INT(rows_of(dir, "subgroups.csv", adsl, 0), r->n_subgroup * 3);
    snprintf(command, sizeof command, "rm -r %s", dir);
    TAP_INT(system(command), 0);
out:
    prc_trial_result_free(r);
    prc_trial_spec_free(s);
}

/* Memory of the shipped trials within a factor 1.5 of what they take, each in a process of its own; time loosely, since others work on the machine too. */
static void estimate(void)
{
    static const char *const files[] = {"trials/knee-oa-dose.yaml", "trials/knee-oa-early-late.yaml", "trials/knee-oa-comparators.yaml"};
    for (int i = 0; i < 3; i++) {
        double got[4] = {0};
        int pipes[2];
        for (int run = 0; run < 2; run++) {
            if (!TAP_OK(pipe(pipes) == 0)) return;
            fflush(stdout);
            pid_t child = fork();
            if (child == 0) {
                prc_trial_spec *s = NULL;
                prc_trial_result *r = NULL;
                prc_trial_options o;
                prc_trial_cost c = {0};
                double out[2] = {0};
                prc_trial_defaults(&o);
                o.n_threads = 2;
                prc_status st = prc_trial_read(files[i], ".", NULL, &s, NULL);
                if (st == PRC_OK && run == 0) st = prc_trial_estimate(s, &o, &c, NULL);
                if (st == PRC_OK && run == 1) st = prc_trial_run(s, &o, &r, NULL);
                struct rusage u;
                getrusage(RUSAGE_SELF, &u);
                out[0] = run == 0 ? c.bytes : (double)u.ru_maxrss * 1024;
                out[1] = run == 0 ? c.seconds : r ? r->seconds_total : 0;
                ssize_t written = write(pipes[1], out, sizeof out);
                _exit(st == PRC_OK && written == sizeof out ? 0 : 1);
            }
            int status = 1;
            TAP_OK(read(pipes[0], got + 2 * run, 2 * sizeof *got) == 2 * sizeof *got);
            waitpid(child, &status, 0);
            close(pipes[0]);
            close(pipes[1]);
            TAP_INT(status, 0);
        }
#if defined(__SANITIZE_ADDRESS__)
        TAP_SKIP("the sanitizer takes memory of its own");
#else
        TAP_THAT(got[0] < 1.5 * got[2] && got[2] < 1.5 * got[0], "%s: %.1f MB estimated, %.1f MB taken", files[i], got[0] / 1e6, got[2] / 1e6);
#endif
        TAP_THAT(got[1] < 4 * got[3] && got[3] < 4 * got[1], "%s: %.2f s estimated, %.2f s taken", files[i], got[1], got[3]);
    }
}

/* Allocations fail here and there while a file is read and a trial runs: an error, no leak (ASan). */
static void out_of_memory(void)
{
    const char *path = write_trial(SMALL);
    prc_trial_spec *s = NULL;
    size_t bad = 0, tries = 0;
    for (long k = 1; k < 60000 && tries < 60; k = k + 1 + k / 8, tries++) {
        prc_memory_fail_at(k);
        prc_status st = prc_trial_read(path, ".", NULL, &s, NULL);
        prc_memory_fail_at(0);
        if (st == PRC_OK) break;
        bad += st != PRC_E_MEMORY;
    }
    TAP_INT(bad, 0);
    prc_trial_spec_free(s);
    s = NULL;
    if (prc_trial_read(path, ".", NULL, &s, NULL) != PRC_OK) return;
    unlink(path);
    prc_trial_options o;
    prc_trial_defaults(&o);
    o.n_threads = 1;
    bad = tries = 0;
    for (long k = 1; tries < 60; k = k + 1 + k / 6, tries++) {
        prc_trial_result *r = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_trial_run(s, &o, &r, NULL);
        prc_memory_fail_at(0);
        prc_trial_result_free(r);
        if (st == PRC_OK) break;
        bad += st != PRC_E_MEMORY;
    }
    TAP_INT(bad, 0);
    TAP_OK(tries > 20);
    prc_trial_spec_free(s);
}

int main(void)
{
    TAP_RUN(placebo_response);
    TAP_RUN(measurement);
    TAP_RUN(trial_bias);
    TAP_RUN(shipped_trials);
    TAP_RUN(template);
    TAP_RUN(broken_files);
    TAP_RUN(time_grid);
    TAP_RUN(small_trial);
    TAP_RUN(another_visit);
    TAP_RUN(one_patient_fails);
    TAP_RUN(many_patients);
    TAP_RUN(nobody_eligible);
    TAP_RUN(too_large);
    TAP_RUN(interrupted);
    TAP_RUN(bins);
    TAP_RUN(many_equal);
    TAP_RUN(chunks);
    TAP_RUN(tables);
    TAP_RUN(estimate);
    TAP_RUN(out_of_memory);
    return tap_done();
}
