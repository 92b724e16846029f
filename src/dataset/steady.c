/* The steady state under repeated dosing: the fixed point of one period, found by Anderson's method (Walker and Ni
 * 2011, SIAM J. Numer. Anal. 49:1715). For a linear model of n states this needs about n + 1 periods, whatever the
 * half-life. */
#include "dataset_int.h"

#include <math.h>
#include <string.h>

enum { DEPTH = 8, TRIES = 300, QUIET = 3 };
static const double steady_tol = 1e-10;
/* States below this part of the largest one count by that part. */
static const double floor_part = 1e-3;
/* A direction that is this close to the earlier ones is left out. */
static const double same_direction = 1e-9;
/* A difference that shrinks less than this from one period to the next does not shrink: there is no steady state that
 * way. */
static const double no_decay = 1e-8;

struct prc_steady {
    size_t n, m; /* states; differences kept */
    int tries, quiet;
    double *y, *g, *f; /* start of the period, its end, and the difference */
    double *g_new, *f_new, *weight;
    double *dg, *df, *q; /* DEPTH columns of n: differences between periods, and an orthogonal base of the latter */
};

prc_steady *prc_steady_create(size_t n) {
    prc_steady *s = prc_calloc(1, sizeof *s);
    if (!s) return NULL;
    s->n = n;
    s->y = prc_calloc(n * (6 + 3 * DEPTH) + 1, sizeof *s->y);
    if (!s->y) {
        prc_free(s);
        return NULL;
    }
    s->g = s->y + n, s->f = s->g + n;
    s->g_new = s->f + n, s->f_new = s->g_new + n, s->weight = s->f_new + n;
    s->dg = s->weight + n, s->df = s->dg + DEPTH * n, s->q = s->df + DEPTH * n;
    return s;
}

void prc_steady_free(prc_steady *s) {
    if (!s) return;
    prc_free(s->y);
    prc_free(s);
}

double *prc_steady_state(prc_steady *s) {
    return s->y;
}

static double dot(const double *a, const double *b, size_t n) {
    double x = 0;
    for (size_t i = 0; i < n; i++) x += a[i] * b[i];
    return x;
}

/* Keeps the difference to the period before. */
static void remember(prc_steady *s, const double *g, const double *f) {
    size_t n = s->n;
    if (s->m == DEPTH) {
        memmove(s->dg, s->dg + n, (DEPTH - 1) * n * sizeof *s->dg);
        memmove(s->df, s->df + n, (DEPTH - 1) * n * sizeof *s->df);
        s->m--;
    }
    for (size_t i = 0; i < n; i++) {
        s->dg[s->m * n + i] = g[i] - s->g[i];
        s->df[s->m * n + i] = f[i] - s->f[i];
    }
    s->m++;
}

/* next = g - sum gamma_j dg_j, where the sum of gamma_j df_j is the best fit to f; the latest differences count first.
 */
static void accelerate(prc_steady *s, const double *g, const double *f, const double *weight, double *next) {
    size_t n = s->n, kept = 0, col[DEPTH];
    double r[DEPTH][DEPTH], gamma[DEPTH], b[DEPTH];
    for (size_t j = s->m; j-- > 0;) {
        double *q = s->q + kept * n;
        double moved = 0;
        for (size_t i = 0; i < n; i++) {
            q[i] = s->df[j * n + i] * weight[i];
            moved = fmax(moved, fabs(s->dg[j * n + i]) * weight[i]);
        }
        double before = sqrt(dot(q, q, n));
        if (!(before > no_decay * moved)) continue;
        for (int twice = 0; twice < 2; twice++)
            for (size_t k = 0; k < kept; k++) {
                double x = dot(s->q + k * n, q, n);
                r[k][kept] = twice ? r[k][kept] + x : x;
                for (size_t i = 0; i < n; i++) q[i] -= x * s->q[k * n + i];
            }
        double left = sqrt(dot(q, q, n));
        if (!(left > same_direction * before)) continue;
        for (size_t i = 0; i < n; i++) q[i] /= left;
        r[kept][kept] = left;
        col[kept++] = j;
    }
    for (size_t k = 0; k < kept; k++) {
        b[k] = 0;
        for (size_t i = 0; i < n; i++) b[k] += s->q[k * n + i] * f[i] * weight[i];
    }
    for (size_t k = kept; k-- > 0;) {
        gamma[k] = b[k];
        for (size_t j = k + 1; j < kept; j++) gamma[k] -= r[k][j] * gamma[j];
        gamma[k] /= r[k][k];
    }
    memcpy(next, g, n * sizeof *next);
    for (size_t k = 0; k < kept; k++)
        for (size_t i = 0; i < n; i++) next[i] -= gamma[k] * s->dg[col[k] * n + i];
    /* A model that keeps its states from falling below 0 is not to be started there. */
    for (size_t i = 0; i < n; i++)
        if (!isfinite(next[i]) || (next[i] < 0 && g[i] >= 0)) {
            memcpy(next, g, n * sizeof *next);
            return;
        }
}

prc_steady_next prc_steady_take(prc_steady *s, const double *g) {
    size_t n = s->n;
    if (n == 0) return PRC_STEADY_FOUND;
    double most = 0, change = 0, step = 0, *f = s->f_new, *weight = s->weight, *next = s->g_new;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(g[i]));
    for (size_t i = 0; i < n; i++) {
        f[i] = g[i] - s->y[i];
        double size = fmax(fabs(g[i]), floor_part * most);
        weight[i] = size > 0 ? 1 / size : 1;
        change = fmax(change, fabs(f[i]) * weight[i]);
    }
    if (s->tries > 0) remember(s, g, f);
    memcpy(s->g, g, n * sizeof *g);
    memcpy(s->f, f, n * sizeof *f);
    accelerate(s, g, f, weight, next);
    for (size_t i = 0; i < n; i++) step = fmax(step, fabs(next[i] - s->y[i]) * weight[i]);
    memcpy(s->y, next, n * sizeof *next);
    s->tries++;
    s->quiet = change <= steady_tol ? s->quiet + 1 : 0;
    /* The accelerated step is the estimate of the distance left; the periods themselves may change little and long. */
    if (s->quiet > 0 && (step <= 10 * steady_tol || s->quiet >= QUIET)) return PRC_STEADY_FOUND;
    return s->tries >= TRIES || !isfinite(most) ? PRC_STEADY_NEVER : PRC_STEADY_MORE;
}
