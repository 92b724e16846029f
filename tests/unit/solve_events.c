/* solve_events.c: doses, infusions, outputs, watches and model events against closed forms. */
#include "../tap.h"
#include "solve_build.h"

typedef struct run {
    prc_solve_options o;
    double out[512], final[BUILD_STATES], watch[8];
    prc_job_result r;
} run;

static void solve_job(run *u, const prc_program *p, prc_job job)
{
    prc_error err;
    prc_status st = prc_solve_all(p, &u->o, 1, &job, 1, job.n_time, u->out, u->final, u->watch, &u->r, NULL, &err);
    if (st != PRC_OK) printf("# %s\n", err.message);
    TAP_INT(st, PRC_OK);
}

static run fresh(double rtol)
{
    run u;
    memset(&u, 0, sizeof u);
    prc_solve_defaults(&u.o);
    u.o.rtol = rtol, u.o.atol = 1e-3 * rtol;
    return u;
}

/* y' = -k y */
static void decay(build *b, int *f, int *jac, int *df)
{
    int nk = build_neg(b, build_param(b, 0));
    f[0] = build_mul(b, nk, build_state(b, 0));
    jac[0] = nk, df[0] = -1;
}

static void bolus_and_infusion(void)
{
    double k = 0.3, y0 = 1, times[] = {0, 1, 2, 2.5, 4, 6, 10};
    prc_dose_event dose[] = {{0, 0, 10, 0, -1}, {2, 0, 5, 0, -1}, {2, 3, 12, 0, -1}, {4, 0.5, 1, 0, -1}};
    build *b = build_begin(1, 1, &y0, decay);
    run u = fresh(1e-9);
    solve_job(&u, build_end(b),
              (prc_job){.t0 = 0, .t1 = 10, .param = &k, .n_dose = 4, .dose = dose, .n_time = 7, .time = times});
    TAP_INT(u.r.outcome, PRC_DONE);
    for (int i = 0; i < 7; i++) {
        double t = times[i], y = 11 * exp(-k * t);
        if (t >= 2) y += 5 * exp(-k * (t - 2));
        /* Infusion at rate r over d: r/k (e^{-k (t - end)} - e^{-k (t - start)}) after its end. */
        if (t >= 2) y += 4 / k * (exp(-k * fmax(0, t - 5)) - exp(-k * (t - 2)));
        if (t >= 4) y += 2 / k * (exp(-k * fmax(0, t - 4.5)) - exp(-k * (t - 4)));
        TAP_REL(u.out[i], y, 2e-8);
    }
    free(b);
}

static void dose_edges(void)
{
    double k = 0.5, y0 = 0, times[] = {0, 4}, k2 = 0;
    build *b = build_begin(1, 1, &y0, decay);
    const prc_program *p = build_end(b);
    /* A bolus before t0 is part of the start, an infusion from before t0 still runs; a dose at t1 counts; one after t1
     * does not. */
    prc_dose_event dose[] = {
        {-1, 0, 99, 0, -1}, {-1, 2, 2, 0, -1}, {0, 0, 3, 0, -1}, {4, 0, 7, 0, -1}, {5, 0, 50, 0, -1}};
    run u = fresh(1e-9);
    solve_job(&u, p, (prc_job){.t0 = 0, .t1 = 4, .param = &k, .n_dose = 5, .dose = dose, .n_time = 2, .time = times});
    TAP_NEAR(u.out[0], 3, 0);
    TAP_REL(u.out[1], 3 * exp(-2) + 2 * (exp(-0.5 * 3) - exp(-0.5 * 4)) + 7, 1e-8);
    TAP_NEAR(u.final[0], u.out[1], 0);
    /* A parameter set at t = 1 switches elimination off: what is left stays. */
    prc_dose_event set[] = {{0, 0, 8, 0, -1}, {1, 0, k2, -1, 0}};
    u = fresh(1e-9);
    solve_job(&u, p, (prc_job){.t0 = 0, .t1 = 4, .param = &k, .n_dose = 2, .dose = set, .n_time = 2, .time = times});
    TAP_REL(u.out[1], 8 * exp(-0.5), 1e-8);
    /* No time at all. */
    u = fresh(1e-6);
    solve_job(&u, p, (prc_job){.t0 = 3, .t1 = 3, .param = &k, .n_dose = 0, .n_time = 0});
    TAP_INT(u.r.outcome, PRC_DONE);
    TAP_NEAR(u.r.time, 3, 0);
    free(b);
}

/* Gut, centre, periphery: ka, ke, k12, k21. */
static void oral(build *b, int *f, int *jac, int *df)
{
    int g = build_state(b, 0), c = build_state(b, 1), q = build_state(b, 2);
    int ka = build_param(b, 0), ke = build_param(b, 1), k12 = build_param(b, 2), k21 = build_param(b, 3);
    int ab = build_mul(b, ka, g), out = build_add(b, ke, k12), back = build_mul(b, k21, q);
    f[0] = build_neg(b, ab);
    f[1] = build_add(b, build_sub(b, ab, build_mul(b, out, c)), back);
    f[2] = build_sub(b, build_mul(b, k12, c), back);
    jac[0] = build_neg(b, ka), jac[1] = -1, jac[2] = -1;
    jac[3] = ka, jac[4] = build_neg(b, out), jac[5] = k21;
    jac[6] = -1, jac[7] = k12, jac[8] = build_neg(b, k21);
    df[0] = df[1] = df[2] = -1;
}

