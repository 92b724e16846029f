/* What must hold between the files of a condition. */
#include "condition_int.h"

#include <math.h>
#include <string.h>

/* Filled by the dosing layer (therapy), so they need no row. */
static const char *const dosing_parameters[] = {"fate.t_first", "fate.N_prior"};

static void count_name(void *ctx, const prc_expr *name) {
    (void)name;
    ++*(size_t *)ctx;
}

bool prc_is_derived(const prc_var *v) {
    size_t n = 0;
    if (v->kind != PRC_VAR_PARAMETER || !v->initial) return false;
    prc_expr_names(v->initial, count_name, &n);
    return n > 0;
}

static const prc_row *row_that_sets(const prc_condition *c, int param) {
    for (size_t i = 0; i < c->n_row; i++)
        if (c->row[i].param == param && (c->row[i].kind == PRC_ROW_SET || c->row[i].kind == PRC_ROW_MULTIPLY))
            return &c->row[i];
    return NULL;
}

static bool has_row(const prc_condition *c, int param) {
    for (size_t i = 0; i < c->n_row; i++)
        if (c->row[i].param == param && (c->row[i].kind == PRC_ROW_PARAMETER || c->row[i].kind == PRC_ROW_SET))
            return true;
    return false;
}

static bool follows(const prc_condition *c, int param) {
    for (size_t i = 0; i < c->n_follow; i++)
        if (c->follow[i].param == param) return true;
    return false;
}

static prc_status fail_var(prc_loader *l, const prc_var *v, prc_status st, const char *text, const char *cure) {
    return prc_ast_fail(l->c->model->ast, v->source, v->line, v->col, st, l->err, "parameter `%s` %s\n%s", v->name,
                        text, cure);
}

static bool by_dosing(const char *name) {
    for (size_t i = 0; i < sizeof dosing_parameters / sizeof *dosing_parameters; i++)
        if (strcmp(name, dosing_parameters[i]) == 0) return true;
    return false;
}

static prc_status check_parameters(prc_loader *l) {
    const prc_condition *c = l->c;
    for (size_t p = 0; p < c->model->n_param; p++) {
        const prc_var *v = &c->model->var[c->model->param[p]];
        bool given = has_row(c, (int)p) || follows(c, (int)p);
        if (prc_is_derived(v) && (given || row_that_sets(c, (int)p)))
            return fail_var(l, v, PRC_E_MODEL,
                            "is computed in the model and also given in the ledger or the population",
                            "delete one of them");
        if (!given && !v->initial && !by_dosing(v->name)) {
            const char *cure = prc_arena_printf(
                c->arena, "add a row `%s` to %s/parameters.tsv, or let it follow in population.yaml", v->name, c->dir);
            return fail_var(l, v, PRC_E_KEY, "has no value", cure ? cure : "");
        }
    }
    return PRC_OK;
}

static prc_status check_rows(prc_loader *l) {
    const prc_condition *c = l->c;
    for (size_t i = 0; i < c->n_row; i++) {
        const prc_row *r = &c->row[i];
        if (r->kind != PRC_ROW_PARAMETER) continue;
        bool trial = strncmp(r->name, "trial.", 6) == 0;
        if (r->param < 0 && !trial && !l->formula_row[i]) {
            const char *near = prc_model_nearest(c->model, r->name);
            return prc_fail_at(l->err, PRC_E_KEY, r->file, r->line, 0,
                               "nothing uses `%s`: neither the model nor population.yaml%s%s%s", r->name,
                               near ? "; did you mean `" : "\ndelete the row, or correct its name", near ? near : "",
                               near ? "`?" : "");
        }
        if (r->param < 0 && r->between_patient_cv > 0)
            return prc_fail_at(l->err, PRC_E_VALUE, r->file, r->line, 0,
                               "`%s` is no model parameter, so it cannot vary between patients\nset between_patient_cv "
                               "to 0 and give the parameter that "
                               "follows it sd or cv in population.yaml",
                               r->name);
        if (r->between_patient_cv > 0 && !(r->value > 0))
            return prc_fail_at(l->err, PRC_E_VALUE, r->file, r->line, 0,
                               "`%s` varies log-normally but its value is not positive\nset between_patient_cv to 0",
                               r->name);
    }
    return PRC_OK;
}

/* ---- units ---------------------------------------------------------------------------------------------------- */

static double power(double x, int n) {
    double y = 1;
    for (int i = 0; i < (n < 0 ? -n : n); i++) y *= x;
    return n < 0 ? 1 / y : y;
}

/* A table unit (days) as a dimension of the model language (seconds). */
static void as_dim(const prc_unit *u, prc_dim *d) {
    memset(d, 0, sizeof *d);
    d->known = true;
    d->factor = u->factor * power(86400, u->dim[PRC_DIM_TIME]);
    d->exponent[PRC_AU_SECOND] = u->dim[PRC_DIM_TIME];
    d->exponent[PRC_AU_METRE] = u->dim[PRC_DIM_LENGTH];
    d->exponent[PRC_AU_KILOGRAM] = u->dim[PRC_DIM_MASS];
    d->exponent[PRC_AU_ITEM] = u->dim[PRC_DIM_ITEM];
    d->exponent[PRC_AU_DOSE] = u->dim[PRC_DIM_DOSE];
}

