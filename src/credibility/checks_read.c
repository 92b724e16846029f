/* Reads checks.tsv and holds it against the evidence: every published effect with a number must have its row. */
#include "credibility_int.h"

#include <math.h>
#include <string.h>

static const char *const columns[] = {"id", "title", "evidence", "role", "cohort", "n", "horizon", "treatment", "control", "measure", "at", "published", "lower", "upper", "unit", "note"};
enum { N_COLUMN = sizeof columns / sizeof *columns };

static prc_status read_role(const char *text, const char *source, int line, prc_role *out, prc_error *err) {
    for (int r = 0; r < PRC_ROLE_COUNT; r++)
        if (!strcmp(text, prc_role_name((prc_role)r))) {
            *out = (prc_role)r;
            return PRC_OK;
        }
    return prc_fail_at(err, PRC_E_VALUE, source, line, 0, "role `%s` is none of tuned, built-in, independent", text);
}

static prc_status read_day(const char *text, const char *source, int line, double *out, prc_error *err) {
    prc_status st = prc_quantity_parse(text, "d", out, err);
    if (st && err) {
        snprintf(err->source, sizeof err->source, "%.255s", source);
        err->line = line;
    }
    return st;
}

static prc_status read_row(const prc_table *t, size_t i, prc_checks *set, prc_check *k, prc_error *err) {
    const char *text[N_COLUMN];
    for (size_t c = 0; c < N_COLUMN; c++) {
        text[c] = prc_arena_strdup(set->arena, prc_table_cell(t, i, c));
        if (!text[c]) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    }
    int line = t->line[i];
    *k = (prc_check){.id = text[0], .title = text[1], .evidence = text[2], .cohort = text[4], .treatment = text[7], .control = text[8], .measure = text[9], .at_text = text[10],
                     .published_text = text[11], .unit = text[14], .note = text[15], .line = line, .predicted = (double)NAN, .mc_se = (double)NAN, .without_cells = (double)NAN, .verdict = PRC_NO_INTERVAL};
    PRC_TRY(read_role(text[3], t->source, line, &k->role, err));
    double n;
    PRC_TRY(prc_table_number(t, i, 5, false, &n, err));
    if (!(n >= 1 && n <= 100000)) return prc_fail_at(err, PRC_E_VALUE, t->source, line, 0, "n is %g, it should be 1 to 100000", n);
    k->n = (size_t)n;
    PRC_TRY(read_day(text[6], t->source, line, &k->horizon, err));
    PRC_TRY(read_day(text[10], t->source, line, &k->at, err));
    if (!(k->at >= 0 && k->at <= k->horizon)) return prc_fail_at(err, PRC_E_VALUE, t->source, line, 0, "`at` %s is not within the horizon %s", text[10], text[6]);
    if (!prc_parse_double(text[11], &k->published)) k->published = (double)NAN;
    PRC_TRY(prc_table_number(t, i, 12, true, &k->lower, err));
    PRC_TRY(prc_table_number(t, i, 13, true, &k->upper, err));
    if (k->lower > k->upper) return prc_fail_at(err, PRC_E_VALUE, t->source, line, 0, "lower %g is above upper %g", k->lower, k->upper);
    return PRC_OK;
}

/* Whether id is one of the ;-separated ids of a list. */
static bool listed(const char *list, const char *id) {
    size_t n = strlen(id);
    for (const char *p = list; p; p = strchr(p, ';'), p = p ? p + 1 : NULL) {
        while (*p == ' ') p++;
        size_t len = strcspn(p, "; ");
        if (len == n && !strncmp(p, id, n)) return true;
    }
    return false;
}

static prc_status link_evidence(const prc_condition *c, const prc_evidence *ev, const prc_check *k, const char *source, prc_error *err) {
    (void)c;
    if (!strcmp(k->evidence, "-") || !*k->evidence) return PRC_OK;
    char id[96];
    for (const char *p = k->evidence; p; p = strchr(p, ';'), p = p ? p + 1 : NULL) {
        while (*p == ' ') p++;
        snprintf(id, sizeof id, "%.*s", (int)strcspn(p, "; "), p);
        const prc_outcome_row *r = prc_evidence_outcome(ev, id);
        if (!r) return prc_fail_at(err, PRC_E_KEY, source, k->line, 0, "evidence `%s` is no id of evidence/outcomes.csv", id);
        if (strcmp(r->role, prc_role_name(k->role))) return prc_fail_at(err, PRC_E_VALUE, source, k->line, 0, "role %s, but outcome %s has role %s", prc_role_name(k->role), id, r->role);
    }
    return PRC_OK;
}

static prc_status nothing_left_out(const prc_condition *c, prc_evidence *ev, const prc_checks *set, const char *source, prc_error *err) {
    const prc_outcome_row *r;
    size_t n, missing = 0;
    prc_text ids = {0};
    PRC_TRY(prc_evidence_outcomes(ev, c->name, &r, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(r[i].kind, "effect") || isnan(r[i].value)) continue;
        bool found = false;
        for (size_t k = 0; k < set->n && !found; k++) found = listed(set->check[k].evidence, r[i].id);
        if (found) continue;
        prc_text_printf(&ids, " %s", r[i].id);
        missing++;
    }
    prc_status st = PRC_OK;
    if (missing) st = prc_fail_at(err, PRC_E_KEY, source, 0, 0, "%zu published effects have no check:%s; add a row for each", missing, ids.s ? ids.s : "");
    prc_text_reset(&ids);
    return st;
}

prc_status prc_checks_read(const prc_condition *c, const prc_evidence *ev, prc_checks **out, prc_error *err) {
    char path[4096];
    prc_table *t = NULL;
    prc_checks *set = prc_calloc(1, sizeof *set);
    prc_status st;
    if (!set || !(set->arena = prc_arena_create())) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    snprintf(path, sizeof path, "%s/checks.tsv", c->dir);
    PRC_GO(st, prc_table_read(path, PRC_TSV, &t, err));
    PRC_GO(st, prc_table_expect(t, columns, N_COLUMN, err));
    set->check = prc_arena_alloc(set->arena, t->n_row + 1, sizeof *set->check);
    set->path = prc_arena_strdup(set->arena, path);
    memcpy(set->sha256, t->sha256, sizeof set->sha256);
    if (!set->check || !set->path) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < t->n_row; i++) {
        check_measure m;
        int ob;
        PRC_GO(st, read_row(t, i, set, &set->check[i], err));
        PRC_GO(st, check_measure_parse(c, &set->check[i], &m, &ob, err));
        if (ev) PRC_GO(st, link_evidence(c, ev, &set->check[i], path, err));
        set->n++;
    }
    if (ev) {
        union {
            const prc_evidence *in;
            prc_evidence *out;
        } e = {.in = ev}; /* the row accessors cache; they change nothing a caller sees */
        PRC_GO(st, nothing_left_out(c, e.out, set, path, err));
    }
    *out = set;
    set = NULL;
out:
    prc_table_free(t);
    prc_checks_free(set);
    return st;
}

void prc_checks_free(prc_checks *c) {
    if (!c) return;
    prc_arena_free(c->arena);
    prc_free(c);
}
