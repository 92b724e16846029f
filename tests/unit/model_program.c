/* Compiled programs against the equations they come from. */
#include "tap.h"

#include "model_run.h"

#include <time.h>

/* Every construct of the language, with the shapes that disease models have: transfers, Hill terms, products,
 * piecewise, time. */
static const char kitchen_sink[] =
    "function hill(x, k, n)\n x^n/(k^n + x^n)\nend\n"
    "model sub(k)\n species A, B; A = 1; B = 0.5; J1: A -> B; k*A; J2: B -> ; 0.3*B*(1 + h); var h; end\n"
    "model main()\n s: sub(k1); k1 = 0.7; s.h := hill(x, K, n) + hill(y, K, 2)\n"
    " var x, y, z, w, u, v; const K, n, q; var p; p = 2; var derived; derived = K/(1 + q)\n"
    " x = 0.4; y = 2*derived + x; z = s.h; w = 0.3; u = 1; v = 0.9\n"
    " r := max(0, x - 0.2)*min(y, z, 3) + abs(z - y); g := piecewise(x^2, x > y, y*z, z > 2, 1 + sqrt(w))\n"
    " x' = k1*(1 - x) - q*x*y*z + s.A*s.B - x/(K + x) + y/(K + x)\n"
    " y' = -p*y + hill(z, K, n)*exp(-0.5*w) + 0.1*sin(2*time) - (x + y)*K*q\n"
    " z' = r - g*z + ln(1 + x*x)/(1 + w) + x^3 - 2*x^(-1) + z^0.5\n"
    " w' = tanh(x - w) + cos(x)*q - tan(0.1*z)*w + floor(3.5)*x - ceil(y)*0\n"
    " u' = (1 - u)*(x > 0.1 && y < 100) + 5 % 3 - log10(1 + u) - !(x > 5) + (x < 0 || u > 0.5)\n"
    " v' = -v*u + n^x - pow(x, y); c := u + v\n"
    " E1: at (x > 3 && (y < 1 || z >= u)): x = y, y = x, p = p*2\n"
    " E2: at (!(x > y)): z = z + derived\n"
    "end\n";

typedef struct state {
    const prc_model *m;
    double t;
    const double *x, *param;
} state;

/* Value of a name by going through the equations, without the program. */
static bool lookup(void *ctx, const char *name, double *out) {
    const state *s = ctx;
    if (strcmp(name, "time") == 0) {
        *out = s->t;
        return true;
    }
    int i = prc_model_find(s->m, name);
    if (i < 0) return false;
    const prc_var *v = &s->m->var[i];
    prc_error err;
    if (v->kind == PRC_VAR_ASSIGNED) return prc_expr_eval(v->rule, lookup, ctx, out, &err) == PRC_OK;
    *out = v->kind == PRC_VAR_STATE ? s->x[v->slot] : s->param[v->slot];
    return true;
}

static double eval(const state *s, const prc_expr *e) {
    double v = (double)NAN;
    prc_error err = {0};
    if (prc_expr_eval(e, lookup, (void *)(uintptr_t)s, &v, &err) != PRC_OK) printf("# %s\n", err.message);
    return v;
}

/* Parameters by name where the test needs a certain value, others from the seed. */
static void fill(const prc_model *m, uint64_t *seed, double *param, double *x) {
    for (size_t i = 0; i < m->n_param; i++) param[i] = 0.3 + 1.5 * next_uniform(seed);
    for (size_t i = 0; i < m->n_state; i++) x[i] = 0.2 + 2 * next_uniform(seed);
}

static double off(double got, double want) {
    return fabs(got - want) / (1 + fabs(want));
}

static void worst_of(double *worst, double d) {
    if (!(d <= *worst)) *worst = d; /* NaN counts as worst */
}

