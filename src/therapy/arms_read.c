/* Arms as written in a trial file: mappings to courses. */
#include "therapy_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DOSE_MAX 1e12   /* cells, 1e4 times the largest used in patients */
#define DOSES_MAX 1000  /* administrations of one course */
#define DAY_MAX 36525.0 /* a century */

static const char *const arm_keys[] = {"give",   "source",    "donor",   "donor_age",  "dose",    "route",
                                       "at",     "repeat",    "with",    "like",       "carrier", "preconditioning",
                                       "thawed", "viability", "passage", "engineered", "volume",  "label"};
static const char *const with_keys[] = {"give",   "source",    "donor",   "donor_age",  "dose",
                                        "route",  "at",        "repeat",  "carrier",    "preconditioning",
                                        "thawed", "viability", "passage", "engineered", "volume"};
/* Properties of a product; words unless listed as numbers below. */
static const char *const properties[] = {"source", "donor",     "donor_age", "carrier",   "preconditioning",
                                         "thawed", "viability", "passage",   "engineered"};
enum { PROPERTY_COUNT = sizeof properties / sizeof *properties };
/* Levels that need no row in products.tsv because they change nothing. */
static const char *const plain_levels[][2] = {
    {"source", "bone-marrow"},   {"source", "adipose"}, {"donor", "autologous"}, {"donor", "allogeneic"},
    {"preconditioning", "none"}, {"thawed", "no"},      {"carrier", "none"},     {"engineered", "none"}};

typedef struct reader {
    const prc_condition *c;
    const prc_tree *t;
    const prc_node *map; /* all arms, for like */
    prc_arms *arms;
    prc_error *err;
} reader;

/* Where the keys of a course are looked up: a mapping under `with`, then the arm and what it is like. */
typedef struct scope {
    const prc_node *own; /* NULL: none */
    const prc_node *arm;
    const prc_node *give; /* node to blame for the product */
    const char *product;
    bool with; /* an addition: product keys of the arm are not its own */
} scope;

static prc_status out_of_memory(reader *r) {
    return prc_fail(r->err, PRC_E_MEMORY, "out of memory");
}

/* ---- names, each once ------------------------------------------------------------------------------------------ */

typedef struct name_list {
    const char **name;
    size_t n, cap;
    bool failed;
} name_list;

static void list_add(name_list *l, const char *name) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->name[i], name) == 0) return;
    if (!PRC_GROW(l->name, l->n, l->cap)) {
        l->failed = true;
        return;
    }
    l->name[l->n++] = name;
}

static bool list_has(const name_list *l, const char *name) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->name[i], name) == 0) return true;
    return false;
}

/* Error: `what` 'name' is not one of the list; frees the list. */
static prc_status fail_choice(reader *r, const prc_node *node, const char *what, const char *name, name_list *l) {
    prc_text t = {0};
    for (size_t i = 0; i < l->n; i++) prc_text_printf(&t, "%s%s", i ? ", " : "", l->name[i]);
    const char *near = prc_nearest(name, l->name, l->n);
    prc_status st =
        prc_node_fail(r->t, node, PRC_E_KEY, r->err, "%s `%s`%s%s%s\nallowed: %s", what, name,
                      near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "", t.s ? t.s : "none");
    prc_text_reset(&t);
    return st;
}

/* PRC_OK if name is in the list; frees the list. */
static prc_status choose(reader *r, const prc_node *node, const char *what, const char *name, name_list *l) {
    prc_status st = l->failed ? out_of_memory(r) : list_has(l, name) ? PRC_OK : fail_choice(r, node, what, name, l);
    prc_free(l->name);
    return st;
}

/* ---- looking keys up ------------------------------------------------------------------------------------------- */

static const prc_node *parent_of(const reader *r, const prc_node *arm) {
    const prc_node *like = arm->kind == PRC_MAP ? prc_node_get(arm, "like") : NULL;
    return like && like->kind == PRC_SCALAR ? prc_node_get(r->map, like->text) : NULL;
}

