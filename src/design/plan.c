/* plan.c: what replicate trials of a design need of each patient: which values, at which times, for which analysis. */
#include "design_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIT(k) (1u << (k))
/* The regular grid of a trial: 28 d, or a sixtieth of the horizon if that is longer, in whole days. */
#define STEP(horizon) fmax(28, floor((horizon) / 60 + 0.5))

const char *prc_design_method_name(prc_design_method m)
{
    static const char *const names[] = {"ancova", "mmrm", "responder", "logrank"};
    return (size_t)m < sizeof names / sizeof *names ? names[m] : "?";
}

const char *prc_scenario_name(prc_scenario s)
{
    return s == PRC_SCENARIO_NULL ? "null" : "alternative";
}

static const prc_observable *observable_of(const prc_trial_spec *s, const prc_endpoint *e)
{
    return &s->condition->observable[e->observable];
}

/* ---- times and cells ------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Every visit and the regular grid: a superset of what is needed; what is not needed is not kept. */
static bool make_times(prc_plan *p)
{
    const prc_trial_spec *s = p->s;
    double step = STEP(s->horizon);
    size_t regular = (size_t)(s->horizon / step) + 1, all = 0;
    p->time = prc_arena_alloc(p->arena, regular + s->n_visit, sizeof *p->time);
    if (!p->time) return false;
    for (size_t k = 0; k < regular; k++) p->time[all++] = (double)k * step;
    for (size_t v = 0; v < s->n_visit; v++) p->time[all++] = s->visit[v];
    qsort(p->time, all, sizeof *p->time, ascending);
    for (size_t k = 0; k < all; k++)
        if (p->n_time == 0 || p->time[k] > p->time[p->n_time - 1]) p->time[p->n_time++] = p->time[k];
    return true;
}

static size_t time_index(const prc_plan *p, double day)
{
    size_t best = 0;
    for (size_t k = 1; k < p->n_time; k++)
        if (fabs(p->time[k] - day) < fabs(p->time[best] - day)) best = k;
    return best;
}

/* The cell of an observable at a day; added when it is new (the room is there: every pair occurs once). */
static size_t cell_of(prc_plan *p, size_t observable, double day, bool analysed)
{
    size_t at = time_index(p, day);
    for (size_t k = 0; k < p->n_cell; k++)
        if (p->cell[k].observable == observable && p->cell[k].time == at) {
            p->cell[k].analysed = p->cell[k].analysed || analysed;
            return k;
        }
    p->cell[p->n_cell] = (prc_cell){observable, at, analysed};
    return p->n_cell++;
}

static size_t event_of(prc_plan *p, size_t observable)
{
    for (size_t k = 0; k < p->n_event; k++)
        if (p->event[k] == observable) return k;
    p->event[p->n_event] = observable;
    return p->n_event++;
}

/* ---- analyses -------------------------------------------------------------------------------------------------- */

static bool add_analysis(prc_plan *p, const prc_endpoint *e, prc_design_method method)
{
    const prc_trial_spec *s = p->s;
    const prc_observable *ob = observable_of(s, e);
    prc_planned *a = &p->analysis[p->n_analysis++];
    size_t o = (size_t)e->observable;
    *a = (prc_planned){.endpoint = e, .observable = ob, .method = method, .better = ob->direction, .unit = 1, .width = prc_design_covariates(s, e, NULL, 0, NULL)};
    if (method == PRC_DM_LOGRANK) {
        a->event = event_of(p, o);
        a->better = ob->direction ? ob->direction : -1;
        a->unit = 100;
        return true;
    }
    a->base = cell_of(p, o, 0, true);
    a->at = cell_of(p, o, e->at, true);
    if (method == PRC_DM_RESPONDER) {
        a->better = 1;
        a->unit = 100;
    }
    if (method != PRC_DM_MMRM) return true;
    a->visit = prc_arena_alloc(p->arena, s->n_visit, sizeof *a->visit);
    if (!a->visit) return false;
    for (size_t v = 0; v < s->n_visit; v++) {
        if (!(s->visit[v] > 0)) continue;
        if (fabs(s->visit[v] - e->at) < 1e-6) a->at_visit = a->n_visit;
        a->visit[a->n_visit++] = cell_of(p, o, s->visit[v], true);
    }
    return true;
}

