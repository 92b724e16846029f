/* stat_mmrm_sums.c: the restricted likelihood of a mixed model for repeated measures and its derivatives, summed over patterns of missing visits.
 * With P = V^-1 - V^-1 X Phi X' V^-1 the objective is f = log|V| + log|X'V^-1X| + r'V^-1r, and by theta_k, theta_l
 *   f_k  = tr(P dV_k) - r'V^-1 dV_k V^-1 r
 *   f_kl = -tr(V^-1 dV_k V^-1 dV_l) + 2 tr(Phi Q_kl) - tr(Phi M_k Phi M_l) + 2 r'V^-1 dV_k V^-1 dV_l V^-1 r - 2 v_k' Phi v_l + (terms in d2V as in f_k)
 * with M_k = X'V^-1 dV_k V^-1 X, v_k = X'V^-1 dV_k V^-1 r, Q_kl = X'V^-1 dV_k V^-1 dV_l V^-1 X. */
#include "stat_mmrm_int.h"

#include <math.h>
#include <string.h>

/* ---- the problem ----------------------------------------------------------------------------------------------- */

void mm_problem_reset(mm_problem *pr)
{
    prc_free(pr->start);
    prc_free(pr->col);
    prc_free(pr->val);
    prc_free(pr->group);
    prc_free(pr->visit_store);
    prc_free(pr->row_store);
    prc_free(pr->s_store);
    *pr = (mm_problem){0};
}

static prc_status no_memory(size_t n, prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "out of memory for a repeated-measures model of %zu rows", n);
}

static prc_status sparse_rows(const double *x, const double *y, const size_t *row, size_t n, size_t p_all, const size_t *col, size_t p, mm_problem *pr, prc_error *err)
{
    size_t cells = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++) cells += x[row[i] * p_all + col[j]] != 0;
    pr->start = prc_calloc(n + 1, sizeof *pr->start);
    pr->col = prc_malloc(cells + n + 1, sizeof *pr->col);
    pr->val = prc_malloc(cells + n + 1, sizeof *pr->val);
    if (!pr->start || !pr->col || !pr->val) return no_memory(n, err);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        pr->start[i] = at;
        for (size_t j = 0; j < p; j++) {
            double v = x[row[i] * p_all + col[j]];
            if (v == 0) continue;
            pr->col[at] = j;
            pr->val[at++] = v;
        }
        pr->col[at] = p;
        pr->val[at++] = y[i];
    }
    pr->start[n] = at;
    return PRC_OK;
}

/* A subject's rows in the order of visits: row_store[begin .. begin + m - 1]. */
typedef struct mm_subject { size_t begin, m; } mm_subject;

static int compare_patterns(const mm_subject *a, const mm_subject *b, const size_t *rows, const int *visit)
{
    if (a->m != b->m) return a->m < b->m ? -1 : 1;
    for (size_t k = 0; k < a->m; k++) {
        int va = visit[rows[a->begin + k]], vb = visit[rows[b->begin + k]];
        if (va != vb) return va < vb ? -1 : 1;
    }
    return 0;
}

/* Merge sort by pattern, stable; tmp has the same length. */
static void sort_patterns(mm_subject *s, mm_subject *tmp, size_t n, const size_t *rows, const int *visit)
{
    if (n < 2) return;
    size_t half = n / 2, i = 0, j = half, k = 0;
    sort_patterns(s, tmp, half, rows, visit);
    sort_patterns(s + half, tmp, n - half, rows, visit);
    while (i < half || j < n) tmp[k++] = j == n || (i < half && compare_patterns(&s[i], &s[j], rows, visit) <= 0) ? s[i++] : s[j++];
    memcpy(s, tmp, n * sizeof *s);
}

