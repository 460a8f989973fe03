/* The serial form, all numbers little-endian:
 *   "RPTC" version:u32  labels:u32 columns:u32 features:u32
 *   temperature:f64 threshold:f64 scope:f64 * 8
 *   each label: length:u32 bytes
 *   bias:f32 * columns
 *   hash:u32 * features   rarity:f32 * features   scale:f32 * features
 *   cells:i8 * columns * features
 *   checksum:u64 over everything before */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "nlu/classifier.h"

enum { VERSION = 1, NUMBER_MAX = 1000000 };

static const float RARITY_MIN = 1e-3f;

uint64_t classifier_checksum(const char *p, size_t n)
{
    uint64_t h = 0x9ae16a3b2f90404fu;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
        h ^= h >> 47;
    }
    return h;
}

static void put_u64(struct buf *b, uint64_t v, size_t bytes)
{
    unsigned char p[8];
    for (size_t i = 0; i < bytes; i++) {
        p[i] = (unsigned char)(v >> 8 * i);
    }
    buf_add(b, p, bytes);
}

static void put_f32(struct buf *b, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u64(b, bits, 4);
}

static void put_f64(struct buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u64(b, bits, 8);
}

bool classify_save(const struct classifier *k, struct buf *out)
{
    struct buf b = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    buf_add(&b, "RPTC", 4);
    put_u64(&b, VERSION, 4);
    put_u64(&b, k->labels, 4);
    put_u64(&b, k->columns, 4);
    put_u64(&b, k->features, 4);
    put_f64(&b, k->temperature);
    put_f64(&b, k->threshold);
    for (size_t i = 0; i < CLASSIFIER_SCOPE_TERMS; i++) {
        put_f64(&b, k->scope[i]);
    }
    for (size_t i = 0; i < k->labels; i++) {
        put_u64(&b, k->names[i].n, 4);
        buf_add_str(&b, k->names[i]);
    }
    for (size_t i = 0; i < k->columns; i++) {
        put_f32(&b, k->bias[i]);
    }
    for (size_t i = 0; i < k->features; i++) {
        put_u64(&b, k->hashes[i], 4);
    }
    for (size_t i = 0; i < k->features; i++) {
        put_f32(&b, k->rarity[i]);
    }
    for (size_t i = 0; i < k->features; i++) {
        put_f32(&b, k->scales[i]);
    }
    for (size_t i = 0; i < k->features; i++) {
        buf_add(&b, k->cells + i * k->stride, k->columns);
    }
    put_u64(&b, b.n ? classifier_checksum(b.p, b.n) : 0, 8);
    bool fits = !b.overflow && buf_add_str(out, buf_str(&b));
    buf_free(&b);
    return fits;
}

/* Reads from the front; once something is missing, `bad` stays set and zeros are returned. */
struct reader {
    const unsigned char *p;
    size_t left;
    bool bad;
};

static uint64_t get_u64(struct reader *r, size_t bytes)
{
    if (r->left < bytes) {
        r->bad = true;
        return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) {
        v |= (uint64_t)r->p[i] << 8 * i;
    }
    r->p += bytes;
    r->left -= bytes;
    return v;
}

/* Numbers of a trained model are small; one that is not, or is no number, makes the model bad, so
 * that no sum of them leaves what a float can hold. */
static bool is_sane(double v)
{
    return isfinite(v) && fabs(v) < NUMBER_MAX;
}

static float get_f32(struct reader *r)
{
    uint32_t bits = (uint32_t)get_u64(r, 4);
    float v;
    memcpy(&v, &bits, sizeof v);
    r->bad |= !is_sane(v);
    return v;
}

