/* A T5 model in memory, and unfinished answers. Called from Python: plain types alone. Not for two threads at a time. */
#ifndef FALAJ_MODEL_H
#define FALAJ_MODEL_H
#include <stdint.h>

#define OPEN __attribute__((visibility("default")))

typedef struct Model Model;

/* Sizes of a model; layers get theirs by `falaj_layer`. `bytes` is room for all weights, each rounded up to 64 bytes. */
typedef struct {
    int32_t vocabulary, width, head_width, encoder_layers, decoder_layers, gated, relu, whole, group, slots, longest, input_tokens, threads;
    float epsilon;
    int64_t bytes;
} Shape;

/* What a linear or a vector is, within a layer of a side. */
enum { OWN = 0, OWN_OUT, CROSS, CROSS_KV, CROSS_OUT, INNER, INNER_OUT, LINEARS, OWN_NORM = LINEARS, CROSS_NORM, INNER_NORM, BIAS };
enum { ENCODER = 0, DECODER, ENDS };
/* Of ENDS: layer 0 holds OWN (the head) and OWN_NORM (the encoder's last norm), layer 1 OWN_NORM (the decoder's). */

OPEN const char *falaj_class(void);
OPEN Model *falaj_open(const Shape *shape); /* NULL: no memory or no threads */
OPEN int falaj_layer(Model *model, int side, int layer, int heads, int cross_heads, int inner);
/* Take in a linear: `outputs` x `inputs`, bytes off by 128 with scales, or floats without; output `order[i]` goes to place i, none where it is -1. */
OPEN int falaj_linear(Model *model, int side, int layer, int which, const void *values, const float *scales, int outputs, int inputs, const int32_t *order, int places);
OPEN int falaj_vector(Model *model, int side, int layer, int which, const float *values, int count);
/* The table of embeddings stays the caller's memory. */
OPEN int falaj_embeddings(Model *model, const void *values, int halves);
OPEN int falaj_ready(Model *model); /* 0, or -1: no memory */
/* 0, or -1: there is no room. `tokens` of all texts end to end. */
OPEN int falaj_admit(Model *model, int texts, const int32_t *tokens, const int32_t *lengths, int32_t *slots);
/* 0, or -1: a slot is full. `logits` may be NULL, then `likeliest` says which was the largest, -1 where none is a number. */
OPEN int falaj_step(Model *model, int rows, const int32_t *slots, const int32_t *tokens, float *logits, int32_t *likeliest);
OPEN int falaj_fork(Model *model, int slot); /* the new slot, or -1 */
OPEN void falaj_free(Model *model, int slot);
OPEN void falaj_close(Model *model);
#endif
