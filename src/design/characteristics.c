/* characteristics.c: replicate trials, and what they say of a design: error rate, power, bias, coverage. */
#include "design_int.h"

#include <math.h>
#include <string.h>

enum { MAX_REPLICATES = 1000000, MAX_SIZE = 1000000 };
#define MAX_ID 0x10000000u /* identities of one population */

void prc_design_defaults(prc_design_options *o)
{
    *o = (prc_design_options){.replicates = 1000, .alpha = 0.05};
}

/* The replicates of one population. */
typedef struct replication {
    const prc_plan *plan;
    const prc_design_options *o;
    prc_design_result *r;
    size_t population, n_scenario, n_run; /* n_run: (scenario, size) pairs: every size as simulated, then the size in the file under the null */
    const size_t *size;      /* of this population */
    size_t n_max;            /* patients of the largest trial */
    prc_pool *pool;
    size_t first, n_batch;   /* replicates first .. first + n_batch - 1 are run now */
    prc_record *record;      /* [replicate][run][analysis][arm] */
    prc_bench *bench;        /* [thread] */
    size_t n_bench;
    double *truth, n_truth;  /* [analysis][arm] sums over the pools, patients in them */
    size_t done;
    prc_error *err;
    prc_status why;
} replication;

/* ---- one replicate --------------------------------------------------------------------------------------------- */

/* Measures every patient that a scenario and size needs. */
static void observe(prc_enrolled *t, const prc_pool *p, size_t n, bool null, size_t reference, uint32_t replicate)
{
    for (size_t i = 0; i < t->n; i++) {
        t->course[i] = null ? reference : t->arm[i];
        if (t->rank[i] < n) t->left[i] = prc_observe(p, t->who[i], t->course[i], replicate, t->value + i * p->plan->n_cell);
    }
}

static prc_status one_replicate(void *ctx, size_t job, int thread)
{
    replication *q = ctx;
    const prc_plan *plan = q->plan;
    prc_bench *b = &q->bench[thread];
    prc_error why = {0};
    prc_status st = PRC_OK;
    size_t k = q->first + job, each = plan->n_analysis * q->r->n_arm, largest = q->n_max / q->r->n_arm;
    uint32_t replicate = (uint32_t)k + 1;
    prc_enrol(&b->trial, q->pool, q->n_max, q->r->fresh ? job : SIZE_MAX, replicate);
    size_t seen = SIZE_MAX; /* reference whose course everybody runs now; SIZE_MAX: his own arm's */
    observe(&b->trial, q->pool, largest, false, 0, replicate);
    for (size_t run = 0; st == PRC_OK && run < q->n_run; run++) {
        bool null = run == q->r->n_size;
        size_t n = null ? q->size[0] : q->size[run];
        for (size_t a = 0; st == PRC_OK && a < plan->n_analysis; a++) {
            size_t reference = (size_t)plan->analysis[a].endpoint->versus;
            if (null && seen != reference) observe(&b->trial, q->pool, n, true, seen = reference, replicate);
            st = prc_replicate_analyse(b, q->pool, &plan->analysis[a], n, q->record + (k * q->n_run + run) * each + a * q->r->n_arm, &why);
        }
    }
    size_t done = __atomic_add_fetch(&q->done, 1, __ATOMIC_RELAXED);
    if (st == PRC_OK && thread == 0) st = prc_design_tick(q->o->progress, "replicate trials", (double)done, (double)q->o->replicates, &why);
    if (st != PRC_OK && __atomic_exchange_n(&q->why, st, __ATOMIC_SEQ_CST) == PRC_OK && q->err) *q->err = why;
    return st;
}

static prc_status run_batch(replication *q, size_t n, prc_error *err)
{
    size_t threads = (size_t)(q->o->n_threads > 0 ? q->o->n_threads : prc_cpu_count());
    prc_status st = PRC_OK;
    q->n_batch = n;
    q->n_bench = threads < n ? threads : n;
    q->bench = prc_calloc(q->n_bench, sizeof *q->bench);
    if (!q->bench) return prc_design_memory(err);
    for (size_t k = 0; k < q->n_bench; k++)
        if (!prc_bench_init(&q->bench[k], q->pool, q->n_max)) PRC_GO(st, prc_design_memory(err));
    prc_pool_truth(q->pool, q->bench[0].trial.value, q->truth);
    q->n_truth += (double)q->pool->n;
    q->err = err;
    q->why = PRC_OK;
    st = prc_parallel(n, (int)q->n_bench, one_replicate, q);
    if (st != PRC_OK && q->why == PRC_OK) (void)prc_fail(err, st, "cannot start %zu threads: %s", q->n_bench, prc_status_text(st));
    q->first += n;
out:
    for (size_t k = 0; k < q->n_bench; k++) prc_bench_reset(&q->bench[k]);
    prc_free(q->bench);
    q->bench = NULL;
    return st;
}

