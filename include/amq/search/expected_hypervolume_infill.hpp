// Infill by expected hypervolume improvement, exact for two objectives of which one, the size, is known.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "amq/concepts/infill.hpp"
#include "amq/concepts/predictor.hpp"
#include "amq/search/detail/loss_staircase.hpp"

namespace amq {
namespace detail {

template <class P>
concept knows_variance =
    requires(P const& p, matrix_view<gene const> genes, std::span<double> out) { p.variance(genes, out); };

/// E[max(0, height - y)] for normal y (Jones, Schonlau, Welch 1998, equation 15). Without deviation, the plain maximum.
inline double expected_improvement(double height, double mean, double deviation) {
  if (!(deviation > 0)) return std::max(0.0, height - mean);
  double const z = (height - mean) / deviation;
  double const density = std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  double const below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  return std::max(0.0, (height - mean) * below + deviation * density);
}

}  // namespace detail

/// Models infill for uncertain predictors. Bits are certain, so the expected hypervolume improvement (Emmerich, Deutz,
/// Klinkenberg 2011) is a sum over the front's steps of width times the expected improvement below their height: exact,
/// O(front) a candidate. The batch is chosen one by one, each choice counting as measured with its predicted loss
/// ("kriging believer", Ginsbourger et al. 2010). On the logarithmic scale ln loss is the normal variable, of the same
/// mean and variance of loss. When nothing is expected to gain, random candidates.
class expected_hypervolume_infill {
 public:
  using policy_category = infill_category;
  static constexpr auto needs = predictor_ability::variance;

  explicit expected_hypervolume_infill(loss_scale scale = loss_scale::raw) : scale_(scale) {}

  template <class Predictor>
  std::vector<index> select(Predictor const& predictor, population const& candidates, infill_context const& context,
                            index n, random_stream& random) const {
    static_assert(
        detail::knows_variance<Predictor>,
        "amq: expected_hypervolume_infill needs a predictor with `void variance(matrix_view<gene const> genes, "
        "std::span<double> out) const`, in squared units of loss");
    std::vector<index> chosen;
    if constexpr (detail::knows_variance<Predictor>) {
      auto const& objectives = candidates.objectives;
      std::vector<double> variances(static_cast<std::size_t>(objectives.rows()));
      predictor.variance(candidates.genes, variances);
      detail::loss_staircase front(context, scale_);
      detail::choose_by_gain(
          objectives.rows(), n, random,
          [&](index i) {
            return expected_gain(front, objectives(i, 1), objectives(i, 0), variances[static_cast<std::size_t>(i)]);
          },
          [&](index i) {
            front.add(objectives(i, 1), objectives(i, 0));
            chosen.push_back(i);
          });
    }
    return chosen;
  }

  /// The expected hypervolume that a candidate of this predicted loss and variance adds.
  double expected_gain(detail::loss_staircase const& front, double average_bits, double loss, double variance) const {
    auto const [mean, deviation] = distribution(front.plane(), loss, variance);
    if (!std::isfinite(mean)) return 0;
    return front.expected_gain(average_bits, [mean = mean, deviation = deviation](double height) {
      return detail::expected_improvement(height, mean, deviation);
    });
  }

 private:
  struct normal {
    double mean, deviation;
  };

  /// Of the loss's coordinate. A plane is affine in loss or in ln loss, so two of its points give its scale.
  normal distribution(normalised_plane const& plane, double loss, double variance) const {
    double const deviation = std::sqrt(std::max(variance, 0.0));
    if (scale_ == loss_scale::raw) return {plane.loss(loss), std::abs(plane.loss(1) - plane.loss(0)) * deviation};
    double const positive = std::max(loss, std::numeric_limits<double>::min());
    double const spread = std::log1p(deviation / positive * (deviation / positive));  // variance of ln loss
    double const unit = std::abs(plane.loss(std::numbers::e) - plane.loss(1));
    return {plane.loss(positive * std::exp(-0.5 * spread)), unit * std::sqrt(spread)};
  }

  loss_scale scale_;
};

}  // namespace amq
