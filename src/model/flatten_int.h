/* flatten_int.h: the model while it is being flattened. */
#ifndef PRC_FLATTEN_INT_H
#define PRC_FLATTEN_INT_H

#include "model_int.h"

/* One use of a model definition: the main model or a submodel. */
typedef struct prc_instance {
    const char *prefix; /* "" or "fate." */
    const prc_model_def *def;
    int depth; /* 0 = main */
} prc_instance;

/* A definition that some symbol has: an item of an instance. */
typedef struct prc_definition {
    const prc_item *item; /* NULL = none */
    int instance;
} prc_definition;

typedef struct prc_symbol {
    const char *name; /* dotted */
    int parent;       /* union-find, itself for a root */
    int n_dot;
    prc_symbol_kind kind;
    bool defined, is_const, boundary, consumed, used; /* consumed: changed by a reaction */
    int reaction;                                     /* index of the reaction it names, -1 = none */
    const prc_item *place;                            /* where it was first defined */
    prc_definition rule, rate, initial, unit, in;
    int var; /* index in the model, set for roots at the end */
} prc_symbol;

/* How large an expression is as a tree. */
typedef struct prc_extent {
    double nodes;
    int height;
} prc_extent;

/* A reaction, event or synchronisation. */
typedef struct prc_statement {
    const prc_item *item;
    int instance;
    const prc_expr *flat; /* reactions: rate law once flattened */
    prc_extent extent;    /* its size */
    bool busy;
} prc_statement;

typedef struct prc_flat {
    prc_model *m;
    prc_arena *arena;
    const prc_ast *ast;
    prc_error *err;
    prc_names *index; /* dotted name to symbol */
    prc_symbol *symbol;
    size_t n_symbol, cap_symbol;
    prc_instance *instance;
    size_t n_instance, cap_instance;
    prc_statement *reaction, *event, *sync;
    size_t n_reaction, cap_reaction, n_event, cap_event, n_sync, cap_sync;
    size_t cap_warning;
    bool has_units;
} prc_flat;

prc_status prc_flat_no_memory(prc_flat *f);
/* Collects instances, symbols, definitions and synchronisations (collect.c). */
prc_status prc_flat_collect(prc_flat *f);
/* Symbol that a name stands for, -1 = never heard of. */
int prc_flat_root(prc_flat *f, int symbol);
int prc_flat_lookup(prc_flat *f, int instance, const char *name);
/* An expression over flattened names, functions and reaction names expanded (expand.c). */
prc_status prc_flat_expand(prc_flat *f, int instance, const char *source, const prc_expr *e, const prc_expr **out);
prc_status prc_flat_rate_law(prc_flat *f, int reaction, const prc_expr **out);
/* Error at an item. */
#define PRC_FLAT_FAIL(f, it, st, ...)                                                                                  \
    prc_ast_fail((f)->ast, (it)->source, (it)->line, (it)->col, st, (f)->err, __VA_ARGS__)

#endif
