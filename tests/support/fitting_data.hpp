// Configurations with losses that predictors can learn something from.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/space/format_space.hpp"

namespace amq::testing {

/// Equal layers of 2, 3 or 4 bits, none pinned.
inline format_space equal_layers(index layers) {
  std::vector<linear_layer> list;
  for (index i = 0; i < layers; ++i) list.push_back({"layer" + std::to_string(i), 128, 128, static_cast<int>(i), 0});
  return {list, std::vector<format>{{2, 128}, {3, 128}, {4, 128}}, 0};
}

struct fitting_data {
  matrix<gene> genes;
  std::vector<double> losses;

  matrix_view<gene const> rows(index first, index count) const { return genes.view().rows_from(first, count); }
  std::span<double const> values(index first, index count) const {
    return std::span(losses).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  }
};

/// Random genes around a mean of each configuration's own; loss = s + s^2 / 2 + noise, where layer l adds
/// (1 + l mod 5) / layers to s for each choice below its highest: a sum that is bent, as real losses are.
inline fitting_data bent_sums(index count, index layers, std::uint64_t seed, double noise = 0.01) {
  random_stream random(seed);
  fitting_data data{matrix<gene>(count, layers), {}};
  for (index i = 0; i < count; ++i) {
    double const mean = random.uniform();
    double sum = 0;
    for (index l = 0; l < layers; ++l) {
      data.genes(i, l) = static_cast<gene>(random.bernoulli(mean) + random.bernoulli(mean));
      sum += (2 - data.genes(i, l)) * static_cast<double>(1 + l % 5) / static_cast<double>(layers);
    }
    data.losses.push_back(sum + 0.5 * sum * sum + noise * random.normal());
  }
  return data;
}

/// P's predictions of some rows.
template <class P>
std::vector<double> predictions(P const& model, matrix_view<gene const> genes) {
  std::vector<double> out(static_cast<std::size_t>(genes.rows));
  model.predict(genes, out);
  return out;
}

template <class P>
std::vector<double> variances(P const& model, matrix_view<gene const> genes) {
  std::vector<double> out(static_cast<std::size_t>(genes.rows));
  model.variance(genes, out);
  return out;
}

inline double root_mean_square_error(std::span<double const> got, std::span<double const> expected) {
  double squares = 0;
  for (std::size_t i = 0; i < got.size(); ++i) squares += (got[i] - expected[i]) * (got[i] - expected[i]);
  return std::sqrt(squares / static_cast<double>(got.size()));
}

}  // namespace amq::testing
