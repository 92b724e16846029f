/* meta_network.c: network meta-analysis of contrasts by generalised least squares; multi-arm studies keep their covariance. */
#include "meta_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A study reduced to independent contrasts: rows of y, each with a treatment pair, and their covariance matrices. */
typedef struct study {
    size_t n;          /* contrasts kept */
    int *a, *b;        /* n: a minus b */
    double *y;         /* n */
    double *s, *t;     /* n x n: sampling covariance; between-study structure (1 on the diagonal) */
    double *w, *l;     /* n x n: inverse covariance, factor */
    size_t n_arm;
    unsigned long design; /* hash of the set of arms */
} study;

typedef struct network {
    const prc_meta_contrasts *c;
    study *st;
    size_t n_study, p;   /* studies used; parameters */
    double *x;           /* per contrast row of the design in turn */
    double *m, *v, *g;   /* p x p factor, inverse; p coefficients */
    double rss, logdet, sum_n;
    int reference;
    int split_a, split_b; /* node splitting: -1 none; the pair whose direct evidence has its own effect */
    prc_arena *arena;
    bool ok, assumed;
} network;

static const char *name_of(const char *const *names, int i, char *buf)
{
    if (names) return names[i];
    snprintf(buf, 16, "%d", i + 1);
    return buf;
}

/* ---- covariance of the contrasts of a study ------------------------------------------------------------------ */

/* Sign of the shared arms of contrasts i and j: +1 for each shared on the same side, -1 on opposite sides; *arm the shared one (-1 none). */
static int shared(const study *s, size_t i, size_t j, int *arm)
{
    *arm = -1;
    if (s->a[i] == s->a[j]) *arm = s->a[i];
    else if (s->b[i] == s->b[j]) *arm = s->b[i];
    if (*arm >= 0) return 1;
    if (s->a[i] == s->b[j]) *arm = s->a[i];
    else if (s->b[i] == s->a[j]) *arm = s->b[i];
    return *arm >= 0 ? -1 : 0;
}

/* Size of an arm in contrast row r of the data. */
static double arm_size(const prc_meta_contrasts *c, size_t r, int arm)
{
    return c->treat1[r] == arm ? c->n1[r] : c->n2[r];
}

/* Covariance of kept contrasts i and j (data rows ri, rj): from the variance of the shared arm, else from arm sizes, else correlation 1/2. */
static double contrast_cov(network *w, const study *s, size_t i, size_t j, size_t ri, size_t rj)
{
    const prc_meta_contrasts *c = w->c;
    int arm, sign = shared(s, i, j, &arm);
    if (!sign) return 0;
    if (c->shared_v && c->treat2[ri] == arm && !isnan(c->shared_v[ri])) return sign * c->shared_v[ri];
    double vi = c->vi[ri], vj = c->vi[rj];
    if (c->n1 && c->n2 && !isnan(c->n1[ri] + c->n2[ri] + c->n1[rj] + c->n2[rj])) {
        double n = arm_size(c, ri, arm), oi = c->n1[ri] + c->n2[ri] - n, oj = c->n1[rj] + c->n2[rj] - n;
        return sign * sqrt(vi * vj) * (1 / n) / sqrt((1 / n + 1 / oi) * (1 / n + 1 / oj));
    }
    w->assumed = true;
    return sign * 0.5 * sqrt(vi * vj);
}

/* Structure of the between-study covariance: variance 1, correlation 1/2 where an arm is shared. */
static void between(study *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->n; j++) {
            int arm;
            s->t[i * s->n + j] = i == j ? 1 : 0.5 * shared(s, i, j, &arm);
        }
}

/* All pairs of a multi-arm study determine the arms' variances: v_ab = s_a + s_b, solved by least squares over the arms. */
static bool arm_variances(const prc_meta_contrasts *c, const size_t *row, size_t n, const int *arms, size_t n_arm, double *s)
{
    /* Sum over the pairs of arm a: (T-1) s_a + sum of the others = (T-2) s_a + S, with S = sum of all pairs / (T-1). */
    double total = 0, t = (double)n_arm;
    for (size_t i = 0; i < n; i++) total += c->vi[row[i]];
    total /= t - 1;
    for (size_t a = 0; a < n_arm; a++) {
        double mine = 0;
        for (size_t i = 0; i < n; i++)
            if (c->treat1[row[i]] == arms[a] || c->treat2[row[i]] == arms[a]) mine += c->vi[row[i]];
        s[a] = (mine - total) / (t - 2);
        if (!(s[a] > 0)) return false;
    }
    return true;
}

