/* The first screen: the question, the answer with both widths, what to know before reading on, and the chart of differences. */
#include "report_int.h"

#include <math.h>
#include <string.h>

static bool below(double a, double b)
{
    return isfinite(a) && isfinite(b) && a < b;
}

/* ---- the answer in words ---- */

/* How settled the primary difference of the headline arm is; null and contradictory findings speak first. */
typedef struct prc_reading {
    bool known, crosses_zero, range_crosses, wrong, small, range_small, range_large;
} prc_reading;

static prc_reading read_answer(prc_page *p, const prc_answer *x, double mcid)
{
    prc_reading v = { 0 };
    double sign = prc_answer_direction(p) >= 0 ? 1 : -1, est = sign * x->diff.estimate;
    v.known = isfinite(x->diff.estimate);
    v.crosses_zero = x->diff.ci_lb < 0 && x->diff.ci_ub > 0;
    v.range_crosses = below(x->lower, 0) && below(0, x->upper);
    v.wrong = est < 0;
    v.small = isfinite(mcid) && est < fabs(mcid);
    /* the end of the range nearer to no benefit */
    double weak = sign > 0 ? x->lower : -x->upper;
    double strong = sign > 0 ? x->upper : -x->lower;
    v.range_small = isfinite(mcid) && isfinite(weak) && weak < fabs(mcid);
    v.range_large = isfinite(mcid) && isfinite(strong) && strong >= fabs(mcid);
    return v;
}

static const char *verdict_words(const prc_reading *v)
{
    if (!v->known) return "No result.";
    if (v->wrong && !v->crosses_zero) return "Worse than the control.";
    if (v->crosses_zero && v->range_crosses) return "No clear effect, and the assumptions leave even its direction open.";
    if (v->crosses_zero) return "No clear effect.";
    if (v->range_crosses) return "An effect in this run, but the assumptions leave its direction open.";
    if (v->small) return "An effect, smaller than what patients notice.";
    if (v->range_small) return "An effect, but the assumptions leave open whether patients would notice it.";
    return "An effect that patients would notice, if the assumptions hold.";
}

/* Names of the strongest assumed or calibrated parameters, at most three. */
static const char *strongest(prc_page *p, size_t most)
{
    const char *s = "";
    size_t n = 0;
    const prc_influence **list;
    size_t all = prc_influences(p, prc_influence_least(p), &list);
    for (; n < all && n < most; n++) {
        const prc_row *row = &p->c->row[list[n]->row];
        s = prc_page_text(p, "%s%s<code>%s</code> (%s)", s, n ? ", " : "", prc_esc(p, row->name), prc_grade_name(row->grade));
    }
    return s;
}

static void change_sentence(prc_page *p, const prc_reading *v)
{
    prc_h(p, "<p><b>What would change it.</b> ");
    if (!p->range) {
        prc_h(p, "The range over what is assumed was not computed for this run, so the interval above is too narrow: run with <code>--draws 200</code>.</p>\n");
        return;
    }
    const char *names = strongest(p, 3);
    if (*names) {
        const char *effect = v->range_crosses ? "change the sign of the difference"
                             : v->small && v->range_large ? "lift it above the smallest difference that patients notice"
                             : !v->small && v->range_small ? "take it below the smallest difference that patients notice"
                                              : "move it within the range above";
        prc_h(p, "Measuring <a href=\"#drivers\">what drives it</a>, most of all %s. Within the plausible ranges, numbers like these can %s. ", names, effect);
    } else {
        prc_h(p, "No single assumed parameter dominates: many small uncertainties add up to the range. ");
    }
    prc_h(p, "A larger virtual trial would narrow the sampling interval and leave the range as it is.</p>\n");
}

static void number_block(prc_page *p, const char *cls, const char *key, const char *value, const char *note)
{
    prc_h(p, "<div class=\"%s\"><span class=\"k\">%s</span><span class=\"v\">%s</span><span class=\"w\">%s</span></div>\n", cls, key, value, note);
}

static size_t randomised(const prc_page *p, size_t pop)
{
    size_t n = 0;
    for (size_t a = 0; a < p->n_arm; a++) n += prc_arm_size(p, pop, (int)a);
    return n;
}

