/* The report on results made by hand: hostile texts, numbers that are missing everywhere, many arms and populations, allocation failures.
 * `report_mock FILE.html` writes the page of the full mock, to look at. */
#include "../tap.h"

#include <ctype.h>
#include <stdlib.h>

#include "paracrine/report.h"

/* As TAP_HAS without printing a whole page. */
#define TAP_PART(text, part) TAP_THAT((text) && strstr((text), (part)), "%s has %s", #text, (part))

#define NA ((double)NAN)
#define N_OB 4
#define N_TIME 5
#define N_VISIT 3
#define HOSTILE "A <script>alert(1)</script> & \"trial\" 'x'"

/* Everything lives in one arena of the mock. */
typedef struct mock {
    prc_arena *arena;
    size_t n_arm, n_pop, per_arm;
    bool missing; /* every number that may be NaN is */
    prc_condition c;
    prc_trial_spec spec;
    prc_arms arms;
    prc_trial_result r;
    prc_engine engine;
    prc_checks checks;
    prc_range range;
} mock;

static void *get(mock *m, size_t n, size_t size)
{
    return prc_arena_alloc(m->arena, n ? n : 1, size);
}

static double or_na(const mock *m, double x)
{
    return m->missing ? NA : x;
}

static prc_estimate estimate(const mock *m, double x, double half)
{
    prc_estimate e = { .estimate = x, .se = half / 2, .df = 100, .stat = x / half * 2, .p = 0.012, .ci_lb = x - half, .ci_ub = x + half, .n = m->per_arm };
    prc_estimate none = { NA, NA, NA, NA, NA, NA, NA, 0 };
    return m->missing ? none : e;
}

static void make_condition(mock *m)
{
    static const char *const category[] = { "2", "3" };
    static double code[] = { 2, 3 }, share[] = { 0.5, 0.5 };
    prc_condition *c = &m->c;
    c->name = "knee-oa";
    c->title = "Knee <b>osteoarthritis</b>";
    c->evidence_level = "high";
    c->run_in = 3650;
    c->n_observable = N_OB;
    c->observable = get(m, N_OB, sizeof *c->observable);
    const prc_observable ob[N_OB] = {
        { .name = "womac_total", .label = "WOMAC total", .unit = "pt", .kind = PRC_OB_SCORE, .min = 0, .max = 96, .direction = -1, .mcid = or_na(m, 12), .mcid_unit = "%", .mcid_source = "-", .residual_sd = 20 },
        { .name = "mocart", .label = "MOCART", .unit = "pt", .kind = PRC_OB_IMAGE, .min = 0, .max = 100, .direction = 1, .mcid = NA, .residual_sd = 10 },
        { .name = "knee_replacement", .label = "Knee replacement", .unit = "1", .kind = PRC_OB_EVENT, .min = NA, .max = NA, .direction = -1, .mcid = NA, .residual_sd = NA },
        { .name = "cells", .label = "Living cells", .unit = "cells", .kind = PRC_OB_READOUT, .min = NA, .max = NA, .mcid = NA, .residual_sd = NA },
    };
    memcpy(c->observable, ob, sizeof ob);
    c->n_covariate = 2;
    c->covariate = get(m, 2, sizeof *c->covariate);
    c->covariate[0] = (prc_covariate){ .name = "age", .unit = "y", .mean = 60, .sd = 8, .min = 35, .max = 85 };
    c->covariate[1] = (prc_covariate){ .name = "kl_grade", .unit = "1", .n_category = 2, .code = code, .probability = share };
    c->covariate[1].category = get(m, 2, sizeof *c->covariate[1].category);
    memcpy(c->covariate[1].category, category, sizeof category);
    c->n_row = 3;
    c->row = get(m, 3, sizeof *c->row);
    c->row[0] = (prc_row){ .name = "k_rel", .value = 0.1, .unit = "1/d", .lower = 0.05, .upper = 0.2, .grade = PRC_ASSUMED, .source = "-", .note = HOSTILE };
    c->row[1] = (prc_row){ .name = "s_B", .value = 3.2, .unit = "1", .lower = 1.6, .upper = 6.4, .grade = PRC_CALIBRATED, .source = "article-004", .note = "-" };
    c->row[2] = (prc_row){ .name = "half_life", .value = 10, .unit = "h", .lower = NA, .upper = NA, .grade = PRC_MEASURED, .source = "toupet", .note = "-" };
    c->n_adverse = 1;
    c->adverse = get(m, 1, sizeof *c->adverse);
    c->adverse[0] = (prc_adverse){ .name = "joint_swelling", .label = "Joint swelling" };
    c->n_file = 1;
    c->file = get(m, 1, sizeof *c->file);
    c->file[0].path = "/home/someone/models/knee-oa/model.ant";
    memset(c->file[0].sha256, 'a', 64);
}

