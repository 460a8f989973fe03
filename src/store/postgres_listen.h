/* Private to store/: the one connection of a process that other processes know it by. It LISTENs
 * for what they committed, and its session holds an advisory lock that names the process: who
 * holds none is gone. Made anew when it breaks. Any thread; guarded by one lock that is held while
 * the server is asked. */
#ifndef STORE_POSTGRES_LISTEN_H
#define STORE_POSTGRES_LISTEN_H

#include "store/postgres.h"

struct listener;

/* `url` and `process` (16 hex digits) are kept by reference. Not connected yet. */
struct listener *listener_new(const char *url, const char *process);
void listener_free(struct listener **l);
/* E_UNAVAILABLE. */
enum err listener_open(struct ctx *c, struct listener *l);

/* As declared in store.h. */
void listener_signal(struct listener *l, const struct id *org);
void listener_news(struct listener *l, void (*fn)(void *arg, const struct id *org), void *arg);
bool listener_processes(struct listener *l, void (*fn)(void *arg, struct str process), void *arg);

#endif
