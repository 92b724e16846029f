/* paracrine meta: meta-analysis of any data set: options, the univariate model, its sensitivity analyses, plots. */
#include "cmd_meta_int.h"

#include "paracrine/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN_MAX 80    /* studies listed on the terminal */
#define LISTED_MAX 5000 /* studies listed in JSON */

const char *meta_p(double p, char *buf) {
    if (isnan(p)) snprintf(buf, 24, "= NA");
    else if (p < 0.0001) snprintf(buf, 24, "< 0.0001");
    else snprintf(buf, 24, "= %.4f", p);
    return buf;
}

/* The file's name without its folders: a picture carries no machine path. */
const char *meta_title(const cli_options *o) {
    const char *slash = strrchr(o->arg[0], '/');
    return slash ? slash + 1 : o->arg[0];
}

void meta_head(const meta_input *in, const char *title, prc_text *t) {
    prc_text_printf(t, "%s\n%s: %s\n", title, in->measure->name, in->measure->title);
    prc_text_printf(t, "Rows: %zu read, %zu used", in->n, in->k);
    if (in->missing) prc_text_printf(t, ", %zu dropped for a missing cell", in->missing);
    if (in->missing_mod) prc_text_printf(t, ", %zu dropped for a missing moderator", in->missing_mod);
    if (in->undefined) prc_text_printf(t, ", %zu dropped: no effect size exists", in->undefined);
    prc_text_add(t, "\n");
}

void meta_json_head(const meta_input *in, const char *model, prc_json *j) {
    prc_json_set_text(j, "schema", "paracrine/meta/1");
    prc_json_set_text(j, "model", model);
    prc_json_set_int(j, "k", (int64_t)in->n);
    prc_json_set_int(j, "k_used", (int64_t)in->k);
    prc_json_set_int(j, "dropped", (int64_t)(in->n - in->k));
    prc_json *d = prc_json_set(j, "dropped_because", prc_json_object());
    prc_json_set_int(d, "missing", (int64_t)in->missing);
    prc_json_set_int(d, "missing_moderator", (int64_t)in->missing_mod);
    prc_json_set_int(d, "undefined", (int64_t)in->undefined);
    prc_json_set_text(j, "measure", in->measure->name);
}

/* The scale for reading, when it differs from that of the analysis. */
void meta_display(const meta_input *in, double estimate, double lb, double ub, double pi_lb, double pi_ub, prc_text *t, prc_json *j) {
    prc_meta_back b = in->measure->back;
    double n = (double)NAN;
    const double *size = b == PRC_BACK_PFT ? in->data.col[PRC_META_ni] : b == PRC_BACK_IRFT ? in->data.col[PRC_META_ti] : NULL;
    if (size) {
        double s = 0;
        for (size_t i = 0; i < in->k; i++) s += 1 / size[in->row[i]];
        n = (double)in->k / s;
    }
    const double v[5] = {estimate, lb, ub, pi_lb, pi_ub};
    static const char *const key[5] = {"estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub"};
    double x[5];
    prc_json *d = prc_json_set(j, "display", prc_json_object());
    prc_json_set_text(d, "scale", in->measure->display);
    for (int i = 0; i < 5; i++) {
        x[i] = prc_meta_back_value(b, v[i], n);
        prc_json_set_number(d, key[i], x[i]);
    }
    if (b == PRC_BACK_NONE || !t) return;
    prc_text_printf(t, "  as %s: %.4g (%.4g to %.4g)", in->measure->display, x[0], x[1], x[2]);
    if (!isnan(x[3])) prc_text_printf(t, "; prediction interval %.4g to %.4g", x[3], x[4]);
    prc_text_add(t, "\n");
    if (b == PRC_BACK_PFT) prc_text_printf(t, "  back-transformed with the harmonic mean size %.4g, which can mislead when sizes differ; compare --model glmm --measure PLO\n", n);
}

/* ---- the pooled model ---------------------------------------------------------------------------------------- */

