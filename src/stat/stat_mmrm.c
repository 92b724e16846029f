/* stat_mmrm.c: fitting the mixed model for repeated measures, contrasts with Kenward-Roger or Satterthwaite degrees of freedom, and the model of a frame. */
#include "stat_mmrm_int.h"

#include <math.h>
#include <string.h>

#define MAX_ITER 100
#define MAX_VISIT_UN 24
#define MAX_VISIT 100
#define MAX_VISIT_FEW 400 /* structures of two parameters */
/* No structure within those limits has more parameters: 24 visits unstructured have 300. */
#define MAX_THETA 512
/* Up to this many covariance parameters every step uses the exact second derivatives. */
#define EXACT_NEWTON 60

/* ---- one covariance structure ---------------------------------------------------------------------------------- */

/* Solves info step = gradient by Cholesky; false when info is not positive definite. */
static bool solve(const double *info, const double *gradient, double factor, size_t q, double *chol, double *step)
{
    for (size_t i = 0; i < q * q; i++) chol[i] = info[i] * factor;
    if (!prc_chol(chol, q, 1e-10)) return false;
    memcpy(step, gradient, q * sizeof *step);
    prc_chol_solve(chol, q, step);
    return true;
}

/* Moves against step with halving until the objective does not rise; false when it always does. theta0: q. */
static bool move(const mm_problem *pr, mm_state *s, const double *step, double *theta0)
{
    double before = s->objective, slack = 1e-11 * (1 + fabs(before)), factor = 1;
    memcpy(theta0, s->theta, s->q * sizeof *theta0);
    for (int half = 0; half < 30; half++, factor /= 2) {
        for (size_t k = 0; k < s->q; k++) s->theta[k] = theta0[k] - factor * step[k];
        if (mm_objective(pr, s) && s->objective <= before + slack) return true;
    }
    memcpy(s->theta, theta0, s->q * sizeof *theta0);
    (void)mm_objective(pr, s);
    return false;
}

/* Newton on the objective, with expected information where the likelihood is not convex. Ends with all derivatives at the solution. */
static bool iterate(const mm_problem *pr, mm_state *s, double *room, int *iterations, double *decrement)
{
    size_t q = s->q;
    bool exact = q <= EXACT_NEWTON;
    double *chol = room, *step = chol + q * q, *theta0 = step + q, *rest = theta0 + q;
    *decrement = (double)INFINITY;
    if (!mm_objective(pr, s)) return false;
    for (*iterations = 0; *iterations < MAX_ITER; (*iterations)++) {
        mm_derivatives(pr, s, exact, rest);
        bool convex = exact && solve(s->h, s->gradient, 1, q, chol, step);
        if (!convex && !solve(s->e, s->gradient, 2, q, chol, step)) return false;
        *decrement = prc_dot(step, s->gradient, q);
        if (!isfinite(*decrement)) return false;
        if (*decrement < 1e-13 || (*decrement < 1e-9 && !exact)) break;
        if (!move(pr, s, step, theta0)) break;
    }
    if (!exact) mm_derivatives(pr, s, true, rest);
    /* A maximum that the data determine: the curvature there is positive in every direction. */
    return *decrement < 1e-7 && solve(s->h, s->gradient, 1, q, chol, step);
}

