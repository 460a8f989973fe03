#include "svc/webhook/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/date.h"
#include "codec/hmac.h"
#include "codec/json.h"
#include "codec/text.h"
#include "codec/url.h"

enum { NUMBERED_MAX = 100, NAME_MAX_BYTES = 80, KIND_MAX_BYTES = 100 };

static const int64_t MS_FROM = 100000000000; /* as seconds: the year 5138 */

static const struct signature_scheme schemes[] = {
    {.name = "standard",
     .title = "Standard Webhooks (also OpenAI, Svix, Resend, Clerk)",
     .header = "webhook-signature",
     .form = SIGNATURE_LIST,
     .label = "v1",
     .time_header = "webhook-timestamp",
     .id_header = "webhook-id",
     .signs = "{id}.{timestamp}.{body}",
     .encoding = SIGNATURE_BASE64,
     .key = SIGNATURE_KEY_BASE64,
     .tolerance_s = 300},
    {.name = "svix",
     .title = "Svix under its own header names",
     .header = "svix-signature",
     .form = SIGNATURE_LIST,
     .label = "v1",
     .time_header = "svix-timestamp",
     .id_header = "svix-id",
     .signs = "{id}.{timestamp}.{body}",
     .encoding = SIGNATURE_BASE64,
     .key = SIGNATURE_KEY_BASE64,
     .tolerance_s = 300},
    {.name = "stripe",
     .title = "Stripe",
     .header = "Stripe-Signature",
     .form = SIGNATURE_PAIRS,
     .label = "v1",
     .time_label = "t",
     .id_path = ".id",
     .signs = "{timestamp}.{body}",
     .tolerance_s = 300},
    {.name = "github",
     .title = "GitHub",
     .header = "X-Hub-Signature-256",
     .prefix = "sha256=",
     .id_header = "X-GitHub-Delivery",
     .kind_header = "X-GitHub-Event",
     .signs = "{body}"},
    {.name = "slack",
     .title = "Slack",
     .header = "X-Slack-Signature",
     .prefix = "v0=",
     .time_header = "X-Slack-Request-Timestamp",
     .id_path = ".event_id?",
     .signs = "v0:{timestamp}:{body}",
     .handshake = SIGNATURE_SLACK,
     .tolerance_s = 300},
    {.name = "meta",
     .title = "Meta: WhatsApp, Messenger, Instagram",
     .header = "X-Hub-Signature-256",
     .prefix = "sha256=",
     .signs = "{body}",
     .handshake = SIGNATURE_META},
    {.name = "zendesk",
     .title = "Zendesk",
     .header = "X-Zendesk-Webhook-Signature",
     .time_header = "X-Zendesk-Webhook-Signature-Timestamp",
     .id_header = "X-Zendesk-Webhook-Invocation-Id",
     .signs = "{timestamp}{body}",
     .encoding = SIGNATURE_BASE64,
     .tolerance_s = 300},
    {.name = "twilio",
     .title = "Twilio",
     .header = "X-Twilio-Signature",
     .id_header = "I-Twilio-Idempotency-Token",
     .signs = "{url}{form}",
     .algorithm = SIGNATURE_HMAC_SHA1,
     .encoding = SIGNATURE_BASE64},
    {.name = "shopify",
     .title = "Shopify",
     .header = "X-Shopify-Hmac-Sha256",
     .id_header = "X-Shopify-Webhook-Id",
     .kind_header = "X-Shopify-Topic",
     .signs = "{body}",
     .encoding = SIGNATURE_BASE64},
    {.name = "tiktok",
     .title = "TikTok",
     .header = "TikTok-Signature",
     .form = SIGNATURE_PAIRS,
     .label = "s",
     .time_label = "t",
     .signs = "{timestamp}.{body}",
     .tolerance_s = 300},
    {.name = "linkedin",
     .title = "LinkedIn",
     .header = "X-LI-Signature",
     .prefix = "hmacsha256=",
     .prefix_may_lack = true,
     .signs = "hmacsha256={body}",
     .handshake = SIGNATURE_LINKEDIN},
    {.name = "telegram",
     .title = "Telegram",
     .header = "X-Telegram-Bot-Api-Secret-Token",
     .id_path = ".update_id",
     .signs = "",
     .algorithm = SIGNATURE_TOKEN},
    {.name = "hubspot",
     .title = "HubSpot, version 3",
     .header = "X-HubSpot-Signature-v3",
     .time_header = "X-HubSpot-Request-Timestamp",
     .signs = "{method}{url}{body}{timestamp}",
     .encoding = SIGNATURE_BASE64,
     .tolerance_s = 300},
    {.name = "docusign",
     .title = "DocuSign Connect",
     .header = "X-DocuSign-Signature",
     .form = SIGNATURE_NUMBERED,
     .signs = "{body}",
     .encoding = SIGNATURE_BASE64},
    {.name = "elevenlabs",
     .title = "ElevenLabs",
     .header = "ElevenLabs-Signature",
     .form = SIGNATURE_PAIRS,
     .label = "v0",
     .time_label = "t",
     .signs = "{timestamp}.{body}",
     .tolerance_s = 1800},
    {.name = "chatwoot",
     .title = "Chatwoot",
     .header = "X-Chatwoot-Signature",
     .prefix = "sha256=",
     .prefix_may_lack = true,
     .time_header = "X-Chatwoot-Timestamp",
     .signs = "{timestamp}.{body}",
     .tolerance_s = 300},
    {.name = "telnyx",
     .title = "Telnyx (the secret is its public key)",
     .header = "telnyx-signature-ed25519",
     .time_header = "telnyx-timestamp",
     .id_path = ".data.id?",
     .signs = "{timestamp}|{body}",
     .algorithm = SIGNATURE_ED25519,
     .encoding = SIGNATURE_BASE64,
     .key = SIGNATURE_KEY_BASE64,
     .tolerance_s = 300},
    {.name = "sendgrid",
     .title = "SendGrid events (the secret is its public key)",
     .header = "X-Twilio-Email-Event-Webhook-Signature",
     .time_header = "X-Twilio-Email-Event-Webhook-Timestamp",
     .signs = "{timestamp}{body}",
     .algorithm = SIGNATURE_ECDSA,
     .encoding = SIGNATURE_BASE64,
     .key = SIGNATURE_KEY_BASE64,
     .tolerance_s = 300},
    {.name = "generic",
     .title = "Any other HMAC, as `signature` says",
     .header = "X-Signature",
     .signs = "{body}"},
};

