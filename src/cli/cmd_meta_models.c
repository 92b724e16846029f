/* paracrine meta: the models other than the univariate one: tables, mixed models, networks. */
#include "cmd_meta_int.h"

#include "paracrine/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static double level_of(const cli_options *o) {
    return o->level != 0 ? o->level : 0.95;
}

/* ---- Mantel-Haenszel, Peto, GLMM ----------------------------------------------------------------------------- */

static prc_status glmm_model(const cli_options *o, const meta_input *in, prc_meta_glmm *out, prc_error *err) {
    static const char *const name[] = {"", "UM.FS", "UM.RS", "CM.AL", "CM.EL"};
    bool one = !strcmp(in->measure->name, "PLO") || !strcmp(in->measure->name, "IRLN");
    *out = one ? PRC_META_GLMM_ONE : PRC_META_UM_FS;
    if (!o->glmm) return PRC_OK;
    if (one) return prc_fail(err, PRC_E_USAGE, "--glmm is for two arms; measure %s has one", in->measure->name);
    for (int i = 1; i < 5; i++)
        if (!strcasecmp(o->glmm, name[i])) {
            *out = (prc_meta_glmm)i;
            return PRC_OK;
        }
    return prc_fail(err, PRC_E_USAGE, "--glmm knows UM.FS UM.RS CM.AL CM.EL, not `%s`", o->glmm);
}

static void table_json(const prc_meta_table_fit *f, prc_json *j) {
    double none = (double)NAN;
    const struct { const char *key; double x; } v[] = {
        {"estimate", f->estimate}, {"se", f->se}, {"stat", f->stat}, {"pval", f->pval}, {"ddf", none}, {"ci_lb", f->ci_lb}, {"ci_ub", f->ci_ub}, {"tau2", f->tau2}, {"se_tau2", f->se_tau2}, {"I2", f->I2}, {"H2", f->H2},
        {"QE", f->QE}, {"QE_df", f->QE_df}, {"QEp", f->QEp}, {"QE_Wld", f->QE_wald}, {"QE_LRT", f->QE_lrt}, {"MH", f->MH}, {"MHp", f->MHp}, {"TA", f->TA}, {"TAp", f->TAp}, {"logLik", f->logLik}, {"AIC", f->AIC},
        {"BIC", f->BIC}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) prc_json_set_number(j, v[i].key, v[i].x);
    prc_json_set_int(j, "k_tables", (int64_t)f->k);
    prc_json_set_int(j, "k_yi", (int64_t)f->k_yi);
}

