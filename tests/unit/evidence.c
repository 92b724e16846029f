/* The record: a good set loads and answers; every broken set in tests/bad/evidence is refused with file, line and cause. */
#include "../tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paracrine/evidence.h"

#define FOLDER "tests/bad/evidence"
static const char *const TABLE[] = { "studies", "arms", "outcomes", "conflicts", "reporting" };
enum { N_TABLE = sizeof TABLE / sizeof *TABLE };

static void good_set(void)
{
    prc_evidence *e = NULL;
    prc_error err = { 0 };
    const prc_outcome_row *o;
    const prc_study *s;
    const prc_evidence_arm *a;
    const prc_conflict *c;
    size_t n;
    if (!TAP_OK(prc_evidence_load(FOLDER "/good", &e, &err) == PRC_OK)) {
        tap_note("error", err.message);
        return;
    }
    TAP_OK(prc_evidence_outcomes(e, "knee-oa", &o, &n, &err) == PRC_OK && n == 2);
    TAP_STR(o[0].id, "o-pain");
    TAP_STR(o[0].note, "a \"quoted\" note");
    TAP_NEAR(o[0].value, -7.3, 0);
    TAP_NEAR(o[0].lower, -12, 0);
    TAP_NEAR(o[0].spread, (double)NAN, 0);
    TAP_INT(o[0].direction, -1);
    TAP_NEAR(o[1].value, (double)NAN, 0);
    TAP_STR(o[1].value_text, "1<2=3");
    TAP_OK(prc_evidence_outcomes(e, NULL, &o, &n, &err) == PRC_OK && n == 3);
    TAP_OK(prc_evidence_outcomes(e, "knee", &o, &n, &err) == PRC_OK && n == 0);
    TAP_OK(prc_evidence_studies(e, "core", &s, &n, &err) == PRC_OK && n == 1 && strcmp(s->id, "core-1") == 0);
    TAP_OK(prc_evidence_arms(e, "knee-oa", &a, &n, &err) == PRC_OK && n == 1 && strcmp(a->id, "alpha-50") == 0);
    TAP_OK(prc_evidence_conflicts(e, "knee-oa", &c, &n, &err) == PRC_OK && n == 1);
    TAP_OK(prc_evidence_outcome(e, "o-cells") != NULL && prc_evidence_outcome(e, "o-") == NULL);
    TAP_STR(prc_evidence_study(e, "alpha-2020")->title, "Alpha, a trial");
    TAP_OK(prc_evidence_arm_by_id(e, NULL) == NULL && prc_evidence_arm_by_id(e, "core-a") != NULL);
    TAP_STR(prc_evidence_reported(e, "alpha-50", "passage"), "3 to 5");
    TAP_STR(prc_evidence_reported(e, "alpha-50", "viability"), "not reported");
    TAP_OK(prc_evidence_reported(e, "alpha-51", "passage") == NULL && prc_evidence_reported(e, "alpha-50", "colour") == NULL);
    TAP_OK(prc_evidence_touches(c, "o-cells") && prc_evidence_touches(c, "o-pain") && !prc_evidence_touches(c, "o-cell"));
    prc_evidence_free(e);
    prc_evidence_free(NULL);
}

static size_t found(prc_evidence *e, prc_evidence_filter f)
{
    const prc_outcome_row *o;
    prc_error err = { 0 };
    size_t n = 0;
    if (prc_evidence_query(e, &f, &o, &n, &err) == PRC_OK) return n;
    tap_note("error", err.message);
    return SIZE_MAX;
}

static void filters(void)
{
    prc_evidence *e = NULL;
    prc_error err = { 0 };
    const prc_outcome_row *o;
    size_t n;
    if (!TAP_OK(prc_evidence_load(FOLDER "/good", &e, &err) == PRC_OK)) return;
    TAP_INT(found(e, (prc_evidence_filter){ 0 }), 3);
    TAP_INT(found(e, (prc_evidence_filter){ .condition = "knee-oa" }), 2);
    TAP_INT(found(e, (prc_evidence_filter){ .condition = "knee" }), 0);
    TAP_INT(found(e, (prc_evidence_filter){ .kind = "effect" }), 2);
    TAP_INT(found(e, (prc_evidence_filter){ .kind = "effect", .role = "independent" }), 1);
    TAP_INT(found(e, (prc_evidence_filter){ .route = "articular" }), 1);
    TAP_INT(found(e, (prc_evidence_filter){ .source = "Adipose" }), 1);
    TAP_INT(found(e, (prc_evidence_filter){ .source = "PMC1" }), 1);
    TAP_INT(found(e, (prc_evidence_filter){ .endpoint = "VAS pain" }), 1);
    TAP_INT(found(e, (prc_evidence_filter){ .search = "quot" }), 1);
    TAP_INT(found(e, (prc_evidence_filter){ .search = "joint cells" }), 1);
    TAP_INT(found(e, (prc_evidence_filter){ .search = "joint pain" }), 0);
    TAP_INT(found(e, (prc_evidence_filter){ .search = "\" OR NEAR( *" }), 0);
    TAP_INT(found(e, (prc_evidence_filter){ .search = "  " }), 3);
    TAP_INT(found(e, (prc_evidence_filter){ .source = "' OR 1=1 --" }), 0);
    TAP_OK(prc_evidence_query(e, &(prc_evidence_filter){ .role = "tuned-in" }, &o, &n, &err) == PRC_E_USAGE);
    TAP_HAS(err.message, "--role: `tuned-in` is none of tuned, built-in, independent");
    TAP_OK(prc_evidence_query(e, &(prc_evidence_filter){ .kind = "efect" }, &o, &n, &err) == PRC_E_USAGE);
    TAP_HAS(err.message, "did you mean `effect`?");
    prc_evidence_free(e);
}

