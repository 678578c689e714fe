// How good a quantized model is, before or after it is written: measured from its stored layers, a block at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/quantized_model.hpp"
#include "amq/evaluate/quality.hpp"
#include "amq/evaluate/reference.hpp"
#include "amq/evaluate/streamed_pass.hpp"

namespace amq {

/// A second model of the same folder whose norms and biases are what `quantized` has in their place; nothing where it
/// replaces none.
template <class Model>
std::optional<Model> with_replaced_vectors(Model const& source, quantized_source const& quantized) {
  std::map<std::string, std::vector<float>> replaced;
  for (auto const& name : quantized.replaced_names()) replaced[name] = *quantized.replaced(name);
  if (replaced.empty()) return std::nullopt;
  std::optional<Model> model(Model::load(source.checkpoint().folder()));
  model->replace_vectors(std::move(replaced));
  return model;
}

/// Quality of `quantized` against the model that `reference` was made of, on its tokens. One forward pass; memory: one
/// block's weights and the hidden states. Activations are rounded to `rounded` where they meet matrices that kernels
/// read packed.
template <class Model, class Executor>
quality quantized_quality(Model const& source, quantized_source const& quantized, reference_model const& reference,
                          token_sequences const& tokens, Executor& executor, precision rounded = precision::f32) {
  auto const replaced = with_replaced_vectors(source, quantized);
  auto const layers = [&](index layer) { return running_matrix(quantized.layer(layer)); };
  auto const hidden = streamed_pass(replaced ? *replaced : source, tokens, layers, executor, rounded);
  return measure_quality(reference, tokens, hidden, executor);
}

}  // namespace amq
