/* population.yaml: who the patients are: covariates, what follows from them, what is held while they run in. */
#include "condition_int.h"

#include <math.h>
#include <string.h>

static prc_status memory(prc_loader *l, const void *p) {
    return p ? PRC_OK : prc_out_of_memory(l->err);
}

/* A number under a key of a map; absent gives NaN when optional. */
static prc_status get_number(prc_loader *l, const prc_tree *t, const prc_node *map, const char *key, bool optional,
                             double *out) {
    const prc_node *node = prc_node_get(map, key);
    *out = (double)NAN;
    if (node) return prc_node_number(t, node, out, l->err);
    return optional ? PRC_OK : prc_node_fail(t, map, PRC_E_KEY, l->err, "`%s` is missing here\nadd it", key);
}

static prc_status get_text(prc_loader *l, const prc_tree *t, const prc_node *map, const char *key, const char **out) {
    const prc_node *node = prc_node_get(map, key);
    const char *text;
    *out = NULL;
    if (!node) return PRC_OK;
    PRC_TRY(prc_node_text(t, node, &text, l->err));
    return prc_keep(l, text, true, out);
}

static prc_status expect_map(prc_loader *l, const prc_tree *t, const prc_node *node, const char *what) {
    if (node->kind == PRC_MAP) return PRC_OK;
    return prc_node_fail(t, node, PRC_E_SYNTAX, l->err,
                         "%s must be a mapping\nwrite key: value lines or { key: value }", what);
}

/* Grade of a block; every grade but assumed needs a source. */
static prc_status read_grade(prc_loader *l, const prc_tree *t, const prc_node *map, bool required, prc_grade *out) {
    const char *grade, *source;
    PRC_TRY(get_text(l, t, map, "grade", &grade));
    PRC_TRY(get_text(l, t, map, "source", &source));
    if (!grade && !required) return PRC_OK;
    if (!grade)
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "`grade` is missing here\nwrite measured, derived, calibrated or assumed");
    int g = prc_grade_by_name(grade);
    if (g < 0)
        return prc_node_fail(t, prc_node_get(map, "grade"), PRC_E_KEY, l->err,
                             "no grade `%s`\nallowed: measured, derived, calibrated, assumed", grade);
    *out = (prc_grade)g;
    if (!source && g != PRC_ASSUMED)
        return prc_node_fail(t, prc_node_get(map, "grade"), PRC_E_VALUE, l->err,
                             "graded %s but without a source\nname a study id, or grade it assumed", grade);
    return PRC_OK;
}

/* ---- distributions -------------------------------------------------------------------------------------------- */

typedef struct spread {
    prc_distribution distribution;
    double mean, sd, cv, min, max;
} spread;

static prc_status check_spread(prc_loader *l, const prc_tree *t, const prc_node *map, const spread *s) {
    if (s->sd < 0 || s->cv < 0)
        return prc_node_fail(t, map, PRC_E_VALUE, l->err, "a negative spread\nsd and cv are 0 or more");
    if (!isnan(s->sd) && !isnan(s->cv))
        return prc_node_fail(t, map, PRC_E_KEY, l->err, "both sd and cv are given\ndelete one of them");
    if (s->min > s->max) return prc_node_fail(t, map, PRC_E_VALUE, l->err, "min is larger than max\nswap them");
    return PRC_OK;
}

static prc_status check_mean(prc_loader *l, const prc_tree *t, const prc_node *map, const spread *s) {
    if (s->distribution == PRC_UNIFORM) {
        if (s->min < s->max) return PRC_OK;
        return prc_node_fail(t, map, PRC_E_KEY, l->err, "a uniform distribution needs min and max");
    }
    if (isnan(s->mean)) return prc_node_fail(t, map, PRC_E_KEY, l->err, "`mean` is missing here\nadd it");
    bool positive = s->distribution == PRC_LOGNORMAL || s->distribution == PRC_EXPONENTIAL;
    if (positive && !(s->mean > 0))
        return prc_node_fail(t, map, PRC_E_VALUE, l->err, "the mean of such a distribution must be positive");
    if (s->distribution != PRC_EXPONENTIAL && isnan(s->sd) && isnan(s->cv))
        return prc_node_fail(t, map, PRC_E_KEY, l->err, "`sd` (or `cv`) is missing here\nadd it");
    if (s->mean < s->min || s->mean > s->max)
        return prc_node_fail(t, map, PRC_E_VALUE, l->err, "the mean lies outside min and max");
    return PRC_OK;
}