static prc_status study_alloc(network *w, study *s, size_t n, prc_error *err)
{
    s->n = n;
    s->a = prc_arena_alloc(w->arena, n, sizeof *s->a);
    s->b = prc_arena_alloc(w->arena, n, sizeof *s->b);
    s->y = prc_arena_alloc(w->arena, n, sizeof *s->y);
    s->s = prc_arena_alloc(w->arena, n * n, sizeof *s->s);
    s->t = prc_arena_alloc(w->arena, n * n, sizeof *s->t);
    s->w = prc_arena_alloc(w->arena, n * n, sizeof *s->w);
    s->l = prc_arena_alloc(w->arena, n * n, sizeof *s->l);
    return s->a && s->b && s->y && s->s && s->t && s->w && s->l ? PRC_OK : prc_meta_no_memory(err);
}

static int by_int(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Distinct arms of the rows, sorted. */
static size_t arms_of(const prc_meta_contrasts *c, const size_t *row, size_t n, int *arms)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) arms[2 * i] = c->treat1[row[i]], arms[2 * i + 1] = c->treat2[row[i]];
    qsort(arms, 2 * n, sizeof *arms, by_int);
    for (size_t i = 0; i < 2 * n; i++)
        if (i == 0 || arms[i] != arms[m - 1]) arms[m++] = arms[i];
    return m;
}

/* The row that compares arms a and b, with its sign; n if there is none. */
static size_t row_of(const prc_meta_contrasts *c, const size_t *row, size_t n, int a, int b, double *sign)
{
    for (size_t i = 0; i < n; i++) {
        *sign = c->treat1[row[i]] == a ? 1 : -1;
        if ((c->treat1[row[i]] == a && c->treat2[row[i]] == b) || (c->treat1[row[i]] == b && c->treat2[row[i]] == a)) return i;
    }
    return n;
}

/* A study given by all its pairs: kept as contrasts against its first arm, with the covariance the arms' variances imply. */
static prc_status from_all_pairs(network *w, study *s, const size_t *row, size_t n, const int *arms, size_t n_arm, const char *label, prc_error *err)
{
    const prc_meta_contrasts *c = w->c;
    double *v = prc_arena_alloc(w->arena, n_arm, sizeof *v), sign = 1, other = 1;
    if (!v) return prc_meta_no_memory(err);
    PRC_TRY(study_alloc(w, s, n_arm - 1, err));
    if (!arm_variances(c, row, n, arms, n_arm, v))
        return prc_fail(err, PRC_E_VALUE, "study %s: the variances of its %zu contrasts cannot come from one trial with %zu arms", label, n, n_arm);
    for (size_t i = 0; i + 1 < n_arm; i++) {
        size_t r = row_of(c, row, n, arms[i + 1], arms[0], &sign);
        s->a[i] = arms[i + 1];
        s->b[i] = arms[0];
        s->y[i] = sign * c->yi[row[r]];
        for (size_t j = 0; j + 1 < n_arm; j++) s->s[i * s->n + j] = v[0] + (i == j ? v[i + 1] : 0);
    }
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < i; j++) {
            size_t r = row_of(c, row, n, s->a[i], s->a[j], &other);
            double gap = s->y[i] - s->y[j] - other * c->yi[row[r]], size = sqrt(c->vi[row[r]]);
            if (fabs(gap) > 0.05 * size + 1e-6 * fabs(s->y[i]))
                return prc_fail(err, PRC_E_VALUE, "study %s: its contrasts do not add up (off by %.3g)", label, gap);
        }
    return PRC_OK;
}

