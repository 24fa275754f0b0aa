// The forward passes. All threads run the same code with their number `t`, each its part, and meet after each product.
#include "engine.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace falaj {

// Tokens that the encoder reads at once: enough to keep the cores busy, few enough to stay in the cache.
constexpr int READ_AT_ONCE = 512;
// Up to so many rows each thread prepares all for itself, which costs less than to meet.
constexpr int ALONE = 2;

char* Engine::own(int slot, int layer, int head_index, bool value) const {
  const size_t each = head_bytes(own_room), number = size_t(own_before[size_t(layer)]) + head_index;
  return own_cache.data() + ((size_t(slot) * own_before.back() + number) * 2 + value) * each;
}

char* Engine::cross(const Text& text, int layer, int head_index, bool value) const {
  return text.block.data() + ((size_t(cross_before[size_t(layer)]) + head_index) * 2 + value) * head_bytes(text.room);
}

Engine::Input Engine::prepare(int t, int m, const float* from, int ldf, const float* norm, int columns) {
  const int kp = (columns + 63) / 64 * 64;
  const bool alone = m <= ALONE;
  char* mine = scratch[size_t(t)].data();
  float* spare_row = reinterpret_cast<float*>(mine);
  uint8_t* a = alone ? reinterpret_cast<uint8_t*>(mine + size_t(lda) * 8) : bytes;
  float* scale = alone ? reinterpret_cast<float*>(mine + size_t(lda) * 12) : scales;
  float* af = alone ? spare_row : normed;
  for (int r = alone ? 0 : part(t, m); r < (alone ? m : part(t + 1, m)); ++r) {
    const float* row = from + size_t(r) * ldf;
    if (shape.f32)
      scale[r] = k->prepare(row, norm, columns, kp, shape.epsilon, af + size_t(r) * kp, nullptr);
    else
      scale[r] = k->prepare(row, norm, columns, kp, shape.epsilon, spare_row, a + size_t(r) * kp);
  }
  if (!alone) team.barrier();
  return {a, scale, af, kp};
}

void Engine::product(int t, const Linear& l, const Input& in, int m, Mode mode, float* out, int ldo, Best* best) {
  Job job;
  job.l = &l;
  job.a = in.a;
  job.scale = shape.f32 ? nullptr : in.scale;
  job.af = in.af;
  job.lda = in.lda;
  job.m = m;
  job.mode = mode;
  job.relu = shape.relu;
  job.out = out;
  job.ldo = ldo;
  job.best = best;
  k->gemm(job, part(t, l.pairs), part(t + 1, l.pairs));
  team.barrier();
}

void Engine::feed_forward(int t, const Layer& layer, int m) {
  const Input in = prepare(t, m, x, ldx, layer.norm->data(), shape.model);
  product(t, *layer.in, in, m, shape.gated ? GATE : ACTIVATE, hidden, lda);
  product(t, *layer.out, prepare(t, m, hidden, lda, nullptr, layer.units), m, ADD, x, ldx);
}

void Engine::attend_texts(int t, const Layer& layer, const int32_t* starts, int count) {
  const int heads = layer.own.heads, width = shape.width, all_heads = heads * width, reach = shape.input_tokens;
  for (int item = part(t, count * heads); item < part(t + 1, count * heads); ++item) {
    const int text = item / heads, h = item % heads, from = starts[text], length = starts[text + 1] - from;
    const int room64 = (length + 63) / 64 * 64;
    float* keys = scratch[size_t(t)].as<float>() + size_t(room64) * 4;
    float* values = keys + size_t(room64) * wide;
    const float* rows = qkv + size_t(from) * most_columns + h * width;
    for (int j = 0; j < length; ++j) {
      const float* row = rows + size_t(j) * most_columns;
      k->put(row + all_heads, row + 2 * all_heads, width, j, false, keys, values);
    }
    Attention job;
    job.key = keys;
    job.value = values;
    job.width = width;
    job.length = length;
    job.scores = scratch[size_t(t)].as<float>();
    const float* middle = layer.own.bias.data() + size_t(h) * (2 * reach + 1) + reach;
    for (int i = 0; i < length; i += 4) {
      const float* bias[4] = {middle - i, middle - i - 1, middle - i - 2, middle - i - 3};
      k->attend(job, rows + size_t(i) * most_columns, most_columns, bias, std::min(4, length - i), context + size_t(from + i) * attended + h * width, attended);
    }
  }
  team.barrier();
}

