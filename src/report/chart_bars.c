/* Bars: horizontal with intervals, or one stacked bar of shares. */
#include "report_int.h"

#include <math.h>
#include <string.h>

static double bar_x(const prc_scale *s, double v)
{
    double x = prc_scale_at(s, v);
    return x < s->r0 ? s->r0 : x > s->r1 ? s->r1 : x;
}

static double bar_height(const prc_canvas *f, const prc_bar *b, double label)
{
    if (f->narrow) return 16 * (double)prc_svg_lines(b->label, f->w - 4, 2) + (b->sub ? 16 * (double)prc_svg_lines(b->sub, f->w - 4, 2) : 0) + (b->value ? 16 : 0) + 36;
    size_t n = prc_svg_lines(b->label, label, 2) + (b->sub ? prc_svg_lines(b->sub, label, 2) : 0);
    return 16 * (double)n + 14 > 36 ? 16 * (double)n + 14 : 36;
}

void prc_chart_bars(const prc_canvas *f, const void *data, const char *title)
{
    const prc_bars *d = data;
    double label = 40;
    for (size_t i = 0; i < d->n; i++)
        label = fmin(fmax(label, fmax(prc_svg_width(d->bar[i].label, 13), d->bar[i].sub ? prc_svg_width(d->bar[i].sub, 12.5) : 0) + 4), 270);
    double left = f->narrow ? 14 : label + 14, right = f->narrow ? f->w - 16 : f->w - d->value_width - 14, tick[12];
    prc_scale s = { 0, 1, left, right, false };
    size_t n_tick = prc_scale_nice(&s, d->lo, d->hi, f->narrow ? 4 : 6, tick);
    double h = 8;
    for (size_t i = 0; i < d->n; i++) h += bar_height(f, &d->bar[i], label);
    prc_svg_begin(f, h + 46, title);
    prc_svg_axis_x(f, &s, tick, n_tick, h + 2, 6, d->x_label);
    double y = 8, zero = bar_x(&s, 0);
    for (size_t i = 0; i < d->n; i++) {
        const prc_bar *b = &d->bar[i];
        double rh = bar_height(f, b, label), at = f->narrow ? y + rh - 16 : y + rh / 2;
        const char *fill = b->fill ? b->fill : prc_arm_color((size_t)(b->arm >= 0 ? b->arm : 0));
        if (f->narrow) {
            size_t n = prc_svg_wrap(f, 0, y + 14, f->w - 4, 16, 2, "b", b->label);
            double ty = y + 14 + 16 * (double)n;
            if (b->sub) ty += 16 * (double)prc_svg_wrap(f, 0, ty, f->w - 4, 16, 2, "s", b->sub);
            if (b->value) prc_svg_text(f, 0, ty, "n", PRC_START, b->value);
        } else {
            size_t n = prc_svg_lines(b->label, label, 2), m = b->sub ? prc_svg_lines(b->sub, label, 2) : 0;
            double ty = at - 8 * (double)(n + m) + 12;
            prc_svg_wrap(f, 0, ty, label, 16, 2, "b", b->label);
            if (b->sub) prc_svg_wrap(f, 0, ty + 16 * (double)n, label, 15, 2, "s", b->sub);
            if (b->value) prc_svg_text(f, right + 14, at + 4, "n", PRC_START, b->value);
        }
        if (isfinite(b->x)) {
            double x = bar_x(&s, b->x);
            /* pale where an interval lies over it, so that both ends of the interval are seen */
            prc_text_printf(f->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"16\" fill=\"%s\" fill-opacity=\"%s\" stroke=\"%s\"/>\n", fmin(x, zero), at - 8, fabs(x - zero), fill,
                            isfinite(b->lower) ? ".35" : "1", fill);
        }
        if (isfinite(b->lower) && isfinite(b->upper)) {
            double x0 = bar_x(&s, b->lower), x1 = bar_x(&s, b->upper);
            prc_svg_stroke(f, x0, at, x1, at, "#1b1f23", 1.6, NULL);
            prc_svg_stroke(f, x0, at - 4, x0, at + 4, "#1b1f23", 1.6, NULL);
            prc_svg_stroke(f, x1, at - 4, x1, at + 4, "#1b1f23", 1.6, NULL);
        }
        y += rh;
    }
    prc_svg_line(f, zero, 6, zero, h + 2, "z");
    prc_svg_end(f);
}

void prc_chart_shares(const prc_canvas *f, const void *data, const char *title)
{
    const prc_shares *d = data;
    size_t shown = 0;
    for (size_t i = 0; i < d->n; i++) shown += d->part[i].share > 0;
    size_t per_row = f->narrow ? 2 : 4, rows = (shown + per_row - 1) / per_row;
    prc_svg_begin(f, 40 + 20 * (double)rows, title);
    double x = 0, step = f->w / (double)per_row;
    size_t k = 0;
    for (size_t i = 0; i < d->n; i++) {
        const prc_share *s = &d->part[i];
        if (!(s->share > 0)) continue;
        double w = f->w * s->share, lx = step * (double)(k % per_row), ly = 44 + 20 * (double)(k / per_row);
        const char *text = prc_percent(f->p, s->share, 0);
        prc_svg_rect(f, x, 2, w, 26, s->fill, "#fff");
        if (w > prc_svg_width(text, 13) + 10)
            prc_text_printf(f->out, "<text x=\"%.1f\" y=\"20\" font-size=\"13\" text-anchor=\"middle\" style=\"fill:%s;stroke:none\">%s</text>\n", x + w / 2, s->dark ? "#fff" : "#1b1f23", text);
        prc_svg_rect(f, lx, ly - 10, 12, 12, s->fill, "#5b646c");
        prc_svg_text(f, lx + 18, ly, "t", PRC_START, prc_page_text(f->p, "%s %s", s->label, text));
        x += w;
        k++;
    }
    prc_svg_end(f);
}
