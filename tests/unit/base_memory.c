#include "../tap.h"

#include <stdlib.h>

#include "paracrine/base.h"

static void fail_at(void)
{
    prc_memory_fail_at(2);
    void *a = prc_malloc(1, 8), *b = prc_malloc(1, 8), *c = prc_malloc(1, 8);
    TAP_OK(a && !b && c);
    prc_memory_fail_at(0);
    prc_free(a);
    prc_free(c);
    prc_free(NULL);
    long before = prc_memory_count();
    prc_free(prc_calloc(4, 4));
    TAP_INT(prc_memory_count() - before, 1);
}

static void overflow(void)
{
    TAP_OK(prc_malloc(SIZE_MAX / 2, 4) == NULL);
    TAP_OK(prc_calloc(SIZE_MAX, SIZE_MAX) == NULL);
    TAP_OK(prc_aligned(SIZE_MAX, 2) == NULL);
    void *none = prc_malloc(0, 8);
    TAP_OK(none != NULL);
    prc_free(none);
}

static void aligned(void)
{
    unsigned char *p = prc_aligned(100, 3);
    int sum = 0;
    for (int i = 0; i < 300; i++) sum += p[i];
    TAP_INT((uintptr_t)p % 64, 0);
    TAP_INT(sum, 0);
    prc_free(p);
}

static void grow(void)
{
    int *item = NULL;
    size_t n = 0, cap = 0;
    for (int i = 0; i < 1000; i++)
        if (PRC_GROW(item, n, cap)) item[n++] = i;
    TAP_INT(n, 1000);
    TAP_INT(item[999], 999);
    prc_memory_fail_at(1);
    n = cap;
    TAP_OK(!PRC_GROW(item, n, cap));
    prc_memory_fail_at(0);
    TAP_INT(item[999], 999);
    prc_free(item);
}

static void arena(void)
{
    prc_arena *a = prc_arena_create();
    char *first = prc_arena_strdup(a, "first");
    bool aligned16 = true, zero = true;
    for (size_t n = 1; n < 3000; n++) {
        unsigned char *p = prc_arena_alloc(a, n, 1);
        aligned16 = aligned16 && (uintptr_t)p % 16 == 0;
        for (size_t i = 0; i < n; i++) zero = zero && p[i] == 0;
        memset(p, 0xFF, n);
    }
    TAP_OK(aligned16);
    TAP_OK(zero);
    unsigned char *large = prc_arena_alloc(a, 1 << 22, 1);
    TAP_OK(large && large[(1 << 22) - 1] == 0);
    TAP_STR(first, "first");
    TAP_STR(prc_arena_strndup(a, "abcdef", 3), "abc");
    TAP_STR(prc_arena_printf(a, "%d-%s", 7, "x"), "7-x");
    TAP_OK(prc_arena_alloc(a, SIZE_MAX, 2) == NULL);
    TAP_OK(prc_arena_alloc(a, 0, 8) != NULL);
    prc_arena_free(a);
    prc_arena_free(NULL);
    prc_memory_fail_at(1);
    TAP_OK(prc_arena_create() == NULL);
    a = prc_arena_create();
    prc_memory_fail_at(1);
    TAP_OK(prc_arena_strdup(a, "x") == NULL);
    prc_memory_fail_at(0);
    TAP_STR(prc_arena_strdup(a, "x"), "x");
    prc_arena_free(a);
}

int main(void)
{
    TAP_RUN(fail_at);
    TAP_RUN(overflow);
    TAP_RUN(aligned);
    TAP_RUN(grow);
    TAP_RUN(arena);
    return tap_done();
}
