/* fallback.c: dense LU with scaled partial pivoting, for lanes where the static pivots fail. Rare, so scalar and
 * simple. */
#include "rodas5p.h"
#include "solve_int.h"

#include <math.h>
#include <string.h>

/* W = I/(h gamma) - J from the saved Jacobian; false when an entry is not finite. */
static bool build(prc_workspace *w, size_t l)
{
    size_t n = w->p->n_state;
    memset(w->lu, 0, n * n * sizeof *w->lu);
    for (size_t i = 0; i < n; i++) w->lu[i * n + i] = 1 / (w->lane[l].h_try * rodas_gamma);
    for (size_t i = 0; i < n; i++)
        for (int32_t k = w->jac_start[i]; k < w->jac_start[i + 1]; k++)
            w->lu[i * n + (size_t)w->jac_col[k]] -= w->jac[(size_t)k * w->stride + l];
    for (size_t i = 0; i < n; i++) {
        double m = 0;
        for (size_t j = 0; j < n; j++) {
            if (!isfinite(w->lu[i * n + j])) return false;
            m = fmax(m, fabs(w->lu[i * n + j]));
        }
        if (!(m > 0)) return false;
        w->lu_scale[i] = m;
        w->lu_perm[i] = (int32_t)i;
    }
    return true;
}

/* Rows are compared relative to their largest entry, since states have different units. */
static size_t pivot_row(const prc_workspace *w, size_t c)
{
    size_t n = w->p->n_state, best = c;
    double most = -1;
    for (size_t i = c; i < n; i++) {
        double m = fabs(w->lu[i * n + c]) / w->lu_scale[i];
        if (m > most) most = m, best = i;
    }
    return best;
}

static void swap_rows(prc_workspace *w, size_t a, size_t b)
{
    size_t n = w->p->n_state;
    if (a == b) return;
    for (size_t j = 0; j < n; j++) {
        double x = w->lu[a * n + j];
        w->lu[a * n + j] = w->lu[b * n + j];
        w->lu[b * n + j] = x;
    }
    double s = w->lu_scale[a];
    w->lu_scale[a] = w->lu_scale[b], w->lu_scale[b] = s;
    int32_t p = w->lu_perm[a];
    w->lu_perm[a] = w->lu_perm[b], w->lu_perm[b] = p;
}

bool prc_fallback_factor(prc_workspace *w, size_t l)
{
    size_t n = w->p->n_state;
    w->lu_lane = -1;
    if (!build(w, l)) return false;
    for (size_t c = 0; c < n; c++) {
        swap_rows(w, c, pivot_row(w, c));
        double pivot = w->lu[c * n + c];
        /* Nothing but rounding is left of the row: singular. */
        if (!isfinite(pivot) || fabs(pivot) <= 1e-15 * w->lu_scale[c]) return false;
        for (size_t i = c + 1; i < n; i++) {
            double f = w->lu[i * n + c] / pivot;
            w->lu[i * n + c] = f;
            if (f == 0) continue;
            for (size_t j = c + 1; j < n; j++) w->lu[i * n + j] -= f * w->lu[c * n + j];
        }
    }
    w->lu_lane = (int)l;
    return true;
}

void prc_fallback_solve(prc_workspace *w, size_t l, double *out)
{
    size_t n = w->p->n_state;
    double *x = w->lu_x;
    /* Several lanes in trouble take turns with the one matrix. It was factored before, so this cannot fail. */
    if (w->lu_lane != (int)l && !prc_fallback_factor(w, l)) return;
    for (size_t i = 0; i < n; i++) {
        x[i] = w->rhs[(size_t)w->lu_perm[i] * w->stride + l];
        for (size_t j = 0; j < i; j++) x[i] -= w->lu[i * n + j] * x[j];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++) x[i] -= w->lu[i * n + j] * x[j];
        x[i] /= w->lu[i * n + i];
    }
    for (size_t i = 0; i < n; i++) out[i * w->stride + l] = x[i];
}
