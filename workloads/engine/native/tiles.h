/* Products on AMX tiles: 16 rows x 64 inputs by 64 inputs x 16 outputs at a time. The sums are whole numbers, so they are those of the vectors. */
#ifndef FALAJ_TILES_H
#define FALAJ_TILES_H
#include "multiply.h"

#define FEWEST 5
/* Rows from which on tiles are quicker than vectors; measured. */

static void tiles_begin(void) {
    struct {
        uint8_t palette, row, zero[14];
        uint16_t width[16];
        uint8_t rows[16];
    } shape;
    memset(&shape, 0, sizeof shape);
    shape.palette = 1;
    for (int i = 0; i < 8; i++) {
        shape.width[i] = 64;
        shape.rows[i] = 16;
    }
    /* Written out: GCC 12 takes the intrinsic to read 8 of these bytes, and may leave the others out. */
    __asm__ volatile("ldtilecfg %0" ::"m"(shape));
}

/* Scale the sums of 16 rows x `panels` panels, of which `rows` rows are wanted. */
INLINE void tiles_scale(const Linear *linear, const Rows *rows, const int32_t *sums, int row, int count, int panel, const int panels, const Output *output) {
    float tile[16 * 4 * PANEL];
    for (int m = 0; m < count; m++) {
        const vi shift = v_whole(-rows->shift[row + m]);
        const vf scale = v_all(rows->scale[row + m]);
        for (int n = 0; n < panels; n++)
            v_store(tile + (m * panels + n) * PANEL,
                    v_float(v_plus(v_read(sums + n * 256 + m * 16), shift)) * (scale * v_load(linear->scales + (panel + n) * PANEL)));
    }
    emit(output, linear, tile, row, count, panel, panels);
}

INLINE void tiles_prefetch(const uint8_t *at) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) _mm_prefetch((const char *)(at + AHEAD * 2 + i * 64), _MM_HINT_T0);
}

/* Up to 16 rows: each weight is used once, so memory sets the pace; four panels are read at a time. */
static void tiles_flat(const Linear *linear, const Rows *rows, int row, int count, int first, int last, const Output *output) {
    const int steps = linear->depth / DEPTH;
    const size_t apart = (size_t)linear->depth * PANEL;
    const int8_t *left = rows->whole + (size_t)(row / 16) * (size_t)steps * BLOCK;
    int32_t sums[4 * 256] __attribute__((aligned(64)));
    for (int panel = first; panel < last;) {
        const uint8_t *right = (const uint8_t *)linear->data + (size_t)panel * apart;
        if (last - panel >= 4) {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            for (int k = 0; k < steps; k++, right += BLOCK) {
                _tile_loadd(4, left + k * BLOCK, 64);
                tiles_prefetch(right);
                _tile_loadd(5, right, 64);
                _tile_dpbsud(0, 4, 5);
                tiles_prefetch(right + apart);
                _tile_loadd(6, right + apart, 64);
                _tile_dpbsud(1, 4, 6);
                tiles_prefetch(right + 2 * apart);
                _tile_loadd(7, right + 2 * apart, 64);
                _tile_dpbsud(2, 4, 7);
                tiles_prefetch(right + 3 * apart);
                _tile_loadd(5, right + 3 * apart, 64);
                _tile_dpbsud(3, 4, 5);
            }
            _tile_stored(0, sums, 64);
            _tile_stored(1, sums + 256, 64);
            _tile_stored(2, sums + 512, 64);
            _tile_stored(3, sums + 768, 64);
            tiles_scale(linear, rows, sums, row, count, panel, 4, output);
            panel += 4;
        } else if (last - panel >= 2) {
            _tile_zero(0);
            _tile_zero(1);
            for (int k = 0; k < steps; k++, right += BLOCK) {
                _tile_loadd(4, left + k * BLOCK, 64);
                _tile_loadd(5, right, 64);
                _tile_dpbsud(0, 4, 5);
                _tile_loadd(6, right + apart, 64);
                _tile_dpbsud(1, 4, 6);
            }
            _tile_stored(0, sums, 64);
            _tile_stored(1, sums + 256, 64);
            tiles_scale(linear, rows, sums, row, count, panel, 2, output);
            panel += 2;
        } else {
            _tile_zero(0);
            for (int k = 0; k < steps; k++, right += BLOCK) {
                _tile_loadd(4, left + k * BLOCK, 64);
                _tile_loadd(5, right, 64);
                _tile_dpbsud(0, 4, 5);
            }
            _tile_stored(0, sums, 64);
            tiles_scale(linear, rows, sums, row, count, panel, 1, output);
            panel += 1;
        }
    }
}

/* 32 rows by two panels, which stay in the first cache while all rows pass by. */
static void tiles_square(const Linear *linear, const Rows *rows, int row, int count, int panel, const Output *output) {
    const int steps = linear->depth / DEPTH;
    const size_t apart = (size_t)linear->depth * PANEL;
    const int8_t *left = rows->whole + (size_t)(row / 16) * (size_t)steps * BLOCK, *below = left + (size_t)steps * BLOCK;
    const uint8_t *right = (const uint8_t *)linear->data + (size_t)panel * apart;
    int32_t sums[4 * 256] __attribute__((aligned(64)));
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int k = 0; k < steps; k++) {
        _tile_stream_loadd(4, left + k * BLOCK, 64);
        _tile_loadd(6, right + k * BLOCK, 64);
        _tile_dpbsud(0, 4, 6);
        _tile_loadd(7, right + apart + k * BLOCK, 64);
        _tile_dpbsud(1, 4, 7);
        _tile_stream_loadd(5, below + k * BLOCK, 64);
        _tile_dpbsud(2, 5, 6);
        _tile_dpbsud(3, 5, 7);
    }
    _tile_stored(0, sums, 64);
    _tile_stored(1, sums + 256, 64);
    _tile_stored(2, sums + 512, 64);
    _tile_stored(3, sums + 768, 64);
    tiles_scale(linear, rows, sums, row, 16, panel, 2, output);
    tiles_scale(linear, rows, sums + 512, row + 16, count - 16, panel, 2, output);
}

static void multiply(const Linear *linear, const Rows *rows, int count, int first, int last, const Output *output) {
    if (!linear->whole || linear->group || count < FEWEST) {
        vector_multiply(linear, rows, count, first, last, output);
        return;
    }
    tiles_begin();
    int row = 0;
    if (count > 16) {
        const int paired = (last - first) / 2 * 2;
        const int squares = count % 32 == 0 || count % 32 > 16 ? (count + 31) / 32 : count / 32;
        for (int panel = first; panel < first + paired; panel += 2)
            for (int square = 0; square < squares; square++) {
                const int at = square * 32;
                tiles_square(linear, rows, at, count - at < 32 ? count - at : 32, panel, output);
            }
        if (paired < last - first)
            for (int at = 0; at < count && at < squares * 32; at += 16) tiles_flat(linear, rows, at, count - at < 16 ? count - at : 16, last - 1, last, output);
        row = squares * 32;
    }
    if (row < count) tiles_flat(linear, rows, row, count - row, first, last, output);
    _tile_release();
}
#endif
