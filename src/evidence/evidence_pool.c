/* The pooled record: which rows of a condition are comparable primary results, and their random-effects mean. */
#include "evidence_int.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "paracrine/meta.h"

#define MONTH 30.4375
static const int WINDOW[] = { 1, 3, 6, 12, 24 };
#define COUNT(a) (sizeof(a) / sizeof *(a))

typedef struct pool_work {
    prc_evidence *e;
    size_t n;
    prc_pool_row *row;
    size_t *group;     /* n: number of the group, SIZE_MAX = none */
    bool *r_zero;      /* n */
} pool_work;

const char *prc_pool_drop_name(prc_pool_drop d)
{
    static const char *const name[PRC_POOL_DROP_COUNT] = {
        "pooled", "meta-analysis or systematic review", "source is neither paper nor registry", "no primary clinical study", "shared patients", "no number", "measured at baseline", "no n", "no spread",
        "neither comparator nor baseline", "no usable time", "another row of the same study", "only study of its kind",
    };
    return (unsigned)d < PRC_POOL_DROP_COUNT ? name[d] : "?";
}

/* Where `part` occurs in s, case aside. */
static const char *within(const char *s, const char *part)
{
    size_t n = strlen(part);
    for (; s && *s; s++) {
        size_t i = 0;
        while (i < n && s[i] && tolower((unsigned char)s[i]) == part[i]) i++;
        if (i == n) return s;
    }
    return NULL;
}

