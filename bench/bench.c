/* The benchmark programme. Times are thread CPU time; solvers and tolerances take turns, and the median of the rounds counts.
 * Writes bench.json (name, value, unit, peer, ratio) and plots to the output folder. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static prc_json *rows;

/* ratio: how many times as fast as the peer, NaN = no comparison. */
static void row(const char *name, double value, const char *unit, const char *against, double ratio)
{
    prc_json *j = prc_json_set(rows, NULL, prc_json_object());
    prc_json_set_text(j, "name", name);
    prc_json_set_number(j, "value", value);
    prc_json_set_text(j, "unit", unit);
    if (against) prc_json_set_text(j, "peer", against);
    if (!isnan(ratio)) prc_json_set_number(j, "ratio", ratio);
    printf("%-58s %11.5g %-16s", name, value, unit);
    if (against && !isnan(ratio)) printf(" %7.3g x %s", ratio, against);
    else if (against) printf(" %s: not at hand", against);
    printf("\n");
    fflush(stdout);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

/* ---- work against precision ---------------------------------------------------------------------------------- */

enum { MAX_SERIES = 5 };

typedef struct series {
    const char *name;
    peer *q; /* NULL = the engine */
    const char *isa;
    size_t n_tol;
    double tol[BENCH_TOL], error[BENCH_TOL], ms[BENCH_TOL], round[BENCH_TOL][BENCH_ROUNDS];
} series;

/* Milliseconds at an error, on the straight line between the neighbours in logarithms. */
static double time_at(const series *s, double error)
{
    size_t n = s->n_tol, k = 0;
    if (n < 2) return (double)NAN;
    while (k + 2 < n && s->error[k + 1] > error) k++;
    double x0 = log(s->error[k]), x1 = log(s->error[k + 1]), y0 = log(s->ms[k]), y1 = log(s->ms[k + 1]);
    return exp(y0 + (y1 - y0) * (log(error) - x0) / (x1 - x0));
}

static prc_status one_point(const problem *p, series *s, size_t k, int round, double *out, prc_error *err)
{
    if (s->q) {
        s->round[k][round] = 1e3 * peer_go(s->q, s->tol[k], out) / BENCH_ERROR_N;
    } else {
        engine_run r = {.rtol = s->tol[k], .n = BENCH_N, .threads = 1, .isa = s->isa, .out = out};
        PRC_TRY(engine_go(p, &r, err));
        s->round[k][round] = 1e3 * r.seconds / BENCH_N;
        if (r.failed) fprintf(stderr, "bench: %s: %zu patients failed at rtol %g\n", p->name, r.failed, s->tol[k]);
    }
    if (round == 0) s->error[k] = problem_error(p, out);
    return PRC_OK;
}

static void report_series(const problem *p, const series *s, size_t n, const char *folder)
{
    curve c[MAX_SERIES] = {{0}};
    char name[160];
    for (size_t i = 0; i < n; i++) {
        c[i].name = s[i].name;
        for (size_t k = 0; k < s[i].n_tol; k++) {
            snprintf(name, sizeof name, "%s, %s, rtol %.0e: time", p->name, s[i].name, s[i].tol[k]);
            row(name, s[i].ms[k], "ms per patient", NULL, (double)NAN);
            snprintf(name, sizeof name, "%s, %s, rtol %.0e: achieved error", p->name, s[i].name, s[i].tol[k]);
            row(name, s[i].error[k], "relative", "rtol", s[i].error[k] / s[i].tol[k]);
            c[i].x[k] = s[i].error[k], c[i].y[k] = s[i].ms[k];
            c[i].n++;
        }
    }
    for (double e = 1e-4; e > 5e-6; e /= 10)
        for (size_t i = 0; i < n; i++) {
            snprintf(name, sizeof name, "%s, %s: time at error %.0e", p->name, s[i].name, e);
            row(name, time_at(&s[i], e), "ms per patient", i ? s[i].name : NULL, i ? time_at(&s[i], e) / time_at(&s[0], e) : (double)NAN);
        }
    snprintf(name, sizeof name, "%s/precision-%s.svg", folder, p->name);
    if (!plot_log(name, p->name, "achieved error (median patient)", "ms per patient, one core", c, n))
        fprintf(stderr, "bench: cannot write %s\n", name);
}

static void add_series(series *s, size_t *n, const char *name, peer *q, double loosest, size_t n_tol)
{
    s[*n] = (series){.name = name, .q = q, .n_tol = n_tol};
    for (size_t k = 0; k < n_tol; k++) s[*n].tol[k] = loosest * pow(10, -(double)k);
    ++*n;
}

static prc_status precision(const problem *p, const char *folder, const char *peers, bool with_r, int rounds, prc_error *err)
{
    static series s[MAX_SERIES];
    size_t n = 0;
    prc_status st = PRC_OK;
    double *out = prc_calloc(BENCH_ERROR_N * p->n_time * p->p->n_state, sizeof *out);
    if (!out) return prc_fail(err, PRC_E_MEMORY, "out of memory");
    add_series(s, &n, "Paracrine", NULL, 1e-4, 6);
    peer *q = peers ? peer_cvode(p, peers) : NULL;
    if (q) add_series(s, &n, "CVODE -O3, analytic dense", q, 1e-4, 6);
    else row("CVODE", (double)NAN, "ms per patient", "CVODE", (double)NAN);
    if (with_r) {
        q = peers ? peer_desolve(p, peers, false) : NULL;
        if (q) add_series(s, &n, "deSolve lsoda", q, 1e-4, 5);
        else row("deSolve", (double)NAN, "ms per patient", "deSolve", (double)NAN);
        q = q ? peer_desolve(p, peers, true) : NULL;
        if (q) add_series(s, &n, "deSolve lsoda, analytic", q, 1e-4, 5);
    }
    for (int r = 0; r < rounds; r++)
        for (size_t k = 0; k < BENCH_TOL; k++)
            for (size_t i = 0; i < n; i++)
                if (k < s[i].n_tol) PRC_GO(st, one_point(p, &s[i], k, r, out, err));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < s[i].n_tol; k++) s[i].ms[k] = median(s[i].round[k], (size_t)rounds);
    report_series(p, s, n, folder);
out:
    for (size_t i = 0; i < n; i++) peer_free(s[i].q);
    prc_free(out);
    return st;
}

