/* stat_newton.c: maximum likelihood by Newton's method, with a watch for coefficients that run to infinity. */
#include "stat_int.h"

#include <math.h>
#include <string.h>

#define MAX_ITER 60
/* Information below this share of its diagonal is no information. */
#define SINGULAR 1e-11

typedef struct newton_work {
    double *u, *info, *info_new, *factor, *step, *b_new, *inverse;
    bool *keep;
} newton_work;

static void work_reset(newton_work *w)
{
    prc_free(w->u);
    prc_free(w->keep);
}

static prc_status work_create(newton_work *w, size_t p, prc_error *err)
{
    size_t q = p ? p : 1;
    *w = (newton_work){0};
    w->u = prc_calloc(3 * q + 4 * q * q, sizeof *w->u);
    w->keep = prc_calloc(q, sizeof *w->keep);
    if (!w->u || !w->keep) {
        work_reset(w);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for a model of %zu coefficients", p);
    }
    w->step = w->u + q;
    w->b_new = w->step + q;
    w->info = w->b_new + q;
    w->info_new = w->info + q * q;
    w->factor = w->info_new + q * q;
    w->inverse = w->factor + q * q;
    return PRC_OK;
}

/* Solves info step = u over the columns that carry information; returns their number. */
static size_t solve_step(newton_work *w, size_t p)
{
    memcpy(w->factor, w->info, p * p * sizeof *w->factor);
    size_t rank = prc_chol_pick(w->factor, p, SINGULAR, w->keep, NULL);
    for (size_t j = 0; j < p; j++)
        if (!w->keep[j]) w->factor[j * p + j] = 1;
    for (size_t j = 0; j < p; j++) w->step[j] = w->keep[j] ? w->u[j] : 0;
    /* Rows of dropped columns are zero beside the diagonal, but kept rows below may still refer to them: clear those. */
    for (size_t j = 0; j < p; j++)
        for (size_t k = 0; k < j; k++)
            if (!w->keep[k] || !w->keep[j]) w->factor[j * p + k] = 0;
    prc_chol_solve(w->factor, p, w->step);
    return rank;
}

/* Largest step in units of the columns' spread. */
static double step_size(const prc_newton *m, const newton_work *w)
{
    double s = 0;
    for (size_t j = 0; j < m->p; j++) s = fmax(s, fabs(w->step[j]) * m->scale[j] / (1 + fabs(m->b[j]) * m->scale[j]));
    return s;
}

static void mark_infinite(prc_newton *m, const newton_work *w)
{
    for (size_t j = 0; j < m->p; j++) {
        double spread = fabs(m->b[j]) * m->scale[j];
        bool gone = !w->keep[j] ? spread > 5 : fabs(w->step[j]) * m->scale[j] > 1e-3 && spread > 3;
        if (gone) m->infinite[j] = m->separated = true;
    }
}

static void fill_vcov(prc_newton *m, newton_work *w)
{
    size_t p = m->p;
    prc_chol_inverse(w->factor, p, m->vcov, w->inverse);
    /* What hangs on an infinite coefficient (two arms without events) has stood still, but nothing is known of it. */
    for (size_t j = 0; m->separated && j < p; j++)
        if (sqrt(m->vcov[j * p + j]) * m->scale[j] > 100) m->infinite[j] = true;
    for (size_t j = 0; j < p; j++) {
        if (w->keep[j] && !m->infinite[j]) continue;
        m->b[j] = (double)NAN;
        for (size_t k = 0; k < p; k++) m->vcov[j * p + k] = m->vcov[k * p + j] = (double)NAN;
    }
}

