/* The measures of a check, from the noise-free course of the same patients under every arm. */
#include "credibility_int.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static double bias_of(const prc_condition *c, const prc_observable *ob, bool active) {
    int row = prc_condition_row(c, "trial.bias_mean");
    if (!active || row < 0 || isnan(ob->max) || isnan(ob->min)) return 0;
    return ob->placebo_share * c->typical.value[row] / 100 * (ob->max - ob->min);
}

double check_seen(const check_run *r, size_t arm, size_t patient, size_t time) {
    const prc_observable *ob = &r->condition->observable[r->observable];
    double x = PRC_TRUTH_AT(r->truth, arm, patient, time, r->observable);
    double day = r->truth->time[time];
    double gain = prc_placebo(ob, &r->truth->effect[arm], day);
    if (day > 0) gain += bias_of(r->condition, ob, r->arm[arm].active);
    x += ob->direction * gain;
    if (!isnan(ob->min) && x < ob->min) x = ob->min;
    if (!isnan(ob->max) && x > ob->max) x = ob->max;
    return x;
}

/* Mean over patients of seen(arm, time) minus seen(other arm, other time); patients without both are left out. */
static double mean_difference(const check_run *r, size_t arm, size_t time, size_t other, size_t other_time, double *se) {
    double sum = 0, sum2 = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->truth->n_patient; i++) {
        double d = check_seen(r, arm, i, time) - check_seen(r, other, i, other_time);
        if (isnan(d)) continue;
        sum += d;
        sum2 += d * d;
        n++;
    }
    if (se) *se = n > 1 ? sqrt(fmax(0, sum2 - sum * sum / (double)n) / (double)(n - 1) / (double)n) : (double)NAN;
    return n ? sum / (double)n : (double)NAN;
}

static double mean_value(const check_run *r, size_t arm, size_t time, double *se) {
    double sum = 0, sum2 = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->truth->n_patient; i++) {
        double x = check_seen(r, arm, i, time);
        if (isnan(x)) continue;
        sum += x;
        sum2 += x * x;
        n++;
    }
    if (se) *se = n > 1 ? sqrt(fmax(0, sum2 - sum * sum / (double)n) / (double)(n - 1) / (double)n) : (double)NAN;
    return n ? sum / (double)n : (double)NAN;
}

static double share(double happened, double n, double *se) {
    double p = n > 0 ? happened / n : (double)NAN;
    if (se) *se = 100 * sqrt(p * (1 - p) / n);
    return 100 * p;
}

static double event_share(const check_run *r, size_t arm, double *se) {
    double happened = 0, n = 0;
    for (size_t i = 0; i < r->truth->n_patient; i++) {
        if (r->truth->outcome[arm * r->truth->n_patient + i] != PRC_DONE) continue;
        double t = PRC_TRUTH_EVENT(r->truth, arm, i, r->observable);
        happened += !isnan(t) && t <= r->at_day;
        n++;
    }
    return share(happened, n, se);
}

static double kept_share(const check_run *r, size_t arm, double *se) {
    double kept = 0, n = 0;
    for (size_t i = 0; i < r->truth->n_patient; i++) {
        double a = PRC_TRUTH_AT(r->truth, arm, i, 0, r->observable), b = PRC_TRUTH_AT(r->truth, arm, i, r->at, r->observable);
        if (isnan(a) || isnan(b)) continue;
        kept += a == b;
        n++;
    }
    return share(kept, n, se);
}

/* Months for which the mean gain from baseline stays at or above the MCID, up to its last fall below; the grid is interpolated. */
static double duration(const check_run *r, size_t arm) {
    const prc_observable *ob = &r->condition->observable[r->observable];
    double base = mean_value(r, arm, 0, NULL), mcid = ob->mcid;
    if (ob->mcid_unit && !strcmp(ob->mcid_unit, "%")) mcid = mcid / 100 * fabs(base);
    double months = 0, before = 0;
    for (size_t k = 1; k < r->truth->n_time; k++) {
        double gain = ob->direction * (mean_value(r, arm, k, NULL) - base);
        double step = r->truth->time[k] - r->truth->time[k - 1];
        double above = 0;
        if (before >= mcid && gain >= mcid) above = 1;
        else if (before >= mcid) above = (before - mcid) / (before - gain);
        else if (gain >= mcid) above = (gain - mcid) / (gain - before);
        months += above * step / 30.4375;
        before = gain;
    }
    return months;
}

