/* What an arm is called in tables. */
#include "therapy_int.h"

#include <math.h>
#include <string.h>

/* "hyaluronic-acid" to "hyaluronic acid"; abbreviations in capitals. */
static void add_words(prc_text *t, const char *name) {
    static const char *const short_names[][2] = {{"msc", "MSC"}, {"prp", "PRP"},   {"nsaid", "NSAID"},
                                                 {"dmt", "DMT"}, {"bmac", "BMAC"}, {"svf", "SVF"}};
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (strcmp(name, short_names[i][0]) == 0) {
            prc_text_add(t, short_names[i][1]);
            return;
        }
    for (const char *p = name; *p; p++) prc_text_addn(t, *p == '-' ? " " : p, 1);
}

/* Route names keep their hyphen ("intra-articular"). */
static void add_property(prc_text *t, const prc_course *k, const char *name, const char *silent, const char *before) {
    const char *level = prc_course_property(k, name);
    if (!level || (silent && strcmp(level, silent) == 0)) return;
    prc_text_add(t, before);
    add_words(t, level);
}

/* 5e11, not 5e+11. */
static void add_particles(prc_text *t, double n, const char *per) {
    int power = 0;
    double x = n;
    for (; x >= 10; x /= 10) power++;
    if (power < 5)
        prc_text_printf(t, ", %.0f particles%s", n, per);
    else
        prc_text_printf(t, ", %.4ge%d particles%s", x, power, per);
}

static void add_dose(prc_text *t, const prc_course *k) {
    if (isnan(k->dose)) return;
    const char *per = k->per_kg ? "/kg" : "";
    if (strcmp(k->product, "exosomes") == 0)
        add_particles(t, k->dose * 1e10, per);
    else if (k->dose >= 1e5)
        prc_text_printf(t, ", %.4g M cells%s", k->dose / 1e6, per);
    else
        prc_text_printf(t, ", %.0f cells%s", k->dose, per);
}

static void add_course(prc_text *t, const prc_course *k) {
    add_words(t, k->product);
    add_property(t, k, "source", NULL, " ");
    add_property(t, k, "donor", NULL, " ");
    add_property(t, k, "preconditioning", "none", " preconditioned with ");
    add_property(t, k, "engineered", "none", " engineered ");
    const char *thawed = prc_course_property(k, "thawed");
    if (thawed && strcmp(thawed, "yes") == 0) prc_text_add(t, " thawed");
    add_property(t, k, "carrier", "none", " in ");
    add_dose(t, k);
}

static bool same_schedule(const prc_course *a, const prc_course *b) {
    if (a->n_time != b->n_time || (a->route == NULL) != (b->route == NULL) ||
        (a->route && strcmp(a->route, b->route) != 0))
        return false;
    for (size_t i = 0; i < a->n_time; i++)
        if (a->time[i] != b->time[i]) return false;
    return true;
}

static void add_schedule(prc_text *t, const prc_course *k) {
    if (k->route) prc_text_printf(t, ", %s", k->route);
    if (k->n_time > 1)
        prc_text_printf(t, ", %zu doses", k->n_time);
    else if (k->time[0] > 0)
        prc_text_printf(t, ", day %.6g", k->time[0]);
}

prc_status prc_arm_write_label(prc_arena *arena, prc_arm *arm, prc_error *err) {
    prc_text t = {0};
    if (arm->n_course == 0) prc_text_add(&t, "no treatment");
    for (size_t i = 0; i < arm->n_course; i++) {
        const prc_course *k = &arm->course[i];
        if (i) prc_text_add(&t, " + ");
        add_course(&t, k);
        if (i + 1 == arm->n_course || !same_schedule(k, k + 1)) add_schedule(&t, k);
    }
    arm->label = t.failed ? NULL : prc_arena_strdup(arena, t.s);
    prc_text_reset(&t);
    return arm->label ? PRC_OK : prc_fail(err, PRC_E_MEMORY, "out of memory");
}
