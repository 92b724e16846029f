/* The commands and their options: the one table that parsing, help, completion and man page read. */
#include "cli_int.h"

#define AT(field) offsetof(cli_options, field)
#define COUNT(a) (sizeof(a) / sizeof *(a))

const cli_option cli_global[] = {
    {"json", 0, CLI_FLAG, NULL, AT(json), "print one JSON object on stdout"},
    {"threads", 0, CLI_INT, "N", AT(threads), "threads to use (default: all processors)"},
    {"data", 0, CLI_TEXT, "DIR", AT(data), "folder that holds models/ and evidence/ (default: $PARACRINE_DATA, ., the installed one)"},
    {"quiet", 'q', CLI_FLAG, NULL, AT(quiet), "no progress on stderr"},
    {"help", 'h', CLI_FLAG, NULL, AT(help), "show this help"},
    {"version", 0, CLI_FLAG, NULL, AT(version), "show the version"},
};
const size_t cli_n_global = COUNT(cli_global);

static const cli_option opt_conditions[] = {
    {"check", 0, CLI_FLAG, NULL, AT(check), "run every check: published, predicted, without cells, role, verdict"},
    {"seed", 0, CLI_INT, "N", AT(seed), "seed of the virtual patients (default 1)"},
};
static const cli_option opt_init[] = {
    {"output", 'o', CLI_TEXT, "FILE", AT(output), "write to FILE instead of stdout"},
};
static const cli_option opt_trial[] = {
    {"output", 'o', CLI_TEXT, "DIR", AT(output), "folder for report.html, tables and manifest (required unless --check)"},
    {"force", 0, CLI_FLAG, NULL, AT(force), "replace a run that is already in the folder"},
    {"check", 0, CLI_FLAG, NULL, AT(check), "read the file, print design, sizes, time and memory; run nothing"},
    {"seed", 0, CLI_INT, "N", AT(seed), "seed, beats the one in the file"},
    {"draws", 0, CLI_INT, "N", AT(draws), "draws over assumed and calibrated parameters (default 200, 0 = none)"},
    {"no-checks", 0, CLI_FLAG, NULL, AT(no_checks), "leave out the checks against the record; the report says so"},
    {"max-fail", 0, CLI_SHARE, "P", AT(max_fail), "share of patients whose simulation may fail, e.g. 1% (default)"},
    {"width", 0, CLI_INT, "N", AT(width), "lanes per block (default: chosen; changes speed, never numbers)"},
    {"xpt", 0, CLI_FLAG, NULL, AT(xpt), "also write the tables as SAS transport files (XPORT v5) with define.json"},
};
static const cli_option opt_power[] = {
    {"n", 'n', CLI_TEXT, "A:B:STEP", AT(sizes), "sizes per arm of the power curve: 50:400:25, or a list 50,100,200"},
    {"target", 0, CLI_SHARE, "P", AT(target), "power wanted, e.g. 0.8 (default)"},
    {"alpha", 0, CLI_SHARE, "P", AT(alpha), "two-sided level, e.g. 0.05 (default)"},
    {"replicates", 0, CLI_INT, "N", AT(replicates), "replicate trials (default: those of the file, else 1000)"},
    {"pool", 0, CLI_INT, "N", AT(pool), "patients of the pool (default: 20 times the largest trial, at least 20000); a smaller one means fresh patients"},
    {"draws", 0, CLI_INT, "N", AT(draws), "worlds of the ledger for the assurance (default 200, 0 = none)"},
    {"method", 0, CLI_TEXT, "M", AT(method), "analysis of the primary score: ancova (default) or mmrm"},
    {"seed", 0, CLI_INT, "N", AT(seed), "seed, beats the one in the file"},
    {"output", 'o', CLI_TEXT, "FILE", AT(output), "FILE.csv or FILE.json with every number"},
};
static const cli_option opt_simulate[] = {
    {"protocol", 0, CLI_TEXT, "FILE", AT(protocol), "YAML file with one arm's mapping (give, dose, route, at ...)"},
    {"patient", 0, CLI_TEXT, "FILE", AT(patient), "YAML file with covariate: value (default: the typical patient)"},
    {"end", 0, CLI_NUMBER, "DAYS", AT(end), "last day (default 730)"},
    {"points", 0, CLI_INT, "N", AT(points), "output times, both ends included (default: one a week)"},
    {"output", 'o', CLI_TEXT, "FILE", AT(output), "CSV file (default stdout)"},
};
static const cli_option opt_show[] = {
    {"program", 0, CLI_FLAG, NULL, AT(program), "list the compiled program"},
    {"profile", 0, CLI_FLAG, NULL, AT(profile), "time per operation of the compiled program"},
};
static const cli_option opt_run[] = {
    {"start", 0, CLI_NUMBER, "T", AT(start), "first time (default 0)"},
    {"end", 0, CLI_NUMBER, "T", AT(end), "last time (required)"},
    {"points", 0, CLI_INT, "N", AT(points), "rows, both ends included (default 101)"},
    {"select", 0, CLI_TEXT, "LIST", AT(select), "columns: time, S1 (amount), [S1] (concentration), parameters, reactions"},
    {"rtol", 0, CLI_NUMBER, "R", AT(rtol), "relative tolerance (default 1e-6)"},
    {"atol", 0, CLI_NUMBER, "A", AT(atol), "absolute tolerance (default 1e-9)"},
    {"output", 'o', CLI_TEXT, "FILE", AT(output), "CSV file (default stdout)"},
};
static const cli_option opt_population[] = {
    {"data", 0, CLI_TEXT, "FILE", AT(data), "data set: CSV with ID, TIME, AMT, EVID, CMT, RATE, ADDL, II, SS and parameters (required)"},
    {"output", 'o', CLI_TEXT, "FILE", AT(output), "CSV file (default stdout); failures go to FILE.failures.csv"},
    {"select", 0, CLI_TEXT, "LIST", AT(select), "columns: states, assigned variables, parameters, reactions (default: every state)"},
    {"covariates", 0, CLI_TEXT, "HOW", AT(covariates), "columns between records: locf (default) or linear"},
    {"rtol", 0, CLI_NUMBER, "R", AT(rtol), "relative tolerance (default 1e-6)"},
    {"atol", 0, CLI_NUMBER, "A", AT(atol), "absolute tolerance (default 1e-9)"},
    {"max-fail", 0, CLI_SHARE, "P", AT(max_fail), "share of patients whose simulation may fail, e.g. 1% (default)"},
    {"width", 0, CLI_INT, "N", AT(width), "lanes per block (default: chosen; changes speed, never numbers)"},
};
static const cli_option opt_evidence[] = {
    {"condition", 0, CLI_TEXT, "NAME", AT(condition), "only rows of this condition (the same as the argument)"},
    {"endpoint", 0, CLI_TEXT, "TEXT", AT(endpoint), "only rows whose endpoint holds TEXT, e.g. mocart"},
    {"source", 0, CLI_TEXT, "TEXT", AT(source), "only rows of this tissue, donor or publication, e.g. adipose, PMC8214"},
    {"route", 0, CLI_TEXT, "TEXT", AT(route), "only rows of arms given by this route, e.g. intravenous"},
    {"kind", 0, CLI_TEXT, "KIND", AT(kind), "only rows of this kind: effect, safety, natural-history, mechanism, ..."},
    {"role", 0, CLI_TEXT, "ROLE", AT(role), "only rows of this role: tuned, built-in, independent"},
    {"search", 0, CLI_TEXT, "WORDS", AT(search), "full text: only rows that hold every word (or its beginning)"},
    {"csv", 0, CLI_FLAG, NULL, AT(csv), "print the rows as CSV, with study, arm and the conflicts each row stands in"},
};
static const cli_option opt_meta[] = {
    {"measure", 0, CLI_TEXT, "M", AT(measure), "effect size: RR OR RD MD SMD ROM IRR PR PLO PFT ZCOR ... GEN (default GEN: yi, vi as given)"},
    {"columns", 0, CLI_TEXT, "LIST", AT(columns), "ai=tpos,bi=tneg,...: which column holds what (default: columns of those names)"},
    {"model", 0, CLI_TEXT, "NAME", AT(model), "uni (default) mh peto glmm multilevel multivariate network"},
    {"method", 0, CLI_TEXT, "NAME", AT(method), "tau2 by FE DL HE HS SJ ML REML (default) EB PM"},
    {"test", 0, CLI_TEXT, "NAME", AT(test), "z, knha (Hartung-Knapp) or adhoc (never narrower, default)"},
    {"mods", 0, CLI_TEXT, "LIST", AT(mods), "moderators a,b; text columns and factor(a) become factors"},
    {"subgroup", 0, CLI_TEXT, "COLUMN", AT(subgroup), "pool each group apart and test the difference"},
    {"bias", 0, CLI_TEXT, "LIST", AT(bias), "egger,begg,trimfill,fsn"},
    {"leave1out", 0, CLI_FLAG, NULL, AT(leave1out), "refit without each study"},
    {"influence", 0, CLI_FLAG, NULL, AT(influence), "deletion diagnostics"},
    {"cumulative", 0, CLI_TEXT, "COLUMN", AT(cumulative), "add the studies in the order of a column"},
    {"pi", 0, CLI_TEXT, "NAME", AT(pi), "prediction interval: z, t (k-p df) or hts (k-2 df); default follows the test"},
    {"vtype", 0, CLI_TEXT, "NAME", AT(vtype), "variance formula: LS, UB, AV, ... (docs/meta.md)"},
    {"level", 0, CLI_NUMBER, "P", AT(level), "confidence level (default 0.95)"},
    {"glmm", 0, CLI_TEXT, "NAME", AT(glmm), "model of --model glmm: UM.FS (default for two arms) UM.RS CM.AL CM.EL"},
    {"nodes", 0, CLI_INT, "N", AT(nodes), "quadrature nodes of --model glmm (default 32, UM.RS 20 a side)"},
    {"rho", 0, CLI_NUMBER, "R", AT(rho), "correlation of the outcomes within a study, --model multivariate"},
    {"reference", 0, CLI_TEXT, "NAME", AT(reference), "reference treatment of --model network (default: the commonest)"},
    {"small-good", 0, CLI_FLAG, NULL, AT(small_good), "small effects are good ones (P-scores of --model network)"},
    {"plot", 0, CLI_TEXT, "KIND", AT(plot), "forest, funnel, baujat or network, written to --output"},
    {"output", 'o', CLI_TEXT, "FILE", AT(output), "FILE.svg or FILE.html of --plot"},
};

