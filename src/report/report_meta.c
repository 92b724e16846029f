/* The pictures of a meta-analysis: forest, funnel, Baujat and network, as SVG that stands alone. */
#include "report_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INK "#16202a"
#define BLUE "#0072B2"
#define GREY "#9aa2a9"
#define PALE "#e7eaec"
#define HALO " paint-order=\"stroke\" stroke=\"#fff\" stroke-width=\"3\""

static void text_at(prc_text *o, double x, double y, const char *anchor, double size, const char *extra, const char *s)
{
    prc_text_printf(o, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%.0f\" fill=\"%s\"%s>", x, y, anchor, size, INK, extra);
    prc_escape(o, s);
    prc_text_add(o, "</text>\n");
}

static void line_at(prc_text *o, double x1, double y1, double x2, double y2, const char *color, double width, const char *dash)
{
    prc_text_printf(o, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%.1f\"", x1, y1, x2, y2, color, width);
    if (dash) prc_text_printf(o, " stroke-dasharray=\"%s\"", dash);
    prc_text_add(o, "/>\n");
}

static void begin(prc_text *o, double w, double h, const char *label)
{
    prc_text_printf(o, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" font-family=\"system-ui, sans-serif\" role=\"img\" aria-label=\"", w, h, w, h);
    prc_escape(o, label);
    prc_text_printf(o, "\"><rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n", w, h);
}

static void end(prc_text *o, double w, double h)
{
    prc_text_printf(o, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" font-size=\"10\" fill=\"#5b646c\">%s</text>\n</svg>\n", w - 8, h - 6, PRC_RESEARCH_USE);
}

