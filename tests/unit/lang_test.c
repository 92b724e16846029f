/* lang_test.c: expressions (random trees read back, values, units), files with imports, hostile input, failing memory.
 */
#include "../tap.h"

#include "paracrine/lang.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- expressions ---- */

typedef struct dice {
    uint32_t draw;
    int nodes; /* left to spend */
    prc_arena *arena;
} dice;

static unsigned roll(dice *d, unsigned sides) {
    return (unsigned)(prc_uniform(7, 1, 1, d->draw++, 0) * sides);
}

static const prc_expr *random_expr(dice *d, int depth);

static const prc_expr *random_leaf(dice *d) {
    static const char *const names[] = {"a", "b_1", "fate.T_f", "time", "x.y.z", "ender"};
    static const double numbers[] = {0, 1, -1, 0.1, 1e300, 5e-324, -2.5, 1e22, 123456.789, -0.0, 3};
    if (roll(d, 2)) return prc_expr_name(d->arena, names[roll(d, 6)]);
    unsigned k = roll(d, 14);
    if (k == 11) return prc_expr_number(d->arena, (double)INFINITY);
    if (k == 12) return prc_expr_number(d->arena, -(double)INFINITY);
    if (k == 13) return prc_expr_number(d->arena, prc_exp(40 * prc_uniform(7, 2, 1, d->draw++, 0) - 20));
    return prc_expr_number(d->arena, numbers[k]);
}

static const prc_expr *random_expr(dice *d, int depth) {
    static const int lo[] = {
#define PRC_X(name, text, least, most) least,
        PRC_FN_LIST(PRC_X)
#undef PRC_X
    };
    static const int hi[] = {
#define PRC_X(name, text, least, most) most,
        PRC_FN_LIST(PRC_X)
#undef PRC_X
    };
    if (depth <= 0 || d->nodes-- <= 0 || roll(d, 5) == 0) return random_leaf(d);
    unsigned fn = roll(d, PRC_FN_COUNT), least = (unsigned)lo[fn];
    unsigned n = least + roll(d, hi[fn] < 0 ? 4 : (unsigned)(hi[fn] - lo[fn]) + 1);
    const prc_expr *arg[8];
    for (unsigned i = 0; i < n; i++) arg[i] = random_expr(d, depth - 1);
    return fn == PRC_FN_USER ? prc_expr_call_user(d->arena, "f_user", n, arg)
                             : prc_expr_call(d->arena, (prc_fn)fn, n, arg);
}

static bool same_number(double a, double b) {
    return a == b ? signbit(a) == signbit(b) : a != a && b != b;
}

static bool same_expr(const prc_expr *a, const prc_expr *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == PRC_EX_NUMBER) return same_number(a->number, b->number);
    if (a->kind != PRC_EX_CALL) return strcmp(a->name, b->name) == 0;
    if (a->fn != b->fn || a->n_arg != b->n_arg) return false;
    if (a->fn == PRC_FN_USER && strcmp(a->name, b->name) != 0) return false;
    for (size_t i = 0; i < a->n_arg; i++)
        if (!same_expr(a->arg[i], b->arg[i])) return false;
    return true;
}

static void printed_text_reads_back(void) {
    int bad = 0;
    dice d = {0};
    for (int k = 0; k < 8000; k++) {
        prc_arena *arena = prc_arena_create();
        d.arena = arena;
        d.nodes = 60;
        const prc_expr *e = random_expr(&d, 7), *back = NULL;
        prc_text t = {0};
        prc_error err = {0};
        prc_expr_print(e, &t);
        if (prc_expr_parse(arena, t.s, "random", 1, 1, &back, &err) != PRC_OK || !same_expr(e, back)) {
            if (bad++ < 3) tap_note(back ? "differs" : err.message, t.s);
        }
        prc_text_reset(&t);
        prc_arena_free(arena);
    }
    TAP_INT(bad, 0);
}

