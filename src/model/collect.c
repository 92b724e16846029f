/* First half of flattening: every statement of every submodel is given to the symbol it speaks of, then synchronised
 * symbols are joined. A statement of an outer model takes the place of one inside. */
#include "flatten_int.h"

#include <string.h>

#define MAX_DEPTH 32
#define MAX_INSTANCES 10000

prc_status prc_flat_no_memory(prc_flat *f) {
    return prc_fail(f->err, PRC_E_MEMORY, "out of memory while building the model");
}

#define NEED(f, condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) return prc_flat_no_memory(f);                                                                \
    } while (0)

int prc_flat_root(prc_flat *f, int s) {
    while (f->symbol[s].parent != s) s = f->symbol[s].parent;
    return s;
}

static const char *dotted(prc_flat *f, int instance, const char *name) {
    const char *prefix = f->instance[instance].prefix;
    return *prefix ? prc_arena_printf(f->arena, "%s%s", prefix, name) : name;
}

int prc_flat_lookup(prc_flat *f, int instance, const char *name) {
    const char *full = dotted(f, instance, name);
    int s = full ? prc_names_find(f->index, full) : -1;
    return s < 0 || !f->symbol[s].defined ? -1 : prc_flat_root(f, s);
}

/* The symbol of a name seen from an instance, made if new. */
static prc_status symbol_of(prc_flat *f, int instance, const char *name, int *out) {
    const char *full = dotted(f, instance, name);
    NEED(f, full);
    *out = prc_names_find(f->index, full);
    if (*out >= 0) return PRC_OK;
    NEED(f, PRC_GROW(f->symbol, f->n_symbol, f->cap_symbol));
    int dots = 0;
    for (const char *c = full; *c; c++) dots += *c == '.';
    *out = (int)f->n_symbol++;
    f->symbol[*out] = (prc_symbol){.name = full, .parent = *out, .n_dot = dots, .reaction = -1, .var = -1};
    NEED(f, prc_names_add(f->index, full, *out));
    return PRC_OK;
}

/* The symbol that a statement defines. A dotted name must have been defined by its own submodel. */
static prc_status define(prc_flat *f, int instance, const prc_item *it, const char *name, int *out) {
    *out = -1;
    PRC_TRY(symbol_of(f, instance, name, out));
    prc_symbol *s = &f->symbol[*out];
    if (!strchr(name, '.')) s->defined = true;
    if (!s->place) s->place = it;
    return PRC_OK;
}

/* ---- instances --------------------------------------------------------------------------------------------- */

static prc_status collect_instance(prc_flat *f, int instance);

static prc_status enter_submodel(prc_flat *f, int outer, const prc_item *it) {
    const prc_model_def *def = prc_ast_model(f->ast, it->model_name);
    if (!def) return PRC_FLAT_FAIL(f, it, PRC_E_KEY, "unknown model '%s'", it->model_name);
    if (f->instance[outer].depth + 1 > MAX_DEPTH || f->n_instance >= MAX_INSTANCES)
        return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "too many submodels inside one another: does '%s' contain itself?",
                             it->model_name);
    if (it->n_arg > def->n_param)
        return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "model '%s' takes %zu arguments, not %zu", def->name, def->n_param,
                             it->n_arg);
    const char *prefix = prc_arena_printf(f->arena, "%s%s.", f->instance[outer].prefix, it->name);
    NEED(f, prefix);
    for (size_t i = 0; i < f->n_instance; i++)
        if (strcmp(f->instance[i].prefix, prefix) == 0)
            return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "'%s' is a submodel already", it->name);
    NEED(f, PRC_GROW(f->instance, f->n_instance, f->cap_instance));
    int inner = (int)f->n_instance++;
    f->instance[inner] = (prc_instance){prefix, def, f->instance[outer].depth + 1};
    for (size_t i = 0; i < def->n_param; i++) {
        int s;
        PRC_TRY(define(f, inner, it, def->param[i], &s));
    }
    PRC_TRY(collect_instance(f, inner));
    NEED(f, PRC_GROW(f->sync, f->n_sync, f->cap_sync));
    f->sync[f->n_sync++] = (prc_statement){.item = it, .instance = outer};
    return PRC_OK;
}

/* ---- statements ---------------------------------------------------------------------------------------------- */

static prc_status declare(prc_flat *f, int instance, const prc_item *it) {
    int k;
    PRC_TRY(define(f, instance, it, it->name, &k));
    prc_symbol *s = &f->symbol[k];
    if (s->kind == PRC_SY_UNKNOWN || it->symbol == PRC_SY_SPECIES || it->symbol == PRC_SY_COMPARTMENT)
        s->kind = it->symbol;
    s->is_const = s->is_const || it->is_const;
    s->boundary = s->boundary || it->boundary;
    if (it->compartment) s->in = (prc_definition){it, instance};
    return PRC_OK;
}

