/* fuzz_table.c: any bytes as YAML, TSV, CSV, a unit and a quantity: no crash, an error that says something, and nothing handed out on failure. */
#include "paracrine/table.h"

#include "replay.h"

static void check_table(const char *text, size_t n, prc_table_format format) {
    prc_table *t = NULL;
    prc_error err = {0};
    if (prc_table_parse(text, n, "fuzz", format, &t, &err) != PRC_OK) {
        if (t || err.message[0] == '\0') abort();
        return;
    }
    for (size_t i = 0; i < t->n_row; i++)
        for (size_t j = 0; j < t->n_col; j++) {
            double x;
            if (!prc_table_cell(t, i, j)) abort();
            if (prc_table_number(t, i, j, true, &x, &err) != PRC_OK && err.line < 1) abort();
        }
    prc_table_free(t);
}

/* Every node of a tree can be read in every way, and an error at it can be written. */
static void check_node(const prc_tree *t, const prc_node *node) {
    prc_error err = {0};
    double x;
    int64_t i;
    bool b;
    const char *s;
    if (node->line < 1 || node->col < 1) abort();
    prc_status st = prc_node_number(t, node, &x, &err);
    st = prc_node_int(t, node, 0, 10, &i, &err);
    st = prc_node_bool(t, node, &b, &err);
    st = prc_node_text(t, node, &s, &err);
    st = prc_node_quantity(t, node, "d", &x, &err);
    st = prc_node_fail(t, node, PRC_E_VALUE, &err, "a message");
    (void)st;
    for (size_t k = 0; k < node->n; k++) check_node(t, node->child[k]);
}

static void check_tree(const char *text, size_t n) {
    prc_tree *t = NULL;
    prc_error err = {0};
    if (prc_tree_parse(text, n, "fuzz", &t, &err) != PRC_OK) {
        if (t || err.message[0] == '\0') abort();
        return;
    }
    check_node(t, t->root);
    prc_tree_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    prc_unit u;
    double x;
    prc_error err = {0};
    if (!text) abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check_table(text, size, PRC_TSV);
    check_table(text, size, PRC_CSV);
    check_tree(text, size);
    if (prc_unit_parse(text, &u, &err) != PRC_OK && err.message[0] == '\0') abort();
    if (prc_quantity_parse(text, "cells", &x, &err) != PRC_OK && err.message[0] == '\0') abort();
    free(text);
    return 0;
}
