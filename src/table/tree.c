#include "table_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

prc_tree *prc_tree_create(const char *text, size_t n, const char *source)
{
    prc_tree *t = prc_calloc(1, sizeof *t);
    if (!t) return NULL;
    t->arena = prc_arena_create();
    t->source = prc_strdup(source);
    t->file_text = prc_malloc(n + 1, 1);
    if (!t->arena || !t->source || !t->file_text) {
        prc_tree_free(t);
        return NULL;
    }
    if (n > 0) memcpy(t->file_text, text, n);
    t->file_text[n] = '\0';
    return t;
}

void prc_tree_free(prc_tree *t)
{
    if (!t) return;
    prc_arena_free(t->arena);
    prc_free(t->source);
    prc_free(t->file_text);
    prc_free(t);
}

prc_node *prc_tree_node(prc_tree *t, prc_node_kind kind, int line, int col)
{
    prc_node *node = prc_arena_alloc(t->arena, 1, sizeof *node);
    if (!node) return NULL;
    node->kind = kind;
    node->line = line;
    node->col = col;
    node->text = "";
    return node;
}

static int by_key(const void *a, const void *b)
{
    const prc_item *x = *(const prc_item *const *)a, *y = *(const prc_item *const *)b;
    int c = strcmp(x->key, y->key);
    return c != 0 ? c : (x > y) - (x < y);
}

/* The first key, in the order of the file, that was there before. */
static prc_status check_duplicates(const prc_tree *t, const prc_item *item, size_t n, prc_error *err)
{
    const prc_item *second = NULL, *first = NULL;
    const prc_item **sorted = prc_malloc(n, sizeof *sorted);
    if (!sorted) return prc_table_no_memory(err);
    for (size_t i = 0; i < n; i++) sorted[i] = &item[i];
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) != 0 || (second && second < sorted[i])) continue;
        first = sorted[i - 1];
        second = sorted[i];
    }
    prc_free(sorted);
    if (!second) return PRC_OK;
    return prc_tree_fail(t, second->line, second->col, strlen(second->key), PRC_E_SYNTAX, err,
                         "the key `%s` stands twice: in line %d and in line %d\ndelete one", second->key, first->line, second->line);
}

prc_status prc_tree_fill(prc_tree *t, prc_node *node, const prc_item *item, size_t n, prc_error *err)
{
    bool map = node->kind == PRC_MAP;
    if (n == 0) return PRC_OK;
    if (map) PRC_TRY(check_duplicates(t, item, n, err));
    prc_node **child = prc_arena_alloc(t->arena, n, sizeof *child);
    const char **key = map ? prc_arena_alloc(t->arena, n, sizeof *key) : NULL;
    int *line = map ? prc_arena_alloc(t->arena, n, sizeof *line) : NULL;
    int *col = map ? prc_arena_alloc(t->arena, n, sizeof *col) : NULL;
    if (!child || (map && (!key || !line || !col))) return prc_table_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        child[i] = item[i].child;
        if (!map) continue;
        key[i] = item[i].key;
        line[i] = item[i].line;
        col[i] = item[i].col;
    }
    node->n = n;
    node->child = child;
    node->key = key;
    node->key_line = line;
    node->key_col = col;
    return PRC_OK;
}

/* ---- messages with the source line */

/* The 1-based line of the text without its end; NULL if there are fewer. */
static const char *find_line(const char *text, int line, size_t *n)
{
    for (; line > 1; line--) {
        const char *end = strchr(text, '\n');
        if (!end) return NULL;
        text = end + 1;
    }
    *n = strcspn(text, "\r\n");
    return text;
}

