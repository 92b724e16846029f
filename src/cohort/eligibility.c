/* Who may enter: conditions on covariates and on what is measured at screening. */
#include "cohort_int.h"

#include <math.h>
#include <string.h>

typedef struct reader {
    const prc_condition *c;
    const prc_tree *t;
    prc_eligibility *e;
    prc_error *err;
} reader;

static prc_status out_of_memory(reader *r) {
    return prc_cohort_no_memory(r->err);
}

static bool measured(const prc_observable *o) {
    return o->kind == PRC_OB_SCORE || o->kind == PRC_OB_IMAGE || o->kind == PRC_OB_GRADE;
}

static prc_status fail_name(reader *r, const prc_node *node, const char *name) {
    const prc_condition *c = r->c;
    const char **names = prc_arena_alloc(r->e->arena, c->n_covariate + c->n_observable + 1, sizeof *names);
    if (!names) return out_of_memory(r);
    size_t n = 0;
    prc_text list = {0};
    for (size_t i = 0; i < c->n_covariate; i++) names[n++] = c->covariate[i].name;
    for (size_t i = 0; i < c->n_observable; i++)
        if (measured(&c->observable[i]) && prc_condition_covariate(c, c->observable[i].name) < 0)
            names[n++] = c->observable[i].name;
    for (size_t i = 0; i < n; i++) prc_text_printf(&list, "%s%s", i ? ", " : "", names[i]);
    const char *near = prc_nearest(name, names, n);
    prc_status st = prc_node_fail(
        r->t, node, PRC_E_KEY, r->err, "`%s` is neither a covariate nor a score of `%s`%s%s%s\nallowed: %s", name,
        c->name, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "", list.s ? list.s : "");
    prc_text_reset(&list);
    return st;
}

/* A covariate stands before a score of the same name: it is known before anything is measured. */
static prc_status find_name(reader *r, const prc_node *node, const char *name, prc_criterion *k) {
    k->covariate = prc_condition_covariate(r->c, name);
    k->observable = k->covariate >= 0 ? -1 : prc_condition_observable(r->c, name);
    if (k->covariate >= 0)
        k->name = r->c->covariate[k->covariate].name;
    else if (k->observable >= 0 && measured(&r->c->observable[k->observable]))
        k->name = r->c->observable[k->observable].name;
    else
        return fail_name(r, node, name);
    return PRC_OK;
}

/* A number, in the unit of the thing when one is written; or a category. */
static prc_status read_value(reader *r, const prc_node *node, const prc_criterion *k, double *out) {
    const prc_covariate *v = k->covariate >= 0 ? &r->c->covariate[k->covariate] : NULL;
    const char *text, *unit, *want = v ? v->unit : r->c->observable[k->observable].unit;
    PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    for (size_t i = 0; v && i < v->n_category; i++)
        if (strcmp(v->category[i], text) == 0) {
            *out = v->code[i];
            return PRC_OK;
        }
    if (v && v->n_category) {
        const char *near = prc_nearest(text, v->category, v->n_category);
        prc_text list = {0};
        for (size_t i = 0; i < v->n_category; i++) prc_text_printf(&list, "%s%s", i ? ", " : "", v->category[i]);
        prc_status st = prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is no category of `%s`%s%s%s\nallowed: %s",
                                      text, v->name, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "",
                                      list.s ? list.s : "");
        prc_text_reset(&list);
        return st;
    }
    prc_error inner;
    if (prc_quantity_split(text, out, &unit, &inner) != PRC_OK)
        return prc_node_fail(r->t, node, inner.status, r->err, "%s", inner.message);
    if (unit[0]) return prc_node_quantity(r->t, node, want, out, r->err);
    if (!isfinite(*out)) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "not a finite number");
    return PRC_OK;
}

static prc_status read_range(reader *r, const prc_node *map, prc_criterion *k) {
    static const char *const keys[] = {"min", "max"};
    PRC_TRY(prc_node_allow(r->t, map, keys, 2, r->err));
    const prc_node *lo = prc_node_get(map, "min"), *hi = prc_node_get(map, "max");
    if (!lo && !hi)
        return prc_node_fail(r->t, map, PRC_E_KEY, r->err, "neither min nor max\nwrite e.g. { min: 40, max: 75 }");
    if (lo) PRC_TRY(read_value(r, lo, k, &k->min));
    if (hi) PRC_TRY(read_value(r, hi, k, &k->max));
    if (k->min > k->max)
        return prc_node_fail(r->t, lo, PRC_E_VALUE, r->err, "min is larger than max: nobody is eligible\nswap them");
    return PRC_OK;
}

static prc_status read_criterion(reader *r, const prc_node *node, const char *name, prc_criterion *k) {
    k->min = k->max = (double)NAN;
    PRC_TRY(find_name(r, node, name, k));
    if (node->kind == PRC_MAP) return read_range(r, node, k);
    k->n_set = node->kind == PRC_LIST ? node->n : 1;
    if (k->n_set == 0)
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err,
                             "an empty list: nobody is eligible\nlist at least one value");
    k->set = prc_arena_alloc(r->e->arena, k->n_set, sizeof *k->set);
    if (!k->set) return out_of_memory(r);
    for (size_t i = 0; i < k->n_set; i++)
        PRC_TRY(read_value(r, node->kind == PRC_LIST ? node->child[i] : node, k, &k->set[i]));
    return PRC_OK;
}

static prc_status read_map(reader *r, const prc_node *map) {
    bool empty = !map || (map->kind == PRC_SCALAR && (!map->text || map->text[0] == 0 || strcmp(map->text, "-") == 0));
    if (empty) return PRC_OK; /* everybody */
    if (map->kind != PRC_MAP)
        return prc_node_fail(r->t, map, PRC_E_SYNTAX, r->err,
                             "eligibility must be a mapping\nwrite e.g. { kl_grade: [2, 3], age: { min: 40 } }");
    r->e->criterion = prc_arena_alloc(r->e->arena, map->n + 1, sizeof *r->e->criterion);
    if (!r->e->criterion) return out_of_memory(r);
    for (size_t i = 0; i < map->n; i++) {
        prc_node at = *map->child[i]; /* a wrong name is marked at the name */
        if (map->key_line) at.line = map->key_line[i], at.col = map->key_col[i];
        prc_criterion probe;
        PRC_TRY(find_name(r, &at, map->key[i], &probe));
        PRC_TRY(read_criterion(r, map->child[i], map->key[i], &r->e->criterion[i]));
        r->e->n++;
    }
    return PRC_OK;
}

prc_status prc_eligibility_read(const prc_condition *c, const prc_tree *t, const prc_node *map, prc_eligibility **out,
                                prc_error *err) {
    prc_eligibility *e = prc_calloc(1, sizeof *e);
    if (!e) return prc_cohort_no_memory(err);
    e->arena = prc_arena_create();
    reader r = {c, t, e, err};
    prc_status st = e->arena ? read_map(&r, map) : out_of_memory(&r);
    if (st != PRC_OK) {
        prc_eligibility_free(e);
        return st;
    }
    *out = e;
    return PRC_OK;
}

void prc_eligibility_free(prc_eligibility *e) {
    if (!e) return;
    prc_arena_free(e->arena);
    prc_free(e);
}
