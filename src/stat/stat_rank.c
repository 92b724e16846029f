/* stat_rank.c: the Wilcoxon rank sum test with the Hodges-Lehmann shift. */
#include "stat_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t sorted_copy(const double *x, size_t n, double *out)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) out[m++] = x[i];
    qsort(out, m, sizeof *out, by_value);
    return m;
}

/* Number of pairs with x_i - y_j <= shift; x, y sorted. *next: the smallest difference above shift. */
static double pairs_within(const double *x, size_t nx, const double *y, size_t ny, double shift, double *next, double *last)
{
    double count = 0;
    size_t j = 0; /* first y with x - y <= shift moves up as x does */
    *next = (double)INFINITY;
    *last = -(double)INFINITY;
    for (size_t i = 0; i < nx; i++) {
        while (j < ny && x[i] - y[j] > shift) j++;
        count += (double)(ny - j);
        if (j > 0) *next = fmin(*next, x[i] - y[j - 1]);
        if (j < ny) *last = fmax(*last, x[i] - y[j]);
    }
    return count;
}

/* The k-th smallest difference x_i - y_j (1-based), by halving the range and closing in on a difference that occurs. */
static double ordered_difference(const double *x, size_t nx, const double *y, size_t ny, double k)
{
    double lo = x[0] - y[ny - 1], hi = x[nx - 1] - y[0], next, last;
    if (pairs_within(x, nx, y, ny, lo, &next, &last) >= k) return lo;
    for (int i = 0; i < 2000 && lo < hi; i++) {
        double mid = lo + (hi - lo) / 2;
        if (!(mid > lo && mid < hi)) break;
        if (pairs_within(x, nx, y, ny, mid, &next, &last) >= k) hi = last;
        else lo = mid;
        if (lo >= hi) break;
        /* Only one value left between lo and hi. */
        (void)pairs_within(x, nx, y, ny, lo, &next, &last);
        if (next >= hi) break;
    }
    return hi;
}

/* Rank sum of x with mid-ranks less its minimum, and sum of t^3 - t over ties. */
static double rank_statistic(const double *x, size_t nx, const double *y, size_t ny, double *ties)
{
    size_t i = 0, j = 0;
    double w = 0;
    *ties = 0;
    while (i < nx || j < ny) {
        double v = j == ny || (i < nx && x[i] <= y[j]) ? x[i] : y[j];
        size_t a = 0, b = 0;
        while (i + a < nx && x[i + a] == v) a++;
        while (j + b < ny && y[j + b] == v) b++;
        double t = (double)(a + b);
        w += (double)a * ((double)j + (double)b / 2); /* y below, and half of those equal */
        *ties += t * t * t - t;
        i += a;
        j += b;
    }
    return w;
}

prc_status prc_stat_wilcoxon(const double *x, size_t nx, const double *y, size_t ny, double level, double *w, double *superiority, prc_estimate *out, prc_error *err)
{
    prc_estimate e = prc_estimate_none();
    double *a = prc_malloc(nx + ny + 1, sizeof *a), *b = a ? a + nx : NULL, ties;
    if (!a) return prc_fail(err, PRC_E_MEMORY, "out of memory for the ranks of %zu values", nx + ny);
    size_t m = sorted_copy(x, nx, a), n = sorted_copy(y, ny, b);
    e.n = m + n;
    if (w) *w = (double)NAN;
    if (superiority) *superiority = (double)NAN;
    if (m > 0 && n > 0) {
        double dm = (double)m, dn = (double)n, total = dm + dn;
        double stat = rank_statistic(a, m, b, n, &ties), centre = dm * dn / 2, off = stat - centre;
        double sd = sqrt(dm * dn / 12 * (total + 1 - ties / (total * (total - 1))));
        if (w) *w = stat;
        if (superiority) *superiority = stat / (dm * dn);
        double lo_k = floor((dm * dn + 1) / 2), hi_k = floor((dm * dn + 2) / 2);
        e.estimate = ordered_difference(a, m, b, n, lo_k);
        if (hi_k > lo_k) e.estimate = (e.estimate + ordered_difference(a, m, b, n, hi_k)) / 2;
        if (sd > 0) {
            e.stat = (off - (off > 0 ? 0.5 : off < 0 ? -0.5 : 0)) / sd;
            e.p = fmin(1, prc_stat_normal_p(e.stat));
            double k = floor(centre - prc_stat_z_of_level(level) * sd);
            if (k >= 1) {
                e.ci_lb = ordered_difference(a, m, b, n, k);
                e.ci_ub = ordered_difference(a, m, b, n, dm * dn + 1 - k);
            }
        } else {
            e.p = 1; /* all values equal */
        }
    }
    prc_free(a);
    *out = e;
    return PRC_OK;
}
