/* Attention in floats. T5 does not scale its scores. */
#ifndef FALAJ_ATTENTION_H
#define FALAJ_ATTENTION_H
#include "kernels.h"
#include "vectors.h"

/* Scores, of which `count` are real and the rest of `room` are not, become e to the power of each less the largest; gives one over their sum. */
INLINE float softened(float *scores, int count, int room, const float *bias) {
    vf most = v_all(-INFINITY);
    for (int i = count; i < room; i++) scores[i] = -INFINITY;
    for (int i = 0; i < room; i += LANES) {
        vf a = v_load(scores + i);
        if (bias) {
            if (i + LANES <= count) a = a + v_load(bias + i);
            else {
                float rest[LANES] = {0};
                if (i < count) memcpy(rest, bias + i, (size_t)(count - i) * sizeof(float));
                a = a + v_load(rest);
            }
            v_store(scores + i, a);
        }
        most = v_max(most, a);
    }
    const vf largest = v_all(v_most(most));
    vf sum = v_all(0.0f);
    for (int i = 0; i < room; i += LANES) {
        vf a = v_exp(v_load(scores + i) - largest);
        v_store(scores + i, a);
        if (i + LANES <= count) sum = sum + a;
    }
    float total = v_sum(sum);
    for (int i = count / LANES * LANES; i < room; i++) {
        if (i < count) total += scores[i];
        else scores[i] = 0.0f;
    }
    return 1.0f / total;
}

/* Some of a cache's numbers: floats where the model's weights are, else half floats. */
INLINE vf held_at(const int plain, const void *cache, size_t at) { return plain ? v_load((const float *)cache + at) : v_widen((const half *)cache + at); }

#define BESIDE 4
/* Panels of keys that are read at a time: their sums hide each other's latency. */

INLINE void score_panels(const int plain, const int panels, const float *query, const void *keys, int panel, int width, float *scores, const char *soon) {
    vf sums[BESIDE][PARTS];
#pragma GCC unroll 4
    for (int b = 0; b < panels; b++)
#pragma GCC unroll 4
        for (int part = 0; part < PARTS; part++) sums[b][part] = v_all(0.0f);
    for (int i = 0; i < width; i++) {
        const vf q = v_all(query[i]);
        /* The values of these keys, which are read next. */
        if (panels == BESIDE)
            for (int line = 0; line < (plain ? 4 : 2); line++) __builtin_prefetch(soon + (i * (plain ? 4 : 2) + line) * 64);
#pragma GCC unroll 4
        for (int b = 0; b < panels; b++)
#pragma GCC unroll 4
            for (int part = 0; part < PARTS; part++)
                sums[b][part] = v_madd(q, held_at(plain, keys, ((size_t)(panel + b) * (size_t)width + (size_t)i) * PANEL + part * LANES), sums[b][part]);
    }
#pragma GCC unroll 4
    for (int b = 0; b < panels; b++)
#pragma GCC unroll 4
        for (int part = 0; part < PARTS; part++) v_store(scores + (panel + b) * PANEL + part * LANES, sums[b][part]);
}

