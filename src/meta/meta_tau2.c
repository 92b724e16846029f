/* meta_tau2.c: estimators of the between-study variance and its intervals. Formulas: Viechtbauer 2005 (J Educ Behav Stat 30:261), DerSimonian and
 * Kacker 2007 (CCT 28:105). */
#include "meta_int.h"

#include <math.h>

/* Residual variance of unweighted least squares: the scale on which tau2 lives. */
static double spread(prc_meta_core *c)
{
    double s = 0, df = (double)c->k - (double)c->q;
    for (size_t i = 0; i < c->k; i++) c->u[i] = c->y[i];
    for (size_t a = 0; a < c->q; a++) {
        double f = 0;
        for (size_t i = 0; i < c->k; i++) f += c->z[i * c->q + a] * c->u[i];
        for (size_t i = 0; i < c->k; i++) c->u[i] -= f * c->z[i * c->q + a];
    }
    for (size_t i = 0; i < c->k; i++) s += c->u[i] * c->u[i];
    return df > 0 ? s / df : 0;
}

/* Standard error common to the moment estimators: numerator 2 a + 4 tau2 b + 2 tau2^2 d over den^2. */
static double moment_se(double a, double b, double d, double t, double den)
{
    t = fmax(t, 0);
    return sqrt(2 * a + 4 * t * b + 2 * t * t * d) / den;
}

static double tau2_dl_hs(prc_meta_core *c, bool dl, double *se)
{
    double df = (double)c->k - (double)c->q;
    prc_meta_core_at(c, 0);
    double trp = prc_meta_core_trp(c), trpp = prc_meta_core_trpp(c);
    double den = dl ? trp : c->sw, t = (c->rss - (dl ? df : (double)c->k)) / den;
    *se = moment_se(df, trp, trpp, t, den);
    return fmax(t, 0);
}

/* Hedges: unweighted residual variance less its mean sampling variance. With weights 1 the core's P is I - ZZ'. */
static double tau2_he(prc_meta_core *c, double *se)
{
    double df = (double)c->k - (double)c->q, var = spread(c), trpv = 0;
    const double *z = c->z;
    size_t q = c->q;
    for (size_t i = 0; i < c->k; i++) c->w[i] = 1;
    prc_meta_core_moment(c, 0, 1, c->s); /* Z'VZ */
    for (size_t i = 0; i < c->k; i++) trpv += c->v[i];
    double v2 = 0, zv2z = 0;
    for (size_t a = 0; a < q; a++) trpv -= c->s[a * q + a];
    for (size_t i = 0; i < c->k; i++) {
        double zz = 0;
        for (size_t a = 0; a < q; a++) zz += z[i * q + a] * z[i * q + a];
        v2 += c->v[i] * c->v[i];
        zv2z += zz * c->v[i] * c->v[i];
    }
    double trpvpv = v2 - 2 * zv2z + prc_meta_trace(c->s, c->s, q);
    double t = var - trpv / df;
    *se = moment_se(trpvpv, trpv, df, t, df);
    return fmax(t, 0);
}

static double tau2_sj(prc_meta_core *c, double *se)
{
    double mean = 0, t0 = 0, k = (double)c->k, df = k - (double)c->q;
    for (size_t i = 0; i < c->k; i++) mean += c->y[i] / k;
    for (size_t i = 0; i < c->k; i++) t0 += (c->y[i] - mean) * (c->y[i] - mean) / k;
    if (!(t0 > 0)) {
        *se = 0;
        return 0;
    }
    prc_meta_core_at(c, t0);
    double t = t0 * c->rss / df;
    *se = t0 * moment_se(prc_meta_core_trpvpv(c), prc_meta_core_trppv(c), prc_meta_core_trpp(c), t, df);
    return t;
}

/* ---- Q(tau2) and its roots ----------------------------------------------------------------------------------- */

typedef struct q_target { prc_meta_core *c; double want; } q_target;

static double q_miss(void *ctx, double t)
{
    q_target *q = ctx;
    prc_meta_core_at(q->c, t);
    return q->c->rss - q->want;
}

/* tau2 where Q falls to want; 0 when it lies below from the start. Q falls without end, so the bracket grows until it holds. */
static double q_root(prc_meta_core *c, double want)
{
    q_target q = {c, want};
    if (!(q_miss(&q, 0) > 0)) return 0;
    double hi = prc_meta_grow(q_miss, &q, 0, fmax(spread(c), 1e-300));
    return isnan(hi) ? hi : prc_meta_root(q_miss, &q, 0, hi);
}

