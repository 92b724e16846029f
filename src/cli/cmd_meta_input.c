/* Reading a data set for `paracrine meta`: columns, effect sizes, moderators, what is dropped. */
#include "cmd_meta_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const KEY[] = {
#define PRC_X(name) #name,
    PRC_META_KEY_LIST(PRC_X)
#undef PRC_X
    "slab", "cluster", "treat1", "treat2", "outcome", "v1i", "v2i", "v3i", "v4i", "v5i", "v6i",
};
#define N_KEY (sizeof KEY / sizeof *KEY)

static prc_status no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory");
}

prc_status meta_column(const meta_input *in, const char *name, size_t *col, prc_error *err) {
    int c = prc_table_col(in->table, name);
    if (c >= 0) {
        *col = (size_t)c;
        return PRC_OK;
    }
    const char *near = prc_nearest(name, (const char *const *)in->table->col, in->table->n_col);
    return prc_fail_at(err, PRC_E_KEY, in->table->source, 0, 0, near ? "no column `%s`; did you mean `%s`?" : "no column `%s`", name, near);
}

prc_status meta_number(const prc_table *t, size_t row, size_t col, double *out, prc_error *err) {
    const char *s = prc_table_cell(t, row, col);
    if (!strcmp(s, "NA") || !strcmp(s, ".") || !strcmp(s, "NaN")) {
        *out = (double)NAN;
        return PRC_OK;
    }
    return prc_table_number(t, row, col, true, out, err);
}

static int key_find(const char *s) {
    for (size_t i = 0; i < N_KEY; i++)
        if (!strcmp(KEY[i], s)) return (int)i;
    return -1;
}

static void set_key(meta_input *in, int key, int col) {
    if (key < PRC_META_KEY_COUNT) in->key[key] = col;
    else if (key == PRC_META_KEY_COUNT + 1) in->cluster = col;
    else if (key == PRC_META_KEY_COUNT + 2) in->treat1 = col;
    else if (key == PRC_META_KEY_COUNT + 3) in->treat2 = col;
    else if (key == PRC_META_KEY_COUNT + 4) in->outcome = col;
    else if (key > PRC_META_KEY_COUNT + 4) {
        int i = key - PRC_META_KEY_COUNT - 5;
        in->cov[i] = col;
        if (in->n_cov <= i) in->n_cov = i + 1;
    }
}

/* "author+year": several columns make one label. */
static prc_status set_slab(meta_input *in, const char *value, prc_error *err) {
    char *copy = prc_arena_strdup(in->arena, value), *save = NULL;
    in->slab = prc_arena_alloc(in->arena, strlen(value) + 1, sizeof *in->slab);
    if (!copy || !in->slab) return no_memory(err);
    for (char *w = strtok_r(copy, "+", &save); w; w = strtok_r(NULL, "+", &save)) {
        size_t col = 0;
        PRC_TRY(meta_column(in, w, &col, err));
        in->slab[in->n_slab++] = (int)col;
    }
    return PRC_OK;
}

static prc_status read_columns(const cli_options *o, meta_input *in, prc_error *err) {
    static const char *const labels[] = {"slab", "study", "author", "trial"};
    for (int i = 0; i < PRC_META_KEY_COUNT; i++) in->key[i] = o->columns ? -1 : prc_table_col(in->table, KEY[i]);
    in->cluster = in->treat1 = in->treat2 = in->outcome = -1;
    for (int i = PRC_META_KEY_COUNT + 1; i < (int)N_KEY; i++)
        if (prc_table_col(in->table, KEY[i]) >= 0) set_key(in, i, prc_table_col(in->table, KEY[i]));
    char *copy = prc_arena_strdup(in->arena, o->columns ? o->columns : ""), *save = NULL;
    if (!copy) return no_memory(err);
    for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        char *eq = strchr(w, '=');
        size_t col = 0;
        if (!eq) return prc_fail(err, PRC_E_USAGE, "--columns wants key=column pairs, not `%s`", w);
        *eq = 0;
        int key = key_find(w);
        const char *near = prc_nearest(w, KEY, N_KEY);
        if (key < 0) return prc_fail(err, PRC_E_USAGE, near ? "--columns: unknown key `%s`; did you mean `%s`?" : "--columns: unknown key `%s`", w, near);
        if (key == PRC_META_KEY_COUNT) {
            PRC_TRY(set_slab(in, eq + 1, err));
            continue;
        }
        PRC_TRY(meta_column(in, eq + 1, &col, err));
        set_key(in, key, (int)col);
    }
    for (size_t i = 0; i < 4 && !in->n_slab; i++)
        if (prc_table_col(in->table, labels[i]) >= 0) PRC_TRY(set_slab(in, labels[i], err));
    return PRC_OK;
}

