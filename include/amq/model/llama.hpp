// The Llama family (Llama, Mistral, Qwen 2, Qwen 3) on the host: a causal_model whose linear layers are supplied.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/core/error.hpp"
#include "amq/core/simd/attention.hpp"
#include "amq/core/simd/elementwise.hpp"
#include "amq/io/checkpoint.hpp"
#include "amq/io/fingerprint.hpp"
#include "amq/model/block_parameters.hpp"
#include "amq/model/config.hpp"
#include "amq/model/fold_group.hpp"
#include "amq/model/layout.hpp"
#include "amq/model/norm.hpp"
#include "amq/model/projections.hpp"
#include "amq/model/rope.hpp"

namespace amq {

/// What `inspect` finds out from config and headers alone.
struct model_summary {
  model_config config;
  std::vector<linear_layer> linears;  ///< checkpoint order
  std::int64_t parameters = 0;        ///< numbers in all tensors that the model reads, a tied head once
  std::int64_t other_bytes = 0;       ///< bytes in the source's dtypes of all but the linear layers' matrices

  struct other_tensor {
    std::string name;
    std::vector<index> shape;
    dtype type;
  };
  std::vector<other_tensor> others;  ///< what these bytes are of
};

/// One sequence on its way through the blocks. `hidden` (tokens, hidden size) is all that a block hands to the next;
/// the rest are buffers that are reused. One a thread; move-only.
struct llama_state {
  matrix<float> hidden;
  matrix<float> normed;
  matrix<float> query;
  matrix<float> key;
  matrix<float> value;
  matrix<float> attended;
  matrix<float> gate;
  matrix<float> up;  ///< where gate and up cannot be fused
  std::vector<float> attention_scratch;
  rope_table rope;
};

namespace detail {

inline void fit(matrix<float>& buffer, index rows, index cols) {
  if (buffer.rows() != rows || buffer.cols() != cols) buffer = matrix<float>(rows, cols);
}

}  // namespace detail

/// Norms, biases, embeddings and head are held in f32; the linear layers' matrices stay in the mapped file until
/// `weight` asks for one. All members are const and safe to call from several threads, each with a state of its own.
/// Arithmetic is f32; the same inputs give the same bits on any thread.
class llama {
 public:
  using state = llama_state;

  /// Opens a Hugging Face folder. Throws input_error for a malformed or unsupported config, a tensor that is missing or
  /// of another shape, and for NaN or infinite weights, which it names. Reads all weights once.
  static llama load(std::filesystem::path const& folder) {
    auto config = load_config(folder);
    return llama(std::move(config), amq::checkpoint(folder));
  }

  /// Reads config and headers only: milliseconds, whatever the checkpoint's size.
  static model_summary inspect(std::filesystem::path const& folder);

  std::span<linear_layer const> linears() const { return layout_.linears; }
  int blocks() const { return config_.blocks; }
  model_config const& config() const { return config_; }
  amq::checkpoint const& checkpoint() const { return checkpoint_; }

  /// (rows, cols) of linear layer `layer`, converted to f32 from the mapped file.
  matrix<float> weight(index layer) const { return read_matrix(weight_tensor(layer)); }
  dtype weight_dtype(index layer) const { return weight_tensor(layer).type; }

  /// The same as it lies in the mapped file.
  tensor_view const& weight_tensor(index layer) const {
    return checkpoint_.tensor(weight_of(layout_.linears[static_cast<std::size_t>(layer)]).name);
  }

  /// All tensors but the linear layers' matrices that the forward pass reads, a tied head once.
  std::span<expected_tensor const> others() const { return layout_.others; }

  /// Bytes in the source's dtypes of all but the linear layers' matrices, a tied head once.
  std::int64_t other_bytes() const { return amq::other_bytes(layout_, checkpoint_); }

  /// The same as files of another format store them, `bits_of(name, shape, dtype)` each.
  template <class BitsOf>
  std::int64_t other_bytes(BitsOf const& bits_of) const {
    return amq::other_bytes(layout_, checkpoint_, bits_of);
  }

