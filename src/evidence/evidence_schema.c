/* The record in SQLite: STRICT tables with foreign keys, a second wall behind the checks of evidence_rows.c. */
#include "evidence_int.h"

#include <math.h>
#include <string.h>

static const char SCHEMA[] =
    "PRAGMA foreign_keys = ON;"
    "CREATE TABLE studies(seq INTEGER NOT NULL UNIQUE, id TEXT PRIMARY KEY, condition TEXT NOT NULL, title TEXT NOT NULL,"
    " design TEXT NOT NULL, n TEXT NOT NULL, blinding TEXT NOT NULL, risk_of_bias TEXT NOT NULL, source_kind TEXT NOT NULL,"
    " identifier TEXT NOT NULL, how_read TEXT NOT NULL, quality_note TEXT NOT NULL) STRICT;"
    "CREATE TABLE arms(seq INTEGER NOT NULL UNIQUE, id TEXT PRIMARY KEY, study TEXT NOT NULL REFERENCES studies(id),"
    " label TEXT NOT NULL, n TEXT NOT NULL, product TEXT NOT NULL, donor TEXT NOT NULL, origin TEXT NOT NULL,"
    " separation TEXT NOT NULL, characteristics TEXT NOT NULL, site TEXT NOT NULL, dose_cells TEXT NOT NULL,"
    " route TEXT NOT NULL, timing TEXT NOT NULL, comparator TEXT NOT NULL) STRICT;"
    "CREATE TABLE outcomes(seq INTEGER NOT NULL UNIQUE, id TEXT PRIMARY KEY, study TEXT NOT NULL REFERENCES studies(id),"
    " arm TEXT REFERENCES arms(id), condition TEXT NOT NULL, endpoint TEXT NOT NULL, scale_min REAL, scale_max REAL,"
    " direction INTEGER NOT NULL CHECK(direction IN (-1, 0, 1)), unit TEXT NOT NULL, time_days REAL CHECK(time_days >= 0),"
    " value REAL, value_text TEXT NOT NULL, baseline REAL, comparator_value TEXT NOT NULL, lower REAL, upper REAL,"
    " spread_kind TEXT NOT NULL, spread REAL, n REAL CHECK(n > 0), kind TEXT NOT NULL, role TEXT NOT NULL,"
    " comparable TEXT NOT NULL, note TEXT NOT NULL, CHECK(lower <= upper), CHECK(scale_min < scale_max)) STRICT;"
    "CREATE TABLE conflicts(seq INTEGER NOT NULL UNIQUE, id TEXT PRIMARY KEY, condition TEXT NOT NULL,"
    " question TEXT NOT NULL, side_a TEXT NOT NULL, side_b TEXT NOT NULL, followed TEXT NOT NULL, reason TEXT NOT NULL) STRICT;"
    "CREATE TABLE conflict_outcomes(conflict TEXT NOT NULL REFERENCES conflicts(id), side TEXT NOT NULL,"
    " outcome TEXT NOT NULL REFERENCES outcomes(id)) STRICT;"
    "CREATE TABLE reporting(seq INTEGER NOT NULL UNIQUE, arm TEXT NOT NULL REFERENCES arms(id), field TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(arm, field)) STRICT;"
    "CREATE INDEX outcomes_by_condition ON outcomes(condition, endpoint);";

