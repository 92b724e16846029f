/* paracrine evidence: the published record, conflicts first; filters, full text, JSON, CSV. */
#include "cli_int.h"

#include "paracrine/evidence.h"
#include "paracrine/condition.h"

#include <math.h>
#include <string.h>

#define LABEL "Research use only. A simulation, not evidence of benefit; not for treatment decisions.\n"

/* What one call shows. */
typedef struct view {
    prc_evidence *ev;
    const char *condition;
    bool filtered;
    const prc_outcome_row *row;
    const prc_conflict *conflict;
    const prc_pool *pool; /* NULL: not asked for (no condition, or filters other than the endpoint) */
    size_t n_row, n_all, n_conflict;
} view;

static bool is_given(const char *s) {
    return s && *s && strcmp(s, "-");
}

/* A conflict stands with the rows it names; without filters every one of the condition does. */
static bool conflict_shown(const view *v, const prc_conflict *c) {
    if (!v->filtered) return true;
    for (size_t i = 0; i < v->n_row; i++)
        if (prc_evidence_touches(c, v->row[i].id)) return true;
    return false;
}

static void conflicts_of(const view *v, const char *outcome, prc_text *t) {
    const char *before = "";
    for (size_t i = 0; i < v->n_conflict; i++)
        if (prc_evidence_touches(&v->conflict[i], outcome)) {
            prc_text_printf(t, "%s%s", before, v->conflict[i].id);
            before = ";";
        }
}

/* ---- text ---------------------------------------------------------------------------------------------------- */

static void conflicts_text(const view *v, prc_text *t) {
    size_t shown = 0;
    for (size_t i = 0; i < v->n_conflict; i++) shown += conflict_shown(v, &v->conflict[i]);
    if (v->n_conflict) prc_text_printf(t, "%zu conflicts in the record", v->n_conflict);
    if (v->n_conflict) prc_text_printf(t, shown < v->n_conflict ? "; %zu touch the rows below\n" : "\n", shown);
    for (size_t i = 0; i < v->n_conflict; i++) {
        const prc_conflict *c = &v->conflict[i];
        if (conflict_shown(v, c))
            prc_text_printf(t, "  %s  %s\n    one side:   %s [%s]\n    the other:  %s [%s]\n    followed:   %s (%s)\n", c->id, c->question, c->side_a, c->outcome_a, c->side_b, c->outcome_b, c->followed, c->reason);
    }
}

static void fit_text(const char *label, const prc_pool_group *g, const prc_pool_fit *f, prc_text *t) {
    prc_text_printf(t, "    %-12s k = %zu: %.4g (95 %% %.4g to %.4g)%s%s", label, f->k, f->estimate, f->lower, f->upper, strcmp(g->unit, "1") && *g->unit ? " " : "", strcmp(g->unit, "1") ? g->unit : "");
    if (f->k > 1) prc_text_printf(t, "; prediction %.4g to %.4g; tau2 %.3g%s, I2 %.0f %%", f->pi_lower, f->pi_upper, f->tau2, g->ratio ? " (log)" : "", f->I2);
    prc_text_add(t, "\n");
}

static void pool_text(const view *v, prc_text *t) {
    const prc_pool *p = v->pool;
    if (!p) return;
    prc_text_add(t, p->n_group ? "Pooled record (REML, Hartung-Knapp never narrower than Wald; windows nearest of 1, 3, 6, 12, 24 months)\n" : "Pooled record\n");
    for (size_t i = 0; i < p->n_group; i++) {
        const prc_pool_group *g = &p->group[i];
        prc_text_printf(t, "  %s, %d mo, %s\n", g->endpoint, g->month, g->controlled ? "difference to the comparator" : "change from baseline, no comparator");
        fit_text("all", g, &g->all, t);
        if (g->blinded.k) {
            fit_text("blinded", g, &g->blinded, t);
            fit_text("open label", g, &g->open, t);
            prc_text_printf(t, "    blinded against open label: p = %.3g\n", g->q_p);
        }
        prc_text_printf(t, "    %g patients; studies %s; rows %s\n", g->n, g->studies, g->rows);
        if (g->r_zero) prc_text_add(t, "    SD of a change from the SDs of both times with correlation 0: too wide rather than too narrow\n");
    }
    prc_text_printf(t, "  %s\n", p->sentence);
    for (size_t i = 0; i < p->n_row; i++)
        if (p->row[i].drop == PRC_POOL_OVERLAP) prc_text_printf(t, "  shared patients, left out: %s (%s)\n", p->row[i].row->id, p->row[i].why);
    if (!p->count[PRC_POOL_META]) return;
    prc_text_add(t, "  beside it, meta-analyses as printed (they may hold the same trials):");
    for (size_t i = 0, k = 0; i < p->n_row; i++)
        if (p->row[i].drop == PRC_POOL_META) prc_text_printf(t, "%s %s", k++ ? "," : "", p->row[i].row->id);
    prc_text_add(t, "\n");
}

