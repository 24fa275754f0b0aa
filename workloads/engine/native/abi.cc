// The C interface. Every call returns 0, or -1 after an exception whose text falaj_problem() gives.
#include <exception>
#include <string>

#include "engine.h"

using falaj::Engine;

static thread_local std::string problem;

template <class F>
static int guarded(F work) {
  try {
    work();
    return 0;
  } catch (const std::exception& caught) {
    problem = caught.what();
    return -1;
  }
}

#define FALAJ extern "C" __attribute__((visibility("default")))

FALAJ const char* falaj_problem() { return problem.c_str(); }
FALAJ const char* falaj_isa(const char* wanted) {
  const falaj::Kernels* found = falaj::kernels(wanted);
  return found ? found->name : nullptr;
}
FALAJ Engine* falaj_new(const falaj::Shape* shape, const char* wanted) {
  Engine* made = nullptr;
  guarded([&] { made = new Engine(*shape, falaj::kernels(wanted)); });
  return made;
}
FALAJ int falaj_embed(Engine* e, const void* values, int half) {
  return guarded([&] { e->embed(values, half); });
}
FALAJ int falaj_floats(Engine* e, const char* name, const float* values, int rows, int columns) {
  return guarded([&] { e->floats(name, values, rows, columns); });
}
FALAJ int falaj_linear(Engine* e, const char* name, const void* values, const float* scales, int n, int k, int groups) {
  return guarded([&] { e->linear(name, values, scales, n, k, groups); });
}
FALAJ int falaj_ready(Engine* e) {
  return guarded([&] { e->ready(); });
}
FALAJ int falaj_admit(Engine* e, const int32_t* slots, const int32_t* lengths, const int32_t* tokens, int count) {
  return guarded([&] { e->admit_many(slots, lengths, tokens, count); });
}
FALAJ int falaj_step(Engine* e, const int32_t* slots, const int32_t* tokens, int count, float* logits, int32_t* best) {
  return guarded([&] { e->step(slots, tokens, count, logits, best); });
}
FALAJ int falaj_fork(Engine* e, int from, int to) {
  return guarded([&] { e->fork(from, to); });
}
FALAJ void falaj_free(Engine* e, int slot) { e->free(slot); }
FALAJ void falaj_close(Engine* e) { delete e; }
