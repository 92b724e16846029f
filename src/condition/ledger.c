/* The ledger: parameters.tsv, routes.tsv and products.tsv, of the core and of the condition. */
#include "condition_int.h"

#include <math.h>
#include <string.h>

const char *const prc_distribution_names[] = {"fixed",      "normal",     "lognormal",  "uniform",
                                              "loguniform", "triangular", "exponential"};
static const char *const grade_names[] = {"measured", "derived", "calibrated", "assumed"};

static const char *const parameter_columns[] = {
    "name", "value", "unit", "lower", "upper", "distribution", "between_patient_cv", "grade", "source", "note"};
static const char *const route_columns[] = {"route", "kind",         "name",  "value",  "unit", "lower",
                                            "upper", "distribution", "grade", "source", "note"};
static const char *const product_columns[] = {"product", "key",   "level",        "kind",  "name",   "value", "unit",
                                              "lower",   "upper", "distribution", "grade", "source", "note"};

typedef enum file_kind { FILE_PARAMETERS, FILE_ROUTES, FILE_PRODUCTS } file_kind;

const char *prc_grade_name(prc_grade g) {
    return (unsigned)g < PRC_GRADE_COUNT ? grade_names[g] : "?";
}

static int by_name(const char *name, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0) return (int)i;
    return -1;
}

int prc_distribution_by_name(const char *name) {
    return by_name(name, prc_distribution_names, PRC_DISTRIBUTION_COUNT);
}

int prc_grade_by_name(const char *name) {
    return by_name(name, grade_names, PRC_GRADE_COUNT);
}

/* Does core/<module>.ant declare this name? A core row that no module could use is a slip. */
static prc_status core_declares(prc_loader *l, const char *name, bool *out) {
    *out = false;
    const char *dot = strchr(name, '.');
    if (!dot) return PRC_OK;
    const char *module = prc_arena_strndup(l->c->arena, name, (size_t)(dot - name));
    const char *path = prc_arena_printf(l->c->arena, "%s/%.*s.ant", l->core_dir, (int)(dot - name), name);
    const char *model = prc_arena_printf(l->c->arena, "core_%.*s", (int)(dot - name), name);
    if (!module || !path || !model) return prc_out_of_memory(l->err);
    if (!prc_file_exists(path)) return PRC_OK;
    if (!l->core_ast_name || strcmp(l->core_ast_name, module) != 0) {
        prc_ast_free(l->core_ast);
        l->core_ast = NULL;
        l->core_ast_name = module;
        PRC_TRY(prc_ast_read(path, &l->core_ast, l->err));
    }
    const prc_model_def *m = prc_ast_model(l->core_ast, model);
    for (size_t i = 0; m && i < m->n_item && !*out; i++)
        *out = m->item[i].name && strcmp(m->item[i].name, dot + 1) == 0;
    return PRC_OK;
}

/* What became of a row's name. */
typedef enum target { TARGET_FOUND, TARGET_SKIP, TARGET_POPULATION } target;

static prc_status fail_row(prc_loader *l, const prc_row *r, prc_status st, const char *what, const char *cure) {
    return prc_fail_at(l->err, st, r->file, r->line, 0, "`%s` %s\n%s", r->name, what, cure);
}

static prc_status fail_unknown(prc_loader *l, const prc_row *r) {
    const char *near = prc_model_nearest(l->c->model, r->name);
    return prc_fail_at(l->err, PRC_E_KEY, r->file, r->line, 0, "the model of `%s` has no `%s`%s%s%s", l->c->name,
                       r->name, near ? "; did you mean `" : "\ncorrect the name, or delete the row", near ? near : "",
                       near ? "`?" : "");
}

