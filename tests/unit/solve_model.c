/* solve_model.c: the solver on programs made by the model compiler. */
#include "../tap.h"
#include "paracrine/solve.h"

#include <stdlib.h>

enum { MAX_OUT = 4 };

typedef struct fixture {
    prc_arena *arena;
    prc_model *m;
    prc_program *p;
    double final[8], watch[4], out[256];
    prc_job_result r;
} fixture;

static bool load(fixture *f, const char *text, const char *const *outputs, size_t n_output, const char *watch)
{
    prc_error err = {0};
    prc_program_spec spec = {0};
    const prc_expr *e[MAX_OUT], *w = NULL;
    *f = (fixture){.arena = prc_arena_create()};
    bool ok = f->arena != NULL;
    for (size_t i = 0; ok && i < n_output; i++)
        ok = prc_expr_parse(f->arena, outputs[i], "output", 1, 1, &e[i], &err) == PRC_OK;
    if (ok && watch != NULL) ok = prc_expr_parse(f->arena, watch, "watch", 1, 1, &w, &err) == PRC_OK;
    spec.n_output = n_output, spec.output = e;
    spec.n_watch = watch != NULL, spec.watch = &w;
    ok = ok && prc_model_parse(text, "test.ant", PRC_MODEL_NO_UNITS, &f->m, &err) == PRC_OK &&
         prc_program_compile(f->m, &spec, &f->p, &err) == PRC_OK;
    if (!TAP_OK(ok)) printf("# %s\n", err.message);
    return ok;
}

static void unload(fixture *f)
{
    prc_program_free(f->p);
    prc_model_free(f->m);
    prc_arena_free(f->arena);
}

static void solve_to(fixture *f, double rtol, double t1, const double *param, size_t n_time, const double *time)
{
    prc_solve_options o;
    prc_error err = {0};
    prc_solve_defaults(&o);
    o.rtol = rtol, o.atol = rtol * 1e-3;
    prc_job job = {.t0 = 0, .t1 = t1, .param = param, .n_time = n_time, .time = time};
    if (!TAP_OK(prc_solve_all(f->p, &o, 1, &job, 1, n_time, f->out, f->final, f->watch, &f->r, NULL, &err) == PRC_OK))
        printf("# %s\n", err.message);
    TAP_INT(f->r.outcome, PRC_DONE);
}

/* Values the model text gives to its parameters. */
static double *parameters(const fixture *f, const char *const *names, const double *values, size_t n)
{
    double *v = calloc(f->p->n_param + 1, sizeof *v);
    if (v == NULL) abort();
    for (size_t i = 0; i < n; i++) {
        int k = prc_model_find(f->m, names[i]);
        if (TAP_OK(k >= 0 && f->m->var[k].kind == PRC_VAR_PARAMETER)) v[f->m->var[k].slot] = values[i];
    }
    return v;
}

static void chain(void)
{
    static const char text[] =
        "model chain()\n  species A = 1, B = 0, C = 0;\n  k1 = 0.5; k2 = 0.2;\n  A -> B; k1*A\n  B -> C; k2*B\nend\n";
    static const char *const outputs[] = {"A", "B", "A + B + C"}, *const names[] = {"k1", "k2"};
    double values[] = {0.5, 0.2}, times[] = {0, 1, 2.5, 7};
    fixture f;
    if (!load(&f, text, outputs, 3, "C - 0.5")) return;
    double *param = parameters(&f, names, values, 2);
    solve_to(&f, 1e-9, 10, param, 4, times);
    for (int i = 0; i < 4; i++) {
        double t = times[i];
        TAP_REL(f.out[3 * i], exp(-0.5 * t), 1e-8);
        TAP_NEAR(f.out[3 * i + 1], 0.5 / 0.3 * (exp(-0.2 * t) - exp(-0.5 * t)), 1e-8);
        /* Mass is kept exactly but for rounding: the method keeps linear invariants. */
        TAP_NEAR(f.out[3 * i + 2], 1, 1e-14);
    }
    /* C(t) = 1 - exp(-k1 t) - B(t) reaches a half */
    double t = f.watch[0];
    TAP_NEAR(1 - exp(-0.5 * t) - 0.5 / 0.3 * (exp(-0.2 * t) - exp(-0.5 * t)), 0.5, 1e-8);
    free(param);
    unload(&f);
}

