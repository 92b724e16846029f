/* stat_proportion.c: one and two proportions. */
#include "stat_int.h"

#include <math.h>

prc_estimate prc_stat_proportion(size_t x, size_t n, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = n;
    if (n == 0 || x > n) return e;
    double m = (double)n, p = (double)x / m, z = prc_stat_z_of_level(level), z2 = z * z;
    double centre = (p + z2 / (2 * m)) / (1 + z2 / m);
    double half = z / (1 + z2 / m) * sqrt(p * (1 - p) / m + z2 / (4 * m * m));
    e.estimate = p;
    e.se = sqrt(p * (1 - p) / m);
    /* At 0 of n and n of n the interval ends at the estimate; the formula leaves a rounding error there. */
    e.ci_lb = x == 0 ? 0 : centre - half;
    e.ci_ub = x == n ? 1 : centre + half;
    return e;
}

prc_estimate prc_stat_risk_ratio(size_t x1, size_t n1, size_t x2, size_t n2, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = n1 + n2;
    if (n1 == 0 || n2 == 0 || x1 > n1 || x2 > n2) return e;
    bool empty = x1 == 0 || x2 == 0 || x1 == n1 || x2 == n2;
    double add = empty ? 0.5 : 0;
    double a = (double)x1 + add, b = (double)x2 + add, m1 = (double)n1 + 2 * add, m2 = (double)n2 + 2 * add;
    double log_ratio = log(a / m1) - log(b / m2), z = prc_stat_z_of_level(level);
    e.estimate = exp(log_ratio);
    e.se = sqrt(1 / a - 1 / m1 + 1 / b - 1 / m2); /* of the log ratio */
    e.stat = log_ratio / e.se;
    e.p = prc_stat_normal_p(e.stat);
    e.ci_lb = exp(log_ratio - z * e.se);
    e.ci_ub = exp(log_ratio + z * e.se);
    return e;
}

/* ---- risk difference ----------------------------------------------------------------------------------------- */

typedef struct two_by_two { double x1, n1, x2, n2; } two_by_two;

/* Miettinen and Nurminen 1985 (Statistics in Medicine 4:213), the score statistic for a difference delta: variance at the
 * restricted maximum likelihood, from the closed solution of their cubic (appendix 1), times N/(N-1). */
static double score_z(const two_by_two *t, double delta)
{
    double n = t->n1 + t->n2, c = t->x1 + t->x2;
    double l3 = n, l2 = (t->n1 + 2 * t->n2) * delta - n - c;
    double l1 = (t->n2 * delta - n - 2 * t->x2) * delta + c, l0 = t->x2 * delta * (1 - delta);
    double b = l2 / (3 * l3);
    double q = b * b * b - l1 * l2 / (6 * l3 * l3) + l0 / (2 * l3);
    double s = sqrt(fmax(0, b * b - l1 / (3 * l3)));
    double p = q >= 0 ? s : -s;
    double cosine = p == 0 ? 0 : q / (p * p * p);
    double angle = (M_PI + acos(fmin(1, fmax(-1, cosine)))) / 3;
    double p2 = fmin(1, fmax(0, 2 * p * cos(angle) - b)), p1 = fmin(1, fmax(0, p2 + delta));
    double v = (p1 * (1 - p1) / t->n1 + p2 * (1 - p2) / t->n2) * n / (n - 1);
    double d = t->x1 / t->n1 - t->x2 / t->n2 - delta;
    if (d == 0) return 0;
    return v > 0 ? d / sqrt(v) : d > 0 ? (double)INFINITY : -(double)INFINITY;
}

/* The delta in [lo, hi] where the score statistic, which falls with delta, passes z. */
static double score_limit(const two_by_two *t, double z, double lo, double hi)
{
    for (int i = 0; i < 200 && hi - lo > 1e-15; i++) {
        double mid = (lo + hi) / 2;
        if (score_z(t, mid) > z) lo = mid;
        else hi = mid;
    }
    return (lo + hi) / 2;
}

/* Fisher's exact test, two-sided: the tables with the same margins that are no likelier than the one seen (as R does,
 * with its allowance of 1e-7). Probabilities relative to the likeliest table, by ratios, so that nothing underflows early. */
static double fisher_p(size_t x1, size_t n1, size_t x2, size_t n2)
{
    size_t m = x1 + x2, lo = m > n2 ? m - n2 : 0, hi = m < n1 ? m : n1;
    double a = (double)n1, b = (double)n2, c = (double)m;
    size_t mode = (size_t)((c + 1) * (a + 1) / (a + b + 2));
    mode = mode < lo ? lo : mode > hi ? hi : mode;
    /* Ratio of the probabilities of x+1 and x successes in the first group. */
#define RATIO(x) ((a - (double)(x)) * (c - (double)(x)) / (((double)(x) + 1) * (b - c + (double)(x) + 1)))
    double seen = 1, total = 0, tail = 0, p = 1;
    for (size_t x = mode; x < x1; x++) seen *= RATIO(x);
    for (size_t x = mode; x > x1; x--) seen /= RATIO(x - 1);
    for (size_t x = mode; x <= hi; x++) {
        total += p;
        if (p <= seen * (1 + 1e-7)) tail += p;
        p *= RATIO(x);
    }
    p = 1;
    for (size_t x = mode; x > lo; x--) {
        p /= RATIO(x - 1);
        total += p;
        if (p <= seen * (1 + 1e-7)) tail += p;
    }
#undef RATIO
    return fmin(1, tail / total);
}

prc_status prc_stat_risk_difference(size_t x1, size_t n1, size_t x2, size_t n2, double level, prc_estimate *out, prc_error *err)
{
    if (x1 > n1 || x2 > n2) return prc_fail(err, PRC_E_VALUE, "more responders than patients: %zu of %zu, %zu of %zu", x1, n1, x2, n2);
    prc_estimate e = prc_estimate_none();
    e.n = n1 + n2;
    if (n1 > 0 && n2 > 0) {
        two_by_two t = {(double)x1, (double)n1, (double)x2, (double)n2};
        double p1 = t.x1 / t.n1, p2 = t.x2 / t.n2, z = prc_stat_z_of_level(level);
        e.estimate = p1 - p2;
        e.se = sqrt(p1 * (1 - p1) / t.n1 + p2 * (1 - p2) / t.n2);
        e.stat = score_z(&t, 0);
        e.p = fisher_p(x1, n1, x2, n2);
        e.ci_lb = score_limit(&t, z, -1, e.estimate);
        e.ci_ub = score_limit(&t, -z, e.estimate, 1);
    }
    *out = e;
    return PRC_OK;
}

double prc_stat_fisher(size_t x1, size_t n1, size_t x2, size_t n2)
{
    return x1 > n1 || x2 > n2 || n1 == 0 || n2 == 0 ? (double)NAN : fisher_p(x1, n1, x2, n2);
}

prc_estimate prc_stat_chisq_2x2(size_t x1, size_t n1, size_t x2, size_t n2)
{
    prc_estimate e = prc_estimate_none();
    e.n = n1 + n2;
    double a = (double)x1, b = (double)n1 - a, c = (double)x2, d = (double)n2 - c, n = a + b + c + d;
    if (b < 0 || d < 0 || a + b == 0 || c + d == 0 || a + c == 0 || b + d == 0) return e;
    double off = a * d - b * c;
    e.df = 1;
    e.stat = n * off * off / ((a + b) * (c + d) * (a + c) * (b + d));
    e.p = prc_stat_chisq_p(e.stat, 1);
    return e;
}
