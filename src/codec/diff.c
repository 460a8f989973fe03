#include "codec/diff.h"

#include <stdlib.h>
#include <string.h>

enum { EDITS_MAX = 2000, TEXT_MAX_BYTES = 8 << 20, SCRATCH_MAX_BYTES = 64 << 20, NAMED_MAX = 1000 };

const char *diff_kind_name(enum diff_kind k)
{
    static const char *const names[] = {"added", "removed", "changed"};
    return names[k];
}

/* Lines: Myers' shortest edit script (1986), forward, with the furthest points kept */

struct lines {
    const struct str *items;
    int n;
};

/* Which lines of each side stay. */
struct script {
    struct arena *a;
    struct lines before, after;
    bool *kept_before, *kept_after;
};

static bool read_lines(struct arena *a, struct str text, struct lines *out)
{
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++) {
        count += text.p[i] == '\n';
    }
    if (count > DIFF_LINES_MAX) {
        return false;
    }
    struct str *items = ARENA_ARRAY(a, struct str, count);
    struct str line;
    int n = 0;
    if (text.n && text.p[text.n - 1] == '\n') {
        text.n--; /* the last line ends, no empty one begins */
    } else if (text.n == 0) {
        text.p = NULL;
    }
    while (str_split(&text, '\n', &line)) {
        items[n++] = line;
    }
    *out = (struct lines){items, n};
    return true;
}

static int furthest(const int *v, int k, int d)
{
    bool down = k == -d || (k != d && v[k - 1] < v[k + 1]);
    return down ? v[k + 1] : v[k - 1] + 1;
}

/* Walks back from the end through the saved rows and marks the lines that stay. */
static void mark(struct script *s, int *const *rows, int d, int x, int y)
{
    for (; d >= 0; d--) {
        const int *v = rows[d];
        int k = x - y;
        bool down = k == -d || (k != d && v[k - 1] < v[k + 1]);
        int before_k = down ? k + 1 : k - 1;
        int before_x = d == 0 ? 0 : v[before_k], before_y = before_x - before_k;
        before_y = d == 0 ? 0 : before_y;
        while (x > before_x && y > before_y && x > 0 && y > 0 &&
               str_eq(s->before.items[x - 1], s->after.items[y - 1])) {
            s->kept_before[--x] = true;
            s->kept_after[--y] = true;
        }
        x = before_x;
        y = before_y;
    }
}

/* A copy of the row as it was before step d, addressed from -(d+1) to d+1. */
static int *save_row(struct arena *a, const int *v, int d)
{
    int *copy = ARENA_ARRAY(a, int, (size_t)(2 * d + 3));
    memcpy(copy, v - d - 1, (size_t)(2 * d + 3) * sizeof(*copy));
    return copy + d + 1;
}

static void find_script(struct script *s)
{
    int n = s->before.n, m = s->after.n, most = n + m < EDITS_MAX ? n + m : EDITS_MAX;
    int *v = ARENA_ARRAY(s->a, int, (size_t)(2 * most + 5));
    int **rows = ARENA_ARRAY(s->a, int *, (size_t)most + 1);
    v += most + 2;
    for (int d = 0; d <= most; d++) {
        rows[d] = save_row(s->a, v, d);
        for (int k = -d; k <= d; k += 2) {
            int x = d == 0 ? 0 : furthest(v, k, d), y = x - k;
            while (x < n && y < m && x >= 0 && y >= 0 &&
                   str_eq(s->before.items[x], s->after.items[y])) {
                x++;
                y++;
            }
            v[k] = x;
            if (x >= n && y >= m) {
                mark(s, rows, d, x, y);
                return;
            }
        }
    }
    /* too different: what is equal at both ends stays, the middle is replaced */
    for (int i = 0; i < n && i < m && str_eq(s->before.items[i], s->after.items[i]); i++) {
        s->kept_before[i] = s->kept_after[i] = true;
    }
    for (int i = 1; i <= n && i <= m && str_eq(s->before.items[n - i], s->after.items[m - i]) &&
                    !s->kept_before[n - i];
         i++) {
        s->kept_before[n - i] = s->kept_after[m - i] = true;
    }
}

