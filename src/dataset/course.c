/* The records of a patient in order of time: additional and lagged doses put in their place, time-varying parameters as
 * settings, cut into segments where the state is set anew or where records at one time must keep their order. */
#include "dataset_int.h"

#include <math.h>
#include <string.h>

/* A dose that is not given yet: the next one of a row with a lag or with additional doses. */
typedef struct pending {
    double base, ii, amount, duration;
    int64_t k, last; /* dose k comes at base + k * ii */
    int state;
} pending;

typedef struct builder {
    const prc_dataset *d;
    const prc_patient_rows *p;
    prc_course *c;
    prc_error *err;
    size_t n_param;
    bool with_lines;
    prc_segment *seg; /* the one being filled */
    double *now;      /* parameters now (n_param) */
    bool changed;     /* ... differ from the last set in the course */
    double given_at;  /* time of the segment's last dose or setting, NaN = none */
    pending *wait;
    size_t n_wait, cap_wait;
    prc_dose_event *running; /* infusions since the last reset */
    size_t n_running, cap_running;
    long line;
} builder;

static prc_status no_memory(const builder *b) {
    return prc_fail(b->err, PRC_E_MEMORY, "out of memory while reading the data set");
}

static bool same(double a, double b) {
    return a >= b && a <= b;
}

/* ---- segments -----------------------------------------------------------------------------------------------------
 */

static prc_status keep_param(builder *b, size_t *at) {
    prc_course *c = b->c;
    if (b->changed || c->n_param == 0) {
        if (!prc_grow(&c->param, &c->cap_param, c->n_param + b->n_param + 1, sizeof *c->param)) return no_memory(b);
        memcpy(c->param + c->n_param, b->now, b->n_param * sizeof *b->now);
        c->n_param += b->n_param ? b->n_param : 1;
        b->changed = false;
    }
    *at = c->n_param - (b->n_param ? b->n_param : 1);
    return PRC_OK;
}

static prc_status add_dose(builder *b, const prc_dose_event *e) {
    prc_course *c = b->c;
    if (!PRC_GROW(c->dose, c->n_dose, c->cap_dose)) return no_memory(b);
    c->dose[c->n_dose++] = *e;
    b->seg->n_dose++;
    return PRC_OK;
}

/* Opens a segment at t; infusions that still run go on in it. */
static prc_status begin(builder *b, double t, prc_start start) {
    prc_course *c = b->c;
    if (!PRC_GROW(c->segment, c->n_segment, c->cap_segment)) return no_memory(b);
    b->seg = &c->segment[c->n_segment++];
    *b->seg = (prc_segment){.start = start, .t0 = t, .t1 = t, .dose = c->n_dose, .time = c->n_time};
    PRC_TRY(keep_param(b, &b->seg->param));
    b->given_at = (double)NAN;
    size_t left = 0;
    for (size_t i = 0; i < b->n_running; i++) {
        prc_dose_event e = b->running[i];
        if (!(e.time + e.duration > t)) continue;
        PRC_TRY(add_dose(b, &e));
        b->running[left++] = e;
    }
    b->n_running = left;
    return PRC_OK;
}

/* Ends the segment at t. One that nobody looks at and from which nothing follows is not run. */
static void finish(builder *b, double t, prc_start next) {
    prc_course *c = b->c;
    b->seg->t1 = t;
    if (b->seg->n_time > 0 || (next != PRC_START_MODEL && next != PRC_START_STEADY)) return;
    c->n_dose = b->seg->dose;
    c->n_segment--;
}

/* ---- events and outputs ----------------------------------------------------------------------------------------- */

/* Something happens at t after records that were observed at t: these saw the state before it. The solver gives the
 * state after everything at t, so they are asked for just before t, or where something else happened at t already, the
 * segment is cut. */
