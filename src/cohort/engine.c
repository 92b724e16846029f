/* What is compiled once per condition. */
#include "cohort_int.h"

#include <math.h>
#include <string.h>

prc_status prc_cohort_no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory");
}

/* ---- programs --------------------------------------------------------------------------------------------------- */

static const prc_expr *call(prc_arena *a, prc_fn fn, const prc_expr *x, const prc_expr *y) {
    const prc_expr *arg[2] = {x, y};
    return x && y ? prc_expr_call(a, fn, 2, arg) : NULL;
}

/* A score never leaves its range. */
const prc_expr *prc_observable_formula(prc_arena *a, const prc_observable *o) {
    const prc_expr *e = o->formula;
    if (o->kind == PRC_OB_READOUT) return e;
    if (!isnan(o->min)) e = call(a, PRC_FN_MAX, e, prc_expr_number(a, o->min));
    if (!isnan(o->max)) e = call(a, PRC_FN_MIN, e, prc_expr_number(a, o->max));
    return e;
}

/* A trigger written as a comparison becomes a continuous distance, so that its root can be found. */
static const prc_expr *distance(prc_arena *a, const prc_expr *e) {
    if (!e || e->kind != PRC_EX_CALL || e->n_arg != 2) return e;
    switch (e->fn) {
    case PRC_FN_GT:
    case PRC_FN_GE:
        return call(a, PRC_FN_SUB, e->arg[0], e->arg[1]);
    case PRC_FN_LT:
    case PRC_FN_LE:
        return call(a, PRC_FN_SUB, e->arg[1], e->arg[0]);
    case PRC_FN_AND:
        return call(a, PRC_FN_MIN, distance(a, e->arg[0]), distance(a, e->arg[1]));
    case PRC_FN_OR:
        return call(a, PRC_FN_MAX, distance(a, e->arg[0]), distance(a, e->arg[1]));
    default:
        return e;
    }
}

/* Outputs and watches beyond those of the condition. */
typedef struct extra {
    const prc_expr *const *output, *const *watch;
    size_t n_output, n_watch;
} extra;

