#include <simdjson.h>

#include <cstring>
#include <memory>

extern "C" {
#include "codec/json_scan.h"
}
#include "codec/simdjson_read.h"

namespace
{

using simdjson::dom::element;
using simdjson::dom::element_type;

/* What one thread keeps between calls; a larger document's buffers are given back after it. */
constexpr size_t KEEP_MAX_BYTES = 256 << 10;
constexpr size_t FIRST_BYTES = 16 << 10;

struct reader {
    simdjson::dom::parser parser;
    std::unique_ptr<char[]> padded;
    size_t padded_bytes = 0;
};

thread_local std::unique_ptr<reader> kept;

struct copier {
    struct arena *arena;
    char *text; /* one block for all texts: unescaped they are never longer than the document */
};

bool copy_value(copier &c, const element &e, int depth, struct json *out);

struct str copy_text(copier &c, std::string_view s)
{
    char *p = c.text;
    std::memcpy(p, s.data(), s.size());
    p[s.size()] = 0;
    c.text += s.size() + 1;
    return str_make(p, s.size());
}

bool copy_array(copier &c, const simdjson::dom::array &array, int depth, struct json *out)
{
    size_t n = array.size();
    if (n >= 0xffffff || n * sizeof(struct json) + 64 > arena_left_bytes(c.arena)) {
        return false; /* past 0xffffff simdjson does not count */
    }
    auto *items = static_cast<struct json *>(arena_array(c.arena, n, sizeof(struct json)));
    size_t i = 0;
    for (element e : array) {
        if (!copy_value(c, e, depth, &items[i++])) {
            return false;
        }
    }
    out->kind = JSON_ARRAY;
    out->count = static_cast<uint32_t>(n);
    out->items = items;
    return true;
}

bool copy_object(copier &c, const simdjson::dom::object &object, int depth, struct json *out)
{
    size_t n = object.size();
    if (n >= 0xffffff || n * sizeof(struct json_member) + 64 > arena_left_bytes(c.arena)) {
        return false;
    }
    auto *members =
        static_cast<struct json_member *>(arena_array(c.arena, n, sizeof(struct json_member)));
    size_t i = 0;
    for (auto field : object) {
        members[i].name = copy_text(c, field.key);
        if (!copy_value(c, field.value, depth, &members[i++].value)) {
            return false;
        }
    }
    out->kind = JSON_OBJECT;
    out->count = static_cast<uint32_t>(n);
    out->members = members;
    return json_scan_duplicate(members, n) < 0;
}

bool copy_value(copier &c, const element &e, int depth, struct json *out)
{
    switch (e.type()) {
    case element_type::ARRAY:
        return depth < JSON_DEPTH_MAX &&
               copy_array(c, e.get_array().value_unsafe(), depth + 1, out);
    case element_type::OBJECT:
        return depth < JSON_DEPTH_MAX &&
               copy_object(c, e.get_object().value_unsafe(), depth + 1, out);
    case element_type::STRING:
        out->kind = JSON_STRING;
        out->string = copy_text(c, e.get_string().value_unsafe());
        return true;
    case element_type::INT64:
        out->kind = JSON_INT;
        out->integer = e.get_int64().value_unsafe();
        return true;
    case element_type::UINT64:
        out->kind = JSON_REAL;
        out->real = static_cast<double>(e.get_uint64().value_unsafe());
        return true;
    case element_type::DOUBLE:
        out->kind = JSON_REAL;
        out->real = e.get_double().value_unsafe();
        return true;
    case element_type::BOOL:
        out->kind = JSON_BOOL;
        out->boolean = e.get_bool().value_unsafe();
        return true;
    case element_type::NULL_VALUE:
        out->kind = JSON_NULL;
        return true;
    }
    return false;
}

bool read(reader &r, struct arena *a, struct str text, struct json *out)
{
    size_t need = text.n + simdjson::SIMDJSON_PADDING;
    if (need > r.padded_bytes) {
        r.padded_bytes = need < FIRST_BYTES ? FIRST_BYTES : need;
        r.padded.reset(new char[r.padded_bytes]);
    }
    std::memcpy(r.padded.get(), text.p, text.n);
    std::memset(r.padded.get() + text.n, 0, simdjson::SIMDJSON_PADDING);
    element root;
    if (r.parser.parse(r.padded.get(), text.n, false).get(root) != simdjson::SUCCESS) {
        return false;
    }
    if (text.n + 64 > arena_left_bytes(a)) {
        return false;
    }
    copier c = {a, static_cast<char *>(arena_alloc(a, text.n + 1))};
    return copy_value(c, root, 0, out);
}

} // namespace

bool simdjson_read(struct arena *a, struct str text, const struct json **out_value)
{
    if (text.n == 0) {
        return false;
    }
    if (!kept) {
        kept = std::make_unique<reader>();
    }
    struct json value = {};
    bool good = read(*kept, a, text, &value);
    if (text.n > KEEP_MAX_BYTES) {
        kept.reset();
    }
    if (good) {
        *out_value = static_cast<struct json *>(arena_memdup(a, &value, sizeof(value)));
    }
    return good;
}
