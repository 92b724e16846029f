/* A condition as a folder: opens its files in order, and the small things all readers share. */
#include "condition_int.h"

#include <string.h>

prc_status prc_out_of_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory");
}

bool prc_is_missing(const char *cell) {
    return cell[0] == 0 || strcmp(cell, "-") == 0;
}

prc_status prc_keep(prc_loader *l, const char *cell, bool missing_ok, const char **out) {
    *out = NULL;
    if (missing_ok && prc_is_missing(cell)) return PRC_OK;
    *out = prc_arena_strdup(l->c->arena, cell);
    return *out ? PRC_OK : prc_out_of_memory(l->err);
}

prc_status prc_keep_path(prc_loader *l, const char *dir, const char *name, const char **out) {
    *out = prc_arena_printf(l->c->arena, "%s/%s", dir, name);
    return *out ? PRC_OK : prc_out_of_memory(l->err);
}

/* ---- cells ---------------------------------------------------------------------------------------------------- */

const char *prc_cell_text(const prc_table *t, size_t row, const char *column) {
    int col = prc_table_col(t, column);
    return col < 0 ? "" : prc_table_cell(t, row, (size_t)col);
}

prc_status prc_cell_number(const prc_table *t, size_t row, const char *column, bool missing_ok, double *out,
                           prc_error *err) {
    return prc_table_number(t, row, (size_t)prc_table_col(t, column), missing_ok, out, err);
}

