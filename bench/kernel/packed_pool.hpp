// More packed matrices than the last-level cache holds, so that a pass over them finds every one in memory.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/core/tiled_matrix.hpp"

namespace amq::bench {

/// Bytes of a pool: one and a half last-level caches, and at most 1 GiB.
inline index pool_bytes() {
  return std::clamp<index>(sysconf(_SC_LEVEL3_CACHE_SIZE) * 3 / 2, index{64} << 20, index{1} << 30);
}

/// How many matrices of `bytes` each a pool has.
inline index pool_size(index bytes) { return pool_bytes() / bytes + 1; }

inline matrix<float> wave(index rows, index cols) {
  matrix<float> m(rows, cols);
  for (index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(i % 1009) * 1e-3f - 0.5f;
  return m;
}

/// `count` copies of one matrix of random codes, scales of 0.01 and zeros in the middle.
class packed_pool {
 public:
  packed_pool(format storage, index rows, index cols, index count)
      : rows_(rows), cols_(cols), layout_{storage.bits, storage.group}, count_(count) {
    bytes_ = layout_.bytes(rows, cols);
    data_ = matrix<std::uint8_t>(count, bytes_);
    random_stream random(static_cast<std::uint64_t>(storage.bits));
    for (index i = 0; i < bytes_; ++i) data_.data()[i] = static_cast<std::uint8_t>(random.below(256));
    std::uint16_t const scale = f32_to_f16(0.01f), zero = f32_to_f16(static_cast<float>(1 << storage.bits) / 2);
    for (index block = 0; block < bytes_; block += layout_.block_bytes())
      for (index row = 0; row < tile_layout::tile_rows; ++row) {
        std::uint8_t* const parameters = data_.data() + block + layout_.code_bytes() + 2 * row;
        std::memcpy(parameters, &scale, 2);
        std::memcpy(parameters + 2 * tile_layout::tile_rows, &zero, 2);
      }
    for (index i = 1; i < count; ++i) std::copy_n(data_.data(), bytes_, data_.row(i).data());
  }

  index size() const { return count_; }
  tiled_view operator[](index i) const { return {data_.row(i).data(), rows_, cols_, layout_}; }

 private:
  index rows_;
  index cols_;
  tile_layout layout_;
  index count_;
  index bytes_ = 0;
  matrix<std::uint8_t> data_;
};

}  // namespace amq::bench
