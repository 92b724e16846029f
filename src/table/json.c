#include "table_int.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* ---- writing */

struct prc_json {
    json_t *value;
    bool failed;
    prc_json *parent;
    prc_json *first, *next; /* children made by prc_json_set, which live as long as their parent */
};

static void *json_malloc(size_t n) { return prc_malloc(n, 1); }

static void use_our_memory(void) { json_set_alloc_funcs(json_malloc, prc_free); }

static prc_json *create(bool array)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_our_memory);
    prc_json *j = prc_calloc(1, sizeof *j);
    if (!j) return NULL;
    j->value = array ? json_array() : json_object();
    if (j->value) return j;
    prc_free(j);
    return NULL;
}

prc_json *prc_json_object(void) { return create(false); }

prc_json *prc_json_array(void) { return create(true); }

void prc_json_free(prc_json *j)
{
    if (!j) return;
    for (prc_json *child = j->first, *next; child; child = next) {
        next = child->next;
        prc_json_free(child);
    }
    json_decref(j->value);
    prc_free(j);
}

/* A failure anywhere is a failure of the whole. */
static void mark_failed(prc_json *j)
{
    for (; j; j = j->parent) j->failed = true;
}

/* Adds value, which is taken over even on failure; value NULL means that it could not be made. */
static bool add(prc_json *j, const char *key, json_t *value)
{
    bool ok = false;
    if (!value) {
        mark_failed(j);
        return false;
    }
    if (j && key && json_is_object(j->value)) ok = json_object_set_new(j->value, key, value) == 0;
    else if (j && !key && json_is_array(j->value)) ok = json_array_append_new(j->value, value) == 0;
    else json_decref(value);
    if (!ok) mark_failed(j);
    return ok;
}

void prc_json_set_text(prc_json *j, const char *key, const char *value)
{
    add(j, key, value ? json_string(value) : json_null());
}

void prc_json_set_number(prc_json *j, const char *key, double value)
{
    add(j, key, isfinite(value) ? json_real(value) : json_null());
}

void prc_json_set_int(prc_json *j, const char *key, int64_t value) { add(j, key, json_integer((json_int_t)value)); }

void prc_json_set_bool(prc_json *j, const char *key, bool value) { add(j, key, json_boolean(value)); }

prc_json *prc_json_set(prc_json *j, const char *key, prc_json *child)
{
    if (!j || !child) {
        mark_failed(j);
        prc_json_free(child);
        return NULL;
    }
    if (!add(j, key, json_incref(child->value))) {
        prc_json_free(child);
        return NULL;
    }
    if (child->failed) mark_failed(j);
    child->parent = j;
    child->next = j->first;
    j->first = child;
    return child;
}

static void dump_string(prc_text *t, const char *s)
{
    static const char named[] = "\"\\\n\r\t", letter[] = "\"\\nrt";
    prc_text_add(t, "\"");
    for (; *s; s++) {
        const char *at = strchr(named, *s);
        if (at) prc_text_printf(t, "\\%c", letter[at - named]);
        else if ((unsigned char)*s < 0x20) prc_text_printf(t, "\\u%04x", (unsigned)*s);
        else prc_text_addn(t, s, 1);
    }
    prc_text_add(t, "\"");
}

static void indent(prc_text *t, int depth) { prc_text_printf(t, "\n%*s", 2 * depth, ""); }

static void dump(prc_text *t, json_t *value, int depth);

static void dump_array(prc_text *t, json_t *array, int depth)
{
    size_t n = json_array_size(array);
    prc_text_add(t, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) prc_text_add(t, ",");
        indent(t, depth + 1);
        dump(t, json_array_get(array, i), depth + 1);
    }
    if (n > 0) indent(t, depth);
    prc_text_add(t, "]");
}

static void dump_object(prc_text *t, json_t *object, int depth)
{
    bool any = false;
    prc_text_add(t, "{");
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        if (any) prc_text_add(t, ",");
        any = true;
        indent(t, depth + 1);
        dump_string(t, json_object_iter_key(at));
        prc_text_add(t, ": ");
        dump(t, json_object_iter_value(at), depth + 1);
    }
    if (any) indent(t, depth);
    prc_text_add(t, "}");
}