/* distribution, mean, sd or cv, min, max; a cv becomes an sd of the mean. */
static prc_status read_spread(prc_loader *l, const prc_tree *t, const prc_node *map, spread *s) {
    static const char *const allowed[] = {"normal", "lognormal", "uniform", "exponential"};
    const prc_node *node = prc_node_get(map, "distribution");
    s->distribution = PRC_FIXED;
    PRC_TRY(get_number(l, t, map, "mean", true, &s->mean));
    PRC_TRY(get_number(l, t, map, "sd", true, &s->sd));
    PRC_TRY(get_number(l, t, map, "cv", true, &s->cv));
    PRC_TRY(get_number(l, t, map, "min", true, &s->min));
    PRC_TRY(get_number(l, t, map, "max", true, &s->max));
    PRC_TRY(check_spread(l, t, map, s));
    if (!node) return PRC_OK;
    const char *name;
    PRC_TRY(prc_node_text(t, node, &name, l->err));
    for (size_t i = 0; i < 4; i++)
        if (strcmp(name, allowed[i]) == 0) s->distribution = (prc_distribution)prc_distribution_by_name(name);
    if (s->distribution == PRC_FIXED) {
        const char *near = prc_nearest(name, allowed, 4);
        return prc_node_fail(t, node, PRC_E_KEY, l->err,
                             "no distribution `%s`%s%s%s\nallowed: normal, lognormal, uniform, exponential", name,
                             near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    PRC_TRY(check_mean(l, t, map, s));
    if (s->distribution == PRC_UNIFORM) s->mean = 0.5 * (s->min + s->max);
    if (isnan(s->sd) && !isnan(s->cv)) s->sd = s->cv * fabs(s->mean);
    return PRC_OK;
}

/* ---- covariates ----------------------------------------------------------------------------------------------- */

/* All categories are numbers, or they are words numbered in the order of the file. */
static void number_categories(prc_covariate *v) {
    bool numeric = true;
    for (size_t i = 0; i < v->n_category; i++) numeric = numeric && prc_parse_double(v->category[i], &v->code[i]);
    for (size_t i = 0; !numeric && i < v->n_category; i++) v->code[i] = (double)i;
}

static prc_status read_categories(prc_loader *l, const prc_tree *t, const prc_node *map, prc_covariate *v) {
    double sum = 0;
    PRC_TRY(expect_map(l, t, map, "categories"));
    if (map->n < 2) return prc_node_fail(t, map, PRC_E_VALUE, l->err, "fewer than two categories");
    v->n_category = map->n;
    PRC_TRY(memory(l, v->category = prc_arena_alloc(l->c->arena, map->n, sizeof *v->category)));
    PRC_TRY(memory(l, v->code = prc_arena_alloc(l->c->arena, map->n, sizeof *v->code)));
    PRC_TRY(memory(l, v->probability = prc_arena_alloc(l->c->arena, map->n, sizeof *v->probability)));
    for (size_t i = 0; i < map->n; i++) {
        PRC_TRY(prc_keep(l, map->key[i], false, &v->category[i]));
        PRC_TRY(prc_node_number(t, map->child[i], &v->probability[i], l->err));
        if (!(v->probability[i] >= 0 && v->probability[i] <= 1))
            return prc_node_fail(t, map->child[i], PRC_E_VALUE, l->err, "a share lies between 0 and 1");
        sum += v->probability[i];
    }
    if (fabs(sum - 1) > 1e-6)
        return prc_node_fail(t, map, PRC_E_VALUE, l->err, "the shares add up to %g\nthey must add up to 1", sum);
    for (size_t i = 0; i < map->n; i++) v->probability[i] /= sum;
    number_categories(v);
    return PRC_OK;
}

static prc_status check_covariate_name(prc_loader *l, const prc_tree *t, const prc_node *node, const char *name) {
    const prc_condition *c = l->c;
    if (prc_condition_var(c, name) || prc_condition_row(c, name) >= 0)
        return prc_node_fail(t, node, PRC_E_KEY, l->err,
                             "the covariate `%s` has the name of a %s\nrename the covariate; a parameter can follow it "
                             "through a formula",
                             name, prc_condition_var(c, name) ? "quantity of the model" : "row of the ledger");
    return PRC_OK;
}

static prc_status read_covariate(prc_loader *l, const prc_tree *t, const char *name, const prc_node *map,
                                 prc_covariate *v) {
    static const char *const keys[] = {"distribution", "mean",       "sd",    "cv",     "min", "max",
                                       "unit",         "categories", "grade", "source", "note"};
    prc_unit unit;
    spread s;
    PRC_TRY(expect_map(l, t, map, "a covariate"));
    PRC_TRY(prc_node_allow(t, map, keys, sizeof keys / sizeof *keys, l->err));
    PRC_TRY(check_covariate_name(l, t, map, name));
    PRC_TRY(prc_keep(l, name, false, &v->name));
    PRC_TRY(get_text(l, t, map, "unit", &v->unit));
    PRC_TRY(get_text(l, t, map, "source", &v->source));
    PRC_TRY(read_grade(l, t, map, true, &v->grade));
    if (!v->unit) v->unit = "1";
    prc_error inner;
    if (prc_unit_parse(v->unit, &unit, &inner) != PRC_OK)
        return prc_node_fail(t, prc_node_get(map, "unit"), PRC_E_UNIT, l->err, "%s", inner.message);
    const prc_node *categories = prc_node_get(map, "categories");
    PRC_TRY(read_spread(l, t, map, &s));
    v->distribution = s.distribution;
    v->mean = s.mean, v->sd = s.sd, v->min = s.min, v->max = s.max;
    if (categories && s.distribution != PRC_FIXED)
        return prc_node_fail(t, map, PRC_E_KEY, l->err, "both categories and a distribution\ndelete one of them");
    if (categories) return read_categories(l, t, categories, v);
    if (s.distribution == PRC_FIXED)
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "neither categories nor a distribution\nadd `distribution: normal, mean:, sd:`");
    return PRC_OK;
}

static prc_status read_covariates(prc_loader *l, const prc_tree *t, const prc_node *map) {
    prc_condition *c = l->c;
    if (!map) return PRC_OK;
    PRC_TRY(expect_map(l, t, map, "covariates"));
    PRC_TRY(memory(l, c->covariate = prc_arena_alloc(c->arena, map->n + 1, sizeof *c->covariate)));
    for (size_t i = 0; i < map->n; i++) {
        PRC_TRY(read_covariate(l, t, map->key[i], map->child[i], &c->covariate[i]));
        c->n_covariate++;
    }
    return PRC_OK;
}

/* ---- parameters that follow covariates ------------------------------------------------------------------------ */

static prc_status use_row(prc_loader *l, const prc_tree *t, const prc_node *node, const char *name, int *row) {
    *row = prc_condition_row(l->c, name);
    if (*row >= 0) {
        l->formula_row[*row] = true;
        return PRC_OK;
    }
    const char **names = prc_arena_alloc(l->c->arena, l->c->n_row + l->c->n_covariate + 1, sizeof *names);
    PRC_TRY(memory(l, names));
    size_t n = 0;
    for (size_t i = 0; i < l->c->n_row; i++)
        if (l->c->row[i].kind == PRC_ROW_PARAMETER) names[n++] = l->c->row[i].name;
    for (size_t i = 0; i < l->c->n_covariate; i++) names[n++] = l->c->covariate[i].name;
    const char *near = prc_nearest(name, names, n);
    return prc_node_fail(t, node, PRC_E_KEY, l->err,
                         "`%s` is neither a row of the ledger nor a covariate%s%s%s\nadd a row to parameters.tsv", name,
                         near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
}

/* Position of a category among the values; each category must have one. */
static int category_of(const prc_covariate *v, const char *name) {
    for (size_t i = 0; i < v->n_category; i++)
        if (strcmp(v->category[i], name) == 0) return (int)i;
    return -1;
}

static prc_status read_value(prc_loader *l, const prc_tree *t, const prc_node *map, size_t i, const prc_covariate *v,
                             prc_follow *f) {
    const char *text;
    int k = category_of(v, map->key[i]);
    if (k < 0) {
        const char *near = prc_nearest(map->key[i], v->category, v->n_category);
        return prc_node_fail(t, map->child[i], PRC_E_KEY, l->err, "`%s` is no category of `%s`%s%s%s", map->key[i],
                             v->name, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    PRC_TRY(prc_node_text(t, map->child[i], &text, l->err));
    f->by_code[i] = v->code[k];
    f->value_row[i] = -1;
    if (prc_parse_double(text, &f->value[i])) {
        if (isfinite(f->value[i])) return PRC_OK;
        return prc_node_fail(t, map->child[i], PRC_E_VALUE, l->err, "not a finite number");
    }
    f->value[i] = (double)NAN;
    return use_row(l, t, map->child[i], text, &f->value_row[i]);
}

static prc_status read_by(prc_loader *l, const prc_tree *t, const prc_node *map, const prc_node *by, prc_follow *f) {
    prc_condition *c = l->c;
    const char *name;
    const prc_node *values = prc_node_get(map, "values");
    PRC_TRY(prc_node_text(t, by, &name, l->err));
    f->by = prc_condition_covariate(c, name);
    if (f->by < 0)
        return prc_node_fail(t, by, PRC_E_KEY, l->err, "no covariate `%s`\ndeclare it under covariates", name);
    const prc_covariate *v = &c->covariate[f->by];
    if (v->n_category == 0)
        return prc_node_fail(t, by, PRC_E_KEY, l->err, "`%s` has no categories\nuse a formula over it", name);
    if (!values)
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "`values` is missing here\ngive one value for each category of `%s`", name);
    PRC_TRY(expect_map(l, t, values, "values"));
    if (values->n != v->n_category)
        return prc_node_fail(t, values, PRC_E_KEY, l->err,
                             "%zu values for the %zu categories of `%s`\ngive one for each", values->n, v->n_category,
                             name);
    f->n_value = values->n;
    PRC_TRY(memory(l, f->by_code = prc_arena_alloc(c->arena, values->n, sizeof *f->by_code)));
    PRC_TRY(memory(l, f->value = prc_arena_alloc(c->arena, values->n, sizeof *f->value)));
    PRC_TRY(memory(l, f->value_row = prc_arena_alloc(c->arena, values->n, sizeof *f->value_row)));
    for (size_t i = 0; i < values->n; i++) PRC_TRY(read_value(l, t, values, i, v, f));
    return PRC_OK;
}

typedef struct formula_check {
    prc_loader *l;
    const prc_tree *t;
    const prc_node *node;
    prc_status st;
} formula_check;

static void check_formula_name(void *ctx, const prc_expr *name) {
    formula_check *k = ctx;
    int row;
    if (k->st != PRC_OK || prc_condition_covariate(k->l->c, name->name) >= 0) return;
    k->st = use_row(k->l, k->t, k->node, name->name, &row);
}

static prc_status read_formula(prc_loader *l, const prc_tree *t, const prc_node *node, prc_follow *f) {
    const char *text;
    PRC_TRY(prc_node_text(t, node, &text, l->err));
    PRC_TRY(prc_expr_parse(l->c->arena, text, t->source, node->line, node->col + (node->quoted ? 1 : 0), &f->formula,
                           l->err));
    formula_check k = {l, t, node, PRC_OK};
    prc_expr_names(f->formula, check_formula_name, &k);
    return k.st;
}

/* A parameter has one source of its value: its ledger row is used only where the formula names it. */
static prc_status check_one_source(prc_loader *l, const prc_tree *t, const prc_node *map, const prc_follow *f) {
    int row = prc_condition_row(l->c, f->name);
    if (row < 0) return PRC_OK;
    bool own = f->formula != NULL && l->formula_row[row];
    if (!own && !l->c->row[row].core) /* a core value gives way to the population of the condition */
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "`%s` also has a value in the ledger (line %d of %s), which would have no effect\ndelete "
                             "the row, or use it in a formula",
                             f->name, l->c->row[row].line, l->c->row[row].file);
    if (l->c->row[row].between_patient_cv > 0 && (f->sd > 0 || f->cv > 0))
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "`%s` varies here and by between_patient_cv of the ledger\nset one of them to 0", f->name);
    return PRC_OK;
}

static prc_status read_follow(prc_loader *l, const prc_tree *t, const char *name, const prc_node *map, prc_follow *f) {
    static const char *const keys[] = {"by",  "values", "formula", "distribution", "mean",   "sd",  "cv",
                                       "min", "max",    "unit",    "grade",        "source", "note"};
    prc_grade grade = PRC_ASSUMED;
    spread s;
    PRC_TRY(expect_map(l, t, map, "a parameter"));
    PRC_TRY(prc_node_allow(t, map, keys, sizeof keys / sizeof *keys, l->err));
    const prc_var *v = prc_condition_var(l->c, name);
    if (!v || v->kind != PRC_VAR_PARAMETER) {
        const char *near = v ? NULL : prc_model_nearest(l->c->model, name);
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "`%s` is no parameter of the model%s%s%s\nonly parameters can follow covariates", name,
                             near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    PRC_TRY(prc_keep(l, name, false, &f->name));
    f->param = v->slot;
    f->by = -1;
    PRC_TRY(read_grade(l, t, map, false, &grade));
    PRC_TRY(read_spread(l, t, map, &s));
    f->distribution = s.distribution;
    f->mean = s.mean, f->sd = s.sd, f->cv = s.cv, f->min = s.min, f->max = s.max;
    const prc_node *by = prc_node_get(map, "by"), *formula = prc_node_get(map, "formula");
    if ((by != NULL) + (formula != NULL) + (s.distribution != PRC_FIXED) != 1)
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "`%s` needs exactly one of: by and values, formula, distribution", name);
    if (by) PRC_TRY(read_by(l, t, map, by, f));
    if (formula) PRC_TRY(read_formula(l, t, formula, f));
    return check_one_source(l, t, map, f);
}

static prc_status read_follows(prc_loader *l, const prc_tree *t, const prc_node *map) {
    prc_condition *c = l->c;
    if (!map) return PRC_OK;
    PRC_TRY(expect_map(l, t, map, "parameters"));
    PRC_TRY(memory(l, c->follow = prc_arena_alloc(c->arena, map->n + 1, sizeof *c->follow)));
    for (size_t i = 0; i < map->n; i++) {
        PRC_TRY(read_follow(l, t, map->key[i], map->child[i], &c->follow[i]));
        c->n_follow++;
    }
    return PRC_OK;
}

/* ---- run-in and the untreated ---------------------------------------------------------------------------------- */

static prc_status read_hold(prc_loader *l, const prc_tree *t, const prc_node *list) {
    prc_condition *c = l->c;
    if (!list) return PRC_OK;
    if (list->kind != PRC_LIST)
        return prc_node_fail(t, list, PRC_E_SYNTAX, l->err, "hold must be a list of states, e.g. [K, P]");
    PRC_TRY(memory(l, c->hold = prc_arena_alloc(c->arena, list->n + 1, sizeof *c->hold)));
    for (size_t i = 0; i < list->n; i++) {
        const char *name;
        PRC_TRY(prc_node_text(t, list->child[i], &name, l->err));
        const prc_var *v = prc_condition_var(c, name);
        if (!v || v->kind != PRC_VAR_STATE) {
            const char *near = v ? NULL : prc_model_nearest(c->model, name);
            return prc_node_fail(t, list->child[i], PRC_E_KEY, l->err, "`%s` is no state of the model%s%s%s", name,
                                 near ? "; did you mean `" : "", near ? near : "\nonly states can be held",
                                 near ? "`?" : "");
        }
        c->hold[c->n_hold++] = v->name;
    }
    return PRC_OK;
}

static prc_status read_untreated(prc_loader *l, const prc_tree *t, const prc_node *map) {
    static const char *const keys[] = {"disease", "on", "off"};
    prc_condition *c = l->c;
    c->disease_on = 1;
    if (!map) return PRC_OK;
    PRC_TRY(expect_map(l, t, map, "untreated"));
    PRC_TRY(prc_node_allow(t, map, keys, 3, l->err));
    PRC_TRY(get_text(l, t, map, "disease", &c->disease_switch));
    PRC_TRY(get_number(l, t, map, "on", false, &c->disease_on));
    PRC_TRY(get_number(l, t, map, "off", false, &c->disease_off));
    const prc_var *v = c->disease_switch ? prc_condition_var(c, c->disease_switch) : NULL;
    if (!v || v->kind != PRC_VAR_PARAMETER)
        return prc_node_fail(t, map, PRC_E_KEY, l->err,
                             "`disease` must name the model parameter that switches the disease");
    return PRC_OK;
}

static prc_status read_words(prc_loader *l, const prc_tree *t, const prc_node *map) {
    static const char *const keys[] = {"title", "evidence_level", "site", "summary"};
    prc_condition *c = l->c;
    c->title = c->name;
    c->evidence_level = c->site = c->summary = "";
    if (!map) return PRC_OK;
    PRC_TRY(expect_map(l, t, map, "condition"));
    PRC_TRY(prc_node_allow(t, map, keys, 4, l->err));
    const char **field[] = {&c->title, &c->evidence_level, &c->site, &c->summary};
    for (size_t i = 0; i < 4; i++) {
        const char *text;
        PRC_TRY(get_text(l, t, map, keys[i], &text));
        if (text) *field[i] = text;
    }
    return PRC_OK;
}

static prc_status read_population(prc_loader *l, const prc_tree *t) {
    static const char *const keys[] = {"condition", "covariates", "correlation", "parameters",
                                       "hold",      "run_in",     "untreated"};
    const prc_node *root = t->root, *run_in = prc_node_get(root, "run_in");
    PRC_TRY(expect_map(l, t, root, "the file"));
    PRC_TRY(prc_node_allow(t, root, keys, sizeof keys / sizeof *keys, l->err));
    PRC_TRY(read_words(l, t, prc_node_get(root, "condition")));
    PRC_TRY(read_covariates(l, t, prc_node_get(root, "covariates")));
    PRC_TRY(read_follows(l, t, prc_node_get(root, "parameters")));
    PRC_TRY(prc_load_correlation(l, t, prc_node_get(root, "correlation")));
    PRC_TRY(read_hold(l, t, prc_node_get(root, "hold")));
    PRC_TRY(read_untreated(l, t, prc_node_get(root, "untreated")));
    if (!run_in) return PRC_OK;
    PRC_TRY(prc_node_quantity(t, run_in, "d", &l->c->run_in, l->err));
    if (l->c->run_in >= 0 && l->c->run_in <= 1e6) return PRC_OK;
    return prc_node_fail(t, run_in, PRC_E_VALUE, l->err, "run_in must be between 0 and 1e6 d");
}

prc_status prc_load_population(prc_loader *l) {
    const char *path;
    prc_tree *t = NULL;
    prc_status st;
    PRC_TRY(prc_keep_path(l, l->c->dir, "population.yaml", &path));
    PRC_GO(st, prc_load_tree(l, path, &t));
    PRC_GO(st, read_population(l, t));
out:
    prc_tree_free(t);
    return st;
}
