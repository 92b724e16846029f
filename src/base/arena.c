#include "paracrine/base.h"

#include <string.h>

typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) unsigned char data[];
} block;

struct prc_arena {
    block *first; /* the block that is being filled */
    size_t next_size;
};

prc_arena *prc_arena_create(void)
{
    prc_arena *arena = prc_calloc(1, sizeof *arena);
    if (arena) arena->next_size = 4096;
    return arena;
}

void prc_arena_free(prc_arena *arena)
{
    if (!arena) return;
    for (block *b = arena->first, *next; b; b = next) {
        next = b->next;
        prc_free(b);
    }
    prc_free(arena);
}

/* A zeroed block with room for at least bytes; large items get one to themselves, behind the block being filled. */
static block *add_block(prc_arena *arena, size_t bytes)
{
    bool alone = bytes > arena->next_size / 4;
    size_t size = alone ? bytes : arena->next_size;
    if (size > SIZE_MAX - sizeof(block)) return NULL;
    block *b = prc_calloc(1, sizeof *b + size);
    if (!b) return NULL;
    b->size = size;
    if (alone && arena->first) {
        b->next = arena->first->next;
        arena->first->next = b;
    } else {
        b->next = arena->first;
        arena->first = b;
        if (arena->next_size < ((size_t)1 << 20)) arena->next_size *= 2;
    }
    return b;
}

void *prc_arena_alloc(prc_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - 16) return NULL;
    bytes = bytes == 0 ? 16 : (bytes + 15) & ~(size_t)15;
    block *b = arena->first;
    if (!b || b->size - b->used < bytes) b = add_block(arena, bytes);
    if (!b) return NULL;
    void *p = b->data + b->used;
    b->used += bytes;
    return p;
}

char *prc_arena_strndup(prc_arena *arena, const char *s, size_t n)
{
    if (n == SIZE_MAX) return NULL;
    char *copy = prc_arena_alloc(arena, n + 1, 1);
    return copy ? memcpy(copy, s, n) : NULL;
}

char *prc_arena_strdup(prc_arena *arena, const char *s) { return prc_arena_strndup(arena, s, strlen(s)); }

char *prc_arena_printf(prc_arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *s = n < 0 ? NULL : prc_arena_alloc(arena, (size_t)n + 1, 1);
    if (s) vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}
