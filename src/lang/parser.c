/* parser.c: statements: one recursive-descent function per kind; what Antimony has and we do not is refused by name. */
#include "lang_int.h"

#include <string.h>

/* A model while its statements are read. */
typedef struct body {
    prc_model_def def;
    prc_item *item;
    size_t n, cap;
} body;

static prc_status fail(prc_parser *p, const prc_token *at, prc_status status, const char *fmt, ...) PRC_PRINTF(4, 5);

static prc_status fail(prc_parser *p, const prc_token *at, prc_status status, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    status = prc_lang_vfail(p->src, at->line, at->col, status, p->err, fmt, ap);
    va_end(ap);
    return status;
}

static prc_status unsupported(prc_parser *p, const prc_token *at, const char *what) {
    return fail(p, at, PRC_E_UNSUPPORTED, "%s is not supported yet", what);
}

static bool is_keyword(const prc_token *t, prc_keyword k) {
    return t->kind == PRC_T_NAME && t->keyword == k;
}

static bool is_plain(const prc_token *t) {
    return t->kind == PRC_T_NAME && !t->keyword;
}

static bool is_end_of_statement(const prc_token *t) {
    return t->kind == PRC_T_NEWLINE || t->kind == PRC_T_SEMICOLON || t->kind == PRC_T_EOF;
}

static bool is_arrow(const prc_token *t) {
    return t->kind == PRC_T_ARROW || t->kind == PRC_T_ARROW_IRREV;
}

static bool is_comparison(const prc_token *t) {
    return t->kind >= PRC_T_LT && t->kind <= PRC_T_NE;
}

/* The token after t, t itself at the end. */
static const prc_token *after(const prc_token *t) {
    return t->kind == PRC_T_EOF || t->kind == PRC_T_ERROR ? t : t + 1;
}

static bool take(prc_parser *p, prc_token_kind kind) {
    if (p->tok->kind != kind) return false;
    prc_parser_next(p);
    return true;
}

static prc_status expect(prc_parser *p, prc_token_kind kind, const char *what) {
    return take(p, kind) ? PRC_OK : prc_parser_expected(p, what);
}

static void skip_line_ends(prc_parser *p) {
    while (p->tok->kind == PRC_T_NEWLINE || p->tok->kind == PRC_T_SEMICOLON) prc_parser_next(p);
}

static prc_status end_statement(prc_parser *p) {
    return is_end_of_statement(p->tok) ? PRC_OK : prc_parser_expected(p, "the end of the statement");
}

/* Copies an array from the heap into the arena; NULL when out of memory. */
static void *keep(prc_arena *arena, const void *items, size_t n, size_t size) {
    void *copy = prc_arena_alloc(arena, n ? n : 1, size);
    if (copy && n) memcpy(copy, items, n * size);
    return copy;
}

/* NULL when out of memory. */
static prc_item *add_item(prc_parser *p, body *m, prc_item_kind kind, const prc_token *at) {
    if (!PRC_GROW(m->item, m->n, m->cap)) return NULL;
    prc_item *it = &m->item[m->n++];
    *it = (prc_item){.kind = kind, .line = at->line, .col = at->col, .source = p->src->source};
    return it;
}

/* A name that a statement gives a meaning; `simple`: without dots. */
static prc_status check_definable(prc_parser *p, const prc_token *t, bool simple) {
    const char *what = prc_lang_reserved(t->text);
    if (what) return fail(p, t, PRC_E_SYNTAX, "'%s' is %s: choose another name", t->text, what);
    if (simple && strchr(t->text, '.'))
        return fail(p, t, PRC_E_SYNTAX, "'%.60s': a dotted name cannot be defined, only used", t->text);
    return PRC_OK;
}

static prc_status take_name(prc_parser *p, const char *what, bool simple, const prc_token **out) {
    *out = p->tok;
    if (!is_plain(p->tok)) return prc_parser_expected(p, what);
    PRC_TRY(check_definable(p, p->tok, simple));
    prc_parser_next(p);
    return PRC_OK;
}

/* ---- declarations, assignments, rules ---- */

static prc_status parse_in(prc_parser *p, const char **compartment) {
    if (!is_keyword(p->tok, PRC_KW_IN)) return PRC_OK;
    prc_parser_next(p);
    const prc_token *name;
    PRC_TRY(take_name(p, "the name of a compartment after 'in'", false, &name));
    *compartment = name->text;
    return PRC_OK;
}

