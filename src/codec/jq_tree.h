/* Private to jq*.c: a compiled program. Names are resolved while parsing: every variable, parameter
 * and label has a number that is unique in its program, and calls point at what they call. */
#ifndef CODEC_JQ_TREE_H
#define CODEC_JQ_TREE_H

#include "codec/jq.h"

enum { JQ_ARGS_MAX = 8, JQ_VARIABLES_MAX = 32 };

enum jq_kind {
    JQ_IDENTITY,
    JQ_LITERAL,
    JQ_TEXT,    /* "...\(x)...": parts, formatted by `format` */
    JQ_FORMAT,  /* @base64 as a filter */
    JQ_INDEX,   /* a[b] */
    JQ_SLICE,   /* a[b:c] */
    JQ_ITERATE, /* a[] */
    JQ_PIPE,
    JQ_COMMA,
    JQ_NEGATE,
    JQ_ARITHMETIC,
    JQ_COMPARE,
    JQ_AND,
    JQ_OR,
    JQ_ALTERNATIVE, /* a // b */
    JQ_ASSIGN,      /* a = b */
    JQ_UPDATE,      /* a |= b */
    JQ_COMBINE,     /* a += b and the like */
    JQ_IF,          /* if a then b else c; c NULL: identity */
    JQ_TRY,         /* try a catch b; b NULL: nothing */
    JQ_REDUCE,      /* reduce a as pattern (b; c) */
    JQ_FOREACH,     /* foreach a as pattern (b; c; d) */
    JQ_BIND,        /* a as pattern | b */
    JQ_LABEL,       /* label $x | a */
    JQ_BREAK,
    JQ_ARRAY,
    JQ_OBJECT, /* parts: key, value, key, value ... */
    JQ_VARIABLE,
    JQ_PARAMETER, /* a call of a function's closure */
    JQ_CALL,
    JQ_BUILTIN
};

/* Arithmetic and comparison operators; JQ_OP_DEFAULT is for a //= b. */
enum jq_op {
    JQ_OP_ADD,
    JQ_OP_SUBTRACT,
    JQ_OP_MULTIPLY,
    JQ_OP_DIVIDE,
    JQ_OP_MODULO,
    JQ_OP_DEFAULT,
    JQ_OP_EQUAL,
    JQ_OP_UNEQUAL,
    JQ_OP_LESS,
    JQ_OP_LESS_EQUAL,
    JQ_OP_GREATER,
    JQ_OP_GREATER_EQUAL
};

struct jq_builtin;
struct jq_format;

struct jq_node {
    enum jq_kind kind;
    enum jq_op op;
    int id;        /* of a variable, parameter or label */
    size_t offset; /* in the source */
    const struct jq_node *a, *b, *c, *d;
    const struct json *literal;
    const struct jq_pattern *pattern;
    const struct jq_node *const *parts; /* or arguments */
    size_t n_parts;
    const struct jq_function *function;
    const struct jq_builtin *builtin;
    const struct jq_format *format;
};

struct jq_param {
    struct str name;
    int closure_id;
    int variable_id;                   /* of $name; -1 when it is a plain closure */
    const struct jq_node *as_variable; /* what the closure does then */
};

struct jq_function {
    struct str name;
    int arity;
    struct jq_param params[JQ_ARGS_MAX];
    const struct jq_node *body;
};

enum jq_pattern_kind { JQ_PATTERN_VARIABLE, JQ_PATTERN_ARRAY, JQ_PATTERN_OBJECT };

struct jq_pattern {
    enum jq_pattern_kind kind;
    int id; /* JQ_PATTERN_VARIABLE; in an object: the variable that also gets the value, or -1 */
    const struct jq_node *key;      /* in an object: what to look under */
    const struct jq_pattern *inner; /* in an object: may be NULL */
    const struct jq_pattern *first; /* elements or members */
    const struct jq_pattern *next;
};

struct jq_program {
    struct arena *arena;
    struct str source;
    const struct jq_node *root;
    int n_variables; /* ids 0 ... are the program's own variables */
    struct str variables[JQ_VARIABLES_MAX];
};

/* Parses `prelude` and then `source` into p->root. */
enum err jq_parse_program(struct jq_program *p, struct str prelude, struct jq_fault *out_fault);

const struct jq_builtin *jq_builtin_find(struct str name, int arity);
/* The source of a function that is written in jq, or the empty view. */
struct str jq_builtin_source(struct str name, int arity);
const struct jq_format *jq_format_find(struct str name);

#endif
