// AWQ of a whole model (arXiv 2306.00978): scales searched block by block and folded into what comes before, then clip.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/awq_search.hpp"
#include "amq/calibrate/block_walk.hpp"
#include "amq/concepts/model_quantizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format_check.hpp"

namespace amq {

struct awq_options {
  clipping clip = clipping::asymmetric;
  bool scale = true;  ///< false: inputs are not scaled
  bool fold = true;   ///< false: the scales stay beside each layer (`input_scales`), norms and biases as they were
};

namespace detail {

/// What folding does to one layer: the stored matrix is diag(1 / rows) W diag(inputs). Empty: ones.
struct layer_scaling {
  std::vector<float> inputs;
  std::vector<float> rows;
};

inline float scale_at(std::vector<float> const& scales, index i) {
  return scales.empty() ? 1.0f : scales[static_cast<std::size_t>(i)];
}

inline void scale_into(matrix_view<float> weights, layer_scaling const& scaling) {
  for (index row = 0; row < weights.rows; ++row)
    for (index col = 0; col < weights.cols; ++col)
      weights(row, col) = weights(row, col) / scale_at(scaling.rows, row) * scale_at(scaling.inputs, col);
}

inline void scale_back(matrix_view<float> weights, layer_scaling const& scaling) {
  for (index row = 0; row < weights.rows; ++row)
    for (index col = 0; col < weights.cols; ++col)
      weights(row, col) = weights(row, col) * scale_at(scaling.rows, row) / scale_at(scaling.inputs, col);
}

}  // namespace detail

/// Models model_quantizer for models that say where scales fold (`foldable_model`). Each group of layers with a common
/// input is searched jointly, each layer with its own format; then every layer but queries and keys is clipped and all
/// are rounded. A block sees the outputs of the already quantized blocks before it.
class awq {
 public:
  using policy_category = quantizer_category;

  explicit awq(awq_options options = {}) : options_(options) {}

  /// `formats`: one a linear layer of `model`; affine or kept. Layers go to the sink in order, then what changed of
  /// norms and biases, block by block. Same input, same codes, whatever the threads. Throws input_error that names the
  /// layer: for a format that does not fit, activations that are not finite, scales that f16 cannot hold.
  template <class Model, class Executor>
  void quantize(Model const& model, std::span<format const> formats, token_sequences const& calibration,
                quantized_sink& sink, Executor& executor) const {
    static_assert(foldable_model<Model>,
                  "amq: awq needs a causal_model with `fold_groups(block)`, `vector(tensor)`, `attention(block, state, "
                  "weights)` and `feed_forward(block, state, weights)`");
    check(model, formats);
    block_walk walk(model, calibration, executor);
    while (!walk.finished()) quantize_block(model, formats, walk, sink, executor);
  }

  std::string name() const {
    std::string changed;
    if (options_.clip == clipping::symmetric) changed += ",clip=symmetric";
    if (options_.clip == clipping::none) changed += ",clip=none";
    if (!options_.scale) changed += ",scale=false";
    if (!options_.fold) changed += ",fold=false";
    return changed.empty() ? "awq" : "awq(" + changed.substr(1) + ")";
  }

 private:
  template <class Model>
  static void check(Model const& model, std::span<format const> formats) {
    auto const linears = std::span<linear_layer const>(model.linears());
    AMQ_EXPECTS(formats.size() == linears.size(), "awq needs one format for each of the " +
                                                      std::to_string(linears.size()) + " linear layers, not " +
                                                      std::to_string(formats.size()));
    for (std::size_t layer = 0; layer < linears.size(); ++layer)
      named(linears[layer], formats[layer], [&] {
        check_awq_format(formats[layer]);
        if (!formats[layer].kept()) check_format(formats[layer], linears[layer].cols);
      });
  }

  /// Runs work(); an input_error gets the layer's name and format.
  template <class Work>
  static void named(linear_layer const& linear, format f, Work const& work) {
    try {
      work();
    } catch (input_error const& failure) {
      throw input_error(linear.name + " at " + to_string(f) + ": " + failure.what());
    }
  }

