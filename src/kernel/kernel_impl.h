/* kernel_impl.h: every loop of a processor level; included once by kernel_sse2.c, kernel_v3.c and kernel_v4.c, which
 * define KERNEL_BYTES (bytes of a hardware vector), KERNEL_NAME and KERNEL_SYMBOL. All levels do the same IEEE
 * operations in the same order. */
#include "paracrine/kernel.h"

#include "elementary.h"
#include "kernel_int.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The widest type of this level; elementwise, so that its width changes no bit. */
typedef double vec __attribute__((vector_size(KERNEL_BYTES), may_alias));
typedef int64_t mask __attribute__((vector_size(KERNEL_BYTES), may_alias));
enum { VL = KERNEL_BYTES / 8, BLOCK = PRC_BLOCK };

#if defined(__clang__)
#define LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define LANES _Pragma("GCC ivdep")
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE const vec *in(const double *p) { return (const vec *)(const void *)p; }

INLINE vec *out_of(double *p) { return (vec *)(void *)p; }

INLINE vec splat(double x)
{
    vec v = {0};
    for (int i = 0; i < VL; i++) v[i] = x;
    return v;
}

INLINE vec vec_abs(vec v) { return (vec)((mask)v & ~(mask)splat(-0.0)); }

/* One lane of each operation with a scalar form; the vectoriser widens the loops below. */
INLINE double min_nan(double a, double b) { return ((a < b) | (a != a)) ? a : b; }

INLINE double max_nan(double a, double b) { return ((a > b) | (a != a)) ? a : b; }

/* These stay out of line: one copy serves every width. w is a multiple of 8. */
#define UNARY(name, expr)                                                                                              \
    static __attribute__((noinline)) void name(double *d, const double *a, size_t w)                                   \
    {                                                                                                                  \
        d = __builtin_assume_aligned(d, 64);                                                                           \
        a = __builtin_assume_aligned(a, 64);                                                                           \
        LANES for (size_t l = 0; l < (w & ~(size_t)7); l++) d[l] = (expr);                                             \
    }
#define BINARY(name, expr)                                                                                             \
    static __attribute__((noinline)) void name(double *d, const double *a, const double *b, size_t w)                  \
    {                                                                                                                  \
        d = __builtin_assume_aligned(d, 64);                                                                           \
        a = __builtin_assume_aligned(a, 64);                                                                           \
        b = __builtin_assume_aligned(b, 64);                                                                           \
        LANES for (size_t l = 0; l < (w & ~(size_t)7); l++) d[l] = (expr);                                             \
    }
UNARY(op_exp, prc_k_exp(a[l]))
UNARY(op_log, prc_k_log(a[l]))
BINARY(op_pow, prc_k_pow(a[l], b[l]))
UNARY(op_sin, prc_k_sin(a[l]))
UNARY(op_cos, prc_k_cos(a[l]))
UNARY(op_tan, prc_k_tan(a[l]))
UNARY(op_tanh, prc_k_tanh(a[l]))
UNARY(op_sqrt, sqrt(a[l]))
UNARY(op_abs, fabs(a[l]))
UNARY(op_floor, floor(a[l]))
UNARY(op_ceil, ceil(a[l]))
BINARY(op_min, min_nan(a[l], b[l]))
BINARY(op_max, max_nan(a[l], b[l]))
BINARY(op_lt, a[l] < b[l] ? 1.0 : 0.0)
BINARY(op_le, a[l] <= b[l] ? 1.0 : 0.0)
BINARY(op_eq, a[l] == b[l] ? 1.0 : 0.0)
BINARY(op_ne, a[l] != b[l] ? 1.0 : 0.0)
BINARY(op_and, ((a[l] != 0) & (b[l] != 0)) ? 1.0 : 0.0)
BINARY(op_or, ((a[l] != 0) | (b[l] != 0)) ? 1.0 : 0.0)
UNARY(op_not, a[l] == 0 ? 1.0 : 0.0)

