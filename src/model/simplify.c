/* Simplification while the graph is built: constants folded, neutral elements dropped, signs pulled out of products.
 * For a program (dag.program) also: division by a shared reciprocal, powers guarded against a base below 0, and
 * products split into a part without states (computed once per patient) times a part with them. */
#include "model_int.h"

#include <math.h>
#include <string.h>

/* Integer powers up to this are multiplications. */
#define MAX_INTEGER_POWER 16

static bool is_const(const prc_dag *d, int32_t n) {
    return d->node[n].op == PRC_OP_CONST;
}

static bool truth(double x) {
    return x < 0 || x > 0 || isnan(x);
}

/* Value of an operation on constants; false for those left to the kernel (their bits are its own). */
static bool fold(int32_t op, double a, double b, double c, double *out) {
    switch (op) {
    case PRC_OP_NEG:
        *out = -a;
        return true;
    case PRC_OP_ADD:
        *out = a + b;
        return true;
    case PRC_OP_SUB:
        *out = a - b;
        return true;
    case PRC_OP_MUL:
        *out = a * b;
        return true;
    case PRC_OP_DIV:
        *out = a / b;
        return true;
    case PRC_OP_RCP:
        *out = 1 / a;
        return true;
    case PRC_OP_EXP:
        *out = prc_exp(a);
        return true;
    case PRC_OP_LOG:
        *out = prc_log(a);
        return true;
    case PRC_OP_POW:
        *out = prc_pow(a, b);
        return true;
    case PRC_OP_SQRT:
        *out = sqrt(a);
        return true;
    case PRC_OP_ABS:
        *out = fabs(a);
        return true;
    case PRC_OP_MIN:
        *out = isnan(a) ? a : isnan(b) ? b : a < b ? a : b;
        return true;
    case PRC_OP_MAX:
        *out = isnan(a) ? a : isnan(b) ? b : a > b ? a : b;
        return true;
    case PRC_OP_FLOOR:
        *out = floor(a);
        return true;
    case PRC_OP_CEIL:
        *out = ceil(a);
        return true;
    case PRC_OP_LT:
        *out = a < b;
        return true;
    case PRC_OP_LE:
        *out = a <= b;
        return true;
    case PRC_OP_EQ:
        *out = a <= b && a >= b;
        return true;
    case PRC_OP_NE:
        *out = !(a <= b && a >= b);
        return true;
    case PRC_OP_AND:
        *out = truth(a) && truth(b);
        return true;
    case PRC_OP_OR:
        *out = truth(a) || truth(b);
        return true;
    case PRC_OP_NOT:
        *out = !truth(a);
        return true;
    case PRC_OP_SELECT:
        *out = truth(a) ? b : c;
        return true;
    default:
        return false;
    }
}

/* Looks for either order of the operands of a commutative operation, so that a*b and b*a are one node. */
static int32_t commutative(prc_dag *d, int32_t op, int32_t a, int32_t b) {
    return a <= b ? prc_dag_intern(d, op, a, b, -1, 0) : prc_dag_intern(d, op, b, a, -1, 0);
}

static int32_t op_neg(prc_dag *d, int32_t a) {
    const prc_dnode n = d->node[a];
    if (n.op == PRC_OP_NEG) return n.a;
    if (n.op == PRC_OP_SUB) return prc_dag_op2(d, PRC_OP_SUB, n.b, n.a);
    return prc_dag_intern(d, PRC_OP_NEG, a, -1, -1, 0);
}

static int32_t op_sub(prc_dag *d, int32_t a, int32_t b) {
    if (prc_dag_is(d, b, 0)) return a;
    if (prc_dag_is(d, a, 0)) return prc_dag_op1(d, PRC_OP_NEG, b);
    if (a == b) return prc_dag_const(d, 0);
    if (d->node[b].op == PRC_OP_NEG) return prc_dag_op2(d, PRC_OP_ADD, a, d->node[b].a);
    return prc_dag_intern(d, PRC_OP_SUB, a, b, -1, 0);
}

