/* stat_int.h: what the files of stat share. */
#ifndef PARACRINE_STAT_INT_H
#define PARACRINE_STAT_INT_H

#include "paracrine/stat.h"

/* Switches off GSL's habit of aborting; called by every function that uses GSL. Any thread. */
void prc_stat_start(void);
/* An estimate in which nothing exists yet. */
prc_estimate prc_estimate_none(void);
/* Fills stat, p and the interval of estimate +- quantile * se; df NaN means normal. */
void prc_estimate_wald(prc_estimate *e, double level);
/* The normal quantile of a two-sided level: 1.96 for 0.95. */
double prc_stat_z_of_level(double level);

/* ---- small dense matrices, row-major --------------------------------------------------------------------------- */

/* Lower Cholesky factor of the symmetric a (lower triangle read) in place; false when a pivot is not above tol times its diagonal. */
bool prc_chol(double *a, size_t n, double tol);
/* Solves L L' x = b in place. */
void prc_chol_solve(const double *l, size_t n, double *b);
/* Inverse of L L' into inv, both triangles. work: n x n. */
void prc_chol_inverse(const double *l, size_t n, double *inv, double *work);
double prc_chol_logdet(const double *l, size_t n);
/* Independent columns of a design from its cross product a (n x n, lower triangle overwritten by the factor of the kept ones): keep[j]; alias (n x n or NULL) row j holds
 * how a dropped column follows from the kept ones. Returns the rank. */
size_t prc_chol_pick(double *a, size_t n, double tol, bool *keep, double *alias);
double prc_dot(const double *a, const double *b, size_t n);

/* ---- maximum likelihood ---------------------------------------------------------------------------------------- */

/* Log-likelihood at b with score u and information info (p x p, both triangles); u and info may be NULL together. NaN = not allowed there. */
typedef double (*prc_likelihood_fn)(void *ctx, const double *b, double *u, double *info);
typedef struct prc_newton {
    size_t p;
    double *b;           /* start, then the maximum */
    const double *scale; /* p: spread of each column, which says what a large step is */
    double *vcov;        /* p x p, inverse information */
    bool *infinite;      /* p */
    double log_lik;
    int iterations;
    bool converged, separated;
} prc_newton;
/* Newton with step halving. A coefficient that still moves by steps of order one when the likelihood no longer does is infinite (its vcov is NaN). */
PRC_CHECKED prc_status prc_newton_run(prc_newton *w, prc_likelihood_fn fn, void *ctx, prc_error *err);
/* Room for p coefficients. */
PRC_CHECKED prc_status prc_fit_create(prc_fit *fit, size_t p, prc_error *err);
/* Newton from fit->coef (zeros at first); fills coef, vcov, log_lik and flags. */
PRC_CHECKED prc_status prc_fit_newton(prc_fit *fit, const double *scale, prc_likelihood_fn fn, void *ctx, prc_error *err);

/* ---- designs of a frame ---------------------------------------------------------------------------------------- */

/* Columns: one per cell (arm, or arm by visit), then covariates and factor levels 1.. centred so that the coefficient of a cell is its LS mean: covariates at their mean, the
 * levels of a factor at equal weight. With by_visit the covariate columns are repeated for every visit. */
typedef struct prc_frame_design {
    size_t n, p, n_cell; /* rows used, columns */
    double *x;           /* n x p */
    size_t *row;         /* n: row of the frame */
    size_t *count;       /* n_cell */
} prc_frame_design;
/* extra: rows where it is NaN are left out (the response), NULL = none. visit NULL: cells are arms. */
PRC_CHECKED prc_status prc_frame_design_create(const prc_frame *f, const double *extra, const int *visit, size_t n_visit, bool by_visit, prc_frame_design *d, prc_error *err);
void prc_frame_design_reset(prc_frame_design *d);

/* ---- quadrature (stat_sequential.c) ---------------------------------------------------------------------------- */

/* Nodes and weights of panels of 16-point Gauss-Legendre on [lo, hi], one after the other: zero the struct, call until false. */
typedef struct prc_quadrature { size_t i; double x, weight; } prc_quadrature;
bool prc_quadrature_next(prc_quadrature *q, double lo, double hi, size_t panels);
/* Density of sqrt(chi-square / df). */
double prc_chi_density(double s, double df);

/* ---- covariance structures of repeated measures (stat_mmrm_cov.c) ------------------------------------------------ */

/* Number of parameters for m visits; 0 where the structure makes no sense. */
size_t prc_cov_n_theta(prc_cov cov, size_t m);
/* Sigma (m x m) and its derivatives (n_theta x m x m, NULL = not wanted) at theta. Variances are logs of SDs, AR and ante-dependence correlations hyperbolic arc tangents,
 * the rest plain, so that steps stay inside more often; no result depends on the choice. */
void prc_cov_sigma(prc_cov cov, size_t m, const double *theta, double *sigma, double *derivative);
/* Start from a positive-definite moment estimate s (m x m). */
void prc_cov_start(prc_cov cov, size_t m, const double *s, double *theta);
/* True where Sigma is linear in theta. */
bool prc_cov_linear(prc_cov cov);

/* Standard deviation of each column of x (n x p), 1 where it is 0. */
void prc_column_scale(const double *x, size_t n, size_t p, double *scale);

#endif