static __attribute__((noinline)) void op_select(double *d, const double *a, const double *b, const double *c, size_t w)
{
    d = __builtin_assume_aligned(d, 64);
    a = __builtin_assume_aligned(a, 64);
    b = __builtin_assume_aligned(b, 64);
    c = __builtin_assume_aligned(c, 64);
    LANES for (size_t l = 0; l < (w & ~(size_t)7); l++) d[l] = a[l] != 0 ? b[l] : c[l];
}

/* Sum of n registers, left to right. Four vectors at a time hide the latency of the additions. */
INLINE void sum_of(double *d, const double *regs, const int32_t *r, size_t n, size_t stride, size_t w)
{
    size_t l = 0;
    for (; l + 4 * VL <= w; l += 4 * VL) {
        const double *p = regs + (size_t)r[0] * stride + l;
        vec s0 = in(p)[0], s1 = in(p)[1], s2 = in(p)[2], s3 = in(p)[3];
        for (size_t j = 1; j < n; j++) {
            p = regs + (size_t)r[j] * stride + l;
            s0 += in(p)[0], s1 += in(p)[1], s2 += in(p)[2], s3 += in(p)[3];
        }
        out_of(d + l)[0] = s0, out_of(d + l)[1] = s1, out_of(d + l)[2] = s2, out_of(d + l)[3] = s3;
    }
    for (; l < w; l += VL) {
        vec s = *in(regs + (size_t)r[0] * stride + l);
        for (size_t j = 1; j < n; j++) s += *in(regs + (size_t)r[j] * stride + l);
        *out_of(d + l) = s;
    }
}

/* Sum of n products, or base less n products, left to right. */
INLINE void products(double *d, const double *base, const double *regs, const int32_t *r, size_t n, size_t stride,
                     size_t w)
{
    size_t l = 0;
    for (; l + 4 * VL <= w; l += 4 * VL) {
        vec s0, s1, s2, s3;
        const double *p, *q;
        size_t j = 0;
        if (base != NULL) {
            s0 = in(base + l)[0], s1 = in(base + l)[1], s2 = in(base + l)[2], s3 = in(base + l)[3];
        } else {
            p = regs + (size_t)r[0] * stride + l, q = regs + (size_t)r[1] * stride + l;
            s0 = in(p)[0] * in(q)[0], s1 = in(p)[1] * in(q)[1], s2 = in(p)[2] * in(q)[2], s3 = in(p)[3] * in(q)[3];
            j = 1;
        }
        for (; j < n; j++) {
            p = regs + (size_t)r[2 * j] * stride + l, q = regs + (size_t)r[2 * j + 1] * stride + l;
            vec t0 = in(p)[0] * in(q)[0], t1 = in(p)[1] * in(q)[1], t2 = in(p)[2] * in(q)[2], t3 = in(p)[3] * in(q)[3];
            if (base != NULL) {
                s0 -= t0, s1 -= t1, s2 -= t2, s3 -= t3;
            } else {
                s0 += t0, s1 += t1, s2 += t2, s3 += t3;
            }
        }
        out_of(d + l)[0] = s0, out_of(d + l)[1] = s1, out_of(d + l)[2] = s2, out_of(d + l)[3] = s3;
    }
    for (; l < w; l += VL) {
        vec s = splat(0);
        if (base != NULL) s = *in(base + l);
        for (size_t j = 0; j < n; j++) {
            vec t = *in(regs + (size_t)r[2 * j] * stride + l) * *in(regs + (size_t)r[2 * j + 1] * stride + l);
            if (base != NULL)
                s -= t;
            else if (j == 0)
                s = t;
            else
                s += t;
        }
        *out_of(d + l) = s;
    }
}

/* Operands are looked up only where the operation has them: unused fields hold anything. */
#define REG(r) (regs + (size_t)(r)*stride)
/* The operands' addresses are taken before the loop: the compiler must assume that a result overwrites the program. */
#define EACH(x, y, z, expr)                                                                                            \
    do {                                                                                                               \
        const double *a = REG(x), *b = REG(y), *c = REG(z);                                                            \
        (void)a, (void)b, (void)c;                                                                                     \
        _Pragma("GCC unroll 4") for (size_t l = 0; l < w; l += VL) { *out_of(d + l) = (expr); }                          \
    } while (0)
