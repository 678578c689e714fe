// BitStack of a whole model (arXiv 2410.23918): every layer's levels in one sorted stack, of which any budget loads the
// top.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "amq/calibrate/sequential.hpp"
#include "amq/concepts/evaluator.hpp"
#include "amq/concepts/model_quantizer.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/quantize/bitstack.hpp"

namespace amq {

/// Models model_quantizer: each layer as a stack of its format's levels, decomposed with the importance that its input
/// channels have in the unquantized model, as published. `sort_stack` says how many levels each layer deserves.
class stacked_model {
 public:
  using policy_category = quantizer_category;

  explicit stacked_model(bitstack_options options = {})
      : options_(options), each_(bitstack(options), {.unquantized_inputs = true}) {}

  /// `formats`: one a linear layer, stacks or kept. As `sequential::quantize`.
  template <class Model, class Executor>
  void quantize(Model const& model, std::span<format const> formats, token_sequences const& calibration,
                quantized_sink& sink, Executor& executor) const {
    each_.quantize(model, formats, calibration, sink, executor);
  }

  std::string name() const { return bitstack(options_).name(); }

 private:
  bitstack_options options_;
  sequential<bitstack> each_;
};

namespace detail {

/// Choices a layer, which all layers share. Throws precondition_error unless they are stacks of 1, 2, ... levels.
template <search_space Space>
index stack_levels(Space const& space) {
  std::span<format const> const first = space.choices(0);
  for (index layer = 0; layer < space.size(); ++layer) {
    std::span<format const> const choices = space.choices(layer);
    bool stacks = choices.size() == first.size();
    for (std::size_t i = 0; stacks && i < choices.size(); ++i)
      stacks = choices[i].stacked() && choices[i].bits == static_cast<int>(i) + 1;
    AMQ_EXPECTS(stacks, "sorting a stack needs the choices stack1, stack2, ... for every layer; layer " +
                            std::to_string(layer) + " has others");
  }
  return std::ssize(first);
}

/// Losses with one layer raised a level above all others, layer by layer.
template <evaluator Evaluator>
std::vector<double> raised_losses(Evaluator& measure, index layers, gene base) {
  std::vector<configuration> batch(static_cast<std::size_t>(layers),
                                   configuration(static_cast<std::size_t>(layers), base));
  for (std::size_t layer = 0; layer < batch.size(); ++layer) ++batch[layer][layer];
  std::vector<measurement> measured(batch.size());
  measure.evaluate(batch, measured);
  std::vector<double> losses;
  for (auto const& one : measured) losses.push_back(one.error.empty() ? one.loss : std::nan(""));
  return losses;
}

/// What could not be measured counts as the same layer a level later, and the worst of its own level, as released.
inline void fill_unmeasured(std::vector<std::vector<double>>& losses) {
  for (std::size_t level = losses.size(); level-- > 0;) {
    double worst = 0;
    for (double const loss : losses[level])
      if (std::isfinite(loss)) worst = std::max(worst, loss);
    for (std::size_t layer = 0; layer < losses[level].size(); ++layer) {
      if (std::isfinite(losses[level][layer])) continue;
      if (level + 1 == losses.size())
        throw input_error("with all levels but one, the model's loss is not finite; decompose it into more levels");
      losses[level][layer] = losses[level + 1][layer] + worst;
    }
  }
}

}  // namespace detail

/// The order in which residual levels are loaded after the first of every layer: element i is the layer whose next
/// level is loaded. As published (section 2.3 and the released code): level by level, and within a level the layers
/// whose next level leaves the least loss first, all others having one level less. `space` offers stack1, stack2, ...
/// for every layer; `measure` measures its configurations. (levels - 1) * layers evaluations. Throws input_error when
/// the loss is not finite even with all levels but one.
template <search_space Space, evaluator Evaluator>
std::vector<index> sort_stack(Space const& space, Evaluator& measure) {
  index const levels = detail::stack_levels(space);
  std::vector<std::vector<double>> losses;
  for (index level = 0; level + 1 < levels; ++level)
    losses.push_back(detail::raised_losses(measure, space.size(), static_cast<gene>(level)));
  detail::fill_unmeasured(losses);
  std::vector<index> order;
  for (auto const& raised : losses) {
    std::vector<index> layers(raised.size());
    std::iota(layers.begin(), layers.end(), index{0});
    std::ranges::stable_sort(layers, {}, [&](index layer) { return raised[static_cast<std::size_t>(layer)]; });
    order.insert(order.end(), layers.begin(), layers.end());
  }
  return order;
}

/// The longest prefix of the sorted stack with which the model has at most `bytes` (`model_bytes`). Throws input_error
/// with the smallest size when one level of each layer is more already.
template <search_space Space>
configuration stack_within(Space const& space, std::span<index const> order, std::int64_t bytes) {
  configuration loaded(static_cast<std::size_t>(space.size()), 0);
  if (space.model_bytes(loaded) > bytes)
    throw input_error("a budget of " + std::to_string(bytes) + " bytes is below the " +
                      std::to_string(space.model_bytes(loaded)) +
                      " that the model takes with one level a layer; ask for at least that");
  for (index const layer : order) {
    auto& levels = loaded[static_cast<std::size_t>(layer)];
    ++levels;
    if (space.model_bytes(loaded) <= bytes) continue;
    --levels;
    break;
  }
  return loaded;
}

/// `stack_within` as formats, one a layer, for `stacked_model`.
template <search_space Space>
std::vector<format> formats_within(Space const& space, std::span<index const> order, std::int64_t bytes) {
  auto const loaded = stack_within(space, order, bytes);
  std::vector<format> formats;
  for (index layer = 0; layer < space.size(); ++layer)
    formats.push_back(space.choices(layer)[loaded[static_cast<std::size_t>(layer)]]);
  return formats;
}

}  // namespace amq
