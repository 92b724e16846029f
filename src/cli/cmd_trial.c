/* paracrine trial: reads the file, runs the trial, the range over what is assumed and the checks, and leaves the folder behind. */
#include "cli_int.h"

#include "paracrine/credibility.h"
#include "paracrine/design.h"
#include "paracrine/evidence.h"
#include "paracrine/export.h"
#include "paracrine/report.h"
#include "paracrine/trial.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Patients simulated per draw of the range: enough that its Monte-Carlo error is far below its width. */
enum { RANGE_PATIENTS = 60 };

/* Shares of the draws and the checks, from what a patient of the trial takes; part of a course is its first days, whatever its length. */
static double course_share(const prc_trial_spec *s, double until) {
    return 0.4 + 0.6 * until / s->horizon;
}

static double draws_seconds(const prc_trial_spec *s, const prc_trial_cost *c, int64_t draws) {
    double n = 0;
    for (size_t i = 0; i < s->n_population; i++) n += fmin(RANGE_PATIENTS, (double)(s->population[i].size_per_arm * s->arms->n));
    return (double)draws * n * c->seconds_per_patient * course_share(s, s->endpoint[0].at);
}

/* Time of the checks from a run of all of them with few patients each. */
static prc_status checks_seconds(const prc_trial_spec *s, const prc_trial_options *to, const prc_checks *checks, double *seconds, prc_error *err) {
    enum { SHARE = 16, LEAST = 24 };
    prc_engine *e = NULL;
    double all = 0, few = 0;
    struct timespec from, to_time;
    prc_status st;
    *seconds = 0;
    if (!checks || checks->n == 0) return PRC_OK;
    prc_checks probe = *checks;
    probe.check = prc_calloc(checks->n, sizeof *probe.check);
    if (!probe.check) return prc_fail(err, PRC_E_MEMORY, "out of memory for the estimate");
    for (size_t i = 0; i < checks->n; i++) {
        probe.check[i] = checks->check[i];
        size_t n = checks->check[i].n / SHARE;
        if (probe.check[i].n > LEAST) probe.check[i].n = n > LEAST ? n : LEAST;
        all += (double)checks->check[i].n;
        few += (double)probe.check[i].n;
    }
    PRC_GO(st, prc_engine_create(s->condition, &e, err));
    clock_gettime(CLOCK_MONOTONIC, &from);
    PRC_GO(st, prc_checks_run(e, &probe, 1, to->n_threads, NULL, err));
    clock_gettime(CLOCK_MONOTONIC, &to_time);
    *seconds = ((double)(to_time.tv_sec - from.tv_sec) + 1e-9 * (double)(to_time.tv_nsec - from.tv_nsec)) * all / few;
out:
    prc_free(probe.check);
    prc_engine_free(e);
    return st;
}

static void describe(const prc_trial_spec *s, const prc_trial_cost *c, int64_t draws, double checks, prc_text *t) {
    prc_text_printf(t, "%s\ncondition   %s (%s)\nseed        %llu\n", s->title, s->condition->title, s->condition->name, (unsigned long long)s->seed);
    size_t total = 0;
    for (size_t i = 0; i < s->n_population; i++) {
        total += s->population[i].size_per_arm * s->arms->n;
        prc_text_printf(t, "population  %s: %zu patients in each of %zu arms\n", s->population[i].name, s->population[i].size_per_arm, s->arms->n);
    }
    for (size_t i = 0; i < s->arms->n; i++) prc_text_printf(t, "arm         %-12s %s\n", s->arms->arm[i].name, s->arms->arm[i].label);
    prc_text_add(t, "visits      ");
    for (size_t i = 0; i < s->n_visit; i++) prc_text_printf(t, "%s%s", i ? ", " : "", s->visit_label[i]);
    prc_text_printf(t, "\nsimulations %zu (every patient under every arm)\n", total * s->arms->n);
    prc_text_printf(t, "estimate    %.1f s and %.0f MB", c->seconds, c->bytes / 1e6);
    if (draws > 0) prc_text_printf(t, "; %lld draws %.1f s", (long long)draws, draws_seconds(s, c, draws));
    if (checks > 0) prc_text_printf(t, "; checks %.1f s", checks);
    prc_text_add(t, "\n");
}

static prc_status check_only(const cli_options *o, const prc_trial_spec *s, const prc_trial_options *to, const prc_checks *checks, prc_error *err) {
    prc_trial_cost c = {0};
    double of_checks = 0;
    PRC_TRY(prc_trial_estimate(s, to, &c, err));
    PRC_TRY(checks_seconds(s, to, checks, &of_checks, err));
    if (o->json) {
        prc_json *j = prc_json_object();
        char *text = NULL;
        prc_json_set_text(j, "schema", "paracrine/trial-check/1");
        prc_json_set_text(j, "title", s->title);
        prc_json_set_text(j, "condition", s->condition->name);
        prc_json_set_int(j, "seed", (int64_t)s->seed);
        prc_json_set_number(j, "seconds", c.seconds);
        prc_json_set_number(j, "seconds_draws", draws_seconds(s, &c, o->draws));
        prc_json_set_number(j, "seconds_checks", of_checks);
        prc_json_set_number(j, "bytes", c.bytes);
        prc_status st = prc_json_text(j, &text, err);
        prc_json_free(j);
        return st ? st : cli_print_json(text, err);
    }
    prc_text t = {0};
    describe(s, &c, o->draws, of_checks, &t);
    return cli_print(&t, err);
}

