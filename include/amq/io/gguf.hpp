// What a GGUF file says beside its numbers: metadata by key, and tensors by name, type and shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "amq/core/gguf_type.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/tensor.hpp"

namespace amq {

/// The kinds of values that amq writes and reads.
using gguf_value = std::variant<std::uint32_t, std::int32_t, float, bool, std::string, std::uint64_t, std::int64_t,
                                double, std::vector<std::string>, std::vector<std::int32_t>, std::vector<float>>;

/// In the order of the file.
using gguf_metadata = std::vector<std::pair<std::string, gguf_value>>;

inline constexpr index gguf_alignment = 32;  ///< bytes that a tensor's place is a multiple of

constexpr std::int64_t gguf_aligned(std::int64_t bytes) {
  return (bytes + gguf_alignment - 1) / gguf_alignment * gguf_alignment;
}

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

/// The type that holds a checkpoint's dtype as it is; nothing for dtypes other than F32, F16 and BF16.
constexpr std::optional<gguf_type> gguf_type_of(dtype type) {
  switch (type) {
    case dtype::f32:
      return gguf_type::f32;
    case dtype::f16:
      return gguf_type::f16;
    case dtype::bf16:
      return gguf_type::bf16;
    default:
      return std::nullopt;
  }
}

/// How the tensors that are no linear layers are stored; nothing: as in the source.
struct gguf_other_types {
  std::optional<gguf_type> embedding;
  std::optional<gguf_type> head;  ///< of a head of its own; a tied one is the embeddings
};

/// The type of such a tensor: norms and biases are F32, which is what llama.cpp's kernels want.
inline gguf_type gguf_type_of_other(std::string const& name, std::span<index const> shape, dtype source,
                                    gguf_other_types const& chosen) {
  if (shape.size() < 2) return gguf_type::f32;
  auto const& wanted = name == "lm_head.weight" ? chosen.head : chosen.embedding;
  return wanted.value_or(gguf_type_of(source).value_or(gguf_type::f32));
}

}  // namespace amq
