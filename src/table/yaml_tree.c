#include "table_int.h"

#include <string.h>
#include <yaml.h>

typedef struct builder {
    yaml_parser_t parser;
    yaml_event_t event; /* the last one read */
    bool has_event;
    prc_tree *tree;
    const char *text; /* the file without a byte-order mark */
    size_t n;
    prc_error *err;
} builder;

static int line_of(yaml_mark_t mark) { return (int)mark.line + 1; }

static int col_of(yaml_mark_t mark) { return (int)mark.column + 1; }

static prc_status fail_mark(const builder *b, yaml_mark_t mark, size_t width, const char *message)
{
    return prc_tree_fail(b->tree, line_of(mark), col_of(mark), width, PRC_E_SYNTAX, b->err, "%s", message);
}

static bool contains(const char *s, const char *part) { return s && strstr(s, part) != NULL; }

/* The last character of the file that is not blank. */
static yaml_mark_t last_mark(const builder *b)
{
    yaml_mark_t m = {0, 0, 0};
    size_t end = b->n, start;
    while (end > 1 && strchr(" \r\n\t", b->text[end - 1])) end--;
    for (start = end; start > 0 && b->text[start - 1] != '\n';) start--;
    for (size_t i = 0; i < start; i++) m.line += b->text[i] == '\n';
    for (size_t i = start; i + 1 < end; i++) m.column += ((unsigned char)b->text[i + 1] & 0xC0) != 0x80;
    return m;
}

/* Turns libyaml's message into what is wrong and how to cure it. */
static prc_status parser_error(const builder *b)
{
    const yaml_parser_t *p = &b->parser;
    const char *problem = p->problem ? p->problem : "the file is not YAML";
    yaml_mark_t mark = p->problem_mark;
    char at = prc_tree_byte(b->tree, line_of(mark), col_of(mark));
    if (p->error == YAML_MEMORY_ERROR) return prc_table_no_memory(b->err);
    if (at == '\t') return fail_mark(b, mark, 1, "a tab is not allowed here\nuse spaces");
    if (at == ':' && contains(problem, "expected key")) return fail_mark(b, mark, 1, "a key is missing before the colon");
    if (at == '%' || at == '@' || at == '`')
        return prc_tree_fail(b->tree, line_of(mark), col_of(mark), 1, PRC_E_SYNTAX, b->err,
                             "a value cannot begin with `%c`\nput it in quotes", at);
    if (contains(problem, "could not find expected ':'"))
        return prc_tree_fail(b->tree, line_of(p->context_mark), col_of(p->context_mark), 1, PRC_E_SYNTAX, b->err,
                             "a colon is missing in or before line %d\nwrite `key: value`", line_of(mark));
    if (contains(problem, "mapping values are not allowed"))
        return fail_mark(b, mark, 1, "a colon is not expected here\nindent by spaces as the lines around, or put the text in quotes");
    if (contains(problem, "did not find expected key") || contains(problem, "did not find expected '-' indicator"))
        return fail_mark(b, mark, 1, "the indentation does not fit the lines above");
    if (contains(problem, "did not find expected ',' or"))
        return fail_mark(b, mark, 1, "a comma or a closing bracket is missing");
    yaml_mark_t last = last_mark(b);
    bool cut_off = mark.line > last.line || (mark.line == last.line && mark.column > last.column);
    if (cut_off && contains(problem, "did not find expected node content"))
        return fail_mark(b, last, 1, "the file ends within brackets\nis it cut off? close them, or get the whole file");
    if (contains(problem, "did not find expected node content"))
        return fail_mark(b, mark, 1, "a value is missing here");
    if (contains(problem, "unexpected end of stream"))
        return fail_mark(b, p->context_mark, 1, "the file ends before the quote that opens here is closed");
    return prc_tree_fail(b->tree, line_of(mark), col_of(mark), 1, PRC_E_SYNTAX, b->err, "%s%s%s", problem,
                         p->context ? " " : "", p->context ? p->context : "");
}

static prc_status next_event(builder *b)
{
    if (b->has_event) yaml_event_delete(&b->event);
    b->has_event = false;
    if (!yaml_parser_parse(&b->parser, &b->event)) return parser_error(b);
    b->has_event = true;
    return PRC_OK;
}

/* What YAML has and the files here do not. */
static prc_status check_plain_yaml(const builder *b)
{
    const yaml_event_t *e = &b->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_ALIAS_EVENT)
        return fail_mark(b, e->start_mark, 1, "aliases (`*name`) are not supported\nwrite the value out, or put it in quotes");
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor) return fail_mark(b, e->start_mark, 1, "anchors (`&name`) are not supported\nremove it, or put the value in quotes");
    if (tag) return fail_mark(b, e->start_mark, 1, "tags (`!name`) are not supported\nremove it, or put the value in quotes");
    return PRC_OK;
}

/* A copy of the scalar's text; NUL bytes (written as \0) cannot be part of it. */
static prc_status scalar_text(const builder *b, const char **out)
{
    const char *s = (const char *)b->event.data.scalar.value;
    size_t n = b->event.data.scalar.length;
    if (memchr(s, '\0', n)) return fail_mark(b, b->event.start_mark, 1, "a text cannot contain a NUL character");
    *out = prc_arena_strndup(b->tree->arena, s, n);
    return *out ? PRC_OK : prc_table_no_memory(b->err);
}

