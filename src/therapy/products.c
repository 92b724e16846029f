/* Products, their classes, and the levels that switch their rows on. */
#include "therapy_int.h"

#include <math.h>
#include <string.h>

const char *const prc_plain_products[] = {"msc", "exosomes", "saline", "standard-care"};

bool prc_needs_no_route(const char *product) {
    static const char *const names[] = {"nsaid", "dmt", "standard-care", "core-decompression"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(product, names[i]) == 0) return true;
    return false;
}

/* msc and exosomes by name; another product given by the cell (a marrow concentrate, say) is cells unless it has a dose
 * row of its own. */
prc_product_class prc_class_of(const prc_condition *c, const char *product, bool has_dose) {
    if (strcmp(product, "msc") == 0) return PRC_CELLS;
    if (strcmp(product, "exosomes") == 0) return PRC_EXOSOMES;
    bool rows = false;
    for (size_t i = 0; i < c->n_row; i++) {
        const prc_row *r = &c->row[i];
        if (!r->product || strcmp(r->product, product) != 0) continue;
        if (r->kind == PRC_ROW_DOSE) return PRC_COMPARATOR;
        rows = true;
    }
    return rows && has_dose ? PRC_CELLS : PRC_COMPARATOR;
}

bool prc_row_doses_class(const prc_row *r, prc_product_class k) {
    return r->kind == PRC_ROW_DOSE && r->route && k != PRC_COMPARATOR &&
           strncmp(r->note, k == PRC_EXOSOMES ? "exosomes" : "cells", k == PRC_EXOSOMES ? 8 : 5) == 0;
}

bool prc_course_gives(const prc_course *k) {
    return k->dose > 0; /* NaN for comparators */
}

const char *prc_course_property(const prc_course *k, const char *name) {
    for (size_t i = 0; i < k->n_property; i++)
        if (strcmp(k->property[i], name) == 0) return k->level[i];
    return NULL;
}

bool prc_level_holds(const char *level, const char *text) {
    double x, bound;
    bool less = level[0] == '<', more = level[0] == '>';
    if (!less && !more) return strcmp(level, text) == 0;
    bool equal = level[1] == '=';
    if (!prc_parse_double(level + 1 + (equal ? 1 : 0), &bound) || !prc_parse_double(text, &x)) return false;
    return (equal && x == bound) || (less ? x < bound : x > bound);
}
