// Rows on their way through the transformer's blocks: the arithmetic of model/cached_llama.hpp on the device.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/attention.cuh"
#include "amq/cuda/attention/prepare.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/decoder_weights.cuh"
#include "amq/cuda/decoder/layer_extent.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/embedding/embed.cuh"
#include "amq/cuda/feed_forward/swiglu.cuh"
#include "amq/cuda/norm/rms_norm.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// A decoder's sizes.
struct decoder_sizes {
  struct block {
    int heads = 0;
    int key_value_heads = 0;
    int intermediate = 0;
    int window = 0;
    int key_value_heads_before = 0;  ///< those of all blocks before it: where its part of a cache begins
  };
  int hidden = 0;
  int head_size = 0;
  int vocabulary = 0;
  float norm_epsilon = 0;
  std::vector<block> blocks;

  explicit decoder_sizes(decoder_shape const& shape)
      : hidden(static_cast<int>(shape.hidden)),
        head_size(static_cast<int>(shape.head_size)),
        vocabulary(static_cast<int>(shape.vocabulary)),
        norm_epsilon(shape.norm_epsilon) {
    int before = 0;
    for (auto const& b : shape.blocks) {
      blocks.push_back({static_cast<int>(b.heads), static_cast<int>(b.key_value_heads),
                        static_cast<int>(b.intermediate), static_cast<int>(b.window), before});
      before += blocks.back().key_value_heads;
    }
  }

  /// The most that any block has of something.
  template <class Of>
  int most(Of const& of) const {
    int largest = 0;
    for (auto const& b : blocks) largest = std::max(largest, of(b));
    return largest;
  }
  int most_heads() const {
    return most([](block const& b) { return b.heads; });
  }
  int most_key_value_heads() const {
    return most([](block const& b) { return b.key_value_heads; });
  }
  int most_intermediate() const {
    return most([](block const& b) { return b.intermediate; });
  }
  /// Of all blocks together: a cache holds `capacity * head_size` keys for each.
  int all_key_value_heads() const {
    return blocks.empty() ? 0 : blocks.back().key_value_heads_before + blocks.back().key_value_heads;
  }

  /// Outputs and inputs of the seven linear layers of each block.
  std::vector<layer_extent> layers() const {
    std::vector<layer_extent> all;
    for (auto const& b : blocks) {
      int const query = b.heads * head_size, key = b.key_value_heads * head_size;
      for (auto const& layer : {layer_extent{query, hidden}, layer_extent{key, hidden}, layer_extent{key, hidden},
                                layer_extent{hidden, query}, layer_extent{b.intermediate, hidden},
                                layer_extent{b.intermediate, hidden}, layer_extent{hidden, b.intermediate}})
        all.push_back(layer);
    }
    return all;
  }
};

/// The sequences that a pass reads on, and where their keys and values go.
template <class Number>
struct pass_rows {
  int tokens = 0;  ///< of all sequences
  int sequences = 0;
  int most_rows = 0;                            ///< of one sequence
  int most_keys = 0;                            ///< that one query may see
  sequence_rows<Number> const* rows = nullptr;  ///< on the device
  bool all_blocks = false;                      ///< caches hold all blocks' keys; else one block's at a time

  sequence_batch<Number> batch(decoder_sizes const& sizes, int block) const {
    auto const before = sizes.blocks[static_cast<std::size_t>(block)].key_value_heads_before;
    return {rows, sequences, most_rows, most_keys, all_blocks ? before : 0};
  }
};

/// What a pass of so many tokens works in; reused from pass to pass. The residual stream is f32. Move-only.
template <class Number>
struct pass_buffers {
  device_buffer<float> hidden;   ///< (tokens, hidden)
  device_buffer<Number> normed;  ///< (tokens, hidden)
  device_buffer<float> query;    ///< (tokens, heads * head size), as products write them; so are the next two
  device_buffer<float> key;
  device_buffer<float> value;
  device_buffer<Number> queries;   ///< rotated
  device_buffer<Number> attended;  ///< (tokens, heads * head size)
  device_buffer<float> gate;       ///< (tokens, intermediate)
  device_buffer<float> up;
  device_buffer<Number> gated;
  attention_workspace attention;

  void reserve(decoder_sizes const& sizes, int tokens, cudaStream_t stream) {
    auto const rows = static_cast<std::size_t>(tokens);
    auto const size = static_cast<std::size_t>(sizes.head_size);
    auto const query_width = size * static_cast<std::size_t>(sizes.most_heads());
    auto const key_width = size * static_cast<std::size_t>(sizes.most_key_value_heads());
    auto const inner = static_cast<std::size_t>(sizes.most_intermediate());
    hidden.reserve(rows * static_cast<std::size_t>(sizes.hidden), stream);
    normed.reserve(rows * static_cast<std::size_t>(sizes.hidden), stream);
    query.reserve(rows * query_width, stream);
    key.reserve(rows * key_width, stream);
    value.reserve(rows * key_width, stream);
    queries.reserve(rows * query_width, stream);
    attended.reserve(rows * query_width, stream);
    gate.reserve(rows * inner, stream);
    up.reserve(rows * inner, stream);
    gated.reserve(rows * inner, stream);
  }