prc_status meta_tables(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err) {
    prc_meta_table_fit f;
    prc_meta_glmm model = PRC_META_GLMM_ONE;
    bool glmm = !strcmp(o->model, "glmm"), peto = !strcmp(o->model, "peto"), fixed = o->method && (!strcasecmp(o->method, "FE") || !strcasecmp(o->method, "EE"));
    char title[160], p[24];
    if (glmm) {
        PRC_TRY(glmm_model(o, in, &model, err));
        if (o->method && !fixed && strcasecmp(o->method, "ML")) return prc_fail(err, PRC_E_USAGE, "the exact-likelihood model is fitted by ML (or FE, without a random effect), not %s", o->method);
        PRC_TRY(prc_meta_fit_glmm(in->measure, model, &in->data, (size_t)o->nodes, fixed, level_of(o), &f, err));
        static const char *const words[] = {"one arm a study", "UM.FS: fixed study effects", "UM.RS: random study effects", "CM.AL: conditional, approximate", "CM.EL: conditional, exact"};
        snprintf(title, sizeof title, "Exact-likelihood mixed model (%s; %zu adaptive nodes), k = %zu", words[model], f.n_node, f.k);
    } else if (peto) {
        if (strcmp(in->measure->name, "PETO") && strcmp(in->measure->name, "OR")) return prc_fail(err, PRC_E_USAGE, "--model peto pools odds ratios: --measure OR");
        PRC_TRY(prc_meta_peto(&in->data, level_of(o), &f, err));
        snprintf(title, sizeof title, "Peto's one-step odds ratio, k = %zu", f.k);
    } else {
        PRC_TRY(prc_meta_mantel_haenszel(in->measure, &in->data, level_of(o), &f, err));
        snprintf(title, sizeof title, "Mantel-Haenszel, no continuity correction, k = %zu", f.k);
    }
    meta_head(in, title, t);
    meta_json_head(in, o->model, j);
    prc_json_set_text(j, "method", glmm ? (fixed ? "FE" : "ML") : peto ? "Peto" : "MH");
    prc_json_set_text(j, "test", "z");
    table_json(&f, j);
    prc_text_printf(t, "\n  pooled %.4f (SE %.4f), z = %.3f, p %s, %g%% CI %.4f to %.4f\n", f.estimate, f.se, f.stat, meta_p(f.pval, p), 100 * level_of(o), f.ci_lb, f.ci_ub);
    double none = (double)NAN;
    meta_display(in, f.estimate, f.ci_lb, f.ci_ub, none, none, t, j);
    if (glmm) prc_text_printf(t, "  tau2 %.4g (SE %.3g), I2 %.1f%%, logLik %.4f\n", f.tau2, f.se_tau2, f.I2, f.logLik);
    if (!isnan(f.QE)) prc_text_printf(t, "  heterogeneity%s: Q(%g) = %.4f, p %s\n", glmm ? " (likelihood ratio)" : "", f.QE_df, f.QE, meta_p(f.QEp, p));
    if (!isnan(f.MH)) prc_text_printf(t, "  Cochran-Mantel-Haenszel test: chi2(1) = %.4f, p %s\n", f.MH, meta_p(f.MHp, p));
    if (!isnan(f.TA)) prc_text_printf(t, "  Tarone's test of homogeneity: chi2 = %.4f, p %s\n", f.TA, meta_p(f.TAp, p));
    return PRC_OK;
}

/* ---- several random effects ---------------------------------------------------------------------------------- */

static void mv_out(const prc_meta_mv_fit *f, char *const *term, prc_text *t, prc_json *j) {
    char p[24];
    prc_json *rows = prc_json_set(j, "coefficients", prc_json_array());
    prc_text_printf(t, "\n  %-22s %10s %9s %9s  %-11s %10s %10s\n", "", "estimate", "SE", "z", "", "lower", "upper");
    for (size_t i = 0; i < f->p; i++) {
        prc_text_printf(t, "  %-22.22s %10.4f %9.4f %9.3f  p %-9s %10.4f %10.4f\n", term[i], f->beta[i], f->se[i], f->stat[i], meta_p(f->pval[i], p), f->ci_lb[i], f->ci_ub[i]);
        prc_json *r = prc_json_set(rows, NULL, prc_json_object());
        prc_json_set_text(r, "term", term[i]);
        prc_json_set_number(r, "estimate", f->beta[i]);
        prc_json_set_number(r, "se", f->se[i]);
        prc_json_set_number(r, "stat", f->stat[i]);
        prc_json_set_number(r, "pval", f->pval[i]);
        prc_json_set_number(r, "ci_lb", f->ci_lb[i]);
        prc_json_set_number(r, "ci_ub", f->ci_ub[i]);
    }
    prc_text_printf(t, "  Q(%g) = %.4f, p %s", f->QE_df, f->QE, meta_p(f->QEp, p));
    prc_text_printf(t, "; coefficients: QM(%g) = %.4f, p %s; logLik %.4f\n", f->QM_df, f->QM, meta_p(f->QMp, p), f->logLik);
    if (!f->converged) prc_text_add(t, "  warning: the likelihood is flat or the maximum lies on a border; the variance components are uncertain\n");
    double one = f->p == 1 ? 0 : (double)NAN;
    const struct { const char *key; double x; } v[] = {
        {"estimate", f->beta[0] + one}, {"se", f->se[0] + one}, {"stat", f->stat[0] + one}, {"pval", f->pval[0] + one}, {"ci_lb", f->ci_lb[0] + one}, {"ci_ub", f->ci_ub[0] + one},
        {"QE", f->QE}, {"QE_df", f->QE_df}, {"QEp", f->QEp}, {"QM", f->QM}, {"QM_df", f->QM_df}, {"QMp", f->QMp}, {"logLik", f->logLik}, {"AIC", f->AIC}, {"BIC", f->BIC}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) prc_json_set_number(j, v[i].key, v[i].x);
    prc_json_set_bool(j, "converged", f->converged);
}

