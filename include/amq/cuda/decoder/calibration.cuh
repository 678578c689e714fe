// The calibration sequences on the device, in chunks of one shape, and what the unquantized model made of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/block_pass.cuh"
#include "amq/cuda/head/positions.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Sequences pass the blocks in chunks of equally many, the last one filled up with token 0: products of one shape have
/// the same bits for a sequence wherever it lies and however many are measured. Move-only.
template <class Number>
class calibration {
 public:
  calibration(matrix_view<std::int32_t const> sequences, decoder_sizes const& sizes, index pass_tokens,
              cudaStream_t stream)
      : count_(static_cast<int>(sequences.rows)), length_(static_cast<int>(sequences.cols)) {
    AMQ_EXPECTS(count_ >= 1 && length_ >= 2, "a loss needs sequences of at least 2 tokens, not " +
                                                 std::to_string(count_) + " of " + std::to_string(length_));
    for (index r = 0; r < sequences.rows; ++r)
      for (auto const token : sequences.row(r))
        AMQ_EXPECTS(token >= 0 && token < sizes.vocabulary, "a calibration sequence has the token id " +
                                                                std::to_string(token) + "; the vocabulary has " +
                                                                std::to_string(sizes.vocabulary));
    per_chunk_ = static_cast<int>(std::clamp<index>(pass_tokens / length_, 1, count_));
    place_tokens(sequences, stream);
    auto const positions = static_cast<std::size_t>(chunks()) * static_cast<std::size_t>(chunk_positions());
    reference_ = device_buffer<Number>(positions * static_cast<std::size_t>(sizes.hidden), stream);
    chunk_ = device_buffer<std::int32_t>(static_cast<std::size_t>(chunk_tokens()), stream);
    positions_ = device_buffer<double>(static_cast<std::size_t>(chunk_positions()), stream);
    next_ = device_buffer<std::int32_t>(positions, stream);
    gather_positions(tokens_.data() + 1, length_, 0, static_cast<int>(positions), 1, next_.data(), stream);
    losses_ = device_buffer<double>(static_cast<std::size_t>(chunks() * per_chunk_), stream);
    place_rows(sizes, stream);
  }

  int count() const { return count_; }
  int length() const { return length_; }
  int per_chunk() const { return per_chunk_; }
  int chunk_tokens() const { return per_chunk_ * length_; }
  int chunks() const { return chunks_of(count_); }
  /// Chunks that hold the first so many sequences.
  int chunks_of(index sequences) const { return static_cast<int>((sequences + per_chunk_ - 1) / per_chunk_); }

  /// The tokens of the chunk that is worked on: always at the same place, so that a graph can read them.
  std::int32_t const* tokens() const { return chunk_.data(); }

  void choose(int chunk, cudaStream_t stream) {
    check(cudaMemcpyAsync(chunk_.data(), tokens_.data() + chunk * chunk_tokens(), chunk_.bytes(),
                          cudaMemcpyDeviceToDevice, stream),
          "cudaMemcpyAsync");
  }

  /// Positions of a chunk that have a token after them: all but each sequence's last.
  int chunk_positions() const { return per_chunk_ * (length_ - 1); }

  /// These tokens, (positions).
  std::int32_t const* next(int chunk) const { return next_.data() + chunk * chunk_positions(); }

  pass_rows<Number> rows() const { return {chunk_tokens(), per_chunk_, length_, length_, rows_.data()}; }

  /// (positions, hidden) of a chunk: the unquantized model's final-normed states.
  Number* reference(int chunk, int hidden) const {
    return reference_.data() + static_cast<std::size_t>(chunk) * static_cast<std::size_t>(chunk_positions()) *
                                   static_cast<std::size_t>(hidden);
  }

  double* positions() const { return positions_.data(); }
  double* losses() const { return losses_.data(); }

 private:
  void place_tokens(matrix_view<std::int32_t const> sequences, cudaStream_t stream) {
    std::vector<std::int32_t> all(static_cast<std::size_t>(chunks()) * static_cast<std::size_t>(chunk_tokens()) + 1);
    for (index r = 0; r < sequences.rows; ++r) std::copy_n(sequences.row(r).data(), length_, all.data() + r * length_);
    tokens_ = uploaded(std::span<std::int32_t const>(all), stream);
  }

  /// One block's keys and values at a time: the next block writes over them.
  void place_rows(decoder_sizes const& sizes, cudaStream_t stream) {
    auto const numbers = static_cast<std::size_t>(length_) * static_cast<std::size_t>(sizes.head_size) *
                         static_cast<std::size_t>(sizes.most_key_value_heads());
    auto const one = (numbers + 7) / 8 * 8;  // every sequence's begin at 16 bytes
    keys_ = device_buffer<Number>(one * static_cast<std::size_t>(per_chunk_), stream);
    values_ = device_buffer<Number>(keys_.size(), stream);
    std::vector<sequence_rows<Number>> all;
    for (int i = 0; i < per_chunk_; ++i)
      all.push_back({i * length_, length_, 0, length_, keys_.data() + static_cast<std::size_t>(i) * one,
                     values_.data() + static_cast<std::size_t>(i) * one});
    rows_ = uploaded(std::span<sequence_rows<Number> const>(all), stream);
  }

  int count_;
  int length_;
  int per_chunk_ = 1;
  device_buffer<std::int32_t> tokens_;
  device_buffer<std::int32_t> next_;
  device_buffer<std::int32_t> chunk_;
  device_buffer<Number> keys_;
  device_buffer<Number> values_;
  device_buffer<sequence_rows<Number>> rows_;
  device_buffer<Number> reference_;
  device_buffer<double> positions_;
  device_buffer<double> losses_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
