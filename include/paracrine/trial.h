/* paracrine/trial.h: a virtual trial: its file, its run, what it measures, how it is analysed. */
#ifndef PARACRINE_TRIAL_H
#define PARACRINE_TRIAL_H

#include "cohort.h"
#include "stat.h"
#include "table.h"
#include "therapy.h"

/* ---- rules: what happens to a patient when he gets worse ------------------------------------------------------- */

/* Looks at a noise-free observable all the time, not at visits only: `when: vas_pain > 70`. */
typedef struct prc_rule {
    bool exists;
    int observable;
    bool above;          /* > or <; equal counts as neither */
    double value;
    double from;         /* first day on which the rule looks */
    double hold;         /* days for which the condition must last without a break */
    size_t times;        /* at most so often */
    double every;        /* days between two */
    prc_arms *give;      /* rescue: one arm with what is given, on day 0 */
    bool ends_participation; /* stop: the patient leaves; else his treatment ends */
} prc_rule;
typedef struct prc_rules { prc_rule rescue, stop; } prc_rules;

/* ---- the truth: every patient under every arm, free of noise ------------------------------------------------- */

/* Noise-free course of n_patient patients under n_arm arms at n_time times; counterfactual: the same patients, parameters and random numbers under each arm. */
typedef struct prc_truth {
    size_t n_patient, n_arm, n_time, n_observable, n_event;
    double *time;              /* n_time, ascending, days */
    double *value;             /* [arm][patient][time][observable]; events NaN; NaN after the patient's simulation stopped */
    double *event_time;        /* [arm][patient][observable]; NaN = not by the horizon or not an event */
    prc_outcome *outcome;      /* [arm][patient] */
    double *stop_time;         /* [arm][patient] */
    int *stop_state;           /* [arm][patient], state slot, -1 */
    prc_arm_effect *effect;    /* [arm] */
    size_t n_rescue;           /* most rescues of a patient, 0 = there is no such rule */
    double *rescue;            /* [arm][patient][n_rescue]: days, NaN = none */
    double *stopped;           /* [arm][patient]: day of the stopping rule, NaN = never; NULL without rules */
    long steps;
} prc_truth;

/* Value of an observable; time index k. */
#define PRC_TRUTH_AT(t, a, i, k, o) ((t)->value[((((size_t)(a)) * (t)->n_patient + (size_t)(i)) * (t)->n_time + (size_t)(k)) * (t)->n_observable + (size_t)(o)])
#define PRC_TRUTH_EVENT(t, a, i, o) ((t)->event_time[(((size_t)(a)) * (t)->n_patient + (size_t)(i)) * (t)->n_observable + (size_t)(o)])

PRC_CHECKED prc_status prc_truth_simulate(const prc_engine *e, const prc_world *w, const prc_cohort *cohort, const prc_arm *arms, size_t n_arm,
                                          const double *time, size_t n_time, double horizon, int n_threads, const prc_progress *progress,
                                          prc_truth **out, prc_error *err);
/* The same under rules, which act within each arm for itself; the engine must be prc_trial_engine's for the same rules. NULL: none. */
PRC_CHECKED prc_status prc_truth_simulate_rules(const prc_engine *e, const prc_world *w, const prc_cohort *cohort, const prc_arm *arms, size_t n_arm,
                                                const double *time, size_t n_time, double horizon, const prc_rules *rules, int n_threads, const prc_progress *progress,
                                                prc_truth **out, prc_error *err);
PRC_CHECKED prc_status prc_trial_engine(const prc_condition *c, const prc_rules *rules, prc_engine **out, prc_error *err);
void prc_truth_free(prc_truth *t);

/* ---- the trial file ------------------------------------------------------------------------------------------ */

typedef struct prc_population_spec {
    const char *name;      /* "all" when the file has one population */
    size_t size_per_arm;
    prc_eligibility *eligibility;
} prc_population_spec;

typedef enum prc_analysis_kind { PRC_AN_ANCOVA, PRC_AN_RESPONDER, PRC_AN_KAPLAN_MEIER, PRC_AN_LOGRANK, PRC_AN_DURATION } prc_analysis_kind;
const char *prc_analysis_name(prc_analysis_kind k);

