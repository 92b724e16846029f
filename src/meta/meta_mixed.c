/* meta_mixed.c: models with several random effects: effects in clusters, several outcomes a study. Studies are independent blocks of rows with covariance
 * V = S + G(theta); theta is maximised with the analytic gradient d logL / d V = (r r' - P) / 2, P restricted to the block. */
#include "meta_int.h"

#include <math.h>
#include <string.h>

#define BLOCK_MAX 3000 /* rows of one cluster: a factor costs their cube */
#define OUTCOME_MAX 6

typedef enum structure { LEVELS, UNSTRUCTURED } structure;

typedef struct mixed {
    structure kind;
    bool reml;
    size_t k, q, n_block, n_outcome, n_theta;
    size_t *row;       /* k: rows sorted by block */
    size_t *first;     /* n_block + 1 */
    const double *y, *z; /* z: k x q orthonormal */
    const int *outcome;
    const double *v;   /* LEVELS: k variances */
    const double *cov; /* UNSTRUCTURED: k x n_outcome */
    double **w;        /* per block: V^-1 (n x n) */
    double **wz;       /* per block: V^-1 Z (n x q) */
    double *m, *c, *g; /* q x q: Z'WZ factor, inverse; q: coefficients */
    double rss, logdet;
    bool ok;
} mixed;

/* Entry (a, b) of the covariance of two rows of one block. */
static double covariance(const mixed *x, size_t a, size_t b, const double *theta)
{
    if (x->kind == LEVELS) return theta[0] * theta[0] + (a == b ? x->v[a] + theta[1] * theta[1] : 0);
    size_t oa = (size_t)x->outcome[a], ob = (size_t)x->outcome[b], n = x->n_outcome, low = oa < ob ? oa : ob;
    double s = a == b ? x->cov[a * n + oa] : 0.5 * (x->cov[a * n + ob] + x->cov[b * n + oa]);
    for (size_t j = 0; j <= low; j++) s += theta[oa * (oa + 1) / 2 + j] * theta[ob * (ob + 1) / 2 + j];
    return s;
}

/* Inverse covariance of block b and its product with Z. */
static bool block_invert(mixed *x, size_t b, const double *theta)
{
    size_t at = x->first[b], n = x->first[b + 1] - at, q = x->q;
    double *w = x->w[b], *l = w + n * n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) l[i * n + j] = covariance(x, x->row[at + i], x->row[at + j], theta);
    if (!prc_meta_chol(l, n)) return false;
    x->logdet += prc_meta_chol_logdet(l, n);
    prc_meta_chol_inverse(l, n, w);
    for (size_t i = 0; i < n; i++)
        for (size_t a = 0; a < q; a++) {
            double s = 0;
            for (size_t j = 0; j < n; j++) s += w[i * n + j] * x->z[x->row[at + j] * q + a];
            x->wz[b][i * q + a] = s;
        }
    return true;
}

/* Coefficients and likelihood at theta; ok false where a covariance is not positive definite. */
static double mixed_at(mixed *x, const double *theta)
{
    size_t q = x->q;
    x->logdet = x->rss = 0;
    x->ok = true;
    memset(x->m, 0, q * q * sizeof *x->m);
    memset(x->g, 0, q * sizeof *x->g);
    for (size_t b = 0; b < x->n_block && x->ok; b++) {
        size_t at = x->first[b], n = x->first[b + 1] - at;
        x->ok = block_invert(x, b, theta);
        for (size_t i = 0; i < n && x->ok; i++)
            for (size_t a = 0; a < q; a++) {
                x->g[a] += x->wz[b][i * q + a] * x->y[x->row[at + i]];
                for (size_t c = 0; c < q; c++) x->m[a * q + c] += x->wz[b][i * q + a] * x->z[x->row[at + i] * q + c];
            }
    }
    if (!x->ok || !(x->ok = prc_meta_chol(x->m, q))) return -(double)INFINITY;
    prc_meta_chol_inverse(x->m, q, x->c);
    prc_meta_chol_solve(x->m, q, x->g);
    for (size_t b = 0; b < x->n_block; b++) {
        size_t at = x->first[b], n = x->first[b + 1] - at;
        double *e = x->w[b] + 2 * n * n, *r = e + n;
        for (size_t i = 0; i < n; i++) {
            e[i] = x->y[x->row[at + i]];
            for (size_t a = 0; a < q; a++) e[i] -= x->z[x->row[at + i] * q + a] * x->g[a];
        }
        for (size_t i = 0; i < n; i++) {
            r[i] = 0;
            for (size_t j = 0; j < n; j++) r[i] += x->w[b][i * n + j] * e[j];
            x->rss += r[i] * e[i];
        }
    }
    double free = (double)x->k - (x->reml ? (double)q : 0);
    return -0.5 * (free * log(2 * M_PI) + x->logdet + x->rss + (x->reml ? prc_meta_chol_logdet(x->m, q) : 0));
}