static prc_status read_study(network *w, study *s, const size_t *row, size_t n, const char *label, prc_error *err)
{
    const prc_meta_contrasts *c = w->c;
    int *arms = prc_arena_alloc(w->arena, 2 * n, sizeof *arms);
    if (!arms) return prc_meta_no_memory(err);
    size_t n_arm = arms_of(c, row, n, arms);
    s->n_arm = n_arm;
    s->design = 1469598103934665603UL;
    for (size_t i = 0; i < n_arm; i++) s->design = (s->design ^ (unsigned long)(arms[i] + 1)) * 1099511628211UL;
    if (n_arm > 2 && n == n_arm * (n_arm - 1) / 2) {
        PRC_TRY(from_all_pairs(w, s, row, n, arms, n_arm, label, err));
    } else if (n == n_arm - 1) {
        PRC_TRY(study_alloc(w, s, n, err));
        for (size_t i = 0; i < n; i++) {
            s->a[i] = c->treat1[row[i]];
            s->b[i] = c->treat2[row[i]];
            s->y[i] = c->yi[row[i]];
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) s->s[i * n + j] = i == j ? c->vi[row[i]] : contrast_cov(w, s, i, j, row[i], row[j]);
    } else {
        return prc_fail(err, PRC_E_VALUE, "study %s: %zu contrasts of %zu arms; give all pairs, or all arms against one of them", label, n, n_arm);
    }
    between(s);
    memcpy(s->l, s->s, s->n * s->n * sizeof *s->l);
    if (!prc_meta_chol(s->l, s->n)) return prc_fail(err, PRC_E_VALUE, "study %s: the covariance of its contrasts is not positive definite", label);
    return PRC_OK;
}

static prc_status check_contrasts(const prc_meta_contrasts *c, prc_error *err)
{
    char b1[16], b2[16];
    if (c->n == 0) return prc_fail(err, PRC_E_VALUE, "no contrast is left to pool");
    for (size_t i = 0; i < c->n; i++) {
        if (c->treat1[i] == c->treat2[i])
            return prc_fail(err, PRC_E_VALUE, "study %s: a contrast of %s with itself", name_of(c->study_name, c->study[i], b1), name_of(c->treat_name, c->treat1[i], b2));
        if (!isfinite(c->yi[i]) || !(c->vi[i] > 0) || !isfinite(c->vi[i]))
            return prc_fail(err, PRC_E_VALUE, "study %s: the effect is not finite or its variance not positive", name_of(c->study_name, c->study[i], b1));
    }
    return PRC_OK;
}

