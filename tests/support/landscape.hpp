// A made-up model for tests of the search: a space of some layers and an evaluator that answers in microseconds.
#pragma once

#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/random.hpp"
#include "amq/space/format_space.hpp"

namespace amq::testing {

/// Layers of different sizes, seven kinds a block, choices 2, 3 and 4 bits.
inline format_space landscape_space(index layers, std::vector<format> choices = {{2, 128}, {3, 128}, {4, 128}}) {
  std::vector<linear_layer> list;
  for (index i = 0; i < layers; ++i)
    list.push_back({"layer" + std::to_string(i), 128 * (1 + i % 3), 128 * (1 + i % 2), static_cast<int>(i / 7),
                    static_cast<int>(i % 7)});
  return {list, std::move(choices), 1000};
}

/// Every layer's error grows as its choice falls, neighbours amplify each other, one layer in nine is very sensitive.
class landscape {
 public:
  landscape(index layers, std::uint64_t seed) {
    random_stream random(seed);
    for (index l = 0; l < layers; ++l)
      weights_.push_back(std::exp(0.7 * random.normal()) * (l % 9 == 4 ? 12 : 1) / static_cast<double>(layers));
  }

  double loss(std::span<gene const> genes) const {
    double total = 0.01, before = 0;
    for (std::size_t l = 0; l < genes.size(); ++l) {
      double const own = weights_[l] * std::pow(0.25, genes[l]);
      total += own + 0.8 * std::sqrt(own * before);
      before = own;
    }
    return 0.7 * (1 - std::exp(-0.3 * total));
  }

 private:
  std::vector<double> weights_;
};

/// Streams; counts; may be told what to answer instead.
class landscape_evaluator {
 public:
  explicit landscape_evaluator(landscape model) : model_(std::move(model)) {}

  index count = 0;
  std::function<measurement(configuration const&, measurement)> alter;

  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    evaluate_each(batch, [&](std::size_t i, measurement&& m) {
      out[i] = std::move(m);
      return true;
    });
  }
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      measurement m{.loss = model_.loss(batch[i]), .sequence_losses = {1.0, 2.0}, .seconds = 0.5, .error = {}};
      ++count;
      if (alter) m = alter(batch[i], std::move(m));
      if (!sink(i, std::move(m))) return;
    }
  }

 private:
  landscape model_;
};

}  // namespace amq::testing