/* Adds entry (i, j) of d logL / d V of a block to the gradient by theta. */
static void chain(const mixed *x, size_t a, size_t b, double d, const double *theta, double *grad)
{
    if (x->kind == LEVELS) {
        grad[0] += 2 * theta[0] * d;
        if (a == b) grad[1] += 2 * theta[1] * d;
        return;
    }
    size_t oa = (size_t)x->outcome[a], ob = (size_t)x->outcome[b], low = oa < ob ? oa : ob;
    /* Every pair is met in both orders, so the derivative by the first factor is enough twice. */
    for (size_t j = 0; j <= low; j++) grad[oa * (oa + 1) / 2 + j] += 2 * d * theta[ob * (ob + 1) / 2 + j];
}

static double mixed_objective(void *ctx, const double *theta, double *grad)
{
    mixed *x = ctx;
    size_t q = x->q;
    double value = mixed_at(x, theta);
    memset(grad, 0, x->n_theta * sizeof *grad);
    if (!x->ok) return value;
    for (size_t b = 0; b < x->n_block; b++) {
        size_t at = x->first[b], n = x->first[b + 1] - at;
        const double *w = x->w[b], *wz = x->wz[b], *r = w + 2 * n * n + n;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                double p = w[i * n + j];
                for (size_t a = 0; a < q && x->reml; a++)
                    for (size_t c = 0; c < q; c++) p -= wz[i * q + a] * x->c[a * q + c] * wz[j * q + c];
                chain(x, x->row[at + i], x->row[at + j], 0.5 * (r[i] * r[j] - p), theta, grad);
            }
    }
    return value;
}

/* ---- setting up ---------------------------------------------------------------------------------------------- */

static void mixed_reset(mixed *x)
{
    for (size_t b = 0; x->w && b < x->n_block; b++) prc_free(x->w[b]);
    for (size_t b = 0; x->wz && b < x->n_block; b++) prc_free(x->wz[b]);
    prc_free(x->w);
    prc_free(x->wz);
    prc_free(x->row);
    prc_free(x->first);
    prc_free(x->m);
}

static prc_status mixed_create(mixed *x, const int *block, const prc_meta_basis *basis, prc_error *err)
{
    size_t q = basis->rank;
    x->q = q;
    x->z = basis->z;
    x->row = prc_malloc(x->k, sizeof *x->row);
    x->first = prc_calloc(x->n_block + 2, sizeof *x->first);
    x->w = prc_calloc(x->n_block + 1, sizeof *x->w);
    x->wz = prc_calloc(x->n_block + 1, sizeof *x->wz);
    x->m = prc_malloc(2 * q * q + q, sizeof *x->m);
    if (!x->row || !x->first || !x->w || !x->wz || !x->m) return prc_meta_no_memory(err);
    x->c = x->m + q * q;
    x->g = x->c + q * q;
    for (size_t i = 0; i < x->k; i++) x->first[(size_t)block[i] + 2]++;
    for (size_t b = 0; b <= x->n_block; b++) x->first[b + 1] += x->first[b];
    for (size_t i = 0; i < x->k; i++) x->row[x->first[(size_t)block[i] + 1]++] = i;
    for (size_t b = 0; b < x->n_block; b++) {
        size_t n = x->first[b + 1] - x->first[b];
        if (n > BLOCK_MAX) return prc_fail(err, PRC_E_VALUE, "a cluster has %zu rows; at most %d", n, BLOCK_MAX);
        x->w[b] = prc_malloc(2 * n * n + 2 * n + 1, sizeof **x->w);
        x->wz[b] = prc_malloc(n * q + 1, sizeof **x->wz);
        if (!x->w[b] || !x->wz[b]) return prc_meta_no_memory(err);
    }
    return PRC_OK;
}

/* SD of the observed effects: the scale of the start values. */
static double scale_of(const mixed *x)
{
    double mean = 0, s = 0;
    for (size_t i = 0; i < x->k; i++) mean += x->y[i] / (double)x->k;
    for (size_t i = 0; i < x->k; i++) s += (x->y[i] - mean) * (x->y[i] - mean) / (double)x->k;
    return s > 0 ? sqrt(s) : 1e-3;
}

