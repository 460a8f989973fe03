#include "llm/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "llm/fingerprint.h"

enum { KEYS_MAX = 100000, FILE_MAX_BYTES = 8 << 20, PATH_MAX_BYTES = 1024 };

struct recorder {
    char *folder;
    enum recorder_mode mode;
    const struct provider *inner;
    void *inner_arg;
    pthread_mutex_t lock;
    struct map *asked; /* fingerprint -> how often, guarded by lock */
};

struct recorder *recorder_new(const char *folder, enum recorder_mode mode,
                              const struct provider *inner, void *inner_arg)
{
    struct recorder *r = mem_new(sizeof(*r));
    r->folder = mem_dupz(folder);
    r->mode = mode;
    r->inner = inner;
    r->inner_arg = inner_arg;
    r->asked = map_new(KEYS_MAX);
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void recorder_free(struct recorder **r)
{
    if (*r) {
        map_free(&(*r)->asked);
        pthread_mutex_destroy(&(*r)->lock);
        free((*r)->folder);
        free(*r);
        *r = NULL;
    }
}

/* The file of this request: folder/<fingerprint>-<n>.json, counting from 1. */
static struct str path_of(struct ctx *c, struct recorder *r, const struct provider_call *call)
{
    struct str key = fingerprint_request(c->arena, call->request, call->model, true);
    pthread_mutex_lock(&r->lock);
    uintptr_t n = (uintptr_t)map_get(r->asked, key) + 1;
    map_set(r->asked, key, (void *)n);
    pthread_mutex_unlock(&r->lock);
    return str_fmt(c->arena, "%s/%.*s-%lu.json", r->folder, 32, key.p, (unsigned long)n);
}

/* ---- reading ------------------------------------------------------------------------------ */

static enum err read_file(struct ctx *c, const char *path, struct str *out_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > FILE_MAX_BYTES) {
        if (fd >= 0) {
            close(fd);
        }
        return ctx_fail(c, E_NOT_FOUND, "no recorded exchange %s", path);
    }
    char *text = arena_alloc(c->arena, (size_t)st.st_size + 1);
    size_t n = 0;
    ssize_t got = 1;
    while (n < (size_t)st.st_size && got > 0) {
        got = read(fd, text + n, (size_t)st.st_size - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    *out_text = str_make(text, n);
    return E_OK;
}

static void take_calls(struct ctx *c, const struct json *calls, struct provider_answer *answer)
{
    size_t n = json_count(calls);
    n = n < CHAT_CALLS_MAX ? n : CHAT_CALLS_MAX;
    answer->calls = ARENA_ARRAY(c->arena, struct chat_call, n);
    for (size_t i = 0; i < n; i++) {
        const struct json *k = json_at(calls, i);
        const struct json *arguments = json_get(k, "arguments");
        answer->calls[i] =
            (struct chat_call){.id = json_str(k, "id", STR("")),
                               .name = json_str(k, "name", STR("")),
                               .arguments = arguments ? arguments : &json_empty_object,
                               .arguments_text = json_str(k, "arguments_text", STR("{}")),
                               .fault = (enum chat_call_fault)json_int(k, "fault", 0),
                               .fault_text = json_str(k, "fault_text", STR(""))};
    }
    answer->call_count = (int)n;
}

static enum err replay(struct ctx *c, const struct provider_call *call, const char *path,
                       struct provider_answer *answer)
{
    struct str text;
    const struct json *v = NULL;
    struct json_fault fault;
    TRY(read_file(c, path, &text));
    if (json_parse(c->arena, text, &v, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "%s: line %d: %s", path, fault.line, fault.text);
    }
    const struct json *a = json_get(v, "answer");
    answer->text = json_str(a, "text", STR(""));
    answer->stop = (enum chat_stop)json_int(a, "stop", 0);
    answer->usage = (struct chat_usage){.tokens_in = json_int(a, "tokens_in", 0),
                                        .tokens_in_cached = json_int(a, "tokens_in_cached", 0),
                                        .tokens_out = json_int(a, "tokens_out", 0)};
    take_calls(c, json_get(a, "calls"), answer);
    const struct chat_stream *s = call->request->stream;
    if (s && s->on_text && answer->text.n) {
        answer->handed_out = true;
        return s->on_text(c, answer->text, s->arg);
    }
    return E_OK;
}

/* ---- writing ------------------------------------------------------------------------------ */

static const struct json *request_json(struct arena *a, const struct provider_call *call)
{
    static const char *const roles[] = {"user", "assistant", "tool"};
    const struct chat_request *r = call->request;
    const struct json *messages = &json_empty_array;
    for (int i = 0; i < r->message_count; i++) {
        const struct chat_message *m = &r->messages[i];
        messages = json_push(a, messages,
                             json_object(a, {"role", json_new_str(a, str_of(roles[m->role]))},
                                         {"text", json_new_str(a, m->text)}));
    }
    return json_object(a, {"model", json_new_str(a, call->model)},
                       {"system", json_new_str(a, r->system)}, {"messages", messages});
}

static const struct json *answer_json(struct arena *a, const struct provider_answer *answer)
{
    const struct json *calls = &json_empty_array;
    for (int i = 0; i < answer->call_count; i++) {
        const struct chat_call *k = &answer->calls[i];
        calls =
            json_push(a, calls,
                      json_object(a, {"id", json_new_str(a, k->id)},
                                  {"name", json_new_str(a, k->name)}, {"arguments", k->arguments},
                                  {"arguments_text", json_new_str(a, k->arguments_text)},
                                  {"fault", json_new_int(a, k->fault)},
                                  {"fault_text", json_new_str(a, k->fault_text)}));
    }
    const struct chat_usage *u = &answer->usage;
    return json_object(a, {"text", json_new_str(a, answer->text)}, {"calls", calls},
                       {"stop", json_new_int(a, answer->stop)},
                       {"tokens_in", json_new_int(a, u->tokens_in)},
                       {"tokens_in_cached", json_new_int(a, u->tokens_in_cached)},
                       {"tokens_out", json_new_int(a, u->tokens_out)});
}

static enum err keep(struct ctx *c, const struct provider_call *call, const char *path,
                     const struct provider_answer *answer)
{
    struct str text =
        json_write_pretty(c->arena, json_object(c->arena, {"request", request_json(c->arena, call)},
                                                {"answer", answer_json(c->arena, answer)}));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool kept = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;
    int why = errno;
    if (fd >= 0) {
        close(fd);
    }
    return kept ? E_OK : ctx_fail(c, E_INTERNAL, "%s: %s", path, strerror(why));
}

static enum err recorder_send(struct ctx *c, const struct provider_call *call, void *arg,
                              struct provider_answer *answer)
{
    struct recorder *r = arg;
    const char *path = path_of(c, r, call).p;
    if (r->mode == RECORDER_REPLAY) {
        return replay(c, call, path, answer);
    }
    TRY(r->inner->send(c, call, r->inner_arg, answer)); /* failures are not worth keeping */
    return keep(c, call, path, answer);
}

const struct provider provider_recorder = {"recorder", recorder_send};
