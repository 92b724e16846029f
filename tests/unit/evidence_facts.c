/* The published record of the project: keys, ranges, units, sources, roles, conflicts; and, where ../shared/evidence/facts.csv is there, every fact of it. */
#include "../tap.h"

#include <unistd.h>

#include "paracrine/evidence.h"

#define FACTS "../shared/evidence/facts.csv"

static const char *const CONDITION[] = { "general", "knee-oa", "focal-cartilage-defect", "rheumatoid-arthritis", "ankylosing-spondylitis", "systemic-lupus",
    "lupus-nephritis", "osteoporosis", "systemic-sclerosis", "myositis", "multiple-sclerosis", "parkinsons-disease", "ischemic-stroke", "spinal-cord-injury",
    "neuropathic-pain", "fibromyalgia", "disc-degeneration", "femoral-head-osteonecrosis", "kidney-disease" };
enum { N_CONDITION = sizeof CONDITION / sizeof *CONDITION };

static prc_evidence *record;
static prc_error err;

static bool known_conditions(const char *list)
{
    while (*list) {
        size_t n = strcspn(list, ";"), k = 0;
        const char *name = list + strspn(list, " ");
        size_t len = n - (size_t)(name - list);
        while (k < N_CONDITION && (strlen(CONDITION[k]) != len || strncmp(CONDITION[k], name, len) != 0)) k++;
        if (k == N_CONDITION) return false;
        list += n + (list[n] == ';');
    }
    return true;
}

/* Every row stands on a study that says what was read, and how. */
static void sources(void)
{
    const prc_outcome_row *o;
    const prc_study *s;
    size_t n, n_study, bad = 0, unknown = 0, unused = 0;
    if (!TAP_OK(prc_evidence_outcomes(record, NULL, &o, &n, &err) == PRC_OK && prc_evidence_studies(record, NULL, &s, &n_study, &err) == PRC_OK)) return;
    for (size_t i = 0; i < n; i++) {
        const prc_study *of = prc_evidence_study(record, o[i].study);
        if (!of || !*of->how_read || !*of->identifier || strcmp(of->how_read, "-") == 0) bad++, tap_note("no source", o[i].id);
        if (!known_conditions(o[i].condition)) unknown++, tap_note("condition", o[i].condition);
    }
    for (size_t i = 0; i < n_study; i++) {
        bool used = false;
        for (size_t k = 0; k < n && !used; k++) used = strcmp(o[k].study, s[i].id) == 0;
        if (!used) unused++, tap_note("no row", s[i].id);
        if (!known_conditions(s[i].condition)) unknown++, tap_note("condition", s[i].condition);
    }
    TAP_INT(bad, 0);
    TAP_INT(unknown, 0);
    TAP_INT(unused, 0);
}

/* A paper or model is never a page of the five collections, and the pages are marked as such. */
static void vendors(void)
{
    const prc_study *s;
    size_t n, bad = 0, n_vendor = 0;
    if (!TAP_OK(prc_evidence_studies(record, NULL, &s, &n, &err) == PRC_OK)) return;
    for (size_t i = 0; i < n; i++) {
        bool vendor = strncmp(s[i].source_kind, "vendor", 6) == 0, page = strstr(s[i].identifier, "collection") != NULL;
        n_vendor += vendor;
        if (vendor != page) bad++, tap_note("vendor", s[i].id);
    }
    TAP_INT(bad, 0);
    TAP_OK(n_vendor > 20);
}

/* Numbers that a typing slip would betray. */
static void ranges(void)
{
    const prc_outcome_row *o;
    size_t n, percent = 0, side = 0, interval = 0, late = 0;
    if (!TAP_OK(prc_evidence_outcomes(record, NULL, &o, &n, &err) == PRC_OK)) return;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(o[i].unit, "%") == 0 && fabs(o[i].value) > 100) percent++, tap_note("percent", o[i].id);
        if ((strcmp(o[i].unit, "RR") == 0 || strcmp(o[i].unit, "OR") == 0 || strcmp(o[i].unit, "HR") == 0) && !(o[i].value > 0)) side++, tap_note("ratio", o[i].id);
        if (isnan(o[i].lower) != isnan(o[i].upper) || (!isnan(o[i].lower) && !*o[i].spread_kind)) interval++, tap_note("interval", o[i].id);
        if (o[i].time_days > 20 * 365.25) late++, tap_note("time", o[i].id);
    }
    TAP_INT(percent, 0);
    TAP_INT(side, 0);
    TAP_INT(interval, 0);
    TAP_INT(late, 0);
}

