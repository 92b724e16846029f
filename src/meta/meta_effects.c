/* meta_effects.c: effect sizes and sampling variances from tables, means, counts, proportions and correlations. */
#include "meta_int.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { RR, OR, RD, AS, PETO, YUQ, YUY, IRR, IRD, IRSD, MD, SMD, SMDH, ROM, CVR, VR, MC, SMCC, SMCR, ROMC, PR, PLN, PLO, PAS, PFT, IR, IRLN, IRS, IRFT,
       MN, MNLN, SDLN, CVLN, COR, ZCOR, GEN };

#define TABLE "ai bi ci di | ai n1i ci n2i"
#define RATES "x1i t1i x2i t2i"
#define GROUPS "m1i sd1i n1i m2i sd2i n2i"
#define PAIRED "m1i sd1i m2i sd2i ni ri"
#define EVENTS "xi ni | xi mi"

static const prc_meta_measure MEASURE[] = {
    {"RR", "log risk ratio", "risk ratio", "1/a - 1/n1 + 1/c - 1/n2", TABLE, PRC_BACK_EXP, RR},
    {"OR", "log odds ratio", "odds ratio", "1/a + 1/b + 1/c + 1/d (Woolf)", TABLE, PRC_BACK_EXP, OR},
    {"RD", "risk difference", "risk difference", "p1(1-p1)/n1 + p2(1-p2)/n2 (LS)", TABLE, PRC_BACK_NONE, RD},
    {"AS", "arcsine square root transformed risk difference", "arcsine risk difference", "1/(4 n1) + 1/(4 n2)", TABLE, PRC_BACK_NONE, AS},
    {"PETO", "log odds ratio, Peto's one step", "odds ratio (Peto)", "1/V, V hypergeometric", TABLE, PRC_BACK_EXP, PETO},
    {"YUQ", "Yule's Q", "Yule's Q", "(1-Q^2)^2 (1/a + 1/b + 1/c + 1/d)/4", TABLE, PRC_BACK_NONE, YUQ},
    {"YUY", "Yule's Y", "Yule's Y", "(1-Y^2)^2 (1/a + 1/b + 1/c + 1/d)/16", TABLE, PRC_BACK_NONE, YUY},
    {"IRR", "log incidence rate ratio", "incidence rate ratio", "1/x1 + 1/x2", RATES, PRC_BACK_EXP, IRR},
    {"IRD", "incidence rate difference", "incidence rate difference", "x1/t1^2 + x2/t2^2", RATES, PRC_BACK_NONE, IRD},
    {"IRSD", "square root transformed incidence rate difference", "difference of root rates", "1/(4 t1) + 1/(4 t2)", RATES, PRC_BACK_NONE, IRSD},
    {"MD", "mean difference", "mean difference", "s1^2/n1 + s2^2/n2", GROUPS, PRC_BACK_NONE, MD},
    {"SMD", "standardised mean difference (Hedges' g)", "standardised mean difference", "1/n1 + 1/n2 + g^2/(2(n1+n2)) (LS)", GROUPS, PRC_BACK_NONE, SMD},
    {"SMDH", "standardised mean difference, unequal variances", "standardised mean difference", "J^2 (g^2 (s1^4/(n1-1) + s2^4/(n2-1))/(2(s1^2+s2^2)^2) + 2(s1^2/(n1-1) + s2^2/(n2-1))/(s1^2+s2^2))", GROUPS, PRC_BACK_NONE, SMDH},
    {"ROM", "log ratio of means", "ratio of means", "s1^2/(n1 m1^2) + s2^2/(n2 m2^2), no second-order correction", GROUPS, PRC_BACK_EXP, ROM},
    {"CVR", "log ratio of coefficients of variation", "ratio of coefficients of variation", "1/(2(n1-1)) + s1^2/(n1 m1^2) + 1/(2(n2-1)) + s2^2/(n2 m2^2)", GROUPS, PRC_BACK_EXP, CVR},
    {"VR", "log ratio of standard deviations", "ratio of standard deviations", "1/(2(n1-1)) + 1/(2(n2-1))", "sd1i n1i sd2i n2i", PRC_BACK_EXP, VR},
    {"MC", "mean change", "mean change", "(s1^2 + s2^2 - 2 r s1 s2)/n", PAIRED, PRC_BACK_NONE, MC},
    {"SMCC", "standardised mean change, SD of the change", "standardised mean change", "1/n + d^2/(2n) (LS)", PAIRED, PRC_BACK_NONE, SMCC},
    {"SMCR", "standardised mean change, SD of the first column", "standardised mean change", "2(1-r)/n + d^2/(2n) (LS)", "m1i sd1i m2i ni ri", PRC_BACK_NONE, SMCR},
    {"ROMC", "log ratio of means, paired", "ratio of means", "s1^2/(n m1^2) + s2^2/(n m2^2) - 2 r s1 s2/(n m1 m2), no second-order correction", PAIRED, PRC_BACK_EXP, ROMC},
    {"PR", "proportion", "proportion", "p(1-p)/n (LS)", EVENTS, PRC_BACK_NONE, PR},
    {"PLN", "log proportion", "proportion", "1/x - 1/n (LS)", EVENTS, PRC_BACK_EXP, PLN},
    {"PLO", "logit proportion", "proportion", "1/x + 1/(n-x) (LS)", EVENTS, PRC_BACK_LOGIT, PLO},
    {"PAS", "arcsine square root proportion", "proportion", "1/(4n)", EVENTS, PRC_BACK_ASIN, PAS},
    {"PFT", "Freeman-Tukey double arcsine proportion", "proportion", "1/(4n+2)", EVENTS, PRC_BACK_PFT, PFT},
    {"IR", "incidence rate", "incidence rate", "x/t^2", "xi ti", PRC_BACK_NONE, IR},
    {"IRLN", "log incidence rate", "incidence rate", "1/x", "xi ti", PRC_BACK_EXP, IRLN},
    {"IRS", "square root incidence rate", "incidence rate", "1/(4t)", "xi ti", PRC_BACK_SQUARE, IRS},
    {"IRFT", "Freeman-Tukey incidence rate", "incidence rate", "1/(4t)", "xi ti", PRC_BACK_IRFT, IRFT},
    {"MN", "mean", "mean", "s^2/n", "mi sdi ni", PRC_BACK_NONE, MN},
    {"MNLN", "log mean", "mean", "s^2/(n m^2)", "mi sdi ni", PRC_BACK_EXP, MNLN},
    {"SDLN", "log standard deviation", "standard deviation", "1/(2(n-1))", "sdi ni", PRC_BACK_EXP, SDLN},
    {"CVLN", "log coefficient of variation", "coefficient of variation", "1/(2(n-1)) + s^2/(n m^2)", "mi sdi ni", PRC_BACK_EXP, CVLN},
    {"COR", "correlation", "correlation", "(1-r^2)^2/(n-1) (LS)", "ri ni", PRC_BACK_NONE, COR},
    {"ZCOR", "Fisher z transformed correlation", "correlation", "1/(n-3)", "ri ni", PRC_BACK_TANH, ZCOR},
    {"GEN", "effect as given", "effect", "as given", "yi vi | yi sei", PRC_BACK_NONE, GEN},
};
#define N_MEASURE (sizeof MEASURE / sizeof *MEASURE)

