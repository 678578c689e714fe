#include "amq/search/front.hpp"

#include "amq/search/memory_archive.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

amq::memory_archive archive_of(std::vector<std::pair<double, double>> const& bits_and_losses) {
  amq::memory_archive archive;
  for (auto const& [bits, loss] : bits_and_losses) {
    auto const number = static_cast<amq::gene>(archive.evaluations().size());
    archive.record({.configuration = {number},
                    .average_bits = bits,
                    .model_bytes = static_cast<std::int64_t>(100 * bits),
                    .loss = loss,
                    .sequence_losses = {}});
  }
  return archive;
}

}  // namespace

TEST_CASE("a front keeps what nothing dominates, sorted by bits, the first of equals") {
  auto const nan = std::numeric_limits<double>::quiet_NaN();
  auto const archive =
      archive_of({{4, 0.1}, {2, 0.9}, {3, 0.5}, {3, 0.4}, {3, 0.4}, {2.5, 0.95}, {3.5, 0.4}, {1, nan}});
  amq::front const front(archive.evaluations());
  REQUIRE(front.size() == 3);
  CHECK(front[0].average_bits == 2);
  CHECK(front[1].configuration == amq::configuration{3});
  CHECK(front[2].loss == 0.1);
}

TEST_CASE("the best within a budget is never over it and never dominated") {
  auto const archive = archive_of({{2, 0.9}, {3, 0.4}, {4, 0.1}});
  amq::front const front(archive.evaluations());
  CHECK(front.best_within(3.0).loss == 0.4);
  CHECK(front.best_within(3.999).loss == 0.4);
  CHECK(front.best_within(100).loss == 0.1);
  CHECK(front.best_within(2).loss == 0.9);
  CHECK(front.best_within_bytes(399).loss == 0.4);
  CHECK(front.best_within_bytes(400).loss == 0.1);
  CHECK(amq_test::lacks(amq_test::refusal([&] { front.best_within(1.5); }), {"1.5", "smallest", "2"}) == "");
  CHECK(amq_test::lacks(amq_test::refusal([&] { front.best_within_bytes(10); }), {"10 bytes", "200"}) == "");
  amq::front const nothing(std::span<amq::evaluation const>{});
  CHECK(amq_test::lacks(amq_test::refusal([&] { nothing.best_within(3); }), {"nothing measured"}) == "");
}

TEST_CASE("an archive in memory knows its members") {
  auto const archive = archive_of({{2, 0.9}, {3, 0.4}});
  CHECK(archive.contains(amq::configuration{1}));
  CHECK_FALSE(archive.contains(amq::configuration{2}));
  CHECK_FALSE(archive.contains(amq::configuration{1, 1}));
  CHECK(archive.evaluations().size() == 2);
}