static void numbers(prc_page *p, size_t pop, const prc_answer *x)
{
    int d = prc_answer_decimals(p);
    const char *unit = prc_answer_unit(p);
    prc_h(p, "<div class=\"numbers\">\n");
    if (isfinite(x->lower))
        number_block(p, "wide-range", "Range over what is assumed", prc_interval(p, x->lower, x->upper, d, true),
                     prc_page_text(p, "%s; %zu draws of every assumed and calibrated parameter", unit, p->range->n_used));
    else
        number_block(p, "wide-range", "Range over what is assumed", "not computed", "the interval beside it is too narrow");
    number_block(p, "", "95\xe2\x80\xaf% sampling interval", prc_interval(p, x->diff.ci_lb, x->diff.ci_ub, d, true),
                 prc_page_text(p, "%s; %s virtual patients", unit, prc_count_text(p, randomised(p, pop))));
    number_block(p, "", "Estimate", prc_signed(p, x->diff.estimate, d),
                 isfinite(x->truth) ? prc_page_text(p, "%s; true value in the model %s", unit, prc_signed(p, x->truth, d)) : unit);
    prc_h(p, "</div>\n");
}

static const char *mcid_source(prc_page *p)
{
    const char *s = p->ob->mcid_source;
    return s && *s && strcmp(s, "-") != 0 ? prc_page_text(p, "; source: %s", prc_source_links(p, s)) : "; no source, assumed";
}

static void answer_sentence(prc_page *p, size_t pop)
{
    const char *mcid_words = NULL, *unit = prc_answer_unit(p);
    double mcid = prc_answer_mcid(p, pop, &mcid_words);
    prc_answer x;
    int arm = prc_best_arm(p, pop);
    prc_answer_of(p, pop, arm, &x);
    prc_reading v = read_answer(p, &x, mcid);
    int d = prc_answer_decimals(p);
    if (p->n_pop > 1) prc_h(p, "<h3>%s</h3>\n", prc_esc(p, prc_pop_name(p, pop)));
    prc_h(p, "<p class=\"answer\"><b>%s</b> ", verdict_words(&v));
    prc_h(p, "%s: %s<b>%s</b>%s differs from %s by <b>%s %s</b> (95\xe2\x80\xaf%% interval %s)", prc_esc(p, prc_endpoint_title(p, p->primary)), p->n_arm > 2 ? "the arm with the largest effect in the model, " : "",
          prc_esc(p, p->arm_short[arm]), p->n_arm > 2 ? "," : "", prc_esc(p, p->arm_short[p->reference]), prc_signed(p, x.diff.estimate, d), unit,
          prc_interval(p, x.diff.ci_lb, x.diff.ci_ub, d, true));
    if (isfinite(x.lower)) prc_h(p, ", and by %s over what is assumed", prc_interval(p, x.lower, x.upper, d, true));
    prc_h(p, ".</p>\n");
    numbers(p, pop, &x);
    if (mcid_words)
        prc_h(p, "<p class=\"soft\">The smallest change a patient notices (MCID) in this score: %s%s.</p>\n", mcid_words, mcid_source(p));
    if (pop + 1 == p->n_pop) change_sentence(p, &v);
}

void prc_report_head(prc_page *p)
{
    prc_h(p, "<header id=\"top\">\n<p class=\"kicker\">Virtual clinical trial \xc2\xb7 %s</p>\n<h1>%s</h1>\n", prc_esc(p, p->c->title),
          prc_esc(p, p->spec->title ? p->spec->title : "Virtual trial"));
    if (p->spec->question && *p->spec->question) prc_h(p, "<p class=\"question\">%s</p>\n", prc_esc(p, p->spec->question));
    for (size_t pop = 0; pop < p->n_pop; pop++) answer_sentence(p, pop);
    prc_h(p, "<p class=\"label\">%s</p>\n</header>\n", PRC_RESEARCH_USE);
}

/* ---- read this first ---- */

static const char *const GRADE_FILL[PRC_GRADE_COUNT] = { "#00573f", "#56B4E9", "#E69F00", "#D55E00" };

