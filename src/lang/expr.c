/* expr.c: expressions: builders, the parser (precedence climbing, as libSBML's L3 parser that Antimony uses), names. */
#include "lang_int.h"

#include <math.h>
#include <string.h>

/* ---- names of functions and constants ---- */

static const struct {
    const char *text;
    int lo, hi;
} fn_table[] = {
#define PRC_X(name, text, lo, hi) {text, lo, hi},
    PRC_FN_LIST(PRC_X)
#undef PRC_X
};

const char *prc_fn_text(prc_fn fn) {
    return (unsigned)fn < PRC_FN_COUNT ? fn_table[fn].text : "?";
}

static bool is_word(const char *s) {
    return (s[0] >= 'a' && s[0] <= 'z');
}

/* PRC_FN_COUNT when there is no such function. */
static prc_fn builtin(const char *name) {
    if (strcmp(name, "power") == 0) return PRC_FN_POW;
    if (strcmp(name, "ceiling") == 0) return PRC_FN_CEIL;
    for (int k = 0; k < PRC_FN_USER; k++)
        if (is_word(fn_table[k].text) && strcmp(fn_table[k].text, name) == 0) return (prc_fn)k;
    return PRC_FN_COUNT;
}

/* What Antimony knows and we do not. */
static bool is_foreign_function(const char *name) {
    static const char *const table[] = {
        "acos",      "acosh",    "acot",    "acoth",     "acsc",        "acsch",     "arccos",   "arccosh",
        "arccot",    "arccoth",  "arccsc",  "arccsch",   "arcsec",      "arcsech",   "arcsin",   "arcsinh",
        "arctan",    "arctanh",  "asec",    "asech",     "asin",        "asinh",     "atan",     "atanh",
        "bernoulli", "binomial", "cauchy",  "chisquare", "cosh",        "cot",       "coth",     "csc",
        "csch",      "delay",    "divide",  "eq",        "exponential", "factorial", "gamma",    "geq",
        "gt",        "implies",  "laplace", "leq",       "lognormal",   "lt",        "minus",    "modulo",
        "neq",       "normal",   "plus",    "poisson",   "quotient",    "rateOf",    "rayleigh", "rem",
        "root",      "sec",      "sech",    "sinh",      "sqr",         "times",     "uniform",  "xor",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i], name) == 0) return true;
    return false;
}

static bool constant(const char *name, double *out) {
    static const struct {
        const char *name;
        double value;
    } table[] = {
        {"pi", 3.14159265358979323846},
        {"exponentiale", 2.71828182845904523536},
        {"avogadro", 6.02214179e23},
        {"true", 1.0},
        {"false", 0.0},
        {"inf", (double)INFINITY},
        {"infinity", (double)INFINITY},
        {"nan", (double)NAN},
        {"notanumber", (double)NAN},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].name, name) != 0) continue;
        *out = table[i].value;
        return true;
    }
    return false;
}

const char *prc_lang_reserved(const char *name) {
    double value;
    if (strcmp(name, "time") == 0) return "the time of the model";
    if (constant(name, &value)) return "a built-in constant";
    if (builtin(name) != PRC_FN_COUNT || strcmp(name, "log") == 0) return "a built-in function";
    return NULL;
}

const char *prc_fn_nearest(const char *name, const prc_function_def *def, size_t n_def) {
    enum { MOST = 256 };
    const char *word[MOST];
    size_t n = 0;
    for (int k = 0; k < PRC_FN_USER; k++)
        if (is_word(fn_table[k].text)) word[n++] = fn_table[k].text;
    word[n++] = "log";
    for (size_t i = 0; i < n_def && n < MOST; i++) word[n++] = def[i].name;
    return prc_nearest(name, word, n);
}

/* ---- builders ---- */

static prc_expr *new_expr(prc_arena *arena, prc_expr_kind kind) {
    prc_expr *e = prc_arena_alloc(arena, 1, sizeof *e);
    if (e) e->kind = kind;
    return e;
}

const prc_expr *prc_expr_number(prc_arena *arena, double x) {
    prc_expr *e = new_expr(arena, PRC_EX_NUMBER);
    if (e) e->number = x;
    return e;
}

const prc_expr *prc_expr_name(prc_arena *arena, const char *name) {
    prc_expr *e = new_expr(arena, strcmp(name, "time") == 0 ? PRC_EX_TIME : PRC_EX_NAME);
    if (e && !(e->name = prc_arena_strdup(arena, name))) return NULL;
    return e;
}