static const cli_option opt_analyse[] = {
    {"method", 0, CLI_TEXT, "NAME", AT(method), "ancova mmrm responder km logrank peto cox incidence poisson negbin wilcoxon welch ordinal"},
    {"response", 0, CLI_TEXT, "C", AT(response), "column of the response (responder: 0 or 1, or a score with --threshold)"},
    {"arm", 0, CLI_TEXT, "C", AT(arm), "column of the arm"},
    {"reference", 0, CLI_TEXT, "LEVEL", AT(reference), "arm that the others are compared with"},
    {"subject", 0, CLI_TEXT, "C", AT(subject), "column of the patient (mmrm)"},
    {"visit", 0, CLI_TEXT, "C", AT(visit), "column of the visit; methods other than mmrm are then run at every visit"},
    {"covariates", 0, CLI_TEXT, "C,..", AT(covariates), "columns to adjust for; columns of words become factors"},
    {"strata", 0, CLI_TEXT, "C,..", AT(strata), "stratification factors: terms of a linear model, strata of logrank and cox"},
    {"time", 0, CLI_TEXT, "C", AT(time), "column of the time to the event or to censoring"},
    {"event", 0, CLI_TEXT, "C=VALUE", AT(event), "value that marks an event, CNSR=0 in ADaM; incidence: C=1,2 lists the causes"},
    {"exposure", 0, CLI_TEXT, "C", AT(exposure), "column of the time at risk (poisson, negbin)"},
    {"threshold", 0, CLI_TEXT, "T", AT(threshold), "responders are those with response `<=-20`, `>=10` ..."},
    {"where", 0, CLI_TEXT, "C=V,..", AT(where), "only rows with these values, e.g. PARAMCD=WOMAC"},
    {"cov", 0, CLI_TEXT, "NAME", AT(cov), "un (default) toeph ante1 arh1 csh toep ar1 cs; simpler ones are tried in this order"},
    {"no-fallback", 0, CLI_FLAG, NULL, AT(no_fallback), "fail instead of trying a simpler covariance"},
    {"covariates-by-visit", 0, CLI_FLAG, NULL, AT(by_visit), "mmrm: a slope of every covariate at every visit"},
    {"df", 0, CLI_TEXT, "NAME", AT(df), "kr (Kenward-Roger, default) or satterthwaite"},
    {"ties", 0, CLI_TEXT, "NAME", AT(ties), "cox: efron (default) or breslow"},
    {"ci", 0, CLI_TEXT, "NAME", AT(ci), "km: plain, log or loglog (default)"},
    {"at", 0, CLI_TEXT, "T,..", AT(at), "km, incidence: times to report"},
    {"tau", 0, CLI_NUMBER, "T", AT(tau), "km: restricted mean survival time up to T"},
    {"adjust", 0, CLI_TEXT, "NAME", AT(adjust), "p over the contrasts of a visit: bonferroni holm hochberg hommel bh dunnett"},
    {"level", 0, CLI_NUMBER, "P", AT(level), "confidence level (default 0.95)"},
};

