#include "main/demo_date.h"

#include "codec/date.h"

/* "2026-11-16" or "2026-11-16T09:30:00Z", the whole text. */
static bool is_time(struct str s, int64_t *out_ms)
{
    if (s.n == 10) {
        return date_parse_day(s, out_ms);
    }
    return s.n == 20 && s.p[10] == 'T' && s.p[19] == 'Z' && date_parse(s, out_ms);
}

static const char *weekday(int64_t ms)
{
    static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
    return names[date_of_ms(ms, 0).weekday];
}

/* What stands between {{ and }}; false when it is none of ours. */
static bool write_mark(struct arena *a, struct str mark, int64_t delta_ms, struct buf *out)
{
    int64_t ms;
    bool day = str_starts(mark, STR("date:"));
    if (!day && !str_starts(mark, STR("weekday:"))) {
        return false;
    }
    size_t skip = day ? 5 : 8;
    if (!date_parse_day(str_sub(mark, skip, mark.n), &ms)) {
        return false;
    }
    ms += delta_ms;
    return buf_add_str(out, day ? date_words(a, ms) : str_of(weekday(ms)));
}

struct str demo_date_text(struct arena *a, struct str text, int64_t delta_ms)
{
    if (str_find(text, STR("{{")) < 0) {
        return text;
    }
    struct buf b = buf_make(2 * text.n + 1024);
    struct str rest = text;
    ptrdiff_t open;
    while ((open = str_find(rest, STR("{{"))) >= 0) {
        struct str after = str_sub(rest, (size_t)open + 2, rest.n);
        ptrdiff_t close = str_find(after, STR("}}"));
        buf_add_str(&b, str_sub(rest, 0, (size_t)open));
        if (close >= 0 && write_mark(a, str_sub(after, 0, (size_t)close), delta_ms, &b)) {
            rest = str_sub(after, (size_t)close + 2, after.n);
        } else {
            buf_add(&b, "{{", 2);
            rest = after;
        }
    }
    buf_add_str(&b, rest);
    struct str moved = str_dup(a, buf_str(&b));
    buf_free(&b);
    return moved;
}

const struct json *demo_date_shift(struct arena *a, const struct json *v, int64_t delta_ms)
{
    int64_t ms;
    if (json_is(v, JSON_STRING)) {
        return is_time(v->string, &ms) ? json_new_int(a, ms + delta_ms)
                                       : json_new_str(a, demo_date_text(a, v->string, delta_ms));
    }
    if (json_is(v, JSON_ARRAY)) {
        struct json *items = ARENA_ARRAY(a, struct json, v->count + 1);
        for (uint32_t i = 0; i < v->count; i++) {
            items[i] = *demo_date_shift(a, &v->items[i], delta_ms);
        }
        struct json *moved = ARENA_NEW(a, struct json);
        *moved = *v;
        moved->items = items;
        return moved;
    }
    if (json_is(v, JSON_OBJECT)) {
        struct json_member *members = ARENA_ARRAY(a, struct json_member, v->count + 1);
        for (uint32_t i = 0; i < v->count; i++) {
            members[i] = v->members[i];
            members[i].value = *demo_date_shift(a, &v->members[i].value, delta_ms);
        }
        struct json *moved = ARENA_NEW(a, struct json);
        *moved = *v;
        moved->members = members;
        return moved;
    }
    return v;
}

enum err demo_date_delta(struct str anchor, int64_t now_ms, int64_t *out_delta_ms)
{
    int64_t day;
    if (!date_parse_day(anchor, &day)) {
        return E_INVALID;
    }
    *out_delta_ms = now_ms / DATE_DAY_MS * DATE_DAY_MS - day;
    return E_OK;
}
