/* From the text of a jq program to its tree: precedence climbing over what jq_lex.c reads. */
#include <string.h>

#include "codec/jq_parse.h"

/* Nodes and names */

struct jq_node *jq_parse_node(struct jq_parsing *p, enum jq_kind kind)
{
    struct jq_node *n = ARENA_NEW(p->arena, struct jq_node);
    n->kind = kind;
    n->offset = p->is_source ? p->token_start : SIZE_MAX;
    return n;
}

const struct jq_node *jq_parse_pair(struct jq_parsing *p, enum jq_kind kind,
                                    const struct jq_node *a, const struct jq_node *b)
{
    struct jq_node *n = jq_parse_node(p, kind);
    n->a = a;
    n->b = b;
    return n;
}

const struct jq_node *jq_parse_literal(struct jq_parsing *p, const struct json *value)
{
    struct jq_node *n = jq_parse_node(p, JQ_LITERAL);
    n->literal = value;
    return n;
}

const struct jq_node *jq_parse_variable(struct jq_parsing *p, int id)
{
    struct jq_node *n = jq_parse_node(p, JQ_VARIABLE);
    n->id = id;
    return n;
}

int jq_parse_declare(struct jq_parsing *p, enum jq_name_kind kind, struct str name)
{
    struct jq_scope *s = ARENA_NEW(p->arena, struct jq_scope);
    *s = (struct jq_scope){.outer = p->scope, .kind = kind, .name = name, .id = p->next_id++};
    p->scope = s;
    return s->id;
}

const struct jq_scope *jq_parse_look_up(const struct jq_scope *s, enum jq_name_kind kind,
                                        struct str name, int arity)
{
    for (; s; s = s->outer) {
        bool callable = s->kind == JQ_NAME_CLOSURE && kind == JQ_NAME_FUNCTION;
        if ((s->kind == kind || callable) && s->arity == arity && str_eq(s->name, name)) {
            return s;
        }
    }
    return NULL;
}

void jq_parse_add_part(struct jq_parsing *p, struct jq_parts *parts, const struct jq_node *n)
{
    if (parts->count == parts->size) {
        size_t size = parts->size ? parts->size * 2 : 8;
        const struct jq_node **grown = arena_array(p->arena, size, sizeof(*grown));
        if (parts->count) {
            memcpy(grown, parts->nodes, parts->count * sizeof(*grown));
        }
        parts->nodes = grown;
        parts->size = size;
    }
    parts->nodes[parts->count++] = n;
}

/* Patterns: $x, [$a, $b], {a: $x, $y, (e): $z} */

static enum err parse_pattern_variable(struct jq_parsing *p, int *out_id)
{
    if (p->token != JQ_TOKEN_VARIABLE) {
        return jq_lex_unexpected(p, "a variable");
    }
    *out_id = jq_parse_declare(p, JQ_NAME_VARIABLE, p->word);
    return jq_lex_next(p);
}

/* a: pattern, "a": pattern, (e): pattern, $a, $a: pattern */
static enum err parse_pattern_member(struct jq_parsing *p, struct jq_pattern *m)
{
    m->kind = JQ_PATTERN_OBJECT;
    m->id = -1;
    bool variable = p->token == JQ_TOKEN_VARIABLE;
    if (variable || p->token == JQ_TOKEN_NAME) {
        m->key = jq_parse_literal(p, json_new_str(p->arena, p->word));
        TRY(variable ? parse_pattern_variable(p, &m->id) : jq_lex_next(p));
    } else if (p->token == JQ_TOKEN_QUOTE) {
        TRY(jq_word_string(p, NULL, &m->key));
    } else {
        TRY(jq_lex_expect(p, "("));
        TRY(jq_parse_pipe(p, &m->key));
        TRY(jq_lex_expect(p, ")"));
    }
    if (variable && !jq_lex_is(p, ":")) {
        return E_OK;
    }
    TRY(jq_lex_expect(p, ":"));
    return jq_parse_pattern(p, &m->inner);
}

