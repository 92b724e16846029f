/* truth.c: every patient simulated under every arm, free of noise. */
#include "trial_int.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

bool prc_outcome_failed(prc_outcome o)
{
    return o != PRC_DONE && o != PRC_STOPPED;
}

/* ---- the sink: hands out patients and takes their values ----------------------------------------------------- */

/* A patient in a lane: what the solver borrows while it works on him. */
typedef struct slot {
    size_t id;
    bool busy;
    double *param;
    prc_dose_event *dose;
} slot;

/* What one worker thread owns. */
typedef struct part {
    size_t n_slot, cap;
    slot *slot;
    long steps;
    prc_follow_up **waiting; /* under rules: lists of patients by the watch their next job wants (first those with none) */
    prc_follow_up *running;  /* those in a lane */
    size_t n_waiting, list;  /* patients in lists; the list that is served */
} part;

typedef struct simulation {
    const prc_engine *engine;
    const prc_world *world;
    const prc_cohort *cohort;
    const prc_arm *arm;
    prc_truth *truth;
    double horizon;
    const prc_rules *rules;     /* NULL = none */
    prc_follow_context follow;
    size_t n_job, max_dose;
    part *part;
    atomic_size_t next, done;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards what follows */
    const prc_progress *progress;
    prc_status status;
    prc_error *err;
} simulation;

static void give_up(simulation *s, prc_status status, const prc_error *why)
{
    pthread_mutex_lock(&s->lock);
    if (s->status == PRC_OK) {
        s->status = status;
        if (s->err) *s->err = *why;
    }
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->stop, true);
}

/* A free slot of the part; the pool grows to the number of lanes. */
static slot *take_slot(simulation *s, part *p)
{
    for (size_t i = 0; i < p->n_slot; i++)
        if (!p->slot[i].busy) return &p->slot[i];
    if (!PRC_GROW(p->slot, p->n_slot, p->cap)) return NULL;
    slot *new = &p->slot[p->n_slot];
    *new = (slot){0};
    new->param = prc_malloc(s->cohort->n_param + 1, sizeof *new->param);
    new->dose = prc_malloc(s->max_dose + 1, sizeof *new->dose);
    if (!new->param || !new->dose) {
        prc_free(new->param);
        prc_free(new->dose);
        return NULL;
    }
    p->n_slot++;
    return new;
}

/* The next patient with a baseline and what he is given; false when none is left or the run was given up. */
static bool take_patient(simulation *s, int which, slot **out, size_t *n_dose)
{
    const prc_cohort *c = s->cohort;
    prc_error why = {0};
    for (;;) {
        if (atomic_load(&s->stop)) return false;
        size_t id = atomic_fetch_add(&s->next, 1);
        if (id >= s->n_job) return false;
        size_t arm = id / c->n, i = id % c->n;
        /* A patient without a baseline has no course; his outcome is that of the run-in. */
        if (prc_outcome_failed(c->outcome[i])) {
            atomic_fetch_add(&s->done, 1);
            continue;
        }
        slot *place = take_slot(s, &s->part[which]);
        if (!place) {
            give_up(s, prc_fail(&why, PRC_E_MEMORY, "out of memory for the patients of a block"), &why);
            return false;
        }
        prc_arm_effect effect;
        memcpy(place->param, c->param + i * c->n_param, c->n_param * sizeof *place->param);
        prc_status st = prc_arm_doses(s->engine->condition, s->world, &s->arm[arm], c->covariate + i * c->n_covariate, place->param, place->dose, n_dose, &effect, &why);
        if (st != PRC_OK) {
            give_up(s, st, &why);
            return false;
        }
        place->id = id;
        *out = place;
        return true;
    }
}

static bool next_patient(void *ctx, int which, prc_job *job)
{
    simulation *s = ctx;
    const prc_cohort *c = s->cohort;
    slot *place;
    size_t n_dose = 0;
    if (!take_patient(s, which, &place, &n_dose)) return false;
    place->busy = true;
    *job = (prc_job){.id = place->id, .t0 = 0, .t1 = s->horizon, .param = place->param, .start = c->start + place->id % c->n * c->n_state, .n_dose = n_dose, .dose = place->dose,
                     .n_time = s->truth->n_time, .time = s->truth->time};
    return true;
}

