/* SVG by hand: scales, axes, marks, wrapped text. Colours stand in the elements, so that an exported chart needs no page. */
#include "report_int.h"

#include <math.h>
#include <string.h>

/* Okabe and Ito's palette in a fixed order, the darkest first; the reference arm usually comes first and is black. */
static const char *const COLOR[] = { "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8A6D00" };
static const char *const DASH[] = { "", "7 3", "2 2.5", "9 3 2 3", "12 4", "5 2 1 2 1 2", "4 4", "1 3",
                                    "14 3 3 3", "6 2 2 2", "3 1", "10 2 1 2" };

const char *prc_arm_color(size_t arm)
{
    return COLOR[arm % 8];
}

const char *prc_arm_dash(size_t arm)
{
    return DASH[arm % 12];
}

double prc_scale_at(const prc_scale *s, double x)
{
    double a = s->d0, b = s->d1;
    if (s->log) {
        a = log10(a);
        b = log10(b);
        x = log10(x > s->d0 ? x : s->d0);
    }
    return b > a ? s->r0 + (s->r1 - s->r0) * (x - a) / (b - a) : s->r0;
}

size_t prc_scale_nice(prc_scale *s, double lo, double hi, size_t want, double tick[12])
{
    if (!isfinite(lo) || !isfinite(hi) || hi < lo) lo = 0, hi = 1;
    if (hi - lo < 1e-12 * (1 + fabs(lo))) lo -= 0.5, hi += 0.5;
    double raw = (hi - lo) / (double)(want > 0 ? want : 1), unit = pow(10, floor(log10(raw))), m = raw / unit;
    double step = unit * (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10);
    while ((ceil(hi / step - 1e-9) - floor(lo / step + 1e-9)) > 11) step *= 2;
    s->d0 = step * floor(lo / step + 1e-9);
    s->d1 = step * ceil(hi / step - 1e-9);
    size_t n = 0;
    for (double k = floor(lo / step + 1e-9); n < 12 && k * step <= s->d1 + step * 1e-6; k++) tick[n++] = k * step;
    return n;
}

int prc_tick_decimals(const double *tick, size_t n)
{
    if (n < 2) return 0;
    double step = fabs(tick[1] - tick[0]);
    int d = 0;
    while (d < 6 && fabs(step * pow(10, d) - round(step * pow(10, d))) > 1e-6 * step * pow(10, d)) d++;
    return d;
}

const char *prc_tick_text(prc_page *p, double v, int decimals)
{
    if (fabs(v) >= 1e6) {
        double m = v / 1e6;
        return prc_page_text(p, "%s\xe2\x80\xafM", prc_num(p, m, fabs(m - round(m)) < 1e-9 ? 0 : 1));
    }
    return prc_num(p, v, decimals);
}

void prc_svg_begin(const prc_canvas *f, double h, const char *title)
{
    prc_text_printf(f->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", f->w, h);
    prc_escape(f->out, title);
    prc_text_printf(f->out, "\"><rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n", f->w, h);
}

void prc_svg_end(const prc_canvas *f)
{
    prc_text_add(f->out, "</svg>\n");
}

void prc_svg_text(const prc_canvas *f, double x, double y, const char *cls, prc_anchor a, const char *text)
{
    static const char *const anchor[] = { "", " text-anchor=\"middle\"", " text-anchor=\"end\"" };
    prc_text_printf(f->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\"%s>", x, y, cls, anchor[a]);
    prc_escape(f->out, text);
    prc_text_add(f->out, "</text>\n");
}

void prc_svg_line(const prc_canvas *f, double x1, double y1, double x2, double y2, const char *cls)
{
    prc_text_printf(f->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, cls);
}

void prc_svg_stroke(const prc_canvas *f, double x1, double y1, double x2, double y2, const char *color, double width, const char *dash)
{
    prc_text_printf(f->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%.1f\"", x1, y1, x2, y2,
                    color, width);
    if (dash && dash[0]) prc_text_printf(f->out, " stroke-dasharray=\"%s\"", dash);
    prc_text_add(f->out, "/>\n");
}

void prc_svg_rect(const prc_canvas *f, double x, double y, double w, double h, const char *fill, const char *stroke)
{
    prc_text_printf(f->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"", x, y, w > 0 ? w : 0, h, fill);
    if (stroke) prc_text_printf(f->out, " stroke=\"%s\"", stroke);
    prc_text_add(f->out, "/>\n");
}

/* Widths in a wide sans serif (DejaVu Sans), so that nothing overlaps in a narrower one. */
double prc_svg_width(const char *s, double size)
{
    double w = 0;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c & 0xc0) == 0x80) continue;
        if (strchr("iljt.,;:'|!()[]fI/ ", c)) w += 0.34;
        else if (strchr("mwMW%@", c)) w += 0.93;
        else if (c >= 'A' && c <= 'Z') w += 0.70;
        else w += 0.615;
    }
    return w * size;
}

/* Bytes of s that fit into width; breaks at spaces when there is one. */
static size_t fitting(const char *s, double width, double size)
{
    size_t n = strlen(s), last_space = 0, i = 0;
    double w = 0;
    while (i < n) {
        size_t k = 1;
        while (i + k < n && ((unsigned char)s[i + k] & 0xc0) == 0x80) k++;
        char one[8] = { 0 };
        memcpy(one, s + i, k < 7 ? k : 7);
        w += prc_svg_width(one, size);
        if (w > width && i > 0) return last_space ? last_space : i;
        if (s[i] == ' ') last_space = i;
        i += k;
    }
    return n;
}

#define PRC_WRAP_SIZE 13.0

size_t prc_svg_lines(const char *text, double width, size_t n_line)
{
    size_t n = 0;
    while (*text && n < n_line) {
        text += fitting(text, width, PRC_WRAP_SIZE);
        while (*text == ' ') text++;
        n++;
    }
    return n ? n : 1;
}

