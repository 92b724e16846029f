/* Both sides of every equation must have the same dimension. */
#include "model_int.h"

#include <string.h>

typedef struct dims {
    const prc_model *m;
    const prc_dim *time;
} dims;

static bool lookup(void *ctx, const char *name, prc_dim *out) {
    const dims *d = ctx;
    if (strcmp(name, "time") == 0) {
        *out = *d->time;
        return true;
    }
    int i = prc_model_find(d->m, name);
    if (i < 0) return false;
    *out = d->m->var[i].dim;
    return true;
}

void prc_dim_per(prc_dim *d, const prc_dim *by) {
    if (!d->known || !by->known) {
        *d = (prc_dim){.known = false};
        return;
    }
    d->factor /= by->factor;
    for (int k = 0; k < PRC_AU_COUNT; k++) d->exponent[k] -= by->exponent[k];
}

prc_status prc_model_check_units(const prc_model *m, const prc_dim *time, const prc_equation *q, prc_error *err) {
    /* A bare number is taken in the unit of the left side. */
    if (prc_expr_is_constant(q->expr)) return PRC_OK;
    dims d = {m, time};
    prc_dim got;
    PRC_TRY(prc_expr_dim(m->ast, q->source, q->expr, lookup, &d, &got, err));
    if (!q->want.known || !got.known || prc_dim_equal(&q->want, &got)) return PRC_OK;
    char want[128], have[128];
    prc_dim_format(&q->want, want, sizeof want);
    prc_dim_format(&got, have, sizeof have);
    return prc_ast_fail(m->ast, q->source, q->line, q->col, PRC_E_UNIT, err,
                        "the %s of '%s' must have unit %s, but the expression has %s", q->relation, q->name, want,
                        have);
}
