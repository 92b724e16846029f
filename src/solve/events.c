/* events.c: watches and model events: found by their signs at three points of a step, placed by a search on the dense
 * output. */
#include "solve_int.h"

#include <math.h>
#include <string.h>

static void eval_into(prc_workspace *w, double *to)
{
    const prc_program *p = w->p;
    w->k->run(w->watch.instr, w->watch.n_instr, p->args, w->regs, w->stride, w->width);
    for (size_t i = 0; i < w->n_event_watch; i++) {
        int r = i < p->n_watch ? p->reg_watch[i] : p->reg_trigger[i - p->n_watch];
        memcpy(to + i * w->stride, prc_reg_row(w, r), w->width * sizeof *to);
    }
}

void prc_watch_eval(prc_workspace *w)
{
    const prc_program *p = w->p;
    double *time = prc_reg_row(w, p->reg_time);
    if (w->n_event_watch == 0) return;
    memcpy(prc_reg_row(w, p->reg_state), w->y1, p->n_state * w->stride * sizeof *w->y1);
    memcpy(time, w->t_new, w->stride * sizeof *time);
    eval_into(w, w->w1);
    for (size_t l = 0; l < w->width; l++) {
        time[l] = w->t[l] + 0.5 * w->h[l];
        w->s[l] = 0.5;
        prc_dense_weight(w->weight, w->stride, l, 0.5);
    }
    prc_dense_block(w, 0, w->width);
    eval_into(w, w->wm);
}

/* Narrows (lo, hi] until the first rise above 0 is placed to a few units in the last place: each pass tries eight
 * points inside. The value at lo is not above 0, that at hi is. */
static void narrow(prc_workspace *w, size_t l, int reg, double *lo, double *hi)
{
    const double *v = w->sregs + (size_t)reg * PRC_POINTS;
    for (int pass = 0; pass < 24; pass++) {
        double t[PRC_POINTS], d = *hi - *lo;
        if (!(d > 4e-16 * fmax(fabs(*lo), fabs(*hi)))) return;
        for (int c = 0; c < PRC_POINTS; c++) t[c] = *lo + d * ((c + 1) / 9.0);
        prc_dense_points(w, l, t);
        w->k->run(w->watch.instr, w->watch.n_instr, w->p->args, w->sregs, PRC_POINTS, PRC_POINTS);
        int c = 0;
        while (c < PRC_POINTS && !(v[c] > 0)) c++;
        if (c < PRC_POINTS) *hi = t[c];
        if (c > 0) *lo = t[c - 1];
    }
}

/* Did watch or trigger i rise in the step? Then lo and hi enclose the first time. */
static bool rises(const prc_workspace *w, size_t l, size_t i, double *lo, double *hi)
{
    const prc_lane *a = &w->lane[l];
    double v0 = w->w0[i * w->stride + l], vm = w->wm[i * w->stride + l], v1 = w->w1[i * w->stride + l];
    double middle = a->t + 0.5 * a->h_try;
    bool first = !(v0 > 0) && vm > 0;
    if (!first && (vm > 0 || !(v1 > 0))) return false;
    *lo = first ? a->t : middle;
    *hi = first ? middle : a->t_new;
    return true;
}

/* Could watch or trigger i have come true and gone again between the looks, or the other way round? The parabola through
 * them turns near 0 or beyond it. */
static bool may_turn(const prc_workspace *w, size_t l, size_t i)
{
    double v0 = w->w0[i * w->stride + l], vm = w->wm[i * w->stride + l], v1 = w->w1[i * w->stride + l];
    double sign = v0 > 0 ? -1 : 1;
    if ((v0 > 0) != (vm > 0) || (v0 > 0) != (v1 > 0)) return false;
    v0 *= sign, vm *= sign, v1 *= sign;
    double bend = 2 * (v0 - 2 * vm + v1), slope = 4 * vm - 3 * v0 - v1;
    if (!(bend < 0) || !(slope > 0) || !(slope < -2 * bend)) return false;
    double top = v0 - slope * slope / (4 * bend), range = fmax(fmax(v0, vm), v1) - fmin(fmin(v0, vm), v1);
    return top + 0.25 * range > 0;
}

