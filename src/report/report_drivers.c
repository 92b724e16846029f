/* Which numbers of the ledger move the primary result, and on what each of them rests. */
#include "report_int.h"

#include <math.h>
#include <string.h>

static const char *row_range(prc_page *p, const prc_row *row)
{
    const char *unit = row->unit && strcmp(row->unit, "1") != 0 && strcmp(row->unit, "-") != 0 ? row->unit : "";
    if (!isfinite(row->lower)) return prc_page_text(p, "%s %s", prc_sig(p, row->value, 3), unit);
    return prc_page_text(p, "%s (%s to %s) %s", prc_sig(p, row->value, 3), prc_sig(p, row->lower, 3), prc_sig(p, row->upper, 3), unit);
}

/* Where the row stands, in words: a route or a product says which. */
static const char *row_name(prc_page *p, const prc_row *row)
{
    if (row->route) return prc_page_text(p, "%s (route %s)", row->name, row->route);
    if (row->product && row->key) return prc_page_text(p, "%s (%s, %s %s)", row->name, row->product, prc_words(p, row->key), row->level ? row->level : "");
    if (row->product) return prc_page_text(p, "%s (%s)", row->name, row->product);
    return row->name;
}

static void table(prc_page *p, const prc_influence **list, size_t n)
{
    prc_table_begin(p, "The same parameters: value, range, grade, source");
    prc_h(p, "<thead><tr><th>Parameter</th><th class=\"r\">Rank correlation</th><th>Value (range)</th><th>Grade</th><th>Source</th><th>Note</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        const prc_influence *k = list[i];
        const prc_row *row = &p->c->row[k->row];
        bool source = row->source && *row->source && strcmp(row->source, "-") != 0;
        prc_h(p, "<tr><td><code>%s</code></td><td class=\"r\">%s</td><td>%s</td><td>%s</td><td>%s</td><td class=\"text\">%s</td></tr>\n", prc_esc(p, row_name(p, row)), prc_signed(p, k->rho, 2),
              prc_esc(p, row_range(p, row)), prc_grade_name(row->grade), source ? prc_source_links(p, row->source) : "none", row->note && strcmp(row->note, "-") != 0 ? prc_esc(p, row->note) : "");
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
}

void prc_report_drivers(prc_page *p)
{
    prc_section(p, "drivers", "What drives it", "The numbers that move the primary result most when everything assumed and calibrated is drawn from its range.");
    if (!p->range || p->range->n_influence == 0) {
        prc_h(p, "<p class=\"bad\">Not computed in this run.</p>\n");
        prc_section_end(p);
        return;
    }
    const prc_influence **list;
    size_t n = 0, most = prc_influences(p, 0, &list);
    if (most > 12) most = 12;
    prc_bar *bar = prc_page_alloc(p, most, sizeof *bar);
    for (size_t i = 0; bar && i < most; i++) {
        const prc_influence *k = list[i];
        const prc_row *row = &p->c->row[k->row];
        bar[n] = (prc_bar){ .label = row_name(p, row), .x = k->rho, .lower = (double)NAN, .upper = (double)NAN, .fill = k->rho < 0 ? "#0072B2" : "#D55E00" };
        bar[n].sub = prc_page_text(p, "%s, %s", prc_grade_name(row->grade), row_range(p, row));
        bar[n].value = prc_signed(p, k->rho, 2);
        n++;
    }
    /* the axis is only as wide as the strongest needs */
    double top = n ? fabs(bar[0].x) : 1, end = top > 0.75 ? 1 : top > 0.45 ? 0.8 : top > 0.25 ? 0.5 : 0.3;
    prc_bars d = { n, bar, -end, end, "rank correlation with the difference to the control", 60 };
    int arm = p->range->influence_arm >= 0 && (size_t)p->range->influence_arm < p->n_arm ? p->range->influence_arm : p->headline;
    if (n)
        prc_figure(p, "drivers", prc_page_text(p, "Rank correlation of parameters with the difference of %s to %s", p->arm_short[arm], p->arm_short[p->reference]), prc_chart_bars, &d,
                   prc_page_text(p, "Source: this run, %zu draws (%zu failed), %zu patients each, the same random numbers in every draw; rows that no arm of this trial reads are left out. Negative: a larger value makes the difference more negative. With so many draws a correlation below %s is indistinguishable from chance.",
                                 p->range->n_used, p->range->n_failed, p->range->n_patient, prc_num(p, p->range->n_used > 3 ? 1.96 / sqrt((double)p->range->n_used - 1) : 1, 2)));
    if (n) table(p, list, n);
    prc_section_end(p);
}
