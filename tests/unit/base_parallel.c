#include "../tap.h"

#include <stdatomic.h>
#include <unistd.h>

#include "paracrine/base.h"

enum { N_JOB = 5000 };

typedef struct tally {
    atomic_int count[N_JOB];
    atomic_int wrong_thread, ran;
    int n_threads;
    size_t fail_from;
} tally;

static prc_status count_job(void *ctx, size_t job, int thread)
{
    tally *t = ctx;
    atomic_fetch_add(&t->count[job], 1);
    atomic_fetch_add(&t->ran, 1);
    if (thread < 0 || thread >= t->n_threads) atomic_fetch_add(&t->wrong_thread, 1);
    if (job >= t->fail_from) {
        /* The first failing job is the last to say so. */
        if (job == t->fail_from) usleep(20000);
        return job == t->fail_from ? PRC_E_NUMERIC : PRC_E_IO;
    }
    return PRC_OK;
}

static tally t;

static void every_job_once(void)
{
    static const int threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < 4; k++) {
        memset(&t, 0, sizeof t);
        t.n_threads = threads[k];
        t.fail_from = SIZE_MAX;
        TAP_INT(prc_parallel(N_JOB, threads[k], count_job, &t), PRC_OK);
        int wrong = 0;
        for (int i = 0; i < N_JOB; i++) wrong += t.count[i] != 1;
        TAP_THAT(wrong == 0 && t.wrong_thread == 0, "%d threads: each job ran once", threads[k]);
    }
    t.n_threads = prc_cpu_count();
    TAP_INT(prc_parallel(0, 0, count_job, &t), PRC_OK);
    TAP_INT(prc_parallel(10, 0, count_job, &t), PRC_OK);
    TAP_INT(t.wrong_thread, 0);
    TAP_OK(prc_cpu_count() >= 1);
}

static void lowest_failure(void)
{
    for (int threads = 1; threads <= 8; threads *= 2) {
        memset(&t, 0, sizeof t);
        t.n_threads = threads;
        t.fail_from = 100;
        TAP_INT(prc_parallel(N_JOB, threads, count_job, &t), PRC_E_NUMERIC);
        TAP_THAT(t.ran < 101 + 8, "%d threads: the hand-out stopped after %d jobs", threads, (int)t.ran);
    }
}

static void no_memory(void)
{
    prc_memory_fail_at(1);
    TAP_INT(prc_parallel(10, 2, count_job, &t), PRC_E_MEMORY);
    prc_memory_fail_at(0);
}

int main(void)
{
    TAP_RUN(every_job_once);
    TAP_RUN(lowest_failure);
    TAP_RUN(no_memory);
    return tap_done();
}
