/* lane.c: one patient at a time, in the scratch block: loading, events and doses, the first step, the end of the job.
 */
#include "solve_int.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* More events than this within one millionth of the job's time never end. */
enum { BURST_MAX = 1000 };

static double *scratch_row(const prc_workspace *w, int r) { return w->sregs + (size_t)r * PRC_POINTS; }

static void fill(double *row, double x)
{
    for (size_t c = 0; c < PRC_POINTS; c++) row[c] = x;
}

static void run_scratch(prc_workspace *w, prc_code code)
{
    w->k->run(code.instr, code.n_instr, w->p->args, w->sregs, PRC_POINTS, PRC_POINTS);
}

void prc_lane_open(prc_workspace *w, size_t l)
{
    const prc_program *p = w->p;
    for (size_t i = 0; i < w->n_keep; i++) fill(scratch_row(w, w->keep[i]), prc_reg_row(w, w->keep[i])[l]);
    for (size_t i = 0; i < p->n_state; i++) fill(scratch_row(w, p->reg_state + (int)i), w->y0[i * w->stride + l]);
    fill(scratch_row(w, p->reg_time), w->lane[l].t);
}

/* Back from the scratch block to the lane. */
static void close_lane(prc_workspace *w, size_t l)
{
    const prc_program *p = w->p;
    for (size_t i = 0; i < w->n_keep; i++) prc_reg_row(w, w->keep[i])[l] = scratch_row(w, w->keep[i])[0];
    for (size_t i = 0; i < p->n_state; i++) w->y0[i * w->stride + l] = scratch_row(w, p->reg_state + (int)i)[0];
}

void prc_lane_move(prc_workspace *w, size_t from, size_t to)
{
    const prc_program *p = w->p;
    for (size_t i = 0; i < w->n_keep; i++) prc_reg_row(w, w->keep[i])[to] = prc_reg_row(w, w->keep[i])[from];
    for (size_t i = 0; i < p->n_state; i++) {
        w->y0[i * w->stride + to] = w->y0[i * w->stride + from];
        w->add[i * w->stride + to] = w->add[i * w->stride + from];
    }
    for (size_t i = 0; i < w->n_event_watch; i++) w->w0[i * w->stride + to] = w->w0[i * w->stride + from];
    if (p->n_watch > 0)
        memcpy(w->watch_time + to * p->n_watch, w->watch_time + from * p->n_watch, p->n_watch * sizeof *w->watch_time);
    w->lane[to] = w->lane[from];
    w->lane[from].active = false;
}

void prc_lane_finish(prc_workspace *w, size_t l, prc_outcome outcome, int state)
{
    const prc_program *p = w->p;
    prc_lane *a = &w->lane[l];
    for (size_t i = 0; i < p->n_state; i++) w->final[i] = w->y0[i * w->stride + l];
    prc_job_result r = {outcome, a->t, state, w->final, w->watch_time + l * p->n_watch, a->steps, a->rejected};
    a->active = false;
    if (w->lu_lane == (int)l) w->lu_lane = -1;
    if (w->sink->done != NULL) w->sink->done(w->sink->ctx, w->part, &a->job, &r);
}

int prc_lane_blame(const prc_workspace *w, size_t l)
{
    int worst = -1;
    double most = -1;
    if (w->lane[l].negative >= 0) return w->lane[l].negative;
    for (size_t i = 0; i < w->p->n_state; i++) {
        size_t o = i * w->stride + l;
        double r = fabs(w->ks[7][o]) / (w->atol[i] + w->o.rtol * fmax(fabs(w->y0[o]), fabs(w->y1[o])));
        if (isnan(r)) return (int)i;
        if (r > most) most = r, worst = (int)i;
    }
    return worst;
}

bool prc_lane_steady(const prc_workspace *w, size_t l, const double *f, size_t stride)
{
    const prc_lane *a = &w->lane[l];
    /* Not before the last dose has happened and the last infusion has ended. */
    if (a->next_dose < a->job.n_dose || isfinite(a->infusion_end)) return false;
    for (size_t i = 0; i < w->p->n_state; i++) {
        double size = fmax(fabs(w->y0[i * w->stride + l]), w->o.scale != NULL ? w->o.scale[i] : 1.0);
        if (!(fabs(f[i * stride]) <= w->o.steady_tol * size)) return false;
    }
    return true;
}

/* Rates of the scratch lane, infusions included; the slot of one that is not finite, or -1. */
static int rate_here(prc_workspace *w, size_t l, double *f)
{
    int bad = -1;
    run_scratch(w, w->p->rate);
    for (size_t i = w->p->n_state; i-- > 0;) {
        f[i] = scratch_row(w, w->p->reg_rate[i])[0] + w->add[i * w->stride + l];
        if (!isfinite(f[i])) bad = (int)i;
    }
    return bad;
}

