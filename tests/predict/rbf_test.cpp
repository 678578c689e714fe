// The RBF against pySOT's values, and its promise that coefficients depend on the data alone.
#include "amq/predict/rbf.hpp"

#include "amq/core/random.hpp"
#include "amq/space/format_space.hpp"
#include "support/catch.hpp"
#include "support/feature_table_space.hpp"
#include "support/golden_case.hpp"

namespace {

using amq::gene;
using amq::index;
using amq::matrix;
using amq::testing::feature_table_space;
using amq::testing::golden_case;

/// Training points above test points, scaled to the unit box as pySOT does.
matrix<double> unit_points(golden_case const& golden, std::string const& train, std::string const& test) {
  auto const lower = golden.values("lb"), upper = golden.values("ub");
  auto const first = golden.table(train), second = golden.table(test);
  matrix<double> all(first.rows() + second.rows(), first.cols());
  for (index i = 0; i < all.rows(); ++i)
    for (index k = 0; k < all.cols(); ++k) {
      double const value = i < first.rows() ? first(i, k) : second(i - first.rows(), k);
      auto const at = static_cast<std::size_t>(k);
      // The lattice cases hold bits, of which 2 is gene 0.
      double const x = train == "train_bits" ? value - 2 : value;
      all(i, k) = (x - lower[at]) / (upper[at] - lower[at]);
    }
  return all;
}

template <class Kernel>
void check_lattice_case(golden_case const& golden, std::string const& prefix) {
  auto const points = unit_points(golden, "train_bits", "test_bits");
  auto const losses = golden.values("train_y");
  auto const n = std::ssize(losses);
  feature_table_space const space(points);
  amq::rbf<Kernel> model;
  model.fit(space, feature_table_space::rows(0, n), losses);
  auto const check = [&](std::string const& name, index first, index count) {
    std::vector<double> got(static_cast<std::size_t>(count));
    model.predict(feature_table_space::rows(first, count), got);
    auto const expected = golden.values(prefix + name);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).margin(1e-8).epsilon(0));
  };
  check(".prediction", n, points.rows() - n);
  check(".prediction_at_train", 0, n);
  auto const got = model.coefficients();
  auto const expected = golden.values(prefix + ".coefficients");
  REQUIRE(got.size() == expected.size());
  double largest = 0;
  for (double const c : expected) largest = std::max(largest, std::abs(c));
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).margin(1e-6 * largest).epsilon(0));
}

TEST_CASE("cubic and thin-plate interpolants on bit choices equal pySOT's", "[rbf]") {
  for (std::string const name : {"rbf_n30_d6", "rbf_n60_d20"}) {
    INFO(name);
    golden_case const golden("predictor", name);
    check_lattice_case<amq::cubic>(golden, "cubic");
    check_lattice_case<amq::thin_plate>(golden, "tps");
  }
}

template <class Kernel>
void check_real_case(golden_case const& golden, double eta, std::string const& prefix) {
  auto const points = unit_points(golden, "train_x", "test_x");
  auto const losses = golden.values("train_y");
  feature_table_space const space(points);
  amq::rbf<Kernel> model({.eta = eta});
  model.fit(space, feature_table_space::rows(0, 40), losses);
  std::vector<double> got(20);
  model.predict(feature_table_space::rows(40, 20), got);
  auto const expected = golden.values(prefix + ".prediction");
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).margin(1e-6).epsilon(0));
}

TEST_CASE("real features with duplicated points and any eta equal pySOT's", "[rbf]") {
  golden_case const golden("predictor", "rbf_real_duplicates_eta");
  for (auto const& [eta, name] : {std::pair(1e-6, "1e-06"), std::pair(1e-3, "0.001"), std::pair(0.1, "0.1")}) {
    INFO("eta " << name);
    check_real_case<amq::cubic>(golden, eta, std::string("cubic_eta") + name);
    check_real_case<amq::thin_plate>(golden, eta, std::string("tps_eta") + name);
  }
}

amq::format_space space_of(index layers) {
  std::vector<amq::linear_layer> list;
  for (index i = 0; i < layers; ++i) list.push_back({"layer" + std::to_string(i), 128, 128, static_cast<int>(i), 0});
  return {list, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0};
}

struct data {
  matrix<gene> genes;
  std::vector<double> losses;
};

data random_data(index n, index layers, std::uint64_t seed) {
  amq::random_stream random(seed);
  data d{matrix<gene>(n, layers), {}};
  for (index i = 0; i < n; ++i) {
    double loss = 0;
    for (index l = 0; l < layers; ++l) {
      d.genes(i, l) = static_cast<gene>(random.below(3));
      loss += (2 - d.genes(i, l)) * (1.0 + static_cast<double>(l)) / static_cast<double>(layers);
    }
    d.losses.push_back(loss + 0.1 * random.normal());
  }
  return d;
}

