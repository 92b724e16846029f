/* paracrine/meta.h: meta-analysis on plain arrays: effect sizes, pooling models, heterogeneity, meta-regression, small-study
 * effects, influence, sparse binary data, multilevel, multivariate and network models. Reads no files; see docs/meta.md.
 *
 * Conventions: a study with an unusable value is the caller's to drop (prc_meta_effects marks it with NaN); every estimator
 * below wants finite yi and vi > 0 and says which study is not. Logs are natural; level is e.g. 0.95. Functions that return a status
 * leave their output untouched on failure. All functions may be called from any thread. `metafor` in a comment names the R package
 * (version 3.8) whose default the convention follows, so that numbers can be compared. */
#ifndef PARACRINE_META_H
#define PARACRINE_META_H

#include "stat.h"

/* ---- names --------------------------------------------------------------------------------------------------- */

/* Columns a data set may offer, as metafor names them: X(name). */
#define PRC_META_KEY_LIST(X)                                                                                      \
    X(ai) X(bi) X(ci) X(di) X(n1i) X(n2i) X(x1i) X(x2i) X(t1i) X(t2i) X(m1i) X(m2i) X(sd1i) X(sd2i) X(xi) X(mi) \
    X(ni) X(ti) X(ri) X(sdi) X(yi) X(vi) X(sei)
typedef enum prc_meta_key {
#define PRC_X(name) PRC_META_##name,
    PRC_META_KEY_LIST(PRC_X)
#undef PRC_X
        PRC_META_KEY_COUNT
} prc_meta_key;

/* How an estimate is turned back for reading. */
typedef enum prc_meta_back { PRC_BACK_NONE, PRC_BACK_EXP, PRC_BACK_LOGIT, PRC_BACK_ASIN, PRC_BACK_PFT, PRC_BACK_TANH, PRC_BACK_SQUARE, PRC_BACK_IRFT } prc_meta_back;

/* Estimators of tau2. */
typedef enum prc_meta_method { PRC_META_FE, PRC_META_DL, PRC_META_HE, PRC_META_HS, PRC_META_SJ, PRC_META_ML, PRC_META_REML, PRC_META_EB, PRC_META_PM, PRC_META_METHOD_COUNT } prc_meta_method;
/* Tests and intervals of coefficients. ADHOC is Hartung-Knapp with the scale factor kept at 1 or above: never narrower than the Wald interval
 * with the same t quantile (Roever, Knapp and Friede 2015, PMC4647507). */
typedef enum prc_meta_test { PRC_META_Z, PRC_META_KNHA, PRC_META_ADHOC, PRC_META_TEST_COUNT } prc_meta_test;
/* Prediction intervals: AUTO is z beside test z and t with k-p df beside a t test (metafor); HTS is t with k-2 df (Higgins, Thompson and
 * Spiegelhalter), as in package meta. */
typedef enum prc_meta_pi { PRC_META_PI_AUTO, PRC_META_PI_Z, PRC_META_PI_T, PRC_META_PI_HTS } prc_meta_pi;

const char *prc_meta_method_name(prc_meta_method m); /* "REML" */
const char *prc_meta_method_words(prc_meta_method m); /* "restricted maximum likelihood" */
bool prc_meta_method_parse(const char *s, prc_meta_method *out); /* EE and CE are FE; case does not count */
const char *prc_meta_test_name(prc_meta_test t); /* "z" "knha" "adhoc" */
bool prc_meta_test_parse(const char *s, prc_meta_test *out);

/* ---- effect sizes -------------------------------------------------------------------------------------------- */

typedef struct prc_meta_measure {
    const char *name;     /* "RR", as metafor */
    const char *title;    /* "log risk ratio" */
    const char *display;  /* what the back-transformed value is called: "risk ratio" */
    const char *variance; /* the formula in words and symbols, default variant */
    const char *needs;    /* "ai bi ci di | ai n1i ci n2i" */
    prc_meta_back back;
    int id;
} prc_meta_measure;

/* All measures; *n their number. */
const prc_meta_measure *prc_meta_measures(size_t *n);
/* By name ("SMD", case does not count); NULL if unknown. */
const prc_meta_measure *prc_meta_measure_find(const char *name);
/* The formula of a variance type. vtype NULL or "" is the default. NULL if the measure has no such type. */
const char *prc_meta_variance_text(const prc_meta_measure *m, const char *vtype);

typedef struct prc_meta_data {
    size_t n;
    const double *col[PRC_META_KEY_COUNT]; /* n values each, NaN = missing; NULL = not given */
} prc_meta_data;