static bool lookup(void *ctx, const char *name, double *out) {
    (void)ctx;
    if (strcmp(name, "a") == 0)
        *out = 2;
    else if (strcmp(name, "b") == 0)
        *out = -3;
    else if (strcmp(name, "x.y") == 0)
        *out = 5;
    else if (strcmp(name, "time") == 0)
        *out = 7;
    else
        return false;
    return true;
}

static double value_of(const char *text) {
    prc_arena *arena = prc_arena_create();
    const prc_expr *e;
    prc_error err = {0};
    double v = -12345;
    if (prc_expr_parse(arena, text, "t", 1, 1, &e, &err) != PRC_OK ||
        prc_expr_eval(e, lookup, NULL, &v, &err) != PRC_OK)
        tap_note(text, err.message);
    prc_arena_free(arena);
    return v;
}

static void values_are_right(void) {
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1 + 2*3", 7},
        {"(1 + 2)*3", 9},
        {"2^3^2", 512},
        {"-2^2", -4},
        {"2^-1", 0.5},
        {"7 - 2 - 1", 4},
        {"8/2/2", 2},
        {"a*b + x.y", -1},
        {"time - 1", 6},
        {"100*(1 - exp(-max(0, 0)))", 0},
        {"7 % 3", 1},
        {"-7 % 3", -1},
        {"min(3, a, 9)", 2},
        {"max(b, a)", 2},
        {"min(4)", 4},
        {"abs(b)", 3},
        {"sqrt(16)", 4},
        {"floor(-1.5)", -2},
        {"ceil(-1.5)", -1},
        {"piecewise(1, a > 5, 2, a > 1, 3)", 2},
        {"piecewise(1, a > 5, 3)", 3},
        {"piecewise(4)", 4},
        {"a > 1 && b > 1", 0},
        {"a > 1 || b > 1", 1},
        {"!a", 0},
        {"!0", 1},
        {"a == 2", 1},
        {"a != 2", 0},
        {"a <= 2", 1},
        {"a >= 3", 0},
        {"a < b", 0},
        {"not a > 3", 0},
        {"true and not false", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        TAP_THAT(value_of(cases[i].text) == cases[i].value, "%s", cases[i].text);
    TAP_OK(isnan(value_of("piecewise(1, a > 5)")));
    TAP_OK(isnan(value_of("max(1, 0*inf)")) && isnan(value_of("min(0*inf, 1)")) && isnan(value_of("ln(-1)")));
    TAP_OK(value_of("exp(a)") == prc_exp(2) && value_of("ln(a)") == prc_log(2) && value_of("a^0.3") == prc_pow(2, 0.3));
    TAP_OK(value_of("log(a)") == prc_log(2));
    TAP_REL(value_of("log10(1000)"), 3.0, 1e-15);
    TAP_REL(value_of("log(2, 8)"), 3.0, 1e-15);
    TAP_NEAR(value_of("sin(pi) + cos(pi) + tan(0) + tanh(0)"), -1.0, 1e-15);
}

static void count_name(void *ctx, const prc_expr *name) {
    (void)name;
    ++*(int *)ctx;
}

static void expression_errors_point_at_the_text(void) {
    prc_arena *arena = prc_arena_create();
    const prc_expr *e = NULL;
    prc_error err = {0};
    double v = 42;
    int n = 0;
    TAP_INT(prc_expr_parse(arena, "100*(1 - epx(", "observables.tsv", 4, 30, &e, &err), PRC_E_SYNTAX);
    TAP_OK(err.line == 4 && err.col == 43 && e == NULL);
    TAP_STR(err.source, "observables.tsv");
    TAP_HAS(err.message, "\n    100*(1 - epx(\n                 ^");
    TAP_INT(prc_expr_parse(arena, "a + zz*b - time", "t", 1, 1, &e, &err), PRC_OK);
    TAP_INT(prc_expr_eval(e, lookup, NULL, &v, &err), PRC_E_KEY);
    TAP_HAS(err.message, "unknown name 'zz'");
    TAP_OK(v == 42.0 && err.col == 5);
    prc_expr_names(e, count_name, &n);
    TAP_INT(n, 3);
    TAP_INT(prc_expr_parse(arena, "myfun(a, 2)", "t", 1, 1, &e, &err), PRC_OK);
    TAP_OK(e->fn == PRC_FN_USER && strcmp(e->name, "myfun") == 0);
    TAP_INT(prc_expr_eval(e, lookup, NULL, &v, &err), PRC_E_KEY);
    TAP_INT(prc_expr_parse(arena, "a; b", "t", 1, 1, &e, NULL), PRC_E_SYNTAX);
    TAP_INT(prc_expr_parse(arena, "", "t", 1, 1, &e, NULL), PRC_E_SYNTAX);
    prc_arena_free(arena);
}

/* ---- units ---- */

static const char *const unit_model =
    "unit per_day = 1/(86400 second); unit cells = item; unit loop1 = loop2; unit loop2 = loop1; unit pct = 0.01 "
    "dimensionless\n"
    "unit hour = 3600 second; unit day = 24 hour; unit M = mole/litre; unit doubled = per_day*per_day\n"
    "function hill(x, K, n) x^n/(K^n + x^n) end\n"
    "function hill2(x, m) hill(x, 2*x, m) end\n"
    "function bad(x, y) x + y end\n"
    "x has cells\n";

static bool unit_lookup(void *ctx, const char *name, prc_dim *out) {
    static const struct {
        const char *name, *unit;
    } table[] = {{"k", "per_day"}, {"N", "cells"}, {"t1", "day"},          {"time", "day"},       {"s", "second"},
                 {"c", "M"},       {"p", "pct"},   {"z", "dimensionless"}, {"n", "dimensionless"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0) return prc_dim_of_unit(ctx, NULL, table[i].unit, out, NULL) == PRC_OK;
    return false;
}

static prc_status check_units(prc_ast *ast, const char *text, char *shown, size_t n, prc_error *err) {
    prc_arena *arena = prc_arena_create();
    const prc_expr *e;
    prc_dim d;
    prc_status st = prc_expr_parse(arena, text, "t", 1, 1, &e, err);
    if (st == PRC_OK) st = prc_expr_dim(ast, "t", e, unit_lookup, ast, &d, err);
    if (st == PRC_OK) prc_dim_format(&d, shown, n);
    prc_arena_free(arena);
    return st;
}

static void units_that_agree(void) {
    static const struct {
        const char *text, *unit;
    } cases[] = {
        {"k*N", "item/day"},
        {"k*N + N/t1", "item/day"},
        {"exp(-k*time)", "dimensionless"},
        {"N + 0", "item"},
        {"max(0, N)", "item"},
        {"N*2", "item"},
        {"k^2", "1/day^2"},
        {"sqrt(k^2)", "1/day"},
        {"k^(1/2 + 0.5)", "1/day"},
        {"piecewise(N, time > t1, 0)", "item"},
        {"N > 3*N", "dimensionless"},
        {"unknown_name + N", "item"},
        {"unknown_name*N", "of unknown unit"},
        {"1 - z", "dimensionless"},
        {"hill(N, 2*N, 1 + 1)*k", "1/day"},
        {"hill2(N, 3)", "dimensionless"},
        {"hill(z, 0.5, n)", "dimensionless"},
        {"z^n", "dimensionless"},
        {"p", "0.01 (dimensionless)"},
        {"p*2 + p", "0.01 (dimensionless)"},
        {"c", "1000 mole/metre^3"},
        {"abs(k) + floor(k) - -k", "1/day"},
        {"N % N", "item"},
        {"s", "second"},
        {"z && k", "dimensionless"},
        {"min(k, 0, 1/t1)", "1/day"},
        {"1/(k*N)", "day/item"},
        {"-k", "1/day"},
        {"0", "of unknown unit"},
        {"t1/s", "86400 (dimensionless)"},
    };
    prc_ast *ast = NULL;
    prc_error err = {0};
    TAP_INT(prc_ast_parse(unit_model, "u", &ast, &err), PRC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[120] = "";
        prc_status st = check_units(ast, cases[i].text, shown, sizeof shown, &err);
        if (!TAP_THAT(st == PRC_OK && strcmp(shown, cases[i].unit) == 0, "%s is %s", cases[i].text, cases[i].unit))
            tap_note("got", st == PRC_OK ? shown : err.message);
    }
    prc_ast_free(ast);
}

static void units_that_do_not(void) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"k + 1/s", "units do not agree in 'k + 1/s': 'k' is 1/day (per_day), '1/s' is 1/second"},
        {"k*N + 1", "'k*N' is item/day, '1' is dimensionless"},
        {"N < t1", "'N' is item (cells), 't1' is day (day)"},
        {"exp(t1)", "the argument must be dimensionless, 't1' is day (day)"},
        {"ln(p)", "'p' is 0.01 (dimensionless)"},
        {"exp(t1/s)", "'t1/s' is 86400 (dimensionless)"},
        {"N^n", "'N' is item (cells), so the exponent must be a number"},
        {"2^N", "the exponent must be dimensionless, 'N' is item (cells)"},
        {"min(k, N)", "in 'min(k, N)'"},
        {"piecewise(N, z > 1, k)", "in 'piecewise(N, z > 1, k)': 'N' is item (cells), 'k' is 1/day (per_day)"},
        {"z + p", "'z' is dimensionless, 'p' is 0.01 (dimensionless)"},
        {"2*bad(N, k)",
         "in the function 'bad': units do not agree in 'x + y': 'x' is item (cells), 'y' is 1/day (per_day)"},
        {"hill(N, k, 2)", "in the function 'hill'"},
        {"hill(N, N, n)", "so the exponent must be a number"},
        {"sin(k)", "must be dimensionless"},
        {"k*(N + t1)", "in 'N + t1'"},
    };
    prc_ast *ast = NULL;
    prc_error err = {0};
    TAP_INT(prc_ast_parse(unit_model, "u", &ast, &err), PRC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[120] = "";
        prc_status st = check_units(ast, cases[i].text, shown, sizeof shown, &err);
        if (!TAP_THAT(st == PRC_E_UNIT && strstr(err.message, cases[i].message), "%s", cases[i].text))
            tap_note("got", st == PRC_OK ? shown : err.message);
    }
    TAP_INT(check_units(ast, "1 + k*(N + t1)", (char[9]){0}, 9, &err), PRC_E_UNIT);
    TAP_OK(err.col == 10); /* the inner '+' */
    prc_dim d;
    TAP_INT(prc_dim_of_unit(ast, NULL, "loop1", &d, &err), PRC_E_UNIT);
    TAP_HAS(err.message, "defined by itself");
    TAP_INT(prc_dim_of_unit(ast, NULL, "secnd", &d, &err), PRC_E_UNIT);
    TAP_HAS(err.message, "did you mean 'second'?");
    TAP_INT(prc_dim_of_unit(ast, NULL, "per_dy", &d, &err), PRC_E_UNIT);
    TAP_HAS(err.message, "did you mean 'per_day'?");
    prc_ast_free(ast);
}

