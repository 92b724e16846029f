/* consort.c: the items of the CONSORT 2025 checklist with what a trial file and its run say about them. */
#include "export_int.h"

#include <math.h>
#include <string.h>

#define BIT(k) (1u << (k))

/* Number and topic of each item (Hopewell et al. 2025). */
static const struct { const char *number, *topic; } items[] = {
    {"1a", "Title and structured abstract"}, {"1b", "Title and structured abstract"}, {"2", "Trial registration"}, {"3", "Protocol and statistical analysis plan"},
    {"4", "Data sharing"}, {"5a", "Funding and conflicts of interest"}, {"5b", "Funding and conflicts of interest"}, {"6", "Background and rationale"}, {"7", "Objectives"},
    {"8", "Patient and public involvement"}, {"9", "Trial design"}, {"10", "Changes to trial protocol"}, {"11", "Trial setting"}, {"12a", "Eligibility criteria"},
    {"12b", "Eligibility criteria"}, {"13", "Intervention and comparator"}, {"14", "Outcomes"}, {"15", "Harms"}, {"16a", "Sample size"}, {"16b", "Sample size"},
    {"17a", "Randomisation: sequence generation"}, {"17b", "Randomisation: sequence generation"}, {"18", "Randomisation: allocation concealment mechanism"},
    {"19", "Randomisation: implementation"}, {"20a", "Blinding"}, {"20b", "Blinding"}, {"21a", "Statistical methods"}, {"21b", "Statistical methods"},
    {"21c", "Statistical methods"}, {"21d", "Statistical methods"}, {"22a", "Participant flow"}, {"22b", "Participant flow"}, {"23a", "Recruitment"}, {"23b", "Recruitment"},
    {"24a", "Intervention and comparator delivery"}, {"24b", "Intervention and comparator delivery"}, {"25", "Baseline data"}, {"26", "Numbers analysed, outcomes and estimation"},
    {"27", "Harms"}, {"28", "Ancillary analyses"}, {"29", "Interpretation"}, {"30", "Limitations"},
};

/* What is said about an item; empty: not filled. */
typedef struct filling {
    const prc_trial_result *r;
    const prc_trial_spec *s;
    prc_text *t;
} filling;

static void population_label(const filling *f, size_t p)
{
    if (f->s->n_population > 1) prc_text_printf(f->t, "%s%s: ", p ? "; " : "", f->s->population[p].name);
}

static void design(const filling *f)
{
    const prc_trial_spec *s = f->s;
    prc_text_printf(f->t, "Simulated parallel-group trial, %zu arms, allocation ", s->arms->n);
    for (size_t a = 0; a < s->arms->n; a++) prc_text_add(f->t, a ? ":1" : "1");
    prc_text_printf(f->t, ", superiority against %s", s->arms->arm[s->endpoint[0].versus].name);
}

static void eligibility(const filling *f)
{
    for (size_t p = 0; p < f->s->n_population; p++) {
        const prc_eligibility *e = f->s->population[p].eligibility;
        population_label(f, p);
        if (!e || e->n == 0) prc_text_add(f->t, "everybody");
        for (size_t i = 0; e && i < e->n; i++) {
            const prc_criterion *k = &e->criterion[i];
            prc_text_printf(f->t, "%s%s", i ? ", " : "", k->name);
            for (size_t m = 0; m < k->n_set; m++) prc_text_printf(f->t, "%s%g", m ? " or " : " ", k->set[m]);
            if (!isnan(k->min)) prc_text_printf(f->t, " at least %g", k->min);
            if (!isnan(k->max)) prc_text_printf(f->t, " at most %g", k->max);
        }
    }
}

static void interventions(const filling *f)
{
    for (size_t a = 0; a < f->s->arms->n; a++) prc_text_printf(f->t, "%s%s: %s", a ? "; " : "", f->s->arms->arm[a].name, f->s->arms->arm[a].label);
}

static void outcomes(const filling *f)
{
    for (size_t k = 0; k < f->s->n_endpoint; k++) {
        const prc_endpoint *e = &f->s->endpoint[k];
        const prc_observable *ob = &f->s->condition->observable[e->observable];
        prc_text_printf(f->t, "%s%s%s: %s, %s, day %g", k ? "; " : "", e->name, k ? "" : " (primary)", ob->label, ob->kind == PRC_OB_EVENT ? "time to event" : e->change ? "change from baseline" : "value", e->at);
    }
}

static void harms(const filling *f)
{
    if (f->s->n_adverse == 0) return;
    prc_text_add(f->t, "Drawn per administration from published probabilities: ");
    for (size_t k = 0; k < f->s->n_adverse; k++) prc_text_printf(f->t, "%s%s", k ? ", " : "", f->s->condition->adverse[f->s->adverse[k]].label);
}