static prc_status find_target(prc_loader *l, prc_row *r, target *out) {
    bool dose = r->kind == PRC_ROW_DOSE;
    *out = TARGET_FOUND;
    r->param = r->state = -1;
    if (r->kind == PRC_ROW_TRIAL || (r->kind == PRC_ROW_PARAMETER && strncmp(r->name, "trial.", 6) == 0)) return PRC_OK;
    const prc_var *v = prc_condition_var(l->c, r->name);
    if (v && v->kind == (dose ? PRC_VAR_STATE : PRC_VAR_PARAMETER)) {
        *(dose ? &r->state : &r->param) = v->slot;
        return PRC_OK;
    }
    if (v && r->core && !dose) {
        *out = TARGET_SKIP; /* the condition computes what the core takes as given */
        return PRC_OK;
    }
    if (v && dose)
        return fail_row(l, r, PRC_E_KEY, "is not a state: a dose cannot be added to it",
                        "name a species or a variable with a rate");
    if (v)
        return fail_row(l, r, PRC_E_KEY,
                        v->kind == PRC_VAR_STATE ? "is a state, not a parameter"
                                                 : "is computed by a rule, not a parameter",
                        "declare a parameter for its start or delete the row");
    if (!r->core && r->kind == PRC_ROW_PARAMETER) {
        *out = TARGET_POPULATION; /* must turn up in population.yaml */
        return PRC_OK;
    }
    if (!r->core) return fail_unknown(l, r);
    bool known = false;
    PRC_TRY(core_declares(l, r->name, &known));
    /* A comparator of one condition may stand in the core list without a module of the core behind it. */
    if (!known && r->product && !strchr(r->name, '.')) known = true;
    if (!known)
        return fail_row(l, r, PRC_E_KEY, "is declared by no core module", "correct the name, or delete the row");
    *out = TARGET_SKIP;
    return PRC_OK;
}

/* ---- one row ------------------------------------------------------------------------------------------------- */

static prc_status check_range(prc_loader *l, const prc_row *r) {
    if (!isfinite(r->value))
        return fail_row(l, r, PRC_E_VALUE, "has no finite value", "write a number in the column value");
    if (r->distribution == PRC_FIXED) return PRC_OK;
    if (r->distribution == PRC_EXPONENTIAL)
        return fail_row(l, r, PRC_E_VALUE, "cannot be exponential here",
                        "exponential is for parameters in population.yaml");
    if (isnan(r->lower) || isnan(r->upper))
        return fail_row(l, r, PRC_E_VALUE, "has no lower or no upper", "give both, or set the distribution to fixed");
    if (!(r->lower <= r->value && r->value <= r->upper))
        return fail_row(l, r, PRC_E_VALUE, "lies outside its own range", "lower <= value <= upper must hold");
    bool log = r->distribution == PRC_LOGNORMAL || r->distribution == PRC_LOGUNIFORM;
    if (log && !(r->lower > 0))
        return fail_row(l, r, PRC_E_VALUE, "has a lower end that is not positive",
                        "a log distribution needs lower > 0");
    return PRC_OK;
}

static prc_status read_source(prc_loader *l, const prc_table *t, size_t i, prc_row *r) {
    int grade;
    PRC_TRY(prc_cell_choice(t, i, "grade", grade_names, PRC_GRADE_COUNT, &grade, l->err));
    r->grade = (prc_grade)grade;
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "source"), true, &r->source));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "note"), true, &r->note));
    if (!r->source && r->grade != PRC_ASSUMED)
        return prc_fail_at(l->err, PRC_E_VALUE, r->file, r->line, 0,
                           "`%s` is graded %s but has no source\nname a study id, or grade it assumed", r->name,
                           prc_grade_name(r->grade));
    return PRC_OK;
}

static prc_status read_numbers(prc_loader *l, const prc_table *t, size_t i, prc_row *r) {
    int d;
    PRC_TRY(prc_cell_number(t, i, "value", false, &r->value, l->err));
    PRC_TRY(prc_cell_number(t, i, "lower", true, &r->lower, l->err));
    PRC_TRY(prc_cell_number(t, i, "upper", true, &r->upper, l->err));
    PRC_TRY(prc_cell_choice(t, i, "distribution", prc_distribution_names, PRC_DISTRIBUTION_COUNT, &d, l->err));
    r->distribution = (prc_distribution)d;
    if (prc_table_col(t, "between_patient_cv") >= 0) {
        PRC_TRY(prc_cell_number(t, i, "between_patient_cv", true, &r->between_patient_cv, l->err));
        if (isnan(r->between_patient_cv)) r->between_patient_cv = 0;
        if (!(r->between_patient_cv >= 0 && r->between_patient_cv < 10))
            return fail_row(l, r, PRC_E_VALUE, "has a between_patient_cv that is negative or above 10",
                            "0.3 means 30 %");
    }
    return check_range(l, r);
}

