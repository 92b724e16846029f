/* meta_bias.c: small-study effects: Egger, Begg, trim and fill, fail-safe N. */
#include "meta_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Egger --------------------------------------------------------------------------------------------------- */

prc_status prc_meta_egger_test(const double *yi, const double *vi, size_t k, bool classic, const prc_meta_options *o, prc_meta_egger *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_meta_fit f = {0};
    prc_meta_options q = *o;
    PRC_TRY(prc_meta_check(yi, vi, k, err));
    if (k < 3) return prc_fail(err, PRC_E_VALUE, "Egger's test needs three studies or more, here are %zu", k);
    double *x = prc_malloc(2 * k, sizeof *x);
    if (!x) return prc_meta_no_memory(err);
    for (size_t i = 0; i < k; i++) x[2 * i] = 1, x[2 * i + 1] = sqrt(vi[i]);
    q.intervals = false;
    if (classic) q.method = PRC_META_FE;
    q.test = PRC_META_Z;
    PRC_GO(st, prc_meta_fit_uni(yi, vi, x, k, 2, &q, &f, err));
    if (f.rank < 2) {
        st = prc_fail(err, PRC_E_VALUE, "Egger's test needs standard errors that differ");
        goto out;
    }
    /* Weighted least squares estimates the residual variance: the common-effect SE times sqrt(Q/(k-2)). */
    double df = classic ? (double)k - 2 : PRC_META_NONE, scale = classic ? sqrt(f.QE / df) : 1, crit = prc_meta_critical(o->level, df);
    /* Effects on a line leave no residual to test against. */
    out->stat = scale > 0 && f.QE > 1e-24 * (double)k ? f.beta[1] / (f.se[1] * scale) : classic ? PRC_META_NONE : f.stat[1];
    out->df = df;
    out->p = prc_meta_two_sided(out->stat, df);
    out->limit = f.beta[0];
    out->limit_lb = f.beta[0] - crit * f.se[0] * scale;
    out->limit_ub = f.beta[0] + crit * f.se[0] * scale;
out:
    prc_meta_fit_reset(&f);
    prc_free(x);
    return st;
}

/* ---- Begg and Mazumdar --------------------------------------------------------------------------------------- */

/* P(K <= q) for the number K of concordant pairs among n without ties, by convolving uniform 0..m-1, m = 2..n. */
static prc_status kendall_lower(size_t n, double q, double *p, prc_error *err)
{
    size_t top = n * (n - 1) / 2;
    double *a = prc_calloc(top + 1, sizeof *a), *b = prc_calloc(top + 1, sizeof *b), s = 0;
    if (!a || !b) {
        prc_free(a);
        prc_free(b);
        return prc_meta_no_memory(err);
    }
    a[0] = 1;
    for (size_t m = 2, reach = 0; m <= n; m++) {
        reach += m - 1;
        double run = 0;
        for (size_t i = 0; i <= reach; i++) {
            run += a[i];
            if (i >= m) run -= a[i - m];
            b[i] = run / (double)m;
        }
        double *swap = a;
        a = b;
        b = swap;
    }
    for (size_t i = 0; i <= top && (double)i <= q; i++) s += a[i];
    prc_free(a);
    prc_free(b);
    *p = fmin(1, s);
    return PRC_OK;
}

static int sign_of(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* Sums over groups of equal values that the variance of Kendall's S needs. */
static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void tie_sums(double *x, size_t n, double *t2, double *t3, double *vt)
{
    *t2 = *t3 = *vt = 0;
    qsort(x, n, sizeof *x, by_value);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && x[j] == x[i]; j++) {}
        double t = (double)(j - i);
        *t2 += t * (t - 1);
        *t3 += t * (t - 1) * (t - 2);
        *vt += t * (t - 1) * (2 * t + 5);
    }
}

