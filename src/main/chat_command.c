/* `rapport chat`: a conversation with an agent in the terminal, as a contact has it. With a server
 * the answer streams in on a thread of its own; without one, this thread takes the agent's turn. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec/text.h"
#include "codec/url.h"
#include "main/command.h"
#include "main/remote.h"
#include "main/terminal.h"

enum { ANSWER_WAIT_S = 90, STREAMED_MAX_BYTES = 64 << 10, AGAIN_MS = 500, AGAIN_MAX_MS = 8000 };

struct talk {
    struct ctx *c;
    struct invocation *in;
    struct remote *remote;
    struct str org_slug, agent_name;
    struct str token;
    struct id conversation;
    bool tty;
    atomic_bool stop;
    pthread_mutex_t lock; /* what follows, and standard output */
    pthread_cond_t news;
    int64_t cursor;      /* newest message shown */
    int64_t answered;    /* newest message of anybody but the contact */
    bool with_person;    /* a person owns the conversation */
    bool prompting;      /* the cursor stands behind a prompt */
    bool typing;         /* "... is writing" stands on the line */
    struct buf streamed; /* of the answer that is coming in */
    char trouble[CTX_FAULT_BYTES];
};

/* ---- printing ------------------------------------------------------------ */

#define PROMPT "You: "

static void clear_line(struct talk *t)
{
    if (t->tty && (t->prompting || t->typing)) {
        printf("\r\033[K");
    }
    t->typing = false;
}

static void prompt_again(struct talk *t)
{
    if (t->tty && t->prompting) {
        printf(PROMPT);
    }
    fflush(stdout);
}

static void print_said(struct talk *t, struct str who, struct str text)
{
    struct ctx *own = remote_thread_ctx(t->remote);
    struct str clean = text_clean(own->arena, text); /* nothing that steers the terminal */
    printf("%s%.*s:%s %.*s\n", t->tty ? "\033[1m" : "", STR_ARG(who), t->tty ? "\033[0m" : "",
           STR_ARG(clean));
    ctx_free(&own);
}

static void print_note(struct talk *t, const char *text)
{
    if (!t->in->json) {
        printf("%s(%s)%s\n", t->tty ? "\033[2m" : "", text, t->tty ? "\033[0m" : "");
    }
}

static void print_citations(const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *it = json_at(list, i);
        printf("  [%lld] %.*s: \"%.*s\"\n", (long long)json_int(it, "n", 0),
               STR_ARG(json_str(it, "title", STR(""))), STR_ARG(json_str(it, "quote", STR(""))));
    }
}

/* ---- what arrives -------------------------------------------------------- */

static void show_piece(struct talk *t, struct str piece)
{
    if (t->in->json) {
        return;
    }
    if (t->streamed.n == 0) {
        clear_line(t);
        printf("%s%.*s:%s ", t->tty ? "\033[1m" : "", STR_ARG(t->agent_name),
               t->tty ? "\033[0m" : "");
    }
    struct ctx *own = remote_thread_ctx(t->remote);
    printf("%.*s", STR_ARG(text_clean(own->arena, piece)));
    ctx_free(&own);
    buf_add_str(&t->streamed, piece);
    fflush(stdout);
}

static void end_piece(struct talk *t, const char *note)
{
    if (t->streamed.n) {
        printf("\n");
        buf_clear(&t->streamed);
        if (note) {
            print_note(t, note);
        }
    }
}

static void show_answer(struct talk *t, const struct json *m)
{
    struct str text = json_str(m, "text", STR(""));
    struct str who = json_str(json_get(m, "author"), "name", t->agent_name);
    bool streamed = t->streamed.n > 0;
    bool same = streamed && str_eq(str_trim(buf_str(&t->streamed)), str_trim(text));
    end_piece(t, same ? NULL : "changed before it was sent:");
    if (!same) {
        print_said(t, who, text);
    }
    print_citations(json_get(m, "citations"));
}

static void show_message(struct talk *t, const struct json *m)
{
    struct str role = json_str(m, "role", STR("")), text = json_str(m, "text", STR(""));
    int64_t seq = json_int(m, "seq", 0);
    bool contact = str_eqz(role, "contact");
    if (seq <= t->cursor) {
        return;
    }
    t->cursor = seq;
    clear_line(t);
    if (t->in->json) {
        terminal_json(t->c, m);
    } else if (contact && json_str(m, "client_id", STR("")).n == 0) {
        print_said(t, STR("You, elsewhere"), text);
    } else if (str_eqz(role, "ai")) {
        show_answer(t, m);
    } else if (str_eqz(role, "system")) {
        print_said(t, STR("--"), text);
    } else if (!contact) {
        end_piece(t, NULL);
        print_said(t, json_str(json_get(m, "author"), "name", STR("A person")), text);
    }
    t->answered = contact ? t->answered : seq;
    prompt_again(t);
}

