/* What every bench needs of the program that it measures: to start and to stop it, what it has
 * used, and a connection to it. Anything unexpected ends the bench with a line that says what. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

void program_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Serves the demo workspace from `folder`, limits on requests off; ready when it returns. It ends
 * with the bench, however that ends. Any program will do that prints its port alike. */
pid_t program_start(const char *binary, const char *folder, int *out_port);
/* A new folder, removed by program_stop. */
void program_folder(char *out, size_t size_bytes);
void program_stop(pid_t pid, const char *folder);

/* User and system time so far, of all threads; pid 0: our own. Proportional set size. */
int64_t program_cpu_us(pid_t pid);
int64_t program_memory_bytes(pid_t pid);

/* A connection over loopback; all of the bytes into it. */
int program_dial(int port);
void program_say(int fd, const void *bytes, size_t n);

#endif
