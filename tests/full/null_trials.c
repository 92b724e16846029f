/* null_trials.c: 10,000 simulated trials of every analysis: how often it rejects when there is nothing, how often its 95 % interval holds the truth, and the power of an
 * ANCOVA trial beside its closed form. 100 patients an arm for the tests, 200 for the intervals that rest on large numbers. The Monte-Carlo standard error of 5 % is 0.22
 * points; the bounds (4.4 to 5.6 %) are the issue's. Arguments: another number of trials, part of a
 * method's name. */
#include "../tap.h"
#include "paracrine/stat.h"

#include <stdlib.h>

#define NONE ((double)NAN)
#define MAX_N 2400

typedef struct verdict { bool told, rejects, covers; } verdict;
typedef struct room { double y[MAX_N], x[MAX_N], z[MAX_N * 3]; int a[MAX_N], b[MAX_N], c[MAX_N]; } room;
typedef void (*trial_fn)(room *r, uint32_t trial, size_t n, double effect, verdict *v);
/* What a method is held to; a bound of -1 is not tested. */
typedef struct method {
    const char *name;
    trial_fn run;
    size_t n;
    double effect, reject_lo, reject_hi, cover_lo, cover_hi;
} method;

static double normal(uint32_t trial, size_t i, uint32_t purpose)
{
    return prc_normal(20261120, (uint32_t)i, purpose, 0, trial);
}

static double uniform(uint32_t trial, size_t i, uint32_t purpose)
{
    return prc_uniform(20261120, (uint32_t)i, purpose, 0, trial);
}

static void judge(verdict *v, const prc_estimate *e, double truth)
{
    v->told = !isnan(e->p);
    v->rejects = e->p <= 0.05;
    v->covers = e->ci_lb <= truth && truth <= e->ci_ub;
}

/* An analysis that fails leaves its verdict untold, which is counted and reported. */
#define DO(expr) if (expr) return

/* ---- continuous ------------------------------------------------------------------------------------------------ */

/* n_arm arms of n patients, one covariate of correlation 0.6, effect in the last arm. */
static prc_frame continuous(room *r, uint32_t trial, size_t n, size_t n_arm, double effect)
{
    for (size_t i = 0; i < n * n_arm; i++) {
        r->a[i] = (int)(i / n);
        r->x[i] = normal(trial, i, 1);
        r->y[i] = 0.6 * r->x[i] + 0.8 * normal(trial, i, 2) + (i / n + 1 == n_arm ? effect : 0);
    }
    return (prc_frame){.n = n * n_arm, .n_arm = n_arm, .arm = r->a, .reference = 0, .n_x = 1, .x = r->x};
}

static void ancova(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_frame f = continuous(r, trial, n, 2, effect);
    prc_estimate ls[2], diff[2];
    DO(prc_stat_ancova_frame(&f, r->y, 0.95, ls, diff, NULL));
    judge(v, &diff[1], effect);
}

static void welch(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    for (size_t i = 0; i < n; i++) r->y[i] = 2 * normal(trial, i, 1) + effect, r->x[i] = normal(trial, i, 2);
    prc_estimate e = prc_stat_welch(r->y, n, r->x, n, 0.95);
    judge(v, &e, effect);
}

static void wilcoxon(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_estimate e;
    for (size_t i = 0; i < n; i++) r->y[i] = normal(trial, i, 1) + effect, r->x[i] = normal(trial, i, 2);
    DO(prc_stat_wilcoxon(r->y, n, r->x, n, 0.95, NULL, NULL, &e, NULL));
    judge(v, &e, effect);
}