static void make_spec(mock *m)
{
    prc_trial_spec *s = &m->spec;
    static double visit[] = { 0, 182.625, 365.25 };
    static const char *label[] = { "0 d", "6 mo", "12 mo" };
    static double zero[] = { 0 };
    *s = (prc_trial_spec){ .path = "/somewhere/else/mock.yaml", .title = HOSTILE, .question = "Does <img src=x onerror=alert(1)> it work?", .text = "title: <script>\n", .condition = &m->c, .seed = 7,
                           .n_population = m->n_pop, .block = 4, .arms = &m->arms, .n_visit = N_VISIT, .visit = visit, .visit_label = label, .missing = PRC_MISSING_MAR, .dropout_rate = 0.08, .horizon = 365.25 };
    memset(s->sha256, 'b', 64);
    s->population = get(m, m->n_pop, sizeof *s->population);
    for (size_t i = 0; i < m->n_pop; i++) s->population[i] = (prc_population_spec){ .name = i ? "late" : "early <i>", .size_per_arm = m->per_arm };
    m->arms.n = m->n_arm;
    m->arms.arm = get(m, m->n_arm, sizeof *m->arms.arm);
    for (size_t a = 0; a < m->n_arm; a++) {
        prc_course *course = get(m, 1, sizeof *course);
        *course = (prc_course){ .product = a ? "msc" : "saline", .route = "intra-articular", .dose = a ? 1e7 * (double)a : NA, .n_time = 1, .time = zero };
        m->arms.arm[a] = (prc_arm){ .name = prc_arena_printf(m->arena, "arm%zu", a), .label = prc_arena_printf(m->arena, "arm %zu <u>of</u> the mock", a), .n_course = 1, .course = course, .active = a > 0 };
    }
    s->n_endpoint = 3;
    s->endpoint = get(m, 3, sizeof *s->endpoint);
    int *by = get(m, 2, sizeof *by);
    by[0] = -1;
    by[1] = 1;
    s->endpoint[0] = (prc_endpoint){ .name = "primary", .observable = 0, .at = 365.25, .change = true, .analyses = 1u << PRC_AN_ANCOVA, .n_covariate = 2, .covariate = by };
    s->endpoint[1] = (prc_endpoint){ .name = "responder", .observable = 0, .at = 365.25, .change = true, .analyses = 1u << PRC_AN_RESPONDER };
    s->endpoint[2] = (prc_endpoint){ .name = "tkr", .observable = 2, .at = 365.25, .analyses = 1u << PRC_AN_KAPLAN_MEIER | 1u << PRC_AN_LOGRANK };
    s->n_adverse = 1;
    s->adverse = get(m, 1, sizeof *s->adverse);
}

/* Courses by arm and the table of the baseline, as a run leaves them. */
static void make_population(mock *m, prc_population_run *run, size_t n)
{
    size_t width = 2 + N_OB, n_category = m->c.covariate[0].n_category + m->c.covariate[1].n_category;
    *run = (prc_population_run){ .n = n, .n_screened = 3 * n, .n_not_eligible = 2 * n, .regression_to_mean = or_na(m, -1.2), .n_time = N_TIME };
    run->time = get(m, N_TIME, sizeof *run->time);
    run->trajectory = get(m, m->n_arm * N_TIME * N_OB, sizeof *run->trajectory);
    run->baseline = get(m, (m->n_arm + 1) * width, sizeof *run->baseline);
    run->category = get(m, (m->n_arm + 1) * (n_category + 1), sizeof *run->category);
    for (size_t k = 0; k < N_TIME; k++) run->time[k] = 365.25 * (double)k / (N_TIME - 1);
    for (size_t a = 0; a < m->n_arm; a++)
        for (size_t o = 0; o < N_OB; o++)
            for (size_t k = 0; k < N_TIME; k++) {
                double late = (double)a * (double)k, mid = o == 0 ? 51 - (double)a * (k > 0) * 1.5 : o == 1 ? 55 + late : a ? 1e7 * (double)a / (1 + 40.0 * (double)(k * k)) : 0;
                double half = o < 2 ? 3 : 0;
                if (o != 2) run->trajectory[(a * N_OB + o) * N_TIME + k] = (prc_trajectory){ m->missing ? 0 : n / m->n_arm, or_na(m, mid), or_na(m, mid - 2 * half), or_na(m, mid - half), or_na(m, mid), or_na(m, mid + half), or_na(m, mid + 2 * half) };
            }
    for (size_t a = 0; a <= m->n_arm; a++)
        for (size_t k = 0; k < width; k++) run->baseline[a * width + k] = (prc_moments){ a < m->n_arm ? n / m->n_arm : n, or_na(m, 50 + (double)k), or_na(m, 5) };
}

