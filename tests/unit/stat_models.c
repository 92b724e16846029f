/* stat_models.c: the trial's models against R (numbers and script in tests/ref) and at their edges: empty arms, no events, separation, singular covariance. */
#include "../ref/stat_more.h"
#include "../tap.h"
#include "paracrine/stat.h"

#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define N COUNT(mo_x)

/* Largest difference relative to max(1, |want|) of two lists. */
static void near_all(const char *what, const double *got, const double *want, size_t n, double tol)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double off = fabs(got[i] - want[i]) / fmax(1, fabs(want[i]));
        if (!(off <= tol)) printf("# %s[%zu]: got %.17g, want %.17g\n", what, i, got[i], want[i]);
        worst = isnan(off) ? (double)INFINITY : fmax(worst, off);
    }
    TAP_THAT(worst <= tol, "%s: worst difference %.2g of %zu", what, worst, n);
}

static void fit_is(const char *what, const prc_fit *f, const double *coef, const double *se, size_t n, double tol)
{
    double s[16];
    for (size_t j = 0; j < n; j++) s[j] = sqrt(f->vcov[j * f->p + j]);
    near_all(what, f->coef, coef, n, tol);
    near_all(what, s, se, n, tol);
}

/* Intercept when wanted, two arm columns, x. */
static size_t design(bool intercept, double *x)
{
    size_t k = 0;
    for (size_t i = 0; i < N; i++) {
        if (intercept) x[k++] = 1;
        x[k++] = mo_arm[i] == 1;
        x[k++] = mo_arm[i] == 2;
        x[k++] = mo_x[i];
    }
    return 3 + (size_t)intercept;
}

static void cox(void)
{
    double x[3 * N], z[4];
    prc_fit f = {0};
    size_t p = design(false, x);
    TAP_INT(prc_stat_cox(mo_t, mo_ev, x, mo_st, N, p, PRC_TIES_EFRON, &f, NULL), PRC_OK);
    fit_is("stratified Cox", &f, co_coef, co_se, 3, 1e-9);
    for (int j = 0; j < 3; j++) z[j] = f.zph[j];
    z[3] = f.zph_global;
    near_all("proportional hazards", z, co_zph, 4, 1e-8);
    prc_fit_reset(&f);
}

static void competing(void)
{
    const double at[] = {2, 5, 10, 20};
    double p[8], se[8];
    prc_cif c = {0};
    TAP_INT(prc_stat_aalen_johansen(mo_t, mo_cause, N, 2, &c, NULL), PRC_OK);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 2; k++) {
            prc_estimate e = prc_cif_at(&c, k + 1, at[i], 0.95);
            p[2 * i + k] = e.estimate;
            se[2 * i + k] = e.se;
        }
    near_all("cumulative incidence", p, ci_p, 8, 1e-12);
    near_all("its SE", se, ci_se, 8, 1e-9);
    prc_cif_reset(&c);
}

static void counts(void)
{
    double x[4 * N], off[N];
    prc_fit f = {0};
    size_t p = design(true, x);
    for (size_t i = 0; i < N; i++) off[i] = log(ra_ex[i]);
    TAP_INT(prc_stat_poisson(x, ra_y, off, N, p, &f, NULL), PRC_OK);
    fit_is("Poisson", &f, po_coef, po_se, 4, 1e-9);
    TAP_REL(f.log_lik, po_ll[0], 1e-10);
    prc_fit_reset(&f);
    TAP_INT(prc_stat_negbin(x, ra_y, off, N, p, true, &f, NULL), PRC_OK);
    fit_is("negative binomial", &f, nb_coef, nb_se, 4, 1e-8);
    TAP_REL(f.dispersion, nb_alpha[0], 1e-7);
    TAP_REL(f.log_lik, nb_ll[0], 1e-9);
    double ml = f.dispersion;
    prc_fit_reset(&f);
    TAP_INT(prc_stat_negbin(x, ra_y, off, N, p, false, &f, NULL), PRC_OK);
    TAP_THAT(f.dispersion > ml && f.dispersion < 1.3 * ml, "corrected dispersion %.4f, maximum-likelihood %.4f", f.dispersion, ml);
    prc_fit_reset(&f);
    /* Counts without overdispersion: dispersion 0, the Poisson fit. */
    double even[8] = {1, 1, 1, 1, 2, 2, 2, 2}, ones[16];
    for (size_t i = 0; i < 8; i++) ones[2 * i] = 1, ones[2 * i + 1] = i >= 4;
    TAP_INT(prc_stat_negbin(ones, even, NULL, 8, 2, true, &f, NULL), PRC_OK);
    TAP_NEAR(f.dispersion, 0, 0);
    TAP_NEAR(f.coef[1], log(2), 1e-12);
    prc_fit_reset(&f);
}