static void sizes(const filling *f)
{
    for (size_t p = 0; p < f->s->n_population; p++) {
        population_label(f, p);
        prc_text_printf(f->t, "%zu per arm, as set in the trial file", f->s->population[p].size_per_arm);
    }
}

static void restriction(const filling *f)
{
    prc_text_printf(f->t, "Permuted blocks of %zu", f->s->block);
    for (size_t k = 0; k < f->s->n_stratify; k++) prc_text_printf(f->t, "%s%s", k ? ", " : " within strata of ", f->s->condition->covariate[f->s->stratify[k]].name);
}

static void methods(const filling *f)
{
    for (size_t k = 0; k < f->s->n_endpoint; k++) {
        bool first = true;
        prc_text_printf(f->t, "%s%s: ", k ? "; " : "", f->s->endpoint[k].name);
        for (int m = PRC_AN_ANCOVA; m < 32; m++) {
            const char *name = f->s->endpoint[k].analyses & BIT(m) ? prc_analysis_name((prc_analysis_kind)m) : NULL;
            if (name) prc_text_printf(f->t, "%s%s", first ? "" : ", ", name), first = false;
        }
    }
}

static void missing(const filling *f)
{
    static const char *const words[] = {"nobody leaves", "leaving completely at random", "leaving at random given the reported score", "leaving that depends on the unreported score"};
    prc_text_printf(f->t, "Simulated: %s", words[f->s->missing]);
    if (f->s->missing != PRC_MISSING_NONE) prc_text_printf(f->t, ", %g %% a year; values after leaving are missing, a missing response counts as none", 100 * f->s->dropout_rate);
}

static void subgroups(const filling *f)
{
    for (size_t k = 0; k < f->s->n_subgroup; k++) prc_text_printf(f->t, "%s%s", k ? ", " : "Primary analysis within levels of ", f->s->condition->covariate[f->s->subgroup[k]].name);
}

/* Numbers of each arm: randomised, and those that a condition holds for. */
static void flow(const filling *f)
{
    const prc_trial_result *r = f->r;
    for (size_t p = 0; p < f->s->n_population; p++) {
        size_t screened = r->population[p].n_screened;
        population_label(f, p);
        prc_text_printf(f->t, "%zu screened, %zu not eligible", screened, r->population[p].n_not_eligible);
        for (size_t k = 0; k < r->n_result; k++) {
            const prc_endpoint_result *x = &r->result[k];
            if (x->population != p || x->endpoint != &f->s->endpoint[0]) continue;
            for (size_t a = 0; a < x->n_arm; a++) {
                size_t analysed = x->endpoint->analyses & BIT(PRC_AN_ANCOVA) ? x->ls_mean[a].n : f->s->population[p].size_per_arm;
                prc_text_printf(f->t, ", %s %zu randomised %zu analysed", f->s->arms->arm[a].name, f->s->population[p].size_per_arm, analysed);
            }
        }
    }
}

static void losses(const filling *f)
{
    static const struct { prc_disposition d; const char *words; } kinds[] = {{PRC_DROPPED_OUT, "lost to follow-up"}, {PRC_HAD_EVENT, "ended by an event"}, {PRC_SOLVER_FAILED, "simulation failed"}};
    for (size_t a = 0; a < f->s->arms->n; a++) {
        prc_text_printf(f->t, "%s%s", a ? "; " : "", f->s->arms->arm[a].name);
        for (size_t m = 0; m < sizeof kinds / sizeof *kinds; m++) {
            size_t n = 0;
            for (size_t k = 0; k < f->r->n_subject; k++) n += f->r->subject[k].arm == a && f->r->subject[k].disposition == kinds[m].d;
            prc_text_printf(f->t, "%s %zu %s", m ? "," : ":", n, kinds[m].words);
        }
    }
}

static void results(const filling *f)
{
    for (size_t k = 0; k < f->r->n_result; k++) {
        const prc_endpoint_result *x = &f->r->result[k];
        if (x->endpoint != &f->s->endpoint[0] || !(x->endpoint->analyses & BIT(PRC_AN_ANCOVA))) continue;
        for (size_t a = 0; a < x->n_arm; a++) {
            if (isnan(x->diff[a].estimate)) continue;
            prc_text_printf(f->t, "%s%s%s%s minus %s: %.3g (95 %% CI %.3g to %.3g), %zu analysed", f->t->n ? "; " : "", f->s->n_population > 1 ? f->s->population[x->population].name : "", f->s->n_population > 1 ? " " : "",
                            f->s->arms->arm[a].name, f->s->arms->arm[x->endpoint->versus].name, x->diff[a].estimate, x->diff[a].ci_lb, x->diff[a].ci_ub, x->ls_mean[a].n);
        }
    }
    if (f->t->n) prc_text_add(f->t, "; every endpoint in summary.json");
}