/* Every `like` names another arm and the chain ends. */
static prc_status check_like(reader *r, const prc_node *arm) {
    const prc_node *a = arm;
    for (size_t depth = 0;; depth++) {
        const prc_node *like = a->kind == PRC_MAP ? prc_node_get(a, "like") : NULL;
        const char *name;
        if (!like) return PRC_OK;
        PRC_TRY(prc_node_text(r->t, like, &name, r->err));
        const prc_node *next = r->map ? prc_node_get(r->map, name) : NULL;
        if (!next) {
            name_list l = {0};
            for (size_t i = 0; r->map && i < r->map->n; i++) list_add(&l, r->map->key[i]);
            return choose(r, like, "no arm", name, &l);
        }
        if (next->kind != PRC_MAP)
            return prc_node_fail(r->t, like, PRC_E_VALUE, r->err,
                                 "arm `%s` has no keys to take over\nwrite this arm out", name);
        if (next == arm || depth > r->map->n)
            return prc_node_fail(r->t, prc_node_get(arm, "like"), PRC_E_VALUE, r->err,
                                 "`like` leads in a circle back to this arm\nwrite one arm of the circle out");
        a = next;
    }
}

static const char *give_text(const prc_node *arm) {
    const prc_node *give = arm->kind == PRC_MAP ? prc_node_get(arm, "give") : NULL;
    return give && give->kind == PRC_SCALAR ? give->text : NULL;
}

/* Key of a course. What belongs to the product is not taken over from an arm that gives another one. */
static const prc_node *find(const reader *r, const scope *s, const char *key, bool of_product) {
    const prc_node *node = s->own ? prc_node_get(s->own, key) : NULL;
    if (node || (of_product && s->with)) return node;
    for (const prc_node *a = s->arm; a; a = parent_of(r, a)) {
        const char *give = give_text(a);
        if (of_product && give && s->product && strcmp(give, s->product) != 0) return NULL;
        node = prc_node_get(a, key);
        if (node) return node;
    }
    return NULL;
}

/* ---- product, route, dose -------------------------------------------------------------------------------------- */

static prc_status check_product(reader *r, const scope *s) {
    name_list l = {0};
    for (size_t i = 0; i < PRC_PLAIN_PRODUCT_COUNT; i++) list_add(&l, prc_plain_products[i]);
    for (size_t i = 0; i < r->c->n_row; i++)
        if (r->c->row[i].product) list_add(&l, r->c->row[i].product);
    return choose(r, s->give, "no product", s->product, &l);
}

/* The route must exist, and bring cells or exosomes into this model if that is what is given. */
static prc_status read_route(reader *r, const scope *s, prc_product_class class, prc_course *k) {
    const prc_node *node = find(r, s, "route", false);
    const char *name;
    name_list l = {0};
    if (!node && class == PRC_COMPARATOR && prc_needs_no_route(s->product)) return PRC_OK;
    if (!node)
        return prc_node_fail(r->t, s->give, PRC_E_KEY, r->err,
                             "`%s` is given without a route\nadd e.g. `route: intra-articular`", s->product);
    if (strcmp(s->product, "standard-care") == 0) return PRC_OK; /* one taken over through like has no meaning here */
    PRC_TRY(prc_node_text(r->t, node, &name, r->err));
    for (size_t i = 0; i < r->c->n_row; i++) {
        const prc_row *row = &r->c->row[i];
        if (row->route && (class == PRC_COMPARATOR || prc_row_doses_class(row, class))) list_add(&l, row->route);
    }
    PRC_TRY(choose(r, node,
                   class == PRC_COMPARATOR ? "no route"
                   : class == PRC_CELLS    ? "no route for cells"
                                           : "no route for exosomes",
                   name, &l));
    k->route = prc_arena_strdup(r->arms->arena, name);
    return k->route ? PRC_OK : out_of_memory(r);
}

