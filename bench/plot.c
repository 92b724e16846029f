/* plot.c: curves on logarithmic axes as SVG. */
#include "bench.h"

#include <math.h>

static const char *const colour[] = {"#0072B2", "#D55E00", "#000000", "#009E73", "#CC79A7", "#8A6D00"};
enum { W = 640, H = 420, LEFT = 70, RIGHT = 180, TOP = 40, BOTTOM = 50 };

typedef struct axis {
    double lo, hi, from, to;
} axis;

static double at(const axis *a, double x) { return a->from + (a->to - a->from) * (log10(x) - a->lo) / (a->hi - a->lo); }

static void widen(axis *a, double x)
{
    if (!(x > 0) || !isfinite(x)) return;
    a->lo = fmin(a->lo, floor(log10(x) + 1e-9));
    a->hi = fmax(a->hi, ceil(log10(x) - 1e-9));
}

bool plot_log(const char *path, const char *title, const char *x_name, const char *y_name, const curve *c, size_t n)
{
    axis x = {1e9, -1e9, LEFT, W - RIGHT}, y = {1e9, -1e9, H - BOTTOM, TOP};
    FILE *f = fopen(path, "w");
    if (!f) return false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c[i].n; k++) widen(&x, c[i].x[k]), widen(&y, c[i].y[k]);
    if (x.hi <= x.lo) x.hi = x.lo + 1;
    if (y.hi <= y.lo) y.hi = y.lo + 1;
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
               "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"22\" font-size=\"15\">%s</text>\n", W, H, W, H, LEFT, title);
    for (double d = x.lo; d <= x.hi; d++) {
        double px = at(&x, pow(10, d));
        fprintf(f, "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">1e%g</text>\n", px, TOP, H - BOTTOM, px, H - BOTTOM + 18, d);
    }
    for (double d = y.lo; d <= y.hi; d++) {
        double py = at(&y, pow(10, d));
        fprintf(f, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">1e%g</text>\n", LEFT, py, W - RIGHT, LEFT - 6, py + 4, d);
    }
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", (LEFT + W - RIGHT) / 2, H - 12, x_name);
    fprintf(f, "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n", (TOP + H - BOTTOM) / 2, y_name);
    for (size_t i = 0; i < n; i++) {
        const char *ink = colour[i % 6];
        fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", ink);
        for (size_t k = 0; k < c[i].n; k++) fprintf(f, "%.1f,%.1f ", at(&x, c[i].x[k]), at(&y, c[i].y[k]));
        fprintf(f, "\"/>\n");
        for (size_t k = 0; k < c[i].n; k++) fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", at(&x, c[i].x[k]), at(&y, c[i].y[k]), ink);
        fprintf(f, "<text x=\"%d\" y=\"%zu\" fill=\"%s\">%s</text>\n", W - RIGHT + 10, TOP + 16 + 20 * i, ink, c[i].name);
    }
    fprintf(f, "</svg>\n");
    return fclose(f) == 0;
}
