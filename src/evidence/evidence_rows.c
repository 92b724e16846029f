/* Reading the five CSV files: every cell is checked here, with file and line, before anything uses it. */
#include "evidence_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRC_X(c) #c,
static const char *const STUDY_COLUMN[] = { PRC_STUDY_COLUMNS(PRC_X) };
static const char *const ARM_COLUMN[] = { PRC_ARM_COLUMNS(PRC_X) };
static const char *const OUTCOME_COLUMN[] = { PRC_OUTCOME_COLUMNS(PRC_X) };
static const char *const CONFLICT_COLUMN[] = { PRC_CONFLICT_COLUMNS(PRC_X) };
static const char *const REPORTING_COLUMN[] = { PRC_REPORTING_COLUMNS(PRC_X) };
#undef PRC_X

const char *const prc_evidence_roles[] = { "tuned", "built-in", "independent", NULL };
const char *const prc_evidence_kinds[] = { "effect", "natural-history", "mechanism", "safety", "protocol", "cost", "epidemiology", "constraint", NULL };
static const char *const SOURCES[] = { "paper", "registry", "press", "model", "vendor article", "vendor summary", NULL };
static const char *const DONORS[] = { "autologous", "allogeneic", "xenogeneic", "not reported", "-", NULL };
static const char *const FOLLOWED[] = { "a", "b", "both", "neither", "none (no model yet)", NULL };
static const char *const SPREADS[] = { "sd", "se", "ci95", "ci90", "iqr", "range", "p", NULL };
/* Effect measures and laboratory units that our units do not know: numbers to be read, not converted. */
static const char *const MEASURES[] = { "SMD", "RR", "OR", "HR", "RD", "IRR", "ratio", "count", "score", "pM", "nM", "uM", "U/L", "IU/mL", "mmHg", "USD", NULL };
#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool missing(const char *s)
{
    return s[0] == 0 || strcmp(s, "-") == 0;
}

static bool listed(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(s, *list) == 0) return true;
    return false;
}

/* A cell that must be one of a list of words. */
static prc_status check_word(const prc_table *t, size_t row, size_t col, const char *const *list, prc_error *err)
{
    const char *s = prc_table_cell(t, row, col);
    if (listed(s, list)) return PRC_OK;
    prc_text all = { 0 };
    size_t n = 0;
    while (list[n]) n++;
    for (size_t i = 0; i < n; i++) prc_text_printf(&all, "%s%s", i ? ", " : "", list[i]);
    const char *near = prc_nearest(s, list, n);
    prc_status st = prc_fail_at(err, PRC_E_VALUE, t->source, t->line[row], 0, "%s: `%s` is none of %s%s%s%s", t->col[col], s,
                                all.s ? all.s : "", near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    prc_text_reset(&all);
    return st;
}

static int by_id(const void *a, const void *b)
{
    const prc_evidence_key *x = a, *y = b;
    int c = strcmp(x->id, y->id);
    return c ? c : (x->row > y->row) - (x->row < y->row);
}

/* Sorts the ids of a table (column 0); empty and repeated ones are errors. */
static prc_status build_index(prc_arena *arena, const prc_table *t, prc_evidence_index *index, prc_error *err)
{
    index->n = t->n_row;
    index->key = prc_arena_alloc(arena, t->n_row ? t->n_row : 1, sizeof *index->key);
    if (!index->key) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < t->n_row; i++) {
        const char *id = prc_table_cell(t, i, 0);
        if (missing(id)) return prc_fail_at(err, PRC_E_KEY, t->source, t->line[i], 0, "id: every row needs one");
        if (strchr(id, ';')) return prc_fail_at(err, PRC_E_KEY, t->source, t->line[i], 0, "id: `%s` holds a `;`", id);
        index->key[i] = (prc_evidence_key){ id, i };
    }
    qsort(index->key, index->n, sizeof *index->key, by_id);
    for (size_t i = 1; i < index->n; i++) {
        const prc_evidence_key *a = &index->key[i - 1], *b = &index->key[i];
        if (strcmp(a->id, b->id) == 0)
            return prc_fail_at(err, PRC_E_KEY, t->source, t->line[b->row], 0, "id `%s` is used twice, first on line %d", b->id,
                               t->line[a->row]);
    }
    return PRC_OK;
}

