/* screen.c: finds eligible patients among candidates, by what a trial would measure at screening. */
#include "trial_int.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 256, CHUNK_MAX = 1024, HOPELESS = 2000 };

/* Screening in progress. */
typedef struct screening {
    const prc_engine *e;
    const prc_world *w;
    const prc_eligibility *el;
    uint64_t seed;
    uint32_t replicate;
    const int *stratify;
    size_t n_stratify;
    prc_population_run *run; /* id and stratum: of those eligible so far */
    size_t n_found, n_wanted;
} screening;

double prc_screening_value(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate, const prc_cohort *c, size_t i, size_t o)
{
    const prc_observable *ob = &e->condition->observable[o];
    double truth = c->baseline[i * c->n_observable + o];
    if (!prc_is_measured(ob)) return truth;
    return prc_measure(e->condition, w, ob, seed, replicate, c->id[i], PRC_SCREENING_DAY, truth, NULL, false, 0);
}

/* Categories of the stratifying covariates as one number; a value that is no category counts as one more. */
static uint32_t stratum_of(const screening *s, const prc_cohort *c, size_t i)
{
    uint32_t number = 0;
    for (size_t k = 0; k < s->n_stratify; k++) {
        const prc_covariate *v = &s->e->condition->covariate[s->stratify[k]];
        size_t m = 0;
        while (m < v->n_category && v->code[m] != c->covariate[i * c->n_covariate + (size_t)s->stratify[k]]) m++;
        number = number * (uint32_t)(v->n_category + 1) + (uint32_t)m;
    }
    return number;
}

static bool meets(const prc_criterion *k, double x)
{
    if (isnan(x)) return false;
    for (size_t i = 0; i < k->n_set; i++)
        if (k->set[i] == x) return true;
    return k->n_set == 0 && !(x < k->min) && !(x > k->max);
}

/* Checks one candidate against every criterion, so that the counts say what each of them excludes. */
static void screen_candidate(screening *s, const prc_cohort *c, size_t i)
{
    bool good = true;
    s->run->n_screened++;
    if (prc_outcome_failed(c->outcome[i])) {
        size_t known = s->run->n_run_in_failed++;
        if (known < sizeof s->run->run_in_failed / sizeof *s->run->run_in_failed) s->run->run_in_failed[known] = c->id[i];
        return;
    }
    for (size_t k = 0; s->el && k < s->el->n; k++) {
        const prc_criterion *cr = &s->el->criterion[k];
        double x = cr->covariate >= 0 ? c->covariate[i * c->n_covariate + (size_t)cr->covariate] : prc_screening_value(s->e, s->w, s->seed, s->replicate, c, i, (size_t)cr->observable);
        if (meets(cr, x)) continue;
        s->run->criterion_failed[k]++;
        good = false;
    }
    if (!good) {
        s->run->n_not_eligible++;
        return;
    }
    s->run->stratum[s->n_found] = stratum_of(s, c, i);
    s->run->id[s->n_found++] = c->id[i];
}

static prc_status nobody(const screening *s, prc_error *err)
{
    prc_text list = {0};
    size_t n = s->run->n_screened;
    for (size_t k = 0; s->el && k < s->el->n; k++)
        prc_text_printf(&list, "\n  %s keeps %.3g %% of them", s->el->criterion[k].name, 100 * (1 - (double)s->run->criterion_failed[k] / (double)n));
    if (s->run->n_run_in_failed) prc_text_printf(&list, "\n  %zu had no baseline: their run-in failed", s->run->n_run_in_failed);
    prc_status st = prc_fail(err, PRC_E_VALUE, "%zu of %zu candidates are eligible, fewer than 1 in %d; widen `include`%.600s", s->n_found, n, HOPELESS, list.s ? list.s : "");
    prc_text_reset(&list);
    return st;
}