static prc_status reml_of(const cli_options *o, bool *reml, prc_error *err) {
    *reml = !o->method || !strcasecmp(o->method, "REML");
    if (*reml || !strcasecmp(o->method, "ML")) return PRC_OK;
    return prc_fail(err, PRC_E_USAGE, "this model is fitted by REML or ML, not %s", o->method);
}

static void model_head(const cli_options *o, const meta_input *in, const char *title, bool reml, prc_text *t, prc_json *j) {
    meta_head(in, title, t);
    meta_json_head(in, o->model, j);
    prc_json_set_text(j, "method", reml ? "REML" : "ML");
    prc_json_set_text(j, "test", "z");
}

prc_status meta_multilevel(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err) {
    prc_status st;
    prc_meta_mv_fit f = {0};
    char **level, title[160], word[] = "intrcpt", *only[1] = {word};
    size_t n;
    bool reml;
    PRC_TRY(reml_of(o, &reml, err));
    if (in->cluster < 0) return prc_fail(err, PRC_E_USAGE, "--model multilevel needs --columns cluster=COLUMN");
    int *code = prc_malloc(in->k + 1, sizeof *code);
    if (!code) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    PRC_GO(st, meta_codes(in, (size_t)in->cluster, false, code, &level, &n, err));
    PRC_GO(st, prc_meta_multilevel(in->yi, in->vi, code, in->x, in->k, n, in->p ? in->p : 1, reml, level_of(o), &f, err));
    snprintf(title, sizeof title, "Three-level meta-analysis (%s), %zu effects in %zu clusters", reml ? "REML" : "ML", in->k, n);
    model_head(o, in, title, reml, t, j);
    prc_text_printf(t, "\n  variance between clusters %.4g, between effects of a cluster %.4g\n", f.comp[0], f.comp[1]);
    prc_json *s = prc_json_set(j, "sigma2", prc_json_array());
    prc_json_set_number(s, NULL, f.comp[0]);
    prc_json_set_number(s, NULL, f.comp[1]);
    mv_out(&f, in->x ? in->term : only, t, j);
    if (f.p == 1) meta_display(in, f.beta[0], f.ci_lb[0], f.ci_ub[0], (double)NAN, (double)NAN, t, j);
out:
    prc_meta_mv_fit_reset(&f);
    prc_free(code);
    return st;
}

/* Sampling covariances of each row with the outcomes of its study: from v1i, v2i, ... (row i holds the study's matrix, columns in the order of its rows); --rho beats them. */
static prc_status covariances(const cli_options *o, const meta_input *in, const int *study, const int *outcome, size_t n_outcome, double *cov, prc_error *err) {
    for (size_t i = 0; i < in->k; i++) {
        int place = 0;
        for (size_t h = 0; h < in->k; h++) {
            if (study[h] != study[i]) continue;
            double *c = &cov[i * n_outcome + (size_t)outcome[h]];
            if (h == i) *c = in->vi[i];
            else if (in->n_cov && o->rho == 0) {
                if (place >= in->n_cov) return prc_fail(err, PRC_E_VALUE, "study %s has more rows than there are columns v1i, v2i, ...", in->name[i]);
                PRC_TRY(meta_number(in->table, in->row[i], (size_t)in->cov[place], c, err));
                if (isnan(*c)) return prc_fail_at(err, PRC_E_VALUE, in->table->source, in->table->line[in->row[i]], 0, "column `%s`: a covariance is missing", in->table->col[in->cov[place]]);
            } else {
                *c = o->rho * sqrt(in->vi[i] * in->vi[h]);
            }
            place++;
        }
    }
    return PRC_OK;
}

