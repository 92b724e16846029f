/* Replicate trials of a published size, drawn from a pool of simulated patients: how often would such a trial have shown a benefit? */
#include "credibility_int.h"

#include <math.h>
#include <stdlib.h>

enum { REPLICATES = 200 };

typedef struct ranked {
    double u;
    size_t patient;
} ranked;

static int by_u(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return (x->u > y->u) - (x->u < y->u);
}

static double observed(const check_run *r, uint32_t replicate, size_t arm, size_t patient, size_t time) {
    const prc_observable *ob = &r->condition->observable[r->observable];
    double truth = PRC_TRUTH_AT(r->truth, arm, patient, time, r->observable);
    return prc_measure(r->condition, &r->condition->typical, ob, r->seed, replicate, r->cohort->id[patient], r->truth->time[time], truth, &r->truth->effect[arm], r->arm[arm].active, 0);
}

/* One trial: 2 n patients of the pool without replacement, the first n on treatment; ANCOVA with the baseline at 5 % two-sided. */
static prc_status one_trial(const check_run *r, uint32_t replicate, size_t treatment, ranked *order, double *y, double *base, int *group, bool *better, prc_error *err) {
    size_t pool = r->truth->n_patient, n = r->n_side;
    for (size_t i = 0; i < pool; i++) {
        order[i].u = prc_uniform(r->seed, (uint32_t)i, prc_purpose("replicate allocation"), 0, replicate);
        order[i].patient = i;
    }
    qsort(order, pool, sizeof *order, by_u);
    for (size_t k = 0; k < 2 * n; k++) {
        size_t arm = k < n ? treatment : r->control, i = order[k].patient;
        base[k] = observed(r, replicate, arm, i, 0);
        y[k] = observed(r, replicate, arm, i, r->at) - base[k];
        group[k] = k < n ? 1 : 0;
    }
    prc_estimate ls[2], diff[2];
    PRC_TRY(prc_stat_ancova(y, group, base, 2 * n, 2, 1, 0, 0.95, ls, diff, err));
    *better = diff[1].p < 0.05 && r->condition->observable[r->observable].direction * diff[1].estimate > 0;
    return PRC_OK;
}

prc_status check_replicates(const check_run *r, size_t treatment, double *percent, prc_error *err) {
    size_t pool = r->truth->n_patient, n = r->n_side, not_better = 0;
    if (pool < 2 * n) return prc_fail(err, PRC_E_VALUE, "a pool of %zu patients is too small for trials of %zu a side", pool, n);
    ranked *order = prc_calloc(pool, sizeof *order);
    double *y = prc_calloc(2 * n, sizeof *y), *base = prc_calloc(2 * n, sizeof *base);
    int *group = prc_calloc(2 * n, sizeof *group);
    prc_status st = order && y && base && group ? PRC_OK : prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (uint32_t k = 0; !st && k < REPLICATES; k++) {
        bool better = false;
        st = one_trial(r, k + 1, treatment, order, y, base, group, &better, err);
        not_better += !better;
    }
    *percent = 100.0 * (double)not_better / REPLICATES;
    prc_free(order);
    prc_free(y);
    prc_free(base);
    prc_free(group);
    return st;
}
