/* stat_mmrm_cov.c: the covariance structures of repeated measures, their derivatives and starting values. */
#include "stat_int.h"

#include <math.h>
#include <string.h>

#define PRC_X(id, name, text) name,
static const char *const names[] = {PRC_COV_LIST(PRC_X)};
#undef PRC_X
#define PRC_X(id, name, text) text,
static const char *const texts[] = {PRC_COV_LIST(PRC_X)};
#undef PRC_X

const char *prc_cov_name(prc_cov cov)
{
    return cov < PRC_COV_COUNT ? names[cov] : "";
}

const char *prc_cov_text(prc_cov cov)
{
    return cov < PRC_COV_COUNT ? texts[cov] : "";
}

size_t prc_cov_n_theta(prc_cov cov, size_t m)
{
    if (m == 0) return 0;
    if (m == 1) return cov == PRC_COV_UN ? 1 : 0;
    switch (cov) {
    case PRC_COV_UN: return m * (m + 1) / 2;
    case PRC_COV_TOEPH:
    case PRC_COV_ANTE1: return 2 * m - 1;
    case PRC_COV_ARH1:
    case PRC_COV_CSH: return m + 1;
    case PRC_COV_TOEP: return m;
    case PRC_COV_AR1:
    case PRC_COV_CS: return 2;
    case PRC_COV_COUNT: break;
    }
    return 0;
}

bool prc_cov_linear(prc_cov cov)
{
    return cov == PRC_COV_UN || cov == PRC_COV_TOEP || cov == PRC_COV_CS;
}

static size_t gap(size_t i, size_t j)
{
    return i > j ? i - j : j - i;
}

/* Linear structures: each cell belongs to one parameter (CS: the diagonal to both). */
static void linear_sigma(prc_cov cov, size_t m, const double *theta, double *sigma, double *derivative)
{
    size_t q = prc_cov_n_theta(cov, m);
    if (derivative) memset(derivative, 0, q * m * m * sizeof *derivative);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++) {
            size_t hi = i > j ? i : j, lo = i > j ? j : i;
            size_t k = cov == PRC_COV_UN ? hi * (hi + 1) / 2 + lo : cov == PRC_COV_TOEP ? gap(i, j) : 1;
            sigma[i * m + j] = theta[k];
            if (derivative) derivative[(k * m + i) * m + j] = 1;
            if (cov != PRC_COV_CS || i != j) continue;
            sigma[i * m + j] += theta[0];
            if (derivative) derivative[i * m + j] = 1;
        }
}

/* Correlation of visits i > j and its derivative by correlation parameter k, at the parameters r. */
static double correlation(prc_cov cov, const double *r, size_t i, size_t j)
{
    switch (cov) {
    case PRC_COV_CSH: return r[0];
    case PRC_COV_TOEPH: return r[i - j - 1];
    case PRC_COV_AR1:
    case PRC_COV_ARH1: return pow(tanh(r[0]), (double)(i - j));
    default: {
        double c = 1;
        for (size_t k = j; k < i; k++) c *= tanh(r[k]);
        return c;
    }
    }
}

static double correlation_slope(prc_cov cov, const double *r, size_t i, size_t j, size_t k)
{
    switch (cov) {
    case PRC_COV_CSH: return 1;
    case PRC_COV_TOEPH: return i - j - 1 == k ? 1 : 0;
    case PRC_COV_AR1:
    case PRC_COV_ARH1: {
        double t = tanh(r[0]);
        return (double)(i - j) * pow(t, (double)(i - j) - 1) * (1 - t * t);
    }
    default: {
        if (k < j || k >= i) return 0;
        double c = 1, t = tanh(r[k]);
        for (size_t a = j; a < i; a++)
            if (a != k) c *= tanh(r[a]);
        return c * (1 - t * t);
    }
    }
}

void prc_cov_sigma(prc_cov cov, size_t m, const double *theta, double *sigma, double *derivative)
{
    if (prc_cov_linear(cov)) {
        linear_sigma(cov, m, theta, sigma, derivative);
        return;
    }
    /* First the logs of the SDs (one for AR1, else one per visit), then the correlations. */
    size_t q = prc_cov_n_theta(cov, m), n_sd = cov == PRC_COV_AR1 ? 1 : m;
    if (derivative) memset(derivative, 0, q * m * m * sizeof *derivative);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j <= i; j++) {
            size_t si = n_sd == 1 ? 0 : i, sj = n_sd == 1 ? 0 : j;
            double size = exp(theta[si] + theta[sj]);
            double v = i == j ? size : size * correlation(cov, theta + n_sd, i, j);
            sigma[i * m + j] = sigma[j * m + i] = v;
            if (!derivative) continue;
            derivative[(si * m + i) * m + j] += v;
            derivative[(sj * m + i) * m + j] += v;
            derivative[(si * m + j) * m + i] = derivative[(si * m + i) * m + j];
            derivative[(sj * m + j) * m + i] = derivative[(sj * m + i) * m + j];
            for (size_t k = n_sd; i != j && k < q; k++) {
                double d = size * correlation_slope(cov, theta + n_sd, i, j, k - n_sd);
                derivative[(k * m + i) * m + j] = derivative[(k * m + j) * m + i] = d;
            }
        }
}

/* Mean correlation at a lag, all lags when lag is 0. */
static double mean_correlation(const double *s, size_t m, size_t lag)
{
    double sum = 0, n = 0;
    for (size_t i = 1; i < m; i++)
        for (size_t j = 0; j < i; j++) {
            if (lag && i - j != lag) continue;
            sum += s[i * m + j] / sqrt(s[i * m + i] * s[j * m + j]);
            n++;
        }
    return n > 0 ? fmin(0.95, fmax(-0.9, sum / n)) : 0;
}

void prc_cov_start(prc_cov cov, size_t m, const double *s, double *theta)
{
    double var = 0;
    for (size_t i = 0; i < m; i++) var += s[i * m + i] / (double)m;
    switch (cov) {
    case PRC_COV_UN:
        for (size_t i = 0, k = 0; i < m; i++)
            for (size_t j = 0; j <= i; j++) theta[k++] = s[i * m + j];
        return;
    case PRC_COV_CS:
        theta[1] = var * mean_correlation(s, m, 0);
        theta[0] = var - theta[1];
        return;
    case PRC_COV_TOEP:
        theta[0] = var;
        for (size_t k = 1; k < m; k++) theta[k] = var * mean_correlation(s, m, k);
        return;
    case PRC_COV_AR1:
        theta[0] = log(var) / 2;
        theta[1] = atanh(mean_correlation(s, m, 1));
        return;
    default: break;
    }
    for (size_t i = 0; i < m; i++) theta[i] = log(s[i * m + i]) / 2;
    if (cov == PRC_COV_ARH1) theta[m] = atanh(mean_correlation(s, m, 1));
    if (cov == PRC_COV_CSH) theta[m] = fmax(mean_correlation(s, m, 0), -0.5 / (double)(m - 1));
    for (size_t k = 0; k + 1 < m; k++) {
        double r = s[(k + 1) * m + k] / sqrt(s[(k + 1) * m + k + 1] * s[k * m + k]);
        if (cov == PRC_COV_ANTE1) theta[m + k] = atanh(fmin(0.95, fmax(-0.95, r)));
        if (cov == PRC_COV_TOEPH) theta[m + k] = mean_correlation(s, m, k + 1);
    }
}
