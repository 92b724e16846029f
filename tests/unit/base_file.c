#include "../tap.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "paracrine/base.h"

static prc_error err;

static const char *content(const char *path)
{
    static char buf[256];
    char *text = NULL;
    size_t n = 0;
    if (prc_file_read(path, sizeof buf - 1, &text, &n, NULL) != PRC_OK) return NULL;
    memcpy(buf, text, n + 1);
    prc_free(text);
    return buf;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

/* Entries of the current folder, hidden ones included: nothing temporary may stay. */
static int entries(void)
{
    int n = 0;
    DIR *d = opendir(".");
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static void reading(void)
{
    char *text = NULL;
    size_t n = 0;
    put("a.txt", "hello");
    TAP_INT(prc_file_read("a.txt", 0, &text, &n, &err), PRC_OK);
    TAP_STR(text, "hello");
    TAP_INT(n, 5);
    prc_free(text);
    TAP_INT(prc_file_read("a.txt", 5, &text, NULL, &err), PRC_OK);
    prc_free(text);
    text = NULL;
    TAP_INT(prc_file_read("a.txt", 4, &text, &n, &err), PRC_E_VALUE);
    TAP_INT(prc_file_read("none.txt", 0, &text, &n, &err), PRC_E_IO);
    TAP_STR(err.source, "none.txt");
    TAP_HAS(err.message, "No such file");
    TAP_INT(prc_file_read(".", 0, &text, &n, &err), PRC_E_IO);
    TAP_HAS(err.message, "folder");
    TAP_INT(prc_file_read("/dev/zero", 1000000, &text, &n, &err), PRC_E_VALUE);
    TAP_OK(text == NULL);
    TAP_INT(prc_file_read("/dev/null", 0, &text, &n, &err), PRC_OK);
    TAP_STR(text, "");
    prc_free(text);
    unlink("a.txt");
}

static prc_status write_run(const char *path, bool force, const char *value)
{
    prc_outdir *d;
    prc_status st = prc_outdir_create(path, force, &d, &err);
    if (st != PRC_OK) return st;
    FILE *f = prc_outdir_open(d, "manifest.json", &err), *g = prc_outdir_open(d, "sub/x.csv", &err);
    fputs(value, f);
    fputs("x\n", g);
    return prc_outdir_commit(d, &err);
}

static void outdir(void)
{
    TAP_INT(write_run("out", false, "one"), PRC_OK);
    TAP_STR(content("out/manifest.json"), "one");
    TAP_STR(content("out/sub/x.csv"), "x\n");
    TAP_INT(entries(), 1);
    TAP_INT(write_run("out", false, "two"), PRC_E_EXISTS);
    TAP_HAS(err.message, "--force");
    TAP_STR(content("out/manifest.json"), "one");
    put("out/stale.txt", "x");
    TAP_INT(write_run("out/", true, "two"), PRC_OK);
    TAP_STR(content("out/manifest.json"), "two");
    TAP_OK(access("out/stale.txt", F_OK) != 0);
    TAP_INT(entries(), 1);
    mkdir("empty", 0777);
    TAP_INT(write_run("empty", false, "three"), PRC_OK);
    TAP_INT(write_run("new/deep/run", false, "four"), PRC_OK);
    TAP_STR(content("new/deep/run/manifest.json"), "four");
    TAP_INT(system("rm -rf out empty new"), 0);
}

static void refused(void)
{
    mkdir("precious", 0777);
    put("precious/thesis.txt", "do not lose me");
    TAP_INT(write_run("precious", false, "x"), PRC_E_EXISTS);
    TAP_INT(write_run("precious", true, "x"), PRC_E_EXISTS);
    TAP_HAS(err.message, "manifest.json");
    TAP_STR(content("precious/thesis.txt"), "do not lose me");
    put("file", "x");
    TAP_INT(write_run("file", true, "x"), PRC_E_IO);
    TAP_INT(write_run("file/under", true, "x"), PRC_E_IO);
    TAP_STR(err.source, "file/under");
    TAP_HAS(err.message, "Not a directory");
    TAP_INT(write_run("", false, "x"), PRC_E_IO);
    prc_outdir *d;
    TAP_INT(prc_outdir_create("out", false, &d, &err), PRC_OK);
    TAP_OK(prc_outdir_open(d, "../evil", &err) == NULL);
    TAP_OK(prc_outdir_open(d, "/tmp/evil", &err) == NULL);
    TAP_OK(prc_outdir_open(d, "", &err) == NULL);
    TAP_OK(prc_outdir_open(d, "a/../../evil", &err) == NULL);
    prc_outdir_abandon(d);
    prc_outdir_abandon(NULL);
    TAP_INT(entries(), 2);
    TAP_INT(system("rm -rf precious file"), 0);
}

static void abandoned(void)
{
    prc_outdir *d;
    TAP_INT(prc_outdir_create("a/b/out", false, &d, &err), PRC_OK);
    fputs("x", prc_outdir_open(d, "deep/er/file", &err));
    TAP_OK(access("a/b/out", F_OK) != 0);
    prc_outdir_abandon(d);
    TAP_INT(entries(), 0);
}

/* Someone else makes the folder while the run is under way. */
static void raced(void)
{
    prc_outdir *d;
    TAP_INT(prc_outdir_create("out", false, &d, &err), PRC_OK);
    mkdir("out", 0777);
    put("out/theirs", "x");
    TAP_INT(prc_outdir_commit(d, &err), PRC_E_EXISTS);
    TAP_STR(content("out/theirs"), "x");
    TAP_INT(entries(), 1);
    TAP_INT(system("rm -rf out"), 0);
}

static void injected(void)
{
    prc_file_fail_after(2);
    TAP_INT(write_run("out", false, "more than two bytes"), PRC_E_IO);
    TAP_HAS(err.source, "out/manifest.json");
    TAP_HAS(err.message, "No space left");
    TAP_INT(entries(), 0);
    TAP_INT(prc_file_write("f.txt", "abc", 3, &err), PRC_E_IO);
    TAP_INT(entries(), 0);
    prc_file_fail_after(-1);
    TAP_INT(write_run("out", false, "kept"), PRC_OK);
    prc_file_fail_after(3);
    TAP_INT(write_run("out", true, "lost"), PRC_E_IO);
    TAP_STR(content("out/manifest.json"), "kept");
    prc_file_fail_after(-1);
    TAP_INT(system("rm -rf out"), 0);
}

/* A real limit on the size of files, in a child process; many small writes, so that an early one fails. */
static void size_limit(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {4096, 4096};
        prc_outdir *d;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        if (prc_outdir_create("out", false, &d, &err) != PRC_OK) _exit(2);
        FILE *f = prc_outdir_open(d, "big.csv", &err);
        for (int i = 0; i < 10000; i++) fprintf(f, "%d,%d\n", i, i);
        if (prc_outdir_commit(d, &err) != PRC_E_IO) _exit(3);
        if (!strstr(err.source, "out/big.csv")) _exit(4);
        _exit(strstr(err.message, "File too large") || strstr(err.message, "Input/output error") ? 0 : 5);
    }
    int state = -1;
    waitpid(child, &state, 0);
    TAP_INT(WIFEXITED(state) ? WEXITSTATUS(state) : -1, 0);
    TAP_INT(entries(), 0);
}

static void single_file(void)
{
    TAP_INT(prc_file_write("f.txt", "one", 3, &err), PRC_OK);
    chmod("f.txt", 0600);
    TAP_INT(prc_file_write("f.txt", "two", 3, &err), PRC_OK);
    TAP_STR(content("f.txt"), "two");
    struct stat info;
    stat("f.txt", &info);
    TAP_INT(info.st_mode & 0777, 0600);
    TAP_INT(symlink("f.txt", "link"), 0);
    TAP_INT(prc_file_write("link", "three", 5, &err), PRC_OK);
    TAP_STR(content("f.txt"), "three");
    lstat("link", &info);
    TAP_OK(S_ISLNK(info.st_mode));
    TAP_INT(prc_file_write("none/f.txt", "x", 1, &err), PRC_E_IO);
    TAP_INT(prc_file_write(".", "x", 1, &err), PRC_E_IO);
    TAP_INT(prc_file_write("/dev/full", "x", 1, &err), PRC_E_IO);
    TAP_HAS(err.message, "No space left");
    TAP_INT(prc_file_write("/dev/null", "x", 1, &err), PRC_OK);
    TAP_INT(entries(), 2);
    unlink("link");
    unlink("f.txt");
}

/* Every allocation fails in turn; nothing may leak or stay behind. */
static void no_memory(void)
{
    int sweep = 0;
    for (long k = 1; k < 1000; k++) {
        prc_outdir *d = NULL;
        prc_memory_fail_at(k);
        prc_status st = prc_outdir_create("new/out", false, &d, &err);
        if (st == PRC_OK) {
            FILE *f = prc_outdir_open(d, "x", &err);
            if (f) st = prc_outdir_commit(d, &err);
            else {
                st = err.status;
                prc_outdir_abandon(d);
            }
        }
        bool done = st == PRC_OK;
        prc_memory_fail_at(0);
        if (done && access("new/out/x", F_OK) == 0) break;
        if (st != PRC_E_MEMORY && st != PRC_OK) TAP_THAT(false, "allocation %ld: %s", k, prc_status_name(st));
        if (st != PRC_OK && entries() != 0) TAP_THAT(false, "allocation %ld left something", k);
        if (done) break;
        sweep++;
    }
    TAP_THAT(sweep > 5, "%d allocations failed in turn", sweep);
    TAP_INT(system("rm -rf new"), 0);
}

int main(void)
{
    char folder[] = "/tmp/prc_base_file_XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0) return 1;
    TAP_RUN(reading);
    TAP_RUN(outdir);
    TAP_RUN(refused);
    TAP_RUN(abandoned);
    TAP_RUN(raced);
    TAP_RUN(injected);
    TAP_RUN(size_limit);
    TAP_RUN(single_file);
    TAP_RUN(no_memory);
    TAP_INT(chdir("/"), 0);
    TAP_INT(rmdir(folder), 0);
    return tap_done();
}
