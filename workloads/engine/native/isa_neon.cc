// The kernels for neon; the flags of build.py choose the instructions.
#include "attention.h"
#include "gemm.h"

namespace falaj {
namespace {
void release() {}
}  // namespace
extern const Kernels NEON;
const Kernels NEON = {"neon", gemm, attend, prepare, put, release};
}  // namespace falaj
