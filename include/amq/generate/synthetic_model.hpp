// A model of a given shape with random weights, made in memory: what it says is nonsense, how fast it says it is not.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/dtype.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/generate/running_model.hpp"
#include "amq/model/config.hpp"
#include "amq/model/known_shapes.hpp"
#include "amq/model/layout.hpp"

namespace amq {
namespace detail {

/// Random bytes, `size` a multiple of 8.
inline void fill_random(std::uint8_t* out, index size, random_stream& random) {
  for (index i = 0; i < size; i += 8) {
    std::uint64_t const word = random.engine()();
    std::memcpy(out + i, &word, 8);
  }
}

/// Random numbers of magnitude [2^-7, 2^-6) in F32, F16 or BF16: sign and mantissa are drawn, the exponent is fixed.
inline matrix<std::uint8_t> random_rows(index rows, index cols, dtype type, random_stream& random) {
  constexpr std::uint64_t every_16 = 0x0001000100010001, every_32 = 0x0000000100000001;
  std::uint64_t drawn = every_32 * 0x807fffffu, fixed = every_32 * 0x3c000000u;
  if (type == dtype::bf16) drawn = every_16 * 0x807fu, fixed = every_16 * 0x3c00u;
  if (type == dtype::f16) drawn = every_16 * 0x83ffu, fixed = every_16 * 0x2000u;
  index const bytes = rows * cols * item_bytes(type);
  matrix<std::uint8_t> data(1, (bytes + 7) / 8 * 8);
  for (index i = 0; i < bytes; i += 8) {
    std::uint64_t const word = (random.engine()() & drawn) | fixed;
    std::memcpy(data.data() + i, &word, 8);
  }
  return data;
}

/// Random codes in tiles; zeros in the middle of the codes, scales that make weights of magnitudes up to 2^-6. Rows
/// that only fill the last tile have a scale and a zero of 0.
inline matrix<std::uint8_t> random_tiles(index rows, index cols, tile_layout layout, random_stream& random) {
  matrix<std::uint8_t> data(1, layout.bytes(rows, cols));
  std::uint16_t const scale = f32_to_f16(0x1p-5f / static_cast<float>(1 << layout.bits));
  std::uint16_t const zero = f32_to_f16(static_cast<float>(1 << (layout.bits - 1)));
  std::uint8_t* out = data.data();
  for (index at = 0; at < tile_layout::tiles(rows); ++at)
    for (index group = 0; group < layout.groups(cols); ++group, out += layout.block_bytes()) {
      fill_random(out, layout.code_bytes(), random);
      index const filled = std::min(tile_layout::tile_rows, rows - at * tile_layout::tile_rows);
      for (index r = 0; r < filled; ++r) {
        std::uint8_t* const parameters = out + layout.code_bytes() + 2 * r;
        std::memcpy(parameters, &scale, 2);
        std::memcpy(parameters + 2 * tile_layout::tile_rows, &zero, 2);
      }
    }
  return data;
}

inline block_parameters plain_parameters(model_config const& config, int block) {
  std::vector<float> const ones(static_cast<std::size_t>(config.hidden), 1.0f);
  block_parameters own{ones, ones, {}, {}, {}};
  if (config.query_key_norm) own.query_norm = own.key_norm = {ones.begin(), ones.begin() + config.head_size};
  auto const rows = [&](int kind) {
    switch (static_cast<linear_kind>(kind)) {
      case linear_kind::query:
        return config.query_width(block);
      case linear_kind::key:
      case linear_kind::value:
        return config.key_value_width(block);
      case linear_kind::gate:
      case linear_kind::up:
        return config.shape(block).intermediate;
      default:
        return config.hidden;
    }
  };
  for (int kind = 0; kind < linears_per_block; ++kind)
    if (has_bias(config, kind))
      own.biases[static_cast<std::size_t>(kind)].assign(static_cast<std::size_t>(rows(kind)), 0.0f);
  return own;
}

}  // namespace detail

/// Bytes that a layer takes in memory in a model that runs. Throws input_error for a format without a kernel.
inline std::int64_t running_bytes(linear_layer const& layer, format f, dtype plain = dtype::bf16) {
  if (f.kept()) return layer.rows * layer.cols * item_bytes(plain);
  if (auto const refusal = tile_layout::refusal(f, layer.cols); !refusal.empty())
    throw input_error(layer.name + ": " + refusal);
  return tile_layout{f.bits, f.group}.bytes(layer.rows, layer.cols);
}

/// Bytes that synthetic_model(config, formats) takes: matrices and one of (vocabulary, hidden).
inline std::int64_t synthetic_bytes(model_config const& config, std::span<format const> formats,
                                    dtype plain = dtype::bf16) {
  std::int64_t bytes = config.vocabulary * config.hidden * item_bytes(plain);
  auto const layers = linears_of(config);
  AMQ_EXPECTS(layers.size() == formats.size(), "a synthetic model needs a format for each of " +
                                                   std::to_string(layers.size()) + " layers, not " +
                                                   std::to_string(formats.size()));
  for (std::size_t i = 0; i < layers.size(); ++i) bytes += running_bytes(layers[i], formats[i], plain);
  return bytes;
}

/// The most of the first blocks that fit into so many bytes with every layer in this format. Throws input_error when
/// not even one does, and for a format without a kernel.
inline int blocks_within(model_config const& config, format f, std::int64_t bytes, dtype plain = dtype::bf16) {
  auto const needed = [&](int blocks) {
    auto const part = first_blocks(config, blocks);
    std::vector<format> const formats(static_cast<std::size_t>(blocks * linears_per_block), f);
    return synthetic_bytes(part, formats, plain);
  };
  if (needed(1) > bytes)
    throw input_error("one block of this shape in the format " + spelling(f) + " and its head take " +
                      std::to_string(needed(1) >> 20) + " MiB and " + std::to_string(bytes >> 20) +
                      " are given; give more memory, or choose a smaller shape");
  int low = 1, high = config.blocks;
  while (low < high) {
    int const middle = low + (high - low + 1) / 2;
    if (needed(middle) <= bytes)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

/// A model of this shape whose linear layers are stored in `formats`, one each in checkpoint order; what is kept, and
/// embeddings and head, which share their memory, are rows of `plain`. Weights are random numbers near 0.01, norms 1,
/// biases 0. Same seed, same bits. O(bytes). Throws input_error for a format without a kernel.
inline running_model synthetic_model(model_config const& config, std::span<format const> formats, std::uint64_t seed,
                                     dtype plain = dtype::bf16) {
  synthetic_bytes(config, formats, plain);  // refuses before anything is made
  auto const memory = std::make_shared<std::vector<matrix<std::uint8_t>>>();
  auto const rows_of = [&](index rows, index cols, random_stream& random) {
    memory->push_back(detail::random_rows(rows, cols, plain, random));
    return dense_rows{reinterpret_cast<std::byte const*>(memory->back().data()), plain, rows, cols};
  };
  running_model::parts all{config};
  auto const layers = linears_of(config);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    random_stream random(seed, i + 1);
    auto const& [rows, cols] = std::pair(layers[i].rows, layers[i].cols);
    if (formats[i].kept()) {
      all.linears.emplace_back(rows_of(rows, cols, random));
      continue;
    }
    tile_layout const layout{formats[i].bits, formats[i].group};
    memory->push_back(detail::random_tiles(rows, cols, layout, random));
    all.linears.emplace_back(tiled_view{memory->back().data(), rows, cols, layout});
  }
  for (int block = 0; block < config.blocks; ++block) all.parameters.push_back(detail::plain_parameters(config, block));
  all.final_norm.assign(static_cast<std::size_t>(config.hidden), 1.0f);
  random_stream random(seed);
  all.embeddings = all.head = rows_of(config.vocabulary, config.hidden, random);
  all.memory = memory;
  return running_model(std::move(all));
}

}  // namespace amq
