/* Courses over time: the noise-free values of the patients of each arm, with what was published at the same times. */
#include "report_int.h"

#include <math.h>
#include <string.h>

#define PRC_MAX_TIMES 60

/* Times shown: all up to PRC_MAX_TIMES, else evenly thinned with the last one kept. */
static size_t pick_times(size_t n_time, size_t index[PRC_MAX_TIMES])
{
    size_t n = n_time < PRC_MAX_TIMES ? n_time : PRC_MAX_TIMES;
    for (size_t i = 0; i < n; i++) index[i] = n > 1 ? i * (n_time - 1) / (n - 1) : 0;
    return n;
}

/* Quantiles of the patients randomised to the arm, at each time. */
static bool fill_series(prc_page *p, size_t pop, int arm, int ob, const size_t *index, size_t n, prc_series *s)
{
    double *x = prc_page_alloc(p, n, sizeof *x), *q = prc_page_alloc(p, 5 * n, sizeof *q);
    if (!x || !q) return false;
    bool any = false;
    for (size_t k = 0; k < n; k++) {
        const prc_trajectory *t = prc_trajectory_at(p->r, pop, (size_t)arm, (size_t)ob, index[k]);
        /* grades jump: the mean says more */
        double five[5] = { t->p05, t->p25, p->c->observable[ob].kind == PRC_OB_GRADE ? t->mean : t->p50, t->p75, t->p95 };
        any = any || t->n > 0;
        x[k] = p->r->population[pop].time[index[k]] / PRC_MONTH;
        for (size_t j = 0; j < 5; j++) q[j * n + k] = t->n ? five[j] : (double)NAN;
    }
    *s = (prc_series){ arm, n, x, q, q + n, q + 2 * n, q + 3 * n, q + 4 * n, arm == p->reference || arm == p->headline || p->n_arm <= 2 };
    return any;
}

/* Published values of the score itself, not differences: the checks hold them in the unit of the score. */
static void add_points(prc_page *p, int ob_index, prc_panel *d, int *number, prc_text *list)
{
    const prc_observable *ob = &p->c->observable[ob_index];
    prc_point *q = prc_page_alloc(p, p->checks ? p->checks->n : 0, sizeof *q);
    for (size_t i = 0; q && p->checks && i < p->checks->n; i++) {
        const prc_check *k = &p->checks->check[i];
        if (!prc_measure_is(k, "value", ob->name) || !isfinite(k->published) || !(k->at <= p->spec->horizon)) continue;
        q[d->n_point++] = (prc_point){ k->at / PRC_MONTH, k->published, k->lower, k->upper, prc_page_text(p, "%s: %s", k->title, prc_match_published(p, k)), ++*number };
        prc_text_printf(list, "%s%d %s: %s (%s)", *number > 1 ? "; " : "", *number, prc_esc(p, k->title), prc_esc(p, prc_match_published(p, k)), prc_evidence_links(p, k->evidence));
    }
    d->point = q;
}

static size_t dose_times(prc_page *p, double **out)
{
    size_t n = 0, most = 0;
    for (size_t a = 0; a < p->n_arm; a++)
        for (size_t k = 0; k < p->spec->arms->arm[a].n_course; k++) most += p->spec->arms->arm[a].course[k].n_time;
    double *t = prc_page_alloc(p, most, sizeof *t);
    for (size_t a = 0; t && a < p->n_arm; a++)
        for (size_t k = 0; k < p->spec->arms->arm[a].n_course; k++)
            for (size_t j = 0; j < p->spec->arms->arm[a].course[k].n_time; j++) {
                double v = p->spec->arms->arm[a].course[k].time[j] / PRC_MONTH;
                bool seen = false;
                for (size_t i = 0; i < n; i++) seen = seen || fabs(t[i] - v) < 1e-6;
                if (!seen) t[n++] = v;
            }
    *out = t;
    return t ? n : 0;
}

static const char *panel_unit(prc_page *p, const prc_observable *ob, bool log)
{
    const char *unit = prc_ob_unit(p, ob), *way = ob->direction < 0 ? "lower is better" : ob->direction > 0 ? "higher is better" : "";
    if (log) way = "logarithmic";
    if (ob->kind == PRC_OB_GRADE) way = prc_page_text(p, "mean%s%s", *way ? ", " : "", way);
    if (!*unit && !*way) return "dimensionless";
    return prc_page_text(p, "%s%s%s", unit, *unit && *way ? ", " : "", way);
}

/* Cell counts span decades: logarithmic from 1 on. */
static void choose_scale(prc_panel *d)
{
    double most = 0, least = HUGE_VAL;
    for (size_t i = 0; i < d->n_series; i++)
        for (size_t k = 0; k < d->series[i].n; k++) {
            double v = d->series[i].mid[k];
            if (v > most) most = v;
            if (v < least) least = v;
        }
    d->log = least >= 0 && most >= 1e4;
    d->log_floor = most * 1e-6 > 1 ? most * 1e-6 : 1;
    for (size_t i = 0; d->log && i < d->n_series; i++) d->series[i].band = false;
}