/* Follows the turn inwards; true when lo and hi enclose a rise. */
static bool turn_rises(prc_workspace *w, size_t l, size_t i, double *lo, double *hi)
{
    int reg = i < w->p->n_watch ? w->p->reg_watch[i] : w->p->reg_trigger[i - w->p->n_watch];
    const double *v = w->sregs + (size_t)reg * PRC_POINTS;
    bool dip = w->w0[i * w->stride + l] > 0;
    double a = w->lane[l].t, b = w->lane[l].t_new;
    for (int pass = 0; pass < 4; pass++) {
        double t[PRC_POINTS];
        int best = 0, c = 0;
        for (int k = 0; k < PRC_POINTS; k++) t[k] = a + (b - a) * ((k + 1) / 9.0);
        prc_dense_points(w, l, t);
        w->k->run(w->watch.instr, w->watch.n_instr, w->p->args, w->sregs, PRC_POINTS, PRC_POINTS);
        while (c < PRC_POINTS && (v[c] > 0) == dip) c++;
        if (c < PRC_POINTS) {
            /* The rise is into the peak, or out of the dip. */
            while (dip && c < PRC_POINTS && !(v[c] > 0)) c++;
            *lo = c > 0 ? t[c - 1] : a;
            *hi = c < PRC_POINTS ? t[c] : b;
            return true;
        }
        for (int k = 1; k < PRC_POINTS; k++)
            if (dip ? v[k] < v[best] : v[k] > v[best]) best = k;
        double from = best > 0 ? t[best - 1] : a, to = best < PRC_POINTS - 1 ? t[best + 1] : b;
        a = from, b = to;
    }
    return false;
}

/* Only an event, or the terminal watch, changes the course. */
static bool cuts(const prc_workspace *w, size_t i) { return i >= w->p->n_watch || (int)i == w->o.terminal_watch; }

void prc_watch_find(prc_workspace *w, size_t l)
{
    const prc_program *p = w->p;
    prc_lane *a = &w->lane[l];
    double *seen = w->watch_time + l * p->n_watch;
    bool opened = false;
    const size_t none = w->n_event_watch;
    size_t dip = none;
    a->cut = (double)INFINITY;
    a->stop = false;
    /* What cuts the step comes first: later rises have not happened then. */
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < w->n_event_watch; i++) {
            double lo, hi;
            if (cuts(w, i) != (turn == 0) || (i < p->n_watch && !isnan(seen[i]))) continue;
            bool turns = !rises(w, l, i, &lo, &hi);
            if (turns && !may_turn(w, l, i)) continue;
            if (!opened) prc_lane_open(w, l), prc_dense_open(w, l), opened = true;
            if (turns && !turn_rises(w, l, i, &lo, &hi)) continue;
            narrow(w, l, i < p->n_watch ? p->reg_watch[i] : p->reg_trigger[i - p->n_watch], &lo, &hi);
            if (turn == 1 && hi <= a->cut) seen[i] = hi;
            if (turn == 0 && hi < a->cut) a->cut = hi, a->cut_from = lo, a->stop = i < p->n_watch, dip = turns ? i : none;
        }
    /* It was false just before. */
    if (dip < none) w->w0[dip * w->stride + l] = w->wm[dip * w->stride + l] = 0;
    if (a->stop) seen[w->o.terminal_watch] = a->cut;
}

bool prc_event_execute(prc_workspace *w)
{
    const prc_program *p = w->p;
    bool param = false;
    double *v = w->assign;
    /* All values come from the state at the trigger time, whatever the order of the events. */
    for (size_t e = 0; e < p->n_event; e++) {
        if (!w->fired[e]) continue;
        w->k->run(p->event[e].instr, p->event[e].n_instr, p->args, w->sregs, PRC_POINTS, PRC_POINTS);
        for (size_t i = 0; i < p->event_n[e]; i++) *v++ = w->sregs[(size_t)p->event_reg[e][i] * PRC_POINTS];
    }
    v = w->assign;
    for (size_t e = 0; e < p->n_event; e++) {
        if (!w->fired[e]) continue;
        for (size_t i = 0; i < p->event_n[e]; i++, v++) {
            int r = p->event_target[e][i];
            for (size_t c = 0; c < PRC_POINTS; c++) w->sregs[(size_t)r * PRC_POINTS + c] = *v;
            if (r >= p->reg_param && (size_t)(r - p->reg_param) < p->n_param) param = true;
        }
    }
    return param;
}