static int32_t op_add(prc_dag *d, int32_t a, int32_t b) {
    if (prc_dag_is(d, a, 0)) return b;
    if (prc_dag_is(d, b, 0)) return a;
    if (d->node[b].op == PRC_OP_NEG) return op_sub(d, a, d->node[b].a);
    if (d->node[a].op == PRC_OP_NEG) return op_sub(d, b, d->node[a].a);
    return commutative(d, PRC_OP_ADD, a, b);
}

/* A product as static part times dynamic part; node 1 stands for none. */
static void split(const prc_dag *d, int32_t n, int32_t *fixed, int32_t *moving) {
    const prc_dnode *x = &d->node[n];
    *fixed = 1, *moving = n;
    if (x->cls < PRC_CL_DYNAMIC)
        *fixed = n, *moving = 1;
    else if (x->op == PRC_OP_MUL && d->node[x->a].cls < PRC_CL_DYNAMIC)
        *fixed = x->a, *moving = x->b;
    else if (x->op == PRC_OP_MUL && d->node[x->b].cls < PRC_CL_DYNAMIC)
        *fixed = x->b, *moving = x->a;
}

static int32_t plain_mul(prc_dag *d, int32_t a, int32_t b) {
    double x;
    if (a == 1) return b;
    if (b == 1) return a;
    if (is_const(d, a) && is_const(d, b) && fold(PRC_OP_MUL, d->node[a].imm, d->node[b].imm, 0, &x))
        return prc_dag_const(d, x);
    return commutative(d, PRC_OP_MUL, a, b);
}

static int32_t op_mul(prc_dag *d, int32_t a, int32_t b) {
    if (prc_dag_is(d, a, 0) || prc_dag_is(d, b, 0)) return prc_dag_const(d, 0);
    if (prc_dag_is(d, a, 1)) return b;
    if (prc_dag_is(d, b, 1)) return a;
    if (prc_dag_is(d, a, -1)) return prc_dag_op1(d, PRC_OP_NEG, b);
    if (prc_dag_is(d, b, -1)) return prc_dag_op1(d, PRC_OP_NEG, a);
    bool na = d->node[a].op == PRC_OP_NEG, nb = d->node[b].op == PRC_OP_NEG;
    if (na || nb) {
        int32_t p = op_mul(d, na ? d->node[a].a : a, nb ? d->node[b].a : b);
        return na != nb ? prc_dag_op1(d, PRC_OP_NEG, p) : p;
    }
    if (!d->program) return commutative(d, PRC_OP_MUL, a, b);
    int32_t fa, ma, fb, mb;
    split(d, a, &fa, &ma);
    split(d, b, &fb, &mb);
    int32_t fixed = plain_mul(d, fa, fb);
    int32_t moving = plain_mul(d, ma, mb);
    return plain_mul(d, fixed, moving);
}

static int32_t op_div(prc_dag *d, int32_t a, int32_t b) {
    if (prc_dag_is(d, b, 1) || prc_dag_is(d, a, 0)) return a;
    if (prc_dag_is(d, b, -1)) return prc_dag_op1(d, PRC_OP_NEG, a);
    if (!d->program) return prc_dag_intern(d, PRC_OP_DIV, a, b, -1, 0);
    return prc_dag_op2(d, PRC_OP_MUL, a, prc_dag_op1(d, PRC_OP_RCP, b));
}

/* a to an integer power by squaring; the product is built once and remembered in the node. */
static int32_t integer_power(prc_dag *d, int32_t a, int n) {
    if (n == 1) return a;
    if (n < 0) return prc_dag_op1(d, PRC_OP_RCP, integer_power(d, a, -n));
    int32_t half = integer_power(d, a, n / 2);
    if (d->node[half].op == PRC_N_IPOW) half = d->node[half].b;
    int32_t product = prc_dag_intern(d, PRC_OP_MUL, half, half, -1, 0);
    if (n % 2) product = commutative(d, PRC_OP_MUL, product, a);
    return prc_dag_intern(d, PRC_N_IPOW, a, product, -1, n);
}

