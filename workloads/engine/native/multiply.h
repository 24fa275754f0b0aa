/* Products of rows with panels of weights, on vectors: 8 bits with 32-bit sums, or floats. Each sum is taken in the order of the inputs, on one
 * sum alone, whatever rows stand beside it: a row's products do not depend on its neighbours. */
#ifndef FALAJ_MULTIPLY_H
#define FALAJ_MULTIPLY_H
#include "rows.h"

/* sums += weights[4 inputs of each lane's output] . four bytes of a row, in all lanes. TALL rows by WIDE panels are what registers hold. */
#if defined(__AVX512VNNI__)
#define STORED_OFF 1
#define TALL 8
#define WIDE 2
INLINE vi dot(vi sums, vi weights, vi bytes) {
    /* Written out: compilers otherwise load the bytes anew for each panel, and loads then set the pace. */
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(weights), "v"(bytes));
    return sums;
}
INLINE vi weights_at(const uint8_t *at) { return _mm512_load_si512(at); }
#elif defined(__AVXVNNI__)
#define STORED_OFF 1
#define TALL 6
#define WIDE 1
INLINE vi dot(vi sums, vi weights, vi bytes) { return _mm256_dpbusd_avx_epi32(sums, weights, bytes); }
INLINE vi weights_at(const uint8_t *at) { return _mm256_load_si256((const __m256i *)at); }
#elif defined(__AVX2__)
#define STORED_OFF 0
#define TALL 4
#define WIDE 1
/* Neither side holds -128, so a sum of two products fits into 16 bits: signs go over to the weights, since one side must be without. */
INLINE vi dot(vi sums, vi weights, vi bytes) {
    const vi pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(bytes), _mm256_sign_epi8(weights, bytes));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
INLINE vi weights_at(const uint8_t *at) { return _mm256_load_si256((const __m256i *)at); }
#else
#define STORED_OFF 0
#define TALL 6
#define WIDE 1
INLINE vi dot(vi sums, vi weights, vi bytes) { return vdotq_s32(sums, vreinterpretq_s8_s32(weights), vreinterpretq_s8_s32(bytes)); }
INLINE vi weights_at(const uint8_t *at) { return vld1q_s32((const int32_t *)(const void *)at); }
#endif
INLINE vi bytes_at(const int8_t *at) {
    int32_t four;
    memcpy(&four, at, sizeof four);
    return v_whole(four);
}
#define AHEAD 2048
/* Bytes that are asked for before they are needed: one core alone keeps too few reads in flight. */

/* `tall` rows by `wide` panels into `tile`, whose rows are `stride` apart. The first two are constants to the compiler. */
INLINE void whole_block(const int tall, const int wide, const Linear *linear, const Rows *given, int row, int panel, float *tile, int stride) {
    const int8_t *rows = given->whole + (size_t)(row / 16) * (size_t)(linear->depth / DEPTH) * BLOCK + row % 16 * DEPTH;
    const float *scale = given->scale + row * linear->groups;
    const int32_t *shift = given->shift + row * linear->groups;
    const size_t apart = (size_t)linear->depth * PANEL;
    const uint8_t *weights = (const uint8_t *)linear->data + (size_t)panel * apart;
    const float *scales = linear->scales + (size_t)panel * (size_t)linear->groups * PANEL;
    const int lines = (linear->group ? linear->group : linear->depth) / 4, groups = linear->groups;
    static const float none[LANES] = {0};
    vi sums[8][4][PARTS];
    for (int group = 0, line = 0; group < groups; group++) {
#pragma GCC unroll 8
        for (int m = 0; m < tall; m++)
#pragma GCC unroll 4
            for (int n = 0; n < wide; n++)
#pragma GCC unroll 4
                for (int part = 0; part < PARTS; part++) sums[m][n][part] = v_whole(STORED_OFF ? -shift[m * groups + group] : 0);
        for (const int end = line + lines; line < end; line += 8) {
            const int8_t *bytes = rows + line / 16 * BLOCK + line % 16 * 4;
            const uint8_t *at = weights + (size_t)line * 64;
#pragma GCC unroll 8
            for (int step = 0; step < 8; step++) {
                vi held[4][PARTS];
#pragma GCC unroll 4
                for (int n = 0; n < wide; n++) {
                    __builtin_prefetch(at + (size_t)n * apart + step * 64 + AHEAD);
#pragma GCC unroll 4
                    for (int part = 0; part < PARTS; part++) held[n][part] = weights_at(at + (size_t)n * apart + step * 64 + part * LANES * 4);
                }
#pragma GCC unroll 8
                for (int m = 0; m < tall; m++) {
                    const vi four = bytes_at(bytes + m * DEPTH + step * 4);
#pragma GCC unroll 4
                    for (int n = 0; n < wide; n++)
#pragma GCC unroll 4
                        for (int part = 0; part < PARTS; part++) sums[m][n][part] = dot(sums[m][n][part], held[n][part], four);
                }
            }
        }
#pragma GCC unroll 8
        for (int m = 0; m < tall; m++)
#pragma GCC unroll 4
            for (int n = 0; n < wide; n++)
#pragma GCC unroll 4
                for (int part = 0; part < PARTS; part++) {
                    float *at = tile + m * stride + n * PANEL + part * LANES;
                    vf factor = v_all(scale[m * groups + group]) * v_load(scales + (n * groups + group) * PANEL + part * LANES);
                    vf product = v_float(sums[m][n][part]);
                    v_store(at, v_madd(product, factor, v_load(group ? at : none)));
                }
    }
}

