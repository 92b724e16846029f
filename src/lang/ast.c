/* ast.c: files and their imports, look-up in the finished tree, and the tree as canonical Antimony text. */
#include "lang_int.h"

#include <string.h>

/* ---- reading ---- */

/* dir(from)/path without "." and "a/.."; an absolute path stands for itself. NULL when out of memory. */
static char *join_path(prc_arena *arena, const char *from, const char *path) {
    const char *slash = strrchr(from, '/');
    size_t n_dir = slash && path[0] != '/' ? (size_t)(slash - from) + 1 : 0;
    char *out = prc_arena_printf(arena, "%.*s%s", (int)n_dir, from, path);
    if (!out) return NULL;
    bool absolute = out[0] == '/';
    char *w = out + absolute, *root = w;
    for (const char *r = out + absolute; *r;) {
        size_t n = strcspn(r, "/");
        bool up = n == 2 && r[0] == '.' && r[1] == '.', here = n == 0 || (n == 1 && r[0] == '.');
        const char *part = r;
        r += n + (r[n] == '/');
        if (here) continue;
        char *last = w;
        while (last > root && last[-1] != '/') last--;
        if (up && w > root && strncmp(last, "..", 3) != 0 && strncmp(last, "../", 3) != 0) {
            w = last > root ? last - 1 : last;
            continue;
        }
        if (w > root) *w++ = '/';
        memmove(w, part, n);
        w += n;
    }
    *w = '\0';
    return out;
}

static prc_status add_file(prc_ast_build *b, const char *path, const char *text) {
    if (!PRC_GROW(b->file, b->n_file, b->cap_file) || !PRC_GROW(b->file_text, b->n_file, b->cap_file_text))
        return prc_lang_no_memory(b->err);
    b->file[b->n_file] = path;
    b->file_text[b->n_file++] = text;
    return PRC_OK;
}

/* path and text belong to the arena. */
static prc_status add_text(prc_ast_build *b, const char *path, const char *text, size_t n) {
    PRC_TRY(add_file(b, path, text));
    b->open[b->n_open++] = path;
    PRC_TRY(prc_parse_file(b, path, text, n));
    b->n_open--;
    return PRC_OK;
}

static prc_status add_path(prc_ast_build *b, const char *path) {
    char *heap = NULL;
    size_t n;
    PRC_TRY(prc_file_read(path, PRC_LANG_FILE_MAX, &heap, &n, b->err));
    char *text = prc_arena_alloc(b->arena, n + 1, 1);
    if (text) memcpy(text, heap, n);
    prc_free(heap);
    return text ? add_text(b, path, text, n) : prc_lang_no_memory(b->err);
}

prc_status prc_ast_import(prc_ast_build *b, const prc_lang_text *from, int line, int col, const char *name) {
    char *path = join_path(b->arena, from->source, name);
    if (!path) return prc_lang_no_memory(b->err);
    for (size_t i = 0; i < b->n_open; i++)
        if (strcmp(b->open[i], path) == 0)
            return prc_lang_fail(from, line, col, PRC_E_SYNTAX, b->err, "import cycle: '%.200s' imports itself%s%.200s",
                                 path, i + 1 < b->n_open ? " by way of " : "",
                                 i + 1 < b->n_open ? b->open[b->n_open - 1] : "");
    for (size_t i = 0; i < b->n_file; i++)
        if (strcmp(b->file[i], path) == 0) return PRC_OK;
    if (b->n_open > PRC_LANG_IMPORT_MAX)
        return prc_lang_fail(from, line, col, PRC_E_SYNTAX, b->err, "imports are nested more than %d deep",
                             PRC_LANG_IMPORT_MAX);
    prc_error inner = {0};
    size_t n_file = b->n_file;
    prc_error *outer = b->err;
    b->err = &inner;
    prc_status st = add_path(b, path);
    b->err = outer;
    if (st == PRC_OK) return PRC_OK;
    /* A file that could not be read is reported where it is imported; anything wrong inside it, inside it. */
    if (b->n_file == n_file && st != PRC_E_MEMORY)
        return prc_lang_fail(from, line, col, st, b->err, "%.200s: %.500s (the path is relative to this file)", path, inner.message);
    if (b->err) *b->err = inner;
    return st;
}

