/* paracrine/lang.h: the model language (Antimony): text to syntax tree, with diagnostics that point at the text, and a unit
 * check of every equation. Knows nothing of solving. */
#ifndef PARACRINE_LANG_H
#define PARACRINE_LANG_H

#include "base.h"
#include "table.h"

/* ---- expressions --------------------------------------------------------------------------------------------- */

typedef enum prc_expr_kind { PRC_EX_NUMBER, PRC_EX_NAME, PRC_EX_TIME, PRC_EX_CALL } prc_expr_kind;

/* Built-in functions and operators; every operator is a call. X(enum, name as written in messages, least arguments, most arguments; -1 = any). */
#define PRC_FN_LIST(X)                                                                                               \
    X(PRC_FN_NEG, "-", 1, 1) X(PRC_FN_ADD, "+", 2, 2) X(PRC_FN_SUB, "-", 2, 2) X(PRC_FN_MUL, "*", 2, 2)              \
    X(PRC_FN_DIV, "/", 2, 2) X(PRC_FN_MOD, "%", 2, 2) X(PRC_FN_POW, "pow", 2, 2) X(PRC_FN_LT, "<", 2, 2)             \
    X(PRC_FN_LE, "<=", 2, 2) X(PRC_FN_GT, ">", 2, 2) X(PRC_FN_GE, ">=", 2, 2) X(PRC_FN_EQ, "==", 2, 2)               \
    X(PRC_FN_NE, "!=", 2, 2) X(PRC_FN_AND, "&&", 2, 2) X(PRC_FN_OR, "||", 2, 2) X(PRC_FN_NOT, "!", 1, 1)             \
    X(PRC_FN_EXP, "exp", 1, 1) X(PRC_FN_LN, "ln", 1, 1) X(PRC_FN_LOG10, "log10", 1, 1) X(PRC_FN_SQRT, "sqrt", 1, 1)  \
    X(PRC_FN_ABS, "abs", 1, 1) X(PRC_FN_MIN, "min", 1, -1) X(PRC_FN_MAX, "max", 1, -1)                               \
    X(PRC_FN_FLOOR, "floor", 1, 1) X(PRC_FN_CEIL, "ceil", 1, 1) X(PRC_FN_SIN, "sin", 1, 1) X(PRC_FN_COS, "cos", 1, 1) \
    X(PRC_FN_TAN, "tan", 1, 1) X(PRC_FN_TANH, "tanh", 1, 1)                                                          \
    X(PRC_FN_PIECEWISE, "piecewise", 1, -1) /* value, condition, value, condition, ..., otherwise */                 \
    X(PRC_FN_USER, "function", 0, -1)       /* a function of the file; user_name says which */

typedef enum prc_fn {
#define PRC_X(name, text, lo, hi) name,
    PRC_FN_LIST(PRC_X)
#undef PRC_X
        PRC_FN_COUNT
} prc_fn;

/* A node of an expression; immutable, memory belongs to an arena. `log` in Antimony is the natural logarithm unless given two arguments. */
typedef struct prc_expr {
    prc_expr_kind kind;
    int line, col;
    double number;                    /* PRC_EX_NUMBER */
    const char *name;                 /* PRC_EX_NAME: dotted path; PRC_FN_USER: name of the function */
    prc_fn fn;                        /* PRC_EX_CALL */
    size_t n_arg;
    const struct prc_expr **arg;
} prc_expr;

/* Parses one expression ("100*(1-exp(-max(0, N)))"). line/col: where the text starts in its file. The tree lives in arena. Functions other than
 * the built-in ones become PRC_FN_USER. */
PRC_CHECKED prc_status prc_expr_parse(prc_arena *arena, const char *text, const char *source, int line, int col, const prc_expr **out, prc_error *err);
/* Value of an expression; lookup gives the value of a name (false = unknown, PRC_E_KEY). `time` is asked as name "time". Uses prc_exp, prc_log, prc_pow, so the bits are those of the solver. */
typedef bool (*prc_lookup_fn)(void *ctx, const char *name, double *out);
PRC_CHECKED prc_status prc_expr_eval(const prc_expr *e, prc_lookup_fn lookup, void *ctx, double *out, prc_error *err);
/* Writes the expression as Antimony text (minimal brackets, numbers that read back exactly). */
void prc_expr_print(const prc_expr *e, prc_text *out);
/* Calls visit for every name in the expression. */
void prc_expr_names(const prc_expr *e, void (*visit)(void *ctx, const prc_expr *name), void *ctx);
/* Builders, in an arena; NULL when out of memory. prc_expr_call simplifies nothing. */
const prc_expr *prc_expr_number(prc_arena *arena, double x);
const prc_expr *prc_expr_name(prc_arena *arena, const char *name);
const prc_expr *prc_expr_call(prc_arena *arena, prc_fn fn, size_t n_arg, const prc_expr *const *arg);
/* A call of a function of the file (PRC_FN_USER). */
const prc_expr *prc_expr_call_user(prc_arena *arena, const char *name, size_t n_arg, const prc_expr *const *arg);

/* ---- files --------------------------------------------------------------------------------------------------- */

typedef enum prc_item_kind {
    PRC_IT_DECLARE,    /* species / var / const / compartment / formula a, b; one item per name */
    PRC_IT_UNIT,       /* unit per_day = 1/(86400 second) : name, expr over unit names */
    PRC_IT_HAS,        /* x has per_day : name, name2 (a unit's name) or expr */
    PRC_IT_INIT,       /* x = expr */
    PRC_IT_RULE,       /* y := expr */
    PRC_IT_RATE,       /* x' = expr */
    PRC_IT_REACTION,   /* name: reactants -> products; expr */
    PRC_IT_EVENT,      /* name: at (expr): assignments */
    PRC_IT_SUBMODEL,   /* name: model_name(args) */
    PRC_IT_SYNC        /* name is name2 */
} prc_item_kind;

