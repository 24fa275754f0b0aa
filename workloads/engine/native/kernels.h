/* What the model asks of a class of instructions, and the memory that both agree on. */
#ifndef FALAJ_KERNELS_H
#define FALAJ_KERNELS_H
#include <stdint.h>

/* Bytes of one block of 16 rows in the layout that `quantise` writes, for each 64 inputs. */
#define BLOCK 1024
#define DEPTH 64
#define ZERO 128

/* A linear: outputs in panels of 16, which stand beside each other. Whole numbers: for each 4 inputs 64 bytes, 4 of each output; a tile of
 * AMX is 16 such lines. Floats: for each input 16 of them. */
typedef struct {
    int outputs; /* with padding, a multiple of 16 */
    int real;    /* without */
    int inputs;
    int depth;  /* inputs with padding, a multiple of 64 */
    int group;  /* inputs that share a scale; 0 where all of an output do */
    int groups; /* scales of an output */
    int whole;  /* 1: 8 bits, 0: floats */
    void *data;
    float *scales; /* panels x groups x 16 */
} Linear;

/* Rows that linears read. */
typedef struct {
    const float *plain; /* rows x stride, where weights are floats */
    int stride;
    const int8_t *whole;  /* blocks of 16 rows: for each 64 inputs 16 x 64 bytes */
    const float *scale;   /* rows x groups */
    const int32_t *shift; /* rows x groups: what 8-bit weights that are stored off by 128 add to each sum */
} Rows;

/* What becomes of the products. `out` is where panel 0 of row 0 would go. */
enum { STORE, ADD, ACTIVATE, GATE, LIKELIEST };
typedef struct {
    int kind;
    int relu; /* else gelu_new */
    float *out;
    int stride;
    float *best; /* LIKELIEST: the largest of each row so far, and which output it was */
    int32_t *which;
} Output;

typedef struct {
    const char *name;
    int stored_off; /* 1: weights are kept as they are in the file, off by 128; 0: as signed bytes */
    /* out[stride] = T5's norm of x[real], zero behind it. */
    void (*norm)(const float *x, const float *weight, float epsilon, int real, int stride, float *out);
    /* One row into its place of a block, and its scales and shifts. */
    void (*quantise)(const float *x, int inputs, int depth, int group, int8_t *whole, float *scale, int32_t *shift);
    /* Panels `first` to `last` of a product. */
    void (*multiply)(const Linear *linear, const Rows *rows, int count, int first, int last, const Output *output);
    /* One query over cached keys (panels of 16 keys, `width` x 16) and values (`width` each), which are floats (`plain`) or half floats; bias for
     * each key, or NULL; room for scores. */
    void (*attend)(int plain, const float *query, const void *keys, const void *values, int count, int width, const float *bias, float *scores, float *out);
    /* All queries of a text over all its keys: rows of query, key and value of one head; bias[key - query]; room as `relate_room` says. */
    void (*relate)(const float *rows, int tokens, int width, const float *bias, float *room, float *out, int stride);
    /* A key and a value into the cache at a place. */
    void (*keep)(int plain, const float *key, const float *value, int width, int place, void *keys, void *values);
    /* Half floats to floats. */
    void (*widen)(const uint16_t *from, int count, float *to);
} Kernels;

extern const Kernels falaj_kernels;

/* Floats of room that `relate` needs. */
static inline int relate_room(int tokens, int width) { return (width + 4) * ((tokens + 63) / 64 * 64); }
#endif
