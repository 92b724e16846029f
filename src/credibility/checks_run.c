/* Runs the checks: rows that share a cohort share its patients, and each arm is simulated once for the longest horizon that asks for it. */
#include "credibility_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TREATMENT = 8 };
static const double MONTH = 30.4375, HALF_YEAR = 182.625;

/* The arms of one row, parsed. */
typedef struct row_arms {
    prc_arms *parsed[MAX_TREATMENT + 1];
    prc_arm arm[2 * MAX_TREATMENT + 1];
    size_t n_treatment, n_arm, control;
    bool has_cells;
} row_arms;

static void row_arms_reset(row_arms *a) {
    for (size_t i = 0; i <= MAX_TREATMENT; i++) prc_arms_free(a->parsed[i]);
    memset(a, 0, sizeof *a);
}

static prc_status parse_part(const prc_condition *c, const char *text, size_t n, int line, prc_arms **out, prc_error *err) {
    char part[1024];
    if (n >= sizeof part) return prc_fail_at(err, PRC_E_SYNTAX, "checks.tsv", line, 0, "an arm of more than %zu characters", sizeof part - 1);
    memcpy(part, text, n);
    part[n] = 0;
    return prc_arm_parse(c, part, "checks.tsv", line, out, err);
}

static prc_status parse_arms(const prc_condition *c, const prc_check *k, row_arms *a, prc_error *err) {
    const char *p = k->treatment;
    for (;;) {
        const char *bar = strstr(p, " | ");
        size_t n = bar ? (size_t)(bar - p) : strlen(p);
        if (a->n_treatment == MAX_TREATMENT) return prc_fail_at(err, PRC_E_VALUE, "checks.tsv", k->line, 0, "more than %d treatments", MAX_TREATMENT);
        PRC_TRY(parse_part(c, p, n, k->line, &a->parsed[a->n_treatment], err));
        a->arm[a->n_treatment] = a->parsed[a->n_treatment]->arm[0];
        a->has_cells = a->has_cells || a->arm[a->n_treatment].active;
        a->n_treatment++;
        if (!bar) break;
        p = bar + 3;
    }
    a->n_arm = a->n_treatment;
    for (size_t i = 0; i < a->n_treatment; i++) PRC_TRY(prc_arm_vehicle(a->parsed[i], &a->arm[i], &a->arm[a->n_arm++], err));
    PRC_TRY(parse_part(c, *k->control && strcmp(k->control, "-") ? k->control : "none", *k->control && strcmp(k->control, "-") ? strlen(k->control) : 4, k->line, &a->parsed[a->n_treatment], err));
    a->control = a->n_arm;
    a->arm[a->n_arm++] = a->parsed[a->n_treatment]->arm[0];
    return PRC_OK;
}

