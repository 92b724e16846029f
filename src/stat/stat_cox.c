/* stat_cox.c: Cox regression with tied times after Efron or Breslow, stratified, with score statistic and the test of proportional hazards. */
#include "stat_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct order { double time; int stratum, event; size_t row; } order;

/* Rows used, stratum by stratum, latest first, so that the sums over those at risk only grow. */
typedef struct cox {
    size_t n, p;
    prc_ties ties;
    order *at;       /* n */
    double *x;       /* n x p in that order, centred */
    double *scale;   /* p */
    double *g;       /* n or NULL: time transformed, for the proportional-hazards test */
    double *sums;    /* s1, d1 (p each), s2, d2 (p x p each), time's own u (p) and info (p x p), mean (p) */
    double *ug, *ig, *igg; /* sums weighted with g, when g is there */
} cox;

static int latest_first(const void *a, const void *b)
{
    const order *x = a, *y = b;
    if (x->stratum != y->stratum) return x->stratum < y->stratum ? -1 : 1;
    if (x->time != y->time) return x->time > y->time ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void cox_reset(cox *c)
{
    prc_free(c->at);
    prc_free(c->x);
    prc_free(c->scale);
    prc_free(c->g);
    prc_free(c->sums);
    prc_free(c->ug);
}

static prc_status cox_create(const double *time, const int *event, const double *x, const int *stratum, size_t n, size_t p, cox *c, prc_error *err)
{
    size_t q = p ? p : 1, room = n ? n : 1;
    c->p = p;
    c->at = prc_malloc(room, sizeof *c->at);
    c->x = prc_malloc(room * q, sizeof *c->x);
    c->scale = prc_malloc(q, sizeof *c->scale);
    c->sums = prc_calloc(4 * q + 3 * q * q, sizeof *c->sums);
    if (!c->at || !c->x || !c->scale || !c->sums) return prc_fail(err, PRC_E_MEMORY, "out of memory for a Cox model of %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        bool complete = isfinite(time[i]) && (!stratum || stratum[i] >= 0);
        for (size_t j = 0; j < p; j++) complete = complete && isfinite(x[i * p + j]);
        if (complete) c->at[c->n++] = (order){time[i], stratum ? stratum[i] : 0, event[i] != 0, i};
    }
    qsort(c->at, c->n, sizeof *c->at, latest_first);
    for (size_t j = 0; j < p; j++) {
        double mean = 0;
        for (size_t i = 0; i < c->n; i++) mean += x[c->at[i].row * p + j] / (double)c->n;
        for (size_t i = 0; i < c->n; i++) c->x[i * p + j] = x[c->at[i].row * p + j] - mean;
    }
    prc_column_scale(c->x, c->n, p, c->scale);
    return PRC_OK;
}

/* Adds w x and w x x' (lower triangle) to first and second. */
static void add_moments(const double *x, double w, size_t p, double *first, double *second)
{
    for (size_t j = 0; j < p; j++) {
        first[j] += w * x[j];
        if (second)
            for (size_t k = 0; k <= j; k++) second[j * p + k] += w * x[j] * x[k];
    }
}

/* What the deaths at one time add, given the sums over those at risk (s) and over the dead (d): returns the likelihood part, ut and it are filled. */
static double cox_time(const cox *c, double dead, double s0, double d0, bool derive, double *ut, double *it)
{
    size_t p = c->p;
    const double *s1 = c->sums, *d1 = s1 + p, *s2 = d1 + p, *d2 = s2 + p * p;
    double *mean = c->sums + 2 * p + 2 * p * p, ll = 0;
    for (double k = 0; k < dead; k++) {
        double f = c->ties == PRC_TIES_EFRON ? k / dead : 0, w = s0 - f * d0;
        ll -= log(w);
        if (!derive) continue;
        for (size_t j = 0; j < p; j++) {
            mean[j] = (s1[j] - f * d1[j]) / w;
            ut[j] -= mean[j];
            for (size_t m = 0; m <= j; m++) it[j * p + m] += (s2[j * p + m] - f * d2[j * p + m]) / w - mean[j] * mean[m];
        }
    }
    return ll;
}

static void add_time(cox *c, double g, const double *ut, const double *it, double *u, double *info)
{
    size_t p = c->p;
    for (size_t j = 0; j < p; j++) {
        u[j] += ut[j];
        if (c->g) c->ug[j] += g * ut[j];
        for (size_t k = 0; k <= j; k++) {
            info[j * p + k] += it[j * p + k];
            if (!c->g) continue;
            c->ig[j * p + k] += g * it[j * p + k];
            c->igg[j * p + k] += g * g * it[j * p + k];
        }
    }
}

static void mirror(double *a, size_t p)
{
    for (size_t j = 0; j < p; j++)
        for (size_t k = 0; k < j; k++) a[k * p + j] = a[j * p + k];
}

static double cox_likelihood(void *ctx, const double *b, double *u, double *info)
{
    cox *c = ctx;
    size_t p = c->p;
    double *s1 = c->sums, *d1 = s1 + p, *s2 = d1 + p, *d2 = s2 + p * p, *ut = d2 + p * p + p, *it = ut + p;
    double ll = 0, s0 = 0;
    if (u) {
        memset(u, 0, p * sizeof *u);
        memset(info, 0, p * p * sizeof *info);
    }
    for (size_t i = 0; i < c->n;) {
        if (i == 0 || c->at[i].stratum != c->at[i - 1].stratum) {
            s0 = 0;
            memset(c->sums, 0, (2 * p + 2 * p * p) * sizeof *c->sums);
        }
        double d0 = 0, dead = 0;
        size_t end = i;
        memset(d1, 0, p * sizeof *d1);
        memset(d2, 0, p * p * sizeof *d2);
        memset(ut, 0, (p + p * p) * sizeof *ut);
        for (; end < c->n && c->at[end].stratum == c->at[i].stratum && c->at[end].time == c->at[i].time; end++) {
            const double *x = c->x + end * p;
            double eta = prc_dot(x, b, p), w = exp(eta);
            if (!isfinite(w)) return (double)NAN;
            s0 += w;
            add_moments(x, w, p, s1, u ? s2 : NULL);
            if (!c->at[end].event) continue;
            d0 += w;
            dead++;
            ll += eta;
            add_moments(x, w, p, d1, u ? d2 : NULL);
            for (size_t j = 0; j < p; j++) ut[j] += x[j];
        }
        ll += cox_time(c, dead, s0, d0, u != NULL, ut, it);
        if (u && dead > 0) add_time(c, c->g ? c->g[i] : 0, ut, it, u, info);
        i = end;
    }
    if (u) mirror(info, p);
    return ll;
}

/* u' info^-1 u over the columns that carry information. */
static prc_status quadratic(const double *u, const double *info, size_t p, double *out, size_t *df, prc_error *err)
{
    size_t q = p ? p : 1;
    double *a = prc_malloc(q * q + q, sizeof *a), *v = a ? a + q * q : NULL;
    bool *keep = prc_calloc(q, sizeof *keep);
    if (!a || !keep) {
        prc_free(a);
        prc_free(keep);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for a Cox model of %zu coefficients", p);
    }
    memcpy(a, info, p * p * sizeof *a);
    size_t rank = prc_chol_pick(a, p, 1e-11, keep, NULL);
    double s = 0;
    for (size_t j = 0; j < p; j++) {
        v[j] = keep[j] ? (u[j] - prc_dot(a + j * p, v, j)) / a[j * p + j] : 0;
        s += v[j] * v[j];
    }
    *out = rank ? s : (double)NAN;
    if (df) *df = rank;
    prc_free(a);
    prc_free(keep);
    return PRC_OK;
}

/* 1 - KM(t-) of all rows together, in the order of the rows. */
static prc_status km_before(cox *c, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_km km = {0};
    size_t room = c->n ? c->n : 1;
    double *time = prc_malloc(room, sizeof *time);
    int *event = prc_malloc(room, sizeof *event);
    c->g = prc_calloc(room, sizeof *c->g);
    c->ug = prc_calloc(c->p + 2 * c->p * c->p + 1, sizeof *c->ug);
    if (!time || !event || !c->g || !c->ug) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for a Cox model of %zu rows", c->n);
        goto out;
    }
    c->ig = c->ug + c->p;
    c->igg = c->ig + c->p * c->p;
    for (size_t i = 0; i < c->n; i++) time[i] = c->at[i].time, event[i] = c->at[i].event;
    PRC_GO(st, prc_stat_km(time, event, c->n, &km, err));
    for (size_t i = 0; i < c->n; i++) {
        size_t lo = 0, hi = km.n_step;
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (km.time[mid] < time[i]) lo = mid + 1;
            else hi = mid;
        }
        c->g[i] = lo ? 1 - km.surv[lo - 1] : 0;
    }