/* Ticks of an axis over lo..hi; on a ratio scale round ratios at their logs. The domain of s ends at the data, not at a tick. */
static size_t ticks(prc_scale *s, double lo, double hi, bool ratio, double tick[12])
{
    static const double round_ratio[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
    size_t n = 0;
    if (!ratio || hi - lo > 13.8 || hi - lo < 1) return prc_scale_nice(s, lo, hi, 6, tick);
    s->d0 = lo;
    s->d1 = hi;
    size_t skip = hi - lo > 5 ? 3 : 1;
    for (size_t i = 0; i < sizeof round_ratio / sizeof *round_ratio && n < 12; i++) {
        double x = log(round_ratio[i]);
        if (x >= lo && x <= hi && (skip == 1 || i % 3 == 0)) tick[n++] = x;
    }
    return n ? n : prc_scale_nice(s, lo, hi, 6, tick);
}

static void axis_x(prc_text *o, const prc_scale *s, const double *tick, size_t n, double top, double y, bool ratio, const char *label)
{
    for (size_t i = 0; i < n; i++) {
        char buf[32];
        double x = prc_scale_at(s, tick[i]);
        snprintf(buf, sizeof buf, "%.3g", ratio ? exp(tick[i]) : fabs(tick[i]) < 1e-12 ? 0 : tick[i]);
        line_at(o, x, top, x, y, PALE, 1, NULL);
        line_at(o, x, y, x, y + 5, GREY, 1, NULL);
        text_at(o, x, y + 19, "middle", 12, "", buf);
    }
    line_at(o, s->r0, y, s->r1, y, GREY, 1, NULL);
    text_at(o, (s->r0 + s->r1) / 2, y + 38, "middle", 13, "", label);
}

static const char *axis_label(const prc_meta_picture *p)
{
    return p->exponentiate ? p->display : p->x_label;
}

static double clamp(double x, double a, double b)
{
    return x < a ? a : x > b ? b : x;
}

/* ---- forest -------------------------------------------------------------------------------------------------- */

/* A label of at most n characters. */
static void short_label(const char *s, size_t n, char *buf, size_t size)
{
    size_t i = 0, seen = 0;
    while (s[i] && seen < n) {
        i++;
        while (((unsigned char)s[i] & 0xc0) == 0x80) i++;
        seen++;
    }
    snprintf(buf, size, "%.*s%s", (int)(i < size - 8 ? i : size - 8), s, s[i] ? "\xe2\x80\xa6" : "");
}

static void numbers(const prc_meta_picture *p, double est, double lb, double ub, char *buf, size_t n)
{
    if (p->exponentiate) est = exp(est), lb = exp(lb), ub = exp(ub);
    snprintf(buf, n, "%.2f [%.2f, %.2f]", est, lb, ub);
}

static void forest(const prc_meta_picture *p, prc_text *o)
{
    double w = 900, row = 22, top = 62, left = 250, right = 660, z = prc_norm_inv(0.5 + p->level / 2), lo = fmin(0, p->ci_lb), hi = fmax(0, p->ci_ub), biggest = 0, total = 0, tick[12];
    for (size_t i = 0; i < p->k; i++) {
        double se = sqrt(p->vi[i]);
        /* One very wide study must not flatten the others: arrows show what is cut. */
        lo = fmin(lo, fmax(p->yi[i] - z * se, p->estimate - 6 * fmax(fabs(p->estimate), 1)));
        hi = fmax(hi, fmin(p->yi[i] + z * se, p->estimate + 6 * fmax(fabs(p->estimate), 1)));
        biggest = fmax(biggest, p->weight[i]);
        total += p->weight[i];
    }
    if (isfinite(p->pi_lb)) lo = fmin(lo, p->pi_lb), hi = fmax(hi, p->pi_ub);
    bool pi = isfinite(p->pi_lb);
    double axis = top + row * ((double)p->k + (pi ? 2.4 : 1.4)), h = axis + 66;
    prc_scale s = {0, 1, left, right, false};
    size_t n = ticks(&s, lo, hi, p->exponentiate, tick);
    begin(o, w, h, "Forest plot");
    text_at(o, 12, 24, "start", 15, " font-weight=\"600\"", p->title);
    text_at(o, 12, top - 14, "start", 12, " font-weight=\"600\"", "Study");
    text_at(o, w - 70, top - 14, "end", 12, " font-weight=\"600\"", axis_label(p));
    text_at(o, w - 12, top - 14, "end", 12, " font-weight=\"600\"", "weight");
    axis_x(o, &s, tick, n, top - 6, axis, p->exponentiate, axis_label(p));
    if (s.d0 < 0 && s.d1 > 0) line_at(o, prc_scale_at(&s, 0), top - 6, prc_scale_at(&s, 0), axis, INK, 1, NULL);
    line_at(o, prc_scale_at(&s, p->estimate), top - 6, prc_scale_at(&s, p->estimate), axis, BLUE, 1, "4 3");
    for (size_t i = 0; i < p->k; i++) {
        char buf[96];
        double y = top + row * ((double)i + 0.5), se = sqrt(p->vi[i]), a = p->yi[i] - z * se, b = p->yi[i] + z * se, half = 2.5 + 5.5 * sqrt(p->weight[i] / biggest);
        double xa = prc_scale_at(&s, clamp(a, s.d0, s.d1)), xb = prc_scale_at(&s, clamp(b, s.d0, s.d1)), x = prc_scale_at(&s, clamp(p->yi[i], s.d0, s.d1));
        line_at(o, xa, y, xb, y, INK, 1.3, NULL);
        if (a < s.d0) prc_text_printf(o, "<path d=\"M%.1f %.1fl7 -4v8z\" fill=\"%s\"/>\n", xa, y, INK);
        if (b > s.d1) prc_text_printf(o, "<path d=\"M%.1f %.1fl-7 -4v8z\" fill=\"%s\"/>\n", xb, y, INK);
        prc_text_printf(o, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x - half, y - half, 2 * half, 2 * half, BLUE);
        short_label(p->slab[i], 36, buf, sizeof buf);
        text_at(o, 12, y + 4, "start", 12, "", buf);
        numbers(p, p->yi[i], a, b, buf, sizeof buf);
        text_at(o, w - 70, y + 4, "end", 12, "", buf);
        snprintf(buf, sizeof buf, "%.1f%%", 100 * p->weight[i] / total);
        text_at(o, w - 12, y + 4, "end", 12, "", buf);
    }
    char buf[96];
    double y = top + row * ((double)p->k + 0.8), x0 = prc_scale_at(&s, p->ci_lb), x1 = prc_scale_at(&s, p->ci_ub), xm = prc_scale_at(&s, p->estimate);
    prc_text_printf(o, "<path d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fz\" fill=\"%s\"/>\n", x0, y, xm, y - 7, x1, y, xm, y + 7, INK);
    text_at(o, 12, y + 4, "start", 12, " font-weight=\"600\"", "Pooled");
    numbers(p, p->estimate, p->ci_lb, p->ci_ub, buf, sizeof buf);
    text_at(o, w - 70, y + 4, "end", 12, " font-weight=\"600\"", buf);
    if (pi) {
        y += row;
        line_at(o, prc_scale_at(&s, p->pi_lb), y, prc_scale_at(&s, p->pi_ub), y, BLUE, 4, NULL);
        text_at(o, 12, y + 4, "start", 12, "", "Prediction interval");
        snprintf(buf, sizeof buf, "[%.2f, %.2f]", p->exponentiate ? exp(p->pi_lb) : p->pi_lb, p->exponentiate ? exp(p->pi_ub) : p->pi_ub);
        text_at(o, w - 70, y + 4, "end", 12, "", buf);
    }
    end(o, w, h);
}

/* ---- funnel, Baujat ------------------------------------------------------------------------------------------ */

static void axis_y(prc_text *o, const prc_scale *s, const double *tick, size_t n, double x, double right, const char *label)
{
    for (size_t i = 0; i < n; i++) {
        char buf[32];
        double y = prc_scale_at(s, tick[i]);
        snprintf(buf, sizeof buf, "%.3g", fabs(tick[i]) < 1e-12 ? 0 : tick[i]);
        line_at(o, x, y, right, y, PALE, 1, NULL);
        text_at(o, x - 8, y + 4, "end", 12, "", buf);
    }
    double mid = (s->r0 + s->r1) / 2;
    prc_text_printf(o, "<text x=\"18\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"13\" fill=\"%s\" transform=\"rotate(-90 18 %.1f)\">", mid, INK, mid);
    prc_escape(o, label);
    prc_text_add(o, "</text>\n");
}

static void point(prc_text *o, double x, double y, double r, const char *name)
{
    prc_text_printf(o, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" fill-opacity=\".75\" stroke=\"#fff\"><title>", x, y, r, BLUE);
    prc_escape(o, name);
    prc_text_add(o, "</title></circle>\n");
}

static void funnel(const prc_meta_picture *p, prc_text *o)
{
    double w = 720, h = 520, z = prc_norm_inv(0.5 + p->level / 2), se_max = 0, lo = p->estimate, hi = p->estimate, tick[12], tick_y[12];
    for (size_t i = 0; i < p->k; i++) {
        se_max = fmax(se_max, sqrt(p->vi[i]));
        lo = fmin(lo, p->yi[i]);
        hi = fmax(hi, p->yi[i]);
    }
    prc_scale s = {0, 1, 80, w - 24, false}, v = {0, 1, 56, h - 80, false};
    size_t m = prc_scale_nice(&v, 0, se_max, 5, tick_y);
    lo = fmin(lo, p->estimate - z * v.d1);
    hi = fmax(hi, p->estimate + z * v.d1);
    size_t n = ticks(&s, lo, hi, p->exponentiate, tick);
    begin(o, w, h, "Funnel plot");
    text_at(o, 12, 24, "start", 15, " font-weight=\"600\"", p->title);
    axis_x(o, &s, tick, n, v.r0, v.r1, p->exponentiate, axis_label(p));
    axis_y(o, &v, tick_y, m, s.r0, s.r1, "standard error");
    double x = prc_scale_at(&s, p->estimate), bottom = prc_scale_at(&v, v.d1);
    prc_text_printf(o, "<path d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1f\" fill=\"none\" stroke=\"%s\" stroke-dasharray=\"5 4\"/>\n", prc_scale_at(&s, p->estimate - z * v.d1), bottom, x, prc_scale_at(&v, 0),
                    prc_scale_at(&s, p->estimate + z * v.d1), bottom, GREY);
    line_at(o, x, v.r0, x, v.r1, INK, 1, NULL);
    for (size_t i = 0; i < p->k; i++) point(o, prc_scale_at(&s, p->yi[i]), prc_scale_at(&v, sqrt(p->vi[i])), 5, p->slab[i]);
    end(o, w, h);
}

static void baujat(const prc_meta_picture *p, prc_text *o)
{
    double w = 720, h = 520, x_max = 0, y_max = 0, tick[12], tick_y[12];
    for (size_t i = 0; i < p->k; i++) {
        if (isfinite(p->influence[i].baujat_x)) x_max = fmax(x_max, p->influence[i].baujat_x);
        if (isfinite(p->influence[i].baujat_y)) y_max = fmax(y_max, p->influence[i].baujat_y);
    }
    prc_scale s = {0, 1, 80, w - 40, false}, v = {0, 1, h - 80, 56, false};
    size_t n = prc_scale_nice(&s, 0, x_max, 6, tick), m = prc_scale_nice(&v, 0, y_max, 5, tick_y);
    begin(o, w, h, "Baujat plot");
    text_at(o, 12, 24, "start", 15, " font-weight=\"600\"", p->title);
    axis_x(o, &s, tick, n, v.r1, v.r0, false, "squared Pearson residual (contribution to heterogeneity)");
    axis_y(o, &v, tick_y, m, s.r0, s.r1, "influence on the pooled effect");
    for (size_t i = 0; i < p->k; i++) {
        const prc_meta_influence *f = &p->influence[i];
        if (!isfinite(f->baujat_x) || !isfinite(f->baujat_y)) continue;
        double x = prc_scale_at(&s, f->baujat_x), y = prc_scale_at(&v, f->baujat_y);
        char buf[96];
        point(o, x, y, 4.5, p->slab[i]);
        /* Names where a study stands out. */
        if (f->baujat_x < 0.6 * x_max && f->baujat_y < 0.6 * y_max) continue;
        short_label(p->slab[i], 24, buf, sizeof buf);
        bool flip = x > w - 190;
        text_at(o, x + (flip ? -8 : 8), y + 4, flip ? "end" : "start", 11, HALO, buf);
    }
    end(o, w, h);
}

/* ---- network ------------------------------------------------------------------------------------------------- */

static void network(const prc_meta_picture *p, const double *edge, prc_text *o)
{
    double w = 820, h = 700, cx = w / 2, cy = h / 2 + 6, r = 235, most = 1, node_most = 1;
    size_t n = p->n_treat;
    for (size_t i = 0; i < n; i++) {
        double at = 0;
        for (size_t j = 0; j < n; j++) most = fmax(most, edge[i * n + j]), at += edge[i * n + j];
        node_most = fmax(node_most, at);
    }
    begin(o, w, h, "Network of treatments");
    text_at(o, 12, 24, "start", 15, " font-weight=\"600\"", p->title);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            if (!(edge[i * n + j] > 0)) continue;
            double a = 2 * M_PI * (double)i / (double)n - M_PI / 2, b = 2 * M_PI * (double)j / (double)n - M_PI / 2;
            double x1 = cx + r * cos(a), y1 = cy + r * sin(a), x2 = cx + r * cos(b), y2 = cy + r * sin(b);
            char buf[24];
            line_at(o, x1, y1, x2, y2, GREY, 1 + 7 * edge[i * n + j] / most, NULL);
            snprintf(buf, sizeof buf, "%.0f", edge[i * n + j]);
            if (n <= 15) text_at(o, (x1 + x2) / 2 + 3, (y1 + y2) / 2 - 3, "middle", 11, HALO, buf);
        }
    for (size_t i = 0; i < n; i++) {
        double a = 2 * M_PI * (double)i / (double)n - M_PI / 2, at = 0, c = cos(a);
        for (size_t j = 0; j < n; j++) at += edge[i * n + j];
        double size = 6 + 12 * sqrt(at / node_most);
        char buf[96];
        point(o, cx + r * c, cy + r * sin(a), size, p->treat_name[i]);
        short_label(p->treat_name[i], 26, buf, sizeof buf);
        text_at(o, cx + (r + size + 8) * c, cy + (r + size + 12) * sin(a) + 4, c > 0.2 ? "start" : c < -0.2 ? "end" : "middle", 13, HALO, buf);
    }
    text_at(o, 12, h - 24, "start", 11, "", "Line width and number: contrasts; circle: contrasts a treatment is part of");
    end(o, w, h);
}

