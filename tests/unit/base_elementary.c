/* Accuracy against MPFR, special values of C99 Annex F, and equal bits at every processor level. */
#include "../tap.h"

#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

#include "../../src/kernel/elementary.h"
#include "paracrine/base.h"

enum { N_POINT = 100000, N_BLOCK = 512 };

static uint64_t state = 88172645463325252u;

static uint64_t next_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 2685821657736338717u;
}

static double between(double a, double b) { return a + (b - a) * ((double)(next_bits() >> 11) * 0x1p-53); }

static double any_double(void) { return prc_k_real(next_bits()); }

static mpfr_t exact, arg, arg2;

/* |got - exact| in units of the last place of the nearest double, 0 if got is that one. */
static double ulps(double got)
{
    double want = mpfr_get_d(exact, MPFR_RNDN);
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0.0 : (double)INFINITY;
    if (got == want) return 0.0;
    if (isinf(want) || isinf(got)) return (double)INFINITY;
    int e;
    frexp(want, &e);
    double unit = e - 53 < -1074 ? 0x1p-1074 : ldexp(1.0, e - 53);
    mpfr_sub_d(arg2, exact, got, MPFR_RNDN);
    mpfr_div_d(arg2, arg2, unit, MPFR_RNDN);
    return fabs(mpfr_get_d(arg2, MPFR_RNDN));
}

typedef double (*real_fn)(double);
typedef int (*exact_fn)(mpfr_t, const mpfr_t, mpfr_rnd_t);

/* Largest error over points from a to b; a == b stands for all doubles. */
static void check_error(const char *what, real_fn f, exact_fn g, double a, double b, double limit)
{
    double worst = 0.0, at = 0.0;
    for (int i = 0; i < N_POINT; i++) {
        double x = a == b ? any_double() : between(a, b);
        mpfr_set_d(arg, x, MPFR_RNDN);
        g(exact, arg, MPFR_RNDN);
        double e = ulps(f(x));
        if (!(e <= worst)) {
            worst = e;
            at = x;
        }
    }
    TAP_THAT(worst < limit, "%s: %.3f ulp at %a", what, worst, at);
}

static double k_sin(double x) { return prc_k_sin(x); }
static double k_cos(double x) { return prc_k_cos(x); }
static double k_tan(double x) { return prc_k_tan(x); }
static double k_tanh(double x) { return prc_k_tanh(x); }

static void accuracy(void)
{
    check_error("exp, all results", prc_exp, mpfr_exp, -746, 710, 1.5);
    check_error("exp, near 0", prc_exp, mpfr_exp, -1, 1, 1.5);
    check_error("exp, denormal results", prc_exp, mpfr_exp, -746, -708, 1.5);
    check_error("exp, all doubles", prc_exp, mpfr_exp, 0, 0, 1.5);
    check_error("log, all doubles", prc_log, mpfr_log, 0, 0, 1.5);
    check_error("log, around 1", prc_log, mpfr_log, 0.5, 2, 1.5);
    check_error("log, close to 1", prc_log, mpfr_log, 1 - 1e-6, 1 + 1e-6, 1.5);
    check_error("log, denormal", prc_log, mpfr_log, 0, 0x1p-1022, 1.5);
    check_error("sin", k_sin, mpfr_sin, -1e5, 1e5, 2);
    check_error("sin, small", k_sin, mpfr_sin, -10, 10, 2);
    check_error("cos", k_cos, mpfr_cos, -1e5, 1e5, 2);
    check_error("tan", k_tan, mpfr_tan, -1e5, 1e5, 2);
    check_error("sin, up to 1e12", k_sin, mpfr_sin, -1e12, 1e12, 2);
    check_error("tanh", k_tanh, mpfr_tanh, -20, 20, 2);
    check_error("tanh, small", k_tanh, mpfr_tanh, -1, 1, 2);
    check_error("tanh, all doubles", k_tanh, mpfr_tanh, 0, 0, 2);
}

/* The error of the reduction is largest where x is a double close to a multiple of pi/2. */
static void near_multiples(void)
{
    double worst = 0.0;
    for (int i = 1; i < 20000; i++) {
        double x = i * 0x1.921fb54442d18p+0;
        mpfr_set_d(arg, x, MPFR_RNDN);
        mpfr_sin(exact, arg, MPFR_RNDN);
        worst = fmax(worst, ulps(prc_k_sin(x)));
        mpfr_cos(exact, arg, MPFR_RNDN);
        worst = fmax(worst, ulps(prc_k_cos(x)));
    }
    TAP_THAT(worst < 2, "sin, cos next to multiples of pi/2: %.3f ulp", worst);
}