static int root_of(int *parent, int i)
{
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

/* Fails when the treatments fall into pieces, naming them. */
static prc_status check_connected(network *w, prc_error *err)
{
    const prc_meta_contrasts *c = w->c;
    prc_text t = {0};
    char buf[16];
    int *parent = prc_arena_alloc(w->arena, c->n_treat, sizeof *parent);
    bool *used = prc_arena_alloc(w->arena, c->n_treat, sizeof *used);
    if (!parent || !used) return prc_meta_no_memory(err);
    for (size_t i = 0; i < c->n_treat; i++) parent[i] = (int)i;
    for (size_t i = 0; i < c->n; i++) {
        parent[root_of(parent, c->treat1[i])] = root_of(parent, c->treat2[i]);
        used[c->treat1[i]] = used[c->treat2[i]] = true;
    }
    size_t pieces = 0;
    for (size_t r = 0; r < c->n_treat; r++) {
        if (root_of(parent, (int)r) != (int)r) continue;
        prc_text_printf(&t, "%s{", pieces++ ? ", " : "");
        bool first = true;
        for (size_t i = 0; i < c->n_treat; i++) {
            if (root_of(parent, (int)i) != (int)r) continue;
            prc_text_printf(&t, "%s%s", first ? "" : ", ", name_of(c->treat_name, (int)i, buf));
            first = false;
        }
        prc_text_add(&t, "}");
    }
    prc_status st = pieces > 1 ? prc_fail(err, PRC_E_VALUE, "the network is in %zu pieces that no study connects: %s", pieces, t.s ? t.s : "") : PRC_OK;
    prc_text_reset(&t);
    return st;
}

static prc_status network_read(network *w, prc_error *err)
{
    const prc_meta_contrasts *c = w->c;
    char buf[16];
    size_t *start = prc_arena_alloc(w->arena, c->n_study + 2, sizeof *start), *row = prc_arena_alloc(w->arena, c->n, sizeof *row);
    w->st = prc_arena_alloc(w->arena, c->n_study, sizeof *w->st);
    if (!start || !row || !w->st) return prc_meta_no_memory(err);
    for (size_t i = 0; i < c->n; i++) start[c->study[i] + 2]++;
    for (size_t i = 0; i <= c->n_study; i++) start[i + 1] += start[i];
    for (size_t i = 0; i < c->n; i++) row[start[c->study[i] + 1]++] = i;
    for (size_t i = 0; i < c->n_study; i++) {
        size_t n = start[i + 1] - start[i];
        if (!n) continue;
        study *s = &w->st[w->n_study++];
        PRC_TRY(read_study(w, s, row + start[i], n, name_of(c->study_name, (int)i, buf), err));
        w->sum_n += (double)s->n;
    }
    w->p = c->n_treat; /* one less for the reference, one more when a node is split */
    w->m = prc_arena_alloc(w->arena, w->p * w->p, sizeof *w->m);
    w->v = prc_arena_alloc(w->arena, w->p * w->p, sizeof *w->v);
    w->g = prc_arena_alloc(w->arena, w->p, sizeof *w->g);
    return w->m && w->v && w->g ? PRC_OK : prc_meta_no_memory(err);
}

/* ---- least squares ------------------------------------------------------------------------------------------- */

static size_t n_parameter(const network *w)
{
    return w->c->n_treat - 1 + (w->split_a >= 0 ? 1 : 0);
}

/* Parameter of a treatment: -1 for the reference. */
static int parameter_of(const network *w, int t)
{
    return t == w->reference ? -1 : t > w->reference ? t - 1 : t;
}

static bool has_both(const study *s, int a, int b)
{
    bool has_a = false, has_b = false;
    for (size_t i = 0; i < s->n; i++) {
        has_a = has_a || s->a[i] == a || s->b[i] == a;
        has_b = has_b || s->a[i] == b || s->b[i] == b;
    }
    return has_a && has_b;
}

/* Non-zero entries of contrast i's design row: at most two treatments and the split. Symmetric splitting: a gets + 1/2, b gets - 1/2 in studies that have both. */
static size_t design_row(const network *w, const study *s, size_t i, int *at, double *x)
{
    size_t n = 0;
    int pa = parameter_of(w, s->a[i]), pb = parameter_of(w, s->b[i]);
    if (pa >= 0) at[n] = pa, x[n++] = 1;
    if (pb >= 0) at[n] = pb, x[n++] = -1;
    if (w->split_a >= 0 && has_both(s, w->split_a, w->split_b)) {
        double d = 0;
        if (s->a[i] == w->split_a) d += 0.5;
        if (s->a[i] == w->split_b) d -= 0.5;
        if (s->b[i] == w->split_a) d -= 0.5;
        if (s->b[i] == w->split_b) d += 0.5;
        if (d != 0) at[n] = (int)w->c->n_treat - 1, x[n++] = d;
    }
    return n;
}

/* Generalised least squares at tau2; ok false when a parameter cannot be estimated. */
static void network_at(network *w, double tau2)
{
    size_t p = n_parameter(w);
    memset(w->m, 0, p * p * sizeof *w->m);
    memset(w->g, 0, p * sizeof *w->g);
    w->logdet = w->rss = 0;
    for (size_t k = 0; k < w->n_study; k++) {
        study *s = &w->st[k];
        for (size_t i = 0; i < s->n * s->n; i++) s->l[i] = s->s[i] + tau2 * s->t[i];
        if (!(w->ok = prc_meta_chol(s->l, s->n))) return;
        w->logdet += prc_meta_chol_logdet(s->l, s->n);
        prc_meta_chol_inverse(s->l, s->n, s->w);
        for (size_t i = 0; i < s->n; i++)
            for (size_t j = 0; j < s->n; j++) {
                int ai[3], aj[3];
                double xi[3], xj[3], wij = s->w[i * s->n + j];
                size_t ni = design_row(w, s, i, ai, xi), nj = design_row(w, s, j, aj, xj);
                for (size_t a = 0; a < ni; a++) {
                    w->g[ai[a]] += xi[a] * wij * s->y[j];
                    for (size_t b = 0; b < nj; b++) w->m[(size_t)ai[a] * p + (size_t)aj[b]] += xi[a] * wij * xj[b];
                }
            }
    }
    /* A split without indirect evidence leaves a pivot of rounding size. */
    for (size_t i = 0; i < p; i++)
        if (!(w->m[i * p + i] > 0)) w->ok = false;
    double *diag = w->v;
    for (size_t i = 0; i < p; i++) diag[i] = w->m[i * p + i];
    w->ok = w->ok && prc_meta_chol(w->m, p);
    for (size_t i = 0; i < p && w->ok; i++)
        if (w->m[i * p + i] * w->m[i * p + i] < 1e-10 * diag[i]) w->ok = false;
    if (!w->ok) return;
    prc_meta_chol_solve(w->m, p, w->g);
    for (size_t k = 0; k < w->n_study; k++) {
        study *s = &w->st[k];
        for (size_t i = 0; i < s->n; i++)
            for (size_t j = 0; j < s->n; j++) {
                int a[3];
                double x[3], ei = s->y[i], ej = s->y[j];
                size_t n = design_row(w, s, i, a, x);
                for (size_t m = 0; m < n; m++) ei -= x[m] * w->g[a[m]];
                n = design_row(w, s, j, a, x);
                for (size_t m = 0; m < n; m++) ej -= x[m] * w->g[a[m]];
                w->rss += ei * s->w[i * s->n + j] * ej;
            }
    }
}

static double log_det_xx(network *w)
{
    /* log det X'X of the contrasts, for a restricted likelihood on metafor's scale. */
    size_t p = n_parameter(w);
    memset(w->v, 0, p * p * sizeof *w->v);
    for (size_t k = 0; k < w->n_study; k++)
        for (size_t i = 0; i < w->st[k].n; i++) {
            int a[3];
            double x[3];
            size_t n = design_row(w, &w->st[k], i, a, x);
            for (size_t m = 0; m < n; m++)
                for (size_t q = 0; q < n; q++) w->v[(size_t)a[m] * p + (size_t)a[q]] += x[m] * x[q];
        }
    return prc_meta_chol(w->v, p) ? prc_meta_chol_logdet(w->v, p) : PRC_META_NONE;
}

static double network_loglik(network *w, double tau2, bool reml, double xx)
{
    network_at(w, tau2);
    if (!w->ok) return -(double)INFINITY;
    size_t p = n_parameter(w);
    double n = w->sum_n - (reml ? (double)p : 0);
    return -0.5 * (n * log(2 * M_PI) + w->logdet + w->rss + (reml ? prc_meta_chol_logdet(w->m, p) - xx : 0));
}

/* ---- tau2 ---------------------------------------------------------------------------------------------------- */

/* Twice the score of tau2: r' W T W r - tr(P T), P restricted to the blocks. */
typedef struct net_score { network *w; bool reml; double xx; double trace; } net_score;

static double block_trace(network *w, bool reml)
{
    size_t p = n_parameter(w);
    double tr = 0;
    if (reml) prc_meta_chol_inverse(w->m, p, w->v);
    for (size_t k = 0; k < w->n_study; k++) {
        study *s = &w->st[k];
        size_t n = s->n;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                tr += s->w[i * n + j] * s->t[j * n + i];
                if (!reml) continue;
                /* (W T W)_ij x_i' C x_j */
                double wtw = 0, q = 0;
                for (size_t a = 0; a < n; a++)
                    for (size_t b = 0; b < n; b++) wtw += s->w[i * n + a] * s->t[a * n + b] * s->w[b * n + j];
                int ai[3], aj[3];
                double xi[3], xj[3];
                size_t ni = design_row(w, s, i, ai, xi), nj = design_row(w, s, j, aj, xj);
                for (size_t a = 0; a < ni; a++)
                    for (size_t b = 0; b < nj; b++) q += xi[a] * xj[b] * w->v[(size_t)ai[a] * p + (size_t)aj[b]];
                tr -= wtw * q;
            }
    }
    return tr;
}

