/* workspace.c: the one block of memory of a worker. */
#include "solve_int.h"

#include <math.h>
#include <string.h>

/* Hands out pieces of a block; with base NULL only counts. */
typedef struct carve {
    char *base;
    size_t n;
} carve;

static void *take(carve *c, size_t n, size_t size)
{
    void *p = c->base != NULL ? c->base + c->n : NULL;
    c->n += (n * size + 63) & ~(size_t)63;
    return p;
}

static double *rows(carve *c, size_t n, size_t stride) { return take(c, n * stride, sizeof(double)); }

static void carve_block(prc_workspace *w, carve *c, const prc_program *p, size_t n, size_t s)
{
    w->lane = take(c, w->n_lane, sizeof *w->lane);
    w->regs = rows(c, p->n_reg, s);
    w->y0 = rows(c, n, s);
    w->y1 = rows(c, n, s);
    w->add = rows(c, n, s);
    w->rhs = rows(c, n, s);
    for (int i = 0; i < 8; i++) w->ks[i] = rows(c, n, s);
    w->dfdt = p->explicit_time ? rows(c, n, s) : NULL;
    w->jac = rows(c, p->n_jac, s);
    double **one[] = {&w->t, &w->h, &w->t_new, &w->inv_h, &w->err, &w->fac, &w->mask, &w->exponent, &w->s};
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) *one[i] = rows(c, 1, s);
    w->weight = rows(c, 8, s);
    w->w0 = rows(c, w->n_event_watch, s);
    w->wm = rows(c, w->n_event_watch, s);
    w->w1 = rows(c, w->n_event_watch, s);
    w->watch_time = rows(c, p->n_watch, w->n_lane);
}

static void carve_scratch(prc_workspace *w, carve *c, const prc_program *p, size_t n)
{
    size_t n_assign = 0;
    for (size_t e = 0; e < p->n_event; e++) n_assign += p->event_n[e];
    w->sregs = rows(c, p->n_reg, PRC_POINTS);
    w->sy0 = rows(c, n, PRC_POINTS);
    w->sy1 = rows(c, n, PRC_POINTS);
    for (int i = 0; i < 8; i++) w->sk[i] = rows(c, n, PRC_POINTS);
    w->s_s = rows(c, 1, PRC_POINTS);
    w->s_weight = rows(c, 8, PRC_POINTS);
    w->atol = rows(c, n, 1);
    w->f0 = rows(c, n, 1);
    w->f1 = rows(c, n, 1);
    w->final = rows(c, n, 1);
    w->value = rows(c, p->n_output, 1);
    w->assign = rows(c, n_assign, 1);
    w->lu = rows(c, n, n);
    w->lu_scale = rows(c, n, 1);
    w->lu_x = rows(c, n, 1);
    w->lu_perm = take(c, n, sizeof *w->lu_perm);
    w->fired = take(c, p->n_event, 1);
    w->keep = take(c, p->n_reg, sizeof *w->keep);
    w->jac_start = take(c, n + 1, sizeof *w->jac_start);
    w->jac_col = take(c, p->n_jac, sizeof *w->jac_col);
    w->jac_reg = take(c, p->n_jac, sizeof *w->jac_reg);
    w->jac_index = take(c, p->n_jac, sizeof *w->jac_index);
}

/* Operands that an operation reads from registers named in the instruction. */
static int operands(prc_op op)
{
    switch (op) {
    case PRC_OP_CONST:
    case PRC_OP_SUM:
    case PRC_OP_SUMPROD:
    case PRC_OP_SUBPROD:
    case PRC_OP_COUNT: return 0;
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
    case PRC_OP_TANH: return 1;
    case PRC_OP_MULADD:
    case PRC_OP_MULSUB:
    case PRC_OP_MUL3:
    case PRC_OP_SELECT: return 3;
    default: return 2;
    }
}

static void need_operands(const prc_program *p, const prc_instr *k, uint8_t *live)
{
    int n = operands((prc_op)k->op);
    if (n > 0) live[k->a] = 1;
    if (n > 1) live[k->b] = 1;
    if (n > 2 || k->op == PRC_OP_SUBPROD) live[k->c] = 1;
    int32_t n_arg = k->op == PRC_OP_SUM ? k->a : k->op == PRC_OP_SUMPROD || k->op == PRC_OP_SUBPROD ? 2 * k->a : 0;
    for (int32_t j = 0; j < n_arg; j++) live[p->args[k->b + j]] = 1;
}

