/* stat_glm.c: logistic, Poisson and negative binomial regression; responders by g-computation. */
#include "stat_int.h"

#include <math.h>
#include <string.h>

typedef enum glm_family { LOGISTIC, POISSON, NEGBIN } glm_family;

typedef struct glm {
    glm_family family;
    size_t n, p;
    double *x, *y, *offset; /* rows used: n x p, n, n */
    double *scale;          /* p */
    double alpha;           /* negative binomial */
    bool expected;          /* expected instead of observed information */
    double *room;           /* negative binomial, adjusted: 4 p^2 */
} glm;

static void glm_reset(glm *g)
{
    prc_free(g->x);
    prc_free(g->y);
    prc_free(g->offset);
    prc_free(g->scale);
    prc_free(g->room);
}

static prc_status glm_create(const double *x, const double *y, const double *offset, size_t n, size_t p, glm_family family, glm *g, prc_error *err)
{
    size_t q = p ? p : 1, room = n ? n : 1;
    *g = (glm){.family = family, .p = p};
    g->x = prc_malloc(room * q, sizeof *g->x);
    g->y = prc_malloc(room, sizeof *g->y);
    g->offset = prc_malloc(room, sizeof *g->offset);
    g->scale = prc_malloc(q, sizeof *g->scale);
    if (!g->x || !g->y || !g->offset || !g->scale) return prc_fail(err, PRC_E_MEMORY, "out of memory for a regression of %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        bool complete = isfinite(y[i]) && (!offset || isfinite(offset[i]));
        for (size_t j = 0; j < p; j++) complete = complete && isfinite(x[i * p + j]);
        if (!complete) continue;
        if (family == LOGISTIC ? y[i] != 0 && y[i] != 1 : y[i] < 0 || y[i] != floor(y[i]))
            return prc_fail(err, PRC_E_VALUE, "row %zu: the response %g is not %s", i + 1, y[i], family == LOGISTIC ? "0 or 1" : "a whole number of 0 or more");
        if (p) memcpy(g->x + g->n * p, x + i * p, p * sizeof *x);
        g->y[g->n] = y[i];
        g->offset[g->n++] = offset ? offset[i] : 0;
    }
    prc_column_scale(g->x, g->n, p, g->scale);
    return PRC_OK;
}

/* log of prod_{j < y} (1 + alpha j), which is Gamma(y + 1/alpha) alpha^y / Gamma(1/alpha). */
static double rising(double y, double alpha)
{
    if (alpha == 0) return 0;
    if (y > 2000) return lgamma(y + 1 / alpha) - lgamma(1 / alpha) + y * log(alpha);
    double s = 0, product = 1;
    for (double j = 0; j < y; j++) {
        product *= 1 + alpha * j;
        if (product > 1e250) s += log(product), product = 1;
    }
    return s + log(product);
}

/* Likelihood of one row with linear predictor eta; resid and weight are what score and information take. */
static double row_likelihood(const glm *g, double y, double eta, double *resid, double *weight)
{
    if (g->family == LOGISTIC) {
        double e = exp(-fabs(eta)), p = eta > 0 ? 1 / (1 + e) : e / (1 + e);
        *resid = y - p;
        *weight = e / ((1 + e) * (1 + e));
        return y * eta - (fmax(eta, 0) + log1p(e));
    }
    double mu = exp(eta), a = g->family == NEGBIN ? g->alpha : 0, t = a * mu;
    if (!isfinite(mu)) return (double)NAN;
    *resid = (y - mu) / (1 + t);
    *weight = g->expected ? mu / (1 + t) : mu * (1 + a * y) / ((1 + t) * (1 + t));
    double mean = a == 0 ? mu : log1p(t) / a;
    return y * (eta - log1p(t)) - mean - lgamma(y + 1);
}

