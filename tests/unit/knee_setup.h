/* knee_setup.h: the knee condition, its engine, and courses of every state, for the tests of the science. */
#ifndef PARACRINE_KNEE_SETUP_H
#define PARACRINE_KNEE_SETUP_H

#include "../tap.h"
#include "paracrine/trial.h"

#include <stdlib.h>

#define KNEE_MSC50 "{give: msc, source: adipose, donor: allogeneic, dose: 50e6 cells, route: intra-articular, at: 0 d}"

static prc_condition *knee;
static prc_engine *knee_engine;
static prc_program *knee_states; /* outputs: every state in order, then every observable that is no event */
static prc_error knee_err;

/* Stops the test program where going on makes no sense. */
__attribute__((unused)) static void knee_need(prc_status st, const char *what) {
    char text[PRC_MESSAGE_MAX + PRC_SOURCE_MAX];
    if (st == PRC_OK) return;
    prc_error_format(&knee_err, text, sizeof text);
    tap_check(false, __FILE__, __LINE__, "%s", what);
    tap_note("error", text);
    exit(tap_done());
}

__attribute__((unused)) static void *knee_alloc(size_t n, size_t size) {
    void *p = prc_calloc(n ? n : 1, size);
    if (!p) abort();
    return p;
}

/* The shipped engine gives observables only; these tests also look at the states behind them. */
static void knee_compile(void) {
    prc_arena *a = prc_arena_create();
    size_t n = 0;
    const prc_expr **output = prc_arena_alloc(a, knee->model->n_state + knee->n_observable, sizeof *output);
    for (size_t i = 0; i < knee->model->n_state; i++)
        output[n++] = prc_expr_name(a, knee->model->var[knee->model->state[i]].name);
    for (size_t i = 0; i < knee->n_observable; i++)
        if (knee->observable[i].kind != PRC_OB_EVENT) output[n++] = knee->observable[i].formula;
    prc_program_spec spec = {.n_output = n, .output = output};
    knee_need(prc_program_compile(knee->model, &spec, &knee_states, &knee_err), "compile");
    prc_arena_free(a);
}

__attribute__((unused)) static void knee_open(void) {
    knee_need(prc_condition_load(".", "knee-oa", &knee, &knee_err), "load knee-oa");
    knee_need(prc_engine_create(knee, &knee_engine, &knee_err), "engine");
    knee_compile();
}

__attribute__((unused)) static void knee_close(void) {
    prc_program_free(knee_states);
    prc_engine_free(knee_engine);
    prc_condition_free(knee);
}

/* Slot of a state by name. */
__attribute__((unused)) static size_t knee_state(const char *name) {
    int i = prc_model_find(knee->model, name);
    if (i < 0 || knee->model->var[i].kind != PRC_VAR_STATE) abort();
    return (size_t)knee->model->var[i].slot;
}

/* Column of a state or observable in the output of knee_states, -1 if there is none. */
__attribute__((unused)) static int knee_column(const char *name) {
    int col = (int)knee->model->n_state;
    for (size_t i = 0; i < knee->model->n_state; i++)
        if (strcmp(knee->model->var[knee->model->state[i]].name, name) == 0) return (int)i;
    for (size_t i = 0; i < knee->n_observable; i++) {
        if (knee->observable[i].kind == PRC_OB_EVENT) continue;
        if (strcmp(knee->observable[i].name, name) == 0) return col;
        col++;
    }
    return -1;
}

/* The typical patient of a grade. */
__attribute__((unused)) static prc_cohort *knee_typical(double kl) {
    prc_cohort *c = NULL;
    double *covariate = knee_alloc(knee->n_covariate, sizeof *covariate);
    for (size_t i = 0; i < knee->n_covariate; i++) covariate[i] = (double)NAN;
    covariate[prc_condition_covariate(knee, "kl_grade")] = kl;
    knee_need(prc_cohort_typical(knee_engine, &knee->typical, covariate, &c, &knee_err), "typical patient");
    prc_free(covariate);
    return c;
}

__attribute__((unused)) static prc_cohort *knee_draw(const prc_world *w, uint32_t first, size_t n) {
    prc_cohort *c = NULL;
    uint32_t *id = knee_alloc(n, sizeof *id);
    for (size_t i = 0; i < n; i++) id[i] = first + (uint32_t)i;
    knee_need(prc_cohort_draw(knee_engine, w, 7, 0, id, n, 1, &c, &knee_err), "draw patients");
    prc_free(id);
    return c;
}

/* Doses of an arm for one member of a cohort: param is a copy that the arm changes. */
typedef struct knee_dosing {
    double *param;
    prc_dose_event *dose;
    size_t n_dose;
} knee_dosing;

__attribute__((unused)) static knee_dosing knee_dose(const prc_world *w, const prc_cohort *c, size_t i,
                                                     const char *arm) {
    prc_arms *arms = NULL;
    knee_dosing d = {knee_alloc(c->n_param, sizeof(double)), NULL, 0};
    knee_need(prc_arm_parse(knee, arm, "test", 1, &arms, &knee_err), arm);
    d.dose = knee_alloc(prc_arm_dose_count(knee, arms->arm), sizeof *d.dose);
    memcpy(d.param, c->param + i * c->n_param, c->n_param * sizeof(double));
    knee_need(prc_arm_doses(knee, w, arms->arm, c->covariate + i * c->n_covariate, d.param, d.dose, &d.n_dose, NULL,
                            &knee_err),
              "doses");
    prc_arms_free(arms);
    return d;
}

__attribute__((unused)) static void knee_undose(knee_dosing *d) {
    prc_free(d->param);
    prc_free(d->dose);
}

/* Course of one member under an arm, every output of knee_states at every time; freed by the caller. */
__attribute__((unused)) static double *knee_course(const prc_cohort *c, size_t i, const char *arm, const double *time,
                                                   size_t n_time, double rtol) {
    prc_solve_options o = knee_engine->options;
    prc_job_result result;
    knee_dosing d = knee_dose(&knee->typical, c, i, arm);
    double *out = knee_alloc(n_time, knee_states->n_output * sizeof *out);
    prc_job job = {.t1 = time[n_time - 1],
                   .param = d.param,
                   .start = c->start + i * c->n_state,
                   .n_dose = d.n_dose,
                   .dose = d.dose,
                   .n_time = n_time,
                   .time = time};
    o.atol *= rtol / o.rtol;
    o.rtol = rtol;
    knee_need(prc_solve_all(knee_states, &o, 1, &job, 1, n_time, out, NULL, NULL, &result, NULL, &knee_err), "solve");
    if (result.outcome != PRC_DONE)
        TAP_THAT(false, "%s: %s on day %g", arm, prc_outcome_name(result.outcome), result.time);
    knee_undose(&d);
    return out;
}

#endif
