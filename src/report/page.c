/* What every section looks up: the primary endpoint and its arms, differences, the assumption range, the record. */
#include "report_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- arms ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Two arms that give the same product the same way: then the dose alone tells them apart. */
static bool same_but_dose(const prc_arm *a, const prc_arm *b)
{
    if (a->n_course != 1 || b->n_course != 1) return false;
    const prc_course *x = a->course, *y = b->course;
    if (!same_text(x->product, y->product) || !same_text(x->route, y->route) || x->per_kg != y->per_kg) return false;
    if (x->n_time != y->n_time || x->n_property != y->n_property) return false;
    for (size_t i = 0; i < x->n_time; i++)
        if (x->time[i] < y->time[i] || x->time[i] > y->time[i]) return false;
    for (size_t i = 0; i < x->n_property; i++)
        if (!same_text(x->property[i], y->property[i]) || !same_text(x->level[i], y->level[i])) return false;
    return x->dose < y->dose || x->dose > y->dose;
}

static bool is_dose_finding(const prc_arms *arms)
{
    size_t n = 0;
    const prc_arm *first = NULL;
    for (size_t i = 0; i < arms->n; i++) {
        const prc_arm *a = &arms->arm[i];
        if (!a->active) continue;
        if (n++ == 0) first = a;
        if (a->n_course != 1 || !same_text(a->course->product, "msc") || (first != a && !same_but_dose(first, a))) return false;
    }
    return n > 1;
}

static void name_arms(prc_page *p)
{
    const prc_arms *arms = p->spec->arms;
    bool dose = is_dose_finding(arms);
    p->arm_short = prc_page_alloc(p, arms->n, sizeof *p->arm_short);
    if (!p->arm_short) return;
    for (size_t i = 0; i < arms->n; i++) {
        const prc_arm *a = &arms->arm[i];
        p->arm_short[i] = a->name;
        if (dose && a->active) p->arm_short[i] = prc_page_text(p, "%g\xc2\xa0M%s", a->course->dose / 1e6, a->course->per_kg ? "/kg" : "");
        else if (a->label && strlen(a->label) <= 16) p->arm_short[i] = a->label;
    }
}

/* ---- results ---- */

const prc_endpoint_result *prc_result_of(const prc_page *p, size_t pop, const prc_endpoint *e)
{
    for (size_t i = 0; i < p->r->n_result; i++) {
        const prc_endpoint_result *x = &p->r->result[i];
        if (x->population == pop && (x->endpoint == e || strcmp(x->endpoint->name, e->name) == 0)) return x;
    }
    return NULL;
}

static bool is_event(const prc_page *p, const prc_endpoint *e)
{
    return p->c->observable[e->observable].kind == PRC_OB_EVENT;
}

static bool is_ancova(const prc_endpoint *e)
{
    return (e->analyses & (1u << PRC_AN_ANCOVA)) != 0;
}

static bool is_responder(const prc_page *p)
{
    return !is_ancova(p->primary) && (p->primary->analyses & (1u << PRC_AN_RESPONDER));
}

static prc_estimate no_estimate(void)
{
    const double none = (double)NAN;
    return (prc_estimate){ none, none, none, none, none, none, none, 0 };
}

/* Event-free shares become a difference of event percentages, with Greenwood's errors and a normal interval. */
static prc_estimate event_difference(const prc_endpoint_result *x, int arm, int ref)
{
    prc_estimate d = no_estimate();
    if (!x->survival) return d;
    const prc_estimate *a = &x->survival[arm], *b = &x->survival[ref];
    d.estimate = 100 * (b->estimate - a->estimate);
    d.se = 100 * sqrt(a->se * a->se + b->se * b->se);
    d.ci_lb = d.estimate - 1.959963984540054 * d.se;
    d.ci_ub = d.estimate + 1.959963984540054 * d.se;
    d.p = d.se > 0 ? prc_stat_normal_p(d.estimate / d.se) : (double)NAN;
    d.n = a->n + b->n;
    return d;
}