/* Equal up to rounding of the factor. */
static bool agree(const prc_dim *a, const prc_dim *b) {
    if (!a->known || !b->known) return true;
    for (int i = 0; i < PRC_AU_COUNT; i++)
        if (fabs(a->exponent[i] - b->exponent[i]) > 1e-9) return false;
    return fabs(a->factor - b->factor) <= 1e-9 * fabs(b->factor);
}

static prc_status check_unit(prc_loader *l, const prc_row *r, const prc_var *v) {
    prc_unit unit;
    prc_dim have;
    PRC_TRY(prc_unit_parse(r->unit, &unit, l->err)); /* parsed before, so it cannot fail */
    as_dim(&unit, &have);
    if (agree(&have, &v->dim)) return PRC_OK;
    char a[128], b[128];
    prc_dim_format(&have, a, sizeof a);
    prc_dim_format(&v->dim, b, sizeof b);
    return prc_fail_at(
        l->err, PRC_E_UNIT, r->file, r->line, 0,
        "`%s` is given in `%s` (%s), but the model has `%s` in %s%s%s (%s:%d)\nconvert the value, or correct the unit",
        r->name, r->unit, a, v->name, v->unit ? v->unit : "", v->unit ? " = " : "", b, v->source, v->line);
}

static prc_status check_trial_unit(prc_loader *l, const prc_row *r) {
    bool tau = strcmp(r->name, "placebo_tau") == 0;
    if (tau ? strcmp(r->unit, "d") == 0 : strcmp(r->unit, "%") == 0) return PRC_OK;
    return prc_fail_at(l->err, PRC_E_UNIT, r->file, r->line, 0, "`%s` is given in `%s`\nits unit is %s", r->name,
                       r->unit, tau ? "d" : "% (percent of a score's range)");
}

static prc_status check_units(prc_loader *l) {
    const prc_condition *c = l->c;
    for (size_t i = 0; i < c->n_row; i++) {
        const prc_row *r = &c->row[i];
        if (r->kind == PRC_ROW_TRIAL) PRC_TRY(check_trial_unit(l, r));
        if (r->kind == PRC_ROW_MULTIPLY && strcmp(r->unit, "1") != 0 && strcmp(r->unit, "dimensionless") != 0)
            return prc_fail_at(l->err, PRC_E_UNIT, r->file, r->line, 0, "a factor has the unit `%s`\nwrite 1", r->unit);
        if (r->kind == PRC_ROW_MULTIPLY) continue;
        if (r->param >= 0) PRC_TRY(check_unit(l, r, &c->model->var[c->model->param[r->param]]));
        if (r->state >= 0) PRC_TRY(check_unit(l, r, &c->model->var[c->model->state[r->state]]));
    }
    for (size_t i = 0; i < c->n_follow; i++)
        for (size_t k = 0; k < c->follow[i].n_value; k++) {
            int row = c->follow[i].value_row[k];
            if (row >= 0) PRC_TRY(check_unit(l, &c->row[row], &c->model->var[c->model->param[c->follow[i].param]]));
        }
    return PRC_OK;
}

/* ---- derived values ------------------------------------------------------------------------------------------- */

typedef struct reach {
    const prc_condition *c;
    const char *wanted;
    int depth;
    bool found;
} reach;

/* Does the value of an expression at the start depend on a name, directly or through what it uses? */
static void visit_reach(void *ctx, const prc_expr *name) {
    reach *r = ctx;
    if (r->found) return;
    r->found = strcmp(name->name, r->wanted) == 0;
    const prc_var *v = prc_condition_var(r->c, name->name);
    const prc_expr *next = !v ? NULL : v->kind == PRC_VAR_ASSIGNED ? v->rule : v->initial;
    if (r->found || !next || r->depth > 64) return;
    r->depth++;
    prc_expr_names(next, visit_reach, r);
    r->depth--;
}

/* A dose changes parameters after derived ones were computed: what it changes must not feed them. */
static prc_status check_late_changes(prc_loader *l) {
    const prc_condition *c = l->c;
    for (size_t p = 0; p < c->model->n_param; p++) {
        const prc_var *v = &c->model->var[c->model->param[p]];
        if (!prc_is_derived(v)) continue;
        for (size_t i = 0; i < c->n_row; i++) {
            const prc_row *r = &c->row[i];
            if (r->kind != PRC_ROW_SET && r->kind != PRC_ROW_MULTIPLY) continue;
            reach k = {c, r->name, 0, false};
            prc_expr_names(v->initial, visit_reach, &k);
            if (k.found)
                return prc_fail_at(l->err, PRC_E_MODEL, r->file, r->line, 0,
                                   "`%s` is changed by a route or product, but the start value of `%s` is computed "
                                   "from it\nmake `%s` a rule (:=)",
                                   r->name, v->name, v->name);
        }
    }
    return PRC_OK;
}

prc_status prc_check_condition(prc_loader *l) {
    PRC_TRY(check_rows(l));
    PRC_TRY(check_units(l));
    PRC_TRY(check_parameters(l));
    return check_late_changes(l);
}
