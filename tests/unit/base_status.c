#include "../tap.h"

#include "paracrine/base.h"

static void list(void)
{
    TAP_INT(prc_status_exit(PRC_OK), 0);
    TAP_INT(prc_status_exit(PRC_E_NEGATIVE), 1);
    TAP_INT(prc_status_exit(PRC_E_USAGE), 2);
    TAP_INT(prc_status_exit(PRC_E_UNIT), 3);
    TAP_INT(prc_status_exit(PRC_E_NUMERIC), 4);
    TAP_INT(prc_status_exit(PRC_E_IO), 5);
    TAP_INT(prc_status_exit(PRC_E_INTERRUPTED), 130);
    TAP_STR(prc_status_name(PRC_E_KEY), "PRC_E_KEY");
    TAP_STR(prc_status_text(PRC_E_MEMORY), "out of memory");
    TAP_STR(prc_status_text((prc_status)1000), "unknown status");
}

static const char *formatted(const char *source, int line, int col)
{
    static char buf[512];
    prc_error err;
    prc_fail_at(&err, PRC_E_VALUE, source, line, col, "too %s", "small");
    prc_error_format(&err, buf, sizeof buf);
    return buf;
}

static void format(void)
{
    TAP_STR(formatted("a.yaml", 3, 7), "a.yaml:3:7: error: too small");
    TAP_STR(formatted("a.yaml", 3, 0), "a.yaml:3: error: too small");
    TAP_STR(formatted("a.yaml", 0, 0), "a.yaml: error: too small");
    TAP_STR(formatted(NULL, 0, 0), "error: too small");
    TAP_STR(formatted("", 3, 7), "line 3: error: too small");
    prc_error err;
    char small[8];
    TAP_INT(prc_fail(&err, PRC_E_IO, "%s", ""), PRC_E_IO);
    prc_error_format(&err, small, sizeof small);
    TAP_STR(small, "error: ");
    TAP_INT(prc_fail(NULL, PRC_E_IO, "x"), PRC_E_IO);
}

/* The arguments may point into the error that is filled. */
static void own_text(void)
{
    prc_error err;
    prc_fail_at(&err, PRC_E_VALUE, "file", 1, 2, "inner");
    prc_fail_at(&err, PRC_E_VALUE, err.source, 1, 2, "outer: %s", err.message);
    TAP_STR(err.message, "outer: inner");
    TAP_STR(err.source, "file");
}

/* A long text is cut between characters, not inside one. */
static void cut(void)
{
    char text[2 * PRC_MESSAGE_MAX + 2] = "x";
    prc_error err;
    for (size_t i = 1; i + 1 < sizeof text; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    text[sizeof text - 1] = '\0';
    prc_fail_at(&err, PRC_E_VALUE, text, 0, 0, "%s", text);
    size_t n = strlen(err.message), m = strlen(err.source);
    TAP_OK(n == PRC_MESSAGE_MAX - 1 || n == PRC_MESSAGE_MAX - 2);
    TAP_OK(n % 2 == 1 && m % 2 == 1);
    TAP_INT((unsigned char)err.message[n - 1], 0xA9);
}

int main(void)
{
    TAP_RUN(list);
    TAP_RUN(format);
    TAP_RUN(own_text);
    TAP_RUN(cut);
    return tap_done();
}