INLINE void plain_block(const int tall, const int wide, const Linear *linear, const Rows *given, int row, int panel, float *tile, int stride) {
    const float *rows = given->plain + (size_t)row * (size_t)given->stride;
    const size_t apart = (size_t)linear->inputs * PANEL;
    const float *weights = (const float *)linear->data + (size_t)panel * apart;
    vf sums[8][4][PARTS];
#pragma GCC unroll 8
    for (int m = 0; m < tall; m++)
#pragma GCC unroll 4
        for (int n = 0; n < wide; n++)
#pragma GCC unroll 4
            for (int part = 0; part < PARTS; part++) sums[m][n][part] = v_all(0.0f);
    for (int input = 0; input < linear->inputs; input++) {
#pragma GCC unroll 4
        for (int n = 0; n < wide; n++)
#pragma GCC unroll 4
            for (int part = 0; part < PARTS; part++) {
                const vf held = v_load(weights + (size_t)n * apart + (size_t)input * PANEL + part * LANES);
#pragma GCC unroll 8
                for (int m = 0; m < tall; m++) sums[m][n][part] = v_madd(v_all(rows[(size_t)m * (size_t)given->stride + (size_t)input]), held, sums[m][n][part]);
            }
    }
#pragma GCC unroll 8
    for (int m = 0; m < tall; m++)
#pragma GCC unroll 4
        for (int n = 0; n < wide; n++)
#pragma GCC unroll 4
            for (int part = 0; part < PARTS; part++) v_store(tile + m * stride + n * PANEL + part * LANES, sums[m][n][part]);
}

INLINE void block(const int tall, const int wide, const Linear *linear, const Rows *rows, int row, int panel, float *tile, int stride) {
    if (linear->whole) whole_block(tall, wide, linear, rows, row, panel, tile, stride);
    else plain_block(tall, wide, linear, rows, row, panel, tile, stride);
}

/* A few rows (at most 8, and not across a block of 16) by all the panels. */
INLINE void strip(const int tall, const int wide, const Linear *linear, const Rows *rows, int row, int first, int last, const Output *output) {
    float tile[8 * 4 * PANEL];
    const int together = output->kind == GATE ? 2 : 1;
    int panel = first;
    if (wide % together == 0)
        for (; panel + wide <= last; panel += wide) {
            block(tall, wide, linear, rows, row, panel, tile, wide * PANEL);
            emit(output, linear, tile, row, tall, panel, wide);
        }
    for (; panel < last; panel += together) {
        for (int n = 0; n < together; n++) block(tall, 1, linear, rows, row, panel + n, tile + n * PANEL, together * PANEL);
        emit(output, linear, tile, row, tall, panel, together);
    }
}

static void vector_multiply(const Linear *linear, const Rows *rows, int count, int first, int last, const Output *output) {
    for (int row = 0; row < count;) {
        const int left = count - row, inside = 16 - row % 16, most = left < inside ? left : inside;
        if (most >= TALL) {
            strip(TALL, WIDE, linear, rows, row, first, last, output);
            row += TALL;
        } else if (most >= 4) {
            strip(4, WIDE, linear, rows, row, first, last, output);
            row += 4;
        } else if (most >= 2) {
            strip(2, WIDE, linear, rows, row, first, last, output);
            row += 2;
        } else {
            strip(1, LANES == 16 ? 4 : 2, linear, rows, row, first, last, output);
            row += 1;
        }
    }
}
#endif
