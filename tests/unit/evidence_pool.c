/* The pooled record on a small record made here: estimates against closed forms and metafor 3.8-1, who is left out and why. */
#include "../tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paracrine/evidence.h"

static const char STUDIES[] =
    "id,condition,title,design,n,blinding,risk_of_bias,source_kind,identifier,how_read,quality_note\n"
    "a,toy,A,RCT,40,blinded,low,paper,PMC1,abstract,\n"
    "b,toy,B,RCT,60,placebo-controlled,low,paper,PMC2,abstract,no overlap with a\n"
    "c,toy,C,controlled trial,30,open,high,registry,NCT3,record,\n"
    "a2,toy,A again,RCT,40,blinded,low,paper,PMC1,abstract,\n"
    "shared,toy,S,cohort,20,open,high,paper,PMC4,abstract,overlapping patients with c\n"
    "meta,toy,M,meta-analysis,500,mixed,unknown,paper,PMC5,abstract,\n"
    "vendor,toy,V,RCT,40,blinded,unknown,vendor summary,PMC6,page,\n"
    "rev,toy,R,review,-,unknown,unknown,paper,PMC7,abstract,\n"
    "p1,toy,P1,cohort,16,open,high,paper,PMC8,abstract,\n"
    "p2,toy,P2,cohort,25,unknown,high,paper,PMC9,abstract,\n"
    "x1,bare,X1,cohort,25,unknown,high,paper,PMC10,abstract,\n"
    "x2,bare,X2,meta-analysis,25,unknown,high,paper,PMC11,abstract,\n";
static const char ARMS[] = "id,study,label,n,product,donor,origin,separation,characteristics,site,dose_cells,route,timing,comparator\n"
    "a-msc,a,cells,20,msc,-,-,-,-,-,-,-,-,placebo\n"
    "p2-sal,p2,saline,20,saline,-,-,-,-,-,-,-,-,-\n";