prc_status prc_newton_run(prc_newton *m, prc_likelihood_fn fn, void *ctx, prc_error *err)
{
    size_t p = m->p, rank = p;
    newton_work w;
    PRC_TRY(work_create(&w, p, err));
    memset(m->infinite, 0, p * sizeof *m->infinite);
    m->converged = m->separated = false;
    m->log_lik = fn(ctx, m->b, w.u, w.info);
    if (isnan(m->log_lik)) {
        work_reset(&w);
        return prc_fail(err, PRC_E_NUMERIC, "the likelihood cannot be computed at its start");
    }
    bool flat = false;
    for (m->iterations = 0; m->iterations < MAX_ITER; m->iterations++) {
        rank = solve_step(&w, p);
        if (step_size(m, &w) < 1e-7) { /* the error after this step is its square */
            for (size_t j = 0; j < p; j++) m->b[j] += w.step[j];
            m->log_lik = fn(ctx, m->b, w.u, w.info);
            rank = solve_step(&w, p);
            m->converged = true;
            break;
        }
        if (flat && m->iterations > 25) break;
        double factor = 1, ll = (double)NAN, allowed = 1e-12 * (1 + fabs(m->log_lik));
        for (int half = 0; half < 40; half++, factor /= 2) {
            for (size_t j = 0; j < p; j++) w.b_new[j] = m->b[j] + factor * w.step[j];
            ll = fn(ctx, w.b_new, NULL, NULL);
            if (ll >= m->log_lik - allowed) break;
        }
        if (!(ll >= m->log_lik - allowed)) break;
        flat = fabs(ll - m->log_lik) < 1e-9 * (1e-3 + fabs(m->log_lik));
        memcpy(m->b, w.b_new, p * sizeof *m->b);
        m->log_lik = fn(ctx, m->b, w.u, w.info);
    }
    if (!m->converged || rank < p) mark_infinite(m, &w);
    if (m->separated || (!m->converged && step_size(m, &w) < 1e-6)) m->converged = true;
    fill_vcov(m, &w);
    work_reset(&w);
    return PRC_OK;
}

prc_status prc_fit_create(prc_fit *fit, size_t p, prc_error *err)
{
    size_t q = p ? p : 1;
    *fit = (prc_fit){.p = p, .dispersion = (double)NAN, .log_lik0 = (double)NAN, .score = (double)NAN, .zph_global = (double)NAN};
    if (p > 5000) return prc_fail(err, PRC_E_VALUE, "a model of %zu coefficients; the limit is 5000", p);
    fit->coef = prc_calloc(q, sizeof *fit->coef);
    fit->vcov = prc_calloc(q * q, sizeof *fit->vcov);
    fit->zph = prc_calloc(q, sizeof *fit->zph);
    if (fit->coef && fit->vcov && fit->zph) return PRC_OK;
    prc_fit_reset(fit);
    return prc_fail(err, PRC_E_MEMORY, "out of memory for a model of %zu coefficients", p);
}

void prc_fit_reset(prc_fit *fit)
{
    if (!fit) return;
    prc_free(fit->coef);
    prc_free(fit->vcov);
    prc_free(fit->zph);
    fit->coef = fit->vcov = fit->zph = NULL;
}

prc_status prc_fit_newton(prc_fit *fit, const double *scale, prc_likelihood_fn fn, void *ctx, prc_error *err)
{
    bool *infinite = prc_calloc(fit->p ? fit->p : 1, sizeof *infinite);
    if (!infinite) return prc_fail(err, PRC_E_MEMORY, "out of memory for a model of %zu coefficients", fit->p);
    prc_newton m = {.p = fit->p, .b = fit->coef, .scale = scale, .vcov = fit->vcov, .infinite = infinite};
    prc_status st = prc_newton_run(&m, fn, ctx, err);
    fit->log_lik = m.log_lik;
    fit->iterations = m.iterations;
    fit->converged = m.converged;
    fit->separated = m.separated;
    prc_free(infinite);
    return st;
}

prc_estimate prc_fit_coef(const prc_fit *fit, size_t j, double df, double level)
{
    prc_estimate e = prc_estimate_none();
    e.n = fit->n;
    if (isnan(fit->coef[j])) return e;
    e.estimate = fit->coef[j];
    e.se = sqrt(fit->vcov[j * fit->p + j]);
    e.df = df;
    prc_estimate_wald(&e, level);
    return e;
}