static void check_pow(const char *what, int kind)
{
    double worst = 0.0, ax = 0.0, ay = 0.0;
    mpfr_t power;
    mpfr_init2(power, 53);
    for (int i = 0; i < N_POINT; i++) {
        double x = kind == 0 ? exp(between(-700, 700)) : kind == 1 ? between(0.5, 2) : kind == 2 ? between(0.9999, 1.0001)
                 : kind == 3 ? any_double() : kind == 4 ? between(0, 0x1p-1022) : -round(between(0, 50));
        double y = kind < 3 ? between(-750, 750) / fabs(log(x)) : kind == 3 ? any_double()
                 : kind == 4 ? between(-2, 2) : round(between(-200, 200));
        mpfr_set_d(arg, x, MPFR_RNDN);
        mpfr_set_d(power, y, MPFR_RNDN);
        mpfr_pow(exact, arg, power, MPFR_RNDN);
        double e = ulps(prc_pow(x, y));
        if (!(e <= worst)) {
            worst = e;
            ax = x;
            ay = y;
        }
    }
    mpfr_clear(power);
    TAP_THAT(worst < 1.5, "pow, %s: %.3f ulp at %a, %a", what, worst, ax, ay);
}

static void pow_accuracy(void)
{
    check_pow("all results", 0);
    check_pow("base around 1", 1);
    check_pow("base close to 1", 2);
    check_pow("all doubles", 3);
    check_pow("denormal base", 4);
    check_pow("negative base, whole exponent", 5);
}

/* NaN, or the same value with the same sign. */
static bool same(double got, double want)
{
    if (isnan(want)) return isnan(got);
    return got == want && signbit(got) == signbit(want);
}

#define SAME(expr, want) TAP_THAT(same((expr), (want)), "%s is %g, got %g", #expr, (double)(want), (double)(expr))

/* The list of C99 F.9.4.4, in its order. */
static void pow_special(void)
{
    const double inf = (double)INFINITY, nan = (double)NAN;
    SAME(prc_pow(0.0, -3), inf);
    SAME(prc_pow(-0.0, -3), -inf);
    SAME(prc_pow(-0.0, -2), inf);
    SAME(prc_pow(-0.0, -2.5), inf);
    SAME(prc_pow(0.0, -inf), inf);
    SAME(prc_pow(0.0, 3), 0.0);
    SAME(prc_pow(-0.0, 3), -0.0);
    SAME(prc_pow(-0.0, 2), 0.0);
    SAME(prc_pow(-0.0, 0.5), 0.0);
    SAME(prc_pow(-1, inf), 1.0);
    SAME(prc_pow(-1, -inf), 1.0);
    SAME(prc_pow(1, nan), 1.0);
    SAME(prc_pow(1, inf), 1.0);
    SAME(prc_pow(nan, 0), 1.0);
    SAME(prc_pow(inf, -0.0), 1.0);
    SAME(prc_pow(-2, 0.5), nan);
    SAME(prc_pow(-1e-300, 1e-300), nan);
    SAME(prc_pow(0.5, -inf), inf);
    SAME(prc_pow(-2, -inf), 0.0);
    SAME(prc_pow(0.5, inf), 0.0);
    SAME(prc_pow(2, inf), inf);
    SAME(prc_pow(-inf, -3), -0.0);
    SAME(prc_pow(-inf, -2), 0.0);
    SAME(prc_pow(-inf, 3), -inf);
    SAME(prc_pow(-inf, 2), inf);
    SAME(prc_pow(-inf, 2.5), inf);
    SAME(prc_pow(inf, -1), 0.0);
    SAME(prc_pow(inf, 1e-300), inf);
    SAME(prc_pow(nan, 1), nan);
    SAME(prc_pow(2, nan), nan);
    SAME(prc_pow(inf, nan), nan);
    SAME(prc_pow(0, nan), nan);
    SAME(prc_pow(-2, 3), -8.0);
    SAME(prc_pow(-2, 0x1.fffffffffffffp52), -inf);
    SAME(prc_pow(-2, 0x1p53), inf);
    SAME(prc_pow(-1, 0x1.fffffffffffffp52), -1.0);
    SAME(prc_pow(2, 1023), 0x1p1023);
    SAME(prc_pow(2, 1024), inf);
    SAME(prc_pow(2, -1074), 0x1p-1074);
    SAME(prc_pow(2, -1076), 0.0);
    SAME(prc_pow(2, -1e308), 0.0);
    SAME(prc_pow(0x1p-1074, 2), 0.0);
    SAME(prc_pow(10, 2), 100.0);
    SAME(prc_pow(9, 0.5), 3.0);
}

