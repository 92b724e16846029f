/* stat_test.c: estimators and tests against R (numbers and script in tests/ref) and at their edges. Tolerance 1e-9 relative unless said otherwise. */
#include "../ref/stat_numbers.h"
#include "../tap.h"
#include "paracrine/stat.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Relative to max(1, |want|): the smallest p values have their own test. */
static void near9(const char *what, double got, double want)
{
    bool ok = (isnan(got) && isnan(want)) || fabs(got - want) <= 1e-9 * fmax(1, fabs(want));
    if (!TAP_THAT(ok, "%s", what)) printf("# got %.17g, want %.17g\n", got, want);
}

/* estimate se df stat p ci_lb ci_ub in the order of the reference tables. */
static void same_estimate(const char *what, const prc_estimate *e, const double *want)
{
    const double got[7] = {e->estimate, e->se, e->df, e->stat, e->p, e->ci_lb, e->ci_ub};
    for (int i = 0; i < 7; i++) near9(what, got[i], want[i]);
}

static void summaries(void)
{
    double q[COUNT(su_p)], rho;
    TAP_INT(prc_stat_quantiles(su_x, COUNT(su_x), su_p, COUNT(su_p), q, NULL), PRC_OK);
    for (size_t i = 0; i < COUNT(su_p); i++) near9("quantile type 7", q[i], su_q[i]);
    near9("sd", prc_stat_sd(su_x, COUNT(su_x)), su_sd[0]);
    prc_estimate e = prc_stat_mean(su_x, COUNT(su_x), 0.95);
    same_estimate("mean", &e, su_mean);
    e = prc_stat_welch(su_x, COUNT(su_x), su_w, COUNT(su_w), 0.95);
    same_estimate("welch", &e, su_welch);
    TAP_INT(prc_stat_spearman(su_x, su_z, COUNT(su_x), &rho, NULL), PRC_OK);
    near9("spearman", rho, su_rho[0]);
}

static void distributions(void)
{
    for (size_t i = 0; i < COUNT(di_t); i++) {
        double p = prc_stat_t_p(di_t[i], di_df[i]);
        TAP_THAT(fabs(p - di_tp[i]) <= 1e-9 * di_tp[i], "t p at %g, %g df: %.12g, %.12g", di_t[i], di_df[i], p, di_tp[i]);
    }
    for (size_t i = 0; i < COUNT(di_qp); i++) near9("t quantile", prc_stat_t_quantile(di_qp[i], di_qdf[i]), di_tq[i]);
    for (size_t i = 0; i < COUNT(di_cx); i++) {
        double p = prc_stat_chisq_p(di_cx[i], di_cdf[i]);
        TAP_THAT(fabs(p - di_cp[i]) <= 1e-9 * di_cp[i], "chi-square p at %g, %g df", di_cx[i], di_cdf[i]);
    }
    TAP_NEAR(prc_stat_normal_p(1.959963984540054), 0.05, 1e-14);
    TAP_NEAR(prc_stat_t_p(NONE, 5), NONE, 0);
    TAP_NEAR(prc_stat_t_p(1, 0), NONE, 0);
    TAP_NEAR(prc_stat_t_quantile(2, 5), NONE, 0);
    TAP_NEAR(prc_stat_t_quantile(0.5, 5), 0, 1e-15);
    TAP_NEAR(prc_stat_chisq_p(0, 1), 1, 0);
}