/* Values of a job's patient at time k of the truth. */
static void keep_output(simulation *s, size_t id, size_t k, const double *value)
{
    const prc_engine *e = s->engine;
    prc_truth *t = s->truth;
    size_t arm = id / t->n_patient, i = id % t->n_patient;
    for (size_t o = 0; o < t->n_observable; o++) {
        if (e->output_of[o] < 0) continue;
        /* What is measured at day 0 is measured before the first dose. */
        bool before = t->time[k] <= 0 && prc_is_measured(&e->condition->observable[o]);
        PRC_TRUTH_AT(t, arm, i, k, o) = before ? s->cohort->baseline[i * t->n_observable + o] : value[e->output_of[o]];
    }
}

static void keep_end(simulation *s, size_t id, prc_outcome outcome, double time, int state, const double *watch_time)
{
    prc_truth *t = s->truth;
    size_t arm = id / t->n_patient, i = id % t->n_patient;
    t->outcome[id] = outcome;
    t->stop_time[id] = prc_outcome_failed(outcome) ? time : s->horizon;
    t->stop_state[id] = state;
    for (size_t o = 0; o < t->n_observable; o++)
        if (s->engine->watch_of[o] >= 0) PRC_TRUTH_EVENT(t, arm, i, o) = watch_time[s->engine->watch_of[o]];
}

static void take_output(void *ctx, int which, const prc_job *job, size_t k, const double *value)
{
    (void)which;
    keep_output(ctx, job->id, k, value);
}

static void tell_progress(simulation *s)
{
    size_t done = atomic_fetch_add(&s->done, 1) + 1;
    if (!s->progress || !s->progress->tick || (done % 64 != 0 && done != s->n_job)) return;
    prc_error why = {0};
    bool go_on = true;
    pthread_mutex_lock(&s->lock);
    if (s->status == PRC_OK) go_on = s->progress->tick(s->progress->ctx, "simulating", (double)done, (double)s->n_job);
    pthread_mutex_unlock(&s->lock);
    if (!go_on) give_up(s, prc_fail(&why, PRC_E_INTERRUPTED, "interrupted"), &why);
}

static void patient_done(void *ctx, int which, const prc_job *job, const prc_job_result *result)
{
    simulation *s = ctx;
    part *p = &s->part[which];
    keep_end(s, job->id, result->outcome, result->time, result->state, result->watch_time);
    p->steps += result->steps;
    for (size_t k = 0; k < p->n_slot; k++)
        if (p->slot[k].busy && p->slot[k].id == job->id) p->slot[k].busy = false;
    tell_progress(s);
}

/* ---- under rules: a patient is several jobs -------------------------------------------------------------------- */

/* Patients that wait at most before new ones are taken. */
enum { WAITING_MAX = 256 };

static size_t list_of(const simulation *s, const prc_follow_up *f)
{
    int watch = prc_follow_up_watch(f);
    return watch < 0 ? 0 : (size_t)watch - (s->engine->trial->n_watch - prc_rules_watches(s->rules)) + 1;
}

static void put(simulation *s, part *p, prc_follow_up *f)
{
    size_t k = list_of(s, f);
    *prc_follow_up_next(f) = p->waiting[k];
    p->waiting[k] = f;
    p->n_waiting++;
}

/* A new patient into his list; false when there is none. */
static bool enrol(simulation *s, int which)
{
    part *p = &s->part[which];
    const prc_cohort *c = s->cohort;
    slot *place;
    size_t n_dose = 0;
    prc_follow_up *f = NULL;
    prc_error why = {0};
    if (!take_patient(s, which, &place, &n_dose)) return false;
    size_t i = place->id % c->n;
    prc_status st = prc_follow_up_create(&s->follow, place->id, c->covariate + i * c->n_covariate, place->param, c->start + i * c->n_state, place->dose, n_dose, &f, &why);
    if (st != PRC_OK) give_up(s, st, &why);
    else put(s, p, f);
    return st == PRC_OK;
}

