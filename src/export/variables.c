/* variables.c: what the columns of the tables are: label, type, origin, codes. */
#include "export_int.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { TEXT_MAX = 200, LABEL_MAX = 40, NAME_MAX_V5 = 8, CODES_MAX = 200 };

/* A variable that the tables use, in whatever data set. */
typedef struct known {
    const char *name, *label;
    bool text, coded;
    const char *origin;
} known;

static const known all[] = {
    {"STUDYID", "Study Identifier", true, false, "Assigned"},
    {"USUBJID", "Unique Subject Identifier", true, false, "Assigned"},
    {"SUBJID", "Subject Identifier for the Study", true, false, "Assigned"},
    {"ARM", "Planned Arm, Name in the Trial File", true, true, "Protocol"},
    {"TRT01P", "Planned Treatment for Period 01", true, true, "Protocol"},
    {"TRT01PN", "Planned Treatment for Period 01 (N)", false, false, "Protocol"},
    {"STRATUM", "Randomisation Stratum", true, true, "Derived"},
    {"SAFFL", "Safety Population Flag", true, true, "Derived"},
    {"ITTFL", "Intent-To-Treat Population Flag", true, true, "Derived"},
    {"COMPFL", "Completers Population Flag", true, true, "Derived"},
    {"DCDECOD", "Standardized Disposition Term", true, true, "Derived"},
    {"DCDAY", "Day of End of Participation", false, false, "Derived"},
    {"POP", "Population of the Trial File", true, true, "Protocol"},
    {"PARAMCD", "Parameter Code", true, true, "Assigned"},
    {"PARAM", "Parameter", true, false, "Assigned"},
    {"AVISIT", "Analysis Visit", true, true, "Protocol"},
    {"AVISITN", "Analysis Visit (N), Planned Day", false, false, "Protocol"},
    {"ADY", "Analysis Relative Day", false, false, "Derived"},
    {"AVAL", "Analysis Value", false, false, "Collected (simulated)"},
    {"BASE", "Baseline Value", false, false, "Derived"},
    {"CHG", "Change from Baseline", false, false, "Derived"},
    {"PCHG", "Percent Change from Baseline", false, false, "Derived"},
    {"ABLFL", "Baseline Record Flag", true, true, "Derived"},
    {"ANL01FL", "Analysis Flag 01", true, true, "Derived"},
    {"DTYPE", "Derivation Type", true, true, "Derived"},
    {"CNSR", "Censor, 1 = Censored", false, false, "Derived"},
    {"EVNTDESC", "Event or Censoring Description", true, true, "Derived"},
    {"AEDECOD", "Dictionary-Derived Term", true, true, "Collected (simulated)"},
    {"ASTDY", "Analysis Start Relative Day", false, false, "Collected (simulated)"},
    {"AENDY", "Analysis End Relative Day", false, false, "Collected (simulated)"},
    {"AREL", "Analysis Causality", true, true, "Derived"},
};

static const struct { const char *name, *label; } sets[] = {
    {"adsl", "Subject-Level Analysis Dataset"},
    {"adqs", "Scores and Images Analysis Dataset"},
    {"adtte", "Time-to-Event Analysis Dataset"},
    {"adae", "Adverse Events Analysis Dataset"},
};

static const known *known_of(const char *name)
{
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (strcmp(all[k].name, name) == 0) return &all[k];
    return NULL;
}

/* The covariate whose upper-case name this is. */
static const prc_covariate *covariate_of(const prc_condition *c, const char *name)
{
    for (size_t k = 0; k < c->n_covariate; k++) {
        const char *a = c->covariate[k].name, *b = name;
        while (*a && toupper((unsigned char)*a) == (unsigned char)*b) a++, b++;
        if (!*a && !*b) return &c->covariate[k];
    }
    return NULL;
}

/* At most eight letters, digits and underscores, different for each column. */
static void short_name(const prc_adam *d, size_t column)
{
    char *out = d->variable[column].name;
    size_t n = 0;
    for (const char *p = d->table->col[column]; *p && n < NAME_MAX_V5; p++)
        if (isalnum((unsigned char)*p) || *p == '_') out[n++] = (char)toupper((unsigned char)*p);
    out[n] = 0;
    if (n == 0 || isdigit((unsigned char)out[0])) memcpy(out, "V", 2), n = 1;
    for (int suffix = 2; suffix < 100; suffix++) {
        bool taken = false;
        char digits[4];
        for (size_t k = 0; k < column; k++) taken = taken || strcmp(d->variable[k].name, out) == 0;
        if (!taken) return;
        int length = snprintf(digits, sizeof digits, "%d", suffix % 100);
        memcpy(out + (n + (size_t)length > NAME_MAX_V5 ? NAME_MAX_V5 - (size_t)length : n), digits, (size_t)length + 1);
    }
}

