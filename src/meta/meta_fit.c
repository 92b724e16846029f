/* meta_fit.c: the univariate model: pooling, tests, heterogeneity, prediction, meta-regression. */
#include "meta_int.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const char *const METHOD[PRC_META_METHOD_COUNT] = {"FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"};
static const char *const METHOD_WORDS[PRC_META_METHOD_COUNT] = {
    "common effect, inverse variance", "DerSimonian-Laird", "Hedges", "Hunter-Schmidt", "Sidik-Jonkman",
    "maximum likelihood", "restricted maximum likelihood", "empirical Bayes", "Paule-Mandel"};
static const char *const TEST[PRC_META_TEST_COUNT] = {"z", "knha", "adhoc"};

const char *prc_meta_method_name(prc_meta_method m) { return METHOD[m]; }
const char *prc_meta_method_words(prc_meta_method m) { return METHOD_WORDS[m]; }
const char *prc_meta_test_name(prc_meta_test t) { return TEST[t]; }

bool prc_meta_method_parse(const char *s, prc_meta_method *out)
{
    if (!strcasecmp(s, "EE") || !strcasecmp(s, "CE")) s = "FE";
    for (int i = 0; i < PRC_META_METHOD_COUNT; i++)
        if (!strcasecmp(s, METHOD[i])) {
            *out = (prc_meta_method)i;
            return true;
        }
    return false;
}

bool prc_meta_test_parse(const char *s, prc_meta_test *out)
{
    for (int i = 0; i < PRC_META_TEST_COUNT; i++)
        if (!strcasecmp(s, TEST[i])) {
            *out = (prc_meta_test)i;
            return true;
        }
    return false;
}

prc_meta_options prc_meta_default(void)
{
    return (prc_meta_options){.method = PRC_META_REML, .test = PRC_META_ADHOC, .pi = PRC_META_PI_AUTO, .level = 0.95, .intervals = true};
}

prc_status prc_meta_check(const double *yi, const double *vi, size_t k, prc_error *err)
{
    if (k == 0) return prc_fail(err, PRC_E_VALUE, "no study is left to pool");
    for (size_t i = 0; i < k; i++) {
        if (!isfinite(yi[i])) return prc_fail(err, PRC_E_VALUE, "study %zu: the effect is not a finite number", i + 1);
        if (vi[i] < 0) return prc_fail(err, PRC_E_VALUE, "study %zu: the sampling variance is negative (%g)", i + 1, vi[i]);
        if (vi[i] == 0)
            return prc_fail(err, PRC_E_VALUE, "study %zu: the sampling variance is 0, its weight would be infinite; drop the study or give its variance", i + 1);
        if (!isfinite(vi[i]) || vi[i] < 1e-290)
            return prc_fail(err, PRC_E_VALUE, "study %zu: the sampling variance %g cannot be used", i + 1, vi[i]);
    }
    return PRC_OK;
}

void prc_meta_wald(size_t p, const double *beta, const double *vb, double df, double level, double *se, double *stat, double *pval, double *lb, double *ub)
{
    double crit = prc_meta_critical(level, df);
    for (size_t j = 0; j < p; j++) {
        se[j] = sqrt(vb[j * p + j]);
        stat[j] = se[j] > 0 ? beta[j] / se[j] : PRC_META_NONE;
        pval[j] = prc_meta_two_sided(stat[j], df);
        lb[j] = beta[j] - crit * se[j];
        ub[j] = beta[j] + crit * se[j];
    }
}

size_t prc_meta_intercept(const double *x, size_t k, size_t p)
{
    for (size_t j = 0; j < p; j++) {
        bool one = true;
        for (size_t i = 0; i < k && one; i++) one = x[i * p + j] == 1;
        if (one) return j;
    }
    return p;
}

prc_status prc_meta_omnibus(size_t p, size_t skip, const double *beta, const double *vb, double *q, double *df, prc_error *err)
{
    size_t n = 0, *col = prc_malloc(p + 1, sizeof *col);
    double *a = prc_malloc(p * p + p + 1, sizeof *a);
    *q = PRC_META_NONE;
    if (!col || !a) {
        prc_free(col);
        prc_free(a);
        return prc_meta_no_memory(err);
    }
    for (size_t j = 0; j < p; j++)
        if (j != skip && !isnan(beta[j])) col[n++] = j;
    double *b = a + p * p;
    /* Scaled to unit diagonal, so that moderators on different scales do not matter. */
    for (size_t i = 0; i < n; i++) {
        double si = sqrt(vb[col[i] * p + col[i]]);
        b[i] = beta[col[i]] / si;
        for (size_t j = 0; j < n; j++) a[i * n + j] = vb[col[i] * p + col[j]] / (si * sqrt(vb[col[j] * p + col[j]]));
    }
    *df = (double)n;
    if (n && prc_meta_chol(a, n)) {
        prc_meta_forward(a, n, b);
        *q = 0;
        for (size_t i = 0; i < n; i++) *q += b[i] * b[i];
    }
    prc_free(col);
    prc_free(a);
    return PRC_OK;
}

