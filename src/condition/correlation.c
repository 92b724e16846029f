/* Correlations between covariates and varying parameters: pairs to one Cholesky factor. */
#include "condition_int.h"

#include <math.h>
#include <string.h>

static bool varies(const prc_condition *c, const char *name) {
    if (prc_condition_covariate(c, name) >= 0) return true;
    for (size_t i = 0; i < c->n_follow; i++) {
        const prc_follow *f = &c->follow[i];
        if (strcmp(f->name, name) == 0 && (f->distribution != PRC_FIXED || f->sd > 0 || f->cv > 0)) return true;
    }
    int row = prc_condition_row(c, name);
    return row >= 0 && c->row[row].between_patient_cv > 0;
}

static int joint_index(const prc_condition *c, const char *name) {
    for (size_t i = 0; i < c->n_joint; i++)
        if (strcmp(c->joint[i], name) == 0) return (int)i;
    return -1;
}

static prc_status read_name(prc_loader *l, const prc_tree *t, const prc_node *node, const char **out) {
    prc_condition *c = l->c;
    const char *text;
    PRC_TRY(prc_node_text(t, node, &text, l->err));
    if (!varies(c, text))
        return prc_node_fail(t, node, PRC_E_KEY, l->err,
                             "`%s` does not vary between patients\nname a covariate, or a parameter with sd, cv, a "
                             "distribution or between_patient_cv",
                             text);
    PRC_TRY(prc_keep(l, text, false, out));
    if (joint_index(c, text) < 0) c->joint[c->n_joint++] = *out;
    return PRC_OK;
}

static prc_status read_pair(prc_loader *l, const prc_tree *t, const prc_node *pair) {
    prc_condition *c = l->c;
    const char *a, *b;
    double rho;
    if (pair->kind != PRC_LIST || pair->n != 3)
        return prc_node_fail(t, pair, PRC_E_SYNTAX, l->err,
                             "a correlation is a list of two names and a number, e.g. [age, bmi, 0.1]");
    PRC_TRY(read_name(l, t, pair->child[0], &a));
    PRC_TRY(read_name(l, t, pair->child[1], &b));
    PRC_TRY(prc_node_number(t, pair->child[2], &rho, l->err));
    if (strcmp(a, b) == 0)
        return prc_node_fail(t, pair, PRC_E_VALUE, l->err, "`%s` with itself\nname two different things", a);
    if (!(rho > -1 && rho < 1))
        return prc_node_fail(t, pair->child[2], PRC_E_VALUE, l->err, "a correlation lies strictly between -1 and 1");
    for (size_t i = 0; i < c->n_correlation; i++) {
        const char *x = c->correlation[i].a, *y = c->correlation[i].b;
        bool same = (strcmp(x, a) == 0 && strcmp(y, b) == 0) || (strcmp(x, b) == 0 && strcmp(y, a) == 0);
        if (same)
            return prc_node_fail(t, pair, PRC_E_KEY, l->err, "the pair `%s`, `%s` stands here twice\ndelete one", a, b);
    }
    c->correlation[c->n_correlation].a = a;
    c->correlation[c->n_correlation].b = b;
    c->correlation[c->n_correlation++].rho = rho;
    return PRC_OK;
}

/* In place: m becomes its lower Cholesky factor. Returns the row at which it fails, -1 = none. */
static int cholesky(double *m, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double s = m[i * n + j];
            for (size_t k = 0; k < j; k++) s -= m[i * n + k] * m[j * n + k];
            if (i == j && !(s > 1e-10)) return (int)i;
            m[i * n + j] = i == j ? sqrt(s) : s / m[j * n + j];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) m[i * n + j] = 0;
    return -1;
}

prc_status prc_load_correlation(prc_loader *l, const prc_tree *t, const prc_node *list) {
    prc_condition *c = l->c;
    if (!list) return PRC_OK;
    if (list->kind != PRC_LIST)
        return prc_node_fail(t, list, PRC_E_SYNTAX, l->err, "correlation must be a list of [name, name, number]");
    c->correlation = prc_arena_alloc(c->arena, list->n + 1, sizeof *c->correlation);
    c->joint = prc_arena_alloc(c->arena, 2 * list->n + 1, sizeof *c->joint);
    if (!c->correlation || !c->joint) return prc_out_of_memory(l->err);
    for (size_t i = 0; i < list->n; i++) PRC_TRY(read_pair(l, t, list->child[i]));
    size_t n = c->n_joint;
    c->joint_factor = prc_arena_alloc(c->arena, n * n + 1, sizeof *c->joint_factor);
    if (!c->joint_factor) return prc_out_of_memory(l->err);
    for (size_t i = 0; i < n; i++) c->joint_factor[i * n + i] = 1;
    for (size_t i = 0; i < c->n_correlation; i++) {
        size_t a = (size_t)joint_index(c, c->correlation[i].a), b = (size_t)joint_index(c, c->correlation[i].b);
        c->joint_factor[a * n + b] = c->joint_factor[b * n + a] = c->correlation[i].rho;
    }
    int bad = cholesky(c->joint_factor, n);
    if (bad < 0) return PRC_OK;
    return prc_node_fail(t, list, PRC_E_VALUE, l->err,
                         "these correlations contradict each other (the matrix is not positive definite at "
                         "`%s`)\nlower those of `%s`, or add the missing "
                         "pairs: a pair that is not listed counts as 0",
                         c->joint[bad], c->joint[bad]);
}
