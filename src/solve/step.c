/* step.c: one attempt of a step by every lane of the block, each with its own time and step size. */
#include "rodas5p.h"
#include "solve_int.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Relative residual above which a solution is not trusted, and attempts before a lane is called singular. */
static const double residual_tol = 1e-10;
enum { SINGULAR_MAX = 30 };

/* Chooses each lane's attempt: up to the next corner of the solution exactly, never leaving a sliver before it. */
static void plan(prc_workspace *w)
{
    double *hginv = prc_reg_row(w, w->p->reg_hginv), *time = prc_reg_row(w, w->p->reg_time);
    for (size_t l = 0; l < w->width && l < w->n_lane; l++) {
        prc_lane *a = &w->lane[l];
        a->use_fallback = a->singular = false;
        if (!a->active) {
            a->h_try = 1, a->t_new = a->t + 1;
        } else {
            double stop = fmin(a->job.t1, a->infusion_end);
            if (a->next_dose < a->job.n_dose) stop = fmin(stop, a->job.dose[a->next_dose].time);
            double room = stop - a->t, h = a->h;
            if (w->o.h_max > 0) h = fmin(h, w->o.h_max);
            bool lands = h * 1.0001 >= room;
            if (lands)
                h = room;
            else if (2 * h > room)
                h = 0.5 * room;
            a->h_try = h;
            a->t_new = lands ? stop : a->t + h;
        }
        w->t[l] = a->t, w->h[l] = a->h_try, w->t_new[l] = a->t_new;
        w->inv_h[l] = 1 / a->h_try;
        hginv[l] = 1 / (a->h_try * rodas_gamma);
        time[l] = a->t;
    }
}

static void copy_rows(prc_workspace *w, double *to, const double *from)
{
    memcpy(to, from, w->p->n_state * w->stride * sizeof *to);
}

/* Adds d h df/dt to the right-hand side of a stage. */
static void add_time_term(prc_workspace *w, double *rhs, double d)
{
    const double *row;
    if (w->dfdt == NULL || d == 0) return;
    for (size_t i = 0; i < w->p->n_state; i++) {
        if (w->p->reg_dfdt[i] < 0) continue;
        row = w->dfdt + i * w->stride;
        w->k->combine(rhs + i * w->stride, rhs + i * w->stride, &d, &row, 1, w->width);
    }
}

/* h df/dt where a rate depends on time. */
static void take_time_term(prc_workspace *w)
{
    for (size_t i = 0; w->dfdt != NULL && i < w->p->n_state; i++) {
        if (w->p->reg_dfdt[i] < 0) continue;
        const double *f = prc_reg_row(w, w->p->reg_dfdt[i]);
        double *to = w->dfdt + i * w->stride;
        for (size_t l = 0; l < w->width; l++) to[l] = w->h[l] * f[l];
    }
}

/* A lane whose rate is not finite where it stands cannot go on with any step. */
static bool stuck(prc_workspace *w, size_t l)
{
    for (size_t i = 0; i < w->p->n_state; i++)
        if (!isfinite(w->rhs[i * w->stride + l])) {
            prc_lane_finish(w, l, PRC_NONFINITE, (int)i);
            return true;
        }
    return false;
}

static void save_jacobian(prc_workspace *w, size_t l)
{
    for (size_t k = 0; k < w->p->n_jac; k++) w->jac[k * w->stride + l] = prc_reg_row(w, w->jac_reg[k])[l];
}

/* Checks the first solution of the step; a lane with a bad one gets the dense LU for all stages. */
static void check_solution(prc_workspace *w)
{
    const prc_program *p = w->p;
    double *bad = w->mask, *x = w->ks[0];
    /* Where the factors overwrite the Jacobian, its copy is the register file. */
    const double *regs = w->keep_jac ? w->jac : w->regs;
    const int32_t *reg = w->keep_jac ? w->jac_index : w->jac_reg;
    w->k->residual(bad, regs, w->jac_start, w->jac_col, reg, prc_reg_row(w, p->reg_hginv), x, w->rhs, residual_tol,
                   p->n_state, w->stride, w->width);
    for (size_t l = 0; l < w->width && l < w->n_lane; l++) {
        prc_lane *a = &w->lane[l];
        if (bad[l] == 0) {
            a->n_singular = 0;
            continue;
        }
        if (!a->active || stuck(w, l)) continue;
        if (!w->keep_jac) save_jacobian(w, l);
        if (prc_fallback_factor(w, l)) {
            a->use_fallback = true;
            a->n_singular = 0;
            prc_fallback_solve(w, l, x);
        } else {
            a->singular = true;
        }
    }
}

