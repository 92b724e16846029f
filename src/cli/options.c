/* Parsing of the command line, --help, completion and man page from the option tables. */
#include "cli_int.h"

#include <math.h>
#include <string.h>

static const cli_option *find(const cli_option *o, size_t n, bool is_long, const char *name, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (is_long ? strlen(o[i].name) == len && !memcmp(o[i].name, name, len) : o[i].letter && o[i].letter == name[0]) return &o[i];
    return NULL;
}

static prc_status unknown_option(const cli_command *c, const char *arg, prc_error *err) {
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < cli_n_global && n < 64; i++) names[n++] = cli_global[i].name;
    for (size_t i = 0; i < c->n_option && n < 64; i++) names[n++] = c->option[i].name;
    const char *bare = arg;
    while (*bare == '-') bare++;
    const char *near = prc_nearest(bare, names, n);
    if (near) return prc_fail(err, PRC_E_USAGE, "unknown option `%s`: did you mean `--%s`?", arg, near);
    return prc_fail(err, PRC_E_USAGE, "unknown option `%s`; see `paracrine %s --help`", arg, c->name);
}

static prc_status store(const cli_option *o, const char *value, cli_options *out, prc_error *err) {
    void *field = (char *)out + o->offset;
    double x;
    switch (o->kind) {
    case CLI_FLAG: *(bool *)field = true; return PRC_OK;
    case CLI_TEXT: *(const char **)field = value; return PRC_OK;
    case CLI_INT: {
        int64_t i;
        if (!prc_parse_int64(value, &i) || i < 0) return prc_fail(err, PRC_E_USAGE, "--%s wants a whole number of 0 or more, not `%s`", o->name, value);
        *(int64_t *)field = i;
        if (o->offset == offsetof(cli_options, seed)) out->has_seed = true;
        return PRC_OK;
    }
    case CLI_NUMBER:
        if (!prc_parse_double(value, &x) || !isfinite(x)) return prc_fail(err, PRC_E_USAGE, "--%s wants a number, not `%s`", o->name, value);
        *(double *)field = x;
        return PRC_OK;
    case CLI_SHARE: {
        char buf[64];
        size_t n = strlen(value);
        bool percent = n && value[n - 1] == '%';
        if (n >= sizeof buf) n = sizeof buf - 1;
        memcpy(buf, value, n);
        buf[percent ? n - 1 : n] = 0;
        if (!prc_parse_double(buf, &x) || !(x >= 0) || x > (percent ? 100 : 1))
            return prc_fail(err, PRC_E_USAGE, "--%s wants a share such as 1%% or 0.01, not `%s`", o->name, value);
        *(double *)field = percent ? x / 100 : x;
        return PRC_OK;
    }
    }
    return PRC_OK;
}

prc_status cli_parse(const cli_command *c, int argc, char **argv, cli_options *out, const char **positional, prc_error *err) {
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *a = argv[i];
        if (only_arguments || a[0] != '-' || !a[1]) {
            positional[out->n_arg++] = a;
            continue;
        }
        if (!strcmp(a, "--")) {
            only_arguments = true;
            continue;
        }
        bool is_long = a[1] == '-';
        const char *name = a + (is_long ? 2 : 1);
        const char *eq = is_long ? strchr(name, '=') : NULL;
        size_t len = eq ? (size_t)(eq - name) : strlen(name);
        const cli_option *o = NULL;
        if (is_long ? len > 0 : len == 1) {
            o = find(c->option, c->n_option, is_long, name, len);
            if (!o) o = find(cli_global, cli_n_global, is_long, name, len);
        }
        if (!o) return unknown_option(c, a, err);
        const char *value = NULL;
        if (o->kind != CLI_FLAG) {
            value = eq ? eq + 1 : (i + 1 < argc ? argv[++i] : NULL);
            if (!value) return prc_fail(err, PRC_E_USAGE, "--%s wants a value (%s)", o->name, o->arg);
        } else if (eq) {
            return prc_fail(err, PRC_E_USAGE, "--%s takes no value", o->name);
        }
        PRC_TRY(store(o, value, out, err));
    }
    out->arg = positional;
    if (out->help || out->version) return PRC_OK;
    if (out->n_arg < c->min_arg) return prc_fail(err, PRC_E_USAGE, "`paracrine %s` wants %s; see `paracrine %s --help`", c->name, c->args, c->name);
    if (out->n_arg > c->max_arg) return prc_fail(err, PRC_E_USAGE, "`paracrine %s` has one argument too many: `%s`", c->name, positional[c->max_arg]);
    return PRC_OK;
}

