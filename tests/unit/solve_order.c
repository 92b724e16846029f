/* solve_order.c: the method itself: order of convergence, order of the dense output, error against tolerance, published
 * stiff problems. */
#include "../tap.h"
#include "solve_build.h"

/* y' = p (cos t - y) and a nonlinear pair, with every stage coefficient, c, d and df/dt in play. Solution: u = exp(sin
 * t), v = 1/(1 + t). */
static void nonlinear(build *b, int *f, int *jac, int *df)
{
    int t = b->p.reg_time, u = build_state(b, 0), v = build_state(b, 1);
    int ct = build_op(b, PRC_OP_COS, t, -1, -1), st = build_op(b, PRC_OP_SIN, t, -1, -1);
    int uv = build_mul(b, u, v);
    /* u' = u v (1 + t) cos t;  v' = -v v */
    int one_t = build_add(b, build_const(b, 1), t);
    int g = build_mul(b, one_t, ct);
    f[0] = build_mul(b, uv, g);
    f[1] = build_neg(b, build_mul(b, v, v));
    jac[0] = build_mul(b, v, g), jac[1] = build_mul(b, u, g), jac[2] = -1;
    jac[3] = build_mul(b, build_const(b, -2), v);
    df[0] = build_mul(b, uv, build_sub(b, ct, build_mul(b, one_t, st)));
    df[1] = -1;
}

static double solve_one(const prc_program *p, const prc_solve_options *o, prc_job job, double *out, double *final,
                        prc_job_result *r)
{
    double last[BUILD_STATES];
    prc_error err;
    prc_job_result mine;
    if (prc_solve_all(p, o, 1, &job, 1, job.n_time, out, final ? final : last, NULL, r ? r : &mine, NULL, &err) !=
        PRC_OK)
        return (double)NAN;
    return final ? final[0] : last[0];
}

/* Huge tolerances make h_max the step. Errors at the end, and inside the first step, where no earlier error hides the
 * dense output's own. */
static void errors_at(const prc_program *p, double h, double *end, double *inside)
{
    prc_solve_options o;
    double t[2] = {0.61803398875 * h, 2}, out[4], start[2] = {1, 1};
    prc_solve_defaults(&o);
    o.rtol = o.atol = 1e6;
    o.h_max = h;
    solve_one(p, &o, (prc_job){.t0 = 0, .t1 = 2, .start = start, .n_time = 2, .time = t}, out, NULL, NULL);
    for (int k = 0; k < 2; k++) {
        double *e = k == 0 ? inside : end;
        *e = fmax(fabs(out[2 * k] - exp(sin(t[k]))), fabs(out[2 * k + 1] - 1 / (1 + t[k])));
    }
}

static void order(void)
{
    double start[2] = {1, 1}, end[4], inside[4];
    build *b = build_begin(2, 0, start, nonlinear);
    const prc_program *p = build_end(b);
    for (int i = 0; i < 4; i++) {
        double h = 0.05 / (1 << i);
        errors_at(p, h, &end[i], &inside[i]);
        printf("# h %.5f: end %.3e, inside %.3e\n", h, end[i], inside[i]);
    }
    /* Rounding (1e-15 a step) is below 1 % of the smallest error. */
    double slope = log2(end[1] / end[3]) / 2;
    TAP_THAT(slope > 4.7 && slope < 5.3, "order at the end of steps is 5 (%.2f)", slope);
    slope = log2(inside[0] / inside[2]) / 2;
    TAP_THAT(slope > 4.6 && slope < 5.6, "the local error of the dense output is of order 5, so its order 4 (%.2f)",
             slope);
    free(b);
}

static void proportional(void)
{
    double start[2] = {1, 1};
    build *b = build_begin(2, 0, start, nonlinear);
    const prc_program *p = build_end(b);
    double previous = 0;
    for (int k = 4; k <= 10; k++) {
        prc_solve_options o;
        double out[2], t = 2;
        prc_solve_defaults(&o);
        o.rtol = pow(10, -k), o.atol = 1e-3 * o.rtol;
        prc_job_result r;
        solve_one(p, &o, (prc_job){.t0 = 0, .t1 = 2, .n_time = 1, .time = &t}, out, NULL, &r);
        double e = fabs(out[0] / exp(sin(2.0)) - 1);
        printf("# rtol %.0e error %.2e steps %ld rejected %ld\n", o.rtol, e, r.steps, r.rejected);
        TAP_THAT(e < 20 * o.rtol, "error stays near the tolerance");
        if (k > 4) TAP_THAT(e < previous, "and falls with it");
        previous = e;
    }
    free(b);
}

