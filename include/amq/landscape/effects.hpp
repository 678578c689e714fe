// What one layer does on its own at each width, made from measured sensitivities.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/core/statistics.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Choices of every layer of a synthetic landscape: 2, 3 and 4 bits.
inline constexpr index landscape_choices = 3;

/// The space that synthetic landscapes live in: 2, 3 or 4 bits in groups of 128 for every layer.
inline format_space landscape_space(std::vector<linear_layer> const& layers) {
  return {layers, std::vector<format>{{2, 128}, {3, 128}, {4, 128}}, 0};
}

/// From summed error to loss (nats): ln 2 (1 - exp(-(exp(growth t) - 1) / (growth ln 2))). Close to t for small t, then
/// more than additive, at last saturating at ln 2, the greatest JSD there is. t is cut at 6 / growth, where the loss is
/// ln 2 to the last bit.
inline double link(double t, double growth) {
  double const cut = std::min(t, 6 / growth);
  return std::log(2.0) * -std::expm1(-std::expm1(growth * cut) / (growth * std::log(2.0)));
}

/// The inverse of link for losses in [0, ln 2).
inline double unlink(double loss, double growth) {
  return std::log1p(-std::log1p(-loss / std::log(2.0)) * growth * std::log(2.0)) / growth;
}

namespace detail {

/// Excess over the least sensitive layer, in units of error, at least 5 % of the median.
inline std::vector<double> sensitivity_excess(std::span<double const> sensitivities, double growth) {
  double const base = *std::min_element(sensitivities.begin(), sensitivities.end());
  std::vector<double> excess;
  for (double const s : sensitivities) excess.push_back(unlink(s, growth) - unlink(base, growth));
  double const least = 0.05 * median(excess);
  for (double& e : excess) e = std::max(e, least);
  return excess;
}

}  // namespace detail

/// Effects a (layers, 3): the error that layer l adds at 2, 3 and 4 bits. A layer alone at 2 bits gives about its
/// measured loss, and all layers at 4 bits the smallest one. Layers above six times the median are outliers: they
/// collapse at 2 bits only. Draws two normal numbers a layer. Throws precondition_error for no layers, for losses
/// outside (0, ln 2) and for growth that is not above 0. O(layers).
inline matrix<double> layer_effects(std::span<double const> sensitivities, double growth, random_stream& random) {
  AMQ_EXPECTS(!sensitivities.empty() && growth > 0, "layer_effects needs a sensitivity and growth above 0");
  for (double const s : sensitivities)
    AMQ_EXPECTS(s > 0 && s < std::log(2.0), "layer_effects needs losses between 0 and ln 2, not " + std::to_string(s));
  constexpr double spread = 0.35;
  auto const excess = detail::sensitivity_excess(sensitivities, growth);
  double const typical = median(excess);
  index const layers = std::ssize(excess);
  matrix<double> a(layers, landscape_choices);
  double total = 0;
  for (index l = 0; l < layers; ++l) {
    a(l, 0) = excess[static_cast<std::size_t>(l)];
    bool const outlier = a(l, 0) > 6 * typical;
    a(l, 1) = a(l, 0) * (outlier ? 1.0 / 16 : 1.0 / 4) * std::exp(spread * random.normal());
    a(l, 2) = a(l, 1) * (outlier ? 1.0 / 8 : 1.0 / 4) * std::exp(spread * random.normal());
    total += a(l, 2);
  }
  double const base = unlink(*std::min_element(sensitivities.begin(), sensitivities.end()), growth);
  for (index l = 0; l < layers; ++l) {
    a(l, 2) *= total > 0 ? base / total : 0;
    a(l, 1) = std::max(a(l, 1), 1.3 * a(l, 2));
    a(l, 0) = std::max(a(l, 0) + a(l, 2), 1.5 * a(l, 1));
  }
  return a;
}

}  // namespace amq
