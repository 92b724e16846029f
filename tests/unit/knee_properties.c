/* Properties that the knee model must have whatever its numbers are. */
#include "knee_setup.h"

#define YEAR 365.25

/* ---- health ---------------------------------------------------------------------------------------------------- */

/* With the disease switched off the model's own start is a fixed point: no state and no observable moves. */
static void health_is_a_fixed_point(void) {
    static const double time[] = {0, 10 * YEAR};
    prc_cohort *c = knee_typical(2);
    size_t n = knee_states->n_output;
    double *param = knee_alloc(c->n_param, sizeof *param), *out = knee_alloc(2 * n, sizeof *out), worst = 0;
    prc_job_result result;
    memcpy(param, c->param, c->n_param * sizeof *param);
    param[knee->model->var[prc_model_find(knee->model, knee->disease_switch)].slot] = knee->disease_off;
    prc_job job = {.t1 = time[1], .param = param, .n_time = 2, .time = time}; /* no start: the model's own values */
    knee_need(
        prc_solve_all(knee_states, &knee_engine->options, 1, &job, 1, 2, out, NULL, NULL, &result, NULL, &knee_err),
        "ten years");
    TAP_INT(result.outcome, PRC_DONE);
    for (size_t i = 0; i < n; i++) {
        double moved = fabs(out[n + i] - out[i]);
        if (!(moved < 1e-9))
            TAP_THAT(false, "column %zu (%s) moved by %g", i,
                     i < c->n_state ? knee_states->state_name[i] : "an observable", moved);
        worst = moved <= worst ? worst : moved;
    }
    TAP_THAT(worst < 1e-9, "largest drift in ten years: %g", worst);
    TAP_NEAR(out[knee_column("vas_pain")], 0, 0);
    TAP_NEAR(out[knee_column("womac_total")], 0, 0);
    prc_free(param), prc_free(out);
    prc_cohort_free(c);
}

/* ---- no cells, no effect ---------------------------------------------------------------------------------------- */

enum { NONE, SALINE, VEHICLE, ZERO_CELLS, N_BLANK };

static void no_cells_no_effect(void) {
    static const char *const text[N_BLANK] = {
        "none", "{give: saline, route: intra-articular, at: 0 d}", KNEE_MSC50,
        "{give: msc, source: adipose, donor: allogeneic, dose: 0 cells, route: intra-articular, at: 0 d}"};
    double time[27];
    prc_arms *arms[N_BLANK];
    prc_arm arm[N_BLANK];
    prc_cohort *c = knee_draw(&knee->typical, 0, 60);
    prc_truth *t = NULL;
    size_t signal = (size_t)prc_condition_observable(knee, "signal"), wrong_signal = 0;
    for (size_t k = 0; k < 27; k++) time[k] = 28.0 * (double)k;
    for (size_t a = 0; a < N_BLANK; a++) {
        knee_need(prc_arm_parse(knee, text[a], "test", 1, &arms[a], &knee_err), text[a]);
        arm[a] = arms[a]->arm[0];
    }
    knee_need(prc_arm_vehicle(arms[VEHICLE], arms[VEHICLE]->arm, &arm[VEHICLE], &knee_err), "vehicle");
    knee_need(
        prc_truth_simulate(knee_engine, &knee->typical, c, arm, N_BLANK, time, 27, time[26], 0, NULL, &t, &knee_err),
        "truth");
    size_t values = t->n_patient * t->n_time * t->n_observable, events = t->n_patient * t->n_observable;
    for (size_t a = SALINE; a < N_BLANK; a++) {
        TAP_THAT(memcmp(t->value, t->value + a * values, values * sizeof(double)) == 0,
                 "%s: values as with nothing, to the last bit", text[a]);
        TAP_THAT(memcmp(t->event_time, t->event_time + a * events, events * sizeof(double)) == 0,
                 "%s: events as with nothing", text[a]);
    }
    for (size_t a = 0; a < N_BLANK; a++)
        for (size_t i = 0; i < t->n_patient; i++)
            for (size_t k = 0; k < t->n_time; k++) wrong_signal += PRC_TRUTH_AT(t, (int)a, i, k, signal) != 0;
    TAP_INT(wrong_signal, 0);
    prc_truth_free(t);
    prc_cohort_free(c);
    for (size_t a = 0; a < N_BLANK; a++) prc_arms_free(arms[a]);
}