static prc_status read_data(meta_input *in, prc_error *err) {
    in->data.n = in->n;
    for (int k = 0; k < PRC_META_KEY_COUNT; k++) {
        if (in->key[k] < 0) continue;
        double *x = prc_malloc(in->n + 1, sizeof *x);
        if (!x) return no_memory(err);
        in->data.col[k] = x;
        for (size_t i = 0; i < in->n; i++) PRC_TRY(meta_number(in->table, i, (size_t)in->key[k], &x[i], err));
    }
    return PRC_OK;
}

/* ---- moderators ---------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_missing(const char *s) {
    return !*s || !strcmp(s, "NA") || !strcmp(s, "-") || !strcmp(s, ".");
}

prc_status meta_codes(const meta_input *in, size_t col, bool sorted, int *code, char ***level, size_t *n_level, prc_error *err) {
    size_t n = 0, cap = 0;
    char **name = NULL;
    /* Sort the distinct texts, then find each row's by bisection. */
    char **all = prc_malloc(in->k + 1, sizeof *all);
    if (!all) return no_memory(err);
    for (size_t i = 0; i < in->k; i++) all[i] = in->table->cell[in->row[i] * in->table->n_col + col];
    qsort(all, in->k, sizeof *all, by_text);
    for (size_t i = 0; i < in->k; i++)
        if (i == 0 || strcmp(all[i], all[n - 1])) all[n++] = all[i];
    name = prc_arena_alloc(in->arena, n + 1, sizeof *name);
    int *rank = prc_malloc(n + 1, sizeof *rank);
    if (!name || !rank) {
        prc_free(all);
        prc_free(rank);
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) rank[i] = sorted ? (int)i : -1;
    for (size_t i = 0; i < n && sorted; i++) name[i] = all[i];
    for (size_t i = 0; i < in->k; i++) {
        char *s = in->table->cell[in->row[i] * in->table->n_col + col];
        char **at = bsearch(&s, all, n, sizeof *all, by_text);
        size_t r = (size_t)(at - all);
        if (rank[r] < 0) {
            name[cap] = s;
            rank[r] = (int)cap++;
        }
        code[i] = rank[r];
    }
    prc_free(all);
    prc_free(rank);
    *level = name;
    *n_level = n;
    return PRC_OK;
}

/* Whether moderator `name` is a factor; *col its column. "factor(a)" says so, else a first cell that is no number does. */
static prc_status is_factor(const meta_input *in, char *name, bool *factor, size_t *col, prc_error *err) {
    size_t n = strlen(name);
    *factor = n > 8 && !strncmp(name, "factor(", 7) && name[n - 1] == ')';
    if (*factor) {
        memmove(name, name + 7, n - 7);
        name[n - 8] = 0;
    }
    PRC_TRY(meta_column(in, name, col, err));
    for (size_t i = 0; i < in->n && !*factor; i++) {
        double x;
        const char *s = prc_table_cell(in->table, i, *col);
        if (is_missing(s)) continue;
        *factor = !prc_parse_double(s, &x);
        break;
    }
    return PRC_OK;
}

/* Keeps the rows whose `keep` is set. */
static void keep_rows(meta_input *in, const bool *keep) {
    size_t m = 0;
    for (size_t i = 0; i < in->k; i++) {
        if (!keep[i]) continue;
        in->row[m] = in->row[i];
        in->yi[m] = in->yi[i];
        in->vi[m++] = in->vi[i];
    }
    in->k = m;
}

