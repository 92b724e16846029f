/* pool.c: patients simulated once under every arm, free of noise, and what an analysis reads of them. */
#include "design_int.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Patients simulated at a time: their full courses are let go again. */
enum { CHUNK = 1000 };

prc_status prc_design_memory(prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the replicate trials\nmake the pool smaller");
}

prc_status prc_design_tick(const prc_progress *p, const char *stage, double done, double total, prc_error *err)
{
    if (!p || !p->tick || p->tick(p->ctx, stage, done, total)) return PRC_OK;
    return prc_fail(err, PRC_E_INTERRUPTED, "interrupted");
}

double prc_design_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool prc_design_failed(prc_outcome o)
{
    return o != PRC_DONE && o != PRC_STOPPED;
}

double prc_design_seen(const prc_observable *ob, const prc_arm_effect *effect, double day, double truth)
{
    double x = truth + ob->direction * prc_placebo(ob, effect, day);
    if (x < ob->min) x = ob->min;
    if (x > ob->max) x = ob->max;
    return x;
}

bool prc_design_responds(const prc_observable *ob, double base, double now)
{
    double goal = strcmp(ob->mcid_unit, "%") == 0 ? fabs(base) * ob->mcid / 100 : ob->mcid;
    return ob->direction * (now - base) >= goal;
}

size_t prc_design_covariates(const prc_trial_spec *s, const prc_endpoint *e, const double *covariate, double base, double *row)
{
    size_t n = 0;
    for (size_t k = 0; k < e->n_covariate; k++) {
        int which = e->covariate[k];
        const prc_covariate *v = which < 0 ? NULL : &s->condition->covariate[which];
        if (!v || v->n_category == 0) {
            if (row) row[n] = v ? covariate[which] : base;
            n++;
            continue;
        }
        for (size_t m = 1; m < v->n_category; m++, n++)
            if (row) row[n] = v->code[m] == covariate[which];
    }
    return n;
}

/* ---- the pool ---------------------------------------------------------------------------------------------------- */

/* Strata are numbered by the categories of the stratifying covariates; unused numbers do no harm. */
static void find_strata(prc_pool *p)
{
    const prc_trial_spec *s = p->plan->s;
    size_t n_covariate = s->condition->n_covariate;
    p->n_stratum = 1;
    for (size_t k = 0; k < s->n_stratify; k++) p->n_stratum *= s->condition->covariate[s->stratify[k]].n_category;
    for (size_t i = 0; i < p->n; i++) {
        p->stratum[i] = 0;
        for (size_t k = 0; k < s->n_stratify; k++) {
            const prc_covariate *v = &s->condition->covariate[s->stratify[k]];
            size_t m = 0;
            while (m + 1 < v->n_category && v->code[m] != p->covariate[i * n_covariate + (size_t)s->stratify[k]]) m++;
            p->stratum[i] = p->stratum[i] * v->n_category + m;
        }
    }
}

/* Copies the patients of a chunk that did not fail under any arm; n_slot: room in the pool, its stride until it is closed up. */
static void keep(prc_pool *p, size_t n_slot, const prc_cohort *c, const prc_truth *t)
{
    const prc_plan *plan = p->plan;
    for (size_t i = 0; i < c->n; i++) {
        bool whole = true;
        for (size_t a = 0; a < p->n_arm; a++) whole = whole && !prc_design_failed(t->outcome[a * t->n_patient + i]);
        if (!whole) {
            p->n_failed++;
            continue;
        }
        size_t to = p->n++;
        p->id[to] = c->id[i];
        memcpy(p->covariate + to * c->n_covariate, c->covariate + i * c->n_covariate, c->n_covariate * sizeof *c->covariate);
        for (size_t a = 0; a < p->n_arm; a++) {
            for (size_t k = 0; k < plan->n_cell; k++) p->value[(a * n_slot + to) * plan->n_cell + k] = PRC_TRUTH_AT(t, a, i, plan->cell[k].time, plan->cell[k].observable);
            for (size_t k = 0; k < plan->n_event; k++) p->event[(a * n_slot + to) * plan->n_event + k] = PRC_TRUTH_EVENT(t, a, i, plan->event[k]);
        }
    }
}

/* Patients that failed leave a gap behind each arm: closed here. */
static void close_up(prc_pool *p, size_t n_slot)
{
    for (size_t a = 1; a < p->n_arm && p->n < n_slot; a++) {
        memmove(p->value + a * p->n * p->plan->n_cell, p->value + a * n_slot * p->plan->n_cell, p->n * p->plan->n_cell * sizeof *p->value);
        memmove(p->event + a * p->n * p->plan->n_event, p->event + a * n_slot * p->plan->n_event, p->n * p->plan->n_event * sizeof *p->event);
    }
}

