/* paracrine/base.h: what every module stands on: status and error, memory, text, threads, random numbers and
 * elementary functions whose bits do not depend on the processor. */
#ifndef PARACRINE_BASE_H
#define PARACRINE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__)
#define PRC_CHECKED __attribute__((warn_unused_result))
#define PRC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define PRC_CHECKED
#define PRC_PRINTF(f, a)
#endif

/* ---- status -------------------------------------------------------------------------------------------------- */

/* Every way a call can fail: X(name, text, exit code of the command). Enum, texts, docs and exit codes come from this
 * one list. */
#define PRC_STATUS_LIST(X)                                            \
    X(PRC_OK, "ok", 0)                                                \
    X(PRC_E_NEGATIVE, "a check failed", 1)                            \
    X(PRC_E_USAGE, "wrong use of the command", 2)                     \
    X(PRC_E_SYNTAX, "the file cannot be read as its format", 3)       \
    X(PRC_E_KEY, "unknown or missing name", 3)                        \
    X(PRC_E_VALUE, "a value is out of its range", 3)                  \
    X(PRC_E_UNIT, "units do not agree", 3)                            \
    X(PRC_E_MODEL, "the model cannot be built", 3)                    \
    X(PRC_E_UNSUPPORTED, "not supported yet", 3)                      \
    X(PRC_E_NUMERIC, "the computation did not succeed", 4)            \
    X(PRC_E_FAILED_PATIENTS, "too many patients failed", 4)           \
    X(PRC_E_IO, "input or output error", 5)                           \
    X(PRC_E_EXISTS, "the output folder is not empty", 5)              \
    X(PRC_E_MEMORY, "out of memory", 5)                               \
    X(PRC_E_INTERRUPTED, "interrupted", 130)

typedef enum prc_status {
#define PRC_X(name, text, code) name,
    PRC_STATUS_LIST(PRC_X)
#undef PRC_X
        PRC_STATUS_COUNT
} prc_status;

/* Text of a status. */
const char *prc_status_text(prc_status status);
/* Exit code of the command for a status. */
int prc_status_exit(prc_status status);
/* Name of a status as in the enum. */
const char *prc_status_name(prc_status status);

#define PRC_SOURCE_MAX 256
#define PRC_MESSAGE_MAX 1024

/* What went wrong and where; owned by the caller, always the last argument, nullable, filled only on failure. */
typedef struct prc_error {
    prc_status status;
    int line, col;                 /* 1-based, 0 = not known */
    char source[PRC_SOURCE_MAX];   /* file name as the user wrote it, "" = none */
    char message[PRC_MESSAGE_MAX]; /* one or more lines: what is wrong, the source line with a caret, the cure */
} prc_error;

/* Fills err (if not NULL) and returns status. */
prc_status prc_fail(prc_error *err, prc_status status, const char *fmt, ...) PRC_PRINTF(3, 4);
/* The same with a place in a file. */
prc_status prc_fail_at(prc_error *err, prc_status status, const char *source, int line, int col, const char *fmt, ...)
    PRC_PRINTF(6, 7);
/* Writes "file:line:col: error: message" to buf (size n), leaving out what is not known. */
void prc_error_format(const prc_error *err, char *buf, size_t n);

/* Returns the status of an expression to the caller if it is not PRC_OK. */
#define PRC_TRY(expr)                         \
    do {                                      \
        prc_status prc_try_ = (expr);         \
        if (prc_try_ != PRC_OK) return prc_try_; \
    } while (0)
/* Jumps to label out with the status in variable st if it is not PRC_OK. */
#define PRC_GO(st, expr)                      \
    do {                                      \
        (st) = (expr);                        \
        if ((st) != PRC_OK) goto out;         \
    } while (0)

/* ---- memory -------------------------------------------------------------------------------------------------- */

/* malloc, calloc, realloc, free through one door, so that tests can make the k-th allocation fail. NULL on failure;
 * n * size is checked for overflow; prc_free(NULL) does nothing. Any thread. */
void *prc_malloc(size_t n, size_t size);
void *prc_calloc(size_t n, size_t size);
void *prc_realloc(void *p, size_t n, size_t size);
/* 64-byte aligned, zeroed; freed by prc_free. */
void *prc_aligned(size_t n, size_t size);
void prc_free(void *p);
char *prc_strdup(const char *s);
/* Makes the k-th allocation from now fail (k = 1 is the next), 0 switches that off. For tests. */
void prc_memory_fail_at(long k);
/* Allocations made so far in this process. For tests. */
long prc_memory_count(void);

/* Memory that is freed all at once. Not for use by two threads at a time. */
typedef struct prc_arena prc_arena;
prc_arena *prc_arena_create(void); /* NULL when out of memory */
void prc_arena_free(prc_arena *arena);
/* Zeroed, 16-byte aligned; NULL when out of memory. Lives until prc_arena_free. */
void *prc_arena_alloc(prc_arena *arena, size_t n, size_t size);
char *prc_arena_strdup(prc_arena *arena, const char *s);
char *prc_arena_strndup(prc_arena *arena, const char *s, size_t n);
char *prc_arena_printf(prc_arena *arena, const char *fmt, ...) PRC_PRINTF(2, 3);

/* Growing array: PRC_GROW(items, n, cap) makes room for one more item; evaluates to false when out of memory. */
bool prc_grow(void *pitems, size_t *cap, size_t n, size_t size);
#define PRC_GROW(items, n, cap) prc_grow(&(items), &(cap), (n) + 1, sizeof *(items))

