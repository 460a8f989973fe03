/* The tables of the row. All keyed per org by the store; the system store has them too. */
#include "bus/topic.h"

const struct migration bus_migrations[] = {
    {"bus", 1, STORE_SCOPE_BOTH,
     /* The log. seq is the order of commits (store_next). */
     "CREATE TABLE event (seq BIGINT NOT NULL, event_id TEXT NOT NULL, at BIGINT NOT NULL,"
     " topic TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL,"
     " source_service TEXT NOT NULL, correlation_id TEXT NOT NULL, causation_id TEXT NOT NULL,"
     " idempotency_key TEXT NOT NULL, PRIMARY KEY (seq), UNIQUE (topic, event_id));"
     "CREATE INDEX event_topic ON event (topic, seq);"
     "CREATE INDEX event_key ON event (key, seq);"
     /* Everything up to `position` was handled by the consumer or stands in consumer_wait. */
     "CREATE TABLE consumer (name TEXT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (name));"
     /* Events between tries, events behind one of the same key, events for slow handlers.
      * letter_id: the event is read from that dead letter, else from the log. */
     "CREATE TABLE consumer_wait (consumer TEXT NOT NULL, seq BIGINT NOT NULL,"
     " letter_id TEXT NOT NULL, key TEXT NOT NULL, attempts BIGINT NOT NULL,"
     " next_at BIGINT NOT NULL, lease_owner TEXT NOT NULL, lease_until BIGINT NOT NULL,"
     " PRIMARY KEY (consumer, seq, letter_id));"
     "CREATE INDEX consumer_wait_due ON consumer_wait (next_at);"
     "CREATE INDEX consumer_wait_key ON consumer_wait (consumer, key, seq);"
     "CREATE TABLE consumer_done (consumer TEXT NOT NULL, event_id TEXT NOT NULL,"
     " at BIGINT NOT NULL, PRIMARY KEY (consumer, event_id));"
     "CREATE INDEX consumer_done_at ON consumer_done (at);"
     /* A copy of the event, so that the log may forget it. */
     "CREATE TABLE dead_letter (id TEXT NOT NULL, consumer TEXT NOT NULL, tries BIGINT NOT NULL,"
     " error TEXT NOT NULL, at BIGINT NOT NULL, replayed_at BIGINT NOT NULL, seq BIGINT NOT NULL,"
     " event_id TEXT NOT NULL, event_at BIGINT NOT NULL, topic TEXT NOT NULL, type TEXT NOT NULL,"
     " key TEXT NOT NULL, payload TEXT NOT NULL, source_service TEXT NOT NULL,"
     " correlation_id TEXT NOT NULL, causation_id TEXT NOT NULL, idempotency_key TEXT NOT NULL,"
     " PRIMARY KEY (id));"
     "CREATE TABLE job (id TEXT NOT NULL, kind TEXT NOT NULL, unique_key TEXT,"
     " run_at BIGINT NOT NULL, payload TEXT NOT NULL, status TEXT NOT NULL,"
     " attempts BIGINT NOT NULL, lease_owner TEXT NOT NULL, lease_until BIGINT NOT NULL,"
     " again_at BIGINT, again_payload TEXT, error TEXT NOT NULL, request_id TEXT NOT NULL,"
     " created_at BIGINT NOT NULL, PRIMARY KEY (id), UNIQUE (kind, unique_key));"
     "CREATE INDEX job_due ON job (status, run_at, id);"},
    /* An event was in five trees: nobody asks for it by topic and id, which nobody gives twice, and
     * in SQLite seq can be the number of the row itself. */
    {"bus", 2, STORE_SCOPE_POSTGRES,
     "ALTER TABLE event DROP CONSTRAINT event_org_id_topic_event_id_key;"},
    {"bus", 3, STORE_SCOPE_SQLITE,
     "CREATE TABLE event_by_seq (seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL,"
     " at BIGINT NOT NULL, topic TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,"
     " payload TEXT NOT NULL, source_service TEXT NOT NULL, correlation_id TEXT NOT NULL,"
     " causation_id TEXT NOT NULL, idempotency_key TEXT NOT NULL);"
     "INSERT INTO event_by_seq (seq, event_id, at, topic, type, key, payload, source_service,"
     " correlation_id, causation_id, idempotency_key) SELECT seq, event_id, at, topic, type, key,"
     " payload, source_service, correlation_id, causation_id, idempotency_key FROM event"
     " ORDER BY seq;"
     "DROP TABLE event;"
     "ALTER TABLE event_by_seq RENAME TO event;"
     "CREATE INDEX event_topic ON event (topic, seq);"
     "CREATE INDEX event_key ON event (key, seq);"},
    {0}};
