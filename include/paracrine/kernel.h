/* paracrine/kernel.h: the loops that do the arithmetic of the solver, over blocks of lanes, compiled for several x86-64
 * levels and chosen once at run time. Every level gives the same bits. Knows no model, allocates nothing. */
#ifndef PARACRINE_KERNEL_H
#define PARACRINE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* One instruction of a program: dst[l] = f(a[l], b[l], c[l]) for lanes l = 0..width-1. Operands are register numbers; register r
 * occupies regs[r*stride .. r*stride+width-1]. */
#define PRC_OP_LIST(X)                                                          \
    X(PRC_OP_CONST, "const")   /* dst = imm                                  */ \
    X(PRC_OP_MOV, "mov")       /* dst = a                                    */ \
    X(PRC_OP_NEG, "neg")       /* dst = -a                                   */ \
    X(PRC_OP_ADD, "add")       /* dst = a + b                                */ \
    X(PRC_OP_SUB, "sub")       /* dst = a - b                                */ \
    X(PRC_OP_MUL, "mul")       /* dst = a * b                                */ \
    X(PRC_OP_DIV, "div")       /* dst = a / b                                */ \
    X(PRC_OP_RCP, "rcp")       /* dst = 1 / a                                */ \
    X(PRC_OP_MULADD, "muladd") /* dst = a * b + c, two roundings             */ \
    X(PRC_OP_MULSUB, "mulsub") /* dst = c - a * b, two roundings             */ \
    X(PRC_OP_MUL3, "mul3")     /* dst = (a * b) * c                          */ \
    X(PRC_OP_SUM, "sum")       /* dst = sum of args[b .. b+a-1], left to right: a = count, b = first index into the argument list */ \
    X(PRC_OP_SUMPROD, "sumprod") /* dst = sum over a pairs args[b+2i]*args[b+2i+1], left to right; dst += nothing */ \
    X(PRC_OP_SUBPROD, "subprod") /* dst = regs[c] - sum-of-products as above, subtracted one at a time, left to right */ \
    X(PRC_OP_EXP, "exp")       /* dst = exp(a)                               */ \
    X(PRC_OP_LOG, "log")       /* dst = log(a)                               */ \
    X(PRC_OP_POW, "pow")       /* dst = pow(a, b)                            */ \
    X(PRC_OP_SQRT, "sqrt")     /* dst = sqrt(a)                              */ \
    X(PRC_OP_ABS, "abs")                                                        \
    X(PRC_OP_MIN, "min")       /* NaN in either gives NaN                    */ \
    X(PRC_OP_MAX, "max")                                                        \
    X(PRC_OP_FLOOR, "floor")                                                    \
    X(PRC_OP_CEIL, "ceil")                                                      \
    X(PRC_OP_LT, "lt")         /* dst = a < b ? 1 : 0                        */ \
    X(PRC_OP_LE, "le")                                                          \
    X(PRC_OP_EQ, "eq")                                                          \
    X(PRC_OP_NE, "ne")                                                          \
    X(PRC_OP_AND, "and")       /* logical, on != 0                           */ \
    X(PRC_OP_OR, "or")                                                          \
    X(PRC_OP_NOT, "not")                                                        \
    X(PRC_OP_SELECT, "select") /* dst = a != 0 ? b : c                       */ \
    X(PRC_OP_SIN, "sin")                                                        \
    X(PRC_OP_COS, "cos")                                                        \
    X(PRC_OP_TAN, "tan")                                                        \
    X(PRC_OP_TANH, "tanh")

typedef enum prc_op {
#define PRC_X(name, text) name,
    PRC_OP_LIST(PRC_X)
#undef PRC_X
        PRC_OP_COUNT
} prc_op;

typedef struct prc_instr {
    int32_t op;      /* prc_op */
    int32_t dst;     /* register written; may equal an operand */
    int32_t a, b, c; /* registers, or counts and indices as listed */
    double imm;      /* PRC_OP_CONST */
} prc_instr;