static enum err parse_pattern_list(struct jq_parsing *p, struct jq_pattern *list)
{
    bool array = list->kind == JQ_PATTERN_ARRAY;
    const struct jq_pattern **tail = &list->first;
    bool more = true;
    TRY(jq_lex_next(p));
    while (more) {
        struct jq_pattern *m = ARENA_NEW(p->arena, struct jq_pattern);
        if (array) {
            m->kind = JQ_PATTERN_ARRAY;
            TRY(jq_parse_pattern(p, &m->inner));
        } else {
            TRY(parse_pattern_member(p, m));
        }
        *tail = m;
        tail = &m->next;
        more = jq_lex_is(p, ",");
        if (more) {
            TRY(jq_lex_next(p));
        }
    }
    return jq_lex_expect(p, array ? "]" : "}");
}

enum err jq_parse_pattern(struct jq_parsing *p, const struct jq_pattern **out_pattern)
{
    struct jq_pattern *pattern = ARENA_NEW(p->arena, struct jq_pattern);
    *out_pattern = pattern;
    if (++p->depth > JQ_NESTING_MAX) {
        return jq_lex_fail(p, p->token_start, "nested too deep");
    }
    enum err e;
    if (jq_lex_is(p, "[") || jq_lex_is(p, "{")) {
        pattern->kind = jq_lex_is(p, "[") ? JQ_PATTERN_ARRAY : JQ_PATTERN_OBJECT;
        e = parse_pattern_list(p, pattern);
    } else {
        e = parse_pattern_variable(p, &pattern->id);
    }
    p->depth--;
    if (e == E_OK && jq_lex_is(p, "?//")) {
        return jq_lex_fail(p, p->token_start, "?// is not supported");
    }
    return e;
}

/* Terms that begin with a sign */

static enum err parse_array(struct jq_parsing *p, const struct jq_node **out_node)
{
    struct jq_node *n = jq_parse_node(p, JQ_ARRAY);
    *out_node = n;
    TRY(jq_lex_next(p));
    if (!jq_lex_is(p, "]")) {
        TRY(jq_parse_pipe(p, &n->a));
    }
    return jq_lex_expect(p, "]");
}

/* {a}, {$a}, {"a"}, {a: v}, {(e): v} */
static enum err parse_member(struct jq_parsing *p, struct jq_parts *parts)
{
    const struct jq_node *key, *value = NULL;
    bool computed = false;
    if (p->token == JQ_TOKEN_VARIABLE) {
        const struct jq_scope *s = jq_parse_look_up(p->scope, JQ_NAME_VARIABLE, p->word, 0);
        if (!s) {
            return jq_lex_fail(p, p->token_start, "$%.*s is not defined", STR_ARG(p->word));
        }
        key = jq_parse_literal(p, json_new_str(p->arena, p->word));
        value = jq_parse_variable(p, s->id);
        TRY(jq_lex_next(p));
    } else if (p->token == JQ_TOKEN_NAME || p->token == JQ_TOKEN_NUMBER) {
        key = jq_parse_literal(p, json_new_str(p->arena, p->word));
        TRY(jq_lex_next(p));
    } else if (p->token == JQ_TOKEN_QUOTE) {
        TRY(jq_word_string(p, NULL, &key));
    } else if (p->token == JQ_TOKEN_FORMAT) {
        TRY(jq_word_format(p, &key));
    } else {
        computed = true;
        TRY(jq_lex_expect(p, "("));
        TRY(jq_parse_pipe(p, &key));
        TRY(jq_lex_expect(p, ")"));
    }
    if (jq_lex_is(p, ":") && !value) {
        TRY(jq_lex_next(p));
        TRY(jq_parse_binary(p, 1, &value));
        while (jq_lex_is(p, "|")) {
            const struct jq_node *right;
            TRY(jq_lex_next(p));
            TRY(jq_parse_binary(p, 1, &right));
            value = jq_parse_pair(p, JQ_PIPE, value, right);
        }
    } else if (computed) {
        return jq_lex_unexpected(p, "\":\"");
    }
    value = value ? value : jq_parse_pair(p, JQ_INDEX, jq_parse_node(p, JQ_IDENTITY), key);
    jq_parse_add_part(p, parts, key);
    jq_parse_add_part(p, parts, value);
    return E_OK;
}

