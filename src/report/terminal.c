/* The table printed after a run: arms as columns, the range over what is assumed under every difference. */
#include "report_int.h"

#include <math.h>
#include <string.h>

/* Columns a text takes on a terminal: its code points. */
static size_t columns(const char *s)
{
    size_t n = 0;
    for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* Terminals and scripts want a plain hyphen and plain spaces. */
static const char *plain(prc_page *p, const char *s)
{
    char buf[512];
    size_t n = 0;
    while (*s && n + 4 < sizeof buf) {
        if (strncmp(s, PRC_MINUS, 3) == 0) buf[n++] = '-', s += 3;
        else if (strncmp(s, "\xe2\x80\xaf", 3) == 0) buf[n++] = ' ', s += 3;
        else if (strncmp(s, "\xc2\xa0", 2) == 0) buf[n++] = ' ', s += 2;
        else buf[n++] = *s++;
    }
    buf[n] = 0;
    return prc_page_text(p, "%s", buf);
}

typedef struct prc_lines { size_t n; const char *label[16]; const char **cell[16]; } prc_lines;

static const char **add_line(prc_page *p, prc_lines *t, const char *label)
{
    if (t->n == 16) return NULL;
    const char **cell = prc_page_alloc(p, p->n_arm, sizeof *cell);
    for (size_t a = 0; cell && a < p->n_arm; a++) cell[a] = "";
    t->label[t->n] = label;
    t->cell[t->n] = cell;
    if (cell) t->n++;
    return cell;
}

static void set_primary(prc_page *p, size_t pop, prc_lines *t)
{
    const prc_endpoint_result *x = prc_result_of(p, pop, p->primary);
    int d = prc_answer_decimals(p);
    bool event = p->ob->kind == PRC_OB_EVENT;
    const char **mean = add_line(p, t, event ? "  with the event, true %" : p->primary->change ? "  mean change (95% CI)" : "  mean (95% CI)");
    const char **diff = add_line(p, t, prc_page_text(p, "  difference to %s (95%% CI)", p->arm_short[p->reference])), **pv = add_line(p, t, "    p"), **truth = add_line(p, t, "    true value in the model"),
               **range = add_line(p, t, "    RANGE OVER WHAT IS ASSUMED");
    for (size_t a = 0; range && a < p->n_arm; a++) {
        prc_answer y;
        prc_answer_of(p, pop, (int)a, &y);
        if (event) mean[a] = prc_num(p, x && x->event_pct_true ? x->event_pct_true[a] : (double)NAN, 1);
        else if (x && x->ls_mean) mean[a] = prc_estimate_text(p, &x->ls_mean[a], d, true);
        if ((int)a == p->reference) continue;
        diff[a] = prc_estimate_text(p, &y.diff, d, true);
        pv[a] = prc_p_text(p, y.diff.p);
        truth[a] = prc_signed(p, y.truth, d);
        range[a] = isfinite(y.lower) ? prc_page_text(p, "[%s]", prc_interval(p, y.lower, y.upper, d, true)) : PRC_DASH;
    }
}

static void set_responders(prc_page *p, size_t pop, prc_lines *t)
{
    for (size_t k = 0; k < p->spec->n_endpoint; k++) {
        const prc_endpoint_result *x = prc_result_of(p, pop, &p->spec->endpoint[k]);
        if (!x || !x->rate || !(x->endpoint->analyses & (1u << PRC_AN_RESPONDER))) continue;
        const prc_observable *ob = &p->c->observable[x->endpoint->observable];
        const char **cell = add_line(p, t, prc_page_text(p, "  responders, %s (MCID %s%s%s)", ob->label ? ob->label : ob->name, prc_sig(p, fabs(x->mcid), 3), x->mcid_unit && *x->mcid_unit == '%' ? "" : " ", x->mcid_unit ? x->mcid_unit : ""));
        for (size_t a = 0; cell && a < p->n_arm; a++) cell[a] = prc_percent(p, x->rate[a].estimate, 0);
    }
}

static void pad(prc_text *out, const char *s, size_t width)
{
    prc_text_add(out, s);
    for (size_t n = columns(s); n < width; n++) prc_text_add(out, " ");
}

/* Columns as wide as their widest cell; more arms than fit into `room` go to further blocks. */
static void print_lines(prc_page *p, const prc_lines *t, const char *title, size_t room)
{
    size_t *width = prc_page_alloc(p, p->n_arm, sizeof *width), label = columns(title) + 2;
    for (size_t i = 0; i < t->n; i++)
        if (columns(t->label[i]) + 2 > label) label = columns(t->label[i]) + 2;
    if (!width) return;
    for (size_t a = 0; a < p->n_arm; a++) {
        width[a] = columns(p->arm_short[a]);
        for (size_t i = 0; i < t->n; i++) {
            t->cell[i][a] = plain(p, t->cell[i][a]);
            if (columns(t->cell[i][a]) > width[a]) width[a] = columns(t->cell[i][a]);
        }
        width[a] += 2;
    }
    for (size_t from = 0, to; from < p->n_arm; from = to) {
        size_t used = label;
        for (to = from; to < p->n_arm && (to == from || used + width[to] <= room); to++) used += width[to];
        pad(&p->out, from == 0 ? title : "  (further arms)", label);
        for (size_t a = from; a < to; a++) pad(&p->out, plain(p, p->arm_short[a]), a + 1 < to ? width[a] : 0);
        prc_text_add(&p->out, "\n");
        for (size_t i = 0; i < t->n; i++) {
            pad(&p->out, t->label[i], label);
            for (size_t a = from; a < to; a++) pad(&p->out, t->cell[i][a], a + 1 < to ? width[a] : 0);
            while (p->out.n && p->out.s[p->out.n - 1] == ' ') p->out.s[--p->out.n] = 0;
            prc_text_add(&p->out, "\n");
        }
    }
}

static void print_record(prc_page *p)
{
    static const char *const name[PRC_ROLE_COUNT] = { "used to set parameters", "built into the structure", "independent" };
    const prc_checks *k = p->checks;
    if (!k) {
        prc_text_add(&p->out, "Against the record: not checked in this run\n");
        return;
    }
    prc_text_add(&p->out, "Against the record:");
    bool first = true;
    for (int r = 0; r < PRC_ROLE_COUNT; r++) {
        size_t n = k->inside[r] + k->outside[r] + k->no_interval[r];
        if (!n) continue;
        prc_text_printf(&p->out, "%s %zu %s (%zu inside their interval, %zu outside", first ? "" : ";", n, name[r], k->inside[r], k->outside[r]);
        if (k->no_interval[r]) prc_text_printf(&p->out, ", %zu without a published interval", k->no_interval[r]);
        prc_text_add(&p->out, ")");
        first = false;
    }
    prc_text_add(&p->out, first ? " no published outcomes\n" : "\n");
    if (k->n_shown) prc_text_printf(&p->out, "  %zu shown that the model meets without cells too\n", k->n_shown);
    if (k->n_no_check || k->n_wrong_sign) prc_text_printf(&p->out, "  %zu met without cells too (no test), %zu of the wrong sign\n", k->n_no_check, k->n_wrong_sign);
}

static void print_head(prc_page *p)
{
    size_t size = p->spec->population[0].size_per_arm;
    prc_text_printf(&p->out, "%s", p->c->title);
    if (p->n_pop > 1) prc_text_printf(&p->out, " \xc2\xb7 %zu populations", p->n_pop);
    prc_text_printf(&p->out, " \xc2\xb7 %zu arms x %zu patients \xc2\xb7 %s \xc2\xb7 seed %llu\n", p->n_arm, size, prc_days(p, p->spec->horizon), (unsigned long long)p->spec->seed);
}

prc_status prc_report_terminal(const prc_report_input *in, const char *report_path, prc_text *out, prc_error *err)
{
    prc_page page;
    prc_status st = prc_page_init(&page, in, err);
    if (st != PRC_OK) goto out;
    print_head(&page);
    for (size_t pop = 0; pop < page.n_pop; pop++) {
        prc_lines t = { 0 };
        set_primary(&page, pop, &t);
        set_responders(&page, pop, &t);
        bool ancova = (page.primary->analyses & (1u << PRC_AN_ANCOVA)) != 0;
        const char *title = prc_page_text(&page, "Primary: %s%s%s%s", prc_endpoint_title(&page, page.primary), ancova ? ", ANCOVA" : "", page.n_pop > 1 ? ", " : "", page.n_pop > 1 ? prc_pop_name(&page, pop) : "");
        print_lines(&page, &t, title, 200);
    }
    print_record(&page);
    prc_text_printf(&page.out, "Patients: %zu randomised, %zu lost to follow-up, %zu solver failure%s\n", page.r->n_subject, page.r->n_lost, page.r->n_failure, page.r->n_failure == 1 ? "" : "s");
    prc_text_printf(&page.out, "%s\n", PRC_RESEARCH_USE);
    if (report_path) prc_text_printf(&page.out, "%s\n", report_path);
    if (page.failed || page.out.failed) st = prc_fail(err, PRC_E_MEMORY, "out of memory");
    if (st == PRC_OK) prc_text_addn(out, page.out.s, page.out.n);
    if (out->failed && st == PRC_OK) st = prc_fail(err, PRC_E_MEMORY, "out of memory");
out:
    prc_page_reset(&page);
    return st;
}