/* ---- text ---------------------------------------------------------------------------------------------------- */

/* Growing text buffer. Zero-initialise; an allocation failure sets .failed and later calls do nothing. */
typedef struct prc_text {
    char *s; /* always 0-terminated once something was added; NULL before */
    size_t n, cap;
    bool failed;
} prc_text;
void prc_text_add(prc_text *t, const char *s);
void prc_text_addn(prc_text *t, const char *s, size_t n);
void prc_text_printf(prc_text *t, const char *fmt, ...) PRC_PRINTF(2, 3);
void prc_text_reset(prc_text *t);

/* Strict number: the whole string must be one finite or INF/NaN decimal number; false otherwise. Independent of locale. */
bool prc_parse_double(const char *s, double *out);
bool prc_parse_int64(const char *s, int64_t *out);
/* Shortest text that reads back to the same double ("%.17g" trimmed); NaN, INF, -INF. buf >= 32 bytes. Returns buf. */
const char *prc_format_double(double x, char *buf);
/* Nearest of n candidates to s by edit distance if it is near enough to be a slip, else NULL. */
const char *prc_nearest(const char *s, const char *const *candidates, size_t n);

/* Reads a whole file. Fails with PRC_E_IO (missing, unreadable, a folder) or PRC_E_VALUE (larger than max bytes; 0 = 256 MiB).
 * *out is 0-terminated, freed by prc_free. */
PRC_CHECKED prc_status prc_file_read(const char *path, size_t max, char **out, size_t *n, prc_error *err);

/* An output folder that appears whole or not at all: files are written to a sibling temporary folder and renamed at the end. */
typedef struct prc_outdir prc_outdir;
/* Fails with PRC_E_EXISTS if path is a non-empty folder and not force, PRC_E_IO otherwise (a path under a file, no permission). */
PRC_CHECKED prc_status prc_outdir_create(const char *path, bool force, prc_outdir **out, prc_error *err);
/* Opens a file in the folder for writing; the stream belongs to the outdir. NULL on failure (err filled). */
FILE *prc_outdir_open(prc_outdir *d, const char *name, prc_error *err);
/* Flushes what was written so far and gives the path of a file in the unfinished folder, to be read back. buf size n. */
PRC_CHECKED prc_status prc_outdir_path(prc_outdir *d, const char *name, char *buf, size_t n, prc_error *err);
/* Flushes, checks every stream for errors, fsyncs, moves the folder into place (an old run is replaced when force). Frees d always. */
PRC_CHECKED prc_status prc_outdir_commit(prc_outdir *d, prc_error *err);
/* Removes everything written; frees d. NULL is allowed. */
void prc_outdir_abandon(prc_outdir *d);
/* Single file the same way: write beside, then rename. */
PRC_CHECKED prc_status prc_file_write(const char *path, const char *text, size_t n, prc_error *err);
/* Makes prc_outdir_commit and prc_file_write report a full disk once more than this many bytes were written; -1 switches that
 * off. For tests. */
void prc_file_fail_after(long bytes);

/* SHA-256 of a buffer as 64 lower-case hex digits + 0. */
void prc_sha256_hex(const void *p, size_t n, char out[65]);

/* ---- threads and progress ------------------------------------------------------------------------------------ */

/* Runs fn(ctx, job, thread) for job = 0..n_jobs-1 on n_threads threads (0 = all processors); thread in 0..n_threads-1.
 * A job that returns other than PRC_OK stops the hand-out of further jobs; the status of the lowest such job is returned. */
typedef prc_status (*prc_job_fn)(void *ctx, size_t job, int thread);
PRC_CHECKED prc_status prc_parallel(size_t n_jobs, int n_threads, prc_job_fn fn, void *ctx);
int prc_cpu_count(void);

/* Told now and then how far a long computation is: done of total; return false to stop it (PRC_E_INTERRUPTED).
 * May be called from any thread, one at a time. */
typedef struct prc_progress {
    bool (*tick)(void *ctx, const char *stage, double done, double total);
    void *ctx;
} prc_progress;

/* ---- random numbers ------------------------------------------------------------------------------------------ */

/* Philox4x32-10 (Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3, SC'11): four 32-bit words from key and counter. */
void prc_philox(uint64_t key, const uint32_t counter[4], uint32_t out[4]);
/* A purpose id from its name (FNV-1a), so that streams are named, not numbered. */
uint32_t prc_purpose(const char *name);
/* Uniform in (0,1), 52 bits, never 0 or 1: a pure function of its arguments. */
double prc_uniform(uint64_t seed, uint32_t patient, uint32_t purpose, uint32_t draw, uint32_t replicate);
/* Standard normal: prc_norm_inv of prc_uniform. */
double prc_normal(uint64_t seed, uint32_t patient, uint32_t purpose, uint32_t draw, uint32_t replicate);

/* ---- elementary functions ------------------------------------------------------------------------------------ */

/* Same bits on every x86-64 processor and compiler setting; error below 1.5 ulp. Any thread. */
double prc_exp(double x);
double prc_log(double x); /* log of a negative number is NaN, of 0 -INF */
double prc_pow(double x, double y);
double prc_norm_inv(double p); /* inverse of the standard normal distribution function, relative error < 1e-15 (Wichura 1988, AS 241) */
double prc_norm_cdf(double x);

#endif