static prc_status parse_has(prc_parser *p, body *m, const prc_token *name) {
    prc_parser_next(p);
    p->unit = true;
    const prc_expr *unit;
    prc_status st = prc_parser_expr(p, &unit);
    p->unit = false;
    PRC_TRY(st);
    prc_item *it = add_item(p, m, PRC_IT_HAS, name);
    if (!it) return prc_lang_no_memory(p->err);
    it->name = name->text;
    if (unit->kind == PRC_EX_NAME)
        it->name2 = unit->name;
    else
        it->expr = unit;
    return PRC_OK;
}

/* = expr, := expr, ' = expr or has unit behind a name; *found tells whether there was one. */
static prc_status parse_value(prc_parser *p, body *m, const prc_token *name, bool *found) {
    prc_item_kind kind = PRC_IT_INIT;
    *found = true;
    if (is_keyword(p->tok, PRC_KW_HAS)) return parse_has(p, m, name);
    if (p->tok->kind == PRC_T_ASSIGN) {
        kind = PRC_IT_RULE;
    } else if (p->tok->kind == PRC_T_PRIME) {
        kind = PRC_IT_RATE;
        prc_parser_next(p);
        if (p->tok->kind != PRC_T_EQUAL) return prc_parser_expected(p, "'=' after the prime of a rate rule");
    } else if (p->tok->kind != PRC_T_EQUAL) {
        *found = false;
        return PRC_OK;
    }
    prc_parser_next(p);
    const prc_expr *e;
    PRC_TRY(prc_parser_expr(p, &e));
    prc_item *it = add_item(p, m, kind, name);
    if (!it) return prc_lang_no_memory(p->err);
    it->name = name->text;
    it->expr = e;
    return PRC_OK;
}

/* What stands before the names of a declaration. */
typedef struct declaration {
    prc_symbol_kind symbol;
    bool is_const, is_var, substance_only;
} declaration;

static prc_status parse_declared(prc_parser *p, body *m, const declaration *d) {
    const prc_token *name;
    bool boundary = take(p, PRC_T_DOLLAR), found;
    PRC_TRY(take_name(p, "a name to declare", false, &name));
    const char *compartment = NULL;
    PRC_TRY(parse_in(p, &compartment));
    prc_item *it = add_item(p, m, PRC_IT_DECLARE, name);
    if (!it) return prc_lang_no_memory(p->err);
    it->name = name->text;
    it->symbol = d->symbol;
    it->is_const = d->is_const;
    it->is_var = d->is_var;
    it->substance_only = d->substance_only;
    it->boundary = boundary;
    it->compartment = compartment;
    return parse_value(p, m, name, &found);
}

static prc_status parse_qualifiers(prc_parser *p, declaration *d) {
    for (;; prc_parser_next(p)) {
        const prc_token *t = p->tok;
        prc_keyword k = t->kind == PRC_T_NAME ? t->keyword : PRC_KW_NONE;
        bool twice = false;
        if (k == PRC_KW_VAR || k == PRC_KW_CONST || k == PRC_KW_EXT) {
            twice = d->is_var || d->is_const || d->symbol != PRC_SY_UNKNOWN;
            d->is_var = k == PRC_KW_VAR;
            d->is_const = !d->is_var;
        } else if (k == PRC_KW_SUBSTANCE_ONLY) {
            twice = d->substance_only || d->symbol != PRC_SY_UNKNOWN;
            d->substance_only = true;
        } else if (k == PRC_KW_SPECIES || k == PRC_KW_COMPARTMENT || k == PRC_KW_FORMULA) {
            twice = d->symbol != PRC_SY_UNKNOWN || (d->substance_only && k != PRC_KW_SPECIES);
            d->symbol = k == PRC_KW_SPECIES       ? PRC_SY_SPECIES
                        : k == PRC_KW_COMPARTMENT ? PRC_SY_COMPARTMENT
                                                  : PRC_SY_VAR;
        } else if (k && prc_keyword_unsupported(k)) {
            return unsupported(p, t, prc_keyword_unsupported(k));
        } else {
            return PRC_OK;
        }
        if (twice)
            return fail(p, t, PRC_E_SYNTAX, "'%s' does not belong here: write [const|var] [substanceOnly] species ...",
                        t->text);
    }
}

