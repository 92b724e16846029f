/* condition_int.h: shared by the readers of a condition's files. */
#ifndef PARACRINE_CONDITION_INT_H
#define PARACRINE_CONDITION_INT_H

#include "paracrine/condition.h"

/* What is under construction while a condition is read. */
typedef struct prc_loader {
    prc_condition *c;
    const char *core_dir; /* models/core */
    size_t cap_row, cap_file;
    prc_ast *core_ast; /* the core module asked for last, to check core names */
    const char *core_ast_name;
    bool *formula_row; /* ledger rows that a population formula or value uses (n_row) */
    prc_error *err;
} prc_loader;

/* Fails with PRC_E_MEMORY. */
prc_status prc_out_of_memory(prc_error *err);
/* Arena copy of a table cell; "" and "-" give NULL in *out when missing_ok. */
prc_status prc_keep(prc_loader *l, const char *cell, bool missing_ok, const char **out);
/* Path dir/name in the arena of the condition. */
prc_status prc_keep_path(prc_loader *l, const char *dir, const char *name, const char **out);
bool prc_is_missing(const char *cell);
bool prc_file_exists(const char *path);

/* Reads a file whole, notes its hash in c->file, and parses it. */
prc_status prc_load_table(prc_loader *l, const char *path, const char *const *columns, size_t n_column,
                          prc_table **out);
prc_status prc_load_tree(prc_loader *l, const char *path, prc_tree **out);
prc_status prc_note_file(prc_loader *l, const char *path, const void *text, size_t n);

/* Cell as text that must be one of n names; error with the nearest. */
prc_status prc_cell_choice(const prc_table *t, size_t row, const char *column, const char *const *names, size_t n,
                           int *out, prc_error *err);
prc_status prc_cell_number(const prc_table *t, size_t row, const char *column, bool missing_ok, double *out,
                           prc_error *err);
const char *prc_cell_text(const prc_table *t, size_t row, const char *column);
/* Distribution and grade by name, -1 if unknown. */
int prc_distribution_by_name(const char *name);
int prc_grade_by_name(const char *name);
extern const char *const prc_distribution_names[];
enum { PRC_DISTRIBUTION_COUNT = PRC_EXPONENTIAL + 1 };

/* The parts of a condition, in the order in which they are read. */
prc_status prc_load_ledger(prc_loader *l);
prc_status prc_load_observables(prc_loader *l);
prc_status prc_load_population(prc_loader *l);
prc_status prc_load_adverse(prc_loader *l);
/* Checks that hold between the files: every parameter has a value, every row is used, units agree, nothing set late
 * feeds a derived value. */
prc_status prc_check_condition(prc_loader *l);
/* Lower Cholesky factor of the correlation of all names in pairs, into c->joint and c->joint_factor. */
prc_status prc_load_correlation(prc_loader *l, const prc_tree *t, const prc_node *list);

/* Variable of the model by name, NULL if absent. */
const prc_var *prc_condition_var(const prc_condition *c, const char *name);
/* Is the initial value of a parameter computed from others? */
bool prc_is_derived(const prc_var *v);

#endif