/* Lists the rows of each subject by visit; a subject seen twice at a visit is an error. */
static prc_status list_subjects(const int *subject, const int *visit, size_t n, size_t n_subject, size_t *rows, mm_subject *s, size_t *used, prc_error *err)
{
    size_t *begin = prc_calloc(n_subject + 1, sizeof *begin);
    if (!begin) return no_memory(n, err);
    for (size_t i = 0; i < n; i++) begin[subject[i] + 1]++;
    for (size_t k = 0; k < n_subject; k++) begin[k + 1] += begin[k];
    *used = 0;
    for (size_t k = 0; k < n_subject; k++)
        if (begin[k + 1] > begin[k]) s[(*used)++] = (mm_subject){begin[k], 0};
    /* begin[] is used up as a cursor; s keeps where each subject starts. */
    for (size_t i = 0; i < n; i++) {
        size_t at = begin[subject[i]]++;
        rows[at] = i;
    }
    size_t k = 0;
    for (; k < *used; k++) {
        size_t end = k + 1 < *used ? s[k + 1].begin : n;
        s[k].m = end - s[k].begin;
        for (size_t a = s[k].begin + 1; a < end; a++)
            for (size_t b = a; b > s[k].begin && visit[rows[b]] < visit[rows[b - 1]]; b--) {
                size_t t = rows[b];
                rows[b] = rows[b - 1];
                rows[b - 1] = t;
            }
        for (size_t a = s[k].begin + 1; a < end; a++)
            if (visit[rows[a]] == visit[rows[a - 1]]) {
                prc_free(begin);
                return prc_fail(err, PRC_E_VALUE, "a subject has two values at one visit (rows %zu and %zu of those used)", rows[a - 1] + 1, rows[a] + 1);
            }
    }
    prc_free(begin);
    return PRC_OK;
}

/* Cross products are stored for a group when that is less work than summing anew, and there is room. */
static void choose_storage(mm_problem *pr, size_t *total, bool *store)
{
    const double budget = 2.5e7;
    double cells = (double)pr->start[pr->n] / (double)(pr->n ? pr->n : 1);
    *total = 0;
    for (size_t g = 0; g < pr->n_group; g++) {
        const mm_group *gr = &pr->group[g];
        double pairs = (double)gr->m * ((double)gr->m + 1) / 2, size = pairs * (double)pr->P * (double)pr->P;
        double anew = pairs * (double)gr->n_subject * cells * cells * 2;
        store[g] = size < anew && (double)*total + size < budget;
        if (store[g]) *total += (size_t)size;
    }
}

static void fill_cross_products(const mm_problem *pr, const mm_group *g)
{
    size_t P = pr->P;
    for (size_t i = 0; i < g->n_subject; i++) {
        double *s = g->s;
        for (size_t a = 0; a < g->m; a++)
            for (size_t b = 0; b <= a; b++, s += P * P) {
                size_t ra = g->row[i * g->m + a], rb = g->row[i * g->m + b];
                for (size_t u = pr->start[ra]; u < pr->start[ra + 1]; u++)
                    for (size_t v = pr->start[rb]; v < pr->start[rb + 1]; v++) s[pr->col[u] * P + pr->col[v]] += pr->val[u] * pr->val[v];
            }
    }
}

static prc_status make_groups(const mm_subject *s, size_t n_subject, const size_t *rows, const int *visit, mm_problem *pr, prc_error *err)
{
    size_t n_visit = 0, at = 0, total;
    for (size_t i = 0; i < n_subject; i++)
        if (i == 0 || compare_patterns(&s[i], &s[i - 1], rows, visit)) pr->n_group++, n_visit += s[i].m;
    pr->group = prc_calloc(pr->n_group ? pr->n_group : 1, sizeof *pr->group);
    pr->visit_store = prc_malloc(n_visit + 1, sizeof *pr->visit_store);
    pr->row_store = prc_malloc(pr->n + 1, sizeof *pr->row_store);
    bool *store = prc_calloc(pr->n_group ? pr->n_group : 1, sizeof *store);
    if (!pr->group || !pr->visit_store || !pr->row_store || !store) {
        prc_free(store);
        return no_memory(pr->n, err);
    }
    size_t g = 0, v = 0;
    for (size_t i = 0; i < n_subject; i++) {
        if (i == 0 || compare_patterns(&s[i], &s[i - 1], rows, visit)) {
            pr->group[g++] = (mm_group){.m = s[i].m, .visit = pr->visit_store + v, .row = pr->row_store + at};
            for (size_t k = 0; k < s[i].m; k++) pr->visit_store[v++] = (size_t)visit[rows[s[i].begin + k]];
        }
        pr->group[g - 1].n_subject++;
        for (size_t k = 0; k < s[i].m; k++) pr->row_store[at++] = rows[s[i].begin + k];
    }
    choose_storage(pr, &total, store);
    pr->s_store = prc_calloc(total + 1, sizeof *pr->s_store);
    double *next = pr->s_store;
    for (g = 0; next && g < pr->n_group; g++) {
        if (!store[g]) continue;
        pr->group[g].s = next;
        fill_cross_products(pr, &pr->group[g]);
        next += pr->group[g].m * (pr->group[g].m + 1) / 2 * pr->P * pr->P;
    }
    prc_free(store);
    return pr->s_store ? PRC_OK : no_memory(pr->n, err);
}

