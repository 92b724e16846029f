/* Flattening: names, submodels, synchronisation, functions, reactions, units, and what is refused. */
#include "tap.h"

#include "model_run.h"

static const char *print(const prc_expr *e, char *buf, size_t n) {
    prc_text t = {0};
    if (e) prc_expr_print(e, &t);
    snprintf(buf, n, "%s", t.s ? t.s : "none");
    prc_text_reset(&t);
    return buf;
}

/* "kind slot: rule | initial" of a variable. */
static const char *describe(const prc_model *m, const char *name) {
    static char buf[1024];
    char rule[400], initial[400];
    int i = m ? prc_model_find(m, name) : -1;
    if (i < 0) return "absent";
    static const char *const kind[] = {"parameter", "state", "assigned"};
    const prc_var *v = &m->var[i];
    snprintf(buf, sizeof buf, "%s %s: %s | %s", v->name, kind[v->kind], print(v->rule, rule, sizeof rule),
             print(v->initial, initial, sizeof initial));
    return buf;
}

static void kinds(void) {
    prc_model *m = model_of("model a()\n species A, B; var x; const k; k = 2\n J: A -> B; k*A\n x' = y - x; x = 1\n y "
                            ":= 2*A; A = 3*k\nend\n",
                            0);
    TAP_STR(describe(m, "A"), "A state: -(k*A) | 3*k");
    TAP_STR(describe(m, "B"), "B state: k*A | none");
    TAP_STR(describe(m, "x"), "x state: y - x | 1");
    TAP_STR(describe(m, "y"), "y assigned: 2*A | none");
    TAP_STR(describe(m, "k"), "k parameter: none | 2");
    if (m) TAP_INT(m->n_state, 3);
    if (m) TAP_INT(m->n_reaction, 1);
    prc_model_free(m);
}

static void stoichiometry(void) {
    prc_model *m = model_of("model a()\n species A, B, S\n 2 A + $S -> 3 B; 0.5*A*S\n A + B -> 2 A; B\nend\n", 0);
    TAP_STR(describe(m, "A"), "A state: -(2*(0.5*A*S)) - B + 2*B | none");
    TAP_STR(describe(m, "B"), "B state: 3*(0.5*A*S) - B | none");
    TAP_STR(describe(m, "S"), "S parameter: none | none");
    prc_model_free(m);
}

static void submodels(void) {
    static const char text[] =
        "model inner(p)\n species X; X = 1; var q; q = 5; J: X -> ; p*X*q; r := J + 1\n end\n"
        "model outer()\n a: inner(k); b: inner()\n k = 3; b.p = 7; b.q = k; z := a.r + b.J\nend\n";
    prc_model *m = model_of(text, 0);
    TAP_STR(describe(m, "a.X"), "a.X state: -(k*a.X*a.q) | 1");
    TAP_STR(describe(m, "b.X"), "b.X state: -(b.p*b.X*b.q) | 1");
    TAP_STR(describe(m, "a.p"), "k parameter: none | 3");
    TAP_STR(describe(m, "b.p"), "b.p parameter: none | 7");
    TAP_STR(describe(m, "b.q"), "b.q parameter: none | k");
    TAP_STR(describe(m, "a.r"), "a.r assigned: k*a.X*a.q + 1 | none");
    TAP_STR(describe(m, "z"), "z assigned: a.r + b.p*b.X*b.q | none");
    prc_model_free(m);
}

static void synchronisation(void) {
    static const char text[] =
        "model one()\n I := 2*u; var u; end\nmodel two()\n var I; I = 1; var c; c' = I - c; end\n"
        "model both()\n o: one(); t: two(); t.I is o.I; u is o.u; c is t.c\nend\n";
    prc_model *m = model_of(text, 0);
    TAP_STR(describe(m, "t.I"), "o.I assigned: 2*u | none");
    TAP_STR(describe(m, "o.u"), "u parameter: none | none");
    TAP_STR(describe(m, "t.c"), "c state: o.I - c | none");
    TAP_STR(describe(m, "t.x"), "absent");
    prc_model_free(m);
}

static void functions(void) {
    static const char text[] = "function hill(x, k)\n x/(x + k)\nend\nfunction twice(x)\n hill(x, 2) + x\nend\nmodel "
                               "a()\n y := twice(z*3); var z; end\n";
    prc_model *m = model_of(text, 0);
    TAP_STR(describe(m, "y"), "y assigned: z*3/(z*3 + 2) + z*3 | none");
    prc_model_free(m);
}

