/* An arm for one patient: parameters set, doses written. */
#include "therapy_int.h"

#include <math.h>
#include <string.h>

typedef struct patient {
    const prc_condition *c;
    const prc_world *w;
    const double *covariate;
    double *param;
    double n, e; /* amount of the administration: viable cells, 1e10 particles */
} patient;

static int param_slot(const prc_condition *c, const char *name) {
    int i = prc_model_find(c->model, name);
    return i >= 0 && c->model->var[i].kind == PRC_VAR_PARAMETER ? c->model->var[i].slot : -1;
}

/* Level of a property; the donor of autologous cells is as old as the patient. */
static const char *level_of(const patient *p, const prc_course *k, const char *key, char *buf) {
    const char *level = prc_course_property(k, key);
    if (level || strcmp(key, "donor_age") != 0) return level;
    const char *donor = prc_course_property(k, "donor");
    int age = prc_condition_covariate(p->c, "age");
    if (!donor || strcmp(donor, "autologous") != 0 || age < 0) return NULL;
    return prc_format_double(p->covariate[age], buf);
}

static bool product_row_holds(const patient *p, const prc_row *r, const prc_course *k) {
    char buf[32];
    if (!r->product || strcmp(r->product, k->product) != 0) return false;
    if (!r->key) return true;
    const char *level = level_of(p, k, r->key, buf);
    return level && prc_level_holds(r->level, level);
}

/* Comparators act by being given; cells and exosomes only in an amount: a dose of none changes nothing. */
static bool acts(const prc_course *k) {
    return isnan(k->dose) || prc_course_gives(k);
}

/* A row of the ledger that varies between patients: a route gives the typical value, the patient keeps his ratio to it.
 */
static double own_ratio(const patient *p, int param) {
    for (size_t i = 0; i < p->c->n_row; i++) {
        const prc_row *r = &p->c->row[i];
        if (r->kind != PRC_ROW_PARAMETER || r->param != param) continue;
        double typical = p->w->value[i];
        return r->between_patient_cv > 0 && typical != 0 ? p->param[param] / typical : 1;
    }
    return 1;
}

static bool row_applies(const patient *p, const prc_arm *arm, const prc_row *r) {
    for (size_t j = 0; j < arm->n_course; j++) {
        const prc_course *k = &arm->course[j];
        if (r->route && prc_course_gives(k) && strcmp(r->route, k->route) == 0) return true;
        if (r->product && acts(k) && product_row_holds(p, r, k)) return true;
    }
    return false;
}

/* Does a later row set the same parameter? Products stand behind routes in the ledger, so they have the last word. */
static bool overruled(const patient *p, const prc_arm *arm, size_t row) {
    for (size_t i = row + 1; i < p->c->n_row; i++) {
        const prc_row *r = &p->c->row[i];
        if (r->kind == PRC_ROW_SET && r->param == p->c->row[row].param && row_applies(p, arm, r)) return true;
    }
    return false;
}

/* Settings first, factors after them. */
static void change_parameters(const patient *p, const prc_arm *arm, prc_row_kind kind) {
    for (size_t i = 0; i < p->c->n_row; i++) {
        const prc_row *r = &p->c->row[i];
        if (r->kind != kind || r->param < 0 || !row_applies(p, arm, r)) continue;
        if (kind == PRC_ROW_MULTIPLY)
            p->param[r->param] *= p->w->value[i];
        else if (!overruled(p, arm, i))
            p->param[r->param] = p->w->value[i] * own_ratio(p, r->param);
    }
}

static bool lookup(void *ctx, const char *name, double *out) {
    const patient *p = ctx;
    if (name[0] == 'n' && name[1] == 0)
        *out = p->n;
    else if (name[0] == 'e' && name[1] == 0)
        *out = p->e;
    else {
        int slot = param_slot(p->c, name);
        if (slot < 0) return false;
        *out = p->param[slot];
    }
    return true;
}

/* ---- doses ------------------------------------------------------------------------------------------------------ */

static prc_product_class class_of_course(const prc_course *k) {
    if (isnan(k->dose)) return PRC_COMPARATOR;
    return strcmp(k->product, "exosomes") == 0 ? PRC_EXOSOMES : PRC_CELLS;
}

/* Does this row of the ledger write a dose for this course? */
static bool doses(const patient *p, const prc_row *r, const prc_course *k) {
    if (r->kind != PRC_ROW_DOSE) return false;
    if (r->route)
        return prc_course_gives(k) && strcmp(r->route, k->route) == 0 && prc_row_doses_class(r, class_of_course(k));
    return acts(k) && product_row_holds(p, r, k);
}

size_t prc_arm_dose_count(const prc_condition *c, const prc_arm *arm) {
    size_t n = 0;
    for (size_t j = 0; j < arm->n_course; j++) {
        const prc_course *k = &arm->course[j];
        size_t rows = 1; /* the count of earlier doses */
        for (size_t i = 0; i < c->n_row; i++) {
            const prc_row *r = &c->row[i];
            bool by_route = r->route && k->route && strcmp(r->route, k->route) == 0;
            bool by_product = r->product && strcmp(r->product, k->product) == 0;
            if (r->kind == PRC_ROW_DOSE && (by_route || by_product)) rows++;
        }
        n += rows * k->n_time;
    }
    return n;
}

