#include "../tap.h"

#include <stdlib.h>

#include "paracrine/table.h"

static prc_error err;

static prc_tree *parse(const char *text)
{
    prc_tree *t = NULL;
    prc_status st = prc_tree_parse(text, strlen(text), "t.yaml", &t, &err);
    return st == PRC_OK ? t : NULL;
}

static const char *formatted(void)
{
    static char buf[PRC_MESSAGE_MAX + PRC_SOURCE_MAX];
    prc_error_format(&err, buf, sizeof buf);
    return buf;
}

static const char trial[] = "# a trial\n"
                            "arms:\n"
                            "  msc: { give: msc, dose: 50e6 cells, route: iv }\n"
                            "  control:\n"
                            "    give: saline\n"
                            "visits: [0 d, 26 wk]\n"
                            "n: 120\n"
                            "title: \"a: b\"\n"
                            "blind: true\n"
                            "text: |\n"
                            "  two\n"
                            "  lines\n"
                            "empty:\n";

static void structure(void)
{
    prc_tree *t = parse(trial);
    if (!TAP_OK(t != NULL)) return;
    const prc_node *arms = prc_node_get(t->root, "arms"), *msc = prc_node_get(arms, "msc");
    TAP_INT(t->root->kind, PRC_MAP);
    TAP_INT(t->root->n, 7);
    TAP_STR(t->root->key[1], "visits");
    TAP_INT(t->root->key_line[1], 6);
    TAP_INT(t->root->key_col[1], 1);
    TAP_INT(arms->n, 2);
    TAP_INT(msc->n, 3);
    TAP_INT(msc->line, 3);
    TAP_INT(msc->col, 8);
    TAP_STR(prc_node_get(msc, "dose")->text, "50e6 cells");
    TAP_INT(prc_node_get(msc, "dose")->line, 3);
    TAP_INT(prc_node_get(msc, "dose")->col, 27);
    TAP_STR(prc_node_get(prc_node_get(arms, "control"), "give")->text, "saline");
    const prc_node *visits = prc_node_get(t->root, "visits");
    TAP_INT(visits->kind, PRC_LIST);
    TAP_INT(visits->n, 2);
    TAP_OK(visits->key == NULL);
    TAP_STR(visits->child[1]->text, "26 wk");
    TAP_STR(prc_node_get(t->root, "title")->text, "a: b");
    TAP_OK(prc_node_get(t->root, "title")->quoted && !prc_node_get(t->root, "n")->quoted);
    TAP_STR(prc_node_get(t->root, "text")->text, "two\nlines\n");
    TAP_STR(prc_node_get(t->root, "empty")->text, "");
    TAP_OK(prc_node_get(t->root, "none") == NULL);
    TAP_OK(prc_node_get(visits, "none") == NULL);
    TAP_OK(prc_node_get(NULL, "none") == NULL);
    prc_tree_free(t);
    prc_tree_free(NULL);
}

