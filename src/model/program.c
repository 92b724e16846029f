/* Compiles a flattened model: what is needed becomes nodes of one graph, each piece is lowered on its own, then
 * registers are laid out: time, states, parameters, constants, per-patient terms, 1/(h gamma), right-hand side, LU,
 * temporaries shared by all pieces. */
#include "model_int.h"

#include <math.h>
#include <string.h>

static const prc_program_spec empty_spec;

typedef struct compiler {
    const prc_model *m;
    const prc_program_spec *spec;
    prc_error *err;
    prc_program *p;
    prc_arena *arena;
    prc_dag d;
    int32_t *now;            /* node of each variable's present value, -1 = not yet */
    int32_t *start;          /* node of its value at the start, -1 = not yet */
    int32_t *law;            /* node of each reaction's rate, -1 = not yet */
    uint8_t *frozen, *given; /* by state slot */
    int32_t *rate_node;      /* n_state */
    int32_t *jac_node;       /* n_jac */
    int32_t *dfdt_node;      /* n_state, 0 = zero */
    int32_t *jac_row, *jac_col;
    size_t n_jac, cap_jac, cap_row, cap_col;
    prc_piece rate, jacobian, output, initial, patient, constants, *event;
    int32_t *patient_root, *const_root; /* nodes kept in registers between pieces */
    size_t n_patient, n_const;
    uint8_t *mark;
    int32_t *fixed; /* register of a node that has one of its own, -1 = none */
    int *order;     /* variables in the order in which their values at the start are known */
    prc_lu lu;
    prc_arg_pool pool;
} compiler;

/* Why a step could not be done. */
static prc_status no_memory(compiler *c) {
    if (c->d.too_deep) return prc_fail(c->err, PRC_E_UNSUPPORTED, "the equations of the model are nested too deeply");
    return prc_fail(c->err, PRC_E_MEMORY, "out of memory while compiling the model");
}

#define NEED(c, condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) return no_memory(c);                                                                         \
    } while (0)

/* ---- nodes of names ------------------------------------------------------------------------------------------- */

static int32_t leaf_node(compiler *c, const prc_var *v) {
    if (v->kind == PRC_VAR_STATE) return prc_dag_leaf(&c->d, 1 + v->slot, PRC_CL_DYNAMIC, 1 + v->slot);
    return prc_dag_leaf(&c->d, 1 + (int32_t)c->m->n_state + v->slot, PRC_CL_PATIENT, -1);
}

static int32_t time_node(compiler *c) {
    return prc_dag_leaf(&c->d, 0, PRC_CL_DYNAMIC, 0);
}

/* Present value of a name. Assigned variables come in evaluation order, so those used are already there. */
static int32_t name_now(void *ctx, const char *name) {
    compiler *c = ctx;
    if (strcmp(name, "time") == 0) return time_node(c);
    int i = prc_model_find(c->m, name);
    if (i >= 0) return c->now[i];
    int r = prc_model_find_reaction(c->m, name);
    if (r < 0) return -1;
    const prc_expr *bad;
    if (c->law[r] < 0) c->law[r] = prc_dag_expr(&c->d, c->m->reaction[r].rate, name_now, c, &bad);
    return c->law[r];
}

/* A parameter that other quantities determine. */
static bool is_derived(const prc_var *v) {
    return v->kind == PRC_VAR_PARAMETER && v->initial && !prc_expr_is_constant(v->initial);
}

/* Value of a name at the start: initial assignments and assigned variables expanded; the model has no loops among them.
 * A state that the caller sets is read from its register; one that has no value at all is NaN, never what a register
 * happens to hold. */
static int32_t name_start(void *ctx, const char *name) {
    compiler *c = ctx;
    if (strcmp(name, "time") == 0) return time_node(c);
    const prc_expr *bad, *e = NULL;
    int i = prc_model_find(c->m, name);
    if (i < 0) {
        int r = prc_model_find_reaction(c->m, name);
        return r < 0 ? -1 : prc_dag_expr(&c->d, c->m->reaction[r].rate, name_start, c, &bad);
    }
    if (c->start[i] >= 0) return c->start[i];
    const prc_var *v = &c->m->var[i];
    if (v->kind == PRC_VAR_ASSIGNED)
        e = v->rule;
    else if (v->kind == PRC_VAR_STATE && !c->given[v->slot])
        e = v->initial;
    else if (is_derived(v))
        e = v->initial;
    if (e)
        c->start[i] = prc_dag_expr(&c->d, e, name_start, c, &bad);
    else if (v->kind == PRC_VAR_STATE && !c->given[v->slot])
        c->start[i] = prc_dag_const(&c->d, (double)NAN);
    else
        c->start[i] = leaf_node(c, v);
    return c->start[i];
}

