/* solve_lanes.c: a patient's numbers depend on that patient alone: block width, threads, processor level, order of the
 * jobs and failing neighbours change no bit. Also: utilisation, memory, and every way a job can end. */
#include "../tap.h"
#include "solve_build.h"

enum { N_JOB = 150, N_TIME = 9, N_STATE = 4 };

/* Gut, centre, an effect inhibited by a Hill term, and a stock that grows by a seasonal rate: everything a condition
 * model has. */
static void disease(build *b, int *f, int *jac, int *df)
{
    int g = build_state(b, 0), c = build_state(b, 1), e = build_state(b, 2), s = build_state(b, 3), t = b->p.reg_time;
    int ka = build_param(b, 0), ke = build_param(b, 1), kin = build_param(b, 2), kout = build_param(b, 3),
        hill = build_param(b, 4);
    int one = build_const(b, 1), tiny = build_const(b, 1e-9);
    int lc = build_op(b, PRC_OP_LOG, build_op(b, PRC_OP_MAX, c, tiny, -1), -1, -1);
    int r = build_op(b, PRC_OP_EXP, build_mul(b, hill, lc), -1, -1),
        q = build_op(b, PRC_OP_RCP, build_add(b, one, r), -1, -1);
    int season = build_op(b, PRC_OP_SIN, t, -1, -1), es = build_mul(b, e, s), ab = build_mul(b, ka, g);
    f[0] = build_neg(b, ab);
    f[1] = build_sub(b, ab, build_mul(b, ke, c));
    f[2] = build_sub(b, build_mul(b, kin, q), build_mul(b, kout, e));
    f[3] = build_sub(b, build_add(b, one, build_mul(b, build_const(b, 0.3), season)),
                     build_mul(b, build_const(b, 0.2), es));
    for (int i = 0; i < 16; i++) jac[i] = -1;
    jac[0] = build_neg(b, ka);
    jac[4] = ka, jac[5] = build_neg(b, ke);
    /* d(1/(1 + c^h))/dc = -h c^(h-1) q^2, zero where c is below its guard */
    int dq = build_op(b, PRC_OP_DIV, build_mul(b, build_mul(b, hill, r), build_mul(b, q, q)),
                      build_op(b, PRC_OP_MAX, c, tiny, -1), -1);
    dq = build_op(b, PRC_OP_SELECT, build_op(b, PRC_OP_LT, tiny, c, -1), dq, build_const(b, 0));
    jac[9] = build_neg(b, build_mul(b, kin, dq)), jac[10] = build_neg(b, kout);
    int fifth = build_const(b, -0.2);
    jac[14] = build_mul(b, fifth, s), jac[15] = build_mul(b, fifth, e);
    df[0] = df[1] = df[2] = -1;
    df[3] = build_mul(b, build_const(b, 0.3), build_op(b, PRC_OP_COS, t, -1, -1));
}

static build *disease_program(void)
{
    double y0[N_STATE] = {0, 0, 1, 1};
    build *b = build_begin(N_STATE, 5, y0, disease);
    b->watch[0] = build_sub(b, build_state(b, 3), build_const(b, 2));
    b->p.n_watch = 1;
    int trigger = build_sub(b, build_state(b, 3), build_const(b, 4));
    b->p.output = build_piece(b);
    int v = build_mul(b, build_state(b, 3), build_const(b, 0.5));
    build_event(b, trigger, build_piece(b), b->p.reg_state + 3, v);
    build_end(b);
    return b;
}

typedef struct population {
    prc_job job[N_JOB];
    double param[N_JOB][5], time[N_JOB][N_TIME];
    prc_dose_event dose[N_JOB][4];
} population;

static void draw(population *q)
{
    for (uint32_t i = 0; i < N_JOB; i++) {
        for (uint32_t k = 0; k < 5; k++) q->param[i][k] = (0.2 + k % 3) * prc_exp(0.4 * prc_normal(7, i, 1, k, 0));
        double t = 5 * prc_uniform(7, i, 2, 0, 0);
        for (int k = 0; k < 4; k++, t += 4 + k)
            q->dose[i][k] = (prc_dose_event){t, k == 1 ? 2.5 : 0, 10, k == 1 ? 1 : 0, -1};
        for (int k = 0; k < N_TIME; k++) q->time[i][k] = k * 5;
        q->job[i] = (prc_job){.id = i,
                              .t0 = 0,
                              .t1 = 40 + 10 * prc_uniform(7, i, 3, 0, 0),
                              .param = q->param[i],
                              .n_dose = 4,
                              .dose = q->dose[i],
                              .n_time = N_TIME,
                              .time = q->time[i]};
    }
}