static void fit_json(const prc_meta_fit *f, prc_json *j) {
    bool one = f->p == 1;
    double none = (double)NAN;
    const struct { const char *key; double x; } v[] = {
        {"estimate", one ? f->beta[0] : none}, {"se", one ? f->se[0] : none}, {"stat", one ? f->stat[0] : none}, {"pval", one ? f->pval[0] : none}, {"ddf", f->ddf},
        {"ci_lb", one ? f->ci_lb[0] : none}, {"ci_ub", one ? f->ci_ub[0] : none}, {"tau2", f->tau2}, {"se_tau2", f->se_tau2}, {"tau2_lb", f->tau2_lb}, {"tau2_ub", f->tau2_ub},
        {"tau2_pl_lb", f->pl_lb}, {"tau2_pl_ub", f->pl_ub}, {"I2", f->I2}, {"I2_lb", f->I2_lb}, {"I2_ub", f->I2_ub}, {"H2", f->H2}, {"H2_lb", f->H2_lb}, {"H2_ub", f->H2_ub},
        {"QE", f->QE}, {"QE_df", f->QE_df}, {"QEp", f->QEp}, {"pi_lb", f->pi_lb}, {"pi_ub", f->pi_ub}, {"pi_hts_lb", f->pi_hts_lb}, {"pi_hts_ub", f->pi_hts_ub},
        {"logLik", f->logLik}, {"AIC", f->AIC}, {"BIC", f->BIC}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) prc_json_set_number(j, v[i].key, v[i].x);
}

static const char *test_words(prc_meta_test t) {
    return t == PRC_META_Z ? "Wald z" : t == PRC_META_KNHA ? "Hartung-Knapp t" : "Hartung-Knapp t, never narrower than Wald";
}

static void heterogeneity_text(const prc_meta_fit *f, prc_text *t) {
    char buf[24];
    double level = 100 * f->level;
    if (f->method != PRC_META_FE) {
        if (f->k <= f->rank) prc_text_printf(t, "  tau2 cannot be estimated from %zu stud%s; 0 was used\n", f->k, f->k == 1 ? "y" : "ies");
        else prc_text_printf(t, "  tau2 %.4g (SE %.3g", f->tau2, f->se_tau2);
        if (f->tau2_empty) prc_text_printf(t, "; Q-profile %g%% CI empty: the studies agree more than chance allows", level);
        else if (!isnan(f->tau2_lb)) prc_text_printf(t, "; Q-profile %g%% CI %.4g to %.4g", level, f->tau2_lb, f->tau2_ub);
        if (!isnan(f->pl_lb)) prc_text_printf(t, "; profile likelihood %.4g to %.4g", f->pl_lb, f->pl_ub);
        if (f->k > f->rank) prc_text_printf(t, "), tau %.4g\n", sqrt(f->tau2));
    }
    prc_text_printf(t, "  I2 %.1f%%", f->I2);
    if (!isnan(f->I2_lb)) prc_text_printf(t, " (%.1f to %.1f)", f->I2_lb, f->I2_ub);
    prc_text_printf(t, ", H2 %.2f", f->H2);
    if (!isnan(f->R2)) prc_text_printf(t, ", R2 %.1f%%", f->R2);
    prc_text_printf(t, "\n  Q(%g) = %.4f, p %s\n", f->QE_df, f->QE, meta_p(f->QEp, buf));
}

static void row_text(const char *name, double est, double se, double stat, double df, double p, double lb, double ub, bool t_test, prc_text *t) {
    char buf[24], d[16] = "";
    if (t_test) snprintf(d, sizeof d, "%g", df);
    prc_text_printf(t, "  %-22.22s %10.4f %9.4f %9.3f %5s  p %-9s %10.4f %10.4f\n", name, est, se, stat, d, meta_p(p, buf), lb, ub);
}