static prc_status read_key(const builder *b, prc_item *item)
{
    const yaml_event_t *e = &b->event;
    PRC_TRY(check_plain_yaml(b));
    if (e->type != YAML_SCALAR_EVENT) return fail_mark(b, e->start_mark, 1, "a key must be a single word or text");
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    item->line = line_of(e->start_mark);
    item->col = col_of(e->start_mark);
    PRC_TRY(scalar_text(b, &item->key));
    if (item->key[0] == '\0') return fail_mark(b, e->start_mark, 1, "a key is missing before the colon");
    if (plain && strcmp(item->key, "<<") == 0)
        return fail_mark(b, e->start_mark, 2, "merge keys (`<<`) are not supported\nwrite the values out");
    return PRC_OK;
}

static prc_status read_node(builder *b, int depth, prc_node **out);

/* Reads children up to the end of the list or map that has just begun. */
static prc_status read_children(builder *b, prc_node *node, int depth)
{
    prc_status st = PRC_OK;
    prc_item *item = NULL;
    size_t n = 0, cap = 0;
    yaml_event_type_t end = node->kind == PRC_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    for (;;) {
        PRC_GO(st, next_event(b));
        if (b->event.type == end) break;
        if (!PRC_GROW(item, n, cap)) PRC_GO(st, prc_table_no_memory(b->err));
        item[n] = (prc_item){0};
        if (node->kind == PRC_MAP) {
            PRC_GO(st, read_key(b, &item[n]));
            PRC_GO(st, next_event(b));
        }
        PRC_GO(st, read_node(b, depth + 1, &item[n].child));
        n++;
    }
    st = prc_tree_fill(b->tree, node, item, n, b->err);
out:
    prc_free(item);
    return st;
}

/* Makes a node of the event just read and of those that belong to it. */
static prc_status read_node(builder *b, int depth, prc_node **out)
{
    const yaml_event_t *e = &b->event;
    PRC_TRY(check_plain_yaml(b));
    if (depth > PRC_TREE_DEPTH_MAX) return fail_mark(b, e->start_mark, 1, "lists and groups are nested more than 64 deep");
    prc_node_kind kind = e->type == YAML_MAPPING_START_EVENT    ? PRC_MAP
                         : e->type == YAML_SEQUENCE_START_EVENT ? PRC_LIST
                                                                : PRC_SCALAR;
    prc_node *node = prc_tree_node(b->tree, kind, line_of(e->start_mark), col_of(e->start_mark));
    if (!node) return prc_table_no_memory(b->err);
    *out = node;
    if (kind != PRC_SCALAR) return read_children(b, node, depth);
    node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return scalar_text(b, &node->text);
}

static prc_status read_document(builder *b)
{
    PRC_TRY(next_event(b)); /* stream start */
    PRC_TRY(next_event(b));
    if (b->event.type == YAML_STREAM_END_EVENT)
        return prc_fail_at(b->err, PRC_E_SYNTAX, b->tree->source, 0, 0, "the file is empty");
    PRC_TRY(next_event(b));
    PRC_TRY(read_node(b, 1, &b->tree->root));
    PRC_TRY(next_event(b)); /* document end */
    PRC_TRY(next_event(b));
    if (b->event.type != YAML_STREAM_END_EVENT)
        return fail_mark(b, b->event.start_mark, 3, "a second document begins here\nput it in a file of its own");
    return PRC_OK;
}

/* Tabs in the indentation are the one mistake that deserves to be found before YAML is tried. */
static prc_status check_indentation(const builder *b)
{
    int line = 1;
    bool leading = true;
    size_t start = 0;
    for (size_t i = 0; i < b->n; i++) {
        char c = b->text[i];
        if (leading && c == '\t')
            return prc_tree_fail(b->tree, line, (int)(i - start) + 1, 1, PRC_E_SYNTAX, b->err,
                                 "a tab is used for indentation\nuse spaces");
        if (c == '\n') {
            line++;
            start = i + 1;
            leading = true;
        } else if (c != ' ') {
            leading = false;
        }
    }
    return PRC_OK;
}

prc_status prc_tree_parse(const char *text, size_t n, const char *source, prc_tree **out, prc_error *err)
{
    prc_status st = PRC_OK;
    builder b = {.err = err};
    PRC_TRY(prc_table_check_text(text, n, source, err));
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        n -= 3;
    }
    b.tree = prc_tree_create(text, n, source);
    if (!b.tree) return prc_table_no_memory(err);
    b.text = b.tree->file_text;
    b.n = n;
    if (!yaml_parser_initialize(&b.parser)) {
        prc_tree_free(b.tree);
        return prc_table_no_memory(err);
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)b.text, n);
    PRC_GO(st, check_indentation(&b));
    PRC_GO(st, read_document(&b));
    *out = b.tree;
    b.tree = NULL;
out:
    if (b.has_event) yaml_event_delete(&b.event);
    yaml_parser_delete(&b.parser);
    prc_tree_free(b.tree);
    return st;
}

prc_status prc_tree_read(const char *path, prc_tree **out, prc_error *err)
{
    enum { FILE_MAX = 64 << 20 };
    char *text;
    size_t n;
    PRC_TRY(prc_file_read(path, FILE_MAX, &text, &n, err));
    prc_status st = prc_tree_parse(text, n, path, out, err);
    prc_free(text);
    return st;
}
