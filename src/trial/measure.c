/* measure.c: what a trial sees of its patients: scores with placebo response and noise, who leaves, what goes wrong. */
#include "trial_int.h"

#include <math.h>
#include <string.h>

/* The placebo response builds up with this time constant (dossier, "Trial layer"). */
#define PLACEBO_ONSET 20.0
/* MAR and MNAR: the hazard of leaving is multiplied by exp(this * percent of the range by which the patient is worse than expected). */
#define DROPOUT_SLOPE 0.02

double prc_placebo(const prc_observable *ob, const prc_arm_effect *effect, double day)
{
    double range = ob->max - ob->min, t = effect ? day - effect->first_time : (double)NAN;
    if (!(t > 0) || isnan(range) || !(effect->placebo_max > 0)) return 0;
    double fade = effect->placebo_tau > 0 ? prc_exp(-t / effect->placebo_tau) : 1;
    return ob->placebo_share * effect->placebo_max / 100 * range * (1 - prc_exp(-t / PLACEBO_ONSET)) * fade;
}

/* Inflation of a small or open trial, in units of the score: like the placebo response it acts on what patients say, not on images. */
static double bias_of(const prc_condition *c, const prc_world *w, const prc_observable *ob, const prc_arm_effect *effect, double day, double bias)
{
    int row = bias != 0 ? prc_condition_row(c, "trial.bias_mean") : -1;
    double range = ob->max - ob->min;
    if (row < 0 || isnan(range) || !effect || !(day > effect->first_time)) return 0;
    return bias * ob->placebo_share * w->value[row] / 100 * range;
}

/* A random stream of an observable: named, so that no other stream moves when one is added. */
static uint32_t stream(const char *purpose, const char *name)
{
    char text[160];
    snprintf(text, sizeof text, "%s/%s", purpose, name);
    return prc_purpose(text);
}

double prc_measure(const prc_condition *c, const prc_world *w, const prc_observable *ob, uint64_t seed, uint32_t replicate, uint32_t patient, double day, double truth,
                   const prc_arm_effect *effect, bool active, double bias)
{
    if (isnan(truth) || !prc_is_measured(ob)) return (double)NAN;
    double gain = prc_placebo(ob, effect, day);
    if (active) gain += bias_of(c, w, ob, effect, day, bias);
    double x = truth + ob->direction * gain;
    double noise = ob->residual_sd * sqrt(fmax(0, 1 - ob->icc));
    uint32_t when = (uint32_t)(int32_t)floor(day + 0.5);
    if (ob->subject_sd > 0) x += ob->subject_sd * prc_normal(seed, patient, stream("subject", ob->name), 0, replicate);
    if (noise > 0) x += noise * prc_normal(seed, patient, stream("visit", ob->name), when, replicate);
    if (ob->rounding > 0) x = ob->rounding * floor(x / ob->rounding + 0.5);
    if (x < ob->min) x = ob->min;
    if (x > ob->max) x = ob->max;
    return x;
}

/* ---- who leaves ---------------------------------------------------------------------------------------------- */

int prc_ending_event(const prc_condition *c)
{
    /* By name: a replaced joint has no pain score. Conditions without such an event measure to the end. */
    int o = prc_condition_observable(c, "knee_replacement");
    return o >= 0 && c->observable[o].kind == PRC_OB_EVENT ? o : -1;
}

double *prc_score_at(const prc_trial_result *r, size_t subject, size_t visit, size_t observable)
{
    return &r->score[(subject * r->spec->n_visit + visit) * r->spec->condition->n_observable + observable];
}

double *prc_chunk_score(const prc_chunk *k, size_t i, size_t visit, size_t observable)
{
    const prc_trial_spec *s = k->r->spec;
    return &k->score[(i * s->n_visit + visit) * s->condition->n_observable + observable];
}

static prc_subject *subject_of(const prc_chunk *k, size_t i)
{
    return &k->r->subject[k->first + i];
}

