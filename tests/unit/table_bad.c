/* Every file in tests/bad/tables is refused with the place and message that expected.tsv gives. */
#include "../tap.h"

#include <dirent.h>
#include <stdlib.h>

#include "paracrine/table.h"

#define FOLDER "tests/bad/tables"

static prc_error err;

static prc_status read_any(const char *path)
{
    const char *ext = strrchr(path, '.');
    prc_table *table = NULL;
    prc_tree *tree = NULL;
    prc_status st = strcmp(ext, ".tsv") == 0    ? prc_table_read(path, PRC_TSV, &table, &err)
                    : strcmp(ext, ".csv") == 0  ? prc_table_read(path, PRC_CSV, &table, &err)
                    : strcmp(ext, ".json") == 0 ? prc_json_read(path, &tree, &err)
                                                : prc_tree_read(path, &tree, &err);
    prc_table_free(table);
    prc_tree_free(tree);
    return st;
}

static void refused(void)
{
    static const char *const columns[] = {"file", "line", "col", "message"};
    prc_table *want = NULL;
    prc_status st = prc_table_read(FOLDER "/expected.tsv", PRC_TSV, &want, &err);
    if (!TAP_INT(st, PRC_OK)) return;
    TAP_INT(prc_table_expect(want, columns, 4, &err), PRC_OK);
    for (size_t i = 0; i < want->n_row; i++) {
        char path[256];
        int line = atoi(prc_table_cell(want, i, 1)), col = atoi(prc_table_cell(want, i, 2));
        snprintf(path, sizeof path, FOLDER "/%s", prc_table_cell(want, i, 0));
        st = read_any(path);
        bool ok = st == PRC_E_SYNTAX && err.line == line && err.col == col && strcmp(err.source, path) == 0 &&
                  strstr(err.message, prc_table_cell(want, i, 3));
        if (TAP_THAT(ok, "%s", prc_table_cell(want, i, 0))) continue;
        printf("# %s, line %d, col %d\n", prc_status_name(st), err.line, err.col);
        tap_note("message", err.message);
    }
    prc_table_free(want);
}

/* No file without an expectation. */
static void all_listed(void)
{
    prc_table *want = NULL;
    DIR *dir = opendir(FOLDER);
    if (!dir || prc_table_read(FOLDER "/expected.tsv", PRC_TSV, &want, &err) != PRC_OK) {
        TAP_THAT(false, "%s can be read", FOLDER);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        bool listed = e->d_name[0] == '.' || strcmp(e->d_name, "expected.tsv") == 0;
        for (size_t i = 0; i < want->n_row && !listed; i++) listed = strcmp(prc_table_cell(want, i, 0), e->d_name) == 0;
        TAP_THAT(listed, "%s is listed", e->d_name);
    }
    closedir(dir);
    prc_table_free(want);
}

int main(void)
{
    TAP_RUN(refused);
    TAP_RUN(all_listed);
    return tap_done();
}
