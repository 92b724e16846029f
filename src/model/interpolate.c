/* A parameter that follows a line between the values it is given: a covariate that changes with time. */
#include "model_int.h"

#include <string.h>

static bool add_parameter(prc_model *m, size_t at, int slot, const char *name, const prc_var *like) {
    prc_var *v = &m->var[at];
    *v = (prc_var){.name = name,
                   .kind = PRC_VAR_PARAMETER,
                   .symbol = like->symbol,
                   .slot = slot,
                   .initial = prc_expr_number(m->arena, 0),
                   .source = like->source,
                   .line = like->line,
                   .col = like->col};
    m->param[slot] = (int)at;
    return name && v->initial && prc_names_add(m->names, name, (int)at);
}

/* value + slope * (time - from) */
static const prc_expr *line_of(prc_arena *a, const char *const name[3]) {
    const prc_expr *time = prc_expr_name(a, "time"), *from = prc_expr_name(a, name[2]);
    const prc_expr *slope = prc_expr_name(a, name[1]), *value = prc_expr_name(a, name[0]);
    if (!time || !from || !slope || !value) return NULL;
    const prc_expr *since = prc_expr_call(a, PRC_FN_SUB, 2, (const prc_expr *const[]){time, from});
    const prc_expr *rise = since ? prc_expr_call(a, PRC_FN_MUL, 2, (const prc_expr *const[]){slope, since}) : NULL;
    return rise ? prc_expr_call(a, PRC_FN_ADD, 2, (const prc_expr *const[]){value, rise}) : NULL;
}

prc_status prc_model_interpolate(prc_model *m, const char *name, int slot[3], prc_error *err) {
    static const char *const part[3] = {"value", "slope", "from"};
    const char *names[3];
    int i = prc_model_find(m, name);
    if (i < 0 || m->var[i].kind != PRC_VAR_PARAMETER)
        return prc_fail(err, PRC_E_KEY, "the model has no parameter `%s`", name);
    prc_arena *a = m->arena;
    prc_var *var = prc_arena_alloc(a, m->n_var + 3, sizeof *var);
    int *param = prc_arena_alloc(a, m->n_param + 2, sizeof *param);
    int *assigned = prc_arena_alloc(a, m->n_assigned + 1, sizeof *assigned);
    if (!var || !param || !assigned) return prc_fail(err, PRC_E_MEMORY, "out of memory while building the model");
    memcpy(var, m->var, m->n_var * sizeof *var);
    if (m->n_param > 0) memcpy(param, m->param, m->n_param * sizeof *param);
    m->var = var, m->param = param, m->assigned = assigned;
    /* The value takes the place of the parameter, so that tables by slot stay valid. */
    slot[0] = var[i].slot, slot[1] = (int)m->n_param, slot[2] = (int)m->n_param + 1;
    for (int k = 0; k < 3; k++) {
        names[k] = prc_arena_printf(a, "%s@%s", name, part[k]);
        if (!add_parameter(m, m->n_var + (size_t)k, slot[k], names[k], &var[i]))
            return prc_fail(err, PRC_E_MEMORY, "out of memory while building the model");
    }
    m->n_var += 3, m->n_param += 2, m->n_assigned += 1;
    var[i].kind = PRC_VAR_ASSIGNED;
    var[i].initial = NULL;
    var[i].rule = line_of(a, names);
    if (!var[i].rule) return prc_fail(err, PRC_E_MEMORY, "out of memory while building the model");
    return prc_model_order(m, err);
}
