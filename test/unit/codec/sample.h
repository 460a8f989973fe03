/* What the tests of this folder share: an arena per test, texts compared with both sides shown, and
 * the published conformance data, which is not part of the repository. */
#ifndef TEST_CODEC_SAMPLE_H
#define TEST_CODEC_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "codec/json.h"

enum { SAMPLE_ARENA_BYTES = 512 << 20, SAMPLE_FILE_MAX_BYTES = 64 << 20 };

#define SAMPLE_COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define SAMPLE_TEST(name)  cmocka_unit_test_setup_teardown(name, sample_make, sample_unmake)

static inline int sample_make(void **state)
{
    *state = arena_new(SAMPLE_ARENA_BYTES);
    return 0;
}

static inline int sample_unmake(void **state)
{
    struct arena *a = *state;
    arena_free(&a);
    return 0;
}

static inline void sample_is(struct str got, const char *want, const char *why)
{
    if (!str_eqz(got, want)) {
        fail_msg("%s:\ngot  %.*s\nwant %s", why, STR_ARG(got), want);
    }
}

static inline const struct json *sample_json(struct arena *a, struct str text)
{
    const struct json *v = NULL;
    struct json_fault fault = {0};
    if (json_parse(a, text, &v, &fault) != E_OK) {
        fail_msg("%.*s: %s", STR_ARG(text), fault.text);
    }
    return v;
}

/* A file under the data folder; skips the test when it is not there. */
static inline struct str sample_data(struct arena *a, const char *name)
{
    const char *folder = getenv("RAPPORT_DATA");
    FILE *f = fopen(str_fmt(a, "%s/%s", folder ? folder : "../shared/data", name).p, "rb");
    if (!f) {
        skip();
    }
    struct buf b = buf_make(SAMPLE_FILE_MAX_BYTES);
    char *room = buf_reserve(&b, SAMPLE_FILE_MAX_BYTES);
    buf_grew(&b, fread(room, 1, SAMPLE_FILE_MAX_BYTES, f));
    fclose(f);
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

/* The next line of a JSONL text as a value; NULL at the end. */
static inline const struct json *sample_line(struct arena *a, struct str *rest)
{
    struct str line;
    while (str_split(rest, '\n', &line)) {
        if (line.n) {
            return sample_json(a, line);
        }
    }
    return NULL;
}

#endif
