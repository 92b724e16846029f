#include "paracrine/base.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes after which writing is made to fail, -1 = never. For tests. */
static atomic_long fail_after = -1;

void prc_file_fail_after(long bytes) { atomic_store(&fail_after, bytes < 0 ? -1 : bytes); }

static prc_status io_error(prc_error *err, const char *path, const char *what, int code)
{
    return prc_fail_at(err, PRC_E_IO, path, 0, 0, "%s: %s", what,
                       code ? strerror(code) : "a write failed (disk full, or a limit on the size of files)");
}

static prc_status memory_error(prc_error *err)
{
    return prc_fail(err, PRC_E_MEMORY, "%s", prc_status_text(PRC_E_MEMORY));
}

/* ---- reading */

static prc_status too_large(prc_error *err, const char *path, size_t max)
{
    return prc_fail_at(err, PRC_E_VALUE, path, 0, 0, "the file is larger than %zu bytes", max);
}

/* Reads from fd until its end, so that pipes work too. */
static prc_status read_all(int fd, const char *path, size_t max, prc_text *text, prc_error *err)
{
    for (;;) {
        if (!prc_grow(&text->s, &text->cap, text->n + 65536, 1)) return memory_error(err);
        ssize_t got = read(fd, text->s + text->n, text->cap - text->n - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_error(err, path, "cannot be read", errno);
        text->n += (size_t)got;
        text->s[text->n] = '\0';
        if (text->n > max) return too_large(err, path, max);
        if (got == 0) return PRC_OK;
    }
}

prc_status prc_file_read(const char *path, size_t max, char **out, size_t *n, prc_error *err)
{
    prc_status st = PRC_OK;
    prc_text text = {0};
    struct stat info;
    if (max == 0) max = (size_t)256 << 20;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return io_error(err, path, "cannot be read", errno);
    if (fstat(fd, &info) != 0)
        st = io_error(err, path, "cannot be read", errno);
    else if (S_ISDIR(info.st_mode))
        st = prc_fail_at(err, PRC_E_IO, path, 0, 0, "this is a folder, not a file");
    else if (S_ISREG(info.st_mode) && (uintmax_t)info.st_size > max)
        st = too_large(err, path, max);
    else
        st = read_all(fd, path, max, &text, err);
    close(fd);
    if (st == PRC_OK) {
        *out = text.s;
        if (n) *n = text.n;
    } else {
        prc_text_reset(&text);
    }
    return st;
}

/* ---- paths */

static char *format(const char *fmt, ...) PRC_PRINTF(1, 2);

/* printf to new memory, NULL when there is none. */
static char *format(const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *s = n < 0 ? NULL : prc_malloc((size_t)n + 1, 1);
    if (s) vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}

/* path without trailing slashes; a link is followed, so that its target is replaced and not the link. */
static char *clean_path(const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = prc_strdup(real ? real : path);
    free(real);
    if (!copy) return NULL;
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--) copy[n - 1] = '\0';
    return copy;
}

/* "folder/.NAME.tag-PID" beside path. */
static char *sibling(const char *path, const char *tag, int attempt)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int folder = slash ? (int)(slash - path) + 1 : 0;
    if (attempt == 0) return format("%.*s.%s.%s-%ld", folder, path, name, tag, (long)getpid());
    return format("%.*s.%s.%s-%ld-%d", folder, path, name, tag, (long)getpid(), attempt);
}

static void sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? format("%.*s", slash == path ? 1 : (int)(slash - path), path) : prc_strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    prc_free(folder);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