typedef struct answer {
    double out[N_JOB][N_TIME][N_STATE], final[N_JOB][N_STATE], watch[N_JOB];
    prc_job_result r[N_JOB];
} answer;

static answer *solve_with(const prc_program *p, const prc_job *jobs, size_t n, int width, int threads, const char *isa)
{
    answer *a = calloc(1, sizeof *a);
    prc_solve_options o;
    prc_error err = {0};
    if (a == NULL) abort();
    prc_solve_defaults(&o);
    o.width = width;
    o.max_steps = 2000;
    o.kernel = isa ? prc_kernel_named(isa) : NULL;
    if (prc_solve_all(p, &o, n, jobs, threads, N_TIME, &a->out[0][0][0], &a->final[0][0], a->watch, a->r, NULL, &err) !=
        PRC_OK)
        printf("# %s\n", err.message);
    return a;
}

static bool same_job(const answer *x, size_t i, const answer *y, size_t j)
{
    return memcmp(x->out[i], y->out[j], sizeof x->out[i]) == 0 &&
           memcmp(x->final[i], y->final[j], sizeof x->final[i]) == 0 &&
           memcmp(&x->watch[i], &y->watch[j], sizeof(double)) == 0 && x->r[i].outcome == y->r[j].outcome &&
           x->r[i].steps == y->r[j].steps && x->r[i].rejected == y->r[j].rejected;
}

static bool same(const answer *x, const answer *y)
{
    for (size_t i = 0; i < N_JOB; i++)
        if (!same_job(x, i, y, i)) {
            printf("# job %zu differs\n", i);
            return false;
        }
    return true;
}

static void bits(void)
{
    build *b = disease_program();
    population *q = calloc(1, sizeof *q);
    if (q == NULL) abort();
    draw(q);
    answer *ref = solve_with(&b->p, q->job, N_JOB, 32, 1, "x86-64");
    size_t done = 0, seen = 0;
    for (size_t i = 0; i < N_JOB; i++)
        done += ref->r[i].outcome == PRC_DONE, seen += (size_t)(isnan(ref->watch[i]) == 0);
    TAP_INT(done, N_JOB);
    TAP_THAT(seen > 10 && seen < N_JOB, "some patients have the occurrence, not all (%zu)", seen);
    int widths[] = {1, 8, 24, 32, 48, 5};
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        answer *a = solve_with(&b->p, q->job, N_JOB, widths[k], 1, NULL);
        TAP_THAT(same(ref, a), "width %d", widths[k]);
        free(a);
    }
    const char *levels[] = {"x86-64", "v3", "v4"};
    for (size_t k = 0; k < 3; k++) {
        if (prc_kernel_named(levels[k]) == NULL) {
            TAP_SKIP("this processor lacks the level");
            continue;
        }
        answer *a = solve_with(&b->p, q->job, N_JOB, 16, 2, levels[k]);
        TAP_THAT(same(ref, a), "level %s, two threads", levels[k]);
        free(a);
    }
    prc_job *back = malloc(N_JOB * sizeof *back);
    if (back == NULL) abort();
    for (size_t i = 0; i < N_JOB; i++) back[i] = q->job[N_JOB - 1 - i];
    answer *a = solve_with(&b->p, back, N_JOB, 8, 1, NULL);
    bool all = true;
    for (size_t i = 0; i < N_JOB; i++) all &= same_job(ref, i, a, N_JOB - 1 - i);
    TAP_THAT(all, "jobs in reverse order");
    free(a), free(back), free(ref), free(q), free(b);
}

/* Patients who fail in every way, among others who do not. */
static void failing_neighbours(void)
{
    build *b = disease_program();
    population *q = calloc(1, sizeof *q);
    if (q == NULL) abort();
    draw(q);
    answer *ref = solve_with(&b->p, q->job, N_JOB, 24, 1, NULL);
    double nan_start[N_STATE] = {0, (double)INFINITY, 1, 1};
    for (size_t i = 0; i < N_JOB; i += 3) {
        if (i % 2 == 0)
            q->param[i][2] = (double)NAN; /* the rate is not a number */
        else if (i % 5 == 0)
            q->job[i].start = nan_start;
        else
            q->dose[i][2].amount = (double)NAN; /* fails in the middle */
    }
    answer *a = solve_with(&b->p, q->job, N_JOB, 24, 1, NULL);
    bool all = true, failed = true, blamed = true;
    for (size_t i = 0; i < N_JOB; i++) {
        if (i % 3 != 0) {
            all &= same_job(ref, i, a, i);
        } else {
            failed &= a->r[i].outcome == PRC_NONFINITE;
            blamed &= a->r[i].state == (i % 2 == 0 ? 2 : i % 5 == 0 ? 1 : 0);
        }
    }
    TAP_THAT(all, "the others are untouched to the bit");
    TAP_THAT(failed, "the failing ones say non-finite");
    TAP_THAT(blamed, "and name the state");
    free(a), free(ref), free(q), free(b);
}

