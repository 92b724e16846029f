/* stat_mmrm_int.h: what the files of the mixed model for repeated measures share. */
#ifndef PARACRINE_STAT_MMRM_INT_H
#define PARACRINE_STAT_MMRM_INT_H

#include "stat_int.h"

/* Subjects that were seen at the same visits. */
typedef struct mm_group {
    size_t m, n_subject;
    const size_t *visit; /* m */
    const size_t *row;   /* n_subject x m, rows of the problem */
    double *s;           /* m(m+1)/2 cross products z_a z_b' (P x P each, b <= a), or NULL: then they are summed anew each time */
} mm_group;

/* A problem: rows z = (x, y) as sparse lists, columns of x independent, y the residual of least squares. */
typedef struct mm_problem {
    size_t n, p, P, m;   /* rows, columns, columns with y, visits */
    size_t *start, *col; /* n + 1; non-zero cells */
    double *val;
    size_t n_group;
    mm_group *group;
    size_t *visit_store, *row_store;
    double *s_store;
    size_t n_subject;
} mm_problem;

/* State of a fit at one theta. */
typedef struct mm_state {
    prc_cov cov;
    bool ml;
    size_t q;
    double *theta;       /* q */
    double *sigma, *ds;  /* m x m, q x m x m */
    double objective;    /* -2 log likelihood */
    double *beta, *phi;  /* p, P x P (zero for y) */
    double *a;           /* P x P: Z'V^-1 Z, then its factor */
    double *b_full;      /* m x m: gradient is <b_full, ds> */
    double *gradient;    /* q */
    double *h, *e;       /* q x q: second derivatives of the objective; expected information (of half the objective) */
    double *mk;          /* q x P x P: Z'V^-1 dV V^-1 Z */
    double *work;
    size_t n_work;
} mm_state;

PRC_CHECKED prc_status mm_problem_create(const double *x, const double *y, const int *subject, const int *visit, const size_t *row, size_t n, size_t p_all, const size_t *col,
                                         size_t p, size_t n_subject, size_t m, mm_problem *pr, prc_error *err);
void mm_problem_reset(mm_problem *pr);
/* out (P x P) += sum over the group of Z'MZ; out is then to be mirrored by mm_mirror. */
void mm_add_cross(const mm_problem *pr, const mm_group *g, const double *mat, double *out);
void mm_mirror(double *a, size_t n);
/* t (m x m): sum over the group of z_a' phi z_b. */
void mm_traces(const mm_problem *pr, const mm_group *g, const double *phi, double *t);

PRC_CHECKED prc_status mm_state_create(const mm_problem *pr, prc_cov cov, bool ml, mm_state *s, prc_error *err);
void mm_state_reset(mm_state *s);
/* Objective at theta with beta and phi; false when Sigma or X'V^-1X is not positive definite. */
bool mm_objective(const mm_problem *pr, mm_state *s);
/* Gradient and informations at the theta of the last mm_objective. full: with the terms that need every M_k (else h is not made, and e lacks one term). room: n + 6 q^2. */
void mm_derivatives(const mm_problem *pr, mm_state *s, bool full, double *room);
/* sum_kl w_kl X'V^-1 dV_k V^-1 dV_l V^-1 X into out (P x P). */
void mm_contract_q(const mm_problem *pr, mm_state *s, const double *w, double *out);

#endif
