/* paracrine population: a model file and a data set in the NONMEM convention. */
#include "cli_int.h"

#include "paracrine/dataset.h"
#include "paracrine/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* A file that appears whole or not at all; path NULL is stdout. */
typedef struct out_file {
    const char *path;
    char *temp;
    FILE *file;
} out_file;

static prc_status out_open(out_file *f, const char *path, prc_error *err) {
    prc_text t = {0};
    *f = (out_file){.path = path, .file = stdout};
    if (!path) return PRC_OK;
    prc_text_printf(&t, "%s.tmp%ld", path, (long)getpid());
    if (t.failed) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    f->temp = t.s;
    f->file = fopen(f->temp, "wb");
    return f->file ? PRC_OK : prc_fail(err, PRC_E_IO, "%s: cannot write: %s", path, strerror(errno));
}

static prc_status out_commit(out_file *f, prc_error *err) {
    bool bad = fflush(f->file) != 0 || ferror(f->file);
    if (f->path) {
        bad = bad || fsync(fileno(f->file)) != 0;
        bad = fclose(f->file) != 0 || bad;
        f->file = NULL;
        bad = bad || rename(f->temp, f->path) != 0;
    }
    if (bad) return prc_fail(err, PRC_E_IO, "%s: cannot write: %s", f->path ? f->path : "stdout", strerror(errno));
    prc_free(f->temp);
    f->temp = NULL;
    return PRC_OK;
}

static void out_abandon(out_file *f) {
    if (f->path && f->file) fclose(f->file);
    if (f->temp) unlink(f->temp);
    prc_free(f->temp);
    *f = (out_file){0};
}

typedef struct population {
    prc_model *m;
    const cli_options *o;
    cli_selection select;
    out_file out, failures;
    char *failures_path;
    prc_json *json_failures;
    size_t n_failed, n_shown;
} population;

static void write_number(FILE *f, double x) {
    if (isnan(x))
        fputs("NaN", f);
    else if (isinf(x))
        fputs(x > 0 ? "INF" : "-INF", f);
    else
        fprintf(f, "%.17g", x);
}

static prc_status write_row(void *ctx, const char *id, double time, const double *value, prc_error *err) {
    population *p = ctx;
    FILE *f = p->out.file;
    prc_csv_cell(f, id);
    putc(',', f);
    write_number(f, time);
    for (size_t j = 0; j < p->select.n; j++) {
        putc(',', f);
        write_number(f, p->select.is_time[j] ? time : value[j]);
    }
    putc('\n', f);
    return ferror(f)
               ? prc_fail(err, PRC_E_IO, "%s: cannot write: %s", p->out.path ? p->out.path : "stdout", strerror(errno))
               : PRC_OK;
}

static prc_status write_failure(void *ctx, const prc_dataset_failure *x, prc_error *err) {
    enum { SHOWN_MAX = 20 };
    population *p = ctx;
    const char *state = x->state >= 0 ? p->m->var[p->m->state[x->state]].name : "";
    p->n_failed++;
    if (p->n_shown < SHOWN_MAX) {
        p->n_shown++;
        fprintf(stderr, "%s:%ld: patient %s failed at time %g: %s%s%s\n", p->o->data, x->line, x->id, x->time,
                prc_outcome_why(x->outcome), *state ? ", state " : "", state);
    }
    if (p->failures.file && p->failures.path) {
        FILE *f = p->failures.file;
        prc_csv_cell(f, x->id);
        fprintf(f, ",%ld,%.17g,%s,%s,", x->line, x->time, prc_outcome_name(x->outcome), prc_outcome_why(x->outcome));
        prc_csv_cell(f, state);
        putc('\n', f);
        if (ferror(f)) return prc_fail(err, PRC_E_IO, "%s: cannot write: %s", p->failures.path, strerror(errno));
    }
    if (p->json_failures) {
        prc_json *j = prc_json_set(p->json_failures, NULL, prc_json_object());
        prc_json_set_text(j, "id", x->id);
        prc_json_set_int(j, "line", x->line);
        prc_json_set_number(j, "time", x->time);
        prc_json_set_text(j, "reason", prc_outcome_name(x->outcome));
        prc_json_set_text(j, "state", *state ? state : NULL);
    }
    return PRC_OK;
}

/* out.csv -> out.failures.csv */
static prc_status open_outputs(population *p, prc_error *err) {
    prc_text t = {0};
    const char *out = p->o->output;
    PRC_TRY(out_open(&p->out, out, err));
    fputs("ID,TIME", p->out.file);
    for (size_t j = 0; j < p->select.n; j++) {
        putc(',', p->out.file);
        prc_csv_cell(p->out.file, p->select.heading[j]);
    }
    putc('\n', p->out.file);
    if (!out) return PRC_OK;
    size_t n = strlen(out);
    prc_text_addn(&t, out, n > 4 && !strcmp(out + n - 4, ".csv") ? n - 4 : n);
    prc_text_add(&t, ".failures.csv");
    if (t.failed) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    p->failures_path = t.s;
    PRC_TRY(out_open(&p->failures, p->failures_path, err));
    fputs("ID,line,time,reason,why,state\n", p->failures.file);
    return PRC_OK;
}