static const struct { int id; const char *vtype, *text; } VARIANT[] = {
    {RD, "LS", "p1(1-p1)/n1 + p2(1-p2)/n2 (LS)"},
    {RD, "UB", "p1(1-p1)/(n1-1) + p2(1-p2)/(n2-1) (UB)"},
    {RD, "AV", "pooled P1(1-P1)/n1 + P2(1-P2)/n2 (AV)"},
    {SMD, "LS", "1/n1 + 1/n2 + g^2/(2(n1+n2)) (LS)"},
    {SMD, "LS2", "J^2 (1/n1 + 1/n2 + d^2/(2(n1+n2))) (LS2)"},
    {SMD, "UB", "1/n1 + 1/n2 + (1 - (m-2)/(m J^2)) g^2, m = n1+n2-2 (UB)"},
    {SMD, "AV", "1/n1 + 1/n2 + G^2/(2(n1+n2)), G the n-weighted mean of g (AV)"},
    {SMCC, "LS", "1/n + d^2/(2n) (LS)"},
    {SMCR, "LS", "2(1-r)/n + d^2/(2n) (LS)"},
    {PR, "LS", "p(1-p)/n (LS)"},
    {PR, "UB", "p(1-p)/(n-1) (UB)"},
    {PR, "AV", "pooled P(1-P)/n (AV)"},
    {PLN, "LS", "1/x - 1/n (LS)"},
    {PLN, "AV", "1/(P n) - 1/n, P pooled (AV)"},
    {PLO, "LS", "1/x + 1/(n-x) (LS)"},
    {PLO, "AV", "1/(P n) + 1/((1-P) n), P pooled (AV)"},
    {COR, "LS", "(1-r^2)^2/(n-1) (LS)"},
};