static prc_status parse_declaration(prc_parser *p, body *m) {
    declaration d = {.symbol = PRC_SY_UNKNOWN};
    PRC_TRY(parse_qualifiers(p, &d));
    if (d.symbol == PRC_SY_UNKNOWN)
        d.symbol = d.substance_only ? PRC_SY_SPECIES : d.is_const ? PRC_SY_CONST : PRC_SY_VAR;
    do PRC_TRY(parse_declared(p, m, &d));
    while (take(p, PRC_T_COMMA));
    return end_statement(p);
}

static prc_status parse_unit(prc_parser *p, body *m) {
    const prc_token *name;
    prc_parser_next(p);
    PRC_TRY(take_name(p, "the name of a unit", true, &name));
    if (prc_unit_is_base(name->text))
        return fail(p, name, PRC_E_SYNTAX, "'%s' is a built-in unit and cannot be redefined", name->text);
    PRC_TRY(expect(p, PRC_T_EQUAL, "'=' and the definition of the unit"));
    p->unit = true;
    const prc_expr *e;
    prc_status st = prc_parser_expr(p, &e);
    p->unit = false;
    PRC_TRY(st);
    prc_item *it = add_item(p, m, PRC_IT_UNIT, name);
    if (!it) return prc_lang_no_memory(p->err);
    it->name = name->text;
    it->expr = e;
    return end_statement(p);
}

/* ---- reactions ---- */

static prc_status parse_species_ref(prc_parser *p, prc_species_ref *out) {
    const prc_token *name;
    *out = (prc_species_ref){.stoichiometry = 1.0};
    if (p->tok->kind == PRC_T_NUMBER) {
        out->stoichiometry = p->tok->number;
        prc_parser_next(p);
    }
    out->boundary = take(p, PRC_T_DOLLAR);
    PRC_TRY(take_name(p, "the name of a species", false, &name));
    if (is_plain(p->tok)) return unsupported(p, name, "a stoichiometry that is a name");
    out->name = name->text;
    out->line = name->line;
    out->col = name->col;
    return PRC_OK;
}

static prc_status parse_species_list(prc_parser *p, prc_species_ref **out, size_t *n_out) {
    prc_species_ref *ref = NULL;
    size_t n = 0, cap = 0;
    prc_status st;
    do {
        bool room = PRC_GROW(ref, n, cap);
        st = room ? parse_species_ref(p, &ref[n++]) : prc_lang_no_memory(p->err);
    } while (st == PRC_OK && take(p, PRC_T_PLUS));
    if (st == PRC_OK) {
        *out = keep(p->arena, ref, n, sizeof *ref);
        *n_out = n;
        if (!*out) st = prc_lang_no_memory(p->err);
    }
    prc_free(ref);
    return st;
}

/* A -| J0, A -o J0, A -( J0. */
static bool is_interaction(const prc_token *t) {
    if (t->kind != PRC_T_MINUS) return false;
    const prc_token *u = after(t);
    return u->kind == PRC_T_BAR || u->kind == PRC_T_OPEN || (u->kind == PRC_T_NAME && strcmp(u->text, "o") == 0);
}

static prc_status parse_rate_law(prc_parser *p, prc_item *it) {
    if (p->tok->kind != PRC_T_SEMICOLON) return prc_parser_expected(p, "'; rate law' after the reaction");
    prc_parser_next(p);
    if (is_end_of_statement(p->tok))
        return fail(p, p->tok, PRC_E_SYNTAX,
                    "this reaction has no rate law: it stands behind the ';', on the same line");
    return prc_parser_expr(p, &it->expr);
}

/* `at`: where the statement starts; name NULL when it has none. */
static prc_status parse_reaction(prc_parser *p, body *m, const prc_token *at, const char *name,
                                 const char *compartment) {
    prc_item it = {.kind = PRC_IT_REACTION,
                   .line = at->line,
                   .col = at->col,
                   .source = p->src->source,
                   .name = name,
                   .compartment = compartment};
    if (!is_arrow(p->tok)) PRC_TRY(parse_species_list(p, &it.reactant, &it.n_reactant));
    if (is_interaction(p->tok)) return unsupported(p, p->tok, "an interaction (-|, -o, -()");
    if (!is_arrow(p->tok)) return prc_parser_expected(p, "'+', '->' or '=>'");
    it.irreversible = p->tok->kind == PRC_T_ARROW_IRREV;
    const prc_token *arrow = p->tok;
    prc_parser_next(p);
    if (!is_end_of_statement(p->tok)) PRC_TRY(parse_species_list(p, &it.product, &it.n_product));
    if (it.n_reactant + it.n_product == 0)
        return fail(p, arrow, PRC_E_SYNTAX, "this reaction has neither reactants nor products");
    PRC_TRY(parse_rate_law(p, &it));
    PRC_TRY(parse_in(p, &it.compartment));
    PRC_TRY(end_statement(p));
    prc_item *slot = add_item(p, m, PRC_IT_REACTION, at);
    if (!slot) return prc_lang_no_memory(p->err);
    *slot = it;
    return PRC_OK;
}