static void order(void) {
    prc_model *m = model_of("model a()\n a := b + c; b := c*2; c := d; d := k; var k; end\n", 0);
    if (!TAP_OK(m && m->n_assigned == 4)) return;
    static const char *const want[] = {"d", "c", "b", "a"};
    for (size_t i = 0; i < 4; i++) TAP_STR(m->var[m->assigned[i]].name, want[i]);
    TAP_INT(m->var[m->assigned[2]].slot, 2);
    prc_model_free(m);
}

static void warnings(void) {
    prc_model *m = model_of("model a()\n unit per_day = 1/(86400 second); unit time_unit = 86400 second\n const k, "
                            "unused; k has per_day; var x; x has dimensionless; x' = -k*x\nend\n",
                            0);
    if (!TAP_OK(m && m->n_warning == 2)) return;
    TAP_STR(m->warning[0], "test.ant:3:11: warning: 'unused' is used nowhere in the model");
    TAP_HAS(m->warning[1], "'unused' has no unit");
    TAP_NEAR(m->time_factor, 86400, 0);
    prc_model_free(m);
}

static void events(void) {
    prc_model *m = model_of("model a()\n var x, p; x' = -x; p = 1; E1: at (x < p): x = x + 1, p = 2\nend\n", 0);
    if (!TAP_OK(m && m->n_event == 1 && m->event[0].n_assign == 2)) return;
    char buf[100];
    TAP_STR(print(m->event[0].trigger, buf, sizeof buf), "x < p");
    TAP_STR(m->var[m->event[0].target[1]].name, "p");
    prc_model_free(m);
}

#define UNITS                                                                                                          \
    "unit time_unit = 86400 second; unit per_day = 1/(86400 second); unit cells = item; unit cpd = item/(86400 "       \
    "second)\n "

static const struct {
    const char *what, *text;
    prc_status status;
    int line;
    const char *message;
} refused[] = {
    {"undefined", "model a()\n var kappa; y := kapa*2\nend", PRC_E_KEY, 2, "did you mean 'kappa'"},
    {"undefined in a submodel", "model i()\n y := zz; end\nmodel a()\n s: i(); var zz; end", PRC_E_KEY, 2,
     "'zz' is not defined"},
    {"dotted name", "model i()\n var q; end\nmodel a()\n s: i(); s.qq = 1; end", PRC_E_KEY, 4, "'s.qq' is not defined"},
    {"sync to nothing", "model i()\n var q; end\nmodel a()\n s: i(); var x; x is s.p; end", PRC_E_KEY, 4,
     "'s.p' is not defined"},
    {"two rules", "model a()\n y := 1; y := 2; end", PRC_E_MODEL, 2, "has a rule already"},
    {"rule and rate", "model a()\n y := 1; y' = 2; end", PRC_E_MODEL, 2, "a rule and a rate rule"},
    {"two rules joined", "model i()\n q := 1; end\nmodel a()\n s: i(); x := 2; x is s.q; end", PRC_E_MODEL, 4,
     "both sides have a rule"},
    {"loop", "model a()\n x := y; y := z + 1; z := 2*x; end", PRC_E_MODEL, 2, "x -> y -> z -> x"},
    {"initial loop", "model a()\n var x, y; x = y; y = x; x' = 1; y' = 1; end", PRC_E_MODEL, 2, "x -> y -> x"},
    {"rate on const", "model a()\n const k; k' = 1; end", PRC_E_MODEL, 2, "declared const"},
    {"value on assigned", "model a()\n y := 1; y = 2; end", PRC_E_MODEL, 2, "cannot have an initial value"},
    {"rate on reacting", "model a()\n species A; A -> ; A; A' = 1; end", PRC_E_MODEL, 2, "changed by reactions"},
    {"compartment", "model a()\n compartment C; C = 2; species A in C; A -> ; A; end", PRC_E_UNSUPPORTED, 2,
     "not supported yet"},
    {"recursion", "function f(x)\n f(x); end\nmodel a()\n y := f(1); end", PRC_E_KEY, 2, "before it is used"},
    {"function arguments", "function f(x)\n x; end\nmodel a()\n y := f(1, 2); end", PRC_E_SYNTAX, 4,
     "takes 1 argument"},
    {"event on assigned", "model a()\n y := 1; at (time > 1): y = 2; end", PRC_E_MODEL, 2, "an event cannot set 'y'"},
    {"submodel twice", "model i()\n var q; end\nmodel a()\n s: i(); s: i(); end", PRC_E_MODEL, 4, "submodel already"},
    {"unit of a rate", "model a()\n " UNITS "const k; k has per_day; var x; x has cells; x' = -x; end", PRC_E_UNIT, 3,
     "rate of 'x'"},
    {"unit of a rule", "model a()\n " UNITS "var x, y; x has cells; y has cpd; y := 2*x; end", PRC_E_UNIT, 3,
     "rule of 'y'"},
    {"unit of a reaction", "model a()\n " UNITS "species A; A has cells; A -> ; 2*A; end", PRC_E_UNIT, 3,
     "reaction rate of 'A'"},
    {"unit of a start", "model a()\n " UNITS "var x, y; x has cells; y has cpd; x' = y; x = 2*y; end", PRC_E_UNIT, 3,
     "initial value of 'x'"},
    {"unit of an event", "model a()\n " UNITS "var x, y; x has cells; y has cpd; x' = y; at (x > 0): y = x; end",
     PRC_E_UNIT, 3, "event of 'y'"},
    {"unit inside", "model a()\n " UNITS "var x, y, z; x has cells; y has cpd; z := x + y; end", PRC_E_UNIT, 3, ""},
};

