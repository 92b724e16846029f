/* Second half of flattening: symbols become parameters, states and assigned variables; reactions become rates. */
#include "flatten_int.h"

#include <string.h>

#define NEED(f, condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) return prc_flat_no_memory(f);                                                                \
    } while (0)

/* ---- kinds ------------------------------------------------------------------------------------------------- */

/* `const` species and those written with $ are not changed by reactions. */
static bool is_reactive(const prc_symbol *s) {
    return s->consumed && !s->boundary && !s->is_const;
}

static prc_status check_symbol(prc_flat *f, const prc_symbol *s) {
    const prc_item *rule = s->rule.item, *rate = s->rate.item, *initial = s->initial.item;
    if (rule && rate) return PRC_FLAT_FAIL(f, rate, PRC_E_MODEL, "'%s' has a rule and a rate rule", s->name);
    if (rule && initial)
        return PRC_FLAT_FAIL(f, initial, PRC_E_MODEL,
                             "'%s' follows from its rule (%s:%d) and cannot have an initial value", s->name,
                             rule->source, rule->line);
    if (s->is_const && (rule || rate))
        return PRC_FLAT_FAIL(f, rate ? rate : rule, PRC_E_MODEL, "'%s' is declared const and cannot have a %s: declare it `var`", s->name,
                             rate ? "rate" : "rule");
    if ((rule || rate) && is_reactive(s))
        return PRC_FLAT_FAIL(f, rate ? rate : rule, PRC_E_MODEL,
                             "'%s' is changed by reactions and cannot have a %s too (write $%s in the reactions)",
                             s->name, rate ? "rate rule" : "rule", s->name);
    if (s->reaction >= 0 && (rule || rate || initial))
        return PRC_FLAT_FAIL(f,
                             rate   ? rate
                             : rule ? rule
                                    : initial,
                             PRC_E_MODEL, "'%s' is the name of a reaction", s->name);
    return PRC_OK;
}

/* Amounts per volume are not converted: a species that reacts must be in a compartment of size 1. */
static prc_status check_compartment(prc_flat *f, const prc_symbol *s) {
    if (!s->in.item || !is_reactive(s)) return PRC_OK;
    int k = prc_flat_lookup(f, s->in.instance, s->in.item->compartment);
    if (k < 0)
        return PRC_FLAT_FAIL(f, s->in.item, PRC_E_KEY, "compartment '%s' is not defined", s->in.item->compartment);
    const prc_symbol *c = &f->symbol[k];
    f->symbol[k].used = true;
    const prc_item *size = c->initial.item;
    bool one = !size ||
               (size->expr && size->expr->kind == PRC_EX_NUMBER && size->expr->number >= 1 && size->expr->number <= 1);
    if (!one || c->rule.item || c->rate.item)
        return PRC_FLAT_FAIL(f, s->in.item, PRC_E_UNSUPPORTED,
                             "a compartment whose size is not 1 is not supported yet: '%s'", c->name);
    return PRC_OK;
}

static prc_status make_vars(prc_flat *f) {
    prc_model *m = f->m;
    m->var = prc_arena_alloc(f->arena, f->n_symbol + 1, sizeof *m->var);
    NEED(f, m->var);
    for (size_t k = 0; k < f->n_symbol; k++) {
        prc_symbol *s = &f->symbol[k];
        if (s->parent != (int)k) continue;
        PRC_TRY(check_symbol(f, s));
        PRC_TRY(check_compartment(f, s));
        if (s->reaction >= 0) continue;
        prc_var *v = &m->var[m->n_var];
        v->name = s->name;
        v->symbol = s->kind;
        v->kind = s->rule.item ? PRC_VAR_ASSIGNED : s->rate.item || is_reactive(s) ? PRC_VAR_STATE : PRC_VAR_PARAMETER;
        if (s->place) v->source = s->place->source, v->line = s->place->line, v->col = s->place->col;
        s->var = (int)m->n_var++;
    }
    return PRC_OK;
}

