/* Asking the record: filters, full text, and what the arms report. */
#include "evidence_int.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Fields of reporting.csv under the areas that reporting guidance names (docs/formats.md). The names are ours. */
static const struct {
    const char *name, *group;
} FIELD[] = {
    { "product_name", "product" },
    { "manufacturer", "product" },
    { "formulation", "product" },
    { "concomitant_treatment", "product" },
    { "dose_per_kg", "dose" },
    { "number_of_doses", "dose" },
    { "dosing_interval", "dose" },
    { "injection_volume", "administration" },
    { "injection_technique", "administration" },
    { "donor_age", "provenance" },
    { "donor_sex", "provenance" },
    { "donor_pooling", "provenance" },
    { "culture_medium", "culture" },
    { "culture_oxygen", "culture" },
    { "passage", "culture" },
    { "priming", "culture" },
    { "identity_markers", "fitness and viability" },
    { "differentiation_assay", "fitness and viability" },
    { "viability", "fitness and viability" },
    { "potency_assay", "fitness and viability" },
    { "fresh_or_frozen", "storage" },
    { "cryo_medium", "storage" },
    { "post_thaw_time", "storage" },
    { "recovery_after_thaw", "storage" },
    { "immune_compatibility", "immune compatibility" },
    { "release_tests", "safety of the product" },
};

size_t prc_evidence_n_field(void)
{
    return COUNT(FIELD);
}

const char *prc_evidence_field(size_t i)
{
    return i < COUNT(FIELD) ? FIELD[i].name : NULL;
}

const char *prc_evidence_field_group(size_t i)
{
    return i < COUNT(FIELD) ? FIELD[i].group : NULL;
}

size_t prc_evidence_field_number(const char *name)
{
    size_t i = 0;
    while (i < COUNT(FIELD) && strcmp(FIELD[i].name, name) != 0) i++;
    return i;
}

const char *prc_evidence_reported(const prc_evidence *e, const char *arm, const char *field)
{
    size_t row = prc_evidence_find(&e->arm_ids, arm), i = prc_evidence_field_number(field);
    if (row == SIZE_MAX || i == COUNT(FIELD)) return NULL;
    const char *value = e->reported[row * COUNT(FIELD) + i];
    return value ? value : "not reported";
}

static bool in_list(const char *list, const char *id)
{
    char item[128];
    while (prc_evidence_next(&list, item, sizeof item))
        if (strcmp(item, id) == 0) return true;
    return false;
}

bool prc_evidence_touches(const prc_conflict *c, const char *outcome)
{
    return in_list(c->outcome_a, outcome) || in_list(c->outcome_b, outcome);
}

/* A word that must be one of a list; the message names them all. */
static prc_status check_choice(const char *what, const char *word, const char *const *list, prc_error *err)
{
    prc_text all = { 0 };
    size_t n = 0;
    for (; word && list[n]; n++) {
        if (strcmp(word, list[n]) == 0) {
            prc_text_reset(&all);
            return PRC_OK;
        }
        prc_text_printf(&all, "%s%s", n ? ", " : "", list[n]);
    }
    if (!word) return PRC_OK;
    const char *near = prc_nearest(word, list, n);
    prc_status st = prc_fail(err, PRC_E_USAGE, "--%s: `%s` is none of %s%s%s%s", what, word, all.s ? all.s : "",
                             near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    prc_text_reset(&all);
    return st;
}

/* The words of a search as a query of the full-text index: each quoted, each the beginning of a word. */
static void full_text(const char *s, prc_text *out)
{
    while (*s) {
        size_t n = strcspn(s, " \t\n");
        if (n) {
            prc_text_add(out, out->n ? " \"" : "\"");
            for (size_t i = 0; i < n; i++) prc_text_addn(out, s[i] == '"' ? "\"\"" : s + i, s[i] == '"' ? 2 : 1);
            prc_text_add(out, "\"*");
        }
        s += n;
        s += strspn(s, " \t\n");
    }
}

#define PART(text, what) "(" what " IS NULL OR instr(replace(lower(" text "), '_', ' '), replace(lower(" what "), '_', ' ')) > 0)"
#define ROWS                                                                                                                     \
    "SELECT o.seq FROM outcomes o JOIN studies s ON s.id = o.study LEFT JOIN arms a ON a.id = o.arm WHERE"                       \
    " (?1 IS NULL OR instr(';' || replace(o.condition, ' ', '') || ';', ';' || ?1 || ';') > 0)"                                   \
    " AND " PART("coalesce(a.origin, '') || ' ' || coalesce(a.donor, '') || ' ' || s.id || ' ' || s.title || ' ' || s.source_kind || ' ' || s.identifier", "?2") \
    " AND " PART("coalesce(a.route, '')", "?3") " AND " PART("o.endpoint", "?4")                                                  \
    " AND (?5 IS NULL OR o.kind = ?5) AND (?6 IS NULL OR o.role = ?6)"

prc_status prc_evidence_query(prc_evidence *e, const prc_evidence_filter *f, const prc_outcome_row **rows, size_t *n, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_text words = { 0 };
    size_t *row = NULL, k = 0;
    PRC_GO(st, check_choice("kind", f->kind, prc_evidence_kinds, err));
    PRC_GO(st, check_choice("role", f->role, prc_evidence_roles, err));
    if (f->search) {
        full_text(f->search, &words);
        if (words.failed) {
            st = prc_fail(err, PRC_E_MEMORY, "out of memory");
            goto out;
        }
        PRC_GO(st, prc_evidence_index_text(e, err));
    }
    const char *text[] = { f->condition, f->source, f->route, f->endpoint, f->kind, f->role, words.n ? words.s : NULL };
    PRC_GO(st, prc_evidence_select(e, words.n ? ROWS " AND o.seq IN (SELECT rowid FROM record WHERE record MATCH ?7) ORDER BY o.seq" : ROWS " ORDER BY o.seq",
                                   text, words.n ? 7 : 6, &row, &k, err));
    prc_outcome_row *copy = prc_arena_alloc(e->arena, k ? k : 1, sizeof *copy);
    if (!copy) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < k; i++) copy[i] = e->outcome[row[i]];
    *rows = copy;
    *n = k;
out:
    prc_text_reset(&words);
    return st;
}
