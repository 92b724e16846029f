/* lexer.c: text to tokens, and the message with source line and caret that every error of lang ends in. */
#include "lang_int.h"

#include <string.h>

typedef struct lexer {
    const prc_lang_text *src;
    prc_arena *arena;
    size_t at, line_start;
    int line;
    prc_token *tok;
    size_t n, cap;
    bool no_memory, stopped;
} lexer;

static const struct {
    const char *text, *unsupported;
} keyword_table[] = {{"", NULL},
#define PRC_X(id, text, what) {text, what},
                     PRC_KEYWORD_LIST(PRC_X)
#undef PRC_X
};

const char *prc_keyword_text(prc_keyword k) {
    return keyword_table[k].text;
}

const char *prc_keyword_unsupported(prc_keyword k) {
    return keyword_table[k].unsupported;
}

static prc_keyword keyword_of(const char *name) {
    for (int k = 1; k < PRC_KW_COUNT; k++)
        if (strcmp(name, keyword_table[k].text) == 0) return (prc_keyword)k;
    return PRC_KW_NONE;
}

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char peek(const lexer *x, size_t ahead) {
    return x->at + ahead < x->src->n ? x->src->text[x->at + ahead] : '\0';
}

static int column(const lexer *x, size_t offset) {
    size_t col = offset - x->line_start + 1;
    if (x->line == x->src->line) col += (size_t)(x->src->col - 1);
    return col > 1000000000 ? 1000000000 : (int)col;
}

static prc_token *push(lexer *x, prc_token_kind kind, size_t length) {
    if (!PRC_GROW(x->tok, x->n, x->cap)) {
        x->no_memory = true;
        return NULL;
    }
    prc_token *t = &x->tok[x->n++];
    *t = (prc_token){.kind = kind, .line = x->line, .col = column(x, x->at), .offset = x->at, .length = length};
    x->at += length;
    return t;
}

/* The error becomes the last token, so that whatever is wrong before it is reported first. */
static void stop(lexer *x, const char *message) {
    prc_token *t = push(x, PRC_T_ERROR, 0);
    x->stopped = true;
    if (!t) return;
    t->text = message;
    if (!message) x->no_memory = true;
}

static void new_line(lexer *x, size_t length) {
    x->at += length;
    x->line++;
    x->line_start = x->at;
}

/* Length of the line end at offset `ahead`, 0 if there is none. */
static size_t line_end(const lexer *x, size_t ahead) {
    char c = peek(x, ahead);
    if (c == '\n') return 1;
    if (c != '\r') return 0;
    return peek(x, ahead + 1) == '\n' ? 2 : 1;
}

static void block_comment(lexer *x) {
    const lexer start = *x;
    for (x->at += 2; x->at < x->src->n;) {
        size_t end = line_end(x, 0);
        if (end) {
            new_line(x, end);
        } else if (peek(x, 0) == '*' && peek(x, 1) == '/') {
            x->at += 2;
            return;
        } else {
            x->at++;
        }
    }
    x->at = start.at;
    x->line = start.line;
    x->line_start = start.line_start;
    stop(x, "this comment has no end: '*/' is missing");
}

static void text_string(lexer *x) {
    size_t n = 1;
    while (x->at + n < x->src->n && peek(x, n) != '"' && !line_end(x, n)) {
        if (peek(x, n) == '\0') {
            x->at += n;
            stop(x, "a NUL byte: this is not a text file");
            return;
        }
        n++;
    }
    if (peek(x, n) != '"') {
        stop(x, "this text has no closing '\"'");
        return;
    }
    const char *s = prc_arena_strndup(x->arena, x->src->text + x->at + 1, n - 1);
    prc_token *t = push(x, PRC_T_STRING, n + 1);
    if (!s) x->no_memory = true;
    if (t) t->text = s;
}

/* A dotted path is one token: fate.T_f. */
static void name(lexer *x) {
    size_t n = 0;
    while (is_alpha(peek(x, n)) || is_digit(peek(x, n)) || (peek(x, n) == '.' && is_alpha(peek(x, n + 1)))) n++;
    const char *s = prc_arena_strndup(x->arena, x->src->text + x->at, n);
    prc_token *t = push(x, PRC_T_NAME, n);
    if (!s) x->no_memory = true;
    if (!t || !s) return;
    t->text = s;
    t->keyword = keyword_of(s);
}

