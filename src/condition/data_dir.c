/* Where the data folder is, and which conditions stand in it. */
#include "condition_int.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef PRC_DATADIR
#define PRC_DATADIR "/usr/local/share/paracrine"
#endif

static bool is_dir(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool prc_file_exists(const char *path) {
    struct stat s;
    return stat(path, &s) == 0;
}

static char *join(const char *dir, const char *name) {
    prc_text t = {0};
    prc_text_printf(&t, "%s/%s", dir, name);
    if (!t.failed) return t.s;
    prc_text_reset(&t);
    return NULL;
}

prc_status prc_data_dir(const char *wanted, char **out, prc_error *err) {
    const char *from_env = getenv("PARACRINE_DATA");
    const char *dir = wanted ? wanted : (from_env && *from_env) ? from_env : is_dir("models") ? "." : PRC_DATADIR;
    char *models = join(dir, "models");
    if (!models) return prc_out_of_memory(err);
    bool found = is_dir(models);
    prc_free(models);
    if (!found)
        return prc_fail(err, PRC_E_IO,
                        "no folder `models` in `%s`\nrun in the folder that holds models/, or set PARACRINE_DATA to it",
                        dir);
    char *copy = prc_strdup(dir);
    if (!copy) return prc_out_of_memory(err);
    *out = copy;
    return PRC_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A folder counts as a condition when it holds a model; core is shared by all. */
static prc_status is_condition(const char *models, const char *name, bool *out, prc_error *err) {
    *out = false;
    if (name[0] == '.' || strcmp(name, "core") == 0) return PRC_OK;
    prc_text t = {0};
    prc_text_printf(&t, "%s/%s/model.ant", models, name);
    if (t.failed) {
        prc_text_reset(&t);
        return prc_out_of_memory(err);
    }
    *out = prc_file_exists(t.s);
    prc_text_reset(&t);
    return PRC_OK;
}

prc_status prc_condition_names(const char *data_dir, char ***names, size_t *n, prc_error *err) {
    prc_status st = PRC_OK;
    char **list = NULL;
    size_t count = 0, cap = 0;
    DIR *d = NULL;
    char *models = join(data_dir, "models");
    if (!models) return prc_out_of_memory(err);
    d = opendir(models);
    if (!d) {
        st = prc_fail(err, PRC_E_IO, "cannot read the folder `%s`: %s", models, strerror(errno));
        goto out;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        bool yes;
        PRC_GO(st, is_condition(models, e->d_name, &yes, err));
        if (!yes) continue;
        char *copy = PRC_GROW(list, count, cap) ? prc_strdup(e->d_name) : NULL;
        if (!copy) {
            st = prc_out_of_memory(err);
            goto out;
        }
        list[count++] = copy;
    }
    if (count) qsort(list, count, sizeof *list, by_text);
    *names = list;
    *n = count;
    list = NULL;
out:
    if (d) closedir(d);
    if (list) prc_condition_names_free(list, count);
    prc_free(models);
    return st;
}

void prc_condition_names_free(char **names, size_t n) {
    for (size_t i = 0; names && i < n; i++) prc_free(names[i]);
    prc_free(names);
}