  template <class Model, class Walk, class Executor>
  void quantize_block(Model const& model, std::span<format const> formats, Walk& walk, quantized_sink& sink,
                      Executor& executor) const {
    block_weights weights(model, walk.layers(), executor);
    auto const statistics = walk.collect(weights);
    std::vector<fold_scales> found;
    if (options_.scale)
      found = awq_search(model, walk.block(), walk.inputs(), weights, statistics, formats, executor).run();

    auto const layers = walk.layers();
    std::vector<std::optional<quantized_matrix>> quantized(layers.size());
    executor.for_each(static_cast<index>(layers.size()), [&](index i, int) {
      auto const at = static_cast<std::size_t>(i);
      index const layer = layers[at];
      auto const scaling = scaling_of(layer, found);
      named(model.linears()[static_cast<std::size_t>(layer)], formats[static_cast<std::size_t>(layer)],
            [&] { quantized[at].emplace(quantize_layer(model, layer, formats, statistics.layer(layer), scaling)); });
      auto values = quantized[at]->dequantized();
      if (options_.fold) detail::scale_back(values, scaling);
      weights.replace(layer, values);
    });
    for (std::size_t i = 0; i < layers.size(); ++i) sink.layer(layers[i], std::move(*quantized[i]));
    if (options_.fold) fold_vectors(model, found, sink);
    walk.advance(weights);
  }

  detail::layer_scaling scaling_of(index layer, std::span<fold_scales const> found) const {
    detail::layer_scaling scaling;
    for (auto const& fold : found) {
      if (std::ranges::find(fold.group.layers, layer) != fold.group.layers.end()) scaling.inputs = fold.scales;
      if (options_.fold && fold.group.rows_of == layer) scaling.rows = fold.scales;
    }
    return scaling;
  }

  template <class Model>
  quantized_matrix quantize_layer(Model const& model, index layer, std::span<format const> formats,
                                  layer_statistics const& seen, detail::layer_scaling const& scaling) const {
    format const wanted = formats[static_cast<std::size_t>(layer)];
    auto weights = model.weight(layer);
    if (wanted.kept() && !options_.fold) return weights;
    detail::scale_into(weights, scaling);
    if (wanted.kept()) return weights;
    auto const scales =
        scaling.inputs.empty() ? std::vector(static_cast<std::size_t>(weights.cols()), 1.0f) : scaling.inputs;
    auto stored = awq_stored(std::move(weights), wanted, seen.hessian, scales, clip_of(model, layer));
    if (options_.fold || scaling.inputs.empty()) return stored;
    return {std::move(stored), scales};
  }

  /// Queries and keys meet in a product, so the error of either alone says little (as the published code has it).
  template <class Model>
  clipping clip_of(Model const& model, index layer) const {
    auto const groups = model.fold_groups(model.linears()[static_cast<std::size_t>(layer)].block);
    bool const multiplied = std::ranges::any_of(groups, [layer](fold_group const& group) {
      return std::ranges::find(group.multiplied, layer) != group.multiplied.end();
    });
    return multiplied ? clipping::none : options_.clip;
  }

  template <class Model>
  static void fold_vectors(Model const& model, std::span<fold_scales const> found, quantized_sink& sink) {
    for (auto const& [group, ratio, losses, scales] : found) {
      if (group.vector.empty()) continue;
      auto values = model.vector(group.vector);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] /= scales[i];
      sink.vector(group.vector, values);
    }
  }

  awq_options options_;
};

/// Input scales for `awq_scaled` as a proxy (`layer_statistics::input_scales`), one vector a linear layer: found once
/// for each fold group with all layers at `middle`, on the unquantized model. Ones where nothing can be folded.
template <foldable_model Model, class Executor>
std::vector<std::vector<float>> middle_awq_scales(Model const& model, token_sequences const& calibration, format middle,
                                                  Executor& executor) {
  auto const linears = std::span<linear_layer const>(model.linears());
  std::vector<format> const formats(linears.size(), middle);
  std::vector<std::vector<float>> scales;
  for (auto const& linear : linears) scales.emplace_back(static_cast<std::size_t>(linear.cols), 1.0f);
  block_walk walk(model, calibration, executor);
  while (!walk.finished()) {
    block_weights const weights(model, walk.layers(), executor);
    auto const statistics = walk.collect(weights);
    awq_search search(model, walk.block(), walk.inputs(), weights, statistics, formats, executor);
    for (auto const& fold : search.run())
      for (index const layer : fold.group.layers) scales[static_cast<std::size_t>(layer)] = fold.scales;
    walk.advance(weights);
  }
  return scales;
}

}  // namespace amq