/* Start from the moments of the residuals, drawn towards independence until positive definite. */
static bool start(const mm_problem *pr, mm_state *s, double *moments)
{
    size_t m = pr->m;
    double *count = s->work, *sigma = count + m * m, *trial = sigma + m * m;
    memset(moments, 0, m * m * sizeof *moments);
    memset(count, 0, m * m * sizeof *count);
    for (size_t g = 0; g < pr->n_group; g++)
        for (size_t i = 0; i < pr->group[g].n_subject; i++)
            for (size_t a = 0; a < pr->group[g].m; a++)
                for (size_t b = 0; b < pr->group[g].m; b++) {
                    const mm_group *gr = &pr->group[g];
                    double ra = pr->val[pr->start[gr->row[i * gr->m + a] + 1] - 1], rb = pr->val[pr->start[gr->row[i * gr->m + b] + 1] - 1];
                    moments[gr->visit[a] * m + gr->visit[b]] += ra * rb;
                    count[gr->visit[a] * m + gr->visit[b]]++;
                }
    double total = 0, largest = 0;
    for (size_t c = 0; c < m * m; c++) moments[c] = count[c] > 0 ? moments[c] / count[c] : 0;
    for (size_t a = 0; a < m; a++) total += moments[a * m + a] / (double)m, largest = fmax(largest, moments[a * m + a]);
    if (!(total > 0)) return false;
    for (size_t a = 0; a < m; a++) moments[a * m + a] = fmax(moments[a * m + a], 1e-6 * largest);
    for (int k = 0; k < 20; k++) {
        double shrink = k == 0 ? 1 : pow(0.8, k);
        for (size_t a = 0; a < m; a++)
            for (size_t b = 0; b < m; b++) trial[a * m + b] = moments[a * m + b] * (a == b ? 1 : shrink);
        memcpy(sigma, trial, m * m * sizeof *sigma);
        if (prc_chol(sigma, m, 0.02) || k == 19) break;
    }
    prc_cov_start(s->cov, m, trial, s->theta);
    size_t first = s->cov == PRC_COV_TOEP || s->cov == PRC_COV_CS || s->cov == PRC_COV_AR1 ? 1 : m;
    for (int k = 0; k < 30 && s->cov != PRC_COV_UN; k++) {
        prc_cov_sigma(s->cov, m, s->theta, sigma, NULL);
        if (prc_chol(sigma, m, 1e-3)) break;
        for (size_t j = first; j < s->q; j++) s->theta[j] *= 0.7;
        if (s->cov == PRC_COV_CS) s->theta[0] = total - s->theta[1];
    }
    return true;
}

/* ---- what a table needs ---------------------------------------------------------------------------------------- */

/* Maps a kept-by-kept array (P x P, column stride P) to all columns. */
static void spread_out(const double *in, size_t P, const size_t *col, size_t p, size_t p_all, double *out)
{
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++) out[col[i] * p_all + col[j]] = in[i * P + j];
}

/* Sum over k, l of w_kl M_k Phi M_l taken from sum: Phi sum Phi is the Kenward-Roger addition (half of it). */
static void subtract_projected(const mm_problem *pr, const mm_state *s, const double *w, double *sum, double *mixed, double *left)
{
    size_t P = pr->P, q = s->q;
    for (size_t k = 0; k < q; k++) {
        memset(mixed, 0, P * P * sizeof *mixed);
        for (size_t l = 0; l < q; l++)
            for (size_t c = 0; c < P * P; c++) mixed[c] += w[k * q + l] * s->mk[l * P * P + c];
        for (size_t i = 0; i < P; i++)
            for (size_t j = 0; j < P; j++) left[i * P + j] = prc_dot(s->mk + k * P * P + i * P, s->phi + j * P, P);
        for (size_t i = 0; i < P; i++)
            for (size_t j = 0; j < P; j++) sum[i * P + j] -= prc_dot(left + i * P, mixed + j * P, P);
    }
}

/* phi in phi of a P x P matrix: out = Phi a Phi. */
static void sandwich(const double *phi, const double *a, size_t P, double *out, double *tmp)
{
    for (size_t i = 0; i < P; i++)
        for (size_t j = 0; j < P; j++) tmp[i * P + j] = prc_dot(phi + i * P, a + j * P, P);
    for (size_t i = 0; i < P; i++)
        for (size_t j = 0; j < P; j++) out[i * P + j] = prc_dot(tmp + i * P, phi + j * P, P);
}

static prc_status no_memory(size_t n, prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "out of memory for a repeated-measures model of %zu rows", n);
}

