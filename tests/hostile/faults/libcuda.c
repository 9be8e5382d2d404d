/* A CUDA driver with the first few functions that a program calls, LACKS of which and all behind
 * it are not there. cuInit returns the code in FAKE_CU_INIT. */

#include <stdlib.h>

#ifndef LACKS
#define LACKS 4
#endif

unsigned cuInit(unsigned flags)
{
    const char *code = getenv("FAKE_CU_INIT");
    return flags ? 1 : code ? (unsigned)atoi(code) : 0;
}

#if LACKS > 1
unsigned cuDeviceGetCount(int *count)
{
    *count = 1;
    return 0;
}
#endif

#if LACKS > 2
unsigned cuDeviceGet(int *device, int ordinal)
{
    *device = ordinal;
    return ordinal ? 101 : 0;
}
#endif

#if LACKS > 3
unsigned cuDeviceGetName(char *name, int length, int device)
{
    if (length < 5 || device)
        return 1;
    for (int i = 0; i < 5; i++)
        name[i] = "fake"[i];
    return 0;
}
#endif
