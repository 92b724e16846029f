/* paracrine/table.h: files that are tables or trees: TSV, CSV, YAML, JSON; and quantities with units.
 * Everything read keeps its place (line, column), so that a message can point at it. */
#ifndef PARACRINE_TABLE_H
#define PARACRINE_TABLE_H

#include "base.h"

/* ---- units and quantities ------------------------------------------------------------------------------------ */

/* Base dimensions, in this order. */
enum { PRC_DIM_TIME, PRC_DIM_LENGTH, PRC_DIM_MASS, PRC_DIM_ITEM, PRC_DIM_DOSE, PRC_DIM_COUNT };

/* A unit: factor to base units (d, m, kg, item (cells, particles), dose) and exponents of the base dimensions. `%` is 0.01, `pt` is 1. */
typedef struct prc_unit {
    double factor;
    int dim[PRC_DIM_COUNT];
} prc_unit;

/* Parses a unit as docs/formats.md describes ("1/(cells*d)", "mm^2", "%/y", "1"). PRC_E_UNIT with the offending name and the nearest known one. */
PRC_CHECKED prc_status prc_unit_parse(const char *text, prc_unit *out, prc_error *err);
bool prc_unit_same_dim(const prc_unit *a, const prc_unit *b);
/* Writes the dimension in words of base units, e.g. "item/d". buf size n. */
void prc_unit_format(const prc_unit *u, char *buf, size_t n);

/* Parses "50e6 cells" and converts to the unit `want` ("cells"): *out is the number in `want`. PRC_E_UNIT if the dimension
 * differs or the unit is missing while want is not "1"; PRC_E_VALUE if the number is not finite. */
PRC_CHECKED prc_status prc_quantity_parse(const char *text, const char *want, double *out, prc_error *err);
/* Splits "50e6 cells/kg" into number and unit text (pointer into text, "" when none). */
PRC_CHECKED prc_status prc_quantity_split(const char *text, double *number, const char **unit, prc_error *err);

/* ---- tables: TSV and CSV ------------------------------------------------------------------------------------- */

/* A rectangular table of text cells with a header; owned by the caller, freed by prc_table_free. */
typedef struct prc_table {
    char *source;     /* file name as given */
    size_t n_col, n_row;
    char **col;       /* column names (n_col) */
    char **cell;      /* row-major (n_row x n_col), never NULL, "" when empty */
    int *line;        /* line of each row in the file (n_row) */
    char sha256[65];  /* of the bytes read */
    prc_arena *arena; /* owns all text */
} prc_table;

typedef enum prc_table_format { PRC_TSV, PRC_CSV } prc_table_format;

/* Reads a file. TSV: '#' comment lines skipped, no quoting. CSV: RFC 4180 quoting, a UTF-8 byte-order mark allowed. Errors with
 * line: ragged rows, unclosed quote, empty file, duplicate column, NUL byte, bad UTF-8. */
PRC_CHECKED prc_status prc_table_read(const char *path, prc_table_format format, prc_table **out, prc_error *err);
/* The same from memory; source is the name for messages. */
PRC_CHECKED prc_status prc_table_parse(const char *text, size_t n, const char *source, prc_table_format format, prc_table **out, prc_error *err);
void prc_table_free(prc_table *t);
/* Column index by name, -1 if absent. */
int prc_table_col(const prc_table *t, const char *name);
/* Checks that the header is exactly the n names in this order (PRC_E_KEY names the first difference and the nearest match). */
PRC_CHECKED prc_status prc_table_expect(const prc_table *t, const char *const *names, size_t n, prc_error *err);
const char *prc_table_cell(const prc_table *t, size_t row, size_t col);
/* Cell as a number; "" and "-" give NaN when allow_missing, else PRC_E_VALUE with file, line, column name. */
PRC_CHECKED prc_status prc_table_number(const prc_table *t, size_t row, size_t col, bool allow_missing, double *out, prc_error *err);
/* Appends one CSV cell to out, quoted when needed. */
void prc_csv_cell(FILE *out, const char *text);

/* ---- trees: YAML --------------------------------------------------------------------------------------------- */

typedef enum prc_node_kind { PRC_SCALAR, PRC_LIST, PRC_MAP } prc_node_kind;

