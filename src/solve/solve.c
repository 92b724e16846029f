/* solve.c: keeps the lanes of a block busy until the jobs run out. */
#include "solve_int.h"

void prc_solve_defaults(prc_solve_options *o)
{
    *o = (prc_solve_options){.rtol = 1e-6, .atol = 1e-9, .max_steps = 100000, .steady_tol = 1e-9, .terminal_watch = -1};
}

void prc_workspace_counts(const prc_workspace *w, long *used, long *offered)
{
    *used = w->used;
    *offered = w->offered;
}

/* Gives every free lane a job; returns the number of busy lanes. *more becomes false when there are no more jobs. */
static size_t refill(prc_workspace *w, bool *more)
{
    size_t busy = 0;
    for (size_t l = 0; l < w->n_lane; l++) {
        prc_job job;
        /* A job can end as soon as it is loaded. */
        while (!w->lane[l].active && *more) {
            *more = w->sink->next(w->sink->ctx, w->part, &job);
            if (*more) prc_lane_load(w, l, &job);
        }
        busy += w->lane[l].active;
    }
    return busy;
}

/* Near the end, moves the last patients together so that fewer lanes have to be computed. */
static void gather(prc_workspace *w, size_t busy)
{
    size_t width = (busy + 7) & ~(size_t)7, to = 0;
    for (size_t l = width; l < w->width && l < w->n_lane; l++) {
        if (!w->lane[l].active) continue;
        while (w->lane[to].active) to++;
        prc_lane_move(w, l, to);
    }
    w->width = width;
}

prc_status prc_solve(prc_workspace *w, const prc_sink *sink, int part, prc_error *err)
{
    (void)err;
    bool more = true;
    w->sink = sink;
    w->part = part;
    w->width = w->stride;
    for (;;) {
        size_t busy = refill(w, &more);
        if (busy == 0) return PRC_OK;
        if (!more) gather(w, busy);
        prc_solve_step(w);
    }
}
