/* trajectories.c: quantiles of every observable over time, in each arm's own patients, free of noise. */
#include "trial_int.h"

#include <math.h>

static void write_row(const prc_trial_result *r, size_t p, size_t a, size_t o, size_t k, FILE *f)
{
    const prc_trajectory *t = prc_trajectory_at(r, p, a, o, k);
    const double q[] = {t->p05, t->p25, t->p50, t->p75, t->p95};
    char buf[32];
    prc_csv_cell(f, r->spec->population[p].name);
    putc(',', f);
    prc_csv_cell(f, r->spec->arms->arm[a].name);
    putc(',', f);
    prc_csv_cell(f, r->spec->condition->observable[o].name);
    fprintf(f, ",%s,%zu", prc_format_double(r->population[p].time[k], buf), t->n);
    for (size_t i = 0; i < sizeof q / sizeof *q; i++) fprintf(f, ",%s", isnan(q[i]) ? "" : prc_format_double(q[i], buf));
    putc('\n', f);
}

prc_status prc_trial_trajectories(const prc_trial_result *r, prc_outdir *dir, prc_error *err)
{
    const prc_condition *c = r->spec->condition;
    prc_error why = {0};
    FILE *f = prc_outdir_open(dir, "trajectories.csv", &why);
    if (!f) {
        if (err) *err = why;
        return why.status ? why.status : PRC_E_IO;
    }
    fputs("POP,ARM,OBSERVABLE,TIME,N,P05,P25,P50,P75,P95\n", f);
    for (size_t p = 0; p < r->spec->n_population; p++)
        for (size_t a = 0; a < r->spec->arms->n; a++)
            for (size_t o = 0; o < c->n_observable; o++)
                for (size_t k = 0; c->observable[o].kind != PRC_OB_EVENT && k < r->population[p].n_time; k++) write_row(r, p, a, o, k, f);
    return PRC_OK;
}