prc_status meta_multivariate(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err) {
    prc_status st = PRC_OK;
    prc_meta_mv_fit f = {0};
    char **study_name, **outcome_name, title[160];
    size_t n, m;
    bool reml;
    PRC_TRY(reml_of(o, &reml, err));
    if (in->cluster < 0 || in->outcome < 0) return prc_fail(err, PRC_E_USAGE, "--model multivariate needs --columns cluster=STUDY,outcome=COLUMN");
    if (o->rho <= -1 || o->rho >= 1) return prc_fail(err, PRC_E_USAGE, "--rho is between -1 and 1");
    if (in->k > 20000) return prc_fail(err, PRC_E_VALUE, "%zu rows are too many for the multivariate model (20000)", in->k);
    int *study = prc_malloc(2 * in->k + 2, sizeof *study), *outcome = study ? study + in->k : NULL;
    double *cov = NULL;
    if (!study) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    PRC_GO(st, meta_codes(in, (size_t)in->cluster, false, study, &study_name, &n, err));
    PRC_GO(st, meta_codes(in, (size_t)in->outcome, true, outcome, &outcome_name, &m, err));
    cov = prc_calloc(in->k * (m ? m : 1), sizeof *cov);
    if (!cov) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    PRC_GO(st, covariances(o, in, study, outcome, m, cov, err));
    PRC_GO(st, prc_meta_multivariate(in->yi, cov, study, outcome, in->k, n, m, reml, level_of(o), &f, err));
    snprintf(title, sizeof title, "Multivariate meta-analysis (%s, unstructured), %zu effects of %zu studies", reml ? "REML" : "ML", in->k, n);
    model_head(o, in, title, reml, t, j);
    if (!in->n_cov || o->rho != 0) prc_text_printf(t, "Correlation of outcomes within a study: %g (--rho)\n", o->rho);
    prc_json *tau = prc_json_set(j, "tau2", prc_json_array()), *rho = prc_json_set(j, "rho", prc_json_array());
    for (size_t i = 0; i < m; i++) {
        prc_text_printf(t, "%s tau2 %s %.4g", i ? "," : "\n ", outcome_name[i], f.comp[i]);
        prc_json_set_number(tau, NULL, f.comp[i]);
    }
    prc_text_add(t, "; correlation between studies");
    for (size_t i = m; i < f.n_comp; i++) {
        prc_text_printf(t, " %.4g", f.comp[i]);
        prc_json_set_number(rho, NULL, f.comp[i]);
    }
    prc_text_add(t, "\n");
    mv_out(&f, outcome_name, t, j);
out:
    prc_meta_mv_fit_reset(&f);
    prc_free(study);
    prc_free(cov);
    return st;
}

/* ---- network ------------------------------------------------------------------------------------------------- */

typedef struct net_input {
    prc_meta_contrasts c;
    char **study_name, **treat_name;
    int *study, *t1, *t2;
    double *n1, *n2, *shared;
    int reference;
} net_input;

/* Treatments of both columns under one numbering, sorted by name. */
static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int code_of(char **names, size_t n, const char *s) {
    char **at = bsearch(&s, names, n, sizeof *names, by_name);
    return at ? (int)(at - names) : -1;
}

