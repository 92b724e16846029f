/* replay.h: the main function of a fuzz target outside libFuzzer: replays the files and folders given, so that the corpus is a test.
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DPRC_LIBFUZZER. */
#ifndef PARACRINE_REPLAY_H
#define PARACRINE_REPLAY_H

#include "paracrine/base.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef PRC_LIBFUZZER
static int replay_file(const char *path) {
    char *text = NULL;
    size_t n;
    if (prc_file_read(path, 0, &text, &n, NULL) != PRC_OK) return 0;
    LLVMFuzzerTestOneInput((const uint8_t *)text, n);
    prc_free(text);
    return 1;
}

static int replay(const char *path) {
    DIR *dir = opendir(path);
    int n = 0;
    if (!dir) return replay_file(path);
    for (struct dirent *e; (e = readdir(dir));) {
        char inner[1200];
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.') n += replay_file(inner);
    }
    closedir(dir);
    return n;
}

/* Prints one TAP line: replaying without a crash is the test. */
int main(int argc, char **argv) {
    int n = 0;
    for (int i = 1; i < argc; i++) n += replay(argv[i]);
    printf("%s 1 - %d inputs replayed\n1..1\n", n > 0 ? "ok" : "not ok", n);
    return n > 0 ? 0 : 1;
}
#endif

#endif
