/* Two forests: differences with their interval inside the wide range over what is assumed, and predictions beside publications. */
#include "report_int.h"

#include <math.h>

/* ---- differences ---- */

static void widen(double x, double *lo, double *hi)
{
    if (!isfinite(x)) return;
    if (x < *lo) *lo = x;
    if (x > *hi) *hi = x;
}

static void forest_domain(const prc_forest *d, double *lo, double *hi)
{
    *lo = HUGE_VAL;
    *hi = -HUGE_VAL;
    for (size_t i = 0; i < d->n; i++) {
        const prc_forest_row *r = &d->row[i];
        if (r->arm == -2) continue; /* a heading has no numbers */
        const double x[] = { r->estimate, r->lower, r->upper, r->hollow, r->wide_lower, r->wide_upper };
        for (size_t k = 0; k < sizeof x / sizeof *x; k++) widen(x[k], lo, hi);
    }
    for (size_t i = 0; i < d->n_line; i++) widen(d->line[i].x, lo, hi);
    if (d->zero) widen(0, lo, hi);
}

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static void forest_row(const prc_canvas *f, const prc_forest_row *r, const prc_scale *s, double y)
{
    const char *color = r->arm >= 0 ? prc_arm_color((size_t)r->arm) : "#5b646c";
    if (isfinite(r->wide_lower) && isfinite(r->wide_upper)) {
        double a = prc_scale_at(s, r->wide_lower), b = prc_scale_at(s, r->wide_upper);
        prc_text_printf(f->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"26\" rx=\"2\" fill=\"%s\" fill-opacity=\".2\" stroke=\"%s\" stroke-opacity=\".55\"/>\n",
                        a, y - 13, b - a > 1 ? b - a : 1, color, color);
        if (isfinite(r->wide_mid)) prc_svg_stroke(f, prc_scale_at(s, r->wide_mid), y - 13, prc_scale_at(s, r->wide_mid), y + 13, color, 1.2, NULL);
    }
    double ring = y;
    if (isfinite(r->hollow)) y -= 5, ring += 7; /* so that the ring does not hide the estimate */
    if (isfinite(r->lower) && isfinite(r->upper))
        prc_svg_stroke(f, prc_scale_at(s, r->lower), y, prc_scale_at(s, r->upper), y, color, r->arm >= 0 ? 2.6 : 1.8, NULL);
    if (isfinite(r->estimate)) {
        double x = prc_scale_at(s, r->estimate);
        if (r->arm >= 0) prc_svg_mark(f, (size_t)r->arm, x, y, 5.5);
        else prc_svg_diamond(f, x, y, 6, "#5b646c", "#fff");
    }
    if (isfinite(r->hollow))
        prc_text_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.8\" fill=\"#fff\" stroke=\"%s\" stroke-width=\"1.8\"/>\n", prc_scale_at(s, r->hollow), ring, color);
}

/* What the marks mean, drawn in grey above the plot. */
static double forest_key(const prc_canvas *f, const prc_forest *d, double y)
{
    bool wide = false, hollow = false, published = false;
    for (size_t i = 0; i < d->n; i++) {
        if (d->row[i].arm == -2) continue;
        wide = wide || isfinite(d->row[i].wide_lower);
        hollow = hollow || isfinite(d->row[i].hollow);
        published = published || d->row[i].arm == -1;
    }
    const struct { bool on; const char *text; int kind; } key[] = {
        { wide, "range over what is assumed", 0 },
        { true, "estimate, 95\xe2\x80\xaf% interval of sampling", 1 },
        { hollow, "true value in the model", 2 },
        { published, "published", 3 },
    };
    double x = 2;
    for (size_t i = 0; i < 4; i++) {
        double w = 42 + prc_svg_width(key[i].text, 12.5) + 14;
        if (!key[i].on) continue;
        if (x > 2 && x + w > f->w) x = 2, y += 21;
        double c = x + 15;
        if (key[i].kind == 0) prc_svg_rect(f, x, y - 8, 30, 16, "#d5d9dc", "#9aa2a9");
        if (key[i].kind == 1) prc_svg_stroke(f, x, y, x + 30, y, "#4a5158", 2.6, NULL), prc_svg_rect(f, c - 4.5, y - 4.5, 9, 9, "#4a5158", "#fff");
        if (key[i].kind == 2) prc_text_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\" fill=\"none\" stroke=\"#4a5158\" stroke-width=\"1.8\"/>\n", c, y);
        if (key[i].kind == 3) prc_svg_stroke(f, x, y, x + 30, y, "#5b646c", 1.8, NULL), prc_svg_diamond(f, c, y, 5.5, "#5b646c", "#fff");
        prc_svg_text(f, x + 36, y + 4, "t", PRC_START, key[i].text);
        x += w;
    }
    return y + 20;
}

