/* enrol.c: one replicate trial: who takes part, in which arm, what is measured of them and when they leave. */
#include "design_int.h"

#include <math.h>
#include <string.h>

/* MAR and MNAR: the hazard of leaving is multiplied by exp(this * percent of the range by which the patient is worse than expected), as in a trial. */
#define DROPOUT_SLOPE 0.02

bool prc_enrolled_init(prc_enrolled *t, const prc_pool *p, size_t n_max)
{
    *t = (prc_enrolled){.n_max = n_max};
    t->order = prc_malloc(p->n + 1, sizeof *t->order);
    t->swap = prc_malloc(n_max + 1, sizeof *t->swap);
    t->who = prc_malloc(n_max + 1, sizeof *t->who);
    t->arm = prc_malloc(n_max + 1, sizeof *t->arm);
    t->rank = prc_malloc(n_max + 1, sizeof *t->rank);
    t->course = prc_malloc(n_max + 1, sizeof *t->course);
    t->block = prc_malloc(n_max + 1, sizeof *t->block);
    t->count = prc_malloc(p->n_stratum + p->n_arm + 1, sizeof *t->count);
    t->value = prc_malloc(n_max * p->plan->n_cell + 1, sizeof *t->value);
    t->left = prc_malloc(n_max + 1, sizeof *t->left);
    for (size_t i = 0; t->order && i < p->n; i++) t->order[i] = i;
    return t->order && t->swap && t->who && t->arm && t->rank && t->course && t->block && t->count && t->value && t->left;
}

void prc_enrolled_reset(prc_enrolled *t)
{
    prc_free(t->order);
    prc_free(t->swap);
    prc_free(t->who);
    prc_free(t->arm);
    prc_free(t->rank);
    prc_free(t->course);
    prc_free(t->block);
    prc_free(t->count);
    prc_free(t->value);
    prc_free(t->left);
    *t = (prc_enrolled){0};
}

/* ---- draw and allocation ----------------------------------------------------------------------------------------- */

/* A whole number below n, the same for everyone who asks with the same names. */
static size_t below(const prc_pool *p, size_t n, uint32_t which, uint32_t purpose, uint32_t place, uint32_t replicate)
{
    size_t k = (size_t)(prc_uniform(p->plan->s->seed, which, purpose, place + ((uint32_t)p->population << 28), replicate) * (double)n);
    return k < n ? k : n - 1;
}

/* The first n places of a random permutation (Fisher-Yates); the order is put back, so that a draw depends on nothing drawn before. */
static void draw(prc_enrolled *t, const prc_pool *p, uint32_t replicate)
{
    uint32_t purpose = prc_purpose("design/draw");
    for (size_t i = 0; i < t->n; i++) {
        size_t k = i + below(p, p->n - i, (uint32_t)i, purpose, 0, replicate), held = t->order[k];
        t->order[k] = t->order[i];
        t->order[i] = held;
        t->swap[i] = k;
        t->who[i] = held;
    }
    for (size_t i = t->n; i-- > 0;) {
        size_t held = t->order[i];
        t->order[i] = t->order[t->swap[i]];
        t->order[t->swap[i]] = held;
    }
}

/* A block of n places with every arm equally often, in random order. */
static void shuffle(const prc_pool *p, size_t *block, size_t n, size_t stratum, size_t number, uint32_t replicate)
{
    uint32_t purpose = prc_purpose("design/block"), which = (uint32_t)(stratum << 20 | number);
    for (size_t i = 0; i < n; i++) block[i] = i % p->n_arm;
    for (size_t i = n; i > 1; i--) {
        size_t k = below(p, i, which, purpose, (uint32_t)i, replicate), held = block[i - 1];
        block[i - 1] = block[k];
        block[k] = held;
    }
}

/* Full blocks within each stratum in the order in which patients come; what is left over in all strata is one block in common, so that every arm gets its size. */
static void allocate(prc_enrolled *t, const prc_pool *p, uint32_t replicate)
{
    size_t size = p->plan->s->block, left = 0;
    for (size_t k = 0; k < p->n_stratum; k++) {
        size_t total = 0, seen = 0;
        for (size_t i = 0; i < t->n; i++) total += p->stratum[t->who[i]] == k;
        for (size_t i = 0; i < t->n; i++) {
            if (p->stratum[t->who[i]] != k) continue;
            bool full = seen / size < total / size;
            if (full && seen % size == 0) shuffle(p, t->block, size, k, seen / size, replicate);
            t->arm[i] = full ? t->block[seen % size] : SIZE_MAX;
            left += !full;
            seen++;
        }
    }
    shuffle(p, t->block, left, p->n_stratum, 0, replicate);
    for (size_t i = 0, k = 0; i < t->n; i++)
        if (t->arm[i] == SIZE_MAX) t->arm[i] = t->block[k++];
    memset(t->count, 0, p->n_arm * sizeof *t->count);
    for (size_t i = 0; i < t->n; i++) t->rank[i] = t->count[t->arm[i]]++;
}

