/* meta_core.c: generalised least squares at a given tau2 in an orthonormal basis, and the traces the estimators of tau2 need.
 * P = W - W Z C Z' W with C = (Z'WZ)^-1; every trace reduces to q x q moments, so nothing of size k x k is ever formed. */
#include "meta_int.h"

#include <math.h>
#include <string.h>

prc_status prc_meta_core_create(const double *y, const double *v, const prc_meta_basis *b, prc_meta_core *c, prc_error *err)
{
    size_t k = b->k, q = b->rank, qq = q * q;
    *c = (prc_meta_core){.y = y, .v = v, .k = k, .q = q, .z = b->z};
    c->w = prc_malloc(3 * k + 4 * qq + 2 * q + 1, sizeof *c->w);
    if (!c->w) return prc_meta_no_memory(err);
    c->e = c->w + k;
    c->u = c->e + k;
    c->m = c->u + k;
    c->l = c->m + qq;
    c->c = c->l + qq;
    c->s = c->c + qq;
    c->g = c->s + qq;
    c->b = c->g + q;
    return PRC_OK;
}

void prc_meta_core_reset(prc_meta_core *c)
{
    prc_free(c->w);
    *c = (prc_meta_core){0};
}

/* s = Z' diag(u) Z. */
static void moment(const prc_meta_core *c, const double *u, double *s)
{
    size_t q = c->q;
    memset(s, 0, q * q * sizeof *s);
    if (q == 1) {
        for (size_t i = 0; i < c->k; i++) s[0] += u[i] * c->z[i] * c->z[i];
        return;
    }
    for (size_t i = 0; i < c->k; i++) {
        const double *z = c->z + i * q;
        for (size_t a = 0; a < q; a++) {
            double f = u[i] * z[a];
            for (size_t b = 0; b <= a; b++) s[a * q + b] += f * z[b];
        }
    }
    for (size_t a = 0; a < q; a++)
        for (size_t b = 0; b < a; b++) s[b * q + a] = s[a * q + b];
}

void prc_meta_core_at(prc_meta_core *c, double t)
{
    size_t q = c->q, k = c->k;
    c->t = t;
    c->sw = c->rss = c->ypp = 0;
    for (size_t i = 0; i < k; i++) {
        c->w[i] = 1 / (c->v[i] + t);
        c->sw += c->w[i];
    }
    moment(c, c->w, c->m);
    memcpy(c->l, c->m, q * q * sizeof *c->l);
    c->ok = prc_meta_chol(c->l, q);
    if (!c->ok) return;
    prc_meta_chol_inverse(c->l, q, c->c);
    /* A second step on the residuals of the first gains the digits lost to a large mean. */
    memset(c->g, 0, q * sizeof *c->g);
    memcpy(c->e, c->y, k * sizeof *c->e);
    for (int step = 0; step < 2; step++) {
        memset(c->b, 0, q * sizeof *c->b);
        for (size_t i = 0; i < k; i++)
            for (size_t a = 0; a < q; a++) c->b[a] += c->w[i] * c->e[i] * c->z[i * q + a];
        prc_meta_chol_solve(c->l, q, c->b);
        for (size_t a = 0; a < q; a++) c->g[a] += c->b[a];
        for (size_t i = 0; i < k; i++)
            for (size_t a = 0; a < q; a++) c->e[i] -= c->b[a] * c->z[i * q + a];
    }
    for (size_t i = 0; i < k; i++) {
        double f = c->w[i] * c->e[i];
        c->rss += f * c->e[i];
        c->ypp += f * f;
    }
}

void prc_meta_core_moment(prc_meta_core *c, int power, int vpower, double *s)
{
    for (size_t i = 0; i < c->k; i++) {
        double f = 1;
        for (int a = 0; a < power; a++) f *= c->w[i];
        for (int a = 0; a < vpower; a++) f *= c->v[i];
        c->u[i] = f;
    }
    moment(c, c->u, s);
}

/* sum of w^power v^vpower. */
static double sum(const prc_meta_core *c, int power, int vpower)
{
    double s = 0;
    for (size_t i = 0; i < c->k; i++) {
        double f = 1;
        for (int a = 0; a < power; a++) f *= c->w[i];
        for (int a = 0; a < vpower; a++) f *= c->v[i];
        s += f;
    }
    return s;
}

double prc_meta_core_trp(prc_meta_core *c)
{
    prc_meta_core_moment(c, 2, 0, c->s);
    return c->sw - prc_meta_trace(c->c, c->s, c->q);
}

/* a = C s, a in place of s; b is scratch. */
static void times_c(const prc_meta_core *c, const double *s, double *out)
{
    size_t q = c->q;
    for (size_t i = 0; i < q; i++)
        for (size_t j = 0; j < q; j++) {
            double f = 0;
            for (size_t m = 0; m < q; m++) f += c->c[i * q + m] * s[m * q + j];
            out[i * q + j] = f;
        }
}

/* tr(C a C b) for moments a = Z'W^2V^va Z, b = Z'W^2V^vb Z; the factor in l is rebuilt afterwards. */
static double trace_caca(prc_meta_core *c, int va, int vb)
{
    size_t q = c->q;
    double s = 0, *ca = c->l;
    prc_meta_core_moment(c, 2, va, c->s);
    times_c(c, c->s, ca);
    prc_meta_core_moment(c, 2, vb, c->s);
    for (size_t i = 0; i < q; i++)
        for (size_t j = 0; j < q; j++) {
            double cb = 0;
            for (size_t m = 0; m < q; m++) cb += c->c[i * q + m] * c->s[m * q + j];
            s += ca[j * q + i] * cb;
        }
    memcpy(c->l, c->m, q * q * sizeof *c->l);
    (void)prc_meta_chol(c->l, q);
    return s;
}

double prc_meta_core_trpp(prc_meta_core *c)
{
    prc_meta_core_moment(c, 3, 0, c->s);
    return sum(c, 2, 0) - 2 * prc_meta_trace(c->c, c->s, c->q) + trace_caca(c, 0, 0);
}

double prc_meta_core_trpv(prc_meta_core *c)
{
    prc_meta_core_moment(c, 2, 1, c->s);
    return sum(c, 1, 1) - prc_meta_trace(c->c, c->s, c->q);
}

double prc_meta_core_trpvpv(prc_meta_core *c)
{
    prc_meta_core_moment(c, 3, 2, c->s);
    return sum(c, 2, 2) - 2 * prc_meta_trace(c->c, c->s, c->q) + trace_caca(c, 1, 1);
}

double prc_meta_core_trppv(prc_meta_core *c)
{
    prc_meta_core_moment(c, 3, 1, c->s);
    return sum(c, 2, 1) - 2 * prc_meta_trace(c->c, c->s, c->q) + trace_caca(c, 0, 1);
}

double prc_meta_core_loglik(prc_meta_core *c, bool reml)
{
    double s = 0, n = (double)c->k - (reml ? (double)c->q : 0);
    for (size_t i = 0; i < c->k; i++) s += log(c->v[i] + c->t);
    /* In the orthonormal basis the term log det X'X of the restricted likelihood cancels. */
    if (reml) s += prc_meta_chol_logdet(c->l, c->q);
    return -0.5 * (n * log(2 * M_PI) + s + c->rss);
}