static void outcome_text(const view *v, const prc_outcome_row *r, prc_text *t) {
    char interval[64] = "", day[24] = "";
    const prc_study *s = prc_evidence_study(v->ev, r->study);
    const prc_evidence_arm *a = prc_evidence_arm_by_id(v->ev, r->arm);
    if (!isnan(r->lower) || !isnan(r->upper)) snprintf(interval, sizeof interval, " (%g to %g)", r->lower, r->upper);
    if (!isnan(r->time_days)) snprintf(day, sizeof day, "d %g", r->time_days);
    prc_text_printf(t, "  %-24s %-34.34s %8s  %s%s%s%s", r->id, r->endpoint, day, r->value_text, *r->unit ? " " : "", r->unit, interval);
    if (is_given(r->comparator_value)) prc_text_printf(t, " against %s", r->comparator_value);
    prc_text_printf(t, "  [%s, %s]  %s", r->kind, r->role, s ? s->title : r->study);
    if (s && strncmp(s->source_kind, "vendor", 6) == 0) prc_text_printf(t, " {%s}", s->source_kind);
    if (a) prc_text_printf(t, "; %s", a->label);
    prc_text_add(t, "\n");
}

static bool study_used(const view *v, const char *study) {
    if (!v->filtered) return true;
    for (size_t i = 0; i < v->n_row; i++)
        if (!strcmp(v->row[i].study, study)) return true;
    return false;
}

static bool has_cells(const view *v, const prc_evidence_arm *a) {
    return (!strcmp(a->product, "msc") || !strcmp(a->product, "exosomes")) && study_used(v, a->study);
}

/* How many arms of the studies shown report each DOSES and reporting field; those that none reports are named last. */
static void reporting_text(const view *v, const prc_evidence_arm *arm, size_t n, prc_text *t) {
    static const char *const doses[] = {"donor", "origin", "separation", "characteristics", "site", "dose", "route"};
    enum { N_DOSES = sizeof doses / sizeof *doses };
    size_t cells = 0;
    prc_text some = {0}, none = {0};
    for (size_t i = 0; i < n; i++) cells += has_cells(v, &arm[i]);
    if (!cells) return;
    for (size_t f = 0; f < N_DOSES + prc_evidence_n_field(); f++) {
        const char *name = f < N_DOSES ? doses[f] : prc_evidence_field(f - N_DOSES);
        size_t k = 0;
        for (size_t i = 0; i < n; i++) {
            const prc_evidence_arm *a = &arm[i];
            const char *cell[] = {a->donor, a->origin, a->separation, a->characteristics, a->site, a->dose_cells, a->route};
            const char *value = f < N_DOSES ? cell[f] : prc_evidence_reported(v->ev, a->id, name);
            k += has_cells(v, a) && is_given(value) && strcmp(value, "not reported");
        }
        if (k) prc_text_printf(&some, "%s %s %zu", some.n ? "," : "", name, k);
        else prc_text_printf(&none, "%s %s", none.n ? "," : "", name);
    }
    prc_text_printf(t, "Arms with cells or exosomes: %zu. How many report (in what was read):%s\n  no arm reports:%s\n", cells, some.n ? some.s : " nothing", none.n ? none.s : " -");
    prc_text_reset(&some);
    prc_text_reset(&none);
}