/* Four visits, growing variance, dropout at random given the value before; the last visit is judged. */
static prc_status repeated(room *r, uint32_t trial, size_t n, double effect, prc_cov cov, prc_df df, prc_mmrm_table *t)
{
    size_t k = 0;
    for (size_t s = 0; s < 2 * n; s++) {
        double level = normal(trial, s, 1), last = 0;
        bool out = false;
        for (size_t m = 0; m < 4; m++, k++) {
            double value = level + (0.6 + 0.2 * (double)m) * normal(trial, 4 * s + m, 2) + (s >= n ? effect * (double)(m + 1) / 4 : 0);
            out = out || (m > 0 && uniform(trial, 4 * s + m, 3) < 0.15 / (1 + exp(-last)));
            r->y[k] = out ? NONE : value;
            r->x[k] = level + normal(trial, s, 4);
            r->a[k] = s >= n, r->b[k] = (int)s, r->c[k] = (int)m;
            last = value;
        }
    }
    prc_frame f = {.n = k, .n_arm = 2, .arm = r->a, .reference = 0, .n_x = 1, .x = r->x};
    prc_mmrm_options o = {.cov = cov, .df = df};
    return prc_stat_mmrm(&f, r->y, r->b, r->c, 2 * n, 4, &o, t, NULL);
}

static void mmrm(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_mmrm_table t = {0};
    DO(repeated(r, trial, n, effect, PRC_COV_UN, PRC_DF_KR, &t));
    judge(v, &t.diff[7], effect);
    prc_mmrm_table_reset(&t);
}

static void mmrm_satterthwaite(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_mmrm_table t = {0};
    DO(repeated(r, trial, n, effect, PRC_COV_UN, PRC_DF_SATTERTHWAITE, &t));
    judge(v, &t.diff[7], effect);
    prc_mmrm_table_reset(&t);
}

/* ---- binary, ordered, counts ----------------------------------------------------------------------------------- */

static double expit(double x)
{
    return 1 / (1 + exp(-x));
}

/* Response with one covariate: logit = -0.4 + 0.8 x + effect. */
static double binary(room *r, uint32_t trial, size_t n, double effect, size_t count[2])
{
    double truth = 0;
    count[0] = count[1] = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        r->a[i] = i >= n;
        r->x[i] = normal(trial, i, 1);
        r->y[i] = uniform(trial, i, 2) < expit(-0.4 + 0.8 * r->x[i] + (i >= n ? effect : 0));
        count[i >= n] += r->y[i] > 0;
    }
    /* The mean difference over the covariate, by the trapezoidal rule. */
    for (double u = -8; u <= 8; u += 0.05) truth += 0.05 * exp(-u * u / 2) / sqrt(2 * M_PI) * (expit(-0.4 + 0.8 * u + effect) - expit(-0.4 + 0.8 * u));
    return truth;
}

static void responders(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    size_t count[2];
    prc_estimate rate[2], diff[2], log_or[2];
    prc_responders out = {rate, diff, log_or, false};
    double truth = binary(r, trial, n, effect, count);
    prc_frame f = {.n = 2 * n, .n_arm = 2, .arm = r->a, .reference = 0, .n_x = 1, .x = r->x};
    DO(prc_stat_responders(&f, r->y, 0.95, &out, NULL));
    judge(v, &diff[1], truth);
}

static void logistic(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    size_t count[2];
    prc_estimate rate[2], diff[2], log_or[2];
    prc_responders out = {rate, diff, log_or, false};
    (void)binary(r, trial, n, effect, count);
    prc_frame f = {.n = 2 * n, .n_arm = 2, .arm = r->a, .reference = 0, .n_x = 1, .x = r->x};
    DO(prc_stat_responders(&f, r->y, 0.95, &out, NULL));
    judge(v, &log_or[1], effect);
}

static void miettinen(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    size_t count[2];
    prc_estimate e;
    double truth = binary(r, trial, n, effect, count);
    DO(prc_stat_risk_difference(count[1], n, count[0], n, 0.95, &e, NULL));
    judge(v, &e, truth); /* .p is Fisher's */
}

