/* engine.c: runs the engine on a problem and takes the time of its threads. */
#include "bench.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

typedef struct work {
    const problem *p;
    engine_run *run;
    prc_solve_options o;
    atomic_size_t next, failed;
    atomic_long steps, rejected, used, offered;
    double seconds[64];
} work;

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool next_job(void *ctx, int part, prc_job *job)
{
    work *w = ctx;
    (void)part;
    size_t i = atomic_fetch_add(&w->next, 1);
    if (i >= w->run->n) return false;
    *job = w->p->job[i % BENCH_N];
    job->id = i;
    return true;
}

static void take_output(void *ctx, int part, const prc_job *job, size_t k, const double *value)
{
    work *w = ctx;
    size_t n = w->p->p->n_state;
    (void)part;
    if (w->run->out && job->id < BENCH_ERROR_N)
        memcpy(w->run->out + (job->id * w->p->n_time + k) * n, value, n * sizeof *value);
}

static void take_result(void *ctx, int part, const prc_job *job, const prc_job_result *r)
{
    work *w = ctx;
    (void)part, (void)job;
    atomic_fetch_add(&w->steps, r->steps);
    atomic_fetch_add(&w->rejected, r->rejected);
    if (r->outcome != PRC_DONE) atomic_fetch_add(&w->failed, 1);
}

static prc_status run_part(void *ctx, size_t part, int thread)
{
    work *w = ctx;
    prc_workspace *s = NULL;
    prc_sink sink = {next_job, take_output, take_result, w};
    long used, offered;
    (void)thread;
    double start = thread_seconds();
    PRC_TRY(prc_workspace_create(w->p->p, &w->o, &s, NULL));
    prc_status st = prc_solve(s, &sink, (int)part, NULL);
    prc_workspace_counts(s, &used, &offered);
    prc_workspace_free(s);
    w->seconds[part] = thread_seconds() - start;
    atomic_fetch_add(&w->used, used);
    atomic_fetch_add(&w->offered, offered);
    return st;
}

prc_status engine_go(const problem *p, engine_run *run, prc_error *err)
{
    work w = {.p = p, .run = run};
    prc_solve_defaults(&w.o);
    w.o.rtol = run->rtol;
    w.o.atol = 1e-2 * run->rtol;
    w.o.scale = p->scale;
    w.o.max_steps = 10000000;
    size_t parts = run->threads > 0 ? (size_t)run->threads : 1;
    w.o.width = run->width > 0 ? run->width : prc_solve_width(p->p, run->n, parts);
    w.o.kernel = run->isa ? prc_kernel_named(run->isa) : NULL;
    atomic_init(&w.next, 0);
    if (parts > 64) parts = 64;
    prc_status st = parts == 1 ? run_part(&w, 0, 0) : prc_parallel(parts, (int)parts, run_part, &w);
    if (st) return prc_fail(err, st, "%s: the engine failed: %s", p->name, prc_status_text(st));
    run->seconds = run->slowest = 0;
    for (size_t i = 0; i < parts; i++) {
        run->seconds += w.seconds[i];
        run->slowest = fmax(run->slowest, w.seconds[i]);
    }
    run->steps = atomic_load(&w.steps);
    run->rejected = atomic_load(&w.rejected);
    run->failed = atomic_load(&w.failed);
    run->utilisation = (double)atomic_load(&w.used) / (double)atomic_load(&w.offered);
    return PRC_OK;
}
