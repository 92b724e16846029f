/* evidence_int.h: what the files of the evidence module share. */
#ifndef PARACRINE_EVIDENCE_INT_H
#define PARACRINE_EVIDENCE_INT_H

#include <sqlite3.h>

#include "paracrine/evidence.h"

/* Columns of the five files, in order. Names of text columns are also the fields of the public structs. */
#define PRC_STUDY_COLUMNS(X)                                                                          \
    X(id) X(condition) X(title) X(design) X(n) X(blinding) X(risk_of_bias) X(source_kind) X(identifier) \
    X(how_read) X(quality_note)
#define PRC_ARM_COLUMNS(X)                                                                   \
    X(id) X(study) X(label) X(n) X(product) X(donor) X(origin) X(separation) X(characteristics) \
    X(site) X(dose_cells) X(route) X(timing) X(comparator)
#define PRC_OUTCOME_COLUMNS(X)                                                                       \
    X(id) X(study) X(arm) X(condition) X(endpoint) X(scale_min) X(scale_max) X(direction) X(unit)    \
    X(time_days) X(value) X(baseline) X(comparator_value) X(lower) X(upper) X(spread_kind) X(spread) \
    X(n) X(kind) X(role) X(comparable) X(note)
#define PRC_CONFLICT_COLUMNS(X) \
    X(id) X(condition) X(question) X(side_a) X(side_b) X(outcome_a) X(outcome_b) X(followed) X(reason)
#define PRC_REPORTING_COLUMNS(X) X(arm) X(field) X(value)

/* Column numbers: PRC_STUDY_id, PRC_OUTCOME_scale_min, ... */
#define PRC_X(c) PRC_STUDY_##c,
enum { PRC_STUDY_COLUMNS(PRC_X) PRC_STUDY_N };
#undef PRC_X
#define PRC_X(c) PRC_ARM_##c,
enum { PRC_ARM_COLUMNS(PRC_X) PRC_ARM_N };
#undef PRC_X
#define PRC_X(c) PRC_OUTCOME_##c,
enum { PRC_OUTCOME_COLUMNS(PRC_X) PRC_OUTCOME_N };
#undef PRC_X
#define PRC_X(c) PRC_CONFLICT_##c,
enum { PRC_CONFLICT_COLUMNS(PRC_X) PRC_CONFLICT_N };
#undef PRC_X
#define PRC_X(c) PRC_REPORTING_##c,
enum { PRC_REPORTING_COLUMNS(PRC_X) PRC_REPORTING_N };
#undef PRC_X

/* The words a kind and a role may be, ended by NULL. */
extern const char *const prc_evidence_kinds[], *const prc_evidence_roles[];

/* Ids of one file, sorted, with the row each stands in. */
typedef struct prc_evidence_key {
    const char *id;
    size_t row;
} prc_evidence_key;
typedef struct prc_evidence_index {
    size_t n;
    prc_evidence_key *key;
} prc_evidence_index;

struct prc_evidence {
    prc_arena *arena;
    sqlite3 *db;
    bool searchable; /* the full-text index exists */
    prc_table *study_table, *arm_table, *outcome_table, *conflict_table, *reporting_table; /* own the texts */
    size_t n_study, n_arm, n_outcome, n_conflict;
    prc_study *study;
    prc_evidence_arm *arm;
    prc_outcome_row *outcome;
    prc_conflict *conflict;
    const char **reported; /* n_arm x number of reporting fields; NULL = not reported */
    prc_evidence_index study_ids, arm_ids, outcome_ids;
};

/* Row of an id, SIZE_MAX if absent. */
size_t prc_evidence_find(const prc_evidence_index *index, const char *id);
/* Reads the five files and checks every cell; fills tables, rows and indices. */
PRC_CHECKED prc_status prc_evidence_read(prc_evidence *e, const char *data_dir, prc_error *err);
/* Opens the database, creates the tables and copies the rows. */
PRC_CHECKED prc_status prc_evidence_store(prc_evidence *e, prc_error *err);
/* Row numbers a query gives, in its order; texts ?1 ... ?n_text may be NULL. *rows lives in the arena. */
PRC_CHECKED prc_status prc_evidence_select(prc_evidence *e, const char *sql, const char *const *text, int n_text, size_t **rows,
                                           size_t *n, prc_error *err);
/* Builds the full-text index unless it is there. */
PRC_CHECKED prc_status prc_evidence_index_text(prc_evidence *e, prc_error *err);
/* Number of a reporting field, or the number of fields when there is none of that name. */
size_t prc_evidence_field_number(const char *name);

/* Steps through "a; b; c": copies the next item, trimmed, into buf; false at the end. "-" and empty items are skipped. */
bool prc_evidence_next(const char **list, char *buf, size_t size);

#endif