const prc_meta_measure *prc_meta_measures(size_t *n)
{
    *n = N_MEASURE;
    return MEASURE;
}

const prc_meta_measure *prc_meta_measure_find(const char *name)
{
    for (size_t i = 0; i < N_MEASURE; i++)
        if (!strcasecmp(name, MEASURE[i].name)) return &MEASURE[i];
    return NULL;
}

const char *prc_meta_variance_text(const prc_meta_measure *m, const char *vtype)
{
    if (!vtype || !*vtype) return m->variance;
    for (size_t i = 0; i < sizeof VARIANT / sizeof *VARIANT; i++)
        if (VARIANT[i].id == m->id && !strcasecmp(VARIANT[i].vtype, vtype)) return VARIANT[i].text;
    return NULL;
}

/* ---- one study ----------------------------------------------------------------------------------------------- */

static const char *const KEY[PRC_META_KEY_COUNT] = {
#define PRC_X(name) #name,
    PRC_META_KEY_LIST(PRC_X)
#undef PRC_X
};

/* The values of one row by key; NaN = missing. */
typedef struct row { double x[PRC_META_KEY_COUNT]; } row;
#define V(name) (r->x[PRC_META_##name])

/* Exact bias correction of Hedges 1981: gamma(m/2) / (sqrt(m/2) gamma((m-1)/2)). A difference of two lgamma of large numbers would lose four digits: the ratio is
 * moved up to where its asymptotic series (the difference of two Stirling series) is exact to double precision. */
static double hedges(double m)
{
    if (!(m > 1)) return PRC_META_NONE;
    double z = (m - 1) / 2, moved = 0;
    for (; z < 30; z++) moved -= log1p(0.5 / z);
    double u = 1 / (z * z), series = (-1.0 / 8 + u * (1.0 / 192 + u * (-1.0 / 640 + u * (17.0 / 14336 - u * 31.0 / 18432)))) / z;
    return exp(0.5 * log(z / (m / 2)) + series + moved);
}

/* Weighted means that AV variances need; NaN otherwise. */
typedef struct means { double g, p1, p2, p; } means;

typedef struct effect { double y, v; } effect;

static effect from_table(int id, const row *r, const char *vtype, const means *mean)
{
    double a = V(ai), b = V(bi), c = V(ci), d = V(di);
    if (id != AS && (a == 0 || b == 0 || c == 0 || d == 0)) a += 0.5, b += 0.5, c += 0.5, d += 0.5;
    double n1 = a + b, n2 = c + d, p1 = a / n1, p2 = c / n2, woolf = 1 / a + 1 / b + 1 / c + 1 / d, ratio = (a / b) / (c / d), s;
    switch (id) {
    case RR: return (effect){log(p1) - log(p2), 1 / a - 1 / n1 + 1 / c - 1 / n2};
    case OR: return (effect){log(p1 / (1 - p1)) - log(p2 / (1 - p2)), woolf};
    case RD:
        if (!strcasecmp(vtype, "UB")) return (effect){p1 - p2, p1 * (1 - p1) / (n1 - 1) + p2 * (1 - p2) / (n2 - 1)};
        if (!strcasecmp(vtype, "AV")) return (effect){p1 - p2, mean->p1 * (1 - mean->p1) / n1 + mean->p2 * (1 - mean->p2) / n2};
        return (effect){p1 - p2, p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2};
    case AS: return (effect){asin(sqrt(p1)) - asin(sqrt(p2)), 1 / (4 * n1) + 1 / (4 * n2)};
    case PETO: {
        double n = n1 + n2, x = a + c, w = x * (b + d) * (n1 / n) * (n2 / n) / (n - 1);
        return (effect){(a - x * n1 / n) / w, 1 / w};
    }
    case YUQ: s = (ratio - 1) / (ratio + 1); return (effect){s, 0.25 * (1 - s * s) * (1 - s * s) * woolf};
    default: s = (sqrt(ratio) - 1) / (sqrt(ratio) + 1); return (effect){s, (1 - s * s) * (1 - s * s) * woolf / 16};
    }
}