static void show_owner(struct talk *t, const struct json *frame)
{
    bool person = str_eqz(json_str(frame, "owner", STR("ai")), "human");
    if (person != t->with_person) {
        clear_line(t);
        end_piece(t, NULL);
        print_note(t, person ? "a person answers from here on" : "the agent answers again");
        prompt_again(t);
    }
    t->with_person = person;
}

static void show_typing(struct talk *t, const struct json *frame)
{
    bool ai = str_eqz(json_str(frame, "who", STR("ai")), "ai");
    if (t->tty && !t->in->json && t->streamed.n == 0 && !t->typing && !t->prompting) {
        struct str name = ai ? t->agent_name : json_str(frame, "name", STR("A person"));
        printf("\033[2m%.*s is writing ...\033[0m", STR_ARG(name));
        fflush(stdout);
        t->typing = true;
    }
}

static void show_frame(struct talk *t, struct str type, const struct json *frame)
{
    if (str_eqz(type, "message")) {
        show_message(t, json_get(frame, "message"));
    } else if (str_eqz(type, "delta")) {
        show_piece(t, json_str(frame, "text", STR("")));
    } else if (str_eqz(type, "retract")) {
        end_piece(t, "withdrawn");
    } else if (str_eqz(type, "typing")) {
        show_typing(t, frame);
    } else if (str_eqz(type, "owner") || str_eqz(type, "hello")) {
        show_owner(t, frame);
    } else if (str_eqz(type, "restart")) {
        t->cursor = t->answered = 0;
    }
}

/* ---- the stream, on its own thread --------------------------------------- */

static enum err on_event(struct str type, struct str id, struct str data, void *arg)
{
    struct talk *t = arg;
    const struct json *frame;
    struct json_fault fault;
    (void)id;
    if (atomic_load(&t->stop)) {
        return E_GONE;
    }
    struct ctx *own = remote_thread_ctx(t->remote);
    if (json_parse(own->arena, data, &frame, &fault) == E_OK) {
        pthread_mutex_lock(&t->lock);
        show_frame(t, type, frame);
        pthread_cond_broadcast(&t->news);
        pthread_mutex_unlock(&t->lock);
    }
    ctx_free(&own);
    return E_OK;
}

static void pause_ms(const struct talk *t, int ms)
{
    for (int left = ms; left > 0 && !atomic_load(&t->stop); left -= 50) {
        struct timespec some = {.tv_nsec = 50000000};
        nanosleep(&some, NULL);
    }
}

static void *listen(void *arg)
{
    struct talk *t = arg;
    int again_ms = AGAIN_MS;
    while (!atomic_load(&t->stop)) {
        struct ctx *own = remote_thread_ctx(t->remote);
        own->cancel = &t->stop;
        pthread_mutex_lock(&t->lock);
        int64_t after = t->cursor;
        pthread_mutex_unlock(&t->lock);
        struct remote_stream stream = {
            .path = str_fmt(own->arena, "/api/v1/chat/events?token=%.*s&after=%lld",
                            STR_ARG(t->token), (long long)after),
            .after = -1,
            .on_event = on_event,
            .arg = t,
        };
        int64_t began_ms = clock_steady_ms();
        enum err e = remote_stream(own, t->remote, &stream);
        pthread_mutex_lock(&t->lock);
        if (e == E_UNAUTHENTICATED || e == E_GONE) {
            memcpy(t->trouble, own->fault.text, sizeof(t->trouble));
            atomic_store(&t->stop, true);
            pthread_cond_broadcast(&t->news);
        }
        pthread_mutex_unlock(&t->lock);
        ctx_free(&own);
        bool held = clock_steady_ms() - began_ms > 10000;
        again_ms = held ? AGAIN_MS : again_ms * 2 < AGAIN_MAX_MS ? again_ms * 2 : AGAIN_MAX_MS;
        pause_ms(t, again_ms);
    }
    return NULL;
}

/* ---- waiting for an answer ----------------------------------------------- */