static double rate_error(const prc_model *m, const prc_program *p, uint64_t *seed, double *jac_rate_error) {
    double param[64], x[64], dx[64], worst = 0;
    fill(m, seed, param, x);
    lane l = lane_open(p, param);
    lane_run(&l, &p->patient);
    state s = {m, 3 * next_uniform(seed), x, param};
    lane_rate(&l, s.t, x, dx);
    lane_run(&l, &p->jacobian);
    for (size_t i = 0; i < m->n_state; i++) {
        double want = eval(&s, m->var[m->state[i]].rule);
        worst_of(&worst, off(dx[i], want));
        worst_of(jac_rate_error, off(l.r[p->jac_reg_rate[i]], want));
    }
    lane_close(&l);
    return worst;
}

static void rates(void) {
    prc_model *m = model_of(kitchen_sink, 0);
    prc_program *p = program_of(m, NULL);
    if (!TAP_OK(p != NULL)) return;
    uint64_t seed = 7;
    double worst = 0, worst_jac = 0;
    for (int i = 0; i < 200; i++) worst_of(&worst, rate_error(m, p, &seed, &worst_jac));
    TAP_THAT(worst < 1e-13, "rates: worst %g", worst);
    TAP_THAT(worst_jac < 1e-13, "rates of the Jacobian piece: worst %g", worst_jac);
    prc_program_free(p);
    prc_model_free(m);
}

/* Differences of order 4 with steps of 1e-3: error about 1e-12 f''''' + 1e-13. */
static double difference(lane *l, double t, const double *x, int j, size_t i) {
    enum { N = 64 };
    double y[N], dx[N], f[4];
    static const double step[] = {-2, -1, 1, 2};
    double h = 1e-3;
    for (int k = 0; k < 4; k++) {
        memcpy(y, x, l->p->n_state * sizeof *y);
        if (j >= 0) y[j] += step[k] * h;
        lane_rate(l, j < 0 ? t + step[k] * h : t, y, dx);
        f[k] = dx[i];
    }
    return (8 * (f[2] - f[1]) - f[3] + f[0]) / (12 * h);
}

static void jacobian(void) {
    prc_model *m = model_of(kitchen_sink, 0);
    prc_program *p = program_of(m, NULL);
    if (!TAP_OK(p != NULL)) return;
    size_t n = m->n_state;
    double param[64], x[64], j[64 * 64] = {0}, dfdt[64], worst = 0, worst_t = 0;
    uint64_t seed = 11;
    for (int round = 0; round < 30; round++) {
        fill(m, &seed, param, x);
        /* Away from the corners of max, min, abs and piecewise. */
        x[prc_model_find(m, "x") >= 0 ? (size_t)m->var[prc_model_find(m, "x")].slot : 0] += 0.3;
        lane l = lane_open(p, param);
        lane_run(&l, &p->patient);
        lane_set(&l, 0.4, x);
        lane_run(&l, &p->jacobian);
        for (size_t k = 0; k < p->n_jac; k++) j[(size_t)p->jac_row[k] * n + (size_t)p->jac_col[k]] = l.r[p->reg_jac[k]];
        for (size_t i = 0; i < n; i++) dfdt[i] = p->reg_dfdt[i] < 0 ? 0 : l.r[p->reg_dfdt[i]];
        for (size_t i = 0; i < n; i++) {
            for (size_t c = 0; c < n; c++) {
                double d = difference(&l, 0.4, x, (int)c, i);
                double wide = off(j[i * n + c], d);
                if (wide > 1e-5 && round == 0)
                    printf("# J(%s, %s) = %g, differences %g\n", p->state_name[i], p->state_name[c], j[i * n + c], d);
                worst_of(&worst, wide);
            }
            worst_of(&worst_t, off(dfdt[i], difference(&l, 0.4, x, -1, i)));
        }
        lane_close(&l);
    }
    TAP_THAT(worst < 1e-7, "Jacobian: worst %g", worst);
    TAP_THAT(worst_t < 1e-7, "df/dt: worst %g", worst_t);
    TAP_OK(p->explicit_time);
    prc_program_free(p);
    prc_model_free(m);
}