TEST_CASE("fits in steps give the same bits as one fit, with spans that widen late", "[rbf]") {
  index const layers = 37;
  auto d = random_data(300, layers, 1);
  for (index i = 0; i < 120; ++i)  // the last layers vary only later, so spanning points come late
    for (index l = 30; l < layers; ++l) d.genes(i, l) = 2;
  auto const space = space_of(layers);
  auto const queries = random_data(20, layers, 2);
  amq::rbf<> grown;
  for (index const n : {1, 2, 30, 31, 77, 150, 151, 299, 300}) {
    auto const genes = d.genes.view().rows_from(0, n);
    auto const losses = std::span<double const>(d.losses).first(static_cast<std::size_t>(n));
    grown.fit(space, genes, losses);
    amq::rbf<> fresh;
    fresh.fit(space, genes, losses);
    CHECK(grown.coefficients() == fresh.coefficients());
    std::vector<double> a(20), b(20);
    grown.predict(queries.genes, a);
    fresh.predict(queries.genes, b);
    CHECK(a == b);
  }
}

TEST_CASE("changed losses, changed genes and fewer points are all fitted anew", "[rbf]") {
  auto const space = space_of(5);
  auto d = random_data(90, 5, 3);
  amq::rbf<> model;
  model.fit(space, d.genes, d.losses);
  auto const check = [&](index n) {
    auto const genes = d.genes.view().rows_from(0, n);
    auto const losses = std::span<double const>(d.losses).first(static_cast<std::size_t>(n));
    model.fit(space, genes, losses);
    amq::rbf<> fresh;
    fresh.fit(space, genes, losses);
    CHECK(model.coefficients() == fresh.coefficients());
  };
  d.losses[10] += 1;
  check(90);
  d.genes(3, 2) = static_cast<gene>(2 - d.genes(3, 2) / 2);
  check(90);
  check(40);
}

TEST_CASE("a prediction has the same bits whatever batch it is in", "[rbf]") {
  auto const space = space_of(12);
  auto const d = random_data(130, 12, 4);
  amq::rbf<amq::thin_plate> model;
  model.fit(space, d.genes, d.losses);
  auto const queries = random_data(50, 12, 5);
  std::vector<double> together(50), alone(1);
  model.predict(queries.genes, together);
  for (index i = 0; i < 50; ++i) {
    model.predict(queries.genes.view().rows_from(i, 1), alone);
    CHECK(alone[0] == together[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("with fewer points than features the tail is the plane of least slope through them", "[rbf]") {
  auto const space = space_of(4);
  matrix<gene> genes(2, 4);
  for (index l = 0; l < 2; ++l) genes(1, l) = 2;  // features (0,0,0,0) and (1,1,0,0)
  amq::rbf<> model;
  model.fit(space, genes, std::vector<double>{1, 3});
  matrix<gene> queries(3, 4);
  queries(1, 0) = 2, queries(2, 2) = 2;
  std::vector<double> got(3);
  model.predict(queries, got);
  CHECK(got[0] == Approx(1));
  CHECK(got[1] == Approx(2));
  CHECK(got[2] == Approx(1));
  model.fit(space, genes.view().rows_from(0, 1), std::vector<double>{5});
  model.predict(queries, got);
  CHECK(got[2] == 5);
}

TEST_CASE("layers that never varied and repeated points keep predictions finite and interpolating", "[rbf]") {
  auto const space = space_of(12);
  auto d = random_data(40, 12, 6);
  for (index i = 0; i < 40; ++i) d.genes(i, 11) = 2;
  std::copy_n(d.genes.row(0).data(), 12, d.genes.row(39).data());
  d.losses[39] = d.losses[0];
  amq::rbf<> model({.eta = 0});
  model.fit(space, d.genes, d.losses);
  CHECK(model.lifted() == 1);
  std::vector<double> got(40);
  model.predict(d.genes, got);
  for (std::size_t i = 0; i < 40; ++i) CHECK(got[i] == Approx(d.losses[i]).margin(1e-3));
}

TEST_CASE("features off the lattice agree with the lattice's", "[rbf]") {
  auto const d = random_data(60, 9, 7);
  matrix<double> exact(61, 9), shifted(61, 9);
  for (index i = 0; i < 60; ++i)
    for (index l = 0; l < 9; ++l) exact(i, l) = d.genes(i, l) / 2.0;
  for (index i = 0; i < 61; ++i)
    for (index l = 0; l < 9; ++l) shifted(i, l) = exact(i, l) + 0.123456789;  // no lattice, same distances
  std::vector<double> a(61), b(61);
  for (auto const& [table, out] : {std::pair(&exact, &a), std::pair(&shifted, &b)}) {
    feature_table_space const space(*table);
    amq::rbf<> model;
    model.fit(space, feature_table_space::rows(0, 60), d.losses);
    model.predict(feature_table_space::rows(0, 61), *out);
  }
  for (std::size_t i = 0; i < 61; ++i) CHECK(a[i] == Approx(b[i]).margin(1e-9));
}

TEST_CASE("fit and predict refuse what they cannot use", "[rbf]") {
  auto const space = space_of(2);
  amq::rbf<> model;
  std::vector<double> one(1);
  CHECK_THROWS_AS(model.predict(matrix<gene>(1, 2), one), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(space, matrix<gene>(0, 2), {}), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(space, matrix<gene>(1, 2), std::vector<double>{std::nan("")}), amq::precondition_error);
}

}  // namespace
