/* meta_glmm.c: exact-likelihood mixed models of events by adaptive Gauss-Hermite quadrature (Stijnen, Hamza and Ozdemir 2010, Stat Med 29:3046).
 * Each study's random effects are integrated about their own mode, so that sparse studies cost no accuracy. Gradients are posterior means over the same nodes. */
#include "meta_int.h"

#include <math.h>
#include <string.h>

#define NODE_MAX 100
#define EXACT_NODES 20 /* from here on posterior means stand for derivatives */

static const double STENCIL[4] = {-2, -1, 1, 2}; /* fourth-order differences */

/* An arm, or a conditional table: x events among n (binomial) or in time n (Poisson). */
typedef struct arm { double x, n, offset; } arm;
typedef struct trial {
    arm one, two;
    double constant; /* log-likelihood terms without parameters */
    double nuisance; /* profiled study effect of UM_FS, kept as the next start */
    double *log_weight; /* CM_EL of OR: log hypergeometric weights for j = lo.. */
    double lo;
    size_t n_weight;
} trial;

typedef enum shape { BINOMIAL, POISSON, HYPERGEOMETRIC } shape;

typedef struct glmm {
    prc_meta_glmm model;
    shape kind;
    trial *t;
    size_t k, n_node;
    double node[NODE_MAX], log_weight[NODE_MAX]; /* Gauss-Hermite: log(w exp(x^2)) */
    bool fixed;                                   /* no random treatment effect */
    bool swapped;                                 /* UM_FS with the roles exchanged: random study effect, free treatment effects (saturated UM_RS) */
} glmm;

/* Value and derivatives of a log-likelihood. */
typedef struct jet { double f, d, dd; } jet;

static jet arm_at(shape kind, const arm *a, double eta)
{
    eta += a->offset;
    if (kind == POISSON) {
        double mu = a->n * exp(eta);
        return (jet){a->x * eta - mu, a->x - mu, -mu};
    }
    double p = 1 / (1 + exp(-eta)), log_1p = eta > 0 ? eta + log1p(exp(-eta)) : log1p(exp(eta));
    return (jet){a->x * eta - a->n * log_1p, a->x - a->n * p, -a->n * p * (1 - p)};
}

/* Noncentral hypergeometric distribution of the events in arm one given all events. */
static jet hyper_at(const trial *t, double theta)
{
    double top = -(double)INFINITY, s = 0, m1 = 0, m2 = 0;
    for (size_t j = 0; j < t->n_weight; j++) top = fmax(top, t->log_weight[j] + theta * (t->lo + (double)j));
    for (size_t j = 0; j < t->n_weight; j++) {
        double e = t->lo + (double)j, w = exp(t->log_weight[j] + theta * e - top);
        s += w;
        m1 += w * e;
        m2 += w * e * e;
    }
    m1 /= s;
    return (jet){t->one.x * theta - top - log(s), t->one.x - m1, -(m2 / s - m1 * m1)};
}

/* Both arms at alpha + theta/2 and alpha - theta/2: derivatives by theta, and by alpha. */
static jet by_contrast(const glmm *g, const trial *t, double alpha, double theta)
{
    jet a = arm_at(g->kind, &t->one, alpha + 0.5 * theta), b = arm_at(g->kind, &t->two, alpha - 0.5 * theta);
    return (jet){a.f + b.f, 0.5 * (a.d - b.d), 0.25 * (a.dd + b.dd)};
}

static jet by_level(const glmm *g, const trial *t, double alpha, double theta)
{
    jet a = arm_at(g->kind, &t->one, alpha + 0.5 * theta), b = arm_at(g->kind, &t->two, alpha - 0.5 * theta);
    return (jet){a.f + b.f, a.d + b.d, a.dd + b.dd};
}

/* Swapped roles, arms at level + effect and level, as metafor codes its saturated model: derivatives by the level, and by the effect. */
static jet swapped_by_level(const glmm *g, const trial *t, double level, double effect)
{
    jet a = arm_at(g->kind, &t->one, level + effect), b = arm_at(g->kind, &t->two, level);
    return (jet){a.f + b.f, a.d + b.d, a.dd + b.dd};
}

static jet swapped_by_effect(const glmm *g, const trial *t, double level, double effect)
{
    jet a = arm_at(g->kind, &t->one, level + effect), b = arm_at(g->kind, &t->two, level);
    return (jet){a.f + b.f, a.d, a.dd};
}