void Engine::encode(int t, const int32_t* to, const int32_t* starts, int count) {
  const int m = starts[count];
  for (const Layer& layer : encoder) {
    product(t, *layer.own.qkv, prepare(t, m, x, ldx, layer.own.norm->data(), shape.model), m, STORE, qkv, most_columns);
    attend_texts(t, layer, starts, count);
    product(t, *layer.own.out, prepare(t, m, context, attended, nullptr, layer.own.out->k), m, ADD, x, ldx);
    feed_forward(t, layer, m);
  }
  const Input in = prepare(t, m, x, ldx, encoder_norm->data(), shape.model);
  for (size_t index = 0; index < decoder.size(); ++index) {
    const Part& part_ = decoder[index].cross;
    product(t, *part_.kv, in, m, STORE, qkv, most_columns);
    for (int item = part(t, count * part_.heads); item < part(t + 1, count * part_.heads); ++item) {
      const int text = item / part_.heads, h = item % part_.heads;
      const Text& into = *slots[size_t(to[text])].text;
      char *keys = cross(into, int(index), h, false), *values = cross(into, int(index), h, true);
      for (int j = starts[text]; j < starts[text + 1]; ++j) {
        const float* row = qkv + size_t(j) * most_columns + h * shape.width;
        k->put(row, row + part_.heads * shape.width, shape.width, j - starts[text], !shape.f32, keys, values);
      }
    }
    team.barrier();
  }
  k->release();
}

void Engine::attend_own(int t, const Layer& layer, int index, const int32_t* rows, int count) {
  const int heads = layer.own.heads, width = shape.width, reach = shape.longest;
  for (int item = part(t, count * heads); item < part(t + 1, count * heads); ++item) {
    const int r = item / heads, h = item % heads, place = slots[size_t(rows[r])].position;
    char *keys = own(rows[r], index, h, false), *values = own(rows[r], index, h, true);
    const float* row = qkv + size_t(r) * most_columns + h * width;
    k->put(row + heads * width, row + 2 * heads * width, width, place, !shape.f32, keys, values);
    Attention job;
    job.key = keys;
    job.value = values;
    job.half = !shape.f32;
    job.width = width;
    job.length = place + 1;
    job.scores = scratch[size_t(t)].as<float>();
    const float* bias = layer.own.bias.data() + size_t(h) * (2 * reach + 1) + reach - place;
    k->attend(job, row, most_columns, &bias, 1, context + size_t(r) * attended + h * width, attended);
  }
  team.barrier();
}

void Engine::attend_cross(int t, const Layer& layer, int index, const int32_t* rows, int count) {
  const int heads = layer.cross.heads, width = shape.width;
  for (int item = part(t, count * heads); item < part(t + 1, count * heads); ++item) {
    const int r = item / heads, h = item % heads;
    const Text& text = *slots[size_t(rows[r])].text;
    Attention job;
    job.key = cross(text, index, h, false);
    job.value = cross(text, index, h, true);
    job.half = !shape.f32;
    job.width = width;
    job.length = text.length;
    job.scores = scratch[size_t(t)].as<float>();
    k->attend(job, qkv + size_t(r) * most_columns + h * width, most_columns, nullptr, 1, context + size_t(r) * attended + h * width, attended);
  }
  team.barrier();
}

