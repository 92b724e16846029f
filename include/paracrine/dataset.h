/* paracrine/dataset.h: data sets in the NONMEM convention (ID TIME AMT EVID CMT RATE ADDL II SS and parameter columns):
 * read one patient at a time, turned into jobs of the solver, results handed out in the order of the file.
 * docs/population.md says what each column means. Knows no disease. */
#ifndef PARACRINE_DATASET_H
#define PARACRINE_DATASET_H

#include "base.h"
#include "model.h"
#include "solve.h"

/* Between two records a parameter column keeps the value of the earlier one, or follows the line between both. */
typedef enum prc_covariates { PRC_LOCF, PRC_LINEAR } prc_covariates;

typedef struct prc_dataset prc_dataset;

typedef struct prc_dataset_counts {
    size_t n_row, n_patient, n_observation, n_dose; /* n_dose: dose records */
    size_t n_ignored;
    const char *const *ignored; /* columns that mean nothing to the model; live as long as the data set */
} prc_dataset_counts;

/* Opens a file and understands its header. The model must outlive the data set; the file is read twice, so it can be no
 * pipe. Errors: file, no ID or TIME column, a column twice, a column that names a parameter the model computes. */
PRC_CHECKED prc_status prc_dataset_open(const char *path, prc_model *m, prc_dataset **out, prc_error *err);
void prc_dataset_free(prc_dataset *d);
/* Parameter slots that a column gives a value in every patient: given[n_param] is set true. */
void prc_dataset_given(const prc_dataset *d, bool *given);

/* Reads every row, so that nothing is run when one is wrong; memory does not grow with the rows. param: values of the
 * model's parameters (n_param) for those that have no column. With PRC_LINEAR the model gets two more parameters for
 * each column that changes within a patient (prc_model_interpolate; theirs start at 0): compile it afterwards. The
 * error names file, line and column. */
PRC_CHECKED prc_status prc_dataset_check(prc_dataset *d, prc_covariates how, const double *param,
                                         prc_dataset_counts *counts, prc_error *err);

/* Where results go: called by one thread, in the order of the file; another status than PRC_OK ends the run. */
typedef struct prc_dataset_failure {
    const char *id;
    long line; /* first row of the patient in the file */
    prc_outcome outcome;
    double time;
    int state; /* state slot, -1 = none */
} prc_dataset_failure;
typedef struct prc_dataset_sink {
    /* One record of EVID 0; value has n_output entries, NaN from the failure of a patient on. */
    prc_status (*row)(void *ctx, const char *id, double time, const double *value, prc_error *err);
    prc_status (*failure)(void *ctx, const prc_dataset_failure *f, prc_error *err);
    void *ctx;
} prc_dataset_sink;

/* Simulates every patient of a checked data set. p: the model compiled after the check; param: n_param values. Memory:
 * a batch of patients. A patient's numbers do not depend on threads or on the other patients. */
PRC_CHECKED prc_status prc_dataset_run(prc_dataset *d, const prc_program *p, const double *param,
                                       const prc_solve_options *o, int n_threads, const prc_dataset_sink *sink,
                                       const prc_progress *progress, prc_error *err);

#endif
