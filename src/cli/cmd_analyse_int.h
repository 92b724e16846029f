/* cmd_analyse_int.h: what the files of `paracrine analyse` share. */
#ifndef PARACRINE_CMD_ANALYSE_INT_H
#define PARACRINE_CMD_ANALYSE_INT_H

#include "cli_int.h"
#include "paracrine/stat.h"
#include "paracrine/table.h"

/* A column read as levels: names in natural order ("VIS2" before "VIS10"), a number per row, -1 where missing. */
typedef struct an_factor {
    const char *column;
    const char **level;
    size_t n_level;
    int *of; /* n_row */
} an_factor;

/* The data set as the options name it; everything lives in the arena of the table or its own. */
typedef struct an_data {
    const cli_options *o;
    prc_table *table;
    prc_arena *arena;
    size_t n;                 /* rows */
    size_t n_filtered;        /* rows left out by --where */
    an_factor arm, subject, visit, *strata, *factor;
    size_t n_strata, n_factor; /* factor: covariates that are text */
    double *response, *time, *offset; /* n or NULL */
    const char **response_text;       /* n: ordinal responses that are words */
    an_factor grade;
    int *event;               /* 0 = censored, k = the k-th value of --event */
    const char **event_name;
    size_t n_event_value;
    double *covariate;        /* n x n_covariate row-major */
    const char **covariate_name;
    size_t n_covariate;
    int reference;
    double level;
    /* frame arrays: strata and text covariates side by side */
    int *frame_factor;
    size_t *frame_level;
    prc_frame frame;
} an_data;

PRC_CHECKED prc_status an_read(const cli_options *o, an_data *d, prc_error *err);
void an_free(an_data *d);

/* One line of the result. Texts belong to the data set's arena or are constants; NULL = does not apply. */
typedef struct an_row {
    const char *what, *arm, *versus, *visit;
    prc_estimate e;
    bool ratio;    /* the estimate is a log: shown as a ratio too */
    bool contrast; /* takes part in --adjust */
    double p_adjusted;
} an_row;

typedef struct an_result {
    an_row *row;
    size_t n, cap;
    prc_text notes; /* one per line */
    prc_json *fit;  /* keys about the model, may be NULL */
} an_result;

PRC_CHECKED prc_status an_add(an_result *r, an_row row, prc_error *err);
PRC_CHECKED prc_status an_print(const an_data *d, const char *title, an_result *r, prc_error *err);
void an_result_reset(an_result *r);

#endif