static prc_status make_analyses(prc_plan *p, bool mmrm, prc_error *err)
{
    const prc_trial_spec *s = p->s;
    const unsigned events = BIT(PRC_AN_KAPLAN_MEIER) | BIT(PRC_AN_LOGRANK);
    for (size_t k = 0; k < s->n_endpoint; k++) {
        const prc_endpoint *e = &s->endpoint[k];
        size_t before = p->n_analysis;
        bool good = true;
        if (observable_of(s, e)->kind == PRC_OB_EVENT) {
            if (e->analyses & events) good = add_analysis(p, e, PRC_DM_LOGRANK);
        } else {
            if (e->analyses & BIT(PRC_AN_ANCOVA)) good = add_analysis(p, e, mmrm && k == 0 ? PRC_DM_MMRM : PRC_DM_ANCOVA);
            if (good && (e->analyses & BIT(PRC_AN_RESPONDER))) good = add_analysis(p, e, PRC_DM_RESPONDER);
        }
        if (!good) return prc_design_memory(err);
        p->n_left_out += p->n_analysis == before;
    }
    if (p->n_analysis == 0 || p->analysis[0].endpoint != &s->endpoint[0])
        return prc_fail(err, PRC_E_UNSUPPORTED, "replicate trials analyse scores by ancova, mmrm or responder and events by logrank; the primary endpoint `%s` has none of them", s->endpoint[0].name);
    if (mmrm && p->analysis[0].method != PRC_DM_MMRM)
        return prc_fail(err, PRC_E_VALUE, "the primary endpoint `%s` is no score with an ancova, which mmrm would take the place of", s->endpoint[0].name);
    return PRC_OK;
}

/* ---- who leaves ------------------------------------------------------------------------------------------------ */

/* The first endpoint with a score decides who leaves, as in a trial; SIZE_MAX: nobody leaves because of a score. */
static size_t leaving_score(const prc_trial_spec *s)
{
    if ((s->missing != PRC_MISSING_MAR && s->missing != PRC_MISSING_MNAR) || !(s->dropout_rate > 0)) return SIZE_MAX;
    for (size_t k = 0; k < s->n_endpoint; k++)
        if (observable_of(s, &s->endpoint[k])->kind != PRC_OB_EVENT) return (size_t)s->endpoint[k].observable;
    for (size_t o = 0; o < s->condition->n_observable; o++)
        if (s->condition->observable[o].kind == PRC_OB_SCORE) return o;
    return SIZE_MAX;
}

static prc_status expected_change(prc_plan *p, const prc_observable *ob, size_t o, int n_threads, prc_error *err)
{
    const prc_trial_spec *s = p->s;
    const prc_world *w = &s->condition->typical;
    prc_cohort *typical = NULL;
    prc_truth *t = NULL;
    prc_status st;
    PRC_GO(st, prc_cohort_typical(p->e, w, NULL, &typical, err));
    PRC_GO(st, prc_truth_simulate(p->e, w, typical, &s->arms->arm[s->endpoint[0].versus], 1, p->time, p->n_time, s->horizon, n_threads, NULL, &t, err));
    for (size_t k = 0; k < p->n_report; k++) {
        size_t at = p->cell[p->report[k]].time;
        double now = prc_design_seen(ob, &t->effect[0], p->time[at], PRC_TRUTH_AT(t, 0, 0, at, o)), start = prc_design_seen(ob, &t->effect[0], 0, PRC_TRUTH_AT(t, 0, 0, 0, o));
        p->expected[k] = isnan(now - start) ? 0 : now - start;
    }
out:
    prc_truth_free(t);
    prc_cohort_free(typical);
    return st;
}

static prc_status make_reports(prc_plan *p, int n_threads, prc_error *err)
{
    const prc_trial_spec *s = p->s;
    size_t o = leaving_score(s);
    double step = STEP(s->horizon);
    if (o == SIZE_MAX) return PRC_OK;
    p->report = prc_arena_alloc(p->arena, p->n_time, sizeof *p->report);
    p->expected = prc_arena_alloc(p->arena, p->n_time, sizeof *p->expected);
    if (!p->report || !p->expected) return prc_design_memory(err);
    for (double day = 0; day <= s->horizon; day += step) p->report[p->n_report++] = cell_of(p, o, day, false);
    return expected_change(p, &s->condition->observable[o], o, n_threads, err);
}

prc_status prc_plan_create(const prc_trial_spec *s, const prc_engine *e, bool mmrm, double alpha, int n_threads, prc_plan **out, prc_error *err)
{
    prc_plan *p = prc_calloc(1, sizeof *p);
    prc_status st = PRC_OK;
    if (!p) return prc_design_memory(err);
    *p = (prc_plan){.arena = prc_arena_create(), .s = s, .e = e, .ending = SIZE_MAX, .alpha = alpha};
    if (!p->arena || !make_times(p)) PRC_GO(st, prc_design_memory(err));
    p->analysis = prc_arena_alloc(p->arena, 2 * s->n_endpoint, sizeof *p->analysis);
    p->event = prc_arena_alloc(p->arena, s->condition->n_observable + 1, sizeof *p->event);
    p->cell = prc_arena_alloc(p->arena, s->condition->n_observable * p->n_time + 1, sizeof *p->cell);
    if (!p->analysis || !p->event || !p->cell) PRC_GO(st, prc_design_memory(err));
    PRC_GO(st, make_analyses(p, mmrm, err));
    int ending = prc_ending_event(s->condition);
    if (ending >= 0) p->ending = event_of(p, (size_t)ending);
    st = make_reports(p, n_threads, err);
out:
    if (st == PRC_OK) *out = p;
    else prc_plan_free(p);
    return st;
}

void prc_plan_free(prc_plan *p)
{
    if (!p) return;
    prc_arena_free(p->arena);
    prc_free(p);
}