prc_status mm_problem_create(const double *x, const double *y, const int *subject, const int *visit, const size_t *row, size_t n, size_t p_all, const size_t *col, size_t p,
                             size_t n_subject, size_t m, mm_problem *pr, prc_error *err)
{
    prc_status st = PRC_OK;
    size_t *rows = prc_malloc(n + 1, sizeof *rows);
    mm_subject *s = prc_malloc(2 * n_subject + 2, sizeof *s);
    *pr = (mm_problem){.n = n, .p = p, .P = p + 1, .m = m};
    if (!rows || !s) {
        st = no_memory(n, err);
        goto out;
    }
    PRC_GO(st, sparse_rows(x, y, row, n, p_all, col, p, pr, err));
    PRC_GO(st, list_subjects(subject, visit, n, n_subject, rows, s, &pr->n_subject, err));
    sort_patterns(s, s + n_subject + 1, pr->n_subject, rows, visit);
    st = make_groups(s, pr->n_subject, rows, visit, pr, err);
out:
    prc_free(rows);
    prc_free(s);
    if (st) mm_problem_reset(pr);
    return st;
}

/* ---- sums over a group ----------------------------------------------------------------------------------------- */

/* Only half of the off-diagonal pairs is added, doubled: the mirror makes the rest. */
void mm_add_cross(const mm_problem *pr, const mm_group *g, const double *mat, double *out)
{
    size_t P = pr->P, m = g->m, k = 0;
    if (g->s) {
        for (size_t a = 0; a < m; a++)
            for (size_t b = 0; b <= a; b++, k++) {
                double w = mat[a * m + b] * (a == b ? 1 : 2);
                const double *s = g->s + k * P * P;
                if (w == 0) continue;
                for (size_t c = 0; c < P * P; c++) out[c] += w * s[c];
            }
        return;
    }
    for (size_t i = 0; i < g->n_subject; i++)
        for (size_t a = 0; a < m; a++)
            for (size_t b = 0; b <= a; b++) {
                size_t ra = g->row[i * m + a], rb = g->row[i * m + b];
                double w = mat[a * m + b] * (a == b ? 1 : 2);
                for (size_t u = pr->start[ra]; u < pr->start[ra + 1]; u++)
                    for (size_t v = pr->start[rb]; v < pr->start[rb + 1]; v++) out[pr->col[u] * P + pr->col[v]] += w * pr->val[u] * pr->val[v];
            }
}

void mm_mirror(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) a[i * n + j] = a[j * n + i] = (a[i * n + j] + a[j * n + i]) / 2;
}

void mm_traces(const mm_problem *pr, const mm_group *g, const double *phi, double *t)
{
    size_t P = pr->P, m = g->m, k = 0;
    memset(t, 0, m * m * sizeof *t);
    if (g->s) {
        for (size_t a = 0; a < m; a++)
            for (size_t b = 0; b <= a; b++, k++) t[a * m + b] = prc_dot(phi, g->s + k * P * P, P * P);
    } else {
        for (size_t i = 0; i < g->n_subject; i++)
            for (size_t a = 0; a < m; a++)
                for (size_t b = 0; b <= a; b++) {
                    size_t ra = g->row[i * m + a], rb = g->row[i * m + b];
                    for (size_t u = pr->start[ra]; u < pr->start[ra + 1]; u++)
                        for (size_t v = pr->start[rb]; v < pr->start[rb + 1]; v++) t[a * m + b] += pr->val[u] * pr->val[v] * phi[pr->col[u] * P + pr->col[v]];
                }
    }
    for (size_t a = 0; a < m; a++)
        for (size_t b = 0; b < a; b++) t[b * m + a] = t[a * m + b];
}

/* ---- one theta ------------------------------------------------------------------------------------------------- */