/* Moves the arrays from the heap into the arena. */
static prc_status finish(prc_ast_build *b, prc_ast **out) {
    prc_ast *ast = prc_arena_alloc(b->arena, 1, sizeof *ast);
    if (!ast) return prc_lang_no_memory(b->err);
    *ast = (prc_ast){.arena = b->arena, .n_model = b->n_model, .n_function = b->n_function, .n_file = b->n_file};
    ast->model = prc_arena_alloc(b->arena, b->n_model + 1, sizeof *ast->model);
    ast->function = prc_arena_alloc(b->arena, b->n_function + 1, sizeof *ast->function);
    ast->file = prc_arena_alloc(b->arena, b->n_file + 1, sizeof *ast->file);
    ast->file_text = prc_arena_alloc(b->arena, b->n_file + 1, sizeof *ast->file_text);
    if (!ast->model || !ast->function || !ast->file || !ast->file_text) return prc_lang_no_memory(b->err);
    for (size_t i = 0; i < b->n_model; i++) ast->model[i] = b->model[i];
    for (size_t i = 0; i < b->n_function; i++) ast->function[i] = b->function[i];
    for (size_t i = 0; i < b->n_file; i++) {
        ast->file[i] = b->file[i];
        ast->file_text[i] = b->file_text[i];
    }
    *out = ast;
    return PRC_OK;
}

/* text NULL: the file is read. */
static prc_status build(const char *text, const char *source, prc_ast **out, prc_error *err) {
    prc_ast_build b = {.arena = prc_arena_create(), .err = err};
    if (!b.arena) return prc_lang_no_memory(err);
    prc_status st = PRC_E_MEMORY;
    char *path = join_path(b.arena, "", source);
    char *copy = path && text ? prc_arena_strdup(b.arena, text) : NULL;
    if (!path || (text && !copy))
        st = prc_lang_no_memory(err);
    else
        st = text ? add_text(&b, path, copy, strlen(copy)) : add_path(&b, path);
    if (st == PRC_OK) st = finish(&b, out);
    prc_free(b.model);
    prc_free(b.function);
    prc_free(b.file);
    prc_free(b.file_text);
    if (st != PRC_OK) prc_arena_free(b.arena);
    return st;
}

prc_status prc_ast_read(const char *path, prc_ast **out, prc_error *err) {
    return build(NULL, path, out, err);
}

prc_status prc_ast_parse(const char *text, const char *source, prc_ast **out, prc_error *err) {
    return build(text, source ? source : "", out, err);
}

void prc_ast_free(prc_ast *ast) {
    if (ast) prc_arena_free(ast->arena);
}

/* ---- look-up ---- */

/* A file of units and functions has loose statements, but no model of its own. */
static bool is_units_only(const prc_model_def *m) {
    if (strcmp(m->name, PRC_LANG_MAIN) != 0) return false;
    for (size_t i = 0; i < m->n_item; i++)
        if (m->item[i].kind != PRC_IT_UNIT) return false;
    return true;
}

static bool is_of_main_file(const prc_ast *ast, const prc_model_def *m) {
    return ast->n_file && m->source == ast->file[0];
}

const prc_model_def *prc_ast_main(const prc_ast *ast) {
    const prc_model_def *last = NULL, *last_any = NULL;
    for (size_t i = 0; i < ast->n_model; i++) {
        const prc_model_def *m = &ast->model[i];
        if (is_units_only(m)) continue;
        last_any = m;
        if (!is_of_main_file(ast, m)) continue;
        if (m->is_main) return m;
        last = m;
    }
    return last ? last : last_any;
}

const prc_model_def *prc_ast_model(const prc_ast *ast, const char *name) {
    for (size_t i = ast->n_model; i-- > 0;)
        if (strcmp(ast->model[i].name, name) == 0) return &ast->model[i];
    return NULL;
}

const prc_function_def *prc_ast_function(const prc_ast *ast, const char *name) {
    for (size_t i = 0; i < ast->n_function; i++)
        if (strcmp(ast->function[i].name, name) == 0) return &ast->function[i];
    return NULL;
}

prc_status prc_ast_fail(const prc_ast *ast, const char *source, int line, int col, prc_status status, prc_error *err,
                        const char *fmt, ...) {
    prc_lang_text src = {source ? source : "", NULL, 0, 1, 1};
    for (size_t i = 0; ast && i < ast->n_file; i++) {
        if (strcmp(ast->file[i], src.source) != 0) continue;
        src.text = ast->file_text[i];
        src.n = strlen(src.text);
    }
    va_list ap;
    va_start(ap, fmt);
    status = prc_lang_vfail(&src, line, col, status, err, fmt, ap);
    va_end(ap);
    return status;
}

/* ---- canonical text ---- */

static void print_declaration(const prc_item *it, prc_text *t) {
    bool plain = it->symbol == PRC_SY_VAR || it->symbol == PRC_SY_CONST;
    if (it->is_const) prc_text_add(t, "const ");
    if (it->is_var) prc_text_add(t, "var ");
    if (it->substance_only) prc_text_add(t, "substanceOnly ");
    if (it->symbol == PRC_SY_SPECIES) prc_text_add(t, "species ");
    if (it->symbol == PRC_SY_COMPARTMENT) prc_text_add(t, "compartment ");
    if (plain && !it->is_const && !it->is_var) prc_text_add(t, "formula ");
    prc_text_printf(t, "%s%s", it->boundary ? "$" : "", it->name);
    if (it->compartment) prc_text_printf(t, " in %s", it->compartment);
}