  /// What attention needs for such a pass: before it is recorded in a graph.
  void reserve_attention(decoder_sizes const& sizes, pass_rows<Number> const& pass, cudaStream_t stream) {
    for (int block = 0; block < static_cast<int>(sizes.blocks.size()); ++block) {
      auto const& shape = sizes.blocks[static_cast<std::size_t>(block)];
      attention.reserve({shape.heads, shape.key_value_heads, sizes.head_size}, pass.batch(sizes, block), stream);
    }
  }

  /// What `reserve` takes, bytes.
  static std::int64_t bytes(decoder_sizes const& sizes, int tokens) {
    std::int64_t const query = std::int64_t{sizes.head_size} * sizes.most_heads();
    std::int64_t const key = std::int64_t{sizes.head_size} * sizes.most_key_value_heads();
    std::int64_t const number = sizeof(Number);
    return tokens * (sizes.hidden * (4 + number) + query * (4 + 2 * number) + 8 * key +
                     sizes.most_intermediate() * (8 + number));
  }
};

/// Runs all blocks over buffers.hidden and leaves the final-normed rows in buffers.normed. Every linear layer is
/// multiplied by `multiply(layer, x, y, accumulate)`. Asynchronous.
template <class Number, class Multiply>
void run_blocks(decoder_sizes const& sizes, decoder_weights<Number> const& weights, pass_rows<Number> const& pass,
                pass_buffers<Number>& buffers, Multiply const& multiply, cudaStream_t stream) {
  auto const norm = [&](float const* by) {
    rms_norm(buffers.hidden.data(), by, sizes.norm_epsilon, pass.tokens, sizes.hidden, buffers.normed.data(), stream);
  };
  int layer = 0;
  for (std::size_t block = 0; block < sizes.blocks.size(); ++block, layer += 7) {
    auto const& shape = sizes.blocks[block];
    auto const& own = weights.blocks[block];
    head_shape const heads{shape.heads, shape.key_value_heads, sizes.head_size};
    auto const batch = pass.batch(sizes, static_cast<int>(block));
    norm(own.attention_norm);
    multiply(layer, buffers.normed.data(), buffers.query.data(), false);
    multiply(layer + 1, buffers.normed.data(), buffers.key.data(), false);
    multiply(layer + 2, buffers.normed.data(), buffers.value.data(), false);
    prepare_attention({buffers.query.data(), buffers.key.data(), buffers.value.data(), own.biases[0], own.biases[1],
                       own.biases[2], own.query_norm, own.key_norm, sizes.norm_epsilon, weights.frequencies},
                      heads, batch, buffers.queries.data(), stream);
    attention(buffers.queries.data(), heads, shape.window, batch, buffers.attended.data(), buffers.attention, stream);
    multiply(layer + 3, buffers.attended.data(), buffers.hidden.data(), true);
    if (own.biases[3] != nullptr) add_bias(buffers.hidden.data(), own.biases[3], pass.tokens, sizes.hidden, stream);
    norm(own.feed_forward_norm);
    multiply(layer + 4, buffers.normed.data(), buffers.gate.data(), false);
    multiply(layer + 5, buffers.normed.data(), buffers.up.data(), false);
    swiglu(buffers.gate.data(), buffers.up.data(), own.biases[4], own.biases[5], pass.tokens, shape.intermediate,
           buffers.gated.data(), stream);
    multiply(layer + 6, buffers.gated.data(), buffers.hidden.data(), true);
    if (own.biases[6] != nullptr) add_bias(buffers.hidden.data(), own.biases[6], pass.tokens, sizes.hidden, stream);
  }
  norm(weights.final_norm);
}

/// Embeddings of tokens (on the device) into buffers.hidden. Asynchronous.
template <class Number>
void embed_tokens(decoder_sizes const& sizes, decoder_weights<Number> const& weights, std::int32_t const* tokens,
                  int count, pass_buffers<Number>& buffers, cudaStream_t stream) {
  auto const by = [&]<class Table>(Table const* table) {
    embed(table, tokens, count, sizes.hidden, buffers.hidden.data(), stream);
  };
  if (weights.table_type == dtype::f32) return by(static_cast<float const*>(weights.table()));
  if (weights.table_type == dtype::f16) return by(static_cast<f16 const*>(weights.table()));
  by(static_cast<bf16 const*>(weights.table()));
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