static bool same(const char *a, const char *b)
{
    if (!a || !b) return a == b;
    for (; *a && tolower((unsigned char)*a) == tolower((unsigned char)*b); a++) b++;
    return *a == *b;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Does a note say that patients are counted elsewhere too? "no overlap" does not. */
static bool says_shared(const char *s)
{
    static const char *const denial[] = { "no ", "non-", "not ", "without " };
    for (const char *at = s; (at = within(at, "overlap")); at++) {
        bool denied = false;
        for (size_t i = 0; i < COUNT(denial); i++) {
            size_t n = strlen(denial[i]);
            denied |= (size_t)(at - s) >= n && within(at - n, denial[i]) == at - n;
        }
        if (!denied) return true;
    }
    static const char *const word[] = { "shares ", "shared " };
    for (size_t i = 0; i < COUNT(word); i++) {
        const char *at = within(s, word[i]);
        if (at && (within(at, "patients") || within(at, "trial"))) return true;
    }
    return within(s, "same patients") || within(s, "count once");
}

static int blinding_of(const prc_study *s)
{
    if (within(s->blinding, "open") || within(s->blinding, "unblind")) return within(s->blinding, "mixed") ? -1 : 0;
    if (within(s->blinding, "blind") || within(s->blinding, "placebo") || within(s->blinding, "double")) return 1;
    return -1;
}

static bool is_ratio(const char *unit)
{
    return same(unit, "RR") || same(unit, "OR") || same(unit, "HR") || same(unit, "IRR");
}

/* Is the value itself a difference to a comparator (as the name or the measure says), or itself a change from baseline? */
static bool is_difference(const prc_outcome_row *r)
{
    return is_ratio(r->unit) || same(r->unit, "SMD") || same(r->unit, "RD") || within(r->endpoint, "difference") || within(r->endpoint, "_wmd") || within(r->endpoint, "_smd") || within(r->endpoint, "_vs_");
}

static bool is_change(const prc_outcome_row *r)
{
    return within(r->endpoint, "change") != NULL;
}

/* SD of the same measurement at day 0, NaN if the record has none. */
static double baseline_sd(const pool_work *w, const prc_outcome_row *r)
{
    for (size_t i = 0; i < w->e->n_outcome; i++) {
        const prc_outcome_row *b = &w->e->outcome[i];
        if (b->time_days == 0 && same(b->study, r->study) && same(b->arm, r->arm) && same(b->endpoint, r->endpoint) && same(b->unit, r->unit) && same(b->spread_kind, "sd") && b->value == r->baseline) return b->spread;
    }
    return (double)NAN;
}

/* Variance of a value from its own spread; NaN if that does not give one. controlled: an SD does not say how n is split, so it is no use. */
static double own_variance(const prc_outcome_row *r, bool controlled)
{
    double level = same(r->spread_kind, "ci95") ? 0.975 : same(r->spread_kind, "ci90") ? 0.95 : 0;
    bool ratio = is_ratio(r->unit);
    if (level > 0 && r->lower < r->upper && (!ratio || r->lower > 0)) {
        double width = ratio ? log(r->upper) - log(r->lower) : r->upper - r->lower, se = width / (2 * prc_norm_inv(level));
        return se * se;
    }
    if (ratio || !(r->spread > 0)) return (double)NAN;
    if (same(r->spread_kind, "se")) return r->spread * r->spread;
    if (same(r->spread_kind, "sd") && !controlled) return r->spread * r->spread / r->n;
    return (double)NAN;
}

static bool has_spread(const prc_outcome_row *r)
{
    if (same(r->spread_kind, "sd") || same(r->spread_kind, "se")) return r->spread > 0;
    return (same(r->spread_kind, "ci95") || same(r->spread_kind, "ci90")) && r->lower < r->upper;
}

static const char *product_of(const prc_evidence *e, const prc_outcome_row *r)
{
    const prc_evidence_arm *a = prc_evidence_arm_by_id(e, r->arm);
    return a ? a->product : "";
}

/* The row is about patients who got no cells. */
static bool control_arm(const prc_evidence *e, const prc_outcome_row *r)
{
    static const char *const control[] = { "saline", "placebo", "standard-care", "hyaluronic-acid", "corticosteroid" };
    for (size_t i = 0; i < COUNT(control); i++)
        if (same(product_of(e, r), control[i])) return true;
    return false;
}

/* The effect of a row and its variance; false with the reason where there is none. */
static bool effect_of(const pool_work *w, size_t i)
{
    prc_pool_row *m = &w->row[i];
    const prc_outcome_row *r = m->row;
    m->controlled = is_difference(r);
    if (!m->controlled && control_arm(w->e, r)) {
        m->drop = PRC_POOL_COMPARISON;
        m->why = "a control arm on its own";
    } else if (!m->controlled && r->comparator_value && *r->comparator_value && strcmp(r->comparator_value, "-") != 0) {
        m->drop = PRC_POOL_SPREAD;
        m->why = "value and comparator are given apart, the difference has no spread";
    } else if (m->controlled || is_change(r)) {
        m->yi = is_ratio(r->unit) ? (r->value > 0 ? log(r->value) : (double)NAN) : r->value;
        m->vi = own_variance(r, m->controlled);
        if (!(m->vi > 0) || !isfinite(m->yi)) {
            m->drop = PRC_POOL_SPREAD;
            m->why = m->controlled && same(r->spread_kind, "sd") ? "an SD without the n of both arms gives no standard error" : "the spread gives no standard error";
        }
    } else if (isfinite(r->baseline)) {
        double sd = baseline_sd(w, r);
        if (same(r->spread_kind, "sd") && sd > 0) {
            m->yi = r->value - r->baseline;
            m->vi = (r->spread * r->spread + sd * sd) / r->n;
            w->r_zero[i] = true;
        } else {
            m->drop = PRC_POOL_SPREAD;
            m->why = "the spread is of the level after treatment and the baseline has no SD";
        }
    } else {
        m->drop = PRC_POOL_COMPARISON;
        m->why = "a level after treatment, with neither comparator nor baseline";
    }
    if (m->drop) m->yi = m->vi = (double)NAN;
    return !m->drop;
}

/* Nearest window on a log scale, 0 when it is further than a factor of two. */
static int window_of(double days)
{
    int best = 0;
    double least = log(2) + 1e-9;
    for (size_t i = 0; i < COUNT(WINDOW); i++) {
        double d = fabs(log(days / MONTH / WINDOW[i]));
        if (d < least) {
            least = d;
            best = WINDOW[i];
        }
    }
    return best;
}

static bool is_primary(const char *design)
{
    static const char *const none[] = { "review", "model", "animal", "vendor", "in vitro" };
    for (size_t i = 0; i < COUNT(none); i++)
        if (within(design, none[i])) return false;
    return *design && strcmp(design, "-") != 0;
}

/* Everything about a row that does not depend on the others of its group. */
static void judge(const pool_work *w, size_t i)
{
    prc_pool_row *m = &w->row[i];
    const prc_outcome_row *r = m->row;
    const prc_study *s = prc_evidence_study(w->e, r->study);
    m->yi = m->vi = (double)NAN;
    m->blinding = s ? blinding_of(s) : -1;
    m->why = "";
    if (s && (within(s->design, "meta-analysis") || within(s->design, "systematic") || within(s->source_kind, "meta"))) m->drop = PRC_POOL_META;
    else if (!s || (!same(s->source_kind, "paper") && !same(s->source_kind, "registry"))) m->drop = PRC_POOL_SOURCE;
    else if (!is_primary(s->design)) m->drop = PRC_POOL_DESIGN;
    else if (says_shared(r->note) || says_shared(s->quality_note)) m->drop = PRC_POOL_OVERLAP;
    else if (!isfinite(r->value)) m->drop = PRC_POOL_VALUE;
    else if (r->time_days == 0) m->drop = PRC_POOL_BASELINE;
    else if (!(r->n > 0)) m->drop = PRC_POOL_N;
    else if (!has_spread(r)) m->drop = PRC_POOL_SPREAD;
    if (m->drop) {
        m->why = m->drop != PRC_POOL_OVERLAP ? prc_pool_drop_name(m->drop) : says_shared(r->note) ? r->note : s->quality_note;
        return;
    }
    if (!effect_of(w, i)) return;
    m->month = window_of(r->time_days > 0 ? r->time_days : (double)NAN);
    if (!m->month) {
        m->drop = PRC_POOL_TIME;
        m->why = r->time_days > 0 ? "further than a factor of two from 1, 3, 6, 12 and 24 months" : "no time given";
    }
}

static bool comparable(const prc_evidence *e, const prc_pool_row *a, const prc_pool_row *b)
{
    bool exosomes = same(product_of(e, a->row), "exosomes"), other = same(product_of(e, b->row), "exosomes");
    return exosomes == other && a->month == b->month && a->controlled == b->controlled && same(a->row->endpoint, b->row->endpoint) && same(a->row->unit, b->row->unit) &&
           same_number(a->row->scale_min, b->row->scale_min) && same_number(a->row->scale_max, b->row->scale_max);
}

static double off_window(const prc_pool_row *m)
{
    return fabs(log(m->row->time_days / MONTH / m->month));
}

/* Of two rows of one study the one nearer to the window stands, then the larger n, then the earlier row. */
static bool better(const prc_pool_row *a, const prc_pool_row *b)
{
    double d = off_window(a) - off_window(b);
    return fabs(d) > 1e-9 ? d < 0 : a->row->n > b->row->n;
}

static bool same_publication(const prc_evidence *e, const char *a, const char *b)
{
    static const char *const names[] = { "PMC", "PMID", "10.", "NCT", "ISRCTN", "EUCTR" };
    const prc_study *s = prc_evidence_study(e, a), *t = prc_evidence_study(e, b);
    if (!s || !t || !same(s->identifier, t->identifier)) return false;
    for (size_t i = 0; i < COUNT(names); i++)
        if (!strncmp(s->identifier, names[i], strlen(names[i]))) return true;
    return false;
}

/* One row a study, one study a publication. */
static prc_status settle(const pool_work *w, prc_error *err)
{
    for (size_t i = 0; i < w->n; i++)
        for (size_t k = i + 1; k < w->n && !w->row[i].drop; k++) {
            prc_pool_row *a = &w->row[i], *b = &w->row[k];
            if (b->drop || !comparable(w->e, a, b)) continue;
            bool one = same(a->row->study, b->row->study);
            if (!one && !same_publication(w->e, a->row->study, b->row->study)) continue;
            prc_pool_row *out = better(b, a) ? a : b, *kept = out == a ? b : a;
            out->drop = one ? PRC_POOL_REPEAT : PRC_POOL_OVERLAP;
            out->why = prc_arena_printf(w->e->arena, one ? "same study as %s, which stands for it" : "same publication as %s", kept->row->id);
            if (!out->why) return prc_fail(err, PRC_E_MEMORY, "out of memory");
        }
    return PRC_OK;
}

/* Gives every row left a group of at least two studies; returns the number of groups. */
static size_t make_groups(const pool_work *w)
{
    size_t n_group = 0;
    for (size_t i = 0; i < w->n; i++) w->group[i] = SIZE_MAX;
    for (size_t i = 0; i < w->n; i++) {
        size_t k = 1;
        if (w->row[i].drop || w->group[i] != SIZE_MAX) continue;
        for (size_t j = i + 1; j < w->n; j++)
            if (!w->row[j].drop && comparable(w->e, &w->row[i], &w->row[j])) {
                w->group[j] = n_group;
                k++;
            }
        if (k > 1) {
            w->group[i] = n_group++;
            continue;
        }
        w->row[i].drop = PRC_POOL_ALONE;
        w->row[i].why = "the only study of its endpoint, scale, time window and comparison";
    }
    return n_group;
}

static prc_pool_fit fit_of(const prc_meta_fit *f, bool ratio)
{
    prc_pool_fit r = { .k = f->k, .estimate = f->beta[0], .lower = f->ci_lb[0], .upper = f->ci_ub[0], .pi_lower = f->pi_lb, .pi_upper = f->pi_ub, .tau2 = f->tau2, .I2 = f->I2 };
    if (f->k < 2) r.pi_lower = r.pi_upper = r.tau2 = r.I2 = (double)NAN;
    if (ratio) {
        double *x[] = { &r.estimate, &r.lower, &r.upper, &r.pi_lower, &r.pi_upper };
        for (size_t i = 0; i < COUNT(x); i++) *x[i] = exp(*x[i]);
    }
    return r;
}

/* Blinded against open label, where both occur; studies of unknown or mixed blinding are in neither. */
static prc_status fit_parts(const double *yi, const double *vi, const int *blinding, size_t k, prc_pool_group *g, prc_error *err)
{
    double df = 0, q = 0, *known = prc_calloc(k, 2 * sizeof *known);
    int *part = prc_calloc(k, sizeof *part);
    size_t n[2] = { 0 }, m = 0;
    prc_meta_fit fit[2] = { 0 };
    prc_meta_options o = prc_meta_default();
    prc_status st = known && part ? PRC_OK : prc_fail(err, PRC_E_MEMORY, "out of memory");
    if (st != PRC_OK) goto out;
    for (size_t i = 0; i < k; i++)
        if (blinding[i] >= 0) {
            known[m] = yi[i];
            known[k + m] = vi[i];
            part[m++] = blinding[i];
            n[blinding[i]]++;
        }
    if (!n[0] || !n[1]) goto out;
    PRC_GO(st, prc_meta_subgroups(known, known + k, part, m, 2, &o, fit, &q, &df, &g->q_p, err));
    g->open = fit_of(&fit[0], g->ratio);
    g->blinded = fit_of(&fit[1], g->ratio);
out:
    prc_meta_fit_reset(&fit[0]);
    prc_meta_fit_reset(&fit[1]);
    prc_free(known);
    prc_free(part);
    return st;
}

static prc_status fit_group(const pool_work *w, size_t number, prc_pool_group *g, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_text studies = { 0 }, rows = { 0 };
    prc_meta_fit fit = { 0 };
    prc_meta_options o = prc_meta_default();
    double *yi = prc_calloc(w->n, sizeof *yi), *vi = prc_calloc(w->n, sizeof *vi);
    int *blinding = prc_calloc(w->n, sizeof *blinding);
    size_t k = 0;
    if (!yi || !vi || !blinding) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < w->n; i++) {
        const prc_pool_row *m = &w->row[i];
        if (w->group[i] != number) continue;
        if (!k) {
            g->endpoint = m->row->endpoint;
            g->unit = m->row->unit;
            g->month = m->month;
            g->controlled = m->controlled;
            g->ratio = is_ratio(m->row->unit);
        }
        prc_text_printf(&studies, "%s%s", k ? "; " : "", m->row->study);
        prc_text_printf(&rows, "%s%s", k ? "; " : "", m->row->id);
        g->n += m->row->n;
        g->r_zero |= w->r_zero[i];
        blinding[k] = m->blinding;
        yi[k] = m->yi;
        vi[k++] = m->vi;
    }
    g->q_p = (double)NAN;
    g->studies = studies.failed ? NULL : prc_arena_strdup(w->e->arena, studies.s);
    g->rows = rows.failed ? NULL : prc_arena_strdup(w->e->arena, rows.s);
    if (!g->studies || !g->rows) {
        st = prc_fail(err, PRC_E_MEMORY, "out of memory");
        goto out;
    }
    PRC_GO(st, prc_meta_fit_uni(yi, vi, NULL, k, 1, &o, &fit, err));
    g->all = fit_of(&fit, g->ratio);
    PRC_GO(st, fit_parts(yi, vi, blinding, k, g, err));
out:
    prc_meta_fit_reset(&fit);
    prc_text_reset(&studies);
    prc_text_reset(&rows);
    prc_free(yi);
    prc_free(vi);
    prc_free(blinding);
    return st;
}

