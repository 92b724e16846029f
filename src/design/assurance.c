/* assurance.c: the power of a design averaged over what the ledger does not know. */
#include "design_int.h"

#include <math.h>
#include <string.h>

static const double quantile_at[PRC_ASSURANCE_QUANTILES] = {0.025, 0.25, 0.5, 0.75, 0.975};

typedef struct assuring {
    const prc_trial_spec *s;
    const prc_engine *e;
    prc_assurance *a;
    uint32_t *id;
    const prc_progress *progress;
    size_t done;
} assuring;

static const prc_observable *primary_observable(const prc_trial_spec *s)
{
    return &s->condition->observable[s->endpoint[0].observable];
}

/* ---- one world --------------------------------------------------------------------------------------------------- */

/* Shares with the event: true difference in percentage points, SD of a single yes or no averaged over the two arms. */
static void judge_shares(const assuring *q, const double *share, size_t world)
{
    const prc_trial_spec *s = q->s;
    size_t ref = (size_t)s->endpoint[0].versus;
    for (size_t a = 0; a < s->arms->n; a++) {
        if (a == ref) continue;
        q->a->diff[a * q->a->n_world + world] = 100 * (share[a] - share[ref]);
        q->a->sd[a * q->a->n_world + world] = 100 * sqrt((share[a] * (1 - share[a]) + share[ref] * (1 - share[ref])) / 2);
    }
}

/* What the trial would measure of every patient under every arm: responses, arms and covariates for an ANCOVA. Each patient stands in every arm: the residual SD is right, the errors are not used. */
static size_t measure(const assuring *q, const prc_world *w, const prc_cohort *c, const prc_truth *t, double *y, int *arm, double *x, size_t width, double *truth, double *share)
{
    const prc_trial_spec *s = q->s;
    const prc_endpoint *e = &s->endpoint[0];
    const prc_observable *ob = primary_observable(s);
    size_t o = (size_t)e->observable, rows = 0, used = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool whole = true;
        for (size_t a = 0; a < t->n_arm; a++) whole = whole && !prc_design_failed(t->outcome[a * t->n_patient + i]);
        if (!whole) continue;
        used++;
        for (size_t a = 0; a < t->n_arm; a++) {
            if (ob->kind == PRC_OB_EVENT) {
                share[a] += PRC_TRUTH_EVENT(t, a, i, o) <= e->at;
                continue;
            }
            double start = PRC_TRUTH_AT(t, a, i, 0, o), end = PRC_TRUTH_AT(t, a, i, 1, o);
            double base = prc_measure(s->condition, w, ob, s->seed, 0, c->id[i], 0, start, &t->effect[a], s->arms->arm[a].active, s->bias);
            double now = prc_measure(s->condition, w, ob, s->seed, 0, c->id[i], e->at, end, &t->effect[a], s->arms->arm[a].active, s->bias);
            truth[a] += prc_design_seen(ob, &t->effect[a], e->at, end) - (e->change ? prc_design_seen(ob, &t->effect[a], 0, start) : 0);
            share[a] += !isnan(ob->mcid) && prc_design_responds(ob, base, now);
            y[rows] = e->change ? now - base : now;
            arm[rows] = (int)a;
            (void)prc_design_covariates(s, e, c->covariate + i * c->n_covariate, base, x + rows * width);
            rows++;
        }
    }
    for (size_t a = 0; used && a < t->n_arm; a++) {
        share[a] /= (double)used;
        truth[a] /= (double)used;
    }
    return used;
}

static prc_status judge(const assuring *q, const prc_world *w, const prc_cohort *c, const prc_truth *t, size_t world)
{
    const prc_trial_spec *s = q->s;
    const prc_endpoint *e = &s->endpoint[0];
    size_t n_arm = s->arms->n, width = prc_design_covariates(s, e, NULL, 0, NULL), rows = c->n * n_arm, ref = (size_t)e->versus;
    double *y = prc_calloc(rows + 1, sizeof *y), *x = prc_calloc(rows * width + 1, sizeof *x), *sum = prc_calloc(2 * n_arm, sizeof *sum);
    int *arm = prc_calloc(rows + 1, sizeof *arm);
    prc_estimate *fit = prc_calloc(2 * n_arm, sizeof *fit);
    prc_status st = y && x && sum && arm && fit ? PRC_OK : PRC_E_MEMORY;
    size_t used = st == PRC_OK ? measure(q, w, c, t, y, arm, x, width, sum, sum + n_arm) : 0;
    bool ancova = (e->analyses & 1u << PRC_AN_ANCOVA) != 0 && primary_observable(s)->kind != PRC_OB_EVENT;
    if (st == PRC_OK && used >= c->n - c->n / 10) {
        if (!ancova) judge_shares(q, sum + n_arm, world);
        else st = prc_stat_ancova(y, arm, x, used * n_arm, n_arm, width, e->versus, 0.95, fit, fit + n_arm, NULL);
        for (size_t a = 0; st == PRC_OK && ancova && a < n_arm; a++) {
            if (a == ref) continue;
            q->a->diff[a * q->a->n_world + world] = sum[a] - sum[ref];
            q->a->sd[a * q->a->n_world + world] = fit[n_arm + a].se / sqrt(2 / (double)used);
        }
    }
    prc_free(y);
    prc_free(x);
    prc_free(sum);
    prc_free(arm);
    prc_free(fit);
    return st;
}