/* vcov, its derivatives, its Kenward-Roger form and Sigma. map: visit of the fit -> visit of the caller. */
static prc_status conclude(const mm_problem *pr, mm_state *s, const size_t *col, const size_t *map, prc_mmrm *fit, prc_error *err)
{
    size_t P = pr->P, q = s->q, p_all = fit->p, pp = p_all * p_all;
    fit->n_theta = q;
    fit->theta_vcov = prc_calloc(q * q + 1, sizeof *fit->theta_vcov);
    fit->dphi = prc_calloc(q * pp + 1, sizeof *fit->dphi);
    double *room = prc_calloc(2 * q * q + 4 * P * P, sizeof *room);
    if (!fit->theta_vcov || !fit->dphi || !room) {
        prc_free(room);
        return no_memory(pr->n, err);
    }
    double *chol = room, *scratch = chol + q * q, *sum = scratch + q * q, *a = sum + P * P, *b = a + P * P, *c = b + P * P;
    /* The observed information is half the curvature of -2 log likelihood. */
    for (size_t k = 0; k < q * q; k++) chol[k] = s->h[k] / 2;
    (void)prc_chol(chol, q, 0);
    prc_chol_inverse(chol, q, fit->theta_vcov, scratch);
    spread_out(s->phi, P, col, pr->p, p_all, fit->vcov);
    for (size_t k = 0; k < q; k++) {
        for (size_t i = 0; i < P * P; i++) c[i] = s->mk[k * P * P + i];
        sandwich(s->phi, c, P, a, b); /* dPhi = Phi M_k Phi */
        spread_out(a, P, col, pr->p, p_all, fit->dphi + k * pp);
    }
    mm_contract_q(pr, s, fit->theta_vcov, sum);
    subtract_projected(pr, s, fit->theta_vcov, sum, a, b);
    sandwich(s->phi, sum, P, a, b);
    for (size_t i = 0; i < P * P; i++) a[i] = s->phi[i] + 2 * a[i];
    spread_out(a, P, col, pr->p, p_all, fit->vcov_kr);
    for (size_t i = 0; i < pr->m; i++)
        for (size_t j = 0; j < pr->m; j++) fit->sigma[map[i] * fit->n_visit + map[j]] = s->sigma[i * pr->m + j];
    prc_free(room);
    return PRC_OK;
}

/* ---- the fit --------------------------------------------------------------------------------------------------- */

/* Complete rows, visits that are there, independent columns, residuals of least squares. */
typedef struct mm_prepared {
    size_t n, m, p;
    size_t *row, *map, *col;
    int *subject, *visit;
    double *y, *b; /* residual per row used; least-squares coefficients of the kept columns */
} mm_prepared;

static void prepared_reset(mm_prepared *d)
{
    prc_free(d->row);
    prc_free(d->map);
    prc_free(d->col);
    prc_free(d->subject);
    prc_free(d->visit);
    prc_free(d->y);
    prc_free(d->b);
}

static prc_status take_rows(const double *x, const double *y, const int *subject, const int *visit, size_t n, size_t p, size_t n_subject, size_t n_visit, mm_prepared *d, prc_error *err)
{
    d->row = prc_malloc(n + 1, sizeof *d->row);
    d->map = prc_malloc(2 * n_visit + 1, sizeof *d->map);
    d->col = prc_malloc(p + 1, sizeof *d->col);
    d->subject = prc_malloc(n + 1, sizeof *d->subject);
    d->visit = prc_malloc(n + 1, sizeof *d->visit);
    d->y = prc_malloc(n + 1, sizeof *d->y);
    d->b = prc_calloc(p + 1, sizeof *d->b);
    if (!d->row || !d->map || !d->col || !d->subject || !d->visit || !d->y || !d->b) return no_memory(n, err);
    size_t *place = d->map + n_visit;
    memset(place, 0, n_visit * sizeof *place);
    for (size_t i = 0; i < n; i++) {
        bool complete = isfinite(y[i]) && subject[i] >= 0 && (size_t)subject[i] < n_subject && visit[i] >= 0 && (size_t)visit[i] < n_visit;
        for (size_t j = 0; complete && j < p; j++) complete = isfinite(x[i * p + j]);
        if (!complete) continue;
        d->subject[d->n] = subject[i];
        d->visit[d->n] = visit[i];
        d->row[d->n++] = i;
        place[visit[i]] = 1;
    }
    for (size_t v = 0; v < n_visit; v++) {
        if (!place[v]) continue;
        place[v] = d->m;
        d->map[d->m++] = v;
    }
    for (size_t i = 0; i < d->n; i++) d->visit[i] = (int)place[d->visit[i]];
    return PRC_OK;
}

