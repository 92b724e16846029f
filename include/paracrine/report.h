/* paracrine/report.h: what a run leaves behind for people: report.html, summary.json, the table on the terminal. Reads results, computes none. */
#ifndef PARACRINE_REPORT_H
#define PARACRINE_REPORT_H

#include "credibility.h"
#include "evidence.h"
#include "meta.h"
#include "trial.h"

#define PRC_RESEARCH_USE "Research use only. A simulation, not evidence of benefit; not for treatment decisions."

/* Everything the report may show. checks, range, evidence may be NULL: the page then says what was not done. */
typedef struct prc_report_input {
    const prc_trial_result *trial;
    const prc_checks *checks;
    const prc_range *range;
    prc_evidence *evidence;
    const char *command;      /* the command that reproduces the run, without machine paths */
    const char *version;
} prc_report_input;

/* One self-contained HTML page. */
PRC_CHECKED prc_status prc_report_html(const prc_report_input *in, prc_text *out, prc_error *err);
/* summary.json, schema paracrine/trial/1. */
PRC_CHECKED prc_status prc_report_summary(const prc_report_input *in, char **out, prc_error *err);
/* manifest.json: versions, seed, SHA-256 of every input, tolerances, results_version. */
PRC_CHECKED prc_status prc_report_manifest(const prc_report_input *in, char **out, prc_error *err);
/* The result table printed after a run. */
PRC_CHECKED prc_status prc_report_terminal(const prc_report_input *in, const char *report_path, prc_text *out, prc_error *err);

/* What the plots of a meta-analysis show. Pointers belong to the caller. */
typedef struct prc_meta_picture {
    const char *title, *x_label, *display;
    size_t k;                        /* studies */
    const char *const *slab;         /* k */
    const double *yi, *vi, *weight;  /* k; weight on any scale */
    double level, estimate, ci_lb, ci_ub, pi_lb, pi_ub;
    bool exponentiate;               /* label the axis with exp(x) */
    const prc_meta_influence *influence; /* k, baujat only */
    size_t n_treat, n_contrast;      /* network only */
    const char *const *treat_name;
    const int *treat1, *treat2;      /* n_contrast */
    bool html;                       /* a page around the picture */
} prc_meta_picture;
/* Draws kind forest, funnel, baujat or network as SVG. PRC_E_VALUE when there is more than a picture can show (300 studies, 100 treatments). */
PRC_CHECKED prc_status prc_report_meta(const char *kind, const prc_meta_picture *p, prc_text *out, prc_error *err);

#endif
