/* trial_template.c: a commented trial file to start from. */
#include "trial_int.h"

#include <math.h>
#include <string.h>

/* Where cells are given for a site of disease; intravenously elsewhere. */
static const char *route_of(const prc_condition *c)
{
    static const char *const sites[][2] = {{"knee", "intra-articular"}, {"joint", "intra-articular"}, {"disc", "intradiscal"}, {"bone", "intraosseous"},
                                           {"spinal cord", "intrathecal"}, {"muscle", "intramuscular"}};
    for (size_t i = 0; c->site && i < sizeof sites / sizeof *sites; i++)
        if (strcmp(c->site, sites[i][0]) == 0) return sites[i][1];
    return "intravenous";
}

/* First covariate with categories, NULL if none. */
static const prc_covariate *first_category(const prc_condition *c)
{
    for (size_t i = 0; i < c->n_covariate; i++)
        if (c->covariate[i].n_category > 1) return &c->covariate[i];
    return NULL;
}

/* First score, with an MCID if wanted. */
static const prc_observable *first_score(const prc_condition *c, bool with_mcid)
{
    for (size_t i = 0; i < c->n_observable; i++)
        if (c->observable[i].kind == PRC_OB_SCORE && (!with_mcid || !isnan(c->observable[i].mcid))) return &c->observable[i];
    return NULL;
}

static void add_people(const prc_condition *c, prc_text *t)
{
    const prc_covariate *v = first_category(c);
    prc_text_add(t, "\npopulation:\n  size_per_arm: 100                  # 1 to 1000000\n  # Whom the trial takes. A list is a set, { min, max } a range; scores are as measured at screening, four weeks before treatment.\n");
    const char *sign = "  include: {";
    for (size_t i = 0; i < c->n_covariate; i++)
        if (c->covariate[i].n_category == 0 && !isnan(c->covariate[i].min) && !isnan(c->covariate[i].max)) {
            prc_text_printf(t, "%s %s: { min: %g, max: %g }", sign, c->covariate[i].name, c->covariate[i].min, c->covariate[i].max);
            sign = ",";
            break;
        }
    if (v) {
        prc_text_printf(t, "%s %s: [", sign, v->name);
        for (size_t k = 0; k < v->n_category; k++) prc_text_printf(t, "%s%s", k ? ", " : "", v->category[k]);
        prc_text_add(t, "]");
        sign = ",";
    }
    prc_text_add(t, *sign == ',' ? " }\n" : "  include: {}\n");
    prc_text_add(t, "# Or several populations, which are not randomised against each other: populations: { early: { include: {...} }, late: { include: {...} } }\n\n");
    if (v) prc_text_printf(t, "randomise: { stratify: [%s], block: 4 }   # permuted blocks; a block is rounded up to a multiple of the number of arms\n\n", v->name);
}

static void add_arms(const prc_condition *c, prc_text *t)
{
    prc_text_printf(t,
                    "arms:\n"
                    "  placebo: { give: saline, route: %s, at: 0 d }\n"
                    "  msc50:   { give: msc, source: adipose, donor: allogeneic, dose: 50e6 cells, route: %s, at: 0 d }\n"
                    "  msc100:  { like: msc50, dose: 100e6 cells }             # as msc50 but for what is written\n"
                    "# yearly:  { like: msc50, repeat: { every: 12 mo, times: 1 } }   # one more dose after 12 months\n\n"
                    "visits: [0 d, 1 mo, 3 mo, 6 mo, 12 mo]     # 1 mo = 30.4375 d; the first is the baseline\n"
                    "# horizon: 24 mo                           # how long patients are simulated; the last visit if left out\n\n",
                    route_of(c), route_of(c));
}

static void add_endpoints(const prc_condition *c, prc_text *t)
{
    const prc_observable *score = first_score(c, false), *mcid = first_score(c, true);
    const prc_covariate *v = first_category(c);
    bool one = false;
    prc_text_add(t, "endpoints:                                 # the first one is the primary endpoint\n");
    if (score) prc_text_printf(t, "  primary:   { score: %s, at: 12 mo, measure: change, analysis: ancova, covariates: [baseline%s%s], versus: placebo }\n", score->name, v ? ", " : "", v ? v->name : "");
    if (mcid) prc_text_printf(t, "  responder: { score: %s, at: 12 mo, analysis: responder }     # reaches the smallest difference that matters; missing = no\n", mcid->name);
    if (mcid) prc_text_printf(t, "  relief:    { score: %s, analysis: duration }                 # months until the gain falls below that difference\n", mcid->name);
    for (size_t i = 0; i < c->n_observable; i++)
        if (c->observable[i].kind == PRC_OB_EVENT) prc_text_printf(t, "  %s: { event: %s, analysis: [kaplan-meier, logrank] }\n", c->observable[i].name, c->observable[i].name);
    for (size_t i = 0; i < c->n_adverse; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) again = again || strcmp(c->adverse[k].name, c->adverse[i].name) == 0;
        if (!again) prc_text_printf(t, "%s%s", one ? ", " : "  safety:    { adverse_events: [", c->adverse[i].name), one = true;
    }
    prc_text_add(t, one ? "] }\n" : "");
    prc_text_add(t, "\ndropout: { rate: 8 %/y, mechanism: mar }   # mcar: at random; mar: by what was last reported; mnar: by how it is; none\n"
                    "bias: none                                 # mean: add the inflation of small and open trials to what active arms report\n");
    if (score) {
        double mid = isnan(score->min) || isnan(score->max) ? 50 : score->min + (score->direction < 0 ? 0.7 : 0.3) * (score->max - score->min);
        const char *sign = score->direction < 0 ? ">" : "<";
        prc_text_printf(t, "# rescue: { when: %s %s %g, give: nsaid, times: 3, every: 28 d }   # given at the moment the score crosses, not at a visit\n", score->name, sign, mid);
        prc_text_printf(t, "# stop: { when: %s %s %g, for: 28 d, ends: treatment }      # or ends: participation\n", score->name, sign, mid);
    }
    if (v) prc_text_printf(t, "# subgroups: [%s]                    # the primary endpoint within each category\n", v->name);
}

prc_status prc_trial_template(const prc_condition *c, char **out, prc_error *err)
{
    prc_text t = {0};
    prc_text_printf(&t, "# A virtual trial in %s. Run it with: paracrine trial FILE -o out/FOLDER   (--check prints the design and runs nothing)\n", c->title);
    prc_text_add(&t, "# Research use only. A simulation, not evidence of benefit; not for treatment decisions.\n\n");
    prc_text_printf(&t, "title: A dose of cells against placebo\nquestion: Does either dose improve the primary score at 12 months?\ncondition: %s\nseed: 1                                    # the same seed gives the same patients and numbers\n", c->name);
    add_people(c, &t);
    add_arms(c, &t);
    add_endpoints(c, &t);
    if (t.failed) {
        prc_text_reset(&t);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for the template");
    }
    *out = t.s;
    return PRC_OK;
}
