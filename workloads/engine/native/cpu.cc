// Which instruction sets this processor and its system let a program use.
#include <cstring>

#include "types.h"
#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace falaj {

extern const Kernels SCALAR;

#if defined(__x86_64__)
extern const Kernels AVX2, AVXVNNI, AVX512, AMX;

static bool has(const char* name) {
  unsigned a, b, c, d, b7, c7, d7, a71 = 0, unused;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7)) return false;
  if (a >= 1) __get_cpuid_count(7, 1, &a71, &unused, &unused, &unused);
  const bool avx2 = (low & 6) == 6 && (b7 >> 5 & 1) && (c >> 12 & 1) && (c >> 29 & 1);
  const bool avx512 = avx2 && (low & 0xe6) == 0xe6 && (b7 >> 16 & 1) && (b7 >> 17 & 1) && (b7 >> 30 & 1) && (b7 >> 31 & 1) && (c7 >> 11 & 1);
  if (!std::strcmp(name, "avx2")) return avx2;
  if (!std::strcmp(name, "avxvnni")) return avx2 && (a71 >> 4 & 1);
  if (!std::strcmp(name, "avx512vnni")) return avx512;
  if (!avx512 || (low & 0x60000) != 0x60000 || !(d7 >> 24 & 1) || !(d7 >> 25 & 1)) return false;
#if defined(__linux__)
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;  // ARCH_REQ_XCOMP_PERM for tile data
#else
  return false;
#endif
}
static const Kernels* const KNOWN[] = {&AMX, &AVX512, &AVXVNNI, &AVX2};
#elif defined(__aarch64__)
extern const Kernels NEON;

static bool has(const char*) {
#if defined(__linux__)
  return getauxval(AT_HWCAP) >> 20 & 1;  // ASIMDDP
#else
  return true;
#endif
}
static const Kernels* const KNOWN[] = {&NEON};
#else
static bool has(const char*) { return false; }
static const Kernels* const KNOWN[] = {&SCALAR};
#endif

const Kernels* kernels(const char* wanted) {
  if (wanted && !std::strcmp(wanted, SCALAR.name)) return &SCALAR;
  for (const Kernels* known : KNOWN)
    if ((!wanted || !*wanted || !std::strcmp(wanted, known->name)) && has(known->name)) return known;
  return wanted && *wanted ? nullptr : &SCALAR;
}

}  // namespace falaj