static void coefficients(const meta_input *in, const prc_meta_fit *f, prc_text *t, prc_json *j) {
    char buf[24];
    prc_text_printf(t, "\n  %-22s %10s %9s %9s %5s  %-11s %10s %10s\n", "", "estimate", "SE", isnan(f->ddf) ? "z" : "t", isnan(f->ddf) ? "" : "df", "", "lower", "upper");
    prc_json *rows = f->p > 1 ? prc_json_set(j, "coefficients", prc_json_array()) : NULL;
    for (size_t i = 0; i < f->p; i++) {
        const char *name = f->p > 1 ? in->term[i] : "pooled";
        if (isnan(f->beta[i])) prc_text_printf(t, "  %-22.22s dropped: it follows from the terms before it\n", name);
        else row_text(name, f->beta[i], f->se[i], f->stat[i], f->ddf, f->pval[i], f->ci_lb[i], f->ci_ub[i], !isnan(f->ddf), t);
        if (!rows) continue;
        prc_json *r = prc_json_set(rows, NULL, prc_json_object());
        prc_json_set_text(r, "term", name);
        prc_json_set_number(r, "estimate", f->beta[i]);
        prc_json_set_number(r, "se", f->se[i]);
        prc_json_set_number(r, "stat", f->stat[i]);
        prc_json_set_number(r, "pval", f->pval[i]);
        prc_json_set_number(r, "ci_lb", f->ci_lb[i]);
        prc_json_set_number(r, "ci_ub", f->ci_ub[i]);
    }
    if (f->p == 1) return;
    if (isnan(f->QM_df2)) prc_text_printf(t, "  moderators: QM(%g) = %.4f, p %s\n", f->QM_df1, f->QM, meta_p(f->QMp, buf));
    else prc_text_printf(t, "  moderators: F(%g, %g) = %.4f, p %s\n", f->QM_df1, f->QM_df2, f->QM, meta_p(f->QMp, buf));
    prc_json_set_number(j, "QM", f->QM);
    prc_json_set_number(j, "QM_df1", f->QM_df1);
    prc_json_set_number(j, "QM_df2", f->QM_df2);
    prc_json_set_number(j, "QMp", f->QMp);
    prc_json_set_number(j, "R2", f->R2);
    prc_json_set_int(j, "p", (int64_t)f->p);
}

static void prediction_text(const prc_meta_fit *f, prc_text *t) {
    if (isnan(f->pi_lb)) return;
    prc_text_printf(t, "  prediction interval %.4f to %.4f (", f->pi_lb, f->pi_ub);
    if (isnan(f->pi_df)) prc_text_add(t, "normal quantile)\n");
    else prc_text_printf(t, "t with %g df)\n", f->pi_df);
}

static void studies(const meta_input *in, const prc_meta_fit *f, prc_text *t, prc_json *j) {
    double sw = 0, z = prc_norm_inv(0.5 + f->level / 2);
    for (size_t i = 0; i < in->k; i++) sw += 1 / (in->vi[i] + f->tau2);
    if (in->k <= LISTED_MAX) {
        prc_json *rows = prc_json_set(j, "studies", prc_json_array());
        for (size_t i = 0; i < in->k; i++) {
            prc_json *r = prc_json_set(rows, NULL, prc_json_object());
            prc_json_set_text(r, "slab", in->name[i]);
            prc_json_set_int(r, "row", (int64_t)in->row[i] + 1);
            prc_json_set_number(r, "yi", in->yi[i]);
            prc_json_set_number(r, "vi", in->vi[i]);
            prc_json_set_number(r, "weight", 100 / (in->vi[i] + f->tau2) / sw);
        }
    }
    if (in->k > SHOWN_MAX) return;
    prc_text_printf(t, "\n  %-30s %10s %10s %10s  %7s\n", "study", "effect", "lower", "upper", "weight");
    for (size_t i = 0; i < in->k; i++) {
        double se = sqrt(in->vi[i]);
        prc_text_printf(t, "  %-30.30s %10.4f %10.4f %10.4f  %6.2f%%\n", in->name[i], in->yi[i], in->yi[i] - z * se, in->yi[i] + z * se, 100 / (in->vi[i] + f->tau2) / sw);
    }
}

/* ---- what is asked for beside it ----------------------------------------------------------------------------- */

