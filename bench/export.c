/* export.c: a program as C for the peers, so that they get the same shared subexpressions and hoisted terms as the engine.
 *   model_rate(t, y, q, f)      f[i] = dy_i/dt
 *   model_jacobian(t, y, q, J)  J[i + n j] = df_i/dy_j, columns one after the other, zeros written too
 * q: parameters, then the terms that depend on them only. */
#include "bench.h"

#include <string.h>

typedef struct exporter {
    const prc_program *p;
    FILE *f;
    int *name; /* of the value a register holds: -1 = none of this function's */
    int n_name;
} exporter;

static void put_reg(exporter *e, int32_t r)
{
    const prc_program *p = e->p;
    if (e->name[r] >= 0) {
        fprintf(e->f, "v%d", e->name[r]);
        return;
    }
    if (r == p->reg_time) fputs("t", e->f);
    else if (r >= p->reg_state && r < p->reg_state + (int)p->n_state) fprintf(e->f, "y[%d]", r - p->reg_state);
    else if (r >= p->reg_param && r < p->reg_param + (int)p->n_param) fprintf(e->f, "q[%d]", r - p->reg_param);
    else
        for (size_t k = p->patient.n_instr; k-- > 0;)
            if (p->patient.instr[k].dst == r) {
                fprintf(e->f, "q[%zu]", p->n_param + k);
                return;
            }
}

static void put_format(exporter *e, const char *format, const prc_instr *k)
{
    for (; *format; format++) {
        if (*format == 'A') put_reg(e, k->a);
        else if (*format == 'B') put_reg(e, k->b);
        else if (*format == 'C') put_reg(e, k->c);
        else fputc(*format, e->f);
    }
}

static const char *format_of(int32_t op)
{
    switch (op) {
    case PRC_OP_MOV: return "A";
    case PRC_OP_NEG: return "-A";
    case PRC_OP_ADD: return "A + B";
    case PRC_OP_SUB: return "A - B";
    case PRC_OP_MUL: return "A * B";
    case PRC_OP_DIV: return "A / B";
    case PRC_OP_RCP: return "1.0 / A";
    case PRC_OP_MULADD: return "A * B + C";
    case PRC_OP_MULSUB: return "C - A * B";
    case PRC_OP_MUL3: return "A * B * C";
    case PRC_OP_EXP: return "exp(A)";
    case PRC_OP_LOG: return "log(A)";
    case PRC_OP_POW: return "pow(A, B)";
    case PRC_OP_SQRT: return "sqrt(A)";
    case PRC_OP_ABS: return "fabs(A)";
    case PRC_OP_MIN: return "(A < B ? A : B)";
    case PRC_OP_MAX: return "(A > B ? A : B)";
    case PRC_OP_FLOOR: return "floor(A)";
    case PRC_OP_CEIL: return "ceil(A)";
    case PRC_OP_LT: return "(double)(A < B)";
    case PRC_OP_LE: return "(double)(A <= B)";
    case PRC_OP_EQ: return "(double)(A == B)";
    case PRC_OP_NE: return "(double)(A != B)";
    case PRC_OP_AND: return "(double)(A != 0 && B != 0)";
    case PRC_OP_OR: return "(double)(A != 0 || B != 0)";
    case PRC_OP_NOT: return "(double)(A == 0)";
    case PRC_OP_SELECT: return "(A != 0 ? B : C)";
    case PRC_OP_SIN: return "sin(A)";
    case PRC_OP_COS: return "cos(A)";
    case PRC_OP_TAN: return "tan(A)";
    case PRC_OP_TANH: return "tanh(A)";
    default: return NULL;
    }
}

static void put_code(exporter *e, prc_code code)
{
    const int32_t *arg = e->p->args;
    for (size_t i = 0; i < code.n_instr; i++) {
        const prc_instr *k = &code.instr[i];
        const char *format = format_of(k->op);
        fprintf(e->f, "    double v%d = ", e->n_name);
        if (k->op == PRC_OP_CONST) fprintf(e->f, "%.17g", k->imm);
        else if (format) put_format(e, format, k);
        else if (k->op == PRC_OP_SUM)
            for (int32_t j = 0; j < k->a; j++) {
                if (j) fputs(" + ", e->f);
                put_reg(e, arg[k->b + j]);
            }
        else {
            if (k->op == PRC_OP_SUBPROD) put_reg(e, k->c);
            for (int32_t j = 0; j < k->a; j++) {
                fputs(k->op == PRC_OP_SUBPROD ? " - " : j ? " + " : "", e->f);
                put_reg(e, arg[k->b + 2 * j]);
                fputs(" * ", e->f);
                put_reg(e, arg[k->b + 2 * j + 1]);
            }
        }
        fputs(";\n", e->f);
        e->name[k->dst] = e->n_name++;
    }
}

static void begin(exporter *e, const char *head)
{
    for (size_t r = 0; r < e->p->n_reg; r++) e->name[r] = -1;
    e->n_name = 0;
    fprintf(e->f, "\n%s\n{\n    (void)t, (void)q;\n", head);
    put_code(e, e->p->constants);
}

bool export_model(const prc_program *p, const char *path)
{
    exporter e = {p, fopen(path, "w"), prc_calloc(p->n_reg, sizeof(int)), 0};
    if (!e.f || !e.name) {
        if (e.f) fclose(e.f);
        prc_free(e.name);
        return false;
    }
    fprintf(e.f, "#include <math.h>\n#include <string.h>\n#define N_STATE %zu\n#define N_TERM %zu\n", p->n_state, export_terms(p));
    begin(&e, "static void model_rate(double t, const double *restrict y, const double *restrict q, double *restrict f)");
    put_code(&e, p->rate);
    for (size_t i = 0; i < p->n_state; i++) {
        fprintf(e.f, "    f[%zu] = ", i);
        put_reg(&e, p->reg_rate[i]);
        fputs(";\n", e.f);
    }
    fputs("}\n", e.f);
    begin(&e, "static void model_jacobian(double t, const double *restrict y, const double *restrict q, double *restrict J)");
    put_code(&e, p->jacobian);
    fputs("    memset(J, 0, N_STATE * N_STATE * sizeof *J);\n", e.f);
    for (size_t k = 0; k < p->n_jac; k++) {
        fprintf(e.f, "    J[%zu] = ", (size_t)p->jac_row[k] + p->n_state * (size_t)p->jac_col[k]);
        put_reg(&e, p->reg_jac[k]);
        fputs(";\n", e.f);
    }
    fputs("}\n", e.f);
    prc_free(e.name);
    return fclose(e.f) == 0;
}

size_t export_terms(const prc_program *p) { return p->n_param + p->patient.n_instr; }

/* Term k is what instruction k of `patient` computes. */
void export_evaluate(const prc_program *p, const double *param, double *q)
{
    const prc_kernel *k = prc_kernel_best();
    double *regs = prc_aligned(p->n_reg * 8, sizeof *regs);
    if (!regs) return;
    k->run(p->constants.instr, p->constants.n_instr, p->args, regs, 8, 8);
    for (size_t i = 0; i < p->n_param; i++) q[i] = regs[(size_t)(p->reg_param + (int)i) * 8] = param[i];
    for (size_t i = 0; i < p->patient.n_instr; i++) {
        k->run(p->patient.instr + i, 1, p->args, regs, 8, 8);
        q[p->n_param + i] = regs[(size_t)p->patient.instr[i].dst * 8];
    }
    prc_free(regs);
}