static prc_expr *new_call(prc_arena *arena, prc_fn fn, const char *name, size_t n_arg, const prc_expr *const *arg) {
    prc_expr *e = new_expr(arena, PRC_EX_CALL);
    const prc_expr **copy = prc_arena_alloc(arena, n_arg ? n_arg : 1, sizeof *copy);
    if (!e || !copy) return NULL;
    for (size_t i = 0; i < n_arg; i++) {
        if (!arg[i]) return NULL;
        copy[i] = arg[i];
    }
    e->fn = fn;
    e->name = name;
    e->n_arg = n_arg;
    e->arg = copy;
    return e;
}

const prc_expr *prc_expr_call(prc_arena *arena, prc_fn fn, size_t n_arg, const prc_expr *const *arg) {
    return new_call(arena, fn, NULL, n_arg, arg);
}

const prc_expr *prc_expr_call_user(prc_arena *arena, const char *name, size_t n_arg, const prc_expr *const *arg) {
    const char *copy = prc_arena_strdup(arena, name);
    return copy ? new_call(arena, PRC_FN_USER, copy, n_arg, arg) : NULL;
}

void prc_expr_names(const prc_expr *e, void (*visit)(void *ctx, const prc_expr *name), void *ctx) {
    if (e->kind == PRC_EX_NAME) visit(ctx, e);
    if (e->kind != PRC_EX_CALL) return;
    for (size_t i = 0; i < e->n_arg; i++) prc_expr_names(e->arg[i], visit, ctx);
}

/* ---- parser ---- */

/* A finished part and how high its tree is. */
typedef struct operand {
    const prc_expr *e;
    int height;
} operand;

/* Binary operators. && and || share a level, as in Antimony; mixing them without brackets is refused. */
enum { LEVEL_LOGIC = 1, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_ABOVE };

static int binary_operator(const prc_token *t, prc_fn *fn) {
    switch (t->kind) {
    case PRC_T_AND:
        return *fn = PRC_FN_AND, LEVEL_LOGIC;
    case PRC_T_OR:
        return *fn = PRC_FN_OR, LEVEL_LOGIC;
    case PRC_T_LT:
        return *fn = PRC_FN_LT, LEVEL_COMPARE;
    case PRC_T_LE:
        return *fn = PRC_FN_LE, LEVEL_COMPARE;
    case PRC_T_GT:
        return *fn = PRC_FN_GT, LEVEL_COMPARE;
    case PRC_T_GE:
        return *fn = PRC_FN_GE, LEVEL_COMPARE;
    case PRC_T_EQ:
        return *fn = PRC_FN_EQ, LEVEL_COMPARE;
    case PRC_T_NE:
        return *fn = PRC_FN_NE, LEVEL_COMPARE;
    case PRC_T_PLUS:
        return *fn = PRC_FN_ADD, LEVEL_SUM;
    case PRC_T_MINUS:
        return *fn = PRC_FN_SUB, LEVEL_SUM;
    case PRC_T_STAR:
        return *fn = PRC_FN_MUL, LEVEL_PRODUCT;
    case PRC_T_SLASH:
        return *fn = PRC_FN_DIV, LEVEL_PRODUCT;
    case PRC_T_PERCENT:
        return *fn = PRC_FN_MOD, LEVEL_PRODUCT;
    case PRC_T_NAME:
        if (t->keyword == PRC_KW_AND) return *fn = PRC_FN_AND, LEVEL_LOGIC;
        if (t->keyword == PRC_KW_OR) return *fn = PRC_FN_OR, LEVEL_LOGIC;
        return 0;
    default:
        return 0;
    }
}

void prc_parser_next(prc_parser *p) {
    if (p->tok->kind != PRC_T_EOF && p->tok->kind != PRC_T_ERROR) p->tok++;
}

static prc_status fail(prc_parser *p, const prc_token *at, prc_status status, const char *fmt, ...) PRC_PRINTF(4, 5);

static prc_status fail(prc_parser *p, const prc_token *at, prc_status status, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    status = prc_lang_vfail(p->src, at->line, at->col, status, p->err, fmt, ap);
    va_end(ap);
    return status;
}

