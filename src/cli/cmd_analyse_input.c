/* Reading a data set for `paracrine analyse`: columns by name, levels, what is missing. */
#include "cmd_analyse_int.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static prc_status no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the data set");
}

static bool missing(const char *s) {
    return !*s || !strcmp(s, "NA") || !strcmp(s, ".") || !strcmp(s, "-") || !strcmp(s, "NaN");
}

static prc_status find_column(const an_data *d, const char *name, const char *option, size_t *col, prc_error *err) {
    int c = prc_table_col(d->table, name);
    *col = (size_t)c;
    if (c >= 0) return PRC_OK;
    const char *near = prc_nearest(name, (const char *const *)d->table->col, d->table->n_col);
    return prc_fail_at(err, PRC_E_KEY, d->table->source, 0, 0, near ? "--%s: no column `%s`; did you mean `%s`?" : "--%s: no column `%s`", option, name, near);
}

/* Splits a comma list in the arena; NULL when out of memory. */
static char **split(an_data *d, const char *list, size_t *n) {
    size_t cap = 1;
    for (const char *c = list; *c; c++) cap += *c == ',';
    char **part = prc_arena_alloc(d->arena, cap, sizeof *part), *copy = prc_arena_strdup(d->arena, list), *save = NULL;
    *n = 0;
    if (!part || !copy) return NULL;
    for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) part[(*n)++] = w;
    return part;
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static prc_status number_at(const an_data *d, size_t row, size_t col, double *out, prc_error *err) {
    const char *s = prc_table_cell(d->table, row, col);
    *out = (double)NAN;
    if (missing(s)) return PRC_OK;
    if (!prc_parse_double(s, out)) return prc_fail_at(err, PRC_E_VALUE, d->table->source, d->table->line[row], 0, "row %zu, column `%s`: `%s` is not a number", row + 1, d->table->col[col], s);
    if (isinf(*out)) return prc_fail_at(err, PRC_E_VALUE, d->table->source, d->table->line[row], 0, "row %zu, column `%s`: the number is infinite", row + 1, d->table->col[col]);
    return PRC_OK;
}

static prc_status number_column(an_data *d, const char *name, const char *option, double **out, prc_error *err) {
    size_t col;
    PRC_TRY(find_column(d, name, option, &col, err));
    *out = prc_arena_alloc(d->arena, d->n + 1, sizeof **out);
    if (!*out) return no_memory(err);
    for (size_t i = 0; i < d->n; i++) PRC_TRY(number_at(d, i, col, &(*out)[i], err));
    return PRC_OK;
}

/* ---- levels ---------------------------------------------------------------------------------------------------- */

/* Runs of digits compare as numbers, the rest as text: "VIS2" < "VIS10", "-3" is text. */
static int natural(const char *a, const char *b) {
    double x, y;
    if (prc_parse_double(a, &x) && prc_parse_double(b, &y) && (x < y || x > y)) return x < y ? -1 : 1;
    const char *p = a, *q = b;
    while (*p && *q) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            char *pe, *qe;
            unsigned long long u = strtoull(p, &pe, 10), v = strtoull(q, &qe, 10);
            if (u != v) return u < v ? -1 : 1;
            p = pe, q = qe;
        } else if (*p != *q) {
            return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        } else {
            p++, q++;
        }
    }
    return *p || *q ? (*p ? 1 : -1) : strcmp(a, b);
}

typedef struct cell { const char *text; size_t row; } cell;

static int by_text(const void *a, const void *b) {
    const cell *x = a, *y = b;
    int c = strcmp(x->text, y->text);
    return c ? c : x->row < y->row ? -1 : x->row > y->row;
}

static int by_nature(const void *a, const void *b) {
    return natural(((const cell *)a)->text, ((const cell *)b)->text);
}

