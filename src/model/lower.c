/* Graph to straight-line code: operands depth first, sums of products fused, then registers by liveness. */
#include "model_int.h"

#include <string.h>

typedef struct term {
    int32_t node;
    bool minus;
} term;

typedef struct lower {
    const prc_dag *d;
    prc_piece *p;
    prc_class given;
    int32_t *uses; /* uses within the piece */
    uint8_t *root, *done;
    term *stack; /* terms of the sums being emitted */
    size_t n_stack, cap_stack;
    bool failed;
} lower;

/* A power stands for what computes it. */
static int32_t resolve(const prc_dag *d, int32_t n) {
    const prc_dnode *x = &d->node[n];
    return x->op == PRC_N_IPOW ? x->b : x->op == PRC_N_RPOW ? x->c : n;
}

static bool is_given(const lower *w, int32_t n) {
    return w->d->node[n].op == PRC_N_LEAF || w->d->node[n].cls <= w->given;
}

static int32_t operand(const lower *w, int32_t n, int k) {
    const prc_dnode *x = &w->d->node[n];
    return resolve(w->d, k == 0 ? x->a : k == 1 ? x->b : x->c);
}

static void count_uses(lower *w, int32_t n) {
    if (w->uses[n]++ > 0 || is_given(w, n)) return;
    for (int k = 0; k < prc_dag_arity(w->d->node[n].op); k++) count_uses(w, operand(w, n, k));
}

/* A node used once may be folded into its user. */
static bool absorbed(const lower *w, int32_t n) {
    return !is_given(w, n) && w->uses[n] == 1 && !w->root[n] && !w->done[n];
}

static void add_instr(lower *w, int32_t op, int32_t dst, int32_t a, int32_t b, int32_t c, double imm) {
    prc_piece *p = w->p;
    if (w->failed || !PRC_GROW(p->instr, p->n_instr, p->cap_instr)) {
        w->failed = true;
        return;
    }
    p->instr[p->n_instr++] = (prc_instr){.op = op, .dst = dst, .a = a, .b = b, .c = c, .imm = imm};
}

static void add_arg(lower *w, int32_t x) {
    prc_piece *p = w->p;
    if (w->failed || !PRC_GROW(p->arg, p->n_arg, p->cap_arg)) {
        w->failed = true;
        return;
    }
    p->arg[p->n_arg++] = x;
}

static void push_term(lower *w, int32_t n, bool minus) {
    if (w->failed || !PRC_GROW(w->stack, w->n_stack, w->cap_stack)) {
        w->failed = true;
        return;
    }
    w->stack[w->n_stack++] = (term){n, minus};
}

static void emit(lower *w, int32_t n);

/* Terms of a sum, left to right, through sums that nobody else needs. */
static void collect(lower *w, int32_t n, bool minus, bool top) {
    int32_t op = w->d->node[n].op;
    bool sum = op == PRC_OP_ADD || op == PRC_OP_SUB || op == PRC_OP_NEG;
    if (!sum || !(top || absorbed(w, n))) {
        push_term(w, n, minus);
        return;
    }
    collect(w, operand(w, n, 0), op == PRC_OP_NEG ? !minus : minus, false);
    if (op != PRC_OP_NEG) collect(w, operand(w, n, 1), op == PRC_OP_SUB ? !minus : minus, false);
}

static bool is_product(const lower *w, int32_t n) {
    return w->d->node[n].op == PRC_OP_MUL && absorbed(w, n);
}

static void emit_term(lower *w, int32_t n) {
    if (!is_product(w, n)) {
        emit(w, n);
        return;
    }
    emit(w, operand(w, n, 0));
    emit(w, operand(w, n, 1));
}

/* Pairs of the terms of one sign; node 1 is the constant 1. Returns where they start. */
static int32_t add_pairs(lower *w, size_t first, size_t last, bool minus) {
    int32_t start = (int32_t)w->p->n_arg;
    for (size_t i = first; i < last; i++) {
        if (w->stack[i].minus != minus) continue;
        int32_t n = w->stack[i].node;
        bool product = is_product(w, n);
        add_arg(w, product ? operand(w, n, 0) : n);
        add_arg(w, product ? operand(w, n, 1) : 1);
    }
    return start;
}

