/* analyse.c: the endpoints of a trial as its statistician estimates them, beside what is true. */
#include "trial_int.h"

#include <math.h>
#include <string.h>

#define LEVEL 0.95
#define BIT(k) (1u << (k))

static prc_status no_memory(prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the analyses");
}

/* Which patients of a population: all, or one category of a covariate. */
typedef struct part {
    const prc_trial_result *r;
    size_t population;
    int covariate; /* -1 = all */
    double code;
} part;

static const prc_observable *observable_of(const prc_trial_result *r, const prc_endpoint *e)
{
    return &r->spec->condition->observable[e->observable];
}

/* ---- the truth ----------------------------------------------------------------------------------------------- */

/* Months for which a patient's gain, placebo response included, lasts: until it first falls below the MCID after having reached it; 0 if it never does, the horizon if it never falls.
 * Linear between the points of the regular grid. */
static double relief_months(const prc_trial_result *r, const prc_truth *t, size_t o, size_t arm, size_t i)
{
    const prc_observable *ob = &r->spec->condition->observable[o];
    double step = prc_trial_step(r->spec->horizon), start = prc_truth_seen(t, ob, o, arm, i, 0);
    double goal = strcmp(ob->mcid_unit, "%") == 0 ? fabs(start) * ob->mcid / 100 : ob->mcid;
    double before = 0, before_time = 0;
    bool reached = false;
    for (size_t k = 1; k < t->n_time; k++) {
        bool last = k + 1 == t->n_time;
        if (!last && !prc_on_grid(t->time[k], step)) continue;
        double gain = ob->direction * (prc_truth_seen(t, ob, o, arm, i, k) - start);
        if (isnan(gain)) return (double)NAN;
        if (reached && gain < goal) return (before_time + (before - goal) / (before - gain) * (t->time[k] - before_time)) / 30.4375;
        reached = reached || gain >= goal;
        before = gain;
        before_time = t->time[k];
    }
    return reached ? r->spec->horizon / 30.4375 : 0;
}

/* What a patient contributes to the estimand under an arm: change or value of the score, 100 or 0 for an event, months of relief. After knee replacement the score is the one he would have had. */
static double true_contribution(const prc_trial_result *r, const prc_truth *t, const prc_endpoint *e, size_t arm, size_t i)
{
    const prc_observable *ob = observable_of(r, e);
    size_t o = (size_t)e->observable;
    if (ob->kind == PRC_OB_EVENT) {
        if (prc_outcome_failed(t->outcome[arm * t->n_patient + i])) return (double)NAN;
        return PRC_TRUTH_EVENT(t, arm, i, o) <= e->at ? 100 : 0;
    }
    if (e->derived_relief && e->analyses == BIT(PRC_AN_DURATION)) return relief_months(r, t, o, arm, i);
    double x = prc_truth_seen(t, ob, o, arm, i, prc_time_index(t, e->at));
    return e->change ? x - prc_truth_seen(t, ob, o, arm, i, 0) : x;
}

/* Sums over all randomised patients simulated under every arm; a patient who fails under one arm counts in none, so that arms are compared in the same people. */
static void add_true(const prc_chunk *k, const prc_endpoint *e, int covariate, double code, double *own, double *sum, size_t *n)
{
    const prc_truth *t = k->truth;
    const prc_cohort *c = k->cohort;
    for (size_t i = 0; i < k->n; i++) {
        bool whole = covariate < 0 || c->covariate[i * c->n_covariate + (size_t)covariate] == code;
        for (size_t a = 0; whole && a < t->n_arm; a++) {
            own[a] = true_contribution(k->r, t, e, a, i);
            whole = !isnan(own[a]);
        }
        if (!whole) continue;
        for (size_t a = 0; a < t->n_arm; a++) sum[a] += own[a];
        ++*n;
    }
}

