/* What this machine can do at best: bytes read from memory, and 8-bit multiply-adds, per second, on `threads` threads.
 * Built on the spot by calibrate.py; C11, no dependency but pthread. One multiply-add counts as two operations. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/syscall.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec * 1e-9;
}

typedef struct {
    const uint8_t *data;
    size_t bytes;
    long rounds;
    const char *kind;
    pthread_barrier_t *start;
    double began, ended;
    uint64_t sink;
} work;

/* ---- reading ---- */

static uint64_t read_plain(const uint8_t *data, size_t bytes) {
    uint64_t sum[8] = {0};
    const uint64_t *at = (const uint64_t *)data;
    for (size_t i = 0; i + 8 <= bytes / 8; i += 8)
        for (int j = 0; j < 8; j++) sum[j] ^= at[i + j];
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

#if defined(__x86_64__)
/* Four places at a time, each asked for ahead: one core alone keeps too few reads in flight for its share of the memory otherwise. */
__attribute__((target("avx512f"))) static uint64_t read_avx512(const uint8_t *data, size_t bytes) {
    size_t part = bytes / 4 / 64 * 64;
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t i = 0; i + 64 <= part; i += 64) {
        for (int j = 0; j < 4; j++) _mm_prefetch((const char *)(data + j * part + i + 2048), _MM_HINT_T0);
        a = _mm512_xor_si512(a, _mm512_loadu_si512(data + i));
        b = _mm512_xor_si512(b, _mm512_loadu_si512(data + part + i));
        c = _mm512_xor_si512(c, _mm512_loadu_si512(data + 2 * part + i));
        d = _mm512_xor_si512(d, _mm512_loadu_si512(data + 3 * part + i));
    }
    return (uint64_t)_mm512_reduce_add_epi64(_mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d)));
}
#endif

/* ---- multiplying: operations done are counted by the caller from `rounds` ---- */

/* Twelve independent sums hide the instruction's latency; the empty asm keeps them in registers and in the program. */
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define DECLARE_ZERO(i) VECTOR s##i = ZERO;
#define STEP(i) s##i = MADD(s##i, a, b); __asm__ volatile("" : HOLD(s##i));
/* Where an operation takes several instructions: none of them may be taken out of the loop. */
#define STEP_ANEW(i) __asm__ volatile("" : HOLD(a)); STEP(i)
#define FOLD(i) total += TAKE(s##i);

#if defined(__x86_64__)
#define HOLD(s) "+v"(s)
#define VECTOR __m512i
#define ZERO _mm512_setzero_si512()
#define TAKE(s) (uint64_t)_mm512_reduce_add_epi32(s)
#define MADD(s, a, b) _mm512_dpbusd_epi32(s, a, b)
__attribute__((target("avx512f,avx512vnni"))) static uint64_t peak_avx512vnni(long rounds) {
    VECTOR a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
    uint64_t total = 0;
    TWELVE(DECLARE_ZERO)
    for (long r = 0; r < rounds; r++) { TWELVE(STEP) }
    TWELVE(FOLD)
    return total;
}
#undef HOLD
#define HOLD(s) "+x"(s)
#undef VECTOR
#undef ZERO
#undef TAKE
#undef MADD
#define VECTOR __m256i
#define ZERO _mm256_setzero_si256()
#define TAKE(s) (uint64_t)_mm256_extract_epi32(s, 0)
#define MADD(s, a, b) _mm256_dpbusd_avx_epi32(s, a, b)
__attribute__((target("avx2,avxvnni"))) static uint64_t peak_avxvnni(long rounds) {
    VECTOR a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
    uint64_t total = 0;
    TWELVE(DECLARE_ZERO)
    for (long r = 0; r < rounds; r++) { TWELVE(STEP) }
    TWELVE(FOLD)
    return total;
}
#undef MADD
#define MADD(s, a, b) _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones))
__attribute__((target("avx2"))) static uint64_t peak_avx2(long rounds) {
    VECTOR a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5), ones = _mm256_set1_epi16(1);
    uint64_t total = 0;
    TWELVE(DECLARE_ZERO)
    for (long r = 0; r < rounds; r++) { TWELVE(STEP_ANEW) }
    TWELVE(FOLD)
    return total;
}

/* Tiles: 16 x 64 bytes by 16 x 64 bytes into 16 x 16 sums; four sums from four tiles, as a kernel would hold them. */
__attribute__((target("amx-tile,amx-int8"))) static uint64_t peak_amx(long rounds) {
    struct { uint8_t palette, row, zero[14]; uint16_t width[16]; uint8_t rows[16]; } shape;
    uint8_t tile[1024];
    memset(&shape, 0, sizeof shape);
    memset(tile, 1, sizeof tile);
    shape.palette = 1;
    for (int i = 0; i < 8; i++) { shape.width[i] = 64; shape.rows[i] = 16; }
    /* Written out: GCC 12 takes the intrinsic to read 8 of these bytes, and may leave the others out. */
    __asm__ volatile("ldtilecfg %0" ::"m"(shape));
    _tile_loadd(4, tile, 64); _tile_loadd(5, tile, 64); _tile_loadd(6, tile, 64); _tile_loadd(7, tile, 64);
    _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
    for (long r = 0; r < rounds; r++) {
        _tile_dpbusd(0, 4, 6); _tile_dpbusd(1, 4, 7); _tile_dpbusd(2, 5, 6); _tile_dpbusd(3, 5, 7);
    }
    _tile_stored(0, tile, 64);
    _tile_release();
    return tile[0];
}
#elif defined(__aarch64__)
#define HOLD(s) "+w"(s)
#define VECTOR int32x4_t
#define ZERO vdupq_n_s32(0)
#define TAKE(s) (uint64_t)vaddvq_s32(s)
#define MADD(s, a, b) vdotq_s32(s, a, b)
__attribute__((target("arch=armv8.2-a+dotprod"))) static uint64_t peak_dotprod(long rounds) {
    int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(5);
    uint64_t total = 0;
    TWELVE(DECLARE_ZERO)
    for (long r = 0; r < rounds; r++) { TWELVE(STEP) }
    TWELVE(FOLD)
    return total;
}
#undef MADD
#define MADD(s, a, b) vmmlaq_s32(s, a, b)
__attribute__((target("arch=armv8.2-a+i8mm"))) static uint64_t peak_i8mm(long rounds) {
    int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(5);
    uint64_t total = 0;
    TWELVE(DECLARE_ZERO)
    for (long r = 0; r < rounds; r++) { TWELVE(STEP) }
    TWELVE(FOLD)
    return total;
}
#endif

