#include "codec/jq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/jq_run.h"
#include "codec/json_scan.h"

enum { PROGRAM_MAX_BYTES = 16 << 20, RUN_SLACK_BYTES = 1 << 20 };

/* What jq itself defines in jq. Each is parsed into the programs that use it. */
static const struct {
    const char *name;
    int arity;
    const char *source;
} WRITTEN[] = {
    {"map", 1, "def map(f): [.[] | f];"},
    {"map_values", 1, "def map_values(f): .[] |= f;"},
    {"values", 0, "def values: select(. != null);"},
    {"nulls", 0, "def nulls: select(. == null);"},
    {"booleans", 0, "def booleans: select(type == \"boolean\");"},
    {"numbers", 0, "def numbers: select(type == \"number\");"},
    {"strings", 0, "def strings: select(type == \"string\");"},
    {"arrays", 0, "def arrays: select(type == \"array\");"},
    {"objects", 0, "def objects: select(type == \"object\");"},
    {"iterables", 0, "def iterables: select(type | . == \"array\" or . == \"object\");"},
    {"scalars", 0, "def scalars: select(type | . != \"array\" and . != \"object\");"},
    {"with_entries", 1, "def with_entries(f): to_entries | map(f) | from_entries;"},
    {"recurse", 2, "def recurse(f; cond): def r: ., (f | select(cond) | r); r;"},
    {"recurse_down", 0, "def recurse_down: recurse;"},
    {"in", 1, "def in(xs): . as $x | xs | has($x);"},
    {"inside", 1, "def inside(xs): . as $x | xs | contains($x);"},
    {"add", 1, "def add(f): reduce f as $x (null; . + $x);"},
    {"any", 1, "def any(f): any(.[]; f);"},
    {"any", 2, "def any(g; f): isempty(first(g | f | if . then . else empty end)) | not;"},
    {"all", 1, "def all(f): all(.[]; f);"},
    {"all", 2, "def all(g; f): isempty(first(g | f | if . then empty else 1 end));"},
    {"first", 0, "def first: .[0];"},
    {"last", 0, "def last: .[-1];"},
    {"nth", 1, "def nth($n): .[$n];"},
    {"nth", 2,
     "def nth($n; f): if $n < 0 then error(\"Out of bounds negative array index\") "
     "else last(limit($n + 1; f)) end;"},
    {"paths", 0, "def paths: path(..) | select(length > 0);"},
    {"paths", 1,
     "def paths(f): . as $v | path(..) | select(length > 0) | . as $p "
     "| select($v | getpath($p) | f);"},
    {"leaf_paths", 0, "def leaf_paths: paths(scalars);"},
    {"index", 1, "def index($i): indices($i) | .[0];"},
    {"rindex", 1, "def rindex($i): indices($i) | .[-1:][0];"},
    {"ascii", 0, "def ascii: [.] | implode;"},
    {"combinations", 0,
     "def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $w "
     "| [$x] + $w end;"},
    {"combinations", 1, "def combinations(n): . as $dot | [range(n)] | map($dot) | combinations;"},
    {"walk", 1,
     "def walk(f): def w: if type == \"object\" or type == \"array\" then map_values(w) else . end "
     "| f; w;"},
    {"pick", 1,
     "def pick(f): . as $top | reduce path(f) as $p (null; setpath($p; $top | getpath($p)));"},
    {"test", 1,
     "def test($re): if $re | type == \"array\" then _test($re[0]; $re[1]) else _test($re; null) "
     "end;"},
    {"test", 2, "def test($re; $flags): _test($re; $flags);"},
    {"match", 1,
     "def match($re): if $re | type == \"array\" then _match($re[0]; $re[1])[] "
     "else _match($re; null)[] end;"},
    {"match", 2, "def match($re; $flags): _match($re; $flags)[];"},
    {"capture", 1,
     "def capture($re): match($re) | [.captures[] | select(.name != null) "
     "| {key: .name, value: .string}] | from_entries;"},
    {"capture", 2,
     "def capture($re; $flags): match($re; $flags) | [.captures[] | select(.name != null) "
     "| {key: .name, value: .string}] | from_entries;"},
    {"scan", 1, "def scan($re): scan($re; null);"},
    {"scan", 2,
     "def scan($re; $flags): match($re; \"g\" + $flags) | if (.captures | length) > 0 "
     "then [.captures[].string] else .string end;"},
    {"splits", 1, "def splits($re): splits($re; null);"},
    {"splits", 2, "def splits($re; $flags): split($re; $flags) | .[];"},
    {"split", 2,
     "def split($re; $flags): . as $s | [foreach (_match($re; $flags + \"g\")[], null) as $m "
     "({at: 0, piece: null}; if $m == null then .piece = $s[.at:] else "
     ".piece = $s[.at:$m.offset] | .at = $m.offset + $m.length end; .piece)];"},
    {"isvalid", 1, "def isvalid(f): try (f | true) catch false;"},
    {"date", 0, "def date: todate;"},
    {"IN", 1, "def IN(s): any(s == .; .);"},
    {"IN", 2, "def IN(src; s): any(src == s; .);"},
    {"INDEX", 1, "def INDEX(f): INDEX(.[]; f);"},
    {"INDEX", 2, "def INDEX(s; f): reduce s as $row ({}; .[$row | f | tostring] |= $row);"},
    {NULL, 0, NULL},
};

