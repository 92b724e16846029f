/* design_int.h: what the files of design share: the plan of the replicates, the pool, one enrolled trial. */
#ifndef PARACRINE_DESIGN_INT_H
#define PARACRINE_DESIGN_INT_H

#include "paracrine/design.h"

/* One value of a patient that replicates need. */
typedef struct prc_cell {
    size_t observable, time; /* time: index into the plan's times */
    bool analysed;           /* read by an analysis, not only by the dropout */
} prc_cell;

/* How one endpoint is analysed: where its values stand. */
typedef struct prc_planned {
    const prc_endpoint *endpoint;
    const prc_observable *observable;
    prc_design_method method;
    size_t base, at;         /* cells; unused for events */
    size_t event;            /* index into the plan's events */
    size_t n_visit;          /* MMRM: visits after baseline */
    size_t *visit;           /* cells of those visits */
    size_t at_visit;
    int better;              /* +1: a larger estimate is better */
    double unit;             /* what estimates are multiplied with: 100 for shares */
    size_t width;            /* columns of covariates */
} prc_planned;

typedef struct prc_plan {
    prc_arena *arena;
    const prc_trial_spec *s;
    const prc_engine *e;
    size_t n_analysis, n_left_out;
    prc_planned *analysis;
    size_t n_cell;
    prc_cell *cell;
    size_t n_time;
    double *time;            /* days, ascending */
    size_t n_event;
    size_t *event;           /* observables */
    size_t ending;           /* index into event of what ends the measurements, SIZE_MAX = none */
    size_t n_report;         /* monthly reports that decide who leaves; 0 = nobody leaves because of them */
    size_t *report;          /* cells, the first at day 0 */
    double *expected;        /* change of the typical patient in the reference arm at each report */
    double alpha;
} prc_plan;

/* Patients simulated under every arm. */
typedef struct prc_pool {
    const prc_plan *plan;
    size_t population, n, n_arm, n_failed;
    uint32_t next_id;        /* first identity that is still free */
    uint32_t *id;
    double *covariate;       /* n x n_covariate */
    size_t *stratum, n_stratum;
    double *value;           /* [arm][patient][cell], noise-free */
    double *event;           /* [arm][patient][event], days, NaN = never */
    prc_arm_effect *effect;  /* [arm] */
} prc_pool;
#define PRC_POOL_AT(p, a, i, k) ((p)->value[(((size_t)(a)) * (p)->n + (size_t)(i)) * (p)->plan->n_cell + (size_t)(k)])
#define PRC_POOL_EVENT(p, a, i, k) ((p)->event[(((size_t)(a)) * (p)->n + (size_t)(i)) * (p)->plan->n_event + (size_t)(k)])

/* plan.c */
prc_status prc_plan_create(const prc_trial_spec *s, const prc_engine *e, bool mmrm, double alpha, int n_threads, prc_plan **out, prc_error *err);
void prc_plan_free(prc_plan *p);

/* pool.c */
prc_status prc_pool_create(const prc_plan *plan, size_t population, uint32_t first_id, size_t n, int n_threads, const prc_progress *progress, prc_pool **out, prc_error *err);
void prc_pool_free(prc_pool *p);
prc_status prc_design_tick(const prc_progress *p, const char *stage, double done, double total, prc_error *err);
prc_status prc_design_memory(prc_error *err);
double prc_design_seconds(void);
/* Does the simulation of a patient count as failed? */
bool prc_design_failed(prc_outcome o);
/* Noise-free value as the trial would see it: placebo response added, kept within the range. */
double prc_design_seen(const prc_observable *ob, const prc_arm_effect *effect, double day, double truth);
/* Responder: the change reaches the MCID, in points or percent of the baseline. */
bool prc_design_responds(const prc_observable *ob, double base, double now);
/* Columns of an endpoint's covariates for one patient; returns how many. row NULL: counts only. */
size_t prc_design_covariates(const prc_trial_spec *s, const prc_endpoint *e, const double *covariate, double base, double *row);

/* enrol.c: one trial. */
typedef struct prc_enrolled {
    size_t n, n_max;  /* patients of all arms; room */
    size_t *order;    /* permutation of the pool, put back after each draw */
    size_t *swap;
    size_t *who;      /* n: members of the pool in the order of enrolment */
    size_t *arm, *rank; /* n: allocated arm, place within it */
    size_t *course;   /* n: the arm whose course the patient runs */
    size_t *count, *block; /* work space */
    double *value;    /* [patient][cell], as measured, NaN = missing */
    double *left;     /* n: last day of participation */
} prc_enrolled;
bool prc_enrolled_init(prc_enrolled *t, const prc_pool *p, size_t n_max);
void prc_enrolled_reset(prc_enrolled *t);
/* Draws and allocates n patients. slice SIZE_MAX: without replacement from the pool; else the slice-th n patients of it. */
void prc_enrol(prc_enrolled *t, const prc_pool *p, size_t n, size_t slice, uint32_t replicate);
/* What patient i of the pool shows in a trial under a course; returns the last day of participation. */
double prc_observe(const prc_pool *p, size_t i, size_t course, uint32_t replicate, double *value);

/* replicate.c: one comparison in one replicate. */
typedef struct prc_record { double estimate, se, p, lower, upper, n; } prc_record;
/* Work space of one thread. */
typedef struct prc_bench { prc_enrolled trial; double *y, *x, *time; int *arm, *subject, *visit, *event; prc_estimate *ls_mean, *diff; } prc_bench;
bool prc_bench_init(prc_bench *b, const prc_pool *p, size_t n_max);
void prc_bench_reset(prc_bench *b);
/* Analyses the first n patients of each arm; record: n_arm. */
prc_status prc_replicate_analyse(prc_bench *b, const prc_pool *p, const prc_planned *a, size_t n, prc_record *record, prc_error *err);
/* Sums of what each arm's estimand is over the members of the pool; sum: n_analysis x n_arm, adds to it. */
void prc_pool_truth(const prc_pool *p, double *scratch, double *sum);

#endif