prc_status prc_meta_begg(const double *yi, const double *vi, size_t k, double *tau, double *p, prc_error *err)
{
    enum { EXACT_MAX = 500 };
    prc_status st = PRC_OK;
    PRC_TRY(prc_meta_check(yi, vi, k, err));
    if (k < 2) return prc_fail(err, PRC_E_VALUE, "Begg's test needs two studies or more");
    if (k > PRC_META_PER_STUDY_MAX) return prc_fail(err, PRC_E_VALUE, "Begg's test takes at most %d studies, here are %zu", PRC_META_PER_STUDY_MAX, k);
    double *a = prc_malloc(2 * k, sizeof *a), sw = 0, mean = 0, s = 0, n = (double)k;
    if (!a) return prc_meta_no_memory(err);
    for (size_t i = 0; i < k; i++) sw += 1 / vi[i], mean += yi[i] / vi[i];
    mean /= sw;
    for (size_t i = 0; i < k; i++) a[i] = (yi[i] - mean) / sqrt(vi[i] - 1 / sw), a[k + i] = vi[i];
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < i; j++) s += sign_of(a[i] - a[j]) * sign_of(vi[i] - vi[j]);
    double x2, x3, xv, y2, y3, yv, pairs = n * (n - 1) / 2;
    tie_sums(a, k, &x2, &x3, &xv);
    tie_sums(a + k, k, &y2, &y3, &yv);
    *tau = s / sqrt((pairs - x2 / 2) * (pairs - y2 / 2));
    if (x2 == 0 && y2 == 0 && k <= EXACT_MAX) {
        double q = round((s + pairs) / 2), lower, upper;
        PRC_GO(st, kendall_lower(k, q, &lower, err));
        PRC_GO(st, kendall_lower(k, pairs - q, &upper, err)); /* the distribution is symmetric */
        *p = fmin(1, 2 * fmin(lower, upper));
    } else {
        double var = (n * (n - 1) * (2 * n + 5) - xv - yv) / 18 + x2 * y2 / (2 * n * (n - 1)) + (k > 2 ? x3 * y3 / (9 * n * (n - 1) * (n - 2)) : 0);
        *p = prc_stat_normal_p(s / sqrt(var));
    }
out:
    prc_free(a);
    return st;
}

/* ---- trim and fill ------------------------------------------------------------------------------------------- */

typedef struct study { double y, v; size_t at; } study;