static prc_status check_dose(reader *r, const prc_node *node, const prc_course *k, prc_product_class class) {
    double most = (class == PRC_EXOSOMES ? 1e8 : DOSE_MAX) / (k->per_kg ? 100 : 1);
    if (k->dose < 0) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "a negative dose\ngive 0 or more");
    if (k->dose > most)
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err,
                             "more than %g %s%s: no patient gets that many\ncheck the exponent",
                             class == PRC_EXOSOMES ? most * 1e10 : most, class == PRC_EXOSOMES ? "particles" : "cells",
                             k->per_kg ? "/kg" : "");
    if (k->per_kg && prc_condition_covariate(r->c, "weight") < 0)
        return prc_node_fail(r->t, node, PRC_E_KEY, r->err,
                             "a dose per kg, but patients of `%s` have no covariate `weight`\ngive the dose in %s",
                             r->c->name, class == PRC_EXOSOMES ? "particles" : "cells");
    return PRC_OK;
}

static prc_status read_dose(reader *r, const scope *s, prc_product_class class, const prc_node *node, prc_course *k) {
    const char *text, *unit, *want = class == PRC_EXOSOMES ? "particles" : "cells";
    prc_error inner;
    k->dose = (double)NAN;
    if (class == PRC_COMPARATOR) {
        if (!node) return PRC_OK;
        return prc_node_fail(r->t, node, PRC_E_KEY, r->err,
                             "`%s` has no dose here: one administration is one course\ndelete the dose", s->product);
    }
    if (!node)
        return prc_node_fail(r->t, s->give, PRC_E_KEY, r->err, "`%s` is given without a dose\nadd e.g. `dose: %s`",
                             s->product, class == PRC_EXOSOMES ? "1e10 particles" : "50e6 cells");
    PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    if (prc_quantity_split(text, &k->dose, &unit, &inner) != PRC_OK)
        return prc_node_fail(r->t, node, inner.status, r->err, "%s", inner.message);
    size_t n = strlen(want);
    bool known = strncmp(unit, want, n) == 0 && (unit[n] == 0 || strcmp(unit + n, "/kg") == 0);
    if (!known)
        return prc_node_fail(r->t, node, PRC_E_UNIT, r->err,
                             unit[0] ? "the dose of `%s` is in `%s`\nwrite it in `%s` or `%s/kg`"
                                     : "the dose of `%s` has no unit%s\nwrite it in `%s` or `%s/kg`",
                             s->product, unit, want, want);
    if (!isfinite(k->dose))
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "the dose of `%s` is not a finite number\nwrite e.g. `%s`",
                             s->product, class == PRC_EXOSOMES ? "1e10 particles" : "50e6 cells");
    k->per_kg = unit[n] != 0;
    if (class == PRC_EXOSOMES) k->dose /= 1e10;
    return check_dose(r, node, k, class);
}

/* ---- times ------------------------------------------------------------------------------------------------------ */

static prc_status read_time(reader *r, const prc_node *node, double *out) {
    PRC_TRY(prc_node_quantity(r->t, node, "d", out, r->err));
    if (*out < 0)
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "a time before day 0\nday 0 is the start of the trial");
    if (*out > DAY_MAX) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "more than 100 years\ncheck the unit");
    return PRC_OK;
}