static bool starts_character(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

/* Bytes of the first n_char characters of s (at most n bytes). */
static size_t character_offset(const char *s, size_t n, size_t n_char)
{
    size_t i = 0;
    while (i < n && n_char > 0)
        for (i++, n_char--; i < n && !starts_character(s[i]);) i++;
    return i;
}

char prc_tree_byte(const prc_tree *t, int line, int col)
{
    size_t n;
    const char *s = find_line(t->file_text, line, &n);
    if (!s || col < 1) return '\0';
    size_t at = character_offset(s, n, (size_t)col - 1);
    return at < n ? s[at] : '\0';
}

static size_t count_characters(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += starts_character(s[i]);
    return count;
}

static void append(char *buf, size_t size, const char *s, size_t n)
{
    size_t used = strlen(buf);
    if (n > size - 1 - used) n = size - 1 - used;
    memcpy(buf + used, s, n);
    buf[used + n] = '\0';
}

/* Appends the line with its number, and below it a caret with tildes under width characters from col on. */
static void append_excerpt(char *buf, size_t size, const prc_tree *t, int line, int col, size_t width, const char *cure)
{
    enum { SHOWN = 100, BEFORE = 60 };
    size_t n, skip = 0, at = col > 0 ? (size_t)col - 1 : 0;
    char number[32], rest[32];
    const char *s = find_line(t->file_text, line, &n);
    if (!s) return;
    /* Of a long line only the surroundings of the place are shown. */
    if (at > SHOWN - 20) skip = at - BEFORE;
    size_t from = character_offset(s, n, skip);
    size_t shown = character_offset(s + from, n - from, SHOWN);
    size_t room = count_characters(s + from, shown);
    snprintf(number, sizeof number, "\n%4d | ", line);
    snprintf(rest, sizeof rest, "\n%*s | ", (int)strcspn(number + 1, "|") - 1, "");
    append(buf, size, number, strlen(number));
    for (size_t i = 0; i < shown; i++) append(buf, size, s[from + i] == '\t' ? " " : s + from + i, 1);
    append(buf, size, rest, strlen(rest));
    for (size_t i = skip; i < at; i++) append(buf, size, " ", 1);
    append(buf, size, "^", 1);
    for (size_t i = 1; i < width && at - skip + i < room; i++) append(buf, size, "~", 1);
    if (*cure) {
        append(buf, size, " ", 1);
        append(buf, size, cure, strlen(cure));
    }
}

static prc_status fail_place(const prc_tree *t, int line, int col, size_t width, prc_status status, prc_error *err,
                             const char *fmt, va_list ap) PRC_PRINTF(7, 0);

/* What follows a newline or "; did you mean" is taken for the cure. */
static prc_status fail_place(const prc_tree *t, int line, int col, size_t width, prc_status status, prc_error *err,
                             const char *fmt, va_list ap)
{
    enum { HEAD_MAX = 600 };
    char text[HEAD_MAX], message[PRC_MESSAGE_MAX] = "";
    if (!err) return status;
    vsnprintf(text, sizeof text, fmt, ap);
    if (line <= 0) return prc_fail_at(err, status, t->source, 0, 0, "%s", text);
    char *cure = strstr(text, "; did you mean "), *newline = strchr(text, '\n');
    size_t head = strlen(text);
    const char *after = "";
    if (newline && (!cure || newline < cure)) {
        head = (size_t)(newline - text);
        after = newline + 1;
    } else if (cure) {
        head = (size_t)(cure - text);
        after = cure + 2;
    }
    append(message, sizeof message, text, head);
    append_excerpt(message, sizeof message, t, line, col, width, after);
    return prc_fail_at(err, status, t->source, line, col, "%s", message);
}

prc_status prc_tree_fail(const prc_tree *t, int line, int col, size_t width, prc_status status, prc_error *err,
                         const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_place(t, line, col, width, status, err, fmt, ap);
    va_end(ap);
    return status;
}

prc_status prc_node_fail(const prc_tree *t, const prc_node *node, prc_status status, prc_error *err, const char *fmt, ...)
{
    size_t width = 1;
    if (node && node->kind == PRC_SCALAR) width = count_characters(node->text, strlen(node->text)) + (node->quoted ? 2 : 0);
    va_list ap;
    va_start(ap, fmt);
    fail_place(t, node ? node->line : 0, node ? node->col : 0, width, status, err, fmt, ap);
    va_end(ap);
    return status;
}

/* ---- values */

const prc_node *prc_node_get(const prc_node *map, const char *key)
{
    if (!map || map->kind != PRC_MAP) return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->key[i], key) == 0) return map->child[i];
    return NULL;
}

static const char *kind_name(const prc_node *node)
{
    if (node->kind == PRC_LIST) return "a list";
    if (node->kind == PRC_MAP) return "a group of keys";
    return node->text[0] || node->quoted ? "a single value" : "nothing";
}

static prc_status fail_key(const prc_tree *t, const prc_node *map, size_t i, const char *const *allowed, size_t n,
                           prc_error *err)
{
    const char *key = map->key[i], *near = prc_nearest(key, allowed, n);
    size_t width = count_characters(key, strlen(key));
    prc_text list = {0};
    prc_status st = PRC_E_KEY;
    for (size_t k = 0; k < n; k++) prc_text_printf(&list, "%s`%s`", k ? ", " : "", allowed[k]);
    if (near)
        st = prc_tree_fail(t, map->key_line[i], map->key_col[i], width, st, err, "unknown key `%s`\ndid you mean `%s`?", key,
                           near);
    else if (list.s && !list.failed && list.n < 400)
        st = prc_tree_fail(t, map->key_line[i], map->key_col[i], width, st, err, "unknown key `%s`; allowed here: %s", key,
                           list.s);
    else
        st = prc_tree_fail(t, map->key_line[i], map->key_col[i], width, st, err, "unknown key `%s`", key);
    prc_text_reset(&list);
    return st;
}