#define EACH1(expr) EACH(k->a, k->a, k->a, expr)
#define EACH2(expr) EACH(k->a, k->b, k->a, expr)
#define EACH3(expr) EACH(k->a, k->b, k->c, expr)
#define A (*in(a + l))
#define B (*in(b + l))
#define C (*in(c + l))
#define CALL1(f) f(d, REG(k->a), w)
#define CALL2(f) f(d, REG(k->a), REG(k->b), w)

/* Always inlined, so that a constant w unrolls the loops. */
INLINE void run_width(const prc_instr *code, size_t n, const int32_t *args, double *regs, size_t stride, size_t w)
{
    for (size_t i = 0; i < n; i++) {
        const prc_instr *k = &code[i];
        double *d = REG(k->dst);
        const double imm = k->imm;
        switch ((prc_op)k->op) {
        case PRC_OP_CONST: EACH(k->dst, k->dst, k->dst, splat(imm)); break;
        case PRC_OP_MOV: EACH1(A); break;
        case PRC_OP_NEG: EACH1(-A); break;
        case PRC_OP_ADD: EACH2(A + B); break;
        case PRC_OP_SUB: EACH2(A - B); break;
        case PRC_OP_MUL: EACH2(A * B); break;
        case PRC_OP_DIV: EACH2(A / B); break;
        case PRC_OP_RCP: EACH1(1.0 / A); break;
        case PRC_OP_MULADD: EACH3(A * B + C); break;
        case PRC_OP_MULSUB: EACH3(C - A * B); break;
        case PRC_OP_MUL3: EACH3(A * B * C); break;
        case PRC_OP_SUM: sum_of(d, regs, args + k->b, (size_t)k->a, stride, w); break;
        case PRC_OP_SUMPROD: products(d, NULL, regs, args + k->b, (size_t)k->a, stride, w); break;
        case PRC_OP_SUBPROD: products(d, REG(k->c), regs, args + k->b, (size_t)k->a, stride, w); break;
        case PRC_OP_EXP: CALL1(op_exp); break;
        case PRC_OP_LOG: CALL1(op_log); break;
        case PRC_OP_POW: CALL2(op_pow); break;
        case PRC_OP_SQRT: CALL1(op_sqrt); break;
        case PRC_OP_ABS: CALL1(op_abs); break;
        case PRC_OP_MIN: CALL2(op_min); break;
        case PRC_OP_MAX: CALL2(op_max); break;
        case PRC_OP_FLOOR: CALL1(op_floor); break;
        case PRC_OP_CEIL: CALL1(op_ceil); break;
        case PRC_OP_LT: CALL2(op_lt); break;
        case PRC_OP_LE: CALL2(op_le); break;
        case PRC_OP_EQ: CALL2(op_eq); break;
        case PRC_OP_NE: CALL2(op_ne); break;
        case PRC_OP_AND: CALL2(op_and); break;
        case PRC_OP_OR: CALL2(op_or); break;
        case PRC_OP_NOT: CALL1(op_not); break;
        case PRC_OP_SELECT: op_select(d, REG(k->a), REG(k->b), REG(k->c), w); break;
        case PRC_OP_SIN: CALL1(op_sin); break;
        case PRC_OP_COS: CALL1(op_cos); break;
        case PRC_OP_TAN: CALL1(op_tan); break;
        case PRC_OP_TANH: CALL1(op_tanh); break;
        case PRC_OP_COUNT: break;
        }
    }
}

#undef REG

/* ---- prepared programs --------------------------------------------------------------------------------------- */

INLINE vec choose(mask m, vec a, vec b) { return (vec)((m & (mask)a) | (~m & (mask)b)); }

