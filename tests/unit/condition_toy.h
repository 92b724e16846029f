/* condition_toy.h: a small data folder for tests: two core modules and one condition, written to a temporary place, one file replaced at will. */
#ifndef CONDITION_TOY_H
#define CONDITION_TOY_H

#include "../tap.h"

#include "paracrine/condition.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARAMETERS_HEAD "name\tvalue\tunit\tlower\tupper\tdistribution\tbetween_patient_cv\tgrade\tsource\tnote\n"
#define ROUTES_HEAD "route\tkind\tname\tvalue\tunit\tlower\tupper\tdistribution\tgrade\tsource\tnote\n"
#define PRODUCTS_HEAD "product\tkey\tlevel\tkind\tname\tvalue\tunit\tlower\tupper\tdistribution\tgrade\tsource\tnote\n"
#define OBSERVABLES_HEAD                                                                                                     \
    "name\tlabel\tkind\tformula\tunit\tmin\tmax\tdirection\tmcid\tmcid_unit\tmcid_source\tresidual_sd\ticc\trounding\tplacebo_share\t" \
    "subject_sd\tnote\n"

typedef struct toy_file {
    const char *path, *text;
} toy_file;

static const toy_file toy_files[] = {
    {"models/core/fate.ant",
     "model core_fate()\n  unit time_unit = 86400 second;\n  unit per_day = 1/(86400 second);\n  unit cells = item;\n  unit days = 86400 second;\n"
     "  species T; T has cells; T = 0;\n  var E; E has dimensionless; E = 0;\n  const k_d; k_d has per_day;\n  const f; f has dimensionless;\n"
     "  const t_first; t_first has days;\n  const q; q has dimensionless;\n"
     "  J: T -> ; k_d*T;\n  E' = -k_d*E;\n  age := time - t_first; age has days;\nend\n"},
    {"models/core/other.ant", "model core_other()\n  const x;\n  var y;\n  y' = -x*y;\nend\n"},
    {"models/core/parameters.tsv", PARAMETERS_HEAD "fate.k_d\t0.1\t1/d\t0.05\t0.2\tlognormal\t0\tassumed\t-\t-\n"
                                                   "fate.f\t0.5\t1\t0.2\t0.8\ttriangular\t0.2\tassumed\t-\t-\n"
                                                   "fate.q\t1\t1\t0.5\t2\tlognormal\t0.4\tderived\tstudy-1\t-\n"
                                                   "other.x\t1\t1\t-\t-\tfixed\t0\tassumed\t-\t-\n"},
    {"models/core/routes.tsv", ROUTES_HEAD "local\tset\tfate.f\t0.4\t1\t0.2\t0.6\ttriangular\tassumed\t-\t-\n"
                                           "local\tdose\tfate.T\tfate.f*n/(1 + n/1e8)\tcells\t-\t-\tfixed\tassumed\t-\tcells\n"
                                           "local\tdose\tfate.E\te\t1\t-\t-\tfixed\tassumed\t-\texosomes\n"
                                           "local\ttrial\tplacebo_max\t12\t%\t6\t18\ttriangular\tassumed\t-\t-\n"
                                           "local\ttrial\tplacebo_tau\t720\td\t360\t1440\tlognormal\tassumed\t-\t-\n"
                                           "vein\tset\tfate.f\t0.1\t1\t0.05\t0.2\ttriangular\tassumed\t-\t-\n"
                                           "vein\tdose\tfate.T\tfate.f*n\tcells\t-\t-\tfixed\tassumed\t-\tcells\n"
                                           "oral\ttrial\tplacebo_max\t5\t%\t-\t-\tfixed\tassumed\t-\t-\n"},
    {"models/core/products.tsv", PRODUCTS_HEAD "msc\tsource\tadipose\tmultiply\tfate.q\t1\t1\t0.6\t1.5\ttriangular\tassumed\t-\t-\n"
                                               "msc\tsource\tumbilical-cord\tmultiply\tfate.q\t1.2\t1\t0.8\t2\ttriangular\tassumed\t-\t-\n"
                                               "msc\tdonor_age\t>60\tmultiply\tfate.q\t0.6\t1\t0.4\t1\ttriangular\tassumed\t-\t-\n"
                                               "balm\t-\t-\tdose\tW\t1\t1\t-\t-\tfixed\tassumed\t-\t-\n"
                                               "unknown-here\t-\t-\tdose\tZ\t1\t1\t-\t-\tfixed\tassumed\t-\t-\n"},
    {"models/toy/model.ant",
     "import \"../core/fate.ant\"\nmodel toy()\n  unit time_unit = 86400 second;\n  unit per_day = 1/(86400 second);\n  fate: core_fate();\n  unit cells = item; const some = 1e7; some has cells;\n"
     "  var K; K has dimensionless;\n  var N; N has dimensionless;\n  var W; W has dimensionless;\n  var H; H has dimensionless;\n"
     "  const K0; K0 has dimensionless;\n  const g; g has dimensionless;\n  const v; v has per_day;\n  const u; u has dimensionless;\n"
     "  const L; L has dimensionless;\n  const half; half has dimensionless;\n  const two = 2; two has dimensionless;\n"
     "  half = 0.5*K0*two;\n  K = g*K0 + (1 - g); N = 0; W = 0; H = 0;\n"
     "  K' = -v*g*L*K;\n  N' = v*100*((1 - K)/(1 + fate.q*fate.T/some) - N);\n  W' = -v*W;\n  H' = v*N;\nend\n"},
    {"models/toy/parameters.tsv", PARAMETERS_HEAD "g\t1\t1\t-\t-\tfixed\t0\tassumed\t-\t-\n"
                                                  "K0_a\t0.8\t1\t0.7\t0.9\ttriangular\t0\tassumed\t-\t-\n"
                                                  "K0_b\t0.5\t1\t0.4\t0.6\tuniform\t0\tassumed\t-\t-\n"
                                                  "v\t1e-3\t1/d\t5e-4\t2e-3\tlognormal\t0.3\tcalibrated\tstudy-2\t-\n"
                                                  "load\t0.01\t1\t0\t0.02\tnormal\t0\tassumed\t-\t-\n"
                                                  "fate.k_d\t0.2\t1/d\t0.1\t0.4\tlognormal\t0\tassumed\t-\tthis site clears faster\n"
                                                  "trial.bias_mean\t3\t%\t0\t6\ttriangular\t0\tassumed\t-\t-\n"},
    {"models/toy/observables.tsv", OBSERVABLES_HEAD "pain\tPain\tscore\t100*N\tpt\t0\t100\tdown\t15\tpt\t-\t20\t0.6\t1\t1\t0\t-\n"
                                                    "volume\tVolume\timage\t100*K\t%\t0\t90\tup\t-\t-\t-\t5\t0.9\t0.1\t0\t0\t-\n"
                                                    "loss\tLoss\tevent\tK < half\t1\t-\t-\tdown\t-\t-\t-\t-\t-\t-\t-\t-\t-\n"
                                                    "hazard\tHazard\tevent\tH - u\t1\t-\t-\tdown\t-\t-\t-\t-\t-\t-\t-\t-\t-\n"
                                                    "cells\tCells\treadout\tfate.T\tcells\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\n"},
    {"models/toy/population.yaml",
     "condition: { title: Toy, evidence_level: none, site: knee, summary: A toy }\n"
     "covariates:\n"
     "  age: { distribution: normal, mean: 60, sd: 10, min: 40, max: 75, unit: y, grade: assumed, source: \"-\" }\n"
     "  bmi: { distribution: lognormal, mean: 29, sd: 4, unit: kg/m^2, grade: assumed, source: \"-\" }\n"
     "  sex: { categories: { female: 0.6, male: 0.4 }, grade: assumed, source: \"-\" }\n"
     "  grade: { categories: { 2: 0.7, 4: 0.3 }, grade: assumed, source: \"-\" }\n"
     "correlation:\n"
     "  - [age, bmi, 0.5]\n"
     "  - [bmi, v, -0.4]\n"
     "parameters:\n"
     "  K0: { by: grade, values: { 2: K0_a, 4: K0_b }, sd: 0.02, min: 0.45, max: 0.95 }\n"
     "  L: { formula: \"1 + load*(bmi - 29)\", cv: 0.1 }\n"
     "  u: { distribution: exponential, mean: 1 }\n"
     "hold: [K, W, H, fate.T, fate.E]\n"
     "run_in: 3650 d\n"
     "untreated: { disease: g, on: 1, off: 0 }\n"},
    {"models/toy/adverse_events.tsv", "name\tlabel\tproduct\tsource_key\tcontrol_probability\tprobability\tduration_low\tduration_high\tunit\tgrade\tsource\tnote\n"
                                      "ache\tAche\tmsc\t-\t0.1\t0.2\t1\t2\twk\tassumed\t-\t-\n"},
};
enum { TOY_FILES = sizeof toy_files / sizeof *toy_files };

