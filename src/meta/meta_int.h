/* meta_int.h: what the files of meta share: small dense algebra, roots and maxima, quantiles, the weighted fit. */
#ifndef PARACRINE_META_INT_H
#define PARACRINE_META_INT_H

#include "paracrine/meta.h"

#define PRC_META_NONE ((double)__builtin_nan(""))
#define PRC_META_PER_STUDY_MAX 20000 /* analyses that refit once per study cost k^2 */

/* ---- small dense algebra, row-major (meta_algebra.c) ---- */

/* a (n x n, lower triangle read) = L L', L into a's lower triangle. False if not positive definite. */
bool prc_meta_chol(double *a, size_t n);
/* Solves L L' x = b in place. */
void prc_meta_chol_solve(const double *l, size_t n, double *b);
/* Solves L x = b in place. */
void prc_meta_forward(const double *l, size_t n, double *b);
/* inv (n x n) = (L L')^-1. */
void prc_meta_chol_inverse(const double *l, size_t n, double *inv);
double prc_meta_chol_logdet(const double *l, size_t n);
/* trace of a b, both n x n. */
double prc_meta_trace(const double *a, const double *b, size_t n);

/* Orthonormal basis of the columns of x: z (k x rank) with x[, col] = z r; column signs kept. The fit works in it, so that a year near 1950 costs no digits. */
typedef struct prc_meta_basis {
    size_t k, p, rank;
    double *z;   /* k x rank */
    double *r;   /* rank x rank upper triangular */
    size_t *col; /* rank: kept columns of x */
} prc_meta_basis;
prc_status prc_meta_basis_create(const double *x, size_t k, size_t p, prc_meta_basis *b, prc_error *err);
void prc_meta_basis_reset(prc_meta_basis *b);
/* beta (p, NaN where dropped) and vb (p x p) from coefficients g and covariance c in the basis. */
void prc_meta_basis_back(const prc_meta_basis *b, const double *g, const double *c, double *beta, double *vb);

/* ---- roots (meta_algebra.c) ---- */
typedef double (*prc_meta_fn)(void *ctx, double t);
/* Root of f in [a, b] by Brent's method to a relative tolerance of 1e-15; f(a) and f(b) differ in sign. */
double prc_meta_root(prc_meta_fn f, void *ctx, double a, double b);
/* Upper end above a where f < 0: a + step, then doubled; NaN if none below 1e300. */
double prc_meta_grow(prc_meta_fn f, void *ctx, double a, double step);

/* ---- distributions (meta_distribution.c) ---- */
double prc_meta_chisq_quantile(double p, double df); /* lower tail */
double prc_meta_f_p(double f, double df1, double df2);
/* Two-sided quantile of level: t with df, normal when df is NaN. */
double prc_meta_critical(double level, double df);
double prc_meta_two_sided(double stat, double df); /* df NaN: normal */

/* ---- the weighted fit at a given tau2 (meta_core.c) ---- */
typedef struct prc_meta_core {
    const double *y, *v;
    size_t k, q;            /* studies, columns of the basis */
    const double *z;        /* k x q */
    double *w, *e, *u;      /* k: weights, residuals, scratch */
    double *m, *l, *c;      /* q x q: Z'WZ, its factor, its inverse */
    double *g, *b;          /* q: coefficients, scratch */
    double *s;              /* q x q scratch */
    double t, rss, ypp, sw; /* at the last evaluation: tau2, y'Py, y'PPy, sum of weights */
    bool ok;                /* Z'WZ was positive definite */
} prc_meta_core;
prc_status prc_meta_core_create(const double *y, const double *v, const prc_meta_basis *b, prc_meta_core *c, prc_error *err);
void prc_meta_core_reset(prc_meta_core *c);
void prc_meta_core_at(prc_meta_core *c, double t);
/* Z' diag(w^power v^vpower) Z into s. */
void prc_meta_core_moment(prc_meta_core *c, int power, int vpower, double *s);
double prc_meta_core_trp(prc_meta_core *c);   /* tr P */
double prc_meta_core_trpp(prc_meta_core *c);  /* tr PP */
double prc_meta_core_trpv(prc_meta_core *c);  /* tr PV */
double prc_meta_core_trpvpv(prc_meta_core *c);
double prc_meta_core_trppv(prc_meta_core *c);
/* Log-likelihood at the last evaluation. */
double prc_meta_core_loglik(prc_meta_core *c, bool reml);

/* tau2 of a method and its standard error (meta_tau2.c). */
double prc_meta_tau2(prc_meta_core *c, prc_meta_method m, double *se);
void prc_meta_tau2_profile(prc_meta_core *c, double level, double *lb, double *ub, bool *empty);
void prc_meta_tau2_likelihood(prc_meta_core *c, bool reml, double t, double level, double *lb, double *ub);

/* Checks yi and vi; the message has the 1-based study. */
prc_status prc_meta_check(const double *yi, const double *vi, size_t k, prc_error *err);
prc_status prc_meta_no_memory(prc_error *err);
/* Intercept-only fit reduced to a line. */
prc_status prc_meta_fit_line(const double *yi, const double *vi, size_t k, const prc_meta_options *o, prc_meta_line *out, prc_error *err);
/* stat, p and interval of p coefficients from beta and vb. */
void prc_meta_wald(size_t p, const double *beta, const double *vb, double df, double level, double *se, double *stat, double *pval, double *lb, double *ub);
/* b' V^-1 b over the coefficients other than `skip` (p = none) that are not NaN; *df their number. NaN when V is singular. */
prc_status prc_meta_omnibus(size_t p, size_t skip, const double *beta, const double *vb, double *q, double *df, prc_error *err);
/* A column of x that is 1 throughout; p when there is none. */
size_t prc_meta_intercept(const double *x, size_t k, size_t p);

/* ---- maxima of several parameters (meta_maximum.c) ---- */
/* Value of f at theta (n), gradient into grad. */
typedef double (*prc_meta_objective)(void *ctx, const double *theta, double *grad);
/* Maximises f from theta by BFGS with Newton steps at the end; theta is left at the maximum. True when the gradient is small. hessian (n x n, may be
 * NULL): of f by differences of the gradient. */
bool prc_meta_maximise(prc_meta_objective f, void *ctx, double *theta, size_t n, double *value, double *hessian, prc_status *st);

#endif