size_t prc_svg_wrap(const prc_canvas *f, double x, double y, double width, double step, size_t n_line, const char *cls,
                    const char *text)
{
    size_t n = 0;
    while (*text && n < n_line) {
        size_t k = fitting(text, width, PRC_WRAP_SIZE);
        bool cut = n + 1 == n_line && text[k];
        if (cut) k = fitting(text, width - PRC_WRAP_SIZE, PRC_WRAP_SIZE);
        prc_svg_text(f, x, y + step * (double)n, cls, PRC_START, prc_page_text(f->p, "%.*s%s", (int)k, text, cut ? "\xe2\x80\xa6" : ""));
        text += k;
        while (*text == ' ') text++;
        n++;
    }
    return n ? n : 1;
}

void prc_svg_tip(const prc_canvas *f, const char *text)
{
    prc_text_add(f->out, "<g class=\"tip\"><title>");
    prc_escape(f->out, text);
    prc_text_add(f->out, "</title>");
}

void prc_svg_tip_end(const prc_canvas *f)
{
    prc_text_add(f->out, "</g>\n");
}

void prc_svg_diamond(const prc_canvas *f, double x, double y, double r, const char *fill, const char *stroke)
{
    prc_text_printf(f->out, "<path d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.3\"/>\n", x, y - r, r, r,
                    -r, r, -r, -r, fill, stroke);
}

/* Regular polygon with a corner at angle a0. */
static void polygon(const prc_canvas *f, double x, double y, double r, int corners, double a0, const char *color)
{
    prc_text_add(f->out, "<path d=\"");
    for (int k = 0; k < corners; k++) {
        double a = a0 + 6.283185307179586 * k / corners;
        prc_text_printf(f->out, "%s%.1f %.1f", k ? "L" : "M", x + r * cos(a), y + r * sin(a));
    }
    prc_text_printf(f->out, "z\" fill=\"%s\" stroke=\"#fff\" stroke-width=\".8\"/>\n", color);
}

void prc_svg_mark(const prc_canvas *f, size_t arm, double x, double y, double r)
{
    const char *c = prc_arm_color(arm);
    const double up = -1.5707963267948966;
    switch (arm % 12) {
    case 0: prc_text_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" stroke=\"#fff\" stroke-width=\".8\"/>\n", x, y, r, c); break;
    case 1: prc_svg_rect(f, x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8, c, "#fff"); break;
    case 2: polygon(f, x, y, r * 1.25, 3, up, c); break;
    case 3: prc_svg_diamond(f, x, y, r * 1.2, c, "#fff"); break;
    case 4: polygon(f, x, y, r * 1.25, 3, -up, c); break;
    case 5: polygon(f, x, y, r * 1.15, 5, up, c); break;
    case 6: polygon(f, x, y, r * 1.15, 6, up, c); break;
    case 7: polygon(f, x, y, r * 1.15, 8, up, c); break;
    case 8: prc_text_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"#fff\" stroke=\"%s\" stroke-width=\"2\"/>\n", x, y, r * 0.9, c); break;
    case 9: prc_svg_rect(f, x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6, "#fff", c); break;
    case 10: prc_svg_diamond(f, x, y, r * 1.2, "#fff", c); break;
    default:
        prc_svg_stroke(f, x - r, y - r, x + r, y + r, c, 2, NULL);
        prc_svg_stroke(f, x - r, y + r, x + r, y - r, c, 2, NULL);
    }
}

double prc_svg_legend(const prc_canvas *f, double y, bool draw)
{
    double x = 2, top = y;
    for (size_t a = 0; a < f->p->n_arm; a++) {
        double w = 40 + prc_svg_width(f->p->arm_short[a], 12.5) + 18;
        if (x > 2 && x + w > f->w) x = 2, y += 20;
        if (draw) {
            prc_svg_stroke(f, x, y + 9, x + 30, y + 9, prc_arm_color(a), 2.2, prc_arm_dash(a));
            prc_svg_mark(f, a, x + 15, y + 9, 4.2);
            prc_svg_text(f, x + 36, y + 13, "t", PRC_START, f->p->arm_short[a]);
        }
        x += w;
    }
    return y + 20 - top;
}

void prc_svg_axis_x(const prc_canvas *f, const prc_scale *s, const double *tick, size_t n, double y, double grid_top, const char *label)
{
    int d = prc_tick_decimals(tick, n);
    double last = -1e9;
    for (size_t i = 0; i < n; i++) {
        double x = prc_scale_at(s, tick[i]);
        const char *text = prc_tick_text(f->p, tick[i], d);
        double half = prc_svg_width(text, 12) / 2;
        prc_svg_line(f, x, grid_top, x, y, "g");
        prc_svg_line(f, x, y, x, y + 4, "ax");
        if (x - half < last + 4) continue; /* no room: the tick stays, its number goes */
        prc_svg_text(f, x, y + 17, "s", PRC_MIDDLE, text);
        last = x + half;
    }
    prc_svg_line(f, s->r0, y, s->r1, y, "ax");
    if (label) prc_svg_text(f, (s->r0 + s->r1) / 2, y + 35, "s", PRC_MIDDLE, label);
}

void prc_svg_axis_y(const prc_canvas *f, const prc_scale *s, const double *tick, size_t n, double x, double grid_right)
{
    int d = prc_tick_decimals(tick, n);
    for (size_t i = 0; i < n; i++) {
        double y = prc_scale_at(s, tick[i]);
        prc_svg_line(f, x, y, grid_right, y, "g");
        prc_svg_text(f, x - 6, y + 4, "s", PRC_END, prc_tick_text(f->p, tick[i], d));
    }
}