/* Text per row (NULL = missing) to levels. Sorts once by text, then the few levels naturally. */
static prc_status make_levels(an_data *d, const char *const *text, an_factor *f, prc_error *err) {
    cell *c = prc_malloc(d->n + 1, sizeof *c), *level = NULL;
    size_t m = 0, k = 0;
    prc_status st = PRC_OK;
    f->of = prc_arena_alloc(d->arena, d->n + 1, sizeof *f->of);
    if (!c || !f->of) {
        prc_free(c);
        return no_memory(err);
    }
    for (size_t i = 0; i < d->n; i++) {
        f->of[i] = -1;
        if (text[i]) c[m++] = (cell){text[i], i};
    }
    qsort(c, m, sizeof *c, by_text);
    for (size_t i = 0; i < m; i++)
        if (i == 0 || strcmp(c[i].text, c[i - 1].text)) k++;
    level = prc_malloc(k + 1, sizeof *level);
    f->level = prc_arena_alloc(d->arena, k + 1, sizeof *f->level);
    int *place = prc_malloc(k + 1, sizeof *place);
    if (!level || !f->level || !place) {
        st = no_memory(err);
        goto out;
    }
    /* Levels in the order of their text, with their number in that order; sorted naturally that number says where each went. */
    k = 0;
    for (size_t i = 0; i < m; i++) {
        if (i == 0 || strcmp(c[i].text, c[i - 1].text)) level[k] = (cell){c[i].text, k}, k++;
        f->of[c[i].row] = (int)k - 1;
    }
    qsort(level, k, sizeof *level, by_nature);
    for (size_t i = 0; i < k; i++) {
        f->level[i] = level[i].text;
        place[level[i].row] = (int)i;
    }
    for (size_t i = 0; i < d->n; i++)
        if (f->of[i] >= 0) f->of[i] = place[f->of[i]];
    f->n_level = k;
out:
    prc_free(c);
    prc_free(level);
    prc_free(place);
    return st;
}

static prc_status factor_column(an_data *d, const char *name, const char *option, an_factor *f, prc_error *err) {
    size_t col;
    PRC_TRY(find_column(d, name, option, &col, err));
    const char **text = prc_malloc(d->n + 1, sizeof *text);
    if (!text) return no_memory(err);
    for (size_t i = 0; i < d->n; i++) {
        const char *s = prc_table_cell(d->table, i, col);
        text[i] = missing(s) ? NULL : s;
    }
    f->column = d->table->col[col];
    prc_status st = make_levels(d, text, f, err);
    prc_free(text);
    return st;
}

