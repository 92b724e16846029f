/* paracrine analyse: the trial analyses on any data set of one row per patient, or per patient and visit. */
#include "cmd_analyse_int.h"

#include <math.h>
#include <string.h>

#define NONE ((double)NAN)

static prc_status no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the analysis");
}

static const char *arm_name(const an_data *d, size_t a) {
    return d->arm.level[a];
}

static const char *reference_name(const an_data *d) {
    return d->reference >= 0 ? d->arm.level[d->reference] : NULL;
}

/* Calls for every arm but the reference. */
#define EACH_OTHER_ARM(a) for (size_t a = 0; a < d->arm.n_level; a++) if ((int)a != d->reference)

/* ---- one value per patient (and visit) -------------------------------------------------------------------------- */

static prc_status add_arms(const an_data *d, const char *what, const char *visit, const prc_estimate *e, an_result *r, prc_error *err) {
    for (size_t a = 0; a < d->arm.n_level; a++) PRC_TRY(an_add(r, (an_row){.what = what, .arm = arm_name(d, a), .visit = visit, .e = e[a]}, err));
    return PRC_OK;
}

static prc_status add_contrasts(const an_data *d, const char *what, const char *visit, const prc_estimate *e, bool ratio, an_result *r, prc_error *err) {
    EACH_OTHER_ARM(a)
        PRC_TRY(an_add(r, (an_row){.what = what, .arm = arm_name(d, a), .versus = reference_name(d), .visit = visit, .e = e[a], .ratio = ratio, .contrast = true}, err));
    return PRC_OK;
}

typedef prc_status (*at_visit_fn)(const an_data *d, const char *visit, const double *y, an_result *r, prc_error *err);

static prc_status ancova(const an_data *d, const char *visit, const double *y, an_result *r, prc_error *err) {
    size_t k = d->arm.n_level;
    prc_estimate *e = prc_malloc(2 * k, sizeof *e);
    if (!e) return no_memory(err);
    prc_status st;
    PRC_GO(st, prc_stat_ancova_frame(&d->frame, y, d->level, e, e + k, err));
    PRC_GO(st, add_arms(d, "LS mean", visit, e, r, err));
    st = add_contrasts(d, "difference", visit, e + k, false, r, err);
out:
    prc_free(e);
    return st;
}

/* The values of one arm into out; returns how many. */
static size_t take_arm(const an_data *d, const double *y, size_t a, double *out) {
    size_t m = 0;
    for (size_t i = 0; i < d->n; i++)
        if (d->arm.of[i] == (int)a && !isnan(y[i])) out[m++] = y[i];
    return m;
}

static prc_status two_samples(const an_data *d, const char *visit, const double *y, bool ranks, an_result *r, prc_error *err) {
    double *a = prc_malloc(2 * d->n + 1, sizeof *a), *b = a ? a + d->n : NULL;
    prc_status st = PRC_OK;
    if (!a) return no_memory(err);
    for (size_t k = 0; !ranks && k < d->arm.n_level; k++)
        PRC_GO(st, an_add(r, (an_row){.what = "mean", .arm = arm_name(d, k), .visit = visit, .e = prc_stat_mean(a, take_arm(d, y, k, a), d->level)}, err));
    size_t nb = take_arm(d, y, (size_t)d->reference, b);
    EACH_OTHER_ARM(k) {
        size_t na = take_arm(d, y, k, a);
        prc_estimate e = prc_stat_welch(a, na, b, nb, d->level);
        if (ranks) PRC_GO(st, prc_stat_wilcoxon(a, na, b, nb, d->level, NULL, NULL, &e, err));
        PRC_GO(st, an_add(r, (an_row){.what = ranks ? "shift" : "difference", .arm = arm_name(d, k), .versus = reference_name(d), .visit = visit, .e = e, .contrast = true}, err));
    }
out:
    prc_free(a);
    return st;
}

static prc_status welch(const an_data *d, const char *visit, const double *y, an_result *r, prc_error *err) {
    return two_samples(d, visit, y, false, r, err);
}

static prc_status wilcoxon(const an_data *d, const char *visit, const double *y, an_result *r, prc_error *err) {
    return two_samples(d, visit, y, true, r, err);
}

