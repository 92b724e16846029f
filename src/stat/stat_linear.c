/* stat_linear.c: least squares and the analysis of covariance. */
#include "stat_int.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

/* A column counts as dependent when less than this share of its length is new: R's lm uses the same. */
#define DEPENDENT 1e-7

static prc_status lapack_failed(lapack_int info, prc_error *err)
{
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return prc_fail(err, PRC_E_MEMORY, "out of memory in the regression");
    return prc_fail(err, PRC_E_NUMERIC, "the regression has values that are not finite");
}

/* Working memory of one fit: kept columns of X, column-major, and their factors. */
typedef struct qr_work {
    size_t n, p, k;  /* rows, columns offered, columns kept */
    size_t *col;     /* kept columns (p) */
    double *a;       /* n x p */
    double *tau;     /* p */
    double *qty;     /* n */
} qr_work;

static void qr_reset(qr_work *w)
{
    prc_free(w->col);
    prc_free(w->a);
    prc_free(w->tau);
    prc_free(w->qty);
}

static prc_status qr_create(qr_work *w, size_t n, size_t p, prc_error *err)
{
    size_t rows = n ? n : 1, cols = p ? p : 1;
    *w = (qr_work){.n = n, .p = p};
    if (n > INT32_MAX / 2 || p > INT32_MAX / 2) return prc_fail(err, PRC_E_VALUE, "too many rows for a regression");
    w->col = prc_malloc(cols, sizeof *w->col);
    w->tau = prc_malloc(cols, sizeof *w->tau);
    w->qty = prc_malloc(rows, sizeof *w->qty);
    w->a = cols > SIZE_MAX / rows ? NULL : prc_malloc(rows * cols, sizeof *w->a);
    if (w->col && w->tau && w->qty && w->a) return PRC_OK;
    return prc_fail(err, PRC_E_MEMORY, "out of memory for a regression of %zu rows", n);
}

/* Length of column j of X. */
static double column_length(const double *x, size_t n, size_t p, size_t j)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += x[i * p + j] * x[i * p + j];
    return sqrt(s);
}

/* Factors the kept columns; the first one that is dependent on those before it is taken out and *again set. */
static prc_status qr_factor(qr_work *w, const double *x, bool *again, prc_error *err)
{
    lapack_int n = (lapack_int)w->n, k = (lapack_int)w->k;
    *again = false;
    for (size_t c = 0; c < w->k; c++)
        for (size_t i = 0; i < w->n; i++) w->a[c * w->n + i] = x[i * w->p + w->col[c]];
    if (k == 0) return PRC_OK;
    lapack_int info = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, n, k, w->a, n, w->tau);
    if (info != 0) return lapack_failed(info, err);
    for (size_t c = 0; c < w->k; c++) {
        double r = c < w->n ? fabs(w->a[c * w->n + c]) : 0;
        if (r > DEPENDENT * column_length(x, w->n, w->p, w->col[c])) continue;
        memmove(&w->col[c], &w->col[c + 1], (w->k - c - 1) * sizeof *w->col);
        w->k--;
        *again = true;
        break;
    }
    return PRC_OK;
}

/* Coefficients of the kept columns for a right-hand side, left in qty[0..k-1]; the rest of qty holds the residual. */
static prc_status qr_solve(qr_work *w, prc_error *err)
{
    lapack_int n = (lapack_int)w->n, k = (lapack_int)w->k;
    if (k == 0) return PRC_OK;
    lapack_int info = LAPACKE_dormqr(LAPACK_COL_MAJOR, 'L', 'T', n, 1, k, w->a, n, w->tau, w->qty, n);
    if (info == 0) info = LAPACKE_dtrtrs(LAPACK_COL_MAJOR, 'U', 'N', 'N', k, 1, w->a, n, w->qty, n);
    return info == 0 ? PRC_OK : lapack_failed(info, err);
}

/* Picks the independent columns from the left and factors them. */
static prc_status qr_pick(qr_work *w, const double *x, prc_error *err)
{
    bool again = true;
    w->k = w->p;
    for (size_t j = 0; j < w->p; j++) w->col[j] = j;
    /* More columns than rows cannot all be independent; LAPACK wants tall matrices from us. */
    while (again) {
        size_t kept = w->k;
        if (w->k > w->n) w->k = w->n;
        PRC_TRY(qr_factor(w, x, &again, err));
        /* Columns held back for lack of rows move up when one was taken out. */
        if (again && kept > w->n) {
            memmove(&w->col[w->k], &w->col[w->k + 1], (kept - w->n) * sizeof *w->col);
            w->k = kept - 1;
        }
    }
    return PRC_OK;
}

