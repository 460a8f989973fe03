#include <malloc.h>

#include "main/command.h"

/* glibc raises both by itself to the largest piece ever freed, here megabytes from the training at
 * start-up, and then each thread's heap keeps that much of what a burst took. */
enum { HEAP_KEEPS_BYTES = 1 << 20 };

int main(int argc, char **argv)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, HEAP_KEEPS_BYTES);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEEPS_BYTES);
#endif
    return command_main(argc, argv);
}
