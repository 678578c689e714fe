// From final-normed states to losses: head, divergence and mean, some rows of logits at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/calibration.cuh"
#include "amq/cuda/decoder/linear_products.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/head/position_losses.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Two tiles of logits: memory does not grow with vocabulary x tokens. Move-only.
class logit_tiles {
 public:
  /// Rows of one tile, for at most `tokens`.
  static int rows_of(int vocabulary, int tokens) {
    constexpr std::int64_t most_bytes = 128 << 20;
    std::int64_t const rows = most_bytes / (std::int64_t{vocabulary} * 4);
    return static_cast<int>(std::clamp<std::int64_t>(rows, std::min(16, tokens), std::max(tokens, 1)));
  }
  static std::int64_t bytes(int vocabulary, int tokens) {
    return std::int64_t{8} * vocabulary * rows_of(vocabulary, tokens);
  }

  void reserve(int vocabulary, int tokens, cudaStream_t stream) {
    rows_ = rows_of(vocabulary, tokens);
    auto const size = static_cast<std::size_t>(rows_) * static_cast<std::size_t>(vocabulary);
    reference_.reserve(size, stream);
    candidate_.reserve(size, stream);
  }

  int rows() const { return rows_; }
  float* reference() const { return reference_.data(); }
  float* candidate() const { return candidate_.data(); }

 private:
  int rows_ = 0;
  device_buffer<float> reference_;
  device_buffer<float> candidate_;
};

/// The losses of a chunk's sequences, to where the calibration keeps them, from the candidate's states (tokens,
/// hidden). Asynchronous.
template <class Number, class Products>
void score_chunk(decoder_sizes const& sizes, Number const* head, calibration<Number> const& known, int chunk,
                 Number const* states, device_loss loss, logit_tiles const& tiles, Products& products,
                 cudaStream_t stream) {
  bool const compares = loss != device_loss::cross_entropy;
  for (int first = 0; first < known.chunk_tokens(); first += tiles.rows()) {
    int const rows = std::min(tiles.rows(), known.chunk_tokens() - first);
    auto const from = static_cast<std::size_t>(first) * static_cast<std::size_t>(sizes.hidden);
    if (compares)
      products.multiply_dense(head, sizes.vocabulary, sizes.hidden, known.reference(chunk, sizes.hidden) + from, rows,
                              tiles.reference());
    products.multiply_dense(head, sizes.vocabulary, sizes.hidden, states + from, rows, tiles.candidate());
    position_losses(loss, compares ? tiles.reference() : nullptr, tiles.candidate(), known.next(chunk) + first, rows,
                    sizes.vocabulary, known.positions() + first, stream);
  }
  sequence_means(known.positions(), known.per_chunk(), known.length(), known.losses() + chunk * known.per_chunk(),
                 stream);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
