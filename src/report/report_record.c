/* Prediction beside publication: tuned, built-in and independent rows apart, misses first; then the published meta-analyses. */
#include "report_int.h"

#include <math.h>
#include <string.h>

static const char *const ROLE_TITLE[PRC_ROLE_COUNT] = {
    "Used to set parameters",
    "Built into the structure",
    "Independent",
};
static const char *const ROLE_WORDS[PRC_ROLE_COUNT] = {
    "A parameter was set with these numbers; meeting them is bookkeeping, missing them is not.",
    "The structure was chosen to give these results; meeting them proves nothing new.",
    "Not used to build the model: the only rows that test it.",
};

static void role_counts(prc_page *p)
{
    const prc_checks *k = p->checks;
    prc_table_begin(p, "Published outcomes and this model, by role of the number");
    prc_h(p, "<thead><tr><th>Role</th><th class=\"r\">inside</th><th class=\"r\">outside</th><th class=\"r\">no published interval</th><th>What the role means</th></tr></thead><tbody>\n");
    for (int r = PRC_ROLE_COUNT - 1; r >= 0; r--)
        prc_h(p, "<tr><th>%s</th><td class=\"r\">%zu</td><td class=\"r\">%s%zu%s</td><td class=\"r\">%zu</td><td class=\"text\">%s</td></tr>\n", ROLE_TITLE[r], k->inside[r],
              k->outside[r] ? "<b class=\"bad\">" : "", k->outside[r], k->outside[r] ? "</b>" : "", k->no_interval[r], ROLE_WORDS[r]);
    prc_h(p, "</tbody>");
    prc_table_end(p);
    if (k->n_no_check) prc_h(p, "<p class=\"bad\">%zu row%s met without cells too: no test of the cells.</p>\n", k->n_no_check, k->n_no_check == 1 ? " is" : "s are");
    if (k->n_shown) prc_h(p, "<p>%zu row%s met without cells too, as the notes say: shown, but no test of the cells.</p>\n", k->n_shown, k->n_shown == 1 ? " is" : "s are");
    if (k->n_wrong_sign) prc_h(p, "<p class=\"bad\">%zu predicted difference%s the wrong sign.</p>\n", k->n_wrong_sign, k->n_wrong_sign == 1 ? " has" : "s have");
}

static bool in_chart(const prc_check *k)
{
    return k->verdict != PRC_NO_INTERVAL;
}

static const char *verdict_cell(const prc_check *k)
{
    switch (k->verdict) {
    case PRC_INSIDE: return "<span class=\"good\">inside</span>";
    case PRC_OUTSIDE: return k->wrong_sign ? "<span class=\"bad\">outside, wrong sign</span>" : "<span class=\"bad\">outside</span>";
    case PRC_NO_CHECK: return prc_check_shown(k) ? "met without cells too: no test" : "<span class=\"bad\">met without cells</span>";
    default: return "no interval";
    }
}

/* Rows without an interval: nothing to be inside of, so a table and no chart. */
static void no_interval(prc_page *p, const prc_check **list, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        const prc_check *k = list[i];
        if (in_chart(k)) continue;
        if (!any) {
            prc_table_begin(p, "Without a published interval, so neither inside nor outside");
            prc_h(p, "<thead><tr><th>Outcome</th><th>Published</th><th>Predicted</th><th>Evidence</th></tr></thead><tbody>\n");
        }
        any = true;
        const char *unit = prc_unit_words(p, k->unit);
        prc_h(p, "<tr><td class=\"text\">%s</td><td class=\"nw\">%s</td><td class=\"nw\">%s %s</td><td>%s</td></tr>\n", prc_esc(p, k->title), prc_esc(p, prc_match_published(p, k)), prc_esc(p, prc_match_predicted(p, k)), prc_esc(p, unit), prc_evidence_links(p, k->evidence));
    }
    if (!any) return;
    prc_h(p, "</tbody>");
    prc_table_end(p);
}

static const char *plain(prc_page *p, const char *s)
{
    return s && *s && strcmp(s, "-") != 0 ? prc_esc(p, s) : PRC_DASH;
}

