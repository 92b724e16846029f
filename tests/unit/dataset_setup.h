/* dataset_setup.h: a model and a data set from text, simulated, rows kept in memory. */
#ifndef DATASET_SETUP_H
#define DATASET_SETUP_H

#include "../tap.h"

#include "paracrine/dataset.h"

#include <stdlib.h>
#include <unistd.h>

enum { SIM_OUTPUTS = 8 };

typedef struct sim_row {
    char id[16];
    double time, value[SIM_OUTPUTS];
} sim_row;

typedef struct sim {
    prc_covariates how;
    double rtol;
    int threads, width;
    long fail_at; /* the allocation that fails, 0 = none */
    bool check_only;
    const char *output[SIM_OUTPUTS]; /* names */
    size_t n_output;
    /* results */
    prc_status status;
    prc_error err;
    prc_dataset_counts counts;
    sim_row *row;
    size_t n_row, cap_row, n_failed;
    char failed[64][16];
    prc_outcome outcome[64];
} sim;

static prc_status sim_keep(void *ctx, const char *id, double time, const double *value, prc_error *err) {
    sim *s = ctx;
    (void)err;
    if (s->fail_at > 0) return PRC_OK;
    if (!PRC_GROW(s->row, s->n_row, s->cap_row)) abort();
    sim_row *r = memset(&s->row[s->n_row++], 0, sizeof *r);
    snprintf(r->id, sizeof r->id, "%s", id);
    r->time = time;
    memcpy(r->value, value, s->n_output * sizeof *value);
    return PRC_OK;
}

static prc_status sim_fail(void *ctx, const prc_dataset_failure *f, prc_error *err) {
    sim *s = ctx;
    (void)err;
    if (s->n_failed < 64) {
        snprintf(s->failed[s->n_failed], sizeof s->failed[0], "%s", f->id);
        s->outcome[s->n_failed] = f->outcome;
    }
    s->n_failed++;
    return PRC_OK;
}

/* Every parameter of the model text is a number there. */
static double *sim_param(const prc_model *m) {
    double *param = calloc(3 * m->n_param + 1, sizeof *param);
    if (!param) abort();
    for (size_t i = 0; i < m->n_param; i++) {
        const prc_expr *e = m->var[m->param[i]].initial;
        if (e && e->kind == PRC_EX_NUMBER) param[i] = e->number;
    }
    return param;
}

__attribute__((unused)) static void sim_run(sim *s, const char *model, const char *csv) {
    char path[] = "/tmp/paracrine-dataset-XXXXXX";
    int fd = mkstemp(path);
    size_t n = strlen(csv);
    if (fd < 0 || write(fd, csv, n) != (ssize_t)n) abort();
    close(fd);
    prc_model *m = NULL;
    prc_dataset *d = NULL;
    prc_program *p = NULL;
    double *param = NULL;
    prc_arena *arena = prc_arena_create();
    const prc_expr *out[SIM_OUTPUTS] = {0};
    prc_solve_options o;
    prc_solve_defaults(&o);
    o.rtol = s->rtol > 0 ? s->rtol : 1e-10;
    o.atol = o.rtol * 1e-4;
    o.width = s->width;
    prc_free(s->row);
    s->row = NULL;
    s->n_row = s->cap_row = s->n_failed = 0;
    s->err = (prc_error){0};
    for (s->n_output = 0; s->n_output < SIM_OUTPUTS && s->output[s->n_output]; s->n_output++)
        out[s->n_output] = prc_expr_name(arena, s->output[s->n_output]);
    prc_program_spec spec = {.n_output = s->n_output, .output = out};
    prc_dataset_sink sink = {sim_keep, sim_fail, s};
    prc_status st;
    PRC_GO(st, prc_model_parse(model, "test.ant", PRC_MODEL_NO_UNITS, &m, &s->err));
    param = sim_param(m);
    prc_memory_fail_at(s->fail_at);
    PRC_GO(st, prc_dataset_open(path, m, &d, &s->err));
    PRC_GO(st, prc_dataset_check(d, s->how, param, &s->counts, &s->err));
    if (s->check_only) goto out;
    PRC_GO(st, prc_program_compile(m, &spec, &p, &s->err));
    PRC_GO(st, prc_dataset_run(d, p, param, &o, s->threads ? s->threads : 1, &sink, NULL, &s->err));
out:
    prc_memory_fail_at(0);
    s->status = st;
    free(param);
    prc_program_free(p);
    prc_dataset_free(d);
    prc_model_free(m);
    prc_arena_free(arena);
    unlink(path);
}

/* Runs and expects success. */
__attribute__((unused)) static bool sim_ok(sim *s, const char *model, const char *csv) {
    sim_run(s, model, csv);
    if (!TAP_OK(s->status == PRC_OK)) printf("# %d: %s\n", s->err.line, s->err.message);
    return s->status == PRC_OK;
}

__attribute__((unused)) static void sim_reset(sim *s) {
    prc_free(s->row);
    s->row = NULL;
}

#endif