/* The score that decides who leaves: that of the first endpoint with a score, else the first score; -1 if none. */
static int leaving_score(const prc_trial_spec *s)
{
    const prc_condition *c = s->condition;
    for (size_t k = 0; k < s->n_endpoint; k++)
        if (prc_is_measured(&c->observable[s->endpoint[k].observable])) return s->endpoint[k].observable;
    for (size_t o = 0; o < c->n_observable; o++)
        if (c->observable[o].kind == PRC_OB_SCORE) return (int)o;
    return -1;
}

/* How people leave. */
typedef struct leaving {
    const prc_chunk *k;
    const prc_trial_spec *spec;
    const prc_truth *t;
    const prc_observable *ob;  /* NULL: everybody alike */
    size_t score;
    double step;
    const double *expected;    /* change of the typical patient in the reference arm at each time of t, placebo included; NULL = 0 */
} leaving;

/* What the patient reports at time k, as percent of the range worse than expected. MAR: as observed, in the monthly reports that a trial collects whatever its visits are, so that
 * another visit changes nobody's stay; MNAR: as it is. */
static double worse_than_expected(const leaving *l, size_t i, size_t k)
{
    const prc_trial_spec *s = l->spec;
    const prc_subject *u = subject_of(l->k, i);
    const prc_observable *ob = l->ob;
    double range = ob->max - ob->min, now, start;
    if (s->missing == PRC_MISSING_MAR) {
        const prc_world *w = &s->condition->typical;
        bool active = s->arms->arm[u->arm].active;
        const prc_arm_effect *effect = &l->t->effect[u->arm];
        start = prc_measure(s->condition, w, ob, s->seed, 0, u->id, 0, PRC_TRUTH_AT(l->t, u->arm, i, 0, l->score), effect, active, s->bias);
        now = prc_measure(s->condition, w, ob, s->seed, 0, u->id, l->t->time[k], PRC_TRUTH_AT(l->t, u->arm, i, k, l->score), effect, active, s->bias);
    } else {
        start = prc_truth_seen(l->t, ob, l->score, u->arm, i, 0);
        now = prc_truth_seen(l->t, ob, l->score, u->arm, i, k);
    }
    double change = now - start - (l->expected ? l->expected[k] : 0);
    return isnan(change) || isnan(range) ? 0 : -ob->direction * change / range * 100;
}

/* The day on which a patient leaves: hazard rate * exp(DROPOUT_SLOPE * worse), constant between reports, reaches -ln U. */
static double dropout_day(const leaving *l, size_t i)
{
    const prc_trial_spec *s = l->spec;
    const prc_subject *u = subject_of(l->k, i);
    double per_day = s->dropout_rate / 365.25, done = 0, from = 0;
    if (s->missing == PRC_MISSING_NONE || per_day <= 0) return (double)INFINITY;
    double target = -prc_log(prc_uniform(s->seed, u->id, prc_purpose("dropout"), 0, 0));
    double hazard = per_day;
    for (size_t k = 1; k < l->t->n_time; k++) {
        if (!prc_on_grid(l->t->time[k], l->step)) continue;
        double span = l->t->time[k] - from;
        if (done + hazard * span >= target) return from + (target - done) / hazard;
        done += hazard * span;
        from = l->t->time[k];
        if (s->missing != PRC_MISSING_MCAR && l->ob) hazard = per_day * prc_exp(DROPOUT_SLOPE * worse_than_expected(l, i, k));
    }
    double day = from + (target - done) / hazard;
    return day < s->horizon ? day : (double)INFINITY;
}

static bool leaves_by_score(const prc_trial_spec *s)
{
    return leaving_score(s) >= 0 && (s->missing == PRC_MISSING_MAR || s->missing == PRC_MISSING_MNAR) && s->dropout_rate > 0;
}

