/* rules_read.c: rescue medication and stopping rules of a trial file. */
#include "trial_int.h"

#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static prc_status no_memory(prc_trial_reader *r)
{
    return prc_fail(r->err, PRC_E_MEMORY, "out of memory for the rules of a trial");
}

/* ---- when ---------------------------------------------------------------------------------------------------- */

static prc_status find_observable(prc_trial_reader *r, const prc_node *node, const char *name, int *out)
{
    const prc_condition *c = r->s->condition;
    *out = prc_condition_observable(c, name);
    if (*out >= 0 && c->observable[*out].kind == PRC_OB_EVENT)
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is an event, which has no threshold\nname a score, as in `when: vas_pain > 70`", name);
    if (*out >= 0) return PRC_OK;
    const char **known = prc_arena_alloc(r->s->arena, c->n_observable + 1, sizeof *known);
    size_t n = 0;
    if (!known) return no_memory(r);
    for (size_t i = 0; i < c->n_observable; i++)
        if (c->observable[i].kind != PRC_OB_EVENT) known[n++] = c->observable[i].name;
    return prc_unknown_name(r, node, "score", name, known, n);
}

/* `vas_pain > 70` */
static prc_status read_when(prc_trial_reader *r, const prc_node *map, const char *key, prc_rule *rule)
{
    const prc_node *node = prc_node_get(map, "when");
    const char *text, *sign;
    char name[96], number[64];
    if (!node) return prc_node_fail(r->t, map, PRC_E_KEY, r->err, "`%s` has no `when`\nsay when it happens, as in `when: vas_pain > 70`", key);
    PRC_TRY(prc_node_text(r->t, node, &text, r->err));
    sign = strpbrk(text, "<>");
    size_t n = sign ? (size_t)(sign - text) : 0;
    while (n > 0 && text[n - 1] == ' ') n--;
    const char *value = sign ? sign + 1 + (sign[1] == '=') : "";
    while (*value == ' ') value++;
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), text);
    snprintf(number, sizeof number, "%s", value);
    for (size_t k = strlen(number); k > 0 && number[k - 1] == ' ';) number[--k] = 0;
    if (!sign || n == 0 || n >= sizeof name || !prc_parse_double(number, &rule->value) || !isfinite(rule->value))
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%.60s` is no condition\nwrite a score, `>` or `<` and a number, as in `when: vas_pain > 70`", text);
    rule->above = *sign == '>';
    PRC_TRY(find_observable(r, node, name, &rule->observable));
    const prc_observable *ob = &r->s->condition->observable[rule->observable];
    if (rule->above ? rule->value >= ob->max : rule->value <= ob->min)
        return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is never %s %g: it lies between %g and %g\nchoose a threshold inside", ob->name, rule->above ? "above" : "below", rule->value, ob->min, ob->max);
    return PRC_OK;
}

/* A time from 0 (or more) to the end of the trial. */
static prc_status read_days(prc_trial_reader *r, const prc_node *map, const char *key, double least, double *out)
{
    const prc_node *node = prc_node_get(map, key);
    if (!node) return PRC_OK;
    PRC_TRY(prc_node_quantity(r->t, node, "d", out, r->err));
    if (*out >= least && *out <= r->s->horizon) return PRC_OK;
    return prc_node_fail(r->t, node, PRC_E_VALUE, r->err, "`%s` is %g days\nit lies between %g days and the end of the trial on day %g", key, *out, least, r->s->horizon);
}

/* ---- rescue -------------------------------------------------------------------------------------------------- */

/* The keys of the rule are taken out, so that what is left is an arm that starts on day 0. */
static prc_status read_give(prc_trial_reader *r, const prc_node *map, prc_rule *rule)
{
    static const char *const own[] = {"when", "times", "every", "from", "for"};
    prc_arena *a = r->s->arena;
    prc_node *arm = prc_arena_alloc(a, 1, sizeof *arm), *arms = prc_arena_alloc(a, 1, sizeof *arms), *at = prc_arena_alloc(a, 1, sizeof *at);
    prc_node **child = prc_arena_alloc(a, map->n + 2, sizeof *child), **one = prc_arena_alloc(a, 1, sizeof *one);
    const char **key = prc_arena_alloc(a, map->n + 2, sizeof *key), **name = prc_arena_alloc(a, 1, sizeof *name);
    int *line = prc_arena_alloc(a, map->n + 2, sizeof *line), *col = prc_arena_alloc(a, map->n + 2, sizeof *col);
    size_t n = 0;
    if (!arm || !arms || !at || !child || !one || !key || !name || !line || !col) return no_memory(r);
    if (!prc_node_get(map, "give")) return prc_node_fail(r->t, map, PRC_E_KEY, r->err, "`rescue` does not say what is given\nadd it, as in `give: nsaid`");
    for (size_t i = 0; i < map->n; i++) {
        bool mine = false;
        for (size_t k = 0; k < COUNT(own); k++) mine = mine || strcmp(map->key[i], own[k]) == 0;
        if (mine) continue;
        if (strcmp(map->key[i], "at") == 0 || strcmp(map->key[i], "repeat") == 0)
            return prc_node_fail(r->t, map->child[i], PRC_E_KEY, r->err, "a rescue is given when its condition is met, so it has no `%s`\nleave it out; `times` and `every` limit it", map->key[i]);
        key[n] = map->key[i];
        line[n] = map->key_line ? map->key_line[i] : map->line;
        col[n] = map->key_col ? map->key_col[i] : map->col;
        child[n++] = map->child[i];
    }
    *at = (prc_node){.kind = PRC_SCALAR, .line = map->line, .col = map->col, .text = "0 d"};
    key[n] = "at";
    line[n] = map->line;
    col[n] = map->col;
    child[n++] = at;
    *arm = (prc_node){.kind = PRC_MAP, .line = map->line, .col = map->col, .n = n, .key = key, .key_line = line, .key_col = col, .child = child};
    name[0] = "rescue";
    one[0] = arm;
    *arms = (prc_node){.kind = PRC_MAP, .line = map->line, .col = map->col, .n = 1, .key = name, .key_line = &arm->line, .key_col = &arm->col, .child = one};
    PRC_TRY(prc_arms_read(r->s->condition, r->t, arms, &rule->give, r->err));
    if (rule->give->arm[0].active)
        return prc_node_fail(r->t, prc_node_get(map, "give"), PRC_E_UNSUPPORTED, r->err, "a rescue with cells or exosomes is not supported\ngive them in an arm; rescues are e.g. nsaid, corticosteroid, hyaluronic-acid");
    return PRC_OK;
}

static prc_status read_rescue(prc_trial_reader *r, const prc_node *map, prc_rule *rule)
{
    static const char *const allowed[] = {"when", "give", "times", "every", "from", "for", "route", "dose", "volume", "with", "label", "source", "donor", "donor_age", "carrier",
                                          "preconditioning", "thawed", "viability", "passage", "engineered", "at", "repeat"};
    const prc_node *times = prc_node_get(map, "times");
    int64_t n = 1;
    PRC_TRY(prc_node_allow(r->t, map, allowed, COUNT(allowed), r->err));
    PRC_TRY(read_when(r, map, "rescue", rule));
    if (times) PRC_TRY(prc_node_int(r->t, times, 1, 100, &n, r->err));
    rule->times = (size_t)n;
    rule->every = 28;
    PRC_TRY(read_days(r, map, "every", 1, &rule->every));
    PRC_TRY(read_days(r, map, "from", 0, &rule->from));
    PRC_TRY(read_days(r, map, "for", 0, &rule->hold));
    rule->exists = true;
    return read_give(r, map, rule);
}

/* ---- stop ---------------------------------------------------------------------------------------------------- */

static prc_status read_stop(prc_trial_reader *r, const prc_node *map, prc_rule *rule)
{
    static const char *const allowed[] = {"when", "from", "for", "ends"}, *const ends[] = {"treatment", "participation"};
    const prc_node *end = prc_node_get(map, "ends");
    const char *text = ends[0];
    PRC_TRY(prc_node_allow(r->t, map, allowed, COUNT(allowed), r->err));
    PRC_TRY(read_when(r, map, "stop", rule));
    PRC_TRY(read_days(r, map, "from", 0, &rule->from));
    PRC_TRY(read_days(r, map, "for", 0, &rule->hold));
    if (end) PRC_TRY(prc_node_text(r->t, end, &text, r->err));
    rule->ends_participation = strcmp(text, ends[1]) == 0;
    if (!rule->ends_participation && strcmp(text, ends[0]) != 0) return prc_unknown_name(r, end, "end", text, ends, COUNT(ends));
    rule->times = 1;
    rule->exists = true;
    return PRC_OK;
}

prc_status prc_read_rules(prc_trial_reader *r)
{
    const prc_node *rescue = prc_node_get(r->t->root, "rescue"), *stop = prc_node_get(r->t->root, "stop");
    if (rescue && rescue->kind != PRC_MAP) return prc_node_fail(r->t, rescue, PRC_E_VALUE, r->err, "`rescue` must be a mapping, as in `rescue: { when: vas_pain > 70, give: nsaid }`");
    if (stop && stop->kind != PRC_MAP) return prc_node_fail(r->t, stop, PRC_E_VALUE, r->err, "`stop` must be a mapping, as in `stop: { when: vas_pain > 90, for: 28 d }`");
    if (rescue) PRC_TRY(read_rescue(r, rescue, &r->s->rules.rescue));
    return stop ? read_stop(r, stop, &r->s->rules.stop) : PRC_OK;
}
