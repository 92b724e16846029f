/* define.c: the data sets of a run described for other programs, and written in SAS transport format. */
#include "export_int.h"

#include <string.h>

static const char *const sets[] = {"adsl", "adqs", "adtte", "adae"};
enum { SETS = sizeof sets / sizeof *sets };

static void variable_json(const prc_adam *d, const prc_adam_variable *v, prc_json *list)
{
    prc_json *j = prc_json_set(list, NULL, prc_json_object());
    prc_json_set_text(j, "name", v->name);
    prc_json_set_text(j, "csv_name", v->csv_name);
    prc_json_set_text(j, "label", v->label);
    prc_json_set_text(j, "type", v->text ? "text" : "float");
    prc_json_set_int(j, "length", (int64_t)v->length);
    prc_json_set_text(j, "origin", v->origin);
    if (v->n_code == 0) return;
    char id[32];
    snprintf(id, sizeof id, "CL.%s.%s", d->name, v->name);
    prc_json_set_text(j, "codelist", id);
}

static void codes_json(const prc_adam *d, prc_json *list)
{
    for (size_t k = 0; k < d->table->n_col; k++) {
        const prc_adam_variable *v = &d->variable[k];
        if (v->n_code == 0) continue;
        char id[32];
        prc_json *j = prc_json_set(list, NULL, prc_json_object());
        snprintf(id, sizeof id, "CL.%s.%s", d->name, v->name);
        prc_json_set_text(j, "id", id);
        prc_json *terms = prc_json_set(j, "terms", prc_json_array());
        for (size_t m = 0; m < v->n_code; m++) {
            prc_json *term = prc_json_set(terms, NULL, prc_json_object());
            prc_json_set_text(term, "value", v->code[m]);
            if (v->decode[m]) prc_json_set_text(term, "decode", v->decode[m]);
        }
    }
}

static void set_json(const prc_adam *d, const char *file, bool xpt, prc_json *list)
{
    char name[32];
    prc_json *j = prc_json_set(list, NULL, prc_json_object());
    prc_json_set_text(j, "name", d->name);
    prc_json_set_text(j, "label", d->label);
    snprintf(name, sizeof name, "%s.csv", file);
    prc_json_set_text(j, "csv", name);
    snprintf(name, sizeof name, "%s.xpt", file);
    prc_json_set_text(j, "xpt", xpt ? name : NULL);
    prc_json_set_int(j, "records", (int64_t)d->table->n_row);
    prc_json *keys = prc_json_set(j, "keys", prc_json_array());
    prc_json_set_text(keys, NULL, "USUBJID");
    if (prc_table_col(d->table, "PARAMCD") >= 0) prc_json_set_text(keys, NULL, "PARAMCD");
    if (prc_table_col(d->table, "AVISITN") >= 0) prc_json_set_text(keys, NULL, "AVISITN");
    if (prc_table_col(d->table, "AEDECOD") >= 0) prc_json_set_text(keys, NULL, "AEDECOD"), prc_json_set_text(keys, NULL, "ASTDY");
    prc_json *variables = prc_json_set(j, "variables", prc_json_array());
    for (size_t k = 0; k < d->table->n_col; k++) variable_json(d, &d->variable[k], variables);
}

static FILE *open_file(prc_outdir *dir, const char *name, prc_status *st, prc_error *err)
{
    prc_error why = {0};
    FILE *f = prc_outdir_open(dir, name, &why);
    if (f) return f;
    *st = why.status ? why.status : PRC_E_IO;
    if (err) *err = why;
    return NULL;
}

static prc_status export_set(const prc_trial_spec *s, const char *set, bool xpt, prc_outdir *dir, prc_json *list, prc_json *codes, prc_error *err)
{
    char path[4096], name[32];
    prc_adam *d = NULL;
    prc_status st;
    snprintf(name, sizeof name, "%s.csv", set);
    PRC_GO(st, prc_outdir_path(dir, name, path, sizeof path, err));
    PRC_GO(st, prc_adam_open(s->condition, set, path, &d, err));
    set_json(d, set, xpt, list);
    codes_json(d, codes);
    snprintf(name, sizeof name, "%s.xpt", set);
    FILE *f = xpt ? open_file(dir, name, &st, err) : NULL;
    if (f) st = prc_adam_xpt(d, f, err);
out:
    prc_adam_free(d);
    return st;
}

prc_status prc_export_data(const prc_trial_spec *s, bool xpt, prc_outdir *dir, prc_error *err)
{
    char *text = NULL;
    prc_status st = PRC_OK;
    prc_json *j = prc_json_object();
    prc_json_set_text(j, "schema", "paracrine/define/1");
    prc_json_set_text(j, "research_use", "Research use only. A simulation, not evidence of benefit; not for treatment decisions.");
    prc_json_set_text(j, "title", s->title);
    prc_json_set_text(j, "origin_note", "every subject is simulated; 'Collected (simulated)' marks what a trial would have collected");
    prc_json *list = prc_json_set(j, "datasets", prc_json_array()), *codes = prc_json_set(j, "codelists", prc_json_array());
    for (int k = 0; st == PRC_OK && k < SETS; k++) st = export_set(s, sets[k], xpt, dir, list, codes, err);
    if (st == PRC_OK) st = prc_json_text(j, &text, err);
    FILE *f = st == PRC_OK ? open_file(dir, "define.json", &st, err) : NULL;
    if (f && fputs(text, f) < 0) st = prc_fail(err, PRC_E_IO, "cannot write define.json");
    prc_json_free(j);
    prc_free(text);
    return st;
}