static double score(void *ctx, double t)
{
    net_score *z = ctx;
    network *w = z->w;
    double quad = 0;
    network_at(w, t);
    if (!w->ok) return PRC_META_NONE;
    for (size_t k = 0; k < w->n_study; k++) {
        study *s = &w->st[k];
        size_t n = s->n;
        double *r = s->l; /* the factor is rebuilt at the next evaluation */
        for (size_t i = 0; i < n; i++) {
            r[i] = 0;
            for (size_t j = 0; j < n; j++) {
                int a[3];
                double x[3], e = s->y[j];
                size_t m = design_row(w, s, j, a, x);
                for (size_t q = 0; q < m; q++) e -= x[q] * w->g[a[q]];
                r[i] += s->w[i * n + j] * e;
            }
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) quad += r[i] * s->t[i * n + j] * r[j];
    }
    return quad - block_trace(w, z->reml);
}

/* Generalised DerSimonian and Laird; ML and REML by the score on a grid, as in the univariate model. */
static double network_tau2(network *w, prc_meta_method m)
{
    enum { POINTS = 16 };
    net_score z = {w, m == PRC_META_REML, 0, 0};
    if (m == PRC_META_FE || !(w->sum_n > (double)n_parameter(w))) return 0;
    network_at(w, 0);
    double q = w->rss, df = w->sum_n - (double)n_parameter(w);
    double dl = fmax(0, (q - df) / block_trace(w, true));
    if (m == PRC_META_DL) return dl;
    double vmin = (double)INFINITY;
    for (size_t k = 0; k < w->n_study; k++)
        for (size_t i = 0; i < w->st[k].n; i++) vmin = fmin(vmin, w->st[k].s[i * w->st[k].n + i]);
    double hi = prc_meta_grow(score, &z, 0, 2 * dl + vmin), lo = 1e-3 * fmin(vmin, hi), best = 0, a = 0, fa = score(&z, 0);
    double ll = network_loglik(w, 0, z.reml, 0);
    for (int i = 0; i < POINTS && !isnan(hi); i++) {
        double b = i == POINTS - 1 ? hi : lo * pow(hi / lo, (double)i / (POINTS - 1)), fb = score(&z, b);
        if (fa > 0 && fb <= 0) {
            double t = prc_meta_root(score, &z, a, b), value = network_loglik(w, t, z.reml, 0);
            if (value > ll) best = t, ll = value;
        }
        a = b;
        fa = fb;
    }
    return best;
}