/* A node of a YAML file. Maps keep the order of the file. All memory belongs to the tree. */
typedef struct prc_node {
    prc_node_kind kind;
    int line, col;
    bool quoted;             /* a scalar in quotes */
    const char *text;        /* scalar text */
    size_t n;                /* children */
    const char **key;        /* map keys (n), NULL for lists */
    const int *key_line, *key_col;
    struct prc_node **child; /* n */
} prc_node;

typedef struct prc_tree {
    prc_node *root;
    char *source;
    prc_arena *arena;
    char *file_text; /* for carets */
} prc_tree;

/* Reads a YAML file: one document, no anchors/aliases/tags (an error that says so), duplicate keys are an error with both lines, tabs and
 * binary bytes are errors that say so, depth limited to 64. */
PRC_CHECKED prc_status prc_tree_read(const char *path, prc_tree **out, prc_error *err);
PRC_CHECKED prc_status prc_tree_parse(const char *text, size_t n, const char *source, prc_tree **out, prc_error *err);
void prc_tree_free(prc_tree *t);
/* Child of a map by key, NULL if absent or not a map. */
const prc_node *prc_node_get(const prc_node *map, const char *key);
/* Error at a node: "file:line:col: error: ..." with the source line and a caret. Returns status. What follows a newline or
 * "; did you mean" in the text is the cure and stands behind the caret. node NULL gives a message without a place. */
prc_status prc_node_fail(const prc_tree *t, const prc_node *node, prc_status status, prc_error *err, const char *fmt, ...) PRC_PRINTF(5, 6);
/* The same at any place of the file, width characters wide (for a key: map->key_line[i], map->key_col[i], its length). */
prc_status prc_tree_fail(const prc_tree *t, int line, int col, size_t width, prc_status status, prc_error *err, const char *fmt, ...)
    PRC_PRINTF(7, 8);
/* Every key of the map must be one of allowed (n): else PRC_E_KEY at the key with the nearest allowed one. */
PRC_CHECKED prc_status prc_node_allow(const prc_tree *t, const prc_node *map, const char *const *allowed, size_t n, prc_error *err);
/* Scalars as values; the error points at the node. prc_node_quantity converts to unit `want`. */
PRC_CHECKED prc_status prc_node_text(const prc_tree *t, const prc_node *node, const char **out, prc_error *err);
PRC_CHECKED prc_status prc_node_number(const prc_tree *t, const prc_node *node, double *out, prc_error *err);
PRC_CHECKED prc_status prc_node_int(const prc_tree *t, const prc_node *node, int64_t min, int64_t max, int64_t *out, prc_error *err);
PRC_CHECKED prc_status prc_node_bool(const prc_tree *t, const prc_node *node, bool *out, prc_error *err);
PRC_CHECKED prc_status prc_node_quantity(const prc_tree *t, const prc_node *node, const char *want, double *out, prc_error *err);

/* ---- JSON writing -------------------------------------------------------------------------------------------- */

/* A JSON value under construction (jansson behind it). NaN and infinities become null. */
typedef struct prc_json prc_json;
prc_json *prc_json_object(void); /* NULL when out of memory */
prc_json *prc_json_array(void);
void prc_json_free(prc_json *j);
/* Setters add to an object (key) or, with key NULL, append to an array. A failure is remembered and reported by prc_json_text. */
void prc_json_set_text(prc_json *j, const char *key, const char *value); /* value NULL becomes null */
void prc_json_set_number(prc_json *j, const char *key, double value);
void prc_json_set_int(prc_json *j, const char *key, int64_t value);
void prc_json_set_bool(prc_json *j, const char *key, bool value);
/* Takes ownership of child; returns it, so that it can be filled. */
prc_json *prc_json_set(prc_json *j, const char *key, prc_json *child);
/* Text with 2-space indent, keys in insertion order, 17 digits; freed by prc_free. */
PRC_CHECKED prc_status prc_json_text(const prc_json *j, char **out, prc_error *err);

/* A JSON file read as the same tree as YAML (strings are quoted scalars, numbers/true/false/null plain ones). */
PRC_CHECKED prc_status prc_json_read(const char *path, prc_tree **out, prc_error *err);

#endif