static int32_t op_pow(prc_dag *d, int32_t a, int32_t b) {
    if (prc_dag_is(d, b, 1)) return a;
    if (prc_dag_is(d, b, 0) || prc_dag_is(d, a, 1)) return prc_dag_const(d, 1);
    if (!d->program) return prc_dag_intern(d, PRC_OP_POW, a, b, -1, 0);
    if (is_const(d, b)) {
        double y = d->node[b].imm;
        if (y >= floor(y) && y <= floor(y) && fabs(y) <= MAX_INTEGER_POWER) return integer_power(d, a, (int)y);
        if (y >= 0.5 && y <= 0.5) return prc_dag_op1(d, PRC_OP_SQRT, a);
    }
    int32_t guarded = prc_dag_op2(d, PRC_OP_MAX, a, prc_dag_const(d, 0));
    if (is_const(d, guarded) && is_const(d, b)) return prc_dag_const(d, prc_pow(d->node[guarded].imm, d->node[b].imm));
    /* Powers of one base share its logarithm. That of 0 stays finite where the exponent may be 0: 0 to the 0 is 1. */
    int32_t log = prc_dag_op1(d, PRC_OP_LOG, guarded);
    if (!is_const(d, b)) log = prc_dag_op2(d, PRC_OP_MAX, log, prc_dag_const(d, -1e300));
    int32_t value = prc_dag_op1(d, PRC_OP_EXP, prc_dag_op2(d, PRC_OP_MUL, b, log));
    return prc_dag_intern(d, PRC_N_RPOW, guarded, b, value, 0);
}

/* Rounding errors push a state slightly below 0 now and then; the root is then that of 0. */
static int32_t op_sqrt(prc_dag *d, int32_t a) {
    if (d->program) a = prc_dag_op2(d, PRC_OP_MAX, a, prc_dag_const(d, 0));
    return prc_dag_intern(d, PRC_OP_SQRT, a, -1, -1, 0);
}

static int32_t op_select(prc_dag *d, int32_t a, int32_t b, int32_t c) {
    if (is_const(d, a)) return truth(d->node[a].imm) ? b : c;
    if (b == c) return b;
    return prc_dag_intern(d, PRC_OP_SELECT, a, b, c, 0);
}

int32_t prc_dag_op(prc_dag *d, int32_t op, int32_t a, int32_t b, int32_t c) {
    if (d->failed) return 0;
    int arity = prc_dag_arity(op);
    double x;
    if (is_const(d, a) && (arity < 2 || is_const(d, b)) && (arity < 3 || is_const(d, c)) &&
        fold(op, d->node[a].imm, arity < 2 ? 0 : d->node[b].imm, arity < 3 ? 0 : d->node[c].imm, &x))
        return prc_dag_const(d, x);
    switch (op) {
    case PRC_OP_NEG:
        return op_neg(d, a);
    case PRC_OP_ADD:
        return op_add(d, a, b);
    case PRC_OP_SUB:
        return op_sub(d, a, b);
    case PRC_OP_MUL:
        return op_mul(d, a, b);
    case PRC_OP_DIV:
        return op_div(d, a, b);
    case PRC_OP_POW:
        return op_pow(d, a, b);
    case PRC_OP_SQRT:
        return op_sqrt(d, a);
    case PRC_OP_SELECT:
        return op_select(d, a, b, c);
    case PRC_OP_MIN:
    case PRC_OP_MAX:
        return a == b ? a : prc_dag_intern(d, op, a, b, -1, 0);
    case PRC_OP_ABS:
        if (d->node[a].op == PRC_OP_ABS) return a;
        break;
    default:
        break;
    }
    return prc_dag_intern(d, op, a, b, c, 0);
}

/* ---- nodes back to expressions ------------------------------------------------------------------------------- */

/* Names of one expression as leaves of a graph; leaf 0 is time. */
typedef struct leaves {
    prc_dag *d;
    prc_arena *arena;
    prc_names *names;
    const char *by; /* name to derive by, NULL = none */
} leaves;

static int32_t leaf_of(void *ctx, const char *name) {
    leaves *l = ctx;
    int k = prc_names_find(l->names, name);
    if (k < 0) {
        k = (int)l->names->n;
        if (!prc_names_add(l->names, name, k)) l->d->failed = true;
    }
    int bit = l->by && !l->d->failed && strcmp(name, l->by) == 0 ? 0 : -1;
    return prc_dag_leaf(l->d, k, PRC_CL_DYNAMIC, bit);
}

