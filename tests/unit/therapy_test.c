/* Tests of therapy: arms as written, and what they do to a patient. */
#include "condition_toy.h"

#include "paracrine/therapy.h"

static prc_condition *toy;

/* ---- arms that are wrong ---------------------------------------------------------------------------------------- */

typedef struct broken {
    const char *text;
    prc_status status;
    int line, col;
    const char *says;
} broken;

static const broken cases[] = {
    {"a: { giv: msc }", PRC_E_KEY, 1, 6, "give"},
    {"a: { route: local }", PRC_E_KEY, 1, 4, "gives nothing"},
    {"a: { give: mcs, dose: 1e6 cells, route: local }", PRC_E_KEY, 1, 12, "did you mean `msc`?"},
    {"a: { give: msc, dose: 1e6 cells, route: loca }", PRC_E_KEY, 1, 41, "did you mean `local`?"},
    {"a: { give: msc, dose: 1e6 cells, route: oral }", PRC_E_KEY, 1, 41, "no route for cells"},
    {"a: { give: exosomes, dose: 1e10 particles, route: vein }", PRC_E_KEY, 1, 51, "no route for exosomes"},
    {"a: { give: msc, dose: 1e6 cells }", PRC_E_KEY, 1, 12, "without a route"},
    {"a: { give: msc, route: local }", PRC_E_KEY, 1, 12, "without a dose"},
    {"a: { give: msc, dose: 50e6, route: local }", PRC_E_UNIT, 1, 23, "no unit"},
    {"a: { give: msc, dose: -1 cells, route: local }", PRC_E_VALUE, 1, 23, "negative"},
    {"a: { give: msc, dose: nan cells, route: local }", PRC_E_VALUE, 1, 23, "finite"},
    {"a: { give: msc, dose: 1e20 cells, route: local }", PRC_E_VALUE, 1, 23, "more than"},
    {"a: { give: msc, dose: 50 cells/kg, route: local }", PRC_E_KEY, 1, 23, "weight"},
    {"a: { give: msc, dose: 1e10 particles, route: local }", PRC_E_UNIT, 1, 23, "cells"},
    {"a: { give: msc, dose: 3 mL, route: local }", PRC_E_UNIT, 1, 23, "mL"},
    {"a: { give: exosomes, dose: 1e6 cells, route: local }", PRC_E_UNIT, 1, 28, "particles"},
    {"a: { give: balm, dose: 1e6 cells, route: local }", PRC_E_KEY, 1, 24, "delete the dose"},
    {"a: { give: saline }", PRC_E_KEY, 1, 12, "without a route"},
    {"a: { give: saline, route: local, source: adipose }", PRC_E_KEY, 1, 42, "has no source"},
    {"a: { give: saline, route: local, at: -1 d }", PRC_E_VALUE, 1, 38, "before day 0"},
    {"a: { give: saline, route: local, at: 3 }", PRC_E_UNIT, 1, 38, ""},
    {"a: { give: saline, route: local, at: 3 kg }", PRC_E_UNIT, 1, 38, ""},
    {"a: { give: saline, route: local, at: [] }", PRC_E_VALUE, 1, 38, "empty"},
    {"a: { give: saline, route: local, at: [0 d, 0 d] }", PRC_E_VALUE, 1, 38, "two doses on day 0"},
    {"a: { give: saline, route: local, at: 500 y }", PRC_E_VALUE, 1, 38, "100 years"},
    {"a: { give: saline, route: local, repeat: { every: 12 mo } }", PRC_E_KEY, 1, 42, "both"},
    {"a: { give: saline, route: local, repeat: { every: 0 d, times: 2 } }", PRC_E_VALUE, 1, 51, "longer"},
    {"a: { give: saline, route: local, repeat: { every: 1 d, times: 5000 } }", PRC_E_VALUE, 1, 63, ""},
    {"a: { give: msc, dose: 1e6 cells, route: local, source: adipos }", PRC_E_KEY, 1, 56, "did you mean `adipose`?"},
    {"a: { give: msc, dose: 1e6 cells, route: local, preconditioning: hypoxia }", PRC_E_KEY, 1, 65, "allowed: none"},
    {"a: { give: msc, dose: 1e6 cells, route: local, viability: 1.2 }", PRC_E_VALUE, 1, 59, "at most 1"},
    {"a: { give: msc, dose: 1e6 cells, route: local, donor_age: 65 d }", PRC_E_UNIT, 1, 59, "years"},
    {"a: { give: msc, dose: 1e6 cells, route: local, volume: 3 kg }", PRC_E_UNIT, 1, 56, ""},
    {"a: { give: saline, route: local }\nb: { like: aa }", PRC_E_KEY, 2, 12, "no arm `aa`"},
    {"a: { like: b }\nb: { like: a }", PRC_E_VALUE, 1, 12, "circle"},
    {"a: { like: a }", PRC_E_VALUE, 1, 12, "circle"},
    {"a: none\nb: { like: a }", PRC_E_VALUE, 2, 12, "no keys"},
    {"a: 5", PRC_E_SYNTAX, 1, 4, "mapping"},
    {"a: { give: msc, dose: 1e6 cells, route: local, with: { give: msc, dose: 1e6 cells, route: vein } }", PRC_E_VALUE, 1, 4, "`local` and `vein`"},
    {"a: { give: msc, dose: 1e6 cells, route: local, with: { dose: 1e6 cells } }", PRC_E_KEY, 1, 54, "`give` is missing"},
    {"a: { give: msc, dose: 1e6 cells, route: local, with: exosomes }", PRC_E_KEY, 1, 54, "without a dose"},
};

