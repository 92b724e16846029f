/* paracrine/stat.h: estimators and tests on plain arrays. Analysis only: nothing here reaches a simulated value.
 * Distributions come from GSL, linear algebra from LAPACKE. All functions may be called from any thread. */
#ifndef PARACRINE_STAT_H
#define PARACRINE_STAT_H

#include "base.h"

/* An estimate with what a table prints beside it. NaN where a quantity does not exist. */
typedef struct prc_estimate {
    double estimate, se, df, stat, p, ci_lb, ci_ub;
    size_t n;
} prc_estimate;

/* Mean, SD, SE and t interval of n values (NaN skipped, counted out of .n). level e.g. 0.95. */
prc_estimate prc_stat_mean(const double *x, size_t n, double level);
double prc_stat_sd(const double *x, size_t n);
/* Quantile type 7 (R's default) of n values, NaN skipped; x is not changed. */
PRC_CHECKED prc_status prc_stat_quantiles(const double *x, size_t n, const double *p, size_t n_p, double *out, prc_error *err);
/* Spearman rank correlation with mid-ranks. NaN if fewer than 3 pairs or a constant side. */
PRC_CHECKED prc_status prc_stat_spearman(const double *x, const double *y, size_t n, double *rho, prc_error *err);
/* Two-sided p and quantiles of common distributions. */
double prc_stat_t_p(double t, double df);
double prc_stat_t_quantile(double p, double df);
double prc_stat_chisq_p(double x, double df);
double prc_stat_normal_p(double z);

/* Ordinary least squares y = X b by Householder QR: X is n x p row-major. Columns that are linearly dependent are dropped (coef NaN). */
typedef struct prc_lm {
    size_t n, p, rank;
    double *coef;   /* p, NaN where dropped */
    double *vcov;   /* p x p */
    double sigma2, df;
} prc_lm;
PRC_CHECKED prc_status prc_lm_fit(const double *x, const double *y, size_t n, size_t p, prc_lm *out, prc_error *err);
void prc_lm_reset(prc_lm *fit);

/* ANCOVA: response on arm (0..n_arm-1) and covariates (n x n_cov row-major, already numeric; categorical ones as dummies). Rows with a NaN are dropped.
 * ls_mean[a]: LS mean at the covariate means of the rows used; diff[a]: arm a minus arm `reference` (the reference itself has NaN). An arm without rows has NaN throughout. */
PRC_CHECKED prc_status prc_stat_ancova(const double *y, const int *arm, const double *cov, size_t n, size_t n_arm, size_t n_cov, int reference, double level,
                                       prc_estimate *ls_mean, prc_estimate *diff, prc_error *err);

/* Two proportions x1/n1 minus x2/n2: risk difference with the Miettinen-Nurminen (1985) score interval, Fisher's exact two-sided p in .p, .stat the score z. */
PRC_CHECKED prc_status prc_stat_risk_difference(size_t x1, size_t n1, size_t x2, size_t n2, double level, prc_estimate *out, prc_error *err);
/* Risk ratio with its log-normal (Katz) interval; 0.5 added when a cell is empty. */
prc_estimate prc_stat_risk_ratio(size_t x1, size_t n1, size_t x2, size_t n2, double level);
/* Wilson interval of one proportion. */
prc_estimate prc_stat_proportion(size_t x, size_t n, double level);
/* Welch's t test of two samples, x minus y. */
prc_estimate prc_stat_welch(const double *x, size_t nx, const double *y, size_t ny, double level);

/* Kaplan-Meier. time >= 0, event 1 = happened, 0 = censored. Arrays of the result have n_step entries, one per distinct event or censoring time. */
typedef struct prc_km {
    size_t n, n_step;
    double *time, *n_risk, *n_event, *n_censor, *surv, *se; /* se: Greenwood, of surv */
} prc_km;
PRC_CHECKED prc_status prc_stat_km(const double *time, const int *event, size_t n, prc_km *out, prc_error *err);
void prc_km_reset(prc_km *km);
/* Survival at t with the log-log interval; NaN after the last observation. */
prc_estimate prc_km_at(const prc_km *km, double t, double level);
/* Smallest time with survival <= 1 - p with Brookmeyer-Crowley limits on the log-log scale; NaN where not reached. */
prc_estimate prc_km_quantile(const prc_km *km, double p, double level);
/* Log-rank test of n_group groups, stratified when stratum is not NULL. .stat chi-square, .df, .p. */
PRC_CHECKED prc_status prc_stat_logrank(const double *time, const int *event, const int *group, const int *stratum, size_t n, size_t n_group, prc_estimate *out, prc_error *err);