static prc_estimate times_hundred(prc_estimate e)
{
    e.estimate *= 100;
    e.se *= 100;
    e.ci_lb *= 100;
    e.ci_ub *= 100;
    return e;
}

void prc_answer_of(const prc_page *p, size_t pop, int arm, prc_answer *out)
{
    const prc_endpoint_result *x = prc_result_of(p, pop, p->primary);
    const double none = (double)NAN;
    *out = (prc_answer){ no_estimate(), none, none, none, none };
    if (arm == p->reference) return;
    if (x && is_responder(p) && x->risk_diff) out->diff = times_hundred(x->risk_diff[arm]);
    else if (x && is_event(p, p->primary)) out->diff = event_difference(x, arm, p->reference);
    else if (x && x->diff) out->diff = x->diff[arm];
    if (x && is_event(p, p->primary) && x->event_pct_true) out->truth = x->event_pct_true[arm] - x->event_pct_true[p->reference];
    else if (x && x->true_diff && !is_responder(p)) out->truth = x->true_diff[arm];
    if (p->range && pop < p->range->n_population && (size_t)arm < p->range->n_arm && !is_responder(p)) {
        size_t at = pop * p->range->n_arm + (size_t)arm;
        out->lower = p->range->lower[at];
        out->median = p->range->median[at];
        out->upper = p->range->upper[at];
    }
}

const char *prc_answer_unit(prc_page *p)
{
    if (is_event(p, p->primary) || is_responder(p)) return "percentage points";
    return prc_ob_unit(p, p->ob);
}

int prc_answer_decimals(const prc_page *p)
{
    return is_event(p, p->primary) || is_responder(p) ? 1 : prc_ob_decimals(p->ob);
}

int prc_answer_direction(const prc_page *p)
{
    if (is_responder(p)) return 1;
    if (is_event(p, p->primary) && p->ob->direction == 0) return -1;
    return p->ob->direction;
}

double prc_answer_mcid(prc_page *p, size_t pop, const char **words)
{
    *words = NULL;
    if (is_event(p, p->primary) || is_responder(p) || !isfinite(p->ob->mcid)) return (double)NAN;
    int d = prc_ob_decimals(p->ob);
    double mcid = fabs(p->ob->mcid);
    bool share = p->ob->mcid_unit && strcmp(p->ob->mcid_unit, "%") == 0 && strcmp(p->ob->unit, "%") != 0;
    if (share) {
        double base = prc_baseline_mean(p, pop, p->primary->observable);
        *words = prc_page_text(p, "%s\xe2\x80\xaf%% of the mean baseline, here %s", prc_num(p, mcid, 0), prc_page_text(p, "%s %s", prc_num(p, mcid / 100 * base, d), prc_ob_unit(p, p->ob)));
        mcid = mcid / 100 * base;
    } else {
        *words = prc_page_text(p, "%s %s", prc_num(p, mcid, fabs(mcid - round(mcid)) < 1e-9 ? 0 : d), prc_ob_unit(p, p->ob));
    }
    return prc_answer_direction(p) < 0 ? -mcid : mcid;
}

size_t prc_arm_size(const prc_page *p, size_t pop, int arm)
{
    size_t n = 0;
    for (size_t i = 0; i < p->r->n_subject; i++) n += p->r->subject[i].population == pop && p->r->subject[i].arm == (size_t)arm;
    return n;
}

double prc_baseline_mean(const prc_page *p, size_t pop, int observable)
{
    return p->r->population[pop].baseline ? prc_baseline(p->r, pop, p->n_arm, observable, 0)->mean : (double)NAN;
}

int prc_best_arm(const prc_page *p, size_t pop)
{
    int best = p->reference, sign = prc_answer_direction(p) >= 0 ? 1 : -1;
    double most = -HUGE_VAL;
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_answer x;
        prc_answer_of(p, pop, (int)a, &x);
        double gain = sign * (isfinite(x.truth) ? x.truth : x.diff.estimate);
        if (isfinite(gain) && gain > most) most = gain, best = (int)a;
    }
    return best;
}

/* ---- words ---- */

