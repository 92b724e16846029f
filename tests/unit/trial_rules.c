/* trial_rules.c: rescue medication and stopping rules against a toy with a closed form (tests/toy-line): burden' = a*burden, a rescue takes 0.25 away. Runs in the source folder. */
#include "../tap.h"
#include "../../src/trial/trial_int.h"

#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void)
{
    char command[512];
    snprintf(folder, sizeof folder, "/tmp/paracrine-rules-%d", (int)getpid());
    snprintf(command, sizeof command, "mkdir -p %s/models && ln -s \"$PWD/models/core\" %s/models/core && cp -r tests/toy-line %s/models/toy-line", folder, folder, folder);
    TAP_INT(system(command), 0);
}

static prc_trial_spec *read_text(const char *text)
{
    char path[128];
    prc_trial_spec *s = NULL;
    prc_error err = {0};
    snprintf(path, sizeof path, "%s/rules.yaml", folder);
    FILE *f = fopen(path, "w");
    if (f) {
        fputs(text, f);
        fclose(f);
    }
    if (!TAP_OK((prc_trial_read(path, folder, NULL, &s, &err)) == PRC_OK)) tap_note("error", err.message);
    return s;
}

#define TOP "condition: toy-line\nseed: 5\npopulation: { size_per_arm: 40 }\narms:\n  nothing: { give: standard-care, at: 0 d }\n  helped: { give: nsaid, at: 30 d }\n"
#define REST "endpoints:\n  primary: { score: burden_score, analysis: ancova }\n"
#define VISITS "visits: [0 d, 100 d, 200 d]\n"
#define MORE_VISITS "visits: [0 d, 13 d, 50 d, 77 d, 100 d, 181 d, 200 d]\n"
#define RESCUE "rescue: { when: burden_score > 60, give: nsaid, times: 2, every: 10 d, from: 5 d }\n"
#define STOP "stop: { when: burden_score > 45, for: 12 d }\n"

/* A patient of the toy between 0 and the end. */
typedef struct toy { double a, x, t, rescue[2], stop; int n; } toy;

static void move(toy *p, double to)
{
    p->x *= exp(p->a * (to - p->t));
    p->t = to;
}

static double reach(const toy *p, double x)
{
    return p->x >= x ? p->t : p->t + log(x / p->x) / p->a;
}

/* Rescues by hand: from day 5, at the crossing of 0.6, again 10 days later at the earliest, twice; the arm gives once on day 30 if it gives. */
static void by_hand(toy *p, bool helped)
{
    double allowed = 5;
    for (;;) {
        double next = p->n < 2 ? reach(p, 0.6) : (double)INFINITY;
        if (next < allowed) next = allowed;
        bool dose = helped && p->t < 30 && next >= 30;
        if (dose) next = 30;
        if (next > 200) break;
        move(p, next);
        p->x -= 0.25;
        if (dose) continue;
        p->rescue[p->n++] = next;
        allowed = next + 10;
    }
    move(p, 200);
}

static prc_trial_result *run(const prc_trial_spec *s, int threads, size_t chunk)
{
    prc_trial_result *r = NULL;
    prc_error err = {0};
    prc_trial_options o;
    prc_trial_defaults(&o);
    o.n_threads = threads;
    o.chunk = chunk;
    o.keep = chunk == 0;
    if (!s) return NULL;
    if (!TAP_OK((prc_trial_run(s, &o, &r, &err)) == PRC_OK)) tap_note("error", err.message);
    return r;
}

static double param(const prc_trial_result *r, size_t i, const char *name)
{
    const prc_cohort *c = r->population[0].cohort;
    const prc_model *m = r->spec->condition->model;
    return c->param[i * c->n_param + (size_t)m->var[prc_model_find(m, name)].slot];
}

