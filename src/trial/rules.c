/* rules.c: rescue medication and stopping rules: a patient goes from one decision to the next, each found as a root on the dense output of the solver.
 *
 * Between two decisions he is one job of the solver; jobs end at the crossing of a threshold (a terminal watch), when a waiting time is over, and at each dose. At each end a job of no
 * length looks at the distances of all rules from their thresholds, since a watch only tells that one of them was crossed. Visits never end a job, so they change no number. */
#include "trial_int.h"

#include <math.h>
#include <string.h>

/* More decisions than this in one patient never end. */
enum { MOST_JOBS = 20000 };

/* What a rule waits for: nothing, the condition to become true, or, while it must last, to become false. */
typedef enum wait { WAIT_OFF, WAIT_RISE, WAIT_FALL, WAITS } wait;

typedef struct rule_state {
    wait wait;
    double since;   /* the condition holds since; NaN = it does not */
    double not_before;
    size_t count;
} rule_state;

struct prc_follow_up {
    const prc_follow_context *c;
    size_t id, n_jobs;
    const double *covariate;
    double *param, *changed, *state, *watch_time, *rescue;
    size_t n_dose, cap_dose, cap_given;
    prc_dose_event *dose, *now;
    bool *given;
    double t, t1, stopped;
    size_t next_time, first_time;
    bool look, crossed;
    double distance[PRC_RULES];
    rule_state rule[PRC_RULES];
    prc_outcome outcome;
    int blamed;
    long steps;
    prc_follow_up *next;
};

static const prc_rule *rule_of(const prc_rules *r, size_t k)
{
    return k == PRC_RESCUE ? &r->rescue : &r->stop;
}

bool prc_rules_exist(const prc_rules *r)
{
    return r && (r->rescue.exists || r->stop.exists);
}

/* ---- what the solver watches --------------------------------------------------------------------------------- */

static const prc_expr *call(prc_arena *a, prc_fn fn, const prc_expr *x, const prc_expr *y)
{
    const prc_expr *arg[2] = {x, y};
    return x && y ? prc_expr_call(a, fn, 2, arg) : NULL;
}

/* Above 0 where the condition of the rule holds; a rule that does not exist never does. */
static const prc_expr *distance(prc_arena *a, const prc_condition *c, const prc_rule *r)
{
    if (!r->exists) return prc_expr_number(a, -1);
    const prc_expr *x = prc_observable_formula(a, &c->observable[r->observable]), *value = prc_expr_number(a, r->value);
    return r->above ? call(a, PRC_FN_SUB, x, value) : call(a, PRC_FN_SUB, value, x);
}

static const prc_expr *watch_of(prc_arena *a, const prc_expr *const *d, wait rescue, wait stop)
{
    const prc_expr *zero = prc_expr_number(a, 0), *x = NULL, *y = NULL;
    if (rescue != WAIT_OFF) x = rescue == WAIT_RISE ? d[PRC_RESCUE] : call(a, PRC_FN_SUB, zero, d[PRC_RESCUE]);
    if (stop != WAIT_OFF) y = stop == WAIT_RISE ? d[PRC_STOP] : call(a, PRC_FN_SUB, zero, d[PRC_STOP]);
    return x && y ? call(a, PRC_FN_MAX, x, y) : x ? x : y;
}

size_t prc_rules_watches(const prc_rules *r)
{
    return prc_rules_exist(r) ? WAITS * WAITS - 1 : 0;
}