static double glm_likelihood(void *ctx, const double *b, double *u, double *info)
{
    const glm *g = ctx;
    size_t p = g->p;
    double ll = 0;
    if (u) {
        memset(u, 0, p * sizeof *u);
        memset(info, 0, p * p * sizeof *info);
    }
    for (size_t i = 0; i < g->n; i++) {
        const double *x = g->x + i * p;
        double resid = 0, weight = 0;
        ll += row_likelihood(g, g->y[i], prc_dot(x, b, p) + g->offset[i], &resid, &weight);
        if (!u) continue;
        for (size_t j = 0; j < p; j++) {
            if (x[j] == 0) continue;
            u[j] += resid * x[j];
            for (size_t k = 0; k <= j; k++) info[j * p + k] += weight * x[j] * x[k];
        }
    }
    for (size_t j = 0; info && j < p; j++)
        for (size_t k = 0; k < j; k++) info[k * p + j] = info[j * p + k];
    if (g->family == NEGBIN)
        for (size_t i = 0; i < g->n; i++) ll += rising(g->y[i], g->alpha);
    return ll;
}

static prc_status fit_family(const double *x, const double *y, const double *offset, size_t n, size_t p, glm_family family, prc_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_fit fit = {0};
    glm g = {0};
    PRC_TRY(prc_fit_create(&fit, p, err));
    PRC_GO(st, glm_create(x, y, offset, n, p, family, &g, err));
    fit.n = g.n;
    for (size_t i = 0; i < g.n; i++) fit.n_event += (size_t)g.y[i];
    PRC_GO(st, prc_fit_newton(&fit, g.scale, glm_likelihood, &g, err));
out:
    glm_reset(&g);
    if (st == PRC_OK) *out = fit;
    else prc_fit_reset(&fit);
    return st;
}

prc_status prc_stat_logistic(const double *x, const double *y, size_t n, size_t p, prc_fit *out, prc_error *err)
{
    return fit_family(x, y, NULL, n, p, LOGISTIC, out, err);
}

prc_status prc_stat_poisson(const double *x, const double *y, const double *offset, size_t n, size_t p, prc_fit *out, prc_error *err)
{
    return fit_family(x, y, offset, n, p, POISSON, out, err);
}

/* ---- negative binomial ----------------------------------------------------------------------------------------- */

/* Derivative of the likelihood by alpha at coefficients b (NaN ones count as 0). */
static double alpha_score(const glm *g, const double *b)
{
    double s = 0, a = g->alpha;
    for (size_t i = 0; i < g->n; i++) {
        double eta = g->offset[i], y = g->y[i], sum = 0;
        for (size_t j = 0; j < g->p; j++)
            if (!isnan(b[j])) eta += b[j] * g->x[i * g->p + j];
        double mu = exp(eta), t = a * mu;
        for (double j = 0; j < y; j++) sum += j / (1 + a * j);
        /* log(1 + t) - t/(1 + t) over alpha^2, by its series where that cancels. */
        double part = t < 1e-3 ? mu * mu * (0.5 + t * (-2.0 / 3 + t * (0.75 + t * (-0.8 + t * 5 / 6)))) : (log1p(t) - t / (1 + t)) / (a * a);
        s += sum + part - y * mu / (1 + t);
    }
    return s;
}

/* Half the trace of I^-1 X' mu^2/(1 + alpha mu)^2 X, I the expected information: minus the derivative of log|I|/2 by alpha at given coefficients. It makes up for what
 * estimating the coefficients takes from the spread, as n - p does for a residual variance. */
static double alpha_adjustment(const glm *g, const double *b)
{
    size_t p = g->p;
    double *info = g->room, *slope = info + p * p, *inverse = slope + p * p, *work = inverse + p * p, trace = 0;
    memset(info, 0, 2 * p * p * sizeof *info);
    for (size_t i = 0; i < g->n; i++) {
        const double *x = g->x + i * p;
        double eta = g->offset[i];
        for (size_t j = 0; j < p; j++)
            if (!isnan(b[j])) eta += b[j] * x[j];
        double mu = exp(eta), w = mu / (1 + g->alpha * mu);
        for (size_t j = 0; j < p; j++)
            for (size_t k = 0; k <= j; k++) {
                info[j * p + k] += w * x[j] * x[k];
                slope[j * p + k] += w * w * x[j] * x[k];
            }
    }
    for (size_t j = 0; j < p; j++) {
        for (size_t k = 0; k < j; k++) slope[k * p + j] = slope[j * p + k];
        if (isnan(b[j])) return 0; /* an unidentified coefficient: leave it at that */
    }
    if (!prc_chol(info, p, 1e-12)) return 0;
    prc_chol_inverse(info, p, inverse, work);
    for (size_t j = 0; j < p; j++) trace += prc_dot(inverse + j * p, slope + j * p, p);
    return trace / 2;
}