static void print_species(const prc_species_ref *ref, size_t n, prc_text *t) {
    char buf[40];
    for (size_t i = 0; i < n; i++) {
        if (i > 0) prc_text_add(t, " + ");
        if (ref[i].stoichiometry != 1.0) prc_text_printf(t, "%s ", prc_format_double(ref[i].stoichiometry, buf));
        prc_text_printf(t, "%s%s", ref[i].boundary ? "$" : "", ref[i].name);
    }
}

static void print_reaction(const prc_item *it, prc_text *t) {
    if (it->name) prc_text_add(t, it->name);
    if (it->name) prc_text_add(t, ": ");
    print_species(it->reactant, it->n_reactant, t);
    prc_text_printf(t, "%s%s%s", it->n_reactant ? " " : "", it->irreversible ? "=>" : "->", it->n_product ? " " : "");
    print_species(it->product, it->n_product, t);
    prc_text_add(t, "; ");
    prc_expr_print(it->expr, t);
    if (it->compartment) prc_text_printf(t, " in %s", it->compartment);
}

static void print_event(const prc_item *it, prc_text *t) {
    if (it->name) prc_text_printf(t, "%s: ", it->name);
    prc_text_add(t, "at (");
    prc_expr_print(it->expr, t);
    prc_text_add(t, "): ");
    for (size_t i = 0; i < it->n_assign; i++) {
        prc_text_printf(t, "%s%s = ", i ? ", " : "", it->assign[i].name);
        prc_expr_print(it->assign[i].expr, t);
    }
}

static void print_names(const char *const *name, size_t n, prc_text *t) {
    prc_text_add(t, "(");
    for (size_t i = 0; i < n; i++) prc_text_printf(t, "%s%s", i ? ", " : "", name[i]);
    prc_text_add(t, ")");
}

static void print_item(const prc_item *it, prc_text *t) {
    static const char *const link[] = {
        [PRC_IT_INIT] = " = ", [PRC_IT_RULE] = " := ", [PRC_IT_RATE] = "' = ", [PRC_IT_UNIT] = " = "};
    switch (it->kind) {
    case PRC_IT_DECLARE:
        print_declaration(it, t);
        break;
    case PRC_IT_UNIT:
    case PRC_IT_INIT:
    case PRC_IT_RULE:
    case PRC_IT_RATE:
        prc_text_printf(t, "%s%s%s", it->kind == PRC_IT_UNIT ? "unit " : "", it->name, link[it->kind]);
        prc_expr_print(it->expr, t);
        break;
    case PRC_IT_HAS:
        prc_text_printf(t, "%s has %s", it->name, it->name2 ? it->name2 : "");
        if (!it->name2) prc_expr_print(it->expr, t);
        break;
    case PRC_IT_REACTION:
        print_reaction(it, t);
        break;
    case PRC_IT_EVENT:
        print_event(it, t);
        break;
    case PRC_IT_SUBMODEL:
        prc_text_printf(t, "%s: %s", it->name, it->model_name);
        print_names(it->arg, it->n_arg, t);
        break;
    case PRC_IT_SYNC:
        prc_text_printf(t, "%s is %s", it->name, it->name2);
        break;
    }
    prc_text_add(t, "\n");
}

static void print_model(const prc_model_def *m, prc_text *t) {
    bool loose = strcmp(m->name, PRC_LANG_MAIN) == 0;
    if (!loose) {
        prc_text_printf(t, "model %s%s", m->is_main ? "*" : "", m->name);
        print_names(m->param, m->n_param, t);
        prc_text_add(t, "\n");
    }
    for (size_t i = 0; i < m->n_item; i++) {
        if (!loose) prc_text_add(t, "  ");
        print_item(&m->item[i], t);
    }
    if (!loose) prc_text_add(t, "end\n");
}

void prc_ast_print(const prc_ast *ast, prc_text *out) {
    for (size_t i = 0; i < ast->n_function; i++) {
        const prc_function_def *f = &ast->function[i];
        prc_text_printf(out, "function %s", f->name);
        print_names(f->param, f->n_param, out);
        prc_text_add(out, "\n  ");
        prc_expr_print(f->body, out);
        prc_text_add(out, "\nend\n");
    }
    for (size_t i = 0; i < ast->n_model; i++) print_model(&ast->model[i], out);
}
