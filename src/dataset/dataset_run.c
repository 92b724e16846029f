/* The second reading: patients in batches, each a chain of jobs; results in the order of the file. */
#include "dataset_int.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* A batch ends at so many patients or numbers. */
enum { BATCH_PATIENTS = 65536, BATCH_NUMBERS = 1 << 23 };
/* Steady states are sought with tighter tolerances, so that the error of one period cannot add up over many. */
static const double steady_rtol = 1e-12, steady_atol = 1e-15;

typedef enum stage { STAGE_RUN, STAGE_PROBE, STAGE_PERIOD, STAGE_PHASE } stage;

/* One patient under way. */
typedef struct work {
    char *id;
    long line;
    prc_course course;
    size_t seg; /* segment under way or next */
    stage stage;
    double *state; /* at the end of the last segment (n_state) */
    double *start; /* of the job under way (n_state) */
    double *value; /* n_time x n_output */
    prc_steady *steady;
    bool failed;
    prc_outcome outcome;
    double time;
    int blame;
    struct work *next; /* in a queue */
} work;

typedef struct part {
    work *queue[2]; /* waiting: segments; steps towards a steady state */
    prc_workspace *ws[2];
    prc_error err;
} part;

typedef struct run {
    prc_dataset *d;
    const prc_program *p;
    prc_solve_options o;
    size_t n_part;
    part *part;
    work *work;
    size_t n_work, cap_work;
    atomic_size_t next_work, done;
    atomic_bool stop, no_memory;
    const prc_progress *progress;
    double before; /* patients of earlier batches */
} run;

static prc_status no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory while simulating the data set");
}

static void work_reset(work *w) {
    prc_free(w->id);
    prc_course_reset(&w->course);
    prc_free(w->state);
    prc_free(w->value);
    prc_steady_free(w->steady);
    *w = (work){0};
}

/* ---- jobs -----------------------------------------------------------------------------------------------------------
 */

/* Puts a patient in the queue that its next job belongs to. */
static void enqueue(run *r, int at, work *w) {
    int mode = w->stage != STAGE_RUN;
    w->next = r->part[at].queue[mode];
    r->part[at].queue[mode] = w;
}

/* Begins the patient's next segment: its steady state is found first. */
static void open_segment(run *r, int at, work *w) {
    const prc_segment *s = &w->course.segment[w->seg];
    w->stage = s->start == PRC_START_STEADY || s->start == PRC_START_ADD_STEADY ? STAGE_PROBE : STAGE_RUN;
    if (w->stage == STAGE_PROBE) {
        w->steady = prc_steady_create(r->p->n_state);
        if (!w->steady) atomic_store(&r->no_memory, true);
        if (!w->steady) return;
    }
    enqueue(r, at, w);
}

static void fill_job(const run *r, work *w, prc_job *job) {
    const prc_course *c = &w->course;
    const prc_segment *s = &c->segment[w->seg];
    size_t n = r->p->n_state;
    *job = (prc_job){.id = (size_t)(w - r->work), .param = c->param + s->steady_param};
    switch (w->stage) {
    case STAGE_RUN:
        job->t0 = s->t0, job->t1 = s->t1;
        job->param = c->param + s->param;
        if (s->start != PRC_START_MODEL) {
            memcpy(w->start, w->state, n * sizeof *w->start);
            job->start = w->start;
        }
        job->n_dose = s->n_dose, job->dose = s->n_dose ? c->dose + s->dose : NULL;
        job->n_time = s->n_time, job->time = s->n_time ? c->time + s->time : NULL;
        return;
    case STAGE_PROBE:
        return;
    case STAGE_PERIOD:
    case STAGE_PHASE:
        job->t1 = w->stage == STAGE_PERIOD ? s->ii : s->phase;
        memcpy(w->start, prc_steady_state(w->steady), n * sizeof *w->start);
        job->start = w->start;
        job->n_dose = 1, job->dose = &s->steady;
        return;
    }
}

typedef struct hand {
    run *r;
    int mode;
} hand;

static bool next_job(void *ctx, int at, prc_job *job) {
    hand *h = ctx;
    run *r = h->r;
    part *p = &r->part[at];
    while (!p->queue[h->mode]) {
        if (h->mode == 1 || atomic_load(&r->stop) || atomic_load(&r->no_memory)) return false;
        size_t i = atomic_fetch_add(&r->next_work, 1);
        if (i >= r->n_work) return false;
        open_segment(r, at, &r->work[i]);
    }
    work *w = p->queue[h->mode];
    p->queue[h->mode] = w->next;
    fill_job(r, w, job);
    return true;
}

