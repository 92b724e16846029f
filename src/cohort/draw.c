/* Drawing patients: covariates, then the parameters that follow them, then the variation of the ledger. */
#include "cohort_int.h"

#include <math.h>
#include <string.h>

/* ---- one value --------------------------------------------------------------------------------------------------- */

/* A normal cut off at lo and hi (NaN = open), by its quantile, so that nothing piles up at the ends. */
static double cut_normal(double mean, double sd, double lo, double hi, double z) {
    if (!(sd > 0)) return mean;
    if (isnan(lo) && isnan(hi)) return mean + sd * z;
    double a = isnan(lo) ? 0 : prc_norm_cdf((lo - mean) / sd), b = isnan(hi) ? 1 : prc_norm_cdf((hi - mean) / sd);
    double u = a + (b - a) * prc_norm_cdf(z);
    if (!(u > 0)) return lo;
    if (!(u < 1)) return isnan(hi) ? mean + sd * z : hi;
    double x = mean + sd * prc_norm_inv(u);
    return x < lo ? lo : x > hi ? hi : x;
}

static double log_or_open(double x) {
    return x > 0 ? prc_log(x) : (double)NAN;
}

/* Mean and SD are those of the value itself. */
static double from_distribution(prc_distribution d, double mean, double sd, double lo, double hi, double z) {
    double x = mean;
    if (d == PRC_NORMAL) return cut_normal(mean, sd, lo, hi, z);
    if (d == PRC_LOGNORMAL) {
        double s2 = prc_log(1 + (sd / mean) * (sd / mean));
        return prc_exp(cut_normal(prc_log(mean) - 0.5 * s2, sqrt(s2), log_or_open(lo), log_or_open(hi), z));
    }
    if (d == PRC_UNIFORM) return lo + (hi - lo) * prc_norm_cdf(z);
    if (d == PRC_EXPONENTIAL) x = -mean * prc_log(prc_norm_cdf(-z)); /* the upper tail, which never reaches 0 */
    return x < lo ? lo : x > hi ? hi : x;
}

static double log_sd(double cv) {
    return sqrt(prc_log(1 + cv * cv));
}

/* ---- covariates -------------------------------------------------------------------------------------------------- */

static double category(const prc_covariate *v, double u) {
    double sum = 0;
    for (size_t i = 0; i + 1 < v->n_category; i++) {
        sum += v->probability[i];
        if (u < sum) return v->code[i];
    }
    return v->code[v->n_category - 1];
}

static double most_frequent(const prc_covariate *v) {
    size_t best = 0;
    for (size_t i = 1; i < v->n_category; i++)
        if (v->probability[i] > v->probability[best]) best = i;
    return v->code[best];
}

static double typical_covariate(const prc_covariate *v) {
    return v->n_category ? most_frequent(v) : v->mean;
}

/* A standard normal by name: from the correlated ones, or a stream of its own. */
static double normal(prc_draw_key key, prc_normal_source s, const double *joint) {
    if (key.typical) return 0;
    return s.joint >= 0 ? joint[s.joint] : prc_normal(key.seed, key.id, s.purpose, 0, key.replicate);
}

/* Correlated normals: the lower factor applied to independent ones, so that a name added at the end changes none before
 * it. */
static void draw_joint(const prc_engine_full *f, prc_draw_key key, double *z) {
    const prc_condition *c = f->engine.condition;
    size_t n = c->n_joint;
    for (size_t i = 0; i < n; i++) z[i] = key.typical ? 0 : prc_normal(key.seed, key.id, f->joint[i], 0, key.replicate);
    for (size_t i = n; i-- > 0;) {
        double s = 0;
        for (size_t j = 0; j <= i; j++) s += c->joint_factor[i * n + j] * z[j];
        z[i] = s;
    }
}