static prc_status read_network(const cli_options *o, const meta_input *in, net_input *w, prc_error *err) {
    size_t k = in->k, n = 0;
    if (in->treat1 < 0 || in->treat2 < 0) return prc_fail(err, PRC_E_USAGE, "--model network needs --columns treat1=COLUMN,treat2=COLUMN (and cluster=STUDY for multi-arm studies)");
    w->study = prc_arena_alloc(in->arena, 3 * k, sizeof *w->study);
    w->treat_name = prc_arena_alloc(in->arena, 2 * k, sizeof *w->treat_name);
    w->n1 = prc_arena_alloc(in->arena, 3 * k, sizeof *w->n1);
    if (!w->study || !w->treat_name || !w->n1) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    w->t1 = w->study + k;
    w->t2 = w->t1 + k;
    w->n2 = w->n1 + k;
    w->shared = w->n2 + k;
    for (size_t i = 0; i < k; i++) {
        w->treat_name[2 * i] = in->table->cell[in->row[i] * in->table->n_col + (size_t)in->treat1];
        w->treat_name[2 * i + 1] = in->table->cell[in->row[i] * in->table->n_col + (size_t)in->treat2];
        if (!*w->treat_name[2 * i] || !*w->treat_name[2 * i + 1]) return prc_fail_at(err, PRC_E_VALUE, in->table->source, in->table->line[in->row[i]], 0, "a treatment is missing");
    }
    qsort(w->treat_name, 2 * k, sizeof *w->treat_name, by_name);
    for (size_t i = 0; i < 2 * k; i++)
        if (i == 0 || strcmp(w->treat_name[i], w->treat_name[n - 1])) w->treat_name[n++] = w->treat_name[i];
    int *uses = prc_arena_alloc(in->arena, n, sizeof *uses);
    if (!uses) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    const double *n1 = in->data.col[PRC_META_n1i], *n2 = in->data.col[PRC_META_n2i], *s2 = in->data.col[PRC_META_sd2i];
    for (size_t i = 0; i < k; i++) {
        size_t r = in->row[i];
        w->t1[i] = code_of(w->treat_name, n, in->table->cell[r * in->table->n_col + (size_t)in->treat1]);
        w->t2[i] = code_of(w->treat_name, n, in->table->cell[r * in->table->n_col + (size_t)in->treat2]);
        uses[w->t1[i]]++;
        uses[w->t2[i]]++;
        w->n1[i] = n1 ? n1[r] : (double)NAN;
        w->n2[i] = n2 ? n2[r] : (double)NAN;
        w->shared[i] = s2 && n2 && !strcmp(in->measure->name, "MD") ? s2[r] * s2[r] / n2[r] : (double)NAN;
    }
    size_t n_study = k;
    if (in->cluster >= 0) {
        PRC_TRY(meta_codes(in, (size_t)in->cluster, false, w->study, &w->study_name, &n_study, err));
    } else {
        for (size_t i = 0; i < k; i++) w->study[i] = (int)i;
        w->study_name = in->name;
    }
    for (size_t i = 1; i < n; i++)
        if (uses[i] > uses[w->reference]) w->reference = (int)i;
    if (o->reference) {
        w->reference = code_of(w->treat_name, n, o->reference);
        const char *near = prc_nearest(o->reference, (const char *const *)w->treat_name, n);
        if (w->reference < 0) return prc_fail(err, PRC_E_USAGE, near ? "no treatment `%s`; did you mean `%s`?" : "no treatment `%s` in the network", o->reference, near);
    }
    w->c = (prc_meta_contrasts){.n = k, .n_study = n_study, .n_treat = n, .study = w->study, .treat1 = w->t1, .treat2 = w->t2, .yi = in->yi, .vi = in->vi, .n1 = w->n1, .n2 = w->n2, .shared_v = w->shared,
        .study_name = (const char *const *)w->study_name, .treat_name = (const char *const *)w->treat_name};
    return PRC_OK;
}

