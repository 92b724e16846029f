/* Derivatives and simplification of expressions. */
#include "tap.h"

#include "model_run.h"

typedef struct point {
    double x, y;
} point;

static bool lookup(void *ctx, const char *name, double *out) {
    const point *p = ctx;
    *out = strcmp(name, "x") == 0 ? p->x : p->y;
    return strcmp(name, "x") == 0 || strcmp(name, "y") == 0;
}

static double value(const prc_expr *e, double x, double y) {
    point p = {x, y};
    double v = (double)NAN;
    prc_error err;
    if (!e || prc_expr_eval(e, lookup, &p, &v, &err) != PRC_OK) printf("# cannot evaluate\n");
    return v;
}

static const prc_expr *parse(prc_arena *a, const char *text) {
    const prc_expr *e = NULL;
    prc_error err = {0};
    if (prc_expr_parse(a, text, "", 1, 1, &e, &err) != PRC_OK) printf("# %s: %s\n", text, err.message);
    return e;
}

static const struct {
    const char *expr, *derivative;
} closed[] = {
    {"x*y + 3", "y"},
    {"x^3", "3*x^2"},
    {"x^(-2)", "-2*x^(-3)"},
    {"x^y", "y*x^y/x"},
    {"y^x", "y^x*ln(y)"},
    {"x/(x + y)", "y/(x + y)^2"},
    {"x^2.5/(y^2.5 + x^2.5)", "2.5*x^1.5*y^2.5/(y^2.5 + x^2.5)^2"},
    {"exp(-x*y)", "-y*exp(-x*y)"},
    {"ln(x*x + y)", "2*x/(x*x + y)"},
    {"log10(x)", "1/(x*ln(10))"},
    {"sqrt(x + y)", "0.5/sqrt(x + y)"},
    {"sin(x*y)", "y*cos(x*y)"},
    {"cos(x)", "-sin(x)"},
    {"tan(x)", "1 + tan(x)^2"},
    {"tanh(x)", "1 - tanh(x)^2"},
    {"max(x, y)", "piecewise(1, x > y, 0)"},
    {"min(x*x, y, 7)", "piecewise(2*x, x*x < y, 0)"},
    {"abs(x - y)", "piecewise(1, x > y, -1)"},
    {"piecewise(x^2, x > y, 3*x)", "piecewise(2*x, x > y, 3)"},
    {"floor(x)", "0"},
    {"(x > y)*x", "x > y"},
    {"1 - exp(-max(0, x*(y - 1)))", "piecewise((y - 1)*exp(-x*(y - 1)), y > 1, 0)"},
};

static void closed_forms(void) {
    static const point at[] = {{0.7, 1.9}, {2.3, 0.4}, {1.5, 1.6}, {5.25, 3.5}};
    prc_arena *a = prc_arena_create();
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        const prc_expr *e = parse(a, closed[i].expr), *want = parse(a, closed[i].derivative),
                       *got = prc_expr_derive(a, e, "x");
        double worst = 0;
        for (size_t k = 0; k < 4; k++) {
            double g = value(got, at[k].x, at[k].y), w = value(want, at[k].x, at[k].y), d = fabs(g - w) / (1 + fabs(w));
            if (!(d <= worst)) worst = d;
        }
        /* A few roundings of the reference formula itself. */
        if (!TAP_THAT(worst < 1e-14, "d/dx %s", closed[i].expr)) printf("# off by %g\n", worst);
    }
    prc_arena_free(a);
}

static void finite_at_zero(void) {
    static const char *const expr[] = {
        "x^1.5", "x^0.5", "x^y", "sqrt(x)", "ln(x)", "x^2/(y^2 + x^2)", "x^1.7/(y^1.7 + x^1.7)", "x^3"};
    prc_arena *a = prc_arena_create();
    for (size_t i = 0; i < sizeof expr / sizeof *expr; i++) {
        const prc_expr *d = prc_expr_derive(a, parse(a, expr[i]), "x");
        TAP_THAT(isfinite(value(d, 0, 0.3)), "d/dx %s at 0", expr[i]);
    }
    prc_arena_free(a);
}

