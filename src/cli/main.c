/* The command `paracrine`: finds the subcommand, parses its options, runs it, prints its error. */
#include "cli_int.h"

#include <signal.h>
#include <string.h>

static const cli_command *find_command(int argc, char **argv, int *used, prc_error *err) {
    static const char *names[32];
    size_t n = 0;
    for (size_t i = 0; i < cli_n_command; i++) {
        const char *space = strchr(cli_commands[i].name, ' ');
        if (!space && argc >= 1 && !strcmp(argv[0], cli_commands[i].name)) {
            *used = 1;
            return &cli_commands[i];
        }
        if (space && argc >= 2 && strlen(argv[0]) == (size_t)(space - cli_commands[i].name) && !strncmp(argv[0], cli_commands[i].name, strlen(argv[0])) &&
            !strcmp(argv[1], space + 1)) {
            *used = 2;
            return &cli_commands[i];
        }
        names[n++] = cli_commands[i].name;
    }
    const char *near = prc_nearest(argv[0], names, n);
    if (!strcmp(argv[0], "model")) (void)prc_fail(err, PRC_E_USAGE, "`paracrine model` wants check, show or run; see `paracrine --help`");
    else if (near) (void)prc_fail(err, PRC_E_USAGE, "unknown command `%s`: did you mean `%s`?", argv[0], near);
    else (void)prc_fail(err, PRC_E_USAGE, "unknown command `%s`; see `paracrine --help`", argv[0]);
    return NULL;
}

static int report_error(const prc_error *err, prc_status st) {
    char text[PRC_MESSAGE_MAX + PRC_SOURCE_MAX + 64];
    prc_error_format(err, text, sizeof text);
    fprintf(stderr, "%s%s\n", err->source[0] ? "" : "paracrine: ", text);
    return prc_status_exit(st);
}

static int top_level(const char *word, prc_error *err) {
    prc_text t = {0};
    if (!strcmp(word, "--version")) prc_text_add(&t, "paracrine " PRC_VERSION_TEXT "\n");
    else cli_help_all(&t);
    prc_status st = cli_print(&t, err);
    return st ? report_error(err, st) : 0;
}

int main(int argc, char **argv) {
    prc_error err = {0};
    if (argc < 2) {
        prc_text t = {0};
        cli_help_all(&t);
        if (t.s) fputs(t.s, stderr);
        prc_text_reset(&t);
        return prc_status_exit(PRC_E_USAGE);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help") || !strcmp(argv[1], "--version")) return top_level(argv[1], &err);
    int used = 0;
    const cli_command *c = find_command(argc - 1, argv + 1, &used, &err);
    if (!c) return report_error(&err, PRC_E_USAGE);
    cli_options o = {.draws = 200, .max_fail = 0.01, .end = -1, .rtol = 1e-6, .atol = 1e-9, .points = 0, .seed = 1, .replicates = -1, .target = -1, .alpha = -1};
    const char **positional = prc_calloc((size_t)argc, sizeof *positional);
    if (!positional) return prc_status_exit(PRC_E_MEMORY);
    prc_status st = cli_parse(c, argc - 1 - used, argv + 1 + used, &o, positional, &err);
    if (!st && (o.help || o.version)) {
        prc_text t = {0};
        if (o.version) prc_text_add(&t, "paracrine " PRC_VERSION_TEXT "\n");
        else cli_help(c, &t);
        st = cli_print(&t, &err);
    } else if (!st) {
        cli_catch_signals();
        st = c->run(&o, &err);
        if (st && cli_interrupted()) st = PRC_E_INTERRUPTED;
    }
    prc_free(positional);
    if (st == PRC_E_NEGATIVE && !err.message[0]) return prc_status_exit(st);
    return st ? report_error(&err, st) : 0;
}
