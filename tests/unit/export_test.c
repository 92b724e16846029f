/* export_test.c: a data set written as XPORT v5 and read back with ReadStat holds what the CSV holds. Runs in the source folder. */
#include "../tap.h"
#include "paracrine/export.h"

#include <readstat.h>
#include <stdlib.h>
#include <unistd.h>

static const char csv[] =
    "USUBJID,DISEASE_DURATION,DISEASE_OTHER,AVAL,CHG,PARAMCD,PARAM,KL_GRADE,SOMETHING,EMPTY\n"
    "ALL-000001,1.5,x,0.1,,VAS,Pain (VAS),2,1,\n"
    "ALL-000002,7.25,\"a, \"\"b\"\"\",-1e-30,-3.3333333333333335,VAS,Pain (VAS),3,2.5,\n"
    "ALL-000003,0,\xC3\xA9t\xC3\xA9,1.7976931348623157e70,123456789.12345679,MRI,Image,2,-7,\n"
    "ALL-000004,,yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy,"
    "4503599627370497,0,MRI,Image,2,,\n";

typedef struct reading { const prc_adam *d; size_t wrong, cells, variables; } reading;

static int variable(int index, readstat_variable_t *v, const char *labels, void *ctx)
{
    reading *q = ctx;
    const prc_adam_variable *want = &q->d->variable[index];
    (void)labels;
    q->variables++;
    q->wrong += strcmp(readstat_variable_get_name(v), want->name) != 0 || strcmp(readstat_variable_get_label(v), want->label) != 0;
    q->wrong += (readstat_variable_get_type(v) == READSTAT_TYPE_STRING) != want->text;
    return READSTAT_HANDLER_OK;
}

static int value(int row, readstat_variable_t *v, readstat_value_t x, void *ctx)
{
    reading *q = ctx;
    size_t column = (size_t)readstat_variable_get_index(v);
    const char *cell = prc_table_cell(q->d->table, (size_t)row, column);
    double want;
    q->cells++;
    if (q->d->variable[column].text) {
        const char *got = readstat_string_value(x);
        size_t n = strlen(cell) > 200 ? 200 : strlen(cell);
        q->wrong += strncmp(got ? got : "", cell, n) != 0 || strlen(got ? got : "") != n;
    } else if (!*cell) q->wrong += !readstat_value_is_missing(x, v);
    else q->wrong += !prc_parse_double(cell, &want) || readstat_value_is_missing(x, v) || readstat_double_value(x) != want;
    return READSTAT_HANDLER_OK;
}

static void round_trip(const char *text, size_t rows)
{
    char path[64], out[64];
    prc_condition *c = NULL;
    prc_adam *d = NULL;
    prc_error err = {0};
    snprintf(path, sizeof path, "/tmp/paracrine-export-%d.csv", (int)getpid());
    snprintf(out, sizeof out, "/tmp/paracrine-export-%d.xpt", (int)getpid());
    TAP_INT(prc_condition_load(".", "knee-oa", &c, &err), PRC_OK);
    TAP_INT(prc_file_write(path, text, strlen(text), &err), PRC_OK);
    if (c && TAP_OK(prc_adam_open(c, "adqs", path, &d, &err) == PRC_OK)) {
        FILE *f = fopen(out, "wb");
        if (f) TAP_INT(prc_adam_xpt(d, f, &err), PRC_OK);
        if (f) fclose(f);
        TAP_STR(d->variable[1].name, "DISEASE_");
        TAP_STR(d->variable[2].name, "DISEASE2");
        TAP_OK(d->variable[2].text && d->variable[7].text && !d->variable[3].text);
        if (rows) {
            TAP_OK(!d->variable[8].text);
            TAP_INT(d->variable[5].n_code, 2);
            TAP_STR(d->variable[5].decode[1], "Image");
            TAP_INT(d->variable[2].length, 200);
        }
        reading q = {d, 0, 0, 0};
        readstat_parser_t *p = readstat_parser_init();
        readstat_set_variable_handler(p, variable);
        readstat_set_value_handler(p, value);
        TAP_INT(readstat_parse_xport(p, out, &q), READSTAT_OK);
        readstat_parser_free(p);
        TAP_INT(q.wrong, 0);
        TAP_INT(q.variables, 10);
        TAP_INT(q.cells, rows * 10);
    } else tap_note("error", err.message);
    prc_adam_free(d);
    prc_condition_free(c);
    unlink(path);
    unlink(out);
}

static void values_come_back(void)
{
    round_trip(csv, 4);
}

static void no_rows(void)
{
    static char head[sizeof csv];
    snprintf(head, sizeof head, "%.*s", (int)strcspn(csv, "\n") + 1, csv);
    round_trip(head, 0);
}

static void full_disk(void)
{
    prc_condition *c = NULL;
    prc_adam *d = NULL;
    char path[64];
    snprintf(path, sizeof path, "/tmp/paracrine-export-%d.csv", (int)getpid());
    if (prc_file_write(path, csv, strlen(csv), NULL) == PRC_OK && prc_condition_load(".", "knee-oa", &c, NULL) == PRC_OK && prc_adam_open(c, "adqs", path, &d, NULL) == PRC_OK) {
        prc_error err = {0};
        FILE *f = fopen("/dev/full", "wb");
        if (f) setvbuf(f, NULL, _IONBF, 0);
        if (f) TAP_INT(prc_adam_xpt(d, f, &err), PRC_E_IO);
        if (f) fclose(f);
    }
    prc_adam_free(d);
    prc_condition_free(c);
    unlink(path);
    TAP_OK(prc_adam_open(NULL, "adqs", path, &d, NULL) != PRC_OK);
}

int main(void)
{
    TAP_RUN(values_come_back);
    TAP_RUN(no_rows);
    TAP_RUN(full_disk);
    return tap_done();
}