static double tau2_pm(prc_meta_core *c, double *se)
{
    double k = (double)c->k, df = k - (double)c->q, t = q_root(c, df);
    prc_meta_core_at(c, t);
    *se = sqrt(2 * k * k / df) / c->sw;
    return t;
}

void prc_meta_tau2_profile(prc_meta_core *c, double level, double *lb, double *ub, bool *empty)
{
    double df = (double)c->k - (double)c->q, a = (1 - level) / 2;
    double low = prc_meta_chisq_quantile(a, df), high = prc_meta_chisq_quantile(1 - a, df);
    prc_meta_core_at(c, 0);
    *empty = c->rss < low;
    *lb = *ub = PRC_META_NONE;
    if (*empty) return;
    *lb = q_root(c, high);
    *ub = q_root(c, low);
}

/* ---- likelihood ---------------------------------------------------------------------------------------------- */

typedef struct score_of { prc_meta_core *c; bool reml; } score_of;

/* Twice the derivative of the log-likelihood. */
static double score(void *ctx, double t)
{
    score_of *s = ctx;
    prc_meta_core_at(s->c, t);
    return s->c->ypp - (s->reml ? prc_meta_core_trp(s->c) : s->c->sw);
}

static double loglik_at(prc_meta_core *c, bool reml, double t)
{
    prc_meta_core_at(c, t);
    return prc_meta_core_loglik(c, reml);
}

/* The likelihood can have several maxima: the score is scanned on a geometric grid from the smallest variance that matters to where it stays negative, every
 * fall through zero is solved, and the highest maximum, 0 included, is taken. */
static double tau2_likelihood(prc_meta_core *c, bool reml)
{
    enum { POINTS = 40 };
    score_of s = {c, reml};
    double vmin = c->v[0], top = spread(c), best = 0;
    for (size_t i = 1; i < c->k; i++) vmin = fmin(vmin, c->v[i]);
    double hi = prc_meta_grow(score, &s, 0, 4 * fmax(top, vmin)), lo = fmin(1e-4 * vmin, 1e-4 * hi);
    if (isnan(hi)) return hi;
    double ratio = exp(log(hi / lo) / (POINTS - 1)), a = 0, fa = score(&s, 0);
    double ll = loglik_at(c, reml, 0);
    for (int i = 0; i < POINTS; i++) {
        double b = i == POINTS - 1 ? hi : lo * pow(ratio, i), fb = score(&s, b);
        if (fa > 0 && fb <= 0) {
            double t = prc_meta_root(score, &s, a, b), value = loglik_at(c, reml, t);
            if (value > ll) best = t, ll = value;
        }
        a = b, fa = fb;
    }
    return best;
}

double prc_meta_tau2(prc_meta_core *c, prc_meta_method m, double *se)
{
    double t = 0;
    *se = PRC_META_NONE;
    switch (m) {
    case PRC_META_DL: return tau2_dl_hs(c, true, se);
    case PRC_META_HS: return tau2_dl_hs(c, false, se);
    case PRC_META_HE: return tau2_he(c, se);
    case PRC_META_SJ: return tau2_sj(c, se);
    case PRC_META_EB:
    case PRC_META_PM: return tau2_pm(c, se);
    case PRC_META_ML:
    case PRC_META_REML:
        t = tau2_likelihood(c, m == PRC_META_REML);
        prc_meta_core_at(c, t);
        if (m == PRC_META_REML) {
            *se = sqrt(2 / prc_meta_core_trpp(c));
        } else {
            double s = 0;
            for (size_t i = 0; i < c->k; i++) s += c->w[i] * c->w[i];
            *se = sqrt(2 / s);
        }
        return t;
    default: return 0;
    }
}

typedef struct drop_of { prc_meta_core *c; bool reml; double floor; } drop_of;

static double above_floor(void *ctx, double t)
{
    drop_of *d = ctx;
    return loglik_at(d->c, d->reml, t) - d->floor;
}

void prc_meta_tau2_likelihood(prc_meta_core *c, bool reml, double t, double level, double *lb, double *ub)
{
    double z = prc_norm_inv(0.5 + level / 2);
    drop_of d = {c, reml, loglik_at(c, reml, t) - 0.5 * z * z};
    *lb = t == 0 || above_floor(&d, 0) >= 0 ? 0 : prc_meta_root(above_floor, &d, 0, t);
    double hi = prc_meta_grow(above_floor, &d, t, fmax(t, spread(c)));
    *ub = isnan(hi) ? hi : prc_meta_root(above_floor, &d, t, hi);
}
