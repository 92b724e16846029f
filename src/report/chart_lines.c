/* Small multiples over time: medians with bands, published points, dose times. */
#include "report_int.h"

#include <math.h>

static void panel_domain(const prc_panel *d, double *lo, double *hi)
{
    *lo = HUGE_VAL;
    *hi = -HUGE_VAL;
    for (size_t i = 0; i < d->n_series; i++) {
        const prc_series *s = &d->series[i];
        for (size_t k = 0; k < s->n; k++) {
            double a = s->band ? s->q05[k] : s->mid[k], b = s->band ? s->q95[k] : s->mid[k];
            if (isfinite(a) && a < *lo) *lo = a;
            if (isfinite(b) && b > *hi) *hi = b;
        }
    }
    for (size_t i = 0; i < d->n_point; i++) {
        const prc_point *q = &d->point[i];
        double a = isfinite(q->lower) ? q->lower : q->y, b = isfinite(q->upper) ? q->upper : q->y;
        if (a < *lo) *lo = a;
        if (b > *hi) *hi = b;
    }
    if (isfinite(d->min) && *lo < d->min) *lo = d->min;
    if (isfinite(d->max) && *hi > d->max) *hi = d->max;
}

static size_t log_ticks(prc_scale *s, double lo, double hi, double tick[12])
{
    double a = floor(log10(lo)), b = ceil(log10(hi));
    if (b <= a) b = a + 1;
    double step = ceil((b - a) / 5);
    s->d0 = pow(10, a);
    s->d1 = pow(10, b);
    size_t n = 0;
    for (double e = a; e <= b + 1e-9 && n < 12; e += step) tick[n++] = pow(10, e);
    return n;
}

static double y_at(const prc_scale *s, double v)
{
    double y = prc_scale_at(s, v), a = fmin(s->r0, s->r1), b = fmax(s->r0, s->r1);
    return y < a ? a : y > b ? b : y;
}

static void draw_band(const prc_canvas *f, const prc_series *s, const double *lo, const double *hi, const prc_scale *sx, const prc_scale *sy, double opacity)
{
    size_t drawn = 0;
    prc_text path = { 0 };
    for (size_t k = 0; k < s->n; k++)
        if (isfinite(hi[k]) && isfinite(lo[k]))
            prc_text_printf(&path, "%s%.1f %.1f", drawn++ ? "L" : "M", prc_scale_at(sx, s->x[k]), y_at(sy, hi[k]));
    for (size_t k = s->n; k-- > 0;)
        if (isfinite(hi[k]) && isfinite(lo[k])) prc_text_printf(&path, "L%.1f %.1f", prc_scale_at(sx, s->x[k]), y_at(sy, lo[k]));
    if (drawn > 1)
        prc_text_printf(f->out, "<path d=\"%sz\" fill=\"%s\" fill-opacity=\"%.2f\"/>\n", path.s ? path.s : "", prc_arm_color((size_t)s->arm), opacity);
    if (path.failed) f->p->failed = true;
    prc_text_reset(&path);
}

static void draw_median(const prc_canvas *f, const prc_series *s, const prc_scale *sx, const prc_scale *sy)
{
    size_t drawn = 0, arm = (size_t)s->arm;
    prc_text_add(f->out, "<path d=\"");
    bool pen = false;
    for (size_t k = 0; k < s->n; k++) {
        bool on = isfinite(s->mid[k]) && !(sy->log && s->mid[k] < sy->d0); /* a logarithm has no zero */
        if (on) prc_text_printf(f->out, "%s%.1f %.1f", pen ? "L" : "M", prc_scale_at(sx, s->x[k]), y_at(sy, s->mid[k])), drawn++;
        pen = on;
    }
    prc_text_printf(f->out, "%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-linejoin=\"round\"", drawn ? "" : "M0 0", prc_arm_color(arm));
    if (prc_arm_dash(arm)[0]) prc_text_printf(f->out, " stroke-dasharray=\"%s\"", prc_arm_dash(arm));
    prc_text_add(f->out, "/>\n");
    /* a few marks along the line, staggered by arm so that they do not hide each other */
    if (s->n < 4) return;
    for (size_t j = 0; j < 3; j++) {
        size_t k = (s->n - 1) * (2 * j + 1) / 6 + arm * s->n / 40;
        if (k < s->n && isfinite(s->mid[k]) && !(sy->log && s->mid[k] < sy->d0)) prc_svg_mark(f, arm, prc_scale_at(sx, s->x[k]), y_at(sy, s->mid[k]), 3.6);
    }
}

static void draw_point(const prc_canvas *f, const prc_point *q, const prc_scale *sx, const prc_scale *sy)
{
    double x = prc_scale_at(sx, q->x), y = y_at(sy, q->y);
    prc_svg_tip(f, q->label);
    if (isfinite(q->lower) && isfinite(q->upper)) {
        double a = y_at(sy, q->lower), b = y_at(sy, q->upper);
        prc_svg_stroke(f, x, a, x, b, "#fff", 3.4, NULL);
        prc_svg_stroke(f, x, a, x, b, "#2b3137", 1.4, NULL);
    }
    prc_svg_diamond(f, x, y, 5.2, "#fff", "#2b3137");
    prc_svg_tip_end(f);
    prc_svg_text(f, x + 7, y - 5, "s", PRC_START, prc_page_text(f->p, "%d", q->number));
}