static bool next_follow_up(void *ctx, int which, prc_job *job)
{
    simulation *s = ctx;
    part *p = &s->part[which];
    if (atomic_load(&s->stop)) return false;
    if (p->list == 0 && !p->waiting[0] && p->n_waiting < WAITING_MAX) (void)enrol(s, which);
    prc_follow_up *f = p->waiting[p->list];
    if (!f) return false;
    p->waiting[p->list] = *prc_follow_up_next(f);
    p->n_waiting--;
    *prc_follow_up_next(f) = p->running;
    p->running = f;
    prc_follow_up_job(f, job);
    return true;
}

static prc_follow_up **find_running(part *p, size_t id)
{
    prc_follow_up **at = &p->running;
    while (prc_follow_up_id(*at) != id) at = prc_follow_up_next(*at);
    return at;
}

static void follow_up_output(void *ctx, int which, const prc_job *job, size_t k, const double *value)
{
    simulation *s = ctx;
    size_t at = prc_follow_up_output(*find_running(&s->part[which], job->id), k, value);
    if (at != SIZE_MAX) keep_output(s, job->id, at, value);
}

static void follow_up_done(void *ctx, int which, const prc_job *job, const prc_job_result *result)
{
    simulation *s = ctx;
    part *p = &s->part[which];
    prc_truth *t = s->truth;
    prc_follow_up **at = find_running(p, job->id), *f = *at;
    prc_error why = {0};
    bool finished = true;
    *at = *prc_follow_up_next(f);
    prc_status st = prc_follow_up_done(f, result, &finished, &why);
    if (st != PRC_OK) give_up(s, st, &why);
    if (st == PRC_OK && !finished) {
        put(s, p, f);
        return;
    }
    prc_follow_result r = prc_follow_up_result(f);
    if (st == PRC_OK) {
        keep_end(s, job->id, r.outcome, r.time, r.state, r.watch_time);
        if (t->n_rescue) memcpy(t->rescue + job->id * t->n_rescue, r.rescue, t->n_rescue * sizeof *r.rescue);
        t->stopped[job->id] = r.stopped;
        p->steps += r.steps;
    }
    prc_follow_up_free(f);
    if (st == PRC_OK) tell_progress(s);
}

/* Serves the lists in turn, each with a workspace that ends jobs at its watch, until nobody is left. */
static prc_status follow_all(simulation *s, size_t which, prc_error *why)
{
    part *p = &s->part[which];
    size_t n = prc_rules_watches(s->rules) + 1;
    const prc_sink sink = {next_follow_up, follow_up_output, follow_up_done, s};
    prc_status st = PRC_OK;
    prc_workspace **w = prc_calloc(n, sizeof *w);
    p->waiting = prc_calloc(n, sizeof *p->waiting);
    if (!w || !p->waiting) st = prc_fail(why, PRC_E_MEMORY, "out of memory for the rules of a trial");
    while (st == PRC_OK && !atomic_load(&s->stop) && (p->n_waiting > 0 || enrol(s, (int)which)))
        for (p->list = 0; st == PRC_OK && p->list < n; p->list++) {
            if (!p->waiting[p->list]) continue;
            prc_solve_options o = s->engine->options;
            o.terminal_watch = p->list ? (int)(s->engine->trial->n_watch - n + p->list) : -1;
            if (!w[p->list]) st = prc_workspace_create(s->engine->trial, &o, &w[p->list], why);
            if (st == PRC_OK) st = prc_solve(w[p->list], &sink, (int)which, why);
        }
    for (size_t k = 0; w && k < n; k++) prc_workspace_free(w[k]);
    prc_free(w);
    for (size_t k = 0; p->waiting && k < n; k++)
        for (prc_follow_up *f = p->waiting[k], *next; f; f = next) next = *prc_follow_up_next(f), prc_follow_up_free(f);
    for (prc_follow_up *f = p->running, *next; f; f = next) next = *prc_follow_up_next(f), prc_follow_up_free(f);
    prc_free(p->waiting);
    return st;
}