/* ---- JSON ---------------------------------------------------------------------------------------------------- */

static void outcome_json(const view *v, const prc_outcome_row *r, prc_json *rows) {
    prc_json *j = prc_json_set(rows, NULL, prc_json_object());
    const struct { const char *key, *text; } text[] = {{"id", r->id}, {"study", r->study}, {"arm", is_given(r->arm) ? r->arm : NULL}, {"condition", r->condition}, {"endpoint", r->endpoint}, {"unit", r->unit},
        {"kind", r->kind}, {"role", r->role}, {"value_text", r->value_text}, {"comparator_value", r->comparator_value}, {"spread_kind", r->spread_kind}, {"comparable", r->comparable}, {"note", r->note}};
    const struct { const char *key; double x; } number[] = {{"scale_min", r->scale_min}, {"scale_max", r->scale_max}, {"time_days", r->time_days}, {"value", r->value}, {"baseline", r->baseline},
        {"lower", r->lower}, {"upper", r->upper}, {"spread", r->spread}, {"n", r->n}};
    prc_text list = {0};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) prc_json_set_text(j, text[i].key, text[i].text);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) prc_json_set_number(j, number[i].key, number[i].x);
    prc_json_set_int(j, "direction", r->direction);
    conflicts_of(v, r->id, &list);
    prc_json_set_text(j, "conflicts", list.s ? list.s : "");
    prc_text_reset(&list);
}

static void conflict_json(const prc_conflict *c, prc_json *rows) {
    prc_json *j = prc_json_set(rows, NULL, prc_json_object());
    const struct { const char *key, *text; } text[] = {{"id", c->id}, {"condition", c->condition}, {"question", c->question}, {"side_a", c->side_a}, {"side_b", c->side_b}, {"outcome_a", c->outcome_a},
        {"outcome_b", c->outcome_b}, {"followed", c->followed}, {"reason", c->reason}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) prc_json_set_text(j, text[i].key, text[i].text);
}

static void fit_json(const prc_pool_fit *f, prc_json *parent, const char *key) {
    prc_json *j = prc_json_set(parent, key, prc_json_object());
    const struct { const char *key; double x; } number[] = {{"estimate", f->estimate}, {"lower", f->lower}, {"upper", f->upper}, {"prediction_lower", f->pi_lower}, {"prediction_upper", f->pi_upper},
        {"tau2", f->tau2}, {"I2", f->I2}};
    prc_json_set_int(j, "k", (int64_t)f->k);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) prc_json_set_number(j, number[i].key, number[i].x);
}

static void pool_json(const prc_pool *p, prc_json *root) {
    if (!p) return;
    prc_json *top = prc_json_set(root, "pooled", prc_json_object());
    prc_json *list = prc_json_set(top, "groups", prc_json_array());
    for (size_t i = 0; i < p->n_group; i++) {
        const prc_pool_group *g = &p->group[i];
        prc_json *j = prc_json_set(list, NULL, prc_json_object());
        prc_json_set_text(j, "endpoint", g->endpoint);
        prc_json_set_text(j, "unit", g->unit);
        prc_json_set_int(j, "month", g->month);
        prc_json_set_text(j, "comparison", g->controlled ? "difference" : "change");
        prc_json_set_bool(j, "log", g->ratio);
        prc_json_set_bool(j, "correlation_zero", g->r_zero);
        prc_json_set_number(j, "n", g->n);
        prc_json_set_text(j, "studies", g->studies);
        prc_json_set_text(j, "rows", g->rows);
        fit_json(&g->all, j, "all");
        if (!g->blinded.k) continue;
        fit_json(&g->blinded, j, "blinded");
        fit_json(&g->open, j, "open");
        prc_json_set_number(j, "blinded_against_open_p", g->q_p);
    }
    list = prc_json_set(top, "not_pooled", prc_json_array());
    for (size_t i = 0; i < p->n_row; i++)
        if (p->row[i].drop) {
            prc_json *j = prc_json_set(list, NULL, prc_json_object());
            prc_json_set_text(j, "row", p->row[i].row->id);
            prc_json_set_text(j, "reason", prc_pool_drop_name(p->row[i].drop));
            prc_json_set_text(j, "why", p->row[i].why);
        }
    prc_json_set_text(top, "sentence", p->sentence);
}