static void ordinal(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_fit fit = {0};
    for (size_t i = 0; i < 2 * n; i++) {
        double u = uniform(trial, i, 1), latent = log(u / (1 - u)) + (i >= n ? effect : 0);
        r->x[i] = i >= n;
        r->a[i] = latent < -2 ? 0 : latent < -1 ? 1 : latent < 0 ? 2 : latent < 1 ? 3 : latent < 2 ? 4 : latent < 3 ? 5 : 6;
    }
    DO(prc_stat_ordinal(r->x, r->a, 2 * n, 1, 7, &fit, NULL));
    prc_estimate e = prc_fit_coef(&fit, 0, NONE, 0.95);
    judge(v, &e, effect);
    prc_fit_reset(&fit);
}

/* Counts over a year of exposure that varies, mean 1.2, dispersion 1 (a geometric mixture). */
static void counts(room *r, uint32_t trial, size_t n, double effect)
{
    for (size_t i = 0; i < 2 * n; i++) {
        double exposure = 0.4 + 0.6 * uniform(trial, i, 1), mean = 1.2 * exposure * exp(i >= n ? effect : 0), rate = -log(uniform(trial, i, 2)) * mean, y = 0;
        for (double t = -log(uniform(trial, i * 64, 3)); t < rate && y < 60; y++) t -= log(uniform(trial, i * 64 + 1 + (size_t)y, 3));
        r->y[i] = y;
        r->z[2 * i] = 1, r->z[2 * i + 1] = i >= n;
        r->x[i] = log(exposure);
    }
}

static void negbin(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_fit fit = {0};
    counts(r, trial, n, effect);
    DO(prc_stat_negbin(r->z, r->y, r->x, 2 * n, 2, false, &fit, NULL));
    prc_estimate e = prc_fit_coef(&fit, 1, NONE, 0.95);
    judge(v, &e, effect);
    prc_fit_reset(&fit);
}

/* ---- time to event --------------------------------------------------------------------------------------------- */

/* Exponential times, censored evenly between 1 and 3: about 70 % have the event. effect: log hazard ratio. */
static void times(room *r, uint32_t trial, size_t n, double effect)
{
    for (size_t i = 0; i < 2 * n; i++) {
        double t = -log(uniform(trial, i, 1)) / exp(i >= n ? effect : 0), c = 1 + 2 * uniform(trial, i, 2);
        r->y[i] = fmin(t, c);
        r->a[i] = t <= c;
        r->b[i] = i >= n;
        r->x[i] = i >= n;
    }
}

static void logrank(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_estimate e;
    times(r, trial, n, effect);
    DO(prc_stat_logrank(r->y, r->a, r->b, NULL, 2 * n, 2, &e, NULL));
    judge(v, &e, 0);
}

static void peto(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_estimate e;
    times(r, trial, n, effect);
    DO(prc_stat_logrank_rho(r->y, r->a, r->b, NULL, 2 * n, 2, 1, NULL, NULL, NULL, &e, NULL));
    judge(v, &e, 0);
}

static void cox(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_fit fit = {0};
    times(r, trial, n, effect);
    DO(prc_stat_cox(r->y, r->a, r->x, NULL, 2 * n, 1, PRC_TIES_EFRON, &fit, NULL));
    prc_estimate e = prc_fit_coef(&fit, 0, NONE, 0.95);
    judge(v, &e, effect);
    prc_fit_reset(&fit);
}

static void km_at(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_km km = {0};
    times(r, trial, n, effect);
    DO(prc_stat_km(r->y, r->a, n, &km, NULL));
    prc_estimate e = prc_km_at_ci(&km, 0.7, PRC_KM_LOGLOG, 0.95);
    e.p = 1;
    judge(v, &e, exp(-0.7));
    prc_km_reset(&km);
}

static void rmst(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_km km[2] = {{0}, {0}};
    times(r, trial, n, effect);
    DO(prc_stat_km(r->y, r->a, n, &km[0], NULL));
    DO(prc_stat_km(r->y + n, r->a + n, n, &km[1], NULL));
    prc_estimate a = prc_km_rmst(&km[0], 1, 0.95), b = prc_km_rmst(&km[1], 1, 0.95), e = a;
    double h = exp(effect), truth = -expm1(-h) / h + expm1(-1.0), se = sqrt(a.se * a.se + b.se * b.se), d = b.estimate - a.estimate;
    e.ci_lb = d - 1.959963984540054 * se;
    e.ci_ub = d + 1.959963984540054 * se;
    e.p = prc_stat_normal_p(d / se);
    judge(v, &e, truth);
    prc_km_reset(&km[0]);
    prc_km_reset(&km[1]);
}

