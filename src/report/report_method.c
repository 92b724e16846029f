/* How it was done and how to do it again: design, analysis model, estimand, numerics, inputs with hashes, ledger, record. */
#include "report_int.h"

#include "paracrine/design.h"

#include <math.h>
#include <string.h>

static bool given(const char *s)
{
    return s && *s && strcmp(s, "-") != 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path ? path : "", '/');
    return slash ? slash + 1 : path ? path : "";
}

static void fact(prc_page *p, const char *key, const char *value)
{
    prc_h(p, "<dt>%s</dt><dd>%s</dd>\n", key, value);
}

static const char *visits(prc_page *p)
{
    const char *s = "";
    for (size_t i = 0; i < p->spec->n_visit; i++) s = prc_page_text(p, "%s%s%s", s, i ? ", " : "", p->spec->visit_label[i]);
    return prc_esc(p, s);
}

static const char *sizes(prc_page *p)
{
    const char *s = "";
    for (size_t i = 0; i < p->n_pop; i++)
        s = prc_page_text(p, "%s%s%s%s per arm", s, i ? "; " : "", p->n_pop > 1 ? prc_page_text(p, "%s: ", prc_pop_name(p, i)) : "", prc_count_text(p, p->spec->population[i].size_per_arm));
    return prc_esc(p, s);
}

static const char *randomisation(prc_page *p)
{
    const char *s = prc_page_text(p, "Permuted blocks of %zu", p->spec->block);
    for (size_t i = 0; i < p->spec->n_stratify; i++)
        s = prc_page_text(p, "%s%s%s", s, i ? ", " : ", stratified by ", prc_words(p, p->c->covariate[p->spec->stratify[i]].name));
    return prc_esc(p, s);
}

static const char *dropout(prc_page *p)
{
    static const char *const words[] = { "none", "completely at random (MCAR)", "at random given what was observed (MAR)", "not at random: depending on what was not observed (MNAR)" };
    if (p->spec->missing == PRC_MISSING_NONE || !(p->spec->dropout_rate > 0)) return "none";
    return prc_page_text(p, "%s a year, %s", prc_percent(p, p->spec->dropout_rate, 1), words[p->spec->missing]);
}

static const char *eligibility_words(prc_page *p, size_t pop)
{
    const prc_eligibility *e = p->spec->population[pop].eligibility;
    const char *s = "";
    for (size_t i = 0; e && i < e->n; i++) {
        const prc_criterion *k = &e->criterion[i];
        s = prc_page_text(p, "%s%s%s", s, i ? "; " : "", prc_words(p, k->name));
        for (size_t j = 0; j < k->n_set; j++) {
            const char *word = prc_sig(p, k->set[j], 6);
            if (k->covariate >= 0)
                for (size_t m = 0; m < p->c->covariate[k->covariate].n_category; m++)
                    if (fabs(p->c->covariate[k->covariate].code[m] - k->set[j]) < 1e-9) word = p->c->covariate[k->covariate].category[m];
            s = prc_page_text(p, "%s%s%s", s, j ? " or " : " ", word);
        }
        if (isfinite(k->min)) s = prc_page_text(p, "%s at least %s", s, prc_sig(p, k->min, 6));
        if (isfinite(k->max)) s = prc_page_text(p, "%s%s at most %s", s, isfinite(k->min) ? "," : "", prc_sig(p, k->max, 6));
    }
    return *s ? prc_esc(p, s) : "everyone";
}

/* How many patients the true difference of each population would have needed. */
static const char *needed(prc_page *p)
{
    const char *s = "";
    for (size_t i = 0; i < p->n_pop; i++) {
        prc_text t = { 0 };
        prc_design_line(p->r, i, &t);
        if (t.failed) p->failed = true;
        if (t.n) s = prc_page_text(p, "%s%s%s%s", s, *s ? " " : "", p->n_pop > 1 ? prc_page_text(p, "%s: ", prc_pop_name(p, i)) : "", t.s);
        prc_text_reset(&t);
    }
    return *s ? prc_esc(p, s) : NULL;
}

