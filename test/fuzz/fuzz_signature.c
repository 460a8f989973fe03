/* A signed request as anybody may send it: a byte that chooses the scheme, headers up to an empty
 * line, a body. Whatever the headers say, nothing is taken for signed with a key that nobody else
 * knows, and what the body says is read or refused. */
#include "codec_fuzz.h"
#include "svc/webhook/mapping.h"

enum { HEADERS_MAX = 24 };

static int read_headers(struct str *rest, struct header out[HEADERS_MAX])
{
    struct str line, name;
    int count = 0;
    while (str_split(rest, '\n', &line) && line.n) {
        struct str value = line;
        if (count < HEADERS_MAX && str_split(&value, ':', &name)) {
            out[count++] = (struct header){name, str_trim(value)};
        }
    }
    return count;
}

static void judge(struct arena *a, const struct signature_scheme *s,
                  const struct signature_request *r)
{
    struct str keys[2] = {STR("3f9c51c0a7be4e1d9f1b60d2c8a7e4f1"),
                          STR("c8a7e4f13f9c51c0a7be4e1d9f1b60d2")};
    enum signature_verdict v = signature_check(a, s, r, keys, 2);
    codec_require(v == SIGNATURE_MISSING || v == SIGNATURE_WRONG);
    codec_require(signature_check(a, s, r, keys, 0) == v || v == SIGNATURE_WRONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct header headers[HEADERS_MAX];
    int schemes = 0;
    while (signature_at(schemes)) {
        schemes++;
    }
    struct str text = codec_input(data + (size > 0), size - (size > 0));
    int chosen = size ? data[0] % schemes : 0;
    struct signature_request r = {.method = STR("POST"),
                                  .url = STR("https://x.example/hooks/a/b?c=d"),
                                  .query = STR("bodySHA256=00&c=d"),
                                  .headers = headers,
                                  .now_ms = 1700000000000};
    r.header_count = read_headers(&text, headers);
    r.body = text.p ? text : STR("");
    judge(a, signature_at(chosen), &r);
    const struct json *body;
    struct json_fault fault = {0};
    if (mapping_read(a, &r, &body, &fault) == E_OK) {
        struct mapping_input in = {body, &r};
        struct str id = mapping_event_id(a, signature_at(chosen), STR(""), &in);
        codec_require(id.n > 0 && id.n <= MAPPING_ID_MAX_BYTES && str_is_utf8(id));
    } else {
        codec_require(fault.text[0] != 0);
    }
    arena_free(&a);
    return 0;
}
