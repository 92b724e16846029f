/* meta_algebra.c: Cholesky factors, an orthonormal basis of a design, roots in one variable. */
#include "meta_int.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A column counts as dependent when less than this share of its length is new: stat's regression uses the same. */
#define DEPENDENT 1e-7

prc_status prc_meta_no_memory(prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "out of memory in the meta-analysis");
}

bool prc_meta_chol(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        double d = a[j * n + j], whole = d;
        for (size_t m = 0; m < j; m++) d -= a[j * n + m] * a[j * n + m];
        if (!(d > 4 * DBL_EPSILON * fabs(whole)) || !isfinite(d)) return false;
        d = sqrt(d);
        a[j * n + j] = d;
        for (size_t i = j + 1; i < n; i++) {
            double s = a[i * n + j];
            for (size_t m = 0; m < j; m++) s -= a[i * n + m] * a[j * n + m];
            a[i * n + j] = s / d;
        }
    }
    return true;
}

void prc_meta_forward(const double *l, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) {
        double s = b[i];
        for (size_t m = 0; m < i; m++) s -= l[i * n + m] * b[m];
        b[i] = s / l[i * n + i];
    }
}

void prc_meta_chol_solve(const double *l, size_t n, double *b)
{
    prc_meta_forward(l, n, b);
    for (size_t i = n; i-- > 0;) {
        double s = b[i];
        for (size_t m = i + 1; m < n; m++) s -= l[m * n + i] * b[m];
        b[i] = s / l[i * n + i];
    }
}

void prc_meta_chol_inverse(const double *l, size_t n, double *inv)
{
    /* Row j of inv holds the solution for unit vector j; the inverse is symmetric. */
    for (size_t j = 0; j < n; j++) {
        memset(inv + j * n, 0, n * sizeof *inv);
        inv[j * n + j] = 1;
        prc_meta_chol_solve(l, n, inv + j * n);
    }
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < j; i++) inv[j * n + i] = inv[i * n + j] = 0.5 * (inv[j * n + i] + inv[i * n + j]);
}

double prc_meta_chol_logdet(const double *l, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += log(l[i * n + i]);
    return 2 * s;
}

double prc_meta_trace(const double *a, const double *b, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) s += a[i * n + j] * b[j * n + i];
    return s;
}

/* ---- basis --------------------------------------------------------------------------------------------------- */

/* Takes the part along the first q basis vectors out of work; adds the shares to share. */
static void orthogonalise(const double *z, size_t k, size_t stride, size_t q, double *work, double *share)
{
    for (size_t c = 0; c < q; c++) {
        double s = 0;
        for (size_t i = 0; i < k; i++) s += z[i * stride + c] * work[i];
        for (size_t i = 0; i < k; i++) work[i] -= s * z[i * stride + c];
        share[c] += s;
    }
}

static double length(const double *a, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += a[i] * a[i];
    return sqrt(s);
}

prc_status prc_meta_basis_create(const double *x, size_t k, size_t p, prc_meta_basis *b, prc_error *err)
{
    prc_status st = PRC_OK;
    double *work = prc_malloc(k ? k : 1, sizeof *work), *r = NULL, *share = NULL;
    *b = (prc_meta_basis){.k = k, .p = p};
    b->z = p > SIZE_MAX / (k ? k : 1) ? NULL : prc_malloc(k * p + 1, sizeof *b->z);
    b->col = prc_malloc(p + 1, sizeof *b->col);
    r = prc_calloc(p * p + 1, sizeof *r);
    share = prc_malloc(p + 1, sizeof *share);
    b->r = prc_calloc(p * p + 1, sizeof *b->r);
    if (!work || !b->z || !b->col || !r || !share || !b->r) {
        st = prc_meta_no_memory(err);
        goto out;
    }
    for (size_t j = 0; j < p; j++) {
        size_t q = b->rank;
        for (size_t i = 0; i < k; i++) work[i] = x ? x[i * p + j] : 1;
        double whole = length(work, k);
        memset(share, 0, (p + 1) * sizeof *share);
        /* Twice is enough: the second pass removes what rounding left behind. */
        orthogonalise(b->z, k, p, q, work, share);
        orthogonalise(b->z, k, p, q, work, share);
        double left = length(work, k);
        if (q == k || !(left > DEPENDENT * whole) || !isfinite(left)) continue;
        for (size_t i = 0; i < k; i++) b->z[i * p + q] = work[i] / left;
        for (size_t c = 0; c < q; c++) r[c * p + q] = share[c];
        r[q * p + q] = left;
        b->col[q] = j;
        b->rank++;
    }
    /* Pack to the columns kept. */
    for (size_t i = 0; i < k; i++) memmove(b->z + i * b->rank, b->z + i * p, b->rank * sizeof *b->z);
    for (size_t i = 0; i < b->rank; i++)
        for (size_t j = 0; j < b->rank; j++) b->r[i * b->rank + j] = r[i * p + j];
out:
    prc_free(work);
    prc_free(r);
    prc_free(share);
    if (st) prc_meta_basis_reset(b);
    return st;
}