static void design(prc_page *p)
{
    prc_subhead(p, "design", "Design");
    prc_h(p, "<dl class=\"facts\">\n");
    fact(p, "Condition", prc_page_text(p, "%s (<code>%s</code>)%s%s", prc_esc(p, p->c->title), prc_esc(p, p->c->name), given(p->c->summary) ? ": " : "", given(p->c->summary) ? prc_esc(p, p->c->summary) : ""));
    fact(p, "Size", sizes(p));
    const char *line = needed(p);
    if (line) fact(p, "Size needed", line);
    for (size_t i = 0; i < p->n_pop; i++)
        fact(p, p->n_pop > 1 ? prc_page_text(p, "Eligible (%s)", prc_esc(p, prc_pop_name(p, i))) : "Eligible", eligibility_words(p, i));
    fact(p, "Randomisation", randomisation(p));
    fact(p, "Visits", visits(p));
    fact(p, "Dropout", dropout(p));
    fact(p, "Trial bias", p->spec->bias > 0 ? "the mean inflation of small open trials is added to arms that give cells" : "none added");
    prc_h(p, "</dl>\n");
    prc_table_begin(p, "Arms");
    prc_h(p, "<thead><tr><th>Name</th><th>In the trial file</th><th>What it gives</th></tr></thead><tbody>\n");
    for (size_t a = 0; a < p->n_arm; a++)
        prc_h(p, "<tr><th>%s</th><td><code>%s</code></td><td class=\"text\">%s</td></tr>\n", prc_esc(p, p->arm_short[a]), prc_esc(p, p->spec->arms->arm[a].name), prc_esc(p, p->spec->arms->arm[a].label));
    prc_h(p, "</tbody>");
    prc_table_end(p);
}

/* Covariates of an ANCOVA as terms of the formula. */
static const char *terms(prc_page *p, const prc_endpoint *e)
{
    const char *s = "";
    for (size_t i = 0; i < e->n_covariate; i++) {
        int k = e->covariate[i];
        const char *name = k < 0 ? "baseline" : prc_words(p, p->c->covariate[k].name);
        bool category = k >= 0 && p->c->covariate[k].n_category > 0;
        s = prc_page_text(p, category ? "%s + <i>\xce\xb3</i><sub>%s(<i>i</i>)</sub>" : "%s + <i>\xce\xb2</i> %s<sub><i>i</i></sub>", s, prc_esc(p, name));
    }
    return s;
}

static void ancova_formula(prc_page *p, const prc_endpoint *e)
{
    const char *y = e->change ? "<i>Y</i><sub><i>i</i></sub> \xe2\x88\x92 baseline<sub><i>i</i></sub>" : "<i>Y</i><sub><i>i</i></sub>";
    prc_h(p, "<p class=\"formula\">%s = <i>\xce\xbc</i> + <i>\xce\xb1</i><sub>arm(<i>i</i>)</sub>%s + <i>\xce\xb5</i><sub><i>i</i></sub></p>\n", y, terms(p, e));
    prc_h(p, "<p>Ordinary least squares on patients with a value at %s; means at the covariate means of those patients; differences <i>\xce\xb1</i><sub>arm</sub> \xe2\x88\x92 <i>\xce\xb1</i><sub>%s</sub> with a t interval of 95\xe2\x80\xaf%%. "
             "Missing values are left out; p values are not corrected for the number of arms.</p>\n", prc_days(p, e->at), prc_esc(p, p->spec->arms->arm[e->versus].name));
}

static void analyses(prc_page *p)
{
    prc_subhead(p, "analysis", "Analysis, written out");
    for (size_t i = 0; i < p->spec->n_endpoint; i++) {
        const prc_endpoint *e = &p->spec->endpoint[i];
        const char *names = "";
        for (int k = PRC_AN_ANCOVA; k <= PRC_AN_DURATION; k++)
            if (e->analyses & (1u << k)) names = prc_page_text(p, "%s%s%s", names, *names ? ", " : "", prc_analysis_name((prc_analysis_kind)k));
        prc_h(p, "<p><b>%s</b>%s: %s%s%s.</p>\n", prc_esc(p, e->name), i == 0 ? " (primary)" : "", prc_esc(p, prc_endpoint_title(p, e)), *names ? "; " : "", prc_esc(p, names));
        if (e->analyses & (1u << PRC_AN_ANCOVA)) ancova_formula(p, e);
        if (e->analyses & (1u << PRC_AN_RESPONDER)) prc_h(p, "<p>A responder improves from baseline by at least the MCID. Shares with Wilson intervals, differences with Miettinen-Nurminen score intervals, Fisher's exact p.</p>\n");
        if (e->analyses & (1u << PRC_AN_KAPLAN_MEIER | 1u << PRC_AN_LOGRANK)) prc_h(p, "<p>Kaplan-Meier with Greenwood's errors and log-log intervals; log-rank test of all arms, not stratified.</p>\n");
    }
    prc_subhead(p, "estimand", "Estimand");
    prc_h(p, "<p>Population: all randomised patients. Variable: %s. Treatment: each arm against %s as assigned. Events after randomisation: leaving the trial is handled as if it had not happened (hypothetical strategy). Summary: difference of means. "
             "Its <b>true value</b> is known here: every randomised patient is simulated under every arm with the same random numbers, with the placebo response of the arm and without measurement noise or dropout.</p>\n",
          prc_esc(p, prc_endpoint_title(p, p->primary)), prc_esc(p, p->arm_short[p->reference]));
}

