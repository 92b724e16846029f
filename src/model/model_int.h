/* model_int.h: private parts of the model module: name lookup, the expression graph, straight-line lowering. */
#ifndef PRC_MODEL_INT_H
#define PRC_MODEL_INT_H

#include "paracrine/model.h"

/* ---- names ------------------------------------------------------------------------------------------------- */

/* Text to index, in an arena; entries keep the order of insertion. */
typedef struct prc_names {
    prc_arena *arena;
    const char **key;
    int *value;
    size_t n, cap;
    int *slot; /* open addressing, entry + 1, 0 = empty */
    size_t n_slot;
} prc_names;
prc_names *prc_names_create(prc_arena *arena);
/* Value of a key, -1 if absent. */
int prc_names_find(const prc_names *t, const char *key);
/* Adds a key that is not there yet; key must outlive the table. False when out of memory. */
bool prc_names_add(prc_names *t, const char *key, int value);

/* ---- order and units --------------------------------------------------------------------------------------- */

/* Puts the assigned variables in evaluation order and checks the initial values for loops. */
prc_status prc_model_order(prc_model *m, prc_error *err);
/* Variables with a rule or an initial value, each after those its value at the start depends on. order: room for n_var.
 */
prc_status prc_model_start_order(const prc_model *m, int *order, size_t *n, prc_error *err);
/* A name of the flattened model that is a reaction: its index, else -1. */
int prc_model_find_reaction(const prc_model *m, const char *name);
/* True when the expression has neither names nor time. */
bool prc_expr_is_constant(const prc_expr *e);

/* One equation whose two sides must have the same dimension. */
typedef struct prc_equation {
    const char *source;
    int line, col;
    const char *name;     /* left side, for messages */
    const char *relation; /* what the expression is to the name: "rule", "rate", "initial value" */
    const prc_expr *expr;
    prc_dim want;
} prc_equation;
/* Divides a dimension by another; unknown if either is. */
void prc_dim_per(prc_dim *d, const prc_dim *by);
/* Checks one equation; expressions without names take the dimension of the left side. */
prc_status prc_model_check_units(const prc_model *m, const prc_dim *time, const prc_equation *q, prc_error *err);

/* ---- expression graph ---------------------------------------------------------------------------------------- */

typedef enum prc_class { PRC_CL_NONE = -1, PRC_CL_CONST, PRC_CL_PATIENT, PRC_CL_DYNAMIC } prc_class;

/* Node kinds besides the operations of the kernel. */
enum {
    PRC_N_LEAF = PRC_OP_COUNT, /* a = number of the leaf */
    PRC_N_IPOW,                /* a to the power imm (an integer); b = the product it stands for */
    PRC_N_RPOW,                /* a >= 0 to the power b; c = exp(b log a), which it stands for */
};

typedef struct prc_dnode {
    int32_t op, a, b, c; /* unused operands are -1 */
    double imm;
    int32_t depth; /* longest way down to a leaf */
    int8_t cls;
} prc_dnode;

/* Deeper graphs are refused: they are walked by recursion. */
#define PRC_DAG_DEPTH_MAX 10000

/* Hash-consed graph: equal expressions are one node; operands have smaller numbers than the node. Node 0 is the
 * constant 0, node 1 the constant 1. After a failed allocation, or when the graph gets too deep (too_deep), `failed` is
 * set and every call returns node 0. */
typedef struct prc_dag {
    prc_dnode *node;
    size_t n, cap;
    int32_t *slot; /* node + 1, 0 = empty */
    size_t n_slot;
    uint64_t *dep; /* n x dep_words: which leaf bits a node depends on */
    size_t dep_words, dep_cap;
    struct prc_dag_memo {
        int32_t node, bit, value;
    } * memo; /* derivatives found so far, open addressing, value + 1 */
    size_t n_memo, memo_slots;
    bool program; /* reciprocals instead of divisions, guarded powers, constant factors gathered */
    bool too_deep;
    bool failed;
} prc_dag;

bool prc_dag_init(prc_dag *d, size_t n_bit, bool program);
void prc_dag_reset(prc_dag *d);
int32_t prc_dag_const(prc_dag *d, double x);
/* A leaf; bit < 0: nothing is ever derived by it. */
int32_t prc_dag_leaf(prc_dag *d, int32_t leaf, prc_class cls, int bit);
/* The node for an operation exactly as given; for use by simplify.c. */
int32_t prc_dag_intern(prc_dag *d, int32_t op, int32_t a, int32_t b, int32_t c, double imm);
bool prc_dag_depends(const prc_dag *d, int32_t node, int bit);
static inline bool prc_dag_is(const prc_dag *d, int32_t node, double x) {
    return d->node[node].op == PRC_OP_CONST && d->node[node].imm >= x && d->node[node].imm <= x;
}
/* Number of operands that are nodes. */
int prc_dag_arity(int32_t op);

