/* stat_sequential.c: group-sequential boundaries by recursive integration, and sample sizes. */
#include "stat_int.h"

#include <math.h>
#include <string.h>

/* ---- quadrature ------------------------------------------------------------------------------------------------ */

/* 16-point Gauss-Legendre: positive nodes and weights. */
static const double gl_x[8] = {0.0950125098376374402, 0.281603550779258913, 0.458016777657227386, 0.617876244402643748,
                               0.755404408355003034,  0.865631202387831744, 0.944575023073232576, 0.989400934991649933};
static const double gl_w[8] = {0.189450610455068496, 0.182603415044923589, 0.169156519395002538, 0.149595988816576732,
                               0.124628971255533872, 0.0951585116824927848, 0.0622535239386478929, 0.0271524594117540949};

bool prc_quadrature_next(prc_quadrature *q, double lo, double hi, size_t panels)
{
    if (q->i >= 16 * panels || !(hi > lo)) return false;
    double half = (hi - lo) / (double)panels / 2, centre = lo + half * (double)(2 * (q->i / 16) + 1);
    size_t k = q->i % 16;
    q->x = centre + half * (k < 8 ? -gl_x[7 - k] : gl_x[k - 8]);
    q->weight = half * (k < 8 ? gl_w[7 - k] : gl_w[k - 8]);
    q->i++;
    return true;
}

double prc_chi_density(double s, double df)
{
    if (!(s > 0)) return 0;
    return exp(M_LN2 + df / 2 * log(df / 2) - lgamma(df / 2) + (df - 1) * log(s) - df * s * s / 2);
}

static double upper_tail(double z)
{
    return erfc(z / M_SQRT2) / 2;
}

/* ---- the process of looks -------------------------------------------------------------------------------------- */

#define MAX_PANEL 160
#define FAR 9.0 /* how far into the lower tail paths are followed */

/* Paths that have not crossed yet: density of z at the nodes of the present look, times their weight. */
typedef struct paths {
    size_t n;
    double z[16 * MAX_PANEL], w[16 * MAX_PANEL];
    double t, drift;
} paths;

/* Probability of crossing bound at information share t, given the paths of the look before (n = 0: none yet). */
static double cross(const paths *p, double t, double bound)
{
    if (p->n == 0) return upper_tail(bound - p->drift * sqrt(t));
    double sum = 0, gap = t - p->t, sd = sqrt(gap);
    for (size_t i = 0; i < p->n; i++) sum += p->w[i] * upper_tail((bound * sqrt(t) - p->z[i] * sqrt(p->t) - p->drift * gap) / sd);
    return sum;
}

/* Carries the paths below bound on to t. Panels fine enough for the narrower of the kernels to and from here. */
static void advance(const paths *from, double t, double bound, double next_t, paths *to)
{
    double lo = from->drift * sqrt(t) - FAR, gap = from->n ? t - from->t : t;
    double narrow = sqrt(gap / t);
    if (next_t > t) narrow = fmin(narrow, sqrt((next_t - t) / t));
    double panels = ceil((bound - lo) / fmin(1.2, 4 * narrow));
    prc_quadrature q = {0};
    size_t n_panel = panels < 4 ? 4 : panels > MAX_PANEL ? MAX_PANEL : (size_t)panels;
    to->n = 0;
    to->drift = from->drift;
    to->t = t;
    while (prc_quadrature_next(&q, lo, bound, n_panel)) {
        double density = 0;
        if (from->n == 0) {
            double d = q.x - from->drift * sqrt(t);
            density = exp(-d * d / 2) / sqrt(2 * M_PI);
        }
        for (size_t i = 0; i < from->n; i++) {
            double d = q.x * sqrt(t) - from->z[i] * sqrt(from->t) - from->drift * gap;
            density += from->w[i] * exp(-d * d / (2 * gap));
        }
        if (from->n) density *= sqrt(t / gap / (2 * M_PI));
        to->z[to->n] = q.x;
        to->w[to->n++] = density * q.weight;
    }
}