/* ---- half to twice every number -----------------------------------------------------------------------------------
 */

enum { N_SET = 500, N_TIME = 60, SEED = 99 };

/* Shares stay shares: a number up to 1 whose range ends at or below 1. */
static bool is_share(const prc_row *r) {
    bool ranged = !isnan(r->upper);
    return strcmp(r->unit, "1") == 0 && r->value <= 1 && (ranged ? r->upper <= 1 : r->distribution == PRC_FIXED);
}

/* Weights of one mixture 1 + a (x - 1) + b (y - 1): together at most 1, or the mixture of two numbers that are not
 * negative is negative. */
static const char *const mixtures[][2] = {{"immune.w_fT", "immune.w_f17"}, {"immune.w_176", "immune.w_171"},
                                          {"immune.w_rG", "immune.w_r10"}, {"immune.w_6T", "immune.w_61"},
                                          {"immune.w_G2", "immune.w_Gr"},  {"immune.p10", "immune.pG"}};

static void keep_mixtures(prc_world *w) {
    for (size_t m = 0; m < sizeof mixtures / sizeof *mixtures; m++) {
        int a = prc_condition_row(knee, mixtures[m][0]), b = prc_condition_row(knee, mixtures[m][1]);
        if (a < 0 || b < 0) continue;
        double sum = w->value[a] + w->value[b];
        if (sum > 1) w->value[a] /= sum, w->value[b] /= sum;
    }
}

/* Every number of the ledger times a factor between a half and two. The disease stays on; c_B stays above 1, where it
 * is defined: bone feels the load that cartilage, at most 1, does not carry. */
static prc_world perturbed(uint32_t k) {
    prc_world w;
    knee_need(prc_world_draw(knee, 1, 0, &w, &knee_err), "world");
    for (size_t i = 0; i < knee->n_row; i++) {
        const prc_row *r = &knee->row[i];
        double u = prc_uniform(SEED, k, prc_purpose(r->name), 0, 0);
        if (r->kind == PRC_ROW_DOSE || strcmp(r->name, knee->disease_switch) == 0) continue;
        w.value[i] *= prc_exp((2 * u - 1) * prc_log(2));
        if (is_share(r) && w.value[i] > 1) w.value[i] = 1;
        if (strcmp(r->name, "c_B") == 0 && w.value[i] < 1.05) w.value[i] = 1.05;
    }
    keep_mixtures(&w);
    return w;
}

typedef struct range_check {
    const char *name;
    double lo, hi;
} range_check;

static range_check range_of(const char *name) {
    static const char *const shares[] = {"P", "K", "R", "memory.Q"};
    if (strncmp(name, "immune.", 7) == 0) return (range_check){name, 0, 50};
    if (strcmp(name, "secretome.lam") == 0)
        return (range_check){name, -1e-7, 1 + 1e-9}; /* falls to 0 at the tolerance of the solver, 1e-6 */
    if (strcmp(name, "N") == 0) return (range_check){name, -1, 100};       /* only N - N_0 has a meaning */
    if (strcmp(name, "Hz") == 0) return (range_check){name, -1e-9, 1e100}; /* a hazard has no upper end */
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (strcmp(name, shares[i]) == 0) return (range_check){name, -1e-9, 1 + 1e-9};
    if (strncmp(name, "fate.", 5) == 0) return (range_check){name, -1e-3, 1e9};
    return (range_check){name, -1e-9, 1e4};
}

static size_t count_outside(const double *out, const prc_job *jobs, const prc_job_result *result, size_t n) {
    size_t bad = 0, width = knee_states->n_output;
    for (size_t s = 0; s < knee->model->n_state; s++) {
        range_check r = range_of(knee_states->state_name[s]);
        double lo = (double)INFINITY, hi = -(double)INFINITY;
        size_t here = 0;
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < N_TIME; k++) {
                if (result[j].outcome != PRC_DONE) continue; /* counted as a failure */
                double x = out[(j * N_TIME + k) * width + s];
                if (!(x >= r.lo && x <= r.hi) && here++ == 0)
                    printf("# set %zu, day %g: %s = %g, allowed %g to %g\n", jobs[j].id, jobs[j].time[k], r.name, x,
                           r.lo, r.hi);
                lo = x < lo ? x : lo;
                hi = x > hi ? x : hi;
            }
        if (here) printf("# %s: %zu values outside, from %g to %g\n", r.name, here, lo, hi);
        bad += here;
    }
    return bad;
}