/* Counts behind the model: Miettinen-Nurminen and Fisher need no covariate and no maximum. */
static prc_status crude_responders(const an_data *d, const char *visit, const double *y, an_result *r, prc_error *err) {
    size_t *x = prc_calloc(2 * d->arm.n_level, sizeof *x), *n = x ? x + d->arm.n_level : NULL, ref = (size_t)d->reference;
    prc_status st = PRC_OK;
    if (!x) return no_memory(err);
    for (size_t i = 0; i < d->n; i++) {
        if (d->arm.of[i] < 0 || isnan(y[i])) continue;
        n[d->arm.of[i]]++;
        x[d->arm.of[i]] += y[i] > 0;
    }
    EACH_OTHER_ARM(a) {
        prc_estimate e;
        PRC_GO(st, prc_stat_risk_difference(x[a], n[a], x[ref], n[ref], d->level, &e, err));
        prc_estimate f = e;
        /* Miettinen-Nurminen: the score z and its p; Fisher's exact p in a line of its own. */
        e.p = prc_stat_normal_p(e.stat);
        f.se = f.df = f.stat = f.ci_lb = f.ci_ub = NONE;
        PRC_GO(st, an_add(r, (an_row){.what = "risk difference (Miettinen-Nurminen)", .arm = arm_name(d, a), .versus = reference_name(d), .visit = visit, .e = e}, err));
        PRC_GO(st, an_add(r, (an_row){.what = "risk difference (Fisher exact)", .arm = arm_name(d, a), .versus = reference_name(d), .visit = visit, .e = f}, err));
    }
out:
    prc_free(x);
    return st;
}

static prc_status responder(const an_data *d, const char *visit, const double *y, an_result *r, prc_error *err) {
    size_t k = d->arm.n_level;
    for (size_t i = 0; i < d->n; i++)
        if (!isnan(y[i]) && !(y[i] <= 0 && y[i] >= 0) && !(y[i] <= 1 && y[i] >= 1))
            return prc_fail_at(err, PRC_E_VALUE, d->table->source, d->table->line[i], 0, "row %zu, column `%s`: `%g` is not 0 or 1; --threshold makes responders of a score", i + 1, d->o->response, y[i]);
    prc_estimate *e = prc_malloc(3 * k, sizeof *e);
    if (!e) return no_memory(err);
    prc_responders out = {e, e + k, e + 2 * k, false};
    prc_status st;
    PRC_GO(st, prc_stat_responders(&d->frame, y, d->level, &out, err));
    PRC_GO(st, add_arms(d, "rate (g-computation)", visit, out.rate, r, err));
    PRC_GO(st, add_contrasts(d, "risk difference (g-computation)", visit, out.diff, false, r, err));
    PRC_GO(st, crude_responders(d, visit, y, r, err));
    PRC_GO(st, add_contrasts(d, "log odds ratio (logistic)", visit, out.log_or, true, r, err));
    if (out.separated)
        prc_text_printf(&r->notes, "%s%scomplete separation: the logistic model has no maximum (an arm or a covariate foretells the response); the Miettinen-Nurminen and Fisher lines hold\n",
                        visit ? visit : "", visit ? ": " : "");
out:
    prc_free(e);
    return st;
}

/* Without --visit once, else at every visit with the other rows masked. */
static prc_status at_visits(const an_data *d, at_visit_fn fn, an_result *r, prc_error *err) {
    if (!d->visit.level) return fn(d, NULL, d->response, r, err);
    if (d->visit.n_level > 2000) return prc_fail(err, PRC_E_VALUE, "column `%s` has %zu visits; an analysis per visit takes 2000", d->visit.column, d->visit.n_level);
    double *y = prc_malloc(d->n + 1, sizeof *y);
    prc_status st = y ? PRC_OK : no_memory(err);
    for (size_t v = 0; !st && v < d->visit.n_level; v++) {
        for (size_t i = 0; i < d->n; i++) y[i] = d->visit.of[i] == (int)v ? d->response[i] : NONE;
        st = fn(d, d->visit.level[v], y, r, err);
    }
    prc_free(y);
    return st;
}

/* ---- repeated measures ------------------------------------------------------------------------------------------ */