/* Gives symbol k one more definition; the outer one wins, two at the same depth are an error. */
static prc_status set_definition(prc_flat *f, int instance, const prc_item *it, int k, prc_definition *slot,
                                 const char *what) {
    if (slot->item) {
        int old = f->instance[slot->instance].depth, new = f->instance[instance].depth;
        if (old == new)
            return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "'%s' has %s already (%s:%d): delete one", f->symbol[k].name, what,
                                 slot->item->source, slot->item->line);
        if (old < new) return PRC_OK;
    }
    *slot = (prc_definition){it, instance};
    return PRC_OK;
}

static prc_status collect_value(prc_flat *f, int instance, const prc_item *it) {
    int k;
    PRC_TRY(define(f, instance, it, it->name, &k));
    prc_symbol *s = &f->symbol[k];
    switch (it->kind) {
    case PRC_IT_RULE:
        return set_definition(f, instance, it, k, &s->rule, "a rule");
    case PRC_IT_RATE:
        return set_definition(f, instance, it, k, &s->rate, "a rate rule");
    case PRC_IT_HAS:
        f->has_units = true;
        return set_definition(f, instance, it, k, &s->unit, "a unit");
    default:
        return set_definition(f, instance, it, k, &s->initial, "an initial value");
    }
}

static prc_status collect_species(prc_flat *f, int instance, const prc_item *it, const prc_species_ref *ref, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int k;
        PRC_TRY(define(f, instance, it, ref[i].name, &k));
        if (!ref[i].boundary) f->symbol[k].consumed = true;
        if (f->symbol[k].kind == PRC_SY_UNKNOWN) f->symbol[k].kind = PRC_SY_SPECIES;
    }
    return PRC_OK;
}

static prc_status collect_reaction(prc_flat *f, int instance, const prc_item *it) {
    int k, number = (int)f->n_reaction;
    NEED(f, PRC_GROW(f->reaction, f->n_reaction, f->cap_reaction));
    f->reaction[f->n_reaction++] = (prc_statement){.item = it, .instance = instance};
    PRC_TRY(collect_species(f, instance, it, it->reactant, it->n_reactant));
    PRC_TRY(collect_species(f, instance, it, it->product, it->n_product));
    if (!it->name) return PRC_OK;
    PRC_TRY(define(f, instance, it, it->name, &k));
    if (f->symbol[k].reaction >= 0 || f->symbol[k].place != it)
        return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "'%s' is the name of something else already", f->symbol[k].name);
    f->symbol[k].reaction = number;
    return PRC_OK;
}

static prc_status collect_item(prc_flat *f, int instance, const prc_item *it) {
    switch (it->kind) {
    case PRC_IT_UNIT:
        return PRC_OK;
    case PRC_IT_SUBMODEL:
        return enter_submodel(f, instance, it);
    case PRC_IT_DECLARE:
        return declare(f, instance, it);
    case PRC_IT_REACTION:
        return collect_reaction(f, instance, it);
    case PRC_IT_EVENT:
        NEED(f, PRC_GROW(f->event, f->n_event, f->cap_event));
        f->event[f->n_event++] = (prc_statement){.item = it, .instance = instance};
        return PRC_OK;
    case PRC_IT_SYNC:
        NEED(f, PRC_GROW(f->sync, f->n_sync, f->cap_sync));
        f->sync[f->n_sync++] = (prc_statement){.item = it, .instance = instance};
        return PRC_OK;
    default:
        return collect_value(f, instance, it);
    }
}

static prc_status collect_instance(prc_flat *f, int instance) {
    const prc_model_def *def = f->instance[instance].def;
    for (size_t i = 0; i < def->n_item; i++) PRC_TRY(collect_item(f, instance, &def->item[i]));
    return PRC_OK;
}

/* ---- synchronisation --------------------------------------------------------------------------------------- */

/* Of two definitions the one to keep; the surviving symbol's goes first. */
static prc_status join_rule(prc_flat *f, const prc_item *it, prc_definition *keep, const prc_definition *other,
                            const char *what) {
    if (keep->item && other->item)
        return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "both sides have a %s (%s:%d and %s:%d): remove one", what,
                             keep->item->source, keep->item->line, other->item->source, other->item->line);
    if (!keep->item) *keep = *other;
    return PRC_OK;
}

