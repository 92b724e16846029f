/* solve_state_events.c: events of a model found where they are: several in one step, only in the direction in which the
 * condition becomes true, again and again, and never without end. */
#include "dataset_setup.h"

/* One long step covers all of this: y = t. Each event notes its time, in the order in which the conditions come true.
 */
static void several_in_a_step(void) {
    static const char m[] = "model m()\n var y = 0, a = 0, b = 0, c = 0, count = 0;\n"
                            " y' = 1;\n a' = 0;\n b' = 0;\n c' = 0;\n count' = 0;\n"
                            " at (y > 3): c = time + 100*count, count = count + 1;\n"
                            " at (y > 1): a = time + 100*count, count = count + 1;\n"
                            " at (y > 2): b = time + 100*count, count = count + 1;\n"
                            " at (y > 2.000001): count = count + 10;\nend\n";
    sim s = {.output = {"a", "b", "c", "count"}, .rtol = 1e-6};
    if (!sim_ok(&s, m, "ID,TIME,EVID\n1,0,0\n1,1000,0\n")) return;
    TAP_NEAR(s.row[1].value[0], 1, 1e-8);
    TAP_NEAR(s.row[1].value[1], 102, 1e-8);
    TAP_NEAR(s.row[1].value[2], 1203, 1e-8);
    TAP_NEAR(s.row[1].value[3], 13, 0);
    sim_reset(&s);
}

/* Two conditions that come true together act on the state before both. */
static void together(void) {
    static const char m[] = "model m()\n var y = 0, a = 1, b = 2;\n y' = 1;\n a' = 0;\n b' = 0;\n"
                            " at (y > 1): a = b;\n at (2*y > 2): b = a;\nend\n";
    sim s = {.output = {"a", "b"}};
    if (!sim_ok(&s, m, "ID,TIME,EVID\n1,0,0\n1,5,0\n")) return;
    TAP_NEAR(s.row[1].value[0], 2, 0);
    TAP_NEAR(s.row[1].value[1], 1, 0);
    sim_reset(&s);
}

/* y = sin t: upwards and downwards count apart, once per turn. */
static void direction(double level, double rtol) {
    char m[600];
    snprintf(m, sizeof m,
             "model m()\n var y = 0, z = 1, up = 0, down = 0, last = 0;\n y' = z;\n z' = -y;\n up' = 0;\n down' = 0;\n "
             "last' = 0;\n"
             " at (y > %.17g): up = up + 1, last = time;\n at (y < %.17g): down = down + 1;\nend\n",
             level, level);
    sim s = {.output = {"up", "down", "last"}, .rtol = rtol};
    if (!sim_ok(&s, m, "ID,TIME,EVID\n1,0,0\n1,62.8,0\n")) return;
    TAP_THAT(s.row[1].value[0] == 10 && s.row[1].value[1] == 10, "level %g, rtol %g: %g times up, %g down", level, rtol,
             s.row[1].value[0], s.row[1].value[1]);
    if (rtol < 1e-9) TAP_NEAR(s.row[1].value[2], asin(level) + 18 * acos(-1), 1e-6);
    sim_reset(&s);
}

static void directions(void) {
    direction(0.5, 1e-10);
    direction(0.5, 1e-4);
    direction(0.9, 1e-4);
    direction(0.99, 1e-6);
    direction(0.99, 1e-4);
    direction(0.999, 1e-4);
    direction(0.999, 1e-6);
}

/* A condition that holds at the start has not come true; after an event that makes it false it can. */
static void at_start(void) {
    static const char m[] =
        "model m()\n var y = 2, n = 0;\n y' = 1;\n n' = 0;\n at (y > 1): n = n + 1;\n at (y > 5): y = 0;\nend\n";
    sim s = {.output = {"n", "y"}};
    if (!sim_ok(&s, m, "ID,TIME,EVID\n1,0,0\n1,3.5,0\n1,4.5,0\n")) return;
    TAP_NEAR(s.row[1].value[0], 0, 0);
    TAP_NEAR(s.row[2].value[0], 1, 0);
    TAP_NEAR(s.row[2].value[1], 1.5, 1e-8);
    sim_reset(&s);
}

/* A dose that makes a condition true fires it at once; the observation after the dose sees both. */
static void by_a_dose(void) {
    static const char m[] = "model m()\n var y = 0, n = 0;\n y' = -y;\n n' = 0;\n at (y > 5): n = n + 1;\nend\n";
    sim s = {.output = {"n"}};
    if (!sim_ok(&s, m, "ID,TIME,EVID,AMT,CMT\n1,0,0,.,.\n1,1,0,.,.\n1,1,1,10,y\n1,1,0,.,.\n1,9,1,10,y\n1,9,0,.,.\n"))
        return;
    TAP_NEAR(s.row[1].value[0], 0, 0);
    TAP_NEAR(s.row[2].value[0], 1, 0);
    TAP_NEAR(s.row[3].value[0], 2, 0);
    sim_reset(&s);
}

static void chattering(void) {
    static const char m[] = "model m()\n var y = 2;\n K = 1;\n y' = -K*y;\n at (y < 1): y = 1 + 1e-12;\nend\n";
    sim s = {.output = {"y"}};
    sim_run(&s, m, "ID,TIME,EVID,K\n1,0,0,1\n1,5,0,1\n2,0,0,0.1\n2,5,0,0.1\n");
    TAP_INT(s.status, PRC_OK);
    TAP_INT(s.n_failed, 1);
    TAP_INT(s.outcome[0], PRC_CHATTER);
    TAP_REL(s.row[3].value[0], 2 * exp(-0.5), 1e-8);
    sim_reset(&s);
}

int main(void) {
    TAP_RUN(several_in_a_step);
    TAP_RUN(together);
    TAP_RUN(directions);
    TAP_RUN(at_start);
    TAP_RUN(by_a_dose);
    TAP_RUN(chattering);
    return tap_done();
}
