/* Responders, times to events, relief, adverse events, costs. */
#include "report_int.h"

#include <math.h>
#include <string.h>

static const char *in_pop(prc_page *p, size_t pop)
{
    return p->n_pop > 1 ? prc_page_text(p, " (%s)", prc_pop_name(p, pop)) : "";
}

/* Number needed to treat with its interval; where the interval of the difference holds 0 there is none. */
static const char *nnt(prc_page *p, const prc_estimate *rd)
{
    if (!isfinite(rd->estimate) || !isfinite(rd->ci_lb)) return PRC_DASH;
    if (rd->ci_lb <= 0 && rd->ci_ub >= 0) return PRC_DASH;
    double a = 1 / fabs(rd->ci_lb), b = 1 / fabs(rd->ci_ub);
    return prc_page_text(p, "%s (%s to %s)%s", prc_num(p, ceil(1 / fabs(rd->estimate) - 1e-9), 0), prc_num(p, ceil(fmin(a, b) - 1e-9), 0), prc_num(p, ceil(fmax(a, b) - 1e-9), 0),
                         rd->estimate < 0 ? " to harm" : "");
}

static void responders(prc_page *p, size_t pop, const prc_endpoint_result *x, size_t k)
{
    int ref = x->endpoint->versus;
    prc_bar *bar = prc_page_alloc(p, p->n_arm, sizeof *bar);
    prc_bars d = { p->n_arm, bar, 0, 100, "responders (% of patients evaluated)", 150 };
    const prc_observable *ob = &p->c->observable[x->endpoint->observable];
    for (size_t a = 0; bar && a < p->n_arm; a++) {
        const prc_estimate *r = &x->rate[a];
        bar[a] = (prc_bar){ .label = p->arm_short[a], .arm = (int)a, .x = 100 * r->estimate, .lower = 100 * r->ci_lb, .upper = 100 * r->ci_ub };
        bar[a].sub = prc_page_text(p, "%s of %s", prc_count_text(p, x->responders[a]), prc_count_text(p, x->evaluated[a]));
        bar[a].value = (int)a == ref ? prc_percent(p, r->estimate, 0) : prc_page_text(p, "%s; NNT %s", prc_percent(p, r->estimate, 0), nnt(p, &x->risk_diff[a]));
    }
    if (!bar) return;
    const char *label = ob->label ? ob->label : ob->name;
    const char *gain = isfinite(x->mcid) ? prc_page_text(p, "%s%s%s", prc_num(p, fabs(x->mcid), fabs(x->mcid - round(x->mcid)) < 1e-9 ? 0 : 1), x->mcid_unit && *x->mcid_unit == '%' ? "\xe2\x80\xaf" : " ", x->mcid_unit && strcmp(x->mcid_unit, "1") != 0 ? x->mcid_unit : "") : PRC_DASH;
    prc_figure(p, prc_page_text(p, "responders-%zu-%zu", pop, k), prc_page_text(p, "Responders at %s: %s better by %s or more%s", prc_days(p, x->endpoint->at), label, gain, in_pop(p, pop)), prc_chart_bars, &d,
               prc_page_text(p, "Source: this run; n beside each bar, patients without a value do not respond. Lines: Wilson 95\xe2\x80\xaf%% intervals. NNT: number needed to treat against %s, from the Miettinen-Nurminen interval; none (\xe2\x80\x93) where that interval includes no difference. MCID source: %s.",
                             prc_esc(p, p->arm_short[ref]), prc_source_links(p, x->mcid_source)));
}

static void event_table(prc_page *p, const prc_endpoint_result *x, const char *caption)
{
    prc_table_begin(p, caption);
    prc_h(p, "<thead><tr><th>Arm</th><th>With the event by %s, %% (95\xe2\x80\xaf%%)</th><th>True, %%</th></tr></thead><tbody>\n", prc_days(p, x->endpoint->at));
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_estimate e = x->survival ? x->survival[a] : (prc_estimate){ .estimate = (double)NAN };
        prc_estimate pct = { .estimate = 100 * (1 - e.estimate), .ci_lb = 100 * (1 - e.ci_ub), .ci_ub = 100 * (1 - e.ci_lb) };
        prc_h(p, "<tr><th>%s</th><td>%s</td><td>%s</td></tr>\n", prc_esc(p, p->arm_short[a]), prc_estimate_text(p, &pct, 1, false), prc_num(p, x->event_pct_true ? x->event_pct_true[a] : (double)NAN, 1));
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
}

