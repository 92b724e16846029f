#include "paracrine/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The only state of the library outside its objects: it serves the tests that make an allocation fail. */
static atomic_long n_allocations;
static atomic_long fail_countdown;

void prc_memory_fail_at(long k) { atomic_store(&fail_countdown, k > 0 ? k : 0); }

long prc_memory_count(void) { return atomic_load(&n_allocations); }

/* Counts an allocation; false if it is to fail. */
static bool admit(void)
{
    atomic_fetch_add_explicit(&n_allocations, 1, memory_order_relaxed);
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0) return true;
    return atomic_fetch_sub(&fail_countdown, 1) != 1;
}

/* n * size in bytes, at least 1; false on overflow. */
static bool byte_count(size_t n, size_t size, size_t *bytes)
{
    if (__builtin_mul_overflow(n, size, bytes) || *bytes > PTRDIFF_MAX) return false;
    if (*bytes == 0) *bytes = 1;
    return true;
}

void *prc_malloc(size_t n, size_t size)
{
    size_t bytes;
    return byte_count(n, size, &bytes) && admit() ? malloc(bytes) : NULL;
}

void *prc_calloc(size_t n, size_t size)
{
    size_t bytes;
    return byte_count(n, size, &bytes) && admit() ? calloc(1, bytes) : NULL;
}

void *prc_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    return byte_count(n, size, &bytes) && admit() ? realloc(p, bytes) : NULL;
}

void *prc_aligned(size_t n, size_t size)
{
    size_t bytes;
    void *p = NULL;
    if (!byte_count(n, size, &bytes) || !admit() || posix_memalign(&p, 64, bytes) != 0) return NULL;
    return memset(p, 0, bytes);
}

void prc_free(void *p) { free(p); }

char *prc_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = prc_malloc(n, 1);
    return copy ? memcpy(copy, s, n) : NULL;
}

bool prc_grow(void *pitems, size_t *cap, size_t n, size_t size)
{
    if (n <= *cap) return true;
    size_t want = *cap < 8 ? 8 : *cap;
    while (want < n) {
        if (want > SIZE_MAX / 2) return false;
        want *= 2;
    }
    /* pitems is the address of a pointer of any type, so it is read and written as bytes. */
    void *items;
    memcpy(&items, pitems, sizeof items);
    items = prc_realloc(items, want, size);
    if (!items) return false;
    memcpy(pitems, &items, sizeof items);
    *cap = want;
    return true;
}