static prc_status before_event(builder *b, double t) {
    prc_course *c = b->c;
    size_t n = b->seg->n_time, first = b->seg->time;
    if (n == 0 || !same(c->time[first + n - 1], t)) return PRC_OK;
    if (!same(b->given_at, t) && t > b->seg->t0) {
        for (size_t i = n; i-- > 0 && same(c->time[first + i], t);)
            c->time[first + i] = nextafter(t, -(double)INFINITY);
        return PRC_OK;
    }
    if (b->d->sets_param && (t > b->seg->t0 || b->seg->n_dose > 0))
        return prc_fail_at(b->err, PRC_E_UNSUPPORTED, b->d->path, (int)b->line, 0,
                           "an observation between two doses or settings at one time, in a model whose events change "
                           "parameters, is not supported yet");
    finish(b, t, PRC_START_CONTINUE);
    return begin(b, t, PRC_START_CONTINUE);
}

static prc_status happen(builder *b, const prc_dose_event *e) {
    PRC_TRY(before_event(b, e->time));
    PRC_TRY(add_dose(b, e));
    b->given_at = e->time;
    if (e->state < 0 || !(e->duration > 0)) return PRC_OK;
    if (!PRC_GROW(b->running, b->n_running, b->cap_running)) return no_memory(b);
    b->running[b->n_running++] = *e;
    return PRC_OK;
}

/* A parameter takes a value at t; inside a segment this is an event. */
static prc_status set_param(builder *b, double t, int slot, double x, bool fresh) {
    if (same(b->now[slot], x)) return PRC_OK;
    b->now[slot] = x;
    b->changed = true;
    return fresh ? PRC_OK : happen(b, &(prc_dose_event){.time = t, .amount = x, .state = -1, .param = slot});
}

static prc_status observe(builder *b, double t) {
    prc_course *c = b->c;
    if (!PRC_GROW(c->time, c->n_time, c->cap_time) || !PRC_GROW(c->shown, c->n_time, c->cap_shown)) return no_memory(b);
    c->time[c->n_time] = c->shown[c->n_time] = t;
    c->n_time++;
    b->seg->n_time++;
    return PRC_OK;
}

/* Gives the waiting doses up to and at t, in order of time. A dose whose time differs from t by rounding alone is at t.
 */
static prc_status release(builder *b, double t) {
    for (;;) {
        size_t first = b->n_wait;
        double when = (double)INFINITY;
        for (size_t i = 0; i < b->n_wait; i++) {
            const pending *w = &b->wait[i];
            double x = w->base + (double)w->k * w->ii;
            if (fabs(x - t) <= 1e-12 * fmax(fabs(t), w->ii)) x = t;
            if (x < when) when = x, first = i;
        }
        if (!(when <= t)) return PRC_OK;
        pending *w = &b->wait[first];
        prc_dose_event e = {.time = when, .duration = w->duration, .amount = w->amount, .state = w->state, .param = -1};
        if (++w->k > w->last) memmove(w, w + 1, (--b->n_wait - first) * sizeof *w);
        PRC_TRY(happen(b, &e));
    }
}

/* ---- doses
 * ----------------------------------------------------------------------------------------------------------- */

typedef struct scope {
    const builder *b;
    int depth;
} scope;

static bool lookup(void *ctx, const char *name, double *out) {
    scope *s = ctx;
    const prc_model *m = s->b->d->m;
    int v = prc_model_find(m, name);
    if (v < 0 || m->var[v].kind == PRC_VAR_STATE || s->depth > 1000) return false;
    const prc_var *var = &m->var[v];
    const prc_expr *e = var->kind == PRC_VAR_ASSIGNED ? var->rule : var->initial;
    if (var->kind == PRC_VAR_PARAMETER && !prc_dataset_derived(var)) {
        *out = s->b->now[var->slot];
        return true;
    }
    for (size_t i = 0; s->b->with_lines && i < s->b->d->n_cov; i++)
        if (s->b->d->cov[i].linear && strcmp(s->b->d->cov[i].name, var->name) == 0) {
            *out = s->b->now[s->b->d->cov[i].param];
            return true;
        }
    s->depth++;
    bool ok = e && prc_expr_eval(e, lookup, ctx, out, NULL) == PRC_OK;
    s->depth--;
    return ok;
}

