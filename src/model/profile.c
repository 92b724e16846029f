/* Time per operation of a compiled program: every piece is run as often as a step runs it, then the instructions of each operation
 * alone, on a block whose values are harmless. */
#include "model_int.h"

#include <time.h>

enum { LANES = PRC_BLOCK, STAGES = 8, REPEATS = 7 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Room for the largest piece in the form the solver runs. */
typedef struct prepared {
    prc_ready *code;
    uint32_t *list;
} prepared;

/* Nanoseconds for n instructions over the block: the least of several tries. */
static double cost(const prc_program *p, const prc_kernel *k, const prepared *f, double *regs, const prc_instr *code, size_t n) {
    double least = 0;
    if (n == 0) return 0;
    k->prepare(code, n, p->args, f->code, f->list);
    for (int r = 0; r < REPEATS; r++) {
        int runs = 0;
        double start = now(), used;
        do {
            for (int i = 0; i < 16; i++) k->run_ready(f->code, f->list, regs);
            runs += 16;
        } while ((used = now() - start) < 2e-4);
        double each = 1e9 * used / runs;
        if (r == 0 || each < least) least = each;
    }
    return least;
}

/* Values between 1 and 2 everywhere, so that no operation meets a special case. */
static void settle(const prc_program *p, double *regs) {
    for (size_t i = 0; i < p->n_reg * LANES; i++) regs[i] = 1 + (double)(i * 2654435761u % 4096) / 4096;
}

prc_status prc_program_profile(const prc_program *p, const prc_kernel *k, prc_text *out, prc_error *err) {
    static const char *const name[] = {
#define PRC_X(id, text) text,
        PRC_OP_LIST(PRC_X)
#undef PRC_X
    };
    const struct {
        const char *name;
        prc_code code;
        int times;
    } piece[] = {{"jacobian", p->jacobian, 1}, {"rate", p->rate, STAGES - 1}, {"factor", p->factor, 1}, {"solve", p->solve, STAGES}};
    enum { PIECES = sizeof piece / sizeof *piece };
    double *regs = prc_aligned(p->n_reg * LANES, sizeof *regs), total = 0, by_op[PRC_OP_COUNT] = {0};
    size_t most = 0, most_list = 0, count[PRC_OP_COUNT] = {0};
    for (int i = 0; i < PIECES; i++) {
        size_t n_list = 0;
        for (size_t j = 0; j < piece[i].code.n_instr; j++) {
            const prc_instr *x = &piece[i].code.instr[j];
            if (x->op == PRC_OP_SUM || x->op == PRC_OP_SUMPROD || x->op == PRC_OP_SUBPROD) n_list += 2 * (size_t)x->a;
        }
        most = piece[i].code.n_instr > most ? piece[i].code.n_instr : most;
        most_list = n_list > most_list ? n_list : most_list;
    }
    prepared f = {prc_malloc(most + 1, sizeof *f.code), prc_malloc(most_list + 1, sizeof *f.list)};
    prc_instr *some = prc_malloc(most + 1, sizeof *some);
    if (!regs || !some || !f.code || !f.list) {
        prc_free(regs);
        prc_free(some);
        prc_free(f.code);
        prc_free(f.list);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for a profile");
    }
    prc_text_printf(out, "time per step of one patient, blocks of %d lanes, level %s\n", LANES, k->name);
    for (int i = 0; i < PIECES; i++) {
        settle(p, regs);
        double ns = piece[i].times * cost(p, k, &f, regs, piece[i].code.instr, piece[i].code.n_instr) / LANES;
        total += ns;
        prc_text_printf(out, "  %-10s %5zu instructions, %d times: %9.1f ns\n", piece[i].name, piece[i].code.n_instr, piece[i].times, ns);
    }
    prc_text_printf(out, "  program    %32s %9.1f ns\n\nby operation (alone, in the order of the program)\n", "", total);
    for (int op = 0; op < PRC_OP_COUNT; op++)
        for (int i = 0; i < PIECES; i++) {
            size_t n = 0;
            for (size_t j = 0; j < piece[i].code.n_instr; j++)
                if (piece[i].code.instr[j].op == op) some[n++] = piece[i].code.instr[j];
            settle(p, regs);
            by_op[op] += piece[i].times * cost(p, k, &f, regs, some, n) / LANES;
            count[op] += n * (size_t)piece[i].times;
        }
    for (int op = 0; op < PRC_OP_COUNT; op++)
        if (count[op]) prc_text_printf(out, "  %-10s %6zu per step: %9.1f ns, %5.2f ns each\n", name[op], count[op], by_op[op], by_op[op] / (double)count[op]);
    prc_free(regs);
    prc_free(some);
    prc_free(f.code);
    prc_free(f.list);
    return out->failed ? prc_fail(err, PRC_E_MEMORY, "out of memory for a profile") : PRC_OK;
}