/* Why a row has no effect size. */
typedef enum prc_meta_drop { PRC_META_USED, PRC_META_MISSING, PRC_META_UNDEFINED } prc_meta_drop;

/* Effect sizes and sampling variances of n studies. Zero cells as metafor's defaults: 1/2 is added to every cell of a table (to events and non-events, to
 * event counts) that has a zero in it. RR: Katz; OR: Woolf; PETO: Yusuf et al. 1985; SMD: Hedges 1981 (J Educ Stat 6:107) with the exact gamma correction, vtype
 * LS (default), UB, AV, LS2; RD, PR: vtype LS, UB, AV; PLN, PLO: vtype LS, AV.
 * yi, vi (n) and drop (n, may be NULL) are filled; a dropped row has NaN in both. Fails with PRC_E_KEY when columns are missing (the message
 * lists them), PRC_E_VALUE with the 1-based row when a value is impossible (negative count, events above n, SD <= 0, |r| > 1, vi < 0). */
PRC_CHECKED prc_status prc_meta_effects(const prc_meta_measure *m, const char *vtype, const prc_meta_data *d, double *yi, double *vi, prc_meta_drop *drop, prc_error *err);

/* Back-transformation of one value; ni (n) is used by PFT and IRFT (harmonic mean of the sample sizes), else ignored. The PFT inverse is Miller 1978 (Am Stat 32:138)
 * with the harmonic mean; it can mislead when sizes differ much (Schwarzer et al. 2019, PMC6767151). */
double prc_meta_back_value(prc_meta_back back, double x, double harmonic_n);
double prc_meta_harmonic_mean(const double *n, size_t k);

/* ---- univariate models --------------------------------------------------------------------------------------- */

typedef struct prc_meta_options {
    prc_meta_method method;  /* REML */
    prc_meta_test test;      /* ADHOC */
    prc_meta_pi pi;          /* AUTO */
    double level;            /* 0.95 */
    bool intervals;          /* Q-profile and profile-likelihood intervals of tau2; costs about as much as the fit */
} prc_meta_options;
prc_meta_options prc_meta_default(void);

/* A fit of y ~ N(X beta, vi + tau2). NaN where a quantity does not exist. */
typedef struct prc_meta_fit {
    size_t k, p;             /* studies; columns of X, dropped ones included */
    size_t rank;             /* columns kept */
    prc_meta_method method;
    prc_meta_test test;      /* as used: z where no degrees of freedom are left */
    double level;
    double *beta, *se, *stat, *pval, *ci_lb, *ci_ub; /* p, NaN in dropped columns */
    double *vb;              /* p x p */
    double ddf;              /* degrees of freedom of the t test, NaN for z */
    double s2w;              /* Hartung-Knapp scale factor, 1 for z */
    double tau2, se_tau2;
    double tau2_lb, tau2_ub; /* Q-profile interval (Viechtbauer 2007, Stat Med 26:37); NaN for FE; both NaN when empty */
    bool tau2_empty;         /* the Q-profile interval is empty: studies agree more than chance allows */
    double pl_lb, pl_ub;     /* profile-likelihood interval, ML and REML only */
    double vt;               /* typical sampling variance (Higgins and Thompson 2002) */
    double I2, I2_lb, I2_ub, H2, H2_lb, H2_ub; /* I2 in percent, from tau2 and vt; for FE from Q */
    double QE, QEp, QE_df;   /* residual heterogeneity */
    double QM, QMp, QM_df1, QM_df2; /* moderators: all columns but an intercept; df2 NaN for a chi-square test */
    double R2;               /* percent of tau2 explained; NaN without moderators */
    double pi_lb, pi_ub;     /* prediction interval of an intercept-only model, convention pi_df: NaN df = normal */
    double pi_df;
    double pi_hts_lb, pi_hts_ub;
    double logLik, AIC, BIC; /* REML likelihood for REML, else ML */
} prc_meta_fit;

/* Fits one model. x is k x p row-major, NULL for an intercept alone (p is then 1). FE: inverse variance. DL: DerSimonian and Laird 1986 (Control Clin Trials 7:177). HE: Hedges and
 * Olkin 1985. HS: Hunter and Schmidt 1990. SJ: Sidik and Jonkman 2005 (J Biopharm Stat 15:823). ML, REML, EB (Morris 1983, JASA 78:47), PM (Paule and Mandel 1982; the same root as EB);
 * formulas as in Viechtbauer 2005 (J Educ Behav Stat 30:261) and DerSimonian and Kacker 2007 (CCT 28:105). tau2 is exactly 0 where the
 * estimating equation has its solution at or below 0; ML and REML return the highest of all local maxima. Roots are found to a relative tolerance of
 * 1e-14 in growing brackets, so the scale of the data does not matter.
 * Columns of x that depend on earlier ones are dropped (beta NaN). k = 1, or as many columns as studies: tau2 = 0, test z, no prediction interval.
 * Fails with PRC_E_VALUE: k = 0, a yi that is not finite, vi <= 0 (the message has the 1-based study). */