static bool fill_panel(prc_page *p, size_t pop, int ob, const size_t *index, size_t n, prc_panel *d)
{
    const prc_observable *o = &p->c->observable[ob];
    *d = (prc_panel){ .title = o->label ? o->label : o->name, .min = o->min, .max = o->max };
    d->series = prc_page_alloc(p, p->n_arm, sizeof *d->series);
    if (!d->series) return false;
    for (size_t a = 0; a < p->n_arm; a++)
        if (fill_series(p, pop, (int)a, ob, index, n, &d->series[d->n_series])) d->n_series++;
    if (o->kind == PRC_OB_READOUT || o->kind == PRC_OB_GRADE) {
        if (o->kind == PRC_OB_READOUT) choose_scale(d);
        for (size_t i = 0; i < d->n_series; i++) d->series[i].band = false;
    }
    d->unit = panel_unit(p, o, d->log);
    return d->n_series > 0;
}

void prc_report_panels(prc_page *p, size_t pop, unsigned kinds, bool record, const char *id, const char *title, int columns)
{
    const prc_population_run *run = &p->r->population[pop];
    size_t index[PRC_MAX_TIMES], figure = 0;
    if (!run->trajectory || run->n_time == 0) return;
    size_t n_time = pick_times(run->n_time, index);
    size_t randomised = 0;
    for (size_t a = 0; a < p->n_arm; a++) randomised += prc_arm_size(p, pop, (int)a);
    double *dose;
    prc_panel *panel = prc_page_alloc(p, p->c->n_observable, sizeof *panel);
    if (!panel) return;
    prc_panels all = { .panel = panel, .horizon = run->time[run->n_time - 1] / PRC_MONTH, .columns = columns };
    all.n_dose = dose_times(p, &dose);
    all.dose = dose;
    size_t n = 0;
    prc_text list = { 0 };
    int number = 0;
    size_t *of = prc_page_alloc(p, p->c->n_observable, sizeof *of);
    for (size_t o = 0; of && o < p->c->n_observable; o++) {
        if (!(kinds & (1u << p->c->observable[o].kind))) continue;
        if (fill_panel(p, pop, (int)o, index, n_time, &panel[n])) of[n++] = o;
    }
    /* three rows a figure, so that one fits on a page with its title, shared out evenly */
    size_t row = (size_t)columns, n_figure = (n + 3 * row - 1) / (3 * row), each = n_figure ? (n + n_figure - 1) / n_figure : 1, per_figure = (each + row - 1) / row * row;
    for (size_t at = 0; at < n; at += per_figure, figure++) {
        all.n = n - at < per_figure ? n - at : per_figure;
        all.panel = panel + at;
        prc_text_reset(&list);
        number = 0;
        for (size_t k = 0; record && k < all.n; k++) add_points(p, (int)of[at + k], &all.panel[k], &number, &list);
        const char *bands = "";
        for (size_t k = 0; k < all.n && !*bands; k++)
            for (size_t s = 0; s < all.panel[k].n_series; s++)
                if (all.panel[k].series[s].band) bands = p->n_arm > 2 ? prc_page_text(p, " Bands: the middle 50\xe2\x80\xaf%% and 90\xe2\x80\xaf%% of patients, for %s and %s only, so that they can be told apart.",
                                                                                      prc_esc(p, p->arm_short[p->reference]), prc_esc(p, p->arm_short[p->headline]))
                                                                       : " Bands: the middle 50\xe2\x80\xaf% and 90\xe2\x80\xaf% of patients.";
        const char *source = prc_page_text(p, "Source: this run, noise-free values of the patients randomised to each arm (%s in all), median.%s%s%s%s",
                                           prc_count_text(p, randomised), bands, list.s ? " Published: " : "", list.s ? list.s : "", list.s ? ". Other patients, not matched to these." : "");
        if (list.failed) p->failed = true;
        prc_figure(p, figure ? prc_page_text(p, "%s-%zu", id, figure + 1) : id, figure ? prc_page_text(p, "%s, continued", title) : title, prc_chart_lines, &all, source);
    }
    prc_text_reset(&list);
    if (n == 0) prc_h(p, "<p class=\"soft\">The condition declares none.</p>\n");
}

void prc_report_over_time(prc_page *p)
{
    prc_section(p, "over-time", "Over time", "What happens in the patients themselves, before a questionnaire, a placebo response or noise gets in between.");
    for (size_t pop = 0; pop < p->n_pop; pop++) {
        const char *who = p->n_pop > 1 ? prc_page_text(p, " (%s)", prc_pop_name(p, pop)) : "";
        prc_report_panels(p, pop, 1u << PRC_OB_SCORE | 1u << PRC_OB_IMAGE | 1u << PRC_OB_GRADE, true, prc_page_text(p, "time-%zu", pop),
                          prc_page_text(p, "Scores and images over time by arm%s", who), 2);
    }
    prc_section_end(p);
}