/* Solves for stage i, in place. */
static void solve_stage(prc_workspace *w, int i)
{
    double *x = w->ks[i];
    if (i > 0)
        for (size_t l = 0; l < w->width && l < w->n_lane; l++)
            for (size_t j = 0; w->lane[l].use_fallback && j < w->p->n_state; j++)
                w->rhs[j * w->stride + l] = x[j * w->stride + l];
    prc_run(w, &w->solve[i]);
    if (i == 0)
        check_solution(w);
    else
        for (size_t l = 0; l < w->width && l < w->n_lane; l++)
            if (w->lane[l].use_fallback) prc_fallback_solve(w, l, x);
}

/* Ends lanes whose rates have died down. */
static void find_steady(prc_workspace *w)
{
    for (size_t l = 0; w->o.until_steady && l < w->width && l < w->n_lane; l++)
        if (w->lane[l].active && prc_lane_steady(w, l, w->rhs + l, w->stride)) prc_lane_finish(w, l, PRC_DONE, -1);
}

/* Jacobian, factors and the first stage. */
static void begin(prc_workspace *w)
{
    const prc_program *p = w->p;
    copy_rows(w, prc_reg_row(w, p->reg_state), w->y0);
    prc_run(w, &w->jacobian);
    w->k->add_rows(w->rhs, w->regs, p->jac_reg_rate, w->add, p->n_state, w->stride, w->width);
    find_steady(w);
    take_time_term(w);
    add_time_term(w, w->rhs, rodas_d[0]);
    for (size_t k = 0; w->keep_jac && k < p->n_jac; k++)
        memcpy(w->jac + k * w->stride, prc_reg_row(w, w->jac_reg[k]), w->stride * sizeof *w->jac);
    prc_run(w, &w->factor);
    copy_rows(w, w->ks[0], w->rhs);
    solve_stage(w, 0);
}

static void stages(prc_workspace *w)
{
    static const double one = 1, ones[RODAS_STAGES] = {1, 1, 1, 1, 1, 1, 1, 1};
    const prc_program *p = w->p;
    double *y = prc_reg_row(w, p->reg_state), *time = prc_reg_row(w, p->reg_time);
    const double *ks[RODAS_STAGES];
    for (size_t j = 0; j < RODAS_STAGES; j++) ks[j] = w->ks[j];
    begin(w);
    for (size_t i = 1; i < RODAS_STAGES; i++) {
        double *rhs = w->ks[i];
        if (i < 6)
            w->k->stage(y, rhs, w->y0, w->add, w->inv_h, rodas_a[i], rodas_c[i], ks, 0, i, p->n_state, w->stride, w->width);
        else
            w->k->stage(y, rhs, y, w->add, w->inv_h, ones, rodas_c[i], ks, i - 1, i, p->n_state, w->stride, w->width);
        for (size_t l = 0; l < w->width; l++) time[l] = i < 5 ? w->t[l] + rodas_alpha[i] * w->h[l] : w->t_new[l];
        prc_run(w, &w->rate);
        w->k->add_rows(rhs, w->regs, p->reg_rate, rhs, p->n_state, w->stride, w->width);
        add_time_term(w, rhs, rodas_d[i]);
        solve_stage(w, (int)i);
    }
    w->k->combine(w->y1, y, &one, &ks[7], 1, p->n_state * w->stride);
}

/* Mean square of the scaled error, and the factor for the next step but for its safety margin, err^(-1/5). */
static void measure(prc_workspace *w)
{
    size_t n = w->p->n_state;
    memset(w->err, 0, w->stride * sizeof *w->err);
    for (size_t i = 0; i < n; i++) {
        size_t o = i * w->stride;
        w->k->error_add(w->err, w->ks[7] + o, w->y0 + o, w->y1 + o, w->atol[i], w->o.rtol, w->width);
    }
    for (size_t l = 0; l < w->width; l++) {
        if (n > 0) w->err[l] /= (double)n;
        w->exponent[l] = -0.1;
    }
    w->k->vpow(w->fac, w->err, w->exponent, w->width);
}

static void reject(prc_workspace *w, size_t l)
{
    prc_lane *a = &w->lane[l];
    double fac = 0.25;
    if (!a->singular && a->negative < 0 && isfinite(w->err[l])) fac = fmax(0.2, 0.9 * w->fac[l]);
    a->h = a->h_try * fac;
    a->just_rejected = true;
    a->rejected++;
    if (a->singular && ++a->n_singular > SINGULAR_MAX)
        prc_lane_finish(w, l, PRC_SINGULAR, prc_lane_blame(w, l));
    else if (a->h <= 4 * DBL_EPSILON * fabs(a->t) || a->h < 1e-24 * (a->job.t1 - a->job.t0))
        prc_lane_finish(w, l, a->singular ? PRC_SINGULAR : PRC_STEP_TOO_SMALL, prc_lane_blame(w, l));
    else if (a->steps + a->rejected >= w->o.max_steps)
        prc_lane_finish(w, l, PRC_STEP_LIMIT, prc_lane_blame(w, l));
}