/* `vectors` of the values' width at a time; keys by turns on two sums. */
INLINE void gather_values(const int plain, const int vectors, const float *scores, const void *values, int first, int count, int width, float factor, float *out) {
    vf even[4], odd[4];
#pragma GCC unroll 4
    for (int i = 0; i < vectors; i++) even[i] = odd[i] = v_all(0.0f);
    int key = 0;
    for (; key + 2 <= count; key += 2) {
        const vf a = v_all(scores[key]), b = v_all(scores[key + 1]);
#pragma GCC unroll 4
        for (int i = 0; i < vectors; i++) {
            even[i] = v_madd(a, held_at(plain, values, (size_t)key * (size_t)width + first + i * LANES), even[i]);
            odd[i] = v_madd(b, held_at(plain, values, (size_t)(key + 1) * (size_t)width + first + i * LANES), odd[i]);
        }
    }
    if (key < count) {
        const vf a = v_all(scores[key]);
#pragma GCC unroll 4
        for (int i = 0; i < vectors; i++) even[i] = v_madd(a, held_at(plain, values, (size_t)key * (size_t)width + first + i * LANES), even[i]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < vectors; i++) v_store(out + first + i * LANES, (even[i] + odd[i]) * v_all(factor));
}

INLINE void attend_to(const int plain, const float *query, const void *keys, const void *values, int count, int width, const float *bias, float *scores, float *out) {
    const int panels = (count + PANEL - 1) / PANEL;
    int panel = 0, at = 0;
    for (; panel + BESIDE <= panels; panel += BESIDE) score_panels(plain, BESIDE, query, keys, panel, width, scores, (const char *)values + (size_t)panel * PANEL * (size_t)width * (plain ? 4 : 2));
    for (; panel < panels; panel++) score_panels(plain, 1, query, keys, panel, width, scores, NULL);
    const float factor = softened(scores, count, panels * PANEL, bias);
    for (; at + 4 * LANES <= width; at += 4 * LANES) gather_values(plain, 4, scores, values, at, count, width, factor, out);
    for (; at < width; at += LANES) gather_values(plain, 1, scores, values, at, count, width, factor, out);
}

static void attend(int plain, const float *query, const void *keys, const void *values, int count, int width, const float *bias, float *scores, float *out) {
    if (plain) attend_to(1, query, keys, values, count, width, bias, scores, out);
    else attend_to(0, query, keys, values, count, width, bias, scores, out);
}

static void keep(int plain, const float *key, const float *value, int width, int place, void *keys, void *values) {
    const size_t column = (size_t)(place / PANEL) * (size_t)width * PANEL + (size_t)(place % PANEL), row = (size_t)place * (size_t)width;
    if (plain) {
        for (int i = 0; i < width; i++) ((float *)keys)[column + (size_t)i * PANEL] = key[i];
        memcpy((float *)values + row, value, (size_t)width * sizeof(float));
        return;
    }
    half narrow[LANES];
    /* Beyond what 16 bits can say, the largest that they can. */
    const vf top = v_all(65504.0f), bottom = v_all(-65504.0f);
    for (int i = 0; i < width; i += LANES) {
        v_narrow(narrow, v_min(v_max(v_load(key + i), bottom), top));
        for (int j = 0; j < LANES; j++) ((half *)keys)[column + (size_t)(i + j) * PANEL] = narrow[j];
        v_narrow((half *)values + row + i, v_min(v_max(v_load(value + i), bottom), top));
    }
}

#define QUERIES 4
#if LANES == 8
#define SIDE 2
#else
#define SIDE 4
#endif
/* Vectors beside each other for each of the four queries that are worked on together. */

/* queries x (SIDE vectors) of `left` [4 rows, `inner`] times `right` [inner, `apart`], at one place of the columns. */
INLINE void product(const int side, const float *const left[QUERIES], const float *right, int apart, int inner, float *const to[QUERIES], const float *factors) {
    vf sums[QUERIES][SIDE];
#pragma GCC unroll 4
    for (int q = 0; q < QUERIES; q++)
#pragma GCC unroll 4
        for (int i = 0; i < side; i++) sums[q][i] = v_all(0.0f);
    for (int k = 0; k < inner; k++) {
        vf held[SIDE];
#pragma GCC unroll 4
        for (int i = 0; i < side; i++) held[i] = v_load(right + (size_t)k * (size_t)apart + i * LANES);
#pragma GCC unroll 4
        for (int q = 0; q < QUERIES; q++) {
            const vf a = v_all(left[q][k]);
#pragma GCC unroll 4
            for (int i = 0; i < side; i++) sums[q][i] = v_madd(a, held[i], sums[q][i]);
        }
    }
#pragma GCC unroll 4
    for (int q = 0; q < QUERIES; q++)
#pragma GCC unroll 4
        for (int i = 0; i < side; i++) v_store(to[q] + i * LANES, sums[q][i] * v_all(factors ? factors[q] : 1.0f));
}

static void relate(const float *rows, int tokens, int width, const float *bias, float *room, float *out, int stride) {
    const int apart = 3 * width, long_side = (tokens + 63) / 64 * 64;
    float *turned = room, *scores = room + (size_t)width * (size_t)long_side;
    for (int i = 0; i < width; i++) {
        for (int token = 0; token < tokens; token++) turned[(size_t)i * (size_t)long_side + (size_t)token] = rows[(size_t)token * (size_t)apart + (size_t)(width + i)];
        memset(turned + (size_t)i * (size_t)long_side + tokens, 0, (size_t)(long_side - tokens) * sizeof(float));
    }
    for (int first = 0; first < tokens; first += QUERIES) {
        const float *queries[QUERIES], *weights[QUERIES];
        float *to[QUERIES], factors[QUERIES];
        float spare[64 * 4]; /* Where the rows behind the last one go. */
        for (int at = 0; at < long_side; at += SIDE * LANES) {
            for (int q = 0; q < QUERIES; q++) {
                queries[q] = rows + (size_t)(first + q < tokens ? first + q : tokens - 1) * (size_t)apart;
                to[q] = scores + (size_t)q * (size_t)long_side + at;
            }
            product(SIDE, queries, turned + at, long_side, width, to, NULL);
        }
        for (int q = 0; q < QUERIES; q++) {
            const int query = first + q < tokens ? first + q : tokens - 1;
            weights[q] = scores + (size_t)q * (size_t)long_side;
            factors[q] = softened(scores + (size_t)q * (size_t)long_side, tokens, (tokens + PANEL - 1) / PANEL * PANEL, bias - query);
        }
        for (int at = 0; at < width;) {
            const int side = at + SIDE * LANES <= width ? SIDE : 1;
            for (int q = 0; q < QUERIES; q++) to[q] = first + q < tokens ? out + (size_t)(first + q) * (size_t)stride + at : spare + q * 64;
            if (side == SIDE) product(SIDE, weights, rows + 2 * width + at, apart, tokens, to, factors);
            else product(1, weights, rows + 2 * width + at, apart, tokens, to, factors);
            at += side * LANES;
        }
    }
}
#endif
