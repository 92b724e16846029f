/* Header and rows of a data set: what each cell means and what it may hold. */
#include "dataset_int.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

static const char *const role_name[PRC_COL_COUNT] = {"ID", "TIME", "AMT", "EVID", "CMT", "RATE", "ADDL", "II", "SS"};
/* Columns of the convention that a simulation does not need. */
static const char *const unread[] = {"DV", "MDV", "C"};

static prc_status no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory while reading the data set");
}

prc_status prc_dataset_fail(const prc_dataset *d, long line, int role, prc_status st, prc_error *err, const char *fmt,
                            ...) {
    char text[PRC_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return prc_fail_at(err, st, d->path, (int)line, 0, "column `%s`: %s", role_name[role], text);
}

/* ---- header ---------------------------------------------------------------------------------------------------- */

static int find_col(const prc_dataset *d, const char *name) {
    for (size_t i = 0; i < d->n_col; i++)
        if (strcmp(d->col[i], name) == 0) return (int)i;
    return -1;
}

static prc_status need_col(prc_dataset *d, int role, prc_error *err) {
    if (d->role[role] >= 0) return PRC_OK;
    for (size_t i = 0; i < d->n_col; i++)
        if (strcasecmp(d->col[i], role_name[role]) == 0)
            return prc_fail_at(err, PRC_E_KEY, d->path, (int)d->csv.line, 0,
                               "column `%s` is missing; `%s` must be written in capitals", role_name[role], d->col[i]);
    return prc_fail_at(err, PRC_E_KEY, d->path, (int)d->csv.line, 0, "column `%s` is missing", role_name[role]);
}

static bool listed(const char *s, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, names[i]) == 0) return true;
    return false;
}

static bool uses_time(const prc_expr *e) {
    if (e->kind == PRC_EX_TIME || (e->kind == PRC_EX_NAME && strcmp(e->name, "time") == 0)) return true;
    for (size_t i = 0; e->kind == PRC_EX_CALL && i < e->n_arg; i++)
        if (uses_time(e->arg[i])) return true;
    return false;
}

static void count_name(void *ctx, const prc_expr *name) {
    (void)name;
    ++*(size_t *)ctx;
}

bool prc_dataset_derived(const prc_var *v) {
    size_t n = 0;
    if (v->kind != PRC_VAR_PARAMETER || !v->initial) return false;
    prc_expr_names(v->initial, count_name, &n);
    return n > 0 || uses_time(v->initial);
}

/* A column that the convention does not know: a parameter, or of no meaning here. */
static prc_status other_col(prc_dataset *d, size_t i, prc_error *err) {
    const char *name = d->col[i];
    int v = prc_model_find(d->m, name);
    if (v < 0 || d->m->var[v].kind != PRC_VAR_PARAMETER) {
        if (!listed(name, unread, sizeof unread / sizeof *unread)) d->ignored[d->n_ignored++] = name;
        return PRC_OK;
    }
    const prc_var *var = &d->m->var[v];
    if (prc_dataset_derived(var)) {
        prc_text t = {0};
        prc_expr_print(var->initial, &t);
        (void)prc_fail_at(err, PRC_E_KEY, d->path, (int)d->csv.line, 0,
                          "column `%s`: the model computes this parameter (%s = %s); give it a value of its own there, "
                          "or name the column otherwise",
                          name, name, t.s ? t.s : "...");
        prc_text_reset(&t);
        return PRC_E_KEY;
    }
    d->cov[d->n_cov++] = (prc_cov){.col = i, .param = var->slot, .name = var->name};
    return PRC_OK;
}