static enum err poll_here(struct talk *t)
{
    const struct json *page;
    TRY(remote_get(t->remote,
                   str_fmt(t->c->arena, "/api/v1/chat/messages?token=%.*s&after=%lld",
                           STR_ARG(t->token), (long long)t->cursor),
                   &page));
    const struct json *items = json_get(page, "items");
    for (size_t i = 0; i < json_count(items); i++) {
        show_message(t, json_at(items, i));
    }
    show_owner(t, page);
    return E_OK;
}

static void on_text(struct str piece, void *arg)
{
    show_piece(arg, piece);
}

static enum err turn_here(struct talk *t)
{
    struct remote_turn turn = {.org_slug = t->org_slug, .conversation = t->conversation};
    turn.on_text = on_text;
    turn.arg = t;
    TRY(remote_turn(t->remote, &turn));
    return poll_here(t);
}

static enum err wait_there(struct talk *t, int64_t seq)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ANSWER_WAIT_S;
    int late = 0;
    pthread_mutex_lock(&t->lock);
    while (t->answered < seq && !t->with_person && !atomic_load(&t->stop) && late != ETIMEDOUT) {
        late = pthread_cond_timedwait(&t->news, &t->lock, &until);
    }
    pthread_mutex_unlock(&t->lock);
    if (t->trouble[0]) {
        return ctx_fail(t->c, E_GONE, "%s", t->trouble);
    }
    return late == ETIMEDOUT ? ctx_fail(t->c, E_TIMEOUT, "no answer within %d s", ANSWER_WAIT_S)
                             : E_OK;
}

static enum err wait_for_answer(struct talk *t, int64_t seq)
{
    return remote_is_here(t->remote) ? turn_here(t) : wait_there(t, seq);
}

/* ---- what the contact does ----------------------------------------------- */

static const struct json *token_body(const struct talk *t)
{
    return json_object(t->c->arena, {"token", json_new_str(t->c->arena, t->token)});
}

static enum err say(struct talk *t, struct str text)
{
    struct arena *a = t->c->arena;
    const struct json *answer;
    char client_id[33];
    id_random_hex(client_id, 16);
    TRY(remote_post(t->remote, STR("/api/v1/chat/messages"),
                    json_object(a, {"token", json_new_str(a, t->token)},
                                {"client_id", json_new_str(a, str_of(client_id))},
                                {"text", json_new_str(a, text)}),
                    &answer));
    return wait_for_answer(t, json_int(json_get(answer, "message"), "seq", 0));
}

static enum err ask_for_person(struct talk *t)
{
    const struct json *answer;
    TRY(remote_post(t->remote, STR("/api/v1/chat/handover"), token_body(t), &answer));
    pthread_mutex_lock(&t->lock);
    show_owner(t, answer);
    pthread_mutex_unlock(&t->lock);
    return remote_is_here(t->remote) ? poll_here(t) : E_OK;
}

static void read_session(struct talk *t, const struct json *session)
{
    struct arena *a = t->c->arena;
    t->token = json_str(session, "token", t->token);
    id_parse(json_str(session, "conversation_id", STR("")), &t->conversation);
    const struct json *agent = json_get(session, "agent");
    t->agent_name = str_dup(a, json_str(agent, "name", STR("Agent")));
    struct str greeting = json_str(agent, "greeting", STR(""));
    if (greeting.n && !t->in->json) {
        print_said(t, t->agent_name, greeting);
    }
}

static enum err restart(struct talk *t)
{
    const struct json *session;
    TRY(remote_post(t->remote, STR("/api/v1/chat/restart"), token_body(t), &session));
    pthread_mutex_lock(&t->lock);
    t->cursor = t->answered = 0;
    t->with_person = false;
    read_session(t, session);
    pthread_mutex_unlock(&t->lock);
    return E_OK;
}

/* False: the contact is done. */
static enum err act(struct talk *t, struct str line, bool *out_on)
{
    *out_on = true;
    if (line.n == 0) {
        return E_OK;
    }
    if (line.p[0] != '/') {
        return say(t, line);
    }
    if (str_eqz(line, "/quit") || str_eqz(line, "/q")) {
        *out_on = false;
        return E_OK;
    }
    if (str_eqz(line, "/person")) {
        return ask_for_person(t);
    }
    if (str_eqz(line, "/restart")) {
        return restart(t);
    }
    printf("/person asks for a person, /restart starts over, /quit ends; anything else is said.\n");
    return E_OK;
}

