/* Tests of condition: reading a folder, the checks between its files, worlds. */
#include "condition_toy.h"

static const prc_row *row(const prc_condition *c, const char *name)
{
    int i = prc_condition_row(c, name);
    return i < 0 ? NULL : &c->row[i];
}

static void reads_a_condition(void)
{
    prc_condition *c = toy_load();
    TAP_STR(c->title, "Toy");
    TAP_INT(c->n_observable, 5);
    TAP_INT(c->n_covariate, 4);
    TAP_INT(c->n_follow, 3);
    TAP_INT(c->n_hold, 5);
    TAP_INT(c->n_override, 1);
    TAP_INT(c->n_file, 9); /* the model and its import, three core tables, four files of the condition */
    TAP_NEAR(c->run_in, 3650, 0);
    TAP_NEAR(row(c, "fate.k_d")->value, 0.2, 0);
    TAP_OK(row(c, "fate.k_d")->overrides && row(c, "fate.f")->core);
    TAP_OK(row(c, "other.x") == NULL);
    TAP_OK(row(c, "trial.bias_mean")->param == -1);
    TAP_OK(row(c, "K0_a")->param == -1 && row(c, "v")->param >= 0);
    TAP_NEAR(c->adverse[0].duration_high, 14, 1e-12);
    TAP_NEAR(c->covariate[3].code[1], 4, 0);
    TAP_NEAR(c->covariate[2].code[1], 1, 0);
    TAP_INT(c->n_joint, 3);
    TAP_NEAR(c->joint_factor[3], 0.5, 1e-15);
    TAP_INT(c->observable[0].direction, -1);
    TAP_STR(c->disease_switch, "g");
    prc_condition_free(c);
}

/* A file with one thing wrong, and what the message must say. */
typedef struct broken {
    const char *file, *from, *to;
    prc_status status;
    int line;
    const char *says;
} broken;

#define LEDGER "models/toy/parameters.tsv"
#define POPULATION "models/toy/population.yaml"
#define OBSERVABLES "models/toy/observables.tsv"
#define ROUTES "models/core/routes.tsv"
#define PRODUCTS "models/core/products.tsv"

