/* solve_int.h: the state of a block of lanes, shared by the files of solve. Arrays are lane-minor: row i, lane l at [i
 * * stride + l]. */
#ifndef PRC_SOLVE_INT_H
#define PRC_SOLVE_INT_H

#include "paracrine/solve.h"

/* Lanes of the scratch block, on which one patient at a time is evaluated at up to eight points. */
enum { PRC_POINTS = 8 };

/* One patient being solved. */
typedef struct prc_lane {
    prc_job job;
    bool active;
    bool just_rejected;  /* the step must not grow after a rejection */
    bool use_fallback;   /* this attempt is solved by the dense LU */
    bool singular;       /* this attempt has no solution */
    int n_singular;      /* such attempts in a row */
    int negative;        /* state that this attempt took below 0 by more than the tolerance, -1 = none */
    double cleared;      /* undershoots set to 0 so far, in tolerances */
    double t, h;         /* where the lane is, and the step to try next */
    double t_new, h_try; /* the attempt under way */
    double cut,
        cut_from; /* an event truncates the step at cut; at cut_from its trigger was still false. Infinite = no event */
    bool stop;    /* the terminal watch ends the job at cut */
    size_t next_dose;      /* first dose that has not happened */
    size_t first_infusion; /* no dose before this one is still running */
    double infusion_end;   /* earliest end of a running infusion, infinite = none */
    size_t next_time;      /* first output time not yet delivered */
    long steps, rejected;
    long burst; /* events since burst_from, to notice chattering */
    double burst_from;
} prc_lane;

/* A piece of the program in both forms. */
typedef struct prc_fast {
    prc_code code;
    const int32_t *args;
    prc_ready *ready; /* for whole blocks of PRC_BLOCK lanes, NULL where the block has another width */
    uint32_t *list;
} prc_fast;

struct prc_workspace {
    const prc_program *p;
    prc_solve_options o;
    const prc_kernel *k;
    const prc_sink *sink;
    int part;
    size_t bytes;
    size_t n_lane, stride;
    size_t width;         /* lanes in use, a multiple of 8 */
    size_t n_event_watch; /* watches, then event triggers */
    long used, offered;
    bool keep_jac;   /* factor or solve overwrite the Jacobian's registers */
    prc_code watch;  /* the part of `output` that watches and triggers need */
    prc_code output; /* the part that outputs need */
    prc_fast rate, jacobian, factor;
    prc_fast solve[8]; /* the program's substitutions, each working in place on the solution of one stage */

    prc_lane *lane;  /* (n_lane) */
    double *regs;    /* registers (n_reg) */
    double *y0, *y1; /* states at both ends of the step (n_state) */
    double *add;     /* infusion rates (n_state) */
    double *rhs;     /* right-hand side of the stage (n_state) */
    double *ks[8];   /* stage solutions (n_state each) */
    double *dfdt;    /* h df/dt (n_state), NULL without explicit time */
    double *jac;     /* Jacobian values of lanes solved by the dense LU (n_jac) */
    double *t, *h, *t_new, *inv_h, *err, *fac, *mask, *exponent; /* one row each */
    double *s, *weight;   /* dense output: place in the step (1 row) and weight of each k (8 rows) */
    double *w0, *wm, *w1; /* watches and triggers at start, middle and end of the step (n_event_watch) */
    double *watch_time;   /* lane-major (n_lane x n_watch) */
    double *atol;         /* per state */

    double *sregs;             /* scratch registers (n_reg), stride PRC_POINTS; the arrays below have that stride too */
    double *sy0, *sy1, *sk[8]; /* one lane's step, spread over the points (n_state each) */
    double *s_s, *s_weight;
    double *f0, *f1; /* rates (n_state) */
    double *final;   /* (n_state) */
    double *value;   /* (n_output) */
    double *assign;  /* values of all fired events (sum of event_n) */
    uint8_t *fired;  /* (n_event) */
    int32_t *keep;   /* registers that hold for a patient: parameters and terms of them (n_keep) */
    size_t n_keep;
    int32_t *jac_start, *jac_col, *jac_reg, *jac_index; /* the Jacobian by rows */

    double *lu;       /* dense LU of one lane (n_state x n_state) */
    double *lu_scale; /* largest size in each row (n_state) */
    double *lu_x;     /* (n_state) */
    int32_t *lu_perm; /* (n_state) */
    int lu_lane;      /* whose LU it is, -1 = nobody's */
};

/* Row r of the registers. */
static inline double *prc_reg_row(const prc_workspace *w, int r) { return w->regs + (size_t)r * w->stride; }

/* Runs a piece over the lanes in use. */
static inline void prc_run(prc_workspace *w, const prc_fast *f)
{
    if (f->ready != NULL && w->width == PRC_BLOCK)
        w->k->run_ready(f->ready, f->list, w->regs);
    else
        w->k->run(f->code.instr, f->code.n_instr, f->args, w->regs, w->stride, w->width);
}

/* step.c: one attempt of every lane. */
void prc_solve_step(prc_workspace *w);

/* lane.c: loads a job; an impossible one ends at once. */
void prc_lane_load(prc_workspace *w, size_t l, const prc_job *job);
/* Ends the job of a lane with its current state. */
void prc_lane_finish(prc_workspace *w, size_t l, prc_outcome outcome, int state);
/* Moves a running patient to a free lane. */
void prc_lane_move(prc_workspace *w, size_t from, size_t to);
/* Copies a lane's parameters, state and time to every lane of the scratch block. */
void prc_lane_open(prc_workspace *w, size_t l);
/* What happens at the lane's time t: events, doses, outputs, the end; chooses the next step where the solution has a
 * corner. */
void prc_lane_arrive(prc_workspace *w, size_t l);
/* True when the rates in f are negligible against the states of lane l. */
bool prc_lane_steady(const prc_workspace *w, size_t l, const double *f, size_t stride);
/* State with the largest part in the last error estimate, -1 if none. */
int prc_lane_blame(const prc_workspace *w, size_t l);

/* events.c: watches and triggers at the ends of the step, for all lanes. */
void prc_watch_eval(prc_workspace *w);
/* Finds what happened within an accepted step: records watches, sets cut and stop. */
void prc_watch_find(prc_workspace *w, size_t l);
/* Executes, in the scratch block, the events with fired[] set. True if a parameter was written. */
bool prc_event_execute(prc_workspace *w);

/* dense.c: states of every lane at its own s into the state registers. */
void prc_dense_block(prc_workspace *w, size_t first, size_t width);
/* Sets lane l of the weights for s. */
void prc_dense_weight(double *weight, size_t stride, size_t l, double s);
/* Spreads the step of lane l over the scratch block. */
void prc_dense_open(prc_workspace *w, size_t l);
/* States at eight times of the opened step into the scratch registers. */
void prc_dense_points(prc_workspace *w, size_t l, const double *t);
/* Delivers the outputs that lie inside the accepted steps (mask). */
void prc_dense_outputs(prc_workspace *w);

/* fallback.c: dense LU with partial pivoting for one lane at a time. False when there is no solution. */
bool prc_fallback_factor(prc_workspace *w, size_t l);
/* Solves for lane l, from column l of rhs into column l of out. */
void prc_fallback_solve(prc_workspace *w, size_t l, double *out);

#endif