static double norm(const prc_workspace *w, size_t l, const double *v, const double *less, size_t stride)
{
    double sum = 0;
    size_t n = w->p->n_state;
    for (size_t i = 0; i < n; i++) {
        double r =
            (v[i * stride] - (less != NULL ? less[i] : 0)) / (w->atol[i] + w->o.rtol * fabs(w->y0[i * w->stride + l]));
        sum += r * r;
    }
    return sqrt(sum / (double)n);
}

/* First step after a corner: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.4. Needs the lane
 * opened. */
static void first_step(prc_workspace *w, size_t l, double room)
{
    const prc_program *p = w->p;
    prc_lane *a = &w->lane[l];
    if (w->o.h_max > 0 && room > w->o.h_max) room = w->o.h_max;
    a->h = room;
    a->just_rejected = false;
    int bad = rate_here(w, l, w->f0);
    if (bad >= 0) {
        prc_lane_finish(w, l, PRC_NONFINITE, bad);
        return;
    }
    if (p->n_state == 0) return;
    double d0 = norm(w, l, w->y0 + l, NULL, w->stride), d1 = norm(w, l, w->f0, NULL, 1);
    double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 * room : 0.01 * (d0 / d1);
    if (!(h0 <= room)) h0 = room;
    for (size_t i = 0; i < p->n_state; i++)
        fill(scratch_row(w, p->reg_state + (int)i), w->y0[i * w->stride + l] + h0 * w->f0[i]);
    fill(scratch_row(w, p->reg_time), a->t + h0);
    bad = rate_here(w, l, w->f1);
    double d2 = norm(w, l, w->f1, w->f0, 1) / h0;
    double x = 0.01 / fmax(d1, d2), y = 0.2, h1;
    w->k->vpow(&h1, &x, &y, 1);
    if (fmax(d1, d2) <= 1e-15) h1 = fmax(1e-6 * room, h0 * 1e-3);
    /* Ten times the usual guess: a step too many is rejected at once, while growing from a small one takes several. */
    double h = 10 * fmin(100 * h0, h1);
    if (bad >= 0 || !(h > 0)) h = 1e-3 * h0;
    a->h = fmin(h, room);
}

static bool is_infusion(const prc_dose_event *d) { return d->state >= 0 && d->time + d->duration > d->time; }

/* Doses up to now. Boluses from before t0 are part of the start; infusions and parameter values from then still hold.
 */
static bool give_doses(prc_workspace *w, size_t l, bool *param)
{
    prc_lane *a = &w->lane[l];
    bool any = false;
    for (; a->next_dose < a->job.n_dose && a->job.dose[a->next_dose].time <= a->t; a->next_dose++) {
        const prc_dose_event *d = &a->job.dose[a->next_dose];
        any = true;
        if (d->param >= 0) {
            fill(scratch_row(w, w->p->reg_param + d->param), d->amount);
            *param = true;
        } else if (d->state >= 0 && !is_infusion(d) && d->time >= a->job.t0) {
            double *y = scratch_row(w, w->p->reg_state + d->state);
            fill(y, y[0] + d->amount);
        }
    }
    return any;
}

/* Sums running infusions anew, so that nothing is left over when the last one ends. */
static void set_infusions(prc_workspace *w, size_t l)
{
    prc_lane *a = &w->lane[l];
    for (size_t i = 0; i < w->p->n_state; i++) w->add[i * w->stride + l] = 0;
    a->infusion_end = (double)INFINITY;
    bool leading = true;
    for (size_t i = a->first_infusion; i < a->next_dose; i++) {
        const prc_dose_event *d = &a->job.dose[i];
        double end = d->time + d->duration;
        bool running = is_infusion(d) && end > a->t;
        if (running) {
            w->add[(size_t)d->state * w->stride + l] += d->amount / d->duration;
            a->infusion_end = fmin(a->infusion_end, end);
        }
        if (leading && running) leading = false;
        if (leading) a->first_infusion = i + 1;
    }
}

/* Watches and triggers of the scratch lane against those before; returns whether an event fires. */
static bool look(prc_workspace *w, size_t l)
{
    const prc_program *p = w->p;
    prc_lane *a = &w->lane[l];
    double *seen = w->watch_time + l * p->n_watch;
    bool any = false;
    run_scratch(w, w->watch);
    for (size_t i = 0; i < w->n_event_watch; i++) {
        double now = scratch_row(w, i < p->n_watch ? p->reg_watch[i] : p->reg_trigger[i - p->n_watch])[0];
        double *before = &w->w0[i * w->stride + l];
        bool rose = !(*before > 0) && now > 0;
        *before = now;
        if (i >= p->n_watch) {
            w->fired[i - p->n_watch] = rose;
            any |= rose;
        } else if (rose && isnan(seen[i])) {
            seen[i] = a->t;
            if ((int)i == w->o.terminal_watch) a->stop = true;
        }
    }
    return any;
}

