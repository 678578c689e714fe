#include "amq/core/random.hpp"

#include <algorithm>

#include "support/catch.hpp"

TEST_CASE("a seed and a stream name one sequence of numbers") {
  amq::random_stream a(7, 3);
  amq::random_stream b(7, 3);
  amq::random_stream other_stream(7, 4);
  amq::random_stream other_seed(8, 3);
  auto const first = a.engine()();
  CHECK(first == b.engine()());
  CHECK(first != other_stream.engine()());
  CHECK(first != other_seed.engine()());
}

TEST_CASE("the numbers are the same on every machine and standard library") {
  amq::random_stream stream(1, 0);
  std::vector<amq::index> drawn;
  for (int i = 0; i < 6; ++i) drawn.push_back(stream.below(1000));
  CHECK(drawn == std::vector<amq::index>{786, 854, 658, 701, 146, 988});
}

TEST_CASE("draws stay in their range and are spread evenly") {
  amq::random_stream stream(5);
  std::vector<int> counts(6, 0);
  double total = 0;
  double squares = 0;
  for (int i = 0; i < 60000; ++i) {
    ++counts[static_cast<std::size_t>(stream.below(6))];
    double const u = stream.uniform();
    REQUIRE((u >= 0 && u < 1));
    double const z = stream.normal();
    total += z;
    squares += z * z;
  }
  for (int const count : counts) CHECK(std::abs(count - 10000) < 500);
  CHECK(std::abs(total / 60000) < 0.02);
  CHECK(squares / 60000 == Approx(1).epsilon(0.03));
  CHECK_THROWS_AS(stream.below(0), amq::precondition_error);
}

TEST_CASE("bounded draws are those of Boost's uniform_int_distribution") {
  amq::random_stream ours(11), boosts(11), bounds(12);
  for (int i = 0; i < 100000; ++i) {
    // Every size of bound: small ones, powers of two and their neighbours, above and below 2^31.
    amq::index const n = std::max<amq::index>(
        1, (amq::index{1} << bounds.below(63)) + (i % 3 == 0 ? bounds.below(1000) : i % 3 - 1 - 500 * (i % 2)));
    REQUIRE(ours.below(n) == boost::random::uniform_int_distribution<amq::index>(0, n - 1)(boosts.engine()));
  }
  CHECK(ours.uniform() == boosts.uniform());
}

TEST_CASE("a permutation holds every number once") {
  amq::random_stream stream(9);
  auto order = stream.permutation(50);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (amq::index i = 0; i < 50; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}