/* Every rescue is found to 1e-8 days of the true crossing, in each arm for itself. The course is known to the tolerance of the solver: the first crossing is that of an exponential. */
static void rescue_times(void)
{
    prc_trial_spec *s = read_text(TOP VISITS REST RESCUE);
    prc_trial_result *r = run(s, 2, 0);
    double worst = 0, worst_end = 0, first = 0;
    size_t n = 0, late = 0, wrong = 0;
    if (!r) return;
    prc_engine *e = NULL;
    prc_truth *t = NULL;
    /* The rule is tested, not the tolerance. */
    TAP_INT(prc_trial_engine(s->condition, &s->rules, &e, NULL), PRC_OK);
    e->options.rtol = 1e-12;
    e->options.atol = 1e-14;
    TAP_INT(prc_truth_simulate_rules(e, &s->condition->typical, r->population[0].cohort, s->arms->arm, 2, r->population[0].time, r->population[0].n_time, 200, &s->rules, 2, NULL, &t, NULL), PRC_OK);
    for (size_t a = 0; a < 2; a++)
        for (size_t i = 0; i < r->population[0].n; i++) {
            toy p = {.a = param(r, i, "a"), .x = param(r, i, "burden_0"), .rescue = {(double)NAN, (double)NAN}};
            by_hand(&p, a == 1);
            for (size_t k = 0; k < 2; k++) {
                double got = t->rescue[(a * t->n_patient + i) * 2 + k];
                wrong += isnan(got) != isnan(p.rescue[k]);
                if (isnan(got) || isnan(p.rescue[k])) continue;
                worst = fmax(worst, fabs(got - p.rescue[k]));
                if (k == 0) first = fmax(first, fabs(got - p.rescue[k]));
                n++;
                late += k;
            }
            double end = fmin(1000, fmax(0, 100 * p.x)); /* kept within the range of the score */
            worst_end = fmax(worst_end, fabs(PRC_TRUTH_AT(t, a, i, t->n_time - 1, 0) - end) / fmax(1, end));
        }
    TAP_INT(wrong, 0);
    TAP_THAT(n > 60 && late > 20, "%zu rescues, %zu of them second ones", n, late);
    TAP_THAT(worst < 1e-8, "rescues are within %.3g days of the true crossing (the first within %.3g)", worst, first);
    TAP_THAT(worst_end < 1e-9, "the last value is within %.3g of the closed form", worst_end);
    prc_truth_free(t);
    prc_engine_free(e);
    prc_trial_result_free(r);
    prc_trial_spec_free(s);
}

/* More visits, other threads, other chunks: the same bits. */
static void same_bits(void)
{
    prc_trial_spec *few = read_text(TOP VISITS REST RESCUE STOP), *more = read_text(TOP MORE_VISITS REST RESCUE STOP);
    prc_trial_result *a = run(few, 2, 0), *b = run(more, 1, 0), *c = run(few, 1, 9);
    if (a && b && c) {
        const prc_truth *s = a->population[0].truth, *t = b->population[0].truth;
        TAP_INT(memcmp(s->rescue, t->rescue, 2 * s->n_patient * s->n_rescue * sizeof(double)), 0);
        TAP_INT(memcmp(s->stopped, t->stopped, 2 * s->n_patient * sizeof(double)), 0);
        size_t differ = 0;
        for (size_t arm = 0; arm < 2; arm++)
            for (size_t i = 0; i < s->n_patient; i++)
                for (size_t k = 0; k < s->n_time; k++)
                    differ += memcmp(&PRC_TRUTH_AT(s, arm, i, k, 0), &PRC_TRUTH_AT(t, arm, i, prc_time_index(t, s->time[k]), 0), sizeof(double)) != 0;
        TAP_INT(differ, 0);
        TAP_NEAR(c->result[0].true_value[1], a->result[0].true_value[1], 0);
        TAP_NEAR(c->result[0].diff[1].estimate, a->result[0].diff[1].estimate, 0);
    }
    prc_trial_result_free(a);
    prc_trial_result_free(b);
    prc_trial_result_free(c);
    prc_trial_spec_free(few);
    prc_trial_spec_free(more);
}

/* The condition must last for 12 days without a break; then treatment ends: who stops before day 30 does not get what the arm gives then. */
static void stopping(void)
{
    prc_trial_spec *s = read_text(TOP VISITS REST STOP);
    prc_trial_result *r = run(s, 2, 0);
    double worst = 0;
    size_t early = 0, wrong = 0;
    if (!r) return;
    const prc_truth *t = r->population[0].truth;
    TAP_INT(t->n_rescue, 0);
    for (size_t a = 0; a < 2; a++)
        for (size_t i = 0; i < t->n_patient; i++) {
            toy p = {.a = param(r, i, "a"), .x = param(r, i, "burden_0")};
            double stop = reach(&p, 0.45) + 12, got = t->stopped[a * t->n_patient + i], end = p.x * exp(p.a * 200);
            if (a == 1 && stop > 30) {
                move(&p, 30);
                p.x -= 0.25;
                stop = reach(&p, 0.45) + 12;
                end = p.x * exp(p.a * 170);
            }
            early += a == 1 && stop <= 30;
            wrong += isnan(got) != (stop > 200);
            if (!isnan(got)) worst = fmax(worst, fabs(got - stop));
            /* Kept within the range of the score. */
            wrong += fabs(PRC_TRUTH_AT(t, a, i, t->n_time - 1, 0) - fmin(1000, fmax(0, 100 * end))) > 1e-3 * 100 * fabs(end);
        }
    TAP_INT(wrong, 0);
    TAP_THAT(early > 5, "%zu stop before the dose of day 30", early);
    TAP_THAT(worst < 1e-2, "stops are within %.3g days (at the tolerance of a trial)", worst);
    prc_trial_result_free(r);
    prc_trial_spec_free(s);
}