static prc_status one_world(void *ctx, size_t k, int thread)
{
    assuring *q = ctx;
    const prc_trial_spec *s = q->s;
    const double time[2] = {0, s->endpoint[0].at};
    prc_world world = {0};
    prc_cohort *c = NULL;
    prc_truth *t = NULL;
    prc_status st;
    PRC_GO(st, prc_world_draw(s->condition, s->seed, (uint32_t)k + 1, &world, NULL));
    PRC_GO(st, prc_cohort_draw(q->e, &world, s->seed, 0, q->id, q->a->n_patient, 1, &c, NULL));
    PRC_GO(st, prc_truth_simulate(q->e, &world, c, s->arms->arm, s->arms->n, time, 2, s->endpoint[0].at, 1, NULL, &t, NULL));
    PRC_GO(st, judge(q, &world, c, t, k));
    size_t done = __atomic_add_fetch(&q->done, 1, __ATOMIC_RELAXED);
    if (thread == 0) st = prc_design_tick(q->progress, "worlds of the ledger", (double)done, (double)q->a->n_world, NULL);
out:
    prc_truth_free(t);
    prc_cohort_free(c);
    prc_world_reset(&world);
    return st == PRC_E_NUMERIC || st == PRC_E_VALUE ? PRC_OK : st; /* an impossible world is a failed draw, counted */
}

/* ---- all worlds -------------------------------------------------------------------------------------------------- */

/* +1 when a larger estimate is better. */
static int better_sign(const prc_trial_spec *s)
{
    const prc_observable *ob = primary_observable(s);
    if (ob->kind == PRC_OB_EVENT) return ob->direction ? ob->direction : -1;
    return s->endpoint[0].analyses & 1u << PRC_AN_ANCOVA ? ob->direction : 1;
}

static prc_status summarise(const assuring *q, prc_error *err)
{
    prc_assurance *a = q->a;
    const prc_trial_spec *s = q->s;
    double z = prc_norm_inv(1 - a->alpha / 2), rate = s->missing == PRC_MISSING_NONE ? 0 : s->dropout_rate;
    bool loses = primary_observable(s)->kind == PRC_OB_EVENT || s->endpoint[0].analyses & 1u << PRC_AN_ANCOVA; /* a missing response counts as none: nobody is lost to a responder analysis */
    double retained = loses ? exp(-rate * s->endpoint[0].at / 365.25) : 1;
    double *power = prc_malloc(a->n_world + 1, sizeof *power);
    prc_status st = power ? PRC_OK : prc_design_memory(err);
    for (size_t arm = 0; st == PRC_OK && arm < a->n_arm; arm++) {
        const double *diff = a->diff + arm * a->n_world, *sd = a->sd + arm * a->n_world;
        size_t used = 0, none = 0;
        for (size_t k = 0; k < a->n_world; k++) {
            used += isnan(diff[k]) ? 0 : 1;
            none += diff[k] * better_sign(s) <= 0;
        }
        a->none[arm] = used ? (double)none / (double)used : (double)NAN;
        if (used > a->n_used) a->n_used = used;
        for (size_t n = 0; st == PRC_OK && n < a->n_size; n++) {
            double sum = 0;
            for (size_t k = 0; k < a->n_world; k++) {
                double gain = better_sign(s) * diff[k], error = sd[k] * sqrt(2 / (retained * (double)a->size[n]));
                power[k] = isnan(diff[k]) ? (double)NAN : error > 0 ? prc_norm_cdf(gain / error - z) : gain > 0;
                if (!isnan(power[k])) sum += power[k];
            }
            a->mean[n * a->n_arm + arm] = used ? sum / (double)used : (double)NAN;
            double *out = a->quantile + (n * a->n_arm + arm) * PRC_ASSURANCE_QUANTILES;
            if (used) st = prc_stat_quantiles(power, a->n_world, quantile_at, PRC_ASSURANCE_QUANTILES, out, err);
            else
                for (int j = 0; j < PRC_ASSURANCE_QUANTILES; j++) out[j] = (double)NAN;
        }
    }
    prc_free(power);
    return st;
}

