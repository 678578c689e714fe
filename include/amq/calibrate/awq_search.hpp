// AWQ's scale search (arXiv 2306.00978, section 3.2): one ratio for each group of layers that read the same input.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/block_statistics.hpp"
#include "amq/calibrate/block_weights.hpp"
#include "amq/concepts/causal_model.hpp"
#include "amq/evaluate/weights.hpp"
#include "amq/model/fold_group.hpp"
#include "amq/quantize/awq.hpp"

namespace amq {

/// A causal_model that runs the halves of a block apart and says where scales of inputs can be folded.
template <class M>
concept foldable_model = causal_model<M> && requires(M const& m, typename M::state& state,
                                                     detail::any_weights const& weights, std::string const& tensor) {
  { m.fold_groups(0) } -> std::same_as<std::vector<fold_group>>;
  { m.vector(tensor) } -> std::same_as<std::vector<float>>;
  m.attention(0, state, weights);
  m.feed_forward(0, state, weights);
};

/// What the search found for one group.
struct fold_scales {
  fold_group group;
  double ratio = 0;
  std::array<double, awq_ratios> losses{};  ///< mean squared error of the inspected outputs at each ratio
  std::vector<float> scales;                ///< (inputs)
};

namespace detail {

/// Models `linear_weights`: hands over what layer `last` gives.
template <class Observe>
class observed_output {
 public:
  observed_output(layer_weights const& weights, index last, Observe& observe)
      : weights_(&weights), last_(last), observe_(&observe) {}

  void multiply(index layer, matrix_view<float const> x, matrix_view<float> y) const {
    weights_->multiply(layer, x, y);
    if (layer == last_) (*observe_)(matrix_view<float const>(y));
  }

 private:
  layer_weights const* weights_;
  index last_;
  Observe* observe_;
};

inline double squared_distance(matrix_view<float const> a, matrix_view<float const> b) {
  double total = 0;
  for (index row = 0; row < a.rows; ++row)
    for (index col = 0; col < a.cols; ++col) {
      double const difference = double{a(row, col)} - double{b(row, col)};
      total += difference * difference;
    }
  return total;
}

}  // namespace detail

/// The search over one block. What it is given must outlive it. Memory: three hidden states a sequence and the matrices
/// of the group being searched.
template <foldable_model Model, class Executor>
class awq_search {
 public:
  /// `inputs`: the hidden states (tokens, hidden) of each sequence that enter `block`; `weights`: the block's own;
  /// `formats`: one for each linear layer of the model.
  awq_search(Model const& model, int block, std::span<matrix<float> const> inputs, block_weights const& weights,
             block_statistics const& statistics, std::span<format const> formats, Executor& executor)
      : model_(&model),
        block_(block),
        inputs_(inputs),
        statistics_(&statistics),
        formats_(formats),
        executor_(&executor),
        own_(static_cast<index>(formats.size())),
        states_(static_cast<std::size_t>(executor.workers())) {
    auto const linears = std::span<linear_layer const>(model.linears());
    for (std::size_t layer = 0; layer < linears.size(); ++layer)
      if (linears[layer].block == block) own_.set(static_cast<index>(layer), weights.at(static_cast<index>(layer)));
  }

  /// One entry a group, each searched with every other group as it was. Cost: each group's half of the block 21 times
  /// over all tokens; groups of which only the last layer is a member, 20 products with its second moments.
  std::vector<fold_scales> run() {
    std::vector<fold_scales> found;
    for (auto& group : model_->fold_groups(block_)) {
      bool const alone = group.layers == std::vector<index>{group.last};
      found.push_back({std::move(group), 0, {}, {}});
      if (alone)
        search_layer(found.back());
      else
        search_part(found.back());
      choose(found.back());
    }
    return found;
  }

 private:
  void choose(fold_scales& found) const {
    auto const least = std::min_element(found.losses.begin(), found.losses.end()) - found.losses.begin();
    found.ratio = awq_ratio(static_cast<int>(least));
    found.scales = scales(found.group, static_cast<int>(least));
  }

  std::vector<float> scales(fold_group const& group, int ratio) const {
    return awq_scales(statistics_->layer(group.layers.front()).mean_absolute, awq_ratio(ratio));
  }

