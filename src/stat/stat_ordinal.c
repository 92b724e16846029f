/* stat_ordinal.c: the proportional-odds model. */
#include "stat_int.h"

#include <math.h>
#include <string.h>

/* Rows used; levels that nobody has are left out, so that k levels remain. */
typedef struct ordinal {
    size_t n, p, k;
    double *x;
    size_t *y;     /* 0..k-1 */
    double *scale; /* p + k - 1 */
    double *work;  /* 2 (p + k - 1) */
} ordinal;

static double expit(double x)
{
    double e = exp(-fabs(x));
    return x > 0 ? 1 / (1 + e) : e / (1 + e);
}

/* log P(y) with c = a_y - eta, d = a_{y-1} - eta (infinite at the ends) and its derivatives by c and d: g[0..1], h = {cc, cd, dd}. P = F(c) (1 - F(d)) (1 - e^{d-c}). */
static double row_log_p(double c, double d, double *g, double *h)
{
    double fc = isinf(c) ? 1 : expit(c), fd = isinf(d) ? 0 : expit(d);
    double qc = isinf(c) ? 0 : expit(-c), qd = isinf(d) ? 1 : expit(-d); /* 1 - F */
    double gap = isinf(c) || isinf(d) ? 1 : -expm1(d - c), p = fc * qd * gap;
    if (!(p > 0)) return (double)NAN;
    double sc = fc * qc, sd = fd * qd;
    g[0] = sc / p;
    g[1] = -sd / p;
    h[0] = sc * (qc - fc) / p - g[0] * g[0];
    h[1] = -g[0] * g[1];
    h[2] = -sd * (qd - fd) / p - g[1] * g[1];
    return log(fc) + log(qd) + log(gap);
}

/* Adds w v v' of a sparse-ended vector: slopes -x, one at position at (SIZE_MAX = none). */
static void end_vector(const ordinal *o, const double *x, size_t at, double *v)
{
    size_t q = o->p + o->k - 1;
    for (size_t j = 0; j < o->p; j++) v[j] = at == SIZE_MAX ? 0 : -x[j];
    for (size_t j = o->p; j < q; j++) v[j] = 0;
    if (at != SIZE_MAX) v[o->p + at] = 1;
}

static double ordinal_likelihood(void *ctx, const double *b, double *u, double *info)
{
    const ordinal *o = ctx;
    size_t p = o->p, q = p + o->k - 1;
    const double *a = b + p;
    double ll = 0, *vc = o->work, *vd = vc + q;
    for (size_t j = 1; j + 1 < o->k; j++)
        if (a[j] <= a[j - 1]) return (double)NAN;
    if (u) {
        memset(u, 0, q * sizeof *u);
        memset(info, 0, q * q * sizeof *info);
    }
    for (size_t i = 0; i < o->n; i++) {
        const double *x = o->x + i * p;
        double eta = prc_dot(x, b, p), g[2] = {0, 0}, h[3] = {0, 0, 0};
        size_t y = o->y[i];
        bool top = y + 1 == o->k, bottom = y == 0;
        ll += row_log_p(top ? (double)INFINITY : a[y] - eta, bottom ? -(double)INFINITY : a[y - 1] - eta, g, h);
        if (!u) continue;
        end_vector(o, x, top ? SIZE_MAX : y, vc);
        end_vector(o, x, bottom ? SIZE_MAX : y - 1, vd);
        for (size_t j = 0; j < q; j++) {
            u[j] += g[0] * vc[j] + g[1] * vd[j];
            if (vc[j] == 0 && vd[j] == 0) continue;
            for (size_t m = 0; m <= j; m++)
                info[j * q + m] -= h[0] * vc[j] * vc[m] + h[1] * (vc[j] * vd[m] + vd[j] * vc[m]) + h[2] * vd[j] * vd[m];
        }
    }
    for (size_t j = 0; info && j < q; j++)
        for (size_t m = 0; m < j; m++) info[m * q + j] = info[j * q + m];
    return ll;
}

static void ordinal_reset(ordinal *o)
{
    prc_free(o->x);
    prc_free(o->y);
    prc_free(o->scale);
    prc_free(o->work);
}

