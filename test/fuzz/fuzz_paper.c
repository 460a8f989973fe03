/* Texts of strangers in a document: every writer takes them, the same way twice, and none of them
 * becomes markup. */
#include "codec_fuzz.h"

#include "../unit/paper/sample_paper.h"
#include "paper/layout.h"
#include "paper/paper_html.h"
#include "paper/paper_markdown.h"
#include "paper/paper_pptx.h"

/* '<' only where a writer put one: none more for this text than for another. */
static size_t tags(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += s.p[i] == '<';
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096) {
        return 0;
    }
    struct arena *a = arena_new(256 << 20);
    struct str text = codec_input(data, size);
    struct paper *p = sample_paper(a, text), *plain = sample_paper(a, STR("x"));
    struct str kept = p->subtitle;
    codec_require(str_is_utf8(kept));
    struct buf html = buf_make(PAPER_HTML_MAX_BYTES), other = buf_make(PAPER_HTML_MAX_BYTES);
    codec_require(paper_html(p, &html) == E_OK && paper_html(plain, &other) == E_OK);
    codec_require(str_is_utf8(buf_str(&html)));
    /* An empty text leaves its elements out. */
    codec_require(kept.n ? tags(buf_str(&html)) == tags(buf_str(&other))
                         : tags(buf_str(&html)) < tags(buf_str(&other)));
    buf_clear(&html);
    codec_require(paper_markdown(p, &html) == E_OK && str_is_utf8(buf_str(&html)));
    buf_clear(&html);
    codec_require(paper_pptx(p, &html) == E_OK);
    buf_clear(&other);
    codec_require(paper_pptx(p, &other) == E_OK && str_eq(buf_str(&html), buf_str(&other)));
    codec_require(!layout_make(p, LAYOUT_SHEET)->cut);
    buf_free(&html);
    buf_free(&other);
    arena_free(&a);
    return 0;
}
