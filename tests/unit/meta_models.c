/* meta_models.c: networks against closed forms for three treatments, multi-arm identities, the size target; exact-likelihood and table models at their edges. */
#include "../tap.h"
#include "paracrine/meta.h"

#include <stdlib.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static double phi(double z) { return 0.5 * erfc(-z / sqrt(2.0)); }

/* A triangle of two-arm trials, one tau2 = 0: direct and indirect evidence combine by inverse variance. */
static void triangle(void)
{
    /* A-B by two studies, B-C, A-C. */
    const int study[] = {0, 1, 2, 3}, t1[] = {0, 0, 1, 0}, t2[] = {1, 1, 2, 2};
    const double y[] = {0.5, 0.9, -0.2, 0.8}, v[] = {0.04, 0.06, 0.05, 0.03};
    prc_meta_contrasts c = {.n = 4, .n_study = 4, .n_treat = 3, .study = study, .treat1 = t1, .treat2 = t2, .yi = y, .vi = v};
    prc_meta_network_fit f;
    TAP_INT(prc_meta_network(&c, 2, PRC_META_FE, false, 0.95, &f, NULL), PRC_OK);
    double vab = 1 / (1 / v[0] + 1 / v[1]), ab = vab * (y[0] / v[0] + y[1] / v[1]);
    double ind = y[3] - y[2], vind = v[3] + v[2], vn = 1 / (1 / vab + 1 / vind), net = vn * (ab / vab + ind / vind);
    TAP_NEAR(f.effect[0 * 3 + 1], net, 1e-14);
    TAP_NEAR(f.se[0 * 3 + 1], sqrt(vn), 1e-14);
    TAP_NEAR(f.effect[1 * 3 + 0], -net, 1e-14);
    TAP_INT(f.n_split, 3);
    const prc_meta_split *s = &f.split[0];
    TAP_OK(s->a == 0 && s->b == 1 && s->n_study == 2);
    TAP_NEAR(s->direct, ab, 1e-13);
    TAP_NEAR(s->direct_se, sqrt(vab), 1e-13);
    TAP_NEAR(s->indirect, ind, 1e-13);
    TAP_NEAR(s->indirect_se, sqrt(vind), 1e-13);
    TAP_NEAR(s->diff, ab - ind, 1e-13);
    TAP_NEAR(s->z, (ab - ind) / sqrt(vab + vind), 1e-12);
    /* Q splits into heterogeneity of A-B and one degree of inconsistency. */
    double het = (y[0] - ab) * (y[0] - ab) / v[0] + (y[1] - ab) * (y[1] - ab) / v[1], inc = (ab - ind) * (ab - ind) / (vab + vind);
    TAP_NEAR(f.Q_het, het, 1e-12);
    TAP_NEAR(f.Q_inc, inc, 1e-12);
    TAP_NEAR(f.Q, het + inc, 1e-12);
    TAP_NEAR(f.Q_het_df, 1, 0);
    TAP_NEAR(f.Q_inc_df, 1, 0);
    /* P-score: mean probability of being better. */
    for (int i = 0; i < 3; i++) {
        double p = 0;
        for (int j = 0; j < 3; j++)
            if (i != j) p += phi(f.effect[i * 3 + j] / f.se[i * 3 + j]) / 2;
        TAP_NEAR(f.pscore[i], p, 1e-12);
    }
    TAP_NEAR(f.pscore[0] + f.pscore[1] + f.pscore[2], 1.5, 1e-12);
    double large = f.pscore[0];
    prc_meta_network_fit_reset(&f);
    TAP_INT(prc_meta_network(&c, 2, PRC_META_FE, true, 0.95, &f, NULL), PRC_OK);
    TAP_NEAR(f.pscore[0], 1 - large, 1e-12);
    prc_meta_network_fit_reset(&f);
}