prc_status prc_expected_change(const prc_trial_result *r, const double *time, size_t n_time, int n_threads, double **out, prc_error *err)
{
    const prc_trial_spec *s = r->spec;
    prc_cohort *typical = NULL;
    prc_truth *course = NULL;
    prc_status st;
    *out = NULL;
    if (!leaves_by_score(s)) return PRC_OK;
    size_t score = (size_t)leaving_score(s);
    const prc_observable *ob = &s->condition->observable[score];
    double *change = prc_malloc(n_time + 1, sizeof *change);
    if (!change) return prc_fail(err, PRC_E_MEMORY, "out of memory for the dropouts");
    PRC_GO(st, prc_cohort_typical(r->engine, &s->condition->typical, NULL, &typical, err));
    PRC_GO(st, prc_truth_simulate(r->engine, &s->condition->typical, typical, &s->arms->arm[s->endpoint[0].versus], 1, time, n_time, s->horizon, n_threads, NULL, &course, err));
    for (size_t k = 0; k < n_time; k++) {
        change[k] = prc_truth_seen(course, ob, score, 0, 0, k) - prc_truth_seen(course, ob, score, 0, 0, 0);
        if (isnan(change[k])) change[k] = 0;
    }
out:
    prc_truth_free(course);
    prc_cohort_free(typical);
    if (st == PRC_OK) *out = change;
    else prc_free(change);
    return st;
}

/* How far a patient's own simulation can be trusted. */
static double last_good_day(const prc_chunk *k, size_t i)
{
    const prc_truth *t = k->truth;
    size_t own = subject_of(k, i)->arm * t->n_patient + i;
    return prc_outcome_failed(t->outcome[own]) ? t->stop_time[own] : (double)INFINITY;
}

static double ending_day(const prc_chunk *k, size_t i)
{
    int o = prc_ending_event(k->r->spec->condition);
    double day = o < 0 ? (double)NAN : PRC_TRUTH_EVENT(k->truth, subject_of(k, i)->arm, i, o);
    return isnan(day) ? (double)INFINITY : day;
}

double prc_time_to_event(const prc_chunk *k, size_t i, size_t observable, int *event)
{
    const prc_subject *u = subject_of(k, i);
    double day = PRC_TRUTH_EVENT(k->truth, u->arm, i, observable);
    double censored = fmin(k->r->spec->horizon, fmin(u->dropout_day, last_good_day(k, i)));
    *event = day <= censored;
    return *event ? day : censored;
}

double prc_stop_day(const prc_chunk *k, size_t i)
{
    const prc_truth *t = k->truth;
    return t->stopped ? t->stopped[subject_of(k, i)->arm * t->n_patient + i] : (double)NAN;
}

size_t prc_rescues(const prc_chunk *k, size_t i, const double **day)
{
    const prc_truth *t = k->truth;
    const prc_subject *u = subject_of(k, i);
    size_t n = 0;
    *day = t->n_rescue ? t->rescue + (u->arm * t->n_patient + i) * t->n_rescue : NULL;
    while (n < t->n_rescue && (*day)[n] <= fmin(u->dropout_day, last_good_day(k, i))) n++;
    return n;
}

/* What ended a patient's measurements first; returns the last day on which he is measured. */
static double dispose(const prc_chunk *k, size_t i)
{
    prc_subject *u = subject_of(k, i);
    double rule = k->r->spec->rules.stop.ends_participation ? prc_stop_day(k, i) : (double)NAN;
    if (rule <= u->dropout_day) u->dropout_day = rule;
    double left = u->dropout_day, failed = last_good_day(k, i), ended = ending_day(k, i), horizon = k->r->spec->horizon;
    const prc_condition *c = k->r->spec->condition;
    u->disposition = PRC_COMPLETED;
    u->reason = "COMPLETED";
    if (failed <= left && failed <= ended && failed <= horizon) {
        u->disposition = PRC_SOLVER_FAILED;
        u->reason = "SIMULATION FAILED";
        return u->dropout_day = failed;
    }
    if (left <= ended && left <= horizon) {
        u->disposition = PRC_DROPPED_OUT;
        u->reason = left == rule ? "STOPPING RULE" : "LOST TO FOLLOW-UP";
        return left;
    }
    if (ended <= horizon) {
        u->disposition = PRC_HAD_EVENT;
        u->reason = c->observable[prc_ending_event(c)].label;
        return ended;
    }
    return (double)INFINITY;
}

