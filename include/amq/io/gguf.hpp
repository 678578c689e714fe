// What a GGUF file says beside its numbers: metadata by key, and tensors by name, type and shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "amq/core/gguf_type.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// The kinds of values that amq writes and reads.
using gguf_value = std::variant<std::uint32_t, std::int32_t, float, bool, std::string, std::uint64_t, std::int64_t,
                                double, std::vector<std::string>, std::vector<std::int32_t>, std::vector<float>>;

/// In the order of the file.
using gguf_metadata = std::vector<std::pair<std::string, gguf_value>>;

/// Row-major, outputs first as in checkpoints; the file has the extents the other way round.
struct gguf_tensor {
  std::string name;
  gguf_type type = gguf_type::f32;
  std::vector<index> shape;

  std::int64_t bytes() const {
    std::int64_t rows = 1;
    for (std::size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
    return rows * gguf_row_bytes(type, shape.empty() ? 1 : shape.back());
  }
};

/// A tensor whose bytes somebody else owns.
struct gguf_tensor_view : gguf_tensor {
  std::span<std::byte const> data;
};

}  // namespace amq