static void true_means(const prc_endpoint *e, size_t n_arm, size_t n, double *value, double *diff)
{
    for (size_t a = 0; a < n_arm; a++) value[a] = n ? value[a] / (double)n : (double)NAN;
    for (size_t a = 0; a < n_arm; a++) diff[a] = (int)a == e->versus ? (double)NAN : value[a] - value[e->versus];
}

/* ---- columns: what is kept of each patient --------------------------------------------------------------------- */

const prc_column *prc_trial_column(const prc_trial_result *r, prc_column_kind kind, int a, int b)
{
    for (size_t k = 0; k < r->n_column; k++)
        if (r->column[k].kind == kind && r->column[k].a == a && r->column[k].b == b) return &r->column[k];
    return NULL;
}

static bool belongs(const part *q, size_t subject)
{
    return q->covariate < 0 || prc_trial_column(q->r, PRC_COL_COVARIATE, q->covariate, 0)->value[subject] == q->code;
}

static prc_status want_column(prc_trial_result *r, prc_column_kind kind, int a, int b, prc_error *err)
{
    if (prc_trial_column(r, kind, a, b)) return PRC_OK;
    double *value = prc_malloc(r->n_subject + 1, sizeof *value);
    if (!value) return no_memory(err);
    r->column[r->n_column++] = (prc_column){kind, a, b, value};
    return PRC_OK;
}

static prc_status endpoint_columns(prc_trial_result *r, const prc_endpoint *e, prc_error *err)
{
    int v = prc_visit_index(r->spec, e->at);
    if (observable_of(r, e)->kind == PRC_OB_EVENT) return want_column(r, PRC_COL_EVENT, e->observable, 0, err);
    if (e->analyses & BIT(PRC_AN_DURATION)) PRC_TRY(want_column(r, PRC_COL_RELIEF, e->observable, 0, err));
    if (!(e->analyses & (BIT(PRC_AN_ANCOVA) | BIT(PRC_AN_RESPONDER)))) return PRC_OK;
    PRC_TRY(want_column(r, PRC_COL_SCORE, e->observable, 0, err));
    if (v > 0) PRC_TRY(want_column(r, PRC_COL_SCORE, e->observable, v, err));
    for (size_t k = 0; k < e->n_covariate; k++)
        if (e->covariate[k] >= 0) PRC_TRY(want_column(r, PRC_COL_COVARIATE, e->covariate[k], 0, err));
    return PRC_OK;
}

static prc_status columns_create(prc_trial_result *r, prc_error *err)
{
    const prc_trial_spec *s = r->spec;
    size_t most = s->n_subgroup;
    for (size_t k = 0; k < s->n_endpoint; k++) most += 4 + s->endpoint[k].n_covariate;
    r->column = prc_calloc(most + 1, sizeof *r->column);
    if (!r->column) return no_memory(err);
    for (size_t k = 0; k < s->n_endpoint; k++) PRC_TRY(endpoint_columns(r, &s->endpoint[k], err));
    for (size_t g = 0; g < s->n_subgroup; g++) PRC_TRY(want_column(r, PRC_COL_COVARIATE, s->subgroup[g], 0, err));
    return PRC_OK;
}

static double column_value(const prc_chunk *k, const prc_column *c, size_t i)
{
    int event = 0;
    double day;
    switch (c->kind) {
    case PRC_COL_SCORE: return *prc_chunk_score(k, i, (size_t)c->b, (size_t)c->a);
    case PRC_COL_COVARIATE: return k->cohort->covariate[i * k->cohort->n_covariate + (size_t)c->a];
    case PRC_COL_EVENT:
        day = prc_time_to_event(k, i, (size_t)c->a, &event);
        return event ? day : -day;
    case PRC_COL_RELIEF: break;
    }
    return relief_months(k->r, k->truth, (size_t)c->a, k->r->subject[k->first + i].arm, i);
}

static void fill_columns(const prc_chunk *k)
{
    for (size_t c = 0; c < k->r->n_column; c++)
        for (size_t i = 0; i < k->n; i++) k->r->column[c].value[k->first + i] = column_value(k, &k->r->column[c], i);
}