/* Highest maximum from several starts; components that do not raise the likelihood are set to 0 exactly. */
static prc_status mixed_maximise(mixed *x, double *theta, bool *ok, prc_error *err)
{
    static const double share[4][2] = {{0.7, 0.7}, {0.95, 0.2}, {0.2, 0.95}, {0.1, 0.1}};
    double best = -(double)INFINITY, sd = scale_of(x), try[OUTCOME_MAX * (OUTCOME_MAX + 1) / 2];
    *ok = false;
    for (int s = 0; s < 4; s++) {
        prc_status st;
        double value;
        memset(try, 0, x->n_theta * sizeof *try);
        if (x->kind == LEVELS) try[0] = sd * share[s][0], try[1] = sd * share[s][1];
        for (size_t o = 0; x->kind == UNSTRUCTURED && o < x->n_outcome; o++) {
            try[o * (o + 1) / 2 + o] = sd * share[s][o % 2];
            for (size_t j = 0; j < o; j++) try[o * (o + 1) / 2 + j] = (s % 2 ? 0.3 : -0.1) * sd;
        }
        bool done = prc_meta_maximise(mixed_objective, x, try, x->n_theta, &value, NULL, &st);
        if (st) return prc_meta_no_memory(err);
        if (!(value > best + 1e-9 * (1 + fabs(value)))) continue;
        best = value;
        *ok = done;
        memcpy(theta, try, x->n_theta * sizeof *try);
    }
    for (size_t j = 0; x->kind == LEVELS && j < 2; j++) {
        double keep = theta[j];
        if (fabs(keep) > 1e-2 * sd) continue;
        theta[j] = 0;
        double value = mixed_at(x, theta);
        if (value >= best - 1e-9 * (1 + fabs(best))) best = value, *ok = true;
        else theta[j] = keep;
    }
    return isfinite(best) ? PRC_OK : prc_fail(err, PRC_E_NUMERIC, "the likelihood of the model cannot be evaluated; is a sampling covariance matrix not positive definite?");
}

static prc_status fit_alloc(prc_meta_mv_fit *f, prc_error *err)
{
    size_t p = f->p;
    f->beta = prc_malloc(6 * p + p * p + 1, sizeof *f->beta);
    f->comp = prc_malloc(f->n_comp + 1, sizeof *f->comp);
    if (!f->beta || !f->comp) return prc_meta_no_memory(err);
    f->se = f->beta + p;
    f->stat = f->se + p;
    f->pval = f->stat + p;
    f->ci_lb = f->pval + p;
    f->ci_ub = f->ci_lb + p;
    f->vb = f->ci_ub + p;
    return PRC_OK;
}

void prc_meta_mv_fit_reset(prc_meta_mv_fit *f)
{
    if (!f) return;
    prc_free(f->beta);
    prc_free(f->comp);
    *f = (prc_meta_mv_fit){0};
}

static void components(const mixed *x, const double *theta, double *comp)
{
    if (x->kind == LEVELS) {
        comp[0] = theta[0] * theta[0];
        comp[1] = theta[1] * theta[1];
        return;
    }
    size_t n = x->n_outcome, at = n;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a; b < n; b++) {
            double s = 0;
            for (size_t j = 0; j <= a; j++) s += theta[a * (a + 1) / 2 + j] * theta[b * (b + 1) / 2 + j];
            if (a == b) comp[a] = s;
        }
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            double s = 0;
            for (size_t j = 0; j <= a; j++) s += theta[a * (a + 1) / 2 + j] * theta[b * (b + 1) / 2 + j];
            comp[at++] = comp[a] > 0 && comp[b] > 0 ? s / sqrt(comp[a] * comp[b]) : PRC_META_NONE;
        }
}

