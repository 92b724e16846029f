/* paracrine/credibility.h: predictions beside the record: checks, each with its no-cells control; ranges over what is assumed; what drives a result. */
#ifndef PARACRINE_CREDIBILITY_H
#define PARACRINE_CREDIBILITY_H

#include "evidence.h"
#include "trial.h"

typedef enum prc_role { PRC_TUNED, PRC_BUILT_IN, PRC_INDEPENDENT, PRC_ROLE_COUNT } prc_role;
const char *prc_role_name(prc_role r);

typedef enum prc_verdict {
    PRC_INSIDE,        /* inside the published interval (or the ordering holds) */
    PRC_OUTSIDE,
    PRC_NO_INTERVAL,   /* nothing to be inside of */
    PRC_NO_CHECK       /* passes without cells too: no check of the cells; an error unless the note says "no check of cells" */
} prc_verdict;
const char *prc_verdict_name(prc_verdict v);

/* One row of checks.tsv and its result. Texts live in the check set. */
typedef struct prc_check {
    const char *id, *title, *evidence, *cohort, *treatment, *control, *measure, *at_text, *published_text, *unit, *note;
    prc_role role;
    size_t n;
    double horizon, at, published, lower, upper;
    int line;
    double predicted, mc_se;       /* prediction and its Monte-Carlo standard error */
    double without_cells;          /* the same measure with the cells left out, NaN where there is no treatment */
    char predicted_text[96];       /* orderings: the order found and the values */
    prc_verdict verdict;
    bool wrong_sign;               /* a difference of the wrong sign */
} prc_check;

typedef struct prc_checks {
    prc_arena *arena;
    const char *path;  /* of checks.tsv */
    char sha256[65];
    size_t n;
    prc_check *check;
    size_t inside[PRC_ROLE_COUNT], outside[PRC_ROLE_COUNT], no_interval[PRC_ROLE_COUNT];
    size_t n_shown;    /* pass without cells too, and say so in their note */
    size_t n_no_check; /* pass without cells too, and do not: a defect of the checks */
    size_t n_wrong_sign;
} prc_checks;

/* Reads checks.tsv of a condition; every effect outcome of the evidence with a number must have a row (PRC_E_KEY names the missing ids). */
PRC_CHECKED prc_status prc_checks_read(const prc_condition *c, const prc_evidence *ev, prc_checks **out, prc_error *err);
/* Runs every check. Same seed, same numbers for any thread count. */
PRC_CHECKED prc_status prc_checks_run(const prc_engine *e, prc_checks *checks, uint64_t seed, int n_threads, const prc_progress *progress, prc_error *err);
void prc_checks_free(prc_checks *c);

/* The range of the primary result over what is assumed: per arm the 2.5, 50 and 97.5 % points of the true difference to the reference at the primary time (event endpoints: percentage
 * points), over n_draw worlds with common random numbers; and how strongly each drawn row moves it. */
typedef struct prc_influence { int row; double rho; } prc_influence; /* ledger row, Spearman correlation with the largest-effect arm's difference */
typedef struct prc_range {
    size_t n_draw, n_used, n_failed, n_patient, n_arm;
    double *lower, *median, *upper; /* [population][arm] for the primary endpoint; the reference NaN */
    double *draw;                   /* [population][arm][n_draw] */
    size_t n_population;
    size_t n_influence;
    prc_influence *influence;       /* strongest first */
    int influence_arm;
} prc_range;
PRC_CHECKED prc_status prc_range_run(const prc_trial_result *trial, size_t n_draw, size_t n_patient, int n_threads, const prc_progress *progress, prc_range **out, prc_error *err);
void prc_range_free(prc_range *r);

#endif