const struct signature_scheme *signature_at(int index)
{
    return index >= 0 && (size_t)index < sizeof(schemes) / sizeof(*schemes) ? &schemes[index]
                                                                            : NULL;
}

const struct signature_scheme *signature_find(struct str name)
{
    const struct signature_scheme *s;
    for (int i = 0; (s = signature_at(i)); i++) {
        if (str_eqz(name, s->name)) {
            return s;
        }
    }
    return NULL;
}

/* ---- a sender in the org's own words ------------------------------------- */

static enum err wrong(struct signature_fault *f, const char *field, const char *text)
{
    f->field = field;
    snprintf(f->text, sizeof(f->text), "%s", text);
    return E_INVALID;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        if (!letter && !(ch >= '0' && ch <= '9') && !strchr("!#$%&'*+-.^_`|~", ch)) {
            return false;
        }
    }
    return s.n > 0 && s.n <= NAME_MAX_BYTES;
}

static const char *const pieces[] = {"id", "timestamp", "method", "url", "form", "body"};

/* What {..} at the start of `rest` names: an index of `pieces`, -1: nothing. */
static int piece_at(struct str rest, size_t *out_bytes)
{
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        size_t n = strlen(pieces[i]);
        if (rest.n >= n + 2 && rest.p[0] == '{' && rest.p[n + 1] == '}' &&
            memcmp(rest.p + 1, pieces[i], n) == 0) {
            *out_bytes = n + 2;
            return (int)i;
        }
    }
    return -1;
}

