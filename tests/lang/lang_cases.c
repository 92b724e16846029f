/* lang_cases.c: runs the cases of *.test (arguments). A file is a list of cases separated by lines "%%"; a case is
 * input, a line
 * "%-", and either the canonical text of the tree or "%FAIL line:col: part of the message". */
#include "../tap.h"

#include "paracrine/lang.h"

#include <stdlib.h>

static bool is_line(const char *s, const char *what) {
    size_t n = strlen(what);
    return strncmp(s, what, n) == 0 && (s[n] == '\n' || s[n] == '\0');
}

/* Next line that is `what`, or the end; the text before it is cut off there. */
static char *split(char *s, const char *what) {
    for (char *line = s; *line;) {
        char *end = strchr(line, '\n');
        if (is_line(line, what)) {
            *line = '\0';
            return end ? end + 1 : line + strlen(what);
        }
        if (!end) break;
        line = end + 1;
    }
    return NULL;
}

static void check_failure(const char *where, prc_status st, const prc_error *e, const char *want) {
    int line = 0, col = 0, n = 0;
    char fragment[400] = "";
    TAP_THAT(sscanf(want, "%%FAIL %d:%d: %n", &line, &col, &n) == 2 && n > 0, "%s: well-formed expectation", where);
    snprintf(fragment, sizeof fragment, "%.*s", (int)strcspn(want + n, "\n"), want + n);
    bool ok =
        st != PRC_OK && e->line == line && e->col == col && strstr(e->message, fragment) && strstr(e->message, "^");
    if (strstr(fragment, "not supported yet")) ok = ok && st == PRC_E_UNSUPPORTED;
    TAP_THAT(ok, "%s: fails with %s", where, fragment);
    if (ok) return;
    char text[2000];
    prc_error_format(e, text, sizeof text);
    tap_note("got", st == PRC_OK ? "success" : text);
    tap_note("want", want);
}

/* The canonical text must read back to itself. */
static void check_tree(const char *where, const prc_ast *ast, const char *want) {
    prc_text t = {0}, u = {0};
    prc_ast *again = NULL;
    prc_error e = {0};
    prc_ast_print(ast, &t);
    const char *got = t.s ? t.s : "";
    if (!TAP_THAT(strcmp(got, want) == 0, "%s: tree", where)) {
        tap_note("got", got);
        tap_note("want", want);
    }
    bool ok = prc_ast_parse(got, "again", &again, &e) == PRC_OK;
    if (ok) prc_ast_print(again, &u);
    TAP_THAT(ok && strcmp(u.s ? u.s : "", got) == 0, "%s: reads back", where);
    if (!ok) tap_note("error", e.message);
    prc_ast_free(again);
    prc_text_reset(&t);
    prc_text_reset(&u);
}

static void run_case(const char *where, const char *input, const char *want) {
    prc_ast *ast = NULL;
    prc_error e = {0};
    prc_status st = prc_ast_parse(input, "case", &ast, &e);
    if (strncmp(want, "%FAIL", 5) == 0) {
        check_failure(where, st, &e, want);
    } else if (TAP_THAT(st == PRC_OK, "%s: parses", where)) {
        check_tree(where, ast, want);
    } else {
        char text[2000];
        prc_error_format(&e, text, sizeof text);
        tap_note("error", text);
    }
    if (st == PRC_OK) prc_ast_free(ast);
}

static int run_file(const char *path) {
    char *text = NULL;
    size_t n;
    prc_error e = {0};
    int count = 0;
    if (!TAP_THAT(prc_file_read(path, 0, &text, &n, &e) == PRC_OK, "%s can be read", path)) return 0;
    const char *slash = strrchr(path, '/');
    for (char *block = text, *next; block; block = next) {
        next = split(block, "%%");
        char *want = split(block, "%-"), where[300];
        if (!want && block[strspn(block, " \n")] == '\0') continue;
        snprintf(where, sizeof where, "%s case %d", slash ? slash + 1 : path, ++count);
        if (TAP_THAT(want != NULL, "%s has a line %%-", where)) run_case(where, block, want);
    }
    prc_free(text);
    return count;
}

int main(int argc, char **argv) {
    int count = 0;
    tap_group_ = "lang";
    for (int i = 1; i < argc; i++) count += run_file(argv[i]);
    TAP_THAT(count > 0, "%d cases", count);
    return tap_done();
}
