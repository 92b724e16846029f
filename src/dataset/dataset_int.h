/* dataset_int.h: rows of a data set, what they do to a patient in order of time, and the search for steady states. */
#ifndef PRC_DATASET_INT_H
#define PRC_DATASET_INT_H

#include "paracrine/dataset.h"

/* ---- lines of a file ---------------------------------------------------------------------------------------- */

typedef struct prc_csv {
    const char *path;
    FILE *file;
    char *buf; /* bytes [at, n) are not read yet; the line that was read stands before them */
    size_t at, n, cap;
    long line;
    char **cell; /* cells of the line, trimmed */
    size_t n_cell, cell_cap;
} prc_csv;
prc_status prc_csv_open(prc_csv *c, const char *path, prc_error *err);
void prc_csv_close(prc_csv *c);
prc_status prc_csv_rewind(prc_csv *c, prc_error *err);
/* The next line that is not empty, as cells that live until the next call; *got is false at the end. */
prc_status prc_csv_next(prc_csv *c, bool *got, prc_error *err);

/* ---- rows ---------------------------------------------------------------------------------------------------- */

enum {
    PRC_COL_ID,
    PRC_COL_TIME,
    PRC_COL_AMT,
    PRC_COL_EVID,
    PRC_COL_CMT,
    PRC_COL_RATE,
    PRC_COL_ADDL,
    PRC_COL_II,
    PRC_COL_SS,
    PRC_COL_COUNT
};

typedef struct prc_record {
    double time, amt, rate, ii;
    int64_t addl;
    int evid, ss, state; /* state: slot of the compartment, -1 = none */
    long line;
} prc_record;

typedef struct prc_patient_rows {
    char *id;
    size_t n, cap, cov_cap;
    prc_record *record;
    double *cov; /* n x n_cov, NaN = missing */
} prc_patient_rows;
void prc_patient_rows_reset(prc_patient_rows *p);

/* A column that gives values to a parameter. */
typedef struct prc_cov {
    size_t col;
    int param; /* slot */
    const char *name;
    long varies; /* first line where the value differs from that before in the same patient, 0 = never */
    bool linear;
    int slope, from; /* slots of the line */
} prc_cov;

struct prc_dataset {
    char *path;
    prc_model *m;
    prc_arena *arena;
    prc_csv csv;
    size_t n_col;
    const char **col;
    int role[PRC_COL_COUNT]; /* column of each, -1 = absent */
    size_t n_cov;
    prc_cov *cov;
    size_t n_ignored;
    const char **ignored;
    int *lag, *f;    /* variable of ALAG_ and F_ of each state, -1 = none (n_state) */
    bool sets_param; /* an event of the model changes a parameter */
    bool uses_time;  /* a rate or event depends on time */
    prc_dataset_counts counts;
    bool have_row; /* the line in csv belongs to the next patient */
};

prc_status prc_dataset_rewind(prc_dataset *d, prc_error *err);
/* A parameter that the model computes from others. */
bool prc_dataset_derived(const prc_var *v);
/* Reads the rows of the next patient; *got is false at the end. */
prc_status prc_dataset_patient(prc_dataset *d, prc_patient_rows *p, bool *got, prc_error *err);
/* An error in a column (PRC_COL_...) of a line. */
prc_status prc_dataset_fail(const prc_dataset *d, long line, int role, prc_status st, prc_error *err, const char *fmt,
                            ...) PRC_PRINTF(6, 7);

/* ---- what happens to a patient ---------------------------------------------------------------------------------- */

typedef enum prc_start { PRC_START_CONTINUE, PRC_START_MODEL, PRC_START_STEADY, PRC_START_ADD_STEADY } prc_start;

/* The course of a patient is cut where the state is set anew; a segment is one job. Doses, times and parameters are
 * ranges of the course's arrays. */
typedef struct prc_segment {
    prc_start start;
    double t0, t1;
    size_t param, dose, n_dose, time, n_time;
    /* Steady state: a dose every ii; the segment starts `phase` after the last one arrived (0: just before one). */
    size_t steady_param;
    prc_dose_event steady;
    double ii, phase;
} prc_segment;

typedef struct prc_course {
    size_t n_segment, cap_segment, n_dose, cap_dose, n_time, cap_time, n_param, cap_param;
    prc_segment *segment;
    prc_dose_event *dose;
    double *time;  /* output times (all segments) */
    double *shown; /* the record's own time for each */
    size_t cap_shown;
    double *param; /* sets of n_param values */
} prc_course;
/* base: parameters of the model (n_param). with_lines: the model has the lines of linear columns. */
prc_status prc_course_build(const prc_dataset *d, const prc_patient_rows *p, const double *base, size_t n_param,
                            bool with_lines, prc_course *c, prc_error *err);
void prc_course_reset(prc_course *c);

/* ---- steady state ---------------------------------------------------------------------------------------------- */

/* Fixed point of y -> g(y), one period of dosing, by Anderson's method (Walker and Ni 2011, SIAM J. Numer. Anal.
 * 49:1715). */
typedef struct prc_steady prc_steady;
typedef enum prc_steady_next { PRC_STEADY_MORE, PRC_STEADY_FOUND, PRC_STEADY_NEVER } prc_steady_next;
prc_steady *prc_steady_create(size_t n_state); /* NULL when out of memory */
void prc_steady_free(prc_steady *s);
/* The state to start the next period from (n_state); the caller writes the first. When found, the steady state. */
double *prc_steady_state(prc_steady *s);
/* Takes the state one period later. */
prc_steady_next prc_steady_take(prc_steady *s, const double *g);

#endif