/* ---- results ------------------------------------------------------------------------------------------------- */

static double par(const network *w, int t)
{
    int at = parameter_of(w, t);
    return at < 0 ? 0 : w->g[at];
}

static double par_cov(const network *w, int s, int t)
{
    int a = parameter_of(w, s), b = parameter_of(w, t);
    return a < 0 || b < 0 ? 0 : w->v[(size_t)a * n_parameter(w) + (size_t)b];
}

static void league(network *w, double level, bool small_good, prc_meta_network_fit *f)
{
    size_t n = f->n_treat;
    double z = prc_norm_inv(0.5 + level / 2);
    prc_meta_chol_inverse(w->m, n_parameter(w), w->v);
    for (size_t i = 0; i < n; i++) {
        double score_sum = 0;
        for (size_t j = 0; j < n; j++) {
            size_t at = i * n + j;
            int a = (int)i, b = (int)j;
            f->effect[at] = i == j ? 0 : par(w, a) - par(w, b);
            f->se[at] = i == j ? 0 : sqrt(fmax(0, par_cov(w, a, a) + par_cov(w, b, b) - 2 * par_cov(w, a, b)));
            f->lb[at] = f->effect[at] - z * f->se[at];
            f->ub[at] = f->effect[at] + z * f->se[at];
            if (i != j) score_sum += prc_norm_cdf((small_good ? -1 : 1) * f->effect[at] / f->se[at]);
        }
        f->pscore[i] = score_sum / (double)(n - 1);
    }
}

/* All effects zero: g' M g with M = L L'. */
static void equality(const network *w, prc_meta_network_fit *f)
{
    size_t p = n_parameter(w);
    f->QM = 0;
    for (size_t j = 0; j < p; j++) {
        double s = 0;
        for (size_t i = j; i < p; i++) s += w->m[i * p + j] * w->g[i];
        f->QM += s * s;
    }
    f->QM_df = (double)p;
    f->QMp = prc_stat_chisq_p(f->QM, f->QM_df);
}

