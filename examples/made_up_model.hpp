// A model that is measured in a microsecond, for examples that are about something else.
#pragma once

#include <amq/space/format_space.hpp>
#include <cmath>
#include <span>
#include <string>
#include <vector>

/// Layers of which the first are the most sensitive, seven a block.
struct made_up_model {
  static amq::format_space space(int layers) {
    std::vector<amq::linear_layer> all;
    for (int i = 0; i < layers; ++i) all.push_back({"layer." + std::to_string(i), 256, 256, i / 7, i % 7});
    return {all, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0};
  }

  static double loss(std::span<amq::gene const> genes) {
    double total = 0.001;
    for (std::size_t layer = 0; layer < genes.size(); ++layer)
      total += 0.02 / static_cast<double>(1 + layer) * std::pow(0.25, genes[layer]);
    return total;
  }

  void evaluate(std::span<amq::configuration const> batch, std::span<amq::measurement> out) const {
    for (std::size_t i = 0; i < batch.size(); ++i) out[i].loss = loss(batch[i]);
  }
};
