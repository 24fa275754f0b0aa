// A fixed team of threads that runs one function together, and meets at barriers: spins a moment, then sleeps.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace falaj {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// A number that grows; others wait until it is no longer the one they saw.
class Signal {
 public:
  unsigned now() const { return value_.load(); }
  void raise() {
    value_.fetch_add(1);
    if (sleepers_.load()) {
      std::lock_guard<std::mutex> hold(lock_);
      wake_.notify_all();
    }
  }
  void wait(unsigned seen, int spins) {
    for (int i = 0; i < spins; ++i) {
      if (value_.load(std::memory_order_acquire) != seen) return;
      relax();
    }
    std::unique_lock<std::mutex> hold(lock_);
    sleepers_.fetch_add(1);
    wake_.wait(hold, [&] { return value_.load() != seen; });
    sleepers_.fetch_sub(1);
  }

 private:
  std::atomic<unsigned> value_{0};
  std::atomic<int> sleepers_{0};
  std::mutex lock_;
  std::condition_variable wake_;
};

class Team {
 public:
  explicit Team(int size) : size(size) {
    for (int i = 1; i < size; ++i) threads_.emplace_back([this, i] { serve(i); });
  }
  ~Team() {
    end_ = true;
    start_.raise();
    for (auto& thread : threads_) thread.join();
  }
  void run(const std::function<void(int)>& work) {
    work_ = &work;
    start_.raise();
    work(0);
    barrier();
  }
  void barrier() {
    if (size == 1) return;
    const unsigned seen = meet_.now();
    if (arrived_.fetch_add(1) + 1 == size) {
      arrived_.store(0);
      meet_.raise();
    } else {
      meet_.wait(seen, SPINS);
    }
  }
  const int size;

 private:
  static constexpr int SPINS = 3000;  // some 100 microseconds: longer than any step between barriers takes to even out
  void serve(int index) {
    unsigned seen = 0;
    for (;;) {
      start_.wait(seen, SPINS);
      ++seen;
      if (end_) return;
      (*work_)(index);
      barrier();
    }
  }
  std::vector<std::thread> threads_;
  std::atomic<int> arrived_{0};
  std::atomic<bool> end_{false};
  const std::function<void(int)>* work_ = nullptr;
  Signal start_, meet_;
};

}  // namespace falaj
