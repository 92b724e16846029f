/* Orders, verdicts and the link between checks and evidence. */
#include "../../src/credibility/credibility_int.h"
#include "../tap.h"

static bool holds(const char *order, const double *gain, size_t n) {
    bool yes = false;
    prc_error err = {0};
    TAP_INT(check_order_holds(order, gain, n, &yes, &err), PRC_OK);
    return yes;
}

static void orders(void) {
    const double dose[] = {4.6, 6.7, 7.4, 6.7};
    TAP_OK(holds("1<2=4<=3", dose, 4));
    TAP_OK(!holds("2<1", dose, 4));
    TAP_OK(!holds("3<=1", dose, 4));
    TAP_OK(holds("4 <= 3", dose, 4));
    TAP_OK(!holds("1=3", dose, 4));
    const double none[] = {0, 0, 0, 0};
    TAP_THAT(!holds("1<=2=4<=3", none, 4), "an order of nothing does not hold");
    const double wrong[] = {-4.6, -6.7, -7.4, -6.7};
    TAP_THAT(!holds("1<2", wrong, 4), "harm is not an order of benefit");
}

static void broken_orders(void) {
    const double g[] = {1, 2};
    bool yes;
    prc_error err = {0};
    TAP_INT(check_order_holds("1<3", g, 2, &yes, &err), PRC_E_VALUE);
    TAP_HAS(err.message, "no treatment 3");
    TAP_INT(check_order_holds("<2", g, 2, &yes, &err), PRC_E_SYNTAX);
    TAP_INT(check_order_holds("1>2", g, 2, &yes, &err), PRC_E_SYNTAX);
    TAP_INT(check_order_holds("1 2", g, 2, &yes, &err), PRC_E_SYNTAX);
    TAP_INT(check_order_holds("1==2", g, 2, &yes, &err), PRC_E_SYNTAX);
}

/* The measures on a truth written by hand: two patients, treatment, vehicle, control; times 0, 6 and 12 months. */
static void measures(void) {
    prc_condition c = {0};
    prc_observable ob = {.name = "pain", .kind = PRC_OB_IMAGE, .direction = -1, .min = 0, .max = 100, .mcid = 15, .mcid_unit = "pt"};
    c.observable = &ob;
    c.n_observable = 1;
    double time[] = {0, 182.625, 365.25};
    double value[] = {60, 30, 40, 40, 20, 30,   /* treatment: patient 1, patient 2 */
                      60, 60, 60, 40, 40, 40,   /* vehicle */
                      60, 60, 60, 40, 40, 40};  /* control */
    prc_outcome outcome[6] = {PRC_DONE, PRC_DONE, PRC_DONE, PRC_DONE, PRC_DONE, PRC_DONE};
    prc_arm_effect effect[3] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}};
    prc_arm arm[3] = {{.active = true}, {.active = false}, {.active = false}};
    prc_truth truth = {.n_patient = 2, .n_arm = 3, .n_time = 3, .n_observable = 1, .time = time, .value = value, .outcome = outcome, .effect = effect};
    check_run r = {.condition = &c, .truth = &truth, .arm = arm, .n_treatment = 1, .control = 2, .observable = 0, .at = 2, .at_day = 365.25, .half_year = 1};
    double se;
    TAP_NEAR(check_value(&r, CK_DIFFERENCE, 0, &se), -15, 1e-12);
    TAP_NEAR(se, 5 / sqrt(1), 1e-12); /* differences -20 and -10: sd 7.07, over sqrt(2) */
    TAP_NEAR(check_value(&r, CK_DIFFERENCE, 1, NULL), 0, 0);
    TAP_NEAR(check_value(&r, CK_VALUE, 0, NULL), 35, 1e-12);
    TAP_NEAR(check_value(&r, CK_CHANGE, 0, NULL), -15, 1e-12);
    TAP_NEAR(check_value(&r, CK_CHANGE_PCT, 0, NULL), -30, 1e-12);
    TAP_NEAR(check_value(&r, CK_RATE, 0, NULL), -30, 1e-12);
    TAP_NEAR(check_value(&r, CK_LEFT_PCT, 0, NULL), 60, 1e-12);
    TAP_THAT(isnan(check_value(&r, CK_LEFT_PCT, 1, NULL)), "nothing is left of nothing");
    /* The mean gain is 0, 25, 15: it crosses 15 at 0.6 of the first half year and sits on it at the end. */
    TAP_NEAR(check_value(&r, CK_DURATION, 0, NULL), 0.4 * 6 + 6, 1e-9);
    TAP_NEAR(check_value(&r, CK_DURATION, 1, NULL), 0, 0);
}

int main(void) {
    TAP_RUN(orders);
    TAP_RUN(broken_orders);
    TAP_RUN(measures);
    return tap_done();
}
