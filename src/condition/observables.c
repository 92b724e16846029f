/* observables.tsv: what can be seen of a patient. */
#include "condition_int.h"

#include <math.h>
#include <string.h>

static const char *const columns[] = {"name", "label",     "kind",          "formula",    "unit",        "min",
                                      "max",  "direction", "mcid",          "mcid_unit",  "mcid_source", "residual_sd",
                                      "icc",  "rounding",  "placebo_share", "subject_sd", "note"};
static const char *const kinds[] = {"score", "image", "grade", "event", "readout"};
static const char *const directions[] = {"down", "-", "up"};

typedef struct name_check {
    prc_loader *l;
    const prc_table *t;
    int line;
    const char *observable;
    prc_status st;
} name_check;

static void check_name(void *ctx, const prc_expr *name) {
    name_check *k = ctx;
    if (k->st != PRC_OK || prc_condition_var(k->l->c, name->name)) return;
    const char *near = prc_model_nearest(k->l->c->model, name->name);
    k->st = prc_fail_at(k->l->err, PRC_E_KEY, k->t->source, k->line, 0,
                        "the formula of `%s` uses `%s`, which the model does not have%s%s%s", k->observable, name->name,
                        near ? "; did you mean `" : "\nuse names of the flattened model (`paracrine model show`)",
                        near ? near : "", near ? "`?" : "");
}

static prc_status read_formula(prc_loader *l, const prc_table *t, size_t i, prc_observable *o) {
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "formula"), false, &o->formula_text));
    PRC_TRY(prc_expr_parse(l->c->arena, o->formula_text, t->source, o->line, 1, &o->formula, l->err));
    name_check k = {l, t, o->line, o->name, PRC_OK};
    prc_expr_names(o->formula, check_name, &k);
    return k.st;
}

/* A number that is 0 where the table leaves it out; negative ones are slips. */
static prc_status read_size(prc_loader *l, const prc_table *t, size_t i, const char *column, double *out) {
    PRC_TRY(prc_cell_number(t, i, column, true, out, l->err));
    if (isnan(*out)) *out = 0;
    if (*out < 0)
        return prc_fail_at(l->err, PRC_E_VALUE, t->source, t->line[i], 0, "%s is negative (%g)\ngive 0 or more", column,
                           *out);
    return PRC_OK;
}

static prc_status fail_row(prc_loader *l, const prc_table *t, const prc_observable *o, const char *what) {
    return prc_fail_at(l->err, PRC_E_VALUE, t->source, o->line, 0, "observable `%s` %s", o->name, what);
}

static prc_status read_measurement(prc_loader *l, const prc_table *t, size_t i, prc_observable *o) {
    PRC_TRY(prc_cell_number(t, i, "icc", true, &o->icc, l->err));
    PRC_TRY(read_size(l, t, i, "residual_sd", &o->residual_sd));
    PRC_TRY(read_size(l, t, i, "rounding", &o->rounding));
    PRC_TRY(read_size(l, t, i, "placebo_share", &o->placebo_share));
    PRC_TRY(read_size(l, t, i, "subject_sd", &o->subject_sd));
    if (o->kind == PRC_OB_SCORE && o->residual_sd > 0 && isnan(o->icc))
        return fail_row(l, t, o, "has a residual_sd but no icc\ngive its test-retest reliability, 0 to 1");
    if (isnan(o->icc)) o->icc = 1;
    if (!(o->icc >= 0 && o->icc <= 1))
        return fail_row(l, t, o, "has an icc outside 0 to 1\ngive its test-retest reliability");
    if (o->kind == PRC_OB_IMAGE && o->placebo_share > 0)
        return fail_row(l, t, o, "is an image but has a placebo_share\nimages do not respond to placebo: write 0");
    if (o->kind == PRC_OB_SCORE && (isnan(o->min) || isnan(o->max)))
        return fail_row(l, t, o, "is a score without a range\ngive min and max");
    return PRC_OK;
}

static prc_status read_observable(prc_loader *l, const prc_table *t, size_t i, prc_observable *o) {
    int kind, direction;
    o->line = t->line[i];
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "name"), false, &o->name));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "label"), false, &o->label));
    PRC_TRY(prc_cell_choice(t, i, "kind", kinds, 5, &kind, l->err));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "unit"), true, &o->unit));
    PRC_TRY(prc_cell_choice(t, i, "direction", directions, 3, &direction, l->err));
    o->kind = (prc_observable_kind)kind;
    o->direction = direction - 1;
    if (!o->unit) o->unit = "1";
    PRC_TRY(read_formula(l, t, i, o));
    PRC_TRY(prc_cell_number(t, i, "min", true, &o->min, l->err));
    PRC_TRY(prc_cell_number(t, i, "max", true, &o->max, l->err));
    if (o->min >= o->max) return fail_row(l, t, o, "has min >= max\nthe range must not be empty");
    PRC_TRY(prc_cell_number(t, i, "mcid", true, &o->mcid, l->err));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "mcid_unit"), true, &o->mcid_unit));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "mcid_source"), true, &o->mcid_source));
    if (!isnan(o->mcid) && !(o->mcid > 0))
        return fail_row(l, t, o, "has an mcid that is not positive\nwrite its size; direction says which way");
    if (!isnan(o->mcid) && o->direction == 0)
        return fail_row(l, t, o, "has an mcid but no direction\nwrite up or down");
    if (!o->mcid_unit) o->mcid_unit = o->unit;
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "note"), true, &o->note));
    return read_measurement(l, t, i, o);
}

prc_status prc_load_observables(prc_loader *l) {
    prc_condition *c = l->c;
    const char *path;
    prc_table *t = NULL;
    prc_status st;
    PRC_TRY(prc_keep_path(l, c->dir, "observables.tsv", &path));
    PRC_GO(st, prc_load_table(l, path, columns, sizeof columns / sizeof *columns, &t));
    c->observable = prc_arena_alloc(c->arena, t->n_row ? t->n_row : 1, sizeof *c->observable);
    if (!c->observable) {
        st = prc_out_of_memory(l->err);
        goto out;
    }
    for (size_t i = 0; i < t->n_row; i++) {
        prc_observable *o = &c->observable[i];
        PRC_GO(st, read_observable(l, t, i, o));
        if (prc_condition_observable(c, o->name) >= 0) {
            st = fail_row(l, t, o, "stands in the table twice\ndelete or rename one");
            goto out;
        }
        c->n_observable++;
    }
out:
    prc_table_free(t);
    return st;
}