/* sigma2 (R'R)^-1 of the kept columns into vcov. */
static prc_status qr_vcov(qr_work *w, prc_lm *fit, prc_error *err)
{
    lapack_int k = (lapack_int)w->k;
    if (k == 0) return PRC_OK;
    lapack_int info = LAPACKE_dtrtri(LAPACK_COL_MAJOR, 'U', 'N', k, w->a, (lapack_int)w->n);
    if (info != 0) return lapack_failed(info, err);
    for (size_t r = 0; r < w->k; r++)
        for (size_t c = r; c < w->k; c++) {
            double s = 0;
            for (size_t m = c; m < w->k; m++) s += w->a[m * w->n + r] * w->a[m * w->n + c];
            fit->vcov[w->col[r] * fit->p + w->col[c]] = fit->sigma2 * s;
            fit->vcov[w->col[c] * fit->p + w->col[r]] = fit->sigma2 * s;
        }
    return PRC_OK;
}

prc_status prc_lm_fit(const double *x, const double *y, size_t n, size_t p, prc_lm *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_lm fit = {.n = n, .p = p, .sigma2 = (double)NAN};
    qr_work w;
    PRC_GO(st, qr_create(&w, n, p, err));
    size_t room = p ? p : 1;
    fit.coef = prc_malloc(room, sizeof *fit.coef);
    fit.vcov = prc_malloc(room * room, sizeof *fit.vcov);
    if (!fit.coef || !fit.vcov) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for a regression of %zu columns", p);
        goto out;
    }
    for (size_t j = 0; j < p; j++) fit.coef[j] = (double)NAN;
    for (size_t j = 0; j < p * p; j++) fit.vcov[j] = (double)NAN;
    for (size_t i = 0; i < n; i++) {
        bool finite = isfinite(y[i]);
        for (size_t j = 0; j < p; j++) finite = finite && isfinite(x[i * p + j]);
        if (finite) continue;
        st = prc_fail(err, PRC_E_NUMERIC, "row %zu of the regression has a value that is not finite", i + 1);
        goto out;
    }
    PRC_GO(st, qr_pick(&w, x, err));
    if (n) memcpy(w.qty, y, n * sizeof *y);
    PRC_GO(st, qr_solve(&w, err));
    fit.rank = w.k;
    fit.df = (double)n - (double)w.k;
    if (n > w.k) {
        double rss = 0;
        for (size_t i = w.k; i < n; i++) rss += w.qty[i] * w.qty[i];
        fit.sigma2 = rss / fit.df;
    }
    for (size_t c = 0; c < w.k; c++) fit.coef[w.col[c]] = w.qty[c];
    PRC_GO(st, qr_vcov(&w, &fit, err));
out:
    qr_reset(&w);
    if (st == PRC_OK) *out = fit;
    else prc_lm_reset(&fit);
    return st;
}

void prc_lm_reset(prc_lm *fit)
{
    if (!fit) return;
    prc_free(fit->coef);
    prc_free(fit->vcov);
    fit->coef = fit->vcov = NULL;
}

/* ---- ANCOVA -------------------------------------------------------------------------------------------------- */

/* Design of an ANCOVA: one column per arm, then the covariates centred at their mean over the rows used, so that the coefficient of an arm is its LS mean. */
typedef struct design {
    size_t n, p, n_arm;
    double *x, *y;
    size_t *count; /* rows per arm */
} design;

static bool row_complete(const double *y, const int *arm, const double *cov, size_t i, size_t n_arm, size_t n_cov)
{
    if (!isfinite(y[i]) || arm[i] < 0 || (size_t)arm[i] >= n_arm) return false;
    for (size_t j = 0; j < n_cov; j++)
        if (!isfinite(cov[i * n_cov + j])) return false;
    return true;
}

static prc_status design_create(const double *y, const int *arm, const double *cov, size_t n, size_t n_arm, size_t n_cov, design *d, prc_error *err)
{
    *d = (design){.n_arm = n_arm, .p = n_arm + n_cov};
    size_t cells = n && d->p > SIZE_MAX / n ? 0 : (n ? n : 1) * (d->p ? d->p : 1);
    d->x = cells ? prc_calloc(cells, sizeof *d->x) : NULL;
    d->y = prc_malloc(n ? n : 1, sizeof *d->y);
    d->count = prc_calloc(n_arm ? n_arm : 1, sizeof *d->count);
    if (!d->x || !d->y || !d->count) return prc_fail(err, PRC_E_MEMORY, "out of memory for an ANCOVA of %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        if (!row_complete(y, arm, cov, i, n_arm, n_cov)) continue;
        double *row = d->x + d->n * d->p;
        row[arm[i]] = 1;
        for (size_t j = 0; j < n_cov; j++) row[n_arm + j] = cov[i * n_cov + j];
        d->y[d->n++] = y[i];
        d->count[arm[i]]++;
    }
    for (size_t j = n_arm; j < d->p; j++) {
        double mean = 0, size = 0, spread = 0;
        for (size_t i = 0; i < d->n; i++) mean += d->x[i * d->p + j] / (double)d->n;
        for (size_t i = 0; i < d->n; i++) {
            size = fmax(size, fabs(d->x[i * d->p + j]));
            d->x[i * d->p + j] -= mean;
            spread = fmax(spread, fabs(d->x[i * d->p + j]));
        }
        /* A constant covariate leaves rounding noise behind, which must not become a regressor. */
        if (spread <= 1e-12 * size)
            for (size_t i = 0; i < d->n; i++) d->x[i * d->p + j] = 0;
    }
    return PRC_OK;
}

