/* cohort_int.h: what the engine prepares once so that patients can be drawn fast. */
#ifndef PARACRINE_COHORT_INT_H
#define PARACRINE_COHORT_INT_H

#include "paracrine/cohort.h"

/* A named standard normal: its random stream, and its place among the correlated ones (-1: independent). */
typedef struct prc_normal_source {
    uint32_t purpose;
    int joint;
} prc_normal_source;

/* The public engine and what only this module needs; every prc_engine is the first member of one. */
typedef struct prc_engine_full {
    prc_engine engine;
    prc_arena *arena;
    double *fallback; /* n_param: value of a parameter that neither ledger nor population gives */
    size_t n_derived;
    int *derived;                 /* parameter slots computed from others, each after those it uses */
    prc_normal_source *covariate; /* n_covariate */
    prc_normal_source *follow;    /* n_follow */
    prc_normal_source *row;       /* n_row */
    uint32_t *joint;              /* n_joint: streams of the correlated normals */
} prc_engine_full;

prc_status prc_cohort_no_memory(prc_error *err);
/* Value of a derived parameter, from the others. */
prc_status prc_derived_value(const prc_condition *c, int slot, const double *param, double *out, prc_error *err);
prc_status prc_cohort_alloc(const prc_engine *e, size_t n, prc_cohort **out, prc_error *err);
/* Covariates and parameters of one patient; z: n_joint work values. */
typedef struct prc_draw_key {
    uint64_t seed;
    uint32_t id, replicate;
    bool typical; /* no variation */
} prc_draw_key;
prc_status prc_draw_patient(const prc_engine_full *f, const prc_world *w, prc_draw_key key, const double *given,
                            double *z, double *covariate, double *param, prc_error *err);
/* Fills start, baseline and outcome from covariates and parameters. */
prc_status prc_run_in(const prc_engine *e, prc_cohort *c, int n_threads, prc_error *err);

#endif