/* ---- events ---- */

static prc_status parse_assignment(prc_parser *p, prc_assignment *out) {
    const prc_token *name;
    PRC_TRY(take_name(p, "the name that the event sets", false, &name));
    PRC_TRY(expect(p, PRC_T_EQUAL, "'=' in the assignment of an event"));
    *out = (prc_assignment){.name = name->text, .line = name->line, .col = name->col};
    return prc_parser_expr(p, &out->expr);
}

/* Assignments are separated by ',' or ':', which may end a line. */
static prc_status parse_assignments(prc_parser *p, prc_item *it) {
    prc_assignment *a = NULL;
    size_t n = 0, cap = 0;
    prc_status st;
    do {
        while (p->tok->kind == PRC_T_NEWLINE) prc_parser_next(p);
        bool room = PRC_GROW(a, n, cap);
        st = room ? parse_assignment(p, &a[n++]) : prc_lang_no_memory(p->err);
    } while (st == PRC_OK && (take(p, PRC_T_COMMA) || take(p, PRC_T_COLON)));
    if (st == PRC_OK) {
        it->assign = keep(p->arena, a, n, sizeof *a);
        it->n_assign = n;
        if (!it->assign) st = prc_lang_no_memory(p->err);
    }
    prc_free(a);
    return st;
}

static prc_status refuse_event_option(prc_parser *p) {
    static const char *const options[] = {"priority", "persistent", "t0", "fromTrigger"};
    prc_parser_next(p);
    const prc_token *t = p->tok;
    if (!is_plain(t)) return prc_parser_expected(p, "an option of the event");
    for (size_t i = 0; i < 4; i++)
        if (strcmp(t->text, options[i]) == 0)
            return fail(p, t, PRC_E_UNSUPPORTED, "the event option '%s' is not supported yet", t->text);
    const char *near = prc_nearest(t->text, options, 4);
    if (near) return fail(p, t, PRC_E_SYNTAX, "unknown event option '%.60s': did you mean '%s'?", t->text, near);
    return fail(p, t, PRC_E_SYNTAX, "expected ':' and what the event sets, or an option of the event, found '%.60s'",
                t->text);
}

static prc_status parse_event(prc_parser *p, body *m, const prc_token *at, const char *name) {
    prc_item it = {.kind = PRC_IT_EVENT, .line = at->line, .col = at->col, .source = p->src->source, .name = name};
    prc_parser_next(p);
    PRC_TRY(prc_parser_expr(p, &it.expr));
    if (is_keyword(p->tok, PRC_KW_AFTER)) return unsupported(p, p->tok, "the delay 'after' of an event");
    if (p->tok->kind == PRC_T_COMMA) return refuse_event_option(p);
    PRC_TRY(expect(p, PRC_T_COLON, "':' and what the event sets"));
    PRC_TRY(parse_assignments(p, &it));
    PRC_TRY(end_statement(p));
    prc_item *slot = add_item(p, m, PRC_IT_EVENT, at);
    if (!slot) return prc_lang_no_memory(p->err);
    *slot = it;
    return PRC_OK;
}

/* ---- submodels and synchronisation ---- */

static const prc_model_def *find_model(const prc_parser *p, const char *name) {
    for (size_t i = 0; i < p->build->n_model; i++)
        if (strcmp(p->build->model[i].name, name) == 0) return &p->build->model[i];
    return NULL;
}

static prc_status unknown_model(prc_parser *p, const body *m, const prc_token *t) {
    enum { MOST = 128 };
    const char *names[MOST], *near = NULL;
    size_t n = 0;
    for (size_t i = 0; i < p->build->n_model && n < MOST; i++)
        if (strcmp(p->build->model[i].name, PRC_LANG_MAIN) != 0) names[n++] = p->build->model[i].name;
    if (n > 0) near = prc_nearest(t->text, names, n);
    if (m->def.name && strcmp(m->def.name, t->text) == 0)
        return fail(p, t, PRC_E_KEY, "the model '%.60s' cannot contain itself", t->text);
    if (near) return fail(p, t, PRC_E_KEY, "unknown model '%.60s': did you mean '%.60s'?", t->text, near);
    return fail(p, t, PRC_E_KEY, "unknown model '%.60s': a model must be defined or imported before it is used",
                t->text);
}