/* Counts events that crowd together; true when they are too many. */
static bool chatters(prc_lane *a)
{
    if (a->t - a->burst_from > 1e-6 * (a->job.t1 - a->job.t0)) a->burst_from = a->t, a->burst = 0;
    return ++a->burst > BURST_MAX;
}

/* Events and doses at this time until nothing more happens. False when events never end. */
static bool happen(prc_workspace *w, size_t l)
{
    prc_lane *a = &w->lane[l];
    for (;;) {
        bool param = false;
        bool fires = w->n_event_watch > 0 && look(w, l);
        if (a->stop) return true;
        if (fires) {
            if (chatters(a)) return false;
            param = prc_event_execute(w);
        } else if (!give_doses(w, l, &param)) {
            return true;
        }
        if (param) run_scratch(w, w->p->patient);
    }
}

static void deliver_here(prc_workspace *w, size_t l)
{
    const prc_program *p = w->p;
    prc_lane *a = &w->lane[l];
    if (w->sink->output == NULL || a->next_time >= a->job.n_time || !(a->job.time[a->next_time] <= a->t)) return;
    run_scratch(w, w->output);
    for (size_t i = 0; i < p->n_output; i++) w->value[i] = scratch_row(w, p->reg_output[i])[0];
    for (; a->next_time < a->job.n_time && a->job.time[a->next_time] <= a->t; a->next_time++)
        w->sink->output(w->sink->ctx, w->part, &a->job, a->next_time, w->value);
}

/* Everything at the time of the opened lane. */
static void settle(prc_workspace *w, size_t l)
{
    prc_lane *a = &w->lane[l];
    bool ends = happen(w, l);
    set_infusions(w, l);
    close_lane(w, l);
    if (!ends) {
        prc_lane_finish(w, l, PRC_CHATTER, -1);
        return;
    }
    deliver_here(w, l);
    if (a->stop) {
        prc_lane_finish(w, l, PRC_STOPPED, -1);
        return;
    }
    if (a->t < a->job.t1) {
        first_step(w, l, a->job.t1 - a->t);
        return;
    }
    bool steady = w->o.until_steady && rate_here(w, l, w->f0) < 0 && prc_lane_steady(w, l, w->f0, 1);
    prc_lane_finish(w, l, w->o.until_steady && !steady ? PRC_NOT_STEADY : PRC_DONE, -1);
}

void prc_lane_arrive(prc_workspace *w, size_t l)
{
    prc_lane_open(w, l);
    settle(w, l);
}

/* Parameters, then the model's own initial values unless the job gives others. */
static int start_values(prc_workspace *w, size_t l)
{
    const prc_program *p = w->p;
    const prc_job *job = &w->lane[l].job;
    int bad = -1;
    for (size_t i = 0; i < p->n_param; i++) fill(scratch_row(w, p->reg_param + (int)i), job->param[i]);
    fill(scratch_row(w, p->reg_time), job->t0);
    /* Initial values may refer to states that the job gives; one that it does not give must not be what the last patient left. */
    for (size_t i = 0; i < p->n_state; i++)
        fill(scratch_row(w, p->reg_state + (int)i), job->start != NULL ? job->start[i] : (double)NAN);
    run_scratch(w, p->initial);
    for (size_t i = p->n_state; i-- > 0;) {
        double y = job->start != NULL ? job->start[i] : (double)NAN;
        if (isnan(y) && p->has_initial[i]) y = scratch_row(w, p->reg_initial[i])[0];
        w->y0[i * w->stride + l] = y;
        if (!isfinite(y)) bad = (int)i;
    }
    for (size_t i = 0; i < p->n_state; i++) fill(scratch_row(w, p->reg_state + (int)i), w->y0[i * w->stride + l]);
    run_scratch(w, p->patient);
    return bad;
}

void prc_lane_load(prc_workspace *w, size_t l, const prc_job *job)
{
    prc_lane *a = &w->lane[l];
    *a = (prc_lane){.job = *job,
                    .active = true,
                    .t = job->t0,
                    .cut = (double)INFINITY,
                    .burst_from = job->t0,
                    .negative = -1,
                    .infusion_end = (double)INFINITY};
    for (size_t i = 0; i < w->p->n_watch; i++) w->watch_time[l * w->p->n_watch + i] = (double)NAN;
    for (size_t i = 0; i < w->p->n_state; i++) w->add[i * w->stride + l] = 0;
    int bad = start_values(w, l);
    if (bad >= 0 || !isfinite(job->t0) || !isfinite(job->t1) || !(job->t1 >= job->t0)) {
        prc_lane_finish(w, l, PRC_NONFINITE, bad);
        return;
    }
    /* What is true before the first dose has not risen. */
    for (size_t i = 0; i < w->n_event_watch; i++) w->w0[i * w->stride + l] = 1;
    if (w->n_event_watch > 0) look(w, l);
    settle(w, l);
}
