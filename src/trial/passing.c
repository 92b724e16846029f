/* passing.c: what is kept of a population while its patients pass in chunks: courses by arm, the table of the baseline. */
#include "trial_int.h"

#include <math.h>

/* Running sum, mean and squares (Welford), in the order of the patients. */
typedef struct running { size_t n; double sum, mean, squares; } running;

struct prc_passing {
    prc_trial_result *r;
    size_t population, n_arm, n_observable, n_time, n_covariate, n_category;
    prc_bins *bins;      /* [arm][observable][time] */
    double *sum;         /* the same */
    running *baseline;   /* [arm, then all][covariate, then observable] */
    size_t *category;    /* [arm, then all][category] */
};

static prc_status no_memory(prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the courses of the arms");
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

/* Categories of the covariates before this one. */
static size_t category_offset(const prc_condition *c, size_t covariate)
{
    size_t n = 0;
    for (size_t v = 0; v < covariate; v++) n += c->covariate[v].n_category;
    return n;
}

const prc_trajectory *prc_trajectory_at(const prc_trial_result *r, size_t population, size_t arm, size_t observable, size_t k)
{
    const prc_population_run *run = &r->population[population];
    return &run->trajectory[(arm * r->spec->condition->n_observable + observable) * run->n_time + k];
}

const prc_moments *prc_baseline(const prc_trial_result *r, size_t population, size_t arm, int observable, size_t covariate)
{
    const prc_condition *c = r->spec->condition;
    size_t column = observable < 0 ? covariate : c->n_covariate + (size_t)observable;
    return &r->population[population].baseline[arm * (c->n_covariate + c->n_observable) + column];
}

size_t prc_baseline_count(const prc_trial_result *r, size_t population, size_t arm, size_t covariate, size_t category)
{
    const prc_condition *c = r->spec->condition;
    return r->population[population].category[arm * category_offset(c, c->n_covariate) + category_offset(c, covariate) + category];
}

/* ---- passing ------------------------------------------------------------------------------------------------- */

prc_status prc_passing_create(prc_trial_result *r, size_t population, const double *time, size_t n_time, prc_passing **out, prc_error *err)
{
    const prc_condition *c = r->spec->condition;
    prc_population_run *run = &r->population[population];
    prc_passing *s = prc_calloc(1, sizeof *s);
    if (!s) return no_memory(err);
    *s = (prc_passing){r, population, r->spec->arms->n, c->n_observable, n_time, c->n_covariate, category_offset(c, c->n_covariate), NULL, NULL, NULL, NULL};
    size_t cells = s->n_arm * s->n_observable * n_time;
    s->sum = prc_calloc(cells + 1, sizeof *s->sum);
    s->baseline = prc_calloc((s->n_arm + 1) * (s->n_covariate + s->n_observable), sizeof *s->baseline);
    s->category = prc_calloc((s->n_arm + 1) * s->n_category + 1, sizeof *s->category);
    run->n_time = n_time;
    run->time = prc_malloc(n_time + 1, sizeof *run->time);
    for (size_t k = 0; run->time && k < n_time; k++) run->time[k] = time[k];
    prc_status st = s->sum && s->baseline && s->category && run->time ? prc_bins_create(cells, &s->bins, err) : no_memory(err);
    if (st == PRC_OK) *out = s;
    else prc_passing_free(s);
    return st;
}

void prc_passing_free(prc_passing *s)
{
    if (!s) return;
    prc_bins_free(s->bins);
    prc_free(s->sum);
    prc_free(s->baseline);
    prc_free(s->category);
    prc_free(s);
}

static void add(running *w, double x)
{
    if (!isfinite(x)) return;
    double from = x - w->mean;
    w->sum += x;
    w->mean += from / (double)++w->n;
    w->squares += from * (x - w->mean);
}

/* A value in the column of the arm and in that of all. */
static void add_baseline(prc_passing *s, size_t arm, size_t column, double x)
{
    size_t width = s->n_covariate + s->n_observable;
    add(&s->baseline[arm * width + column], x);
    add(&s->baseline[s->n_arm * width + column], x);
}

static void take_baseline(prc_passing *s, const prc_chunk *k, size_t i, size_t arm)
{
    const prc_condition *c = s->r->spec->condition;
    for (size_t v = 0; v < s->n_covariate; v++) {
        double x = k->cohort->covariate[i * s->n_covariate + v];
        size_t at = category_offset(c, v);
        add_baseline(s, arm, v, x);
        for (size_t m = 0; m < c->covariate[v].n_category; m++)
            if (fabs(x - c->covariate[v].code[m]) < 1e-9) s->category[arm * s->n_category + at + m]++, s->category[s->n_arm * s->n_category + at + m]++;
    }
    for (size_t o = 0; o < s->n_observable; o++) add_baseline(s, arm, s->n_covariate + o, *prc_chunk_score(k, i, 0, o));
}

static bool take_course(prc_passing *s, const prc_chunk *k, size_t i, size_t arm)
{
    for (size_t o = 0; o < s->n_observable; o++) {
        if (s->r->engine->output_of[o] < 0) continue;
        for (size_t t = 0; t < s->n_time; t++) {
            size_t cell = (arm * s->n_observable + o) * s->n_time + t;
            double x = PRC_TRUTH_AT(k->truth, arm, i, t, o);
            if (isnan(x)) continue;
            if (!prc_bins_add(s->bins, cell, x)) return false;
            s->sum[cell] += x;
        }
    }
    return true;
}

prc_status prc_passing_take(prc_passing *s, const prc_chunk *k, prc_error *err)
{
    for (size_t i = 0; i < k->n; i++) {
        size_t arm = s->r->subject[k->first + i].arm;
        take_baseline(s, k, i, arm);
        if (!take_course(s, k, i, arm)) return no_memory(err);
    }
    return PRC_OK;
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

static prc_status summarise(const prc_passing *s, size_t cell, prc_trajectory *t, prc_error *err)
{
    static const double at[5] = {0.05, 0.25, 0.5, 0.75, 0.95};
    double q[5];
    size_t n = prc_bins_count(s->bins, cell);
    PRC_TRY(prc_bins_quantiles(s->bins, cell, at, 5, q, err));
    *t = (prc_trajectory){n, n ? s->sum[cell] / (double)n : (double)NAN, q[0], q[1], q[2], q[3], q[4]};
    return PRC_OK;
}

prc_status prc_passing_end(prc_passing *s, prc_error *err)
{
    prc_population_run *run = &s->r->population[s->population];
    size_t cells = s->n_arm * s->n_observable * s->n_time, moments = (s->n_arm + 1) * (s->n_covariate + s->n_observable);
    run->trajectory = prc_malloc(cells + 1, sizeof *run->trajectory);
    run->baseline = prc_malloc(moments, sizeof *run->baseline);
    if (!run->trajectory || !run->baseline) return no_memory(err);
    for (size_t k = 0; k < moments; k++) {
        const running *w = &s->baseline[k];
        run->baseline[k] = (prc_moments){w->n, w->n ? w->sum / (double)w->n : (double)NAN, w->n > 1 ? sqrt(w->squares / (double)(w->n - 1)) : (double)NAN};
    }
    run->category = s->category;
    s->category = NULL;
    for (size_t k = 0; k < cells; k++) PRC_TRY(summarise(s, k, &run->trajectory[k], err));
    return PRC_OK;
}