/* Who leaves by the rule is not measured afterwards. */
static void leaving(void)
{
    prc_trial_spec *s = read_text(TOP VISITS REST "stop: { when: burden_score > 45, for: 12 d, ends: participation }\n");
    prc_trial_result *r = run(s, 2, 0);
    size_t left = 0, wrong = 0;
    if (!r) return;
    for (size_t k = 0; k < r->n_subject; k++) {
        const prc_subject *u = &r->subject[k];
        double stop = r->population[0].truth->stopped[u->arm * r->population[0].n + u->member];
        bool by_rule = u->disposition == PRC_DROPPED_OUT && strcmp(u->reason, "STOPPING RULE") == 0;
        left += by_rule;
        wrong += by_rule == isnan(stop) || (by_rule && u->dropout_day != stop) || (by_rule && isnan(*prc_score_at(r, k, 2, 0)) != (stop < 200));
    }
    TAP_INT(wrong, 0);
    TAP_THAT(left > 10, "%zu leave by the rule", left);
    prc_trial_result_free(r);
    prc_trial_spec_free(s);
}

static void tables(void)
{
    prc_trial_spec *s = read_text(TOP VISITS REST RESCUE STOP);
    prc_trial_result *r = NULL;
    prc_outdir *d = NULL;
    prc_table *adsl = NULL, *adcm = NULL, *adtte = NULL;
    prc_trial_options o;
    char dir[96], path[128];
    prc_trial_defaults(&o);
    snprintf(dir, sizeof dir, "%s/out", folder);
    if (!s || !TAP_OK(prc_outdir_create(dir, true, &d, NULL) == PRC_OK)) return;
    o.dir = d;
    TAP_INT(prc_trial_run(s, &o, &r, NULL), PRC_OK);
    if (r) TAP_INT(prc_trial_tables(r, d, NULL), PRC_OK);
    TAP_INT(prc_outdir_commit(d, NULL), PRC_OK);
    snprintf(path, sizeof path, "%s/adsl.csv", dir);
    TAP_INT(prc_table_read(path, PRC_CSV, &adsl, NULL), PRC_OK);
    snprintf(path, sizeof path, "%s/adcm.csv", dir);
    TAP_INT(prc_table_read(path, PRC_CSV, &adcm, NULL), PRC_OK);
    snprintf(path, sizeof path, "%s/adtte.csv", dir);
    TAP_INT(prc_table_read(path, PRC_CSV, &adtte, NULL), PRC_OK);
    if (adsl && adcm && adtte) {
        TAP_INT(adsl->n_row, 80);
        TAP_INT(adtte->n_row, 160);
        TAP_OK(prc_table_col(adsl, "RESCFL") >= 0 && prc_table_col(adsl, "RESCN") >= 0 && prc_table_col(adsl, "RESCDAY") >= 0 && prc_table_col(adsl, "STOPFL") >= 0);
        TAP_OK(adcm->n_row > 10 && prc_table_col(adcm, "CMDECOD") >= 0);
    }
    prc_table_free(adsl);
    prc_table_free(adcm);
    prc_table_free(adtte);
    prc_trial_result_free(r);
    prc_trial_spec_free(s);
}

static void out_of_memory(void)
{
    prc_trial_spec *s = read_text(TOP VISITS REST RESCUE STOP);
    prc_trial_options o;
    size_t bad = 0, tries = 0;
    prc_trial_defaults(&o);
    o.n_threads = 1;
    for (long k = 1; s && tries < 120; k = k + 1 + k / 12, tries++) {
        prc_trial_result *r = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_trial_run(s, &o, &r, NULL);
        prc_memory_fail_at(0);
        prc_trial_result_free(r);
        if (st == PRC_OK) break;
        bad += st != PRC_E_MEMORY;
    }
    TAP_INT(bad, 0);
    TAP_OK(tries > 20);
    prc_trial_spec_free(s);
}

int main(void)
{
    make_folder();
    TAP_RUN(rescue_times);
    TAP_RUN(same_bits);
    TAP_RUN(stopping);
    TAP_RUN(leaving);
    TAP_RUN(tables);
    TAP_RUN(out_of_memory);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    TAP_INT(system(command), 0);
    return tap_done();
}