static prc_status key_error(const prc_table *t, size_t row, size_t col, const prc_evidence_index *index, const char *key,
                            const char *where, prc_error *err)
{
    const char **ids = prc_calloc(index->n ? index->n : 1, sizeof *ids);
    if (!ids) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < index->n; i++) ids[i] = index->key[i].id;
    const char *near = prc_nearest(key, ids, index->n);
    prc_status st = prc_fail_at(err, PRC_E_KEY, t->source, t->line[row], 0, "%s: `%s` is no id of %s%s%s%s", t->col[col], key,
                                where, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    prc_free(ids);
    return st;
}

/* Every id of a cell that lists ids must exist. */
static prc_status check_keys(const prc_table *t, size_t row, size_t col, const prc_evidence_index *index, const char *where,
                             prc_error *err)
{
    char id[128];
    const char *list = prc_table_cell(t, row, col);
    while (prc_evidence_next(&list, id, sizeof id))
        if (prc_evidence_find(index, id) == SIZE_MAX) return key_error(t, row, col, index, id, where, err);
    return PRC_OK;
}

static prc_status check_text(const prc_table *t, size_t row, size_t col, prc_error *err)
{
    if (!missing(prc_table_cell(t, row, col))) return PRC_OK;
    return prc_fail_at(err, PRC_E_VALUE, t->source, t->line[row], 0, "%s: must not be empty", t->col[col]);
}

static prc_status read_studies(prc_evidence *e, prc_error *err)
{
    const prc_table *t = e->study_table;
    PRC_TRY(prc_table_expect(t, STUDY_COLUMN, COUNT(STUDY_COLUMN), err));
    PRC_TRY(build_index(e->arena, t, &e->study_ids, err));
    e->n_study = t->n_row;
    e->study = prc_arena_alloc(e->arena, t->n_row ? t->n_row : 1, sizeof *e->study);
    if (!e->study) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < t->n_row; i++) {
#define PRC_X(c) e->study[i].c = prc_table_cell(t, i, PRC_STUDY_##c);
        PRC_STUDY_COLUMNS(PRC_X)
#undef PRC_X
        PRC_TRY(check_text(t, i, PRC_STUDY_title, err));
        PRC_TRY(check_text(t, i, PRC_STUDY_condition, err));
        PRC_TRY(check_text(t, i, PRC_STUDY_how_read, err));
        PRC_TRY(check_text(t, i, PRC_STUDY_identifier, err));
        PRC_TRY(check_word(t, i, PRC_STUDY_source_kind, SOURCES, err));
    }
    return PRC_OK;
}

static prc_status read_arms(prc_evidence *e, prc_error *err)
{
    const prc_table *t = e->arm_table;
    PRC_TRY(prc_table_expect(t, ARM_COLUMN, COUNT(ARM_COLUMN), err));
    PRC_TRY(build_index(e->arena, t, &e->arm_ids, err));
    e->n_arm = t->n_row;
    e->arm = prc_arena_alloc(e->arena, t->n_row ? t->n_row : 1, sizeof *e->arm);
    if (!e->arm) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < t->n_row; i++) {
#define PRC_X(c) e->arm[i].c = prc_table_cell(t, i, PRC_ARM_##c);
        PRC_ARM_COLUMNS(PRC_X)
#undef PRC_X
        if (prc_evidence_find(&e->study_ids, e->arm[i].study) == SIZE_MAX)
            return key_error(t, i, PRC_ARM_study, &e->study_ids, e->arm[i].study, "studies.csv", err);
        PRC_TRY(check_text(t, i, PRC_ARM_product, err));
        PRC_TRY(check_word(t, i, PRC_ARM_donor, DONORS, err));
    }
    return PRC_OK;
}

