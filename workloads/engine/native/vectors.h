/* Vectors of floats and of 32-bit integers under one set of names, for the class of instructions that this file is compiled for.
 * LANES says how many fit into one vector; a panel of 16 outputs takes PARTS of them. */
#ifndef FALAJ_VECTORS_H
#define FALAJ_VECTORS_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define PANEL 16
#define PARTS (PANEL / LANES)

typedef uint16_t half;
/* IEEE 754 binary16, kept as its bits. */

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
typedef __m512 vf;
typedef __m512i vi;
INLINE vf v_load(const float *at) { return _mm512_loadu_ps(at); }
INLINE void v_store(float *at, vf a) { _mm512_storeu_ps(at, a); }
INLINE vf v_all(float a) { return _mm512_set1_ps(a); }
INLINE vf v_madd(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
INLINE vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
INLINE vf v_size(vf a) { return _mm512_abs_ps(a); }
INLINE float v_sum(vf a) { return _mm512_reduce_add_ps(a); }
INLINE float v_most(vf a) { return _mm512_reduce_max_ps(a); }
INLINE vi v_round(vf a) { return _mm512_cvtps_epi32(a); }
INLINE vf v_float(vi a) { return _mm512_cvtepi32_ps(a); }
INLINE vf v_power(vf a, vf whole) { return _mm512_scalef_ps(a, whole); } /* a times 2 to the power of `whole` */
INLINE vi v_whole(int32_t a) { return _mm512_set1_epi32(a); }
INLINE vi v_plus(vi a, vi b) { return _mm512_add_epi32(a, b); }
INLINE int32_t v_total(vi a) { return _mm512_reduce_add_epi32(a); }
INLINE vi v_read(const int32_t *at) { return _mm512_loadu_si512(at); }
INLINE void v_bytes(int8_t *at, vi a) { _mm_storeu_si128((__m128i *)at, _mm512_cvtsepi32_epi8(a)); }
INLINE vf v_widen(const half *at) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at)); }
INLINE void v_narrow(half *at, vf a) { _mm256_storeu_si256((__m256i *)at, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT)); }
INLINE int v_any_above(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0; }

#elif defined(__AVX2__)
#include <immintrin.h>
#define LANES 8
typedef __m256 vf;
typedef __m256i vi;
INLINE vf v_load(const float *at) { return _mm256_loadu_ps(at); }
INLINE void v_store(float *at, vf a) { _mm256_storeu_ps(at, a); }
INLINE vf v_all(float a) { return _mm256_set1_ps(a); }
INLINE vf v_madd(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
INLINE vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
INLINE vf v_size(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
INLINE float v_sum(vf a) {
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
INLINE float v_most(vf a) {
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
INLINE vi v_round(vf a) { return _mm256_cvtps_epi32(a); }
INLINE vf v_float(vi a) { return _mm256_cvtepi32_ps(a); }
INLINE vf v_power(vf a, vf whole) {
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23)));
}
INLINE vi v_whole(int32_t a) { return _mm256_set1_epi32(a); }
INLINE vi v_plus(vi a, vi b) { return _mm256_add_epi32(a, b); }
INLINE int32_t v_total(vi a) {
    __m128i b = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    b = _mm_add_epi32(b, _mm_unpackhi_epi64(b, b));
    return _mm_cvtsi128_si32(_mm_add_epi32(b, _mm_shuffle_epi32(b, 1)));
}
INLINE vi v_read(const int32_t *at) { return _mm256_loadu_si256((const __m256i *)at); }
INLINE void v_bytes(int8_t *at, vi a) {
    __m128i b = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64((__m128i *)at, _mm_packs_epi16(b, b));
}
INLINE vf v_widen(const half *at) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at)); }
INLINE void v_narrow(half *at, vf a) { _mm_storeu_si128((__m128i *)at, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT)); }
INLINE int v_any_above(vf a, vf b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)) != 0; }

#elif defined(__aarch64__)
#include <arm_neon.h>
#define LANES 4
typedef float32x4_t vf;
typedef int32x4_t vi;
INLINE vf v_load(const float *at) { return vld1q_f32(at); }
INLINE void v_store(float *at, vf a) { vst1q_f32(at, a); }
INLINE vf v_all(float a) { return vdupq_n_f32(a); }
INLINE vf v_madd(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
INLINE vf v_max(vf a, vf b) { return vmaxnmq_f32(a, b); }
INLINE vf v_min(vf a, vf b) { return vminnmq_f32(a, b); }
INLINE vf v_size(vf a) { return vabsq_f32(a); }
INLINE float v_sum(vf a) { return vaddvq_f32(a); }
INLINE float v_most(vf a) { return vmaxnmvq_f32(a); }
INLINE vi v_round(vf a) { return vcvtnq_s32_f32(a); }
INLINE vf v_float(vi a) { return vcvtq_f32_s32(a); }
INLINE vf v_power(vf a, vf whole) { return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(whole), vdupq_n_s32(127)), 23))); }
INLINE vi v_whole(int32_t a) { return vdupq_n_s32(a); }
INLINE vi v_plus(vi a, vi b) { return vaddq_s32(a, b); }
INLINE int32_t v_total(vi a) { return vaddvq_s32(a); }
INLINE vi v_read(const int32_t *at) { return vld1q_s32(at); }
INLINE void v_bytes(int8_t *at, vi a) {
    int16x4_t b = vqmovn_s32(a);
    int8x8_t c = vqmovn_s16(vcombine_s16(b, b));
    vst1_lane_s32((int32_t *)(void *)at, vreinterpret_s32_s8(c), 0);
}
INLINE vf v_widen(const half *at) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(at))); }
INLINE void v_narrow(half *at, vf a) { vst1_u16(at, vreinterpret_u16_f16(vcvt_f16_f32(a))); }
INLINE int v_any_above(vf a, vf b) { return vmaxvq_u32(vcgtq_f32(a, b)) != 0; }
#else
#error "no class of instructions that these kernels know"
#endif

/* e to the power of a, to 2 units in the last place; 0 far below, and never infinite. Cody-Waite reduction, degree 6. */
INLINE vf v_exp(vf a) {
    a = v_min(v_max(a, v_all(-87.0f)), v_all(88.0f));
    vf whole = v_float(v_round(a * v_all(1.44269504f)));
    a = v_madd(whole, v_all(-0.693359375f), a);
    a = v_madd(whole, v_all(2.12194440e-4f), a);
    vf sum = v_all(1.9875691500e-4f);
    sum = v_madd(sum, a, v_all(1.3981999507e-3f));
    sum = v_madd(sum, a, v_all(8.3334519073e-3f));
    sum = v_madd(sum, a, v_all(4.1665795894e-2f));
    sum = v_madd(sum, a, v_all(1.6666665459e-1f));
    sum = v_madd(sum, a, v_all(5.0000001201e-1f));
    sum = v_madd(sum * a, a, a + v_all(1.0f));
    return v_power(sum, whole);
}

/* T5's gelu_new: a times the logistic of 2 sqrt(2/pi) (a + 0.044715 a^3), which is the same as the form with tanh. */
INLINE vf v_gelu(vf a) {
    vf inner = a * v_madd(a * a, v_all(-2 * 0.7978845608f * 0.044715f), v_all(-2 * 0.7978845608f));
    return a / (v_all(1.0f) + v_exp(inner));
}
#endif
