/* paracrine power: operating characteristics of a trial file, its power curve, the smallest size for a power, assurance. */
#include "cli_int.h"

#include "paracrine/design.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZES = 1000, WORLD_PATIENTS = 100 };

/* Everything that is printed. */
typedef struct power_run {
    const cli_options *o;
    const prc_trial_spec *spec;
    const prc_design_result *r;
    prc_assurance *const *assurance; /* per population, NULL = none */
    double target;
    prc_error *err;
} power_run;

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

static prc_status bad_sizes(const char *text, prc_error *err) {
    return prc_fail(err, PRC_E_USAGE, "--n wants ascending sizes of 2 or more per arm, as in 50:400:25 or 50,100,200 (at most %d), not `%.60s`", MAX_SIZES, text);
}

static bool read_size(const char **p, int64_t *out) {
    char digits[16];
    size_t n = strspn(*p, "0123456789");
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, *p, n);
    digits[n] = 0;
    *p += n;
    return prc_parse_int64(digits, out) && *out >= 2 && *out <= 1000000;
}

static prc_status read_sizes(const char *text, size_t *size, size_t *n, prc_error *err) {
    const char *p = text;
    int64_t a, b, step = 25;
    *n = 0;
    if (!text) return PRC_OK;
    if (!read_size(&p, &a)) return bad_sizes(text, err);
    if (*p == ':') {
        p++;
        if (!read_size(&p, &b) || b < a) return bad_sizes(text, err);
        if (*p == ':') {
            char *end;
            step = strtoll(p + 1, &end, 10);
            p = end;
        }
        if (*p || step < 1 || (b - a) / step >= MAX_SIZES) return bad_sizes(text, err);
        for (; a <= b; a += step) size[(*n)++] = (size_t)a;
        return PRC_OK;
    }
    for (;;) {
        if (*n == MAX_SIZES || (*n && (size_t)a <= size[*n - 1])) return bad_sizes(text, err);
        size[(*n)++] = (size_t)a;
        if (*p == 0) return PRC_OK;
        if (*p++ != ',' || !read_size(&p, &a)) return bad_sizes(text, err);
    }
}

/* ---- what is read from a curve ------------------------------------------------------------------------------------- */

/* Residual SD that the standard errors imply. */
static double implied_sd(const prc_design_result *r, const prc_oc *c) {
    return c->model_se / sqrt(2 * (double)r->n_arm / c->analysed);
}

static size_t size_at(const power_run *p, size_t population, size_t k) {
    return p->r->size[population * p->r->n_size + k];
}

static prc_status smallest(const power_run *p, size_t analysis, size_t arm, prc_smallest *out) {
    const prc_design_result *r = p->r;
    double n[MAX_SIZES], power[MAX_SIZES], se[MAX_SIZES];
    size_t used = 0;
    for (size_t k = 1; k < r->n_size; k++) {
        const prc_oc *c = &PRC_OC(r, PRC_SCENARIO_ALTERNATIVE, k, analysis, arm);
        if (c->n_used == 0) continue;
        n[used] = (double)size_at(p, r->analysis[analysis].population, k);
        power[used] = c->better;
        se[used++] = c->better_se;
    }
    return prc_design_smallest(n, power, se, used, p->target, out, p->err);
}

static const char *unit_of(const power_run *p, const prc_design_analysis *a) {
    return a->method == PRC_DM_ANCOVA || a->method == PRC_DM_MMRM ? p->spec->condition->observable[a->endpoint->observable].unit : "%-points";
}

