/* paracrine diff: two runs side by side: which inputs differ, which results moved. */
#include "cli_int.h"

#include "paracrine/table.h"

#include <math.h>
#include <string.h>

typedef struct diff_state {
    prc_text text;
    size_t n_input, n_result, n_same;
} diff_state;

static prc_status load(const char *dir, const char *name, prc_tree **out, prc_error *err) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return prc_fail(err, PRC_E_IO, "path too long: %s", dir);
    return prc_json_read(path, out, err);
}

/* Walks both trees at once; prints each leaf that differs or stands in one only. */
static void walk(diff_state *d, const char *path, const prc_node *a, const prc_node *b, size_t *count) {
    char next[512];
    if (!a || !b || a->kind != b->kind) {
        prc_text_printf(&d->text, "  %-52.52s only in the %s run\n", path, a ? "first" : "second");
        (*count)++;
        return;
    }
    if (a->kind == PRC_SCALAR) {
        if (!strcmp(a->text, b->text)) {
            d->n_same++;
            return;
        }
        double x, y;
        (*count)++;
        if (prc_parse_double(a->text, &x) && prc_parse_double(b->text, &y)) prc_text_printf(&d->text, "  %-52.52s %14.6g %14.6g   %+.4g\n", path, x, y, y - x);
        else prc_text_printf(&d->text, "  %-52.52s %.40s | %.40s\n", path, a->text, b->text);
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (a->kind == PRC_MAP) snprintf(next, sizeof next, "%.400s%s%.100s", path, *path ? "." : "", a->key[i]);
        else snprintf(next, sizeof next, "%.400s[%zu]", path, i);
        walk(d, next, a->child[i], a->kind == PRC_MAP ? prc_node_get(b, a->key[i]) : (i < b->n ? b->child[i] : NULL), count);
    }
    for (size_t i = 0; i < b->n; i++) {
        if (a->kind == PRC_MAP ? prc_node_get(a, b->key[i]) != NULL : i < a->n) continue;
        if (a->kind == PRC_MAP) snprintf(next, sizeof next, "%.400s%s%.100s", path, *path ? "." : "", b->key[i]);
        else snprintf(next, sizeof next, "%.400s[%zu]", path, i);
        walk(d, next, NULL, b->child[i], count);
    }
}

prc_status cmd_diff(const cli_options *o, prc_error *err) {
    prc_tree *m1 = NULL, *m2 = NULL, *s1 = NULL, *s2 = NULL;
    diff_state d = {0};
    prc_status st;
    PRC_GO(st, load(o->arg[0], "manifest.json", &m1, err));
    PRC_GO(st, load(o->arg[1], "manifest.json", &m2, err));
    PRC_GO(st, load(o->arg[0], "summary.json", &s1, err));
    PRC_GO(st, load(o->arg[1], "summary.json", &s2, err));
    prc_text_add(&d.text, "Inputs that differ\n");
    walk(&d, "", m1->root, m2->root, &d.n_input);
    if (!d.n_input) prc_text_add(&d.text, "  none\n");
    prc_text_printf(&d.text, "Results that moved%34s%15s%15s   change\n", "", "first", "second");
    walk(&d, "", s1->root, s2->root, &d.n_result);
    if (!d.n_result) prc_text_add(&d.text, "  none\n");
    if (o->json) {
        char *json = NULL;
        prc_json *j = prc_json_object();
        prc_json_set_text(j, "schema", "paracrine/diff/1");
        prc_json_set_int(j, "inputs_differ", (int64_t)d.n_input);
        prc_json_set_int(j, "results_moved", (int64_t)d.n_result);
        prc_json_set_int(j, "equal_values", (int64_t)d.n_same);
        prc_json_set_text(j, "text", d.text.s);
        st = prc_json_text(j, &json, err);
        prc_json_free(j);
        if (!st) st = cli_print_json(json, err);
    } else {
        st = cli_print(&d.text, err);
    }
out:
    prc_text_reset(&d.text);
    prc_tree_free(m1);
    prc_tree_free(m2);
    prc_tree_free(s1);
    prc_tree_free(s2);
    return st;
}
