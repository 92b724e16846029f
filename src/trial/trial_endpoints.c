/* trial_endpoints.c: the endpoints of a trial file: what is compared, when, and how. */
#include "trial_int.h"

#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define BIT(k) (1u << (k))

static const char *const analysis_names[] = {"ancova", "responder", "kaplan-meier", "logrank", "duration"};
/* Analyses that the design names and that come later. */
static const char *const later[] = {"mmrm", "cox", "negative-binomial", "gee", "win-ratio"};

const char *prc_analysis_name(prc_analysis_kind k)
{
    return (size_t)k < COUNT(analysis_names) ? analysis_names[k] : "?";
}

bool prc_is_measured(const prc_observable *ob)
{
    return ob->kind == PRC_OB_SCORE || ob->kind == PRC_OB_IMAGE || ob->kind == PRC_OB_GRADE;
}

int prc_visit_index(const prc_trial_spec *s, double day)
{
    for (size_t v = 0; v < s->n_visit; v++)
        if (fabs(s->visit[v] - day) < 1e-6) return (int)v;
    return -1;
}

static prc_status no_memory(prc_trial_reader *r)
{
    return prc_fail(r->err, PRC_E_MEMORY, "out of memory for the endpoints");
}

/* An observable by name: events, or what is measured at visits. */
static prc_status read_observable(prc_trial_reader *r, const prc_node *node, bool event, int *out)
{
    const prc_condition *c = r->s->condition;
    const char *name, **known;
    size_t n = 0;
    PRC_TRY(prc_node_text(r->t, node, &name, r->err));
    *out = prc_condition_observable(c, name);
    if (*out >= 0) {
        const prc_observable *ob = &c->observable[*out];
        if (event ? ob->kind == PRC_OB_EVENT : prc_is_measured(ob)) return PRC_OK;
        if (ob->kind == PRC_OB_READOUT) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is a mechanism curve, which no trial measures\nchoose a score", name);
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, event ? "`%s` is a score\nwrite `score: %s`" : "`%s` is an event\nwrite `event: %s`", name, name);
    }
    known = prc_arena_alloc(r->s->arena, c->n_observable + 1, sizeof *known);
    if (!known) return no_memory(r);
    for (size_t i = 0; i < c->n_observable; i++)
        if (event ? c->observable[i].kind == PRC_OB_EVENT : prc_is_measured(&c->observable[i])) known[n++] = c->observable[i].name;
    return prc_unknown_name(r, node, event ? "event" : "score", name, known, n);
}

static prc_status read_at(prc_trial_reader *r, const prc_node *node, bool event, double *at)
{
    const prc_trial_spec *s = r->s;
    *at = event ? s->horizon : s->visit[s->n_visit - 1];
    if (!node) return PRC_OK;
    PRC_TRY(prc_node_quantity(r->t, node, "d", at, r->err));
    if (event && *at > 0 && *at <= s->horizon) return PRC_OK;
    if (event) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "day %g is not within the trial, which ends on day %g\nchoose a time up to its `horizon`", *at, s->horizon);
    int v = prc_visit_index(s, *at);
    if (v > 0) {
        *at = s->visit[v];
        return PRC_OK;
    }
    prc_text list = {0};
    for (size_t i = 1; i < s->n_visit; i++) prc_text_printf(&list, "%s%s", i > 1 ? ", " : "", s->visit_label[i]);
    prc_status st = prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "day %g is no visit after baseline\nthe visits are: %.400s", *at, list.s ? list.s : "none");
    prc_text_reset(&list);
    return st;
}

