/* meta_test.c: effect sizes and the univariate model against metafor (numbers and script in tests/ref), properties, edges, speed. Effect sizes to 1e-12 (UB variances to 1e-10: the
 * reference takes the bias correction from a difference of lgammas), single-tau2 fits to 1e-9. tests/conformance holds the full reference tables. */
#include "../ref/meta_numbers.h"
#include "../tap.h"
#include "paracrine/meta.h"

#include <stdlib.h>
#include <time.h>

#define K 13

static bool close_to(double got, double want, double tol)
{
    if (isnan(want)) return isnan(got);
    return fabs(got - want) <= tol * fmax(fabs(want), 1e-10);
}

static prc_meta_data inputs(void)
{
    prc_meta_data d = {.n = 4};
    const struct { prc_meta_key key; const double *x; } c[] = {
        {PRC_META_ai, in_ai}, {PRC_META_bi, in_bi}, {PRC_META_ci, in_ci}, {PRC_META_di, in_di}, {PRC_META_x1i, in_x1i}, {PRC_META_t1i, in_t1i}, {PRC_META_x2i, in_x2i}, {PRC_META_t2i, in_t2i},
        {PRC_META_m1i, in_m1i}, {PRC_META_sd1i, in_sd1i}, {PRC_META_n1i, in_n1i}, {PRC_META_m2i, in_m2i}, {PRC_META_sd2i, in_sd2i}, {PRC_META_n2i, in_n2i}, {PRC_META_xi, in_xi}, {PRC_META_ni, in_ni},
        {PRC_META_ti, in_ti}, {PRC_META_ri, in_ri}, {PRC_META_mi, in_mi}, {PRC_META_sdi, in_sdi}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) d.col[c[i].key] = c[i].x;
    return d;
}

static void same_effects(const char *name, const char *vtype, const double *y, const double *v)
{
    prc_meta_data d = inputs();
    double got_y[4], got_v[4], tol = !strcmp(vtype, "UB") ? 1e-10 : 1e-12;
    const prc_meta_measure *m = prc_meta_measure_find(name);
    if (!TAP_THAT(m != NULL, "%s exists", name)) return;
    TAP_INT(prc_meta_effects(m, vtype, &d, got_y, got_v, NULL, NULL), PRC_OK);
    for (size_t i = 0; i < 4; i++) {
        bool ok = close_to(got_y[i], y[i], tol) && close_to(got_v[i], v[i], tol);
        if (!TAP_THAT(ok, "%s %s row %zu", name, vtype, i + 1)) printf("# got %.17g %.17g, want %.17g %.17g\n", got_y[i], got_v[i], y[i], v[i]);
    }
}

static void effect_sizes(void)
{
#define E(m) same_effects(#m, "", yi_##m, vi_##m)
#define EV(m, t) same_effects(#m, #t, yi_##m##_##t, vi_##m##_##t)
    E(RR); E(OR); E(RD); E(AS); E(PETO); E(YUQ); E(YUY); E(IRR); E(IRD); E(IRSD); E(MD); E(SMD); E(SMDH); E(ROM); E(CVR); E(VR); E(MC); E(SMCC); E(SMCR); E(ROMC);
    E(PR); E(PLN); E(PLO); E(PAS); E(PFT); E(IR); E(IRLN); E(IRS); E(IRFT); E(MN); E(MNLN); E(SDLN); E(CVLN); E(COR); E(ZCOR);
    EV(SMD, UB); EV(SMD, AV); EV(SMD, LS2); EV(RD, UB); EV(RD, AV); EV(PR, AV); EV(PR, UB); EV(PLN, AV); EV(PLO, AV);
}

static void same_fit(prc_meta_method m, prc_meta_test test, const double *want)
{
    prc_meta_options o = prc_meta_default();
    prc_meta_fit f;
    o.method = m;
    o.test = test;
    if (!TAP_OK(prc_meta_fit_uni(bcg_yi, bcg_vi, NULL, K, 1, &o, &f, NULL) == PRC_OK)) return;
    const double got[15] = {f.beta[0], f.se[0], f.ci_lb[0], f.ci_ub[0], f.tau2, f.se_tau2, f.I2, f.H2, f.QE, f.QEp, f.pi_lb, f.pi_ub, f.logLik, f.AIC, f.BIC};
    for (int i = 0; i < 15; i++)
        if (!TAP_THAT(close_to(got[i], want[i], 1e-9), "%s %s number %d", prc_meta_method_name(m), prc_meta_test_name(test), i)) printf("# got %.17g, want %.17g\n", got[i], want[i]);
    prc_meta_fit_reset(&f);
}

static void fits(void)
{
#define F(m) same_fit(PRC_META_##m, PRC_META_Z, fit_##m##_z), same_fit(PRC_META_##m, PRC_META_KNHA, fit_##m##_knha), same_fit(PRC_META_##m, PRC_META_ADHOC, fit_##m##_adhoc)
    F(FE), F(DL), F(HE), F(HS), F(SJ), F(ML), F(REML), F(EB), F(PM);
}