prc_status prc_trial_engine(const prc_condition *c, const prc_rules *rules, prc_engine **out, prc_error *err)
{
    if (!prc_rules_exist(rules)) return prc_engine_create(c, out, err);
    prc_arena *a = prc_arena_create();
    const prc_expr *d[PRC_RULES], *watch[WAITS * WAITS - 1];
    bool good = a != NULL;
    for (size_t k = 0; good && k < PRC_RULES; k++) {
        d[k] = distance(a, c, rule_of(rules, k));
        good = d[k] != NULL;
    }
    for (int k = 1; good && k < WAITS * WAITS; k++) {
        watch[k - 1] = watch_of(a, d, (wait)(k % WAITS), (wait)(k / WAITS));
        good = watch[k - 1] != NULL;
    }
    prc_status st = good ? prc_engine_create_with(c, d, PRC_RULES, watch, WAITS * WAITS - 1, out, err) : prc_fail(err, PRC_E_MEMORY, "out of memory for the rules of a trial");
    prc_arena_free(a);
    return st;
}

int prc_follow_up_watch(const prc_follow_up *f)
{
    int k = (int)f->rule[PRC_RESCUE].wait + WAITS * (int)f->rule[PRC_STOP].wait;
    return f->look || k == 0 ? -1 : (int)(f->c->engine->trial->n_watch - prc_rules_watches(f->c->rules)) + k - 1;
}

/* ---- doses --------------------------------------------------------------------------------------------------- */

/* Keeps doses sorted by time; equal times stay in order. */
static bool add_dose(prc_follow_up *f, prc_dose_event d)
{
    if (!PRC_GROW(f->dose, f->n_dose, f->cap_dose) || !PRC_GROW(f->given, f->n_dose, f->cap_given)) return false;
    size_t i = f->n_dose++;
    for (; i > 0 && f->dose[i - 1].time > d.time; i--) {
        f->dose[i] = f->dose[i - 1];
        f->given[i] = f->given[i - 1];
    }
    f->dose[i] = d;
    f->given[i] = false;
    return true;
}

/* The course of the rescue from now on. What it changes in parameters it changes now. */
static prc_status give_rescue(prc_follow_up *f, prc_error *err)
{
    const prc_condition *c = f->c->engine->condition;
    const prc_arm *arm = &f->c->rules->rescue.give->arm[0];
    size_t n_param = c->model->n_param, n = 0;
    prc_dose_event *dose = prc_malloc(prc_arm_dose_count(c, arm) + 1, sizeof *dose);
    if (!dose) return prc_fail(err, PRC_E_MEMORY, "out of memory for a rescue");
    memcpy(f->changed, f->param, n_param * sizeof *f->param);
    prc_status st = prc_arm_doses(c, f->c->world, arm, f->covariate, f->changed, dose, &n, NULL, err);
    for (size_t i = 0; st == PRC_OK && i < n_param; i++)
        if (f->changed[i] != f->param[i] && !add_dose(f, (prc_dose_event){f->t, 0, f->changed[i], -1, (int)i})) st = prc_fail(err, PRC_E_MEMORY, "out of memory for a rescue");
    for (size_t i = 0; st == PRC_OK && i < n; i++) {
        dose[i].time += f->t;
        if (dose[i].time < f->c->horizon && !add_dose(f, dose[i])) st = prc_fail(err, PRC_E_MEMORY, "out of memory for a rescue");
    }
    prc_free(dose);
    return st;
}

/* What was not given will not be. */
static void end_treatment(prc_follow_up *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n_dose; i++)
        if (f->given[i]) f->dose[kept] = f->dose[i], f->given[kept++] = true;
    f->n_dose = kept;
}

/* Doses of the job that starts now: what still holds from before, and what is due. */
static size_t doses_now(prc_follow_up *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_dose && f->dose[i].time <= f->t; i++) {
        const prc_dose_event *d = &f->dose[i];
        bool holds = d->param >= 0 || d->time + d->duration > f->t;
        if (f->look ? d->param >= 0 && f->given[i] : holds || !f->given[i]) f->now[n++] = *d;
        if (!f->look) f->given[i] = true;
    }
    return n;
}

/* ---- decisions ----------------------------------------------------------------------------------------------- */