static const broken cases[] = {
    {LEDGER, "v\t1e-3\t1/d", "v\t1e-3\t1/y", PRC_E_UNIT, 5, "1/y"},
    {LEDGER, "v\t1e-3\t1/d", "v\t1e-3\tcells", PRC_E_UNIT, 5, "`v` is given in `cells`"},
    {LEDGER, "v\t1e-3\t1/d", "v\t1e-3\tfurlong", PRC_E_UNIT, 5, "furlong"},
    {LEDGER, "v\t1e-3\t", "v\tabc\t", PRC_E_VALUE, 5, "value"},
    {LEDGER, "load\t0.01", "laod\t0.01", PRC_E_KEY, 12, ""},
    {LEDGER, "g\t1\t1\t-\t-\tfixed\t0\tassumed\t-\t-\n", "", PRC_E_KEY, 13, "parameter `g` has no value"},
    {LEDGER, "5e-4\t2e-3", "2e-3\t5e-4", PRC_E_VALUE, 5, "range"},
    {LEDGER, "5e-4\t2e-3", "0\t2e-3", PRC_E_VALUE, 5, "lower > 0"},
    {LEDGER, "5e-4\t2e-3", "-\t-", PRC_E_VALUE, 5, "fixed"},
    {LEDGER, "calibrated\tstudy-2", "calibrated\t-", PRC_E_VALUE, 5, "no source"},
    {LEDGER, "calibrated\tstudy-2", "guessed\tstudy-2", PRC_E_KEY, 5, "grade is `guessed`"},
    {LEDGER, "\tlognormal\t0.3", "\tlognorml\t0.3", PRC_E_KEY, 5, "did you mean `lognormal`?"},
    {LEDGER, "this site clears faster", "-", PRC_E_VALUE, 7, "reason"},
    {LEDGER, "K0_b\t", "K0_a\t", PRC_E_KEY, 4, "second time"},
    {LEDGER, "load\t0.01", "K\t0.01", PRC_E_KEY, 6, "is a state"},
    {LEDGER, "load\t0.01", "half\t0.01", PRC_E_KEY, 12, "load"},
    {LEDGER, "trial.bias_mean", "spare", PRC_E_KEY, 8, "nothing uses `spare`"},
    {LEDGER, "K0_b\t0.5\t1\t0.4\t0.6\tuniform\t0", "K0_b\t0.5\t1\t0.4\t0.6\tuniform\t0.1", PRC_E_VALUE, 4, "between_patient_cv"},
    {LEDGER, "\tbetween_patient_cv", "\tbetween_patients_cv", PRC_E_KEY, 0, "between_patient_cv"},
    {"models/core/parameters.tsv", "other.x", "other.z", PRC_E_KEY, 5, "no core module"},
    {ROUTES, "fate.f*n/(", "fate.ff*n/(", PRC_E_KEY, 3, "fate.ff"},
    {ROUTES, "fate.f*n/(", "fate.f**/(", PRC_E_SYNTAX, 3, ""},
    {ROUTES, "local\tdose\tfate.T", "local\tdose\tfate.k_d", PRC_E_KEY, 3, "is not a state"},
    {ROUTES, "\tcells\nlocal", "\tliving\nlocal", PRC_E_VALUE, 3, "begin the note"},
    {ROUTES, "placebo_max\t12\t%", "placebo_max\t12\t1", PRC_E_UNIT, 5, "percent"},
    {ROUTES, "placebo_tau", "placebo_tao", PRC_E_KEY, 6, "did you mean `placebo_tau`?"},
    {ROUTES, "vein\tset\tfate.f", "vein\tset\tfate.fff", PRC_E_KEY, 7, "no core module"},
    {PRODUCTS, "multiply\tfate.q\t1.2\t1", "multiply\tfate.q\t1.2\tcells", PRC_E_UNIT, 3, "factor"},
    {PRODUCTS, "donor_age\t>60", "donor_age\t-", PRC_E_VALUE, 4, "level"},
    {PRODUCTS, "multiply\tfate.q\t1.2", "multiply\tK0\t1.2", PRC_E_MODEL, 3, "start value of `half`"},
    {OBSERVABLES, "100*N", "100*NN", PRC_E_KEY, 2, "NN"},
    {OBSERVABLES, "100*N", "100*(N", PRC_E_SYNTAX, 2, ""},
    {OBSERVABLES, "\tdown\t15", "\tdwn\t15", PRC_E_KEY, 2, "down"},
    {OBSERVABLES, "20\t0.6", "20\t1.6", PRC_E_VALUE, 2, "icc"},
    {OBSERVABLES, "20\t0.6", "20\t-", PRC_E_VALUE, 2, "icc"},
    {OBSERVABLES, "0\t100\tdown", "100\t0\tdown", PRC_E_VALUE, 2, "min >= max"},
    {OBSERVABLES, "volume\tVolume", "pain\tVolume", PRC_E_VALUE, 3, "twice"},
    {POPULATION, "distribution: normal", "distribution: norml", PRC_E_KEY, 3, "did you mean `normal`?"},
    {POPULATION, "covariates:\n  age:", "covariate:\n  age:", PRC_E_KEY, 2, "covariates"},
    {POPULATION, "  age: {", "  v: {", PRC_E_KEY, 3, "name of a quantity of the model"},
    {POPULATION, "female: 0.6", "female: 0.7", PRC_E_VALUE, 5, "add up to"},
    {POPULATION, "mean: 60", "mean: 90", PRC_E_VALUE, 3, "outside"},
    {POPULATION, "mean: 60,", "", PRC_E_KEY, 3, "`mean` is missing"},
    {POPULATION, "sd: 10", "sd: -10", PRC_E_VALUE, 3, "negative"},
    {POPULATION, "[age, bmi, 0.5]", "[age, bmi, 1.5]", PRC_E_VALUE, 8, "between -1 and 1"},
    {POPULATION, "[age, bmi, 0.5]", "[age, g, 0.5]", PRC_E_KEY, 8, "does not vary"},
    {POPULATION, "- [bmi, v, -0.4]", "- [bmi, v, 0.95]\n  - [age, v, -0.95]", PRC_E_VALUE, 8, "not positive definite"},
    {POPULATION, "- [bmi, v, -0.4]", "- [bmi, age, -0.4]", PRC_E_KEY, 9, "twice"},
    {POPULATION, "4: K0_b", "4: K0_c", PRC_E_KEY, 11, "K0_c"},
    {POPULATION, "4: K0_b", "3: K0_b", PRC_E_KEY, 11, "no category"},
    {POPULATION, ", 4: K0_b", "", PRC_E_KEY, 11, "one for each"},
    {POPULATION, "by: grade", "by: grad", PRC_E_KEY, 11, "grad"},
    {POPULATION, "load*(bmi - 29)", "load*(bmx - 29)", PRC_E_KEY, 12, "did you mean `bmi`?"},
    {POPULATION, "  L: {", "  v: {", PRC_E_KEY, 12, "ledger"},
    {POPULATION, "  L: {", "  M: {", PRC_E_KEY, 12, "no parameter"},
    {POPULATION, "  u: {", "  half: { formula: \"0.1*bmi\" }\n  u: {", PRC_E_MODEL, 18, "computed in the model"},
    {POPULATION, "hold: [K,", "hold: [KK,", PRC_E_KEY, 14, "no state"},
    {POPULATION, "3650 d", "3650", PRC_E_UNIT, 15, ""},
    {POPULATION, "disease: g", "disease: K", PRC_E_KEY, 16, "switches"},
    {POPULATION, "bmi: {", "age: {", PRC_E_SYNTAX, 4, "age"},
    {POPULATION, "  bmi: {", "\tbmi: {", PRC_E_SYNTAX, 4, "tab"},
    {"models/toy/model.ant", "half = 0.5*K0*two", "half = 0.5*fate.q*two", PRC_E_MODEL, 2, "start value of `half`"},
    {"models/toy/model.ant", "K' = -v*g*L*K", "K' = -v*g*L*KK", PRC_E_KEY, 15, "KK"},
    {"models/toy/adverse_events.tsv", "0.1\t0.2", "0.1\t2", PRC_E_VALUE, 2, "between 0 and 1"},
    {"models/toy/adverse_events.tsv", "\twk\t", "\tkg\t", PRC_E_UNIT, 2, "no time"},
};

