/* expr_print.c: expressions as Antimony text that reads back to the same tree. */
#include "lang_int.h"

#include <math.h>
#include <string.h>

/* How tightly a form binds; the same order as in the parser (expr.c). */
enum { BIND_LOGIC = 1, BIND_COMPARE, BIND_SUM, BIND_PRODUCT, BIND_SIGN, BIND_POWER, BIND_ATOM };

static int binding(const prc_expr *e) {
    if (e->kind == PRC_EX_NUMBER) return signbit(e->number) && !isnan(e->number) ? BIND_SIGN : BIND_ATOM;
    if (e->kind != PRC_EX_CALL) return BIND_ATOM;
    switch (e->fn) {
    case PRC_FN_AND:
    case PRC_FN_OR:
        return BIND_LOGIC;
    case PRC_FN_LT:
    case PRC_FN_LE:
    case PRC_FN_GT:
    case PRC_FN_GE:
    case PRC_FN_EQ:
    case PRC_FN_NE:
        return BIND_COMPARE;
    case PRC_FN_ADD:
    case PRC_FN_SUB:
        return BIND_SUM;
    case PRC_FN_MUL:
    case PRC_FN_DIV:
    case PRC_FN_MOD:
        return BIND_PRODUCT;
    case PRC_FN_NEG:
    case PRC_FN_NOT:
        return BIND_SIGN;
    case PRC_FN_POW:
        return BIND_POWER;
    default:
        return BIND_ATOM;
    }
}

static void print(const prc_expr *e, int depth, prc_text *out);

static void print_within(const prc_expr *e, bool brackets, int depth, prc_text *out) {
    if (brackets) prc_text_add(out, "(");
    print(e, depth, out);
    if (brackets) prc_text_add(out, ")");
}

static void print_number(double x, prc_text *out) {
    char buf[40];
    if (isnan(x))
        prc_text_add(out, "nan");
    else if (isinf(x))
        prc_text_add(out, x > 0 ? "inf" : "-inf");
    else if (x == 0.0)
        prc_text_add(out, signbit(x) ? "-0" : "0");
    else
        prc_text_add(out, prc_format_double(x, buf));
}

static bool starts_with_minus(const prc_expr *e) {
    return binding(e) == BIND_SIGN && !(e->kind == PRC_EX_CALL && e->fn == PRC_FN_NOT);
}

/* -3 reads as a number and -- as a strand of DNA, so these get brackets. */
static void print_sign(const prc_expr *e, int depth, prc_text *out) {
    const prc_expr *a = e->arg[0];
    bool minus = e->fn == PRC_FN_NEG;
    prc_text_add(out, minus ? "-" : "!");
    print_within(a, binding(a) < BIND_SIGN || (minus && (a->kind == PRC_EX_NUMBER || starts_with_minus(a))), depth,
                 out);
}

static void print_binary(const prc_expr *e, int depth, prc_text *out) {
    int level = binding(e);
    const prc_expr *a = e->arg[0], *b = e->arg[1];
    bool mixed = level == BIND_LOGIC && a->kind == PRC_EX_CALL && a->fn != e->fn;
    bool left = binding(a) < level || (binding(a) == level && (level == BIND_COMPARE || level == BIND_POWER || mixed));
    /* ^ groups to the right and takes a sign behind it; all others group to the left. */
    bool right = level == BIND_POWER ? binding(b) < BIND_SIGN : binding(b) <= level;
    print_within(a, left, depth, out);
    const char *text = e->fn == PRC_FN_POW ? "^" : prc_fn_text(e->fn);
    prc_text_printf(out, level < BIND_PRODUCT ? " %s " : "%s", text);
    print_within(b, right, depth, out);
}

static void print_call(const prc_expr *e, int depth, prc_text *out) {
    prc_text_add(out, e->fn == PRC_FN_USER && e->name ? e->name : prc_fn_text(e->fn));
    prc_text_add(out, "(");
    for (size_t i = 0; i < e->n_arg; i++) {
        if (i > 0) prc_text_add(out, ", ");
        print(e->arg[i], depth, out);
    }
    prc_text_add(out, ")");
}

static void print(const prc_expr *e, int depth, prc_text *out) {
    if (depth > PRC_LANG_WALK_MAX) out->failed = true;
    if (out->failed) return;
    int level = binding(e);
    if (e->kind == PRC_EX_NUMBER)
        print_number(e->number, out);
    else if (e->kind == PRC_EX_TIME)
        prc_text_add(out, "time");
    else if (e->kind == PRC_EX_NAME)
        prc_text_add(out, e->name);
    else if (level == BIND_SIGN)
        print_sign(e, depth + 1, out);
    else if (level < BIND_ATOM)
        print_binary(e, depth + 1, out);
    else
        print_call(e, depth + 1, out);
}

void prc_expr_print(const prc_expr *e, prc_text *out) {
    print(e, 0, out);
}

void prc_expr_brief(const prc_expr *e, char *buf, size_t n) {
    prc_text t = {0};
    prc_expr_print(e, &t);
    const char *s = t.s && !t.failed ? t.s : "...";
    if (strlen(s) < n)
        snprintf(buf, n, "%s", s);
    else
        snprintf(buf, n, "%.*s...", (int)n - 4, s);
    prc_text_reset(&t);
}
