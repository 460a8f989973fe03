/* Forgets events after the days their topic is kept, dedup rows after 8 days (a day more than an
 * event may come again) and replayed dead letters after 30. What a consumer of this program has
 * not had yet stays, however old it is. */
#include <string.h>

#include "bus/dispatch.h"

enum { CHUNK = 1000, CHUNKS_MAX = 1000, DONE_DAYS = 8, LETTER_DAYS = 30 };

static int64_t days_ago(struct ctx *c, int days)
{
    return ctx_now_ms(c) - (int64_t)days * 24 * 3600 * 1000;
}

/* The first event of a consumer's topic that it has not had; its row may lag behind on a quiet
 * topic. */
static enum err first_needed(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                             int64_t *limit_seq)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT (SELECT min(seq) FROM event WHERE topic = ?2 AND seq >"
                    " (SELECT position FROM consumer WHERE name = ?1)),"
                    " (SELECT min(seq) FROM consumer_wait WHERE consumer = ?1"
                    " AND letter_id = '')",
                    S_Z(entry->name), S_Z(entry->topic->name)));
    for (int i = 0; i < 2; i++) {
        if (!row_is_null(&rows, 0, i) && row_int(&rows, 0, i) <= *limit_seq) {
            *limit_seq = row_int(&rows, 0, i) - 1;
        }
    }
    return E_OK;
}

/* The last seq that nobody needs any more. */
static enum err find_limit(struct ctx *c, struct store *s, int64_t *out_seq)
{
    const struct bus *b = c->at->bus;
    int64_t limit;
    TRY(topic_last_seq(c, s, &limit));
    for (int i = 0; i < b->consumer_count; i++) {
        TRY(first_needed(c, s, &b->consumers[i], &limit));
    }
    *out_seq = limit;
    return E_OK;
}

static enum err forget_topic(struct ctx *c, struct store *s, struct job *job, const struct topic *t,
                             int64_t limit_seq)
{
    int64_t changed = CHUNK;
    for (int i = 0; i < CHUNKS_MAX && changed == CHUNK; i++) {
        TRY(store_exec(c, s, &changed,
                       "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE topic = ?1"
                       " AND seq <= ?2 AND at < ?3 ORDER BY seq LIMIT ?4)",
                       S_Z(t->name), S_INT(limit_seq), S_INT(days_ago(c, t->retention_days)),
                       S_INT(CHUNK)));
        TRY(job_beat(c, s, job));
    }
    return E_OK;
}

static enum err run_retention(struct ctx *c, struct job *job)
{
    struct store *s;
    int64_t limit_seq;
    TRY(store_of(c, &s));
    TRY(find_limit(c, s, &limit_seq));
    for (int i = 0; i < TOPIC_COUNT; i++) {
        TRY(forget_topic(c, s, job, topic_at(i), limit_seq));
    }
    int64_t changed = CHUNK;
    for (int i = 0; i < CHUNKS_MAX && changed == CHUNK; i++) {
        TRY(store_exec(c, s, &changed,
                       "DELETE FROM consumer_done WHERE at < ?1 AND event_id IN (SELECT event_id"
                       " FROM consumer_done WHERE at < ?1 ORDER BY at LIMIT ?2)",
                       S_INT(days_ago(c, DONE_DAYS)), S_INT(CHUNK)));
        TRY(job_beat(c, s, job));
    }
    return store_exec(c, s, NULL,
                      "DELETE FROM dead_letter WHERE replayed_at > 0 AND replayed_at < ?1"
                      " AND id NOT IN (SELECT letter_id FROM consumer_wait)",
                      S_INT(days_ago(c, LETTER_DAYS)));
}

const struct job_kind retention_kinds[] = {
    {.kind = "bus_retention", .run = run_retention, .lane = LANE_BACKGROUND}, {0}};

const struct job_schedule retention_schedules[] = {
    {.kind = "bus_retention", .scope = STORE_SCOPE_BOTH, .daily_at_min = 3 * 60 + 17}, {0}};
