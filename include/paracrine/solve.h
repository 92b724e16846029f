/* paracrine/solve.h: integrates a program for many patients at once: each lane of a block is one patient with its own time, step, doses,
 * and outputs; a finished lane takes the next patient at once. Sees programs and lanes, never a disease.
 *
 * Method: Rodas5P, a stiffly accurate Rosenbrock method of order 5 with dense output of order 4 (Steinebach 2023, BIT Numerical Mathematics
 * 63:27). A patient's numbers do not depend on lanes, threads, block width, processor level, or on which other patients are solved. */
#ifndef PARACRINE_SOLVE_H
#define PARACRINE_SOLVE_H

#include "base.h"
#include "model.h"

/* How the integration of one patient ended. A patient that fails is an outcome, not an error. */
#define PRC_OUTCOME_LIST(X)                                                      \
    X(PRC_DONE, "done", "reached the end")                                       \
    X(PRC_STOPPED, "stopped", "a terminal watch fired")                          \
    X(PRC_STEP_LIMIT, "step-limit", "more steps than allowed")                   \
    X(PRC_STEP_TOO_SMALL, "step-too-small", "the step fell below the resolution of time") \
    X(PRC_NONFINITE, "non-finite", "a state or rate is not a finite number")     \
    X(PRC_SINGULAR, "singular", "the Jacobian system has no solution")           \
    X(PRC_CHATTER, "chattering", "events follow each other without end")         \
    X(PRC_NOT_STEADY, "not-steady", "no steady state within the given time")

typedef enum prc_outcome {
#define PRC_X(name, text, why) name,
    PRC_OUTCOME_LIST(PRC_X)
#undef PRC_X
        PRC_OUTCOME_COUNT
} prc_outcome;
const char *prc_outcome_name(prc_outcome o);
const char *prc_outcome_why(prc_outcome o);

/* A dose: at `time` the amount is added to the state at once (duration 0), or at a constant rate over `duration`; or, for a parameter
 * target, the parameter is set to `amount`. Doses of a job are sorted by time; equal times keep their order. */
typedef struct prc_dose_event {
    double time, duration, amount;
    int state; /* state slot, or -1 */
    int param; /* parameter slot to set, or -1 */
} prc_dose_event;

/* One patient to be solved. Memory stays the caller's until `done` was called for the job. */
typedef struct prc_job {
    size_t id;              /* the caller's number */
    double t0, t1;
    const double *param;    /* values of all parameters (n_param) */
    const double *start;    /* states at t0 (n_state), or NULL: the model's initial values; a NaN entry means the model's own value */
    size_t n_dose;
    const prc_dose_event *dose;
    size_t n_time;          /* output times within [t0, t1], ascending; at a dose time the value after the dose */
    const double *time;
} prc_job;

/* How a job ended. */
typedef struct prc_job_result {
    prc_outcome outcome;
    double time;          /* where it stopped */
    int state;            /* state slot to blame, -1 = none */
    const double *final;  /* states at the end (n_state), valid during the call */
    const double *watch_time; /* first occurrence of each watch (n_watch), NaN = never; valid during the call */
    long steps, rejected;
} prc_job_result;

/* Where patients come from and where results go. `next` fills *job and returns true, or returns false when none is left; it is called from the worker thread that
 * owns the part. All callbacks get the thread number. output: values (n_output) at job time index k. */
typedef struct prc_sink {
    bool (*next)(void *ctx, int part, prc_job *job);
    void (*output)(void *ctx, int part, const prc_job *job, size_t k, const double *value);
    void (*done)(void *ctx, int part, const prc_job *job, const prc_job_result *result);
    void *ctx;
} prc_sink;

typedef struct prc_solve_options {
    double rtol, atol;        /* default 1e-6, 1e-9; atol is per state times the state's scale */
    const double *scale;      /* typical size of each state (n_state), NULL = 1 */
    const uint8_t *nonnegative; /* states that cannot fall below 0 (n_state; cells, fractions), NULL = none. An undershoot within the tolerance is set
                                 to 0 (100 tolerances in all); a larger one rejects the step, and a state that goes on falling ends the job with its name */
    double h_max;             /* largest step, 0 = none */
    long max_steps;           /* per job, default 100000 */
    int width;                /* lanes per block, 0 = chosen (32) */
    const prc_kernel *kernel; /* NULL = best */
    bool until_steady;        /* stop with PRC_DONE when max |dx/dt| * scale of time 1 d falls below steady_tol relative; PRC_NOT_STEADY at t1 otherwise */
    double steady_tol;        /* default 1e-9 */
    int terminal_watch;       /* index of a watch that ends the job, -1 = none */
} prc_solve_options;
void prc_solve_defaults(prc_solve_options *o);

/* Memory and constants of one worker; one block allocated at creation, none while solving. Not for two threads at once. */
typedef struct prc_workspace prc_workspace;
PRC_CHECKED prc_status prc_workspace_create(const prc_program *p, const prc_solve_options *o, prc_workspace **out, prc_error *err);
void prc_workspace_free(prc_workspace *w);
size_t prc_workspace_bytes(const prc_workspace *w);

/* Solves every job that next() hands out, on this thread, calling the sink with `part`. Fails only for reasons that are not a patient's (memory). */
PRC_CHECKED prc_status prc_solve(prc_workspace *w, const prc_sink *sink, int part, prc_error *err);

/* Lane-steps done and lane-steps a full block would have done, since creation: utilisation. */
void prc_workspace_counts(const prc_workspace *w, long *used, long *offered);

/* Lanes per block that suit n patients shared by so many threads: few patients fill few lanes. */
int prc_solve_width(const prc_program *p, size_t n, size_t n_thread);

/* Convenience: solves jobs[0..n-1] on n_threads threads. out: n x max(n_time) x n_output values, row-major with row length max_time*n_output, or NULL;
 * results: n, with final and watch_time copied to final (n x n_state) and watch (n x n_watch) where these are not NULL (pointers in results are NULL). */
PRC_CHECKED prc_status prc_solve_all(const prc_program *p, const prc_solve_options *o, size_t n, const prc_job *jobs, int n_threads, size_t max_time, double *out,
                                     double *final, double *watch, prc_job_result *results, const prc_progress *progress, prc_error *err);

#endif
