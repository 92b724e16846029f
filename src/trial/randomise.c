/* randomise.c: allocation to arms by permuted blocks within strata. */
#include "trial_int.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Patients of one stratum who have been allocated, and the block under way. */
typedef struct place { double luck; size_t arm; } place;
typedef struct layer {
    uint32_t number;    /* as screening wrote it */
    const char *words;
    size_t size, seen;
    place *block;
} layer;

/* Allocation of one population. */
typedef struct allocation {
    const prc_trial_spec *s;
    size_t population, n, n_arm, block;
    size_t n_layer, cap;
    layer *layer;
    place *rest; /* those left over in all strata */
} allocation;

static int by_luck(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->luck != y->luck) return x->luck < y->luck ? -1 : 1;
    return (x->arm > y->arm) - (x->arm < y->arm);
}

/* A block of n places with every arm equally often, in random order; the order depends on seed, population, stratum and number of the block only. */
static void shuffle(const allocation *a, const char *stratum, size_t number, place *p, size_t n)
{
    char name[256];
    snprintf(name, sizeof name, "randomise/%s/%.180s", a->s->population[a->population].name, stratum);
    for (size_t i = 0; i < n; i++) p[i] = (place){prc_uniform(a->s->seed, (uint32_t)number, prc_purpose(name), (uint32_t)i, 0), i % a->n_arm};
    qsort(p, n, sizeof *p, by_luck);
}

/* Words for the categories of the stratifying covariates: "kl_grade=2 sex=female". */
static const char *stratum_words(const prc_trial_spec *s, prc_arena *arena, uint32_t number)
{
    prc_text t = {0};
    prc_text_add(&t, "");
    for (size_t k = 0; k < s->n_stratify; k++) {
        uint32_t rest = number;
        for (size_t m = s->n_stratify; m-- > k + 1;) rest /= (uint32_t)s->condition->covariate[s->stratify[m]].n_category + 1;
        const prc_covariate *v = &s->condition->covariate[s->stratify[k]];
        size_t at = rest % (v->n_category + 1);
        prc_text_printf(&t, "%s%s=%s", k ? " " : "", v->name, at < v->n_category ? v->category[at] : "?");
    }
    const char *words = t.failed ? NULL : prc_arena_strdup(arena, t.s);
    prc_text_reset(&t);
    return words;
}

/* Strata in the order in which they appear; their number in the place of what screening wrote. */
static prc_status find_strata(allocation *a, prc_trial_result *r, size_t first, uint32_t *stratum, prc_error *err)
{
    for (size_t i = 0; i < a->n; i++) {
        size_t k = 0;
        while (k < a->n_layer && a->layer[k].number != stratum[i]) k++;
        if (k == a->n_layer) {
            if (!PRC_GROW(a->layer, a->n_layer, a->cap)) return prc_fail(err, PRC_E_MEMORY, "out of memory for the strata");
            a->layer[a->n_layer++] = (layer){.number = stratum[i], .words = stratum_words(a->s, r->arena, stratum[i]), .block = prc_malloc(a->block + 1, sizeof(place))};
            if (!a->layer[k].words || !a->layer[k].block) return prc_fail(err, PRC_E_MEMORY, "out of memory for the strata");
        }
        a->layer[k].size++;
        stratum[i] = (uint32_t)k;
        r->subject[first + i].stratum = a->layer[k].words;
    }
    return PRC_OK;
}

/* Full blocks, stratum by stratum, in the order in which patients come. What is left over in all strata is one block in common: so every arm gets its size exactly. */
static prc_status allocate(allocation *a, prc_trial_result *r, size_t first, const uint32_t *stratum, prc_error *err)
{
    size_t left = 0, next = 0;
    for (size_t k = 0; k < a->n_layer; k++) left += a->layer[k].size % a->block;
    a->rest = prc_malloc(left + 1, sizeof *a->rest);
    if (!a->rest) return prc_fail(err, PRC_E_MEMORY, "out of memory for the allocation of %zu patients", a->n);
    shuffle(a, "rest of all strata", 0, a->rest, left);
    for (size_t i = 0; i < a->n; i++) {
        layer *l = &a->layer[stratum[i]];
        size_t at = l->seen % a->block, number = l->seen / a->block;
        l->seen++;
        if (number >= l->size / a->block) {
            r->subject[first + i].arm = (uint16_t)a->rest[next++].arm;
            continue;
        }
        if (at == 0) shuffle(a, l->words, number, l->block, a->block);
        r->subject[first + i].arm = (uint16_t)l->block[at].arm;
    }
    return PRC_OK;
}

prc_status prc_randomise(const prc_trial_spec *s, prc_trial_result *r, size_t population, size_t first, prc_error *err)
{
    const prc_population_run *run = &r->population[population];
    prc_status st;
    allocation a = {.s = s, .population = population, .n = run->n, .n_arm = s->arms->n, .block = s->block};
    PRC_GO(st, find_strata(&a, r, first, run->stratum, err));
    PRC_GO(st, allocate(&a, r, first, run->stratum, err));
    for (size_t i = 0; i < run->n; i++) {
        prc_subject *u = &r->subject[first + i];
        u->id = run->id[i];
        u->population = (uint16_t)population;
        u->member = (uint32_t)i;
    }
out:
    for (size_t k = 0; k < a.n_layer; k++) prc_free(a.layer[k].block);
    prc_free(a.layer);
    prc_free(a.rest);
    return st;
}

void prc_subject_name(const prc_trial_result *r, const prc_subject *u, char name[PRC_USUBJID_MAX])
{
    char prefix[16];
    snprintf(prefix, sizeof prefix, "%s", r->spec->population[u->population].name);
    for (char *p = prefix; *p; p++) *p = (char)toupper((unsigned char)*p);
    snprintf(name, PRC_USUBJID_MAX, "%.14s-%06u", prefix, (unsigned)(u->member + 1) % 100000000u);
}