static void draw_panel(const prc_canvas *f, const prc_panels *all, const prc_panel *d, double x, double y, double w, double h)
{
    double lo, hi, ty[12], tx[12];
    prc_svg_wrap(f, x, y + 13, w - 4, 16, 1, "b", d->title);
    prc_svg_text(f, x, y + 30, "s", PRC_START, d->unit);
    panel_domain(d, &lo, &hi);
    if (!isfinite(lo) || !isfinite(hi)) {
        prc_svg_text(f, x + w / 2, y + h / 2, "s", PRC_MIDDLE, "nothing to show");
        return;
    }
    double left = x + 46, right = x + w - 14, top = y + 42, bottom = y + h - 60;
    prc_scale sy = { 0, 1, bottom, top, false }, sx = { 0, 1, left, right, false };
    size_t n_y;
    if (d->log) {
        sy.log = true;
        n_y = log_ticks(&sy, fmax(lo, d->log_floor), hi, ty);
        for (size_t i = 0; i < n_y; i++) {
            double yy = prc_scale_at(&sy, ty[i]);
            prc_svg_line(f, left, yy, right, yy, "g");
            prc_text_printf(f->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"s\" text-anchor=\"end\">10<tspan dy=\"-4\" font-size=\"9\">%.0f</tspan></text>\n", left - 6, yy + 4, round(log10(ty[i])));
        }
    } else {
        n_y = prc_scale_nice(&sy, lo, hi, 4, ty);
        prc_svg_axis_y(f, &sy, ty, n_y, left, right);
    }
    prc_scale_nice(&sx, 0, all->horizon, w > 330 ? 8 : 5, tx);
    /* the axis ends where the trial ends, ticks in whole steps of 3, 6 or 12 months */
    double step = all->horizon <= 8 ? 1 : all->horizon <= 14 ? 2 : all->horizon <= 20 ? 3 : all->horizon <= 40 ? 6 : all->horizon <= 72 ? 12 : 24;
    while (all->horizon / step > 11) step *= 2;
    size_t n_x = 0;
    for (double v = 0; v <= all->horizon * 1.001 && n_x < 12; v += step) tx[n_x++] = v;
    sx.d0 = 0;
    sx.d1 = all->horizon > 0 ? all->horizon : 1;
    prc_svg_axis_x(f, &sx, tx, n_x, bottom, top, NULL);
    prc_svg_text(f, right, bottom + 33, "s", PRC_END, "months after randomisation");
    for (size_t i = 0; i < all->n_dose; i++) {
        double xx = prc_scale_at(&sx, all->dose[i]);
        if (all->dose[i] <= sx.d1) prc_text_printf(f->out, "<path d=\"M%.1f %.1fl-4.5 -8h9z\" fill=\"#0B5C6B\"/>\n", xx, bottom + 0.5);
    }
    for (size_t i = 0; i < d->n_series; i++)
        if (d->series[i].band) draw_band(f, &d->series[i], d->series[i].q05, d->series[i].q95, &sx, &sy, 0.09);
    for (size_t i = 0; i < d->n_series; i++)
        if (d->series[i].band) draw_band(f, &d->series[i], d->series[i].q25, d->series[i].q75, &sx, &sy, 0.14);
    for (size_t i = 0; i < d->n_series; i++) draw_median(f, &d->series[i], &sx, &sy);
    for (size_t i = 0; i < d->n_point; i++) draw_point(f, &d->point[i], &sx, &sy);
}

void prc_chart_lines(const prc_canvas *f, const void *data, const char *title)
{
    const prc_panels *d = data;
    size_t columns = f->narrow ? 1 : (size_t)d->columns;
    double gap = 22, w = (f->w - gap * (double)(columns - 1)) / (double)columns, h = f->narrow ? 262 : columns > 2 ? 248 : 276;
    double head = prc_svg_legend(f, 0, false) + 12, key = d->n_dose ? 22 : 4;
    for (size_t i = 0; i < d->n; i++)
        if (d->panel[i].n_point) key = 22;
    size_t rows = (d->n + columns - 1) / columns;
    prc_svg_begin(f, head + key + h * (double)rows, title);
    prc_svg_legend(f, 0, true);
    double kx = 2, ky = head;
    if (d->n_dose) {
        prc_text_printf(f->out, "<path d=\"M%.1f %.1fl-4.5 -8h9z\" fill=\"#0B5C6B\"/>\n", kx + 6, ky + 4);
        prc_svg_text(f, kx + 16, ky + 4, "t", PRC_START, "dose");
        kx += 70;
    }
    for (size_t i = 0; i < d->n; i++)
        if (d->panel[i].n_point) {
            prc_svg_diamond(f, kx + 6, ky, 5.2, "#fff", "#2b3137");
            prc_svg_text(f, kx + 18, ky + 4, "t", PRC_START, "published, numbered below");
            break;
        }
    for (size_t i = 0; i < d->n; i++)
        draw_panel(f, d, &d->panel[i], (w + gap) * (double)(i % columns), head + key + h * (double)(i / columns), w, h);
    prc_svg_end(f);
}
