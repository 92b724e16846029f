/* Names of roles and verdicts; the measures a check may ask for. */
#include "credibility_int.h"

#include <string.h>

const char *prc_role_name(prc_role r) {
    static const char *const name[PRC_ROLE_COUNT] = {"tuned", "built-in", "independent"};
    return r < PRC_ROLE_COUNT ? name[r] : "";
}

const char *prc_verdict_name(prc_verdict v) {
    switch (v) {
    case PRC_INSIDE: return "inside";
    case PRC_OUTSIDE: return "OUTSIDE";
    case PRC_NO_INTERVAL: return "no interval";
    case PRC_NO_CHECK: return "passes without cells";
    }
    return "";
}

static const char *const measure_name[CK_MEASURE_COUNT] = {"difference", "value", "change", "change_pct", "rate_pct_per_year", "event_pct", "event_free_pct", "kept_pct", "duration_months", "duration_ratio",
                                                           "not_significant_pct", "ordering", "left_pct"};

prc_status check_measure_parse(const prc_condition *c, const prc_check *k, check_measure *measure, int *observable, prc_error *err) {
    const char *open = strchr(k->measure, '(');
    size_t len = strlen(k->measure);
    if (!open || k->measure[len - 1] != ')') return prc_fail_at(err, PRC_E_SYNTAX, "checks.tsv", k->line, 0, "measure `%s` should look like difference(vas_pain)", k->measure);
    char word[64], name[64];
    snprintf(word, sizeof word, "%.*s", (int)(open - k->measure), k->measure);
    snprintf(name, sizeof name, "%.*s", (int)(k->measure + len - 1 - open - 1), open + 1);
    for (int i = 0; i < CK_MEASURE_COUNT; i++) {
        if (strcmp(word, measure_name[i])) continue;
        *measure = (check_measure)i;
        *observable = prc_condition_observable(c, name);
        if (*observable < 0) return prc_fail_at(err, PRC_E_KEY, "checks.tsv", k->line, 0, "%s has no observable `%s`", c->name, name);
        bool event = c->observable[*observable].kind == PRC_OB_EVENT, wants = i == CK_EVENT_PCT || i == CK_EVENT_FREE_PCT;
        if (event != wants) return prc_fail_at(err, PRC_E_VALUE, "checks.tsv", k->line, 0, "%s does not go with %s", word, name);
        return PRC_OK;
    }
    const char *near = prc_nearest(word, measure_name, CK_MEASURE_COUNT);
    return prc_fail_at(err, PRC_E_KEY, "checks.tsv", k->line, 0, "unknown measure `%s`%s%s%s", word, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
}