prc_status prc_parser_expected(prc_parser *p, const char *what) {
    const prc_token *t = p->tok;
    switch (t->kind) {
    case PRC_T_ERROR:
        return fail(p, t, strstr(t->text, "not supported yet") ? PRC_E_UNSUPPORTED : PRC_E_SYNTAX, "%s", t->text);
    case PRC_T_EOF:
        return fail(p, t, PRC_E_SYNTAX, "expected %s, but the text ends here", what);
    case PRC_T_NEWLINE:
        return fail(p, t, PRC_E_SYNTAX,
                    "expected %s, but the line ends here (a '\\' at its end joins it with the next)", what);
    case PRC_T_NAME:
        if (t->keyword) return fail(p, t, PRC_E_SYNTAX, "expected %s, found the keyword '%s'", what, t->text);
        return fail(p, t, PRC_E_SYNTAX, "expected %s, found '%.60s'", what, t->text);
    case PRC_T_STRING:
        return fail(p, t, PRC_E_SYNTAX, "expected %s, found a text in quotes", what);
    default:
        if (strcmp(what, "')'") == 0 && t->length == 1 && p->src->text[t->offset] == '=')
            return fail(p, t, PRC_E_SYNTAX, "expected ')', found '=': values are compared with '=='");
        return fail(p, t, PRC_E_SYNTAX, "expected %s, found '%.*s'", what, t->length > 40 ? 40 : (int)t->length,
                    p->src->text + t->offset);
    }
}

static prc_status parse_binary(prc_parser *p, int level, operand *out);
static prc_status parse_unary(prc_parser *p, operand *out);

static prc_status make(prc_parser *p, const prc_token *at, prc_fn fn, size_t n, const operand *part, operand *out) {
    const prc_expr *pair[2] = {NULL, NULL}, **arg = pair;
    if (n > 2 && !(arg = prc_malloc(n, sizeof *arg))) return prc_lang_no_memory(p->err);
    int height = 0;
    for (size_t i = 0; i < n; i++) {
        arg[i] = part[i].e;
        if (part[i].height > height) height = part[i].height;
    }
    prc_expr *e = new_call(p->arena, fn, fn == PRC_FN_USER ? at->text : NULL, n, arg);
    if (n > 2) prc_free(arg);
    if (!e) return prc_lang_no_memory(p->err);
    if (height >= PRC_LANG_HEIGHT_MAX)
        return fail(p, at, PRC_E_SYNTAX, "this expression has more than %d terms: use an intermediate variable",
                    PRC_LANG_HEIGHT_MAX);
    e->line = at->line;
    e->col = at->col;
    *out = (operand){e, height + 1};
    return PRC_OK;
}

static prc_status make_number(prc_parser *p, const prc_token *at, double x, operand *out) {
    prc_expr *e = new_expr(p->arena, PRC_EX_NUMBER);
    if (!e) return prc_lang_no_memory(p->err);
    e->number = x;
    e->line = at->line;
    e->col = at->col;
    *out = (operand){e, 1};
    return PRC_OK;
}

static bool is_plain_name(const prc_token *t) {
    return t->kind == PRC_T_NAME && !t->keyword;
}

/* In a unit `86400 second` is a product; elsewhere a number is followed by an operator. */
static prc_status parse_number(prc_parser *p, operand *out) {
    const prc_token *t = p->tok;
    prc_parser_next(p);
    PRC_TRY(make_number(p, t, t->number, out));
    if (!is_plain_name(p->tok)) return PRC_OK;
    if (!p->unit)
        return fail(p, t, PRC_E_UNSUPPORTED,
                    "a number with a unit ('%.*s %.60s') is not supported yet: write the unit with 'has', or '*' if a "
                    "product is meant",
                    t->length > 40 ? 40 : (int)t->length, p->src->text + t->offset, p->tok->text);
    const prc_token *at = p->tok;
    operand part[2] = {*out, {NULL, 0}};
    PRC_TRY(parse_unary(p, &part[1]));
    return make(p, at, PRC_FN_MUL, 2, part, out);
}

static prc_status check_count(prc_parser *p, const prc_token *at, size_t n, int lo, int hi) {
    if (n >= (size_t)lo && (hi < 0 || n <= (size_t)hi)) return PRC_OK;
    char want[64];
    if (hi < 0)
        snprintf(want, sizeof want, "at least %d argument%s", lo, lo == 1 ? "" : "s");
    else if (lo == hi)
        snprintf(want, sizeof want, "%d argument%s", lo, lo == 1 ? "" : "s");
    else
        snprintf(want, sizeof want, "%d to %d arguments", lo, hi);
    return fail(p, at, PRC_E_SYNTAX, "'%.60s' takes %s, not %zu", at->text, want, n);
}