static prc_status mmrm_options(const cli_options *o, prc_mmrm_options *m, prc_error *err) {
    static const char *const names[] = {
#define PRC_X(id, name, text) name,
        PRC_COV_LIST(PRC_X)
#undef PRC_X
    };
    *m = (prc_mmrm_options){.no_fallback = o->no_fallback, .by_visit = o->by_visit};
    if (o->df && !strcmp(o->df, "satterthwaite")) m->df = PRC_DF_SATTERTHWAITE;
    else if (o->df && strcmp(o->df, "kr")) return prc_fail(err, PRC_E_USAGE, "--df knows kr and satterthwaite, not `%s`", o->df);
    if (!o->cov) return PRC_OK;
    for (int c = 0; c < PRC_COV_COUNT; c++)
        if (!strcmp(o->cov, names[c])) {
            m->cov = (prc_cov)c;
            return PRC_OK;
        }
    const char *near = prc_nearest(o->cov, names, PRC_COV_COUNT);
    return prc_fail(err, PRC_E_USAGE, "--cov knows un toeph ante1 arh1 csh toep ar1 cs, not `%s`%s%s%s", o->cov, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
}

/* A patient with two rows at a visit is named with both. */
static prc_status check_twice(const an_data *d, prc_error *err) {
    size_t cells = d->subject.n_level * (d->visit.n_level ? d->visit.n_level : 1);
    if (cells > 400000000) return PRC_OK; /* the fit looks again, without the names */
    int *row = prc_calloc(cells + 1, sizeof *row);
    prc_status st = row ? PRC_OK : no_memory(err);
    for (size_t i = 0; !st && i < d->n; i++) {
        if (d->subject.of[i] < 0 || d->visit.of[i] < 0 || isnan(d->response[i])) continue;
        int *at = &row[(size_t)d->subject.of[i] * d->visit.n_level + (size_t)d->visit.of[i]];
        if (*at)
            st = prc_fail_at(err, PRC_E_VALUE, d->table->source, d->table->line[i], 0, "row %zu: `%s` already has a value at `%s` (row %d); --where chooses one parameter", i + 1,
                             d->subject.level[d->subject.of[i]], d->visit.level[d->visit.of[i]], *at);
        *at = (int)i + 1;
    }
    prc_free(row);
    return st;
}

static void mmrm_json(const an_data *d, const prc_mmrm_table *t, const prc_mmrm_options *o, an_result *r) {
    const prc_mmrm *f = &t->fit;
    r->fit = prc_json_object();
    prc_json_set_text(r->fit, "cov_asked", prc_cov_name(o->cov));
    prc_json_set_text(r->fit, "cov", prc_cov_name(f->cov));
    prc_json_set_text(r->fit, "df", o->df == PRC_DF_KR ? "kr" : "satterthwaite");
    prc_json_set_bool(r->fit, "converged", true);
    prc_json_set_int(r->fit, "iterations", f->iterations);
    prc_json_set_number(r->fit, "newton_decrement", f->decrement);
    prc_json_set_number(r->fit, "logLik", f->log_lik);
    prc_json_set_int(r->fit, "values", (int64_t)f->n);
    prc_json_set_int(r->fit, "subjects", (int64_t)f->n_subject);
    prc_json *s = prc_json_set(r->fit, "sigma", prc_json_array());
    for (size_t i = 0; i < d->visit.n_level; i++) {
        prc_json *line = prc_json_set(s, NULL, prc_json_array());
        for (size_t j = 0; j < d->visit.n_level; j++) prc_json_set_number(line, NULL, f->sigma[i * d->visit.n_level + j]);
    }
}

static prc_status mmrm_rows(const an_data *d, const prc_mmrm_table *t, an_result *r, prc_error *err) {
    size_t m = d->visit.n_level;
    for (size_t v = 0; v < m; v++) {
        for (size_t a = 0; a < d->arm.n_level; a++)
            PRC_TRY(an_add(r, (an_row){.what = "LS mean", .arm = arm_name(d, a), .visit = d->visit.level[v], .e = t->ls_mean[a * m + v]}, err));
        EACH_OTHER_ARM(a)
            PRC_TRY(an_add(r, (an_row){.what = "difference", .arm = arm_name(d, a), .versus = reference_name(d), .visit = d->visit.level[v], .e = t->diff[a * m + v], .contrast = true}, err));
    }
    EACH_OTHER_ARM(a)
        PRC_TRY(an_add(r, (an_row){.what = "difference, mean of visits", .arm = arm_name(d, a), .versus = reference_name(d), .visit = "all", .e = t->overall[a], .contrast = true}, err));
    return PRC_OK;
}

static prc_status mmrm(const an_data *d, an_result *r, prc_error *err) {
    prc_mmrm_options o;
    prc_mmrm_table t = {0};
    prc_status st;
    PRC_TRY(mmrm_options(d->o, &o, err));
    o.level = d->level;
    PRC_TRY(check_twice(d, err));
    PRC_TRY(prc_stat_mmrm(&d->frame, d->response, d->subject.of, d->visit.of, d->subject.n_level, d->visit.n_level, &o, &t, err));
    mmrm_json(d, &t, &o, r);
    prc_text_printf(&r->notes, "REML, %s covariance, %s; converged in %d steps, log-likelihood %.6f; %zu values of %zu patients\n", prc_cov_text(t.fit.cov),
                    o.df == PRC_DF_KR ? "Kenward-Roger (linear)" : "Satterthwaite", t.fit.iterations, t.fit.log_lik, t.fit.n, t.fit.n_subject);
    if (t.fit.cov != o.cov && t.fit.n_tried > 1)
        prc_text_printf(&r->notes, "the %s covariance did not converge; fallback order: un toeph ante1 arh1 csh toep ar1 cs\n", prc_cov_text(o.cov));
    st = mmrm_rows(d, &t, r, err);
    prc_mmrm_table_reset(&t);
    return st;
}

/* ---- models with columns for the arms --------------------------------------------------------------------------- */

/* Columns: intercept when wanted, arms but the reference, covariates, levels but the first of text covariates (and of strata when they are part of the model). NaN where missing. */
static prc_status design(const an_data *d, bool intercept, bool strata, double **out, size_t *p, prc_error *err) {
    size_t n_factor = strata ? d->n_strata + d->n_factor : d->n_factor, k = (size_t)intercept + d->arm.n_level - 1 + d->n_covariate;
    const an_factor *first = strata ? NULL : d->factor;
    for (size_t f = 0; f < n_factor; f++) k += (first ? first[f].n_level : d->frame.n_level[f]) > 0 ? (first ? first[f].n_level : d->frame.n_level[f]) - 1 : 0;
    if ((double)k * (double)d->n > 1e9 || k > 5000) return prc_fail(err, PRC_E_VALUE, "a model of %zu columns for %zu rows is more than fits", k, d->n);
    double *x = prc_calloc(d->n * (k ? k : 1) + 1, sizeof *x);
    if (!x) return no_memory(err);
    for (size_t i = 0; i < d->n; i++) {
        double *row = x + i * k;
        size_t at = 0;
        if (intercept) row[at++] = 1;
        EACH_OTHER_ARM(a) row[at++] = d->arm.of[i] < 0 ? NONE : d->arm.of[i] == (int)a;
        for (size_t j = 0; j < d->n_covariate; j++) row[at++] = d->covariate[i * d->n_covariate + j];
        for (size_t f = 0; f < n_factor; f++) {
            size_t levels = first ? first[f].n_level : d->frame.n_level[f];
            int has = first ? first[f].of[i] : d->frame_factor[i * d->frame.n_factor + f];
            for (size_t l = 1; l < levels; l++) row[at++] = has < 0 ? NONE : has == (int)l;
        }
    }
    *out = x;
    *p = k;
    return PRC_OK;
}

/* Arms first, then numeric covariates, as design() lays them out. */
static prc_status add_coefficients(const an_data *d, const char *what, const prc_fit *fit, size_t first, bool covariates, const size_t *count, an_result *r, prc_error *err) {
    size_t j = first;
    EACH_OTHER_ARM(a) {
        prc_estimate e = prc_fit_coef(fit, j++, NONE, d->level);
        e.n = count[a] + count[d->reference];
        PRC_TRY(an_add(r, (an_row){.what = what, .arm = arm_name(d, a), .versus = reference_name(d), .e = e, .ratio = true, .contrast = true}, err));
    }
    for (size_t k = 0; covariates && k < d->n_covariate; k++)
        PRC_TRY(an_add(r, (an_row){.what = what, .arm = d->covariate_name[k], .e = prc_fit_coef(fit, j++, NONE, d->level), .ratio = true}, err));
    return PRC_OK;
}

static prc_status count_arms(const an_data *d, const double *a, const int *b, size_t **out, prc_error *err) {
    *out = prc_calloc(d->arm.n_level, sizeof **out);
    if (!*out) return no_memory(err);
    for (size_t i = 0; i < d->n; i++)
        if (d->arm.of[i] >= 0 && (!a || !isnan(a[i])) && (!b || b[i] >= 0)) (*out)[d->arm.of[i]]++;
    return PRC_OK;
}

static prc_status counts(const an_data *d, bool negbin, an_result *r, prc_error *err) {
    double *x = NULL;
    size_t p, *n = NULL;
    prc_fit fit = {0};
    prc_status st;
    PRC_GO(st, design(d, true, true, &x, &p, err));
    PRC_GO(st, count_arms(d, d->response, NULL, &n, err));
    if (negbin) PRC_GO(st, prc_stat_negbin(x, d->response, d->offset, d->n, p, false, &fit, err));
    else PRC_GO(st, prc_stat_poisson(x, d->response, d->offset, d->n, p, &fit, err));
    if (fit.separated) prc_text_add(&r->notes, "an arm without any event: its rate ratio is 0 or infinite\n");
    if (negbin) prc_text_printf(&r->notes, "dispersion %.5g (variance = mean + %.5g mean^2)\n", fit.dispersion, fit.dispersion);
    st = add_coefficients(d, "log rate ratio", &fit, 1, true, n, r, err);
out:
    prc_fit_reset(&fit);
    prc_free(n);
    prc_free(x);
    return st;
}

static prc_status ordinal(const an_data *d, an_result *r, prc_error *err) {
    double *x = NULL;
    size_t p, *n = NULL;
    prc_fit fit = {0};
    prc_status st;
    if (d->grade.n_level < 2) return prc_fail(err, PRC_E_VALUE, "column `%s` has %zu grades; a proportional-odds model takes 2 or more", d->grade.column, d->grade.n_level);
    if (d->grade.n_level > 100) return prc_fail(err, PRC_E_VALUE, "column `%s` has %zu grades; the limit is 100", d->grade.column, d->grade.n_level);
    PRC_GO(st, design(d, false, true, &x, &p, err));
    PRC_GO(st, count_arms(d, NULL, d->grade.of, &n, err));
    PRC_GO(st, prc_stat_ordinal(x, d->grade.of, d->n, p, d->grade.n_level, &fit, err));
    if (fit.separated) prc_text_add(&r->notes, "complete separation: an arm or a covariate foretells the grade; its odds ratio is 0 or infinite\n");
    prc_text_printf(&r->notes, "an odds ratio above 1 means higher grades; %zu grades from `%s` to `%s`\n", d->grade.n_level, d->grade.level[0], d->grade.level[d->grade.n_level - 1]);
    st = add_coefficients(d, "log odds ratio", &fit, 0, true, n, r, err);
out:
    prc_fit_reset(&fit);
    prc_free(n);
    prc_free(x);
    return st;
}

/* ---- time to event ---------------------------------------------------------------------------------------------- */

/* Rows of one arm (two with the reference when b >= 0) with time and event; event values above 0 count as 1 unless causes. */
typedef struct spells { size_t n; double *time; int *event, *group, *stratum; } spells;

static prc_status spells_create(const an_data *d, spells *s, prc_error *err) {
    s->time = prc_malloc(d->n + 1, sizeof *s->time);
    s->event = prc_malloc(3 * d->n + 1, sizeof *s->event);
    s->group = s->event ? s->event + d->n : NULL;
    s->stratum = s->event ? s->group + d->n : NULL;
    return s->time && s->event ? PRC_OK : no_memory(err);
}

static void spells_reset(spells *s) {
    prc_free(s->time);
    prc_free(s->event);
}

/* The combination of the strata of row i; -1 when one is missing. */
static int stratum_of(const an_data *d, size_t i) {
    size_t code = 0;
    for (size_t k = 0; k < d->n_strata; k++) {
        if (d->strata[k].of[i] < 0) return -1;
        code = code * d->strata[k].n_level + (size_t)d->strata[k].of[i];
    }
    return code > INT32_MAX ? -1 : (int)code;
}

/* keep: -1 = every arm by its number; else arm keep as group 1 and the reference as group 0. */
static void take_spells(const an_data *d, int keep, bool causes, spells *s) {
    s->n = 0;
    for (size_t i = 0; i < d->n; i++) {
        int a = d->arm.of[i], stratum = stratum_of(d, i);
        if (a < 0 || isnan(d->time[i]) || d->event[i] < 0 || stratum < 0 || (keep >= 0 && a != keep && a != d->reference)) continue;
        s->time[s->n] = d->time[i];
        s->event[s->n] = causes ? d->event[i] : d->event[i] > 0;
        s->group[s->n] = keep >= 0 ? a == keep : a;
        s->stratum[s->n++] = stratum;
    }
}

/* Rows of one arm only. */
static void take_arm_spells(const an_data *d, size_t a, bool causes, spells *s) {
    s->n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (d->arm.of[i] != (int)a || isnan(d->time[i]) || d->event[i] < 0) continue;
        s->time[s->n] = d->time[i];
        s->event[s->n++] = causes ? d->event[i] : d->event[i] > 0;
    }
}