static prc_status fit_alloc(prc_meta_fit *f, prc_error *err)
{
    size_t p = f->p;
    f->beta = prc_malloc(6 * p + p * p + 1, sizeof *f->beta);
    if (!f->beta) return prc_meta_no_memory(err);
    f->se = f->beta + p;
    f->stat = f->se + p;
    f->pval = f->stat + p;
    f->ci_lb = f->pval + p;
    f->ci_ub = f->ci_lb + p;
    f->vb = f->ci_ub + p;
    return PRC_OK;
}

void prc_meta_fit_reset(prc_meta_fit *f)
{
    if (!f) return;
    prc_free(f->beta);
    f->beta = f->se = f->stat = f->pval = f->ci_lb = f->ci_ub = f->vb = NULL;
}

/* Heterogeneity at tau2 = 0: Q, the typical variance, I2 and H2. Leaves the core at 0. */
static void heterogeneity(prc_meta_fit *f, prc_meta_core *c)
{
    double df = (double)f->k - (double)f->rank;
    prc_meta_core_at(c, 0);
    f->QE_df = df;
    if (df <= 0) {
        f->QE = 0;
        f->QEp = 1;
        f->I2 = 0;
        f->H2 = 1;
        f->vt = 0;
        return;
    }
    f->QE = fmax(0, c->rss);
    f->QEp = prc_stat_chisq_p(f->QE, df);
    f->vt = df / prc_meta_core_trp(c);
    if (f->method == PRC_META_FE) {
        f->I2 = f->QE > 0 ? fmax(0, 100 * (f->QE - df) / f->QE) : 0;
        f->H2 = f->QE / df;
    } else {
        f->I2 = 100 * f->tau2 / (f->vt + f->tau2);
        f->H2 = f->tau2 / f->vt + 1;
    }
}

static void tau2_intervals(prc_meta_fit *f, prc_meta_core *c)
{
    if (f->method == PRC_META_FE || f->k <= f->rank) return;
    prc_meta_tau2_profile(c, f->level, &f->tau2_lb, &f->tau2_ub, &f->tau2_empty);
    f->I2_lb = 100 * f->tau2_lb / (f->vt + f->tau2_lb);
    f->I2_ub = 100 * f->tau2_ub / (f->vt + f->tau2_ub);
    f->H2_lb = f->tau2_lb / f->vt + 1;
    f->H2_ub = f->tau2_ub / f->vt + 1;
    if (f->method == PRC_META_ML || f->method == PRC_META_REML)
        prc_meta_tau2_likelihood(c, f->method == PRC_META_REML, f->tau2, f->level, &f->pl_lb, &f->pl_ub);
}

/* Coefficients, tests and likelihood at the estimated tau2. */
static void coefficients(prc_meta_fit *f, prc_meta_core *c, const prc_meta_basis *b)
{
    double df = (double)f->k - (double)f->rank;
    size_t qq = c->q * c->q;
    prc_meta_core_at(c, f->tau2);
    f->s2w = 1;
    if (f->test != PRC_META_Z) f->s2w = c->rss / df;
    if (f->test == PRC_META_ADHOC) f->s2w = fmax(1, f->s2w);
    f->ddf = f->test == PRC_META_Z ? PRC_META_NONE : df;
    for (size_t i = 0; i < qq; i++) c->s[i] = f->s2w * c->c[i];
    prc_meta_basis_back(b, c->g, c->s, f->beta, f->vb);
    prc_meta_wald(f->p, f->beta, f->vb, f->ddf, f->level, f->se, f->stat, f->pval, f->ci_lb, f->ci_ub);
    bool reml = f->method == PRC_META_REML;
    double parms = (double)f->rank + (f->method == PRC_META_FE ? 0 : 1);
    f->logLik = prc_meta_core_loglik(c, reml);
    f->AIC = 2 * parms - 2 * f->logLik;
    f->BIC = parms * log(reml ? df : (double)f->k) - 2 * f->logLik;
}

