/* outcome.c: names of the ways a job ends. */
#include "paracrine/solve.h"

static const char *const names[] = {
#define PRC_X(name, text, why) text,
    PRC_OUTCOME_LIST(PRC_X)
#undef PRC_X
};

static const char *const whys[] = {
#define PRC_X(name, text, why) why,
    PRC_OUTCOME_LIST(PRC_X)
#undef PRC_X
};

const char *prc_outcome_name(prc_outcome o) { return (unsigned)o < PRC_OUTCOME_COUNT ? names[o] : "unknown"; }

const char *prc_outcome_why(prc_outcome o) { return (unsigned)o < PRC_OUTCOME_COUNT ? whys[o] : "unknown"; }
