/* paracrine conditions: what can be simulated, and every check of it. */
#include "cli_int.h"

#include "paracrine/credibility.h"
#include "paracrine/evidence.h"

#include <math.h>
#include <string.h>

typedef struct run_state {
    const cli_options *o;
    prc_evidence *evidence;
    cli_progress *progress;
    prc_text text;
    prc_json *json; /* array */
    size_t no_check, wrong_sign;
} run_state;

static void number(char *buf, size_t n, double x) {
    if (isnan(x)) snprintf(buf, n, "-");
    else if (fabs(x) >= 1000) snprintf(buf, n, "%.0f", x);
    else if (fabs(x) >= 100) snprintf(buf, n, "%.1f", x);
    else snprintf(buf, n, "%.2f", x);
}

static void check_line(const prc_check *c, prc_text *t) {
    char pub[48], pred[96], without[32], lo[32], hi[32], interval[72];
    number(lo, sizeof lo, c->lower);
    number(hi, sizeof hi, c->upper);
    if (isnan(c->published)) snprintf(pub, sizeof pub, "%.47s", c->published_text);
    else number(pub, sizeof pub, c->published);
    if (c->predicted_text[0]) snprintf(pred, sizeof pred, "%s", c->predicted_text);
    else number(pred, sizeof pred, c->predicted);
    number(without, sizeof without, c->without_cells);
    if (isnan(c->lower) && isnan(c->upper)) snprintf(interval, sizeof interval, "-");
    else snprintf(interval, sizeof interval, "%s .. %s", lo, hi);
    prc_text_printf(t, "  %-20.20s %-46.46s %10s %18s %10s %10s  %-11s %s\n", c->id, c->title, pub, interval, pred, without, prc_role_name(c->role), prc_verdict_name(c->verdict));
}

static void checks_text(const prc_checks *ck, prc_text *t) {
    prc_text_printf(t, "  %-20s %-46s %10s %18s %10s %10s  %-11s %s\n", "check", "", "published", "interval", "predicted", "no cells", "role", "verdict");
    for (size_t i = 0; i < ck->n; i++) check_line(&ck->check[i], t);
    for (int r = 0; r < PRC_ROLE_COUNT; r++)
        prc_text_printf(t, "  %-11s %zu inside, %zu outside, %zu without a published interval\n", prc_role_name((prc_role)r), ck->inside[r], ck->outside[r], ck->no_interval[r]);
    if (ck->n_shown) prc_text_printf(t, "  %zu rows pass without cells too, and say so: shown, counted as neither\n", ck->n_shown);
    if (ck->n_no_check) prc_text_printf(t, "  %zu rows pass without cells too: they are no checks\n", ck->n_no_check);
    if (ck->n_wrong_sign) prc_text_printf(t, "  %zu differences have the wrong sign\n", ck->n_wrong_sign);
}

static void checks_json(const prc_checks *ck, prc_json *j) {
    prc_json *rows = prc_json_set(j, "checks", prc_json_array());
    for (size_t i = 0; i < ck->n; i++) {
        const prc_check *c = &ck->check[i];
        prc_json *r = prc_json_set(rows, NULL, prc_json_object());
        prc_json_set_text(r, "id", c->id);
        prc_json_set_text(r, "title", c->title);
        prc_json_set_text(r, "evidence", c->evidence);
        prc_json_set_text(r, "role", prc_role_name(c->role));
        prc_json_set_text(r, "measure", c->measure);
        prc_json_set_text(r, "unit", c->unit);
        prc_json_set_number(r, "published", c->published);
        prc_json_set_text(r, "published_text", c->published_text);
        prc_json_set_number(r, "lower", c->lower);
        prc_json_set_number(r, "upper", c->upper);
        prc_json_set_number(r, "predicted", c->predicted);
        prc_json_set_number(r, "mc_se", c->mc_se);
        prc_json_set_number(r, "without_cells", c->without_cells);
        prc_json_set_text(r, "predicted_text", c->predicted_text[0] ? c->predicted_text : NULL);
        prc_json_set_text(r, "verdict", prc_verdict_name(c->verdict));
        prc_json_set_bool(r, "wrong_sign", c->wrong_sign);
    }
}