/* The unit must be one of ours or the name of an effect measure. */
static prc_status check_unit(const prc_table *t, size_t row, prc_error *err)
{
    const char *unit = prc_table_cell(t, row, PRC_OUTCOME_unit);
    prc_unit u;
    prc_error inner = { 0 };
    if (missing(unit) || listed(unit, MEASURES)) return PRC_OK;
    if (prc_unit_parse(unit, &u, &inner) == PRC_OK) return PRC_OK;
    if (inner.status == PRC_E_MEMORY) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    return prc_fail_at(err, PRC_E_UNIT, t->source, t->line[row], 0, "unit: %s", inner.message);
}

static prc_status check_direction(const prc_table *t, size_t row, int *out, prc_error *err)
{
    const char *s = prc_table_cell(t, row, PRC_OUTCOME_direction);
    static const char *const words[] = { "down", "up", "neither", NULL };
    if (strcmp(s, "down") == 0 || strcmp(s, "-1") == 0) *out = -1;
    else if (strcmp(s, "up") == 0 || strcmp(s, "1") == 0 || strcmp(s, "+1") == 0) *out = 1;
    else if (missing(s) || strcmp(s, "0") == 0 || strcmp(s, "neither") == 0) *out = 0;
    else return check_word(t, row, PRC_OUTCOME_direction, words, err);
    return PRC_OK;
}

/* Numbers that contradict each other. */
static prc_status check_ranges(const prc_table *t, size_t row, const prc_outcome_row *o, prc_error *err)
{
    const char *what = NULL;
    double width = o->scale_max - o->scale_min;
    bool percent = strcmp(o->unit, "%") == 0;
    if (o->scale_min >= o->scale_max) what = "scale_min must be below scale_max";
    else if (o->lower > o->upper) what = "lower must not be above upper";
    else if (o->value < o->lower || o->value > o->upper) what = "value lies outside its own interval [lower, upper]";
    else if (o->time_days < 0) what = "time_days must not be negative";
    else if (o->n <= 0) what = "n must be positive";
    else if (o->spread < 0) what = "spread must not be negative";
    else if (!percent && (o->baseline < o->scale_min || o->baseline > o->scale_max)) what = "baseline lies outside the scale";
    else if (!percent && (o->value < o->scale_min - width || o->value > o->scale_max)) what = "value lies outside the scale";
    if (!what) return PRC_OK;
    return prc_fail_at(err, PRC_E_VALUE, t->source, t->line[row], 0, "%s: %s", o->id, what);
}

static prc_status read_numbers(const prc_table *t, size_t row, prc_outcome_row *o, prc_error *err)
{
    const struct { int col; double *to; } number[] = {
        { PRC_OUTCOME_scale_min, &o->scale_min }, { PRC_OUTCOME_scale_max, &o->scale_max },
        { PRC_OUTCOME_time_days, &o->time_days }, { PRC_OUTCOME_baseline, &o->baseline },
        { PRC_OUTCOME_lower, &o->lower },         { PRC_OUTCOME_upper, &o->upper },
        { PRC_OUTCOME_spread, &o->spread },       { PRC_OUTCOME_n, &o->n },
    };
    for (size_t k = 0; k < COUNT(number); k++)
        PRC_TRY(prc_table_number(t, row, (size_t)number[k].col, true, number[k].to, err));
    /* A value may be words ("none", an ordering): then there is no number. */
    if (!prc_parse_double(o->value_text, &o->value) || !isfinite(o->value)) o->value = (double)NAN;
    return PRC_OK;
}

