// Any matrix_quantizer as a model_quantizer: block after block, each seeing the outputs of those before it.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/block_walk.hpp"
#include "amq/calibrate/block_weights.hpp"
#include "amq/calibrate/calibration_note.hpp"
#include "amq/calibrate/detail/shared_work.hpp"
#include "amq/concepts/drift_aware.hpp"
#include "amq/concepts/model_quantizer.hpp"
#include "amq/core/error.hpp"
#include "amq/evaluate/bank.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

struct sequential_options {
  /// Blocks see what the unquantized model gives them, not the outputs of the quantized blocks before them.
  bool unquantized_inputs = false;
  index sampled_tokens = 0;  ///< rows of `layer_statistics::inputs`, for quantizers that look at them
};

/// Models model_quantizer. The published order of GPTQ and AMQ: a block's statistics are collected with its own
/// weights, its layers are quantized, and the next block sees its outputs with the quantized weights. A quantizer that
/// needs no statistics is given none, and nothing is run. Memory: as block_walk, one block's weights in f32, and what
/// the quantizer takes for each worker.
template <matrix_quantizer Quantizer>
class sequential {
 public:
  using policy_category = quantizer_category;

  explicit sequential(Quantizer quantizer = Quantizer(), sequential_options options = {})
      : quantizer_(std::move(quantizer)), options_(options) {}

  /// `formats`: one a linear layer. A kept layer goes to the sink as it is. Same input, same codes, whatever the
  /// threads. Throws input_error that names the layer.
  template <class Model, class Executor>
  void quantize(Model const& model, std::span<format const> formats, token_sequences const& calibration,
                quantized_sink& sink, Executor& executor) const {
    auto const linears = std::span<linear_layer const>(model.linears());
    if (formats.size() != linears.size())
      throw input_error("quantizing a model of " + std::to_string(linears.size()) +
                        " linear layers needs a format for each, not " + std::to_string(formats.size()));
    if constexpr (needs_statistics<Quantizer>)
      if (any_needs_statistics(formats)) return quantize_blocks(model, formats, calibration, sink, executor);
    quantize_plainly(model, formats, sink, executor);
  }

  std::string name() const { return quantizer_.name() + (options_.unquantized_inputs ? ", unquantized inputs" : ""); }

 private:
  /// A quantizer may need them for some formats only, and says for which.
  bool any_needs_statistics(std::span<format const> formats) const {
    if constexpr (requires(format f) { quantizer_.needs_statistics_for(f); })
      return std::any_of(formats.begin(), formats.end(),
                         [this](format f) { return quantizer_.needs_statistics_for(f); });
    else
      return true;
  }

  template <class Model, class Executor>
  void quantize_blocks(Model const& model, std::span<format const> formats, token_sequences const& calibration,
                       quantized_sink& sink, Executor& executor) const {
    tell_of_few_tokens(model.linears(), formats, calibration, sink);
    block_walk walk(model, calibration, executor, uses_drift());
    while (!walk.finished()) quantize_block(model, formats, walk, sink, executor);
  }

  using block_results = std::map<index, std::optional<quantized_matrix>>;

  /// Layers in order, as many at a time as there are workers.
  template <class Model, class Executor>
  void quantize_plainly(Model const& model, std::span<format const> formats, quantized_sink& sink,
                        Executor& executor) const {
    auto const layers = static_cast<index>(formats.size());
    for (index first = 0; first < layers; first += executor.workers()) {
      std::vector<std::optional<quantized_matrix>> results(
          static_cast<std::size_t>(std::min<index>(executor.workers(), layers - first)));
      executor.for_each(static_cast<index>(results.size()), [&](index i, int) {
        auto const wanted = formats[static_cast<std::size_t>(first + i)];
        results[static_cast<std::size_t>(i)].emplace(quantized_layer(model, first + i, quantizer_, wanted));
      });
      for (index i = 0; i < std::ssize(results); ++i)
        sink.layer(first + i, std::move(*results[static_cast<std::size_t>(i)]));
    }
  }

  bool uses_drift() const {
    if constexpr (drift_aware<Quantizer>)
      return quantizer_.uses_drift() && !options_.unquantized_inputs;
    else
      return false;
  }

  static void tell_of_few_tokens(std::span<linear_layer const> linears, std::span<format const> formats,
                                 token_sequences const& calibration, quantized_sink& sink) {
    std::vector<linear_layer> quantized;
    for (std::size_t layer = 0; layer < linears.size(); ++layer)
      if (!formats[layer].kept()) quantized.push_back(linears[layer]);
    auto const note = calibration_note(quantized, calibration.count() * calibration.length());
    if (!note.empty()) sink.note(note);
  }

  template <class Model, class Executor>
  void quantize_block(Model const& model, std::span<format const> formats, block_walk<Model, Executor>& walk,
                      quantized_sink& sink, Executor& executor) const {
    block_weights weights(model, walk.layers(), executor);
    auto const statistics = walk.collect(weights, {.drift = uses_drift(), .sampled_tokens = options_.sampled_tokens});
    if (uses_drift()) walk.advance_unquantized(weights);
    if (options_.unquantized_inputs) walk.advance(weights);

    block_results results;
    for (auto const& input : statistics.inputs())
      for (index const layer : input.layers) results[layer];
    std::vector<std::string> notes(statistics.inputs().size());
    executor.for_each(static_cast<index>(notes.size()), [&](index i, int) {
      auto const at = static_cast<std::size_t>(i);
      notes[at] = quantize_input(model, formats, statistics.inputs()[at], results);
      if (!options_.unquantized_inputs)
        for (index const layer : statistics.inputs()[at].layers)
          weights.replace(layer, results.at(layer)->dequantized());
    });
    for (auto const& note : notes)
      if (!note.empty()) sink.note(note);
    for (auto& [layer, result] : results) sink.layer(layer, std::move(*result));
    if (!options_.unquantized_inputs) walk.advance(weights);
  }

  /// All layers that share an input, with one preparation. Returns a note that names one of them, or nothing.
  template <class Model>
  std::string quantize_input(Model const& model, std::span<format const> formats, input_statistics const& input,
                             block_results& results) const {
    detail::shared_work<Quantizer> work(quantizer_, input.view());
    std::string notes;
    for (index const layer : input.layers) {
      auto const wanted = formats[static_cast<std::size_t>(layer)];
      auto const& name = model.linears()[static_cast<std::size_t>(layer)].name;
      matrix<float> weights = model.weight(layer);
      if (wanted.kept()) {
        results.at(layer).emplace(std::move(weights));
        continue;
      }
      try {
        results.at(layer).emplace(work.quantize(weights, wanted));
      } catch (input_error const& failure) {
        throw input_error(name + " at " + to_string(wanted) + ": " + failure.what());
      }
      if (notes.empty() && !work.note().empty()) notes = name + ": " + work.note();
    }
    return notes;
  }

  Quantizer quantizer_;
  sequential_options options_;
};

}  // namespace amq