prc_status mm_state_create(const mm_problem *pr, prc_cov cov, bool ml, mm_state *s, prc_error *err)
{
    size_t m = pr->m, P = pr->P, q = prc_cov_n_theta(cov, m), m2 = m * m, P2 = P * P, widest = 3 * q * m2;
    *s = (mm_state){.cov = cov, .ml = ml, .q = q, .objective = (double)NAN};
    if (widest < 3 * P2) widest = 3 * P2;
    if (widest < q * (P2 + 2 * P)) widest = q * (P2 + 2 * P);
    s->n_work = 12 * m2 + widest + 16;
    size_t total = 2 * q + m2 + q * m2 + P + 2 * P2 + m2 + 2 * q * q + q * P2 + s->n_work;
    if (total > 80000000) return prc_fail(err, PRC_E_VALUE, "a %s covariance of %zu visits with %zu columns is more than fits", prc_cov_text(cov), m, P - 1);
    double *a = prc_calloc(total, sizeof *a);
    if (!a) return no_memory(pr->n, err);
    s->theta = a;
    s->gradient = s->theta + q;
    s->sigma = s->gradient + q;
    s->ds = s->sigma + m2;
    s->beta = s->ds + q * m2;
    s->phi = s->beta + P;
    s->a = s->phi + P2;
    s->b_full = s->a + P2;
    s->h = s->b_full + m2;
    s->e = s->h + q * q;
    s->mk = s->e + q * q;
    s->work = s->mk + q * P2;
    return PRC_OK;
}

void mm_state_reset(mm_state *s)
{
    prc_free(s->theta);
    *s = (mm_state){0};
}

static void pick_visits(const double *full, size_t m_full, const mm_group *g, double *out)
{
    for (size_t a = 0; a < g->m; a++)
        for (size_t b = 0; b < g->m; b++) out[a * g->m + b] = full[g->visit[a] * m_full + g->visit[b]];
}

bool mm_objective(const mm_problem *pr, mm_state *s)
{
    size_t P = pr->P, p = pr->p, m2 = pr->m * pr->m;
    double *v = s->work, *vi = v + m2, *w = vi + m2, f = 0;
    prc_cov_sigma(s->cov, pr->m, s->theta, s->sigma, NULL);
    /* The whole Sigma must be positive definite, seen or not. */
    memcpy(v, s->sigma, m2 * sizeof *v);
    if (!prc_chol(v, pr->m, 1e-10)) return false;
    memset(s->a, 0, P * P * sizeof *s->a);
    for (size_t g = 0; g < pr->n_group; g++) {
        const mm_group *gr = &pr->group[g];
        pick_visits(s->sigma, pr->m, gr, v);
        if (!prc_chol(v, gr->m, 1e-10)) return false;
        f += (double)gr->n_subject * prc_chol_logdet(v, gr->m);
        prc_chol_inverse(v, gr->m, vi, w);
        mm_add_cross(pr, gr, vi, s->a);
    }
    mm_mirror(s->a, P);
    /* Factor X'V^-1X; what is left of the corner is r'V^-1r. */
    double *xx = s->work, *inv = xx + P * P, *scratch = inv + P * P;
    for (size_t i = 0; i < p; i++) {
        memcpy(xx + i * p, s->a + i * P, p * sizeof *xx);
        s->beta[i] = s->a[p * P + i];
    }
    if (!prc_chol(xx, p, 1e-14)) return false;
    if (!s->ml) f += prc_chol_logdet(xx, p);
    prc_chol_solve(xx, p, s->beta);
    f += s->a[P * P - 1] - prc_dot(s->beta, s->a + p * P, p);
    prc_chol_inverse(xx, p, inv, scratch);
    memset(s->phi, 0, P * P * sizeof *s->phi);
    for (size_t i = 0; i < p; i++) memcpy(s->phi + i * P, inv + i * p, p * sizeof *inv);
    s->objective = f + (double)(s->ml ? pr->n : pr->n - p) * log(2 * M_PI);
    return isfinite(s->objective);
}

static void multiply(const double *a, const double *b, size_t m, double *out)
{
    for (size_t i = 0; i < m; i++) {
        double *o = out + i * m;
        memset(o, 0, m * sizeof *o);
        for (size_t k = 0; k < m; k++) {
            double x = a[i * m + k];
            if (x == 0) continue;
            for (size_t j = 0; j < m; j++) o[j] += x * b[k * m + j];
        }
    }
}

/* Residual cross products of a group by visit. resid: n. */
static void residual_products(const mm_group *g, const double *resid, double *r)
{
    memset(r, 0, g->m * g->m * sizeof *r);
    for (size_t i = 0; i < g->n_subject; i++)
        for (size_t a = 0; a < g->m; a++)
            for (size_t b = 0; b < g->m; b++) r[a * g->m + b] += resid[g->row[i * g->m + a]] * resid[g->row[i * g->m + b]];
}

