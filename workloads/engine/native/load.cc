// Packs the weights of a file into the layout of types.h, and puts the layers together.
#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine.h"

namespace falaj {

static int up(int value, int to) { return (value + to - 1) / to * to; }

// Exact for every finite half: moving the exponent by a product also settles the small ones.
static float from_half(uint16_t h) {
  const uint32_t bits = uint32_t(h & 0x7fff) << 13;
  float value;
  std::memcpy(&value, &bits, 4);
  value *= 5.192296858534828e33f;
  return h & 0x8000 ? -value : value;
}

// Pages of a mapped file that have been packed are not needed again.
static void forget(const void* from, size_t bytes) {
  const size_t first = (reinterpret_cast<size_t>(from) + 4095) / 4096 * 4096, last = (reinterpret_cast<size_t>(from) + bytes) / 4096 * 4096;
  if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

Engine::Engine(const Shape& given, const Kernels* kernels) : k(kernels), shape(given), team(given.threads) {
  wide = up(shape.width, 16);
  ldx = up(shape.model, 64);
  own_room = up(shape.longest, 16);
  slots.resize(size_t(shape.slots));
}

void Engine::embed(const void* values, bool half) {
  const size_t size = size_t(shape.vocabulary) * shape.model * (half ? 2 : 4);
  embedding = Block(size);
  embedding_half = half;
  std::memcpy(embedding.data(), values, size);
  forget(values, size);
}

void Engine::floats(const std::string& name, const float* values, int rows, int columns) {
  Floats& to = vectors[name];
  to.rows = rows;
  to.columns = columns;
  to.block = Block((size_t(rows) * columns + 64) * 4);
  std::memcpy(to.data(), values, size_t(rows) * columns * 4);
}

void Engine::linear(const std::string& name, const void* values, const float* scale, int n, int inputs, int groups) {
  Linear l;
  l.n = n;
  l.k = inputs;
  l.kp = up(inputs, 64);
  l.groups = groups;
  l.group = inputs / groups;
  // The activated rows of a gated network lie beside the rows they are multiplied with: one pair holds 16 of each.
  const bool gate = shape.gated && name.size() > 7 && name.compare(name.size() - 7, 7, ".ffn.in") == 0;
  const int units = n / 2;
  l.pairs = gate ? up(units, 16) / 16 : up(n, 32) / 32;
  const auto source = [&](int row) {
    if (!gate) return row < n ? row : -1;
    const int unit = row / 32 * 16 + row % 16;
    return unit < units ? unit + (row % 32 < 16 ? 0 : units) : -1;
  };
  const size_t np = size_t(l.pairs) * 32;
  if (shape.f32) {
    memory.emplace_back(np * l.kp * 4);
    l.w = memory.back().as<float>();
  } else {
    memory.emplace_back(np * l.kp + 8192);
    l.q = memory.back().as<int8_t>();
    memory.emplace_back(np * groups * 8);
    l.s = memory.back().as<float>();
    l.sums = reinterpret_cast<int32_t*>(l.s + np * groups);
  }
  std::atomic<bool> bad{false};
  const std::function<void(int)> work = [&](int t) {
    for (int panel = part(t, int(np / 16)); panel < part(t + 1, int(np / 16)); ++panel)
      for (int j = 0; j < 16; ++j) {
        const int packed = panel * 16 + j, row = source(packed);
        if (row < 0) continue;
        if (l.w) {
          const float* from = static_cast<const float*>(values) + size_t(row) * inputs;
          float* to = l.w + size_t(panel) * 16 * l.kp + j;
          for (int i = 0; i < inputs; ++i) to[size_t(i) * 16] = from[i];
          continue;
        }
        const uint8_t* from = static_cast<const uint8_t*>(values) + size_t(row) * inputs;
        int8_t* to = l.q + size_t(panel) * 16 * l.kp + j * 4;
        for (int g = 0; g < groups; ++g) {
          int32_t sum = 0, least = 255;
          for (int i = g * l.group; i < (g + 1) * l.group; ++i) {
            const int value = from[i];
            least = value < least ? value : least;
            sum += value - 128;
            to[size_t(i / 4) * 64 + i % 4] = int8_t(value - 128);
          }
          if (least == 0) bad = true;  // -128 has no opposite: products by sign would be wrong
          l.s[size_t(g) * np + packed] = scale[size_t(row) * groups + g];
          l.sums[size_t(g) * np + packed] = sum * 128;
        }
      }
  };
  team.run(work);
  forget(values, size_t(n) * inputs * (l.w ? 4 : 1));
  if (bad) throw std::invalid_argument(name + " holds a weight of -128");
  linears[name] = l;
}

void Engine::layers(std::vector<Layer>& into, const char* side, int count, bool is_decoder) {
  const int reach = is_decoder ? shape.longest : shape.input_tokens;
  for (int i = 0; i < count; ++i) {
    Layer layer;
    const std::string name = std::string(side) + "." + std::to_string(i), own = name + (is_decoder ? ".self" : ".attention");
    const Floats& bias = vectors.at(own + ".bias");
    layer.own.norm = &vectors.at(own + ".norm");
    layer.own.qkv = &linears.at(own + ".qkv");
    layer.own.out = &linears.at(own + ".out");
    layer.own.heads = bias.columns;
    layer.own.bias.resize(size_t(bias.columns) * (2 * reach + 1));
    for (int h = 0; h < bias.columns; ++h)
      for (int d = -reach; d <= reach; ++d) {
        int row = is_decoder ? (d > 0 ? 0 : -d) : d + shape.reach;
        row = row < 0 ? 0 : row >= bias.rows ? bias.rows - 1 : row;
        layer.own.bias[size_t(h) * (2 * reach + 1) + d + reach] = bias.data()[size_t(row) * bias.columns + h];
      }
    if (is_decoder) {
      layer.cross.norm = &vectors.at(name + ".cross.norm");
      layer.cross.q = &linears.at(name + ".cross.q");
      layer.cross.kv = &linears.at(name + ".cross.kv");
      layer.cross.out = &linears.at(name + ".cross.out");
      layer.cross.heads = layer.cross.q->n / shape.width;
      own_before.push_back(i ? own_before.back() + into.back().own.heads : 0);
      cross_before.push_back(i ? cross_before.back() + into.back().cross.heads : 0);
    }
    layer.norm = &vectors.at(name + ".ffn.norm");
    layer.in = &linears.at(name + ".ffn.in");
    layer.out = &linears.at(name + ".ffn.out");
    layer.units = layer.out->k;
    into.push_back(std::move(layer));
  }
}

void Engine::ready() {
  layers(encoder, "encoder", shape.encoder_layers, false);
  layers(decoder, "decoder", shape.decoder_layers, true);
  head = &linears.at("head");
  encoder_norm = &vectors.at("encoder.norm");
  decoder_norm = &vectors.at("decoder.norm");
  own_before.push_back(own_before.back() + decoder.back().own.heads);
  cross_before.push_back(cross_before.back() + decoder.back().cross.heads);
  for (const auto& entry : linears) lda = std::max(lda, entry.second.kp);
  for (const auto* side : {&encoder, &decoder})
    for (const Layer& layer : *side) {
      most_columns = std::max({most_columns, up(layer.own.qkv->n, 64), layer.cross.kv ? up(layer.cross.kv->n, 64) : 0});
      attended = std::max({attended, up(layer.own.out->k, 64), layer.cross.out ? up(layer.cross.out->k, 64) : 0});
    }
  own_cache = Block(size_t(shape.slots) * own_before.back() * 2 * head_bytes(own_room));
  room(shape.slots);
}

void Engine::room(int rows) {
  if (rows <= capacity) return;
  capacity = up(rows, 32);
  size_t size = 0;
  const auto place = [&](size_t bytes) {
    const size_t at = size;
    size += (bytes + 4095) / 4096 * 4096;
    return at;
  };
  const size_t row = size_t(capacity) * 4;
  const size_t at[] = {place(row * ldx), place(row * most_columns), place(row * attended), place(row * lda), place(shape.f32 ? row * lda : 64),
                       place(row), place(size_t(capacity) * lda)};
  rows_block = Block(size);
  char* base = rows_block.data();
  x = reinterpret_cast<float*>(base + at[0]);
  qkv = reinterpret_cast<float*>(base + at[1]);
  context = reinterpret_cast<float*>(base + at[2]);
  hidden = reinterpret_cast<float*>(base + at[3]);
  normed = reinterpret_cast<float*>(base + at[4]);
  scales = reinterpret_cast<float*>(base + at[5]);
  bytes = reinterpret_cast<uint8_t*>(base + at[6]);
  scratch.clear();
  const int longest = up(std::max(shape.input_tokens, shape.longest), 64);
  for (int t = 0; t < team.size; ++t) scratch.emplace_back(size_t(longest) * 16 + size_t(longest) * wide * 8 + size_t(lda) * 20 + 4096);
  bests.resize(size_t(team.size) * capacity);
}

void Engine::lookup(const int32_t* tokens, int count) {
  for (int i = 0; i < count; ++i) {
    const size_t from = size_t(tokens[i]) * shape.model;
    float* to = x + size_t(i) * ldx;
    for (int d = 0; d < shape.model; ++d) to[d] = embedding_half ? from_half(embedding.as<uint16_t>()[from + d]) : embedding.as<float>()[from + d];
    for (int d = shape.model; d < ldx; ++d) to[d] = 0.0f;
  }
}

}  // namespace falaj
