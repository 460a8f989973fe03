#include "svc/success/success_schema.h"

const struct migration success_schema[] = {
    {"success", 1, STORE_SCOPE_ORG,
     /* expires_at: 0, or when what a guest asked is forgotten. id sorts by time. */
     "CREATE TABLE success_brief (id TEXT NOT NULL, account TEXT NOT NULL, slug TEXT NOT NULL,"
     " actor TEXT NOT NULL, expires_at BIGINT NOT NULL, question TEXT NOT NULL,"
     " scope TEXT NOT NULL, task TEXT NOT NULL, summary TEXT NOT NULL,"
     " account_name TEXT NOT NULL, final TEXT NOT NULL, results TEXT NOT NULL,"
     " params TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (id));"
     "CREATE INDEX success_brief_by_account ON success_brief (account, id);"
     "CREATE INDEX success_brief_by_expiry ON success_brief (expires_at);"},
    {"success", 2, STORE_SCOPE_ORG,
     /* Programs outside; secrets are sealed, bound to the id. */
     "CREATE TABLE tool_client (id TEXT NOT NULL, client TEXT NOT NULL, name TEXT NOT NULL,"
     " tools TEXT NOT NULL, demo_only BIGINT NOT NULL, per_minute BIGINT NOT NULL,"
     " secret TEXT NOT NULL, old_secret TEXT, old_until BIGINT NOT NULL,"
     " created_at BIGINT NOT NULL, rotated_at BIGINT NOT NULL, PRIMARY KEY (id), UNIQUE (client));"
     /* Signatures that were used, as long as they could be sent again. */
     "CREATE TABLE tool_use (client_id TEXT NOT NULL, signature TEXT NOT NULL, at BIGINT NOT NULL,"
     " PRIMARY KEY (client_id, signature));"
     "CREATE INDEX tool_use_by_time ON tool_use (at);"
     /* Calls that take long; envelope: what the tool answered, once it did. */
     "CREATE TABLE tool_order (id TEXT NOT NULL, client_id TEXT NOT NULL, tool TEXT NOT NULL,"
     " status TEXT NOT NULL, envelope TEXT, created_at BIGINT NOT NULL, PRIMARY KEY (id));"
     "CREATE INDEX tool_order_by_time ON tool_order (created_at);"
     /* Evaluations: plan {accounts, tasks, falsify?, forgot?}; accounts that were removed are null,
      * and forgot counts what was. Results are numbered from 1, by task and place. */
     "CREATE TABLE eval_session (id TEXT NOT NULL, status TEXT NOT NULL, plan TEXT NOT NULL,"
     " total BIGINT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,"
     " finished_at BIGINT NOT NULL, PRIMARY KEY (id));"
     "CREATE TABLE eval_result (session_id TEXT NOT NULL, n BIGINT NOT NULL, status TEXT NOT NULL,"
     " account TEXT NOT NULL, took_ms BIGINT NOT NULL, result TEXT NOT NULL,"
     " PRIMARY KEY (session_id, n));"
     "CREATE INDEX eval_result_by_account ON eval_result (account);"},
    /* Counts changes: what was made from an earlier state does not take the place of a later. */
    {"success", 3, STORE_SCOPE_ORG,
     "ALTER TABLE success_brief ADD COLUMN version BIGINT NOT NULL DEFAULT 1;"},
    /* trimmed: its results no longer hold the whole answers. */
    {"success", 4, STORE_SCOPE_ORG,
     "ALTER TABLE eval_session ADD COLUMN trimmed BIGINT NOT NULL DEFAULT 0;"
     "CREATE INDEX success_brief_by_time ON success_brief (created_at);"},
    {0},
};
