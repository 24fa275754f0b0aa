/* A small T5 with numbers from a generator, run through the native engine's own functions: what it prints is compared between processors.
 *     probe WHOLE GROUP      # 8 bits or floats; inputs that share a scale, 0 for all of an output */
#include <stdio.h>
#include <stdlib.h>

#include "../../../workloads/engine/native/model.h"

enum { WIDTH = 64, HEADS = 4, HEAD = 32, INNER_UNITS = 96, WORDS = 100, INPUTS = 40, LONGEST = 20, LAYERS = 2 };
static uint32_t state = 1;
static int refused, whole, group;

static uint32_t number(uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static float *floats(int count, float size) {
    float *found = malloc((size_t)count * sizeof(float));
    for (int i = 0; i < count; i++) found[i] = ((float)number(2001) - 1000.0f) / 1000.0f * size;
    return found;
}

static void linear(Model *m, int side, int layer, int which, int outputs, int inputs, const int32_t *order, int places, float size) {
    const int scales = outputs * (group ? inputs / group : 1);
    float *scale = floats(scales, size / 400);
    for (int i = 0; i < scales; i++) scale[i] += size / 100;
    uint8_t *bytes = malloc((size_t)(outputs * inputs));
    for (int i = 0; i < outputs * inputs; i++) bytes[i] = (uint8_t)(1 + number(255));
    refused |= falaj_linear(m, side, layer, which, whole ? (void *)bytes : (void *)floats(outputs * inputs, size), whole ? scale : NULL, outputs, inputs, order, places);
}

static void vector(Model *m, int side, int layer, int which, int count, float base) {
    float *values = floats(count, base ? 0.1f : 1.0f);
    for (int i = 0; i < count; i++) values[i] += base;
    refused |= falaj_vector(m, side, layer, which, values, count);
}

static const int32_t *by_heads(int parts) {
    int32_t *order = malloc((size_t)(parts * HEADS * HEAD) * sizeof(int32_t)), *at = order;
    for (int head = 0; head < HEADS; head++)
        for (int part = 0; part < parts; part++)
            for (int i = 0; i < HEAD; i++) *at++ = (part * HEADS + head) * HEAD + i;
    return order;
}

static const int32_t *in_pairs(void) {
    int32_t *order = malloc((size_t)(2 * INNER_UNITS) * sizeof(int32_t));
    for (int i = 0; i < 2 * INNER_UNITS; i++) order[i] = i / 32 * 16 + i % 16 + (i % 32 < 16 ? 0 : INNER_UNITS);
    return order;
}

int main(int count, char **words) {
    if (count != 3) return 2;
    whole = atoi(words[1]);
    group = atoi(words[2]);
    Shape shape = {WORDS, WIDTH, HEAD, LAYERS, LAYERS, 1, 0, whole, group, 4, LONGEST, INPUTS, 2, 1e-6f, 8 << 20};
    Model *m = falaj_open(&shape);
    if (!m) return 1;
    int32_t plain[WORDS + 12];
    for (int i = 0; i < WORDS + 12; i++) plain[i] = i < WORDS ? i : -1;
    for (int side = 0; side < 2; side++)
        for (int layer = 0; layer < LAYERS; layer++) {
            refused |= falaj_layer(m, side, layer, HEADS, side ? HEADS : 0, INNER_UNITS);
            int32_t straight[HEADS * HEAD];
            for (int i = 0; i < HEADS * HEAD; i++) straight[i] = i;
            linear(m, side, layer, OWN, 3 * HEADS * HEAD, WIDTH, by_heads(3), 3 * HEADS * HEAD, 0.3f);
            linear(m, side, layer, OWN_OUT, WIDTH, HEADS * HEAD, straight, WIDTH, 0.3f);
            if (side) {
                linear(m, side, layer, CROSS, HEADS * HEAD, WIDTH, straight, HEADS * HEAD, 0.3f);
                linear(m, side, layer, CROSS_KV, 2 * HEADS * HEAD, WIDTH, by_heads(2), 2 * HEADS * HEAD, 0.3f);
                linear(m, side, layer, CROSS_OUT, WIDTH, HEADS * HEAD, straight, WIDTH, 0.3f);
                vector(m, side, layer, CROSS_NORM, WIDTH, 1);
            }
            linear(m, side, layer, INNER, 2 * INNER_UNITS, WIDTH, in_pairs(), 2 * INNER_UNITS, 0.3f);
            linear(m, side, layer, INNER_OUT, WIDTH, INNER_UNITS, straight, WIDTH, 0.3f);
            vector(m, side, layer, OWN_NORM, WIDTH, 1);
            vector(m, side, layer, INNER_NORM, WIDTH, 1);
            vector(m, side, layer, BIAS, HEADS * (side ? LONGEST : 2 * INPUTS - 1), 0);
        }
    linear(m, ENDS, 0, OWN, WORDS, WIDTH, plain, WORDS + 12, 1.0f);
    vector(m, ENDS, 0, OWN_NORM, WIDTH, 1);
    vector(m, ENDS, 1, OWN_NORM, WIDTH, 1);
    refused |= falaj_embeddings(m, floats(WORDS * WIDTH, 1.0f), 0);
    refused |= falaj_ready(m);
    int32_t read[70], slots[3], fed[3] = {0, 0, 0}, likeliest[3];
    const int32_t lengths[3] = {33, 7, 30};
    static float logits[3 * (WORDS + 12)];
    for (int i = 0; i < 70; i++) read[i] = (int32_t)number(WORDS);
    refused |= falaj_admit(m, 3, read, lengths, slots);
    for (int step = 0; step < LONGEST - 1 && !refused; step++) {
        refused |= falaj_step(m, 3, slots, fed, logits, likeliest);
        for (int row = 0; row < 3; row++) {
            for (int i = 0; i < WORDS; i++) printf("%.6g\n", logits[row * (WORDS + 12) + i]);
            fed[row] = (step * 7 + row * 3) % WORDS;
        }
        if (step == 5) {
            const int fork = falaj_fork(m, slots[1]);
            falaj_free(m, slots[1]);
            slots[1] = fork;
        }
    }
    refused |= falaj_step(m, 3, slots, fed, NULL, likeliest);
    for (int row = 0; row < 3; row++) printf("%d\n", likeliest[row]);
    falaj_close(m);
    return refused ? 1 : 0;
}