static void numerics(prc_page *p)
{
    char text[32];
    const prc_engine *e = p->r->engine;
    prc_subhead(p, "numerics", "Numbers behind the numbers");
    prc_h(p, "<dl class=\"facts\">\n");
    fact(p, "Command", prc_page_text(p, "<code class=\"cmd\">%s</code><br><span class=\"soft\">writes this file again, byte for byte, on any x86-64 processor and with any number of threads</span>", prc_esc(p, p->in->command)));
    fact(p, "Version", prc_page_text(p, "Paracrine %s", prc_esc(p, p->in->version)));
    fact(p, "Seed", prc_page_text(p, "%llu", (unsigned long long)p->spec->seed));
    if (e) {
        fact(p, "Solver", prc_page_text(p, "Rodas5P (order 5, stiffly accurate), relative tolerance %s", prc_format_double(e->options.rtol, text)));
        fact(p, "Absolute tolerance", prc_page_text(p, "%s times the typical size of each state", prc_format_double(e->options.atol, text)));
    }
    fact(p, "Run-in", prc_page_text(p, "%s with slow states held, so that patients enter in the state their disease has reached", prc_days(p, p->c->run_in)));
    if (p->range) fact(p, "Range", prc_page_text(p, "2.5, 50 and 97.5\xe2\x80\xaf%% points of %zu draws (%zu failed) of every assumed and calibrated number, %zu patients each", p->range->n_used, p->range->n_failed, p->range->n_patient));
    prc_h(p, "</dl>\n");
}

static void inputs(prc_page *p)
{
    prc_table_begin(p, "Input files");
    prc_h(p, "<thead><tr><th>File</th><th>SHA-256</th></tr></thead><tbody>\n");
    prc_h(p, "<tr><td><code>%s</code></td><td class=\"hash\">%s</td></tr>\n", prc_esc(p, base_name(p->spec->path)), prc_esc(p, p->spec->sha256));
    for (size_t i = 0; i < p->c->n_file; i++) prc_h(p, "<tr><td><code>%s</code></td><td class=\"hash\">%s</td></tr>\n", prc_esc(p, prc_input_path(p->c->file[i].path)), prc_esc(p, p->c->file[i].sha256));
    const char *path, *sha256;
    if (p->in->checks && p->in->checks->path) prc_h(p, "<tr><td><code>%s</code></td><td class=\"hash\">%s</td></tr>\n", prc_esc(p, prc_input_path(p->in->checks->path)), prc_esc(p, p->in->checks->sha256));
    for (size_t i = 0; p->in->evidence && (path = prc_evidence_file(p->in->evidence, i, &sha256)); i++)
        prc_h(p, "<tr><td><code>%s</code></td><td class=\"hash\">%s</td></tr>\n", prc_esc(p, prc_input_path(path)), prc_esc(p, sha256));
    prc_h(p, "</tbody>");
    prc_table_end(p);
    if (p->spec->text) prc_h(p, "<details><summary>The trial file</summary><pre>%s</pre></details>\n", prc_esc(p, p->spec->text));
}

