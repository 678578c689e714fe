// One row of a matrix to the bytes of a GGUF type, and back.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <sstream>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/gguf_type.hpp"
#include "amq/core/half.hpp"
#include "amq/quantize/detail/k_block_bytes.hpp"
#include "amq/quantize/detail/k_block_search.hpp"
#include "amq/quantize/detail/plain_blocks.hpp"

namespace amq {
namespace detail {

/// Calls body.operator()<Type>() with the K type that `type` is.
template <class Body>
void with_k_type(gguf_type type, Body const& body) {
  switch (type) {
    case gguf_type::q2_k:
      return body.template operator()<gguf_type::q2_k>();
    case gguf_type::q3_k:
      return body.template operator()<gguf_type::q3_k>();
    case gguf_type::q4_k:
      return body.template operator()<gguf_type::q4_k>();
    case gguf_type::q5_k:
      return body.template operator()<gguf_type::q5_k>();
    case gguf_type::q6_k:
      return body.template operator()<gguf_type::q6_k>();
    default:
      AMQ_EXPECTS(false, std::string(to_string(type)) + " is no K type");
  }
}

template <gguf_type Type>
void encode_k_row(std::span<float const> values, std::span<float const> importance, std::uint8_t* out) {
  k_block_search<Type> search;
  for (std::size_t first = 0; first < values.size(); first += k_block_size) {
    write_k_block<Type>(search.encode(&values[first], importance.empty() ? nullptr : &importance[first]), out);
    out += facts_of(Type).bytes;
  }
}

template <gguf_type Type>
void decode_k_row(std::uint8_t const* bytes, std::span<float> out) {
  for (std::size_t first = 0; first < out.size(); first += k_block_size, bytes += facts_of(Type).bytes)
    decode_k_block<Type>(read_k_block<Type>(bytes), &out[first]);
}

/// Types with one number a block.
inline void encode_number(gguf_type type, float value, std::uint8_t* out) {
  if (type == gguf_type::f32) {
    std::memcpy(out, &value, sizeof value);
    return;
  }
  std::uint16_t const half = type == gguf_type::f16 ? f32_to_f16(value) : f32_to_bf16(value);
  std::memcpy(out, &half, sizeof half);
}

inline float decode_number(gguf_type type, std::uint8_t const* bytes) {
  if (type == gguf_type::f32) {
    float value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  std::uint16_t half;
  std::memcpy(&half, bytes, sizeof half);
  return type == gguf_type::f16 ? f16_to_f32(half) : bf16_to_f32(half);
}

/// The largest magnitude that the type's f16 scale, or f16 itself, can stand for.
inline float largest_of(gguf_type type) {
  constexpr float f16 = 65504;
  if (type == gguf_type::f32 || type == gguf_type::bf16) return std::numeric_limits<float>::max();
  if (type == gguf_type::q4_0) return f16 * 8;
  if (type == gguf_type::q8_0) return f16 * 127;
  return f16;
}

inline void check_row(gguf_type type, std::span<float const> values) {
  float const largest = largest_of(type);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::abs(values[i]) <= largest) continue;
    std::ostringstream message;
    message << "the weight " << values[i] << " of input " << i << " cannot be stored as " << to_string(type)
            << "; expected finite weights of at most " << largest << " in magnitude";
    throw input_error(message.str());
  }
}

inline void check_sizes(gguf_type type, std::size_t numbers, std::size_t bytes) {
  auto const cols = static_cast<index>(numbers);
  AMQ_EXPECTS(gguf_type_fits(type, cols), std::string(to_string(type)) + " takes rows of whole blocks of " +
                                              std::to_string(facts_of(type).numbers) + ", not " + std::to_string(cols) +
                                              " inputs");
  AMQ_EXPECTS(static_cast<index>(bytes) == gguf_row_bytes(type, cols),
              "a row of " + std::to_string(cols) + " inputs takes " + std::to_string(gguf_row_bytes(type, cols)) +
                  " bytes as " + to_string(type) + ", not " + std::to_string(bytes));
}

}  // namespace detail

/// Writes `values`, a row of whole blocks, as `type` into `out` (gguf_row_bytes). The K types minimise the squared
/// error of the numbers as they will be read, each weighted by `importance`: one positive number an input, usually the
/// mean square of that input over calibration tokens; empty: all alike. Q4_0 and Q8_0 are llama.cpp's, bit for bit, and
/// ignore `importance`; F16 and BF16 round half to even. O(inputs), about 150 evaluations of each number for Q2_K. Same
/// input, same bytes. Throws input_error for a weight that is not finite or too large for f16 scales; the caller adds
/// the layer's name.
inline void encode_gguf_row(gguf_type type, std::span<float const> values, std::span<float const> importance,
                            std::span<std::byte> out) {
  detail::check_sizes(type, values.size(), out.size());
  detail::check_row(type, values);
  AMQ_EXPECTS(importance.empty() || importance.size() == values.size(),
              "encode_gguf_row needs one importance an input or none, not " + std::to_string(importance.size()));
  auto* const bytes = reinterpret_cast<std::uint8_t*>(out.data());
  auto const& facts = facts_of(type);
  if (facts.numbers == detail::k_block_size)
    return detail::with_k_type(type, [&]<gguf_type Type>() { detail::encode_k_row<Type>(values, importance, bytes); });
  for (index block = 0; block < std::ssize(values) / facts.numbers; ++block) {
    float const* const from = values.data() + block * facts.numbers;
    std::uint8_t* const to = bytes + block * facts.bytes;
    if (type == gguf_type::q4_0)
      detail::write_q4_0(from, to);
    else if (type == gguf_type::q8_0)
      detail::write_q8_0(from, to);
    else
      detail::encode_number(type, *from, to);
  }
}

/// The numbers that `bytes` stand for: the same bits as the `gguf` Python package's. Any bytes are valid.
inline void decode_gguf_row(gguf_type type, std::span<std::byte const> bytes, std::span<float> out) {
  detail::check_sizes(type, out.size(), bytes.size());
  auto const* const from = reinterpret_cast<std::uint8_t const*>(bytes.data());
  auto const& facts = facts_of(type);
  if (facts.numbers == detail::k_block_size)
    return detail::with_k_type(type, [&]<gguf_type Type>() { detail::decode_k_row<Type>(from, out); });
  for (index block = 0; block < std::ssize(out) / facts.numbers; ++block) {
    std::uint8_t const* const at = from + block * facts.bytes;
    float* const to = out.data() + block * facts.numbers;
    if (type == gguf_type::q4_0)
      detail::read_q4_0(at, to);
    else if (type == gguf_type::q8_0)
      detail::read_q8_0(at, to);
    else
      *to = detail::decode_number(type, at);
  }
}

}  // namespace amq