static prc_status read_repeat(reader *r, const prc_node *node, double *every, int64_t *times) {
    static const char *const keys[] = {"every", "times"};
    *times = 0;
    if (!node) return PRC_OK;
    if (node->kind != PRC_MAP)
        return prc_node_fail(r->t, node, PRC_E_SYNTAX, r->err,
                             "repeat must be a mapping\nwrite `repeat: { every: 12 mo, times: 2 }` for two more doses");
    PRC_TRY(prc_node_allow(r->t, node, keys, 2, r->err));
    const prc_node *e = prc_node_get(node, "every"), *n = prc_node_get(node, "times");
    if (!e || !n)
        return prc_node_fail(r->t, node, PRC_E_KEY, r->err,
                             "repeat needs both every and times\nwrite `repeat: { every: 12 mo, times: 2 }`");
    PRC_TRY(prc_node_quantity(r->t, e, "d", every, r->err));
    PRC_TRY(prc_node_int(r->t, n, 1, DOSES_MAX, times, r->err));
    if (!(*every > 0)) return prc_node_fail(r->t, e, PRC_E_VALUE, r->err, "the interval must be longer than 0");
    return PRC_OK;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static prc_status read_times(reader *r, const scope *s, prc_course *k) {
    const prc_node *at = find(r, s, "at", false), *repeat = find(r, s, "repeat", false);
    double every = 0;
    int64_t times;
    PRC_TRY(read_repeat(r, repeat, &every, &times));
    size_t n = at && at->kind == PRC_LIST ? at->n : 1, rounds = (size_t)times + 1;
    if (n == 0) return prc_node_fail(r->t, at, PRC_E_VALUE, r->err, "an empty list of times\nwrite e.g. `at: 0 d`");
    if (n * rounds > DOSES_MAX)
        return prc_node_fail(r->t, repeat ? repeat : at, PRC_E_VALUE, r->err, "more than %d doses", DOSES_MAX);
    k->time = prc_arena_alloc(r->arms->arena, n * rounds, sizeof *k->time);
    if (!k->time) return out_of_memory(r);
    for (size_t i = 0; at && i < n; i++) PRC_TRY(read_time(r, at->kind == PRC_LIST ? at->child[i] : at, &k->time[i]));
    for (size_t j = 1; j < rounds; j++)
        for (size_t i = 0; i < n; i++) k->time[j * n + i] = k->time[i] + (double)j * every;
    k->n_time = n * rounds;
    qsort(k->time, k->n_time, sizeof *k->time, by_value);
    for (size_t i = 1; i < k->n_time; i++)
        if (k->time[i] == k->time[i - 1])
            return prc_node_fail(r->t, at ? at : repeat, PRC_E_VALUE, r->err,
                                 "two doses on day %g\ndelete one, or double the dose", k->time[i]);
    if (k->time[k->n_time - 1] > DAY_MAX)
        return prc_node_fail(r->t, repeat, PRC_E_VALUE, r->err, "doses later than 100 years\ncheck the unit");
    return PRC_OK;
}

/* ---- properties ------------------------------------------------------------------------------------------------- */

static prc_status keep_number(reader *r, double x, const char **out) {
    char buf[32];
    *out = prc_arena_strdup(r->arms->arena, prc_format_double(x, buf));
    return *out ? PRC_OK : out_of_memory(r);
}

/* Numbers among the properties: donor_age in years, viability as a share, passage as a count. */
static prc_status read_number_level(reader *r, const prc_node *node, const char *property, const char **out) {
    const char *text, *unit;
    double x;
    bool age = strcmp(property, "donor_age") == 0, share = strcmp(property, "viability") == 0;
    prc_error inner;
    PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    if (prc_quantity_split(text, &x, &unit, &inner) != PRC_OK)
        return prc_node_fail(r->t, node, inner.status, r->err, "%s", inner.message);
    if (unit[0] && !(age && strcmp(unit, "y") == 0) && !(share && strcmp(unit, "%") == 0))
        return prc_node_fail(r->t, node, PRC_E_UNIT, r->err, "`%s` as the unit of %s\nwrite %s", unit, property,
                             age     ? "years, e.g. 65 y"
                             : share ? "0.9 or 90 %"
                                     : "a plain number");
    if (share && unit[0]) x /= 100;
    bool ok = age ? (x >= 0 && x <= 120) : share ? (x > 0 && x <= 1) : (x >= 0 && x <= 100 && floor(x) == x);
    if (!ok)
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "%s is %g\nit must be %s", property, x,
                             age     ? "between 0 and 120 years"
                             : share ? "above 0 and at most 1 (100 %)"
                                     : "a whole number from 0 to 100");
    return keep_number(r, x, out);
}

