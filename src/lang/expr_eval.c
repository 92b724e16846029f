/* expr_eval.c: the value of an expression, with the arithmetic of the solver. */
#include "lang_int.h"

#include <math.h>

typedef struct evaluation {
    prc_lookup_fn lookup;
    void *ctx;
    prc_error *err;
} evaluation;

static prc_status evaluate(const evaluation *v, const prc_expr *e, int depth, double *out);

static prc_status look_up(const evaluation *v, const prc_expr *e, double *out) {
    if (v->lookup && v->lookup(v->ctx, e->name, out)) return PRC_OK;
    return prc_fail_at(v->err, PRC_E_KEY, "", e->line, e->col, "unknown name '%.60s'", e->name);
}

/* NaN if either is NaN. */
static double smaller(double a, double b) {
    return a < b || a != a ? a : b;
}

static double larger(double a, double b) {
    return a > b || a != a ? a : b;
}

static double modulo(double a, double b) {
    return fmod(a, b);
} /* exact, so the same on every processor */

static double unary(prc_fn fn, double a) {
    switch (fn) {
    case PRC_FN_NEG:
        return -a;
    case PRC_FN_NOT:
        return a == 0.0 ? 1.0 : 0.0;
    case PRC_FN_EXP:
        return prc_exp(a);
    case PRC_FN_LN:
        return prc_log(a);
    case PRC_FN_LOG10:
        return prc_log(a) / 2.302585092994045684; /* ln 10 */
    case PRC_FN_SQRT:
        return sqrt(a);
    case PRC_FN_ABS:
        return fabs(a);
    case PRC_FN_FLOOR:
        return floor(a);
    case PRC_FN_CEIL:
        return ceil(a);
    case PRC_FN_SIN:
        return sin(a);
    case PRC_FN_COS:
        return cos(a);
    case PRC_FN_TAN:
        return tan(a);
    case PRC_FN_TANH:
        return tanh(a);
    default:
        return a; /* min and max of one */
    }
}

static double binary(prc_fn fn, double a, double b) {
    switch (fn) {
    case PRC_FN_ADD:
        return a + b;
    case PRC_FN_SUB:
        return a - b;
    case PRC_FN_MUL:
        return a * b;
    case PRC_FN_DIV:
        return a / b;
    case PRC_FN_MOD:
        return modulo(a, b);
    case PRC_FN_POW:
        return prc_pow(a, b);
    case PRC_FN_LT:
        return a < b;
    case PRC_FN_LE:
        return a <= b;
    case PRC_FN_GT:
        return a > b;
    case PRC_FN_GE:
        return a >= b;
    case PRC_FN_EQ:
        return a == b;
    case PRC_FN_NE:
        return a != b;
    case PRC_FN_AND:
        return a != 0.0 && b != 0.0;
    case PRC_FN_OR:
        return a != 0.0 || b != 0.0;
    case PRC_FN_MIN:
        return smaller(a, b);
    case PRC_FN_MAX:
        return larger(a, b);
    default:
        return (double)NAN;
    }
}

/* All branches are evaluated, as the solver does; NaN when no condition holds and there is no otherwise. */
static prc_status piecewise(const evaluation *v, const prc_expr *e, int depth, double *out) {
    double result = (double)NAN;
    bool found = false;
    for (size_t i = 0; i < e->n_arg; i += 2) {
        double value, condition = 1.0;
        PRC_TRY(evaluate(v, e->arg[i], depth + 1, &value));
        if (i + 1 < e->n_arg) PRC_TRY(evaluate(v, e->arg[i + 1], depth + 1, &condition));
        if (found || condition == 0.0) continue;
        result = value;
        found = true;
    }
    *out = result;
    return PRC_OK;
}

static prc_status call(const evaluation *v, const prc_expr *e, int depth, double *out) {
    if (e->fn == PRC_FN_PIECEWISE) return piecewise(v, e, depth, out);
    if (e->fn == PRC_FN_USER) {
        const char *near = prc_fn_nearest(e->name ? e->name : "", NULL, 0);
        return prc_fail_at(v->err, PRC_E_KEY, "", e->line, e->col, "unknown function '%.60s'%s%s%s",
                           e->name ? e->name : "?", near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (e->n_arg == 0) return prc_fail(v->err, PRC_E_VALUE, "'%s' without arguments", prc_fn_text(e->fn));
    double a;
    PRC_TRY(evaluate(v, e->arg[0], depth + 1, &a));
    if (e->n_arg == 1) a = unary(e->fn, a);
    for (size_t i = 1; i < e->n_arg; i++) {
        double b;
        PRC_TRY(evaluate(v, e->arg[i], depth + 1, &b));
        a = binary(e->fn, a, b);
    }
    *out = a;
    return PRC_OK;
}

static prc_status evaluate(const evaluation *v, const prc_expr *e, int depth, double *out) {
    if (depth > PRC_LANG_WALK_MAX) return prc_fail(v->err, PRC_E_VALUE, "an expression is too deep to evaluate");
    switch (e->kind) {
    case PRC_EX_NUMBER:
        *out = e->number;
        return PRC_OK;
    case PRC_EX_NAME:
    case PRC_EX_TIME:
        return look_up(v, e, out);
    default:
        return call(v, e, depth, out);
    }
}

prc_status prc_expr_eval(const prc_expr *e, prc_lookup_fn lookup, void *ctx, double *out, prc_error *err) {
    const evaluation v = {lookup, ctx, err};
    double value;
    PRC_TRY(evaluate(&v, e, 0, &value));
    *out = value;
    return PRC_OK;
}
