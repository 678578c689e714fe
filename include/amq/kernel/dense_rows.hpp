// Rows of F32, F16 or BF16 as they lie in a mapped checkpoint: converted when used, never as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/tensor.hpp"

namespace amq {

/// (rows, cols), row after row; owns nothing, needs no alignment.
struct dense_rows {
  std::byte const* data = nullptr;
  dtype type = dtype::bf16;
  index rows = 0;
  index cols = 0;

  static dense_rows of(tensor_view const& tensor) {
    AMQ_EXPECTS(tensor.shape.size() == 2 && is_float(tensor.type), tensor.name + " is no matrix of floats");
    return {tensor.bytes.data(), tensor.type, tensor.shape[0], tensor.shape[1]};
  }

  std::int64_t row_bytes() const { return cols * item_bytes(type); }
  std::int64_t bytes() const { return rows * row_bytes(); }

  /// Row `i` in f32; `out` holds `cols` numbers.
  void read(index i, std::span<float> out) const {
    auto const size = static_cast<std::size_t>(row_bytes());
    to_f32({"a row", type, {cols}, {data + static_cast<std::size_t>(i) * size, size}}, out);
  }
};

}  // namespace amq