/* The difference to the control at 6 months that is still there, in percent; noise-free and without trial bias. Without cells it is 0/0. */
static double left_share(const check_run *r, size_t arm) {
    double then = 0, now = 0;
    for (size_t i = 0; i < r->truth->n_patient; i++) {
        double a = PRC_TRUTH_AT(r->truth, arm, i, r->half_year, r->observable) - PRC_TRUTH_AT(r->truth, r->control, i, r->half_year, r->observable);
        double b = PRC_TRUTH_AT(r->truth, arm, i, r->at, r->observable) - PRC_TRUTH_AT(r->truth, r->control, i, r->at, r->observable);
        if (isnan(a) || isnan(b)) continue;
        then += a;
        now += b;
    }
    return 100 * now / then;
}

double check_value(const check_run *r, check_measure m, size_t arm, double *se) {
    double base;
    if (se) *se = (double)NAN;
    switch (m) {
    case CK_DIFFERENCE: return mean_difference(r, arm, r->at, r->control, r->at, se);
    case CK_VALUE: return mean_value(r, arm, r->at, se);
    case CK_CHANGE: return mean_difference(r, arm, r->at, arm, 0, se);
    case CK_CHANGE_PCT:
        base = mean_value(r, arm, 0, NULL);
        base = 100 / base;
        base *= mean_difference(r, arm, r->at, arm, 0, se);
        if (se) *se *= fabs(100 / mean_value(r, arm, 0, NULL));
        return base;
    case CK_RATE:
        base = mean_value(r, arm, 0, NULL);
        if (se) (void)mean_difference(r, arm, r->at, arm, 0, se), *se *= fabs(100 / base) * 365.25 / r->at_day;
        return 100 * mean_difference(r, arm, r->at, arm, 0, NULL) / base * 365.25 / r->at_day;
    case CK_EVENT_PCT: return event_share(r, arm, se);
    case CK_EVENT_FREE_PCT: return 100 - event_share(r, arm, se);
    case CK_KEPT_PCT: return kept_share(r, arm, se);
    case CK_DURATION: return duration(r, arm);
    case CK_DURATION_RATIO: return duration(r, arm) / duration(r, r->control);
    case CK_LEFT_PCT: return left_share(r, arm);
    default: return (double)NAN;
    }
}

/* The gains of an order must differ by more than this share of the largest to count as different, and may differ by no more to count as equal. */
static const double TIE = 0.1;

prc_status check_order_holds(const char *order, const double *gain, size_t n, bool *holds, prc_error *err) {
    double top = 0;
    for (size_t i = 0; i < n; i++) top = fmax(top, fabs(gain[i]));
    size_t before = 0;
    char relation[3] = "";
    *holds = top > 0;
    for (const char *p = order; *p;) {
        if (isspace((unsigned char)*p)) {
            p++;
            continue;
        }
        if (!isdigit((unsigned char)*p)) return prc_fail(err, PRC_E_SYNTAX, "order `%s`: a treatment number is missing before `%s`", order, p);
        size_t arm = 0;
        while (isdigit((unsigned char)*p)) arm = arm * 10 + (size_t)(*p++ - '0');
        if (arm < 1 || arm > n) return prc_fail(err, PRC_E_VALUE, "order `%s`: there is no treatment %zu", order, arm);
        if (before) {
            double a = gain[before - 1], b = gain[arm - 1];
            if (!strcmp(relation, "<")) *holds = *holds && a < b;
            else if (!strcmp(relation, "<=")) *holds = *holds && a <= b + TIE * top;
            else *holds = *holds && fabs(a - b) <= TIE * top;
        }
        before = arm;
        while (isspace((unsigned char)*p)) p++;
        size_t k = 0;
        while ((*p == '<' || *p == '=') && k < 2) relation[k++] = *p++;
        relation[k] = 0;
        if (*p && (!k || (k == 2 && strcmp(relation, "<=")))) return prc_fail(err, PRC_E_SYNTAX, "order `%s`: `<`, `<=` or `=` should stand before `%s`", order, p);
    }
    return PRC_OK;
}