static void nonlinear(void)
{
    /* u = exp(sin t), v = 1/(1 + t) */
    static const char text[] = "model m()\n  var u = 1, v = 1;\n  u' = u*v*(1 + time)*cos(time);\n  v' = -v^2;\nend\n";
    static const char *const outputs[] = {"u", "v", "ln(u) - sin(time)"};
    double times[] = {1, 3, 5};
    fixture f;
    if (!load(&f, text, outputs, 3, NULL)) return;
    solve_to(&f, 1e-10, 5, NULL, 3, times);
    for (int i = 0; i < 3; i++) {
        TAP_REL(f.out[3 * i], exp(sin(times[i])), 1e-8);
        TAP_REL(f.out[3 * i + 1], 1 / (1 + times[i]), 1e-8);
        TAP_NEAR(f.out[3 * i + 2], 0, 1e-8);
    }
    unload(&f);
}

static void no_states(void)
{
    static const char text[] = "model m()\n  var y;\n  y := 2*time + 1;\nend\n";
    static const char *const outputs[] = {"y"};
    double times[] = {0, 0.5, 4};
    fixture f;
    if (!load(&f, text, outputs, 1, "y - 4")) return;
    solve_to(&f, 1e-6, 4, NULL, 3, times);
    TAP_NEAR(f.out[0], 1, 0);
    TAP_NEAR(f.out[1], 2, 0);
    TAP_NEAR(f.out[2], 9, 0);
    TAP_REL(f.watch[0], 1.5, 1e-14);
    unload(&f);
}

/* A state that cannot be negative: rounding is cleared away, a rate that drives it below 0 ends the job with its name. */
static void nonnegative(void)
{
    fixture f;
    prc_error err = {0};
    static const uint8_t both[2] = {1, 1};
    prc_solve_options o;
    if (load(&f, "model a()\n var x, y; x = 1; y = 1; x' = -50*x; y' = 50*x - 3*y; end\n", NULL, 0, NULL)) {
        prc_job job = {.t1 = 60, .param = f.final};
        prc_solve_defaults(&o);
        o.nonnegative = both;
        TAP_INT(prc_solve_all(f.p, &o, 1, &job, 1, 0, NULL, f.final, NULL, &f.r, NULL, &err), PRC_OK);
        TAP_INT(f.r.outcome, PRC_DONE);
        TAP_OK(f.final[0] >= 0 && f.final[1] >= 0 && f.final[1] < 1e-8);
    }
    unload(&f);
    if (load(&f, "model a()\n var x, y; x = 1; y = 5; x' = -0.5; y' = -y; end\n", NULL, 0, NULL)) {
        prc_job job = {.t1 = 10, .param = f.final};
        TAP_INT(prc_solve_all(f.p, &o, 1, &job, 1, 0, NULL, f.final, NULL, &f.r, NULL, &err), PRC_OK);
        TAP_INT(f.r.outcome, PRC_STEP_TOO_SMALL);
        TAP_INT(f.r.state, 0);
        TAP_OK(f.r.time > 1.99 && f.r.time < 2.001);
        o.nonnegative = NULL;
        TAP_INT(prc_solve_all(f.p, &o, 1, &job, 1, 0, NULL, f.final, NULL, &f.r, NULL, &err), PRC_OK);
        TAP_INT(f.r.outcome, PRC_DONE);
        TAP_OK(f.final[0] < -3.99);
    }
    unload(&f);
}

/* Initial values that refer to a state the job gives; without it they are not a number, whatever the patient before left. */
static void given_start(void)
{
    static const char *const set[] = {"x"};
    prc_error err = {0};
    prc_model *m = NULL;
    prc_program *p = NULL;
    prc_solve_options o;
    prc_program_spec spec = {.n_set = 1, .set = set};
    double start[2][2] = {{3, (double)NAN}, {(double)NAN, (double)NAN}}, final[4] = {0};
    prc_job job[2] = {{.t1 = 1, .param = final, .start = start[0]}, {.t1 = 1, .param = final, .start = start[1]}};
    prc_job_result r[2];
    prc_solve_defaults(&o);
    o.width = 1;
    bool ok = prc_model_parse("model a()\n var x, y; y = 2*x + 1; x' = 0; y' = 0; end\n", "test.ant", PRC_MODEL_NO_UNITS, &m, &err) == PRC_OK &&
              prc_program_compile(m, &spec, &p, &err) == PRC_OK;
    if (TAP_OK(ok)) {
        TAP_INT(prc_solve_all(p, &o, 2, job, 1, 0, NULL, final, NULL, r, NULL, &err), PRC_OK);
        TAP_INT(r[0].outcome, PRC_DONE);
        TAP_OK(final[1] >= 7 && final[1] <= 7);
        TAP_INT(r[1].outcome, PRC_NONFINITE);
    }
    prc_program_free(p);
    prc_model_free(m);
}

int main(void)
{
    TAP_RUN(chain);
    TAP_RUN(nonlinear);
    TAP_RUN(no_states);
    TAP_RUN(nonnegative);
    TAP_RUN(given_start);
    return tap_done();
}