static void binary(void)
{
    double x[4 * N], rate[6], diff[4];
    prc_fit f = {0};
    prc_estimate e[9];
    prc_responders r = {e, e + 3, e + 6, false};
    size_t p = design(true, x);
    TAP_INT(prc_stat_logistic(x, lo_y, N, p, &f, NULL), PRC_OK);
    fit_is("logistic", &f, lo_coef, lo_se, 4, 1e-9);
    prc_fit_reset(&f);
    prc_frame fr = {.n = N, .n_arm = 3, .arm = mo_arm, .reference = 0, .n_x = 1, .x = mo_x};
    TAP_INT(prc_stat_responders(&fr, lo_y, 0.95, &r, NULL), PRC_OK);
    for (int a = 0; a < 3; a++) rate[2 * a] = r.rate[a].estimate, rate[2 * a + 1] = r.rate[a].se;
    for (int a = 1; a < 3; a++) diff[2 * a - 2] = r.diff[a].estimate, diff[2 * a - 1] = r.diff[a].se;
    near_all("g-computation rates", rate, gc_rate, 6, 1e-9);
    near_all("g-computation differences", diff, gc_diff, 4, 1e-9);
    TAP_NEAR(r.log_or[2].estimate, lo_coef[2], 1e-9);
    TAP_OK(!r.separated && isnan(r.diff[0].estimate));
}

static void graded(void)
{
    double x[3 * N];
    prc_fit f = {0};
    size_t p = design(false, x);
    TAP_INT(prc_stat_ordinal(x, od_y, N, p, 5, &f, NULL), PRC_OK);
    /* polr's optimiser leaves 1e-8 open. */
    fit_is("proportional odds", &f, od_coef, od_se, 7, 1e-6);
    TAP_THAT(f.log_lik >= od_ll[0] - 1e-10 && f.log_lik < od_ll[0] + 1e-7, "likelihood %.12f, polr %.12f", f.log_lik, od_ll[0]);
    prc_fit_reset(&f);
    /* A grade that nobody has changes nothing but its own cut point. */
    int y[N];
    for (size_t i = 0; i < N; i++) y[i] = od_y[i] >= 2 ? od_y[i] + 1 : od_y[i];
    TAP_INT(prc_stat_ordinal(x, y, N, p, 6, &f, NULL), PRC_OK);
    near_all("an empty grade", f.coef, od_coef, 3, 1e-5);
    TAP_OK(isnan(f.coef[5]) && fabs(f.coef[6] - od_coef[5]) < 1e-4);
    prc_fit_reset(&f);
}

static void ranks(void)
{
    double w, sup, got[5];
    prc_estimate e;
    TAP_INT(prc_stat_wilcoxon(wi_u, COUNT(wi_u), wi_w, COUNT(wi_w), 0.95, &w, &sup, &e, NULL), PRC_OK);
    got[0] = w, got[1] = e.p, got[2] = e.estimate, got[3] = e.ci_lb, got[4] = e.ci_ub;
    near_all("Wilcoxon W, p, shift, limits", got, wi_out, 5, 1e-12);
    TAP_NEAR(sup, w / (31.0 * 26), 1e-15);
    double same[3] = {2, 2, 2};
    TAP_INT(prc_stat_wilcoxon(same, 3, same, 3, 0.95, NULL, NULL, &e, NULL), PRC_OK);
    TAP_NEAR(e.p, 1, 0);
    TAP_INT(prc_stat_wilcoxon(same, 0, same, 3, 0.95, NULL, NULL, &e, NULL), PRC_OK);
    TAP_OK(isnan(e.estimate) && isnan(e.p));
}