/* A program made ready for blocks of exactly PRC_BLOCK lanes at that stride: where to jump, then byte offsets in place of register numbers. */
enum { PRC_BLOCK = 32 };
typedef struct prc_ready {
    const void *go;
    uint32_t dst, a, b, c;
} prc_ready;

/* The kernels of one processor level. */
typedef struct prc_kernel {
    const char *name; /* "x86-64", "v3", "v4" */
    /* Runs n instructions over lanes 0..width-1. regs is 64-byte aligned, stride a multiple of 8, width <= stride. */
    void (*run)(const prc_instr *code, size_t n, const int32_t *args, double *regs, size_t stride, size_t width);
    /* The same for blocks of PRC_BLOCK lanes, without decoding: `prepare` writes n + 1 instructions to `to` and the lists' offsets to `list`
     * (as many as the instructions have list operands). Same bits. */
    void (*prepare)(const prc_instr *code, size_t n, const int32_t *args, prc_ready *to, uint32_t *list);
    void (*run_ready)(const prc_ready *code, const uint32_t *list, double *regs);
    /* out[l] = base[l] + sum_j coef[j] * vec[j][l], left to right. coef shared by all lanes; n terms. vec may not alias out. */
    void (*combine)(double *out, const double *base, const double *coef, const double *const *vec, size_t n, size_t width);
    /* out[l] += (|e| / (atol + rtol * max(|y0|,|y1|)))^2 for one state; NaN where y1 is not finite. */
    void (*error_add)(double *out, const double *e, const double *y0, const double *y1, double atol, double rtol, size_t width);
    /* Before a Rosenbrock stage, both combinations of the n (1 to 7) solutions so far in one pass: y[i] = base[i] + sum over j >= first of
     * ca[j] * vec[j][i], rhs[i] = add[i] + inv_h * sum_j cc[j] * vec[j][i]. first is 0, or n - 1 for n = 6 and 7. Rows have the stride of regs. */
    void (*stage)(double *y, double *rhs, const double *base, const double *add, const double *inv_h, const double *ca, const double *cc,
                  const double *const *vec, size_t first, size_t n, size_t n_row, size_t stride, size_t width);
    /* out[i] = regs[row[i]] + add[i], n rows; out may be add. */
    void (*add_rows)(double *out, const double *regs, const int32_t *row, const double *add, size_t n, size_t stride, size_t width);
    /* Dense output, n rows: out[i][l] = (1 - s[l]) * y0[i][l] + s[l] * y1[i][l] + sum_j weight[j][l] * vec[j][i][l] over 8 terms. */
    void (*dense)(double *out, const double *y0, const double *y1, const double *s, const double *weight, const double *const *vec, size_t n,
                  size_t stride, size_t width);
    /* bad[l] = 1 where some row i of (diag[l] I - J) x - b exceeds tol times the sum of its terms' sizes, or is not a number; else 0.
     * J by rows: entries start[i] .. start[i+1]-1 with column col[] and value register reg[]. */
    void (*residual)(double *bad, const double *regs, const int32_t *start, const int32_t *col, const int32_t *reg, const double *diag,
                     const double *x, const double *b, double tol, size_t n, size_t stride, size_t width);
    /* y[i][l] = z[i][l] where mask[l] != 0, n rows. */
    void (*blend)(double *y, const double *z, const double *mask, size_t n, size_t stride, size_t width);
    /* Elementary functions over an array. */
    void (*vexp)(double *out, const double *x, size_t n);
    void (*vlog)(double *out, const double *x, size_t n);
    void (*vpow)(double *out, const double *x, const double *y, size_t n);
} prc_kernel;

/* The best level this processor has; the environment variable PRC_ISA=x86-64|v3|v4 forces one (an unknown or unavailable
 * name falls back to the best). Chosen on every call from cached processor flags; any thread. */
const prc_kernel *prc_kernel_best(void);
/* A level by name, NULL if unknown or not available on this processor. */
const prc_kernel *prc_kernel_named(const char *name);

#endif
