// The additive predictor: recovers sums, stays monotone under noise, and works on next to no data.
#include "amq/predict/additive.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "amq/core/random.hpp"
#include "amq/indicate/correlation.hpp"
#include "amq/space/format_space.hpp"
#include "support/catch.hpp"

namespace {

using amq::gene;
using amq::index;
using amq::matrix;

static_assert(amq::uncertain_predictor<amq::additive, amq::format_space>);
static_assert(amq::sampling_predictor<amq::additive, amq::format_space>);
static_assert(amq::sampling_additive_predictor<amq::additive, amq::format_space>);

std::vector<amq::linear_layer> layers(index count) {
  std::vector<amq::linear_layer> list;
  for (index i = 0; i < count; ++i) list.push_back({"layer" + std::to_string(i), 128, 128, static_cast<int>(i), 0});
  return list;
}

std::vector<amq::format> const three{{2, 128}, {3, 128}, {4, 128}};

/// What layer `layer` adds at this gene: layers differ tenfold, and the lower step is the greater one.
double true_cost(index layer, gene g) {
  double const scale = 0.001 * (1 + static_cast<double>((layer * 7) % 10));
  return g == 2 ? 0.0 : g == 1 ? scale : 4 * scale;
}

struct data {
  matrix<gene> genes;
  std::vector<double> losses;
};

data additive_data(index n, index layer_count, double noise, std::uint64_t seed) {
  amq::random_stream random(seed);
  data d{matrix<gene>(n, layer_count), {}};
  for (index i = 0; i < n; ++i) {
    double loss = 0.25;
    for (index l = 0; l < layer_count; ++l) {
      d.genes(i, l) = static_cast<gene>(random.below(3));
      loss += true_cost(l, d.genes(i, l));
    }
    d.losses.push_back(loss + noise * random.normal());
  }
  return d;
}

std::vector<double> predictions(amq::additive const& model, matrix<gene> const& genes) {
  std::vector<double> out(static_cast<std::size_t>(genes.rows()));
  model.predict(genes, out);
  return out;
}

TEST_CASE("an additive truth is recovered: its costs, its base, losses never seen", "[additive]") {
  amq::format_space const space(layers(20), three, 0);
  auto const d = additive_data(300, 20, 0, 1);
  amq::additive model;
  model.fit(space, d.genes, d.losses);
  auto const costs = model.layer_costs();
  REQUIRE(costs.rows() == 20);
  REQUIRE(costs.cols() == 3);
  for (index l = 0; l < 20; ++l)
    for (gene g = 0; g < 3; ++g) CHECK(costs(l, g) == Approx(true_cost(l, g)).margin(1e-5));
  auto const fresh = additive_data(50, 20, 0, 2);
  auto const got = predictions(model, fresh.genes);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(fresh.losses[i]).margin(1e-4));
  matrix<gene> highest(1, 20);
  std::fill_n(highest.data(), 20, gene{2});
  CHECK(predictions(model, highest)[0] == Approx(0.25).margin(1e-4));
}

TEST_CASE("costs stay monotone where noise is greater than every effect", "[additive]") {
  amq::format_space const space(layers(30), three, 0);
  auto const d = additive_data(60, 30, 0.05, 3);
  for (double const part : {1e-6, 0.1}) {
    amq::additive model({.unexplained = part});
    model.fit(space, d.genes, d.losses);
    auto const costs = model.layer_costs();
    for (index l = 0; l < 30; ++l) {
      CHECK(costs(l, 2) == 0);
      CHECK(costs(l, 1) >= 0);
      CHECK(costs(l, 0) >= costs(l, 1));
    }
  }
}

TEST_CASE("fewer configurations than layers still rank fresh ones, by the average layer and what was seen",
          "[additive]") {
  amq::format_space const space(layers(100), three, 0);
  auto const d = additive_data(60, 100, 0.001, 4);
  amq::additive model;
  model.fit(space, d.genes, d.losses);
  auto const fresh = additive_data(200, 100, 0, 5);
  CHECK(amq::kendall_tau(predictions(model, fresh.genes), fresh.losses) > 0.5);
}

