// What a tensor's elements are: the types of checkpoints by name and size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "amq/core/matrix.hpp"

namespace amq {

/// Element types of the safetensors format that amq knows.
enum class dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

namespace detail {

struct dtype_facts {
  dtype type;
  char const* name;
  index bytes;
};
inline constexpr std::array<dtype_facts, 13> dtype_table{{{dtype::f64, "F64", 8},
                                                          {dtype::f32, "F32", 4},
                                                          {dtype::f16, "F16", 2},
                                                          {dtype::bf16, "BF16", 2},
                                                          {dtype::i64, "I64", 8},
                                                          {dtype::i32, "I32", 4},
                                                          {dtype::i16, "I16", 2},
                                                          {dtype::i8, "I8", 1},
                                                          {dtype::u64, "U64", 8},
                                                          {dtype::u32, "U32", 4},
                                                          {dtype::u16, "U16", 2},
                                                          {dtype::u8, "U8", 1},
                                                          {dtype::boolean, "BOOL", 1}}};

}  // namespace detail

constexpr char const* to_string(dtype type) { return detail::dtype_table[static_cast<std::size_t>(type)].name; }
constexpr index item_bytes(dtype type) { return detail::dtype_table[static_cast<std::size_t>(type)].bytes; }
constexpr bool is_float(dtype type) { return type == dtype::f32 || type == dtype::f16 || type == dtype::bf16; }

/// Nothing for a name that amq does not know.
inline std::optional<dtype> parse_dtype(std::string_view name) {
  for (auto const& facts : detail::dtype_table)
    if (name == facts.name) return facts.type;
  return std::nullopt;
}

}  // namespace amq
