// The kernels for avx512vnni; the flags of build.py choose the instructions.
#include "attention.h"
#include "gemm.h"

namespace falaj {
namespace {
void release() {}
}  // namespace
extern const Kernels AVX512;
const Kernels AVX512 = {"avx512vnni", gemm, attend, prepare, put, release};
}  // namespace falaj