/* A state exactly at or slightly below 0 must not make the Jacobian NaN. */
static void finite_at_zero(void) {
    prc_model *m = model_of("model a()\n var x, y; const n, k; x' = -x^n/(k^n + x^n) + sqrt(y) - x^0.5 - (x/k)^1.7; y' "
                            "= y^1.5 - x*y - y^2; end\n",
                            0);
    prc_program *p = program_of(m, NULL);
    if (!TAP_OK(p != NULL)) return;
    static const double at[] = {0, -1e-13, -1e-3, 1e-300};
    for (size_t i = 0; i < 4; i++) {
        double x[] = {at[i], at[i]};
        lane l = lane_open(p, (const double[]){1.6, 0.8});
        lane_run(&l, &p->patient);
        lane_set(&l, 0, x);
        lane_run(&l, &p->jacobian);
        bool finite = true;
        for (size_t k = 0; k < p->n_jac; k++) finite = finite && isfinite(l.r[p->reg_jac[k]]);
        for (size_t k = 0; k < 2; k++) finite = finite && isfinite(l.r[p->jac_reg_rate[k]]);
        TAP_THAT(finite, "at %g", at[i]);
        lane_close(&l);
    }
    prc_program_free(p);
    prc_model_free(m);
}

/* ---- linear systems ---------------------------------------------------------------------------------------- */

/* x_i' = sum of a_ij x_j over a random pattern; some rows empty. */
static char *linear_text(size_t n, double density, uint64_t *seed, double *a) {
    prc_text t = {0};
    prc_text_add(&t, "model a()\n");
    for (size_t i = 0; i < n; i++) {
        prc_text_printf(&t, " var x%zu; x%zu' = 0", i, i);
        bool empty = next_uniform(seed) < 0.1;
        for (size_t j = 0; j < n; j++) {
            a[i * n + j] = 0;
            if (empty || (next_uniform(seed) > density && i != j)) continue;
            a[i * n + j] = i == j ? -1 - 4 * next_uniform(seed) : 2 * next_uniform(seed) - 1;
            prc_text_printf(&t, " + (%.17g)*x%zu", a[i * n + j], j);
        }
        prc_text_add(&t, "\n");
    }
    prc_text_add(&t, "end\n");
    return t.s;
}

/* Solves w x = b by elimination with row exchanges; w and b are overwritten. */
static void solve_dense(size_t n, double *w, double *b) {
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(w[i * n + k]) > fabs(w[best * n + k])) best = i;
        for (size_t j = 0; j < n && best != k; j++) {
            double swap = w[k * n + j];
            w[k * n + j] = w[best * n + j], w[best * n + j] = swap;
        }
        double swap = b[k];
        b[k] = b[best], b[best] = swap;
        for (size_t i = k + 1; i < n; i++) {
            double factor = w[i * n + k] / w[k * n + k];
            for (size_t j = k; j < n; j++) w[i * n + j] -= factor * w[k * n + j];
            b[i] -= factor * b[k];
        }
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++) b[k] -= w[k * n + j] * b[j];
        b[k] /= w[k * n + k];
    }
}

/* Factor once, then solve several times with rate and output in between, as the solver does. */
static double linear_error(size_t n, double density, uint64_t *seed) {
    double *a = malloc(n * n * sizeof *a), *w = malloc(n * n * sizeof *w), b[64], dx[64], x[64], worst = 0,
           hginv = 8 * next_uniform(seed) + 4;
    char *text = linear_text(n, density, seed, a);
    prc_model *m = model_of(text, 0);
    prc_program *p = program_of(m, NULL);
    if (!a || !w || !p) abort();
    for (size_t i = 0; i < n; i++) x[i] = next_uniform(seed);
    lane l = lane_open(p, NULL);
    lane_run(&l, &p->patient);
    lane_set(&l, 0, x);
    lane_run(&l, &p->jacobian);
    l.r[p->reg_hginv] = hginv;
    lane_run(&l, &p->factor);
    for (int stage = 0; stage < 3; stage++) {
        lane_rate(&l, 0, x, dx);
        lane_run(&l, &p->output);
        for (size_t i = 0; i < n; i++) {
            l.r[p->reg_rhs + (int)i] = b[i] = dx[i] + next_uniform(seed);
            for (size_t j = 0; j < n; j++) w[i * n + j] = (i == j ? hginv : 0) - a[i * n + j];
        }
        lane_run(&l, &p->solve);
        solve_dense(n, w, b);
        for (size_t i = 0; i < n; i++) worst_of(&worst, off(l.r[p->reg_rhs + (int)i], b[i]));
    }
    for (size_t i = 0; i < n; i++) worst_of(&worst, l.r[p->reg_pivot[i]] > 0 ? 0 : 1);
    lane_close(&l);
    prc_program_free(p);
    prc_model_free(m);
    prc_free(text);
    free(a);
    free(w);
    return worst;
}

