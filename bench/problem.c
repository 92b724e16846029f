/* problem.c: the models of the benchmarks and their patients. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = 25, DOSES = 8 };
static const double month = 30.4375;

static prc_status all_states(const prc_model *m, prc_program **out, prc_error *err)
{
    prc_arena *a = prc_arena_create();
    const prc_expr **e = a ? prc_arena_alloc(a, m->n_state + 1, sizeof *e) : NULL;
    if (!e) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < m->n_state; i++) e[i] = prc_expr_name(a, m->var[m->state[i]].name);
    prc_program_spec spec = {.n_output = m->n_state, .output = e};
    prc_status st = prc_program_compile(m, &spec, out, err);
    prc_arena_free(a);
    return st;
}

/* The solution at rtol 1e-11, and before that the size of each state: the median over patients of its largest value. */
static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static prc_status reference(problem *p, bool set_scale, prc_error *err)
{
    size_t n = p->p->n_state, row = p->n_time * n;
    p->exact = prc_calloc(BENCH_ERROR_N * row, sizeof *p->exact);
    if (!p->exact) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    engine_run r = {.rtol = 1e-6, .n = BENCH_ERROR_N, .threads = 1, .out = p->exact};
    if (set_scale) {
        PRC_TRY(engine_go(p, &r, err));
        for (size_t i = 0; i < n; i++) {
            double most[BENCH_ERROR_N] = {0};
            for (size_t k = 0; k < BENCH_ERROR_N; k++)
                for (size_t t = 0; t < p->n_time; t++) most[k] = fmax(most[k], fabs(p->exact[k * row + t * n + i]));
            qsort(most, BENCH_ERROR_N, sizeof *most, ascending);
            p->scale[i] = fmax(most[BENCH_ERROR_N / 2], 1e-3);
        }
    }
    r.rtol = 1e-11;
    return engine_go(p, &r, err);
}

double problem_error(const problem *p, const double *out)
{
    size_t n = p->p->n_state;
    double worst[BENCH_ERROR_N] = {0};
    for (size_t k = 0; k < BENCH_ERROR_N; k++)
        for (size_t t = 1; t < p->n_time; t++)
            for (size_t i = 0; i < n; i++) {
                size_t at = (k * p->n_time + t) * n + i;
                double e = fabs(out[at] - p->exact[at]) / fmax(fabs(p->exact[at]), 1e-3 * p->scale[i]);
                if (!(e <= worst[k])) worst[k] = e;
            }
    qsort(worst, BENCH_ERROR_N, sizeof *worst, ascending);
    return 0.5 * (worst[BENCH_ERROR_N / 2 - 1] + worst[BENCH_ERROR_N / 2]);
}

static prc_status make_room(problem *p, size_t n_param, size_t n_state, prc_error *err)
{
    p->memory = prc_calloc(BENCH_N * (n_param + n_state), sizeof *p->memory);
    p->dose = prc_calloc(BENCH_N * DOSES, sizeof *p->dose);
    p->job = prc_calloc(BENCH_N, sizeof *p->job);
    p->time = prc_calloc(TIMES, sizeof *p->time);
    p->scale = prc_calloc(n_state, sizeof *p->scale);
    if (!p->memory || !p->dose || !p->job || !p->time || !p->scale) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    p->n_time = TIMES;
    for (int k = 0; k < TIMES; k++) p->time[k] = month * k;
    for (size_t i = 0; i < BENCH_N; i++) {
        double *param = p->memory + i * (n_param + n_state);
        p->job[i] = (prc_job){.id = i, .t1 = p->time[TIMES - 1], .param = param, .start = param + n_param,
                              .dose = p->dose + i * DOSES, .n_time = TIMES, .time = p->time};
    }
    return PRC_OK;
}

