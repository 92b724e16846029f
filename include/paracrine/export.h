/* paracrine/export.h: a run for other programs: XPORT v5 with its description, and the CONSORT 2025 items. */
#ifndef PARACRINE_EXPORT_H
#define PARACRINE_EXPORT_H

#include "trial.h"

/* One variable of a data set. */
typedef struct prc_adam_variable {
    char name[9];         /* as XPORT v5 allows it: at most 8 of A-Z, 0-9, _ */
    const char *csv_name; /* in the CSV file */
    char label[41];
    bool text;
    size_t length;        /* bytes in the file: 8 for numbers */
    const char *origin;   /* Assigned, Protocol, Collected (simulated), Derived */
    size_t n_code;        /* distinct values of a coded text, 0 = not coded */
    const char **code, **decode; /* decode NULL where there is none */
} prc_adam_variable;

/* A CSV data set of a run, read back, with what is known of its variables. Free with prc_adam_free. */
typedef struct prc_adam {
    prc_table *table;
    const char *name, *label; /* ADSL, Subject-Level Analysis Dataset */
    prc_adam_variable *variable;   /* table->n_col */
    prc_arena *arena;
} prc_adam;
/* Describes a CSV file; name is that of the data set in lower case ("adsl"). Variables not known here get the type their cells have. */
PRC_CHECKED prc_status prc_adam_open(const prc_condition *c, const char *name, const char *path, prc_adam **out, prc_error *err);
void prc_adam_free(prc_adam *d);
/* XPORT v5 (SAS Technical Support TS-140), written by ReadStat: numbers as IBM doubles, exact for what the CSV holds; texts cut to 200 bytes; no clock in it. */
PRC_CHECKED prc_status prc_adam_xpt(const prc_adam *d, FILE *f, prc_error *err);

/* Writes adsl.xpt, adqs.xpt, adtte.xpt, adae.xpt (when xpt) and define.json from the CSV tables in the unfinished folder. */
PRC_CHECKED prc_status prc_export_data(const prc_trial_spec *s, bool xpt, prc_outdir *dir, prc_error *err);
/* consort.json and consort.csv: number and topic of every item of the CONSORT 2025 checklist (Hopewell et al. 2025, 10.1371/journal.pmed.1004587) with what the trial file and
 * the run say about it; what they do not say is "not filled". The words of the checklist itself are not copied. */
PRC_CHECKED prc_status prc_export_consort(const prc_trial_result *r, prc_outdir *dir, prc_error *err);

#endif
