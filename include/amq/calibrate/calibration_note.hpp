// Whether calibration tokens are enough for the Hessians of a model's layers.
#pragma once

#include <span>
#include <string>

#include "amq/core/configuration.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// One sentence with the numbers where a layer of `linears` has more inputs than there are calibration tokens, so that
/// its Hessian has not full rank; else empty. Names the layer with the most inputs.
inline std::string calibration_note(std::span<linear_layer const> linears, index tokens) {
  linear_layer const* widest = nullptr;
  for (auto const& layer : linears)
    if (widest == nullptr || layer.cols > widest->cols) widest = &layer;
  if (widest == nullptr || widest->cols <= tokens) return "";
  return std::to_string(tokens) + " calibration tokens are too few for a well-posed Hessian: " + widest->name +
         " has " + std::to_string(widest->cols) + " inputs and needs as many tokens at least, better ten times as many";
}

}  // namespace amq