/* Names up to and with the closing bracket; each must be new when `distinct`. */
static prc_status parse_name_list(prc_parser *p, bool distinct, const char ***out, size_t *n_out) {
    const char **list = NULL;
    size_t n = 0, cap = 0;
    prc_status st = PRC_OK;
    bool more = !take(p, PRC_T_CLOSE);
    while (more) {
        const prc_token *name;
        if (!distinct && (p->tok->kind == PRC_T_NUMBER || p->tok->kind == PRC_T_MINUS))
            PRC_GO(st, unsupported(p, p->tok, "a number as argument of a submodel"));
        PRC_GO(st, take_name(p, "a name or ')'", distinct, &name));
        for (size_t i = 0; i < n && distinct; i++)
            if (strcmp(list[i], name->text) == 0)
                PRC_GO(st, fail(p, name, PRC_E_SYNTAX, "'%.60s' stands in this list twice", name->text));
        if (!PRC_GROW(list, n, cap)) PRC_GO(st, prc_lang_no_memory(p->err));
        list[n++] = name->text;
        more = !take(p, PRC_T_CLOSE);
        if (more) PRC_GO(st, expect(p, PRC_T_COMMA, "',' or ')'"));
    }
    if (st == PRC_OK) {
        *out = keep(p->arena, list, n, sizeof *list);
        *n_out = n;
        if (!*out) st = prc_lang_no_memory(p->err);
    }
out:
    prc_free(list);
    return st;
}

static prc_status parse_submodel(prc_parser *p, body *m, const prc_token *name) {
    const prc_token *model = p->tok;
    const prc_model_def *def = find_model(p, model->text);
    if (!def) return unknown_model(p, m, model);
    prc_item it = {.kind = PRC_IT_SUBMODEL,
                   .line = name->line,
                   .col = name->col,
                   .source = p->src->source,
                   .name = name->text,
                   .model_name = def->name};
    prc_parser_next(p);
    prc_parser_next(p);
    PRC_TRY(parse_name_list(p, false, &it.arg, &it.n_arg));
    if (it.n_arg > def->n_param)
        return fail(p, model, PRC_E_SYNTAX, "the model '%.60s' takes %zu argument%s, not %zu", def->name, def->n_param,
                    def->n_param == 1 ? "" : "s", it.n_arg);
    if (p->tok->kind == PRC_T_COMMA)
        return unsupported(p, after(p->tok), "a conversion factor (timeconv, extentconv) of a submodel");
    if (is_keyword(p->tok, PRC_KW_IN)) return unsupported(p, p->tok, "the compartment of a submodel");
    PRC_TRY(end_statement(p));
    prc_item *slot = add_item(p, m, PRC_IT_SUBMODEL, name);
    if (!slot) return prc_lang_no_memory(p->err);
    *slot = it;
    return PRC_OK;
}

static prc_status parse_sync(prc_parser *p, body *m, const prc_token *name) {
    const prc_token *other;
    prc_parser_next(p);
    if (p->tok->kind == PRC_T_STRING) return unsupported(p, p->tok, "a display name");
    PRC_TRY(take_name(p, "the name that this one is the same as", false, &other));
    if (p->tok->kind == PRC_T_SLASH) return unsupported(p, p->tok, "'is' with a conversion factor");
    PRC_TRY(end_statement(p));
    prc_item *it = add_item(p, m, PRC_IT_SYNC, name);
    if (!it) return prc_lang_no_memory(p->err);
    it->name = name->text;
    it->name2 = other->text;
    return PRC_OK;
}

/* ---- statements ---- */

static bool starts_reaction(const prc_token *t) {
    return is_arrow(t) || t->kind == PRC_T_PLUS || is_interaction(t);
}