static void says_what_is_wrong(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const broken *b = &cases[i];
        prc_error err = {0};
        prc_condition *c = NULL;
        char *text = toy_replace(toy_text(b->file), b->from, b->to);
        toy_write(b->file, text);
        prc_status st = prc_condition_load(toy_dir, "toy", &c, &err);
        bool ok = st == b->status && err.status == st && strstr(err.message, b->says) && c == NULL;
        /* an error of the model may be found at another of its lines */
        bool place = err.line == b->line || strcmp(b->file, "models/toy/model.ant") == 0 || strstr(err.source, "model.ant");
        if (!TAP_THAT(ok && place, "case %zu, %s, line %d: %s", i, b->file, b->line, b->says)) {
            toy_show(&err);
            printf("# status %d, want %d; line %d, want %d; `%s`\n", (int)st, (int)b->status, err.line, b->line, b->says);
        }
        prc_condition_free(c);
        toy_write(b->file, toy_text(b->file));
        free(text);
    }
}

static void finds_folders(void)
{
    prc_error err = {0};
    prc_condition *c = NULL;
    char **names = NULL, *dir = NULL;
    size_t n = 0;
    TAP_INT(prc_condition_load(toy_dir, "tyo", &c, &err), PRC_E_KEY);
    TAP_HAS(err.message, "toy");
    TAP_INT(prc_condition_names(toy_dir, &names, &n, &err), PRC_OK);
    TAP_THAT(n == 1 && strcmp(names[0], "toy") == 0, "core is no condition");
    prc_condition_names_free(names, n);
    TAP_INT(prc_condition_names("/nowhere", &names, &n, &err), PRC_E_IO);
    TAP_INT(prc_data_dir("/nowhere", &dir, &err), PRC_E_IO);
    TAP_INT(prc_data_dir(toy_dir, &dir, &err), PRC_OK);
    TAP_STR(dir, toy_dir);
    prc_free(dir);
}

