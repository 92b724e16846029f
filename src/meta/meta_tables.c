/* meta_tables.c: pooling without study weights: Mantel-Haenszel and Peto. */
#include "meta_int.h"

#include <math.h>
#include <string.h>

/* A 2x2 table or a pair of rates: events a of n1, c of n2. */
typedef struct cells { double a, b, c, d, n1, n2, n; } cells;

static double cell(const prc_meta_data *d, prc_meta_key k, size_t i)
{
    return d->col[k] ? d->col[k][i] : PRC_META_NONE;
}

/* Table i; false when a cell is missing. */
static bool table_at(const prc_meta_data *d, bool rates, size_t i, cells *t)
{
    if (rates) {
        *t = (cells){.a = cell(d, PRC_META_x1i, i), .c = cell(d, PRC_META_x2i, i), .n1 = cell(d, PRC_META_t1i, i), .n2 = cell(d, PRC_META_t2i, i)};
        t->n = t->n1 + t->n2;
        return !isnan(t->a + t->c + t->n);
    }
    double a = cell(d, PRC_META_ai, i), b = cell(d, PRC_META_bi, i), c = cell(d, PRC_META_ci, i), e = cell(d, PRC_META_di, i);
    if (!d->col[PRC_META_bi] || !d->col[PRC_META_di]) {
        b = cell(d, PRC_META_n1i, i) - a;
        e = cell(d, PRC_META_n2i, i) - c;
    }
    *t = (cells){a, b, c, e, a + b, c + e, a + b + c + e};
    return !isnan(t->n);
}

static bool empty_table(const cells *t, bool rates)
{
    return (t->a == 0 && t->c == 0) || (!rates && t->b == 0 && t->d == 0);
}

/* Homogeneity of the studies' own effects about the pooled one. A table without events, or with nothing else, is left out, also of the risk difference (as metafor does). */
static prc_status homogeneity(const prc_meta_measure *m, const prc_meta_data *d, bool rates, prc_meta_table_fit *f, prc_error *err)
{
    prc_status st = PRC_OK;
    double *y = prc_malloc(2 * d->n + 1, sizeof *y), *v = y ? y + d->n : NULL;
    if (!y) return prc_meta_no_memory(err);
    PRC_GO(st, prc_meta_effects(m, NULL, d, y, v, NULL, err));
    f->QE = 0;
    for (size_t i = 0; i < d->n; i++) {
        cells t;
        if (isnan(y[i]) || !table_at(d, rates, i, &t) || empty_table(&t, rates)) continue;
        f->k_yi++;
        f->QE += (y[i] - f->estimate) * (y[i] - f->estimate) / v[i];
    }
out:
    prc_free(y);
    return st;
}

static void finish(prc_meta_table_fit *f, double level)
{
    double z = prc_norm_inv(0.5 + level / 2);
    f->stat = f->se > 0 ? f->estimate / f->se : PRC_META_NONE;
    f->pval = prc_stat_normal_p(f->stat);
    f->ci_lb = f->estimate - z * f->se;
    f->ci_ub = f->estimate + z * f->se;
    f->QE_df = (double)f->k_yi - 1;
    f->QE = fmax(0, f->QE);
    f->QEp = f->k_yi > 1 ? prc_stat_chisq_p(f->QE, f->QE_df) : 1;
    f->I2 = f->k_yi > 1 && f->QE > 0 ? fmax(0, 100 * (f->QE - f->QE_df) / f->QE) : 0;
    f->H2 = f->k_yi > 1 ? f->QE / f->QE_df : 1;
}

static prc_meta_table_fit blank(void)
{
    double n = PRC_META_NONE;
    return (prc_meta_table_fit){.estimate = n, .se = n, .stat = n, .pval = n, .ci_lb = n, .ci_ub = n, .QE = n, .QEp = n, .QE_df = n, .I2 = n, .H2 = n, .MH = n, .MHp = n, .TA = n, .TAp = n,
                                .tau2 = n, .se_tau2 = n, .logLik = n, .logLik_saturated = n, .logLik_conditional = n, .AIC = n, .BIC = n, .QE_wald = n, .QE_lrt = n};
}

/* Sums over the tables that the estimators share. */
typedef struct sums { double r, s, pr, pq, qs, num, den, var, shift, spread; } sums;

static void add_or(const cells *t, sums *m)
{
    double p = (t->a + t->d) / t->n, q = (t->b + t->c) / t->n, r = t->a / t->n * t->d, s = t->b / t->n * t->c;
    m->r += r;
    m->s += s;
    m->pr += p * r;
    m->pq += p * s + q * r;
    m->qs += q * s;
}

static void add_table(const cells *t, sums *m)
{
    double x = t->a + t->c, f1 = t->n1 / t->n, f2 = t->n2 / t->n;
    add_or(t, m);
    m->num += t->a * f2 - t->c * f1;
    m->den += t->n1 * f2;
    m->shift += t->a - f1 * x;
    m->spread += f1 * f2 * x * ((t->b + t->d) / (t->n - 1));
}

