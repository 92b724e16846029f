/* trial_int.h: what the files of trial share. */
#ifndef PARACRINE_TRIAL_INT_H
#define PARACRINE_TRIAL_INT_H

#include "paracrine/table.h"
#include "paracrine/trial.h"

/* Day of the screening visit: four weeks before the first treatment. */
#define PRC_SCREENING_DAY (-28.0)
/* Random-number identities of different populations are this far apart. */
#define PRC_POPULATION_IDS 0x10000000u
enum { PRC_MAX_POPULATIONS = 15, PRC_MAX_SIZE = 1000000, PRC_MAX_VISITS = 1000, PRC_MAX_ARMS = 100 };

/* A trial file while it is read. */
typedef struct prc_trial_reader {
    prc_tree *t;
    prc_trial_spec *s;
    prc_error *err;
} prc_trial_reader;

/* Error about a name that is none of n known ones: the nearest, or all of them. */
prc_status prc_unknown_name(prc_trial_reader *r, const prc_node *at, const char *what, const char *name, const char *const *known, size_t n);
prc_status prc_read_endpoints(prc_trial_reader *r, const prc_node *map);
/* `rescue:` and `stop:`. */
prc_status prc_read_rules(prc_trial_reader *r);
/* A covariate by name, categorical ones only when wanted. */
prc_status prc_read_covariate(prc_trial_reader *r, const prc_node *node, bool categorical, int *out);
/* The text items of a scalar or a list of scalars: node k of *n. */
size_t prc_node_items(const prc_node *node);
const prc_node *prc_node_item(const prc_node *node, size_t k);

/* Is the observable measured at visits? */
bool prc_is_measured(const prc_observable *ob);
/* Index of a visit by its day, -1 if none. */
int prc_visit_index(const prc_trial_spec *s, double day);
/* Step of the regular time grid: 28 d, or a sixtieth of the horizon if that is longer, in whole days. */
double prc_trial_step(double horizon);
/* Is the time on the regular grid? What is computed on it does not depend on the visits. */
bool prc_on_grid(double time, double step);
/* Union of the visits, the regular grid and the horizon, ascending; freed by prc_free. */
prc_status prc_trial_times(const prc_trial_spec *s, double **out, size_t *n, prc_error *err);
/* Index of a time that is among those of the truth. */
size_t prc_time_index(const prc_truth *t, double day);
/* Noise-free score of patient i under arm a at time k as the trial would see it: placebo response added, kept within the range. */
double prc_truth_seen(const prc_truth *t, const prc_observable *ob, size_t o, size_t a, size_t i, size_t k);
/* What the trial measures of patient i at screening, before anything is given. */
double prc_screening_value(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate, const prc_cohort *c, size_t i, size_t o);
/* Observed score of a subject at a visit; of a result that was kept. */
double *prc_score_at(const prc_trial_result *r, size_t subject, size_t visit, size_t observable);

/* Patients that are simulated and measured together: subjects first, first + 1, ... of a population; cohort and truth are theirs alone. */
typedef struct prc_chunk {
    prc_trial_result *r;
    size_t population, first, n;
    const prc_cohort *cohort;
    const prc_truth *truth;
    double *score;    /* [patient][visit][observable] as observed, NaN = missing */
    prc_ae *ae;       /* of these patients, in order; subject counts from the first */
    size_t n_ae, cap_ae;
} prc_chunk;

/* Did the patient's simulation fail? */
bool prc_outcome_failed(prc_outcome o);
/* Time to event of patient i of a chunk as observed: *event 1 at the returned day, or 0 censored there. */
double prc_time_to_event(const prc_chunk *k, size_t i, size_t observable, int *event);
/* Day on which the stopping rule ended the treatment of patient i of a chunk, NaN = never. */
double prc_stop_day(const prc_chunk *k, size_t i);
/* Days on which he got a rescue while he took part; their number. */
size_t prc_rescues(const prc_chunk *k, size_t i, const double **day);
/* Score of patient i of a chunk as observed. */
double *prc_chunk_score(const prc_chunk *k, size_t i, size_t visit, size_t observable);

/* ---- a patient under rules ---- */

enum { PRC_RESCUE, PRC_STOP, PRC_RULES };
bool prc_rules_exist(const prc_rules *r);

/* One patient under one arm, who goes from one decision to the next. */
typedef struct prc_follow_up prc_follow_up;
/* What follow-ups share. */
typedef struct prc_follow_context {
    const prc_engine *engine;
    const prc_world *world;
    const prc_rules *rules;
    double horizon;
    const double *time;
    size_t n_time;
} prc_follow_context;
/* param and dose are copied. */
PRC_CHECKED prc_status prc_follow_up_create(const prc_follow_context *c, size_t id, const double *covariate, const double *param, const double *start,
                                            const prc_dose_event *dose, size_t n_dose, prc_follow_up **out, prc_error *err);