/* Unlike json_dumps this writes the shortest number that reads back the same (0.1, not 0.10000000000000001). */
static void dump(prc_text *t, json_t *value, int depth)
{
    char number[32];
    switch (json_typeof(value)) {
    case JSON_OBJECT: dump_object(t, value, depth); break;
    case JSON_ARRAY: dump_array(t, value, depth); break;
    case JSON_STRING: dump_string(t, json_string_value(value)); break;
    case JSON_INTEGER: prc_text_printf(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: prc_text_add(t, prc_format_double(json_real_value(value), number)); break;
    case JSON_TRUE: prc_text_add(t, "true"); break;
    case JSON_FALSE: prc_text_add(t, "false"); break;
    case JSON_NULL: prc_text_add(t, "null"); break;
    }
}

prc_status prc_json_text(const prc_json *j, char **out, prc_error *err)
{
    prc_text t = {0};
    if (!j) return prc_table_no_memory(err);
    if (j->failed) return prc_fail(err, PRC_E_MEMORY, "the JSON output could not be built: out of memory or a text that is not UTF-8");
    dump(&t, j->value, 0);
    prc_text_add(&t, "\n");
    if (t.failed) {
        prc_text_reset(&t);
        return prc_table_no_memory(err);
    }
    *out = t.s;
    return PRC_OK;
}

/* ---- reading: jansson does not keep places, so the text is read here */

typedef struct json_reader {
    prc_tree *tree;
    const char *s;
    int line;
    const char *col_at; /* the place whose column is known */
    int col;
    prc_text string; /* string being read */
    prc_error *err;
} json_reader;

/* Counted on from the last place asked for, as a file may be one long line. */
static int column(json_reader *r)
{
    for (; r->col_at < r->s; r->col_at++) r->col += ((unsigned char)*r->col_at & 0xC0) != 0x80;
    return r->col;
}

static prc_status fail_here(json_reader *r, const char *message)
{
    return prc_tree_fail(r->tree, r->line, column(r), 1, PRC_E_SYNTAX, r->err, "%s", message);
}

static void skip_space(json_reader *r)
{
    for (; *r->s == ' ' || *r->s == '\t' || *r->s == '\r' || *r->s == '\n'; r->s++) {
        if (*r->s != '\n') continue;
        r->line++;
        r->col_at = r->s + 1;
        r->col = 1;
    }
}

static bool read_hex4(const char *s, unsigned *out)
{
    unsigned x = 0;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
        if (digit > 15) return false;
        x = x * 16 + digit;
    }
    *out = x;
    return true;
}

static void add_utf8(prc_text *t, unsigned c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6) b[i] = (char)(0x80 | (c & 0x3F));
    b[0] = (char)(lead[n] | c);
    prc_text_addn(t, b, n);
}

/* \uXXXX, two of them for characters beyond U+FFFF; s stands at the u. */
static prc_status read_unicode(json_reader *r)
{
    unsigned c, low;
    if (!read_hex4(r->s + 1, &c)) return fail_here(r, "four hexadecimal digits must follow \\u");
    r->s += 5;
    if (c >= 0xD800 && c < 0xDC00) {
        if (r->s[0] != '\\' || r->s[1] != 'u' || !read_hex4(r->s + 2, &low) || low < 0xDC00 || low > 0xDFFF)
            return fail_here(r, "the second half of a character beyond U+FFFF is missing");
        r->s += 6;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    } else if (c >= 0xDC00 && c < 0xE000) {
        return fail_here(r, "the first half of a character beyond U+FFFF is missing");
    }
    if (c == 0) return fail_here(r, "a text cannot contain a NUL character");
    add_utf8(&r->string, c);
    return PRC_OK;
}