static void fill(const filling *f, const char *number)
{
    static const struct { const char *number; void (*say)(const filling *f); } spoken[] = {
        {"9", design}, {"12a", eligibility}, {"13", interventions}, {"14", outcomes}, {"15", harms}, {"16a", sizes}, {"17b", restriction}, {"21a", methods}, {"21c", missing},
        {"21d", subgroups}, {"22a", flow}, {"22b", losses}, {"26", results},
    };
    static const struct { const char *number, *words; } fixed[] = {
        {"1a", "Simulated randomised trial; the title of the trial file should say so"},
        {"3", "The trial file is the protocol and the analysis plan; its SHA-256 stands in manifest.json"},
        {"4", "The simulated patients are the CSV files beside this one; define.json (option --xpt) is their dictionary; manifest.json names what makes them again"},
        {"10", "None possible: every file is read before anything is run"},
        {"11", "None: the patients are simulated"},
        {"16b", "No interim analysis"},
        {"17a", "Counter-based generator (Philox4x32-10) keyed by the seed of the trial file"},
        {"18", "Not needed: nobody could know the sequence"},
        {"19", "By the program; no person enrols or assigns"},
        {"21b", "All randomised patients with a value, in the arm they were assigned to"},
        {"23a", "No calendar dates: time is counted from the first treatment"},
        {"24a", "As assigned: every simulated patient gets every dose on its day"},
        {"24b", "None beside the arm, unless the trial file says so"},
        {"25", "In report.html and adsl.csv"},
        {"27", "In report.html and adae.csv"},
    };
    for (size_t k = 0; k < sizeof spoken / sizeof *spoken; k++)
        if (strcmp(spoken[k].number, number) == 0) spoken[k].say(f);
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
        if (strcmp(fixed[k].number, number) == 0 && !(strcmp(number, "27") == 0 && f->s->n_adverse == 0)) prc_text_add(f->t, fixed[k].words);
    if (strcmp(number, "7") == 0 && *f->s->question) prc_text_add(f->t, f->s->question);
    if (strcmp(number, "28") == 0 && f->s->n_subgroup) prc_text_add(f->t, "In subgroups.csv, named in the trial file beforehand");
}

static prc_status write_items(const prc_trial_result *r, prc_json *list, FILE *csv, prc_error *err)
{
    fputs("ITEM,TOPIC,STATUS,TEXT\n", csv);
    for (size_t k = 0; k < sizeof items / sizeof *items; k++) {
        prc_text t = {0};
        const filling f = {r, r->spec, &t};
        fill(&f, items[k].number);
        const char *status = t.n ? "filled" : "not filled";
        bool failed = t.failed;
        prc_json *j = prc_json_set(list, NULL, prc_json_object());
        prc_json_set_text(j, "item", items[k].number);
        prc_json_set_text(j, "topic", items[k].topic);
        prc_json_set_text(j, "status", status);
        prc_json_set_text(j, "text", t.n ? t.s : NULL);
        fprintf(csv, "%s,", items[k].number);
        prc_csv_cell(csv, items[k].topic);
        fprintf(csv, ",%s,", status);
        prc_csv_cell(csv, t.n ? t.s : "");
        putc('\n', csv);
        prc_text_reset(&t);
        if (failed) return prc_fail(err, PRC_E_MEMORY, "out of memory for the CONSORT items");
    }
    return PRC_OK;
}

prc_status prc_export_consort(const prc_trial_result *r, prc_outdir *dir, prc_error *err)
{
    prc_error why = {0};
    char *text = NULL;
    FILE *csv = prc_outdir_open(dir, "consort.csv", &why), *f = csv ? prc_outdir_open(dir, "consort.json", &why) : NULL;
    if (!f) {
        if (err) *err = why;
        return why.status ? why.status : PRC_E_IO;
    }
    prc_json *j = prc_json_object();
    prc_json_set_text(j, "schema", "paracrine/consort/1");
    prc_json_set_text(j, "guideline", "CONSORT 2025 (Hopewell et al. 2025, 10.1371/journal.pmed.1004587); numbers and topics, not the words of the checklist");
    prc_json_set_text(j, "research_use", "Research use only. A simulation, not evidence of benefit; not for treatment decisions.");
    prc_status st = write_items(r, prc_json_set(j, "items", prc_json_array()), csv, err);
    if (st == PRC_OK) st = prc_json_text(j, &text, err);
    if (st == PRC_OK && fputs(text, f) < 0) st = prc_fail(err, PRC_E_IO, "cannot write consort.json");
    prc_json_free(j);
    prc_free(text);
    return st;
}
