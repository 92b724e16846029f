#include "table_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

prc_status prc_table_no_memory(prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "%s", prc_status_text(PRC_E_MEMORY));
}

/* Length of the UTF-8 character at s (n bytes are left), 0 if it is not one (RFC 3629). */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80) return 1;
    size_t len = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xED && s[1] > 0x9F;
    bool beyond = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : len;
}

prc_status prc_table_check_text(const char *text, size_t n, const char *source, prc_error *err)
{
    int line = 1, col = 1;
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)text[i];
        size_t len = utf8_length((const unsigned char *)text + i, n - i);
        if (len == 0)
            return prc_fail_at(err, PRC_E_SYNTAX, source, line, col,
                               "byte 0x%02X is not UTF-8; save the file in the UTF-8 encoding", c);
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
            return prc_fail_at(err, PRC_E_SYNTAX, source, line, col, "%s 0x%02X: this is not a text file",
                               c == 0 ? "NUL byte" : "control byte", c);
        if (c == '\n') {
            line++;
            col = 1;
        } else {
            col++;
        }
        i += len;
    }
    return PRC_OK;
}

typedef struct reader {
    const char *s, *end;
    const char *source;
    prc_table_format format;
    int line;
    prc_table *table;
    prc_text field;      /* cell being read */
    char **cell;         /* all cells so far, the header first */
    size_t n, cap;
    int *line_of_row;
    size_t n_line, line_cap;
    prc_error *err;
} reader;

static prc_status fail_here(const reader *r, int line, const char *message)
{
    return prc_fail_at(r->err, PRC_E_SYNTAX, r->source, line, 0, "%s", message);
}

static bool at_line_end(const reader *r)
{
    return r->s == r->end || *r->s == '\n' || (*r->s == '\r' && (r->s + 1 == r->end || r->s[1] == '\n'));
}

static void skip_line_end(reader *r)
{
    if (r->s < r->end && *r->s == '\r') r->s++;
    if (r->s < r->end && *r->s == '\n') {
        r->s++;
        r->line++;
    }
}

static prc_status keep_cell(reader *r, const char *s, size_t n)
{
    char *copy = prc_arena_strndup(r->table->arena, s, n);
    if (!copy || !PRC_GROW(r->cell, r->n, r->cap)) return prc_table_no_memory(r->err);
    r->cell[r->n++] = copy;
    return PRC_OK;
}

/* A cell without quotes ends at the separator or the end of the line; spaces around it do not count in TSV. */
static prc_status read_plain(reader *r)
{
    char separator = r->format == PRC_CSV ? ',' : '\t';
    const char *start = r->s;
    while (!at_line_end(r) && *r->s != separator) {
        if (r->format == PRC_CSV && *r->s == '"')
            return fail_here(r, r->line, "a quote inside a cell; put the whole cell in quotes and write \"\" for one");
        r->s++;
    }
    const char *stop = r->s;
    if (r->format == PRC_TSV) {
        while (start < stop && *start == ' ') start++;
        while (stop > start && stop[-1] == ' ') stop--;
    }
    return keep_cell(r, start, (size_t)(stop - start));
}

static prc_status read_quoted(reader *r)
{
    int opened = r->line;
    r->field.n = 0;
    for (r->s++;; r->s++) {
        if (r->s == r->end) return fail_here(r, opened, "a quote is opened here and never closed");
        if (*r->s == '"') {
            r->s++;
            if (r->s == r->end || *r->s != '"') break;
        }
        if (*r->s == '\n') r->line++;
        prc_text_addn(&r->field, r->s, 1);
    }
    if (!at_line_end(r) && *r->s != ',') return fail_here(r, r->line, "after a closing quote stands a comma or the line ends");
    if (r->field.failed) return prc_table_no_memory(r->err);
    return keep_cell(r, r->field.n > 0 ? r->field.s : "", r->field.n);
}

/* Reads one row; *width is its number of cells. */
static prc_status read_row(reader *r, size_t *width)
{
    size_t before = r->n;
    for (;;) {
        if (r->format == PRC_CSV && r->s < r->end && *r->s == '"') PRC_TRY(read_quoted(r));
        else PRC_TRY(read_plain(r));
        if (at_line_end(r)) break;
        r->s++; /* the separator */
    }
    skip_line_end(r);
    *width = r->n - before;
    return PRC_OK;
}

/* Skips what is no row: empty lines, and comments in TSV. */
static void skip_to_row(reader *r)
{
    while (r->s < r->end) {
        bool comment = r->format == PRC_TSV && *r->s == '#';
        if (!comment && !at_line_end(r)) return;
        while (!at_line_end(r)) r->s++;
        skip_line_end(r);
    }
}

static prc_status check_header(const reader *r, int line)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->cell[i][0] == '\0')
            return prc_fail_at(r->err, PRC_E_SYNTAX, r->source, line, 0, "column %zu has no name", i + 1);
        for (size_t j = 0; j < i; j++)
            if (strcmp(r->cell[i], r->cell[j]) == 0)
                return prc_fail_at(r->err, PRC_E_SYNTAX, r->source, line, 0, "column `%s` appears twice (%zu and %zu)",
                                   r->cell[i], j + 1, i + 1);
    }
    return PRC_OK;
}

