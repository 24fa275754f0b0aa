// Zeroed memory in 2 MiB pages where the system has them: a step reads all weights, and small pages cost a third of the speed.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

namespace falaj {

class Block {
 public:
  Block() = default;
  explicit Block(size_t bytes) {
    constexpr size_t page = size_t(2) << 20;
    const bool large = bytes >= page;
    size_ = large ? (bytes + page - 1) / page * page + page : (bytes + 4095) / 4096 * 4096;
    base_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<char*>(base_);
    if (large) {
      data_ += (page - reinterpret_cast<size_t>(base_) % page) % page;
#if defined(MADV_HUGEPAGE)
      madvise(base_, size_, MADV_HUGEPAGE);
#endif
    }
  }
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Block() {
    if (base_) munmap(base_, size_);
  }
  char* data() const { return data_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  void swap(Block& other) {
    std::swap(base_, other.base_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  void* base_ = nullptr;
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace falaj
