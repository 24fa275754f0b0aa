// A T5 model with room for some unfinished answers. One thread at a time calls it; `threads` work.
#pragma once
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "memory.h"
#include "threads.h"
#include "types.h"

namespace falaj {

struct Shape {
  int32_t model, width, vocabulary, encoder_layers, decoder_layers, reach, input_tokens, longest, slots, threads;
  int32_t relu, gated, f32, unused;
  float epsilon;
};

struct Floats {
  Block block;
  int rows = 0, columns = 0;
  float* data() const { return block.as<float>(); }
};

struct Part {
  Floats* norm = nullptr;
  Linear *qkv = nullptr, *out = nullptr, *q = nullptr, *kv = nullptr;
  int heads = 0;
  std::vector<float> bias;  // [heads][2 * reach of a text + 1], laid out by key minus query
};

struct Layer {
  Part own, cross;
  Floats* norm = nullptr;
  Linear *in = nullptr, *out = nullptr;
  int units = 0;
};

struct Text {
  Block block;
  size_t bytes = 0;
  int length = 0, room = 0;
};

struct Slot {
  bool used = false;
  int position = 0;
  std::shared_ptr<Text> text;
};

class Engine {
 public:
  Engine(const Shape& shape, const Kernels* kernels);
  void embed(const void* values, bool half);
  void floats(const std::string& name, const float* values, int rows, int columns);
  void linear(const std::string& name, const void* values, const float* scales, int n, int k, int groups);
  void ready();
  void admit(int slot, int length);
  void admit_many(const int32_t* slots, const int32_t* lengths, const int32_t* tokens, int count);
  void step(const int32_t* slots, const int32_t* tokens, int count, float* logits, int32_t* best);
  void fork(int from, int to);
  void free(int slot);
  const Kernels* k;

 private:
  struct Input {
    const uint8_t* a;
    const float* scale;
    const float* af;
    int lda;
  };
  Input prepare(int t, int m, const float* x, int ldx, const float* norm, int columns);
  void product(int t, const Linear& l, const Input& in, int m, Mode mode, float* out, int ldo, Best* best = nullptr);
  void attend_own(int t, const Layer& layer, int index, const int32_t* slots, int count);
  void attend_cross(int t, const Layer& layer, int index, const int32_t* slots, int count);
  void attend_texts(int t, const Layer& layer, const int32_t* starts, int count);
  void feed_forward(int t, const Layer& layer, int m);
  void encode(int t, const int32_t* slots, const int32_t* starts, int count);
  void decode(int t, const int32_t* slots, int count, float* logits, int32_t* best);
  void lookup(const int32_t* tokens, int count);
  void room(int rows);
  int part(int t, int many) const { return int(int64_t(many) * t / team.size); }
  size_t head_bytes(int places) const { return size_t(places) * wide * (shape.f32 ? 4 : 2); }
  char* own(int slot, int layer, int head, bool value) const;
  char* cross(const Text& text, int layer, int head, bool value) const;
  void layers(std::vector<Layer>& into, const char* side, int count, bool decoder);

  Shape shape;
  int wide, ldx, own_room;
  Team team;
  std::map<std::string, Floats> vectors;
  std::map<std::string, Linear> linears;
  std::list<Block> memory;
  std::vector<Layer> encoder, decoder;
  std::vector<int> own_before, cross_before;  // heads of the layers before each
  Block embedding, own_cache, rows_block;
  bool embedding_half = false;
  Linear* head = nullptr;
  Floats *encoder_norm = nullptr, *decoder_norm = nullptr;
  std::vector<Slot> slots;
  std::list<std::shared_ptr<Text>> spare;
  int capacity = 0, most_columns = 0, lda = 0, attended = 0;
  float *x = nullptr, *qkv = nullptr, *context = nullptr, *hidden = nullptr, *normed = nullptr, *scales = nullptr;
  uint8_t* bytes = nullptr;
  std::vector<Block> scratch;  // of each thread
  std::vector<Best> bests;     // [threads][rows]
};

}  // namespace falaj
