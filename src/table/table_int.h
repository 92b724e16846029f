/* table_int.h: what the files of this module share. */
#ifndef PRC_TABLE_INT_H
#define PRC_TABLE_INT_H

#include "paracrine/table.h"

/* Deepest nesting of a YAML or JSON file. */
enum { PRC_TREE_DEPTH_MAX = 64 };

/* PRC_E_MEMORY with its standard text. */
prc_status prc_table_no_memory(prc_error *err);
/* The text must be UTF-8 without NUL and other control bytes; the error names line and column. */
prc_status prc_table_check_text(const char *text, size_t n, const char *source, prc_error *err);

/* One child on its way into a list or map; key NULL in a list. */
typedef struct prc_item {
    prc_node *child;
    const char *key;
    int line, col;
} prc_item;

/* An empty tree that owns copies of text and source; NULL when out of memory. */
prc_tree *prc_tree_create(const char *text, size_t n, const char *source);
/* A node without children; NULL when out of memory. */
prc_node *prc_tree_node(prc_tree *t, prc_node_kind kind, int line, int col);
/* The byte at a place of the file, 0 if there is none. */
char prc_tree_byte(const prc_tree *t, int line, int col);
/* Copies the items into node; two equal keys of a map are an error with both lines. */
prc_status prc_tree_fill(prc_tree *t, prc_node *node, const prc_item *item, size_t n, prc_error *err);

#endif
