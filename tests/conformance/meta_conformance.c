/* meta_conformance.c: holds the meta-analysis engine against every value of ../shared/reference/metafor (R 4.2, metafor 3.8) and prints the worst relative difference
 * of each file. Skipped with a note where the folder is not there; tests/ref/meta_* holds a small set that always runs.
 *
 * Differences are relative to the reference value; where that is below 1e-10 (a tau2 of 5e-15 stands for 0) they are absolute. Tolerances: methods notes section 6. */
#include "../tap.h"
#include "paracrine/meta.h"
#include "paracrine/table.h"

#include <stdlib.h>
#include <unistd.h>

/* Columns live until the end of the program. */
static void **kept_list;
static size_t n_kept, cap_kept;

static void release(void)
{
    for (size_t i = 0; i < n_kept; i++) free(kept_list[i]);
    prc_free(kept_list);
}

static void *kept(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p || !PRC_GROW(kept_list, n_kept, cap_kept)) abort();
    if (n_kept == 0) atexit(release);
    kept_list[n_kept++] = p;
    return p;
}

static const char *folder;

/* ---- bookkeeping --------------------------------------------------------------------------------------------- */

static struct { const char *file; long n; double worst, tol; char where[500]; long bad; } now;

static void begin(const char *file, double tol)
{
    memset(&now, 0, sizeof now);
    now.file = file;
    now.tol = tol;
}

static void compare_tol(const char *key, const char *name, double got, double want, double tol)
{
    double diff;
    now.n++;
    if (isnan(got) && isnan(want)) return;
    if (isnan(got) || isnan(want)) diff = (double)INFINITY;
    else diff = fabs(got - want) / (fabs(want) < 1e-10 && strstr(name, "p") == NULL ? 1 : fabs(want) > 0 ? fabs(want) : 1);
    if (!(diff <= tol) && ++now.bad <= 25) printf("#   %s %s %s: got %.17g, want %.17g, off by %.2g\n", now.file, key, name, got, want, diff);
    if (diff > now.worst || isinf(diff)) {
        now.worst = diff;
        snprintf(now.where, sizeof now.where, "%s %s", key, name);
    }
}

static void compare(const char *key, const char *name, double got, double want)
{
    compare_tol(key, name, got, want, now.tol);
}

/* An end of an interval, relative to the larger of itself and its standard error: an end near 0 has no digits of its own. */
static void compare_end(const char *key, const char *name, double got, double want, double se)
{
    double scale = fmax(fabs(want), se);
    if (isnan(want) || isnan(got)) compare(key, name, got, want);
    else compare(key, name, 1 + (got - want) / scale, 1);
}