static void number(lexer *x) {
    size_t n = 0;
    while (is_digit(peek(x, n))) n++;
    if (peek(x, n) == '.') n++;
    while (is_digit(peek(x, n))) n++;
    if (peek(x, n) == 'e' || peek(x, n) == 'E') {
        size_t sign = peek(x, n + 1) == '+' || peek(x, n + 1) == '-' ? 1 : 0;
        if (is_digit(peek(x, n + 1 + sign)))
            for (n += 2 + sign; is_digit(peek(x, n));) n++;
    }
    const char *s = prc_arena_strndup(x->arena, x->src->text + x->at, n);
    if (!s) {
        x->no_memory = true;
        return;
    }
    double value;
    if (!prc_parse_double(s, &value) || value - value != 0.0) {
        stop(x, "this number is too large for double precision (about 1.8e308)");
        return;
    }
    prc_token *t = push(x, PRC_T_NUMBER, n);
    if (t) t->number = value;
}

static void strange_character(lexer *x) {
    unsigned char c = (unsigned char)peek(x, 0);
    if (c == 0) {
        stop(x, "a NUL byte: this is not a text file");
    } else if (c == '`') {
        stop(x, "notes in backquotes are not supported yet");
    } else if (c < 0x20 || c == 0x7f) {
        stop(x, prc_arena_printf(x->arena, "a control character (byte 0x%02x) does not belong here: is this a text file?", c));
    } else {
        size_t n = 1;
        while (c >= 0xc0 && n < 4 && ((unsigned char)peek(x, n) & 0xc0) == 0x80) n++;
        stop(x, prc_arena_printf(x->arena, "the character '%.*s' does not belong here", (int)n, x->src->text + x->at));
    }
}

static void symbol(lexer *x) {
    static const struct {
        const char *text;
        prc_token_kind kind;
    } table[] = {
        /* longer ones first */
        {"->", PRC_T_ARROW}, {"=>", PRC_T_ARROW_IRREV}, {":=", PRC_T_ASSIGN},   {"==", PRC_T_EQ},   {"!=", PRC_T_NE},
        {"<=", PRC_T_LE},    {">=", PRC_T_GE},          {"&&", PRC_T_AND},      {"||", PRC_T_OR},   {"**", PRC_T_CARET},
        {"=", PRC_T_EQUAL},  {"'", PRC_T_PRIME},        {":", PRC_T_COLON},     {",", PRC_T_COMMA}, {"$", PRC_T_DOLLAR},
        {"(", PRC_T_OPEN},   {")", PRC_T_CLOSE},        {"+", PRC_T_PLUS},      {"-", PRC_T_MINUS}, {"*", PRC_T_STAR},
        {"/", PRC_T_SLASH},  {"%", PRC_T_PERCENT},      {"^", PRC_T_CARET},     {"<", PRC_T_LT},    {">", PRC_T_GT},
        {"!", PRC_T_NOT},    {"|", PRC_T_BAR},          {";", PRC_T_SEMICOLON},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t n = strlen(table[i].text);
        if (x->at + n <= x->src->n && memcmp(x->src->text + x->at, table[i].text, n) == 0) {
            push(x, table[i].kind, n);
            return;
        }
    }
    strange_character(x);
}

/* A backslash at the end of a line joins it with the next one; true if that is what stands here. */
static bool continuation(lexer *x) {
    size_t n = 1;
    while (peek(x, n) == ' ' || peek(x, n) == '\t') n++;
    size_t end = line_end(x, n);
    if (peek(x, 0) != '\\' || !end) return false;
    new_line(x, n + end);
    return true;
}

static void step(lexer *x) {
    char c = peek(x, 0);
    size_t end = line_end(x, 0);
    if (c == ' ' || c == '\t') {
        x->at++;
    } else if (end) {
        push(x, PRC_T_NEWLINE, 0);
        new_line(x, end);
    } else if (c == '#' || (c == '/' && peek(x, 1) == '/')) {
        while (x->at < x->src->n && !line_end(x, 0)) x->at++;
    } else if (c == '/' && peek(x, 1) == '*') {
        block_comment(x);
    } else if (c == '"') {
        text_string(x);
    } else if (is_alpha(c)) {
        name(x);
    } else if (is_digit(c) || (c == '.' && is_digit(peek(x, 1)))) {
        number(x);
    } else if (!continuation(x)) {
        symbol(x);
    }
}

