/* The expression graph: equal expressions become one node (hash-consing), so common subexpressions are shared by
 * construction. */
#include "model_int.h"

#include <math.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t x) {
    h = (h ^ x) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
}

static uint64_t node_hash(int32_t op, int32_t a, int32_t b, int32_t c, double imm) {
    uint64_t bits;
    memcpy(&bits, &imm, sizeof bits);
    uint64_t h = mix((uint64_t)(uint32_t)op, (uint32_t)a);
    h = mix(h, (uint32_t)b);
    h = mix(h, (uint32_t)c);
    return mix(h, bits);
}

static bool same_bits(double x, double y) {
    return memcmp(&x, &y, sizeof x) == 0;
}

int prc_dag_arity(int32_t op) {
    switch (op) {
    case PRC_OP_CONST:
    case PRC_N_LEAF:
        return 0;
    case PRC_OP_MOV:
    case PRC_OP_NEG:
    case PRC_OP_RCP:
    case PRC_OP_EXP:
    case PRC_OP_LOG:
    case PRC_OP_SQRT:
    case PRC_OP_ABS:
    case PRC_OP_FLOOR:
    case PRC_OP_CEIL:
    case PRC_OP_NOT:
    case PRC_OP_SIN:
    case PRC_OP_COS:
    case PRC_OP_TAN:
    case PRC_OP_TANH:
    case PRC_N_IPOW:
        return 1;
    case PRC_OP_SELECT:
        return 3;
    default:
        return 2;
    }
}

/* Slot of a node with these parts, or the empty slot for it. */
static size_t find_slot(const prc_dag *d, int32_t op, int32_t a, int32_t b, int32_t c, double imm) {
    size_t i = (size_t)node_hash(op, a, b, c, imm) & (d->n_slot - 1);
    for (; d->slot[i]; i = (i + 1) & (d->n_slot - 1)) {
        const prc_dnode *n = &d->node[d->slot[i] - 1];
        if (n->op == op && n->a == a && n->b == b && n->c == c && same_bits(n->imm, imm)) break;
    }
    return i;
}

static bool dag_rehash(prc_dag *d) {
    size_t n_slot = d->n_slot ? d->n_slot * 2 : 1024;
    int32_t *slot = prc_calloc(n_slot, sizeof *slot);
    if (!slot) return false;
    prc_free(d->slot);
    d->slot = slot, d->n_slot = n_slot;
    for (size_t i = 0; i < d->n; i++) {
        const prc_dnode *n = &d->node[i];
        d->slot[find_slot(d, n->op, n->a, n->b, n->c, n->imm)] = (int32_t)i + 1;
    }
    return true;
}

bool prc_dag_init(prc_dag *d, size_t n_bit, bool program) {
    memset(d, 0, sizeof *d);
    d->dep_words = n_bit / 64 + 1;
    d->program = program;
    if (!dag_rehash(d)) {
        d->failed = true;
        return false;
    }
    prc_dag_const(d, 0);
    prc_dag_const(d, 1);
    return !d->failed;
}

void prc_dag_reset(prc_dag *d) {
    prc_free(d->node);
    prc_free(d->slot);
    prc_free(d->dep);
    prc_free(d->memo);
    memset(d, 0, sizeof *d);
}

static int32_t dag_fail(prc_dag *d) {
    d->failed = true;
    return 0;
}

/* Class and dependencies of a new node from its operands. */
static void inherit(prc_dag *d, int32_t node) {
    prc_dnode *n = &d->node[node];
    const int32_t operand[3] = {n->a, n->b, n->c};
    for (int k = 0; k < prc_dag_arity(n->op); k++) {
        const prc_dnode *o = &d->node[operand[k]];
        if (o->cls > n->cls) n->cls = o->cls;
        if (o->depth >= n->depth) n->depth = o->depth + 1;
        for (size_t w = 0; w < d->dep_words; w++)
            d->dep[(size_t)node * d->dep_words + w] |= d->dep[(size_t)operand[k] * d->dep_words + w];
    }
}

int32_t prc_dag_intern(prc_dag *d, int32_t op, int32_t a, int32_t b, int32_t c, double imm) {
    if (d->failed) return 0;
    size_t s = find_slot(d, op, a, b, c, imm);
    if (d->slot[s]) return d->slot[s] - 1;
    if (d->n >= INT32_MAX / 4 || !PRC_GROW(d->node, d->n, d->cap)) return dag_fail(d);
    if (!prc_grow(&d->dep, &d->dep_cap, d->n + 1, d->dep_words * sizeof *d->dep)) return dag_fail(d);
    int32_t id = (int32_t)d->n++;
    d->node[id] = (prc_dnode){.op = op, .a = a, .b = b, .c = c, .imm = imm, .cls = PRC_CL_CONST};
    memset(d->dep + (size_t)id * d->dep_words, 0, d->dep_words * sizeof *d->dep);
    d->slot[s] = id + 1;
    if (op != PRC_N_LEAF) inherit(d, id);
    if (d->node[id].depth > PRC_DAG_DEPTH_MAX) {
        d->too_deep = true;
        return dag_fail(d);
    }
    if (d->n * 2 > d->n_slot && !dag_rehash(d)) return dag_fail(d);
    return id;
}

