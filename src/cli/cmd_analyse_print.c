/* The result of `paracrine analyse` as a table, as CSV-like columns and as JSON. A number that does not exist is "-" and null, with a note that says why. */
#include "cmd_analyse_int.h"

#include <math.h>
#include <string.h>

prc_status an_add(an_result *r, an_row row, prc_error *err) {
    if (!PRC_GROW(r->row, r->n, r->cap)) return prc_fail(err, PRC_E_MEMORY, "out of memory for the result");
    row.p_adjusted = (double)NAN;
    r->row[r->n++] = row;
    return PRC_OK;
}

void an_result_reset(an_result *r) {
    prc_free(r->row);
    prc_text_reset(&r->notes);
    prc_json_free(r->fit);
}

/* ---- adjustment ------------------------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

/* One family: the contrasts of one kind at one visit. */
static prc_status adjust_family(const an_data *d, an_result *r, size_t first, double *p, size_t *at, double *b, prc_error *err) {
    size_t k = 0;
    for (size_t i = first; i < r->n; i++)
        if (r->row[i].contrast && same_text(r->row[i].what, r->row[first].what) && same_text(r->row[i].visit, r->row[first].visit)) {
            p[k] = r->row[i].e.p;
            at[k++] = i;
        }
    if (!strcmp(d->o->adjust, "dunnett")) {
        /* Correlations as sample sizes make them: b_i^2 = n_i / (n_i + n_0); .n of a contrast is n_i + n_0. */
        for (size_t i = 0; i < k; i++) {
            const prc_estimate *e = &r->row[at[i]].e;
            size_t n0 = 0;
            for (size_t j = 0; j < r->n; j++)
                if (!r->row[j].contrast && same_text(r->row[j].arm, r->row[at[i]].versus) && same_text(r->row[j].visit, r->row[at[i]].visit)) n0 = r->row[j].e.n;
            b[i] = e->n > n0 && n0 > 0 ? sqrt((double)(e->n - n0) / (double)e->n) : M_SQRT1_2;
        }
        for (size_t i = 0; i < k; i++) {
            const prc_estimate *e = &r->row[at[i]].e;
            r->row[at[i]].p_adjusted = prc_stat_dunnett_p(e->stat, k, b, isnan(e->df) ? (double)INFINITY : e->df);
        }
        return PRC_OK;
    }
    static const char *const name[] = {"none", "bonferroni", "holm", "hochberg", "hommel", "bh"}; /* ORDER prc_adjust */
    for (int m = 0; m < 6; m++)
        if (!strcmp(d->o->adjust, name[m])) {
            PRC_TRY(prc_stat_adjust(p, k, (prc_adjust)m, p, err));
            for (size_t i = 0; i < k; i++) r->row[at[i]].p_adjusted = p[i];
        }
    return PRC_OK;
}

static prc_status adjust(const an_data *d, an_result *r, prc_error *err) {
    if (!d->o->adjust || r->n == 0) return PRC_OK;
    double *p = prc_malloc(2 * r->n, sizeof *p);
    size_t *at = prc_malloc(r->n, sizeof *at);
    prc_status st = PRC_OK;
    if (!p || !at) st = prc_fail(err, PRC_E_MEMORY, "out of memory for the result");
    for (size_t i = 0; !st && i < r->n; i++)
        if (r->row[i].contrast && isnan(r->row[i].p_adjusted) && !isnan(r->row[i].e.p)) st = adjust_family(d, r, i, p, at, p + r->n, err);
    prc_free(p);
    prc_free(at);
    return st;
}

/* ---- notes ----------------------------------------------------------------------------------------------------- */

