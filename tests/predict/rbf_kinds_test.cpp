// Every kernel with every tail it may have, against plain dense systems; leave-one-out errors against leaving out.
#include <Eigen/Dense>

#include "amq/core/random.hpp"
#include "amq/predict/rbf.hpp"
#include "support/catch.hpp"
#include "support/feature_table_space.hpp"

namespace {

using amq::index;
using amq::matrix;
using amq::testing::feature_table_space;

/// Points whose coordinates are multiples of 1/2, the last `apart` of them anywhere.
matrix<double> some_points(index n, index dimensions, std::uint64_t seed, index apart = 0) {
  amq::random_stream random(seed);
  matrix<double> points(n, dimensions);
  for (index i = 0; i < n; ++i)
    for (index k = 0; k < dimensions; ++k)
      points(i, k) = i < n - apart ? static_cast<double>(random.below(3)) / 2 : random.uniform();
  return points;
}

std::vector<double> losses_at(matrix<double> const& points, index count) {
  std::vector<double> losses;
  for (index i = 0; i < count; ++i) {
    double total = 0.5;
    for (index k = 0; k < points.cols(); ++k)
      total += std::exp(-points(i, k)) / static_cast<double>(1 + k) + 0.1 * points(i, k) * points(i, 0);
    losses.push_back(total);
  }
  return losses;
}

template <class Kernel>
double kernel_value(Kernel const& kernel, matrix<double> const& points, index i, index j) {
  double square = 0;
  for (index k = 0; k < points.cols(); ++k) square += std::pow(points(i, k) - points(j, k), 2);
  if constexpr (std::is_same_v<Kernel, amq::gaussian>) square /= static_cast<double>(points.cols());
  return kernel.of_square(square);
}

/// The bordered system of the first n points, solved as it stands: predictions at all points.
template <class Kernel, class Tail>
std::vector<double> plain_predictions(Kernel const& kernel, matrix<double> const& points, index n, double eta) {
  index const tail = Tail::degree < 0 ? 0 : Tail::degree == 0 ? 1 : 1 + points.cols();
  auto const row = [&](index i) {
    Eigen::RowVectorXd values(n + tail);
    for (index j = 0; j < n; ++j) values(j) = kernel_value(kernel, points, i, j);
    for (index t = 0; t < tail; ++t) values(n + t) = t == 0 ? 1.0 : points(i, t - 1);
    return values;
  };
  Eigen::MatrixXd system = Eigen::MatrixXd::Zero(n + tail, n + tail);
  Eigen::VectorXd right_side = Eigen::VectorXd::Zero(n + tail);
  auto const losses = losses_at(points, n);
  for (index i = 0; i < n; ++i) {
    system.row(i) = row(i);
    system.col(i).tail(tail) = system.row(i).tail(tail).transpose();
    system(i, i) += eta;
    right_side(i) = losses[static_cast<std::size_t>(i)];
  }
  Eigen::VectorXd const solution = system.fullPivLu().solve(right_side);
  std::vector<double> result;
  for (index i = 0; i < points.rows(); ++i) result.push_back(row(i).dot(solution));
  return result;
}

template <class Kernel, class Tail>
void check_pair(Kernel const& kernel = {}) {
  INFO(Kernel::name << " kernel, " << Tail::name << " tail");
  for (index const apart : {0, 7}) {  // on the lattice and off it
    auto const points = some_points(90, 5, 1, apart);
    index const n = 80;
    double const eta = 1e-4;
    feature_table_space const space(points);
    amq::rbf<Kernel, Tail> model({.eta = eta}, kernel), grown({.eta = eta}, kernel);
    auto const losses = losses_at(points, n);
    model.fit(space, feature_table_space::rows(0, n), losses);
    std::vector<double> got(90);
    model.predict(feature_table_space::rows(0, 90), got);
    auto const expected = plain_predictions<Kernel, Tail>(kernel, points, n, eta);
    for (std::size_t i = 0; i < 90; ++i) CHECK(got[i] == Approx(expected[i]).margin(1e-8));
    for (index const some : {1, 3, 70, 80})
      grown.fit(space, feature_table_space::rows(0, some), std::span(losses).first(static_cast<std::size_t>(some)));
    CHECK(grown.coefficients() == model.coefficients());
  }
}

TEST_CASE("every kernel and tail solve the bordered system, grown or at once", "[rbf]") {
  check_pair<amq::cubic, amq::linear_tail>();
  check_pair<amq::thin_plate, amq::linear_tail>();
  check_pair<amq::linear, amq::constant_tail>();
  check_pair<amq::linear, amq::linear_tail>();
  check_pair<amq::gaussian, amq::no_tail>();
  check_pair<amq::gaussian, amq::constant_tail>();
  check_pair<amq::gaussian, amq::linear_tail>();
  check_pair<amq::gaussian, amq::no_tail>({.width = 0.2});
}

TEST_CASE("a constant tail has no slopes, no tail nothing", "[rbf]") {
  auto const points = some_points(20, 3, 2);
  feature_table_space const space(points);
  auto const losses = losses_at(points, 20);
  amq::rbf<amq::linear, amq::constant_tail> constant;
  constant.fit(space, feature_table_space::rows(0, 20), losses);
  auto const with_constant = constant.coefficients();
  CHECK(with_constant[0] != 0);
  CHECK(std::count(with_constant.begin() + 1, with_constant.begin() + 4, 0.0) == 3);
  amq::rbf<amq::gaussian, amq::no_tail> bare;
  bare.fit(space, feature_table_space::rows(0, 20), losses);
  auto const without = bare.coefficients();
  CHECK(std::count(without.begin(), without.begin() + 4, 0.0) == 4);
}

/// Leaves each of the points out and predicts it from the others.
template <class Kernel, class Tail>
void check_leave_one_out(matrix<double> const& points, double eta, double margin) {
  INFO(Kernel::name << " kernel, " << Tail::name << " tail, " << points.rows() << " points in " << points.cols());
  auto const n = points.rows();
  auto const losses = losses_at(points, n);
  feature_table_space const space(points);
  amq::rbf<Kernel, Tail> model({.eta = eta});
  model.fit(space, feature_table_space::rows(0, n), losses);
  auto const got = model.leave_one_out();
  REQUIRE(std::ssize(got) == n);
  for (index left_out = 0; left_out < n; ++left_out) {
    matrix<amq::gene> others(n - 1, 1), alone(1, 1);
    std::vector<double> other_losses, prediction(1);
    for (index i = 0; i < n; ++i)
      if (i != left_out) {
        others(std::ssize(other_losses), 0) = static_cast<amq::gene>(i);
        other_losses.push_back(losses[static_cast<std::size_t>(i)]);
      }
    alone(0, 0) = static_cast<amq::gene>(left_out);
    amq::rbf<Kernel, Tail> rest({.eta = eta});
    rest.fit(space, others, other_losses);
    rest.predict(alone, prediction);
    auto const i = static_cast<std::size_t>(left_out);
    CHECK(got[i] == Approx(losses[i] - prediction[0]).margin(margin));
  }
}

TEST_CASE("closed-form leave-one-out errors are those of really leaving out", "[rbf]") {
  auto const points = some_points(100, 4, 3, 90);
  check_leave_one_out<amq::cubic, amq::linear_tail>(points, 1e-6, 1e-6);
  check_leave_one_out<amq::thin_plate, amq::linear_tail>(points, 1e-2, 1e-6);
  check_leave_one_out<amq::linear, amq::constant_tail>(points, 1e-6, 1e-6);
  check_leave_one_out<amq::linear, amq::linear_tail>(some_points(100, 4, 3, 100), 0, 1e-6);
  check_leave_one_out<amq::gaussian, amq::no_tail>(points, 1e-3, 1e-6);
  check_leave_one_out<amq::gaussian, amq::constant_tail>(points, 1e-3, 1e-6);
  check_leave_one_out<amq::gaussian, amq::linear_tail>(points, 1e-3, 1e-6);
}

TEST_CASE("leaving out a point that alone spans a feature takes that slope away", "[rbf]") {
  check_leave_one_out<amq::cubic, amq::linear_tail>(some_points(5, 12, 4), 1e-6, 1e-8);  // every point spans
  auto points = some_points(40, 6, 5, 40);
  for (index i = 0; i < 40; ++i) points(i, 5) = i == 20 ? 1 : 0.25;  // one point varies the last feature
  check_leave_one_out<amq::cubic, amq::linear_tail>(points, 1e-6, 1e-6);
}

TEST_CASE("repeated points, one point and constant losses keep every kernel finite", "[rbf]") {
  auto const points = some_points(12, 3, 6);
  feature_table_space const space(points);
  matrix<amq::gene> genes(12, 1);
  for (index i = 0; i < 12; ++i) genes(i, 0) = static_cast<amq::gene>(i / 4);
  std::vector<double> losses(12);
  for (std::size_t i = 0; i < 12; ++i) losses[i] = static_cast<double>(i);  // different at the same point
  auto const check = [&](auto model) {
    std::vector<double> got(12);
    for (index const n : {1, 12}) {
      model.fit(space, genes.view().rows_from(0, n), std::span(losses).first(static_cast<std::size_t>(n)));
      model.predict(feature_table_space::rows(0, 12), got);
      for (double const loss : got) CHECK(std::isfinite(loss));
    }
    CHECK(model.lifted() > 0);
    for (double const error : model.leave_one_out()) CHECK(std::isfinite(error));
    model.fit(space, feature_table_space::rows(0, 12), std::vector<double>(12, 2.5));
    model.predict(feature_table_space::rows(3, 1), std::span(got).first(1));
    CHECK(got[0] == Approx(2.5).margin(1e-4));
  };
  check(amq::rbf<amq::linear, amq::constant_tail>({.eta = 0}));
  check(amq::rbf<amq::linear, amq::linear_tail>({.eta = 0}));
  check(amq::rbf<amq::gaussian, amq::no_tail>({.eta = 0}));
  check(amq::rbf<amq::gaussian, amq::linear_tail>({.eta = 0}));
}

TEST_CASE("a repeated spanning point without eta is lifted, not divided by its rounding", "[rbf]") {
  auto points = some_points(60, 4, 3, 50);
  std::copy_n(points.row(3).data(), 4, points.row(5).data());
  feature_table_space const space(points);
  auto const losses = losses_at(points, 60);
  amq::rbf<amq::linear, amq::linear_tail> model({.eta = 0});
  for (index first = 0; first < 6; ++first) {
    auto const count = 60 - first;
    model.fit(space, feature_table_space::rows(first, count),
              std::span(losses).subspan(static_cast<std::size_t>(first)));
    std::vector<double> got(static_cast<std::size_t>(count));
    model.predict(feature_table_space::rows(first, count), got);
    for (index i = 0; i < count; ++i)
      CHECK(got[static_cast<std::size_t>(i)] == Approx(losses[static_cast<std::size_t>(first + i)]).margin(1e-6));
  }
}

TEST_CASE("rbf refuses widths and etas that make no sense, and leave-one-out of one point", "[rbf]") {
  using bare = amq::rbf<amq::gaussian, amq::no_tail>;
  CHECK_THROWS_AS(bare({}, {.width = 0}), amq::precondition_error);
  CHECK_THROWS_AS(bare({}, {.width = std::nan("")}), amq::precondition_error);
  CHECK_THROWS_AS(bare({.eta = -1}), amq::precondition_error);
  auto const points = some_points(2, 2, 7);
  feature_table_space const space(points);
  bare model;
  CHECK_THROWS_AS(model.leave_one_out(), amq::precondition_error);
  model.fit(space, feature_table_space::rows(0, 1), std::vector<double>{1});
  CHECK_THROWS_AS(model.leave_one_out(), amq::precondition_error);
}

}  // namespace