static void study_json(const prc_study *s, prc_json *rows) {
    prc_json *j = prc_json_set(rows, NULL, prc_json_object());
    const struct { const char *key, *text; } text[] = {{"id", s->id}, {"condition", s->condition}, {"title", s->title}, {"design", s->design}, {"n", s->n}, {"blinding", s->blinding},
        {"risk_of_bias", s->risk_of_bias}, {"source_kind", s->source_kind}, {"identifier", s->identifier}, {"how_read", s->how_read}, {"quality_note", s->quality_note}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) prc_json_set_text(j, text[i].key, text[i].text);
}

static void arm_json(const view *v, const prc_evidence_arm *a, prc_json *rows) {
    prc_json *j = prc_json_set(rows, NULL, prc_json_object());
    const struct { const char *key, *text; } text[] = {{"id", a->id}, {"study", a->study}, {"label", a->label}, {"n", a->n}, {"product", a->product}, {"donor", a->donor}, {"origin", a->origin},
        {"separation", a->separation}, {"characteristics", a->characteristics}, {"site", a->site}, {"dose_cells", a->dose_cells}, {"route", a->route}, {"timing", a->timing}, {"comparator", a->comparator}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) prc_json_set_text(j, text[i].key, text[i].text);
    prc_json *r = prc_json_set(j, "reporting", prc_json_object());
    for (size_t f = 0; f < prc_evidence_n_field(); f++) prc_json_set_text(r, prc_evidence_field(f), prc_evidence_reported(v->ev, a->id, prc_evidence_field(f)));
}

static prc_status print_json(const view *v, prc_error *err) {
    char *json = NULL;
    const prc_study *s;
    const prc_evidence_arm *a;
    size_t n_study, n_arm;
    prc_json *root = prc_json_object();
    prc_status st;
    PRC_GO(st, prc_evidence_studies(v->ev, v->condition, &s, &n_study, err));
    PRC_GO(st, prc_evidence_arms(v->ev, v->condition, &a, &n_arm, err));
    prc_json_set_text(root, "schema", "paracrine/evidence/2");
    prc_json *rows = prc_json_set(root, "conflicts", prc_json_array());
    for (size_t i = 0; i < v->n_conflict; i++)
        if (conflict_shown(v, &v->conflict[i])) conflict_json(&v->conflict[i], rows);
    pool_json(v->pool, root);
    rows = prc_json_set(root, "outcomes", prc_json_array());
    for (size_t i = 0; i < v->n_row; i++) outcome_json(v, &v->row[i], rows);
    rows = prc_json_set(root, "studies", prc_json_array());
    for (size_t i = 0; i < n_study; i++)
        if (study_used(v, s[i].id)) study_json(&s[i], rows);
    rows = prc_json_set(root, "arms", prc_json_array());
    for (size_t i = 0; i < n_arm; i++)
        if (study_used(v, a[i].study)) arm_json(v, &a[i], rows);
    PRC_GO(st, prc_json_text(root, &json, err));
    st = cli_print_json(json, err);
out:
    prc_json_free(root);
    return st;
}

/* ---- CSV ----------------------------------------------------------------------------------------------------- */

static void csv_number(double x, bool last) {
    if (!isnan(x)) printf("%.17g", x);
    putchar(last ? '\n' : ',');
}

static void csv_text(const char *s) {
    prc_csv_cell(stdout, s ? s : "");
    putchar(',');
}