/* Both sides of every conflict are rows of the record; no row stands on both; none is pooled into a third number. */
static void conflicts(void)
{
    const prc_conflict *c;
    const prc_outcome_row *o;
    size_t n, n_row, both = 0, alone = 0;
    if (!TAP_OK(prc_evidence_conflicts(record, NULL, &c, &n, &err) == PRC_OK && prc_evidence_outcomes(record, NULL, &o, &n_row, &err) == PRC_OK)) return;
    TAP_OK(n >= 60);
    for (size_t i = 0; i < n; i++) {
        prc_conflict a = c[i], b = c[i];
        size_t in_a = 0, in_b = 0;
        a.outcome_b = b.outcome_a = "";
        for (size_t k = 0; k < n_row; k++) {
            bool x = prc_evidence_touches(&a, o[k].id), y = prc_evidence_touches(&b, o[k].id);
            in_a += x;
            in_b += y;
            if (x && y) both++, tap_note("on both sides", c[i].id);
        }
        if (!in_a || !in_b) alone++, tap_note("one side", c[i].id);
    }
    TAP_INT(both, 0);
    TAP_INT(alone, 0);
}

/* What the record is asked for in docs/evidence.md. */
static void asking(void)
{
    const prc_outcome_row *o;
    const prc_evidence_arm *a;
    size_t n, missing = 0, found = 0;
    TAP_OK(prc_evidence_query(record, &(prc_evidence_filter){ .search = "hypoxia" }, &o, &n, &err) == PRC_OK && n >= 3);
    for (size_t i = 0; i < n; i++) found += strcmp(o[i].id, "S172") == 0;
    TAP_INT(found, 1);
    TAP_OK(prc_evidence_query(record, &(prc_evidence_filter){ .condition = "knee-oa", .endpoint = "mocart" }, &o, &n, &err) == PRC_OK && n == 2);
    TAP_OK(prc_evidence_query(record, &(prc_evidence_filter){ .route = "intravenous", .kind = "effect" }, &o, &n, &err) == PRC_OK && n > 20);
    TAP_OK(prc_evidence_query(record, &(prc_evidence_filter){ .kind = "constraint" }, &o, &n, &err) == PRC_OK && n > 100);
    if (!TAP_OK(prc_evidence_arms(record, NULL, &a, &n, &err) == PRC_OK)) return;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < prc_evidence_n_field(); k++) {
            const char *value = prc_evidence_reported(record, a[i].id, prc_evidence_field(k));
            missing += !value || !*value;
        }
    TAP_INT(missing, 0);
    TAP_STR(prc_evidence_reported(record, "trigeminal-svf-local", "viability"), "62-91 %");
    TAP_STR(prc_evidence_reported(record, "treasure-cells", "viability"), "not reported");
    TAP_OK(prc_evidence_field(prc_evidence_n_field()) == NULL && prc_evidence_field_group(0) != NULL);
}

/* Every number of facts.csv stands in the row of its id. tools/check-facts compares every column and prints what differs. */
static void facts(void)
{
    prc_table *t = NULL;
    size_t absent = 0, differ = 0;
    if (access(FACTS, R_OK) != 0) {
        TAP_SKIP("no " FACTS);
        return;
    }
    if (!TAP_OK(prc_table_read(FACTS, PRC_CSV, &t, &err) == PRC_OK)) return;
    int id = prc_table_col(t, "id"), value = prc_table_col(t, "value"), baseline = prc_table_col(t, "baseline"), at = prc_table_col(t, "timepoint_days");
    if (TAP_OK(id >= 0 && value >= 0 && baseline >= 0 && at >= 0))
        for (size_t i = 0; i < t->n_row; i++) {
            double x = 0, base, day;
            const char *name = prc_table_cell(t, i, (size_t)id);
            const prc_outcome_row *o = prc_evidence_outcome(record, name);
            if (!o) absent++, tap_note("absent", name);
            if (!o || strcmp(name, "S012") == 0) continue; /* S012: the row says what was found at the dose that facts.csv gives as value */
            bool number = prc_parse_double(prc_table_cell(t, i, (size_t)value), &x);
            if (prc_table_number(t, i, (size_t)baseline, true, &base, &err) != PRC_OK) base = (double)NAN;
            if (prc_table_number(t, i, (size_t)at, true, &day, &err) != PRC_OK) day = (double)NAN;
            bool same = number ? o->value == x : strcmp(o->value_text, prc_table_cell(t, i, (size_t)value)) == 0;
            if (!same || !(o->baseline == base || (isnan(base) && isnan(o->baseline))) || !(o->time_days == day || (isnan(day) && isnan(o->time_days)))) differ++, tap_note("differs", name);
        }
    TAP_INT(t->n_row, 274);
    TAP_INT(absent, 0);
    TAP_INT(differ, 0);
    prc_table_free(t);
}

int main(void)
{
    if (prc_evidence_load(".", &record, &err) != PRC_OK) {
        tap_note("error", err.message);
        TAP_THAT(false, "evidence/ loads");
        return tap_done();
    }
    TAP_RUN(sources);
    TAP_RUN(vendors);
    TAP_RUN(ranges);
    TAP_RUN(conflicts);
    TAP_RUN(asking);
    TAP_RUN(facts);
    prc_evidence_free(record);
    return tap_done();
}