typedef struct feed {
    const prc_job *job;
    size_t n, next, done;
    bool whole;
} feed;

static bool feed_next(void *ctx, int part, prc_job *job)
{
    feed *f = ctx;
    (void)part;
    if (f->next >= f->n) return false;
    *job = f->job[f->next++ % N_JOB];
    return true;
}

static void feed_output(void *ctx, int part, const prc_job *job, size_t k, const double *value)
{
    feed *f = ctx;
    (void)part;
    f->whole &= k < job->n_time && isfinite(value[0]);
}

static void feed_done(void *ctx, int part, const prc_job *job, const prc_job_result *r)
{
    feed *f = ctx;
    (void)part, (void)job;
    f->done += r->outcome == PRC_DONE;
}

static void utilisation(void)
{
    build *b = disease_program();
    population *q = calloc(1, sizeof *q);
    prc_workspace *w = NULL;
    prc_solve_options o;
    if (q == NULL) abort();
    draw(q);
    prc_solve_defaults(&o);
    if (!TAP_OK(prc_workspace_create(&b->p, &o, &w, NULL) == PRC_OK)) return;
    feed f = {q->job, 1000, 0, 0, true};
    prc_sink sink = {feed_next, feed_output, feed_done, &f};
    long used, offered, before = prc_memory_count();
    TAP_OK(prc_solve(w, &sink, 0, NULL) == PRC_OK);
    TAP_THAT(prc_memory_count() == before, "nothing is allocated while solving");
    TAP_OK(f.done == 1000 && f.whole);
    prc_workspace_counts(w, &used, &offered);
    TAP_THAT((double)used >= 0.95 * (double)offered, "utilisation %.4f", (double)used / (double)offered);
    TAP_THAT(prc_workspace_bytes(w) > 1000 && prc_workspace_bytes(w) < 1 << 20, "workspace of %zu bytes",
             prc_workspace_bytes(w));
    prc_workspace_free(w);
    prc_workspace_free(NULL);
    prc_memory_fail_at(1);
    TAP_INT(prc_workspace_create(&b->p, &o, &w, NULL), PRC_E_MEMORY);
    prc_memory_fail_at(0);
    o.terminal_watch = 1;
    TAP_INT(prc_workspace_create(&b->p, &o, &w, NULL), PRC_E_VALUE);
    free(q), free(b);
}

/* y' = y^2 blows up at t = 1/y0. */
static void explosion(build *b, int *f, int *jac, int *df)
{
    int y = build_state(b, 0);
    f[0] = build_mul(b, y, y);
    jac[0] = build_add(b, y, y);
    df[0] = -1;
}

/* y' = k (K - y) */
static void relax(build *b, int *f, int *jac, int *df)
{
    int k = build_param(b, 0);
    f[0] = build_mul(b, k, build_sub(b, build_param(b, 1), build_state(b, 0)));
    jac[0] = build_neg(b, k);
    df[0] = -1;
}

static prc_job_result outcome_of(const prc_program *p, const prc_solve_options *o, prc_job job, double *final)
{
    prc_job_result r = {0};
    double mine[BUILD_STATES];
    TAP_OK(prc_solve_all(p, o, 1, &job, 1, 0, NULL, final ? final : mine, NULL, &r, NULL, NULL) == PRC_OK);
    return r;
}

static void outcomes(void)
{
    double y0 = 1, par[2] = {2, 5}, final;
    prc_solve_options o;
    prc_solve_defaults(&o);
    build *b = build_begin(1, 0, &y0, explosion);
    prc_job_result r = outcome_of(build_end(b), &o, (prc_job){.t0 = 0, .t1 = 2}, NULL);
    TAP_OK(r.outcome == PRC_STEP_TOO_SMALL || r.outcome == PRC_NONFINITE);
    TAP_REL(r.time, 1.0, 1e-4);
    TAP_INT(r.state, 0);
    o.max_steps = 10;
    r = outcome_of(build_end(b), &o, (prc_job){.t0 = 0, .t1 = 2}, NULL);
    TAP_INT(r.outcome, PRC_STEP_LIMIT);
    TAP_INT(r.steps + r.rejected, 10);
    free(b);
    prc_solve_defaults(&o);
    o.until_steady = true;
    b = build_begin(1, 2, &y0, relax);
    r = outcome_of(build_end(b), &o, (prc_job){.t0 = 0, .t1 = 1000, .param = par}, &final);
    TAP_INT(r.outcome, PRC_DONE);
    TAP_THAT(r.time > 5 && r.time < 900, "steady before the end (%.1f)", r.time);
    TAP_REL(final, 5.0, 1e-8);
    r = outcome_of(build_end(b), &o, (prc_job){.t0 = 0, .t1 = 1, .param = par}, NULL);
    TAP_INT(r.outcome, PRC_NOT_STEADY);
    free(b);
    TAP_STR(prc_outcome_name(PRC_STEP_TOO_SMALL), "step-too-small");
    TAP_STR(prc_outcome_why(PRC_DONE), "reached the end");
}