/* Candidates first, first + 1, ... until enough are found. How many are drawn at once changes nothing. */
static prc_status search(screening *s, uint32_t first, int n_threads, const prc_progress *progress, prc_error *err)
{
    prc_status st = PRC_OK;
    size_t chunk = s->n_wanted < CHUNK ? CHUNK : s->n_wanted > CHUNK_MAX ? CHUNK_MAX : s->n_wanted;
    uint32_t *id = prc_malloc(chunk, sizeof *id);
    prc_cohort *c = NULL;
    if (!id) return prc_fail(err, PRC_E_MEMORY, "out of memory for %zu candidates", chunk);
    for (size_t next = 0; s->n_found < s->n_wanted;) {
        if (next + chunk >= PRC_POPULATION_IDS || (next >= 2 * HOPELESS && s->n_found * HOPELESS < next)) {
            st = nobody(s, err);
            goto out;
        }
        for (size_t i = 0; i < chunk; i++) id[i] = first + (uint32_t)(next + i);
        PRC_GO(st, prc_cohort_draw(s->e, s->w, s->seed, s->replicate, id, chunk, n_threads, &c, err));
        for (size_t i = 0; i < chunk && s->n_found < s->n_wanted; i++) screen_candidate(s, c, i);
        prc_cohort_free(c);
        c = NULL;
        next += chunk;
        PRC_GO(st, prc_trial_tick(progress, "screening", (double)s->n_found, (double)s->n_wanted, err));
    }
out:
    prc_cohort_free(c);
    prc_free(id);
    return st;
}

prc_status prc_screen_ids(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate, uint32_t first_id, const prc_eligibility *el,
                          const int *stratify, size_t n_stratify, size_t n, int n_threads, const prc_progress *progress, prc_population_run *out, prc_error *err)
{
    prc_status st;
    prc_population_run run = {.n = n};
    screening s = {e, w, el, seed, replicate, stratify, n_stratify, &run, 0, n};
    run.criterion_failed = prc_calloc((el ? el->n : 0) + 1, sizeof *run.criterion_failed);
    run.id = prc_malloc(n + 1, sizeof *run.id);
    run.stratum = prc_malloc(n + 1, sizeof *run.stratum);
    if (!run.criterion_failed || !run.id || !run.stratum) st = prc_fail(err, PRC_E_MEMORY, "out of memory for the screening of %zu patients", n);
    else st = search(&s, first_id, n_threads, progress, err);
    if (st == PRC_OK) {
        *out = run;
        return st;
    }
    prc_free(run.criterion_failed);
    prc_free(run.id);
    prc_free(run.stratum);
    return st;
}

prc_status prc_screen(const prc_engine *e, const prc_world *w, uint64_t seed, uint32_t replicate, uint32_t first_id, const prc_eligibility *el, size_t n,
                      int n_threads, const prc_progress *progress, prc_population_run *out, prc_error *err)
{
    prc_population_run run = {0};
    size_t width = e->condition->n_observable;
    PRC_TRY(prc_screen_ids(e, w, seed, replicate, first_id, el, NULL, 0, n, n_threads, progress, &run, err));
    /* The eligible are drawn once more, together: the same identities give the same patients. */
    prc_status st = prc_cohort_draw(e, w, seed, replicate, run.id, n, n_threads, &run.cohort, err);
    run.screening = prc_malloc(n * width + 1, sizeof *run.screening);
    if (st == PRC_OK && !run.screening) st = prc_fail(err, PRC_E_MEMORY, "out of memory for the screening of %zu patients", n);
    for (size_t i = 0; st == PRC_OK && i < n; i++)
        for (size_t o = 0; o < width; o++) run.screening[i * width + o] = prc_screening_value(e, w, seed, replicate, run.cohort, i, o);
    prc_free(run.id);
    prc_free(run.stratum);
    run.id = run.stratum = NULL;
    if (st == PRC_OK) {
        *out = run;
        return st;
    }
    prc_cohort_free(run.cohort);
    prc_free(run.criterion_failed);
    prc_free(run.screening);
    return st;
}
