/* replicate.c: the analyses of one replicate trial. */
#include "design_int.h"

#include <math.h>

bool prc_bench_init(prc_bench *b, const prc_pool *p, size_t n_max)
{
    const prc_plan *plan = p->plan;
    size_t width = 1, visits = 1;
    *b = (prc_bench){0};
    for (size_t k = 0; k < plan->n_analysis; k++) {
        if (plan->analysis[k].width > width) width = plan->analysis[k].width;
        if (plan->analysis[k].n_visit > visits) visits = plan->analysis[k].n_visit;
    }
    b->y = prc_malloc(n_max * visits + 1, sizeof *b->y);
    b->x = prc_malloc(n_max * visits * width + 1, sizeof *b->x);
    b->time = prc_malloc(2 * n_max + 1, sizeof *b->time);
    b->arm = prc_malloc(n_max * visits + 1, sizeof *b->arm);
    b->subject = prc_malloc(n_max * visits + 1, sizeof *b->subject);
    b->visit = prc_malloc(n_max * visits + 1, sizeof *b->visit);
    b->event = prc_malloc(3 * n_max + 1, sizeof *b->event);
    b->ls_mean = prc_malloc(p->n_arm + 1, sizeof *b->ls_mean);
    b->diff = prc_malloc(p->n_arm + 1, sizeof *b->diff);
    return prc_enrolled_init(&b->trial, p, n_max) && b->y && b->x && b->time && b->arm && b->subject && b->visit && b->event && b->ls_mean && b->diff;
}

void prc_bench_reset(prc_bench *b)
{
    prc_enrolled_reset(&b->trial);
    prc_free(b->y);
    prc_free(b->x);
    prc_free(b->time);
    prc_free(b->arm);
    prc_free(b->subject);
    prc_free(b->visit);
    prc_free(b->event);
    prc_free(b->ls_mean);
    prc_free(b->diff);
    *b = (prc_bench){0};
}

static prc_record record_of(const prc_estimate *e, double unit, double n)
{
    return (prc_record){e->estimate * unit, e->se * unit, e->p, e->ci_lb * unit, e->ci_ub * unit, n};
}

static const double *covariates(const prc_pool *p, size_t patient)
{
    return p->covariate + p->plan->s->condition->n_covariate * patient;
}

static double response(const prc_planned *a, const double *value, size_t cell)
{
    return a->endpoint->change ? value[cell] - value[a->base] : value[cell];
}

static prc_status ancova(prc_bench *b, const prc_pool *p, const prc_planned *a, size_t n, prc_record *record, prc_error *err)
{
    const prc_enrolled *t = &b->trial;
    size_t rows = 0, used = 0;
    for (size_t i = 0; i < t->n; i++) {
        const double *value = t->value + i * p->plan->n_cell;
        if (t->rank[i] >= n) continue;
        b->y[rows] = response(a, value, a->at);
        b->arm[rows] = (int)t->arm[i];
        (void)prc_design_covariates(p->plan->s, a->endpoint, covariates(p, t->who[i]), value[a->base], b->x + rows * a->width);
        used += isnan(b->y[rows]) ? 0 : 1;
        rows++;
    }
    PRC_TRY(prc_stat_ancova(b->y, b->arm, b->x, rows, p->n_arm, a->width, a->endpoint->versus, 1 - p->plan->alpha, b->ls_mean, b->diff, err));
    for (size_t k = 0; k < p->n_arm; k++) record[k] = record_of(&b->diff[k], 1, (double)used);
    return PRC_OK;
}

/* MMRM with unstructured covariance, arm by visit and the covariates of the endpoint, Kenward-Roger; the difference at the visit of the endpoint. No convergence: no estimate. */
static prc_status mmrm(prc_bench *b, const prc_pool *p, const prc_planned *a, size_t n, prc_record *record, prc_error *err)
{
    const prc_enrolled *t = &b->trial;
    const prc_mmrm_options options = {.cov = PRC_COV_UN, .df = PRC_DF_KR, .level = 1 - p->plan->alpha};
    prc_mmrm_table table = {0};
    size_t rows = 0, subjects = 0;
    for (size_t i = 0; i < t->n; i++) {
        const double *value = t->value + i * p->plan->n_cell;
        bool any = false;
        if (t->rank[i] >= n) continue;
        for (size_t v = 0; v < a->n_visit; v++) {
            double y = response(a, value, a->visit[v]);
            if (isnan(y)) continue;
            b->y[rows] = y;
            b->arm[rows] = (int)t->arm[i];
            b->subject[rows] = (int)subjects;
            b->visit[rows] = (int)v;
            (void)prc_design_covariates(p->plan->s, a->endpoint, covariates(p, t->who[i]), value[a->base], b->x + rows * a->width);
            rows++;
            any = true;
        }
        subjects += any;
    }
    const prc_frame frame = {.n = rows, .n_arm = p->n_arm, .arm = b->arm, .reference = a->endpoint->versus, .n_x = a->width, .x = b->x};
    prc_status st = prc_stat_mmrm(&frame, b->y, b->subject, b->visit, subjects, a->n_visit, &options, &table, err);
    if (st == PRC_E_NUMERIC || st == PRC_E_VALUE) return PRC_OK;
    PRC_TRY(st);
    for (size_t k = 0; k < p->n_arm; k++) record[k] = record_of(&table.diff[k * a->n_visit + a->at_visit], 1, (double)subjects);
    prc_mmrm_table_reset(&table);
    return PRC_OK;
}

