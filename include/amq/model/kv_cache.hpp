// Keys and values of one sequence, in all blocks, that later tokens attend to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/simd/cached_attention.hpp"
#include "amq/model/config.hpp"

namespace amq {

/// Room for `capacity` tokens in f32, taken at once: bytes() = 8 capacity sum over blocks of key/value heads head size,
/// padding beside. Move-only.
class kv_cache {
 public:
  kv_cache(model_config const& config, index capacity, simd::isa which = simd::best_isa()) : capacity_(capacity) {
    AMQ_EXPECTS(capacity >= 1, "a key/value cache holds at least one token, not " + std::to_string(capacity));
    for (int block = 0; block < config.blocks; ++block) {
      simd::cached_attention own{nullptr, capacity, config.shape(block).key_value_heads, config.head_size, which};
      memory_.emplace_back(1, own.floats());
      own.data = memory_.back().data();
      blocks_.push_back(own);
    }
  }

  index capacity() const { return capacity_; }
  /// Tokens that are in the cache; the next one's position.
  index length() const { return length_; }
  simd::cached_attention const& block(int i) const { return blocks_[static_cast<std::size_t>(i)]; }

  /// All blocks have the keys and values of `tokens` more tokens.
  void advance(index tokens) {
    AMQ_EXPECTS(tokens >= 0 && length_ + tokens <= capacity_,
                "a cache of " + std::to_string(capacity_) + " tokens cannot hold " + std::to_string(length_ + tokens));
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
  index capacity_;
  index length_ = 0;
  std::vector<matrix<float>> memory_;
  std::vector<simd::cached_attention> blocks_;
};

}  // namespace amq