static enum err parse_object(struct jq_parsing *p, const struct jq_node **out_node)
{
    struct jq_node *n = jq_parse_node(p, JQ_OBJECT);
    struct jq_parts parts = {0};
    *out_node = n;
    TRY(jq_lex_next(p));
    while (!jq_lex_is(p, "}")) {
        TRY(parse_member(p, &parts));
        if (!jq_lex_is(p, ",")) {
            break;
        }
        TRY(jq_lex_next(p));
    }
    n->parts = parts.nodes;
    n->n_parts = parts.count;
    return jq_lex_expect(p, "}");
}

static enum err parse_number(struct jq_parsing *p, const struct jq_node **out_node)
{
    int64_t integer;
    double real;
    if (str_to_i64(p->word, &integer)) {
        *out_node = jq_parse_literal(p, json_new_int(p->arena, integer));
    } else if (str_to_double(p->word, &real)) {
        bool whole = real < 0x1p53 && real == (double)(int64_t)real; /* 1e3 is 1000 */
        *out_node = jq_parse_literal(p, whole ? json_new_int(p->arena, (int64_t)real)
                                              : json_new_real(p->arena, real));
    } else {
        return jq_lex_fail(p, p->token_start, "this is no number");
    }
    return jq_lex_next(p);
}

static enum err read_variable(struct jq_parsing *p, const struct jq_node **out_node)
{
    const struct jq_scope *s = jq_parse_look_up(p->scope, JQ_NAME_VARIABLE, p->word, 0);
    if (!s) {
        return jq_lex_fail(p, p->token_start, "$%.*s is not defined",
                           (int)(p->word.n < 60 ? p->word.n : 60), p->word.p);
    }
    *out_node = jq_parse_variable(p, s->id);
    return jq_lex_next(p);
}

static enum err parse_sign(struct jq_parsing *p, const struct jq_node **out_node)
{
    if (jq_lex_is(p, "(")) {
        TRY(jq_lex_next(p));
        TRY(jq_parse_pipe(p, out_node));
        return jq_lex_expect(p, ")");
    }
    if (jq_lex_is(p, "[")) {
        return parse_array(p, out_node);
    }
    if (jq_lex_is(p, "{")) {
        return parse_object(p, out_node);
    }
    if (jq_lex_is(p, "-")) {
        TRY(jq_lex_next(p));
        const struct jq_node *operand;
        TRY(jq_parse_postfix(p, &operand));
        *out_node = jq_parse_pair(p, JQ_NEGATE, operand, NULL);
        return E_OK;
    }
    if (jq_lex_is(p, "..")) {
        struct jq_node *n = jq_parse_node(p, JQ_BUILTIN);
        n->builtin = jq_builtin_find(STR("recurse"), 0);
        *out_node = n;
        return jq_lex_next(p);
    }
    if (!jq_lex_is(p, ".")) {
        return jq_lex_unexpected(p, "an expression");
    }
    *out_node = jq_parse_node(p, JQ_IDENTITY);
    TRY(jq_lex_next(p));
    if (p->token == JQ_TOKEN_QUOTE) {
        const struct jq_node *name;
        TRY(jq_word_string(p, NULL, &name));
        *out_node = jq_parse_pair(p, JQ_INDEX, *out_node, name);
    }
    return E_OK;
}

static enum err parse_term(struct jq_parsing *p, const struct jq_node **out_node)
{
    switch (p->token) {
    case JQ_TOKEN_NAME:
        return jq_word_parse(p, out_node);
    case JQ_TOKEN_FIELD: {
        const struct jq_node *name = jq_parse_literal(p, json_new_str(p->arena, p->word));
        *out_node = jq_parse_pair(p, JQ_INDEX, jq_parse_node(p, JQ_IDENTITY), name);
        return jq_lex_next(p);
    }
    case JQ_TOKEN_VARIABLE:
        return read_variable(p, out_node);
    case JQ_TOKEN_FORMAT:
        return jq_word_format(p, out_node);
    case JQ_TOKEN_NUMBER:
        return parse_number(p, out_node);
    case JQ_TOKEN_QUOTE:
        return jq_word_string(p, NULL, out_node);
    case JQ_TOKEN_SIGN:
        return parse_sign(p, out_node);
    case JQ_TOKEN_END:
        break;
    }
    return jq_lex_unexpected(p, "an expression");
}

/* What follows a term */

