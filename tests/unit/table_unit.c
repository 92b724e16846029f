#include "../tap.h"

#include "paracrine/table.h"

static prc_error err;

/* factor and exponents of time, length, mass, item, dose, worked by hand. */
static void check(const char *text, double factor, int t, int l, int m, int i, int d)
{
    prc_unit u = {0};
    const int want[PRC_DIM_COUNT] = {t, l, m, i, d};
    prc_status st = prc_unit_parse(text, &u, &err);
    TAP_THAT(st == PRC_OK && memcmp(u.dim, want, sizeof want) == 0 && fabs(u.factor - factor) <= 4e-16 * factor,
             "%s: factor %.17g", text, u.factor);
}

static void names(void)
{
    check("s", 1.0 / 86400, 1, 0, 0, 0, 0);
    check("min", 60.0 / 86400, 1, 0, 0, 0, 0);
    check("h", 3600.0 / 86400, 1, 0, 0, 0, 0);
    check("d", 1, 1, 0, 0, 0, 0);
    check("wk", 7, 1, 0, 0, 0, 0);
    check("mo", 30.4375, 1, 0, 0, 0, 0);
    check("y", 365.25, 1, 0, 0, 0, 0);
    check("cells", 1, 0, 0, 0, 1, 0);
    check("particles", 1, 0, 0, 0, 1, 0);
    check("dose", 1, 0, 0, 0, 0, 1);
    check("mm", 0.001, 0, 1, 0, 0, 0);
    check("cm", 0.01, 0, 1, 0, 0, 0);
    check("m", 1, 0, 1, 0, 0, 0);
    check("mL", 1e-6, 0, 3, 0, 0, 0);
    check("L", 1e-3, 0, 3, 0, 0, 0);
    check("ug", 1e-9, 0, 0, 1, 0, 0);
    check("mg", 1e-6, 0, 0, 1, 0, 0);
    check("g", 1e-3, 0, 0, 1, 0, 0);
    check("kg", 1, 0, 0, 1, 0, 0);
    check("%", 0.01, 0, 0, 0, 0, 0);
    check("pt", 1, 0, 0, 0, 0, 0);
    check("1", 1, 0, 0, 0, 0, 0);
    check("dimensionless", 1, 0, 0, 0, 0, 0);
}

static void products(void)
{
    check("1/d", 1, -1, 0, 0, 0, 0);
    check("cells/kg", 1, 0, 0, -1, 1, 0);
    check("mm^2", 1e-6, 0, 2, 0, 0, 0);
    check("1/(cells*d)", 1, -1, 0, 0, -1, 0);
    check("%/y", 0.01 / 365.25, -1, 0, 0, 0, 0);
    check("d^-1", 1, -1, 0, 0, 0, 0);
    check("cells/d/kg", 1, -1, 0, -1, 1, 0);
    check("cells/(d*kg)", 1, -1, 0, -1, 1, 0);
    check("(cells/kg)^2", 1, 0, 0, -2, 2, 0);
    check(" cells / mL ", 1e6, 0, -3, 0, 1, 0);
    check("cells^0", 1, 0, 0, 0, 0, 0);
    check("1/(1/d)", 1, 1, 0, 0, 0, 0);
}

static void wrong(const char *text, const char *part)
{
    prc_unit u = {.factor = 77};
    prc_status st = prc_unit_parse(text, &u, &err);
    TAP_THAT(st == PRC_E_UNIT && strstr(err.message, part) && u.factor > 76, "`%s`: %s", text, err.message);
}

static void errors(void)
{
    wrong("wek", "did you mean `wk`?");
    wrong("cell", "did you mean `cells`?");
    wrong("days", "did you mean `d`?");
    wrong("1/week", "unknown unit `week`; did you mean `wk`?");
    wrong("ml", "did you mean `mL`?");
    wrong("qqqqqq", "unknown unit `qqqqqq`");
    wrong("", "ends too early");
    wrong("1/", "ends too early");
    wrong("(cells", "closing bracket");
    wrong("cells)", "no opening");
    wrong("cells d", "`*` or `/`");
    wrong("d^1.5", "whole number");
    wrong("d^x", "whole number");
    wrong("d^10", "too large");
    wrong("/d", "is expected");
    wrong("2*d", "is expected");
    wrong("((((((((((((((((((d))))))))))))))))))", "too many brackets");
    wrong("((((mm^9)^9)^9)^9)^9", "too large");
}

