/* stat_summary.c: means, quantiles, ranks and the common distributions. */
#include "stat_int.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t gsl_once = PTHREAD_ONCE_INIT;

static void gsl_quiet(void)
{
    gsl_set_error_handler_off();
}

void prc_stat_start(void)
{
    pthread_once(&gsl_once, gsl_quiet);
}

prc_estimate prc_estimate_none(void)
{
    double none = (double)NAN;
    return (prc_estimate){none, none, none, none, none, none, none, 0};
}

/* ---- distributions ------------------------------------------------------------------------------------------- */

double prc_stat_t_p(double t, double df)
{
    if (isnan(t) || !(df > 0)) return (double)NAN;
    if (isinf(df)) return prc_stat_normal_p(t);
    if (isinf(t)) return 0;
    prc_stat_start();
    /* The incomplete beta function: gsl_cdf_tdist_Q switches to an expansion good to 1e-8 only above 30 df. */
    double t2 = t * t;
    return t2 < df ? gsl_cdf_beta_Q(t2 / (df + t2), 0.5, df / 2) : gsl_cdf_beta_P(df / (df + t2), df / 2, 0.5);
}

double prc_stat_t_quantile(double p, double df)
{
    if (!(p >= 0 && p <= 1) || !(df > 0)) return (double)NAN;
    if (p == 0 || p == 1) return p == 0 ? -(double)INFINITY : (double)INFINITY;
    prc_stat_start();
    if (isinf(df)) return prc_norm_inv(p);
    double tail = p < 0.5 ? p : 1 - p;
    double t = fabs(gsl_cdf_tdist_Pinv(tail, df));
    /* GSL's start is polished by Newton steps on our own tail. */
    for (int i = 0; i < 4 && t > 0 && isfinite(t); i++) {
        double log_density = lgamma((df + 1) / 2) - lgamma(df / 2) - 0.5 * log(df * M_PI) -
                             (df + 1) / 2 * log1p(t * t / df);
        double step = (prc_stat_t_p(t, df) / 2 - tail) / exp(log_density);
        if (!isfinite(step) || fabs(step) > 0.5 * t) break;
        t += step;
        if (fabs(step) < 1e-15 * t) break;
    }
    return p < 0.5 ? -t : t;
}

double prc_stat_chisq_p(double x, double df)
{
    if (isnan(x) || !(df > 0)) return (double)NAN;
    if (x <= 0) return 1;
    prc_stat_start();
    return gsl_cdf_chisq_Q(x, df);
}

double prc_stat_normal_p(double z)
{
    return isnan(z) ? (double)NAN : erfc(fabs(z) / sqrt(2.0));
}

double prc_stat_z_of_level(double level)
{
    return prc_norm_inv(0.5 + level / 2);
}

void prc_estimate_wald(prc_estimate *e, double level)
{
    if (isnan(e->estimate) || isnan(e->se)) return;
    bool normal = isnan(e->df);
    double q = normal ? prc_stat_z_of_level(level) : prc_stat_t_quantile(0.5 + level / 2, e->df);
    e->stat = e->estimate / e->se;
    e->p = normal ? prc_stat_normal_p(e->stat) : prc_stat_t_p(e->stat, e->df);
    e->ci_lb = e->estimate - q * e->se;
    e->ci_ub = e->estimate + q * e->se;
}

/* ---- moments ------------------------------------------------------------------------------------------------- */

/* Mean of the values that exist and the sum of squares around it, in order. */
static size_t moments(const double *x, size_t n, double *mean, double *ss)
{
    size_t m = 0;
    double sum = 0;
    *mean = *ss = (double)NAN;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) sum += x[i], m++;
    if (m == 0) return 0;
    *mean = sum / (double)m;
    *ss = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) *ss += (x[i] - *mean) * (x[i] - *mean);
    return m;
}

prc_estimate prc_stat_mean(const double *x, size_t n, double level)
{
    prc_estimate e = prc_estimate_none();
    double ss;
    e.n = moments(x, n, &e.estimate, &ss);
    if (e.n < 2) return e;
    e.df = (double)e.n - 1;
    e.se = sqrt(ss / e.df / (double)e.n);
    prc_estimate_wald(&e, level);
    return e;
}

