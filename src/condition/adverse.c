/* adverse_events.tsv: how often something unwanted follows an administration. */
#include "condition_int.h"

#include <math.h>

static const char *const columns[] = {
    "name", "label", "product", "source_key", "control_probability", "probability", "duration_low", "duration_high",
    "unit", "grade", "source",  "note"};

static prc_status read_probability(prc_loader *l, const prc_table *t, size_t i, const char *column, double *out) {
    PRC_TRY(prc_cell_number(t, i, column, false, out, l->err));
    if (*out >= 0 && *out <= 1) return PRC_OK;
    return prc_fail_at(l->err, PRC_E_VALUE, t->source, t->line[i], 0, "%s is %g\na probability lies between 0 and 1",
                       column, *out);
}

static prc_status read_durations(prc_loader *l, const prc_table *t, size_t i, prc_adverse *a) {
    static const prc_unit day = {1, {1, 0, 0, 0, 0}};
    prc_unit unit;
    prc_error inner;
    const char *text = prc_cell_text(t, i, "unit");
    PRC_TRY(prc_cell_number(t, i, "duration_low", false, &a->duration_low, l->err));
    PRC_TRY(prc_cell_number(t, i, "duration_high", false, &a->duration_high, l->err));
    if (prc_unit_parse(text, &unit, &inner) != PRC_OK)
        return prc_fail_at(l->err, PRC_E_UNIT, t->source, t->line[i], 0, "%s", inner.message);
    if (!prc_unit_same_dim(&unit, &day))
        return prc_fail_at(l->err, PRC_E_UNIT, t->source, t->line[i], 0,
                           "the unit of a duration is `%s`, which is no time\nwrite d, wk or mo", text);
    a->duration_low *= unit.factor;
    a->duration_high *= unit.factor;
    if (a->duration_low >= 0 && a->duration_high >= a->duration_low) return PRC_OK;
    return prc_fail_at(l->err, PRC_E_VALUE, t->source, t->line[i], 0,
                       "durations must be 0 <= duration_low <= duration_high");
}

static prc_status read_adverse(prc_loader *l, const prc_table *t, size_t i, prc_adverse *a) {
    int grade;
    const char *names[PRC_GRADE_COUNT];
    for (int g = 0; g < PRC_GRADE_COUNT; g++) names[g] = prc_grade_name((prc_grade)g);
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "name"), false, &a->name));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "label"), false, &a->label));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "product"), false, &a->product));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "source_key"), true, &a->source_key));
    PRC_TRY(read_probability(l, t, i, "control_probability", &a->control_probability));
    PRC_TRY(read_probability(l, t, i, "probability", &a->probability));
    PRC_TRY(read_durations(l, t, i, a));
    PRC_TRY(prc_cell_choice(t, i, "grade", names, PRC_GRADE_COUNT, &grade, l->err));
    a->grade = (prc_grade)grade;
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "source"), true, &a->source));
    PRC_TRY(prc_keep(l, prc_cell_text(t, i, "note"), true, &a->note));
    if (!a->source && a->grade != PRC_ASSUMED)
        return prc_fail_at(l->err, PRC_E_VALUE, t->source, t->line[i], 0,
                           "`%s` is graded %s but has no source\nname a study id, or grade it assumed", a->name,
                           prc_grade_name(a->grade));
    return PRC_OK;
}

prc_status prc_load_adverse(prc_loader *l) {
    prc_condition *c = l->c;
    const char *path;
    prc_table *t = NULL;
    prc_status st;
    PRC_TRY(prc_keep_path(l, c->dir, "adverse_events.tsv", &path));
    if (!prc_file_exists(path)) return PRC_OK;
    PRC_GO(st, prc_load_table(l, path, columns, sizeof columns / sizeof *columns, &t));
    c->adverse = prc_arena_alloc(c->arena, t->n_row ? t->n_row : 1, sizeof *c->adverse);
    if (!c->adverse) {
        st = prc_out_of_memory(l->err);
        goto out;
    }
    for (size_t i = 0; i < t->n_row; i++) PRC_GO(st, read_adverse(l, t, i, &c->adverse[c->n_adverse++]));
out:
    prc_table_free(t);
    return st;
}