/* ---- one thing varied ---------------------------------------------------------------------------------------- */

typedef struct variant {
    char name[80];
    const char *isa;
    int width;
    double ms[BENCH_ROUNDS];
} variant;

static prc_status levels(const problem *p, int rounds, prc_error *err)
{
    static const struct { const char *isa; int width; } all[] = {{"v4", 0}, {"v3", 0}, {"x86-64", 0}, {NULL, 8}, {NULL, 16}, {NULL, 24}, {NULL, 32}, {NULL, 48}};
    enum { N = sizeof all / sizeof *all };
    variant v[N] = {{{0}, NULL, 0, {0}}};
    double middle[N];
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < N; i++) {
            engine_run run = {.rtol = 1e-6, .n = BENCH_N, .threads = 1, .isa = all[i].isa, .width = all[i].width};
            if (all[i].isa && !prc_kernel_named(all[i].isa)) {
                v[i].ms[r] = (double)NAN;
                continue;
            }
            PRC_TRY(engine_go(p, &run, err));
            v[i].ms[r] = 1e3 * run.seconds / BENCH_N;
        }
    for (size_t i = 0; i < N; i++) {
        middle[i] = median(v[i].ms, (size_t)rounds);
        if (all[i].isa) snprintf(v[i].name, sizeof v[i].name, "%s, level %s", p->name, all[i].isa);
        else snprintf(v[i].name, sizeof v[i].name, "%s, width %d", p->name, all[i].width);
        row(v[i].name, middle[i], "ms per patient", i ? "level v4" : NULL, i ? middle[0] / middle[i] : (double)NAN);
    }
    snprintf(v[0].name, sizeof v[0].name, "%s, AVX-512 against AVX2", p->name);
    row(v[0].name, middle[0], "ms per patient", "AVX2", middle[1] / middle[0]);
    return PRC_OK;
}

