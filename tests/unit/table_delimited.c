#include "../tap.h"

#include "paracrine/table.h"

static prc_error err;

static prc_table *parse(const char *text, prc_table_format format)
{
    prc_table *t = NULL;
    prc_status st = prc_table_parse(text, strlen(text), "t.txt", format, &t, &err);
    return st == PRC_OK ? t : NULL;
}

static void tsv(void)
{
    prc_table *t = parse("# comment\nname\tvalue\n\na\t1\n# b\t2\n \"c\" \t-\r\nd\t", PRC_TSV);
    if (!TAP_OK(t != NULL)) return;
    TAP_INT(t->n_col, 2);
    TAP_INT(t->n_row, 3);
    TAP_STR(t->col[1], "value");
    TAP_STR(prc_table_cell(t, 0, 0), "a");
    TAP_STR(prc_table_cell(t, 1, 0), "\"c\"");
    TAP_STR(prc_table_cell(t, 1, 1), "-");
    TAP_STR(prc_table_cell(t, 2, 1), "");
    TAP_INT(t->line[0], 4);
    TAP_INT(t->line[1], 6);
    TAP_INT(t->line[2], 7);
    TAP_INT(prc_table_col(t, "value"), 1);
    TAP_INT(prc_table_col(t, "x"), -1);
    prc_table_free(t);
    prc_table_free(NULL);
}

static void csv(void)
{
    prc_table *t = parse("\xEF\xBB\xBFid,text,n\r\n1,\"a, \"\"b\"\"\r\nc\",2\r\n2, x y ,\r\n\"\",#no comment,\"\"\n", PRC_CSV);
    if (!TAP_OK(t != NULL)) return;
    TAP_INT(t->n_row, 3);
    TAP_STR(t->col[0], "id");
    TAP_STR(prc_table_cell(t, 0, 1), "a, \"b\"\r\nc");
    TAP_STR(prc_table_cell(t, 1, 1), " x y ");
    TAP_STR(prc_table_cell(t, 1, 2), "");
    TAP_STR(prc_table_cell(t, 2, 0), "");
    TAP_STR(prc_table_cell(t, 2, 1), "#no comment");
    TAP_INT(t->line[0], 2);
    TAP_INT(t->line[1], 4);
    prc_table_free(t);
    t = parse("only,header", PRC_CSV);
    TAP_INT(t ? t->n_row : 99, 0);
    prc_table_free(t);
}

static void fails(const char *text, prc_table_format format, int line, const char *part)
{
    prc_table *t = parse(text, format);
    TAP_THAT(!t && err.status == PRC_E_SYNTAX && err.line == line && strstr(err.message, part), "line %d: %s", err.line,
             err.message);
    prc_table_free(t);
}

static void errors(void)
{
    fails("", PRC_TSV, 0, "empty");
    fails("# only a comment\n", PRC_TSV, 0, "empty");
    fails("a\tb\n1\t2\n1\n", PRC_TSV, 3, "this row has 1 cell, the header has 2");
    fails("a,b\n1,2,3\n", PRC_CSV, 2, "this row has 3 cells, the header has 2");
    fails("a,b\n1,\"2\n3,4\n", PRC_CSV, 2, "never closed");
    fails("a,b\n1,\"2\"x\n", PRC_CSV, 2, "closing quote");
    fails("a,b\n1,x\"y\"\n", PRC_CSV, 2, "quote inside");
    fails("a,b,a\n", PRC_CSV, 1, "`a` appears twice (1 and 3)");
    fails("a,,b\n", PRC_CSV, 1, "column 2 has no name");
    fails("a,b\n1,\xC3(\n", PRC_CSV, 2, "0xC3 is not UTF-8");
    fails("a,b\n1,\xED\xA0\x80\n", PRC_CSV, 2, "UTF-8");
    fails("a,b\n1,\xC0\xAF\n", PRC_CSV, 2, "UTF-8");
    fails("a,b\n1,\xF5\x80\x80\x80\n", PRC_CSV, 2, "UTF-8");
    fails("a,b\n1,\x01\n", PRC_CSV, 2, "control byte 0x01");
    prc_table *t = NULL;
    TAP_INT(prc_table_parse("a\n1\0002\n", 6, "x", PRC_CSV, &t, &err), PRC_E_SYNTAX);
    TAP_HAS(err.message, "NUL byte");
    TAP_INT(err.line, 2);
    TAP_INT(err.col, 2);
    TAP_OK(t == NULL);
    TAP_INT(prc_table_read("/nonexistent/x.tsv", PRC_TSV, &t, &err), PRC_E_IO);
}