static void grade_bar(prc_page *p)
{
    size_t count[PRC_GRADE_COUNT] = { 0 }, all = 0;
    for (size_t i = 0; i < p->c->n_row; i++) count[p->c->row[i].grade]++, all++;
    size_t drawn[PRC_GRADE_COUNT] = { 0 }, strong = 0;
    const prc_influence **list;
    double least = prc_influence_least(p);
    strong = prc_influences(p, least, &list);
    for (size_t i = 0; i < strong; i++) drawn[p->c->row[list[i]->row].grade]++;
    prc_h(p, "<li><span class=\"k\">What it rests on</span><div>");
    if (strong) {
        prc_h(p, "<p>Of the %zu parameters that move the primary result most (rank correlation of %s or more), ", strong, prc_num(p, least, 2));
        bool first = true;
        for (int g = PRC_GRADE_COUNT - 1; g >= 0; g--)
            if (drawn[g]) prc_h(p, "%s<b>%.0f\xe2\x80\xaf%% %s</b> (%zu)", first ? "" : ", ", 100 * (double)drawn[g] / (double)strong, prc_grade_name((prc_grade)g), drawn[g]), first = false;
        prc_h(p, ". Measured and derived numbers keep their values in that comparison.</p>");
    } else if (p->range) {
        prc_h(p, "<p>No parameter moves the primary result with a rank correlation of %s or more.</p>", prc_num(p, least, 2));
    } else {
        prc_h(p, "<p class=\"bad\">What moves the result was not computed in this run.</p>");
    }
    prc_h(p, "<p>The whole ledger, %zu numbers: ", all);
    bool first = true;
    for (int g = 0; g < PRC_GRADE_COUNT; g++)
        if (count[g]) prc_h(p, "%s%zu %s", first ? "" : ", ", count[g], prc_grade_name((prc_grade)g)), first = false;
    prc_h(p, ".</p>");
    prc_share part[PRC_GRADE_COUNT];
    for (int g = 0; g < PRC_GRADE_COUNT; g++)
        part[g] = (prc_share){ prc_grade_name((prc_grade)g), all ? (double)count[g] / (double)all : 0, GRADE_FILL[g], g == 0 || g == 3 };
    prc_shares shares = { PRC_GRADE_COUNT, part };
    p->figure_width = 640;
    prc_figure(p, "grades", "Share of the ledger by grade of its source", prc_chart_shares, &shares,
               prc_page_text(p, "All %zu numbers of the condition and the shared core. Assumed: a stated range, no source.", all));
    p->figure_width = 0;
    prc_h(p, "</div></li>\n");
}

static void miss_line(prc_page *p, const prc_check *k)
{
    prc_h(p, "<li>%s", prc_esc(p, k->title));
    if (k->verdict == PRC_NO_CHECK) prc_h(p, " <b class=\"bad\">is met without cells too, so it tests nothing</b>");
    else prc_h(p, ": published %s, predicted <b>%s</b>%s", prc_esc(p, prc_match_published(p, k)), prc_esc(p, prc_match_predicted(p, k)), k->wrong_sign ? ", <b class=\"bad\">the wrong sign</b>" : "");
    prc_h(p, " <span class=\"soft\">(%s; %s)</span></li>", prc_role_name(k->role), prc_evidence_links(p, k->evidence));
}

static void misses(prc_page *p)
{
    prc_h(p, "<li><span class=\"k\">Published outcomes missed</span><div>");
    if (!p->checks) {
        prc_h(p, "<p class=\"bad\">The model was not held against the record in this run.</p></div></li>\n");
        return;
    }
    const prc_check **list;
    size_t n = prc_checks_sorted(p, PRC_ROLE_COUNT, true, &list), out = 0, in = 0;
    for (int r = 0; r < PRC_ROLE_COUNT; r++) out += p->checks->outside[r], in += p->checks->inside[r];
    prc_h(p, "<p><b>%zu of %zu</b> published outcomes with an interval are outside it%s</p>", out, in + out, n ? ", worst first:" : ".");
    if (n) prc_h(p, "<ul>");
    for (size_t i = 0; i < n && i < 6; i++) miss_line(p, list[i]);
    if (n > 6) prc_h(p, "<li><a href=\"#record\">and %zu more</a></li>", n - 6);
    prc_h(p, "%s</div></li>\n", n ? "</ul>" : "");
}

/* A list of outcome ids holds one that is checked with a score of this trial. */
static bool about_this(prc_page *p, const char *list)
{
    for (size_t e = 0; e < p->spec->n_endpoint; e++) {
        const prc_observable *ob = &p->c->observable[p->spec->endpoint[e].observable];
        for (size_t i = 0; p->checks && i < p->checks->n; i++) {
            const prc_check *k = &p->checks->check[i];
            if (!strstr(k->measure, ob->name)) continue;
            for (const char *s = list; *s;) {
                size_t n = strcspn(s, "; ");
                const char *at = n ? strstr(k->evidence, prc_page_text(p, "%.*s", (int)n, s)) : NULL;
                if (at && (at[n] == 0 || at[n] == ';') && (at == k->evidence || at[-1] == ';')) return true;
                s += n;
                while (*s == ';' || *s == ' ') s++;
            }
        }
    }
    return false;
}