/* Each definition uses the one before twice: 2^60 steps if followed without a limit. */
static void doubling_definitions_end(void) {
    prc_text t = {0};
    prc_ast *ast = NULL;
    prc_error err = {0};
    prc_dim d;
    prc_text_add(&t, "unit u0 = second\nfunction f0(x) x end\n");
    for (int i = 1; i <= 60; i++)
        prc_text_printf(&t, "unit u%d = u%d*u%d\nfunction f%d(x) f%d(x) + f%d(x) end\n", i, i - 1, i - 1, i, i - 1,
                        i - 1);
    TAP_INT(prc_ast_parse(t.s, "u", &ast, &err), PRC_OK);
    TAP_INT(prc_dim_of_unit(ast, NULL, "u60", &d, &err), PRC_E_UNIT);
    TAP_INT(check_units(ast, "f60(a)", (char[99]){0}, 99, &err), PRC_OK);
    prc_ast_free(ast);
    prc_text_reset(&t);
}

/* ---- files ---- */

static char folder[64];

static const char *in_folder(const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t n) {
    FILE *f = fopen(in_folder(name), "wb");
    if (f) fwrite(text, 1, n, f);
    if (!f || fclose(f) != 0) perror(name);
}

static void write_text(const char *name, const char *text) {
    write_file(name, text, strlen(text));
}