static void values(void)
{
    prc_tree *t = parse(trial);
    const prc_node *r = t->root;
    double x = 0;
    int64_t i = 0;
    bool b = false;
    const char *s = NULL;
    TAP_INT(prc_node_quantity(t, prc_node_get(r, "visits")->child[1], "d", &x, &err), PRC_OK);
    TAP_NEAR(x, 182, 0);
    TAP_INT(prc_node_int(t, prc_node_get(r, "n"), 1, 1000, &i, &err), PRC_OK);
    TAP_INT(i, 120);
    TAP_INT(prc_node_number(t, prc_node_get(r, "n"), &x, &err), PRC_OK);
    TAP_NEAR(x, 120, 0);
    TAP_INT(prc_node_bool(t, prc_node_get(r, "blind"), &b, &err), PRC_OK);
    TAP_OK(b);
    TAP_INT(prc_node_text(t, prc_node_get(r, "title"), &s, &err), PRC_OK);
    TAP_STR(s, "a: b");
    TAP_INT(prc_node_int(t, prc_node_get(r, "n"), 1, 100, &i, &err), PRC_E_VALUE);
    TAP_STR(formatted(), "t.yaml:7:4: error: `120` must be between 1 and 100\n   7 | n: 120\n     |    ^~~");
    TAP_INT(prc_node_int(t, prc_node_get(r, "n"), 200, INT64_MAX, &i, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "must be at least 200");
    TAP_INT(prc_node_number(t, prc_node_get(r, "title"), &x, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "~~~~~ remove the quotes");
    TAP_INT(prc_node_number(t, prc_node_get(r, "blind"), &x, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "`true` is not a number");
    TAP_INT(prc_node_bool(t, prc_node_get(r, "n"), &b, &err), PRC_E_VALUE);
    TAP_INT(prc_node_text(t, prc_node_get(r, "arms"), &s, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "a text is needed here, found a group of keys");
    TAP_INT(prc_node_text(t, prc_node_get(r, "empty"), &s, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "found nothing");
    TAP_INT(prc_node_text(t, NULL, &s, &err), PRC_E_VALUE);
    TAP_STR(err.source, "t.yaml");
    TAP_INT(err.line, 0);
    TAP_INT(prc_node_quantity(t, prc_node_get(r, "visits")->child[1], "cells", &x, &err), PRC_E_UNIT);
    TAP_HAS(err.message, "is in d, but item is needed here");
    prc_tree_free(t);
    t = parse("[1e6, 1.5, .inf, 5 wek, 9007199254740993]");
    TAP_INT(prc_node_int(t, t->root->child[0], 0, INT64_MAX, &i, &err), PRC_OK);
    TAP_INT(i, 1000000);
    TAP_INT(prc_node_int(t, t->root->child[1], 0, INT64_MAX, &i, &err), PRC_E_VALUE);
    TAP_INT(prc_node_number(t, t->root->child[2], &x, &err), PRC_E_VALUE);
    TAP_INT(prc_node_int(t, t->root->child[4], 0, INT64_MAX, &i, &err), PRC_OK);
    TAP_INT(i, 9007199254740993);
    TAP_INT(prc_node_quantity(t, t->root->child[3], "d", &x, &err), PRC_E_UNIT);
    TAP_STR(formatted(), "t.yaml:1:18: error: unknown unit `wek`\n   1 | [1e6, 1.5, .inf, 5 wek, 9007199254740993]\n"
                         "     |                  ^~~~~ did you mean `wk`?");
    prc_tree_free(t);
}

static void unknown_keys(void)
{
    static const char *const allowed[] = {"give", "dose", "route"};
    prc_tree *t = parse("arm:\n  give: msc\n  routte: iv\n");
    const prc_node *arm = prc_node_get(t->root, "arm");
    TAP_INT(prc_node_allow(t, arm, allowed, 3, &err), PRC_E_KEY);
    TAP_STR(formatted(), "t.yaml:3:3: error: unknown key `routte`\n   3 |   routte: iv\n"
                         "     |   ^~~~~~ did you mean `route`?");
    TAP_INT(prc_node_allow(t, t->root, allowed, 3, &err), PRC_E_KEY);
    TAP_HAS(err.message, "unknown key `arm`; allowed here: `give`, `dose`, `route`");
    TAP_INT(prc_node_allow(t, arm->child[0], allowed, 3, &err), PRC_E_VALUE);
    TAP_INT(prc_node_allow(t, NULL, allowed, 3, &err), PRC_E_VALUE);
    prc_tree_free(t);
}

/* The caret counts characters, not bytes, and a long line is cut around it. */
static void carets(void)
{
    prc_tree *t = parse("{ \xC3\xA9t\xC3\xA9: \xC3\xA4\xC3\xB6, b: x }");
    prc_node_fail(t, prc_node_get(t->root, "b"), PRC_E_VALUE, &err, "wrong");
    TAP_INT(err.col, 15);
    TAP_HAS(err.message, "\n     |               ^");
    prc_tree_free(t);
    prc_text long_line = {0};
    prc_text_add(&long_line, "[");
    for (int i = 0; i < 200; i++) prc_text_printf(&long_line, "item%d, ", i);
    prc_text_add(&long_line, "last]");
    t = parse(long_line.s);
    prc_node_fail(t, t->root->child[150], PRC_E_VALUE, &err, "wrong");
    TAP_HAS(err.message, "item150");
    TAP_OK(strlen(err.message) < 300);
    const char *line = strchr(err.message, '\n') + 1, *below = strchr(line, '\n') + 1;
    TAP_THAT(strncmp(line + (strchr(below, '^') - below), "item150", 7) == 0, "the caret stands below item150");
    TAP_HAS(below, "^~~~~~~");
    prc_tree_free(t);
    prc_text_reset(&long_line);
}

static void fails(const char *text, int line, int col, const char *part)
{
    prc_tree *t = parse(text);
    bool ok = !t && err.status == PRC_E_SYNTAX && err.line == line && err.col == col && strstr(err.message, part);
    if (!TAP_THAT(ok, "%s", part)) tap_note("message", t ? "no error" : formatted());
    prc_tree_free(t);
}

static void errors(void)
{
    fails("", 0, 0, "the file is empty");
    fails("# only a comment\n", 0, 0, "the file is empty");
    fails("a: 1\nb: 2\na: 3\n", 3, 1, "the key `a` stands twice: in line 1 and in line 3");
    fails("x: {a: 1, b: 2, b: 3, a: 4}\n", 1, 17, "the key `b` stands twice");
    fails("a:\n\tb: 1\n", 2, 1, "tab");
    fails("a: &x 1\n", 1, 4, "anchors (`&name`) are not supported");
    fails("a: *x\n", 1, 4, "aliases (`*name`) are not supported");
    fails("a: !!str 1\n", 1, 4, "tags (`!name`) are not supported");
    fails("a: !x {b: 1}\n", 1, 4, "tags");
    fails("a: &x [1]\n", 1, 4, "anchors");
    fails("&k a: 1\n", 1, 1, "anchors");
    fails("a: 1\n---\nb: 2\n", 2, 1, "second document");
    fails("<<: {a: 1}\n", 1, 1, "merge keys");
    fails("? [a, b]\n: 1\n", 1, 3, "a key must be a single word");
    fails(": 1\n", 1, 1, "a key is missing");
    fails("a: \"x\n", 1, 4, "closed");
    fails("a: [1, 2\n", 2, 1, "comma or a closing bracket");
    fails("a: 1\n  b: 2\n", 2, 4, "a colon is not expected here");
    fails("a: @x\n", 1, 4, "a value cannot begin with `@`");
    fails("a: %5\n", 1, 4, "a value cannot begin with `%`");
    fails("\xC3\xA9: @x\n", 1, 4, "a value cannot begin with `@`");
    fails("a: \"x\\0y\"\n", 1, 4, "NUL");
    fails("a: \xFF\n", 1, 4, "not UTF-8");
    fails("a: \x02\n", 1, 4, "control byte");
    fails("a: 1\nb\nc: 2\n", 2, 1, "a colon is missing");
}

static void depth(void)
{
    char text[400] = "";
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    prc_tree *t = parse(text);
    TAP_OK(t != NULL);
    prc_tree_free(t);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    TAP_OK(parse(text) == NULL);
    TAP_HAS(err.message, "more than 64 deep");
    char *deep = malloc(1000001);
    memset(deep, '[', 1000000);
    deep[1000000] = '\0';
    TAP_OK(parse(deep) == NULL);
    free(deep);
}

/* The order of the file is kept and a large map is read in reasonable time. */
static void large(void)
{
    prc_text text = {0};
    for (int i = 0; i < 20000; i++) prc_text_printf(&text, "key%d: %d\n", (i * 7919) % 20000, i);
    prc_tree *t = parse(text.s);
    TAP_INT(t ? t->root->n : 0, 20000);
    if (t) TAP_STR(t->root->key[1], "key7919");
    prc_tree_free(t);
    prc_text_reset(&text);
}

static void no_memory(void)
{
    long k = 1;
    for (;; k++) {
        prc_tree *t = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_tree_parse(trial, strlen(trial), "x", &t, &err);
        prc_memory_fail_at(0);
        prc_tree_free(t);
        if (st == PRC_OK) break;
        if (st != PRC_E_MEMORY || t) TAP_THAT(false, "allocation %ld: %s", k, err.message);
    }
    TAP_THAT(k > 10, "%ld allocations failed in turn", k - 1);
}

int main(void)
{
    TAP_RUN(structure);
    TAP_RUN(values);
    TAP_RUN(unknown_keys);
    TAP_RUN(carets);
    TAP_RUN(errors);
    TAP_RUN(depth);
    TAP_RUN(large);
    TAP_RUN(no_memory);
    return tap_done();
}
