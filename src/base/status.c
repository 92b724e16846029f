#include "paracrine/base.h"

#include <string.h>

static const struct {
    const char *name, *text;
    int code;
} status_info[] = {
#define PRC_X(name, text, code) {#name, text, code},
    PRC_STATUS_LIST(PRC_X)
#undef PRC_X
};

static bool known(prc_status status) { return (int)status >= 0 && (int)status < (int)PRC_STATUS_COUNT; }

const char *prc_status_text(prc_status status) { return known(status) ? status_info[status].text : "unknown status"; }

const char *prc_status_name(prc_status status) { return known(status) ? status_info[status].name : "PRC_E_UNKNOWN"; }

int prc_status_exit(prc_status status) { return known(status) ? status_info[status].code : 1; }

/* Shortens s so that it does not end in the middle of a UTF-8 character. */
static void trim_utf8(char *s)
{
    size_t n = strlen(s), start = n;
    while (start > 0 && n - start < 3 && ((unsigned char)s[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0) return;
    unsigned char lead = (unsigned char)s[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (need > n - start + 1) s[start - 1] = '\0';
}

/* Copies at most size - 1 bytes; the result is always terminated. */
static void copy_text(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    bool cut = n >= size;
    if (cut) n = size - 1;
    memmove(to, from, n);
    to[n] = '\0';
    if (cut) trim_utf8(to);
}

static prc_status fill(prc_error *err, prc_status status, const char *source, int line, int col, const char *fmt,
                       va_list ap) PRC_PRINTF(6, 0);

/* The message is made apart first, as the arguments may point into err. */
static prc_status fill(prc_error *err, prc_status status, const char *source, int line, int col, const char *fmt,
                       va_list ap)
{
    if (!err) return status;
    char message[PRC_MESSAGE_MAX];
    int n = vsnprintf(message, sizeof message, fmt, ap);
    if (n < 0) message[0] = '\0';
    if (n >= (int)sizeof message) trim_utf8(message);
    copy_text(err->source, sizeof err->source, source ? source : "");
    copy_text(err->message, sizeof err->message, message);
    err->status = status;
    err->line = line;
    err->col = col;
    return status;
}

prc_status prc_fail(prc_error *err, prc_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, status, "", 0, 0, fmt, ap);
    va_end(ap);
    return status;
}

prc_status prc_fail_at(prc_error *err, prc_status status, const char *source, int line, int col, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, status, source, line, col, fmt, ap);
    va_end(ap);
    return status;
}

void prc_error_format(const prc_error *err, char *buf, size_t n)
{
    char place[PRC_SOURCE_MAX + 64] = "";
    if (n == 0) return;
    if (err->source[0] && err->line > 0 && err->col > 0)
        snprintf(place, sizeof place, "%s:%d:%d: ", err->source, err->line, err->col);
    else if (err->source[0] && err->line > 0)
        snprintf(place, sizeof place, "%s:%d: ", err->source, err->line);
    else if (err->source[0])
        snprintf(place, sizeof place, "%s: ", err->source);
    else if (err->line > 0)
        snprintf(place, sizeof place, "line %d: ", err->line);
    snprintf(buf, n, "%serror: %s", place, err->message[0] ? err->message : prc_status_text(err->status));
}