/* Coefficients at the present alpha, from where they stand. */
static prc_status at_alpha(glm *g, prc_fit *fit, double alpha, double *score, prc_error *err)
{
    g->alpha = alpha;
    for (size_t j = 0; j < g->p; j++)
        if (isnan(fit->coef[j])) fit->coef[j] = 0;
    PRC_TRY(prc_fit_newton(fit, g->scale, glm_likelihood, g, err));
    *score = (alpha_score(g, fit->coef) + (g->room ? alpha_adjustment(g, fit->coef) : 0)) * (alpha > 0 ? alpha : 1);
    return PRC_OK;
}

/* Root of the profile score in log alpha: bracket, then regula falsi with halving of the stale end (Illinois). */
static prc_status find_alpha(glm *g, prc_fit *fit, prc_error *err)
{
    double lo, hi, s_lo, s_hi, s;
    PRC_TRY(at_alpha(g, fit, 0, &s, err));
    if (!(s > 0) || fit->separated) return PRC_OK;
    lo = hi = log(0.5);
    PRC_TRY(at_alpha(g, fit, exp(lo), &s_lo, err));
    s_hi = s_lo;
    while (s_hi > 0 && hi < 10) {
        lo = hi, s_lo = s_hi;
        hi += 1;
        PRC_TRY(at_alpha(g, fit, exp(hi), &s_hi, err));
    }
    while (s_lo < 0 && lo > -25) {
        hi = lo, s_hi = s_lo;
        lo -= 2;
        PRC_TRY(at_alpha(g, fit, exp(lo), &s_lo, err));
    }
    if (s_lo <= 0 || s_hi > 0) return PRC_OK; /* at the edge: take what is there */
    for (int i = 0, side = 0; i < 80 && hi - lo > 1e-12; i++) {
        double mid = (lo * s_hi - hi * s_lo) / (s_hi - s_lo);
        if (!(mid > lo && mid < hi)) mid = (lo + hi) / 2;
        PRC_TRY(at_alpha(g, fit, exp(mid), &s, err));
        if (fabs(s) < 1e-10 * (1 + (double)g->n)) break;
        if (s > 0) {
            lo = mid, s_lo = s;
            if (side == 1) s_hi /= 2;
            side = 1;
        } else {
            hi = mid, s_hi = s;
            if (side == -1) s_lo /= 2;
            side = -1;
        }
    }
    return PRC_OK;
}

/* vcov from the expected information at the solution. */
static prc_status expected_vcov(glm *g, prc_fit *fit, prc_error *err)
{
    size_t p = fit->p, q = p ? p : 1;
    for (size_t j = 0; j < p; j++)
        if (isnan(fit->coef[j])) return PRC_OK;
    double *u = prc_malloc(q + 2 * q * q, sizeof *u);
    if (!u) return prc_fail(err, PRC_E_MEMORY, "out of memory for a regression of %zu coefficients", p);
    g->expected = true;
    (void)glm_likelihood(g, fit->coef, u, u + q);
    if (prc_chol(u + q, p, 1e-12)) prc_chol_inverse(u + q, p, fit->vcov, u + q + q * q);
    prc_free(u);
    return PRC_OK;
}

prc_status prc_stat_negbin(const double *x, const double *y, const double *offset, size_t n, size_t p, bool ml, prc_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_fit fit = {0};
    glm g = {0};
    PRC_TRY(prc_fit_create(&fit, p, err));
    PRC_GO(st, glm_create(x, y, offset, n, p, NEGBIN, &g, err));
    g.room = ml ? NULL : prc_malloc(4 * p * p + 1, sizeof *g.room);
    if (!ml && !g.room) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for a regression of %zu coefficients", p);
        goto out;
    }
    fit.n = g.n;
    for (size_t i = 0; i < g.n; i++) fit.n_event += (size_t)g.y[i];
    PRC_GO(st, find_alpha(&g, &fit, err));
    fit.dispersion = g.alpha;
    PRC_GO(st, expected_vcov(&g, &fit, err));
out:
    glm_reset(&g);
    if (st == PRC_OK) *out = fit;
    else prc_fit_reset(&fit);
    return st;
}