static prc_status eligible(const prc_condition *c, const prc_check *k, prc_eligibility **out, prc_error *err) {
    prc_tree *t = NULL;
    const char *text = !*k->cohort || !strcmp(k->cohort, "-") ? "{}" : k->cohort;
    prc_status st = prc_tree_parse(text, strlen(text), "checks.tsv", &t, err);
    if (!st) st = prc_eligibility_read(c, t, t->root, out, err);
    if (st && err) err->line = k->line;
    prc_tree_free(t);
    return st;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Months up to the horizon when the measure needs the course, else day 0 and the day asked for. */
static size_t time_grid(const prc_check *k, check_measure m, double *time) {
    size_t n = 0;
    time[n++] = 0;
    if (m == CK_DURATION || m == CK_DURATION_RATIO)
        for (double t = MONTH; t < k->horizon && n < 498; t += MONTH) time[n++] = t;
    if (k->at > 0) time[n++] = k->at;
    if (m == CK_LEFT_PCT) time[n++] = HALF_YEAR;
    qsort(time, n, sizeof *time, ascending);
    size_t out = 0;
    for (size_t i = 0; i < n; i++)
        if (!out || time[i] > time[out - 1]) time[out++] = time[i];
    return out;
}

static size_t time_index(const double *time, size_t n, double t) {
    for (size_t i = 0; i < n; i++)
        if (time[i] == t) return i;
    return n - 1;
}

static bool inside(const prc_check *k, double x) {
    return !isnan(x) && (isnan(k->lower) || x >= k->lower) && (isnan(k->upper) || x <= k->upper);
}

static void judge(prc_check *k, bool has_cells) {
    if (isnan(k->lower) && isnan(k->upper)) k->verdict = PRC_NO_INTERVAL;
    else if (!inside(k, k->predicted)) k->verdict = PRC_OUTSIDE;
    else if (has_cells && inside(k, k->without_cells)) k->verdict = PRC_NO_CHECK;
    else k->verdict = PRC_INSIDE;
}

static prc_status ordering(prc_check *k, const check_run *r, prc_error *err) {
    double gain[MAX_TREATMENT], none[MAX_TREATMENT];
    int direction = r->condition->observable[r->observable].direction;
    size_t used = 0;
    for (size_t i = 0; i < r->n_treatment; i++) {
        gain[i] = direction * check_value(r, CK_DIFFERENCE, i, NULL);
        none[i] = direction * check_value(r, CK_DIFFERENCE, r->n_treatment + i, NULL);
        used += (size_t)snprintf(k->predicted_text + used, sizeof k->predicted_text - used, "%s%.2f", i ? " " : "", gain[i]);
        if (used >= sizeof k->predicted_text) used = sizeof k->predicted_text - 1;
    }
    bool holds, holds_without;
    PRC_TRY(check_order_holds(k->published_text, gain, r->n_treatment, &holds, err));
    PRC_TRY(check_order_holds(k->published_text, none, r->n_treatment, &holds_without, err));
    k->predicted = holds;
    k->without_cells = holds_without;
    k->verdict = !holds ? PRC_OUTSIDE : holds_without ? PRC_NO_CHECK : PRC_INSIDE;
    return PRC_OK;
}

static prc_status evaluate(prc_check *k, check_measure m, const check_run *r, bool has_cells, prc_error *err) {
    if (m == CK_ORDERING) return ordering(k, r, err);
    if (m == CK_NOT_SIGNIFICANT) {
        PRC_TRY(check_replicates(r, 0, &k->predicted, err));
        k->mc_se = 100 * sqrt(k->predicted / 100 * (1 - k->predicted / 100) / 200);
        /* A null result needs no cells to appear; the control tells how often nothing is found when nothing is given. */
        PRC_TRY(check_replicates(r, r->n_treatment, &k->without_cells, err));
        judge(k, false);
        return PRC_OK;
    }
    k->predicted = check_value(r, m, 0, &k->mc_se);
    k->without_cells = has_cells ? check_value(r, m, r->n_treatment, NULL) : (double)NAN;
    k->wrong_sign = m == CK_DIFFERENCE && !isnan(k->published) && k->published * k->predicted < 0 && fabs(k->predicted) > 2 * k->mc_se;
    judge(k, has_cells);
    return PRC_OK;
}

static prc_status run_row(const prc_engine *e, prc_check *k, const prc_cohort *cohort, uint64_t seed, int n_threads, prc_error *err) {
    row_arms a = {0};
    prc_truth *truth = NULL;
    double time[512];
    check_measure m;
    int ob;
    prc_status st;
    PRC_GO(st, check_measure_parse(e->condition, k, &m, &ob, err));
    PRC_GO(st, parse_arms(e->condition, k, &a, err));
    size_t n_time = time_grid(k, m, time);
    PRC_GO(st, prc_truth_simulate(e, &e->condition->typical, cohort, a.arm, a.n_arm, time, n_time, k->horizon, n_threads, NULL, &truth, err));
    check_run r = {.condition = e->condition, .cohort = cohort, .truth = truth, .arm = a.arm, .n_treatment = a.n_treatment, .control = a.control, .observable = ob,
                   .at = time_index(time, n_time, k->at), .at_day = k->at, .half_year = time_index(time, n_time, HALF_YEAR), .seed = seed, .n_side = k->n};
    st = evaluate(k, m, &r, a.has_cells, err);
out:
    prc_truth_free(truth);
    row_arms_reset(&a);
    return st;
}

/* Patients a row needs: its n, or a pool four times as large where replicate trials are drawn from it. */
static size_t pool_size(const prc_check *k) {
    return strncmp(k->measure, "not_significant_pct", 19) ? k->n : 4 * k->n;
}

static void count(prc_checks *set) {
    memset(set->inside, 0, sizeof set->inside);
    memset(set->outside, 0, sizeof set->outside);
    memset(set->no_interval, 0, sizeof set->no_interval);
    set->n_no_check = set->n_shown = set->n_wrong_sign = 0;
    for (size_t i = 0; i < set->n; i++) {
        const prc_check *k = &set->check[i];
        set->inside[k->role] += k->verdict == PRC_INSIDE;
        set->outside[k->role] += k->verdict == PRC_OUTSIDE;
        set->no_interval[k->role] += k->verdict == PRC_NO_INTERVAL;
        set->n_shown += k->verdict == PRC_NO_CHECK && strstr(k->note, "no check of cells");
        set->n_no_check += k->verdict == PRC_NO_CHECK && !strstr(k->note, "no check of cells");
        set->n_wrong_sign += k->wrong_sign;
    }
}

prc_status prc_checks_run(const prc_engine *e, prc_checks *set, uint64_t seed, int n_threads, const prc_progress *progress, prc_error *err) {
    prc_status st = PRC_OK;
    bool *done = prc_calloc(set->n + 1, sizeof *done);
    size_t n_done = 0;
    if (!done) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; !st && i < set->n; i++) {
        if (done[i]) continue;
        prc_eligibility *el = NULL;
        prc_population_run run = {0};
        size_t n = pool_size(&set->check[i]);
        st = eligible(e->condition, &set->check[i], &el, err);
        if (!st) st = prc_screen(e, &e->condition->typical, seed, 0, 0, el, n, n_threads, NULL, &run, err);
        for (size_t k = i; !st && k < set->n; k++) {
            if (done[k] || strcmp(set->check[k].cohort, set->check[i].cohort) || pool_size(&set->check[k]) != n) continue;
            if (progress && progress->tick && !progress->tick(progress->ctx, "checks against the record", (double)n_done, (double)set->n)) st = prc_fail(err, PRC_E_INTERRUPTED, "interrupted");
            if (!st) st = run_row(e, &set->check[k], run.cohort, seed, n_threads, err);
            done[k] = true;
            n_done++;
        }
        prc_cohort_free(run.cohort);
        prc_free(run.criterion_failed);
        prc_free(run.screening);
        prc_eligibility_free(el);
    }
    prc_free(done);
    if (!st) count(set);
    return st;
}