typedef struct name_check {
    prc_loader *l;
    const prc_row *row;
    prc_status st;
} name_check;

static void check_dose_name(void *ctx, const prc_expr *name) {
    name_check *k = ctx;
    if (k->st != PRC_OK || strcmp(name->name, "n") == 0 || strcmp(name->name, "e") == 0) return;
    const prc_var *v = prc_condition_var(k->l->c, name->name);
    if (v && v->kind == PRC_VAR_PARAMETER) return;
    const char *near = prc_model_nearest(k->l->c->model, name->name);
    k->st = prc_fail_at(k->l->err, PRC_E_KEY, k->row->file, k->row->line, 0,
                        "the dose of `%s` uses `%s`, which is no parameter of the model%s%s%s\nallowed are n (viable "
                        "cells), e (1e10 particles) "
                        "and model parameters",
                        k->row->name, name->name, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
}

/* A dose: an amount as an expression, no range of its own. */
static prc_status read_dose(prc_loader *l, const prc_table *t, size_t i, prc_row *r) {
    r->value = r->lower = r->upper = (double)NAN;
    r->distribution = PRC_FIXED;
    PRC_TRY(prc_expr_parse(l->c->arena, prc_cell_text(t, i, "value"), r->file, r->line, 1, &r->formula, l->err));
    if (r->route) {
        const char *note = r->note ? r->note : "";
        if (strncmp(note, "cells", 5) != 0 && strncmp(note, "exosomes", 8) != 0)
            return fail_row(l, r, PRC_E_VALUE, "is a dose whose note does not say of what",
                            "begin the note with `cells` or `exosomes`");
    }
    return PRC_OK;
}

static prc_status check_dose(prc_loader *l, const prc_row *r) {
    name_check k = {l, r, PRC_OK};
    prc_expr_names(r->formula, check_dose_name, &k);
    return k.st;
}

static prc_status read_route(prc_loader *l, const prc_table *t, size_t i, prc_row *r) {
    static const char *const kinds[] = {"set", "dose", "trial"};
    static const prc_row_kind kind_of[] = {PRC_ROW_SET, PRC_ROW_DOSE, PRC_ROW_TRIAL};
    static const char *const trial_names[] = {"placebo_max", "placebo_tau"};
    int k, name;
    PRC_TRY(prc_cell_choice(t, i, "kind", kinds, 3, &k, l->err));
    r->kind = kind_of[k];
    if (r->kind == PRC_ROW_TRIAL) PRC_TRY(prc_cell_choice(t, i, "name", trial_names, 2, &name, l->err));
    return prc_keep(l, prc_cell_text(t, i, "route"), false, &r->route);
}

static prc_status read_product(prc_loader *l, const prc_table *t, size_t i, prc_row *r) {
    static const char *const kinds[] = {"set", "multiply", "dose"};
    static const prc_row_kind kind_of[] = {PRC_ROW_SET, PRC_ROW_MULTIPLY, PRC_ROW_DOSE};
    int k;
    PRC_TRY(prc_cell_choice(t, i, "kind", kinds, 3, &k, l->err));
    r->kind = kind_of[k];
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "product"), false, &r->product));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "key"), true, &r->key));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "level"), true, &r->level));
    if (!r->key != !r->level)
        return fail_row(l, r, PRC_E_VALUE, "has a key without a level or a level without a key",
                        "give both, or `-` for both");
    return PRC_OK;
}