static void linear_systems(void) {
    uint64_t seed = 99;
    double worst = 0;
    for (int i = 0; i < 60; i++)
        worst_of(&worst, linear_error(1 + (size_t)(30 * next_uniform(&seed)), 0.3 * next_uniform(&seed), &seed));
    TAP_THAT(worst < 1e-13, "sparse factors: worst %g", worst);
    worst = linear_error(12, 1, &seed);
    TAP_THAT(worst < 1e-13, "a full matrix: %g", worst);
}

/* An arrow matrix has no fill-in in the right order and is full in the wrong one. */
static void elimination_order(void) {
    prc_text t = {0};
    prc_text_add(&t, "model a()\n var c; c' = -c");
    for (int i = 0; i < 20; i++) prc_text_printf(&t, " + x%d", i);
    for (int i = 0; i < 20; i++) prc_text_printf(&t, "\n var x%d; x%d' = c - x%d", i, i, i);
    prc_text_add(&t, "\nend\n");
    prc_model *m = model_of(t.s, 0);
    prc_program *p = program_of(m, NULL);
    if (TAP_OK(p != NULL)) TAP_INT(p->n_lu, p->n_jac);
    prc_program_free(p);
    prc_model_free(m);
    prc_text_reset(&t);
}

/* ---- start, outputs, events -------------------------------------------------------------------------------- */

static int32_t param_reg(const prc_model *m, const prc_program *p, const char *name) {
    return p->reg_param + m->var[prc_model_find(m, name)].slot;
}

static void starts(void) {
    static const char text[] =
        "model a()\n const B0, L, K0; var b_L; b_L = B0/(L*(1.3 - K)); var c; c = 2*b_L; L = 4; var K, B, z, f\n"
        " K = K0; B = B0*load; load := L*b_L + time; K' = -K; B' = -B; z' = c - z; f' = -f; f = 2*z; end\n";
    prc_model *m = model_of(text, 0);
    static const char *const set[] = {"z", "nonsense"};
    prc_program_spec spec = {.n_set = 2, .set = set};
    prc_program *p = program_of(m, &spec);
    if (!TAP_OK(p != NULL)) return;
    double param[8], K0 = 0.8, B0 = 0.6, L = 4, b = B0 / (L * (1.3 - K0));
    for (size_t i = 0; i < m->n_param; i++) param[i] = (double)NAN;
    lane l = lane_open(p, param);
    l.r[param_reg(m, p, "B0")] = B0, l.r[param_reg(m, p, "K0")] = K0, l.r[param_reg(m, p, "L")] = L;
    l.r[p->reg_time] = 10;
    l.r[p->reg_state + m->var[prc_model_find(m, "z")].slot] = 5;
    lane_run(&l, &p->initial);
    TAP_REL(l.r[p->reg_initial[m->var[prc_model_find(m, "K")].slot]], K0, 1e-15);
    TAP_REL(l.r[p->reg_initial[m->var[prc_model_find(m, "B")].slot]], B0 * (L * b + 10), 1e-15);
    TAP_REL(l.r[p->reg_initial[m->var[prc_model_find(m, "f")].slot]], 10.0, 0);
    TAP_REL(l.r[param_reg(m, p, "b_L")], b, 1e-15);
    TAP_REL(l.r[param_reg(m, p, "c")], 2 * b, 1e-15);
    TAP_NEAR(l.r[param_reg(m, p, "L")], 4, 0);
    TAP_OK(p->has_initial[m->var[prc_model_find(m, "K")].slot]);
    TAP_OK(!p->has_initial[m->var[prc_model_find(m, "z")].slot]);
    lane_close(&l);
    prc_program_free(p);
    prc_model_free(m);
}

