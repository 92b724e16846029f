/* How sure are we? The primary result over draws of every assumed and calibrated number, with the same patients and random numbers in each draw. */
#include "credibility_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct range_work {
    const prc_trial_result *trial;
    const prc_endpoint *endpoint;
    prc_range *range;
    uint32_t **id;        /* per population */
    size_t n_id;
    double *row_value;    /* n_draw x n_row */
    const prc_progress *progress;
    size_t done;
} range_work;

static bool drawn(const prc_row *r) {
    return (r->grade == PRC_ASSUMED || r->grade == PRC_CALIBRATED) && r->distribution != PRC_FIXED && !isnan(r->lower) && !isnan(r->upper) && r->upper > r->lower;
}

static bool is_event(const range_work *w) {
    return w->trial->spec->condition->observable[w->endpoint->observable].kind == PRC_OB_EVENT;
}

/* Mean over patients of the arm's score at the endpoint's day (placebo response included), or its percentage with the event. Patients that stopped in any arm are left out of all. */
static double arm_mean(const range_work *w, const prc_truth *t, size_t arm, size_t *n_used) {
    const prc_observable *ob = &w->trial->spec->condition->observable[w->endpoint->observable];
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < t->n_patient; i++) {
        bool whole = true;
        for (size_t a = 0; a < t->n_arm; a++) whole = whole && t->outcome[a * t->n_patient + i] == PRC_DONE;
        if (!whole) continue;
        n++;
        if (is_event(w)) {
            double when = PRC_TRUTH_EVENT(t, arm, i, w->endpoint->observable);
            sum += !isnan(when) && when <= w->endpoint->at ? 100 : 0;
        } else {
            double x = PRC_TRUTH_AT(t, arm, i, t->n_time - 1, w->endpoint->observable) + ob->direction * prc_placebo(ob, &t->effect[arm], w->endpoint->at);
            sum += fmin(isnan(ob->max) ? (double)INFINITY : ob->max, fmax(isnan(ob->min) ? -(double)INFINITY : ob->min, x));
        }
    }
    *n_used = n;
    return n ? sum / (double)n : (double)NAN;
}

static prc_status one_draw(void *ctx, size_t k, int thread) {
    range_work *w = ctx;
    const prc_trial_spec *s = w->trial->spec;
    prc_range *r = w->range;
    prc_world world = {0};
    prc_cohort *cohort = NULL;
    prc_truth *truth = NULL;
    double time[2] = {0, w->endpoint->at};
    prc_status st;
    PRC_GO(st, prc_world_draw(s->condition, s->seed, (uint32_t)k + 1, &world, NULL));
    memcpy(w->row_value + k * world.n, world.value, world.n * sizeof *world.value);
    for (size_t p = 0; p < s->n_population; p++) {
        PRC_GO(st, prc_cohort_draw(w->trial->engine, &world, s->seed, 0, w->id[p], w->n_id, 1, &cohort, NULL));
        PRC_GO(st, prc_truth_simulate_rules(w->trial->engine, &world, cohort, s->arms->arm, s->arms->n, time, 2, w->endpoint->at, &s->rules, 1, NULL, &truth, NULL));
        size_t used, enough = w->n_id - w->n_id / 10;
        double reference = arm_mean(w, truth, (size_t)w->endpoint->versus, &used);
        for (size_t a = 0; a < s->arms->n; a++) {
            double x = arm_mean(w, truth, a, &used) - reference;
            r->draw[(p * r->n_arm + a) * r->n_draw + k] = used >= enough && (int)a != w->endpoint->versus ? x : (double)NAN;
        }
        prc_truth_free(truth);
        prc_cohort_free(cohort);
        truth = NULL;
        cohort = NULL;
    }
    size_t done = __atomic_add_fetch(&w->done, 1, __ATOMIC_RELAXED);
    if (thread == 0 && w->progress && w->progress->tick && !w->progress->tick(w->progress->ctx, "range over what is assumed", (double)done, (double)r->n_draw)) st = PRC_E_INTERRUPTED;
out:
    prc_truth_free(truth);
    prc_cohort_free(cohort);
    prc_world_reset(&world);
    if (st == PRC_E_NUMERIC || st == PRC_E_VALUE) { /* an impossible world is a failed draw, counted, not the end of the run */
        for (size_t i = 0; i < r->n_population * r->n_arm; i++) r->draw[i * r->n_draw + k] = (double)NAN;
        st = PRC_OK;
    }
    return st;
}

static int stronger(const void *a, const void *b) {
    double x = fabs(((const prc_influence *)a)->rho), y = fabs(((const prc_influence *)b)->rho);
    if (x != y) return x < y ? 1 : -1;
    return ((const prc_influence *)a)->row - ((const prc_influence *)b)->row;
}

