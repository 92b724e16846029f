/* What the command does with the terminal: printing, the progress bar, Ctrl-C. */
#include "cli_int.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int sig) {
    (void)sig;
    interrupted = 1;
}

bool cli_interrupted(void) {
    return interrupted != 0;
}

void cli_catch_signals(void) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = (int)SA_RESETHAND; /* a second Ctrl-C ends the process at once */
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    a.sa_handler = SIG_IGN;
    a.sa_flags = 0;
    sigaction(SIGPIPE, &a, NULL);
    sigaction(SIGXFSZ, &a, NULL); /* a full disk is an error with a message, not a signal */
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool tick(void *ctx, const char *stage, double done, double total) {
    cli_progress *p = ctx;
    if (interrupted) return false;
    if (p->quiet) return true;
    double t = now();
    if (strncmp(stage, p->stage, sizeof p->stage - 1) != 0) {
        snprintf(p->stage, sizeof p->stage, "%s", stage);
        p->stage_started = t;
    }
    if (t - p->started < 1 || t - p->drawn < 0.1) return true;
    p->drawn = t;
    p->shown = true;
    double share = total > 0 ? fmin(1, fmax(0, done / total)) : 0;
    char bar[31];
    int filled = (int)(share * 30);
    for (int i = 0; i < 30; i++) bar[i] = i < filled ? '#' : '.';
    bar[30] = 0;
    double left = share > 0.02 ? (t - p->stage_started) * (1 - share) / share : (double)NAN;
    if (isnan(left)) fprintf(stderr, "\r\033[K%-32.32s [%s] %3.0f %%", stage, bar, 100 * share);
    else fprintf(stderr, "\r\033[K%-32.32s [%s] %3.0f %%  %.0f s left", stage, bar, 100 * share, ceil(left));
    fflush(stderr);
    return true;
}

void cli_progress_start(cli_progress *p, bool quiet) {
    memset(p, 0, sizeof *p);
    p->progress.tick = tick;
    p->progress.ctx = p;
    p->quiet = quiet || !isatty(2);
    p->started = p->stage_started = now();
}

void cli_progress_end(cli_progress *p) {
    if (p->shown) fprintf(stderr, "\r\033[K");
    p->shown = false;
}

prc_status cli_print(prc_text *t, prc_error *err) {
    prc_status st = PRC_OK;
    if (t->failed) st = prc_fail(err, PRC_E_MEMORY, "out of memory");
    else if (t->n && (fwrite(t->s, 1, t->n, stdout) != t->n || fflush(stdout)) && errno != EPIPE) /* a reader that has seen enough is no error */
        st = prc_fail(err, PRC_E_IO, "cannot write to standard output");
    prc_text_reset(t);
    return st;
}

prc_status cli_print_json(char *json, prc_error *err) {
    prc_text t = {0};
    prc_text_add(&t, json);
    prc_text_add(&t, "\n");
    prc_free(json);
    return cli_print(&t, err);
}
