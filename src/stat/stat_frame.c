/* stat_frame.c: design matrices of a frame, whose cell coefficients are LS means; ANCOVA on them. */
#include "stat_int.h"

#include <math.h>
#include <string.h>

static bool row_used(const prc_frame *f, const double *extra, const int *visit, size_t n_visit, size_t i)
{
    if (f->arm[i] < 0 || (size_t)f->arm[i] >= f->n_arm || (extra && !isfinite(extra[i]))) return false;
    if (visit && (visit[i] < 0 || (size_t)visit[i] >= n_visit)) return false;
    for (size_t j = 0; j < f->n_x; j++)
        if (!isfinite(f->x[i * f->n_x + j])) return false;
    for (size_t j = 0; j < f->n_factor; j++)
        if (f->factor[i * f->n_factor + j] < 0 || (size_t)f->factor[i * f->n_factor + j] >= f->n_level[j]) return false;
    return true;
}

/* Fills column k (n values, stride 1) with covariate j less its mean; a constant one becomes exactly 0. */
static void centred_covariate(const prc_frame *f, const prc_frame_design *d, size_t j, double *column)
{
    double mean = 0, size = 0, spread = 0;
    for (size_t i = 0; i < d->n; i++) mean += f->x[d->row[i] * f->n_x + j] / (double)d->n;
    for (size_t i = 0; i < d->n; i++) {
        double x = f->x[d->row[i] * f->n_x + j];
        column[i] = x - mean;
        size = fmax(size, fabs(x));
        spread = fmax(spread, fabs(column[i]));
    }
    if (spread <= 1e-12 * size) memset(column, 0, d->n * sizeof *column);
}

/* Level `level` of factor j against the first level that is there, centred at equal weights; 0 for levels nobody has. */
static void centred_level(const prc_frame *f, const prc_frame_design *d, size_t j, size_t level, size_t first, size_t n_there, bool there, double *column)
{
    for (size_t i = 0; i < d->n; i++) {
        bool has = (size_t)f->factor[d->row[i] * f->n_factor + j] == level;
        column[i] = !there || level == first ? 0 : (has ? 1 : 0) - 1 / (double)n_there;
    }
}

/* Copies a column into the design, once or once per visit. */
static void put_column(prc_frame_design *d, const double *column, const int *visit, size_t n_visit, bool by_visit, size_t *at)
{
    size_t copies = by_visit ? n_visit : 1;
    for (size_t i = 0; i < d->n; i++) {
        size_t where = *at + (by_visit ? (size_t)visit[d->row[i]] : 0);
        d->x[i * d->p + where] = column[i];
    }
    *at += copies;
}

static prc_status covariate_columns(const prc_frame *f, const int *visit, size_t n_visit, bool by_visit, prc_frame_design *d, prc_error *err)
{
    double *column = prc_malloc(d->n ? d->n : 1, sizeof *column);
    if (!column) return prc_fail(err, PRC_E_MEMORY, "out of memory for a design of %zu rows", d->n);
    size_t at = d->n_cell;
    for (size_t j = 0; j < f->n_x; j++) {
        centred_covariate(f, d, j, column);
        put_column(d, column, visit, n_visit, by_visit, &at);
    }
    for (size_t j = 0; j < f->n_factor; j++) {
        bool *there = prc_calloc(f->n_level[j] ? f->n_level[j] : 1, sizeof *there);
        if (!there) {
            prc_free(column);
            return prc_fail(err, PRC_E_MEMORY, "out of memory for a design of %zu rows", d->n);
        }
        size_t n_there = 0, first = f->n_level[j];
        for (size_t i = 0; i < d->n; i++) there[f->factor[d->row[i] * f->n_factor + j]] = true;
        for (size_t k = f->n_level[j]; k-- > 0;)
            if (there[k]) first = k, n_there++;
        for (size_t k = 1; k < f->n_level[j]; k++) {
            /* The first level there is the base; when that is not level 0, its own column stays empty. */
            centred_level(f, d, j, k, first, n_there, there[k], column);
            put_column(d, column, visit, n_visit, false, &at);
        }
        prc_free(there);
    }
    prc_free(column);
    return PRC_OK;
}

prc_status prc_frame_design_create(const prc_frame *f, const double *extra, const int *visit, size_t n_visit, bool by_visit, prc_frame_design *d, prc_error *err)
{
    size_t n_cell = f->n_arm * (visit ? n_visit : 1), p = n_cell + f->n_x * (by_visit ? n_visit : 1), room = f->n ? f->n : 1;
    *d = (prc_frame_design){0};
    if (f->n_arm == 0 || f->reference < -1 || f->reference >= (int)f->n_arm)
        return prc_fail(err, PRC_E_VALUE, "the reference arm %d is not one of the %zu arms", f->reference, f->n_arm);
    for (size_t j = 0; j < f->n_factor; j++) p += f->n_level[j] > 0 ? f->n_level[j] - 1 : 0;
    if (p > 5000) return prc_fail(err, PRC_E_VALUE, "the model has %zu columns (arms by visits, covariates, factor levels); the limit is 5000", p);
    d->p = p;
    d->n_cell = n_cell;
    d->row = prc_malloc(room, sizeof *d->row);
    d->count = prc_calloc(n_cell ? n_cell : 1, sizeof *d->count);
    if (!d->row || !d->count) goto memory;
    for (size_t i = 0; i < f->n; i++)
        if (row_used(f, extra, visit, n_visit, i)) d->row[d->n++] = i;
    if ((double)d->n * (double)(p ? p : 1) > 1e9) {
        prc_frame_design_reset(d);
        return prc_fail(err, PRC_E_VALUE, "the model has %zu rows of %zu columns, more than fits", d->n, p);
    }
    d->x = prc_calloc((d->n ? d->n : 1) * (p ? p : 1), sizeof *d->x);
    if (!d->x) goto memory;
    for (size_t i = 0; i < d->n; i++) {
        size_t r = d->row[i], cell = (size_t)f->arm[r] * (visit ? n_visit : 1) + (visit ? (size_t)visit[r] : 0);
        d->x[i * p + cell] = 1;
        d->count[cell]++;
    }
    prc_status st = covariate_columns(f, visit, n_visit, by_visit, d, err);
    if (st) prc_frame_design_reset(d);
    return st;
memory:
    prc_frame_design_reset(d);
    return prc_fail(err, PRC_E_MEMORY, "out of memory for a design of %zu rows", f->n);
}

