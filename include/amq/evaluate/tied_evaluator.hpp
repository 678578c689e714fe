// Measures configurations of a space with tied layers by an evaluator that wants one gene for each layer.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/core/configuration.hpp"
#include "amq/evaluate/any_evaluator.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Expands each configuration by the space, then asks `inner`, which was made for `space.untied()`. Models evaluator.
class tied_evaluator {
 public:
  tied_evaluator(format_space space, any_evaluator inner) : space_(std::move(space)), inner_(std::move(inner)) {}

  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    inner_.evaluate(expanded(batch), out);
  }

  bool measures_parts() const { return inner_.measures_parts(); }
  index sequences() const { return inner_.sequences(); }

  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) {
    inner_.evaluate_part(expanded(batch), fidelity, out);
  }

  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    inner_.evaluate_each(expanded(batch), sink);
  }

 private:
  std::vector<configuration> expanded(std::span<configuration const> batch) const {
    std::vector<configuration> result;
    for (auto const& genes : batch) result.push_back(space_.expand(genes));
    return result;
  }

  format_space space_;
  any_evaluator inner_;
};

}  // namespace amq
