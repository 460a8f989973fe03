#include "svc/success/export_mail.h"

#include "codec/base64.h"
#include "codec/format.h"
#include "codec/text.h"

/* A line with encoded words has at most 76 characters (RFC 2047, 2): 36 bytes make 48 of base64. */
enum { WORD_BYTES = 36, LINE_BYTES = 57, MAIL_MAX_BYTES = 256 << 10 };

/* A header's text, in whatever script: no byte of it can end the line. */
static void put_header(struct buf *b, struct arena *a, const char *name, struct str text)
{
    buf_addf(b, "%s:", name);
    while (text.n) {
        struct str word = text_cut_bytes(text, WORD_BYTES);
        word = word.n ? word : str_sub(text, 0, WORD_BYTES); /* one very long grapheme */
        buf_addf(b, " =?UTF-8?B?%.*s?=\r\n", STR_ARG(base64_encode(a, word)));
        text = str_sub(text, word.n, text.n);
    }
}

static struct str champion(const struct json *contacts)
{
    for (size_t i = 0; i < json_count(contacts); i++) {
        const struct json *who = json_at(contacts, i);
        struct str email = json_str(who, "email", STR(""));
        if (json_bool(who, "champion", false) && format_is_email(email)) {
            return email;
        }
    }
    return STR("");
}

struct str export_mail(struct arena *a, const struct json *final, const struct json *contacts)
{
    const struct json *draft = json_get(final, "email_draft");
    struct str subject = json_str(draft, "subject", STR("")), line;
    struct str body = json_str(draft, "body", STR("")), to = champion(contacts);
    if (!body.n) {
        return STR("");
    }
    struct buf text = buf_make(MAIL_MAX_BYTES), b = buf_make(MAIL_MAX_BYTES);
    struct str rest = text_clean(a, body);
    while (str_split(&rest, '\n', &line)) {
        buf_addf(&text, "%.*s\r\n", STR_ARG(line));
    }
    put_header(&b, a, "Subject", subject.n ? subject : STR("-"));
    if (to.n) {
        buf_addf(&b, "To: %.*s\r\n", STR_ARG(to));
    }
    buf_addf(&b, "X-Unsent: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: base64\r\n\r\n");
    rest = buf_str(&text);
    for (size_t i = 0; i < rest.n; i += LINE_BYTES) {
        buf_addf(&b, "%.*s\r\n", STR_ARG(base64_encode(a, str_sub(rest, i, LINE_BYTES))));
    }
    struct str mail = text.overflow || b.overflow ? STR("") : str_dup(a, buf_str(&b));
    buf_free(&text);
    buf_free(&b);
    return mail;
}