static const struct {
    int32_t op;
    prc_fn fn;
} op_fn[] = {
    {PRC_OP_NEG, PRC_FN_NEG},   {PRC_OP_ADD, PRC_FN_ADD}, {PRC_OP_SUB, PRC_FN_SUB}, {PRC_OP_MUL, PRC_FN_MUL},
    {PRC_OP_DIV, PRC_FN_DIV},   {PRC_OP_POW, PRC_FN_POW}, {PRC_OP_LT, PRC_FN_LT},   {PRC_OP_LE, PRC_FN_LE},
    {PRC_OP_EQ, PRC_FN_EQ},     {PRC_OP_NE, PRC_FN_NE},   {PRC_OP_AND, PRC_FN_AND}, {PRC_OP_OR, PRC_FN_OR},
    {PRC_OP_NOT, PRC_FN_NOT},   {PRC_OP_EXP, PRC_FN_EXP}, {PRC_OP_LOG, PRC_FN_LN},  {PRC_OP_SQRT, PRC_FN_SQRT},
    {PRC_OP_ABS, PRC_FN_ABS},   {PRC_OP_MIN, PRC_FN_MIN}, {PRC_OP_MAX, PRC_FN_MAX}, {PRC_OP_FLOOR, PRC_FN_FLOOR},
    {PRC_OP_CEIL, PRC_FN_CEIL}, {PRC_OP_SIN, PRC_FN_SIN}, {PRC_OP_COS, PRC_FN_COS}, {PRC_OP_TAN, PRC_FN_TAN},
    {PRC_OP_TANH, PRC_FN_TANH},
};

static const prc_expr *leaf_expr(const leaves *l, int32_t leaf) {
    const char *name = l->names->key[leaf];
    if (strcmp(name, "time") != 0) return prc_expr_name(l->arena, name);
    prc_expr *e = prc_arena_alloc(l->arena, 1, sizeof *e);
    if (e) e->kind = PRC_EX_TIME, e->name = "time";
    return e;
}

/* Expressions of all nodes up to root, operands first; nodes used twice are shared, not copied. */
static const prc_expr *to_expr(const leaves *l, int32_t root) {
    const prc_dag *d = l->d;
    const prc_expr *result = NULL, **made = prc_calloc((size_t)root + 1, sizeof *made);
    if (!made) return NULL;
    for (int32_t i = 0; i <= root; i++) {
        const prc_dnode *n = &d->node[i];
        if (n->op == PRC_OP_CONST)
            made[i] = prc_expr_number(l->arena, n->imm);
        else if (n->op == PRC_N_LEAF)
            made[i] = leaf_expr(l, n->a);
        else if (n->op == PRC_OP_SELECT) {
            const prc_expr *arg[3] = {made[n->b], made[n->a], made[n->c]};
            made[i] = prc_expr_call(l->arena, PRC_FN_PIECEWISE, 3, arg);
        } else {
            const prc_expr *arg[2] = {made[n->a], n->b >= 0 ? made[n->b] : NULL};
            size_t k = 0;
            while (k < sizeof op_fn / sizeof *op_fn - 1 && op_fn[k].op != n->op) k++;
            made[i] = prc_expr_call(l->arena, op_fn[k].fn, (size_t)prc_dag_arity(n->op), arg);
        }
        if (!made[i]) goto out;
    }
    result = made[root];
out:
    prc_free((void *)made);
    return result;
}

/* Through the graph and back, deriving on the way when `by` is given. */
static const prc_expr *round_trip(prc_arena *arena, const prc_expr *e, const char *by) {
    prc_dag d;
    leaves l = {&d, arena, prc_names_create(arena), by};
    const prc_expr *bad = NULL, *result = NULL;
    if (prc_dag_init(&d, 1, false) && l.names) {
        int32_t root = prc_dag_expr(&d, e, leaf_of, &l, &bad);
        if (by && !bad && !d.failed) root = prc_dag_derive(&d, root, 0);
        if (!d.failed) result = bad ? e : to_expr(&l, root);
    }
    prc_dag_reset(&d);
    return result;
}

const prc_expr *prc_expr_simplify(prc_arena *arena, const prc_expr *e) {
    return round_trip(arena, e, NULL);
}

const prc_expr *prc_expr_derive(prc_arena *arena, const prc_expr *e, const char *name) {
    return round_trip(arena, e, name);
}