/* A line that starts with two names: an annotation, or a keyword that is misspelt. */
static prc_status refuse_two_names(prc_parser *p, const prc_token *t) {
    static const char *const first[] = {"model",       "module",        "end",    "function", "import",  "species",
                                        "compartment", "var",           "const",  "ext",      "formula", "unit",
                                        "at",          "substanceOnly", "delete", "reaction", "event"};
    static const char *const second[] = {"has", "in", "is"};
    const prc_token *u = after(t), *v = after(u);
    if (u->kind == PRC_T_STRING || v->kind == PRC_T_STRING) return unsupported(p, u, "an annotation");
    if (starts_reaction(v)) return unsupported(p, t, "a stoichiometry that is a name");
    const char *near = prc_nearest(t->text, first, sizeof first / sizeof *first);
    if (near) return fail(p, t, PRC_E_SYNTAX, "unknown statement '%.60s': did you mean '%s'?", t->text, near);
    near = prc_nearest(u->text, second, sizeof second / sizeof *second);
    if (near) return fail(p, u, PRC_E_SYNTAX, "unknown word '%.60s': did you mean '%s'?", u->text, near);
    return fail(p, u, PRC_E_SYNTAX,
                "expected '=', ':=', ''', ':', '->', 'has', 'is' or 'in' after '%.60s', found '%.60s'", t->text,
                u->text);
}

static prc_status refuse_statement(prc_parser *p, const body *m, const prc_token *name) {
    const prc_token *t = after(name);
    if (t->kind == PRC_T_STRING || is_plain(t)) return refuse_two_names(p, name);
    if (is_comparison(t)) return unsupported(p, t, "a constraint");
    if (t->kind == PRC_T_MINUS && after(t)->kind == PRC_T_MINUS) return unsupported(p, t, "a DNA strand (--)");
    if (t->kind == PRC_T_STAR) return unsupported(p, t, "'is' with a conversion factor");
    if (t->kind == PRC_T_OPEN && find_model(p, name->text)) return unsupported(p, name, "a submodel without a name");
    if (t->kind == PRC_T_OPEN && m->def.name)
        return fail(p, name, PRC_E_SYNTAX, "a submodel is written 'A: %.60s(...)'", name->text);
    p->tok = t;
    return prc_parser_expected(p, "'=', ':=', ''', ':', '->', 'has', 'is' or 'in'");
}

/* What stands behind `name :`. */
static prc_status parse_named(prc_parser *p, body *m, const prc_token *name, const char *compartment) {
    const prc_token *t = p->tok;
    if (is_keyword(t, PRC_KW_AT)) return parse_event(p, m, name, name->text);
    if (is_plain(t) && after(t)->kind == PRC_T_OPEN) return parse_submodel(p, m, name);
    if (t->kind == PRC_T_NAME && t->keyword && prc_keyword_unsupported(t->keyword))
        return unsupported(p, t, prc_keyword_unsupported(t->keyword));
    if (t->kind == PRC_T_MINUS ||
        (is_plain(t) && after(t)->kind == PRC_T_MINUS && after(after(t))->kind == PRC_T_MINUS))
        return unsupported(p, t, "a DNA strand (--)");
    return parse_reaction(p, m, name, name->text, compartment);
}

/* A statement that starts with a name (perhaps `$name`). */
static prc_status parse_about_name(prc_parser *p, body *m) {
    const prc_token *start = p->tok;
    bool boundary = start->kind == PRC_T_DOLLAR, found;
    const prc_token *name = boundary ? after(start) : start;
    if (boundary && !is_plain(name)) {
        prc_parser_next(p);
        return prc_parser_expected(p, "the name of a species after '$'");
    }
    if (starts_reaction(after(name))) return parse_reaction(p, m, start, NULL, NULL);
    size_t length = strlen(name->text);
    if (length > 8 && strcmp(name->text + length - 8, ".sboTerm") == 0)
        return unsupported(p, name, "an annotation (sboTerm)");
    PRC_TRY(check_definable(p, name, after(name)->kind == PRC_T_COLON));
    p->tok = after(name);
    if (is_keyword(p->tok, PRC_KW_IS)) return parse_sync(p, m, name);
    const char *compartment = NULL;
    PRC_TRY(parse_in(p, &compartment));
    if (take(p, PRC_T_COLON)) return parse_named(p, m, name, compartment);
    if (boundary || compartment) {
        prc_item *it = add_item(p, m, PRC_IT_DECLARE, name);
        if (!it) return prc_lang_no_memory(p->err);
        it->name = name->text;
        it->boundary = boundary;
        it->compartment = compartment;
    }
    PRC_TRY(parse_value(p, m, name, &found));
    if (!found && !boundary && !compartment) return refuse_statement(p, m, name);
    return end_statement(p);
}