static prc_status responder(prc_bench *b, const prc_pool *p, const prc_planned *a, size_t n, prc_record *record, prc_error *err)
{
    const prc_enrolled *t = &b->trial;
    size_t ref = (size_t)a->endpoint->versus;
    size_t *responders = t->count;
    for (size_t k = 0; k < p->n_arm; k++) responders[k] = 0;
    for (size_t i = 0; i < t->n; i++) {
        const double *value = t->value + i * p->plan->n_cell;
        if (t->rank[i] < n) responders[t->arm[i]] += prc_design_responds(a->observable, value[a->base], value[a->at]);
    }
    for (size_t k = 0; k < p->n_arm; k++) {
        prc_estimate e;
        if (k == ref) continue;
        PRC_TRY(prc_stat_risk_difference(responders[k], n, responders[ref], n, 1 - p->plan->alpha, &e, err));
        record[k] = record_of(&e, a->unit, (double)(n * p->n_arm));
    }
    return PRC_OK;
}

/* Event-free share of one arm at the endpoint's day. */
static prc_status event_free(prc_bench *b, size_t n, double at, double level, prc_estimate *out, prc_error *err)
{
    prc_km km = {0};
    PRC_TRY(prc_stat_km(b->time, b->event, n, &km, err));
    *out = prc_km_at(&km, at, level);
    prc_km_reset(&km);
    return PRC_OK;
}

/* Times of an arm behind `from` values already there. */
static size_t times_of(prc_bench *b, const prc_pool *p, const prc_planned *a, size_t n, size_t arm, size_t from)
{
    const prc_enrolled *t = &b->trial;
    int *group = b->event + 2 * t->n_max;
    for (size_t i = 0; i < t->n; i++) {
        if (t->rank[i] >= n || t->arm[i] != arm) continue;
        double day = PRC_POOL_EVENT(p, t->course[i], t->who[i], a->event), censored = fmin(p->plan->s->horizon, t->left[i]);
        b->event[from] = day <= censored;
        b->time[from] = b->event[from] ? day : censored;
        group[from++] = (int)arm;
    }
    return from;
}

/* Each arm against the reference: p by the log-rank test, the estimate is the difference of the cumulative incidence at the endpoint's day. */
static prc_status logrank(prc_bench *b, const prc_pool *p, const prc_planned *a, size_t n, prc_record *record, prc_error *err)
{
    size_t ref = (size_t)a->endpoint->versus;
    double level = 1 - p->plan->alpha, z = prc_norm_inv(0.5 + level / 2);
    prc_estimate s0, s1, test;
    size_t n0 = times_of(b, p, a, n, ref, 0);
    PRC_TRY(event_free(b, n0, a->endpoint->at, level, &s0, err));
    for (size_t k = 0; k < p->n_arm; k++) {
        if (k == ref) continue;
        size_t n1 = times_of(b, p, a, n, k, 0);
        PRC_TRY(event_free(b, n1, a->endpoint->at, level, &s1, err));
        size_t both = times_of(b, p, a, n, ref, n1);
        int *group = b->event + 2 * b->trial.n_max;
        for (size_t i = 0; i < both; i++) group[i] = i < n1;
        PRC_TRY(prc_stat_logrank(b->time, b->event, group, NULL, both, 2, &test, err));
        double d = s0.estimate - s1.estimate, se = sqrt(s0.se * s0.se + s1.se * s1.se);
        record[k] = (prc_record){a->unit * d, a->unit * se, test.p, a->unit * (d - z * se), a->unit * (d + z * se), (double)both};
    }
    return PRC_OK;
}

prc_status prc_replicate_analyse(prc_bench *b, const prc_pool *p, const prc_planned *a, size_t n, prc_record *record, prc_error *err)
{
    const double none = (double)NAN;
    for (size_t k = 0; k < p->n_arm; k++) record[k] = (prc_record){none, none, none, none, none, none};
    switch (a->method) {
    case PRC_DM_ANCOVA: return ancova(b, p, a, n, record, err);
    case PRC_DM_MMRM: return mmrm(b, p, a, n, record, err);
    case PRC_DM_RESPONDER: return responder(b, p, a, n, record, err);
    case PRC_DM_LOGRANK: return logrank(b, p, a, n, record, err);
    }
    return PRC_OK;
}