/* Q within designs: every set of arms fitted apart; what is left of Q is inconsistency between designs. */
static prc_status designs(network *w, prc_meta_network_fit *f, prc_error *err)
{
    bool *done = prc_arena_alloc(w->arena, w->n_study, sizeof *done);
    if (!done) return prc_meta_no_memory(err);
    f->Q_het = f->Q_het_df = 0;
    for (size_t k = 0; k < w->n_study; k++) {
        if (done[k]) continue;
        study *s = &w->st[k];
        size_t p = s->n_arm - 1, n_rows = 0;
        double *m = prc_arena_alloc(w->arena, p * p + 2 * p, sizeof *m), rss = 0;
        int *arms = prc_arena_alloc(w->arena, 2 * s->n + 1, sizeof *arms);
        if (!m || !arms) return prc_meta_no_memory(err);
        double *g = m + p * p, *x = g + p;
        size_t n_arm = 0;
        for (size_t i = 0; i < s->n; i++) arms[2 * i] = s->a[i], arms[2 * i + 1] = s->b[i];
        qsort(arms, 2 * s->n, sizeof *arms, by_int);
        for (size_t i = 0; i < 2 * s->n; i++)
            if (i == 0 || arms[i] != arms[n_arm - 1]) arms[n_arm++] = arms[i];
        f->n_design++;
        /* Weighted sums of squares in one pass: rss = y'Wy - g' M^-1 g. */
        for (size_t h = k; h < w->n_study; h++) {
            study *u = &w->st[h];
            if (u->design != s->design || u->n_arm != s->n_arm) continue;
            done[h] = true;
            n_rows += u->n;
            memcpy(u->l, u->s, u->n * u->n * sizeof *u->l);
            (void)prc_meta_chol(u->l, u->n);
            prc_meta_chol_inverse(u->l, u->n, u->w);
            for (size_t i = 0; i < u->n; i++)
                for (size_t j = 0; j < u->n; j++) {
                    double wij = u->w[i * u->n + j];
                    rss += u->y[i] * wij * u->y[j];
                    for (size_t a = 0; a < p; a++) {
                        double xa = (u->a[i] == arms[a + 1]) - (u->b[i] == arms[a + 1]);
                        g[a] += xa * wij * u->y[j];
                        for (size_t b = 0; b < p; b++) m[a * p + b] += xa * wij * ((u->a[j] == arms[b + 1]) - (u->b[j] == arms[b + 1]));
                    }
                }
        }
        memcpy(x, g, p * sizeof *x);
        if (prc_meta_chol(m, p)) {
            prc_meta_forward(m, p, x);
            for (size_t a = 0; a < p; a++) rss -= x[a] * x[a];
        }
        f->Q_het += fmax(0, rss);
        f->Q_het_df += (double)n_rows - (double)p;
    }
    f->Q_inc = fmax(0, f->Q - f->Q_het);
    f->Q_inc_df = f->Q_df - f->Q_het_df;
    f->Q_hetp = f->Q_het_df > 0 ? prc_stat_chisq_p(f->Q_het, f->Q_het_df) : PRC_META_NONE;
    f->Q_incp = f->Q_inc_df > 0 ? prc_stat_chisq_p(f->Q_inc, f->Q_inc_df) : PRC_META_NONE;
    return PRC_OK;
}

/* Direct and indirect evidence of a comparison from the model in which its direct evidence has an effect of its own. */
static void split_one(network *w, double tau2, prc_meta_split *s)
{
    double none = PRC_META_NONE;
    size_t extra = w->c->n_treat - 1;
    s->direct = s->direct_se = s->indirect = s->indirect_se = s->diff = s->diff_se = s->z = s->p = none;
    w->split_a = s->a;
    w->split_b = s->b;
    network_at(w, tau2);
    size_t p = n_parameter(w);
    if (w->ok) {
        prc_meta_chol_inverse(w->m, p, w->v);
        double v = par_cov(w, s->a, s->a) + par_cov(w, s->b, s->b) - 2 * par_cov(w, s->a, s->b), vd = w->v[extra * p + extra], c = 0;
        int pa = parameter_of(w, s->a), pb = parameter_of(w, s->b);
        if (pa >= 0) c += w->v[(size_t)pa * p + extra];
        if (pb >= 0) c -= w->v[(size_t)pb * p + extra];
        s->indirect = par(w, s->a) - par(w, s->b);
        s->indirect_se = sqrt(v);
        s->diff = w->g[extra];
        s->diff_se = sqrt(vd);
        s->direct = s->indirect + s->diff;
        s->direct_se = sqrt(v + vd + 2 * c);
        s->z = s->diff / s->diff_se;
        s->p = prc_stat_normal_p(s->z);
    } else {
        /* All evidence is direct. */
        s->direct = s->network;
        s->direct_se = s->network_se;
    }
    w->split_a = w->split_b = -1;
}