static prc_status solve_part(void *ctx, size_t which, int thread)
{
    simulation *s = ctx;
    prc_error why = {0};
    prc_workspace *w = NULL;
    const prc_sink sink = {next_patient, take_output, patient_done, s};
    prc_status st;
    (void)thread;
    if (s->rules) {
        st = follow_all(s, which, &why);
    } else {
        st = prc_workspace_create(s->engine->trial, &s->engine->options, &w, &why);
        if (st == PRC_OK) st = prc_solve(w, &sink, (int)which, &why);
        prc_workspace_free(w);
    }
    if (st != PRC_OK) give_up(s, st, &why);
    return PRC_OK;
}

/* ---- the truth ----------------------------------------------------------------------------------------------- */

static void fill_none(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (double)NAN;
}

static prc_status truth_create(const prc_cohort *c, size_t n_arm, const double *time, size_t n_time, const prc_rules *rules, prc_truth **out, prc_error *err)
{
    size_t runs = c->n * n_arm, events = runs * c->n_observable, values = events * n_time;
    prc_truth *t = prc_calloc(1, sizeof *t);
    if (!t) return prc_fail(err, PRC_E_MEMORY, "out of memory for the simulated courses");
    t->n_patient = c->n;
    t->n_arm = n_arm;
    t->n_time = n_time;
    t->n_observable = c->n_observable;
    t->time = prc_malloc(n_time + 1, sizeof *t->time);
    t->value = prc_malloc(values + 1, sizeof *t->value);
    t->event_time = prc_malloc(events + 1, sizeof *t->event_time);
    t->outcome = prc_calloc(runs + 1, sizeof *t->outcome);
    t->stop_time = prc_calloc(runs + 1, sizeof *t->stop_time);
    t->stop_state = prc_calloc(runs + 1, sizeof *t->stop_state);
    t->effect = prc_calloc(n_arm + 1, sizeof *t->effect);
    t->n_rescue = rules && rules->rescue.exists ? rules->rescue.times : 0;
    if (rules) t->rescue = prc_malloc(runs * t->n_rescue + 1, sizeof *t->rescue);
    if (rules) t->stopped = prc_malloc(runs + 1, sizeof *t->stopped);
    if ((rules && (!t->rescue || !t->stopped)) || !t->time || !t->value || !t->event_time || !t->outcome || !t->stop_time || !t->stop_state || !t->effect) {
        prc_truth_free(t);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for the courses of %zu patients under %zu arms (%.0f MB)\nmake size_per_arm smaller", c->n, n_arm, (double)values * 8e-6);
    }
    memcpy(t->time, time, n_time * sizeof *time);
    fill_none(t->value, values);
    fill_none(t->event_time, events);
    fill_none(t->rescue, runs * t->n_rescue);
    if (rules) fill_none(t->stopped, runs);
    for (size_t k = 0; k < runs; k++) {
        t->outcome[k] = c->outcome[k % c->n];
        t->stop_state[k] = c->outcome_state ? c->outcome_state[k % c->n] : -1;
    }
    *out = t;
    return PRC_OK;
}

/* What the arms mean for the trial layer, from the first patient's doses: routes and products, not patients, decide it. */
static prc_status find_effects(simulation *s, size_t n_arm, prc_error *err)
{
    const prc_cohort *c = s->cohort;
    prc_status st = PRC_OK;
    for (size_t a = 0; a < n_arm; a++) {
        size_t n = prc_arm_dose_count(s->engine->condition, &s->arm[a]);
        if (n > s->max_dose) s->max_dose = n;
    }
    double *param = prc_malloc(c->n_param + 1, sizeof *param);
    prc_dose_event *dose = prc_malloc(s->max_dose + 1, sizeof *dose);
    if (!param || !dose) st = prc_fail(err, PRC_E_MEMORY, "out of memory for the doses of an arm");
    for (size_t a = 0; st == PRC_OK && c->n > 0 && a < n_arm; a++) {
        size_t n = 0;
        memcpy(param, c->param, c->n_param * sizeof *param);
        st = prc_arm_doses(s->engine->condition, s->world, &s->arm[a], c->covariate, param, dose, &n, &s->truth->effect[a], err);
    }
    prc_free(param);
    prc_free(dose);
    return st;
}