static void half_to_twice_every_number(void) {
    double time[N_TIME];
    prc_job *jobs = knee_alloc(N_SET, sizeof *jobs);
    prc_job_result *result = knee_alloc(N_SET, sizeof *result);
    knee_dosing *d = knee_alloc(N_SET, sizeof *d);
    prc_cohort **c = knee_alloc(N_SET, sizeof(prc_cohort *));
    double *out = knee_alloc(N_SET * N_TIME, knee_states->n_output * sizeof *out);
    size_t n = 0, run_in_failed = 0, failed = 0;
    for (size_t k = 0; k < N_TIME; k++)
        time[k] = 2 * YEAR * pow((double)k / (N_TIME - 1), 3); /* most early, when most happens */
    for (uint32_t k = 0; k < N_SET; k++) {
        prc_world w = perturbed(k);
        c[k] = knee_draw(&w, k, 1);
        d[k] = knee_dose(&w, c[k], 0, KNEE_MSC50);
        prc_world_reset(&w);
        if (c[k]->outcome[0] != PRC_DONE) printf("# set %u: run-in %s\n", k, prc_outcome_name(c[k]->outcome[0]));
        run_in_failed += c[k]->outcome[0] != PRC_DONE;
        if (c[k]->outcome[0] == PRC_DONE)
            jobs[n++] = (prc_job){.id = k,
                                  .t1 = 2 * YEAR,
                                  .param = d[k].param,
                                  .start = c[k]->start,
                                  .n_dose = d[k].n_dose,
                                  .dose = d[k].dose,
                                  .n_time = N_TIME,
                                  .time = time};
    }
    knee_need(
        prc_solve_all(knee_states, &knee_engine->options, n, jobs, 0, N_TIME, out, NULL, NULL, result, NULL, &knee_err),
        "solve");
    for (size_t j = 0; j < n; j++) {
        if (result[j].outcome != PRC_DONE)
            printf("# set %zu: %s on day %g\n", jobs[j].id, prc_outcome_name(result[j].outcome), result[j].time);
        failed += result[j].outcome != PRC_DONE;
    }
    TAP_INT(run_in_failed, 0);
    TAP_INT(failed, 0);
    TAP_INT(count_outside(out, jobs, result, n), 0);
    for (size_t k = 0; k < N_SET; k++) knee_undose(&d[k]), prc_cohort_free(c[k]);
    prc_free(jobs), prc_free(result), prc_free(d), prc_free(c), prc_free(out);
}

/* ---- one patient ----------------------------------------------------------------------------------------------------
 */

static void cells_are_never_lost(void) {
    static const char *const pools[] = {"fate.Lu",  "fate.B",   "fate.H", "fate.T_f", "fate.T_s",
                                        "fate.D_f", "fate.D_s", "fate.W", "fate.X"};
    static const char *const arms[] = {KNEE_MSC50, "{give: msc, dose: 100e6 cells, route: intravenous, at: 0 d}",
                                       "{give: msc, dose: 30e6 cells, route: intramuscular, at: 0 d}"};
    static const double time[] = {0, 0.01, 0.1, 1, 3, 10, 30, 100, 365, 730};
    enum { N = sizeof time / sizeof *time };
    prc_cohort *c = knee_typical(2);
    for (size_t a = 0; a < 3; a++) {
        double *out = knee_course(c, 0, arms[a], time, N, 1e-6), total[N], worst = 0;
        for (size_t k = 0; k < N; k++) {
            total[k] = 0;
            for (size_t i = 0; i < 9; i++) total[k] += out[k * knee_states->n_output + knee_state(pools[i])];
            worst = fmax(worst, fabs(total[k] / total[0] - 1));
        }
        TAP_THAT(total[0] > 1e6 && worst < 1e-10, "%s: %g cells, lost share %g", arms[a], total[0], worst);
        prc_free(out);
    }
    prc_cohort_free(c);
}

/* Width of an observable's range, or the largest value where it is open. */
static double width_of(const prc_observable *o, const double *a, size_t n, size_t stride, size_t col) {
    double largest = 0;
    if (!isnan(o->min) && !isnan(o->max)) return o->max - o->min;
    for (size_t k = 0; k < n; k++) largest = fmax(largest, fabs(a[k * stride + col]));
    return largest;
}