static prc_status read_row(prc_loader *l, const prc_table *t, size_t i, file_kind kind, const char *path, bool core,
                           prc_row *r) {
    prc_unit unit;
    prc_error inner;
    memset(r, 0, sizeof *r);
    r->core = core;
    r->file = path;
    r->line = t->line[i];
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "name"), false, &r->name));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "unit"), true, &r->unit));
    if (!r->unit) r->unit = "1";
    if (prc_unit_parse(r->unit, &unit, &inner) != PRC_OK)
        return prc_fail_at(l->err, inner.status, path, r->line, 0, "the unit of `%s`: %s", r->name, inner.message);
    if (kind == FILE_ROUTES) PRC_TRY(read_route(l, t, i, r));
    if (kind == FILE_PRODUCTS) PRC_TRY(read_product(l, t, i, r));
    PRC_TRY(read_source(l, t, i, r));
    return r->kind == PRC_ROW_DOSE ? read_dose(l, t, i, r) : read_numbers(l, t, i, r);
}

/* ---- files --------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Two rows about the same thing. Doses of cells and of exosomes to one state are two things. */
static bool same_row(const prc_row *a, const prc_row *b) {
    if (a->kind != b->kind || strcmp(a->name, b->name) != 0 || !same_text(a->route, b->route)) return false;
    if (!same_text(a->product, b->product) || !same_text(a->key, b->key) || !same_text(a->level, b->level))
        return false;
    return a->kind != PRC_ROW_DOSE || !a->route || (a->note[0] == b->note[0]);
}

static prc_status add_row(prc_loader *l, const prc_row *r) {
    prc_condition *c = l->c;
    for (size_t i = 0; i < c->n_row; i++) {
        prc_row *old = &c->row[i];
        if (!same_row(old, r)) continue;
        if (old->core == r->core || old->overrides)
            return prc_fail_at(l->err, PRC_E_KEY, r->file, r->line, 0,
                               "`%s` stands here for the second time; the first is in line %d\ndelete one of them",
                               r->name, old->line);
        if (!r->note)
            return fail_row(l, r, PRC_E_VALUE, "replaces a core value without saying why",
                            "give the reason in the column note");
        *old = *r;
        old->overrides = true;
        c->n_override++;
        return PRC_OK;
    }
    if (!PRC_GROW(c->row, c->n_row, l->cap_row)) return prc_out_of_memory(l->err);
    c->row[c->n_row++] = *r;
    return PRC_OK;
}

/* Reads one file into the ledger; core rows that this condition has no use for are left out. */
static prc_status read_file(prc_loader *l, const char *dir, const char *name, file_kind kind, bool core) {
    static const char *const *const columns[] = {parameter_columns, route_columns, product_columns};
    static const size_t n_columns[] = {sizeof parameter_columns / sizeof *parameter_columns,
                                       sizeof route_columns / sizeof *route_columns,
                                       sizeof product_columns / sizeof *product_columns};
    const char *path;
    prc_table *t = NULL;
    prc_status st;
    PRC_TRY(prc_keep_path(l, dir, name, &path));
    if (!prc_file_exists(path) && (core || kind != FILE_PARAMETERS)) return PRC_OK;
    PRC_GO(st, prc_load_table(l, path, columns[kind], n_columns[kind], &t));
    for (size_t i = 0; i < t->n_row; i++) {
        prc_row r;
        target found;
        PRC_GO(st, read_row(l, t, i, kind, path, core, &r));
        PRC_GO(st, find_target(l, &r, &found));
        if (found == TARGET_SKIP) continue;
        if (r.kind == PRC_ROW_DOSE) PRC_GO(st, check_dose(l, &r));
        PRC_GO(st, add_row(l, &r));
    }
out:
    prc_table_free(t);
    return st;
}

prc_status prc_load_ledger(prc_loader *l) {
    const char *dir = l->c->dir;
    PRC_TRY(read_file(l, l->core_dir, "parameters.tsv", FILE_PARAMETERS, true));
    PRC_TRY(read_file(l, dir, "parameters.tsv", FILE_PARAMETERS, false));
    PRC_TRY(read_file(l, l->core_dir, "routes.tsv", FILE_ROUTES, true));
    PRC_TRY(read_file(l, dir, "routes.tsv", FILE_ROUTES, false));
    PRC_TRY(read_file(l, l->core_dir, "products.tsv", FILE_PRODUCTS, true));
    return read_file(l, dir, "products.tsv", FILE_PRODUCTS, false);
}
