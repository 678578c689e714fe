// Non-dominated ranks on the device against the host's.
#include "amq/cuda/front/ranks.cuh"

#include <cmath>
#include <limits>

#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/cuda/stream.cuh"
#include "amq/indicate/pareto.hpp"
#include "support/catch.hpp"

namespace {

std::vector<int> on_device(amq::matrix<double> const& objectives) {
  amq::cuda::stream const on;
  amq::cuda::front_workspace work;
  auto const there =
      amq::cuda::uploaded(std::span<double const>(objectives.data(), static_cast<std::size_t>(objectives.size())), on);
  std::vector<int> ranks(static_cast<std::size_t>(objectives.rows()), -1);
  amq::cuda::device_buffer<int> const found(ranks.size(), on);
  amq::cuda::non_dominated_ranks(there.data(), static_cast<int>(ranks.size()), found.data(), work, on);
  amq::cuda::download(found.data(), std::span(ranks), on);
  on.synchronize();
  return ranks;
}

template <class Draw>
amq::matrix<double> population(amq::index points, std::uint64_t seed, Draw&& draw) {
  amq::random_stream random(seed);
  amq::matrix<double> objectives(points, 2);
  for (amq::index i = 0; i < points; ++i) draw(random, objectives(i, 0), objectives(i, 1));
  return objectives;
}

void check_like_host(amq::matrix<double> const& objectives) {
  CHECK(on_device(objectives) == amq::non_dominated_ranks(objectives));
}

}  // namespace

TEST_CASE("ranks on the device are the host's for populations of all sizes", "[cuda][front]") {
  for (amq::index points : {1, 2, 31, 33, 1024, 1025, 2600}) {
    CAPTURE(points);
    check_like_host(population(points, 1, [](auto& random, double& a, double& b) {
      a = random.normal();
      b = random.normal();
    }));
  }
}

TEST_CASE("ranks on the device are the host's where many points are equal", "[cuda][front]") {
  for (double grid : {1.0, 3.0, 20.0}) {
    CAPTURE(grid);
    check_like_host(population(2500, 2, [grid](auto& random, double& a, double& b) {
      a = std::nearbyint(grid * random.normal());
      b = std::nearbyint(grid * random.normal());
    }));
  }
  check_like_host(population(2100, 3, [](auto&, double& a, double& b) { a = b = 4; }));
}

TEST_CASE("ranks on the device are the host's for one front, and for as many as points", "[cuda][front]") {
  double at = 0;
  check_like_host(population(2100, 4, [&](auto&, double& a, double& b) { a = ++at, b = -at; }));
  check_like_host(population(2100, 4, [&](auto&, double& a, double& b) { a = ++at, b = at; }));
  check_like_host(population(2100, 4, [&](auto&, double& a, double& b) { a = ++at, b = 1; }));
  check_like_host(population(2100, 4, [&](auto&, double& a, double& b) { a = 1, b = --at; }));
}

TEST_CASE("ranks on the device take missing, infinite and negative numbers as the host does", "[cuda][front]") {
  check_like_host(population(1500, 5, [](auto& random, double& a, double& b) {
    double const special[] = {0.0,
                              -0.0,
                              -3.5,
                              1e300,
                              -1e300,
                              1e-310,
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
    auto const draw = [&] { return special[static_cast<std::size_t>(random.uniform() * 9)]; };
    a = draw();
    b = random.uniform() < 0.5 ? draw() : random.normal();
  }));
}

TEST_CASE("ranks on the device need a point", "[cuda][front]") {
  amq::cuda::stream const on;
  amq::cuda::front_workspace work;
  REQUIRE_THROWS_AS(amq::cuda::non_dominated_ranks(nullptr, 0, nullptr, work, on), amq::precondition_error);
}
