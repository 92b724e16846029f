/* Tests of cohort: patients are a function of seed, id and name; they start at rest; eligibility. */
#include "condition_toy.h"

#include "paracrine/cohort.h"

enum { N = 4000 };
static prc_condition *toy;
static prc_engine *engine;
static prc_cohort *cohort;
static uint32_t id[N];

static int slot(const prc_condition *c, const char *name)
{
    int i = prc_model_find(c->model, name);
    return i < 0 ? -1 : c->model->var[i].slot;
}

static double param(const prc_cohort *c, size_t i, const char *name)
{
    return c->param[i * c->n_param + (size_t)slot(toy, name)];
}

static double covariate(const prc_cohort *c, size_t i, const char *name)
{
    return c->covariate[i * c->n_covariate + (size_t)prc_condition_covariate(toy, name)];
}

static double start(const prc_cohort *c, size_t i, const char *name)
{
    return c->start[i * c->n_state + (size_t)slot(toy, name)];
}

static void builds_an_engine(void)
{
    prc_error err = {0};
    prc_status st = prc_engine_create(toy, &engine, &err);
    if (st != PRC_OK) toy_show(&err);
    TAP_INT(st, PRC_OK);
    if (st != PRC_OK) exit(tap_done());
    TAP_INT(engine->trial->n_output, 3);
    TAP_INT(engine->trial->n_watch, 2);
    TAP_INT(engine->output_of[4], 2);
    TAP_INT(engine->output_of[2], -1);
    TAP_INT(engine->watch_of[3], 1);
    TAP_NEAR(engine->scale[slot(toy, "fate.T")], 1e5, 1e-6);
    TAP_NEAR(engine->scale[slot(toy, "K")], 0.8, 1e-6);
    TAP_NEAR(engine->scale[slot(toy, "W")], 1e-3, 1e-12);
}

static void typical_patient(void)
{
    prc_cohort *c = NULL;
    prc_error err = {0};
    TAP_INT(prc_cohort_typical(engine, &toy->typical, NULL, &c, &err), PRC_OK);
    TAP_INT(c->outcome[0], PRC_DONE);
    TAP_NEAR(covariate(c, 0, "age"), 60, 0);
    TAP_NEAR(covariate(c, 0, "sex"), 0, 0);
    TAP_NEAR(covariate(c, 0, "grade"), 2, 0);
    TAP_NEAR(param(c, 0, "K0"), 0.8, 0);
    TAP_NEAR(param(c, 0, "L"), 1, 0);
    TAP_NEAR(param(c, 0, "u"), 1, 0);
    TAP_NEAR(param(c, 0, "two"), 2, 0);
    TAP_NEAR(param(c, 0, "half"), 0.8, 0);
    TAP_NEAR(param(c, 0, "v"), 1e-3, 0);
    TAP_NEAR(start(c, 0, "K"), 0.8, 0);
    TAP_NEAR(start(c, 0, "N"), 0.2, 1e-6);
    TAP_NEAR(c->baseline[0], 20, 1e-4);
    TAP_NEAR(c->baseline[1], 80, 1e-9);
    TAP_OK(isnan(c->baseline[2]));
    prc_cohort_free(c);
    double given[4] = {70, (double)NAN, 1, 4};
    TAP_INT(prc_cohort_typical(engine, &toy->typical, given, &c, &err), PRC_OK);
    TAP_NEAR(param(c, 0, "K0"), 0.5, 0);
    TAP_NEAR(covariate(c, 0, "bmi"), 29, 0);
    prc_cohort_free(c);
}

static void moments(const char *what, double mean, double sd, double want_mean, double want_sd)
{
    /* four standard errors of N draws */
    TAP_THAT(fabs(mean - want_mean) < 4 * want_sd / sqrt(N), "%s: mean %g, want %g", what, mean, want_mean);
    TAP_THAT(fabs(sd / want_sd - 1) < 4 / sqrt(N), "%s: sd %g, want %g", what, sd, want_sd);
}

typedef double (*value_fn)(const prc_cohort *, size_t, const char *);

