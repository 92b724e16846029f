/* CONSORT flow: screened, randomised, allocated, lost, completed; arms side by side where there is room, else as rows. */
#include "report_int.h"

#include <string.h>

typedef struct prc_flow { size_t allocated, lost, event, failed, completed; } prc_flow;

static prc_flow count_flow(const prc_page *p, size_t pop, size_t arm)
{
    prc_flow f = { 0 };
    for (size_t i = 0; i < p->r->n_subject; i++) {
        const prc_subject *s = &p->r->subject[i];
        if (s->population != pop || s->arm != arm) continue;
        f.allocated++;
        if (s->disposition == PRC_DROPPED_OUT) f.lost++;
        else if (s->disposition == PRC_HAD_EVENT) f.event++;
        else if (s->disposition == PRC_SOLVER_FAILED) f.failed++;
        else f.completed++;
    }
    return f;
}

static void box(const prc_canvas *f, double x, double y, double w, double h)
{
    prc_text_printf(f->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\" fill=\"#fff\" stroke=\"#9aa2a9\"/>\n", x, y, w, h);
}

static void down(const prc_canvas *f, double x, double y1, double y2)
{
    prc_svg_line(f, x, y1, x, y2 - 6, "ax");
    prc_text_printf(f->out, "<path d=\"M%.1f %.1fl-4 -7h8z\" fill=\"#9aa2a9\"/>\n", x, y2);
}

static void across(const prc_canvas *f, double x1, double x2, double y)
{
    prc_svg_line(f, x1, y, x2 - 6, y, "ax");
    prc_text_printf(f->out, "<path d=\"M%.1f %.1fl-7 -4v8z\" fill=\"#9aa2a9\"/>\n", x2, y);
}

static const char *criterion_words(prc_page *p, const prc_criterion *c, size_t failed)
{
    return prc_page_text(p, "%s %s", prc_count_text(p, failed), prc_words(p, c->name));
}

/* Screening at the top; returns the y where the arms start. */
static double draw_top(const prc_canvas *f, size_t pop)
{
    prc_page *p = f->p;
    const prc_population_run *run = &p->r->population[pop];
    const prc_eligibility *el = p->spec->population[pop].eligibility;
    size_t n_criteria = el && run->criterion_failed ? el->n : 0, randomised = 0, shown = n_criteria > 6 ? 6 : n_criteria;
    for (size_t a = 0; a < p->n_arm; a++) randomised += prc_arm_size(p, pop, (int)a);
    double w = f->narrow ? 120 : 240, cx = f->narrow ? w / 2 + 1 : f->w * 0.34, ex = f->narrow ? w + 24 : f->w * 0.34 + w / 2 + 60, ew = f->narrow ? f->w - ex - 1 : 280;
    double eh = 32 + 17 * (double)(shown ? shown + 1 : 0), gap = eh > 60 ? eh + 20 : 80;
    box(f, cx - w / 2, 2, w, 46);
    prc_svg_text(f, cx, 21, "b", PRC_MIDDLE, "Screened");
    prc_svg_text(f, cx, 39, "n", PRC_MIDDLE, prc_count_text(p, run->n_screened));
    double ey = 48 + (gap - eh) / 2;
    box(f, ex, ey, ew, eh);
    prc_svg_text(f, ex + 10, ey + 20, "b", PRC_START, prc_page_text(p, "Not eligible: %s", prc_count_text(p, run->n_not_eligible)));
    for (size_t i = 0; i < shown; i++) prc_svg_wrap(f, ex + 10, ey + 40 + 17 * (double)i, ew - 14, 17, 1, "s", criterion_words(p, &el->criterion[i], run->criterion_failed[i]));
    if (shown) prc_svg_text(f, ex + 10, ey + 40 + 17 * (double)shown, "s", PRC_START, n_criteria > shown ? "and others" : f->narrow ? "(may fail several)" : "(one person may fail several)");
    double ry = 48 + gap;
    down(f, cx, 48, ry);
    across(f, cx, ex, ey + eh / 2);
    box(f, cx - w / 2, ry, w, 46);
    prc_svg_text(f, cx, ry + 19, "b", PRC_MIDDLE, "Randomised");
    prc_svg_text(f, cx, ry + 37, "n", PRC_MIDDLE, prc_count_text(p, randomised));
    return ry + 46;
}