static void distributions(void)
{
    double got[COUNT(nc_t)];
    for (size_t i = 0; i < COUNT(nc_t); i++) got[i] = prc_stat_nct_cdf(nc_t[i], nc_df[i], nc_d[i]);
    near_all("noncentral t", got, nc_p, COUNT(nc_t), 1e-10);
    TAP_NEAR(prc_stat_dunnett_quantile(0.95, 3, NULL, (double)INFINITY), du_q[0], 1e-10);
    TAP_NEAR(prc_stat_dunnett_quantile(0.95, 3, NULL, 20), du_q[1], 1e-9);
    TAP_NEAR(prc_stat_dunnett_p(2.1, 1, NULL, 30), prc_stat_t_p(2.1, 30), 1e-10);
    double b[2] = {0.3, 0.8};
    TAP_NEAR(prc_stat_dunnett_p(prc_stat_dunnett_quantile(0.9, 2, b, 12), 2, b, 12), 0.1, 1e-10);
}

/* ---- repeated measures ----------------------------------------------------------------------------------------- */

#define M COUNT(mm_y)

static size_t repeated(double *x, int *subject, int *visit)
{
    for (size_t i = 0; i < M; i++) {
        double arm = i / 3 >= 15;
        subject[i] = (int)(i / 3);
        visit[i] = (int)(i % 3);
        const double row[6] = {1, arm, i % 3 == 1, i % 3 == 2, (i % 3 == 1) * arm, (i % 3 == 2) * arm};
        memcpy(x + 6 * i, row, sizeof row);
    }
    return 6;
}

static void mmrm_against_nlme(void)
{
    double x[6 * M];
    int subject[M], visit[M];
    size_t p = repeated(x, subject, visit);
    const struct { prc_cov cov; const double *want; } all[] = {{PRC_COV_UN, mm_un}, {PRC_COV_AR1, mm_ar1}, {PRC_COV_CSH, mm_csh}};
    for (size_t k = 0; k < 3; k++) {
        prc_mmrm_options o = {.cov = all[k].cov, .no_fallback = true};
        prc_mmrm f = {0};
        double se[6];
        TAP_INT(prc_mmrm_fit(x, mm_y, subject, visit, M, p, 30, 3, &o, &f, NULL), PRC_OK);
        for (size_t j = 0; j < 6; j++) se[j] = sqrt(f.vcov[7 * j]);
        TAP_THAT(f.log_lik >= all[k].want[0] - 1e-9 && f.log_lik < all[k].want[0] + 1e-6, "%s: likelihood %.10f, nlme %.10f", prc_cov_name(o.cov), f.log_lik, all[k].want[0]);
        near_all("coefficients", f.coef, all[k].want + 1, 6, 1e-6);
        near_all("SEs", se, all[k].want + 7, 6, 1e-6);
        prc_mmrm_reset(&f);
    }
}

/* Kenward-Roger of a balanced compound-symmetric split plot is the classical analysis: the arm effect has subjects - arms degrees of freedom, the slope within subjects
 * (subjects - arms) (visits - 1). */
static void mmrm_split_plot(void)
{
    enum { S = 12, V = 4 };
    double y[S * V], mean[S] = {0};
    int subject[S * V], visit[S * V], arm[S * V];
    for (int i = 0; i < S * V; i++) {
        subject[i] = i / V, visit[i] = i % V, arm[i] = i / V >= S / 2;
        y[i] = 3 * prc_normal(5, (uint32_t)(i / V), 1, 0, 0) + prc_normal(5, (uint32_t)i, 2, 0, 0) + arm[i];
        mean[i / V] += y[i] / V;
    }
    prc_frame f = {.n = S * V, .n_arm = 2, .arm = arm, .reference = 0};
    prc_mmrm_options o = {.cov = PRC_COV_CS, .no_fallback = true, .df = PRC_DF_KR};
    prc_mmrm_table t = {0};
    TAP_INT(prc_stat_mmrm(&f, y, subject, visit, S, V, &o, &t, NULL), PRC_OK);
    prc_estimate e = prc_stat_welch(mean + S / 2, S / 2, mean, S / 2, 0.95);
    TAP_NEAR(t.overall[1].estimate, e.estimate, 1e-10);
    TAP_NEAR(t.overall[1].se, e.se, 1e-8);
    TAP_NEAR(t.overall[1].df, S - 2, 1e-5);
    prc_mmrm_table_reset(&t);
}