static void mean_sd(value_fn value, const char *name, bool log, double *mean, double *sd)
{
    double s = 0, ss = 0;
    for (size_t i = 0; i < N; i++) {
        double x = value(cohort, i, name);
        if (log) x = prc_log(x);
        s += x, ss += x * x;
    }
    *mean = s / N;
    *sd = sqrt(ss / N - s / N * s / N);
}

static double correlation(value_fn f, const char *a, value_fn g, const char *b, bool log)
{
    double ma, sa, mb, sb, s = 0;
    mean_sd(f, a, false, &ma, &sa);
    mean_sd(g, b, log, &mb, &sb);
    for (size_t i = 0; i < N; i++) {
        double y = g(cohort, i, b);
        s += (f(cohort, i, a) - ma) * ((log ? prc_log(y) : y) - mb);
    }
    return s / N / sa / sb;
}

static void draws_a_population(void)
{
    prc_error err = {0};
    double m, s, male = 0, four = 0, inside = 0;
    for (uint32_t i = 0; i < N; i++) id[i] = i;
    TAP_INT(prc_cohort_draw(engine, &toy->typical, 11, 0, id, N, 2, &cohort, &err), PRC_OK);
    size_t failed = 0;
    for (size_t i = 0; i < N; i++) {
        double age = covariate(cohort, i, "age");
        male += covariate(cohort, i, "sex");
        four += covariate(cohort, i, "grade") == 4;
        inside += age >= 40 && age <= 75 && param(cohort, i, "K0") >= 0.45;
        failed += cohort->outcome[i] != PRC_DONE;
    }
    TAP_INT(failed, 0);
    TAP_INT(inside, N);
    moments("male", male / N, sqrt(0.24), 0.4, sqrt(0.24));
    moments("grade 4", four / N, sqrt(0.21), 0.3, sqrt(0.21));
    mean_sd(covariate, "bmi", false, &m, &s);
    moments("bmi", m, s, 29, 4);
    mean_sd(param, "v", true, &m, &s);
    moments("log v", m, s, log(1e-3), sqrt(log(1.09)));
    mean_sd(param, "u", false, &m, &s);
    TAP_THAT(fabs(m - 1) < 4 / sqrt(N), "exponential with mean 1: %g", m);
    TAP_NEAR(correlation(covariate, "age", covariate, "bmi", false), 0.5, 0.06);
    TAP_NEAR(correlation(covariate, "bmi", param, "v", true), -0.4, 0.06);
    TAP_NEAR(correlation(covariate, "age", param, "v", true), 0, 0.06);
    TAP_NEAR(param(cohort, 5, "half"), param(cohort, 5, "K0"), 1e-15);
}

static bool same_patient(const prc_cohort *a, size_t i, const prc_cohort *b, size_t j)
{
    return a->id[i] == b->id[j] && memcmp(a->covariate + i * a->n_covariate, b->covariate + j * b->n_covariate, a->n_covariate * sizeof(double)) == 0 &&
           memcmp(a->param + i * a->n_param, b->param + j * b->n_param, a->n_param * sizeof(double)) == 0 &&
           memcmp(a->start + i * a->n_state, b->start + j * b->n_state, a->n_state * sizeof(double)) == 0 && a->baseline[i * a->n_observable] == b->baseline[j * b->n_observable];
}