int32_t prc_dag_const(prc_dag *d, double x) {
    return prc_dag_intern(d, PRC_OP_CONST, -1, -1, -1, x);
}

int32_t prc_dag_leaf(prc_dag *d, int32_t leaf, prc_class cls, int bit) {
    int32_t id = prc_dag_intern(d, PRC_N_LEAF, leaf, -1, -1, 0);
    if (d->failed) return 0;
    d->node[id].cls = (int8_t)cls;
    if (bit >= 0) d->dep[(size_t)id * d->dep_words + (size_t)bit / 64] |= (uint64_t)1 << (bit % 64);
    return id;
}

bool prc_dag_depends(const prc_dag *d, int32_t node, int bit) {
    return (d->dep[(size_t)node * d->dep_words + (size_t)bit / 64] >> (bit % 64)) & 1;
}

/* ---- expressions to nodes ---------------------------------------------------------------------------------- */

typedef struct build {
    prc_dag *d;
    prc_dag_leaf_fn leaf;
    void *ctx;
    const prc_expr *bad;
} build;

static int32_t build_node(build *b, const prc_expr *e);

static int32_t build_unary(build *b, const prc_expr *e, int32_t op) {
    return prc_dag_op1(b->d, op, build_node(b, e->arg[0]));
}

static int32_t build_binary(build *b, const prc_expr *e, int32_t op, bool swap) {
    int32_t x = build_node(b, e->arg[0]);
    int32_t y = build_node(b, e->arg[1]);
    return swap ? prc_dag_op2(b->d, op, y, x) : prc_dag_op2(b->d, op, x, y);
}

static int32_t build_fold(build *b, const prc_expr *e, int32_t op) {
    int32_t x = build_node(b, e->arg[0]);
    for (size_t i = 1; i < e->n_arg; i++) x = prc_dag_op2(b->d, op, x, build_node(b, e->arg[i]));
    return x;
}

/* value, condition, ..., otherwise; without an otherwise the value is not a number, as in prc_expr_eval. */
static int32_t build_piecewise(build *b, const prc_expr *e) {
    size_t n = e->n_arg / 2;
    int32_t x = e->n_arg % 2 ? build_node(b, e->arg[e->n_arg - 1]) : prc_dag_const(b->d, (double)NAN);
    for (size_t i = n; i-- > 0;) {
        int32_t value = build_node(b, e->arg[2 * i]);
        int32_t condition = build_node(b, e->arg[2 * i + 1]);
        x = prc_dag_op(b->d, PRC_OP_SELECT, condition, value, x);
    }
    return x;
}

/* a - b trunc(a/b): sign of the dividend, as in C. */
static int32_t build_mod(build *b, const prc_expr *e) {
    prc_dag *d = b->d;
    int32_t x = build_node(b, e->arg[0]);
    int32_t y = build_node(b, e->arg[1]);
    int32_t q = prc_dag_intern(d, PRC_OP_DIV, x, y, -1, 0);
    int32_t down = prc_dag_op1(d, PRC_OP_FLOOR, q);
    int32_t up = prc_dag_op1(d, PRC_OP_CEIL, q);
    int32_t negative = prc_dag_op2(d, PRC_OP_LT, q, prc_dag_const(d, 0));
    int32_t whole = prc_dag_op(d, PRC_OP_SELECT, negative, up, down);
    return prc_dag_op2(d, PRC_OP_SUB, x, prc_dag_op2(d, PRC_OP_MUL, y, whole));
}

/* Operands are built one statement at a time: the order of arguments of a call is up to the compiler, the program must
 * not be. */
static int32_t build_log10(build *b, const prc_expr *e) {
    int32_t x = build_unary(b, e, PRC_OP_LOG);
    return prc_dag_op2(b->d, PRC_OP_DIV, x, prc_dag_const(b->d, prc_log(10.0)));
}