static void finish(long expected)
{
    TAP_THAT(now.bad == 0 && now.n == expected, "%-22s %5ld values (of %ld), worst relative difference %.2g at %s", now.file, now.n, expected, now.worst, now.where);
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

static prc_table *read_csv(const char *name)
{
    char path[600];
    prc_error err;
    prc_table *t = NULL;
    snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    if (prc_table_read(path, PRC_CSV, &t, &err)) {
        printf("Bail out! %s: %s\n", path, err.message);
        exit(1);
    }
    return t;
}

static double parse(const char *s)
{
    double x;
    return prc_parse_double(s, &x) ? x : (double)NAN;
}

static size_t col_of(const prc_table *t, const char *name)
{
    int c = prc_table_col(t, name);
    if (c < 0) {
        printf("Bail out! no column %s in %s\n", name, t->source);
        exit(1);
    }
    return (size_t)c;
}

static double num(const prc_table *t, size_t row, const char *name) { return parse(prc_table_cell(t, row, col_of(t, name))); }
static const char *txt(const prc_table *t, size_t row, const char *name) { return prc_table_cell(t, row, col_of(t, name)); }

static double *column(const prc_table *t, const char *name)
{
    size_t c = col_of(t, name);
    double *x = kept(t->n_row + 1, sizeof *x);
    for (size_t i = 0; i < t->n_row; i++) x[i] = parse(prc_table_cell(t, i, c));
    return x;
}

static int *codes(const prc_table *t, const char *name, size_t *n_level)
{
    size_t c = col_of(t, name), n = 0;
    int *x = kept(t->n_row + 1, sizeof *x);
    for (size_t i = 0; i < t->n_row; i++) {
        x[i] = -1;
        for (size_t j = 0; j < i && x[i] < 0; j++)
            if (!strcmp(prc_table_cell(t, i, c), prc_table_cell(t, j, c))) x[i] = x[j];
        if (x[i] < 0) x[i] = (int)n++;
    }
    *n_level = n;
    return x;
}

/* ---- data sets ----------------------------------------------------------------------------------------------- */

typedef struct set { char name[64], measure[24]; size_t k; double *y, *v, *ni; prc_meta_data d; } set;
static set sets[64];
static size_t n_set;

static void give(prc_meta_data *d, const prc_table *t, prc_meta_key key, const char *name)
{
    d->n = t->n_row;
    d->col[key] = column(t, name);
}

/* "key=column,..." */
static void give_all(prc_meta_data *d, const prc_table *t, const char *spec)
{
    static const char *const key[] = {
#define PRC_X(name) #name,
        PRC_META_KEY_LIST(PRC_X)
#undef PRC_X
    };
    char buf[300], *save = NULL;
    snprintf(buf, sizeof buf, "%s", spec);
    for (char *s = strtok_r(buf, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
        char *eq = strchr(s, '=');
        *eq = 0;
        for (int k = 0; k < PRC_META_KEY_COUNT; k++)
            if (!strcmp(key[k], s)) give(d, t, (prc_meta_key)k, eq + 1);
    }
}

static const char *spec_of(const char *name, const char *measure)
{
    if (!strcmp(name, "dat.bcg")) return "ai=tpos,bi=tneg,ci=cpos,di=cneg";
    if (!strcmp(name, "dat.collins1985b.pre")) return "ai=pre.xti,n1i=pre.nti,ci=pre.xci,n2i=pre.nci";
    if (!strcmp(name, "dat.nielweise2008")) return "x1i=x1i,t1i=t1i,x2i=x2i,t2i=t2i";
    if (!strcmp(name, "dat.normand1999")) return "m1i=m1i,sd1i=sd1i,n1i=n1i,m2i=m2i,sd2i=sd2i,n2i=n2i";
    if (!strncmp(name, "morris", 6)) return strstr(measure, "SMCR") ? "m1i=m_post,m2i=m_pre,sd1i=sd_pre,ni=ni,ri=ri" : "m1i=m_post,m2i=m_pre,sd1i=sd_post,sd2i=sd_pre,ni=ni,ri=ri";
    if (!strcmp(name, "dat.molloy2014")) return "ri=ri,ni=ni";
    if (!strcmp(name, "dat.pritz1997")) return "xi=xi,ni=ni";
    if (!strcmp(measure, "GEN")) return "yi=yi,vi=vi";
    return "ai=ai,n1i=n1i,ci=ci,n2i=n2i";
}

static void effects_into(const char *file, const char *spec, const char *measure, set *s)
{
    char path[128], name[24], *dash;
    snprintf(path, sizeof path, "data/%s", file);
    prc_table *t = read_csv(path);
    snprintf(name, sizeof name, "%s", measure);
    dash = strchr(name, '-');
    if (dash) *dash = 0;
    give_all(&s->d, t, spec);
    s->k = t->n_row;
    s->y = kept(s->k, sizeof *s->y);
    s->v = kept(s->k, sizeof *s->v);
    prc_error err;
    const prc_meta_measure *m = prc_meta_measure_find(name);
    if (!m || prc_meta_effects(m, dash && strcmp(dash + 1, "diff") ? dash + 1 : NULL, &s->d, s->y, s->v, NULL, &err)) {
        printf("Bail out! %s %s: %s\n", file, measure, m ? err.message : "unknown measure");
        exit(1);
    }
    prc_table_free(t);
}

static const set *get(const char *name, const char *measure)
{
    for (size_t i = 0; i < n_set; i++)
        if (!strcmp(sets[i].name, name) && !strcmp(sets[i].measure, measure)) return &sets[i];
    set *s = &sets[n_set++];
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->measure, sizeof s->measure, "%s", measure);
    if (!strcmp(name, "morris2008_dppc")) {
        set c = {0};
        effects_into("morris2008_treatment", spec_of(name, measure), measure, s);
        effects_into("morris2008_control", spec_of(name, measure), measure, &c);
        for (size_t i = 0; i < s->k; i++) s->y[i] -= c.y[i], s->v[i] += c.v[i];
    } else {
        effects_into(!strcmp(name, "dat.collins1985b.pre") ? "dat.collins1985b" : name, spec_of(name, measure), measure, s);
    }
    return s;
}

static const char *key_of(const prc_table *t, size_t r, const char *fifth)
{
    static char buf[300];
    snprintf(buf, sizeof buf, "%s %s %s", txt(t, r, "dataset"), txt(t, r, "measure"), fifth);
    return buf;
}

/* ---- files --------------------------------------------------------------------------------------------------- */

static void effects(void)
{
    prc_table *t = read_csv("effects");
    begin("effects", 1e-12);
    for (size_t r = 0; r < t->n_row; r++) {
        const set *s = get(txt(t, r, "dataset"), txt(t, r, "measure"));
        size_t i = (size_t)num(t, r, "row") - 1;
        const char *key = key_of(t, r, txt(t, r, "row"));
        compare(key, "yi", s->y[i], num(t, r, "yi"));
        /* metafor's UB takes the bias correction from a difference of lgammas, good to 1e-13, and loses another digit; ours is exact. */
        compare_tol(key, "vi", s->v[i], num(t, r, "vi"), !strcmp(s->measure, "SMD-UB") ? 1e-11 : 1e-12);
    }
    finish((long)t->n_row * 2);
    prc_table_free(t);
}

static prc_meta_fit fit_of(const set *s, const char *method, const char *test)
{
    prc_meta_options o = prc_meta_default();
    prc_meta_fit f;
    prc_error err;
    if (!prc_meta_method_parse(method, &o.method) || !prc_meta_test_parse(test, &o.test) || prc_meta_fit_uni(s->y, s->v, NULL, s->k, 1, &o, &f, &err)) {
        printf("Bail out! fit %s %s: %s\n", s->name, method, err.message);
        exit(1);
    }
    return f;
}

static void reference(void)
{
    prc_table *t = read_csv("reference"), *x = read_csv("reference_extra");
    for (int part = 0; part < 2; part++) {
        prc_table *u = part ? x : t;
        begin(part ? "reference_extra" : "reference", 1e-9);
        for (size_t r = 0; r < u->n_row; r++) {
            const char *method = txt(u, r, "method");
            prc_meta_fit f = fit_of(get(txt(u, r, "dataset"), txt(u, r, "measure")), method, txt(u, r, "test"));
            char key[400];
            snprintf(key, sizeof key, "%s %s", key_of(u, r, method), txt(u, r, "test"));
            const struct { const char *name; double x; } v0[] = {{"k", (double)f.k}, {"estimate", f.beta[0]}, {"se", f.se[0]}, {"ci_lb", f.ci_lb[0]}, {"ci_ub", f.ci_ub[0]}, {"tau2", f.tau2},
                {"se_tau2", f.se_tau2}, {"I2", f.I2}, {"H2", f.H2}, {"QE", f.QE}, {"QEp", f.QEp}, {"pi_lb", f.pi_lb}, {"pi_ub", f.pi_ub}};
            const struct { const char *name; double x; } v1[] = {{"stat", f.stat[0]}, {"pval", f.pval[0]}, {"ddf", f.ddf}, {"tau2_lb", f.tau2_lb}, {"tau2_ub", f.tau2_ub}, {"I2_lb", f.I2_lb}, {"I2_ub", f.I2_ub},
                {"H2_lb", f.H2_lb}, {"H2_ub", f.H2_ub}, {"pi_hts_lb", f.pi_hts_lb}, {"pi_hts_ub", f.pi_hts_ub}, {"logLik", f.logLik}, {"AIC", f.AIC}, {"BIC", f.BIC}};
            for (size_t i = 0; i < (part ? sizeof v1 / sizeof *v1 : sizeof v0 / sizeof *v0); i++) {
                const char *name = part ? v1[i].name : v0[i].name;
                double got = part ? v1[i].x : v0[i].x;
                if (!strncmp(name, "ci_", 3) || !strncmp(name, "pi_", 3)) compare_end(key, name, got, num(u, r, name), f.se[0]);
                else compare(key, name, got, num(u, r, name));
            }
            prc_meta_fit_reset(&f);
        }
        finish((long)u->n_row * (part ? 14 : 13));
    }
    prc_table_free(t);
    prc_table_free(x);
}

static void lines(const char *file, double tol)
{
    prc_table *t = read_csv(file);
    prc_meta_line *out = NULL;
    const set *last = NULL;
    char method[16] = "";
    bool leave = !strcmp(file, "leave1out");
    begin(file, tol);
    for (size_t r = 0; r < t->n_row; r++) {
        const set *s = get(txt(t, r, "dataset"), txt(t, r, "measure"));
        if (s != last || strcmp(method, txt(t, r, "method"))) {
            prc_meta_options o = prc_meta_default();
            o.test = PRC_META_Z;
            snprintf(method, sizeof method, "%s", txt(t, r, "method"));
            (void)prc_meta_method_parse(method, &o.method);
            out = kept(s->k, sizeof *out);
            prc_status st = leave ? prc_meta_leave1out(s->y, s->v, s->k, &o, out, NULL) : prc_meta_cumulative(s->y, s->v, NULL, s->k, &o, out, NULL);
            TAP_THAT(st == PRC_OK, "%s %s", file, method);
            last = s;
        }
        const prc_meta_line *l = &out[(size_t)num(t, r, leave ? "omitted" : "upto") - 1];
        char key[400];
        snprintf(key, sizeof key, "%s %zu", key_of(t, r, method), r);
        compare(key, "estimate", l->estimate, num(t, r, "estimate"));
        compare(key, "se", l->se, num(t, r, "se"));
        compare(key, "tau2", l->tau2, num(t, r, "tau2"));
        if (!leave) continue;
        compare(key, "ci_lb", l->ci_lb, num(t, r, "ci_lb"));
        compare(key, "ci_ub", l->ci_ub, num(t, r, "ci_ub"));
        compare(key, "I2", l->I2, num(t, r, "I2"));
        compare(key, "H2", l->H2, num(t, r, "H2"));
        compare(key, "QE", l->QE, num(t, r, "QE"));
    }
    finish((long)t->n_row * (leave ? 8 : 3));
    prc_table_free(t);
}

static void influence(void)
{
    prc_table *t = read_csv("influence");
    prc_meta_influence *out = NULL;
    const set *last = NULL;
    char method[16] = "";
    begin("influence", 1e-8);
    for (size_t r = 0; r < t->n_row; r++) {
        const set *s = get(txt(t, r, "dataset"), txt(t, r, "measure"));
        if (s != last || strcmp(method, txt(t, r, "method"))) {
            prc_meta_options o = prc_meta_default();
            o.test = PRC_META_Z;
            snprintf(method, sizeof method, "%s", txt(t, r, "method"));
            (void)prc_meta_method_parse(method, &o.method);
            out = kept(s->k, sizeof *out);
            TAP_INT(prc_meta_influences(s->y, s->v, NULL, s->k, 1, &o, out, NULL), PRC_OK);
            last = s;
        }
        const prc_meta_influence *l = &out[(size_t)num(t, r, "row") - 1];
        char key[400];
        snprintf(key, sizeof key, "%s %s", key_of(t, r, method), txt(t, r, "row"));
        const struct { const char *name; double x; } v[] = {{"rstudent", l->rstudent}, {"dffits", l->dffits}, {"cook_d", l->cook_d}, {"cov_r", l->cov_r}, {"tau2_del", l->tau2_del},
            {"QE_del", l->QE_del}, {"hat", l->hat}, {"weight", l->weight}};
        for (size_t i = 0; i < sizeof v / sizeof *v; i++) compare(key, v[i].name, v[i].x, num(t, r, v[i].name));
        compare(key, "infl", l->flagged, strchr(txt(t, r, "infl"), '*') ? 1 : 0);
    }
    finish((long)t->n_row * 9);
    prc_table_free(t);
}

static void blup(void)
{
    prc_table *t = read_csv("blup");
    begin("blup", 1e-8);
    for (size_t r = 0; r < t->n_row; r++) {
        const set *s = get(txt(t, r, "dataset"), txt(t, r, "measure"));
        prc_meta_fit f = fit_of(s, txt(t, r, "method"), "z");
        double b[4][64];
        size_t i = (size_t)num(t, r, "row") - 1;
        prc_meta_blup(&f, s->y, s->v, NULL, b[0], b[1], b[2], b[3]);
        const char *key = key_of(t, r, txt(t, r, "row"));
        compare(key, "pred", b[0][i], num(t, r, "pred"));
        compare(key, "se", b[1][i], num(t, r, "se"));
        compare(key, "pi_lb", b[2][i], num(t, r, "pi_lb"));
        compare(key, "pi_ub", b[3][i], num(t, r, "pi_ub"));
        prc_meta_fit_reset(&f);
    }
    finish((long)t->n_row * 4);
    prc_table_free(t);
}

static void backtransf(void)
{
    prc_table *t = read_csv("backtransf");
    begin("backtransf", 1e-9);
    for (size_t r = 0; r < t->n_row; r++) {
        const set *s = get(txt(t, r, "dataset"), txt(t, r, "measure"));
        const prc_meta_measure *m = prc_meta_measure_find(s->measure);
        prc_meta_fit f = fit_of(s, txt(t, r, "method"), "z");
        double n = prc_meta_harmonic_mean(s->d.col[PRC_META_ni], s->k);
        const char *key = key_of(t, r, txt(t, r, "method"));
        compare(key, "harmonic_n", m->back == PRC_BACK_PFT ? n : (double)NAN, num(t, r, "harmonic_n"));
        compare(key, "prop", prc_meta_back_value(m->back, f.beta[0], n), num(t, r, "prop"));
        compare(key, "ci_lb", prc_meta_back_value(m->back, f.ci_lb[0], n), num(t, r, "ci_lb"));
        compare(key, "ci_ub", prc_meta_back_value(m->back, f.ci_ub[0], n), num(t, r, "ci_ub"));
        compare(key, "pi_lb", prc_meta_back_value(m->back, f.pi_lb, n), num(t, r, "pi_lb"));
        compare(key, "pi_ub", prc_meta_back_value(m->back, f.pi_ub, n), num(t, r, "pi_ub"));
        prc_meta_fit_reset(&f);
    }
    finish((long)t->n_row * 6);
    prc_table_free(t);
}

/* ---- regression ---------------------------------------------------------------------------------------------- */

/* Design of a formula of the reference file; returns columns, rows of s without a missing moderator in y, v. */
static size_t design(const char *dataset, const char *mods, const set *s, double **x, double *y, double *v, size_t *k)
{
    char path[100], buf[200], *save = NULL, name[12][32];
    size_t p = 1, n = 0;
    snprintf(path, sizeof path, "data/%s", dataset);
    prc_table *t = read_csv(path);
    snprintf(buf, sizeof buf, "%s", mods + 1);
    for (char *w = strtok_r(buf, " +", &save); w; w = strtok_r(NULL, " +", &save)) snprintf(name[n++], 32, "%s", w);
    bool factor = !strcmp(name[0], "alloc");
    p = 1 + (factor ? 2 : n);
    *x = kept(t->n_row * p, sizeof **x);
    *k = 0;
    for (size_t i = 0; i < t->n_row; i++) {
        double *row = *x + *k * p;
        bool ok = true;
        row[0] = 1;
        for (size_t j = 0; j < n && !factor; j++) {
            row[j + 1] = num(t, i, name[j]);
            ok = ok && !isnan(row[j + 1]);
        }
        if (factor) row[1] = !strcmp(txt(t, i, "alloc"), "random"), row[2] = !strcmp(txt(t, i, "alloc"), "systematic");
        if (!ok) continue;
        y[*k] = s->y[i];
        v[(*k)++] = s->v[i];
    }
    prc_table_free(t);
    return p;
}

static void regression(void)
{
    prc_table *t = read_csv("regression_coef"), *m = read_csv("regression_model");
    for (int part = 0; part < 2; part++) {
        prc_table *u = part ? m : t;
        size_t term = 0;
        begin(part ? "regression_model" : "regression_coef", 1e-8);
        for (size_t r = 0; r < u->n_row; r++) {
            const char *ds = txt(u, r, "dataset"), *mods = txt(u, r, "mods");
            const set *s = get(ds, txt(u, r, "measure"));
            double *x, y[100], v[100];
            size_t k, p = design(ds, mods, s, &x, y, v, &k);
            prc_meta_options o = prc_meta_default();
            prc_meta_fit f;
            prc_error err;
            (void)prc_meta_method_parse(txt(u, r, "method"), &o.method);
            (void)prc_meta_test_parse(txt(u, r, "test"), &o.test);
            if (prc_meta_fit_uni(y, v, x, k, p, &o, &f, &err)) {
                printf("Bail out! %s\n", err.message);
                exit(1);
            }
            char key[600];
            snprintf(key, sizeof key, "%s %s %s", key_of(u, r, txt(u, r, "method")), txt(u, r, "test"), mods);
            if (!part) {
                term = !strcmp(txt(u, r, "term"), "intrcpt") ? 0 : term + 1;
                const struct { const char *name; double x; } c[] = {{"estimate", f.beta[term]}, {"se", f.se[term]}, {"stat", f.stat[term]}, {"pval", f.pval[term]}, {"ci_lb", f.ci_lb[term]}, {"ci_ub", f.ci_ub[term]}};
                for (size_t i = 0; i < 6; i++) compare(key, c[i].name, c[i].x, num(u, r, c[i].name));
            } else {
                const struct { const char *name; double x; } c[] = {{"k", (double)f.k}, {"p", (double)f.p}, {"tau2", f.tau2}, {"se_tau2", f.se_tau2}, {"I2", f.I2}, {"H2", f.H2}, {"QE", f.QE}, {"QEp", f.QEp},
                    {"QM", f.QM}, {"QMp", f.QMp}, {"logLik", f.logLik}, {"AIC", f.AIC}};
                for (size_t i = 0; i < 12; i++) compare(key, c[i].name, c[i].x, num(u, r, c[i].name));
                /* R2 compares with a tau2 without moderators that metafor fitted with its loose default convergence. */
                compare_tol(key, "R2", f.R2, num(u, r, "R2"), 1e-4);
            }
            prc_meta_fit_reset(&f);
        }
        finish((long)u->n_row * (part ? 13 : 6));
    }
    prc_table_free(t);
    prc_table_free(m);
}

static void subgroup(void)
{
    prc_table *t = read_csv("subgroup"), *d = read_csv("data/dat.bcg");
    size_t n_level;
    int *group = codes(d, "alloc", &n_level);
    const set *s = get("dat.bcg", "RR");
    begin("subgroup", 1e-9);
    for (size_t r = 0; r < t->n_row; r++) {
        prc_meta_options o = prc_meta_default();
        prc_meta_fit f[3];
        double q, df, p;
        o.test = PRC_META_Z;
        (void)prc_meta_method_parse(txt(t, r, "method"), &o.method);
        TAP_INT(prc_meta_subgroups(s->y, s->v, group, s->k, n_level, &o, f, &q, &df, &p, NULL), PRC_OK);
        const char *key = key_of(t, r, txt(t, r, "method")), *name = txt(t, r, "subgroup");
        if (!strcmp(name, "Q_between")) {
            compare(key, "Q_between", q, num(t, r, "estimate"));
            compare(key, "Q_between p", p, num(t, r, "se"));
            compare(key, "groups", df + 1, num(t, r, "k"));
        } else {
            size_t g = 0;
            for (size_t i = 0; i < d->n_row; i++)
                if (!strcmp(txt(d, i, "alloc"), name)) g = (size_t)group[i];
            compare(key, "k", (double)f[g].k, num(t, r, "k"));
            compare(key, "estimate", f[g].beta[0], num(t, r, "estimate"));
            compare(key, "se", f[g].se[0], num(t, r, "se"));
            compare(key, "tau2", f[g].tau2, num(t, r, "tau2"));
            compare(key, "I2", f[g].I2, num(t, r, "I2"));
            compare(key, "QE", f[g].QE, num(t, r, "QE"));
        }
        for (size_t g = 0; g < n_level; g++) prc_meta_fit_reset(&f[g]);
    }
    finish(3 * (3 * 6 + 3));
    prc_table_free(t);
    prc_table_free(d);
}
/* ---- small-study effects, tables ----------------------------------------------------------------------------- */

static void bias(void)
{
    prc_table *t = read_csv("bias");
    begin("bias", 1e-6);
    for (size_t r = 0; r < t->n_row; r++) {
        const set *s = get(txt(t, r, "dataset"), txt(t, r, "measure"));
        const char *test = txt(t, r, "test");
        double stat = (double)NAN, df = stat, p = stat, limit = stat, lb = stat, ub = stat;
        prc_meta_options o = prc_meta_default();
        prc_status st = PRC_OK;
        o.test = PRC_META_Z;
        if (!strncmp(test, "Egger", 5)) {
            prc_meta_egger e;
            st = prc_meta_egger_test(s->y, s->v, s->k, strstr(test, "lm") != NULL, &o, &e, NULL);
            stat = e.stat, df = e.df, p = e.p, limit = e.limit, lb = e.limit_lb, ub = e.limit_ub;
        } else if (!strncmp(test, "Begg", 4)) {
            st = prc_meta_begg(s->y, s->v, s->k, &stat, &p, NULL);
        } else if (!strncmp(test, "trimfill", 8)) {
            prc_meta_trimfill_result f;
            o.method = strstr(test, "FE") ? PRC_META_FE : PRC_META_REML;
            st = prc_meta_trimfill(s->y, s->v, s->k, strstr(test, "L0") ? PRC_META_L0 : PRC_META_R0, 0, &o, &f, NULL, NULL, NULL);
            stat = (double)f.k0, limit = f.filled.estimate, lb = f.filled.ci_lb, ub = f.filled.ci_ub;
        } else {
            prc_meta_failsafe(s->y, s->v, s->k, strstr(test, "Rosenthal") ? PRC_META_ROSENTHAL : strstr(test, "Orwin") ? PRC_META_ORWIN : PRC_META_ROSENBERG, 0.05, &stat, &p);
        }
        const char *key = key_of(t, r, test);
        compare(key, "status", st, PRC_OK);
        compare(key, "stat", stat, num(t, r, "stat"));
        compare(key, "df", df, num(t, r, "df"));
        compare(key, "p", p, num(t, r, "p"));
        /* trimfill() refits with metafor's default convergence, about five digits of tau2. */
        double tol = strstr(test, "trimfill-REML") ? 1e-5 : now.tol;
        compare_tol(key, "limit_est", limit, num(t, r, "limit_est"), tol);
        compare_tol(key, "limit_lb", lb, num(t, r, "limit_lb"), tol);
        compare_tol(key, "limit_ub", ub, num(t, r, "limit_ub"), tol);
    }
    finish((long)t->n_row * 7);
    prc_table_free(t);
}

/* Tables of a data set: dat.yusuf1985.table6 is a part of a file. */
static prc_meta_data tables_of(const char *name)
{
    prc_meta_data d = {0};
    if (strcmp(name, "dat.yusuf1985.table6")) return get(name, !strcmp(name, "dat.nielweise2008") ? "IRR" : "OR")->d;
    prc_table *t = read_csv("data/dat.yusuf1985");
    give_all(&d, t, "ai=ai,n1i=n1i,ci=ci,n2i=n2i");
    size_t n = 0;
    for (size_t i = 0; i < t->n_row; i++) {
        if (strcmp(txt(t, i, "table"), "6")) continue;
        for (int k = 0; k < PRC_META_KEY_COUNT; k++)
            if (d.col[k]) { double x = d.col[k][i]; memcpy((char *)(uintptr_t)d.col[k] + n * sizeof x, &x, sizeof x); }
        n++;
    }
    d.n = n;
    prc_table_free(t);
    return d;
}

static void mh_peto(void)
{
    prc_table *t = read_csv("mh_peto");
    begin("mh_peto", 1e-11);
    for (size_t r = 0; r < t->n_row; r++) {
        prc_meta_data d = tables_of(txt(t, r, "dataset"));
        prc_meta_table_fit f;
        prc_error err;
        bool peto = !strcmp(txt(t, r, "model"), "Peto");
        prc_status st = peto ? prc_meta_peto(&d, 0.95, &f, &err) : prc_meta_mantel_haenszel(prc_meta_measure_find(txt(t, r, "measure")), &d, 0.95, &f, &err);
        const char *key = key_of(t, r, txt(t, r, "model"));
        if (st) {
            printf("Bail out! %s\n", err.message);
            exit(1);
        }
        const struct { const char *name; double x; } v[] = {{"k", (double)f.k}, {"estimate", f.estimate}, {"se", f.se}, {"ci_lb", f.ci_lb}, {"ci_ub", f.ci_ub}, {"zval", f.stat}, {"pval", f.pval}, {"QE", f.QE},
            {"QEp", f.QEp}, {"MH", f.MH}, {"MHp", f.MHp}, {"TA", f.TA}, {"TAp", f.TAp}};
        for (size_t i = 0; i < sizeof v / sizeof *v; i++) compare(key, v[i].name, v[i].x, num(t, r, v[i].name));
    }
    finish((long)t->n_row * 13);
    prc_table_free(t);
}

/* ---- exact-likelihood models --------------------------------------------------------------------------------- */

static prc_meta_table_fit glmm_of(const char *measure, prc_meta_glmm model, const prc_meta_data *d, size_t nodes, bool fixed)
{
    prc_meta_table_fit f;
    prc_error err;
    if (prc_meta_fit_glmm(prc_meta_measure_find(measure), model, d, nodes, fixed, 0.95, &f, &err)) {
        printf("Bail out! GLMM %s: %s\n", measure, err.message);
        exit(1);
    }
    return f;
}

/* Printed to 7 to 12 digits; the estimates are those of exact integration. */
static void glmm_exact(void)
{
    prc_table *t = read_csv("glmm_exact");
    prc_meta_table_fit seven_nodes[8];
    begin("glmm_exact", 1e-5);
    for (size_t r = 0; r < t->n_row; r++) {
        const char *name = txt(t, r, "dataset");
        prc_meta_data d = {0};
        bool pritz = !strcmp(name, "dat.pritz1997");
        prc_table *u = read_csv(pritz ? "data/dat.pritz1997" : "data/dat.nielweise2007");
        give_all(&d, u, pritz ? "xi=xi,ni=ni" : strstr(name, "ctl") ? "xi=ci,ni=n2i" : "xi=ai,ni=n1i");
        prc_meta_table_fit f = glmm_of("PLO", PRC_META_GLMM_ONE, &d, 0, false), seven = glmm_of("PLO", PRC_META_GLMM_ONE, &d, 7, false);
        compare(name, "estimate", f.estimate, num(t, r, "estimate"));
        compare(name, "se", f.se, num(t, r, "se"));
        compare(name, "tau2", f.tau2, num(t, r, "tau2"));
        compare(name, "se_tau2", f.se_tau2, num(t, r, "se_tau2"));
        compare(name, "logLik", f.logLik, num(t, r, "logLik"));
        seven_nodes[r] = seven;
        prc_table_free(u);
    }
    finish((long)t->n_row * 5);
    /* lme4's 7 nodes, stopped by its own tolerances. */
    begin("glmm_exact, 7 nodes", 1e-4);
    for (size_t r = 0; r < t->n_row; r++) {
        compare(txt(t, r, "dataset"), "glmm7_estimate", seven_nodes[r].estimate, num(t, r, "glmm7_estimate"));
        compare_tol(txt(t, r, "dataset"), "glmm7_se", seven_nodes[r].se, num(t, r, "glmm7_se"), 1e-3);
        compare(txt(t, r, "dataset"), "glmm7_tau2", seven_nodes[r].tau2, num(t, r, "glmm7_tau2"));
    }
    finish((long)t->n_row * 3);
    prc_table_free(t);
}

/* metafor with lme4's 7 nodes (UM.RS: Laplace); with nodes lme4's deviance() is that at the modes. */
static void glmm(void)
{
    prc_table *t = read_csv("glmm");
    begin("glmm", 2e-3);
    for (size_t r = 0; r < t->n_row; r++) {
        const char *mo = txt(t, r, "model"), *ms = txt(t, r, "measure"), *key = key_of(t, r, mo);
        prc_meta_glmm model = strstr(mo, "one") ? PRC_META_GLMM_ONE : !strcmp(mo, "UM.FS") ? PRC_META_UM_FS : !strcmp(mo, "UM.RS") ? PRC_META_UM_RS : !strcmp(mo, "CM.AL") ? PRC_META_CM_AL : PRC_META_CM_EL;
        prc_meta_data d = get(txt(t, r, "dataset"), ms)->d;
        prc_meta_table_fit f = glmm_of(ms, model, &d, model == PRC_META_UM_RS ? 1 : 7, strstr(mo, "EE") != NULL);
        const struct { const char *name; double x; } v[] = {{"k", (double)f.k}, {"estimate", f.estimate}, {"se", f.se}, {"ci_lb", f.ci_lb}, {"ci_ub", f.ci_ub}, {"tau2", f.tau2}, {"I2", f.I2}, {"H2", f.H2},
            {"QE_Wld", f.QE_wald}, {"QE_LRT", f.QE_lrt}, {"logLik", isnan(f.logLik_conditional) ? f.logLik : f.logLik_conditional}};
        for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
            bool rs = model == PRC_META_UM_RS, end = !strncmp(v[i].name, "ci_", 3);
            /* UM.RS: lme4's Hessian is by differences over an inner iteration (its two vcov() differ by 4e-4); so is the one behind QE_Wld, checked below without that. */
            if (end) compare_end(key, v[i].name, v[i].x, num(t, r, v[i].name), rs ? 20 * f.se : f.se);
            else compare_tol(key, v[i].name, v[i].x, num(t, r, v[i].name), rs && (!strcmp(v[i].name, "se") || !strcmp(v[i].name, "QE_Wld")) ? 2e-2 : now.tol);
        }
    }
    finish((long)t->n_row * 11);
    /* glmer(y ~ study:treated + (1 | study), nAGQ = 25), vcov(use.hessian = TRUE). For nielweise2007 (infinite effects) lme4 has no positive definite Hessian. */
    begin("glmm, Wald test of UM.RS by quadrature", 1e-5);
    const struct { const char *dataset, *measure; double Q; } wald[] = {{"dat.collins1985b.pre", "OR", 26.16741}, {"dat.nielweise2008", "IRR", 10.54146}};
    for (size_t i = 0; i < 2; i++) {
        prc_meta_data d = get(wald[i].dataset, wald[i].measure)->d;
        compare(wald[i].dataset, "QE_Wld", glmm_of(wald[i].measure, PRC_META_UM_RS, &d, 0, false).QE_wald, wald[i].Q);
    }
    finish(2);
    prc_table_free(t);
}

