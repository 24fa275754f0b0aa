// 16 floats at a time, the same operations in the same order on every instruction set: results are equal to the last bit.
#pragma once
#include <cstring>

#include "types.h"
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace falaj {
namespace {

typedef float V __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t I __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint8_t B __attribute__((vector_size(16), aligned(1), may_alias));

inline V load(const float* p) { return *reinterpret_cast<const V*>(p); }
inline void store(float* p, V v) { *reinterpret_cast<V*>(p) = v; }
inline V all(float x) { return V{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

inline V fma(V a, V b, V c) {
#if defined(__AVX512F__)
  return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  V out;
  const float *pa = reinterpret_cast<const float*>(&a), *pb = reinterpret_cast<const float*>(&b), *pc = reinterpret_cast<const float*>(&c);
  float* po = reinterpret_cast<float*>(&out);
  _mm256_storeu_ps(po, _mm256_fmadd_ps(_mm256_loadu_ps(pa), _mm256_loadu_ps(pb), _mm256_loadu_ps(pc)));
  _mm256_storeu_ps(po + 8, _mm256_fmadd_ps(_mm256_loadu_ps(pa + 8), _mm256_loadu_ps(pb + 8), _mm256_loadu_ps(pc + 8)));
  return out;
#else
  V out;
  for (int i = 0; i < 16; ++i) out[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return out;
#endif
}

inline V larger(V a, V b) { return a > b ? a : b; }

inline float sum(V v) {
  float t[16];
  store(t, v);
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; ++i) t[i] += t[i + half];
  return t[0];
}

inline float most(V v) {
  float t[16];
  store(t, v);
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; ++i) t[i] = t[i] > t[i + half] ? t[i] : t[i + half];
  return t[0];
}

inline float half_to_float(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, rest = h & 0x7fff, bits;
  if (rest >= 0x7c00) {
    bits = sign | 0x7f800000u | ((rest & 0x3ff) << 13);
  } else if (rest >= 0x400) {
    bits = sign | ((rest + 0x1c000) << 13);
  } else {
    float small = float(rest) * 5.9604644775390625e-8f;
    std::memcpy(&bits, &small, 4);
    bits |= sign;
  }
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}

// Rounds to even, as the processors' own instructions do.
inline uint16_t float_to_half(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  uint32_t sign = (bits >> 16) & 0x8000;
  bits &= 0x7fffffff;
  if (bits >= 0x477ff000) return uint16_t(sign | (bits > 0x7f800000 ? 0x7e00 : 0x7c00));
  if (bits < 0x38800000) {
    float small;
    std::memcpy(&small, &bits, 4);
    small += 0.5f;  // leaves the half's bits at the end of the sum
    std::memcpy(&bits, &small, 4);
    return uint16_t(sign | (bits - 0x3f000000));
  }
  bits += 0xfff + ((bits >> 13) & 1);
  return uint16_t(sign | ((bits - 0x38000000) >> 13));
}

inline V load(const uint16_t* p) {
#if defined(__AVX512F__)
  return (V)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
  V out;
  float* po = reinterpret_cast<float*>(&out);
  _mm256_storeu_ps(po, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  _mm256_storeu_ps(po + 8, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8))));
  return out;
#else
  V out;
  for (int i = 0; i < 16; ++i) out[i] = half_to_float(p[i]);
  return out;
#endif
}

// e to the power x, within 2 units in the last place of f32; x is kept within what f32 can say.
inline V exponential(V x) {
  x = larger(x, all(-87.0f));
  x = x < all(88.0f) ? x : all(88.0f);
  const V magic = all(12582912.0f);
  V n = x * all(1.44269504088896341f) + magic;
  n = n - magic;
  V r = fma(n, all(-0.693359375f), x);
  r = fma(n, all(2.12194440e-4f), r);
  V p = all(1.9875691500e-4f);
  p = fma(p, r, all(1.3981999507e-3f));
  p = fma(p, r, all(8.3334519073e-3f));
  p = fma(p, r, all(4.1665795894e-2f));
  p = fma(p, r, all(1.6666665459e-1f));
  p = fma(p, r, all(5.0000001201e-1f));
  p = fma(p, r * r, r) + all(1.0f);
  I bits = (__builtin_convertvector(n, I) + 127) << 23;
  return p * (V)bits;
}

// The tanh form of GELU: x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 x^3)).
inline V gelu(V x) {
  V u = x * fma(x * x, all(-0.0713548162726f), all(-1.59576912161f));
  return x / (all(1.0f) + exponential(u));
}

}  // namespace
}  // namespace falaj
