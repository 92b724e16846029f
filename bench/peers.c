/* peers.c: CVODE in a shared object, deSolve in an R process that is told one tolerance after the other. */
#include "bench.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef double solve_fn(const prc_job *, size_t, const double *, const double *, const double *, double, double *);

struct peer {
    const problem *p;
    double *q, *start;
    void *library; /* CVODE */
    solve_fn *solve;
    FILE *to, *from; /* R */
    pid_t pid;
    char result[512];
};

/* Terms and states at the start of the first patients; doses at the start given. */
static peer *patients(const problem *p)
{
    size_t n_q = export_terms(p->p), n = p->p->n_state;
    peer *q = prc_calloc(1, sizeof *q);
    if (!q) return NULL;
    q->p = p;
    q->q = prc_calloc(BENCH_ERROR_N * n_q, sizeof *q->q);
    q->start = prc_calloc(BENCH_ERROR_N * n, sizeof *q->start);
    if (!q->q || !q->start) {
        peer_free(q);
        return NULL;
    }
    for (size_t i = 0; i < BENCH_ERROR_N; i++) {
        export_evaluate(p->p, p->job[i].param, q->q + i * n_q);
        /* The reference holds the states at the first output, which is the start. */
        memcpy(q->start + i * n, p->exact + i * p->n_time * n, n * sizeof *q->start);
    }
    return q;
}

static bool shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool shell(const char *format, ...)
{
    char line[4096];
    va_list a;
    va_start(a, format);
    int n = vsnprintf(line, sizeof line, format, a);
    va_end(a);
    return n > 0 && (size_t)n < sizeof line && system(line) == 0;
}

peer *peer_cvode(const problem *p, const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.h", dir, p->name);
    if (!export_model(p->p, path)) return NULL;
    const char *lib = "sundials_cvode sundials_nvecserial sundials_sunlinsoldense sundials_sunmatrixdense sundials_sunnonlinsolnewton sundials_generic";
    if (!shell("cd '%s' && test -f cvode/lib/libsundials_cvode.a && set -- && for l in %s; do set -- \"$@\" cvode/lib/lib$l.a; done && "
               "cc -w -O3 -march=native -fno-math-errno -fPIC -shared -DMODEL_H='\"%s.h\"' -I. -Icvode/include -I'" BENCH_SOURCE "/include' "
               "'" BENCH_SOURCE "/bench/peers/cvode_peer.c' \"$@\" \"$@\" -lm -o cvode-%s.so 2>cvode-%s.log",
               dir, lib, p->name, p->name, p->name))
        return NULL;
    peer *q = patients(p);
    if (!q) return NULL;
    snprintf(path, sizeof path, "%s/cvode-%s.so", dir, p->name);
    char *full = realpath(path, NULL);
    q->library = full ? dlopen(full, RTLD_NOW | RTLD_LOCAL) : NULL;
    free(full);
    void *symbol = q->library ? dlsym(q->library, "peer_solve") : NULL;
    memcpy(&q->solve, &symbol, sizeof symbol);
    if (q->solve) return q;
    peer_free(q);
    return NULL;
}

static bool write_patients(const peer *q, const char *path)
{
    const problem *p = q->p;
    size_t n_q = export_terms(p->p), n = p->p->n_state, n_dose = 0;
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    for (size_t i = 0; i < BENCH_ERROR_N; i++)
        if (p->job[i].n_dose > n_dose) n_dose = p->job[i].n_dose;
    int32_t head[5] = {BENCH_ERROR_N, (int32_t)n, (int32_t)n_q, (int32_t)p->n_time, (int32_t)n_dose};
    fwrite(head, sizeof *head, 5, f);
    fwrite(p->time, sizeof(double), p->n_time, f);
    fwrite(p->scale, sizeof(double), n, f);
    for (size_t i = 0; i < BENCH_ERROR_N; i++) {
        fwrite(q->start + i * n, sizeof(double), n, f);
        fwrite(q->q + i * n_q, sizeof(double), n_q, f);
        for (size_t d = 0; d < n_dose; d++) {
            const prc_dose_event *e = d < p->job[i].n_dose ? &p->job[i].dose[d] : NULL;
            bool later = e && e->state >= 0 && e->time > p->job[i].t0;
            double x[3] = {later ? e->state + 1 : 0, later ? e->time : 0, later ? e->amount : 0};
            fwrite(x, sizeof *x, 3, f);
        }
    }
    return fclose(f) == 0;
}

static bool start_r(peer *q, const char *script, const char *library, const char *data, const char *mode)
{
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC)) return false;
    q->pid = fork();
    if (q->pid == 0) {
        dup2(down[0], 0);
        dup2(up[1], 1);
        execlp("Rscript", "Rscript", "--vanilla", script, library, data, q->result, mode, (char *)NULL);
        _exit(127);
    }
    close(down[0]);
    close(up[1]);
    q->to = fdopen(down[1], "w");
    q->from = fdopen(up[0], "r");
    return q->pid > 0 && q->to && q->from;
}

peer *peer_desolve(const problem *p, const char *dir, bool analytic)
{
    char header[512], library[512], data[512], script[512];
    const char *mode = analytic ? "analytic" : "internal";
    snprintf(header, sizeof header, "%s/%s.h", dir, p->name);
    snprintf(library, sizeof library, "%s/desolve_%s.so", dir, mode);
    snprintf(data, sizeof data, "%s/%s.bin", dir, p->name);
    snprintf(script, sizeof script, BENCH_SOURCE "/bench/peers/desolve.R");
    if (!shell("Rscript --vanilla -e 'library(deSolve)' >/dev/null 2>&1") || !export_model(p->p, header)) return NULL;
    if (!shell("cd '%s' && cp '" BENCH_SOURCE "/bench/peers/desolve_peer.c' desolve_%s.c && MAKEFLAGS='CFLAGS=-O3\\ -march=native\\ -fno-math-errno' "
               "PKG_CPPFLAGS='-DMODEL_H=\\\"%s.h\\\"' R CMD SHLIB desolve_%s.c >desolve.log 2>&1", dir, mode, p->name, mode))
        return NULL;
    peer *q = patients(p);
    if (!q) return NULL;
    snprintf(q->result, sizeof q->result, "%s/desolve_%s.out", dir, mode);
    if (write_patients(q, data) && start_r(q, script, library, data, mode)) return q;
    peer_free(q);
    return NULL;
}

double peer_go(peer *q, double rtol, double *out)
{
    const problem *p = q->p;
    size_t n = BENCH_ERROR_N * p->n_time * p->p->n_state;
    if (q->solve) {
        double s = q->solve(p->job, BENCH_ERROR_N, q->q, q->start, p->scale, rtol, out);
        return s < 0 ? (double)NAN : s;
    }
    char line[64];
    double seconds;
    fprintf(q->to, "%.17g\n", rtol);
    fflush(q->to);
    if (!fgets(line, sizeof line, q->from) || sscanf(line, "%lf", &seconds) != 1) return (double)NAN;
    FILE *f = fopen(q->result, "rb");
    if (!f) return (double)NAN;
    size_t got = fread(out, sizeof *out, n, f);
    fclose(f);
    return got == n ? seconds : (double)NAN;
}

void peer_free(peer *q)
{
    if (!q) return;
    if (q->to) fclose(q->to);
    if (q->from) fclose(q->from);
    if (q->pid > 0) waitpid(q->pid, NULL, 0);
    if (q->library) dlclose(q->library);
    prc_free(q->q);
    prc_free(q->start);
    prc_free(q);
}
