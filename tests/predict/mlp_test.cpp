// The perceptron: its gradient against finite differences, what it learns, when it stops, how unsure it is.
#include "amq/predict/mlp.hpp"

#include <algorithm>
#include <cmath>

#include "amq/core/random.hpp"
#include "amq/indicate/correlation.hpp"
#include "amq/space/format_space.hpp"
#include "support/catch.hpp"
#include "support/feature_table_space.hpp"

namespace {

using amq::gene;
using amq::index;
using amq::matrix;
using network = amq::detail::network<double>;

amq::format_space space_of(index layers) {
  std::vector<amq::linear_layer> list;
  for (index i = 0; i < layers; ++i) list.push_back({"layer" + std::to_string(i), 128, 128, static_cast<int>(i), 0});
  return {list, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0};
}

static_assert(amq::uncertain_predictor<amq::mlp<>, amq::format_space>);

struct data {
  matrix<gene> genes;
  std::vector<double> losses;
};

/// A saturating sum of effects.
data saturating_data(index n, index layers, std::uint64_t seed) {
  amq::random_stream random(seed);
  data d{matrix<gene>(n, layers), {}};
  for (index i = 0; i < n; ++i) {
    double total = 0;
    for (index l = 0; l < layers; ++l) {
      d.genes(i, l) = static_cast<gene>(random.below(3));
      total += (2 - d.genes(i, l)) * static_cast<double>(1 + l % 5) / (3 * static_cast<double>(layers));
    }
    d.losses.push_back(0.02 * (1 - std::exp(-total)));
  }
  return d;
}

template <class Model>
std::vector<double> predictions(Model const& model, matrix<gene> const& genes) {
  std::vector<double> out(static_cast<std::size_t>(genes.rows()));
  model.predict(genes, out);
  return out;
}

template <class Model>
std::vector<double> variances(Model const& model, matrix<gene> const& genes) {
  std::vector<double> out(static_cast<std::size_t>(genes.rows()));
  model.variance(genes, out);
  return out;
}

amq::mlp_options small_network() { return {.width = 32, .hidden_layers = 2, .batch = 32, .seed = 3}; }

TEST_CASE("the gradient is that of finite differences, errors above 1 and dropout included", "[mlp]") {
  amq::random_stream random(1);
  network model(5, 7, 3, random);
  network::matrix_type x(5, 9), mask(7, 9);
  network::row_type targets(9);
  for (index i = 0; i < x.size(); ++i) x.data()[i] = random.normal();
  for (index i = 0; i < mask.size(); ++i) mask.data()[i] = random.bernoulli(0.3) ? 0.0 : 1.5;
  for (index i = 0; i < 9; ++i) targets(i) = static_cast<double>(i - 4) / 1.7;
  network::vector_type slopes, ignored;
  model.gradient(x, targets, mask, slopes);
  REQUIRE(slopes.size() == 7 * 6 + 2 * 7 * 8 + 8);
  double const step = 1e-6;
  for (index p = 0; p < slopes.size(); ++p) {
    double const value = model.parameters()(p);
    model.parameters()(p) = value + step;
    double const above = model.gradient(x, targets, mask, ignored);
    model.parameters()(p) = value - step;
    double const below = model.gradient(x, targets, mask, ignored);
    model.parameters()(p) = value;
    CHECK(slopes(p) == Approx((above - below) / (2 * step)).margin(1e-8));
  }
}

TEST_CASE("a network starts within PyTorch's bounds and is the maps that its parameters say", "[mlp]") {
  amq::random_stream random(2);
  network model(2, 3, 1, random);
  auto const& p = model.parameters();
  REQUIRE(p.size() == 13);  // weights (3, 2) by columns, biases (3), weights (1, 3), bias (1)
  CHECK(p.head(9).cwiseAbs().maxCoeff() <= 1 / std::sqrt(2.0));
  CHECK(p.tail(4).cwiseAbs().maxCoeff() <= 1 / std::sqrt(3.0));
  CHECK(p.head(9).cwiseAbs().maxCoeff() > 0.3);
  network::matrix_type x(2, 1);
  x << 0.5, -2;
  double expected = p(12);
  for (index unit = 0; unit < 3; ++unit)
    expected += p(9 + unit) * std::max(0.0, p(unit) * 0.5 + p(3 + unit) * -2 + p(6 + unit));
  CHECK(model(x)(0) == Approx(expected));
}

TEST_CASE("Adam steps as its paper's algorithm 1", "[mlp]") {
  amq::detail::adam<double> optimizer(2);
  Eigen::VectorXd parameters(2), gradient(2);
  parameters << 1, -1;
  std::vector<double> expected{1, -1}, m(2), v(2);
  for (int t = 1; t <= 5; ++t) {
    gradient << 0.3 * t, -1e-3 / t;
    optimizer.step(parameters, gradient, 0.1);
    for (std::size_t i = 0; i < 2; ++i) {
      double const g = gradient(static_cast<index>(i));
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      expected[i] -= 0.1 * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
      CHECK(parameters(static_cast<index>(i)) == Approx(expected[i]).epsilon(1e-12));
    }
  }
}

TEST_CASE("a saturating sum is learned far better than its mean, in float and double", "[mlp]") {
  auto const space = space_of(20);
  auto const d = saturating_data(300, 20, 1), fresh = saturating_data(200, 20, 2);
  auto const check = [&](auto model) {
    model.fit(space, d.genes, d.losses);
    auto const got = predictions(model, fresh.genes);
    double error = 0, spread = 0;
    double const centre = amq::mean(fresh.losses);
    for (std::size_t i = 0; i < got.size(); ++i) {
      error += std::pow(got[i] - fresh.losses[i], 2);
      spread += std::pow(fresh.losses[i] - centre, 2);
    }
    CHECK(error < 0.05 * spread);
    CHECK(amq::kendall_tau(got, fresh.losses) > 0.8);
  };
  check(amq::mlp<>(small_network()));
  check(amq::mlp<double>(small_network()));
}

TEST_CASE("noise stops training early, and what was learned of it is not kept", "[mlp]") {
  auto const space = space_of(20);
  auto d = saturating_data(200, 20, 3);
  amq::random_stream random(4);
  for (double& loss : d.losses) loss = random.normal();
  amq::mlp model(small_network());
  model.fit(space, d.genes, d.losses);
  REQUIRE(model.epochs().size() == 1);
  CHECK(model.epochs()[0] < 200);

  auto patient = small_network();
  patient.rate = 5e-3, patient.patience = 100;
  amq::mlp kept(patient);
  kept.fit(space, d.genes, d.losses);
  double square = 0;
  for (double const loss : predictions(kept, saturating_data(100, 20, 5).genes)) square += loss * loss / 100;
  CHECK(square < 0.1);

  auto few = small_network();
  few.epochs = 3;
  amq::mlp short_model(few);
  short_model.fit(space, d.genes, d.losses);
  CHECK(short_model.epochs() == std::vector<index>{3});
}

TEST_CASE("an ensemble is less sure where no configuration was measured", "[mlp]") {
  auto const space = space_of(12);
  auto d = saturating_data(200, 12, 6);
  for (index i = 0; i < 200; ++i)
    for (index l = 0; l < 12; ++l) d.genes(i, l) = std::max<gene>(d.genes(i, l), 1);  // never the lowest choice
  auto options = small_network();
  options.members = 4;
  amq::mlp model(options);
  model.fit(space, d.genes, d.losses);
  CHECK(model.epochs().size() == 4);
  auto outside = saturating_data(200, 12, 7).genes;
  for (index i = 0; i < outside.size(); ++i) outside.data()[i] = static_cast<gene>(outside.data()[i] / 2);
  CHECK(amq::mean(variances(model, outside)) > 2 * amq::mean(variances(model, d.genes)));
}

TEST_CASE("variance is the members' sample variance, and one member's held-out error", "[mlp]") {
  auto const space = space_of(8);
  auto const d = saturating_data(80, 8, 8);
  auto options = small_network();
  options.epochs = 20;
  amq::mlp one(options);
  one.fit(space, d.genes, d.losses);
  auto const alone = variances(one, d.genes);
  CHECK(alone[0] > 0);
  CHECK(std::count(alone.begin(), alone.end(), alone[0]) == 80);
  options.members = 2;
  amq::mlp both(options);
  both.fit(space, d.genes, d.losses);
  auto const first = predictions(one, d.genes), mean = predictions(both, d.genes), got = variances(both, d.genes);
  for (std::size_t i = 0; i < 80; ++i)  // the other is as far from the mean as the first
    CHECK(got[i] == Approx(2 * std::pow(first[i] - mean[i], 2)).epsilon(1e-3));
}

TEST_CASE("one seed gives the same bits whatever was fitted before, another seed others", "[mlp]") {
  auto const space = space_of(6);
  auto const d = saturating_data(60, 6, 9);
  auto options = small_network();
  options.epochs = 10;
  amq::mlp once(options), twice(options);
  once.fit(space, d.genes, d.losses);
  twice.fit(space, d.genes.view().rows_from(0, 30), std::span<double const>(d.losses).first(30));
  twice.fit(space, d.genes, d.losses);
  CHECK(predictions(once, d.genes) == predictions(twice, d.genes));
  options.seed = 4;
  amq::mlp other(options);
  other.fit(space, d.genes, d.losses);
  CHECK(predictions(once, d.genes) != predictions(other, d.genes));
}

TEST_CASE("features and losses of any size are scaled before they are learned", "[mlp]") {
  auto const d = saturating_data(50, 6, 10);
  auto options = small_network();
  options.epochs = 10;
  std::vector<std::vector<double>> results;
  for (double const factor : {1.0, 1024.0}) {
    matrix<double> table(50, 6);
    std::vector<double> losses;
    for (index i = 0; i < 50; ++i) {
      for (index l = 0; l < 6; ++l) table(i, l) = factor * d.genes(i, l);
      losses.push_back(factor * d.losses[static_cast<std::size_t>(i)]);
    }
    amq::mlp model(options);
    auto const rows = amq::testing::feature_table_space::rows(0, 50);
    model.fit(amq::testing::feature_table_space(table), rows, losses);
    results.push_back(predictions(model, rows));
    for (double& loss : results.back()) loss /= factor;
  }
  CHECK(results[0] == results[1]);
}

TEST_CASE("constant losses, one point, repeated points and fewer points than layers are predicted finitely", "[mlp]") {
  auto const space = space_of(30);
  auto d = saturating_data(20, 30, 11);
  auto options = small_network();
  options.epochs = 30;
  options.members = 2;
  amq::mlp model(options);
  auto const check_finite = [&](index n) {
    model.fit(space, d.genes.view().rows_from(0, n),
              std::span<double const>(d.losses).first(static_cast<std::size_t>(n)));
    for (double const loss : predictions(model, d.genes)) CHECK(std::isfinite(loss));
    for (double const v : variances(model, d.genes)) CHECK((std::isfinite(v) && v >= 0));
  };
  for (index const n : {1, 2, 4, 5, 20}) check_finite(n);
  for (index i = 1; i < 20; ++i) std::copy_n(d.genes.row(0).data(), 30, d.genes.row(i).data());
  check_finite(20);
  model.fit(space, d.genes, std::vector<double>(20, 0.1));
  CHECK(model.epochs().empty());
  for (double const loss : predictions(model, d.genes)) CHECK(loss == Approx(0.1));
  CHECK(variances(model, d.genes)[0] == 0);
}

TEST_CASE("the perceptron refuses what it cannot use", "[mlp]") {
  auto const space = space_of(2);
  amq::mlp model;
  std::vector<double> one(1);
  CHECK_THROWS_AS(model.predict(matrix<gene>(1, 2), one), amq::precondition_error);
  CHECK_THROWS_AS(model.variance(matrix<gene>(1, 2), one), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(space, matrix<gene>(0, 2), {}), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(space, matrix<gene>(1, 2), std::vector<double>{std::nan("")}), amq::precondition_error);
  CHECK_THROWS_AS(amq::mlp<>({.width = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::mlp<>({.dropout = 1}), amq::precondition_error);
  CHECK_THROWS_AS(amq::mlp<>({.rate = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::mlp<>({.batch = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::mlp<>({.held_out = 1}), amq::precondition_error);
  CHECK_THROWS_AS(amq::mlp<>({.members = 0}), amq::precondition_error);
}

}  // namespace