static bool touches(prc_page *p, const prc_conflict *k)
{
    return !p->checks || about_this(p, k->outcome_a) || about_this(p, k->outcome_b);
}

static void conflict(prc_page *p, const prc_conflict *k)
{
    const char *followed = strcmp(k->followed, "a") == 0 ? "the one" : strcmp(k->followed, "b") == 0 ? "the other" : prc_esc(p, k->followed);
    prc_h(p, "<p><b>%s</b> The one side: %s. The other: %s. <span class=\"soft\">Followed here: %s; %s.</span></p>", prc_esc(p, k->question), prc_esc(p, k->side_a), prc_esc(p, k->side_b), followed, prc_esc(p, k->reason));
}

static void conflicts(prc_page *p)
{
    prc_h(p, "<li><span class=\"k\">Conflicts in the record</span><div>");
    if (!p->in->evidence) prc_h(p, "<p class=\"bad\">The published record was not loaded.</p>");
    else if (p->n_conflict == 0) prc_h(p, "<p>None recorded for this condition.</p>");
    size_t near = 0;
    for (size_t i = 0; i < p->n_conflict; i++)
        if (touches(p, &p->conflict[i])) conflict(p, &p->conflict[i]), near++;
    if (near < p->n_conflict) prc_h(p, "<details class=\"print\"><summary>%zu %sof this condition, not about the scores of this trial</summary>", p->n_conflict - near, near ? "more " : "");
    for (size_t i = 0; i < p->n_conflict; i++)
        if (!touches(p, &p->conflict[i])) conflict(p, &p->conflict[i]);
    if (near < p->n_conflict) prc_h(p, "</details>");
    prc_h(p, "</div></li>\n");
}

static size_t own_failures(const prc_page *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->r->n_failure; i++) n += p->r->failure[i].own;
    return n;
}

static void losses(prc_page *p)
{
    size_t n = p->r->n_subject;
    prc_h(p, "<li><span class=\"k\">Lost on the way</span><div><p>%s of %s randomised patients were lost to follow-up (%s). ", prc_count_text(p, p->r->n_lost),
          prc_count_text(p, n), prc_percent(p, n ? (double)p->r->n_lost / (double)n : (double)NAN, 1));
    if (p->r->n_failure)
        prc_h(p, "<b class=\"bad\">The computation stopped for %zu simulated course%s</b>; they are listed in <code>failures.csv</code> and count as missing; %zu of them in the arm the patient was randomised to.", p->r->n_failure, p->r->n_failure == 1 ? "" : "s", own_failures(p));
    else prc_h(p, "The computation failed for none.");
    prc_h(p, "</p></div></li>\n");
}

void prc_report_read_first(prc_page *p)
{
    prc_section(p, "read-first", "Read this first", "What this result rests on, and where the model is known to be wrong.");
    prc_h(p, "<ul class=\"first\">\n");
    misses(p);
    conflicts(p);
    prc_h(p, "<li><span class=\"k\">Evidence level</span><div><p>The published evidence on this condition is rated <b>%s</b>.</p></div></li>\n",
          p->c->evidence_level && *p->c->evidence_level ? prc_esc(p, p->c->evidence_level) : "not graded");
    grade_bar(p);
    losses(p);
    prc_h(p, "</ul>\n");
    prc_section_end(p);
}

/* ---- the chart of differences ---- */

/* The first outcome of a check's list, if it is a meta-analysis. */
static const prc_outcome_row *meta_of(const prc_page *p, const prc_check *k)
{
    char id[128];
    size_t n = strcspn(k->evidence, "; ");
    if (!p->in->evidence || n == 0 || n >= sizeof id) return NULL;
    memcpy(id, k->evidence, n);
    id[n] = 0;
    const prc_outcome_row *o = prc_evidence_outcome(p->in->evidence, id);
    return o && prc_is_meta(p, o) ? o : NULL;
}