static void take_output(void *ctx, int at, const prc_job *job, size_t k, const double *value) {
    run *r = ((hand *)ctx)->r;
    work *w = &r->work[job->id];
    (void)at;
    if (w->stage != STAGE_RUN) return;
    size_t n = r->p->n_output, i = w->course.segment[w->seg].time + k;
    memcpy(w->value + i * n, value, n * sizeof *value);
}

static void fail_work(work *w, prc_outcome outcome, double time, int blame) {
    w->failed = true;
    w->outcome = outcome;
    w->time = time;
    w->blame = blame;
}

/* The steady state is the state of the segment's start, or is added to it. */
static void steady_found(work *w, const double *y, size_t n) {
    bool add = w->course.segment[w->seg].start == PRC_START_ADD_STEADY;
    for (size_t i = 0; i < n; i++) w->state[i] = add ? w->state[i] + y[i] : y[i];
    prc_steady_free(w->steady);
    w->steady = NULL;
    w->stage = STAGE_RUN;
}

/* After a period: another, or the part of a period until the lagged dose's record, or the segment itself. */
static void step_steady(run *r, int at, work *w, const double *end) {
    const prc_segment *s = &w->course.segment[w->seg];
    size_t n = r->p->n_state;
    if (w->stage == STAGE_PROBE) {
        memcpy(prc_steady_state(w->steady), end, n * sizeof *end);
        w->stage = STAGE_PERIOD;
    } else if (w->stage == STAGE_PHASE) {
        steady_found(w, end, n);
    } else {
        prc_steady_next next = prc_steady_take(w->steady, end);
        if (next == PRC_STEADY_NEVER) {
            fail_work(w, PRC_NOT_STEADY, s->t0, -1);
            return;
        }
        if (next == PRC_STEADY_FOUND && s->phase > 0)
            w->stage = STAGE_PHASE;
        else if (next == PRC_STEADY_FOUND)
            steady_found(w, prc_steady_state(w->steady), n);
    }
    enqueue(r, at, w);
}

static void take_result(void *ctx, int at, const prc_job *job, const prc_job_result *result) {
    run *r = ((hand *)ctx)->r;
    work *w = &r->work[job->id];
    const prc_segment *s = &w->course.segment[w->seg];
    if (result->outcome != PRC_DONE) {
        fail_work(w, result->outcome, w->stage == STAGE_RUN ? result->time : s->t0, result->state);
    } else if (w->stage != STAGE_RUN) {
        step_steady(r, at, w, result->final);
        if (!w->failed) return;
    } else {
        if (r->p->n_state) memcpy(w->state, result->final, r->p->n_state * sizeof *w->state);
        if (++w->seg < w->course.n_segment) {
            open_segment(r, at, w);
            return;
        }
    }
    size_t done = atomic_fetch_add(&r->done, 1) + 1;
    if (at == 0 && r->progress &&
        !r->progress->tick(r->progress->ctx, "simulate", r->before + (double)done, (double)r->d->counts.n_patient))
        atomic_store(&r->stop, true);
}

/* Segments and steps towards steady states by turns, until no patient waits. */
static prc_status run_part(void *ctx, size_t at, int thread) {
    run *r = ctx;
    part *p = &r->part[at];
    (void)thread;
    do
        for (int mode = 0; mode < 2; mode++) {
            hand h = {r, mode};
            prc_sink sink = {next_job, take_output, take_result, &h};
            if (mode == 1 && !p->queue[1]) continue;
            if (!p->ws[mode]) {
                prc_solve_options o = r->o;
                if (mode == 1) o.rtol = fmin(o.rtol, steady_rtol), o.atol = fmin(o.atol, steady_atol);
                PRC_TRY(prc_workspace_create(r->p, &o, &p->ws[mode], &p->err));
            }
            PRC_TRY(prc_solve(p->ws[mode], &sink, (int)at, &p->err));
        }
    while ((p->queue[0] || p->queue[1]) && !atomic_load(&r->stop) && !atomic_load(&r->no_memory));
    return atomic_load(&r->no_memory) ? PRC_E_MEMORY : PRC_OK;
}

/* ---- batches --------------------------------------------------------------------------------------------------------
 */