static prc_status print_csv(const view *v, prc_error *err) {
    puts("id,condition,endpoint,kind,role,comparable,unit,scale_min,scale_max,direction,time_days,value,baseline,comparator_value,lower,upper,spread_kind,spread,"
         "study,title,design,blinding,risk_of_bias,source_kind,identifier,how_read,quality_note,arm,product,donor,origin,separation,characteristics,site,dose_cells,route,timing,conflicts,note,n");
    for (size_t i = 0; i < v->n_row; i++) {
        static const prc_study no_study;
        static const prc_evidence_arm no_arm;
        const prc_outcome_row *r = &v->row[i];
        const prc_study *s = prc_evidence_study(v->ev, r->study);
        const prc_evidence_arm *a = prc_evidence_arm_by_id(v->ev, r->arm);
        prc_text list = {0};
        if (!s) s = &no_study;
        if (!a) a = &no_arm;
        conflicts_of(v, r->id, &list);
        const char *head[] = {r->id, r->condition, r->endpoint, r->kind, r->role, r->comparable, r->unit};
        const char *tail[] = {r->study, s->title, s->design, s->blinding, s->risk_of_bias, s->source_kind, s->identifier, s->how_read, s->quality_note, a->id, a->product, a->donor, a->origin, a->separation,
            a->characteristics, a->site, a->dose_cells, a->route, a->timing, list.s, r->note};
        for (size_t k = 0; k < sizeof head / sizeof *head; k++) csv_text(head[k]);
        csv_number(r->scale_min, false);
        csv_number(r->scale_max, false);
        printf("%d,", r->direction);
        csv_number(r->time_days, false);
        csv_text(r->value_text);
        csv_number(r->baseline, false);
        csv_text(r->comparator_value);
        csv_number(r->lower, false);
        csv_number(r->upper, false);
        csv_text(r->spread_kind);
        csv_number(r->spread, false);
        for (size_t k = 0; k < sizeof tail / sizeof *tail; k++) csv_text(tail[k]);
        csv_number(r->n, true);
        prc_text_reset(&list);
    }
    if (fflush(stdout) || ferror(stdout)) return prc_fail(err, PRC_E_IO, "cannot write to stdout");
    return PRC_OK;
}

static prc_status print_text(const view *v, prc_error *err) {
    prc_text t = {0};
    const prc_evidence_arm *a;
    size_t n_arm;
    PRC_TRY(prc_evidence_arms(v->ev, v->condition, &a, &n_arm, err));
    conflicts_text(v, &t);
    pool_text(v, &t);
    for (size_t i = 0; i < v->n_row; i++) outcome_text(v, &v->row[i], &t);
    reporting_text(v, a, n_arm, &t);
    prc_text_printf(&t, "%zu of %zu published numbers\n" LABEL, v->n_row, v->n_all);
    return cli_print(&t, err);
}

prc_status cmd_evidence(const cli_options *o, prc_error *err) {
    char *data = NULL;
    const prc_outcome_row *all;
    prc_status st;
    view v = {.condition = o->n_arg ? o->arg[0] : o->condition, .filtered = o->source || o->route || o->endpoint || o->kind || o->role || o->search};
    prc_evidence_filter f = {v.condition, o->source, o->route, o->endpoint, o->kind, o->role, o->search};
    if (o->csv && o->json) return prc_fail(err, PRC_E_USAGE, "--csv and --json exclude each other");
    if (o->n_arg && o->condition && strcmp(o->arg[0], o->condition)) return prc_fail(err, PRC_E_USAGE, "two conditions: `%s` and --condition %s", o->arg[0], o->condition);
    PRC_GO(st, prc_data_dir(o->data, &data, err));
    PRC_GO(st, prc_evidence_load(data, &v.ev, err));
    PRC_GO(st, prc_evidence_outcomes(v.ev, v.condition, &all, &v.n_all, err));
    if (v.condition && !v.n_all) {
        st = prc_fail(err, PRC_E_KEY, "the record holds nothing for condition `%s`; `paracrine evidence` lists everything", v.condition);
        goto out;
    }
    PRC_GO(st, prc_evidence_query(v.ev, &f, &v.row, &v.n_row, err));
    PRC_GO(st, prc_evidence_conflicts(v.ev, v.condition, &v.conflict, &v.n_conflict, err));
    if (v.condition && !(o->source || o->route || o->kind || o->role || o->search)) PRC_GO(st, prc_evidence_pool(v.ev, v.condition, o->endpoint, &v.pool, err));
    st = o->csv ? print_csv(&v, err) : o->json ? print_json(&v, err) : print_text(&v, err);
out:
    prc_evidence_free(v.ev);
    prc_free(data);
    return st;
}
