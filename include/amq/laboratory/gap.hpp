// The gap between a proxy and a deployment quantizer: how well the one ranks what the other gives, and a correction.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/core/statistics.hpp"
#include "amq/laboratory/gap_sample.hpp"
#include "amq/laboratory/ranking.hpp"
#include "amq/search/designs.hpp"

namespace amq {

/// One configuration measured with both quantizers, in nats a position.
struct gap_point {
  sized_configuration sized;
  double proxy = 0;
  double deployment = 0;
};

/// How well a number known of every configuration (the proxy's loss, or a corrected one) stands for the deployment's.
struct gap_figures {
  std::optional<double> tau{};         ///< Kendall's, over pairs within `width` of the range of bits
  std::optional<double> median_tau{};  ///< of the levels' own
  double mean_regret =
      0;  ///< over levels: deployment loss of the configuration that seems best / that of the best, - 1
  double worst_regret = 0;
  double kept = 0;  ///< share of levels whose best configuration is among the 10 % that seem best
};

/// What a predictor of ln(deployment / proxy), fitted to `measured` configurations, makes of the others: means over
/// random choices of those.
struct gap_correction {
  index measured = 0;
  gap_figures before{};
  gap_figures after{};
};

struct gap_report {
  gap_figures proxy{};
  std::vector<gap_correction> corrections{};
};

struct gap_report_options {
  double width = 0.01;                         ///< of the range of bits: what counts as nearly equal
  std::vector<index> measured{8, 16, 32, 64};  ///< real measurements that a correction gets; those that leave no pair
                                               ///< to rank are left out
  index repeats = 5;                           ///< random choices of them
  std::uint64_t seed = 1;
};

namespace detail {

template <search_space Space>
double range_of_bits(Space const& space) {
  return space.average_bits(uniform_configuration(space, gene{255})) -
         space.average_bits(uniform_configuration(space, gene{0}));
}

/// Sums figures, then divides: an absent tau counts in no mean.
class figure_mean {
 public:
  void add(gap_figures const& f) {
    if (f.tau) taus_.push_back(*f.tau);
    if (f.median_tau) medians_.push_back(*f.median_tau);
    regrets_.push_back(f.mean_regret);
    worst_.push_back(f.worst_regret);
    kept_.push_back(f.kept);
  }
  gap_figures mean() const {
    auto const maybe = [](std::vector<double> const& values) {
      return values.empty() ? std::nullopt : std::optional(amq::mean(values));
    };
    return {maybe(taus_), maybe(medians_), amq::mean(regrets_), amq::mean(worst_), amq::mean(kept_)};
  }

