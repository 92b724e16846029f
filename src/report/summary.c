/* summary.json: the result as numbers for programs. Nothing here depends on the clock or the machine. */
#include "report_int.h"

#include <math.h>

static void set_estimate(prc_json *j, const char *key, const prc_estimate *e)
{
    prc_json *o = prc_json_set(j, key, prc_json_object());
    prc_json_set_number(o, "estimate", e->estimate);
    prc_json_set_number(o, "se", e->se);
    prc_json_set_number(o, "df", e->df);
    prc_json_set_number(o, "stat", e->stat);
    prc_json_set_number(o, "p", e->p);
    prc_json_set_number(o, "ci_lb", e->ci_lb);
    prc_json_set_number(o, "ci_ub", e->ci_ub);
    prc_json_set_int(o, "n", (int64_t)e->n);
}

static void set_number_at(prc_json *j, const char *key, const double *x, size_t i)
{
    prc_json_set_number(j, key, x ? x[i] : (double)NAN);
}

/* One arm of one endpoint; keys that the analysis does not have are left out. */
static void set_arm(prc_page *p, const prc_endpoint_result *x, size_t a, prc_json *list)
{
    prc_json *o = prc_json_set(list, NULL, prc_json_object());
    prc_json_set_text(o, "arm", p->spec->arms->arm[a].name);
    if (x->ls_mean) set_estimate(o, "ls_mean", &x->ls_mean[a]);
    if (x->diff) set_estimate(o, "diff", &x->diff[a]);
    if (x->true_value) set_number_at(o, "true_value", x->true_value, a);
    if (x->true_diff) set_number_at(o, "true_diff", x->true_diff, a);
    if (x->responders && x->evaluated) {
        prc_json_set_int(o, "responders", (int64_t)x->responders[a]);
        prc_json_set_int(o, "evaluated", (int64_t)x->evaluated[a]);
    }
    if (x->rate) set_estimate(o, "rate", &x->rate[a]);
    if (x->risk_diff) set_estimate(o, "risk_diff", &x->risk_diff[a]);
    if (x->survival) set_estimate(o, "event_free", &x->survival[a]);
    if (x->event_pct_true) set_number_at(o, "event_pct_true", x->event_pct_true, a);
    if (x->duration_mean) set_number_at(o, "duration_mean_months", x->duration_mean, a);
    if (p->range && x->endpoint == p->primary && x->population < p->range->n_population && a < p->range->n_arm) {
        size_t at = x->population * p->range->n_arm + a;
        prc_json *r = prc_json_set(o, "range", prc_json_object());
        prc_json_set_number(r, "lower", p->range->lower[at]);
        prc_json_set_number(r, "median", p->range->median[at]);
        prc_json_set_number(r, "upper", p->range->upper[at]);
    }
}

static void set_results(prc_page *p, prc_json *root)
{
    prc_json *list = prc_json_set(root, "results", prc_json_array());
    for (size_t i = 0; i < p->r->n_result; i++) {
        const prc_endpoint_result *x = &p->r->result[i];
        const prc_observable *ob = &p->c->observable[x->endpoint->observable];
        prc_json *o = prc_json_set(list, NULL, prc_json_object());
        prc_json_set_text(o, "endpoint", x->endpoint->name);
        prc_json_set_bool(o, "primary", x->endpoint == p->primary);
        prc_json_set_text(o, "population", p->spec->population[x->population].name);
        prc_json_set_text(o, "observable", ob->name);
        prc_json_set_text(o, "unit", ob->unit);
        prc_json_set_number(o, "at_days", x->endpoint->at);
        prc_json_set_text(o, "reference", p->spec->arms->arm[x->endpoint->versus].name);
        prc_json_set_number(o, "mcid", x->mcid);
        prc_json_set_text(o, "mcid_unit", x->mcid_unit);
        prc_json_set_text(o, "mcid_source", x->mcid_source);
        if (x->km) set_estimate(o, "logrank", &x->logrank);
        prc_json *arms = prc_json_set(o, "arms", prc_json_array());
        for (size_t a = 0; a < x->n_arm && a < p->n_arm; a++) set_arm(p, x, a, arms);
    }
}

static void set_design(prc_page *p, prc_json *root)
{
    prc_json *pops = prc_json_set(root, "populations", prc_json_array());
    for (size_t i = 0; i < p->n_pop; i++) {
        prc_json *o = prc_json_set(pops, NULL, prc_json_object());
        prc_json_set_text(o, "name", p->spec->population[i].name);
        prc_json_set_int(o, "size_per_arm", (int64_t)p->spec->population[i].size_per_arm);
        prc_json_set_int(o, "screened", (int64_t)p->r->population[i].n_screened);
        prc_json_set_int(o, "not_eligible", (int64_t)p->r->population[i].n_not_eligible);
        prc_json_set_number(o, "regression_to_mean", p->r->population[i].regression_to_mean);
    }
    prc_json *arms = prc_json_set(root, "arms", prc_json_array());
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_json *o = prc_json_set(arms, NULL, prc_json_object());
        prc_json_set_text(o, "name", p->spec->arms->arm[a].name);
        prc_json_set_text(o, "label", p->spec->arms->arm[a].label);
        prc_json_set_bool(o, "active", p->spec->arms->arm[a].active);
        size_t n = 0;
        for (size_t i = 0; i < p->n_pop; i++) n += prc_arm_size(p, i, (int)a);
        prc_json_set_int(o, "randomised", (int64_t)n);
    }
}