static void design_reset(design *d)
{
    prc_free(d->x);
    prc_free(d->y);
    prc_free(d->count);
}

/* Writes to c (p) how dropped column j follows from the kept ones. */
static prc_status alias_of(const design *d, const prc_lm *fit, size_t j, double *c, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_lm part = {0};
    double *x = prc_malloc(d->n * d->p, sizeof *x), *y = prc_malloc(d->n, sizeof *y);
    if (!x || !y) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for an ANCOVA of %zu rows", d->n);
        goto out;
    }
    for (size_t i = 0; i < d->n; i++) {
        y[i] = d->x[i * d->p + j];
        for (size_t k = 0; k < d->p; k++) x[i * d->p + k] = isnan(fit->coef[k]) ? 0 : d->x[i * d->p + k];
    }
    PRC_GO(st, prc_lm_fit(x, y, d->n, d->p, &part, err));
    double size = column_length(d->x, d->n, d->p, j) / sqrt((double)d->n);
    for (size_t k = 0; k < d->p; k++) c[k] = isnan(part.coef[k]) || size == 0 ? 0 : part.coef[k] / size;
out:
    prc_lm_reset(&part);
    prc_free(x);
    prc_free(y);
    return st;
}

/* Marks the arms whose LS mean, and whose difference to the reference, the data cannot tell: a dropped covariate moves with the arm. */
static prc_status find_inestimable(const design *d, const prc_lm *fit, int reference, bool *no_mean, bool *no_diff, prc_error *err)
{
    prc_status st = PRC_OK;
    double *c = prc_calloc(d->p, sizeof *c);
    if (!c) return prc_fail(err, PRC_E_MEMORY, "out of memory for an ANCOVA of %zu columns", d->p);
    for (size_t j = d->n_arm; j < d->p; j++) {
        if (!isnan(fit->coef[j])) continue;
        PRC_GO(st, alias_of(d, fit, j, c, err));
        for (size_t a = 0; a < d->n_arm; a++) {
            if (fabs(c[a]) > 1e-6) no_mean[a] = true;
            if (reference >= 0 && fabs(c[a] - c[reference]) > 1e-6) no_diff[a] = true;
        }
    }
out:
    prc_free(c);
    return st;
}

static void fill_ancova(const design *d, const prc_lm *fit, int reference, double level, const bool *no_mean, const bool *no_diff, prc_estimate *ls_mean, prc_estimate *diff)
{
    size_t p = d->p, r = (size_t)reference;
    for (size_t a = 0; a < d->n_arm; a++) {
        ls_mean[a].n = d->count[a];
        if (d->count[a] == 0) continue;
        ls_mean[a].df = fit->df;
        if (!no_mean[a]) {
            ls_mean[a].estimate = fit->coef[a];
            ls_mean[a].se = sqrt(fit->vcov[a * p + a]);
            prc_estimate_wald(&ls_mean[a], level);
        }
        if (reference < 0 || a == r || d->count[r] == 0) continue;
        diff[a].n = d->count[a] + d->count[r];
        diff[a].df = fit->df;
        if (no_diff[a]) continue;
        diff[a].estimate = fit->coef[a] - fit->coef[r];
        diff[a].se = sqrt(fmax(0, fit->vcov[a * p + a] + fit->vcov[r * p + r] - 2 * fit->vcov[a * p + r]));
        if (isnan(fit->sigma2)) diff[a].se = (double)NAN;
        prc_estimate_wald(&diff[a], level);
    }
}

prc_status prc_stat_ancova(const double *y, const int *arm, const double *cov, size_t n, size_t n_arm, size_t n_cov, int reference, double level,
                           prc_estimate *ls_mean, prc_estimate *diff, prc_error *err)
{
    prc_status st = PRC_OK;
    design d = {0};
    prc_lm fit = {0};
    bool *no = NULL;
    if (n_arm == 0 || reference < -1 || reference >= (int)n_arm)
        return prc_fail(err, PRC_E_VALUE, "the reference arm %d is not one of the %zu arms", reference, n_arm);
    for (size_t a = 0; a < n_arm; a++) ls_mean[a] = diff[a] = prc_estimate_none();
    PRC_GO(st, design_create(y, arm, cov, n, n_arm, n_cov, &d, err));
    if (d.n == 0) goto out;
    no = prc_calloc(2 * n_arm, sizeof *no);
    if (!no) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for an ANCOVA of %zu arms", n_arm);
        goto out;
    }
    PRC_GO(st, prc_lm_fit(d.x, d.y, d.n, d.p, &fit, err));
    PRC_GO(st, find_inestimable(&d, &fit, reference, no, no + n_arm, err));
    fill_ancova(&d, &fit, reference, level, no, no + n_arm, ls_mean, diff);
out:
    prc_free(no);
    prc_lm_reset(&fit);
    design_reset(&d);
    return st;
}