static effect from_rates(int id, const row *r)
{
    double x1 = V(x1i), x2 = V(x2i), t1 = V(t1i), t2 = V(t2i);
    if (id != IRSD && (x1 == 0 || x2 == 0)) x1 += 0.5, x2 += 0.5;
    double r1 = x1 / t1, r2 = x2 / t2;
    if (id == IRR) return (effect){log(r1) - log(r2), 1 / x1 + 1 / x2};
    if (id == IRD) return (effect){r1 - r2, r1 / t1 + r2 / t2};
    return (effect){sqrt(r1) - sqrt(r2), 1 / (4 * t1) + 1 / (4 * t2)};
}

static effect from_groups(int id, const row *r, const char *vtype, const means *mean)
{
    double m1 = V(m1i), m2 = V(m2i), s1 = V(sd1i), s2 = V(sd2i), n1 = V(n1i), n2 = V(n2i), q1 = s1 * s1, q2 = s2 * s2;
    double n = n1 + n2, m = n - 2, sd = sqrt(((n1 - 1) * q1 + (n2 - 1) * q2) / m), d = (m1 - m2) / sd, j, g;
    switch (id) {
    case MD: return (effect){m1 - m2, q1 / n1 + q2 / n2};
    case SMD:
        j = hedges(m);
        g = j * d;
        if (!strcasecmp(vtype, "UB")) return (effect){g, 1 / n1 + 1 / n2 + (1 - (m - 2) / (m * j * j)) * g * g};
        if (!strcasecmp(vtype, "AV")) return (effect){g, 1 / n1 + 1 / n2 + mean->g * mean->g / (2 * n)};
        if (!strcasecmp(vtype, "LS2")) return (effect){g, j * j * (1 / n1 + 1 / n2 + d * d / (2 * n))};
        return (effect){g, 1 / n1 + 1 / n2 + g * g / (2 * n)};
    case SMDH:
        j = hedges(m);
        g = j * (m1 - m2) / sqrt((q1 + q2) / 2);
        return (effect){g, j * j * (g * g * (q1 * q1 / (n1 - 1) + q2 * q2 / (n2 - 1)) / (2 * (q1 + q2) * (q1 + q2)) +
                                    (q1 / (n1 - 1) + q2 / (n2 - 1)) / ((q1 + q2) / 2))};
    case ROM: return (effect){log(m1 / m2), q1 / (n1 * m1 * m1) + q2 / (n2 * m2 * m2)};
    case CVR:
        return (effect){log(s1 / m1) + 1 / (2 * (n1 - 1)) - log(s2 / m2) - 1 / (2 * (n2 - 1)),
                        1 / (2 * (n1 - 1)) + q1 / (n1 * m1 * m1) + 1 / (2 * (n2 - 1)) + q2 / (n2 * m2 * m2)};
    default: return (effect){log(s1 / s2) + 1 / (2 * (n1 - 1)) - 1 / (2 * (n2 - 1)), 1 / (2 * (n1 - 1)) + 1 / (2 * (n2 - 1))};
    }
}

