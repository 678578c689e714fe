#include "amq/core/team_executor.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/catch.hpp"

TEST_CASE("A team runs every piece once, round after round, awake or asleep", "[executor]") {
  for (int const threads : {1, 2, 5}) {
    amq::team_executor team(threads);
    CHECK(team.workers() == threads);
    for (int round = 0; round < 60; ++round) {
      if (round % 20 == 19) std::this_thread::sleep_for(3 * amq::team_executor::awake);
      std::vector<int> runs(37, 0);
      team.for_each(37,
                    [&](amq::index i, int worker) { runs[static_cast<std::size_t>(i)] += worker < threads ? 1 : 100; });
      REQUIRE(runs == std::vector<int>(37, 1));
    }
  }
}

TEST_CASE("An exception of a team's piece reaches the caller, and the team works on", "[executor]") {
  amq::team_executor team(3);
  CHECK_THROWS_AS(team.for_each(50,
                                [](amq::index i, int) {
                                  if (i == 20) throw std::runtime_error("piece 20");
                                }),
                  std::runtime_error);
  std::vector<int> runs(50, 0);
  team.for_each(50, [&](amq::index i, int) { ++runs[static_cast<std::size_t>(i)]; });
  CHECK(runs == std::vector<int>(50, 1));
  CHECK_THROWS_AS(amq::team_executor(0), amq::precondition_error);
}