static void explain(an_result *r) {
    bool no_spread = false;
    for (size_t i = 0; i < r->n; i++) {
        const an_row *w = &r->row[i];
        no_spread = no_spread || (w->contrast && !isnan(w->e.estimate) && isnan(w->e.p));
        if (!isnan(w->e.estimate) || !isnan(w->e.stat)) continue;
        prc_text_printf(&r->notes, "%s%s%s%s%s%s%s: %s\n", w->what, w->arm ? ", " : "", w->arm ? w->arm : "", w->versus ? " - " : "", w->versus ? w->versus : "", w->visit ? ", " : "",
                        w->visit ? w->visit : "", w->e.n == 0 ? "nobody has a value" : "cannot be told from these data");
    }
    if (no_spread) prc_text_add(&r->notes, "too few values for a standard error: estimates without test and interval\n");
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static const char *show(double x, int digits, char *buf) {
    if (isnan(x)) return "-";
    snprintf(buf, 32, "%.*g", digits, fabs(x) < 1e-300 ? 0 : x);
    return buf;
}

static size_t width(const an_result *r, size_t offset, const char *title) {
    size_t w = strlen(title);
    for (size_t i = 0; i < r->n; i++) {
        const char *s;
        memcpy(&s, (const char *)&r->row[i] + offset, sizeof s);
        if (s && strlen(s) > w) w = strlen(s);
    }
    return w < 40 ? w : 40;
}

static bool any(const an_result *r, size_t offset) {
    for (size_t i = 0; i < r->n; i++) {
        const char *s;
        memcpy(&s, (const char *)&r->row[i] + offset, sizeof s);
        if (s) return true;
    }
    return false;
}

static void text_table(const an_data *d, const an_result *r, prc_text *t) {
    int w_what = (int)width(r, offsetof(an_row, what), ""), w_arm = (int)width(r, offsetof(an_row, arm), "arm"), w_versus = (int)width(r, offsetof(an_row, versus), "versus"),
        w_visit = (int)width(r, offsetof(an_row, visit), "at");
    bool versus = any(r, offsetof(an_row, versus)), visit = any(r, offsetof(an_row, visit)), ratio = false;
    for (size_t i = 0; i < r->n; i++) ratio = ratio || r->row[i].ratio;
    prc_text_printf(t, "%-*s  %-*s", w_what, "", w_arm, "arm");
    if (versus) prc_text_printf(t, "  %-*s", w_versus, "versus");
    if (visit) prc_text_printf(t, "  %-*s", w_visit, "at");
    prc_text_printf(t, " %7s %11s %10s %9s %9s %10s %11s %11s%s%s\n", "n", "estimate", "se", "df", "stat", "p", "ci_lb", "ci_ub", d->o->adjust ? "  p_adjusted" : "", ratio ? "  ratio (CI)" : "");
    for (size_t i = 0; i < r->n; i++) {
        const an_row *w = &r->row[i];
        char b[7][32], a[32];
        prc_text_printf(t, "%-*.40s  %-*.40s", w_what, w->what, w_arm, w->arm ? w->arm : "");
        if (versus) prc_text_printf(t, "  %-*.40s", w_versus, w->versus ? w->versus : "");
        if (visit) prc_text_printf(t, "  %-*.40s", w_visit, w->visit ? w->visit : "");
        prc_text_printf(t, " %7zu %11s %10s %9s %9s %10s %11s %11s", w->e.n, show(w->e.estimate, 6, b[0]), show(w->e.se, 5, b[1]), show(w->e.df, 5, b[2]), show(w->e.stat, 5, b[3]),
                        show(w->e.p, 4, b[4]), show(w->e.ci_lb, 6, b[5]), show(w->e.ci_ub, 6, b[6]));
        if (d->o->adjust) prc_text_printf(t, "  %10s", show(w->p_adjusted, 4, a));
        if (w->ratio && !isnan(w->e.estimate))
            prc_text_printf(t, "  %s (%s to %s)", show(exp(w->e.estimate), 4, b[0]), show(exp(w->e.ci_lb), 4, b[1]), show(exp(w->e.ci_ub), 4, b[2]));
        prc_text_add(t, "\n");
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static void json_row(const an_data *d, const an_row *w, prc_json *list) {
    prc_json *j = prc_json_set(list, NULL, prc_json_object());
    prc_json_set_text(j, "what", w->what);
    prc_json_set_text(j, "arm", w->arm);
    prc_json_set_text(j, "versus", w->versus);
    prc_json_set_text(j, "at", w->visit);
    prc_json_set_int(j, "n", (int64_t)w->e.n);
    prc_json_set_number(j, "estimate", w->e.estimate);
    prc_json_set_number(j, "se", w->e.se);
    prc_json_set_number(j, "df", w->e.df);
    prc_json_set_number(j, "stat", w->e.stat);
    prc_json_set_number(j, "p", w->e.p);
    prc_json_set_number(j, "ci_lb", w->e.ci_lb);
    prc_json_set_number(j, "ci_ub", w->e.ci_ub);
    if (d->o->adjust && w->contrast) prc_json_set_number(j, "p_adjusted", w->p_adjusted);
    if (!w->ratio) return;
    prc_json *x = prc_json_set(j, "display", prc_json_object());
    prc_json_set_number(x, "estimate", exp(w->e.estimate));
    prc_json_set_number(x, "ci_lb", exp(w->e.ci_lb));
    prc_json_set_number(x, "ci_ub", exp(w->e.ci_ub));
}

static prc_status print_json(const an_data *d, an_result *r, prc_error *err) {
    prc_json *root = prc_json_object();
    char *text = NULL;
    prc_json_set_text(root, "schema", "paracrine/analyse/1");
    prc_json_set_text(root, "method", d->o->method);
    prc_json_set_text(root, "file", d->table->source);
    prc_json_set_int(root, "rows", (int64_t)d->n);
    prc_json_set_int(root, "rows_left_out_by_where", (int64_t)d->n_filtered);
    prc_json_set_text(root, "reference", d->reference >= 0 ? d->arm.level[d->reference] : NULL);
    prc_json_set_number(root, "level", d->level);
    prc_json_set_text(root, "adjust", d->o->adjust);
    prc_json *list = prc_json_set(root, "results", prc_json_array());
    for (size_t i = 0; i < r->n; i++) json_row(d, &r->row[i], list);
    if (r->fit) prc_json_set(root, "fit", r->fit);
    r->fit = NULL;
    prc_json *notes = prc_json_set(root, "notes", prc_json_array());
    for (char *s = r->notes.s, *e; s && *s; s = e + 1) {
        e = strchr(s, '\n');
        *e = 0;
        prc_json_set_text(notes, NULL, s);
    }
    prc_json_set_text(root, "label", "Research use only. Not for treatment decisions.");
    prc_status st = prc_json_text(root, &text, err);
    prc_json_free(root);
    return st ? st : cli_print_json(text, err);
}

prc_status an_print(const an_data *d, const char *title, an_result *r, prc_error *err) {
    PRC_TRY(adjust(d, r, err));
    explain(r);
    if (r->notes.failed) return prc_fail(err, PRC_E_MEMORY, "out of memory for the result");
    if (d->o->json) return print_json(d, r, err);
    prc_text t = {0};
    prc_text_printf(&t, "%s: %s, %zu rows%s\n\n", d->table->source, title, d->n, d->n_filtered ? " that --where keeps" : "");
    text_table(d, r, &t);
    if (r->notes.n) prc_text_printf(&t, "\n%s", r->notes.s);
    prc_text_add(&t, "\nResearch use only. Not for treatment decisions.\n");
    return cli_print(&t, err);
}
