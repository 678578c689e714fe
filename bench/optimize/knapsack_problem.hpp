// A knapsack of 224 layers and three choices: what every optimizer here is given. bench/peers/nsga2_peer.py has it,
// too.
#pragma once

#include <cmath>
#include <vector>

#include "amq/concepts/optimizer.hpp"

namespace amq::bench {

/// Objectives (sum of effects of very different sizes, average gene by the layers' sizes).
struct layer_knapsack {
  static constexpr index layers = 224;
  static constexpr int choices = 3;

  std::vector<double> costs;   // (layers, choices)
  std::vector<double> shares;  // (layers, choices)

  layer_knapsack() {
    double const kinds[] = {1, 1, 1, 1, 2.6875, 2.6875, 2.6875};
    double const total = 32 * (4 + 3 * 2.6875);
    for (index l = 0; l < layers; ++l)
      for (int g = 0; g < choices; ++g) {
        double const effect = (1 + 3 * std::pow(std::sin(1.0 + static_cast<double>(l)), 8)) / 200;
        costs.push_back(effect * std::pow(0.25, g));
        shares.push_back(kinds[l % 7] / total * g);
      }
  }

  index variables() const { return layers; }
  int levels(index) const { return choices; }
  index objectives() const { return 2; }
  void evaluate(matrix_view<gene const> genes, matrix_view<double> out) const {
    for (index i = 0; i < genes.rows; ++i) rate(genes.row(i).data(), out.row(i).data());
  }

  /// One individual, in whatever type its genes are.
  template <class Gene>
  void rate(Gene const* genes, double* objectives) const {
    double cost[4] = {0, 0, 0, 0}, share[4] = {0, 0, 0, 0};  // chains of additions that do not wait for each other
    for (std::size_t l = 0; l < layers; l += 4)
      for (std::size_t k = 0; k < 4; ++k) {
        auto const at = choices * (l + k) + static_cast<std::size_t>(genes[l + k]);
        cost[k] += costs[at];
        share[k] += shares[at];
      }
    objectives[0] = (cost[0] + cost[1]) + (cost[2] + cost[3]);
    objectives[1] = (share[0] + share[1]) + (share[2] + share[3]);
  }
};

}  // namespace amq::bench
