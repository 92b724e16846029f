/* stat_multiplicity.c: adjusted p values: stepwise, Dunnett, graphical. */
#include "stat_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct indexed { double p; size_t at; } indexed;

static int by_p(const void *a, const void *b)
{
    const indexed *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Hommel (1988): the closed Simes test by its shortcut over subset sizes. s sorted, q and pa: n each. */
static void hommel(const indexed *s, size_t n, double *q, double *pa)
{
    double least = (double)INFINITY;
    for (size_t i = 0; i < n; i++) least = fmin(least, (double)n * s[i].p / (double)(i + 1));
    for (size_t i = 0; i < n; i++) q[i] = pa[i] = least;
    for (size_t m = n; m-- > 2;) {
        double tail = (double)INFINITY;
        for (size_t i = n - m + 1; i < n; i++) tail = fmin(tail, (double)m * s[i].p / (double)(i - (n - m + 1) + 2));
        for (size_t i = 0; i <= n - m; i++) q[i] = fmin((double)m * s[i].p, tail);
        for (size_t i = n - m + 1; i < n; i++) q[i] = q[n - m];
        for (size_t i = 0; i < n; i++) pa[i] = fmax(pa[i], q[i]);
    }
    for (size_t i = 0; i < n; i++) pa[i] = fmax(pa[i], s[i].p);
}

/* Adjusted values of the sorted s into a. */
static void adjust_sorted(const indexed *s, size_t n, prc_adjust method, double *a, double *q)
{
    double run;
    switch (method) {
    case PRC_ADJUST_BONFERRONI:
        for (size_t i = 0; i < n; i++) a[i] = (double)n * s[i].p;
        break;
    case PRC_ADJUST_HOLM:
        run = 0;
        for (size_t i = 0; i < n; i++) a[i] = run = fmax(run, (double)(n - i) * s[i].p);
        break;
    case PRC_ADJUST_HOCHBERG:
    case PRC_ADJUST_BH:
        run = (double)INFINITY;
        for (size_t i = n; i-- > 0;) a[i] = run = fmin(run, s[i].p * (method == PRC_ADJUST_BH ? (double)n / (double)(i + 1) : (double)(n - i)));
        break;
    case PRC_ADJUST_HOMMEL: hommel(s, n, q, a); break;
    case PRC_ADJUST_NONE:
        for (size_t i = 0; i < n; i++) a[i] = s[i].p;
    }
}

prc_status prc_stat_adjust(const double *p, size_t n, prc_adjust method, double *out, prc_error *err)
{
    indexed *s = prc_malloc(n + 1, sizeof *s);
    double *a = prc_malloc(2 * n + 1, sizeof *a);
    size_t m = 0;
    if (!s || !a) {
        prc_free(s);
        prc_free(a);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for %zu p values", n);
    }
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i])) s[m++] = (indexed){p[i], i};
    qsort(s, m, sizeof *s, by_p);
    if (m) adjust_sorted(s, m, method, a, a + m);
    if (out != p)
        for (size_t i = 0; i < n; i++) out[i] = p[i];
    for (size_t i = 0; i < m; i++) out[s[i].at] = fmin(1, a[i]);
    prc_free(s);
    prc_free(a);
    return PRC_OK;
}

/* ---- Dunnett --------------------------------------------------------------------------------------------------- */

/* Given the control's share z of the noise, the comparisons are independent. */
static double dunnett_given(double c, size_t k, const double *b, double z)
{
    double product = 1;
    for (size_t i = 0; i < k; i++) {
        double r = b ? b[i] : M_SQRT1_2, s = sqrt(2 * (1 - r * r));
        product *= 0.5 * (erfc((-c - r * z) / s) - erfc((c - r * z) / s));
        if (!b) {
            product = pow(product, (double)k);
            break;
        }
    }
    return product;
}

static double dunnett_normal(double c, size_t k, const double *b)
{
    double sum = 0;
    prc_quadrature q = {0};
    while (prc_quadrature_next(&q, -8.5, 8.5, 16)) sum += q.weight * exp(-q.x * q.x / 2) * dunnett_given(c, k, b, q.x);
    return sum / sqrt(2 * M_PI);
}

double prc_stat_dunnett_cdf(double c, size_t k, const double *b, double df)
{
    if (k == 0 || isnan(c) || !(df > 0)) return (double)NAN;
    if (c <= 0) return 0;
    if (isinf(df)) return dunnett_normal(c, k, b);
    /* Over s, the estimated SD in units of the true one. */
    double wide = 9 / sqrt(2 * df), lo = fmax(1e-9, 1 - wide), hi = 1 + (df < 4 ? 9 : wide) + 9 / df, sum = 0;
    prc_quadrature q = {0};
    while (prc_quadrature_next(&q, lo, hi, 10)) sum += q.weight * prc_chi_density(q.x, df) * dunnett_normal(c * q.x, k, b);
    return sum;
}