/* Speed-up of two threads: wall time does not count on a shared machine, so the busier thread's CPU time stands for it. */
static prc_status threads(const problem *p, int rounds, prc_error *err)
{
    double one[BENCH_ROUNDS], two[BENCH_ROUNDS];
    for (int r = 0; r < rounds; r++) {
        engine_run a = {.rtol = 1e-6, .n = 4096, .threads = 1}, b = {.rtol = 1e-6, .n = 4096, .threads = 2};
        PRC_TRY(engine_go(p, &a, err));
        PRC_TRY(engine_go(p, &b, err));
        one[r] = a.slowest, two[r] = b.slowest;
    }
    double x = median(one, (size_t)rounds), y = median(two, (size_t)rounds);
    row("knee-oa, 2 threads against 1 (busier thread)", 1e3 * y / 4096, "ms per patient", "1 thread", x / y);
    return PRC_OK;
}

static prc_status utilisation(const problem *p, prc_error *err)
{
    static const size_t n[] = {64, 256, 1024, 4096};
    char name[80];
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
        engine_run r = {.rtol = 1e-6, .n = n[i], .threads = 1};
        PRC_TRY(engine_go(p, &r, err));
        snprintf(name, sizeof name, "lane utilisation, %zu patients", n[i]);
        row(name, 100 * r.utilisation, "percent", NULL, (double)NAN);
    }
    return PRC_OK;
}

/* Runs in a child, so that its peak memory is its own: growth over what the parent had. */
static bool apart(const problem *p, size_t n, double *ms, double *megabytes)
{
    int pipes[2];
    double got[2] = {(double)NAN, (double)NAN};
    if (pipe(pipes)) return false;
    pid_t pid = fork();
    if (pid == 0) {
        engine_run r = {.rtol = 1e-6, .n = n, .threads = 1};
        prc_error err = {0};
        struct rusage use;
        if (engine_go(p, &r, &err)) _exit(1);
        getrusage(RUSAGE_SELF, &use);
        got[0] = 1e3 * r.seconds / (double)n, got[1] = (double)use.ru_maxrss / 1024;
        _exit(write(pipes[1], got, sizeof got) == (ssize_t)sizeof got ? 0 : 1);
    }
    close(pipes[1]);
    bool ok = pid > 0 && read(pipes[0], got, sizeof got) == (ssize_t)sizeof got;
    close(pipes[0]);
    if (pid > 0) waitpid(pid, NULL, 0);
    *ms = got[0], *megabytes = got[1];
    return ok;
}

static void patients(const problem *p, bool full)
{
    static const double size[] = {1e3, 1e4, 1e5, 1e6};
    size_t n = full ? 4 : 3;
    double ms[4][BENCH_ROUNDS], mb[4] = {0}, middle[4];
    int done[4] = {0};
    char name[80];
    /* Small runs are repeated more often; their rounds lie between the large ones. */
    for (int r = 0; r < BENCH_ROUNDS; r++)
        for (size_t i = 0; i < n; i++) {
            if ((i == 2 && r % 3) || (i == 3 && r)) continue;
            double m;
            if (apart(p, (size_t)size[i], &ms[i][done[i]], &m)) done[i]++, mb[i] = fmax(mb[i], m);
        }
    for (size_t i = 0; i < n; i++) {
        middle[i] = median(ms[i], (size_t)done[i]);
        snprintf(name, sizeof name, "knee-oa, %.0e patients", size[i]);
        row(name, middle[i], "ms per patient", i ? "1e3 patients" : NULL, i ? middle[0] / middle[i] : (double)NAN);
        snprintf(name, sizeof name, "knee-oa, %.0e patients: peak memory", size[i]);
        row(name, mb[i], "MB", i ? "1e3 patients" : NULL, i ? mb[i] / mb[0] : (double)NAN);
    }
}