/* One three-arm trial, given in every allowed form, is the trial itself: the differences of its arms. */
static void multi_arm(void)
{
    const double mean[] = {1.0, 1.7, 0.4}, arm[] = {0.02, 0.05, 0.03};
    const int s3[] = {0, 0, 0}, a1[] = {0, 0, 1}, a2[] = {1, 2, 2};
    double y3[3], v3[3];
    for (int i = 0; i < 3; i++) y3[i] = mean[a1[i]] - mean[a2[i]], v3[i] = arm[a1[i]] + arm[a2[i]];
    prc_meta_contrasts c = {.n = 3, .n_study = 1, .n_treat = 3, .study = s3, .treat1 = a1, .treat2 = a2, .yi = y3, .vi = v3};
    prc_meta_network_fit f;
    prc_error err;
    TAP_INT(prc_meta_network(&c, 0, PRC_META_REML, false, 0.95, &f, NULL), PRC_OK);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            if (i != j) {
                TAP_NEAR(f.effect[i * 3 + j], mean[i] - mean[j], 1e-13);
                TAP_NEAR(f.se[i * 3 + j], sqrt(arm[i] + arm[j]), 1e-13);
            }
    TAP_OK(!f.assumed_covariance && f.n_multiarm == 1 && f.Q_df == 0);
    prc_meta_network_fit_reset(&f);
    /* Two contrasts against the same arm, whose variance is known. */
    const int s2[] = {0, 0}, b1[] = {0, 1}, b2[] = {2, 2};
    const double y2[] = {y3[1], y3[2]}, v2[] = {v3[1], v3[2]}, shared[] = {arm[2], arm[2]};
    prc_meta_contrasts d = {.n = 2, .n_study = 1, .n_treat = 3, .study = s2, .treat1 = b1, .treat2 = b2, .yi = y2, .vi = v2, .shared_v = shared};
    TAP_INT(prc_meta_network(&d, 2, PRC_META_FE, false, 0.95, &f, NULL), PRC_OK);
    TAP_NEAR(f.se[0 * 3 + 1], sqrt(arm[0] + arm[1]), 1e-13);
    prc_meta_network_fit_reset(&f);
    /* Without it, correlation 1/2 is assumed and said. */
    d.shared_v = NULL;
    TAP_INT(prc_meta_network(&d, 2, PRC_META_FE, false, 0.95, &f, NULL), PRC_OK);
    TAP_OK(f.assumed_covariance);
    prc_meta_network_fit_reset(&f);
    /* Pairs that do not add up. */
    y3[0] += 1;
    TAP_INT(prc_meta_network(&c, 0, PRC_META_FE, false, 0.95, &f, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "do not add up");
}

static void errors(void)
{
    const int s[] = {0, 1}, t1[] = {0, 2}, t2[] = {1, 3}, same[] = {0, 2};
    const double y[] = {1, 2}, v[] = {0.1, 0.1};
    const char *const names[] = {"cells", "placebo", "drug", "sham"};
    prc_meta_contrasts c = {.n = 2, .n_study = 2, .n_treat = 4, .study = s, .treat1 = t1, .treat2 = t2, .yi = y, .vi = v, .treat_name = names};
    prc_meta_network_fit f;
    prc_error err;
    TAP_INT(prc_meta_network(&c, 0, PRC_META_FE, false, 0.95, &f, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "2 pieces");
    TAP_HAS(err.message, "{cells, placebo}");
    c.treat2 = same;
    TAP_INT(prc_meta_network(&c, 0, PRC_META_FE, false, 0.95, &f, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "with itself");
    TAP_INT(prc_meta_network(&c, 9, PRC_META_SJ, false, 0.95, &f, &err), PRC_E_VALUE);
}

/* 30 treatments, 200 trials, node splitting of every comparison: below a second of processor time. */
static void size_target(void)
{
    enum { TRIALS = 200, TREATMENTS = 30 };
    int study[TRIALS], t1[TRIALS], t2[TRIALS];
    double y[TRIALS], v[TRIALS], tau = 0;
    for (uint32_t i = 0; i < TRIALS; i++) {
        study[i] = (int)i;
        t1[i] = (int)(i % TREATMENTS);
        t2[i] = (int)((i + 1 + i / TREATMENTS) % TREATMENTS);
        v[i] = 0.02 + 0.1 * prc_uniform(3, i, prc_purpose("v"), 0, 0);
        y[i] = 0.05 * (t1[i] - t2[i]) + sqrt(v[i] + 0.04) * prc_normal(3, i, prc_purpose("y"), 0, 0);
    }
    prc_meta_contrasts c = {.n = TRIALS, .n_study = TRIALS, .n_treat = TREATMENTS, .study = study, .treat1 = t1, .treat2 = t2, .yi = y, .vi = v};
    prc_meta_network_fit f;
    clock_t start = clock();
    TAP_INT(prc_meta_network(&c, 0, PRC_META_REML, false, 0.95, &f, NULL), PRC_OK);
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
#if defined(__SANITIZE_ADDRESS__)
    took /= 10;
#endif
    TAP_THAT(took < 1, "30 treatments, 200 trials in %.2f s", took);
    tau = sqrt(f.tau2);
    TAP_THAT(tau > 0.05 && tau < 0.4, "tau %.3f, simulated with 0.2", tau);
    TAP_THAT(fabs(f.effect[29 * TREATMENTS] - 29 * 0.05) < 4 * f.se[29 * TREATMENTS], "the last treatment is %.3f, simulated 1.45", f.effect[29 * TREATMENTS]);
    prc_meta_network_fit_reset(&f);
}

/* ---- tables and mixed models --------------------------------------------------------------------------------- */

static void tables(void)
{
    const double a[] = {10, 0, 5}, n1[] = {50, 30, 40}, c[] = {20, 3, 0}, n2[] = {50, 30, 40}, none[] = {0, 0, 0};
    prc_meta_data d = {.n = 3};
    prc_meta_table_fit f, g;
    prc_error err;
    d.col[PRC_META_ai] = a, d.col[PRC_META_n1i] = n1, d.col[PRC_META_ci] = c, d.col[PRC_META_n2i] = n2;
    const prc_meta_measure *or = prc_meta_measure_find("OR");
    TAP_INT(prc_meta_mantel_haenszel(or, &d, 0.95, &f, NULL), PRC_OK);
    double r = (10.0 * 30 + 0 * 27.0 * 50 / 60) / 100 + 5.0 * 40 / 80, s = (40.0 * 20) / 100 + 30.0 * 3 / 60 + 0;
    TAP_NEAR(f.estimate, log(r / s), 1e-14);
    /* Swapping the arms turns the sign. */
    prc_meta_data e = d;
    e.col[PRC_META_ai] = c, e.col[PRC_META_ci] = a;
    TAP_INT(prc_meta_mantel_haenszel(or, &e, 0.95, &g, NULL), PRC_OK);
    TAP_NEAR(g.estimate, -f.estimate, 1e-14);
    TAP_NEAR(g.se, f.se, 1e-14);
    for (int m = PRC_META_UM_FS; m <= PRC_META_CM_EL; m++) {
        TAP_INT(prc_meta_fit_glmm(or, (prc_meta_glmm)m, &d, 0, true, 0.95, &f, NULL), PRC_OK);
        TAP_INT(prc_meta_fit_glmm(or, (prc_meta_glmm)m, &e, 0, true, 0.95, &g, NULL), PRC_OK);
        /* CM.AL is an approximation that holds for rare events only; the others are symmetric. */
        if (m != PRC_META_CM_AL) TAP_NEAR(f.estimate + g.estimate, 0, 1e-7);
    }
    e.col[PRC_META_ai] = none;
    TAP_INT(prc_meta_mantel_haenszel(or, &e, 0.95, &g, &err), PRC_E_NUMERIC);
    TAP_INT(prc_meta_mantel_haenszel(prc_meta_measure_find("SMD"), &d, 0.95, &g, &err), PRC_E_VALUE);
    TAP_INT(prc_meta_fit_glmm(prc_meta_measure_find("PLO"), PRC_META_UM_FS, &d, 0, false, 0.95, &g, &err), PRC_E_KEY);
}

/* tau2 of 3.7 with empty studies is a hard case (skewed integrands): 20 nodes hold 1e-4 of tau2, the default 32 hold 1e-5, the estimate a tenth of that. */
static void quadrature(void)
{
    const double x[] = {0, 1, 5, 0, 12, 3, 30}, n[] = {20, 15, 25, 40, 60, 33, 41};
    prc_meta_data d = {.n = 7};
    prc_meta_table_fit f20, f32, f60;
    const prc_meta_measure *plo = prc_meta_measure_find("PLO");
    d.col[PRC_META_xi] = x, d.col[PRC_META_ni] = n;
    TAP_INT(prc_meta_fit_glmm(plo, PRC_META_GLMM_ONE, &d, 20, false, 0.95, &f20, NULL), PRC_OK);
    TAP_INT(prc_meta_fit_glmm(plo, PRC_META_GLMM_ONE, &d, 32, false, 0.95, &f32, NULL), PRC_OK);
    TAP_INT(prc_meta_fit_glmm(plo, PRC_META_GLMM_ONE, &d, 60, false, 0.95, &f60, NULL), PRC_OK);
    TAP_REL(f32.tau2, f60.tau2, 1e-5);
    TAP_REL(f20.tau2, f60.tau2, 1e-4);
    TAP_REL(f32.estimate, f60.estimate, 1e-6);
    TAP_REL(f32.se, f60.se, 1e-5);
    /* Without spread between studies tau2 is exactly 0 and the estimate that of all patients together. */
    const double y[] = {10, 20, 5}, m[] = {40, 80, 20};
    d = (prc_meta_data){.n = 3};
    d.col[PRC_META_xi] = y, d.col[PRC_META_ni] = m;
    TAP_INT(prc_meta_fit_glmm(plo, PRC_META_GLMM_ONE, &d, 0, false, 0.95, &f20, NULL), PRC_OK);
    TAP_OK(f20.tau2 == 0);
    TAP_NEAR(f20.estimate, log(0.25 / 0.75), 1e-9);
    TAP_NEAR(f20.se, sqrt(1 / 35.0 + 1 / 105.0), 1e-7);
}

/* Balanced three-level data: the REML estimates are those of the analysis of variance. */
static void levels(void)
{
    enum { C = 6, R = 3 };
    double y[C * R], v[C * R], mean[C] = {0}, grand = 0, between = 0, within = 0;
    int cluster[C * R];
    for (uint32_t i = 0; i < C * R; i++) {
        cluster[i] = (int)(i / R);
        v[i] = 0.05;
        y[i] = 0.8 * prc_normal(5, i / R, prc_purpose("c"), 0, 0) + 0.6 * prc_normal(5, i, prc_purpose("r"), 0, 0);
        mean[i / R] += y[i] / R;
        grand += y[i] / (C * R);
    }
    for (int i = 0; i < C * R; i++) within += (y[i] - mean[i / R]) * (y[i] - mean[i / R]) / (C * (R - 1));
    for (int i = 0; i < C; i++) between += R * (mean[i] - grand) * (mean[i] - grand) / (C - 1);
    prc_meta_mv_fit f;
    TAP_INT(prc_meta_multilevel(y, v, cluster, NULL, C * R, C, 1, true, 0.95, &f, NULL), PRC_OK);
    TAP_OK(f.converged);
    TAP_NEAR(f.beta[0], grand, 1e-12);
    TAP_NEAR(f.comp[1], within - 0.05, 1e-8);
    TAP_NEAR(f.comp[0], (between - within) / R, 1e-8);
    TAP_NEAR(f.se[0], sqrt(between / (C * R)), 1e-8);
    prc_meta_mv_fit_reset(&f);
    prc_error err;
    TAP_INT(prc_meta_multilevel(y, v, cluster, NULL, R, 1, 1, true, 0.95, &f, &err), PRC_E_VALUE);
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

static const double ey[] = {0.1, 0.5, -0.2, 0.9, 0.3, 0.7}, ev[] = {0.05, 0.04, 0.09, 0.06, 0.03, 0.08};
static const int ec[] = {0, 0, 1, 1, 2, 2}, eo[] = {0, 1, 0, 1, 0, 1};

/* Each of the analyses once; its result is released. */
static prc_status run(int which, prc_error *err)
{
    prc_meta_options o = prc_meta_default();
    prc_meta_line line[6];
    prc_meta_influence inf[6];
    prc_meta_trimfill_result tf;
    prc_meta_egger eg;
    prc_meta_fit group[3];
    prc_meta_mv_fit mv = {0};
    prc_meta_network_fit net = {0};
    prc_meta_table_fit tab;
    double a, b, c, cov[12] = {0};
    const double x[] = {3, 4, 6, 1}, n[] = {20, 22, 31, 15};
    const int s3[] = {0, 1, 2}, t1[] = {0, 1, 0}, t2[] = {1, 2, 2};
    prc_meta_contrasts con = {.n = 3, .n_study = 3, .n_treat = 3, .study = s3, .treat1 = t1, .treat2 = t2, .yi = ey, .vi = ev};
    prc_meta_data d = {.n = 4};
    d.col[PRC_META_xi] = x, d.col[PRC_META_ni] = n, d.col[PRC_META_ai] = x, d.col[PRC_META_n1i] = n, d.col[PRC_META_ci] = x + 0, d.col[PRC_META_n2i] = n;
    prc_status st = PRC_OK;
    switch (which) {
    case 0: return prc_meta_leave1out(ey, ev, 6, &o, line, err);
    case 1: return prc_meta_cumulative(ey, ev, NULL, 6, &o, line, err);
    case 2: return prc_meta_influences(ey, ev, NULL, 6, 1, &o, inf, err);
    case 3: return prc_meta_trimfill(ey, ev, 6, PRC_META_L0, 0, &o, &tf, NULL, NULL, err);
    case 4: return prc_meta_egger_test(ey, ev, 6, true, &o, &eg, err);
    case 5: return prc_meta_begg(ey, ev, 6, &a, &b, err);
    case 6:
        st = prc_meta_subgroups(ey, ev, ec, 6, 3, &o, group, &a, &b, &c, err);
        for (int g = 0; g < 3 && !st; g++) prc_meta_fit_reset(&group[g]);
        return st;
    case 7:
        st = prc_meta_multilevel(ey, ev, ec, NULL, 6, 3, 1, true, 0.95, &mv, err);
        break;
    case 8:
        for (int i = 0; i < 6; i++) cov[2 * i + eo[i]] = ev[i];
        st = prc_meta_multivariate(ey, cov, ec, eo, 6, 3, 2, false, 0.95, &mv, err);
        break;
    case 9:
        st = prc_meta_network(&con, 0, PRC_META_REML, true, 0.95, &net, err);
        prc_meta_network_fit_reset(&net);
        return st;
    case 10: return prc_meta_fit_glmm(prc_meta_measure_find("PLO"), PRC_META_GLMM_ONE, &d, 0, false, 0.95, &tab, err);
    case 11: return prc_meta_fit_glmm(prc_meta_measure_find("OR"), PRC_META_CM_EL, &d, 0, false, 0.95, &tab, err);
    case 12: return prc_meta_fit_glmm(prc_meta_measure_find("OR"), PRC_META_UM_RS, &d, 0, true, 0.95, &tab, err);
    default: return prc_meta_mantel_haenszel(prc_meta_measure_find("RR"), &d, 0.95, &tab, err);
    }
    prc_meta_mv_fit_reset(&mv);
    return st;
}

/* Every allocation fails once: an out-of-memory status each time, nothing leaked (the sanitizer build sees to that). */
static void memory(void)
{
    for (int which = 0; which < 14; which++) {
        prc_error err;
        long k = 1;
        prc_status st = PRC_E_MEMORY;
        for (; k < 2000 && st == PRC_E_MEMORY; k++) {
            prc_memory_fail_at(k);
            st = run(which, &err);
            prc_memory_fail_at(0);
        }
        TAP_THAT(st == PRC_OK && k > 2, "analysis %d survives %ld failed allocations (status %s)", which, k - 2, prc_status_name(st));
    }
}

int main(void)
{
    TAP_RUN(triangle);
    TAP_RUN(multi_arm);
    TAP_RUN(errors);
    TAP_RUN(size_target);
    TAP_RUN(tables);
    TAP_RUN(quadrature);
    TAP_RUN(levels);
    TAP_RUN(memory);
    return tap_done();
}