const char *prc_ob_unit(prc_page *p, const prc_observable *ob)
{
    if (!ob->unit || !*ob->unit || strcmp(ob->unit, "1") == 0 || strcmp(ob->unit, "-") == 0) return "";
    if (strcmp(ob->unit, "pt") == 0) return "points";
    return prc_unit_words(p, ob->unit);
}

const char *prc_endpoint_title(prc_page *p, const prc_endpoint *e)
{
    const prc_observable *ob = &p->c->observable[e->observable];
    const char *label = ob->label ? ob->label : ob->name, *when = prc_days(p, e->at);
    if (e->derived_relief) return prc_page_text(p, "%s, months of relief", label);
    if (ob->kind == PRC_OB_EVENT) return prc_page_text(p, "%s by %s", label, when);
    return prc_page_text(p, e->change ? "%s, change to %s" : "%s at %s", label, when);
}

const char *prc_pop_name(const prc_page *p, size_t pop)
{
    return p->spec->population[pop].name;
}

const prc_study *prc_study_of(const prc_page *p, const prc_outcome_row *o)
{
    return p->in->evidence ? prc_evidence_study(p->in->evidence, o->study) : NULL;
}

static bool holds(const char *text, const char *word)
{
    for (size_t n = strlen(word); text && *text; text++)
        if (strncasecmp(text, word, n) == 0) return true;
    return false;
}

bool prc_is_meta(const prc_page *p, const prc_outcome_row *o)
{
    const prc_study *s = prc_study_of(p, o);
    return s && (holds(s->design, "meta") || holds(s->source_kind, "meta") || holds(s->design, "systematic"));
}

const char *prc_study_short(prc_page *p, const char *study_id)
{
    const prc_study *s = p->in->evidence ? prc_evidence_study(p->in->evidence, study_id) : NULL;
    const char *t = s ? s->title : study_id;
    size_t n = strlen(t);
    if (n <= 60) return t;
    for (n = 58; n > 40 && t[n] != ' '; n--) {}
    while (n > 0 && ((unsigned char)t[n] & 0xc0) == 0x80) n--;
    return prc_page_text(p, "%.*s\xe2\x80\xa6", (int)n, t);
}

/* ---- names of the files as words ---- */

static const char *replace_all(prc_page *p, const char *s, const char *from, const char *to)
{
    const char *at = strstr(s, from);
    if (!at) return s;
    return prc_page_text(p, "%.*s%s%s", (int)(at - s), s, to, replace_all(p, at + strlen(from), from, to));
}

const char *prc_unit_words(prc_page *p, const char *unit)
{
    if (!unit || !*unit || strcmp(unit, "1") == 0 || strcmp(unit, "-") == 0) return "";
    return replace_all(p, replace_all(p, unit, "^2", "\xc2\xb2"), "^3", "\xc2\xb3");
}

const char *prc_words(prc_page *p, const char *name)
{
    int k = -1;
    for (size_t i = 0; i < p->c->n_observable; i++)
        if (strcmp(p->c->observable[i].name, name) == 0) k = (int)i;
    if (k >= 0 && p->c->observable[k].label) return p->c->observable[k].label;
    if (strcmp(name, "bmi") == 0) return "BMI";
    return replace_all(p, name, "_", " ");
}

const char *prc_value_text(prc_page *p, const prc_outcome_row *o)
{
    if (!*o->value_text) return PRC_DASH;
    if (*o->value_text == '-' && isfinite(o->value)) return prc_page_text(p, PRC_MINUS "%s", o->value_text + 1);
    return o->value_text;
}

/* Ids of a list as links to #<prefix>-<id> where the record has the id, so that the page has the anchor. */
static const char *links(prc_page *p, const char *list, const char *prefix, bool study)
{
    const char *s = "";
    while (list && *list) {
        size_t n = strcspn(list, "; ");
        const char *id = prc_page_text(p, "%.*s", (int)n, list);
        bool known = p->in->evidence && (study ? prc_evidence_study(p->in->evidence, id) != NULL : prc_evidence_outcome(p->in->evidence, id) != NULL);
        const char *e = prc_esc(p, id), *comma = *s ? ", " : "";
        if (n && strcmp(id, "-") != 0) s = known ? prc_page_text(p, "%s%s<a href=\"#%s-%s\">%s</a>", s, comma, prefix, e, e) : prc_page_text(p, "%s%s%s", s, comma, e);
        list += n;
        while (*list == ';' || *list == ' ') list++;
    }
    return *s ? s : PRC_DASH;
}