static void draw_covariates(const prc_engine_full *f, prc_draw_key key, const double *given, const double *z,
                            double *covariate) {
    const prc_condition *c = f->engine.condition;
    for (size_t i = 0; i < c->n_covariate; i++) {
        const prc_covariate *v = &c->covariate[i];
        double x = normal(key, f->covariate[i], z);
        if (given && !isnan(given[i]))
            covariate[i] = given[i];
        else if (key.typical)
            covariate[i] = typical_covariate(v);
        else
            covariate[i] = v->n_category ? category(v, prc_norm_cdf(x))
                                         : from_distribution(v->distribution, v->mean, v->sd, v->min, v->max, x);
    }
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

typedef struct names {
    const prc_condition *c;
    const prc_world *w;
    const double *covariate;
} names;

/* Names in formulas of population.yaml: covariates and rows of the ledger. */
static bool lookup(void *ctx, const char *name, double *out) {
    const names *k = ctx;
    int i = prc_condition_covariate(k->c, name);
    if (i >= 0) *out = k->covariate[i];
    if (i >= 0) return true;
    int row = prc_condition_row(k->c, name);
    if (row < 0) return false;
    *out = k->w->value[row];
    return true;
}

static double value_by(const prc_follow *m, const prc_world *w, double code) {
    for (size_t i = 0; i < m->n_value; i++)
        if (m->by_code[i] == code) return m->value_row[i] >= 0 ? w->value[m->value_row[i]] : m->value[i];
    return (double)NAN; /* a category that does not exist */
}

static prc_status follow(const prc_follow *m, names *k, bool typical, double z, double *out, prc_error *err) {
    double x;
    if (m->distribution != PRC_FIXED) {
        *out = typical ? m->mean : from_distribution(m->distribution, m->mean, m->sd, m->min, m->max, z);
        return PRC_OK;
    }
    if (m->formula)
        PRC_TRY(prc_expr_eval(m->formula, lookup, k, &x, err));
    else
        x = value_by(m, k->w, k->covariate[m->by]);
    if (!typical && m->sd > 0) x += m->sd * z;
    if (!typical && m->cv > 0) x *= prc_exp(log_sd(m->cv) * z);
    *out = x < m->min ? m->min : x > m->max ? m->max : x;
    return PRC_OK;
}

static prc_status draw_parameters(const prc_engine_full *f, const prc_world *w, prc_draw_key key, const double *z,
                                  const double *covariate, double *param, prc_error *err) {
    const prc_condition *c = f->engine.condition;
    names k = {c, w, covariate};
    memcpy(param, f->fallback, c->model->n_param * sizeof *param);
    for (size_t i = 0; i < c->n_row; i++)
        if (c->row[i].kind == PRC_ROW_PARAMETER && c->row[i].param >= 0) param[c->row[i].param] = w->value[i];
    for (size_t i = 0; i < c->n_follow; i++)
        PRC_TRY(follow(&c->follow[i], &k, key.typical, normal(key, f->follow[i], z), &param[c->follow[i].param], err));
    for (size_t i = 0; i < c->n_row && !key.typical; i++) {
        const prc_row *r = &c->row[i];
        if (r->kind != PRC_ROW_PARAMETER || r->param < 0 || !(r->between_patient_cv > 0)) continue;
        param[r->param] *= prc_exp(log_sd(r->between_patient_cv) * normal(key, f->row[i], z));
    }
    for (size_t i = 0; i < f->n_derived; i++)
        PRC_TRY(prc_derived_value(c, f->derived[i], param, &param[f->derived[i]], err));
    return PRC_OK;
}

prc_status prc_draw_patient(const prc_engine_full *f, const prc_world *w, prc_draw_key key, const double *given,
                            double *z, double *covariate, double *param, prc_error *err) {
    draw_joint(f, key, z);
    draw_covariates(f, key, given, z, covariate);
    return draw_parameters(f, w, key, z, covariate, param, err);
}

/* ---- many ---------------------------------------------------------------------------------------------------------
 */

enum { CHUNK = 128 };

typedef struct draw_job {
    const prc_engine_full *f;
    const prc_world *w;
    uint64_t seed;
    uint32_t replicate;
    prc_cohort *cohort;
    prc_error *chunk_err; /* one per chunk: threads do not share */
} draw_job;

static prc_status draw_chunk(void *ctx, size_t job, int thread) {
    const draw_job *d = ctx;
    prc_cohort *c = d->cohort;
    (void)thread;
    double *z = prc_malloc(d->f->engine.condition->n_joint + 1, sizeof *z);
    prc_status st = z ? PRC_OK : prc_cohort_no_memory(&d->chunk_err[job]);
    for (size_t i = job * CHUNK; i < c->n && i < (job + 1) * CHUNK && st == PRC_OK; i++) {
        prc_draw_key key = {d->seed, c->id[i], d->replicate, false};
        st = prc_draw_patient(d->f, d->w, key, NULL, z, c->covariate + i * c->n_covariate, c->param + i * c->n_param,
                              &d->chunk_err[job]);
    }
    prc_free(z);
    return st;
}

prc_status prc_cohort_draw(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate,
                           const uint32_t *id, size_t n, int n_threads, prc_cohort **out, prc_error *err) {
    prc_status st;
    prc_cohort *c = NULL;
    size_t n_chunk = (n + CHUNK - 1) / CHUNK;
    prc_error *chunk_err = prc_calloc(n_chunk ? n_chunk : 1, sizeof *chunk_err);
    PRC_GO(st, chunk_err ? PRC_OK : prc_cohort_no_memory(err));
    PRC_GO(st, prc_cohort_alloc(e, n, &c, err));
    if (n) memcpy(c->id, id, n * sizeof *id);
    draw_job d = {(const prc_engine_full *)(const void *)e, w, seed, replicate, c, chunk_err};
    st = prc_parallel(n_chunk, n_threads, draw_chunk, &d);
    if (st != PRC_OK) {
        size_t i = 0;
        while (i < n_chunk && chunk_err[i].status == PRC_OK) i++;
        if (i == n_chunk) (void)prc_fail(err, st, "cannot draw patients: %s", prc_status_text(st)); /* the threads, not a patient */
        else if (err) *err = chunk_err[i];
        goto out;
    }
    PRC_GO(st, prc_run_in(e, c, n_threads, err));
    *out = c;
    c = NULL;
out:
    prc_cohort_free(c);
    prc_free(chunk_err);
    return st;
}

prc_status prc_cohort_typical(const prc_engine *e, const prc_world *w, const double *covariate, prc_cohort **out,
                              prc_error *err) {
    prc_status st;
    prc_cohort *c = NULL;
    double *z = prc_malloc(e->condition->n_joint + 1, sizeof *z);
    PRC_GO(st, z ? PRC_OK : prc_cohort_no_memory(err));
    PRC_GO(st, prc_cohort_alloc(e, 1, &c, err));
    prc_draw_key key = {0, 0, 0, true};
    PRC_GO(st, prc_draw_patient((const prc_engine_full *)(const void *)e, w, key, covariate, z, c->covariate, c->param,
                                err));
    PRC_GO(st, prc_run_in(e, c, 1, err));
    *out = c;
    c = NULL;
out:
    prc_cohort_free(c);
    prc_free(z);
    return st;
}
