/* Sparse LU of W = I/(h gamma) - J with diagonal pivots, as straight-line code.
 *
 * The order is Markowitz's (least (row-1)(column-1) among the diagonal, ties to the lower state). Factors are those of
 * -W = L U with U unit upper triangular (Crout), so that entries of J enter with their own sign. L's rows are divided
 * by the pivots at the end: then a substitution needs one instruction a row: forward   y_i = b_i r_i + sum_k l_ik y_k,
 * r_i = 1 / pivot of W, l_ik scaled by r_i backward  x_i = y_i - sum_j u_ij x_j */
#include "model_int.h"

#include <string.h>

/* ---- symbolic ---------------------------------------------------------------------------------------------- */

static size_t markowitz_cost(const uint8_t *w, const uint8_t *gone, size_t n, size_t i) {
    size_t row = 0, col = 0;
    for (size_t j = 0; j < n; j++) {
        if (gone[j] || j == i) continue;
        row += w[i * n + j];
        col += w[j * n + i];
    }
    return row * col;
}

static size_t cheapest(const uint8_t *w, const uint8_t *gone, size_t n) {
    size_t best = n, least = 0;
    for (size_t i = 0; i < n; i++) {
        if (gone[i]) continue;
        size_t cost = markowitz_cost(w, gone, n, i);
        if (best == n || cost < least) best = i, least = cost;
    }
    return best;
}

/* Entries that eliminating state i makes non-zero. */
static void fill_in(uint8_t *w, const uint8_t *gone, size_t n, size_t i) {
    for (size_t r = 0; r < n; r++) {
        if (gone[r] || !w[r * n + i]) continue;
        for (size_t c = 0; c < n; c++)
            if (!gone[c] && w[i * n + c]) w[r * n + c] = 1;
    }
}

static void number_entries(prc_lu *lu, const uint8_t *w) {
    size_t n = lu->n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            bool entry = i != j && w[(size_t)lu->order[i] * n + (size_t)lu->order[j]];
            lu->slot[i * n + j] = entry ? (int32_t)lu->n_slot++ : -1;
        }
    lu->n_entry = lu->n_slot + n;
}

bool prc_lu_analyse(prc_lu *lu, size_t n, size_t n_jac, const int32_t *row, const int32_t *col) {
    memset(lu, 0, sizeof *lu);
    lu->n = n;
    uint8_t *w = prc_calloc(n * n + 1, 1), *gone = prc_calloc(n + 1, 1);
    lu->order = prc_calloc(n + 1, sizeof *lu->order);
    lu->slot = prc_calloc(n * n + 1, sizeof *lu->slot);
    bool ok = w && gone && lu->order && lu->slot;
    if (ok) {
        for (size_t i = 0; i < n; i++) w[i * n + i] = 1;
        for (size_t k = 0; k < n_jac; k++) w[(size_t)row[k] * n + (size_t)col[k]] = 1;
        for (size_t k = 0; k < n; k++) {
            size_t i = cheapest(w, gone, n);
            lu->order[k] = (int32_t)i;
            gone[i] = 1;
            fill_in(w, gone, n, i);
        }
        number_entries(lu, w);
    }
    prc_free(w);
    prc_free(gone);
    return ok;
}

void prc_lu_reset(prc_lu *lu) {
    prc_free(lu->order);
    prc_free(lu->slot);
    memset(lu, 0, sizeof *lu);
}

/* ---- code -------------------------------------------------------------------------------------------------- */

typedef struct emitter {
    const prc_lu *lu;
    const prc_lu_input *in;
    prc_arg_pool *pool;
    prc_instr *instr;
    size_t n, cap;
    int32_t *jac; /* n x n in elimination order: register of the entry of J, -1 = zero */
    bool failed;
} emitter;

static void add(emitter *e, int32_t op, int32_t dst, int32_t a, int32_t b, int32_t c) {
    if (e->failed || !PRC_GROW(e->instr, e->n, e->cap)) {
        e->failed = true;
        return;
    }
    e->instr[e->n++] = (prc_instr){.op = op, .dst = dst, .a = a, .b = b, .c = c};
}

static void add_pair(emitter *e, int32_t a, int32_t b) {
    if (!prc_pool_add(e->pool, a) || !prc_pool_add(e->pool, b)) e->failed = true;
}

static int32_t pivot_reg(const emitter *e, size_t i) {
    return e->in->first_reg + e->lu->order[i];
}
static int32_t scratch_reg(const emitter *e) {
    return e->in->first_reg + (int32_t)e->lu->n;
}
static int32_t rhs_reg(const emitter *e, size_t i) {
    return e->in->reg_rhs + e->lu->order[i];
}
/* Register of the entry (i, j) of the factors, -1 = structurally zero. */
static int32_t entry_reg(const emitter *e, size_t i, size_t j) {
    int32_t s = e->lu->slot[i * e->lu->n + j];
    return s < 0 ? -1 : scratch_reg(e) + 1 + s;
}

/* from - sum over k < last of m_ik u_kj into dst; returns the register that holds it: `from` itself when there is
 * nothing to subtract. */
static int32_t reduce(emitter *e, size_t j, size_t last, int32_t from, int32_t dst, const int32_t *left) {
    int32_t start = (int32_t)e->pool->n, n = 0;
    for (size_t k = 0; k < last; k++) {
        int32_t u = entry_reg(e, k, j);
        if (left[k] < 0 || u < 0) continue;
        add_pair(e, left[k], u);
        n++;
    }
    if (n == 0) return from;
    if (e->failed) return dst;
    if (n == 1) {
        e->pool->n = (size_t)start;
        add(e, PRC_OP_MULSUB, dst, e->pool->arg[start], e->pool->arg[start + 1], from);
    } else {
        add(e, PRC_OP_SUBPROD, dst, n, start, from);
    }
    return dst;
}