static double forest_row_height(const prc_canvas *f, const prc_forest_row *r, double label_width)
{
    if (r->arm == -2) return 16 * (double)prc_svg_lines(r->label, f->w - 4, 3) + 14;
    if (!f->narrow) {
        double lines = (double)prc_svg_lines(r->label, label_width, 3) + (r->sub ? (double)prc_svg_lines(r->sub, label_width, 2) : 0);
        return lines * 16 + 16 > 42 ? lines * 16 + 16 : 42;
    }
    double text = (double)prc_svg_lines(r->label, f->w - 4, 3) * 16 + (r->right ? 16 : 0) + (r->right2 ? 16 : 0);
    return text + 40;
}

static void forest_labels(const prc_canvas *f, const prc_forest *d, const prc_forest_row *r, double y, double label_width, double x1, double x2)
{
    if (f->narrow) {
        size_t n = prc_svg_wrap(f, 0, y + 12, f->w - 4, 16, 3, r->arm == -1 ? "t" : "b", r->label);
        double at = y + 12 + 16 * (double)n;
        if (r->right) {
            prc_svg_text(f, 0, at, "n", PRC_START, prc_page_text(f->p, "%s: %s", d->head_right, r->right));
            at += 16;
        }
        if (r->right2) prc_svg_text(f, 0, at, "nb", PRC_START, prc_page_text(f->p, "%s: %s", d->head_right2, r->right2));
        return;
    }
    size_t n = prc_svg_lines(r->label, label_width, 3), m = r->sub ? prc_svg_lines(r->sub, label_width, 2) : 0;
    double top = y - 8 * (double)(n + m) + 12;
    prc_svg_wrap(f, 0, top, label_width, 16, 3, r->arm == -1 ? "t" : "b", r->label);
    if (r->sub) prc_svg_wrap(f, 0, top + 16 * (double)n, label_width, 15, 2, "s", r->sub);
    if (r->right) prc_svg_text(f, x1, y + 4, "n", PRC_START, r->right);
    if (r->right2) prc_svg_text(f, x2, y + 4, "nb", PRC_START, r->right2);
}