static void two_compartments(void)
{
    double y0[3] = {0}, par[4] = {1.2, 0.1, 0.35, 0.25}, times[] = {0.5, 1, 3, 12, 24, 48};
    double ka = par[0], s = par[1] + par[2] + par[3], d = sqrt(s * s - 4 * par[1] * par[3]), al = (s + d) / 2,
           be = (s - d) / 2, k21 = par[3];
    build *b = build_begin(3, 4, y0, oral);
    const prc_program *p = build_end(b);
    prc_dose_event iv = {0, 0, 100, 1, -1}, po = {0, 0, 100, 0, -1};
    run u = fresh(1e-9);
    solve_job(&u, p, (prc_job){.t0 = 0, .t1 = 48, .param = par, .n_dose = 1, .dose = &iv, .n_time = 6, .time = times});
    for (int i = 0; i < 6; i++) {
        double t = times[i], y = 100 / (al - be) * ((al - k21) * exp(-al * t) + (k21 - be) * exp(-be * t));
        TAP_REL(u.out[3 * i + 1], y, 2e-8);
    }
    u = fresh(1e-9);
    solve_job(&u, p, (prc_job){.t0 = 0, .t1 = 48, .param = par, .n_dose = 1, .dose = &po, .n_time = 6, .time = times});
    for (int i = 0; i < 6; i++) {
        double t = times[i];
        double y =
            100 * ka *
            ((k21 - al) / ((ka - al) * (be - al)) * exp(-al * t) + (k21 - be) / ((ka - be) * (al - be)) * exp(-be * t) +
             (k21 - ka) / ((al - ka) * (be - ka)) * exp(-ka * t));
        TAP_REL(u.out[3 * i + 1], y, 2e-8);
    }
    free(b);
}

/* y' = -y + sin t */
static void driven(build *b, int *f, int *jac, int *df)
{
    int t = b->p.reg_time;
    f[0] = build_sub(b, build_op(b, PRC_OP_SIN, t, -1, -1), build_state(b, 0));
    jac[0] = build_const(b, -1);
    df[0] = build_op(b, PRC_OP_COS, t, -1, -1);
}

static void explicit_time(void)
{
    double y0 = 1, times[21];
    for (int i = 0; i < 21; i++) times[i] = i;
    build *b = build_begin(1, 0, &y0, driven);
    run u = fresh(1e-9);
    solve_job(&u, build_end(b), (prc_job){.t0 = 0, .t1 = 20, .n_time = 21, .time = times});
    double worst = 0;
    for (int i = 0; i < 21; i++)
        worst = fmax(worst, fabs(u.out[i] - (1.5 * exp(-times[i]) + (sin(times[i]) - cos(times[i])) / 2)));
    TAP_THAT(worst < 2e-8, "y' = -y + sin t within 2e-8 (%.2e)", worst);
    free(b);
}

/* y' = r y (1 - y / K) */
static void logistic(build *b, int *f, int *jac, int *df)
{
    int y = build_state(b, 0), r = build_param(b, 0), one = build_const(b, 1);
    int q = build_op(b, PRC_OP_DIV, y, build_param(b, 1), -1);
    f[0] = build_mul(b, build_mul(b, r, y), build_sub(b, one, q));
    jac[0] = build_mul(b, r, build_sub(b, one, build_add(b, q, q)));
    df[0] = -1;
}

static double logistic_at(double t, double r, double k, double y0) { return k / (1 + (k / y0 - 1) * exp(-r * t)); }

static void watches(void)
{
    double y0 = 0.5, par[2] = {0.8, 50}, times[301];
    build *b = build_begin(1, 2, &y0, logistic);
    b->watch[0] = build_sub(b, build_state(b, 0), build_const(b, 20));
    b->watch[1] = build_sub(b, build_const(b, 20), build_state(b, 0)); /* true from the start: never rises */
    b->watch[2] = build_sub(b, b->p.reg_time, build_const(b, 7.25));
    b->p.n_watch = 3;
    const prc_program *p = build_end(b);
    double root = log((50 / 0.5 - 1) / (50 / 20.0 - 1)) / 0.8;
    for (int i = 0; i < 301; i++) times[i] = i * 0.05;
    run u = fresh(1e-11), v = fresh(1e-11);
    solve_job(&u, p, (prc_job){.t0 = 0, .t1 = 15, .param = par, .n_time = 301, .time = times});
    TAP_REL(u.watch[0], root, 1e-8);
    TAP_NEAR(u.watch[1], (double)NAN, 0);
    TAP_REL(u.watch[2], 7.25, 1e-14);
    TAP_REL(u.out[100], logistic_at(5, 0.8, 50, 0.5), 1e-8);
    /* The output grid changes neither an occurrence nor a state, to the bit. */
    double few[] = {0, 5, 15};
    solve_job(&v, p, (prc_job){.t0 = 0, .t1 = 15, .param = par, .n_time = 3, .time = few});
    TAP_OK(memcmp(u.watch, v.watch, 3 * sizeof(double)) == 0);
    TAP_OK(u.out[100] == v.out[1] && u.out[300] == v.out[2] && u.r.steps == v.r.steps);
    /* A terminal watch ends the job there; later outputs are not delivered. */
    v = fresh(1e-11);
    v.o.terminal_watch = 0;
    solve_job(&v, p, (prc_job){.t0 = 0, .t1 = 15, .param = par, .n_time = 301, .time = times});
    TAP_INT(v.r.outcome, PRC_STOPPED);
    TAP_NEAR(v.r.time, u.watch[0], 0);
    TAP_REL(v.final[0], 20.0, 1e-8);
    TAP_OK(isnan(v.watch[2]) == (root < 7.25));
    size_t inside = (size_t)(root / 0.05);
    TAP_OK(v.out[inside] == u.out[inside] && isnan(v.out[inside + 1]));
    free(b);
}