static void patients_are_their_id(void)
{
    prc_error err = {0};
    prc_cohort *few = NULL, *other = NULL, *sub = NULL;
    uint32_t some[3] = {3999, 17, 5};
    TAP_INT(prc_cohort_draw(engine, &toy->typical, 11, 0, some, 3, 1, &few, &err), PRC_OK);
    for (size_t k = 0; k < 3; k++) TAP_THAT(same_patient(few, k, cohort, some[k]), "patient %u alone and among %d", some[k], N);
    TAP_INT(prc_cohort_draw(engine, &toy->typical, 12, 0, some, 3, 1, &other, &err), PRC_OK);
    TAP_OK(!same_patient(other, 0, few, 0));
    prc_cohort_free(other);
    TAP_INT(prc_cohort_draw(engine, &toy->typical, 11, 1, some, 3, 1, &other, &err), PRC_OK);
    TAP_OK(!same_patient(other, 0, few, 0));
    size_t index[2] = {3999, 5}, wrong = N;
    TAP_INT(prc_cohort_subset(cohort, index, 2, &sub, &err), PRC_OK);
    TAP_OK(same_patient(sub, 0, few, 0) && same_patient(sub, 1, few, 2));
    prc_cohort_free(sub);
    sub = NULL;
    TAP_INT(prc_cohort_subset(cohort, &wrong, 1, &sub, &err), PRC_E_VALUE);
    prc_cohort_free(few);
    prc_cohort_free(other);
}

/* A covariate more, and a correlation more at the end of the list, change no other draw. */
static void additions_change_nothing(void)
{
    prc_error err = {0};
    prc_cohort *few = NULL;
    prc_engine *e = NULL;
    char *one = toy_replace(toy_text("models/toy/population.yaml"), "  sex:", "  bmd: { distribution: normal, mean: 1, sd: 0.1, grade: assumed, source: \"-\" }\n  sex:");
    char *two = toy_replace(one, "  - [bmi, v, -0.4]\n", "  - [bmi, v, -0.4]\n  - [bmd, age, 0.3]\n");
    toy_write("models/toy/population.yaml", two);
    prc_condition *c = toy_load();
    uint32_t some[2] = {17, 5};
    TAP_INT(prc_engine_create(c, &e, &err), PRC_OK);
    TAP_INT(prc_cohort_draw(e, &c->typical, 11, 0, some, 2, 1, &few, &err), PRC_OK);
    bool same = true;
    for (size_t k = 0; k < 2; k++) {
        same = same && memcmp(few->param + k * few->n_param, cohort->param + some[k] * cohort->n_param, few->n_param * sizeof(double)) == 0;
        same = same && few->covariate[k * few->n_covariate] == covariate(cohort, some[k], "age");
        same = same && few->covariate[k * few->n_covariate + 3] == covariate(cohort, some[k], "sex");
    }
    TAP_OK(same);
    prc_cohort_free(few);
    prc_engine_free(e);
    prc_condition_free(c);
    toy_write("models/toy/population.yaml", toy_text("models/toy/population.yaml"));
    free(one);
    free(two);
}

/* Day 0 is a rest: untreated, nothing but the slow states moves. */
static void starts_at_rest(void)
{
    prc_error err = {0};
    prc_job job = {.t1 = 1, .param = cohort->param, .start = cohort->start};
    prc_job_result r;
    double end[16];
    TAP_INT(prc_solve_all(engine->trial, &engine->options, 1, &job, 1, 0, NULL, end, NULL, &r, NULL, &err), PRC_OK);
    TAP_NEAR(end[slot(toy, "N")], start(cohort, 0, "N"), 2e-4);
    TAP_NEAR(end[slot(toy, "fate.T")], 0, 0);
}

/* ---- eligibility ------------------------------------------------------------------------------------------------ */

static prc_status eligible(const char *text, prc_eligibility **e, prc_error *err)
{
    prc_tree *t = NULL;
    prc_status st = prc_tree_parse(text, strlen(text), "trial.yaml", &t, err);
    if (st == PRC_OK) st = prc_eligibility_read(toy, t, t->root, e, err);
    prc_tree_free(t);
    return st;
}