static void set_subgroups(prc_page *p, prc_json *root)
{
    if (!p->r->n_subgroup) return;
    prc_json *list = prc_json_set(root, "subgroups", prc_json_array());
    for (size_t i = 0; i < p->r->n_subgroup; i++) {
        const prc_subgroup_result *x = &p->r->subgroup[i];
        const prc_covariate *c = &p->c->covariate[x->covariate];
        prc_json *o = prc_json_set(list, NULL, prc_json_object());
        prc_json_set_text(o, "population", p->spec->population[x->population].name);
        prc_json_set_text(o, "covariate", c->name);
        prc_json_set_text(o, "category", c->category[x->category]);
        prc_json *arms = prc_json_set(o, "arms", prc_json_array());
        for (size_t a = 0; a < x->n_arm && a < p->n_arm; a++) {
            prc_json *k = prc_json_set(arms, NULL, prc_json_object());
            prc_json_set_text(k, "arm", p->spec->arms->arm[a].name);
            set_estimate(k, "diff", &x->diff[a]);
            set_number_at(k, "true_diff", x->true_diff, a);
        }
    }
}

static void set_events(prc_page *p, prc_json *root)
{
    prc_json *list = prc_json_set(root, "adverse_events", prc_json_array());
    for (size_t k = 0; k < p->spec->n_adverse; k++) {
        prc_json *o = prc_json_set(list, NULL, prc_json_object());
        prc_json_set_text(o, "name", p->c->adverse[p->spec->adverse[k]].name);
        prc_json *arms = prc_json_set(o, "events", prc_json_array());
        for (size_t a = 0; a < p->n_arm; a++) {
            int64_t n = 0;
            for (size_t pop = 0; pop < p->n_pop; pop++) n += (int64_t)prc_ae_events(p->r, pop, a, k);
            prc_json_set_int(arms, NULL, n);
        }
    }
}

static void set_checks(const prc_page *p, prc_json *root)
{
    if (!p->checks) {
        prc_json_set_text(root, "checks", NULL); /* null: not run */
        return;
    }
    prc_json *o = prc_json_set(root, "checks", prc_json_object());
    for (int r = 0; r < PRC_ROLE_COUNT; r++) {
        prc_json *role = prc_json_set(o, prc_role_name((prc_role)r), prc_json_object());
        prc_json_set_int(role, "inside", (int64_t)p->checks->inside[r]);
        prc_json_set_int(role, "outside", (int64_t)p->checks->outside[r]);
        prc_json_set_int(role, "no_interval", (int64_t)p->checks->no_interval[r]);
    }
    prc_json_set_int(o, "shown", (int64_t)p->checks->n_shown);
    prc_json_set_int(o, "no_check", (int64_t)p->checks->n_no_check);
    prc_json_set_int(o, "wrong_sign", (int64_t)p->checks->n_wrong_sign);
}

static void set_range(const prc_page *p, prc_json *root)
{
    if (!p->range) return;
    prc_json *o = prc_json_set(root, "range", prc_json_object());
    prc_json_set_int(o, "draws", (int64_t)p->range->n_draw);
    prc_json_set_int(o, "used", (int64_t)p->range->n_used);
    prc_json_set_int(o, "failed", (int64_t)p->range->n_failed);
    prc_json_set_int(o, "patients", (int64_t)p->range->n_patient);
    prc_json *list = prc_json_set(o, "influence", prc_json_array());
    for (size_t i = 0; i < p->range->n_influence && i < 20; i++) {
        const prc_row *row = &p->c->row[p->range->influence[i].row];
        prc_json *k = prc_json_set(list, NULL, prc_json_object());
        prc_json_set_text(k, "name", row->name);
        prc_json_set_text(k, "grade", prc_grade_name(row->grade));
        prc_json_set_number(k, "rho", p->range->influence[i].rho);
    }
}

prc_status prc_report_summary(const prc_report_input *in, char **out, prc_error *err)
{
    prc_page page;
    prc_status st = prc_page_init(&page, in, err);
    prc_json *root = NULL;
    if (st != PRC_OK) goto out;
    root = prc_json_object();
    if (!root) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    prc_json_set_text(root, "schema", "paracrine/trial/1");
    prc_json_set_text(root, "research_use", PRC_RESEARCH_USE);
    prc_json_set_text(root, "version", in->version);
    prc_json_set_text(root, "title", page.spec->title);
    prc_json_set_text(root, "question", page.spec->question);
    prc_json_set_text(root, "condition", page.c->name);
    prc_json_set_int(root, "seed", (int64_t)page.spec->seed);
    set_design(&page, root);
    prc_json *count = prc_json_set(root, "counts", prc_json_object());
    prc_json_set_int(count, "randomised", (int64_t)page.r->n_subject);
    prc_json_set_int(count, "lost", (int64_t)page.r->n_lost);
    prc_json_set_int(count, "failures", (int64_t)page.r->n_failure);
    set_results(&page, root);
    set_subgroups(&page, root);
    set_events(&page, root);
    set_range(&page, root);
    set_checks(&page, root);
    st = prc_json_text(root, out, err);
out:
    prc_json_free(root);
    prc_page_reset(&page);
    return st;
}