static void measure_patient(const prc_chunk *k, size_t i, double until)
{
    const prc_trial_spec *s = k->r->spec;
    const prc_subject *u = subject_of(k, i);
    const prc_truth *t = k->truth;
    for (size_t v = 0; v < s->n_visit; v++) {
        size_t at = prc_time_index(t, s->visit[v]);
        for (size_t o = 0; o < t->n_observable; o++) {
            double truth = s->visit[v] > until ? (double)NAN : PRC_TRUTH_AT(t, u->arm, i, at, o);
            *prc_chunk_score(k, i, v, o) = prc_measure(s->condition, &s->condition->typical, &s->condition->observable[o], s->seed, 0, u->id, s->visit[v], truth,
                                                       &t->effect[u->arm], s->arms->arm[u->arm].active, s->bias);
        }
    }
}

/* Patients measured by one thread at a time; nothing depends on it. */
enum { GROUP = 32 };

static prc_status measure_group(void *ctx, size_t group, int thread)
{
    const leaving *l = ctx;
    (void)thread;
    for (size_t i = group * GROUP; i < l->k->n && i < (group + 1) * GROUP; i++) {
        subject_of(l->k, i)->dropout_day = dropout_day(l, i);
        measure_patient(l->k, i, dispose(l->k, i));
    }
    return PRC_OK;
}

prc_status prc_chunk_measure(prc_chunk *k, const double *expected, int n_threads, prc_error *err)
{
    const prc_trial_spec *s = k->r->spec;
    bool by_score = leaves_by_score(s);
    size_t score = by_score ? (size_t)leaving_score(s) : 0;
    leaving l = {k, s, k->truth, by_score ? &s->condition->observable[score] : NULL, score, prc_trial_step(s->horizon), expected};
    prc_status st = prc_parallel((k->n + GROUP - 1) / GROUP, n_threads, measure_group, &l);
    if (st != PRC_OK) return prc_fail(err, st, "cannot measure %zu patients: %s", k->n, prc_status_text(st));
    for (size_t i = 0; i < k->n; i++) k->r->n_lost += subject_of(k, i)->disposition == PRC_DROPPED_OUT;
    return PRC_OK;
}

/* ---- adverse events ------------------------------------------------------------------------------------------ */

static bool has_level(const prc_course *course, const char *level, size_t n)
{
    for (size_t i = 0; i < course->n_property; i++)
        if (strlen(course->level[i]) == n && strncmp(course->level[i], level, n) == 0) return true;
    return false;
}

/* Does the row speak of this course? Its source key is a level of the product, or several that must all hold, as in `adipose&autologous`. */
static bool concerns(const prc_adverse *a, const prc_course *course)
{
    if (strcmp(a->product, course->product) != 0) return false;
    for (const char *key = a->source_key; key && *key;) {
        size_t n = strcspn(key, "&");
        if (!has_level(course, key, n)) return false;
        key += n + (key[n] == '&');
    }
    return true;
}

static bool given_on(const prc_course *course, double day)
{
    for (size_t i = 0; i < course->n_time; i++)
        if (course->time[i] == day) return true;
    return false;
}

/* The row of the event of this name that applies to what the arm gives on a day: the likeliest one that concerns a product given, else the first, with *matches false. */
static const prc_adverse *row_for(const prc_condition *c, const prc_adverse *first, const prc_arm *arm, double day, bool *matches)
{
    const prc_adverse *best = first;
    *matches = false;
    for (size_t i = 0; i < c->n_adverse; i++) {
        const prc_adverse *a = &c->adverse[i];
        if (strcmp(a->name, first->name) != 0) continue;
        for (size_t k = 0; k < arm->n_course; k++) {
            if (!given_on(&arm->course[k], day) || !concerns(a, &arm->course[k])) continue;
            if (*matches && a->probability <= best->probability) continue;
            best = a;
            *matches = true;
        }
    }
    return best;
}

