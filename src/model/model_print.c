/* Listing of a program: registers by what they hold, then every piece. */
#include "model_int.h"

#include <string.h>

static const char *op_name(int32_t op) {
    static const char *const name[] = {
#define PRC_X(id, text) text,
        PRC_OP_LIST(PRC_X)
#undef PRC_X
    };
    return op >= 0 && op < PRC_OP_COUNT ? name[op] : "?";
}

/* time, the name of a state or parameter, or r and the number. */
static void print_reg(const prc_program *p, int32_t r, prc_text *t) {
    if (r == p->reg_time)
        prc_text_add(t, "time");
    else if (r >= p->reg_state && r < p->reg_state + (int32_t)p->n_state)
        prc_text_add(t, p->state_name[r - p->reg_state]);
    else if (r >= p->reg_param && r < p->reg_param + (int32_t)p->n_param)
        prc_text_add(t, p->param_name[r - p->reg_param]);
    else if (r == p->reg_hginv)
        prc_text_add(t, "1/(h*gamma)");
    else
        prc_text_printf(t, "r%d", (int)r);
}

static void print_list(const prc_program *p, const int32_t *arg, int32_t n, bool pairs, prc_text *t) {
    for (int32_t i = 0; i < n; i++) {
        if (i) prc_text_add(t, pairs ? " + " : ", ");
        print_reg(p, arg[pairs ? 2 * i : i], t);
        if (!pairs) continue;
        prc_text_add(t, "*");
        print_reg(p, arg[2 * i + 1], t);
    }
}

static void print_operands(const prc_program *p, const prc_instr *x, prc_text *t) {
    char number[32];
    switch (x->op) {
    case PRC_OP_CONST:
        prc_text_add(t, prc_format_double(x->imm, number));
        return;
    case PRC_OP_SUM:
        print_list(p, p->args + x->b, x->a, false, t);
        return;
    case PRC_OP_SUMPROD:
        print_list(p, p->args + x->b, x->a, true, t);
        return;
    case PRC_OP_SUBPROD:
        print_reg(p, x->c, t);
        prc_text_add(t, " - (");
        print_list(p, p->args + x->b, x->a, true, t);
        prc_text_add(t, ")");
        return;
    default:
        break;
    }
    bool three = x->op == PRC_OP_MULADD || x->op == PRC_OP_MULSUB || x->op == PRC_OP_MUL3 || x->op == PRC_OP_SELECT;
    int n = three ? 3 : prc_dag_arity(x->op);
    const int32_t reg[3] = {x->a, x->b, x->c};
    for (int k = 0; k < n; k++) {
        if (k) prc_text_add(t, ", ");
        print_reg(p, reg[k], t);
    }
}

static void print_code(const prc_program *p, const char *title, const prc_code *code, prc_text *t) {
    prc_text_printf(t, "\n%s: %zu instructions\n", title, code->n_instr);
    for (size_t i = 0; i < code->n_instr; i++) {
        prc_text_add(t, "  ");
        print_reg(p, code->instr[i].dst, t);
        prc_text_printf(t, " = %s ", op_name(code->instr[i].op));
        print_operands(p, &code->instr[i], t);
        prc_text_add(t, "\n");
    }
}

static void print_result(const prc_program *p, const char *what, size_t i, int32_t reg, prc_text *t) {
    prc_text_printf(t, "  %s %zu: ", what, i);
    print_reg(p, reg, t);
    prc_text_add(t, "\n");
}

static void print_states(const prc_program *p, const char *format, const int32_t *reg, prc_text *t) {
    for (size_t i = 0; i < p->n_state; i++) {
        if (reg[i] < 0) continue;
        prc_text_printf(t, "  %s%s: ", format, p->state_name[i]);
        print_reg(p, reg[i], t);
        prc_text_add(t, "\n");
    }
}

void prc_program_print(const prc_program *p, prc_text *out) {
    prc_text_printf(out, "states %zu, parameters %zu, registers %zu, jacobian entries %zu, entries of L and U %zu\n",
                    p->n_state, p->n_param, p->n_reg, p->n_jac, p->n_lu);
    print_code(p, "constants", &p->constants, out);
    print_code(p, "initial", &p->initial, out);
    print_states(p, "start of ", p->reg_initial, out);
    print_code(p, "patient", &p->patient, out);
    print_code(p, "rate", &p->rate, out);
    print_states(p, "d/dt ", p->reg_rate, out);
    print_code(p, "jacobian", &p->jacobian, out);
    print_states(p, "d/dt ", p->jac_reg_rate, out);
    print_states(p, "d2/dt2 ", p->reg_dfdt, out);
    for (size_t k = 0; k < p->n_jac; k++) {
        prc_text_printf(out, "  J(%s, %s): ", p->state_name[p->jac_row[k]], p->state_name[p->jac_col[k]]);
        print_reg(p, p->reg_jac[k], out);
        prc_text_add(out, "\n");
    }
    print_code(p, "factor", &p->factor, out);
    print_states(p, "reciprocal pivot ", p->reg_pivot, out);
    print_code(p, "solve", &p->solve, out);
    print_code(p, "output", &p->output, out);
    for (size_t k = 0; k < p->n_output; k++) print_result(p, "output", k, p->reg_output[k], out);
    for (size_t k = 0; k < p->n_watch; k++) print_result(p, "watch", k, p->reg_watch[k], out);
    for (size_t k = 0; k < p->n_event; k++) print_result(p, "trigger", k, p->reg_trigger[k], out);
    for (size_t k = 0; k < p->n_event; k++) {
        print_code(p, "event", &p->event[k], out);
        for (size_t a = 0; a < p->event_n[k]; a++) {
            prc_text_add(out, "  ");
            print_reg(p, p->event_target[k][a], out);
            prc_text_add(out, " <- ");
            print_reg(p, p->event_reg[k][a], out);
            prc_text_add(out, "\n");
        }
    }
}