static prc_status check_user_call(prc_parser *p, const prc_token *at, size_t n) {
    if (!p->build) return PRC_OK;
    for (size_t i = 0; i < p->build->n_function; i++) {
        const prc_function_def *f = &p->build->function[i];
        if (strcmp(f->name, at->text) == 0) return check_count(p, at, n, (int)f->n_param, (int)f->n_param);
    }
    const char *near = prc_fn_nearest(at->text, p->build->function, p->build->n_function);
    if (near) return fail(p, at, PRC_E_KEY, "unknown function '%.60s': did you mean '%.60s'?", at->text, near);
    return fail(p, at, PRC_E_KEY, "unknown function '%.60s': a function must be defined before it is used", at->text);
}

/* log(x) is the natural logarithm, log(b, x) that to base b: Antimony reads formulas with L3P_PARSE_LOG_AS_LN. */
static prc_status make_log(prc_parser *p, const prc_token *at, size_t n, const operand *arg, operand *out) {
    PRC_TRY(check_count(p, at, n, 1, 2));
    if (n == 1) return make(p, at, PRC_FN_LN, 1, arg, out);
    if (arg[0].e->kind == PRC_EX_NUMBER && arg[0].e->number == 10.0) return make(p, at, PRC_FN_LOG10, 1, arg + 1, out);
    operand part[2];
    PRC_TRY(make(p, at, PRC_FN_LN, 1, arg + 1, &part[0]));
    PRC_TRY(make(p, at, PRC_FN_LN, 1, arg, &part[1]));
    return make(p, at, PRC_FN_DIV, 2, part, out);
}

static prc_status make_call(prc_parser *p, const prc_token *at, size_t n, const operand *arg, operand *out) {
    if (strcmp(at->text, "log") == 0) return make_log(p, at, n, arg, out);
    prc_fn fn = builtin(at->text);
    if (fn != PRC_FN_COUNT) {
        PRC_TRY(check_count(p, at, n, fn_table[fn].lo, fn_table[fn].hi));
    } else {
        if (is_foreign_function(at->text))
            return fail(p, at, PRC_E_UNSUPPORTED, "the function '%s' is not supported yet", at->text);
        PRC_TRY(check_user_call(p, at, n));
        fn = PRC_FN_USER;
    }
    return make(p, at, fn, n, arg, out);
}

/* Arguments up to and with the closing bracket. */
static prc_status parse_arguments(prc_parser *p, operand **arg, size_t *n, size_t *cap) {
    if (p->tok->kind == PRC_T_CLOSE) {
        prc_parser_next(p);
        return PRC_OK;
    }
    for (;;) {
        operand a;
        PRC_TRY(parse_binary(p, LEVEL_LOGIC, &a));
        if (!PRC_GROW(*arg, *n, *cap)) return prc_lang_no_memory(p->err);
        (*arg)[(*n)++] = a;
        if (p->tok->kind == PRC_T_CLOSE) break;
        if (p->tok->kind != PRC_T_COMMA) return prc_parser_expected(p, "',' or ')' after an argument");
        prc_parser_next(p);
    }
    prc_parser_next(p);
    return PRC_OK;
}

static prc_status parse_call(prc_parser *p, operand *out) {
    const prc_token *at = p->tok;
    operand *arg = NULL;
    size_t n = 0, cap = 0;
    prc_parser_next(p);
    prc_parser_next(p);
    prc_status st = parse_arguments(p, &arg, &n, &cap);
    if (st == PRC_OK && p->unit) st = fail(p, at, PRC_E_SYNTAX, "a unit has no functions");
    if (st == PRC_OK) st = make_call(p, at, n, arg, out);
    prc_free(arg);
    return st;
}

static prc_status parse_name(prc_parser *p, operand *out) {
    const prc_token *t = p->tok;
    if (t[1].kind == PRC_T_OPEN) return parse_call(p, out);
    prc_parser_next(p);
    double value;
    if (!p->unit && constant(t->text, &value)) return make_number(p, t, value, out);
    bool time = !p->unit && strcmp(t->text, "time") == 0;
    prc_expr *e = new_expr(p->arena, time ? PRC_EX_TIME : PRC_EX_NAME);
    if (!e) return prc_lang_no_memory(p->err);
    e->name = t->text;
    e->line = t->line;
    e->col = t->col;
    *out = (operand){e, 1};
    return PRC_OK;
}

static prc_status parse_primary(prc_parser *p, operand *out) {
    if (p->tok->kind == PRC_T_NUMBER) return parse_number(p, out);
    if (is_plain_name(p->tok)) return parse_name(p, out);
    if (p->tok->kind != PRC_T_OPEN) return prc_parser_expected(p, p->unit ? "a unit" : "an expression");
    prc_parser_next(p);
    PRC_TRY(parse_binary(p, LEVEL_LOGIC, out));
    if (p->tok->kind != PRC_T_CLOSE) return prc_parser_expected(p, "')'");
    prc_parser_next(p);
    return PRC_OK;
}