static prc_status draw_network(const prc_meta_picture *p, prc_text *o, prc_error *err)
{
    if (p->n_treat > 100) return prc_fail(err, PRC_E_VALUE, "a picture shows at most 100 treatments, here are %zu", p->n_treat);
    double *edge = prc_calloc(p->n_treat * p->n_treat + 1, sizeof *edge);
    if (!edge) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < p->n_contrast; i++) {
        edge[(size_t)p->treat1[i] * p->n_treat + (size_t)p->treat2[i]]++;
        edge[(size_t)p->treat2[i] * p->n_treat + (size_t)p->treat1[i]]++;
    }
    network(p, edge, o);
    prc_free(edge);
    return PRC_OK;
}

prc_status prc_report_meta(const char *kind, const prc_meta_picture *p, prc_text *out, prc_error *err)
{
    bool net = !strcmp(kind, "network");
    if (!strcmp(kind, "forest") && p->k > 300) return prc_fail(err, PRC_E_VALUE, "a forest plot shows at most 300 studies, here are %zu", p->k);
    if (!net && p->k > 20000) return prc_fail(err, PRC_E_VALUE, "a picture shows at most 20000 studies, here are %zu", p->k);
    if (p->html) {
        prc_text_add(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>");
        prc_escape(out, p->title);
        prc_text_add(out, "</title><style>body{margin:1.5rem;background:#fff}svg{max-width:100%;height:auto}</style></head><body>\n");
    }
    if (net) PRC_TRY(draw_network(p, out, err));
    else if (!strcmp(kind, "forest")) forest(p, out);
    else if (!strcmp(kind, "funnel")) funnel(p, out);
    else if (!strcmp(kind, "baujat") && p->influence) baujat(p, out);
    else return prc_fail(err, PRC_E_VALUE, "unknown picture `%s`", kind);
    if (p->html) prc_text_add(out, "</body></html>\n");
    return out->failed ? prc_fail(err, PRC_E_MEMORY, "out of memory") : PRC_OK;
}
