/* stat_km.c: what is read off a Kaplan-Meier curve, and cumulative incidence with competing events. */
#include "stat_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Limits of survival on a scale, as survfit_confint of R's survival gives them. */
static void limits(double surv, double se, prc_km_ci scale, double z, double *lower, double *upper)
{
    *lower = *upper = (double)NAN;
    if (surv >= 1) {
        *lower = *upper = 1;
    } else if (isnan(se)) {
        return;
    } else if (scale == PRC_KM_PLAIN) {
        *lower = fmax(0, surv - z * se);
        *upper = fmin(1, surv + z * se);
    } else if (surv > 0 && scale == PRC_KM_LOG) {
        *lower = exp(log(surv) - z * se / surv);
        *upper = fmin(1, exp(log(surv) + z * se / surv));
    } else if (surv > 0) {
        double half = z * se / (surv * log(surv)), centre = log(-log(surv));
        *lower = exp(-exp(centre - half));
        *upper = exp(-exp(centre + half));
    }
}

prc_estimate prc_km_at_ci(const prc_km *km, double t, prc_km_ci scale, double level)
{
    prc_estimate e = prc_estimate_none();
    size_t lo = 0, hi = km->n_step;
    e.n = km->n;
    if (km->n_step == 0 || isnan(t)) return e;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (km->time[mid] <= t) lo = mid + 1;
        else hi = mid;
    }
    e.estimate = lo ? km->surv[lo - 1] : 1;
    e.se = lo ? km->se[lo - 1] : 0;
    limits(e.estimate, e.se, scale, prc_stat_z_of_level(level), &e.ci_lb, &e.ci_ub);
    return e;
}

/* Watches one falling curve for the time it passes target: the middle of the step when it runs at the target (R's rule). */
typedef struct crossing { double target, time; bool level; } crossing;

static void crossing_step(crossing *c, double time, double value)
{
    double tol = 1.5e-8; /* R's tolerance for "runs at the target" */
    if (isnan(value)) return;
    if (isnan(c->time)) {
        if (value > c->target + tol) return;
        c->time = time;
        c->level = value >= c->target - tol;
    } else if (c->level && value < c->target - tol) {
        c->time = (c->time + time) / 2;
        c->level = false;
    }
}

prc_estimate prc_km_quantile_ci(const prc_km *km, double p, prc_km_ci scale, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = km->n;
    if (!(p > 0 && p < 1)) return e;
    double z = prc_stat_z_of_level(level), none = (double)NAN;
    crossing mid = {1 - p, none, false}, low = mid, high = mid;
    for (size_t k = 0; k < km->n_step; k++) {
        double lower, upper;
        limits(km->surv[k], km->se[k], scale, z, &lower, &upper);
        crossing_step(&mid, km->time[k], km->surv[k]);
        crossing_step(&low, km->time[k], lower);
        crossing_step(&high, km->time[k], upper);
    }
    e.estimate = mid.time;
    e.ci_lb = low.time;
    e.ci_ub = high.time;
    return e;
}

prc_estimate prc_km_rmst(const prc_km *km, double tau, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = km->n;
    if (km->n_step == 0 || !(tau > 0)) return e;
    size_t last = km->n_step;
    while (last > 0 && km->time[last - 1] > tau) last--;
    if (last == km->n_step && km->surv[last - 1] > 0 && tau > km->time[last - 1]) return e;
    /* From the end backwards, so that area is the area between a time and tau. */
    double area = 0, var = 0, right = tau;
    for (size_t k = last; k-- > 0;) {
        double n = km->n_risk[k], d = km->n_event[k];
        area += (right - km->time[k]) * km->surv[k];
        if (d > 0 && n > d) var += area * area * d / (n * (n - d));
        right = km->time[k];
    }
    e.estimate = area + right;
    e.se = sqrt(var);
    prc_estimate_wald(&e, level);
    e.stat = e.p = (double)NAN;
    return e;
}

/* ---- competing events ------------------------------------------------------------------------------------------ */

typedef struct happening { double time; int event; } happening;