static double score_at(const prc_trial_result *r, const prc_endpoint *e, int visit, size_t subject)
{
    return prc_trial_column(r, PRC_COL_SCORE, e->observable, visit)->value[subject];
}

/* ---- scores -------------------------------------------------------------------------------------------------- */

/* Columns of the covariates of an endpoint: categories become dummies against the first. */
static size_t covariate_columns(const prc_trial_spec *s, const prc_endpoint *e)
{
    size_t n = 0;
    for (size_t k = 0; k < e->n_covariate; k++) {
        size_t categories = e->covariate[k] < 0 ? 0 : s->condition->covariate[e->covariate[k]].n_category;
        n += categories ? categories - 1 : 1;
    }
    return n;
}

static void covariate_row(const prc_trial_result *r, const prc_endpoint *e, size_t subject, double *row)
{
    for (size_t k = 0; k < e->n_covariate; k++) {
        if (e->covariate[k] < 0) {
            *row++ = score_at(r, e, 0, subject);
            continue;
        }
        const prc_covariate *v = &r->spec->condition->covariate[e->covariate[k]];
        double x = prc_trial_column(r, PRC_COL_COVARIATE, e->covariate[k], 0)->value[subject];
        if (v->n_category == 0) *row++ = x;
        for (size_t m = 1; m < v->n_category; m++) *row++ = v->code[m] == x;
    }
}

/* Change or value of a subject at the endpoint's visit as observed, NaN = missing. */
static double observed_response(const prc_trial_result *r, const prc_endpoint *e, size_t subject)
{
    int v = prc_visit_index(r->spec, e->at);
    if (v < 0) return (double)NAN;
    double x = score_at(r, e, v, subject);
    return e->change ? x - score_at(r, e, 0, subject) : x;
}

static prc_status ancova(const part *q, const prc_endpoint *e, prc_estimate *ls_mean, prc_estimate *diff, prc_error *err)
{
    const prc_trial_result *r = q->r;
    size_t n = 0, width = covariate_columns(r->spec, e), room = r->population[q->population].n + 1;
    prc_status st;
    double *y = prc_malloc(room, sizeof *y), *x = prc_malloc(room * (width + 1), sizeof *x);
    int *arm = prc_malloc(room, sizeof *arm);
    if (!y || !x || !arm) {
        st = no_memory(err);
        goto out;
    }
    for (size_t k = 0; k < r->n_subject; k++) {
        const prc_subject *u = &r->subject[k];
        if (u->population != q->population || !belongs(q, k)) continue;
        y[n] = observed_response(r, e, k);
        arm[n] = (int)u->arm;
        covariate_row(r, e, k, x + n * width);
        n++;
    }
    st = prc_stat_ancova(y, arm, x, n, r->spec->arms->n, width, e->versus, LEVEL, ls_mean, diff, err);
out:
    prc_free(y);
    prc_free(x);
    prc_free(arm);
    return st;
}

/* Responder: the observed change reaches the MCID, in points or percent of the patient's baseline; a missing value counts as no response. */
static bool responded(const prc_trial_result *r, const prc_endpoint *e, size_t subject)
{
    const prc_observable *ob = observable_of(r, e);
    int v = prc_visit_index(r->spec, e->at);
    double baseline = score_at(r, e, 0, subject);
    double now = v < 0 ? (double)NAN : score_at(r, e, v, subject);
    double goal = strcmp(ob->mcid_unit, "%") == 0 ? fabs(baseline) * ob->mcid / 100 : ob->mcid;
    return ob->direction * (now - baseline) >= goal;
}

