#include "svc/account/account_import_fault.h"

#include <string.h>

#include "base/buf.h"

#define TICKETS "recent_tickets"
#define CENTS   "arr_cents"

enum { TEXT_MAX_BYTES = 2000 };

/* ---- faults by line -------------------------------------------------------------- */

bool account_import_fault_fits(const struct account_import_faults *f, int64_t line)
{
    return f->count < ACCOUNT_IMPORT_FAULTS_MAX || line < f->items[f->count - 1].line;
}

static void add(struct arena *a, struct account_import_faults *f, int64_t line, struct str field,
                struct str text)
{
    if (!account_import_fault_fits(f, line)) {
        return;
    }
    int at = f->count < ACCOUNT_IMPORT_FAULTS_MAX ? f->count++ : f->count - 1;
    while (at > 0 && f->items[at - 1].line > line) {
        f->items[at] = f->items[at - 1];
        at--;
    }
    f->items[at].line = line;
    f->items[at].told = json_object(a, {"line", json_new_int(a, line)},
                                    {"field", field.n ? json_new_str(a, str_dup(a, field)) : NULL},
                                    {"text", json_new_str(a, str_dup(a, text))});
}

void account_import_fault_add(struct arena *a, struct account_import_faults *f, int64_t line,
                              const struct fault *fault)
{
    add(a, f, line, str_of(fault->field), str_of(fault->text));
}

/* "recent_tickets[3].id" at the beginning: 3, and how long that is up to the dot and behind it. */
static bool read_place(struct str s, size_t *out_index, size_t *out_bytes)
{
    size_t at = sizeof TICKETS "[" - 1;
    int64_t index;
    if (!str_starts(s, STR(TICKETS "["))) {
        return false;
    }
    struct str rest = str_sub(s, at, s.n), digits;
    if (!str_split(&rest, ']', &digits) || !str_to_i64(digits, &index) || index < 0 ||
        index > ACCOUNT_TICKETS_MAX) {
        return false;
    }
    at += digits.n + 1;
    *out_index = (size_t)index;
    *out_bytes = at + (at < s.n && s.p[at] == '.');
    return true;
}

/* The text with "line 7" in place of "recent_tickets[3]", and nothing in place of the first. */
static struct str in_lines(struct arena *a, const struct account_import_row *row, struct str text)
{
    struct buf b = buf_make(TEXT_MAX_BYTES);
    for (size_t i = 0; i < text.n;) {
        size_t index, bytes;
        if (!read_place(str_sub(text, i, text.n), &index, &bytes)) {
            buf_add_char(&b, text.p[i++]);
            continue;
        }
        if (i) {
            buf_addf(&b, "line %lld", (long long)row->lines[index]);
        }
        i += bytes;
    }
    struct str all = str_dup(a, buf_str(&b));
    buf_free(&b);
    return all;
}

/* The text with the file's name of a column in place of ours. */
static struct str in_units(struct arena *a, struct str text)
{
    ptrdiff_t at = str_find(text, STR(CENTS));
    return at < 0 ? text
                  : str_fmt(a, "%.*sarr%.*s", STR_ARG(str_sub(text, 0, (size_t)at)),
                            STR_ARG(str_sub(text, (size_t)at + sizeof CENTS - 1, text.n)));
}

void account_import_fault_add_row(struct arena *a, struct account_import_faults *f,
                                  const struct account_import_row *row, const struct fault *fault)
{
    struct str field = str_of(fault->field);
    if (row->in_units && str_eqz(field, CENTS)) {
        add(a, f, row->line, STR("arr"), in_units(a, str_of(fault->text)));
        return;
    }
    size_t count = json_count(json_get(row->body, TICKETS)), index, bytes;
    if (!row->lines || !str_starts(field, STR(TICKETS)) || !count) {
        account_import_fault_add(a, f, row->line, fault);
        return;
    }
    if (read_place(field, &index, &bytes) && index < count) {
        if (account_import_fault_fits(f, row->lines[index])) {
            add(a, f, row->lines[index], str_sub(field, bytes, field.n),
                in_lines(a, row, str_of(fault->text)));
        }
        return;
    }
    /* It is about the list, which is too long at its last line. */
    add(a, f, row->lines[count - 1], str_of(fault->field), str_of(fault->text));
}

const struct json *account_import_fault_list(struct arena *a, const struct account_import_faults *f)
{
    const struct json **items = ARENA_ARRAY(a, const struct json *, ACCOUNT_IMPORT_FAULTS_MAX);
    for (int i = 0; i < f->count; i++) {
        items[i] = f->items[i].told;
    }
    return json_new_array(a, items, (size_t)f->count);
}

/* ---- rows without what was told ---------------------------------------------------- */

/* "recent_tickets[3].id" -> "recent_tickets" */
static struct str top_of(struct str field)
{
    size_t n = 0;
    while (n < field.n && field.p[n] != '[' && field.p[n] != '.') {
        n++;
    }
    return str_sub(field, 0, n);
}

bool account_import_fault_follows(const struct account_import_row *row, const char *field)
{
    struct str top = top_of(str_of(field));
    if (!row->lost || json_find(row->body, top)) {
        return false;
    }
    return json_find(row->lost, top) || !(str_eqz(top, "account") || str_eqz(top, "name"));
}

static const struct json *with_item(struct arena *a, const struct json *list, size_t index,
                                    const struct json *item)
{
    const struct json *all = &json_empty_array;
    for (size_t i = 0; i < json_count(list); i++) {
        all = json_push(a, all, i == index ? item : json_at(list, i));
    }
    return all;
}

/* A ticket that has something in place of what is wrong, so that those behind it keep theirs. */
static const struct json *mended(struct arena *a, const struct json *ticket, struct str member,
                                 size_t index)
{
    const struct json *t = json_is(ticket, JSON_OBJECT) ? ticket : &json_empty_object;
    if (str_eqz(member, "id")) {
        return json_with(a, t, member, json_new_str(a, str_fmt(a, "(%zu)", index)));
    }
    if (str_eqz(member, "severity")) {
        return json_with(a, t, member, json_new_str(a, STR("low")));
    }
    return json_with(a, json_with(a, t, member, NULL), STR("created_at_ms"), NULL);
}

bool account_import_fault_mend(struct arena *a, struct account_import_row *row, const char *field)
{
    struct str path = str_dup(a, str_of(field)),
               top = top_of(path); /* names in the row lie there */
    const struct json *list = json_find(row->body, top);
    size_t index, bytes;
    if (!list) {
        return false;
    }
    if (read_place(path, &index, &bytes) && index < json_count(list)) {
        const struct json *ticket =
            mended(a, json_at(list, index), str_sub(path, bytes, path.n), index);
        row->body = json_with(a, row->body, top, with_item(a, list, index, ticket));
        return true;
    }
    row->lost = json_with(a, row->lost ? row->lost : &json_empty_object, top, &json_true_value);
    row->body = json_with(a, row->body, top, NULL);
    return true;
}
