// What a block has beside its linear layers' matrices: norms and biases, in f32.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "amq/model/config.hpp"
#include "amq/model/layout.hpp"

namespace amq {

struct block_parameters {
  std::vector<float> attention_norm;
  std::vector<float> feed_forward_norm;
  std::vector<float> query_norm;  ///< (head size), empty without q/k norms; so is the next
  std::vector<float> key_norm;
  std::array<std::vector<float>, linears_per_block> biases;  ///< empty where a layer has none
};

/// `read(name)` gives the values of a norm's or a bias's tensor.
template <class Read>
block_parameters read_block_parameters(model_config const& config, model_layout const& layout, int block,
                                       Read const& read) {
  std::string const prefix = detail::block_name(block);
  block_parameters own;
  own.attention_norm = read(prefix + "input_layernorm.weight");
  own.feed_forward_norm = read(prefix + "post_attention_layernorm.weight");
  if (config.query_key_norm) {
    own.query_norm = read(prefix + "self_attn.q_norm.weight");
    own.key_norm = read(prefix + "self_attn.k_norm.weight");
  }
  for (int kind = 0; kind < linears_per_block; ++kind) {
    auto const& linear = layout.linears[static_cast<std::size_t>(block * linears_per_block + kind)];
    if (detail::has_bias(config, kind)) own.biases[static_cast<std::size_t>(kind)] = read(linear.name + ".bias");
  }
  return own;
}

}  // namespace amq