static prc_status subgroups(const cli_options *o, const meta_input *in, const prc_meta_options *mo, prc_text *t, prc_json *j, prc_error *err) {
    enum { GROUPS_MAX = 200 };
    size_t col, n;
    char **level, buf[24];
    double q, df, p;
    prc_status st;
    int *code = prc_malloc(in->k + 1, sizeof *code);
    prc_meta_fit *fit = NULL;
    if (!code) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    PRC_GO(st, meta_column(in, o->subgroup, &col, err));
    PRC_GO(st, meta_codes(in, col, true, code, &level, &n, err));
    if (n > GROUPS_MAX) {
        st = prc_fail(err, PRC_E_VALUE, "column `%s` has %zu groups; at most %d", o->subgroup, n, GROUPS_MAX);
        goto out;
    }
    fit = prc_calloc(n, sizeof *fit);
    if (!fit) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    PRC_GO(st, prc_meta_subgroups(in->yi, in->vi, code, in->k, n, mo, fit, &q, &df, &p, err));
    prc_json *s = prc_json_set(j, "subgroups", prc_json_object()), *rows = prc_json_set(s, "groups", prc_json_array());
    prc_text_printf(t, "\nSubgroups by %s, each with its own tau2\n  %-22s %4s %10s %9s %10s %10s %9s %7s\n", o->subgroup, "", "k", "estimate", "SE", "lower", "upper", "tau2", "I2");
    for (size_t g = 0; g < n; g++) {
        const prc_meta_fit *f = &fit[g];
        prc_text_printf(t, "  %-22.22s %4zu %10.4f %9.4f %10.4f %10.4f %9.4g %6.1f%%\n", level[g], f->k, f->beta[0], f->se[0], f->ci_lb[0], f->ci_ub[0], f->tau2, f->I2);
        prc_json *r = prc_json_set(rows, NULL, prc_json_object());
        prc_json_set_text(r, "level", level[g]);
        prc_json_set_int(r, "k", (int64_t)f->k);
        fit_json(f, r);
    }
    prc_text_printf(t, "  between groups: Q(%g) = %.4f, p %s\n", df, q, meta_p(p, buf));
    prc_json_set_number(s, "Q_between", q);
    prc_json_set_number(s, "Q_between_df", df);
    prc_json_set_number(s, "Q_between_p", p);
    for (size_t g = 0; g < n; g++) prc_meta_fit_reset(&fit[g]);
out:
    prc_free(fit);
    prc_free(code);
    return st;
}

static void line_out(const char *name, const char *key, const prc_meta_line *l, prc_text *t, prc_json *rows) {
    char buf[24];
    prc_text_printf(t, "  %-30.30s %10.4f %9.4f  p %-9s %10.4f %10.4f %9.4g %6.1f%%\n", name, l->estimate, l->se, meta_p(l->pval, buf), l->ci_lb, l->ci_ub, l->tau2, l->I2);
    prc_json *r = prc_json_set(rows, NULL, prc_json_object());
    prc_json_set_text(r, key, name);
    const struct { const char *key; double x; } v[] = {{"estimate", l->estimate}, {"se", l->se}, {"stat", l->stat}, {"pval", l->pval}, {"ci_lb", l->ci_lb}, {"ci_ub", l->ci_ub}, {"tau2", l->tau2}, {"I2", l->I2},
        {"H2", l->H2}, {"QE", l->QE}, {"QEp", l->QEp}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) prc_json_set_number(r, v[i].key, v[i].x);
}

typedef struct ordered { double x; const char *s; size_t i; } ordered;

static int by_order(const void *a, const void *b) {
    const ordered *x = a, *y = b;
    if (x->s && y->s && strcmp(x->s, y->s)) return strcmp(x->s, y->s);
    if (x->x != y->x) return x->x < y->x ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

/* Order of the rows by a column: as numbers when every cell is one, else as text. */
static prc_status order_by(const meta_input *in, const char *name, size_t *order, prc_error *err) {
    size_t col;
    bool number = true;
    PRC_TRY(meta_column(in, name, &col, err));
    ordered *a = prc_calloc(in->k + 1, sizeof *a);
    if (!a) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < in->k; i++) {
        a[i] = (ordered){0, prc_table_cell(in->table, in->row[i], col), i};
        number = number && prc_parse_double(a[i].s, &a[i].x);
    }
    for (size_t i = 0; i < in->k; i++) {
        if (number) a[i].s = NULL;
        else a[i].x = 0;
    }
    qsort(a, in->k, sizeof *a, by_order);
    for (size_t i = 0; i < in->k; i++) order[i] = a[i].i;
    prc_free(a);
    return PRC_OK;
}

static prc_status refits(const cli_options *o, const meta_input *in, const prc_meta_options *mo, bool cumulative, prc_text *t, prc_json *j, prc_error *err) {
    prc_status st = PRC_OK;
    prc_meta_line *line = prc_calloc(in->k + 1, sizeof *line);
    size_t *order = prc_calloc(in->k + 1, sizeof *order);
    if (!line || !order) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    if (cumulative) {
        PRC_GO(st, order_by(in, o->cumulative, order, err));
        PRC_GO(st, prc_meta_cumulative(in->yi, in->vi, order, in->k, mo, line, err));
        prc_text_printf(t, "\nCumulative, in the order of %s\n", o->cumulative);
    } else {
        PRC_GO(st, prc_meta_leave1out(in->yi, in->vi, in->k, mo, line, err));
        prc_text_add(t, "\nLeave one out\n");
    }
    prc_text_printf(t, "  %-30s %10s %9s  %-11s %10s %10s %9s %7s\n", cumulative ? "up to" : "without", "estimate", "SE", "", "lower", "upper", "tau2", "I2");
    prc_json *rows = prc_json_set(j, cumulative ? "cumulative" : "leave1out", prc_json_array());
    for (size_t i = 0; i < in->k; i++) line_out(in->name[cumulative ? order[i] : i], cumulative ? "upto" : "omitted", &line[i], t, rows);
out:
    prc_free(line);
    prc_free(order);
    return st;
}