TEST_CASE("steps always taken together share their cost as the uniform configurations do", "[additive]") {
  index const count = 12;
  amq::format_space const space(layers(count), three, 0);
  matrix<gene> genes(count + 3, count);  // uniform ones, then each layer alone at its lowest
  std::vector<double> losses;
  for (index i = 0; i < genes.rows(); ++i) {
    double loss = 0;
    for (index l = 0; l < count; ++l) {
      genes(i, l) = i < 3 ? static_cast<gene>(i) : l == i - 3 ? gene{0} : gene{2};
      loss += true_cost(l, genes(i, l));
    }
    losses.push_back(loss);
  }
  amq::additive model({.unexplained = 1e-6});
  model.fit(space, genes, losses);
  auto const costs = model.layer_costs();
  double middle = 0, expected = 0;
  for (index l = 0; l < count; ++l) {
    CHECK(costs(l, 0) == Approx(true_cost(l, 0)).margin(2e-4));
    middle += costs(l, 1);
    expected += true_cost(l, 1);
  }
  CHECK(middle == Approx(expected).epsilon(0.02));
}

TEST_CASE("variance is small where data are many and grows with steps never seen", "[additive]") {
  amq::format_space const space(layers(10), three, 0);
  auto d = additive_data(200, 10, 0.002, 6);
  for (index i = 0; i < 200; ++i) d.genes(i, 9) = 2;  // the last layer's steps are never seen
  std::vector<double> losses;
  for (index i = 0; i < 200; ++i) {
    double loss = 0;
    for (index l = 0; l < 10; ++l) loss += true_cost(l, d.genes(i, l));
    losses.push_back(loss);
  }
  amq::random_stream noise(7);
  for (double& loss : losses) loss += 0.002 * noise.normal();
  amq::additive model;
  model.fit(space, d.genes, losses);
  matrix<gene> queries(3, 10);  // all at their highest, the last one or the first one at its lowest
  std::fill_n(queries.data(), 30, gene{2});
  queries(1, 9) = queries(2, 0) = 0;
  std::vector<double> variances(3);
  model.variance(queries, variances);
  CHECK(variances[0] == Approx(0.002 * 0.002).epsilon(0.6));
  CHECK(variances[1] > 3 * variances[0]);
  CHECK(variances[2] < 1.2 * variances[0]);

  amq::random_stream random(8);
  double mean = 0, square = 0;
  std::vector<double> drawn(3);
  for (int i = 0; i < 400; ++i) {
    model.draw(queries, random, drawn);
    double const difference = drawn[1] - drawn[0];
    mean += difference / 400, square += difference * difference / 400;
  }
  auto const expected = predictions(model, queries);
  CHECK(square - mean * mean > 0.2 * (variances[1] - variances[0]));
  CHECK(mean == Approx(expected[1] - expected[0]).epsilon(0.5));
}

TEST_CASE("draws of costs are monotone, different, and the same under one seed", "[additive]") {
  amq::format_space const space(layers(15), three, 0);
  auto const d = additive_data(40, 15, 0.01, 9);
  amq::additive model;
  model.fit(space, d.genes, d.losses);
  amq::random_stream a(1), b(1);
  auto const first = model.draw_layer_costs(a), again = model.draw_layer_costs(b), other = model.draw_layer_costs(a);
  for (index l = 0; l < 15; ++l) CHECK(first(l, 0) >= first(l, 1));
  CHECK(std::equal(first.data(), first.data() + first.size(), again.data()));
  CHECK_FALSE(std::equal(first.data(), first.data() + first.size(), other.data()));
}

TEST_CASE("layers with fewer choices have infinite costs past them, pinned ones the average layer's steps",
          "[additive]") {
  std::vector<std::vector<amq::format>> choices(7, three);
  choices[2] = choices[6] = {{3, 128}, {4, 128}};
  choices[4] = {{4, 128}};
  std::vector<index> const pinned{5, 6};
  auto const space = amq::format_space(layers(7), choices, 0).pin(pinned);
  amq::random_stream random(10);
  matrix<gene> genes(60, 7);
  std::vector<double> losses;
  for (index i = 0; i < 60; ++i) {
    double loss = 1;
    for (index l = 0; l < 7; ++l) {
      auto const most = std::ssize(choices[static_cast<std::size_t>(l)]);
      genes(i, l) = static_cast<gene>(l >= 5 ? most - 1 : random.below(most));
      auto const down = most - 1 - genes(i, l);
      loss += down == 2 ? 0.4 : 0.1 * static_cast<double>(down);  // the second step down costs three times the first
    }
    losses.push_back(loss);
  }
  amq::additive model;
  model.fit(space, genes, losses);
  auto const costs = model.layer_costs();
  CHECK(costs(2, 0) == Approx(0.1).margin(1e-4));
  CHECK(costs(2, 1) == 0);
  CHECK(costs(2, 2) == std::numeric_limits<double>::infinity());
  CHECK(costs(4, 0) == 0);
  CHECK(std::isinf(costs(4, 1)));
  CHECK(costs(5, 0) == Approx(0.4).margin(1e-3));
  CHECK(costs(5, 1) == Approx(0.1).margin(1e-3));
  CHECK(costs(6, 0) == Approx(0.1).margin(1e-3));
}