prc_status prc_cell_choice(const prc_table *t, size_t row, const char *column, const char *const *names, size_t n,
                           int *out, prc_error *err) {
    const char *cell = prc_cell_text(t, row, column);
    for (size_t i = 0; i < n; i++)
        if (strcmp(cell, names[i]) == 0) {
            *out = (int)i;
            return PRC_OK;
        }
    prc_text list = {0};
    for (size_t i = 0; i < n; i++) prc_text_printf(&list, "%s%s", i ? ", " : "", names[i]);
    const char *near = prc_nearest(cell, names, n);
    prc_status st =
        prc_fail_at(err, PRC_E_KEY, t->source, t->line[row], 0, "%s is `%s`%s%s%s\nallowed: %s", column, cell,
                    near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "", list.s ? list.s : "");
    prc_text_reset(&list);
    return st;
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

prc_status prc_note_file(prc_loader *l, const char *path, const void *text, size_t n) {
    prc_condition *c = l->c;
    if (!PRC_GROW(c->file, c->n_file, l->cap_file)) return prc_out_of_memory(l->err);
    c->file[c->n_file].path = prc_arena_strdup(c->arena, path);
    if (!c->file[c->n_file].path) return prc_out_of_memory(l->err);
    prc_sha256_hex(text, n, c->file[c->n_file].sha256);
    c->n_file++;
    return PRC_OK;
}

static prc_status read_noted(prc_loader *l, const char *path, char **text, size_t *n) {
    PRC_TRY(prc_file_read(path, 0, text, n, l->err));
    prc_status st = prc_note_file(l, path, *text, *n);
    if (st != PRC_OK) {
        prc_free(*text);
        *text = NULL;
    }
    return st;
}

prc_status prc_load_table(prc_loader *l, const char *path, const char *const *columns, size_t n_column,
                          prc_table **out) {
    char *text = NULL;
    size_t n;
    prc_table *t = NULL;
    prc_status st;
    PRC_GO(st, read_noted(l, path, &text, &n));
    PRC_GO(st, prc_table_parse(text, n, path, PRC_TSV, &t, l->err));
    PRC_GO(st, prc_table_expect(t, columns, n_column, l->err));
    *out = t;
    t = NULL;
out:
    prc_table_free(t);
    prc_free(text);
    return st;
}

prc_status prc_load_tree(prc_loader *l, const char *path, prc_tree **out) {
    char *text = NULL;
    size_t n;
    prc_status st;
    PRC_GO(st, read_noted(l, path, &text, &n));
    PRC_GO(st, prc_tree_parse(text, n, path, out, l->err));
out:
    prc_free(text);
    return st;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

const prc_var *prc_condition_var(const prc_condition *c, const char *name) {
    int i = prc_model_find(c->model, name);
    return i < 0 ? NULL : &c->model->var[i];
}

/* A misspelt condition gets the nearest one. */
static prc_status check_name(const char *data_dir, const char *name, prc_error *err) {
    char **names = NULL;
    size_t n = 0;
    PRC_TRY(prc_condition_names(data_dir, &names, &n, err));
    prc_status st = PRC_OK;
    bool found = false;
    for (size_t i = 0; i < n; i++) found = found || strcmp(names[i], name) == 0;
    if (!found) {
        const char *near = n ? prc_nearest(name, (const char *const *)names, n) : NULL;
        prc_text list = {0};
        for (size_t i = 0; i < n; i++) prc_text_printf(&list, "%s%s", i ? ", " : "", names[i]);
        st = prc_fail(err, PRC_E_KEY, "no condition `%s`%s%s%s\nconditions in %s/models: %s", name,
                      near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "", data_dir,
                      list.s ? list.s : "none");
        prc_text_reset(&list);
    }
    prc_condition_names_free(names, n);
    return st;
}

static prc_status load_model(prc_loader *l) {
    prc_condition *c = l->c;
    const char *path;
    PRC_TRY(prc_keep_path(l, c->dir, "model.ant", &path));
    PRC_TRY(prc_model_load(path, 0, &c->model, l->err));
    const prc_ast *ast = c->model->ast;
    for (size_t i = 0; i < ast->n_file; i++)
        PRC_TRY(prc_note_file(l, ast->file[i], ast->file_text[i], strlen(ast->file_text[i])));
    return PRC_OK;
}

static prc_status typical_world(prc_loader *l) {
    prc_condition *c = l->c;
    c->typical.n = c->n_row;
    c->typical.value = prc_arena_alloc(c->arena, c->n_row ? c->n_row : 1, sizeof(double));
    if (!c->typical.value) return prc_out_of_memory(l->err);
    for (size_t i = 0; i < c->n_row; i++) c->typical.value[i] = c->row[i].value;
    return PRC_OK;
}

static prc_status load_all(prc_loader *l, const char *data_dir, const char *name) {
    prc_condition *c = l->c;
    c->name = prc_arena_strdup(c->arena, name);
    c->dir = prc_arena_printf(c->arena, "%s/models/%s", data_dir, name);
    l->core_dir = prc_arena_printf(c->arena, "%s/models/core", data_dir);
    if (!c->name || !c->dir || !l->core_dir) return prc_out_of_memory(l->err);
    PRC_TRY(load_model(l));
    PRC_TRY(prc_load_ledger(l));
    l->formula_row = prc_arena_alloc(c->arena, c->n_row ? c->n_row : 1, sizeof *l->formula_row);
    if (!l->formula_row) return prc_out_of_memory(l->err);
    PRC_TRY(prc_load_observables(l));
    PRC_TRY(prc_load_population(l));
    PRC_TRY(prc_load_adverse(l));
    PRC_TRY(prc_check_condition(l));
    return typical_world(l);
}

prc_status prc_condition_load(const char *data_dir, const char *name, prc_condition **out, prc_error *err) {
    prc_loader l = {0};
    PRC_TRY(check_name(data_dir, name, err));
    prc_condition *c = prc_calloc(1, sizeof *c);
    if (!c) return prc_out_of_memory(err);
    c->arena = prc_arena_create();
    l.c = c;
    l.err = err;
    prc_status st = c->arena ? load_all(&l, data_dir, name) : prc_out_of_memory(err);
    prc_ast_free(l.core_ast);
    if (st != PRC_OK) {
        prc_condition_free(c);
        return st;
    }
    *out = c;
    return PRC_OK;
}

void prc_condition_free(prc_condition *c) {
    if (!c) return;
    prc_model_free(c->model);
    prc_free(c->row);
    prc_free(c->file);
    prc_arena_free(c->arena);
    prc_free(c);
}

int prc_condition_row(const prc_condition *c, const char *name) {
    for (size_t i = 0; i < c->n_row; i++)
        if (c->row[i].kind == PRC_ROW_PARAMETER && strcmp(c->row[i].name, name) == 0) return (int)i;
    return -1;
}

int prc_condition_observable(const prc_condition *c, const char *name) {
    for (size_t i = 0; i < c->n_observable; i++)
        if (strcmp(c->observable[i].name, name) == 0) return (int)i;
    return -1;
}

int prc_condition_covariate(const prc_condition *c, const char *name) {
    for (size_t i = 0; i < c->n_covariate; i++)
        if (strcmp(c->covariate[i].name, name) == 0) return (int)i;
    return -1;
}