static double get_f64(struct reader *r)
{
    uint64_t bits = get_u64(r, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    r->bad |= !is_sane(v);
    return v;
}

static void read_head(struct reader *r, struct classifier *k)
{
    k->labels = get_u64(r, 4);
    k->columns = get_u64(r, 4);
    k->features = get_u64(r, 4);
    k->temperature = get_f64(r);
    k->threshold = get_f64(r);
    for (size_t i = 0; i < CLASSIFIER_SCOPE_TERMS; i++) {
        k->scope[i] = get_f64(r);
    }
    bool shape = k->temperature > 0 && k->labels >= 2 && k->labels <= CLASSIFY_LABELS_MAX &&
                 (k->columns == k->labels || k->columns == k->labels + 1) &&
                 k->features <= r->left / (12 + k->columns);
    r->bad |= !shape;
}

static void read_labels(struct reader *r, struct classifier *k)
{
    k->by_name = map_new(CLASSIFY_LABELS_MAX);
    k->names = mem_new(k->labels * sizeof *k->names);
    for (size_t i = 0; i < k->labels && !r->bad; i++) {
        size_t n = get_u64(r, 4);
        if (r->bad || n == 0 || n > CLASSIFY_LABEL_MAX_BYTES || n > r->left) {
            r->bad = true;
            return;
        }
        char *name = mem_new(n + 1);
        memcpy(name, r->p, n);
        r->p += n;
        r->left -= n;
        k->names[i] = str_make(name, n);
        r->bad |= map_get(k->by_name, k->names[i]) != NULL;
        map_set(k->by_name, k->names[i], (void *)(uintptr_t)(i + 1));
    }
}

static void read_numbers(struct reader *r, struct classifier *k)
{
    if (r->left != 4 * k->columns + k->features * (12 + k->columns)) {
        r->bad = true;
        return;
    }
    k->stride = (k->columns + CLASSIFIER_LANES - 1) / CLASSIFIER_LANES * CLASSIFIER_LANES;
    k->bias = mem_new(k->stride * sizeof *k->bias);
    k->hashes = mem_new((k->features + 1) * sizeof *k->hashes);
    k->rarity = mem_new((k->features + 1) * sizeof *k->rarity);
    k->scales = mem_new((k->features + 1) * sizeof *k->scales);
    k->cells = mem_new((k->features + 1) * k->stride);
    for (size_t i = 0; i < k->columns; i++) {
        k->bias[i] = get_f32(r);
    }
    for (size_t i = 0; i < k->features; i++) {
        k->hashes[i] = (uint32_t)get_u64(r, 4);
        r->bad |= k->hashes[i] <= (i ? k->hashes[i - 1] : 0);
    }
    for (size_t i = 0; i < k->features; i++) {
        k->rarity[i] = get_f32(r);
        r->bad |= !(k->rarity[i] > RARITY_MIN); /* lengths are divided by */
    }
    for (size_t i = 0; i < k->features; i++) {
        k->scales[i] = get_f32(r);
    }
    for (size_t i = 0; i < k->features; i++) {
        memcpy(k->cells + i * k->stride, r->p, k->columns);
        r->p += k->columns;
        r->left -= k->columns;
    }
}

enum err classify_load(struct str bytes, struct classifier **out_classifier)
{
    if (bytes.n < 16 || bytes.n > CLASSIFY_MODEL_MAX_BYTES || memcmp(bytes.p, "RPTC", 4) != 0) {
        return E_INVALID;
    }
    struct reader end = {(const unsigned char *)bytes.p + bytes.n - 8, 8, false};
    struct reader r = {(const unsigned char *)bytes.p + 4, bytes.n - 12, false};
    if (get_u64(&end, 8) != classifier_checksum(bytes.p, bytes.n - 8) ||
        get_u64(&r, 4) != VERSION) {
        return E_INVALID;
    }
    struct classifier *k = mem_new(sizeof *k);
    read_head(&r, k);
    if (!r.bad) {
        read_labels(&r, k);
    }
    if (!r.bad) {
        read_numbers(&r, k);
    }
    if (r.bad || r.left != 0) {
        classify_free(&k);
        return E_INVALID;
    }
    classifier_index(k);
    *out_classifier = k;
    return E_OK;
}
