/* Derivatives on the graph, one forward rule per operation; results are remembered per node and variable. */
#include "model_int.h"

#include <math.h>

/* Least argument of a power, logarithm or root in a derivative: a state may touch 0, its Jacobian entry must stay
 * finite. */
#define TINY 1e-12

static size_t memo_slot(const prc_dag *d, int32_t node, int32_t bit) {
    uint64_t h = ((uint64_t)(uint32_t)node << 32 | (uint32_t)bit) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h >> 20) & (d->memo_slots - 1);
    while (d->memo[i].value && (d->memo[i].node != node || d->memo[i].bit != bit)) i = (i + 1) & (d->memo_slots - 1);
    return i;
}

static bool memo_grow(prc_dag *d) {
    struct prc_dag_memo *old = d->memo;
    size_t n_old = d->memo_slots, n_new = n_old ? n_old * 2 : 1024;
    struct prc_dag_memo *memo = prc_calloc(n_new, sizeof *memo);
    if (!memo) return false;
    d->memo = memo, d->memo_slots = n_new;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].value) d->memo[memo_slot(d, old[i].node, old[i].bit)] = old[i];
    prc_free(old);
    return true;
}

static void memo_set(prc_dag *d, int32_t node, int32_t bit, int32_t value) {
    if (d->failed) return;
    if (d->n_memo * 2 >= d->memo_slots && !memo_grow(d)) {
        d->failed = true;
        return;
    }
    size_t i = memo_slot(d, node, bit);
    if (!d->memo[i].value) d->n_memo++;
    d->memo[i] = (struct prc_dag_memo){node, bit, value + 1};
}

static int32_t mul(prc_dag *d, int32_t a, int32_t b) {
    return prc_dag_op2(d, PRC_OP_MUL, a, b);
}
static int32_t add(prc_dag *d, int32_t a, int32_t b) {
    return prc_dag_op2(d, PRC_OP_ADD, a, b);
}
static int32_t sub(prc_dag *d, int32_t a, int32_t b) {
    return prc_dag_op2(d, PRC_OP_SUB, a, b);
}

/* a / max(b, TINY) */
static int32_t div_guarded(prc_dag *d, int32_t a, int32_t b) {
    int32_t guarded = prc_dag_op2(d, PRC_OP_MAX, b, prc_dag_const(d, TINY));
    return prc_dag_op2(d, PRC_OP_DIV, a, guarded);
}

/* The guard max(x, 0) of a power or root is transparent: below 0 the value is 0 and so is value / max(x, TINY). */
static int32_t unguarded(const prc_dag *d, int32_t a) {
    const prc_dnode *n = &d->node[a];
    return d->program && n->op == PRC_OP_MAX && prc_dag_is(d, n->b, 0) ? n->a : a;
}

static int32_t derive_mul(prc_dag *d, const prc_dnode *n, int32_t v, int bit) {
    int32_t a = n->a, b = n->b;
    if (d->node[a].op == PRC_OP_RCP) a = n->b, b = n->a;
    int32_t da = prc_dag_derive(d, a, bit);
    /* A quotient a*q, q = 1/c: (da - v dc) q, without dividing again. */
    if (d->node[b].op == PRC_OP_RCP && prc_dag_depends(d, b, bit)) {
        int32_t dc = prc_dag_derive(d, d->node[b].a, bit);
        return mul(d, sub(d, da, mul(d, v, dc)), b);
    }
    if (a == b) return mul(d, prc_dag_const(d, 2), mul(d, a, da));
    int32_t left = mul(d, da, b);
    int32_t right = mul(d, a, prc_dag_derive(d, b, bit));
    return add(d, left, right);
}

static int32_t derive_div(prc_dag *d, const prc_dnode *n, int32_t v, int bit) {
    int32_t da = prc_dag_derive(d, n->a, bit);
    int32_t db = prc_dag_derive(d, n->b, bit);
    return prc_dag_op2(d, PRC_OP_DIV, sub(d, da, mul(d, v, db)), n->b);
}

/* v = x^y: y v / x dx + v ln x dy; integer exponents without the guard. */
static int32_t derive_pow(prc_dag *d, const prc_dnode *n, int32_t v, int bit) {
    int32_t x = unguarded(d, n->a), y = n->b, left = 0, right = 0;
    if (prc_dag_depends(d, x, bit)) {
        int32_t dx = prc_dag_derive(d, x, bit);
        const prc_dnode e = d->node[y];
        if (e.op == PRC_OP_CONST && e.imm >= floor(e.imm) && e.imm <= floor(e.imm)) {
            int32_t less = prc_dag_op2(d, PRC_OP_POW, x, prc_dag_const(d, e.imm - 1));
            left = mul(d, mul(d, y, less), dx);
        } else {
            int32_t q = div_guarded(d, v, x);
            left = mul(d, mul(d, y, q), dx);
        }
    }
    if (prc_dag_depends(d, y, bit)) {
        int32_t guarded = prc_dag_op2(d, PRC_OP_MAX, x, prc_dag_const(d, TINY));
        int32_t w = mul(d, v, prc_dag_op1(d, PRC_OP_LOG, guarded));
        right = mul(d, w, prc_dag_derive(d, y, bit));
    }
    return add(d, left, right);
}