static prc_status read_model(const char *name, prc_ast **ast, prc_error *err) {
    *ast = NULL;
    return prc_ast_read(in_folder(name), ast, err);
}

static void imports(void) {
    prc_ast *ast;
    prc_error err = {0};
    mkdir(in_folder("sub"), 0777);
    write_text("sub/units.ant", "unit per_day = 1/(86400 second)\nfunction twice(x) 2*x end\n");
    write_text("sub/core.ant", "import \"units.ant\"\nmodel core(x)\n x' = twice(x); x has per_day\nend\n");
    write_text("main.ant",
               "import \"sub/core.ant\"\nimport \"./sub/../sub/units.ant\"\nmodel top()\n A: core(y)\nend\n");
    TAP_INT(read_model("main.ant", &ast, &err), PRC_OK);
    if (!ast) return;
    TAP_INT(ast->n_file, 3);
    TAP_INT(ast->n_model, 3);
    TAP_STR(prc_ast_main(ast)->name, "top");
    TAP_STR(prc_ast_model(ast, "core")->source, in_folder("sub/core.ant"));
    TAP_OK(prc_ast_function(ast, "twice") && !prc_ast_function(ast, "thrice") && !prc_ast_model(ast, "none"));
    prc_dim d;
    TAP_INT(prc_dim_of_unit(ast, prc_ast_model(ast, "core"), "per_day", &d, &err), PRC_OK);
    TAP_REL(d.factor, 1.0 / 86400, 1e-15);
    const prc_item *it = &prc_ast_model(ast, "core")->item[0];
    TAP_INT(prc_ast_fail(ast, it->source, it->line, it->col, PRC_E_MODEL, &err, "wrong: %d", 3), PRC_E_MODEL);
    TAP_HAS(err.message, "wrong: 3\n     x' = twice(x); x has per_day\n     ^");
    prc_ast_free(ast);
}