static prc_status responders(const part *q, prc_endpoint_result *x, prc_error *err)
{
    const prc_trial_result *r = q->r;
    for (size_t k = 0; k < r->n_subject; k++) {
        const prc_subject *u = &r->subject[k];
        if (u->population != q->population) continue;
        x->evaluated[u->arm]++;
        x->responders[u->arm] += responded(r, x->endpoint, k);
    }
    size_t ref = (size_t)x->endpoint->versus;
    for (size_t a = 0; a < x->n_arm; a++) {
        x->rate[a] = prc_stat_proportion(x->responders[a], x->evaluated[a], LEVEL);
        if (a == ref) continue;
        PRC_TRY(prc_stat_risk_difference(x->responders[a], x->evaluated[a], x->responders[ref], x->evaluated[ref], LEVEL, &x->risk_diff[a], err));
        x->nnt[a] = x->risk_diff[a].estimate == 0 ? (double)NAN : 1 / x->risk_diff[a].estimate;
    }
    return PRC_OK;
}

/* Mean months of relief of each arm's own patients, differences by Welch's test. */
static prc_status durations(const part *q, prc_endpoint_result *x, prc_error *err)
{
    const prc_trial_result *r = q->r;
    const prc_column *relief = prc_trial_column(r, PRC_COL_RELIEF, x->endpoint->observable, 0);
    size_t room = r->spec->population[q->population].size_per_arm + 1, ref = (size_t)x->endpoint->versus;
    double *months = prc_malloc(x->n_arm * room, sizeof *months);
    size_t *n = prc_calloc(x->n_arm, sizeof *n);
    if (!months || !n) {
        prc_free(months);
        prc_free(n);
        return no_memory(err);
    }
    for (size_t k = 0; k < r->n_subject; k++) {
        const prc_subject *u = &r->subject[k];
        if (u->population != q->population) continue;
        months[u->arm * room + n[u->arm]++] = relief->value[k];
    }
    for (size_t a = 0; a < x->n_arm; a++) {
        prc_estimate mean = prc_stat_mean(months + a * room, n[a], LEVEL);
        x->duration_mean[a] = mean.estimate;
        if (x->endpoint->analyses != BIT(PRC_AN_DURATION)) continue;
        x->ls_mean[a] = mean;
        if (a != ref) x->diff[a] = prc_stat_welch(months + a * room, n[a], months + ref * room, n[ref], LEVEL);
    }
    prc_free(months);
    prc_free(n);
    return PRC_OK;
}

/* ---- events -------------------------------------------------------------------------------------------------- */

/* Times of one arm (or of all, arm = SIZE_MAX) into the arrays; returns how many. */
static size_t gather_times(const part *q, const prc_endpoint *e, size_t arm, double *time, int *event, int *group)
{
    size_t n = 0;
    const prc_column *day = prc_trial_column(q->r, PRC_COL_EVENT, e->observable, 0);
    for (size_t k = 0; k < q->r->n_subject; k++) {
        const prc_subject *u = &q->r->subject[k];
        if (u->population != q->population || (arm != SIZE_MAX && u->arm != arm)) continue;
        time[n] = fabs(day->value[k]);
        event[n] = !signbit(day->value[k]);
        group[n++] = (int)u->arm;
    }
    return n;
}

/* Difference of the cumulative incidence at the endpoint's time, normal interval from the Greenwood errors. */
static prc_estimate incidence_difference(const prc_estimate *s, const prc_estimate *ref)
{
    prc_estimate e = *s;
    double z = prc_norm_inv(0.5 + LEVEL / 2);
    e.n = s->n + ref->n;
    e.estimate = ref->estimate - s->estimate;
    e.se = sqrt(s->se * s->se + ref->se * ref->se);
    e.stat = e.se > 0 ? e.estimate / e.se : (double)NAN;
    e.p = prc_stat_normal_p(e.stat);
    e.ci_lb = e.estimate - z * e.se;
    e.ci_ub = e.estimate + z * e.se;
    return e;
}

