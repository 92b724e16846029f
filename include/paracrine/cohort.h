/* paracrine/cohort.h: virtual patients: covariates, parameters, and the state in which each enters. */
#ifndef PARACRINE_COHORT_H
#define PARACRINE_COHORT_H

#include "condition.h"
#include "solve.h"

/* A set of patients. Arrays are patient-major. */
typedef struct prc_cohort {
    size_t n, n_covariate, n_param, n_state, n_observable;
    uint32_t *id;         /* random-number identity of each patient (n) */
    double *covariate;    /* n x n_covariate */
    double *param;        /* n x n_param */
    double *start;        /* n x n_state, day 0 after run-in */
    double *baseline;     /* n x n_observable, noise-free observables at day 0 (NaN for events) */
    prc_outcome *outcome; /* of the run-in (n); PRC_DONE = fine */
    double *outcome_time;
    int *outcome_state;
} prc_cohort;

/* What is compiled once per condition: the trial program (outputs = all non-event observables in order, watches = the event observables in order) and the
 * run-in program (slow states frozen). Const after creation; any thread. */
typedef struct prc_engine {
    const prc_condition *condition;
    prc_program *trial, *run_in;
    double *scale;        /* n_state, for absolute tolerances */
    prc_solve_options options;
    int *output_of;       /* observable index -> output slot, -1 for events */
    int *watch_of;        /* observable index -> watch slot, -1 otherwise */
} prc_engine;
PRC_CHECKED prc_status prc_engine_create(const prc_condition *c, prc_engine **out, prc_error *err);
/* The same with more outputs and watches, which stand behind those of the condition. */
PRC_CHECKED prc_status prc_engine_create_with(const prc_condition *c, const prc_expr *const *output, size_t n_output, const prc_expr *const *watch, size_t n_watch,
                                              prc_engine **out, prc_error *err);
/* The formula of an observable that is no event, kept within its range; NULL when out of memory. */
const prc_expr *prc_observable_formula(prc_arena *arena, const prc_observable *o);
void prc_engine_free(prc_engine *e);

/* Draws patients id[0..n-1] in world w: covariates by Gaussian copula, followed parameters, between-patient variation of the ledger, all keyed by (seed, id, name):
 * adding a covariate or parameter changes no other. Then runs in: slow states at their sampled values, fast ones to their steady state. */
PRC_CHECKED prc_status prc_cohort_draw(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate, const uint32_t *id, size_t n, int n_threads,
                                       prc_cohort **out, prc_error *err);
/* The one patient with every between-patient variation off and given covariates (NULL: means / most frequent categories). */
PRC_CHECKED prc_status prc_cohort_typical(const prc_engine *e, const prc_world *w, const double *covariate, prc_cohort **out, prc_error *err);
/* A cohort of the listed members (indices), copied. */
PRC_CHECKED prc_status prc_cohort_subset(const prc_cohort *c, const size_t *index, size_t n, prc_cohort **out, prc_error *err);
void prc_cohort_free(prc_cohort *c);

/* One condition of eligibility: a covariate or an observable at screening, in a set or a range. */
typedef struct prc_criterion {
    const char *name;
    int covariate, observable; /* index, the other is -1 */
    size_t n_set;
    double *set;
    double min, max;           /* NaN = open */
} prc_criterion;

typedef struct prc_eligibility {
    prc_arena *arena;
    size_t n;
    prc_criterion *criterion;
} prc_eligibility;
/* Reads the mapping under `include:`. Category words are allowed in sets. */
PRC_CHECKED prc_status prc_eligibility_read(const prc_condition *c, const prc_tree *t, const prc_node *map, prc_eligibility **out, prc_error *err);
void prc_eligibility_free(prc_eligibility *e);

#endif