static int by_time(const void *a, const void *b)
{
    const happening *x = a, *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

static prc_status cif_create(prc_cif *c, size_t m, size_t n_cause, prc_error *err)
{
    size_t room = m ? m : 1;
    *c = (prc_cif){.n = m, .n_cause = n_cause};
    c->time = prc_calloc(room, sizeof(double));
    c->n_risk = prc_calloc(room, sizeof(double));
    c->surv = prc_calloc(room, sizeof(double));
    c->cif = prc_calloc(room * n_cause, sizeof(double));
    c->se = prc_calloc(room * n_cause, sizeof(double));
    if (c->time && c->n_risk && c->surv && c->cif && c->se) return PRC_OK;
    prc_cif_reset(c);
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the cumulative incidence of %zu patients", m);
}

/* One cause along the steps. dead, all (n_step): events of this cause and of any. The variance is a quadratic in the present incidence, whose coefficients are sums. */
static void cause_curve(prc_cif *c, size_t cause, const double *dead, const double *all)
{
    double f = 0, before = 1, a0 = 0, a1 = 0, a2 = 0, b = 0, c0 = 0, c1 = 0;
    double *cif = c->cif + cause * c->n, *se = c->se + cause * c->n;
    for (size_t k = 0; k < c->n_step; k++) {
        double n = c->n_risk[k], d = all[k], dk = dead[k];
        f += before * dk / n;
        double g = n > d ? d / (n * (n - d)) : 0, h = before * dk / (n * n);
        a0 += g;
        a1 += f * g;
        a2 += f * f * g;
        b += before * before * dk * (n - dk) / (n * n * n);
        c0 += h;
        c1 += f * h;
        cif[k] = f;
        se[k] = sqrt(fmax(0, f * f * a0 - 2 * f * a1 + a2 + b - 2 * f * c0 + 2 * c1));
        before = c->surv[k];
    }
}

prc_status prc_stat_aalen_johansen(const double *time, const int *event, size_t n, size_t n_cause, prc_cif *out, prc_error *err)
{
    prc_status st = PRC_OK;
    size_t m = 0, room = n ? n : 1;
    prc_cif c = {0};
    if (n_cause == 0 || n_cause > 1000) return prc_fail(err, PRC_E_VALUE, "cumulative incidence of %zu causes", n_cause);
    happening *h = prc_malloc(room, sizeof *h);
    double *dead = prc_calloc(room * (n_cause + 1), sizeof *dead), *all = dead ? dead + room * n_cause : NULL;
    if (!h || !dead) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for the cumulative incidence of %zu patients", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        if (isnan(time[i])) continue;
        if (event[i] < 0 || (size_t)event[i] > n_cause) {
            st = prc_fail(err, PRC_E_VALUE, "row %zu has event %d of %zu", i + 1, event[i], n_cause);
            goto out;
        }
        h[m++] = (happening){time[i], event[i]};
    }
    qsort(h, m, sizeof *h, by_time);
    PRC_GO(st, cif_create(&c, m, n_cause, err));
    double surv = 1;
    for (size_t i = 0; i < m;) {
        size_t k = c.n_step++, j = i;
        for (; j < m && h[j].time == h[i].time; j++)
            if (h[j].event) {
                dead[((size_t)h[j].event - 1) * room + k]++;
                all[k]++;
            }
        c.time[k] = h[i].time;
        c.n_risk[k] = (double)(m - i);
        surv *= (c.n_risk[k] - all[k]) / c.n_risk[k];
        c.surv[k] = surv;
        i = j;
    }
    for (size_t cause = 0; cause < n_cause; cause++) cause_curve(&c, cause, dead + cause * room, all);
    *out = c;
out:
    prc_free(h);
    prc_free(dead);
    return st;
}

void prc_cif_reset(prc_cif *c)
{
    if (!c) return;
    prc_free(c->time);
    prc_free(c->n_risk);
    prc_free(c->surv);
    prc_free(c->cif);
    prc_free(c->se);
    *c = (prc_cif){0};
}

prc_estimate prc_cif_at(const prc_cif *c, size_t cause, double t, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = c->n;
    if (cause == 0 || cause > c->n_cause || c->n_step == 0 || isnan(t)) return e;
    e.estimate = e.se = 0;
    for (size_t k = 0; k < c->n_step && c->time[k] <= t; k++) {
        e.estimate = c->cif[(cause - 1) * c->n + k];
        e.se = c->se[(cause - 1) * c->n + k];
    }
    double low, high;
    limits(1 - e.estimate, e.se, PRC_KM_LOGLOG, prc_stat_z_of_level(level), &low, &high);
    e.ci_lb = 1 - high;
    e.ci_ub = 1 - low;
    return e;
}
