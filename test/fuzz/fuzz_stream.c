/* A model server's answer, as it arrives: the first byte chooses the wire format and the status,
 * the second how the rest is cut into pieces. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/client.h"
#include "llm/provider.h"

static struct str body;
static size_t piece_bytes;
static int status;

enum err client_send(struct ctx *c, const struct request_out *request,
                     struct response_in *out_response)
{
    *out_response = (struct response_in){.status = status, .body = body};
    for (size_t i = 0; i < body.n && status == 200; i += piece_bytes) {
        TRY(request->on_piece(c, str_sub(body, i, piece_bytes), request->on_piece_arg));
    }
    return E_OK;
}

struct str client_header(const struct response_in *r, const char *name)
{
    (void)name;
    return str_sub(r->body, 0, 8);
}

static void check(const struct provider_answer *a, enum err e)
{
    for (int i = 0; i < a->call_count && e == E_OK; i++) {
        const struct chat_call *k = &a->calls[i];
        if (!json_is(k->arguments, JSON_OBJECT) || k->id.n == 0 ||
            (k->fault == CHAT_CALL_FINE) != (k->fault_text.n == 0)) {
            abort();
        }
    }
    if (a->text.n > CHAT_TEXT_MAX_BYTES || a->call_count > CHAT_CALLS_MAX) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    static const int statuses[] = {200, 200, 200, 429, 400, 529};
    struct facilities at = {.clock = clock_new()};
    struct ctx *c = ctx_new(&at, 512 << 20);
    body = str_make((const char *)data + 2, size - 2);
    status = statuses[(data[0] >> 1) % 6];
    piece_bytes = (size_t)data[1] + 1;
    struct chat_message m = {.role = CHAT_USER, .text = STR("hi")};
    struct chat_request request = {.messages = &m, .message_count = 1, .max_tokens = 10};
    struct provider_account account = {
        .name = STR("fuzz"), .base_url = STR("http://x"), .key = STR("key-1234")};
    struct provider_call call = {.request = &request,
                                 .account = &account,
                                 .model = STR("m"),
                                 .timeout_ms = 1000,
                                 .idle_timeout_ms = 1000};
    const struct provider *p = data[0] & 1 ? &provider_openai : &provider_anthropic;
    struct provider_answer answer = {0};
    check(&answer, p->send(c, &call, NULL, &answer));
    ctx_free(&c);
    clock_free(&at.clock);
    return 0;
}