prc_status prc_node_allow(const prc_tree *t, const prc_node *map, const char *const *allowed, size_t n, prc_error *err)
{
    if (!map || map->kind != PRC_MAP)
        return prc_node_fail(t, map, PRC_E_VALUE, err, "keys with values are needed here, found %s",
                             map ? kind_name(map) : "nothing");
    for (size_t i = 0; i < map->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(map->key[i], allowed[k]) != 0) k++;
        if (k == n) return fail_key(t, map, i, allowed, n, err);
    }
    return PRC_OK;
}

/* The node must be a scalar that says something; what names the kind of value in the message. */
static prc_status need_scalar(const prc_tree *t, const prc_node *node, const char *what, prc_error *err)
{
    if (node && node->kind == PRC_SCALAR && (node->quoted || node->text[0])) return PRC_OK;
    return prc_node_fail(t, node, PRC_E_VALUE, err, "%s is needed here, found %s", what, node ? kind_name(node) : "nothing");
}

prc_status prc_node_text(const prc_tree *t, const prc_node *node, const char **out, prc_error *err)
{
    PRC_TRY(need_scalar(t, node, "a text", err));
    *out = node->text;
    return PRC_OK;
}

/* A number in quotes is a text: the cure is said. */
static prc_status need_plain(const prc_tree *t, const prc_node *node, const char *what, prc_error *err)
{
    PRC_TRY(need_scalar(t, node, what, err));
    if (!node->quoted) return PRC_OK;
    return prc_node_fail(t, node, PRC_E_VALUE, err, "%s is needed here, but the quotes make this a text\nremove the quotes",
                         what);
}

prc_status prc_node_number(const prc_tree *t, const prc_node *node, double *out, prc_error *err)
{
    double x;
    PRC_TRY(need_plain(t, node, "a number", err));
    if (!prc_parse_double(node->text, &x))
        return prc_node_fail(t, node, PRC_E_VALUE, err, "`%s` is not a number", node->text);
    if (!isfinite(x)) return prc_node_fail(t, node, PRC_E_VALUE, err, "the number must be finite");
    *out = x;
    return PRC_OK;
}

prc_status prc_node_int(const prc_tree *t, const prc_node *node, int64_t min, int64_t max, int64_t *out, prc_error *err)
{
    int64_t i;
    double x;
    PRC_TRY(need_plain(t, node, "a whole number", err));
    if (!prc_parse_int64(node->text, &i)) {
        /* "1e6" is a whole number too. */
        if (!prc_parse_double(node->text, &x) || !isfinite(x) || x != floor(x))
            return prc_node_fail(t, node, PRC_E_VALUE, err, "`%s` is not a whole number", node->text);
        /* Beyond exact whole numbers it is out of any range. */
        i = x < -0x1p53 ? INT64_MIN : x > 0x1p53 ? INT64_MAX : (int64_t)x;
        if (fabs(x) > 0x1p53 && max == INT64_MAX)
            return prc_node_fail(t, node, PRC_E_VALUE, err, "`%s` is too large", node->text);
    }
    if (i < min && max == INT64_MAX)
        return prc_node_fail(t, node, PRC_E_VALUE, err, "`%s` must be at least %lld", node->text, (long long)min);
    if (i < min || i > max)
        return prc_node_fail(t, node, PRC_E_VALUE, err, "`%s` must be between %lld and %lld", node->text, (long long)min,
                             (long long)max);
    *out = i;
    return PRC_OK;
}

prc_status prc_node_bool(const prc_tree *t, const prc_node *node, bool *out, prc_error *err)
{
    PRC_TRY(need_plain(t, node, "true or false", err));
    bool yes = strcmp(node->text, "true") == 0 || strcmp(node->text, "yes") == 0;
    bool no = strcmp(node->text, "false") == 0 || strcmp(node->text, "no") == 0;
    if (!yes && !no) return prc_node_fail(t, node, PRC_E_VALUE, err, "`%s` is neither true nor false", node->text);
    *out = yes;
    return PRC_OK;
}

prc_status prc_node_quantity(const prc_tree *t, const prc_node *node, const char *want, double *out, prc_error *err)
{
    prc_error inner = {0};
    PRC_TRY(need_scalar(t, node, "a number with its unit", err));
    prc_status st = prc_quantity_parse(node->text, want, out, &inner);
    return st == PRC_OK ? st : prc_node_fail(t, node, st, err, "%s", inner.message);
}