/* Value of ALAG_ or F_ now; at least 0. */
static prc_status dose_factor(builder *b, int v, double none, double *out) {
    *out = none;
    if (v < 0) return PRC_OK;
    scope s = {b, 0};
    const char *name = b->d->m->var[v].name;
    if (!lookup(&s, name, out))
        return prc_fail_at(b->err, PRC_E_MODEL, b->d->path, (int)b->line, 0,
                           "`%s` must follow from parameters alone, not from states or time", name);
    if (!(*out >= 0) || isinf(*out))
        return prc_fail_at(b->err, PRC_E_VALUE, b->d->path, (int)b->line, 0,
                           "`%s` of patient %.80s is %g; it must be 0 or more", name, b->p->id, *out);
    return PRC_OK;
}

/* Parameters of the steady state, in which covariates stand still. */
static prc_status keep_still(builder *b, size_t *at) {
    bool moves = false;
    for (size_t i = 0; b->with_lines && i < b->d->n_cov; i++)
        if (b->d->cov[i].linear && !same(b->now[b->d->cov[i].slope], 0)) moves = b->changed = true;
    PRC_TRY(keep_param(b, at));
    for (size_t i = 0; moves && i < b->d->n_cov; i++)
        if (b->d->cov[i].linear) b->c->param[*at + (size_t)b->d->cov[i].slope] = 0;
    b->changed = b->changed || moves;
    return PRC_OK;
}

/* The segment that starts in the steady state of this dose. */
static prc_status begin_steady(builder *b, const prc_record *r, double amount, double duration, double lag) {
    if (duration > r->ii)
        return prc_dataset_fail(b->d, r->line, PRC_COL_SS, PRC_E_VALUE, b->err,
                                "the infusion lasts %g, longer than the interval II = %g", duration, r->ii);
    if (lag >= r->ii)
        return prc_dataset_fail(b->d, r->line, PRC_COL_SS, PRC_E_VALUE, b->err,
                                "the lag time %g is not below the interval II = %g", lag, r->ii);
    if (b->d->sets_param)
        return prc_dataset_fail(b->d, r->line, PRC_COL_SS, PRC_E_UNSUPPORTED, b->err,
                                "not for a model whose events change parameters");
    finish(b, r->time, r->ss == 2 ? PRC_START_ADD_STEADY : PRC_START_STEADY);
    if (r->ss == 1) b->n_running = b->n_wait = 0;
    size_t steady_param;
    PRC_TRY(keep_still(b, &steady_param));
    PRC_TRY(begin(b, r->time, r->ss == 2 ? PRC_START_ADD_STEADY : PRC_START_STEADY));
    b->seg->steady_param = steady_param;
    b->seg->steady =
        (prc_dose_event){.time = 0, .duration = duration, .amount = amount, .state = r->state, .param = -1};
    b->seg->ii = r->ii;
    b->seg->phase = lag > 0 ? r->ii - lag : 0;
    /* The infusion before may still be running. */
    if (lag > 0 && duration > r->ii - lag)
        return happen(
            b,
            &(prc_dose_event){
                .time = r->time + lag - r->ii, .duration = duration, .amount = amount, .state = r->state, .param = -1});
    return PRC_OK;
}