static void prediction(prc_meta_fit *f, prc_meta_pi convention)
{
    if (f->method == PRC_META_FE || f->k <= f->rank) return;
    double sd = sqrt(f->tau2 + f->vb[0]), df = (double)f->k - (double)f->rank;
    if (f->k > 2) {
        double t = prc_meta_critical(f->level, (double)f->k - 2);
        f->pi_hts_lb = f->beta[0] - t * sd;
        f->pi_hts_ub = f->beta[0] + t * sd;
    }
    f->pi_df = convention == PRC_META_PI_Z ? PRC_META_NONE : convention == PRC_META_PI_T ? df : convention == PRC_META_PI_HTS ? (double)f->k - 2 : f->ddf;
    if (convention == PRC_META_PI_HTS) {
        f->pi_lb = f->pi_hts_lb;
        f->pi_ub = f->pi_hts_ub;
    } else if (isnan(f->pi_df) || f->pi_df > 0) {
        double q = prc_meta_critical(f->level, f->pi_df);
        f->pi_lb = f->beta[0] - q * sd;
        f->pi_ub = f->beta[0] + q * sd;
    }
}

/* Adjusted R2 of weighted least squares, what FE meta-regression explains. */
static double r2_fixed(const prc_meta_core *c, double q_model, double k, double rank)
{
    double mean = 0, sw = 0, total = 0;
    for (size_t i = 0; i < c->k; i++) {
        sw += 1 / c->v[i];
        mean += c->y[i] / c->v[i];
    }
    mean /= sw;
    for (size_t i = 0; i < c->k; i++) total += (c->y[i] - mean) * (c->y[i] - mean) / c->v[i];
    return total > 0 && k > rank ? fmax(0, 100 * (1 - (q_model / (k - rank)) / (total / (k - 1)))) : 0;
}

static prc_status moderators(prc_meta_fit *f, prc_meta_core *c, const double *x, const prc_meta_options *o, prc_error *err)
{
    size_t skip = prc_meta_intercept(x, f->k, f->p);
    double df = (double)f->k - (double)f->rank;
    PRC_TRY(prc_meta_omnibus(f->p, skip, f->beta, f->vb, &f->QM, &f->QM_df1, err));
    if (f->test == PRC_META_Z) {
        f->QMp = isnan(f->QM) ? PRC_META_NONE : prc_stat_chisq_p(f->QM, f->QM_df1);
    } else {
        f->QM /= f->QM_df1;
        f->QM_df2 = df;
        f->QMp = prc_meta_f_p(f->QM, f->QM_df1, df);
    }
    if (skip == f->p || f->rank < 2) return PRC_OK;
    if (f->method == PRC_META_FE) {
        f->R2 = r2_fixed(c, f->QE, (double)f->k, (double)f->rank);
        return PRC_OK;
    }
    prc_meta_options plain = *o;
    prc_meta_fit whole;
    plain.intervals = false;
    plain.test = PRC_META_Z;
    PRC_TRY(prc_meta_fit_uni(c->y, c->v, NULL, f->k, 1, &plain, &whole, err));
    f->R2 = whole.tau2 > 0 ? fmax(0, 100 * (whole.tau2 - f->tau2) / whole.tau2) : 0;
    prc_meta_fit_reset(&whole);
    return PRC_OK;
}

static void fit_blank(prc_meta_fit *f)
{
    double n = PRC_META_NONE;
    f->ddf = f->se_tau2 = f->tau2_lb = f->tau2_ub = f->pl_lb = f->pl_ub = n;
    f->vt = f->I2 = f->I2_lb = f->I2_ub = f->H2 = f->H2_lb = f->H2_ub = f->QE = f->QEp = n;
    f->QM = f->QMp = f->QM_df1 = f->QM_df2 = f->R2 = n;
    f->pi_lb = f->pi_ub = f->pi_df = f->pi_hts_lb = f->pi_hts_ub = n;
}

