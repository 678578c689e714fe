// Ranks, crowding and front distances against pymoo's, and the fast two-objective ranks against the plain ones.
#include "amq/indicate/pareto.hpp"
#include "amq/core/random.hpp"
#include "amq/indicate/crowding.hpp"
#include "amq/indicate/igd.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace {

using amq::index;
using amq::testing::golden_case;

void check_crowding(std::vector<double> const& got, std::vector<double> const& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("point " << i);
    if (std::isinf(expected[i]))
      CHECK(got[i] == expected[i]);
    else
      CHECK(got[i] == Approx(expected[i]).margin(1e-12).epsilon(0));
  }
}

TEST_CASE("ranks, crowding and igd equal pymoo's on golden fronts", "[pareto]") {
  for (std::string const name : {"pareto_2d", "pareto_3d"}) {
    golden_case const golden("metrics", name);
    auto const points = golden.table("F");
    auto const ranks = amq::non_dominated_ranks(points);
    CHECK(std::vector<double>(ranks.begin(), ranks.end()) == golden.values("rank"));
    auto const front = amq::front_indices(points);
    auto const expected = golden.values("front0");
    CHECK(std::is_permutation(front.begin(), front.end(), expected.begin(), expected.end()));
    for (std::string const k : {"0", "1", "2"}) {
      auto const members = golden.values("front" + k);
      check_crowding(amq::crowding_distances(points, std::vector<index>(members.begin(), members.end())),
                     golden.values("crowding_front" + k));
    }
    check_crowding(amq::crowding_distances(points), golden.values("crowding_all_points"));
    auto const reference = golden.table("reference_front");
    amq::matrix<double> best(static_cast<index>(front.size()), points.cols());  // the golden igd is the front's
    for (std::size_t i = 0; i < front.size(); ++i)
      std::copy_n(points.row(front[i]).data(), points.cols(), best.row(static_cast<index>(i)).data());
    CHECK(amq::igd(best, reference) == Approx(golden.values("igd")[0]).epsilon(1e-12));
    CHECK(amq::igd_plus(points, reference) == Approx(golden.values("igd_plus")[0]).epsilon(1e-12));
  }
}

TEST_CASE("crowding of the edge cases equals pymoo's", "[crowding]") {
  golden_case const golden("metrics", "crowding_edge_cases");
  for (std::string const name :
       {"two_points", "one_point", "constant_objective", "all_equal", "duplicate_extremes", "three_objectives"}) {
    INFO(name);
    check_crowding(amq::crowding_distances(golden.table(name + ".F")), golden.values(name + ".crowding"));
  }
}

TEST_CASE("fast ranks of two objectives equal the plain ones on sets with many ties", "[pareto]") {
  amq::random_stream random(3);
  for (index const n : {1, 2, 7, 60, 301}) {
    amq::matrix<double> points(n, 2);
    for (index i = 0; i < n; ++i)
      for (index m = 0; m < 2; ++m) points(i, m) = static_cast<double>(random.below(12)) - 6;
    CHECK(amq::non_dominated_ranks(points) == amq::detail::ranks_of_many(points));
  }
}

TEST_CASE("equal points do not dominate each other and NaN is worst", "[pareto]") {
  amq::matrix<double> points(4, 2);
  double const nan = std::numeric_limits<double>::quiet_NaN();
  double const values[4][2] = {{1, 1}, {1, 1}, {nan, 1}, {0, 2}};
  for (index i = 0; i < 4; ++i) std::copy_n(values[i], 2, points.row(i).data());
  CHECK(amq::non_dominated_ranks(points) == std::vector<int>{0, 0, 1, 0});
  CHECK(amq::front_indices(points) == std::vector<index>{0, 1, 3});
  CHECK_FALSE(amq::dominates(points.row(0), points.row(1)));
  CHECK(amq::non_dominated_ranks(amq::matrix<double>(0, 2)).empty());
}

TEST_CASE("fronts_by_rank keeps the order within a front", "[pareto]") {
  auto const fronts = amq::fronts_by_rank(std::vector<int>{1, 0, 1, 2, 0});
  CHECK(fronts == std::vector<std::vector<index>>{{1, 4}, {0, 2}, {3}});
}

}  // namespace
