// The kernels for scalar; the flags of build.py choose the instructions.
#include "attention.h"
#include "gemm.h"

namespace falaj {
namespace {
void release() {}
}  // namespace
extern const Kernels SCALAR;
const Kernels SCALAR = {"scalar", gemm, attend, prepare, put, release};
}  // namespace falaj
