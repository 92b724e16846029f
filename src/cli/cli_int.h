/* The command line: one option table per subcommand drives parsing, --help, completion and the man page. */
#ifndef PARACRINE_CLI_INT_H
#define PARACRINE_CLI_INT_H

#include "paracrine/base.h"
#include "paracrine/model.h"

#define PRC_VERSION_TEXT "0.1.0"

typedef enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_INT, CLI_NUMBER, CLI_SHARE } cli_kind;

/* Where an option's value goes: an offset into cli_options. */
typedef struct cli_option {
    const char *name; /* without -- */
    char letter;      /* 0 = none */
    cli_kind kind;
    const char *arg;  /* name of the argument in --help, NULL for flags */
    size_t offset;
    const char *help;
} cli_option;

/* Values of every option of every command; a command reads those in its table. */
typedef struct cli_options {
    bool json, quiet, help, version, force, check, no_checks, program, profile, csv;
    bool has_seed;
    int64_t threads, seed, draws, points, width;
    double max_fail, start, end, rtol, atol;
    const char *output, *data, *protocol, *patient, *select, *covariates, *search, *role, *source, *route, *endpoint, *kind, *condition;
    const char *measure, *columns, *model, *method, *test, *mods, *subgroup, *bias, *cumulative, *pi, *plot, *vtype, *glmm, *reference; /* meta */
    bool leave1out, influence, small_good;
    int64_t nodes;
    double level, rho;
    const char *sizes; /* power */
    int64_t replicates, pool;
    double target, alpha;
    bool xpt; /* trial */
    const char *response, *arm, *subject, *visit, *strata, *time, *event, *exposure, *cov, *df, *adjust, *where, *threshold, *at, *ties, *ci; /* analyse */
    bool no_fallback, by_visit;
    double tau;
    const char *const *arg; /* positional arguments */
    size_t n_arg;
} cli_options;

typedef struct cli_command {
    const char *name;    /* "trial", "model run" */
    const char *args;    /* "FILE" */
    const char *summary; /* one line */
    const char *detail;  /* paragraphs for --help, may be NULL */
    const cli_option *option;
    size_t n_option;
    size_t min_arg, max_arg;
    prc_status (*run)(const cli_options *o, prc_error *err);
} cli_command;

extern const cli_option cli_global[];
extern const size_t cli_n_global;
extern const cli_command cli_commands[];
extern const size_t cli_n_command;

/* Parses argv[0..argc-1] (after the command's name) into out. */
PRC_CHECKED prc_status cli_parse(const cli_command *c, int argc, char **argv, cli_options *out, const char **positional, prc_error *err);
void cli_help(const cli_command *c, prc_text *out);
void cli_help_all(prc_text *out);
void cli_completion(prc_text *out); /* bash */
void cli_man(prc_text *out);        /* scdoc source */

/* Progress on stderr: a bar with ETA when stderr is a terminal and the work lasts longer than a second; Ctrl-C ends the work. */
typedef struct cli_progress {
    prc_progress progress;
    bool quiet, shown;
    double started, stage_started, drawn;
    char stage[48];
} cli_progress;
void cli_progress_start(cli_progress *p, bool quiet);
void cli_progress_end(cli_progress *p);
void cli_catch_signals(void);
bool cli_interrupted(void);

/* Text to stdout; PRC_E_IO when that fails. Resets t. */
PRC_CHECKED prc_status cli_print(prc_text *t, prc_error *err);
/* Prints and frees a JSON text. */
PRC_CHECKED prc_status cli_print_json(char *json, prc_error *err);

/* Columns that --select asks for; cmd_model.c. Memory in arena, which the caller frees. */
typedef struct cli_selection {
    size_t n;
    char **heading;
    const prc_expr **expr;
    bool *is_time;
    prc_arena *arena;
} cli_selection;
/* list NULL: every state, with_time: time before them. */
PRC_CHECKED prc_status cli_select(const prc_model *m, const char *list, bool with_time, cli_selection *s, prc_error *err);
/* Values of all parameters (n_param) from the model file or the ledgers beside it; those with given[] set (NULL = none) get a
 * value elsewhere and any here. */
PRC_CHECKED prc_status cli_parameter_values(const char *path, const prc_model *m, double start, const bool *given, double *param, prc_error *err);

prc_status cmd_conditions(const cli_options *o, prc_error *err);
prc_status cmd_init(const cli_options *o, prc_error *err);
prc_status cmd_trial(const cli_options *o, prc_error *err);
prc_status cmd_power(const cli_options *o, prc_error *err);
prc_status cmd_diff(const cli_options *o, prc_error *err);
prc_status cmd_simulate(const cli_options *o, prc_error *err);
prc_status cmd_model_check(const cli_options *o, prc_error *err);
prc_status cmd_model_show(const cli_options *o, prc_error *err);
prc_status cmd_model_run(const cli_options *o, prc_error *err);
prc_status cmd_population(const cli_options *o, prc_error *err);
prc_status cmd_evidence(const cli_options *o, prc_error *err);
prc_status cmd_meta(const cli_options *o, prc_error *err);
prc_status cmd_analyse(const cli_options *o, prc_error *err);
prc_status cmd_completion(const cli_options *o, prc_error *err);
prc_status cmd_man(const cli_options *o, prc_error *err);

#endif
