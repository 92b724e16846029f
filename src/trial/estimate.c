/* estimate.c: what a run will take, from its sizes and a short probe. */
#include "trial_int.h"

#include <math.h>
#include <sys/resource.h>
#include <time.h>

/* Patients of each population in the probe. */
enum { PROBE = 192 };

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Memory for the courses of a chunk and for the values from which quantiles come, together. */
#define BUDGET 24e6
/* Patients of a chunk: enough to fill the lanes, few enough that a thousand patients take what a million take. */
enum { CHUNK_MIN = 64, CHUNK_MAX = 512 };
/* Tables, page and evidence after the run. */
#define REPORT_BYTES 4e6
/* Of one patient while the analyses run: the design of an ANCOVA and its factors. */
#define ANALYSIS_BYTES 200.0
/* What the pages of counts of one observable at one time take at most in practice. */
#define BYTES_PER_SET 4200.0

static double population_size(const prc_trial_spec *s, size_t p)
{
    return (double)s->population[p].size_per_arm * (double)s->arms->n;
}

/* Values of one population from which quantiles are taken: numbers up to a size, counts beyond. */
static double quantile_bytes(const prc_trial_spec *s, size_t n_time, size_t p)
{
    double sets = (double)s->arms->n * (double)s->condition->n_observable * (double)n_time, each = 16;
    while (each < (double)s->population[p].size_per_arm) each *= 2;
    return sets * fmin(each * 8, BYTES_PER_SET);
}

/* One patient of a chunk: courses under every arm, scores, states, parameters. */
static double chunk_bytes(const prc_trial_spec *s, size_t n_time)
{
    double observables = (double)s->condition->n_observable, arms = (double)s->arms->n;
    return 8 * (arms * ((double)n_time + 1) * observables + (double)s->n_visit * observables +
                2 * (double)(s->condition->model->n_state + s->condition->model->n_param + s->condition->n_covariate + s->condition->n_observable));
}

size_t prc_trial_chunk(const prc_trial_spec *s, const prc_trial_options *o, size_t n_time, size_t population)
{
    size_t all = (size_t)population_size(s, population), n;
    if (o->keep) return all;
    if (o->chunk > 0) return o->chunk;
    n = (size_t)(fmax(BUDGET - quantile_bytes(s, n_time, population), BUDGET / 4) / chunk_bytes(s, n_time)) / 64 * 64;
    return n < CHUNK_MIN ? CHUNK_MIN : n > CHUNK_MAX ? CHUNK_MAX : n;
}

double prc_trial_bytes_per_patient(const prc_trial_spec *s, const prc_trial_options *o, size_t n_time)
{
    (void)o;
    (void)n_time;
    size_t columns = 0;
    for (size_t k = 0; k < s->n_endpoint; k++) {
        unsigned a = s->endpoint[k].analyses;
        columns += (a & (1u << PRC_AN_ANCOVA | 1u << PRC_AN_RESPONDER) ? 2u : 0u) + (a & (1u << PRC_AN_DURATION) ? 1u : 0u) +
                   (a & (1u << PRC_AN_KAPLAN_MEIER | 1u << PRC_AN_LOGRANK) ? 1u : 0u) + s->endpoint[k].n_covariate;
    }
    return (double)sizeof(prc_subject) + 8 + 8 * (double)(columns + s->n_subgroup);
}

double prc_trial_bytes(const prc_trial_spec *s, const prc_trial_options *o, size_t n_time)
{
    double patients = 0, most = 0;
    for (size_t p = 0; p < s->n_population; p++) {
        double n = population_size(s, p);
        patients += n;
        most = fmax(most, quantile_bytes(s, n_time, p) + fmin(n, (double)prc_trial_chunk(s, o, n_time, p)) * chunk_bytes(s, n_time));
    }
    return patients * prc_trial_bytes_per_patient(s, o, n_time) + fmax(most, patients * ANALYSIS_BYTES);
}

/* The same trial with few patients, borrowing everything. */
static prc_status probe_create(const prc_trial_spec *s, prc_trial_spec *probe, prc_error *err)
{
    *probe = *s;
    probe->population = prc_calloc(s->n_population, sizeof *probe->population);
    if (!probe->population) return prc_fail(err, PRC_E_MEMORY, "out of memory for the estimate");
    for (size_t p = 0; p < s->n_population; p++) {
        size_t few = (PROBE + s->arms->n - 1) / s->arms->n;
        probe->population[p] = s->population[p];
        if (probe->population[p].size_per_arm > few) probe->population[p].size_per_arm = few;
    }
    return PRC_OK;
}

static double all_patients(const prc_trial_spec *s)
{
    double n = 0;
    for (size_t p = 0; p < s->n_population; p++) n += population_size(s, p);
    return n;
}

/* What the program has taken at most so far. */
static double peak_bytes(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? (double)u.ru_maxrss * 1024 : 0;
}

prc_status prc_trial_estimate(const prc_trial_spec *s, const prc_trial_options *o, prc_trial_cost *out, prc_error *err)
{
    prc_status st;
    prc_trial_spec probe = {0};
    prc_trial_options quiet = *o;
    prc_trial_result *r = NULL;
    prc_engine *e = NULL;
    double *time = NULL, begin = seconds_now();
    size_t n_time = 0;
    quiet.dir = NULL;
    quiet.progress = NULL;
    PRC_GO(st, prc_trial_times(s, &time, &n_time, err));
    PRC_GO(st, prc_trial_engine(s->condition, &s->rules, &e, err));
    double start = seconds_now() - begin;
    PRC_GO(st, probe_create(s, &probe, err));
    begin = seconds_now();
    st = prc_trial_run(&probe, &quiet, &r, err);
    if (st == PRC_E_FAILED_PATIENTS && r) st = PRC_OK;
    PRC_GO(st, st);
    out->seconds_per_patient = fmax(0, seconds_now() - begin - start) / all_patients(&probe);
    out->seconds = start + out->seconds_per_patient * all_patients(s);
    out->bytes = peak_bytes() + REPORT_BYTES + prc_trial_bytes(s, o, n_time) - prc_trial_bytes(&probe, o, n_time);
out:
    prc_trial_result_free(r);
    prc_free(probe.population);
    prc_engine_free(e);
    prc_free(time);
    return st;
}