static prc_sample_size closed_form(const power_run *p, size_t analysis, size_t arm) {
    const prc_design_analysis *a = &p->r->analysis[analysis];
    const prc_oc *c = &PRC_OC(p->r, PRC_SCENARIO_ALTERNATIVE, 0, analysis, arm);
    double all = (double)(size_at(p, a->population, 0) * p->r->n_arm);
    return prc_design_sample_size(c->truth, implied_sd(p->r, c), p->r->alpha, p->target, c->analysed / all);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void heading(const power_run *p, size_t analysis, prc_text *t) {
    const prc_design_analysis *a = &p->r->analysis[analysis];
    const prc_trial_spec *s = p->spec;
    prc_text_printf(t, "%s%s%s: %s, %s, %s\n", a->endpoint->name, s->n_population > 1 ? " in " : "", s->n_population > 1 ? s->population[a->population].name : "",
                    s->condition->observable[a->endpoint->observable].label, prc_design_method_name(a->method), unit_of(p, a));
}

static void characteristics(const power_run *p, size_t analysis, prc_text *t) {
    const prc_design_result *r = p->r;
    heading(p, analysis, t);
    prc_text_printf(t, "  %-12s %-12s %8s %9s %16s %7s %7s %14s %14s %14s\n", "arm", "scenario", "true", "estimate", "bias (MC SE)", "SD", "SE", "coverage", "rejected", "better");
    for (size_t arm = 0; arm < r->n_arm; arm++)
        for (size_t k = 0; k < PRC_SCENARIO_COUNT; k++) {
            const prc_oc *c = &PRC_OC(r, k, 0, analysis, arm);
            if (c->n_used == 0) continue;
            prc_text_printf(t, "  %-12.12s %-12s %8.3g %9.3g %8.2g (%.2g)%*s %7.3g %7.3g %5.1f %% (%.1f)  %5.1f %% (%.1f)  %5.1f %% (%.1f)\n", p->spec->arms->arm[arm].name, prc_scenario_name((prc_scenario)k), c->truth,
                            c->estimate, c->bias, c->bias_se, 1, "", c->sd, c->model_se, 100 * c->coverage, 100 * c->coverage_se, 100 * c->reject, 100 * c->reject_se, 100 * c->better, 100 * c->better_se);
            if (c->n_used < r->replicates) prc_text_printf(t, "  %*s %zu of %zu replicates gave no estimate\n", 12, "", r->replicates - c->n_used, r->replicates);
        }
    for (size_t k = 0; k < PRC_SCENARIO_COUNT && r->n_arm > 2; k++) {
        size_t at = PRC_OC_ANY(r, k, 0, analysis);
        if (!isnan(r->any[at])) prc_text_printf(t, "  any arm rejected, %s: %.1f %% (%.1f), no correction for the number of arms\n", prc_scenario_name((prc_scenario)k), 100 * r->any[at], 100 * r->any_se[at]);
    }
}

static prc_status curve(const power_run *p, size_t analysis, prc_text *t) {
    const prc_design_result *r = p->r;
    const prc_design_analysis *a = &r->analysis[analysis];
    prc_text_printf(t, "\nPower (share of replicates in which the arm is significantly better, MC SE in brackets)\n");
    heading(p, analysis, t);
    prc_text_printf(t, "  %8s", "per arm");
    for (size_t arm = 0; arm < r->n_arm; arm++)
        if ((int)arm != a->endpoint->versus) prc_text_printf(t, " %16.16s", p->spec->arms->arm[arm].name);
    for (size_t k = 1; k < r->n_size; k++) {
        prc_text_printf(t, "\n  %8zu", size_at(p, a->population, k));
        for (size_t arm = 0; arm < r->n_arm; arm++) {
            const prc_oc *c = &PRC_OC(r, PRC_SCENARIO_ALTERNATIVE, k, analysis, arm);
            if (c->n_used) prc_text_printf(t, "   %6.1f %% (%.1f)", 100 * c->better, 100 * c->better_se);
        }
    }
    prc_text_printf(t, "\nSmallest size per arm for %g %% (curve made monotone by pooling, read linearly; in brackets where the curve moved by 1.96 MC errors crosses)\n", 100 * p->target);
    for (size_t arm = 0; arm < r->n_arm; arm++) {
        prc_smallest n;
        if ((int)arm == a->endpoint->versus) continue;
        PRC_TRY(smallest(p, analysis, arm, &n));
        prc_text_printf(t, "  %-12.12s ", p->spec->arms->arm[arm].name);
        if (isnan(n.n)) prc_text_add(t, "not reached");
        else prc_text_printf(t, "%.0f", n.n);
        if (!isnan(n.lower)) {
            prc_text_printf(t, " (%.0f to ", n.lower);
            if (isnan(n.upper)) prc_text_add(t, "beyond the sizes)");
            else prc_text_printf(t, "%.0f)", n.upper);
        }
        prc_text_add(t, "\n");
    }
    return PRC_OK;
}

static void sample_sizes(const power_run *p, size_t analysis, prc_text *t) {
    const prc_design_analysis *a = &p->r->analysis[analysis];
    if (a->method != PRC_DM_ANCOVA && a->method != PRC_DM_MMRM) return;
    prc_text_printf(t, "\nClosed form, two arms, %g %% power at a two-sided %g %%\n", 100 * p->target, 100 * p->r->alpha);
    for (size_t arm = 0; arm < p->r->n_arm; arm++) {
        if ((int)arm == a->endpoint->versus) continue;
        prc_sample_size z = closed_form(p, analysis, arm);
        if (isnan(z.n)) prc_text_printf(t, "  %-12.12s no difference to find\n", p->spec->arms->arm[arm].name);
        else prc_text_printf(t, "  %-12.12s true difference %.3g, residual SD %.3g: %.0f per arm analysed, %.0f randomised\n", p->spec->arms->arm[arm].name, z.diff, z.sd, z.n, z.with_loss);
    }
}

static void assurance_text(const power_run *p, size_t population, prc_text *t) {
    const prc_assurance *a = p->assurance[population];
    prc_text_printf(t, "\nAssurance: power averaged over %zu of %zu worlds of the ledger, %zu patients in each%s%s\n  %8s %-12s %9s   %s\n", a->n_used, a->n_world, a->n_patient, p->spec->n_population > 1 ? "; population " : "",
                    p->spec->n_population > 1 ? p->spec->population[population].name : "", "per arm", "arm", "assurance", "power at the 2.5, 25, 50, 75, 97.5 % points of the worlds");
    for (size_t k = 0; k < a->n_size; k++)
        for (size_t arm = 0; arm < a->n_arm; arm++) {
            const double *q = a->quantile + (k * a->n_arm + arm) * PRC_ASSURANCE_QUANTILES;
            if (isnan(a->mean[k * a->n_arm + arm])) continue;
            prc_text_printf(t, "  %8zu %-12.12s %7.1f %%   %.0f, %.0f, %.0f, %.0f, %.0f %%\n", a->size[k], p->spec->arms->arm[arm].name, 100 * a->mean[k * a->n_arm + arm], 100 * q[0], 100 * q[1], 100 * q[2], 100 * q[3], 100 * q[4]);
        }
    for (size_t arm = 0; arm < a->n_arm; arm++)
        if (!isnan(a->none[arm])) prc_text_printf(t, "  %-12.12s no better than the reference in %.0f %% of the worlds\n", p->spec->arms->arm[arm].name, 100 * a->none[arm]);
}

static prc_status as_text(const power_run *p, prc_text *t) {
    const prc_design_result *r = p->r;
    size_t each = r->n_analysis / p->spec->n_population;
    prc_text_printf(t, "%s\n%zu replicate trials, two-sided level %g %%; patients %s\n", p->spec->title, r->replicates, 100 * r->alpha, r->rule);
    if (r->n_failed) prc_text_printf(t, "%zu patients of the pool left out: their simulation failed under an arm\n", r->n_failed);
    for (size_t pop = 0; pop < p->spec->n_population; pop++) {
        prc_text_printf(t, "\nOperating characteristics at %zu per arm%s%s\n", size_at(p, pop, 0), p->spec->n_population > 1 ? ", population " : "", p->spec->n_population > 1 ? p->spec->population[pop].name : "");
        for (size_t a = 0; a < each; a++) characteristics(p, pop * each + a, t);
        if (r->n_size > 1) PRC_TRY(curve(p, pop * each, t));
        sample_sizes(p, pop * each, t);
        if (p->assurance[pop]) assurance_text(p, pop, t);
    }
    if (r->n_left_out) prc_text_printf(t, "%zu endpoints are left out: no analysis here covers them\n", r->n_left_out);
    prc_text_printf(t, "%.1f s, of which %.1f s for the pool\nResearch use only. A simulation, not evidence of benefit; not for treatment decisions.\n", r->seconds_total, r->seconds_pool);
    return PRC_OK;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void oc_json(const power_run *p, size_t scenario, size_t k, size_t analysis, size_t arm, prc_json *list) {
    const prc_design_result *r = p->r;
    const prc_oc *c = &PRC_OC(r, scenario, k, analysis, arm);
    const prc_design_analysis *a = &r->analysis[analysis];
    if (c->n_used == 0) return;
    prc_json *j = prc_json_set(list, NULL, prc_json_object());
    prc_json_set_text(j, "population", p->spec->population[a->population].name);
    prc_json_set_text(j, "endpoint", a->endpoint->name);
    prc_json_set_text(j, "method", prc_design_method_name(a->method));
    prc_json_set_text(j, "scenario", prc_scenario_name((prc_scenario)scenario));
    prc_json_set_int(j, "size_per_arm", (int64_t)size_at(p, a->population, k));
    prc_json_set_text(j, "arm", p->spec->arms->arm[arm].name);
    prc_json_set_int(j, "replicates", (int64_t)c->n_used);
    prc_json_set_number(j, "true", c->truth);
    prc_json_set_number(j, "estimate", c->estimate);
    prc_json_set_number(j, "bias", c->bias);
    prc_json_set_number(j, "bias_se", c->bias_se);
    prc_json_set_number(j, "sd", c->sd);
    prc_json_set_number(j, "model_se", c->model_se);
    prc_json_set_number(j, "coverage", c->coverage);
    prc_json_set_number(j, "coverage_se", c->coverage_se);
    prc_json_set_number(j, "rejected", c->reject);
    prc_json_set_number(j, "rejected_se", c->reject_se);
    prc_json_set_number(j, "better", c->better);
    prc_json_set_number(j, "better_se", c->better_se);
    prc_json_set_number(j, "analysed", c->analysed);
}

static prc_status smallest_json(const power_run *p, prc_json *list) {
    const prc_design_result *r = p->r;
    size_t each = r->n_analysis / p->spec->n_population;
    for (size_t pop = 0; pop < p->spec->n_population; pop++)
        for (size_t arm = 0; arm < r->n_arm; arm++) {
            const prc_design_analysis *a = &r->analysis[pop * each];
            if ((int)arm == a->endpoint->versus) continue;
            prc_json *j = prc_json_set(list, NULL, prc_json_object());
            prc_smallest n = {(double)NAN, (double)NAN, (double)NAN};
            if (r->n_size > 1) PRC_TRY(smallest(p, pop * each, arm, &n));
            prc_json_set_text(j, "population", p->spec->population[pop].name);
            prc_json_set_text(j, "arm", p->spec->arms->arm[arm].name);
            prc_json_set_number(j, "per_arm", n.n);
            prc_json_set_number(j, "per_arm_lower", n.lower);
            prc_json_set_number(j, "per_arm_upper", n.upper);
            if (a->method != PRC_DM_ANCOVA && a->method != PRC_DM_MMRM) continue;
            prc_sample_size z = closed_form(p, pop * each, arm);
            prc_json_set_number(j, "closed_form", z.n);
            prc_json_set_number(j, "closed_form_with_loss", z.with_loss);
            prc_json_set_number(j, "residual_sd", z.sd);
        }
    return PRC_OK;
}

static void assurance_json(const power_run *p, prc_json *list) {
    static const char *const names[PRC_ASSURANCE_QUANTILES] = {"power_q025", "power_q25", "power_q50", "power_q75", "power_q975"};
    for (size_t pop = 0; pop < p->spec->n_population; pop++) {
        const prc_assurance *a = p->assurance[pop];
        for (size_t k = 0; a && k < a->n_size; k++)
            for (size_t arm = 0; arm < a->n_arm; arm++) {
                size_t at = k * a->n_arm + arm;
                if (isnan(a->mean[at])) continue;
                prc_json *j = prc_json_set(list, NULL, prc_json_object());
                prc_json_set_text(j, "population", p->spec->population[pop].name);
                prc_json_set_int(j, "size_per_arm", (int64_t)a->size[k]);
                prc_json_set_text(j, "arm", p->spec->arms->arm[arm].name);
                prc_json_set_number(j, "assurance", a->mean[at]);
                for (int q = 0; q < PRC_ASSURANCE_QUANTILES; q++) prc_json_set_number(j, names[q], a->quantile[at * PRC_ASSURANCE_QUANTILES + (size_t)q]);
                prc_json_set_number(j, "no_better", a->none[arm]);
                prc_json_set_int(j, "worlds", (int64_t)a->n_used);
            }
    }
}

static prc_status as_json(const power_run *p, char **out) {
    const prc_design_result *r = p->r;
    prc_json *j = prc_json_object();
    prc_json_set_text(j, "schema", "paracrine/power/1");
    prc_json_set_text(j, "research_use", "Research use only. A simulation, not evidence of benefit; not for treatment decisions.");
    prc_json_set_text(j, "title", p->spec->title);
    prc_json_set_int(j, "seed", (int64_t)p->spec->seed);
    prc_json_set_int(j, "replicates", (int64_t)r->replicates);
    prc_json_set_number(j, "alpha", r->alpha);
    prc_json_set_number(j, "target", p->target);
    prc_json_set_int(j, "pool", (int64_t)r->pool);
    prc_json_set_bool(j, "fresh", r->fresh);
    prc_json_set_text(j, "rule", r->rule);
    prc_json_set_int(j, "failed", (int64_t)r->n_failed);
    prc_json *list = prc_json_set(j, "characteristics", prc_json_array());
    for (size_t scenario = 0; scenario < PRC_SCENARIO_COUNT; scenario++)
        for (size_t k = 0; k < r->n_size; k++)
            for (size_t a = 0; a < r->n_analysis; a++)
                for (size_t arm = 0; arm < r->n_arm; arm++) oc_json(p, scenario, k, a, arm, list);
    prc_status st = smallest_json(p, prc_json_set(j, "smallest", prc_json_array()));
    assurance_json(p, prc_json_set(j, "assurance", prc_json_array()));
    if (st == PRC_OK) st = prc_json_text(j, out, p->err);
    prc_json_free(j);
    return st;
}

/* ---- the command --------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n > m && !strcmp(s + n - m, end);
}

static prc_status write_file(const power_run *p, const char *path) {
    char *text = NULL;
    size_t n = 0;
    if (ends_with(path, ".json")) {
        PRC_TRY(as_json(p, &text));
        prc_status st = prc_file_write(path, text, strlen(text), p->err);
        prc_free(text);
        return st;
    }
    FILE *f = open_memstream(&text, &n);
    if (!f) return prc_fail(p->err, PRC_E_MEMORY, "out of memory for %s", path);
    prc_design_csv(p->r, f);
    bool bad = fclose(f) != 0;
    prc_status st = bad ? prc_fail(p->err, PRC_E_MEMORY, "out of memory for %s", path) : prc_file_write(path, text, n, p->err);
    free(text);
    return st;
}

static prc_status print(const power_run *p) {
    prc_text t = {0};
    char *json = NULL;
    if (p->o->json) {
        PRC_TRY(as_json(p, &json));
        return cli_print_json(json, p->err);
    }
    prc_status st = as_text(p, &t);
    if (st == PRC_OK) return cli_print(&t, p->err);
    prc_text_reset(&t);
    return st;
}

static prc_status check_usage(const cli_options *o, prc_error *err) {
    if (o->method && strcmp(o->method, "ancova") && strcmp(o->method, "mmrm")) return prc_fail(err, PRC_E_USAGE, "--method is ancova or mmrm, not `%s`", o->method);
    if (o->output && !ends_with(o->output, ".csv") && !ends_with(o->output, ".json")) return prc_fail(err, PRC_E_USAGE, "-o wants FILE.csv or FILE.json, not `%s`", o->output);
    if (o->target == 0 || o->target == 1) return prc_fail(err, PRC_E_USAGE, "--target is a power between 0 and 1, usually 0.8");
    return PRC_OK;
}

prc_status cmd_power(const cli_options *o, prc_error *err) {
    char *data = NULL;
    prc_trial_spec *spec = NULL;
    prc_design_result *r = NULL;
    prc_assurance **assurance = NULL;
    size_t size[MAX_SIZES + 1], n_size = 0;
    uint64_t seed = (uint64_t)o->seed;
    cli_progress progress;
    prc_status st;
    cli_progress_start(&progress, o->quiet);
    prc_design_options d;
    prc_design_defaults(&d);
    d.n_threads = (int)(o->threads > 1024 ? 1024 : o->threads);
    d.progress = &progress.progress;
    d.size = size + 1;
    if (o->alpha >= 0) d.alpha = o->alpha;
    d.pool = (size_t)o->pool;
    d.mmrm = o->method && !strcmp(o->method, "mmrm");
    PRC_GO(st, check_usage(o, err));
    PRC_GO(st, read_sizes(o->sizes, size + 1, &n_size, err));
    d.n_size = n_size;
    PRC_GO(st, prc_data_dir(o->data, &data, err));
    PRC_GO(st, prc_trial_read(o->arg[0], data, o->has_seed ? &seed : NULL, &spec, err));
    if (spec->replicates) d.replicates = spec->replicates;
    if (o->replicates >= 0) d.replicates = (size_t)o->replicates;
    PRC_GO(st, prc_design_run(spec, &d, &r, err));
    assurance = prc_calloc(spec->n_population, sizeof *assurance);
    if (!assurance) PRC_GO(st, prc_fail(err, PRC_E_MEMORY, "out of memory for the assurance"));
    for (size_t p = 0; o->draws > 0 && p < spec->n_population; p++) {
        size[0] = spec->population[p].size_per_arm;
        PRC_GO(st, prc_assurance_run(spec, p, n_size ? size + 1 : size, n_size ? n_size : 1, (size_t)o->draws, WORLD_PATIENTS, d.alpha, d.n_threads, d.progress, &assurance[p], err));
    }
    cli_progress_end(&progress);
    power_run p = {o, spec, r, assurance, o->target >= 0 ? o->target : 0.8, err};
    if (o->output) PRC_GO(st, write_file(&p, o->output));
    st = print(&p);
out:
    cli_progress_end(&progress);
    for (size_t k = 0; assurance && spec && k < spec->n_population; k++) prc_assurance_free(assurance[k]);
    prc_free(assurance);
    prc_design_free(r);
    prc_trial_spec_free(spec);
    prc_free(data);
    return st;
}