/* Largest differences of one patient's observables at two tolerances, as shares of their ranges. */
static void compare_tolerances(const prc_cohort *c, size_t i, const double *time, size_t n, double *worst) {
    size_t stride = knee_states->n_output;
    double *rough = knee_course(c, i, KNEE_MSC50, time, n, 1e-6), *fine = knee_course(c, i, KNEE_MSC50, time, n, 1e-10);
    for (size_t ob = 0, col = knee->model->n_state; ob < knee->n_observable; ob++) {
        const prc_observable *o = &knee->observable[ob];
        if (o->kind == PRC_OB_EVENT) continue;
        double width = width_of(o, fine, n, stride, col);
        for (size_t k = 0; k < n; k++)
            worst[ob] = fmax(worst[ob], fabs(rough[k * stride + col] - fine[k * stride + col]) / width);
        col++;
    }
    prc_free(rough), prc_free(fine);
}

static void tolerance_does_not_show(void) {
    enum { N = 49, PATIENTS = 20 };
    double time[N], *worst = knee_alloc(knee->n_observable, sizeof *worst);
    prc_cohort *c = knee_draw(&knee->typical, 1000, PATIENTS);
    for (size_t k = 0; k < N; k++) time[k] = 15.25 * (double)k;
    for (size_t i = 0; i < PATIENTS; i++) compare_tolerances(c, i, time, N, worst);
    for (size_t ob = 0; ob < knee->n_observable; ob++) {
        const prc_observable *o = &knee->observable[ob];
        bool jumps = o->kind == PRC_OB_GRADE || o->kind == PRC_OB_EVENT; /* a grade jumps at its bounds */
        if (!jumps)
            TAP_THAT(worst[ob] < 1e-4, "%s: tolerance 1e-6 against 1e-10 differs by %.2g of the range", o->name,
                     worst[ob]);
    }
    prc_free(worst);
    prc_cohort_free(c);
}

static void a_visit_more_changes_nothing(void) {
    static const double few[] = {0, 91.3125, 365.25, 730.5}, many[] = {0, 17, 91.3125, 200.125, 365.25, 500, 730.5};
    static const size_t place[] = {0, 2, 4, 6};
    size_t stride = knee_states->n_output;
    prc_cohort *c = knee_draw(&knee->typical, 2000, 5);
    for (size_t i = 0; i < c->n; i++) {
        double *a = knee_course(c, i, KNEE_MSC50, few, 4, 1e-6), *b = knee_course(c, i, KNEE_MSC50, many, 7, 1e-6);
        bool same = true;
        for (size_t k = 0; k < 4; k++)
            same = same && memcmp(a + k * stride, b + place[k] * stride, stride * sizeof *a) == 0;
        TAP_THAT(same, "patient %zu: bits at the visits that stay", i);
        prc_free(a), prc_free(b);
    }
    prc_cohort_free(c);
}

/* The typical patient of each grade starts at rest: what a trial sees move in a month is not the start. */
static void untreated_scores_rest(void) {
    static const double time[] = {0, 5, 10, 15, 20, 25, 30};
    size_t stride = knee_states->n_output;
    for (int kl = 1; kl <= 4; kl++) {
        prc_cohort *c = knee_typical(kl);
        double *out = knee_course(c, 0, "none", time, 7, 1e-6);
        for (size_t ob = 0; ob < knee->n_observable; ob++) {
            const prc_observable *o = &knee->observable[ob];
            if (o->kind != PRC_OB_SCORE) continue;
            size_t col = (size_t)knee_column(o->name);
            double moved = 0;
            for (size_t k = 1; k < 7; k++)
                moved = fmax(moved, fabs(out[k * stride + col] - out[col]) / (o->max - o->min));
            TAP_THAT(moved < 0.02, "KL %d %s: %.3g %% of the range in 30 days", kl, o->name, 100 * moved);
        }
        prc_free(out);
        prc_cohort_free(c);
    }
}

int main(void) {
    knee_open();
    TAP_RUN(health_is_a_fixed_point);
    TAP_RUN(no_cells_no_effect);
    TAP_RUN(half_to_twice_every_number);
    TAP_RUN(cells_are_never_lost);
    TAP_RUN(tolerance_does_not_show);
    TAP_RUN(a_visit_more_changes_nothing);
    TAP_RUN(untreated_scores_rest);
    knee_close();
    return tap_done();
}