static void make_subjects(mock *m)
{
    prc_trial_result *r = &m->r;
    size_t per_pop = m->n_arm * m->per_arm;
    r->n_subject = m->n_pop * per_pop;
    r->subject = get(m, r->n_subject, sizeof *r->subject);
    r->population = get(m, m->n_pop, sizeof *r->population);
    for (size_t p = 0; p < m->n_pop; p++) make_population(m, &r->population[p], per_pop);
    for (size_t i = 0; i < r->n_subject; i++) {
        prc_subject *s = &r->subject[i];
        *s = (prc_subject){ .id = (uint32_t)i, .population = (uint16_t)(i / per_pop), .arm = (uint16_t)(i % m->n_arm), .member = (uint32_t)(i % per_pop), .dropout_day = HUGE_VAL, .disposition = PRC_COMPLETED };
        if (i % 9 == 4) s->disposition = PRC_DROPPED_OUT, s->dropout_day = 200, s->reason = "LOST TO FOLLOW-UP", r->n_lost++;
        if (i % 31 == 3) s->disposition = PRC_HAD_EVENT, s->dropout_day = 300, s->reason = "Knee <replacement>";
    }
    r->n_ae = r->n_subject / 6;
    r->ae_patients = get(m, m->n_pop * m->n_arm * 2, sizeof *r->ae_patients);
    r->ae_events = get(m, m->n_pop * m->n_arm * 2, sizeof *r->ae_events);
    for (size_t k = 0; k < m->n_pop * m->n_arm * 2; k++) r->ae_patients[k] = r->ae_events[k] = m->per_arm / 6;
}

static void make_results(mock *m)
{
    prc_trial_result *r = &m->r;
    r->n_result = 3 * m->n_pop;
    r->result = get(m, r->n_result, sizeof *r->result);
    for (size_t i = 0; i < r->n_result; i++) {
        prc_endpoint_result *x = &r->result[i];
        size_t n = m->n_arm, e = i % 3;
        *x = (prc_endpoint_result){ .population = i / 3, .endpoint = &m->spec.endpoint[e], .n_arm = n, .mcid = or_na(m, 12), .mcid_unit = "%", .mcid_source = "-" };
        x->ls_mean = get(m, n, sizeof *x->ls_mean), x->diff = get(m, n, sizeof *x->diff);
        x->true_value = get(m, n, sizeof(double)), x->true_diff = get(m, n, sizeof(double)), x->event_pct_true = get(m, n, sizeof(double));
        x->responders = get(m, n, sizeof(size_t)), x->evaluated = get(m, n, sizeof(size_t));
        x->rate = get(m, n, sizeof *x->rate), x->risk_diff = get(m, n, sizeof *x->risk_diff), x->survival = get(m, n, sizeof *x->survival);
        x->km = get(m, n, sizeof *x->km);
        x->logrank = estimate(m, 3, 1);
        for (size_t a = 0; a < n; a++) {
            double gain = -1.9 * (double)a * (i / 3 ? -0.4 : 1);
            x->ls_mean[a] = estimate(m, -5 + gain, 2), x->diff[a] = estimate(m, gain, 3), x->true_value[a] = or_na(m, -5 + gain), x->true_diff[a] = or_na(m, gain + 0.3);
            x->responders[a] = m->per_arm / 3, x->evaluated[a] = m->missing ? 0 : m->per_arm;
            x->rate[a] = estimate(m, 0.33, 0.1), x->risk_diff[a] = estimate(m, 0.02 * (double)a, 0.1), x->survival[a] = estimate(m, 0.9, 0.05), x->event_pct_true[a] = or_na(m, 10);
            x->km[a].n = m->per_arm, x->km[a].n_step = 3;
            double **part[] = { &x->km[a].time, &x->km[a].n_risk, &x->km[a].n_event, &x->km[a].n_censor, &x->km[a].surv, &x->km[a].se };
            for (size_t k = 0; k < 6; k++) *part[k] = get(m, 3, sizeof(double));
            for (size_t k = 0; k < 3; k++) x->km[a].time[k] = 100 * (double)(k + 1), x->km[a].n_risk[k] = 20 - (double)k, x->km[a].n_event[k] = 1, x->km[a].surv[k] = or_na(m, 0.97 - 0.02 * (double)(k + a));
        }
    }
}

