/* paracrine model check, show, run: one model file by itself. */
#include "cli_int.h"

#include "paracrine/model.h"
#include "paracrine/solve.h"
#include "paracrine/table.h"

#include <math.h>
#include <string.h>
#include <time.h>

static void warnings(const prc_model *m) {
    for (size_t i = 0; i < m->n_warning; i++) fprintf(stderr, "%s\n", m->warning[i]);
}

prc_status cmd_model_check(const cli_options *o, prc_error *err) {
    prc_model *m = NULL;
    prc_status st = prc_model_load(o->arg[0], 0, &m, err);
    if (st) return st;
    prc_text t = {0};
    if (o->json) {
        char *json = NULL;
        prc_json *j = prc_json_object();
        prc_json_set_text(j, "schema", "paracrine/model-check/1");
        prc_json_set_text(j, "model", m->name);
        prc_json_set_int(j, "states", (int64_t)m->n_state);
        prc_json_set_int(j, "parameters", (int64_t)m->n_param);
        prc_json *w = prc_json_set(j, "warnings", prc_json_array());
        for (size_t i = 0; i < m->n_warning; i++) prc_json_set_text(w, NULL, m->warning[i]);
        st = prc_json_text(j, &json, err);
        prc_json_free(j);
        if (!st) st = cli_print_json(json, err);
    } else {
        warnings(m);
        prc_text_printf(&t, "%s: model %s: %zu states, %zu parameters, %zu assigned, %zu events; units agree; %zu warnings\n", o->arg[0], m->name, m->n_state, m->n_param, m->n_assigned, m->n_event, m->n_warning);
        st = cli_print(&t, err);
    }
    prc_model_free(m);
    return st;
}

static void show_equations(const prc_model *m, prc_text *t) {
    prc_text_printf(t, "model %s: %zu states, %zu parameters, %zu assigned, %zu events\n\nstates\n", m->name, m->n_state, m->n_param, m->n_assigned, m->n_event);
    for (size_t i = 0; i < m->n_state; i++) {
        const prc_var *v = &m->var[m->state[i]];
        prc_text_printf(t, "  %3zu %s' = ", i + 1, v->name);
        if (v->rule) prc_expr_print(v->rule, t);
        prc_text_printf(t, "   [%s]\n", v->unit ? v->unit : "no unit");
    }
    prc_text_add(t, "\nassigned, in the order of evaluation\n");
    for (size_t i = 0; i < m->n_assigned; i++) {
        const prc_var *v = &m->var[m->assigned[i]];
        prc_text_printf(t, "      %s := ", v->name);
        prc_expr_print(v->rule, t);
        prc_text_add(t, "\n");
    }
    prc_text_add(t, "\nparameters\n");
    for (size_t i = 0; i < m->n_param; i++) {
        const prc_var *v = &m->var[m->param[i]];
        prc_text_printf(t, "      %s", v->name);
        if (v->initial) {
            prc_text_add(t, " = ");
            prc_expr_print(v->initial, t);
        }
        prc_text_printf(t, "   [%s]\n", v->unit ? v->unit : "no unit");
    }
}

static void show_pattern(const prc_program *p, const prc_model *m, prc_text *t) {
    prc_text_printf(t, "\nJacobian: %zu of %zu entries, %zu in L+U; program: %zu registers, %zu + %zu + %zu + %zu instructions (rate, jacobian, factor, solve)\n", p->n_jac, p->n_state * p->n_state, p->n_lu,
                    p->n_reg, p->rate.n_instr, p->jacobian.n_instr, p->factor.n_instr, p->solve.n_instr);
    for (size_t i = 0; i < p->n_state; i++) {
        prc_text_printf(t, "  %-24.24s ", m->var[m->state[i]].name);
        for (size_t k = 0; k < p->n_state; k++) {
            bool there = false;
            for (size_t e = 0; e < p->n_jac; e++) there = there || ((size_t)p->jac_row[e] == i && (size_t)p->jac_col[e] == k);
            prc_text_add(t, there ? "x" : ".");
        }
        prc_text_add(t, "\n");
    }
}

prc_status cmd_model_show(const cli_options *o, prc_error *err) {
    prc_model *m = NULL;
    prc_program *p = NULL;
    prc_text t = {0};
    prc_program_spec spec = {0};
    prc_status st;
    PRC_GO(st, prc_model_load(o->arg[0], 0, &m, err));
    warnings(m);
    PRC_GO(st, prc_program_compile(m, &spec, &p, err));
    show_equations(m, &t);
    show_pattern(p, m, &t);
    if (o->program) prc_program_print(p, &t);
    if (o->profile) {
        prc_text_add(&t, "\n");
        PRC_GO(st, prc_program_profile(p, prc_kernel_best(), &t, err));
    }
    st = cli_print(&t, err);
out:
    prc_text_reset(&t);
    prc_program_free(p);
    prc_model_free(m);
    return st;
}

