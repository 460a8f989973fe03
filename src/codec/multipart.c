#include "codec/multipart.h"

#include <string.h>

enum { BOUNDARY_MAX_BYTES = 70 }; /* RFC 2046, section 5.1.1 */

/* Header parameters */

/* Cuts the next `; name=value` or `; name="value"` off the front. Quoted values may hold \" and \\.
 */
static bool next_param(struct arena *a, struct str *rest, struct str *out_name,
                       struct str *out_value)
{
    struct str s = str_trim(*rest);
    if (!str_starts(s, STR(";"))) {
        return false;
    }
    s = str_trim(str_sub(s, 1, s.n));
    ptrdiff_t equals = str_find_char(s, '=');
    if (equals <= 0) {
        return false;
    }
    *out_name = str_trim(str_sub(s, 0, (size_t)equals));
    s = str_trim(str_sub(s, (size_t)equals + 1, s.n));
    size_t end = 0, n = 0;
    if (!str_starts(s, STR("\""))) {
        ptrdiff_t semicolon = str_find_char(s, ';');
        end = semicolon < 0 ? s.n : (size_t)semicolon;
        *out_value = str_trim(str_sub(s, 0, end));
        *rest = str_sub(s, end, s.n);
        return true;
    }
    char *text = arena_alloc(a, s.n + 1);
    for (end = 1; end < s.n && s.p[end] != '"'; end++) {
        bool escape = s.p[end] == '\\' && end + 1 < s.n && strchr("\"\\", s.p[end + 1]);
        end += escape;
        text[n++] = s.p[end];
    }
    if (end >= s.n) {
        return false;
    }
    *out_value = str_make(text, n);
    *rest = str_sub(s, end + 1, s.n);
    return true;
}

/* Up to the first semicolon; `*rest` keeps the parameters. */
static struct str main_value(struct str header, struct str *rest)
{
    ptrdiff_t semicolon = str_find_char(header, ';');
    size_t n = semicolon < 0 ? header.n : (size_t)semicolon;
    *rest = str_sub(header, n, header.n);
    return str_trim(str_sub(header, 0, n));
}

static bool find_boundary(struct arena *a, struct str content_type, struct str *out_boundary)
{
    struct str rest, name, value;
    if (!str_eq_nocase(main_value(content_type, &rest), STR("multipart/form-data"))) {
        return false;
    }
    while (next_param(a, &rest, &name, &value)) {
        if (str_eq_nocase(name, STR("boundary"))) {
            *out_boundary = value;
            return value.n > 0 && value.n <= BOUNDARY_MAX_BYTES;
        }
    }
    return false;
}

/* Parts */

/* Browsers of old sent whole paths; a name must never reach out of a folder. */
static struct str last_component(struct str path)
{
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/' || path.p[i - 1] == '\\') {
            return str_sub(path, i, path.n);
        }
    }
    return path;
}

static bool read_disposition(struct arena *a, struct str value, struct multipart_part *p)
{
    struct str rest, name, param;
    if (!str_eq_nocase(main_value(value, &rest), STR("form-data"))) {
        return false;
    }
    bool named = false;
    while (next_param(a, &rest, &name, &param)) {
        if (str_eq_nocase(name, STR("name"))) {
            p->name = param;
            named = true;
        } else if (str_eq_nocase(name, STR("filename"))) {
            p->filename = last_component(param);
        }
    }
    return named && str_is_utf8(p->name) && str_is_utf8(p->filename);
}

static const char *read_head(struct arena *a, struct str head, struct multipart_part *p)
{
    bool named = false;
    while (head.n) {
        ptrdiff_t end = str_find(head, STR("\r\n"));
        struct str line = str_sub(head, 0, end < 0 ? head.n : (size_t)end);
        head = str_sub(head, line.n + 2, head.n);
        ptrdiff_t colon = str_find_char(line, ':');
        if (colon <= 0) {
            return "a part's header line has no colon";
        }
        struct str name = str_sub(line, 0, (size_t)colon);
        struct str value = str_trim(str_sub(line, (size_t)colon + 1, line.n));
        if (str_eq_nocase(name, STR("content-disposition"))) {
            if (!read_disposition(a, value, p)) {
                return "a part's Content-Disposition is not form-data with a name";
            }
            named = true;
        } else if (str_eq_nocase(name, STR("content-type"))) {
            p->media_type = value;
        }
    }
    return named ? NULL : "a part has no Content-Disposition";
}

/* Cuts the next part off; `*rest` starts behind its delimiter's line. */
static const char *read_part(struct arena *a, struct str *rest, struct str delimiter,
                             struct multipart_part *p)
{
    struct str part = *rest;
    struct str head = STR("");
    if (!str_starts(part, STR("\r\n"))) {
        ptrdiff_t end = str_find(str_sub(part, 0, MULTIPART_HEAD_MAX_BYTES), STR("\r\n\r\n"));
        if (end < 0) {
            return "a part's header has no end, or is too long";
        }
        head = str_sub(part, 0, (size_t)end);
        part = str_sub(part, (size_t)end + 4, part.n);
    }
    ptrdiff_t end = str_find(part, delimiter);
    if (end < 0) {
        return "the last boundary is missing";
    }
    p->media_type = STR("text/plain");
    p->filename = STR("");
    p->body = str_sub(part, 0, (size_t)end);
    *rest = str_sub(part, (size_t)end + delimiter.n, part.n);
    return read_head(a, head, p);
}

/* Steps behind the line end of a delimiter; *out_last when it is the closing one. */
static bool end_delimiter(struct str *rest, bool *out_last)
{
    *out_last = str_starts(*rest, STR("--"));
    if (*out_last) {
        return true;
    }
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
        *rest = str_sub(*rest, 1, rest->n);
    }
    bool good = str_starts(*rest, STR("\r\n"));
    *rest = str_sub(*rest, 2, rest->n);
    return good;
}

enum err multipart_parse(struct arena *a, struct str content_type, struct str body,
                         struct multipart *out_form, const char **out_problem)
{
    struct str boundary;
    if (!find_boundary(a, content_type, &boundary)) {
        *out_problem = "Content-Type is not multipart/form-data with a boundary";
        return E_INVALID;
    }
    struct str delimiter = str_fmt(a, "\r\n--%.*s", STR_ARG(boundary));
    struct str first = str_sub(delimiter, 2, delimiter.n);
    ptrdiff_t start = str_starts(body, first) ? 0 : str_find(body, delimiter);
    if (start < 0) {
        *out_problem = "the boundary does not occur in the body";
        return E_INVALID;
    }
    struct str rest = str_sub(body, (size_t)start + (start ? delimiter.n : first.n), body.n);
    struct multipart_part *parts = ARENA_ARRAY(a, struct multipart_part, MULTIPART_PARTS_MAX);
    size_t n = 0;
    bool last = false;
    while (true) {
        if (!end_delimiter(&rest, &last)) {
            *out_problem = "a boundary is not followed by a line end";
            return E_INVALID;
        }
        if (last) {
            break;
        }
        if (n == MULTIPART_PARTS_MAX) {
            *out_problem = "more than 64 parts";
            return E_TOO_LARGE;
        }
        const char *problem = read_part(a, &rest, delimiter, &parts[n++]);
        if (problem) {
            *out_problem = problem;
            return E_INVALID;
        }
    }
    *out_form = (struct multipart){parts, n};
    return E_OK;
}

const struct multipart_part *multipart_get(const struct multipart *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (str_eqz(m->parts[i].name, name)) {
            return &m->parts[i];
        }
    }
    return NULL;
}