static int32_t derive_ipow(prc_dag *d, const prc_dnode *n, int bit) {
    int32_t dx = prc_dag_derive(d, n->a, bit);
    int32_t less = prc_dag_op2(d, PRC_OP_POW, n->a, prc_dag_const(d, n->imm - 1));
    int32_t factor = mul(d, prc_dag_const(d, n->imm), less);
    return mul(d, factor, dx);
}

/* sqrt: half of dx over the root, which is at least sqrt(TINY). */
static int32_t derive_sqrt(prc_dag *d, const prc_dnode *n, int32_t v, int bit) {
    int32_t dx = prc_dag_derive(d, unguarded(d, n->a), bit);
    int32_t root = prc_dag_op2(d, PRC_OP_MAX, v, prc_dag_const(d, 1e-6));
    int32_t half = mul(d, prc_dag_const(d, 0.5), dx);
    return prc_dag_op2(d, PRC_OP_DIV, half, root);
}

/* min, max, abs and select take the derivative of the branch that gives the value. */
static int32_t derive_branch(prc_dag *d, const prc_dnode *n, int bit) {
    int32_t condition = n->a, da, db;
    if (n->op == PRC_OP_ABS) {
        da = prc_dag_derive(d, n->a, bit);
        db = prc_dag_op1(d, PRC_OP_NEG, da);
        condition = prc_dag_op2(d, PRC_OP_LE, prc_dag_const(d, 0), n->a);
    } else if (n->op == PRC_OP_SELECT) {
        da = prc_dag_derive(d, n->b, bit);
        db = prc_dag_derive(d, n->c, bit);
    } else {
        da = prc_dag_derive(d, n->a, bit);
        db = prc_dag_derive(d, n->b, bit);
        if (da == db) return da;
        condition = n->op == PRC_OP_MIN ? prc_dag_op2(d, PRC_OP_LE, n->a, n->b) : prc_dag_op2(d, PRC_OP_LE, n->b, n->a);
    }
    return prc_dag_op(d, PRC_OP_SELECT, condition, da, db);
}

static int32_t derive_circular(prc_dag *d, const prc_dnode *n, int32_t v, int32_t da) {
    if (n->op == PRC_OP_SIN) return mul(d, prc_dag_op1(d, PRC_OP_COS, n->a), da);
    if (n->op == PRC_OP_COS) return prc_dag_op1(d, PRC_OP_NEG, mul(d, prc_dag_op1(d, PRC_OP_SIN, n->a), da));
    int32_t square = mul(d, v, v);
    int32_t factor = prc_dag_op2(d, n->op == PRC_OP_TAN ? PRC_OP_ADD : PRC_OP_SUB, 1, square);
    return mul(d, factor, da);
}

static int32_t derive_rule(prc_dag *d, int32_t node, int bit) {
    const prc_dnode n = d->node[node]; /* a copy: the array moves when nodes are added */
    int32_t da, db;
    switch (n.op) {
    case PRC_N_LEAF:
        return 1;
    case PRC_OP_NEG:
        return prc_dag_op1(d, PRC_OP_NEG, prc_dag_derive(d, n.a, bit));
    case PRC_OP_ADD:
    case PRC_OP_SUB:
        da = prc_dag_derive(d, n.a, bit);
        db = prc_dag_derive(d, n.b, bit);
        return prc_dag_op2(d, n.op, da, db);
    case PRC_OP_MUL:
        return derive_mul(d, &n, node, bit);
    case PRC_OP_DIV:
        return derive_div(d, &n, node, bit);
    case PRC_OP_RCP:
        da = prc_dag_derive(d, n.a, bit);
        return prc_dag_op1(d, PRC_OP_NEG, mul(d, mul(d, node, node), da));
    case PRC_OP_EXP:
        return mul(d, node, prc_dag_derive(d, n.a, bit));
    case PRC_OP_LOG:
        return div_guarded(d, prc_dag_derive(d, n.a, bit), n.a);
    case PRC_OP_POW:
    case PRC_N_RPOW:
        return derive_pow(d, &n, node, bit);
    case PRC_N_IPOW:
        return derive_ipow(d, &n, bit);
    case PRC_OP_SQRT:
        return derive_sqrt(d, &n, node, bit);
    case PRC_OP_ABS:
    case PRC_OP_MIN:
    case PRC_OP_MAX:
    case PRC_OP_SELECT:
        return derive_branch(d, &n, bit);
    case PRC_OP_SIN:
    case PRC_OP_COS:
    case PRC_OP_TAN:
    case PRC_OP_TANH:
        return derive_circular(d, &n, node, prc_dag_derive(d, n.a, bit));
    default:
        return 0; /* floor, ceil, comparisons, logic: constant between jumps */
    }
}

int32_t prc_dag_derive(prc_dag *d, int32_t node, int bit) {
    if (d->failed || !prc_dag_depends(d, node, bit)) return 0;
    if (d->memo_slots) {
        size_t i = memo_slot(d, node, bit);
        if (d->memo[i].value) return d->memo[i].value - 1;
    }
    int32_t value = derive_rule(d, node, bit);
    memo_set(d, node, bit, value);
    return value;
}
