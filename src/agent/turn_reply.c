#include "agent/turn_reply.h"

#include "base/buf.h"
#include "codec/text.h"
#include "nlu/slot.h"

enum {
    WHOLE_WORDS_MAX = 6, /* a message that is nothing but a reply */
    PART_WORDS_MAX = 4,  /* a reply before or behind something else */
    BARE_WORDS_MAX = 2,
    BURST_MAX_BYTES = 64 << 10
};

static const char *const NAMES[] = {"unclear", "confirm", "deny", "correct", "later"};

static enum slot_reply reply_of(struct str text)
{
    double confidence = 0;
    return slot_is_abort(text) ? SLOT_REPLY_DENY : slot_reply_of(text, &confidence);
}

/* "and how long does it take" asks no less than without its "and". */
static struct str without_lead(struct str s)
{
    static const char *const leads[] = {",",    ".",    "!",    ";",    "-",     "\xe2\x80\x93",
                                        "and ", "And ", "but ", "But ", "also ", "Also "};
    bool found = true;
    while (found) {
        found = false;
        s = str_trim(s);
        for (size_t i = 0; i < sizeof(leads) / sizeof(*leads) && !found; i++) {
            struct str lead = str_of(leads[i]);
            found = str_starts(s, lead);
            s = found ? str_sub(s, lead.n, s.n - lead.n) : s;
        }
    }
    return s;
}

static bool asks(struct str s)
{
    static const char *const words[] = {"how ",  "what ", "when ", "where ", "which ",
                                        "who ",  "why ",  "can ",  "could ", "do ",
                                        "does ", "is ",   "are "};
    s = without_lead(s);
    if (str_find_char(s, '?') >= 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct str word = str_of(words[i]);
        if (s.n > word.n && str_eq_nocase(str_sub(s, 0, word.n), word)) {
            return true;
        }
    }
    return false;
}

/* Where a reply at the front may end. */
static bool is_cut(struct str s, size_t i)
{
    char c = s.p[i];
    return c == ',' || c == '.' || c == '!' || c == ';' || c == '\n' ||
           str_starts(str_sub(s, i, s.n - i), STR(" and ")) ||
           str_starts(str_sub(s, i, s.n - i), STR(" - "));
}

static bool is_plain(enum slot_reply r)
{
    return r == SLOT_REPLY_CONFIRM || r == SLOT_REPLY_DENY || r == SLOT_REPLY_LATER;
}

/* "yes, and how long does that take?" */
static enum slot_reply front_reply(struct str s, struct str *out_rest)
{
    for (size_t i = 1; i < s.n; i++) {
        struct str head = str_sub(s, 0, i);
        if (!is_cut(s, i)) {
            continue;
        }
        if (text_count_words(head, SIZE_MAX) > PART_WORDS_MAX) {
            break;
        }
        enum slot_reply r = reply_of(head);
        struct str rest = without_lead(str_sub(s, i, s.n - i));
        if (is_plain(r) && rest.n) {
            *out_rest = rest;
            return r;
        }
    }
    return SLOT_REPLY_UNCLEAR;
}

/* "How long does that take? Yes, do it." */
static enum slot_reply back_reply(struct str s, struct str *out_rest)
{
    size_t at = s.n;
    while (at > 0 && s.p[at - 1] != '?') {
        at--;
    }
    struct str tail = str_trim(str_sub(s, at, s.n - at));
    enum slot_reply r = at && tail.n && text_count_words(tail, SIZE_MAX) <= PART_WORDS_MAX
                            ? reply_of(tail)
                            : SLOT_REPLY_UNCLEAR;
    if (is_plain(r)) {
        *out_rest = str_sub(s, 0, at);
        return r;
    }
    return SLOT_REPLY_UNCLEAR;
}

/* One message: its reply, and what it says besides. */
static enum slot_reply read_message(struct str s, struct str *out_rest)
{
    struct str rest = STR("");
    enum slot_reply whole = reply_of(s), part = SLOT_REPLY_UNCLEAR;
    bool short_reply =
        whole != SLOT_REPLY_UNCLEAR && text_count_words(s, SIZE_MAX) <= WHOLE_WORDS_MAX;
    if (whole != SLOT_REPLY_CORRECT && (!short_reply || str_find_char(s, '?') >= 0)) {
        part = front_reply(s, &rest);
        part = part == SLOT_REPLY_UNCLEAR ? back_reply(s, &rest) : part;
    }
    if (part != SLOT_REPLY_UNCLEAR) {
        *out_rest = rest;
        return part;
    }
    *out_rest = whole == SLOT_REPLY_UNCLEAR ? s : STR("");
    return whole;
}

static struct str join(struct arena *a, const struct str *parts, int n)
{
    struct buf b = buf_make(BURST_MAX_BYTES);
    for (int i = 0; i < n; i++) {
        if (parts[i].n) {
            buf_addf(&b, "%s%.*s", b.n ? "\n" : "", STR_ARG(parts[i]));
        }
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

struct turn_reply turn_reply_of(struct arena *a, const struct str *messages, int n)
{
    struct str rests[TURN_REPLY_MESSAGES_MAX] = {{0}};
    enum slot_reply reply = SLOT_REPLY_UNCLEAR;
    n = n < TURN_REPLY_MESSAGES_MAX ? n : TURN_REPLY_MESSAGES_MAX;
    for (int i = 0; i < n; i++) {
        enum slot_reply one = read_message(str_trim(messages[i]), &rests[i]);
        reply = one != SLOT_REPLY_UNCLEAR ? one : reply;
    }
    struct str rest = join(a, rests, n);
    /* "no" and then "BW-10421": another value, said in two messages */
    if (reply != SLOT_REPLY_CONFIRM && !asks(rest) &&
        reply_of(join(a, messages, n)) == SLOT_REPLY_CORRECT) {
        reply = SLOT_REPLY_CORRECT;
    }
    if (reply == SLOT_REPLY_UNCLEAR || reply == SLOT_REPLY_CORRECT) {
        return (struct turn_reply){NAMES[reply], STR(""), false};
    }
    return (struct turn_reply){NAMES[reply], rest, asks(rest)};
}

struct str turn_reply_subject(struct arena *a, const struct str *messages, int n)
{
    struct str kept[TURN_REPLY_MESSAGES_MAX];
    n = n < TURN_REPLY_MESSAGES_MAX ? n : TURN_REPLY_MESSAGES_MAX;
    for (int i = 0; i < n; i++) {
        bool bare = text_count_words(messages[i], SIZE_MAX) <= BARE_WORDS_MAX &&
                    reply_of(messages[i]) != SLOT_REPLY_UNCLEAR;
        kept[i] = bare ? STR("") : messages[i];
    }
    struct str subject = join(a, kept, n);
    return str_trim(subject).n ? subject : join(a, messages, n);
}