void prc_enrol(prc_enrolled *t, const prc_pool *p, size_t n, size_t slice, uint32_t replicate)
{
    t->n = n;
    if (slice == SIZE_MAX) draw(t, p, replicate);
    else
        for (size_t i = 0; i < n; i++) t->who[i] = slice * n + i;
    allocate(t, p, replicate);
}

/* ---- measurement ------------------------------------------------------------------------------------------------- */

/* The score as a trial records it. A person keeps his own deviation over the replicates, for he was screened with it; the noise of a visit is new in each. */
static double measured(const prc_pool *p, size_t i, size_t course, size_t cell, uint32_t replicate)
{
    const prc_plan *plan = p->plan;
    const prc_trial_spec *s = plan->s;
    prc_observable ob = s->condition->observable[plan->cell[cell].observable];
    double truth = PRC_POOL_AT(p, course, i, cell);
    if (ob.subject_sd > 0) {
        char text[160];
        snprintf(text, sizeof text, "subject/%s", ob.name);
        truth += ob.subject_sd * prc_normal(s->seed, p->id[i], prc_purpose(text), 0, 0);
        ob.subject_sd = 0;
    }
    return prc_measure(s->condition, &s->condition->typical, &ob, s->seed, replicate, p->id[i], plan->time[plan->cell[cell].time], truth, &p->effect[course], s->arms->arm[course].active, s->bias);
}

/* Percent of the range by which the patient is worse than expected at a report. MAR: as reported; MNAR: as it is. */
static double worse_than_expected(const prc_pool *p, size_t i, size_t course, size_t report, double start, uint32_t replicate)
{
    const prc_plan *plan = p->plan;
    size_t cell = plan->report[report];
    const prc_observable *ob = &plan->s->condition->observable[plan->cell[cell].observable];
    double now = plan->s->missing == PRC_MISSING_MAR ? measured(p, i, course, cell, replicate)
                                                     : prc_design_seen(ob, &p->effect[course], plan->time[plan->cell[cell].time], PRC_POOL_AT(p, course, i, cell));
    double worse = -ob->direction * (now - start - plan->expected[report]) / (ob->max - ob->min) * 100;
    return isnan(worse) ? 0 : worse;
}

/* The day on which a patient leaves: the hazard, constant between reports, reaches -ln U; infinity when he stays. */
static double leaving_day(const prc_pool *p, size_t i, size_t course, uint32_t replicate)
{
    const prc_plan *plan = p->plan;
    const prc_trial_spec *s = plan->s;
    double per_day = s->dropout_rate / 365.25, done = 0, from = 0, hazard = per_day, start = 0;
    if (s->missing == PRC_MISSING_NONE || !(per_day > 0)) return (double)INFINITY;
    double target = -prc_log(prc_uniform(s->seed, p->id[i], prc_purpose("dropout"), 0, replicate));
    if (plan->n_report) {
        const prc_observable *ob = &s->condition->observable[plan->cell[plan->report[0]].observable];
        start = s->missing == PRC_MISSING_MAR ? measured(p, i, course, plan->report[0], replicate) : prc_design_seen(ob, &p->effect[course], 0, PRC_POOL_AT(p, course, i, plan->report[0]));
    }
    for (size_t k = 1; k < plan->n_report; k++) {
        double day = plan->time[plan->cell[plan->report[k]].time];
        if (done + hazard * (day - from) >= target) return from + (target - done) / hazard;
        done += hazard * (day - from);
        from = day;
        hazard = per_day * prc_exp(DROPOUT_SLOPE * worse_than_expected(p, i, course, k, start, replicate));
    }
    double day = from + (target - done) / hazard;
    return day < s->horizon ? day : (double)INFINITY;
}

double prc_observe(const prc_pool *p, size_t i, size_t course, uint32_t replicate, double *value)
{
    const prc_plan *plan = p->plan;
    double left = leaving_day(p, i, course, replicate), until = left;
    double ended = plan->ending == SIZE_MAX ? (double)NAN : PRC_POOL_EVENT(p, course, i, plan->ending);
    if (ended < until) until = ended;
    for (size_t k = 0; k < plan->n_cell; k++)
        if (plan->cell[k].analysed) value[k] = plan->time[plan->cell[k].time] > until ? (double)NAN : measured(p, i, course, k, replicate);
    return left;
}