static prc_status compile(prc_engine_full *f, const extra *more, prc_error *err) {
    const prc_condition *c = f->engine.condition;
    size_t n = c->n_observable;
    const prc_expr **output = prc_arena_alloc(f->arena, n + more->n_output + 1, sizeof *output),
                   **watch = prc_arena_alloc(f->arena, n + more->n_watch + 1, sizeof *watch);
    f->engine.output_of = prc_arena_alloc(f->arena, n + 1, sizeof(int));
    f->engine.watch_of = prc_arena_alloc(f->arena, n + 1, sizeof(int));
    if (!output || !watch || !f->engine.output_of || !f->engine.watch_of) return prc_cohort_no_memory(err);
    prc_program_spec spec = {.output = output, .watch = watch};
    for (size_t i = 0; i < n; i++) {
        const prc_observable *o = &c->observable[i];
        bool event = o->kind == PRC_OB_EVENT;
        const prc_expr *e = event ? distance(f->arena, o->formula) : prc_observable_formula(f->arena, o);
        if (!e) return prc_cohort_no_memory(err);
        f->engine.output_of[i] = event ? -1 : (int)spec.n_output;
        f->engine.watch_of[i] = event ? (int)spec.n_watch : -1;
        if (event)
            watch[spec.n_watch++] = e;
        else
            output[spec.n_output++] = e;
    }
    for (size_t i = 0; i < more->n_output; i++) output[spec.n_output++] = more->output[i];
    for (size_t i = 0; i < more->n_watch; i++) watch[spec.n_watch++] = more->watch[i];
    PRC_TRY(prc_program_compile(c->model, &spec, &f->engine.trial, err));
    prc_program_spec run_in = {.n_frozen = c->n_hold, .frozen = c->hold};
    return prc_program_compile(c->model, &run_in, &f->engine.run_in, err);
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

typedef struct evaluation {
    const prc_condition *c;
    const double *param;
    int depth;
    prc_error *err;
} evaluation;

/* Value of a name at the start: parameters as they are, rules and initial values followed. */
static bool value_of(void *ctx, const char *name, double *out) {
    evaluation *v = ctx;
    if (strcmp(name, "time") == 0) {
        *out = 0;
        return true;
    }
    int i = prc_model_find(v->c->model, name);
    if (i < 0 || v->depth > 64) return false;
    const prc_var *var = &v->c->model->var[i];
    const prc_expr *e = var->kind == PRC_VAR_ASSIGNED ? var->rule : var->initial;
    if (var->kind == PRC_VAR_PARAMETER) *out = v->param[var->slot];
    if (var->kind == PRC_VAR_PARAMETER) return true;
    if (!e) return false;
    v->depth++;
    bool ok = prc_expr_eval(e, value_of, v, out, v->err) == PRC_OK;
    v->depth--;
    return ok;
}

prc_status prc_derived_value(const prc_condition *c, int slot, const double *param, double *out, prc_error *err) {
    evaluation v = {c, param, 0, err};
    return prc_expr_eval(c->model->var[c->model->param[slot]].initial, value_of, &v, out, err);
}

typedef struct ordering {
    prc_engine_full *f;
    unsigned char *seen; /* per variable: 1 = being visited, 2 = done */
    int depth;
    bool loop;
} ordering;

static bool has_names(const prc_expr *e);

static void visit_name(void *ctx, const prc_expr *name);

/* Depth first: what a derived parameter uses comes before it. */
static void visit_var(ordering *o, int i) {
    const prc_var *v = &o->f->engine.condition->model->var[i];
    const prc_expr *e = v->kind == PRC_VAR_ASSIGNED ? v->rule : v->initial;
    if (o->seen[i] == 1) o->loop = true;
    if (o->seen[i]) return;
    o->seen[i] = 1;
    if (e) prc_expr_names(e, visit_name, o);
    if (v->kind == PRC_VAR_PARAMETER && e && has_names(e)) o->f->derived[o->f->n_derived++] = v->slot;
    o->seen[i] = 2;
}

static void visit_name(void *ctx, const prc_expr *name) {
    ordering *o = ctx;
    int i = prc_model_find(o->f->engine.condition->model, name->name);
    if (i >= 0) visit_var(o, i);
}

static void count_name(void *ctx, const prc_expr *name) {
    (void)name;
    ++*(size_t *)ctx;
}

static bool has_names(const prc_expr *e) {
    size_t n = 0;
    prc_expr_names(e, count_name, &n);
    return n > 0;
}

static prc_status order_derived(prc_engine_full *f, prc_error *err) {
    const prc_model *m = f->engine.condition->model;
    f->derived = prc_arena_alloc(f->arena, m->n_param + 1, sizeof *f->derived);
    ordering o = {f, prc_arena_alloc(f->arena, m->n_var + 1, 1), 0, false};
    if (!f->derived || !o.seen) return prc_cohort_no_memory(err);
    for (size_t p = 0; p < m->n_param && !o.loop; p++) {
        const prc_var *v = &m->var[m->param[p]];
        if (v->initial && has_names(v->initial)) visit_var(&o, m->param[p]);
        if (o.loop)
            return prc_ast_fail(m->ast, v->source, v->line, v->col, PRC_E_MODEL, err,
                                "the start value of `%s` depends on itself", v->name);
    }
    return PRC_OK;
}

static bool no_names(void *ctx, const char *name, double *out) {
    (void)ctx, (void)name, (void)out;
    return false;
}

/* The model's own number, or what the first route or product sets: without a dose it has no effect, but it must be a
 * number. */
static prc_status fill_fallback(prc_engine_full *f, prc_error *err) {
    const prc_condition *c = f->engine.condition;
    const prc_model *m = c->model;
    f->fallback = prc_arena_alloc(f->arena, m->n_param + 1, sizeof *f->fallback);
    if (!f->fallback) return prc_cohort_no_memory(err);
    for (size_t i = c->n_row; i-- > 0;)
        if (c->row[i].kind == PRC_ROW_SET && c->row[i].param >= 0) f->fallback[c->row[i].param] = c->row[i].value;
    for (size_t p = 0; p < m->n_param; p++) {
        const prc_expr *e = m->var[m->param[p]].initial;
        if (e && !has_names(e)) PRC_TRY(prc_expr_eval(e, no_names, NULL, &f->fallback[p], err));
    }
    return PRC_OK;
}

/* ---- random streams --------------------------------------------------------------------------------------------- */

static prc_normal_source source_of(const prc_condition *c, const char *name) {
    prc_normal_source s = {prc_purpose(name), -1};
    for (size_t i = 0; i < c->n_joint; i++)
        if (strcmp(c->joint[i], name) == 0) s.joint = (int)i;
    return s;
}

static prc_status name_streams(prc_engine_full *f, prc_error *err) {
    const prc_condition *c = f->engine.condition;
    f->covariate = prc_arena_alloc(f->arena, c->n_covariate + 1, sizeof *f->covariate);
    f->follow = prc_arena_alloc(f->arena, c->n_follow + 1, sizeof *f->follow);
    f->row = prc_arena_alloc(f->arena, c->n_row + 1, sizeof *f->row);
    f->joint = prc_arena_alloc(f->arena, c->n_joint + 1, sizeof *f->joint);
    if (!f->covariate || !f->follow || !f->row || !f->joint) return prc_cohort_no_memory(err);
    for (size_t i = 0; i < c->n_covariate; i++) f->covariate[i] = source_of(c, c->covariate[i].name);
    for (size_t i = 0; i < c->n_follow; i++) f->follow[i] = source_of(c, c->follow[i].name);
    for (size_t i = 0; i < c->n_row; i++) f->row[i] = source_of(c, c->row[i].name);
    for (size_t i = 0; i < c->n_joint; i++) f->joint[i] = prc_purpose(c->joint[i]);
    return PRC_OK;
}

/* ---- tolerances ------------------------------------------------------------------------------------------------- */

/* Smallest size that counts: 1e5 cells, 0.001 of anything else. */
static double floor_of(const prc_var *v) {
    bool item = v->dim.known && v->dim.exponent[PRC_AU_ITEM] == 1;
    for (int i = 0; i < PRC_AU_COUNT; i++)
        if (i != PRC_AU_ITEM && v->dim.exponent[i] != 0) item = false;
    double x = item ? 1e5 / v->dim.factor : 1e-3;
    return x > 1e-3 ? x : 1e-3;
}

/* Typical size of each state: the typical patient at baseline. If he cannot be run in, the floors stand; the run will
 * say why. */
static prc_status fill_scale(prc_engine_full *f, prc_error *err) {
    const prc_condition *c = f->engine.condition;
    size_t n = c->model->n_state;
    double *scale = prc_arena_alloc(f->arena, n + 1, sizeof *scale);
    prc_cohort *one = NULL;
    if (!scale) return prc_cohort_no_memory(err);
    for (size_t i = 0; i < n; i++) scale[i] = floor_of(&c->model->var[c->model->state[i]]);
    f->engine.scale = scale;
    f->engine.options.scale = scale;
    PRC_TRY(prc_cohort_typical(&f->engine, &c->typical, NULL, &one, err));
    for (size_t i = 0; i < n && one->outcome[0] == PRC_DONE; i++)
        if (fabs(one->start[i]) > scale[i]) scale[i] = fabs(one->start[i]);
    prc_cohort_free(one);
    return PRC_OK;
}

prc_status prc_engine_create(const prc_condition *c, prc_engine **out, prc_error *err) {
    return prc_engine_create_with(c, NULL, 0, NULL, 0, out, err);
}

prc_status prc_engine_create_with(const prc_condition *c, const prc_expr *const *output, size_t n_output,
                                  const prc_expr *const *watch, size_t n_watch, prc_engine **out, prc_error *err) {
    const extra more = {output, watch, n_output, n_watch};
    prc_status st;
    prc_engine_full *f = prc_calloc(1, sizeof *f);
    if (!f) return prc_cohort_no_memory(err);
    f->engine.condition = c;
    f->arena = prc_arena_create();
    PRC_GO(st, f->arena ? PRC_OK : prc_cohort_no_memory(err));
    prc_solve_defaults(&f->engine.options);
    PRC_GO(st, compile(f, &more, err));
    PRC_GO(st, fill_fallback(f, err));
    PRC_GO(st, order_derived(f, err));
    PRC_GO(st, name_streams(f, err));
    PRC_GO(st, fill_scale(f, err));
    *out = &f->engine;
    f = NULL;
out:
    if (f) prc_engine_free(&f->engine);
    return st;
}

void prc_engine_free(prc_engine *e) {
    if (!e) return;
    prc_engine_full *f = (prc_engine_full *)(void *)e;
    prc_program_free(e->trial);
    prc_program_free(e->run_in);
    prc_arena_free(f->arena);
    prc_free(f);
}