static void mmrm_edges(void)
{
    enum { S = 20, V = 3 };
    double y[S * V];
    int subject[S * V], visit[S * V], arm[S * V];
    prc_error err = {0};
    prc_mmrm_table t = {0};
    prc_mmrm_options o = {.cov = PRC_COV_UN};
    for (int i = 0; i < S * V; i++) {
        subject[i] = i / V, visit[i] = i % V, arm[i] = i / V >= S / 2;
        y[i] = prc_normal(6, (uint32_t)(i / V), 1, 0, 0) + prc_normal(6, (uint32_t)i, 2, 0, 0);
    }
    prc_frame f = {.n = S * V, .n_arm = 3, .arm = arm, .reference = 0};
    /* An arm that nobody is in, and a visit that one arm lacks. */
    for (int i = 0; i < S * V; i++)
        if (arm[i] == 1 && visit[i] == 2) y[i] = NONE;
    TAP_INT(prc_stat_mmrm(&f, y, subject, visit, S, V, &o, &t, &err), PRC_OK);
    TAP_OK(isnan(t.ls_mean[2 * V].estimate) && isnan(t.diff[V + 2].estimate) && !isnan(t.diff[V + 1].estimate) && !isnan(t.ls_mean[2].estimate) && isnan(t.overall[1].estimate));
    prc_mmrm_table_reset(&t);
    /* A visit that nobody has is left out. */
    for (int i = 0; i < S * V; i++)
        if (visit[i] == 2) y[i] = NONE;
    TAP_INT(prc_stat_mmrm(&f, y, subject, visit, S, V, &o, &t, &err), PRC_OK);
    TAP_OK(isnan(t.ls_mean[2].estimate) && !isnan(t.overall[1].estimate) && isnan(t.fit.sigma[8]));
    prc_mmrm_table_reset(&t);
    /* Two visits that are the same: the covariance is singular for every structure. */
    for (int i = 0; i < S * V; i++)
        if (visit[i] == 1) y[i] = y[i - 1];
    o.no_fallback = true;
    TAP_INT(prc_stat_mmrm(&f, y, subject, visit, S, V, &o, &t, &err), PRC_E_NUMERIC);
    TAP_HAS(err.message, "did not converge");
    /* One patient an arm. */
    f.n = 2 * V, f.n_arm = 2;
    int two[6] = {0, 0, 0, 1, 1, 1};
    double six[6] = {1, 2, 4, 2, 2, 3};
    f.arm = two;
    o.no_fallback = false;
    TAP_OK(prc_stat_mmrm(&f, six, two, visit, 2, V, &o, &t, &err) == PRC_E_NUMERIC);
    /* Too many visits, a visit twice, nothing at all. */
    TAP_INT(prc_stat_mmrm(&f, six, two, visit, 2, 10000, &o, &t, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "10000 visits are too many");
    int again[6] = {0, 0, 1, 0, 1, 2};
    TAP_INT(prc_stat_mmrm(&f, six, two, again, 2, V, &o, &t, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "two values at one visit");
    for (int i = 0; i < 6; i++) six[i] = NONE;
    TAP_INT(prc_stat_mmrm(&f, six, two, visit, 2, V, &o, &t, &err), PRC_E_NUMERIC);
}

/* ---- edges of the others --------------------------------------------------------------------------------------- */

static void no_events(void)
{
    double time[6] = {1, 2, 3, 4, 5, 6}, x[6] = {0, 0, 0, 1, 1, 1};
    int none[6] = {0}, one_side[6] = {1, 1, 1, 0, 0, 0};
    prc_fit f = {0};
    TAP_INT(prc_stat_cox(time, none, x, NULL, 6, 1, PRC_TIES_EFRON, &f, NULL), PRC_OK);
    TAP_OK(f.n_event == 0 && isnan(f.coef[0]));
    prc_fit_reset(&f);
    TAP_INT(prc_stat_cox(time, one_side, x, NULL, 6, 1, PRC_TIES_EFRON, &f, NULL), PRC_OK);
    TAP_OK(f.separated && isnan(f.coef[0]) && isnan(f.zph_global));
    prc_fit_reset(&f);
    prc_km km = {0};
    TAP_INT(prc_stat_km(time, none, 6, &km, NULL), PRC_OK);
    prc_estimate e = prc_km_at_ci(&km, 3, PRC_KM_LOGLOG, 0.95);
    TAP_OK(e.estimate >= 1 && e.ci_lb >= 1 && isnan(prc_km_quantile_ci(&km, 0.5, PRC_KM_LOG, 0.95).estimate));
    TAP_NEAR(prc_km_rmst(&km, 5, 0.95).estimate, 5, 1e-14);
    TAP_OK(isnan(prc_km_rmst(&km, 7, 0.95).estimate));
    prc_km_reset(&km);
    TAP_INT(prc_stat_cox(time, none, x, NULL, 0, 1, PRC_TIES_EFRON, &f, NULL), PRC_OK);
    TAP_OK(isnan(f.coef[0]));
    prc_fit_reset(&f);
}

static void separation(void)
{
    enum { K = 40 };
    double y[K], x[K];
    int arm[K];
    prc_estimate e[9];
    prc_responders r = {e, e + 3, e + 6, false};
    for (int i = 0; i < K; i++) arm[i] = i >= K / 2, y[i] = arm[i] || i % 3 == 0, x[i] = prc_normal(3, (uint32_t)i, 1, 0, 0);
    prc_frame f = {.n = K, .n_arm = 3, .arm = arm, .reference = 0, .n_x = 1, .x = x};
    /* Everybody in arm 1 responds, nobody is in arm 2. */
    TAP_INT(prc_stat_responders(&f, y, 0.95, &r, NULL), PRC_OK);
    TAP_OK(r.separated && isnan(r.diff[1].estimate) && isnan(r.rate[2].estimate) && !isnan(r.rate[0].estimate));
    prc_estimate rd;
    TAP_INT(prc_stat_risk_difference(20, 20, 7, 20, 0.95, &rd, NULL), PRC_OK);
    TAP_OK(rd.ci_lb > 0 && rd.ci_ub < 1);
    /* A covariate that foretells the response leaves nothing to standardise with. */
    for (int i = 0; i < K; i++) y[i] = x[i] > 0;
    TAP_INT(prc_stat_responders(&f, y, 0.95, &r, NULL), PRC_OK);
    TAP_OK(r.separated && isnan(r.rate[0].estimate));
    prc_fit fit = {0};
    int same[K] = {0};
    TAP_INT(prc_stat_ordinal(x, same, K, 1, 4, &fit, NULL), PRC_OK);
    TAP_OK(isnan(fit.coef[0]) && fit.separated);
    prc_fit_reset(&fit);
    double zero[K] = {0}, design_x[2 * K];
    for (int i = 0; i < K; i++) design_x[2 * i] = 1, design_x[2 * i + 1] = arm[i], zero[i] = arm[i] ? 0 : i % 3;
    TAP_INT(prc_stat_negbin(design_x, zero, NULL, K, 2, false, &fit, NULL), PRC_OK);
    TAP_OK(fit.separated && isnan(fit.coef[1]) && !isnan(fit.coef[0]));
    prc_fit_reset(&fit);
    /* No events at all, or only in one of three arms. */
    double three_x[90], three_y[30];
    for (int i = 0; i < 30; i++) three_x[3 * i] = 1, three_x[3 * i + 1] = i % 3 == 1, three_x[3 * i + 2] = i % 3 == 2, three_y[i] = i % 3 == 2 ? i % 2 : 0;
    TAP_INT(prc_stat_poisson(three_x, three_y, NULL, 30, 3, &fit, NULL), PRC_OK);
    TAP_OK(fit.separated && isnan(fit.coef[0]) && isnan(fit.coef[1]) && isnan(fit.coef[2]));
    prc_fit_reset(&fit);
    for (int i = 0; i < 30; i++) three_y[i] = 0;
    TAP_INT(prc_stat_negbin(three_x, three_y, NULL, 30, 3, false, &fit, NULL), PRC_OK);
    TAP_OK(fit.separated && isnan(fit.coef[1]) && isnan(fit.coef[2]));
    prc_fit_reset(&fit);
    y[3] = 2;
    TAP_INT(prc_stat_responders(&f, y, 0.95, &r, NULL), PRC_E_VALUE);
}

static void ancova_of_a_frame(void)
{
    /* Factor levels weigh the same in an LS mean: with arm and factor only, it is the mean of the cell means. */
    double y[8] = {1, 3, 5, 7, 2, 4, 4, 10};
    int arm[8] = {0, 0, 0, 0, 1, 1, 1, 1}, level[8] = {0, 0, 0, 2, 0, 0, 2, 2};
    const size_t levels[1] = {3};
    prc_estimate ls[3], diff[3];
    prc_frame f = {.n = 8, .n_arm = 3, .arm = arm, .reference = 0, .n_factor = 1, .factor = level, .n_level = levels};
    TAP_INT(prc_stat_ancova_frame(&f, y, 0.95, ls, diff, NULL), PRC_OK);
    TAP_NEAR(diff[1].estimate, ls[1].estimate - ls[0].estimate, 1e-12);
    TAP_NEAR(diff[1].df, 5, 0);
    TAP_OK(isnan(ls[2].estimate) && isnan(diff[2].estimate) && ls[2].n == 0);
    double b = (0.75 * (7 - 3) + (7 - 3)) / (0.75 + 1); /* within-arm slopes 7 - 3 and 7 - 3, weighted by their information */
    TAP_NEAR(ls[0].estimate, 3 + b / 2, 1e-12);
    /* One patient an arm: differences, but no spread. */
    int two[2] = {0, 1};
    double pair[2] = {1, 4};
    prc_frame g = {.n = 2, .n_arm = 2, .arm = two, .reference = 0};
    TAP_INT(prc_stat_ancova_frame(&g, pair, 0.95, ls, diff, NULL), PRC_OK);
    TAP_OK(diff[1].estimate > 2.99 && isnan(diff[1].se) && isnan(diff[1].p));
    /* The arm is the centre: nothing can be told. */
    prc_frame h = {.n = 8, .n_arm = 2, .arm = arm, .reference = 0, .n_factor = 1, .factor = arm, .n_level = levels};
    TAP_INT(prc_stat_ancova_frame(&h, y, 0.95, ls, diff, NULL), PRC_OK);
    TAP_OK(isnan(diff[1].estimate));
}

static void several(void)
{
    /* The Holm procedure as a graph; a gatekeeper that fails keeps the rest closed. */
    const double p[4] = {0.011, 0.02, 0.022, 0.09}, w[4] = {0.25, 0.25, 0.25, 0.25};
    double g[16], q[4], holm[4];
    for (int i = 0; i < 16; i++) g[i] = i % 5 == 0 ? 0 : 1.0 / 3;
    TAP_INT(prc_stat_graphical(p, w, g, 4, q, NULL), PRC_OK);
    TAP_INT(prc_stat_adjust(p, 4, PRC_ADJUST_HOLM, holm, NULL), PRC_OK);
    near_all("graph of Holm", q, holm, 4, 1e-14);
    const double first[2] = {1, 0}, chain[4] = {0, 1, 0, 0}, bad[2] = {0.06, 0.0001}, good[2] = {0.01, 0.03};
    TAP_INT(prc_stat_graphical(bad, first, chain, 2, q, NULL), PRC_OK);
    TAP_NEAR(q[1], 0.06, 1e-15);
    TAP_INT(prc_stat_graphical(good, first, chain, 2, q, NULL), PRC_OK);
    TAP_NEAR(q[1], 0.03, 1e-15);
    const double heavy[2] = {0.7, 0.7};
    TAP_INT(prc_stat_graphical(good, heavy, chain, 2, q, NULL), PRC_E_VALUE);
    const double some[3] = {0.01, NONE, 0.04};
    TAP_INT(prc_stat_adjust(some, 3, PRC_ADJUST_BONFERRONI, q, NULL), PRC_OK);
    TAP_OK(isnan(q[1]) && fabs(q[0] - 0.02) < 1e-15);
    /* Looks: the error spent is alpha, one look is the fixed design, power rises with drift. */
    prc_gsd d;
    const double t[5] = {0.1, 0.15, 0.5, 0.9, 1}, one[1] = {1};
    for (int k = 0; k < 4; k++) {
        TAP_INT(prc_gsd_design((prc_gsd_type)k, 5, t, 0.025, &d, NULL), PRC_OK);
        TAP_NEAR(d.spent[4], 0.025, 1e-10);
        TAP_INT(prc_gsd_design((prc_gsd_type)k, 1, one, 0.025, &d, NULL), PRC_OK);
        TAP_NEAR(d.bound[0], 1.959963984540054, 1e-10);
    }
    const double falling[2] = {0.5, 0.4};
    TAP_INT(prc_gsd_design(PRC_GSD_OBF, 2, falling, 0.025, &d, NULL), PRC_E_VALUE);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* Every analysis once; each frees what it made. */
static prc_status everything(prc_error *err)
{
    double x[4 * N], mx[6 * M], p4[4] = {0.01, 0.02, 0.03, 0.04}, g[16] = {0}, t[2] = {0.5, 1}, out[4];
    int subject[M], visit[M], arm[M];
    prc_estimate e[9], ls[3], diff[3];
    prc_responders r = {e, e + 3, e + 6, false};
    prc_frame f = {.n = N, .n_arm = 3, .arm = mo_arm, .reference = 0, .n_x = 1, .x = mo_x}, fm = {.n = M, .n_arm = 2, .arm = arm, .reference = 0};
    prc_mmrm_options o = {.cov = PRC_COV_TOEPH};
    prc_mmrm_table table = {0};
    prc_fit fit = {0};
    prc_cif c = {0};
    prc_gsd d;
    (void)repeated(mx, subject, visit);
    for (size_t i = 0; i < M; i++) arm[i] = subject[i] >= 15;
    PRC_TRY(prc_stat_mmrm(&fm, mm_y, subject, visit, 30, 3, &o, &table, err));
    prc_mmrm_table_reset(&table);
    size_t p = design(false, x);
    PRC_TRY(prc_stat_cox(mo_t, mo_ev, x, mo_st, N, p, PRC_TIES_EFRON, &fit, err));
    prc_fit_reset(&fit);
    PRC_TRY(prc_stat_ordinal(x, od_y, N, p, 5, &fit, err));
    prc_fit_reset(&fit);
    p = design(true, x);
    PRC_TRY(prc_stat_negbin(x, ra_y, NULL, N, p, false, &fit, err));
    prc_fit_reset(&fit);
    PRC_TRY(prc_stat_aalen_johansen(mo_t, mo_cause, N, 2, &c, err));
    prc_cif_reset(&c);
    PRC_TRY(prc_stat_responders(&f, lo_y, 0.95, &r, err));
    PRC_TRY(prc_stat_ancova_frame(&f, ra_y, 0.95, ls, diff, err));
    PRC_TRY(prc_stat_wilcoxon(wi_u, COUNT(wi_u), wi_w, COUNT(wi_w), 0.95, NULL, NULL, e, err));
    PRC_TRY(prc_stat_graphical(p4, p4, g, 4, out, err));
    PRC_TRY(prc_stat_adjust(p4, 4, PRC_ADJUST_HOMMEL, out, err));
    return prc_gsd_design(PRC_GSD_OBF, 2, t, 0.025, &d, err);
}

static void out_of_memory(void)
{
    long k = 0, wrong = 0;
    prc_status st;
    do {
        prc_error err = {0};
        prc_memory_fail_at(++k);
        st = everything(&err);
        wrong += st != PRC_OK && st != PRC_E_MEMORY;
    } while (st != PRC_OK && k < 2000);
    prc_memory_fail_at(0);
    TAP_THAT(st == PRC_OK && wrong == 0, "%ld allocations failed one by one, %ld without the right status", k - 1, wrong);
}

int main(void)
{
    TAP_RUN(cox);
    TAP_RUN(competing);
    TAP_RUN(counts);
    TAP_RUN(binary);
    TAP_RUN(graded);
    TAP_RUN(ranks);
    TAP_RUN(distributions);
    TAP_RUN(mmrm_against_nlme);
    TAP_RUN(mmrm_split_plot);
    TAP_RUN(mmrm_edges);
    TAP_RUN(no_events);
    TAP_RUN(separation);
    TAP_RUN(ancova_of_a_frame);
    TAP_RUN(several);
    TAP_RUN(out_of_memory);
    return tap_done();
}