static void special(void)
{
    const double inf = (double)INFINITY, nan = (double)NAN;
    SAME(prc_exp(0), 1.0);
    SAME(prc_exp(inf), inf);
    SAME(prc_exp(-inf), 0.0);
    SAME(prc_exp(nan), nan);
    TAP_OK(isfinite(prc_exp(709.782712893384)));
    SAME(prc_exp(709.7827128933841), inf);
    SAME(prc_exp(-745.1332191019411), 0x1p-1074);
    SAME(prc_exp(-745.1332191019413), 0.0);
    SAME(prc_exp(-1e308), 0.0);
    SAME(prc_log(1), 0.0);
    SAME(prc_log(0.0), -inf);
    SAME(prc_log(-0.0), -inf);
    SAME(prc_log(-1), nan);
    SAME(prc_log(-inf), nan);
    SAME(prc_log(inf), inf);
    SAME(prc_log(nan), nan);
    SAME(prc_k_sin(-0.0), -0.0);
    SAME(prc_k_sin(inf), nan);
    SAME(prc_k_sin(1e13), nan);
    SAME(prc_k_cos(0.0), 1.0);
    SAME(prc_k_tan(-0.0), -0.0);
    SAME(prc_k_tanh(-0.0), -0.0);
    SAME(prc_k_tanh(-inf), -1.0);
    SAME(prc_k_tanh(nan), nan);
    SAME(prc_norm_inv(0), -inf);
    SAME(prc_norm_inv(1), inf);
    SAME(prc_norm_inv(-0.1), nan);
    SAME(prc_norm_inv(1.1), nan);
    SAME(prc_norm_inv(nan), nan);
    SAME(prc_norm_inv(0.5), 0.0);
    SAME(prc_norm_cdf(-inf), 0.0);
    SAME(prc_norm_cdf(inf), 1.0);
    SAME(prc_norm_cdf(nan), nan);
    SAME(prc_norm_cdf(0), 0.5);
}

/* exact = erfc(-x / sqrt(2)) / 2. */
static void exact_cdf(double x)
{
    mpfr_sqrt_ui(arg2, 2, MPFR_RNDN);
    mpfr_set_d(arg, -x, MPFR_RNDN);
    mpfr_div(arg2, arg, arg2, MPFR_RNDN);
    mpfr_erfc(exact, arg2, MPFR_RNDN);
    mpfr_div_ui(exact, exact, 2, MPFR_RNDN);
}

static void norm_cdf(void)
{
    double worst = 0.0, at = 0.0;
    for (int i = 0; i < N_POINT / 10; i++) {
        double x = i % 2 ? between(-37.5, 8) : between(-6, 3);
        exact_cdf(x);
        mpfr_sub_d(arg2, exact, prc_norm_cdf(x), MPFR_RNDN);
        mpfr_div(arg2, arg2, exact, MPFR_RNDN);
        double e = fabs(mpfr_get_d(arg2, MPFR_RNDN));
        if (!(e <= worst)) {
            worst = e;
            at = x;
        }
    }
    TAP_THAT(worst < 1e-15, "norm_cdf: relative error %.3g at %g", worst, at);
}

/* The error of x = norm_inv(p) is (cdf(x) - p) / density(x), with cdf and density from MPFR. Relative to x. */
static double inverse_error(double p)
{
    double x = prc_norm_inv(p);
    double density = exp(-0.5 * x * x) / sqrt(2 * 3.14159265358979323846);
    exact_cdf(x);
    mpfr_sub_d(exact, exact, p, MPFR_RNDN);
    return fabs(mpfr_get_d(exact, MPFR_RNDN) / density / x);
}

static void norm_inv(void)
{
    double worst = 0.0, at = 0.0;
    for (int i = 0; i < N_POINT / 10; i++) {
        double p = i % 2 ? between(0, 1) : exp(between(-690, -0.1));
        double e = inverse_error(p);
        if (!(e <= worst)) {
            worst = e;
            at = p;
        }
    }
    TAP_THAT(worst < 1e-15, "norm_inv: relative error %.3g at %g", worst, at);
    /* Values printed in Wichura 1988. */
    TAP_REL(prc_norm_inv(0.25), -0.6744897501960817, 1e-15);
    TAP_REL(prc_norm_inv(0.001), -3.090232306167814, 1e-15);
    TAP_REL(prc_norm_inv(1e-20), -9.262340089798408, 1e-15);
}