typedef struct prc_endpoint {
    const char *name;          /* key in the file: primary, responder, tkr, ... */
    int observable;            /* score or event */
    double at;                 /* day; horizon for events without `at` */
    bool change;               /* measure: change (default) or value */
    unsigned analyses;         /* bit set of 1u << prc_analysis_kind */
    size_t n_covariate;
    int *covariate;            /* covariate index; -1 = baseline value of the score */
    int versus;                /* arm index of the reference */
    bool derived_relief;       /* relief_duration: time until the gain falls below the MCID */
    int line, col;
} prc_endpoint;

typedef enum prc_missing { PRC_MISSING_NONE, PRC_MISSING_MCAR, PRC_MISSING_MAR, PRC_MISSING_MNAR } prc_missing;

typedef struct prc_trial_spec {
    prc_arena *arena;
    const char *path, *title, *question;
    const char *text;              /* the file as read */
    char sha256[65];
    prc_condition *condition;      /* owned */
    uint64_t seed;
    size_t n_population;
    prc_population_spec *population;
    size_t n_stratify;
    int *stratify;                 /* covariate indices */
    size_t block;                  /* block size per arm ratio, default 2 x arms */
    prc_arms *arms;
    size_t n_visit;
    double *visit;                 /* days, ascending, first is 0 */
    const char **visit_label;      /* as written */
    size_t n_endpoint;
    prc_endpoint *endpoint;        /* endpoint[0] is the primary one */
    size_t n_adverse;
    int *adverse;                  /* index into condition->adverse */
    prc_missing missing;
    double dropout_rate;           /* per year */
    double bias;                   /* multiplies trial.bias_mean: 0 (default, `bias: none`) or 1 (`bias: mean`) */
    double horizon;                /* days, default the last visit */
    size_t n_subgroup;
    int *subgroup;                 /* covariates */
    size_t replicates;             /* replicate trials for the operating characteristics, 0 = none asked for */
    prc_rules rules;               /* rescue, stop */
} prc_trial_spec;

/* Reads and checks a trial file; runs nothing. seed_override: NULL or the --seed value. Errors carry line, column, nearest key. */
PRC_CHECKED prc_status prc_trial_read(const char *path, const char *data_dir, const uint64_t *seed_override, prc_trial_spec **out, prc_error *err);
void prc_trial_spec_free(prc_trial_spec *s);
/* A commented trial file to start from, for a condition; freed by prc_free. */
PRC_CHECKED prc_status prc_trial_template(const prc_condition *c, char **out, prc_error *err);

/* ---- the run ------------------------------------------------------------------------------------------------- */

typedef struct prc_trial_options {
    int n_threads;
    double max_fail;          /* share of patients that may fail, 0.01 */
    int width;                /* block width, 0 = chosen */
    size_t chunk;             /* patients simulated and measured at a time, 0 = chosen; changes no number */
    bool keep;                /* keep every patient's course, score and covariates in the result (one chunk a population): for tests and small trials */
    prc_outdir *dir;          /* where the rows of adsl, adqs, adtte, adae (and adcm) go as chunks finish; NULL = nowhere */
    const prc_progress *progress;
} prc_trial_options;
void prc_trial_defaults(prc_trial_options *o);

typedef enum prc_disposition { PRC_COMPLETED, PRC_DROPPED_OUT, PRC_HAD_EVENT, PRC_SOLVER_FAILED } prc_disposition;

/* One randomised patient. Small, since a million are kept. */
typedef struct prc_subject {
    uint32_t id;             /* random-number identity */
    uint32_t member;         /* number in his population, from 0 */
    uint16_t population, arm;
    prc_disposition disposition;
    double dropout_day;      /* last day of participation; infinity when completed */
    const char *reason;      /* words for DCDECOD */
    const char *stratum;     /* "kl_grade=2 sex=female", "" when not stratified */
} prc_subject;

typedef struct prc_ae { size_t subject; int adverse; double start, end; bool related; } prc_ae;

/* Noise-free values of an observable at a time, in the patients randomised to an arm. Quantiles are exact up to PRC_EXACT_VALUES patients and within 0.1 % of the value beyond;
 * they depend neither on the order nor on the grouping of the patients. */
