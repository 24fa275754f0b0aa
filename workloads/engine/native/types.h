// What the engine and the kernels of each instruction set share. No code is inlined from here into both.
#pragma once
#include <cstdint>

namespace falaj {

// A packed matrix of n outputs and k inputs: pairs of panels of 16 outputs, each [k / 4][16][4] int8 (or [k][16] f32).
// One layout serves every instruction set: 64 bytes are an AVX-512 vector, a row of an AMX tile, 2 AVX or 4 NEON vectors.
struct Linear {
  int n = 0, k = 0;          // of the file
  int pairs = 0, kp = 0;     // padded: 32 * pairs outputs, kp inputs (a multiple of 64)
  int groups = 1, group = 0; // scales per output, inputs of each (the last runs to kp)
  int8_t* q = nullptr;
  float* w = nullptr;        // instead of q in kind f32
  float* s = nullptr;        // [groups][32 * pairs]
  int32_t* sums = nullptr;   // 128 * sum of each group's weights: takes the offset of unsigned activations away
};

enum Mode { STORE, ADD, GATE, ACTIVATE, ARGMAX };

struct Best {
  float value;
  int index;
};

// out = f(a x l): rows of `a` are activations (u8 = int8 + 128 with `scale` per row, or f32).
struct Job {
  const Linear* l = nullptr;
  const uint8_t* a = nullptr;
  const float* scale = nullptr;
  const float* af = nullptr;
  int lda = 0, m = 0;
  Mode mode = STORE;
  bool relu = false;
  float* out = nullptr;
  int ldo = 0;
  Best* best = nullptr;      // one a row, of this thread
};

// Keys are [length / 16][width][16], values [length][wide] with wide = width rounded up to 16; f16 or f32.
struct Attention {
  const void* key = nullptr;
  const void* value = nullptr;
  bool half = false;
  int width = 0, length = 0;
  float* scores = nullptr;   // scratch: 4 x (length rounded up to 64)
};

struct Kernels {
  const char* name;
  void (*gemm)(const Job& job, int first, int last);                    // over pairs
  // Rows of queries at q (stride ldq); bias[i] of row i or null; rows of results go to out (stride ldo).
  void (*attend)(const Attention& t, const float* q, int ldq, const float* const* bias, int rows, float* out, int ldo);
  // x / rms(x) * weight (weight null: as it is), to f32 or to u8 with its scale; k padded to kp.
  float (*prepare)(const float* x, const float* weight, int k, int kp, float epsilon, float* as_float, uint8_t* as_byte);
  void (*put)(const float* key, const float* value, int width, int place, bool half, void* keys, void* values);
  void (*release)();
};

const Kernels* kernels(const char* wanted);  // null: the best of this processor; returns null where it cannot be had

}  // namespace falaj
