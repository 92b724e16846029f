/* The published record: loading and looking up. Rows live in memory; which rows belong to a condition is asked of SQLite. */
#include "evidence_int.h"

#include <string.h>

size_t prc_evidence_find(const prc_evidence_index *index, const char *id)
{
    size_t lo = 0, hi = index->n;
    while (id && lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(id, index->key[mid].id);
        if (c == 0) return index->key[mid].row;
        if (c < 0) hi = mid;
        else lo = mid + 1;
    }
    return SIZE_MAX;
}

bool prc_evidence_next(const char **list, char *buf, size_t size)
{
    const char *s = *list;
    while (s && *s) {
        const char *end = strchr(s, ';');
        const char *next = end ? end + 1 : s + strlen(s);
        if (!end) end = next;
        while (s < end && (*s == ' ' || *s == '\t')) s++;
        while (end > s && (end[-1] == ' ' || end[-1] == '\t')) end--;
        size_t n = (size_t)(end - s);
        if (n > 0 && !(n == 1 && *s == '-')) {
            if (n >= size) n = size - 1;
            memcpy(buf, s, n);
            buf[n] = 0;
            *list = next;
            return true;
        }
        s = next;
    }
    *list = s;
    return false;
}

prc_status prc_evidence_load(const char *data_dir, prc_evidence **out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_evidence *e = prc_calloc(1, sizeof *e);
    if (!e) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    e->arena = prc_arena_create();
    if (!e->arena) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    PRC_GO(st, prc_evidence_read(e, data_dir, err));
    PRC_GO(st, prc_evidence_store(e, err));
    *out = e;
    e = NULL;
out:
    prc_evidence_free(e);
    return st;
}

void prc_evidence_free(prc_evidence *e)
{
    if (!e) return;
    if (e->db) sqlite3_close(e->db);
    prc_table_free(e->study_table);
    prc_table_free(e->arm_table);
    prc_table_free(e->outcome_table);
    prc_table_free(e->conflict_table);
    prc_table_free(e->reporting_table);
    prc_arena_free(e->arena);
    prc_free(e);
}

/* One accessor per table: rows of the condition, gathered into an array of the arena. A condition cell may be a list. */
#define PRC_ACCESSOR(name, type, field, sql)                                                              \
    prc_status name(prc_evidence *e, const char *condition, const type **rows, size_t *n, prc_error *err) \
    {                                                                                                     \
        size_t *row = NULL, k = 0;                                                                        \
        PRC_TRY(prc_evidence_select(e, sql, &condition, 1, &row, &k, err));                               \
        type *copy = prc_arena_alloc(e->arena, k ? k : 1, sizeof *copy);                                  \
        if (!copy) return prc_fail(err, PRC_E_MEMORY, "out of memory");                                   \
        for (size_t i = 0; i < k; i++) copy[i] = e->field[row[i]];                                        \
        *rows = copy;                                                                                     \
        *n = k;                                                                                           \
        return PRC_OK;                                                                                    \
    }

#define PRC_WHERE(column) " WHERE ?1 IS NULL OR instr(';' || replace(" column ", ' ', '') || ';', ';' || ?1 || ';') > 0"

PRC_ACCESSOR(prc_evidence_outcomes, prc_outcome_row, outcome,
             "SELECT seq FROM outcomes" PRC_WHERE("condition") " ORDER BY seq")
PRC_ACCESSOR(prc_evidence_studies, prc_study, study, "SELECT seq FROM studies" PRC_WHERE("condition") " ORDER BY seq")
PRC_ACCESSOR(prc_evidence_arms, prc_evidence_arm, arm,
             "SELECT arms.seq FROM arms JOIN studies ON studies.id = arms.study" PRC_WHERE(
                 "studies.condition") " ORDER BY arms.seq")
PRC_ACCESSOR(prc_evidence_conflicts, prc_conflict, conflict,
             "SELECT seq FROM conflicts" PRC_WHERE("condition") " ORDER BY seq")

const prc_outcome_row *prc_evidence_outcome(const prc_evidence *e, const char *id)
{
    size_t row = prc_evidence_find(&e->outcome_ids, id);
    return row == SIZE_MAX ? NULL : &e->outcome[row];
}

const prc_study *prc_evidence_study(const prc_evidence *e, const char *id)
{
    size_t row = prc_evidence_find(&e->study_ids, id);
    return row == SIZE_MAX ? NULL : &e->study[row];
}

const prc_evidence_arm *prc_evidence_arm_by_id(const prc_evidence *e, const char *id)
{
    size_t row = prc_evidence_find(&e->arm_ids, id);
    return row == SIZE_MAX ? NULL : &e->arm[row];
}

const char *prc_evidence_file(const prc_evidence *e, size_t i, const char **sha256)
{
    const prc_table *const read[] = {e->study_table, e->arm_table, e->outcome_table, e->conflict_table, e->reporting_table};
    if (i >= sizeof read / sizeof *read || !read[i]) return NULL;
    *sha256 = read[i]->sha256;
    return read[i]->source;
}