double prc_stat_dunnett_p(double t, size_t k, const double *b, double df)
{
    double p = 1 - prc_stat_dunnett_cdf(fabs(t), k, b, df);
    return isnan(p) ? p : fmin(1, fmax(0, p));
}

double prc_stat_dunnett_quantile(double level, size_t k, const double *b, double df)
{
    double lo = 0, hi = 3;
    if (k == 0 || !(level > 0 && level < 1) || !(df > 0)) return (double)NAN;
    while (prc_stat_dunnett_cdf(hi, k, b, df) < level && hi < 1e5) lo = hi, hi *= 2;
    double f_lo = prc_stat_dunnett_cdf(lo, k, b, df) - level, f_hi = prc_stat_dunnett_cdf(hi, k, b, df) - level;
    for (int i = 0, side = 0; i < 100 && hi - lo > 1e-12 * hi; i++) {
        double mid = (lo * f_hi - hi * f_lo) / (f_hi - f_lo);
        if (!(mid > lo && mid < hi)) mid = (lo + hi) / 2;
        double f = prc_stat_dunnett_cdf(mid, k, b, df) - level;
        if (fabs(f) < 1e-14) return mid;
        if (f < 0) {
            lo = mid, f_lo = f;
            if (side == 1) f_hi /= 2;
            side = 1;
        } else {
            hi = mid, f_hi = f;
            if (side == -1) f_lo /= 2;
            side = -1;
        }
    }
    return (lo + hi) / 2;
}

/* ---- graphical ------------------------------------------------------------------------------------------------- */

/* Passes on the weight of j and closes the gap in the graph (Bretz et al. 2009, algorithm 1). next: n x n. */
static void remove_node(double *w, double *g, double *next, const bool *open, size_t n, size_t j)
{
    for (size_t l = 0; l < n; l++)
        if (open[l] && l != j) w[l] += w[j] * g[j * n + l];
    for (size_t l = 0; l < n; l++)
        for (size_t k = 0; k < n; k++) {
            double loop = g[l * n + j] * g[j * n + l];
            bool gone = l == k || l == j || k == j || !open[l] || !open[k];
            next[l * n + k] = gone || loop >= 1 ? 0 : (g[l * n + k] + g[l * n + j] * g[j * n + k]) / (1 - loop);
        }
    memcpy(g, next, n * n * sizeof *g);
    w[j] = 0;
}

prc_status prc_stat_graphical(const double *p, const double *w, const double *g, size_t n, double *out, prc_error *err)
{
    double total = 0, run = 0;
    for (size_t i = 0; i < n; i++) {
        double row = 0;
        total += w[i];
        for (size_t k = 0; k < n; k++) {
            row += g[i * n + k];
            if (!(g[i * n + k] >= 0) || (i == k && g[i * n + k] != 0)) return prc_fail(err, PRC_E_VALUE, "transition %zu to %zu is not allowed: %g", i + 1, k + 1, g[i * n + k]);
        }
        if (!(w[i] >= 0) || row > 1 + 1e-12) return prc_fail(err, PRC_E_VALUE, "hypothesis %zu: weight %g, transitions sum to %g", i + 1, w[i], row);
    }
    if (total > 1 + 1e-12) return prc_fail(err, PRC_E_VALUE, "the weights sum to %g, more than 1", total);
    double *room = prc_malloc(2 * n + 2 * n * n + 1, sizeof *room);
    bool *open = prc_malloc(n + 1, sizeof *open);
    if (!room || !open) {
        prc_free(room);
        prc_free(open);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for %zu hypotheses", n);
    }
    double *weight = room, *given = room + n, *graph = given + n, *next = graph + n * n; /* out may be p */
    if (n) memcpy(weight, w, n * sizeof *w), memcpy(given, p, n * sizeof *p), memcpy(graph, g, n * n * sizeof *g);
    for (size_t i = 0; i < n; i++) open[i] = true, out[i] = isnan(given[i]) ? (double)NAN : 1;
    for (size_t step = 0; step < n; step++) {
        size_t best = n;
        double least = (double)INFINITY;
        for (size_t i = 0; i < n; i++) {
            double q = isnan(given[i]) || weight[i] <= 0 ? (double)INFINITY : given[i] / weight[i];
            if (open[i] && q < least) least = q, best = i;
        }
        if (best == n) break; /* no weight is left where a p value is */
        out[best] = run = fmin(1, fmax(run, least));
        open[best] = false;
        remove_node(weight, graph, next, open, n, best);
    }
    prc_free(room);
    prc_free(open);
    return PRC_OK;
}