static void formats(void)
{
    static const char *const text[][2] = {{"cells/d", "item/d"},      {"1", "1"},
                                          {"1/(cells*d)", "1/(item*d)"}, {"mm^2", "m^2"},
                                          {"1/y", "1/d"},             {"cells/kg/d", "item/(kg*d)"},
                                          {"dose", "dose"},           {"mL", "m^3"}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        prc_unit u;
        char buf[64] = "", small[3];
        TAP_INT(prc_unit_parse(text[i][0], &u, &err), PRC_OK);
        prc_unit_format(&u, buf, sizeof buf);
        TAP_STR(buf, text[i][1]);
        prc_unit_format(&u, small, sizeof small);
    }
}

static double quantity(const char *text, const char *want)
{
    double x = -777;
    prc_status st = prc_quantity_parse(text, want, &x, &err);
    return st == PRC_OK ? x : (double)NAN;
}

static void quantities(void)
{
    TAP_NEAR(quantity("50e6 cells", "cells"), 50e6, 0);
    TAP_NEAR(quantity("26 wk", "d"), 182, 0);
    TAP_NEAR(quantity("24 h", "d"), 1, 0);
    TAP_NEAR(quantity("12 mo", "y"), 1, 0);
    TAP_NEAR(quantity("1 y", "d"), 365.25, 0);
    TAP_NEAR(quantity("50 mg", "g"), 0.05, 0);
    TAP_NEAR(quantity("5 %", "1"), 0.05, 0);
    TAP_NEAR(quantity("5%", "%"), 5, 0);
    TAP_NEAR(quantity("0.05 1", "%"), 5, 1e-15);
    TAP_NEAR(quantity("0.5", "1"), 0.5, 0);
    TAP_NEAR(quantity("26wk", "wk"), 26, 0);
    TAP_NEAR(quantity(" -3.5e-2  1/d ", "1/y"), -3.5e-2 * 365.25, 1e-15);
    TAP_NEAR(quantity("2 mL", "L"), 0.002, 0);
    TAP_NEAR(quantity("2e6 cells/kg", "cells/kg"), 2e6, 0);
    TAP_NEAR(quantity("0.1 d", "d"), 0.1, 0);
}

static void quantity_fails(const char *text, const char *want, prc_status status, const char *part)
{
    double x = 7;
    prc_status st = prc_quantity_parse(text, want, &x, &err);
    TAP_THAT(st == status && strstr(err.message, part) && x == 7, "`%s`: %s", text, err.message);
}

static void quantity_errors(void)
{
    quantity_fails("50e6", "cells", PRC_E_UNIT, "has no unit; write for example `50e6 cells`");
    quantity_fails("50e6 cells", "d", PRC_E_UNIT, "`50e6 cells` is in item, but d is needed here");
    quantity_fails("5 d", "1", PRC_E_UNIT, "is in d, but 1 is needed");
    quantity_fails("5 wek", "d", PRC_E_UNIT, "did you mean `wk`?");
    quantity_fails("inf d", "d", PRC_E_VALUE, "finite");
    quantity_fails("nan", "1", PRC_E_VALUE, "finite");
    quantity_fails("", "1", PRC_E_VALUE, "missing");
    quantity_fails("many cells", "cells", PRC_E_VALUE, "not a number");
    quantity_fails("50,000 cells", "cells", PRC_E_VALUE, "without commas");
    quantity_fails("1e400 d", "d", PRC_E_VALUE, "not a number");
    quantity_fails("1e308 y", "s", PRC_E_VALUE, "too large");
}

static void split(void)
{
    double x;
    const char *unit;
    TAP_INT(prc_quantity_split("50e6 cells/kg", &x, &unit, &err), PRC_OK);
    TAP_NEAR(x, 50e6, 0);
    TAP_STR(unit, "cells/kg");
    TAP_INT(prc_quantity_split("12 ", &x, &unit, &err), PRC_OK);
    TAP_STR(unit, "");
    TAP_INT(prc_quantity_split("12e", &x, &unit, &err), PRC_OK);
    TAP_STR(unit, "e");
}

int main(void)
{
    TAP_RUN(names);
    TAP_RUN(products);
    TAP_RUN(errors);
    TAP_RUN(formats);
    TAP_RUN(quantities);
    TAP_RUN(quantity_errors);
    TAP_RUN(split);
    return tap_done();
}