static prc_status influences(const meta_input *in, const prc_meta_options *mo, prc_text *t, prc_json *j, prc_error *err) {
    prc_meta_influence *f = prc_calloc(in->k + 1, sizeof *f);
    if (!f) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    prc_status st = prc_meta_influences(in->yi, in->vi, in->x, in->k, in->p, mo, f, err);
    if (!st) {
        prc_json *rows = prc_json_set(j, "influence", prc_json_array());
        prc_text_printf(t, "\nInfluence\n  %-30s %8s %8s %8s %8s %9s %9s %7s %7s\n", "without", "rstud", "dffits", "cook.d", "cov.r", "tau2", "Q", "hat", "weight");
        for (size_t i = 0; i < in->k; i++) {
            prc_text_printf(t, "%c %-30.30s %8.3f %8.3f %8.3f %8.3f %9.4g %9.3f %7.3f %6.2f%%\n", f[i].flagged ? '*' : ' ', in->name[i], f[i].rstudent, f[i].dffits, f[i].cook_d, f[i].cov_r, f[i].tau2_del, f[i].QE_del, f[i].hat, f[i].weight);
            prc_json *r = prc_json_set(rows, NULL, prc_json_object());
            prc_json_set_text(r, "slab", in->name[i]);
            const struct { const char *key; double x; } v[] = {{"rstudent", f[i].rstudent}, {"dffits", f[i].dffits}, {"cook_d", f[i].cook_d}, {"cov_r", f[i].cov_r}, {"tau2_del", f[i].tau2_del}, {"QE_del", f[i].QE_del},
                {"hat", f[i].hat}, {"weight", f[i].weight}, {"dfbs", f[i].dfbs}};
            for (size_t q = 0; q < sizeof v / sizeof *v; q++) prc_json_set_number(r, v[q].key, v[q].x);
            prc_json_set_bool(r, "flagged", f[i].flagged);
        }
        prc_text_add(t, "  * |dffits| > 3 sqrt(p/(k-p)), or Cook's distance beyond the median of chi-square, or hat > 3p/k, or |dfbs| > 1\n");
    }
    prc_free(f);
    return st;
}

static prc_status egger(const meta_input *in, const prc_meta_options *mo, prc_text *t, prc_json *j, prc_error *err) {
    for (int classic = 1; classic >= 0; classic--) {
        prc_meta_egger e;
        char buf[24];
        PRC_TRY(prc_meta_egger_test(in->yi, in->vi, in->k, classic, mo, &e, err));
        char stat[24] = "NA";
        if (!isnan(e.stat)) snprintf(stat, sizeof stat, "%.4f", e.stat);
        prc_text_printf(t, "  Egger, %s: %s = %s, p %s; limit as SE -> 0: %.4f (%.4f to %.4f)\n", classic ? "regression on the standard error" : "mixed model with the standard error", classic ? "t" : "z", stat,
                        meta_p(e.p, buf), e.limit, e.limit_lb, e.limit_ub);
        prc_json *r = prc_json_set(j, classic ? "egger" : "egger_mixed", prc_json_object());
        prc_json_set_number(r, "stat", e.stat);
        prc_json_set_number(r, "df", e.df);
        prc_json_set_number(r, "p", e.p);
        prc_json_set_number(r, "limit_est", e.limit);
        prc_json_set_number(r, "limit_lb", e.limit_lb);
        prc_json_set_number(r, "limit_ub", e.limit_ub);
    }
    return PRC_OK;
}