static void outputs(void) {
    prc_model *m = model_of(kitchen_sink, 0);
    prc_arena *a = prc_arena_create();
    static const char *const text[] = {"x", "2*c + r", "s.J1", "100*(1 - exp(-max(0, s.h)))", "time"};
    static const char *const watched[] = {"x - y", "x > y", "x < 1 || y < 1"};
    const prc_expr *output[5], *watch[3];
    prc_error err;
    for (size_t i = 0; i < 5; i++)
        if (prc_expr_parse(a, text[i], "", 1, 1, &output[i], &err) != PRC_OK) abort();
    for (size_t i = 0; i < 3; i++)
        if (prc_expr_parse(a, watched[i], "", 1, 1, &watch[i], &err) != PRC_OK) abort();
    prc_program_spec spec = {.n_output = 5, .output = output, .n_watch = 3, .watch = watch};
    prc_program *p = program_of(m, &spec);
    if (!TAP_OK(p != NULL)) return;
    double param[64], x[64];
    uint64_t seed = 3;
    fill(m, &seed, param, x);
    lane l = lane_open(p, param);
    lane_run(&l, &p->patient);
    lane_set(&l, 1.25, x);
    lane_run(&l, &p->output);
    state s = {m, 1.25, x, param};
    double X, Y, Z, U;
    lookup(&s, "x", &X), lookup(&s, "y", &Y), lookup(&s, "z", &Z), lookup(&s, "u", &U);
    for (size_t i = 0; i < 5; i++) {
        double want = i == 2 ? eval(&s, m->reaction[0].rate) : eval(&s, output[i]);
        TAP_REL(l.r[p->reg_output[i]], want, 1e-13);
    }
    TAP_NEAR(l.r[p->reg_watch[0]], X - Y, 1e-15);
    TAP_NEAR(l.r[p->reg_watch[1]], X - Y, 1e-15);
    TAP_NEAR(l.r[p->reg_watch[2]], fmax(1 - X, 1 - Y), 1e-15);
    TAP_NEAR(l.r[p->reg_trigger[0]], fmin(X - 3, fmax(1 - Y, Z - U)), 1e-15);
    TAP_NEAR(l.r[p->reg_trigger[1]], Y - X, 1e-15);
    lane_close(&l);
    prc_program_free(p);
    prc_arena_free(a);
    prc_model_free(m);
}

/* Values are those before the event, also when it swaps two states. */
static void events(void) {
    prc_model *m = model_of(kitchen_sink, 0);
    prc_program *p = program_of(m, NULL);
    if (!TAP_OK(p && p->n_event == 2)) return;
    double param[64], x[64];
    uint64_t seed = 5;
    fill(m, &seed, param, x);
    lane l = lane_open(p, param);
    lane_run(&l, &p->patient);
    lane_set(&l, 0, x);
    lane_run(&l, &p->event[0]);
    for (size_t k = 0; k < p->event_n[0]; k++) l.r[p->event_target[0][k]] = l.r[p->event_reg[0][k]];
    int sx = m->var[prc_model_find(m, "x")].slot, sy = m->var[prc_model_find(m, "y")].slot,
        sp = m->var[prc_model_find(m, "p")].slot;
    TAP_NEAR(l.r[p->reg_state + sx], x[sy], 0);
    TAP_NEAR(l.r[p->reg_state + sy], x[sx], 0);
    TAP_NEAR(l.r[p->reg_param + sp], 2 * param[sp], 0);
    TAP_OK(p->event_changes_param);
    lane_close(&l);
    prc_program_free(p);
    prc_model_free(m);
}