/* Copies to `to` the instructions of `output` that lead to the registers marked live, which it clears. */
static prc_code slice(const prc_program *p, uint8_t *live, prc_instr *to)
{
    size_t n = p->output.n_instr, first = n;
    for (size_t i = n; i-- > 0;) {
        const prc_instr *k = &p->output.instr[i];
        if (!live[k->dst]) continue;
        live[k->dst] = 0;
        need_operands(p, k, live);
        to[--first] = *k;
    }
    memset(live, 0, p->n_reg);
    return (prc_code){to + first, n - first};
}

static void slice_output(prc_workspace *w, prc_instr *watch, prc_instr *output, uint8_t *live)
{
    const prc_program *p = w->p;
    for (size_t i = 0; i < p->n_watch; i++) live[p->reg_watch[i]] = 1;
    for (size_t i = 0; i < p->n_event; i++) live[p->reg_trigger[i]] = 1;
    w->watch = slice(p, live, watch);
    for (size_t i = 0; i < p->n_output; i++) live[p->reg_output[i]] = 1;
    w->output = slice(p, live, output);
}

/* What differs between patients: parameters, and what `patient` computes from them. */
static void list_patient_registers(prc_workspace *w, uint8_t *mark)
{
    const prc_program *p = w->p;
    for (size_t i = 0; i < p->n_param; i++) mark[p->reg_param + (int)i] = 1;
    for (size_t i = 0; i < p->patient.n_instr; i++) mark[p->patient.instr[i].dst] = 1;
    for (size_t r = 0; r < p->n_reg; r++)
        if (mark[r]) w->keep[w->n_keep++] = (int32_t)r;
    memset(mark, 0, p->n_reg);
}

/* Sorts the Jacobian's entries by row, keeping their order within a row; notes whether the factors overwrite it. */
static void sort_jacobian(prc_workspace *w, uint8_t *mark)
{
    const prc_program *p = w->p;
    for (size_t k = 0; k < p->n_jac; k++) w->jac_start[p->jac_row[k] + 1]++;
    for (size_t i = 0; i < p->n_state; i++) w->jac_start[i + 1] += w->jac_start[i];
    for (size_t k = 0; k < p->n_jac; k++) {
        int32_t at = w->jac_start[p->jac_row[k]]++;
        w->jac_col[at] = p->jac_col[k];
        w->jac_reg[at] = p->reg_jac[k];
        w->jac_index[k] = (int32_t)k;
        mark[p->reg_jac[k]] = 1;
    }
    for (size_t i = p->n_state; i > 0; i--) w->jac_start[i] = w->jac_start[i - 1];
    if (p->n_state > 0) w->jac_start[0] = 0;
    for (size_t i = 0; i < p->factor.n_instr; i++) w->keep_jac |= mark[p->factor.instr[i].dst] != 0;
    for (size_t i = 0; i < p->solve.n_instr; i++) w->keep_jac |= mark[p->solve.instr[i].dst] != 0;
    memset(mark, 0, p->n_reg);
}

static int32_t n_args(const prc_instr *k)
{
    return k->op == PRC_OP_SUM ? k->a : k->op == PRC_OP_SUMPROD || k->op == PRC_OP_SUBPROD ? 2 * k->a : 0;
}

static size_t list_size(prc_code code)
{
    size_t n = 0;
    for (size_t i = 0; i < code.n_instr; i++) n += (size_t)n_args(&code.instr[i]);
    return n;
}

/* Room for the prepared form of a piece, and the piece prepared where it will be used. */
static void make_ready(prc_workspace *w, carve *c, prc_fast *f, prc_code code, const int32_t *args)
{
    if (w->stride != PRC_BLOCK) {
        *f = (prc_fast){code, args, NULL, NULL};
        return;
    }
    *f = (prc_fast){code, args, take(c, code.n_instr + 1, sizeof *f->ready), take(c, list_size(code), sizeof *f->list)};
    if (c->base != NULL) w->k->prepare(code.instr, code.n_instr, args, f->ready, f->list);
}

/* The substitutions once for every stage, with the rows of its solution in place of the program's right-hand side; the solutions lie
 * behind the registers at the same stride. */