static void option_lines(const cli_option *o, size_t n, prc_text *out) {
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%c%s --%s %s", o[i].letter ? "-" : " ", o[i].letter ? o[i].letter : ' ', o[i].letter ? "," : " ", o[i].name, o[i].arg ? o[i].arg : "");
        prc_text_printf(out, "  %-24s %s\n", left, o[i].help);
    }
}

void cli_help(const cli_command *c, prc_text *out) {
    prc_text_printf(out, "paracrine %s %s%s[options]\n%s.\n", c->name, c->args, *c->args ? " " : "", c->summary);
    if (c->detail) prc_text_printf(out, "\n%s", c->detail);
    if (c->n_option) prc_text_add(out, "\nOptions\n");
    option_lines(c->option, c->n_option, out);
    prc_text_add(out, "\nGlobal options\n");
    option_lines(cli_global, cli_n_global, out);
    prc_text_add(out, "\nResearch use only. A simulation, not evidence of benefit; not for treatment decisions.\n");
}

void cli_help_all(prc_text *out) {
    prc_text_add(out, "paracrine: in-silico clinical trials of mesenchymal stromal cell therapy\n\nusage: paracrine COMMAND [arguments] [options]\n\nCommands\n");
    for (size_t i = 0; i < cli_n_command; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", cli_commands[i].name, cli_commands[i].args);
        prc_text_printf(out, "  %-24s %s\n", left, cli_commands[i].summary);
    }
    prc_text_add(out, "\nGlobal options\n");
    option_lines(cli_global, cli_n_global, out);
    prc_text_add(out, "\n`paracrine COMMAND --help` tells more. Exit: 0 ok, 1 a check failed, 2 usage, 3 input, 4 numerics, 5 files, 130 Ctrl-C.\n"
                      "Research use only. A simulation, not evidence of benefit; not for treatment decisions.\n");
}

void cli_completion(prc_text *out) {
    prc_text_add(out, "# bash completion for paracrine\n_paracrine() {\n    local cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]}\n"
                      "    [ \"$cmd\" = model ] && [ \"$COMP_CWORD\" -gt 2 ] && cmd=\"model ${COMP_WORDS[2]}\"\n    local words=\"--json --threads --data --quiet --help --version\"\n"
                      "    if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < cli_n_command; i++)
        if (!strchr(cli_commands[i].name, ' ')) prc_text_printf(out, "%s ", cli_commands[i].name);
    prc_text_add(out, "model\" -- \"$cur\")); return; fi\n    case \"$cmd\" in\n    model) words=\"check show run\" ;;\n");
    for (size_t i = 0; i < cli_n_command; i++) {
        const cli_command *c = &cli_commands[i];
        if (!c->n_option) continue;
        prc_text_printf(out, "    \"%s\") words=\"$words", c->name);
        for (size_t k = 0; k < c->n_option; k++) prc_text_printf(out, " --%s", c->option[k].name);
        prc_text_add(out, "\" ;;\n");
    }
    prc_text_add(out, "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n}\ncomplete -F _paracrine paracrine\n");
}

static void man_options(const cli_option *o, size_t n, prc_text *out) {
    for (size_t i = 0; i < n; i++) {
        if (o[i].letter) prc_text_printf(out, "*-%c*, ", o[i].letter);
        prc_text_printf(out, "*--%s*", o[i].name);
        if (o[i].arg) prc_text_printf(out, " _%s_", o[i].arg);
        prc_text_printf(out, "\n\t%s\n\n", o[i].help);
    }
}

void cli_man(prc_text *out) {
    prc_text_add(out, "paracrine(1)\n\n# NAME\n\nparacrine - in-silico clinical trials of mesenchymal stromal cell therapy\n\n# SYNOPSIS\n\n*paracrine* _COMMAND_ [arguments] [options]\n\n"
                      "# DESCRIPTION\n\nResearch use only. A simulation, not evidence of benefit; not for treatment decisions.\n\n# GLOBAL OPTIONS\n\n");
    man_options(cli_global, cli_n_global, out);
    prc_text_add(out, "# COMMANDS\n\n");
    for (size_t i = 0; i < cli_n_command; i++) {
        const cli_command *c = &cli_commands[i];
        prc_text_printf(out, "## %s %s\n\n%s.\n\n", c->name, c->args, c->summary);
        if (c->detail) prc_text_printf(out, "%s\n", c->detail);
        man_options(c->option, c->n_option, out);
    }
    prc_text_add(out, "# EXIT STATUS\n\n0 ok, 1 a check failed, 2 usage, 3 input, 4 numerics, 5 files, 130 interrupted\n");
}