static prc_status parse_about_number(prc_parser *p, body *m) {
    const prc_token *t = p->tok, *u = after(t);
    if (t->kind == PRC_T_MINUS && u->kind == PRC_T_MINUS) return unsupported(p, t, "a DNA strand (--)");
    if (t->kind == PRC_T_MINUS && u->kind == PRC_T_NUMBER) return unsupported(p, t, "a constraint");
    if (t->kind == PRC_T_MINUS) return prc_parser_expected(p, "a statement");
    if (u->kind == PRC_T_EQUAL) return unsupported(p, t, "an algebraic rule (0 = ...)");
    if (is_comparison(u)) return unsupported(p, t, "a constraint");
    return parse_reaction(p, m, t, NULL, NULL);
}

static prc_status parse_statement(prc_parser *p, body *m) {
    const prc_token *t = p->tok;
    if (t->kind == PRC_T_NUMBER || t->kind == PRC_T_MINUS) return parse_about_number(p, m);
    if (is_arrow(t)) return parse_reaction(p, m, t, NULL, NULL);
    if (t->kind == PRC_T_DOLLAR || is_plain(t)) return parse_about_name(p, m);
    if (t->kind != PRC_T_NAME) return prc_parser_expected(p, "a statement");
    switch (t->keyword) {
    case PRC_KW_UNIT:
        return parse_unit(p, m);
    case PRC_KW_AT:
        return parse_event(p, m, t, NULL);
    case PRC_KW_SPECIES:
    case PRC_KW_COMPARTMENT:
    case PRC_KW_VAR:
    case PRC_KW_CONST:
    case PRC_KW_EXT:
    case PRC_KW_FORMULA:
    case PRC_KW_SUBSTANCE_ONLY:
        return parse_declaration(p, m);
    case PRC_KW_FUNCTION:
    case PRC_KW_IMPORT:
        return fail(p, t, PRC_E_SYNTAX, "'%s' stands outside of models (is an 'end' missing above?)", t->text);
    case PRC_KW_MODEL:
    case PRC_KW_MODULE:
        return fail(p, t, PRC_E_SYNTAX, "a model inside the model '%.60s': is its 'end' missing?", m->def.name);
    default:
        if (prc_keyword_unsupported(t->keyword)) return unsupported(p, t, prc_keyword_unsupported(t->keyword));
        return prc_parser_expected(p, "a statement");
    }
}

/* ---- models, functions, imports ---- */

static prc_status finish_model(prc_ast_build *b, body *m) {
    if (!PRC_GROW(b->model, b->n_model, b->cap_model)) return prc_lang_no_memory(b->err);
    m->def.item = keep(b->arena, m->item, m->n, sizeof *m->item);
    m->def.n_item = m->n;
    if (!m->def.item) return prc_lang_no_memory(b->err);
    b->model[b->n_model++] = m->def;
    return PRC_OK;
}

static prc_status parse_model_body(prc_parser *p, body *m, const prc_token *at) {
    for (;;) {
        skip_line_ends(p);
        if (is_keyword(p->tok, PRC_KW_END)) break;
        if (p->tok->kind == PRC_T_EOF) return fail(p, at, PRC_E_SYNTAX, "the model '%.60s' has no 'end'", m->def.name);
        PRC_TRY(parse_statement(p, m));
    }
    prc_parser_next(p);
    PRC_TRY(end_statement(p));
    return finish_model(p->build, m);
}

static prc_status parse_model(prc_parser *p) {
    body m = {0};
    const prc_token *name;
    prc_parser_next(p);
    m.def.is_main = take(p, PRC_T_STAR);
    if (is_plain(p->tok) && after(p->tok)->kind == PRC_T_STRING)
        return unsupported(p, p->tok, "an annotation of the model");
    PRC_TRY(take_name(p, "the name of the model", true, &name));
    const prc_model_def *other = find_model(p, name->text);
    if (other || strcmp(name->text, PRC_LANG_MAIN) == 0)
        return fail(p, name, PRC_E_SYNTAX, "the model '%.60s' is defined twice (first at %.200s:%d)", name->text,
                    other ? other->source : "", other ? other->line : 0);
    m.def.name = name->text;
    m.def.source = p->src->source;
    m.def.line = name->line;
    m.def.col = name->col;
    if (take(p, PRC_T_OPEN)) PRC_TRY(parse_name_list(p, true, &m.def.param, &m.def.n_param));
    prc_status st = parse_model_body(p, &m, name);
    prc_free(m.item);
    return st;
}

