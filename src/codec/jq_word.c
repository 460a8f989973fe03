/* The parts of a jq program that begin with a word or a quote. */
#include <string.h>

#include "codec/jq_parse.h"
#include "codec/json_scan.h"
#include "codec/text.h"

/* Strings */

/* The code point after \u, its second half included. */
static bool read_unicode(struct jq_parsing *p, uint32_t *out_code)
{
    struct str rest = str_sub(p->text, p->at, 10);
    int high = rest.n < 4 ? -1 : json_scan_hex4(rest.p);
    if (high < 0) {
        return false;
    }
    p->at += 4;
    *out_code = (uint32_t)high;
    if (high >= 0xd800 && high < 0xdc00 && rest.n == 10 && rest.p[4] == '\\' && rest.p[5] == 'u') {
        int low = json_scan_hex4(rest.p + 6);
        if (low >= 0xdc00 && low <= 0xdfff) {
            p->at += 6;
            *out_code = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
        }
    }
    return true;
}

/* One escape other than \( ; p->at is behind the backslash. */
static enum err read_escape(struct jq_parsing *p, char **out)
{
    static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
    char c = jq_lex_char(p, p->at++);
    uint32_t code = 0;
    if (c == 'u') {
        if (!read_unicode(p, &code)) {
            return jq_lex_fail(p, p->at - 2, "\\u is not followed by four hexadecimal digits");
        }
        *out += text_put(*out, code);
        return E_OK;
    }
    const char *known = c ? strchr(FROM, c) : NULL;
    if (!known) {
        return jq_lex_fail(p, p->at - 2, "unknown escape in a string");
    }
    *(*out)++ = TO[known - FROM];
    return E_OK;
}

static enum err parse_interpolation(struct jq_parsing *p, struct jq_parts *parts)
{
    const struct jq_node *inner;
    p->at++;
    TRY(jq_lex_next(p));
    TRY(jq_parse_pipe(p, &inner));
    if (!jq_lex_is(p, ")")) {
        return jq_lex_unexpected(p, "\")\"");
    }
    jq_parse_add_part(p, parts,
                      inner); /* p->at is behind the parenthesis: the string goes on there */
    return E_OK;
}

/* The current token is the opening quote; afterwards it is what follows the string. */
enum err jq_word_string(struct jq_parsing *p, const struct jq_format *format,
                        const struct jq_node **out_node)
{
    size_t start = p->token_start;
    struct jq_parts parts = {0};
    char *piece = arena_alloc(p->arena, p->text.n - p->at + 1), *end = piece;
    bool plain = true;
    while (jq_lex_char(p, p->at) != '"' || p->at >= p->text.n) {
        if (p->at >= p->text.n) {
            return jq_lex_fail(p, start, "this string is never closed");
        }
        if (p->text.p[p->at] != '\\') {
            *end++ = p->text.p[p->at++];
        } else if (jq_lex_char(p, p->at + 1) == '(') {
            const struct json *s = json_new_str(p->arena, str_make(piece, (size_t)(end - piece)));
            jq_parse_add_part(p, &parts, jq_parse_literal(p, s));
            p->at++;
            TRY(parse_interpolation(p, &parts));
            plain = false;
            piece = end = arena_alloc(p->arena, p->text.n - p->at + 1);
        } else {
            p->at++;
            TRY(read_escape(p, &end));
        }
    }
    p->at++;
    const struct json *s = json_new_str(p->arena, str_make(piece, (size_t)(end - piece)));
    TRY(jq_lex_next(p));
    if (plain) {
        *out_node = jq_parse_literal(p, s);
        return E_OK;
    }
    jq_parse_add_part(p, &parts, jq_parse_literal(p, s));
    struct jq_node *n = jq_parse_node(p, JQ_TEXT);
    n->parts = parts.nodes;
    n->n_parts = parts.count;
    n->format = format;
    *out_node = n;
    return E_OK;
}

