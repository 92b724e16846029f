/* paracrine/design.h: how a trial design behaves: error rate, power, bias and coverage over replicate trials; power curve; assurance; sample size. */
#ifndef PARACRINE_DESIGN_H
#define PARACRINE_DESIGN_H

#include "trial.h"

/* ---- operating characteristics --------------------------------------------------------------------------------- */

/* Replicate trials are drawn from a pool of patients that are simulated once under every arm, free of noise. Each replicate draws its patients without replacement, allocates
 * them in permuted blocks within strata, and gives them measurement noise and dropout of its own. Smaller sizes are the first patients of the largest.
 *
 * The rule: the pool is valid when what a patient is given depends on nothing that is observed in the trial (no adaptive dosing, rescue or accrual), and when one trial takes at
 * most a twentieth of it; the variance that trials share by drawing the same patients is then below a twentieth. Otherwise every replicate gets fresh patients. */
enum { PRC_POOL_SIZE = 20000, PRC_POOL_SHARE = 20 };

typedef enum prc_design_method { PRC_DM_ANCOVA, PRC_DM_MMRM, PRC_DM_RESPONDER, PRC_DM_LOGRANK } prc_design_method;
const char *prc_design_method_name(prc_design_method m);

/* Alternative: as simulated. Null: every arm runs the course of the reference arm of the analysis. */
typedef enum prc_scenario { PRC_SCENARIO_ALTERNATIVE, PRC_SCENARIO_NULL, PRC_SCENARIO_COUNT } prc_scenario;
const char *prc_scenario_name(prc_scenario s);

typedef struct prc_design_options {
    size_t n_size;
    const size_t *size;      /* patients per arm, beside the size in the file; each gets the alternative only */
    size_t replicates;       /* 2 to 1e6 */
    size_t pool;             /* patients of the pool; 0 = 20 times the largest trial, at least 20,000 */
    double alpha;            /* two-sided, per comparison; intervals have level 1 - alpha */
    bool mmrm;               /* the primary endpoint by MMRM in place of ANCOVA */
    bool no_null;            /* leave out the null scenario */
    int n_threads;
    const prc_progress *progress;
} prc_design_options;
void prc_design_defaults(prc_design_options *o);

/* One comparison of an arm with the reference over all replicates. Units: those of the score; percentage points for responders and events. Every rate and mean with its
 * Monte-Carlo standard error. */
typedef struct prc_oc {
    size_t n_used;                /* replicates with an estimate */
    double truth;                 /* the estimand in the pool; 0 under the null */
    double estimate, estimate_se; /* mean estimate */
    double bias, bias_se;
    double sd;                    /* of the estimates over replicates */
    double model_se;              /* mean of the standard errors that the analyses give */
    double coverage, coverage_se; /* share of intervals that hold the truth */
    double reject, reject_se;     /* two-sided p below alpha */
    double better, better_se;     /* rejected, and the arm is better: the power */
    double analysed;              /* mean number of patients analysed, all arms */
} prc_oc;

typedef struct prc_design_analysis {
    size_t population;
    const prc_endpoint *endpoint;
    prc_design_method method;
} prc_design_analysis;

typedef struct prc_design_result {
    prc_arena *arena;
    const prc_trial_spec *spec;  /* borrowed */
    size_t n_arm, n_analysis;    /* analysis 0 is that of the primary endpoint in the first population */
    prc_design_analysis *analysis;
    size_t n_size;               /* the size in the file, then those asked for */
    size_t *size;                /* [population][size]: patients per arm */
    prc_oc *oc;                  /* [scenario][size][analysis][arm]; n_used 0: not computed */
    double *any, *any_se;        /* [scenario][size][analysis]: at least one arm rejected; the family-wise error under the null; NaN = not computed */
    size_t replicates, pool, n_failed; /* n_failed: patients of the pool whose simulation failed under an arm, left out */
    double alpha;
    bool fresh;                  /* every replicate had patients of its own */
    const char *rule;            /* one sentence: which way patients were drawn, and why */
    size_t n_left_out;           /* endpoints that no method here covers (duration) */
    double seconds_pool, seconds_total;
} prc_design_result;
#define PRC_OC(r, scenario, size, analysis, arm) ((r)->oc[((((size_t)(scenario)) * (r)->n_size + (size_t)(size)) * (r)->n_analysis + (size_t)(analysis)) * (r)->n_arm + (size_t)(arm)])
#define PRC_OC_ANY(r, scenario, size, analysis) ((((size_t)(scenario)) * (r)->n_size + (size_t)(size)) * (r)->n_analysis + (size_t)(analysis))