static prc_status write_text(prc_outdir *dir, const char *name, const char *s, size_t n, prc_error *err) {
    FILE *f = prc_outdir_open(dir, name, err);
    if (!f) return err ? err->status : PRC_E_IO;
    if (fwrite(s, 1, n, f) != n) return prc_fail(err, PRC_E_IO, "cannot write %s", name);
    return PRC_OK;
}

static prc_status write_run(const prc_report_input *in, prc_outdir *dir, char **summary, prc_error *err) {
    prc_text html = {0};
    char *manifest = NULL;
    prc_status st;
    PRC_GO(st, prc_trial_tables(in->trial, dir, err));
    PRC_GO(st, prc_report_html(in, &html, err));
    PRC_GO(st, write_text(dir, "report.html", html.s, html.n, err));
    PRC_GO(st, prc_report_summary(in, summary, err));
    PRC_GO(st, write_text(dir, "summary.json", *summary, strlen(*summary), err));
    PRC_GO(st, prc_report_manifest(in, &manifest, err));
    PRC_GO(st, write_text(dir, "manifest.json", manifest, strlen(manifest), err));
out:
    prc_text_reset(&html);
    prc_free(manifest);
    return st;
}

/* Operating characteristics, where the trial file asks for replicates. */
static prc_status write_operating(const prc_trial_spec *s, const prc_trial_options *to, prc_outdir *dir, prc_error *err) {
    prc_design_options o;
    prc_design_result *r = NULL;
    prc_design_defaults(&o);
    o.replicates = s->replicates;
    o.n_threads = to->n_threads;
    o.progress = to->progress;
    PRC_TRY(prc_design_run(s, &o, &r, err));
    FILE *f = prc_outdir_open(dir, "operating.csv", err);
    if (f) prc_design_csv(r, f);
    prc_design_free(r);
    return f ? PRC_OK : err ? err->status : PRC_E_IO;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The command that makes the same files, without the path of a machine. */
static void reproduce(const cli_options *o, const prc_trial_spec *s, prc_text *t) {
    prc_text_printf(t, "paracrine trial %s -o DIR --seed %llu --draws %lld", base_name(s->path), (unsigned long long)s->seed, (long long)o->draws);
    if (o->no_checks) prc_text_add(t, " --no-checks");
}

prc_status cmd_trial(const cli_options *o, prc_error *err) {
    char *data = NULL, *summary = NULL;
    prc_trial_spec *spec = NULL;
    prc_trial_result *result = NULL;
    prc_evidence *evidence = NULL;
    prc_checks *checks = NULL;
    prc_range *range = NULL;
    prc_outdir *dir = NULL;
    prc_text command = {0}, table = {0};
    cli_progress progress;
    cli_progress_start(&progress, o->quiet);
    prc_trial_options to;
    prc_trial_defaults(&to);
    to.n_threads = (int)(o->threads > 1024 ? 1024 : o->threads);
    to.max_fail = o->max_fail;
    to.width = (int)(o->width > 64 ? 64 : o->width);
    to.progress = &progress.progress;
    uint64_t seed = (uint64_t)o->seed;
    prc_status st, failed = PRC_OK;
    prc_error failed_err = {0};

    if (!o->check && !o->output) {
        st = prc_fail(err, PRC_E_USAGE, "`paracrine trial` wants a folder: -o DIR");
        goto out;
    }
    PRC_GO(st, prc_data_dir(o->data, &data, err));
    PRC_GO(st, prc_trial_read(o->arg[0], data, o->has_seed ? &seed : NULL, &spec, err));
    PRC_GO(st, prc_evidence_load(data, &evidence, err));
    if (!o->no_checks) PRC_GO(st, prc_checks_read(spec->condition, evidence, &checks, err));
    if (o->check) {
        st = check_only(o, spec, &to, checks, err);
        goto out;
    }
    PRC_GO(st, prc_outdir_create(o->output, o->force, &dir, err));
    to.dir = dir;
    failed = prc_trial_run(spec, &to, &result, &failed_err);
    if (failed && !(failed == PRC_E_FAILED_PATIENTS && result)) {
        st = failed;
        if (err) *err = failed_err;
        goto out;
    }
    if (o->draws > 0) PRC_GO(st, prc_range_run(result, (size_t)o->draws, RANGE_PATIENTS, to.n_threads, to.progress, &range, err));
    if (checks) PRC_GO(st, prc_checks_run(result->engine, checks, 1, to.n_threads, to.progress, err));
    reproduce(o, spec, &command);
    prc_report_input in = {result, checks, range, evidence, command.s, PRC_VERSION_TEXT};
    PRC_GO(st, write_run(&in, dir, &summary, err));
    PRC_GO(st, prc_export_consort(result, dir, err));
    if (o->xpt) PRC_GO(st, prc_export_data(spec, true, dir, err));
    if (spec->replicates) PRC_GO(st, write_operating(spec, &to, dir, err));
    char where[1024];
    snprintf(where, sizeof where, "%s/report.html", o->output);
    PRC_GO(st, prc_report_terminal(&in, where, &table, err));
    st = prc_outdir_commit(dir, err);
    dir = NULL;
    if (st) goto out;
    cli_progress_end(&progress);
    if (o->json) {
        st = cli_print_json(summary, err);
        summary = NULL;
    } else {
        st = cli_print(&table, err);
    }
    if (!st && failed) {
        st = failed;
        if (err) *err = failed_err;
    }
out:
    cli_progress_end(&progress);
    prc_outdir_abandon(dir);
    prc_text_reset(&command);
    prc_text_reset(&table);
    prc_free(summary);
    prc_range_free(range);
    prc_checks_free(checks);
    prc_evidence_free(evidence);
    prc_trial_result_free(result);
    prc_trial_spec_free(spec);
    prc_free(data);
    return st;
}
