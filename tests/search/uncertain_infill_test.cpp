// Infills that know how unsure a predictor is: expected hypervolume improvement against integration by brute force,
// Thompson sampling against worlds that are known.
#include "amq/optimize/nsga2.hpp"
#include "amq/search/amq_design.hpp"
#include "amq/search/expected_hypervolume_infill.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/surrogate_strategy.hpp"
#include "amq/search/thompson_infill.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::index;
using amq::loss_scale;
using amq::population;

amq::hypervolume_frame const frame{2.25, 4.25, 0.4, 0.01};
std::vector<double> const front_bits{2.25, 2.6, 3.1, 3.8, 4.25};
std::vector<double> const front_losses{0.4, 0.2, 0.09, 0.03, 0.01};
amq::infill_context const context{front_bits, front_losses, frame};

population candidates_at(std::vector<std::pair<double, double>> const& bits_and_losses) {
  population p{amq::matrix<amq::gene>(std::ssize(bits_and_losses), 1),
               amq::matrix<double>(std::ssize(bits_and_losses), 2)};
  for (index i = 0; i < p.genes.rows(); ++i) {
    p.genes(i, 0) = static_cast<amq::gene>(i);
    p.objectives(i, 1) = bits_and_losses[static_cast<std::size_t>(i)].first;
    p.objectives(i, 0) = bits_and_losses[static_cast<std::size_t>(i)].second;
  }
  return p;
}

/// Answers by the gene, which numbers the candidates.
struct table_predictor {
  std::vector<double> variances;
  std::vector<std::vector<double>> worlds{};  // drawn in turn
  std::shared_ptr<int> draws = std::make_shared<int>(0);

  void variance(amq::matrix_view<amq::gene const> genes, std::span<double> out) const {
    for (index i = 0; i < genes.rows; ++i) out[static_cast<std::size_t>(i)] = variances[genes(i, 0)];
  }
  void draw(amq::matrix_view<amq::gene const> genes, amq::random_stream&, std::span<double> out) const {
    auto const& world = worlds[static_cast<std::size_t>((*draws)++) % worlds.size()];
    for (index i = 0; i < genes.rows; ++i) out[static_cast<std::size_t>(i)] = world[genes(i, 0)];
  }
};

double hypervolume_with(double bits, double loss, loss_scale scale) {
  auto all_bits = front_bits, all_losses = front_losses;
  all_bits.push_back(bits);
  all_losses.push_back(loss);
  return amq::normalised_hypervolume(all_bits, all_losses, frame, scale);
}

/// The mean gain of normal (or log-normal) losses, by the midpoint rule.
double integrated_gain(double bits, double mean, double deviation, loss_scale scale) {
  double const before = amq::normalised_hypervolume(front_bits, front_losses, frame, scale);
  double const spread = std::sqrt(std::log1p(deviation * deviation / (mean * mean)));
  double total = 0;
  int const steps = 20000;
  for (int i = 0; i < steps; ++i) {
    double const z = -8 + 16 * (i + 0.5) / steps, density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
    double const loss =
        scale == loss_scale::raw ? mean + deviation * z : mean * std::exp(-0.5 * spread * spread + spread * z);
    total += density * 16 / steps * (hypervolume_with(bits, loss, scale) - before);
  }
  return total;
}

TEST_CASE("the expected improvement is exact, on either scale", "[uncertain_infill]") {
  for (auto const scale : {loss_scale::raw, loss_scale::logarithmic}) {
    amq::detail::loss_staircase const steps(context, scale);
    amq::expected_hypervolume_infill const infill(scale);
    for (double const bits : {2.25, 2.3, 2.6, 3.4, 4.24})
      for (double const mean : {0.02, 0.1, 0.35})
        for (double const deviation : {0.001, 0.02, 0.08}) {
          INFO("bits " << bits << ", mean " << mean << ", deviation " << deviation);
          CHECK(infill.expected_gain(steps, bits, mean, deviation * deviation) ==
                Approx(integrated_gain(bits, mean, deviation, scale)).epsilon(1e-3).margin(1e-9));
        }
  }
}

TEST_CASE("without variance the expected improvement is the hypervolume that is added", "[uncertain_infill]") {
  amq::detail::loss_staircase const steps(context, loss_scale::raw);
  amq::expected_hypervolume_infill const infill;
  double const before = amq::normalised_hypervolume(front_bits, front_losses, frame, loss_scale::raw);
  for (auto const& [bits, loss] : {std::pair(2.4, 0.25), {3.0, 0.05}, {3.0, 0.3}, {4.5, 0.001}})
    CHECK(infill.expected_gain(steps, bits, loss, 0) ==
          Approx(hypervolume_with(bits, loss, loss_scale::raw) - before).margin(1e-12));
}

TEST_CASE("of nearly equal means the less sure one is chosen first", "[uncertain_infill]") {
  // 0 repeats the front and is sure, 3 is worse than the front but for luck.
  auto const candidates = candidates_at({{3.1, 0.09}, {3.11, 0.08}, {3.12, 0.08}, {3.5, 0.08}});
  table_predictor const predictor{{1e-12, 4e-4, 3.9e-4, 1e-6}};
  amq::random_stream random(1);
  auto const chosen = amq::expected_hypervolume_infill().select(predictor, candidates, context, 2, random);
  CHECK(chosen == std::vector<index>{1, 2});
  table_predictor const sure{{0, 0, 0, 0}};
  CHECK(amq::expected_hypervolume_infill().select(sure, candidates, context, 1, random) == std::vector<index>{1});
}