/* Log-likelihood of a study as a function of its effect theta; alpha is the study effect of UM_FS. */
static jet study_at(const glmm *g, const trial *t, double alpha, double theta)
{
    if (g->kind == HYPERGEOMETRIC) return hyper_at(t, theta);
    if (g->model != PRC_META_UM_FS) return arm_at(g->kind, &t->one, theta);
    return g->swapped ? swapped_by_level(g, t, theta, alpha) : by_contrast(g, t, alpha, theta);
}

/* Gauss-Hermite nodes by Newton's method on the orthonormal recurrence; half of them, mirrored. */
static void hermite(glmm *g)
{
    size_t n = g->n_node;
    double x = 0, order = (double)n;
    for (size_t i = 0; i < (n + 1) / 2; i++) {
        if (i == 0) x = sqrt(2 * order + 1) - 1.85575 * pow(2 * order + 1, -1.0 / 6);
        else if (i == 1) x -= 1.14 * pow(order, 0.426) / x;
        else if (i == 2) x = 1.86 * x - 0.86 * g->node[0];
        else if (i == 3) x = 1.91 * x - 0.91 * g->node[1];
        else x = 2 * x - g->node[i - 2];
        double p1 = 0, p2 = 0, slope = 1;
        for (int round = 0; round < 60; round++) {
            p1 = 0.75112554446494248286; /* pi^-1/4 */
            p2 = 0;
            for (size_t j = 1; j <= n; j++) {
                double p3 = p2;
                p2 = p1;
                p1 = x * sqrt(2 / (double)j) * p2 - sqrt(((double)j - 1) / (double)j) * p3;
            }
            slope = sqrt(2 * order) * p2;
            double dx = p1 / slope;
            x -= dx;
            if (fabs(dx) < 1e-15 * fmax(1, fabs(x))) break;
        }
        g->node[i] = x;
        g->node[n - 1 - i] = -x;
        g->log_weight[i] = g->log_weight[n - 1 - i] = log(2 / (slope * slope)) + x * x;
    }
    if (n % 2) g->node[n / 2] = 0;
}

/* One study's integral over a standard normal z, effect mu + tau z: log value and posterior means. */
typedef struct integral {
    double value, d_mu, d_tau; /* derivatives by mu and tau */
    double a, aa;              /* UM_FS: first and second derivative by alpha */
} integral;

static double mode_of(const glmm *g, const trial *t, double alpha, double mu, double tau, double *scale)
{
    double z = 0;
    jet j = {0, 0, 0};
    for (int i = 0; i < 100; i++) {
        j = study_at(g, t, alpha, mu + tau * z);
        double step = (tau * j.d - z) / (1 - tau * tau * j.dd);
        /* The log-likelihood is concave: a step is only cut where exp() would run away. */
        if (fabs(tau * step) > 3) step *= 3 / fabs(tau * step);
        z += step;
        if (fabs(step) < 1e-12 * (1 + fabs(z))) break;
    }
    *scale = 1 / sqrt(1 - tau * tau * j.dd);
    return z;
}

static integral integrate(const glmm *g, const trial *t, double alpha, double mu, double tau)
{
    integral r = {0, 0, 0, 0, 0};
    double scale, mode = mode_of(g, t, alpha, mu, tau, &scale), top = -(double)INFINITY, s = 0, lw[NODE_MAX], z[NODE_MAX], a2 = 0;
    size_t n = tau == 0 ? 1 : g->n_node;
    for (size_t i = 0; i < n; i++) {
        z[i] = tau == 0 ? 0 : mode + sqrt(2.0) * scale * g->node[i];
        lw[i] = study_at(g, t, alpha, mu + tau * z[i]).f + (tau == 0 ? 0 : g->log_weight[i] - 0.5 * z[i] * z[i] + log(scale) - 0.5 * log(M_PI));
        top = fmax(top, lw[i]);
    }
    for (size_t i = 0; i < n; i++) {
        double w = exp(lw[i] - top);
        jet j = study_at(g, t, alpha, mu + tau * z[i]);
        s += w;
        r.d_mu += w * j.d;
        r.d_tau += w * j.d * z[i];
        if (g->model != PRC_META_UM_FS) continue;
        jet q = g->swapped ? swapped_by_effect(g, t, mu + tau * z[i], alpha) : by_level(g, t, alpha, mu + tau * z[i]);
        r.a += w * q.d;
        a2 += w * (q.dd + q.d * q.d);
    }
    r.value = top + log(s) + t->constant;
    r.d_mu /= s;
    r.d_tau /= s;
    r.a /= s;
    r.aa = a2 / s - r.a * r.a;
    return r;
}

