// The share model's scales by marginal likelihood, with NLopt.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <nlopt.hpp>

#include "amq/predict/detail/share_posterior.hpp"

namespace amq::detail {

/// Least negative log marginal likelihood of the residuals plus log-normal priors about (0.5, 0.1, 0.1, 0.01), by at
/// most `steps` evaluations of Nelder and Mead's simplex in logarithms. Deterministic. O(steps n^3).
inline share_scales likeliest_scales(share_covariance const& k, Eigen::VectorXd const& residual, share_scales start,
                                     bool interference, int steps) {
  struct problem {
    share_covariance const& k;
    Eigen::VectorXd const& residual;
    share_scales base;
    bool interference;

    share_scales at(std::vector<double> const& x) const {
      share_scales s = base;
      s.effect = std::exp(x[0]);
      s.noise = std::exp(x[1]);
      if (interference) s.interference = std::exp(x[2]), s.pairs = std::exp(x[3]), s.local = std::exp(x[4]);
      return s;
    }
    double cost(std::vector<double> const& x) const {
      jittered_factor const factor(k.matrix(at(x)));
      double total = 0.5 * residual.dot(factor.llt.solve(residual)) + 0.5 * factor.log_determinant();
      constexpr std::array<double, 5> centre{0.5, 0.01, 0.1, 0.1, 0.1}, deviation{0.7, 1, 1, 1, 1};
      for (std::size_t i = 0; i < x.size(); ++i) {
        double const z = (x[i] - std::log(centre[i])) / deviation[i];
        total += 0.5 * z * z;
      }
      return std::isfinite(total) ? total : 1e300;
    }
    static double call(std::vector<double> const& x, std::vector<double>&, void* self) {
      return static_cast<problem const*>(self)->cost(x);
    }
  } objective{k, residual, start, interference};

  std::vector<double> x{std::log(start.effect), std::log(start.noise)};
  if (interference) x.insert(x.end(), {std::log(start.interference), std::log(start.pairs), std::log(start.local)});
  // A few hundred rows, most of them near the front, make the likelihood too sure of itself: docs/strategies.md.
  std::vector<double> least{std::log(0.3), std::log(3e-3)};
  if (interference) least.insert(least.end(), {std::log(0.03), std::log(0.03), std::log(0.1)});
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::max(x[i], least[i]);
  nlopt::opt search(nlopt::LN_NELDERMEAD, static_cast<unsigned>(x.size()));
  search.set_min_objective(&problem::call, &objective);
  search.set_lower_bounds(least);
  search.set_upper_bounds(std::log(10.0));
  search.set_initial_step(0.5);
  search.set_maxeval(steps);
  double best = 0;
  try {
    search.optimize(x, best);
  } catch (nlopt::roundoff_limited const&) {  // x is the best so far
  }
  return objective.at(x);
}

}  // namespace amq::detail