static effect from_pairs(int id, const row *r)
{
    double m1 = V(m1i), m2 = V(m2i), s1 = V(sd1i), s2 = V(sd2i), n = V(ni), rho = V(ri);
    double change = s1 * s1 + s2 * s2 - 2 * rho * s1 * s2, d;
    switch (id) {
    case MC: return (effect){m1 - m2, change / n};
    case SMCC: d = hedges(n - 1) * (m1 - m2) / sqrt(change); return (effect){d, 1 / n + d * d / (2 * n)};
    case SMCR: d = hedges(n - 1) * (m1 - m2) / s1; return (effect){d, 2 * (1 - rho) / n + d * d / (2 * n)};
    default: return (effect){log(m1 / m2), s1 * s1 / (n * m1 * m1) + s2 * s2 / (n * m2 * m2) - 2 * rho * s1 * s2 / (m1 * m2 * n)};
    }
}

static effect from_events(int id, const row *r, const char *vtype, const means *mean)
{
    double x = V(xi), m = V(mi);
    if (id <= PLO && (x == 0 || m == 0)) x += 0.5, m += 0.5;
    double n = x + m, p = x / n, w = mean->p;
    bool av = !strcasecmp(vtype, "AV");
    switch (id) {
    case PR: return (effect){p, av ? w * (1 - w) / n : p * (1 - p) / (!strcasecmp(vtype, "UB") ? n - 1 : n)};
    case PLN: return (effect){log(p), av ? 1 / (w * n) - 1 / n : 1 / x - 1 / n};
    case PLO: return (effect){log(p / (1 - p)), av ? 1 / (w * n) + 1 / ((1 - w) * n) : 1 / x + 1 / m};
    case PAS: return (effect){asin(sqrt(p)), 1 / (4 * n)};
    default: return (effect){0.5 * (asin(sqrt(x / (n + 1))) + asin(sqrt((x + 1) / (n + 1)))), 1 / (4 * n + 2)};
    }
}

static effect from_time(int id, const row *r)
{
    double x = V(xi), t = V(ti);
    if (id <= IRLN && x == 0) x += 0.5;
    double rate = x / t;
    switch (id) {
    case IR: return (effect){rate, rate / t};
    case IRLN: return (effect){log(rate), 1 / x};
    case IRS: return (effect){sqrt(rate), 1 / (4 * t)};
    default: return (effect){0.5 * (sqrt(rate) + sqrt(rate + 1 / t)), 1 / (4 * t)};
    }
}

static effect from_one(int id, const row *r)
{
    double m = V(mi), s = V(sdi), n = V(ni), rho = V(ri);
    switch (id) {
    case MN: return (effect){m, s * s / n};
    case MNLN: return (effect){log(m), s * s / (n * m * m)};
    case SDLN: return (effect){log(s) + 1 / (2 * (n - 1)), 1 / (2 * (n - 1))};
    case CVLN: return (effect){log(s / m) + 1 / (2 * (n - 1)), 1 / (2 * (n - 1)) + s * s / (n * m * m)};
    case COR: return (effect){rho, (1 - rho * rho) * (1 - rho * rho) / (n - 1)};
    case ZCOR: return (effect){0.5 * log((1 + rho) / (1 - rho)), n > 3 ? 1 / (n - 3) : PRC_META_NONE};
    default: return (effect){V(yi), isnan(V(vi)) ? V(sei) * V(sei) : V(vi)};
    }
}

static effect effect_of(int id, const row *r, const char *vtype, const means *mean)
{
    if (id <= YUY) return from_table(id, r, vtype, mean);
    if (id <= IRSD) return from_rates(id, r);
    if (id <= VR) return from_groups(id, r, vtype, mean);
    if (id <= ROMC) return from_pairs(id, r);
    if (id <= PFT) return from_events(id, r, vtype, mean);
    if (id <= IRFT) return from_time(id, r);
    return from_one(id, r);
}

/* ---- columns ------------------------------------------------------------------------------------------------- */

static int key_find(const char *s, size_t n)
{
    for (int i = 0; i < PRC_META_KEY_COUNT; i++)
        if (strlen(KEY[i]) == n && !memcmp(KEY[i], s, n)) return i;
    return -1;
}