typedef struct tally {
    int32_t n, products;
    int32_t plain, product; /* one of each kind, -1 = none */
} tally;

static tally count_terms(const lower *w, size_t first, size_t last, bool minus) {
    tally t = {0, 0, -1, -1};
    for (size_t i = first; i < last; i++) {
        if (w->stack[i].minus != minus) continue;
        int32_t n = w->stack[i].node;
        t.n++;
        if (is_product(w, n))
            t.products++, t.product = n;
        else
            t.plain = n;
    }
    return t;
}

/* The terms with a plus sign into dst; returns the register that holds their sum (0, the constant 0, if there are
 * none). */
static int32_t emit_plus(lower *w, size_t first, size_t last, int32_t dst) {
    tally t = count_terms(w, first, last, false);
    if (t.n == 0) return 0;
    if (t.n == 1 && t.products == 0) return t.plain;
    if (t.n == 1) {
        add_instr(w, PRC_OP_MUL, dst, operand(w, t.product, 0), operand(w, t.product, 1), 0, 0);
    } else if (t.n == 2 && t.products == 1) {
        add_instr(w, PRC_OP_MULADD, dst, operand(w, t.product, 0), operand(w, t.product, 1), t.plain, 0);
    } else if (t.products == 0) {
        int32_t start = (int32_t)w->p->n_arg;
        for (size_t i = first; i < last; i++)
            if (!w->stack[i].minus) add_arg(w, w->stack[i].node);
        if (t.n > 2)
            add_instr(w, PRC_OP_SUM, dst, t.n, start, 0, 0);
        else if (!w->failed)
            add_instr(w, PRC_OP_ADD, dst, w->p->arg[start], w->p->arg[start + 1], 0, 0);
    } else {
        int32_t start = add_pairs(w, first, last, false);
        add_instr(w, PRC_OP_SUMPROD, dst, t.n, start, 0, 0);
    }
    return dst;
}

static void emit_minus(lower *w, size_t first, size_t last, int32_t from, int32_t dst) {
    tally t = count_terms(w, first, last, true);
    if (t.n == 1 && t.products == 0) {
        if (from == 0)
            add_instr(w, PRC_OP_NEG, dst, t.plain, 0, 0, 0);
        else
            add_instr(w, PRC_OP_SUB, dst, from, t.plain, 0, 0);
    } else if (t.n == 1) {
        add_instr(w, PRC_OP_MULSUB, dst, operand(w, t.product, 0), operand(w, t.product, 1), from, 0);
    } else {
        int32_t start = add_pairs(w, first, last, true);
        add_instr(w, PRC_OP_SUBPROD, dst, t.n, start, from, 0);
    }
}

static void emit_sum(lower *w, int32_t n) {
    size_t first = w->n_stack;
    collect(w, n, false, true);
    size_t last = w->n_stack;
    for (size_t i = first; i < last && !w->failed; i++) emit_term(w, w->stack[i].node);
    if (w->failed) return;
    bool minus = count_terms(w, first, last, true).n > 0;
    int32_t from = emit_plus(w, first, last, minus ? w->p->n_virtual : n);
    if (minus && from == w->p->n_virtual) w->p->n_virtual++;
    if (minus) emit_minus(w, first, last, from, n);
    w->n_stack = first;
}

static void emit_mul(lower *w, int32_t n) {
    int32_t a = operand(w, n, 0), b = operand(w, n, 1);
    if (!is_product(w, a) && is_product(w, b)) {
        int32_t t = a;
        a = b, b = t;
    }
    if (a != b && is_product(w, a)) {
        emit(w, operand(w, a, 0));
        emit(w, operand(w, a, 1));
        emit(w, b);
        add_instr(w, PRC_OP_MUL3, n, operand(w, a, 0), operand(w, a, 1), b, 0);
        return;
    }
    emit(w, a);
    emit(w, b);
    add_instr(w, PRC_OP_MUL, n, a, b, 0, 0);
}