static void import_errors(void) {
    prc_ast *ast;
    prc_error err = {0};
    write_text("a.ant", "import \"b.ant\"\n");
    write_text("b.ant", "x = 1\nimport \"a.ant\"\n");
    TAP_INT(read_model("a.ant", &ast, &err), PRC_E_SYNTAX);
    TAP_HAS(err.message, "import cycle");
    TAP_OK(err.line == 2 && strstr(err.source, "b.ant"));
    write_text("self.ant", "import \"../self.ant\"\nimport \"self.ant\"\n");
    TAP_INT(read_model("self.ant", &ast, &err), PRC_E_IO);
    TAP_OK(err.line == 1 && err.col == 8);
    write_text("self.ant", "import \"./self.ant\"\n");
    TAP_INT(read_model("self.ant", &ast, &err), PRC_E_SYNTAX);
    for (int i = 0; i < 40; i++) {
        char name[20], text[60];
        snprintf(name, sizeof name, "d%d.ant", i);
        snprintf(text, sizeof text, "import \"d%d.ant\"\n", i + 1);
        write_text(name, i == 39 ? "x = 1\n" : text);
    }
    TAP_INT(read_model("d0.ant", &ast, &err), PRC_E_SYNTAX);
    TAP_HAS(err.message, "nested more than 32 deep");
    TAP_INT(read_model("d7.ant", &ast, &err), PRC_OK);
    prc_ast_free(ast);
    write_text("inner.ant", "x = 1\ny = = 2\n");
    write_text("outer.ant", "import \"inner.ant\"\n");
    TAP_INT(read_model("outer.ant", &ast, &err), PRC_E_SYNTAX);
    TAP_OK(err.line == 2 && err.col == 5 && strstr(err.source, "inner.ant"));
    TAP_INT(read_model("none.ant", &ast, &err), PRC_E_IO);
    TAP_INT(read_model("sub", &ast, &err), PRC_E_IO);
    TAP_OK(ast == NULL);
}

