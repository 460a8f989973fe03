#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/jq_parse.h"
#include "codec/json_scan.h"

enum err jq_lex_fail(struct jq_parsing *p, size_t at, const char *fmt, ...)
{
    struct jq_fault f = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(f.text, sizeof(f.text), fmt, args);
    va_end(args);
    if (p->is_source) {
        json_scan_place(p->text, at, &f.line, &f.column);
    }
    *p->fault = f;
    return E_INVALID;
}

/* Tokens */

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

char jq_lex_char(const struct jq_parsing *p, size_t at)
{
    return (char)(at < p->text.n ? p->text.p[at] : 0);
}

static size_t name_end(const struct jq_parsing *p, size_t at)
{
    while (is_name_start(jq_lex_char(p, at)) || is_digit(jq_lex_char(p, at))) {
        at++;
    }
    return at;
}

static void skip_blanks(struct jq_parsing *p)
{
    bool comment = false;
    while (p->at < p->text.n) {
        char c = p->text.p[p->at];
        comment = comment ? c != '\n' : c == '#';
        if (!comment && c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
        p->at++;
    }
}

static size_t number_end(const struct jq_parsing *p, size_t at)
{
    while (is_digit(jq_lex_char(p, at)) || jq_lex_char(p, at) == '.') {
        at++;
    }
    if ((jq_lex_char(p, at) | 32) == 'e') {
        size_t exponent = at + 1;
        exponent += jq_lex_char(p, exponent) == '+' || jq_lex_char(p, exponent) == '-';
        if (is_digit(jq_lex_char(p, exponent))) {
            at = exponent;
            while (is_digit(jq_lex_char(p, at))) {
                at++;
            }
        }
    }
    return at;
}

static size_t sign_end(const struct jq_parsing *p)
{
    static const char *const LONG[] = {
        "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", NULL};
    struct str rest = str_sub(p->text, p->at, 3);
    for (const char *const *s = LONG; *s; s++) {
        if (str_starts(rest, str_of(*s))) {
            return p->at + strlen(*s);
        }
    }
    return p->at + 1;
}

static void set_token(struct jq_parsing *p, enum jq_token token, size_t word_start, size_t end)
{
    p->token = token;
    p->word = str_sub(p->text, word_start, end - word_start);
    p->at = end;
}

enum err jq_lex_next(struct jq_parsing *p)
{
    skip_blanks(p);
    size_t at = p->token_start = p->at;
    char c = jq_lex_char(p, at), after = jq_lex_char(p, at + 1);
    if (at >= p->text.n) {
        set_token(p, JQ_TOKEN_END, at, at);
    } else if (is_name_start(c)) {
        set_token(p, JQ_TOKEN_NAME, at, name_end(p, at));
    } else if (c == '.' && is_name_start(after)) {
        set_token(p, JQ_TOKEN_FIELD, at + 1, name_end(p, at + 1));
    } else if ((c == '$' || c == '@') && is_name_start(after)) {
        set_token(p, c == '$' ? JQ_TOKEN_VARIABLE : JQ_TOKEN_FORMAT, at + 1, name_end(p, at + 1));
    } else if (is_digit(c) || (c == '.' && is_digit(after))) {
        set_token(p, JQ_TOKEN_NUMBER, at, number_end(p, at));
    } else if (c == '"') {
        set_token(p, JQ_TOKEN_QUOTE, at, at + 1);
    } else if (c > ' ' && strchr(".[](){}|,:;=<>+-*/%?!", c)) {
        set_token(p, JQ_TOKEN_SIGN, at, sign_end(p));
    } else {
        return jq_lex_fail(p, at, "unexpected character");
    }
    return E_OK;
}

bool jq_lex_is(const struct jq_parsing *p, const char *sign)
{
    return p->token == JQ_TOKEN_SIGN && str_eqz(p->word, sign);
}

bool jq_lex_is_word(const struct jq_parsing *p, const char *word)
{
    return p->token == JQ_TOKEN_NAME && str_eqz(p->word, word);
}

enum err jq_lex_unexpected(struct jq_parsing *p, const char *wanted)
{
    if (p->token == JQ_TOKEN_END) {
        return jq_lex_fail(p, p->token_start, "the program ends where %s is expected", wanted);
    }
    return jq_lex_fail(p, p->token_start, "unexpected \"%.*s\": %s is expected",
                       (int)(p->word.n < 40 ? p->word.n : 40), p->word.p, wanted);
}

enum err jq_lex_expect(struct jq_parsing *p, const char *sign)
{
    if (!jq_lex_is(p, sign)) {
        char wanted[8];
        snprintf(wanted, sizeof(wanted), "\"%s\"", sign);
        return jq_lex_unexpected(p, wanted);
    }
    return jq_lex_next(p);
}

enum err jq_lex_expect_word(struct jq_parsing *p, const char *word)
{
    return jq_lex_is_word(p, word) ? jq_lex_next(p) : jq_lex_unexpected(p, word);
}

bool jq_lex_is_keyword(struct str s)
{
    static const char *const WORDS[] = {"def",    "if",      "then",    "elif", "else",    "end",
                                        "as",     "reduce",  "foreach", "try",  "catch",   "label",
                                        "import", "include", "and",     "or",   "__loc__", NULL};
    for (const char *const *w = WORDS; *w; w++) {
        if (str_eqz(s, *w)) {
            return true;
        }
    }
    return false;
}