static void draws_worlds(void)
{
    prc_condition *c = toy_load();
    prc_world w = {0}, again = {0}, other = {0};
    prc_error err;
    TAP_INT(prc_world_draw(c, 7, 1, &w, &err), PRC_OK);
    TAP_INT(prc_world_draw(c, 7, 1, &again, &err), PRC_OK);
    TAP_INT(prc_world_draw(c, 7, 2, &other, &err), PRC_OK);
    bool same = true, moved = false, inside = true, kept = true;
    for (size_t i = 0; i < w.n; i++) {
        const prc_row *r = &c->row[i];
        bool open = r->kind != PRC_ROW_DOSE && r->distribution != PRC_FIXED && (r->grade == PRC_ASSUMED || r->grade == PRC_CALIBRATED);
        same = same && (w.value[i] == again.value[i] || isnan(w.value[i]));
        moved = moved || (open && w.value[i] != other.value[i]);
        inside = inside && (!open || (w.value[i] >= r->lower && w.value[i] <= r->upper && w.value[i] != r->value));
        kept = kept && (open || w.value[i] == r->value || isnan(r->value));
    }
    TAP_OK(same);
    TAP_OK(moved);
    TAP_OK(inside);
    TAP_OK(kept);
    prc_world_reset(&w);
    TAP_INT(prc_world_draw(c, 7, 0, &w, &err), PRC_OK);
    TAP_NEAR(w.value[prc_condition_row(c, "v")], 1e-3, 0);
    prc_world_reset(&w);
    prc_world_reset(&again);
    prc_world_reset(&other);
    prc_condition_free(c);
}

static void distributions(void)
{
    TAP_NEAR(prc_distribution_value(PRC_FIXED, 3, 1, 5, 0.9), 3, 0);
    TAP_NEAR(prc_distribution_value(PRC_NORMAL, 3, 1, 5, 0.5), 3, 1e-12);
    TAP_NEAR(prc_distribution_value(PRC_NORMAL, 3, 1, 9, 0.5), 3, 1e-12);
    TAP_NEAR(prc_distribution_value(PRC_LOGNORMAL, 3, 1, 9, 0.5), 3, 1e-12);
    TAP_NEAR(prc_distribution_value(PRC_LOGUNIFORM, 3, 1, 9, 0.5), 3, 1e-12);
    TAP_NEAR(prc_distribution_value(PRC_UNIFORM, 3, 1, 9, 0.25), 3, 1e-12);
    TAP_NEAR(prc_distribution_value(PRC_TRIANGULAR, 2, 0, 4, 0.125), 1, 1e-12);
    TAP_NEAR(prc_distribution_value(PRC_TRIANGULAR, 2, 0, 4, 0.875), 3, 1e-12);
    TAP_NEAR(prc_distribution_value(PRC_TRIANGULAR, 0, 0, 1, 0.75), 0.5, 1e-12);
    double lo = prc_distribution_value(PRC_LOGNORMAL, 3, 1, 9, 1e-9), hi = prc_distribution_value(PRC_LOGNORMAL, 3, 1, 9, 1 - 1e-9);
    TAP_NEAR(lo, 1, 1e-6);
    TAP_NEAR(hi, 9, 1e-6);
    TAP_OK(lo >= 1 && hi <= 9);
}

/* Every allocation fails once: an error, never a crash or a leak (ASan sees the leak). */
static void survives_lack_of_memory(void)
{
    long k = 1;
    for (;; k++) {
        prc_error err = {0};
        prc_condition *c = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_condition_load(toy_dir, "toy", &c, &err);
        prc_memory_fail_at(0);
        prc_condition_free(c);
        if (st == PRC_OK) break;
        if (st != PRC_E_MEMORY) {
            TAP_THAT(false, "allocation %ld: status %d", k, (int)st);
            toy_show(&err);
            break;
        }
    }
    TAP_THAT(k > 20, "%ld allocations, each failed once", k - 1);
}

int main(void)
{
    toy_create();
    TAP_RUN(reads_a_condition);
    TAP_RUN(finds_folders);
    TAP_RUN(says_what_is_wrong);
    TAP_RUN(draws_worlds);
    TAP_RUN(distributions);
    TAP_RUN(survives_lack_of_memory);
    toy_remove();
    return tap_done();
}
