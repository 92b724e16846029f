/* cvode_peer.c: CVODE (BDF, Newton, dense LU, analytic Jacobian) on the patients of a benchmark; compiled at run time together
 * with the exported model (model.h) into a shared object that bench loads. Forward declarations match paracrine/solve.h. */
#include MODEL_H

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <time.h>

#include "paracrine/solve.h"

static int rate(realtype t, N_Vector y, N_Vector f, void *q)
{
    model_rate(t, NV_DATA_S(y), q, NV_DATA_S(f));
    return 0;
}

static int jacobian(realtype t, N_Vector y, N_Vector f, SUNMatrix J, void *q, N_Vector a, N_Vector b, N_Vector c)
{
    (void)f, (void)a, (void)b, (void)c;
    model_jacobian(t, NV_DATA_S(y), q, SM_DATA_D(J));
    return 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Patients job[0..n-1] with terms q (n x N_TERM) and start (n x N_STATE, doses at t0 included). Seconds, or -1. */
double peer_solve(const prc_job *job, size_t n, const double *q, const double *start, const double *scale, double rtol, double *out);
double peer_solve(const prc_job *job, size_t n, const double *q, const double *start, const double *scale, double rtol, double *out)
{
    SUNContext c;
    int bad = SUNContext_Create(NULL, &c);
    N_Vector y = N_VNew_Serial(N_STATE, c), atol = N_VNew_Serial(N_STATE, c);
    SUNMatrix J = SUNDenseMatrix(N_STATE, N_STATE, c);
    SUNLinearSolver s = SUNLinSol_Dense(y, J, c);
    void *m = CVodeCreate(CV_BDF, c);
    for (int i = 0; i < N_STATE; i++) NV_Ith_S(y, i) = start[i], NV_Ith_S(atol, i) = 1e-2 * rtol * scale[i];
    bad |= CVodeInit(m, rate, job[0].t0, y) | CVodeSVtolerances(m, rtol, atol) | CVodeSetLinearSolver(m, s, J);
    bad |= CVodeSetJacFn(m, jacobian) | CVodeSetMaxNumSteps(m, 1000000);
    double begin = now();
    for (size_t p = 0; p < n && !bad; p++) {
        const prc_job *j = &job[p];
        double t = j->t0;
        size_t d = 0, k = 0;
        for (int i = 0; i < N_STATE; i++) NV_Ith_S(y, i) = start[p * N_STATE + (size_t)i];
        bad |= CVodeReInit(m, t, y) | CVodeSetUserData(m, (void *)(q + p * N_TERM));
        for (; k < j->n_time && j->time[k] <= t; k++) memcpy(out + (p * j->n_time + k) * N_STATE, NV_DATA_S(y), N_STATE * sizeof *out);
        while (d < j->n_dose && j->dose[d].time <= j->t0) d++;
        while (k < j->n_time && !bad) {
            double stop = d < j->n_dose ? j->dose[d].time : j->t1;
            CVodeSetStopTime(m, stop);
            for (; k < j->n_time && j->time[k] <= stop && !bad; k++) {
                bad |= CVode(m, j->time[k], y, &t, CV_NORMAL) < 0;
                memcpy(out + (p * j->n_time + k) * N_STATE, NV_DATA_S(y), N_STATE * sizeof *out);
            }
            if (d >= j->n_dose) break;
            if (t < stop) bad |= CVode(m, stop, y, &t, CV_NORMAL) < 0;
            for (; d < j->n_dose && j->dose[d].time <= stop; d++)
                if (j->dose[d].state >= 0) NV_Ith_S(y, j->dose[d].state) += j->dose[d].amount;
            bad |= CVodeReInit(m, stop, y);
        }
    }
    double seconds = now() - begin;
    CVodeFree(&m);
    SUNLinSolFree(s);
    SUNMatDestroy(J);
    N_VDestroy(y);
    N_VDestroy(atol);
    SUNContext_Free(&c);
    return bad ? -1 : seconds;
}
