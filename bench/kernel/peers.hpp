// ggml's types that stand against a width of ours; none where ggml is not there.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/ggml_pool.hpp"
#include "kernel/packed_pool.hpp"

namespace amq::bench {

struct peer {
  std::string type;
  index count;
  std::unique_ptr<ggml_pool> pool;
};

#if AMQ_BENCH_GGML
inline std::vector<std::string> peer_types(int bits) {
  if (bits == 4) return {"q4_0", "q4_K"};
  if (bits == 8) return {"q8_0"};
  return {"q" + std::to_string(bits) + "_K"};
}

/// A pool of each type, of `count` matrices or, with 0, of as many as the last-level cache does not hold.
inline std::vector<peer> make_peers(int bits, index rows, matrix_view<float const> x, int threads, index count = 0) {
  std::vector<peer> all;
  for (auto const& type : peer_types(bits)) {
    index const size = count > 0 ? count : pool_size(ggml_bytes(type, rows, x.cols));
    all.push_back({type, size, std::make_unique<ggml_pool>(type, rows, x, size, threads)});
  }
  return all;
}
#else
inline std::vector<peer> make_peers(int, index, matrix_view<float const>, int, index = 0) { return {}; }
#endif

}  // namespace amq::bench
