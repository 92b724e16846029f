/* The state in which a patient enters: slow states as sampled, fast ones at the steady state that goes with them. */
#include "cohort_int.h"

#include <math.h>
#include <string.h>

/* Arrays for n patients of the sizes that stand in *shape. */
static prc_status allocate(const prc_cohort *shape, size_t n, prc_cohort **out, prc_error *err) {
    prc_cohort *c = prc_calloc(1, sizeof *c);
    if (!c) return prc_cohort_no_memory(err);
    size_t m = n ? n : 1;
    *c = (prc_cohort){.n = n,
                      .n_covariate = shape->n_covariate,
                      .n_param = shape->n_param,
                      .n_state = shape->n_state,
                      .n_observable = shape->n_observable};
    c->id = prc_calloc(m, sizeof *c->id);
    c->covariate = prc_calloc(m, (c->n_covariate + 1) * sizeof(double));
    c->param = prc_calloc(m, (c->n_param + 1) * sizeof(double));
    c->start = prc_calloc(m, (c->n_state + 1) * sizeof(double));
    c->baseline = prc_calloc(m, (c->n_observable + 1) * sizeof(double));
    c->outcome = prc_calloc(m, sizeof *c->outcome);
    c->outcome_time = prc_calloc(m, sizeof(double));
    c->outcome_state = prc_calloc(m, sizeof(int));
    if (!c->id || !c->covariate || !c->param || !c->start || !c->baseline || !c->outcome || !c->outcome_time ||
        !c->outcome_state) {
        prc_cohort_free(c);
        return prc_cohort_no_memory(err);
    }
    *out = c;
    return PRC_OK;
}

prc_status prc_cohort_alloc(const prc_engine *e, size_t n, prc_cohort **out, prc_error *err) {
    const prc_condition *k = e->condition;
    prc_cohort shape = {.n_covariate = k->n_covariate,
                        .n_param = k->model->n_param,
                        .n_state = k->model->n_state,
                        .n_observable = k->n_observable};
    return allocate(&shape, n, out, err);
}

void prc_cohort_free(prc_cohort *c) {
    if (!c) return;
    prc_free(c->id);
    prc_free(c->covariate);
    prc_free(c->param);
    prc_free(c->start);
    prc_free(c->baseline);
    prc_free(c->outcome);
    prc_free(c->outcome_time);
    prc_free(c->outcome_state);
    prc_free(c);
}

static void note_results(prc_cohort *c, const prc_job *jobs, const prc_job_result *results, size_t n) {
    for (size_t k = 0; k < n; k++) {
        size_t i = jobs[k].id;
        c->outcome[i] = results[k].outcome;
        c->outcome_time[i] = results[k].time;
        c->outcome_state[i] = results[k].state;
    }
}

/* Fast states to rest before day 0; without a run-in the patient starts as the model says. */
static prc_status settle(const prc_engine *e, prc_cohort *c, int n_threads, prc_job *jobs, prc_job_result *results,
                         prc_error *err) {
    prc_solve_options o = e->options;
    double run_in = e->condition->run_in;
    o.until_steady = run_in > 0;
    o.terminal_watch = -1;
    for (size_t i = 0; i < c->n; i++)
        jobs[i] = (prc_job){.id = i, .t0 = -run_in, .t1 = 0, .param = c->param + i * c->n_param};
    PRC_TRY(prc_solve_all(e->run_in, &o, c->n, jobs, n_threads, 0, NULL, c->start, NULL, results, NULL, err));
    note_results(c, jobs, results, c->n);
    return PRC_OK;
}

/* Observables on day 0 of those who got there. */
static prc_status observe(const prc_engine *e, prc_cohort *c, int n_threads, prc_job *jobs, prc_job_result *results,
                          double *value, prc_error *err) {
    static const double day0[1] = {0};
    size_t n = 0, n_output = e->trial->n_output;
    prc_solve_options o = e->options;
    o.terminal_watch = -1;
    for (size_t i = 0; i < c->n; i++)
        if (c->outcome[i] == PRC_DONE)
            jobs[n++] = (prc_job){.id = i,
                                  .param = c->param + i * c->n_param,
                                  .start = c->start + i * c->n_state,
                                  .n_time = 1,
                                  .time = day0};
    for (size_t i = 0; i < c->n * c->n_observable; i++) c->baseline[i] = (double)NAN;
    if (n == 0 || n_output == 0) return PRC_OK;
    PRC_TRY(prc_solve_all(e->trial, &o, n, jobs, n_threads, 1, value, NULL, NULL, results, NULL, err));
    for (size_t k = 0; k < n; k++)
        for (size_t b = 0; b < c->n_observable; b++)
            if (e->output_of[b] >= 0)
                c->baseline[jobs[k].id * c->n_observable + b] = value[k * n_output + (size_t)e->output_of[b]];
    note_results(c, jobs, results, n);
    return PRC_OK;
}

prc_status prc_run_in(const prc_engine *e, prc_cohort *c, int n_threads, prc_error *err) {
    prc_status st = PRC_OK;
    size_t n = c->n;
    if (n == 0) return PRC_OK;
    prc_job *jobs = prc_calloc(n, sizeof *jobs);
    prc_job_result *results = prc_calloc(n, sizeof *results);
    double *value = prc_calloc(n, (e->trial->n_output + 1) * sizeof *value);
    PRC_GO(st, jobs && results && value ? PRC_OK : prc_cohort_no_memory(err));
    PRC_GO(st, settle(e, c, n_threads, jobs, results, err));
    PRC_GO(st, observe(e, c, n_threads, jobs, results, value, err));
out:
    prc_free(value);
    prc_free(results);
    prc_free(jobs);
    return st;
}

/* ---- subsets ------------------------------------------------------------------------------------------------------
 */

static void copy_rows(double *to, const double *from, size_t width, const size_t *index, size_t n) {
    for (size_t k = 0; k < n && width; k++) memcpy(to + k * width, from + index[k] * width, width * sizeof *to);
}

prc_status prc_cohort_subset(const prc_cohort *c, const size_t *index, size_t n, prc_cohort **out, prc_error *err) {
    prc_cohort *s = NULL;
    for (size_t k = 0; k < n; k++)
        if (index[k] >= c->n) return prc_fail(err, PRC_E_VALUE, "member %zu of a cohort of %zu", index[k], c->n);
    PRC_TRY(allocate(c, n, &s, err));
    copy_rows(s->covariate, c->covariate, c->n_covariate, index, n);
    copy_rows(s->param, c->param, c->n_param, index, n);
    copy_rows(s->start, c->start, c->n_state, index, n);
    copy_rows(s->baseline, c->baseline, c->n_observable, index, n);
    copy_rows(s->outcome_time, c->outcome_time, 1, index, n);
    for (size_t k = 0; k < n; k++) {
        s->id[k] = c->id[index[k]];
        s->outcome[k] = c->outcome[index[k]];
        s->outcome_state[k] = c->outcome_state[index[k]];
    }
    *out = s;
    return PRC_OK;
}
