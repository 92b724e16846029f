/* kernel_levels.c: every operation against its scalar meaning, and the same bits at every processor level and width. */
#include "../tap.h"
#include "paracrine/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRIDE = 64, N_REG = 12 };

static const char *const op_names[] = {
#define PRC_X(name, text) text,
    PRC_OP_LIST(PRC_X)
#undef PRC_X
};

/* Awkward values among ordinary ones. */
static void fill(double *regs)
{
    static const double odd[] = {0, -0.0, 1, -1, 1e-310, -1e-310, 1e300, -1e300, 0.5, 709.9, -745.5, 2.5, -2.5, 3};
    uint64_t z = 42;
    for (size_t i = 0; i < (size_t)N_REG * STRIDE; i++) {
        z = z * 6364136223846793005u + 1442695040888963407u;
        double u = (double)(z >> 11) * 0x1p-53;
        size_t pick = (size_t)(z >> 58);
        regs[i] = pick < 14 ? odd[pick] : pick == 14 ? (double)INFINITY : pick == 15 ? (double)NAN : (u - 0.4) * 20;
    }
}

static bool same_value(double x, double y) { return (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0; }

/* What an operation with an exactly rounded result means. */
static double scalar(prc_op op, double a, double b, double c)
{
    switch (op) {
    case PRC_OP_CONST: return 2.5;
    case PRC_OP_MOV: return a;
    case PRC_OP_NEG: return -a;
    case PRC_OP_ADD: return a + b;
    case PRC_OP_SUB: return a - b;
    case PRC_OP_MUL: return a * b;
    case PRC_OP_DIV: return a / b;
    case PRC_OP_RCP: return 1 / a;
    case PRC_OP_MULADD: return a * b + c;
    case PRC_OP_MULSUB: return c - a * b;
    case PRC_OP_MUL3: return a * b * c;
    case PRC_OP_SQRT: return sqrt(a);
    case PRC_OP_ABS: return fabs(a);
    case PRC_OP_MIN: return isnan(a) || a < b ? a : b;
    case PRC_OP_MAX: return isnan(a) || a > b ? a : b;
    case PRC_OP_FLOOR: return floor(a);
    case PRC_OP_CEIL: return ceil(a);
    case PRC_OP_LT: return a < b;
    case PRC_OP_LE: return a <= b;
    case PRC_OP_EQ: return a == b;
    case PRC_OP_NE: return a != b;
    case PRC_OP_AND: return a != 0 && b != 0;
    case PRC_OP_OR: return a != 0 || b != 0;
    case PRC_OP_NOT: return a == 0;
    case PRC_OP_SELECT: return a != 0 ? b : c;
    default: return (double)NAN;
    }
}

static bool exact(prc_op op)
{
    return op != PRC_OP_SUM && op != PRC_OP_SUMPROD && op != PRC_OP_SUBPROD && op != PRC_OP_EXP && op != PRC_OP_LOG &&
           op != PRC_OP_POW && op < PRC_OP_SIN;
}

static double *registers(void)
{
    double *r = aligned_alloc(64, sizeof(double) * N_REG * STRIDE);
    if (r == NULL) abort();
    fill(r);
    return r;
}

static const int32_t args[] = {0, 1, 2, 3, 4, 5};

static prc_instr instr_of(prc_op op)
{
    prc_instr k = {(int32_t)op, 8, 0, 1, 2, 2.5};
    if (op == PRC_OP_SUM) k.a = 5, k.b = 1;
    if (op == PRC_OP_SUMPROD || op == PRC_OP_SUBPROD) k.a = 3, k.b = 0, k.c = 6;
    return k;
}

static double sums(prc_op op, const double *regs, size_t l)
{
    double s;
    if (op == PRC_OP_SUM) {
        s = regs[1 * STRIDE + l];
        for (size_t j = 2; j <= 5; j++) s += regs[j * STRIDE + l];
        return s;
    }
    s = op == PRC_OP_SUBPROD ? regs[6 * STRIDE + l] : regs[l] * regs[STRIDE + l];
    for (size_t j = op == PRC_OP_SUBPROD ? 0 : 1; j < 3; j++) {
        double t = regs[2 * j * STRIDE + l] * regs[(2 * j + 1) * STRIDE + l];
        s = op == PRC_OP_SUBPROD ? s - t : s + t;
    }
    return s;
}

static void operations(void)
{
    static const size_t widths[] = {8, 16, 24, 32, 40, 64};
    const char *levels[] = {"x86-64", "v3", "v4"};
    const prc_kernel *base = prc_kernel_named("x86-64");
    for (prc_op op = 0; op < PRC_OP_COUNT; op++) {
        bool ok = true;
        for (size_t v = 0; v < 3; v++) {
            const prc_kernel *k = prc_kernel_named(levels[v]);
            for (size_t i = 0; k != NULL && i < sizeof widths / sizeof *widths; i++) {
                double *r = registers(), *q = registers();
                prc_instr in = instr_of(op);
                k->run(&in, 1, args, r, STRIDE, widths[i]);
                base->run(&in, 1, args, q, STRIDE, STRIDE);
                for (size_t l = 0; l < widths[i]; l++) {
                    double want = q[8 * STRIDE + l];
                    if (exact(op)) want = scalar(op, r[l], r[STRIDE + l], r[2 * STRIDE + l]);
                    if (op == PRC_OP_SUM || op == PRC_OP_SUMPROD || op == PRC_OP_SUBPROD) want = sums(op, r, l);
                    if (!same_value(r[8 * STRIDE + l], want)) {
                        printf("# %s width %zu lane %zu: %a, not %a\n", levels[v], widths[i], l, r[8 * STRIDE + l],
                               want);
                        ok = false;
                    }
                }
                /* Lanes beyond the width and other registers stay. */
                fill(q);
                for (size_t j = 0; j < (size_t)N_REG * STRIDE; j++)
                    if (!(j / STRIDE == 8 && j % STRIDE < widths[i])) ok &= same_value(r[j], q[j]);
                free(r), free(q);
            }
        }
        TAP_THAT(ok, "%s", op_names[op]);
    }
}

static void in_place(void)
{
    double *r = registers(), *q = registers();
    prc_instr in[] = {{PRC_OP_MULSUB, 0, 1, 2, 0, 0}, {PRC_OP_EXP, 3, 3, 0, 0, 0}, {PRC_OP_SUBPROD, 6, 2, 0, 6, 0}};
    prc_kernel_best()->run(in, 3, args, r, STRIDE, STRIDE);
    bool ok = true;
    for (size_t l = 0; l < STRIDE; l++) {
        double d = q[l] - q[STRIDE + l] * q[2 * STRIDE + l], e, s;
        prc_kernel_best()->vexp(&e, &q[3 * STRIDE + l], 1);
        s = q[6 * STRIDE + l] - d * q[STRIDE + l];
        s -= q[2 * STRIDE + l] * e;
        ok &= same_value(r[l], d) && same_value(r[3 * STRIDE + l], e) && same_value(r[6 * STRIDE + l], s);
    }
    TAP_THAT(ok, "an operation may write one of its operands");
    free(r), free(q);
}

/* Every operation as a prepared program gives the bits of the plain one. */
static void prepared(void)
{
    static const char *const level[] = {"x86-64", "v3", "v4"};
    double *plain = registers(), *ready = registers();
    for (int v = 0; v < 3; v++) {
        const prc_kernel *k = prc_kernel_named(level[v]);
        if (!k) continue;
        bool same = true;
        for (int op = 0; op < PRC_OP_COUNT; op++) {
            prc_instr code[2] = {instr_of((prc_op)op), instr_of((prc_op)op)};
            prc_ready to[3];
            uint32_t list[64];
            fill(plain);
            fill(ready);
            k->prepare(code, 2, args, to, list);
            k->run(code, 2, args, plain, PRC_BLOCK, PRC_BLOCK);
            k->run_ready(to, list, ready);
            for (size_t i = 0; i < (size_t)N_REG * PRC_BLOCK; i++)
                if (!same_value(plain[i], ready[i])) {
                    if (same) printf("# %s at level %s: %g, prepared %g\n", op_names[op], k->name, plain[i], ready[i]);
                    same = false;
                }
        }
        TAP_OK(same);
    }
    free(plain);
    free(ready);
}

static void combinations(void)
{
    const char *levels[] = {"x86-64", "v3", "v4"};
    double *r = registers();
    for (size_t v = 0; v < 3; v++) {
        const prc_kernel *k = prc_kernel_named(levels[v]);
        if (k == NULL) continue;
        bool ok = true;
        for (size_t n = 0; n <= 10; n++) {
            const double *vec[10];
            double coef[10], out[37];
            for (size_t j = 0; j < n; j++) vec[j] = r + (1 + j) * STRIDE, coef[j] = 0.3 * (double)j - 1;
            k->combine(out, r, coef, vec, n, 37);
            for (size_t l = 0; l < 37; l++) {
                double s = r[l];
                for (size_t j = 0; j < n; j++) s += coef[j] * vec[j][l];
                ok &= same_value(s, out[l]);
            }
        }
        TAP_THAT(ok, "combine at %s", levels[v]);
        double e[8] = {3, 0, 0, 1, 1, 1, 1, 1}, y0[8] = {1, 1, 1, 1, 1, 1, 1, 1}, y1[8] = {2, -4, 1, 1, 1, 1, 1, 1},
               sum[8] = {0.5};
        y1[2] = (double)INFINITY;
        k->error_add(sum, e, y0, y1, 1, 0.25, 8);
        TAP_NEAR(sum[0], 4.5, 0);
        TAP_NEAR(sum[1], 0.0, 0);
        TAP_OK(isnan(sum[2]));
    }
    free(r);
}

static void choice(void)
{
    TAP_OK(prc_kernel_named("x86-64") != NULL);
    TAP_OK(prc_kernel_named("v5") == NULL && prc_kernel_named(NULL) == NULL);
    setenv("PRC_ISA", "x86-64", 1);
    TAP_STR(prc_kernel_best()->name, "x86-64");
    setenv("PRC_ISA", "nonsense", 1);
    const char *best = prc_kernel_best()->name;
    unsetenv("PRC_ISA");
    TAP_STR(prc_kernel_best()->name, best);
}

int main(void)
{
    TAP_RUN(operations);
    TAP_RUN(in_place);
    TAP_RUN(prepared);
    TAP_RUN(combinations);
    TAP_RUN(choice);
    return tap_done();
}
