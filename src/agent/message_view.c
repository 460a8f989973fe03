#include "agent/message_view.h"

struct str message_view_next(struct arena *a, const struct message_range *range,
                             const struct messages *page)
{
    if (!page->more || page->count == 0) {
        return STR("");
    }
    bool forward = range->after_seq != MESSAGES_NEWEST;
    int64_t seq = page->items[forward ? page->count - 1 : 0].seq;
    return str_fmt(a, "%lld", (long long)seq);
}

static struct str author_name(struct ctx *c, const struct message *m,
                              const struct message_view_names *names)
{
    if (str_eqz(m->role, "ai")) {
        return names->agent;
    }
    if (str_eqz(m->role, "contact")) {
        return names->contact;
    }
    return id_is_set(&m->author) && names->member ? names->member(c, &m->author, names->arg)
                                                  : STR("");
}

void message_view_write(struct ctx *c, struct json_out *o, const struct message *m,
                        enum message_view_reader reader, const struct message_view_names *names)
{
    struct str name = author_name(c, m, names);
    json_open_object(o);
    json_field_str(o, "id", id_str(&m->id));
    json_field_int(o, "seq", m->seq);
    json_field_str(o, "role", m->role);
    json_name(o, "author");
    if (name.n) {
        json_open_object(o);
        json_field_str(o, "id", id_str(&m->author));
        json_field_str(o, "name", name);
        json_close_object(o);
    } else {
        json_put_null(o);
    }
    json_field_str(o, "text", m->text);
    json_field(o, "citations", m->citations ? m->citations : &json_empty_array);
    if (id_is_set(&m->run)) {
        json_field_str(o, "run_id", id_str(&m->run));
    }
    if (m->client_id.n) {
        json_field_str(o, "client_id", m->client_id);
    }
    if (reader == MESSAGE_VIEW_MEMBER && m->meta) {
        json_field(o, "meta", m->meta);
    }
    json_field_str(o, "status", STR("sent"));
    json_field_int(o, "created_at", m->created_at_ms);
    json_close_object(o);
}
