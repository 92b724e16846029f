/* What the files of `paracrine meta` share: the data as read, and how results are written. */
#ifndef PARACRINE_CMD_META_INT_H
#define PARACRINE_CMD_META_INT_H

#include "cli_int.h"
#include "paracrine/meta.h"
#include "paracrine/table.h"

/* The data set: effects of the rows that are used, and where they came from. */
typedef struct meta_input {
    prc_table *table;
    int key[PRC_META_KEY_COUNT];    /* column of each key, -1 none */
    int *slab, n_slab;              /* columns that name a study */
    int cluster, treat1, treat2, outcome; /* columns, -1 none */
    int cov[9], n_cov;              /* v1i v2i ...: rows of the sampling covariance */
    prc_meta_data data;             /* all rows (n = rows of the file) */
    const prc_meta_measure *measure;
    size_t n, k;                    /* rows read, rows used */
    size_t missing, undefined, missing_mod;
    size_t *row;                    /* k: row of the table */
    double *yi, *vi;                /* k */
    char **name;                    /* k: study labels */
    double *x;                      /* k x p design, NULL without moderators */
    size_t p;
    char **term;                    /* p: names of the columns of x */
    prc_arena *arena;
} meta_input;

prc_status meta_read(const cli_options *o, meta_input *in, prc_error *err);
void meta_input_reset(meta_input *in);
/* Codes 0..n-1 of a column's distinct texts over the rows used, names in order of first appearance (sorted when wanted). */
prc_status meta_codes(const meta_input *in, size_t col, bool sorted, int *code, char ***level, size_t *n_level, prc_error *err);
prc_status meta_column(const meta_input *in, const char *name, size_t *col, prc_error *err);
/* Cell as number; "", "-", "NA", "." are missing. */
prc_status meta_number(const prc_table *t, size_t row, size_t col, double *out, prc_error *err);

/* Text helpers. */
const char *meta_title(const cli_options *o);
void meta_head(const meta_input *in, const char *title, prc_text *t);
const char *meta_p(double p, char *buf);   /* "< 0.0001" or "= 0.0123" */
void meta_json_head(const meta_input *in, const char *model, prc_json *j);
void meta_display(const meta_input *in, double estimate, double lb, double ub, double pi_lb, double pi_ub, prc_text *t, prc_json *j);

/* The other models (cmd_meta_models.c). */
prc_status meta_tables(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err);
prc_status meta_multilevel(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err);
prc_status meta_multivariate(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err);
prc_status meta_network(const cli_options *o, const meta_input *in, prc_text *t, prc_json *j, prc_error *err);

#endif