static void check_row(prc_page *p, const prc_check *k)
{
    int d = prc_match_decimals(k);
    prc_h(p, "<tr id=\"check-%s\"><td class=\"text\">%s", prc_esc(p, k->id), prc_esc(p, k->title));
    if (k->note && *k->note && strcmp(k->note, "-") != 0) prc_h(p, "<br><small class=\"soft\">%s</small>", prc_esc(p, k->note));
    prc_h(p, "</td><td>%s</td><td>%s</td>", prc_evidence_links(p, k->evidence), prc_role_name(k->role));
    prc_h(p, "<td class=\"text\"><code>%s</code> at %s<br><small class=\"soft\">%s against %s; cohort %s, n = %s</small></td>", prc_esc(p, k->measure), plain(p, k->at_text), plain(p, k->treatment), plain(p, k->control), plain(p, k->cohort), prc_count_text(p, k->n));
    prc_h(p, "<td>%s</td>", prc_esc(p, prc_match_published(p, k)));
    if (isfinite(k->predicted)) prc_h(p, "<td class=\"nw\">%s%s</td>", prc_esc(p, prc_match_predicted(p, k)), isfinite(k->mc_se) && k->mc_se > 0 ? prc_page_text(p, "<br><small>\xc2\xb1 %s</small>", prc_num(p, 1.96 * k->mc_se, d + 1)) : "");
    else prc_h(p, "<td>%s</td>", plain(p, k->predicted_text));
    prc_h(p, "<td>%s</td><td>%s</td></tr>\n", prc_num(p, k->without_cells, d), verdict_cell(k));
}