static prc_status simulate(prc_pool *p, const prc_cohort *all, int n_threads, const prc_progress *progress, prc_error *err)
{
    const prc_plan *plan = p->plan;
    const prc_trial_spec *s = plan->s;
    prc_cohort *part = NULL;
    prc_truth *t = NULL;
    prc_status st = PRC_OK;
    size_t *index = prc_malloc(CHUNK, sizeof *index);
    if (!index) return prc_design_memory(err);
    for (size_t first = 0; first < all->n; first += CHUNK) {
        size_t n = all->n - first < CHUNK ? all->n - first : CHUNK;
        for (size_t k = 0; k < n; k++) index[k] = first + k;
        PRC_GO(st, prc_cohort_subset(all, index, n, &part, err));
        PRC_GO(st, prc_truth_simulate(plan->e, &s->condition->typical, part, s->arms->arm, p->n_arm, plan->time, plan->n_time, s->horizon, n_threads, NULL, &t, err));
        if (first == 0) memcpy(p->effect, t->effect, p->n_arm * sizeof *p->effect);
        keep(p, all->n, part, t);
        prc_truth_free(t);
        prc_cohort_free(part);
        t = NULL;
        part = NULL;
        PRC_GO(st, prc_design_tick(progress, "simulating the pool", (double)(first + n), (double)all->n, err));
    }
    close_up(p, all->n);
out:
    prc_truth_free(t);
    prc_cohort_free(part);
    prc_free(index);
    return st;
}

prc_status prc_pool_create(const prc_plan *plan, size_t population, uint32_t first_id, size_t n, int n_threads, const prc_progress *progress, prc_pool **out, prc_error *err)
{
    const prc_trial_spec *s = plan->s;
    prc_population_run run = {0};
    prc_status st;
    prc_pool *p = prc_calloc(1, sizeof *p);
    if (!p) return prc_design_memory(err);
    *p = (prc_pool){.plan = plan, .population = population, .n_arm = s->arms->n};
    p->id = prc_malloc(n, sizeof *p->id);
    p->covariate = prc_malloc(n * s->condition->n_covariate + 1, sizeof *p->covariate);
    p->stratum = prc_calloc(n, sizeof *p->stratum);
    p->value = prc_malloc(p->n_arm * n * plan->n_cell + 1, sizeof *p->value);
    p->event = prc_malloc(p->n_arm * n * plan->n_event + 1, sizeof *p->event);
    p->effect = prc_calloc(p->n_arm, sizeof *p->effect);
    if (!p->id || !p->covariate || !p->stratum || !p->value || !p->event || !p->effect) PRC_GO(st, prc_design_memory(err));
    PRC_GO(st, prc_screen(plan->e, &s->condition->typical, s->seed, 0, first_id, s->population[population].eligibility, n, n_threads, progress, &run, err));
    p->next_id = first_id + (uint32_t)run.n_screened;
    PRC_GO(st, simulate(p, run.cohort, n_threads, progress, err));
    find_strata(p);
out:
    prc_cohort_free(run.cohort);
    prc_free(run.id);
    prc_free(run.criterion_failed);
    prc_free(run.screening);
    if (st == PRC_OK) *out = p;
    else prc_pool_free(p);
    return st;
}

void prc_pool_free(prc_pool *p)
{
    if (!p) return;
    prc_free(p->id);
    prc_free(p->covariate);
    prc_free(p->stratum);
    prc_free(p->value);
    prc_free(p->event);
    prc_free(p->effect);
    prc_free(p);
}

/* ---- the truth --------------------------------------------------------------------------------------------------- */

/* What a patient contributes to the estimand of an analysis under an arm: change or value of the score as seen without noise; 100 or 0 for an event; 100 or 0 for an observed
 * response, a missing one counted as none (a composite estimand, which has no noise-free form). */
static double contribution(const prc_pool *p, const prc_planned *a, size_t arm, size_t i, const double *seen)
{
    const prc_endpoint *e = a->endpoint;
    const prc_plan *plan = p->plan;
    if (a->method == PRC_DM_LOGRANK) return PRC_POOL_EVENT(p, arm, i, a->event) <= e->at ? 100 : 0;
    if (a->method == PRC_DM_RESPONDER) return prc_design_responds(a->observable, seen[a->base], seen[a->at]) ? 100 : 0;
    double now = prc_design_seen(a->observable, &p->effect[arm], plan->time[plan->cell[a->at].time], PRC_POOL_AT(p, arm, i, a->at));
    return e->change ? now - prc_design_seen(a->observable, &p->effect[arm], 0, PRC_POOL_AT(p, arm, i, a->base)) : now;
}

void prc_pool_truth(const prc_pool *p, double *scratch, double *sum)
{
    const prc_plan *plan = p->plan;
    bool observed = false;
    for (size_t k = 0; k < plan->n_analysis; k++) observed = observed || plan->analysis[k].method == PRC_DM_RESPONDER;
    for (size_t i = 0; i < p->n; i++)
        for (size_t arm = 0; arm < p->n_arm; arm++) {
            if (observed) (void)prc_observe(p, i, arm, 0, scratch);
            for (size_t k = 0; k < plan->n_analysis; k++) sum[k * p->n_arm + arm] += contribution(p, &plan->analysis[k], arm, i, scratch);
        }
}