static void count_events(const prc_engine *e, prc_truth *t)
{
    for (size_t o = 0; o < t->n_observable; o++) t->n_event += e->watch_of[o] >= 0;
}

static void parts_free(simulation *s, size_t n)
{
    for (size_t p = 0; s->part && p < n; p++) {
        for (size_t k = 0; k < s->part[p].n_slot; k++) {
            prc_free(s->part[p].slot[k].param);
            prc_free(s->part[p].slot[k].dose);
        }
        prc_free(s->part[p].slot);
    }
    prc_free(s->part);
}

prc_status prc_truth_simulate(const prc_engine *e, const prc_world *w, const prc_cohort *cohort, const prc_arm *arms, size_t n_arm,
                              const double *time, size_t n_time, double horizon, int n_threads, const prc_progress *progress,
                              prc_truth **out, prc_error *err)
{
    return prc_truth_simulate_rules(e, w, cohort, arms, n_arm, time, n_time, horizon, NULL, n_threads, progress, out, err);
}

prc_status prc_truth_simulate_rules(const prc_engine *e, const prc_world *w, const prc_cohort *cohort, const prc_arm *arms, size_t n_arm,
                                    const double *time, size_t n_time, double horizon, const prc_rules *rules, int n_threads, const prc_progress *progress,
                                    prc_truth **out, prc_error *err)
{
    prc_status st = PRC_OK;
    size_t n_part = (size_t)(n_threads > 0 ? n_threads : prc_cpu_count());
    simulation s = {.engine = e, .world = w, .cohort = cohort, .arm = arms, .horizon = horizon, .progress = progress, .err = err, .n_job = cohort->n * n_arm};
    s.rules = prc_rules_exist(rules) ? rules : NULL;
    PRC_TRY(truth_create(cohort, n_arm, time, n_time, s.rules, &s.truth, err));
    s.follow = (prc_follow_context){e, w, rules, horizon, s.truth->time, n_time};
    if (n_part > s.n_job) n_part = s.n_job ? s.n_job : 1;
    atomic_init(&s.next, 0);
    atomic_init(&s.done, 0);
    atomic_init(&s.stop, false);
    pthread_mutex_init(&s.lock, NULL);
    count_events(e, s.truth);
    PRC_GO(st, find_effects(&s, n_arm, err));
    s.part = prc_calloc(n_part, sizeof *s.part);
    if (!s.part) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for %zu threads", n_part);
        goto out;
    }
    /* A part reports through the simulation; what is left is that there was no memory for the threads. */
    st = prc_parallel(n_part, (int)n_part, solve_part, &s);
    if (st != PRC_OK) {
        (void)prc_fail(err, st, "cannot start %zu threads: %s", n_part, prc_status_text(st));
        goto out;
    }
    st = s.status;
    for (size_t p = 0; p < n_part; p++) s.truth->steps += s.part[p].steps;
out:
    parts_free(&s, n_part);
    pthread_mutex_destroy(&s.lock);
    if (st == PRC_OK) *out = s.truth;
    else prc_truth_free(s.truth);
    return st;
}

void prc_truth_free(prc_truth *t)
{
    if (!t) return;
    prc_free(t->time);
    prc_free(t->value);
    prc_free(t->event_time);
    prc_free(t->outcome);
    prc_free(t->stop_time);
    prc_free(t->stop_state);
    prc_free(t->effect);
    prc_free(t->rescue);
    prc_free(t->stopped);
    prc_free(t);
}

size_t prc_time_index(const prc_truth *t, double day)
{
    size_t lo = 0, hi = t->n_time;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (t->time[mid] <= day) lo = mid;
        else hi = mid;
    }
    return lo;
}

double prc_truth_seen(const prc_truth *t, const prc_observable *ob, size_t o, size_t a, size_t i, size_t k)
{
    double x = PRC_TRUTH_AT(t, a, i, k, o) + ob->direction * prc_placebo(ob, &t->effect[a], t->time[k]);
    if (x < ob->min) x = ob->min;
    if (x > ob->max) x = ob->max;
    return x;
}