/* [] [e] [e:] [:e] [e:e] */
static enum err parse_bracket(struct jq_parsing *p, const struct jq_node **term)
{
    const struct jq_node *from = NULL, *to = NULL;
    TRY(jq_lex_next(p));
    if (jq_lex_is(p, "]")) {
        *term = jq_parse_pair(p, JQ_ITERATE, *term, NULL);
        return jq_lex_next(p);
    }
    if (!jq_lex_is(p, ":")) {
        TRY(jq_parse_pipe(p, &from));
        if (jq_lex_is(p, "]")) {
            *term = jq_parse_pair(p, JQ_INDEX, *term, from);
            return jq_lex_next(p);
        }
    }
    TRY(jq_lex_expect(p, ":"));
    if (!jq_lex_is(p, "]")) {
        TRY(jq_parse_pipe(p, &to));
    } else if (!from) {
        return jq_lex_unexpected(p, "an index");
    }
    struct jq_node *n = jq_parse_node(p, JQ_SLICE);
    n->a = *term;
    n->b = from;
    n->c = to;
    *term = n;
    return jq_lex_expect(p, "]");
}

/* T as P | body: the body goes as far as it can. */
static enum err parse_binding(struct jq_parsing *p, const struct jq_node **term)
{
    struct jq_node *n = jq_parse_node(p, JQ_BIND);
    const struct jq_scope *before = p->scope;
    n->a = *term;
    *term = n;
    TRY(jq_lex_next(p));
    TRY(jq_parse_pattern(p, &n->pattern));
    TRY(jq_lex_expect(p, "|"));
    TRY(jq_parse_pipe(p, &n->b));
    p->scope = before;
    return E_OK;
}

/* .name, ."name", .[e], [e] and ? behind a term; *out_more tells whether there was one. */
static enum err parse_suffix(struct jq_parsing *p, const struct jq_node **term, bool *out_more)
{
    *out_more = true;
    if (p->token == JQ_TOKEN_FIELD) {
        *term =
            jq_parse_pair(p, JQ_INDEX, *term, jq_parse_literal(p, json_new_str(p->arena, p->word)));
        return jq_lex_next(p);
    }
    if (jq_lex_is(p, "?")) {
        *term = jq_parse_pair(p, JQ_TRY, *term, NULL);
        return jq_lex_next(p);
    }
    if (jq_lex_is(p, "[")) {
        return parse_bracket(p, term);
    }
    if (!jq_lex_is(p, ".")) {
        *out_more = false;
        return E_OK;
    }
    TRY(jq_lex_next(p));
    if (p->token == JQ_TOKEN_QUOTE) {
        const struct jq_node *name;
        TRY(jq_word_string(p, NULL, &name));
        *term = jq_parse_pair(p, JQ_INDEX, *term, name);
        return E_OK;
    }
    return jq_lex_is(p, "[") ? parse_bracket(p, term) : jq_lex_unexpected(p, "a name or \"[\"");
}

enum err jq_parse_postfix(struct jq_parsing *p, const struct jq_node **out_node)
{
    if (++p->depth > JQ_NESTING_MAX) {
        return jq_lex_fail(p, p->token_start, "nested too deep");
    }
    bool more = true;
    TRY(parse_term(p, out_node));
    for (int i = 0; more; i++) {
        if (i > JQ_NESTING_MAX) {
            return jq_lex_fail(p, p->token_start, "too many steps in a row");
        }
        TRY(parse_suffix(p, out_node, &more));
    }
    p->depth--;
    return E_OK;
}

/* A term, perhaps with `as` behind it. */
static enum err parse_operand(struct jq_parsing *p, const struct jq_node **out_node)
{
    if (jq_lex_is_word(p, "def")) { /* def f: ...; e is an expression wherever one may stand */
        return jq_parse_pipe(p, out_node);
    }
    TRY(jq_parse_postfix(p, out_node));
    return jq_lex_is_word(p, "as") ? parse_binding(p, out_node) : E_OK;
}

/* Operators */

struct binding {
    const char *sign;
    int level; /* higher binds tighter */
    char side; /* l, r, or n: may not be repeated */
    enum jq_kind kind;
    enum jq_op op;
};