static void main_model(void) {
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"model a() x=1\nend\nmodel b() x=1\nend\n", "b"},
        {"model *a() x=1\nend\nmodel b() x=1\nend\n", "a"},
        {"unit u = second\nmodel a() x=1\nend\n", "a"},
        {"y = 1\nmodel a() x=1\nend\n", "__main"},
    };
    for (size_t i = 0; i < 4; i++) {
        prc_ast *ast = NULL;
        TAP_INT(prc_ast_parse(cases[i].text, "m", &ast, NULL), PRC_OK);
        TAP_STR(prc_ast_main(ast)->name, cases[i].name);
        prc_ast_free(ast);
    }
    prc_ast *ast = NULL;
    TAP_INT(prc_ast_parse("", "m", &ast, NULL), PRC_OK);
    TAP_OK(prc_ast_main(ast) == NULL);
    prc_ast_free(ast);
    prc_ast_free(NULL);
}

/* ---- hostile input ---- */

static char *repeat(const char *before, const char *s, size_t n, const char *behind) {
    prc_text t = {0};
    prc_text_add(&t, before);
    for (size_t i = 0; i < n; i++) prc_text_add(&t, s);
    prc_text_add(&t, behind);
    return t.s;
}

static void expect_error(const char *what, char *text, const char *fragment) {
    prc_ast *ast = NULL;
    prc_error err = {0};
    prc_status st = prc_ast_parse(text, "deep", &ast, &err);
    if (!TAP_THAT(st == PRC_E_SYNTAX && strstr(err.message, fragment), "%s", what)) tap_note("got", err.message);
    TAP_OK(strlen(err.message) < 600);
    prc_ast_free(ast);
    prc_free(text);
}

static void deep_nesting_is_an_error(void) {
    expect_error("brackets", repeat("x = ", "(", 100000, ""), "nested more than 1000 deep");
    expect_error("signs", repeat("x = ", "-", 100000, "1"), "nested more than 1000 deep");
    expect_error("nots", repeat("x = ", "!", 100000, "1"), "nested more than 1000 deep");
    expect_error("powers", repeat("x = ", "a^", 100000, "1"), "nested more than 1000 deep");
    expect_error("calls", repeat("x = ", "exp(", 100000, "1"), "nested more than 1000 deep");
    expect_error("piecewise", repeat("x = ", "piecewise(1, a && b < c + d*", 100000, "1"),
                 "nested more than 1000 deep");
    expect_error("a long sum", repeat("x = 1", " + 1", 100000, "\n"), "more than 4000 terms");
    expect_error("unit", repeat("unit u = ", "(", 100000, ""), "nested more than 1000 deep");
    prc_ast *ast = NULL;
    char *text = repeat("x = ", "(", 990, "1");
    char *both = repeat(text, ")", 990, " + 1\ny = 2\n");
    TAP_INT(prc_ast_parse(both, "deep", &ast, NULL), PRC_OK);
    prc_ast_free(ast);
    prc_free(text);
    prc_free(both);
    both = repeat("x = 1", " + a", 3900, "\n");
    TAP_INT(prc_ast_parse(both, "deep", &ast, NULL), PRC_OK);
    double v;
    TAP_INT(prc_expr_eval(ast->model[0].item[0].expr, lookup, NULL, &v, NULL), PRC_OK);
    TAP_OK(v == 7801.0);
    prc_ast_free(ast);
    prc_free(both);
}

static void long_texts(void) {
    char *name = repeat("x = ", "abcdefghij", 20000, " +\n");
    prc_ast *ast = NULL;
    prc_error err = {0};
    TAP_INT(prc_ast_parse(name, "long", &ast, &err), PRC_E_SYNTAX);
    TAP_OK(strlen(err.message) < 600 && strchr(err.message, '^'));
    prc_free(name);
    expect_error("digits", repeat("x = ", "9", 10000, "\n"), "too large");
    expect_error("broken characters", repeat("x = ", "\x80", 10000, "\n"), "does not belong here");
    expect_error("an escape sequence", repeat("", "\x1b[2J", 3, "\n"), "byte 0x1b");
}

