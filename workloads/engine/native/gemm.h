// Rows of activations times packed weights, a pair of panels (32 outputs) at a time.
#pragma once
#include "dot.h"
#include "rows.h"

namespace falaj {
namespace {

// How far ahead of its use a weight is asked for: about the time that memory needs.
constexpr int AHEAD = 4096;

template <int R>
void int8_rows(const Job& job, int m, int p) {
  const Linear& l = *job.l;
  const int8_t* left = l.q + size_t(p) * 32 * l.kp;
  const int8_t* right = left + size_t(16) * l.kp;
  const uint8_t* a = job.a + size_t(m) * job.lda;
  V out[R][2];
  for (int r = 0; r < R; ++r) out[r][0] = out[r][1] = all(0.0f);
  for (int g = 0; g < l.groups; ++g) {
    const int from = g * l.group / 4, to = g + 1 == l.groups ? l.kp / 4 : (g + 1) * l.group / 4;
    Acc acc[R][2];
    for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = zero();
    for (int k = from; k < to; ++k) {
      __builtin_prefetch(left + size_t(k) * 64 + AHEAD);
      __builtin_prefetch(right + size_t(k) * 64 + AHEAD);
      const Weights w0 = weights(left + size_t(k) * 64), w1 = weights(right + size_t(k) * 64);
      for (int r = 0; r < R; ++r) {
        uint32_t word;
        std::memcpy(&word, a + size_t(r) * job.lda + size_t(k) * 4, 4);
        const Four x = four(word);
        dot(acc[r][0], w0, x);
        dot(acc[r][1], w1, x);
      }
    }
    const size_t at = (size_t(g) * l.pairs + p) * 32;
    for (int r = 0; r < R; ++r)
      for (int j = 0; j < 2; ++j) out[r][j] = fma(floats(acc[r][j], l.sums + at + j * 16), load(l.s + at + j * 16), out[r][j]);
  }
  for (int r = 0; r < R; ++r) finish(job, m + r, p, out[r][0], out[r][1]);
}

template <int R>
void f32_rows(const Job& job, int m, int p) {
  const Linear& l = *job.l;
  const float* left = l.w + size_t(p) * 32 * l.kp;
  const float* right = left + size_t(16) * l.kp;
  const float* a = job.af + size_t(m) * job.lda;
  V out[R][2];
  for (int r = 0; r < R; ++r) out[r][0] = out[r][1] = all(0.0f);
  for (int k = 0; k < l.k; ++k) {
    const V w0 = load(left + size_t(k) * 16), w1 = load(right + size_t(k) * 16);
    for (int r = 0; r < R; ++r) {
      const V x = all(a[size_t(r) * job.lda + k]);
      out[r][0] = fma(x, w0, out[r][0]);
      out[r][1] = fma(x, w1, out[r][1]);
    }
  }
  for (int r = 0; r < R; ++r) finish(job, m + r, p, out[r][0], out[r][1]);
}

template <int R>
inline void some_rows(const Job& job, int m, int p) {
  job.l->w ? f32_rows<R>(job, m, p) : int8_rows<R>(job, m, p);
}

inline void rows_of(const Job& job, int m, int p) {
  for (; m + 8 <= job.m; m += 8) some_rows<8>(job, m, p);
  if (m + 4 <= job.m) some_rows<4>(job, m, p), m += 4;
  if (m + 2 <= job.m) some_rows<2>(job, m, p), m += 2;
  if (m < job.m) some_rows<1>(job, m, p);
}

void gemm(const Job& job, int first, int last) {
  for (int p = first; p < last; ++p) rows_of(job, 0, p);
}

}  // namespace
}  // namespace falaj