void prc_follow_up_free(prc_follow_up *f);
/* The next job, and the terminal watch it wants (-1 = none). */
void prc_follow_up_job(prc_follow_up *f, prc_job *job);
int prc_follow_up_watch(const prc_follow_up *f);
/* Values at a time of the job; the index among the times of the truth, or SIZE_MAX when it was only a look. */
size_t prc_follow_up_output(prc_follow_up *f, size_t k, const double *value);
/* The end of a job; *finished: there is no other. */
PRC_CHECKED prc_status prc_follow_up_done(prc_follow_up *f, const prc_job_result *result, bool *finished, prc_error *err);
/* What happened, when finished: times of the events of the condition, rescues (n = rules->rescue.times), day of the stopping rule. */
typedef struct prc_follow_result { prc_outcome outcome; double time; int state; long steps; const double *watch_time, *rescue; double stopped; } prc_follow_result;
prc_follow_result prc_follow_up_result(const prc_follow_up *f);
size_t prc_follow_up_id(const prc_follow_up *f);
/* Follow-ups in a list. */
prc_follow_up **prc_follow_up_next(prc_follow_up *f);
/* Number of terminal watches of the rules; watch k stands behind the events of the condition. */
size_t prc_rules_watches(const prc_rules *r);

/* Values in bins of a relative width of 0.2 %: exact up to PRC_EXACT_VALUES, counts beyond. */
typedef struct prc_bins prc_bins;
/* Many of them, sharing memory. */
PRC_CHECKED prc_status prc_bins_create(size_t n, prc_bins **out, prc_error *err);
void prc_bins_free(prc_bins *b);
/* Adds a value that is not NaN to the set with this number; false when out of memory. */
bool prc_bins_add(prc_bins *b, size_t set, double x);
size_t prc_bins_count(const prc_bins *b, size_t set);
size_t prc_bins_bytes(const prc_bins *b);
/* Sample quantiles (type 7), ascending p. */
PRC_CHECKED prc_status prc_bins_quantiles(const prc_bins *b, size_t set, const double *p, size_t n_p, double *out, prc_error *err);

/* Tables whose rows are written patient by patient; NULL = none wanted. */
typedef struct prc_rows prc_rows;
PRC_CHECKED prc_status prc_rows_open(const prc_trial_result *r, prc_outdir *dir, prc_rows **out, prc_error *err);
void prc_rows_write(prc_rows *w, const prc_chunk *k);
void prc_rows_free(prc_rows *w);

/* Sums over one population while its patients pass: trajectories, the table of the baseline. */
typedef struct prc_passing prc_passing;
PRC_CHECKED prc_status prc_passing_create(prc_trial_result *r, size_t population, const double *time, size_t n_time, prc_passing **out, prc_error *err);
PRC_CHECKED prc_status prc_passing_take(prc_passing *s, const prc_chunk *k, prc_error *err);
/* Writes the summaries into the population of the result. */
PRC_CHECKED prc_status prc_passing_end(prc_passing *s, prc_error *err);
void prc_passing_free(prc_passing *s);

/* Patients that are simulated together, so that a run takes about the same memory whatever its size. */
size_t prc_trial_chunk(const prc_trial_spec *s, const prc_trial_options *o, size_t n_time, size_t population);
/* Memory that a run takes at its peak, on top of what the program takes anyway; and the part of it that grows with the patients. */
double prc_trial_bytes(const prc_trial_spec *s, const prc_trial_options *o, size_t n_time);
double prc_trial_bytes_per_patient(const prc_trial_spec *s, const prc_trial_options *o, size_t n_time);

/* Screening of a trial: as prc_screen, but fills n, id and stratum (categories of the stratifying covariates, as one number) and keeps no patient. */
prc_status prc_screen_ids(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate, uint32_t first_id, const prc_eligibility *el,
                          const int *stratify, size_t n_stratify, size_t n, int n_threads, const prc_progress *progress, prc_population_run *out, prc_error *err);

/* The stages of a run. */
prc_status prc_randomise(const prc_trial_spec *s, prc_trial_result *r, size_t population, size_t first, prc_error *err);
/* Change of the score that decides who leaves, in the typical patient; NULL when nobody leaves by it. Freed by prc_free. */
prc_status prc_expected_change(const prc_trial_result *r, const double *time, size_t n_time, int n_threads, double **out, prc_error *err);
/* Who leaves when, and what the patients of a chunk show. */
prc_status prc_chunk_measure(prc_chunk *k, const double *expected, int n_threads, prc_error *err);
prc_status prc_chunk_adverse(prc_chunk *k, prc_error *err);
/* Analyses: places for the results, the sums of each chunk, the results. */
prc_status prc_analyse_begin(prc_trial_result *r, prc_error *err);
prc_status prc_analyse_chunk(const prc_chunk *k, prc_error *err);
prc_status prc_analyse_end(prc_trial_result *r, prc_error *err);
prc_status prc_trial_trajectories(const prc_trial_result *r, prc_outdir *dir, prc_error *err);
prc_status prc_trial_tick(const prc_progress *p, const char *stage, double done, double total, prc_error *err);

#endif