static prc_status pick_columns(const double *x, const double *y, size_t p, mm_prepared *d, double *alias, prc_error *err)
{
    double *a = prc_calloc(p * p + p + 1, sizeof *a);
    bool *keep = prc_calloc(p + 1, sizeof *keep);
    if (!a || !keep) {
        prc_free(a);
        prc_free(keep);
        return no_memory(d->n, err);
    }
    double *xy = a + p * p;
    for (size_t i = 0; i < d->n; i++) {
        const double *r = x + d->row[i] * p;
        for (size_t j = 0; j < p; j++) {
            if (r[j] == 0) continue;
            xy[j] += r[j] * y[d->row[i]];
            for (size_t k = 0; k <= j; k++) a[j * p + k] += r[j] * r[k];
        }
    }
    (void)prc_chol_pick(a, p, 1e-11, keep, alias);
    for (size_t j = 0; j < p; j++)
        if (keep[j]) d->col[d->p++] = j;
    /* The rows of the kept columns are the factor of their own cross product. */
    for (size_t i = 0; i < d->p; i++) {
        for (size_t j = 0; j <= i; j++) a[i * d->p + j] = a[d->col[i] * p + d->col[j]];
        d->b[i] = xy[d->col[i]];
    }
    if (d->p) prc_chol_solve(a, d->p, d->b);
    for (size_t i = 0; i < d->n; i++) {
        double r = y[d->row[i]];
        for (size_t j = 0; j < d->p; j++) r -= d->b[j] * x[d->row[i] * p + d->col[j]];
        d->y[i] = r;
    }
    prc_free(a);
    prc_free(keep);
    return PRC_OK;
}

static prc_status check_size(const mm_prepared *d, prc_cov cov, bool fallback, prc_error *err)
{
    size_t limit = cov == PRC_COV_UN ? MAX_VISIT_UN : cov == PRC_COV_CS || cov == PRC_COV_AR1 ? MAX_VISIT_FEW : MAX_VISIT;
    if (d->n == 0) return prc_fail(err, PRC_E_NUMERIC, "no row has a value of everything the model needs");
    if (d->n <= d->p) return prc_fail(err, PRC_E_NUMERIC, "%zu values are too few for a model of %zu coefficients", d->n, d->p);
    if (d->m <= limit) return PRC_OK;
    return prc_fail(err, PRC_E_VALUE, "%zu visits are too many for the %s covariance (%zu parameters; the limit is %zu visits)%s", d->m, prc_cov_text(cov), prc_cov_n_theta(cov, d->m),
                    limit, d->m <= MAX_VISIT_FEW && !fallback ? "; cs and ar1 go up to 400" : "");
}

/* Tries one structure. *ok tells whether it converged; the fit is then filled. */
static prc_status try_cov(const mm_problem *pr, const mm_prepared *d, prc_cov cov, const prc_mmrm_options *o, prc_mmrm *fit, bool *ok, prc_error *err)
{
    prc_status st = PRC_OK;
    mm_state s = {0};
    double *room = NULL;
    *ok = false;
    if (prc_cov_n_theta(cov, pr->m) == 0) return PRC_OK;
    PRC_TRY(mm_state_create(pr, cov, o->ml, &s, err));
    room = prc_calloc(pr->n + 8 * s.q * s.q + 4 * s.q + pr->m * pr->m + 1, sizeof *room);
    if (!room) {
        st = no_memory(pr->n, err);
        goto out;
    }
    if (!start(pr, &s, room)) goto out;
    *ok = iterate(pr, &s, room, &fit->iterations, &fit->decrement);
    if (!*ok) goto out;
    fit->cov = cov;
    fit->log_lik = -s.objective / 2;
    for (size_t j = 0; j < d->p; j++) fit->coef[d->col[j]] = s.beta[j] + d->b[j];
    st = conclude(pr, &s, d->col, d->map, fit, err);
out:
    prc_free(room);
    mm_state_reset(&s);
    return st;
}