/* ---- what they say ----------------------------------------------------------------------------------------------- */

static double rate_error(double p, double n)
{
    return sqrt(p * (1 - p) / n);
}

/* Sums in the order of the replicates: the same for any number of threads. */
static prc_oc reduce(const replication *q, size_t run, size_t analysis, size_t arm, double truth)
{
    size_t n = 0, covered = 0, rejected = 0, better = 0, each = q->plan->n_analysis * q->r->n_arm, R = q->o->replicates;
    double sum = 0, error = 0, people = 0, squares = 0;
    const prc_record *first = q->record + run * each + analysis * q->r->n_arm + arm;
    for (size_t k = 0; k < R; k++) {
        const prc_record *x = first + k * q->n_run * each;
        if (isnan(x->estimate)) continue;
        n++;
        sum += x->estimate;
        error += x->se;
        people += x->n;
        covered += x->lower <= truth && truth <= x->upper;
        rejected += x->p < q->o->alpha;
        better += x->p < q->o->alpha && x->estimate * q->plan->analysis[analysis].better > 0;
    }
    const double N = (double)n;
    prc_oc c = {.n_used = n, .truth = truth, .estimate = sum / N, .model_se = error / N, .coverage = (double)covered / N, .reject = (double)rejected / N, .better = (double)better / N, .analysed = people / N};
    for (size_t k = 0; k < R; k++) {
        double d = first[k * q->n_run * each].estimate - c.estimate;
        if (!isnan(d)) squares += d * d;
    }
    c.sd = sqrt(squares / (N - 1));
    c.bias = c.estimate - truth;
    c.estimate_se = c.bias_se = c.sd / sqrt(N);
    c.coverage_se = rate_error(c.coverage, N);
    c.reject_se = rate_error(c.reject, N);
    c.better_se = rate_error(c.better, N);
    return c;
}