prc_status prc_lex(prc_arena *arena, const prc_lang_text *src, prc_token **out, prc_error *err) {
    lexer x = {.src = src, .arena = arena, .line = src->line};
    if (src->n >= 3 && memcmp(src->text, "\xef\xbb\xbf", 3) == 0) x.at = x.line_start = 3;
    while (x.at < src->n && !x.stopped && !x.no_memory) step(&x);
    if (!x.stopped && !x.no_memory) push(&x, PRC_T_EOF, 0);
    if (x.no_memory) {
        prc_free(x.tok);
        return prc_lang_no_memory(err);
    }
    *out = x.tok;
    return PRC_OK;
}

prc_status prc_lang_no_memory(prc_error *err) {
    return prc_fail(err, PRC_E_MEMORY, "out of memory");
}

/* Start and length of a line of the text. */
static const char *find_line(const prc_lang_text *src, int line, size_t *n) {
    const char *s = src->text, *end = src->text + src->n;
    if (src->n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) s += 3;
    for (int k = src->line; k < line; k++) {
        while (s < end && *s != '\n' && *s != '\r') s++;
        if (s == end) return NULL;
        s += *s == '\r' && s + 1 < end && s[1] == '\n' ? 2 : 1;
    }
    const char *e = s;
    while (e < end && *e != '\n' && *e != '\r') e++;
    *n = (size_t)(e - s);
    return s;
}

static bool continues_character(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Are all characters whole? */
static bool is_utf8(const char *s, size_t n) {
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i++];
        int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
        if (more < 0) return false;
        for (; more > 0; more--)
            if (i >= n || !continues_character(s[i++])) return false;
    }
    return true;
}

/* Writes the source line and a caret under byte `at` of it; a long line is cut to a window around the place. */
static void add_caret(char *buf, size_t size, const char *s, size_t n, size_t at) {
    enum { WINDOW = 110, BEFORE = 60 };
    if (at > n) at = n;
    size_t from = at > BEFORE && n > WINDOW ? at - BEFORE : 0;
    while (from > 0 && continues_character(s[from])) from--;
    size_t to = n - from > WINDOW ? from + WINDOW : n;
    for (int i = 0; i < 3 && to < n && continues_character(s[to]); i++) to++;
    const char *dots = from > 0 ? "..." : "";
    char shown[WINDOW + 8], pad[WINDOW + 8];
    bool text = is_utf8(s, n); /* bytes of another kind would only disturb a terminal */
    size_t k = 0, w = 0;
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)s[i];
        shown[k++] = c == '\t' || (c >= 0x20 && c != 0x7f && (text || c < 0x80)) ? (char)c : '?';
        if (i < at && !continues_character(s[i])) pad[w++] = c == '\t' ? '\t' : ' ';
    }
    snprintf(buf, size, "\n    %s%.*s%s\n    %*s%.*s^", dots, (int)k, shown, to < n ? "..." : "", (int)strlen(dots), "",
             (int)w, pad);
}

prc_status prc_lang_vfail(const prc_lang_text *src, int line, int col, prc_status status, prc_error *err,
                          const char *fmt, va_list ap) {
    if (!err) return status;
    char message[PRC_MESSAGE_MAX], place[PRC_MESSAGE_MAX] = "";
    vsnprintf(message, sizeof message - 400, fmt, ap);
    for (char *c = message; *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f) *c = '?';
    size_t n = 0;
    const char *s = src->text && line >= src->line && col > 0 ? find_line(src, line, &n) : NULL;
    if (s) add_caret(place, sizeof place, s, n, (size_t)(line == src->line ? col - src->col : col - 1));
    return prc_fail_at(err, status, src->source, line, col, "%s%s", message, place);
}

prc_status prc_lang_fail(const prc_lang_text *src, int line, int col, prc_status status, prc_error *err,
                         const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    status = prc_lang_vfail(src, line, col, status, err, fmt, ap);
    va_end(ap);
    return status;
}
