// Sequences that are being written: their keys and values on the device.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/block_pass.cuh"
#include "amq/cuda/device.hpp"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Caches of all blocks, one pair of buffers a sequence. Move-only.
template <class Number>
class cached_sequences {
 public:
  /// A new one with room for `capacity` tokens; the number that `rows` knows it by.
  index open(decoder_sizes const& sizes, index capacity, cudaStream_t stream) {
    AMQ_EXPECTS(capacity >= 1, "a sequence needs room for at least one token, not " + std::to_string(capacity));
    auto const numbers = static_cast<std::size_t>(capacity) * static_cast<std::size_t>(sizes.head_size) *
                         static_cast<std::size_t>(sizes.all_key_value_heads());
    all_.emplace(next_, sequence{static_cast<int>(capacity), 0, device_buffer<Number>(numbers, stream),
                                 device_buffer<Number>(numbers, stream)});
    return next_++;
  }
  void close(index number) { all_.erase(number); }

  /// Where the new tokens of a pass go, on the device until the next call; `advance` once they are there. Throws
  /// precondition_error for a sequence that is not open or has no room.
  pass_rows<Number> rows(std::span<device_part const> parts, cudaStream_t stream) {
    std::vector<sequence_rows<Number>> all;
    pass_rows<Number> pass;
    pass.all_blocks = true;
    for (auto const& part : parts) {
      auto& own = at(part.sequence);
      AMQ_EXPECTS(part.tokens >= 1 && own.length + part.tokens <= own.capacity,
                  "a sequence of " + std::to_string(own.length) + " tokens with room for " +
                      std::to_string(own.capacity) + " cannot take " + std::to_string(part.tokens) + " more");
      int const tokens = static_cast<int>(part.tokens);
      all.push_back({pass.tokens, tokens, own.length, own.capacity, own.keys.data(), own.values.data()});
      pass.tokens += tokens;
      pass.most_rows = std::max(pass.most_rows, tokens);
      pass.most_keys = std::max(pass.most_keys, own.capacity);
    }
    pass.sequences = static_cast<int>(all.size());
    rows_.reserve(all.size(), stream);
    upload(std::span<sequence_rows<Number> const>(all), rows_.data(), stream);
    pass.rows = rows_.data();
    return pass;
  }

  void advance(std::span<device_part const> parts) {
    for (auto const& part : parts) at(part.sequence).length += static_cast<int>(part.tokens);
  }

 private:
  struct sequence {
    int capacity = 0;
    int length = 0;
    device_buffer<Number> keys;
    device_buffer<Number> values;
  };

  sequence& at(index number) {
    auto const found = all_.find(number);
    AMQ_EXPECTS(found != all_.end(), "there is no open sequence " + std::to_string(number) + " on the device");
    return found->second;
  }

  std::map<index, sequence> all_;
  index next_ = 0;
  device_buffer<sequence_rows<Number>> rows_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
