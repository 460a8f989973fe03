#include <malloc.h>
#include <unistd.h>

#include "main/command.h"

enum { HEAP_KEEPS_BYTES = 1 << 20, HEAPS_PER_CORE = 2 };

/* glibc raises both thresholds by itself to the largest piece ever freed, here megabytes from the
 * training at start-up, and then each heap keeps that much of what a burst took. And it makes eight
 * heaps a core: each is as large as the most its threads ever needed at one time, so that memory
 * creeps for as long as some thread has not met its largest turn. */
static void tame_heaps(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, HEAP_KEEPS_BYTES);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEEPS_BYTES);
    mallopt(M_ARENA_MAX, HEAPS_PER_CORE * (int)sysconf(_SC_NPROCESSORS_ONLN));
#endif
}

int main(int argc, char **argv)
{
    tame_heaps();
    return command_main(argc, argv);
}
