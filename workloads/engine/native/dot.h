// Sums of products of 4 activations with 16 x 4 weights, exact in 32 bits on every instruction set.
#pragma once
#include "vec.h"

namespace falaj {
namespace {

#if defined(__AVX512VNNI__)
typedef __m512i Acc;
typedef __m512i Weights;
typedef __m512i Four;
inline Acc zero() { return _mm512_setzero_si512(); }
inline Weights weights(const int8_t* p) { return _mm512_loadu_si512(p); }
inline Four four(uint32_t a) { return _mm512_set1_epi32(int(a)); }
inline void dot(Acc& acc, const Weights& w, const Four& a) { acc = _mm512_dpbusd_epi32(acc, a, w); }
inline V floats(const Acc& acc, const int32_t* sums) { return (V)_mm512_cvtepi32_ps(_mm512_sub_epi32(acc, _mm512_loadu_si512(sums))); }
#elif defined(__AVX2__)
struct Acc { __m256i lo, hi; };
typedef Acc Weights;
inline Acc zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline Weights weights(const int8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
#if defined(__AVXVNNI__)
constexpr bool OFFSET = true;
typedef __m256i Four;
inline Four four(uint32_t a) { return _mm256_set1_epi32(int(a)); }
inline void dot(Acc& acc, const Weights& w, const Four& a) {
  acc.lo = _mm256_dpbusd_avx_epi32(acc.lo, a, w.lo);
  acc.hi = _mm256_dpbusd_avx_epi32(acc.hi, a, w.hi);
}
#else
// Pairs of u8 x s8 would overflow 16 bits; |a| x sign(a) w cannot, because both stay within 127.
constexpr bool OFFSET = false;
struct Four { __m256i a, size; };
inline Four four(uint32_t a) {
  const __m256i whole = _mm256_set1_epi32(int(a ^ 0x80808080u));
  return {whole, _mm256_abs_epi8(whole)};
}
inline __m256i add4(__m256i acc, __m256i w, const Four& a) {
  const __m256i pairs = _mm256_maddubs_epi16(a.size, _mm256_sign_epi8(w, a.a));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
inline void dot(Acc& acc, const Weights& w, const Four& a) {
  acc.lo = add4(acc.lo, w.lo, a);
  acc.hi = add4(acc.hi, w.hi, a);
}
#endif
inline V floats(const Acc& acc, const int32_t* sums) {
  Acc t = acc;
  if (OFFSET) {
    t.lo = _mm256_sub_epi32(t.lo, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums)));
    t.hi = _mm256_sub_epi32(t.hi, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + 8)));
  }
  V out;
  float* po = reinterpret_cast<float*>(&out);
  _mm256_storeu_ps(po, _mm256_cvtepi32_ps(t.lo));
  _mm256_storeu_ps(po + 8, _mm256_cvtepi32_ps(t.hi));
  return out;
}
#elif defined(__ARM_FEATURE_DOTPROD)
struct Acc { int32x4_t p[4]; };
struct Weights { int8x16_t p[4]; };
typedef int8x16_t Four;
inline Acc zero() { return {{vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)}}; }
inline Weights weights(const int8_t* p) { return {{vld1q_s8(p), vld1q_s8(p + 16), vld1q_s8(p + 32), vld1q_s8(p + 48)}}; }
inline Four four(uint32_t a) { return vreinterpretq_s8_u32(vdupq_n_u32(a ^ 0x80808080u)); }
inline void dot(Acc& acc, const Weights& w, const Four& a) {
  for (int i = 0; i < 4; ++i) acc.p[i] = vdotq_s32(acc.p[i], w.p[i], a);
}
inline V floats(const Acc& acc, const int32_t*) {
  V out;
  for (int i = 0; i < 4; ++i) vst1q_f32(reinterpret_cast<float*>(&out) + 4 * i, vcvtq_f32_s32(acc.p[i]));
  return out;
}
#else
struct Acc { int32_t p[16]; };
struct Weights { const int8_t* p; };
struct Four { int8_t p[4]; };
inline Acc zero() { return {}; }
inline Weights weights(const int8_t* p) { return {p}; }
inline Four four(uint32_t a) {
  a ^= 0x80808080u;
  Four out;
  std::memcpy(&out, &a, 4);
  return out;
}
inline void dot(Acc& acc, const Weights& w, const Four& a) {
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 4; ++j) acc.p[i] += int32_t(w.p[i * 4 + j]) * a.p[j];
}
inline V floats(const Acc& acc, const int32_t*) {
  V out;
  for (int i = 0; i < 16; ++i) out[i] = float(acc.p[i]);
  return out;
}
#endif

}  // namespace
}  // namespace falaj
