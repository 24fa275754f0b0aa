// The kernels for avx2; the flags of build.py choose the instructions.
#include "attention.h"
#include "gemm.h"

namespace falaj {
namespace {
void release() {}
}  // namespace
extern const Kernels AVX2;
const Kernels AVX2 = {"avx2", gemm, attend, prepare, put, release};
}  // namespace falaj