static void incidence(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    prc_cif c = {0};
    times(r, trial, n, effect);
    for (size_t i = 0; i < n; i++)
        if (r->a[i]) r->a[i] = uniform(trial, i, 5) < 0.6 ? 1 : 2;
    DO(prc_stat_aalen_johansen(r->y, r->a, n, 2, &c, NULL));
    prc_estimate e = prc_cif_at(&c, 1, 0.9, 0.95);
    e.p = 1;
    judge(v, &e, 0.6 * -expm1(-0.9));
    prc_cif_reset(&c);
}

static void fisher(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    miettinen(r, trial, n, effect, v);
}

/* ---- several comparisons, several looks ------------------------------------------------------------------------ */

/* Three arms against control; any rejection is one of the family. */
static prc_status family(room *r, uint32_t trial, size_t n, double p[3], double t[3], double *df)
{
    prc_frame f = continuous(r, trial, n, 4, 0);
    prc_estimate ls[4], diff[4];
    PRC_TRY(prc_stat_ancova_frame(&f, r->y, 0.95, ls, diff, NULL));
    for (int a = 0; a < 3; a++) p[a] = diff[a + 1].p, t[a] = diff[a + 1].stat;
    *df = diff[1].df;
    return PRC_OK;
}

static void adjusted(room *r, uint32_t trial, size_t n, prc_adjust how, verdict *v)
{
    double p[3], t[3], df;
    DO(family(r, trial, n, p, t, &df));
    DO(prc_stat_adjust(p, 3, how, p, NULL));
    v->told = true;
    v->rejects = fmin(p[0], fmin(p[1], p[2])) <= 0.05;
}

static void bonferroni(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; adjusted(r, trial, n, PRC_ADJUST_BONFERRONI, v); }
static void holm(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; adjusted(r, trial, n, PRC_ADJUST_HOLM, v); }
static void hochberg(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; adjusted(r, trial, n, PRC_ADJUST_HOCHBERG, v); }
static void hommel(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; adjusted(r, trial, n, PRC_ADJUST_HOMMEL, v); }

static double dunnett_limit; /* of 4 arms of 100 with one covariate: 395 df */

static void dunnett(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    double p[3], t[3], df;
    (void)effect;
    DO(family(r, trial, n, p, t, &df));
    v->told = true;
    v->rejects = fmax(fabs(t[0]), fmax(fabs(t[1]), fabs(t[2]))) >= dunnett_limit;
}

static void graphical(room *r, uint32_t trial, size_t n, double effect, verdict *v)
{
    const double w[3] = {0.5, 0.5, 0}, g[9] = {0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0};
    double p[3], t[3], df;
    (void)effect;
    DO(family(r, trial, n, p, t, &df));
    DO(prc_stat_graphical(p, w, g, 3, p, NULL));
    v->told = true;
    v->rejects = fmin(p[0], fmin(p[1], p[2])) <= 0.05;
}

/* Three looks at a third, two thirds and all of n an arm; the p of a t test is turned into a z. Error doubled, so that all bounds read alike. */
static void looks(room *r, uint32_t trial, size_t n, const prc_gsd *d, verdict *v)
{
    for (size_t i = 0; i < n; i++) r->y[i] = normal(trial, i, 1), r->x[i] = normal(trial, i, 2);
    v->told = true;
    for (size_t k = 0; k < d->k; k++) {
        size_t m = (size_t)((double)n * d->t[k] + 0.5);
        prc_estimate e = prc_stat_welch(r->y, m, r->x, m, 0.95);
        double z = -prc_norm_inv(e.p / 2);
        v->rejects = v->rejects || z >= d->bound[k]; /* both sides: twice the one-sided error */
    }
}

