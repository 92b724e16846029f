/* lang_int.h: what the files of lang share: tokens, the parser's state, and the tree under construction. */
#ifndef PRC_LANG_INT_H
#define PRC_LANG_INT_H

#include "paracrine/lang.h"

/* Brackets, signs and powers inside one another; deeper is an error, so that the parser's stack is bounded. */
#define PRC_LANG_NESTING_MAX 1000
/* Height of a parsed tree; a sum of n terms is a tree of height n. Bounds the stack of whoever walks it. */
#define PRC_LANG_HEIGHT_MAX 4000
/* Height at which eval, print and the unit check give up on a tree that was built rather than parsed. */
#define PRC_LANG_WALK_MAX 8000
#define PRC_LANG_IMPORT_MAX 32
#define PRC_LANG_FILE_MAX ((size_t)16 << 20)
#define PRC_LANG_MAIN "__main"

typedef enum prc_token_kind {
    PRC_T_EOF,
    PRC_T_NEWLINE,
    PRC_T_SEMICOLON,
    PRC_T_NAME,
    PRC_T_NUMBER,
    PRC_T_STRING,
    PRC_T_ERROR,
    PRC_T_ARROW,
    PRC_T_ARROW_IRREV,
    PRC_T_ASSIGN,
    PRC_T_EQUAL,
    PRC_T_PRIME,
    PRC_T_COLON,
    PRC_T_COMMA,
    PRC_T_DOLLAR,
    PRC_T_OPEN,
    PRC_T_CLOSE,
    PRC_T_PLUS,
    PRC_T_MINUS,
    PRC_T_STAR,
    PRC_T_SLASH,
    PRC_T_PERCENT,
    PRC_T_CARET,
    PRC_T_LT,
    PRC_T_LE,
    PRC_T_GT,
    PRC_T_GE,
    PRC_T_EQ,
    PRC_T_NE,
    PRC_T_AND,
    PRC_T_OR,
    PRC_T_NOT,
    PRC_T_BAR
} prc_token_kind;

/* Reserved words: X(id, text, what it is when it is not supported yet, else NULL). */
/* clang-format off */
#define PRC_KEYWORD_LIST(X)                                                                                     \
    X(MODEL, "model", NULL) X(MODULE, "module", NULL) X(END, "end", NULL) X(FUNCTION, "function", NULL)         \
    X(IMPORT, "import", NULL) X(SPECIES, "species", NULL) X(COMPARTMENT, "compartment", NULL)                   \
    X(VAR, "var", NULL) X(CONST, "const", NULL) X(EXT, "ext", NULL) X(FORMULA, "formula", NULL)                 \
    X(UNIT, "unit", NULL) X(HAS, "has", NULL) X(IN, "in", NULL) X(IS, "is", NULL) X(AT, "at", NULL)             \
    X(AFTER, "after", NULL) X(SUBSTANCE_ONLY, "substanceOnly", NULL) X(AND, "and", NULL) X(OR, "or", NULL)      \
    X(NOT, "not", NULL) X(DELETE, "delete", "'delete'") X(CONSTRAINT, "constraint", "a constraint")             \
    X(MAXIMIZE, "maximize", "an objective") X(MINIMIZE, "minimize", "an objective")                             \
    X(REACTION, "reaction", "the declaration of a reaction") X(GENE, "gene", "a gene")                          \
    X(OPERATOR, "operator", "a DNA operator") X(DNA, "DNA", "a DNA strand") X(EVENT, "event", "'event'")
/* clang-format on */

typedef enum prc_keyword {
    PRC_KW_NONE,
#define PRC_X(id, text, what) PRC_KW_##id,
    PRC_KEYWORD_LIST(PRC_X)
#undef PRC_X
        PRC_KW_COUNT
} prc_keyword;

typedef struct prc_token {
    prc_token_kind kind;
    prc_keyword keyword; /* PRC_T_NAME */
    int line, col;
    size_t offset, length; /* in the text */
    double number;         /* PRC_T_NUMBER */
    const char *text;      /* name, string, or the message of PRC_T_ERROR */
} prc_token;

/* A piece of text and where it stands in its file. */
typedef struct prc_lang_text {
    const char *source;
    const char *text;
    size_t n;
    int line, col; /* of the first character */
} prc_lang_text;

/* The tree while files are being read; arrays on the heap, all they point to in the arena. */
typedef struct prc_ast_build {
    prc_arena *arena;
    prc_error *err;
    size_t n_model, cap_model, n_function, cap_function, n_file, cap_file, cap_file_text;
    prc_model_def *model;
    prc_function_def *function;
    const char **file, **file_text;
    const char *open[PRC_LANG_IMPORT_MAX + 1]; /* files being read, outermost first */
    size_t n_open;
} prc_ast_build;

typedef struct prc_parser {
    prc_arena *arena;
    prc_error *err;
    const prc_lang_text *src;
    const prc_token *tok; /* next token; the last one is PRC_T_EOF or PRC_T_ERROR and is never passed */
    int depth;
    bool unit;            /* reading a unit: a number may stand in front of a name */
    prc_ast_build *build; /* NULL: a lone expression, any function name goes */
} prc_parser;

/* Text of a keyword, and what to call it when it is not supported (NULL: it is). */
const char *prc_keyword_text(prc_keyword k);
const char *prc_keyword_unsupported(prc_keyword k);
/* Splits a text into tokens; the array is freed by prc_free. A lexical error becomes the last token. Fails only with
 * PRC_E_MEMORY. */
PRC_CHECKED prc_status prc_lex(prc_arena *arena, const prc_lang_text *src, prc_token **out, prc_error *err);
/* Error at a place: message, source line, caret. */
prc_status prc_lang_fail(const prc_lang_text *src, int line, int col, prc_status status, prc_error *err,
                         const char *fmt, ...) PRC_PRINTF(6, 7);
prc_status prc_lang_vfail(const prc_lang_text *src, int line, int col, prc_status status, prc_error *err,
                          const char *fmt, va_list ap) PRC_PRINTF(6, 0);
prc_status prc_lang_no_memory(prc_error *err);
/* "expected WHAT, found ..." at the next token (or the lexer's own message if that is what stopped us). */
prc_status prc_parser_expected(prc_parser *p, const char *what);
void prc_parser_next(prc_parser *p);
PRC_CHECKED prc_status prc_parser_expr(prc_parser *p, const prc_expr **out);
/* Names a model may not define: constants and functions of the language. What it is ("a built-in constant"), else NULL.
 */
const char *prc_lang_reserved(const char *name);
/* Name of a built-in function or operator. */
const char *prc_fn_text(prc_fn fn);
/* The name of a built-in function nearest to name, or of one of the file's. */
const char *prc_fn_nearest(const char *name, const prc_function_def *def, size_t n_def);
/* Text of an expression cut to size n for a message. */
void prc_expr_brief(const prc_expr *e, char *buf, size_t n);
/* Reads the whole text of a file into build (prc_ast_build for imports). */
PRC_CHECKED prc_status prc_parse_file(prc_ast_build *b, const char *path, const char *text, size_t n);
/* Adds the file at path and all it imports, unless it was read already. */
PRC_CHECKED prc_status prc_ast_import(prc_ast_build *b, const prc_lang_text *from, int line, int col, const char *path);
/* Is name a unit of SBML, which a file may not redefine? */
bool prc_unit_is_base(const char *name);

#endif