/* UM_FS: the study effect at its maximum given mu and tau. */
static integral profile(const glmm *g, trial *t, double mu, double tau)
{
    double alpha = t->nuisance, tol = g->n_node < EXACT_NODES ? 1e-9 : 1e-11;
    integral r = {0, 0, 0, 0, 0};
    for (int i = 0; i < 100; i++) {
        r = integrate(g, t, alpha, mu, tau);
        /* With few nodes the posterior mean is not the derivative; the saturated UM_RS takes differences of the approximation. */
        if (g->swapped && g->n_node < EXACT_NODES && fabs(alpha) < 15) {
            const double h = 5e-3;
            double f[4];
            for (size_t m = 0; m < 4; m++) f[m] = integrate(g, t, alpha + h * STENCIL[m], mu, tau).value;
            r.a = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
        }
        double step = r.aa < 0 ? -r.a / r.aa : (r.a > 0 ? 0.5 : -0.5);
        if (fabs(step) > 2) step = step > 0 ? 2 : -2;
        if (fabs(step) < tol * (1 + fabs(alpha))) break;
        alpha += step;
        if (fabs(alpha) > 30) break; /* no events in an arm: the effect runs to infinity, the likelihood no longer moves */
    }
    t->nuisance = alpha;
    return r;
}

/* ---- two random effects (UM_RS) ------------------------------------------------------------------------------ */

/* theta: intercept, mu, sigma, tau. Linear predictors of both arms at z = (study, treatment). */
static void predictors(const double *p, const double *z, double *e1, double *e2)
{
    double base = p[0] + p[2] * z[0], half = 0.5 * (p[1] + p[3] * z[1]);
    *e1 = base + half;
    *e2 = base - half;
}

/* Mode in z and the Cholesky factor of the inverse curvature; returns log det of that factor. */
static double mode_2d(const glmm *g, const trial *t, const double *p, double *z, double *l)
{
    double h00 = 1, h01 = 0, h11 = 1;
    z[0] = z[1] = 0;
    for (int i = 0; i < 200; i++) {
        double e1, e2;
        predictors(p, z, &e1, &e2);
        jet a = arm_at(g->kind, &t->one, e1), b = arm_at(g->kind, &t->two, e2);
        double g0 = p[2] * (a.d + b.d) - z[0], g1 = 0.5 * p[3] * (a.d - b.d) - z[1];
        h00 = 1 - p[2] * p[2] * (a.dd + b.dd);
        h01 = -0.5 * p[2] * p[3] * (a.dd - b.dd);
        h11 = 1 - 0.25 * p[3] * p[3] * (a.dd + b.dd);
        double det = h00 * h11 - h01 * h01, s0 = (h11 * g0 - h01 * g1) / det, s1 = (h00 * g1 - h01 * g0) / det;
        double run = fmax(fabs(p[2] * s0), fabs(p[3] * s1));
        double cut = run > 3 ? 3 / run : 1;
        z[0] += cut * s0;
        z[1] += cut * s1;
        if (fabs(s0) + fabs(s1) < 1e-12 * (1 + fabs(z[0]) + fabs(z[1]))) break;
    }
    /* Inverse curvature = L L'. */
    double det = h00 * h11 - h01 * h01, c00 = h11 / det, c01 = -h01 / det, c11 = h00 / det;
    l[0] = sqrt(c00);
    l[1] = c01 / l[0];
    l[2] = sqrt(fmax(c11 - l[1] * l[1], 1e-300));
    return log(l[0]) + log(l[2]);
}

static double integrate_2d(const glmm *g, const trial *t, const double *p, double *grad)
{
    double mode[2], l[3], scale = mode_2d(g, t, p, mode, l), s = 0, sum[4] = {0, 0, 0, 0}, top = 0, r2 = sqrt(2.0);
    bool first = true;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t j = 0; j < g->n_node; j++) {
            double z[2] = {mode[0] + r2 * l[0] * g->node[i], mode[1] + r2 * (l[1] * g->node[i] + l[2] * g->node[j])}, e1, e2;
            predictors(p, z, &e1, &e2);
            jet a = arm_at(g->kind, &t->one, e1), b = arm_at(g->kind, &t->two, e2);
            double lw = a.f + b.f + g->log_weight[i] + g->log_weight[j] - 0.5 * (z[0] * z[0] + z[1] * z[1]) + scale - log(M_PI);
            if (first || lw > top) {
                double shrink = first ? 0 : exp(top - lw);
                s *= shrink;
                for (int m = 0; m < 4; m++) sum[m] *= shrink;
                top = lw;
                first = false;
            }
            double w = exp(lw - top), d = a.d + b.d, e = 0.5 * (a.d - b.d);
            s += w;
            sum[0] += w * d;
            sum[1] += w * e;
            sum[2] += w * d * z[0];
            sum[3] += w * e * z[1];
        }
    for (int m = 0; m < 4; m++) grad[m] += sum[m] / s;
    return top + log(s) + t->constant;
}

