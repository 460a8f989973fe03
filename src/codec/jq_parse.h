/* Private to jq_lex.c, jq_word.c and jq_parse.c: a program being parsed. Every function leaves the
 * token behind what it read as the current one. */
#ifndef CODEC_JQ_PARSE_H
#define CODEC_JQ_PARSE_H

#include "codec/jq_tree.h"

enum { JQ_NESTING_MAX = 200 };

enum jq_token {
    JQ_TOKEN_END,
    JQ_TOKEN_NAME,
    JQ_TOKEN_FIELD,    /* .name */
    JQ_TOKEN_VARIABLE, /* $name */
    JQ_TOKEN_FORMAT,   /* @name */
    JQ_TOKEN_NUMBER,
    JQ_TOKEN_QUOTE, /* the start of a string */
    JQ_TOKEN_SIGN
};

enum jq_name_kind { JQ_NAME_VARIABLE, JQ_NAME_CLOSURE, JQ_NAME_LABEL, JQ_NAME_FUNCTION };

/* What a name means from here on, innermost first. */
struct jq_scope {
    const struct jq_scope *outer;
    enum jq_name_kind kind;
    struct str name;
    int arity;
    int id;
    const struct jq_function *function;
};

struct jq_parsing {
    struct jq_program *program;
    struct arena *arena;
    struct str text;
    size_t at; /* behind the current token */
    enum jq_token token;
    struct str word;    /* the token's text, without . $ or @ */
    size_t token_start; /* offset of the token */
    const struct jq_scope *scope;
    const struct jq_scope *builtins; /* functions written in jq that were needed so far */
    int next_id;
    int depth;
    bool is_source; /* faults have a place */
    struct jq_fault *fault;
};

struct jq_parts {
    const struct jq_node **nodes;
    size_t count, size;
};

/* Tokens */
enum err jq_lex_fail(struct jq_parsing *p, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
char jq_lex_char(const struct jq_parsing *p, size_t at); /* 0 behind the end */
enum err jq_lex_next(struct jq_parsing *p);
bool jq_lex_is(const struct jq_parsing *p, const char *sign);
bool jq_lex_is_word(const struct jq_parsing *p, const char *word);
bool jq_lex_is_keyword(struct str s);
enum err jq_lex_unexpected(struct jq_parsing *p, const char *wanted);
enum err jq_lex_expect(struct jq_parsing *p, const char *sign);
enum err jq_lex_expect_word(struct jq_parsing *p, const char *word);

/* Nodes and names */
struct jq_node *jq_parse_node(struct jq_parsing *p, enum jq_kind kind);
const struct jq_node *jq_parse_pair(struct jq_parsing *p, enum jq_kind kind,
                                    const struct jq_node *a, const struct jq_node *b);
const struct jq_node *jq_parse_literal(struct jq_parsing *p, const struct json *value);
const struct jq_node *jq_parse_variable(struct jq_parsing *p, int id);
void jq_parse_add_part(struct jq_parsing *p, struct jq_parts *parts, const struct jq_node *n);
int jq_parse_declare(struct jq_parsing *p, enum jq_name_kind kind, struct str name);
const struct jq_scope *jq_parse_look_up(const struct jq_scope *s, enum jq_name_kind kind,
                                        struct str name, int arity);

/* Expressions, from the loosest to the tightest */
enum err jq_parse_pipe(struct jq_parsing *p, const struct jq_node **out_node);
enum err jq_parse_binary(struct jq_parsing *p, int least, const struct jq_node **out_node);
enum err jq_parse_postfix(struct jq_parsing *p, const struct jq_node **out_node);
enum err jq_parse_pattern(struct jq_parsing *p, const struct jq_pattern **out_pattern);
enum err jq_parse_function(struct jq_parsing *p);
enum err jq_word_parse(struct jq_parsing *p, const struct jq_node **out_node);
enum err jq_word_string(struct jq_parsing *p, const struct jq_format *format,
                        const struct jq_node **out_node);
enum err jq_word_format(struct jq_parsing *p, const struct jq_node **out_node);

#endif
