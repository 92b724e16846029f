/* Evaluation order of assigned variables, and loops among them and among initial values. */
#include "model_int.h"

enum { NEW, OPEN, DONE };

/* Longest chain of variables that is followed; the walk is recursive. */
#define MAX_CHAIN 20000

typedef struct ordering {
    const prc_model *m;
    prc_error *err;
    uint8_t *colour;
    int *path; /* variables being visited, outermost first */
    size_t n_path;
    int *used; /* variables that those on the path use, innermost last */
    size_t n_used, cap_used;
    bool start; /* initial values instead of present ones */
    prc_status st;
    int *order;
    size_t n_order;
} ordering;

static void no_memory(ordering *o) {
    o->st = prc_fail(o->err, PRC_E_MEMORY, "out of memory while building the model");
}

static void note_name(void *ctx, const prc_expr *e) {
    ordering *o = ctx;
    int i = e->kind == PRC_EX_NAME ? prc_model_find(o->m, e->name) : -1;
    if (i < 0 || o->st != PRC_OK) return;
    if (PRC_GROW(o->used, o->n_used, o->cap_used))
        o->used[o->n_used++] = i;
    else
        no_memory(o);
}

/* What a variable's value is computed from, NULL = from outside. */
static const prc_expr *source_of(const ordering *o, const prc_var *v) {
    if (v->kind == PRC_VAR_ASSIGNED) return v->rule;
    return o->start ? v->initial : NULL;
}

static void fail_loop(ordering *o, int i) {
    prc_text t = {0};
    size_t k = 0;
    while (o->path[k] != i) k++;
    for (; k < o->n_path; k++) prc_text_printf(&t, "%s -> ", o->m->var[o->path[k]].name);
    prc_text_add(&t, o->m->var[i].name);
    const prc_var *v = &o->m->var[i];
    o->st = prc_ast_fail(o->m->ast, v->source, v->line, v->col, PRC_E_MODEL, o->err, "%s: %s (%s)",
                         o->start ? "initial values depend on each other" : "algebraic loop", t.failed ? v->name : t.s,
                         o->start ? "give one of them a number" : "give one of them a rate rule, or write it out");
    prc_text_reset(&t);
}

static void visit_var(ordering *o, int i) {
    const prc_var *v = &o->m->var[i];
    const prc_expr *e = source_of(o, v);
    if (!e || o->colour[i] == DONE || o->st != PRC_OK) return;
    if (o->colour[i] == OPEN) {
        fail_loop(o, i);
        return;
    }
    if (o->n_path >= MAX_CHAIN) {
        o->st = prc_ast_fail(o->m->ast, v->source, v->line, v->col, PRC_E_UNSUPPORTED, o->err,
                             "a chain of more than %d variables is not supported yet", MAX_CHAIN);
        return;
    }
    o->colour[i] = OPEN;
    o->path[o->n_path++] = i;
    /* The names are listed before they are followed: the stack holds variables, not their expressions. */
    size_t first = o->n_used;
    prc_expr_names(e, note_name, o);
    for (size_t k = first; k < o->n_used && o->st == PRC_OK; k++) visit_var(o, o->used[k]);
    o->n_used = first;
    o->n_path--;
    o->colour[i] = DONE;
    if (o->start || v->kind == PRC_VAR_ASSIGNED) o->order[o->n_order++] = i;
}

static prc_status visit_all(const prc_model *m, bool start, int *order, size_t *n, prc_error *err) {
    ordering o = {.m = m, .err = err, .order = order, .start = start};
    o.colour = prc_calloc(m->n_var + 1, 1);
    o.path = prc_malloc(m->n_var + 1, sizeof *o.path);
    if (!o.colour || !o.path) no_memory(&o);
    for (size_t i = 0; i < m->n_var && o.st == PRC_OK; i++) visit_var(&o, (int)i);
    prc_free(o.colour);
    prc_free(o.path);
    prc_free(o.used);
    *n = o.n_order;
    return o.st;
}

prc_status prc_model_start_order(const prc_model *m, int *order, size_t *n, prc_error *err) {
    return visit_all(m, true, order, n, err);
}

prc_status prc_model_order(prc_model *m, prc_error *err) {
    size_t n;
    int *start = prc_malloc(m->n_var + 1, sizeof *start);
    if (!start) return prc_fail(err, PRC_E_MEMORY, "out of memory while building the model");
    prc_status st = visit_all(m, false, m->assigned, &n, err);
    for (size_t k = 0; k < n && st == PRC_OK; k++) m->var[m->assigned[k]].slot = (int)k;
    if (st == PRC_OK) st = prc_model_start_order(m, start, &n, err);
    prc_free(start);
    return st;
}

bool prc_expr_is_constant(const prc_expr *e) {
    if (e->kind == PRC_EX_NUMBER) return true;
    if (e->kind != PRC_EX_CALL) return false;
    for (size_t i = 0; i < e->n_arg; i++)
        if (!prc_expr_is_constant(e->arg[i])) return false;
    return true;
}
