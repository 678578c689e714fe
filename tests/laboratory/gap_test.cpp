#include "amq/laboratory/gap.hpp"

#include <set>

#include "amq/laboratory/share_space.hpp"
#include "amq/predict/gp.hpp"
#include "amq/predict/rbf.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::testing::landscape_space;

std::vector<double> even(amq::index layers) { return std::vector<double>(static_cast<std::size_t>(layers), 0.01); }

/// A deployment whose every layer errs by its own factor more than the proxy's.
struct two_quantizers {
  std::vector<double> weights, ratios;

  explicit two_quantizers(amq::index layers) {
    amq::random_stream random(3);
    for (amq::index i = 0; i < layers; ++i) {
      weights.push_back(0.01 * std::exp(random.normal()));
      ratios.push_back(std::exp(0.6 * random.normal()));
    }
  }
  double loss(amq::configuration const& genes, bool deployed) const {
    double total = 0.001;
    for (std::size_t i = 0; i < genes.size(); ++i)
      total += weights[i] * (deployed ? ratios[i] : 1) * std::pow(0.25, genes[i]);
    return total;
  }
  std::vector<amq::gap_point> measure(std::vector<amq::sized_configuration> const& sample) const {
    std::vector<amq::gap_point> points;
    for (auto const& one : sample) points.push_back({one, loss(one.genes, false), loss(one.genes, true)});
    return points;
  }
};

amq::gap_point point(double bits, amq::index level, double proxy, double deployment) {
  return {{{}, bits, level}, proxy, deployment};
}

}  // namespace

TEST_CASE("a sample has levels of nearly equal size, every configuration once") {
  auto const space = landscape_space(30);
  amq::gap_sample_options const options{.levels = 6, .configurations = 15};
  auto const sample = amq::gap_sample(space, even(30), options);
  CHECK(sample.size() == 6 * 15);
  double const low = space.average_bits(space.lowest());
  double const range = space.average_bits(space.highest()) - low;
  std::set<amq::configuration> distinct;
  for (auto const& one : sample) {
    CHECK(one.average_bits == space.average_bits(one.genes));
    CHECK(std::abs(one.average_bits - low - range * (static_cast<double>(one.level) + 0.5) / 6) <= 0.005 * range);
    distinct.insert(one.genes);
  }
  CHECK(distinct.size() == sample.size());
  auto const again = amq::gap_sample(space, even(30), options);
  CHECK(again.front().genes == sample.front().genes);
  CHECK(again.back().genes == sample.back().genes);
}

TEST_CASE("a sample spends its bits on sensitive layers where it is told to") {
  auto const space = landscape_space(20);
  auto sensitivities = even(20);
  sensitivities[4] = 10;
  int kept = 0, all = 0;
  for (auto const& one : amq::gap_sample(space, sensitivities, {.near_front = 1})) {
    kept += one.genes[4] == 2;
    ++all;
  }
  CHECK(kept > 0.9 * all);
  CHECK_THROWS_AS(amq::gap_sample(space, even(3)), amq::precondition_error);
}

TEST_CASE("small spaces give what they have") {
  auto const space = landscape_space(2);
  auto const sample = amq::gap_sample(space, even(2));
  CHECK(sample.size() <= 9);
}

TEST_CASE("figures of a gap, worked out by hand") {
  auto const space = landscape_space(2);
  // Level 0: the proxy's best is the second best, with a regret of one half. Level 1: the proxy is right.
  std::vector<amq::gap_point> const points{point(2.5, 0, 1, 3), point(2.5, 0, 2, 2), point(2.5, 0, 3, 4),
                                           point(3.5, 1, 5, 1), point(3.5, 1, 6, 2)};
  std::vector<double> const proxy{1, 2, 3, 5, 6};
  auto const figures = amq::figures_of_gap(space, points, proxy, 0.01);
  // Pairs of equal size: three in level 0, two of them in order, and one in level 1.
  CHECK(figures.tau == Approx((3.0 - 1.0) / 4));
  CHECK(figures.median_tau == Approx((1.0 / 3 + 1) / 2));
  CHECK(figures.mean_regret == Approx(0.25));
  CHECK(figures.worst_regret == Approx(0.5));
  CHECK(figures.kept == Approx(0.5));
}

TEST_CASE("a proxy that is the deployment has no gap") {
  auto const space = landscape_space(20);
  two_quantizers const two(20);
  auto points = two.measure(amq::gap_sample(space, even(20)));
  for (auto& p : points) p.deployment = p.proxy;
  auto const report = amq::report_gap(space, points, [] { return amq::rbf<>{}; }, {.measured = {10}, .repeats = 1});
  CHECK(report.proxy.tau == Approx(1));
  CHECK(report.proxy.mean_regret == 0);
  CHECK(report.proxy.kept == 1);
  REQUIRE(report.corrections.size() == 1);
  CHECK(report.corrections[0].after.tau == Approx(1));
}

TEST_CASE("a few real measurements correct a proxy, more correct it better") {
  auto const space = landscape_space(24);
  two_quantizers const two(24);
  auto const points = two.measure(amq::gap_sample(space, two.weights, {.configurations = 16}));
  auto const report =
      amq::report_gap(space, points, [] { return amq::gp<>{}; }, {.measured = {16, 64, 5000}, .repeats = 2});
  REQUIRE(report.corrections.size() == 2);
  auto const& few = report.corrections[0];
  auto const& many = report.corrections[1];
  CHECK(few.measured == 16);
  CHECK(*report.proxy.tau < 0.9);
  CHECK(*few.after.tau > *few.before.tau);
  CHECK(*many.after.tau > *many.before.tau + 0.1);
  CHECK(*many.after.tau > *few.after.tau);
  CHECK(many.after.mean_regret < many.before.mean_regret);
}

TEST_CASE("losses that are not above 0 are no gap") {
  auto const space = landscape_space(2);
  std::vector<amq::gap_point> const points{point(2.5, 0, 0, 1)};
  CHECK_THROWS_AS(amq::report_gap(space, points, [] { return amq::rbf<>{}; }), amq::precondition_error);
}

TEST_CASE("shares are what layers contribute, and make a second quantizer's losses linear") {
  auto const space = landscape_space(5);
  two_quantizers const two(5);
  double const highest = two.loss(space.highest(), false);
  std::vector<double> alone;
  for (std::size_t i = 0; i < 5; ++i) {
    auto genes = space.highest();
    genes[i] = 0;
    alone.push_back(two.loss(genes, false) - highest);
  }
  amq::share_space const shares(space, alone, highest);
  amq::configuration const genes{0, 1, 2, 1, 0};
  std::vector<double> features(5);
  shares.features(genes, features);
  double const loss = two.loss(genes, false);
  CHECK(features[0] == Approx(alone[0] / loss));
  CHECK(features[2] == 0);
  double ratio = two.loss(space.highest(), true) / loss;
  for (std::size_t i = 0; i < 5; ++i) ratio += two.ratios[i] * features[i];
  CHECK(ratio == Approx(two.loss(genes, true) / loss));
  CHECK_THROWS_AS(amq::share_space(space, {1.0}, highest), amq::precondition_error);
  CHECK_THROWS_AS(amq::share_space(space, alone, 0), amq::precondition_error);
}
