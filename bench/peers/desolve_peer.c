/* desolve_peer.c: the exported model in the form that deSolve calls; built with R CMD SHLIB. */
#include MODEL_H

#include <time.h>

static double q[N_TERM];

/* Seconds of CPU time of this thread: proc.time() knows milliseconds only. */
void peer_clock(double *seconds);
void peer_init(void (*take)(int *, double *));
void peer_rate(int *n, double *t, double *y, double *f, double *out, int *ip);
void peer_jacobian(int *n, double *t, double *y, int *ml, int *mu, double *J, int *n_row, double *out, int *ip);

void peer_clock(double *seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    *seconds = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void peer_init(void (*take)(int *, double *))
{
    int n = N_TERM;
    take(&n, q);
}

void peer_rate(int *n, double *t, double *y, double *f, double *out, int *ip)
{
    (void)n, (void)out, (void)ip;
    model_rate(*t, y, q, f);
}

void peer_jacobian(int *n, double *t, double *y, int *ml, int *mu, double *J, int *n_row, double *out, int *ip)
{
    (void)n, (void)ml, (void)mu, (void)n_row, (void)out, (void)ip;
    model_jacobian(*t, y, q, J);
}