/* Slots by kind, in order of declaration; the assigned ones are put in evaluation order later. */
static prc_status make_slots(prc_flat *f) {
    prc_model *m = f->m;
    m->state = prc_arena_alloc(f->arena, m->n_var + 1, sizeof *m->state);
    m->param = prc_arena_alloc(f->arena, m->n_var + 1, sizeof *m->param);
    m->assigned = prc_arena_alloc(f->arena, m->n_var + 1, sizeof *m->assigned);
    NEED(f, m->state && m->param && m->assigned);
    for (size_t i = 0; i < m->n_var; i++) {
        prc_var *v = &m->var[i];
        size_t *n = v->kind == PRC_VAR_STATE       ? &m->n_state
                    : v->kind == PRC_VAR_PARAMETER ? &m->n_param
                                                   : &m->n_assigned;
        int *list = v->kind == PRC_VAR_STATE ? m->state : v->kind == PRC_VAR_PARAMETER ? m->param : m->assigned;
        v->slot = (int)*n;
        list[(*n)++] = (int)i;
    }
    m->names = prc_names_create(f->arena);
    NEED(f, m->names);
    for (size_t k = 0; k < f->n_symbol; k++) {
        int var = f->symbol[prc_flat_root(f, (int)k)].var;
        if (var >= 0) NEED(f, prc_names_add(m->names, f->symbol[k].name, var));
    }
    return PRC_OK;
}

/* ---- equations --------------------------------------------------------------------------------------------- */

static prc_status expand_item(prc_flat *f, const prc_definition *d, const prc_expr **out) {
    if (!d->item) return PRC_OK;
    return prc_flat_expand(f, d->instance, d->item->source, d->item->expr, out);
}

static prc_status make_equations(prc_flat *f) {
    for (size_t k = 0; k < f->n_symbol; k++) {
        const prc_symbol s = f->symbol[k];
        if (s.parent != (int)k || s.var < 0) continue;
        prc_var *v = &f->m->var[s.var];
        PRC_TRY(expand_item(f, s.rule.item ? &s.rule : &s.rate, &v->rule));
        PRC_TRY(expand_item(f, &s.initial, &v->initial));
        if (s.kind == PRC_SY_COMPARTMENT && v->kind == PRC_VAR_PARAMETER && !v->initial)
            NEED(f, v->initial = prc_expr_number(f->arena, 1));
    }
    return PRC_OK;
}

/* dx/dt gains (or loses) stoichiometry times the rate law. */
static prc_status add_flux(prc_flat *f, prc_var *v, double stoichiometry, const prc_expr *law) {
    double size = stoichiometry < 0 ? -stoichiometry : stoichiometry;
    const prc_expr *term = law, *pair[2];
    if (size < 1 || size > 1) {
        pair[0] = prc_expr_number(f->arena, size), pair[1] = law;
        NEED(f, pair[0]);
        term = prc_expr_call(f->arena, PRC_FN_MUL, 2, pair);
        NEED(f, term);
    }
    if (!v->rule) {
        v->rule = stoichiometry < 0 ? prc_expr_call(f->arena, PRC_FN_NEG, 1, &term) : term;
    } else {
        pair[0] = v->rule, pair[1] = term;
        v->rule = prc_expr_call(f->arena, stoichiometry < 0 ? PRC_FN_SUB : PRC_FN_ADD, 2, pair);
    }
    NEED(f, v->rule);
    return PRC_OK;
}

static prc_status fold_species(prc_flat *f, const prc_statement *r, const prc_species_ref *ref, size_t n, double sign) {
    for (size_t i = 0; i < n; i++) {
        int k = prc_flat_lookup(f, r->instance, ref[i].name);
        if (k < 0) return PRC_FLAT_FAIL(f, r->item, PRC_E_KEY, "species '%s' is not defined", ref[i].name);
        f->symbol[k].used = true;
        if (ref[i].boundary || !is_reactive(&f->symbol[k])) continue;
        PRC_TRY(add_flux(f, &f->m->var[f->symbol[k].var], sign * ref[i].stoichiometry, r->flat));
    }
    return PRC_OK;
}