#define TRUTH(m) ((vec)((mask)(m) & (mask)splat(1.0)))
#define AT(o) ((double *)(void *)((char *)regs + (o)))
#define AT_IN(o) ((const double *)(const void *)((const char *)regs + (o)))
#define NEXT                                                                                                           \
    do {                                                                                                               \
        k++;                                                                                                           \
        __extension__({ goto *k->go; });                                                                               \
    } while (0)
#define DO(expr)                                                                                                       \
    do {                                                                                                               \
        double *d = AT(k->dst);                                                                                        \
        const double *a = AT_IN(k->a), *b = AT_IN(k->b), *c = AT_IN(k->c);                                             \
        (void)a, (void)b, (void)c;                                                                                     \
        _Pragma("GCC unroll 16") for (size_t l = 0; l < BLOCK; l += VL) { *out_of(d + l) = (expr); }                    \
        NEXT;                                                                                                          \
    } while (0)
#define DO_CALL1(f)                                                                                                    \
    do {                                                                                                               \
        f(AT(k->dst), AT_IN(k->a), BLOCK);                                                                             \
        NEXT;                                                                                                          \
    } while (0)
#define DO_CALL2(f)                                                                                                    \
    do {                                                                                                               \
        f(AT(k->dst), AT_IN(k->a), AT_IN(k->b), BLOCK);                                                                \
        NEXT;                                                                                                          \
    } while (0)

/* Sums over the list, four vectors at a time: a sum of n registers, or of n products, or base less n products. */
#define DO_LIST(begin, step)                                                                                           \
    do {                                                                                                               \
        double *d = AT(k->dst);                                                                                        \
        const double *base = AT_IN(k->c);                                                                              \
        const uint32_t *first = list + k->b;                                                                           \
        size_t n = k->a;                                                                                               \
        (void)base;                                                                                                    \
        for (size_t l = 0; l < BLOCK; l += 4 * VL) {                                                                   \
            const uint32_t *r = first, *end = first + n;                                                               \
            const double *p, *q;                                                                                       \
            vec s0, s1, s2, s3;                                                                                        \
            begin;                                                                                                     \
            for (; r < end;) { step; }                                                                                 \
            out_of(d + l)[0] = s0, out_of(d + l)[1] = s1, out_of(d + l)[2] = s2, out_of(d + l)[3] = s3;                \
        }                                                                                                              \
        NEXT;                                                                                                          \
    } while (0)
#define ONE (p = AT_IN(r[0]) + l, q = p, (void)q, r += 1)
#define TWO (p = AT_IN(r[0]) + l, q = AT_IN(r[1]) + l, r += 2)
#define LIST4(op, v) s0 op v(0), s1 op v(1), s2 op v(2), s3 op v(3)
#define PLAIN(i) in(p)[i]
#define PRODUCT(i) (in(p)[i] * in(q)[i])
#define BASE(i) in(base + l)[i]