static prc_status one(run_state *s, const char *data, const char *name, prc_error *err) {
    prc_condition *c = NULL;
    prc_checks *checks = NULL;
    prc_engine *engine = NULL;
    prc_status st;
    PRC_GO(st, prc_condition_load(data, name, &c, err));
    PRC_GO(st, prc_checks_read(c, s->evidence, &checks, err));
    size_t grade[PRC_GRADE_COUNT] = {0};
    for (size_t i = 0; i < c->n_row; i++) grade[c->row[i].grade]++;
    if (s->o->check) {
        PRC_GO(st, prc_engine_create(c, &engine, err));
        PRC_GO(st, prc_checks_run(engine, checks, (uint64_t)s->o->seed, (int)s->o->threads, &s->progress->progress, err));
        cli_progress_end(s->progress);
        s->no_check += checks->n_no_check;
        s->wrong_sign += checks->n_wrong_sign;
    }
    prc_text_printf(&s->text, "%s: %s\n  evidence %s; %zu states, %zu ledger rows (%zu measured, %zu derived, %zu calibrated, %zu assumed), %zu core overrides, %zu checks\n  scores:", c->name, c->title,
                    c->evidence_level, c->model->n_state, c->n_row, grade[PRC_MEASURED], grade[PRC_DERIVED], grade[PRC_CALIBRATED], grade[PRC_ASSUMED], c->n_override, checks->n);
    prc_json *j = prc_json_set(s->json, NULL, prc_json_object());
    prc_json_set_text(j, "name", c->name);
    prc_json_set_text(j, "title", c->title);
    prc_json_set_text(j, "evidence_level", c->evidence_level);
    prc_json_set_int(j, "states", (int64_t)c->model->n_state);
    prc_json_set_int(j, "core_overrides", (int64_t)c->n_override);
    prc_json *g = prc_json_set(j, "ledger", prc_json_object());
    for (int k = 0; k < PRC_GRADE_COUNT; k++) prc_json_set_int(g, prc_grade_name((prc_grade)k), (int64_t)grade[k]);
    prc_json *scores = prc_json_set(j, "scores", prc_json_array());
    for (size_t i = 0; i < c->n_observable; i++) {
        if (c->observable[i].kind == PRC_OB_READOUT) continue;
        prc_text_printf(&s->text, " %s", c->observable[i].name);
        prc_json_set_text(scores, NULL, c->observable[i].name);
    }
    prc_text_add(&s->text, "\n");
    if (s->o->check) {
        checks_text(checks, &s->text);
        checks_json(checks, j);
    }
out:
    prc_engine_free(engine);
    prc_checks_free(checks);
    prc_condition_free(c);
    return st;
}

prc_status cmd_conditions(const cli_options *o, prc_error *err) {
    char *data = NULL, **names = NULL, *json = NULL;
    size_t n = 0;
    cli_progress progress;
    cli_progress_start(&progress, o->quiet);
    run_state s = {.o = o, .progress = &progress};
    prc_json *root = prc_json_object();
    prc_status st;
    prc_json_set_text(root, "schema", "paracrine/conditions/1");
    prc_json_set_text(root, "research_use", "Research use only. A simulation, not evidence of benefit; not for treatment decisions.");
    s.json = prc_json_set(root, "conditions", prc_json_array());
    PRC_GO(st, prc_data_dir(o->data, &data, err));
    PRC_GO(st, prc_evidence_load(data, &s.evidence, err));
    PRC_GO(st, prc_condition_names(data, &names, &n, err));
    if (o->n_arg) {
        PRC_GO(st, one(&s, data, o->arg[0], err));
    } else {
        for (size_t i = 0; i < n; i++) PRC_GO(st, one(&s, data, names[i], err));
    }
    prc_text_add(&s.text, "Research use only. A simulation, not evidence of benefit; not for treatment decisions.\n");
    if (o->json) {
        PRC_GO(st, prc_json_text(root, &json, err));
        PRC_GO(st, cli_print_json(json, err));
    } else {
        PRC_GO(st, cli_print(&s.text, err));
    }
    if (s.no_check) st = prc_fail(err, PRC_E_NEGATIVE, "%zu checks pass without cells too", s.no_check);
    else if (s.wrong_sign) st = prc_fail(err, PRC_E_NEGATIVE, "%zu checks have the wrong sign", s.wrong_sign);
out:
    cli_progress_end(&progress);
    prc_text_reset(&s.text);
    prc_json_free(root);
    prc_evidence_free(s.evidence);
    prc_condition_names_free(names, n);
    prc_free(data);
    return st;
}
