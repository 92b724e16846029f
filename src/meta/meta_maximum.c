/* meta_maximum.c: maximum of a smooth function of a few parameters: BFGS far away, Newton steps close by. */
#include "meta_int.h"

#include <math.h>
#include <string.h>

typedef struct climb {
    prc_meta_objective f;
    void *ctx;
    size_t n;
    double *x, *g, *d, *xn, *gn, *s, *q; /* n each */
    double *b, *h;                       /* n x n: inverse curvature, Hessian */
    double value;
} climb;

static double norm(const climb *c, const double *g, const double *x)
{
    double m = 0;
    for (size_t i = 0; i < c->n; i++) m = fmax(m, fabs(g[i]) * fmax(fabs(x[i]), 1e-3));
    return m;
}

static void unit(climb *c)
{
    memset(c->b, 0, c->n * c->n * sizeof *c->b);
    double size = 0;
    for (size_t i = 0; i < c->n; i++) size += c->g[i] * c->g[i];
    for (size_t i = 0; i < c->n; i++) c->b[i * c->n + i] = 1 / fmax(1, sqrt(size));
}

/* Halves the step until f has risen enough; false when no step helps. */
static bool step(climb *c, double *value)
{
    double slope = 0;
    for (size_t i = 0; i < c->n; i++) slope += c->d[i] * c->g[i];
    if (!(slope > 0)) return false;
    for (double a = 1; a > 1e-12; a *= 0.5) {
        for (size_t i = 0; i < c->n; i++) c->xn[i] = c->x[i] + a * c->d[i];
        *value = c->f(c->ctx, c->xn, c->gn);
        if (isfinite(*value) && *value >= c->value + 1e-4 * a * slope) return true;
    }
    return false;
}

static void update(climb *c)
{
    size_t n = c->n;
    double sq = 0, qbq = 0;
    for (size_t i = 0; i < n; i++) {
        c->s[i] = c->xn[i] - c->x[i];
        c->q[i] = c->g[i] - c->gn[i]; /* of -f, so that curvature is positive */
        sq += c->s[i] * c->q[i];
    }
    if (!(sq > 1e-300)) return;
    for (size_t i = 0; i < n; i++) {
        c->d[i] = 0;
        for (size_t j = 0; j < n; j++) c->d[i] += c->b[i * n + j] * c->q[j];
        qbq += c->q[i] * c->d[i];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            c->b[i * n + j] += (1 + qbq / sq) * c->s[i] * c->s[j] / sq - (c->d[i] * c->s[j] + c->s[i] * c->d[j]) / sq;
}

static void bfgs(climb *c)
{
    bool fresh = true;
    unit(c);
    for (int round = 0; round < 400; round++) {
        if (norm(c, c->g, c->x) < 1e-9 * (1 + fabs(c->value))) return;
        for (size_t i = 0; i < c->n; i++) {
            c->d[i] = 0;
            for (size_t j = 0; j < c->n; j++) c->d[i] += c->b[i * c->n + j] * c->g[j];
        }
        double value;
        if (!step(c, &value)) {
            if (fresh) return;
            unit(c);
            fresh = true;
            continue;
        }
        update(c);
        fresh = false;
        memcpy(c->x, c->xn, c->n * sizeof *c->x);
        memcpy(c->g, c->gn, c->n * sizeof *c->g);
        c->value = value;
    }
}

/* Hessian at x by central differences of the gradient. */
static void hessian(climb *c)
{
    size_t n = c->n;
    for (size_t j = 0; j < n; j++) {
        double h = 1e-4 * fmax(fabs(c->x[j]), 1e-2);
        memcpy(c->xn, c->x, n * sizeof *c->xn);
        c->xn[j] = c->x[j] + h;
        (void)c->f(c->ctx, c->xn, c->gn);
        memcpy(c->q, c->gn, n * sizeof *c->q);
        c->xn[j] = c->x[j] - h;
        (void)c->f(c->ctx, c->xn, c->gn);
        for (size_t i = 0; i < n; i++) c->h[i * n + j] = (c->q[i] - c->gn[i]) / (2 * h);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) c->h[i * n + j] = c->h[j * n + i] = 0.5 * (c->h[i * n + j] + c->h[j * n + i]);
}

/* Newton steps while they shrink the gradient. */
static void newton(climb *c)
{
    size_t n = c->n;
    for (int round = 0; round < 12; round++) {
        double before = norm(c, c->g, c->x);
        hessian(c);
        if (before == 0) return;
        for (size_t i = 0; i < n * n; i++) c->b[i] = -c->h[i];
        if (!prc_meta_chol(c->b, n)) return;
        memcpy(c->d, c->g, n * sizeof *c->d);
        prc_meta_chol_solve(c->b, n, c->d);
        for (size_t i = 0; i < n; i++) c->xn[i] = c->x[i] + c->d[i];
        double value = c->f(c->ctx, c->xn, c->gn);
        if (!(norm(c, c->gn, c->xn) < 0.9 * before) || !(value > c->value - 1e-9 * (1 + fabs(c->value)))) return;
        memcpy(c->x, c->xn, n * sizeof *c->x);
        memcpy(c->g, c->gn, n * sizeof *c->g);
        c->value = value;
    }
}

bool prc_meta_maximise(prc_meta_objective f, void *ctx, double *theta, size_t n, double *value, double *hess, prc_status *st)
{
    double *block = prc_malloc(7 * n + 2 * n * n + 1, sizeof *block);
    *st = block ? PRC_OK : PRC_E_MEMORY;
    if (!block) return false;
    climb c = {f, ctx, n, block, block + n, block + 2 * n, block + 3 * n, block + 4 * n, block + 5 * n, block + 6 * n, block + 7 * n, block + 7 * n + n * n, 0};
    memcpy(c.x, theta, n * sizeof *theta);
    c.value = f(ctx, c.x, c.g);
    bool ok = isfinite(c.value);
    if (ok) {
        bfgs(&c);
        newton(&c);
        ok = norm(&c, c.g, c.x) < 1e-6 * (1 + fabs(c.value));
    }
    memcpy(theta, c.x, n * sizeof *theta);
    *value = c.value;
    if (hess) memcpy(hess, c.h, n * n * sizeof *hess);
    prc_free(block);
    return ok;
}
