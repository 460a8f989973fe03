/* A URL that parses is written so that it parses to the same; forms and percent sequences come
 * back. */
#include "codec/url.h"
#include "codec_fuzz.h"

static void check_url(struct arena *a, struct str text)
{
    struct url u, again;
    if (url_parse(a, text, &u) == E_OK) {
        struct str written = url_write(a, &u);
        codec_require(u.host.n > 0 && u.scheme.n > 0 && u.path.n > 0);
        codec_require(url_parse(a, written, &again) == E_OK);
        codec_require(str_eq(u.host, again.host) && u.port == again.port);
        codec_require(str_eq(u.path, again.path) && str_eq(u.query, again.query));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(64 << 20);
    struct str in = codec_input(data, size), back;
    struct url_form form;
    check_url(a, in);
    if (url_form_parse(a, in, &form) == E_OK) {
        struct buf b = buf_make(4 << 20);
        struct url_form again;
        for (size_t i = 0; i < form.count; i++) {
            url_form_add(&b, form.pairs[i].name, form.pairs[i].value);
        }
        codec_require(url_form_parse(a, buf_str(&b), &again) == E_OK);
        codec_require(again.count == form.count);
        buf_free(&b);
    }
    if (str_find_char(in, 0) < 0) {
        codec_require(url_decode(a, url_encode(a, in, size % 2), &back) && str_eq(back, in));
    }
    arena_free(&a);
    return 0;
}