double prc_stat_sd(const double *x, size_t n)
{
    double mean, ss;
    size_t m = moments(x, n, &mean, &ss);
    return m < 2 ? (double)NAN : sqrt(ss / ((double)m - 1));
}

prc_estimate prc_stat_welch(const double *x, size_t nx, const double *y, size_t ny, double level)
{
    prc_estimate e = prc_estimate_none();
    double mx, my, sx, sy;
    size_t kx = moments(x, nx, &mx, &sx), ky = moments(y, ny, &my, &sy);
    e.n = kx + ky;
    e.estimate = mx - my;
    if (kx < 2 || ky < 2) return e;
    double dx = (double)kx - 1, dy = (double)ky - 1;
    double vx = sx / dx / (double)kx, vy = sy / dy / (double)ky;
    e.se = sqrt(vx + vy);
    e.df = (vx + vy) * (vx + vy) / (vx * vx / dx + vy * vy / dy);
    if (isnan(e.df)) e.df = dx + dy; /* two constant samples */
    prc_estimate_wald(&e, level);
    return e;
}

/* ---- order --------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

prc_status prc_stat_quantiles(const double *x, size_t n, const double *p, size_t n_p, double *out, prc_error *err)
{
    double *v = prc_malloc(n ? n : 1, sizeof *v);
    if (!v) return prc_fail(err, PRC_E_MEMORY, "out of memory for the quantiles of %zu values", n);
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) v[m++] = x[i];
    qsort(v, m, sizeof *v, by_value);
    for (size_t k = 0; k < n_p; k++) {
        if (m == 0 || !(p[k] >= 0 && p[k] <= 1)) {
            out[k] = (double)NAN;
            continue;
        }
        double at = (double)(m - 1) * p[k];
        size_t lo = (size_t)at, hi = lo + 1 < m ? lo + 1 : lo;
        double f = at - (double)lo;
        out[k] = v[lo] == v[hi] || f == 0 ? v[lo] : (1 - f) * v[lo] + f * v[hi];
    }
    prc_free(v);
    return PRC_OK;
}

typedef struct ranked { double value, rank; size_t index; } ranked;

static int by_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Mid-ranks of item[].value into out[index]. */
static void mid_ranks(ranked *item, size_t n, double *out)
{
    qsort(item, n, sizeof *item, by_ranked);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && item[j].value == item[i].value) j++;
        for (size_t k = i; k < j; k++) out[item[k].index] = ((double)i + (double)j + 1) / 2;
        i = j;
    }
}

prc_status prc_stat_spearman(const double *x, const double *y, size_t n, double *rho, prc_error *err)
{
    prc_status st = PRC_OK;
    size_t m = 0, room = n ? n : 1;
    ranked *a = prc_malloc(room, sizeof *a), *b = prc_malloc(room, sizeof *b);
    double *ra = prc_malloc(room, sizeof *ra), *rb = prc_malloc(room, sizeof *rb);
    if (!a || !b || !ra || !rb) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for the ranks of %zu pairs", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || isnan(y[i])) continue;
        a[m] = (ranked){x[i], 0, m};
        b[m] = (ranked){y[i], 0, m};
        m++;
    }
    mid_ranks(a, m, ra);
    mid_ranks(b, m, rb);
    double mean = ((double)m + 1) / 2, sxy = 0, sxx = 0, syy = 0;
    for (size_t i = 0; i < m; i++) {
        sxy += (ra[i] - mean) * (rb[i] - mean);
        sxx += (ra[i] - mean) * (ra[i] - mean);
        syy += (rb[i] - mean) * (rb[i] - mean);
    }
    *rho = m < 3 || sxx <= 0 || syy <= 0 ? (double)NAN : sxy / sqrt(sxx * syy);
out:
    prc_free(a);
    prc_free(b);
    prc_free(ra);
    prc_free(rb);
    return st;
}