/* Crossing probability of each look at a drift. room: two paths. */
static void crossings(const prc_gsd *d, double drift, paths *room, double *out)
{
    paths *now = room, *then = room + 1;
    now->n = 0;
    now->t = 0;
    now->drift = drift;
    for (size_t i = 0; i < d->k; i++) {
        out[i] = cross(now, d->t[i], d->bound[i]);
        if (i + 1 == d->k) break;
        advance(now, d->t[i], d->bound[i], d->t[i + 1], then);
        paths *swap = now;
        now = then;
        then = swap;
    }
}

static double total(const prc_gsd *d, double drift, paths *room)
{
    double c[PRC_GSD_MAX], sum = 0;
    crossings(d, drift, room, c);
    for (size_t i = 0; i < d->k; i++) sum += c[i];
    return sum;
}

static void shape(prc_gsd *d, prc_gsd_type type, double c)
{
    for (size_t i = 0; i < d->k; i++) d->bound[i] = type == PRC_GSD_OBF ? c / sqrt(d->t[i]) : c;
}

static double spending(prc_gsd_type type, double t, double alpha)
{
    if (t >= 1) return alpha;
    if (type == PRC_GSD_SPEND_OBF) return 2 * upper_tail(prc_norm_inv(1 - alpha / 2) / sqrt(t));
    return alpha * log1p((M_E - 1) * t);
}

/* One constant for all looks. */
static void solve_shape(prc_gsd *d, prc_gsd_type type, double alpha, paths *room)
{
    double lo = 0, hi = 10;
    for (int i = 0; i < 60 && hi - lo > 1e-14; i++) {
        double mid = (lo + hi) / 2;
        shape(d, type, mid);
        if (total(d, 0, room) > alpha) lo = mid;
        else hi = mid;
    }
    shape(d, type, (lo + hi) / 2);
}

/* One look after the other. */
static void solve_spending(prc_gsd *d, prc_gsd_type type, double alpha, paths *room)
{
    paths *now = room, *then = room + 1;
    double before = 0;
    now->n = 0;
    now->t = now->drift = 0;
    for (size_t i = 0; i < d->k; i++) {
        double spent = spending(type, d->t[i], alpha), lo = -10, hi = 38;
        for (int j = 0; j < 100 && hi - lo > 1e-15 * fmax(1, fabs(hi)); j++) {
            double mid = (lo + hi) / 2;
            if (cross(now, d->t[i], mid) > spent - before) lo = mid;
            else hi = mid;
        }
        d->bound[i] = (lo + hi) / 2;
        before = spent;
        if (i + 1 == d->k) break;
        advance(now, d->t[i], d->bound[i], d->t[i + 1], then);
        paths *swap = now;
        now = then;
        then = swap;
    }
}

prc_status prc_gsd_design(prc_gsd_type type, size_t k, const double *t, double alpha, prc_gsd *out, prc_error *err)
{
    prc_gsd d = {.k = k};
    if (k == 0 || k > PRC_GSD_MAX) return prc_fail(err, PRC_E_VALUE, "a group-sequential design of %zu looks; it takes 1 to %d", k, PRC_GSD_MAX);
    if (!(alpha > 0 && alpha < 0.5)) return prc_fail(err, PRC_E_VALUE, "a one-sided alpha of %g; it must be between 0 and 0.5", alpha);
    for (size_t i = 0; i < k; i++) {
        d.t[i] = t[i];
        if (!(t[i] > (i ? t[i - 1] + 1e-4 : 1e-4))) return prc_fail(err, PRC_E_VALUE, "look %zu: information shares must rise from above 0, by 0.0001 at least", i + 1);
    }
    if (fabs(t[k - 1] - 1) > 1e-12) return prc_fail(err, PRC_E_VALUE, "the last look must be at information share 1, not %g", t[k - 1]);
    paths *room = prc_malloc(2, sizeof *room);
    if (!room) return prc_fail(err, PRC_E_MEMORY, "out of memory for a group-sequential design");
    if (type == PRC_GSD_OBF || type == PRC_GSD_POCOCK) solve_shape(&d, type, alpha, room);
    else solve_spending(&d, type, alpha, room);
    crossings(&d, 0, room, d.spent);
    for (size_t i = 1; i < k; i++) d.spent[i] += d.spent[i - 1];
    prc_free(room);
    *out = d;
    return PRC_OK;
}

