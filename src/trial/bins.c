/* bins.c: quantiles of many sets of numbers in bounded memory, whatever the order in which they come: the numbers themselves while they are few, then counts in bins.
 * A bin holds the numbers that round to the same ten significant bits, so its own value is within 1/1024 of each of them, and every whole number up to 1024 has a bin of its own. */
#include "trial_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 64, SLAB = 512, DROPPED_BITS = 43 };

/* Counts of PAGE bins side by side; 16 bits each until one is full. */
typedef struct page {
    int32_t key;
    bool wide;
    void *count;
} page;

/* One set: few numbers, or pages in ascending order. */
typedef struct bin_set {
    size_t n;
    double min, max;
    double *x;
    size_t cap;
    uint32_t n_page, cap_page;
    page *page;
} bin_set;

/* Memory of pages, handed out in slabs and never moved. */
struct prc_bins {
    size_t n;
    bin_set *set;
    size_t n_slab, cap_slab, left;
    uint16_t **slab;
    size_t n_wide, cap_wide;
    uint32_t **wide;
    size_t bytes;
};

/* ---- bins ---------------------------------------------------------------------------------------------------- */

/* Number of the bin of x, ascending with x; 0 for 0. */
static int32_t bin_of(double x)
{
    uint64_t bits;
    double size = fabs(x);
    memcpy(&bits, &size, sizeof bits);
    int32_t k = (int32_t)((bits + ((uint64_t)1 << (DROPPED_BITS - 1))) >> DROPPED_BITS);
    return x < 0 ? -k : k;
}

static double value_of(int32_t bin)
{
    uint64_t bits = (uint64_t)(bin < 0 ? -bin : bin) << DROPPED_BITS;
    double x;
    memcpy(&x, &bits, sizeof x);
    return bin < 0 ? -x : x;
}

static int32_t page_of(int32_t bin)
{
    return bin >= 0 ? bin / PAGE : -((-bin + PAGE - 1) / PAGE);
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

prc_status prc_bins_create(size_t n, prc_bins **out, prc_error *err)
{
    prc_bins *b = prc_calloc(1, sizeof *b);
    if (b) b->set = prc_calloc(n + 1, sizeof *b->set);
    if (!b || !b->set) {
        prc_free(b);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for the courses of the arms");
    }
    b->n = n;
    b->bytes = n * sizeof *b->set;
    *out = b;
    return PRC_OK;
}

void prc_bins_free(prc_bins *b)
{
    if (!b) return;
    for (size_t i = 0; i < b->n; i++) {
        prc_free(b->set[i].x);
        prc_free(b->set[i].page);
    }
    for (size_t i = 0; i < b->n_slab; i++) prc_free(b->slab[i]);
    for (size_t i = 0; i < b->n_wide; i++) prc_free(b->wide[i]);
    prc_free(b->slab);
    prc_free(b->wide);
    prc_free(b->set);
    prc_free(b);
}

static uint16_t *new_counts(prc_bins *b)
{
    if (b->left == 0) {
        if (!PRC_GROW(b->slab, b->n_slab, b->cap_slab)) return NULL;
        uint16_t *slab = prc_calloc(SLAB, PAGE * sizeof *slab);
        if (!slab) return NULL;
        b->slab[b->n_slab++] = slab;
        b->left = SLAB;
        b->bytes += SLAB * PAGE * sizeof *slab;
    }
    return b->slab[b->n_slab - 1] + (size_t)(SLAB - b->left--) * PAGE;
}

static bool widen(prc_bins *b, page *p)
{
    if (!PRC_GROW(b->wide, b->n_wide, b->cap_wide)) return false;
    uint32_t *count = prc_malloc(PAGE, sizeof *count);
    if (!count) return false;
    const uint16_t *narrow = p->count;
    for (size_t i = 0; i < PAGE; i++) count[i] = narrow[i];
    b->wide[b->n_wide++] = count;
    b->bytes += PAGE * sizeof *count;
    p->count = count;
    p->wide = true;
    return true;
}

/* ---- adding -------------------------------------------------------------------------------------------------- */

/* The page of a bin, made when it is the first of its kind. */
static page *find_page(prc_bins *b, bin_set *s, int32_t key)
{
    size_t lo = 0, hi = s->n_page;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->page[mid].key < key) lo = mid + 1;
        else hi = mid;
    }
    if (lo < s->n_page && s->page[lo].key == key) return &s->page[lo];
    if (s->n_page == s->cap_page) {
        uint32_t cap = s->cap_page ? s->cap_page + s->cap_page / 2 : 16;
        page *more = prc_realloc(s->page, cap, sizeof *more);
        if (!more) return NULL;
        b->bytes += (cap - s->cap_page) * sizeof *more;
        s->page = more;
        s->cap_page = cap;
    }
    uint16_t *count = new_counts(b);
    if (!count) return NULL;
    memmove(&s->page[lo + 1], &s->page[lo], (s->n_page - lo) * sizeof *s->page);
    s->page[lo] = (page){key, false, count};
    s->n_page++;
    return &s->page[lo];
}