static const struct binding *find_operator(const struct jq_parsing *p)
{
    static const struct binding OPERATORS[] = {
        {"//", 1, 'r', JQ_ALTERNATIVE, 0},
        {"=", 2, 'n', JQ_ASSIGN, 0},
        {"|=", 2, 'n', JQ_UPDATE, 0},
        {"+=", 2, 'n', JQ_COMBINE, JQ_OP_ADD},
        {"-=", 2, 'n', JQ_COMBINE, JQ_OP_SUBTRACT},
        {"*=", 2, 'n', JQ_COMBINE, JQ_OP_MULTIPLY},
        {"/=", 2, 'n', JQ_COMBINE, JQ_OP_DIVIDE},
        {"%=", 2, 'n', JQ_COMBINE, JQ_OP_MODULO},
        {"//=", 2, 'n', JQ_COMBINE, JQ_OP_DEFAULT},
        {"or", 3, 'l', JQ_OR, 0},
        {"and", 4, 'l', JQ_AND, 0},
        {"==", 5, 'n', JQ_COMPARE, JQ_OP_EQUAL},
        {"!=", 5, 'n', JQ_COMPARE, JQ_OP_UNEQUAL},
        {"<", 5, 'n', JQ_COMPARE, JQ_OP_LESS},
        {"<=", 5, 'n', JQ_COMPARE, JQ_OP_LESS_EQUAL},
        {">", 5, 'n', JQ_COMPARE, JQ_OP_GREATER},
        {">=", 5, 'n', JQ_COMPARE, JQ_OP_GREATER_EQUAL},
        {"+", 6, 'l', JQ_ARITHMETIC, JQ_OP_ADD},
        {"-", 6, 'l', JQ_ARITHMETIC, JQ_OP_SUBTRACT},
        {"*", 7, 'l', JQ_ARITHMETIC, JQ_OP_MULTIPLY},
        {"/", 7, 'l', JQ_ARITHMETIC, JQ_OP_DIVIDE},
        {"%", 7, 'l', JQ_ARITHMETIC, JQ_OP_MODULO},
    };
    for (size_t i = 0; i < sizeof(OPERATORS) / sizeof(OPERATORS[0]); i++) {
        if (jq_lex_is(p, OPERATORS[i].sign) || jq_lex_is_word(p, OPERATORS[i].sign)) {
            return &OPERATORS[i];
        }
    }
    return NULL;
}

enum err jq_parse_binary(struct jq_parsing *p, int least, const struct jq_node **out_node)
{
    if (++p->depth > JQ_NESTING_MAX) {
        return jq_lex_fail(p, p->token_start, "nested too deep");
    }
    TRY(parse_operand(p, out_node));
    const struct binding *o = find_operator(p);
    int chain = 0;
    while (o && o->level >= least) {
        const struct jq_node *right;
        struct jq_node *n = jq_parse_node(p, o->kind);
        if (++chain > JQ_NESTING_MAX) {
            return jq_lex_fail(p, p->token_start, "too many operators in a row");
        }
        TRY(jq_lex_next(p));
        TRY(jq_parse_binary(p, o->side == 'r' ? o->level : o->level + 1, &right));
        n->op = o->op;
        n->a = *out_node;
        n->b = right;
        *out_node = n;
        const struct binding *following = find_operator(p);
        if (o->side == 'n' && following && following->level == o->level) {
            return jq_lex_fail(p, p->token_start, "\"%s\" cannot be repeated without parentheses",
                               following->sign);
        }
        o = following;
    }
    p->depth--;
    return E_OK;
}

static enum err parse_comma(struct jq_parsing *p, const struct jq_node **out_node)
{
    TRY(jq_parse_binary(p, 1, out_node));
    for (int chain = 0; jq_lex_is(p, ","); chain++) {
        const struct jq_node *right;
        if (chain > JQ_NESTING_MAX) {
            return jq_lex_fail(p, p->token_start, "too many expressions in a row");
        }
        TRY(jq_lex_next(p));
        TRY(jq_parse_binary(p, 1, &right));
        *out_node = jq_parse_pair(p, JQ_COMMA, *out_node, right);
    }
    return E_OK;
}

/* Functions: def name(params): body; */