static void emit(lower *w, int32_t n) {
    if (w->failed || is_given(w, n) || w->done[n]) return;
    const prc_dnode *x = &w->d->node[n];
    if (x->op == PRC_OP_CONST)
        add_instr(w, PRC_OP_CONST, n, 0, 0, 0, x->imm);
    else if (x->op == PRC_OP_ADD || x->op == PRC_OP_SUB || x->op == PRC_OP_NEG)
        emit_sum(w, n);
    else if (x->op == PRC_OP_MUL)
        emit_mul(w, n);
    else {
        int32_t r[3] = {0, 0, 0};
        for (int k = 0; k < prc_dag_arity(x->op); k++) emit(w, r[k] = operand(w, n, k));
        add_instr(w, x->op, n, r[0], r[1], r[2], 0);
    }
    w->done[n] = 1;
}

/* The register of a root; a leaf that may change before the result is read is copied. */
static int32_t root_result(lower *w, int32_t n, prc_copy copy, int32_t n_state_leaf) {
    const prc_dnode *x = &w->d->node[n];
    bool unsafe = x->op == PRC_N_LEAF && (copy == PRC_COPY_LEAF || (copy == PRC_COPY_STATE && x->a < n_state_leaf));
    if (!unsafe) return n;
    add_instr(w, PRC_OP_MOV, w->p->n_virtual, n, 0, 0, 0);
    return w->p->n_virtual++;
}

static bool schedule(prc_piece *p);

bool prc_piece_lower(prc_piece *p, const prc_dag *d, prc_class given, const int32_t *root, size_t n_root, prc_copy copy,
                     int32_t n_state_leaf) {
    lower w = {.d = d, .p = p, .given = given};
    memset(p, 0, sizeof *p);
    p->given = given;
    p->n_virtual = (int32_t)d->n;
    p->n_result = n_root;
    w.uses = prc_calloc(d->n, sizeof *w.uses);
    w.root = prc_calloc(d->n, 1);
    w.done = prc_calloc(d->n, 1);
    p->result = prc_calloc(n_root + 1, sizeof *p->result);
    w.failed = !w.uses || !w.root || !w.done || !p->result;
    for (size_t i = 0; i < n_root && !w.failed; i++) {
        count_uses(&w, resolve(d, root[i]));
        w.root[resolve(d, root[i])] = 1;
    }
    for (size_t i = 0; i < n_root && !w.failed; i++) {
        emit(&w, resolve(d, root[i]));
        p->result[i] = root_result(&w, resolve(d, root[i]), copy, n_state_leaf);
    }
    prc_free(w.uses);
    prc_free(w.root);
    prc_free(w.done);
    prc_free(w.stack);
    return !w.failed && schedule(p);
}

void prc_piece_reset(prc_piece *p) {
    prc_free(p->instr);
    prc_free(p->arg);
    prc_free(p->result);
    memset(p, 0, sizeof *p);
}

/* ---- registers --------------------------------------------------------------------------------------------- */

typedef void (*read_fn)(void *ctx, int32_t *reg);

/* Calls visit for every register that an instruction reads. */
static void each_read(prc_instr *x, int32_t *arg, read_fn visit, void *ctx) {
    int32_t n = x->op == PRC_OP_SUM ? x->a : 2 * x->a;
    switch (x->op) {
    case PRC_OP_CONST:
        return;
    case PRC_OP_SUM:
    case PRC_OP_SUMPROD:
    case PRC_OP_SUBPROD:
        for (int32_t i = 0; i < n; i++) visit(ctx, &arg[x->b + i]);
        if (x->op == PRC_OP_SUBPROD) visit(ctx, &x->c);
        return;
    case PRC_OP_MULADD:
    case PRC_OP_MULSUB:
    case PRC_OP_MUL3:
    case PRC_OP_SELECT:
        visit(ctx, &x->a);
        visit(ctx, &x->b);
        visit(ctx, &x->c);
        return;
    default:
        visit(ctx, &x->a);
        if (prc_dag_arity(x->op) > 1) visit(ctx, &x->b);
    }
}

/* ---- order of the instructions ------------------------------------------------------------------------------- */

/* A chain of instructions, each waiting for the one before, leaves the processor idle. So that neighbours are independent, the next
 * instruction is taken from a window of those that follow: the one that can start first, the longest way to the end deciding. The
 * window keeps values from living long. */
enum { WINDOW = 24, ISSUE = 4 };

