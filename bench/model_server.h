/* A model provider's server in a process of its own: answers Anthropic's Messages and OpenAI's chat
 * completions with one fixed answer, whole or streamed as the request asks, as fast as a socket
 * lets it. What a call through src/llm costs is measured against it. */
#ifndef BENCH_MODEL_SERVER_H
#define BENCH_MODEL_SERVER_H

#include <sys/types.h>

enum { MODEL_SERVER_PIECES = 20 }; /* of a streamed answer */

/* Forks: call it before there are threads. Ends with its parent. */
pid_t model_server_start(int *out_port);
void model_server_stop(pid_t pid);

#endif
