/* solve_build.h: programs made by hand for the tests of the solver, so that these do not depend on the model compiler.
 * A system is a function that emits rates, Jacobian entries and df/dt; the LU is generated for the dense pattern of its
 * non-zeros. */
#ifndef PRC_SOLVE_BUILD_H
#define PRC_SOLVE_BUILD_H

#include "paracrine/solve.h"

#include <stdlib.h>
#include <string.h>

enum { BUILD_MAX = 6000, BUILD_STATES = 12 };

typedef struct build {
    prc_program p;
    prc_instr code[BUILD_MAX], constant[256];
    size_t n_code, n_constant;
    int32_t rate[BUILD_STATES], jac_rate[BUILD_STATES], initial[BUILD_STATES], dfdt[BUILD_STATES], pivot[BUILD_STATES];
    int32_t jac_row[BUILD_STATES * BUILD_STATES], jac_col[BUILD_STATES * BUILD_STATES],
        jac_reg[BUILD_STATES * BUILD_STATES];
    int32_t output[16], watch[8], trigger[8], event_reg[8][4], event_target[8][4];
    const int32_t *event_regs[8], *event_targets[8];
    size_t event_n[8];
    prc_code event[8];
    uint8_t has_initial[BUILD_STATES];
    size_t begin;
    int n_reg;
} build;

/* f[i] and jac[i*n+j], df[i] are registers; -1 in jac and df means zero. */
typedef void (*build_system)(build *b, int *f, int *jac, int *df);

static inline int build_reg(build *b) { return b->n_reg++; }

static inline int build_op(build *b, prc_op op, int x, int y, int z)
{
    int d = build_reg(b);
    if (b->n_code >= BUILD_MAX) abort();
    b->code[b->n_code++] = (prc_instr){.op = (int32_t)op, .dst = d, .a = x, .b = y, .c = z};
    return d;
}

static inline int build_const(build *b, double v)
{
    int d = build_reg(b);
    b->constant[b->n_constant++] = (prc_instr){.op = PRC_OP_CONST, .dst = d, .imm = v};
    return d;
}

static inline int build_state(const build *b, int i) { return b->p.reg_state + i; }
static inline int build_param(const build *b, int i) { return b->p.reg_param + i; }
static inline int build_add(build *b, int x, int y) { return build_op(b, PRC_OP_ADD, x, y, -1); }
static inline int build_sub(build *b, int x, int y) { return build_op(b, PRC_OP_SUB, x, y, -1); }
static inline int build_mul(build *b, int x, int y) { return build_op(b, PRC_OP_MUL, x, y, -1); }
static inline int build_neg(build *b, int x) { return build_op(b, PRC_OP_NEG, x, -1, -1); }

static inline prc_code build_piece(build *b)
{
    prc_code c = {b->code + b->begin, b->n_code - b->begin};
    b->begin = b->n_code;
    return c;
}

/* Gaussian elimination in the natural order, on the full pattern. */
static inline void build_lu(build *b, const int *jac)
{
    int n = (int)b->p.n_state, m[BUILD_STATES * BUILD_STATES];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            int k = jac[i * n + j];
            m[i * n + j] = i == j  ? (k < 0 ? b->p.reg_hginv : build_sub(b, b->p.reg_hginv, k))
                           : k < 0 ? -1
                                   : build_neg(b, k);
        }
    for (int c = 0; c < n; c++) {
        b->pivot[c] = build_op(b, PRC_OP_RCP, m[c * n + c], -1, -1);
        for (int i = c + 1; i < n; i++) {
            if (m[i * n + c] < 0) continue;
            int f = m[i * n + c] = build_mul(b, m[i * n + c], b->pivot[c]);
            for (int j = c + 1; j < n; j++) {
                if (m[c * n + j] < 0) continue;
                m[i * n + j] = m[i * n + j] < 0 ? build_neg(b, build_mul(b, f, m[c * n + j]))
                                                : build_op(b, PRC_OP_MULSUB, f, m[c * n + j], m[i * n + j]);
            }
        }
    }
    b->p.factor = build_piece(b);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            if (m[i * n + j] >= 0)
                b->code[b->n_code++] =
                    (prc_instr){PRC_OP_MULSUB, b->p.reg_rhs + i, m[i * n + j], b->p.reg_rhs + j, b->p.reg_rhs + i, 0};
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++)
            if (m[i * n + j] >= 0)
                b->code[b->n_code++] =
                    (prc_instr){PRC_OP_MULSUB, b->p.reg_rhs + i, m[i * n + j], b->p.reg_rhs + j, b->p.reg_rhs + i, 0};
        b->code[b->n_code++] = (prc_instr){PRC_OP_MUL, b->p.reg_rhs + i, b->p.reg_rhs + i, b->pivot[i], -1, 0};
    }
    b->p.solve = build_piece(b);
}

