// From final-normed states to losses: head, divergence and mean, some rows of logits at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/calibration.cuh"
#include "amq/cuda/decoder/linear_products.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/head/losses.cuh"
#include "amq/cuda/head/positions.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Two tiles of logits and one of states: memory does not grow with vocabulary x tokens. Move-only.
template <class Number>
class logit_tiles {
 public:
  /// Rows of one tile, for at most `tokens`.
  static int rows_of(int vocabulary, int tokens) {
    constexpr std::int64_t most_bytes = 128 << 20;
    std::int64_t const rows = most_bytes / (std::int64_t{vocabulary} * 4);
    return static_cast<int>(std::clamp<std::int64_t>(rows, std::min(16, tokens), std::max(tokens, 1)));
  }
  static std::int64_t bytes(decoder_sizes const& sizes, int tokens) {
    std::int64_t const row = std::int64_t{8} * sizes.vocabulary + std::int64_t{sizeof(Number)} * sizes.hidden;
    return row * rows_of(sizes.vocabulary, tokens);
  }

  void reserve(decoder_sizes const& sizes, int tokens, cudaStream_t stream) {
    rows_ = rows_of(sizes.vocabulary, tokens);
    auto const rows = static_cast<std::size_t>(rows_);
    reference_.reserve(rows * static_cast<std::size_t>(sizes.vocabulary), stream);
    candidate_.reserve(rows * static_cast<std::size_t>(sizes.vocabulary), stream);
    states_.reserve(rows * static_cast<std::size_t>(sizes.hidden), stream);
  }

  int rows() const { return rows_; }
  float* reference() const { return reference_.data(); }
  float* candidate() const { return candidate_.data(); }
  Number* states() const { return states_.data(); }

 private:
  int rows_ = 0;
  device_buffer<float> reference_;
  device_buffer<float> candidate_;
  device_buffer<Number> states_;
};

/// The losses of a chunk's sequences, to where the calibration keeps them, from the candidate's states (tokens,
/// hidden). Asynchronous.
template <class Number, class Products>
void score_chunk(decoder_sizes const& sizes, Number const* head, calibration<Number> const& known, int chunk,
                 Number const* states, device_loss loss, logit_tiles<Number> const& tiles, Products& products,
                 cudaStream_t stream) {
  bool const compares = loss != device_loss::cross_entropy;
  for (int first = 0; first < known.chunk_positions(); first += tiles.rows()) {
    int const rows = std::min(tiles.rows(), known.chunk_positions() - first);
    auto const* const reference =
        known.reference(chunk, sizes.hidden) + static_cast<std::size_t>(first) * static_cast<std::size_t>(sizes.hidden);
    if (compares) products.multiply_dense(head, sizes.vocabulary, sizes.hidden, reference, rows, tiles.reference());
    gather_positions(states, known.length(), first, rows, sizes.hidden, tiles.states(), stream);
    products.multiply_dense(head, sizes.vocabulary, sizes.hidden, tiles.states(), rows, tiles.candidate());
    position_losses(loss, compares ? tiles.reference() : nullptr, tiles.candidate(), known.next(chunk) + first, rows,
                    sizes.vocabulary, known.positions() + first, stream);
  }
  sequence_means(known.positions(), known.per_chunk(), known.length() - 1, known.losses() + chunk * known.per_chunk(),
                 stream);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