PRC_CHECKED prc_status prc_meta_fit_uni(const double *yi, const double *vi, const double *x, size_t k, size_t p, const prc_meta_options *o, prc_meta_fit *out, prc_error *err);
void prc_meta_fit_reset(prc_meta_fit *f);
/* Predicted value of an intercept-only fit's study i: best linear unbiased predictor and its interval. Arrays have k entries. se^2 = lambda vi +
 * (1 - lambda)^2 x'vb x with lambda = tau2/(tau2 + vi). */
void prc_meta_blup(const prc_meta_fit *f, const double *yi, const double *vi, const double *x, double *pred, double *se, double *lb, double *ub);

/* ---- subgroups, sensitivity ---------------------------------------------------------------------------------- */

/* Fits each of n_group groups apart (group[i] in 0..n_group-1) and compares them: Q between on n-1 df, from the estimates and their SEs. fits: n_group, reset
 * by the caller; a group without studies has k = 0. */
PRC_CHECKED prc_status prc_meta_subgroups(const double *yi, const double *vi, const int *group, size_t k, size_t n_group, const prc_meta_options *o, prc_meta_fit *fits,
                                          double *q_between, double *q_df, double *q_p, prc_error *err);

/* One line of a leave-one-out or cumulative analysis. */
typedef struct prc_meta_line {
    double estimate, se, stat, pval, ci_lb, ci_ub, tau2, I2, H2, QE, QEp;
} prc_meta_line;
/* Refit without study i, i = 0..k-1, into out (k). Limit of 20000 studies. */
PRC_CHECKED prc_status prc_meta_leave1out(const double *yi, const double *vi, size_t k, const prc_meta_options *o, prc_meta_line *out, prc_error *err);
/* Refit with the first i+1 studies in the order given (NULL: as they stand). */
PRC_CHECKED prc_status prc_meta_cumulative(const double *yi, const double *vi, const size_t *order, size_t k, const prc_meta_options *o, prc_meta_line *out, prc_error *err);

/* Deletion diagnostics of study i (Viechtbauer and Cheung 2010, Res Synth Methods 1:112). dfbs: of the first coefficient. flagged: |dffits| > 3
 * sqrt(p/(k-p)), or Cook's distance beyond the chi-square median, or hat > 3p/k, or |dfbs| > 1. */
typedef struct prc_meta_influence {
    double rstudent, dffits, cook_d, cov_r, tau2_del, QE_del, hat, weight, dfbs;
    bool flagged;
    double baujat_x, baujat_y; /* squared Pearson residual; shift of the estimate (Baujat et al. 2002, Stat Med 21:2641) */
} prc_meta_influence;
PRC_CHECKED prc_status prc_meta_influences(const double *yi, const double *vi, const double *x, size_t k, size_t p, const prc_meta_options *o, prc_meta_influence *out, prc_error *err);

/* ---- small-study effects ------------------------------------------------------------------------------------- */

/* Egger's regression in both forms. classic: weighted least squares on the standard error, t with k-2 df (Egger et al. 1997, BMJ 315:629); else the mixed
 * model of o with the standard error as moderator, test z. limit: estimate as the standard error goes to 0. k >= 3. */
typedef struct prc_meta_egger {
    double stat, df, p, limit, limit_lb, limit_ub;
} prc_meta_egger;
PRC_CHECKED prc_status prc_meta_egger_test(const double *yi, const double *vi, size_t k, bool classic, const prc_meta_options *o, prc_meta_egger *out, prc_error *err);
/* Begg and Mazumdar's rank correlation (1994, Biometrics 50:1088): Kendall's tau-b of standardised effect and variance; exact p without ties and
 * k <= 500, else normal. */
PRC_CHECKED prc_status prc_meta_begg(const double *yi, const double *vi, size_t k, double *tau, double *p, prc_error *err);