static prc_status read_word_level(reader *r, const scope *s, const prc_node *node, const char *property,
                                  const char **out) {
    const char *text;
    name_list l = {0};
    if (strcmp(property, "thawed") == 0) {
        bool yes;
        PRC_TRY(prc_node_bool(r->t, node, &yes, r->err));
        text = yes ? "yes" : "no";
    } else {
        PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    }
    for (size_t i = 0; i < sizeof plain_levels / sizeof *plain_levels; i++)
        if (strcmp(plain_levels[i][0], property) == 0) list_add(&l, plain_levels[i][1]);
    for (size_t i = 0; i < r->c->n_row; i++) {
        const prc_row *row = &r->c->row[i];
        if (row->product && row->key && strcmp(row->product, s->product) == 0 && strcmp(row->key, property) == 0)
            list_add(&l, row->level);
    }
    char what[96];
    snprintf(what, sizeof what, "no %s (with an effect in this model) called", property);
    PRC_TRY(choose(r, node, what, text, &l));
    *out = prc_arena_strdup(r->arms->arena, text);
    return *out ? PRC_OK : out_of_memory(r);
}

static prc_status read_properties(reader *r, const scope *s, prc_product_class class, prc_course *k) {
    k->property = prc_arena_alloc(r->arms->arena, PROPERTY_COUNT, sizeof *k->property);
    k->level = prc_arena_alloc(r->arms->arena, PROPERTY_COUNT, sizeof *k->level);
    if (!k->property || !k->level) return out_of_memory(r);
    for (size_t i = 0; i < PROPERTY_COUNT; i++) {
        const char *name = properties[i];
        const prc_node *node = find(r, s, name, true);
        if (!node) continue;
        if (class == PRC_COMPARATOR)
            return prc_node_fail(r->t, node, PRC_E_KEY, r->err, "`%s` has no %s\ndelete this key", s->product, name);
        bool number = strcmp(name, "donor_age") == 0 || strcmp(name, "viability") == 0 || strcmp(name, "passage") == 0;
        PRC_TRY(number ? read_number_level(r, node, name, &k->level[k->n_property])
                       : read_word_level(r, s, node, name, &k->level[k->n_property]));
        k->property[k->n_property++] = name;
    }
    const prc_node *volume = find(r, s, "volume", true);
    double mL;
    if (!volume) return PRC_OK;
    PRC_TRY(prc_node_quantity(r->t, volume, "mL", &mL, r->err));
    if (!(mL > 0)) return prc_node_fail(r->t, volume, PRC_E_VALUE, r->err, "a volume must be larger than 0");
    return PRC_OK;
}

/* ---- courses and arms ------------------------------------------------------------------------------------------- */

static prc_status read_course(reader *r, scope *s, prc_course *k) {
    PRC_TRY(prc_node_text(r->t, s->give, &s->product, r->err));
    PRC_TRY(check_product(r, s));
    const prc_node *dose = find(r, s, "dose", true);
    prc_product_class class = prc_class_of(r->c, s->product, dose != NULL);
    k->line = s->give->line;
    k->col = s->give->col;
    k->product = prc_arena_strdup(r->arms->arena, s->product);
    if (!k->product) return out_of_memory(r);
    PRC_TRY(read_dose(r, s, class, dose, k));
    PRC_TRY(read_route(r, s, class, k));
    PRC_TRY(read_times(r, s, k));
    return read_properties(r, s, class, k);
}

/* One addition: a product's name, or a mapping of its own. */
static prc_status read_with(reader *r, const prc_node *arm, const prc_node *node, prc_course *k) {
    scope s = {NULL, arm, node, NULL, true};
    if (node->kind == PRC_LIST)
        return prc_node_fail(r->t, node, PRC_E_SYNTAX, r->err, "a list within a list\nwrite `with: [a, b]`");
    if (node->kind == PRC_MAP) {
        PRC_TRY(prc_node_allow(r->t, node, with_keys, sizeof with_keys / sizeof *with_keys, r->err));
        s.own = node;
        s.give = prc_node_get(node, "give");
        if (!s.give)
            return prc_node_fail(r->t, node, PRC_E_KEY, r->err,
                                 "`give` is missing here\nadd e.g. `give: hyaluronic-acid`");
    }
    return read_course(r, &s, k);
}