/* Runs the replicates. Same seed, same numbers for any number of threads. PRC_E_VALUE: a size, alpha or number of replicates out of range, no endpoint that can be analysed. */
PRC_CHECKED prc_status prc_design_run(const prc_trial_spec *s, const prc_design_options *o, prc_design_result **out, prc_error *err);
void prc_design_free(prc_design_result *r);
/* Every comparison as CSV with a header: one row per scenario, size, analysis and arm. */
void prc_design_csv(const prc_design_result *r, FILE *f);

/* Smallest size with a power. The curve is made monotone by pooling adjacent violators, then read linearly between sizes and rounded up. lower, upper: where the curve moved by
 * 1.96 Monte-Carlo errors crosses. NaN: not reached within the sizes; a curve above the target from the start gives its smallest size. */
typedef struct prc_smallest { double n, lower, upper; } prc_smallest;
PRC_CHECKED prc_status prc_design_smallest(const double *size, const double *power, const double *se, size_t n, double target, prc_smallest *out, prc_error *err);

/* ---- sample size ------------------------------------------------------------------------------------------------ */

/* Patients per arm for a two-arm ANCOVA with residual SD sd to find a difference, two-sided alpha; with_loss: when only the share `retained` is analysed. NaN for no difference. */
typedef struct prc_sample_size { double diff, sd, alpha, power, n, with_loss; } prc_sample_size;
prc_sample_size prc_design_sample_size(double diff, double sd, double alpha, double power, double retained);
/* The same from a finished trial: true difference of the arm, SD from the ANCOVA of the primary endpoint, share analysed. NaN where the primary endpoint has no ANCOVA. */
prc_sample_size prc_design_trial_size(const prc_trial_result *r, size_t population, size_t arm, double alpha, double power);
/* One sentence a report can print, for the arm with the largest true difference; adds nothing when there is none. */
void prc_design_line(const prc_trial_result *r, size_t population, prc_text *t);

/* ---- assurance --------------------------------------------------------------------------------------------------- */

/* Power of the primary analysis averaged over worlds of the ledger: in each, a reference cohort (the same patients) under every arm gives the true difference and the residual
 * SD; the power follows from the normal approximation with the patients that stay. */
enum { PRC_ASSURANCE_QUANTILES = 5 }; /* 2.5, 25, 50, 75, 97.5 % */
typedef struct prc_assurance {
    size_t n_world, n_used, n_patient, n_arm, n_size;
    double alpha;
    size_t *size;      /* n_size, patients per arm */
    double *diff, *sd; /* [arm][world], NaN in worlds that failed and for the reference */
    double *mean;      /* [size][arm]: assurance */
    double *quantile;  /* [size][arm][5] of the power */
    double *none;      /* [arm]: share of worlds in which the arm is no better than the reference */
} prc_assurance;
PRC_CHECKED prc_status prc_assurance_run(const prc_trial_spec *s, size_t population, const size_t *size, size_t n_size, size_t n_world, size_t n_patient, double alpha,
                                         int n_threads, const prc_progress *progress, prc_assurance **out, prc_error *err);
void prc_assurance_free(prc_assurance *a);

#endif