static void make_subgroups(mock *m)
{
    prc_trial_result *r = &m->r;
    r->n_subgroup = 2 * m->n_pop;
    r->subgroup = get(m, r->n_subgroup, sizeof *r->subgroup);
    for (size_t i = 0; i < r->n_subgroup; i++) {
        prc_subgroup_result *x = &r->subgroup[i];
        *x = (prc_subgroup_result){ .population = i / 2, .covariate = 1, .category = i % 2, .n_arm = m->n_arm };
        x->ls_mean = get(m, m->n_arm, sizeof *x->ls_mean), x->diff = get(m, m->n_arm, sizeof *x->diff), x->true_diff = get(m, m->n_arm, sizeof(double));
        for (size_t a = 0; a < m->n_arm; a++) x->diff[a] = estimate(m, -3, 4), x->true_diff[a] = or_na(m, -2.5);
    }
}

static void make_checks(mock *m)
{
    static const char *const title[] = { "Pain <at> 12 months", "An order of doses", "A miss far away", "No interval", "Met without cells", "A number \"missing\"" };
    m->checks.n = 6;
    m->checks.check = get(m, 6, sizeof *m->checks.check);
    for (size_t i = 0; i < 6; i++) {
        prc_check *k = &m->checks.check[i];
        *k = (prc_check){ .id = title[i], .title = title[i], .evidence = "S001;S<2>", .cohort = "{}", .treatment = "{give: msc}", .control = "none", .measure = i == 1 ? "ordering(womac_total)" : "value(mocart)", .at_text = "12 mo",
                          .published_text = i == 1 ? "1<2=4" : "5", .unit = "mm", .note = "-", .role = (prc_role)(i % 3), .n = 200, .at = 365.25, .published = i == 1 ? NA : 60, .lower = i == 1 || i == 3 ? NA : 55,
                          .upper = i == 1 || i == 3 ? NA : 65, .predicted = i == 1 || i == 5 ? NA : i == 2 ? 400 : 58, .mc_se = 1, .without_cells = NA,
                          .verdict = i == 2 ? PRC_OUTSIDE : i == 3 || i == 5 ? PRC_NO_INTERVAL : i == 4 ? PRC_NO_CHECK : PRC_INSIDE };
        snprintf(k->predicted_text, sizeof k->predicted_text, "%s", i == 1 ? "1.0 < 2.0" : "");
        if (k->verdict == PRC_INSIDE) m->checks.inside[k->role]++;
        else if (k->verdict == PRC_OUTSIDE) m->checks.outside[k->role]++;
        else if (k->verdict == PRC_NO_INTERVAL) m->checks.no_interval[k->role]++;
        else m->checks.n_no_check++;
    }
}

static void make_range(mock *m)
{
    size_t n = m->n_pop * m->n_arm;
    m->range = (prc_range){ .n_draw = 200, .n_used = m->missing ? 0 : 198, .n_failed = 2, .n_patient = 60, .n_arm = m->n_arm, .n_population = m->n_pop, .n_influence = 2, .influence_arm = m->n_arm > 1 ? 1 : 0 };
    m->range.lower = get(m, n, sizeof(double)), m->range.median = get(m, n, sizeof(double)), m->range.upper = get(m, n, sizeof(double));
    for (size_t i = 0; i < n; i++) m->range.lower[i] = or_na(m, -14), m->range.median[i] = or_na(m, -5), m->range.upper[i] = or_na(m, 1.2);
    m->range.influence = get(m, 2, sizeof *m->range.influence);
    m->range.influence[0] = (prc_influence){ 1, or_na(m, -0.61) };
    m->range.influence[1] = (prc_influence){ 0, or_na(m, 0.4) };
}

