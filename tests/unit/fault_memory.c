/* Every allocation that fails ends in PRC_E_MEMORY: no crash, and no leak (AddressSanitizer builds look for those). */
#include "../tap.h"
#include "paracrine/report.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char trial_text[] =
    "condition: knee-oa\nseed: 5\npopulations:\n  early: { size_per_arm: 2, include: { kl_grade: [2], vas_pain: { min: "
    "20 } } }\n"
    "randomise: { stratify: [sex], block: 4 }\n"
    "arms:\n  placebo: { give: saline, route: intra-articular, at: 0 d }\n"
    "  d50: { give: msc, source: adipose, donor: allogeneic, dose: 50e6 cells, route: intra-articular, at: 0 d }\n"
    "visits: [0 d, 1 mo]\nendpoints:\n"
    "  primary: { score: vas_pain, at: 1 mo, measure: change, analysis: ancova, covariates: [baseline], versus: "
    "placebo }\n"
    "  responder: { score: vas_pain, at: 1 mo, analysis: responder }\n  relief: { score: vas_pain, analysis: duration "
    "}\n"
    "  tkr: { event: knee_replacement, analysis: [kaplan-meier, logrank] }\n"
    "dropout: { rate: 20 %/y, mechanism: mar }\nsubgroups: [sex]\n";

static char trial_path[] = "/tmp/paracrine-fault-XXXXXX";
static prc_condition *knee;
static prc_trial_spec *spec;
static prc_trial_result *result;
static prc_evidence *evidence;

/* ---- what is tried: each makes its things and frees them ------------------------------------------------------- */

static prc_status load(prc_error *err) {
    prc_condition *c = NULL;
    prc_status st = prc_condition_load(".", "knee-oa", &c, err);
    prc_condition_free(c);
    return st;
}

static prc_status engine(prc_error *err) {
    prc_engine *e = NULL;
    prc_status st = prc_engine_create(knee, &e, err);
    prc_engine_free(e);
    return st;
}

static prc_status world(prc_error *err) {
    prc_world w = {0};
    prc_status st = prc_world_draw(knee, 1, 1, &w, err);
    prc_world_reset(&w);
    return st;
}

static prc_status read_trial(prc_error *err) {
    prc_trial_spec *s = NULL;
    prc_status st = prc_trial_read(trial_path, ".", NULL, &s, err);
    prc_trial_spec_free(s);
    return st;
}

static prc_status template(prc_error *err) {
    char *text = NULL;
    prc_status st = prc_trial_template(knee, &text, err);
    prc_free(text);
    return st;
}

static prc_status run(prc_error *err) {
    prc_trial_result *r = NULL;
    prc_trial_options o;
    prc_trial_defaults(&o);
    o.n_threads = 1;
    prc_status st = prc_trial_run(spec, &o, &r, err);
    prc_trial_result_free(r);
    return st;
}

static prc_status estimate(prc_error *err) {
    prc_trial_options o;
    prc_trial_cost cost;
    prc_trial_defaults(&o);
    o.n_threads = 1;
    return prc_trial_estimate(spec, &o, &cost, err);
}

static prc_status tables(prc_error *err) {
    prc_outdir *dir = NULL;
    PRC_TRY(prc_outdir_create("/tmp/paracrine-fault-out", true, &dir, err));
    prc_status st = prc_trial_tables(result, dir, err);
    prc_outdir_abandon(dir);
    return st;
}

static prc_report_input input(void) {
    return (prc_report_input){.trial = result, .command = "paracrine trial", .version = "0"};
}

static prc_status html(prc_error *err) {
    prc_report_input in = input();
    prc_text out = {0};
    prc_status st = prc_report_html(&in, &out, err);
    prc_text_reset(&out);
    return st;
}

static prc_status terminal(prc_error *err) {
    prc_report_input in = input();
    prc_text out = {0};
    prc_status st = prc_report_terminal(&in, "out/report.html", &out, err);
    prc_text_reset(&out);
    return st;
}

static prc_status summary(prc_error *err) {
    prc_report_input in = input();
    char *text = NULL;
    prc_status st = prc_report_summary(&in, &text, err);
    prc_free(text);
    return st;
}