/* With code NULL only tells the addresses of the operations. */
static const void *const *ready(const prc_ready *k, const uint32_t *list, double *regs)
{
#define PRC_X(name, text) __extension__ &&L_##name,
    static const void *const table[PRC_OP_COUNT + 1] = {PRC_OP_LIST(PRC_X) __extension__ &&L_end};
#undef PRC_X
    if (k == NULL) return table;
    regs = __builtin_assume_aligned(regs, 64);
    __extension__({ goto *k->go; });
L_PRC_OP_CONST: {
    double imm;
    memcpy(&imm, &k->b, sizeof imm);
    vec v = splat(imm);
    for (size_t l = 0; l < BLOCK; l += VL) *out_of(AT(k->dst) + l) = v;
    NEXT;
}
L_PRC_OP_MOV: DO(A);
L_PRC_OP_NEG: DO(-A);
L_PRC_OP_ADD: DO(A + B);
L_PRC_OP_SUB: DO(A - B);
L_PRC_OP_MUL: DO(A * B);
L_PRC_OP_DIV: DO(A / B);
L_PRC_OP_RCP: DO(1.0 / A);
L_PRC_OP_MULADD: DO(A * B + C);
L_PRC_OP_MULSUB: DO(C - A * B);
L_PRC_OP_MUL3: DO(A * B * C);
L_PRC_OP_SUM: DO_LIST(ONE; LIST4(=, PLAIN), ONE; LIST4(+=, PLAIN));
L_PRC_OP_SUMPROD: DO_LIST(TWO; LIST4(=, PRODUCT), TWO; LIST4(+=, PRODUCT));
L_PRC_OP_SUBPROD: DO_LIST(LIST4(=, BASE), TWO; LIST4(-=, PRODUCT));
L_PRC_OP_EXP: DO_CALL1(op_exp);
L_PRC_OP_LOG: DO_CALL1(op_log);
L_PRC_OP_POW: DO_CALL2(op_pow);
L_PRC_OP_SQRT: DO_CALL1(op_sqrt);
L_PRC_OP_ABS: DO(vec_abs(A));
L_PRC_OP_MIN: DO(choose((mask)((A < B) | (A != A)), A, B));
L_PRC_OP_MAX: DO(choose((mask)((A > B) | (A != A)), A, B));
L_PRC_OP_FLOOR: DO_CALL1(op_floor);
L_PRC_OP_CEIL: DO_CALL1(op_ceil);
L_PRC_OP_LT: DO(TRUTH(A < B));
L_PRC_OP_LE: DO(TRUTH(A <= B));
L_PRC_OP_EQ: DO(TRUTH(A == B));
L_PRC_OP_NE: DO(TRUTH(A != B));
L_PRC_OP_AND: DO(TRUTH((A != 0.0) & (B != 0.0)));
L_PRC_OP_OR: DO(TRUTH((A != 0.0) | (B != 0.0)));
L_PRC_OP_NOT: DO(TRUTH(A == 0.0));
L_PRC_OP_SELECT: DO(choose((mask)(A != 0.0), B, C));
L_PRC_OP_SIN: DO_CALL1(op_sin);
L_PRC_OP_COS: DO_CALL1(op_cos);
L_PRC_OP_TAN: DO_CALL1(op_tan);
L_PRC_OP_TANH: DO_CALL1(op_tanh);
L_end:
    return table;
}

#undef A
#undef B
#undef C

static void run_ready(const prc_ready *code, const uint32_t *list, double *regs) { ready(code, list, regs); }

static void prepare(const prc_instr *code, size_t n, const int32_t *args, prc_ready *to, uint32_t *list)
{
    const void *const *table = ready(NULL, NULL, NULL);
    const uint32_t bytes = BLOCK * sizeof(double);
    uint32_t used = 0;
    for (size_t i = 0; i < n; i++, to++) {
        const prc_instr *k = &code[i];
        bool sum = k->op == PRC_OP_SUM, products = k->op == PRC_OP_SUMPROD || k->op == PRC_OP_SUBPROD;
        uint32_t m = sum ? (uint32_t)k->a : products ? 2 * (uint32_t)k->a : 0;
        to->go = table[k->op];
        to->dst = (uint32_t)k->dst * bytes;
        to->a = m > 0 ? m : (uint32_t)k->a * bytes;
        to->b = m > 0 ? used : (uint32_t)k->b * bytes;
        to->c = (uint32_t)k->c * bytes;
        if (k->op == PRC_OP_CONST) memcpy(&to->b, &k->imm, sizeof k->imm);
        for (uint32_t j = 0; j < m; j++) list[used + j] = (uint32_t)args[(uint32_t)k->b + j] * bytes;
        used += m;
    }
    *to = (prc_ready){.go = table[PRC_OP_COUNT]};
}

static void run(const prc_instr *code, size_t n, const int32_t *args, double *regs, size_t stride, size_t width)
{
    size_t w = (width + 7) & ~(size_t)7;
    regs = __builtin_assume_aligned(regs, 64);
    if (w == BLOCK && stride == BLOCK)
        run_width(code, n, args, regs, BLOCK, BLOCK);
    else if (w == 16 && stride == 16)
        run_width(code, n, args, regs, 16, 16);
    else if (w == 8 && stride == 8)
        run_width(code, n, args, regs, 8, 8);
    else
        run_width(code, n, args, regs, stride, w);
}

