// Attainment surfaces: small ones by hand, larger ones by asking every run.
#include "amq/indicate/attainment.hpp"

#include <cmath>
#include <vector>

#include "amq/core/random.hpp"
#include "support/catch.hpp"

namespace amq::testing {
namespace {

using runs = std::vector<std::vector<objective_pair>>;

TEST_CASE("the surfaces of three runs", "[attainment]") {
  runs const three{{{1, 5}, {3, 1}}, {{2, 4}}, {{2, 3}, {4, 0}}};
  using corners = std::vector<objective_pair>;
  CHECK(attainment_surface(three, 1.0 / 3) == corners{{1, 5}, {2, 3}, {3, 1}, {4, 0}});
  CHECK(attainment_surface(three, 0.5) == corners{{2, 4}, {3, 3}, {4, 1}});
  CHECK(attainment_surface(three, 1) == corners{{2, 5}, {3, 4}});
}

TEST_CASE("a run without points attains nothing", "[attainment]") {
  runs const two{{{1, 1}, {std::nan(""), 0}}, {}};
  CHECK(attainment_surface(two, 0.5).size() == 1);
  CHECK(attainment_surface(two, 1).empty());
  CHECK_THROWS_AS(attainment_surface(runs{}, 0.5), precondition_error);
  CHECK_THROWS_AS(attainment_surface(two, 0), precondition_error);
}

TEST_CASE("a surface is where the count of attaining runs says", "[attainment]") {
  random_stream random(11);
  runs all(7);
  for (auto& run : all)
    for (int i = 0; i < 12; ++i)
      run.push_back({static_cast<double>(random.below(20)), static_cast<double>(random.below(20))});
  for (int const needed : {1, 2, 4, 7}) {
    auto const surface = attainment_surface(all, needed / 7.0);
    for (double x = 0; x < 20; ++x)
      for (double y = 0; y < 20; ++y) {
        auto const covers = [&](objective_pair const& p) { return p[0] <= x && p[1] <= y; };
        int count = 0;
        for (auto const& run : all) count += std::any_of(run.begin(), run.end(), covers);
        REQUIRE(std::any_of(surface.begin(), surface.end(), covers) == (count >= needed));
      }
    for (std::size_t i = 1; i < surface.size(); ++i)
      CHECK((surface[i][0] > surface[i - 1][0] && surface[i][1] < surface[i - 1][1]));
  }
}

}  // namespace
}  // namespace amq::testing
