/* paracrine simulate: one patient, all states and observables over time. */
#include "cli_int.h"

#include "paracrine/trial.h"

#include <math.h>
#include <string.h>

static prc_status read_protocol(const prc_condition *c, const char *path, prc_arms **out, prc_error *err) {
    if (!path) return prc_arm_parse(c, "none", "--protocol", 1, out, err);
    char *text = NULL;
    size_t n;
    PRC_TRY(prc_file_read(path, 0, &text, &n, err));
    prc_status st = prc_arm_parse(c, text, path, 1, out, err);
    prc_free(text);
    return st;
}

static prc_status read_patient(const prc_condition *c, const char *path, double *covariate, prc_error *err) {
    prc_tree *t = NULL;
    PRC_TRY(prc_tree_read(path, &t, err));
    prc_status st = PRC_OK;
    const char **names = prc_calloc(c->n_covariate + 1, sizeof *names);
    if (!names) st = PRC_E_MEMORY;
    for (size_t i = 0; names && i < c->n_covariate; i++) names[i] = c->covariate[i].name;
    if (!st && t->root->kind != PRC_MAP) st = prc_node_fail(t, t->root, PRC_E_SYNTAX, err, "a patient file is a list of `covariate: value` lines");
    if (!st) st = prc_node_allow(t, t->root, names, c->n_covariate, err);
    for (size_t i = 0; !st && i < t->root->n; i++) {
        int k = prc_condition_covariate(c, t->root->key[i]);
        const prc_covariate *v = &c->covariate[k];
        const char *word = t->root->child[i]->text;
        bool found = false;
        for (size_t m = 0; word && m < v->n_category; m++)
            if (!strcmp(v->category[m], word)) {
                covariate[k] = v->code[m];
                found = true;
            }
        if (found) continue;
        if (v->n_category) st = prc_node_fail(t, t->root->child[i], PRC_E_VALUE, err, "`%s` is not a category of %s", word ? word : "", v->name);
        else st = v->unit && *v->unit && strcmp(v->unit, "1") ? prc_node_quantity(t, t->root->child[i], v->unit, &covariate[k], err) : prc_node_number(t, t->root->child[i], &covariate[k], err);
    }
    prc_free(names);
    prc_tree_free(t);
    return st;
}

/* A program whose outputs are every state, then every observable that is no event. */
static prc_status compile_all(const prc_condition *c, prc_program **out, prc_error *err) {
    size_t n = c->model->n_state + c->n_observable, k = 0;
    prc_arena *arena = prc_arena_create();
    const prc_expr **expr = prc_calloc(n, sizeof *expr);
    prc_status st = arena && expr ? PRC_OK : prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; !st && i < c->model->n_state; i++) expr[k++] = prc_expr_name(arena, c->model->var[c->model->state[i]].name);
    for (size_t i = 0; !st && i < c->n_observable; i++)
        if (c->observable[i].kind != PRC_OB_EVENT) expr[k++] = c->observable[i].formula;
    prc_program_spec spec = {.n_output = k, .output = expr};
    if (!st) st = prc_program_compile(c->model, &spec, out, err);
    prc_free(expr);
    prc_arena_free(arena);
    return st;
}

static void table_text(const prc_condition *c, const double *time, size_t n_time, const double *value, size_t n_out, prc_text *t) {
    char num[32];
    prc_text_add(t, "time_d");
    for (size_t i = 0; i < c->model->n_state; i++) prc_text_printf(t, ",%s", c->model->var[c->model->state[i]].name);
    for (size_t i = 0; i < c->n_observable; i++)
        if (c->observable[i].kind != PRC_OB_EVENT) prc_text_printf(t, ",%s", c->observable[i].name);
    prc_text_add(t, "\n");
    for (size_t k = 0; k < n_time; k++) {
        prc_text_add(t, prc_format_double(time[k], num));
        for (size_t j = 0; j < n_out; j++) {
            prc_text_add(t, ",");
            prc_text_add(t, prc_format_double(value[k * n_out + j], num));
        }
        prc_text_add(t, "\n");
    }
}