static prc_status read_rows(reader *r)
{
    enum { COLUMNS_MAX = 10000 };
    size_t n_col, width;
    if (r->end - r->s >= 3 && memcmp(r->s, "\xEF\xBB\xBF", 3) == 0) r->s += 3;
    skip_to_row(r);
    int line = r->line;
    if (r->s == r->end) return fail_here(r, 0, "the file is empty; it needs a line with the names of the columns");
    PRC_TRY(read_row(r, &n_col));
    if (n_col > COLUMNS_MAX) return fail_here(r, line, "the header has more than 10000 columns");
    PRC_TRY(check_header(r, line));
    for (skip_to_row(r); r->s < r->end; skip_to_row(r)) {
        line = r->line;
        PRC_TRY(read_row(r, &width));
        if (width != n_col)
            return prc_fail_at(r->err, PRC_E_SYNTAX, r->source, line, 0, "this row has %zu cell%s, the header has %zu", width,
                               width == 1 ? "" : "s", n_col);
        if (!PRC_GROW(r->line_of_row, r->n_line, r->line_cap)) return prc_table_no_memory(r->err);
        r->line_of_row[r->n_line++] = line;
    }
    r->table->n_col = n_col;
    r->table->n_row = r->n_line;
    return PRC_OK;
}

prc_status prc_table_parse(const char *text, size_t n, const char *source, prc_table_format format, prc_table **out,
                           prc_error *err)
{
    prc_status st = PRC_OK;
    reader r = {.s = text, .end = text + n, .source = source, .format = format, .line = 1, .err = err};
    PRC_TRY(prc_table_check_text(text, n, source, err));
    prc_table *t = prc_calloc(1, sizeof *t);
    if (!t) return prc_table_no_memory(err);
    r.table = t;
    t->arena = prc_arena_create();
    t->source = prc_strdup(source);
    if (!t->arena || !t->source) PRC_GO(st, prc_table_no_memory(err));
    PRC_GO(st, read_rows(&r));
    /* The header is the first row of one block of cells. */
    t->col = r.cell;
    t->cell = r.cell + t->n_col;
    t->line = r.line_of_row;
    prc_sha256_hex(text, n, t->sha256);
    r.cell = NULL;
    r.line_of_row = NULL;
    *out = t;
    t = NULL;
out:
    prc_text_reset(&r.field);
    prc_free(r.cell);
    prc_free(r.line_of_row);
    prc_table_free(t);
    return st;
}

prc_status prc_table_read(const char *path, prc_table_format format, prc_table **out, prc_error *err)
{
    char *text;
    size_t n;
    PRC_TRY(prc_file_read(path, 0, &text, &n, err));
    prc_status st = prc_table_parse(text, n, path, format, out, err);
    prc_free(text);
    return st;
}

void prc_table_free(prc_table *t)
{
    if (!t) return;
    prc_free(t->source);
    prc_free(t->col);
    prc_free(t->line);
    prc_arena_free(t->arena);
    prc_free(t);
}

int prc_table_col(const prc_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_col; i++)
        if (strcmp(t->col[i], name) == 0) return (int)i;
    return -1;
}

static bool listed(const char *s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, names[i]) == 0) return true;
    return false;
}

prc_status prc_table_expect(const prc_table *t, const char *const *names, size_t n, prc_error *err)
{
    for (size_t i = 0; i < t->n_col || i < n; i++) {
        const char *have = i < t->n_col ? t->col[i] : NULL, *want = i < n ? names[i] : NULL;
        if (have && want && strcmp(have, want) == 0) continue;
        const char *near = have && !listed(have, names, n) ? prc_nearest(have, names, n) : NULL;
        if (!have) return prc_fail_at(err, PRC_E_KEY, t->source, 0, 0, "column %zu, `%s`, is missing", i + 1, want);
        if (!want) return prc_fail_at(err, PRC_E_KEY, t->source, 0, 0, "column %zu, `%s`, is one too many", i + 1, have);
        if (near && strcmp(near, want) != 0)
            return prc_fail_at(err, PRC_E_KEY, t->source, 0, 0, "column %zu is `%s`, it should be `%s`; did you mean `%s`?",
                               i + 1, have, want, near);
        return prc_fail_at(err, PRC_E_KEY, t->source, 0, 0, "column %zu is `%s`, it should be `%s`", i + 1, have, want);
    }
    return PRC_OK;
}

const char *prc_table_cell(const prc_table *t, size_t row, size_t col) { return t->cell[row * t->n_col + col]; }

prc_status prc_table_number(const prc_table *t, size_t row, size_t col, bool allow_missing, double *out, prc_error *err)
{
    const char *s = prc_table_cell(t, row, col);
    bool missing = s[0] == '\0' || strcmp(s, "-") == 0;
    double x = (double)NAN;
    if (missing && !allow_missing)
        return prc_fail_at(err, PRC_E_VALUE, t->source, t->line[row], 0, "column `%s`: a number is missing", t->col[col]);
    if (!missing && !prc_parse_double(s, &x))
        return prc_fail_at(err, PRC_E_VALUE, t->source, t->line[row], 0, "column `%s`: `%s` is not a number", t->col[col], s);
    *out = x;
    return PRC_OK;
}

void prc_csv_cell(FILE *out, const char *text)
{
    size_t n = strlen(text);
    bool quote = strpbrk(text, ",\"\r\n") || (n > 0 && (text[0] == ' ' || text[n - 1] == ' '));
    if (!quote) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}