/* place: per level its number among those that somebody has. */
static prc_status ordinal_create(const double *x, const int *y, size_t n, size_t p, size_t n_level, size_t *place, ordinal *o, prc_error *err)
{
    size_t room = n ? n : 1;
    *o = (ordinal){.p = p};
    o->x = prc_malloc(room * (p ? p : 1), sizeof *o->x);
    o->y = prc_malloc(room, sizeof *o->y);
    o->scale = prc_malloc(p + n_level, sizeof *o->scale);
    o->work = prc_malloc(2 * (p + n_level), sizeof *o->work);
    if (!o->x || !o->y || !o->scale || !o->work) return prc_fail(err, PRC_E_MEMORY, "out of memory for a proportional-odds model of %zu rows", n);
    for (size_t k = 0; k < n_level; k++) place[k] = 0;
    for (size_t i = 0; i < n; i++) {
        bool complete = y[i] >= 0 && (size_t)y[i] < n_level;
        for (size_t j = 0; j < p; j++) complete = complete && isfinite(x[i * p + j]);
        if (!complete) continue;
        if (p) memcpy(o->x + o->n * p, x + i * p, p * sizeof *x);
        o->y[o->n++] = (size_t)y[i];
        place[y[i]] = 1;
    }
    for (size_t k = 0; k < n_level; k++) {
        bool there = place[k] != 0;
        place[k] = o->k;
        if (there) o->k++;
        else place[k] = SIZE_MAX;
    }
    for (size_t i = 0; i < o->n; i++) o->y[i] = place[o->y[i]];
    prc_column_scale(o->x, o->n, p, o->scale);
    for (size_t k = 0; k < n_level; k++) o->scale[p + k] = 1;
    return PRC_OK;
}

/* Copies the fit of the levels that are there to the layout of all levels. */
static void spread_levels(const prc_fit *fit, const ordinal *o, const size_t *place, size_t n_level, prc_fit *out)
{
    size_t p = o->p, q = p + o->k - 1, all = out->p;
    for (size_t j = 0; j < all; j++) out->coef[j] = (double)NAN;
    for (size_t j = 0; j < all * all; j++) out->vcov[j] = (double)NAN;
    for (size_t i = 0; i < all; i++) {
        size_t from = i < p ? i : place[i - p] == SIZE_MAX || place[i - p] + 1 >= o->k || i - p + 1 >= n_level ? SIZE_MAX : p + place[i - p];
        if (from == SIZE_MAX) continue;
        out->coef[i] = fit->coef[from];
        for (size_t j = 0; j < all; j++) {
            size_t to = j < p ? j : place[j - p] == SIZE_MAX || place[j - p] + 1 >= o->k ? SIZE_MAX : p + place[j - p];
            if (to != SIZE_MAX) out->vcov[i * all + j] = fit->vcov[from * q + to];
        }
    }
    out->n = o->n;
    out->log_lik = fit->log_lik;
    out->iterations = fit->iterations;
    out->converged = fit->converged;
    out->separated = fit->separated;
}

prc_status prc_stat_ordinal(const double *x, const int *y, size_t n, size_t p, size_t n_level, prc_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    ordinal o = {0};
    prc_fit fit = {0}, all = {0};
    if (n_level < 2 || n_level > 1000) return prc_fail(err, PRC_E_VALUE, "a proportional-odds model of %zu levels; it takes 2 to 1000", n_level);
    size_t *place = prc_malloc(n_level, sizeof *place);
    if (!place) return prc_fail(err, PRC_E_MEMORY, "out of memory for a proportional-odds model");
    PRC_GO(st, prc_fit_create(&all, p + n_level - 1, err));
    PRC_GO(st, ordinal_create(x, y, n, p, n_level, place, &o, err));
    all.n = o.n;
    if (o.k < 2) {
        /* Everybody has the same level: nothing can be told. */
        for (size_t j = 0; j < all.p; j++) all.coef[j] = (double)NAN;
        all.separated = o.n > 0;
        goto out;
    }
    PRC_GO(st, prc_fit_create(&fit, p + o.k - 1, err));
    double below = 0;
    for (size_t k = 0; k + 1 < o.k; k++) {
        for (size_t i = 0; i < o.n; i++) below += o.y[i] == k;
        fit.coef[p + k] = log(below / ((double)o.n - below));
    }
    PRC_GO(st, prc_fit_newton(&fit, o.scale, ordinal_likelihood, &o, err));
    spread_levels(&fit, &o, place, n_level, &all);
out:
    prc_free(place);
    ordinal_reset(&o);
    prc_fit_reset(&fit);
    if (st == PRC_OK) *out = all;
    else prc_fit_reset(&all);
    return st;
}