static void split_out(const prc_meta_network_fit *f, const net_input *w, prc_text *t, prc_json *j) {
    char p[24];
    prc_json *rows = prc_json_set(j, "splits", prc_json_array());
    prc_text_printf(t, "\nDirect against indirect evidence (node splitting, tau2 held)\n  %-34s %4s %9s %9s %9s %9s  %s\n", "comparison", "k", "network", "direct", "indirect", "diff", "p");
    for (size_t i = 0; i < f->n_split; i++) {
        const prc_meta_split *s = &f->split[i];
        char name[80];
        snprintf(name, sizeof name, "%s - %s", w->treat_name[s->a], w->treat_name[s->b]);
        if (isnan(s->indirect)) prc_text_printf(t, "  %-34.34s %4zu %9.4f %9.4f %9s\n", name, s->n_study, s->network, s->direct, "none");
        else prc_text_printf(t, "  %-34.34s %4zu %9.4f %9.4f %9.4f %9.4f  %s\n", name, s->n_study, s->network, s->direct, s->indirect, s->diff, meta_p(s->p, p));
        prc_json *r = prc_json_set(rows, NULL, prc_json_object());
        prc_json_set_text(r, "treat1", w->treat_name[s->a]);
        prc_json_set_text(r, "treat2", w->treat_name[s->b]);
        prc_json_set_int(r, "k", (int64_t)s->n_study);
        const struct { const char *key; double x; } v[] = {{"network", s->network}, {"network_se", s->network_se}, {"direct", s->direct}, {"direct_se", s->direct_se}, {"indirect", s->indirect}, {"indirect_se", s->indirect_se},
            {"diff", s->diff}, {"diff_se", s->diff_se}, {"z", s->z}, {"p", s->p}};
        for (size_t q = 0; q < sizeof v / sizeof *v; q++) prc_json_set_number(r, v[q].key, v[q].x);
    }
}

static void league_out(const prc_meta_network_fit *f, const net_input *w, prc_text *t, prc_json *j) {
    size_t n = f->n_treat, ref = (size_t)f->reference;
    prc_json *rows = prc_json_set(j, "treatments", prc_json_array()), *league = prc_json_set(j, "league", prc_json_array());
    prc_text_printf(t, "\n  %-24s %10s %9s %10s %10s %8s   against %s\n", "", "estimate", "SE", "lower", "upper", "P-score", w->treat_name[ref]);
    for (size_t i = 0; i < n; i++) {
        size_t at = i * n + ref;
        if (i == ref) prc_text_printf(t, "  %-24.24s %10s %9s %10s %10s %8.4f\n", w->treat_name[i], "reference", "", "", "", f->pscore[i]);
        else prc_text_printf(t, "  %-24.24s %10.4f %9.4f %10.4f %10.4f %8.4f\n", w->treat_name[i], f->effect[at], f->se[at], f->lb[at], f->ub[at], f->pscore[i]);
        prc_json *r = prc_json_set(rows, NULL, prc_json_object());
        prc_json_set_text(r, "treatment", w->treat_name[i]);
        prc_json_set_number(r, "estimate", f->effect[at]);
        prc_json_set_number(r, "se", f->se[at]);
        prc_json_set_number(r, "ci_lb", f->lb[at]);
        prc_json_set_number(r, "ci_ub", f->ub[at]);
        prc_json_set_number(r, "pscore", f->pscore[i]);
        for (size_t h = 0; h < n; h++) {
            if (h == i) continue;
            prc_json *l = prc_json_set(league, NULL, prc_json_object());
            prc_json_set_text(l, "treat1", w->treat_name[i]);
            prc_json_set_text(l, "treat2", w->treat_name[h]);
            prc_json_set_number(l, "estimate", f->effect[i * n + h]);
            prc_json_set_number(l, "se", f->se[i * n + h]);
            prc_json_set_number(l, "ci_lb", f->lb[i * n + h]);
            prc_json_set_number(l, "ci_ub", f->ub[i * n + h]);
        }
    }
    if (n > 12) return;
    prc_text_add(t, "\nLeague table (row minus column)\n");
    for (size_t i = 0; i < n; i++) {
        prc_text_printf(t, "  %-14.14s", w->treat_name[i]);
        for (size_t h = 0; h < n; h++) {
            if (h == i) prc_text_printf(t, " %22s", ".");
            else prc_text_printf(t, " %7.2f (%5.2f, %5.2f)", f->effect[i * n + h], f->lb[i * n + h], f->ub[i * n + h]);
        }
        prc_text_add(t, "\n");
    }
}

