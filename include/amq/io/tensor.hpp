// A named array as it lies in a file: type, shape, bytes; and its way to f32 and back.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/dtype.hpp"
#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/half_rows.hpp"

namespace amq {

/// "(3, 4)"
inline std::string to_string(std::span<index const> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

/// A tensor whose bytes somebody else owns (a mapped file, a buffer): row-major, lowest byte first, not aligned.
struct tensor_view {
  std::string name;
  dtype type = dtype::f32;
  std::vector<index> shape;
  std::span<std::byte const> bytes;

  index size() const { return static_cast<index>(bytes.size()) / item_bytes(type); }
};

namespace detail {

template <class T>
T load_item(std::byte const* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

/// Copies a piece at a time, because a file's items need not be aligned.
template <class ConvertRow>
void convert_halves(std::span<std::byte const> bytes, std::span<float> out, ConvertRow const& convert_row) {
  std::array<std::uint16_t, 4096> piece;
  for (std::size_t first = 0; first < out.size(); first += piece.size()) {
    std::size_t const count = std::min(piece.size(), out.size() - first);
    std::memcpy(piece.data(), bytes.data() + 2 * first, 2 * count);
    convert_row(piece.data(), out.data() + first, static_cast<index>(count));
  }
}

/// Index of the first item whose exponent bits are all ones.
template <class T>
std::optional<index> first_with_exponent(std::span<std::byte const> bytes, T exponent) {
  constexpr std::size_t chunk = 4096;
  std::size_t const count = bytes.size() / sizeof(T);
  auto const is_special = [&](std::size_t i) {
    return (load_item<T>(bytes.data() + sizeof(T) * i) & exponent) == exponent;
  };
  for (std::size_t first = 0; first < count; first += chunk) {
    std::size_t const last = std::min(first + chunk, count);
    bool any = false;
    for (std::size_t i = first; i < last; ++i) any |= is_special(i);
    for (std::size_t i = first; any && i < last; ++i)
      if (is_special(i)) return static_cast<index>(i);
  }
  return std::nullopt;
}

}  // namespace detail

/// Converts F32, F16 and BF16 exactly. `out` holds as many numbers as the tensor.
inline void to_f32(tensor_view const& tensor, std::span<float> out) {
  AMQ_EXPECTS(static_cast<index>(out.size()) == tensor.size(),
              tensor.name + " holds " + std::to_string(tensor.size()) + " numbers, not " + std::to_string(out.size()));
  switch (tensor.type) {
    case dtype::f32:
      if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
      return;
    case dtype::f16:
      detail::convert_halves(tensor.bytes, out,
                             [](auto const* x, float* y, index n) { simd::f16_to_f32_row(x, y, n); });
      return;
    case dtype::bf16:
      detail::convert_halves(tensor.bytes, out,
                             [](auto const* x, float* y, index n) { simd::bf16_to_f32_row(x, y, n); });
      return;
    default:
      throw input_error(tensor.name + " has dtype " + to_string(tensor.type) + "; expected F32, F16 or BF16");
  }
}

/// Position in row-major order of the first NaN or infinity; nothing when all is finite or the dtype has none. Reads
/// the whole tensor at the speed of memory.
inline std::optional<index> first_non_finite(tensor_view const& tensor) {
  switch (tensor.type) {
    case dtype::f64:
      return detail::first_with_exponent<std::uint64_t>(tensor.bytes, 0x7ff0000000000000u);
    case dtype::f32:
      return detail::first_with_exponent<std::uint32_t>(tensor.bytes, 0x7f800000u);
    case dtype::f16:
      return detail::first_with_exponent<std::uint16_t>(tensor.bytes, 0x7c00u);
    case dtype::bf16:
      return detail::first_with_exponent<std::uint16_t>(tensor.bytes, 0x7f80u);
    default:
      return std::nullopt;
  }
}

/// The bytes of `values` in a float dtype, rounded half to even. Throws input_error for a value that the dtype can only
/// hold as infinity, naming `name`.
inline std::vector<std::byte> from_f32(std::span<float const> values, dtype type, std::string const& name) {
  AMQ_EXPECTS(is_float(type), name + ": numbers are stored as F32, F16 or BF16, not " + to_string(type));
  std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(item_bytes(type)));
  if (type == dtype::f32) {
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  std::uint16_t const infinity = type == dtype::f16 ? 0x7c00u : 0x7f80u;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t const half = type == dtype::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    if ((half & 0x7fffu) == infinity && std::isfinite(values[i]))
      throw input_error(name + " has a value of " + std::to_string(values[i]) + ", more than " + to_string(type) +
                        " can hold; store it as F32 or BF16");
    std::memcpy(bytes.data() + 2 * i, &half, sizeof half);
  }
  return bytes;
}

}  // namespace amq