static void time_to_event(prc_page *p, size_t pop, const prc_endpoint_result *x, size_t k)
{
    const prc_observable *ob = &p->c->observable[x->endpoint->observable];
    const char *label = ob->label ? ob->label : ob->name;
    int *arm = prc_page_alloc(p, p->n_arm, sizeof *arm);
    if (!arm) return;
    double least = 100;
    for (size_t a = 0; a < p->n_arm; a++) {
        arm[a] = (int)a;
        for (size_t i = 0; i < x->km[a].n_step; i++)
            if (100 * x->km[a].surv[i] < least) least = 100 * x->km[a].surv[i];
    }
    prc_km_chart d = { p->n_arm, x->km, arm, p->spec->horizon / PRC_MONTH, "without the event (%)", least > 60 ? least - 0.25 * (100 - least) - 0.5 : 0 };
    prc_figure(p, prc_page_text(p, "km-%zu-%zu", pop, k), prc_page_text(p, "%s: time to the event, with numbers at risk%s", label, in_pop(p, pop)), prc_chart_km, &d,
               prc_page_text(p, "Source: this run, Kaplan-Meier; patients who left are censored.%s Log-rank test of all arms: chi-square %s, %s df, p %s%s.", d.y_low > 0 ? " The axis does not start at 0." : "", prc_num(p, x->logrank.stat, 1),
                             prc_num(p, x->logrank.df, 0), x->logrank.p < 0.001 ? "" : "= ", prc_esc(p, prc_p_text(p, x->logrank.p))));
    event_table(p, x, prc_page_text(p, "%s by arm%s", prc_esc(p, label), prc_esc(p, in_pop(p, pop))));
}

static void relief(prc_page *p, size_t pop, const prc_endpoint_result *x)
{
    prc_table_begin(p, prc_page_text(p, "%s by arm%s", prc_esc(p, prc_endpoint_title(p, x->endpoint)), prc_esc(p, in_pop(p, pop))));
    prc_h(p, "<thead><tr><th>Arm</th><th class=\"r\">Mean, months</th></tr></thead><tbody>\n");
    for (size_t a = 0; a < p->n_arm; a++) prc_h(p, "<tr><th>%s</th><td class=\"r\">%s</td></tr>\n", prc_esc(p, p->arm_short[a]), prc_num(p, x->duration_mean[a], 1));
    prc_h(p, "</tbody>");
    prc_table_end(p);
    prc_h(p, "<p class=\"source\">Months for which the gain from baseline stays at or above the MCID.</p>\n");
}

/* A secondary score analysed by ANCOVA. */
static void secondary(prc_page *p, size_t pop, const prc_endpoint_result *x)
{
    int d = prc_ob_decimals(&p->c->observable[x->endpoint->observable]), ref = x->endpoint->versus;
    prc_table_begin(p, prc_page_text(p, "%s by arm, 95\xe2\x80\xaf%% intervals%s", prc_esc(p, prc_endpoint_title(p, x->endpoint)), prc_esc(p, in_pop(p, pop))));
    prc_h(p, "<thead><tr><th>Arm</th><th>Mean (LS)</th><th>Difference</th><th>p</th><th>True difference</th></tr></thead><tbody>\n");
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_h(p, "<tr><th>%s</th><td>%s</td>", prc_esc(p, p->arm_short[a]), prc_estimate_text(p, &x->ls_mean[a], d, true));
        if ((int)a == ref) prc_h(p, "<td colspan=\"3\" class=\"soft\">reference</td></tr>\n");
        else prc_h(p, "<td>%s</td><td>%s</td><td>%s</td></tr>\n", prc_estimate_text(p, &x->diff[a], d, true), prc_esc(p, prc_p_text(p, x->diff[a].p)), prc_signed(p, x->true_diff ? x->true_diff[a] : (double)NAN, d));
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
}