/* --at 100,200 with their texts; *n = 0 without. */
static prc_status time_list(const an_data *d, double **time, const char ***label, size_t *n, prc_error *err) {
    *n = 0;
    if (!d->o->at) return PRC_OK;
    size_t cap = 1;
    for (const char *c = d->o->at; *c; c++) cap += *c == ',';
    char *copy = prc_arena_strdup(d->arena, d->o->at), *save = NULL;
    *time = prc_arena_alloc(d->arena, cap, sizeof **time);
    *label = prc_arena_alloc(d->arena, cap, sizeof **label);
    if (!copy || !*time || !*label) return no_memory(err);
    for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        if (!prc_parse_double(w, &(*time)[*n]) || !((*time)[*n] >= 0)) return prc_fail(err, PRC_E_USAGE, "--at wants times of 0 or more, not `%s`", w);
        (*label)[(*n)++] = w;
    }
    return PRC_OK;
}

static prc_status km_arm(const an_data *d, size_t a, const spells *s, prc_km_ci scale, const double *at, const char *const *label, size_t n_at, an_result *r, prc_error *err) {
    prc_km km = {0};
    prc_status st;
    PRC_GO(st, prc_stat_km(s->time, s->event, s->n, &km, err));
    double events = 0, last = km.n_step ? km.time[km.n_step - 1] : 0;
    for (size_t k = 0; k < km.n_step; k++) events += km.n_event[k];
    prc_text_printf(&r->notes, "%s: %zu patients, %.0f events, followed to %g\n", arm_name(d, a), km.n, events, last);
    prc_estimate e = prc_km_quantile_ci(&km, 0.5, scale, d->level);
    PRC_GO(st, an_add(r, (an_row){.what = "median", .arm = arm_name(d, a), .e = e}, err));
    for (size_t k = 0; k < n_at; k++) {
        e = prc_km_at_ci(&km, at[k], scale, d->level);
        /* Beyond the last patient, who was censored, the curve is not known. */
        if (at[k] > last && km.n_step && km.surv[km.n_step - 1] > 0) e.estimate = e.se = e.ci_lb = e.ci_ub = NONE;
        PRC_GO(st, an_add(r, (an_row){.what = "survival", .arm = arm_name(d, a), .visit = label[k], .e = e}, err));
    }
    if (d->o->tau > 0) PRC_GO(st, an_add(r, (an_row){.what = "restricted mean", .arm = arm_name(d, a), .e = prc_km_rmst(&km, d->o->tau, d->level)}, err));
out:
    prc_km_reset(&km);
    return st;
}

