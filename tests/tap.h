/* tap.h: the Test Anything Protocol in one header. A test file is one or more functions listed in main:
 *
 *     #include "../tap.h"
 *     static void adds(void) { TAP_INT(1 + 1, 2); }
 *     int main(void) { TAP_RUN(adds); return tap_done(); }
 *
 * Every check prints one "ok" or "not ok" line; a failed one says where and what was there. */
#ifndef PARACRINE_TAP_H
#define PARACRINE_TAP_H

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_n_, tap_failed_;
static const char *tap_group_ = "";

/* Prints one test line; returns ok, so that a test can stop when going on makes no sense. */
__attribute__((format(printf, 4, 5), unused)) static bool tap_check(bool ok, const char *file, int line,
                                                                    const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%s %d - %s: ", ok ? "ok" : "not ok", ++tap_n_, tap_group_);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    if (!ok) {
        tap_failed_++;
        printf("# %s:%d\n", file, line);
    }
    fflush(stdout);
    return ok;
}

/* Prints text as diagnostic lines, so that newlines in it cannot break the protocol. */
__attribute__((unused)) static void tap_note(const char *label, const char *s)
{
    printf("# %s: ", label);
    for (s = s ? s : "(null)"; *s; s++) {
        putchar(*s);
        if (*s == '\n') printf("#   ");
    }
    putchar('\n');
}

__attribute__((unused)) static bool tap_near(double got, double want, double tol, const char *expr, const char *file,
                                             int line)
{
    bool same = (isnan(got) && isnan(want)) || fabs(got - want) <= tol ||
                (isinf(want) && (got > 0) == (want > 0) && isinf(got));
    bool ok = tap_check(same, file, line, "%s", expr);
    if (!ok) printf("# got %.17g, want %.17g within %.3g (off by %.3g)\n", got, want, tol, got - want);
    return ok;
}

__attribute__((unused)) static bool tap_int(int64_t got, int64_t want, const char *expr, const char *file, int line)
{
    bool ok = tap_check(got == want, file, line, "%s", expr);
    if (!ok) printf("# got %" PRId64 ", want %" PRId64 "\n", got, want);
    return ok;
}

__attribute__((unused)) static bool tap_str(const char *got, const char *want, bool part, const char *expr,
                                            const char *file, int line)
{
    bool same = got && want && (part ? strstr(got, want) != NULL : strcmp(got, want) == 0);
    bool ok = tap_check(same, file, line, "%s", expr);
    if (!ok) {
        tap_note("got", got);
        tap_note(part ? "should contain" : "want", want);
    }
    return ok;
}

/* Prints the plan; returns the exit status of the test program. */
__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_n_);
    if (tap_failed_) printf("# %d of %d failed\n", tap_failed_, tap_n_);
    return tap_failed_ ? 1 : 0;
}

/* Tests not possible here: a line with the reason that counts as passed. */
#define TAP_SKIP(reason) printf("ok %d - %s # SKIP %s\n", ++tap_n_, tap_group_, reason)
#define TAP_OK(cond) tap_check((cond), __FILE__, __LINE__, "%s", #cond)
/* As TAP_OK with a printf description in place of the expression. */
#define TAP_THAT(cond, ...) tap_check((cond), __FILE__, __LINE__, __VA_ARGS__)
#define TAP_INT(got, want) tap_int((int64_t)(got), (int64_t)(want), #got " == " #want, __FILE__, __LINE__)
#define TAP_STR(got, want) tap_str((got), (want), false, #got " is " #want, __FILE__, __LINE__)
#define TAP_HAS(got, part) tap_str((got), (part), true, #got " has " #part, __FILE__, __LINE__)
/* |got - want| <= tol, or both NaN, or the same infinity. */
#define TAP_NEAR(got, want, tol) tap_near((got), (want), (tol), #got " is " #want, __FILE__, __LINE__)
#define TAP_REL(got, want, rel) tap_near((got), (want), (rel) * fabs(want), #got " is " #want, __FILE__, __LINE__)
#define TAP_RUN(fn)       \
    do {                  \
        tap_group_ = #fn; \
        fn();             \
    } while (0)

#endif