/* Cuts at a whole character of UTF-8. */
size_t prc_export_cut(const char *s, size_t max)
{
    size_t n = strlen(s);
    if (n <= max) return n;
    while (max > 0 && ((unsigned char)s[max] & 0xC0) == 0x80) max--;
    return max;
}

static void set_label(prc_adam_variable *v, const char *label, const char *unit)
{
    char buf[256];
    if (unit && *unit && strcmp(unit, "1") != 0 && strcmp(unit, "-") != 0) snprintf(buf, sizeof buf, "%s (%s)", label, unit);
    else snprintf(buf, sizeof buf, "%s", label);
    size_t n = prc_export_cut(buf, LABEL_MAX);
    memcpy(v->label, buf, n);
    v->label[n] = 0;
    for (char *p = v->label; *p; p++)
        if (*p == '_') *p = ' ';
}

static bool numeric(const prc_table *t, size_t column)
{
    bool any = false;
    double x;
    for (size_t r = 0; r < t->n_row; r++) {
        const char *s = prc_table_cell(t, r, column);
        if (!*s) continue;
        if (!prc_parse_double(s, &x)) return false;
        any = true;
    }
    return any;
}

/* Distinct values in the order in which they come; more than a table can hold in a glance are no codes. */
static bool find_codes(prc_adam *d, size_t column, const char *decode_from)
{
    prc_adam_variable *v = &d->variable[column];
    int decode = decode_from ? prc_table_col(d->table, decode_from) : -1;
    v->code = prc_arena_alloc(d->arena, CODES_MAX, sizeof *v->code);
    v->decode = prc_arena_alloc(d->arena, CODES_MAX, sizeof *v->decode);
    if (!v->code || !v->decode) return false;
    for (size_t r = 0; r < d->table->n_row; r++) {
        const char *s = prc_table_cell(d->table, r, column);
        size_t k = 0;
        while (k < v->n_code && strcmp(v->code[k], s) != 0) k++;
        if (k < v->n_code || !*s) continue;
        if (v->n_code == CODES_MAX) {
            v->n_code = 0;
            return true;
        }
        v->code[v->n_code] = s;
        v->decode[v->n_code++] = decode < 0 ? NULL : prc_table_cell(d->table, r, (size_t)decode);
    }
    return true;
}

static bool describe(prc_adam *d, const prc_condition *c, size_t column)
{
    prc_adam_variable *v = &d->variable[column];
    const char *name = d->table->col[column];
    const known *k = known_of(name);
    const prc_covariate *x = k ? NULL : covariate_of(c, name);
    bool coded = k ? k->coded : x && x->n_category > 0;
    v->csv_name = name;
    short_name(d, column);
    v->text = k ? k->text : x ? x->n_category > 0 : !numeric(d->table, column);
    v->origin = k ? k->origin : x ? "Collected (simulated)" : "Derived";
    set_label(v, k ? k->label : x ? x->name : name, x ? x->unit : NULL);
    if (x) v->label[0] = (char)toupper((unsigned char)v->label[0]);
    v->length = v->text ? 1 : 8;
    for (size_t r = 0; v->text && r < d->table->n_row; r++) {
        size_t n = prc_export_cut(prc_table_cell(d->table, r, column), TEXT_MAX);
        if (n > v->length) v->length = n;
    }
    if (!coded) return true;
    return find_codes(d, column, strcmp(name, "PARAMCD") == 0 ? "PARAM" : strcmp(name, "ARM") == 0 ? "TRT01P" : NULL);
}

prc_status prc_adam_open(const prc_condition *c, const char *name, const char *path, prc_adam **out, prc_error *err)
{
    prc_status st;
    prc_adam *d = prc_calloc(1, sizeof *d);
    if (!d) return prc_fail(err, PRC_E_MEMORY, "out of memory for the data set %s", name);
    d->label = "Analysis Dataset";
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
        if (strcmp(sets[k].name, name) == 0) d->label = sets[k].label;
    PRC_GO(st, prc_table_read(path, PRC_CSV, &d->table, err));
    d->arena = prc_arena_create();
    char *upper = d->arena ? prc_arena_strdup(d->arena, name) : NULL;
    if (upper) d->variable = prc_arena_alloc(d->arena, d->table->n_col + 1, sizeof *d->variable);
    bool good = upper && d->variable;
    for (char *p = upper; p && *p; p++) *p = (char)toupper((unsigned char)*p);
    d->name = upper;
    for (size_t k = 0; good && k < d->table->n_col; k++) good = describe(d, c, k);
    if (!good) st = prc_fail(err, PRC_E_MEMORY, "out of memory for the data set %s", name);
out:
    if (st == PRC_OK) *out = d;
    else prc_adam_free(d);
    return st;
}

void prc_adam_free(prc_adam *d)
{
    if (!d) return;
    prc_table_free(d->table);
    prc_arena_free(d->arena);
    prc_free(d);
}