/* ---- likelihood ---------------------------------------------------------------------------------------------- */

/* Value alone. theta: mu, tau; UM_RS: intercept, mu, sigma, tau; without tau when fixed. */
static double value_at(glmm *g, const double *theta, double *grad, size_t n)
{
    double s = 0, p[4] = {0, 0, 0, 0}, d[4] = {0, 0, 0, 0};
    memcpy(p, theta, n * sizeof *theta);
    for (size_t i = 0; i < g->k; i++) {
        if (g->model == PRC_META_UM_RS) {
            s += integrate_2d(g, &g->t[i], p, d);
        } else {
            integral r = g->model == PRC_META_UM_FS ? profile(g, &g->t[i], p[0], p[1]) : integrate(g, &g->t[i], 0, p[0], p[1]);
            s += r.value;
            d[0] += r.d_mu;
            d[1] += r.d_tau;
        }
    }
    memcpy(grad, d, n * sizeof *grad);
    return s;
}

static size_t n_parameter(const glmm *g)
{
    return (size_t)((g->model == PRC_META_UM_RS ? 4 : 2) - (g->fixed ? 1 : 0));
}

static double objective(void *ctx, const double *theta, double *grad)
{
    glmm *g = ctx;
    size_t n = n_parameter(g);
    double value = value_at(g, theta, grad, n);
    if (g->n_node >= EXACT_NODES || (g->fixed && g->model != PRC_META_UM_RS)) return value;
    /* With few nodes (one: Laplace) posterior means are not the derivatives of the approximation; fourth-order differences are. */
    double x[4], junk[4];
    for (size_t j = 0; j < n; j++) {
        double h = 1e-3 * fmax(fabs(theta[j]), 0.1), f[4];
        for (size_t m = 0; m < 4; m++) {
            memcpy(x, theta, n * sizeof *x);
            x[j] += STENCIL[m] * h;
            f[m] = value_at(g, x, junk, n);
        }
        grad[j] = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
    }
    return value;
}

/* ---- data ---------------------------------------------------------------------------------------------------- */

