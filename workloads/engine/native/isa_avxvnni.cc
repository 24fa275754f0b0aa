// The kernels for avxvnni; the flags of build.py choose the instructions.
#include "attention.h"
#include "gemm.h"

namespace falaj {
namespace {
void release() {}
}  // namespace
extern const Kernels AVXVNNI;
const Kernels AVXVNNI = {"avxvnni", gemm, attend, prepare, put, release};
}  // namespace falaj