/* Generalised least squares with a covariance that is known. */
static prc_status known_cov(const mm_problem *pr, const mm_prepared *d, const prc_mmrm_options *o, prc_mmrm *fit, prc_error *err)
{
    mm_state s = {0};
    PRC_TRY(mm_state_create(pr, PRC_COV_UN, o->ml, &s, err));
    for (size_t i = 0, k = 0; i < pr->m; i++)
        for (size_t j = 0; j <= i; j++) s.theta[k++] = o->sigma[d->map[i] * fit->n_visit + d->map[j]];
    if (!mm_objective(pr, &s)) {
        mm_state_reset(&s);
        return prc_fail(err, PRC_E_VALUE, "the covariance that was given is not positive definite");
    }
    fit->log_lik = -s.objective / 2;
    for (size_t j = 0; j < d->p; j++) fit->coef[d->col[j]] = s.beta[j] + d->b[j];
    spread_out(s.phi, pr->P, d->col, d->p, fit->p, fit->vcov);
    spread_out(s.phi, pr->P, d->col, d->p, fit->p, fit->vcov_kr);
    memcpy(fit->sigma, o->sigma, fit->n_visit * fit->n_visit * sizeof *fit->sigma);
    mm_state_reset(&s);
    return PRC_OK;
}

static prc_status fit_create(size_t n_visit, size_t p, prc_mmrm *fit, prc_error *err)
{
    double none = (double)NAN;
    *fit = (prc_mmrm){.p = p, .n_visit = n_visit};
    fit->coef = prc_calloc(p + 1, sizeof *fit->coef);
    fit->vcov = prc_calloc(p * p + 1, sizeof *fit->vcov);
    fit->vcov_kr = prc_calloc(p * p + 1, sizeof *fit->vcov_kr);
    fit->alias = prc_calloc(p * p + 1, sizeof *fit->alias);
    fit->sigma = prc_calloc(n_visit * n_visit + 1, sizeof *fit->sigma);
    if (!fit->coef || !fit->vcov || !fit->vcov_kr || !fit->alias || !fit->sigma) return no_memory(p, err);
    for (size_t j = 0; j < p; j++) fit->coef[j] = none;
    for (size_t j = 0; j < p * p; j++) fit->vcov[j] = fit->vcov_kr[j] = none;
    for (size_t j = 0; j < n_visit * n_visit; j++) fit->sigma[j] = none;
    return PRC_OK;
}

prc_status prc_mmrm_fit(const double *x, const double *y, const int *subject, const int *visit, size_t n, size_t p, size_t n_subject, size_t n_visit,
                        const prc_mmrm_options *options, prc_mmrm *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_mmrm fit = {0};
    mm_prepared d = {0};
    mm_problem pr = {0};
    if (options->cov >= PRC_COV_COUNT) return prc_fail(err, PRC_E_VALUE, "there is no covariance structure %d", (int)options->cov);
    if (p > 5000 || n_visit > 4000) return prc_fail(err, PRC_E_VALUE, "%zu visits and %zu columns are too many for a repeated-measures model", n_visit, p);
    PRC_GO(st, take_rows(x, y, subject, visit, n, p, n_subject, n_visit, &d, err));
    if (d.m > MAX_VISIT_FEW) PRC_GO(st, check_size(&d, options->cov, !options->no_fallback, err));
    PRC_GO(st, fit_create(n_visit, p, &fit, err));
    PRC_GO(st, pick_columns(x, y, p, &d, fit.alias, err));
    PRC_GO(st, check_size(&d, options->cov, !options->no_fallback, err));
    PRC_GO(st, mm_problem_create(x, d.y, d.subject, d.visit, d.row, d.n, p, d.col, d.p, n_subject, d.m, &pr, err));
    fit.n = d.n;
    fit.n_subject = pr.n_subject;
    fit.rank = d.p;
    bool ok = false;
    if (options->sigma) {
        ok = true;
        PRC_GO(st, known_cov(&pr, &d, options, &fit, err));
    }
    for (prc_cov cov = d.m == 1 ? PRC_COV_UN : options->cov; cov < PRC_COV_COUNT && !ok; cov++) {
        fit.n_tried++;
        PRC_GO(st, try_cov(&pr, &d, cov, options, &fit, &ok, err));
        if (options->no_fallback) break;
    }
    if (!ok)
        st = prc_fail(err, PRC_E_NUMERIC, "%s: the covariance of %zu visits cannot be estimated from %zu subjects",
                      options->no_fallback ? "the repeated-measures model did not converge" : "no covariance structure converged", d.m, pr.n_subject);
out:
    prepared_reset(&d);
    mm_problem_reset(&pr);
    if (st == PRC_OK) *out = fit;
    else prc_mmrm_reset(&fit);
    return st;
}