static enum err check_signs(struct str signs, bool timed, struct signature_fault *f)
{
    size_t n;
    if (signs.n > SIGNATURE_SIGNS_MAX_BYTES || str_find_char(signs, '\0') >= 0) {
        return wrong(f, "signature.signs", "is too long");
    }
    if (str_find(signs, STR("{body}")) < 0) {
        return wrong(f, "signature.signs", "must contain {body}");
    }
    if ((str_find(signs, STR("{timestamp}")) >= 0) != timed) {
        return wrong(f, "signature.signs",
                     "contains {timestamp} when, and only when, timestamp_header is given");
    }
    for (size_t i = 0; i < signs.n; i++) {
        if (signs.p[i] == '{' && piece_at(str_sub(signs, i, signs.n), &n) < 0) {
            return wrong(f, "signature.signs",
                         "knows {id}, {timestamp}, {method}, {url}, {form} and {body}");
        }
    }
    return E_OK;
}

enum err signature_generic(struct arena *a, const struct json *options,
                           struct signature_scheme *out, struct signature_fault *out_fault)
{
    static const char *const known[] = {"header",           "prefix", "algorithm", "encoding",
                                        "timestamp_header", "signs",  "id_header"};
    struct signature_scheme s = *signature_find(STR("generic"));
    struct str header = json_str(options, "header", str_of(s.header));
    struct str prefix = json_str(options, "prefix", STR(""));
    struct str algorithm = json_str(options, "algorithm", STR("sha256"));
    struct str encoding = json_str(options, "encoding", STR("hex"));
    struct str time_header = json_str(options, "timestamp_header", STR(""));
    struct str id_header = json_str(options, "id_header", STR(""));
    struct str signs =
        json_str(options, "signs", time_header.n ? STR("{timestamp}.{body}") : str_of(s.signs));
    for (size_t i = 0; i < json_count(options); i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++) {
            found = found || str_eqz(options->members[i].name, known[k]);
        }
        if (!found || options->members[i].value.kind != JSON_STRING) {
            return wrong(out_fault, "signature",
                         "has texts only: header, prefix, algorithm, encoding, timestamp_header, "
                         "id_header, signs");
        }
    }
    if (!is_token(header) || (time_header.n && !is_token(time_header)) ||
        (id_header.n && !is_token(id_header))) {
        return wrong(out_fault, "signature.header", "must be the name of a header");
    }
    if (prefix.n > NAME_MAX_BYTES || !str_is_utf8(prefix)) {
        return wrong(out_fault, "signature.prefix", "is too long");
    }
    bool sha1 = str_eqz(algorithm, "sha1"), base64 = str_eqz(encoding, "base64");
    if (!sha1 && !str_eqz(algorithm, "sha256")) {
        return wrong(out_fault, "signature.algorithm", "is sha256 or sha1");
    }
    if (!base64 && !str_eqz(encoding, "hex")) {
        return wrong(out_fault, "signature.encoding", "is hex or base64");
    }
    TRY(check_signs(signs, time_header.n > 0, out_fault));
    s.header = str_dupz(a, header);
    s.prefix = prefix.n ? str_dupz(a, prefix) : NULL;
    s.time_header = time_header.n ? str_dupz(a, time_header) : NULL;
    s.id_header = id_header.n ? str_dupz(a, id_header) : NULL;
    s.signs = str_dupz(a, signs);
    s.algorithm = sha1 ? SIGNATURE_HMAC_SHA1 : SIGNATURE_HMAC_SHA256;
    s.encoding = base64 ? SIGNATURE_BASE64 : SIGNATURE_HEX;
    s.tolerance_s = time_header.n ? 300 : 0;
    *out = s;
    return E_OK;
}

enum err signature_read_key(struct arena *a, const struct signature_scheme *s, struct str secret,
                            struct str *out_key)
{
    struct str key = secret;
    if (s->key == SIGNATURE_KEY_BASE64) {
        if (str_starts(secret, STR("whsec_"))) {
            secret = str_sub(secret, 6, secret.n);
        }
        if (!base64_decode(a, str_trim(secret), &key)) {
            return E_INVALID;
        }
    }
    if (key.n == 0 || (s->algorithm == SIGNATURE_ED25519 && key.n != 32)) {
        return E_INVALID;
    }
    *out_key = key;
    return E_OK;
}