out:
    prc_km_reset(&km);
    prc_free(time);
    prc_free(event);
    return st;
}

/* Score test of the interactions x g(t): the information about them less what the coefficients explain. */
static prc_status zph_test(cox *c, prc_fit *fit, prc_error *err)
{
    size_t p = c->p;
    prc_status st = PRC_OK;
    for (size_t j = 0; j < p; j++) fit->zph[j] = (double)NAN;
    if (p == 0 || fit->separated || fit->n_event == 0) return PRC_OK;
    for (size_t j = 0; j < p; j++)
        if (isnan(fit->coef[j])) return PRC_OK;
    double *m = prc_malloc(4 * p * p + p, sizeof *m);
    if (!m) return prc_fail(err, PRC_E_MEMORY, "out of memory for a Cox model of %zu coefficients", p);
    double *info = m, *work = m + p * p, *rest = work + p * p, *u = rest + p * p;
    PRC_GO(st, km_before(c, err));
    (void)cox_likelihood(c, fit->coef, u, info);
    mirror(c->ig, p);
    mirror(c->igg, p);
    /* rest = igg - ig vcov ig */
    for (size_t a = 0; a < p; a++)
        for (size_t b = 0; b < p; b++) work[a * p + b] = prc_dot(c->ig + a * p, fit->vcov + b * p, p);
    for (size_t a = 0; a < p; a++)
        for (size_t b = 0; b < p; b++) rest[a * p + b] = c->igg[a * p + b] - prc_dot(work + a * p, c->ig + b * p, p);
    for (size_t j = 0; j < p; j++)
        if (rest[j * p + j] > 1e-11 * c->igg[j * p + j]) fit->zph[j] = c->ug[j] * c->ug[j] / rest[j * p + j];
    st = quadratic(c->ug, rest, p, &fit->zph_global, &fit->zph_df, err);
out:
    prc_free(m);
    return st;
}