static prc_status range(prc_error *err) {
    prc_range *r = NULL;
    prc_status st = prc_range_run(result, 2, 2, 1, NULL, &r, err);
    prc_range_free(r);
    return st;
}

static prc_status record(prc_error *err) {
    prc_evidence *e = NULL;
    prc_status st = prc_evidence_load(".", &e, err);
    prc_evidence_free(e);
    return st;
}

static prc_status checks(prc_error *err) {
    prc_checks *c = NULL;
    prc_status st = prc_checks_read(knee, evidence, &c, err);
    prc_checks_free(c);
    return st;
}

static prc_status manifest(prc_error *err) {
    prc_report_input in = input();
    char *text = NULL;
    prc_status st = prc_report_manifest(&in, &text, err);
    prc_free(text);
    return st;
}

/* ---- the sweep --------------------------------------------------------------------------------------------------- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Fails allocation k = 1, 2, ..., and where there are many, in steps that fill `seconds`: every part of a long call has
 * its turn. */
static void sweep(const char *what, prc_status (*call)(prc_error *err), double seconds) {
    prc_error err = {0};
    long before = prc_memory_count(), tried = 0, wrong = 0;
    double start = now();
    prc_status st = call(&err);
    long n = prc_memory_count() - before;
    double one = now() - start;
    if (!TAP_THAT(st == PRC_OK, "%s works while memory lasts (%ld allocations)", what, n)) {
        tap_note("message", err.message);
        return;
    }
    long most = (long)(seconds / (one + 1e-6)) + 1, dense = most / 3,
         step = n - dense > 0 ? (n - dense) / (most - dense) + 1 : 1;
    for (long k = 1; k <= n; k += k < dense ? 1 : step) {
        err = (prc_error){0};
        prc_memory_fail_at(k);
        st = call(&err);
        prc_memory_fail_at(0);
        tried++;
        if (st == PRC_E_MEMORY && err.status == PRC_E_MEMORY && err.message[0]) continue;
        if (wrong++ < 5)
            printf("# %s, allocation %ld of %ld: returned %s, error %s: %s\n", what, k, n, prc_status_name(st),
                   prc_status_name(err.status), err.message);
    }
    TAP_THAT(wrong == 0, "%s: %ld of %ld allocations failed one at a time, %ld not reported", what, tried, n, wrong);
}

static void every_failed_allocation_is_reported(void) {
    sweep("load a condition", load, 2);
    sweep("create an engine", engine, 2);
    sweep("draw a world", world, 0.2);
    sweep("read a trial", read_trial, 2);
    sweep("write a template", template, 0.2);
    sweep("estimate a trial", estimate, 1);
    sweep("run a trial", run, 3);
    sweep("write the tables", tables, 0.5);
    sweep("write the report", html, 1.5);
    sweep("write the terminal table", terminal, 0.5);
    sweep("write the summary", summary, 0.5);
    sweep("write the manifest", manifest, 0.5);
    sweep("draw worlds for the range", range, 1);
    sweep("load the record", record, 1);
    sweep("read the checks", checks, 1);
}

static bool set_up(void) {
    prc_error err = {0};
    prc_trial_options o;
    prc_trial_defaults(&o);
    o.n_threads = 1;
    int fd = mkstemp(trial_path);
    if (fd < 0 || write(fd, trial_text, sizeof trial_text - 1) != (ssize_t)sizeof trial_text - 1 || close(fd) != 0)
        return false;
    prc_status st = prc_condition_load(".", "knee-oa", &knee, &err);
    if (st == PRC_OK) st = prc_trial_read(trial_path, ".", NULL, &spec, &err);
    if (st == PRC_OK) st = prc_trial_run(spec, &o, &result, &err);
    if (st == PRC_OK) st = prc_evidence_load(".", &evidence, &err);
    tap_note("set up", st == PRC_OK ? "done" : err.message);
    return st == PRC_OK;
}

int main(void) {
    if (TAP_OK(set_up())) TAP_RUN(every_failed_allocation_is_reported);
    prc_evidence_free(evidence);
    prc_trial_result_free(result);
    prc_trial_spec_free(spec);
    prc_condition_free(knee);
    unlink(trial_path);
    return tap_done();
}
