/* design_test.c: replicate trials against closed forms, the same numbers for any number of threads, sample sizes, assurance, broken arguments. Runs in the source folder. */
#include "../tap.h"
#include "../../src/design/design_int.h"

#include <stdlib.h>
#include <unistd.h>

#define NONE ((double)NAN)
#define HEAD                                                                                                                          \
    "condition: knee-oa\nseed: 8\npopulation: { size_per_arm: 100, include: { kl_grade: [2, 3], vas_pain: { min: 40 } } }\n"          \
    "randomise: { stratify: [kl_grade, sex], block: 6 }\narms:\n  saline: { give: saline, route: intra-articular, at: 0 d }\n"        \
    "  cells: { give: msc, source: adipose, donor: allogeneic, dose: 50e6 cells, route: intra-articular, at: 0 d }\n"
#define ENDPOINTS                                                                                                                     \
    "visits: [0 d, 3 mo, 6 mo]\nendpoints:\n  primary: { score: womac_total, at: 6 mo, analysis: ancova, covariates: [baseline, kl_grade] }\n" \
    "  responder: { score: vas_pain, at: 6 mo, analysis: responder }\n  failure: { event: treatment_failure }\n"
#define CLEAN HEAD ENDPOINTS
#define LEAVING HEAD ENDPOINTS "dropout: { rate: 40 %/y, mechanism: mar }\n"

static prc_trial_spec *read_text(const char *text)
{
    char path[64];
    prc_trial_spec *s = NULL;
    prc_error err = {0};
    snprintf(path, sizeof path, "/tmp/paracrine-design-%d.yaml", (int)getpid());
    FILE *f = fopen(path, "w");
    if (!f) return NULL;
    fputs(text, f);
    fclose(f);
    if (!TAP_OK(prc_trial_read(path, ".", NULL, &s, &err) == PRC_OK)) tap_note("error", err.message);
    unlink(path);
    return s;
}

static prc_design_result *run(const prc_trial_spec *s, size_t replicates, size_t pool, int threads, bool mmrm)
{
    prc_design_options o;
    prc_design_result *r = NULL;
    prc_error err = {0};
    prc_design_defaults(&o);
    o.replicates = replicates;
    o.pool = pool;
    o.n_threads = threads;
    o.mmrm = mmrm;
    if (!s) return NULL;
    if (!TAP_OK(prc_design_run(s, &o, &r, &err) == PRC_OK)) tap_note("error", err.message);
    return r;
}

/* ---- replicates -------------------------------------------------------------------------------------------------- */

/* Without dropout: error rate, coverage, bias, power by closed form, all within four Monte-Carlo errors. */
static void against_closed_forms(void)
{
    prc_trial_spec *s = read_text(CLEAN);
    prc_design_result *r = run(s, 1000, 4000, 2, false);
    if (!r) return;
    TAP_INT(r->n_analysis, 3);
    TAP_OK(!r->fresh);
    for (size_t a = 0; a < 2; a++) {
        const prc_oc *null = &PRC_OC(r, PRC_SCENARIO_NULL, 0, a, 1), *alt = &PRC_OC(r, PRC_SCENARIO_ALTERNATIVE, 0, a, 1);
        TAP_INT(null->n_used, 1000);
        TAP_THAT(fabs(null->bias) < 4 * null->bias_se, "analysis %zu: bias under the null %g, error %g", a, null->bias, null->bias_se);
        TAP_THAT(fabs(alt->bias) < 4 * alt->bias_se, "analysis %zu: bias %g, error %g", a, alt->bias, alt->bias_se);
        TAP_THAT(fabs(alt->coverage - 0.95) < 4 * sqrt(0.95 * 0.05 / 1000), "analysis %zu: coverage %g", a, alt->coverage);
        TAP_THAT(fabs(alt->sd / alt->model_se - 1) < 0.1, "analysis %zu: SD %g, mean SE %g", a, alt->sd, alt->model_se);
        TAP_THAT(alt->analysed > 198 && alt->analysed <= 200, "%g of 200 analysed: only a replaced knee has no score", alt->analysed);
    }
    const prc_oc *null = &PRC_OC(r, PRC_SCENARIO_NULL, 0, 0, 1), *alt = &PRC_OC(r, PRC_SCENARIO_ALTERNATIVE, 0, 0, 1);
    TAP_THAT(fabs(null->reject - 0.05) < 4 * sqrt(0.05 * 0.95 / 1000), "error rate %g", null->reject);
    TAP_THAT(PRC_OC(r, PRC_SCENARIO_NULL, 0, 1, 1).reject < 0.05 + 4 * sqrt(0.05 * 0.95 / 1000), "Fisher's error rate %g", PRC_OC(r, PRC_SCENARIO_NULL, 0, 1, 1).reject);
    double sd = alt->model_se / sqrt(2 / 100.), power = prc_stat_power_t(100, alt->truth / sd, 0.05);
    TAP_THAT(fabs(alt->better - power) < 4 * alt->better_se, "power %g, closed form %g, error %g", alt->better, power, alt->better_se);
    TAP_NEAR(r->any[PRC_OC_ANY(r, PRC_SCENARIO_NULL, 0, 0)], null->reject, 1e-12);
    TAP_INT(PRC_OC(r, PRC_SCENARIO_NULL, 0, 0, 0).n_used, 0);
    prc_design_free(r);
    prc_trial_spec_free(s);
}