/* Drops rows with a missing cell in a column of interest. */
static prc_status drop_missing(meta_input *in, size_t col, bool number, prc_error *err) {
    bool *keep = prc_malloc(in->k + 1, sizeof *keep);
    prc_status st = keep ? PRC_OK : no_memory(err);
    for (size_t i = 0; i < in->k && !st; i++) {
        double x;
        keep[i] = !is_missing(prc_table_cell(in->table, in->row[i], col));
        if (keep[i] && number) st = meta_number(in->table, in->row[i], col, &x, err);
        if (!keep[i]) in->missing_mod++;
    }
    if (!st) keep_rows(in, keep);
    prc_free(keep);
    return st;
}

typedef struct moderator { char *name; size_t col, n_level, first; bool factor; char **level; int *code; } moderator;

static prc_status fill_design(meta_input *in, const moderator *m, size_t n, prc_error *err) {
    in->x = in->p > SIZE_MAX / (in->k + 1) ? NULL : prc_calloc(in->k * in->p + 1, sizeof *in->x);
    in->term = prc_arena_alloc(in->arena, in->p, sizeof *in->term);
    if (!in->x || !in->term) return no_memory(err);
    in->term[0] = prc_arena_strdup(in->arena, "intrcpt");
    for (size_t i = 0; i < in->k; i++) in->x[i * in->p] = 1;
    for (size_t q = 0; q < n; q++) {
        for (size_t l = 1; m[q].factor && l < m[q].n_level; l++) in->term[m[q].first + l - 1] = prc_arena_printf(in->arena, "%s%s", m[q].name, m[q].level[l]);
        if (!m[q].factor) in->term[m[q].first] = m[q].name;
        for (size_t i = 0; i < in->k; i++) {
            double x;
            if (m[q].factor) {
                if (m[q].code[i] > 0) in->x[i * in->p + m[q].first + (size_t)m[q].code[i] - 1] = 1;
                continue;
            }
            PRC_TRY(meta_number(in->table, in->row[i], m[q].col, &x, err));
            in->x[i * in->p + m[q].first] = x;
        }
    }
    return PRC_OK;
}

static prc_status read_mods(const char *list, meta_input *in, prc_error *err) {
    enum { MODS_MAX = 64 };
    moderator m[MODS_MAX] = {{0}};
    size_t n = 0;
    char *copy = prc_arena_strdup(in->arena, list), *save = NULL;
    if (!copy) return no_memory(err);
    for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        if (n == MODS_MAX) return prc_fail(err, PRC_E_USAGE, "--mods takes at most %d moderators", MODS_MAX);
        m[n].name = w;
        PRC_TRY(is_factor(in, w, &m[n].factor, &m[n].col, err));
        PRC_TRY(drop_missing(in, m[n].col, !m[n].factor, err));
        n++;
    }
    in->p = 1;
    for (size_t q = 0; q < n; q++) {
        m[q].first = in->p;
        if (!m[q].factor) {
            in->p++;
            continue;
        }
        m[q].code = prc_arena_alloc(in->arena, in->k + 1, sizeof *m[q].code);
        if (!m[q].code) return no_memory(err);
        PRC_TRY(meta_codes(in, m[q].col, true, m[q].code, &m[q].level, &m[q].n_level, err));
        if (m[q].n_level > 200) return prc_fail(err, PRC_E_VALUE, "moderator `%s` has %zu levels; is it a label?", m[q].name, m[q].n_level);
        in->p += m[q].n_level - 1;
    }
    if (in->p > 500) return prc_fail(err, PRC_E_VALUE, "%zu coefficients are too many", in->p);
    return fill_design(in, m, n, err);
}

/* ---- effects ------------------------------------------------------------------------------------------------- */

