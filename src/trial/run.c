/* run.c: a virtual trial from its file to its results. */
#include "trial_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void prc_trial_defaults(prc_trial_options *o)
{
    *o = (prc_trial_options){.max_fail = 0.01};
}

prc_status prc_trial_tick(const prc_progress *p, const char *stage, double done, double total, prc_error *err)
{
    if (!p || !p->tick || p->tick(p->ctx, stage, done, total)) return PRC_OK;
    return prc_fail(err, PRC_E_INTERRUPTED, "interrupted");
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- times --------------------------------------------------------------------------------------------------- */

double prc_trial_step(double horizon)
{
    return fmax(28, floor(horizon / 60 + 0.5));
}

bool prc_on_grid(double time, double step)
{
    return fmod(time, step) == 0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

prc_status prc_trial_times(const prc_trial_spec *s, double **out, size_t *n, prc_error *err)
{
    double step = prc_trial_step(s->horizon);
    size_t regular = (size_t)(s->horizon / step) + 1, all = 0, kept = 0;
    double *t = prc_malloc(regular + s->n_visit + 1, sizeof *t);
    if (!t) return prc_fail(err, PRC_E_MEMORY, "out of memory for the times of a trial");
    for (size_t k = 0; k < regular; k++) t[all++] = (double)k * step;
    for (size_t v = 0; v < s->n_visit; v++) t[all++] = s->visit[v];
    t[all++] = s->horizon;
    qsort(t, all, sizeof *t, ascending);
    for (size_t k = 0; k < all; k++)
        if (kept == 0 || t[k] > t[kept - 1]) t[kept++] = t[k];
    *out = t;
    *n = kept;
    return PRC_OK;
}

/* ---- stages -------------------------------------------------------------------------------------------------- */

/* The score that selects patients: the first one eligibility names, else the primary one. */
static int selecting_score(const prc_trial_spec *s, const prc_eligibility *el)
{
    for (size_t i = 0; i < el->n; i++)
        if (el->criterion[i].observable >= 0) return el->criterion[i].observable;
    return s->endpoint[0].observable;
}

/* ---- a population in chunks ---------------------------------------------------------------------------------- */

/* What one population needs while it runs. */
typedef struct pass {
    prc_trial_result *r;
    const prc_trial_options *o;
    const double *time, *expected;
    size_t n_time, population, first;
    prc_rows *rows;
    prc_passing *sums;
    double rtm_sum; /* observed change of the selecting score from screening to baseline, no treatment given */
    size_t rtm_n, cap_failure;
    prc_progress progress;
    double done, total; /* simulations of this population */
} pass;

/* Progress of a chunk as that of the population. */
static bool tick_chunk(void *ctx, const char *stage, double done, double total)
{
    const pass *p = ctx;
    (void)total;
    return p->o->progress->tick(p->o->progress->ctx, stage, p->done + done, p->total);
}

static void regress(pass *p, const prc_chunk *k)
{
    const prc_trial_spec *s = p->r->spec;
    size_t o = (size_t)p->r->population[p->population].rtm_observable, width = s->condition->n_observable;
    const prc_observable *ob = &s->condition->observable[o];
    const prc_world *w = &s->condition->typical;
    for (size_t i = 0; i < k->n; i++) {
        double baseline = prc_measure(s->condition, w, ob, s->seed, 0, k->cohort->id[i], 0, k->cohort->baseline[i * width + o], NULL, false, 0);
        double change = baseline - prc_screening_value(p->r->engine, w, s->seed, 0, k->cohort, i, o);
        if (!isnan(change)) p->rtm_sum += change, p->rtm_n++;
    }
}

static const char *state_name(const prc_condition *c, int state)
{
    if (state < 0 || (size_t)state >= c->model->n_state) return "";
    return c->model->var[c->model->state[state]].name;
}

/* Every simulation that stopped early, the patient's own arm or another. */
static prc_status list_failures(pass *p, const prc_chunk *k, prc_error *err)
{
    prc_trial_result *r = p->r;
    const prc_truth *t = k->truth;
    for (size_t i = 0; i < k->n; i++) {
        const prc_subject *u = &r->subject[k->first + i];
        for (size_t a = 0; a < t->n_arm; a++) {
            size_t at = a * t->n_patient + i;
            if (!prc_outcome_failed(t->outcome[at])) continue;
            if (!PRC_GROW(r->failure, r->n_failure, p->cap_failure)) return prc_fail(err, PRC_E_MEMORY, "out of memory for the failures");
            prc_failure *f = &r->failure[r->n_failure++];
            *f = (prc_failure){.arm = r->spec->arms->arm[a].name, .outcome = t->outcome[at], .time = t->stop_time[at],
                               .state = state_name(r->spec->condition, t->stop_state[at]), .id = u->id, .own = a == u->arm};
            prc_subject_name(r, u, f->usubjid);
        }
    }
    return PRC_OK;
}

static prc_status fill_screening(const prc_trial_result *r, prc_population_run *run, prc_error *err)
{
    size_t width = r->spec->condition->n_observable;
    run->screening = prc_malloc(run->n * width + 1, sizeof *run->screening);
    if (!run->screening) return prc_fail(err, PRC_E_MEMORY, "out of memory for the screening values");
    for (size_t i = 0; i < run->n; i++)
        for (size_t o = 0; o < width; o++)
            run->screening[i * width + o] = prc_screening_value(r->engine, &r->spec->condition->typical, r->spec->seed, 0, run->cohort, i, o);
    return PRC_OK;
}

/* Patients from .. from + n of the population: drawn again (the same identities give the same patients), simulated under every arm, measured, written, summed up, forgotten. */
static prc_status run_chunk(pass *p, size_t from, size_t n, double *score, prc_error *err)
{
    prc_trial_result *r = p->r;
    const prc_trial_spec *s = r->spec;
    prc_population_run *run = &r->population[p->population];
    const prc_world *w = &s->condition->typical;
    prc_cohort *cohort = NULL;
    prc_truth *truth = NULL;
    prc_chunk k = {.r = r, .population = p->population, .first = p->first + from, .n = n, .score = score};
    prc_status st;
    PRC_GO(st, prc_cohort_draw(r->engine, w, s->seed, 0, run->id + from, n, p->o->n_threads, &cohort, err));
    double begin = seconds_now();
    PRC_GO(st, prc_truth_simulate_rules(r->engine, w, cohort, s->arms->arm, s->arms->n, p->time, p->n_time, s->horizon, &s->rules, p->o->n_threads, &p->progress, &truth, err));
    r->seconds_simulated += seconds_now() - begin;
    p->done += (double)(n * s->arms->n);
    k.cohort = cohort;
    k.truth = truth;
    regress(p, &k);
    PRC_GO(st, prc_chunk_measure(&k, p->expected, p->o->n_threads, err));
    PRC_GO(st, prc_chunk_adverse(&k, err));
    PRC_GO(st, list_failures(p, &k, err));
    PRC_GO(st, prc_passing_take(p->sums, &k, err));
    PRC_GO(st, prc_analyse_chunk(&k, err));
    prc_rows_write(p->rows, &k);
out:
    prc_free(k.ae);
    if (st == PRC_OK && p->o->keep) {
        run->cohort = cohort;
        run->truth = truth;
        return fill_screening(r, run, err);
    }
    prc_cohort_free(cohort);
    prc_truth_free(truth);
    return st;
}

static prc_status run_chunks(pass *p, prc_error *err)
{
    const prc_trial_spec *s = p->r->spec;
    prc_population_run *run = &p->r->population[p->population];
    size_t per_patient = s->n_visit * s->condition->n_observable, step = prc_trial_chunk(s, p->o, p->n_time, p->population);
    double *work = NULL;
    prc_status st = PRC_OK;
    if (!p->o->keep) {
        work = prc_malloc((step < run->n ? step : run->n) * per_patient + 1, sizeof *work);
        if (!work) return prc_fail(err, PRC_E_MEMORY, "out of memory for the scores of %zu patients", step);
    }
    for (size_t from = 0; st == PRC_OK && from < run->n; from += step)
        st = run_chunk(p, from, run->n - from < step ? run->n - from : step, work ? work : p->r->score + p->first * per_patient, err);
    prc_free(work);
    return st;
}

static prc_status screen_population(pass *p, prc_error *err)
{
    const prc_trial_spec *s = p->r->spec;
    prc_population_run *run = &p->r->population[p->population];
    const prc_population_spec *ps = &s->population[p->population];
    prc_status st = prc_screen_ids(p->r->engine, &s->condition->typical, s->seed, 0, (uint32_t)p->population * PRC_POPULATION_IDS, ps->eligibility, s->stratify, s->n_stratify,
                               ps->size_per_arm * s->arms->n, p->o->n_threads, p->o->progress, run, err);
    if (st != PRC_OK && err && s->n_population > 1) {
        prc_error inner = *err;
        return prc_fail(err, st, "population `%s`: %.900s", ps->name, inner.message);
    }
    PRC_TRY(st);
    run->rtm_observable = selecting_score(s, ps->eligibility);
    PRC_TRY(prc_randomise(s, p->r, p->population, p->first, err));
    prc_free(run->stratum);
    run->stratum = NULL;
    return PRC_OK;
}

static prc_status run_population(pass *p, prc_error *err)
{
    prc_trial_result *r = p->r;
    prc_population_run *run = &r->population[p->population];
    prc_status st;
    if (p->o->progress && p->o->progress->tick) p->progress = (prc_progress){tick_chunk, p};
    PRC_GO(st, screen_population(p, err));
    p->total = (double)run->n * (double)r->spec->arms->n;
    PRC_GO(st, prc_passing_create(r, p->population, p->time, p->n_time, &p->sums, err));
    PRC_GO(st, run_chunks(p, err));
    run->regression_to_mean = p->rtm_n ? p->rtm_sum / (double)p->rtm_n : (double)NAN;
    PRC_GO(st, prc_passing_end(p->sums, err));
out:
    prc_passing_free(p->sums);
    return st;
}

/* ---- failures ------------------------------------------------------------------------------------------------ */

/* Candidates whose run-in failed were never randomised; those whose identity was kept are listed by it. */
static prc_status list_candidates(prc_trial_result *r, size_t p, size_t *cap, prc_error *err)
{
    const prc_population_run *run = &r->population[p];
    prc_cohort *c = NULL;
    size_t known = sizeof run->run_in_failed / sizeof *run->run_in_failed, n = run->n_run_in_failed < known ? run->n_run_in_failed : known;
    if (n == 0) return PRC_OK;
    prc_status st = prc_cohort_draw(r->engine, &r->spec->condition->typical, r->spec->seed, 0, run->run_in_failed, n, 1, &c, err);
    for (size_t i = 0; st == PRC_OK && i < n; i++) {
        if (!PRC_GROW(r->failure, r->n_failure, *cap)) {
            st = prc_fail(err, PRC_E_MEMORY, "out of memory for the failures");
            break;
        }
        prc_failure *f = &r->failure[r->n_failure++];
        *f = (prc_failure){.arm = "screening", .outcome = c->outcome[i], .time = c->outcome_time[i], .state = state_name(r->spec->condition, c->outcome_state[i]), .id = c->id[i]};
        snprintf(f->usubjid, sizeof f->usubjid, "SCREEN-%u", (unsigned)c->id[i]);
    }
    prc_cohort_free(c);
    return st;
}

/* Candidates first. */
static prc_status add_candidates(prc_trial_result *r, prc_error *err)
{
    prc_failure *later = r->failure;
    size_t n = r->n_failure, cap = 0;
    prc_status st = PRC_OK;
    r->failure = NULL;
    r->n_failure = 0;
    for (size_t p = 0; st == PRC_OK && p < r->spec->n_population; p++) st = list_candidates(r, p, &cap, err);
    for (size_t k = 0; st == PRC_OK && k < n; k++) {
        if (PRC_GROW(r->failure, r->n_failure, cap)) r->failure[r->n_failure++] = later[k];
        else st = prc_fail(err, PRC_E_MEMORY, "out of memory for the failures");
    }
    prc_free(later);
    return st;
}

static prc_status judge_failures(const prc_trial_result *r, double max_fail, prc_error *err)
{
    size_t failed = 0;
    const prc_failure *worst = NULL;
    for (size_t k = 0; k < r->n_failure; k++) {
        failed += r->failure[k].own;
        if (r->failure[k].own && !worst) worst = &r->failure[k];
    }
    if (!worst || (double)failed <= max_fail * (double)r->n_subject) return PRC_OK;
    return prc_fail(err, PRC_E_FAILED_PATIENTS, "the simulation of %zu of %zu patients failed, more than %g %%; the first is %s: %s at day %g in %s\nsee failures.csv; --max-fail sets the share that is allowed",
                    failed, r->n_subject, 100 * max_fail, worst->usubjid, prc_outcome_why(worst->outcome), worst->time, *worst->state ? worst->state : "no state in particular");
}

/* ---- the run ------------------------------------------------------------------------------------------------- */

static prc_status result_create(const prc_trial_spec *s, bool keep, prc_trial_result **out, prc_error *err)
{
    prc_trial_result *r = prc_calloc(1, sizeof *r);
    if (!r) return prc_fail(err, PRC_E_MEMORY, "out of memory for the results");
    r->spec = s;
    for (size_t p = 0; p < s->n_population; p++) r->n_subject += s->population[p].size_per_arm * s->arms->n;
    r->arena = prc_arena_create();
    r->population = prc_calloc(s->n_population, sizeof *r->population);
    r->subject = prc_calloc(r->n_subject, sizeof *r->subject);
    size_t counts = s->n_population * s->arms->n * (s->n_adverse + 1), scores = keep ? r->n_subject * s->n_visit * s->condition->n_observable : 0;
    r->ae_patients = prc_calloc(counts, sizeof *r->ae_patients);
    r->ae_events = prc_calloc(counts, sizeof *r->ae_events);
    if (keep) r->score = prc_malloc(scores + 1, sizeof *r->score);
    if (r->arena && r->population && r->subject && r->ae_patients && r->ae_events && (!keep || r->score)) {
        *out = r;
        return PRC_OK;
    }
    prc_trial_result_free(r);
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the results of a trial\nmake size_per_arm smaller");
}

/* A run that cannot fit is refused before it starts: the system would end it half-way without a word. */
static prc_status check_memory(const prc_trial_spec *s, const prc_trial_options *o, size_t n_time, prc_error *err)
{
    double have = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE), need = prc_trial_bytes(s, o, n_time);
    if (!(have > 0) || need < have) return PRC_OK;
    return prc_fail(err, PRC_E_MEMORY, "the trial needs %.0f GB of memory, this machine has %.0f GB\nmake size_per_arm smaller", need * 1e-9, have * 1e-9);
}

prc_status prc_trial_run(const prc_trial_spec *s, const prc_trial_options *o, prc_trial_result **out, prc_error *err)
{
    prc_status st;
    prc_trial_result *r = NULL;
    double *time = NULL, *expected = NULL, begin = seconds_now();
    size_t n_time = 0, first = 0, cap_failure = 0;
    prc_rows *rows = NULL;
    PRC_GO(st, prc_trial_times(s, &time, &n_time, err));
    PRC_GO(st, check_memory(s, o, n_time, err));
    PRC_GO(st, result_create(s, o->keep, &r, err));
    PRC_GO(st, prc_trial_engine(s->condition, &s->rules, &r->engine, err));
    if (o->width > 0) r->engine->options.width = o->width;
    PRC_GO(st, prc_expected_change(r, time, n_time, o->n_threads, &expected, err));
    PRC_GO(st, prc_analyse_begin(r, err));
    PRC_GO(st, prc_rows_open(r, o->dir, &rows, err));
    for (size_t p = 0; p < s->n_population; p++) {
        pass one = {.r = r, .o = o, .time = time, .expected = expected, .n_time = n_time, .population = p, .first = first, .rows = rows, .cap_failure = cap_failure};
        PRC_GO(st, run_population(&one, err));
        cap_failure = one.cap_failure;
        first += r->population[p].n;
    }
    PRC_GO(st, add_candidates(r, err));
    PRC_GO(st, prc_trial_tick(o->progress, "analysing", 0, 1, err));
    PRC_GO(st, prc_analyse_end(r, err));
    r->seconds_total = seconds_now() - begin;
out:
    prc_rows_free(rows);
    prc_free(expected);
    prc_free(time);
    if (st != PRC_OK) {
        prc_trial_result_free(r);
        return st;
    }
    *out = r;
    return judge_failures(r, o->max_fail, err);
}

void prc_trial_result_free(prc_trial_result *r)
{
    if (!r) return;
    for (size_t k = 0; k < r->n_result; k++)
        for (size_t a = 0; r->result[k].km && a < r->result[k].n_arm; a++) prc_km_reset(&r->result[k].km[a]);
    for (size_t p = 0; r->population && p < r->spec->n_population; p++) {
        prc_cohort_free(r->population[p].cohort);
        prc_truth_free(r->population[p].truth);
        prc_free(r->population[p].criterion_failed);
        prc_free(r->population[p].screening);
        prc_free(r->population[p].id);
        prc_free(r->population[p].stratum);
        prc_free(r->population[p].time);
        prc_free(r->population[p].trajectory);
        prc_free(r->population[p].baseline);
        prc_free(r->population[p].category);
    }
    for (size_t k = 0; k < r->n_column; k++) prc_free(r->column[k].value);
    prc_free(r->column);
    prc_free(r->population);
    prc_free(r->subject);
    prc_free(r->score);
    prc_free(r->ae_patients);
    prc_free(r->ae_events);
    prc_free(r->failure);
    prc_engine_free(r->engine);
    prc_arena_free(r->arena);
    prc_free(r);
}
