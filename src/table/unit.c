#include "table_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit_name {
    const char *name;
    double factor;
    int dim[PRC_DIM_COUNT]; /* time, length, mass, item, dose */
} unit_name;

static const unit_name known_unit[] = {
    {"s", 1.0 / 86400.0, {1, 0, 0, 0, 0}}, {"min", 1.0 / 1440.0, {1, 0, 0, 0, 0}}, {"h", 1.0 / 24.0, {1, 0, 0, 0, 0}},
    {"d", 1.0, {1, 0, 0, 0, 0}},           {"wk", 7.0, {1, 0, 0, 0, 0}},           {"mo", 30.4375, {1, 0, 0, 0, 0}},
    {"y", 365.25, {1, 0, 0, 0, 0}},        {"cells", 1.0, {0, 0, 0, 1, 0}},        {"particles", 1.0, {0, 0, 0, 1, 0}},
    {"dose", 1.0, {0, 0, 0, 0, 1}},        {"mm", 1e-3, {0, 1, 0, 0, 0}},          {"cm", 1e-2, {0, 1, 0, 0, 0}},
    {"m", 1.0, {0, 1, 0, 0, 0}},           {"mL", 1e-6, {0, 3, 0, 0, 0}},          {"L", 1e-3, {0, 3, 0, 0, 0}},
    {"ug", 1e-9, {0, 0, 1, 0, 0}},         {"mg", 1e-6, {0, 0, 1, 0, 0}},          {"g", 1e-3, {0, 0, 1, 0, 0}},
    {"kg", 1.0, {0, 0, 1, 0, 0}},          {"%", 0.01, {0, 0, 0, 0, 0}},           {"pt", 1.0, {0, 0, 0, 0, 0}},
    {"dimensionless", 1.0, {0, 0, 0, 0, 0}},
};
enum { N_UNIT = sizeof known_unit / sizeof *known_unit, POWER_MAX = 9, PAREN_MAX = 16 };

/* What people write instead. */
static const struct {
    const char *wrong, *right;
} slip[] = {
    {"sec", "s"},    {"second", "s"},  {"seconds", "s"},          {"minute", "min"}, {"minutes", "min"}, {"hr", "h"},
    {"hour", "h"},   {"hours", "h"},   {"day", "d"},              {"days", "d"},     {"w", "wk"},        {"week", "wk"},
    {"weeks", "wk"}, {"month", "mo"},  {"months", "mo"},          {"yr", "y"},       {"year", "y"},      {"years", "y"},
    {"cell", "cells"}, {"particle", "particles"}, {"doses", "dose"}, {"ml", "mL"},   {"l", "L"},         {"mcg", "ug"},
    {"percent", "%"}, {"points", "pt"}, {"point", "pt"}, {"pts", "pt"}, {"litre", "L"}, {"liter", "L"}, {"D", "d"}, {"KG", "kg"},
};

typedef struct unit_parser {
    const char *whole, *s;
    int depth;
    prc_error *err;
} unit_parser;