/* Operations of one round on one thread; 0 where this build does not know the kind. */
static double operations(const char *kind) {
    if (!strcmp(kind, "avx512vnni")) return 12.0 * 64 * 2;
    if (!strcmp(kind, "avxvnni") || !strcmp(kind, "avx2")) return 12.0 * 32 * 2;
    if (!strcmp(kind, "amx")) return 4.0 * 16 * 16 * 64 * 2;
    if (!strcmp(kind, "dotprod")) return 12.0 * 16 * 2;
    if (!strcmp(kind, "i8mm")) return 12.0 * 32 * 2;
    return 0;
}

static uint64_t once(work *mine) {
#if defined(__x86_64__)
    if (!strcmp(mine->kind, "read") || !strcmp(mine->kind, "plain")) {
        uint64_t sum = 0;
        int wide = !strcmp(mine->kind, "read") && __builtin_cpu_supports("avx512f");
        for (long r = 0; r < mine->rounds; r++) sum ^= wide ? read_avx512(mine->data, mine->bytes) : read_plain(mine->data, mine->bytes);
        return sum;
    }
    if (!strcmp(mine->kind, "avx512vnni")) return peak_avx512vnni(mine->rounds);
    if (!strcmp(mine->kind, "avxvnni")) return peak_avxvnni(mine->rounds);
    if (!strcmp(mine->kind, "avx2")) return peak_avx2(mine->rounds);
    if (!strcmp(mine->kind, "amx")) return peak_amx(mine->rounds);
#else
    if (!strcmp(mine->kind, "read") || !strcmp(mine->kind, "plain")) {
        uint64_t sum = 0;
        for (long r = 0; r < mine->rounds; r++) sum ^= read_plain(mine->data, mine->bytes);
        return sum;
    }
#if defined(__aarch64__)
    if (!strcmp(mine->kind, "dotprod")) return peak_dotprod(mine->rounds);
    if (!strcmp(mine->kind, "i8mm")) return peak_i8mm(mine->rounds);
#endif
#endif
    return 0;
}

static void *run(void *given) {
    work *mine = given;
    pthread_barrier_wait(mine->start);
    mine->began = now();
    mine->sink = once(mine);
    mine->ended = now();
    return NULL;
}

/* Giga-units per second of `kind` (bytes for "read", operations else) over about `seconds`. */
static double measure(const char *kind, int threads, size_t bytes, const uint8_t *data, double seconds) {
    long rounds = 1;
    double each = operations(kind);
    int reading = each == 0;
    for (;;) {
        work all[256];
        pthread_t ids[256];
        pthread_barrier_t start;
        pthread_barrier_init(&start, NULL, threads);
        size_t part = bytes / threads / 4096 * 4096;
        for (int i = 0; i < threads; i++) {
            all[i] = (work){data ? data + i * part : NULL, part, rounds, kind, &start, 0, 0, 0};
            pthread_create(&ids[i], NULL, run, &all[i]);
        }
        double began = 0, ended = 0;
        for (int i = 0; i < threads; i++) {
            pthread_join(ids[i], NULL);
            if (i == 0 || all[i].began < began) began = all[i].began;
            if (all[i].ended > ended) ended = all[i].ended;
        }
        pthread_barrier_destroy(&start);
        double took = ended - began;
        if (took >= seconds) return (reading ? (double)part * threads * rounds : each * threads * rounds) / took / 1e9;
        rounds = took < seconds / 50 ? rounds * 8 : (long)(rounds * seconds * 1.1 / took) + 1;
    }
}

/* floor THREADS READ_BYTES REPEATS KIND...: one line per kind and repeat. */
int main(int count, char **words) {
    if (count < 5) return 2;
    int threads = atoi(words[1]), repeats = atoi(words[3]);
    size_t bytes = strtoull(words[2], NULL, 10);
    if (threads < 1 || threads > 256 || bytes < (1u << 20)) return 2;
    uint8_t *data = mmap(NULL, bytes + (2u << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return 1;
    data = (uint8_t *)(((uintptr_t)data + (2u << 20) - 1) & ~(uintptr_t)((2u << 20) - 1));
    madvise(data, bytes, MADV_HUGEPAGE);
    memset(data, 7, bytes);
    for (int word = 4; word < count; word++) {
#if defined(__x86_64__)
        /* The kernel lets a process use tiles once it has asked: ARCH_REQ_XCOMP_PERM for XTILEDATA. */
        if (!strcmp(words[word], "amx") && syscall(SYS_arch_prctl, 0x1023, 18)) continue;
#endif
        for (int repeat = 0; repeat < repeats; repeat++)
            printf("%s %.3f\n", words[word], measure(words[word], threads, bytes, data, 0.06));
    }
    return 0;
}