prc_status cmd_simulate(const cli_options *o, prc_error *err) {
    char *data = NULL;
    prc_condition *c = NULL;
    prc_engine *engine = NULL;
    prc_arms *arms = NULL;
    prc_cohort *cohort = NULL;
    prc_program *program = NULL;
    double *covariate = NULL, *param = NULL, *time = NULL, *value = NULL;
    prc_dose_event *dose = NULL;
    prc_text t = {0};
    prc_status st;
    double end = o->end > 0 ? o->end : 730;
    size_t n_time = o->points > 1 ? (size_t)o->points : (size_t)floor(end / 7) + 1;
    if (n_time > 1000000) {
        st = prc_fail(err, PRC_E_USAGE, "--points %zu is more than 1000000", n_time);
        goto out;
    }
    PRC_GO(st, prc_data_dir(o->data, &data, err));
    PRC_GO(st, prc_condition_load(data, o->arg[0], &c, err));
    PRC_GO(st, prc_engine_create(c, &engine, err));
    PRC_GO(st, read_protocol(c, o->protocol, &arms, err));
    PRC_GO(st, prc_cohort_typical(engine, &c->typical, NULL, &cohort, err));
    if (o->patient) {
        covariate = prc_calloc(c->n_covariate + 1, sizeof *covariate);
        if (!covariate) {
            st = prc_fail(err, PRC_E_MEMORY, "out of memory");
            goto out;
        }
        memcpy(covariate, cohort->covariate, c->n_covariate * sizeof *covariate);
        PRC_GO(st, read_patient(c, o->patient, covariate, err));
        prc_cohort_free(cohort);
        cohort = NULL;
        PRC_GO(st, prc_cohort_typical(engine, &c->typical, covariate, &cohort, err));
    }
    PRC_GO(st, compile_all(c, &program, err));
    const prc_arm *arm = &arms->arm[0];
    size_t n_dose = prc_arm_dose_count(c, arm);
    param = prc_calloc(cohort->n_param + 1, sizeof *param);
    dose = prc_calloc(n_dose + 1, sizeof *dose);
    time = prc_calloc(n_time, sizeof *time);
    value = prc_calloc(n_time * (program->n_output + 1), sizeof *value);
    if (!param || !dose || !time || !value) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    memcpy(param, cohort->param, cohort->n_param * sizeof *param);
    PRC_GO(st, prc_arm_doses(c, &c->typical, arm, cohort->covariate, param, dose, &n_dose, NULL, err));
    for (size_t k = 0; k < n_time; k++) time[k] = n_time > 1 ? end * (double)k / (double)(n_time - 1) : 0;
    prc_job job = {.t0 = 0, .t1 = end, .param = param, .start = cohort->start, .n_dose = n_dose, .dose = dose, .n_time = n_time, .time = time};
    prc_job_result result;
    prc_solve_options so = engine->options;
    so.width = 1;
    PRC_GO(st, prc_solve_all(program, &so, 1, &job, 1, n_time, value, NULL, NULL, &result, NULL, err));
    if (result.outcome != PRC_DONE) {
        st = prc_fail(err, PRC_E_NUMERIC, "the simulation stopped on day %g: %s", result.time, prc_outcome_why(result.outcome));
        goto out;
    }
    table_text(c, time, n_time, value, program->n_output, &t);
    if (o->output) {
        if (t.failed) st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        else st = prc_file_write(o->output, t.s, t.n, err);
    } else {
        st = cli_print(&t, err);
    }
out:
    prc_text_reset(&t);
    prc_free(value);
    prc_free(time);
    prc_free(dose);
    prc_free(param);
    prc_free(covariate);
    prc_program_free(program);
    prc_cohort_free(cohort);
    prc_arms_free(arms);
    prc_engine_free(engine);
    prc_condition_free(c);
    prc_free(data);
    return st;
}