static void clause(prc_text *t, size_t n, const char *one, const char *many)
{
    if (!n) return;
    size_t at = t->n;
    prc_text_printf(t, "%s%zu %s", at ? ", " : "", n, n == 1 ? one : many);
}

/* What was left out, in one sentence. */
static prc_status explain(const pool_work *w, prc_pool *p, prc_error *err)
{
    prc_text kept_out = { 0 }, lack = { 0 }, all = { 0 };
    const size_t *c = p->count;
    size_t primary = p->n_row - c[PRC_POOL_META] - c[PRC_POOL_SOURCE] - c[PRC_POOL_DESIGN];
    clause(&kept_out, c[PRC_POOL_META], "is a meta-analysis or systematic review (shown, never pooled)", "are meta-analyses or systematic reviews (shown, never pooled)");
    clause(&kept_out, c[PRC_POOL_SOURCE], "comes from a vendor page, the press or a model file", "come from vendor pages, the press or model files");
    clause(&kept_out, c[PRC_POOL_DESIGN], "is not from a primary clinical study", "are not from primary clinical studies");
    clause(&lack, c[PRC_POOL_OVERLAP], "shares patients with another", "share patients with others");
    clause(&lack, c[PRC_POOL_VALUE], "has no number", "have no number");
    clause(&lack, c[PRC_POOL_BASELINE], "was measured at baseline", "were measured at baseline");
    clause(&lack, p->lack_n, "lacks n", "lack n");
    clause(&lack, p->lack_spread, "lacks a spread", "lack a spread");
    clause(&lack, c[PRC_POOL_COMPARISON], "has neither comparator nor baseline", "have neither comparator nor baseline");
    clause(&lack, c[PRC_POOL_TIME], "has no time near a window", "have no time near a window");
    clause(&lack, c[PRC_POOL_REPEAT], "repeats a study", "repeat a study");
    clause(&lack, c[PRC_POOL_ALONE], "is the only study of its endpoint, scale, time window and comparison", "are each the only study of their endpoint, scale, time window and comparison");
    if (!p->n_row) prc_text_add(&all, "Nothing to pool: the record has no effect row.");
    else {
        if (p->n_group) prc_text_printf(&all, "%zu of %zu effect rows are pooled", c[PRC_POOL_USED], p->n_row);
        else prc_text_printf(&all, "Nothing to pool: no two primary studies report the same endpoint with n and a spread on one scale, in one time window and against one kind of comparison. Of %zu effect row%s", p->n_row, p->n_row == 1 ? "" : "s");
        if (kept_out.n) prc_text_printf(&all, "%s %s", p->n_group ? "; of the others" : "", kept_out.s);
        if (lack.n) prc_text_printf(&all, "%s of the %zu primary row%s %s%s", kept_out.n || p->n_group ? ";" : ",", primary, primary == 1 ? "" : "s", lack.s, p->lack_n && p->lack_spread ? " (a row may lack both)" : "");
        prc_text_add(&all, ".");
    }
    bool failed = kept_out.failed || lack.failed || all.failed;
    p->sentence = failed ? NULL : prc_arena_strdup(w->e->arena, all.s);
    prc_text_reset(&kept_out);
    prc_text_reset(&lack);
    prc_text_reset(&all);
    return p->sentence ? PRC_OK : prc_fail(err, PRC_E_MEMORY, "out of memory");
}