static void summary_edges(void)
{
    double none[3] = {NONE, NONE, NONE}, one[2] = {NONE, 4}, flat[3] = {2, 2, 2}, p[3] = {0, 0.5, 2}, q[3], rho;
    prc_estimate e = prc_stat_mean(none, 3, 0.95);
    TAP_INT(e.n, 0);
    TAP_NEAR(e.estimate, NONE, 0);
    e = prc_stat_mean(one, 2, 0.95);
    TAP_INT(e.n, 1);
    TAP_NEAR(e.estimate, 4, 0);
    TAP_NEAR(e.se, NONE, 0);
    TAP_NEAR(prc_stat_sd(NULL, 0), NONE, 0);
    TAP_INT(prc_stat_quantiles(one, 2, p, 3, q, NULL), PRC_OK);
    TAP_NEAR(q[1], 4, 0);
    TAP_NEAR(q[2], NONE, 0);
    TAP_INT(prc_stat_quantiles(NULL, 0, p, 3, q, NULL), PRC_OK);
    TAP_NEAR(q[0], NONE, 0);
    TAP_INT(prc_stat_spearman(flat, p, 3, &rho, NULL), PRC_OK);
    TAP_NEAR(rho, NONE, 0);
    TAP_INT(prc_stat_spearman(p, p, 2, &rho, NULL), PRC_OK);
    TAP_NEAR(rho, NONE, 0);
    e = prc_stat_welch(one, 2, flat, 3, 0.95);
    TAP_NEAR(e.estimate, 2, 0);
    TAP_NEAR(e.p, NONE, 0);
}

static void ancova(void)
{
    prc_estimate ls[4], diff[4];
    TAP_INT(prc_stat_ancova(an_y, an_arm, an_cov, COUNT(an_y), 4, 4, 0, 0.95, ls, diff, NULL), PRC_OK);
    for (int a = 0; a < 4; a++) {
        same_estimate("LS mean", &ls[a], an_ls + 7 * a);
        TAP_INT(ls[a].n, an_count[a]);
        if (a > 0) same_estimate("difference", &diff[a], an_diff + 7 * (a - 1));
    }
    TAP_NEAR(diff[0].estimate, NONE, 0);
    /* A covariate given twice changes nothing. */
    static double twice[COUNT(an_y) * 5];
    for (size_t i = 0; i < COUNT(an_y); i++) {
        for (size_t j = 0; j < 4; j++) twice[i * 5 + j] = an_cov[i * 4 + j];
        twice[i * 5 + 4] = 3 * an_cov[i * 4] - 1;
    }
    TAP_INT(prc_stat_ancova(an_y, an_arm, twice, COUNT(an_y), 4, 5, 0, 0.95, ls, diff, NULL), PRC_OK);
    same_estimate("difference, covariate twice", &diff[3], an_diff + 14);
}