static bool same(const prc_design_result *a, const prc_design_result *b)
{
    size_t n = PRC_SCENARIO_COUNT * a->n_size * a->n_analysis * a->n_arm;
    return a->n_size == b->n_size && memcmp(a->oc, b->oc, n * sizeof *a->oc) == 0;
}

static void any_threads(void)
{
    prc_trial_spec *s = read_text(LEAVING);
    prc_design_result *one = run(s, 30, 400, 1, false), *three = run(s, 30, 400, 3, false);
    if (one && three) {
        const prc_oc *c = &PRC_OC(one, PRC_SCENARIO_ALTERNATIVE, 0, 0, 1);
        TAP_OK(same(one, three));
        TAP_OK(one->fresh);
        TAP_HAS(one->rule, "fresh patients");
        TAP_THAT(c->analysed > 140 && c->analysed < 185, "%g of 200 analysed when 40 %% a year leave", c->analysed);
    }
    prc_design_free(one);
    prc_design_free(three);
    prc_trial_spec_free(s);
}

static void repeated_measures(void)
{
    prc_trial_spec *s = read_text(LEAVING);
    prc_design_result *r = run(s, 40, 4000, 2, true);
    if (r) {
        const prc_oc *c = &PRC_OC(r, PRC_SCENARIO_ALTERNATIVE, 0, 0, 1);
        TAP_INT(r->analysis[0].method, PRC_DM_MMRM);
        TAP_INT(c->n_used, 40);
        TAP_THAT(fabs(c->bias) < 4 * c->bias_se && c->sd / c->model_se > 0.6 && c->sd / c->model_se < 1.5, "bias %g (%g), SD %g, SE %g", c->bias, c->bias_se, c->sd, c->model_se);
    }
    prc_design_free(r);
    prc_trial_spec_free(s);
}