TEST_CASE("when nothing gains, and when there are too few, the choice is still without repetition",
          "[uncertain_infill]") {
  auto const candidates = candidates_at({{3.1, 0.3}, {3.2, 0.3}, {3.3, 0.3}, {9, 0.1}});
  table_predictor const predictor{{0, 0, 0, 0}, {{0.3, 0.3, 0.3, 0.3}}};
  amq::random_stream random(1);
  auto const check = [&](auto const& infill) {
    for (index const n : {-1, 0, 2, 4, 9}) {
      auto chosen = infill.select(predictor, candidates, context, n, random);
      CHECK(std::ssize(chosen) == std::clamp<index>(n, 0, 4));
      std::ranges::sort(chosen);
      CHECK(std::ranges::adjacent_find(chosen) == chosen.end());
    }
    CHECK(infill.select(predictor, candidates_at({}), context, 3, random).empty());
  };
  check(amq::expected_hypervolume_infill());
  check(amq::thompson_infill());
}

TEST_CASE("predictions that are not numbers are chosen last", "[uncertain_infill]") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  auto const candidates = candidates_at({{3.0, nan}, {3.1, 0.05}, {3.2, std::numeric_limits<double>::infinity()}});
  table_predictor const predictor{{1e-4, 1e-4, nan}, {{nan, 0.05, nan}}};
  amq::random_stream random(1);
  for (auto const scale : {loss_scale::raw, loss_scale::logarithmic}) {
    CHECK(amq::expected_hypervolume_infill(scale).select(predictor, candidates, context, 3, random)[0] == 1);
    CHECK(amq::thompson_infill(scale).select(predictor, candidates, context, 3, random)[0] == 1);
  }
}

TEST_CASE("each Thompson choice is the best of its own world", "[uncertain_infill]") {
  auto const candidates = candidates_at({{2.4, 0.3}, {3.0, 0.1}, {3.5, 0.06}});
  table_predictor const predictor{{}, {{0.3, 0.1, 0.02}, {0.01, 0.1, 0.02}, {0.3, 0.01, 0.06}}};
  amq::random_stream random(1);
  CHECK(amq::thompson_infill().select(predictor, candidates, context, 3, random) == std::vector<index>{2, 0, 1});
  CHECK(*predictor.draws == 3);
}

/// Two genes number more candidates than one; notes how many rows were drawn.
struct numbered_predictor {
  index lowest;  // the candidate that the draw likes best, but for those from 900 on
  std::shared_ptr<index> drawn = std::make_shared<index>(0);

  void draw(amq::matrix_view<amq::gene const> genes, amq::random_stream&, std::span<double> out) const {
    *drawn = genes.rows;
    for (index i = 0; i < genes.rows; ++i) {
      index const number = 256 * genes(i, 0) + genes(i, 1);
      out[static_cast<std::size_t>(i)] = number >= 900 ? 0.001 : number == lowest ? 0.02 : 0.3;
    }
  }
};

TEST_CASE("of many candidates Thompson draws those nearest to their own front and names them by their rows",
          "[uncertain_infill]") {
  population candidates{amq::matrix<amq::gene>(1000, 2), amq::matrix<double>(1000, 2)};
  for (index i = 0; i < 1000; ++i) {
    candidates.genes(i, 0) = static_cast<amq::gene>(i / 256);
    candidates.genes(i, 1) = static_cast<amq::gene>(i % 256);
    candidates.objectives(i, 0) = i == 700 ? 0.05 : 0.2 + 1e-4 * static_cast<double>(i);
    candidates.objectives(i, 1) = 3.0;
  }
  numbered_predictor const predictor{700};
  amq::random_stream random(1);
  CHECK(amq::thompson_infill().select(predictor, candidates, context, 1, random) == std::vector<index>{700});
  CHECK(*predictor.drawn == 400);
}

/// A predictor of my own, additive and unsure, in the strategy.
struct unsure_predictor {
  using policy_category = amq::predictor_category;
  double mean = 0;
  void fit(auto const&, amq::matrix_view<amq::gene const>, std::span<double const> losses) { mean = amq::mean(losses); }
  void predict(amq::matrix_view<amq::gene const> genes, std::span<double> out) const {
    for (index i = 0; i < genes.rows; ++i) {
      double total = 0;
      for (auto const g : genes.row(i)) total += std::pow(0.25, g);
      out[static_cast<std::size_t>(i)] = mean * total / static_cast<double>(genes.cols);
    }
  }
  void variance(amq::matrix_view<amq::gene const> genes, std::span<double> out) const {
    std::fill_n(out.begin(), genes.rows, mean * mean);
  }
  void draw(amq::matrix_view<amq::gene const> genes, amq::random_stream& random, std::span<double> out) const {
    predict(genes, out);
    for (double& loss : out) loss *= std::exp(0.1 * random.normal());
  }
};

TEST_CASE("both infills work in a surrogate strategy", "[uncertain_infill]") {
  auto const space = amq::testing::landscape_space(20);
  auto const check = [&](auto const& infill) {
    amq::memory_archive archive;
    for (auto const& genes : amq::uniform_configurations(space))
      archive.record({genes, space.average_bits(genes), 0, std::pow(0.3, genes[0]), {}});
    amq::surrogate_strategy<unsure_predictor, amq::nsga2<>, std::remove_cvref_t<decltype(infill)>> strategy(
        space, {}, {}, amq::nsga2<>({.population = 20, .generations = 5}), infill,
        amq::amq_design({.initial = 0, .sensitivities = false}));
    amq::random_stream random(1);
    CHECK(strategy.ask(archive, 12, random).size() == 12);
  };
  check(amq::expected_hypervolume_infill(loss_scale::logarithmic));
  check(amq::thompson_infill());
}

}  // namespace