void prc_chart_forest(const prc_canvas *f, const void *data, const char *title)
{
    const prc_forest *d = data;
    double left = 16, w2 = 0, w1 = 0, lo, hi, tick[12];
    if (!f->narrow) {
        w1 = d->head_right ? prc_svg_width(d->head_right, 12.5) : 0;
        w2 = d->head_right2 ? prc_svg_width(d->head_right2, 12.5) : 0;
    }
    for (size_t i = 0; i < d->n && !f->narrow; i++) {
        double l = d->row[i].arm == -2 ? 0 : fmax(prc_svg_width(d->row[i].label, 13), d->row[i].sub ? prc_svg_width(d->row[i].sub, 13) : 0) + 20;
        left = fmin(fmax(left, l), 200);
        double a = d->row[i].right ? prc_svg_width(d->row[i].right, 12.5) : 0, b = d->row[i].right2 ? prc_svg_width(d->row[i].right2, 12.5) : 0;
        w1 = a > w1 ? a : w1;
        w2 = b > w2 ? b : w2;
    }
    double x2 = f->w - w2 - (w2 > 0 ? 4 : 0), x1 = x2 - w1 - (w1 > 0 ? 16 : 0), right = f->narrow ? f->w - 16 : x1 - 18;
    forest_domain(d, &lo, &hi);
    prc_scale s = { 0, 1, left, right, false };
    double pad = (hi - lo) * 0.04;
    size_t n_tick = prc_scale_nice(&s, lo - pad, hi + pad, f->narrow ? 5 : 8, tick);
    double top = 62 + (d->n_line ? 16 : 0), height = top;
    for (size_t i = 0; i < d->n; i++) height += forest_row_height(f, &d->row[i], left - 14);
    double axis = height + 4, total = axis + 62;
    prc_text *real = f->out, head = { 0 };
    prc_canvas g = *f;
    g.out = &head;
    double shift = forest_key(&g, d, 12) - 32; /* a key of two rows moves everything down */
    prc_svg_begin(f, total + shift, title);
    prc_text_add(real, head.s ? head.s : "");
    if (head.failed) f->p->failed = true;
    prc_text_reset(&head);
    top += shift, axis += shift;
    for (size_t i = 0; i < d->n_band; i++) {
        double a = clamp(prc_scale_at(&s, d->band_lower[i]), s.r0, s.r1), b = clamp(prc_scale_at(&s, d->band_upper[i]), s.r0, s.r1);
        prc_text_printf(real, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#E69F00\" fill-opacity=\".13\"/>\n", a, top - 4, b - a, axis - top + 4);
    }
    prc_svg_axis_x(f, &s, tick, n_tick, axis, top - 4, d->x_label);
    if (d->zero) prc_svg_line(f, prc_scale_at(&s, 0), top - 4, prc_scale_at(&s, 0), axis, "z");
    for (size_t i = 0; i < d->n_line; i++) {
        double x = prc_scale_at(&s, d->line[i].x), half = prc_svg_width(d->line[i].label, 12) / 2;
        prc_svg_line(f, x, top - 6, x, axis, "m");
        prc_svg_text(f, clamp(x, half, f->w - half), top - 10, "mt", PRC_MIDDLE, d->line[i].label);
    }
    if (!f->narrow && d->head_right) prc_svg_text(f, x1, top - 10, "h", PRC_START, d->head_right);
    if (!f->narrow && d->head_right2) prc_svg_text(f, x2, top - 10, "h", PRC_START, d->head_right2);
    double y = top;
    for (size_t i = 0; i < d->n; i++) {
        const prc_forest_row *r = &d->row[i];
        double h = forest_row_height(f, r, left - 14);
        if (r->arm == -2) {
            prc_svg_wrap(f, 0, y + 20, f->w - 4, 16, 3, "h", r->label);
        } else {
            forest_labels(f, d, r, f->narrow ? y : y + h / 2, left - 14, x1, x2);
            forest_row(f, r, &s, f->narrow ? y + h - 21 : y + h / 2);
        }
        y += h;
    }
    if (d->left_word) prc_svg_text(f, s.r0, axis + 53, "s", PRC_START, prc_page_text(f->p, "\xe2\x86\x90 %s", d->left_word));
    if (d->right_word) prc_svg_text(f, s.r1, axis + 53, "s", PRC_END, prc_page_text(f->p, "%s \xe2\x86\x92", d->right_word));
    prc_svg_end(f);
}

/* ---- prediction beside publication ---- */

#define PRC_MATCH_SPAN 3.0 /* half-widths shown to each side; farther misses get an arrow */

static void arrow(const prc_canvas *f, double x, double y, int side, const char *color)
{
    prc_text_printf(f->out, "<path d=\"M%.1f %.1fl%d -5v10z\" fill=\"%s\"/>\n", x, y, side > 0 ? -8 : 8, color);
}

static void match_row(const prc_canvas *f, const prc_check *k, double x0, double x1, double y)
{
    double mid = (x0 + x1) / 2, unit = (x1 - x0) / 2 / PRC_MATCH_SPAN, half = (k->upper - k->lower) / 2, centre = (k->upper + k->lower) / 2;
    bool miss = k->verdict == PRC_OUTSIDE || k->verdict == PRC_NO_CHECK;
    const char *color = prc_check_shown(k) ? "#4a5158" : miss ? "#9b2c00" : "#00573f";
    prc_svg_line(f, x0, y, x1, y, "g");
    if (!(half > 0) || !isfinite(k->predicted)) {
        if (miss || k->verdict == PRC_INSIDE)
            prc_svg_text(f, mid, y + 4, "s", PRC_MIDDLE, miss ? "order not reproduced" : "order reproduced");
        else prc_svg_text(f, mid, y + 4, "s", PRC_MIDDLE, "no published interval");
        return;
    }
    prc_svg_rect(f, mid - unit, y - 7, 2 * unit, 14, "#d5d9dc", NULL);
    if (isfinite(k->published)) prc_svg_diamond(f, mid + unit * clamp((k->published - centre) / half, -PRC_MATCH_SPAN, PRC_MATCH_SPAN), y, 5, "#5b646c", "#fff");
    double z = (k->predicted - centre) / half;
    if (isfinite(k->mc_se) && fabs(z) < PRC_MATCH_SPAN) {
        double e = 1.96 * k->mc_se / half;
        prc_svg_stroke(f, mid + unit * clamp(z - e, -PRC_MATCH_SPAN, PRC_MATCH_SPAN), y, mid + unit * clamp(z + e, -PRC_MATCH_SPAN, PRC_MATCH_SPAN), y, color, 1.6, NULL);
    }
    double x = mid + unit * clamp(z, -PRC_MATCH_SPAN, PRC_MATCH_SPAN);
    if (k->verdict == PRC_NO_CHECK)
        prc_text_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#fff\" stroke=\"%s\" stroke-width=\"2.2\"/>\n", x, y, color);
    else if (fabs(z) > PRC_MATCH_SPAN) arrow(f, x, y, z > 0 ? 1 : -1, color);
    else if (miss) prc_text_printf(f->out, "<path d=\"M%.1f %.1fl10 10m0 -10l-10 10\" stroke=\"%s\" stroke-width=\"2.4\"/>\n", x - 5, y - 5, color);
    else prc_text_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\" stroke=\"#fff\"/>\n", x, y, color);
}