void Engine::decode(int t, const int32_t* rows, int count, float* logits, int32_t* best) {
  for (size_t index = 0; index < decoder.size(); ++index) {
    const Layer& layer = decoder[index];
    product(t, *layer.own.qkv, prepare(t, count, x, ldx, layer.own.norm->data(), shape.model), count, STORE, qkv, most_columns);
    attend_own(t, layer, int(index), rows, count);
    product(t, *layer.own.out, prepare(t, count, context, attended, nullptr, layer.own.out->k), count, ADD, x, ldx);
    product(t, *layer.cross.q, prepare(t, count, x, ldx, layer.cross.norm->data(), shape.model), count, STORE, qkv, most_columns);
    attend_cross(t, layer, int(index), rows, count);
    product(t, *layer.cross.out, prepare(t, count, context, attended, nullptr, layer.cross.out->k), count, ADD, x, ldx);
    feed_forward(t, layer, count);
  }
  const Input in = prepare(t, count, x, ldx, decoder_norm->data(), shape.model);
  if (logits) {
    product(t, *head, in, count, STORE, logits, shape.vocabulary);
  } else {
    Best* mine = bests.data() + size_t(t) * capacity;
    for (int r = 0; r < count; ++r) mine[r] = {-std::numeric_limits<float>::infinity(), 0};
    product(t, *head, in, count, ARGMAX, nullptr, 0, mine);
    for (int r = 0; t == 0 && r < count; ++r) {
      Best top = bests[size_t(r)];
      for (int other = 1; other < team.size; ++other) {
        const Best& found = bests[size_t(other) * capacity + r];
        if (found.value > top.value) top = found;
      }
      best[r] = top.index;
    }
  }
  k->release();
}

void Engine::admit_many(const int32_t* to, const int32_t* lengths, const int32_t* tokens, int count) {
  for (int first = 0; first < count;) {
    std::vector<int32_t> starts{0};
    int last = first;
    while (last < count && (last == first || starts.back() + lengths[last] <= READ_AT_ONCE)) {
      admit(to[last], lengths[last]);
      starts.push_back(starts.back() + lengths[last]);
      ++last;
    }
    room(starts.back());
    lookup(tokens, starts.back());
    team.run([&](int t) { encode(t, to + first, starts.data(), last - first); });
    tokens += starts.back();
    first = last;
  }
}

void Engine::admit(int number, int length) {
  Slot& slot = slots[size_t(number)];
  const int places = (length + 15) / 16 * 16;
  const size_t need = size_t(cross_before.back()) * 2 * head_bytes(places);
  const auto fits = [&](const std::shared_ptr<Text>& text) { return text->bytes >= need && text->bytes <= 2 * need; };
  auto found = std::find_if(spare.begin(), spare.end(), fits);
  if (found == spare.end()) {
    // Memory of texts of another length is given back before more is taken.
    if (!spare.empty()) spare.pop_front();
    slot.text = std::make_shared<Text>();
    slot.text->block = Block(need);
    slot.text->bytes = need;
  } else {
    slot.text = *found;
    spare.erase(found);
  }
  slot.text->length = length;
  slot.text->room = places;
  slot.used = true;
  slot.position = 0;
}

void Engine::step(const int32_t* rows, const int32_t* tokens, int count, float* logits, int32_t* best) {
  room(count);
  lookup(tokens, count);
  team.run([&](int t) { decode(t, rows, count, logits, best); });
  for (int r = 0; r < count; ++r) ++slots[size_t(rows[r])].position;
}

void Engine::fork(int from, int to) {
  slots[size_t(to)] = slots[size_t(from)];
  const size_t each = size_t(own_before.back()) * 2 * head_bytes(own_room);
  const int places = (slots[size_t(from)].position + 15) / 16 * 16;
  const char* source = own_cache.data() + size_t(from) * each;
  char* target = own_cache.data() + size_t(to) * each;
  // What a slot has not reached yet is not touched: those pages may never be needed.
  for (int i = 0; i < own_before.back() * 2; ++i) std::memcpy(target + i * head_bytes(own_room), source + i * head_bytes(own_room), head_bytes(places));
}

void Engine::free(int number) {
  Slot& slot = slots[size_t(number)];
  if (slot.text && slot.text.use_count() == 1) spare.push_back(slot.text);
  slot = Slot();
}

}  // namespace falaj