static prc_status print_json(const population *p, const prc_dataset_counts *n, prc_json *failures, prc_error *err) {
    char *text = NULL;
    prc_json *j = prc_json_object();
    prc_json_set_text(j, "schema", "paracrine/population/1");
    prc_json_set_text(j, "model", p->m->name);
    prc_json_set_text(j, "data", p->o->data);
    prc_json_set_text(j, "output", p->o->output);
    prc_json_set_int(j, "rows", (int64_t)n->n_row);
    prc_json_set_int(j, "patients", (int64_t)n->n_patient);
    prc_json_set_int(j, "observations", (int64_t)n->n_observation);
    prc_json_set_int(j, "doses", (int64_t)n->n_dose);
    prc_json_set_int(j, "failed", (int64_t)p->n_failed);
    prc_json *ignored = prc_json_set(j, "ignored_columns", prc_json_array());
    for (size_t i = 0; i < n->n_ignored; i++) prc_json_set_text(ignored, NULL, n->ignored[i]);
    prc_json_set(j, "failures", failures);
    prc_status st = prc_json_text(j, &text, err);
    prc_json_free(j);
    return st ? st : cli_print_json(text, err);
}

/* Lag and bioavailability stand in no equation, and rightly so. */
static void warnings(const prc_model *m) {
    for (size_t i = 0; i < m->n_warning; i++)
        if (!strstr(m->warning[i], "'ALAG_") && !strstr(m->warning[i], "'F_")) fprintf(stderr, "%s\n", m->warning[i]);
}

static prc_status check_options(const cli_options *o, prc_covariates *how, prc_error *err) {
    if (!o->data) return prc_fail(err, PRC_E_USAGE, "`paracrine population` wants --data FILE");
    if (o->json && !o->output)
        return prc_fail(err, PRC_E_USAGE, "--json prints a summary on stdout; give the rows a file with --output");
    if (!(o->rtol > 0) || !(o->atol > 0)) return prc_fail(err, PRC_E_USAGE, "--rtol and --atol must be above 0");
    if (!o->covariates || !strcmp(o->covariates, "locf"))
        *how = PRC_LOCF;
    else if (!strcmp(o->covariates, "linear"))
        *how = PRC_LINEAR;
    else
        return prc_fail(err, PRC_E_USAGE, "--covariates wants locf or linear, not `%s`", o->covariates);
    return PRC_OK;
}

/* Values for the model's parameters; room for those that linear columns add. */
static prc_status base_values(const cli_options *o, const prc_dataset *d, const prc_model *m, double **param,
                              prc_error *err) {
    bool *given = prc_calloc(m->n_param + 1, sizeof *given);
    *param = prc_calloc(3 * m->n_param + 1, sizeof **param);
    prc_status st = PRC_E_MEMORY;
    if (!given || !*param)
        (void)prc_fail(err, st, "out of memory");
    else {
        prc_dataset_given(d, given);
        st = cli_parameter_values(o->arg[0], m, 0, given, *param, err);
    }
    prc_free(given);
    return st;
}

prc_status cmd_population(const cli_options *o, prc_error *err) {
    population p = {.o = o};
    prc_dataset *d = NULL;
    prc_program *prog = NULL;
    double *param = NULL;
    prc_dataset_counts n = {0};
    prc_json *failures = NULL;
    prc_covariates how = PRC_LOCF;
    prc_status st;
    cli_progress progress;
    PRC_TRY(check_options(o, &how, err));
    cli_progress_start(&progress, o->quiet);
    PRC_GO(st, prc_model_load(o->arg[0], 0, &p.m, err));
    warnings(p.m);
    PRC_GO(st, prc_dataset_open(o->data, p.m, &d, err));
    PRC_GO(st, base_values(o, d, p.m, &param, err));
    PRC_GO(st, cli_select(p.m, o->select, false, &p.select, err));
    PRC_GO(st, prc_dataset_check(d, how, param, &n, err));
    prc_program_spec spec = {.n_output = p.select.n, .output = p.select.expr};
    PRC_GO(st, prc_program_compile(p.m, &spec, &prog, err));
    for (size_t i = 0; i < n.n_ignored && !o->quiet; i++)
        fprintf(stderr, "%s: note: column `%s` is no parameter of the model and is not used\n", o->data, n.ignored[i]);
    PRC_GO(st, open_outputs(&p, err));
    if (o->json) failures = p.json_failures = prc_json_array();
    prc_solve_options so;
    prc_solve_defaults(&so);
    so.rtol = o->rtol;
    so.atol = o->atol;
    so.width = (int)o->width;
    prc_dataset_sink sink = {write_row, write_failure, &p};
    PRC_GO(st, prc_dataset_run(d, prog, param, &so, (int)o->threads, &sink, &progress.progress, err));
    cli_progress_end(&progress);
    PRC_GO(st, out_commit(&p.out, err));
    if (p.failures.path) PRC_GO(st, out_commit(&p.failures, err));
    if (o->json) {
        st = print_json(&p, &n, failures, err);
        failures = NULL;
        if (st) goto out;
    }
    if (p.n_failed > p.n_shown) fprintf(stderr, "... and %zu more patients\n", p.n_failed - p.n_shown);
    if ((double)p.n_failed > o->max_fail * (double)n.n_patient)
        st = prc_fail(err, PRC_E_FAILED_PATIENTS, "%zu of %zu patients failed, more than --max-fail allows (%g %%)",
                      p.n_failed, n.n_patient, 100 * o->max_fail);
out:
    cli_progress_end(&progress);
    out_abandon(&p.out);
    out_abandon(&p.failures);
    prc_free(p.failures_path);
    prc_json_free(failures);
    prc_arena_free(p.select.arena);
    prc_free(param);
    prc_program_free(prog);
    prc_dataset_free(d);
    prc_model_free(p.m);
    return st;
}
