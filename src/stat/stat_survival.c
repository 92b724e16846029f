/* stat_survival.c: Kaplan-Meier curves and the log-rank test. */
#include "stat_int.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct spell { double time; int event, group, stratum; } spell;

/* Strata one after the other, each by time. */
static int by_time(const void *a, const void *b)
{
    const spell *x = a, *y = b;
    if (x->stratum != y->stratum) return x->stratum < y->stratum ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

/* Copies the rows that have a time, sorted. */
static prc_status spells(const double *time, const int *event, const int *group, const int *stratum, size_t n, spell **out, size_t *used, prc_error *err)
{
    spell *s = prc_malloc(n ? n : 1, sizeof *s);
    if (!s) return prc_fail(err, PRC_E_MEMORY, "out of memory for %zu survival times", n);
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(time[i])) s[m++] = (spell){time[i], event[i] != 0, group ? group[i] : 0, stratum ? stratum[i] : 0};
    qsort(s, m, sizeof *s, by_time);
    *out = s;
    *used = m;
    return PRC_OK;
}

/* ---- Kaplan-Meier -------------------------------------------------------------------------------------------- */

prc_status prc_stat_km(const double *time, const int *event, size_t n, prc_km *out, prc_error *err)
{
    spell *s = NULL;
    size_t m = 0, room;
    prc_km km = {0};
    PRC_TRY(spells(time, event, NULL, NULL, n, &s, &m, err));
    room = m ? m : 1;
    km.n = m;
    km.time = prc_calloc(room, sizeof(double));
    km.n_risk = prc_calloc(room, sizeof(double));
    km.n_event = prc_calloc(room, sizeof(double));
    km.n_censor = prc_calloc(room, sizeof(double));
    km.surv = prc_calloc(room, sizeof(double));
    km.se = prc_calloc(room, sizeof(double));
    if (!km.time || !km.n_risk || !km.n_event || !km.n_censor || !km.surv || !km.se) {
        prc_free(s);
        prc_km_reset(&km);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for a survival curve of %zu patients", m);
    }
    double surv = 1, greenwood = 0;
    for (size_t i = 0; i < m;) {
        size_t k = km.n_step++, j = i;
        for (; j < m && s[j].time == s[i].time; j++) km.n_event[k] += s[j].event;
        km.time[k] = s[i].time;
        km.n_risk[k] = (double)(m - i);
        km.n_censor[k] = (double)(j - i) - km.n_event[k];
        surv *= (km.n_risk[k] - km.n_event[k]) / km.n_risk[k];
        if (km.n_event[k] > 0) greenwood += km.n_event[k] / (km.n_risk[k] * (km.n_risk[k] - km.n_event[k]));
        km.surv[k] = surv;
        km.se[k] = surv > 0 ? surv * sqrt(greenwood) : (double)NAN;
        i = j;
    }
    prc_free(s);
    *out = km;
    return PRC_OK;
}

void prc_km_reset(prc_km *km)
{
    if (!km) return;
    prc_free(km->time);
    prc_free(km->n_risk);
    prc_free(km->n_event);
    prc_free(km->n_censor);
    prc_free(km->surv);
    prc_free(km->se);
    *km = (prc_km){0};
}

/* Limits of survival on the log-log scale; NaN at 0 and 1, where that scale ends. */
static void log_log_limits(double surv, double se, double level, double *lower, double *upper)
{
    *lower = *upper = (double)NAN;
    if (!(surv > 0 && surv < 1) || isnan(se)) return;
    double half = prc_stat_z_of_level(level) * se / (surv * log(surv)), centre = log(-log(surv));
    *lower = exp(-exp(centre - half));
    *upper = exp(-exp(centre + half));
}

prc_estimate prc_km_at(const prc_km *km, double t, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = km->n;
    if (km->n_step == 0 || !(t >= 0) || t > km->time[km->n_step - 1]) return e;
    e.estimate = 1;
    e.se = 0;
    for (size_t k = 0; k < km->n_step && km->time[k] <= t; k++) {
        e.estimate = km->surv[k];
        e.se = km->se[k];
    }
    log_log_limits(e.estimate, e.se, level, &e.ci_lb, &e.ci_ub);
    return e;
}

prc_estimate prc_km_quantile(const prc_km *km, double p, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = km->n;
    if (!(p > 0 && p < 1)) return e;
    /* Survival is a product of ratios: equality with 1 - p means equality within rounding. */
    double target = (1 - p) * (1 + 1e-12);
    for (size_t k = 0; k < km->n_step; k++) {
        double lower, upper;
        log_log_limits(km->surv[k], km->se[k], level, &lower, &upper);
        if (isnan(e.estimate) && km->surv[k] <= target) e.estimate = km->time[k];
        if (isnan(e.ci_lb) && lower <= target) e.ci_lb = km->time[k];
        if (isnan(e.ci_ub) && upper <= target) e.ci_ub = km->time[k];
    }
    return e;
}

/* ---- log-rank ------------------------------------------------------------------------------------------------ */

typedef struct logrank {
    size_t n_group;
    double *observed, *expected; /* per group */
    double *var;                 /* n_group x n_group */
    double *risk, *dead;         /* at one time, per group */
    double rho, surv;            /* weight of a time: surv^rho, surv the pooled curve of the stratum just before */
} logrank;