static prc_status fire(prc_follow_up *f, size_t k, prc_error *err)
{
    const prc_rule *r = rule_of(f->c->rules, k);
    rule_state *s = &f->rule[k];
    s->since = (double)NAN;
    s->not_before = f->t + r->every;
    s->count++;
    if (k == PRC_RESCUE) {
        f->rescue[s->count - 1] = f->t;
        return give_rescue(f, err);
    }
    f->stopped = f->t;
    f->rule[PRC_RESCUE].count = f->c->rules->rescue.times;
    end_treatment(f);
    return PRC_OK;
}

/* Which conditions hold. Where a crossing ended the job, the rule nearest to its threshold crossed it, whatever the last bit says. */
static void judge(const prc_follow_up *f, bool holds[PRC_RULES])
{
    int nearest = -1;
    double most = 0;
    bool any = false;
    for (int k = 0; k < PRC_RULES; k++) {
        holds[k] = f->distance[k] > 0;
        if (f->rule[k].wait == WAIT_OFF) continue;
        double beyond = f->rule[k].wait == WAIT_RISE ? f->distance[k] : -f->distance[k];
        any = any || beyond > 0;
        if (nearest < 0 || beyond > most) nearest = k, most = beyond;
    }
    if (f->crossed && !any && nearest >= 0) holds[nearest] = f->rule[nearest].wait == WAIT_RISE;
}

/* After a look: rules fire or wait; the end of the next job. */
static prc_status decide(prc_follow_up *f, prc_error *err)
{
    bool holds[PRC_RULES];
    judge(f, holds);
    f->t1 = f->c->horizon;
    /* The stopping rule first: who has stopped gets no rescue. */
    for (size_t j = PRC_RULES; j-- > 0;) {
        const prc_rule *r = rule_of(f->c->rules, j);
        rule_state *s = &f->rule[j];
        s->wait = WAIT_OFF;
        if (!r->exists || s->count >= r->times) continue;
        if (f->t >= s->not_before) {
            if (!holds[j]) s->since = (double)NAN;
            else if (isnan(s->since)) s->since = f->t;
            if (holds[j] && f->t >= s->since + r->hold) PRC_TRY(fire(f, j, err));
            else s->wait = holds[j] ? WAIT_FALL : WAIT_RISE;
        }
        if (s->wait == WAIT_FALL) f->t1 = fmin(f->t1, s->since + r->hold);
        if (s->wait == WAIT_OFF && s->count < r->times) f->t1 = fmin(f->t1, s->not_before);
    }
    for (size_t i = 0; i < f->n_dose; i++)
        if (f->dose[i].time > f->t) f->t1 = fmin(f->t1, f->dose[i].time);
    prc_dose_event *now = prc_realloc(f->now, f->n_dose + 1, sizeof *now);
    if (!now) return prc_fail(err, PRC_E_MEMORY, "out of memory for the doses of a patient");
    f->now = now;
    return PRC_OK;
}

/* ---- jobs ---------------------------------------------------------------------------------------------------- */

prc_status prc_follow_up_create(const prc_follow_context *c, size_t id, const double *covariate, const double *param, const double *start,
                                const prc_dose_event *dose, size_t n_dose, prc_follow_up **out, prc_error *err)
{
    size_t n_param = c->engine->condition->model->n_param, n_state = c->engine->condition->model->n_state, n_watch = c->engine->trial->n_watch;
    prc_follow_up *f = prc_calloc(1, sizeof *f);
    if (!f) goto failed;
    *f = (prc_follow_up){.c = c, .id = id, .covariate = covariate, .stopped = (double)NAN, .look = true, .blamed = -1};
    f->param = prc_malloc(n_param + 1, sizeof *f->param);
    f->changed = prc_malloc(n_param + 1, sizeof *f->changed);
    f->state = prc_malloc(n_state + 1, sizeof *f->state);
    f->watch_time = prc_malloc(n_watch + 1, sizeof *f->watch_time);
    f->rescue = prc_malloc(c->rules->rescue.times + 1, sizeof *f->rescue);
    f->now = prc_malloc(n_dose + 1, sizeof *f->now);
    if (!f->param || !f->changed || !f->state || !f->watch_time || !f->rescue || !f->now) goto failed;
    memcpy(f->param, param, n_param * sizeof *param);
    memcpy(f->state, start, n_state * sizeof *start);
    for (size_t i = 0; i < n_watch; i++) f->watch_time[i] = (double)NAN;
    for (size_t i = 0; i < c->rules->rescue.times; i++) f->rescue[i] = (double)NAN;
    for (size_t i = 0; i < n_dose; i++)
        if (!add_dose(f, dose[i])) goto failed;
    for (size_t k = 0; k < PRC_RULES; k++) f->rule[k] = (rule_state){.since = (double)NAN, .not_before = rule_of(c->rules, k)->from};
    *out = f;
    return PRC_OK;
failed:
    prc_follow_up_free(f);
    return prc_fail(err, PRC_E_MEMORY, "out of memory for a patient under rules");
}