/* The kinetics of Robertson. */
static void robertson(build *b, int *f, int *jac, int *df)
{
    int x = build_state(b, 0), y = build_state(b, 1), z = build_state(b, 2);
    int k1 = build_const(b, 0.04), k2 = build_const(b, 3e7), k3 = build_const(b, 1e4);
    int r1 = build_mul(b, k1, x), k3y = build_mul(b, k3, y), k3z = build_mul(b, k3, z), r3 = build_mul(b, k3y, z);
    int k2y = build_mul(b, k2, y), r2 = build_mul(b, k2y, y), k2y2 = build_add(b, k2y, k2y);
    f[0] = build_sub(b, r3, r1);
    f[1] = build_sub(b, build_sub(b, r1, r3), r2);
    f[2] = r2;
    jac[0] = build_neg(b, k1), jac[1] = k3z, jac[2] = k3y;
    jac[3] = k1, jac[4] = build_neg(b, build_add(b, k3z, k2y2)), jac[5] = build_neg(b, k3y);
    jac[6] = -1, jac[7] = k2y2, jac[8] = -1;
    df[0] = df[1] = df[2] = -1;
}

/* Van der Pol in the scaling of the Test Set for IVP Solvers (Bari): y1' = y2, y2' = ((1 - y1^2) y2 - y1) / 1e-6. */
static void van_der_pol(build *b, int *f, int *jac, int *df)
{
    int x = build_state(b, 0), y = build_state(b, 1), mu = build_const(b, 1e6), one = build_const(b, 1);
    int g = build_sub(b, one, build_mul(b, x, x));
    f[0] = build_op(b, PRC_OP_MOV, y, -1, -1);
    f[1] = build_mul(b, mu, build_sub(b, build_mul(b, g, y), x));
    int xy = build_mul(b, x, y);
    jac[0] = -1, jac[1] = one;
    jac[2] = build_mul(b, mu, build_sub(b, build_const(b, -1), build_add(b, xy, xy)));
    jac[3] = build_mul(b, mu, g);
    df[0] = df[1] = -1;
}

static void stiff(void)
{
    double r0[3] = {1, 0, 0}, v0[2] = {2, -0.66}, out[33];
    prc_solve_options o;
    prc_job_result r;
    prc_solve_defaults(&o);
    o.rtol = 1e-8, o.atol = 1e-14;
    build *b = build_begin(3, 0, r0, robertson);
    double t = 1e11;
    solve_one(build_end(b), &o, (prc_job){.t0 = 0, .t1 = 1e11, .n_time = 1, .time = &t}, out, NULL, &r);
    /* Test Set for IVP Solvers (Bari): reference at t = 1e11. */
    TAP_INT(r.outcome, PRC_DONE);
    TAP_REL(out[0], 0.2083340149701255e-07, 1e-6);
    TAP_REL(out[1], 0.8333360770334713e-13, 1e-6);
    TAP_REL(out[2], 0.9999999791665050, 1e-7);
    printf("# Robertson: %ld steps, %ld rejected\n", r.steps, r.rejected);
    free(b);
    b = build_begin(2, 0, v0, van_der_pol);
    t = 2;
    solve_one(build_end(b), &o, (prc_job){.t0 = 0, .t1 = 2, .n_time = 1, .time = &t}, out, NULL, &r);
    /* The same set: reference at t = 2 for y(0) = (2, 0); the short transient from -0.66 is gone by then. */
    TAP_INT(r.outcome, PRC_DONE);
    printf("# Van der Pol: %.16g %.16g, %ld steps, %ld rejected\n", out[0], out[1], r.steps, r.rejected);
    double w0[2] = {2, 0};
    solve_one(build_end(b), &o, (prc_job){.t0 = 0, .t1 = 2, .start = w0, .n_time = 1, .time = &t}, out, NULL, &r);
    TAP_REL(out[0], 0.1706167732170483e1, 1e-6);
    TAP_REL(out[1], -0.8928097010247975, 1e-5);
    free(b);
}

int main(void)
{
    TAP_RUN(order);
    TAP_RUN(proportional);
    TAP_RUN(stiff);
    return tap_done();
}