 private:
  std::vector<double> taus_, medians_, regrets_, worst_, kept_;
};

/// Points of one level, by index.
inline std::vector<std::vector<std::size_t>> by_level(std::span<gap_point const> points) {
  std::vector<std::vector<std::size_t>> levels;
  for (std::size_t i = 0; i < points.size(); ++i) {
    auto const level = static_cast<std::size_t>(points[i].sized.level);
    if (level >= levels.size()) levels.resize(level + 1);
    levels[level].push_back(i);
  }
  std::erase_if(levels, [](auto const& level) { return level.size() < 2; });
  return levels;
}

inline std::optional<double> level_tau(std::span<gap_point const> points, std::span<double const> seems,
                                       std::span<std::size_t const> level, double width) {
  std::vector<double> bits, first, second;
  for (std::size_t const i : level) {
    bits.push_back(points[i].sized.average_bits);
    first.push_back(seems[i]);
    second.push_back(points[i].deployment);
  }
  return nearly_equal_pairs(bits, first, second, width).tau();
}

}  // namespace detail

/// `seems[i]` stands for points[i].deployment, in any unit. Levels with fewer than two points count for tau alone.
/// O(n^2).
template <search_space Space>
gap_figures figures_of_gap(Space const& space, std::span<gap_point const> points, std::span<double const> seems,
                           double width) {
  AMQ_EXPECTS(!points.empty() && points.size() == seems.size(), "a gap needs points, and what each seems to give");
  double const reach = width * detail::range_of_bits(space);
  std::vector<double> bits, deployment, taus, regrets, kept;
  for (auto const& point : points) {
    bits.push_back(point.sized.average_bits);
    deployment.push_back(point.deployment);
  }
  for (auto level : detail::by_level(points)) {
    if (auto const tau = detail::level_tau(points, seems, level, reach)) taus.push_back(*tau);
    auto const best = *std::ranges::min_element(level, {}, [&](std::size_t i) { return deployment[i]; });
    std::ranges::stable_sort(level, {}, [&](std::size_t i) { return seems[i]; });
    regrets.push_back(deployment[level.front()] / deployment[best] - 1);
    auto const first = static_cast<std::ptrdiff_t>((level.size() + 9) / 10);
    kept.push_back(std::find(level.begin(), level.begin() + first, best) != level.begin() + first);
  }
  gap_figures figures{nearly_equal_pairs(bits, seems, deployment, reach).tau()};
  if (!taus.empty()) figures.median_tau = median(taus);
  if (regrets.empty()) return figures;
  figures.mean_regret = mean(regrets);
  figures.worst_regret = *std::ranges::max_element(regrets);
  figures.kept = mean(kept);
  return figures;
}

/// Deployment losses of all points as a correction sees them that was fitted to the `known` ones: the proxy's times the
/// predicted ratio. `correction` is a fresh predictor and learns ln(deployment / proxy). Losses must be above 0.
template <search_space Space, class Correction>
std::vector<double> corrected_losses(Space const& space, std::span<gap_point const> points,
                                     std::span<std::size_t const> known, Correction&& correction) {
  static_assert(diagnose_predictor<std::remove_cvref_t<Correction>, Space>());
  matrix<gene> genes(std::ssize(known), space.size());
  std::vector<double> residuals;
  for (std::size_t k = 0; k < known.size(); ++k) {
    auto const& point = points[known[k]];
    std::ranges::copy(point.sized.genes, genes.row(static_cast<index>(k)).begin());
    residuals.push_back(std::log(point.deployment / point.proxy));
  }
  correction.fit(space, genes, residuals);
  matrix<gene> all(std::ssize(points), space.size());
  for (std::size_t i = 0; i < points.size(); ++i)
    std::ranges::copy(points[i].sized.genes, all.row(static_cast<index>(i)).begin());
  std::vector<double> losses(points.size());
  correction.predict(all, losses);
  for (std::size_t i = 0; i < points.size(); ++i) losses[i] = points[i].proxy * std::exp(losses[i]);
  return losses;
}

namespace detail {

/// Before and after on what the correction has not seen; nothing when no two points are left.
template <search_space Space, class MakeCorrection>
std::optional<std::pair<gap_figures, gap_figures>> held_out(Space const& space, std::span<gap_point const> points,
                                                            index measured, double width, random_stream& random,
                                                            MakeCorrection const& make_correction) {
  auto const order = random.permutation(std::ssize(points));
  std::vector<std::size_t> known(order.begin(), order.begin() + measured);
  auto const corrected = corrected_losses(space, points, known, make_correction());
  std::vector<gap_point> rest;
  std::vector<double> before, after;
  for (auto i = static_cast<std::size_t>(measured); i < order.size(); ++i) {
    auto const at = static_cast<std::size_t>(order[i]);
    rest.push_back(points[at]);
    before.push_back(points[at].proxy);
    after.push_back(corrected[at]);
  }
  auto const plain = figures_of_gap(space, rest, before, width);
  if (!plain.tau) return std::nullopt;
  return std::pair(plain, figures_of_gap(space, rest, after, width));
}

}  // namespace detail

/// The whole report. make_correction() gives a fresh predictor, of ln(deployment / proxy), for each fit. Deterministic
/// under the seed. Throws precondition_error without points, or where a loss is not above 0.
template <search_space Space, class MakeCorrection>
gap_report report_gap(Space const& space, std::span<gap_point const> points, MakeCorrection const& make_correction,
                      gap_report_options const& options = {}) {
  AMQ_EXPECTS(std::ranges::all_of(points, [](auto const& p) { return p.proxy > 0 && p.deployment > 0; }),
              "a gap is about losses above 0");
  std::vector<double> proxy;
  for (auto const& point : points) proxy.push_back(point.proxy);
  gap_report report{figures_of_gap(space, points, proxy, options.width), {}};
  for (index const measured : options.measured) {
    if (measured < 1 || measured + 2 > std::ssize(points)) continue;
    detail::figure_mean before, after;
    bool any = false;
    for (index repeat = 0; repeat < options.repeats; ++repeat) {
      random_stream random(options.seed, static_cast<std::uint64_t>(repeat));
      auto const figures = detail::held_out(space, points, measured, options.width, random, make_correction);
      if (!figures) continue;
      any = true;
      before.add(figures->first);
      after.add(figures->second);
    }
    if (any) report.corrections.push_back({measured, before.mean(), after.mean()});
  }
  return report;
}

}  // namespace amq
