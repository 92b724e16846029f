/* dense.c: the solution inside an accepted step, and the outputs that lie there. */
#include "rodas5p.h"
#include "solve_int.h"

#include <math.h>
#include <string.h>

void prc_dense_weight(double *weight, size_t stride, size_t l, double s)
{
    double q = s * (1 - s);
    for (size_t j = 0; j < RODAS_STAGES; j++)
        weight[j * stride + l] = q * (rodas_h[0][j] + s * (rodas_h[1][j] + s * rodas_h[2][j]));
}

void prc_dense_block(prc_workspace *w, size_t first, size_t width)
{
    const double *ks[RODAS_STAGES];
    for (size_t j = 0; j < RODAS_STAGES; j++) ks[j] = w->ks[j] + first;
    w->k->dense(prc_reg_row(w, w->p->reg_state) + first, w->y0 + first, w->y1 + first, w->s + first, w->weight + first,
                ks, w->p->n_state, w->stride, width);
}

static void spread(double *to, const double *from, size_t n, size_t stride, size_t l)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < PRC_POINTS; c++) to[i * PRC_POINTS + c] = from[i * stride + l];
}

void prc_dense_open(prc_workspace *w, size_t l)
{
    size_t n = w->p->n_state;
    spread(w->sy0, w->y0, n, w->stride, l);
    spread(w->sy1, w->y1, n, w->stride, l);
    for (size_t j = 0; j < RODAS_STAGES; j++) spread(w->sk[j], w->ks[j], n, w->stride, l);
}

/* Place of time x in the step; exact at both ends and in the middle, where the block was evaluated too. */
static double place(const prc_lane *a, double x)
{
    if (x >= a->t_new) return 1;
    if (x == a->t + 0.5 * a->h_try) return 0.5;
    double s = (x - a->t) / a->h_try;
    return s < 0 ? 0 : s > 1 ? 1 : s;
}

void prc_dense_points(prc_workspace *w, size_t l, const double *t)
{
    const prc_lane *a = &w->lane[l];
    for (size_t c = 0; c < PRC_POINTS; c++) {
        w->s_s[c] = place(a, t[c]);
        prc_dense_weight(w->s_weight, PRC_POINTS, c, w->s_s[c]);
        w->sregs[(size_t)w->p->reg_time * PRC_POINTS + c] = t[c];
    }
    const double *ks[RODAS_STAGES];
    for (size_t j = 0; j < RODAS_STAGES; j++) ks[j] = w->sk[j];
    w->k->dense(w->sregs + (size_t)w->p->reg_state * PRC_POINTS, w->sy0, w->sy1, w->s_s, w->s_weight, ks, w->p->n_state,
                PRC_POINTS, PRC_POINTS);
}

/* Is an output of the lane due before the end of its step? At the end itself it waits for doses and events. */
static bool due(const prc_workspace *w, size_t l)
{
    const prc_lane *a = &w->lane[l];
    double end = isfinite(a->cut) ? a->cut_from : a->t_new;
    return w->mask[l] != 0 && a->next_time < a->job.n_time && a->job.time[a->next_time] < end;
}

static void deliver(prc_workspace *w, size_t l)
{
    const prc_program *p = w->p;
    prc_lane *a = &w->lane[l];
    for (size_t i = 0; i < p->n_output; i++) w->value[i] = prc_reg_row(w, p->reg_output[i])[l];
    w->sink->output(w->sink->ctx, w->part, &a->job, a->next_time, w->value);
    a->next_time++;
}

/* One round: every lane with an output due does one. False when there was none. */
static bool round_of_outputs(prc_workspace *w)
{
    double *time = prc_reg_row(w, w->p->reg_time);
    size_t first = w->width, last = 0;
    for (size_t l = 0; l < w->width && l < w->n_lane; l++) {
        if (!due(w, l)) continue;
        const prc_lane *a = &w->lane[l];
        if (first > l) first = l;
        last = l;
        time[l] = a->job.time[a->next_time];
        w->s[l] = place(a, time[l]);
        prc_dense_weight(w->weight, w->stride, l, w->s[l]);
    }
    if (first > last) return false;
    /* Only the groups of eight that have work. */
    first &= ~(size_t)7;
    size_t width = ((last | 7) + 1) - first;
    prc_dense_block(w, first, width);
    w->k->run(w->output.instr, w->output.n_instr, w->p->args, w->regs + first, w->stride, width);
    for (size_t l = first; l <= last; l++)
        if (due(w, l)) deliver(w, l);
    return true;
}

void prc_dense_outputs(prc_workspace *w)
{
    if (w->sink->output == NULL) return;
    while (round_of_outputs(w)) continue;
}