static prc_status fold_reactions(prc_flat *f) {
    prc_model *m = f->m;
    m->reaction = prc_arena_alloc(f->arena, f->n_reaction + 1, sizeof *m->reaction);
    NEED(f, m->reaction);
    for (size_t r = 0; r < f->n_reaction; r++) {
        prc_statement *s = &f->reaction[r];
        const prc_expr *law;
        PRC_TRY(prc_flat_rate_law(f, (int)r, &law));
        const char *prefix = f->instance[s->instance].prefix;
        const char *name = s->item->name ? prc_arena_printf(f->arena, "%s%s", prefix, s->item->name)
                                         : prc_arena_printf(f->arena, "%s_J%zu", prefix, r);
        NEED(f, name);
        m->reaction[m->n_reaction++] = (prc_model_reaction){name, law};
        PRC_TRY(fold_species(f, s, s->item->reactant, s->item->n_reactant, -1));
        PRC_TRY(fold_species(f, s, s->item->product, s->item->n_product, 1));
    }
    /* A species whose every reaction cancels out. */
    for (size_t i = 0; i < m->n_state; i++)
        if (!m->var[m->state[i]].rule) NEED(f, m->var[m->state[i]].rule = prc_expr_number(f->arena, 0));
    return PRC_OK;
}

static prc_status make_event(prc_flat *f, const prc_statement *s, size_t number, prc_model_event *e) {
    const prc_item *it = s->item;
    int *target = prc_arena_alloc(f->arena, it->n_assign + 1, sizeof *target);
    const prc_expr **value = prc_arena_alloc(f->arena, it->n_assign + 1, sizeof *value);
    const char *prefix = f->instance[s->instance].prefix;
    e->name = it->name ? prc_arena_printf(f->arena, "%s%s", prefix, it->name)
                       : prc_arena_printf(f->arena, "%s_E%zu", prefix, number);
    NEED(f, target && value && e->name);
    for (size_t a = 0; a < it->n_assign; a++) {
        const prc_assignment *x = &it->assign[a];
        int k = prc_flat_lookup(f, s->instance, x->name);
        if (k < 0 || f->symbol[k].var < 0)
            return prc_ast_fail(f->ast, it->source, x->line, x->col, PRC_E_KEY, f->err, "'%s' is not defined", x->name);
        const prc_symbol *y = &f->symbol[k];
        if (y->is_const || y->rule.item)
            return prc_ast_fail(f->ast, it->source, x->line, x->col, PRC_E_MODEL, f->err,
                                "an event cannot set '%s': it %s", x->name,
                                y->is_const ? "is declared const" : "follows from its rule");
        target[a] = y->var;
        PRC_TRY(prc_flat_expand(f, s->instance, it->source, x->expr, &value[a]));
    }
    PRC_TRY(prc_flat_expand(f, s->instance, it->source, it->expr, &e->trigger));
    e->n_assign = it->n_assign, e->target = target, e->value = value;
    e->source = it->source, e->line = it->line, e->col = it->col;
    return PRC_OK;
}

static prc_status make_events(prc_flat *f) {
    f->m->event = prc_arena_alloc(f->arena, f->n_event + 1, sizeof *f->m->event);
    NEED(f, f->m->event);
    for (size_t k = 0; k < f->n_event; k++) PRC_TRY(make_event(f, &f->event[k], k, &f->m->event[f->m->n_event++]));
    return PRC_OK;
}

/* ---- units and warnings ------------------------------------------------------------------------------------ */

typedef struct unit_names {
    const prc_flat *f;
    const prc_model_def *def;
} unit_names;

static bool unit_lookup(void *ctx, const char *name, prc_dim *out) {
    const unit_names *u = ctx;
    return prc_dim_of_unit(u->f->ast, u->def, name, out, NULL) == PRC_OK;
}

/* The unit behind `has`: a name, or an expression over names. */
static prc_status dim_of(prc_flat *f, const prc_definition *d, prc_dim *out) {
    const prc_item *it = d->item;
    unit_names u = {f, f->instance[d->instance].def};
    if (!it->name2) return prc_expr_dim(f->ast, it->source, it->expr, unit_lookup, &u, out, f->err);
    prc_error inner = {0};
    prc_status st = prc_dim_of_unit(f->ast, u.def, it->name2, out, &inner);
    if (st == PRC_OK) return st;
    return PRC_FLAT_FAIL(f, it, st, "%s", inner.message);
}

static const char *unit_text(prc_flat *f, const prc_item *it) {
    if (it->name2) return it->name2;
    prc_text t = {0};
    prc_expr_print(it->expr, &t);
    const char *s = t.failed || !t.s ? NULL : prc_arena_strdup(f->arena, t.s);
    prc_text_reset(&t);
    return s;
}