/* Whether d offers every key of an alternative ("ai n1i ci n2i"); marks them in need. */
static bool offers(const prc_meta_data *d, const char *s, const char *end, bool *need)
{
    memset(need, 0, PRC_META_KEY_COUNT * sizeof *need);
    while (s < end) {
        size_t n = 0;
        while (s + n < end && s[n] != ' ') n++;
        int k = n ? key_find(s, n) : -1;
        if (k >= 0) {
            if (!d->col[k]) return false;
            need[k] = true;
        }
        s += n + (s + n < end);
    }
    return true;
}

static prc_status pick_columns(const prc_meta_measure *m, const prc_meta_data *d, bool *need, prc_error *err)
{
    for (const char *s = m->needs; *s;) {
        size_t n = strcspn(s, "|");
        if (offers(d, s, s + n, need)) return PRC_OK;
        s += n + (s[n] == '|');
    }
    return prc_fail(err, PRC_E_KEY, "measure %s needs the columns %s", m->name, m->needs);
}

static prc_status bad(prc_error *err, size_t i, const char *what, double x)
{
    return prc_fail(err, PRC_E_VALUE, "row %zu: %s (%g)", i + 1, what, x);
}

static bool is_count(int k)
{
    return (k >= PRC_META_ai && k <= PRC_META_t2i) || k == PRC_META_xi || k == PRC_META_ti || k == PRC_META_ni;
}

/* Impossible values are errors, not gaps. */
static prc_status check_row(const prc_meta_measure *m, const row *r, size_t i, prc_error *err)
{
    bool proportion = m->id >= PR && m->id <= PFT;
    if (m->id <= YUY && V(ai) >= 0 && V(ci) >= 0 && (V(bi) < 0 || V(di) < 0)) return prc_fail(err, PRC_E_VALUE, "row %zu: more events than patients (ai %g of n1i %g, ci %g of n2i %g)", i + 1, V(ai), V(ai) + V(bi), V(ci), V(ci) + V(di));
    if (proportion && V(xi) >= 0 && V(mi) < 0) return prc_fail(err, PRC_E_VALUE, "row %zu: more events (%g) than patients (%g)", i + 1, V(xi), V(ni));
    for (int k = 0; k < PRC_META_KEY_COUNT; k++) {
        double x = r->x[k];
        if (isnan(x)) continue;
        char what[80];
        snprintf(what, sizeof what, "%s is not finite", KEY[k]);
        if (isinf(x)) return bad(err, i, what, x);
        snprintf(what, sizeof what, "%s is negative", KEY[k]);
        if ((is_count(k) || (k == PRC_META_mi && proportion)) && x < 0) return bad(err, i, what, x);
        if ((k == PRC_META_sd1i || k == PRC_META_sd2i || k == PRC_META_sdi || k == PRC_META_sei || k == PRC_META_vi) && x < 0) return bad(err, i, what, x);
        if (k == PRC_META_ri && fabs(x) > 1) return bad(err, i, "ri is not a correlation", x);
    }
    return PRC_OK;
}

/* Row i with the non-events worked out. Missing when a needed value is. */
static bool read_row(const prc_meta_measure *m, const prc_meta_data *d, const bool *need, size_t i, row *r)
{
    for (int k = 0; k < PRC_META_KEY_COUNT; k++) {
        r->x[k] = need[k] ? d->col[k][i] : PRC_META_NONE;
        if (need[k] && isnan(r->x[k])) return false;
    }
    if (m->id <= YUY && !need[PRC_META_bi]) {
        V(bi) = V(n1i) - V(ai);
        V(di) = V(n2i) - V(ci);
    }
    if (m->id >= PR && m->id <= PFT && !need[PRC_META_mi]) V(mi) = V(ni) - V(xi);
    return true;
}