static prc_status km(const an_data *d, an_result *r, prc_error *err) {
    static const char *const scales[] = {"plain", "log", "loglog"}; /* ORDER prc_km_ci */
    spells s = {0};
    double *at = NULL;
    const char **label = NULL;
    size_t n_at, scale = 2;
    prc_status st;
    if (d->o->ci) {
        for (scale = 0; scale < 3 && strcmp(d->o->ci, scales[scale]); scale++) {}
        if (scale == 3) return prc_fail(err, PRC_E_USAGE, "--ci knows plain, log and loglog, not `%s`", d->o->ci);
    }
    PRC_GO(st, time_list(d, &at, &label, &n_at, err));
    PRC_GO(st, spells_create(d, &s, err));
    for (size_t a = 0; a < d->arm.n_level; a++) {
        take_arm_spells(d, a, false, &s);
        PRC_GO(st, km_arm(d, a, &s, (prc_km_ci)scale, at, label, n_at, r, err));
    }
out:
    spells_reset(&s);
    return st;
}

static prc_status incidence(const an_data *d, an_result *r, prc_error *err) {
    spells s = {0};
    double *at = NULL;
    const char **label = NULL;
    size_t n_at;
    prc_cif c = {0};
    prc_status st;
    PRC_TRY(time_list(d, &at, &label, &n_at, err));
    if (n_at == 0) return prc_fail(err, PRC_E_USAGE, "--method incidence wants times: --at 100,200");
    PRC_GO(st, spells_create(d, &s, err));
    for (size_t a = 0; a < d->arm.n_level; a++) {
        take_arm_spells(d, a, true, &s);
        PRC_GO(st, prc_stat_aalen_johansen(s.time, s.event, s.n, d->n_event_value, &c, err));
        for (size_t k = 0; k < d->n_event_value; k++)
            for (size_t t = 0; t < n_at; t++) {
                char *what = prc_arena_printf(d->arena, "incidence of %s", d->event_name[k]);
                prc_estimate e = prc_cif_at(&c, k + 1, at[t], d->level);
                bool known = c.n_step && (at[t] <= c.time[c.n_step - 1] || c.surv[c.n_step - 1] <= 0);
                if (!known) e.estimate = e.se = e.ci_lb = e.ci_ub = NONE;
                PRC_GO(st, an_add(r, (an_row){.what = what ? what : "incidence", .arm = arm_name(d, a), .visit = label[t], .e = e}, err));
            }
        prc_cif_reset(&c);
    }
out:
    prc_cif_reset(&c);
    spells_reset(&s);
    return st;
}

