/* sample_size.c: how many patients: by closed form, and read from a simulated power curve. */
#include "design_int.h"

#include <math.h>

/* Isotonic regression with equal weights: adjacent values that fall are replaced by their mean (pool adjacent violators). */
static void monotone(double *y, size_t *weight, size_t n)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        y[m] = y[i];
        weight[m++] = 1;
        for (; m > 1 && y[m - 2] > y[m - 1]; m--) {
            y[m - 2] = ((double)weight[m - 2] * y[m - 2] + (double)weight[m - 1] * y[m - 1]) / (double)(weight[m - 2] + weight[m - 1]);
            weight[m - 2] += weight[m - 1];
        }
    }
    for (size_t i = n; m > 0; m--)
        for (; weight[m - 1] > 0; weight[m - 1]--) y[--i] = y[m - 1];
}

static double crossing(const double *size, const double *y, size_t n, double target)
{
    if (n == 0) return (double)NAN;
    if (y[0] >= target) return size[0];
    for (size_t i = 1; i < n; i++)
        if (y[i] >= target) return ceil(size[i - 1] + (target - y[i - 1]) / (y[i] - y[i - 1]) * (size[i] - size[i - 1]) - 1e-9);
    return (double)NAN;
}

prc_status prc_design_smallest(const double *size, const double *power, const double *se, size_t n, double target, prc_smallest *out, prc_error *err)
{
    static const double moved[3] = {0, 1.96, -1.96};
    double *y = prc_malloc(n + 1, sizeof *y), found[3];
    size_t *weight = prc_malloc(n + 1, sizeof *weight);
    prc_status st = y && weight ? PRC_OK : prc_design_memory(err);
    for (size_t i = 0; st == PRC_OK && i < n; i++)
        if (isnan(power[i]) || (i > 0 && !(size[i] > size[i - 1]))) st = prc_fail(err, PRC_E_VALUE, "a power curve wants ascending sizes and a power for each");
    for (int k = 0; st == PRC_OK && k < 3; k++) {
        for (size_t i = 0; i < n; i++) y[i] = power[i] + moved[k] * se[i];
        monotone(y, weight, n);
        found[k] = crossing(size, y, n, target);
    }
    prc_free(y);
    prc_free(weight);
    if (st == PRC_OK) *out = (prc_smallest){found[0], found[1], found[2]};
    return st;
}

/* ---- closed form ------------------------------------------------------------------------------------------------- */

prc_sample_size prc_design_sample_size(double diff, double sd, double alpha, double power, double retained)
{
    prc_sample_size x = {diff, sd, alpha, power, (double)NAN, (double)NAN};
    if (!(sd > 0) || isnan(diff)) return x;
    x.n = ceil(prc_stat_n_t(diff / sd, alpha, power) - 1e-9);
    if (retained > 0 && retained <= 1) x.with_loss = ceil(x.n / retained - 1e-9);
    return x;
}

static const prc_endpoint_result *primary(const prc_trial_result *r, size_t population)
{
    for (size_t k = 0; k < r->n_result; k++)
        if (r->result[k].population == population && r->result[k].endpoint == &r->spec->endpoint[0]) return &r->result[k];
    return NULL;
}

prc_sample_size prc_design_trial_size(const prc_trial_result *r, size_t population, size_t arm, double alpha, double power)
{
    const prc_endpoint_result *x = primary(r, population);
    const double none = (double)NAN;
    if (!x || !(x->endpoint->analyses & 1u << PRC_AN_ANCOVA) || (int)arm == x->endpoint->versus) return (prc_sample_size){none, none, alpha, power, none, none};
    double n1 = (double)x->ls_mean[arm].n, n0 = (double)x->ls_mean[x->endpoint->versus].n, all = (double)r->spec->population[population].size_per_arm;
    double sd = n1 > 0 && n0 > 0 ? x->diff[arm].se / sqrt(1 / n1 + 1 / n0) : none;
    return prc_design_sample_size(x->true_diff[arm], sd, alpha, power, fmin(1, (n0 + n1) / (2 * all)));
}

void prc_design_line(const prc_trial_result *r, size_t population, prc_text *t)
{
    const prc_endpoint_result *x = primary(r, population);
    size_t best = SIZE_MAX;
    const double power = 0.8, alpha = 0.05;
    for (size_t a = 0; x && a < x->n_arm; a++)
        if (!isnan(x->true_diff[a]) && (best == SIZE_MAX || fabs(x->true_diff[a]) > fabs(x->true_diff[best]))) best = a;
    if (best == SIZE_MAX) return;
    prc_sample_size z = prc_design_trial_size(r, population, best, alpha, power);
    if (isnan(z.n)) return;
    const prc_observable *ob = &r->spec->condition->observable[x->endpoint->observable];
    prc_text_printf(t, "A two-arm trial finds the true difference of %s to %s (%.2g %s, residual SD %.3g) with %g %% power at a two-sided level of %g %% with %.0f patients per arm", r->spec->arms->arm[best].name,
                    r->spec->arms->arm[x->endpoint->versus].name, z.diff, ob->unit, z.sd, 100 * power, 100 * alpha, z.n);
    if (z.with_loss > z.n) prc_text_printf(t, ", %.0f when as many are lost as here", z.with_loss);
    prc_text_add(t, ".");
}