typedef enum prc_meta_trim { PRC_META_L0, PRC_META_R0, PRC_META_Q0 } prc_meta_trim;
/* Trim and fill (Duval and Tweedie 2000, Biometrics 56:455). side: where studies are missing, -1 left, 1 right, 0 found by regression on the standard error. Sensitivity
 * analysis only. fill_y, fill_v (k entries, may be NULL) take the k0 studies filled in. */
typedef struct prc_meta_trimfill_result {
    size_t k0;
    double se_k0;
    int side;
    prc_meta_line filled; /* the fit with the filled studies */
} prc_meta_trimfill_result;
PRC_CHECKED prc_status prc_meta_trimfill(const double *yi, const double *vi, size_t k, prc_meta_trim estimator, int side, const prc_meta_options *o, prc_meta_trimfill_result *out,
                                         double *fill_y, double *fill_v, prc_error *err);
typedef enum prc_meta_fsn { PRC_META_ROSENTHAL, PRC_META_ORWIN, PRC_META_ROSENBERG } prc_meta_fsn;
/* Fail-safe N: studies without effect needed to lose significance (Rosenthal 1979, Rosenberg 2005) or halve the mean (Orwin 1983). Sensitivity analysis only. */
void prc_meta_failsafe(const double *yi, const double *vi, size_t k, prc_meta_fsn type, double alpha, double *n, double *p);

/* ---- sparse binary data -------------------------------------------------------------------------------------- */

/* Result of a Mantel-Haenszel, Peto or logit model. */
typedef struct prc_meta_table_fit {
    size_t k, k_yi;          /* tables; tables with an effect size of their own */
    double estimate, se, stat, pval, ci_lb, ci_ub; /* log scale for OR, RR, IRR */
    double QE, QEp, QE_df, I2, H2;
    double MH, MHp;          /* Cochran-Mantel-Haenszel test with continuity correction; OR, IRR */
    double TA, TAp;          /* Breslow-Day test of homogeneity with Tarone's correction; OR */
    double tau2, se_tau2;    /* GLMM */
    double logLik, logLik_saturated, AIC, BIC;
    double logLik_conditional; /* at the modes of the random effects: what lme4's deviance() and so metafor 3.8 print */
    double QE_wald, QE_lrt;  /* GLMM: heterogeneity from the saturated model */
    size_t n_node;
} prc_meta_table_fit;
/* Mantel-Haenszel, measure OR (variance of Robins, Breslow and Greenland 1986), RR (Greenland and Robins 1985), RD (Sato, Greenland and Robins 1989), IRR.
 * No continuity correction in the pooled estimate. */
PRC_CHECKED prc_status prc_meta_mantel_haenszel(const prc_meta_measure *m, const prc_meta_data *d, double level, prc_meta_table_fit *out, prc_error *err);
/* Peto's one-step odds ratio (Yusuf et al. 1985). */
PRC_CHECKED prc_status prc_meta_peto(const prc_meta_data *d, double level, prc_meta_table_fit *out, prc_error *err);

/* Exact-likelihood mixed models. ONE: proportions (PLO) or rates (IRLN), one random logit or log rate per study. UM_FS: two arms, fixed study effects, random
 * treatment effect. UM_RS: random study and treatment effects, independent. CM_AL: conditional on the events of both arms, approximate (OR); CM_EL: the same exactly
 * (IRR: binomial; OR: noncentral hypergeometric). Stijnen, Hamza and Ozdemir 2010 (Stat Med 29:3046). */
typedef enum prc_meta_glmm { PRC_META_GLMM_ONE, PRC_META_UM_FS, PRC_META_UM_RS, PRC_META_CM_AL, PRC_META_CM_EL } prc_meta_glmm;
/* Maximum likelihood by adaptive Gauss-Hermite quadrature. n_node: nodes per random effect, 0 = 32; 1 is the Laplace approximation. fixed: no random effect. tau2 is
 * exactly 0 when the likelihood falls from there. */
PRC_CHECKED prc_status prc_meta_fit_glmm(const prc_meta_measure *m, prc_meta_glmm model, const prc_meta_data *d, size_t n_node, bool fixed, double level, prc_meta_table_fit *out, prc_error *err);

/* ---- several random effects ---------------------------------------------------------------------------------- */

/* A linear mixed model with known sampling covariance: estimates, variance components, likelihood. */
typedef struct prc_meta_mv_fit {
    size_t k, p, n_comp;
    bool reml;
    double *beta, *se, *stat, *pval, *ci_lb, *ci_ub; /* p */
    double *vb;              /* p x p */
    double *comp;            /* n_comp: multilevel: sigma2 of cluster, sigma2 of row within cluster; multivariate: tau2 of each outcome, then rho of each pair (1,2) (1,3) (2,3) ... */
    double QE, QEp, QE_df, QM, QMp, QM_df;
    double logLik, AIC, BIC;
    double level;
    bool converged;
} prc_meta_mv_fit;
void prc_meta_mv_fit_reset(prc_meta_mv_fit *f);

