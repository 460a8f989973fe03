#include <stdio.h>

#include "host/host.h"

static void write_retry(struct ctx *c, struct response_out *out)
{
    int64_t ms = c->fault.retry_after_ms;
    if (ms > 0) {
        struct str seconds = str_fmt(c->arena, "%lld", (long long)(ms + 999) / 1000);
        response_header(out, "Retry-After", seconds);
    }
}

/* A defect of ours is told in general terms outside and in full in the log. */
static struct str public_text(struct ctx *c)
{
    if (c->fault.err == E_INTERNAL || c->fault.text[0] == 0) {
        return str_fmt(c->arena,
                       "Something went wrong on our side. Tell support the request id %s.",
                       c->request_id);
    }
    return str_of(c->fault.text);
}

void problem_write(struct ctx *c, const struct request_in *in, struct response_out *out)
{
    const struct fault *f = &c->fault;
    enum err e = f->err == E_OK ? E_INTERNAL : f->err;
    int status = err_http_status(e);
    struct buf b = buf_make(8192);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "type", str_fmt(c->arena, "urn:rapport:problem:%s", err_name(e)));
    json_field_str(&o, "title", str_of(err_title(e)));
    json_field_int(&o, "status", status);
    json_field_str(&o, "code", str_of(err_name(e)));
    json_field_str(&o, "detail", public_text(c));
    if (f->field[0]) {
        json_field_str(&o, "field", str_of(f->field));
    }
    if (f->line > 0) {
        json_field_int(&o, "line", f->line);
        json_field_int(&o, "column", f->column);
    }
    json_field_str(&o, "request_id", str_of(c->request_id));
    json_close_object(&o);
    out->status = status;
    out->channel = NULL;
    out->body = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    response_header(out, "Content-Type", STR("application/problem+json"));
    if (e == E_UNAUTHENTICATED) {
        response_header(out, "WWW-Authenticate", STR("Bearer"));
    }
    write_retry(c, out);
    bool ours = status >= 500 && !f->meant;
    bool told = e == E_FULL; /* once, by the store */
    log_at(c, ours && !told ? LOG_ERROR : LOG_INFO, "request refused",
           LOG_STR("method", in->method), LOG_STR("path", in->path), LOG_INT("status", status),
           LOG_Z("code", err_name(e)), LOG_Z("text", f->text),
           LOG_Z("file", f->file ? f->file : ""), LOG_INT("line", f->code_line));
}