/* Meta-analyses of a difference in the primary score: the checks hold them in the unit of the score. */
static void add_published(prc_page *p, prc_forest *d, prc_forest_row *row)
{
    int dec = prc_answer_decimals(p);
    bool heading = false;
    for (size_t i = 0; p->checks && i < p->checks->n; i++) {
        const prc_check *k = &p->checks->check[i];
        const prc_outcome_row *o = prc_measure_is(k, "difference", p->ob->name) ? meta_of(p, k) : NULL;
        if (!o || !isfinite(k->published)) continue;
        if (!heading) row[d->n++] = (prc_forest_row){ .label = "Published meta-analyses: each as printed, not pooled, other patients", .arm = -2 };
        heading = true;
        prc_forest_row *r = &row[d->n++];
        *r = (prc_forest_row){ .arm = -1, .estimate = k->published, .lower = k->lower, .upper = k->upper, .hollow = (double)NAN,
                               .wide_lower = (double)NAN, .wide_mid = (double)NAN, .wide_upper = (double)NAN };
        r->label = prc_study_short(p, o->study);
        r->sub = prc_page_text(p, "at %s; %s", prc_days(p, k->at), o->id);
        prc_estimate e = { .estimate = k->published, .ci_lb = k->lower, .ci_ub = k->upper };
        r->right = prc_page_text(p, "%s%s", prc_estimate_text(p, &e, dec, true), isfinite(k->lower) ? "" : ", no interval");
        if (isfinite(k->lower) && isfinite(k->upper) && d->n_band < 8) {
            d->band_lower[d->n_band] = k->lower;
            d->band_upper[d->n_band++] = k->upper;
        }
    }
}

static void add_arms(prc_page *p, size_t pop, prc_forest *d, prc_forest_row *row)
{
    int dec = prc_answer_decimals(p);
    if (p->n_pop > 1) row[d->n++] = (prc_forest_row){ .label = prc_pop_name(p, pop), .arm = -2 };
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_answer x;
        if ((int)a == p->reference) continue;
        prc_answer_of(p, pop, (int)a, &x);
        prc_forest_row *r = &row[d->n++];
        *r = (prc_forest_row){ .arm = (int)a, .estimate = x.diff.estimate, .lower = x.diff.ci_lb, .upper = x.diff.ci_ub, .hollow = x.truth,
                               .wide_lower = x.lower, .wide_mid = x.median, .wide_upper = x.upper };
        r->label = p->arm_short[a];
        r->sub = prc_page_text(p, "n = %s", prc_count_text(p, prc_arm_size(p, pop, (int)a)));
        r->right = prc_estimate_text(p, &x.diff, dec, true);
        r->right2 = isfinite(x.lower) ? prc_interval(p, x.lower, x.upper, dec, true) : NULL;
    }
}

static const char *mcid_source_words(prc_page *p, const char *words)
{
    if (!words) return "";
    return prc_page_text(p, " The MCID (%s%s) is a change within a patient and stands here for scale.", words, mcid_source(p));
}

static void difference_table(prc_page *p, size_t pop)
{
    const prc_endpoint_result *x = prc_result_of(p, pop, p->primary);
    int d = prc_answer_decimals(p);
    if (!x || !x->ls_mean) return;
    prc_table_begin(p, prc_page_text(p, "%s%s%s by arm, 95\xe2\x80\xaf%% intervals", prc_esc(p, prc_endpoint_title(p, p->primary)), p->n_pop > 1 ? ", " : "", p->n_pop > 1 ? prc_esc(p, prc_pop_name(p, pop)) : ""));
    prc_h(p, "<thead><tr><th>Arm</th><th class=\"r\">n</th><th>Mean (LS)</th><th>True mean</th><th>Difference</th><th>p</th><th>True difference</th><th>Range over what is assumed</th></tr></thead><tbody>\n");
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_answer y;
        prc_answer_of(p, pop, (int)a, &y);
        prc_h(p, "<tr><th>%s</th><td class=\"r\">%s</td><td class=\"nw\">%s</td><td>%s</td>", prc_esc(p, p->arm_short[a]), prc_count_text(p, x->ls_mean[a].n ? x->ls_mean[a].n : prc_arm_size(p, pop, (int)a)),
              prc_estimate_text(p, &x->ls_mean[a], d, true), prc_signed(p, x->true_value ? x->true_value[a] : (double)NAN, d));
        if ((int)a == p->reference) prc_h(p, "<td colspan=\"4\" class=\"soft\">reference</td></tr>\n");
        else prc_h(p, "<td class=\"nw\">%s</td><td>%s</td><td>%s</td><td class=\"nw\"><b>%s</b></td></tr>\n", prc_estimate_text(p, &y.diff, d, true), prc_esc(p, prc_p_text(p, y.diff.p)), prc_signed(p, y.truth, d), prc_interval(p, y.lower, y.upper, d, true));
    }
    prc_h(p, "</tbody>");
    prc_table_end(p);
    prc_h(p, "<p class=\"source\">p values are not corrected for the number of comparisons. True values: every randomised patient simulated under every arm, with the placebo response of their arm, without noise or dropout.</p>\n");
}