static int32_t latency(const prc_instr *x) {
    switch (x->op) {
    case PRC_OP_RCP:
    case PRC_OP_DIV:
    case PRC_OP_SQRT:
        return 40;
    case PRC_OP_EXP:
    case PRC_OP_LOG:
        return 80;
    case PRC_OP_POW:
        return 200;
    case PRC_OP_SUM:
    case PRC_OP_SUMPROD:
    case PRC_OP_SUBPROD:
        return 8 + 4 * x->a;
    default:
        return 12;
    }
}

typedef struct scheduler {
    prc_piece *p;
    int32_t *maker;        /* instruction that writes a virtual register, -1 = none */
    int32_t *height, *end; /* longest way from an instruction to the end; when its result is there, -1 = not placed */
    int32_t at, start;     /* instruction looked at; when its operands are there, -1 = never yet */
} scheduler;

static void raise_height(void *ctx, int32_t *reg) {
    scheduler *s = ctx;
    int32_t m = s->maker[*reg];
    if (m < 0) return;
    int32_t h = s->height[s->at] + latency(&s->p->instr[m]);
    if (h > s->height[m]) s->height[m] = h;
}

static void wait_for(void *ctx, int32_t *reg) {
    scheduler *s = ctx;
    int32_t m = s->maker[*reg];
    if (m < 0 || s->start < 0) return;
    if (s->end[m] < 0)
        s->start = -1;
    else if (s->end[m] > s->start)
        s->start = s->end[m];
}

/* The best of the window at a time, and when it starts. */
static int32_t choose(scheduler *s, const int32_t *left, int32_t n, int32_t now, int32_t *start) {
    int32_t best = -1;
    for (int32_t k = 0; k < n; k++) {
        s->at = left[k], s->start = now;
        each_read(&s->p->instr[s->at], s->p->arg, wait_for, s);
        if (s->start < 0) continue;
        bool better = best < 0 || s->start < *start ||
                      (s->start == *start && s->height[s->at] > s->height[left[best]]);
        if (better) best = k, *start = s->start;
    }
    return best;
}

static bool schedule(prc_piece *p) {
    int32_t n = (int32_t)p->n_instr, now = 0, seen = 0, n_left = 0, left[WINDOW];
    scheduler s = {.p = p};
    prc_instr *out = prc_malloc(p->n_instr + 1, sizeof *out);
    s.maker = prc_malloc((size_t)p->n_virtual + 1, sizeof *s.maker);
    s.height = prc_calloc(p->n_instr + 1, sizeof *s.height);
    s.end = prc_malloc(p->n_instr + 1, sizeof *s.end);
    bool ok = out && s.maker && s.height && s.end;
    if (ok) {
        for (int32_t v = 0; v < p->n_virtual; v++) s.maker[v] = -1;
        for (int32_t i = 0; i < n; i++) s.maker[p->instr[i].dst] = i, s.end[i] = -1;
        for (s.at = n; s.at-- > 0;) each_read(&p->instr[s.at], p->arg, raise_height, &s);
        for (int32_t k = 0; k < n; k++) {
            int32_t start = 0;
            while (n_left < WINDOW && seen < n) left[n_left++] = seen++;
            int32_t best = choose(&s, left, n_left, now, &start), i = left[best];
            out[k] = p->instr[i];
            s.end[i] = start + latency(&p->instr[i]);
            now += ISSUE;
            memmove(left + best, left + best + 1, (size_t)(--n_left - best) * sizeof *left);
        }
        if (n > 0) memcpy(p->instr, out, p->n_instr * sizeof *out);
    }
    prc_free(out);
    prc_free(s.maker);
    prc_free(s.height);
    prc_free(s.end);
    return ok;
}

static bool is_leaf_or_given(const prc_piece *p, const prc_dag *d, int32_t reg) {
    return (size_t)reg < d->n && (d->node[reg].op == PRC_N_LEAF || d->node[reg].cls <= p->given);
}

typedef struct marking {
    const prc_piece *p;
    const prc_dag *d;
    uint8_t *mark;
} marking;

static void mark_read(void *ctx, int32_t *reg) {
    marking *m = ctx;
    if (is_leaf_or_given(m->p, m->d, *reg)) m->mark[*reg] = 1;
}

