// A sequence's activations in the order in which the product kernel reads its second operand.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/simd/tile_product.hpp"

namespace amq::detail {

/// X (tokens, cols), cut into chunks of tokens, each packed as the panels of X^T for `simd::multiply_panels`. Cuts lie
/// where the sequence says, so sums over chunks are the same whatever is computed beside them.
class token_panels {
 public:
  /// A chain of products in f32 may be this long before its sum goes to f64.
  static constexpr index chunk_tokens = 512;

  token_panels() = default;
  explicit token_panels(matrix_view<float const> x, simd::isa which = simd::best_isa())
      : tokens_(x.rows), cols_(x.cols), isa_(which), width_(simd::panel_cols(which)) {
    for (index first = 0; first < tokens_; first += chunk_tokens) pack(x.rows_from(first, chunk_size(first)));
  }

  index chunks() const { return static_cast<index>(packed_.size()); }
  index tokens(index chunk) const { return chunk_size(chunk * chunk_tokens); }
  index cols() const { return cols_; }

  /// The panels of a chunk from channel `first` on, which is a multiple of the panels' width.
  float const* panels(index chunk, index first) const {
    return packed_[static_cast<std::size_t>(chunk)].data() + first * tokens(chunk);
  }
  index panel_stride(index chunk) const { return width_ * tokens(chunk); }

  /// out (channels, tokens of the chunk) = X^T from channel `first` on.
  void transpose(index chunk, index first, matrix_view<float> out) const {
    for (index channel = 0; channel < out.rows; ++channel) {
      index const at = first + channel;
      float const* from = panels(chunk, at / width_ * width_) + at % width_;
      for (index token = 0; token < out.cols; ++token, from += width_) out(channel, token) = *from;
    }
  }

 private:
  index chunk_size(index first) const { return std::min(chunk_tokens, tokens_ - first); }

  void pack(matrix_view<float const> x) {
    matrix<float> packed(1, simd::packed_size(cols_, x.rows, isa_));
    simd::pack_columns(x, packed.data(), isa_);
    packed_.push_back(std::move(packed));
  }

  index tokens_ = 0;
  index cols_ = 0;
  simd::isa isa_ = simd::isa::portable;
  index width_ = 1;
  std::vector<matrix<float>> packed_;
};

}  // namespace amq::detail
