#include "main/recording.h"

#include "codec/schema.h"
#include "main/file.h"

static const char format[] =
    "{\"type\": \"object\", \"required\": [\"turns\"], \"properties\": {"
    " \"name\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 120},"
    " \"contact\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "  \"name\": {\"type\": \"string\", \"maxLength\": 120},"
    "  \"email\": {\"type\": \"string\", \"maxLength\": 254}}},"
    " \"turns\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 500, \"items\":"
    "  {\"type\": \"object\", \"required\": [\"contact\"], \"properties\": {"
    "   \"contact\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 8192},"
    "   \"answer\": {\"type\": [\"string\", \"null\"]},"
    "   \"calls\": {\"type\": \"array\", \"maxItems\": 64, \"items\":"
    "    {\"type\": \"object\", \"required\": [\"name\", \"arguments\"], \"properties\": {"
    "     \"name\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 128},"
    "     \"arguments\": {\"type\": \"object\"}}}}}}}}}";

struct loading {
    const struct schema *schema;
    struct recording *items;
    int count;
};

static enum err prepare(struct ctx *c, struct loading *w)
{
    const struct json *document;
    struct json_fault fault;
    struct schema_fault why;
    if (json_parse(c->arena, str_of(format), &document, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "the format of recordings: %s", fault.text);
    }
    if (schema_new(c->arena, document, &w->schema, &why) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "the format of recordings: %s %s", why.path, why.text);
    }
    w->items = ARENA_ARRAY(c->arena, struct recording, RECORDINGS_MAX);
    return E_OK;
}

/* "talks/returns.jsonl:12" */
static struct str place_of(struct ctx *c, const char *path, int line)
{
    return line ? str_fmt(c->arena, "%s:%d", path, line) : str_of(path);
}

static struct str default_name(struct ctx *c, const char *path, int line)
{
    struct str name = str_of(path);
    for (size_t i = name.n; i > 0; i--) {
        if (name.p[i - 1] == '/') {
            name = str_sub(name, i, name.n);
            break;
        }
    }
    ptrdiff_t dot = str_find_char(name, '.');
    name = dot > 0 ? str_sub(name, 0, (size_t)dot) : name;
    return line ? str_fmt(c->arena, "%.*s-%d", STR_ARG(name), line) : name;
}

static enum err add(struct ctx *c, struct loading *w, const char *path, int line, struct str text)
{
    const struct json *value;
    const struct schema_error *errors;
    struct json_fault fault = {0};
    struct str place = place_of(c, path, line);
    if (w->count == RECORDINGS_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "%.*s: more than %d recordings", STR_ARG(place),
                        RECORDINGS_MAX);
    }
    if (json_parse(c->arena, text, &value, &fault) != E_OK) {
        return ctx_fail(c, E_INVALID, "%.*s: %s", STR_ARG(place), fault.text);
    }
    if (schema_check(w->schema, c->arena, value, &errors) > 0) {
        return ctx_fail(c, E_INVALID, "%.*s: %.*s%s%.*s", STR_ARG(place), STR_ARG(errors[0].path),
                        errors[0].path.n ? " " : "", STR_ARG(errors[0].text));
    }
    w->items[w->count++] = (struct recording){
        .path = path,
        .line = line,
        .name = json_str(value, "name", default_name(c, path, line)),
        .value = value,
        .turns = json_get(value, "turns"),
    };
    return E_OK;
}

static enum err add_lines(struct ctx *c, struct loading *w, const char *path, struct str text)
{
    struct str line;
    for (int n = 1; text.n; n++) {
        str_split(&text, '\n', &line);
        if (str_trim(line).n) {
            TRY(add(c, w, path, n, line));
        }
    }
    return E_OK;
}

static enum err add_file(struct ctx *c, struct loading *w, const char *path)
{
    struct str text;
    TRY(file_read(c, path, &text));
    return str_ends(str_of(path), STR(".jsonl")) ? add_lines(c, w, path, text)
                                                 : add(c, w, path, 0, text);
}

static enum err add_folder(struct ctx *c, struct loading *w, const char *folder)
{
    struct file_names names;
    TRY(file_list(c, folder, "", &names));
    for (int i = 0; i < names.count; i++) {
        struct str name = str_of(names.items[i]);
        if (str_ends(name, STR(".json")) || str_ends(name, STR(".jsonl"))) {
            TRY(add_file(c, w,
                         str_dupz(c->arena, str_fmt(c->arena, "%s/%.*s", folder, STR_ARG(name)))));
        }
    }
    return E_OK;
}

enum err recording_load(struct ctx *c, const char *path, struct recordings *out)
{
    struct loading w = {0};
    TRY(prepare(c, &w));
    TRY(file_is_folder(path) ? add_folder(c, &w, path) : add_file(c, &w, path));
    if (w.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "there are no recordings in %s", path);
    }
    *out = (struct recordings){w.count, w.items};
    return E_OK;
}