static prc_status trimfill(const meta_input *in, const prc_meta_options *mo, prc_text *t, prc_json *j, prc_error *err) {
    static const char *const name[] = {"L0", "R0", "Q0"};
    prc_json *rows = prc_json_set(j, "trimfill", prc_json_object());
    for (int e = 0; e < 3; e++) {
        prc_meta_trimfill_result f;
        prc_error why;
        prc_status st = prc_meta_trimfill(in->yi, in->vi, in->k, (prc_meta_trim)e, 0, mo, &f, NULL, NULL, &why);
        prc_json *r = prc_json_set(rows, name[e], prc_json_object());
        if (st) { /* Q0 and R0 need not settle; that is an answer, not a failure of the run */
            if (st == PRC_E_MEMORY) return prc_fail(err, st, "out of memory");
            prc_json_set_text(r, "error", why.message);
            prc_text_printf(t, "  trim and fill %s (sensitivity only): %s\n", name[e], why.message);
            continue;
        }
        prc_text_printf(t, "  trim and fill %s (sensitivity only): %zu filled on the %s, pooled %.4f (%.4f to %.4f)\n", name[e], f.k0, f.side < 0 ? "left" : "right", f.filled.estimate, f.filled.ci_lb, f.filled.ci_ub);
        prc_json_set_int(r, "k0", (int64_t)f.k0);
        prc_json_set_number(r, "se_k0", f.se_k0);
        prc_json_set_text(r, "side", f.side < 0 ? "left" : "right");
        prc_json_set_number(r, "estimate", f.filled.estimate);
        prc_json_set_number(r, "ci_lb", f.filled.ci_lb);
        prc_json_set_number(r, "ci_ub", f.filled.ci_ub);
        prc_json_set_number(r, "tau2", f.filled.tau2);
    }
    return PRC_OK;
}

static void failsafe(const meta_input *in, prc_text *t, prc_json *j) {
    static const char *const name[] = {"Rosenthal", "Orwin", "Rosenberg"};
    prc_json *rows = prc_json_set(j, "fsn", prc_json_object());
    for (int e = 0; e < 3; e++) {
        double n, p;
        prc_meta_failsafe(in->yi, in->vi, in->k, (prc_meta_fsn)e, 0.05, &n, &p);
        prc_text_printf(t, "  fail-safe N, %s (sensitivity only): %.0f\n", name[e], n);
        prc_json *r = prc_json_set(rows, name[e], prc_json_object());
        prc_json_set_number(r, "fsnum", n);
        prc_json_set_number(r, "p", p);
    }
}

static prc_status bias(const cli_options *o, const meta_input *in, const prc_meta_options *mo, prc_text *t, prc_json *j, prc_error *err) {
    char buf[256], p_text[24], *save = NULL;
    if (strlen(o->bias) >= sizeof buf) return prc_fail(err, PRC_E_USAGE, "--bias is too long");
    snprintf(buf, sizeof buf, "%s", o->bias);
    prc_json *b = prc_json_set(j, "bias", prc_json_object());
    prc_text_add(t, "\nSmall-study effects\n");
    if (in->k < 10) prc_text_printf(t, "  %zu studies: tests of asymmetry have little power below ten\n", in->k);
    for (char *w = strtok_r(buf, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        if (!strcasecmp(w, "egger")) {
            PRC_TRY(egger(in, mo, t, b, err));
        } else if (!strcasecmp(w, "begg")) {
            double tau, p;
            PRC_TRY(prc_meta_begg(in->yi, in->vi, in->k, &tau, &p, err));
            prc_text_printf(t, "  Begg, rank correlation: tau = %.4f, p %s\n", tau, meta_p(p, p_text));
            prc_json *r = prc_json_set(b, "begg", prc_json_object());
            prc_json_set_number(r, "tau", tau);
            prc_json_set_number(r, "p", p);
        } else if (!strcasecmp(w, "trimfill")) {
            PRC_TRY(trimfill(in, mo, t, b, err));
        } else if (!strcasecmp(w, "fsn")) {
            failsafe(in, t, b);
        } else {
            return prc_fail(err, PRC_E_USAGE, "--bias knows egger, begg, trimfill, fsn, not `%s`", w);
        }
    }
    return PRC_OK;
}

/* ---- plots --------------------------------------------------------------------------------------------------- */

static prc_status plot(const cli_options *o, const meta_input *in, const prc_meta_options *mo, const prc_meta_fit *f, prc_error *err) {
    prc_status st = PRC_OK;
    prc_text t = {0};
    double *weight = prc_malloc(in->k + 1, sizeof *weight);
    prc_meta_influence *inf = NULL;
    prc_meta_picture pic = {.title = meta_title(o), .x_label = in->measure->title, .k = in->k, .slab = (const char *const *)in->name, .yi = in->yi, .vi = in->vi, .weight = weight, .level = f->level, .estimate = f->beta[0],
        .ci_lb = f->ci_lb[0], .ci_ub = f->ci_ub[0], .pi_lb = f->pi_lb, .pi_ub = f->pi_ub, .exponentiate = in->measure->back == PRC_BACK_EXP, .display = in->measure->display, .html = false};
    if (!weight) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < in->k; i++) weight[i] = 1 / (in->vi[i] + f->tau2);
    if (!strcmp(o->plot, "baujat")) {
        inf = prc_calloc(in->k + 1, sizeof *inf);
        if (!inf) {
            st = prc_fail(err, PRC_E_MEMORY, "out of memory");
            goto out;
        }
        PRC_GO(st, prc_meta_influences(in->yi, in->vi, NULL, in->k, 1, mo, inf, err));
        pic.influence = inf;
    }
    size_t n = strlen(o->output);
    pic.html = n > 5 && !strcmp(o->output + n - 5, ".html");
    PRC_GO(st, prc_report_meta(o->plot, &pic, &t, err));
    PRC_GO(st, prc_file_write(o->output, t.s, t.n, err));
out:
    prc_text_reset(&t);
    prc_free(weight);
    prc_free(inf);
    return st;
}