static void reads_eligibility(void)
{
    static const struct { const char *text; prc_status status; int col; const char *says; } cases[] = {
        {"{ agee: { min: 40 } }", PRC_E_KEY, 3, "did you mean `age`?"},
        {"{ age: { mn: 40 } }", PRC_E_KEY, 10, "min"},
        {"{ age: { min: 50, max: 40 } }", PRC_E_VALUE, 15, "nobody"},
        {"{ age: { min: nan } }", PRC_E_VALUE, 15, "finite"},
        {"{ age: { min: 40 kg } }", PRC_E_UNIT, 15, ""},
        {"{ sex: femal }", PRC_E_VALUE, 8, "did you mean `female`?"},
        {"{ grade: [2, 3] }", PRC_E_VALUE, 14, "allowed: 2, 4"},
        {"{ grade: [] }", PRC_E_VALUE, 10, "empty"},
        {"{ loss: { min: 1 } }", PRC_E_KEY, 3, "neither"},
        {"[age]", PRC_E_SYNTAX, 1, "mapping"},
    };
    prc_error err = {0};
    prc_eligibility *e = NULL;
    TAP_INT(eligible("{ grade: [4, 2], sex: female, age: { min: 40 y, max: 75 }, pain: { min: 30 } }", &e, &err), PRC_OK);
    TAP_INT(e->n, 4);
    TAP_OK(e->criterion[0].n_set == 2 && e->criterion[0].set[0] == 4);
    TAP_OK(e->criterion[1].n_set == 1 && e->criterion[1].set[0] == 0 && e->criterion[1].observable == -1);
    TAP_OK(e->criterion[2].min == 40 && e->criterion[2].max == 75);
    TAP_OK(e->criterion[3].covariate == -1 && e->criterion[3].observable == 0 && isnan(e->criterion[3].max));
    prc_eligibility_free(e);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        prc_status st = eligible(cases[i].text, &e, &err);
        bool ok = st == cases[i].status && err.line == 1 && err.col == cases[i].col && strstr(err.message, cases[i].says);
        if (!TAP_THAT(ok, "case %zu: %s", i, cases[i].says)) toy_show(&err);
    }
}

/* A patient who cannot be run in is an outcome; the others keep their bits. */
static void failure_is_an_outcome(void)
{
    prc_error err = {0};
    prc_cohort *c = NULL;
    prc_world w = {0};
    TAP_INT(prc_world_draw(toy, 1, 0, &w, &err), PRC_OK);
    w.value[prc_condition_row(toy, "K0_b")] = (double)NAN; /* patients of grade 4 only */
    TAP_INT(prc_cohort_draw(engine, &w, 11, 0, id, 64, 1, &c, &err), PRC_OK);
    size_t failed = 0;
    bool right = true;
    for (size_t i = 0; i < 64; i++) {
        bool hit = covariate(c, i, "grade") == 4, done = c->outcome[i] == PRC_DONE;
        right = right && hit != done && (hit ? isnan(c->baseline[i * c->n_observable]) : same_patient(c, i, cohort, i));
        failed += !done;
    }
    TAP_THAT(right && failed > 5 && failed < 40, "%zu of 64 fail, the others are as before", failed);
    prc_cohort_free(c);
    prc_world_reset(&w);
}

static void survives_lack_of_memory(void)
{
    long k = 1;
    for (;; k++) {
        prc_error err = {0};
        prc_engine *e = NULL;
        prc_cohort *c = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_engine_create(toy, &e, &err);
        if (st == PRC_OK) st = prc_cohort_draw(e, &toy->typical, 1, 0, id, 3, 1, &c, &err);
        prc_memory_fail_at(0);
        prc_cohort_free(c);
        prc_engine_free(e);
        if (st == PRC_OK) break;
        if (st != PRC_E_MEMORY) {
            TAP_THAT(false, "allocation %ld: status %d", k, (int)st);
            toy_show(&err);
            break;
        }
    }
    TAP_THAT(k > 20, "%ld allocations, each failed once", k - 1);
}

int main(void)
{
    toy_create();
    toy = toy_load();
    TAP_RUN(builds_an_engine);
    TAP_RUN(typical_patient);
    TAP_RUN(draws_a_population);
    TAP_RUN(patients_are_their_id);
    TAP_RUN(additions_change_nothing);
    TAP_RUN(starts_at_rest);
    TAP_RUN(reads_eligibility);
    TAP_RUN(failure_is_an_outcome);
    TAP_RUN(survives_lack_of_memory);
    prc_cohort_free(cohort);
    prc_engine_free(engine);
    prc_condition_free(toy);
    toy_remove();
    return tap_done();
}