static const prc_row *route_sets(const prc_condition *c, const char *route, int param) {
    for (size_t i = 0; i < c->n_row; i++) {
        const prc_row *row = &c->row[i];
        if (row->kind == PRC_ROW_SET && row->route && row->param == param && strcmp(row->route, route) == 0) return row;
    }
    return NULL;
}

/* Two routes of cells in one arm must not want two values of one parameter. */
static prc_status check_conflicts(reader *r, const prc_node *node, const prc_arm *a) {
    for (size_t i = 0; i < a->n_course; i++)
        for (size_t j = 0; j < i; j++) {
            const prc_course *x = &a->course[i], *y = &a->course[j];
            if (!prc_course_gives(x) || !prc_course_gives(y) || strcmp(x->route, y->route) == 0) continue;
            for (size_t p = 0; p < r->c->model->n_param; p++) {
                const prc_row *u = route_sets(r->c, x->route, (int)p), *v = route_sets(r->c, y->route, (int)p);
                if (!u || !v || u->value == v->value) continue;
                return prc_node_fail(r->t, node, PRC_E_VALUE, r->err,
                                     "the routes `%s` and `%s` in one arm want `%s` to be %g and %g (lines %d and %d "
                                     "of %s)\nuse one route for cells in this arm",
                                     y->route, x->route, u->name, v->value, u->value, v->line, u->line, u->file);
            }
        }
    return PRC_OK;
}

static prc_status read_courses(reader *r, const prc_node *node, const prc_node *give, prc_arm *a) {
    scope s = {NULL, node, give, NULL, false};
    const prc_node *with = find(r, &s, "with", false);
    size_t n_with = !with ? 0 : with->kind == PRC_LIST ? with->n : 1;
    a->course = prc_arena_alloc(r->arms->arena, 1 + n_with, sizeof *a->course);
    if (!a->course) return out_of_memory(r);
    PRC_TRY(read_course(r, &s, &a->course[a->n_course++]));
    for (size_t i = 0; i < n_with; i++)
        PRC_TRY(read_with(r, node, with->kind == PRC_LIST ? with->child[i] : with, &a->course[a->n_course++]));
    for (size_t i = 0; i < a->n_course; i++) a->active = a->active || prc_course_gives(&a->course[i]);
    return check_conflicts(r, node, a);
}

static bool is_none(const prc_node *node) {
    return node->kind == PRC_SCALAR && node->text && strcmp(node->text, "none") == 0;
}

static prc_status read_arm(reader *r, const char *name, const prc_node *node, prc_arm *a) {
    const prc_node *label;
    a->line = node->line;
    a->col = node->col;
    a->name = prc_arena_strdup(r->arms->arena, name);
    if (!a->name) return out_of_memory(r);
    if (is_none(node)) return prc_arm_write_label(r->arms->arena, a, r->err);
    if (node->kind != PRC_MAP)
        return prc_node_fail(
            r->t, node, PRC_E_SYNTAX, r->err,
            "arm `%s` must be a mapping or none\nwrite e.g. { give: saline, route: intra-articular, at: 0 d }", name);
    PRC_TRY(prc_node_allow(r->t, node, arm_keys, sizeof arm_keys / sizeof *arm_keys, r->err));
    PRC_TRY(check_like(r, node));
    scope s = {NULL, node, NULL, NULL, false};
    const prc_node *give = find(r, &s, "give", false);
    if (!give)
        return prc_node_fail(r->t, node, PRC_E_KEY, r->err,
                             "arm `%s` gives nothing\nadd e.g. `give: msc`, or write `%s: none`", name, name);
    if (!is_none(give)) PRC_TRY(read_courses(r, node, give, a));
    label = prc_node_get(node, "label");
    if (!label) return prc_arm_write_label(r->arms->arena, a, r->err);
    PRC_TRY(prc_node_text(r->t, label, &a->label, r->err));
    a->label = prc_arena_strdup(r->arms->arena, a->label);
    return a->label ? PRC_OK : out_of_memory(r);
}