static mock *make(size_t n_arm, size_t n_pop, bool missing)
{
    prc_arena *arena = prc_arena_create();
    mock *m = prc_arena_alloc(arena, 1, sizeof *m);
    m->arena = arena;
    m->n_arm = n_arm, m->n_pop = n_pop, m->missing = missing, m->per_arm = 12;
    make_condition(m);
    make_spec(m);
    m->r.spec = &m->spec;
    m->engine.options.rtol = 1e-6, m->engine.options.atol = 1e-9;
    m->r.engine = &m->engine;
    make_subjects(m);
    make_results(m);
    make_subgroups(m);
    make_checks(m);
    make_range(m);
    return m;
}

static prc_report_input input(const mock *m, bool full)
{
    return (prc_report_input){ .trial = &m->r, .checks = full ? &m->checks : NULL, .range = full ? &m->range : NULL, .command = "paracrine trial mock.yaml -o out & <done>", .version = "0.0 \"test\"" };
}

/* ---- what must hold for every page ---- */

static size_t occurrences(const char *s, const char *part)
{
    size_t n = 0;
    for (const char *at = s; (at = strstr(at, part)) != NULL; at += strlen(part)) n++;
    return n;
}

/* The word as a number would print it: no letter on either side. */
static bool has_word(const char *s, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = s; *at; at++) {
        size_t k = 0;
        while (k < n && tolower((unsigned char)at[k]) == word[k]) k++;
        if (k == n && !isalpha((unsigned char)at[n]) && (at == s || !isalpha((unsigned char)at[-1]))) return true;
    }
    return false;
}

static void check_page(const char *s)
{
    static const char *const part[] = { "read-first", "answer", "over-time", "record", "patients", "events", "mechanism", "drivers", "method" };
    static const char *const tag[] = { "svg", "table", "section", "figure", "div", "ul", "dl", "details", "tbody", "main", "text", "g" };
    char open[32], open_plain[32], close[32];
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        snprintf(open, sizeof open, "<section id=\"%s\">", part[i]);
        TAP_PART(s, open);
    }
    for (size_t i = 0; i < sizeof tag / sizeof *tag; i++) {
        snprintf(open, sizeof open, "<%s ", tag[i]);
        snprintf(open_plain, sizeof open_plain, "<%s>", tag[i]);
        snprintf(close, sizeof close, "</%s>", tag[i]);
        TAP_THAT(occurrences(s, open) + occurrences(s, open_plain) == occurrences(s, close), "<%s> is closed", tag[i]);
    }
    TAP_OK(!has_word(s, "nan") && !has_word(s, "inf") && !has_word(s, "null)"));
    TAP_OK(strstr(s, "alert(1)</script>") == NULL && strstr(s, "<img") == NULL && strstr(s, "<u>of") == NULL);
    TAP_INT(occurrences(s, "<script"), 1);
    TAP_OK(strstr(s, "<iframe") == NULL && strstr(s, "<link") == NULL && strstr(s, "@import") == NULL && strstr(s, "url(") == NULL);
    TAP_OK(strstr(s, "/home/someone") == NULL && strstr(s, "/somewhere/else") == NULL);
    TAP_INT(occurrences(s, PRC_RESEARCH_USE), 2);
}

