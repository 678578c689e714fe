// Which tensors a model is made of, by name and shape, as its config.json implies; checked against the file's headers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/io/checkpoint.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/model/config.hpp"

namespace amq {

/// Positions within a block, the `kind` of a linear layer.
enum class linear_kind : std::uint8_t { query, key, value, output, gate, up, down };
inline constexpr int linears_per_block = 7;

struct expected_tensor {
  std::string name;
  std::vector<index> shape;
};

/// `linears` in checkpoint order; `others` is everything else that the forward pass reads, a tied head once.
struct model_layout {
  std::vector<linear_layer> linears;
  std::vector<expected_tensor> others;
  std::string embedding;  ///< name of the (vocabulary, hidden) embeddings
  std::string head;       ///< name of the (vocabulary, hidden) output head; the embeddings' when tied
};

namespace detail {

inline std::string block_name(int block) { return "model.layers." + std::to_string(block) + "."; }

inline bool has_bias(model_config const& config, int kind) {
  switch (static_cast<linear_kind>(kind)) {
    case linear_kind::query:
    case linear_kind::key:
    case linear_kind::value:
      return config.query_key_value_bias;
    case linear_kind::output:
      return config.output_bias;
    case linear_kind::gate:
    case linear_kind::up:
    case linear_kind::down:
      return config.feed_forward_bias;
  }
  return false;
}

inline void add_block(model_layout& layout, model_config const& config, int block) {
  struct projection {
    char const* name;
    index rows;
    index cols;
  };
  index const query = config.query_width(block);
  index const key_value = config.key_value_width(block);
  index const intermediate = config.shape(block).intermediate;
  std::array<projection, linears_per_block> const projections{{{"self_attn.q_proj", query, config.hidden},
                                                               {"self_attn.k_proj", key_value, config.hidden},
                                                               {"self_attn.v_proj", key_value, config.hidden},
                                                               {"self_attn.o_proj", config.hidden, query},
                                                               {"mlp.gate_proj", intermediate, config.hidden},
                                                               {"mlp.up_proj", intermediate, config.hidden},
                                                               {"mlp.down_proj", config.hidden, intermediate}}};
  std::string const prefix = block_name(block);
  for (int kind = 0; kind < linears_per_block; ++kind) {
    auto const& [name, rows, cols] = projections[static_cast<std::size_t>(kind)];
    layout.linears.push_back({prefix + name, rows, cols, block, kind});
    if (has_bias(config, kind)) layout.others.push_back({prefix + name + ".bias", {rows}});
  }
  layout.others.push_back({prefix + "input_layernorm.weight", {config.hidden}});
  layout.others.push_back({prefix + "post_attention_layernorm.weight", {config.hidden}});
  if (!config.query_key_norm) return;
  layout.others.push_back({prefix + "self_attn.q_norm.weight", {config.head_size}});
  layout.others.push_back({prefix + "self_attn.k_norm.weight", {config.head_size}});
}

/// Shape and dtype as the header has them; the data is not touched.
inline void check_tensor(checkpoint const& source, expected_tensor const& expected) {
  auto const& found = source.tensor(expected.name);
  auto const refuse = [&](std::string const& what, std::string const& wanted) {
    throw input_error(printable_path(source.file_of(expected.name)) + ": tensor '" + expected.name + "' has " + what +
                      "; expected " + wanted);
  };
  if (found.shape != expected.shape)
    refuse("shape " + to_string(std::span<index const>(found.shape)),
           to_string(std::span<index const>(expected.shape)) + " from config.json");
  if (!is_float(found.type)) refuse("dtype " + std::string(to_string(found.type)), "F32, F16 or BF16");
}

}  // namespace detail

/// The linear layers of a model in checkpoint order, from its config alone.
inline std::vector<linear_layer> linears_of(model_config const& config) {
  model_layout layout;
  for (int block = 0; block < config.blocks; ++block) detail::add_block(layout, config, block);
  return layout.linears;
}

/// The tensor of a linear layer's matrix.
inline expected_tensor weight_of(linear_layer const& linear) {
  return {linear.name + ".weight", {linear.rows, linear.cols}};
}

/// What `config` implies, with everything but the linear layers' matrices there and of the right shape: quantized files
/// hold those in forms of their own. A tied head may be stored under either of its two names. Throws input_error that
/// names the tensor, what it is and what it should be. O(tensors); tensors that the forward pass does not read are not
/// looked at.
inline model_layout checked_layout_of_others(model_config const& config, checkpoint const& source) {
  model_layout layout;
  layout.embedding = "model.embed_tokens.weight";
  layout.head = "lm_head.weight";
  if (config.tied_head) {
    if (!source.contains(layout.embedding) && source.contains(layout.head)) layout.embedding = layout.head;
    layout.head = layout.embedding;
  }
  layout.others.push_back({layout.embedding, {config.vocabulary, config.hidden}});
  for (int block = 0; block < config.blocks; ++block) detail::add_block(layout, config, block);
  layout.others.push_back({"model.norm.weight", {config.hidden}});
  if (!config.tied_head) layout.others.push_back({layout.head, {config.vocabulary, config.hidden}});
  for (auto const& other : layout.others) detail::check_tensor(source, other);
  return layout;
}

/// The same with the linear layers' matrices there, too, in the dtypes of floats.
inline model_layout checked_layout(model_config const& config, checkpoint const& source) {
  auto layout = checked_layout_of_others(config, source);
  for (auto const& linear : layout.linears) detail::check_tensor(source, weight_of(linear));
  return layout;
}

/// Bytes in the source's dtypes of everything but the linear layers' matrices.
inline std::int64_t other_bytes(model_layout const& layout, checkpoint const& source) {
  std::int64_t bytes = 0;
  for (auto const& other : layout.others) bytes += static_cast<std::int64_t>(source.tensor(other.name).bytes.size());
  return bytes;
}

/// The same where files of another format store some of them otherwise: `bits_of(name, shape, dtype)` each.
template <class BitsOf>
std::int64_t other_bytes(model_layout const& layout, checkpoint const& source, BitsOf const& bits_of) {
  std::int64_t bits = 0;
  for (auto const& other : layout.others)
    bits += bits_of(other.name, std::span<index const>(other.shape), source.tensor(other.name).type);
  return (bits + 7) / 8;
}

}  // namespace amq
