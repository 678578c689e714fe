// Problems whose fronts are known: ZDT1 to 3, DTLZ2 (variables of 256 levels) and a knapsack of several choices an
// item.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/random.hpp"
#include "amq/indicate/hypervolume.hpp"

namespace amq::testing {

/// ZDT1, 2 and 3 (Zitzler, Deb and Thiele 2000) of 30 variables, each 0, 1/255, ..., 1.
struct zdt {
  int number = 1;

  index variables() const { return 30; }
  int levels(index) const { return 256; }
  index objectives() const { return 2; }
  void evaluate(matrix_view<gene const> genes, matrix_view<double> out) const {
    for (index i = 0; i < genes.rows; ++i) {
      double g = 1;
      for (index v = 1; v < genes.cols; ++v) g += 9.0 / 29 * genes(i, v) / 255;
      out(i, 0) = genes(i, 0) / 255.0;
      out(i, 1) = g * shape(out(i, 0), g);
    }
  }
  /// The hypervolume of all points with g = 1, to (1.1, 1.1).
  double best_hypervolume() const {
    matrix<double> points(256, 2);
    for (index i = 0; i < 256; ++i) {
      points(i, 0) = static_cast<double>(i) / 255;
      points(i, 1) = shape(points(i, 0), 1);
    }
    return hypervolume(points, reference());
  }
  static std::vector<double> reference() { return {1.1, 1.1}; }

 private:
  double shape(double f, double g) const {
    if (number == 2) return 1 - (f / g) * (f / g);
    double const root = 1 - std::sqrt(f / g);
    return number == 1 ? root : root - f / g * std::sin(10 * std::numbers::pi * f);
  }
};

/// DTLZ2 (Deb et al. 2002) of 12 variables and three objectives: the front is an eighth of the unit sphere.
struct dtlz2 {
  index variables() const { return 12; }
  int levels(index) const { return 256; }
  index objectives() const { return 3; }
  void evaluate(matrix_view<gene const> genes, matrix_view<double> out) const {
    auto const angle = [&](index i, index v) { return genes(i, v) / 255.0 * std::numbers::pi / 2; };
    for (index i = 0; i < genes.rows; ++i) {
      double g = 1;
      for (index v = 2; v < genes.cols; ++v) g += std::pow(genes(i, v) / 255.0 - 0.5, 2);
      out(i, 0) = g * std::cos(angle(i, 0)) * std::cos(angle(i, 1));
      out(i, 1) = g * std::cos(angle(i, 0)) * std::sin(angle(i, 1));
      out(i, 2) = g * std::sin(angle(i, 0));
    }
  }
  /// Of the whole continuous front, to (1.1, 1.1, 1.1).
  static double best_hypervolume() { return 1.1 * 1.1 * 1.1 - std::numbers::pi / 6; }
  static std::vector<double> reference() { return {1.1, 1.1, 1.1}; }
};

/// Items of four choices: each has a whole weight that rises with the choice and a cost that falls. Objectives (cost,
/// weight), both summed and divided by the greatest sum.
class choice_knapsack {
 public:
  choice_knapsack(index items, std::uint64_t seed) {
    random_stream random(seed);
    for (index i = 0; i < items; ++i) {
      std::vector<int> weights{0};
      std::vector<double> costs{0};
      for (int choice = 1; choice < 4; ++choice) {
        weights.push_back(weights.back() + 1 + static_cast<int>(random.below(6)));
        costs.push_back(costs.back() + random.uniform());
      }
      std::ranges::reverse(costs);
      most_cost_ += costs.front();
      most_weight_ += weights.back();
      weights_.push_back(std::move(weights));
      costs_.push_back(std::move(costs));
    }
  }

  index variables() const { return std::ssize(costs_); }
  int levels(index) const { return 4; }
  index objectives() const { return 2; }
  void evaluate(matrix_view<gene const> genes, matrix_view<double> out) const {
    for (index i = 0; i < genes.rows; ++i) {
      double cost = 0;
      int weight = 0;
      for (std::size_t v = 0; v < costs_.size(); ++v) {
        cost += costs_[v][genes.row(i)[v]];
        weight += weights_[v][genes.row(i)[v]];
      }
      out(i, 0) = cost / most_cost_;
      out(i, 1) = static_cast<double>(weight) / most_weight_;
    }
  }

  /// The least cost at each weight, by dynamic programming; (weights, 2), not all of them on the front.
  matrix<double> best_points() const {
    std::vector<double> best(static_cast<std::size_t>(most_weight_) + 1, std::numeric_limits<double>::infinity());
    best[0] = 0;
    for (std::size_t v = 0; v < costs_.size(); ++v) {
      std::vector<double> next(best.size(), std::numeric_limits<double>::infinity());
      for (std::size_t choice = 0; choice < 4; ++choice) {
        auto const weight = static_cast<std::size_t>(weights_[v][choice]);
        for (std::size_t w = weight; w < best.size(); ++w)
          next[w] = std::min(next[w], best[w - weight] + costs_[v][choice]);
      }
      best = std::move(next);
    }
    matrix<double> points(std::ssize(best), 2);
    for (index w = 0; w < points.rows(); ++w) {
      points(w, 0) = best[static_cast<std::size_t>(w)] / most_cost_;
      points(w, 1) = static_cast<double>(w) / most_weight_;
    }
    return points;
  }
  double best_hypervolume() const { return hypervolume(best_points(), reference()); }
  static std::vector<double> reference() { return {1.1, 1.1}; }

 private:
  std::vector<std::vector<int>> weights_;
  std::vector<std::vector<double>> costs_;
  double most_cost_ = 0;
  int most_weight_ = 0;
};

/// What an optimizer reaches of the best hypervolume there is.
template <class Problem>
double reached(Problem const& problem, matrix_view<double const> objectives) {
  return hypervolume(objectives, Problem::reference()) / problem.best_hypervolume();
}

/// Without a start.
template <class Optimizer, class Problem>
double reached(Optimizer const& optimizer, Problem problem, std::uint64_t seed) {
  random_stream random(seed);
  return reached(problem, optimizer.minimize(problem, {}, random).objectives);
}

}  // namespace amq::testing
