/* Inside credibility: what a check asks for, taken apart. */
#ifndef PARACRINE_CREDIBILITY_INT_H
#define PARACRINE_CREDIBILITY_INT_H

#include "paracrine/credibility.h"

typedef enum check_measure {
    CK_DIFFERENCE, CK_VALUE, CK_CHANGE, CK_CHANGE_PCT, CK_RATE, CK_EVENT_PCT, CK_EVENT_FREE_PCT, CK_KEPT_PCT, CK_DURATION, CK_DURATION_RATIO, CK_NOT_SIGNIFICANT, CK_ORDERING, CK_LEFT_PCT, CK_MEASURE_COUNT
} check_measure;

/* "difference(vas_pain)" into measure and observable index. */
PRC_CHECKED prc_status check_measure_parse(const prc_condition *c, const prc_check *k, check_measure *measure, int *observable, prc_error *err);

/* Arms and truth of one check: treatments first, then their vehicles, then the control. */
typedef struct check_run {
    const prc_condition *condition;
    const prc_cohort *cohort;
    const prc_truth *truth;
    const prc_arm *arm; /* as in truth */
    size_t n_treatment;
    size_t control;    /* arm index */
    int observable;
    size_t at;         /* time index of the measurement */
    double at_day;
    size_t half_year;  /* time index of 6 months, where the measure needs it */
    uint64_t seed;
    size_t n_side;     /* patients a side, for replicate trials */
} check_run;

/* The measure for treatment t (0-based; vehicles follow as n_treatment + t). se may be NULL. */
double check_value(const check_run *r, check_measure m, size_t treatment, double *se);
/* Share in percent of replicate trials in which the treatment is not significantly better. */
PRC_CHECKED prc_status check_replicates(const check_run *r, size_t treatment, double *percent, prc_error *err);
/* Whether an order such as "1<2=4<=3" holds for gains g (larger is better). Malformed text is an error. */
PRC_CHECKED prc_status check_order_holds(const char *order, const double *gain, size_t n, bool *holds, prc_error *err);
/* Mean of what an ideal trial would see: truth plus placebo response plus the mean trial bias. */
double check_seen(const check_run *r, size_t arm, size_t patient, size_t time);

#endif