static prc_status cox_start(cox *c, prc_fit *fit, prc_error *err)
{
    size_t p = c->p, q = p ? p : 1;
    double *u = prc_calloc(q + q * q, sizeof *u);
    if (!u) return prc_fail(err, PRC_E_MEMORY, "out of memory for a Cox model of %zu coefficients", p);
    fit->log_lik0 = cox_likelihood(c, fit->coef, u, u + q);
    prc_status st = quadratic(u, u + q, p, &fit->score, NULL, err);
    prc_free(u);
    return st;
}

prc_status prc_stat_cox(const double *time, const int *event, const double *x, const int *stratum, size_t n, size_t p, prc_ties ties, prc_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_fit fit = {0};
    cox c = {.ties = ties};
    PRC_TRY(prc_fit_create(&fit, p, err));
    PRC_GO(st, cox_create(time, event, x, stratum, n, p, &c, err));
    fit.n = c.n;
    for (size_t i = 0; i < c.n; i++) fit.n_event += (size_t)c.at[i].event;
    if (fit.n_event == 0) {
        for (size_t j = 0; j < p; j++) fit.coef[j] = fit.zph[j] = (double)NAN;
        for (size_t j = 0; j < p * p; j++) fit.vcov[j] = (double)NAN;
        fit.log_lik = fit.log_lik0 = 0;
        goto out;
    }
    PRC_GO(st, cox_start(&c, &fit, err));
    PRC_GO(st, prc_fit_newton(&fit, c.scale, cox_likelihood, &c, err));
    PRC_GO(st, zph_test(&c, &fit, err));
out:
    cox_reset(&c);
    if (st == PRC_OK) *out = fit;
    else prc_fit_reset(&fit);
    return st;
}
