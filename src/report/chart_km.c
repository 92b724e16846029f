/* Kaplan-Meier curves with the numbers at risk below. */
#include "report_int.h"

#include <math.h>

/* Patients at risk just before t. */
static double at_risk(const prc_km *km, double t)
{
    for (size_t i = 0; i < km->n_step; i++)
        if (km->time[i] >= t) return km->n_risk[i];
    return 0;
}

static void curve(const prc_canvas *f, const prc_km *km, size_t arm, const prc_scale *sx, const prc_scale *sy, double horizon)
{
    double y = prc_scale_at(sy, 100), last = sx->r0;
    prc_text_printf(f->out, "<path d=\"M%.1f %.1f", sx->r0, y);
    for (size_t i = 0; i < km->n_step; i++) {
        if (km->time[i] / PRC_MONTH > horizon) break;
        double x = prc_scale_at(sx, km->time[i] / PRC_MONTH);
        last = x;
        if (!(km->n_event[i] > 0) || !isfinite(km->surv[i])) continue;
        y = prc_scale_at(sy, 100 * km->surv[i]);
        prc_text_printf(f->out, "H%.1fV%.1f", x, y);
    }
    prc_text_printf(f->out, "H%.1f\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"", last, prc_arm_color(arm));
    if (prc_arm_dash(arm)[0]) prc_text_printf(f->out, " stroke-dasharray=\"%s\"", prc_arm_dash(arm));
    prc_text_add(f->out, "/>\n");
    prc_svg_mark(f, arm, last, y, 4);
}

void prc_chart_km(const prc_canvas *f, const void *data, const char *title)
{
    const prc_km_chart *d = data;
    double head = prc_svg_legend(f, 0, false) + 12, label = 0, tick[12], ty[12];
    for (size_t i = 0; i < d->n; i++) {
        double w = prc_svg_width(f->p->arm_short[d->arm[i]], 12.5);
        if (w > label) label = w;
    }
    double left = label + 40 > 58 ? label + 40 : 58, right = f->w - 18, top = head + 24, bottom = top + (f->narrow ? 210 : 300);
    double risk = bottom + 62;
    prc_svg_begin(f, risk + 20 * (double)d->n + 6, title);
    prc_svg_legend(f, 0, true);
    prc_scale sx = { 0, d->horizon, left, right, false }, sy = { 0, 1, bottom, top, false };
    size_t n_y = prc_scale_nice(&sy, d->y_low, 100, 5, ty);
    double step = d->horizon <= 8 ? 1 : d->horizon <= 14 ? 2 : d->horizon <= 20 ? 3 : d->horizon <= 40 ? 6 : d->horizon <= 72 ? 12 : 24;
    while (d->horizon / step > (f->narrow ? 5.5 : 11)) step *= 2;
    size_t n_x = 0;
    for (double v = 0; v <= d->horizon * 1.001 && n_x < 12; v += step) tick[n_x++] = v;
    prc_svg_text(f, 0, top - 10, "s", PRC_START, d->y_label);
    prc_svg_axis_y(f, &sy, ty, n_y, left, right);
    prc_svg_axis_x(f, &sx, tick, n_x, bottom, top, "months after randomisation");
    for (size_t i = 0; i < d->n; i++) curve(f, &d->km[i], (size_t)d->arm[i], &sx, &sy, d->horizon);
    prc_svg_text(f, 0, risk - 4, "h", PRC_START, "at risk");
    for (size_t i = 0; i < d->n; i++) {
        double y = risk + 16 + 20 * (double)i;
        prc_svg_mark(f, (size_t)d->arm[i], 5, y - 4, 4);
        prc_svg_text(f, 14, y, "t", PRC_START, f->p->arm_short[d->arm[i]]);
        for (size_t k = 0; k < n_x; k++)
            prc_svg_text(f, prc_scale_at(&sx, tick[k]), y, "n", PRC_MIDDLE, prc_num(f->p, at_risk(&d->km[i], tick[k] * PRC_MONTH), 0));
    }
    prc_svg_end(f);
}
