// A model in the numbers that a device's decoder is made of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>

#include "amq/cuda/device.hpp"
#include "amq/kernel/dense_rows.hpp"
#include "amq/model/block_parameters.hpp"
#include "amq/model/config.hpp"
#include "amq/model/llama.hpp"

namespace amq {

/// The same rows, as devices take them.
inline cuda::plain_rows device_rows(dense_rows const& rows) { return {rows.data, rows.type, rows.rows, rows.cols}; }

/// What a decoder needs of a model beside its linear layers. Views of the arguments: they must outlive the result.
inline cuda::decoder_shape decoder_shape_of(model_config const& config, std::span<block_parameters const> parameters,
                                            std::span<float const> final_norm, std::span<float const> frequencies,
                                            dense_rows const& embeddings, cuda::host_matrix head) {
  cuda::decoder_shape shape{.hidden = config.hidden,
                            .head_size = config.head_size,
                            .vocabulary = config.vocabulary,
                            .max_length = config.max_length,
                            .norm_epsilon = config.norm_epsilon,
                            .rope_frequencies = frequencies,
                            .final_norm = final_norm,
                            .embeddings = device_rows(embeddings),
                            .head = std::move(head)};
  for (int block = 0; block < config.blocks; ++block) {
    auto const at = static_cast<std::size_t>(block);
    auto const& own = parameters[at];
    auto const [heads, key_value_heads, intermediate] = config.shape(block);
    shape.blocks.push_back({.heads = heads,
                            .key_value_heads = key_value_heads,
                            .intermediate = intermediate,
                            .window = config.windows[at],
                            .attention_norm = own.attention_norm,
                            .feed_forward_norm = own.feed_forward_norm,
                            .query_norm = own.query_norm,
                            .key_norm = own.key_norm});
    std::copy(own.biases.begin(), own.biases.end(), shape.blocks.back().biases.begin());
  }
  return shape;
}

/// Of a model in a mapped folder, which must outlive the result.
inline cuda::decoder_shape decoder_shape_of(llama const& model) {
  return decoder_shape_of(model.config(), model.parameters(), model.final_norm(), model.frequencies(),
                          dense_rows::of(model.embedding_tensor()), device_rows(dense_rows::of(model.head_tensor())));
}

}  // namespace amq