static prc_status logrank(const an_data *d, double rho, an_result *r, prc_error *err) {
    spells s = {0};
    prc_estimate e;
    prc_status st;
    PRC_GO(st, spells_create(d, &s, err));
    take_spells(d, -1, false, &s);
    PRC_GO(st, prc_stat_logrank_rho(s.time, s.event, s.group, s.stratum, s.n, d->arm.n_level, rho, NULL, NULL, NULL, &e, err));
    e.estimate = e.se = NONE;
    PRC_GO(st, an_add(r, (an_row){.what = "all arms, chi-square", .e = e}, err));
    EACH_OTHER_ARM(a) {
        take_spells(d, (int)a, false, &s);
        PRC_GO(st, prc_stat_logrank_rho(s.time, s.event, s.group, s.stratum, s.n, 2, rho, NULL, NULL, NULL, &e, err));
        PRC_GO(st, an_add(r, (an_row){.what = "observed - expected", .arm = arm_name(d, a), .versus = reference_name(d), .e = e, .contrast = true}, err));
    }
    if (d->n_strata) prc_text_add(&r->notes, "stratified: compared within each combination of the strata\n");
out:
    spells_reset(&s);
    return st;
}

static prc_status cox_note(const an_data *d, const prc_fit *fit, an_result *r) {
    prc_text_printf(&r->notes, "%zu events; log-likelihood %.6f (%.6f without any term); score chi-square %.6g\n", fit->n_event, fit->log_lik + 0.0, fit->log_lik0 + 0.0,
                    isnan(fit->score) ? 0 : fit->score);
    if (fit->n_event == 0) prc_text_add(&r->notes, "no events: no hazard ratio exists\n");
    else if (fit->separated) prc_text_add(&r->notes, "an arm or covariate without events on one side: its hazard ratio is 0 or infinite\n");
    else if (!isnan(fit->zph_global))
        prc_text_printf(&r->notes, "proportional hazards: chi-square %.5g, %zu df, p %.4g\n", fit->zph_global, fit->zph_df, prc_stat_chisq_p(fit->zph_global, (double)fit->zph_df));
    r->fit = prc_json_object();
    prc_json_set_int(r->fit, "events", (int64_t)fit->n_event);
    prc_json_set_number(r->fit, "logLik", fit->log_lik);
    prc_json_set_number(r->fit, "logLik0", fit->log_lik0);
    prc_json_set_number(r->fit, "score", fit->score);
    prc_json_set_number(r->fit, "zph", fit->zph_global);
    prc_json_set_number(r->fit, "zph_df", (double)fit->zph_df);
    prc_json_set_number(r->fit, "zph_p", prc_stat_chisq_p(fit->zph_global, (double)fit->zph_df));
    prc_json_set_text(r->fit, "ties", d->o->ties ? d->o->ties : "efron");
    return PRC_OK;
}