static prc_status find_level(const an_data *d, const an_factor *f, const char *name, const char *option, int *out, prc_error *err) {
    for (size_t k = 0; k < f->n_level; k++)
        if (!strcmp(f->level[k], name)) {
            *out = (int)k;
            return PRC_OK;
        }
    const char *near = prc_nearest(name, f->level, f->n_level);
    if (near) return prc_fail_at(err, PRC_E_KEY, d->table->source, 0, 0, "--%s: column `%s` has no value `%s`; did you mean `%s`?", option, f->column, name, near);
    char list[200] = "";
    for (size_t k = 0; k < f->n_level && k < 8; k++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.20s", k ? ", " : "", f->level[k]);
    return prc_fail_at(err, PRC_E_KEY, d->table->source, 0, 0, "--%s: column `%s` has no value `%s`; it has %s%s", option, f->column, name, list, f->n_level > 8 ? ", ..." : "");
}

/* ---- the options ----------------------------------------------------------------------------------------------- */

/* --where C=VALUE,C=VALUE: rows that do not agree are taken out of the table. */
static prc_status filter_rows(an_data *d, prc_error *err) {
    size_t n_part, kept = 0;
    if (!d->o->where) return PRC_OK;
    char **part = split(d, d->o->where, &n_part);
    if (!part) return no_memory(err);
    for (size_t k = 0; k < n_part; k++) {
        char *eq = strchr(part[k], '=');
        size_t col;
        if (!eq || eq == part[k]) return prc_fail(err, PRC_E_USAGE, "--where wants COLUMN=VALUE, not `%s`", part[k]);
        *eq = 0;
        PRC_TRY(find_column(d, part[k], "where", &col, err));
        an_factor f = {0};
        int at;
        PRC_TRY(factor_column(d, part[k], "where", &f, err));
        PRC_TRY(find_level(d, &f, eq + 1, "where", &at, err));
        kept = 0;
        for (size_t i = 0; i < d->n; i++) {
            if (f.of[i] != at) continue;
            memmove(&d->table->cell[kept * d->table->n_col], &d->table->cell[i * d->table->n_col], d->table->n_col * sizeof *d->table->cell);
            d->table->line[kept++] = d->table->line[i];
        }
        d->n_filtered += d->n - kept;
        d->n = d->table->n_row = kept;
    }
    return PRC_OK;
}

/* --event C=V1,V2: number of the value per row, 0 for any other; -1 where missing. */
static prc_status event_column(an_data *d, prc_error *err) {
    const char *eq = strchr(d->o->event, '=');
    if (!eq || eq == d->o->event || !eq[1]) return prc_fail(err, PRC_E_USAGE, "--event wants COLUMN=VALUE, e.g. CNSR=0 (ADaM: 0 is an event), not `%s`", d->o->event);
    char *name = prc_arena_strndup(d->arena, d->o->event, (size_t)(eq - d->o->event));
    char **value = split(d, eq + 1, &d->n_event_value);
    an_factor f = {0};
    if (!name || !value) return no_memory(err);
    d->event_name = prc_arena_alloc(d->arena, d->n_event_value + 1, sizeof *d->event_name);
    d->event = prc_arena_alloc(d->arena, d->n + 1, sizeof *d->event);
    if (!d->event_name || !d->event) return no_memory(err);
    PRC_TRY(factor_column(d, name, "event", &f, err));
    for (size_t i = 0; i < d->n; i++) d->event[i] = f.of[i] < 0 ? -1 : 0;
    for (size_t k = 0; k < d->n_event_value; k++) {
        int at = -2;
        double x, y;
        d->event_name[k] = value[k];
        /* A value nobody has means no events, which is a result, when it is a number as the others are; a misspelt word is an error. */
        for (size_t l = 0; l < f.n_level; l++)
            if (!strcmp(f.level[l], value[k]) || (prc_parse_double(f.level[l], &x) && prc_parse_double(value[k], &y) && x <= y && x >= y)) at = (int)l;
        if (at == -2 && !prc_parse_double(value[k], &y)) PRC_TRY(find_level(d, &f, value[k], "event", &at, err));
        for (size_t i = 0; i < d->n; i++)
            if (at >= 0 && f.of[i] == at) d->event[i] = (int)k + 1;
    }
    return PRC_OK;
}

/* A covariate is a number when its first value is; otherwise its words are levels. */
static bool is_number(const an_data *d, size_t col) {
    double x;
    for (size_t i = 0; i < d->n; i++) {
        const char *s = prc_table_cell(d->table, i, col);
        if (!missing(s)) return prc_parse_double(s, &x);
    }
    return true;
}

static prc_status covariate_columns(an_data *d, prc_error *err) {
    size_t n = 0, n_strata = 0, col;
    char **name = d->o->covariates ? split(d, d->o->covariates, &n) : NULL, **strata = d->o->strata ? split(d, d->o->strata, &n_strata) : NULL;
    if ((d->o->covariates && !name) || (d->o->strata && !strata)) return no_memory(err);
    d->factor = prc_arena_alloc(d->arena, n + 1, sizeof *d->factor);
    d->strata = prc_arena_alloc(d->arena, n_strata + 1, sizeof *d->strata);
    d->covariate = prc_arena_alloc(d->arena, d->n * (n ? n : 1) + 1, sizeof *d->covariate);
    d->covariate_name = prc_arena_alloc(d->arena, n + 1, sizeof *d->covariate_name);
    if (!d->factor || !d->strata || !d->covariate || !d->covariate_name) return no_memory(err);
    for (size_t k = 0; k < n_strata; k++) PRC_TRY(factor_column(d, strata[k], "strata", &d->strata[d->n_strata++], err));
    for (size_t k = 0; k < n; k++) {
        PRC_TRY(find_column(d, name[k], "covariates", &col, err));
        if (is_number(d, col)) d->covariate_name[d->n_covariate++] = name[k];
        else PRC_TRY(factor_column(d, name[k], "covariates", &d->factor[d->n_factor++], err));
    }
    for (size_t k = 0; k < d->n_covariate; k++) {
        PRC_TRY(find_column(d, d->covariate_name[k], "covariates", &col, err));
        for (size_t i = 0; i < d->n; i++) PRC_TRY(number_at(d, i, col, &d->covariate[i * d->n_covariate + k], err));
    }
    return PRC_OK;
}

/* "<=-20" and the like: the response becomes 1 where it holds. */
static prc_status apply_threshold(an_data *d, prc_error *err) {
    const char *t = d->o->threshold;
    double limit;
    if (!t) return PRC_OK;
    bool less = t[0] == '<', equal = t[0] && t[1] == '=';
    if ((t[0] != '<' && t[0] != '>') || !prc_parse_double(t + 1 + equal, &limit)) return prc_fail(err, PRC_E_USAGE, "--threshold wants a comparison such as `<=-20` or `>=10`, not `%s`", t);
    for (size_t i = 0; i < d->n; i++) {
        double y = d->response[i];
        if (!isnan(y)) d->response[i] = less ? (equal ? y <= limit : y < limit) : (equal ? y >= limit : y > limit);
    }
    return PRC_OK;
}

/* Ordered grades: numbers or words in natural order. */
static prc_status response_column(an_data *d, prc_error *err) {
    if (d->o->method && !strcmp(d->o->method, "ordinal")) return factor_column(d, d->o->response, "response", &d->grade, err);
    PRC_TRY(number_column(d, d->o->response, "response", &d->response, err));
    return apply_threshold(d, err);
}

static prc_status make_frame(an_data *d, prc_error *err) {
    size_t n_factor = d->n_strata + d->n_factor;
    d->frame_factor = prc_arena_alloc(d->arena, d->n * (n_factor ? n_factor : 1) + 1, sizeof *d->frame_factor);
    d->frame_level = prc_arena_alloc(d->arena, n_factor + 1, sizeof *d->frame_level);
    if (!d->frame_factor || !d->frame_level) return no_memory(err);
    for (size_t k = 0; k < n_factor; k++) {
        const an_factor *f = k < d->n_strata ? &d->strata[k] : &d->factor[k - d->n_strata];
        d->frame_level[k] = f->n_level;
        for (size_t i = 0; i < d->n; i++) d->frame_factor[i * n_factor + k] = f->of[i];
    }
    d->frame = (prc_frame){.n = d->n, .n_arm = d->arm.n_level, .arm = d->arm.of, .reference = d->reference, .n_x = d->n_covariate, .x = d->covariate, .n_factor = n_factor,
                           .factor = d->frame_factor, .n_level = d->frame_level};
    return PRC_OK;
}

prc_status an_read(const cli_options *o, an_data *d, prc_error *err) {
    d->o = o;
    d->reference = -1;
    d->level = o->level > 0 ? o->level : 0.95;
    if (d->level >= 1) return prc_fail(err, PRC_E_USAGE, "--level wants a share below 1, e.g. 0.95");
    size_t len = strlen(o->arg[0]);
    PRC_TRY(prc_table_read(o->arg[0], len > 4 && !strcmp(o->arg[0] + len - 4, ".tsv") ? PRC_TSV : PRC_CSV, &d->table, err));
    d->arena = prc_arena_create();
    if (!d->arena) return no_memory(err);
    d->n = d->table->n_row;
    PRC_TRY(filter_rows(d, err));
    if (d->n == 0) return prc_fail_at(err, PRC_E_VALUE, d->table->source, 0, 0, "no rows are left to analyse");
    if (d->n > INT32_MAX / 2) return prc_fail_at(err, PRC_E_VALUE, d->table->source, 0, 0, "%zu rows are too many", d->n);
    PRC_TRY(factor_column(d, o->arm, "arm", &d->arm, err));
    if (o->reference) PRC_TRY(find_level(d, &d->arm, o->reference, "reference", &d->reference, err));
    if (o->response) PRC_TRY(response_column(d, err));
    if (o->subject) PRC_TRY(factor_column(d, o->subject, "subject", &d->subject, err));
    if (o->visit) PRC_TRY(factor_column(d, o->visit, "visit", &d->visit, err));
    if (o->time) PRC_TRY(number_column(d, o->time, "time", &d->time, err));
    if (o->event) PRC_TRY(event_column(d, err));
    for (size_t i = 0; d->time && i < d->n; i++)
        if (d->time[i] < 0) return prc_fail_at(err, PRC_E_VALUE, d->table->source, d->table->line[i], 0, "row %zu, column `%s`: a time below 0", i + 1, o->time);
    if (o->exposure) {
        PRC_TRY(number_column(d, o->exposure, "exposure", &d->offset, err));
        for (size_t i = 0; i < d->n; i++) {
            if (d->offset[i] <= 0) return prc_fail_at(err, PRC_E_VALUE, d->table->source, d->table->line[i], 0, "row %zu, column `%s`: an exposure must be above 0", i + 1, o->exposure);
            d->offset[i] = log(d->offset[i]);
        }
    }
    PRC_TRY(covariate_columns(d, err));
    return make_frame(d, err);
}

void an_free(an_data *d) {
    prc_table_free(d->table);
    prc_arena_free(d->arena);
}