/* A function may use its parameters, time and other functions, nothing of the model. */
typedef struct scope {
    const prc_function_def *def;
    const prc_expr *stranger;
} scope;

static void find_stranger(void *ctx, const prc_expr *name) {
    scope *s = ctx;
    if (s->stranger) return;
    for (size_t i = 0; i < s->def->n_param; i++)
        if (strcmp(s->def->param[i], name->name) == 0) return;
    s->stranger = name;
}

static prc_status check_function(prc_parser *p, const prc_function_def *f) {
    scope s = {.def = f};
    prc_expr_names(f->body, find_stranger, &s);
    if (!s.stranger) return PRC_OK;
    const char *near = f->n_param ? prc_nearest(s.stranger->name, f->param, f->n_param) : NULL;
    return prc_lang_fail(p->src, s.stranger->line, s.stranger->col, PRC_E_KEY, p->err,
                         "'%.60s' is not a parameter of the function '%.60s'%s%s%s", s.stranger->name, f->name,
                         near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static prc_status parse_function(prc_parser *p) {
    const prc_token *name;
    prc_function_def f = {.source = p->src->source};
    prc_parser_next(p);
    PRC_TRY(take_name(p, "the name of the function", true, &name));
    for (size_t i = 0; i < p->build->n_function; i++)
        if (strcmp(p->build->function[i].name, name->text) == 0)
            return fail(p, name, PRC_E_SYNTAX, "the function '%.60s' is defined twice (first at %.200s:%d)", name->text,
                        p->build->function[i].source, p->build->function[i].line);
    f.name = name->text;
    f.line = name->line;
    f.col = name->col;
    PRC_TRY(expect(p, PRC_T_OPEN, "'(' and the parameters of the function"));
    PRC_TRY(parse_name_list(p, true, &f.param, &f.n_param));
    skip_line_ends(p);
    PRC_TRY(prc_parser_expr(p, &f.body));
    skip_line_ends(p);
    if (!is_keyword(p->tok, PRC_KW_END)) return prc_parser_expected(p, "'end' of the function");
    prc_parser_next(p);
    PRC_TRY(end_statement(p));
    PRC_TRY(check_function(p, &f));
    if (!PRC_GROW(p->build->function, p->build->n_function, p->build->cap_function)) return prc_lang_no_memory(p->err);
    p->build->function[p->build->n_function++] = f;
    return PRC_OK;
}

static prc_status parse_import(prc_parser *p) {
    prc_parser_next(p);
    const prc_token *t = p->tok;
    PRC_TRY(expect(p, PRC_T_STRING, "the name of a file in quotes"));
    PRC_TRY(end_statement(p));
    return prc_ast_import(p->build, p->src, t->line, t->col, t->text);
}

static prc_status parse_all(prc_parser *p, body *loose) {
    for (;;) {
        skip_line_ends(p);
        const prc_token *t = p->tok;
        if (t->kind == PRC_T_EOF) break;
        if (is_keyword(t, PRC_KW_MODEL) || is_keyword(t, PRC_KW_MODULE))
            PRC_TRY(parse_model(p));
        else if (is_keyword(t, PRC_KW_FUNCTION))
            PRC_TRY(parse_function(p));
        else if (is_keyword(t, PRC_KW_IMPORT))
            PRC_TRY(parse_import(p));
        else if (is_keyword(t, PRC_KW_END))
            return fail(p, t, PRC_E_SYNTAX, "'end' without 'model' or 'function'");
        else
            PRC_TRY(parse_statement(p, loose));
    }
    return loose->n > 0 ? finish_model(p->build, loose) : PRC_OK;
}

prc_status prc_parse_file(prc_ast_build *b, const char *path, const char *text, size_t n) {
    const prc_lang_text src = {path, text, n, 1, 1};
    prc_token *tok;
    PRC_TRY(prc_lex(b->arena, &src, &tok, b->err));
    prc_parser p = {.arena = b->arena, .err = b->err, .src = &src, .tok = tok, .build = b};
    body loose = {.def = {.name = PRC_LANG_MAIN, .source = path, .line = 1, .col = 1}};
    prc_status st = parse_all(&p, &loose);
    prc_free(loose.item);
    prc_free(tok);
    return st;
}