static prc_status check_outcome(prc_evidence *e, size_t i, prc_error *err)
{
    const prc_table *t = e->outcome_table;
    const prc_outcome_row *o = &e->outcome[i];
    if (prc_evidence_find(&e->study_ids, o->study) == SIZE_MAX)
        return key_error(t, i, PRC_OUTCOME_study, &e->study_ids, o->study, "studies.csv", err);
    if (!missing(o->arm)) {
        size_t arm = prc_evidence_find(&e->arm_ids, o->arm);
        if (arm == SIZE_MAX) return key_error(t, i, PRC_OUTCOME_arm, &e->arm_ids, o->arm, "arms.csv", err);
        if (strcmp(e->arm[arm].study, o->study) != 0)
            return prc_fail_at(err, PRC_E_KEY, t->source, t->line[i], 0, "arm: `%s` belongs to study `%s`, not to `%s`", o->arm,
                               e->arm[arm].study, o->study);
    }
    PRC_TRY(check_text(t, i, PRC_OUTCOME_condition, err));
    PRC_TRY(check_text(t, i, PRC_OUTCOME_endpoint, err));
    PRC_TRY(check_word(t, i, PRC_OUTCOME_kind, prc_evidence_kinds, err));
    PRC_TRY(check_word(t, i, PRC_OUTCOME_role, prc_evidence_roles, err));
    if (!missing(o->spread_kind)) PRC_TRY(check_word(t, i, PRC_OUTCOME_spread_kind, SPREADS, err));
    PRC_TRY(check_unit(t, i, err));
    return check_ranges(t, i, o, err);
}

static prc_status read_outcomes(prc_evidence *e, prc_error *err)
{
    const prc_table *t = e->outcome_table;
    PRC_TRY(prc_table_expect(t, OUTCOME_COLUMN, COUNT(OUTCOME_COLUMN), err));
    PRC_TRY(build_index(e->arena, t, &e->outcome_ids, err));
    e->n_outcome = t->n_row;
    e->outcome = prc_arena_alloc(e->arena, t->n_row ? t->n_row : 1, sizeof *e->outcome);
    if (!e->outcome) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < t->n_row; i++) {
        prc_outcome_row *o = &e->outcome[i];
#define PRC_TEXT(c) o->c = prc_table_cell(t, i, PRC_OUTCOME_##c)
        PRC_TEXT(id), PRC_TEXT(study), PRC_TEXT(arm), PRC_TEXT(condition), PRC_TEXT(endpoint), PRC_TEXT(unit);
        PRC_TEXT(spread_kind), PRC_TEXT(kind), PRC_TEXT(role), PRC_TEXT(comparable), PRC_TEXT(note);
        PRC_TEXT(comparator_value);
#undef PRC_TEXT
        o->value_text = prc_table_cell(t, i, PRC_OUTCOME_value);
        PRC_TRY(check_direction(t, i, &o->direction, err));
        PRC_TRY(read_numbers(t, i, o, err));
        PRC_TRY(check_outcome(e, i, err));
    }
    return PRC_OK;
}

static prc_status read_conflicts(prc_evidence *e, prc_error *err)
{
    const prc_table *t = e->conflict_table;
    prc_evidence_index ids;
    PRC_TRY(prc_table_expect(t, CONFLICT_COLUMN, COUNT(CONFLICT_COLUMN), err));
    PRC_TRY(build_index(e->arena, t, &ids, err));
    e->n_conflict = t->n_row;
    e->conflict = prc_arena_alloc(e->arena, t->n_row ? t->n_row : 1, sizeof *e->conflict);
    if (!e->conflict) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < t->n_row; i++) {
#define PRC_X(c) e->conflict[i].c = prc_table_cell(t, i, PRC_CONFLICT_##c);
        PRC_CONFLICT_COLUMNS(PRC_X)
#undef PRC_X
        PRC_TRY(check_text(t, i, PRC_CONFLICT_condition, err));
        PRC_TRY(check_text(t, i, PRC_CONFLICT_question, err));
        PRC_TRY(check_text(t, i, PRC_CONFLICT_side_a, err));
        PRC_TRY(check_text(t, i, PRC_CONFLICT_side_b, err));
        PRC_TRY(check_text(t, i, PRC_CONFLICT_outcome_a, err));
        PRC_TRY(check_text(t, i, PRC_CONFLICT_outcome_b, err));
        PRC_TRY(check_word(t, i, PRC_CONFLICT_followed, FOLLOWED, err));
        PRC_TRY(check_keys(t, i, PRC_CONFLICT_outcome_a, &e->outcome_ids, "outcomes.csv", err));
        PRC_TRY(check_keys(t, i, PRC_CONFLICT_outcome_b, &e->outcome_ids, "outcomes.csv", err));
    }
    return PRC_OK;
}