static char toy_dir[64];

static void toy_write(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", toy_dir, path);
    FILE *f = fopen(full, "wb");
    if (!f) abort();
    fputs(text, f);
    if (fclose(f)) abort();
}

static void toy_folder(const char *name)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", toy_dir, name);
    if (mkdir(full, 0777)) abort();
}

/* Text of a file of the toy. */
__attribute__((unused)) static const char *toy_text(const char *path)
{
    for (size_t i = 0; i < TOY_FILES; i++)
        if (strcmp(toy_files[i].path, path) == 0) return toy_files[i].text;
    abort();
}

static void toy_create(void)
{
    snprintf(toy_dir, sizeof toy_dir, "/tmp/paracrine-toy-XXXXXX");
    if (!mkdtemp(toy_dir)) abort();
    toy_folder("models");
    toy_folder("models/core");
    toy_folder("models/toy");
    for (size_t i = 0; i < TOY_FILES; i++) toy_write(toy_files[i].path, toy_files[i].text);
}

static void toy_remove(void)
{
    char full[512];
    static const char *const folders[] = {"models/toy", "models/core", "models", ""};
    for (size_t i = 0; i < TOY_FILES; i++) {
        snprintf(full, sizeof full, "%s/%s", toy_dir, toy_files[i].path);
        unlink(full);
    }
    for (size_t i = 0; i < 4; i++) {
        snprintf(full, sizeof full, "%s/%s", toy_dir, folders[i]);
        rmdir(full);
    }
}

/* Text with the first `from` replaced by `to`; freed by free. */
__attribute__((unused)) static char *toy_replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at) {
        printf("# no `%s` in the text\n", from);
        abort();
    }
    size_t n = strlen(text) + strlen(to) + 1, head = (size_t)(at - text);
    char *s = malloc(n);
    if (!s) abort();
    memcpy(s, text, head);
    snprintf(s + head, n - head, "%s%s", to, at + strlen(from));
    return s;
}

static void toy_show(const prc_error *err)
{
    char buf[PRC_MESSAGE_MAX + PRC_SOURCE_MAX + 64];
    prc_error_format(err, buf, sizeof buf);
    tap_note("error", buf);
    fflush(stdout);
}

/* The toy as it is; ends the test program if it cannot be loaded. */
static prc_condition *toy_load(void)
{
    prc_error err = {0};
    prc_condition *c = NULL;
    if (prc_condition_load(toy_dir, "toy", &c, &err) == PRC_OK) return c;
    toy_show(&err);
    abort();
}

#endif
