// In which order blocks and threads run: naturally, or shuffled by a seed so that a test sees what depends on it.
#pragma once

#include <cstdint>

namespace shim {

/// A small generator (splitmix64).
struct order_generator {
  std::uint64_t state = 0;

  std::uint64_t next() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
};

namespace detail {
inline thread_local constinit std::uint64_t order_seed = 0;
}

/// While it lives, kernels that this OS thread starts run their blocks, their threads and their asynchronous copies in
/// an order drawn from `seed` (not 0).
class permuted {
 public:
  explicit permuted(std::uint64_t seed) : before_(detail::order_seed) { detail::order_seed = seed; }
  ~permuted() { detail::order_seed = before_; }
  permuted(permuted const&) = delete;
  permuted& operator=(permuted const&) = delete;

 private:
  std::uint64_t before_;
};

}  // namespace shim