static void add_line(struct buf *b, char mark_, struct str line)
{
    buf_add_char(b, mark_);
    buf_add_str(b, line);
    buf_add_char(b, '\n');
}

struct hunk {
    int x, y; /* next lines */
};

/* Where the hunk that begins with the change at (x, y) ends: after `context` equal lines, unless
 * another change follows within twice that. */
static struct hunk hunk_end(const struct script *s, struct hunk at, int context)
{
    struct hunk last = at;
    int equal = 0;
    while (at.x < s->before.n || at.y < s->after.n) {
        bool gone = at.x < s->before.n && !s->kept_before[at.x];
        bool came = at.y < s->after.n && !s->kept_after[at.y];
        if (gone || came) {
            at.x += gone;
            at.y += !gone && came;
            equal = 0;
            last = at;
            continue;
        }
        if (++equal > 2 * context) {
            break;
        }
        at.x++;
        at.y++;
    }
    return last;
}

static struct hunk write_hunk(const struct script *s, struct buf *b, struct hunk from, int context)
{
    struct hunk end = hunk_end(s, from, context);
    int lead = from.x < context ? from.x : context;
    lead = from.y < lead ? from.y : lead;
    int tail = s->before.n - end.x < context ? s->before.n - end.x : context;
    int x = from.x - lead, y = from.y - lead;
    int old_count = end.x + tail - x, new_count = end.y + tail - y;
    buf_addf(b, "@@ -%d,%d +%d,%d @@\n", old_count ? x + 1 : x, old_count, new_count ? y + 1 : y,
             new_count);
    while (x < end.x + tail || y < end.y + tail) {
        if (x < s->before.n && x < end.x + tail && !s->kept_before[x]) {
            add_line(b, '-', s->before.items[x++]);
        } else if (y < s->after.n && y < end.y + tail && !s->kept_after[y]) {
            add_line(b, '+', s->after.items[y++]);
        } else {
            add_line(b, ' ', s->before.items[x]);
            x++;
            y++;
        }
    }
    return (struct hunk){x, y};
}

static struct str write_hunks(const struct script *s, struct arena *a, int context)
{
    struct buf b = buf_make(2 * TEXT_MAX_BYTES + (1 << 20));
    struct hunk at = {0, 0};
    while (at.x < s->before.n || at.y < s->after.n) {
        bool same =
            at.x < s->before.n && at.y < s->after.n && s->kept_before[at.x] && s->kept_after[at.y];
        if (same) {
            at.x++;
            at.y++;
        } else {
            at = write_hunk(s, &b, at, context);
        }
    }
    struct str unified = b.n + 64 <= arena_left_bytes(a) ? str_dup(a, buf_str(&b)) : STR("");
    unified.p = b.n && !unified.n ? NULL : unified.p;
    buf_free(&b);
    return unified;
}

enum err diff_lines(struct arena *a, struct str before, struct str after, int context,
                    struct str *out_unified)
{
    if (before.n > TEXT_MAX_BYTES || after.n > TEXT_MAX_BYTES) {
        return E_TOO_LARGE;
    }
    struct script s = {.a = arena_new(SCRATCH_MAX_BYTES)};
    struct str unified = {NULL, 0};
    if (read_lines(s.a, before, &s.before) && read_lines(s.a, after, &s.after)) {
        s.kept_before = ARENA_ARRAY(s.a, bool, (size_t)s.before.n + 1);
        s.kept_after = ARENA_ARRAY(s.a, bool, (size_t)s.after.n + 1);
        find_script(&s);
        unified = write_hunks(&s, a, context);
    }
    arena_free(&s.a);
    if (!unified.p) {
        return E_TOO_LARGE;
    }
    *out_unified = unified;
    return E_OK;
}

/* Trees */

struct tree {
    struct arena *a;
    struct diff_change *items;
    size_t count;
    bool cut;
};