/* Joins b into a. A value of the side without the rule was a placeholder. */
static prc_status join_into(prc_flat *f, const prc_item *it, prc_symbol *a, prc_symbol *b) {
    bool rule_a = a->rule.item || a->rate.item || a->consumed, rule_b = b->rule.item || b->rate.item || b->consumed;
    if (a->reaction >= 0 || b->reaction >= 0)
        return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "a reaction cannot be synchronised");
    if ((a->rule.item && b->rate.item) || (a->rate.item && b->rule.item))
        return PRC_FLAT_FAIL(f, it, PRC_E_MODEL, "one side has a rule and the other a rate rule: remove one");
    PRC_TRY(join_rule(f, it, &a->rule, &b->rule, "rule"));
    PRC_TRY(join_rule(f, it, &a->rate, &b->rate, "rate rule"));
    if (a->rule.item && rule_a != rule_b) {
        if (!rule_a) a->initial = b->initial;
    } else if (!a->initial.item || (rule_b && !rule_a && b->initial.item)) {
        a->initial = b->initial;
    }
    if (!a->unit.item) a->unit = b->unit;
    if (!a->in.item) a->in = b->in;
    if (a->kind == PRC_SY_UNKNOWN || b->kind == PRC_SY_SPECIES) a->kind = b->kind;
    /* `const` on the side that receives says that the submodel does not change it, not that nobody does. */
    a->is_const = rule_a == rule_b ? a->is_const || b->is_const : rule_a ? a->is_const : b->is_const;
    a->boundary = a->boundary && b->boundary;
    a->consumed = a->consumed || b->consumed;
    b->parent = (int)(a - f->symbol);
    return PRC_OK;
}

/* The outer name survives; between equals the one that has a rule, then the left one. */
static prc_status join(prc_flat *f, const prc_item *it, int left, int right) {
    left = prc_flat_root(f, left), right = prc_flat_root(f, right);
    if (left == right) return PRC_OK;
    prc_symbol *a = &f->symbol[left], *b = &f->symbol[right];
    bool rule_a = a->rule.item || a->rate.item, rule_b = b->rule.item || b->rate.item;
    bool right_wins = b->n_dot < a->n_dot || (b->n_dot == a->n_dot && rule_b && !rule_a);
    return right_wins ? join_into(f, it, b, a) : join_into(f, it, a, b);
}

/* Names known so far, for a suggestion. */
static const char *nearest_symbol(prc_flat *f, const char *name) {
    const char **list = prc_malloc(f->n_symbol + 1, sizeof *list), *near = NULL;
    size_t n = 0;
    if (!list) return NULL;
    for (size_t i = 0; i < f->n_symbol; i++)
        if (f->symbol[i].defined) list[n++] = f->symbol[i].name;
    near = prc_nearest(name, list, n);
    prc_free((void *)list);
    return near;
}

static prc_status undefined_symbol(prc_flat *f, const prc_item *it, const char *name) {
    const char *near = nearest_symbol(f, name);
    return PRC_FLAT_FAIL(f, it, PRC_E_KEY, "'%s' is not defined%s%s%s", name, near ? "; did you mean '" : "",
                         near ? near : "", near ? "'?" : "");
}

/* One side of `is`: a plain name is made when it is new, a dotted one must be there. */
static prc_status sync_side(prc_flat *f, const prc_statement *s, const char *name, int *out) {
    if (!strchr(name, '.')) return define(f, s->instance, s->item, name, out);
    PRC_TRY(symbol_of(f, s->instance, name, out));
    if (!f->symbol[*out].defined) return undefined_symbol(f, s->item, f->symbol[*out].name);
    return PRC_OK;
}

static prc_status synchronise(prc_flat *f, const prc_statement *s) {
    const prc_item *it = s->item;
    int left, right;
    if (it->kind == PRC_IT_SYNC) {
        PRC_TRY(sync_side(f, s, it->name, &left));
        PRC_TRY(sync_side(f, s, it->name2, &right));
        return join(f, it, left, right);
    }
    const prc_model_def *def = prc_ast_model(f->ast, it->model_name);
    for (size_t i = 0; i < it->n_arg; i++) {
        const char *inner = prc_arena_printf(f->arena, "%s.%s", it->name, def->param[i]);
        NEED(f, inner);
        PRC_TRY(sync_side(f, s, it->arg[i], &left));
        PRC_TRY(sync_side(f, s, inner, &right));
        PRC_TRY(join(f, it, left, right));
    }
    return PRC_OK;
}

prc_status prc_flat_collect(prc_flat *f) {
    const prc_model_def *def = prc_ast_main(f->ast);
    if (!def)
        return prc_fail_at(f->err, PRC_E_MODEL, f->ast->n_file ? f->ast->file[0] : "", 0, 0,
                           "the file defines no model: write `model name() ... end`");
    NEED(f, PRC_GROW(f->instance, f->n_instance, f->cap_instance));
    f->instance[f->n_instance++] = (prc_instance){"", def, 0};
    for (size_t i = 0; i < def->n_param; i++) {
        int k;
        PRC_TRY(symbol_of(f, 0, def->param[i], &k));
        f->symbol[k].defined = true;
    }
    PRC_TRY(collect_instance(f, 0));
    for (size_t i = 0; i < f->n_sync; i++) PRC_TRY(synchronise(f, &f->sync[i]));
    /* A statement about a dotted name says nothing if the submodel has no such name. */
    for (size_t i = 0; i < f->n_symbol; i++)
        if (!f->symbol[i].defined && f->symbol[i].place)
            return undefined_symbol(f, f->symbol[i].place, f->symbol[i].name);
    return PRC_OK;
}