static prc_status read_header(prc_dataset *d, prc_error *err) {
    bool got;
    PRC_TRY(prc_csv_next(&d->csv, &got, err));
    if (!got)
        return prc_fail_at(err, PRC_E_SYNTAX, d->path, 0, 0,
                           "the file is empty; it needs a line with the names of the columns");
    d->n_col = d->csv.n_cell;
    d->col = prc_arena_alloc(d->arena, d->n_col, sizeof *d->col);
    d->cov = prc_arena_alloc(d->arena, d->n_col, sizeof *d->cov);
    d->ignored = prc_arena_alloc(d->arena, d->n_col, sizeof *d->ignored);
    if (!d->col || !d->cov || !d->ignored) return no_memory(err);
    for (size_t i = 0; i < d->n_col; i++) {
        d->col[i] = prc_arena_strdup(d->arena, d->csv.cell[i]);
        if (!d->col[i]) return no_memory(err);
        if (!d->col[i][0])
            return prc_fail_at(err, PRC_E_SYNTAX, d->path, (int)d->csv.line, 0, "column %zu has no name", i + 1);
        for (size_t j = 0; j < i; j++)
            if (strcmp(d->col[i], d->col[j]) == 0)
                return prc_fail_at(err, PRC_E_SYNTAX, d->path, (int)d->csv.line, 0,
                                   "column `%s` appears twice (%zu and %zu)", d->col[i], j + 1, i + 1);
    }
    for (int r = 0; r < PRC_COL_COUNT; r++) d->role[r] = find_col(d, role_name[r]);
    for (size_t i = 0; i < d->n_col; i++)
        if (!listed(d->col[i], role_name, PRC_COL_COUNT)) PRC_TRY(other_col(d, i, err));
    PRC_TRY(need_col(d, PRC_COL_ID, err));
    PRC_TRY(need_col(d, PRC_COL_TIME, err));
    if (d->role[PRC_COL_EVID] < 0 && d->role[PRC_COL_AMT] < 0) return need_col(d, PRC_COL_EVID, err);
    return PRC_OK;
}

/* ---- what the model has for dosing ------------------------------------------------------------------------------- */

/* ALAG_<state> or F_<state>; a dot in the state's name is written as an underscore. */
static int special(const prc_model *m, const char *prefix, const char *state) {
    char name[300];
    snprintf(name, sizeof name, "%s%.250s", prefix, state);
    for (char *p = name; *p; p++)
        if (*p == '.') *p = '_';
    int v = prc_model_find(m, name);
    return v >= 0 && m->var[v].kind != PRC_VAR_STATE ? v : -1;
}

typedef struct use {
    const prc_model *m;
    int var;
    bool found;
} use;

static void note_use(void *ctx, const prc_expr *name) {
    use *u = ctx;
    u->found |= prc_model_find(u->m, name->name) == u->var;
}

/* Bioavailability and lag are applied to the doses; in an equation they would count twice. */
static prc_status check_special(const prc_dataset *d, int v, prc_error *err) {
    use u = {.m = d->m, .var = v};
    for (size_t i = 0; v >= 0 && i < d->m->n_var; i++)
        if (d->m->var[i].kind == PRC_VAR_STATE && d->m->var[i].rule) prc_expr_names(d->m->var[i].rule, note_use, &u);
    if (!u.found) return PRC_OK;
    const prc_var *x = &d->m->var[v];
    return prc_fail_at(
        err, PRC_E_MODEL, x->source, x->line, x->col,
        "`%s` is applied to doses by its name and stands in a rate as well; give the one in the rate another name",
        x->name);
}

static prc_status study_model(prc_dataset *d, prc_error *err) {
    const prc_model *m = d->m;
    d->lag = prc_arena_alloc(d->arena, m->n_state + 1, sizeof *d->lag);
    d->f = prc_arena_alloc(d->arena, m->n_state + 1, sizeof *d->f);
    if (!d->lag || !d->f) return no_memory(err);
    for (size_t i = 0; i < m->n_state; i++) {
        d->lag[i] = special(m, "ALAG_", m->var[m->state[i]].name);
        d->f[i] = special(m, "F_", m->var[m->state[i]].name);
        PRC_TRY(check_special(d, d->lag[i], err));
        PRC_TRY(check_special(d, d->f[i], err));
    }
    for (size_t i = 0; i < m->n_var; i++)
        if (m->var[i].kind != PRC_VAR_PARAMETER && m->var[i].rule && uses_time(m->var[i].rule)) d->uses_time = true;
    for (size_t i = 0; i < m->n_event; i++) {
        if (uses_time(m->event[i].trigger)) d->uses_time = true;
        for (size_t k = 0; k < m->event[i].n_assign; k++)
            if (m->var[m->event[i].target[k]].kind == PRC_VAR_PARAMETER) d->sets_param = true;
    }
    return PRC_OK;
}

