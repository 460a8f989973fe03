#include "llm/fingerprint.h"

#include <stdio.h>

#include "codec/hmac.h"

struct str fingerprint_question(const struct chat_request *r)
{
    if (r->message_count == 0 || r->messages[r->message_count - 1].role != CHAT_USER) {
        return STR("");
    }
    return r->messages[r->message_count - 1].text;
}

/* Every part with its length, so that no two lists of parts read the same. */
static void add(struct hmac_digest *d, struct str part)
{
    char length[24];
    int n = snprintf(length, sizeof(length), "%zu:", part.n);
    hmac_digest_add(d, str_make(length, (size_t)n));
    hmac_digest_add(d, part);
}

static void add_number(struct hmac_digest *d, double value)
{
    char text[40];
    int n = snprintf(text, sizeof(text), "%.17g", value);
    add(d, str_make(text, (size_t)n));
}

static void add_json(struct hmac_digest *d, struct arena *a, const struct json *v)
{
    add(d, v ? json_write_canonical(a, v) : STR(""));
}

static void add_message(struct hmac_digest *d, struct arena *a, const struct chat_message *m,
                        bool with_text)
{
    add_number(d, m->role * 2 + (m->is_error ? 1 : 0));
    add(d, with_text ? m->text : STR(""));
    add(d, m->call_id);
    add_number(d, m->call_count);
    for (int i = 0; i < m->call_count; i++) {
        add(d, m->calls[i].id);
        add(d, m->calls[i].name);
        add_json(d, a, m->calls[i].arguments);
    }
}

struct str fingerprint_request(struct arena *a, const struct chat_request *r, struct str model,
                               bool with_last_text)
{
    struct hmac_digest *d = hmac_digest_new();
    add(d, model);
    add(d, r->system);
    add_number(d, r->message_count);
    for (int i = 0; i < r->message_count; i++) {
        bool last = i == r->message_count - 1;
        add_message(d, a, &r->messages[i], with_last_text || !last);
    }
    add_number(d, r->tool_count);
    for (int i = 0; i < r->tool_count; i++) {
        add(d, r->tools[i].name);
        add(d, r->tools[i].description);
        add_json(d, a, r->tools[i].parameters);
    }
    add_number(d, r->tool_choice);
    add(d, r->tool_name);
    add_json(d, a, r->schema);
    add_number(d, r->temperature);
    add_number(d, r->max_tokens);
    for (int i = 0; i < r->stop_count; i++) {
        add(d, r->stop[i]);
    }
    unsigned char digest[HMAC_SHA256_BYTES];
    hmac_digest_end(&d, digest);
    char *hex = arena_alloc(a, 2 * HMAC_SHA256_BYTES + 1);
    for (int i = 0; i < HMAC_SHA256_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    return str_make(hex, 2 * HMAC_SHA256_BYTES);
}