static void ledger(prc_page *p)
{
    prc_h(p, "<details><summary>The ledger: all %zu numbers with range, grade and source</summary>\n", p->c->n_row);
    prc_table_begin(p, "Parameter ledger");
    prc_h(p, "<thead><tr><th>Name</th><th>Value</th><th>Range</th><th>Unit</th><th>Varies between patients</th><th>Grade</th><th>Source</th><th>Note</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < p->c->n_row; i++) {
        const prc_row *r = &p->c->row[i];
        const char *where = r->route ? r->route : r->product ? r->product : "";
        prc_h(p, "<tr><td><code>%s</code>%s%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td class=\"text\">%s</td></tr>\n", prc_esc(p, r->name), *where ? "<br>" : "", *where ? prc_esc(p, where) : "",
              r->kind == PRC_ROW_DOSE ? "formula" : prc_sig(p, r->value, 4), isfinite(r->lower) ? prc_page_text(p, "%s to %s", prc_sig(p, r->lower, 3), prc_sig(p, r->upper, 3)) : "fixed", given(r->unit) ? prc_esc(p, r->unit) : "",
              r->between_patient_cv > 0 ? prc_percent(p, r->between_patient_cv, 0) : PRC_DASH, prc_grade_name(r->grade), prc_source_links(p, r->source), given(r->note) ? prc_esc(p, r->note) : "");
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
    prc_h(p, "</details>\n");
}

static void record_rows(prc_page *p)
{
    if (!p->n_outcome) return;
    prc_h(p, "<details id=\"evidence-rows\"><summary>The record: %zu published numbers and %zu studies</summary>\n", p->n_outcome, p->n_study);
    prc_table_begin(p, "Published numbers of this condition");
    prc_h(p, "<thead><tr><th>Id</th><th>Study</th><th>Endpoint</th><th>Time</th><th>Value (interval)</th><th>Unit</th><th>Baseline</th><th>Comparator</th><th class=\"r\">n</th><th>Kind</th><th>Role</th><th>Note</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < p->n_outcome; i++) {
        const prc_outcome_row *o = &p->outcome[i];
        prc_h(p, "<tr id=\"ev-%s\"><td>%s</td><td><a href=\"#study-%s\">%s</a></td><td>%s</td><td class=\"nw\">%s</td><td class=\"nw\">%s%s</td><td>%s</td><td>%s</td><td>%s</td><td class=\"r\">%s</td><td>%s</td><td>%s</td><td class=\"text\">%s</td></tr>\n",
              prc_esc(p, o->id), prc_esc(p, o->id), prc_esc(p, o->study), prc_esc(p, o->study), prc_esc(p, prc_words(p, o->endpoint)), prc_days(p, o->time_days), prc_esc(p, prc_value_text(p, o)),
              isfinite(o->lower) ? prc_page_text(p, " (%s to %s)", prc_sig(p, o->lower, 4), prc_sig(p, o->upper, 4)) : "", prc_esc(p, prc_unit_words(p, o->unit)), prc_sig(p, o->baseline, 4),
              given(o->comparator_value) ? prc_esc(p, o->comparator_value) : PRC_DASH, prc_num(p, o->n, 0), prc_esc(p, o->kind), prc_esc(p, o->role), given(o->note) ? prc_esc(p, o->note) : "");
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
    prc_table_begin(p, "Studies");
    prc_h(p, "<thead><tr><th>Id</th><th>Title</th><th>Design</th><th>n</th><th>Risk of bias</th><th>Identifier</th><th>How it was read</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < p->n_study; i++) {
        const prc_study *s = &p->study[i];
        prc_h(p, "<tr id=\"study-%s\"><td>%s</td><td class=\"text\">%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td class=\"text\">%s</td></tr>\n", prc_esc(p, s->id), prc_esc(p, s->id), prc_esc(p, s->title), prc_esc(p, s->design),
              given(s->n) ? prc_esc(p, s->n) : PRC_DASH, given(s->risk_of_bias) ? prc_esc(p, s->risk_of_bias) : PRC_DASH, given(s->identifier) ? prc_link(p, s->identifier) : PRC_DASH, prc_esc(p, s->how_read));
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
    prc_h(p, "</details>\n");
}

void prc_report_method(prc_page *p)
{
    prc_section(p, "method", "Method and provenance", "Enough to repeat it, and to disagree with it.");
    design(p);
    analyses(p);
    numerics(p);
    inputs(p);
    ledger(p);
    record_rows(p);
    prc_section_end(p);
}