/* ---- a request ----------------------------------------------------------- */

struct str signature_header(const struct signature_request *r, const char *name)
{
    for (int i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, str_of(name))) {
            return r->headers[i].value;
        }
    }
    return STR("");
}

bool signature_is_form(const struct signature_request *r)
{
    struct str type = signature_header(r, "Content-Type"), first;
    return str_split(&type, ';', &first) &&
           str_eq_nocase(str_trim(first), STR("application/x-www-form-urlencoded"));
}

/* What the headers say. */
struct claim {
    struct str values[SIGNATURE_VALUES_MAX]; /* signatures as written */
    int count;
    struct str time, id;
};

static void add_value(struct claim *claim, struct str value)
{
    if (claim->count < SIGNATURE_VALUES_MAX && value.n) {
        claim->values[claim->count++] = value;
    }
}

static void read_pairs(const struct signature_scheme *s, struct str text, struct claim *claim)
{
    struct str piece, name;
    while (str_split(&text, ',', &piece)) {
        struct str value = piece;
        if (!str_split(&value, '=', &name)) {
            continue;
        }
        name = str_trim(name);
        if (str_eqz(name, s->label)) {
            add_value(claim, str_trim(value));
        } else if (s->time_label && str_eqz(name, s->time_label)) {
            claim->time = str_trim(value);
        }
    }
}

static void read_list(const struct signature_scheme *s, struct str text, struct claim *claim)
{
    struct str piece, name;
    while (str_split(&text, ' ', &piece)) {
        struct str value = piece;
        if (str_split(&value, ',', &name) && str_eqz(name, s->label)) {
            add_value(claim, value);
        }
    }
}

static void read_numbered(const struct signature_scheme *s, const struct signature_request *r,
                          struct claim *claim)
{
    char name[NAME_MAX_BYTES + 8];
    for (int i = 1; i <= NUMBERED_MAX && claim->count < SIGNATURE_VALUES_MAX; i++) {
        snprintf(name, sizeof(name), "%s-%d", s->header, i);
        struct str value = signature_header(r, name);
        if (!value.n) {
            return; /* they are numbered without gaps */
        }
        add_value(claim, str_trim(value));
    }
}

static void read_value(const struct signature_scheme *s, struct str value, struct claim *claim)
{
    struct str prefix = str_of(s->prefix);
    value = str_trim(value);
    if (str_starts(value, prefix)) {
        add_value(claim, str_sub(value, prefix.n, value.n));
    } else if (s->prefix_may_lack) {
        add_value(claim, value);
    }
}

static bool read_claim(const struct signature_scheme *s, const struct signature_request *r,
                       struct claim *claim)
{
    struct str value = signature_header(r, s->header);
    *claim = (struct claim){.time = s->time_header ? str_trim(signature_header(r, s->time_header))
                                                   : STR(""),
                            .id = s->id_header ? signature_header(r, s->id_header) : STR("")};
    switch (s->form) {
    case SIGNATURE_VALUE:
        read_value(s, value, claim);
        break;
    case SIGNATURE_PAIRS:
        read_pairs(s, value, claim);
        break;
    case SIGNATURE_LIST:
        read_list(s, value, claim);
        break;
    case SIGNATURE_NUMBERED:
        read_numbered(s, r, claim);
        break;
    }
    bool timed = s->time_header || s->time_label;
    bool named = str_find(str_of(s->signs), STR("{id}")) >= 0;
    return claim->count > 0 && (!timed || claim->time.n) && (!named || claim->id.n);
}

/* ---- the signed bytes ---------------------------------------------------- */

static int compare_pairs(const void *a, const void *b)
{
    const struct url_pair *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : str_cmp(x->value, y->value);
}

/* Twilio: a form's fields by name, each name and value once; another body is named by its hash in
 * the query, which is part of the signed address. */