void prc_meta_basis_reset(prc_meta_basis *b)
{
    prc_free(b->z);
    prc_free(b->r);
    prc_free(b->col);
    *b = (prc_meta_basis){0};
}

/* Solves R a = a in place, R upper triangular; stride between the entries of a. */
static void back_substitute(const double *r, size_t n, double *a, size_t stride)
{
    for (size_t i = n; i-- > 0;) {
        double s = a[i * stride];
        for (size_t m = i + 1; m < n; m++) s -= r[i * n + m] * a[m * stride];
        a[i * stride] = s / r[i * n + i];
    }
}

void prc_meta_basis_back(const prc_meta_basis *b, const double *g, const double *c, double *beta, double *vb)
{
    size_t q = b->rank, p = b->p;
    for (size_t j = 0; j < p; j++) beta[j] = PRC_META_NONE;
    for (size_t j = 0; j < p * p; j++) vb[j] = PRC_META_NONE;
    if (q == 0) return;
    /* The leading q entries of beta and q x q of vb serve as scratch before they are spread over the kept columns. */
    memcpy(beta, g, q * sizeof *beta);
    memcpy(vb, c, q * q * sizeof *vb);
    back_substitute(b->r, q, beta, 1);
    for (size_t j = 0; j < q; j++) back_substitute(b->r, q, vb + j, q);
    for (size_t i = 0; i < q; i++) back_substitute(b->r, q, vb + i * q, 1);
    for (size_t i = q; i-- > 0;) {
        double v = beta[i];
        beta[i] = PRC_META_NONE;
        beta[b->col[i]] = v;
    }
    for (size_t i = q; i-- > 0;)
        for (size_t j = q; j-- > 0;) {
            double v = vb[i * q + j];
            vb[i * q + j] = PRC_META_NONE;
            vb[b->col[i] * p + b->col[j]] = v;
        }
}

/* ---- roots --------------------------------------------------------------------------------------------------- */

double prc_meta_root(prc_meta_fn f, void *ctx, double a, double b)
{
    double fa = f(ctx, a), fb = f(ctx, b), c = a, fc = fa, d = b - a, e = d;
    for (int i = 0; i < 300; i++) {
        if (fabs(fc) < fabs(fb)) {
            a = b, b = c, c = a;
            fa = fb, fb = fc, fc = fa;
        }
        double tol = 0.5e-15 * fabs(b) + DBL_MIN, half = 0.5 * (c - b);
        if (fabs(half) <= tol || fb == 0) return b;
        if (fabs(e) >= tol && fabs(fa) > fabs(fb)) {
            double s = fb / fa, p, q;
            if (a == c) {
                p = 2 * half * s;
                q = 1 - s;
            } else {
                double u = fa / fc, r = fb / fc;
                p = s * (2 * half * u * (u - r) - (b - a) * (r - 1));
                q = (u - 1) * (r - 1) * (s - 1);
            }
            if (p > 0) q = -q;
            p = fabs(p);
            double bound = fmin(3 * half * q - fabs(tol * q), fabs(e * q));
            if (2 * p < bound) e = d, d = p / q;
            else d = half, e = d;
        } else {
            d = half, e = d;
        }
        a = b, fa = fb;
        b += fabs(d) > tol ? d : (half > 0 ? tol : -tol);
        fb = f(ctx, b);
        if ((fb > 0) == (fc > 0)) c = a, fc = fa, d = b - a, e = d;
    }
    return b;
}

double prc_meta_grow(prc_meta_fn f, void *ctx, double a, double step)
{
    if (!(step > 0)) step = 1;
    for (double b = a + step; b < 1e300; step *= 4, b = a + step)
        if (f(ctx, b) < 0) return b;
    return PRC_META_NONE;
}