static const char OUTCOMES[] =
    "id,study,arm,condition,endpoint,scale_min,scale_max,direction,unit,time_days,value,baseline,comparator_value,lower,upper,spread_kind,spread,n,kind,role,comparable,note\n"
    /* three trials, one window (metafor value below); two more rows of a */
    "a-6,a,a-msc,toy,pain_difference,,,down,mm,182,-10,,,-16,-4,ci95,,40,effect,independent,yes,\n"
    "b-6,b,,toy,pain_difference,,,down,mm,180,-2,,,,,se,1.5,60,effect,independent,yes,\n"
    "c-7,c,,toy,Pain_Difference,,,down,mm,210,-6,,,,,se,2,30,effect,independent,yes,\n"
    "a-5,a,a-msc,toy,pain_difference,,,down,mm,150,-11,,,-16,-4,ci95,,40,effect,independent,yes,\n"
    "a2-6,a2,,toy,pain_difference,,,down,mm,182,-10,,,-16,-4,ci95,,30,effect,independent,yes,\n"
    /* left out */
    "shared-6,shared,,toy,pain_difference,,,down,mm,182,-3,,,,,se,1,20,effect,independent,yes,\n"
    "meta-6,meta,,toy,pain_difference,,,down,mm,182,-3,,,,,se,1,500,effect,independent,yes,\n"
    "vendor-6,vendor,,toy,pain_difference,,,down,mm,182,-3,,,,,se,1,40,effect,independent,yes,\n"
    "rev-6,rev,,toy,pain_difference,,,down,mm,182,-3,,,,,se,1,40,effect,independent,yes,\n"
    "c-cm,c,,toy,pain_difference,,,down,cm,182,-0.6,,,,,se,0.2,30,effect,independent,yes,\n"
    "c-12,c,,toy,pain_difference,,,down,mm,365,-6,,,,,se,2,30,effect,independent,yes,\n"
    "c-60,c,,toy,pain_difference,,,down,mm,1826,-6,,,,,se,2,30,effect,independent,yes,\n"
    "b-sd,b,,toy,pain_difference,,,down,mm,91,-6,,,,,sd,2,60,effect,independent,yes,\n"
    "b-p,b,,toy,pain_difference,,,down,mm,91,-6,,,,,p,0.02,60,effect,independent,yes,\n"
    "b-n,b,,toy,pain_difference,,,down,mm,91,-6,,,,,se,2,,effect,independent,yes,\n"
    "b-none,b,,toy,pain_difference,,,down,mm,91,-6,,,,,,,,effect,independent,yes,\n"
    "b-word,b,,toy,pain_difference,,,down,mm,91,better,,,,,,,,effect,independent,yes,\n"
    "b-two,b,,toy,pain,,,down,mm,91,-6,,-2,,,sd,2,60,effect,independent,yes,\n"
    "p1-level,p1,,toy,stiffness,,,down,mm,91,30,,,,,sd,2,16,effect,independent,yes,\n"
    /* changes from baseline: closed form, tau2 = 0. 12 -> 11 with SDs 2.4 and 3.2 of 16: variance (2.4^2 + 3.2^2)/16 = 1; SD 5 of 25: 1 */
    "p1-0,p1,,toy,walk,,,up,mm,0,12,,,,,sd,2.4,16,effect,independent,yes,\n"
    "p1-30,p1,,toy,walk,,,up,mm,30,13,12,,,,sd,3.2,16,effect,independent,yes,\n"
    "p1-c,p1,,toy,grip_change,,,up,mm,30,1,,,,,se,1,16,effect,independent,yes,\n"
    "p2-c,p2,,toy,grip_change,,,up,mm,28,1.5,,,,,sd,5,25,effect,independent,yes,\n"
    "p2-s,p2,p2-sal,toy,grip_change,,,up,mm,30,0.5,,,,,se,1,25,effect,independent,yes,\n"
    /* the same endpoint as a difference is not mixed with the changes */
    "c-d,c,,toy,grip_change_difference,,,up,mm,30,1.5,,,,,se,1,25,effect,independent,yes,\n"
    "p2-w,p2,,toy,walk,,,up,mm,30,15,13.5,,,,sd,3,25,effect,independent,yes,\n"
    "p2-w0,p2,,toy,walk,,,up,mm,0,13.5,,,,,sd,4,25,natural-history,independent,yes,\n"
    /* ratios on the log scale */
    "a-rr,a,,toy,collapse,,,down,RR,365,0.5,,,0.3,0.9,ci95,,40,effect,independent,yes,\n"
    "b-rr,b,,toy,collapse,,,down,RR,365,0.8,,,0.5,1.2,ci95,,60,effect,independent,yes,\n"
    "x1-a,x1,,bare,pain,,,down,mm,91,-6,,,,,,,25,effect,independent,yes,\n"
    "x2-a,x2,,bare,pain_difference,,,down,mm,91,-6,,,,,se,1,25,effect,independent,yes,\n"
    "x1-b,x1,,bare,walk,,,up,mm,91,-6,,,,,,,,effect,independent,yes,\n";

static const struct { const char *name, *text; } FILES[] = {
    { "studies", STUDIES },
    { "arms", ARMS },
    { "outcomes", OUTCOMES },
    { "conflicts", "id,condition,question,side_a,side_b,outcome_a,outcome_b,followed,reason\n" },
};
enum { N_FILE = sizeof FILES / sizeof *FILES };
static prc_evidence *toy;