void prc_mmrm_reset(prc_mmrm *fit)
{
    if (!fit) return;
    prc_free(fit->coef);
    prc_free(fit->vcov);
    prc_free(fit->vcov_kr);
    prc_free(fit->alias);
    prc_free(fit->sigma);
    prc_free(fit->theta_vcov);
    prc_free(fit->dphi);
    *fit = (prc_mmrm){0};
}

/* ---- contrasts ------------------------------------------------------------------------------------------------- */

/* l' A l over the kept columns. */
static double quadratic(const prc_mmrm *fit, const double *a, const double *l)
{
    double s = 0;
    for (size_t i = 0; i < fit->p; i++) {
        if (l[i] == 0 || isnan(fit->coef[i])) continue;
        for (size_t j = 0; j < fit->p; j++)
            if (l[j] != 0 && !isnan(fit->coef[j])) s += l[i] * l[j] * a[i * fit->p + j];
    }
    return s;
}

/* l'b can be told when l treats a dropped column as its alias says. */
static bool estimable(const prc_mmrm *fit, const double *l)
{
    double size = 0;
    for (size_t j = 0; j < fit->p; j++) size = fmax(size, fabs(l[j]));
    for (size_t j = 0; j < fit->p; j++) {
        if (!isnan(fit->coef[j])) continue;
        double follow = 0;
        for (size_t k = 0; k < fit->p; k++) follow += fit->alias[j * fit->p + k] * l[k];
        if (fabs(follow - l[j]) > 1e-6 * size) return false;
    }
    return true;
}

prc_estimate prc_mmrm_contrast(const prc_mmrm *fit, const double *l, const prc_mmrm_options *o)
{
    prc_estimate e = prc_estimate_none();
    double level = o->level > 0 ? o->level : 0.95;
    size_t q = fit->n_theta;
    e.n = fit->n;
    if (q > MAX_THETA || !estimable(fit, l)) return e;
    e.estimate = 0;
    for (size_t j = 0; j < fit->p; j++)
        if (l[j] != 0 && !isnan(fit->coef[j])) e.estimate += l[j] * fit->coef[j];
    double var = quadratic(fit, fit->vcov, l), spread = 0;
    e.se = sqrt(o->df == PRC_DF_KR ? fmax(0, quadratic(fit, fit->vcov_kr, l)) : var);
    if (o->df != PRC_DF_NORMAL) {
        /* The same for both: with one contrast the Kenward-Roger degrees of freedom are 2 var^2 over the variance of var, the scale is 1. */
        double g[MAX_THETA];
        for (size_t k = 0; k < q; k++) g[k] = quadratic(fit, fit->dphi + k * fit->p * fit->p, l);
        for (size_t k = 0; k < q; k++) spread += g[k] * prc_dot(fit->theta_vcov + k * q, g, q);
        e.df = spread > 0 ? 2 * var * var / spread : (double)NAN;
    }
    prc_estimate_wald(&e, level);
    return e;
}

/* ---- the model of a frame -------------------------------------------------------------------------------------- */

void prc_mmrm_table_reset(prc_mmrm_table *t)
{
    if (!t) return;
    prc_free(t->ls_mean);
    prc_free(t->diff);
    prc_free(t->overall);
    prc_free(t->count);
    prc_mmrm_reset(&t->fit);
    *t = (prc_mmrm_table){0};
}

