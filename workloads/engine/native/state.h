/* What the parts of the model share: weights, buffers, slots. */
#ifndef FALAJ_STATE_H
#define FALAJ_STATE_H
#include "kernels.h"
#include "model.h"
#include "team.h"
#include <stddef.h>

#define TOKENS_AT_ONCE 512
/* Tokens that go through the encoder together (a longer text goes alone): their rows stay in the second cache. */

typedef struct {
    int heads, cross_heads, inner;
    int64_t own_before, cross_before; /* heads of the layers before it */
    Linear linears[LINEARS];
    float *vectors[4]; /* from OWN_NORM on; BIAS: heads x line */
} Layer;

typedef struct {
    int used, text, position;
} Slot;

typedef struct {
    int holders, length;
} Text;

struct Model {
    Shape shape;
    Layer *layers[3];
    int counts[3];
    const void *embeddings;
    int halves;
    uint8_t *arena; /* weights, on large pages where the system has them */
    size_t arena_bytes, arena_used;
    Team *team;

    int stride;          /* floats of a row of `hidden`: the width, rounded up to 64 */
    int longest16;       /* places of a slot's own keys */
    int rows;            /* that the buffers hold */
    int wide;            /* numbers of a row of `seen`, `plain` and `whole` */
    int groups;          /* most scales of a row */
    float *hidden;       /* rows x stride: what flows through the layers */
    float *seen;         /* rows x wide: what attention saw, or the inner products of the feed-forward net */
    float *plain;        /* rows x wide: what a linear of floats reads */
    int8_t *whole;       /* the same in 8 bits */
    float *scale;        /* rows x groups */
    int32_t *shift;
    float **room;        /* for each thread */
    size_t room_floats;
    float *best;         /* threads x rows */
    int32_t *which;

    Slot *slots;
    Text *texts;
    int number;                  /* bytes of a number in the caches: 4 where weights are floats, else 2 */
    uint8_t *own, *cross;        /* keys and values of slots, and of texts */
    size_t own_size, cross_size; /* bytes of one slot, of one text */
};

/* Zeroed memory of its own pages, or NULL. Pages that are never touched cost nothing. */
void *pages(size_t bytes, int large);
void pages_free(void *at, size_t bytes);

static inline size_t room16(int count) { return (size_t)((count + 15) / 16 * 16); }

/* Bytes of one head's keys, or values, for so many places. */
static inline size_t head_bytes(const Model *m, int places) { return room16(places) * (size_t)(m->shape.head_width * m->number); }

/* Where a slot's or a text's keys of a layer begin; the values of all its heads stand behind its keys. */
static inline uint8_t *own_keys(const Model *m, int slot, const Layer *layer) {
    return m->own + (size_t)slot * m->own_size + (size_t)layer->own_before * 2 * head_bytes(m, m->longest16);
}
static inline uint8_t *cross_keys(const Model *m, int text, const Layer *layer) {
    return m->cross + (size_t)text * m->cross_size + (size_t)layer->cross_before * 2 * head_bytes(m, m->texts[text].length);
}

/* The two ways through the model; rows are those of the buffers. */
typedef struct {
    Model *model;
    int rows, texts;
    const int32_t *tokens, *lengths, *held; /* held: text of each, or slot of each row */
    float *logits;
    int32_t *likeliest;
} Job;

void falaj_encode(void *job, int member, Team *team);
void falaj_decode(void *job, int member, Team *team);
#endif
