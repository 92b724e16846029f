/* Numbers as readers want them: sensible digits, a real minus sign, an en dash where there is nothing. */
#include "report_int.h"

#include <math.h>
#include <string.h>

void *prc_page_alloc(prc_page *p, size_t n, size_t size)
{
    void *q = prc_arena_alloc(p->arena, n ? n : 1, size);
    if (!q) p->failed = true;
    return q;
}

const char *prc_page_text(prc_page *p, const char *fmt, ...)
{
    char buf[512];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : prc_page_alloc(p, (size_t)n + 1, 1);
    if (s) vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s ? s : "";
}

/* Digits of |x| with thin no-break spaces between thousands from 10 000 on. */
static const char *digits(prc_page *p, double x, int decimals)
{
    char buf[400], out[600];
    snprintf(buf, sizeof buf, "%.*f", decimals, x);
    size_t whole = strcspn(buf, ".,"), n = 0;
    if (whole < 5) return prc_page_text(p, "%s", buf);
    for (size_t i = 0; buf[i] && n + 5 < sizeof out; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) n += (size_t)snprintf(out + n, sizeof out - n, "\xe2\x80\xaf");
        out[n++] = buf[i];
    }
    out[n] = 0;
    return prc_page_text(p, "%s", out);
}

/* Whether x prints as zero with so many decimals: then it has no sign. */
static bool prints_zero(double x, int decimals)
{
    return fabs(x) < 0.5 * pow(10, -decimals);
}

const char *prc_num(prc_page *p, double x, int decimals)
{
    if (!isfinite(x) || fabs(x) > 1e30) return PRC_DASH;
    const char *s = digits(p, fabs(x), decimals);
    return x < 0 && !prints_zero(x, decimals) ? prc_page_text(p, PRC_MINUS "%s", s) : s;
}

const char *prc_signed(prc_page *p, double x, int decimals)
{
    if (!isfinite(x) || x <= 0 || prints_zero(x, decimals)) return prc_num(p, x, decimals);
    return prc_page_text(p, "+%s", prc_num(p, x, decimals));
}

const char *prc_sig(prc_page *p, double x, int n)
{
    char buf[64];
    if (!isfinite(x)) return PRC_DASH;
    snprintf(buf, sizeof buf, "%.*g", n, fabs(x));
    return prc_page_text(p, "%s%s", x < 0 ? PRC_MINUS : "", buf);
}

const char *prc_count_text(prc_page *p, size_t n)
{
    return digits(p, (double)n, 0);
}

const char *prc_interval(prc_page *p, double lo, double hi, int decimals, bool sign)
{
    if (!isfinite(lo) && !isfinite(hi)) return PRC_DASH;
    const char *a = sign ? prc_signed(p, lo, decimals) : prc_num(p, lo, decimals);
    const char *b = sign ? prc_signed(p, hi, decimals) : prc_num(p, hi, decimals);
    return prc_page_text(p, "%s to %s", a, b);
}

const char *prc_estimate_text(prc_page *p, const prc_estimate *e, int decimals, bool sign)
{
    if (!isfinite(e->estimate)) return PRC_DASH;
    const char *x = sign ? prc_signed(p, e->estimate, decimals) : prc_num(p, e->estimate, decimals);
    if (!isfinite(e->ci_lb) || !isfinite(e->ci_ub)) return x;
    return prc_page_text(p, "%s (%s)", x, prc_interval(p, e->ci_lb, e->ci_ub, decimals, sign));
}

const char *prc_p_text(prc_page *p, double v)
{
    if (!isfinite(v)) return PRC_DASH;
    if (v < 0.001) return "<0.001";
    return prc_page_text(p, "%.*f", v < 0.1 ? 3 : 2, v);
}

const char *prc_percent(prc_page *p, double share, int decimals)
{
    if (!isfinite(share)) return PRC_DASH;
    return prc_page_text(p, "%s\xe2\x80\xaf%%", prc_num(p, 100 * share, decimals));
}

const char *prc_days(prc_page *p, double days)
{
    if (!isfinite(days)) return PRC_DASH;
    double months = days / PRC_MONTH, years = days / 365.25;
    if (days >= 28 && months > 36.5 && fabs(years - round(years)) < 0.01) return prc_page_text(p, "%.0f y", years);
    if (days >= 28 && fabs(months - round(months)) < 0.05) return prc_page_text(p, "%.0f mo", months);
    return prc_page_text(p, "%.*g d", days < 10 ? 2 : 4, days);
}

int prc_decimals(double scale)
{
    scale = fabs(scale);
    if (!isfinite(scale) || scale == 0) return 2;
    if (scale >= 1000) return 0;
    if (scale >= 10) return 1;
    if (scale >= 1) return 2;
    return scale >= 0.1 ? 3 : 4;
}

int prc_ob_decimals(const prc_observable *ob)
{
    double range = ob->max - ob->min;
    if (isnan(range)) range = ob->residual_sd * 4;
    return prc_decimals(range);
}