/* ---- the same loop for several processors */

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#define LOOP(name, level, attribute)                                                    \
    attribute static void name##_##level(double *restrict out, const double *restrict x) \
    {                                                                                   \
        for (int i = 0; i < N_BLOCK; i++) out[i] = prc_k_##name(x[i]);                  \
    }
#define LOOPS(level, attribute)                                                                                  \
    LOOP(exp, level, attribute)                                                                                  \
    LOOP(log, level, attribute)                                                                                  \
    LOOP(sin, level, attribute)                                                                                  \
    LOOP(cos, level, attribute)                                                                                  \
    LOOP(tan, level, attribute)                                                                                  \
    LOOP(tanh, level, attribute)                                                                                 \
    attribute static void pow_##level(double *restrict out, const double *restrict x, const double *restrict y) \
    {                                                                                                            \
        for (int i = 0; i < N_BLOCK; i++) out[i] = prc_k_pow(x[i], y[i]);                                        \
    }                                                                                                            \
    static const level_fns fns_##level = {                                                                       \
        {exp_##level, log_##level, sin_##level, cos_##level, tan_##level, tanh_##level}, pow_##level};

typedef struct level_fns {
    void (*one[6])(double *restrict, const double *restrict);
    void (*pow)(double *restrict, const double *restrict, const double *restrict);
} level_fns;

#if defined(__clang__)
#define V4_WIDTH
#else
#define V4_WIDTH ",prefer-vector-width=512"
#endif

LOOPS(base, )
LOOPS(v3, __attribute__((target("avx2,fma,bmi2"))))
LOOPS(v4, __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,fma,bmi2" V4_WIDTH))))

static double block_point(int i)
{
    return i % 4 == 0 ? any_double() : i % 4 == 1 ? between(-20, 20) : i % 4 == 2 ? between(-750, 750) : between(0, 1.5);
}

static void compare_level(const char *name, const level_fns *level)
{
    static const char *const fn[7] = {"exp", "log", "sin", "cos", "tan", "tanh", "pow"};
    double x[N_BLOCK], y[N_BLOCK], want[N_BLOCK], got[N_BLOCK];
    int different[7] = {0};
    for (int block = 0; block < N_POINT / N_BLOCK; block++) {
        for (int i = 0; i < N_BLOCK; i++) {
            x[i] = block_point(i);
            y[i] = i % 7 ? between(-20, 20) : any_double();
        }
        for (int f = 0; f < 7; f++) {
            if (f < 6) {
                fns_base.one[f](want, x);
                level->one[f](got, x);
            } else {
                fns_base.pow(want, x, y);
                level->pow(got, x, y);
            }
            for (int i = 0; i < N_BLOCK; i++) different[f] += prc_k_bits(want[i]) != prc_k_bits(got[i]);
        }
    }
    for (int f = 0; f < 7; f++) TAP_THAT(different[f] == 0, "%s: %s has the bits of the base level", name, fn[f]);
}

static double scalar_pow(double x, double y) { return prc_pow(x, y); }

static void same_bits(void)
{
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) compare_level("v3", &fns_v3);
    else TAP_SKIP("no avx2");
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vl"))
        compare_level("v4", &fns_v4);
    else TAP_SKIP("no avx512");
    /* The library's own, separately compiled, functions too. */
    double x[N_BLOCK], y[N_BLOCK], out[N_BLOCK];
    int different = 0;
    for (int i = 0; i < N_BLOCK; i++) {
        x[i] = block_point(i);
        y[i] = between(-9, 9);
    }
    fns_base.one[0](out, x);
    for (int i = 0; i < N_BLOCK; i++) different += prc_k_bits(out[i]) != prc_k_bits(prc_exp(x[i]));
    fns_base.one[1](out, x);
    for (int i = 0; i < N_BLOCK; i++) different += prc_k_bits(out[i]) != prc_k_bits(prc_log(x[i]));
    fns_base.pow(out, x, y);
    for (int i = 0; i < N_BLOCK; i++) different += prc_k_bits(out[i]) != prc_k_bits(scalar_pow(x[i], y[i]));
    TAP_INT(different, 0);
}

int main(void)
{
    mpfr_init2(exact, 110);
    mpfr_init2(arg, 53);
    mpfr_init2(arg2, 110);
    TAP_RUN(accuracy);
    TAP_RUN(near_multiples);
    TAP_RUN(pow_accuracy);
    TAP_RUN(pow_special);
    TAP_RUN(special);
    TAP_RUN(norm_cdf);
    TAP_RUN(norm_inv);
    TAP_RUN(same_bits);
    mpfr_clears(exact, arg, arg2, (mpfr_ptr)0);
    mpfr_free_cache();
    return tap_done();
}