static prc_status splits(network *w, double tau2, prc_meta_network_fit *f, prc_error *err)
{
    size_t n = f->n_treat;
    f->split = prc_malloc(n * (n - 1) / 2 + 1, sizeof *f->split);
    if (!f->split) return prc_meta_no_memory(err);
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            prc_meta_split s = {.a = (int)a, .b = (int)b, .network = f->effect[a * n + b], .network_se = f->se[a * n + b]};
            for (size_t k = 0; k < w->n_study; k++) s.n_study += has_both(&w->st[k], s.a, s.b);
            if (!s.n_study) continue;
            split_one(w, tau2, &s);
            f->split[f->n_split++] = s;
        }
    return PRC_OK;
}

void prc_meta_network_fit_reset(prc_meta_network_fit *f)
{
    if (!f) return;
    prc_free(f->effect);
    prc_free(f->split);
    *f = (prc_meta_network_fit){0};
}

prc_status prc_meta_network(const prc_meta_contrasts *c, int reference, prc_meta_method method, bool small_good, double level, prc_meta_network_fit *out, prc_error *err)
{
    prc_status st = PRC_OK;
    network w = {.c = c, .reference = reference, .split_a = -1, .split_b = -1};
    prc_meta_network_fit f = {.n_treat = c->n_treat, .n_contrast = c->n, .reference = reference};
    if (method != PRC_META_FE && method != PRC_META_DL && method != PRC_META_ML && method != PRC_META_REML)
        return prc_fail(err, PRC_E_VALUE, "a network is fitted by FE, DL, ML or REML, not %s", prc_meta_method_name(method));
    PRC_TRY(check_contrasts(c, err));
    if (reference < 0 || (size_t)reference >= c->n_treat) return prc_fail(err, PRC_E_VALUE, "the reference treatment is not in the network");
    w.arena = prc_arena_create();
    size_t n = c->n_treat;
    f.effect = prc_calloc(4 * n * n + n, sizeof *f.effect);
    if (!w.arena || !f.effect) {
        st = prc_meta_no_memory(err);
        goto out;
    }
    f.se = f.effect + n * n;
    f.lb = f.se + n * n;
    f.ub = f.lb + n * n;
    f.pscore = f.ub + n * n;
    PRC_GO(st, check_connected(&w, err));
    PRC_GO(st, network_read(&w, err));
    f.n_study = w.n_study;
    for (size_t k = 0; k < w.n_study; k++) f.n_multiarm += w.st[k].n_arm > 2;
    network_at(&w, 0);
    if (!w.ok) {
        st = prc_fail(err, PRC_E_NUMERIC, "the network cannot be solved: the variances differ by more than double precision can hold");
        goto out;
    }
    f.Q = w.rss;
    f.Q_df = w.sum_n - (double)n_parameter(&w);
    f.Qp = f.Q_df > 0 ? prc_stat_chisq_p(f.Q, f.Q_df) : PRC_META_NONE;
    f.I2 = f.Q_df > 0 && f.Q > 0 ? fmax(0, 100 * (f.Q - f.Q_df) / f.Q) : 0;
    f.tau2 = network_tau2(&w, method);
    double xx = log_det_xx(&w);
    f.logLik_reml = network_loglik(&w, f.tau2, true, xx);
    f.logLik = network_loglik(&w, f.tau2, false, 0);
    equality(&w, &f);
    league(&w, level, small_good, &f);
    PRC_GO(st, designs(&w, &f, err));
    PRC_GO(st, splits(&w, f.tau2, &f, err));
    f.assumed_covariance = w.assumed;
out:
    prc_arena_free(w.arena);
    if (st == PRC_OK) *out = f;
    else prc_meta_network_fit_reset(&f);
    return st;
}