static prc_status influences(range_work *w, prc_error *err) {
    prc_range *r = w->range;
    const prc_condition *c = w->trial->spec->condition;
    double best = -1;
    for (size_t a = 0; a < r->n_arm; a++)
        if (fabs(r->median[a]) > best) {
            best = fabs(r->median[a]);
            r->influence_arm = (int)a;
        }
    r->influence = prc_calloc(c->n_row + 1, sizeof *r->influence);
    double *x = prc_calloc(r->n_draw + 1, sizeof *x), *y = prc_calloc(r->n_draw + 1, sizeof *y);
    prc_status st = r->influence && x && y ? PRC_OK : prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; !st && i < c->n_row; i++) {
        if (!drawn(&c->row[i])) continue;
        size_t n = 0;
        for (size_t k = 0; k < r->n_draw; k++) {
            double d = r->draw[(size_t)r->influence_arm * r->n_draw + k];
            if (isnan(d)) continue;
            x[n] = w->row_value[k * c->n_row + i];
            y[n++] = d;
        }
        double rho = (double)NAN;
        st = prc_stat_spearman(x, y, n, &rho, err);
        if (!st && !isnan(rho)) r->influence[r->n_influence++] = (prc_influence){(int)i, rho};
    }
    if (!st) qsort(r->influence, r->n_influence, sizeof *r->influence, stronger);
    prc_free(x);
    prc_free(y);
    return st;
}

static prc_status summarise(range_work *w, prc_error *err) {
    prc_range *r = w->range;
    static const double at[3] = {0.025, 0.5, 0.975};
    for (size_t i = 0; i < r->n_population * r->n_arm; i++) {
        double q[3] = {(double)NAN, (double)NAN, (double)NAN};
        if ((int)(i % r->n_arm) != w->endpoint->versus) PRC_TRY(prc_stat_quantiles(r->draw + i * r->n_draw, r->n_draw, at, 3, q, err));
        r->lower[i] = q[0];
        r->median[i] = q[1];
        r->upper[i] = q[2];
    }
    size_t any = w->endpoint->versus == 0 && r->n_arm > 1 ? 1 : 0;
    for (size_t k = 0; k < r->n_draw; k++) r->n_used += isnan(r->draw[any * r->n_draw + k]) ? 0u : 1u;
    r->n_failed = r->n_draw - r->n_used;
    return influences(w, err);
}

prc_status prc_range_run(const prc_trial_result *trial, size_t n_draw, size_t n_patient, int n_threads, const prc_progress *progress, prc_range **out, prc_error *err) {
    const prc_trial_spec *s = trial->spec;
    range_work w = {.trial = trial, .endpoint = &s->endpoint[0], .progress = progress};
    prc_range *r = prc_calloc(1, sizeof *r);
    prc_status st = PRC_OK;
    w.range = r;
    w.n_id = n_patient;
    for (size_t p = 0; p < s->n_population; p++)
        if (trial->population[p].n < w.n_id) w.n_id = trial->population[p].n;
    size_t cells = s->n_population * s->arms->n;
    if (r) {
        *r = (prc_range){.n_draw = n_draw, .n_patient = w.n_id, .n_arm = s->arms->n, .n_population = s->n_population};
        r->lower = prc_calloc(cells, sizeof *r->lower);
        r->median = prc_calloc(cells, sizeof *r->median);
        r->upper = prc_calloc(cells, sizeof *r->upper);
        r->draw = prc_calloc(cells * n_draw, sizeof *r->draw);
    }
    w.id = prc_calloc(s->n_population, sizeof *w.id);
    w.row_value = prc_calloc(n_draw * s->condition->n_row, sizeof *w.row_value);
    if (!r || !r->lower || !r->median || !r->upper || !r->draw || !w.id || !w.row_value) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    for (size_t p = 0; p < s->n_population; p++) w.id[p] = trial->population[p].id;
    st = prc_parallel(n_draw, n_threads, one_draw, &w);
    if (st) {
        (void)prc_fail(err, st, "the range over what is assumed: %s", prc_status_text(st));
        goto out;
    }
    PRC_GO(st, summarise(&w, err));
    *out = r;
    r = NULL;
out:
    prc_free(w.id);
    prc_free(w.row_value);
    prc_range_free(r);
    return st;
}

void prc_range_free(prc_range *r) {
    if (!r) return;
    prc_free(r->lower);
    prc_free(r->median);
    prc_free(r->upper);
    prc_free(r->draw);
    prc_free(r->influence);
    prc_free(r);
}