prc_status prc_gsd_power(const prc_gsd *d, double drift, double *out, prc_error *err)
{
    paths *room = prc_malloc(2, sizeof *room);
    if (!room) return prc_fail(err, PRC_E_MEMORY, "out of memory for a group-sequential design");
    crossings(d, drift, room, out);
    prc_free(room);
    return PRC_OK;
}

prc_status prc_gsd_inflation(const prc_gsd *d, double alpha, double power, double *out, prc_error *err)
{
    if (!(power > alpha && power < 1)) return prc_fail(err, PRC_E_VALUE, "a power of %g; it must lie between alpha and 1", power);
    paths *room = prc_malloc(2, sizeof *room);
    if (!room) return prc_fail(err, PRC_E_MEMORY, "out of memory for a group-sequential design");
    double fixed = prc_norm_inv(1 - alpha) + prc_norm_inv(power), lo = fixed * 0.5, hi = fixed * 4;
    for (int i = 0; i < 70 && hi - lo > 1e-13; i++) {
        double mid = (lo + hi) / 2;
        if (total(d, mid, room) < power) lo = mid;
        else hi = mid;
    }
    double ratio = (lo + hi) / 2 / fixed;
    *out = ratio * ratio;
    prc_free(room);
    return PRC_OK;
}

/* ---- sample size ----------------------------------------------------------------------------------------------- */

double prc_stat_nct_cdf(double t, double df, double delta)
{
    if (isnan(t) || !(df > 0) || isnan(delta)) return (double)NAN;
    double wide = 10 / sqrt(2 * df), lo = fmax(0, 1 - wide), hi = 1 + wide + 10 / df, sum = 0;
    prc_quadrature q = {0};
    size_t panels = 24 + (size_t)fmin(400, fabs(t) * (hi - lo));
    while (prc_quadrature_next(&q, lo, hi, panels)) sum += q.weight * prc_chi_density(q.x, df) * upper_tail(delta - t * q.x);
    return fmin(1, sum);
}

double prc_stat_power_t(double n, double d, double alpha)
{
    if (!(n > 1) || !(alpha > 0 && alpha < 1) || isnan(d)) return (double)NAN;
    double df = 2 * n - 2;
    return 1 - prc_stat_nct_cdf(prc_stat_t_quantile(1 - alpha / 2, df), df, sqrt(n / 2) * fabs(d));
}

double prc_stat_n_t(double d, double alpha, double power)
{
    if (d == 0 || isnan(d) || !(alpha > 0 && alpha < 1) || !(power > alpha / 2 && power < 1)) return (double)NAN;
    double lo = 1.5, hi = 4;
    while (prc_stat_power_t(hi, d, alpha) < power) {
        lo = hi;
        hi *= 2;
        if (hi > 1e9) return (double)NAN;
    }
    for (int i = 0; i < 100 && hi - lo > 1e-12 * hi; i++) {
        double mid = (lo + hi) / 2;
        if (prc_stat_power_t(mid, d, alpha) < power) lo = mid;
        else hi = mid;
    }
    return (lo + hi) / 2;
}

double prc_stat_events(double hr, double alpha, double power)
{
    if (!(hr > 0) || hr == 1 || !(alpha > 0 && alpha < 1) || !(power > 0 && power < 1)) return (double)NAN;
    double z = prc_norm_inv(1 - alpha) + prc_norm_inv(power), l = log(hr);
    return 4 * z * z / (l * l);
}

/* Share with an event by the end: entry uniform over accrual, then follow_up. */
static double event_share(double lambda, double accrual, double follow_up)
{
    double ends = exp(-lambda * follow_up);
    return accrual > 0 ? 1 - ends * -expm1(-lambda * accrual) / (lambda * accrual) : 1 - ends;
}

double prc_stat_n_survival(double hr, double alpha, double power, double lambda, double accrual, double follow_up)
{
    if (!(lambda > 0) || !(accrual >= 0) || !(follow_up >= 0) || accrual + follow_up <= 0) return (double)NAN;
    double share = (event_share(lambda, accrual, follow_up) + event_share(lambda * hr, accrual, follow_up)) / 2;
    return prc_stat_events(hr, alpha, power) / share;
}