/* ---- several random effects, networks, published values -------------------------------------------------------- */

/* Value number `at` of a list separated by ;. */
static double part(const char *s, int at)
{
    char buf[64];
    for (; at > 0 && strchr(s, ';'); at--) s = strchr(s, ';') + 1;
    snprintf(buf, sizeof buf, "%.*s", (int)strcspn(s, ";"), s);
    return parse(buf);
}

static void mv_row(const prc_table *t, size_t r, double est, double se, double q, double qdf, double qp, double qm, double qmp, double ll, double tol)
{
    char key[400];
    snprintf(key, sizeof key, "%s %s %s", txt(t, r, "dataset"), txt(t, r, "model"), txt(t, r, "term"));
    compare_tol(key, "estimate", est, num(t, r, "estimate"), tol);
    compare_tol(key, "se", se, num(t, r, "se"), tol);
    compare_tol(key, "stat", est / se, num(t, r, "stat"), tol);
    /* p of a stat good to tol is good to about stat^2 tol. */
    double z = est / se;
    compare_tol(key, "pval", prc_stat_normal_p(z), num(t, r, "pval"), tol * (1 + z * z));
    compare_tol(key, "ci_lb", est - 1.959963984540054 * se, num(t, r, "ci_lb"), 10 * tol);
    compare_tol(key, "ci_ub", est + 1.959963984540054 * se, num(t, r, "ci_ub"), 10 * tol);
    compare_tol(key, "QE", q, num(t, r, "QE"), 1e-9);
    compare_tol(key, "QEdf", qdf, num(t, r, "QEdf"), 0);
    compare_tol(key, "QEp", qp, num(t, r, "QEp"), 1e-9);
    compare_tol(key, "QM", qm, num(t, r, "QM"), tol);
    compare_tol(key, "QMp", qmp, num(t, r, "QMp"), tol * (1 + qm));
    compare_tol(key, "logLik", ll, num(t, r, "logLik"), 1e-9);
}