static enum err parse_params(struct jq_parsing *p, struct jq_function *f)
{
    do {
        TRY(jq_lex_next(p));
        bool variable = p->token == JQ_TOKEN_VARIABLE;
        if (f->arity == JQ_ARGS_MAX || (!variable && p->token != JQ_TOKEN_NAME) ||
            (!variable && jq_lex_is_keyword(p->word))) {
            return jq_lex_unexpected(p, "a parameter");
        }
        struct jq_param *param = &f->params[f->arity++];
        param->name = p->word;
        param->variable_id = -1;
        TRY(jq_lex_next(p));
        if (variable) {
            param->variable_id = jq_parse_declare(p, JQ_NAME_VARIABLE, param->name);
            param->as_variable = jq_parse_variable(p, param->variable_id);
        }
        param->closure_id = jq_parse_declare(p, JQ_NAME_CLOSURE, param->name);
    } while (jq_lex_is(p, ";"));
    return jq_lex_expect(p, ")");
}

/* Adds the function to the scope. The current token is `def`. */
enum err jq_parse_function(struct jq_parsing *p)
{
    struct jq_function *f = ARENA_NEW(p->arena, struct jq_function);
    struct jq_scope *s = ARENA_NEW(p->arena, struct jq_scope);
    const struct jq_scope *before = p->scope;
    TRY(jq_lex_expect_word(p, "def"));
    if (p->token != JQ_TOKEN_NAME || jq_lex_is_keyword(p->word)) {
        return jq_lex_unexpected(p, "a function's name");
    }
    f->name = p->word;
    *s = (struct jq_scope){.kind = JQ_NAME_FUNCTION, .name = f->name, .function = f};
    TRY(jq_lex_next(p));
    if (jq_lex_is(p, "(")) {
        TRY(parse_params(p, f));
    }
    TRY(jq_lex_expect(p, ":"));
    s->arity = f->arity;
    s->outer = p->scope; /* the body sees the function itself, and above it its parameters */
    struct jq_scope itself = *s;
    struct jq_scope *visible = arena_memdup(p->arena, &itself, sizeof(itself));
    p->scope = visible;
    if (++p->depth > JQ_NESTING_MAX) {
        return jq_lex_fail(p, p->token_start, "nested too deep");
    }
    TRY(jq_parse_pipe(p, &f->body));
    p->depth--;
    TRY(jq_lex_expect(p, ";"));
    s->outer = before;
    p->scope = s;
    return E_OK;
}

enum err jq_parse_pipe(struct jq_parsing *p, const struct jq_node **out_node)
{
    const struct jq_scope *before = p->scope;
    if (++p->depth > JQ_NESTING_MAX) {
        return jq_lex_fail(p, p->token_start, "nested too deep");
    }
    while (jq_lex_is_word(p, "def")) {
        TRY(jq_parse_function(p));
    }
    TRY(parse_comma(p, out_node));
    if (jq_lex_is(p, "|")) {
        const struct jq_node *right;
        TRY(jq_lex_next(p));
        TRY(jq_parse_pipe(p, &right));
        *out_node = jq_parse_pair(p, JQ_PIPE, *out_node, right);
    }
    p->scope = before;
    p->depth--;
    return E_OK;
}

static enum err parse_prelude(struct jq_parsing *p, struct str prelude)
{
    p->text = prelude;
    p->at = 0;
    TRY(jq_lex_next(p));
    while (jq_lex_is_word(p, "def")) {
        TRY(jq_parse_function(p));
    }
    return p->token == JQ_TOKEN_END ? E_OK : jq_lex_unexpected(p, "def");
}

enum err jq_parse_program(struct jq_program *program, struct str prelude,
                          struct jq_fault *out_fault)
{
    struct jq_parsing p = {.program = program, .arena = program->arena, .fault = out_fault};
    for (int i = 0; i < program->n_variables; i++) {
        jq_parse_declare(&p, JQ_NAME_VARIABLE, program->variables[i]); /* their ids are 0, 1, ... */
    }
    TRY(parse_prelude(&p, prelude));
    p.text = program->source;
    p.at = 0;
    p.is_source = true;
    TRY(jq_lex_next(&p));
    TRY(jq_parse_pipe(&p, &program->root));
    return p.token == JQ_TOKEN_END ? E_OK : jq_lex_unexpected(&p, "the end of the program");
}