static void expect(void)
{
    static const char *const names[] = {"name", "value", "unit"};
    static const struct {
        const char *header, *part;
    } bad[] = {
        {"name\tvalue", "column 3, `unit`, is missing"},
        {"name\tvalue\tunit\tnote", "column 4, `note`, is one too many"},
        {"name\tvalu\tunit", "column 2 is `valu`, it should be `value`"},
        {"nit\tvalue\tunit", "did you mean `unit`?"},
        {"value\tname\tunit", "column 1 is `value`, it should be `name`"},
    };
    prc_table *t = parse("name\tvalue\tunit\n", PRC_TSV);
    TAP_INT(prc_table_expect(t, names, 3, &err), PRC_OK);
    prc_table_free(t);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        t = parse(bad[i].header, PRC_TSV);
        TAP_INT(prc_table_expect(t, names, 3, &err), PRC_E_KEY);
        TAP_HAS(err.message, bad[i].part);
        prc_table_free(t);
    }
}

static void numbers(void)
{
    prc_table *t = parse("a\tb\n1.5e3\t-\n\tx\n", PRC_TSV);
    double x = 7;
    TAP_INT(prc_table_number(t, 0, 0, false, &x, &err), PRC_OK);
    TAP_NEAR(x, 1500, 0);
    TAP_INT(prc_table_number(t, 0, 1, false, &x, &err), PRC_E_VALUE);
    TAP_STR(err.message, "column `b`: a number is missing");
    TAP_STR(err.source, "t.txt");
    TAP_INT(err.line, 2);
    TAP_INT(prc_table_number(t, 0, 1, true, &x, &err), PRC_OK);
    TAP_OK(isnan(x));
    TAP_INT(prc_table_number(t, 1, 0, true, &x, &err), PRC_OK);
    TAP_OK(isnan(x));
    TAP_INT(prc_table_number(t, 1, 1, true, &x, &err), PRC_E_VALUE);
    TAP_STR(err.message, "column `b`: `x` is not a number");
    TAP_INT(err.line, 3);
    prc_table_free(t);
}

/* What prc_csv_cell writes is read back. */
static void round_trip(void)
{
    static const char *const cell[] = {"plain", "with, comma", "a \"quote\"", "two\nlines", " space", "\xC3\xA9", ""};
    enum { N = sizeof cell / sizeof *cell };
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    for (int i = 0; i < N; i++) fprintf(f, "%sc%d", i ? "," : "", i);
    for (int i = 0; i < N; i++) {
        fputc(i ? ',' : '\n', f);
        prc_csv_cell(f, cell[i]);
    }
    fclose(f);
    prc_table *t = parse(text, PRC_CSV);
    for (int i = 0; t && i < N; i++) TAP_STR(prc_table_cell(t, 0, (size_t)i), cell[i]);
    TAP_HAS(text, "plain,\"with, comma\",\"a \"\"quote\"\"\"");
    prc_table_free(t);
    prc_free(text);
}

static void no_memory(void)
{
    const char *text = "a,b\n1,\"a long quoted cell\"\n3,4\n5,6\n7,8\n9,10\n";
    long k = 1;
    for (;; k++) {
        prc_table *t = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_table_parse(text, strlen(text), "x", PRC_CSV, &t, &err);
        prc_memory_fail_at(0);
        prc_table_free(t);
        if (st == PRC_OK) break;
        if (st != PRC_E_MEMORY || t) TAP_THAT(false, "allocation %ld: %s", k, err.message);
    }
    TAP_THAT(k > 5, "%ld allocations failed in turn", k - 1);
}

int main(void)
{
    TAP_RUN(tsv);
    TAP_RUN(csv);
    TAP_RUN(errors);
    TAP_RUN(expect);
    TAP_RUN(numbers);
    TAP_RUN(round_trip);
    TAP_RUN(no_memory);
    return tap_done();
}