static bool count_value(prc_bins *b, bin_set *s, double x)
{
    int32_t bin = bin_of(x), key = page_of(bin);
    page *p = find_page(b, s, key);
    if (!p) return false;
    size_t at = (size_t)(bin - key * PAGE);
    if (!p->wide && ((uint16_t *)p->count)[at] == UINT16_MAX && !widen(b, p)) return false;
    if (p->wide) ((uint32_t *)p->count)[at]++;
    else ((uint16_t *)p->count)[at]++;
    return true;
}

/* From numbers to counts. */
static bool count_all(prc_bins *b, bin_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!count_value(b, s, s->x[i])) return false;
    prc_free(s->x);
    b->bytes -= s->cap * sizeof *s->x;
    s->x = NULL;
    s->cap = 0;
    return true;
}

static bool keep_value(prc_bins *b, bin_set *s, double x)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        double *more = prc_realloc(s->x, cap, sizeof *more);
        if (!more) return false;
        b->bytes += (cap - s->cap) * sizeof *more;
        s->x = more;
        s->cap = cap;
    }
    s->x[s->n] = x;
    return true;
}

bool prc_bins_add(prc_bins *b, size_t set, double x)
{
    bin_set *s = &b->set[set];
    if (s->n == PRC_EXACT_VALUES && s->n_page == 0 && !count_all(b, s)) return false;
    if (!(s->n < PRC_EXACT_VALUES ? keep_value(b, s, x) : count_value(b, s, x))) return false;
    if (s->n == 0 || x < s->min) s->min = x;
    if (s->n == 0 || x > s->max) s->max = x;
    s->n++;
    return true;
}

size_t prc_bins_count(const prc_bins *b, size_t set)
{
    return b->set[set].n;
}

size_t prc_bins_bytes(const prc_bins *b)
{
    return b->bytes;
}

/* ---- quantiles ----------------------------------------------------------------------------------------------- */

/* A walk over the bins of a set in ascending order. */
typedef struct walk {
    const bin_set *s;
    size_t page, at, passed; /* values in bins before this one */
} walk;

static size_t count_at(const walk *w)
{
    const page *p = &w->s->page[w->page];
    return p->wide ? ((const uint32_t *)p->count)[w->at] : ((const uint16_t *)p->count)[w->at];
}

/* The value of that rank, from 0; ranks ascend from call to call. */
static double value_at(walk *w, size_t rank)
{
    while (w->passed + count_at(w) <= rank) {
        w->passed += count_at(w);
        if (++w->at == PAGE) w->at = 0, w->page++;
    }
    double x = value_of(w->s->page[w->page].key * PAGE + (int32_t)w->at);
    return x < w->s->min ? w->s->min : x > w->s->max ? w->s->max : x;
}

prc_status prc_bins_quantiles(const prc_bins *b, size_t set, const double *p, size_t n_p, double *out, prc_error *err)
{
    const bin_set *s = &b->set[set];
    if (s->n <= PRC_EXACT_VALUES) return prc_stat_quantiles(s->x, s->n, p, n_p, out, err);
    walk w = {s, 0, 0, 0};
    for (size_t i = 0; i < n_p; i++) {
        double h = (double)(s->n - 1) * p[i], low = floor(h);
        double x = value_at(&w, (size_t)low);
        walk next = w;
        double y = h > low ? value_at(&next, (size_t)low + 1) : x;
        out[i] = x + (h - low) * (y - x);
    }
    return PRC_OK;
}
