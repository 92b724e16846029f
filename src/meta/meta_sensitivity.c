/* meta_sensitivity.c: what the result owes to single studies: leave-one-out, cumulative pooling, deletion diagnostics. */
#include "meta_int.h"

#include <math.h>
#include <string.h>

static prc_status too_many(size_t k, prc_error *err)
{
    if (k <= PRC_META_PER_STUDY_MAX) return PRC_OK;
    return prc_fail(err, PRC_E_VALUE, "an analysis that refits once per study takes at most %d studies, here are %zu", PRC_META_PER_STUDY_MAX, k);
}

prc_status prc_meta_leave1out(const double *yi, const double *vi, size_t k, const prc_meta_options *o, prc_meta_line *out, prc_error *err)
{
    prc_status st = PRC_OK;
    PRC_TRY(too_many(k, err));
    PRC_TRY(prc_meta_check(yi, vi, k, err));
    if (k < 2) return prc_fail(err, PRC_E_VALUE, "leave-one-out needs two studies or more");
    double *y = prc_malloc(2 * k, sizeof *y), *v = y ? y + k : NULL;
    if (!y) return prc_meta_no_memory(err);
    for (size_t i = 0; i < k; i++) {
        memcpy(y, yi, i * sizeof *y);
        memcpy(v, vi, i * sizeof *v);
        memcpy(y + i, yi + i + 1, (k - i - 1) * sizeof *y);
        memcpy(v + i, vi + i + 1, (k - i - 1) * sizeof *v);
        PRC_GO(st, prc_meta_fit_line(y, v, k - 1, o, &out[i], err));
    }
out:
    prc_free(y);
    return st;
}

prc_status prc_meta_cumulative(const double *yi, const double *vi, const size_t *order, size_t k, const prc_meta_options *o, prc_meta_line *out, prc_error *err)
{
    prc_status st = PRC_OK;
    PRC_TRY(too_many(k, err));
    PRC_TRY(prc_meta_check(yi, vi, k, err));
    double *y = prc_malloc(2 * k, sizeof *y), *v = y ? y + k : NULL;
    if (!y) return prc_meta_no_memory(err);
    for (size_t i = 0; i < k; i++) {
        y[i] = yi[order ? order[i] : i];
        v[i] = vi[order ? order[i] : i];
        PRC_GO(st, prc_meta_fit_line(y, v, i + 1, o, &out[i], err));
    }
out:
    prc_free(y);
    return st;
}

/* ---- deletion diagnostics ------------------------------------------------------------------------------------ */

typedef struct deletion {
    size_t k, p;
    const double *yi, *vi, *x; /* x: k x p, never NULL */
    const prc_meta_fit *full;
    double *row;               /* p */
    double *a, *b;             /* p x p scratch */
} deletion;

/* x_i' m x_i. */
static double form(const double *xi, const double *m, size_t p)
{
    double s = 0;
    for (size_t a = 0; a < p; a++)
        for (size_t b = 0; b < p; b++) s += xi[a] * m[a * p + b] * xi[b];
    return s;
}

