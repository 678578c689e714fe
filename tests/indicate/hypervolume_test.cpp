// Hypervolume against pymoo's values and against counting, and the library's normalised one on points known by hand.
#include "amq/indicate/hypervolume.hpp"

#include "amq/core/random.hpp"
#include "amq/indicate/pareto.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace {

using amq::index;
using amq::testing::golden_case;

TEST_CASE("hypervolume equals pymoo's, of all points and of the front alone", "[hypervolume]") {
  for (std::string const name : {"pareto_2d", "pareto_3d"}) {
    golden_case const golden("metrics", name);
    auto const points = golden.table("F");
    auto const reference = golden.values("reference");
    CHECK(amq::hypervolume(points, reference) == Approx(golden.values("hv")[0]).epsilon(1e-12));
    auto const front = amq::front_indices(points);
    amq::matrix<double> only(static_cast<index>(front.size()), points.cols());
    for (std::size_t i = 0; i < front.size(); ++i)
      std::copy_n(points.row(front[i]).data(), points.cols(), only.row(static_cast<index>(i)).data());
    CHECK(amq::hypervolume(only, reference) == Approx(golden.values("hv_front_only")[0]).epsilon(1e-12));
  }
}

TEST_CASE("AMQ's own hypervolume follows from the general one", "[hypervolume]") {
  golden_case const golden("metrics", "pareto_2d");
  auto reference = golden.values("amq_ref_pt");
  for (double& value : reference) value *= 1.01;
  CHECK(amq::hypervolume(golden.table("F"), reference) / (reference[0] * reference[1]) ==
        Approx(golden.values("amq_hv")[0]).epsilon(1e-12));
}

TEST_CASE("hypervolume equals the count of dominated cells of a grid", "[hypervolume]") {
  amq::random_stream random(11);
  for (index const objectives : {2, 3}) {
    amq::matrix<double> points(25, objectives);
    for (index i = 0; i < points.rows(); ++i)
      for (index m = 0; m < objectives; ++m) points(i, m) = static_cast<double>(random.below(10));
    std::vector<double> const reference(static_cast<std::size_t>(objectives), 8.0);
    index cells = 0;
    index const depth = objectives == 3 ? 8 : 1;
    for (index x = 0; x < 8; ++x)
      for (index y = 0; y < 8; ++y)
        for (index z = 0; z < depth; ++z) {
          bool dominated = false;
          for (index i = 0; i < points.rows(); ++i)
            dominated = dominated || (points(i, 0) <= double(x) && points(i, 1) <= double(y) &&
                                      (objectives == 2 || points(i, 2) <= double(z)));
          cells += dominated ? 1 : 0;
        }
    CHECK(amq::hypervolume(points, reference) == Approx(double(cells)).epsilon(1e-14));
  }
}

TEST_CASE("points at or beyond the reference add nothing", "[hypervolume]") {
  amq::matrix<double> points(5, 2);
  double const nan = std::numeric_limits<double>::quiet_NaN();
  double const values[5][2] = {{1, 0}, {0, 1}, {nan, 0}, {-1, 2}, {2, -1}};
  for (index i = 0; i < 5; ++i) std::copy_n(values[i], 2, points.row(i).data());
  CHECK(amq::hypervolume(points, std::vector<double>{1, 1}) == 0);
  CHECK_THROWS_AS(amq::hypervolume(amq::matrix<double>(1, 4), std::vector<double>(4, 1.0)), amq::precondition_error);
}

TEST_CASE("what a point would add is the difference that adding it makes", "[hypervolume]") {
  amq::random_stream random(4);
  amq::detail::staircase steps(1, 1);
  double const nan = std::numeric_limits<double>::quiet_NaN();
  for (int k = 0; k < 300; ++k) {
    // On a grid, so that coordinates repeat; some lie beyond the reference.
    double const first = 0.05 * static_cast<double>(random.below(23)),
                 second = 0.05 * static_cast<double>(random.below(23));
    double const gain = steps.gain(first, second), before = steps.area();
    if (k % 5 == 0) steps.add(first, second);
    amq::detail::staircase with = steps;
    with.add(first, second);
    CHECK(gain == Approx(with.area() - before).margin(1e-12));
  }
  CHECK(steps.gain(nan, 0) == 0);
  CHECK(steps.gain(0, nan) == 0);
  CHECK(steps.gain(0, std::numeric_limits<double>::infinity()) == 0);
}

TEST_CASE("the normalised hypervolume of the two uniform extremes is known by hand", "[hypervolume]") {
  amq::hypervolume_frame const frame{2.25, 4.25, 0.2, 0.002};
  std::vector<double> const bits{2.25, 4.25, 3.25};
  std::vector<double> const losses{0.2, 0.002, 0.02};
  // Steps at 0, 0.5 and 1 of the bits; the loss is 1, 0.1 and 0.01 of the all-lowest one, its logarithm 1, 0.5 and 0.
  CHECK(amq::normalised_hypervolume(bits, losses, frame, amq::loss_scale::raw) ==
        Approx(1.01 * 0.01 + 0.51 * 0.9 + 0.01 * 0.09));
  CHECK(amq::normalised_hypervolume(bits, losses, frame, amq::loss_scale::logarithmic) ==
        Approx(1.01 * 0.01 + 0.51 * 0.5 + 0.01 * 0.5));
}

TEST_CASE("scales without a length and losses that are not finite do not break the hypervolume", "[hypervolume]") {
  double const infinity = std::numeric_limits<double>::infinity();
  std::vector<double> const bits{2.25, 2.25};
  std::vector<double> const losses{0.0, infinity};
  for (auto const scale : {amq::loss_scale::raw, amq::loss_scale::logarithmic}) {
    amq::hypervolume_frame const flat{2.25, 2.25, 0.0, 0.0};
    CHECK(amq::normalised_hypervolume(bits, losses, flat, scale) == Approx(1.01 * 1.01));
    CHECK(amq::normalised_hypervolume({}, {}, flat, scale) == 0);
  }
}

}  // namespace