  /// SHA-256 of all tensors of the checkpoint: name, dtype, shape and bytes, in order of the names. Reads everything.
  std::string fingerprint() const;

  /// Norms and biases, one a block; the last norm (hidden); radians a position for each pair of a head.
  std::span<block_parameters const> parameters() const { return parameters_; }
  std::span<float const> final_norm() const { return final_norm_; }
  std::span<float const> frequencies() const { return frequencies_; }

  /// (vocabulary, hidden) as they lie in the mapped file; the same tensor when tied.
  tensor_view const& embedding_tensor() const { return checkpoint_.tensor(layout_.embedding); }
  tensor_view const& head_tensor() const { return checkpoint_.tensor(layout_.head); }

  /// (vocabulary, hidden)
  matrix_view<float const> output_head() const { return config_.tied_head ? embeddings_.view() : head_.view(); }

  /// The state becomes the embeddings of a sequence at positions 0, 1, ...
  void embed(std::span<std::int32_t const> tokens, state& s) const;

  /// Runs transformer block i; every linear layer is multiplied through `weights`.
  template <linear_weights W>
  void block(int i, state& s, W const& weights) const {
    AMQ_EXPECTS(i >= 0 && i < blocks(),
                "llama::block got block " + std::to_string(i) + " of " + std::to_string(blocks()));
    attention(i, s, weights);
    feed_forward(i, s, weights);
  }

  /// First half of block i: adds the attention's output to the hidden states.
  template <linear_weights W>
  void attention(int i, state& s, W const& weights) const {
    prepare(i, s);
    auto const& own = parameters_[static_cast<std::size_t>(i)];
    detail::rms_norm_rows(s.hidden, own.attention_norm, config_.norm_epsilon, s.normed);
    using enum linear_kind;
    detail::project<3>(i, own, {query, key, value}, {s.query.view(), s.key.view(), s.value.view()}, s.normed, weights);
    if (config_.query_key_norm) {
      detail::rms_norm_heads(s.query, own.query_norm, config_.norm_epsilon);
      detail::rms_norm_heads(s.key, own.key_norm, config_.norm_epsilon);
    }
    s.rope.rotate(s.query);
    s.rope.rotate(s.key);
    simd::causal_attention(s.query, s.key, s.value, s.attended, attention_options(i), s.attention_scratch);
    detail::project<1>(i, own, {output}, {s.normed.view()}, s.attended, weights);
    simd::add(s.normed.data(), s.hidden.data(), s.hidden.size());
  }

  /// Second half of block i: adds the feed-forward network's output to the hidden states.
  template <linear_weights W>
  void feed_forward(int i, state& s, W const& weights) const {
    prepare(i, s);
    auto const& own = parameters_[static_cast<std::size_t>(i)];
    detail::rms_norm_rows(s.hidden, own.feed_forward_norm, config_.norm_epsilon, s.normed);
    detail::project_gated(i, own, s.normed, s.gate, s.up, weights);
    detail::project<1>(i, own, {linear_kind::down}, {s.normed.view()}, s.gate, weights);
    simd::add(s.normed.data(), s.hidden.data(), s.hidden.size());
  }

  /// Where scales of block i's inputs can be folded, in the order of the forward pass. The output projection has a
  /// group only where the value projection has its shape: never with fewer key/value heads than heads.
  std::vector<fold_group> fold_groups(int i) const;

  /// A norm's weights or a bias in f32, by the name of its tensor.
  std::vector<float> vector(std::string const& tensor) const { return read_vector(tensor); }

  /// Norms and biases take these values from now on, by the names of their tensors (AWQ folds its scales into them).
  /// Throws precondition_error for a tensor that is no norm or bias of the model, or has another length.
  void replace_vectors(std::map<std::string, std::vector<float>> values);