/* The record of the project itself. */
static void own_set(void)
{
    prc_evidence *e = NULL;
    prc_error err = { 0 };
    const prc_outcome_row *o;
    size_t n = 0;
    char text[2048] = "";
    prc_status st = prc_evidence_load(".", &e, &err);
    if (st != PRC_OK) prc_error_format(&err, text, sizeof text);
    TAP_THAT(st == PRC_OK, "evidence/ loads: %s", text);
    if (st != PRC_OK) return;
    TAP_OK(prc_evidence_outcomes(e, "knee-oa", &o, &n, &err) == PRC_OK && n > 50);
    prc_evidence_free(e);
}

static void missing_folder(void)
{
    prc_evidence *e = NULL;
    prc_error err = { 0 };
    TAP_OK(prc_evidence_load("tests/bad/evidence/nothing", &e, &err) == PRC_E_IO);
    TAP_OK(e == NULL);
}

static void copy(const char *from, const char *to)
{
    char *text = NULL;
    size_t n = 0;
    prc_error err = { 0 };
    if (prc_file_read(from, 0, &text, &n, &err) != PRC_OK || prc_file_write(to, text, n, &err) != PRC_OK) tap_note("copy", err.message);
    prc_free(text);
}

/* A data folder made of the good set with one file replaced. */
static void broken_set(const char *folder, const char *table, const char *name, int line, const char *part)
{
    char from[256], to[256];
    prc_evidence *e = NULL;
    prc_error err = { 0 };
    for (size_t i = 0; i < N_TABLE; i++) {
        bool bad = strcmp(TABLE[i], table) == 0;
        if (bad) snprintf(from, sizeof from, FOLDER "/%s-%s.csv", table, name);
        else snprintf(from, sizeof from, FOLDER "/good/evidence/%s.csv", TABLE[i]);
        snprintf(to, sizeof to, "%s/evidence/%s.csv", folder, TABLE[i]);
        copy(from, to);
    }
    prc_status st = prc_evidence_load(folder, &e, &err);
    bool ok = TAP_THAT(st != PRC_OK && e == NULL && err.line == line && strstr(err.message, part) && strstr(err.source, table), "%s-%s refused at line %d: %s", table,
                       name, line, part);
    if (!ok) printf("# %s:%d: %s\n", err.source, err.line, err.message);
    prc_evidence_free(e);
}

static void broken_sets(void)
{
    char folder[] = "/tmp/paracrine-evidence-XXXXXX", path[256];
    prc_table *t = NULL;
    prc_error err = { 0 };
    if (!TAP_OK(prc_table_read(FOLDER "/expected.tsv", PRC_TSV, &t, &err) == PRC_OK)) return;
    if (!mkdtemp(folder)) return;
    snprintf(path, sizeof path, "%s/evidence", folder);
    mkdir(path, 0700);
    for (size_t i = 0; i < t->n_row; i++)
        broken_set(folder, prc_table_cell(t, i, 0), prc_table_cell(t, i, 1), atoi(prc_table_cell(t, i, 2)), prc_table_cell(t, i, 3));
    for (size_t i = 0; i < N_TABLE; i++) {
        snprintf(path, sizeof path, "%s/evidence/%s.csv", folder, TABLE[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/evidence", folder);
    rmdir(path);
    rmdir(folder);
    prc_table_free(t);
}

/* Every allocation fails once: an error each time, nothing leaks (run with ASan). */
static void out_of_memory(void)
{
    prc_status st = PRC_E_MEMORY;
    long k = 1;
    for (; st != PRC_OK && k < 100000; k++) {
        prc_evidence *e = NULL;
        prc_error err = { 0 };
        prc_memory_fail_at(k);
        st = prc_evidence_load(FOLDER "/good", &e, &err);
        prc_memory_fail_at(0);
        if (st != PRC_OK && (st != PRC_E_MEMORY || e)) break;
        prc_evidence_free(e);
    }
    TAP_THAT(st == PRC_OK, "loads after %ld failed allocations", k - 2);
}

/* The same for a query: an answer or an error, never a wrong one. */
static void query_out_of_memory(void)
{
    prc_evidence *e = NULL;
    prc_error err = { 0 };
    const prc_outcome_row *o;
    size_t n = 0, refused = 0, wrong = 0;
    if (!TAP_OK(prc_evidence_load(FOLDER "/good", &e, &err) == PRC_OK)) return;
    for (long k = 1; k < 64; k++) {
        prc_memory_fail_at(k);
        prc_status st = prc_evidence_query(e, &(prc_evidence_filter){ .search = "cells joint", .kind = "mechanism", .role = "tuned" }, &o, &n, &err);
        prc_memory_fail_at(0);
        refused += st == PRC_E_MEMORY;
        wrong += st == PRC_OK ? n != 1 : st != PRC_E_MEMORY;
    }
    TAP_OK(refused > 0);
    TAP_INT(wrong, 0);
    prc_evidence_free(e);
}

int main(void)
{
    TAP_RUN(good_set);
    TAP_RUN(filters);
    TAP_RUN(own_set);
    TAP_RUN(missing_folder);
    TAP_RUN(broken_sets);
    TAP_RUN(out_of_memory);
    TAP_RUN(query_out_of_memory);
    return tap_done();
}
