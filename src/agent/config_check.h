/* Reading a map of the configuration key by key while collecting faults with their places; what
 * config.c and config_tool.c share. Private to the configuration. */
#ifndef AGENT_CONFIG_CHECK_H
#define AGENT_CONFIG_CHECK_H

#include "agent/config.h"

/* A parse under way. */
struct config_check {
    struct arena *a; /* of the faults */
    struct config *cfg;
    struct config_faults *faults;
};

void check_fault(struct config_check *k, const struct json *at, struct str path, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));
void check_warn(struct config_check *k, const struct json *at, struct str path, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

/* "tools[2].name" from "tools[2]" and "name". */
struct str check_path(struct config_check *k, struct str base, const char *name);

/* Typed reading of an optional key: the fallback and a fault when the type is wrong. */
struct str check_str(struct config_check *k, const struct json *map, struct str path,
                     const char *name, size_t max_bytes);
bool check_bool(struct config_check *k, const struct json *map, struct str path, const char *name,
                bool fallback);
double check_number(struct config_check *k, const struct json *map, struct str path,
                    const char *name, const double range[3]); /* {min, max, fallback} */
const struct json *check_list(struct config_check *k, const struct json *map, struct str path,
                              const char *name, size_t max);
const struct json *check_map(struct config_check *k, const struct json *map, struct str path,
                             const char *name);
/* One of the values (NULL ends); the empty view when absent. */
struct str check_choice(struct config_check *k, const struct json *map, struct str path,
                        const char *name, const char *const *values);
/* Faults every key that is not listed (NULL ends). */
void check_known(struct config_check *k, const struct json *map, struct str path,
                 const char *const *names);
bool check_is_snake(struct str s);
/* Compiles; NULL and a fault when it fails. */
struct jq_program *check_jq(struct config_check *k, const struct json *at, struct str path,
                            struct str prelude);
void check_template(struct config_check *k, const struct json *map, struct str path,
                    const char *name);

/* Compiles; NULL and a fault when it fails. */
const struct schema *check_schema(struct config_check *k, const struct json *document,
                                  struct str path);

/* config_mcp.c */
void config_read_mcp(struct config_check *k, const struct json *document);
/* Whether such a tool may come from one of the servers: known for certain when they are pinned. */
bool config_mcp_claims(const struct config *cfg, struct str tool);
/* config_tool.c */
void config_read_tools(struct config_check *k, const struct json *document);

#endif