/* Is this mapping one arm rather than arms under names? */
static bool is_single(const prc_node *map) {
    const prc_node *give = map->kind == PRC_MAP ? prc_node_get(map, "give") : NULL;
    return (give && give->kind == PRC_SCALAR && !is_none(give)) || is_none(map);
}

static prc_status read_arms(reader *r, const prc_node *node) {
    bool single = is_single(node);
    if (!single && (node->kind != PRC_MAP || node->n == 0))
        return prc_node_fail(r->t, node, PRC_E_SYNTAX, r->err, "no arms here\nwrite a mapping of names to arms");
    r->map = single ? NULL : node;
    size_t n = single ? 1 : node->n;
    r->arms->arm = prc_arena_alloc(r->arms->arena, n, sizeof *r->arms->arm);
    if (!r->arms->arm) return out_of_memory(r);
    if (single) return read_arm(r, is_none(node) ? "none" : "arm", node, &r->arms->arm[r->arms->n++]);
    for (size_t i = 0; i < n; i++) PRC_TRY(read_arm(r, node->key[i], node->child[i], &r->arms->arm[r->arms->n++]));
    return PRC_OK;
}

prc_status prc_arms_read(const prc_condition *c, const prc_tree *t, const prc_node *arms, prc_arms **out,
                         prc_error *err) {
    prc_arms *a = prc_calloc(1, sizeof *a);
    if (!a) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    a->arena = prc_arena_create();
    reader r = {c, t, NULL, a, err};
    prc_status st = a->arena ? read_arms(&r, arms) : out_of_memory(&r);
    if (st != PRC_OK) {
        prc_arms_free(a);
        return st;
    }
    *out = a;
    return PRC_OK;
}

prc_status prc_arm_parse(const prc_condition *c, const char *text, const char *source, int line, prc_arms **out,
                         prc_error *err) {
    prc_tree *t = NULL;
    prc_status st = prc_tree_parse(text, strlen(text), source, &t, err);
    if (st == PRC_OK) st = prc_arms_read(c, t, t->root, out, err);
    if (st == PRC_OK && (*out)->n != 1) {
        prc_arms_free(*out);
        *out = NULL;
        st = prc_node_fail(t, t->root, PRC_E_SYNTAX, err,
                           "one arm is wanted here\nwrite { give: ..., route: ..., at: ... } or none");
    }
    /* Positions count within the cell, which is one line of its file. */
    if (st != PRC_OK && err && err->line > 0) err->line = line;
    prc_tree_free(t);
    return st;
}

void prc_arms_free(prc_arms *arms) {
    if (!arms) return;
    prc_arena_free(arms->arena);
    prc_free(arms);
}

prc_status prc_arm_vehicle(prc_arms *arms, const prc_arm *arm, prc_arm *out, prc_error *err) {
    prc_arm v = *arm;
    v.active = false;
    v.course = prc_arena_alloc(arms->arena, arm->n_course ? arm->n_course : 1, sizeof *v.course);
    if (!v.course) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    for (size_t i = 0; i < arm->n_course; i++) {
        v.course[i] = arm->course[i];
        if (isnan(arm->course[i].dose)) continue;
        v.course[i].product = "saline";
        v.course[i].dose = (double)NAN;
        v.course[i].per_kg = false;
        v.course[i].n_property = 0;
    }
    PRC_TRY(prc_arm_write_label(arms->arena, &v, err));
    *out = v;
    return PRC_OK;
}