/* ---- survival, further ---------------------------------------------------------------------------------------- */

/* Scale of a Kaplan-Meier interval, as conf.type of R's survfit: S +- z se; on log S; on log(-log S). */
typedef enum prc_km_ci { PRC_KM_PLAIN, PRC_KM_LOG, PRC_KM_LOGLOG } prc_km_ci;
/* Survival at t (carried forward after the last time) with the interval of that scale, cut to [0, 1]; where nothing has happened it is 1 to 1, at S = 0 NaN on the log scales. */
prc_estimate prc_km_at_ci(const prc_km *km, double t, prc_km_ci scale, double level);
/* Time when survival passes 1 - p (the middle of the step where the curve runs at exactly 1 - p), with the times when the limits pass it; NaN where not reached. */
prc_estimate prc_km_quantile_ci(const prc_km *km, double p, prc_km_ci scale, double level);
/* Restricted mean survival time to tau: the area under the curve, with Greenwood-type variance sum over events before tau of (area from there to tau)^2 d/(n(n-d)); .n
 * patients. NaN when tau lies beyond a last observation that is censored. */
prc_estimate prc_km_rmst(const prc_km *km, double tau, double level);

/* Weighted log-rank test of the G^rho family: weight S(t-)^rho of the pooled curve of each stratum; rho 0 is the log-rank, 1 the Peto-Peto test. stratum NULL = one.
 * observed, expected (n_group each) and var (n_group x n_group) are filled when not NULL. Two groups: .estimate, .se are those of O - E of the last group. */
PRC_CHECKED prc_status prc_stat_logrank_rho(const double *time, const int *event, const int *group, const int *stratum, size_t n, size_t n_group, double rho,
                                            double *observed, double *expected, double *var, prc_estimate *out, prc_error *err);

typedef enum prc_ties { PRC_TIES_EFRON, PRC_TIES_BRESLOW } prc_ties;

/* A fit by maximum likelihood. Coefficients that run to infinity (complete separation, no event in a group) or that depend on others are NaN, with NaN rows in vcov. */
typedef struct prc_fit {
    size_t n, p, n_event; /* rows used, coefficients, events (Cox) or successes (binary) */
    double *coef, *vcov;  /* p, p x p */
    double log_lik0, log_lik; /* Cox: at 0 and at the maximum */
    double score;         /* Cox: score statistic at 0 */
    double dispersion;    /* negative binomial: alpha in var = mu + alpha mu^2 */
    int iterations;
    bool converged;
    bool separated;       /* some coefficient is infinite: the likelihood has no maximum */
    double *zph, zph_global; /* Cox: proportional-hazards chi-square per coefficient (p, 1 df each) and for all */
    size_t zph_df;
} prc_fit;
void prc_fit_reset(prc_fit *fit);
/* Wald estimate of coefficient j: normal, or t when df is not NaN. */
prc_estimate prc_fit_coef(const prc_fit *fit, size_t j, double df, double level);

/* Cox regression, x n x p row-major, stratum NULL = one; rows with NaN or a stratum below 0 are left out. Newton from 0; score statistic and the test of proportional
 * hazards (score test of x times 1 - KM(t-), as cox.zph of R's survival does since 3.0). */
PRC_CHECKED prc_status prc_stat_cox(const double *time, const int *event, const double *x, const int *stratum, size_t n, size_t p, prc_ties ties, prc_fit *out, prc_error *err);

/* Cumulative incidence of n_cause competing events (Aalen-Johansen). event 0 = censored, 1..n_cause. cif and se: cause-major (n_cause x n_step), se by the delta method
 * (variance of the product limit estimate as in etm and survfit). */
typedef struct prc_cif {
    size_t n, n_step, n_cause;
    double *time, *n_risk, *surv; /* n_step; surv: free of any event */
    double *cif, *se;
} prc_cif;
PRC_CHECKED prc_status prc_stat_aalen_johansen(const double *time, const int *event, size_t n, size_t n_cause, prc_cif *out, prc_error *err);
void prc_cif_reset(prc_cif *c);
/* Cumulative incidence of cause (1..n_cause) at t with the log-log interval. */
prc_estimate prc_cif_at(const prc_cif *c, size_t cause, double t, double level);