/* What may be cleared away in one job, in tolerances: more is not rounding. */
static const double cleared_max = 100;

/* Sets undershoots within the tolerance to 0 and notes a larger one, or one too many, which rejects the attempt. */
static void keep_nonnegative(prc_workspace *w, size_t l)
{
    prc_lane *a = &w->lane[l];
    a->negative = -1;
    if (w->o.nonnegative == NULL || !(w->err[l] <= 1)) return;
    for (size_t i = 0; i < w->p->n_state; i++) {
        double *y1 = &w->y1[i * w->stride + l];
        if (!w->o.nonnegative[i] || !(*y1 < 0)) continue;
        double under = -*y1 / (w->atol[i] + w->o.rtol * fabs(w->y0[i * w->stride + l]));
        if (!(under <= 1) || a->cleared + under > cleared_max) {
            a->negative = (int)i;
        } else {
            a->cleared += under;
            *y1 = 0;
        }
    }
}

/* Sorts the attempts: mask marks the accepted ones. Counts the lanes that worked. */
static bool judge(prc_workspace *w)
{
    bool any = false;
    memset(w->mask, 0, w->stride * sizeof *w->mask);
    for (size_t l = 0; l < w->width && l < w->n_lane; l++) {
        prc_lane *a = &w->lane[l];
        if (!a->active) continue;
        w->used++;
        keep_nonnegative(w, l);
        /* False for NaN as well. */
        if (w->err[l] <= 1 && !a->singular && a->negative < 0) {
            w->mask[l] = 1;
            any = true;
        } else {
            reject(w, l);
        }
    }
    w->offered += (long)(w->width < w->n_lane ? w->width : w->n_lane);
    return any;
}

/* Moves an accepted lane to the end of its step. */
static void advance(prc_workspace *w, size_t l)
{
    prc_lane *a = &w->lane[l];
    bool cut = isfinite(a->cut), lands = a->t_new >= a->job.t1 || a->t_new >= a->infusion_end;
    if (a->next_dose < a->job.n_dose && a->t_new >= a->job.dose[a->next_dose].time) lands = true;
    double fac = fmin(10, fmax(0.2, 0.95 * w->fac[l]));
    if (a->just_rejected) fac = fmin(fac, 1);
    a->just_rejected = false;
    a->h = a->h_try * fac;
    a->t = cut ? a->cut : a->t_new;
    a->steps++;
    /* What the next rise is measured against: the last look before the lane's new time. */
    const double *last = !cut ? w->w1 : a->cut > w->t[l] + 0.5 * a->h_try ? w->wm : NULL;
    for (size_t i = 0; last != NULL && i < w->n_event_watch; i++) w->w0[i * w->stride + l] = last[i * w->stride + l];
    if (cut || lands) prc_lane_arrive(w, l);
    if (a->active && a->steps + a->rejected >= w->o.max_steps)
        prc_lane_finish(w, l, PRC_STEP_LIMIT, prc_lane_blame(w, l));
}

/* The state at the event becomes the end of the step. */
static void cut_step(prc_workspace *w, size_t l)
{
    double t[PRC_POINTS];
    const double *y = w->sregs + (size_t)w->p->reg_state * PRC_POINTS;
    for (size_t c = 0; c < PRC_POINTS; c++) t[c] = w->lane[l].cut;
    prc_dense_open(w, l);
    prc_dense_points(w, l, t);
    for (size_t i = 0; i < w->p->n_state; i++) w->y1[i * w->stride + l] = y[i * PRC_POINTS];
}

void prc_solve_step(prc_workspace *w)
{
    plan(w);
    stages(w);
    measure(w);
    if (!judge(w)) return;
    prc_watch_eval(w);
    for (size_t l = 0; l < w->width && l < w->n_lane; l++) {
        w->lane[l].cut = (double)INFINITY;
        if (w->mask[l] != 0 && w->n_event_watch > 0) prc_watch_find(w, l);
    }
    prc_dense_outputs(w);
    for (size_t l = 0; l < w->width && l < w->n_lane; l++)
        if (w->mask[l] != 0 && isfinite(w->lane[l].cut)) cut_step(w, l);
    w->k->blend(w->y0, w->y1, w->mask, w->p->n_state, w->stride, w->width);
    for (size_t l = 0; l < w->width && l < w->n_lane; l++)
        if (w->mask[l] != 0) advance(w, l);
}
