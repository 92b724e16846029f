/* fuzz_lang.c: any bytes as a model and as an expression: no crash, and what is accepted reads back from its canonical
 * text. */
#include "paracrine/lang.h"

#include "replay.h"

static bool no_name(void *ctx, const char *name, double *out) {
    (void)ctx;
    *out = (double)strlen(name);
    return true;
}

static void check_model(const char *text) {
    prc_ast *ast = NULL, *again = NULL;
    prc_error err = {0};
    if (prc_ast_parse(text, "/nowhere/fuzz", &ast, &err) != PRC_OK) {
        if (ast || err.line < 1 || err.message[0] == '\0') abort();
        return;
    }
    prc_text a = {0}, b = {0};
    prc_ast_print(ast, &a);
    if (prc_ast_parse(a.s ? a.s : "", "/nowhere/again", &again, &err) != PRC_OK) abort();
    prc_ast_print(again, &b);
    if (strcmp(a.s ? a.s : "", b.s ? b.s : "") != 0) abort();
    const prc_model_def *m = prc_ast_main(ast);
    for (size_t i = 0; m && i < m->n_item; i++) {
        prc_dim d;
        double x;
        const prc_item *it = &m->item[i];
        if (!it->expr) continue;
        prc_status st = it->kind == PRC_IT_UNIT || it->kind == PRC_IT_HAS
                            ? prc_dim_of_unit_expr(ast, m, it->source, it->expr, &d, &err)
                            : prc_expr_dim(ast, it->source, it->expr, NULL, NULL, &d, &err);
        if (st == PRC_OK) st = prc_expr_eval(it->expr, no_name, NULL, &x, &err);
        (void)st;
    }
    prc_text_reset(&a);
    prc_text_reset(&b);
    prc_ast_free(again);
    prc_ast_free(ast);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    prc_arena *arena = prc_arena_create();
    if (!text || !arena) abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check_model(text);
    const prc_expr *e;
    prc_error err;
    if (prc_expr_parse(arena, text, "fuzz", 1, 1, &e, &err) == PRC_OK) {
        prc_text t = {0};
        const prc_expr *back;
        prc_expr_print(e, &t);
        if (prc_expr_parse(arena, t.s, "again", 1, 1, &back, &err) != PRC_OK) abort();
        prc_text_reset(&t);
    }
    prc_arena_free(arena);
    free(text);
    return 0;
}