static prc_status read_arms(const char *text, prc_tree **t, prc_arms **arms, prc_error *err)
{
    *t = NULL;
    PRC_TRY(prc_tree_parse(text, strlen(text), "trial.yaml", t, err));
    return prc_arms_read(toy, *t, (*t)->root, arms, err);
}

static void says_what_is_wrong(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const broken *b = &cases[i];
        prc_error err = {0};
        prc_tree *t;
        prc_arms *arms = NULL;
        prc_status st = read_arms(b->text, &t, &arms, &err);
        bool ok = st == b->status && err.line == b->line && err.col == b->col && strstr(err.message, b->says) && strcmp(err.source, "trial.yaml") == 0;
        if (!TAP_THAT(ok, "case %zu: %s", i, b->says)) {
            toy_show(&err);
            printf("# status %d, want %d; %d:%d, want %d:%d\n", (int)st, (int)b->status, err.line, err.col, b->line, b->col);
        }
        prc_arms_free(arms);
        prc_tree_free(t);
    }
}

/* ---- arms that are right ---------------------------------------------------------------------------------------- */

static const char good[] = "placebo: { give: saline, route: local, at: 0 d }\n"
                           "d10: { give: msc, source: adipose, donor: allogeneic, dose: 10e6 cells, route: local, at: 0 d, volume: 3 mL }\n"
                           "d50: { like: d10, dose: 50e6 cells }\n"
                           "boost: { like: d50, repeat: { every: 12 mo, times: 2 } }\n"
                           "balm: { like: d10, give: balm, at: [14 d, 0 d, 7 d] }\n"
                           "both: { like: d10, with: balm, label: Both }\n"
                           "care: { give: standard-care }\n"
                           "nothing: none\n"
                           "exo: { give: exosomes, dose: 5e11 particles, route: local }\n";

static prc_tree *tree;
static prc_arms *arms;

static const prc_arm *arm(const char *name)
{
    for (size_t i = 0; i < arms->n; i++)
        if (strcmp(arms->arm[i].name, name) == 0) return &arms->arm[i];
    abort();
}

