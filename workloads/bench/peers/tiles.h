/* Read before each C++ file of llama.cpp. GCC up to 12 at least tells its optimiser that _tile_loadconfig reads 8 bytes of the 64 that it reads, so that
   llama.cpp's shapes of tiles are never written and its first tile instruction is an illegal one (its pull request 26954). */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define _tile_loadconfig(config) __asm__ volatile("ldtilecfg %0" : : "m"(*(const char(*)[64])(config)))
#endif