static prc_status dose(builder *b, const prc_record *r) {
    double f, lag;
    PRC_TRY(dose_factor(b, b->d->f[r->state], 1, &f));
    PRC_TRY(dose_factor(b, b->d->lag[r->state], 0, &lag));
    double amount = f * r->amt, duration = r->rate > 0 ? amount / r->rate : 0;
    if (r->ss > 0) PRC_TRY(begin_steady(b, r, amount, duration, lag));
    if (!(lag > 0))
        PRC_TRY(
            happen(b, &(prc_dose_event){
                          .time = r->time, .duration = duration, .amount = amount, .state = r->state, .param = -1}));
    int64_t k = lag > 0 ? 0 : 1;
    if (k > r->addl) return PRC_OK;
    if (!PRC_GROW(b->wait, b->n_wait, b->cap_wait)) return no_memory(b);
    b->wait[b->n_wait++] = (pending){.base = r->time + lag,
                                     .ii = r->ii,
                                     .amount = amount,
                                     .duration = duration,
                                     .k = k,
                                     .last = r->addl,
                                     .state = r->state};
    return PRC_OK;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* The value of a column in record i, and the slope to the next value in the same course of time. */
static double slope_from(const builder *b, size_t i, size_t col) {
    const prc_patient_rows *p = b->p;
    size_t n_cov = b->d->n_cov;
    for (size_t j = i + 1; j < p->n && p->record[j].evid < 3; j++) {
        double next = p->cov[j * n_cov + col], dt = p->record[j].time - p->record[i].time;
        if (!isnan(next)) return dt > 0 ? (next - p->cov[i * n_cov + col]) / dt : 0;
    }
    return 0;
}

static prc_status settings(builder *b, size_t i, bool fresh) {
    double t = b->p->record[i].time;
    for (size_t k = 0; k < b->d->n_cov; k++) {
        const prc_cov *cov = &b->d->cov[k];
        double x = b->p->cov[i * b->d->n_cov + k];
        if (isnan(x)) continue;
        if (b->with_lines && cov->linear) {
            double slope = slope_from(b, i, k);
            bool level = same(slope, 0) && same(b->now[cov->slope], 0) && same(b->now[cov->param], x);
            if (!level || i == 0) {
                PRC_TRY(set_param(b, t, cov->slope, slope, fresh));
                PRC_TRY(set_param(b, t, cov->from, t, fresh));
            }
        }
        PRC_TRY(set_param(b, t, cov->param, x, fresh));
    }
    return PRC_OK;
}

static prc_status record(builder *b, size_t i) {
    const prc_record *r = &b->p->record[i];
    bool reset = r->evid >= 3;
    b->line = r->line;
    if (i > 0) PRC_TRY(release(b, r->time));
    if (i > 0 && reset) {
        finish(b, fmax(b->p->record[i - 1].time, b->seg->t0), PRC_START_MODEL);
        b->n_running = b->n_wait = 0;
    }
    bool fresh = i == 0 || reset;
    /* What an observation at this time saw is the value before. */
    PRC_TRY(settings(b, i, fresh));
    if (fresh) PRC_TRY(begin(b, r->time, PRC_START_MODEL));
    if (r->evid == 1 || r->evid == 4) return dose(b, r);
    return r->evid == 0 ? observe(b, r->time) : PRC_OK;
}

prc_status prc_course_build(const prc_dataset *d, const prc_patient_rows *p, const double *base, size_t n_param,
                            bool with_lines, prc_course *c, prc_error *err) {
    builder b = {.d = d, .p = p, .c = c, .err = err, .n_param = n_param, .with_lines = with_lines, .changed = true};
    prc_status st = PRC_OK;
    c->n_segment = c->n_dose = c->n_time = c->n_param = 0;
    b.now = prc_calloc(n_param + 1, sizeof *b.now);
    if (!b.now) PRC_GO(st, no_memory(&b));
    memcpy(b.now, base, n_param * sizeof *b.now);
    for (size_t i = 0; i < p->n; i++) PRC_GO(st, record(&b, i));
    if (p->n > 0) b.seg->t1 = p->record[p->n - 1].time;
out:
    prc_free(b.now);
    prc_free(b.wait);
    prc_free(b.running);
    return st;
}

void prc_course_reset(prc_course *c) {
    prc_free(c->segment);
    prc_free(c->dose);
    prc_free(c->time);
    prc_free(c->shown);
    prc_free(c->param);
    *c = (prc_course){0};
}