/* A random smooth expression of x and y; arguments of powers, roots and logarithms are kept above 0. */
static const prc_expr *random_expr(prc_arena *a, uint64_t *seed, int depth) {
    static const prc_fn fn[] = {PRC_FN_ADD, PRC_FN_SUB, PRC_FN_MUL,  PRC_FN_DIV, PRC_FN_POW, PRC_FN_NEG,
                                PRC_FN_EXP, PRC_FN_LN,  PRC_FN_SQRT, PRC_FN_SIN, PRC_FN_COS, PRC_FN_TANH};
    double u = next_uniform(seed);
    if (depth == 0)
        return u < 0.35  ? prc_expr_name(a, "x")
               : u < 0.6 ? prc_expr_name(a, "y")
                         : prc_expr_number(a, floor(8 * u - 5) / 2);
    prc_fn f = fn[(size_t)(u * 12)];
    const prc_expr *p = random_expr(a, seed, depth - 1), *q = random_expr(a, seed, depth - 1);
    if (f == PRC_FN_POW || f == PRC_FN_LN || f == PRC_FN_SQRT ||
        f == PRC_FN_DIV) { /* 1 + z^2 for base, argument and divisor */
        const prc_expr **z = f == PRC_FN_DIV ? &q : &p,
                       *square = prc_expr_call(a, PRC_FN_MUL, 2, (const prc_expr *[]){*z, *z});
        *z = prc_expr_call(a, PRC_FN_ADD, 2, (const prc_expr *[]){prc_expr_number(a, 1), square});
    }
    if (f == PRC_FN_EXP || f == PRC_FN_POW) { /* bounded exponents */
        const prc_expr **z = f == PRC_FN_EXP ? &p : &q;
        *z = prc_expr_call(a, PRC_FN_TANH, 1, z);
    }
    bool two = f == PRC_FN_ADD || f == PRC_FN_SUB || f == PRC_FN_MUL || f == PRC_FN_DIV || f == PRC_FN_POW;
    return prc_expr_call(a, f, two ? 2 : 1, (const prc_expr *[]){p, q});
}

static void random_expressions(void) {
    uint64_t seed = 20240607;
    int bad = 0, changed = 0, used = 0;
    for (int i = 0; i < 400; i++) {
        prc_arena *a = prc_arena_create();
        const prc_expr *e = random_expr(a, &seed, 4), *d = prc_expr_derive(a, e, "x"), *s = prc_expr_simplify(a, e);
        double x = 0.2 + next_uniform(&seed), y = 0.3 + next_uniform(&seed), h = 1e-4;
        double f = value(e, x, y);
        /* Order 4 differences: error near h^4 f'''''/30 + 1e-16 f/h. */
        double n = (8 * (value(e, x + h, y) - value(e, x - h, y)) - value(e, x + 2 * h, y) + value(e, x - 2 * h, y)) /
                   (12 * h);
        double far = (value(e, x + 8 * h, y) - value(e, x - 8 * h, y)) / (16 * h);
        double g = value(d, x, y), t = value(s, x, y);
        if (t < f || t > f) changed++;
        /* Only where the function is smooth on this scale: the two differences agree. */
        if (isfinite(f) && fabs(n - far) < 1e-3 * (1 + fabs(n)) && fabs(f) < 1e6) {
            used++;
            if (!(fabs(g - n) < 2e-7 * (1 + fabs(n) + fabs(f))) && bad++ < 3) {
                prc_text text = {0};
                prc_expr_print(e, &text);
                printf("# %s at %g %g: got %.12g, differences %.12g\n", text.s, x, y, g, n);
                prc_text_reset(&text);
            }
        }
        prc_arena_free(a);
    }
    TAP_THAT(bad == 0, "%d of %d derivatives differ from differences", bad, used);
    TAP_THAT(used > 300, "%d expressions compared", used);
    TAP_INT(changed, 0);
}

static void simplified(void) {
    static const char *const pair[][2] = {
        {"1*x + 0", "x"},
        {"x - 0", "x"},
        {"0 - x", "-x"},
        {"2*3 + 4", "10"},
        {"x^1", "x"},
        {"x^0", "1"},
        {"0*x", "0"},
        {"--x", "x"},
        {"x/1", "x"},
        {"piecewise(x, 2 > 1, y)", "x"},
        {"piecewise(x, y > 1, x)", "x"},
        {"x + -y", "x - y"},
        {"exp(0)*x", "x"},
    };
    prc_arena *a = prc_arena_create();
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        prc_text t = {0};
        const prc_expr *e = prc_expr_simplify(a, parse(a, pair[i][0]));
        if (e) prc_expr_print(e, &t);
        TAP_STR(t.s, pair[i][1]);
        prc_text_reset(&t);
    }
    prc_arena_free(a);
}

static void allocation_failures(void) {
    int wrong = 0, nulls = 0;
    bool done = false;
    for (long k = 1; !done; k++) {
        prc_arena *a = prc_arena_create();
        const prc_expr *e = parse(a, "x^y/(1 + exp(x)) + max(x, y, sin(x))");
        prc_memory_fail_at(k);
        const prc_expr *d = prc_expr_derive(a, e, "x");
        prc_memory_fail_at(0);
        if (!d)
            nulls++;
        else if (fabs(value(d, 0.5, 0.7) - value(prc_expr_derive(a, e, "x"), 0.5, 0.7)) > 0)
            wrong++;
        else
            done = true;
        prc_arena_free(a);
    }
    TAP_INT(wrong, 0);
    TAP_OK(nulls > 3);
}

int main(void) {
    TAP_RUN(closed_forms);
    TAP_RUN(finite_at_zero);
    TAP_RUN(random_expressions);
    TAP_RUN(simplified);
    TAP_RUN(allocation_failures);
    return tap_done();
}