/* A trial drawn: nobody twice, arms of the wanted size, balance within strata, the order of draws does not matter. */
static void one_trial(void)
{
    enum { N = 60 };
    prc_trial_spec *s = read_text(LEAVING);
    prc_engine *e = NULL;
    prc_plan *plan = NULL;
    prc_pool *p = NULL;
    prc_enrolled t = {0}, u = {0};
    size_t arms[2] = {0}, twice = 0, uneven = 0, differ = 0;
    if (!s || prc_engine_create(s->condition, &e, NULL) || prc_plan_create(s, e, false, 0.05, 2, &plan, NULL) || prc_pool_create(plan, 0, 0, 300, 2, NULL, &p, NULL) ||
        !prc_enrolled_init(&t, p, N) || !prc_enrolled_init(&u, p, N)) {
        TAP_OK(false);
        goto out;
    }
    prc_enrol(&t, p, N, SIZE_MAX, 5);
    prc_enrol(&t, p, N, SIZE_MAX, 7);
    prc_enrol(&u, p, N, SIZE_MAX, 7);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < i; k++) twice += t.who[k] == t.who[i];
        arms[t.arm[i]]++;
        differ += t.who[i] != u.who[i] || t.arm[i] != u.arm[i];
    }
    for (size_t k = 0; k < p->n_stratum; k++) {
        long balance = 0, total = 0;
        for (size_t i = 0; i < N; i++)
            if (p->stratum[t.who[i]] == k) balance += t.arm[i] ? 1 : -1, total++;
        uneven += (size_t)labs(balance) > 5;
    }
    TAP_INT(twice, 0);
    TAP_INT(arms[0], 30);
    TAP_INT(arms[1], 30);
    TAP_INT(uneven, 0);
    TAP_INT(differ, 0);
    /* In replicate 0 a pool patient shows what the trial itself would measure of him. */
    double value[64];
    (void)prc_observe(p, 3, 1, 0, value);
    const prc_cell *cell = &plan->cell[plan->analysis[0].base];
    const prc_observable *ob = &s->condition->observable[cell->observable];
    TAP_NEAR(value[plan->analysis[0].base], prc_measure(s->condition, &s->condition->typical, ob, s->seed, 0, p->id[3], 0, PRC_POOL_AT(p, 1, 3, plan->analysis[0].base), &p->effect[1], true, 0), 0);
out:
    prc_enrolled_reset(&t);
    prc_enrolled_reset(&u);
    prc_pool_free(p);
    prc_plan_free(plan);
    prc_engine_free(e);
    prc_trial_spec_free(s);
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

static void closed_form_sizes(void)
{
    TAP_NEAR(prc_design_sample_size(0.5, 1, 0.05, 0.8, 1).n, 64, 0); /* 63.77, R's power.t.test */
    TAP_NEAR(prc_design_sample_size(-5, 10, 0.05, 0.9, 0.85).n, 86, 0); /* 85.03 */
    TAP_NEAR(prc_design_sample_size(-5, 10, 0.05, 0.9, 0.85).with_loss, 102, 0);
    TAP_NEAR(prc_design_sample_size(0, 1, 0.05, 0.8, 1).n, NONE, 0);
    TAP_NEAR(prc_design_sample_size(1, 0, 0.05, 0.8, 1).n, NONE, 0);
    TAP_NEAR(prc_design_sample_size(NONE, 1, 0.05, 0.8, 1).n, NONE, 0);
}

static void smallest_size(void)
{
    const double size[5] = {50, 100, 150, 200, 250}, power[5] = {0.5, 0.72, 0.68, 0.9, 0.95}, se[5] = {0.01, 0.01, 0.01, 0.01, 0.01};
    prc_smallest n;
    prc_error err;
    TAP_INT(prc_design_smallest(size, power, se, 5, 0.8, &n, &err), PRC_OK);
    TAP_NEAR(n.n, 175, 0); /* 0.70, 0.70, 0.90 after pooling: half-way between 150 and 200 */
    TAP_OK(n.lower < n.n && n.upper > n.n);
    TAP_INT(prc_design_smallest(size, power, se, 5, 0.97, &n, &err), PRC_OK);
    TAP_NEAR(n.n, NONE, 0);
    TAP_INT(prc_design_smallest(size, power, se, 5, 0.3, &n, &err), PRC_OK);
    TAP_NEAR(n.n, 50, 0);
    TAP_INT(prc_design_smallest(size, power, se, 0, 0.3, &n, &err), PRC_OK);
    TAP_NEAR(n.n, NONE, 0);
    const double falling[2] = {100, 50};
    TAP_INT(prc_design_smallest(falling, power, se, 2, 0.3, &n, &err), PRC_E_VALUE);
}