static prc_status network_plot(const cli_options *o, const prc_meta_network_fit *f, const net_input *w, prc_error *err) {
    prc_text t = {0};
    size_t n = strlen(o->output);
    prc_meta_picture pic = {.title = meta_title(o), .n_treat = f->n_treat, .treat_name = (const char *const *)w->treat_name, .n_contrast = w->c.n, .treat1 = w->t1, .treat2 = w->t2, .html = n > 5 && !strcmp(o->output + n - 5, ".html")};
    prc_status st = prc_report_meta("network", &pic, &t, err);
    if (!st) st = prc_file_write(o->output, t.s, t.n, err);
    prc_text_reset(&t);
    return st;
}

prc_status meta_network(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err) {
    prc_status st = PRC_OK;
    net_input w = {0};
    prc_meta_network_fit f = {0};
    prc_meta_method method = PRC_META_REML;
    char title[160], p[24];
    if (o->method && !prc_meta_method_parse(o->method, &method)) return prc_fail(err, PRC_E_USAGE, "unknown method `%s`", o->method);
    PRC_TRY(read_network(o, in, &w, err));
    PRC_GO(st, prc_meta_network(&w.c, w.reference, method, o->small_good, level_of(o), &f, err));
    snprintf(title, sizeof title, "Network meta-analysis (%s), %zu treatments, %zu studies (%zu multi-arm), %zu designs", prc_meta_method_words(method), f.n_treat, f.n_study, f.n_multiarm, f.n_design);
    meta_head(in, title, t);
    meta_json_head(in, "network", j);
    prc_json_set_text(j, "method", prc_meta_method_name(method));
    prc_json_set_text(j, "test", "z");
    prc_json_set_text(j, "reference", w.treat_name[f.reference]);
    prc_json_set_bool(j, "small_good", o->small_good);
    prc_json_set_bool(j, "assumed_covariance", f.assumed_covariance);
    const struct { const char *key; double x; } v[] = {{"n_treatments", (double)f.n_treat}, {"n_studies", (double)f.n_study}, {"tau2", f.tau2}, {"I2", f.I2}, {"QE", f.Q}, {"QE_df", f.Q_df}, {"QEp", f.Qp}, {"Q_het", f.Q_het},
        {"Q_het_df", f.Q_het_df}, {"Q_het_p", f.Q_hetp}, {"Q_inc", f.Q_inc}, {"Q_inc_df", f.Q_inc_df}, {"Q_inc_p", f.Q_incp}, {"QM", f.QM}, {"QM_df", f.QM_df}, {"QMp", f.QMp}, {"logLik", method == PRC_META_REML ? f.logLik_reml : f.logLik}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) prc_json_set_number(j, v[i].key, v[i].x);
    if (f.assumed_covariance) prc_text_add(t, "Contrasts that share an arm were taken to correlate by 1/2 (give n1i, n2i or all pairs for the exact value)\n");
    prc_text_printf(t, "\n  tau2 %.4g (one for all comparisons), I2 %.1f%%\n  Q(%g) = %.4f, p %s", f.tau2, f.I2, f.Q_df, f.Q, meta_p(f.Qp, p));
    prc_text_printf(t, "\n    within designs  Q(%g) = %.4f, p %s", f.Q_het_df, f.Q_het, meta_p(f.Q_hetp, p));
    prc_text_printf(t, "\n    between designs Q(%g) = %.4f, p %s\n", f.Q_inc_df, f.Q_inc, meta_p(f.Q_incp, p));
    league_out(&f, &w, t, j);
    prc_text_printf(t, "  P-scores: %s effects count as good\n", o->small_good ? "small" : "large");
    split_out(&f, &w, t, j);
    if (o->plot) PRC_GO(st, network_plot(o, &f, &w, err));
out:
    prc_meta_network_fit_reset(&f);
    return st;
}