static void frozen(void) {
    prc_model *m = model_of(kitchen_sink, 0);
    static const char *const name[] = {"x", "s.A"};
    prc_program_spec spec = {.n_frozen = 2, .frozen = name};
    prc_program *p = program_of(m, &spec);
    if (!TAP_OK(p != NULL)) return;
    double param[64], x[64], dx[64];
    uint64_t seed = 3;
    fill(m, &seed, param, x);
    lane l = lane_open(p, param);
    lane_run(&l, &p->patient);
    lane_rate(&l, 0, x, dx);
    int row = m->var[prc_model_find(m, "x")].slot;
    TAP_NEAR(dx[row], 0, 0);
    TAP_OK(fabs(dx[m->var[prc_model_find(m, "y")].slot]) > 0);
    bool empty = true;
    for (size_t k = 0; k < p->n_jac; k++) empty = empty && p->jac_row[k] != row;
    TAP_OK(empty);
    lane_run(&l, &p->jacobian);
    l.r[p->reg_hginv] = 8;
    lane_run(&l, &p->factor);
    TAP_NEAR(l.r[p->reg_pivot[row]], 0.125, 0);
    lane_close(&l);
    prc_program_free(p);
    prc_model_free(m);
}

static void unknown_names(void) {
    prc_model *m = model_of(kitchen_sink, 0);
    prc_arena *a = prc_arena_create();
    prc_program *p = NULL;
    prc_error err = {0};
    const prc_expr *e;
    static const char *const ice[] = {"K"};
    prc_program_spec spec = {.n_frozen = 1, .frozen = ice};
    TAP_INT(prc_program_compile(m, &spec, &p, &err), PRC_E_KEY);
    TAP_HAS(err.message, "'K' cannot be frozen");
    if (prc_expr_parse(a, "2*derivd", "", 1, 1, &e, &err) != PRC_OK) abort();
    spec = (prc_program_spec){.n_output = 1, .output = &e};
    TAP_INT(prc_program_compile(m, &spec, &p, &err), PRC_E_KEY);
    TAP_HAS(err.message, "did you mean 'derived'");
    TAP_OK(p == NULL);
    prc_arena_free(a);
    prc_model_free(m);
}

/* Chains of assigned variables so long that walking them could end the stack. */
static void deep_models(void) {
    static const int length[] = {3000, 15000, 15000, 100000};
    for (int k = 0; k < 4; k++) {
        bool backward = k > 1; /* written so that each uses the next */
        prc_text t = {0};
        prc_text_add(&t, "model a()\n var x; x = 1; a0 := x;\n");
        for (int i = 1; i < length[k]; i++) {
            int j = backward ? length[k] - i : i;
            prc_text_printf(&t, " a%d := a%d*x;\n", j, j - 1);
        }
        prc_text_printf(&t, " x' = -a%d; end\n", length[k] - 1);
        prc_model *m = NULL;
        prc_program *p = NULL;
        prc_error err = {0};
        prc_status st = prc_model_parse(t.s, "test.ant", 0, &m, &err);
        if (st == PRC_OK) st = prc_program_compile(m, NULL, &p, &err);
        TAP_INT(st, k == 0 ? PRC_OK : PRC_E_UNSUPPORTED);
        prc_program_free(p);
        prc_model_free(m);
        prc_text_reset(&t);
    }
}

/* ---- the compiler itself ------------------------------------------------------------------------------------- */

