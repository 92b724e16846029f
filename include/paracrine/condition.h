/* paracrine/condition.h: one condition as a folder: its model, the ledger of every number in it, what can be observed, who the patients are. */
#ifndef PARACRINE_CONDITION_H
#define PARACRINE_CONDITION_H

#include "base.h"
#include "model.h"
#include "table.h"

typedef enum prc_grade { PRC_MEASURED, PRC_DERIVED, PRC_CALIBRATED, PRC_ASSUMED, PRC_GRADE_COUNT } prc_grade;
const char *prc_grade_name(prc_grade g);

typedef enum prc_distribution {
    PRC_FIXED, PRC_NORMAL, PRC_LOGNORMAL, PRC_UNIFORM, PRC_LOGUNIFORM, PRC_TRIANGULAR, PRC_EXPONENTIAL
} prc_distribution;

typedef enum prc_row_kind {
    PRC_ROW_PARAMETER, /* parameters.tsv: a model parameter or trial.* */
    PRC_ROW_SET,       /* routes.tsv / products.tsv: sets parameter `name` */
    PRC_ROW_MULTIPLY,  /* products.tsv: multiplies parameter `name` */
    PRC_ROW_DOSE,      /* routes.tsv / products.tsv: adds `formula` to state `name` */
    PRC_ROW_TRIAL      /* routes.tsv: trial-layer number of the route */
} prc_row_kind;

/* One row of the ledger in the wide sense: parameters.tsv, and the rows of routes.tsv and products.tsv. */
typedef struct prc_row {
    prc_row_kind kind;
    const char *name;
    double value;             /* NaN for doses */
    const prc_expr *formula;  /* PRC_ROW_DOSE */
    const char *unit;
    double lower, upper;      /* NaN when fixed */
    prc_distribution distribution;
    double between_patient_cv;
    prc_grade grade;
    const char *source, *note;
    const char *route;        /* rows of routes.tsv, else NULL */
    const char *product, *key, *level; /* rows of products.tsv, else NULL; key and level NULL = always */
    bool core, overrides;     /* stands in models/core; replaces a core row */
    int param;                /* parameter slot in the model, -1 for trial.* and doses */
    int state;                /* state slot of a dose target, -1 otherwise */
    const char *file;
    int line;
} prc_row;

/* One possible world: a value for every row of the ledger (n_row). World 0 holds the typical values. */
typedef struct prc_world {
    size_t n;
    double *value;
} prc_world;

typedef enum prc_observable_kind { PRC_OB_SCORE, PRC_OB_IMAGE, PRC_OB_GRADE, PRC_OB_EVENT, PRC_OB_READOUT } prc_observable_kind;

typedef struct prc_observable {
    const char *name, *label, *unit;
    prc_observable_kind kind;
    const prc_expr *formula;
    const char *formula_text;
    double min, max;        /* range, NaN = open */
    int direction;          /* -1: lower is better, +1: higher is better, 0: neither */
    double mcid;            /* NaN = none */
    const char *mcid_unit, *mcid_source; /* unit: that of the score, or "%" of baseline */
    double residual_sd, icc, rounding, placebo_share, subject_sd;
    const char *note;
    int line;
} prc_observable;

/* A covariate drawn per patient. Categories carry numeric codes: the number written, or 0,1,2.. in the order of the file for words. */
typedef struct prc_covariate {
    const char *name, *unit, *source;
    prc_distribution distribution;
    double mean, sd, min, max;
    size_t n_category;       /* 0 = continuous */
    const char **category;
    double *code, *probability;
    prc_grade grade;
} prc_covariate;

/* A model parameter that follows covariates. */
typedef struct prc_follow {
    const char *name;
    int param;               /* slot */
    int by;                  /* covariate index, -1 = formula or distribution */
    size_t n_value;
    double *by_code, *value; /* value NaN where it is a ledger row */
    int *value_row;          /* ledger row, -1 = number */
    const prc_expr *formula; /* over covariates and ledger rows, NULL = none */
    prc_distribution distribution; /* of its own when neither by nor formula (mean) */
    double mean, sd, cv, min, max;
} prc_follow;

typedef struct prc_adverse {
    const char *name, *label, *product, *source_key, *source, *note;
    double control_probability, probability, duration_low, duration_high; /* days */
    prc_grade grade;
} prc_adverse;

typedef struct prc_condition {
    prc_arena *arena;
    const char *name, *dir, *title, *evidence_level, *site, *summary;
    prc_model *model;
    size_t n_row;
    prc_row *row;
    size_t n_observable;
    prc_observable *observable;
    size_t n_covariate;
    prc_covariate *covariate;
    size_t n_follow;
    prc_follow *follow;
    size_t n_correlation;
    struct { const char *a, *b; double rho; } *correlation;
    size_t n_joint;          /* names that stand in any correlation, in order of first mention */
    const char **joint;
    double *joint_factor;    /* lower Cholesky factor of their correlation (n_joint x n_joint, row-major) */
    size_t n_hold;
    const char **hold;       /* slow states held during run-in */
    double run_in;           /* days */
    const char *disease_switch; /* parameter that switches the disease */
    double disease_on, disease_off;
    size_t n_adverse;
    prc_adverse *adverse;
    size_t n_file;           /* every input file read, with its hash */
    struct { const char *path; char sha256[65]; } *file;
    size_t n_override;       /* core rows replaced */
    prc_world typical;       /* world 0 */
} prc_condition;

/* Where models live: `models_dir`/core and `models_dir`/<name>. NULL: the environment variable PARACRINE_DATA, else ./models when it exists, else the
 * installed data folder. Lists condition names (folders with a model.ant), sorted; freed with prc_condition_names_free. */
PRC_CHECKED prc_status prc_data_dir(const char *wanted, char **out, prc_error *err); /* the folder that holds models/, evidence/ and trials/; freed by prc_free */
PRC_CHECKED prc_status prc_condition_names(const char *data_dir, char ***names, size_t *n, prc_error *err);
void prc_condition_names_free(char **names, size_t n);
/* Reads and checks everything: every model parameter has a ledger row or is set by the population, every ledger row is used, units of the ledger agree with the
 * model, formulas name things that exist, every graded row has a source unless assumed. An unknown condition name gives the nearest one. */
PRC_CHECKED prc_status prc_condition_load(const char *data_dir, const char *name, prc_condition **out, prc_error *err);
void prc_condition_free(prc_condition *c);
int prc_condition_row(const prc_condition *c, const char *name);        /* PRC_ROW_PARAMETER by name, -1 */
int prc_condition_observable(const prc_condition *c, const char *name); /* -1 */
int prc_condition_covariate(const prc_condition *c, const char *name);  /* -1 */

/* Draws world k >= 1: every row graded assumed or calibrated from its distribution, keyed by (seed, row name, k); others keep their value. */
PRC_CHECKED prc_status prc_world_draw(const prc_condition *c, uint64_t seed, uint32_t k, prc_world *out, prc_error *err);
void prc_world_reset(prc_world *w);
/* One value from a distribution with 2.5 and 97.5 % points lower and upper (normal, lognormal: truncated there) or limits (others), from a uniform u. */
double prc_distribution_value(prc_distribution d, double value, double lower, double upper, double u);

#endif
