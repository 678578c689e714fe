// How GGUF files store a tensor's numbers: types, their blocks, and which of them stands for a format of ours.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "amq/core/dtype.hpp"
#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// Numbered as in the files. The K types take blocks of 256 inputs with scales that are quantized themselves.
enum class gguf_type : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  bf16 = 30
};

/// A row is cut into blocks of `numbers` inputs that take `bytes` each.
struct gguf_type_facts {
  gguf_type type;
  char const* name;  ///< as llama.cpp prints it
  index numbers;
  index bytes;
};

namespace detail {

inline constexpr std::array<gguf_type_facts, 10> gguf_type_table{{{gguf_type::f32, "F32", 1, 4},
                                                                  {gguf_type::f16, "F16", 1, 2},
                                                                  {gguf_type::q4_0, "Q4_0", 32, 18},
                                                                  {gguf_type::q8_0, "Q8_0", 32, 34},
                                                                  {gguf_type::q2_k, "Q2_K", 256, 84},
                                                                  {gguf_type::q3_k, "Q3_K", 256, 110},
                                                                  {gguf_type::q4_k, "Q4_K", 256, 144},
                                                                  {gguf_type::q5_k, "Q5_K", 256, 176},
                                                                  {gguf_type::q6_k, "Q6_K", 256, 210},
                                                                  {gguf_type::bf16, "BF16", 1, 2}}};

}  // namespace detail

constexpr gguf_type_facts const& facts_of(gguf_type type) {
  return *std::find_if(detail::gguf_type_table.begin(), detail::gguf_type_table.end(),
                       [type](gguf_type_facts const& facts) { return facts.type == type; });
}

constexpr char const* to_string(gguf_type type) { return facts_of(type).name; }

/// Nothing for a number that is none of the above: GGUF has more types than amq writes and reads.
constexpr std::optional<gguf_type> gguf_type_of_number(std::uint32_t number) {
  for (auto const& facts : detail::gguf_type_table)
    if (static_cast<std::uint32_t>(facts.type) == number) return facts.type;
  return std::nullopt;
}

/// "Q4_K" or "q4_k"; nothing for other names.
inline std::optional<gguf_type> parse_gguf_type(std::string_view name) {
  auto const upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  for (auto const& facts : detail::gguf_type_table)
    if (std::ranges::equal(std::string_view(facts.name), name, {}, {}, upper)) return facts.type;
  return std::nullopt;
}

/// Whether rows of `cols` inputs are whole blocks.
constexpr bool gguf_type_fits(gguf_type type, index cols) { return cols > 0 && cols % facts_of(type).numbers == 0; }

/// Bytes of one row; `cols` must be whole blocks.
constexpr index gguf_row_bytes(gguf_type type, index cols) {
  return cols / facts_of(type).numbers * facts_of(type).bytes;
}

/// The type that holds a format on rows of `cols` inputs: its bits alone decide, because these types have groups of
/// their own. 2, 3, 5 and 6 bits are K types (256 inputs a block); 4 bits is Q4_K where it fits, else Q4_0 (32 inputs,
/// 4.5 bits a weight like Q4_K, but one scale without a minimum); 8 bits is Q8_0. Nothing where no type fits, and for
/// kept layers, which stay in the type of their source.
constexpr std::optional<gguf_type> gguf_type_for(format f, index cols) {
  if (f.kept() || f.stacked() || f.kept_columns > 0) return std::nullopt;
  std::optional<gguf_type> type;
  if (f.bits == 2) type = gguf_type::q2_k;
  if (f.bits == 3) type = gguf_type::q3_k;
  if (f.bits == 4) type = gguf_type_fits(gguf_type::q4_k, cols) ? gguf_type::q4_k : gguf_type::q4_0;
  if (f.bits == 5) type = gguf_type::q5_k;
  if (f.bits == 6) type = gguf_type::q6_k;
  if (f.bits == 8) type = gguf_type::q8_0;
  return type && gguf_type_fits(*type, cols) ? type : std::nullopt;
}

/// Why `gguf_type_for` finds none, as part of a sentence; empty where it finds one, and for kept layers.
inline std::string gguf_refusal(format f, index cols) {
  if (f.kept() || gguf_type_for(f, cols)) return "";
  if (f.stacked() || f.kept_columns > 0 || f.bits == 7 || f.bits < 2 || f.bits > 8)
    return "gguf holds plain formats of 2, 3, 4, 5, 6 and 8 bits";
  return "gguf needs a multiple of " + std::string(f.bits == 4 || f.bits == 8 ? "32" : "256") + " inputs for " +
         std::to_string(f.bits) + " bits, not " + std::to_string(cols) + "; " +
         (cols % 32 == 0 ? "4 and 8 bits fit" : "only kept16 fits");
}

inline constexpr index gguf_alignment = 32;  ///< bytes that a tensor's place is a multiple of

constexpr std::int64_t gguf_aligned(std::int64_t bytes) {
  return (bytes + gguf_alignment - 1) / gguf_alignment * gguf_alignment;
}

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