/* ---- binary, counts, ordered grades --------------------------------------------------------------------------- */

/* Logistic regression (y 0 or 1), Poisson and negative binomial regression with log link (y >= 0 whole; offset is log exposure or NULL). x n x p row-major holds the
 * intercept. Rows with NaN are left out. The negative binomial dispersion is 0 where the counts are not overdispersed; ml: the maximum-likelihood one, as glm.nb and SAS
 * GENMOD give it; otherwise its score is corrected for the coefficients estimated (without that a null trial of 100 an arm rejects in 5.7 %, with it in 5.5 %). */
PRC_CHECKED prc_status prc_stat_logistic(const double *x, const double *y, size_t n, size_t p, prc_fit *out, prc_error *err);
PRC_CHECKED prc_status prc_stat_poisson(const double *x, const double *y, const double *offset, size_t n, size_t p, prc_fit *out, prc_error *err);
PRC_CHECKED prc_status prc_stat_negbin(const double *x, const double *y, const double *offset, size_t n, size_t p, bool ml, prc_fit *out, prc_error *err);
/* Proportional odds (cumulative logit, logit P(Y <= j) = a_j - x b), y in 0..n_level-1, below 0 left out; x has no intercept. coef: p slopes, then n_level-1 cut points
 * (levels nobody has are joined with the one below: their cut point is NaN). A positive slope means higher grades. */
PRC_CHECKED prc_status prc_stat_ordinal(const double *x, const int *y, size_t n, size_t p, size_t n_level, prc_fit *out, prc_error *err);
/* Pearson chi-square of a 2 x 2 table without continuity correction: .stat, .df 1, .p. */
prc_estimate prc_stat_chisq_2x2(size_t x1, size_t n1, size_t x2, size_t n2);
/* Two-sided Fisher p of a 2 x 2 table. */
double prc_stat_fisher(size_t x1, size_t n1, size_t x2, size_t n2);

/* Wilcoxon rank sum test of x against y (NaN skipped): .estimate the Hodges-Lehmann shift with its interval from the ordered differences, .stat z with continuity correction
 * and ties, .p normal. *w: rank sum of x minus its minimum (R's W); *superiority: P(X > Y) + P(X = Y)/2. Either may be NULL. */
PRC_CHECKED prc_status prc_stat_wilcoxon(const double *x, size_t nx, const double *y, size_t ny, double level, double *w, double *superiority, prc_estimate *out, prc_error *err);

/* ---- models on a frame: arms, numeric covariates, factors ------------------------------------------------------ */

/* Rows of a trial's data. Arms and factor levels are numbers from 0; below 0 means missing, as NaN does in x. Nothing is owned. */
typedef struct prc_frame {
    size_t n, n_arm;
    const int *arm;         /* n */
    int reference;          /* arm that the others are compared with; -1 = no comparison */
    size_t n_x;
    const double *x;        /* n x n_x row-major: covariates */
    size_t n_factor;
    const int *factor;      /* n x n_factor row-major: stratification and other factors */
    const size_t *n_level;  /* n_factor */
} prc_frame;

/* ANCOVA on a frame. LS means are at the mean of each covariate over the rows used and give the levels of a factor equal weight (SAS LSMEANS, R emmeans). */
PRC_CHECKED prc_status prc_stat_ancova_frame(const prc_frame *f, const double *y, double level, prc_estimate *ls_mean, prc_estimate *diff, prc_error *err);

/* Responders (y 0 or 1, NaN left out) by arm: standardised rate and risk difference by g-computation from a logistic model with the frame's covariates (each patient under
 * each arm, mean over all patients; SE by the delta method over the coefficients, Ge 2011), and the log odds ratio of the model. *separated: no maximum exists; the arms or
 * contrasts concerned are NaN. Arrays of n_arm. */
typedef struct prc_responders {
    prc_estimate *rate, *diff, *log_or;
    bool separated;
} prc_responders;
PRC_CHECKED prc_status prc_stat_responders(const prc_frame *f, const double *y, double level, prc_responders *out, prc_error *err);

