/* Who they are: flow, baseline by arm, who left and when. */
#include "report_int.h"

#include <math.h>
#include <string.h>

/* Mean (SD) of a covariate (ob < 0) or a baseline score in each arm and in all. */
static void mean_cells(prc_page *p, size_t pop, int ob, size_t j, int decimals)
{
    for (size_t a = 0; a <= p->n_arm; a++) {
        const prc_moments *m = prc_baseline(p->r, pop, a, ob, j);
        prc_h(p, "<td class=\"nw\">%s (%s)</td>", prc_num(p, m->mean, decimals), prc_num(p, m->sd, decimals));
    }
}

static void category_rows(prc_page *p, size_t pop, size_t j)
{
    const prc_covariate *c = &p->c->covariate[j];
    prc_h(p, "<tr class=\"group\"><th colspan=\"%zu\">%s, n (%%)</th></tr>\n", p->n_arm + 2, prc_esc(p, prc_words(p, c->name)));
    for (size_t k = 0; k < c->n_category; k++) {
        prc_h(p, "<tr><th class=\"in\">%s</th>", prc_esc(p, c->category[k]));
        for (size_t a = 0; a <= p->n_arm; a++) {
            size_t n = prc_baseline(p->r, pop, a, -1, j)->n, m = prc_baseline_count(p->r, pop, a, j, k);
            prc_h(p, "<td class=\"nw\">%s (%s)</td>", prc_count_text(p, m), prc_num(p, n ? 100 * (double)m / (double)n : (double)NAN, 0));
        }
        prc_h(p, "</tr>\n");
    }
}

static void arm_heads(prc_page *p, size_t pop, bool all)
{
    for (size_t a = 0; a < p->n_arm; a++)
        prc_h(p, "<th>%s<br><small>n = %s</small></th>", prc_esc(p, p->arm_short[a]), prc_count_text(p, prc_arm_size(p, pop, (int)a)));
    if (all) prc_h(p, "<th>All</th>");
}

static const char *in_pop(prc_page *p, size_t pop)
{
    return p->n_pop > 1 ? prc_page_text(p, ", %s", prc_esc(p, prc_pop_name(p, pop))) : "";
}