struct str jq_builtin_source(struct str name, int arity)
{
    for (int i = 0; WRITTEN[i].name; i++) {
        if (WRITTEN[i].arity == arity && str_eqz(name, WRITTEN[i].name)) {
            return str_of(WRITTEN[i].source);
        }
    }
    return STR("");
}

static const struct jq_builtin *find_in(const struct jq_builtin *table, struct str name, int arity)
{
    for (; table->name; table++) {
        if (table->arity == arity && str_eqz(name, table->name)) {
            return table;
        }
    }
    return NULL;
}

const struct jq_builtin *jq_builtin_find(struct str name, int arity)
{
    const struct jq_builtin *b = find_in(jq_plain_table, name, arity);
    b = b ? b : find_in(jq_scalar_table, name, arity);
    b = b ? b : find_in(jq_special_table, name, arity);
    return b ? b : find_in(jq_regex_table, name, arity);
}

/* Compiling */

static enum err compile(struct jq_program *p, struct str source, const struct jq_setup *setup,
                        struct jq_fault *out_fault)
{
    struct str prelude = setup ? setup->prelude : STR("");
    if (!str_is_utf8(source) || !str_is_utf8(prelude)) {
        *out_fault = (struct jq_fault){.text = "the program is not valid UTF-8"};
        return E_INVALID;
    }
    p->source = str_dup(p->arena, source);
    for (int i = 0; setup && setup->variables && setup->variables[i]; i++) {
        if (i == JQ_VARIABLES_MAX) {
            return E_TOO_LARGE;
        }
        p->variables[i] = str_dup(p->arena, str_of(setup->variables[i]));
        p->n_variables = i + 1;
    }
    return jq_parse_program(p, str_dup(p->arena, prelude), out_fault);
}

enum err jq_new(struct str source, const struct jq_setup *setup, struct jq_program **out_program,
                struct jq_fault *out_fault)
{
    struct jq_fault ignored;
    struct jq_fault *fault = out_fault ? out_fault : &ignored;
    if (source.n > JQ_SOURCE_MAX_BYTES || (setup && setup->prelude.n > JQ_SOURCE_MAX_BYTES)) {
        *fault = (struct jq_fault){.text = "the program is longer than 16 KiB"};
        return E_TOO_LARGE;
    }
    struct arena *a = arena_new(PROGRAM_MAX_BYTES);
    struct jq_program *p = ARENA_NEW(a, struct jq_program);
    p->arena = a;
    enum err e = compile(p, source, setup, fault);
    if (e != E_OK) {
        jq_free(&p);
        return e;
    }
    *out_program = p;
    return E_OK;
}

void jq_free(struct jq_program **p)
{
    if (*p) {
        struct arena *a = (*p)->arena;
        *p = NULL;
        arena_free(&a); /* the program lies in it */
    }
}

struct str jq_source(const struct jq_program *p)
{
    return p->source;
}

/* Running */

struct output_sink {
    struct jq_sink sink;
    struct arena *arena; /* the caller's */
    const struct json **items;
    size_t count, most;
};