enum err jq_word_format(struct jq_parsing *p, const struct jq_node **out_node)
{
    const struct jq_format *format = jq_format_find(p->word);
    if (!format) {
        return jq_lex_fail(p, p->token_start, "unknown format @%.*s",
                           (int)(p->word.n < 40 ? p->word.n : 40), p->word.p);
    }
    struct jq_node *n = jq_parse_node(p, JQ_FORMAT);
    n->format = format;
    *out_node = n;
    TRY(jq_lex_next(p));
    return p->token == JQ_TOKEN_QUOTE ? jq_word_string(p, format, out_node) : E_OK;
}

/* Terms that begin with a word */

static enum err parse_if(struct jq_parsing *p, const struct jq_node **out_node)
{
    struct jq_node *n = jq_parse_node(p, JQ_IF);
    *out_node = n;
    if (++p->depth > JQ_NESTING_MAX) {
        return jq_lex_fail(p, p->token_start, "nested too deep");
    }
    TRY(jq_lex_next(p));
    TRY(jq_parse_pipe(p, &n->a));
    TRY(jq_lex_expect_word(p, "then"));
    TRY(jq_parse_pipe(p, &n->b));
    p->depth--;
    if (jq_lex_is_word(p, "elif")) {
        return parse_if(p, &n->c);
    }
    if (jq_lex_is_word(p, "else")) {
        TRY(jq_lex_next(p));
        TRY(jq_parse_pipe(p, &n->c));
    }
    return jq_lex_expect_word(p, "end");
}

static enum err parse_try(struct jq_parsing *p, const struct jq_node **out_node)
{
    struct jq_node *n = jq_parse_node(p, JQ_TRY);
    *out_node = n;
    TRY(jq_lex_next(p));
    TRY(jq_parse_postfix(p, &n->a));
    if (!jq_lex_is_word(p, "catch")) {
        return E_OK;
    }
    TRY(jq_lex_next(p));
    return jq_parse_postfix(p, &n->b);
}

/* reduce T as P (a; b)   foreach T as P (a; b)   foreach T as P (a; b; c) */
static enum err parse_fold(struct jq_parsing *p, const struct jq_node **out_node)
{
    bool reduce = jq_lex_is_word(p, "reduce");
    struct jq_node *n = jq_parse_node(p, reduce ? JQ_REDUCE : JQ_FOREACH);
    const struct jq_scope *before = p->scope;
    *out_node = n;
    TRY(jq_lex_next(p));
    TRY(jq_parse_postfix(p, &n->a));
    TRY(jq_lex_expect_word(p, "as"));
    TRY(jq_parse_pattern(p, &n->pattern));
    const struct jq_scope *inside = p->scope;
    TRY(jq_lex_expect(p, "("));
    p->scope = before; /* the pattern's variables are not known in the initial value */
    TRY(jq_parse_pipe(p, &n->b));
    p->scope = inside;
    TRY(jq_lex_expect(p, ";"));
    TRY(jq_parse_pipe(p, &n->c));
    if (!reduce && jq_lex_is(p, ";")) {
        TRY(jq_lex_next(p));
        TRY(jq_parse_pipe(p, &n->d));
    }
    p->scope = before;
    return jq_lex_expect(p, ")");
}

static enum err parse_label(struct jq_parsing *p, const struct jq_node **out_node)
{
    struct jq_node *n = jq_parse_node(p, JQ_LABEL);
    const struct jq_scope *before = p->scope;
    *out_node = n;
    TRY(jq_lex_next(p));
    if (p->token != JQ_TOKEN_VARIABLE) {
        return jq_lex_unexpected(p, "a name with $");
    }
    n->id = jq_parse_declare(p, JQ_NAME_LABEL, p->word);
    TRY(jq_lex_next(p));
    TRY(jq_lex_expect(p, "|"));
    TRY(jq_parse_pipe(p, &n->a));
    p->scope = before;
    return E_OK;
}

static enum err parse_break(struct jq_parsing *p, const struct jq_node **out_node)
{
    struct jq_node *n = jq_parse_node(p, JQ_BREAK);
    *out_node = n;
    if (p->token != JQ_TOKEN_VARIABLE) {
        return jq_lex_unexpected(p, "a label with $");
    }
    const struct jq_scope *label = jq_parse_look_up(p->scope, JQ_NAME_LABEL, p->word, 0);
    if (!label) {
        return jq_lex_fail(p, p->token_start, "no label $%.*s is known here", STR_ARG(p->word));
    }
    n->id = label->id;
    return jq_lex_next(p);
}

