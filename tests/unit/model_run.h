/* model_run.h: runs a program for one lane with a plain interpreter of its own, so that the compiler is tested without
 * the kernels. Registers start as NaN: reading one that nothing wrote shows. */
#ifndef PRC_MODEL_RUN_H
#define PRC_MODEL_RUN_H

#include "paracrine/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct lane {
    const prc_program *p;
    double *r;
} lane;

static inline double lane_binary(int32_t op, double a, double b) {
    switch (op) {
    case PRC_OP_ADD:
        return a + b;
    case PRC_OP_SUB:
        return a - b;
    case PRC_OP_MUL:
        return a * b;
    case PRC_OP_DIV:
        return a / b;
    case PRC_OP_POW:
        return prc_pow(a, b);
    case PRC_OP_MIN:
        return isnan(a) ? a : isnan(b) ? b : a < b ? a : b;
    case PRC_OP_MAX:
        return isnan(a) ? a : isnan(b) ? b : a > b ? a : b;
    case PRC_OP_LT:
        return a < b;
    case PRC_OP_LE:
        return a <= b;
    case PRC_OP_EQ:
        return a == b;
    case PRC_OP_NE:
        return a != b;
    case PRC_OP_AND:
        return a != 0 && b != 0;
    case PRC_OP_OR:
        return a != 0 || b != 0;
    default:
        fprintf(stderr, "no such operation: %d\n", (int)op);
        abort();
    }
}

static inline double lane_value(const lane *l, const prc_instr *x) {
    const double *r = l->r;
    const int32_t *arg = l->p->args + x->b;
    double sum;
    switch (x->op) {
    case PRC_OP_CONST:
        return x->imm;
    case PRC_OP_MOV:
        return r[x->a];
    case PRC_OP_NEG:
        return -r[x->a];
    case PRC_OP_RCP:
        return 1 / r[x->a];
    case PRC_OP_MULADD:
        return r[x->a] * r[x->b] + r[x->c];
    case PRC_OP_MULSUB:
        return r[x->c] - r[x->a] * r[x->b];
    case PRC_OP_MUL3:
        return r[x->a] * r[x->b] * r[x->c];
    case PRC_OP_SUM:
        sum = r[arg[0]];
        for (int i = 1; i < x->a; i++) sum += r[arg[i]];
        return sum;
    case PRC_OP_SUMPROD:
        sum = r[arg[0]] * r[arg[1]];
        for (int i = 1; i < x->a; i++) sum += r[arg[2 * i]] * r[arg[2 * i + 1]];
        return sum;
    case PRC_OP_SUBPROD:
        sum = r[x->c];
        for (int i = 0; i < x->a; i++) sum -= r[arg[2 * i]] * r[arg[2 * i + 1]];
        return sum;
    case PRC_OP_EXP:
        return prc_exp(r[x->a]);
    case PRC_OP_LOG:
        return prc_log(r[x->a]);
    case PRC_OP_SQRT:
        return sqrt(r[x->a]);
    case PRC_OP_ABS:
        return fabs(r[x->a]);
    case PRC_OP_FLOOR:
        return floor(r[x->a]);
    case PRC_OP_CEIL:
        return ceil(r[x->a]);
    case PRC_OP_NOT:
        return r[x->a] == 0;
    case PRC_OP_SELECT:
        return r[x->a] != 0 ? r[x->b] : r[x->c];
    case PRC_OP_SIN:
        return sin(r[x->a]);
    case PRC_OP_COS:
        return cos(r[x->a]);
    case PRC_OP_TAN:
        return tan(r[x->a]);
    case PRC_OP_TANH:
        return tanh(r[x->a]);
    default:
        return lane_binary(x->op, r[x->a], r[x->b]);
    }
}

static inline void lane_run(lane *l, const prc_code *code) {
    for (size_t i = 0; i < code->n_instr; i++) l->r[code->instr[i].dst] = lane_value(l, &code->instr[i]);
}

/* A lane with the constants in place; parameters as given (NULL = all NaN). */
static inline lane lane_open(const prc_program *p, const double *param) {
    lane l = {p, malloc(p->n_reg * sizeof(double))};
    if (!l.r) abort();
    for (size_t i = 0; i < p->n_reg; i++) l.r[i] = (double)NAN;
    for (size_t i = 0; param && i < p->n_param; i++) l.r[p->reg_param + (int)i] = param[i];
    lane_run(&l, &p->constants);
    return l;
}

static inline void lane_close(lane *l) {
    free(l->r);
}

static inline void lane_set(lane *l, double t, const double *x) {
    l->r[l->p->reg_time] = t;
    memcpy(l->r + l->p->reg_state, x, l->p->n_state * sizeof *x);
}

/* Rates at (t, x) into dx. */
static inline void lane_rate(lane *l, double t, const double *x, double *dx) {
    lane_set(l, t, x);
    lane_run(l, &l->p->rate);
    for (size_t i = 0; i < l->p->n_state; i++) dx[i] = l->r[l->p->reg_rate[i]];
}

/* Numbers that are the same on every run. */
static inline double next_uniform(uint64_t *state) {
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return (double)(*state >> 11) * 0x1p-53;
}

/* A model from text; prints the error and returns NULL if it has one. */
static inline prc_model *model_of(const char *text, unsigned flags) {
    prc_model *m = NULL;
    prc_error err = {0};
    if (prc_model_parse(text, "test.ant", flags, &m, &err) == PRC_OK) return m;
    printf("# %s:%d:%d: %s\n", err.source, err.line, err.col, err.message);
    return NULL;
}

static inline prc_program *program_of(const prc_model *m, const prc_program_spec *spec) {
    prc_program *p = NULL;
    prc_error err = {0};
    if (!m || prc_program_compile(m, spec, &p, &err) == PRC_OK) return p;
    printf("# %s\n", err.message);
    return NULL;
}

#endif