static void page(size_t n_arm, size_t n_pop, bool missing, bool full)
{
    mock *m = make(n_arm, n_pop, missing);
    prc_report_input in = input(m, full);
    prc_text html = { 0 }, term = { 0 };
    prc_error err = { 0 };
    char *summary = NULL, *manifest = NULL;
    TAP_THAT(prc_report_html(&in, &html, &err) == PRC_OK, "page of %zu arms, %zu populations%s%s", n_arm, n_pop, missing ? ", numbers missing" : "", full ? "" : ", nothing beside the trial");
    check_page(html.s);
    TAP_OK(prc_report_summary(&in, &summary, &err) == PRC_OK);
    TAP_PART(summary, "\"schema\": \"paracrine/trial/1\"");
    TAP_PART(summary, "\"research_use\"");
    TAP_OK(!has_word(summary, "nan"));
    TAP_OK(prc_report_manifest(&in, &manifest, &err) == PRC_OK);
    TAP_PART(manifest, "\"path\": \"models/knee-oa/model.ant\"");
    TAP_PART(manifest, "\"path\": \"mock.yaml\"");
    TAP_OK(prc_report_terminal(&in, "out/report.html", &term, &err) == PRC_OK);
    TAP_PART(term.s, "Patients: ");
    TAP_PART(term.s, "out/report.html\n");
    TAP_OK(!has_word(term.s, "nan"));
    if (full && !missing && n_arm == 3) {
        TAP_PART(html.s, "the assumptions leave its direction open");
        TAP_PART(html.s, "fig-subgroups-0");
        TAP_PART(html.s, "\xe2\x88\x92" "14.0 to +1.2");
        TAP_PART(term.s, "[-14.0 to +1.2]");
        TAP_PART(term.s, "Against the record: ");
    }
    if (!full) TAP_PART(html.s, "too narrow");
    prc_text_reset(&html);
    prc_text_reset(&term);
    prc_free(summary);
    prc_free(manifest);
    prc_arena_free(m->arena);
}

static void pages(void)
{
    page(3, 1, false, true);
    page(12, 4, false, true);
    page(2, 1, true, true);
    page(1, 1, true, false);
    page(12, 2, true, true);
}

static void nothing_to_report(void)
{
    mock *m = make(2, 1, false);
    prc_report_input in = input(m, true);
    prc_text html = { 0 };
    prc_error err = { 0 };
    m->spec.n_endpoint = 0;
    TAP_OK(prc_report_html(&in, &html, &err) == PRC_E_VALUE && html.s == NULL);
    prc_arena_free(m->arena);
}

/* Same input, same bytes. */
static void same_twice(void)
{
    mock *m = make(3, 1, false);
    prc_report_input in = input(m, true);
    prc_text a = { 0 }, b = { 0 };
    TAP_OK(prc_report_html(&in, &a, NULL) == PRC_OK && prc_report_html(&in, &b, NULL) == PRC_OK && strcmp(a.s, b.s) == 0);
    prc_text_reset(&a);
    prc_text_reset(&b);
    prc_arena_free(m->arena);
}

/* Allocations fail one after the other, in steps: an error each time, nothing leaks (run with ASan). */
static void out_of_memory(void)
{
    mock *m = make(2, 1, false);
    prc_report_input in = input(m, true);
    bool ok = true;
    long n = prc_memory_count();
    prc_text html = { 0 };
    ok = prc_report_html(&in, &html, NULL) == PRC_OK;
    n = prc_memory_count() - n;
    prc_text_reset(&html);
    for (long k = 1; ok && k <= n; k += k < 60 ? 1 : n / 60 + 1) {
        char *json = NULL;
        prc_text t = { 0 };
        prc_error err = { 0 };
        prc_memory_fail_at(k);
        prc_status st = prc_report_html(&in, &html, &err);
        prc_memory_fail_at(k);
        prc_status st2 = prc_report_terminal(&in, NULL, &t, &err);
        prc_memory_fail_at(k);
        prc_status st3 = prc_report_summary(&in, &json, &err);
        prc_memory_fail_at(0);
        ok = (st == PRC_E_MEMORY || (st == PRC_OK && html.s)) && (st2 == PRC_OK || st2 == PRC_E_MEMORY) && (st3 == PRC_OK || st3 == PRC_E_MEMORY);
        prc_text_reset(&html);
        prc_text_reset(&t);
        prc_free(json);
    }
    TAP_THAT(ok, "every one of %ld allocations may fail", n);
    prc_arena_free(m->arena);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        mock *m = make(argc > 2 ? (size_t)atoi(argv[2]) : 5, argc > 3 ? (size_t)atoi(argv[3]) : 1, argc > 4);
        prc_report_input in = input(m, true);
        prc_text html = { 0 };
        prc_error err = { 0 };
        bool ok = prc_report_html(&in, &html, &err) == PRC_OK && prc_file_write(argv[1], html.s, html.n, &err) == PRC_OK;
        prc_text_reset(&html);
        prc_arena_free(m->arena);
        return ok ? 0 : 1;
    }
    TAP_RUN(pages);
    TAP_RUN(nothing_to_report);
    TAP_RUN(same_twice);
    TAP_RUN(out_of_memory);
    return tap_done();
}