prc_status problem_knee(const char *data, problem *p, prc_error *err)
{
    uint32_t id[BENCH_N];
    *p = (problem){.name = "knee-oa"};
    for (uint32_t i = 0; i < BENCH_N; i++) id[i] = i;
    PRC_TRY(prc_condition_load(data, "knee-oa", &p->condition, err));
    PRC_TRY(prc_engine_create(p->condition, &p->engine, err));
    PRC_TRY(prc_arm_parse(p->condition, "{give: msc, source: adipose, donor: allogeneic, dose: 50e6 cells, route: intra-articular, at: 0 d}",
                          "bench", 1, &p->arms, err));
    PRC_TRY(prc_cohort_draw(p->engine, &p->condition->typical, 1, 0, id, BENCH_N, 1, &p->cohort, err));
    size_t n_param = p->cohort->n_param, n_state = p->cohort->n_state;
    PRC_TRY(make_room(p, n_param, n_state, err));
    PRC_TRY(all_states(p->condition->model, &p->p, err));
    memcpy(p->scale, p->engine->scale, n_state * sizeof *p->scale);
    for (size_t i = 0; i < BENCH_N; i++) {
        double *param = p->memory + i * (n_param + n_state);
        memcpy(param, p->cohort->param + i * n_param, n_param * sizeof *param);
        memcpy(param + n_param, p->cohort->start + i * n_state, n_state * sizeof *param);
        prc_arm_effect effect;
        size_t n = 0;
        prc_dose_event one[DOSES], *dose = p->dose + i * DOSES;
        PRC_TRY(prc_arm_doses(p->condition, &p->condition->typical, &p->arms->arm[0],
                              p->cohort->covariate + i * p->cohort->n_covariate, param, one, &n, &effect, err));
        /* The same again after half a year, at a time that is no output's. */
        for (size_t k = 0; k < 2 * n && k < DOSES; k++) {
            dose[k] = one[k % n];
            if (k >= n) dose[k].time += 180.37 + 0.01 * (double)(i % 97);
            p->job[i].n_dose = k + 1;
        }
    }
    return reference(p, false, err);
}

prc_status problem_file(const char *path, const char *name, const char *const *target, size_t n_target, problem *p,
                        prc_error *err)
{
    prc_model *m = NULL;
    prc_status st;
    *p = (problem){.name = name};
    PRC_GO(st, prc_model_load(path, PRC_MODEL_NO_UNITS, &m, err));
    PRC_GO(st, all_states(m, &p->p, err));
    PRC_GO(st, make_room(p, m->n_param, m->n_state, err));
    for (size_t i = 0; i < m->n_state; i++) p->scale[i] = 1;
    for (size_t i = 0; i < BENCH_N; i++) {
        double *param = p->memory + i * (m->n_param + m->n_state);
        for (size_t k = 0; k < m->n_param; k++) {
            const prc_expr *e = m->var[m->param[k]].initial;
            double z = prc_normal(1, (uint32_t)i, prc_purpose("bench"), (uint32_t)k, 0);
            param[k] = (e && e->kind == PRC_EX_NUMBER ? e->number : 1) * prc_exp(0.15 * z);
        }
        for (size_t k = 0; k < m->n_state; k++) param[m->n_param + k] = (double)NAN;
        for (int d = 0; d < 4; d++)
            for (size_t k = 0; k < n_target; k++) {
                int v = prc_model_find(m, target[k]);
                if (v < 0 || p->job[i].n_dose >= DOSES) continue;
                double when = d == 0 ? 0 : 170.37 * d + 0.01 * (double)(i % 97);
                p->dose[i * DOSES + p->job[i].n_dose++] = (prc_dose_event){when, 0, 1, m->var[v].slot, -1};
            }
    }
    PRC_GO(st, reference(p, true, err));
out:
    prc_model_free(m);
    return st;
}

void problem_free(problem *p)
{
    prc_program_free(p->p);
    prc_free(p->scale);
    prc_free(p->memory);
    prc_free(p->dose);
    prc_free(p->job);
    prc_free(p->time);
    prc_free(p->exact);
    prc_cohort_free(p->cohort);
    prc_arms_free(p->arms);
    prc_engine_free(p->engine);
    prc_condition_free(p->condition);
}