const char *prc_source_links(prc_page *p, const char *list)
{
    return links(p, list, "study", true);
}

const char *prc_evidence_links(prc_page *p, const char *list)
{
    return links(p, list, "ev", false);
}

const char *prc_input_path(const char *path)
{
    static const char *const folder[] = {"models/", "evidence/"};
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof folder / sizeof *folder; i++)
        for (const char *s = path; (s = strstr(s, folder[i])) != NULL; s++)
            if (s == path || s[-1] == '/') found = s;
    return found ? found : strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

/* ---- rows of the ledger that this trial reads ---- */

static bool arm_uses(const prc_arm *a, const prc_row *row)
{
    for (size_t i = 0; i < a->n_course; i++) {
        const prc_course *c = &a->course[i];
        if (row->route && !same_text(c->route, row->route)) continue;
        if (row->product && !same_text(c->product, row->product)) continue;
        if (!row->product || !row->key) return true;
        for (size_t k = 0; k < c->n_property; k++) {
            if (!same_text(c->property[k], row->key)) continue;
            /* a comparison (">60") depends on the number: taken as used */
            if (!row->level || strchr("<>=", row->level[0]) || same_text(c->level[k], row->level)) return true;
        }
    }
    return false;
}

bool prc_row_used(const prc_page *p, const prc_row *row)
{
    if (!row->route && !row->product) return true;
    for (size_t a = 0; a < p->n_arm; a++)
        if (arm_uses(&p->spec->arms->arm[a], row)) return true;
    return false;
}

double prc_influence_least(const prc_page *p)
{
    double chance = p->range && p->range->n_used > 3 ? 1.959963984540054 / sqrt((double)p->range->n_used - 1) : 1;
    return chance > 0.2 ? chance : 0.2;
}

size_t prc_influences(prc_page *p, double least, const prc_influence ***out)
{
    size_t n = 0, most = p->range ? p->range->n_influence : 0;
    const prc_influence **list = prc_page_alloc(p, most, sizeof *list);
    for (size_t i = 0; list && i < most; i++) {
        const prc_influence *k = &p->range->influence[i];
        if (k->row >= 0 && (size_t)k->row < p->c->n_row && fabs(k->rho) >= least && prc_row_used(p, &p->c->row[k->row])) list[n++] = k;
    }
    *out = list;
    return n;
}

/* ---- checks ---- */

bool prc_measure_is(const prc_check *k, const char *measure, const char *observable)
{
    size_t n = strlen(measure), m = strlen(observable);
    return k->measure && strncmp(k->measure, measure, n) == 0 && k->measure[n] == '(' && strncmp(k->measure + n + 1, observable, m) == 0 && k->measure[n + 1 + m] == ')';
}

int prc_match_decimals(const prc_check *k)
{
    static const char *const one[] = { "%", "mm", "mo", "pt", "d", "y", "%/y", "mm^2" };
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        if (k->unit && strcmp(k->unit, one[i]) == 0) return 1;
    return prc_decimals(isfinite(k->upper) ? fmax(fabs(k->lower), fabs(k->upper)) : k->predicted);
}

const char *prc_match_published(prc_page *p, const prc_check *k)
{
    int d = prc_match_decimals(k);
    bool words = !isfinite(k->published) && k->published_text && *k->published_text && strcmp(k->published_text, "-") != 0;
    const char *value = words ? k->published_text : prc_num(p, k->published, d), *unit = prc_unit_words(p, k->unit);
    if (isfinite(k->lower) && isfinite(k->upper))
        value = isfinite(k->published) ? prc_page_text(p, "%s (%s)", value, prc_interval(p, k->lower, k->upper, d, false)) : prc_interval(p, k->lower, k->upper, d, false);
    return isfinite(k->published) || isfinite(k->lower) ? prc_page_text(p, "%s%s%s", value, *unit ? " " : "", unit) : value;
}

