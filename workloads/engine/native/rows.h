/* Work on single rows: norms, 8 bits, and what becomes of a product. */
#ifndef FALAJ_ROWS_H
#define FALAJ_ROWS_H
#include "kernels.h"
#include "vectors.h"

static void norm(const float *x, const float *weight, float epsilon, int real, int stride, float *out) {
    vf squares = v_all(0.0f);
    for (int i = 0; i < stride; i += LANES) squares = v_madd(v_load(x + i), v_load(x + i), squares);
    vf factor = v_all(1.0f / sqrtf(v_sum(squares) / (float)real + epsilon));
    for (int i = 0; i < stride; i += LANES) v_store(out + i, v_load(x + i) * factor * v_load(weight + i));
}

/* `count` inputs, a multiple of 16 but for the end of the row, from input `first` on. */
INLINE void quantise_group(const float *x, int first, int count, int8_t *whole, float *scale, int32_t *shift) {
    vf most = v_all(0.0f), odd = v_all(0.0f);
    int full = count / LANES * LANES;
    float rest[LANES] = {0};
    memcpy(rest, x + first + full, (size_t)(count - full) * sizeof(float));
    for (int i = 0; i < full; i += LANES) {
        vf a = v_load(x + first + i);
        most = v_max(most, v_size(a));
        odd = v_madd(a, v_all(0.0f), odd);
    }
    most = v_max(most, v_size(v_load(rest)));
    odd = v_madd(v_load(rest), v_all(0.0f), odd);
    float largest = v_most(most);
    vf factor = v_all(127.0f / (largest > 1e-20f ? largest : 1e-20f));
    vi sum = v_whole(0);
    for (int i = 0; i < full; i += LANES) {
        vi a = v_round(v_load(x + first + i) * factor);
        sum = v_plus(sum, a);
        v_bytes(whole + (first + i) / DEPTH * BLOCK + (first + i) % DEPTH, a);
    }
    if (full < count) {
        vi a = v_round(v_load(rest) * factor);
        sum = v_plus(sum, a);
        v_bytes(whole + (first + full) / DEPTH * BLOCK + (first + full) % DEPTH, a);
    }
    /* Infinity and not-a-number must not become an ordinary answer: 0 times each is not a number, and so then is the scale. */
    *scale = (largest > 1e-20f ? largest : 1e-20f) / 127.0f + v_sum(odd);
    *shift = ZERO * v_total(sum);
}

static void quantise(const float *x, int inputs, int depth, int group, int8_t *whole, float *scale, int32_t *shift) {
    int padded = (inputs + LANES - 1) / LANES * LANES;
    for (int i = padded; i < depth; i++) whole[i / DEPTH * BLOCK + i % DEPTH] = 0;
    if (!group) quantise_group(x, 0, inputs, whole, scale, shift);
    else
        for (int first = 0; first < inputs; first += group) quantise_group(x, first, group, whole, scale++, shift++);
}

INLINE vf activated(vf a, int relu) { return relu ? v_max(a, v_all(0.0f)) : v_gelu(a); }

/* Hand over finished products of some rows and of `panels` panels beside each other: `tile` is rows x panels x 16. */
INLINE void emit(const Output *output, const Linear *linear, const float *tile, int row, int rows, int panel, int panels) {
    int stride = panels * PANEL;
    for (int r = 0; r < rows; r++, tile += stride) {
        float *out = output->out + (size_t)(row + r) * (size_t)output->stride + panel * PANEL;
        switch (output->kind) {
        case STORE:
            for (int i = 0; i < stride; i += LANES) v_store(out + i, v_load(tile + i));
            break;
        case ADD:
            for (int i = 0; i < stride; i += LANES) v_store(out + i, v_load(out + i) + v_load(tile + i));
            break;
        case ACTIVATE:
            for (int i = 0; i < stride; i += LANES) v_store(out + i, activated(v_load(tile + i), output->relu));
            break;
        case GATE: /* Panels come in pairs: what is activated, and what it is multiplied with. */
            out = output->out + (size_t)(row + r) * (size_t)output->stride + panel / 2 * PANEL;
            for (int pair = 0; pair < panels / 2; pair++)
                for (int i = 0; i < PANEL; i += LANES)
                    v_store(out + pair * PANEL + i, activated(v_load(tile + pair * 2 * PANEL + i), output->relu) * v_load(tile + (pair * 2 + 1) * PANEL + i));
            break;
        default:
            for (int i = 0; i < stride; i += LANES)
                if (v_any_above(v_load(tile + i), v_all(output->best[row + r])))
                    for (int j = i; j < i + LANES && panel * PANEL + j < linear->real; j++)
                        if (tile[j] > output->best[row + r]) {
                            output->best[row + r] = tile[j];
                            output->which[row + r] = panel * PANEL + j;
                        }
        }
    }
}

static void widen(const uint16_t *from, int count, float *to) {
    int full = count / LANES * LANES;
    for (int i = 0; i < full; i += LANES) v_store(to + i, v_widen(from + i));
    if (full < count) {
        half rest[LANES] = {0};
        float wide[LANES];
        memcpy(rest, from + full, (size_t)(count - full) * sizeof(half));
        v_store(wide, v_widen(rest));
        memcpy(to + full, wide, (size_t)(count - full) * sizeof(float));
    }
}
#endif