static prc_status parse_power(prc_parser *p, operand *out) {
    PRC_TRY(parse_primary(p, out));
    if (p->tok->kind != PRC_T_CARET) return PRC_OK;
    const prc_token *at = p->tok;
    prc_parser_next(p);
    operand part[2] = {*out, {NULL, 0}};
    PRC_TRY(parse_unary(p, &part[1]));
    return make(p, at, PRC_FN_POW, 2, part, out);
}

static bool is_not(const prc_token *t) {
    return t->kind == PRC_T_NOT || (t->kind == PRC_T_NAME && t->keyword == PRC_KW_NOT);
}

static prc_status parse_sign(prc_parser *p, operand *out) {
    const prc_token *at = p->tok;
    if (at->kind != PRC_T_MINUS && !is_not(at)) return parse_power(p, out);
    bool literal = at->kind == PRC_T_MINUS && at[1].kind != PRC_T_OPEN && at[1].kind != PRC_T_MINUS;
    prc_parser_next(p);
    operand part;
    PRC_TRY(parse_unary(p, &part));
    /* -3 is a number, so that negative numbers read back as they were written; -(3) is not. */
    if (literal && part.e->kind == PRC_EX_NUMBER) return make_number(p, at, -part.e->number, out);
    return make(p, at, at->kind == PRC_T_MINUS ? PRC_FN_NEG : PRC_FN_NOT, 1, &part, out);
}

/* Every level of nesting passes through here once. */
static prc_status parse_unary(prc_parser *p, operand *out) {
    if (p->depth >= PRC_LANG_NESTING_MAX)
        return fail(p, p->tok, PRC_E_SYNTAX, "this expression is nested more than %d deep", PRC_LANG_NESTING_MAX);
    p->depth++;
    prc_status st = parse_sign(p, out);
    p->depth--;
    return st;
}

/* `1/86400 second` is read as 1/(86400 second) by some and as (1/86400) second by others. */
static prc_status check_divisor(prc_parser *p, const prc_token *at) {
    if (!p->unit || at->kind != PRC_T_SLASH || at[1].kind != PRC_T_NUMBER || !is_plain_name(&at[2])) return PRC_OK;
    return fail(p, at + 1, PRC_E_SYNTAX, "this unit can be read in two ways: write brackets, as in 1/(86400 second)");
}

static prc_status parse_binary(prc_parser *p, int level, operand *out) {
    if (level >= LEVEL_ABOVE) return parse_unary(p, out);
    operand part[2];
    PRC_TRY(parse_binary(p, level + 1, &part[0]));
    prc_fn fn = PRC_FN_COUNT, last = PRC_FN_COUNT;
    while (binary_operator(p->tok, &fn) == level) {
        const prc_token *at = p->tok;
        if (level == LEVEL_COMPARE && last != PRC_FN_COUNT)
            return fail(p, at, PRC_E_SYNTAX, "comparisons cannot be chained: write a < b && b < c, or brackets");
        if (level == LEVEL_LOGIC && last != PRC_FN_COUNT && fn != last)
            return fail(p, at, PRC_E_SYNTAX,
                        "'&&' and '||' side by side: write brackets (Antimony would read them from left to right)");
        PRC_TRY(check_divisor(p, at));
        prc_parser_next(p);
        PRC_TRY(parse_binary(p, level + 1, &part[1]));
        PRC_TRY(make(p, at, fn, 2, part, &part[0]));
        last = fn;
    }
    *out = part[0];
    return PRC_OK;
}

prc_status prc_parser_expr(prc_parser *p, const prc_expr **out) {
    operand whole;
    PRC_TRY(parse_binary(p, LEVEL_LOGIC, &whole));
    *out = whole.e;
    return PRC_OK;
}

prc_status prc_expr_parse(prc_arena *arena, const char *text, const char *source, int line, int col,
                          const prc_expr **out, prc_error *err) {
    prc_lang_text src = {source ? source : "", text, strlen(text), line > 0 ? line : 1, col > 0 ? col : 1};
    prc_token *tok;
    PRC_TRY(prc_lex(arena, &src, &tok, err));
    prc_parser p = {.arena = arena, .err = err, .src = &src, .tok = tok};
    const prc_expr *e;
    prc_status st = prc_parser_expr(&p, &e);
    if (st == PRC_OK && p.tok->kind != PRC_T_EOF) st = prc_parser_expected(&p, "an operator");
    if (st == PRC_OK) *out = e;
    prc_free(tok);
    return st;
}