static void binary_files(void) {
    prc_ast *ast;
    prc_error err = {0};
    write_file("nul.ant", "x = 1\ny = 2\0\n", 13);
    TAP_INT(read_model("nul.ant", &ast, &err), PRC_E_SYNTAX);
    TAP_HAS(err.message, "a NUL byte");
    TAP_OK(err.line == 2 && err.col == 6);
    write_file("nul.ant", "x is \"a\0b\"\n", 11);
    TAP_INT(read_model("nul.ant", &ast, &err), PRC_E_SYNTAX);
    write_file("bom.ant", "\xef\xbb\xbfx = \r\n", 9);
    TAP_INT(read_model("bom.ant", &ast, &err), PRC_E_SYNTAX);
    TAP_OK(err.line == 1 && err.col == 5);
    TAP_HAS(err.message, "\n    x = \n        ^");
    write_file("crlf.ant", "x = 1\r\ny = 2\rz = 3\n", 19);
    TAP_INT(read_model("crlf.ant", &ast, &err), PRC_OK);
    if (ast) TAP_OK(ast->model[0].n_item == 3 && ast->model[0].item[2].line == 3);
    prc_ast_free(ast);
}

static void failing_memory(void) {
    const char *text = "import \"sub/units.ant\"\nunit cells = item\nfunction hill(x, K, n) x^n/(K^n + x^n) end\n"
                       "model core(a, b)\n species A, B in C = 3; A has cells; J0: A + 2 B -> ; k*A*min(a, b, 3)\n"
                       " E1: at (A > 3): B = 1, A = 2\n x' = hill(x, 2, 3)\n y := log(2, x)\nend\nmodel top() S: "
                       "core(p, q); S.A is r\nend\n";
    write_text("whole.ant", text);
    char path[200];
    snprintf(path, sizeof path, "%s", in_folder("whole.ant"));
    bool clean = true;
    long k = 0;
    for (prc_status st = PRC_E_MEMORY; st != PRC_OK && k < 100000;) {
        prc_ast *ast = NULL;
        prc_error err = {0};
        prc_memory_fail_at(++k);
        st = prc_ast_read(path, &ast, &err);
        prc_memory_fail_at(0);
        if (st != PRC_OK && (ast || (st != PRC_E_MEMORY && st != PRC_E_IO))) {
            clean = false;
            tap_note("got", err.message);
        }
        prc_ast_free(ast);
    }
    TAP_THAT(clean && k > 20, "%ld failing allocations", k - 1);
    prc_arena *arena = prc_arena_create();
    const prc_expr *e = NULL;
    for (k = 1; k < 1000; k++) {
        prc_memory_fail_at(k);
        prc_status st = prc_expr_parse(arena, "piecewise(f(a), b > 2, log(2, x)) + 3", "t", 1, 1, &e, NULL);
        prc_memory_fail_at(0);
        if (st == PRC_OK) break;
    }
    TAP_OK(e != NULL);
    prc_arena_free(arena);
}

int main(void) {
    snprintf(folder, sizeof folder, "/tmp/prc-lang-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    TAP_RUN(printed_text_reads_back);
    TAP_RUN(values_are_right);
    TAP_RUN(expression_errors_point_at_the_text);
    TAP_RUN(units_that_agree);
    TAP_RUN(units_that_do_not);
    TAP_RUN(doubling_definitions_end);
    TAP_RUN(imports);
    TAP_RUN(import_errors);
    TAP_RUN(main_model);
    TAP_RUN(deep_nesting_is_an_error);
    TAP_RUN(long_texts);
    TAP_RUN(binary_files);
    TAP_RUN(failing_memory);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) return 1;
    return tap_done();
}