typedef enum prc_symbol_kind { PRC_SY_UNKNOWN, PRC_SY_SPECIES, PRC_SY_COMPARTMENT, PRC_SY_VAR, PRC_SY_CONST } prc_symbol_kind;

typedef struct prc_species_ref {
    const char *name;
    double stoichiometry;
    bool boundary; /* written with $ */
    int line, col;
} prc_species_ref;

typedef struct prc_assignment {
    const char *name;
    const prc_expr *expr;
    int line, col;
} prc_assignment;

/* One statement of a model. Unused fields are NULL or 0. */
typedef struct prc_item {
    prc_item_kind kind;
    int line, col;
    const char *source; /* file it stands in */
    const char *name, *name2, *model_name;
    prc_symbol_kind symbol;
    bool is_const, is_var;    /* const / var in front */
    bool substance_only, boundary;
    const char *compartment;  /* `in C` */
    const prc_expr *expr;
    size_t n_reactant, n_product, n_modifier;
    prc_species_ref *reactant, *product, *modifier;
    bool irreversible;
    size_t n_assign;
    prc_assignment *assign;
    size_t n_arg;
    const char **arg; /* submodel arguments */
} prc_item;

typedef struct prc_function_def {
    const char *name;
    size_t n_param;
    const char **param;
    const prc_expr *body;
    const char *source;
    int line, col;
} prc_function_def;

typedef struct prc_model_def {
    const char *name;
    size_t n_param;
    const char **param; /* interface names */
    bool is_main;       /* *name */
    size_t n_item;
    prc_item *item;
    const char *source;
    int line, col;
} prc_model_def;

/* A parsed file with everything it imports. Immutable; owns its arena. */
typedef struct prc_ast {
    prc_arena *arena;
    size_t n_model, n_function;
    prc_model_def *model; /* imports first; the last model of the main file is the main one unless one is starred. Statements outside a model form one named "__main" */
    prc_function_def *function;
    size_t n_file;
    const char **file;      /* paths read, main file first */
    const char **file_text; /* their text, for carets and hashes */
} prc_ast;

/* Reads a .ant file and its imports (paths relative to the importing file; a cycle is an error; depth <= 32). */
PRC_CHECKED prc_status prc_ast_read(const char *path, prc_ast **out, prc_error *err);
PRC_CHECKED prc_status prc_ast_parse(const char *text, const char *source, prc_ast **out, prc_error *err);
void prc_ast_free(prc_ast *ast);
/* The model to run: the starred one of the main file, else its last; loose statements count as a model only if there is more among them
 * than units. NULL when there is none. */
const prc_model_def *prc_ast_main(const prc_ast *ast);
const prc_model_def *prc_ast_model(const prc_ast *ast, const char *name);
const prc_function_def *prc_ast_function(const prc_ast *ast, const char *name);
/* Writes the tree as canonical Antimony text, one statement per line; reading that text gives the same tree (imports flattened). */
void prc_ast_print(const prc_ast *ast, prc_text *out);
/* An error at a place in one of the files: message, source line, caret. Returns status. */
prc_status prc_ast_fail(const prc_ast *ast, const char *source, int line, int col, prc_status status, prc_error *err, const char *fmt, ...) PRC_PRINTF(7, 8);

/* ---- unit check ---------------------------------------------------------------------------------------------- */

/* A dimension for the check: exponents of second, metre, kilogram, mole, item, ampere, kelvin, candela, dose; and the factor. */
enum { PRC_AU_SECOND, PRC_AU_METRE, PRC_AU_KILOGRAM, PRC_AU_MOLE, PRC_AU_ITEM, PRC_AU_AMPERE, PRC_AU_KELVIN, PRC_AU_CANDELA, PRC_AU_DOSE, PRC_AU_COUNT };
typedef struct prc_dim {
    bool known;      /* false: no unit was declared; agrees with everything */
    double factor;
    double exponent[PRC_AU_COUNT];
} prc_dim;

/* Dimension of an Antimony unit definition or a built-in unit name (second, metre, kilogram, mole, item, litre, gram, dimensionless ...). */
PRC_CHECKED prc_status prc_dim_of_unit(const prc_ast *ast, const prc_model_def *m, const char *name, prc_dim *out, prc_error *err);
/* The same for a unit written out (the expr of PRC_IT_UNIT or PRC_IT_HAS); source names its file for messages. */
PRC_CHECKED prc_status prc_dim_of_unit_expr(const prc_ast *ast, const prc_model_def *m, const char *source, const prc_expr *e, prc_dim *out, prc_error *err);
/* Dimension of an expression, given the dimension of each name; fails with PRC_E_UNIT naming the sub-expression whose sides differ. Plain numbers
 * agree with any dimension in sums and comparisons only when they are 0; otherwise a number is dimensionless. Factors must agree too (1/d + 1/s is an error).
 * The time of the model is asked for as "time". */
typedef bool (*prc_dim_lookup_fn)(void *ctx, const char *name, prc_dim *out);
PRC_CHECKED prc_status prc_expr_dim(const prc_ast *ast, const char *source, const prc_expr *e, prc_dim_lookup_fn lookup, void *ctx, prc_dim *out, prc_error *err);
bool prc_dim_equal(const prc_dim *a, const prc_dim *b);
void prc_dim_format(const prc_dim *d, char *buf, size_t n);

#endif