static prc_status survival(const part *q, prc_endpoint_result *x, prc_error *err)
{
    const prc_endpoint *e = x->endpoint;
    size_t room = q->r->population[q->population].n + 1, ref = (size_t)e->versus;
    prc_status st = PRC_OK;
    double *time = prc_malloc(room, sizeof *time);
    int *event = prc_malloc(2 * room, sizeof *event);
    if (!time || !event) {
        st = no_memory(err);
        goto out;
    }
    for (size_t a = 0; a < x->n_arm; a++) {
        size_t n = gather_times(q, e, a, time, event, event + room);
        PRC_GO(st, prc_stat_km(time, event, n, &x->km[a], err));
        x->survival[a] = prc_km_at(&x->km[a], e->at, LEVEL);
    }
    for (size_t a = 0; a < x->n_arm; a++)
        if (a != ref) x->risk_diff[a] = incidence_difference(&x->survival[a], &x->survival[ref]);
    if (e->analyses & BIT(PRC_AN_LOGRANK)) {
        size_t n = gather_times(q, e, SIZE_MAX, time, event, event + room);
        PRC_GO(st, prc_stat_logrank(time, event, event + room, NULL, n, x->n_arm, &x->logrank, err));
    }
out:
    prc_free(time);
    prc_free(event);
    return st;
}

/* ---- all ----------------------------------------------------------------------------------------------------- */

static prc_estimate *estimates(prc_arena *arena, size_t n)
{
    prc_estimate *e = prc_arena_alloc(arena, n, sizeof *e);
    double none = (double)NAN;
    for (size_t i = 0; e && i < n; i++) e[i] = (prc_estimate){none, none, none, none, none, none, none, 0};
    return e;
}

static double *numbers(prc_arena *arena, size_t n)
{
    double *x = prc_arena_alloc(arena, n, sizeof *x);
    for (size_t i = 0; x && i < n; i++) x[i] = (double)NAN;
    return x;
}