static prc_gsd designs[4];
static void obf(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; looks(r, trial, n, &designs[0], v); }
static void pocock(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; looks(r, trial, n, &designs[1], v); }
static void spend_obf(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; looks(r, trial, n, &designs[2], v); }
static void spend_pocock(room *r, uint32_t trial, size_t n, double effect, verdict *v) { (void)effect; looks(r, trial, n, &designs[3], v); }

/* ---- running --------------------------------------------------------------------------------------------------- */

#define BLOCK 100
typedef struct tally { long told, rejects, covers; } tally;
typedef struct run { const method *m; size_t n_trial; tally *tally; } run;

static prc_status block(void *ctx, size_t job, int thread)
{
    run *w = ctx;
    room *r = calloc(1, sizeof *r);
    (void)thread;
    if (!r) return PRC_E_MEMORY;
    for (size_t i = job * BLOCK; i < (job + 1) * BLOCK && i < w->n_trial; i++) {
        verdict v = {false, false, false};
        w->m->run(r, (uint32_t)i, w->m->n, w->m->effect, &v);
        w->tally[job].told += v.told;
        w->tally[job].rejects += v.rejects;
        w->tally[job].covers += v.covers;
    }
    free(r);
    return PRC_OK;
}

static tally repeat(const method *m, size_t n_trial)
{
    size_t jobs = (n_trial + BLOCK - 1) / BLOCK;
    tally *t = calloc(jobs, sizeof *t), all = {0, 0, 0};
    run w = {m, n_trial, t};
    if (!t || prc_parallel(jobs, 0, block, &w)) exit(2);
    for (size_t j = 0; j < jobs; j++) all.told += t[j].told, all.rejects += t[j].rejects, all.covers += t[j].covers;
    free(t);
    return all;
}

static const method methods[] = {
    {"ANCOVA", ancova, 100, 0, 4.4, 5.6, 94.4, 95.6},
    {"Welch", welch, 100, 0, 4.4, 5.6, 94.4, 95.6},
    {"Wilcoxon", wilcoxon, 100, 0, 4.4, 5.6, 94.4, 95.6},
    {"MMRM, Kenward-Roger", mmrm, 100, 0, 4.4, 5.6, 94.4, 95.6},
    {"MMRM, Satterthwaite", mmrm_satterthwaite, 100, 0, 4.4, 5.6, 94.4, 95.6},
    {"log-rank", logrank, 100, 0, 4.4, 5.6, -1, -1},
    {"Peto-Peto", peto, 100, 0, 4.4, 5.6, -1, -1},
    {"Cox", cox, 100, 0, 4.4, 5.6, -1, -1},
    {"proportional odds", ordinal, 100, 0, 4.4, 5.6, -1, -1},
    {"negative binomial", negbin, 100, 0, 4.4, 5.6, -1, -1},
    {"responders, g-computation", responders, 100, 0, 4.4, 5.6, -1, -1},
    {"responders, logistic", logistic, 100, 0, 4.4, 5.6, -1, -1},
    {"Fisher", fisher, 100, 0, 0, 5.6, -1, -1},
    {"Bonferroni, 3 comparisons", bonferroni, 100, 0, 0, 5.6, -1, -1},
    {"Holm, 3 comparisons", holm, 100, 0, 0, 5.6, -1, -1},
    {"Hochberg, 3 comparisons", hochberg, 100, 0, 0, 5.6, -1, -1},
    {"Hommel, 3 comparisons", hommel, 100, 0, 0, 5.6, -1, -1},
    {"Dunnett, 3 comparisons", dunnett, 100, 0, 0, 5.6, -1, -1},
    {"graphical, 3 comparisons", graphical, 100, 0, 0, 5.6, -1, -1},
    {"O'Brien-Fleming, 3 looks", obf, 100, 0, 0, 5.6, -1, -1},
    {"Pocock, 3 looks", pocock, 100, 0, 0, 5.6, -1, -1},
    {"Lan-DeMets O'Brien-Fleming, 3 looks", spend_obf, 100, 0, 0, 5.6, -1, -1},
    {"Lan-DeMets Pocock, 3 looks", spend_pocock, 100, 0, 0, 5.6, -1, -1},
    {"ANCOVA, an effect", ancova, 100, 0.4, -1, -1, 94.4, 95.6},
    {"MMRM, an effect", mmrm, 100, 0.4, -1, -1, 94.4, 95.6},
    {"Cox, hazard ratio 0.7", cox, 200, -0.35667494393873245, -1, -1, 94.4, 95.6},
    {"Kaplan-Meier at a time", km_at, 200, 0, -1, -1, 94.4, 95.6},
    {"RMST difference", rmst, 200, -0.35667494393873245, -1, -1, 94.4, 95.6},
    {"Aalen-Johansen at a time", incidence, 200, 0, -1, -1, 94.4, 95.6},
    {"proportional odds ratio 1.6", ordinal, 200, 0.47, -1, -1, 94.4, 95.6},
    {"rate ratio 0.7", negbin, 200, -0.35667494393873245, -1, -1, 94.4, 95.6},
    {"risk difference, g-computation", responders, 200, 0.5, -1, -1, 94.4, 95.6},
    {"odds ratio 1.65", logistic, 200, 0.5, -1, -1, 94.4, 95.6},
    {"risk difference, Miettinen-Nurminen", miettinen, 200, 0.5, -1, -1, 94.4, 95.6},
};