void prc_piece_inputs(prc_piece *p, const prc_dag *d, uint8_t *mark) {
    marking m = {p, d, mark};
    for (size_t i = 0; i < p->n_instr; i++) each_read(&p->instr[i], p->arg, mark_read, &m);
    for (size_t i = 0; i < p->n_result; i++) mark_read(&m, &p->result[i]);
}

typedef struct allocator {
    int32_t *last;  /* last instruction that reads a virtual register, INT32_MAX for results */
    int32_t *real;  /* real register, -1 = none now */
    int32_t *spare; /* registers free for use, the last freed on top: it is the likeliest to be in the cache */
    size_t n_spare;
    int32_t at, base, top;
} allocator;

static void note_read(void *ctx, int32_t *reg) {
    allocator *a = ctx;
    if (a->last[*reg] != INT32_MAX) a->last[*reg] = a->at;
}

static void map_read(void *ctx, int32_t *reg) {
    allocator *a = ctx;
    *reg = a->real[*reg];
}

static void free_read(void *ctx, int32_t *reg) {
    allocator *a = ctx;
    if (a->last[*reg] != a->at || a->real[*reg] < a->base) return;
    a->spare[a->n_spare++] = a->real[*reg];
    a->real[*reg] = -1;
}

/* One instruction with real registers. The result of a list operation never shares a register with an operand. */
static bool allocate_one(allocator *a, const prc_piece *p, prc_instr *x, prc_arg_pool *pool) {
    prc_instr virt = *x;
    bool list = x->op == PRC_OP_SUM || x->op == PRC_OP_SUMPROD || x->op == PRC_OP_SUBPROD;
    if (list) {
        int32_t n = x->op == PRC_OP_SUM ? x->a : 2 * x->a, start = (int32_t)pool->n;
        for (int32_t i = 0; i < n; i++)
            if (!prc_pool_add(pool, p->arg[x->b + i])) return false;
        x->b = start;
    }
    each_read(x, pool->arg, map_read, a);
    if (!list) each_read(&virt, p->arg, free_read, a);
    int32_t *dst = &a->real[x->dst];
    if (*dst < 0) *dst = a->n_spare ? a->spare[--a->n_spare] : a->top++;
    if (list) each_read(&virt, p->arg, free_read, a);
    x->dst = *dst;
    return true;
}

bool prc_pool_add(prc_arg_pool *pool, int32_t x) {
    if (!PRC_GROW(pool->arg, pool->n, pool->cap)) return false;
    pool->arg[pool->n++] = x;
    return true;
}

bool prc_piece_allocate(prc_piece *p, const prc_dag *d, const int32_t *fixed, int32_t base, int32_t *top,
                        prc_arena *arena, prc_arg_pool *pool, prc_code *code, int32_t *reg) {
    size_t n = (size_t)p->n_virtual;
    allocator a = {.base = base, .top = base};
    bool ok = false;
    prc_instr *instr = prc_arena_alloc(arena, p->n_instr + 1, sizeof *instr);
    a.last = prc_malloc(n, sizeof *a.last);
    a.real = prc_malloc(n, sizeof *a.real);
    a.spare = prc_malloc(n, sizeof *a.spare);
    if (!instr || !a.last || !a.real || !a.spare) goto out;
    for (size_t v = 0; v < n; v++) {
        a.last[v] = -1;
        a.real[v] = v < d->n ? fixed[v] : -1;
    }
    for (size_t i = 0; i < p->n_result; i++) a.last[p->result[i]] = INT32_MAX;
    for (a.at = 0; (size_t)a.at < p->n_instr; a.at++) each_read(&p->instr[a.at], p->arg, note_read, &a);
    for (a.at = 0; (size_t)a.at < p->n_instr; a.at++) {
        instr[a.at] = p->instr[a.at];
        if (!allocate_one(&a, p, &instr[a.at], pool)) goto out;
    }
    for (size_t i = 0; i < p->n_result; i++) reg[i] = a.real[p->result[i]];
    if (a.top > *top) *top = a.top;
    *code = (prc_code){instr, p->n_instr};
    ok = true;
out:
    prc_free(a.last);
    prc_free(a.real);
    prc_free(a.spare);
    return ok;
}
