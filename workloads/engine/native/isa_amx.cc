// AMX tiles of int8 for many rows, AVX-512 VNNI for few.
#include "attention.h"
#include "gemm.h"

namespace falaj {
namespace {

// Below this many rows, tiles would be mostly empty.
constexpr int FEW = 3;

struct alignas(64) TileConfig {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

template <int T>
void take(const Job& job, int m, int p, V (*sums)[2], int g) {
  const Linear& l = *job.l;
  const int8_t* left = l.q + size_t(p) * 32 * l.kp;
  const int8_t* right = left + size_t(16) * l.kp;
  const uint8_t* a = job.a + size_t(m) * job.lda;
  const int from = g * l.group, to = g + 1 == l.groups ? l.kp : (g + 1) * l.group;
  _tile_zero(0);
  _tile_zero(1);
  if (T == 2) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int k = from; k < to; k += 64) {
    if (m == 0)
      for (int i = 0; i < 1024; i += 64) {
        __builtin_prefetch(left + size_t(k) * 16 + AHEAD + i);
        __builtin_prefetch(right + size_t(k) * 16 + AHEAD + i);
      }
    _tile_loadd(6, left + size_t(k) * 16, 64);
    _tile_loadd(4, a + k, job.lda);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, right + size_t(k) * 16, 64);
    _tile_dpbusd(1, 4, 7);
    if (T == 2) {
      _tile_loadd(5, a + k + size_t(16) * job.lda, job.lda);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
  }
  alignas(64) int32_t found[4][256];
  _tile_stored(0, found[0], 64);
  _tile_stored(1, found[1], 64);
  if (T == 2) {
    _tile_stored(2, found[2], 64);
    _tile_stored(3, found[3], 64);
  }
  const size_t at = (size_t(g) * l.pairs + p) * 32;
  const int rows = job.m - m < T * 16 ? job.m - m : T * 16;
  for (int j = 0; j < 2; ++j) {
    const V scale = load(l.s + at + j * 16);
    for (int r = 0; r < rows; ++r) {
      const V whole = floats(_mm512_load_si512(found[r / 16 * 2 + j] + r % 16 * 16), l.sums + at + j * 16);
      sums[r][j] = fma(whole, scale, g ? sums[r][j] : all(0.0f));
    }
  }
}

void tiles(const Job& job, int first, int last) {
  const Linear& l = *job.l;
  if (l.w || job.m < FEW || (l.groups > 1 && l.group % 64)) return gemm(job, first, last);
  static const TileConfig config;
  _tile_loadconfig(&config);
  V sums[32][2];
  for (int p = first; p < last; ++p) {
    for (int m = 0; m < job.m; m += 32) {
      const bool two = job.m - m > 16;
      for (int g = 0; g < l.groups; ++g) two ? take<2>(job, m, p, sums, g) : take<1>(job, m, p, sums, g);
      const int rows = job.m - m < 32 ? job.m - m : 32;
      for (int r = 0; r < rows; ++r) finish(job, m + r, p, sums[r][0], sums[r][1]);
    }
  }
}

void release() { _tile_release(); }

}  // namespace
extern const Kernels AMX;
const Kernels AMX = {"amx", tiles, attend, prepare, put, release};
}  // namespace falaj
