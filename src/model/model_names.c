/* Names of a flattened model: text to index. */
#include "model_int.h"

#include <string.h>

static uint64_t hash_text(const char *s) {
    uint64_t h = 14695981039346656037u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h ^ (h >> 32);
}

prc_names *prc_names_create(prc_arena *arena) {
    prc_names *t = prc_arena_alloc(arena, 1, sizeof *t);
    if (t) t->arena = arena;
    return t;
}

/* Slot where key stands or would stand. */
static size_t slot_of(const prc_names *t, const char *key) {
    size_t i = (size_t)hash_text(key) & (t->n_slot - 1);
    while (t->slot[i] && strcmp(t->key[t->slot[i] - 1], key) != 0) i = (i + 1) & (t->n_slot - 1);
    return i;
}

int prc_names_find(const prc_names *t, const char *key) {
    if (t->n_slot == 0) return -1;
    size_t i = slot_of(t, key);
    return t->slot[i] ? t->value[t->slot[i] - 1] : -1;
}

/* Doubles the table; the old one stays in the arena, which at most doubles the memory. */
static bool names_grow(prc_names *t) {
    size_t cap = t->cap ? t->cap * 2 : 64;
    const char **key = prc_arena_alloc(t->arena, cap, sizeof *key);
    int *value = prc_arena_alloc(t->arena, cap, sizeof *value);
    int *slot = prc_arena_alloc(t->arena, cap * 2, sizeof *slot);
    if (!key || !value || !slot) return false;
    if (t->n) {
        memcpy(key, t->key, t->n * sizeof *key);
        memcpy(value, t->value, t->n * sizeof *value);
    }
    t->key = key, t->value = value, t->slot = slot, t->cap = cap, t->n_slot = cap * 2;
    for (size_t i = 0; i < t->n; i++) t->slot[slot_of(t, key[i])] = (int)i + 1;
    return true;
}

bool prc_names_add(prc_names *t, const char *key, int value) {
    if (t->n == t->cap && !names_grow(t)) return false;
    t->key[t->n] = key;
    t->value[t->n] = value;
    size_t i = slot_of(t, key);
    t->slot[i] = (int)++t->n;
    return true;
}