static void add_change(struct tree *t, struct str path, const struct json *before,
                       const struct json *after)
{
    if (t->count >= DIFF_CHANGES_MAX) {
        t->cut = true;
        return;
    }
    enum diff_kind kind = !before ? DIFF_ADDED : !after ? DIFF_REMOVED : DIFF_CHANGED;
    t->items[t->count++] = (struct diff_change){path, kind, before, after};
}

static struct str member_path(struct tree *t, struct str path, struct str name)
{
    return path.n ? str_fmt(t->a, "%.*s.%.*s", STR_ARG(path), STR_ARG(name)) : name;
}

/* What an element of a list is called by people. */
static struct str element_name(const struct json *v)
{
    static const char *const names[] = {"name", "slug", "id"};
    for (size_t i = 0; i < 3; i++) {
        struct str name = json_str(v, names[i], STR(""));
        if (name.n) {
            return name;
        }
    }
    return STR("");
}

static void compare(struct tree *t, struct str path, const struct json *before,
                    const struct json *after, int depth);

static void compare_objects(struct tree *t, struct str path, const struct json *before,
                            const struct json *after, int depth)
{
    for (size_t i = 0; i < json_count(before); i++) {
        const struct json_member *m = &before->members[i];
        compare(t, member_path(t, path, m->name), &m->value, json_find(after, m->name), depth);
    }
    for (size_t i = 0; i < json_count(after); i++) {
        const struct json_member *m = &after->members[i];
        if (!json_find(before, m->name)) {
            add_change(t, member_path(t, path, m->name), NULL, &m->value);
        }
    }
}

static const struct json *named(const struct json *list, struct str name)
{
    for (size_t i = 0; i < json_count(list); i++) {
        if (str_eq(element_name(json_at(list, i)), name)) {
            return json_at(list, i);
        }
    }
    return NULL;
}

static bool all_named(const struct json *list)
{
    if (json_count(list) > NAMED_MAX) {
        return false; /* by index: looking all names up would take too long */
    }
    for (size_t i = 0; i < json_count(list); i++) {
        struct str name = element_name(json_at(list, i));
        if (!name.n || named(list, name) != json_at(list, i)) {
            return false;
        }
    }
    return json_count(list) > 0;
}

static void compare_lists(struct tree *t, struct str path, const struct json *before,
                          const struct json *after, int depth)
{
    if (all_named(before) && all_named(after)) {
        for (size_t i = 0; i < json_count(before); i++) {
            struct str name = element_name(json_at(before, i));
            compare(t, str_fmt(t->a, "%.*s[%.*s]", STR_ARG(path), STR_ARG(name)),
                    json_at(before, i), named(after, name), depth);
        }
        for (size_t i = 0; i < json_count(after); i++) {
            struct str name = element_name(json_at(after, i));
            if (!named(before, name)) {
                add_change(t, str_fmt(t->a, "%.*s[%.*s]", STR_ARG(path), STR_ARG(name)), NULL,
                           json_at(after, i));
            }
        }
        return;
    }
    size_t most = json_count(before) > json_count(after) ? json_count(before) : json_count(after);
    for (size_t i = 0; i < most; i++) {
        compare(t, str_fmt(t->a, "%.*s[%zu]", STR_ARG(path), i), json_at(before, i),
                json_at(after, i), depth);
    }
}

static void compare(struct tree *t, struct str path, const struct json *before,
                    const struct json *after, int depth)
{
    if (t->cut || (before && after && json_equal(before, after))) {
        return;
    }
    bool deep = before && after && before->kind == after->kind && depth < JSON_DEPTH_MAX;
    if (deep && before->kind == JSON_OBJECT) {
        compare_objects(t, path, before, after, depth + 1);
    } else if (deep && before->kind == JSON_ARRAY) {
        compare_lists(t, path, before, after, depth + 1);
    } else {
        add_change(t, path, before, after);
    }
}

size_t diff_values(struct arena *a, const struct json *before, const struct json *after,
                   const struct diff_change **out_changes, bool *out_cut)
{
    struct tree t = {.a = a, .items = ARENA_ARRAY(a, struct diff_change, DIFF_CHANGES_MAX)};
    compare(&t, STR(""), before, after, 0);
    *out_changes = t.items;
    *out_cut = t.cut;
    return t.count;
}