/* Outputs are the states; watches, triggers and events may be added before build_end. Initial values are constants. */
static inline build *build_begin(int n_state, int n_param, const double *initial, build_system system)
{
    build *b = calloc(1, sizeof *b);
    if (b == NULL) abort();
    prc_program *p = &b->p;
    int n = n_state, f[BUILD_STATES], jac[BUILD_STATES * BUILD_STATES];
    p->n_state = (size_t)n, p->n_param = (size_t)n_param;
    p->reg_time = 0, p->reg_state = 1, p->reg_param = 1 + n;
    p->reg_hginv = 1 + n + n_param;
    p->reg_rhs = p->reg_hginv + 1;
    b->n_reg = p->reg_rhs + n;
    for (int i = 0; i < n; i++) {
        b->has_initial[i] = 1;
        b->initial[i] = build_const(b, initial[i]);
    }
    system(b, f, jac, b->dfdt);
    for (int i = 0; i < n; i++) b->rate[i] = f[i];
    p->rate = build_piece(b);
    system(b, f, jac, b->dfdt);
    for (int i = 0; i < n; i++) {
        b->jac_rate[i] = f[i];
        p->explicit_time |= b->dfdt[i] >= 0;
        for (int j = 0; j < n; j++)
            if (jac[i * n + j] >= 0) {
                b->jac_row[p->n_jac] = i, b->jac_col[p->n_jac] = j, b->jac_reg[p->n_jac++] = jac[i * n + j];
            }
    }
    p->jacobian = build_piece(b);
    build_lu(b, jac);
    for (int i = 0; i < n; i++) b->output[p->n_output++] = p->reg_state + i;
    return b;
}

static inline void build_event(build *b, int trigger, prc_code code, int target, int value)
{
    size_t e = b->p.n_event++;
    b->trigger[e] = trigger;
    b->event[e] = code;
    b->event_n[e] = 1;
    b->event_reg[e][0] = value, b->event_target[e][0] = target;
    b->event_regs[e] = b->event_reg[e], b->event_targets[e] = b->event_target[e];
}

static inline const prc_program *build_end(build *b)
{
    prc_program *p = &b->p;
    if (p->output.instr == NULL) p->output = build_piece(b);
    p->n_reg = (size_t)b->n_reg;
    p->constants = (prc_code){b->constant, b->n_constant};
    p->reg_initial = b->initial, p->has_initial = b->has_initial;
    p->reg_rate = b->rate, p->jac_reg_rate = b->jac_rate;
    p->jac_row = b->jac_row, p->jac_col = b->jac_col, p->reg_jac = b->jac_reg, p->reg_dfdt = b->dfdt;
    p->reg_pivot = b->pivot;
    p->reg_output = b->output, p->reg_watch = b->watch, p->reg_trigger = b->trigger;
    p->event = b->event, p->event_reg = b->event_regs, p->event_target = b->event_targets, p->event_n = b->event_n;
    return p;
}

#endif
