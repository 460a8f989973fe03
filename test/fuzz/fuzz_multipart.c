/* A body under a fixed boundary, and a Content-Type of any bytes: parts lie inside the body. */
#include "codec/multipart.h"
#include "codec_fuzz.h"

static void check(struct arena *a, struct str type, struct str body)
{
    struct multipart m;
    const char *problem = NULL;
    if (multipart_parse(a, type, body, &m, &problem) != E_OK) {
        codec_require(problem && problem[0]);
        return;
    }
    for (size_t i = 0; i < m.count; i++) {
        const struct multipart_part *p = &m.parts[i];
        codec_require(p->body.n == 0 ||
                      (p->body.p >= body.p && p->body.p + p->body.n <= body.p + body.n));
        codec_require(str_find_char(p->filename, '/') < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(64 << 20);
    struct str rest = codec_input(data, size);
    check(a, STR("multipart/form-data; boundary=b"), rest);
    struct str type = codec_cut(&rest);
    check(a, type, rest);
    arena_free(&a);
    return 0;
}