enum { PRC_EXACT_VALUES = 512 };
typedef struct prc_trajectory { size_t n; double mean, p05, p25, p50, p75, p95; } prc_trajectory;

/* Number, mean and standard deviation. */
typedef struct prc_moments { size_t n; double mean, sd; } prc_moments;

/* One population of a run: what is known of it when its patients have gone. */
typedef struct prc_population_run {
    size_t n;                 /* randomised patients */
    uint32_t *id;             /* their random-number identities */
    size_t n_screened, n_not_eligible;
    size_t *criterion_failed; /* per criterion of the eligibility */
    double regression_to_mean; /* observed change of rtm_observable from screening to baseline, all patients, no treatment given */
    int rtm_observable;        /* the score that eligibility looks at; the primary score when it looks at none */
    size_t n_run_in_failed;   /* candidates without a baseline: their run-in failed; not eligible, listed in the failures of a trial */
    uint32_t run_in_failed[16]; /* the first of them */
    uint32_t *stratum;        /* of each patient, while he is allocated */
    size_t n_time;
    double *time;             /* union of visits and the trajectory grid */
    prc_trajectory *trajectory; /* [arm][observable][time]; events have none */
    prc_moments *baseline;    /* [arm, then all][covariate, then observable as measured at the first visit] */
    size_t *category;         /* [arm, then all][category, covariate by covariate] */
    /* With the option `keep` only, else NULL: */
    prc_cohort *cohort;       /* the randomised patients */
    prc_truth *truth;         /* all arms */
    double *screening;        /* n x n_observable: noisy screening value */
} prc_population_run;

/* An analysis of one endpoint in one population. Arrays per arm. */
typedef struct prc_endpoint_result {
    size_t population;
    const prc_endpoint *endpoint;
    size_t n_arm;
    prc_estimate *ls_mean, *diff;      /* ANCOVA */
    size_t n_true;                     /* patients in the true values */
    double *true_value, *true_diff;    /* of the estimand: mean over all randomised patients simulated under every arm, noise-free, no dropout */
    size_t *responders, *evaluated;    /* responder */
    prc_estimate *risk_diff, *rate;
    double mcid; const char *mcid_unit, *mcid_source;
    prc_km *km;                        /* time to event, per arm */
    prc_estimate *survival;            /* event-free at endpoint->at */
    prc_estimate logrank;
    double *event_pct_true;            /* per arm, percent with the event by endpoint->at */
    double *duration_mean;             /* relief: mean months */
    double *nnt;                       /* responder: 1/risk difference, NaN for the reference */
} prc_endpoint_result;

typedef struct prc_failure { char usubjid[24]; const char *arm; prc_outcome outcome; double time; const char *state; uint32_t id; bool own; } prc_failure; /* own: the arm he was randomised to */

/* What is kept of every patient for the analyses: one number per patient. */
typedef enum prc_column_kind {
    PRC_COL_SCORE,     /* observable a as observed at visit b, NaN = missing */
    PRC_COL_COVARIATE, /* covariate a */
    PRC_COL_EVENT,     /* day of event a as observed; negative: censored on that day */
    PRC_COL_RELIEF     /* true months of relief of observable a in the own arm */
} prc_column_kind;
typedef struct prc_column { prc_column_kind kind; int a, b; double *value; } prc_column;

/* The primary ANCOVA within one level of a subgroup covariate. */
typedef struct prc_subgroup_result { size_t population; int covariate; size_t category, n_arm; prc_estimate *ls_mean, *diff; size_t n_true; double *true_value, *true_diff; } prc_subgroup_result;