/* Functions written in jq are parsed where they are first needed, and see nothing of the program.
 */
static const struct jq_scope *find_written(struct jq_parsing *p, struct str name, int arity)
{
    const struct jq_scope *known = jq_parse_look_up(p->builtins, JQ_NAME_FUNCTION, name, arity);
    struct str source = jq_builtin_source(name, arity);
    if (known || !source.n) {
        return known;
    }
    struct jq_parsing inner = *p;
    inner.text = source;
    inner.at = 0;
    inner.is_source = false;
    inner.scope = NULL;
    if (jq_lex_next(&inner) != E_OK || jq_parse_function(&inner) != E_OK) {
        return NULL; /* a defect of ours that every test would show */
    }
    struct jq_scope *s = ARENA_NEW(p->arena, struct jq_scope);
    *s = *inner.scope;
    s->outer = inner.builtins;
    p->builtins = s;
    p->next_id = inner.next_id;
    return s;
}

static enum err resolve_call(struct jq_parsing *p, struct str name, size_t at, struct jq_node *n)
{
    int arity = (int)n->n_parts;
    const struct jq_scope *s = jq_parse_look_up(p->scope, JQ_NAME_FUNCTION, name, arity);
    if (!s && (n->builtin = jq_builtin_find(name, arity))) {
        n->kind = JQ_BUILTIN;
        return E_OK;
    }
    s = s ? s : find_written(p, name, arity);
    if (!s) {
        return jq_lex_fail(p, at, "%.*s/%d is not defined", (int)(name.n < 60 ? name.n : 60),
                           name.p, arity);
    }
    n->kind = s->kind == JQ_NAME_CLOSURE ? JQ_PARAMETER : JQ_CALL;
    n->id = s->id;
    n->function = s->function;
    return E_OK;
}

static enum err parse_call(struct jq_parsing *p, const struct jq_node **out_node)
{
    struct str name = p->word;
    size_t at = p->token_start;
    struct jq_node *n = jq_parse_node(p, JQ_CALL);
    struct jq_parts args = {0};
    *out_node = n;
    TRY(jq_lex_next(p));
    if (str_eqz(name, "break")) {
        return parse_break(p, out_node);
    }
    if (jq_lex_is(p, "(")) {
        do {
            const struct jq_node *arg;
            TRY(jq_lex_next(p));
            TRY(jq_parse_pipe(p, &arg));
            jq_parse_add_part(p, &args, arg);
        } while (jq_lex_is(p, ";") && args.count < JQ_ARGS_MAX);
        TRY(jq_lex_expect(p, ")"));
    }
    n->parts = args.nodes;
    n->n_parts = args.count;
    return resolve_call(p, name, at, n);
}

/* null, true and false. */
static const struct json *constant_of(struct str word)
{
    return str_eqz(word, "null")    ? &json_null_value
           : str_eqz(word, "true")  ? &json_true_value
           : str_eqz(word, "false") ? &json_false_value
                                    : NULL;
}

enum err jq_word_parse(struct jq_parsing *p, const struct jq_node **out_node)
{
    if (jq_lex_is_word(p, "if")) {
        return parse_if(p, out_node);
    }
    if (jq_lex_is_word(p, "try")) {
        return parse_try(p, out_node);
    }
    if (jq_lex_is_word(p, "reduce") || jq_lex_is_word(p, "foreach")) {
        return parse_fold(p, out_node);
    }
    if (jq_lex_is_word(p, "label")) {
        return parse_label(p, out_node);
    }
    const struct json *constant = constant_of(p->word);
    if (constant) {
        *out_node = jq_parse_literal(p, constant);
        return jq_lex_next(p);
    }
    if (jq_lex_is_keyword(p->word)) {
        return jq_lex_unexpected(p, "an expression");
    }
    return parse_call(p, out_node);
}