/* Each primary row with a number is counted for n and for spread, whatever the first reason was. */
static void count_rows(const pool_work *w, prc_pool *p)
{
    for (size_t i = 0; i < w->n; i++) {
        const prc_pool_row *m = &w->row[i];
        p->count[m->drop]++;
        p->lack_n += m->drop == PRC_POOL_N;
        p->lack_spread += m->drop == PRC_POOL_SPREAD || (m->drop == PRC_POOL_N && !has_spread(m->row));
    }
}

prc_status prc_evidence_pool(prc_evidence *e, const char *condition, const char *endpoint, const prc_pool **out, prc_error *err)
{
    const prc_outcome_row *row;
    pool_work w = { .e = e };
    PRC_TRY(prc_evidence_query(e, &(prc_evidence_filter){ .condition = condition, .endpoint = endpoint, .kind = "effect" }, &row, &w.n, err));
    prc_pool *p = prc_arena_alloc(e->arena, 1, sizeof *p);
    w.row = prc_arena_alloc(e->arena, w.n + 1, sizeof *w.row);
    w.group = prc_arena_alloc(e->arena, w.n + 1, sizeof *w.group);
    w.r_zero = prc_arena_alloc(e->arena, w.n + 1, sizeof *w.r_zero);
    if (!p || !w.row || !w.group || !w.r_zero) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < w.n; i++) w.row[i].row = &row[i];
    for (size_t i = 0; i < w.n; i++) judge(&w, i);
    PRC_TRY(settle(&w, err));
    p->n_group = make_groups(&w);
    prc_pool_group *group = prc_arena_alloc(e->arena, p->n_group + 1, sizeof *group);
    if (!group) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < p->n_group; i++) PRC_TRY(fit_group(&w, i, &group[i], err));
    p->group = group;
    p->row = w.row;
    p->n_row = w.n;
    count_rows(&w, p);
    PRC_TRY(explain(&w, p, err));
    *out = p;
    return PRC_OK;
}
