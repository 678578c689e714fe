// The byte model of GGUF files (llama.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "amq/core/dtype.hpp"
#include "amq/core/gguf_type.hpp"
#include "amq/space/target.hpp"
#include "amq/space/targets/detail/plain_codes.hpp"

namespace amq {
namespace detail {

inline std::int64_t gguf_bits(gguf_type type, index rows, index cols) {
  return 8 * gguf_aligned(rows * gguf_row_bytes(type, cols));
}

inline std::int64_t gguf_stored_bits(linear_layer const& layer, format f) {
  auto const type = gguf_type_for(f, layer.cols);
  return type ? gguf_bits(*type, layer.rows, layer.cols) : 8 * gguf_aligned(kept_bits(layer) / 8);
}

}  // namespace detail

/// 2.625, 3.4375, 4.5, 5.5, 6.5625 and 8.5 bits a weight for formats of 2, 3, 4, 5, 6 and 8 bits, whatever their group
/// (`gguf_type_for`); norms and biases in F32, embeddings and head as chosen. Each tensor is counted with the zero
/// bytes that bring the next one to a multiple of 32: the sum is the file without its header, but for the few factors
/// of Llama 3.1's rotary positions. llama.cpp fuses nothing.
inline target gguf_target(gguf_other_types const& others = {}) {
  target files;
  files.name = "gguf";
  files.stored_bits = detail::gguf_stored_bits;
  files.refusal = [](linear_layer const& layer, format f) { return gguf_refusal(f, layer.cols); };
  files.other_bits = [others](std::string const& name, std::span<index const> shape, dtype type) {
    index const cols = shape.back();
    index const rows = shape.size() < 2 ? 1 : shape.front();
    return detail::gguf_bits(gguf_type_of_other(name, shape, type, others), rows, cols);
  };
  return files;
}

}  // namespace amq