static prc_status administration(prc_chunk *c, size_t i, double day, prc_error *err)
{
    const prc_trial_spec *s = c->r->spec;
    const prc_subject *u = subject_of(c, i);
    for (size_t k = 0; k < s->n_adverse; k++) {
        bool matches;
        const prc_adverse *first = &s->condition->adverse[s->adverse[k]];
        const prc_adverse *a = row_for(s->condition, first, &s->arms->arm[u->arm], day, &matches);
        uint32_t purpose = stream("adverse", first->name), draw = 4 * (uint32_t)floor(day + 0.5);
        double luck = prc_uniform(s->seed, u->id, purpose, draw, 0);
        if (luck >= (matches ? a->probability : a->control_probability)) continue;
        double start = day + 2 * prc_uniform(s->seed, u->id, purpose, draw + 1, 0);
        double length = a->duration_low + (a->duration_high - a->duration_low) * prc_uniform(s->seed, u->id, purpose, draw + 2, 0);
        if (start > u->dropout_day || start > s->horizon) continue;
        if (!PRC_GROW(c->ae, c->n_ae, c->cap_ae)) return prc_fail(err, PRC_E_MEMORY, "out of memory for the adverse events");
        /* Related: it would not have happened without the product. */
        c->ae[c->n_ae++] = (prc_ae){i, s->adverse[k], start, start + length, matches && luck >= a->control_probability};
    }
    return PRC_OK;
}

static bool seen_before(const prc_arm *arm, size_t course, size_t time)
{
    double day = arm->course[course].time[time];
    for (size_t k = 0; k < course; k++)
        if (given_on(&arm->course[k], day)) return true;
    return time > 0 && arm->course[course].time[time - 1] == day;
}

/* Counts of the chunk: events, and patients with at least one. Events of a patient stand together. */
static prc_status count_adverse(const prc_chunk *c, prc_error *err)
{
    prc_trial_result *r = c->r;
    size_t n = r->spec->n_adverse;
    bool *seen = prc_calloc(n + 1, sizeof *seen);
    if (!seen) return prc_fail(err, PRC_E_MEMORY, "out of memory for the adverse events");
    for (size_t j = 0; j < c->n_ae; j++) {
        size_t at = (c->population * r->spec->arms->n + subject_of(c, c->ae[j].subject)->arm) * (n + 1), k = 0;
        if (j == 0 || c->ae[j].subject != c->ae[j - 1].subject) memset(seen, 0, (n + 1) * sizeof *seen);
        while (k < n && r->spec->adverse[k] != c->ae[j].adverse) k++;
        r->ae_events[at + k]++;
        r->ae_events[at + n]++;
        r->ae_patients[at + k] += !seen[k];
        r->ae_patients[at + n] += !seen[n];
        seen[k] = seen[n] = true;
    }
    r->n_ae += c->n_ae;
    prc_free(seen);
    return PRC_OK;
}

prc_status prc_chunk_adverse(prc_chunk *c, prc_error *err)
{
    const prc_trial_spec *s = c->r->spec;
    for (size_t i = 0; s->n_adverse && i < c->n; i++) {
        const prc_arm *arm = &s->arms->arm[subject_of(c, i)->arm];
        /* An arm that gives nothing still has the rate of those who get nothing, once. */
        if (arm->n_course == 0) PRC_TRY(administration(c, i, 0, err));
        for (size_t j = 0; j < arm->n_course; j++)
            for (size_t t = 0; t < arm->course[j].n_time; t++)
                if (!seen_before(arm, j, t) && !(arm->course[j].time[t] >= prc_stop_day(c, i))) PRC_TRY(administration(c, i, arm->course[j].time[t], err));
    }
    return count_adverse(c, err);
}

size_t prc_ae_patients(const prc_trial_result *r, size_t population, size_t arm, size_t k)
{
    return r->ae_patients[(population * r->spec->arms->n + arm) * (r->spec->n_adverse + 1) + k];
}

size_t prc_ae_events(const prc_trial_result *r, size_t population, size_t arm, size_t k)
{
    return r->ae_events[(population * r->spec->arms->n + arm) * (r->spec->n_adverse + 1) + k];
}