static void remove_folder(const char *path) { (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

/* Makes the folders above the last part of path; *made counts those that were not there. false with errno set. */
static bool make_parents(char *path, int *made)
{
    for (char *slash = strchr(path[0] == '/' ? path + 1 : path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool ok = mkdir(path, 0777) == 0;
        int code = errno;
        *slash = '/';
        if (ok) ++*made;
        else if (code != EEXIST && code != EROFS && code != EACCES && code != EPERM) {
            errno = code;
            return false;
        } else if (code != EEXIST) {
            /* A folder that exists on a read-only system reports that instead. */
            *slash = '\0';
            struct stat info;
            ok = stat(path, &info) == 0;
            *slash = '/';
            errno = code;
            if (!ok) return false;
        }
    }
    return true;
}

/* ---- output folder */

typedef struct out_file {
    FILE *stream;
    char *name;
} out_file;

struct prc_outdir {
    char *path;  /* where the folder will be */
    char *shown; /* as the user wrote it */
    char *temp;  /* where it is being written */
    bool force;
    int parents_made;
    out_file *file;
    size_t n_file, cap;
};

typedef enum folder_state { FOLDER_ABSENT, FOLDER_EMPTY, FOLDER_RUN, FOLDER_FOREIGN, FOLDER_FILE, FOLDER_ERROR } folder_state;

/* What stands at path; errno is set for FOLDER_ERROR. */
static folder_state look(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) return errno == ENOENT ? FOLDER_ABSENT : FOLDER_ERROR;
    if (!S_ISDIR(info.st_mode)) return FOLDER_FILE;
    DIR *dir = opendir(path);
    if (!dir) return FOLDER_ERROR;
    folder_state state = FOLDER_EMPTY;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        state = state == FOLDER_RUN ? FOLDER_RUN : FOLDER_FOREIGN;
        if (strcmp(e->d_name, "manifest.json") == 0) state = FOLDER_RUN;
    }
    closedir(dir);
    return state;
}

/* Whether the folder may be put at path. */
static prc_status check_target(const char *path, const char *shown, bool force, prc_error *err)
{
    switch (look(path)) {
    case FOLDER_FILE:
        return prc_fail_at(err, PRC_E_IO, shown, 0, 0, "a file of this name is in the way of the output folder");
    case FOLDER_ERROR:
        return io_error(err, shown, "cannot be used as the output folder", errno);
    case FOLDER_RUN:
        if (force) return PRC_OK;
        return prc_fail_at(err, PRC_E_EXISTS, shown, 0, 0,
                           "the folder holds an earlier run; choose another, or give --force to replace it");
    case FOLDER_FOREIGN:
        return prc_fail_at(err, PRC_E_EXISTS, shown, 0, 0,
                           force ? "the folder is not empty and has no manifest.json, so it is not an output of "
                                   "paracrine; --force replaces only those: choose another folder"
                                 : "the folder is not empty and is not an output of paracrine; choose another");
    case FOLDER_ABSENT:
    case FOLDER_EMPTY:
        break;
    }
    return PRC_OK;
}

static void outdir_free(prc_outdir *d)
{
    if (!d) return;
    for (size_t i = 0; i < d->n_file; i++) prc_free(d->file[i].name);
    prc_free(d->file);
    prc_free(d->path);
    prc_free(d->shown);
    prc_free(d->temp);
    prc_free(d);
}

/* Removes the parent folders made for a run that came to nothing. */
static void remove_parents(prc_outdir *d)
{
    for (; d->parents_made > 0; d->parents_made--) {
        char *slash = strrchr(d->path, '/');
        if (!slash || slash == d->path) return;
        *slash = '\0';
        if (rmdir(d->path) != 0) return;
    }
}

static prc_status make_temp(prc_outdir *d, prc_error *err)
{
    enum { ATTEMPTS = 100 };
    if (!make_parents(d->path, &d->parents_made)) return io_error(err, d->shown, "cannot be created", errno);
    for (int i = 0; i < ATTEMPTS; i++) {
        char *temp = sibling(d->path, "tmp", i);
        if (!temp) return memory_error(err);
        if (mkdir(temp, 0777) == 0) {
            d->temp = temp;
            return PRC_OK;
        }
        int code = errno;
        prc_free(temp);
        if (code != EEXIST) return io_error(err, d->shown, "cannot be created", code);
    }
    return prc_fail_at(err, PRC_E_IO, d->shown, 0, 0, "cannot be created: too many temporary folders beside it");
}

prc_status prc_outdir_create(const char *path, bool force, prc_outdir **out, prc_error *err)
{
    prc_status st = PRC_OK;
    if (path[0] == '\0') return prc_fail(err, PRC_E_IO, "the name of the output folder is empty");
    prc_outdir *d = prc_calloc(1, sizeof *d);
    if (!d) return memory_error(err);
    d->force = force;
    d->shown = prc_strdup(path);
    d->path = clean_path(path);
    if (!d->shown || !d->path) PRC_GO(st, memory_error(err));
    PRC_GO(st, check_target(d->path, d->shown, force, err));
    PRC_GO(st, make_temp(d, err));
out:
    if (st == PRC_OK) {
        *out = d;
    } else {
        if (d->path) remove_parents(d);
        outdir_free(d);
    }
    return st;
}

/* A relative path that stays inside the folder. */
static bool inside(const char *name)
{
    if (name[0] == '\0' || name[0] == '/') return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        if (*part == '/') part++;
        if (strncmp(part, "..", 2) == 0 && (part[2] == '\0' || part[2] == '/')) return false;
    }
    return true;
}