TEST_CASE("constant losses, one point, repeated points and one-choice spaces give finite predictions", "[additive]") {
  amq::format_space const space(layers(8), three, 0);
  auto d = additive_data(30, 8, 0, 11);
  auto const queries = additive_data(10, 8, 0, 12);
  amq::additive model;
  model.fit(space, d.genes, std::vector<double>(30, 0.5));
  for (double const loss : predictions(model, queries.genes)) CHECK(loss == Approx(0.5));
  model.fit(space, d.genes.view().rows_from(0, 1), std::vector<double>{0.75});
  for (double const loss : predictions(model, queries.genes)) CHECK(loss == Approx(0.75));
  for (index i = 1; i < 30; ++i) std::copy_n(d.genes.row(0).data(), 8, d.genes.row(i).data());
  model.fit(space, d.genes, d.losses);  // one configuration with thirty losses
  auto const got = predictions(model, d.genes);
  CHECK(got[0] == Approx(amq::mean(d.losses)));
  for (double const loss : predictions(model, queries.genes)) CHECK(std::isfinite(loss));
  std::vector<double> variances(10);
  model.variance(queries.genes, variances);
  for (double const v : variances) CHECK((std::isfinite(v) && v >= 0));

  amq::format_space const fixed(layers(3), {three[2]}, 0);
  amq::additive alone;
  alone.fit(fixed, matrix<gene>(12, 3), std::vector<double>(12, 2.0));
  CHECK(predictions(alone, matrix<gene>(1, 3))[0] == 2);
}

TEST_CASE("losses that rise with bits are explained by no step", "[additive]") {
  amq::format_space const space(layers(3), three, 0);
  matrix<gene> genes(27, 3);  // every configuration
  std::vector<double> losses;
  for (int i = 0; i < 27; ++i) {
    genes(i, 0) = static_cast<gene>(i % 3), genes(i, 1) = static_cast<gene>(i / 3 % 3);
    genes(i, 2) = static_cast<gene>(i / 9);
    losses.push_back(genes(i, 0) + genes(i, 1) + genes(i, 2));
  }
  amq::additive model;
  model.fit(space, genes, losses);
  auto const costs = model.layer_costs();
  for (index l = 0; l < 3; ++l) CHECK(costs(l, 0) == 0);
  CHECK(predictions(model, genes)[0] == Approx(3));
}

TEST_CASE("equal data give equal bits, whatever was fitted before", "[additive]") {
  amq::format_space const space(layers(9), three, 0);
  auto const d = additive_data(80, 9, 0.01, 14);
  amq::additive once, twice;
  once.fit(space, d.genes, d.losses);
  twice.fit(space, d.genes.view().rows_from(0, 40), std::span<double const>(d.losses).first(40));
  twice.fit(space, d.genes, d.losses);
  CHECK(predictions(once, d.genes) == predictions(twice, d.genes));
}

TEST_CASE("the additive predictor refuses what it cannot use", "[additive]") {
  amq::format_space const space(layers(2), three, 0);
  amq::additive model;
  std::vector<double> one(1);
  CHECK_THROWS_AS(model.predict(matrix<gene>(1, 2), one), amq::precondition_error);
  CHECK_THROWS_AS(model.layer_costs(), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(space, matrix<gene>(0, 2), {}), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(space, matrix<gene>(1, 2), std::vector<double>{std::nan("")}), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(space, matrix<gene>(1, 3), std::vector<double>{1}), amq::precondition_error);
  matrix<gene> outside(1, 2);
  outside(0, 1) = 3;
  CHECK_THROWS_AS(model.fit(space, outside, std::vector<double>{1}), amq::precondition_error);
  model.fit(space, matrix<gene>(1, 2), std::vector<double>{1});
  CHECK_THROWS_AS(model.predict(outside, one), amq::precondition_error);
  CHECK_THROWS_AS(amq::additive({.unexplained = 0}), amq::precondition_error);
}

}  // namespace
