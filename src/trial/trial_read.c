/* trial_read.c: reads and checks a trial file; every slip is found before anything runs. */
#include "trial_int.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const keys[] = {"title", "question", "condition", "seed", "population", "populations", "randomise", "arms", "visits",
                                   "endpoints", "dropout", "bias", "horizon", "subgroups", "replicates", "rescue", "stop"};
/* Keys that the design of Paracrine names and that come later. */
static const char *const later[] = {"vary", "crossover", "washout", "interim", "adaptive", "sites", "estimand", "adherence"};

static prc_status no_memory(prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "out of memory for the trial file");
}

size_t prc_node_items(const prc_node *node)
{
    return node->kind == PRC_LIST ? node->n : 1;
}

const prc_node *prc_node_item(const prc_node *node, size_t k)
{
    return node->kind == PRC_LIST ? node->child[k] : node;
}

prc_status prc_unknown_name(prc_trial_reader *r, const prc_node *at, const char *what, const char *name, const char *const *known, size_t n)
{
    const char *near = prc_nearest(name, known, n);
    if (near) return prc_node_fail(r->t, at, PRC_E_KEY, r->err, "there is no %s `%s`\ndid you mean `%s`?", what, name, near);
    prc_text list = {0};
    for (size_t i = 0; i < n; i++) prc_text_printf(&list, "%s%s", i ? ", " : "", known[i]);
    prc_status st = prc_node_fail(r->t, at, PRC_E_KEY, r->err, "there is no %s `%s`\nknown are: %.500s", what, name, n && list.s ? list.s : "none");
    prc_text_reset(&list);
    return st;
}

static prc_status missing(prc_trial_reader *r, const char *key, const char *cure)
{
    return prc_node_fail(r->t, r->t->root, PRC_E_KEY, r->err, "the trial file has no `%s:`\n%s", key, cure);
}