/* ---- responders ------------------------------------------------------------------------------------------------ */

/* Mean response with every patient under arm a, and its gradient by the coefficients; false when it does not exist. */
static bool standardised(const prc_frame_design *d, const prc_fit *fit, size_t a, double *rate, double *gradient)
{
    size_t p = d->p;
    *rate = 0;
    memset(gradient, 0, p * sizeof *gradient);
    if (isnan(fit->coef[a])) return false;
    for (size_t i = 0; i < d->n; i++) {
        double eta = fit->coef[a];
        for (size_t j = d->n_cell; j < p; j++)
            if (!isnan(fit->coef[j])) eta += fit->coef[j] * d->x[i * p + j];
        double q = 1 / (1 + exp(-eta)), w = q * (1 - q) / (double)d->n;
        *rate += q / (double)d->n;
        gradient[a] += w;
        for (size_t j = d->n_cell; j < p; j++) gradient[j] += w * d->x[i * p + j];
    }
    return true;
}

static double delta_variance(const prc_fit *fit, const double *g)
{
    double v = 0;
    for (size_t i = 0; i < fit->p; i++)
        for (size_t j = 0; j < fit->p; j++)
            if (!isnan(fit->coef[i]) && !isnan(fit->coef[j])) v += g[i] * g[j] * fit->vcov[i * fit->p + j];
    return fmax(0, v);
}

static void fill_responders(const prc_frame *f, const prc_frame_design *d, const prc_fit *fit, double level, double *g, prc_responders *out)
{
    size_t p = d->p;
    double rate_r = 0, rate;
    bool has_r = f->reference >= 0 && standardised(d, fit, (size_t)f->reference, &rate_r, g + p);
    for (size_t a = 0; a < f->n_arm; a++) {
        out->rate[a].n = d->count[a];
        if (f->reference >= 0 && (int)a != f->reference) out->diff[a].n = out->log_or[a].n = d->count[a] + d->count[f->reference];
        if (!standardised(d, fit, a, &rate, g)) continue;
        out->rate[a].estimate = rate;
        out->rate[a].se = sqrt(delta_variance(fit, g));
        prc_estimate_wald(&out->rate[a], level);
        out->rate[a].ci_lb = fmax(0, out->rate[a].ci_lb);
        out->rate[a].ci_ub = fmin(1, out->rate[a].ci_ub);
        if (!has_r || (int)a == f->reference) continue;
        size_t r = (size_t)f->reference;
        for (size_t j = 0; j < p; j++) g[j] -= g[p + j];
        out->diff[a].estimate = rate - rate_r;
        out->diff[a].se = sqrt(delta_variance(fit, g));
        prc_estimate_wald(&out->diff[a], level);
        out->log_or[a].estimate = fit->coef[a] - fit->coef[r];
        out->log_or[a].se = sqrt(fmax(0, fit->vcov[a * p + a] + fit->vcov[r * p + r] - 2 * fit->vcov[a * p + r]));
        prc_estimate_wald(&out->log_or[a], level);
    }
}

prc_status prc_stat_responders(const prc_frame *f, const double *y, double level, prc_responders *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_frame_design d = {0};
    prc_fit fit = {0};
    double *used = NULL;
    for (size_t a = 0; a < f->n_arm; a++) out->rate[a] = out->diff[a] = out->log_or[a] = prc_estimate_none();
    out->separated = false;
    PRC_GO(st, prc_frame_design_create(f, y, NULL, 0, false, &d, err));
    used = prc_malloc(d.n + 2 * d.p + 1, sizeof *used);
    if (!used) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory for a responder analysis of %zu rows", d.n);
        goto out;
    }
    for (size_t i = 0; i < d.n; i++) used[i] = y[d.row[i]];
    PRC_GO(st, prc_stat_logistic(d.x, used, d.n, d.p, &fit, err));
    out->separated = fit.separated;
    /* An infinite slope of a covariate leaves nothing to standardise with. */
    for (size_t j = d.n_cell; fit.separated && j < d.p; j++)
        if (isnan(fit.coef[j])) goto out;
    fill_responders(f, &d, &fit, level, used + d.n, out);
out:
    prc_free(used);
    prc_fit_reset(&fit);
    prc_frame_design_reset(&d);
    return st;
}