static void check_table(prc_page *p)
{
    const prc_check **list;
    size_t n = prc_checks_sorted(p, PRC_ROLE_COUNT, false, &list);
    prc_h(p, "<details><summary>All %zu rows with what was simulated for each</summary>\n", n);
    prc_table_begin(p, "Every published number of this condition with its prediction");
    prc_h(p, "<thead><tr><th>Outcome</th><th>Evidence</th><th>Role</th><th>Simulated</th><th>Published</th><th>Predicted</th><th>Without cells</th><th>Verdict</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) check_row(p, list[i]);
    prc_h(p, "</tbody>");
    prc_table_end(p);
    prc_h(p, "<p class=\"source\">Without cells: the same simulation with the cells left out of the dose. \xc2\xb1: 95\xe2\x80\xaf%% Monte-Carlo error of the prediction.</p></details>\n");
}

static void meta_table(prc_page *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_outcome; i++) n += strcmp(p->outcome[i].kind, "effect") == 0 && prc_is_meta(p, &p->outcome[i]);
    if (!n) return;
    prc_subhead(p, "pooled", "Published pooled effects");
    prc_table_begin(p, "Meta-analyses as printed; they share trials, so they are not pooled again here");
    prc_h(p, "<thead><tr><th>Review</th><th>Endpoint</th><th>Time</th><th>Effect (interval)</th><th class=\"r\">n</th><th>Note, heterogeneity</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < p->n_outcome; i++) {
        const prc_outcome_row *o = &p->outcome[i];
        if (strcmp(o->kind, "effect") != 0 || !prc_is_meta(p, o)) continue;
        prc_h(p, "<tr><td class=\"text\">%s <small class=\"soft\"><a href=\"#ev-%s\">%s</a></small></td><td>%s</td><td class=\"nw\">%s</td><td>%s%s %s</td><td class=\"r\">%s</td><td class=\"text\"><small>%s</small></td></tr>\n",
              prc_esc(p, prc_study_short(p, o->study)), prc_esc(p, o->id), prc_esc(p, o->id), prc_esc(p, prc_words(p, o->endpoint)), prc_days(p, o->time_days), prc_esc(p, prc_value_text(p, o)),
              isfinite(o->lower) ? prc_page_text(p, " (%s to %s)", prc_sig(p, o->lower, 4), prc_sig(p, o->upper, 4)) : "", prc_esc(p, prc_unit_words(p, o->unit)), prc_num(p, o->n, 0), plain(p, o->note));
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
}

/* What this run predicts for a row of the record, where a check names it. */
static const char *predicted_for(prc_page *p, const char *rows)
{
    char id[128];
    prc_text t = { 0 };
    for (const char *at = rows; *at; at += strspn(at, "; ")) {
        size_t n = strcspn(at, "; ");
        snprintf(id, sizeof id, "%.*s", (int)n, at);
        at += n;
        for (size_t i = 0; p->checks && i < p->checks->n; i++) {
            const prc_check *k = &p->checks->check[i];
            prc_conflict names = { .outcome_a = k->evidence, .outcome_b = "" };
            if (!k->evidence || !isfinite(k->predicted) || !prc_evidence_touches(&names, id)) continue;
            prc_text_printf(&t, "%s%s %s (%s)", t.n ? "; " : "", prc_match_predicted(p, k), prc_unit_words(p, k->unit), id);
        }
    }
    const char *s = t.n ? prc_page_text(p, "%s", t.s) : PRC_DASH;
    prc_text_reset(&t);
    return s;
}

static void pool_line(prc_page *p, const prc_pool_group *g, const prc_pool_fit *f, const char *which, bool first)
{
    const char *what = prc_page_text(p, "%s, %d mo<br><small class=\"soft\">%s</small>", prc_esc(p, prc_words(p, g->endpoint)), g->month, g->controlled ? "difference to the comparator" : "change from baseline, no comparator");
    prc_h(p, "<tr><td class=\"text\">%s</td><td>%s</td><td class=\"r\">%zu</td><td class=\"nw\">%s (%s to %s) %s</td>", first ? what : "", which, f->k, prc_sig(p, f->estimate, 3), prc_sig(p, f->lower, 3), prc_sig(p, f->upper, 3),
          prc_esc(p, prc_unit_words(p, g->unit)));
    if (f->k > 1) prc_h(p, "<td class=\"nw\">%s to %s</td><td class=\"nw\">%s%s, %s %%</td>", prc_sig(p, f->pi_lower, 3), prc_sig(p, f->pi_upper, 3), prc_sig(p, f->tau2, 3), g->ratio ? " (log)" : "", prc_num(p, f->I2, 0));
    else prc_h(p, "<td>" PRC_DASH "</td><td>" PRC_DASH "</td>");
    prc_h(p, "<td>%s</td><td>%s</td></tr>\n", first ? prc_esc(p, predicted_for(p, g->rows)) : "", first ? prc_source_links(p, g->studies) : "");
}

/* The primary studies of the record, pooled where they are comparable, beside what this model predicts for them. */
static void pooled_record(prc_page *p)
{
    const prc_pool *pool = NULL;
    prc_error err = { 0 };
    if (!p->in->evidence) return;
    prc_subhead(p, "pooled-record", "Pooled record");
    if (prc_evidence_pool(p->in->evidence, p->c->name, NULL, &pool, &err) != PRC_OK) {
        prc_h(p, "<p class=\"bad\">The record was not pooled: %s</p>\n", prc_esc(p, err.message));
        return;
    }
    if (pool->n_group) {
        prc_table_begin(p, "Primary studies of the record, pooled where two or more are comparable");
        prc_h(p, "<thead><tr><th>Endpoint</th><th>Studies</th><th class=\"r\">k</th><th>Effect (95\xe2\x80\xaf%% interval)</th><th>A new study (prediction)</th><th>tau\xc2\xb2, I\xc2\xb2</th><th>Predicted here</th><th>Which</th></tr></thead><tbody>\n");
        for (size_t i = 0; i < pool->n_group; i++) {
            const prc_pool_group *g = &pool->group[i];
            pool_line(p, g, &g->all, "all", true);
            if (g->blinded.k) pool_line(p, g, &g->blinded, "blinded", false);
            if (g->open.k) pool_line(p, g, &g->open, "open label", false);
        }
        prc_h(p, "</tbody>");
        prc_table_end(p);
        prc_h(p, "<p class=\"source\">Random effects by REML, Hartung-Knapp interval never narrower than Wald; time windows nearest of 1, 3, 6, 12 and 24 months; controlled differences and changes from baseline apart.</p>\n");
    }
    prc_h(p, "<p>%s</p>\n", prc_esc(p, pool->sentence));
}

void prc_report_record(prc_page *p)
{
    prc_section(p, "record", "Held against the record", "The same model, run as each published study was, beside what that study found. Misses come first.");
    if (!p->checks) {
        prc_h(p, "<p class=\"bad\">Not done in this run.</p>\n");
    } else {
        role_counts(p);
        for (int r = PRC_ROLE_COUNT - 1; r >= 0; r--) {
            const prc_check **list;
            size_t n = prc_checks_sorted(p, (prc_role)r, false, &list);
            prc_match m = { prc_page_alloc(p, n, sizeof *m.check), 0 };
            for (size_t i = 0; m.check && i < n; i++)
                if (in_chart(list[i])) m.check[m.n++] = list[i];
            if (!n) continue;
            prc_subhead(p, prc_page_text(p, "role-%d", r), ROLE_TITLE[r]);
            const char *source = prc_page_text(p, "Source: models/%s/checks.tsv and the evidence rows named there; n per row in the table below. %s", prc_esc(p, p->c->name), ROLE_WORDS[r]);
            if (m.n) prc_figure(p, prc_page_text(p, "record-%d", r), prc_page_text(p, "%s: %zu inside the published interval, %zu outside", ROLE_TITLE[r], p->checks->inside[r], p->checks->outside[r]), prc_chart_match, &m, source);
            no_interval(p, list, n);
        }
        check_table(p);
    }
    pooled_record(p);
    meta_table(p);
    prc_section_end(p);
}
