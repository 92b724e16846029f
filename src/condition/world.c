/* Possible worlds: a value for every row of the ledger, drawn within what is not known. */
#include "condition_int.h"

#include <math.h>
#include <string.h>

/* Standard normal quantile of the 97.5 % point. */
#define Z_975 1.959963984540054

/* Median m, 2.5 and 97.5 % points a and b, each half with a spread of its own: equals the normal when m is the middle.
 */
static double two_piece(double m, double a, double b, double u) {
    double z = prc_norm_inv(0.025 + 0.95 * u);
    return z < 0 ? m + z / Z_975 * (m - a) : m + z / Z_975 * (b - m);
}

static double triangular(double mode, double a, double b, double u) {
    if (!(b > a)) return mode;
    double split = (mode - a) / (b - a);
    return u < split ? a + sqrt(u * (b - a) * (mode - a)) : b - sqrt((1 - u) * (b - a) * (b - mode));
}

double prc_distribution_value(prc_distribution d, double value, double lower, double upper, double u) {
    double x = value;
    switch (d) {
    case PRC_FIXED:
        return value;
    case PRC_EXPONENTIAL:
        return -value * prc_log(1 - u);
    case PRC_NORMAL:
        x = two_piece(value, lower, upper, u);
        break;
    case PRC_LOGNORMAL:
        x = prc_exp(two_piece(prc_log(value), prc_log(lower), prc_log(upper), u));
        break;
    case PRC_UNIFORM:
        x = lower + (upper - lower) * u;
        break;
    case PRC_LOGUNIFORM:
        x = prc_exp(prc_log(lower) + (prc_log(upper) - prc_log(lower)) * u);
        break;
    case PRC_TRIANGULAR:
        x = triangular(value, lower, upper, u);
        break;
    }
    return x < lower ? lower : x > upper ? upper : x;
}

/* The identity of a row, so that adding or moving rows changes no other draw; a parameter is known by its name alone.
 */
static uint32_t row_purpose(const prc_row *r, prc_text *t) {
    t->n = 0;
    prc_text_printf(t, "world %s", r->name);
    if (r->route) prc_text_printf(t, "|%s", r->route);
    if (r->product) prc_text_printf(t, "|%s|%s|%s", r->product, r->key ? r->key : "-", r->level ? r->level : "-");
    if (r->kind == PRC_ROW_MULTIPLY) prc_text_add(t, "|*");
    return t->failed ? 0 : prc_purpose(t->s);
}

static bool is_open(const prc_row *r) {
    return (r->grade == PRC_ASSUMED || r->grade == PRC_CALIBRATED) && r->kind != PRC_ROW_DOSE &&
           r->distribution != PRC_FIXED;
}

prc_status prc_world_draw(const prc_condition *c, uint64_t seed, uint32_t k, prc_world *out, prc_error *err) {
    prc_text t = {0};
    double *value = prc_malloc(c->n_row ? c->n_row : 1, sizeof *value);
    if (!value) return prc_out_of_memory(err);
    for (size_t i = 0; i < c->n_row; i++) {
        const prc_row *r = &c->row[i];
        value[i] = r->value;
        if (k == 0 || !is_open(r)) continue;
        double u = prc_uniform(seed, 0, row_purpose(r, &t), k, 0);
        value[i] = prc_distribution_value(r->distribution, r->value, r->lower, r->upper, u);
    }
    bool failed = t.failed;
    prc_text_reset(&t);
    if (failed) {
        prc_free(value);
        return prc_out_of_memory(err);
    }
    out->n = c->n_row;
    out->value = value;
    return PRC_OK;
}

void prc_world_reset(prc_world *w) {
    if (!w) return;
    prc_free(w->value);
    w->value = NULL;
    w->n = 0;
}