FILE *prc_outdir_open(prc_outdir *d, const char *name, prc_error *err)
{
    int ignored = 0;
    FILE *stream = NULL;
    if (!inside(name)) {
        prc_fail_at(err, PRC_E_IO, name, 0, 0, "this name is not inside the output folder");
        return NULL;
    }
    char *full = format("%s/%s", d->temp, name);
    char *shown = format("%s/%s", d->shown, name);
    if (!full || !shown || !PRC_GROW(d->file, d->n_file, d->cap)) {
        memory_error(err);
    } else if (!make_parents(full, &ignored) || (stream = fopen(full, "wbe")) == NULL) {
        io_error(err, shown, "cannot be created", errno);
    } else {
        d->file[d->n_file++] = (out_file){.stream = stream, .name = shown};
        shown = NULL;
    }
    prc_free(full);
    prc_free(shown);
    return stream;
}

prc_status prc_outdir_path(prc_outdir *d, const char *name, char *buf, size_t n, prc_error *err)
{
    for (size_t i = 0; i < d->n_file; i++)
        if (d->file[i].stream && fflush(d->file[i].stream) != 0) return io_error(err, d->file[i].name, "cannot be written", errno);
    int length = inside(name) ? snprintf(buf, n, "%s/%s", d->temp, name) : -1;
    if (length < 0 || (size_t)length >= n) return prc_fail_at(err, PRC_E_IO, name, 0, 0, "this name is not inside the output folder, or too long");
    return PRC_OK;
}

/* Whether the bytes so far exceed what the test allows. */
static bool injected_failure(FILE *stream, long *total)
{
    long limit = atomic_load(&fail_after), here = ftell(stream);
    if (limit < 0) return false;
    if (here > 0) *total += here;
    return *total > limit;
}

/* Flushes, syncs and closes; 0, or the errno of what failed (EIO if that is lost). */
static int finish_stream(FILE *stream, long *total)
{
    int code = 0;
    bool failed = ferror(stream) != 0;
    clearerr(stream);
    errno = 0;
    if (fflush(stream) != 0 || ferror(stream)) {
        code = errno ? errno : EIO;
    } else if (failed) {
        code = EIO; /* an earlier write was lost */
    } else if (injected_failure(stream, total)) {
        code = ENOSPC;
    } else if (fsync(fileno(stream)) != 0 && errno != EINVAL && errno != ENOTSUP) {
        code = errno;
    }
    if (fclose(stream) != 0 && code == 0) code = errno ? errno : EIO;
    return code;
}

static prc_status close_files(prc_outdir *d, prc_error *err)
{
    prc_status st = PRC_OK;
    long total = 0;
    for (size_t i = 0; i < d->n_file; i++) {
        int code = finish_stream(d->file[i].stream, &total);
        d->file[i].stream = NULL;
        if (code != 0 && st == PRC_OK) st = io_error(err, d->file[i].name, "cannot be written", code);
    }
    return st;
}