/* x' = p x - 15 y, y' = 15 x - 20 y: stable for 0 < p < 11. With p = 1/(h gamma) the first pivot is zero, with p close
 * to it tiny. */
static void pivots_xy(build *b, int *f, int *jac, int *df)
{
    int x = build_state(b, 0), y = build_state(b, 1), p = build_param(b, 0), c = build_const(b, 15),
        n = build_const(b, -15), m = build_const(b, -20);
    f[0] = build_add(b, build_mul(b, p, x), build_mul(b, n, y));
    f[1] = build_add(b, build_mul(b, c, x), build_mul(b, m, y));
    jac[0] = p, jac[1] = build_op(b, PRC_OP_MOV, n, -1, -1), jac[2] = c, jac[3] = m;
    df[0] = df[1] = -1;
}

/* The same with the states in the other order, where the natural pivots are good. */
static void pivots_yx(build *b, int *f, int *jac, int *df)
{
    int x = build_state(b, 1), y = build_state(b, 0), p = build_param(b, 0), c = build_const(b, 15),
        n = build_const(b, -15), m = build_const(b, -20);
    f[1] = build_add(b, build_mul(b, p, x), build_mul(b, n, y));
    f[0] = build_add(b, build_mul(b, c, x), build_mul(b, m, y));
    jac[3] = p, jac[2] = n, jac[1] = c, jac[0] = m;
    df[0] = df[1] = -1;
}

static void fallback(void)
{
    double y0[2] = {1, 1}, good[2], bad[2], par[3];
    par[0] = 1 / (0.5 * 0.21193756319429014);
    par[1] = par[0] * (1 + 1e-15);
    par[2] = par[0] * (1 + 1e-11);
    prc_solve_options o;
    prc_solve_defaults(&o);
    /* Tolerances so wide that every step is 0.5 long. */
    o.rtol = o.atol = 1e6;
    o.h_max = 0.5;
    for (int spoil = 0; spoil < 2; spoil++) {
        build *b = build_begin(2, 1, y0, pivots_xy), *c = build_begin(2, 1, y0, pivots_yx);
        /* A program may overwrite the Jacobian while solving: here it does. */
        if (spoil) {
            b->code[b->n_code++] = (prc_instr){PRC_OP_SUB, b->jac_reg[1], b->jac_reg[1], b->jac_reg[1], -1, 0};
            b->p.solve.n_instr++, b->begin++;
        }
        for (int k = 0; k < 3; k++) {
            prc_job job = {.t0 = 0, .t1 = 4, .param = &par[k]};
            TAP_INT(outcome_of(build_end(b), &o, job, bad).outcome, PRC_DONE);
            TAP_INT(outcome_of(build_end(c), &o, job, good).outcome, PRC_DONE);
            TAP_REL(bad[0], good[1], 1e-9);
            TAP_REL(bad[1], good[0], 1e-9);
        }
        free(b), free(c);
    }
}

static bool stop_soon(void *ctx, const char *stage, double done, double total)
{
    (void)stage, (void)total;
    *(double *)ctx = done;
    return done < 20;
}

static void interruption(void)
{
    build *b = disease_program();
    population *q = calloc(1, sizeof *q);
    prc_job_result *r = calloc(N_JOB, sizeof *r);
    double done = 0;
    prc_progress progress = {stop_soon, &done};
    prc_solve_options o;
    prc_error err;
    if (q == NULL || r == NULL) abort();
    draw(q);
    prc_solve_defaults(&o);
    TAP_INT(prc_solve_all(&b->p, &o, N_JOB, q->job, 1, 0, NULL, NULL, NULL, r, &progress, &err), PRC_E_INTERRUPTED);
    TAP_THAT(done >= 20 && done < N_JOB, "stopped soon after 20 (%.0f)", done);
    free(r), free(q), free(b);
}

int main(void)
{
    TAP_RUN(bits);
    TAP_RUN(failing_neighbours);
    TAP_RUN(utilisation);
    TAP_RUN(outcomes);
    TAP_RUN(fallback);
    TAP_RUN(interruption);
    return tap_done();
}