/* n is a constant wherever this is inlined. */
INLINE void combine_n(double *out, const double *base, const double *coef, const double *const *v, size_t n,
                      size_t width)
{
    LANES for (size_t l = 0; l < width; l++)
    {
        double s = base[l];
        for (size_t j = 0; j < n; j++) s += coef[j] * v[j][l];
        out[l] = s;
    }
}

static void combine(double *out, const double *base, const double *coef, const double *const *v, size_t n, size_t width)
{
    const double *u[8] = {base, base, base, base, base, base, base, base};
    for (; n > 8; n -= 8, coef += 8, v += 8, base = out) combine(out, base, coef, v, 8, width);
    double q[8] = {0};
    for (size_t j = 0; j < n; j++) u[j] = v[j], q[j] = coef[j];
    switch (n) {
    case 0: combine_n(out, base, q, u, 0, width); break;
    case 1: combine_n(out, base, q, u, 1, width); break;
    case 2: combine_n(out, base, q, u, 2, width); break;
    case 3: combine_n(out, base, q, u, 3, width); break;
    case 4: combine_n(out, base, q, u, 4, width); break;
    case 5: combine_n(out, base, q, u, 5, width); break;
    case 6: combine_n(out, base, q, u, 6, width); break;
    case 7: combine_n(out, base, q, u, 7, width); break;
    default: combine_n(out, base, q, u, 8, width); break;
    }
}

static void error_add(double *restrict out, const double *restrict e, const double *restrict y0,
                      const double *restrict y1, double atol, double rtol, size_t width)
{
    for (size_t l = 0; l < width; l++) {
        double a = fabs(y0[l]), b = fabs(y1[l]);
        double r = e[l] / (atol + rtol * (a > b ? a : b));
        /* y1 - y1 is 0 for a finite state and spreads NaN otherwise, which no quotient by infinity would. */
        out[l] += r * r + (y1[l] - y1[l]);
    }
}

/* n is a constant wherever this is inlined. */
INLINE void stage_n(double *y, double *rhs, const double *base, const double *add, const double *inv_h, const double *ca,
                    const double *cc, const double *const *v, size_t first, size_t n, size_t n_row, size_t stride, size_t w)
{
    for (size_t i = 0; i < n_row; i++) {
        size_t o = i * stride;
        for (size_t l = 0; l < w; l += VL) {
            vec k = *in(v[0] + o + l), s = cc[0] * k, u = *in(base + o + l);
            if (first == 0) u += ca[0] * k;
            for (size_t j = 1; j < n; j++) {
                k = *in(v[j] + o + l);
                s += cc[j] * k;
                if (j >= first) u += ca[j] * k;
            }
            *out_of(y + o + l) = u;
            *out_of(rhs + o + l) = *in(add + o + l) + *in(inv_h + l) * s;
        }
    }
}

static void stage(double *y, double *rhs, const double *base, const double *add, const double *inv_h, const double *ca,
                  const double *cc, const double *const *v, size_t first, size_t n, size_t n_row, size_t stride,
                  size_t width)
{
    size_t w = (width + 7) & ~(size_t)7;
    const double *u[7] = {0};
    double p[7] = {0}, q[7] = {0};
    for (size_t j = 0; j < n && j < 7; j++) u[j] = v[j], p[j] = ca[j], q[j] = cc[j];
    if (first == 0) switch (n) {
        case 1: stage_n(y, rhs, base, add, inv_h, p, q, u, 0, 1, n_row, stride, w); return;
        case 2: stage_n(y, rhs, base, add, inv_h, p, q, u, 0, 2, n_row, stride, w); return;
        case 3: stage_n(y, rhs, base, add, inv_h, p, q, u, 0, 3, n_row, stride, w); return;
        case 4: stage_n(y, rhs, base, add, inv_h, p, q, u, 0, 4, n_row, stride, w); return;
        case 5: stage_n(y, rhs, base, add, inv_h, p, q, u, 0, 5, n_row, stride, w); return;
        case 6: stage_n(y, rhs, base, add, inv_h, p, q, u, 0, 6, n_row, stride, w); return;
        default: stage_n(y, rhs, base, add, inv_h, p, q, u, 0, 7, n_row, stride, w); return;
        }
    if (n == 6)
        stage_n(y, rhs, base, add, inv_h, p, q, u, 5, 6, n_row, stride, w);
    else
        stage_n(y, rhs, base, add, inv_h, p, q, u, 6, 7, n_row, stride, w);
}

