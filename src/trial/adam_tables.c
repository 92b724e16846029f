/* adam_tables.c: the data of a run as CSV tables with CDISC ADaM names. The first line of each file is its header. */
#include "trial_int.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { CODE_MAX = 8 };
typedef char param_code[CODE_MAX + 1];

/* ---- cells --------------------------------------------------------------------------------------------------- */

static void text_cell(FILE *f, const char *text, char after)
{
    prc_csv_cell(f, text ? text : "");
    putc(after, f);
}

/* NaN and infinity are empty cells. */
static void number_cell(FILE *f, double x, char after)
{
    char buf[32];
    if (isfinite(x)) fputs(prc_format_double(x, buf), f);
    putc(after, f);
}

static void upper_cell(FILE *f, const char *text, char after)
{
    char buf[128];
    snprintf(buf, sizeof buf, "%s", text);
    for (char *p = buf; *p; p++) *p = (char)toupper((unsigned char)*p);
    text_cell(f, buf, after);
}

/* Study day of CDISC: the day of the first treatment is 1. */
static void study_day_cell(FILE *f, double day, char after)
{
    double whole = floor(day + 0.5);
    number_cell(f, whole >= 0 ? whole + 1 : whole, after);
}

/* PARAMCD: at most eight upper-case letters and digits, different for each observable. */
static void make_code(const prc_condition *c, size_t o, param_code *code)
{
    size_t n = 0;
    char *out = code[o];
    for (const char *p = c->observable[o].name; *p && n < CODE_MAX; p++)
        if (isalnum((unsigned char)*p)) out[n++] = (char)toupper((unsigned char)*p);
    out[n] = 0;
    for (int suffix = 2; suffix < 100; suffix++) {
        bool taken = n == 0;
        for (size_t k = 0; k < o; k++) taken = taken || strcmp(code[k], out) == 0;
        if (!taken) return;
        char digits[4];
        int len = snprintf(digits, sizeof digits, "%d", suffix % 100);
        size_t keep = n + (size_t)len > CODE_MAX ? CODE_MAX - (size_t)len : n;
        memcpy(out + keep, digits, (size_t)len + 1);
    }
}