static size_t n_trial = 10000;
static const char *only; /* the second argument: methods whose name has it */

static void error_and_coverage(void)
{
    const double t[3] = {1.0 / 3, 2.0 / 3, 1};
    for (int k = 0; k < 4; k++)
        if (prc_gsd_design((prc_gsd_type)k, 3, t, 0.025, &designs[k], NULL)) exit(2);
    dunnett_limit = prc_stat_dunnett_quantile(0.95, 3, NULL, 395);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const method *m = &methods[i];
        if (only && !strstr(m->name, only)) continue;
        tally a = repeat(m, n_trial);
        double rejects = 100 * (double)a.rejects / (double)n_trial, covers = 100 * (double)a.covers / (double)n_trial;
        TAP_THAT(a.told == (long)n_trial, "%s: every trial has a result (%ld of %zu)", m->name, a.told, n_trial);
        if (m->reject_hi >= 0) TAP_THAT(rejects >= m->reject_lo && rejects <= m->reject_hi, "%s: rejects %.2f %% of null trials (%.1f to %.1f)", m->name, rejects, m->reject_lo, m->reject_hi);
        if (m->cover_hi >= 0) TAP_THAT(covers >= m->cover_lo && covers <= m->cover_hi, "%s: 95 %% interval covers %.2f %% (%.1f to %.1f)", m->name, covers, m->cover_lo, m->cover_hi);
    }
}

/* Two arms of 64, residual SD 0.8: noncentral t with 2n - 3 df; the covariate's chance imbalance costs 1/(2n - 4) of the information on average. */
static void ancova_power(void)
{
    const method m = {"ANCOVA power", ancova, 64, 0.4, -1, -1, -1, -1};
    tally a = repeat(&m, n_trial);
    double n = 64, df = 2 * n - 3, delta = 0.4 / (0.8 * sqrt(2 / n * (1 + 1 / (2 * n - 4))));
    double want = 1 - prc_stat_nct_cdf(prc_stat_t_quantile(0.975, df), df, delta), got = (double)a.rejects / (double)n_trial;
    double se = sqrt(want * (1 - want) / (double)n_trial);
    TAP_THAT(fabs(got - want) < 3 * se, "power %.4f, closed form %.4f, 3 Monte-Carlo SE %.4f", got, want, 3 * se);
}

int main(int argc, char **argv)
{
    if (argc > 1) n_trial = (size_t)strtoul(argv[1], NULL, 10);
    if (argc > 2) only = argv[2];
    TAP_RUN(error_and_coverage);
    TAP_RUN(ancova_power);
    return tap_done();
}