static double dot(const double *a, const double *b, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

/* det of the part of a covariance that exists, as a log. */
static double log_det(const double *vb, size_t p, double *scratch)
{
    memcpy(scratch, vb, p * p * sizeof *scratch);
    return prc_meta_chol(scratch, p) ? prc_meta_chol_logdet(scratch, p) : PRC_META_NONE;
}

/* Cook's distance: the shift of the coefficients in the metric of the full fit. */
static double cook(const deletion *d, const prc_meta_fit *del)
{
    double s = 0;
    memcpy(d->a, d->full->vb, d->p * d->p * sizeof *d->a);
    if (!prc_meta_chol(d->a, d->p)) return PRC_META_NONE;
    for (size_t a = 0; a < d->p; a++) d->row[a] = d->full->beta[a] - del->beta[a];
    prc_meta_forward(d->a, d->p, d->row);
    for (size_t a = 0; a < d->p; a++) s += d->row[a] * d->row[a];
    return s;
}

/* First diagonal entry of (X'WX)^-1 over all studies with the tau2 of the reduced fit. */
static double first_variance(const deletion *d, double tau2)
{
    size_t p = d->p;
    memset(d->a, 0, p * p * sizeof *d->a);
    for (size_t i = 0; i < d->k; i++)
        for (size_t a = 0; a < p; a++)
            for (size_t b = 0; b <= a; b++) d->a[a * p + b] += d->x[i * p + a] * d->x[i * p + b] / (d->vi[i] + tau2);
    if (!prc_meta_chol(d->a, p)) return PRC_META_NONE;
    memset(d->row, 0, p * sizeof *d->row);
    d->row[0] = 1;
    prc_meta_chol_solve(d->a, p, d->row);
    return d->row[0];
}

static void one_deleted(const deletion *d, size_t i, const prc_meta_fit *del, prc_meta_influence *r)
{
    const prc_meta_fit *full = d->full;
    const double *xi = d->x + i * d->p;
    size_t p = d->p;
    double pred = dot(xi, full->beta, p), delpred = dot(xi, del->beta, p), resid = d->yi[i] - delpred;
    if (fabs(resid) < 100 * 2.220446049250313e-16) resid = 0;
    r->tau2_del = del->tau2;
    r->QE_del = del->QE;
    r->rstudent = resid / sqrt(del->s2w * (d->vi[i] + del->tau2) + form(xi, del->vb, p));
    r->dffits = (pred - delpred) / sqrt(del->s2w * r->hat * (del->tau2 + d->vi[i]));
    r->cook_d = cook(d, del);
    r->cov_r = exp(log_det(del->vb, p, d->a) - log_det(full->vb, p, d->b));
    r->dfbs = (full->beta[0] - del->beta[0]) / sqrt(del->s2w * first_variance(d, del->tau2));
    double df = (double)d->k - (double)p, raw = d->yi[i] - pred;
    double median = prc_meta_chisq_quantile(0.5, (double)p);
    r->flagged = fabs(r->dffits) > 3 * sqrt((double)p / df) || r->cook_d > median || r->hat > 3 * (double)p / (double)d->k || fabs(r->dfbs) > 1;
    r->baujat_x = raw * raw / (full->tau2 + d->vi[i]);
    r->baujat_y = (delpred - pred) * (delpred - pred) / form(xi, del->vb, p);
}

prc_status prc_meta_influences(const double *yi, const double *vi, const double *x, size_t k, size_t p, const prc_meta_options *o, prc_meta_influence *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_meta_fit full = {0}, del = {0};
    prc_meta_options quick = *o;
    if (!x) p = 1;
    quick.intervals = false;
    PRC_TRY(too_many(k, err));
    if (k < p + 2) return prc_fail(err, PRC_E_VALUE, "deletion diagnostics need %zu studies or more, here are %zu", p + 2, k);
    double *block = prc_malloc(2 * k * p + 2 * k + p + 2 * p * p, sizeof *block);
    if (!block) return prc_meta_no_memory(err);
    double *xx = block, *xd = xx + k * p, *y = xd + k * p, *v = y + k;
    deletion d = {k, p, yi, vi, xx, &full, v + k, v + k + p, v + k + p + p * p};
    for (size_t i = 0; i < k * p; i++) xx[i] = x ? x[i] : 1;
    PRC_GO(st, prc_meta_fit_uni(yi, vi, xx, k, p, &quick, &full, err));
    if (full.rank < p) {
        st = prc_fail(err, PRC_E_VALUE, "deletion diagnostics need moderators that are linearly independent");
        goto out;
    }
    double sw = 0;
    for (size_t i = 0; i < k; i++) sw += 1 / (vi[i] + full.tau2);
    for (size_t i = 0; i < k; i++) {
        double w = 1 / (vi[i] + full.tau2);
        out[i] = (prc_meta_influence){0};
        out[i].weight = 100 * w / sw;
        out[i].hat = w * form(xx + i * p, full.vb, p) / full.s2w;
        memcpy(xd, xx, i * p * sizeof *xd);
        memcpy(xd + i * p, xx + (i + 1) * p, (k - i - 1) * p * sizeof *xd);
        memcpy(y, yi, i * sizeof *y);
        memcpy(v, vi, i * sizeof *v);
        memcpy(y + i, yi + i + 1, (k - i - 1) * sizeof *y);
        memcpy(v + i, vi + i + 1, (k - i - 1) * sizeof *v);
        PRC_GO(st, prc_meta_fit_uni(y, v, xd, k - 1, p, &quick, &del, err));
        if (del.rank == p) one_deleted(&d, i, &del, &out[i]);
        else out[i].rstudent = out[i].dffits = out[i].cook_d = out[i].cov_r = out[i].tau2_del = out[i].QE_del = out[i].dfbs = PRC_META_NONE;
        prc_meta_fit_reset(&del);
    }
out:
    prc_meta_fit_reset(&full);
    prc_free(block);
    return st;
}