  format format_of(index layer) const { return formats_[static_cast<std::size_t>(layer)]; }

  /// The layer's own outputs are looked at.
  void search_layer(fold_scales& found) const {
    index const layer = found.group.last;
    auto const weights = model_->weight(layer);
    auto const seen = statistics_->layer(layer);
    double const outputs = static_cast<double>(seen.tokens * weights.rows());
    executor_->for_each(awq_ratios, [&](index i, int) {
      auto const rounded = awq_rounded(weights, scales(found.group, static_cast<int>(i)), format_of(layer));
      double const error = output_error(weights, rounded, seen.hessian) * static_cast<double>(seen.sequences) / 2;
      found.losses[static_cast<std::size_t>(i)] = error / outputs;
    });
  }

  /// The outputs of the half of the block that the group is in are looked at.
  void search_part(fold_scales& found) {
    auto const& group = found.group;
    std::vector<matrix<float>> const after_attention =
        group.part == block_part::feed_forward ? run_attention() : std::vector<matrix<float>>();
    auto const entering = group.part == block_part::feed_forward ? std::span(after_attention) : inputs_;
    std::vector<matrix<float>> references(entering.size());
    run_part(group, entering, own_,
             [&](std::size_t sequence, matrix_view<float const> output) { references[sequence] = clone(output); });

    std::vector<matrix<float>> originals;
    for (index const layer : group.layers) originals.push_back(model_->weight(layer));
    for (int i = 0; i < awq_ratios; ++i) {
      auto const candidates = rounded(group, originals, i);
      layer_weights weights = own_;
      for (std::size_t m = 0; m < candidates.size(); ++m) weights.set(group.layers[m], *candidates[m]);
      std::vector<double> distances(entering.size());
      run_part(group, entering, weights, [&](std::size_t sequence, matrix_view<float const> output) {
        distances[sequence] = detail::squared_distance(output, references[sequence]);
      });
      double total = 0, outputs = 0;
      for (double const distance : distances) total += distance;
      for (auto const& reference : references) outputs += static_cast<double>(reference.size());
      found.losses[static_cast<std::size_t>(i)] = total / outputs;
    }
  }

  std::vector<std::optional<dense_matrix>> rounded(fold_group const& group, std::span<matrix<float> const> originals,
                                                   int ratio) const {
    auto const divisors = scales(group, ratio);
    std::vector<std::optional<dense_matrix>> candidates(group.layers.size());
    executor_->for_each(static_cast<index>(candidates.size()), [&](index m, int) {
      auto const at = static_cast<std::size_t>(m);
      candidates[at].emplace(awq_rounded(originals[at], divisors, format_of(group.layers[at])));
    });
    return candidates;
  }

  /// Calls visit(sequence, output) with what the half of the block that the group is in adds to the hidden states.
  template <class Visit>
  void run_part(fold_group const& group, std::span<matrix<float> const> entering, layer_weights const& weights,
                Visit const& visit) {
    executor_->for_each(static_cast<index>(entering.size()), [&](index sequence, int worker) {
      auto const at = static_cast<std::size_t>(sequence);
      auto observe = [&](matrix_view<float const> output) { visit(at, output); };
      auto& state = states_[static_cast<std::size_t>(worker)];
      state.hidden = entering[at].clone();
      detail::observed_output const observed(weights, group.last, observe);
      if (group.part == block_part::attention)
        model_->attention(block_, state, observed);
      else
        model_->feed_forward(block_, state, observed);
    });
  }

  std::vector<matrix<float>> run_attention() {
    std::vector<matrix<float>> hidden(inputs_.size());
    executor_->for_each(static_cast<index>(inputs_.size()), [&](index sequence, int worker) {
      auto const at = static_cast<std::size_t>(sequence);
      auto& state = states_[static_cast<std::size_t>(worker)];
      state.hidden = inputs_[at].clone();
      model_->attention(block_, state, own_);
      hidden[at] = std::exchange(state.hidden, {});
    });
    return hidden;
  }

  Model const* model_;
  int block_;
  std::span<matrix<float> const> inputs_;
  block_statistics const* statistics_;
  std::span<format const> formats_;
  Executor* executor_;
  layer_weights own_;
  std::vector<typename Model::state> states_;
};

}  // namespace amq