static enum err converse(struct talk *t)
{
    bool on = true;
    struct str line;
    if (t->tty && !t->in->json) {
        print_note(t, "/person, /restart, /quit");
    }
    while (on) {
        pthread_mutex_lock(&t->lock);
        t->prompting = true;
        prompt_again(t);
        pthread_mutex_unlock(&t->lock);
        bool more = terminal_line(t->c, "", false, &line);
        pthread_mutex_lock(&t->lock);
        t->prompting = false;
        pthread_mutex_unlock(&t->lock);
        if (!more) {
            break;
        }
        enum err e = act(t, str_trim(line), &on);
        if (e != E_OK && (!t->tty || e == E_UNAVAILABLE || e == E_GONE)) {
            return e;
        }
        if (e != E_OK) { /* said too much, too fast: the talk goes on */
            terminal_fault(t->c);
            ctx_forgive(t->c);
        }
    }
    return E_OK;
}

/* ---- beginning ----------------------------------------------------------- */

/* On a demo installation one talks as its visitor, to its agent, unless told otherwise. */
static void fill_from_demo(struct talk *t, struct str *inout_agent, const struct json **out_contact)
{
    struct arena *a = t->c->arena;
    const struct json *demo = NULL;
    if (remote_get(t->remote, STR("/api/v1/demo"), &demo) != E_OK) {
        ctx_forgive(t->c);
        return;
    }
    const struct json *org = json_get(demo, "org");
    struct str agent = str_fmt(a, "%.*s/%.*s", STR_ARG(json_str(org, "slug", STR(""))),
                               STR_ARG(json_str(org, "agent", STR(""))));
    if (!inout_agent->n) {
        *inout_agent = agent;
    }
    if (str_eq(*inout_agent, agent) && !command_has(t->in, "stranger")) {
        *out_contact = json_get(demo, "visitor");
    }
}

static enum err begin(struct talk *t)
{
    struct arena *a = t->c->arena;
    const struct json *session, *contact = NULL;
    const char *name = command_option(t->in, "name", NULL);
    struct str agent = str_of(command_option(t->in, "agent", ""));
    fill_from_demo(t, &agent, &contact);
    if (!agent.n) {
        return command_usage(t->c, t->in, "chat: with whom? --agent ORGANISATION/AGENT");
    }
    struct str rest = agent;
    str_split(&rest, '/', &t->org_slug);
    if (name) {
        contact = json_object(a, {"name", json_new_str(a, str_of(name))});
    }
    TRY(remote_post(t->remote, STR("/api/v1/chat/sessions"),
                    json_object(a, {"agent", json_new_str(a, agent)}, {"contact", contact}),
                    &session));
    struct str who = json_str(json_get(session, "contact"), "name", STR(""));
    if (t->tty && !t->in->json && who.n) {
        printf("You are %.*s.\n", STR_ARG(who));
    }
    read_session(t, session);
    return E_OK;
}

static enum err run_talk(struct talk *t)
{
    pthread_t listener;
    TRY(begin(t));
    bool there = !remote_is_here(t->remote);
    if (there && pthread_create(&listener, NULL, listen, t) != 0) {
        return ctx_fail(t->c, E_INTERNAL, "cannot start a thread");
    }
    enum err e = converse(t);
    atomic_store(&t->stop, true);
    if (there) {
        pthread_join(listener, NULL);
    }
    return e;
}

static enum err chat(struct ctx *c, struct invocation *in)
{
    struct talk t = {.c = c, .in = in, .streamed = buf_make(STREAMED_MAX_BYTES)};
    t.tty = terminal_is(STDIN_FILENO) && terminal_is(STDOUT_FILENO);
    TRY(remote_open(c, in, &t.remote));
    pthread_mutex_init(&t.lock, NULL);
    pthread_cond_init(&t.news, NULL);
    enum err e = run_talk(&t);
    remote_close(&t.remote);
    pthread_cond_destroy(&t.news);
    pthread_mutex_destroy(&t.lock);
    buf_free(&t.streamed);
    return e;
}

static const struct option chat_options[] = {
    {"agent", 'a', "ORG/AGENT", "with whom; the demo's agent"},
    {"name", 'n', "NAME", "what you are called"},
    {"stranger", 's', NULL, "not as the visitor of the demo"},
    {0},
};

extern const struct command chat_commands[];
const struct command chat_commands[] = {
    {"chat", "", "Talk to an agent in the terminal.", COMMAND_REMOTE, chat_options, 0, 0, chat},
    {0},
};