static prc_status read_analysis(prc_trial_reader *r, const prc_node *node, const prc_endpoint *e, bool event, unsigned *out)
{
    const prc_observable *ob = &r->s->condition->observable[e->observable];
    const char *text;
    int kind = -1;
    PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    for (size_t k = 0; k < COUNT(later); k++)
        if (strcmp(text, later[k]) == 0) return prc_node_fail(r->t, node, PRC_E_UNSUPPORTED, r->err, "the analysis `%s` is not supported yet\nuse %s", text, event ? "logrank" : "ancova");
    for (size_t k = 0; k < COUNT(analysis_names); k++)
        if (strcmp(text, analysis_names[k]) == 0) kind = (int)k;
    if (kind < 0) return prc_unknown_name(r, node, "analysis", text, analysis_names, COUNT(analysis_names));
    bool of_event = kind == PRC_AN_KAPLAN_MEIER || kind == PRC_AN_LOGRANK;
    if (of_event != event) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is an analysis of %s\nuse %s", text, of_event ? "events" : "scores", event ? "kaplan-meier, logrank" : "ancova, responder, duration");
    if ((kind == PRC_AN_RESPONDER || kind == PRC_AN_DURATION) && isnan(ob->mcid))
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` has no minimal clinically important difference in observables.tsv, which `%s` needs\nuse ancova", ob->name, text);
    *out |= BIT(kind);
    return PRC_OK;
}

static prc_status read_analyses(prc_trial_reader *r, const prc_node *node, prc_endpoint *e, bool event)
{
    if (!node) {
        e->analyses = event ? BIT(PRC_AN_KAPLAN_MEIER) | BIT(PRC_AN_LOGRANK) : BIT(PRC_AN_ANCOVA);
        return PRC_OK;
    }
    if (node->kind == PRC_MAP || prc_node_items(node) == 0) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`analysis` is a name or a list of names, as in `analysis: [kaplan-meier, logrank]`");
    for (size_t k = 0; k < prc_node_items(node); k++) PRC_TRY(read_analysis(r, prc_node_item(node, k), e, event, &e->analyses));
    e->derived_relief = (e->analyses & BIT(PRC_AN_DURATION)) != 0;
    return PRC_OK;
}

static prc_status read_covariates(prc_trial_reader *r, const prc_node *node, prc_endpoint *e)
{
    const char *name;
    if (!node) return PRC_OK;
    if (!(e->analyses & BIT(PRC_AN_ANCOVA))) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "only `analysis: ancova` takes covariates\nleave them out");
    if (node->kind == PRC_MAP) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`covariates` is a list, as in `covariates: [baseline, kl_grade]`");
    e->covariate = prc_arena_alloc(r->s->arena, prc_node_items(node) + 1, sizeof *e->covariate);
    if (!e->covariate) return no_memory(r);
    for (size_t k = 0; k < prc_node_items(node); k++) {
        const prc_node *item = prc_node_item(node, k);
        PRC_TRY(prc_node_text(r->t, item, &name, r->err));
        e->covariate[k] = -1;
        if (strcmp(name, "baseline") != 0) PRC_TRY(prc_read_covariate(r, item, false, &e->covariate[k]));
        e->n_covariate++;
    }
    return PRC_OK;
}

/* The first arm without cells, else the first. */
static int default_reference(const prc_arms *arms)
{
    for (size_t a = 0; a < arms->n; a++)
        if (!arms->arm[a].active) return (int)a;
    return 0;
}

static prc_status read_versus(prc_trial_reader *r, const prc_node *node, int *versus)
{
    const prc_arms *arms = r->s->arms;
    const char *name, **known;
    if (!node) return PRC_OK;
    PRC_TRY(prc_node_text(r->t, node, &name, r->err));
    for (size_t a = 0; a < arms->n; a++)
        if (strcmp(arms->arm[a].name, name) == 0) {
            *versus = (int)a;
            return PRC_OK;
        }
    known = prc_arena_alloc(r->s->arena, arms->n + 1, sizeof *known);
    if (!known) return no_memory(r);
    for (size_t a = 0; a < arms->n; a++) known[a] = arms->arm[a].name;
    return prc_unknown_name(r, node, "arm", name, known, arms->n);
}

static prc_status read_measure(prc_trial_reader *r, const prc_node *node, bool *change)
{
    static const char *const names[] = {"change", "value"};
    const char *text;
    *change = true;
    if (!node) return PRC_OK;
    PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    *change = strcmp(text, "change") == 0;
    return *change || strcmp(text, "value") == 0 ? PRC_OK : prc_unknown_name(r, node, "measure", text, names, 2);
}

static prc_status read_endpoint(prc_trial_reader *r, const prc_node *map, const char *name, prc_endpoint *e)
{
    static const char *const of_score[] = {"score", "at", "measure", "analysis", "covariates", "versus"};
    static const char *const of_event[] = {"event", "at", "analysis", "versus"};
    const prc_node *score = prc_node_get(map, "score"), *event = prc_node_get(map, "event");
    if (!score == !event)
        return prc_node_fail(r->t, map, PRC_E_KEY, r->err, score ? "endpoint `%s` has both a score and an event\nmake two endpoints" : "endpoint `%s` has neither `score`, `event` nor `adverse_events`\nadd one", name);
    if (score) PRC_TRY(prc_node_allow(r->t, map, of_score, COUNT(of_score), r->err));
    else PRC_TRY(prc_node_allow(r->t, map, of_event, COUNT(of_event), r->err));
    e->name = prc_arena_strdup(r->s->arena, name);
    if (!e->name) return no_memory(r);
    e->line = map->line;
    e->col = map->col;
    PRC_TRY(read_observable(r, score ? score : event, event != NULL, &e->observable));
    PRC_TRY(read_analyses(r, prc_node_get(map, "analysis"), e, event != NULL));
    const prc_node *at = prc_node_get(map, "at");
    if (at && e->analyses == BIT(PRC_AN_DURATION)) return prc_node_fail(r->t, at, PRC_E_VALUE, r->err, "a duration has no `at`: it is followed to the horizon\nleave it out");
    PRC_TRY(read_at(r, at, event != NULL || e->analyses == BIT(PRC_AN_DURATION), &e->at));
    PRC_TRY(read_measure(r, prc_node_get(map, "measure"), &e->change));
    PRC_TRY(read_covariates(r, prc_node_get(map, "covariates"), e));
    return read_versus(r, prc_node_get(map, "versus"), &e->versus);
}

static prc_status read_safety(prc_trial_reader *r, const prc_node *map)
{
    static const char *const allowed[] = {"adverse_events"};
    const prc_condition *c = r->s->condition;
    const prc_node *list = prc_node_get(map, "adverse_events");
    prc_trial_spec *s = r->s;
    PRC_TRY(prc_node_allow(r->t, map, allowed, COUNT(allowed), r->err));
    if (list->kind == PRC_MAP) return prc_node_fail(r->t, list, PRC_E_VALUE, r->err, "`adverse_events` is a list of names");
    const char **known = prc_arena_alloc(s->arena, c->n_adverse + 1, sizeof *known);
    int *more = prc_arena_alloc(s->arena, s->n_adverse + prc_node_items(list) + 1, sizeof *more);
    if (!known || !more) return no_memory(r);
    for (size_t i = 0; i < c->n_adverse; i++) known[i] = c->adverse[i].name;
    for (size_t i = 0; i < s->n_adverse; i++) more[i] = s->adverse[i];
    s->adverse = more;
    for (size_t k = 0; k < prc_node_items(list); k++) {
        const char *name;
        size_t found = 0;
        PRC_TRY(prc_node_text(r->t, prc_node_item(list, k), &name, r->err));
        while (found < c->n_adverse && strcmp(known[found], name) != 0) found++;
        if (found == c->n_adverse) return prc_unknown_name(r, prc_node_item(list, k), "adverse event", name, known, c->n_adverse);
        for (size_t i = 0; i < s->n_adverse; i++)
            if (s->adverse[i] == (int)found) return prc_node_fail(r->t, prc_node_item(list, k), PRC_E_VALUE, r->err, "`%s` is listed twice\ndelete one", name);
        s->adverse[s->n_adverse++] = (int)found;
    }
    return PRC_OK;
}

prc_status prc_read_endpoints(prc_trial_reader *r, const prc_node *map)
{
    prc_trial_spec *s = r->s;
    if (map->kind != PRC_MAP || map->n == 0)
        return prc_node_fail(r->t, map, PRC_E_VALUE, r->err, "`endpoints` is a mapping, as in `primary: { score: ..., at: 12 mo, analysis: ancova }`");
    s->endpoint = prc_arena_alloc(s->arena, map->n, sizeof *s->endpoint);
    if (!s->endpoint) return no_memory(r);
    for (size_t i = 0; i < map->n; i++) {
        const prc_node *child = map->child[i];
        if (child->kind != PRC_MAP) return prc_node_fail(r->t, child, PRC_E_VALUE, r->err, "endpoint `%s` must be a mapping, as in `{ score: ..., at: 12 mo }`", map->key[i]);
        if (prc_node_get(child, "adverse_events")) {
            PRC_TRY(read_safety(r, child));
            continue;
        }
        /* Endpoints that name no reference take that of the primary one. */
        prc_endpoint *e = &s->endpoint[s->n_endpoint];
        e->versus = s->n_endpoint ? s->endpoint[0].versus : default_reference(s->arms);
        PRC_TRY(read_endpoint(r, child, map->key[i], e));
        s->n_endpoint++;
    }
    if (s->n_endpoint == 0) return prc_node_fail(r->t, map, PRC_E_VALUE, r->err, "there is no primary endpoint\nadd `primary: { score: ..., at: 12 mo, analysis: ancova }`");
    return PRC_OK;
}
