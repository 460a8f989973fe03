#include "llm/fingerprint.h"

#include "base/buf.h"
#include "codec/hmac.h"

enum { PARTS_MAX_BYTES = 2 * CHAT_REQUEST_MAX_BYTES };

struct str fingerprint_question(const struct chat_request *r)
{
    if (r->message_count == 0 || r->messages[r->message_count - 1].role != CHAT_USER) {
        return STR("");
    }
    return r->messages[r->message_count - 1].text;
}

/* Every part with its length, so that no two lists of parts read the same. */
static void add(struct buf *b, struct str part)
{
    uint64_t n = part.n;
    buf_add(b, &n, sizeof(n));
    buf_add_str(b, part);
}

static void add_number(struct buf *b, double value)
{
    buf_add(b, &value, sizeof(value));
}

static void add_json(struct buf *b, struct arena *a, const struct json *v)
{
    add(b, v ? json_write_canonical(a, v) : STR(""));
}

static void add_message(struct buf *b, struct arena *a, const struct chat_message *m,
                        bool with_text)
{
    add_number(b, m->role * 2 + (m->is_error ? 1 : 0));
    add(b, with_text ? m->text : STR(""));
    add(b, m->call_id);
    add_number(b, m->call_count);
    for (int i = 0; i < m->call_count; i++) {
        add(b, m->calls[i].id);
        add(b, m->calls[i].name);
        add_json(b, a, m->calls[i].arguments);
    }
}

struct str fingerprint_request(struct arena *a, const struct chat_request *r, struct str model,
                               bool with_last_text)
{
    struct buf b = buf_make(PARTS_MAX_BYTES);
    add(&b, model);
    add(&b, r->system);
    add_number(&b, r->message_count);
    for (int i = 0; i < r->message_count; i++) {
        bool last = i == r->message_count - 1;
        add_message(&b, a, &r->messages[i], with_last_text || !last);
    }
    add_number(&b, r->tool_count);
    for (int i = 0; i < r->tool_count; i++) {
        add(&b, r->tools[i].name);
        add(&b, r->tools[i].description);
        add_json(&b, a, r->tools[i].parameters);
    }
    add_number(&b, r->tool_choice);
    add(&b, r->tool_name);
    add_json(&b, a, r->schema);
    add_number(&b, r->temperature);
    add_number(&b, r->max_tokens);
    for (int i = 0; i < r->stop_count; i++) {
        add(&b, r->stop[i]);
    }
    struct str key = hmac_sha256_hex(a, buf_str(&b));
    if (b.overflow) { /* no such request is sent; it must not share a key */
        char random[2 * HMAC_SHA256_BYTES + 1];
        id_random_hex(random, HMAC_SHA256_BYTES);
        key = str_dup(a, str_of(random));
    }
    buf_free(&b);
    return key;
}