static bool add_form(struct arena *a, const struct signature_request *r, struct buf *b)
{
    struct url_form form, query;
    if (!signature_is_form(r)) {
        unsigned char digest[HMAC_SHA256_BYTES];
        if (url_form_parse(a, r->query, &query) != E_OK) {
            return false;
        }
        hmac_sha256_of(r->body, digest);
        struct str hex = base64_to_hex(a, str_make((const char *)digest, sizeof(digest)));
        struct str told = url_form_get(&query, "bodySHA256", STR(""));
        return (r->body.n == 0 && told.n == 0) || str_eq_secret(hex, str_lower(a, told));
    }
    if (url_form_parse(a, r->body, &form) != E_OK) {
        return false;
    }
    struct url_pair *pairs = arena_memdup(a, form.pairs, form.count * sizeof(*pairs));
    qsort(pairs, form.count, sizeof(*pairs), compare_pairs);
    for (size_t i = 0; i < form.count; i++) {
        if (i == 0 || compare_pairs(&pairs[i - 1], &pairs[i]) != 0) {
            buf_add_str(b, pairs[i].name);
            buf_add_str(b, pairs[i].value);
        }
    }
    return true;
}

/* In the arena; nothing at all where the signed bytes are the body, as it lies. */
static bool signed_bytes(struct arena *a, const struct signature_scheme *s,
                         const struct signature_request *r, const struct claim *claim,
                         struct str *out_bytes)
{
    struct str rest = str_of(s->signs);
    if (str_eqz(rest, "{body}")) {
        *out_bytes = r->body;
        return true;
    }
    struct buf b = buf_make(3 * r->body.n + 2 * r->url.n + 4096);
    bool fine = true;
    while (rest.n && fine) {
        size_t n = 1;
        switch (rest.p[0] == '{' ? piece_at(rest, &n) : -1) {
        case 0:
            buf_add_str(&b, claim->id);
            break;
        case 1:
            buf_add_str(&b, claim->time);
            break;
        case 2:
            buf_add_str(&b, r->method);
            break;
        case 3:
            buf_add_str(&b, r->url);
            break;
        case 4:
            fine = add_form(a, r, &b);
            break;
        case 5:
            buf_add_str(&b, r->body);
            break;
        default:
            n = 1;
            buf_add_char(&b, rest.p[0]);
        }
        rest = str_sub(rest, n, rest.n);
    }
    fine = fine && !b.overflow;
    *out_bytes = str_dup(a, buf_str(&b));
    buf_free(&b);
    return fine;
}

/* The address is left out: it may be written in several ways. */
struct str signature_digest(struct arena *a, const struct signature_scheme *s,
                            const struct signature_request *r)
{
    struct signature_request bare = *r;
    struct claim claim;
    struct str bytes;
    bare.url = STR("");
    if (!s->id_header || str_find(str_of(s->signs), STR("{id}")) >= 0 ||
        !read_claim(s, &bare, &claim) || !signed_bytes(a, s, &bare, &claim, &bytes)) {
        return STR("");
    }
    bytes = bytes.n ? bytes : r->body;
    if (s->kind_header) {
        struct str kind = text_cut_bytes(signature_header(r, s->kind_header), KIND_MAX_BYTES);
        bytes = str_fmt(a, "%.*s\n%.*s", STR_ARG(kind), STR_ARG(bytes));
    }
    return hmac_sha256_hex(a, bytes);
}

/* ---- comparing ----------------------------------------------------------- */

static bool is_of_key(const struct signature_scheme *s, struct str key, struct str bytes,
                      const struct str *given, int count)
{
    unsigned char mac[HMAC_SHA256_BYTES];
    struct str wanted = {(const char *)mac, HMAC_SHA256_BYTES};
    bool good = false;
    if (s->algorithm == SIGNATURE_HMAC_SHA256) {
        hmac_sha256(key, bytes, mac);
    } else if (s->algorithm == SIGNATURE_HMAC_SHA1) {
        hmac_sha1(key, bytes, mac);
        wanted.n = HMAC_SHA1_BYTES;
    } else if (s->algorithm == SIGNATURE_TOKEN) {
        wanted = key;
    }
    for (int i = 0; i < count; i++) {
        if (s->algorithm == SIGNATURE_ED25519) {
            good |= hmac_ed25519_is(key, bytes, given[i]);
        } else if (s->algorithm == SIGNATURE_ECDSA) {
            good |= hmac_ecdsa_is(key, bytes, given[i]);
        } else {
            good |= str_eq_secret(wanted, given[i]);
        }
    }
    return good;
}