static void reads_arms(void)
{
    prc_error err = {0};
    if (!TAP_OK(read_arms(good, &tree, &arms, &err) == PRC_OK)) {
        toy_show(&err);
        exit(tap_done());
    }
    TAP_INT(arms->n, 9);
    TAP_STR(arm("d50")->label, "MSC adipose allogeneic, 50 M cells, local");
    TAP_STR(arm("d50")->course[0].level[0], "adipose");
    TAP_OK(arm("d50")->active && !arm("placebo")->active && !arm("balm")->active);
    TAP_INT(arm("boost")->course[0].n_time, 3);
    TAP_NEAR(arm("boost")->course[0].time[2], 730.5, 1e-9);
    TAP_INT(arm("balm")->course[0].n_property, 0);
    TAP_NEAR(arm("balm")->course[0].time[1], 7, 0);
    TAP_STR(arm("balm")->label, "balm, local, 3 doses");
    TAP_OK(isnan(arm("balm")->course[0].dose));
    TAP_INT(arm("both")->n_course, 2);
    TAP_STR(arm("both")->label, "Both");
    TAP_OK(arm("care")->course[0].route == NULL);
    TAP_INT(arm("nothing")->n_course, 0);
    TAP_NEAR(arm("exo")->course[0].dose, 50, 1e-12);
    TAP_STR(arm("exo")->label, "exosomes, 5e11 particles, local");
}

/* ---- doses ------------------------------------------------------------------------------------------------------ */

static double param[32], covariate[8];
static prc_dose_event dose[64];
static size_t n_dose;
static prc_arm_effect effect;

static int slot(const char *name)
{
    int i = prc_model_find(toy->model, name);
    return i < 0 ? -1 : toy->model->var[i].slot;
}

/* The typical patient under an arm. */
static void treat(const prc_arm *a)
{
    prc_error err;
    for (size_t p = 0; p < toy->model->n_param; p++) param[p] = 1;
    for (size_t i = 0; i < toy->n_row; i++)
        if (toy->row[i].kind == PRC_ROW_PARAMETER && toy->row[i].param >= 0) param[toy->row[i].param] = toy->row[i].value;
    covariate[0] = 70, covariate[1] = 29, covariate[2] = 0, covariate[3] = 2;
    TAP_OK(prc_arm_dose_count(toy, a) <= sizeof dose / sizeof *dose);
    TAP_INT(prc_arm_doses(toy, &toy->typical, a, covariate, param, dose, &n_dose, &effect, &err), PRC_OK);
    TAP_OK(n_dose <= prc_arm_dose_count(toy, a));
}

static void writes_doses(void)
{
    treat(arm("d50"));
    TAP_INT(n_dose, 1);
    TAP_NEAR(param[slot("fate.f")], 0.4, 0);
    TAP_NEAR(dose[0].amount, 0.4 * 50e6 / 1.5, 1e-6);
    TAP_INT(dose[0].state, slot("fate.T"));
    TAP_INT(dose[0].param, -1);
    TAP_NEAR(effect.placebo_max, 12, 0);
    TAP_NEAR(effect.placebo_tau, 720, 0);
    TAP_NEAR(effect.first_time, 0, 0);
    treat(arm("exo"));
    TAP_INT(n_dose, 1);
    TAP_INT(dose[0].state, slot("fate.E"));
    TAP_NEAR(dose[0].amount, 50, 1e-12);
    treat(arm("both"));
    TAP_INT(n_dose, 2);
    TAP_INT(dose[1].state, slot("W"));
    treat(arm("boost"));
    TAP_INT(n_dose, 3);
    TAP_NEAR(dose[1].time, 365.25, 1e-9);
}

static void no_cells_no_change(void)
{
    static const char *const quiet[] = {"placebo", "care", "nothing"};
    double before[32];
    treat(arm("nothing"));
    memcpy(before, param, sizeof before);
    for (size_t i = 0; i < 3; i++) {
        treat(arm(quiet[i]));
        TAP_THAT(n_dose == 0 && memcmp(before, param, sizeof before) == 0, "%s", quiet[i]);
    }
    prc_arm vehicle;
    prc_error err;
    TAP_INT(prc_arm_vehicle(arms, arm("boost"), &vehicle, &err), PRC_OK);
    treat(&vehicle);
    TAP_THAT(n_dose == 0 && memcmp(before, param, sizeof before) == 0, "vehicle");
    TAP_NEAR(effect.placebo_max, 12, 0);
    TAP_STR(vehicle.label, "saline, local, 3 doses");
    TAP_OK(!vehicle.active);
    prc_arms *zero = NULL;
    TAP_INT(prc_arm_parse(toy, "{ give: msc, source: umbilical-cord, dose: 0 cells, route: local, at: 3 d }", "x.tsv", 4, &zero, &err), PRC_OK);
    treat(zero->arm);
    TAP_THAT(n_dose == 0 && memcmp(before, param, sizeof before) == 0, "a dose of no cells");
    prc_arms_free(zero);
}