static void intervals_and_regression(void)
{
    prc_meta_options o = prc_meta_default();
    prc_meta_fit f;
    double x[K * 3];
    TAP_INT(prc_meta_fit_uni(bcg_yi, bcg_vi, NULL, K, 1, &o, &f, NULL), PRC_OK);
    TAP_REL(f.tau2_lb, profile_q[0], 1e-9);
    TAP_REL(f.tau2_ub, profile_q[1], 1e-9);
    prc_meta_fit_reset(&f);
    for (size_t i = 0; i < K; i++) x[3 * i] = 1, x[3 * i + 1] = bcg_ablat[i], x[3 * i + 2] = bcg_year[i];
    o.test = PRC_META_KNHA;
    TAP_INT(prc_meta_fit_uni(bcg_yi, bcg_vi, x, K, 3, &o, &f, NULL), PRC_OK);
    for (int j = 0; j < 3; j++) {
        TAP_REL(f.beta[j], regression[j], 1e-8);
        TAP_REL(f.se[j], regression[3 + j], 1e-8);
    }
    TAP_REL(f.QM, regression[6], 1e-8);
    TAP_REL(f.QMp, regression[7], 1e-8);
    TAP_REL(f.tau2, regression[8], 1e-9);
    prc_meta_fit_reset(&f);
    /* A column that follows from the others is dropped, the rest stays as it was. */
    double dup[K * 4];
    for (size_t i = 0; i < K; i++) dup[4 * i] = 1, dup[4 * i + 1] = bcg_ablat[i], dup[4 * i + 2] = 2 * bcg_ablat[i] - 3, dup[4 * i + 3] = bcg_year[i];
    TAP_INT(prc_meta_fit_uni(bcg_yi, bcg_vi, dup, K, 4, &o, &f, NULL), PRC_OK);
    TAP_INT(f.rank, 3);
    TAP_OK(isnan(f.beta[2]));
    TAP_REL(f.beta[3], regression[2], 1e-8);
    prc_meta_fit_reset(&f);
}

/* Scaling the data by c scales tau2 by c^2 for every method: nothing in the fit has a size of its own. */
static void scale_free(void)
{
    double y[K], v[K];
    for (int m = PRC_META_DL; m < PRC_META_METHOD_COUNT; m++)
        for (int e = -6; e <= 6; e += 3) {
            double c = pow(10, e);
            prc_meta_options o = prc_meta_default();
            prc_meta_fit a, b;
            o.method = (prc_meta_method)m;
            for (int i = 0; i < K; i++) y[i] = c * bcg_yi[i], v[i] = c * c * bcg_vi[i];
            TAP_OK(prc_meta_fit_uni(bcg_yi, bcg_vi, NULL, K, 1, &o, &a, NULL) == PRC_OK && prc_meta_fit_uni(y, v, NULL, K, 1, &o, &b, NULL) == PRC_OK);
            TAP_THAT(close_to(b.tau2 / (c * c), a.tau2, 1e-10) && close_to(b.tau2_ub / (c * c), a.tau2_ub, 1e-10), "%s at 1e%d", prc_meta_method_name((prc_meta_method)m), e);
            prc_meta_fit_reset(&a);
            prc_meta_fit_reset(&b);
        }
}

static void boundary(void)
{
    /* DerSimonian and Kacker's CLASP data, ML: the likelihood is highest at exactly 0 (metafor's own test expects tau 0.0023). */
    const double a[] = {5, 5, 12, 69, 9, 313}, n1[] = {156, 303, 565, 1570, 103, 4659}, c[] = {8, 17, 9, 94, 11, 352}, n2[] = {74, 303, 477, 1565, 105, 4650};
    prc_meta_data d = {.n = 6};
    double y[6], v[6];
    d.col[PRC_META_ai] = a, d.col[PRC_META_n1i] = n1, d.col[PRC_META_ci] = c, d.col[PRC_META_n2i] = n2;
    prc_meta_options o = prc_meta_default();
    prc_meta_fit f;
    o.method = PRC_META_ML;
    TAP_INT(prc_meta_effects(prc_meta_measure_find("OR"), NULL, &d, y, v, NULL, NULL), PRC_OK);
    TAP_INT(prc_meta_fit_uni(y, v, NULL, 6, 1, &o, &f, NULL), PRC_OK);
    TAP_OK(f.tau2 == 0);
    prc_meta_fit_reset(&f);
    /* Effects all equal: every estimator gives exactly 0, but for SJ, which is positive by construction only when effects differ. */
    const double same[] = {0.5, 0.5, 0.5}, var[] = {0.1, 0.2, 0.1};
    for (int m = 0; m < PRC_META_METHOD_COUNT; m++) {
        o.method = (prc_meta_method)m;
        TAP_INT(prc_meta_fit_uni(same, var, NULL, 3, 1, &o, &f, NULL), PRC_OK);
        TAP_THAT(f.tau2 == 0 && fabs(f.beta[0] - 0.5) < 1e-15 && isfinite(f.se[0]), "all equal, %s", prc_meta_method_name((prc_meta_method)m));
        prc_meta_fit_reset(&f);
    }
    TAP_INT(prc_meta_fit_uni(same, var, NULL, 1, 1, &o, &f, NULL), PRC_OK);
    TAP_OK(f.test == PRC_META_Z && f.tau2 == 0 && isnan(f.pi_lb) && fabs(f.se[0] - sqrt(0.1)) < 1e-15);
    prc_meta_fit_reset(&f);
}