/* Products of two square matrices summed: tr(A B). */
static double trace_product(const double *a, const double *b, size_t m)
{
    double t = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++) t += a[i * m + j] * b[j * m + i];
    return t;
}

/* W_k = V^-1 dV_k of a group, k after k. */
static void scaled_derivatives(const mm_problem *pr, const mm_state *s, const mm_group *g, const double *vi, double *w, double *tmp)
{
    for (size_t k = 0; k < s->q; k++) {
        pick_visits(s->ds + k * pr->m * pr->m, pr->m, g, tmp);
        multiply(vi, tmp, g->m, w + k * g->m * g->m);
    }
}

/* What one group adds to the gradient's matrix, to J1 = sum n tr(W_k W_l), J2 = tr(W_k W_l V^-1 T), J3 = tr(W_k W_l V^-1 R), and to M_k. */
static void add_group(const mm_problem *pr, mm_state *s, const mm_group *g, const double *resid, bool full, double *j1, double *j2, double *j3)
{
    size_t m = g->m, m2 = m * m, mm = pr->m * pr->m, q = s->q;
    double *v = s->work, *vi = v + mm, *t = vi + mm, *r = t + mm, *tmp = r + mm, *d = tmp + mm, *e = d + mm, *vt = e + mm, *vr = vt + mm, *w = vr + mm, *wt = w + q * mm, *wr = wt + q * mm;
    pick_visits(s->sigma, pr->m, g, v);
    (void)prc_chol(v, m, 0);
    prc_chol_inverse(v, m, vi, tmp);
    if (s->ml) memset(t, 0, m2 * sizeof *t);
    else mm_traces(pr, g, s->phi, t);
    residual_products(g, resid, r);
    for (size_t c = 0; c < m2; c++) tmp[c] = t[c] + r[c];
    multiply(vi, tmp, m, d);
    multiply(d, vi, m, e);
    for (size_t a = 0; a < m; a++)
        for (size_t b = 0; b < m; b++) s->b_full[g->visit[a] * pr->m + g->visit[b]] += (double)g->n_subject * vi[a * m + b] - e[a * m + b];
    scaled_derivatives(pr, s, g, vi, w, tmp);
    multiply(vi, t, m, vt);
    multiply(vi, r, m, vr);
    for (size_t k = 0; k < q; k++) {
        multiply(w + k * m2, vt, m, wt + k * m2);
        multiply(w + k * m2, vr, m, wr + k * m2);
        if (!full) continue;
        multiply(w + k * m2, vi, m, tmp);
        mm_add_cross(pr, g, tmp, s->mk + k * pr->P * pr->P);
    }
    for (size_t k = 0; k < q; k++)
        for (size_t l = 0; l <= k; l++) {
            j1[k * q + l] += (double)g->n_subject * trace_product(w + k * m2, w + l * m2, m);
            if (!s->ml) j2[k * q + l] += trace_product(w + k * m2, wt + l * m2, m);
            j3[k * q + l] += trace_product(w + k * m2, wr + l * m2, m);
        }
}

/* <b_full, d2 Sigma> by central differences of the analytic first derivatives. */
static void curvature_of_sigma(const mm_problem *pr, mm_state *s, double *out)
{
    size_t m2 = pr->m * pr->m, q = s->q;
    double *sigma = s->work, *up = sigma + m2, *down = up + q * m2, step = 1e-4;
    memset(out, 0, q * q * sizeof *out);
    if (prc_cov_linear(s->cov)) return;
    for (size_t l = 0; l < q; l++) {
        double at = s->theta[l];
        s->theta[l] = at + step;
        prc_cov_sigma(s->cov, pr->m, s->theta, sigma, up);
        s->theta[l] = at - step;
        prc_cov_sigma(s->cov, pr->m, s->theta, sigma, down);
        s->theta[l] = at;
        for (size_t k = 0; k < q; k++)
            out[k * q + l] = (prc_dot(s->b_full, up + k * m2, m2) - prc_dot(s->b_full, down + k * m2, m2)) / (2 * step);
    }
    mm_mirror(out, q);
}