static void assurance(void)
{
    prc_trial_spec *s = read_text(CLEAN);
    prc_assurance *one = NULL, *two = NULL;
    const size_t size[2] = {50, 400};
    prc_error err = {0};
    if (!s) return;
    TAP_INT(prc_assurance_run(s, 0, size, 2, 12, 30, 0.05, 1, NULL, &one, &err), PRC_OK);
    TAP_INT(prc_assurance_run(s, 0, size, 2, 12, 30, 0.05, 2, NULL, &two, &err), PRC_OK);
    if (one && two) {
        const double *q = one->quantile + (1 * 2 + 1) * PRC_ASSURANCE_QUANTILES;
        TAP_OK(memcmp(one->diff, two->diff, 24 * sizeof *one->diff) == 0 && memcmp(one->mean, two->mean, 4 * sizeof *one->mean) == 0);
        TAP_OK(one->n_used >= 10);
        TAP_THAT(one->mean[1] < one->mean[3], "assurance grows: %g, %g", one->mean[1], one->mean[3]);
        TAP_OK(q[0] <= q[2] && q[2] <= q[4] && one->mean[3] >= q[0] && one->mean[3] <= q[4]);
        TAP_NEAR(one->mean[2], NONE, 0);
    }
    prc_assurance_free(one);
    prc_assurance_free(two);
    prc_trial_spec_free(s);
}

static bool stop_at_once(void *ctx, const char *stage, double done, double total)
{
    (void)ctx;
    (void)stage;
    return done < total / 2;
}

static void broken_arguments(void)
{
    prc_trial_spec *s = read_text(CLEAN), *late = read_text(HEAD "visits: [0 d, 6 mo]\nendpoints:\n  primary: { score: vas_pain, analysis: duration }\n");
    prc_design_options o;
    prc_design_result *r = NULL;
    prc_assurance *a = NULL;
    const size_t one = 1, fine = 50;
    const prc_progress stop = {stop_at_once, NULL};
    if (!s || !late) return;
#define WITH(change, status)                                     \
    do {                                                         \
        prc_design_defaults(&o);                                 \
        o.pool = 400;                                            \
        change;                                                  \
        TAP_INT(prc_design_run(s, &o, &r, NULL), status);        \
    } while (0)
    WITH(o.replicates = 1, PRC_E_VALUE);
    WITH(o.replicates = 100000000, PRC_E_VALUE);
    WITH(o.alpha = 0, PRC_E_VALUE);
    WITH(o.alpha = NONE, PRC_E_VALUE);
    WITH((o.n_size = 1, o.size = &one), PRC_E_VALUE);
    WITH(o.progress = &stop, PRC_E_INTERRUPTED);
    prc_design_defaults(&o);
    TAP_INT(prc_design_run(late, &o, &r, NULL), PRC_E_UNSUPPORTED);
    TAP_INT(prc_assurance_run(late, 0, &fine, 1, 10, 20, 0.05, 1, NULL, &a, NULL), PRC_E_UNSUPPORTED);
    TAP_INT(prc_assurance_run(s, 1, &fine, 1, 10, 20, 0.05, 1, NULL, &a, NULL), PRC_E_VALUE);
    TAP_INT(prc_assurance_run(s, 0, &one, 1, 10, 20, 0.05, 1, NULL, &a, NULL), PRC_E_VALUE);
    TAP_INT(prc_assurance_run(s, 0, &fine, 1, 1, 20, 0.05, 1, NULL, &a, NULL), PRC_E_VALUE);
    TAP_OK(r == NULL && a == NULL);
    /* Allocations fail here and there: an error, no leak (ASan). */
    size_t bad = 0, tries = 0;
    prc_design_defaults(&o);
    o.pool = 200;
    o.replicates = 2;
    o.n_threads = 1;
    for (long k = 1; tries < 40; k = k + 1 + k / 4, tries++) {
        prc_memory_fail_at(k);
        prc_status st = prc_design_run(s, &o, &r, NULL);
        prc_memory_fail_at(0);
        if (st == PRC_OK) break;
        bad += st != PRC_E_MEMORY;
    }
    TAP_INT(bad, 0);
    TAP_OK(tries > 10);
    prc_design_free(r);
    prc_trial_spec_free(s);
    prc_trial_spec_free(late);
}

int main(void)
{
    TAP_RUN(closed_form_sizes);
    TAP_RUN(smallest_size);
    TAP_RUN(one_trial);
    TAP_RUN(against_closed_forms);
    TAP_RUN(any_threads);
    TAP_RUN(repeated_measures);
    TAP_RUN(assurance);
    TAP_RUN(broken_arguments);
    return tap_done();
}
