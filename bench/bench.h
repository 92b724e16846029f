/* bench.h: problems, solvers and rows of results, shared by the files of bench. */
#ifndef PRC_BENCH_H
#define PRC_BENCH_H

#include "paracrine/cohort.h"
#include "paracrine/table.h"
#include "paracrine/therapy.h"

enum { BENCH_N = 512, BENCH_ERROR_N = 32, BENCH_ROUNDS = 7, BENCH_TOL = 6 };

/* One model with patients. The program's outputs are all its states. */
typedef struct problem {
    const char *name;
    prc_program *p;
    double *scale;  /* of each state: for absolute tolerances and the error measure */
    prc_job *job;   /* (BENCH_N) */
    double *memory; /* parameters and starts */
    prc_dose_event *dose;
    double *time;
    size_t n_time;
    double *exact;  /* reference, BENCH_ERROR_N x n_time x n_state */
    prc_condition *condition;
    prc_engine *engine;
    prc_cohort *cohort;
    prc_arms *arms;
} problem;

prc_status problem_knee(const char *data, problem *out, prc_error *err);
prc_status problem_file(const char *path, const char *name, const char *const *target, size_t n_target, problem *out,
                        prc_error *err);
void problem_free(problem *p);

/* engine.c: what a run of the engine cost. */
typedef struct engine_run {
    const char *isa; /* NULL = best */
    int width;
    double rtol;
    size_t n;        /* patients, the problem's taken again and again */
    int threads;
    double *out;     /* first BENCH_ERROR_N patients: n_time x n_state each, or NULL */
    double seconds;  /* thread CPU time, of all threads */
    double slowest;  /* the largest of one thread */
    double utilisation;
    long steps, rejected;
    size_t failed;
} engine_run;
prc_status engine_go(const problem *p, engine_run *run, prc_error *err);

/* Median over patients of the largest scaled error over states and times. */
double problem_error(const problem *p, const double *out);

/* peers.c: other solvers on the same patients. NULL where one is not at hand. */
typedef struct peer peer;
peer *peer_cvode(const problem *p, const char *dir);
peer *peer_desolve(const problem *p, const char *dir, bool analytic);
/* Seconds of CPU time for BENCH_ERROR_N patients, NaN on failure. */
double peer_go(peer *q, double rtol, double *out);
void peer_free(peer *q);
/* export.c: the right-hand side and the Jacobian of the program as C. */
bool export_model(const prc_program *p, const char *path);
/* Parameters and the terms of them that the C code wants. */
size_t export_terms(const prc_program *p);
void export_evaluate(const prc_program *p, const double *param, double *q);

/* plot.c */
typedef struct curve {
    const char *name;
    size_t n;
    double x[BENCH_TOL + 2], y[BENCH_TOL + 2];
} curve;
bool plot_log(const char *path, const char *title, const char *x, const char *y, const curve *c, size_t n);

#endif