prc_status prc_dataset_open(const char *path, prc_model *m, prc_dataset **out, prc_error *err) {
    prc_dataset *d = prc_calloc(1, sizeof *d);
    if (!d) return no_memory(err);
    prc_status st = PRC_OK;
    d->m = m;
    d->arena = prc_arena_create();
    d->path = prc_strdup(path);
    if (!d->arena || !d->path) PRC_GO(st, no_memory(err));
    PRC_GO(st, prc_csv_open(&d->csv, d->path, err));
    PRC_GO(st, read_header(d, err));
    PRC_GO(st, study_model(d, err));
    *out = d;
    d = NULL;
out:
    prc_dataset_free(d);
    return st;
}

void prc_dataset_free(prc_dataset *d) {
    if (!d) return;
    prc_csv_close(&d->csv);
    prc_arena_free(d->arena);
    prc_free(d->path);
    prc_free(d);
}

void prc_dataset_given(const prc_dataset *d, bool *given) {
    for (size_t i = 0; i < d->n_cov; i++) given[d->cov[i].param] = true;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static bool is_missing(const char *s) {
    return !s[0] || (s[0] == '.' && !s[1]);
}

/* A number of a column, `missing` where the column or the value is absent. */
static prc_status number(const prc_dataset *d, int role, double missing, double *out, prc_error *err) {
    const char *s = d->role[role] >= 0 ? d->csv.cell[d->role[role]] : ".";
    *out = missing;
    if (is_missing(s)) return PRC_OK;
    if (!prc_parse_double(s, out) || !isfinite(*out))
        return prc_dataset_fail(d, d->csv.line, role, PRC_E_VALUE, err, "`%.80s` is not a number%s", s,
                                role == PRC_COL_TIME && strchr(s, ':')
                                    ? "; give the time since the start, not a clock time"
                                    : "; write . for a missing value");
    return PRC_OK;
}

/* A whole number between lo and hi, 0 where absent. */
static prc_status whole(const prc_dataset *d, int role, int64_t lo, int64_t hi, int64_t *out, prc_error *err) {
    double x;
    PRC_TRY(number(d, role, 0, &x, err));
    if (!(x >= (double)lo && x <= (double)hi) || floor(x) < x)
        return prc_dataset_fail(d, d->csv.line, role, PRC_E_VALUE, err, "%g is not a whole number from %lld to %lld", x,
                                (long long)lo, (long long)hi);
    *out = (int64_t)x;
    return PRC_OK;
}

static prc_status compartment(const prc_dataset *d, int *state, prc_error *err) {
    const prc_model *m = d->m;
    const char *s = d->role[PRC_COL_CMT] >= 0 ? d->csv.cell[d->role[PRC_COL_CMT]] : ".";
    int64_t k;
    *state = -1;
    if (is_missing(s)) {
        if (m->n_state != 1)
            return prc_dataset_fail(d, d->csv.line, PRC_COL_CMT, PRC_E_VALUE, err,
                                    "a dose must say into which of the %zu states it goes", m->n_state);
        *state = 0;
        return PRC_OK;
    }
    if (prc_parse_int64(s, &k)) {
        if (k < 1 || (uint64_t)k > m->n_state)
            return prc_dataset_fail(d, d->csv.line, PRC_COL_CMT, PRC_E_KEY, err,
                                    "there is no compartment %s; the model has 1 to %zu (`paracrine model show`)", s,
                                    m->n_state);
        *state = (int)k - 1;
        return PRC_OK;
    }
    int v = prc_model_find(m, s);
    if (v < 0 || m->var[v].kind != PRC_VAR_STATE) {
        const char *near = v < 0 ? prc_model_nearest(m, s) : NULL;
        return prc_dataset_fail(d, d->csv.line, PRC_COL_CMT, PRC_E_KEY, err, "the model has no state `%.80s`%s%s%s", s,
                                near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    *state = m->var[v].slot;
    return PRC_OK;
}

/* A value that only a dose may have. */
static prc_status only_dose(const prc_dataset *d, int role, bool there, int evid, prc_error *err) {
    if (!there) return PRC_OK;
    return prc_dataset_fail(d, d->csv.line, role, PRC_E_VALUE, err,
                            "only a dose (EVID 1 or 4) has one, and this record is EVID %d", evid);
}

static prc_status check_dose(const prc_dataset *d, prc_record *r, prc_error *err) {
    long line = r->line;
    const char *amt = d->role[PRC_COL_AMT] >= 0 ? d->csv.cell[d->role[PRC_COL_AMT]] : ".";
    if (is_missing(amt)) return prc_dataset_fail(d, line, PRC_COL_AMT, PRC_E_VALUE, err, "the dose has no amount");
    if (r->amt < 0)
        return prc_dataset_fail(d, line, PRC_COL_AMT, PRC_E_VALUE, err, "a dose cannot be negative (%g)", r->amt);
    if (r->rate < 0 && (!(r->rate < -1 || r->rate > -1) || !(r->rate < -2 || r->rate > -2)))
        return prc_dataset_fail(d, line, PRC_COL_RATE, PRC_E_UNSUPPORTED, err,
                                "%g (a rate or duration that the model sets) is not supported yet; give the rate",
                                r->rate);
    if (r->rate < 0)
        return prc_dataset_fail(d, line, PRC_COL_RATE, PRC_E_VALUE, err, "a rate cannot be negative (%g)", r->rate);
    if (r->ii < 0)
        return prc_dataset_fail(d, line, PRC_COL_II, PRC_E_VALUE, err, "an interval cannot be negative (%g)", r->ii);
    if (r->addl > 0 && !(r->ii > 0))
        return prc_dataset_fail(d, line, PRC_COL_ADDL, PRC_E_VALUE, err,
                                "additional doses need an interval in column `II`");
    if (r->ss > 0 && !(r->ii > 0))
        return prc_dataset_fail(d, line, PRC_COL_SS, PRC_E_VALUE, err,
                                "a steady state needs the interval between doses in column `II`");
    if (r->ii > 0 && r->addl == 0 && r->ss == 0)
        return prc_dataset_fail(d, line, PRC_COL_II, PRC_E_VALUE, err,
                                "an interval without additional doses (`ADDL`) or steady state (`SS`)");
    if (r->ss > 0 && d->uses_time)
        return prc_dataset_fail(d, line, PRC_COL_SS, PRC_E_UNSUPPORTED, err,
                                "the model depends on time itself, so repeated dosing has no steady state");
    if (r->ss > 0 && d->sets_param)
        return prc_dataset_fail(d, line, PRC_COL_SS, PRC_E_UNSUPPORTED, err,
                                "a steady state of a model whose events change parameters is not supported yet");
    return compartment(d, &r->state, err);
}

static prc_status read_record(const prc_dataset *d, prc_record *r, double *cov, prc_error *err) {
    int64_t evid, ss;
    bool no_evid = d->role[PRC_COL_EVID] < 0;
    *r = (prc_record){.state = -1, .line = d->csv.line};
    PRC_TRY(number(d, PRC_COL_TIME, (double)NAN, &r->time, err));
    if (isnan(r->time)) return prc_dataset_fail(d, r->line, PRC_COL_TIME, PRC_E_VALUE, err, "the record has no time");
    PRC_TRY(number(d, PRC_COL_AMT, 0, &r->amt, err));
    PRC_TRY(number(d, PRC_COL_RATE, 0, &r->rate, err));
    PRC_TRY(number(d, PRC_COL_II, 0, &r->ii, err));
    PRC_TRY(whole(d, PRC_COL_EVID, 0, 4, &evid, err));
    PRC_TRY(whole(d, PRC_COL_ADDL, 0, 1000000, &r->addl, err));
    PRC_TRY(whole(d, PRC_COL_SS, 0, 2, &ss, err));
    bool amount = r->amt < 0 || r->amt > 0;
    r->evid = no_evid ? amount : (int)evid;
    r->ss = (int)ss;
    if (r->evid == 1 || r->evid == 4) {
        PRC_TRY(check_dose(d, r, err));
    } else {
        PRC_TRY(only_dose(d, PRC_COL_RATE, r->rate < 0 || r->rate > 0, r->evid, err));
        PRC_TRY(only_dose(d, PRC_COL_AMT, amount, r->evid, err));
        PRC_TRY(only_dose(d, PRC_COL_ADDL, r->addl > 0, r->evid, err));
        PRC_TRY(only_dose(d, PRC_COL_II, r->ii < 0 || r->ii > 0, r->evid, err));
        PRC_TRY(only_dose(d, PRC_COL_SS, r->ss > 0, r->evid, err));
    }
    for (size_t i = 0; i < d->n_cov; i++) {
        const char *s = d->csv.cell[d->cov[i].col];
        cov[i] = (double)NAN;
        if (!is_missing(s) && (!prc_parse_double(s, &cov[i]) || !isfinite(cov[i])))
            return prc_fail_at(err, PRC_E_VALUE, d->path, (int)r->line, 0,
                               "column `%s`: `%.80s` is not a number; write . for a missing value", d->cov[i].name, s);
    }
    return PRC_OK;
}

/* The next line as a row; have_row says whether there was one. */
static prc_status next_row(prc_dataset *d, prc_error *err) {
    PRC_TRY(prc_csv_next(&d->csv, &d->have_row, err));
    if (!d->have_row) return PRC_OK;
    if (d->csv.n_cell != d->n_col)
        return prc_fail_at(err, PRC_E_SYNTAX, d->path, (int)d->csv.line, 0,
                           "this row has %zu cell%s, the header has %zu", d->csv.n_cell, d->csv.n_cell == 1 ? "" : "s",
                           d->n_col);
    if (is_missing(d->csv.cell[d->role[PRC_COL_ID]]))
        return prc_dataset_fail(d, d->csv.line, PRC_COL_ID, PRC_E_VALUE, err, "the record has no patient");
    return PRC_OK;
}

prc_status prc_dataset_rewind(prc_dataset *d, prc_error *err) {
    bool got;
    PRC_TRY(prc_csv_rewind(&d->csv, err));
    PRC_TRY(prc_csv_next(&d->csv, &got, err));
    return next_row(d, err);
}

static prc_status check_order(const prc_dataset *d, const prc_patient_rows *p, prc_error *err) {
    const prc_record *r = &p->record[p->n];
    if (p->n == 0) {
        for (size_t i = 0; i < d->n_cov; i++)
            if (isnan(p->cov[i]))
                return prc_fail_at(err, PRC_E_VALUE, d->path, (int)r->line, 0,
                                   "column `%s`: patient %.80s has no value in the first record", d->cov[i].name,
                                   p->id);
        return PRC_OK;
    }
    double before = p->record[p->n - 1].time;
    if (r->time >= before || r->evid >= 3) return PRC_OK;
    return prc_dataset_fail(
        d, r->line, PRC_COL_TIME, PRC_E_VALUE, err,
        "patient %.80s goes back from time %.17g to %.17g; sort the records by time (only EVID 3 or 4 may start anew)",
        p->id, before, r->time);
}

prc_status prc_dataset_patient(prc_dataset *d, prc_patient_rows *p, bool *got, prc_error *err) {
    *got = d->have_row;
    p->n = 0;
    if (!d->have_row) return PRC_OK;
    prc_free(p->id);
    p->id = prc_strdup(d->csv.cell[d->role[PRC_COL_ID]]);
    if (!p->id) return no_memory(err);
    while (d->have_row && strcmp(d->csv.cell[d->role[PRC_COL_ID]], p->id) == 0) {
        if (!PRC_GROW(p->record, p->n, p->cap)) return no_memory(err);
        while (d->n_cov > 0 && p->cov_cap < (p->n + 1) * d->n_cov)
            if (!prc_grow(&p->cov, &p->cov_cap, p->cov_cap + 1, sizeof *p->cov)) return no_memory(err);
        PRC_TRY(read_record(d, &p->record[p->n], d->n_cov ? p->cov + p->n * d->n_cov : NULL, err));
        PRC_TRY(check_order(d, p, err));
        p->n++;
        PRC_TRY(next_row(d, err));
    }
    return PRC_OK;
}

void prc_patient_rows_reset(prc_patient_rows *p) {
    prc_free(p->id);
    prc_free(p->record);
    prc_free(p->cov);
    *p = (prc_patient_rows){0};
}