static prc_status create(const prc_trial_spec *s, const size_t *size, size_t n_size, size_t n_world, size_t n_patient, double alpha, prc_assurance **out, prc_error *err)
{
    prc_assurance *a = prc_calloc(1, sizeof *a);
    if (!a) return prc_design_memory(err);
    *a = (prc_assurance){.n_world = n_world, .n_patient = n_patient, .n_arm = s->arms->n, .n_size = n_size, .alpha = alpha};
    a->size = prc_malloc(n_size, sizeof *a->size);
    a->diff = prc_malloc(a->n_arm * n_world, sizeof *a->diff);
    a->sd = prc_malloc(a->n_arm * n_world, sizeof *a->sd);
    a->mean = prc_calloc(n_size * a->n_arm, sizeof *a->mean);
    a->quantile = prc_calloc(n_size * a->n_arm * PRC_ASSURANCE_QUANTILES, sizeof *a->quantile);
    a->none = prc_calloc(a->n_arm, sizeof *a->none);
    if (!a->size || !a->diff || !a->sd || !a->mean || !a->quantile || !a->none) {
        prc_assurance_free(a);
        return prc_design_memory(err);
    }
    memcpy(a->size, size, n_size * sizeof *size);
    for (size_t k = 0; k < a->n_arm * n_world; k++) a->diff[k] = a->sd[k] = (double)NAN;
    *out = a;
    return PRC_OK;
}

static prc_status check(const prc_trial_spec *s, size_t population, const size_t *size, size_t n_size, size_t n_world, size_t n_patient, double alpha, prc_error *err)
{
    const unsigned shares = 1u << PRC_AN_ANCOVA | 1u << PRC_AN_RESPONDER;
    if (population >= s->n_population || n_size == 0) return prc_fail(err, PRC_E_VALUE, "assurance wants a population and at least one size");
    if (n_world < 2 || n_world > 1000000 || n_patient < 10 || n_patient > 1000000) return prc_fail(err, PRC_E_VALUE, "assurance wants 2 to 1000000 worlds and 10 to 1000000 patients in each");
    if (!(alpha > 0 && alpha < 1)) return prc_fail(err, PRC_E_VALUE, "alpha is %g: it lies between 0 and 1, usually 0.05", alpha);
    for (size_t k = 0; k < n_size; k++)
        if (size[k] < 2) return prc_fail(err, PRC_E_VALUE, "%zu patients per arm: choose 2 or more", size[k]);
    if (primary_observable(s)->kind != PRC_OB_EVENT && !(s->endpoint[0].analyses & shares))
        return prc_fail(err, PRC_E_UNSUPPORTED, "assurance is for scores by ancova or responder and for events; the primary endpoint `%s` is neither", s->endpoint[0].name);
    return PRC_OK;
}

prc_status prc_assurance_run(const prc_trial_spec *s, size_t population, const size_t *size, size_t n_size, size_t n_world, size_t n_patient, double alpha,
                             int n_threads, const prc_progress *progress, prc_assurance **out, prc_error *err)
{
    prc_engine *e = NULL;
    prc_population_run run = {0};
    prc_status st;
    assuring q = {.s = s, .progress = progress};
    PRC_TRY(check(s, population, size, n_size, n_world, n_patient, alpha, err));
    PRC_GO(st, create(s, size, n_size, n_world, n_patient, alpha, &q.a, err));
    PRC_GO(st, prc_engine_create(s->condition, &e, err));
    q.e = e;
    PRC_GO(st, prc_screen(e, &s->condition->typical, s->seed, 0, (uint32_t)population << 28, s->population[population].eligibility, n_patient, n_threads, NULL, &run, err));
    q.id = run.cohort->id;
    st = prc_parallel(n_world, n_threads, one_world, &q);
    if (st != PRC_OK) {
        (void)prc_fail(err, st, st == PRC_E_INTERRUPTED ? "interrupted" : "the worlds of the ledger cannot be simulated: %s", prc_status_text(st));
        goto out;
    }
    PRC_GO(st, summarise(&q, err));
    if (q.a->n_used == 0) st = prc_fail(err, PRC_E_NUMERIC, "none of %zu worlds of the ledger could be simulated", n_world);
out:
    prc_cohort_free(run.cohort);
    prc_free(run.id);
    prc_free(run.criterion_failed);
    prc_free(run.screening);
    prc_engine_free(e);
    if (st == PRC_OK) *out = q.a;
    else prc_assurance_free(q.a);
    return st;
}

void prc_assurance_free(prc_assurance *a)
{
    if (!a) return;
    prc_free(a->size);
    prc_free(a->diff);
    prc_free(a->sd);
    prc_free(a->mean);
    prc_free(a->quantile);
    prc_free(a->none);
    prc_free(a);
}