static prc_status want_map(prc_trial_reader *r, const prc_node *node, const char *key, const char *cure)
{
    if (node->kind == PRC_MAP) return PRC_OK;
    return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` must be a mapping, as in `%s`", key, cure);
}

/* Text in the arena of the spec, `otherwise` where the key is absent. */
static prc_status read_text(prc_trial_reader *r, const char *key, const char *otherwise, const char **out)
{
    const prc_node *node = prc_node_get(r->t->root, key);
    const char *text = otherwise;
    if (node) PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    *out = prc_arena_strdup(r->s->arena, text);
    return *out ? PRC_OK : no_memory(r->err);
}

static prc_status check_keys(prc_trial_reader *r)
{
    const prc_node *root = r->t->root;
    if (!root || root->kind != PRC_MAP || root->n == 0)
        return prc_fail_at(r->err, PRC_E_SYNTAX, r->t->source, 1, 1, "this is no trial file: it must be a mapping with condition, population, arms, visits and endpoints\n"
                           "`paracrine init CONDITION` writes one to start from");
    for (size_t i = 0; i < root->n; i++)
        for (size_t k = 0; k < COUNT(later); k++)
            if (strcmp(root->key[i], later[k]) == 0)
                return prc_node_fail(r->t, root->child[i], PRC_E_UNSUPPORTED, r->err, "`%s` is not supported yet\nleave it out", later[k]);
    return prc_node_allow(r->t, root, keys, COUNT(keys), r->err);
}

static prc_status read_head(prc_trial_reader *r, const char *data_dir, const uint64_t *seed_override)
{
    const prc_node *root = r->t->root, *condition = prc_node_get(root, "condition"), *seed = prc_node_get(root, "seed");
    const char *name;
    int64_t value = 1;
    if (!condition) return missing(r, "condition", "name one, as in `condition: knee-oa` (`paracrine conditions` lists them)");
    PRC_TRY(prc_node_text(r->t, condition, &name, r->err));
    if (seed) PRC_TRY(prc_node_int(r->t, seed, 0, INT64_MAX, &value, r->err));
    r->s->seed = seed_override ? *seed_override : (uint64_t)value;
    char **names = NULL;
    size_t n = 0;
    PRC_TRY(prc_condition_names(data_dir, &names, &n, r->err));
    bool known = false;
    for (size_t i = 0; i < n; i++) known = known || strcmp(names[i], name) == 0;
    prc_status st = known ? PRC_OK : prc_unknown_name(r, condition, "condition", name, (const char *const *)names, n);
    prc_condition_names_free(names, n);
    PRC_TRY(st);
    PRC_TRY(prc_condition_load(data_dir, name, &r->s->condition, r->err));
    PRC_TRY(read_text(r, "title", r->s->condition->title, &r->s->title));
    return read_text(r, "question", "", &r->s->question);
}

/* ---- patients ------------------------------------------------------------------------------------------------ */

static prc_status read_size(prc_trial_reader *r, const prc_node *map, size_t *size)
{
    const prc_node *node = prc_node_get(map, "size_per_arm");
    int64_t value;
    if (!node) return PRC_OK;
    PRC_TRY(prc_node_int(r->t, node, 1, PRC_MAX_SIZE, &value, r->err));
    *size = (size_t)value;
    return PRC_OK;
}

static prc_status read_population(prc_trial_reader *r, const prc_node *map, const char *name, size_t size, prc_population_spec *p)
{
    static const char *const allowed[] = {"size_per_arm", "include"};
    const prc_node everybody = {.kind = PRC_MAP, .line = map->line, .col = map->col};
    const prc_node *include = prc_node_get(map, "include");
    PRC_TRY(want_map(r, map, strcmp(name, "all") == 0 ? "population" : name, "{ size_per_arm: 200, include: { age: { min: 40 } } }"));
    PRC_TRY(prc_node_allow(r->t, map, allowed, COUNT(allowed), r->err));
    p->size_per_arm = size;
    PRC_TRY(read_size(r, map, &p->size_per_arm));
    if (p->size_per_arm == 0) return prc_node_fail(r->t, map, PRC_E_KEY, r->err, "`size_per_arm` is missing\nsay how many patients each arm gets, as in `size_per_arm: 200`");
    if (include) PRC_TRY(want_map(r, include, "include", "include: { age: { min: 40, max: 75 } }"));
    p->name = prc_arena_strdup(r->s->arena, name);
    if (!p->name) return no_memory(r->err);
    return prc_eligibility_read(r->s->condition, r->t, include ? include : &everybody, &p->eligibility, r->err);
}

/* The name becomes part of patient identifiers. */
static prc_status check_population_name(prc_trial_reader *r, const prc_node *at, const char *name)
{
    size_t n = strlen(name);
    bool good = n > 0 && n <= 14;
    for (const char *c = name; *c; c++) good = good && (isalnum((unsigned char)*c) || *c == '_' || *c == '-') && (unsigned char)*c < 128;
    if (good) return PRC_OK;
    return prc_node_fail(r->t, at, PRC_E_VALUE, r->err, "`%.40s` cannot be the name of a population\nuse 1 to 14 letters, digits, `-` and `_`", name);
}

static prc_status read_populations(prc_trial_reader *r)
{
    const prc_node *one = prc_node_get(r->t->root, "population"), *many = prc_node_get(r->t->root, "populations");
    static const char *const only_size[] = {"size_per_arm"};
    prc_trial_spec *s = r->s;
    size_t size = 0;
    if (!one && !many) return missing(r, "population", "add `population: { size_per_arm: 200 }`");
    s->n_population = many ? many->n : 1;
    if (many) {
        PRC_TRY(want_map(r, many, "populations", "populations: { early: { include: { kl_grade: [2] } }, late: { ... } }"));
        if (many->n == 0 || many->n > PRC_MAX_POPULATIONS)
            return prc_node_fail(r->t, many, PRC_E_VALUE, r->err, "a trial has 1 to %d populations, this one %zu", PRC_MAX_POPULATIONS, many->n);
        if (one) {
            PRC_TRY(want_map(r, one, "population", "population: { size_per_arm: 200 }"));
            PRC_TRY(prc_node_allow(r->t, one, only_size, 1, r->err));
            PRC_TRY(read_size(r, one, &size));
        }
    }
    s->population = prc_arena_alloc(s->arena, s->n_population, sizeof *s->population);
    if (!s->population) return no_memory(r->err);
    if (!many) return read_population(r, one, "all", 0, s->population);
    for (size_t i = 0; i < many->n; i++) {
        prc_node at = *many->child[i]; /* a wrong name is marked at the name */
        at.line = many->key_line[i];
        at.col = many->key_col[i];
        PRC_TRY(check_population_name(r, &at, many->key[i]));
        PRC_TRY(read_population(r, many->child[i], many->key[i], size, &s->population[i]));
    }
    return PRC_OK;
}

prc_status prc_read_covariate(prc_trial_reader *r, const prc_node *node, bool categorical, int *out)
{
    const prc_condition *c = r->s->condition;
    const char *name;
    PRC_TRY(prc_node_text(r->t, node, &name, r->err));
    *out = prc_condition_covariate(c, name);
    if (*out >= 0 && categorical && c->covariate[*out].n_category == 0)
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is continuous and cannot divide patients\nchoose a covariate with categories", name);
    if (*out >= 0) return PRC_OK;
    const char **known = prc_arena_alloc(r->s->arena, c->n_covariate + 1, sizeof *known);
    if (!known) return no_memory(r->err);
    for (size_t i = 0; i < c->n_covariate; i++) known[i] = c->covariate[i].name;
    return prc_unknown_name(r, node, "covariate", name, known, c->n_covariate);
}

/* A list of covariates with categories, none twice. */
static prc_status read_divisions(prc_trial_reader *r, const prc_node *node, const char *key, int **out, size_t *n)
{
    *n = 0;
    if (!node) return PRC_OK;
    if (node->kind == PRC_MAP) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is a list of covariates, as in `%s: [kl_grade]`", key, key);
    *out = prc_arena_alloc(r->s->arena, prc_node_items(node) + 1, sizeof **out);
    if (!*out) return no_memory(r->err);
    for (size_t i = 0; i < prc_node_items(node); i++) {
        PRC_TRY(prc_read_covariate(r, prc_node_item(node, i), true, &(*out)[i]));
        for (size_t k = 0; k < i; k++)
            if ((*out)[k] == (*out)[i]) return prc_node_fail(r->t, prc_node_item(node, i), PRC_E_VALUE, r->err, "`%s` stands in `%s` twice\ndelete one", r->s->condition->covariate[(*out)[i]].name, key);
        (*n)++;
    }
    return PRC_OK;
}

static prc_status read_randomise(prc_trial_reader *r)
{
    static const char *const allowed[] = {"stratify", "block"};
    const prc_node *map = prc_node_get(r->t->root, "randomise"), *block = NULL;
    prc_trial_spec *s = r->s;
    int64_t size = 2 * (int64_t)s->arms->n;
    if (map) {
        PRC_TRY(want_map(r, map, "randomise", "randomise: { stratify: [kl_grade], block: 4 }"));
        PRC_TRY(prc_node_allow(r->t, map, allowed, COUNT(allowed), r->err));
        PRC_TRY(read_divisions(r, prc_node_get(map, "stratify"), "stratify", &s->stratify, &s->n_stratify));
        block = prc_node_get(map, "block");
    }
    if (block) PRC_TRY(prc_node_int(r->t, block, 1, 100000, &size, r->err));
    /* A block holds every arm equally often: rounded up. */
    s->block = ((size_t)size + s->arms->n - 1) / s->arms->n * s->arms->n;
    return PRC_OK;
}

/* ---- arms and times ------------------------------------------------------------------------------------------ */

static prc_status read_arms(prc_trial_reader *r)
{
    const prc_node *arms = prc_node_get(r->t->root, "arms");
    if (!arms) return missing(r, "arms", "add `arms:` with one line an arm, as in `placebo: { give: saline, route: intra-articular, at: 0 d }`");
    PRC_TRY(want_map(r, arms, "arms", "arms: { placebo: { give: saline, route: intra-articular, at: 0 d } }"));
    if (arms->n == 0 || arms->n > PRC_MAX_ARMS) return prc_node_fail(r->t, arms, PRC_E_VALUE, r->err, "a trial has 1 to %d arms, this one %zu", PRC_MAX_ARMS, arms->n);
    return prc_arms_read(r->s->condition, r->t, arms, &r->s->arms, r->err);
}

static prc_status read_visits(prc_trial_reader *r)
{
    const prc_node *list = prc_node_get(r->t->root, "visits");
    prc_trial_spec *s = r->s;
    if (!list) return missing(r, "visits", "add `visits: [0 d, 3 mo, 6 mo, 12 mo]`");
    if (list->kind != PRC_LIST || list->n == 0) return prc_node_fail(r->t, list, PRC_E_VALUE, r->err, "`visits` is a list of times, as in `visits: [0 d, 3 mo, 6 mo, 12 mo]`");
    if (list->n > PRC_MAX_VISITS) return prc_node_fail(r->t, list, PRC_E_VALUE, r->err, "%zu visits are more than %d", list->n, PRC_MAX_VISITS);
    s->visit = prc_arena_alloc(s->arena, list->n, sizeof *s->visit);
    s->visit_label = prc_arena_alloc(s->arena, list->n, sizeof *s->visit_label);
    if (!s->visit || !s->visit_label) return no_memory(r->err);
    for (size_t i = 0; i < list->n; i++) {
        const prc_node *node = list->child[i];
        const char *text;
        PRC_TRY(prc_node_quantity(r->t, node, "d", &s->visit[i], r->err));
        PRC_TRY(prc_node_text(r->t, node, &text, r->err));
        if (s->visit[i] < 0) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "the visit at %s lies before the first treatment at day 0\nvisits start with `0 d`", text);
        if (i == 0 && s->visit[0] > 0) return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "the first visit is the baseline\nstart the list with `0 d`");
        /* Noise is keyed by the day: two visits of one day would be one measurement. */
        if (i > 0 && !(s->visit[i] >= s->visit[i - 1] + 1))
            return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "the visit at %s is not at least a day after the one at %s\nwrite visits in the order of time", text, s->visit_label[i - 1]);
        s->visit_label[i] = prc_arena_strdup(s->arena, text);
        if (!s->visit_label[i]) return no_memory(r->err);
        s->n_visit++;
    }
    return PRC_OK;
}

static prc_status read_horizon(prc_trial_reader *r)
{
    const prc_node *node = prc_node_get(r->t->root, "horizon");
    prc_trial_spec *s = r->s;
    double last = s->visit[s->n_visit - 1];
    s->horizon = last;
    if (node) PRC_TRY(prc_node_quantity(r->t, node, "d", &s->horizon, r->err));
    const prc_node *at = node ? node : prc_node_get(r->t->root, "visits");
    if (s->horizon < last) return prc_node_fail(r->t, at, PRC_E_VALUE, r->err, "the horizon ends before the last visit, %s\nmake it at least that", s->visit_label[s->n_visit - 1]);
    if (!(s->horizon >= 1 && s->horizon <= 100 * 365.25))
        return prc_node_fail(r->t, at, PRC_E_VALUE, r->err, "the trial lasts %g days\nit must last 1 day to 100 years: add a later visit or a `horizon`", s->horizon);
    for (size_t a = 0; a < s->arms->n; a++)
        for (size_t c = 0; c < s->arms->arm[a].n_course; c++) {
            const prc_course *course = &s->arms->arm[a].course[c];
            if (course->n_time == 0 || course->time[course->n_time - 1] <= s->horizon) continue;
            return prc_fail_at(r->err, PRC_E_VALUE, r->t->source, course->line, course->col, "arm `%s` gives %s on day %g, after the trial ends on day %g\ngive earlier or lengthen `horizon`",
                               s->arms->arm[a].name, course->product, course->time[course->n_time - 1], s->horizon);
        }
    return PRC_OK;
}

/* ---- the rest ------------------------------------------------------------------------------------------------ */

static prc_status read_choice(prc_trial_reader *r, const prc_node *node, const char *what, const char *const *names, size_t n, int *out)
{
    const char *text;
    PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], text) == 0) {
            *out = (int)i;
            return PRC_OK;
        }
    return prc_unknown_name(r, node, what, text, names, n);
}

static prc_status read_dropout(prc_trial_reader *r)
{
    static const char *const allowed[] = {"rate", "mechanism"}, *const mechanisms[] = {"none", "mcar", "mar", "mnar"};
    const prc_node *map = prc_node_get(r->t->root, "dropout");
    prc_trial_spec *s = r->s;
    int kind = PRC_MISSING_MCAR;
    s->missing = PRC_MISSING_NONE;
    if (!map) return PRC_OK;
    if (map->kind == PRC_SCALAR) {
        PRC_TRY(read_choice(r, map, "way to leave a trial", mechanisms, 1, &kind));
        return PRC_OK;
    }
    PRC_TRY(want_map(r, map, "dropout", "dropout: { rate: 8 %/y, mechanism: mar }"));
    PRC_TRY(prc_node_allow(r->t, map, allowed, COUNT(allowed), r->err));
    const prc_node *rate = prc_node_get(map, "rate"), *mechanism = prc_node_get(map, "mechanism");
    if (mechanism) PRC_TRY(read_choice(r, mechanism, "mechanism", mechanisms, COUNT(mechanisms), &kind));
    s->missing = (prc_missing)kind;
    if (!rate && kind != PRC_MISSING_NONE) return prc_node_fail(r->t, map, PRC_E_KEY, r->err, "`dropout` has no `rate`\nsay how many leave, as in `rate: 8 %%/y`");
    if (rate) PRC_TRY(prc_node_quantity(r->t, rate, "1/y", &s->dropout_rate, r->err));
    if (!(s->dropout_rate >= 0 && s->dropout_rate <= 10)) return prc_node_fail(r->t, rate, PRC_E_VALUE, r->err, "a dropout rate lies between 0 and 1000 %%/y\nwrite e.g. `rate: 8 %%/y`");
    return PRC_OK;
}

static prc_status read_bias(prc_trial_reader *r)
{
    static const char *const names[] = {"none", "mean"};
    const prc_node *node = prc_node_get(r->t->root, "bias");
    int kind = 0;
    if (node) PRC_TRY(read_choice(r, node, "bias", names, 2, &kind));
    r->s->bias = kind;
    return PRC_OK;
}

/* Replicate trials for the operating characteristics; the run itself is one trial. */
static prc_status read_replicates(prc_trial_reader *r)
{
    const prc_node *node = prc_node_get(r->t->root, "replicates");
    int64_t n = 0;
    if (node) PRC_TRY(prc_node_int(r->t, node, 2, 1000000, &n, r->err));
    r->s->replicates = (size_t)n;
    return PRC_OK;
}

static prc_status read_all(prc_trial_reader *r, const char *data_dir, const uint64_t *seed_override)
{
    PRC_TRY(check_keys(r));
    PRC_TRY(read_head(r, data_dir, seed_override));
    PRC_TRY(read_populations(r));
    PRC_TRY(read_arms(r));
    PRC_TRY(read_randomise(r));
    PRC_TRY(read_visits(r));
    PRC_TRY(read_horizon(r));
    PRC_TRY(prc_read_rules(r));
    PRC_TRY(read_dropout(r));
    PRC_TRY(read_bias(r));
    PRC_TRY(read_replicates(r));
    PRC_TRY(read_divisions(r, prc_node_get(r->t->root, "subgroups"), "subgroups", &r->s->subgroup, &r->s->n_subgroup));
    const prc_node *endpoints = prc_node_get(r->t->root, "endpoints");
    if (!endpoints) return missing(r, "endpoints", "add `endpoints: { primary: { score: ..., at: 12 mo, analysis: ancova } }`");
    return prc_read_endpoints(r, endpoints);
}

prc_status prc_trial_read(const char *path, const char *data_dir, const uint64_t *seed_override, prc_trial_spec **out, prc_error *err)
{
    prc_status st;
    char *text = NULL;
    size_t n = 0;
    prc_trial_reader r = {.err = err};
    PRC_GO(st, prc_file_read(path, (size_t)4 << 20, &text, &n, err));
    r.s = prc_calloc(1, sizeof *r.s);
    if (r.s) r.s->arena = prc_arena_create();
    if (!r.s || !r.s->arena) {
        st = no_memory(err);
        goto out;
    }
    r.s->path = prc_arena_strdup(r.s->arena, path);
    r.s->text = prc_arena_strndup(r.s->arena, text, n);
    if (!r.s->path || !r.s->text) {
        st = no_memory(err);
        goto out;
    }
    prc_sha256_hex(text, n, r.s->sha256);
    PRC_GO(st, prc_tree_parse(text, n, path, &r.t, err));
    st = read_all(&r, data_dir, seed_override);
out:
    prc_tree_free(r.t);
    prc_free(text);
    if (st == PRC_OK) *out = r.s;
    else prc_trial_spec_free(r.s);
    return st;
}

void prc_trial_spec_free(prc_trial_spec *s)
{
    if (!s) return;
    for (size_t i = 0; s->population && i < s->n_population; i++) prc_eligibility_free(s->population[i].eligibility);
    prc_arms_free(s->arms);
    prc_arms_free(s->rules.rescue.give);
    prc_condition_free(s->condition);
    prc_arena_free(s->arena);
    prc_free(s);
}
