/* xport.c: a data set as a SAS transport file, version 5. */
#include "export_int.h"

#include <readstat.h>
#include <string.h>

static ssize_t write_bytes(const void *data, size_t n, void *ctx)
{
    return fwrite(data, 1, n, (FILE *)ctx) == n ? (ssize_t)n : -1;
}

static readstat_error_t insert(readstat_writer_t *w, const prc_adam_variable *v, const readstat_variable_t *to, const char *cell)
{
    double x;
    char text[201];
    if (!v->text) return *cell && prc_parse_double(cell, &x) ? readstat_insert_double_value(w, to, x) : readstat_insert_missing_value(w, to);
    size_t n = prc_export_cut(cell, sizeof text - 1);
    memcpy(text, cell, n);
    text[n] = 0;
    return readstat_insert_string_value(w, to, text);
}

prc_status prc_adam_xpt(const prc_adam *d, FILE *f, prc_error *err)
{
    const prc_table *t = d->table;
    readstat_error_t bad = READSTAT_OK;
    readstat_writer_t *w = readstat_writer_init();
    if (!w) return prc_fail(err, PRC_E_MEMORY, "out of memory for %s.xpt", d->name);
    readstat_set_data_writer(w, write_bytes);
    readstat_writer_set_file_label(w, d->label);
    readstat_writer_set_table_name(w, d->name);
    readstat_writer_set_file_timestamp(w, 0); /* the same run, the same bytes */
    readstat_writer_set_file_format_version(w, 5);
    for (size_t k = 0; k < t->n_col; k++) {
        const prc_adam_variable *v = &d->variable[k];
        readstat_variable_t *to = readstat_add_variable(w, v->name, v->text ? READSTAT_TYPE_STRING : READSTAT_TYPE_DOUBLE, v->text ? v->length : 8);
        readstat_variable_set_label(to, v->label);
    }
    bad = readstat_begin_writing_xport(w, f, (long)t->n_row);
    for (size_t r = 0; !bad && r < t->n_row; r++) {
        bad = readstat_begin_row(w);
        for (size_t k = 0; !bad && k < t->n_col; k++) bad = insert(w, &d->variable[k], readstat_get_variable(w, (int)k), prc_table_cell(t, r, k));
        if (!bad) bad = readstat_end_row(w);
    }
    if (!bad) bad = readstat_end_writing(w);
    readstat_writer_free(w);
    if (!bad && ferror(f)) bad = READSTAT_ERROR_WRITE; /* ReadStat does not always notice */
    if (bad) return prc_fail(err, bad == READSTAT_ERROR_MALLOC ? PRC_E_MEMORY : PRC_E_IO, "%s.xpt: %s", d->name, readstat_error_message(bad));
    return PRC_OK;
}