static prc_status add_work(run *r, const prc_patient_rows *rows, const double *param, size_t *size, prc_error *err) {
    size_t n_state = r->p->n_state, n_output = r->p->n_output;
    if (!PRC_GROW(r->work, r->n_work, r->cap_work)) return no_memory(err);
    work *w = &r->work[r->n_work++];
    *w = (work){.line = rows->record[0].line, .id = prc_strdup(rows->id)};
    PRC_TRY(prc_course_build(r->d, rows, param, r->d->m->n_param, true, &w->course, err));
    w->state = prc_calloc(2 * n_state + 1, sizeof *w->state);
    w->value = prc_malloc(w->course.n_time * n_output + 1, sizeof *w->value);
    if (!w->id || !w->state || !w->value) return no_memory(err);
    w->start = w->state + n_state;
    for (size_t i = 0; i < w->course.n_time * n_output; i++) w->value[i] = (double)NAN;
    *size += w->course.n_time * (n_output + 2) + w->course.n_param + w->course.n_dose * 4 + 2 * n_state + 64;
    return PRC_OK;
}

static prc_status read_batch(run *r, const double *param, prc_error *err) {
    prc_patient_rows rows = {0};
    prc_status st = PRC_OK;
    size_t size = 0;
    bool got = true;
    r->n_work = 0;
    while (r->n_work < BATCH_PATIENTS && size < BATCH_NUMBERS) {
        PRC_GO(st, prc_dataset_patient(r->d, &rows, &got, err));
        if (!got) break;
        PRC_GO(st, add_work(r, &rows, param, &size, err));
    }
out:
    prc_patient_rows_reset(&rows);
    return st;
}

static prc_status give_results(const run *r, const prc_dataset_sink *sink, prc_error *err) {
    for (size_t i = 0; i < r->n_work; i++) {
        const work *w = &r->work[i];
        for (size_t k = 0; k < w->course.n_time; k++)
            PRC_TRY(sink->row(sink->ctx, w->id, w->course.shown[k], w->value + k * r->p->n_output, err));
        prc_dataset_failure f = {w->id, w->line, w->outcome, w->time, w->blame};
        if (w->failed && sink->failure) PRC_TRY(sink->failure(sink->ctx, &f, err));
    }
    return PRC_OK;
}

/* A small population fills few lanes: a narrower block then wastes fewer. */
static int width_for(size_t n, size_t n_part) {
    size_t share = (n + n_part - 1) / n_part, width = (share / 8 + 7) & ~(size_t)7;
    return width < 8 ? 8 : width > 32 ? 32 : (int)width;
}

static prc_status run_batch(run *r, prc_error *err) {
    atomic_store(&r->next_work, 0);
    atomic_store(&r->done, 0);
    prc_status st = prc_parallel(r->n_part, (int)r->n_part, run_part, r);
    if (st) return prc_fail(err, st, "cannot simulate the data set: %s", prc_status_text(st));
    if (atomic_load(&r->stop))
        return prc_fail(err, PRC_E_INTERRUPTED, "stopped after %.0f patients",
                        r->before + (double)atomic_load(&r->done));
    return PRC_OK;
}

prc_status prc_dataset_run(prc_dataset *d, const prc_program *p, const double *param, const prc_solve_options *o,
                           int n_threads, const prc_dataset_sink *sink, const prc_progress *progress, prc_error *err) {
    run r = {.d = d, .p = p, .o = *o, .progress = progress};
    size_t cpus = (size_t)(n_threads > 0 ? n_threads : prc_cpu_count());
    prc_status st = PRC_OK;
    r.n_part = cpus < d->counts.n_patient ? cpus : d->counts.n_patient;
    if (r.n_part == 0) return PRC_OK;
    atomic_init(&r.next_work, 0);
    atomic_init(&r.done, 0);
    atomic_init(&r.stop, false);
    atomic_init(&r.no_memory, false);
    if (r.o.width <= 0) r.o.width = width_for(d->counts.n_patient, r.n_part);
    r.part = prc_calloc(r.n_part, sizeof *r.part);
    if (!r.part) return no_memory(err);
    PRC_GO(st, prc_dataset_rewind(d, err));
    for (;;) {
        PRC_GO(st, read_batch(&r, param, err));
        if (r.n_work == 0) break;
        PRC_GO(st, run_batch(&r, err));
        PRC_GO(st, give_results(&r, sink, err));
        r.before += (double)r.n_work;
        for (size_t i = 0; i < r.n_work; i++) work_reset(&r.work[i]);
        r.n_work = 0;
    }
out:
    for (size_t i = 0; i < r.n_work; i++) work_reset(&r.work[i]);
    prc_free(r.work);
    for (size_t i = 0; i < r.n_part; i++)
        for (int k = 0; k < 2; k++) prc_workspace_free(r.part[i].ws[k]);
    prc_free(r.part);
    return st;
}
