// Keys and values of one sequence, in all blocks, that later tokens attend to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/simd/cached_attention.hpp"
#include "amq/model/config.hpp"

namespace amq {

/// At most `capacity` tokens in f32. Room doubles as it is needed, so that a long sequence that ends early takes
/// little: bytes() is at most 16 length sum over blocks of key/value heads head size, padding beside. Move-only.
class kv_cache {
 public:
  kv_cache(model_config const& config, index capacity, simd::isa which = simd::best_isa()) : capacity_(capacity) {
    AMQ_EXPECTS(capacity >= 1, "a key/value cache holds at least one token, not " + std::to_string(capacity));
    for (int block = 0; block < config.blocks; ++block)
      blocks_.push_back({nullptr, 0, config.shape(block).key_value_heads, config.head_size, which});
    memory_.resize(blocks_.size());
  }

  index capacity() const { return capacity_; }
  /// Tokens that are in the cache; the next one's position.
  index length() const { return length_; }
  simd::cached_attention const& block(int i) const { return blocks_[static_cast<std::size_t>(i)]; }

  /// Makes room for `tokens` more tokens in all blocks. Throws precondition_error beyond the capacity.
  void reserve(index tokens) {
    AMQ_EXPECTS(tokens >= 0 && length_ + tokens <= capacity_,
                "a cache of " + std::to_string(capacity_) + " tokens cannot hold " + std::to_string(length_ + tokens));
    constexpr index least = 64;
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      if (index const room = blocks_[i].capacity; room < length_ + tokens)
        grow(i, std::min(capacity_, std::max({least, 2 * room, length_ + tokens})));
  }

  /// All blocks have the keys and values of `tokens` more tokens.
  void advance(index tokens) {
    reserve(tokens);
    length_ += tokens;
  }

  /// Forgets all but the first `tokens` tokens; O(1).
  void rewind(index tokens) {
    AMQ_EXPECTS(tokens >= 0 && tokens <= length_,
                "a cache of " + std::to_string(length_) + " tokens cannot be cut back to " + std::to_string(tokens));
    length_ = tokens;
  }

  std::int64_t bytes() const {
    std::int64_t all = 0;
    for (auto const& block : blocks_) all += std::int64_t{sizeof(float)} * block.floats();
    return all;
  }

 private:
  void grow(std::size_t i, index room) {
    auto larger = blocks_[i];
    larger.capacity = room;
    matrix<float> memory(1, larger.floats());
    larger.data = memory.data();
    if (length_ > 0) simd::copy(blocks_[i], larger);
    blocks_[i] = larger;
    memory_[i] = std::move(memory);
  }

  index capacity_;
  index length_ = 0;
  std::vector<matrix<float>> memory_;
  std::vector<simd::cached_attention> blocks_;
};

}  // namespace amq