static void fill_table(const prc_frame *f, const prc_mmrm_options *o, double *l, prc_mmrm_table *t)
{
    size_t m = t->n_visit;
    for (size_t a = 0; a < t->n_arm; a++) {
        bool compare = f->reference >= 0 && (int)a != f->reference, all = compare;
        size_t r = compare ? (size_t)f->reference : 0, there = 0;
        for (size_t v = 0; v < m; v++) {
            size_t cell = a * m + v, base = r * m + v;
            if (t->count[cell] > 0) {
                l[cell] = 1;
                t->ls_mean[cell] = prc_mmrm_contrast(&t->fit, l, o);
                if (compare && t->count[base] > 0) {
                    l[base] = -1;
                    t->diff[cell] = prc_mmrm_contrast(&t->fit, l, o);
                    l[base] = 0;
                    t->diff[cell].n = t->count[cell] + t->count[base];
                }
                l[cell] = 0;
                there++;
            }
            t->ls_mean[cell].n = t->count[cell];
            /* A visit that nobody has is no part of the average; one that only one of the two arms has makes it untellable. */
            if (compare && (t->count[cell] > 0) != (t->count[base] > 0)) all = false;
        }
        if (!all || there == 0) continue;
        for (size_t v = 0; v < m; v++)
            if (t->count[a * m + v] > 0) l[a * m + v] = 1 / (double)there, l[r * m + v] = -1 / (double)there;
        t->overall[a] = prc_mmrm_contrast(&t->fit, l, o);
        memset(l, 0, t->fit.p * sizeof *l);
    }
}

prc_status prc_stat_mmrm(const prc_frame *f, const double *y, const int *subject, const int *visit, size_t n_subject, size_t n_visit, const prc_mmrm_options *options,
                         prc_mmrm_table *out, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_frame_design d = {0};
    prc_mmrm_table t = {.n_arm = f->n_arm, .n_visit = n_visit};
    double *used = NULL, *l = NULL;
    int *s = NULL;
    if (options->cov == PRC_COV_UN && n_visit > MAX_VISIT_UN) /* before a huge design is made */
        return prc_fail(err, PRC_E_VALUE, "%zu visits are too many for the unstructured covariance (the limit is %d); choose --cov cs or ar1 (up to %d), or fewer visits", n_visit,
                        MAX_VISIT_UN, MAX_VISIT_FEW);
    if (n_visit > MAX_VISIT_FEW) return prc_fail(err, PRC_E_VALUE, "%zu visits are too many for a repeated-measures model (the limit is %d)", n_visit, MAX_VISIT_FEW);
    size_t cells = f->n_arm * n_visit + 1;
    PRC_GO(st, prc_frame_design_create(f, y, visit, n_visit, options->by_visit, &d, err));
    t.ls_mean = prc_malloc(cells, sizeof *t.ls_mean);
    t.diff = prc_malloc(cells, sizeof *t.diff);
    t.overall = prc_malloc(f->n_arm + 1, sizeof *t.overall);
    t.count = prc_calloc(cells, sizeof *t.count);
    used = prc_malloc(d.n + 1, sizeof *used);
    s = prc_malloc(2 * d.n + 1, sizeof *s);
    l = prc_calloc(d.p + 1, sizeof *l);
    if (!t.ls_mean || !t.diff || !t.overall || !t.count || !used || !s || !l) {
        st = no_memory(d.n, err);
        goto out;
    }
    for (size_t c = 0; c < cells; c++) t.ls_mean[c] = t.diff[c] = prc_estimate_none();
    for (size_t a = 0; a < f->n_arm; a++) t.overall[a] = prc_estimate_none();
    memcpy(t.count, d.count, (cells - 1) * sizeof *t.count);
    for (size_t i = 0; i < d.n; i++) used[i] = y[d.row[i]], s[i] = subject[d.row[i]], s[d.n + i] = visit[d.row[i]];
    PRC_GO(st, prc_mmrm_fit(d.x, used, s, s + d.n, d.n, d.p, n_subject, n_visit, options, &t.fit, err));
    fill_table(f, options, l, &t);
out:
    prc_free(used);
    prc_free(s);
    prc_free(l);
    prc_frame_design_reset(&d);
    if (st == PRC_OK) *out = t;
    else prc_mmrm_table_reset(&t);
    return st;
}
