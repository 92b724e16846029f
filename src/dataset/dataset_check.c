/* The first reading of a data set: every row is checked and every course built before anything is run. */
#include "dataset_int.h"

#include <math.h>
#include <string.h>

static prc_status no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory while reading the data set");
}

/* The patients seen so far: a name that comes back later is an error, not another patient. */
typedef struct seen {
    prc_arena *arena;
    struct seen_id {
        const char *id;
        long line;
    } * slot;
    size_t n, cap;
} seen;

static size_t place_of(const seen *s, const char *id) {
    uint64_t h = 14695981039346656037u;
    for (const char *p = id; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211u;
    size_t i = (size_t)(h ^ (h >> 32)) & (s->cap - 1);
    while (s->slot[i].id && strcmp(s->slot[i].id, id) != 0) i = (i + 1) & (s->cap - 1);
    return i;
}

static bool seen_grow(seen *s) {
    seen big = {.arena = s->arena, .n = s->n, .cap = s->cap ? 2 * s->cap : 1024};
    big.slot = prc_calloc(big.cap, sizeof *big.slot);
    if (!big.slot) return false;
    for (size_t i = 0; i < s->cap; i++)
        if (s->slot[i].id) big.slot[place_of(&big, s->slot[i].id)] = s->slot[i];
    prc_free(s->slot);
    *s = big;
    return true;
}

static prc_status see(const prc_dataset *d, seen *s, const char *id, long line, prc_error *err) {
    if (2 * (s->n + 1) > s->cap && !seen_grow(s)) return no_memory(err);
    struct seen_id *e = &s->slot[place_of(s, id)];
    if (e->id)
        return prc_dataset_fail(
            d, line, PRC_COL_ID, PRC_E_VALUE, err,
            "patient %.80s has records from line %ld on already; put all records of a patient together", id, e->line);
    *e = (struct seen_id){prc_arena_strdup(s->arena, id), line};
    s->n++;
    return e->id ? PRC_OK : no_memory(err);
}

static void count(prc_dataset *d, const prc_patient_rows *p) {
    d->counts.n_patient++;
    d->counts.n_row += p->n;
    for (size_t i = 0; i < p->n; i++) {
        d->counts.n_observation += p->record[i].evid == 0;
        d->counts.n_dose += p->record[i].evid == 1 || p->record[i].evid == 4;
        for (size_t k = 0; i > 0 && k < d->n_cov; k++) {
            double a = p->cov[k], b = p->cov[i * d->n_cov + k];
            if (!isnan(b) && (b < a || b > a) && d->cov[k].varies == 0) d->cov[k].varies = p->record[i].line;
        }
    }
}

/* ---- parameters that change with time ------------------------------------------------------------------------- */

typedef struct search {
    const prc_model *m;
    const char *name;
    int depth;
    bool found;
} search;

static void look_for(void *ctx, const prc_expr *e) {
    search *s = ctx;
    int v = prc_model_find(s->m, e->name);
    if (v < 0 || s->found || s->depth > 1000) return;
    const prc_var *var = &s->m->var[v];
    if (strcmp(var->name, s->name) == 0) {
        s->found = true;
        return;
    }
    const prc_expr *from = var->kind == PRC_VAR_ASSIGNED    ? var->rule
                           : var->kind == PRC_VAR_PARAMETER ? var->initial
                                                            : NULL;
    s->depth++;
    if (from) prc_expr_names(from, look_for, s);
    s->depth--;
}

/* A value that the model computes once, at the start, does not follow a column that changes. */
static prc_status check_derived(const prc_dataset *d, const prc_cov *c, prc_error *err) {
    const prc_model *m = d->m;
    for (size_t i = 0; i < m->n_param; i++) {
        const prc_var *v = &m->var[m->param[i]];
        search s = {.m = m, .name = c->name};
        if (v->initial) prc_expr_names(v->initial, look_for, &s);
        if (s.found)
            return prc_fail_at(err, PRC_E_MODEL, d->path, (int)c->varies, 0,
                               "column `%s` changes within a patient, but the model computes `%s` from it once, at the "
                               "start; write `%s := ...` in the model",
                               c->name, v->name, v->name);
    }
    return PRC_OK;
}

static prc_status check_changes(prc_dataset *d, prc_covariates how, prc_error *err) {
    for (size_t k = 0; k < d->n_cov; k++) {
        prc_cov *c = &d->cov[k];
        if (!c->varies) continue;
        PRC_TRY(check_derived(d, c, err));
        bool of_dose = false;
        for (size_t i = 0; i < d->m->n_state; i++)
            for (int w = 0; w < 2; w++) {
                int v = w ? d->lag[i] : d->f[i];
                of_dose |= v >= 0 && strcmp(d->m->var[v].name, c->name) == 0;
            }
        /* Lag and bioavailability count at the record of the dose alone. */
        if (how != PRC_LINEAR || of_dose) continue;
        int slot[3];
        PRC_TRY(prc_model_interpolate(d->m, c->name, slot, err));
        c->linear = true, c->slope = slot[1], c->from = slot[2];
    }
    return PRC_OK;
}

prc_status prc_dataset_check(prc_dataset *d, prc_covariates how, const double *param, prc_dataset_counts *counts,
                             prc_error *err) {
    prc_patient_rows p = {0};
    prc_course c = {0};
    seen s = {.arena = prc_arena_create()};
    prc_status st = PRC_OK;
    bool got;
    d->counts = (prc_dataset_counts){.n_ignored = d->n_ignored, .ignored = d->ignored};
    if (!s.arena) PRC_GO(st, no_memory(err));
    PRC_GO(st, prc_dataset_rewind(d, err));
    for (;;) {
        PRC_GO(st, prc_dataset_patient(d, &p, &got, err));
        if (!got) break;
        PRC_GO(st, see(d, &s, p.id, p.record[0].line, err));
        PRC_GO(st, prc_course_build(d, &p, param, d->m->n_param, false, &c, err));
        count(d, &p);
    }
    if (d->counts.n_patient == 0)
        PRC_GO(st, prc_fail_at(err, PRC_E_SYNTAX, d->path, 0, 0, "the file has a header and no records"));
    PRC_GO(st, check_changes(d, how, err));
    *counts = d->counts;
out:
    prc_patient_rows_reset(&p);
    prc_course_reset(&c);
    prc_free(s.slot);
    prc_arena_free(s.arena);
    return st;
}