static prc_status make_units(prc_flat *f) {
    for (size_t k = 0; k < f->n_symbol; k++) {
        const prc_symbol *s = &f->symbol[k];
        if (s->parent != (int)k || s->var < 0 || !s->unit.item) continue;
        prc_var *v = &f->m->var[s->var];
        NEED(f, v->unit = unit_text(f, s->unit.item));
        PRC_TRY(dim_of(f, &s->unit, &v->dim));
    }
    return PRC_OK;
}

/* All equations, in the order of the variables, reactions and events. */
static prc_status check_equations(prc_flat *f, const prc_dim *time) {
    const prc_model *m = f->m;
    prc_dim rate;
    for (size_t k = 0; k < f->n_symbol; k++) {
        const prc_symbol *s = &f->symbol[k];
        if (s->parent != (int)k || s->var < 0) continue;
        const prc_var *v = &m->var[s->var];
        prc_equation q = {.name = v->name, .want = v->dim};
        if (v->initial && s->initial.item) {
            q.source = s->initial.item->source, q.line = s->initial.item->line, q.col = s->initial.item->col;
            q.relation = "initial value", q.expr = v->initial;
            PRC_TRY(prc_model_check_units(m, time, &q, f->err));
        }
        const prc_item *it = s->rule.item ? s->rule.item : s->rate.item;
        if (!it) continue;
        rate = v->dim;
        if (s->rate.item) prc_dim_per(&rate, time);
        q = (prc_equation){it->source, it->line, it->col, v->name, s->rate.item ? "rate" : "rule", v->rule, rate};
        PRC_TRY(prc_model_check_units(m, time, &q, f->err));
    }
    return PRC_OK;
}

static prc_status check_reaction_units(prc_flat *f, const prc_dim *time, const prc_statement *r,
                                       const prc_species_ref *ref, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const prc_symbol *s = &f->symbol[prc_flat_lookup(f, r->instance, ref[i].name)];
        if (ref[i].boundary || s->var < 0) continue;
        prc_dim rate = f->m->var[s->var].dim;
        prc_dim_per(&rate, time);
        prc_equation q = {r->item->source, r->item->line, r->item->col, s->name, "reaction rate", r->flat, rate};
        PRC_TRY(prc_model_check_units(f->m, time, &q, f->err));
    }
    return PRC_OK;
}

static prc_status check_event_units(prc_flat *f, const prc_dim *time, const prc_model_event *e) {
    prc_equation q = {.source = e->source,
                      .line = e->line,
                      .col = e->col,
                      .name = e->name,
                      .relation = "trigger",
                      .expr = e->trigger};
    PRC_TRY(prc_model_check_units(f->m, time, &q, f->err));
    for (size_t a = 0; a < e->n_assign; a++) {
        const prc_var *v = &f->m->var[e->target[a]];
        q.name = v->name, q.relation = "event", q.expr = e->value[a], q.want = v->dim;
        PRC_TRY(prc_model_check_units(f->m, time, &q, f->err));
    }
    return PRC_OK;
}

static prc_status check_units(prc_flat *f, unsigned flags) {
    prc_dim time = {0};
    const prc_model_def *def = prc_ast_main(f->ast);
    bool declared = false;
    for (size_t i = 0; i < def->n_item; i++)
        declared = declared || (def->item[i].kind == PRC_IT_UNIT && strcmp(def->item[i].name, "time_unit") == 0);
    f->m->time_factor = 1;
    if (declared) {
        PRC_TRY(prc_dim_of_unit(f->ast, def, "time_unit", &time, f->err));
        f->m->time_factor = time.factor;
    }
    if (flags & PRC_MODEL_NO_UNITS) return PRC_OK;
    PRC_TRY(make_units(f));
    PRC_TRY(check_equations(f, &time));
    for (size_t r = 0; r < f->n_reaction; r++) {
        const prc_item *it = f->reaction[r].item;
        PRC_TRY(check_reaction_units(f, &time, &f->reaction[r], it->reactant, it->n_reactant));
        PRC_TRY(check_reaction_units(f, &time, &f->reaction[r], it->product, it->n_product));
    }
    for (size_t k = 0; k < f->m->n_event; k++) PRC_TRY(check_event_units(f, &time, &f->m->event[k]));
    return PRC_OK;
}

