/* Lines of a CSV file of any length of file, one at a time. */
#include "dataset_int.h"

#include <errno.h>
#include <string.h>

enum { CSV_CHUNK = 1 << 18, CSV_LINE_MAX = 1 << 24 };

static prc_status no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory while reading the data set");
}

prc_status prc_csv_open(prc_csv *c, const char *path, prc_error *err) {
    *c = (prc_csv){.path = path};
    c->file = fopen(path, "rb");
    if (!c->file) return prc_fail_at(err, PRC_E_IO, path, 0, 0, "cannot read the file: %s", strerror(errno));
    return PRC_OK;
}

void prc_csv_close(prc_csv *c) {
    if (c->file) fclose(c->file);
    prc_free(c->buf);
    prc_free(c->cell);
    *c = (prc_csv){0};
}

prc_status prc_csv_rewind(prc_csv *c, prc_error *err) {
    c->at = c->n = 0;
    c->line = 0;
    if (fseek(c->file, 0, SEEK_SET) != 0)
        return prc_fail_at(err, PRC_E_IO, c->path, 0, 0, "the file is read twice and cannot be a pipe: %s",
                           strerror(errno));
    return PRC_OK;
}

/* Makes room and reads more bytes after those not read yet; *end when there are no more. */
static prc_status fill(prc_csv *c, bool *end, prc_error *err) {
    if (c->n > c->at) memmove(c->buf, c->buf + c->at, c->n - c->at);
    c->n -= c->at;
    c->at = 0;
    if (c->n > CSV_LINE_MAX)
        return prc_fail_at(err, PRC_E_SYNTAX, c->path, (int)c->line + 1, 0,
                           "a line of more than %d bytes: this is no data set", CSV_LINE_MAX);
    if (c->n + CSV_CHUNK + 1 > c->cap) {
        size_t cap = 2 * c->cap + CSV_CHUNK + 1;
        char *buf = prc_realloc(c->buf, cap, 1);
        if (!buf) return no_memory(err);
        c->buf = buf, c->cap = cap;
    }
    size_t got = fread(c->buf + c->n, 1, CSV_CHUNK, c->file);
    if (got == 0 && ferror(c->file))
        return prc_fail_at(err, PRC_E_IO, c->path, (int)c->line + 1, 0, "cannot read the file: %s", strerror(errno));
    if (got > 0 && memchr(c->buf + c->n, 0, got))
        return prc_fail_at(err, PRC_E_SYNTAX, c->path, 0, 0, "NUL byte: this is not a text file");
    c->n += got;
    *end = got == 0;
    return PRC_OK;
}

/* The next line without its end, 0-terminated in place. */
static prc_status next_line(prc_csv *c, char **out, prc_error *err) {
    size_t seen = 0;
    bool end = false;
    char *stop = NULL;
    *out = NULL;
    while (!(stop = c->n > c->at + seen ? memchr(c->buf + c->at + seen, '\n', c->n - c->at - seen) : NULL)) {
        seen = c->n - c->at;
        PRC_TRY(fill(c, &end, err));
        if (end && c->n == c->at) return PRC_OK;
        if (end) break;
    }
    char *start = c->buf + c->at;
    if (!stop) {
        stop = c->buf + c->n;
        c->at = c->n;
    } else {
        c->at = (size_t)(stop + 1 - c->buf);
    }
    if (stop > start && stop[-1] == '\r') stop--;
    *stop = 0;
    if (c->line == 0 && strncmp(start, "\xEF\xBB\xBF", 3) == 0) start += 3;
    c->line++;
    *out = start;
    return PRC_OK;
}

static bool is_blank(char x) {
    return x == ' ' || x == '\t';
}

/* Cuts one cell off; false when a quote is wrong. */
static bool cut_cell(char **s, char **cell) {
    char *p = *s;
    while (is_blank(*p)) p++;
    if (*p == '"') {
        char *to = ++p;
        *cell = p;
        while (*p && !(p[0] == '"' && p[1] != '"')) {
            if (*p == '"') p++;
            *to++ = *p++;
        }
        if (!*p) return false;
        p++;
        while (is_blank(*p)) p++;
        if (*p && *p != ',') return false;
        char sep = *p;
        *to = 0;
        *s = sep ? p + 1 : NULL;
        return true;
    }
    *cell = p;
    p += strcspn(p, ",");
    char *to = p;
    *s = *p ? p + 1 : NULL;
    while (to > *cell && is_blank(to[-1])) to--;
    *to = 0;
    return true;
}

prc_status prc_csv_next(prc_csv *c, bool *got, prc_error *err) {
    char *s;
    do PRC_TRY(next_line(c, &s, err));
    while (s && s[strspn(s, " \t,")] == 0);
    *got = s != NULL;
    for (c->n_cell = 0; s; c->n_cell++) {
        if (!PRC_GROW(c->cell, c->n_cell, c->cell_cap)) return no_memory(err);
        if (!cut_cell(&s, &c->cell[c->n_cell]))
            return prc_fail_at(err, PRC_E_SYNTAX, c->path, (int)c->line, 0, "a quote that is not closed in cell %zu",
                               c->n_cell + 1);
    }
    return PRC_OK;
}