/* A chain of n states with Hill terms between neighbours. */
static char *chain_text(int n) {
    prc_text t = {0};
    prc_text_add(&t, "model a()\n const K, h, k;\n");
    for (int i = 0; i < n; i++)
        prc_text_printf(&t,
                        " var x%d; x%d = 1; f%d := x%d^h/(K^h + x%d^h); x%d' = k*f%d*(1 - f%d) - x%d*(1 + f%d) + "
                        "x%d*x%d/(K + x%d)\n",
                        i, i, i, i, i, i, (i + n - 1) % n, (i + 1) % n, i, (i + n / 2) % n, (i + 2) % n, (i + 3) % n,
                        (i + 2) % n);
    prc_text_add(&t, "end\n");
    return t.s;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Compile time of 70 states; the limit of 20 ms is for an optimised build, sanitizers get ten times as long. */
static void compile_time(void) {
    char *text = chain_text(70);
    prc_model *m = model_of(text, 0);
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        double start = now();
        prc_program *p = program_of(m, NULL);
        double took = now() - start;
        if (took < best) best = took;
        if (i == 0 && p)
            printf("# %zu states: %zu + %zu + %zu + %zu instructions, %zu registers\n", p->n_state, p->rate.n_instr,
                   p->jacobian.n_instr, p->factor.n_instr, p->solve.n_instr, p->n_reg);
        prc_program_free(p);
    }
    TAP_THAT(best < 0.2, "70 states compiled in %.2f ms", best * 1e3);
    prc_model_free(m);
    prc_free(text);
}

static void same_twice(void) {
    prc_text a = {0}, b = {0};
    for (int i = 0; i < 2; i++) {
        prc_model *m = model_of(kitchen_sink, 0);
        prc_program *p = program_of(m, NULL);
        if (p) prc_program_print(p, i ? &b : &a);
        prc_program_free(p);
        prc_model_free(m);
    }
    TAP_OK(a.n > 1000 && !a.failed);
    TAP_OK(a.s && b.s && strcmp(a.s, b.s) == 0);
    prc_text_reset(&a);
    prc_text_reset(&b);
}

/* Powers, divisions and logarithms are shared: one of each per distinct argument. */
static void sharing(void) {
    prc_model *m = model_of("model a()\n var x, y; const K, n, k; x' = k*x^n/(K^n + x^n) - x; y' = x^n/(K^n + x^n)*y - "
                            "y/(K^n + x^n); end\n",
                            0);
    prc_program *p = program_of(m, NULL);
    if (!TAP_OK(p != NULL)) return;
    int pow_rate = 0, pow_jac = 0, log_jac = 0, rcp_jac = 0;
    /* A power of a state is exp(n log x). */
    for (size_t i = 0; i < p->rate.n_instr; i++) pow_rate += p->rate.instr[i].op == PRC_OP_EXP;
    for (size_t i = 0; i < p->jacobian.n_instr; i++) {
        pow_jac += p->jacobian.instr[i].op == PRC_OP_EXP;
        log_jac += p->jacobian.instr[i].op == PRC_OP_LOG;
        rcp_jac += p->jacobian.instr[i].op == PRC_OP_RCP || p->jacobian.instr[i].op == PRC_OP_DIV;
    }
    TAP_INT(pow_rate, 1);
    TAP_INT(pow_jac, 1);
    TAP_INT(log_jac, 1);
    TAP_INT(rcp_jac, 2); /* 1/(K^n + x^n) and 1/x */
    prc_program_free(p);
    prc_model_free(m);
}

static void allocation_failures(void) {
    char *text = chain_text(8);
    prc_model *m = model_of(text, 0);
    int wrong = 0;
    bool done = false;
    for (long k = 1; !done; k++) {
        prc_program *p = NULL;
        prc_error err = {0};
        prc_memory_fail_at(k);
        prc_status st = prc_program_compile(m, NULL, &p, &err);
        prc_memory_fail_at(0);
        done = st == PRC_OK;
        wrong += !done && (st != PRC_E_MEMORY || p != NULL);
        prc_program_free(p);
    }
    TAP_INT(wrong, 0);
    prc_model_free(m);
    prc_free(text);
}

int main(void) {
    TAP_RUN(rates);
    TAP_RUN(jacobian);
    TAP_RUN(finite_at_zero);
    TAP_RUN(linear_systems);
    TAP_RUN(elimination_order);
    TAP_RUN(starts);
    TAP_RUN(outputs);
    TAP_RUN(events);
    TAP_RUN(frozen);
    TAP_RUN(unknown_names);
    TAP_RUN(deep_models);
    TAP_RUN(compile_time);
    TAP_RUN(same_twice);
    TAP_RUN(sharing);
    TAP_RUN(allocation_failures);
    return tap_done();
}
