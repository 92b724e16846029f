/* therapy_int.h: shared by the readers of arms and the writer of doses. */
#ifndef PARACRINE_THERAPY_INT_H
#define PARACRINE_THERAPY_INT_H

#include "paracrine/therapy.h"

/* What a product consists of. */
typedef enum prc_product_class { PRC_COMPARATOR, PRC_CELLS, PRC_EXOSOMES } prc_product_class;
prc_product_class prc_class_of(const prc_condition *c, const char *product, bool has_dose);

/* Products that are known without rows of their own. */
extern const char *const prc_plain_products[];
enum { PRC_PLAIN_PRODUCT_COUNT = 4 };
/* True for products taken without a route. */
bool prc_needs_no_route(const char *product);

bool prc_row_doses_class(const prc_row *r, prc_product_class k); /* a dose row of a route: is it for this class? */
bool prc_course_gives(const prc_course *k);                      /* cells or exosomes, more than none */
const char *prc_course_property(const prc_course *k, const char *name);
/* Does a level such as "hypoxia" or ">60" hold for a property? */
bool prc_level_holds(const char *level, const char *text);

/* Words of a schedule and dose for tables. */
prc_status prc_arm_write_label(prc_arena *arena, prc_arm *arm, prc_error *err);

#endif