const cli_command cli_commands[] = {
    {"conditions", "[CONDITION]", "list the conditions, or run every check of each", "Exit 1 when a check that has no business passing passes, or a difference has the wrong sign.\n",
     opt_conditions, COUNT(opt_conditions), 0, 1, cmd_conditions},
    {"init", "CONDITION", "write a commented trial file to start from", NULL, opt_init, COUNT(opt_init), 1, 1, cmd_init},
    {"trial", "FILE", "run a virtual trial and write its report",
     "Simulates every patient under every arm, measures and analyses the trial, holds it against the published record, and writes\n"
     "report.html, summary.json, adsl.csv, adqs.csv, adtte.csv, adae.csv, trajectories.csv, failures.csv and manifest.json.\n",
     opt_trial, COUNT(opt_trial), 1, 1, cmd_trial},
    {"power", "FILE", "error rate, power, bias and coverage of a trial; its smallest size; assurance",
     "Replicate trials are drawn from a pool of patients simulated once. Prints the operating characteristics of the design in the file, with --n a power\n"
     "curve and the smallest size per arm for the target, and the power averaged over the worlds of the ledger. docs/power.md says how.\n",
     opt_power, COUNT(opt_power), 1, 1, cmd_power},
    {"diff", "OUT1 OUT2", "two runs side by side: inputs, primary results, predictions that moved", NULL, NULL, 0, 2, 2, cmd_diff},
    {"simulate", "CONDITION", "one patient: all states and observables over time", NULL, opt_simulate, COUNT(opt_simulate), 1, 1, cmd_simulate},
    {"model check", "FILE", "diagnostics and unit check of a model file", NULL, NULL, 0, 1, 1, cmd_model_check},
    {"model show", "FILE", "states, parameters, equations, Jacobian pattern of a model", NULL, opt_show, COUNT(opt_show), 1, 1, cmd_model_show},
    {"model run", "FILE", "simulate one model file, no population", NULL, opt_run, COUNT(opt_run), 1, 1, cmd_model_run},
    {"population", "MODEL", "simulate a data set in the NONMEM convention",
     "Every record with EVID 0 becomes a row of the output: ID, TIME, and the selected columns. docs/population.md describes the data set.\n"
     "Nothing is run when a row is wrong. Exit 4 when more patients fail than --max-fail allows.\n",
     opt_population, COUNT(opt_population), 1, 1, cmd_population},
    {"evidence", "[CONDITION]", "the published record: outcomes, studies, conflicts",
     "Conflicts stand first, both sides; none is averaged away. With filters, those that touch a row shown are printed and the rest counted.\n", opt_evidence, COUNT(opt_evidence), 0, 1, cmd_evidence},
    {"analyse", "FILE.csv", "the trial analyses on any data set, real ones included",
     "One row per patient, or per patient and visit. Every line of the result has estimate se df stat p ci_lb ci_ub; what does not exist is `-` (null in JSON) with a\n"
     "note that says why. Rows with missing cells (empty, NA, ., -) are left out. Methods and their references: docs/analyses.md.\n",
     opt_analyse, COUNT(opt_analyse), 1, 1, cmd_analyse},
    {"meta", "FILE", "meta-analysis of any data set",
     "Reads a CSV with one row per study (or effect, or contrast) and pools it. Rows with missing cells are dropped and counted. See docs/meta.md.\n",
     opt_meta, COUNT(opt_meta), 1, 1, cmd_meta},
    {"completion", "", "print a bash completion script", NULL, NULL, 0, 0, 0, cmd_completion},
    {"man", "", "print the manual page as scdoc source", NULL, NULL, 0, 0, 0, cmd_man},
};
const size_t cli_n_command = COUNT(cli_commands);