/* First pass for AV variances: n-weighted means of the rows that are used. */
static void pooled_means(const prc_meta_measure *m, const prc_meta_data *d, const bool *need, means *out)
{
    double g = 0, n = 0, x1 = 0, n1 = 0, x2 = 0, n2 = 0;
    means none = {0, 0, 0, 0};
    for (size_t i = 0; i < d->n; i++) {
        row rr, *r = &rr;
        if (!read_row(m, d, need, i, r)) continue;
        effect e = effect_of(m->id, r, "", &none);
        if (m->id == SMD && isfinite(e.y)) g += e.y * (V(n1i) + V(n2i)), n += V(n1i) + V(n2i);
        double add = m->id == RD ? (V(ai) == 0 || V(bi) == 0 || V(ci) == 0 || V(di) == 0 ? 0.5 : 0) : (V(xi) == 0 || V(mi) == 0 ? 0.5 : 0);
        if (m->id == RD) x1 += V(ai) + add, n1 += V(ai) + V(bi) + 2 * add, x2 += V(ci) + add, n2 += V(ci) + V(di) + 2 * add;
        else if (m->id >= PR && m->id <= PLO) x1 += V(xi) + add, n1 += V(xi) + V(mi) + 2 * add;
    }
    *out = (means){g / n, x1 / n1, x2 / n2, x1 / n1};
}

prc_status prc_meta_effects(const prc_meta_measure *m, const char *vtype, const prc_meta_data *d, double *yi, double *vi, prc_meta_drop *drop, prc_error *err)
{
    bool need[PRC_META_KEY_COUNT];
    means mean = {0, 0, 0, 0};
    if (!vtype) vtype = "";
    if (!prc_meta_variance_text(m, vtype)) return prc_fail(err, PRC_E_VALUE, "measure %s has no variance type `%s`", m->name, vtype);
    PRC_TRY(pick_columns(m, d, need, err));
    row rr, *r = &rr;
    for (size_t i = 0; i < d->n; i++)
        if (read_row(m, d, need, i, r)) PRC_TRY(check_row(m, r, i, err));
    if (!strcasecmp(vtype, "AV")) pooled_means(m, d, need, &mean);
    for (size_t i = 0; i < d->n; i++) {
        prc_meta_drop why = PRC_META_MISSING;
        effect e = {PRC_META_NONE, PRC_META_NONE};
        if (read_row(m, d, need, i, r)) {
            e = effect_of(m->id, r, vtype, &mean);
            why = isfinite(e.y) && isfinite(e.v) ? PRC_META_USED : PRC_META_UNDEFINED;
        }
        yi[i] = why == PRC_META_USED ? e.y : PRC_META_NONE;
        vi[i] = why == PRC_META_USED ? e.v : PRC_META_NONE;
        if (drop) drop[i] = why;
    }
    return PRC_OK;
}

/* ---- back-transformations ------------------------------------------------------------------------------------ */

double prc_meta_harmonic_mean(const double *n, size_t k)
{
    double s = 0;
    for (size_t i = 0; i < k; i++) s += 1 / n[i];
    return (double)k / s;
}

/* Miller 1978: the proportion whose double arcsine with n patients is x, held at 0 and 1 outside what n patients can give. */
static double inverse_pft(double x, double n)
{
    double lo = 0.5 * asin(sqrt(1 / (n + 1))), hi = 0.5 * (asin(sqrt(n / (n + 1))) + asin(1));
    if (x > hi) return 1;
    if (x < lo) return 0;
    double s = sin(2 * x), u = s + (s - 1 / s) / n, root = 1 - u * u, c = cos(2 * x);
    if (!(root >= 0)) return PRC_META_NONE;
    return 0.5 * (1 - (c > 0 ? 1 : c < 0 ? -1 : 0) * sqrt(root));
}

double prc_meta_back_value(prc_meta_back back, double x, double harmonic_n)
{
    if (isnan(x)) return x;
    switch (back) {
    case PRC_BACK_EXP: return exp(x);
    case PRC_BACK_LOGIT: return 1 / (1 + exp(-x));
    case PRC_BACK_ASIN: return x <= 0 ? 0 : x >= M_PI / 2 ? 1 : sin(x) * sin(x);
    case PRC_BACK_PFT: return inverse_pft(x, harmonic_n);
    case PRC_BACK_TANH: return tanh(x);
    case PRC_BACK_SQUARE: return x <= 0 ? 0 : x * x;
    case PRC_BACK_IRFT: return x <= 0 ? 0 : fmax(0, (1 / harmonic_n - 8 * x * x + 16 * harmonic_n * x * x * x * x) / (16 * x * x * harmonic_n));
    default: return x;
    }
}