/* ---- command ------------------------------------------------------------------------------------------------- */

static prc_status univariate(const cli_options *o, const meta_input *in, const prc_meta_options *mo, prc_text *t, prc_json *j, prc_error *err) {
    prc_meta_fit f = {0};
    char title[200];
    prc_status st = prc_meta_fit_uni(in->yi, in->vi, in->x, in->k, in->p ? in->p : 1, mo, &f, err);
    if (st) return st;
    snprintf(title, sizeof title, "%s (%s; %s), k = %zu", in->x ? "Meta-regression" : mo->method == PRC_META_FE ? "Common-effect meta-analysis" : "Random-effects meta-analysis", prc_meta_method_words(mo->method), test_words(f.test), in->k);
    meta_head(in, title, t);
    prc_text_printf(t, "Variance: %s\n\n", prc_meta_variance_text(in->measure, o->vtype));
    heterogeneity_text(&f, t);
    meta_json_head(in, "uni", j);
    prc_json_set_text(j, "variance", prc_meta_variance_text(in->measure, o->vtype));
    prc_json_set_text(j, "method", prc_meta_method_name(mo->method));
    prc_json_set_text(j, "test", prc_meta_test_name(f.test));
    prc_json_set_number(j, "level", f.level);
    prc_json_set_text(j, "pi_convention", isnan(f.pi_lb) ? NULL : isnan(f.pi_df) ? "z" : mo->pi == PRC_META_PI_HTS ? "hts" : "t");
    fit_json(&f, j);
    coefficients(in, &f, t, j);
    prediction_text(&f, t);
    if (!in->x) meta_display(in, f.beta[0], f.ci_lb[0], f.ci_ub[0], f.pi_lb, f.pi_ub, t, j);
    if (f.test != mo->test) prc_text_add(t, "  too few studies for a t test: z was used\n");
    studies(in, &f, t, j);
    if (o->subgroup) PRC_GO(st, subgroups(o, in, mo, t, j, err));
    if (o->bias) PRC_GO(st, bias(o, in, mo, t, j, err));
    if (o->leave1out) PRC_GO(st, refits(o, in, mo, false, t, j, err));
    if (o->cumulative) PRC_GO(st, refits(o, in, mo, true, t, j, err));
    if (o->influence) PRC_GO(st, influences(in, mo, t, j, err));
    if (o->plot) PRC_GO(st, plot(o, in, mo, &f, err));
out:
    prc_meta_fit_reset(&f);
    return st;
}