/* tr(Phi M_k Phi M_l) and v_k' Phi v_l into two q x q arrays (lower triangles). */
static void projected_products(const mm_problem *pr, mm_state *s, double *mm, double *vv)
{
    size_t P = pr->P, p = pr->p, q = s->q;
    double *nk = s->work, *v = nk + q * P * P, *pv = v + q * P;
    for (size_t k = 0; k < q; k++) {
        const double *m = s->mk + k * P * P;
        for (size_t i = 0; i < p; i++) v[k * P + i] = m[i * P + p] - prc_dot(m + i * P, s->beta, p);
        v[k * P + p] = 0;
        for (size_t i = 0; i < p; i++) pv[k * P + i] = prc_dot(s->phi + i * P, v + k * P, p);
        multiply(s->phi, m, P, nk + k * P * P);
        for (size_t l = 0; l <= k; l++) {
            mm[k * q + l] = trace_product(nk + k * P * P, nk + l * P * P, P);
            vv[k * q + l] = prc_dot(pv + k * P, v + l * P, p);
        }
    }
}

static void residuals(const mm_problem *pr, const mm_state *s, double *resid)
{
    for (size_t i = 0; i < pr->n; i++) {
        size_t end = pr->start[i + 1] - 1;
        double r = pr->val[end];
        for (size_t u = pr->start[i]; u < end; u++) r -= pr->val[u] * s->beta[pr->col[u]];
        resid[i] = r;
    }
}

void mm_derivatives(const mm_problem *pr, mm_state *s, bool full, double *room)
{
    size_t q = s->q, m2 = pr->m * pr->m, P2 = pr->P * pr->P;
    double *resid = room, *j1 = resid + pr->n, *j2 = j1 + q * q, *j3 = j2 + q * q, *mm = j3 + q * q, *vv = mm + q * q, *second = vv + q * q;
    memset(j1, 0, 6 * q * q * sizeof *j1);
    memset(s->b_full, 0, m2 * sizeof *s->b_full);
    if (full) memset(s->mk, 0, q * P2 * sizeof *s->mk);
    prc_cov_sigma(s->cov, pr->m, s->theta, s->sigma, s->ds);
    residuals(pr, s, resid);
    for (size_t g = 0; g < pr->n_group; g++) add_group(pr, s, &pr->group[g], resid, full, j1, j2, j3);
    for (size_t k = 0; k < q; k++) {
        s->gradient[k] = prc_dot(s->b_full, s->ds + k * m2, m2);
        if (full) mm_mirror(s->mk + k * P2, pr->P);
    }
    if (full) {
        projected_products(pr, s, mm, vv);
        curvature_of_sigma(pr, s, second);
    }
    for (size_t k = 0; k < q; k++)
        for (size_t l = 0; l <= k; l++) {
            size_t c = k * q + l;
            double between = full && !s->ml ? mm[c] : 0;
            s->e[c] = s->e[l * q + k] = (j1[c] - 2 * j2[c] + between) / 2;
            s->h[c] = s->h[l * q + k] = full ? -j1[c] + 2 * j2[c] + 2 * j3[c] - between - 2 * vv[c] + second[c] : (double)NAN;
        }
}

void mm_contract_q(const mm_problem *pr, mm_state *s, const double *weight, double *out)
{
    size_t mm = pr->m * pr->m, q = s->q;
    double *v = s->work, *vi = v + mm, *tmp = vi + mm, *sum = tmp + mm, *mixed = sum + mm, *w = mixed + mm;
    memset(out, 0, pr->P * pr->P * sizeof *out);
    for (size_t g = 0; g < pr->n_group; g++) {
        const mm_group *gr = &pr->group[g];
        size_t m = gr->m, m2 = m * m;
        pick_visits(s->sigma, pr->m, gr, v);
        (void)prc_chol(v, m, 0);
        prc_chol_inverse(v, m, vi, tmp);
        scaled_derivatives(pr, s, gr, vi, w, tmp);
        memset(sum, 0, m2 * sizeof *sum);
        for (size_t k = 0; k < q; k++) {
            memset(mixed, 0, m2 * sizeof *mixed);
            for (size_t l = 0; l < q; l++)
                for (size_t c = 0; c < m2; c++) mixed[c] += weight[k * q + l] * w[l * m2 + c];
            multiply(w + k * m2, mixed, m, tmp);
            for (size_t c = 0; c < m2; c++) sum[c] += tmp[c];
        }
        multiply(sum, vi, m, tmp);
        mm_mirror(tmp, m);
        mm_add_cross(pr, gr, tmp, out);
    }
    mm_mirror(out, pr->P);
}