static void load(void)
{
    char folder[] = "/tmp/paracrine-pool-XXXXXX", path[256];
    prc_error err = { 0 };
    if (!TAP_OK(mkdtemp(folder) != NULL)) return;
    snprintf(path, sizeof path, "%s/evidence", folder);
    mkdir(path, 0700);
    for (size_t i = 0; i < N_FILE; i++) {
        snprintf(path, sizeof path, "%s/evidence/%s.csv", folder, FILES[i].name);
        TAP_OK(prc_file_write(path, FILES[i].text, strlen(FILES[i].text), &err) == PRC_OK);
    }
    if (!TAP_OK(prc_evidence_load(folder, &toy, &err) == PRC_OK)) printf("# %s:%d: %s\n", err.source, err.line, err.message);
    for (size_t i = 0; i < N_FILE; i++) {
        snprintf(path, sizeof path, "%s/evidence/%s.csv", folder, FILES[i].name);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/evidence", folder);
    rmdir(path);
    rmdir(folder);
}

static const prc_pool *pool_of(const char *condition, const char *endpoint)
{
    const prc_pool *p = NULL;
    prc_error err = { 0 };
    if (!TAP_OK(toy && prc_evidence_pool(toy, condition, endpoint, &p, &err) == PRC_OK)) tap_note("error", err.message);
    return p;
}

static const prc_pool_row *row_of(const prc_pool *p, const char *id)
{
    for (size_t i = 0; i < p->n_row; i++)
        if (strcmp(p->row[i].row->id, id) == 0) return &p->row[i];
    return NULL;
}

/* R: rma(yi = c(-10, -2, -6), vi = c((12/(2*qnorm(.975)))^2, 1.5^2, 2^2), method = "REML", test = "adhoc", control = list(threshold = 1e-12)); predict() */
static void three_trials(void)
{
    const prc_pool *p = pool_of("toy", "pain difference");
    if (!p || !TAP_INT(p->n_group, 1)) return;
    const prc_pool_group *g = p->group;
    TAP_INT(g->all.k, 3);
    TAP_STR(g->studies, "a; b; c");
    TAP_STR(g->rows, "a-6; b-6; c-7");
    TAP_OK(g->month == 6 && g->controlled && !g->ratio && !g->r_zero);
    TAP_NEAR(g->n, 130, 0);
    TAP_NEAR(g->all.estimate, -5.4188315079927, 1e-7);
    TAP_NEAR(g->all.lower, -15.0780104121512, 1e-6);
    TAP_NEAR(g->all.upper, 4.2403473961657, 1e-6);
    TAP_NEAR(g->all.pi_lower, -22.1854707218761, 1e-6);
    TAP_NEAR(g->all.pi_upper, 11.3478077058907, 1e-6);
    TAP_NEAR(g->all.tau2, 10.1454261545897, 1e-6);
    TAP_NEAR(g->all.I2, 70.1087333544850, 1e-6);
    /* blinded a and b against open c; c alone has its own Wald interval */
    TAP_OK(g->blinded.k == 2 && g->open.k == 1);
    TAP_NEAR(g->open.estimate, -6, 1e-12);
    TAP_NEAR(g->open.lower, -6 - 1.959963984540054 * 2, 1e-9);
    TAP_OK(isnan(g->open.pi_lower) && isnan(g->open.tau2));
    /* two studies: REML tau2 = ((y1-y2)^2 - v1 - v2)/2 */
    double v1 = 6 / 1.959963984540054, t2 = (64 - v1 * v1 - 2.25) / 2, w1 = 1 / (v1 * v1 + t2), w2 = 1 / (2.25 + t2);
    TAP_NEAR(g->blinded.tau2, t2, 1e-9);
    TAP_NEAR(g->blinded.estimate, (-10 * w1 - 2 * w2) / (w1 + w2), 1e-10);
    TAP_OK(g->q_p > 0 && g->q_p <= 1);
}

/* Variances 1 and 1, effects 1 and 1.5: Q = 0.125 < 1, so tau2 = 0, the mean is 1.25 and its SE 1/sqrt(2), kept by the never-narrower rule; t(0.975, 1) = tan(0.475 pi). */
static void changes(void)
{
    const prc_pool *p = pool_of("toy", "grip");
    double half = tan(0.475 * 3.14159265358979323846) / sqrt(2);
    if (!p || !TAP_INT(p->n_group, 1)) return;
    TAP_OK(p->group->month == 1 && !p->group->controlled);
    TAP_STR(p->group->rows, "p1-c; p2-c");
    TAP_NEAR(p->group->all.estimate, 1.25, 1e-12);
    TAP_NEAR(p->group->all.tau2, 0, 0);
    TAP_NEAR(p->group->all.I2, 0, 0);
    TAP_NEAR(p->group->all.lower, 1.25 - half, 1e-8);
    TAP_NEAR(p->group->all.upper, 1.25 + half, 1e-8);
    TAP_INT(row_of(p, "c-d")->drop, PRC_POOL_ALONE);
    TAP_INT(row_of(p, "p2-s")->drop, PRC_POOL_COMPARISON);
    p = pool_of("toy", "walk");
    if (!p || !TAP_INT(p->n_group, 1)) return;
    TAP_OK(p->group->r_zero);
    TAP_NEAR(row_of(p, "p1-30")->vi, 1, 1e-12);
    TAP_NEAR(row_of(p, "p2-w")->vi, 1, 1e-12);
    TAP_NEAR(p->group->all.estimate, 1.25, 1e-12);
    TAP_INT(p->group->blinded.k, 0);
    TAP_INT(row_of(p, "p1-0")->drop, PRC_POOL_BASELINE);
}

/* Two studies: REML tau2 is ((y1-y2)^2 - v1 - v2)/2 or 0; R: rma(log(c(.5, .8)), ..., method = "REML"). */
static void ratios(void)
{
    const prc_pool *p = pool_of("toy", "collapse");
    if (!p || !TAP_INT(p->n_group, 1)) return;
    TAP_OK(p->group->ratio && p->group->controlled && p->group->month == 12);
    TAP_NEAR(log(p->group->all.estimate), -0.4276480278443, 1e-6);
    TAP_NEAR(p->group->all.tau2, 0.0462379993515, 1e-6);
    TAP_NEAR(log(p->group->all.upper), 2.5330821347273, 1e-5);
}

static void left_out(void)
{
    static const struct { const char *id; prc_pool_drop drop; const char *why; } want[] = {
        { "a-6", PRC_POOL_USED, "" },
        { "a-5", PRC_POOL_REPEAT, "same study as a-6" },
        { "a2-6", PRC_POOL_OVERLAP, "same publication as a-6" },
        { "shared-6", PRC_POOL_OVERLAP, "overlapping patients with c" },
        { "meta-6", PRC_POOL_META, "meta-analysis" },
        { "vendor-6", PRC_POOL_SOURCE, "neither paper nor registry" },
        { "rev-6", PRC_POOL_DESIGN, "no primary" },
        { "c-cm", PRC_POOL_ALONE, "scale" },
        { "c-12", PRC_POOL_ALONE, "window" },
        { "c-60", PRC_POOL_TIME, "factor of two" },
        { "b-sd", PRC_POOL_SPREAD, "n of both arms" },
        { "b-p", PRC_POOL_SPREAD, "no spread" },
        { "b-n", PRC_POOL_N, "no n" },
        { "b-none", PRC_POOL_N, "no n" },
        { "b-word", PRC_POOL_VALUE, "no number" },
        { "b-two", PRC_POOL_SPREAD, "apart" },
        { "p1-level", PRC_POOL_COMPARISON, "neither" },
    };
    const prc_pool *p = pool_of("toy", NULL);
    if (!p) return;
    TAP_INT(p->n_group, 4);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const prc_pool_row *r = row_of(p, want[i].id);
        TAP_THAT(r && r->drop == want[i].drop && strstr(r->why, want[i].why), "%s: %s", want[i].id, r ? r->why : "absent");
    }
    TAP_INT(p->lack_n, 2);
    TAP_INT(p->lack_spread, 4);
    TAP_HAS(p->sentence, "are pooled; of the others 1 is a meta-analysis or systematic review");
}

