/* units.c: units of Antimony (those of SBML, and `dose`), and the check that both sides of every sum agree. */
#include "lang_int.h"

#include <math.h>
#include <string.h>

/* Two factors are the same if they differ by rounding only. */
#define TOLERANCE 1e-9
/* Definitions and function calls followed for one answer; bounds the work of definitions that double each time. */
#define STEPS_MAX 100000
#define DEPTH_MAX 64

static const char *const base_name[PRC_AU_COUNT] = {"second", "metre",  "kilogram", "mole", "item",
                                                    "ampere", "kelvin", "candela",  "dose"};

/* Exponents in the order of PRC_AU_*. */
static const struct {
    const char *name;
    double factor;
    signed char exponent[PRC_AU_COUNT];
} builtin_unit[] = {
    {"dimensionless", 1, {0}},
    {"second", 1, {1}},
    {"metre", 1, {0, 1}},
    {"meter", 1, {0, 1}},
    {"kilogram", 1, {0, 0, 1}},
    {"gram", 1e-3, {0, 0, 1}},
    {"mole", 1, {0, 0, 0, 1}},
    {"item", 1, {0, 0, 0, 0, 1}},
    {"ampere", 1, {0, 0, 0, 0, 0, 1}},
    {"kelvin", 1, {0, 0, 0, 0, 0, 0, 1}},
    {"candela", 1, {0, 0, 0, 0, 0, 0, 0, 1}},
    {"dose", 1, {0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"avogadro", 6.02214179e23, {0}},
    {"litre", 1e-3, {0, 3}},
    {"liter", 1e-3, {0, 3}},
    {"hertz", 1, {-1}},
    {"becquerel", 1, {-1}},
    {"katal", 1, {-1, 0, 0, 1}},
    {"newton", 1, {-2, 1, 1}},
    {"pascal", 1, {-2, -1, 1}},
    {"joule", 1, {-2, 2, 1}},
    {"watt", 1, {-3, 2, 1}},
    {"gray", 1, {-2, 2}},
    {"sievert", 1, {-2, 2}},
    {"coulomb", 1, {1, 0, 0, 0, 0, 1}},
    {"volt", 1, {-3, 2, 1, 0, 0, -1}},
    {"ohm", 1, {-3, 2, 1, 0, 0, -2}},
    {"siemens", 1, {3, -2, -1, 0, 0, 2}},
    {"farad", 1, {4, -2, -1, 0, 0, 2}},
    {"henry", 1, {-2, 2, 1, 0, 0, -2}},
    {"weber", 1, {-2, 2, 1, 0, 0, -1}},
    {"tesla", 1, {-2, 0, 1, 0, 0, -1}},
    {"lumen", 1, {0, 0, 0, 0, 0, 0, 0, 1}},
    {"lux", 1, {0, -2, 0, 0, 0, 0, 0, 1}},
    {"radian", 1, {0}},
    {"steradian", 1, {0}},
};
enum { N_BUILTIN = sizeof builtin_unit / sizeof *builtin_unit };

bool prc_unit_is_base(const char *name) {
    for (size_t i = 0; i < N_BUILTIN; i++)
        if (strcmp(builtin_unit[i].name, name) == 0) return strcmp(name, "dose") != 0; /* dose is ours, not SBML's */
    return false;
}

/* ---- dimensions ---- */

static prc_dim pure(double factor) {
    return (prc_dim){.known = true, .factor = factor};
}

static const prc_dim unknown = {.known = false, .factor = 1.0};

static bool same_factor(double a, double b) {
    return fabs(a - b) <= TOLERANCE * (fabs(a) > fabs(b) ? fabs(a) : fabs(b));
}

static bool is_pure(const prc_dim *d) {
    for (int i = 0; i < PRC_AU_COUNT; i++)
        if (fabs(d->exponent[i]) > TOLERANCE) return false;
    return true;
}

bool prc_dim_equal(const prc_dim *a, const prc_dim *b) {
    if (!a->known || !b->known) return true;
    for (int i = 0; i < PRC_AU_COUNT; i++)
        if (fabs(a->exponent[i] - b->exponent[i]) > TOLERANCE) return false;
    return same_factor(a->factor, b->factor);
}

/* a * b^power */
static prc_dim combine(const prc_dim *a, const prc_dim *b, double power) {
    if (!a->known || !b->known) return unknown;
    prc_dim d = {.known = true};
    d.factor = power == 1.0    ? a->factor * b->factor
               : power == -1.0 ? a->factor / b->factor
                               : a->factor * prc_pow(b->factor, power);
    for (int i = 0; i < PRC_AU_COUNT; i++) d.exponent[i] = a->exponent[i] + power * b->exponent[i];
    return d;
}

static prc_dim to_power(const prc_dim *a, double power) {
    const prc_dim one = pure(1.0);
    return combine(&one, a, power);
}

static void add_unit(prc_text *t, const char *name, double exponent) {
    if (t->n > 0) prc_text_add(t, "*");
    prc_text_add(t, name);
    if (exponent != 1.0) prc_text_printf(t, "^%.6g", exponent);
}

void prc_dim_format(const prc_dim *d, char *buf, size_t n) {
    if (!d->known || is_pure(d)) {
        if (!d->known)
            snprintf(buf, n, "of unknown unit");
        else if (same_factor(d->factor, 1.0))
            snprintf(buf, n, "dimensionless");
        else
            snprintf(buf, n, "%.6g (dimensionless)", d->factor);
        return;
    }
    /* Days read better than seconds where they make the factor simpler. */
    double factor = d->factor, per_day = factor / prc_pow(86400.0, d->exponent[PRC_AU_SECOND]);
    bool days = fabs(prc_log(per_day)) < fabs(prc_log(factor));
    if (days) factor = per_day;
    prc_text over = {0}, under = {0};
    int n_under = 0;
    for (int i = 0; i < PRC_AU_COUNT; i++) {
        const char *name = i == PRC_AU_SECOND && days ? "day" : base_name[i];
        double e = d->exponent[i];
        if (fabs(e) <= TOLERANCE) continue;
        add_unit(e > 0 ? &over : &under, name, fabs(e));
        n_under += e < 0;
    }
    char number[32] = "";
    if (!same_factor(factor, 1.0))
        snprintf(number, sizeof number, "%.6g", factor);
    else if (!over.n)
        snprintf(number, sizeof number, "1");
    snprintf(buf, n, "%s%s%s%s%s%s%s", number, number[0] && over.n ? " " : "", over.n ? over.s : "", n_under ? "/" : "",
             n_under > 1 ? "(" : "", n_under && under.s ? under.s : "", n_under > 1 ? ")" : "");
    prc_text_reset(&over);
    prc_text_reset(&under);
}

/* ---- unit definitions ---- */

typedef struct unit_reader {
    const prc_ast *ast;
    prc_error *err;
    int steps;
} unit_reader;

static prc_status unit_of_expr(unit_reader *u, const prc_model_def *m, const char *source, const prc_expr *e, int depth,
                               prc_dim *out);

static const prc_item *unit_in_model(const prc_model_def *m, const char *name) {
    for (size_t i = m->n_item; i-- > 0;)
        if (m->item[i].kind == PRC_IT_UNIT && strcmp(m->item[i].name, name) == 0) return &m->item[i];
    return NULL;
}

/* In the model itself, else loose in one of the files; *home is where its own names are looked up. */
static const prc_item *find_unit(const prc_ast *ast, const prc_model_def *m, const char *name,
                                 const prc_model_def **home) {
    const prc_item *it = m ? unit_in_model(m, name) : NULL;
    *home = m;
    for (size_t i = ast ? ast->n_model : 0; !it && i-- > 0;) {
        *home = &ast->model[i];
        if (strcmp((*home)->name, PRC_LANG_MAIN) == 0) it = unit_in_model(*home, name);
    }
    return it;
}

static const char *nearest_unit(const prc_ast *ast, const prc_model_def *m, const char *name) {
    enum { MOST = 512 };
    const char *word[MOST];
    size_t n = 0;
    for (size_t i = 0; i < N_BUILTIN; i++) word[n++] = builtin_unit[i].name;
    for (size_t k = 0; ast && k < ast->n_model; k++) {
        const prc_model_def *d = &ast->model[k];
        if (d != m && strcmp(d->name, PRC_LANG_MAIN) != 0) continue;
        for (size_t i = 0; i < d->n_item && n < MOST; i++)
            if (d->item[i].kind == PRC_IT_UNIT) word[n++] = d->item[i].name;
    }
    return prc_nearest(name, word, n);
}

static prc_status unit_of_name(unit_reader *u, const prc_model_def *m, const char *source, const prc_expr *at,
                               const char *name, int depth, prc_dim *out) {
    int line = at ? at->line : 0, col = at ? at->col : 0;
    const prc_model_def *home;
    const prc_item *it = find_unit(u->ast, m, name, &home);
    if (depth > DEPTH_MAX || u->steps++ > STEPS_MAX)
        return prc_ast_fail(u->ast, source, line, col, PRC_E_UNIT, u->err, "the unit '%.60s' is defined by itself",
                            name);
    if (it) return unit_of_expr(u, home, it->source, it->expr, depth + 1, out);
    for (size_t i = 0; i < N_BUILTIN; i++) {
        if (strcmp(builtin_unit[i].name, name) != 0) continue;
        *out = pure(builtin_unit[i].factor);
        for (int k = 0; k < PRC_AU_COUNT; k++) out->exponent[k] = builtin_unit[i].exponent[k];
        return PRC_OK;
    }
    const char *near = nearest_unit(u->ast, m, name);
    return prc_ast_fail(u->ast, source, line, col, PRC_E_UNIT, u->err, "unknown unit '%.60s'%s%.60s%s", name,
                        near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static prc_status unit_fail(unit_reader *u, const char *source, const prc_expr *e, const char *what) {
    return prc_ast_fail(u->ast, source, e->line, e->col, PRC_E_UNIT, u->err, "%s", what);
}

static prc_status unit_of_call(unit_reader *u, const prc_model_def *m, const char *source, const prc_expr *e, int depth,
                               prc_dim *out) {
    prc_dim a, b;
    double power = e->fn == PRC_FN_DIV ? -1.0 : 1.0;
    if (e->fn != PRC_FN_MUL && e->fn != PRC_FN_DIV && e->fn != PRC_FN_POW)
        return unit_fail(u, source, e, "a unit is a product or quotient of units, numbers and powers");
    PRC_TRY(unit_of_expr(u, m, source, e->arg[0], depth + 1, &a));
    if (e->fn == PRC_FN_POW) {
        if (prc_expr_eval(e->arg[1], NULL, NULL, &power, NULL) != PRC_OK || power - power != 0.0)
            return unit_fail(u, source, e->arg[1], "the exponent of a unit must be a number");
        *out = to_power(&a, power);
    } else {
        PRC_TRY(unit_of_expr(u, m, source, e->arg[1], depth + 1, &b));
        *out = combine(&a, &b, power);
    }
    if (out->factor > 0.0 && out->factor - out->factor == 0.0) return PRC_OK;
    return unit_fail(u, source, e, "the factor of this unit is out of range");
}

static prc_status unit_of_expr(unit_reader *u, const prc_model_def *m, const char *source, const prc_expr *e, int depth,
                               prc_dim *out) {
    if (depth > PRC_LANG_WALK_MAX) return unit_fail(u, source, e, "this unit is too deep");
    if (e->kind == PRC_EX_CALL) return unit_of_call(u, m, source, e, depth, out);
    if (e->kind != PRC_EX_NUMBER) return unit_of_name(u, m, source, e, e->name, depth, out);
    if (!(e->number > 0.0)) return unit_fail(u, source, e, "the factor of a unit must be greater than 0");
    *out = pure(e->number);
    return PRC_OK;
}

prc_status prc_dim_of_unit(const prc_ast *ast, const prc_model_def *m, const char *name, prc_dim *out, prc_error *err) {
    unit_reader u = {.ast = ast, .err = err};
    prc_dim d;
    PRC_TRY(unit_of_name(&u, m, "", NULL, name, 0, &d));
    *out = d;
    return PRC_OK;
}

prc_status prc_dim_of_unit_expr(const prc_ast *ast, const prc_model_def *m, const char *source, const prc_expr *e,
                                prc_dim *out, prc_error *err) {
    unit_reader u = {.ast = ast, .err = err};
    prc_dim d;
    PRC_TRY(unit_of_expr(&u, m, source, e, 0, &d));
    *out = d;
    return PRC_OK;
}

/* ---- the check ---- */

/* Parameters of the function whose body is being checked: what the call gives them. */
typedef struct binding {
    const prc_function_def *def;
    const prc_dim *dim;
    const prc_expr *call;
    const struct binding *outer; /* where the call stands */
    int *steps;
} binding;

typedef struct checker {
    const prc_ast *ast;
    const char *source;
    prc_dim_lookup_fn lookup;
    void *ctx;
    prc_error *err;
    int steps;
    const prc_expr *call; /* outermost call of a user's function we are inside of: where errors are shown */
} checker;

static prc_status dim_of(checker *c, const binding *b, const prc_expr *e, int depth, prc_dim *out);

static prc_status differ(checker *c, const prc_expr *at, const char *fmt, ...) PRC_PRINTF(3, 4);

static prc_status differ(checker *c, const prc_expr *at, const char *fmt, ...) {
    char message[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (!c->call) return prc_ast_fail(c->ast, c->source, at->line, at->col, PRC_E_UNIT, c->err, "%s", message);
    return prc_ast_fail(c->ast, c->source, c->call->line, c->call->col, PRC_E_UNIT, c->err,
                        "in the function '%.60s': %s", c->call->name, message);
}

/* "1/day (per_day)": the dimension, and the name of a unit of the file that is the same. */
static void describe(const checker *c, const prc_dim *d, char *buf, size_t n) {
    prc_dim_format(d, buf, n);
    if (is_pure(d)) return;
    for (size_t k = 0; c->ast && k < c->ast->n_model; k++) {
        const prc_model_def *m = &c->ast->model[k];
        for (size_t i = 0; i < m->n_item; i++) {
            prc_dim u;
            size_t used = strlen(buf);
            if (m->item[i].kind != PRC_IT_UNIT || prc_dim_of_unit(c->ast, m, m->item[i].name, &u, NULL) != PRC_OK)
                continue;
            if (!prc_dim_equal(&u, d)) continue;
            snprintf(buf + used, n - used, " (%.40s)", m->item[i].name);
            return;
        }
    }
}

static prc_status sides_differ(checker *c, const prc_expr *e, const prc_expr *x, const prc_dim *dx, const prc_expr *y,
                               const prc_dim *dy) {
    char whole[100], tx[60], ty[60], ux[120], uy[120];
    prc_expr_brief(e, whole, sizeof whole);
    prc_expr_brief(x, tx, sizeof tx);
    prc_expr_brief(y, ty, sizeof ty);
    describe(c, dx, ux, sizeof ux);
    describe(c, dy, uy, sizeof uy);
    return differ(c, e, "units do not agree in '%s': '%s' is %s, '%s' is %s", whole, tx, ux, ty, uy);
}

/* Arguments first, first+step, ... must agree; the result is that of the first that is known. */
static prc_status agree(checker *c, const prc_expr *e, const prc_dim *dim, size_t first, size_t step, prc_dim *out) {
    size_t known = e->n_arg;
    for (size_t i = first; i < e->n_arg; i += step) {
        if (!dim[i].known) continue;
        if (known == e->n_arg)
            known = i;
        else if (!prc_dim_equal(&dim[known], &dim[i]))
            return sides_differ(c, e, e->arg[known], &dim[known], e->arg[i], &dim[i]);
    }
    *out = known < e->n_arg ? dim[known] : unknown;
    return PRC_OK;
}

static prc_status need_pure(checker *c, const prc_expr *e, const prc_expr *arg, const prc_dim *d, const char *role) {
    if (!d->known || (is_pure(d) && same_factor(d->factor, 1.0))) return PRC_OK;
    char whole[100], text[60], unit[120];
    prc_expr_brief(e, whole, sizeof whole);
    prc_expr_brief(arg, text, sizeof text);
    describe(c, d, unit, sizeof unit);
    return differ(c, e, "units do not agree in '%s': %s must be dimensionless, '%s' is %s", whole, role, text, unit);
}

static bool constant_argument(void *ctx, const char *name, double *out) {
    const binding *b = ctx;
    for (size_t i = 0; b && i < b->def->n_param; i++) {
        if (strcmp(b->def->param[i], name) != 0 || (*b->steps)++ > STEPS_MAX) continue;
        binding outer, *within = NULL;
        if (b->outer) within = &outer, outer = *b->outer;
        return prc_expr_eval(b->call->arg[i], constant_argument, within, out, NULL) == PRC_OK;
    }
    return false;
}

static prc_status power_dim(checker *c, const binding *b, const prc_expr *e, const prc_dim *dim, prc_dim *out) {
    PRC_TRY(need_pure(c, e, e->arg[1], &dim[1], "the exponent"));
    *out = dim[0];
    if (!dim[0].known || (is_pure(&dim[0]) && same_factor(dim[0].factor, 1.0))) return PRC_OK;
    double power;
    binding here, *within = NULL;
    if (b) within = &here, here = *b;
    if (prc_expr_eval(e->arg[1], constant_argument, within, &power, NULL) == PRC_OK && power - power == 0.0) {
        *out = to_power(&dim[0], power);
        return PRC_OK;
    }
    char whole[100], base[60], unit[120];
    prc_expr_brief(e, whole, sizeof whole);
    prc_expr_brief(e->arg[0], base, sizeof base);
    describe(c, &dim[0], unit, sizeof unit);
    return differ(c, e, "units do not agree in '%s': '%s' is %s, so the exponent must be a number", whole, base, unit);
}

static prc_status user_dim(checker *c, const binding *b, const prc_expr *e, const prc_dim *dim, int depth,
                           prc_dim *out) {
    const prc_function_def *f = c->ast && e->name ? prc_ast_function(c->ast, e->name) : NULL;
    *out = unknown;
    if (!f || f->n_param != e->n_arg) return PRC_OK;
    if (c->steps++ > STEPS_MAX) return PRC_OK; /* functions that double each time: not worth following */
    const binding inner = {f, dim, e, b, &c->steps};
    const prc_expr *outer = c->call;
    if (!outer) c->call = e;
    PRC_TRY(dim_of(c, &inner, f->body, depth + 1, out));
    c->call = outer;
    return PRC_OK;
}

/* The dimension of a call whose arguments have dimensions dim[]. */
static prc_status call_dim(checker *c, const binding *b, const prc_expr *e, const prc_dim *dim, int depth,
                           prc_dim *out) {
    switch (e->fn) {
    case PRC_FN_NEG:
    case PRC_FN_ABS:
    case PRC_FN_FLOOR:
    case PRC_FN_CEIL:
        *out = dim[0];
        return PRC_OK;
    case PRC_FN_ADD:
    case PRC_FN_SUB:
    case PRC_FN_MOD:
    case PRC_FN_MIN:
    case PRC_FN_MAX:
        return agree(c, e, dim, 0, 1, out);
    case PRC_FN_PIECEWISE:
        return agree(c, e, dim, 0, 2, out);
    case PRC_FN_LT:
    case PRC_FN_LE:
    case PRC_FN_GT:
    case PRC_FN_GE:
    case PRC_FN_EQ:
    case PRC_FN_NE:
        PRC_TRY(agree(c, e, dim, 0, 1, out));
        *out = pure(1.0);
        return PRC_OK;
    case PRC_FN_AND:
    case PRC_FN_OR:
    case PRC_FN_NOT:
        *out = pure(1.0);
        return PRC_OK;
    case PRC_FN_MUL:
        *out = combine(&dim[0], &dim[1], 1.0);
        return PRC_OK;
    case PRC_FN_DIV:
        *out = combine(&dim[0], &dim[1], -1.0);
        return PRC_OK;
    case PRC_FN_SQRT:
        *out = dim[0].known ? to_power(&dim[0], 0.5) : unknown;
        return PRC_OK;
    case PRC_FN_POW:
        return power_dim(c, b, e, dim, out);
    case PRC_FN_USER:
        return user_dim(c, b, e, dim, depth, out);
    default: /* exp, logarithms, trigonometric functions */
        PRC_TRY(need_pure(c, e, e->arg[0], &dim[0], "the argument"));
        *out = pure(1.0);
        return PRC_OK;
    }
}

static prc_status args_then_call(checker *c, const binding *b, const prc_expr *e, int depth, prc_dim *out) {
    prc_dim few[2] = {unknown, unknown}, *dim = few;
    if (e->n_arg > 2 && !(dim = prc_malloc(e->n_arg, sizeof *dim))) return prc_lang_no_memory(c->err);
    prc_status st = PRC_OK;
    for (size_t i = 0; i < e->n_arg && st == PRC_OK; i++) st = dim_of(c, b, e->arg[i], depth + 1, &dim[i]);
    if (st == PRC_OK) st = call_dim(c, b, e, dim, depth, out);
    if (dim != few) prc_free(dim);
    return st;
}

static prc_dim dim_of_name(checker *c, const binding *b, const char *name) {
    prc_dim d = unknown;
    for (size_t i = 0; b && i < b->def->n_param; i++)
        if (strcmp(b->def->param[i], name) == 0) return b->dim[i];
    return c->lookup && c->lookup(c->ctx, name, &d) ? d : unknown;
}

static prc_status dim_of(checker *c, const binding *b, const prc_expr *e, int depth, prc_dim *out) {
    if (depth > PRC_LANG_WALK_MAX) return differ(c, e, "an expression is too deep for the unit check");
    switch (e->kind) {
    case PRC_EX_NUMBER: /* 0, and what is no number, agree with anything */
        *out = e->number != 0.0 && e->number - e->number == 0.0 ? pure(1.0) : unknown;
        return PRC_OK;
    case PRC_EX_NAME:
    case PRC_EX_TIME:
        *out = dim_of_name(c, b, e->name);
        return PRC_OK;
    default:
        return args_then_call(c, b, e, depth, out);
    }
}

prc_status prc_expr_dim(const prc_ast *ast, const char *source, const prc_expr *e, prc_dim_lookup_fn lookup, void *ctx,
                        prc_dim *out, prc_error *err) {
    checker c = {.ast = ast, .source = source ? source : "", .lookup = lookup, .ctx = ctx, .err = err};
    prc_dim d;
    PRC_TRY(dim_of(&c, NULL, e, 0, &d));
    *out = d;
    return PRC_OK;
}