/* Senn's contrasts from the arms, each study against placebo or its first arm as in make.R, with sizes for the covariance. */
static prc_meta_contrasts senn(const prc_table *t, const prc_table *arms, char **names, int *order)
{
    size_t n = t->n_row, n_study, n_treat = 0;
    int *study = codes(t, "study", &n_study), *t1 = kept(n, sizeof *t1), *t2 = kept(n, sizeof *t2);
    double *n1 = kept(n, sizeof *n1), *n2 = kept(n, sizeof *n2);
    for (size_t i = 0; i < n; i++)
        for (int side = 0; side < 2; side++) {
            const char *name = txt(t, i, side ? "treatment.2" : "treatment.1");
            size_t j = 0;
            while (j < n_treat && strcmp(names[j], name)) j++;
            if (j == n_treat) names[n_treat++] = strdup(name);
            (side ? t2 : t1)[i] = (int)j;
            for (size_t a = 0; a < arms->n_row; a++)
                if (!strcmp(txt(arms, a, "study"), txt(t, i, "study")) && !strcmp(txt(arms, a, "treatment"), name)) (side ? n2 : n1)[i] = num(arms, a, "ni");
        }
    *order = (int)n_treat;
    return (prc_meta_contrasts){.n = n, .n_study = n_study, .n_treat = n_treat, .study = study, .treat1 = t1, .treat2 = t2, .yi = column(t, "yi"), .vi = column(t, "vi"), .n1 = n1, .n2 = n2};
}

