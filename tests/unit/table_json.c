#include "../tap.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "paracrine/table.h"

static prc_error err;
static char path[] = "/tmp/prc_table_json_XXXXXX";

static prc_tree *parse(const char *text)
{
    prc_tree *t = NULL;
    if (prc_file_write(path, text, strlen(text), &err) != PRC_OK) return NULL;
    return prc_json_read(path, &t, &err) == PRC_OK ? t : NULL;
}

static prc_json *example(void)
{
    prc_json *j = prc_json_object();
    prc_json_set_text(j, "zeta", "a \"b\"\n\\ \x01 \xC3\xA9");
    prc_json_set_number(j, "x", 0.1);
    prc_json_set_number(j, "whole", 3);
    prc_json_set_number(j, "nan", (double)NAN);
    prc_json_set_int(j, "big", INT64_MIN);
    prc_json_set_bool(j, "yes", true);
    prc_json_set_text(j, "none", NULL);
    prc_json *list = prc_json_set(j, "list", prc_json_array());
    prc_json_set_int(list, NULL, 1);
    prc_json *inner = prc_json_set(list, NULL, prc_json_object());
    prc_json_set_number(inner, "inf", (double)INFINITY);
    prc_json_set(j, "empty", prc_json_object());
    return j;
}

static void writing(void)
{
    prc_json *j = example();
    char *text = NULL;
    TAP_INT(prc_json_text(j, &text, &err), PRC_OK);
    TAP_STR(text, "{\n  \"zeta\": \"a \\\"b\\\"\\n\\\\ \\u0001 \xC3\xA9\",\n  \"x\": 0.1,\n  \"whole\": 3,\n  \"nan\": null,\n"
                  "  \"big\": -9223372036854775808,\n  \"yes\": true,\n  \"none\": null,\n"
                  "  \"list\": [\n    1,\n    {\n      \"inf\": null\n    }\n  ],\n  \"empty\": {}\n}\n");
    /* jansson, which did not write this text, reads it. */
    json_t *read = json_loads(text, 0, NULL);
    TAP_STR(json_string_value(json_object_get(read, "zeta")), "a \"b\"\n\\ \x01 \xC3\xA9");
    TAP_NEAR(json_real_value(json_object_get(read, "x")), 0.1, 0);
    json_decref(read);
    prc_free(text);
    prc_json_free(j);
    prc_json_free(NULL);
}

static void write_errors(void)
{
    char *text = NULL;
    prc_json *j = prc_json_object();
    prc_json *list = prc_json_set(j, "list", prc_json_array());
    prc_json_set_text(list, NULL, "\xFF");
    TAP_OK(prc_json_text(j, &text, &err) != PRC_OK);
    prc_json_free(j);
    j = prc_json_object();
    prc_json_set_int(j, NULL, 1);
    TAP_OK(prc_json_text(j, &text, &err) != PRC_OK);
    prc_json_free(j);
    prc_json_set_int(NULL, "x", 1);
    TAP_OK(prc_json_set(NULL, "x", prc_json_object()) == NULL);
    TAP_INT(prc_json_text(NULL, &text, &err), PRC_E_MEMORY);
    TAP_OK(text == NULL);
}

static void reading(void)
{
    prc_tree *t = parse("{\n  \"a\": [1, -2.5e3, true, null, \"x\\u00e9\\ud83d\\ude00\\n\\/\"],\n  \"b\": {}, \"c\": []\n}\n");
    if (!TAP_OK(t != NULL)) return;
    const prc_node *a = prc_node_get(t->root, "a");
    double x = 0;
    TAP_INT(t->root->n, 3);
    TAP_INT(a->kind, PRC_LIST);
    TAP_INT(a->line, 2);
    TAP_INT(a->col, 8);
    TAP_INT(a->child[1]->col, 12);
    TAP_INT(t->root->key_col[1], 3);
    TAP_INT(prc_node_number(t, a->child[1], &x, &err), PRC_OK);
    TAP_NEAR(x, -2500, 0);
    TAP_STR(a->child[2]->text, "true");
    TAP_OK(!a->child[3]->quoted && a->child[4]->quoted);
    TAP_STR(a->child[4]->text, "x\xC3\xA9\xF0\x9F\x98\x80\n/");
    TAP_INT(prc_node_get(t->root, "b")->kind, PRC_MAP);
    prc_tree_free(t);
    t = parse("  7 ");
    TAP_STR(t ? t->root->text : NULL, "7");
    prc_tree_free(t);
}