static void summarise(replication *q)
{
    prc_design_result *r = q->r;
    size_t each = q->plan->n_analysis * r->n_arm;
    for (size_t run = 0; run < q->n_run; run++) {
        bool null = run == r->n_size;
        prc_scenario scenario = null ? PRC_SCENARIO_NULL : PRC_SCENARIO_ALTERNATIVE;
        for (size_t a = 0; a < q->plan->n_analysis; a++) {
            size_t to = q->population * q->plan->n_analysis + a, reference = (size_t)q->plan->analysis[a].endpoint->versus, any = 0, size = null ? 0 : run;
            const double *truth = q->truth + a * r->n_arm;
            for (size_t k = 0; k < r->n_arm; k++)
                if (k != reference) PRC_OC(r, scenario, size, to, k) = reduce(q, run, a, k, null ? 0 : (truth[k] - truth[reference]) / q->n_truth);
            for (size_t rep = 0; rep < q->o->replicates; rep++) {
                bool hit = false;
                for (size_t k = 0; k < r->n_arm; k++) hit = hit || q->record[(rep * q->n_run + run) * each + a * r->n_arm + k].p < q->o->alpha;
                any += hit;
            }
            double share = (double)any / (double)q->o->replicates;
            r->any[PRC_OC_ANY(r, scenario, size, to)] = share;
            r->any_se[PRC_OC_ANY(r, scenario, size, to)] = rate_error(share, (double)q->o->replicates);
        }
    }
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static prc_status run_population(replication *q, prc_error *err)
{
    prc_design_result *r = q->r;
    size_t R = q->o->replicates, each = q->plan->n_analysis * r->n_arm;
    uint32_t next = (uint32_t)q->population * MAX_ID, end = next + MAX_ID - 1;
    prc_status st = PRC_OK;
    q->record = prc_malloc(R * q->n_run * each, sizeof *q->record);
    q->truth = prc_calloc(each, sizeof *q->truth);
    if (!q->record || !q->truth) PRC_GO(st, prc_design_memory(err));
    while (q->first < R) {
        size_t left = R - q->first, n = r->pool;
        if (r->fresh) n = left * q->n_max < r->pool ? left * q->n_max : r->pool / q->n_max * q->n_max;
        if (n > end - next) PRC_GO(st, prc_fail(err, PRC_E_VALUE, "fresh patients for %zu replicates are more than there are identities\nmake the pool larger or the replicates fewer", R));
        double begin = prc_design_seconds();
        PRC_GO(st, prc_pool_create(q->plan, q->population, next, n, q->o->n_threads, q->o->progress, &q->pool, err));
        r->seconds_pool += prc_design_seconds() - begin;
        r->n_failed += q->pool->n_failed;
        next = q->pool->next_id;
        size_t trials = r->fresh ? q->pool->n / q->n_max : left;
        if (trials == 0 || q->pool->n < q->n_max) PRC_GO(st, prc_fail(err, PRC_E_FAILED_PATIENTS, "%zu of %zu patients of the pool failed: too few are left for a trial", q->pool->n_failed, n));
        PRC_GO(st, run_batch(q, trials < left ? trials : left, err));
        prc_pool_free(q->pool);
        q->pool = NULL;
    }
    summarise(q);
out:
    prc_pool_free(q->pool);
    prc_free(q->record);
    prc_free(q->truth);
    return st;
}

static prc_status check(const prc_trial_spec *s, const prc_design_options *o, prc_error *err)
{
    if (o->replicates < 2 || o->replicates > MAX_REPLICATES) return prc_fail(err, PRC_E_VALUE, "%zu replicates: choose 2 to %d", o->replicates, MAX_REPLICATES);
    if (!(o->alpha > 0 && o->alpha < 1)) return prc_fail(err, PRC_E_VALUE, "alpha is %g: it lies between 0 and 1, usually 0.05", o->alpha);
    if (s->arms->n < 2) return prc_fail(err, PRC_E_VALUE, "a trial with one arm compares nothing: it has no power");
    if (s->rules.rescue.exists || s->rules.stop.exists)
        return prc_fail_at(err, PRC_E_UNSUPPORTED, s->path, 0, 0, "power of a trial with `%s` is not supported yet; remove the rule to see the power without it", s->rules.rescue.exists ? "rescue" : "stop");
    for (size_t k = 0; k < o->n_size; k++)
        if (o->size[k] < 2 || o->size[k] > MAX_SIZE) return prc_fail(err, PRC_E_VALUE, "%zu patients per arm: choose 2 to %d", o->size[k], MAX_SIZE);
    for (size_t p = 0; p < s->n_population; p++)
        if (s->population[p].size_per_arm < 2) return prc_fail(err, PRC_E_VALUE, "%zu patients per arm: choose 2 to %d", s->population[p].size_per_arm, MAX_SIZE);
    return PRC_OK;
}

/* Which way patients are drawn. No key of a trial file makes what is given depend on what is observed: only the size decides. */
static void choose_pool(prc_design_result *r, const prc_design_options *o, size_t largest)
{
    size_t wanted = PRC_POOL_SHARE * largest;
    r->pool = o->pool ? o->pool : wanted > PRC_POOL_SIZE ? wanted : PRC_POOL_SIZE;
    r->fresh = r->pool < wanted;
    if (r->fresh && r->pool < largest) r->pool = largest;
    r->rule = r->fresh ? prc_arena_printf(r->arena, "fresh patients for every replicate: a pool of %zu is less than %d times the largest trial of %zu", o->pool, PRC_POOL_SHARE, largest)
                       : prc_arena_printf(r->arena, "drawn without replacement from a pool of %zu patients: nothing that is given depends on what is observed, and the largest trial of %zu takes at most 1/%d of it",
                                          r->pool, largest, PRC_POOL_SHARE);
}

static prc_status result_create(const prc_trial_spec *s, const prc_design_options *o, const prc_plan *plan, prc_design_result **out, prc_error *err)
{
    prc_design_result *r = prc_calloc(1, sizeof *r);
    if (!r) return prc_design_memory(err);
    *r = (prc_design_result){.arena = prc_arena_create(), .spec = s, .n_arm = s->arms->n, .n_analysis = s->n_population * plan->n_analysis, .n_size = 1 + o->n_size, .replicates = o->replicates,
                             .alpha = o->alpha, .n_left_out = plan->n_left_out};
    if (r->arena) {
        size_t cells = PRC_SCENARIO_COUNT * r->n_size * r->n_analysis, largest = 0;
        r->analysis = prc_arena_alloc(r->arena, r->n_analysis, sizeof *r->analysis);
        r->size = prc_arena_alloc(r->arena, s->n_population * r->n_size, sizeof *r->size);
        r->oc = prc_arena_alloc(r->arena, cells * r->n_arm, sizeof *r->oc);
        r->any = prc_arena_alloc(r->arena, cells, sizeof *r->any);
        r->any_se = prc_arena_alloc(r->arena, cells, sizeof *r->any_se);
        for (size_t p = 0; r->size && p < s->n_population; p++)
            for (size_t k = 0; k < r->n_size; k++) {
                size_t n = k ? o->size[k - 1] : s->population[p].size_per_arm;
                r->size[p * r->n_size + k] = n;
                if (n * r->n_arm > largest) largest = n * r->n_arm;
            }
        choose_pool(r, o, largest);
        for (size_t k = 0; r->analysis && k < r->n_analysis; k++)
            r->analysis[k] = (prc_design_analysis){k / plan->n_analysis, plan->analysis[k % plan->n_analysis].endpoint, plan->analysis[k % plan->n_analysis].method};
        for (size_t k = 0; r->any && r->any_se && k < cells; k++) r->any[k] = r->any_se[k] = (double)NAN;
    }
    if (r->arena && r->analysis && r->size && r->oc && r->any && r->any_se && r->rule) {
        *out = r;
        return PRC_OK;
    }
    prc_design_free(r);
    return prc_design_memory(err);
}

prc_status prc_design_run(const prc_trial_spec *s, const prc_design_options *o, prc_design_result **out, prc_error *err)
{
    prc_engine *e = NULL;
    prc_plan *plan = NULL;
    prc_design_result *r = NULL;
    double begin = prc_design_seconds();
    prc_status st;
    PRC_GO(st, check(s, o, err));
    PRC_GO(st, prc_engine_create(s->condition, &e, err));
    PRC_GO(st, prc_plan_create(s, e, o->mmrm, o->alpha, o->n_threads, &plan, err));
    PRC_GO(st, result_create(s, o, plan, &r, err));
    for (size_t p = 0; p < s->n_population; p++) {
        replication q = {.plan = plan, .o = o, .r = r, .population = p, .n_run = r->n_size + !o->no_null, .size = r->size + p * r->n_size};
        for (size_t k = 0; k < r->n_size; k++)
            if (q.size[k] * r->n_arm > q.n_max) q.n_max = q.size[k] * r->n_arm;
        PRC_GO(st, run_population(&q, err));
    }
    for (size_t k = 0; k < r->n_analysis; k++) /* the plan goes, the endpoints stay */
        r->analysis[k].endpoint = plan->analysis[k % plan->n_analysis].endpoint;
    r->seconds_total = prc_design_seconds() - begin;
out:
    prc_plan_free(plan);
    prc_engine_free(e);
    if (st == PRC_OK) *out = r;
    else prc_design_free(r);
    return st;
}

void prc_design_free(prc_design_result *r)
{
    if (!r) return;
    prc_arena_free(r->arena);
    prc_free(r);
}

/* ---- as a table -------------------------------------------------------------------------------------------------- */

static void cell(FILE *f, double x, char after)
{
    char buf[32];
    if (isfinite(x)) fputs(prc_format_double(x, buf), f);
    putc(after, f);
}

void prc_design_csv(const prc_design_result *r, FILE *f)
{
    const prc_trial_spec *s = r->spec;
    fputs("POP,ENDPOINT,METHOD,SCENARIO,N,ARM,REPLICATES,TRUE,ESTIMATE,BIAS,BIASSE,EMPSD,MODELSE,COVERAGE,COVERSE,REJECT,REJECTSE,BETTER,BETTERSE,ANALYSED\n", f);
    for (size_t scenario = 0; scenario < PRC_SCENARIO_COUNT; scenario++)
        for (size_t k = 0; k < r->n_size; k++)
            for (size_t a = 0; a < r->n_analysis; a++)
                for (size_t arm = 0; arm < r->n_arm; arm++) {
                    const prc_oc *c = &PRC_OC(r, scenario, k, a, arm);
                    const prc_design_analysis *x = &r->analysis[a];
                    const double value[] = {c->truth, c->estimate, c->bias, c->bias_se, c->sd, c->model_se, c->coverage, c->coverage_se, c->reject, c->reject_se, c->better, c->better_se, c->analysed};
                    if (c->n_used == 0) continue;
                    prc_csv_cell(f, s->population[x->population].name);
                    putc(',', f);
                    prc_csv_cell(f, x->endpoint->name);
                    fprintf(f, ",%s,%s,%zu,", prc_design_method_name(x->method), prc_scenario_name((prc_scenario)scenario), r->size[x->population * r->n_size + k]);
                    prc_csv_cell(f, s->arms->arm[arm].name);
                    fprintf(f, ",%zu,", c->n_used);
                    for (size_t j = 0; j < sizeof value / sizeof *value; j++) cell(f, value[j], j + 1 < sizeof value / sizeof *value ? ',' : '\n');
                }
}