static prc_status states(const problem *p, size_t n, prc_error *err)
{
    char name[80];
    for (size_t i = 0; i < n; i++) {
        double ms[BENCH_ROUNDS];
        engine_run r = {.rtol = 1e-6, .n = BENCH_N, .threads = 1};
        for (int k = 0; k < 3; k++) {
            PRC_TRY(engine_go(&p[i], &r, err));
            ms[k] = 1e3 * r.seconds / BENCH_N;
        }
        double steps = (double)(r.steps + r.rejected) / BENCH_N;
        snprintf(name, sizeof name, "%s: steps per patient at rtol 1e-6", p[i].name);
        row(name, steps, "steps", NULL, (double)NAN);
        snprintf(name, sizeof name, "%s: rejected steps per patient", p[i].name);
        row(name, (double)r.rejected / BENCH_N, "steps", NULL, (double)NAN);
        snprintf(name, sizeof name, "%s: time per step and state (%zu states)", p[i].name, p[i].p->n_state);
        row(name, 1e6 * median(ms, 3) / steps / (double)p[i].p->n_state, "ns", NULL, (double)NAN);
    }
    return PRC_OK;
}

/* ---- whole --------------------------------------------------------------------------------------------------- */

static bool wanted(const char *only, const char *part) { return !only || strstr(only, part); }

static prc_status run(const char *data, const char *folder, const char *peers, const char *only, bool full, bool single, int rounds, prc_error *err)
{
    static const char *const one[] = {"C1"}, *const three[] = {"a.C1", "b.C1", "c.C1"};
    problem p[3] = {{0}};
    char path[512];
    prc_status st;
    size_t n_model = single ? 1 : 3;
    PRC_GO(st, problem_knee(data, &p[0], err));
    snprintf(path, sizeof path, "%s/bench/models/joint.ant", data);
    if (!single) PRC_GO(st, problem_file(path, "joint", one, 1, &p[1], err));
    snprintf(path, sizeof path, "%s/bench/models/three-joints.ant", data);
    if (!single) PRC_GO(st, problem_file(path, "three-joints", three, 3, &p[2], err));
    printf("kernels: %s\n", prc_kernel_best()->name);
    if (wanted(only, "precision"))
        for (size_t i = 0; i < n_model; i++) PRC_GO(st, precision(&p[i], folder, peers, i == 0, rounds, err));
    if (wanted(only, "levels"))
        for (size_t i = 0; i < n_model; i += 2) PRC_GO(st, levels(&p[i], rounds, err));
    if (wanted(only, "threads")) PRC_GO(st, threads(&p[0], rounds, err));
    if (wanted(only, "utilisation")) PRC_GO(st, utilisation(&p[0], err));
    if (wanted(only, "states")) PRC_GO(st, states(p, n_model, err));
    if (wanted(only, "patients")) patients(&p[0], full);
out:
    for (int i = 0; i < 3; i++) problem_free(&p[i]);
    return st;
}

int main(int argc, char **argv)
{
    prc_error err = {0};
    const char *word[2] = {NULL, NULL}, *peers = NULL, *only = NULL;
    char path[512], *text = NULL;
    bool full = false, single = false;
    int n = 0, rounds = BENCH_ROUNDS;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--full")) full = true;
        else if (!strcmp(argv[i], "--knee")) single = true;
        else if (!strcmp(argv[i], "--quick")) rounds = 3;
        else if (!strcmp(argv[i], "--only") && i + 1 < argc) only = argv[++i];
        else if (!strcmp(argv[i], "--peers") && i + 1 < argc) peers = argv[++i];
        else if (n < 2) word[n++] = argv[i];
        else n = 3;
    }
    if (n != 2) {
        fprintf(stderr, "usage: bench DATA_DIR OUT_DIR [--peers DIR] [--only precision,levels,threads,utilisation,states,patients] [--full] [--knee] [--quick]\n");
        return 2;
    }
    rows = prc_json_array();
    prc_status st = run(word[0], word[1], peers, only, full, single, rounds, &err);
    if (!st) st = prc_json_text(rows, &text, &err);
    snprintf(path, sizeof path, "%s/bench.json", word[1]);
    if (!st) st = prc_file_write(path, text, strlen(text), &err);
    if (st) fprintf(stderr, "bench: %s\n", err.message);
    prc_free(text);
    prc_json_free(rows);
    return prc_status_exit(st);
}