static prc_status cox(const an_data *d, an_result *r, prc_error *err) {
    double *x = NULL, *time = NULL;
    int *event = NULL;
    size_t p, *n = NULL;
    prc_fit fit = {0};
    prc_status st;
    if (d->o->ties && strcmp(d->o->ties, "efron") && strcmp(d->o->ties, "breslow")) return prc_fail(err, PRC_E_USAGE, "--ties knows efron and breslow, not `%s`", d->o->ties);
    prc_ties ties = d->o->ties && !strcmp(d->o->ties, "breslow") ? PRC_TIES_BRESLOW : PRC_TIES_EFRON;
    PRC_GO(st, design(d, false, false, &x, &p, err));
    PRC_GO(st, count_arms(d, d->time, d->event, &n, err));
    time = prc_malloc(d->n + 1, sizeof *time);
    event = prc_malloc(2 * d->n + 1, sizeof *event);
    if (!time || !event) {
        st = no_memory(err);
        goto out;
    }
    for (size_t i = 0; i < d->n; i++) {
        time[i] = d->event[i] < 0 ? NONE : d->time[i];
        event[i] = d->event[i] > 0;
        event[d->n + i] = stratum_of(d, i);
    }
    PRC_GO(st, prc_stat_cox(time, event, x, event + d->n, d->n, p, ties, &fit, err));
    PRC_GO(st, cox_note(d, &fit, r));
    st = add_coefficients(d, "log hazard ratio", &fit, 0, true, n, r, err);
out:
    prc_fit_reset(&fit);
    prc_free(n);
    prc_free(x);
    prc_free(time);
    prc_free(event);
    return st;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

enum { RESPONSE = 1, SUBJECT = 2, VISIT = 4, TIME = 8, EVENT = 16, REFERENCE = 32 };
typedef struct method { const char *name, *title; int needs; } method;
static const method methods[] = {
    {"ancova", "analysis of covariance", RESPONSE | REFERENCE},
    {"mmrm", "mixed model for repeated measures", RESPONSE | SUBJECT | VISIT | REFERENCE},
    {"responder", "responders", RESPONSE | REFERENCE},
    {"km", "Kaplan-Meier", TIME | EVENT},
    {"logrank", "log-rank test", TIME | EVENT | REFERENCE},
    {"peto", "Peto-Peto test", TIME | EVENT | REFERENCE},
    {"cox", "Cox regression", TIME | EVENT | REFERENCE},
    {"incidence", "cumulative incidence (Aalen-Johansen)", TIME | EVENT},
    {"poisson", "Poisson regression", RESPONSE | REFERENCE},
    {"negbin", "negative binomial regression", RESPONSE | REFERENCE},
    {"wilcoxon", "Wilcoxon rank sum test", RESPONSE | REFERENCE},
    {"welch", "Welch's t test", RESPONSE | REFERENCE},
    {"ordinal", "proportional odds", RESPONSE | REFERENCE},
};
#define N_METHOD (sizeof methods / sizeof *methods)

static prc_status find_method(const char *name, const method **out, prc_error *err) {
    const char *names[N_METHOD];
    for (size_t i = 0; i < N_METHOD; i++) {
        names[i] = methods[i].name;
        *out = &methods[i];
        if (name && !strcmp(name, names[i])) return PRC_OK;
    }
    const char *near = name ? prc_nearest(name, names, N_METHOD) : NULL;
    if (near) return prc_fail(err, PRC_E_USAGE, "--method knows no `%s`: did you mean `%s`?", name, near);
    return prc_fail(err, PRC_E_USAGE, "--method is one of ancova mmrm responder km logrank peto cox incidence poisson negbin wilcoxon welch ordinal");
}

static prc_status check_options(const cli_options *o, const method *m, prc_error *err) {
    static const char *const adjustments[] = {"none", "bonferroni", "holm", "hochberg", "hommel", "bh", "dunnett"};
    const struct { int need; const char *value, *name; } wants[] = {{RESPONSE, o->response, "response"}, {SUBJECT, o->subject, "subject"}, {VISIT, o->visit, "visit"},
                                                                    {TIME, o->time, "time"},             {EVENT, o->event, "event"}};
    if (!o->arm) return prc_fail(err, PRC_E_USAGE, "`paracrine analyse` wants --arm COLUMN");
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
        if ((m->needs & wants[i].need) && !wants[i].value) return prc_fail(err, PRC_E_USAGE, "--method %s wants --%s COLUMN%s", m->name, wants[i].name, wants[i].need == EVENT ? "=VALUE" : "");
    if (o->adjust && !strcmp(o->adjust, "dunnett") && strcmp(m->name, "ancova")) return prc_fail(err, PRC_E_USAGE, "--adjust dunnett goes with --method ancova, whose contrasts share one variance");
    for (size_t i = 0; o->adjust && i < 7; i++)
        if (!strcmp(o->adjust, adjustments[i])) return PRC_OK;
    if (o->adjust) return prc_fail(err, PRC_E_USAGE, "--adjust knows bonferroni holm hochberg hommel bh dunnett, not `%s`", o->adjust);
    return PRC_OK;
}

static prc_status dispatch(const method *m, const an_data *d, an_result *r, prc_error *err) {
    const char *s = m->name;
    if (!strcmp(s, "ancova")) return at_visits(d, ancova, r, err);
    if (!strcmp(s, "welch")) return at_visits(d, welch, r, err);
    if (!strcmp(s, "wilcoxon")) return at_visits(d, wilcoxon, r, err);
    if (!strcmp(s, "responder")) return at_visits(d, responder, r, err);
    if (!strcmp(s, "mmrm")) return mmrm(d, r, err);
    if (!strcmp(s, "km")) return km(d, r, err);
    if (!strcmp(s, "logrank")) return logrank(d, 0, r, err);
    if (!strcmp(s, "peto")) return logrank(d, 1, r, err);
    if (!strcmp(s, "cox")) return cox(d, r, err);
    if (!strcmp(s, "incidence")) return incidence(d, r, err);
    if (!strcmp(s, "ordinal")) return ordinal(d, r, err);
    return counts(d, !strcmp(s, "negbin"), r, err);
}

prc_status cmd_analyse(const cli_options *o, prc_error *err) {
    const method *m = NULL;
    an_data d = {0};
    an_result r = {0};
    prc_status st;
    PRC_TRY(find_method(o->method, &m, err));
    PRC_TRY(check_options(o, m, err));
    PRC_GO(st, an_read(o, &d, err));
    if ((m->needs & REFERENCE) && d.reference < 0) {
        st = prc_fail(err, PRC_E_USAGE, "--method %s wants --reference LEVEL, one of column `%s`: %s%s%s", m->name, d.arm.column, d.arm.n_level ? d.arm.level[0] : "(no value)",
                      d.arm.n_level > 1 ? ", " : "", d.arm.n_level > 1 ? d.arm.level[1] : "");
        goto out;
    }
    if (d.arm.n_level > 1000) {
        st = prc_fail_at(err, PRC_E_VALUE, d.table->source, 0, 0, "column `%s` has %zu different values: is it the arm?", d.arm.column, d.arm.n_level);
        goto out;
    }
    PRC_GO(st, dispatch(m, &d, &r, err));
    st = an_print(&d, m->title, &r, err);
out:
    an_result_reset(&r);
    an_free(&d);
    return st;
}