static void mv_nma(void)
{
    prc_table *t = read_csv("mv_nma");
    prc_error err;
    begin("mv_nma", 1e-4);
    for (size_t r = 0; r < t->n_row; r++) {
        const char *model = txt(t, r, "model"), *ds = txt(t, r, "dataset");
        prc_meta_mv_fit f = {0};
        if (!strcmp(ds, "dat.konstantopoulos2011")) {
            prc_table *d = read_csv("data/dat.konstantopoulos2011");
            size_t n;
            int *cluster = codes(d, "district", &n);
            double *y = column(d, "yi"), *v = column(d, "vi");
            if (prc_meta_multilevel(y, v, cluster, NULL, d->n_row, n, 1, true, 0.95, &f, &err)) printf("Bail out! %s\n", err.message), exit(1);
            mv_row(t, r, f.beta[0], f.se[0], f.QE, f.QE_df, f.QEp, f.QM, f.QMp, f.logLik, 1e-4);
            compare("3-level", "sigma2.1", f.comp[0], part(txt(t, r, "sigma2"), 0));
            compare("3-level", "sigma2.2", f.comp[1], part(txt(t, r, "sigma2"), 1));
            TAP_OK(f.converged);
            prc_table_free(d);
        } else if (!strcmp(ds, "dat.berkey1998")) {
            prc_table *d = read_csv("data/dat.berkey1998");
            size_t n, m;
            int *study = codes(d, "trial", &n), *outcome = codes(d, "outcome", &m), first = strcmp(txt(d, 0, "outcome"), "AL") != 0;
            double *cov = kept(d->n_row * 2, sizeof *cov), *y = column(d, "yi");
            /* AL is outcome 0, as R sorts levels; v1i and v2i are the columns of each study's matrix, rows in the order of the file. */
            for (size_t i = 0; i < d->n_row; i++) {
                if (first) outcome[i] = 1 - outcome[i];
                size_t lead = i - i % 2;
                for (size_t j = 0; j < 2; j++) {
                    size_t o = strcmp(txt(d, lead + j, "outcome"), "AL") ? 1 : 0;
                    cov[i * 2 + o] = num(d, i, j ? "v2i" : "v1i");
                }
            }
            if (prc_meta_multivariate(y, cov, study, outcome, d->n_row, n, 2, !strstr(model, " ML "), 0.95, &f, &err)) printf("Bail out! %s\n", err.message), exit(1);
            size_t j = !strcmp(txt(t, r, "term"), "outcomeAL") ? 0 : 1;
            mv_row(t, r, f.beta[j], f.se[j], f.QE, f.QE_df, f.QEp, f.QM, f.QMp, f.logLik, 1e-4);
            compare(model, "tau2.1", f.comp[0], part(txt(t, r, "tau2"), 0));
            compare(model, "tau2.2", f.comp[1], part(txt(t, r, "tau2"), 1));
            compare(model, "rho", f.comp[2], num(t, r, "rho"));
            TAP_OK(f.converged);
            prc_table_free(d);
        } else {
            prc_table *d = read_csv("data/dat.senn2013.contrasts"), *arms = read_csv("data/dat.senn2013");
            char *names[32] = {0};
            int n_treat, ref = 0, at = 0;
            bool fe = strstr(model, "FE") != NULL;
            prc_meta_contrasts c = senn(d, arms, names, &n_treat);
            prc_meta_network_fit g;
            for (int i = 0; i < n_treat; i++) {
                if (!strcmp(names[i], "placebo")) ref = i;
                if (!strcmp(names[i], txt(t, r, "term"))) at = i;
            }
            if (prc_meta_network(&c, ref, fe ? PRC_META_FE : PRC_META_REML, true, 0.95, &g, &err)) printf("Bail out! %s\n", err.message), exit(1);
            size_t k = (size_t)at * (size_t)n_treat + (size_t)ref;
            mv_row(t, r, g.effect[k], g.se[k], g.Q, g.Q_df, g.Qp, g.QM, g.QMp, g.logLik_reml, fe ? 1e-9 : 1e-4);
            compare(model, "tau2", g.tau2, num(t, r, "tau2"));
            prc_meta_network_fit_reset(&g);
            for (int i = 0; i < n_treat; i++) free(names[i]);
            prc_table_free(d);
            prc_table_free(arms);
        }
        prc_meta_mv_fit_reset(&f);
    }
    finish((long)t->n_row * 12 + 2 + 4 * 3 + 18);
    prc_table_free(t);
}