static void ancova_edges(void)
{
    double y[6] = {1, 2, 4, 3, 5, 9}, cov[6] = {0, 0, 0, 1, 1, 1}, constant[6] = {.1, .1, .1, .1, .1, .1}, miss[6] = {NONE, NONE, NONE, NONE, NONE, NONE};
    int arm[6] = {0, 0, 0, 1, 1, 1}, each[3] = {0, 1, 2};
    prc_estimate ls[3], diff[3];
    prc_error err;
    TAP_INT(prc_stat_ancova(y, arm, NULL, 6, 3, 0, 0, 0.95, ls, diff, &err), PRC_OK);
    TAP_NEAR(ls[1].estimate, 17. / 3, 1e-12);
    TAP_NEAR(diff[1].estimate, 10. / 3, 1e-12);
    TAP_INT(ls[2].n, 0);
    TAP_NEAR(ls[2].estimate, NONE, 0);
    TAP_NEAR(diff[2].estimate, NONE, 0);
    /* The reference is the empty arm. */
    TAP_INT(prc_stat_ancova(y, arm, NULL, 6, 3, 0, 2, 0.95, ls, diff, &err), PRC_OK);
    TAP_NEAR(diff[1].estimate, NONE, 0);
    TAP_NEAR(ls[1].estimate, 17. / 3, 1e-12);
    /* A covariate that is the arm: the difference cannot be told. */
    TAP_INT(prc_stat_ancova(y, arm, cov, 6, 2, 1, 0, 0.95, ls, diff, &err), PRC_OK);
    TAP_NEAR(diff[1].estimate, NONE, 0);
    TAP_NEAR(ls[1].estimate, NONE, 0);
    /* A constant covariate costs nothing. */
    TAP_INT(prc_stat_ancova(y, arm, constant, 6, 2, 1, 0, 0.95, ls, diff, &err), PRC_OK);
    TAP_NEAR(diff[1].estimate, 10. / 3, 1e-12);
    TAP_NEAR(diff[1].df, 4, 0);
    /* One patient per arm: estimates without an error. */
    TAP_INT(prc_stat_ancova(y, each, NULL, 3, 3, 0, 0, 0.95, ls, diff, &err), PRC_OK);
    TAP_NEAR(diff[2].estimate, 3, 1e-12);
    TAP_NEAR(diff[2].se, NONE, 0);
    TAP_NEAR(diff[2].p, NONE, 0);
    /* More columns than rows. */
    TAP_INT(prc_stat_ancova(y, each, an_cov, 3, 3, 4, 0, 0.95, ls, diff, &err), PRC_OK);
    TAP_NEAR(diff[2].se, NONE, 0);
    TAP_INT(prc_stat_ancova(miss, arm, NULL, 6, 2, 0, 0, 0.95, ls, diff, &err), PRC_OK);
    TAP_NEAR(ls[0].estimate, NONE, 0);
    TAP_INT(prc_stat_ancova(y, arm, NULL, 0, 2, 0, 0, 0.95, ls, diff, &err), PRC_OK);
    TAP_INT(prc_stat_ancova(y, arm, NULL, 6, 2, 0, 7, 0.95, ls, diff, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "reference arm 7");
}

static void least_squares(void)
{
    prc_lm fit = {0};
    size_t n = COUNT(lm_y);
    TAP_INT(prc_lm_fit(lm_x, lm_y, n, 4, &fit, NULL), PRC_OK);
    TAP_INT(fit.rank, 3);
    near9("sigma2", fit.sigma2, lm_sigma2[0]);
    for (size_t j = 0; j < 4; j++) {
        near9("coefficient", fit.coef[j], lm_coef[j]);
        near9("its error", sqrt(fit.vcov[j * 4 + j]), lm_se[j]);
    }
    prc_lm_reset(&fit);
    double x[4] = {1, 2, 1, (double)INFINITY}, y[2] = {1, NONE};
    prc_error err;
    TAP_INT(prc_lm_fit(x, y, 2, 2, &fit, &err), PRC_E_NUMERIC);
    y[1] = 2;
    TAP_INT(prc_lm_fit(x, y, 2, 2, &fit, &err), PRC_E_NUMERIC);
    TAP_INT(prc_lm_fit(x, y, 0, 0, &fit, &err), PRC_OK);
    TAP_INT(fit.rank, 0);
    prc_lm_reset(&fit);
}

static void proportions(void)
{
    for (size_t k = 0; k < COUNT(pr_table) / 4; k++) {
        size_t x1 = (size_t)pr_table[4 * k], n1 = (size_t)pr_table[4 * k + 1], x2 = (size_t)pr_table[4 * k + 2], n2 = (size_t)pr_table[4 * k + 3];
        prc_estimate e;
        TAP_INT(prc_stat_risk_difference(x1, n1, x2, n2, 0.95, &e, NULL), PRC_OK);
        const double *w = pr_rd + 5 * k;
        near9("risk difference", e.estimate, w[0]);
        near9("its error", e.se, w[1]);
        near9("Miettinen-Nurminen lower", e.ci_lb, w[2]);
        near9("Miettinen-Nurminen upper", e.ci_ub, w[3]);
        TAP_THAT(fabs(e.p - w[4]) <= 1e-9 * w[4], "Fisher");
        e = prc_stat_risk_ratio(x1, n1, x2, n2, 0.95);
        near9("risk ratio", e.estimate, pr_rr[4 * k]);
        near9("its error", e.se, pr_rr[4 * k + 1]);
        near9("its lower limit", e.ci_lb, pr_rr[4 * k + 2]);
        near9("its upper limit", e.ci_ub, pr_rr[4 * k + 3]);
        e = prc_stat_proportion(x1, n1, 0.95);
        near9("Wilson lower", e.ci_lb, pr_wilson[2 * k]);
        near9("Wilson upper", e.ci_ub, pr_wilson[2 * k + 1]);
    }
    /* Newcombe 1998 (Statistics in Medicine 17:873), table II, method 4 (Miettinen-Nurminen): 56/70 - 48/80 gives 0.0528, 0.3382. */
    prc_estimate e;
    TAP_INT(prc_stat_risk_difference(56, 70, 48, 80, 0.95, &e, NULL), PRC_OK);
    TAP_NEAR(e.ci_lb, 0.0528, 5e-5);
    TAP_NEAR(e.ci_ub, 0.3382, 5e-5);
    TAP_INT(prc_stat_risk_difference(0, 0, 3, 9, 0.95, &e, NULL), PRC_OK);
    TAP_NEAR(e.estimate, NONE, 0);
    TAP_INT(prc_stat_risk_difference(5, 4, 3, 9, 0.95, &e, NULL), PRC_E_VALUE);
    TAP_INT(prc_stat_risk_difference(0, 4, 0, 9, 0.95, &e, NULL), PRC_OK);
    TAP_NEAR(e.p, 1, 1e-12);
    TAP_NEAR(e.stat, 0, 0);
    e = prc_stat_proportion(0, 0, 0.95);
    TAP_NEAR(e.estimate, NONE, 0);
    e = prc_stat_risk_ratio(0, 0, 1, 2, 0.95);
    TAP_NEAR(e.estimate, NONE, 0);
}

static void kaplan_meier(void)
{
    prc_km km;
    const double p[3] = {.25, .5, .37};
    TAP_INT(prc_stat_km(sv_time, sv_event, COUNT(sv_time), &km, NULL), PRC_OK);
    TAP_INT(km.n_step, COUNT(km_time));
    for (size_t k = 0; k < km.n_step; k++) {
        near9("time", km.time[k], km_time[k]);
        near9("at risk", km.n_risk[k], km_risk[k]);
        near9("events", km.n_event[k], km_event[k]);
        near9("survival", km.surv[k], km_surv[k]);
        if (km.surv[k] > 0) near9("Greenwood", km.se[k], km_se[k]);
        prc_estimate e = prc_km_at(&km, km_time[k], 0.95);
        if (!isnan(km_lower[k]) && km_surv[k] < 1) {
            near9("log-log lower", e.ci_lb, km_lower[k]);
            near9("log-log upper", e.ci_ub, km_upper[k]);
        }
    }
    for (int i = 0; i < 3; i++) {
        prc_estimate e = prc_km_quantile(&km, p[i], 0.95);
        near9("quantile", e.estimate, km_q[3 * i]);
        near9("Brookmeyer-Crowley lower", e.ci_lb, km_q[3 * i + 1]);
        near9("Brookmeyer-Crowley upper", e.ci_ub, km_q[3 * i + 2]);
    }
    TAP_NEAR(prc_km_at(&km, 1e9, 0.95).estimate, NONE, 0);
    TAP_NEAR(prc_km_at(&km, 0, 0.95).estimate, 1, 0);
    prc_km_reset(&km);
    prc_km_reset(&km);
}

static void survival_edges(void)
{
    double time[4] = {5, 5, NONE, 7};
    int none[4] = {0, 0, 1, 0}, group[4] = {0, 0, 1, 1}, bad[4] = {0, 0, 2, 1};
    prc_km km;
    prc_estimate e;
    TAP_INT(prc_stat_km(time, none, 4, &km, NULL), PRC_OK);
    TAP_INT(km.n, 3);
    TAP_NEAR(prc_km_at(&km, 6, 0.95).estimate, 1, 0);
    TAP_NEAR(prc_km_at(&km, 6, 0.95).ci_lb, NONE, 0);
    TAP_NEAR(prc_km_quantile(&km, 0.5, 0.95).estimate, NONE, 0);
    prc_km_reset(&km);
    TAP_INT(prc_stat_km(time, none, 0, &km, NULL), PRC_OK);
    TAP_INT(km.n_step, 0);
    TAP_NEAR(prc_km_at(&km, 0, 0.95).estimate, NONE, 0);
    prc_km_reset(&km);
    TAP_INT(prc_stat_logrank(time, none, group, NULL, 4, 2, &e, NULL), PRC_OK);
    TAP_NEAR(e.p, NONE, 0);
    TAP_INT(prc_stat_logrank(time, none, group, NULL, 0, 2, &e, NULL), PRC_OK);
    TAP_INT(prc_stat_logrank(time, none, bad, NULL, 4, 2, &e, NULL), PRC_E_VALUE);
}

static void logrank(void)
{
    prc_estimate e;
    size_t n = COUNT(sv_time), m = 0;
    TAP_INT(prc_stat_logrank(sv_time, sv_event, sv_group, NULL, n, 3, &e, NULL), PRC_OK);
    near9("chi-square", e.stat, lr[0]);
    TAP_NEAR(e.df, 2, 0);
    TAP_INT(prc_stat_logrank(sv_time, sv_event, sv_group, sv_stratum, n, 3, &e, NULL), PRC_OK);
    near9("stratified", e.stat, lr[1]);
    double t[COUNT(sv_time)];
    int ev[COUNT(sv_time)], g[COUNT(sv_time)];
    for (size_t i = 0; i < n; i++)
        if (sv_group[i] < 2) t[m] = sv_time[i], ev[m] = sv_event[i], g[m++] = sv_group[i];
    /* Two groups, a third one empty. */
    TAP_INT(prc_stat_logrank(t, ev, g, NULL, m, 3, &e, NULL), PRC_OK);
    near9("two groups", e.stat, lr[2]);
    TAP_NEAR(e.df, 1, 0);
}

/* Every allocation fails once; nothing leaks (ASan) and the status says so. */
static void out_of_memory(void)
{
    prc_estimate ls[4], diff[4], e;
    prc_km km;
    double rho, q;
    const double half = 0.5;
    long k = 0;
    prc_status st;
    do {
        prc_memory_fail_at(++k);
        st = prc_stat_ancova(an_y, an_arm, an_cov, COUNT(an_y), 4, 4, 0, 0.95, ls, diff, NULL);
        if (st == PRC_OK) st = prc_stat_logrank(sv_time, sv_event, sv_group, NULL, COUNT(sv_time), 3, &e, NULL);
        if (st == PRC_OK) st = prc_stat_spearman(su_x, su_z, COUNT(su_x), &rho, NULL);
        if (st == PRC_OK) st = prc_stat_quantiles(su_x, COUNT(su_x), &half, 1, &q, NULL);
        if (st == PRC_OK && (st = prc_stat_km(sv_time, sv_event, COUNT(sv_time), &km, NULL)) == PRC_OK) prc_km_reset(&km);
        if (st != PRC_OK && st != PRC_E_MEMORY) break;
    } while (st != PRC_OK && k < 1000);
    prc_memory_fail_at(0);
    TAP_INT(st, PRC_OK);
    TAP_THAT(k > 10, "%ld allocations failed in turn", k - 1);
}

int main(void)
{
    TAP_RUN(summaries);
    TAP_RUN(distributions);
    TAP_RUN(summary_edges);
    TAP_RUN(ancova);
    TAP_RUN(ancova_edges);
    TAP_RUN(least_squares);
    TAP_RUN(proportions);
    TAP_RUN(kaplan_meier);
    TAP_RUN(survival_edges);
    TAP_RUN(logrank);
    TAP_RUN(out_of_memory);
    return tap_done();
}