/* ---- model run ---- */

static const prc_expr *reaction_rate(const prc_model *m, const char *name) {
    for (size_t i = 0; i < m->n_reaction; i++)
        if (!strcmp(m->reaction[i].name, name)) return m->reaction[i].rate;
    return NULL;
}

static prc_status select_one(const prc_model *m, cli_selection *s, char *word, prc_error *err) {
    s->heading[s->n] = prc_arena_strdup(s->arena, word);
    if (!s->heading[s->n]) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    size_t len = strlen(word);
    if (len > 2 && word[0] == '[' && word[len - 1] == ']') {
        word[len - 1] = 0;
        word++;
    }
    if (!strcmp(word, "time")) {
        s->is_time[s->n] = true;
        s->expr[s->n++] = prc_expr_number(s->arena, 0);
        return PRC_OK;
    }
    const prc_expr *rate = reaction_rate(m, word);
    if (prc_model_find(m, word) < 0 && !rate) {
        const char *near = prc_model_nearest(m, word);
        return prc_fail(err, PRC_E_KEY, "--select: the model has no `%s`%s%s%s", word, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    s->expr[s->n++] = rate ? rate : prc_expr_name(s->arena, word);
    return PRC_OK;
}

prc_status cli_select(const prc_model *m, const char *list, bool with_time, cli_selection *s, prc_error *err) {
    size_t max = m->n_state + 2;
    for (const char *p = list; p && *p; p++) max += *p == ',';
    s->arena = prc_arena_create();
    if (!s->arena) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    s->heading = prc_arena_alloc(s->arena, max, sizeof *s->heading);
    s->expr = prc_arena_alloc(s->arena, max, sizeof *s->expr);
    s->is_time = prc_arena_alloc(s->arena, max, sizeof *s->is_time);
    char *copy = list ? prc_arena_strdup(s->arena, list) : NULL;
    if (!s->heading || !s->expr || !s->is_time || (list && !copy)) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    if (!list) {
        char word[300];
        snprintf(word, sizeof word, "time");
        if (with_time) PRC_TRY(select_one(m, s, word, err));
        for (size_t i = 0; i < m->n_state; i++) {
            const prc_var *v = &m->var[m->state[i]];
            if (v->symbol == PRC_SY_SPECIES) snprintf(word, sizeof word, "[%.250s]", v->name);
            else snprintf(word, sizeof word, "%.250s", v->name);
            PRC_TRY(select_one(m, s, word, err));
        }
        return PRC_OK;
    }
    for (char *word = copy; word;) {
        char *comma = strchr(word, ',');
        if (comma) *comma = 0;
        PRC_TRY(select_one(m, s, word, err));
        word = comma ? comma + 1 : NULL;
    }
    return PRC_OK;
}

/* Parameter values: from the model file, else from the ledgers beside it (parameters.tsv, ../core/parameters.tsv). */
static prc_status ledger_values(const char *path, const char *relative, const prc_model *m, double *param, prc_error *err) {
    char file[4096];
    const char *slash = strrchr(path, '/');
    snprintf(file, sizeof file, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, relative);
    FILE *f = fopen(file, "rb");
    if (!f) return PRC_OK;
    fclose(f);
    prc_table *t = NULL;
    PRC_TRY(prc_table_read(file, PRC_TSV, &t, err));
    int name = prc_table_col(t, "name"), value = prc_table_col(t, "value");
    prc_status st = PRC_OK;
    for (size_t i = 0; !st && name >= 0 && value >= 0 && i < t->n_row; i++) {
        int v = prc_model_find(m, prc_table_cell(t, i, (size_t)name));
        if (v < 0 || m->var[v].kind != PRC_VAR_PARAMETER) continue;
        st = prc_table_number(t, i, (size_t)value, true, &param[m->var[v].slot], err);
    }
    prc_table_free(t);
    return st;
}

typedef struct eval_state {
    const prc_model *m;
    const double *param;
    double time;
} eval_state;

static bool lookup_param(void *ctx, const char *name, double *out) {
    const eval_state *s = ctx;
    if (!strcmp(name, "time")) {
        *out = s->time;
        return true;
    }
    int v = prc_model_find(s->m, name);
    if (v < 0) return false;
    const prc_var *var = &s->m->var[v];
    if (var->kind == PRC_VAR_PARAMETER && !isnan(s->param[var->slot])) {
        *out = s->param[var->slot];
        return true;
    }
    const prc_expr *e = var->kind == PRC_VAR_ASSIGNED ? var->rule : var->initial;
    return e && prc_expr_eval(e, lookup_param, ctx, out, NULL) == PRC_OK;
}

prc_status cli_parameter_values(const char *path, const prc_model *m, double start, const bool *given, double *param, prc_error *err) {
    for (size_t i = 0; i < m->n_param; i++) param[i] = (double)NAN;
    PRC_TRY(ledger_values(path, "../core/parameters.tsv", m, param, err));
    PRC_TRY(ledger_values(path, "parameters.tsv", m, param, err));
    for (size_t i = 0; given && i < m->n_param; i++)
        if (given[i]) param[i] = 1;
    eval_state s = {m, param, start};
    for (size_t i = 0; i < m->n_param; i++) {
        const prc_var *v = &m->var[m->param[i]];
        if (isnan(param[i]) && v->initial) PRC_TRY(prc_expr_eval(v->initial, lookup_param, &s, &param[i], err));
        if (isnan(param[i])) return prc_fail_at(err, PRC_E_VALUE, v->source, v->line, v->col, "`%s` has no value: write `%s = ...` in the model or add it to a parameters.tsv beside it", v->name, v->name);
    }
    return PRC_OK;
}

prc_status cmd_model_run(const cli_options *o, prc_error *err) {
    prc_model *m = NULL;
    prc_program *p = NULL;
    cli_selection s = {0};
    double *param = NULL, *time = NULL, *value = NULL;
    prc_text t = {0};
    prc_status st;
    size_t n = o->points > 0 ? (size_t)o->points : 101;
    if (!(o->end > o->start) || n < 2 || n > 10000000) {
        st = prc_fail(err, PRC_E_USAGE, "`paracrine model run` wants --end after --start (%g) and 2 to 10000000 --points", o->start);
        goto out;
    }
    PRC_GO(st, prc_model_load(o->arg[0], 0, &m, err));
    warnings(m);
    PRC_GO(st, cli_select(m, o->select, true, &s, err));
    prc_program_spec spec = {.n_output = s.n, .output = s.expr};
    PRC_GO(st, prc_program_compile(m, &spec, &p, err));
    param = prc_calloc(m->n_param + 1, sizeof *param);
    time = prc_calloc(n, sizeof *time);
    value = prc_calloc(n * s.n + 1, sizeof *value);
    if (!param || !time || !value) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    PRC_GO(st, cli_parameter_values(o->arg[0], m, o->start, NULL, param, err));
    for (size_t k = 0; k < n; k++) time[k] = k + 1 == n ? o->end : o->start + (o->end - o->start) * (double)k / (double)(n - 1);
    prc_job job = {.t0 = o->start, .t1 = o->end, .param = param, .n_time = n, .time = time};
    prc_job_result result;
    prc_solve_options so;
    prc_solve_defaults(&so);
    so.rtol = o->rtol;
    so.atol = o->atol;
    so.width = 1;
    PRC_GO(st, prc_solve_all(p, &so, 1, &job, 1, n, value, NULL, NULL, &result, NULL, err));
    if (result.outcome != PRC_DONE) {
        st = prc_fail(err, PRC_E_NUMERIC, "%s: stopped at time %g: %s%s%s", o->arg[0], result.time, prc_outcome_why(result.outcome), result.state >= 0 ? ", state " : "",
                      result.state >= 0 ? m->var[m->state[result.state]].name : "");
        goto out;
    }
    for (size_t j = 0; j < s.n; j++) prc_text_printf(&t, "%s%s", j ? "," : "", s.heading[j]);
    prc_text_add(&t, "\n");
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; j < s.n; j++) {
            double x = s.is_time[j] ? time[k] : value[k * s.n + j];
            if (isnan(x)) prc_text_add(&t, "NaN");
            else if (isinf(x)) prc_text_add(&t, x > 0 ? "INF" : "-INF");
            else prc_text_printf(&t, "%.17g", x);
            prc_text_add(&t, j + 1 < s.n ? "," : "\n");
        }
    if (!o->output) st = cli_print(&t, err);
    else st = t.failed ? prc_fail(err, PRC_E_MEMORY, "out of memory") : prc_file_write(o->output, t.s, t.n, err);
out:
    prc_text_reset(&t);
    prc_arena_free(s.arena);
    prc_free(param);
    prc_free(time);
    prc_free(value);
    prc_program_free(p);
    prc_model_free(m);
    return st;
}