prc_status prc_meta_fit_uni(const double *yi, const double *vi, const double *x, size_t k, size_t p, const prc_meta_options *o, prc_meta_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_meta_basis b = {0};
    prc_meta_core c = {0};
    if (!x) p = 1;
    prc_meta_fit f = {.k = k, .p = p, .method = o->method, .test = o->test, .level = o->level};
    PRC_TRY(prc_meta_check(yi, vi, k, err));
    if (!(o->level > 0 && o->level < 1)) return prc_fail(err, PRC_E_VALUE, "the level %g is not between 0 and 1", o->level);
    fit_blank(&f);
    PRC_GO(st, prc_meta_basis_create(x, k, p, &b, err));
    if (b.rank == 0) {
        st = prc_fail(err, PRC_E_VALUE, "no moderator is left that varies");
        goto out;
    }
    f.rank = b.rank;
    PRC_GO(st, prc_meta_core_create(yi, vi, &b, &c, err));
    PRC_GO(st, fit_alloc(&f, err));
    /* Nothing is left to estimate a spread from: one study, or as many columns as studies. */
    if (k <= b.rank) f.test = PRC_META_Z;
    if (f.method != PRC_META_FE && k > b.rank) f.tau2 = prc_meta_tau2(&c, f.method, &f.se_tau2);
    if (!isfinite(f.tau2)) {
        st = prc_fail(err, PRC_E_NUMERIC, "tau2 has no finite %s estimate", prc_meta_method_name(f.method));
        goto out;
    }
    heterogeneity(&f, &c);
    coefficients(&f, &c, &b);
    if (!c.ok || !isfinite(f.logLik)) {
        st = prc_fail(err, PRC_E_NUMERIC, "the weights of the studies differ by more than double precision can hold");
        goto out;
    }
    if (!x || (b.rank == 1 && p == 1 && prc_meta_intercept(x, k, p) == 0)) prediction(&f, o->pi);
    if (o->intervals) tau2_intervals(&f, &c);
    if (x && p > 1) PRC_GO(st, moderators(&f, &c, x, o, err));
out:
    prc_meta_basis_reset(&b);
    prc_meta_core_reset(&c);
    if (st == PRC_OK) *out = f;
    else prc_meta_fit_reset(&f);
    return st;
}

prc_status prc_meta_fit_line(const double *yi, const double *vi, size_t k, const prc_meta_options *o, prc_meta_line *out, prc_error *err)
{
    prc_meta_fit f;
    prc_meta_options quick = *o;
    quick.intervals = false;
    PRC_TRY(prc_meta_fit_uni(yi, vi, NULL, k, 1, &quick, &f, err));
    *out = (prc_meta_line){f.beta[0], f.se[0], f.stat[0], f.pval[0], f.ci_lb[0], f.ci_ub[0], f.tau2, f.I2, f.H2, f.QE, f.QEp};
    prc_meta_fit_reset(&f);
    return PRC_OK;
}

void prc_meta_blup(const prc_meta_fit *f, const double *yi, const double *vi, const double *x, double *pred, double *se, double *lb, double *ub)
{
    double crit = prc_meta_critical(f->level, f->ddf);
    for (size_t i = 0; i < f->k; i++) {
        double mu = 0, var = 0;
        for (size_t a = 0; a < f->p; a++) {
            double xa = x ? x[i * f->p + a] : 1;
            if (isnan(f->beta[a])) continue;
            mu += xa * f->beta[a];
            for (size_t b = 0; b < f->p; b++)
                if (!isnan(f->beta[b])) var += xa * (x ? x[i * f->p + b] : 1) * f->vb[a * f->p + b];
        }
        double l = f->tau2 / (f->tau2 + vi[i]);
        pred[i] = l * yi[i] + (1 - l) * mu;
        se[i] = sqrt(l * vi[i] + (1 - l) * (1 - l) * var);
        lb[i] = pred[i] - crit * se[i];
        ub[i] = pred[i] + crit * se[i];
    }
}

prc_status prc_meta_subgroups(const double *yi, const double *vi, const int *group, size_t k, size_t n_group, const prc_meta_options *o, prc_meta_fit *fits,
                              double *q_between, double *q_df, double *q_p, prc_error *err)
{
    prc_status st = PRC_OK;
    double sw = 0, swy = 0, q = 0, n = 0;
    double *y = prc_malloc(2 * k + 1, sizeof *y), *v = y ? y + k : NULL;
    if (!y) return prc_meta_no_memory(err);
    for (size_t g = 0; g < n_group; g++) fits[g] = (prc_meta_fit){0};
    for (size_t g = 0; g < n_group; g++) {
        size_t m = 0;
        for (size_t i = 0; i < k; i++) {
            if (group[i] != (int)g) continue;
            y[m] = yi[i];
            v[m++] = vi[i];
        }
        if (m) PRC_GO(st, prc_meta_fit_uni(y, v, NULL, m, 1, o, &fits[g], err));
    }
    for (size_t g = 0; g < n_group; g++) {
        if (!fits[g].k) continue;
        double w = 1 / (fits[g].se[0] * fits[g].se[0]);
        n++;
        sw += w;
        swy += w * fits[g].beta[0];
    }
    for (size_t g = 0; g < n_group; g++)
        if (fits[g].k) q += pow((fits[g].beta[0] - swy / sw) / fits[g].se[0], 2);
    *q_between = n > 1 ? q : PRC_META_NONE;
    *q_df = n - 1;
    *q_p = n > 1 ? prc_stat_chisq_p(q, n - 1) : PRC_META_NONE;
out:
    if (st)
        for (size_t g = 0; g < n_group; g++) prc_meta_fit_reset(&fits[g]);
    prc_free(y);
    return st;
}