void prc_frame_design_reset(prc_frame_design *d)
{
    prc_free(d->x);
    prc_free(d->row);
    prc_free(d->count);
    *d = (prc_frame_design){0};
}

/* ---- ANCOVA ---------------------------------------------------------------------------------------------------- */

/* The alias rows of dropped columns from the cross product of the design. */
static prc_status aliases(const prc_frame_design *d, bool *keep, double *alias, prc_error *err)
{
    size_t p = d->p;
    double *a = prc_calloc(p * p, sizeof *a);
    if (!a) return prc_fail(err, PRC_E_MEMORY, "out of memory for an ANCOVA of %zu columns", p);
    for (size_t i = 0; i < d->n; i++)
        for (size_t j = 0; j < p; j++) {
            double x = d->x[i * p + j];
            if (x == 0) continue;
            for (size_t k = 0; k <= j; k++) a[j * p + k] += x * d->x[i * p + k];
        }
    (void)prc_chol_pick(a, p, 1e-12, keep, alias);
    prc_free(a);
    return PRC_OK;
}

/* True when the data cannot tell coefficient a less coefficient b (b = p: a alone). */
static bool inestimable(const prc_lm *fit, const double *alias, size_t a, size_t b)
{
    for (size_t j = 0; j < fit->p; j++) {
        if (!isnan(fit->coef[j])) continue;
        double l = (j == a) - (double)(j == b && b < fit->p), follow = alias[j * fit->p + a] - (b < fit->p ? alias[j * fit->p + b] : 0);
        if (fabs(l - follow) > 1e-6) return true;
    }
    return false;
}

static prc_estimate lm_contrast(const prc_lm *fit, const double *alias, size_t a, size_t b, size_t n, double level)
{
    prc_estimate e = prc_estimate_none();
    size_t p = fit->p;
    bool pair = b < p;
    e.n = n;
    e.df = fit->df > 0 ? fit->df : (double)NAN;
    if (isnan(fit->coef[a]) || (pair && isnan(fit->coef[b])) || inestimable(fit, alias, a, b)) return e;
    e.estimate = fit->coef[a] - (pair ? fit->coef[b] : 0);
    if (!(fit->df > 0)) return e;
    e.se = sqrt(fmax(0, fit->vcov[a * p + a] + (pair ? fit->vcov[b * p + b] - 2 * fit->vcov[a * p + b] : 0)));
    prc_estimate_wald(&e, level);
    return e;
}

prc_status prc_stat_ancova_frame(const prc_frame *f, const double *y, double level, prc_estimate *ls_mean, prc_estimate *diff, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_frame_design d = {0};
    prc_lm fit = {0};
    double *used = NULL, *alias = NULL;
    bool *keep = NULL;
    for (size_t a = 0; a < f->n_arm; a++) ls_mean[a] = diff[a] = prc_estimate_none();
    PRC_GO(st, prc_frame_design_create(f, y, NULL, 0, false, &d, err));
    for (size_t a = 0; a < f->n_arm; a++) ls_mean[a].n = d.count[a];
    if (d.n == 0) goto out;
    used = prc_malloc(d.n, sizeof *used);
    alias = prc_calloc(d.p * d.p, sizeof *alias);
    keep = prc_calloc(d.p, sizeof *keep);
    if (!used || !alias || !keep) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for an ANCOVA of %zu rows", d.n);
        goto out;
    }
    for (size_t i = 0; i < d.n; i++) used[i] = y[d.row[i]];
    PRC_GO(st, prc_lm_fit(d.x, used, d.n, d.p, &fit, err));
    if (fit.rank < d.p) PRC_GO(st, aliases(&d, keep, alias, err));
    for (size_t a = 0; a < f->n_arm; a++) {
        if (d.count[a] == 0) continue;
        ls_mean[a] = lm_contrast(&fit, alias, a, d.p, d.count[a], level);
        if (f->reference < 0 || (int)a == f->reference || d.count[f->reference] == 0) continue;
        diff[a] = lm_contrast(&fit, alias, a, (size_t)f->reference, d.count[a] + d.count[f->reference], level);
    }
out:
    prc_lm_reset(&fit);
    prc_free(used);
    prc_free(alias);
    prc_free(keep);
    prc_frame_design_reset(&d);
    return st;
}