static double match_height(const prc_canvas *f, const prc_check *k, double label)
{
    size_t n = prc_svg_lines(k->title, f->narrow ? f->w - 4 : label, 3);
    if (f->narrow) return 16 * (double)n + 16 * (double)prc_svg_lines(prc_match_predicted(f->p, k), f->w, 2) + 42;
    double h = 16 * (double)n + 14;
    return h < 34 ? 34 : h;
}

void prc_chart_match(const prc_canvas *f, const void *data, const char *title)
{
    const prc_match *d = data;
    double label = 284, x0 = f->narrow ? 10 : label + 14, x1 = f->narrow ? f->w - 10 : 540, xp = 554, xq = 766, top = 48, h = top;
    for (size_t i = 0; i < d->n; i++) h += match_height(f, d->check[i], label);
    prc_svg_begin(f, h + 40, title);
    double mid = (x0 + x1) / 2, unit = (x1 - x0) / 2 / PRC_MATCH_SPAN;
    prc_svg_rect(f, 2, 6, 26, 12, "#d5d9dc", NULL);
    prc_svg_diamond(f, 15, 12, 5, "#5b646c", "#fff");
    prc_svg_text(f, 34, 16, "t", PRC_START, "published");
    prc_text_printf(f->out, "<circle cx=\"122\" cy=\"12\" r=\"5\" fill=\"#00573f\"/><path d=\"M207 7l10 10m0 -10l-10 10\" stroke=\"#9b2c00\" stroke-width=\"2.4\"/>\n");
    prc_svg_text(f, 132, 16, "t", PRC_START, "inside");
    prc_svg_text(f, 224, 16, "t", PRC_START, f->narrow ? "outside" : "outside its interval (arrow: beyond the axis)");
    bool hollow = false;
    for (size_t i = 0; i < d->n; i++) hollow = hollow || d->check[i]->verdict == PRC_NO_CHECK;
    if (hollow) {
        double kx = f->narrow ? 8 : 640, ky = f->narrow ? 32 : 12;
        prc_text_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#fff\" stroke=\"#4a5158\" stroke-width=\"2.2\"/>\n", kx, ky);
        prc_svg_text(f, kx + 12, ky + 4, "t", PRC_START, "met without cells too: no test");
    }
    if (!f->narrow) {
        prc_svg_text(f, xp, top - 10, "h", PRC_START, "published (interval)");
        prc_svg_text(f, xq, top - 10, "h", PRC_START, "predicted");
    }
    prc_svg_line(f, mid - unit, top - 4, mid - unit, h, "g");
    prc_svg_line(f, mid + unit, top - 4, mid + unit, h, "g");
    double y = top;
    for (size_t i = 0; i < d->n; i++) {
        const prc_check *k = d->check[i];
        double rh = match_height(f, k, label), at = f->narrow ? y + rh - 20 : y + rh / 2;
        const char *published = prc_match_published(f->p, k), *predicted = prc_match_predicted(f->p, k);
        if (f->narrow) {
            size_t n = prc_svg_wrap(f, 0, y + 12, f->w - 4, 16, 3, "l", k->title);
            prc_svg_wrap(f, 0, y + 12 + 16 * (double)n, f->w - 4, 16, 2, "s", prc_page_text(f->p, "published %s \xc2\xb7 predicted %s", published, predicted));
        } else {
            size_t n = prc_svg_lines(k->title, label, 3);
            prc_svg_wrap(f, 0, at - 8 * (double)n + 12, label, 16, 3, "l", k->title);
            prc_svg_text(f, xp, at + 4, "n", PRC_START, published);
            prc_svg_wrap(f, xq, at + 4, f->w - xq, 15, 2, "n", predicted);
        }
        match_row(f, k, x0, x1, at);
        y += rh;
    }
    prc_svg_line(f, x0, h + 2, x1, h + 2, "ax");
    prc_svg_text(f, mid - unit, h + 18, "s", PRC_MIDDLE, "lower limit");
    prc_svg_text(f, mid + unit, h + 18, "s", PRC_MIDDLE, "upper limit");
    prc_svg_text(f, mid, h + 34, "s", PRC_MIDDLE, "each row on its own scale: published interval = 1");
    prc_svg_end(f);
}