/* A jump by a dose is an occurrence at the time of the dose. */
static void watch_jump(void)
{
    double y0 = 1, k = 0.1;
    prc_dose_event dose = {2.5, 0, 10, 0, -1};
    build *b = build_begin(1, 1, &y0, decay);
    b->watch[0] = build_sub(b, build_state(b, 0), build_const(b, 5));
    b->p.n_watch = 1;
    run u = fresh(1e-8);
    solve_job(&u, build_end(b), (prc_job){.t0 = 0, .t1 = 5, .param = &k, .n_dose = 1, .dose = &dose});
    TAP_NEAR(u.watch[0], 2.5, 0);
    free(b);
}

/* Rescue: whenever y falls below 1, it is set to 3 and the rate constant halved. */
static void events(void)
{
    double y0 = 4, k = 1, times[] = {1, 2, 3, 5, 8};
    build *b = build_begin(1, 1, &y0, decay);
    int trigger = build_sub(b, build_const(b, 1), build_state(b, 0));
    b->p.output = build_piece(b);
    int v = build_const(b, 3);
    build_event(b, trigger, build_piece(b), b->p.reg_state, v);
    int half = build_mul(b, build_param(b, 0), build_const(b, 0.5));
    prc_code halve = build_piece(b);
    build_event(b, trigger, halve, b->p.reg_param, half);
    b->p.event_changes_param = true;
    run u = fresh(1e-11);
    solve_job(&u, build_end(b), (prc_job){.t0 = 0, .t1 = 10, .param = &k, .n_time = 5, .time = times});
    double t1 = log(4), t2 = t1 + log(3) / 0.5, t3 = t2 + log(3) / 0.25;
    for (int i = 0; i < 5; i++) {
        double t = times[i], y;
        y = t < t1   ? 4 * exp(-t)
            : t < t2 ? 3 * exp(-0.5 * (t - t1))
            : t < t3 ? 3 * exp(-0.25 * (t - t2))
                     : 3 * exp(-0.125 * (t - t3));
        TAP_REL(u.out[i], y, 1e-8);
    }
    TAP_INT(u.r.outcome, PRC_DONE);
    free(b);
}

/* An event at a fixed time: the output there is the value after it. */
static void event_at_output(void)
{
    double y0 = 1, k = 0.2, times[] = {3, 4};
    build *b = build_begin(1, 1, &y0, decay);
    int trigger = build_sub(b, b->p.reg_time, build_const(b, 3));
    b->p.output = build_piece(b);
    int v = build_const(b, 100);
    build_event(b, trigger, build_piece(b), b->p.reg_state, v);
    run u = fresh(1e-10);
    solve_job(&u, build_end(b), (prc_job){.t0 = 0, .t1 = 4, .param = &k, .n_time = 2, .time = times});
    TAP_REL(u.out[0], 100.0, 1e-12);
    TAP_REL(u.out[1], 100 * exp(-0.2), 1e-9);
    free(b);
}

/* Bouncing: the event throws y just above the threshold it falls through, ever closer. */
static void chattering(void)
{
    double y0 = 2, k = 1;
    build *b = build_begin(1, 1, &y0, decay);
    int one = build_const(b, 1), trigger = build_sub(b, one, build_state(b, 0));
    b->p.output = build_piece(b);
    int v = build_const(b, 1 + 1e-12);
    build_event(b, trigger, build_piece(b), b->p.reg_state, v);
    run u = fresh(1e-8);
    solve_job(&u, build_end(b), (prc_job){.t0 = 0, .t1 = 5, .param = &k});
    TAP_INT(u.r.outcome, PRC_CHATTER);
    TAP_REL(u.r.time, log(2), 1e-4);
    free(b);
}

int main(void)
{
    TAP_RUN(bolus_and_infusion);
    TAP_RUN(dose_edges);
    TAP_RUN(two_compartments);
    TAP_RUN(explicit_time);
    TAP_RUN(watches);
    TAP_RUN(watch_jump);
    TAP_RUN(events);
    TAP_RUN(event_at_output);
    TAP_RUN(chattering);
    return tap_done();
}