static void properties_act(void)
{
    prc_arms *a = NULL;
    prc_error err = {0};
    TAP_INT(prc_arm_parse(toy, "{ give: msc, source: umbilical-cord, donor: autologous, dose: 10e6 cells, viability: 80 %, route: vein, at: 1 wk }", "x.tsv", 4, &a, &err), PRC_OK);
    if (!a) {
        toy_show(&err);
        return;
    }
    treat(a->arm);
    TAP_NEAR(param[slot("fate.q")], 1.2 * 0.6, 1e-15); /* the donor is the patient, who is 70 */
    TAP_NEAR(param[slot("fate.f")], 0.1, 0);
    TAP_NEAR(param[slot("fate.t_first")], 7, 0);
    TAP_NEAR(dose[0].amount, 0.1 * 8e6, 1e-6);
    TAP_NEAR(effect.placebo_max, 0, 0);
    prc_arms_free(a);
    TAP_INT(prc_arm_parse(toy, "{ give: msc, donor_age: 55 y, dose: 1e6 cells, route: vein }", "x.tsv", 4, &a, &err), PRC_OK);
    treat(a->arm);
    TAP_NEAR(param[slot("fate.q")], 1, 0);
    /* a patient whose f is 1.5 times the typical one keeps that under a route that sets f */
    param[slot("fate.f")] = 0.75;
    TAP_INT(prc_arm_doses(toy, &toy->typical, a->arm, covariate, param, dose, &n_dose, &effect, &err), PRC_OK);
    TAP_NEAR(param[slot("fate.f")], 0.15, 1e-15);
    prc_arms_free(a);
}

static void cells_in_a_table(void)
{
    prc_arms *a = NULL;
    prc_error err = {0};
    TAP_INT(prc_arm_parse(toy, "none", "checks.tsv", 9, &a, &err), PRC_OK);
    TAP_INT(a->arm[0].n_course, 0);
    TAP_STR(a->arm[0].label, "no treatment");
    prc_arms_free(a);
    a = NULL;
    TAP_INT(prc_arm_parse(toy, "{ give: mscs, dose: 1e6 cells, route: local }", "checks.tsv", 9, &a, &err), PRC_E_KEY);
    TAP_INT(err.line, 9);
    TAP_STR(err.source, "checks.tsv");
    TAP_INT(prc_arm_parse(toy, "{ give: msc", "checks.tsv", 9, &a, &err), PRC_E_SYNTAX);
    TAP_INT(err.line, 9);
    TAP_OK(a == NULL);
}

static void survives_lack_of_memory(void)
{
    long k = 1;
    for (;; k++) {
        prc_error err = {0};
        prc_arms *a = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_arms_read(toy, tree, tree->root, &a, &err);
        prc_memory_fail_at(0);
        prc_arms_free(a);
        if (st == PRC_OK) break;
        if (st != PRC_E_MEMORY) {
            TAP_THAT(false, "allocation %ld: status %d", k, (int)st);
            toy_show(&err);
            break;
        }
    }
    TAP_THAT(k > 5, "%ld allocations, each failed once", k - 1);
}

int main(void)
{
    toy_create();
    toy = toy_load();
    TAP_RUN(says_what_is_wrong);
    TAP_RUN(reads_arms);
    TAP_RUN(writes_doses);
    TAP_RUN(no_cells_no_change);
    TAP_RUN(properties_act);
    TAP_RUN(cells_in_a_table);
    TAP_RUN(survives_lack_of_memory);
    prc_arms_free(arms);
    prc_tree_free(tree);
    prc_condition_free(toy);
    toy_remove();
    return tap_done();
}