static prc_status read_escape(json_reader *r)
{
    static const char letter[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    r->s++;
    if (*r->s == 'u') return read_unicode(r);
    const char *at = *r->s ? strchr(letter, *r->s) : NULL;
    if (!at) return fail_here(r, "unknown escape after a backslash");
    prc_text_addn(&r->string, &meaning[at - letter], 1);
    r->s++;
    return PRC_OK;
}

static prc_status read_string(json_reader *r, const char **out)
{
    r->string.n = 0;
    prc_text_add(&r->string, "");
    r->s++;
    while (*r->s != '"') {
        if ((unsigned char)*r->s < 0x20) return fail_here(r, "the quote is not closed in this line");
        if (*r->s == '\\') PRC_TRY(read_escape(r));
        else prc_text_addn(&r->string, r->s++, 1);
    }
    r->s++;
    if (r->string.failed) return prc_table_no_memory(r->err);
    *out = prc_arena_strndup(r->tree->arena, r->string.s, r->string.n);
    return *out ? PRC_OK : prc_table_no_memory(r->err);
}

/* Length of a JSON number at s, 0 if there is none. */
static size_t number_length(const char *s)
{
    static const char digits[] = "0123456789";
    size_t n = *s == '-', k = strspn(s + n, digits);
    if (k == 0 || (s[n] == '0' && k > 1)) return 0;
    n += k;
    if (s[n] == '.') {
        k = strspn(s + n + 1, digits);
        if (k == 0) return 0;
        n += k + 1;
    }
    if (s[n] == 'e' || s[n] == 'E') {
        size_t sign = s[n + 1] == '+' || s[n + 1] == '-';
        k = strspn(s + n + 1 + sign, digits);
        if (k == 0) return 0;
        n += k + 1 + sign;
    }
    return n;
}

static prc_status read_word(json_reader *r, prc_node *node)
{
    static const char *const word[] = {"true", "false", "null"};
    size_t n = number_length(r->s);
    for (int i = 0; i < 3 && n == 0; i++)
        if (strncmp(r->s, word[i], strlen(word[i])) == 0) n = strlen(word[i]);
    if (n == 0 || (r->s[n] != '\0' && !strchr(" \t\r\n,]}", r->s[n]))) return fail_here(r, "this is not a JSON value");
    node->text = prc_arena_strndup(r->tree->arena, r->s, n);
    r->s += n;
    return node->text ? PRC_OK : prc_table_no_memory(r->err);
}

static prc_status read_value(json_reader *r, int depth, prc_node **out);

static prc_status read_item(json_reader *r, bool map, int depth, prc_item *item)
{
    if (map) {
        if (*r->s != '"') return fail_here(r, "a key in quotes is expected");
        item->line = r->line;
        item->col = column(r);
        PRC_TRY(read_string(r, &item->key));
        skip_space(r);
        if (*r->s != ':') return fail_here(r, "a colon is expected after a key");
        r->s++;
        skip_space(r);
    }
    return read_value(r, depth + 1, &item->child);
}

static prc_status read_children(json_reader *r, prc_node *node, int depth)
{
    prc_status st = PRC_OK;
    prc_item *item = NULL;
    size_t n = 0, cap = 0;
    char close = node->kind == PRC_MAP ? '}' : ']';
    r->s++;
    skip_space(r);
    while (n > 0 || *r->s != close) {
        if (!PRC_GROW(item, n, cap)) PRC_GO(st, prc_table_no_memory(r->err));
        item[n] = (prc_item){0};
        PRC_GO(st, read_item(r, node->kind == PRC_MAP, depth, &item[n++]));
        skip_space(r);
        if (*r->s == close) break;
        if (*r->s != ',') PRC_GO(st, fail_here(r, "a comma or the closing bracket is expected"));
        r->s++;
        skip_space(r);
    }
    r->s++;
    st = prc_tree_fill(r->tree, node, item, n, r->err);
out:
    prc_free(item);
    return st;
}

static prc_status read_value(json_reader *r, int depth, prc_node **out)
{
    if (depth > PRC_TREE_DEPTH_MAX) return fail_here(r, "lists and objects are nested more than 64 deep");
    prc_node_kind kind = *r->s == '{' ? PRC_MAP : *r->s == '[' ? PRC_LIST : PRC_SCALAR;
    prc_node *node = prc_tree_node(r->tree, kind, r->line, column(r));
    if (!node) return prc_table_no_memory(r->err);
    *out = node;
    if (kind != PRC_SCALAR) return read_children(r, node, depth);
    node->quoted = *r->s == '"';
    return node->quoted ? read_string(r, &node->text) : read_word(r, node);
}

static prc_status parse_json(const char *text, size_t n, const char *source, prc_tree **out, prc_error *err)
{
    prc_status st = PRC_OK;
    PRC_TRY(prc_table_check_text(text, n, source, err));
    size_t mark = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    json_reader r = {.tree = prc_tree_create(text + mark, n - mark, source), .line = 1, .col = 1, .err = err};
    if (!r.tree) return prc_table_no_memory(err);
    r.s = r.col_at = r.tree->file_text;
    skip_space(&r);
    if (*r.s == '\0') PRC_GO(st, prc_fail_at(err, PRC_E_SYNTAX, source, 0, 0, "the file is empty"));
    PRC_GO(st, read_value(&r, 1, &r.tree->root));
    skip_space(&r);
    if (*r.s != '\0') PRC_GO(st, fail_here(&r, "the file goes on after the end of its value"));
    *out = r.tree;
    r.tree = NULL;
out:
    prc_text_reset(&r.string);
    prc_tree_free(r.tree);
    return st;
}

prc_status prc_json_read(const char *path, prc_tree **out, prc_error *err)
{
    char *text;
    size_t n;
    PRC_TRY(prc_file_read(path, 0, &text, &n, err));
    prc_status st = parse_json(text, n, path, out, err);
    prc_free(text);
    return st;
}