static enum jq_flow take_output(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct output_sink *o = (struct output_sink *)s;
    if (o->count == o->most) {
        return jq_spend(r, "the program gives too many values");
    }
    const struct json *copy = jq_copy_out(r, o->arena, value.v);
    if (!copy) {
        return JQ_SPENT;
    }
    if (o->count % 64 == 0) {
        o->items = mem_grow(o->items, (o->count + 64) * sizeof(*o->items));
    }
    o->items[o->count++] = copy;
    if (o->most == 1) { /* one was asked for: the rest need not be made */
        r->leave = o;
        return JQ_LEAVE;
    }
    return JQ_ON;
}

static const struct jq_env *global_variables(struct jq_run *r, const struct json *values)
{
    const struct jq_env *env = NULL;
    for (int i = 0; i < r->program->n_variables; i++) {
        struct jq_env *e = ARENA_NEW(r->arena, struct jq_env);
        const struct json *v = json_find(values, r->program->variables[i]);
        *e = (struct jq_env){.outer = env, .id = i, .value = v ? v : &json_null_value};
        env = e;
    }
    return env;
}

static void report(struct jq_run *r, enum jq_flow flow, struct jq_fault *out_fault)
{
    struct jq_fault f = {0};
    if (flow == JQ_SPENT) {
        snprintf(f.text, sizeof(f.text), "%s", r->spent);
    } else if (flow == JQ_LEAVE) {
        snprintf(f.text, sizeof(f.text), "break leads out of the program");
    } else {
        struct str text = json_is(r->error, JSON_STRING)
                              ? r->error->string
                              : str_of(jq_shown(r, r->error ? r->error : &json_null_value));
        snprintf(f.text, sizeof(f.text), "%.*s",
                 (int)(text.n < sizeof(f.text) ? text.n : sizeof(f.text) - 1), text.p);
    }
    if (flow == JQ_ERROR && r->error_offset != SIZE_MAX) {
        json_scan_place(r->program->source, r->error_offset, &f.line, &f.column);
    }
    *out_fault = f;
}

static enum err run(const struct jq_program *p, struct jq_input in, struct output_sink *o,
                    struct jq_fault *out_fault)
{
    struct jq_run r = {.program = p,
                       .arena = arena_new(JQ_MEMORY_MAX_BYTES + RUN_SLACK_BYTES),
                       .error_offset = SIZE_MAX,
                       .epoch = 1};
    const struct jq_env *env = global_variables(&r, in.variables);
    const struct json *value = in.value ? in.value : &json_null_value;
    enum jq_flow flow = jq_eval_value(&r, p->root, env, value, &o->sink);
    if (flow == JQ_LEAVE && r.leave == o) {
        flow = JQ_ON;
    }
    if (flow != JQ_ON && out_fault) {
        report(&r, flow, out_fault);
    }
    arena_free(&r.arena);
    return flow == JQ_ON ? E_OK : flow == JQ_SPENT ? E_LIMIT : E_INVALID;
}

enum err jq_run(const struct jq_program *p, struct arena *a, struct jq_input in,
                const struct json **out_outputs, struct jq_fault *out_fault)
{
    struct output_sink o = {.sink = {take_output}, .arena = a, .most = JQ_OUTPUTS_MAX};
    enum err e = run(p, in, &o, out_fault);
    if (e == E_OK) {
        *out_outputs = json_new_array(a, o.items, o.count);
    }
    free(o.items);
    return e;
}

enum err jq_one(const struct jq_program *p, struct arena *a, struct jq_input in,
                const struct json **out_value, struct jq_fault *out_fault)
{
    struct output_sink o = {.sink = {take_output}, .arena = a, .most = 1};
    enum err e = run(p, in, &o, out_fault);
    if (e == E_OK) {
        *out_value = o.count ? o.items[0] : &json_null_value;
    }
    free(o.items);
    return e;
}

enum err jq_truth(const struct jq_program *p, struct arena *a, struct jq_input in, bool *out_truth,
                  struct jq_fault *out_fault)
{
    const struct json *value;
    TRY(jq_one(p, a, in, &value, out_fault));
    *out_truth = jq_is_true(value);
    return E_OK;
}