static double log_choose(double n, double k)
{
    int sign;
    return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

static double constant_of(shape kind, const arm *a)
{
    int sign;
    if (kind == POISSON) return (a->x > 0 ? a->x * log(a->n) : 0) - lgamma_r(a->x + 1, &sign);
    return log_choose(a->n, a->x);
}

/* The largest log-likelihood an arm can have. */
static double saturated(shape kind, const arm *a)
{
    double x = a->x, n = a->n, s = 0;
    int sign;
    if (kind == POISSON) return (x > 0 ? x * log(x) - x : 0) - lgamma_r(x + 1, &sign);
    if (x > 0) s += x * log(x / n);
    if (x < n) s += (n - x) * log1p(-x / n);
    return s + log_choose(n, x);
}

static prc_status hyper_weights(trial *t, double n1, double n2, double a, double m, prc_error *err)
{
    double lo = fmax(0, m - n2), hi = fmin(n1, m);
    if (!(hi - lo < 1e7)) return prc_fail(err, PRC_E_VALUE, "tables of this size are too large for the exact conditional model; use CM.AL");
    t->lo = lo;
    t->n_weight = (size_t)(hi - lo) + 1;
    t->log_weight = prc_malloc(t->n_weight, sizeof *t->log_weight);
    if (!t->log_weight) return prc_meta_no_memory(err);
    for (size_t j = 0; j < t->n_weight; j++) t->log_weight[j] = log_choose(n1, lo + (double)j) + log_choose(n2, m - lo - (double)j);
    t->one = (arm){a, m, 0};
    t->constant = log_choose(n1, a) + log_choose(n2, m - a);
    return PRC_OK;
}

static double value_of(const prc_meta_data *d, prc_meta_key k, size_t i)
{
    return d->col[k] ? d->col[k][i] : PRC_META_NONE;
}

/* Reads study i into t; *use false when a cell is missing or the table says nothing. */
static prc_status read_trial(const glmm *g, bool rates, const prc_meta_data *d, size_t i, trial *t, bool *use, prc_error *err)
{
    *use = false;
    *t = (trial){0};
    if (g->model == PRC_META_GLMM_ONE) {
        double x = value_of(d, PRC_META_xi, i), n = rates ? value_of(d, PRC_META_ti, i) : value_of(d, PRC_META_ni, i);
        if (!rates && !d->col[PRC_META_ni]) n = x + value_of(d, PRC_META_mi, i);
        t->one = (arm){x, n, 0};
        *use = !isnan(x + n) && n > 0;
        if (*use) t->constant = constant_of(g->kind, &t->one);
        return PRC_OK;
    }
    double a = value_of(d, rates ? PRC_META_x1i : PRC_META_ai, i), c = value_of(d, rates ? PRC_META_x2i : PRC_META_ci, i);
    double n1 = value_of(d, rates ? PRC_META_t1i : PRC_META_n1i, i), n2 = value_of(d, rates ? PRC_META_t2i : PRC_META_n2i, i);
    if (!rates && d->col[PRC_META_bi] && d->col[PRC_META_di]) n1 = a + value_of(d, PRC_META_bi, i), n2 = c + value_of(d, PRC_META_di, i);
    if (isnan(a + c + n1 + n2) || !(n1 > 0) || !(n2 > 0)) return PRC_OK;
    if (a + c == 0 || (!rates && a == n1 && c == n2)) return PRC_OK;
    *use = true;
    if (g->kind == HYPERGEOMETRIC) return hyper_weights(t, n1, n2, a, a + c, err);
    if (g->model == PRC_META_CM_AL || g->model == PRC_META_CM_EL) {
        t->one = (arm){a, a + c, log(n1 / n2)};
        t->constant = log_choose(a + c, a);
        return PRC_OK;
    }
    t->one = (arm){a, n1, 0};
    t->two = (arm){c, n2, 0};
    t->constant = constant_of(g->kind, &t->one) + constant_of(g->kind, &t->two);
    double p = (a + c) / (n1 + n2);
    t->nuisance = rates ? log(p) : log(p / (1 - p));
    return PRC_OK;
}

static prc_status glmm_create(const prc_meta_measure *m, prc_meta_glmm model, const prc_meta_data *d, size_t n_node, glmm *g, prc_error *err)
{
    bool one_rate = !strcmp(m->name, "IRLN"), rates = one_rate || !strcmp(m->name, "IRR"), one = one_rate || !strcmp(m->name, "PLO");
    if (!one && !rates && strcmp(m->name, "OR")) return prc_fail(err, PRC_E_VALUE, "the exact-likelihood model takes PLO, IRLN, OR and IRR, not %s", m->name);
    if (one != (model == PRC_META_GLMM_ONE)) return prc_fail(err, PRC_E_VALUE, "measure %s has %s a study", m->name, one ? "one arm" : "two arms");
    if (model == PRC_META_CM_AL && rates) return prc_fail(err, PRC_E_VALUE, "the approximate conditional model is for OR; for IRR the exact one (CM.EL) costs the same");
    *g = (glmm){.model = model, .kind = rates ? POISSON : BINOMIAL, .n_node = n_node ? n_node : model == PRC_META_UM_RS ? 20 : 32};
    if (model == PRC_META_CM_EL) g->kind = rates ? BINOMIAL : HYPERGEOMETRIC;
    if (g->n_node > NODE_MAX) return prc_fail(err, PRC_E_VALUE, "at most %d quadrature nodes", NODE_MAX);
    g->t = prc_calloc(d->n ? d->n : 1, sizeof *g->t);
    if (!g->t) return prc_meta_no_memory(err);
    for (size_t i = 0; i < d->n; i++) {
        bool use;
        PRC_TRY(read_trial(g, rates, d, i, &g->t[g->k], &use, err));
        if (use) g->k++;
    }
    if (!g->k) return prc_fail(err, PRC_E_VALUE, "no study with events is left to pool");
    hermite(g);
    return PRC_OK;
}

static void glmm_reset(glmm *g)
{
    for (size_t i = 0; g->t && i < g->k; i++) prc_free(g->t[i].log_weight);
    prc_free(g->t);
}

/* ---- fit ----------------------------------------------------------------------------------------------------- */

/* Start: overall effect from the sums of all studies, as a log odds or log rate (ratio). */
static void start(const glmm *g, double *theta)
{
    double x1 = 0.5, n1 = 1, x2 = 0.5, n2 = 1, off = 0;
    for (size_t i = 0; i < g->k; i++) {
        x1 += g->t[i].one.x;
        n1 += g->t[i].one.n;
        x2 += g->t[i].two.x;
        n2 += g->t[i].two.n;
        off += g->t[i].one.offset / (double)g->k;
    }
    double l1 = g->kind == POISSON ? log(x1 / n1) : log(x1 / (n1 - x1)), l2 = g->kind == POISSON ? log(x2 / n2) : log(x2 / (n2 - x2));
    theta[0] = theta[1] = 0.5;
    if (g->model == PRC_META_UM_RS) {
        theta[0] = 0.5 * (l1 + l2);
        theta[1] = l1 - l2;
        theta[2] = theta[3] = 0.5;
    } else if (g->model == PRC_META_UM_FS) {
        theta[0] = l1 - l2;
    } else if (g->kind != HYPERGEOMETRIC) {
        theta[0] = l1 - off;
    } else {
        theta[0] = 0;
    }
}

/* Heterogeneity from the saturated model: likelihood ratio and Wald. Studies whose own effect is infinite carry no weight in the Wald form. */
static void saturated_tests(const glmm *g, double ll_fixed, prc_meta_table_fit *f)
{
    double sat = 0, sw = 0, swy = 0, swyy = 0;
    if (g->model == PRC_META_UM_RS || g->kind == HYPERGEOMETRIC) return;
    for (size_t i = 0; i < g->k; i++) {
        const arm *a = &g->t[i].one, *b = &g->t[i].two;
        bool two = g->model == PRC_META_UM_FS, rate = g->kind == POISSON;
        sat += saturated(g->kind, a) + (two ? saturated(g->kind, b) : 0);
        double y = (rate ? log(a->x / a->n) : log(a->x / (a->n - a->x))) - a->offset, v = 1 / a->x + (rate ? 0 : 1 / (a->n - a->x));
        if (two) y -= rate ? log(b->x / b->n) : log(b->x / (b->n - b->x)), v += 1 / b->x + (rate ? 0 : 1 / (b->n - b->x));
        if (!isfinite(y) || !isfinite(v)) continue;
        sw += 1 / v;
        swy += y / v;
        swyy += y * y / v;
    }
    f->logLik_saturated = sat;
    f->QE_lrt = 2 * (sat - ll_fixed);
    f->QE_wald = sw > 0 ? fmax(0, swyy - swy * swy / sw) : PRC_META_NONE;
}

/* Score of one study in the saturated UM_RS by x = level, sigma, effect: posterior means, or with few nodes differences of the approximation. */
static void random_score(const glmm *g, const trial *t, const double *x, double *score)
{
    integral r = integrate(g, t, x[2], x[0], x[1]);
    const double h = 5e-3;
    score[0] = r.d_mu;
    score[1] = r.d_tau;
    score[2] = r.a;
    for (size_t j = 0; j < 3 && g->n_node < EXACT_NODES; j++) {
        double y[3] = {x[0], x[1], x[2]}, f[4];
        for (size_t m = 0; m < 4; m++) {
            y[j] = x[j] + h * STENCIL[m];
            f[m] = integrate(g, t, y[2], y[0], y[1]).value;
        }
        score[j] = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
    }
}

/* Its observed information. */
static void random_information(const glmm *g, const trial *t, const double *x, double info[3][3])
{
    const double h = 5e-3;
    for (size_t j = 0; j < 3; j++) {
        double y[3] = {x[0], x[1], x[2]}, f[4][3];
        for (size_t m = 0; m < 4; m++) {
            y[j] = x[j] + h * STENCIL[m];
            random_score(g, t, y, f[m]);
        }
        for (size_t i = 0; i < 3; i++) info[i][j] = -(f[0][i] - 8 * f[1][i] + 8 * f[2][i] - f[3][i]) / (12 * h);
    }
}

/* Wald test that all effects of the saturated UM_RS are one: W their information with level and sigma profiled out, Q = e'We - (e'W1)^2 / 1'W1.
 * The effect of a study is infinite, and without weight, when arm one has no events or only events; an empty arm two is met by the random level. */
static double random_wald(const glmm *g, const double *p)
{
    double c[2][2] = {{0, 0}, {0, 0}}, s11 = 0, s1e = 0, see = 0, u[2] = {0, 0}, v[2] = {0, 0};
    bool flat = fabs(p[1]) < 1e-4; /* on the boundary the information between sigma and the rest is zero */
    for (size_t i = 0; i < g->k; i++) {
        const trial *t = &g->t[i];
        double info[3][3], e = t->nuisance, x[3] = {p[0], flat ? 0 : p[1], e};
        random_information(g, t, x, info);
        for (size_t a = 0; a < 2; a++)
            for (size_t b = 0; b < 2; b++) c[a][b] += info[a][b];
        if (t->one.x == 0 || (g->kind == BINOMIAL && t->one.x == t->one.n)) continue;
        s11 += info[2][2];
        s1e += info[2][2] * e;
        see += info[2][2] * e * e;
        for (size_t a = 0; a < 2; a++) {
            double cross = 0.5 * (info[a][2] + info[2][a]);
            u[a] += cross;
            v[a] += cross * e;
        }
    }
    double off = flat ? 0 : 0.5 * (c[0][1] + c[1][0]), det = c[0][0] * c[1][1] - off * off;
    if (flat) c[1][1] = 1, u[1] = v[1] = 0, det = c[0][0];
    if (!(c[0][0] > 0) || !(det > 0)) return PRC_META_NONE;
    double i00 = c[1][1] / det, i01 = -off / det, i11 = c[0][0] / det;
    s11 -= i00 * u[0] * u[0] + 2 * i01 * u[0] * u[1] + i11 * u[1] * u[1];
    s1e -= i00 * u[0] * v[0] + i01 * (u[0] * v[1] + u[1] * v[0]) + i11 * u[1] * v[1];
    see -= i00 * v[0] * v[0] + 2 * i01 * v[0] * v[1] + i11 * v[1] * v[1];
    return s11 > 0 ? fmax(0, see - s1e * s1e / s11) : PRC_META_NONE;
}

/* UM_RS: the saturated model keeps the random study effect and gives every study a treatment effect of its own. */
static prc_status saturated_random(const glmm *g, const double *theta, double ll_fixed, prc_meta_table_fit *f, prc_error *err)
{
    prc_status st;
    glmm s = *g;
    double p[2] = {theta[0], theta[2]}, value;
    s.model = PRC_META_UM_FS;
    s.swapped = true;
    s.fixed = false;
    for (size_t i = 0; i < s.k; i++) {
        const arm *a = &s.t[i].one, *b = &s.t[i].two;
        s.t[i].nuisance = s.kind == POISSON ? log((a->x + 0.5) / a->n) - log((b->x + 0.5) / b->n)
                                            : log((a->x + 0.5) / (a->n - a->x + 0.5)) - log((b->x + 0.5) / (b->n - b->x + 0.5));
    }
    if (prc_meta_maximise(objective, &s, p, 2, &value, NULL, &st)) {
        f->QE_lrt = 2 * (value - ll_fixed);
        for (size_t i = 0; i < s.k; i++) profile(&s, &s.t[i], p[0], p[1]);
        f->QE_wald = random_wald(&s, p);
    }
    return st == PRC_E_MEMORY ? prc_meta_no_memory(err) : PRC_OK;
}

/* The log-likelihood at the modes of the random effects. */
static double conditional(const glmm *g, double mu, double tau)
{
    double s = 0, scale;
    if (g->model == PRC_META_UM_RS) return PRC_META_NONE;
    for (size_t i = 0; i < g->k; i++) {
        const trial *t = &g->t[i];
        double z = mode_of(g, t, t->nuisance, mu, tau, &scale);
        s += study_at(g, t, t->nuisance, mu + tau * z).f + t->constant;
    }
    return s;
}

/* Typical sampling variance of the studies' own effects, for I2. */
static prc_status typical(const prc_meta_measure *m, const prc_meta_data *d, bool two, double *vt, prc_error *err)
{
    prc_status st = PRC_OK;
    double *y = prc_malloc(2 * d->n + 1, sizeof *y), *v = y ? y + d->n : NULL, s1 = 0, s2 = 0, n = 0;
    *vt = PRC_META_NONE;
    if (!y) return prc_meta_no_memory(err);
    PRC_GO(st, prc_meta_effects(m, NULL, d, y, v, NULL, err));
    for (size_t i = 0; i < d->n; i++) {
        double a = value_of(d, PRC_META_ai, i), c = value_of(d, PRC_META_ci, i);
        if (two && d->col[PRC_META_x1i]) a = value_of(d, PRC_META_x1i, i), c = value_of(d, PRC_META_x2i, i);
        if (isnan(y[i]) || !(v[i] > 0) || (two && a + c == 0)) continue;
        s1 += 1 / v[i];
        s2 += 1 / (v[i] * v[i]);
        n++;
    }
    if (n > 1) *vt = (n - 1) / (s1 - s2 / s1);
out:
    prc_free(y);
    return st;
}

static prc_status climb_to(glmm *g, double *theta, double *value, double *hessian, prc_error *err)
{
    prc_status st;
    bool ok = prc_meta_maximise(objective, g, theta, n_parameter(g), value, hessian, &st);
    if (st) return prc_meta_no_memory(err);
    if (!ok) return prc_fail(err, PRC_E_NUMERIC, "the likelihood of the mixed model has no maximum that can be found; one arm may be without events in all studies");
    return PRC_OK;
}

/* Variances of mu and of tau from the observed information. */
static prc_status errors_of(glmm *g, const double *hessian, double tau, prc_meta_table_fit *f, prc_error *err)
{
    size_t n = n_parameter(g), at = g->model == PRC_META_UM_RS ? 1 : 0;
    double a[16], inv[16];
    for (size_t i = 0; i < n * n; i++) a[i] = -hessian[i];
    if (!prc_meta_chol(a, n)) return prc_fail(err, PRC_E_NUMERIC, "the information matrix of the mixed model is singular");
    prc_meta_chol_inverse(a, n, inv);
    f->se = sqrt(inv[at * n + at]);
    f->se_tau2 = g->fixed ? PRC_META_NONE : 2 * fabs(tau) * sqrt(inv[n * n - 1]);
    return PRC_OK;
}

prc_status prc_meta_fit_glmm(const prc_meta_measure *m, prc_meta_glmm model, const prc_meta_data *d, size_t n_node, bool fixed, double level, prc_meta_table_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    glmm g = {0};
    double theta[4], theta0[4], value0, value, hessian[16], none = PRC_META_NONE, vt;
    prc_meta_table_fit f = {.MH = none, .MHp = none, .TA = none, .TAp = none, .QE = none, .QEp = none, .QE_wald = none, .QE_lrt = none, .logLik_saturated = none, .tau2 = 0, .se_tau2 = none};
    PRC_GO(st, typical(m, d, model != PRC_META_GLMM_ONE, &vt, err));
    PRC_GO(st, glmm_create(m, model, d, n_node, &g, err));
    size_t mu = model == PRC_META_UM_RS ? 1 : 0;
    start(&g, theta0);
    g.fixed = true;
    PRC_GO(st, climb_to(&g, theta0, &value0, hessian, err));
    saturated_tests(&g, value0, &f);
    if (model == PRC_META_UM_RS) PRC_GO(st, saturated_random(&g, theta0, value0, &f, err));
    value = value0;
    memcpy(theta, theta0, sizeof theta);
    PRC_GO(st, errors_of(&g, hessian, 0, &f, err));
    if (!fixed && g.k > 1) {
        double h2[16], better;
        g.fixed = false;
        theta[n_parameter(&g) - 1] = 0.5;
        PRC_GO(st, climb_to(&g, theta, &better, h2, err));
        double tau = theta[n_parameter(&g) - 1];
        /* tau2 = 0 unless the likelihood rises with it. */
        if (better > value0 + 1e-10 * (1 + fabs(value0)) && fabs(tau) > 1e-5) {
            value = better;
            f.tau2 = tau * tau;
            PRC_GO(st, errors_of(&g, h2, tau, &f, err));
        } else {
            memcpy(theta, theta0, sizeof theta);
        }
    }
    double z = prc_norm_inv(0.5 + level / 2);
    f.k = f.k_yi = g.k;
    f.n_node = g.n_node;
    f.estimate = theta[mu];
    f.stat = f.estimate / f.se;
    f.pval = prc_stat_normal_p(f.stat);
    f.ci_lb = f.estimate - z * f.se;
    f.ci_ub = f.estimate + z * f.se;
    f.logLik = value;
    f.logLik_conditional = conditional(&g, theta[0], sqrt(f.tau2));
    double parms = (model == PRC_META_UM_RS ? 3 : model == PRC_META_UM_FS ? 1 + (double)g.k : 1) + (fixed ? 0 : 1);
    double rows = model == PRC_META_UM_FS || model == PRC_META_UM_RS ? 2 * (double)g.k : (double)g.k;
    f.AIC = 2 * parms - 2 * value;
    f.BIC = parms * log(rows) - 2 * value;
    f.QE_df = (double)g.k - 1;
    f.QE = f.QE_lrt;
    f.QEp = isnan(f.QE) || !(f.QE_df > 0) ? PRC_META_NONE : prc_stat_chisq_p(f.QE, f.QE_df);
    f.I2 = 100 * f.tau2 / (vt + f.tau2);
    f.H2 = f.tau2 / vt + 1;
    *out = f;
out:
    glmm_reset(&g);
    return st;
}