void prc_follow_up_free(prc_follow_up *f)
{
    if (!f) return;
    prc_free(f->param);
    prc_free(f->changed);
    prc_free(f->state);
    prc_free(f->watch_time);
    prc_free(f->rescue);
    prc_free(f->now);
    prc_free(f->dose);
    prc_free(f->given);
    prc_free(f);
}

void prc_follow_up_job(prc_follow_up *f, prc_job *job)
{
    size_t n = 0;
    f->first_time = f->next_time;
    while (f->next_time + n < f->c->n_time && f->c->time[f->next_time + n] <= f->t1) n++;
    *job = (prc_job){.id = f->id, .t0 = f->t, .t1 = f->look ? f->t : f->t1, .param = f->param, .start = f->state, .n_dose = doses_now(f), .dose = f->now,
                     .n_time = f->look ? 1 : n, .time = f->look ? &f->t : f->c->time + f->next_time};
}

size_t prc_follow_up_output(prc_follow_up *f, size_t k, const double *value)
{
    size_t first = f->c->engine->trial->n_output - PRC_RULES;
    if (!f->look) {
        f->next_time = f->first_time + k + 1;
        return f->first_time + k;
    }
    for (size_t i = 0; i < PRC_RULES; i++) f->distance[i] = value[first + i];
    return SIZE_MAX;
}

static void finish(prc_follow_up *f, prc_outcome outcome, double time, int state)
{
    f->outcome = outcome;
    f->t = time;
    f->blamed = state;
}

prc_status prc_follow_up_done(prc_follow_up *f, const prc_job_result *result, bool *finished, prc_error *err)
{
    const prc_program *p = f->c->engine->trial;
    f->steps += result->steps;
    *finished = true;
    if (prc_outcome_failed(result->outcome)) {
        finish(f, result->outcome, result->time, result->state);
        return PRC_OK;
    }
    if (++f->n_jobs > MOST_JOBS) {
        finish(f, PRC_CHATTER, result->time, -1);
        return PRC_OK;
    }
    *finished = false;
    if (f->look) {
        f->look = false;
        return decide(f, err);
    }
    for (size_t i = 0; i < p->n_watch; i++)
        if (isnan(f->watch_time[i])) f->watch_time[i] = result->watch_time[i];
    memcpy(f->state, result->final, p->n_state * sizeof *f->state);
    f->crossed = result->outcome == PRC_STOPPED;
    f->t = result->time;
    f->look = true;
    if (f->t < f->c->horizon) return PRC_OK;
    *finished = true;
    finish(f, PRC_DONE, f->c->horizon, -1);
    return PRC_OK;
}

prc_follow_result prc_follow_up_result(const prc_follow_up *f)
{
    return (prc_follow_result){f->outcome, f->t, f->blamed, f->steps, f->watch_time, f->rescue, f->stopped};
}

size_t prc_follow_up_id(const prc_follow_up *f)
{
    return f->id;
}

prc_follow_up **prc_follow_up_next(prc_follow_up *f)
{
    return &f->next;
}