static prc_status db_fail(const prc_evidence *e, int code, prc_error *err)
{
    if (code == SQLITE_NOMEM) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    return prc_fail(err, PRC_E_VALUE, "evidence database: %s", e->db ? sqlite3_errmsg(e->db) : sqlite3_errstr(code));
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

/* A key that is not given is NULL, so that it refers to nothing. */
static void bind_key(sqlite3_stmt *s, int at, const char *text)
{
    if (text[0] && strcmp(text, "-") != 0) bind_text(s, at, text);
    else sqlite3_bind_null(s, at);
}

static void bind_number(sqlite3_stmt *s, int at, double x)
{
    if (isnan(x)) sqlite3_bind_null(s, at);
    else sqlite3_bind_double(s, at, x);
}

/* Runs one bound insert; a broken constraint points at the line of the file. */
static prc_status insert(const prc_evidence *e, sqlite3_stmt *s, const prc_table *t, size_t row, prc_error *err)
{
    int code = sqlite3_step(s);
    sqlite3_reset(s);
    if (code == SQLITE_DONE) return PRC_OK;
    if (code == SQLITE_NOMEM) return db_fail(e, code, err);
    return prc_fail_at(err, PRC_E_VALUE, t->source, t->line[row], 0, "%s", sqlite3_errmsg(e->db));
}

/* A table whose cells are all text, copied as it stands. */
static prc_status store_text(const prc_evidence *e, const char *sql, const prc_table *t, prc_error *err)
{
    prc_status st = PRC_OK;
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(e->db, sql, -1, &s, NULL);
    if (code != SQLITE_OK) return db_fail(e, code, err);
    for (size_t i = 0; i < t->n_row && st == PRC_OK; i++) {
        sqlite3_bind_int64(s, 1, (sqlite3_int64)i);
        for (size_t j = 0; j < t->n_col; j++) bind_text(s, (int)j + 2, prc_table_cell(t, i, j));
        st = insert(e, s, t, i, err);
    }
    sqlite3_finalize(s);
    return st;
}

static prc_status store_outcomes(const prc_evidence *e, prc_error *err)
{
    static const char sql[] = "INSERT INTO outcomes VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    prc_status st = PRC_OK;
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(e->db, sql, -1, &s, NULL);
    if (code != SQLITE_OK) return db_fail(e, code, err);
    for (size_t i = 0; i < e->n_outcome && st == PRC_OK; i++) {
        const prc_outcome_row *o = &e->outcome[i];
        sqlite3_bind_int64(s, 1, (sqlite3_int64)i);
        bind_text(s, 2, o->id);
        bind_text(s, 3, o->study);
        bind_key(s, 4, o->arm);
        bind_text(s, 5, o->condition);
        bind_text(s, 6, o->endpoint);
        bind_number(s, 7, o->scale_min);
        bind_number(s, 8, o->scale_max);
        sqlite3_bind_int(s, 9, o->direction);
        bind_text(s, 10, o->unit);
        bind_number(s, 11, o->time_days);
        bind_number(s, 12, o->value);
        bind_text(s, 13, o->value_text);
        bind_number(s, 14, o->baseline);
        bind_text(s, 15, o->comparator_value);
        bind_number(s, 16, o->lower);
        bind_number(s, 17, o->upper);
        bind_text(s, 18, o->spread_kind);
        bind_number(s, 19, o->spread);
        bind_number(s, 20, o->n);
        bind_text(s, 21, o->kind);
        bind_text(s, 22, o->role);
        bind_text(s, 23, o->comparable);
        bind_text(s, 24, o->note);
        st = insert(e, s, e->outcome_table, i, err);
    }
    sqlite3_finalize(s);
    return st;
}

static prc_status store_sides(const prc_evidence *e, sqlite3_stmt *s, size_t row, const char *side, const char *list,
                              prc_error *err)
{
    char id[128];
    while (prc_evidence_next(&list, id, sizeof id)) {
        bind_text(s, 1, e->conflict[row].id);
        bind_text(s, 2, side);
        sqlite3_bind_text(s, 3, id, -1, SQLITE_TRANSIENT);
        PRC_TRY(insert(e, s, e->conflict_table, row, err));
    }
    return PRC_OK;
}

static prc_status store_conflicts(const prc_evidence *e, prc_error *err)
{
    prc_status st = PRC_OK;
    sqlite3_stmt *s = NULL, *side = NULL;
    int code = sqlite3_prepare_v2(e->db, "INSERT INTO conflicts VALUES (?,?,?,?,?,?,?,?)", -1, &s, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(e->db, "INSERT INTO conflict_outcomes VALUES (?,?,?)", -1, &side, NULL);
    if (code != SQLITE_OK) st = db_fail(e, code, err);
    for (size_t i = 0; i < e->n_conflict && st == PRC_OK; i++) {
        const prc_conflict *c = &e->conflict[i];
        const char *text[] = { c->id, c->condition, c->question, c->side_a, c->side_b, c->followed, c->reason };
        sqlite3_bind_int64(s, 1, (sqlite3_int64)i);
        for (int j = 0; j < 7; j++) bind_text(s, j + 2, text[j]);
        st = insert(e, s, e->conflict_table, i, err);
        if (st == PRC_OK) st = store_sides(e, side, i, "a", c->outcome_a, err);
        if (st == PRC_OK) st = store_sides(e, side, i, "b", c->outcome_b, err);
    }
    sqlite3_finalize(s);
    sqlite3_finalize(side);
    return st;
}

prc_status prc_evidence_store(prc_evidence *e, prc_error *err)
{
    int code = sqlite3_open_v2(":memory:", &e->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(e->db, SCHEMA, NULL, NULL, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(e->db, "BEGIN", NULL, NULL, NULL);
    if (code != SQLITE_OK) return db_fail(e, code, err);
    PRC_TRY(store_text(e, "INSERT INTO studies VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", e->study_table, err));
    PRC_TRY(store_text(e, "INSERT INTO arms VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", e->arm_table, err));
    PRC_TRY(store_outcomes(e, err));
    PRC_TRY(store_conflicts(e, err));
    if (e->reporting_table) PRC_TRY(store_text(e, "INSERT INTO reporting VALUES (?,?,?,?)", e->reporting_table, err));
    code = sqlite3_exec(e->db, "COMMIT", NULL, NULL, NULL);
    return code == SQLITE_OK ? PRC_OK : db_fail(e, code, err);
}

prc_status prc_evidence_index_text(prc_evidence *e, prc_error *err)
{
    static const char sql[] =
        "CREATE VIRTUAL TABLE record USING fts5(id, condition, endpoint, value, comparator, note, study, arm);"
        "INSERT INTO record(rowid, id, condition, endpoint, value, comparator, note, study, arm)"
        " SELECT o.seq, o.id, o.condition, o.endpoint, o.value_text, o.comparator_value, o.note,"
        "  s.id || ' ' || s.title || ' ' || s.design || ' ' || s.source_kind || ' ' || s.identifier || ' ' || s.quality_note,"
        "  coalesce(a.label || ' ' || a.product || ' ' || a.donor || ' ' || a.origin || ' ' || a.separation || ' ' || a.site || ' ' || a.route, '')"
        " FROM outcomes o JOIN studies s ON s.id = o.study LEFT JOIN arms a ON a.id = o.arm;";
    if (e->searchable) return PRC_OK;
    int code = sqlite3_exec(e->db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) return db_fail(e, code, err);
    e->searchable = true;
    return PRC_OK;
}

prc_status prc_evidence_select(prc_evidence *e, const char *sql, const char *const *text, int n_text, size_t **rows, size_t *n,
                               prc_error *err)
{
    size_t most = e->n_study + e->n_arm + e->n_outcome + e->n_conflict, k = 0;
    size_t *row = prc_arena_alloc(e->arena, most ? most : 1, sizeof *row);
    if (!row) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(e->db, sql, -1, &s, NULL);
    if (code != SQLITE_OK) return db_fail(e, code, err);
    for (int i = 0; i < n_text; i++)
        if (text[i]) bind_text(s, i + 1, text[i]);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) row[k++] = (size_t)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    if (code != SQLITE_DONE) return db_fail(e, code, err);
    *rows = row;
    *n = k;
    return PRC_OK;
}