typedef struct prc_trial_result {
    prc_arena *arena;
    const prc_trial_spec *spec;    /* borrowed */
    prc_engine *engine;
    prc_population_run *population; /* spec->n_population */
    size_t n_subject;
    prc_subject *subject;
    size_t n_column;
    prc_column *column;             /* what the endpoints need of each subject */
    double *score;                  /* with the option `keep`: [subject][visit][observable] as observed, NaN missing */
    size_t n_ae;
    size_t *ae_patients;            /* [population][arm][adverse event of the trial file, then any of them]: patients with it */
    size_t *ae_events;              /* the same: how often */
    size_t n_result;
    prc_endpoint_result *result;    /* per population and endpoint */
    size_t n_subgroup;
    prc_subgroup_result *subgroup;  /* per population, subgroup covariate and category */
    size_t n_failure;
    prc_failure *failure;
    size_t n_lost;                  /* dropped out */
    double seconds_simulated, seconds_total;
} prc_trial_result;

/* Runs the trial: screens, randomises, simulates every patient under every arm, measures, analyses. PRC_E_VALUE when nobody is eligible,
 * PRC_E_FAILED_PATIENTS when more than max_fail failed (the result is still delivered). */
PRC_CHECKED prc_status prc_trial_run(const prc_trial_spec *s, const prc_trial_options *o, prc_trial_result **out, prc_error *err);
void prc_trial_result_free(prc_trial_result *r);
/* USUBJID, e.g. ALL-000123. */
enum { PRC_USUBJID_MAX = 24 };
void prc_subject_name(const prc_trial_result *r, const prc_subject *u, char name[PRC_USUBJID_MAX]);
/* The column of that kind, NULL if no endpoint needs it. */
const prc_column *prc_trial_column(const prc_trial_result *r, prc_column_kind kind, int a, int b);
/* Noise-free values under an arm; time index k. */
const prc_trajectory *prc_trajectory_at(const prc_trial_result *r, size_t population, size_t arm, size_t observable, size_t k);
/* A covariate (observable -1) or a score at the first visit, in an arm or in all (arm = number of arms). */
const prc_moments *prc_baseline(const prc_trial_result *r, size_t population, size_t arm, int observable, size_t covariate);
size_t prc_baseline_count(const prc_trial_result *r, size_t population, size_t arm, size_t covariate, size_t category);
/* Patients of an arm with adverse event k of the trial file (k = their number: any), and how many events. */
size_t prc_ae_patients(const prc_trial_result *r, size_t population, size_t arm, size_t k);
size_t prc_ae_events(const prc_trial_result *r, size_t population, size_t arm, size_t k);
/* Writes what is known at the end: trajectories.csv failures.csv (and subgroups.csv when there are subgroups). The rows of patients went to the folder of the options. */
PRC_CHECKED prc_status prc_trial_tables(const prc_trial_result *r, prc_outdir *dir, prc_error *err);
/* What the run is expected to take, from its sizes and a run of few patients; without draws and checks. Bytes: the peak of the whole program. */
typedef struct prc_trial_cost { double seconds, bytes, seconds_per_patient; } prc_trial_cost;
PRC_CHECKED prc_status prc_trial_estimate(const prc_trial_spec *s, const prc_trial_options *o, prc_trial_cost *out, prc_error *err);

/* ---- parts that checks use ----------------------------------------------------------------------------------- */

/* Index of the event that ends the measurement of scores (a replaced knee has no pain score), -1 if the condition has none. */
int prc_ending_event(const prc_condition *c);

/* Observed score at a visit: truth + placebo + bias + subject effect + visit noise, clipped to the range, rounded. Random numbers keyed by (seed, patient, observable, day).
 * active: the arm gives cells (bias acts on those). */
double prc_measure(const prc_condition *c, const prc_world *w, const prc_observable *ob, uint64_t seed, uint32_t replicate, uint32_t patient, double day, double truth,
                   const prc_arm_effect *effect, bool active, double bias);
/* The mean placebo response in units of the score at a day (0 before the first administration). */
double prc_placebo(const prc_observable *ob, const prc_arm_effect *effect, double day);
/* Eligible members: screens candidates 0,1,2,... (ids first_id + i) with noisy screening values until n are found; PRC_E_VALUE when fewer than 1 in 2000 qualify.
 * Fills n, cohort, screening, criterion_failed and the counts. */
PRC_CHECKED prc_status prc_screen(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate, uint32_t first_id, const prc_eligibility *el,
                                  size_t n, int n_threads, const prc_progress *progress, prc_population_run *out, prc_error *err);

#endif