/* Each text is refused by jansson too, so that this reader is not stricter than JSON by mistake; and what jansson takes, it takes. */
static void against_jansson(void)
{
    static const char *const text[] = {
        "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "[1 2]", "{\"a\" 1}", "[01]", "[1.]", "[.5]", "[1e]", "[+1]", "[-]", "[tru]",
        "[truex]", "[\"a]", "[\"a\nb\"]", "[\"\\x\"]", "[\"\\u12\"]", "[\"\\ud800\"]", "[\"\\udc00\"]", "[] []", "[\"\\u0000\"]",
        "'a'", "[NaN]", "[1,,2]", "{\"a\":}", "]", "{]", "[}", "[0]", "[-0.0e-0]", "[\"\"]", "[1e5,2E+3]", "{\"\":1}",
        "[[[[]]]]", " [ ] ", "[\"\\\"\"]", "[\"\\u00E9\"]", "[null,true,false]", "{\"a\":{\"a\":1}}", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        json_t *j = json_loads(text[i], JSON_REJECT_DUPLICATES, NULL);
        prc_tree *t = parse(text[i]);
        TAP_THAT((j != NULL) == (t != NULL), "text %zu is %s", i, j ? "JSON" : "not JSON");
        json_decref(j);
        prc_tree_free(t);
    }
}

static void fails(const char *text, int line, int col, const char *part)
{
    prc_tree *t = parse(text);
    bool ok = !t && err.status == PRC_E_SYNTAX && err.line == line && err.col == col && strstr(err.message, part);
    if (!TAP_THAT(ok, "%s", part)) tap_note(t ? "no error" : "message", err.message);
    prc_tree_free(t);
}

static void errors(void)
{
    fails("", 0, 0, "empty");
    fails("{\n \"a\": 1,\n \"b\": }\n", 3, 7, "not a JSON value");
    fails("{\"\xC3\xA9\": 1 \"b\": 2}", 1, 9, "a comma or the closing bracket");
    fails("{\"a\": 1,\n\"a\": 2}", 2, 1, "stands twice: in line 1 and in line 2");
    fails("[\"a\nb\"]", 1, 4, "not closed");
    char deep[200] = "";
    memset(deep, '[', 100);
    fails(deep, 1, 65, "64 deep");
}

static void no_memory(void)
{
    long k = 1;
    for (;; k++) {
        prc_tree *t = NULL;
        char *text = NULL;
        prc_memory_fail_at(k);
        prc_json *j = example();
        prc_status st = prc_json_text(j, &text, &err);
        if (st == PRC_OK) st = prc_file_write(path, text, strlen(text), &err);
        if (st == PRC_OK) st = prc_json_read(path, &t, &err);
        bool armed = st == PRC_OK;
        prc_memory_fail_at(0);
        prc_json_free(j);
        prc_free(text);
        prc_tree_free(t);
        if (armed) break;
        if (st != PRC_E_MEMORY || t) TAP_THAT(false, "allocation %ld: %s", k, err.message);
        if (k > 5000) break;
    }
    TAP_THAT(k > 20 && k < 5000, "%ld allocations failed in turn", k - 1);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    TAP_RUN(writing);
    TAP_RUN(write_errors);
    TAP_RUN(reading);
    TAP_RUN(against_jansson);
    TAP_RUN(errors);
    TAP_RUN(no_memory);
    unlink(path);
    return tap_done();
}