static void draw_columns(const prc_canvas *f, size_t pop, double y)
{
    prc_page *p = f->p;
    double gap = 12, w = (f->w - 2 - gap * (double)(p->n_arm - 1)) / (double)p->n_arm, cx = f->w * 0.34;
    prc_svg_line(f, cx, y, cx, y + 18, "ax");
    prc_svg_line(f, 1 + w / 2, y + 18, f->w - 1 - w / 2, y + 18, "ax");
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_flow n = count_flow(p, pop, a);
        double x = 1 + (w + gap) * (double)a, m = x + w / 2;
        down(f, m, y + 18, y + 36);
        box(f, x, y + 36, w, 46);
        prc_svg_rect(f, x, y + 36, w, 4, prc_arm_color(a), NULL);
        prc_svg_text(f, m, y + 58, "b", PRC_MIDDLE, p->arm_short[a]);
        prc_svg_text(f, m, y + 75, "n", PRC_MIDDLE, prc_page_text(p, "allocated %s", prc_count_text(p, n.allocated)));
        down(f, m, y + 82, y + 104);
        double h = 28 + (n.event ? 17 : 0) + (n.failed ? 17 : 0), ty = y + 122;
        box(f, x, y + 104, w, h);
        prc_svg_text(f, m, ty, "n", PRC_MIDDLE, prc_page_text(p, "lost %s", prc_count_text(p, n.lost)));
        if (n.event) prc_svg_text(f, m, ty += 17, "n", PRC_MIDDLE, prc_page_text(p, "had the event %s", prc_count_text(p, n.event)));
        if (n.failed) prc_svg_text(f, m, ty + 17, "n", PRC_MIDDLE, prc_page_text(p, "not computed %s", prc_count_text(p, n.failed)));
        down(f, m, y + 104 + h, y + 186);
        box(f, x, y + 186, w, 28);
        prc_svg_text(f, m, y + 205, "n", PRC_MIDDLE, prc_page_text(p, "completed %s", prc_count_text(p, n.completed)));
    }
}

static void draw_rows(const prc_canvas *f, size_t pop, double y)
{
    prc_page *p = f->p;
    double step = f->narrow ? 76 : 44, cx = f->narrow ? 61 : f->w * 0.34;
    prc_svg_line(f, cx, y, cx, y + 14, "ax");
    for (size_t a = 0; a < p->n_arm; a++) {
        prc_flow n = count_flow(p, pop, a);
        double at = y + 18 + step * (double)a;
        box(f, 1, at, f->w - 2, step - 8);
        prc_svg_rect(f, 1, at, 5, step - 8, prc_arm_color(a), NULL);
        const char *rest = prc_page_text(p, "lost %s%s%s \xe2\x86\x92 completed %s", prc_count_text(p, n.lost), n.event ? prc_page_text(p, ", had the event %s", prc_count_text(p, n.event)) : "",
                                         n.failed ? prc_page_text(p, ", not computed %s", prc_count_text(p, n.failed)) : "", prc_count_text(p, n.completed));
        prc_svg_text(f, 16, at + 22, "b", PRC_START, p->arm_short[a]);
        if (f->narrow) {
            prc_svg_text(f, f->w - 10, at + 22, "n", PRC_END, prc_page_text(p, "allocated %s \xe2\x86\x92", prc_count_text(p, n.allocated)));
            prc_svg_text(f, 16, at + 48, "n", PRC_START, rest);
        } else {
            prc_svg_text(f, 240, at + 22, "n", PRC_START, prc_page_text(p, "allocated %s \xe2\x86\x92 %s", prc_count_text(p, n.allocated), rest));
        }
    }
}

void prc_chart_flow(const prc_canvas *f, const void *population, const char *title)
{
    size_t pop = *(const size_t *)population;
    bool columns = !f->narrow && f->p->n_arm <= 6;
    prc_text body = { 0 };
    prc_canvas g = *f;
    g.out = &body;
    double y = draw_top(&g, pop), h = columns ? y + 216 : y + 20 + (f->narrow ? 76 : 44) * (double)f->p->n_arm;
    if (columns) draw_columns(&g, pop, y);
    else draw_rows(&g, pop, y);
    prc_svg_begin(f, h, title);
    prc_text_add(f->out, body.s ? body.s : "");
    if (body.failed) f->p->failed = true;
    prc_text_reset(&body);
    prc_svg_end(f);
}
