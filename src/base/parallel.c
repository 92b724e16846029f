#include "paracrine/base.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

typedef struct crew {
    prc_job_fn fn;
    void *ctx;
    size_t n_jobs;
    atomic_size_t next;   /* next job to hand out */
    atomic_bool stop;     /* a job failed */
    pthread_mutex_t lock; /* guards the two below */
    size_t failed_job;
    prc_status status;
} crew;

typedef struct worker {
    crew *crew;
    pthread_t thread;
    int id;
} worker;

static void note_failure(crew *c, size_t job, prc_status status)
{
    pthread_mutex_lock(&c->lock);
    if (c->status == PRC_OK || job < c->failed_job) {
        c->failed_job = job;
        c->status = status;
    }
    pthread_mutex_unlock(&c->lock);
    atomic_store(&c->stop, true);
}

/* Jobs are handed out in ascending order, so every job below a failed one was started and is waited for: which failure is
 * returned does not depend on timing. */
static void *work(void *arg)
{
    const worker *w = arg;
    crew *c = w->crew;
    while (!atomic_load(&c->stop)) {
        size_t job = atomic_fetch_add(&c->next, 1);
        if (job >= c->n_jobs) break;
        prc_status status = c->fn(c->ctx, job, w->id);
        if (status != PRC_OK) note_failure(c, job, status);
    }
    return NULL;
}

int prc_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

prc_status prc_parallel(size_t n_jobs, int n_threads, prc_job_fn fn, void *ctx)
{
    if (n_threads <= 0) n_threads = prc_cpu_count();
    if ((size_t)n_threads > n_jobs) n_threads = n_jobs > 0 ? (int)n_jobs : 1;
    crew c = {.fn = fn, .ctx = ctx, .n_jobs = n_jobs, .status = PRC_OK};
    worker *workers = prc_calloc((size_t)n_threads, sizeof *workers);
    if (!workers) return PRC_E_MEMORY;
    pthread_mutex_init(&c.lock, NULL);
    /* The caller is worker 0; if the system gives fewer threads, those there are do all the work. */
    int started = 1;
    workers[0] = (worker){.crew = &c, .id = 0};
    for (; started < n_threads; started++) {
        workers[started] = (worker){.crew = &c, .id = started};
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) break;
    }
    work(&workers[0]);
    for (int i = 1; i < started; i++) pthread_join(workers[i].thread, NULL);
    pthread_mutex_destroy(&c.lock);
    prc_free(workers);
    return c.status;
}