static void errors(void)
{
    prc_meta_options o = prc_meta_default();
    prc_meta_fit f = {0};
    prc_error err;
    const double y[] = {1, 2, NONE}, zero[] = {0.1, 0, 0.1}, negative[] = {0.1, -1, 0.1}, good[] = {0.1, 0.1, 0.1};
    TAP_INT(prc_meta_fit_uni(y, zero, NULL, 2, 1, &o, &f, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "study 2");
    TAP_INT(prc_meta_fit_uni(y, negative, NULL, 2, 1, &o, &f, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "negative");
    TAP_INT(prc_meta_fit_uni(y, good, NULL, 3, 1, &o, &f, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "study 3");
    TAP_INT(prc_meta_fit_uni(y, good, NULL, 0, 1, &o, &f, &err), PRC_E_VALUE);
    TAP_OK(f.beta == NULL);
    /* Out of memory at every allocation: an error, nothing written. */
    for (long k = 1; k < 20; k++) {
        prc_memory_fail_at(k);
        prc_status st = prc_meta_fit_uni(bcg_yi, bcg_vi, NULL, K, 1, &o, &f, &err);
        prc_memory_fail_at(0);
        if (st == PRC_OK) {
            prc_meta_fit_reset(&f);
            break;
        }
        TAP_INT(st, PRC_E_MEMORY);
    }
    prc_meta_data d = inputs();
    double yi[4], vi[4], bad[] = {1, 2, -3, 4};
    d.col[PRC_META_ai] = bad;
    TAP_INT(prc_meta_effects(prc_meta_measure_find("RR"), NULL, &d, yi, vi, NULL, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "row 3");
    d.col[PRC_META_ai] = NULL;
    TAP_INT(prc_meta_effects(prc_meta_measure_find("RR"), NULL, &d, yi, vi, NULL, &err), PRC_E_KEY);
    TAP_INT(prc_meta_effects(prc_meta_measure_find("SMD"), "XX", &d, yi, vi, NULL, &err), PRC_E_VALUE);
}

/* The never-narrower test is what it says. */
static void never_narrower(void)
{
    const double y[] = {0.10, 0.11, 0.09, 0.105}, v[] = {0.04, 0.05, 0.03, 0.06};
    prc_meta_options o = prc_meta_default();
    prc_meta_fit knha, adhoc, z;
    o.test = PRC_META_KNHA;
    TAP_INT(prc_meta_fit_uni(y, v, NULL, 4, 1, &o, &knha, NULL), PRC_OK);
    o.test = PRC_META_ADHOC;
    TAP_INT(prc_meta_fit_uni(y, v, NULL, 4, 1, &o, &adhoc, NULL), PRC_OK);
    o.test = PRC_META_Z;
    TAP_INT(prc_meta_fit_uni(y, v, NULL, 4, 1, &o, &z, NULL), PRC_OK);
    TAP_OK(knha.ci_ub[0] - knha.ci_lb[0] < z.ci_ub[0] - z.ci_lb[0]);
    TAP_OK(adhoc.ci_ub[0] - adhoc.ci_lb[0] > z.ci_ub[0] - z.ci_lb[0]);
    TAP_REL(adhoc.se[0], z.se[0], 1e-14);
    prc_meta_fit_reset(&knha);
    prc_meta_fit_reset(&adhoc);
    prc_meta_fit_reset(&z);
}

/* 400 fits of 200 studies, intervals included: below a second of processor time (1.0 by the issue; unsanitised builds take a fraction). */
static void speed(void)
{
    enum { N = 200 };
    double y[N], v[N];
    prc_meta_options o = prc_meta_default();
    for (uint32_t i = 0; i < N; i++) {
        v[i] = 0.01 + 0.3 * prc_uniform(1, i, prc_purpose("v"), 0, 0);
        y[i] = 0.2 + sqrt(v[i] + 0.05) * prc_normal(1, i, prc_purpose("y"), 0, 0);
    }
    clock_t start = clock();
    for (int i = 0; i < 400; i++) {
        prc_meta_fit f;
        o.method = i % 2 ? PRC_META_REML : PRC_META_PM;
        if (prc_meta_fit_uni(y, v, NULL, N - (size_t)i % 50, 1, &o, &f, NULL)) break;
        prc_meta_fit_reset(&f);
    }
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
#if defined(__SANITIZE_ADDRESS__)
    took /= 10;
#endif
    TAP_THAT(took < 1, "400 fits of up to 200 studies in %.2f s", took);
}

int main(void)
{
    TAP_RUN(effect_sizes);
    TAP_RUN(fits);
    TAP_RUN(intervals_and_regression);
    TAP_RUN(scale_free);
    TAP_RUN(boundary);
    TAP_RUN(errors);
    TAP_RUN(never_narrower);
    TAP_RUN(speed);
    return tap_done();
}
