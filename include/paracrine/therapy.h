/* paracrine/therapy.h: what is given: products, routes, doses, schedules; turned into parameter settings and dose events for one patient. */
#ifndef PARACRINE_THERAPY_H
#define PARACRINE_THERAPY_H

#include "condition.h"
#include "solve.h"

/* One product given by one route on a schedule. */
typedef struct prc_course {
    const char *product;       /* msc, exosomes, saline, hyaluronic-acid, ... */
    const char *route;         /* NULL where the product needs none */
    double dose;               /* viable cells; 1e10 particles for exosomes; NaN for comparators */
    bool per_kg;
    size_t n_time;
    double *time;              /* days, ascending */
    size_t n_property;         /* source, donor, donor_age, preconditioning, thawed, viability, passage, carrier ... */
    const char **property, **level;
    int line, col;
} prc_course;

/* A trial arm: everything it gets. */
typedef struct prc_arm {
    const char *name, *label;  /* label: words for tables, e.g. "MSC adipose allogeneic, 50 M cells, intra-articular" */
    size_t n_course;
    prc_course *course;
    bool active;               /* gives cells or exosomes */
    int line, col;
} prc_arm;

typedef struct prc_arms {
    prc_arena *arena;
    size_t n;
    prc_arm *arm;
} prc_arms;

/* Reads the mapping under `arms:` (or one arm under a name): keys give, source, donor, donor_age, dose, route, at, repeat {every, times}, with, like, carrier, preconditioning,
 * thawed, viability, passage, engineered, volume, label. Errors point at the node: unknown key/route/product/level with the nearest, like: cycles, arm without dose, unitless or
 * negative dose, per-kg dose where the condition has no covariate `weight`, more than 1e12 cells, NaN, time before 0. */
PRC_CHECKED prc_status prc_arms_read(const prc_condition *c, const prc_tree *t, const prc_node *arms, prc_arms **out, prc_error *err);
/* One arm from a flow mapping in a table cell ("{give: msc, dose: 50e6 cells, route: intra-articular, at: 0 d}"), `none` = nothing. */
PRC_CHECKED prc_status prc_arm_parse(const prc_condition *c, const char *text, const char *source, int line, prc_arms **out, prc_error *err);
void prc_arms_free(prc_arms *arms);
/* The same arm without cells: each cell or exosome course becomes saline by the same route at the same times. Lives in arms->arena. */
PRC_CHECKED prc_status prc_arm_vehicle(prc_arms *arms, const prc_arm *arm, prc_arm *out, prc_error *err);

/* What an arm means for the trial layer. */
typedef struct prc_arm_effect {
    double placebo_max;  /* percent of a score's range, the largest of its courses */
    double placebo_tau;  /* days */
    double first_time;   /* day of the first administration, NaN = none */
} prc_arm_effect;

/* Most dose events prc_arm_doses can write for this arm. */
size_t prc_arm_dose_count(const prc_condition *c, const prc_arm *arm);
/* For one patient: changes param (n_param, already drawn) as routes and products say, in the given world, and writes dose events (sorted by time). covariate: n_covariate values.
 * Exact zero amounts are left out, so that an arm without cells is an arm without dose events. */
PRC_CHECKED prc_status prc_arm_doses(const prc_condition *c, const prc_world *w, const prc_arm *arm, const double *covariate, double *param,
                                     prc_dose_event *dose, size_t *n_dose, prc_arm_effect *effect, prc_error *err);

#endif