/* Name of the study: that of the trial file without folder and ending. */
static void study_name(const prc_trial_spec *s, char *buf, size_t n)
{
    const char *slash = strrchr(s->path, '/');
    snprintf(buf, n, "%s", slash ? slash + 1 : s->path);
    char *dot = strrchr(buf, '.');
    if (dot && dot != buf) *dot = 0;
    for (char *p = buf; *p; p++) *p = (char)toupper((unsigned char)*p);
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

static void covariate_cell(FILE *f, const prc_covariate *v, double x)
{
    for (size_t k = 0; k < v->n_category; k++)
        if (v->code[k] == x) {
            text_cell(f, v->category[k], ',');
            return;
        }
    number_cell(f, x, ',');
}

/* The open tables of patients. */
struct prc_rows {
    char study[128];
    param_code *code;
    FILE *adsl, *adqs, *adtte, *adae, *adcm; /* adcm: with a rescue rule only */
};

static void adsl_header(const prc_trial_spec *s, FILE *f)
{
    fputs("STUDYID,USUBJID,SUBJID,ARM,TRT01P,TRT01PN,", f);
    for (size_t v = 0; v < s->condition->n_covariate; v++) upper_cell(f, s->condition->covariate[v].name, ',');
    fputs("STRATUM,SAFFL,ITTFL,COMPFL,DCDECOD,DCDAY,POP", f);
    if (s->rules.rescue.exists) fputs(",RESCFL,RESCN,RESCDAY", f);
    if (s->rules.stop.exists) fputs(",STOPFL,STOPDAY", f);
    putc('\n', f);
}

/* Intercurrent events of a patient, while he took part. */
static void write_rules(const prc_chunk *k, size_t i, FILE *f)
{
    const prc_trial_spec *s = k->r->spec;
    const double *day;
    size_t n = prc_rescues(k, i, &day);
    double stop = prc_stop_day(k, i);
    bool stopped = stop <= k->r->subject[k->first + i].dropout_day;
    char buf[32];
    if (s->rules.rescue.exists) fprintf(f, ",%c,%zu,%s", n ? 'Y' : 'N', n, n ? prc_format_double(day[0], buf) : "");
    if (s->rules.stop.exists) fprintf(f, ",%c,%s", stopped ? 'Y' : 'N', stopped ? prc_format_double(stop, buf) : "");
}

static void write_adsl(const prc_rows *w, const prc_chunk *k, size_t i, const char *id)
{
    const prc_trial_spec *s = k->r->spec;
    const prc_subject *u = &k->r->subject[k->first + i];
    const prc_cohort *c = k->cohort;
    const prc_arm *arm = &s->arms->arm[u->arm];
    const char *dash = strrchr(id, '-');
    FILE *f = w->adsl;
    text_cell(f, w->study, ',');
    text_cell(f, id, ',');
    text_cell(f, dash ? dash + 1 : id, ',');
    text_cell(f, arm->name, ',');
    text_cell(f, arm->label, ',');
    fprintf(f, "%u,", u->arm + 1u);
    for (size_t v = 0; v < c->n_covariate; v++) covariate_cell(f, &s->condition->covariate[v], c->covariate[i * c->n_covariate + v]);
    text_cell(f, u->stratum, ',');
    fprintf(f, "Y,Y,%c,", u->disposition == PRC_COMPLETED ? 'Y' : 'N');
    upper_cell(f, u->reason, ',');
    double ended = u->dropout_day;
    if (u->disposition == PRC_HAD_EVENT) ended = PRC_TRUTH_EVENT(k->truth, u->arm, i, prc_ending_event(s->condition));
    number_cell(f, u->disposition == PRC_COMPLETED ? (double)NAN : ended, ',');
    prc_csv_cell(f, s->population[u->population].name);
    write_rules(k, i, f);
    putc('\n', f);
}

static void write_adqs_row(const prc_rows *w, const prc_chunk *k, size_t i, size_t o, size_t v, const char *id)
{
    const prc_trial_spec *s = k->r->spec;
    const prc_arm *arm = &s->arms->arm[k->r->subject[k->first + i].arm];
    double aval = *prc_chunk_score(k, i, v, o), base = *prc_chunk_score(k, i, 0, o), change = v > 0 ? aval - base : (double)NAN;
    FILE *f = w->adqs;
    if (isnan(aval)) return;
    text_cell(f, w->study, ',');
    text_cell(f, id, ',');
    text_cell(f, arm->name, ',');
    text_cell(f, arm->label, ',');
    text_cell(f, w->code[o], ',');
    text_cell(f, s->condition->observable[o].label, ',');
    text_cell(f, v == 0 ? "Baseline" : s->visit_label[v], ',');
    number_cell(f, s->visit[v], ',');
    study_day_cell(f, s->visit[v], ',');
    number_cell(f, aval, ',');
    number_cell(f, base, ',');
    number_cell(f, change, ',');
    number_cell(f, base != 0 ? 100 * change / base : (double)NAN, ',');
    fputs(v == 0 ? "Y,\n" : ",\n", f);
}

static void write_adqs(const prc_rows *w, const prc_chunk *k, size_t i, const char *id)
{
    const prc_condition *c = k->r->spec->condition;
    for (size_t o = 0; o < c->n_observable; o++)
        for (size_t v = 0; prc_is_measured(&c->observable[o]) && v < k->r->spec->n_visit; v++) write_adqs_row(w, k, i, o, v, id);
}

/* One row of adtte; what: words for an event that happened. */
static void write_time(const prc_rows *w, const prc_chunk *k, size_t i, const char *id, const char *code, const char *label, double day, bool event)
{
    const prc_trial_spec *s = k->r->spec;
    const prc_subject *u = &k->r->subject[k->first + i];
    FILE *f = w->adtte;
    text_cell(f, id, ',');
    text_cell(f, s->arms->arm[u->arm].name, ',');
    text_cell(f, code, ',');
    text_cell(f, label, ',');
    number_cell(f, day, ',');
    fprintf(f, "%d,", !event);
    bool left = day < s->horizon;
    if (event) upper_cell(f, label, '\n');
    else text_cell(f, !left ? "END OF STUDY" : u->disposition == PRC_SOLVER_FAILED ? "SIMULATION FAILED" : "LOST TO FOLLOW-UP", '\n');
}

/* Times of the rules: the first rescue, the stop. */
static void write_first(const prc_rows *w, const prc_chunk *k, size_t i, const char *id)
{
    const prc_trial_spec *s = k->r->spec;
    const double *rescue;
    double until = fmin(s->horizon, k->r->subject[k->first + i].dropout_day), stop = prc_stop_day(k, i);
    size_t n = prc_rescues(k, i, &rescue);
    if (s->rules.rescue.exists) write_time(w, k, i, id, "RESCUE", "First rescue", n ? rescue[0] : until, n > 0);
    if (s->rules.stop.exists) write_time(w, k, i, id, "STOPRULE", "Stopping rule", stop <= until ? stop : until, stop <= until);
}

static void write_adtte(const prc_rows *w, const prc_chunk *k, size_t i, const char *id)
{
    const prc_condition *c = k->r->spec->condition;
    for (size_t o = 0; o < c->n_observable; o++) {
        int event;
        if (c->observable[o].kind != PRC_OB_EVENT) continue;
        double day = prc_time_to_event(k, i, o, &event);
        write_time(w, k, i, id, w->code[o], c->observable[o].label, day, event);
    }
    write_first(w, k, i, id);
}

/* Concomitant medication: one row a rescue. */
static void write_adcm(const prc_rows *w, const prc_chunk *k, size_t i, const char *id)
{
    const prc_trial_spec *s = k->r->spec;
    const double *day;
    size_t n = prc_rescues(k, i, &day);
    for (size_t j = 0; w->adcm && j < n; j++) {
        text_cell(w->adcm, id, ',');
        text_cell(w->adcm, s->arms->arm[k->r->subject[k->first + i].arm].name, ',');
        text_cell(w->adcm, s->rules.rescue.give->arm[0].label, ',');
        fprintf(w->adcm, "%zu,", j + 1);
        study_day_cell(w->adcm, floor(day[j]), ',');
        number_cell(w->adcm, day[j], '\n');
    }
}

static void write_adae(const prc_rows *w, const prc_chunk *k, const prc_ae *ae, const char *id)
{
    const prc_trial_spec *s = k->r->spec;
    FILE *f = w->adae;
    text_cell(f, id, ',');
    text_cell(f, s->arms->arm[k->r->subject[k->first + ae->subject].arm].name, ',');
    text_cell(f, s->condition->adverse[ae->adverse].label, ',');
    study_day_cell(f, floor(ae->start), ',');
    study_day_cell(f, floor(ae->end), ',');
    text_cell(f, ae->related ? "Y" : "N", '\n');
}

void prc_rows_write(prc_rows *w, const prc_chunk *k)
{
    size_t ae = 0;
    for (size_t i = 0; w && i < k->n; i++) {
        char id[PRC_USUBJID_MAX];
        prc_subject_name(k->r, &k->r->subject[k->first + i], id);
        write_adsl(w, k, i, id);
        write_adqs(w, k, i, id);
        write_adtte(w, k, i, id);
        write_adcm(w, k, i, id);
        for (; ae < k->n_ae && k->ae[ae].subject == i; ae++) write_adae(w, k, &k->ae[ae], id);
    }
}

static prc_status open_table(prc_outdir *dir, const char *name, FILE **out, prc_error *err)
{
    prc_error why = {0};
    *out = prc_outdir_open(dir, name, &why);
    if (*out) return PRC_OK;
    if (err) *err = why;
    return why.status ? why.status : PRC_E_IO;
}

prc_status prc_rows_open(const prc_trial_result *r, prc_outdir *dir, prc_rows **out, prc_error *err)
{
    const prc_condition *c = r->spec->condition;
    prc_status st;
    *out = NULL;
    if (!dir) return PRC_OK;
    prc_rows *w = prc_calloc(1, sizeof *w);
    if (w) w->code = prc_calloc(c->n_observable + 1, sizeof *w->code);
    if (!w || !w->code) {
        prc_free(w);
        return prc_fail(err, PRC_E_MEMORY, "out of memory for the tables");
    }
    for (size_t o = 0; o < c->n_observable; o++) make_code(c, o, w->code);
    study_name(r->spec, w->study, sizeof w->study);
    PRC_GO(st, open_table(dir, "adsl.csv", &w->adsl, err));
    PRC_GO(st, open_table(dir, "adqs.csv", &w->adqs, err));
    PRC_GO(st, open_table(dir, "adtte.csv", &w->adtte, err));
    PRC_GO(st, open_table(dir, "adae.csv", &w->adae, err));
    if (r->spec->rules.rescue.exists) PRC_GO(st, open_table(dir, "adcm.csv", &w->adcm, err));
    if (w->adcm) fputs("USUBJID,ARM,CMDECOD,CMSEQ,ASTDY,ASTTM\n", w->adcm);
    adsl_header(r->spec, w->adsl);
    fputs("STUDYID,USUBJID,ARM,TRT01P,PARAMCD,PARAM,AVISIT,AVISITN,ADY,AVAL,BASE,CHG,PCHG,ABLFL,DTYPE\n", w->adqs);
    fputs("USUBJID,ARM,PARAMCD,PARAM,AVAL,CNSR,EVNTDESC\n", w->adtte);
    fputs("USUBJID,ARM,AEDECOD,ASTDY,AENDY,AREL\n", w->adae);
out:
    if (st == PRC_OK) *out = w;
    else prc_rows_free(w);
    return st;
}

/* The files belong to the folder. */
void prc_rows_free(prc_rows *w)
{
    if (!w) return;
    prc_free(w->code);
    prc_free(w);
}

static void write_failures(const prc_trial_result *r, FILE *f)
{
    fputs("USUBJID,ARM,REASON,TIME,STATE,ID,OWNARM\n", f);
    for (size_t k = 0; k < r->n_failure; k++) {
        const prc_failure *x = &r->failure[k];
        text_cell(f, x->usubjid, ',');
        text_cell(f, x->arm, ',');
        text_cell(f, prc_outcome_name(x->outcome), ',');
        number_cell(f, x->time, ',');
        text_cell(f, x->state, ',');
        fprintf(f, "%u,%c\n", (unsigned)x->id, x->own ? 'Y' : 'N');
    }
}

static void write_subgroups(const prc_trial_result *r, FILE *f)
{
    const prc_trial_spec *s = r->spec;
    fputs("POP,SUBGROUP,CATEGORY,ARM,N,LSMEAN,DIFF,DIFFLCL,DIFFUCL,PVAL,TRUEDIFF\n", f);
    for (size_t k = 0; k < r->n_subgroup; k++)
        for (size_t a = 0; a < r->subgroup[k].n_arm; a++) {
            const prc_subgroup_result *x = &r->subgroup[k];
            const prc_covariate *v = &s->condition->covariate[x->covariate];
            text_cell(f, s->population[x->population].name, ',');
            text_cell(f, v->name, ',');
            text_cell(f, v->category[x->category], ',');
            text_cell(f, s->arms->arm[a].name, ',');
            fprintf(f, "%zu,", x->ls_mean[a].n);
            number_cell(f, x->ls_mean[a].estimate, ',');
            number_cell(f, x->diff[a].estimate, ',');
            number_cell(f, x->diff[a].ci_lb, ',');
            number_cell(f, x->diff[a].ci_ub, ',');
            number_cell(f, x->diff[a].p, ',');
            number_cell(f, x->true_diff[a], '\n');
        }
}

prc_status prc_trial_tables(const prc_trial_result *r, prc_outdir *dir, prc_error *err)
{
    FILE *f;
    PRC_TRY(open_table(dir, "failures.csv", &f, err));
    write_failures(r, f);
    if (r->n_subgroup > 0) {
        PRC_TRY(open_table(dir, "subgroups.csv", &f, err));
        write_subgroups(r, f);
    }
    return prc_trial_trajectories(r, dir, err);
}