static void nothing(void)
{
    const prc_pool *p = pool_of("bare", NULL);
    if (!p) return;
    TAP_INT(p->n_group, 0);
    TAP_STR(p->sentence, "Nothing to pool: no two primary studies report the same endpoint with n and a spread on one scale, in one time window and against one kind of comparison. Of 3 effect rows"
                         " 1 is a meta-analysis or systematic review (shown, never pooled); of the 2 primary rows 1 lacks n, 2 lack a spread (a row may lack both).");
    p = pool_of("absent", NULL);
    if (p) TAP_STR(p->sentence, "Nothing to pool: the record has no effect row.");
}

/* Every allocation of one call fails once. */
static void out_of_memory(void)
{
    prc_status st = PRC_E_MEMORY;
    long k = 1;
    for (; toy && st != PRC_OK && k < 100000; k++) {
        const prc_pool *p = NULL;
        prc_error err = { 0 };
        prc_memory_fail_at(k);
        st = prc_evidence_pool(toy, "toy", NULL, &p, &err);
        prc_memory_fail_at(0);
        if (st != PRC_OK && (st != PRC_E_MEMORY || p)) break;
    }
    TAP_THAT(st == PRC_OK, "allocation failures are reported (%ld)", k);
}

int main(void)
{
    TAP_RUN(load);
    TAP_RUN(three_trials);
    TAP_RUN(changes);
    TAP_RUN(ratios);
    TAP_RUN(left_out);
    TAP_RUN(nothing);
    TAP_RUN(out_of_memory);
    prc_evidence_free(toy);
    return tap_done();
}