/* Values printed in papers, to their decimals. */
static void published(void)
{
    prc_table *t = read_csv("published");
    begin("published", 0.5);
    for (size_t r = 0; r < t->n_row; r++) {
        const char *q = txt(t, r, "quantity"), *ms = txt(t, r, "measure");
        double want = num(t, r, "value"), unit = pow(10, -num(t, r, "decimals")), got = (double)NAN;
        char key[400];
        snprintf(key, sizeof key, "%s %s", key_of(t, r, txt(t, r, "method")), q);
        if (strstr(ms, "GLMM")) {
            prc_meta_data d = {0};
            prc_table *u = read_csv("data/dat.nielweise2007");
            give_all(&d, u, strstr(txt(t, r, "dataset"), "ctl") ? "xi=ci,ni=n2i" : "xi=ai,ni=n1i");
            got = glmm_of("PLO", PRC_META_GLMM_ONE, &d, 7, false).estimate;
            prc_table_free(u);
        } else {
            prc_meta_fit f = fit_of(get(txt(t, r, "dataset"), ms), txt(t, r, "method"), "z");
            const struct { const char *name; double x; } v[] = {{"tau2", f.tau2}, {"tau", sqrt(f.tau2)}, {"I2", f.I2}, {"se_tau2", f.se_tau2}, {"tau2_lb", f.tau2_lb}, {"tau2_ub", f.tau2_ub}, {"estimate", f.beta[0]},
                {"se", f.se[0]}, {"RR_scale_pred_exp", exp(f.beta[0])}, {"tau2_PL_lb", f.pl_lb}, {"tau2_PL_ub", f.pl_ub}};
            for (size_t i = 0; i < sizeof v / sizeof *v; i++)
                if (!strcmp(q, v[i].name)) got = v[i].x;
            prc_meta_fit_reset(&f);
        }
        /* In units of the last printed digit. */
        compare_tol(key, q, 1 + (got - want) / unit, 1, 0.51);
    }
    finish((long)t->n_row);
    prc_table_free(t);
}

int main(void)
{
    static const char *const places[] = {"../shared/reference/metafor", "../../shared/reference/metafor"};
    folder = getenv("PARACRINE_METAFOR");
    for (size_t i = 0; i < 3 && !folder; i++)
        if (!access(places[i], R_OK)) folder = places[i];
    if (!folder) {
        TAP_SKIP("no ../shared/reference/metafor");
        return tap_done();
    }
    TAP_RUN(effects);
    TAP_RUN(reference);
    tap_group_ = "lines";
    lines("leave1out", 1e-8);
    lines("cumulative", 1e-8);
    TAP_RUN(influence);
    TAP_RUN(blup);
    TAP_RUN(backtransf);
    TAP_RUN(regression);
    TAP_RUN(subgroup);
    TAP_RUN(bias);
    TAP_RUN(mh_peto);
    TAP_RUN(glmm_exact);
    TAP_RUN(glmm);
    TAP_RUN(mv_nma);
    TAP_RUN(published);
    return tap_done();
}