  /// Calls sink with the final-normed hidden states (tokens, hidden).
  template <class Sink>
  void head(state& s, Sink const& sink) const {
    detail::fit(s.normed, s.hidden.rows(), config_.hidden);
    detail::rms_norm_rows(s.hidden, final_norm_, config_.norm_epsilon, s.normed);
    sink(matrix_view<float const>(s.normed));
  }

 private:
  llama(model_config config, amq::checkpoint source);

  std::vector<float> read_vector(std::string const& name) const;
  static matrix<float> read_matrix(tensor_view const& tensor);
  void read_vectors();
  void check_finite(std::string const& name) const;
  void prepare(int block, state& s) const;

  simd::attention_options attention_options(int block) const {
    auto const shape = config_.shape(block);
    return {shape.heads, shape.key_value_heads, 1 / std::sqrt(static_cast<float>(config_.head_size)),
            config_.windows[static_cast<std::size_t>(block)]};
  }

  model_config config_;
  amq::checkpoint checkpoint_;
  model_layout layout_;
  std::vector<float> frequencies_;
  matrix<float> embeddings_;
  matrix<float> head_;  ///< empty when tied
  std::vector<float> final_norm_;
  std::vector<block_parameters> parameters_;
  std::map<std::string, std::vector<float>> replaced_;
};

inline llama::llama(model_config config, amq::checkpoint source)
    : config_(std::move(config)),
      checkpoint_(std::move(source)),
      layout_(checked_layout(config_, checkpoint_)),
      frequencies_(rope_frequencies(config_.rope, config_.head_size)) {
  for (auto const& linear : layout_.linears) check_finite(weight_of(linear).name);
  for (auto const& other : layout_.others) check_finite(other.name);
  embeddings_ = read_matrix(checkpoint_.tensor(layout_.embedding));
  if (!config_.tied_head) head_ = read_matrix(checkpoint_.tensor(layout_.head));
  read_vectors();
}

inline void llama::read_vectors() {
  final_norm_ = read_vector("model.norm.weight");
  parameters_.clear();
  auto const read = [this](std::string const& name) { return read_vector(name); };
  for (int block = 0; block < config_.blocks; ++block)
    parameters_.push_back(read_block_parameters(config_, layout_, block, read));
}

inline void llama::replace_vectors(std::map<std::string, std::vector<float>> values) {
  for (auto const& [name, replacement] : values) {
    auto const found = std::find_if(layout_.others.begin(), layout_.others.end(), [&name = name](auto const& other) {
      return other.name == name && other.shape.size() == 1;
    });
    AMQ_EXPECTS(found != layout_.others.end() && found->shape[0] == std::ssize(replacement),
                "llama::replace_vectors got " + std::to_string(replacement.size()) + " values for '" + name +
                    "', which is no norm or bias of that length");
  }
  replaced_ = std::move(values);
  read_vectors();
}

inline model_summary llama::inspect(std::filesystem::path const& folder) {
  model_summary summary;
  summary.config = load_config(folder);
  amq::checkpoint const source(folder);
  auto layout = checked_layout(summary.config, source);
  summary.other_bytes = amq::other_bytes(layout, source);
  for (auto const& linear : layout.linears) summary.parameters += linear.rows * linear.cols;
  for (auto const& other : layout.others) {
    auto const& tensor = source.tensor(other.name);
    summary.parameters += tensor.size();
    summary.others.push_back({other.name, tensor.shape, tensor.type});
  }
  summary.linears = std::move(layout.linears);
  return summary;
}

inline std::string llama::fingerprint() const {
  sha256 digest;
  for (auto const& name : checkpoint_.names()) {
    auto const& tensor = checkpoint_.tensor(name);
    digest.update_delimited(name).update_delimited(to_string(tensor.type));
    digest.update_delimited(to_string(std::span<index const>(tensor.shape))).update(tensor.bytes);
  }
  return digest.hex();
}

inline void llama::embed(std::span<std::int32_t const> tokens, state& s) const {
  auto const length = static_cast<index>(tokens.size());
  AMQ_EXPECTS(length >= 1 && length <= config_.max_length, "llama::embed got " + std::to_string(length) +
                                                               " tokens; the model takes 1 to " +
                                                               std::to_string(config_.max_length));
  if (s.hidden.rows() != length || s.hidden.cols() != config_.hidden) s.hidden = matrix<float>(length, config_.hidden);
  for (index t = 0; t < length; ++t) {
    index const id = tokens[static_cast<std::size_t>(t)];
    AMQ_EXPECTS(id >= 0 && id < config_.vocabulary, "llama::embed got the token id " + std::to_string(id) +
                                                        "; the vocabulary has " + std::to_string(config_.vocabulary));
    std::copy_n(embeddings_.row(id).data(), config_.hidden, s.hidden.row(t).data());
  }
}

inline std::vector<fold_group> llama::fold_groups(int i) const {
  auto const at = [i](linear_kind kind) { return index{i} * linears_per_block + static_cast<index>(kind); };
  auto const linear = [&](linear_kind kind) -> linear_layer const& {
    return layout_.linears[static_cast<std::size_t>(at(kind))];
  };
  auto const bias_of = [&](linear_kind kind) {
    return detail::has_bias(config_, static_cast<int>(kind)) ? linear(kind).name + ".bias" : std::string();
  };
  using enum linear_kind;
  std::string const norms = detail::block_name(i);
  std::vector<fold_group> groups;
  groups.push_back({.layers = {at(query), at(key), at(value)},
                    .vector = norms + "input_layernorm.weight",
                    .part = block_part::attention,
                    .last = at(output),
                    .multiplied = {at(query), at(key)}});
  if (linear(value).rows == linear(output).rows && linear(value).cols == linear(output).cols)
    groups.push_back({.layers = {at(output)},
                      .vector = bias_of(value),
                      .rows_of = at(value),
                      .part = block_part::attention,
                      .last = at(output)});
  groups.push_back({.layers = {at(gate), at(up)},
                    .vector = norms + "post_attention_layernorm.weight",
                    .part = block_part::feed_forward,
                    .last = at(down)});
  groups.push_back({.layers = {at(down)},
                    .vector = bias_of(up),
                    .rows_of = at(up),
                    .part = block_part::feed_forward,
                    .last = at(down)});
  return groups;
}

inline std::vector<float> llama::read_vector(std::string const& name) const {
  if (auto const found = replaced_.find(name); found != replaced_.end()) return found->second;
  auto const& tensor = checkpoint_.tensor(name);
  std::vector<float> values(static_cast<std::size_t>(tensor.size()));
  to_f32(tensor, values);
  return values;
}

inline matrix<float> llama::read_matrix(tensor_view const& tensor) {
  matrix<float> values(tensor.shape[0], tensor.shape[1]);
  to_f32(tensor, {values.data(), static_cast<std::size_t>(values.size())});
  return values;
}

inline void llama::check_finite(std::string const& name) const {
  auto const bad = first_non_finite(checkpoint_.tensor(name));
  if (bad)
    throw input_error(detail::printable_path(checkpoint_.file_of(name)) + ": tensor '" + name +
                      "' holds a NaN or infinity at element " + std::to_string(*bad) + "; expected finite weights");
}

/// Buffers of the right shape for this block and the rows that the hidden state has now.
inline void llama::prepare(int block, state& s) const {
  index const rows = s.hidden.rows();
  index const query = config_.query_width(block);
  index const key_value = config_.key_value_width(block);
  index const intermediate = config_.shape(block).intermediate;
  detail::fit(s.normed, rows, config_.hidden);
  detail::fit(s.query, rows, query);
  detail::fit(s.key, rows, key_value);
  detail::fit(s.value, rows, key_value);
  detail::fit(s.attended, rows, query);
  detail::fit(s.gate, rows, intermediate);
  s.rope.prepare(frequencies_, rows);
}

static_assert(causal_model<llama>);

}  // namespace amq