/* ---- repeated measures ----------------------------------------------------------------------------------------- */

/* Covariance of the visits of one patient, richest first: this is also the order of the fallback. h = a variance for every visit. ANTE1: first-order ante-dependence. */
#define PRC_COV_LIST(X) \
    X(PRC_COV_UN, "un", "unstructured") X(PRC_COV_TOEPH, "toeph", "heterogeneous Toeplitz") X(PRC_COV_ANTE1, "ante1", "ante-dependence") \
    X(PRC_COV_ARH1, "arh1", "heterogeneous AR(1)") X(PRC_COV_CSH, "csh", "heterogeneous compound symmetry") X(PRC_COV_TOEP, "toep", "Toeplitz") \
    X(PRC_COV_AR1, "ar1", "AR(1)") X(PRC_COV_CS, "cs", "compound symmetry")
typedef enum prc_cov {
#define PRC_X(id, name, text) id,
    PRC_COV_LIST(PRC_X)
#undef PRC_X
        PRC_COV_COUNT
} prc_cov;
const char *prc_cov_name(prc_cov cov); /* "un" ... */
const char *prc_cov_text(prc_cov cov);

/* Degrees of freedom and standard errors of a contrast. Kenward-Roger (1997) with the covariance taken as linear in its parameters, which is what SAS calls "linear" and what
 * mmrm calls Kenward-Roger-Linear; both methods use the observed information of the covariance parameters. */
typedef enum prc_df { PRC_DF_KR, PRC_DF_SATTERTHWAITE, PRC_DF_NORMAL } prc_df;

typedef struct prc_mmrm_options {
    prc_cov cov;
    bool no_fallback; /* fail instead of trying the next simpler covariance */
    bool ml;          /* maximum likelihood instead of REML */
    prc_df df;
    double level;     /* of the intervals; 0 = 0.95 */
    bool by_visit;    /* frame model only: covariates have a slope for every visit */
    const double *sigma; /* NULL, or n_visit x n_visit: the covariance, taken as known (normal intervals) */
} prc_mmrm_options;

/* A fitted model; arrays belong to it. */
typedef struct prc_mmrm {
    size_t n, n_subject, n_visit, p, rank; /* rows, subjects, visits, columns of X, columns kept */
    prc_cov cov;        /* the one that was fitted */
    int n_tried;        /* 1 = the one asked for */
    int iterations;
    double log_lik;     /* restricted unless ml; without the term in det(X'X), as SAS and nlme */
    double decrement;   /* Newton decrement at the end: how flat the likelihood is */
    double *coef;       /* p, NaN where the column was dropped */
    double *vcov;       /* p x p, model-based */
    double *vcov_kr;    /* p x p, Kenward-Roger adjusted */
    double *sigma;      /* n_visit x n_visit */
    double *theta_vcov; /* n_theta x n_theta */
    double *dphi;       /* n_theta x p x p: derivative of vcov by each covariance parameter */
    double *alias;      /* p x p: row j says how a dropped column j follows from the kept ones */
    size_t n_theta;
} prc_mmrm;

/* y = X b + e, e correlated over the visits of a subject (0..n_subject-1 and 0..n_visit-1 per row), REML by Newton with Fisher scoring where the likelihood is not convex, one
 * Cholesky per pattern of missing visits. Rows with a NaN are left out. PRC_E_VALUE: a subject has a visit twice, too many visits for the structure (24 unstructured, 400
 * otherwise), too few rows. PRC_E_NUMERIC: no structure converged. */
PRC_CHECKED prc_status prc_mmrm_fit(const double *x, const double *y, const int *subject, const int *visit, size_t n, size_t p, size_t n_subject, size_t n_visit,
                                    const prc_mmrm_options *options, prc_mmrm *out, prc_error *err);
void prc_mmrm_reset(prc_mmrm *fit);
/* Estimate of l'b (l: p). NaN throughout when the data cannot tell it. */
prc_estimate prc_mmrm_contrast(const prc_mmrm *fit, const double *l, const prc_mmrm_options *options);