static void endpoints(prc_page *p, size_t pop)
{
    for (size_t k = 0; k < p->spec->n_endpoint; k++) {
        const prc_endpoint_result *x = prc_result_of(p, pop, &p->spec->endpoint[k]);
        if (!x) continue;
        if (x->rate && x->responders && x->risk_diff && (x->endpoint->analyses & (1u << PRC_AN_RESPONDER))) responders(p, pop, x, k);
        if (k > 0 && x->ls_mean && x->diff && (x->endpoint->analyses & (1u << PRC_AN_ANCOVA))) secondary(p, pop, x);
        if (x->km && (x->endpoint->analyses & (1u << PRC_AN_KAPLAN_MEIER | 1u << PRC_AN_LOGRANK))) time_to_event(p, pop, x, k);
        if (x->duration_mean && (x->endpoint->derived_relief || x->endpoint->analyses & (1u << PRC_AN_DURATION))) relief(p, pop, x);
    }
}

/* ---- adverse events ---- */

/* k: number of the event in the trial file, or their number for any of them. */
static void adverse_row(prc_page *p, size_t pop, size_t k, const char *label)
{
    size_t ref_n = prc_arm_size(p, pop, p->reference), ref = prc_ae_patients(p->r, pop, (size_t)p->reference, k);
    prc_h(p, "<tr><th>%s</th>", label);
    for (size_t a = 0; a < p->n_arm; a++) {
        size_t n = prc_arm_size(p, pop, (int)a), m = prc_ae_patients(p->r, pop, a, k);
        prc_h(p, "<td class=\"nw\">%s (%s)", prc_count_text(p, m), prc_num(p, n ? 100 * (double)m / (double)n : (double)NAN, 1));
        if ((int)a != p->reference && n && ref_n && m + ref > 0) {
            prc_estimate rr = prc_stat_risk_ratio(m, n, ref, ref_n, 0.95);
            prc_h(p, "<br><small class=\"soft\">RR %s</small>", prc_estimate_text(p, &rr, 2, false));
        }
        prc_h(p, "</td>");
    }
    prc_h(p, "</tr>\n");
}

static void adverse_events(prc_page *p, size_t pop)
{
    if (p->spec->n_adverse == 0) return;
    prc_table_begin(p, prc_page_text(p, "Patients with adverse events by arm%s: number (%%), risk ratio to %s with 95\xe2\x80\xaf%% interval", prc_esc(p, in_pop(p, pop)), prc_esc(p, p->arm_short[p->reference])));
    prc_h(p, "<thead><tr><th></th>");
    for (size_t a = 0; a < p->n_arm; a++) prc_h(p, "<th>%s<br><small>n = %s</small></th>", prc_esc(p, p->arm_short[a]), prc_count_text(p, prc_arm_size(p, pop, (int)a)));
    prc_h(p, "</tr></thead><tbody>\n");
    adverse_row(p, pop, p->spec->n_adverse, "Any of these");
    for (size_t i = 0; i < p->spec->n_adverse; i++) {
        int k = p->spec->adverse[i];
        adverse_row(p, pop, i, prc_esc(p, p->c->adverse[k].label ? p->c->adverse[k].label : p->c->adverse[k].name));
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
    prc_h(p, "<p class=\"source\">Drawn with published or assumed probabilities per administration; the model computes no harm of its own, and rare harms are not represented.</p>\n");
}

static void costs(prc_page *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_outcome; i++) n += strcmp(p->outcome[i].kind, "cost") == 0;
    if (!n) return;
    prc_subhead(p, "costs", "Published costs");
    prc_h(p, "<ul>");
    for (size_t i = 0; i < p->n_outcome; i++) {
        const prc_outcome_row *o = &p->outcome[i];
        if (strcmp(o->kind, "cost") == 0)
            prc_h(p, "<li>%s: %s %s <span class=\"soft\">(%s, <a href=\"#ev-%s\">%s</a>)</span></li>", prc_esc(p, prc_words(p, o->endpoint)), prc_esc(p, prc_value_text(p, o)), prc_esc(p, *o->unit ? o->unit : "(currency not stated in the table)"), prc_esc(p, prc_study_short(p, o->study)), prc_esc(p, o->id), prc_esc(p, o->id));
    }
    prc_h(p, "</ul>\n<p class=\"soft\">A cost per additional responder is the cost of one treatment times the number needed to treat above.</p>\n");
}

void prc_report_events(prc_page *p)
{
    prc_section(p, "events", "Responders and events", "How many patients gain something they notice, how many reach an event, and what harm was drawn.");
    for (size_t pop = 0; pop < p->n_pop; pop++) {
        endpoints(p, pop);
        adverse_events(p, pop);
    }
    costs(p);
    prc_section_end(p);
}