static void skip_space(unit_parser *p)
{
    while (*p->s == ' ') p->s++;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static prc_status malformed(const unit_parser *p, const char *why)
{
    return prc_fail(p->err, PRC_E_UNIT, "`%s` is not a unit: %s", p->whole, why);
}

/* Multiplies u by other^power. */
static prc_status multiply(const unit_parser *p, prc_unit *u, const prc_unit *other, int power)
{
    for (int i = 0; i < abs(power); i++) u->factor = power > 0 ? u->factor * other->factor : u->factor / other->factor;
    for (int i = 0; i < PRC_DIM_COUNT; i++) {
        u->dim[i] += power * other->dim[i];
        if (abs(u->dim[i]) > 99) return malformed(p, "a power is too large");
    }
    if (!(u->factor > 0.0) || isinf(u->factor)) return malformed(p, "a power is too large");
    return PRC_OK;
}

static prc_status unknown_name(const unit_parser *p, const char *name)
{
    const char *names[N_UNIT], *near = NULL;
    for (size_t i = 0; i < N_UNIT; i++) names[i] = known_unit[i].name;
    for (size_t i = 0; i < sizeof slip / sizeof *slip && !near; i++)
        if (strcmp(slip[i].wrong, name) == 0) near = slip[i].right;
    if (!near) near = prc_nearest(name, names, N_UNIT);
    if (near) return prc_fail(p->err, PRC_E_UNIT, "unknown unit `%s`; did you mean `%s`?", name, near);
    return prc_fail(p->err, PRC_E_UNIT, "unknown unit `%s`", name);
}

static prc_status parse_name(unit_parser *p, prc_unit *out)
{
    char name[64];
    size_t n = 0;
    for (const char *s = p->s; is_letter(*s) && n < sizeof name - 1; s++) name[n++] = *s;
    if (n == 0 && *p->s == '%') name[n++] = '%';
    name[n] = '\0';
    if (n == 0) return malformed(p, *p->s ? "a name of a unit or 1 is expected" : "it ends too early");
    for (size_t i = 0; i < N_UNIT; i++) {
        if (strcmp(known_unit[i].name, name) != 0) continue;
        *out = (prc_unit){.factor = known_unit[i].factor};
        memcpy(out->dim, known_unit[i].dim, sizeof out->dim);
        p->s += n;
        return PRC_OK;
    }
    return unknown_name(p, name);
}

static prc_status parse_product(unit_parser *p, prc_unit *out);

/* "1", a name or a product in brackets. */
static prc_status parse_atom(unit_parser *p, prc_unit *out)
{
    if (*p->s == '(') {
        if (++p->depth > PAREN_MAX) return malformed(p, "too many brackets");
        p->s++;
        PRC_TRY(parse_product(p, out));
        if (*p->s != ')') return malformed(p, "a closing bracket is missing");
        p->s++;
        p->depth--;
        return PRC_OK;
    }
    if (*p->s == '1' && !is_digit(p->s[1]) && p->s[1] != '.') {
        p->s++;
        *out = (prc_unit){.factor = 1.0};
        return PRC_OK;
    }
    return parse_name(p, out);
}

static prc_status parse_power(unit_parser *p, int *power)
{
    *power = 1;
    skip_space(p);
    if (*p->s != '^') return PRC_OK;
    p->s++;
    skip_space(p);
    int sign = *p->s == '-' ? -1 : 1;
    if (*p->s == '-' || *p->s == '+') p->s++;
    if (!is_digit(*p->s)) return malformed(p, "a power must be a whole number");
    if (is_digit(p->s[1])) return malformed(p, "a power is too large");
    *power = sign * (*p->s++ - '0');
    if (*p->s == '.') return malformed(p, "a power must be a whole number");
    skip_space(p);
    return PRC_OK;
}

/* atom[^power] {(* or /) atom[^power]}. */
static prc_status parse_product(unit_parser *p, prc_unit *out)
{
    prc_unit u = {.factor = 1.0}, atom;
    int sign = 1, power;
    for (;;) {
        skip_space(p);
        PRC_TRY(parse_atom(p, &atom));
        PRC_TRY(parse_power(p, &power));
        PRC_TRY(multiply(p, &u, &atom, sign * power));
        if (*p->s != '*' && *p->s != '/') break;
        sign = *p->s++ == '*' ? 1 : -1;
    }
    *out = u;
    return PRC_OK;
}

prc_status prc_unit_parse(const char *text, prc_unit *out, prc_error *err)
{
    unit_parser p = {.whole = text, .s = text, .err = err};
    prc_unit u;
    PRC_TRY(parse_product(&p, &u));
    if (*p.s == ')') return malformed(&p, "a closing bracket has no opening one");
    if (*p.s != '\0') return malformed(&p, "between two units stands `*` or `/`");
    *out = u;
    return PRC_OK;
}

bool prc_unit_same_dim(const prc_unit *a, const prc_unit *b) { return memcmp(a->dim, b->dim, sizeof a->dim) == 0; }

static void append(char *buf, size_t n, const char *s)
{
    size_t used = strlen(buf);
    if (used < n) snprintf(buf + used, n - used, "%s", s);
}

/* Writes the factors whose exponent has this sign, joined by '*'. */
static void format_side(const prc_unit *u, int sign, char *buf, size_t n)
{
    static const char *const name[PRC_DIM_COUNT] = {"d", "m", "kg", "item", "dose"};
    /* Items come first, time last: "item/d", "item*m". */
    static const int order[PRC_DIM_COUNT] = {PRC_DIM_ITEM, PRC_DIM_DOSE, PRC_DIM_MASS, PRC_DIM_LENGTH, PRC_DIM_TIME};
    buf[0] = '\0';
    for (int k = 0; k < PRC_DIM_COUNT; k++) {
        char part[32];
        int power = sign * u->dim[order[k]];
        if (power <= 0) continue;
        if (buf[0]) append(buf, n, "*");
        snprintf(part, sizeof part, power > 1 ? "%s^%d" : "%s", name[order[k]], power);
        append(buf, n, part);
    }
}

void prc_unit_format(const prc_unit *u, char *buf, size_t n)
{
    char top[96], bottom[96];
    format_side(u, 1, top, sizeof top);
    format_side(u, -1, bottom, sizeof bottom);
    const char *above = top[0] ? top : "1";
    if (!bottom[0]) snprintf(buf, n, "%s", above);
    else snprintf(buf, n, strchr(bottom, '*') ? "%s/(%s)" : "%s/%s", above, bottom);
}

/* Length of the number at the start of s, 0 if there is none. */
static size_t number_length(const char *s)
{
    size_t n = 0, digits = 0;
    if (s[n] == '+' || s[n] == '-') n++;
    for (; is_digit(s[n]); n++) digits++;
    if (s[n] == '.')
        for (n++; is_digit(s[n]); n++) digits++;
    if (digits == 0) return 0;
    if (s[n] == 'e' || s[n] == 'E') {
        size_t e = n + 1;
        if (s[e] == '+' || s[e] == '-') e++;
        if (is_digit(s[e])) {
            while (is_digit(s[e])) e++;
            n = e;
        }
    }
    return n;
}

prc_status prc_quantity_split(const char *text, double *number, const char **unit, prc_error *err)
{
    char digits[128];
    const char *s = text + strspn(text, " ");
    size_t n = number_length(s);
    if (n == 0) n = strcspn(s, " "); /* perhaps NaN or INF */
    if (n == 0) return prc_fail(err, PRC_E_VALUE, "a number is missing");
    if (n >= sizeof digits) return prc_fail(err, PRC_E_VALUE, "the number has too many digits");
    memcpy(digits, s, n);
    digits[n] = '\0';
    if (s[n] == ',')
        return prc_fail(err, PRC_E_VALUE, "`%s` is not a number: write it without commas, with a point for decimals", text);
    double x;
    if (!prc_parse_double(digits, &x)) return prc_fail(err, PRC_E_VALUE, "`%s` is not a number", text);
    *number = x;
    *unit = s + n + strspn(s + n, " ");
    return PRC_OK;
}

/* large / small, a whole number if it is one but for rounding: then "50 mg" is exactly what "0.05 g" is. */
static double ratio(double large, double small)
{
    double r = large / small, whole = floor(r + 0.5);
    return fabs(r - whole) <= 1e-15 * r ? whole : r;
}

prc_status prc_quantity_parse(const char *text, const char *want, double *out, prc_error *err)
{
    double x;
    const char *unit;
    prc_unit from, to;
    PRC_TRY(prc_quantity_split(text, &x, &unit, err));
    if (!isfinite(x)) return prc_fail(err, PRC_E_VALUE, "`%s`: the number must be finite", text);
    if (unit[0] == '\0' && strcmp(want, "1") != 0)
        return prc_fail(err, PRC_E_UNIT, "`%s` has no unit; write for example `%.*s %s`", text, (int)strcspn(text, " "), text,
                        want);
    PRC_TRY(prc_unit_parse(unit[0] ? unit : "1", &from, err));
    PRC_TRY(prc_unit_parse(want, &to, err));
    if (!prc_unit_same_dim(&from, &to)) {
        char have[128], need[128];
        prc_unit_format(&from, have, sizeof have);
        prc_unit_format(&to, need, sizeof need);
        bool pure = strcmp(have, "1") == 0, same = strcmp(need, want) == 0;
        return prc_fail(err, PRC_E_UNIT, "`%s` is %s%s, but %s is needed here%s%s%s", text, pure ? "a pure number" : "in ", pure ? "" : have, need, same ? "" : " (like `",
                        same ? "" : want, same ? "" : "`)");
    }
    x = from.factor >= to.factor ? x * ratio(from.factor, to.factor) : x / ratio(to.factor, from.factor);
    if (!isfinite(x)) return prc_fail(err, PRC_E_VALUE, "`%s`: the number is too large", text);
    *out = x;
    return PRC_OK;
}