/* MMRM of a frame: arm by visit cells plus covariates and factors. ls_mean and diff are n_arm x n_visit (arm-major); overall: n_arm, the difference averaged over visits. */
typedef struct prc_mmrm_table {
    size_t n_arm, n_visit;
    prc_estimate *ls_mean, *diff, *overall;
    size_t *count; /* n_arm x n_visit values used */
    prc_mmrm fit;
} prc_mmrm_table;
PRC_CHECKED prc_status prc_stat_mmrm(const prc_frame *f, const double *y, const int *subject, const int *visit, size_t n_subject, size_t n_visit,
                                     const prc_mmrm_options *options, prc_mmrm_table *out, prc_error *err);
void prc_mmrm_table_reset(prc_mmrm_table *t);

/* ---- multiplicity ---------------------------------------------------------------------------------------------- */

typedef enum prc_adjust { PRC_ADJUST_NONE, PRC_ADJUST_BONFERRONI, PRC_ADJUST_HOLM, PRC_ADJUST_HOCHBERG, PRC_ADJUST_HOMMEL, PRC_ADJUST_BH } prc_adjust;
/* Adjusted p values (NaN ones stay NaN and do not count). out may be p. */
PRC_CHECKED prc_status prc_stat_adjust(const double *p, size_t n, prc_adjust method, double *out, prc_error *err);
/* Dunnett: P(max |t_i| <= c) for k comparisons with one control, t_i with df (INFINITY for normal) and correlation b_i b_j; b NULL = equal arms (b_i^2 = 1/2). */
double prc_stat_dunnett_cdf(double c, size_t k, const double *b, double df);
/* The c with probability level, and the adjusted two-sided p of a t. NaN where no arms. */
double prc_stat_dunnett_quantile(double level, size_t k, const double *b, double df);
double prc_stat_dunnett_p(double t, size_t k, const double *b, double df);
/* Graphical sequentially rejective Bonferroni test (Bretz, Maurer, Brannath, Posch 2009): weights w (n, sum <= 1), transitions g (n x n, rows sum <= 1, zero diagonal).
 * out: adjusted p values; reject where out <= alpha. out may be p. */
PRC_CHECKED prc_status prc_stat_graphical(const double *p, const double *w, const double *g, size_t n, double *out, prc_error *err);

/* ---- group-sequential designs, sample size --------------------------------------------------------------------- */

typedef enum prc_gsd_type { PRC_GSD_OBF, PRC_GSD_POCOCK, PRC_GSD_SPEND_OBF, PRC_GSD_SPEND_POCOCK } prc_gsd_type;
#define PRC_GSD_MAX 20
/* One-sided efficacy boundaries on the z scale: look i at information share t_i (0 < t_1 < ... < t_k = 1). Recursive integration over the standardised statistic
 * (Gauss-Legendre panels), error below 1e-9. Spending functions after Lan and DeMets: 2 - 2 Phi(z_{1-alpha/2}/sqrt t), alpha log(1 + (e-1) t). */
typedef struct prc_gsd {
    size_t k;
    double t[PRC_GSD_MAX], bound[PRC_GSD_MAX], spent[PRC_GSD_MAX]; /* information share, critical z, error spent so far */
} prc_gsd;
PRC_CHECKED prc_status prc_gsd_design(prc_gsd_type type, size_t k, const double *t, double alpha, prc_gsd *out, prc_error *err);
/* Probability of crossing at look 1..i (cross, k values) when the z at full information has mean drift. */
PRC_CHECKED prc_status prc_gsd_power(const prc_gsd *d, double drift, double *cross, prc_error *err);
/* Maximum information over that of a fixed design with the same alpha and power. */
PRC_CHECKED prc_status prc_gsd_inflation(const prc_gsd *d, double alpha, double power, double *out, prc_error *err);

/* P(T <= t) of the noncentral t distribution with df and noncentrality delta. */
double prc_stat_nct_cdf(double t, double df, double delta);
/* Power of a two-sided two-sample t test at n per arm and difference/SD d, the far tail not counted; and the n (not rounded) for a power. NaN when impossible. */
double prc_stat_power_t(double n, double d, double alpha);
double prc_stat_n_t(double d, double alpha, double power);
/* Events (Schoenfeld) for hazard ratio hr at one-sided alpha, 1:1; and the patients for them with control hazard lambda, accrual uniform over accrual, then follow_up. */
double prc_stat_events(double hr, double alpha, double power);
double prc_stat_n_survival(double hr, double alpha, double power, double lambda, double accrual, double follow_up);

#endif
