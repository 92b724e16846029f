#include "paracrine/base.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void prc_text_addn(prc_text *t, const char *s, size_t n)
{
    if (t->failed) return;
    if (n > SIZE_MAX - t->n - 1 || !prc_grow(&t->s, &t->cap, t->n + n + 1, 1)) {
        t->failed = true;
        return;
    }
    if (n > 0) memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = '\0';
}

void prc_text_add(prc_text *t, const char *s) { prc_text_addn(t, s, strlen(s)); }

void prc_text_printf(prc_text *t, const char *fmt, ...)
{
    va_list ap, again;
    if (t->failed) return;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0 || !prc_grow(&t->s, &t->cap, t->n + (size_t)n + 1, 1)) {
        t->failed = true;
    } else {
        vsnprintf(t->s + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void prc_text_reset(prc_text *t)
{
    prc_free(t->s);
    *t = (prc_text){0};
}

/* The "C" locale; glibc keeps one for the process, so this neither allocates nor fails there. */
static locale_t c_locale(void) { return newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_digits(const char *s, size_t *n)
{
    for (*n = 0; is_digit(*s); s++) ++*n;
    return s;
}

/* Whether s is [+-] digits [. digits] [e [+-] digits] with a digit before the exponent. */
static bool is_decimal(const char *s)
{
    size_t before, after = 0, exponent;
    if (*s == '+' || *s == '-') s++;
    s = skip_digits(s, &before);
    if (*s == '.') s = skip_digits(s + 1, &after);
    if (before + after == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '+' || *s == '-') s++;
        s = skip_digits(s, &exponent);
        if (exponent == 0) return false;
    }
    return *s == '\0';
}

bool prc_parse_double(const char *s, double *out)
{
    if (is_decimal(s)) {
        locale_t c = c_locale();
        if (!c) return false;
        double x = strtod_l(s, NULL, c);
        freelocale(c);
        if (isinf(x)) return false;
        *out = x;
        return true;
    }
    const char *word = *s == '+' || *s == '-' ? s + 1 : s;
    if (strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0) {
        *out = *s == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (strcasecmp(word, "nan") == 0) {
        *out = (double)NAN;
        return true;
    }
    return false;
}

bool prc_parse_int64(const char *s, int64_t *out)
{
    size_t n;
    const char *end = skip_digits(*s == '+' || *s == '-' ? s + 1 : s, &n);
    if (n == 0 || *end != '\0') return false;
    int saved = errno;
    errno = 0;
    long long x = strtoll(s, NULL, 10);
    bool ok = errno == 0;
    errno = saved;
    if (ok) *out = (int64_t)x;
    return ok;
}

const char *prc_format_double(double x, char *buf)
{
    if (isnan(x)) return strcpy(buf, "NaN");
    if (isinf(x)) return strcpy(buf, x > 0 ? "INF" : "-INF");
    char text[64]; /* room for what the compiler thinks possible; at most 24 are used */
    locale_t c = c_locale();
    locale_t old = uselocale(c);
    /* 15 digits always survive in a normal double; a denormal may need as few as one. */
    for (int digits = fabs(x) < 2.3e-308 ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod_l(text, NULL, c) == x) break;
    }
    uselocale(old);
    freelocale(c);
    return strcpy(buf, text);
}

enum { WORD_MAX = 64 };

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c; }

static size_t min2(size_t a, size_t b) { return a < b ? a : b; }

/* Edit distance with insertion, deletion, replacement and exchange of neighbours; case does not count, '-' equals '_'. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[3][WORD_MAX + 1];
    for (size_t j = 0; j <= nb; j++) row[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            int ca = lower(a[i - 1]), cb = lower(b[j - 1]);
            bool same = ca == cb || (ca == '-' && cb == '_') || (ca == '_' && cb == '-');
            now[j] = min2(min2(up[j], now[j - 1]) + 1, up[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && ca == lower(b[j - 2]) && cb == lower(a[i - 2])) now[j] = min2(now[j], up2[j - 2] + 1);
        }
    }
    return row[na % 3][nb];
}

const char *prc_nearest(const char *s, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t ns = strlen(s), limit = ns <= 2 ? 1 : ns <= 5 ? 2 : ns / 3 + 1, best_distance = SIZE_MAX;
    if (ns == 0 || ns > WORD_MAX) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t nc = strlen(candidates[i]);
        if (nc > WORD_MAX) continue;
        size_t d = edit_distance(s, ns, candidates[i], nc);
        /* A word of which nothing remains is no slip. */
        if (d < best_distance && d <= limit && d < (ns > nc ? ns : nc)) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}