const char *prc_match_predicted(prc_page *p, const prc_check *k)
{
    if (k->predicted_text[0] && (!isfinite(k->predicted) || strncmp(k->measure, "ordering", 8) == 0)) return replace_all(p, k->predicted_text, "-", PRC_MINUS);
    return prc_num(p, k->predicted, prc_match_decimals(k));
}

bool prc_check_shown(const prc_check *k)
{
    return k->verdict == PRC_NO_CHECK && k->note && strstr(k->note, "no check of cells");
}

double prc_miss_size(const prc_check *k)
{
    if (prc_check_shown(k)) return 0;
    if (k->verdict != PRC_OUTSIDE && k->verdict != PRC_NO_CHECK) return 0;
    double half = (k->upper - k->lower) / 2, off = 1;
    if (isfinite(half) && half > 0 && isfinite(k->predicted))
        off = (k->predicted > k->upper ? k->predicted - k->upper : k->lower - k->predicted) / half;
    return (off > 0 ? off : 0.01) + (k->wrong_sign ? 1e6 : 0);
}

static int worst_first(const void *a, const void *b)
{
    const prc_check *x = *(const prc_check *const *)a, *y = *(const prc_check *const *)b;
    double dx = prc_miss_size(x), dy = prc_miss_size(y);
    if (dx > dy || dx < dy) return dx > dy ? -1 : 1;
    if (x->verdict != y->verdict) return x->verdict < y->verdict ? -1 : 1;
    return strcmp(x->id, y->id);
}

size_t prc_checks_sorted(prc_page *p, prc_role role, bool only_misses, const prc_check ***out)
{
    size_t n = 0;
    *out = NULL;
    if (!p->checks) return 0;
    const prc_check **list = prc_page_alloc(p, p->checks->n, sizeof *list);
    if (!list) return 0;
    for (size_t i = 0; i < p->checks->n; i++) {
        const prc_check *k = &p->checks->check[i];
        if (role != PRC_ROLE_COUNT && k->role != role) continue;
        if (!only_misses || k->verdict == PRC_OUTSIDE || (k->verdict == PRC_NO_CHECK && !prc_check_shown(k))) list[n++] = k;
    }
    qsort(list, n, sizeof *list, worst_first);
    *out = list;
    return n;
}

/* ---- start and end ---- */

static prc_status load_record(prc_page *p, prc_error *err)
{
    prc_evidence *e = p->in->evidence;
    if (!e) return PRC_OK;
    PRC_TRY(prc_evidence_outcomes(e, p->c->name, &p->outcome, &p->n_outcome, err));
    PRC_TRY(prc_evidence_studies(e, p->c->name, &p->study, &p->n_study, err));
    return prc_evidence_conflicts(e, p->c->name, &p->conflict, &p->n_conflict, err);
}

prc_status prc_page_init(prc_page *p, const prc_report_input *in, prc_error *err)
{
    *p = (prc_page){ .in = in, .r = in->trial, .checks = in->checks, .range = in->range };
    if (!in->trial || !in->trial->spec || in->trial->spec->n_endpoint == 0 || in->trial->spec->arms->n == 0)
        return prc_fail(err, PRC_E_VALUE, "the result holds no arm or no endpoint");
    p->spec = in->trial->spec;
    p->c = p->spec->condition;
    p->arena = prc_arena_create();
    if (!p->arena) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    p->n_arm = p->spec->arms->n;
    p->n_pop = p->spec->n_population;
    p->primary = &p->spec->endpoint[0];
    p->ob = &p->c->observable[p->primary->observable];
    p->reference = p->primary->versus >= 0 ? p->primary->versus : 0;
    name_arms(p);
    if (p->failed) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    p->headline = prc_best_arm(p, 0);
    return load_record(p, err);
}

void prc_page_reset(prc_page *p)
{
    prc_text_reset(&p->out);
    prc_arena_free(p->arena);
    *p = (prc_page){ 0 };
}