static prc_status warn(prc_flat *f, const prc_var *v, const char *what) {
    prc_model *m = f->m;
    const char *text =
        v->source ? prc_arena_printf(f->arena, "%s:%d:%d: warning: '%s' %s", v->source, v->line, v->col, v->name, what)
                  : prc_arena_printf(f->arena, "warning: '%s' %s", v->name, what);
    NEED(f, text);
    m->warning[m->n_warning++] = text;
    return PRC_OK;
}

static prc_status make_warnings(prc_flat *f, unsigned flags) {
    f->m->warning = prc_arena_alloc(f->arena, 2 * f->m->n_var + 1, sizeof *f->m->warning);
    NEED(f, f->m->warning);
    for (size_t k = 0; k < f->n_symbol; k++) {
        const prc_symbol *s = &f->symbol[k];
        if (s->parent != (int)k || s->var < 0) continue;
        const prc_var *v = &f->m->var[s->var];
        if (v->kind == PRC_VAR_PARAMETER && !s->used) PRC_TRY(warn(f, v, "is used nowhere in the model"));
        if (f->has_units && !v->dim.known && !(flags & PRC_MODEL_NO_UNITS) && s->kind != PRC_SY_COMPARTMENT)
            PRC_TRY(warn(f, v, "has no unit"));
    }
    return PRC_OK;
}

/* ---- whole --------------------------------------------------------------------------------------------------- */

static prc_status build(prc_flat *f, unsigned flags) {
    f->index = prc_names_create(f->arena);
    NEED(f, f->index);
    PRC_TRY(prc_flat_collect(f));
    f->m->name = prc_ast_main(f->ast)->name;
    PRC_TRY(make_vars(f));
    PRC_TRY(make_slots(f));
    PRC_TRY(make_equations(f));
    PRC_TRY(fold_reactions(f));
    PRC_TRY(make_events(f));
    PRC_TRY(prc_model_order(f->m, f->err));
    PRC_TRY(check_units(f, flags));
    return make_warnings(f, flags);
}

/* Builds the model of a tree; owns the tree from here on. */
static prc_status flatten(prc_ast *ast, unsigned flags, prc_model **out, prc_error *err) {
    prc_flat f = {.ast = ast, .err = err};
    prc_status st = PRC_E_MEMORY;
    f.arena = prc_arena_create();
    f.m = f.arena ? prc_arena_alloc(f.arena, 1, sizeof *f.m) : NULL;
    if (f.m) {
        f.m->arena = f.arena;
        f.m->ast = ast;
        st = build(&f, flags);
    } else {
        prc_flat_no_memory(&f);
    }
    prc_free(f.symbol);
    prc_free(f.instance);
    prc_free(f.reaction);
    prc_free(f.event);
    prc_free(f.sync);
    if (st == PRC_OK) {
        *out = f.m;
    } else {
        prc_arena_free(f.arena);
        prc_ast_free(ast);
    }
    return st;
}

prc_status prc_model_load(const char *path, unsigned flags, prc_model **out, prc_error *err) {
    prc_ast *ast;
    PRC_TRY(prc_ast_read(path, &ast, err));
    return flatten(ast, flags, out, err);
}

prc_status prc_model_parse(const char *text, const char *source, unsigned flags, prc_model **out, prc_error *err) {
    prc_ast *ast;
    PRC_TRY(prc_ast_parse(text, source, &ast, err));
    return flatten(ast, flags, out, err);
}

void prc_model_free(prc_model *m) {
    if (!m) return;
    prc_ast *ast = (prc_ast *)(uintptr_t)m->ast; /* ours since prc_model_load */
    prc_arena_free(m->arena);
    prc_ast_free(ast);
}

/* ---- names ------------------------------------------------------------------------------------------------- */

int prc_model_find(const prc_model *m, const char *name) {
    return prc_names_find(m->names, name);
}

int prc_model_find_reaction(const prc_model *m, const char *name) {
    for (size_t r = 0; r < m->n_reaction; r++)
        if (strcmp(m->reaction[r].name, name) == 0) return (int)r;
    return -1;
}

const char *prc_model_nearest(const prc_model *m, const char *name) {
    return name ? prc_nearest(name, m->names->key, m->names->n) : NULL;
}