static int by_effect(const void *a, const void *b)
{
    const study *x = a, *y = b;
    if (x->y != y->y) return x->y < y->y ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

typedef struct ranked { double size; size_t at; } ranked;

static int by_size(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Number of missing studies from the signed ranks about beta. */
static double missing(const study *s, size_t k, double beta, prc_meta_trim e, ranked *r, double *se)
{
    double n = (double)k, positive = 0, deepest = -1, k0;
    for (size_t i = 0; i < k; i++) r[i] = (ranked){fabs(s[i].y - beta), i};
    qsort(r, k, sizeof *r, by_size);
    for (size_t i = 0; i < k; i++) {
        double d = s[r[i].at].y - beta, rank = (double)i + 1;
        if (d > 0) positive += rank;
        if (d < 0) deepest = rank;
    }
    if (e == PRC_META_R0) {
        k0 = deepest < 0 ? 0 : n - deepest - 1;
        *se = sqrt(2 * fmax(0, k0) + 2);
        return fmax(0, nearbyint(k0));
    }
    k0 = e == PRC_META_L0 ? (4 * positive - n * (n + 1)) / (2 * n - 1) : n - 0.5 - sqrt(fmax(0, 2 * n * n - 4 * positive + 0.25));
    double var = (n * (n + 1) * (2 * n + 1) + 10 * k0 * k0 * k0 + 27 * k0 * k0 + 17 * k0 - 18 * n * k0 * k0 - 18 * n * k0 + 6 * n * n * k0) / 24;
    *se = e == PRC_META_L0 ? 4 * sqrt(var) / (2 * n - 1) : 2 * sqrt(var) / sqrt((n - 0.5) * (n - 0.5) - k0 * (2 * n - k0 - 1));
    *se = fmax(0, *se);
    return fmax(0, nearbyint(k0));
}

prc_status prc_meta_trimfill(const double *yi, const double *vi, size_t k, prc_meta_trim estimator, int side, const prc_meta_options *o, prc_meta_trimfill_result *out,
                             double *fill_y, double *fill_v, prc_error *err)
{
    enum { ROUNDS_MAX = 200 };
    prc_status st = PRC_OK;
    prc_meta_line line = {0};
    double se = 0, k0 = 0, before = -1;
    PRC_TRY(prc_meta_check(yi, vi, k, err));
    if (k < 3) return prc_fail(err, PRC_E_VALUE, "trim and fill needs three studies or more, here are %zu", k);
    if (side == 0) {
        prc_meta_egger e;
        prc_error ignore;
        st = prc_meta_egger_test(yi, vi, k, false, o, &e, &ignore);
        if (st == PRC_E_MEMORY) return prc_meta_no_memory(err);
        /* Where the regression says nothing (all standard errors equal), the left. */
        side = st == PRC_OK && e.stat < 0 ? 1 : -1;
        st = PRC_OK;
    }
    study *s = prc_malloc(k, sizeof *s);
    ranked *r = prc_malloc(k, sizeof *r);
    double *y = prc_malloc(4 * k, sizeof *y), *v = y ? y + 2 * k : NULL;
    if (!s || !r || !y) {
        st = prc_meta_no_memory(err);
        goto out;
    }
    /* The side with gaps is always the left here; a gap on the right is mirrored. */
    for (size_t i = 0; i < k; i++) s[i] = (study){side > 0 ? -yi[i] : yi[i], vi[i], i};
    qsort(s, k, sizeof *s, by_effect);
    for (size_t i = 0; i < k; i++) y[i] = s[i].y, v[i] = s[i].v;
    for (int round = 0; k0 != before; round++) {
        if (round == ROUNDS_MAX || k0 >= (double)k) {
            st = prc_fail(err, PRC_E_NUMERIC, "trim and fill did not settle on a number of missing studies");
            goto out;
        }
        before = k0;
        PRC_GO(st, prc_meta_fit_line(y, v, k - (size_t)k0, o, &line, err));
        k0 = missing(s, k, line.estimate, estimator, r, &se);
    }
    size_t n = (size_t)k0;
    double centre = line.estimate, flip = side > 0 ? -1 : 1;
    for (size_t i = 0; i < k; i++) y[i] = yi[i], v[i] = vi[i];
    for (size_t i = 0; i < n; i++) {
        const study *m = &s[k - n + i];
        y[k + i] = flip * (2 * centre - m->y);
        v[k + i] = m->v;
        if (fill_y) fill_y[i] = y[k + i];
        if (fill_v) fill_v[i] = v[k + i];
    }
    PRC_GO(st, prc_meta_fit_line(y, v, k + n, o, &line, err));
    *out = (prc_meta_trimfill_result){n, se, side, line};
out:
    prc_free(s);
    prc_free(r);
    prc_free(y);
    return st;
}

/* ---- fail-safe N --------------------------------------------------------------------------------------------- */

void prc_meta_failsafe(const double *yi, const double *vi, size_t k, prc_meta_fsn type, double alpha, double *n, double *p)
{
    double sz = 0, sw = 0, swy = 0, mean = 0, m = (double)k, x;
    *p = PRC_META_NONE;
    for (size_t i = 0; i < k; i++) {
        sz += yi[i] / sqrt(vi[i]);
        sw += 1 / vi[i];
        swy += yi[i] / vi[i];
        mean += yi[i] / m;
    }
    if (type == PRC_META_ROSENTHAL) {
        double z = fabs(sz) / sqrt(m), crit = prc_norm_inv(1 - alpha);
        *p = prc_stat_normal_p(z) / 2;
        x = m * (z / crit) * (z / crit) - m;
    } else if (type == PRC_META_ROSENBERG) {
        double crit = prc_norm_inv(1 - alpha / 2);
        *p = prc_stat_normal_p(swy / sqrt(sw));
        x = m * ((swy / crit) * (swy / crit) - sw) / sw;
    } else {
        x = mean == 0 ? 0 : m; /* to halve the mean takes as many studies without effect as there are */
    }
    x = fmax(0, x);
    *n = fabs(x - nearbyint(x)) >= 1.4901161193847656e-08 ? ceil(x) : nearbyint(x);
}