/* The node for an operation, simplified (simplify.c). */
int32_t prc_dag_op(prc_dag *d, int32_t op, int32_t a, int32_t b, int32_t c);
static inline int32_t prc_dag_op1(prc_dag *d, int32_t op, int32_t a) {
    return prc_dag_op(d, op, a, -1, -1);
}
static inline int32_t prc_dag_op2(prc_dag *d, int32_t op, int32_t a, int32_t b) {
    return prc_dag_op(d, op, a, b, -1);
}
/* Derivative by a leaf bit (derive.c). */
int32_t prc_dag_derive(prc_dag *d, int32_t node, int bit);
/* An expression as a node. leaf: node of a name ("time" for time), -1 = unknown: then *bad is the place. */
typedef int32_t (*prc_dag_leaf_fn)(void *ctx, const char *name);
int32_t prc_dag_expr(prc_dag *d, const prc_expr *e, prc_dag_leaf_fn leaf, void *ctx, const prc_expr **bad);
/* A condition as a number that is positive where it holds; a continuous distance for inequalities. */
int32_t prc_dag_trigger(prc_dag *d, const prc_expr *e, prc_dag_leaf_fn leaf, void *ctx, const prc_expr **bad);

/* ---- lowering ---------------------------------------------------------------------------------------------- */

/* A piece over virtual registers: numbers below dag.n are nodes, those above are made up during lowering. */
typedef struct prc_piece {
    prc_instr *instr;
    size_t n_instr, cap_instr;
    int32_t *arg;
    size_t n_arg, cap_arg;
    prc_class given;   /* nodes up to this class are computed elsewhere */
    int32_t n_virtual; /* dag.n + made-up registers */
    int32_t *result;   /* virtual register of each root */
    size_t n_result;
} prc_piece;

typedef enum prc_copy { PRC_COPY_NONE, PRC_COPY_STATE, PRC_COPY_LEAF } prc_copy;

/* Straight-line code for the roots; nodes up to class `given` are taken as already computed. copy: which leaves must
 * not be a result themselves (they may be overwritten before the result is read). n_state_leaf: leaves
 * 0..n_state_leaf-1 are time and states. */
bool prc_piece_lower(prc_piece *p, const prc_dag *d, prc_class given, const int32_t *root, size_t n_root, prc_copy copy,
                     int32_t n_state_leaf);
void prc_piece_reset(prc_piece *p);
/* Marks every node that the piece reads but does not compute. */
void prc_piece_inputs(prc_piece *p, const prc_dag *d, uint8_t *mark);
/* Gives virtual registers real ones: fixed[node] where >= 0, else from `base` on, reused once dead. *top rises to the
 * first register not used. Writes code and arguments; results to reg (n_result). False when out of memory. */
typedef struct prc_arg_pool {
    int32_t *arg;
    size_t n, cap;
} prc_arg_pool;
bool prc_piece_allocate(prc_piece *p, const prc_dag *d, const int32_t *fixed, int32_t base, int32_t *top,
                        prc_arena *arena, prc_arg_pool *pool, prc_code *code, int32_t *reg);

/* ---- sparse LU --------------------------------------------------------------------------------------------- */

/* Order, fill and registers of the factors, then code (sparse_lu.c). Registers from first_reg on: reciprocal pivots,
 * one scratch register, entries. */
typedef struct prc_lu_input {
    size_t n, n_jac;
    const int32_t *row, *col, *reg_jac;
    int32_t reg_hginv, reg_rhs, reg_zero, first_reg;
} prc_lu_input;
typedef struct prc_lu {
    size_t n, n_entry; /* off-diagonal and diagonal entries of L+U */
    int32_t *order;    /* elimination order: order[k] = state */
    int32_t *slot;     /* n x n in elimination order: entry number of an off-diagonal entry, -1 = structurally zero */
    size_t n_slot;
} prc_lu;
/* Symbolic part: needs only the pattern. Memory by prc_malloc; freed by prc_lu_reset. */
bool prc_lu_analyse(prc_lu *lu, size_t n, size_t n_jac, const int32_t *row, const int32_t *col);
void prc_lu_reset(prc_lu *lu);
/* Registers the factors need. */
static inline int32_t prc_lu_registers(const prc_lu *lu) {
    return (int32_t)(lu->n + lu->n_slot + 1);
}
bool prc_lu_emit(const prc_lu *lu, const prc_lu_input *in, prc_arena *arena, prc_arg_pool *pool, prc_code *factor,
                 prc_code *solve);

/* Appends to a growing list of arguments. */
bool prc_pool_add(prc_arg_pool *pool, int32_t x);

#endif
