/* Expressions of a submodel over flattened names: functions written out, reaction names replaced by their rate laws. */
#include "flatten_int.h"

#include <string.h>

/* A function calling others many times over grows without bound; this is far above any model. */
#define MAX_NODES 1e6
#define MAX_HEIGHT 7000
#define MAX_CALLS 64

/* Where an expression stands: in an instance, or in the body of a function. */
typedef struct scope {
    int instance;
    const char *source;
    const prc_function_def *function; /* NULL = none */
    const prc_expr **arg;             /* values of its parameters, expanded */
    const prc_extent *arg_extent;
    const struct scope *caller;
    int depth, line, col; /* place of the call */
} scope;

#define NEED(f, condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) return prc_flat_no_memory(f);                                                                \
    } while (0)

static prc_status expand(prc_flat *f, const scope *s, const prc_expr *e, const prc_expr **out, prc_extent *extent);

/* Names an expression may use, for a suggestion: as written inside the submodel. */
static prc_status undefined_name(prc_flat *f, const scope *s, const prc_expr *e) {
    const char *near = NULL, *prefix = f->instance[s->instance].prefix;
    if (s->function) {
        near = prc_nearest(e->name, s->function->param, s->function->n_param);
    } else {
        const char **list = prc_malloc(f->n_symbol + 1, sizeof *list);
        NEED(f, list);
        size_t n = 0, skip = strlen(prefix);
        for (size_t i = 0; i < f->n_symbol; i++)
            if (f->symbol[i].defined && strncmp(f->symbol[i].name, prefix, skip) == 0)
                list[n++] = f->symbol[i].name + skip;
        near = prc_nearest(e->name, list, n);
        prc_free((void *)list);
    }
    return prc_ast_fail(f->ast, s->function ? s->function->source : s->source, e->line, e->col, PRC_E_KEY, f->err,
                        "'%s' is not defined%s%s%s%s", e->name, s->function ? " in this function" : "",
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static prc_status expand_name(prc_flat *f, const scope *s, const prc_expr *e, const prc_expr **out,
                              prc_extent *extent) {
    if (s->function) {
        for (size_t i = 0; i < s->function->n_param; i++)
            if (strcmp(s->function->param[i], e->name) == 0) {
                *out = s->arg[i], *extent = s->arg_extent[i];
                return PRC_OK;
            }
        return undefined_name(f, s, e);
    }
    int k = prc_flat_lookup(f, s->instance, e->name);
    if (k < 0) return undefined_name(f, s, e);
    prc_symbol *symbol = &f->symbol[k];
    symbol->used = true;
    if (symbol->reaction >= 0) {
        PRC_TRY(prc_flat_rate_law(f, symbol->reaction, out));
        *extent = f->reaction[symbol->reaction].extent;
        return PRC_OK;
    }
    prc_expr *copy = prc_arena_alloc(f->arena, 1, sizeof *copy);
    NEED(f, copy);
    *copy = *e;
    copy->name = symbol->name;
    *out = copy;
    return PRC_OK;
}

static prc_status expand_function(prc_flat *f, const scope *s, const prc_expr *e, const prc_expr **out,
                                  prc_extent *extent) {
    const char *source = s->function ? s->function->source : s->source;
    const prc_function_def *def = prc_ast_function(f->ast, e->name);
    if (!def) return prc_ast_fail(f->ast, source, e->line, e->col, PRC_E_KEY, f->err, "unknown function '%s'", e->name);
    if (e->n_arg != def->n_param)
        return prc_ast_fail(f->ast, source, e->line, e->col, PRC_E_MODEL, f->err,
                            "function '%s' takes %zu argument%s, not %zu", def->name, def->n_param,
                            def->n_param == 1 ? "" : "s", e->n_arg);
    for (const scope *c = s; c; c = c->caller)
        if (c->function == def || c->depth > MAX_CALLS)
            return prc_ast_fail(f->ast, source, e->line, e->col, PRC_E_MODEL, f->err, "function '%s' calls itself",
                                def->name);
    const prc_expr **arg = prc_arena_alloc(f->arena, e->n_arg + 1, sizeof *arg);
    prc_extent *arg_extent = prc_arena_alloc(f->arena, e->n_arg + 1, sizeof *arg_extent);
    NEED(f, arg && arg_extent);
    for (size_t i = 0; i < e->n_arg; i++) PRC_TRY(expand(f, s, e->arg[i], &arg[i], &arg_extent[i]));
    scope inner = {s->instance,
                   s->source,
                   def,
                   arg,
                   arg_extent,
                   s,
                   s->depth + 1,
                   s->function ? s->line : e->line,
                   s->function ? s->col : e->col};
    return expand(f, &inner, def->body, out, extent);
}

static prc_status expand(prc_flat *f, const scope *s, const prc_expr *e, const prc_expr **out, prc_extent *extent) {
    *extent = (prc_extent){1, 1};
    if (e->kind == PRC_EX_NAME) return expand_name(f, s, e, out, extent);
    if (e->kind == PRC_EX_CALL && e->fn == PRC_FN_USER) return expand_function(f, s, e, out, extent);
    prc_expr *copy = prc_arena_alloc(f->arena, 1, sizeof *copy);
    NEED(f, copy);
    *copy = *e;
    /* What comes out of a function points at the call. */
    if (s->function) copy->line = s->line, copy->col = s->col;
    if (e->kind == PRC_EX_CALL) {
        copy->arg = prc_arena_alloc(f->arena, e->n_arg + 1, sizeof *copy->arg);
        NEED(f, copy->arg);
        for (size_t i = 0; i < e->n_arg; i++) {
            prc_extent x;
            PRC_TRY(expand(f, s, e->arg[i], &copy->arg[i], &x));
            extent->nodes += x.nodes;
            if (extent->height <= x.height) extent->height = x.height + 1;
        }
        if (extent->nodes > MAX_NODES || extent->height > MAX_HEIGHT)
            return prc_ast_fail(f->ast, s->source, copy->line, copy->col, PRC_E_MODEL, f->err,
                                "this expression is too large once its functions are written out");
    }
    *out = copy;
    return PRC_OK;
}

prc_status prc_flat_expand(prc_flat *f, int instance, const char *source, const prc_expr *e, const prc_expr **out) {
    prc_extent extent;
    scope s = {.instance = instance, .source = source};
    return expand(f, &s, e, out, &extent);
}

prc_status prc_flat_rate_law(prc_flat *f, int reaction, const prc_expr **out) {
    prc_statement *r = &f->reaction[reaction];
    if (r->busy) return PRC_FLAT_FAIL(f, r->item, PRC_E_MODEL, "the rate law of '%s' depends on itself", r->item->name);
    if (!r->flat) {
        r->busy = true;
        scope s = {.instance = r->instance, .source = r->item->source};
        prc_status st = expand(f, &s, r->item->expr, &r->flat, &r->extent);
        r->busy = false;
        PRC_TRY(st);
    }
    *out = r->flat;
    return PRC_OK;
}