static prc_status mixed_fit(mixed *x, const int *block, const double *design, size_t p, double level, prc_meta_mv_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_meta_basis basis = {0};
    double theta[OUTCOME_MAX * (OUTCOME_MAX + 1) / 2] = {0}, none[OUTCOME_MAX * (OUTCOME_MAX + 1) / 2] = {0};
    prc_meta_mv_fit f = {.k = x->k, .p = p, .reml = x->reml, .level = level, .n_comp = x->kind == LEVELS ? 2 : x->n_outcome * (x->n_outcome + 1) / 2};
    x->n_theta = f.n_comp;
    PRC_GO(st, prc_meta_basis_create(design, x->k, p, &basis, err));
    if (x->k <= basis.rank) {
        st = prc_fail(err, PRC_E_VALUE, "%zu effects are too few for %zu coefficients and variances", x->k, basis.rank);
        goto out;
    }
    PRC_GO(st, mixed_create(x, block, &basis, err));
    PRC_GO(st, fit_alloc(&f, err));
    /* Without random effects: heterogeneity. */
    (void)mixed_at(x, none);
    if (!x->ok) {
        st = prc_fail(err, PRC_E_VALUE, "the sampling covariance matrix of a study is not positive definite");
        goto out;
    }
    f.QE = fmax(0, x->rss);
    f.QE_df = (double)x->k - (double)basis.rank;
    f.QEp = prc_stat_chisq_p(f.QE, f.QE_df);
    PRC_GO(st, mixed_maximise(x, theta, &f.converged, err));
    f.logLik = mixed_at(x, theta);
    components(x, theta, f.comp);
    prc_meta_basis_back(&basis, x->g, x->c, f.beta, f.vb);
    prc_meta_wald(p, f.beta, f.vb, PRC_META_NONE, level, f.se, f.stat, f.pval, f.ci_lb, f.ci_ub);
    size_t skip = design ? prc_meta_intercept(design, x->k, p) : 0;
    PRC_GO(st, prc_meta_omnibus(p, p > 1 ? skip : p, f.beta, f.vb, &f.QM, &f.QM_df, err));
    f.QMp = isnan(f.QM) ? PRC_META_NONE : prc_stat_chisq_p(f.QM, f.QM_df);
    double parms = (double)basis.rank + (double)f.n_comp;
    f.AIC = 2 * parms - 2 * f.logLik;
    f.BIC = parms * log(x->reml ? f.QE_df : (double)x->k) - 2 * f.logLik;
out:
    mixed_reset(x);
    prc_meta_basis_reset(&basis);
    if (st == PRC_OK) *out = f;
    else prc_meta_mv_fit_reset(&f);
    return st;
}

prc_status prc_meta_multilevel(const double *yi, const double *vi, const int *cluster, const double *x, size_t k, size_t n_cluster, size_t p, bool reml, double level,
                               prc_meta_mv_fit *out, prc_error *err)
{
    mixed m = {.kind = LEVELS, .reml = reml, .k = k, .n_block = n_cluster, .y = yi, .v = vi};
    PRC_TRY(prc_meta_check(yi, vi, k, err));
    if (n_cluster < 2 || n_cluster == k)
        return prc_fail(err, PRC_E_VALUE, "%zu effects in %zu clusters: three levels need two clusters or more, some with several effects", k, n_cluster);
    return mixed_fit(&m, cluster, x, x ? p : 1, level, out, err);
}

prc_status prc_meta_multivariate(const double *yi, const double *cov, const int *study, const int *outcome, size_t k, size_t n_study, size_t n_outcome, bool reml, double level,
                                 prc_meta_mv_fit *out, prc_error *err)
{
    mixed m = {.kind = UNSTRUCTURED, .reml = reml, .k = k, .n_block = n_study, .y = yi, .cov = cov, .outcome = outcome, .n_outcome = n_outcome};
    if (n_outcome < 2 || n_outcome > OUTCOME_MAX) return prc_fail(err, PRC_E_VALUE, "a multivariate model takes 2 to %d outcomes, not %zu", OUTCOME_MAX, n_outcome);
    if (k == 0) return prc_fail(err, PRC_E_VALUE, "no study is left to pool");
    double *x = prc_calloc(k * n_outcome, sizeof *x);
    bool *seen = prc_calloc(n_study * n_outcome + 1, sizeof *seen);
    prc_status st = x && seen ? PRC_OK : prc_meta_no_memory(err);
    for (size_t i = 0; i < k && !st; i++) {
        size_t o = (size_t)outcome[i], at = (size_t)study[i] * n_outcome + o;
        x[i * n_outcome + o] = 1;
        if (!isfinite(yi[i]) || !(cov[i * n_outcome + o] > 0)) st = prc_fail(err, PRC_E_VALUE, "row %zu: the effect is not finite or its variance not positive", i + 1);
        else if (seen[at]) st = prc_fail(err, PRC_E_VALUE, "row %zu: the study has this outcome twice", i + 1);
        seen[at] = true;
    }
    if (!st) st = mixed_fit(&m, study, x, n_outcome, level, out, err);
    prc_free(x);
    prc_free(seen);
    return st;
}
