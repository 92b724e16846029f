/* paracrine/evidence.h: the published record as tables, held in SQLite at run time. */
#ifndef PARACRINE_EVIDENCE_H
#define PARACRINE_EVIDENCE_H

#include "base.h"
#include "table.h"

typedef struct prc_study { const char *id, *condition, *title, *design, *n, *blinding, *risk_of_bias, *source_kind, *identifier, *how_read, *quality_note; } prc_study;

/* One published number. Numbers are NaN where nothing is published. */
typedef struct prc_outcome_row {
    const char *id, *study, *arm, *condition, *endpoint, *unit, *spread_kind, *kind, *role, *comparable, *note;
    int direction;
    double scale_min, scale_max, time_days, value, baseline, lower, upper, spread, n;
    const char *value_text, *comparator_value; /* as written */
} prc_outcome_row;

typedef struct prc_evidence_arm { const char *id, *study, *label, *n, *product, *donor, *origin, *separation, *characteristics, *site, *dose_cells, *route, *timing, *comparator; } prc_evidence_arm;
typedef struct prc_conflict { const char *id, *condition, *question, *side_a, *side_b, *outcome_a, *outcome_b, *followed, *reason; } prc_conflict;

typedef struct prc_evidence prc_evidence;
/* Reads evidence/{studies,arms,outcomes,conflicts,reporting}.csv of the data folder into an in-memory SQLite database with STRICT tables and foreign keys; every broken key, range, role
 * or unit is an error with file and line. */
PRC_CHECKED prc_status prc_evidence_load(const char *data_dir, prc_evidence **out, prc_error *err);
void prc_evidence_free(prc_evidence *e);
/* The files read: path and SHA-256 of file i; NULL when there are no more. */
const char *prc_evidence_file(const prc_evidence *e, size_t i, const char **sha256);
/* Rows of a condition (NULL = all) in file order; arrays belong to e and live until it is freed. */
PRC_CHECKED prc_status prc_evidence_outcomes(prc_evidence *e, const char *condition, const prc_outcome_row **rows, size_t *n, prc_error *err);
PRC_CHECKED prc_status prc_evidence_studies(prc_evidence *e, const char *condition, const prc_study **rows, size_t *n, prc_error *err);
PRC_CHECKED prc_status prc_evidence_arms(prc_evidence *e, const char *condition, const prc_evidence_arm **rows, size_t *n, prc_error *err);
PRC_CHECKED prc_status prc_evidence_conflicts(prc_evidence *e, const char *condition, const prc_conflict **rows, size_t *n, prc_error *err);
/* One row by id, NULL if absent. */
const prc_outcome_row *prc_evidence_outcome(const prc_evidence *e, const char *id);
const prc_study *prc_evidence_study(const prc_evidence *e, const char *id);
const prc_evidence_arm *prc_evidence_arm_by_id(const prc_evidence *e, const char *id);

/* Which rows: every field that is not NULL must hold. condition, kind and role are whole words; endpoint, route (of the arm) and source (tissue and donor of the
 * arm; id, title, kind and identifier of the study) are parts of the text, case and `_` aside; search is full text: every word must begin a word of the row. */
typedef struct prc_evidence_filter { const char *condition, *source, *route, *endpoint, *kind, *role, *search; } prc_evidence_filter;
PRC_CHECKED prc_status prc_evidence_query(prc_evidence *e, const prc_evidence_filter *f, const prc_outcome_row **rows, size_t *n, prc_error *err);
/* Does the conflict name this outcome on one of its sides? */
bool prc_evidence_touches(const prc_conflict *c, const char *outcome);

/* What an arm reports beside the columns of arms.csv: fields 0..n-1, each with the group it belongs to. */
size_t prc_evidence_n_field(void);
const char *prc_evidence_field(size_t i);
const char *prc_evidence_field_group(size_t i);
/* The value an arm gives for a field, "not reported" where it gives none; NULL when there is no such arm or field. */
const char *prc_evidence_reported(const prc_evidence *e, const char *arm, const char *field);

/* ---- pooled record ------------------------------------------------------------------------------------------- */

/* Why an effect row is not pooled; the first reason that holds, in this order. */
typedef enum prc_pool_drop {
    PRC_POOL_USED,
    PRC_POOL_META,       /* a meta-analysis or systematic review: shown beside, never pooled */
    PRC_POOL_SOURCE,     /* neither paper nor registry: vendor pages, press, model files */
    PRC_POOL_DESIGN,     /* no primary clinical study: narrative review, model, animal */
    PRC_POOL_OVERLAP,    /* note or study says patients are shared; also, judged last, a second study of one publication */
    PRC_POOL_VALUE,      /* no number */
    PRC_POOL_BASELINE,   /* measured at day 0 */
    PRC_POOL_N,
    PRC_POOL_SPREAD,     /* no SE, SD or 90/95 % interval of the effect itself */
    PRC_POOL_COMPARISON, /* a level after treatment, without comparator and baseline */
    PRC_POOL_TIME,       /* no time, or further than a factor of two from every window */
    PRC_POOL_REPEAT,     /* another row of the same study in the same group stands for it */
    PRC_POOL_ALONE,      /* usable, but the only study of its endpoint, scale, window and comparison */
    PRC_POOL_DROP_COUNT
} prc_pool_drop;

typedef struct prc_pool_row {
    const prc_outcome_row *row;
    prc_pool_drop drop;
    const char *why;  /* in words; "" when used */
    double yi, vi;    /* the effect (log for ratios) and its variance where both can be had, else NaN */
    bool controlled;  /* a difference to a comparator; else a change from baseline */
    int month;        /* window: 1, 3, 6, 12 or 24; 0 = none */
    int blinding;     /* 1 blinded, 0 open label, -1 not known or mixed */
} prc_pool_row;

/* NaN where a quantity does not exist (prediction interval of one study). */
typedef struct prc_pool_fit { size_t k; double estimate, lower, upper, pi_lower, pi_upper, tau2, I2; } prc_pool_fit;

/* One endpoint, scale, window and kind of comparison with at least two studies. Ratios are fitted as logs and given back as ratios; tau2 stays on the scale of the fit. */
typedef struct prc_pool_group {
    const char *endpoint, *unit, *studies, *rows; /* ids, "a; b" */
    int month;
    bool controlled, ratio;
    bool r_zero;            /* some change has the SDs of both times and no correlation: 0 was taken */
    double n;               /* patients */
    prc_pool_fit all;
    prc_pool_fit blinded, open; /* both k = 0 unless both occur */
    double q_p;             /* p of the difference blinded against open; NaN without */
} prc_pool_group;

typedef struct prc_pool {
    size_t n_group, n_row, count[PRC_POOL_DROP_COUNT], lack_n, lack_spread; /* lack: primary rows with a number, each counted for whatever it lacks */
    const prc_pool_group *group;
    const prc_pool_row *row; /* every effect row */
    const char *sentence;    /* what was left out and why; where nothing qualifies it begins "Nothing to pool" */
} prc_pool;
/* Pools what can be pooled of a condition: primary studies of one endpoint, unit, scale range, time window (nearest of 1, 3, 6, 12, 24 months on a log scale) and kind of comparison, by REML with the
 * never-narrower Hartung-Knapp interval at 95 %. endpoint: as in the filter, NULL = all. *out belongs to e. */
PRC_CHECKED prc_status prc_evidence_pool(prc_evidence *e, const char *condition, const char *endpoint, const prc_pool **out, prc_error *err);
/* "meta-analysis or systematic review" and the like, as in the sentence. */
const char *prc_pool_drop_name(prc_pool_drop d);

#endif