static prc_status bad_name(compiler *c, const prc_expr *bad, const char *where) {
    if (bad->kind == PRC_EX_CALL)
        return prc_fail(c->err, PRC_E_KEY, "unknown function '%s' in %s", bad->name ? bad->name : "?", where);
    const char *near = prc_model_nearest(c->m, bad->name);
    return prc_fail(c->err, PRC_E_KEY, "unknown name '%s' in %s%s%s%s", bad->name, where,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static prc_status node_of(compiler *c, const prc_expr *e, const char *where, int32_t *out) {
    const prc_expr *bad;
    *out = prc_dag_expr(&c->d, e, name_now, c, &bad);
    if (bad) return bad_name(c, bad, where);
    NEED(c, !c->d.failed);
    return PRC_OK;
}

static prc_status trigger_of(compiler *c, const prc_expr *e, const char *where, int32_t *out) {
    const prc_expr *bad;
    *out = prc_dag_trigger(&c->d, e, name_now, c, &bad);
    if (bad) return bad_name(c, bad, where);
    NEED(c, !c->d.failed);
    return PRC_OK;
}

/* ---- what is needed ------------------------------------------------------------------------------------------- */

static prc_status mark_states(compiler *c, const char *const *name, size_t n, bool must_exist, uint8_t *mark) {
    for (size_t k = 0; k < n; k++) {
        int i = prc_model_find(c->m, name[k]);
        if (i >= 0 && c->m->var[i].kind == PRC_VAR_STATE) {
            mark[c->m->var[i].slot] = 1;
            continue;
        }
        if (!must_exist) continue;
        const char *near = i < 0 ? prc_model_nearest(c->m, name[k]) : NULL;
        return prc_fail(c->err, PRC_E_KEY, "'%s' cannot be frozen: it is not a state of the model%s%s%s", name[k],
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return PRC_OK;
}

static prc_status begin(compiler *c) {
    const prc_model *m = c->m;
    c->now = prc_malloc(m->n_var + 1, sizeof *c->now);
    c->start = prc_malloc(m->n_var + 1, sizeof *c->start);
    c->law = prc_malloc(m->n_reaction + 1, sizeof *c->law);
    c->frozen = prc_calloc(m->n_state + 1, 1);
    c->given = prc_calloc(m->n_state + 1, 1);
    c->rate_node = prc_calloc(m->n_state + 1, sizeof *c->rate_node);
    c->dfdt_node = prc_calloc(m->n_state + 1, sizeof *c->dfdt_node);
    c->event = prc_calloc(m->n_event + 1, sizeof *c->event);
    NEED(c, c->now && c->start && c->law && c->frozen && c->given && c->rate_node && c->dfdt_node && c->event);
    NEED(c, prc_dag_init(&c->d, m->n_state + 1, true));
    PRC_TRY(mark_states(c, c->spec->frozen, c->spec->n_frozen, true, c->frozen));
    PRC_TRY(mark_states(c, c->spec->set, c->spec->n_set, false, c->given));
    for (size_t r = 0; r < m->n_reaction; r++) c->law[r] = -1;
    for (size_t i = 0; i < m->n_var; i++) {
        c->start[i] = -1;
        c->now[i] = m->var[i].kind == PRC_VAR_ASSIGNED ? -1 : leaf_node(c, &m->var[i]);
    }
    for (size_t k = 0; k < m->n_assigned; k++)
        PRC_TRY(node_of(c, m->var[m->assigned[k]].rule, m->var[m->assigned[k]].name, &c->now[m->assigned[k]]));
    NEED(c, !c->d.failed);
    return PRC_OK;
}

/* Rates and their derivatives by state and time. */
static prc_status differentiate(compiler *c) {
    const prc_model *m = c->m;
    for (size_t i = 0; i < m->n_state; i++) {
        const prc_var *v = &m->var[m->state[i]];
        if (!c->frozen[i]) PRC_TRY(node_of(c, v->rule, v->name, &c->rate_node[i]));
    }
    for (size_t i = 0; i < m->n_state; i++) {
        for (size_t j = 0; j < m->n_state; j++) {
            int32_t e = prc_dag_derive(&c->d, c->rate_node[i], (int)j + 1);
            if (prc_dag_is(&c->d, e, 0)) continue;
            NEED(c, PRC_GROW(c->jac_node, c->n_jac, c->cap_jac) && PRC_GROW(c->jac_row, c->n_jac, c->cap_row) &&
                        PRC_GROW(c->jac_col, c->n_jac, c->cap_col));
            c->jac_row[c->n_jac] = (int32_t)i;
            c->jac_col[c->n_jac] = (int32_t)j;
            c->jac_node[c->n_jac++] = e;
        }
        c->dfdt_node[i] = prc_dag_derive(&c->d, c->rate_node[i], 0);
    }
    NEED(c, !c->d.failed);
    return PRC_OK;
}

/* Nodes of outputs, watches and triggers, in this order. */
static prc_status output_nodes(compiler *c, int32_t *root) {
    const prc_program_spec *s = c->spec;
    for (size_t k = 0; k < s->n_output; k++) PRC_TRY(node_of(c, s->output[k], "an output", root++));
    for (size_t k = 0; k < s->n_watch; k++) PRC_TRY(trigger_of(c, s->watch[k], "a watch", root++));
    for (size_t k = 0; k < c->m->n_event; k++) PRC_TRY(trigger_of(c, c->m->event[k].trigger, "a trigger", root++));
    return PRC_OK;
}

/* Values of all events one after the other. */
static prc_status event_nodes(compiler *c, int32_t *root) {
    for (size_t k = 0; k < c->m->n_event; k++)
        for (size_t a = 0; a < c->m->event[k].n_assign; a++)
            PRC_TRY(node_of(c, c->m->event[k].value[a], "an event", root++));
    return PRC_OK;
}

/* Values at the start: of all states (0 where the model has none), then of the derived parameters. */
static prc_status initial_nodes(compiler *c, int32_t *root, size_t *n) {
    const prc_model *m = c->m;
    const prc_expr *bad;
    size_t n_order;
    /* In order, so that name_start never has to go down more than one variable. */
    c->order = prc_malloc(m->n_var + 1, sizeof *c->order);
    NEED(c, c->order);
    PRC_TRY(prc_model_start_order(m, c->order, &n_order, c->err));
    for (size_t k = 0; k < n_order; k++) name_start(c, m->var[c->order[k]].name);
    *n = 0;
    for (size_t i = 0; i < m->n_state; i++) {
        const prc_var *v = &m->var[m->state[i]];
        root[*n] = v->initial ? prc_dag_expr(&c->d, v->initial, name_start, c, &bad) : 0;
        ++*n;
    }
    for (size_t k = 0; k < m->n_param; k++)
        if (is_derived(&m->var[m->param[k]])) root[(*n)++] = name_start(c, m->var[m->param[k]].name);
    NEED(c, !c->d.failed);
    return PRC_OK;
}

/* ---- pieces ------------------------------------------------------------------------------------------------ */

static bool lower(compiler *c, prc_piece *p, prc_class given, const int32_t *root, size_t n, prc_copy copy) {
    return prc_piece_lower(p, &c->d, given, root, n, copy, (int32_t)c->m->n_state + 1);
}

/* The Jacobian's roots row by row, each behind its rate, so that terms they share die early. */
static bool lower_jacobian(compiler *c) {
    size_t n = c->m->n_state, total = 0, k = 0;
    int32_t *root = prc_malloc(2 * n + c->n_jac + 1, sizeof *root);
    if (!root) return false;
    for (size_t i = 0; i < n; i++) {
        root[total++] = c->rate_node[i];
        root[total++] = c->dfdt_node[i];
        for (; k < c->n_jac && c->jac_row[k] == (int32_t)i; k++) root[total++] = c->jac_node[k];
    }
    bool ok = lower(c, &c->jacobian, PRC_CL_PATIENT, root, total, PRC_COPY_STATE);
    prc_free(root);
    return ok;
}

static prc_status lower_all(compiler *c) {
    const prc_model *m = c->m;
    size_t n_out = c->spec->n_output + c->spec->n_watch + m->n_event, n_value = 0, n_initial = 0, at = 0;
    for (size_t k = 0; k < m->n_event; k++) n_value += m->event[k].n_assign;
    int32_t *out = prc_malloc(n_out + 1, sizeof *out), *value = prc_malloc(n_value + 1, sizeof *value);
    int32_t *first = prc_malloc(m->n_state + m->n_param + 1, sizeof *first);
    prc_status st = PRC_E_MEMORY;
    bool ok = out && value && first;
    if (!ok) goto out;
    /* All nodes are made before the first piece is lowered: pieces number their own registers behind them. */
    PRC_GO(st, output_nodes(c, out));
    PRC_GO(st, event_nodes(c, value));
    PRC_GO(st, initial_nodes(c, first, &n_initial));
    ok = lower(c, &c->rate, PRC_CL_PATIENT, c->rate_node, m->n_state, PRC_COPY_STATE) && lower_jacobian(c) &&
         lower(c, &c->output, PRC_CL_PATIENT, out, n_out, PRC_COPY_NONE) &&
         lower(c, &c->initial, PRC_CL_CONST, first, n_initial, PRC_COPY_STATE);
    for (size_t k = 0; ok && k < m->n_event; k++) {
        ok = lower(c, &c->event[k], PRC_CL_PATIENT, value + at, m->event[k].n_assign, PRC_COPY_LEAF);
        at += m->event[k].n_assign;
    }
out:
    prc_free(out);
    prc_free(value);
    prc_free(first);
    return ok ? st : no_memory(c);
}

/* Marked nodes of a class, leaves left out. */
static bool gather(compiler *c, prc_class cls, int32_t **root, size_t *n) {
    *root = prc_malloc(c->d.n + 1, sizeof **root);
    if (!*root) return false;
    for (size_t i = 0; i < c->d.n; i++)
        if (c->mark[i] && c->d.node[i].op != PRC_N_LEAF && c->d.node[i].cls == (int8_t)cls)
            (*root)[(*n)++] = (int32_t)i;
    return true;
}

/* What the dynamic pieces read but do not compute becomes the patient piece, what is left then the constants. */
static prc_status lower_static(compiler *c) {
    c->mark = prc_calloc(c->d.n + 1, 1);
    NEED(c, c->mark);
    prc_piece *const dynamic[] = {&c->rate, &c->jacobian, &c->output, &c->initial};
    for (size_t k = 0; k < 4; k++) prc_piece_inputs(dynamic[k], &c->d, c->mark);
    for (size_t k = 0; k < c->m->n_event; k++) prc_piece_inputs(&c->event[k], &c->d, c->mark);
    NEED(c, gather(c, PRC_CL_PATIENT, &c->patient_root, &c->n_patient));
    NEED(c, lower(c, &c->patient, PRC_CL_CONST, c->patient_root, c->n_patient, PRC_COPY_NONE));
    prc_piece_inputs(&c->patient, &c->d, c->mark);
    c->mark[0] = c->mark[1] = 1; /* the factorisation wants 0 */
    NEED(c, gather(c, PRC_CL_CONST, &c->const_root, &c->n_const));
    NEED(c, lower(c, &c->constants, PRC_CL_NONE, c->const_root, c->n_const, PRC_COPY_NONE));
    return PRC_OK;
}

/* ---- registers --------------------------------------------------------------------------------------------- */

static prc_status lay_out(compiler *c, int32_t *lu_first, int32_t *base) {
    prc_program *p = c->p;
    int32_t n = (int32_t)c->m->n_state;
    c->fixed = prc_malloc(c->d.n + 1, sizeof *c->fixed);
    NEED(c, c->fixed);
    p->reg_time = 0, p->reg_state = 1, p->reg_param = 1 + n;
    for (size_t i = 0; i < c->d.n; i++) /* leaves are numbered like their registers */
        c->fixed[i] = c->d.node[i].op == PRC_N_LEAF ? c->d.node[i].a : -1;
    int32_t r = 1 + n + (int32_t)c->m->n_param;
    for (size_t k = 0; k < c->n_const; k++) c->fixed[c->const_root[k]] = r++;
    for (size_t k = 0; k < c->n_patient; k++) c->fixed[c->patient_root[k]] = r++;
    p->reg_hginv = r++;
    p->reg_rhs = r;
    *lu_first = r + n;
    NEED(c, prc_lu_analyse(&c->lu, c->m->n_state, c->n_jac, c->jac_row, c->jac_col));
    *base = *lu_first + prc_lu_registers(&c->lu);
    return PRC_OK;
}

static int32_t *new_regs(compiler *c, size_t n) {
    return prc_arena_alloc(c->arena, n + 1, sizeof(int32_t));
}

static bool place(compiler *c, prc_piece *piece, int32_t base, int32_t *top, prc_code *code, int32_t *reg) {
    return prc_piece_allocate(piece, &c->d, c->fixed, base, top, c->arena, &c->pool, code, reg);
}

static prc_status place_jacobian(compiler *c, int32_t base, int32_t *top) {
    prc_program *p = c->p;
    size_t n = c->m->n_state, at = 0, k = 0;
    int32_t *all = new_regs(c, 2 * n + c->n_jac), *rate = new_regs(c, n), *dfdt = new_regs(c, n),
            *jac = new_regs(c, c->n_jac);
    int32_t *row = new_regs(c, c->n_jac), *col = new_regs(c, c->n_jac);
    NEED(c, all && rate && dfdt && jac && row && col && place(c, &c->jacobian, base, top, &p->jacobian, all));
    for (size_t i = 0; i < n; i++) {
        rate[i] = all[at++];
        dfdt[i] = prc_dag_is(&c->d, c->dfdt_node[i], 0) ? -1 : all[at];
        at++;
        p->explicit_time = p->explicit_time || dfdt[i] >= 0;
        for (; k < c->n_jac && c->jac_row[k] == (int32_t)i; k++) {
            jac[k] = all[at++];
            row[k] = c->jac_row[k];
            col[k] = c->jac_col[k];
        }
    }
    p->n_jac = c->n_jac;
    p->jac_reg_rate = rate, p->reg_dfdt = dfdt, p->reg_jac = jac, p->jac_row = row, p->jac_col = col;
    return PRC_OK;
}

/* The initial piece ends with the derived parameters moved to their registers; nothing in it reads these. */
static prc_status place_initial(compiler *c, int32_t base, int32_t *top) {
    const prc_model *m = c->m;
    prc_program *p = c->p;
    size_t n = c->initial.n_result, at = m->n_state;
    int32_t *reg = new_regs(c, n);
    uint8_t *has = prc_arena_alloc(c->arena, m->n_state + 1, 1);
    prc_code code;
    NEED(c, reg && has && place(c, &c->initial, base, top, &code, reg));
    prc_instr *instr = prc_arena_alloc(c->arena, code.n_instr + n + 1, sizeof *instr);
    NEED(c, instr);
    if (code.n_instr) memcpy(instr, code.instr, code.n_instr * sizeof *instr);
    for (size_t k = 0; k < m->n_param; k++)
        if (is_derived(&m->var[m->param[k]]))
            instr[code.n_instr++] = (prc_instr){.op = PRC_OP_MOV, .dst = p->reg_param + (int32_t)k, .a = reg[at++]};
    for (size_t i = 0; i < m->n_state; i++) has[i] = m->var[m->state[i]].initial != NULL;
    p->initial = (prc_code){instr, code.n_instr};
    p->reg_initial = reg, p->has_initial = has;
    return PRC_OK;
}

static prc_status place_output(compiler *c, int32_t base, int32_t *top) {
    prc_program *p = c->p;
    int32_t *reg = new_regs(c, c->output.n_result);
    NEED(c, reg && place(c, &c->output, base, top, &p->output, reg));
    p->n_output = c->spec->n_output, p->n_watch = c->spec->n_watch, p->n_event = c->m->n_event;
    p->reg_output = reg, p->reg_watch = reg + p->n_output, p->reg_trigger = p->reg_watch + p->n_watch;
    return PRC_OK;
}

static prc_status place_events(compiler *c, int32_t base, int32_t *top) {
    const prc_model *m = c->m;
    prc_program *p = c->p;
    prc_code *code = prc_arena_alloc(c->arena, m->n_event + 1, sizeof *code);
    const int32_t **reg = prc_arena_alloc(c->arena, m->n_event + 1, sizeof *reg);
    const int32_t **target = prc_arena_alloc(c->arena, m->n_event + 1, sizeof *target);
    size_t *n = prc_arena_alloc(c->arena, m->n_event + 1, sizeof *n);
    NEED(c, code && reg && target && n);
    for (size_t k = 0; k < m->n_event; k++) {
        const prc_model_event *e = &m->event[k];
        int32_t *value = new_regs(c, e->n_assign), *to = new_regs(c, e->n_assign);
        NEED(c, value && to && place(c, &c->event[k], base, top, &code[k], value));
        for (size_t a = 0; a < e->n_assign; a++) {
            const prc_var *v = &m->var[e->target[a]];
            to[a] = (v->kind == PRC_VAR_STATE ? p->reg_state : p->reg_param) + v->slot;
            p->event_changes_param = p->event_changes_param || v->kind == PRC_VAR_PARAMETER;
        }
        reg[k] = value, target[k] = to, n[k] = e->n_assign;
    }
    p->event = code, p->event_reg = reg, p->event_target = target, p->event_n = n;
    return PRC_OK;
}

static prc_status place_lu(compiler *c, int32_t first) {
    prc_program *p = c->p;
    prc_lu_input in = {c->m->n_state, c->n_jac,   p->jac_row,  p->jac_col, p->reg_jac,
                       p->reg_hginv,  p->reg_rhs, c->fixed[0], first};
    int32_t *pivot = new_regs(c, c->m->n_state);
    NEED(c, pivot && prc_lu_emit(&c->lu, &in, c->arena, &c->pool, &p->factor, &p->solve));
    for (size_t i = 0; i < c->m->n_state; i++) pivot[i] = first + (int32_t)i;
    p->reg_pivot = pivot;
    p->n_lu = c->lu.n_entry;
    return PRC_OK;
}

static prc_status copy_names(compiler *c, const int *var, size_t n, const char *const **out) {
    const char **name = prc_arena_alloc(c->arena, n + 1, sizeof *name);
    NEED(c, name);
    for (size_t i = 0; i < n; i++) NEED(c, name[i] = prc_arena_strdup(c->arena, c->m->var[var[i]].name));
    *out = name;
    return PRC_OK;
}

static prc_status place_all(compiler *c) {
    prc_program *p = c->p;
    int32_t lu_first = 0, base = 0;
    PRC_TRY(lay_out(c, &lu_first, &base));
    int32_t top = base, *rate = new_regs(c, c->m->n_state);
    int32_t *unused = new_regs(c, c->n_const + c->n_patient);
    NEED(c, rate && unused && place(c, &c->constants, base, &top, &p->constants, unused));
    NEED(c, place(c, &c->patient, base, &top, &p->patient, unused));
    NEED(c, place(c, &c->rate, base, &top, &p->rate, rate));
    p->reg_rate = rate;
    PRC_TRY(place_initial(c, base, &top));
    PRC_TRY(place_jacobian(c, base, &top));
    PRC_TRY(place_output(c, base, &top));
    PRC_TRY(place_events(c, base, &top));
    PRC_TRY(place_lu(c, lu_first));
    int32_t *args = new_regs(c, c->pool.n);
    NEED(c, args);
    if (c->pool.n) memcpy(args, c->pool.arg, c->pool.n * sizeof *args);
    p->args = args;
    p->n_reg = (size_t)top;
    PRC_TRY(copy_names(c, c->m->state, c->m->n_state, &p->state_name));
    return copy_names(c, c->m->param, c->m->n_param, &p->param_name);
}

/* ---- whole --------------------------------------------------------------------------------------------------- */

static void compiler_reset(compiler *c) {
    prc_piece *const piece[] = {&c->rate, &c->jacobian, &c->output, &c->initial, &c->patient, &c->constants};
    for (size_t k = 0; k < sizeof piece / sizeof *piece; k++) prc_piece_reset(piece[k]);
    for (size_t k = 0; c->event && k < c->m->n_event; k++) prc_piece_reset(&c->event[k]);
    void *const owned[] = {c->now,      c->start,     c->law,     c->frozen,   c->given,        c->rate_node,
                           c->jac_node, c->dfdt_node, c->jac_row, c->jac_col,  c->patient_root, c->const_root,
                           c->mark,     c->fixed,     c->event,   c->pool.arg, c->order};
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) prc_free(owned[k]);
    prc_dag_reset(&c->d);
    prc_lu_reset(&c->lu);
}

prc_status prc_program_compile(const prc_model *m, const prc_program_spec *spec, prc_program **out, prc_error *err) {
    compiler c = {.m = m, .spec = spec ? spec : &empty_spec, .err = err};
    prc_status st;
    c.arena = prc_arena_create();
    if (!c.arena) return no_memory(&c);
    c.p = prc_arena_alloc(c.arena, 1, sizeof *c.p);
    if (!c.p) PRC_GO(st, no_memory(&c));
    c.p->arena = c.arena;
    c.p->n_state = m->n_state;
    c.p->n_param = m->n_param;
    PRC_GO(st, begin(&c));
    PRC_GO(st, differentiate(&c));
    PRC_GO(st, lower_all(&c));
    PRC_GO(st, lower_static(&c));
    PRC_GO(st, place_all(&c));
    *out = c.p;
out:
    compiler_reset(&c);
    if (st != PRC_OK) prc_arena_free(c.arena);
    return st;
}

void prc_program_free(prc_program *p) {
    if (p) prc_arena_free(p->arena);
}
