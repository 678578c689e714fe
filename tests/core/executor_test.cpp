#include "amq/core/executor.hpp"

#include <numeric>

#include "support/catch.hpp"

TEST_CASE("every piece of work runs exactly once, whatever the number of threads") {
  for (int const threads : {1, 2, 5}) {
    amq::thread_executor executor(threads);
    CHECK(executor.workers() == threads);
    for (int round = 0; round < 50; ++round) {
      std::vector<int> runs(97, 0);
      executor.for_each(97, [&](amq::index i, int worker) {
        ++runs[static_cast<std::size_t>(i)];
        if (worker < 0 || worker >= threads) throw std::logic_error("no such worker");
      });
      REQUIRE(runs == std::vector<int>(97, 1));
    }
    executor.for_each(0, [](amq::index, int) { throw std::logic_error("nothing to run"); });
  }
}

TEST_CASE("an exception of a piece reaches the caller and the executor stays usable") {
  amq::thread_executor executor(3);
  CHECK_THROWS_AS(executor.for_each(20,
                                    [](amq::index i, int) {
                                      if (i == 7) throw std::out_of_range("seven");
                                    }),
                  std::out_of_range);
  std::atomic<int> ran{0};
  executor.for_each(20, [&](amq::index, int) { ++ran; });
  CHECK(ran == 20);
}

TEST_CASE("an executor without threads is refused") {
  CHECK_THROWS_AS(amq::thread_executor(0), amq::precondition_error);
}