/* Breslow and Day's test of a common odds ratio with Tarone's correction. */
static void breslow_day(const prc_meta_data *d, double odds, prc_meta_table_fit *f)
{
    double bd = 0, sum = 0, var = 0, k = 0;
    for (size_t i = 0; i < d->n; i++) {
        cells t;
        if (!table_at(d, false, i, &t)) continue;
        double x = t.a + t.c, e = t.n1 / t.n * x;
        if (odds != 1) {
            double a = odds * (t.n1 + x) + (t.n2 - x);
            e = (a - sqrt(a * a - 4 * t.n1 * x * odds * (odds - 1))) / (2 * (odds - 1));
        }
        if (!(e > 0) || x == 0 || t.b + t.d == 0) continue;
        double v = 1 / (1 / e + 1 / (t.n1 - e) + 1 / (x - e) + 1 / (e - t.n1 - x + t.n));
        bd += (t.a - e) * (t.a - e) / v;
        sum += t.a - e;
        var += v;
        k++;
    }
    f->TA = fmax(0, fmax(0, bd) - sum * sum / var);
    f->TAp = k > 1 ? prc_stat_chisq_p(f->TA, k - 1) : PRC_META_NONE;
}

static prc_status no_events(prc_error *err)
{
    return prc_fail(err, PRC_E_NUMERIC, "one arm has no events (or nothing but events) in all studies together: the ratio does not exist");
}

static prc_status mh_ratio(double r, double s, double var, prc_meta_table_fit *f, prc_error *err)
{
    if (!(r > 0) || !(s > 0)) return no_events(err);
    f->estimate = log(r / s);
    f->se = sqrt(var);
    return PRC_OK;
}

static prc_status check_tables(const prc_meta_measure *m, const prc_meta_data *d, prc_error *err)
{
    double *y = prc_malloc(2 * d->n + 1, sizeof *y);
    if (!y) return prc_meta_no_memory(err);
    prc_status st = prc_meta_effects(m, NULL, d, y, y + d->n, NULL, err);
    prc_free(y);
    return st;
}

/* Sums of the risk ratio: r, s and the numerator of the variance; of the risk difference: Sato's variance. */
static prc_status pool(const prc_meta_measure *m, const prc_meta_data *d, bool rates, prc_meta_table_fit *f, prc_error *err)
{
    sums q = {0};
    double r = 0, s = 0, var = 0, sato1 = 0, sato2 = 0;
    for (size_t i = 0; i < d->n; i++) {
        cells t;
        if (!table_at(d, rates, i, &t)) continue;
        f->k++;
        double f1 = t.n1 / t.n, f2 = t.n2 / t.n;
        r += t.a * f2;
        s += t.c * f1;
        if (rates) {
            var += f1 * f2 * (t.a + t.c);
            q.shift += t.a - (t.a + t.c) * f1;
            continue;
        }
        add_table(&t, &q);
        var += f1 * f2 * (t.a + t.c) - t.a / t.n * t.c;
        sato1 += t.c * f1 * f1 - t.a * f2 * f2 + f1 * f2 * (t.n2 - t.n1) / 2;
        sato2 += (t.a * (t.n2 - t.c) + t.c * (t.n1 - t.a)) / t.n / 2;
    }
    if (!f->k) return prc_fail(err, PRC_E_VALUE, "no complete table is left to pool");
    if (!strcmp(m->name, "RD")) {
        f->estimate = q.num / q.den;
        f->se = sqrt((f->estimate * sato1 + sato2) / (q.den * q.den));
        return PRC_OK;
    }
    if (!strcmp(m->name, "RR")) return mh_ratio(r, s, var / (r * s), f, err);
    double z = fabs(q.shift) - 0.5;
    if (rates) {
        PRC_TRY(mh_ratio(r, s, var / (r * s), f, err));
        f->MH = z * z / var;
    } else {
        PRC_TRY(mh_ratio(q.r, q.s, 0.5 * (q.pr / (q.r * q.r) + q.pq / (q.r * q.s) + q.qs / (q.s * q.s)), f, err));
        f->MH = z * z / q.spread;
        breslow_day(d, q.r / q.s, f);
    }
    f->MHp = prc_stat_chisq_p(f->MH, 1);
    return PRC_OK;
}

prc_status prc_meta_mantel_haenszel(const prc_meta_measure *m, const prc_meta_data *d, double level, prc_meta_table_fit *out, prc_error *err)
{
    prc_meta_table_fit f = blank();
    bool rates = !strcmp(m->name, "IRR");
    if (!rates && strcmp(m->name, "OR") && strcmp(m->name, "RR") && strcmp(m->name, "RD"))
        return prc_fail(err, PRC_E_VALUE, "Mantel-Haenszel pools OR, RR, RD and IRR, not %s", m->name);
    PRC_TRY(check_tables(m, d, err));
    PRC_TRY(pool(m, d, rates, &f, err));
    PRC_TRY(homogeneity(m, d, rates, &f, err));
    finish(&f, level);
    *out = f;
    return PRC_OK;
}

prc_status prc_meta_peto(const prc_meta_data *d, double level, prc_meta_table_fit *out, prc_error *err)
{
    prc_meta_table_fit f = blank();
    double shift = 0, var = 0, q = 0;
    PRC_TRY(check_tables(prc_meta_measure_find("OR"), d, err));
    for (size_t i = 0; i < d->n; i++) {
        cells t;
        if (!table_at(d, false, i, &t)) continue;
        f.k++;
        double x = t.a + t.c, v = x * (t.b + t.d) * (t.n1 / t.n) * (t.n2 / t.n) / (t.n - 1), o = t.a - x * t.n1 / t.n;
        if (!empty_table(&t, false)) f.k_yi++;
        if (!(v > 0)) continue;
        shift += o;
        var += v;
        q += o * o / v;
    }
    if (!f.k) return prc_fail(err, PRC_E_VALUE, "no complete table is left to pool");
    if (!(var > 0)) return no_events(err);
    f.estimate = shift / var;
    f.se = sqrt(1 / var);
    f.QE = q - shift * shift / var;
    finish(&f, level);
    *out = f;
    return PRC_OK;
}
