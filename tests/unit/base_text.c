#include "../tap.h"

#include <locale.h>
#include <stdlib.h>

#include "paracrine/base.h"

static void buffer(void)
{
    prc_text t = {0};
    prc_text_add(&t, "abc");
    prc_text_addn(&t, "defgh", 2);
    prc_text_printf(&t, " %d %s", 42, "a long enough piece of text to make the buffer grow more than once");
    TAP_STR(t.s, "abcde 42 a long enough piece of text to make the buffer grow more than once");
    TAP_INT(t.n, strlen(t.s));
    prc_text_reset(&t);
    TAP_OK(t.s == NULL && t.n == 0);
    prc_memory_fail_at(1);
    prc_text_add(&t, "abc");
    prc_memory_fail_at(0);
    prc_text_add(&t, "def");
    TAP_OK(t.failed && t.s == NULL);
    prc_text_reset(&t);
}

static bool reads(const char *s, double want)
{
    double x = -1;
    return prc_parse_double(s, &x) && ((isnan(x) && isnan(want)) || (x == want && signbit(x) == signbit(want)));
}

static void parse_double(void)
{
    TAP_OK(reads("0", 0));
    TAP_OK(reads("-0", -0.0));
    TAP_OK(reads("+1.5", 1.5));
    TAP_OK(reads(".5", 0.5));
    TAP_OK(reads("5.", 5));
    TAP_OK(reads("50e6", 5e7));
    TAP_OK(reads("1E-3", 0x1.0624dd2f1a9fcp-10));
    TAP_OK(reads("4.9e-324", 0x1p-1074));
    TAP_OK(reads("1e-400", 0));
    /* Half way between two doubles, and just above: the last digit decides. */
    TAP_OK(reads("9007199254740993", 0x1p53));
    TAP_OK(reads("9007199254740993.00000000000000000000000000000001", 9007199254740994.0));
    TAP_OK(reads("INF", (double)INFINITY));
    TAP_OK(reads("-inf", -(double)INFINITY));
    TAP_OK(reads("NaN", (double)NAN));
    static const char *const wrong[] = {"",    " 1",  "1 ",  "1,5", "0x10", "1e",    "e5",  ".",  "+",
                                        "1e+", "1.2.3", "--1", "1_000", "nan(1)", "1e400", "infx", "1d3", "."};
    double x = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        TAP_THAT(!prc_parse_double(wrong[i], &x), "`%s` is no number", wrong[i]);
    TAP_NEAR(x, 7, 0);
}

static void parse_int(void)
{
    int64_t i = 7;
    TAP_OK(prc_parse_int64("-9223372036854775808", &i) && i == INT64_MIN);
    TAP_OK(prc_parse_int64("+12", &i) && i == 12);
    TAP_OK(!prc_parse_int64("9223372036854775808", &i));
    TAP_OK(!prc_parse_int64("", &i) && !prc_parse_int64("1.0", &i) && !prc_parse_int64(" 1", &i));
    TAP_OK(!prc_parse_int64("-", &i) && !prc_parse_int64("1x", &i) && i == 12);
}

static void format_double(void)
{
    char buf[32];
    TAP_STR(prc_format_double(0.1, buf), "0.1");
    TAP_STR(prc_format_double(1, buf), "1");
    TAP_STR(prc_format_double(-0.0, buf), "-0");
    TAP_STR(prc_format_double(0.1 + 0.2, buf), "0.30000000000000004");
    TAP_STR(prc_format_double(5e7, buf), "50000000");
    TAP_STR(prc_format_double(1e300, buf), "1e+300");
    TAP_STR(prc_format_double(0x1p-1074, buf), "5e-324");
    TAP_STR(prc_format_double((double)NAN, buf), "NaN");
    TAP_STR(prc_format_double(-(double)INFINITY, buf), "-INF");
    uint64_t state = 1;
    int wrong = 0;
    for (int i = 0; i < 100000; i++) {
        double x, y;
        state = state * 6364136223846793005u + 1442695040888963407u;
        memcpy(&x, &state, sizeof x);
        if (!isfinite(x)) continue;
        wrong += !prc_parse_double(prc_format_double(x, buf), &y) || x != y || strlen(buf) > 31;
    }
    TAP_INT(wrong, 0);
}

/* A locale with a decimal comma must not matter. */
static void locale(void)
{
    static const char *const comma[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"};
    char buf[32], check[32];
    bool found = false;
    for (size_t i = 0; i < 4 && !found; i++) found = setlocale(LC_ALL, comma[i]) != NULL;
    if (found) {
        snprintf(check, sizeof check, "%.1f", 0.5);
        TAP_STR(check, "0,5");
        TAP_OK(reads("1.5", 1.5));
        TAP_STR(prc_format_double(1.5, buf), "1.5");
    } else {
        TAP_SKIP("no locale with a decimal comma is installed");
    }
    setlocale(LC_ALL, "C");
}

static void nearest(void)
{
    static const char *const key[] = {"route", "dose", "visits", "seed", "donor_age"};
    TAP_STR(prc_nearest("routte", key, 5), "route");
    TAP_STR(prc_nearest("rotue", key, 5), "route");
    TAP_STR(prc_nearest("visit", key, 5), "visits");
    TAP_STR(prc_nearest("donor-age", key, 5), "donor_age");
    TAP_STR(prc_nearest("SEED", key, 5), "seed");
    TAP_OK(prc_nearest("hyaluronic", key, 5) == NULL);
    TAP_OK(prc_nearest("x", key, 5) == NULL);
    TAP_OK(prc_nearest("", key, 5) == NULL);
    TAP_OK(prc_nearest("route", key, 0) == NULL);
}

int main(void)
{
    TAP_RUN(buffer);
    TAP_RUN(parse_double);
    TAP_RUN(parse_int);
    TAP_RUN(format_double);
    TAP_RUN(locale);
    TAP_RUN(nearest);
    return tap_done();
}
