// The forward pass once more, in float64 and plain loops, straight from the tensors: what the fast one is held against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "amq/model/config.hpp"
#include "support/random_model.hpp"

namespace amq_test {

class plain_llama {
 public:
  using rows = std::vector<std::vector<double>>;

  plain_llama(random_model const& model, amq::model_config const& config) : model_(model), config_(config) {}

  /// Final-normed hidden states, one row a token.
  rows run(std::vector<std::int32_t> const& tokens) const {
    rows hidden;
    auto const& embeddings = model_.values("model.embed_tokens.weight");
    for (auto const token : tokens) {
      auto const first = embeddings.begin() + token * config_.hidden;
      hidden.emplace_back(first, first + config_.hidden);
    }
    for (int block = 0; block < config_.blocks; ++block) {
      std::string const name = "model.layers." + std::to_string(block) + ".";
      add(hidden, attention(block, name, normed(hidden, name + "input_layernorm.weight")));
      add(hidden, feed_forward(name, normed(hidden, name + "post_attention_layernorm.weight")));
    }
    return normed(hidden, "model.norm.weight");
  }

 private:
  static void add(rows& to, rows const& x) {
    for (std::size_t r = 0; r < x.size(); ++r)
      for (std::size_t c = 0; c < x[r].size(); ++c) to[r][c] += x[r][c];
  }

  /// Normalises every stretch of a row that is as long as the weight.
  rows normed(rows x, std::string const& name) const {
    auto const& weight = model_.values(name);
    for (auto& row : x)
      for (std::size_t first = 0; first < row.size(); first += weight.size()) {
        double squares = 0;
        for (std::size_t c = 0; c < weight.size(); ++c) squares += row[first + c] * row[first + c];
        double const scale = 1 / std::sqrt(squares / double(weight.size()) + double{config_.norm_epsilon});
        for (std::size_t c = 0; c < weight.size(); ++c) row[first + c] *= scale * double{weight[c]};
      }
    return x;
  }

  rows linear(rows const& x, std::string const& name, bool has_bias) const {
    auto const& weight = model_.values(name + ".weight");
    auto const& bias = model_.values(name + ".bias");
    rows y;
    for (auto const& row : x) {
      y.emplace_back();
      for (std::size_t r = 0; r < bias.size(); ++r) {
        double sum = has_bias ? double{bias[r]} : 0;
        for (std::size_t c = 0; c < row.size(); ++c) sum += row[c] * double{weight[r * row.size() + c]};
        y.back().push_back(sum);
      }
    }
    return y;
  }

  rows rotated(rows x) const {
    auto const size = static_cast<std::size_t>(config_.head_size);
    for (std::size_t p = 0; p < x.size(); ++p)
      for (std::size_t head = 0; head < x[p].size(); head += size)
        for (std::size_t i = 0; i < size / 2; ++i) {
          double const angle = double(p) * std::pow(config_.rope.theta, -2.0 * double(i) / double(size));
          double& a = x[p][head + i];
          double& b = x[p][head + i + size / 2];
          double const before = a;
          a = before * std::cos(angle) - b * std::sin(angle);
          b = b * std::cos(angle) + before * std::sin(angle);
        }
    return x;
  }

  rows attention(int block, std::string const& name, rows const& x) const {
    rows q = linear(x, name + "self_attn.q_proj", config_.query_key_value_bias);
    rows k = linear(x, name + "self_attn.k_proj", config_.query_key_value_bias);
    rows const v = linear(x, name + "self_attn.v_proj", config_.query_key_value_bias);
    if (config_.query_key_norm) {
      q = normed(q, name + "self_attn.q_norm.weight");
      k = normed(k, name + "self_attn.k_norm.weight");
    }
    q = rotated(q);
    k = rotated(k);
    rows out(x.size(), std::vector<double>(q[0].size()));
    for (std::size_t i = 0; i < x.size(); ++i)
      for (amq::index head = 0; head < config_.heads; ++head) attend(block, head, i, q, k, v, out[i]);
    return linear(out, name + "self_attn.o_proj", config_.output_bias);
  }

  void attend(int block, amq::index head, std::size_t i, rows const& q, rows const& k, rows const& v,
              std::vector<double>& out) const {
    auto const size = static_cast<std::size_t>(config_.head_size);
    auto const own = static_cast<std::size_t>(head) * size;
    auto const shared = static_cast<std::size_t>(head / (config_.heads / config_.key_value_heads)) * size;
    auto const window = static_cast<std::size_t>(config_.windows[static_cast<std::size_t>(block)]);
    std::size_t const first = window > 0 && i + 1 > window ? i + 1 - window : 0;
    std::vector<double> shares;
    double total = 0;
    for (std::size_t j = first; j <= i; ++j) {
      double score = 0;
      for (std::size_t d = 0; d < size; ++d) score += q[i][own + d] * k[j][shared + d];
      shares.push_back(std::exp(score / std::sqrt(double(size))));
      total += shares.back();
    }
    for (std::size_t j = first; j <= i; ++j)
      for (std::size_t d = 0; d < size; ++d) out[own + d] += shares[j - first] / total * v[j][shared + d];
  }

  rows feed_forward(std::string const& name, rows const& x) const {
    rows gate = linear(x, name + "mlp.gate_proj", config_.feed_forward_bias);
    rows const up = linear(x, name + "mlp.up_proj", config_.feed_forward_bias);
    for (std::size_t r = 0; r < gate.size(); ++r)
      for (std::size_t c = 0; c < gate[r].size(); ++c) gate[r][c] *= up[r][c] / (1 + std::exp(-gate[r][c]));
    return linear(gate, name + "mlp.down_proj", config_.feed_forward_bias);
  }

  random_model const& model_;
  amq::model_config const& config_;
};

}  // namespace amq_test
