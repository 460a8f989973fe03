#include "base/log.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ctx.h"
#include "base/digits.h"

enum { LINE_MAX_BYTES = 8192, VALUE_MAX_BYTES = 1024 };

struct log {
    int fd;
    enum log_level least;
};

struct log *log_new(int fd, enum log_level least)
{
    struct log *l = mem_new(sizeof(*l));
    *l = (struct log){fd, least};
    return l;
}

void log_free(struct log **l)
{
    free(*l);
    *l = NULL;
}

bool log_wants(const struct log *l, enum log_level level)
{
    return l && level >= l->least;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '+';
}

static size_t word_length(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && is_word(s.p[at + n])) {
        n++;
    }
    return n;
}

static bool is_secret_word(struct str word)
{
    static const char *const starts[] = {"eyJ", "rk_", "sk-", "whsec_", "whsk_"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        if (word.n > 12 && str_starts(word, str_of(starts[i]))) {
            return true;
        }
    }
    return false;
}

/* Digits of phone, card and account numbers; ids (hex with dashes) hold letters and pass. */
static bool is_long_number(struct str word)
{
    size_t digits = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (isdigit((unsigned char)word.p[i])) {
            digits++;
        } else if (!strchr("-.+", word.p[i])) {
            return false;
        }
    }
    return digits >= 9;
}

static size_t mask_mail_domain(struct buf *out, struct str text, size_t at)
{
    size_t n = word_length(text, at);
    buf_add(out, "***@", 4);
    buf_add(out, text.p + at, n);
    return n;
}

/* The byte behind a card, account or telephone number, in groups or not; 0: none begins here. */
static size_t personal_number(struct str text, size_t at)
{
    size_t end = digits_card(text, at);
    end = end ? end : digits_iban(text, at);
    return end ? end : digits_phone(text, at);
}

void log_mask(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = word_length(text, i), end;
        struct str word = str_sub(text, i, n);
        if ((n > 0 || text.p[i] == '(') && (end = personal_number(text, i)) > i) {
            buf_add(out, "***", 3);
            i = end;
        } else if (n == 0) {
            buf_add_char(out, text.p[i++]);
        } else if (i + n + 1 < text.n && text.p[i + n] == '@' && is_word(text.p[i + n + 1])) {
            i += n + 1;
            i += mask_mail_domain(out, text, i);
        } else {
            if (is_secret_word(word) || is_long_number(word)) {
                buf_add(out, "***", 3);
            } else {
                buf_add_str(out, word);
            }
            i += n;
        }
    }
}

static void add_quoted(struct buf *b, struct str s)
{
    buf_add_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            buf_addf(b, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_addf(b, "\\u%04x", c);
        } else {
            buf_add_char(b, (char)c);
        }
    }
    buf_add_char(b, '"');
}

static void add_text(struct buf *line, struct str text)
{
    struct buf masked = buf_make(VALUE_MAX_BYTES * 2);
    log_mask(&masked, str_sub(text, 0, VALUE_MAX_BYTES));
    struct str m = buf_str(&masked);
    add_quoted(line, str_is_utf8(m) ? m : STR("(not UTF-8)"));
    buf_free(&masked);
}

static void add_time(struct buf *line, int64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    char text[32];
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &t);
    buf_addf(line, "{\"at\":\"%s.%03dZ\"", text, (int)(now_ms % 1000));
}

static void add_field(struct buf *line, const struct log_field *f)
{
    buf_addf(line, ",\"%s\":", f->name);
    if (f->kind == LOG_KIND_INT) {
        buf_addf(line, "%lld", (long long)f->integer);
    } else if (f->kind == LOG_KIND_REAL) {
        buf_addf(line, "%.6g", isfinite(f->real) ? f->real : 0.0);
    } else {
        add_text(line, f->text);
    }
}

void log_write(struct log *l, const struct ctx *c, enum log_level level, const char *what,
               const struct log_field *fields)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if (!log_wants(l, level)) {
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* a log tells real time even when the clock is set */
    struct buf line = buf_make(LINE_MAX_BYTES);
    add_time(&line, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    buf_addf(&line, ",\"level\":\"%s\",\"what\":\"%s\"", names[level], what);
    if (c) {
        buf_addf(&line, ",\"request_id\":\"%s\"", c->request_id);
        if (id_is_set(&c->org)) {
            buf_addf(&line, ",\"org_id\":\"%s\"", c->org.text);
        }
    }
    for (const struct log_field *f = fields; f && f->name; f++) {
        size_t before = line.n;
        add_field(&line, f);
        if (line.overflow || line.n + 2 > LINE_MAX_BYTES) {
            line.n = before; /* a field that does not fit is left out whole */
            line.overflow = false;
            break;
        }
    }
    buf_add(&line, "}\n", 2);
    if (write(l->fd, line.p, line.n) < 0) {
        /* nowhere left to say it */
    }
    buf_free(&line);
}