static prc_status model_options(const cli_options *o, prc_meta_options *mo, prc_error *err) {
    *mo = prc_meta_default();
    if (o->method && !prc_meta_method_parse(o->method, &mo->method)) return prc_fail(err, PRC_E_USAGE, "--method knows FE DL HE HS SJ ML REML EB PM, not `%s`", o->method);
    if (o->test && !prc_meta_test_parse(o->test, &mo->test)) return prc_fail(err, PRC_E_USAGE, "--test knows z, knha, adhoc, not `%s`", o->test);
    /* A common effect has no spread between studies for Hartung-Knapp to measure: z unless asked. */
    if (mo->method == PRC_META_FE && !o->test) mo->test = PRC_META_Z;
    if (o->level != 0) mo->level = o->level;
    if (!(mo->level > 0 && mo->level < 1)) return prc_fail(err, PRC_E_USAGE, "--level is between 0 and 1, e.g. 0.95");
    if (o->pi && !strcmp(o->pi, "z")) mo->pi = PRC_META_PI_Z;
    else if (o->pi && !strcmp(o->pi, "t")) mo->pi = PRC_META_PI_T;
    else if (o->pi && !strcmp(o->pi, "hts")) mo->pi = PRC_META_PI_HTS;
    else if (o->pi) return prc_fail(err, PRC_E_USAGE, "--pi knows z, t, hts, not `%s`", o->pi);
    return PRC_OK;
}

static prc_status check_plot(const cli_options *o, const char *model, prc_error *err) {
    static const char *const kinds[] = {"forest", "funnel", "baujat", "network"};
    if (!o->plot) return o->output ? prc_fail(err, PRC_E_USAGE, "--output goes with --plot") : PRC_OK;
    bool known = false;
    for (size_t i = 0; i < 4; i++) known = known || !strcmp(o->plot, kinds[i]);
    if (!known) return prc_fail(err, PRC_E_USAGE, "--plot knows forest, funnel, baujat, network, not `%s`", o->plot);
    size_t n = o->output ? strlen(o->output) : 0;
    bool svg = n > 4 && !strcmp(o->output + n - 4, ".svg"), html = n > 5 && !strcmp(o->output + n - 5, ".html");
    if (!svg && !html) return prc_fail(err, PRC_E_USAGE, "--plot wants -o FILE.svg or -o FILE.html");
    if (strcmp(model, !strcmp(o->plot, "network") ? "network" : "uni")) return prc_fail(err, PRC_E_USAGE, "--plot %s does not go with --model %s", o->plot, model);
    if (o->mods && strcmp(o->plot, "network")) return prc_fail(err, PRC_E_USAGE, "--plot shows a model without moderators");
    return PRC_OK;
}

prc_status cmd_meta(const cli_options *o, prc_error *err) {
    static const char *const models[] = {"uni", "mh", "peto", "glmm", "multilevel", "multivariate", "network"};
    const char *model = o->model ? o->model : "uni", *near = prc_nearest(model, models, 7);
    meta_input in = {0};
    prc_meta_options mo;
    prc_text t = {0};
    char *json = NULL;
    prc_json *j = prc_json_object();
    prc_status st = PRC_OK;
    bool known = false;
    for (size_t i = 0; i < 7; i++) known = known || !strcmp(model, models[i]);
    if (!known) {
        st = prc_fail(err, PRC_E_USAGE, near ? "unknown model `%s`; did you mean `%s`?" : "unknown model `%s`; see `paracrine meta --help`", model, near);
        goto out;
    }
    PRC_GO(st, model_options(o, &mo, err));
    PRC_GO(st, check_plot(o, model, err));
    if (strcmp(model, "uni") && (o->subgroup || o->bias || o->leave1out || o->influence || o->cumulative || (o->mods && strcmp(model, "multilevel")))) {
        st = prc_fail(err, PRC_E_USAGE, "--subgroup, --bias, --leave1out, --influence, --cumulative and --mods belong to --model uni (--mods also to multilevel)");
        goto out;
    }
    PRC_GO(st, meta_read(o, &in, err));
    if (!strcmp(model, "uni")) st = univariate(o, &in, &mo, &t, j, err);
    else if (!strcmp(model, "multilevel")) st = meta_multilevel(o, &in, &t, j, err);
    else if (!strcmp(model, "multivariate")) st = meta_multivariate(o, &in, &t, j, err);
    else if (!strcmp(model, "network")) st = meta_network(o, &in, &t, j, err);
    else st = meta_tables(o, &in, &t, j, err);
    if (st) goto out;
    if (o->json) {
        PRC_GO(st, prc_json_text(j, &json, err));
        st = cli_print_json(json, err);
    } else {
        prc_text_add(&t, "\n" PRC_RESEARCH_USE "\n");
        st = cli_print(&t, err);
    }
out:
    prc_text_reset(&t);
    prc_json_free(j);
    meta_input_reset(&in);
    return st;
}