/* Three levels: effects (rows) in clusters. cluster[i] in 0..n_cluster-1. x as above. Fixed effects by GLS, variances by ML or REML (maximised to a
 * relative gradient of 1e-10), test z. Konstantopoulos 2011 (Res Synth Methods 2:61). */
PRC_CHECKED prc_status prc_meta_multilevel(const double *yi, const double *vi, const int *cluster, const double *x, size_t k, size_t n_cluster, size_t p, bool reml, double level,
                                           prc_meta_mv_fit *out, prc_error *err);
/* Several outcomes a study, unstructured between-study covariance. outcome[i] in 0..n_outcome-1 (<= 6). cov: k x n_outcome row-major, cov[i][o] the sampling covariance of row i with
 * the row of outcome o of the same study (cov[i][outcome[i]] its variance). One mean per outcome. van Houwelingen, Arends and Stijnen 2002 (Stat Med 21:589). */
PRC_CHECKED prc_status prc_meta_multivariate(const double *yi, const double *cov, const int *study, const int *outcome, size_t k, size_t n_study, size_t n_outcome, bool reml, double level,
                                             prc_meta_mv_fit *out, prc_error *err);

/* ---- networks ------------------------------------------------------------------------------------------------ */

/* Contrasts: row i says treat1[i] minus treat2[i] is yi[i]. A study with several arms gives either all pairs (consistent ones) or all arms against one of its arms. */
typedef struct prc_meta_contrasts {
    size_t n, n_study, n_treat;
    const int *study, *treat1, *treat2; /* n */
    const double *yi, *vi;              /* n */
    const double *n1, *n2;              /* arm sizes, for the covariance of contrasts that share an arm; NULL = from all pairs, else 1/2 */
    const double *shared_v;             /* variance of the mean of treat2's arm, NULL = unknown: then exact covariance of contrasts against it */
    const char *const *study_name, *const *treat_name; /* for messages, may be NULL */
} prc_meta_contrasts;

/* Direct against indirect evidence of one comparison. */
typedef struct prc_meta_split {
    int a, b;                /* treatments, a minus b */
    size_t n_study;          /* studies with both */
    double direct, direct_se, indirect, indirect_se, diff, diff_se, z, p; /* NaN where there is only one kind */
    double network, network_se;
} prc_meta_split;

typedef struct prc_meta_network_fit {
    size_t n_treat, n_study, n_contrast, n_design, n_multiarm;
    int reference;
    double tau2;
    double *effect, *se;     /* n_treat x n_treat row-major: row minus column, 0 on the diagonal */
    double *lb, *ub;         /* n_treat x n_treat: intervals of effect (league table) */
    double *pscore;          /* n_treat: Rucker and Schwarzer 2015, BMC Med Res Methodol 15:58; 1 = best */
    double Q, Q_df, Qp;      /* total */
    double Q_het, Q_het_df, Q_hetp, Q_inc, Q_inc_df, Q_incp; /* within designs; between designs */
    double QM, QM_df, QMp;   /* all treatments equal */
    double I2;
    double logLik, logLik_reml; /* likelihood and restricted likelihood at tau2 */
    size_t n_split;
    prc_meta_split *split;   /* comparisons with direct evidence */
    bool assumed_covariance; /* 1/2 was assumed for contrasts that share an arm */
} prc_meta_network_fit;
void prc_meta_network_fit_reset(prc_meta_network_fit *f);

/* Network meta-analysis by generalised least squares on the contrasts (multi-arm trials exact), one tau2 for all comparisons with correlation 1/2 between contrasts of one study. method FE,
 * DL, ML or REML. small_good: small effects are good (P-scores). Node splitting gives a comparison's direct evidence an effect of its own, half to each side in multi-arm studies, with tau2 held (node splitting: van Valkenhoef
 * et al. 2016, Res Synth Methods 7(1)).
 * Fails with PRC_E_VALUE when the network is in pieces (the message names them), a contrast compares a treatment with itself or the contrasts of a study do not agree. */
PRC_CHECKED prc_status prc_meta_network(const prc_meta_contrasts *c, int reference, prc_meta_method method, bool small_good, double level, prc_meta_network_fit *out, prc_error *err);

#endif