/* Renames the finished folder to its place; an earlier run is moved aside first and comes back if that fails. */
static prc_status put_in_place(prc_outdir *d, prc_error *err)
{
    prc_status st = check_target(d->path, d->shown, d->force, err);
    if (st != PRC_OK) return st;
    if (look(d->path) != FOLDER_RUN) {
        if (rename(d->temp, d->path) != 0) return io_error(err, d->shown, "cannot be put in place", errno);
        return PRC_OK;
    }
    char *old = sibling(d->path, "old", 0);
    if (!old) return memory_error(err);
    remove_folder(old);
    if (rename(d->path, old) != 0) {
        st = io_error(err, d->shown, "the earlier run cannot be moved aside", errno);
    } else if (rename(d->temp, d->path) != 0) {
        st = io_error(err, d->shown, "cannot be put in place", errno);
        if (rename(old, d->path) != 0)
            prc_fail_at(err, PRC_E_IO, d->shown, 0, 0, "cannot be put in place; the earlier run is now in %s", old);
    } else {
        remove_folder(old);
    }
    prc_free(old);
    return st;
}

prc_status prc_outdir_commit(prc_outdir *d, prc_error *err)
{
    prc_status st = close_files(d, err);
    if (st == PRC_OK) {
        char *inner = format("%s/.", d->temp);
        if (inner) sync_parent(inner);
        prc_free(inner);
        st = put_in_place(d, err);
    }
    if (st != PRC_OK) {
        prc_outdir_abandon(d);
        return st;
    }
    sync_parent(d->path);
    outdir_free(d);
    return PRC_OK;
}

void prc_outdir_abandon(prc_outdir *d)
{
    if (!d) return;
    for (size_t i = 0; i < d->n_file; i++)
        if (d->file[i].stream) fclose(d->file[i].stream);
    remove_folder(d->temp);
    remove_parents(d);
    outdir_free(d);
}

/* ---- single file */

static prc_status write_stream(FILE *stream, const char *path, const char *text, size_t n, prc_error *err)
{
    long total = 0;
    errno = 0;
    bool wrote = fwrite(text, 1, n, stream) == n;
    int first = errno;
    int code = finish_stream(stream, &total);
    if (!wrote) code = first ? first : EIO;
    return code ? io_error(err, path, "cannot be written", code) : PRC_OK;
}

/* Writes beside target and renames; permissions of a file that is replaced are kept. */
static prc_status write_beside(const char *target, const char *path, const struct stat *old, const char *text, size_t n,
                               prc_error *err)
{
    char *temp = sibling(target, "tmp", 0);
    if (!temp) return memory_error(err);
    FILE *stream = fopen(temp, "wbe");
    prc_status st = stream ? write_stream(stream, path, text, n, err) : io_error(err, path, "cannot be written", errno);
    if (st == PRC_OK && old) (void)chmod(temp, old->st_mode & 07777);
    if (st == PRC_OK && rename(temp, target) != 0) st = io_error(err, path, "cannot be written", errno);
    if (st == PRC_OK) sync_parent(target);
    else if (stream) (void)unlink(temp);
    prc_free(temp);
    return st;
}

prc_status prc_file_write(const char *path, const char *text, size_t n, prc_error *err)
{
    struct stat info;
    bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) return prc_fail_at(err, PRC_E_IO, path, 0, 0, "this is a folder, not a file");
    if (exists && !S_ISREG(info.st_mode)) {
        /* A terminal, pipe or device cannot be replaced, only written to. */
        FILE *stream = fopen(path, "wbe");
        return stream ? write_stream(stream, path, text, n, err) : io_error(err, path, "cannot be written", errno);
    }
    char *target = clean_path(path);
    if (!target) return memory_error(err);
    prc_status st = write_beside(target, path, exists ? &info : NULL, text, n, err);
    prc_free(target);
    return st;
}
