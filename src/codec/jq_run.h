/* Private to jq*.c: a program being run. Expressions give any number of values: each is handed to a
 * sink as it is made, and what the sink answers decides whether more are wanted. */
#ifndef CODEC_JQ_RUN_H
#define CODEC_JQ_RUN_H

#include "codec/jq_tree.h"

enum { JQ_VALUE_DEPTH_MAX = 256 };

enum jq_flow {
    JQ_ON,    /* go on */
    JQ_LEAVE, /* unwinding to r->leave: break, first, limit */
    JQ_ERROR, /* r->error; can be caught */
    JQ_SPENT  /* a bound was passed; cannot */
};

/* How a value is reached from the root; NULL: paths are not asked for. */
struct jq_path {
    const struct jq_path *outer; /* NULL: this is the root itself */
    const struct json *key;
};

struct jq_value {
    const struct json *v;
    const struct jq_path *path;
};

struct jq_run;

struct jq_sink {
    enum jq_flow (*take)(struct jq_run *r, struct jq_sink *s, struct jq_value value);
};

/* Variables, closures and labels, innermost first. */
struct jq_env {
    const struct jq_env *outer;
    int id;
    const struct json *value;
    const struct jq_node *closure;
    const struct jq_env *closure_env;
};

struct jq_run {
    const struct jq_program *program;
    struct arena *arena; /* of this run; bounded */
    int64_t steps;
    int depth;
    const struct json *error;
    size_t error_offset; /* of the node that failed first, or SIZE_MAX */
    const void *leave;   /* who is being left for */
    bool downstream;     /* the error came from behind a try, not from inside it */
    uint32_t epoch;      /* of the assignment going on: see jq_path.c */
    const char *spent;   /* which bound was passed */
};

/* A call of a builtin: the arguments are not evaluated yet. */
struct jq_call {
    const struct jq_node *node;
    const struct jq_env *env;
};

struct jq_builtin {
    const char *name;
    int arity;
    /* One of the two: values in, one value out (NULL: r->error is set); or everything. */
    const struct json *(*plain)(struct jq_run *r, const struct json *in,
                                const struct json *const *args);
    enum jq_flow (*special)(struct jq_run *r, struct jq_call call, struct jq_value in,
                            struct jq_sink *out);
};

struct jq_format {
    const char *name;
    struct str (*apply)(struct jq_run *r, const struct json *v);
};

extern const struct jq_path jq_path_root, jq_path_lost;
extern const struct jq_builtin jq_plain_table[], jq_scalar_table[], jq_special_table[],
    jq_regex_table[];

/* jq_eval.c */
enum jq_flow jq_eval(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                     struct jq_value in, struct jq_sink *out);
/* Without paths. */
enum jq_flow jq_eval_value(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                           const struct json *in, struct jq_sink *out);
/* Hands a new value, which lies nowhere in the input, to the sink. */
enum jq_flow jq_give(struct jq_run *r, struct jq_sink *out, struct jq_value in,
                     const struct json *v);
/* All values as a C array. */
struct jq_list {
    struct jq_sink sink;
    const struct json **items;
    size_t count, size;
};
struct jq_list jq_list_make(void);
enum jq_flow jq_collect(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                        const struct json *in, struct jq_list *out_list);
const struct json *jq_list_array(struct jq_run *r, const struct jq_list *list);
void jq_list_add(struct jq_run *r, struct jq_list *list, const struct json *v);

struct jq_env *jq_env_extend(struct jq_run *r, const struct jq_env *outer, int id);
/* Every name in a program is resolved, so it is there. */
const struct jq_env *jq_env_find(const struct jq_env *e, int id);

/* jq_build.c */
enum jq_flow jq_build_object(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                             struct jq_value in, struct jq_sink *out);
enum jq_flow jq_build_text(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                           struct jq_value in, struct jq_sink *out);
enum jq_flow jq_build_array(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                            struct jq_value in, struct jq_sink *out);
enum jq_flow jq_build_format(struct jq_run *r, const struct jq_node *n, struct jq_value in,
                             struct jq_sink *out);
enum jq_flow jq_build_call(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                           struct jq_value in, struct jq_sink *out);
enum jq_flow jq_build_builtin(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                              struct jq_value in, struct jq_sink *out);

/* jq_value.c: bounds and errors */
bool jq_step(struct jq_run *r);                 /* false: spent */
bool jq_room(struct jq_run *r, size_t n_bytes); /* false: spent */
enum jq_flow jq_spend(struct jq_run *r, const char *bound);
/* Sets the error and returns NULL; texts are cut. */
const struct json *jq_fail(struct jq_run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for flows; a spent run stays spent. */
enum jq_flow jq_failed(struct jq_run *r, const struct jq_node *n);
/* "object ({\"a\":1})", for errors. */
const char *jq_shown(struct jq_run *r, const struct json *v);

/* jq_value.c: values */
const char *jq_type(const struct json *v);
bool jq_is_true(const struct json *v);
const struct json *jq_number(struct jq_run *r, double value); /* whole ones become integers */
int jq_order(struct jq_run *r, const struct json *a, const struct json *b);
const struct json *jq_calculate(struct jq_run *r, enum jq_op op, const struct json *a,
                                const struct json *b);
const struct json *jq_member(struct jq_run *r, const struct json *v, const struct json *key);
const struct json *jq_slice(struct jq_run *r, const struct json *v, const struct json *from,
                            const struct json *to);
/* Texts stay, all else becomes JSON. */
struct str jq_text(struct jq_run *r, const struct json *v);
struct str jq_json(struct jq_run *r, const struct json *v);
const struct json *jq_sorted(struct jq_run *r, const struct json *array);
const struct json *jq_string(struct jq_run *r, struct str s);
/* A copy in `a` that shares nothing; NULL when it would be too large or too deep. */
const struct json *jq_copy_out(struct jq_run *r, struct arena *a, const struct json *v);

/* jq_path.c */
const struct jq_path *jq_path_add(struct jq_run *r, const struct jq_path *outer,
                                  const struct json *key);
const struct json *jq_path_array(struct jq_run *r, const struct jq_path *path);
const struct json *jq_path_get(struct jq_run *r, const struct json *v, const struct json *path);
const struct json *jq_path_set(struct jq_run *r, const struct json *v, const struct json *path,
                               const struct json *value);
const struct json *jq_path_delete(struct jq_run *r, const struct json *v, const struct json *paths);
enum jq_flow jq_path_assign(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                            struct jq_value in, struct jq_sink *out);
/* All paths that an expression leads to, as arrays. */
enum jq_flow jq_path_collect(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                             const struct json *in, struct jq_list *out_list);

/* What the builtins share: a builtin's parameters, and values made for its answer. */
#define JQ_IN                                                                                      \
    struct jq_run *r __attribute__((unused)), const struct json *in __attribute__((unused)),       \
        const struct json *const *args __attribute__((unused))

static inline bool jq_is_number(const struct json *v)
{
    return v->kind == JSON_INT || v->kind == JSON_REAL;
}

static inline const struct json *jq_integer(struct jq_run *r, size_t n)
{
    return json_new_int(r->arena, (int64_t)n);
}

static inline const struct json *jq_array_of(struct jq_run *r, struct json *items, size_t n)
{
    struct json array = {.kind = JSON_ARRAY, .count = (uint32_t)n, .items = items};
    return arena_memdup(r->arena, &array, sizeof(array));
}

static inline struct json *jq_new_items(struct jq_run *r, size_t n)
{
    return jq_room(r, n * sizeof(struct json)) ? ARENA_ARRAY(r->arena, struct json, n) : NULL;
}

#endif