static prc_status read_effects(const cli_options *o, meta_input *in, prc_error *err) {
    double *y = prc_malloc(2 * in->n + 2, sizeof *y);
    prc_meta_drop *drop = prc_malloc(in->n + 1, sizeof *drop);
    in->row = prc_malloc(in->n + 1, sizeof *in->row);
    in->yi = prc_malloc(in->n + 1, sizeof *in->yi);
    in->vi = prc_malloc(in->n + 1, sizeof *in->vi);
    prc_status st = y && drop && in->row && in->yi && in->vi ? PRC_OK : no_memory(err);
    double *v = y ? y + in->n : NULL;
    if (!st) st = prc_meta_effects(in->measure, o->vtype, &in->data, y, v, drop, err);
    if (st && st != PRC_E_MEMORY && err) {
        snprintf(err->source, sizeof err->source, "%s", in->table->source);
        /* The message counts data rows; the place is the line of the file. */
        size_t row;
        if (sscanf(err->message, "row %zu", &row) == 1 && row >= 1 && row <= in->n) err->line = in->table->line[row - 1];
    }
    for (size_t i = 0; i < in->n && !st; i++) {
        in->missing += drop[i] == PRC_META_MISSING;
        in->undefined += drop[i] == PRC_META_UNDEFINED;
        if (drop[i] != PRC_META_USED) continue;
        /* A given variance of 0 or below names its row here, before rows are renumbered. */
        if (!(v[i] > 0)) st = prc_fail_at(err, PRC_E_VALUE, in->table->source, in->table->line[i], 0, "row %zu: the sampling variance is %g; a weight needs a positive one", i + 1, v[i]);
        in->row[in->k] = i;
        in->yi[in->k] = y[i];
        in->vi[in->k++] = v[i];
    }
    prc_free(y);
    prc_free(drop);
    return st;
}

static prc_status read_names(meta_input *in, prc_error *err) {
    in->name = prc_arena_alloc(in->arena, in->k + 1, sizeof *in->name);
    if (!in->name) return no_memory(err);
    for (size_t i = 0; i < in->k; i++) {
        char *s = in->n_slab ? NULL : prc_arena_printf(in->arena, "Study %zu", in->row[i] + 1);
        for (int c = 0; c < in->n_slab; c++) {
            const char *cell = prc_table_cell(in->table, in->row[i], (size_t)in->slab[c]);
            s = c ? prc_arena_printf(in->arena, "%s, %s", s, cell) : prc_arena_strdup(in->arena, cell);
            if (!s) break;
        }
        if (!s) return no_memory(err);
        in->name[i] = s;
    }
    return PRC_OK;
}

prc_status meta_read(const cli_options *o, meta_input *in, prc_error *err) {
    size_t n, col = 0;
    const char *want = o->measure ? o->measure : "GEN";
    in->measure = prc_meta_measure_find(want);
    if (!in->measure) {
        const prc_meta_measure *all = prc_meta_measures(&n);
        const char *names[64];
        for (size_t i = 0; i < n && i < 64; i++) names[i] = all[i].name;
        const char *near = prc_nearest(want, names, n);
        return prc_fail(err, PRC_E_USAGE, near ? "unknown measure `%s`; did you mean `%s`?" : "unknown measure `%s`; see docs/meta.md", want, near);
    }
    in->arena = prc_arena_create();
    if (!in->arena) return no_memory(err);
    PRC_TRY(prc_table_read(o->arg[0], PRC_CSV, &in->table, err));
    in->n = in->table->n_row;
    PRC_TRY(read_columns(o, in, err));
    PRC_TRY(read_data(in, err));
    PRC_TRY(read_effects(o, in, err));
    if (o->subgroup) {
        PRC_TRY(meta_column(in, o->subgroup, &col, err));
        PRC_TRY(drop_missing(in, col, false, err));
    }
    if (o->cumulative) {
        PRC_TRY(meta_column(in, o->cumulative, &col, err));
        PRC_TRY(drop_missing(in, col, false, err));
    }
    if (o->mods) PRC_TRY(read_mods(o->mods, in, err));
    if (!in->k) return prc_fail_at(err, PRC_E_VALUE, in->table->source, 0, 0, "none of the %zu rows can be used (%zu with missing cells, %zu without an effect size)", in->n, in->missing + in->missing_mod, in->undefined);
    return read_names(in, err);
}

void meta_input_reset(meta_input *in) {
    for (int k = 0; k < PRC_META_KEY_COUNT; k++) prc_free((void *)(uintptr_t)in->data.col[k]);
    prc_table_free(in->table);
    prc_free(in->row);
    prc_free(in->yi);
    prc_free(in->vi);
    prc_free(in->x);
    prc_arena_free(in->arena);
    *in = (meta_input){0};
}