static int decode(struct arena *a, const struct signature_scheme *s, const struct claim *claim,
                  struct str out[SIGNATURE_VALUES_MAX])
{
    int count = 0;
    for (int i = 0; i < claim->count; i++) {
        struct str text = claim->values[i];
        if (s->algorithm == SIGNATURE_TOKEN) {
            out[count++] = text;
        } else {
            count += s->encoding == SIGNATURE_HEX ? base64_from_hex(a, text, &out[count])
                                                  : base64_decode(a, text, &out[count]);
        }
    }
    return count;
}

/* The address with its port when it has none, and without when it has one: what stands between a
 * sender and us may do either (Twilio's own SDKs accept both). */
static bool other_port(struct arena *a, struct str url, struct str *out_url)
{
    struct url u;
    if (url_parse(a, url, &u) != E_OK) {
        return false;
    }
    bool tls = str_eqz(u.scheme, "https");
    struct str bare = str_fmt(a, "%.*s://%s%.*s%s", STR_ARG(u.scheme), u.host_is_ipv6 ? "[" : "",
                              STR_ARG(u.host), u.host_is_ipv6 ? "]" : "");
    struct str ported = str_fmt(a, "%.*s:%d", STR_ARG(bare), u.port ? u.port : tls ? 443 : 80);
    bool has = str_starts(url, ported);
    struct str from = has ? ported : bare, to = has ? bare : ported;
    if (!str_starts(url, from)) {
        return false;
    }
    *out_url = str_fmt(a, "%.*s%.*s", STR_ARG(to), STR_ARG(str_sub(url, from.n, url.n)));
    return true;
}

static bool matches(struct arena *a, const struct signature_scheme *s,
                    const struct signature_request *r, const struct claim *claim,
                    const struct str *keys, int key_count)
{
    struct str bytes, given[SIGNATURE_VALUES_MAX];
    bool good = false;
    int count = decode(a, s, claim, given);
    if (count == 0 || !signed_bytes(a, s, r, claim, &bytes)) {
        return false;
    }
    for (int i = 0; i < key_count; i++) {
        good |= is_of_key(s, keys[i], bytes, given, count);
    }
    return good;
}

/* Unix seconds or milliseconds, or ISO 8601. */
static bool read_time(struct str text, int64_t *out_ms)
{
    int64_t n;
    if (!str_to_i64(text, &n)) {
        return date_parse(text, out_ms);
    }
    if (n < 0 || n > INT64_MAX / 1000) {
        return false;
    }
    *out_ms = n >= MS_FROM ? n : n * 1000;
    return true;
}

enum signature_verdict signature_check(struct arena *a, const struct signature_scheme *s,
                                       const struct signature_request *r, const struct str *keys,
                                       int key_count)
{
    struct claim claim;
    struct signature_request other = *r;
    int64_t at_ms = 0, tolerance_ms = (int64_t)s->tolerance_s * 1000;
    if (!read_claim(s, r, &claim)) {
        return SIGNATURE_MISSING;
    }
    bool good = matches(a, s, r, &claim, keys, key_count);
    if (!good && str_find(str_of(s->signs), STR("{url}")) >= 0 &&
        other_port(a, r->url, &other.url)) {
        good = matches(a, s, &other, &claim, keys, key_count);
    }
    if (!good) {
        return SIGNATURE_WRONG;
    }
    if (!claim.time.n || !tolerance_ms) {
        return SIGNATURE_GOOD;
    }
    bool fresh = read_time(claim.time, &at_ms) && at_ms <= r->now_ms + tolerance_ms &&
                 at_ms >= r->now_ms - tolerance_ms;
    return fresh ? SIGNATURE_GOOD : SIGNATURE_STALE;
}