/* Every array exists for every kind of endpoint, NaN where it does not apply. */
static bool result_create(prc_trial_result *r, prc_endpoint_result *x, size_t population, const prc_endpoint *e)
{
    const prc_observable *ob = observable_of(r, e);
    size_t n = r->spec->arms->n;
    x->population = population;
    x->endpoint = e;
    x->n_arm = n;
    x->mcid = ob->mcid;
    x->mcid_unit = ob->mcid_unit;
    x->mcid_source = ob->mcid_source;
    x->ls_mean = estimates(r->arena, n);
    x->diff = estimates(r->arena, n);
    x->risk_diff = estimates(r->arena, n);
    x->rate = estimates(r->arena, n);
    x->survival = estimates(r->arena, n);
    x->logrank = (prc_estimate){(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN, 0};
    x->true_value = prc_arena_alloc(r->arena, n, sizeof *x->true_value); /* sums until all patients have passed */
    x->true_diff = numbers(r->arena, n);
    x->event_pct_true = numbers(r->arena, n);
    x->duration_mean = numbers(r->arena, n);
    x->nnt = numbers(r->arena, n);
    x->responders = prc_arena_alloc(r->arena, n, sizeof *x->responders);
    x->evaluated = prc_arena_alloc(r->arena, n, sizeof *x->evaluated);
    x->km = prc_arena_alloc(r->arena, n, sizeof *x->km);
    return x->ls_mean && x->diff && x->risk_diff && x->rate && x->survival && x->true_value && x->true_diff && x->event_pct_true && x->duration_mean && x->nnt && x->responders &&
           x->evaluated && x->km;
}

static prc_status analyse_endpoint(prc_trial_result *r, prc_endpoint_result *x, prc_error *err)
{
    const prc_endpoint *e = x->endpoint;
    const part q = {r, x->population, -1, 0};
    true_means(e, x->n_arm, x->n_true, x->true_value, x->true_diff);
    if (observable_of(r, e)->kind == PRC_OB_EVENT) {
        for (size_t a = 0; a < x->n_arm; a++) x->event_pct_true[a] = x->true_value[a];
        return survival(&q, x, err);
    }
    if (e->analyses & BIT(PRC_AN_ANCOVA)) PRC_TRY(ancova(&q, e, x->ls_mean, x->diff, err));
    if (e->analyses & BIT(PRC_AN_RESPONDER)) PRC_TRY(responders(&q, x, err));
    if (e->analyses & BIT(PRC_AN_DURATION)) PRC_TRY(durations(&q, x, err));
    return PRC_OK;
}

/* Places of the subgroups: in the order of populations, covariates, categories. */
static prc_status subgroups_create(prc_trial_result *r, prc_error *err)
{
    const prc_trial_spec *s = r->spec;
    size_t n = 0;
    if (!(s->endpoint[0].analyses & BIT(PRC_AN_ANCOVA))) return PRC_OK;
    for (size_t g = 0; g < s->n_subgroup; g++) n += s->condition->covariate[s->subgroup[g]].n_category;
    r->subgroup = prc_arena_alloc(r->arena, n * s->n_population + 1, sizeof *r->subgroup);
    if (!r->subgroup) return no_memory(err);
    for (size_t p = 0; p < s->n_population; p++)
        for (size_t g = 0; g < s->n_subgroup; g++)
            for (size_t m = 0; m < s->condition->covariate[s->subgroup[g]].n_category; m++) {
                prc_subgroup_result *x = &r->subgroup[r->n_subgroup++];
                *x = (prc_subgroup_result){.population = p, .covariate = s->subgroup[g], .category = m, .n_arm = s->arms->n, .ls_mean = estimates(r->arena, s->arms->n),
                                           .diff = estimates(r->arena, s->arms->n), .true_value = prc_arena_alloc(r->arena, s->arms->n, sizeof(double)),
                                           .true_diff = numbers(r->arena, s->arms->n)};
                if (!x->ls_mean || !x->diff || !x->true_value || !x->true_diff) return no_memory(err);
            }
    return PRC_OK;
}

static double code_of(const prc_trial_result *r, const prc_subgroup_result *x)
{
    return r->spec->condition->covariate[x->covariate].code[x->category];
}

prc_status prc_analyse_begin(prc_trial_result *r, prc_error *err)
{
    const prc_trial_spec *s = r->spec;
    r->result = prc_arena_alloc(r->arena, s->n_population * s->n_endpoint + 1, sizeof *r->result);
    if (!r->result) return no_memory(err);
    for (size_t p = 0; p < s->n_population; p++)
        for (size_t k = 0; k < s->n_endpoint; k++)
            if (!result_create(r, &r->result[r->n_result++], p, &s->endpoint[k])) return no_memory(err);
    PRC_TRY(subgroups_create(r, err));
    return columns_create(r, err);
}

prc_status prc_analyse_chunk(const prc_chunk *k, prc_error *err)
{
    prc_trial_result *r = k->r;
    double *own = prc_malloc(r->spec->arms->n, sizeof *own);
    if (!own) return no_memory(err);
    fill_columns(k);
    for (size_t m = 0; m < r->n_result; m++)
        if (r->result[m].population == k->population) add_true(k, r->result[m].endpoint, -1, 0, own, r->result[m].true_value, &r->result[m].n_true);
    for (size_t m = 0; m < r->n_subgroup; m++) {
        prc_subgroup_result *x = &r->subgroup[m];
        if (x->population == k->population) add_true(k, &r->spec->endpoint[0], x->covariate, code_of(r, x), own, x->true_value, &x->n_true);
    }
    prc_free(own);
    return PRC_OK;
}

prc_status prc_analyse_end(prc_trial_result *r, prc_error *err)
{
    const prc_endpoint *e = &r->spec->endpoint[0];
    for (size_t m = 0; m < r->n_result; m++) PRC_TRY(analyse_endpoint(r, &r->result[m], err));
    for (size_t m = 0; m < r->n_subgroup; m++) {
        prc_subgroup_result *x = &r->subgroup[m];
        const part q = {r, x->population, x->covariate, code_of(r, x)};
        PRC_TRY(ancova(&q, e, x->ls_mean, x->diff, err));
        true_means(e, x->n_arm, x->n_true, x->true_value, x->true_diff);
    }
    return PRC_OK;
}
