/* solve_all.c: a list of jobs on several threads. */
#include "solve_int.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

typedef struct all {
    const prc_program *p;
    prc_solve_options o;
    size_t n, max_time;
    const prc_job *jobs;
    double *out, *final, *watch;
    prc_job_result *results;
    const prc_progress *progress;
    atomic_size_t next, done;
    atomic_bool stopped;
} all;

/* Jobs are numbered by their place in the list, whatever the caller's ids. */
static bool next_job(void *ctx, int part, prc_job *job)
{
    all *a = ctx;
    (void)part;
    if (atomic_load(&a->stopped)) return false;
    size_t i = atomic_fetch_add(&a->next, 1);
    if (i >= a->n) return false;
    *job = a->jobs[i];
    job->id = i;
    size_t row = a->max_time * a->p->n_output;
    for (size_t j = 0; a->out != NULL && j < row; j++) a->out[i * row + j] = (double)NAN;
    return true;
}

static void take_output(void *ctx, int part, const prc_job *job, size_t k, const double *value)
{
    all *a = ctx;
    (void)part;
    if (a->out == NULL || k >= a->max_time || a->p->n_output == 0) return;
    memcpy(a->out + (job->id * a->max_time + k) * a->p->n_output, value, a->p->n_output * sizeof *value);
}

static void take_result(void *ctx, int part, const prc_job *job, const prc_job_result *result)
{
    all *a = ctx;
    size_t n_state = a->p->n_state, n_watch = a->p->n_watch;
    if (a->final != NULL && n_state > 0)
        memcpy(a->final + job->id * n_state, result->final, n_state * sizeof *a->final);
    if (a->watch != NULL && n_watch > 0)
        memcpy(a->watch + job->id * n_watch, result->watch_time, n_watch * sizeof *a->watch);
    if (a->results != NULL) {
        a->results[job->id] = *result;
        a->results[job->id].final = a->results[job->id].watch_time = NULL;
    }
    size_t done = atomic_fetch_add(&a->done, 1) + 1;
    if (part == 0 && a->progress != NULL && !a->progress->tick(a->progress->ctx, "solve", (double)done, (double)a->n))
        atomic_store(&a->stopped, true);
}

static prc_status run_part(void *ctx, size_t part, int thread)
{
    all *a = ctx;
    (void)thread;
    prc_workspace *w = NULL;
    prc_sink sink = {next_job, take_output, take_result, a};
    PRC_TRY(prc_workspace_create(a->p, &a->o, &w, NULL));
    prc_status st = prc_solve(w, &sink, (int)part, NULL);
    prc_workspace_free(w);
    return st;
}

/* A small population fills few lanes: a narrower block then wastes fewer. */
int prc_solve_width(const prc_program *p, size_t n, size_t n_part)
{
    (void)p;
    size_t share = (n + n_part - 1) / n_part, width = (share / 8 + 7) & ~(size_t)7;
    return width < 8 ? 8 : width > 32 ? 32 : (int)width;
}

prc_status prc_solve_all(const prc_program *p, const prc_solve_options *o, size_t n, const prc_job *jobs, int n_threads,
                         size_t max_time, double *out, double *final, double *watch, prc_job_result *results,
                         const prc_progress *progress, prc_error *err)
{
    all a = {.p = p,
             .o = *o,
             .n = n,
             .max_time = max_time,
             .jobs = jobs,
             .out = out,
             .final = final,
             .watch = watch,
             .results = results,
             .progress = progress};
    if (n == 0) return PRC_OK;
    int cpus = n_threads > 0 ? n_threads : prc_cpu_count();
    size_t parts = (size_t)cpus < n ? (size_t)cpus : n;
    atomic_init(&a.next, 0);
    atomic_init(&a.done, 0);
    atomic_init(&a.stopped, false);
    if (a.o.width <= 0) a.o.width = prc_solve_width(p, n, parts);
    prc_status st = prc_parallel(parts, (int)parts, run_part, &a);
    if (st != PRC_OK)
        return prc_fail(err, st, "cannot solve %zu patients on %zu threads: %s", n, parts, prc_status_text(st));
    if (atomic_load(&a.stopped))
        return prc_fail(err, PRC_E_INTERRUPTED, "stopped after %zu of %zu patients", atomic_load(&a.done), n);
    return PRC_OK;
}