/* The primary difference of the best arm within each level of the subgroups. */
static void subgroups(prc_page *p, size_t pop)
{
    prc_forest_row *row = prc_page_alloc(p, 2 * p->r->n_subgroup + 1, sizeof *row);
    int arm = prc_best_arm(p, pop), last = -1, dec = prc_answer_decimals(p);
    const double none = (double)NAN;
    prc_forest d = { .row = row, .head_right = "difference (95\xe2\x80\xaf% interval)", .zero = true, .decimals = dec };
    for (size_t i = 0; row && i < p->r->n_subgroup; i++) {
        const prc_subgroup_result *x = &p->r->subgroup[i];
        const prc_covariate *c = &p->c->covariate[x->covariate];
        if (x->population != pop || arm == p->reference || !isfinite(x->diff[arm].estimate)) continue;
        if (x->covariate != last) row[d.n++] = (prc_forest_row){ .label = prc_words(p, c->name), .arm = -2 };
        last = x->covariate;
        const prc_estimate *e = &x->diff[arm];
        row[d.n++] = (prc_forest_row){ .label = c->category[x->category], .sub = prc_page_text(p, "n = %s", prc_count_text(p, e->n)), .right = prc_estimate_text(p, e, dec, true), .arm = arm,
                                       .estimate = e->estimate, .lower = e->ci_lb, .upper = e->ci_ub, .hollow = x->true_diff[arm], .wide_lower = none, .wide_mid = none, .wide_upper = none };
    }
    if (!d.n) return;
    bool lower_better = prc_answer_direction(p) < 0;
    d.x_label = prc_page_text(p, "difference to %s (%s)", p->arm_short[p->reference], prc_answer_unit(p));
    d.left_word = lower_better ? "better" : "worse";
    d.right_word = lower_better ? "worse" : "better";
    prc_figure(p, prc_page_text(p, "subgroups-%zu", pop), prc_page_text(p, "%s: %s against %s by subgroup%s%s", prc_endpoint_title(p, p->primary), p->arm_short[arm], p->arm_short[p->reference], p->n_pop > 1 ? ", " : "", p->n_pop > 1 ? prc_pop_name(p, pop) : ""),
               prc_chart_forest, &d, "Source: this run, the primary analysis within each subgroup. Exploratory: no correction for their number; the rings show what truly differs in the model.");
}

void prc_report_answer(prc_page *p)
{
    prc_section(p, "answer", "The answer", "Three widths, kept apart: the bar is what the assumptions allow, the line is the chance of sampling patients, the ring is what the model truly holds.");
    prc_forest_row *row = prc_page_alloc(p, p->n_arm * p->n_pop + p->n_pop + (p->checks ? p->checks->n : 0) + 2, sizeof *row);
    if (!row) return;
    const char *mcid_words = NULL;
    double mcid = prc_answer_mcid(p, 0, &mcid_words);
    prc_forest_line line = { mcid, "MCID" };
    bool down = prc_answer_direction(p) < 0;
    prc_forest d = { .row = row, .head_right = "difference (95\xe2\x80\xaf% interval)", .head_right2 = "range over assumed", .zero = true, .decimals = prc_answer_decimals(p) };
    for (size_t pop = 0; pop < p->n_pop; pop++) add_arms(p, pop, &d, row);
    add_published(p, &d, row);
    if (isfinite(mcid)) d.line = &line, d.n_line = 1;
    const char *ref = p->arm_short[p->reference];
    d.x_label = prc_page_text(p, "difference to %s (%s)", ref, prc_answer_unit(p));
    d.left_word = down ? "better" : "worse";
    d.right_word = down ? "worse" : "better";
    const char *source = prc_page_text(p, "Source: this run, %s randomised patients%s.%s%s", prc_count_text(p, p->r->n_subject),
                                       p->range ? prc_page_text(p, "; range: %zu draws, %zu patients each", p->range->n_used, p->range->n_patient) : "",
                                       d.n_band ? " Pale bands: intervals of the published meta-analyses." : "", mcid_source_words(p, mcid_words));
    prc_figure(p, "answer", prc_page_text(p, "%s: difference to %s", prc_endpoint_title(p, p->primary), ref), prc_chart_forest, &d, source);
    for (size_t pop = 0; pop < p->n_pop; pop++) {
        difference_table(p, pop);
        subgroups(p, pop);
    }
    prc_section_end(p);
}