static void refusals(void) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        prc_model *m = NULL;
        prc_error err = {0};
        prc_status st = prc_model_parse(refused[i].text, "test.ant", 0, &m, &err);
        bool said = strstr(err.message, refused[i].message) != NULL;
        if (!TAP_THAT(st == refused[i].status && err.line == refused[i].line && said, "%s", refused[i].what))
            printf("# got %s at line %d: %s\n", prc_status_name(st), err.line, err.message);
        prc_model_free(m);
    }
}

static void units_accepted(void) {
    prc_model *m = model_of("model a()\n " UNITS "const k; k has per_day; k = 0.1; species A; A has cells; A -> ; k*A; "
                                                 "y := A*k; y has cpd; A = 5\n z := time*k; z has dimensionless; end",
                            0);
    TAP_OK(m != NULL);
    prc_model_free(m);
    m = model_of("model a()\n " UNITS "var x; x has cells; x' = -x; end", PRC_MODEL_NO_UNITS);
    TAP_OK(m != NULL);
    prc_model_free(m);
}

/* A function that doubles its argument 60 times over must be refused, not expanded. */
static void large_expression(void) {
    prc_text t = {0};
    prc_text_add(&t, "function f0(x)\n x + x; end\n");
    for (int i = 1; i < 60; i++) prc_text_printf(&t, "function f%d(x)\n f%d(x) + f%d(x); end\n", i, i - 1, i - 1);
    prc_text_add(&t, "model a()\n var x; y := f59(x); end\n");
    prc_model *m = NULL;
    prc_error err = {0};
    TAP_INT(prc_model_parse(t.s, "test.ant", 0, &m, &err), PRC_E_MODEL);
    TAP_HAS(err.message, "too large");
    prc_text_reset(&t);
}

static void allocation_failures(void) {
    static const char text[] =
        "function h(x)\n x/(x + 1); end\nmodel i(p)\n species X; X = p; J: X -> ; p*h(X); end\n"
        "model a()\n s: i(k); k = 3; y := s.X^2; x' = -y; x = k; const unused; at (x < y): x = 1; end\n";
    int failed = 0;
    for (long k = 1;; k++) {
        prc_model *m = NULL;
        prc_error err = {0};
        prc_memory_fail_at(k);
        prc_status st = prc_model_parse(text, "test.ant", 0, &m, &err);
        prc_memory_fail_at(0);
        if (st == PRC_OK) {
            prc_model_free(m);
            break;
        }
        if (st != PRC_E_MEMORY && failed++ == 0) printf("# allocation %ld: %s\n", k, err.message);
    }
    TAP_INT(failed, 0);
}

int main(void) {
    TAP_RUN(kinds);
    TAP_RUN(stoichiometry);
    TAP_RUN(submodels);
    TAP_RUN(synchronisation);
    TAP_RUN(functions);
    TAP_RUN(order);
    TAP_RUN(warnings);
    TAP_RUN(events);
    TAP_RUN(refusals);
    TAP_RUN(units_accepted);
    TAP_RUN(large_expression);
    TAP_RUN(allocation_failures);
    return tap_done();
}
