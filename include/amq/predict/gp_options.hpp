// What a Gaussian process may be told, and what it says of its own fit.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/predict/gp_likelihood.hpp"

namespace amq {

/// One length for all dimensions, one for each ("ARD"), or the first above 32 dimensions: a few hundred configurations
/// say little about 224 lengths, and learning them takes minutes.
enum class gp_lengths { automatic, shared, each };

struct gp_range {
  double least;
  double most;
};

struct gp_options {
  /// Not learned but taken as they are, in units of the standardised targets. Empty: learned.
  std::optional<gp_hyperparameters> fixed{};
  gp_lengths lengths = gp_lengths::automatic;
  bool standardize = true;       ///< targets to mean 0 and deviation 1; without it they are taken to have mean 0
  double growth = 1.25;          ///< hyper-parameters are learned anew when the data have grown by this factor
  index learned_rows = 300;      ///< at most so many rows, chosen at random, say how likely hyper-parameters are
  index restarts = 1;            ///< further starts of the maximisation, from other scales, drawn at random
  index evaluations = 100;       ///< of the likelihood, at most, from each start
  std::uint64_t seed = 1;        ///< of the rows and the restarts
  gp_range variance{1e-3, 1e3};  ///< bounds, in mean squares of the targets; the first start is 1
  gp_range length{1e-2, 1e2};    ///< bounds, in root mean square distances of the rows; the first start is 1
  gp_range noise{1e-6, 1.0};     ///< bounds, in mean squares of the targets; the first start is 0.01
};

/// Means and variances of the losses at the points of a fit, each as predicted from all the others.
struct leave_one_out_losses {
  std::vector<double> means;
  std::vector<double> variances;
};

namespace detail {

inline void expect_options(gp_options const& options) {
  auto const range = [](gp_range r) { return r.least > 0 && r.least <= r.most && std::isfinite(r.most); };
  AMQ_EXPECTS(range(options.variance) && range(options.length) && range(options.noise),
              "gp_options needs bounds of variance, length and noise with 0 < least <= most");
  AMQ_EXPECTS(options.growth >= 1 && options.learned_rows >= 1 && options.evaluations >= 1 && options.restarts >= 0,
              "gp_options needs growth of at least 1, at least one learned row and one evaluation, and restarts of at "
              "least 0");
}

}  // namespace detail
}  // namespace amq