static int32_t build_call(build *b, const prc_expr *e) {
    switch (e->fn) {
    case PRC_FN_NEG:
        return build_unary(b, e, PRC_OP_NEG);
    case PRC_FN_ADD:
        return build_binary(b, e, PRC_OP_ADD, false);
    case PRC_FN_SUB:
        return build_binary(b, e, PRC_OP_SUB, false);
    case PRC_FN_MUL:
        return build_binary(b, e, PRC_OP_MUL, false);
    case PRC_FN_DIV:
        return build_binary(b, e, PRC_OP_DIV, false);
    case PRC_FN_MOD:
        return build_mod(b, e);
    case PRC_FN_POW:
        return build_binary(b, e, PRC_OP_POW, false);
    case PRC_FN_LT:
        return build_binary(b, e, PRC_OP_LT, false);
    case PRC_FN_LE:
        return build_binary(b, e, PRC_OP_LE, false);
    case PRC_FN_GT:
        return build_binary(b, e, PRC_OP_LT, true);
    case PRC_FN_GE:
        return build_binary(b, e, PRC_OP_LE, true);
    case PRC_FN_EQ:
        return build_binary(b, e, PRC_OP_EQ, false);
    case PRC_FN_NE:
        return build_binary(b, e, PRC_OP_NE, false);
    case PRC_FN_AND:
        return build_binary(b, e, PRC_OP_AND, false);
    case PRC_FN_OR:
        return build_binary(b, e, PRC_OP_OR, false);
    case PRC_FN_NOT:
        return build_unary(b, e, PRC_OP_NOT);
    case PRC_FN_EXP:
        return build_unary(b, e, PRC_OP_EXP);
    case PRC_FN_LN:
        return build_unary(b, e, PRC_OP_LOG);
    case PRC_FN_LOG10:
        return build_log10(b, e);
    case PRC_FN_SQRT:
        return build_unary(b, e, PRC_OP_SQRT);
    case PRC_FN_ABS:
        return build_unary(b, e, PRC_OP_ABS);
    case PRC_FN_MIN:
        return build_fold(b, e, PRC_OP_MIN);
    case PRC_FN_MAX:
        return build_fold(b, e, PRC_OP_MAX);
    case PRC_FN_FLOOR:
        return build_unary(b, e, PRC_OP_FLOOR);
    case PRC_FN_CEIL:
        return build_unary(b, e, PRC_OP_CEIL);
    case PRC_FN_SIN:
        return build_unary(b, e, PRC_OP_SIN);
    case PRC_FN_COS:
        return build_unary(b, e, PRC_OP_COS);
    case PRC_FN_TAN:
        return build_unary(b, e, PRC_OP_TAN);
    case PRC_FN_TANH:
        return build_unary(b, e, PRC_OP_TANH);
    case PRC_FN_PIECEWISE:
        return build_piecewise(b, e);
    case PRC_FN_USER:
    case PRC_FN_COUNT:
        break;
    }
    if (!b->bad) b->bad = e;
    return 0;
}

static int32_t build_node(build *b, const prc_expr *e) {
    if (b->d->failed || b->bad) return 0;
    if (e->kind == PRC_EX_NUMBER) return prc_dag_const(b->d, e->number);
    if (e->kind == PRC_EX_CALL) return build_call(b, e);
    int32_t id = b->leaf(b->ctx, e->kind == PRC_EX_TIME ? "time" : e->name);
    if (id >= 0) return id;
    b->bad = e;
    return 0;
}

int32_t prc_dag_expr(prc_dag *d, const prc_expr *e, prc_dag_leaf_fn leaf, void *ctx, const prc_expr **bad) {
    build b = {d, leaf, ctx, NULL};
    int32_t id = build_node(&b, e);
    *bad = b.bad;
    return id;
}

/* De Morgan carries the negation down to the comparisons, where it turns the distance round. */
static int32_t build_trigger(build *b, const prc_expr *e, bool negated) {
    prc_dag *d = b->d;
    if (e->kind == PRC_EX_CALL) switch (e->fn) {
        case PRC_FN_GT:
        case PRC_FN_GE:
            return build_binary(b, e, PRC_OP_SUB, negated);
        case PRC_FN_LT:
        case PRC_FN_LE:
            return build_binary(b, e, PRC_OP_SUB, !negated);
        case PRC_FN_EQ:
            return build_binary(b, e, negated ? PRC_OP_NE : PRC_OP_EQ, false);
        case PRC_FN_NE:
            return build_binary(b, e, negated ? PRC_OP_EQ : PRC_OP_NE, false);
        case PRC_FN_NOT:
            return build_trigger(b, e->arg[0], !negated);
        case PRC_FN_AND:
        case PRC_FN_OR: {
            int32_t x = build_trigger(b, e->arg[0], negated);
            int32_t y = build_trigger(b, e->arg[1], negated);
            return prc_dag_op2(d, (e->fn == PRC_FN_AND) != negated ? PRC_OP_MIN : PRC_OP_MAX, x, y);
        }
        default:
            break;
        }
    int32_t x = build_node(b, e);
    return negated ? prc_dag_op1(d, PRC_OP_NOT, x) : x;
}

int32_t prc_dag_trigger(prc_dag *d, const prc_expr *e, prc_dag_leaf_fn leaf, void *ctx, const prc_expr **bad) {
    build b = {d, leaf, ctx, NULL};
    int32_t id = build_trigger(&b, e, false);
    *bad = b.bad;
    return id;
}
