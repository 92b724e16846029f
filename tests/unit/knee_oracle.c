/* The knee model against an independent program (tests/ref/knee_oracle.R): other equations on paper, other language,
 * other solver. */
#include "knee_setup.h"

#define ORACLE "tests/ref/knee_oracle.csv"

/* One scenario of knee_oracle.R in the words of a trial file. */
typedef struct scenario {
    const char *name;
    double kl;
    const char *arm;
} scenario;

static const scenario scenarios[] = {
    {"untreated_kl2", 2, "none"},
    {"msc_50m_kl2", 2, "{give: msc, dose: 50e6 cells, route: intra-articular, at: 0 d}"},
    {"msc_100m_kl3", 3, "{give: msc, dose: 100e6 cells, route: intra-articular, at: 0 d}"},
    {"hyaluronic_acid_kl2", 2, "{give: hyaluronic-acid, route: intra-articular, at: 0 d}"},
    {"prp_x3_kl2", 2, "{give: prp, route: intra-articular, at: [0 d, 7 d, 14 d]}"},
    {"corticosteroid_kl2", 2, "{give: corticosteroid, route: intra-articular, at: 0 d}"},
    {"iv_1e8_kl2", 2, "{give: msc, dose: 100e6 cells, route: intravenous, at: 0 d}"},
    {"im_3e7_kl2", 2, "{give: msc, dose: 30e6 cells, route: intramuscular, at: 0 d}"},
};
enum { N_SCENARIO = sizeof scenarios / sizeof *scenarios, MAX_TIME = 32 };

static double number(const prc_table *t, size_t row, const char *col) {
    double x = (double)NAN;
    knee_need(prc_table_number(t, row, (size_t)prc_table_col(t, col), false, &x, &knee_err), "number of the oracle");
    return x;
}

static const char *text(const prc_table *t, size_t row, const char *col) {
    return prc_table_cell(t, row, (size_t)prc_table_col(t, col));
}

/* The output times of a scenario, in the order of the file, which ascends. */
static size_t times_of(const prc_table *t, const char *name, double *time) {
    size_t n = 0;
    for (size_t r = 0; r < t->n_row; r++) {
        if (strcmp(text(t, r, "scenario"), name) != 0) continue;
        double x = number(t, r, "time_d");
        if ((n == 0 || x > time[n - 1]) && n < MAX_TIME) time[n++] = x;
    }
    return n;
}

static size_t index_of(const double *time, size_t n, double x) {
    for (size_t k = 0; k < n; k++)
        if (time[k] == x) return k;
    return 0;
}

/* The size at which a name counts: numbers are compared to 1e-6 of themselves or of this. */
static double scale_of(const char *name) {
    int i = prc_model_find(knee->model, name), ob = prc_condition_observable(knee, name);
    if (i >= 0 && knee->model->var[i].kind == PRC_VAR_STATE) return knee_engine->scale[knee->model->var[i].slot];
    if (ob >= 0 && !isnan(knee->observable[ob].max)) return knee->observable[ob].max - knee->observable[ob].min;
    return ob >= 0 && strcmp(knee->observable[ob].unit, "cells") == 0 ? 1e5 : 1;
}

static void compare(const prc_table *t, const scenario *s) {
    double time[MAX_TIME], worst = 0;
    size_t n = times_of(t, s->name, time), compared = 0, bad = 0;
    if (!TAP_THAT(n > 0, "%s is in the reference", s->name)) return;
    prc_cohort *c = knee_typical(s->kl);
    double *out = knee_course(c, 0, s->arm, time, n, 1e-10);
    for (size_t r = 0; r < t->n_row; r++) {
        if (strcmp(text(t, r, "scenario"), s->name) != 0) continue;
        int col = knee_column(text(t, r, "name"));
        double want = number(t, r, "value"), day = number(t, r, "time_d");
        if (col < 0) {
            TAP_THAT(false, "%s is neither a state nor an observable", text(t, r, "name"));
            continue;
        }
        double got = out[index_of(time, n, day) * knee_states->n_output + (size_t)col];
        double off = fabs(got - want) / fmax(fabs(want), scale_of(text(t, r, "name")));
        if (!(off <= 1e-6) && bad++ < 12)
            printf("# %s day %g %s: %.10g, reference %.10g, off by %.2g\n", s->name, day, text(t, r, "name"), got, want,
                   off);
        worst = off <= worst ? worst : off;
        compared++;
    }
    TAP_THAT(bad == 0, "%s: %zu of %zu values differ; the largest difference is %.2g", s->name, bad, compared, worst);
    prc_free(out);
    prc_cohort_free(c);
}

static void agrees_with_an_independent_program(void) {
    prc_table *t = NULL;
    prc_error err;
    if (prc_table_read(ORACLE, PRC_CSV, &t, &err) != PRC_OK) {
        TAP_SKIP("no " ORACLE);
        return;
    }
    for (size_t i = 0; i < N_SCENARIO; i++) compare(t, &scenarios[i]);
    for (size_t r = 0; r < t->n_row; r++) {
        bool known = false;
        for (size_t i = 0; i < N_SCENARIO; i++) known = known || strcmp(scenarios[i].name, text(t, r, "scenario")) == 0;
        if (!known) TAP_THAT(false, "scenario %s of the reference is compared", text(t, r, "scenario"));
    }
    prc_table_free(t);
}

int main(void) {
    knee_open();
    TAP_RUN(agrees_with_an_independent_program);
    knee_close();
    return tap_done();
}