/* Amount of one administration, by body weight and viability where these count. */
static void set_amount(patient *p, const prc_course *k) {
    double amount = isnan(k->dose) ? 1 : k->dose, share;
    if (k->per_kg) amount *= p->covariate[prc_condition_covariate(p->c, "weight")];
    const char *viability = prc_course_property(k, "viability");
    prc_product_class class = class_of_course(k);
    if (class == PRC_CELLS && viability && prc_parse_double(viability, &share)) amount *= share;
    p->n = class == PRC_EXOSOMES ? 0 : amount;
    p->e = class == PRC_EXOSOMES ? amount : 0;
}

/* Keeps doses sorted by time; equal times stay in the order of the ledger. */
static void insert_dose(prc_dose_event *dose, size_t *n, prc_dose_event d) {
    size_t i = (*n)++;
    for (; i > 0 && dose[i - 1].time > d.time; i--) dose[i] = dose[i - 1];
    dose[i] = d;
}

static prc_status write_course(patient *p, const prc_course *k, prc_dose_event *dose, size_t *n_dose, prc_error *err) {
    set_amount(p, k);
    for (size_t i = 0; i < p->c->n_row; i++) {
        const prc_row *r = &p->c->row[i];
        double amount;
        if (!doses(p, r, k)) continue;
        PRC_TRY(prc_expr_eval(r->formula, lookup, p, &amount, err));
        if (amount == 0) continue;
        for (size_t t = 0; t < k->n_time; t++)
            insert_dose(dose, n_dose, (prc_dose_event){k->time[t], 0, amount, r->state, -1});
    }
    return PRC_OK;
}

static bool allogeneic(const prc_course *k) {
    const char *donor = prc_course_property(k, "donor");
    return class_of_course(k) == PRC_CELLS && prc_course_gives(k) && !(donor && strcmp(donor, "autologous") == 0);
}

/* Earlier allogeneic doses, where the model counts them in a parameter. Written first, so that the count stands when
 * the cells arrive. */
static void write_prior(const patient *p, const prc_arm *arm, prc_dose_event *dose, size_t *n_dose) {
    int slot = param_slot(p->c, "fate.N_prior");
    if (slot < 0) return;
    size_t first = *n_dose;
    for (size_t j = 0; j < arm->n_course; j++)
        for (size_t t = 0; allogeneic(&arm->course[j]) && t < arm->course[j].n_time; t++)
            insert_dose(dose, n_dose, (prc_dose_event){arm->course[j].time[t], 0, 0, -1, slot});
    for (size_t i = first; i < *n_dose; i++) dose[i].amount = (double)(i - first);
}

/* ---- the arm as a whole ------------------------------------------------------------------------------------------ */

static double trial_value(const patient *p, const char *route, const char *name, double absent) {
    for (size_t i = 0; i < p->c->n_row; i++) {
        const prc_row *r = &p->c->row[i];
        if (r->kind == PRC_ROW_TRIAL && strcmp(r->route, route) == 0 && strcmp(r->name, name) == 0)
            return p->w->value[i];
    }
    return absent;
}

static void write_effect(const patient *p, const prc_arm *arm, prc_arm_effect *effect) {
    *effect = (prc_arm_effect){0, 1, (double)NAN};
    for (size_t j = 0; j < arm->n_course; j++) {
        const prc_course *k = &arm->course[j];
        if (!(effect->first_time <= k->time[0])) effect->first_time = k->time[0];
        double max = k->route ? trial_value(p, k->route, "placebo_max", 0) : 0;
        if (!(max > effect->placebo_max)) continue;
        effect->placebo_max = max;
        effect->placebo_tau = trial_value(p, k->route, "placebo_tau", 360);
    }
}

/* Day of the first cells, for rejection that is primed by them. */
static void set_first(const patient *p, const prc_arm *arm) {
    int slot = param_slot(p->c, "fate.t_first");
    double first = (double)NAN;
    for (size_t j = 0; j < arm->n_course; j++) {
        const prc_course *k = &arm->course[j];
        if (class_of_course(k) == PRC_CELLS && prc_course_gives(k) && !(first <= k->time[0])) first = k->time[0];
    }
    if (slot >= 0 && !isnan(first)) p->param[slot] = first;
}

prc_status prc_arm_doses(const prc_condition *c, const prc_world *w, const prc_arm *arm, const double *covariate,
                         double *param, prc_dose_event *dose, size_t *n_dose, prc_arm_effect *effect, prc_error *err) {
    patient p = {c, w, covariate, param, 0, 0};
    change_parameters(&p, arm, PRC_ROW_SET);
    change_parameters(&p, arm, PRC_ROW_MULTIPLY);
    set_first(&p, arm);
    *n_dose = 0;
    write_prior(&p, arm, dose, n_dose);
    for (size_t j = 0; j < arm->n_course; j++) PRC_TRY(write_course(&p, &arm->course[j], dose, n_dose, err));
    if (effect) write_effect(&p, arm, effect);
    return PRC_OK;
}
