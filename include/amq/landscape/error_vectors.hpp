// Landscapes whose layers make error vectors that add up and interfere: `flat` and `deep`.
#pragma once

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/landscape/detail/answers.hpp"
#include "amq/landscape/effects.hpp"
#include "amq/landscape/sensitivity_file.hpp"

namespace amq {

struct error_vector_options {
  index dimensions = 400;
  double coupling = 0.05;  ///< share of each vector that its block has in common, 0 to 1
  double growth = 6;       ///< how soon errors are more than additive: see link
  double depth = 0;        ///< how much the error of earlier blocks amplifies a layer's own
  double noise = 0.003;    ///< standard deviation of ln loss; 0: none
};

/// The two kinds that strategies are compared on.
inline constexpr error_vector_options flat_landscape{};
inline constexpr error_vector_options deep_landscape{160, 0.2, 7, 1.5, 0.006};

/// The tables of a landscape that was drawn elsewhere.
struct error_vector_tables {
  matrix<double> effects;  ///< a (layers, choices)
  matrix<float> vectors;   ///< sqrt(a[l, g]) u[l, g] at row l * choices + g (layers * choices, dimensions)
};

namespace detail {

inline std::vector<double> normal_vector(index dimensions, random_stream& random) {
  std::vector<double> vector(static_cast<std::size_t>(dimensions));
  for (double& x : vector) x = random.normal();
  return vector;
}

/// Row `row` becomes `length` times the unit vector of sqrt(1 - c) own + sqrt(c) shared, with a new own.
inline void mix_vector(std::span<float> row, double length, std::span<double const> shared, double coupling,
                       random_stream& random) {
  auto vector = normal_vector(std::ssize(row), random);
  double squares = 0;
  for (std::size_t k = 0; k < vector.size(); ++k) {
    vector[k] = std::sqrt(1 - coupling) * vector[k] + std::sqrt(coupling) * shared[k];
    squares += vector[k] * vector[k];
  }
  for (std::size_t k = 0; k < vector.size(); ++k) row[k] = static_cast<float>(length * vector[k] / std::sqrt(squares));
}

inline error_vector_tables draw_error_vectors(sensitivity_table const& model, error_vector_options const& options,
                                              random_stream random) {
  error_vector_tables tables{layer_effects(model.sensitivities, options.growth, random), {}};
  tables.vectors = matrix<float>(tables.effects.rows() * landscape_choices, options.dimensions);
  auto const starts = block_starts(model.layers);
  for (std::size_t b = 0; b + 1 < starts.size(); ++b) {
    auto const shared = normal_vector(options.dimensions, random);
    for (index l = starts[b]; l < starts[b + 1]; ++l)
      for (index g = 0; g < landscape_choices; ++g)
        mix_vector(tables.vectors.row(l * landscape_choices + g), std::sqrt(tables.effects(l, g)), shared,
                   options.coupling, random);
  }
  return tables;
}

}  // namespace detail

/// t = |sum_l amp_l sqrt(a[l, x_l]) u[l, x_l]|^2 with amp_l = exp(depth / 2 * sum of a over earlier blocks), and
/// loss = link(t) exp(noise z(x)), z(x) a normal number of (seed, x): a pure function. Models streaming_evaluator and
/// partial_evaluator; every member is const and thread-safe. A loss costs O(layers dimensions), about 10 microseconds
/// at 224 x 400.
class error_vector_landscape : public detail::answers<error_vector_landscape> {
 public:
  /// Draws the landscape of a model. Throws precondition_error for options outside their range.
  error_vector_landscape(sensitivity_table const& model, std::uint64_t seed, error_vector_options const& options)
      : error_vector_landscape(detail::draw_error_vectors(model, checked(options), random_stream(seed)), model.layers,
                               seed, options) {}

  /// A landscape from given tables; of `layers` only the blocks are looked at, of the options growth, depth and noise.
  error_vector_landscape(error_vector_tables tables, std::span<linear_layer const> layers, std::uint64_t seed,
                         error_vector_options const& options)
      : tables_(std::move(tables)), starts_(detail::block_starts(layers)), options_(options), seed_(seed) {
    AMQ_EXPECTS(tables_.effects.rows() == std::ssize(layers) && std::ssize(layers) > 0 &&
                    tables_.vectors.rows() == tables_.effects.rows() * tables_.effects.cols(),
                "error_vector_landscape needs effects (layers, choices) and vectors (layers * choices, dimensions)");
  }

  index layers() const { return tables_.effects.rows(); }
  index choices() const { return tables_.effects.cols(); }

  /// Nats a position, noise included. Throws precondition_error for genes of another space.
  double loss(std::span<gene const> genes) const {
    detail::expect_landscape_genes(genes, layers(), choices());
    return link(error(genes), options_.growth) * detail::noise_factor(options_.noise, seed_, genes);
  }

  /// As measured on a share of the tokens: noise that belongs to (seed, genes, fidelity).
  double noisier_loss(std::span<gene const> genes, double fidelity) const {
    return loss(genes) * detail::extra_noise_factor(options_.noise, seed_, genes, fidelity);
  }

 private:
  static error_vector_options const& checked(error_vector_options const& options) {
    AMQ_EXPECTS(options.dimensions >= 1 && options.coupling >= 0 && options.coupling <= 1 && options.noise >= 0,
                "error_vector_landscape needs dimensions >= 1, coupling between 0 and 1 and noise >= 0");
    return options;
  }

  double error(std::span<gene const> genes) const {
    std::vector<float> total(static_cast<std::size_t>(tables_.vectors.cols()), 0.0f);
    Eigen::Map<Eigen::ArrayXf> sum(total.data(), std::ssize(total));
    double earlier = 0;  // sum of a over the blocks before
    for (std::size_t b = 0; b + 1 < starts_.size(); ++b) {
      auto const amplified = static_cast<float>(std::exp(0.5 * options_.depth * earlier));
      for (index l = starts_[b]; l < starts_[b + 1]; ++l) {
        index const g = genes[static_cast<std::size_t>(l)];
        sum += amplified * vector(l * choices() + g);
        earlier += tables_.effects(l, g);
      }
    }
    return static_cast<double>(sum.square().sum());
  }

  Eigen::Map<Eigen::ArrayXf const> vector(index row) const {
    return {tables_.vectors.row(row).data(), tables_.vectors.cols()};
  }

  error_vector_tables tables_;
  std::vector<index> starts_;
  error_vector_options options_;
  std::uint64_t seed_;
};

}  // namespace amq