/* What the arms report beside the columns of arms.csv; what has no row is not reported. */
static prc_status read_reporting(prc_evidence *e, prc_error *err)
{
    const prc_table *t = e->reporting_table;
    size_t n_field = prc_evidence_n_field();
    e->reported = prc_arena_alloc(e->arena, e->n_arm * n_field + 1, sizeof *e->reported);
    if (!e->reported) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < e->n_arm * n_field; i++) e->reported[i] = NULL;
    if (!t) return PRC_OK; /* no such file: nothing is reported */
    PRC_TRY(prc_table_expect(t, REPORTING_COLUMN, COUNT(REPORTING_COLUMN), err));
    for (size_t i = 0; i < t->n_row; i++) {
        const char *id = prc_table_cell(t, i, PRC_REPORTING_arm), *name = prc_table_cell(t, i, PRC_REPORTING_field);
        size_t arm = prc_evidence_find(&e->arm_ids, id), field = prc_evidence_field_number(name);
        if (arm == SIZE_MAX) return key_error(t, i, PRC_REPORTING_arm, &e->arm_ids, id, "arms.csv", err);
        if (field == n_field) {
            const char *names[64], *near;
            for (size_t k = 0; k < n_field && k < COUNT(names); k++) names[k] = prc_evidence_field(k);
            near = prc_nearest(name, names, n_field < COUNT(names) ? n_field : COUNT(names));
            return prc_fail_at(err, PRC_E_KEY, t->source, t->line[i], 0, "field: `%s` is no reporting field%s%s%s", name,
                               near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
        }
        PRC_TRY(check_text(t, i, PRC_REPORTING_value, err));
        const char **cell = &e->reported[arm * n_field + field];
        if (*cell) return prc_fail_at(err, PRC_E_KEY, t->source, t->line[i], 0, "field: `%s` of arm `%s` stands here twice", name, id);
        *cell = prc_table_cell(t, i, PRC_REPORTING_value);
    }
    return PRC_OK;
}

static prc_status open_table(const char *data_dir, const char *name, prc_table **out, prc_error *err)
{
    prc_text path = { 0 };
    prc_text_printf(&path, "%s/evidence/%s.csv", data_dir, name);
    prc_status st = path.failed ? prc_fail(err, PRC_E_MEMORY, "out of memory") : prc_table_read(path.s, PRC_CSV, out, err);
    prc_text_reset(&path);
    return st;
}

/* The same for a file that may be absent: *out stays NULL then. */
static prc_status open_optional(const char *data_dir, const char *name, prc_table **out, prc_error *err)
{
    prc_text path = { 0 };
    prc_text_printf(&path, "%s/evidence/%s.csv", data_dir, name);
    bool there = !path.failed && access(path.s, F_OK) == 0;
    prc_status st = path.failed ? prc_fail(err, PRC_E_MEMORY, "out of memory") : PRC_OK;
    prc_text_reset(&path);
    return there ? open_table(data_dir, name, out, err) : st;
}

prc_status prc_evidence_read(prc_evidence *e, const char *data_dir, prc_error *err)
{
    PRC_TRY(open_table(data_dir, "studies", &e->study_table, err));
    PRC_TRY(open_table(data_dir, "arms", &e->arm_table, err));
    PRC_TRY(open_table(data_dir, "outcomes", &e->outcome_table, err));
    PRC_TRY(open_table(data_dir, "conflicts", &e->conflict_table, err));
    PRC_TRY(open_optional(data_dir, "reporting", &e->reporting_table, err));
    PRC_TRY(read_studies(e, err));
    PRC_TRY(read_arms(e, err));
    PRC_TRY(read_outcomes(e, err));
    PRC_TRY(read_conflicts(e, err));
    return read_reporting(e, err);
}