/* Adds what one time with events contributes: hypergeometric mean and covariance of the deaths per group. */
static void logrank_time(logrank *l)
{
    double d = 0, n = 0;
    for (size_t g = 0; g < l->n_group; g++) d += l->dead[g], n += l->risk[g];
    if (d == 0) return;
    double w = l->rho == 0 ? 1 : pow(l->surv, l->rho);
    l->surv *= (n - d) / n;
    double f = n > 1 ? w * w * d * (n - d) / (n * n * (n - 1)) : 0;
    for (size_t g = 0; g < l->n_group; g++) {
        l->observed[g] += w * l->dead[g];
        l->expected[g] += w * d * l->risk[g] / n;
        for (size_t h = 0; h < l->n_group; h++)
            l->var[g * l->n_group + h] += f * l->risk[g] * ((g == h ? n : 0) - l->risk[h]);
    }
}

/* Goes through the sorted spells, stratum by stratum, with the number at risk falling. */
static void logrank_sum(logrank *l, const spell *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t end = i;
        l->surv = 1;
        memset(l->risk, 0, l->n_group * sizeof *l->risk);
        for (; end < n && s[end].stratum == s[i].stratum; end++) l->risk[s[end].group]++;
        while (i < end) {
            size_t j = i;
            memset(l->dead, 0, l->n_group * sizeof *l->dead);
            for (; j < end && s[j].time == s[i].time; j++) l->dead[s[j].group] += s[j].event;
            logrank_time(l);
            for (; i < j; i++) l->risk[s[i].group]--;
        }
    }
}

/* Chi-square of observed against expected over the groups that were ever at risk when something happened, the last left out. */
static prc_status logrank_test(const logrank *l, prc_estimate *e, prc_error *err)
{
    prc_status st = PRC_OK;
    size_t k = 0;
    size_t *keep = prc_malloc(l->n_group, sizeof *keep);
    double *v = prc_malloc(l->n_group * l->n_group, sizeof *v), *u = prc_malloc(2 * l->n_group, sizeof *u);
    if (!keep || !v || !u) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for a log-rank test of %zu groups", l->n_group);
        goto out;
    }
    for (size_t g = 0; g < l->n_group; g++)
        if (l->expected[g] > 0) keep[k++] = g;
    if (k < 2) goto out;
    k--;
    for (size_t a = 0; a < k; a++) {
        u[a] = u[l->n_group + a] = l->observed[keep[a]] - l->expected[keep[a]];
        for (size_t b = 0; b < k; b++) v[a * k + b] = l->var[keep[a] * l->n_group + keep[b]];
    }
    lapack_int m = (lapack_int)k;
    /* A variance that cannot be inverted (one patient at risk each time) leaves the statistic undefined. */
    if (LAPACKE_dposv(LAPACK_COL_MAJOR, 'U', m, 1, v, m, u, m) != 0) goto out;
    e->stat = 0;
    for (size_t a = 0; a < k; a++) e->stat += u[a] * u[l->n_group + a];
    e->df = (double)k;
    e->p = prc_stat_chisq_p(e->stat, e->df);
out:
    prc_free(keep);
    prc_free(v);
    prc_free(u);
    return st;
}

prc_status prc_stat_logrank_rho(const double *time, const int *event, const int *group, const int *stratum, size_t n, size_t n_group, double rho,
                                double *observed, double *expected, double *var, prc_estimate *out, prc_error *err)
{
    prc_status st = PRC_OK;
    spell *s = NULL;
    prc_estimate e = prc_estimate_none();
    if (n_group == 0 || n_group > 10000) return prc_fail(err, PRC_E_VALUE, "a log-rank test of %zu groups", n_group);
    for (size_t i = 0; i < n; i++)
        if (group[i] < 0 || (size_t)group[i] >= n_group)
            return prc_fail(err, PRC_E_VALUE, "row %zu is in group %d of %zu", i + 1, group[i], n_group);
    double *memory = prc_calloc(4 * n_group + n_group * n_group, sizeof *memory);
    if (!memory) return prc_fail(err, PRC_E_MEMORY, "out of memory for a log-rank test of %zu groups", n_group);
    logrank l = {n_group, memory, memory + n_group, memory + 4 * n_group, memory + 2 * n_group, memory + 3 * n_group, rho, 1};
    PRC_GO(st, spells(time, event, group, stratum, n, &s, &e.n, err));
    logrank_sum(&l, s, e.n);
    PRC_GO(st, logrank_test(&l, &e, err));
    if (n_group == 2 && !isnan(e.stat)) {
        e.estimate = l.observed[1] - l.expected[1];
        e.se = sqrt(l.var[3]);
    }
    if (observed) memcpy(observed, l.observed, n_group * sizeof *observed);
    if (expected) memcpy(expected, l.expected, n_group * sizeof *expected);
    if (var) memcpy(var, l.var, n_group * n_group * sizeof *var);
    *out = e;
out:
    prc_free(s);
    prc_free(memory);
    return st;
}

prc_status prc_stat_logrank(const double *time, const int *event, const int *group, const int *stratum, size_t n, size_t n_group, prc_estimate *out, prc_error *err)
{
    PRC_TRY(prc_stat_logrank_rho(time, event, group, stratum, n, n_group, 0, NULL, NULL, NULL, out, err));
    out->estimate = out->se = (double)NAN;
    return PRC_OK;
}