static void place_solve(prc_workspace *w, prc_instr *to, int32_t *args)
{
    const prc_program *p = w->p;
    int32_t used = 0;
    for (int s = 0; s < 8; s++) {
        int32_t row = (int32_t)((w->ks[s] - w->regs) / (ptrdiff_t)w->stride), first = p->reg_rhs, n = (int32_t)p->n_state;
#define MOVED(r) ((r) >= first && (r) < first + n ? (r) - first + row : (r))
        w->solve[s].code = (prc_code){to, p->solve.n_instr};
        w->solve[s].args = args;
        for (size_t i = 0; i < p->solve.n_instr; i++, to++) {
            const prc_instr *k = &p->solve.instr[i];
            int32_t m = n_args(k);
            *to = *k;
            to->dst = MOVED(k->dst);
            to->c = MOVED(k->c);
            if (m == 0) to->a = MOVED(k->a), to->b = MOVED(k->b);
            for (int32_t j = 0; j < m; j++) args[used + j] = MOVED(p->args[k->b + j]);
            if (m > 0) to->b = used;
            used += m;
        }
#undef MOVED
    }
}

/* Idle lanes compute too: whatever they hold must be harmless. */
static void fill_lanes(prc_workspace *w)
{
    const prc_program *p = w->p;
    for (size_t l = 0; l < w->stride; l++) w->h[l] = w->inv_h[l] = prc_reg_row(w, p->reg_hginv)[l] = 1;
    w->k->run(p->constants.instr, p->constants.n_instr, p->args, w->regs, w->stride, w->stride);
    w->k->run(p->constants.instr, p->constants.n_instr, p->args, w->sregs, PRC_POINTS, PRC_POINTS);
}

prc_status prc_workspace_create(const prc_program *p, const prc_solve_options *o, prc_workspace **out, prc_error *err)
{
    prc_workspace plan = {.p = p, .o = *o, .k = o->kernel != NULL ? o->kernel : prc_kernel_best(), .lu_lane = -1};
    if (!(o->rtol > 0) || !(o->atol >= 0) || o->terminal_watch >= (int)p->n_watch)
        return prc_fail(
            err, PRC_E_VALUE,
            "solver options: rtol must be above 0, atol not below 0, the terminal watch one of the program's");
    plan.n_lane = o->width <= 0 ? 32 : o->width > 1024 ? 1024 : (size_t)o->width;
    plan.stride = plan.width = (plan.n_lane + 7) & ~(size_t)7;
    plan.n_event_watch = p->n_watch + p->n_event;
    carve c = {NULL, 0};
    for (int pass = 0; pass < 2; pass++) {
        prc_workspace *w = take(&c, 1, sizeof *w);
        if (pass == 1) *w = plan;
        w = pass == 1 ? w : &plan;
        carve_block(w, &c, p, p->n_state, w->stride);
        carve_scratch(w, &c, p, p->n_state);
        prc_instr *watch = take(&c, p->output.n_instr, sizeof *watch),
                  *output = take(&c, p->output.n_instr, sizeof *output);
        prc_instr *solve = take(&c, 8 * p->solve.n_instr, sizeof *solve);
        int32_t *args = take(&c, 8 * list_size(p->solve), sizeof *args);
        if (pass == 1) place_solve(w, solve, args);
        make_ready(w, &c, &w->rate, p->rate, p->args);
        make_ready(w, &c, &w->jacobian, p->jacobian, p->args);
        make_ready(w, &c, &w->factor, p->factor, p->args);
        for (int i = 0; i < 8; i++)
            make_ready(w, &c, &w->solve[i], pass == 1 ? w->solve[i].code : p->solve, pass == 1 ? args : p->args);
        uint8_t *mark = take(&c, p->n_reg, 1);
        if (pass == 1) {
            slice_output(w, watch, output, mark);
            list_patient_registers(w, mark);
            sort_jacobian(w, mark);
            for (size_t i = 0; i < p->n_state; i++) w->atol[i] = o->atol * (o->scale != NULL ? o->scale[i] : 1.0);
            fill_lanes(w);
            *out = w;
            break;
        }
        plan.bytes = c.n;
        c = (carve){prc_aligned(c.n, 1), 0};
        if (c.base == NULL)
            return prc_fail(err, PRC_E_MEMORY, "no memory for a solver workspace of %zu bytes", plan.bytes);
    }
    return PRC_OK;
}

void prc_workspace_free(prc_workspace *w) { prc_free(w); }

size_t prc_workspace_bytes(const prc_workspace *w) { return w->bytes; }