/* Row i: entries left of the diagonal, the pivot, then both sides scaled. left: registers of the unscaled left entries.
 */
static void factor_row(emitter *e, size_t i, int32_t *left) {
    size_t n = e->lu->n;
    int32_t zero = e->in->reg_zero, scratch = scratch_reg(e), pivot = pivot_reg(e, i);
    for (size_t k = 0; k < i; k++) {
        int32_t slot = entry_reg(e, i, k), j = e->jac[i * n + k];
        left[k] = slot < 0 ? -1 : reduce(e, k, k, j < 0 ? zero : j, slot, left);
    }
    int32_t diagonal = e->jac[i * n + i];
    bool updated = false;
    for (size_t k = 0; k < i; k++) updated = updated || (left[k] >= 0 && entry_reg(e, k, i) >= 0);
    if (!updated) {
        int32_t w = diagonal < 0 ? e->in->reg_hginv : scratch;
        if (diagonal >= 0) add(e, PRC_OP_SUB, scratch, e->in->reg_hginv, diagonal, 0);
        add(e, PRC_OP_RCP, pivot, w, 0, 0);
    } else {
        /* -pivot of W = J_ii - 1/(h gamma) - sum */
        if (diagonal < 0)
            add(e, PRC_OP_NEG, scratch, e->in->reg_hginv, 0, 0);
        else
            add(e, PRC_OP_SUB, scratch, diagonal, e->in->reg_hginv, 0);
        reduce(e, i, i, scratch, scratch, left);
        add(e, PRC_OP_NEG, scratch, scratch, 0, 0);
        add(e, PRC_OP_RCP, pivot, scratch, 0, 0);
    }
    bool right = false;
    for (size_t j = i + 1; j < n; j++) right = right || entry_reg(e, i, j) >= 0;
    if (right) add(e, PRC_OP_NEG, scratch, pivot, 0, 0);
    for (size_t j = i + 1; j < n; j++) {
        int32_t slot = entry_reg(e, i, j), from = e->jac[i * n + j];
        if (slot < 0) continue;
        int32_t r = reduce(e, j, i, from < 0 ? zero : from, slot, left);
        add(e, PRC_OP_MUL, slot, r, scratch, 0);
    }
    for (size_t k = 0; k < i; k++)
        if (left[k] >= 0) add(e, PRC_OP_MUL, entry_reg(e, i, k), left[k], pivot, 0);
}

static void forward_row(emitter *e, size_t i) {
    int32_t start = (int32_t)e->pool->n, n = 1, rhs = rhs_reg(e, i), pivot = pivot_reg(e, i);
    add_pair(e, rhs, pivot);
    for (size_t k = 0; k < i; k++) {
        if (entry_reg(e, i, k) < 0) continue;
        add_pair(e, entry_reg(e, i, k), rhs_reg(e, k));
        n++;
    }
    if (n > 1) {
        add(e, PRC_OP_SUMPROD, rhs, n, start, 0);
        return;
    }
    if (!e->failed) e->pool->n = (size_t)start;
    add(e, PRC_OP_MUL, rhs, rhs, pivot, 0);
}

static void backward_row(emitter *e, size_t i) {
    int32_t start = (int32_t)e->pool->n, n = 0, rhs = rhs_reg(e, i);
    for (size_t j = i + 1; j < e->lu->n; j++) {
        if (entry_reg(e, i, j) < 0) continue;
        add_pair(e, entry_reg(e, i, j), rhs_reg(e, j));
        n++;
    }
    if (n == 0 || e->failed) return;
    if (n > 1) {
        add(e, PRC_OP_SUBPROD, rhs, n, start, rhs);
        return;
    }
    e->pool->n = (size_t)start;
    add(e, PRC_OP_MULSUB, rhs, e->pool->arg[start], e->pool->arg[start + 1], rhs);
}

/* Moves the instructions so far into the arena. */
static void finish(emitter *e, prc_arena *arena, prc_code *code) {
    prc_instr *instr = prc_arena_alloc(arena, e->n + 1, sizeof *instr);
    if (!instr) e->failed = true;
    if (e->failed) return;
    if (e->n) memcpy(instr, e->instr, e->n * sizeof *instr);
    *code = (prc_code){instr, e->n};
    e->n = 0;
}

bool prc_lu_emit(const prc_lu *lu, const prc_lu_input *in, prc_arena *arena, prc_arg_pool *pool, prc_code *factor,
                 prc_code *solve) {
    size_t n = lu->n;
    emitter e = {.lu = lu, .in = in, .pool = pool};
    int32_t *position = prc_calloc(n + 1, sizeof *position), *left = prc_calloc(n + 1, sizeof *left);
    e.jac = prc_malloc(n * n + 1, sizeof *e.jac);
    e.failed = !position || !left || !e.jac;
    if (!e.failed) {
        for (size_t k = 0; k < n; k++) position[lu->order[k]] = (int32_t)k;
        for (size_t k = 0; k < n * n; k++) e.jac[k] = -1;
        for (size_t k = 0; k < in->n_jac; k++)
            e.jac[(size_t)position[in->row[k]] * n + (size_t)position[in->col[k]]] = in->reg_jac[k];
        for (size_t i = 0; i < n; i++) factor_row(&e, i, left);
        finish(&e, arena, factor);
        for (size_t i = 0; i < n; i++) forward_row(&e, i);
        for (size_t i = n; i-- > 0;) backward_row(&e, i);
        finish(&e, arena, solve);
    }
    prc_free(position);
    prc_free(left);
    prc_free(e.jac);
    prc_free(e.instr);
    return !e.failed;
}
