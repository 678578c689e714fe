// Prior effects by hand on three layers, then groups, missing sensitivities and losses that say nothing.
#include "amq/predict/prior_effects.hpp"

#include "amq/space/format_space.hpp"
#include "support/catch.hpp"
#include "support/fitting_data.hpp"

namespace {

using amq::configuration;
using amq::format_space;
using amq::gene;
using amq::index;
using amq::matrix;
using amq::testing::equal_layers;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct measured {
  std::vector<configuration> genes;
  std::vector<double> losses;

  matrix<double> effects(format_space const& space) const {
    matrix<gene> rows(std::ssize(genes), space.size());
    for (index i = 0; i < rows.rows(); ++i) std::ranges::copy(genes[static_cast<std::size_t>(i)], rows.row(i).begin());
    return amq::prior_effects(space, rows, losses);
  }
};

void check_row(matrix<double> const& effects, index layer, std::vector<double> const& expected) {
  INFO("layer " << layer);
  REQUIRE(effects.cols() == std::ssize(expected));
  for (index g = 0; g < effects.cols(); ++g) CHECK(effects(layer, g) == Approx(expected[static_cast<std::size_t>(g)]));
}

TEST_CASE("the recipe's formula, by hand on three layers", "[prior_effects]") {
  // Median excess 0.02; the third layer's counts four times the median at its highest choice.
  measured const all{{{2, 2, 2}, {0, 2, 2}, {2, 0, 2}, {2, 2, 0}, {1, 0, 2}, {0, 0, 0}, {1, 1, 1}},
                     {0.1, 0.11, 0.12, 0.3, 5, 7, 3}};
  auto const effects = all.effects(equal_layers(3));
  REQUIRE(effects.rows() == 3);
  double const total = 0.01 + 0.02 + 0.08;
  for (auto const& [layer, excess, bounded] : {std::tuple(0, 0.01, 0.01), {1, 0.02, 0.02}, {2, 0.2, 0.08}}) {
    double const high = 0.1 * bounded / total, low = high + excess;
    check_row(effects, layer, {low, std::sqrt(low * high), high});
  }
}

TEST_CASE("layers that seem to help count a tenth of the median", "[prior_effects]") {
  measured const all{{{2, 2, 2}, {0, 2, 2}, {2, 0, 2}, {2, 2, 0}}, {0.1, 0.12, 0.05, 0.13}};
  auto const effects = all.effects(equal_layers(3));
  double const high = 0.1 * 0.002 / (0.02 + 0.002 + 0.03);
  check_row(effects, 1, {high + 0.002, std::sqrt((high + 0.002) * high), high});
}

TEST_CASE("layers lowered together share alike, unless they were measured alone", "[prior_effects]") {
  measured const all{{{2, 2, 2, 2}, {2, 2, 0, 2}, {0, 0, 2, 2}, {2, 2, 0, 0}, {2, 0, 2, 2}},
                     {0.1, 0.18, 0.14, 0.12, 0.13}};
  auto const effects = all.effects(equal_layers(4));
  std::vector<double> const excess{0.02, 0.03, 0.08, 0.01};
  for (index l = 0; l < 4; ++l) {
    double const each = excess[static_cast<std::size_t>(l)];
    CHECK(effects(l, 0) == Approx(0.1 * each / 0.14 + each));
  }
}

TEST_CASE("layers without a sensitivity count as the median one", "[prior_effects]") {
  measured const some{{{2, 2, 2, 2}, {0, 2, 2, 2}, {2, 0, 2, 2}, {2, 2, 0, 2}}, {0.1, 0.11, 0.12, 0.13}};
  auto const effects = some.effects(equal_layers(4));
  for (index g = 0; g < 3; ++g) CHECK(effects(3, g) == Approx(effects(1, g)));
  measured const none{{{2, 2}, {1, 0}, {0, 0}}, {0.1, 0.4, 0.9}};  // all at the lowest is no sensitivity
  auto const alike = none.effects(equal_layers(2));
  for (index layer = 0; layer < 2; ++layer) check_row(alike, layer, {0.15, std::sqrt(0.15 * 0.05), 0.05});
}

TEST_CASE("without the all-highest configuration the least loss stands for it", "[prior_effects]") {
  measured const some{{{0, 2}, {1, 1}}, {0.3, 0.1}};
  auto const effects = some.effects(equal_layers(2));
  for (index layer = 0; layer < 2; ++layer) CHECK(effects(layer, 0) == Approx(0.05 + 0.2));
}

TEST_CASE("a layer of one variable may be its own sensitivity", "[prior_effects]") {
  measured const all{{{2}, {0}}, {0.1, 0.4}};
  check_row(all.effects(equal_layers(1)), 0, {0.4, 0.2, 0.1});
}

TEST_CASE("widths that are not evenly spaced interpolate by bits; fewer choices end in infinity", "[prior_effects]") {
  auto const layers = equal_layers(3).layers();
  format_space const space({layers.begin(), layers.end()},
                           {{{2, 128}, {3, 128}, {8, 128}}, {{2, 128}, {4, 128}}, {{4, 128}}}, 0);
  measured const all{{{2, 1, 0}, {0, 1, 0}, {2, 0, 0}}, {0.1, 0.2, 0.2}};
  auto const effects = all.effects(space);
  double const high = 0.1 / 3, low = high + 0.1;
  check_row(effects, 0, {low, low * std::pow(high / low, 1.0 / 6), high});
  check_row(effects, 1, {low, high, infinity});
  CHECK((effects(2, 0) > 0 && effects(2, 1) == infinity));
}

TEST_CASE("pinned layers do not count as lowered or varied", "[prior_effects]") {
  auto const space = equal_layers(3).pin(std::vector<index>{1});
  measured const all{{{2, 2, 2}, {0, 2, 2}, {2, 2, 0}}, {0.1, 0.12, 0.16}};
  auto const effects = all.effects(space);
  CHECK(effects(0, 0) - effects(0, 2) == Approx(0.02));
  CHECK(effects(2, 0) - effects(2, 2) == Approx(0.06));
}

TEST_CASE("constant, zero and negative losses give positive finite effects", "[prior_effects]") {
  for (double const loss : {0.25, 0.0, -3.0, 1e-300, 1e300}) {
    measured const all{{{2, 2}, {0, 2}, {2, 0}, {0, 0}}, {loss, loss, loss, loss}};
    auto const effects = all.effects(equal_layers(2));
    INFO("loss " << loss);
    for (index layer = 0; layer < 2; ++layer)
      for (index g = 0; g < 3; ++g) {
        CHECK((effects(layer, g) > 0 && std::isfinite(effects(layer, g))));
        if (g > 0) CHECK(effects(layer, g) <= effects(layer, g - 1));
      }
  }
  CHECK_THROWS_AS(measured{}.effects(equal_layers(2)), amq::precondition_error);
  measured const more{{{2, 2}}, {0.1, 0.2}};
  CHECK_THROWS_AS(more.effects(equal_layers(2)), amq::precondition_error);
}

}  // namespace
