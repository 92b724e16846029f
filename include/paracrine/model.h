/* paracrine/model.h: a flattened model and the straight-line program made from it. Both are const once built and may be
 * shared by any number of threads. Knows no patients and no time stepping. */
#ifndef PARACRINE_MODEL_H
#define PARACRINE_MODEL_H

#include "base.h"
#include "kernel.h"
#include "lang.h"

/* ---- flattened model ----------------------------------------------------------------------------------------- */

typedef enum prc_var_kind {
    PRC_VAR_PARAMETER, /* constant in time; may be set per patient; may be changed by an event */
    PRC_VAR_STATE,     /* has a rate: species of reactions, or rate rule */
    PRC_VAR_ASSIGNED   /* y := expr */
} prc_var_kind;

/* One named quantity of the flattened model. */
typedef struct prc_var {
    const char *name;           /* dotted path: fate.T_f */
    prc_var_kind kind;
    prc_symbol_kind symbol;
    int slot;                   /* index among the parameters / states / assigned variables */
    const prc_expr *rule;       /* PRC_VAR_ASSIGNED: its expression; PRC_VAR_STATE: its whole rate dx/dt */
    const prc_expr *initial;    /* initial assignment or value over flattened names, NULL = none given */
    const char *unit;           /* as declared, NULL = none */
    prc_dim dim;
    const char *source;
    int line, col;
} prc_var;

typedef struct prc_model_event {
    const char *name;
    const prc_expr *trigger; /* fires when it goes from false to true */
    size_t n_assign;
    const int *target;       /* index into var */
    const prc_expr *const *value;
    const char *source;
    int line, col;
} prc_model_event;

typedef struct prc_model_reaction {
    const char *name;
    const prc_expr *rate; /* its rate law over flattened names */
} prc_model_reaction;

typedef struct prc_model {
    prc_arena *arena;
    const prc_ast *ast;     /* owned */
    const char *name;
    size_t n_var, n_state, n_param, n_assigned;
    prc_var *var;
    int *state;             /* var index of state slot (n_state), in order of declaration */
    int *param;             /* var index of parameter slot (n_param) */
    int *assigned;          /* var index in evaluation order (n_assigned): each after those it uses */
    size_t n_event;
    prc_model_event *event;
    size_t n_reaction;
    prc_model_reaction *reaction;
    double time_factor;     /* seconds per unit of model time, 1 if not declared */
    size_t n_warning;
    const char **warning;   /* "file:line:col: warning: ..." unused names, undeclared units */
    struct prc_names *names; /* private: every name, aliases by `is` included, to its var index */
} prc_model;

/* Flattens the main model of a file: submodels (dotted names), synchronisation, functions inlined, reactions folded into rates,
 * assignments ordered. Errors: undefined name (with the nearest one), duplicate rule, algebraic loop (the names in the loop), wrong
 * argument count, rate on a const, unit mismatch in any equation (unless flags say so). Takes ownership of nothing; path is read. */
enum { PRC_MODEL_NO_UNITS = 1 };
PRC_CHECKED prc_status prc_model_load(const char *path, unsigned flags, prc_model **out, prc_error *err);
PRC_CHECKED prc_status prc_model_parse(const char *text, const char *source, unsigned flags, prc_model **out, prc_error *err);
void prc_model_free(prc_model *m);
/* Variable index by flattened name, -1 if absent. */
int prc_model_find(const prc_model *m, const char *name);
/* The nearest name in the model, NULL if none is near. */
const char *prc_model_nearest(const prc_model *m, const char *name);
/* Turns parameter `name` into the line name@value + name@slope*(time - name@from) over three new parameters, whose slots come
 * back in slot[3]; slot[0] is the one `name` had, the others are appended. For covariates that change linearly. On failure the
 * model can only be freed. */
PRC_CHECKED prc_status prc_model_interpolate(prc_model *m, const char *name, int slot[3], prc_error *err);
/* Derivative of an expression with respect to a name, simplified; lives in arena. min/max/abs/piecewise/comparisons are differentiated branch by branch. NULL when out of memory. */
const prc_expr *prc_expr_derive(prc_arena *arena, const prc_expr *e, const char *name);
/* Folds constants, drops *1, +0, and the like; never changes a value at a finite argument. NULL when out of memory. */
const prc_expr *prc_expr_simplify(prc_arena *arena, const prc_expr *e);

/* ---- program ------------------------------------------------------------------------------------------------- */