static void add_rows(double *out, const double *regs, const int32_t *row, const double *add, size_t n, size_t stride,
                     size_t width)
{
    size_t w = (width + 7) & ~(size_t)7;
    for (size_t i = 0; i < n; i++) {
        const double *f = regs + (size_t)row[i] * stride;
        size_t o = i * stride;
        for (size_t l = 0; l < w; l += VL) *out_of(out + o + l) = *in(f + l) + *in(add + o + l);
    }
}

static void dense(double *restrict out, const double *y0, const double *y1, const double *s, const double *weight,
                  const double *const *v, size_t n, size_t stride, size_t width)
{
    size_t w = (width + 7) & ~(size_t)7;
    for (size_t l = 0; l < w; l += VL) {
        vec s1 = *in(s + l), s0 = 1.0 - s1;
        for (size_t i = 0; i < n; i++) {
            size_t o = i * stride + l;
            vec r = s0 * *in(y0 + o) + s1 * *in(y1 + o);
            for (size_t j = 0; j < 8; j++) r += *in(weight + j * stride + l) * *in(v[j] + o);
            *out_of(out + o) = r;
        }
    }
}

static void residual(double *bad, const double *regs, const int32_t *start, const int32_t *col, const int32_t *reg,
                     const double *diag, const double *x, const double *b, double tol, size_t n, size_t stride,
                     size_t width)
{
    size_t w = (width + 7) & ~(size_t)7;
    for (size_t l = 0; l < w; l += VL) {
        mask fault = (mask)splat(0);
        for (size_t i = 0; i < n; i++) {
            vec t = *in(diag + l) * *in(x + i * stride + l), u = *in(b + i * stride + l);
            vec r = t - u, m = vec_abs(t) + vec_abs(u);
            for (int32_t k = start[i]; k < start[i + 1]; k++) {
                t = *in(regs + (size_t)reg[k] * stride + l) * *in(x + (size_t)col[k] * stride + l);
                r -= t;
                m += vec_abs(t);
            }
            /* The comparison is false for NaN too. */
            fault |= ~(mask)(vec_abs(r) <= tol * m);
        }
        *out_of(bad + l) = (vec)(fault & (mask)splat(1.0));
    }
}

static void blend(double *restrict y, const double *restrict z, const double *restrict chosen, size_t n, size_t stride,
                  size_t width)
{
    size_t w = (width + 7) & ~(size_t)7;
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < w; l++) y[i * stride + l] = chosen[l] != 0 ? z[i * stride + l] : y[i * stride + l];
}

static void vexp(double *out, const double *x, size_t n)
{
    LANES for (size_t i = 0; i < n; i++) out[i] = prc_k_exp(x[i]);
}

static void vlog(double *out, const double *x, size_t n)
{
    LANES for (size_t i = 0; i < n; i++) out[i] = prc_k_log(x[i]);
}

static void vpow(double *out, const double *x, const double *y, size_t n)
{
    LANES for (size_t i = 0; i < n; i++) out[i] = prc_k_pow(x[i], y[i]);
}

const prc_kernel KERNEL_SYMBOL = {KERNEL_NAME, run,      prepare, run_ready, combine, error_add, stage,
                                  add_rows,    dense,    residual, blend,    vexp,    vlog,      vpow};