static void table_one(prc_page *p, size_t pop)
{
    if (!p->r->population[pop].baseline) return;
    prc_table_begin(p, prc_page_text(p, "Patients at baseline by arm%s: mean (SD) or number (%%)", in_pop(p, pop)));
    prc_h(p, "<thead><tr><th></th>");
    arm_heads(p, pop, true);
    prc_h(p, "</tr></thead><tbody>\n");
    for (size_t j = 0; j < p->c->n_covariate; j++) {
        const prc_covariate *c = &p->c->covariate[j];
        if (c->n_category) {
            category_rows(p, pop, j);
            continue;
        }
        const char *unit = prc_unit_words(p, c->unit);
        prc_h(p, "<tr><th>%s%s%s</th>", prc_esc(p, prc_words(p, c->name)), *unit ? ", " : "", prc_esc(p, unit));
        mean_cells(p, pop, -1, j, prc_decimals(c->mean));
        prc_h(p, "</tr>\n");
    }
    for (size_t o = 0; o < p->c->n_observable; o++) {
        const prc_observable *ob = &p->c->observable[o];
        if (ob->kind != PRC_OB_SCORE && ob->kind != PRC_OB_IMAGE) continue;
        if (prc_baseline(p->r, pop, p->n_arm, (int)o, 0)->n == 0) continue;
        const char *unit = prc_ob_unit(p, ob);
        prc_h(p, "<tr><th>%s%s%s</th>", prc_esc(p, ob->label ? ob->label : ob->name), *unit ? ", " : "", prc_esc(p, unit));
        mean_cells(p, pop, (int)o, 0, prc_ob_decimals(ob));
        prc_h(p, "</tr>\n");
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
    double rtm = p->r->population[pop].regression_to_mean;
    prc_h(p, "<p class=\"source\">Differences between arms are chance: patients were randomised.");
    int score = p->r->population[pop].rtm_observable;
    const prc_observable *ob = score >= 0 && (size_t)score < p->c->n_observable ? &p->c->observable[score] : p->ob;
    if (isfinite(rtm))
        prc_h(p, " Regression to the mean: %s moved by %s %s between screening and baseline without any treatment.", prc_esc(p, ob->label ? ob->label : ob->name), prc_signed(p, rtm, prc_ob_decimals(ob)),
              prc_esc(p, prc_ob_unit(p, ob)));
    prc_h(p, "</p>\n");
}

/* Reasons as the trial wrote them, in order of appearance, at most 8. */
static size_t reasons(const prc_page *p, size_t pop, const char *list[8])
{
    size_t n = 0;
    for (size_t i = 0; i < p->r->n_subject; i++) {
        const prc_subject *s = &p->r->subject[i];
        if (s->population != pop || s->disposition == PRC_COMPLETED || !s->reason) continue;
        size_t k = 0;
        while (k < n && strcmp(list[k], s->reason) != 0) k++;
        if (k == n && n < 8) list[n++] = s->reason;
    }
    return n;
}

/* ADaM writes reasons in capitals; a page does not. */
static const char *sentence_case(prc_page *p, const char *s)
{
    for (const char *c = s; *c; c++)
        if (*c >= 'a' && *c <= 'z') return s;
    size_t n = strlen(s);
    char *copy = prc_page_alloc(p, n + 1, 1);
    for (size_t i = 0; copy && i < n; i++) copy[i] = (char)(i > 0 && s[i] >= 'A' && s[i] <= 'Z' ? s[i] - 'A' + 'a' : s[i]);
    return copy ? copy : s;
}

static void left_cells(prc_page *p, size_t pop, const char *reason, double day)
{
    for (size_t a = 0; a < p->n_arm; a++) {
        size_t n = 0, all = prc_arm_size(p, pop, (int)a);
        for (size_t i = 0; i < p->r->n_subject; i++) {
            const prc_subject *s = &p->r->subject[i];
            if (s->population != pop || s->arm != a) continue;
            if (reason) n += s->disposition != PRC_COMPLETED && s->reason && strcmp(s->reason, reason) == 0;
            else n += s->disposition == PRC_COMPLETED || s->dropout_day >= day;
        }
        prc_h(p, "<td class=\"nw\">%s (%s)</td>", prc_count_text(p, n), prc_num(p, all ? 100 * (double)n / (double)all : (double)NAN, 0));
    }
}

static void table_left(prc_page *p, size_t pop)
{
    const char *list[8];
    size_t n = reasons(p, pop, list);
    prc_table_begin(p, prc_page_text(p, "Who left, why, and who was still there at each visit%s: number (%%)", in_pop(p, pop)));
    prc_h(p, "<thead><tr><th></th>");
    arm_heads(p, pop, false);
    prc_h(p, "</tr></thead><tbody>\n<tr class=\"group\"><th colspan=\"%zu\">Left before the end</th></tr>\n", p->n_arm + 1);
    if (!n) prc_h(p, "<tr><th class=\"in\">nobody</th><td colspan=\"%zu\">%s</td></tr>\n", p->n_arm, PRC_DASH);
    for (size_t k = 0; k < n; k++) {
        prc_h(p, "<tr><th class=\"in\">%s</th>", prc_esc(p, sentence_case(p, list[k])));
        left_cells(p, pop, list[k], 0);
        prc_h(p, "</tr>\n");
    }
    prc_h(p, "<tr class=\"group\"><th colspan=\"%zu\">Still in the trial at</th></tr>\n", p->n_arm + 1);
    for (size_t v = 0; v < p->spec->n_visit; v++) {
        prc_h(p, "<tr><th class=\"in\">%s</th>", prc_esc(p, p->spec->visit_label[v]));
        left_cells(p, pop, NULL, p->spec->visit[v]);
        prc_h(p, "</tr>\n");
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
}

void prc_report_patients(prc_page *p)
{
    prc_section(p, "patients", "Patients", "Virtual people, drawn from the population of the condition, screened and randomised as in a trial.");
    for (size_t pop = 0; pop < p->n_pop; pop++) {
        prc_figure(p, prc_page_text(p, "flow-%zu", pop), p->n_pop > 1 ? prc_page_text(p, "Flow of patients (%s)", prc_pop_name(p, pop)) : "Flow of patients", prc_chart_flow, &pop,
                   "Source: this run. Completed: took part until the last visit.");
        table_one(p, pop);
        table_left(p, pop);
    }
    prc_section_end(p);
}