/* What to compile besides the rates. Names and expressions refer to the flattened model; expressions are copied. */
typedef struct prc_program_spec {
    size_t n_output;               /* quantities wanted at output times */
    const prc_expr *const *output;
    size_t n_watch;                /* an occurrence is recorded when such an expression first rises above 0 (root found on the dense output) */
    const prc_expr *const *watch;
    size_t n_frozen;               /* states whose rate is taken as 0 (baseline run-in) */
    const char *const *frozen;
    size_t n_set;                  /* states whose value at the start is given by the caller rather than by the model: unused names allowed. Initial
                                      values that refer to them read their state register, which the caller fills before it runs `initial` */
    const char *const *set;
} prc_program_spec;

/* One straight-line piece of the program. */
typedef struct prc_code {
    const prc_instr *instr;
    size_t n_instr;
} prc_code;

/* The compiled model. Registers of a lane: [time][states][params][constants...][per-patient terms...][temporaries...].
 * A piece reads registers that earlier pieces wrote as described; results are found at the register numbers listed. */
typedef struct prc_program {
    prc_arena *arena;
    size_t n_state, n_param, n_reg;
    int reg_time, reg_state, reg_param; /* state i is register reg_state + i, parameter i reg_param + i */
    const int32_t *args;                /* argument lists of SUM, SUMPROD, SUBPROD */
    prc_code constants;                 /* run once per workspace: writes constant registers */
    prc_code initial;                   /* from parameters at t: writes the initial value of every state to reg_initial[] (n_state), and of every
                                           parameter that has an initial assignment over others to its parameter register (in dependency order) */
    const int32_t *reg_initial;
    const uint8_t *has_initial;         /* state has a value of its own in the model (n_state) */
    prc_code patient;                   /* run when a lane is loaded or an event changed a parameter: terms that depend on parameters only */
    prc_code rate;                      /* from time, states: dx/dt */
    const int32_t *reg_rate;            /* (n_state); a register of a constant 0 is allowed */
    prc_code jacobian;                  /* from time, states: dx/dt, the non-zeros of J, and df/dt; shares work with rate but does not depend on its having run */
    const int32_t *jac_reg_rate;        /* (n_state) */
    size_t n_jac;                       /* structural non-zeros of J */
    const int32_t *jac_row, *jac_col;   /* (n_jac) in state order */
    const int32_t *reg_jac;             /* (n_jac) */
    const int32_t *reg_dfdt;            /* (n_state), -1 where structurally zero */
    bool explicit_time;                 /* any reg_dfdt >= 0 */
    /* Sparse LU of W = I/(h gamma) - J with diagonal pivots in a Markowitz order fixed at compile time. */
    int reg_hginv;                      /* the caller writes 1/(h gamma) here */
    prc_code factor;                    /* from reg_jac and reg_hginv: writes LU registers */
    int reg_rhs;                        /* right-hand side in, solution out: reg_rhs + i, state order */
    prc_code solve;
    size_t n_lu;                        /* entries of L+U, for reports */
    const int32_t *reg_pivot;           /* reciprocals of pivots (n_state): non-finite or huge means trouble */
    prc_code output;                    /* from time, states: outputs, watches, event triggers */
    const int32_t *reg_output;          /* (n_output) */
    const int32_t *reg_watch;           /* (n_watch) */
    const int32_t *reg_trigger;         /* (n_event): positive = true, a continuous distance where the trigger is an inequality (a > b gives a - b) */
    size_t n_output, n_watch, n_event;
    /* Events: for event e run `event[e]`, then copy its values. */
    const prc_code *event;              /* (n_event) from time, states, parameters */
    const int32_t *const *event_reg;    /* value registers */
    const int32_t *const *event_target; /* register to write: a state or parameter register */
    const size_t *event_n;
    bool event_changes_param;
    const char *const *state_name; /* (n_state), for messages and listings */
    const char *const *param_name; /* (n_param) */
} prc_program;

/* Compiles. Common subexpressions are shared within a piece, parameter-only terms hoisted into `patient`, constants into `constants`.
 * PRC_E_KEY for an unknown name in an output, watch or frozen list. The model must outlive nothing: the program stands alone. */
PRC_CHECKED prc_status prc_program_compile(const prc_model *m, const prc_program_spec *spec, prc_program **out, prc_error *err);
void prc_program_free(prc_program *p);
/* Human-readable listing of the program (`model show --program`). */
void prc_program_print(const prc_program *p, prc_text *out);
/* Measures the time per piece and per operation with the kernels of one level (`model show --profile`). */
PRC_CHECKED prc_status prc_program_profile(const prc_program *p, const prc_kernel *k, prc_text *out, prc_error *err);

#endif
