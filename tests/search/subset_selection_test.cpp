// AMQ's subset selection: its objective against AMQ's values, its parts by hand, its result against random subsets.
#include "amq/search/subset_selection.hpp"

#include <set>

#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace {

using amq::index;
using amq::matrix;
using amq::detail::subset_line;

amq::population candidates_of(std::vector<double> const& bits) {
  amq::population result{matrix<amq::gene>(std::ssize(bits), 1), matrix<double>(std::ssize(bits), 2)};
  for (index i = 0; i < std::ssize(bits); ++i) result.objectives(i, 1) = bits[static_cast<std::size_t>(i)];
  return result;
}

TEST_CASE("the deviation of gaps equals AMQ's subset objective", "[subset]") {
  amq::testing::golden_case const golden("metrics", "amq_subset");
  auto const front = golden.values("archive_bits"), candidates = golden.values("candidate_bits");
  auto const chosen = golden.table("chosen");
  auto const expected = golden.values("objective");
  for (index row = 0; row < chosen.rows(); ++row) {
    auto all = front;
    for (index i = 0; i < chosen.cols(); ++i)
      if (chosen(row, i) > 0) all.push_back(candidates[static_cast<std::size_t>(i)]);
    CHECK(amq::gap_deviation(all) == Approx(expected[static_cast<std::size_t>(row)]).margin(1e-12).epsilon(0));
  }
  CHECK(amq::gap_deviation({1.0}) == 0);
}

TEST_CASE("subsets of the line keep the front, their size and their variance", "[subset]") {
  std::vector<double> const front{2.0, 3.0, 4.0};
  auto const candidates = candidates_of({3.5, 2.2, 2.8, 3.9, 2.5, 3.1});
  subset_line line(front, candidates.objectives);
  REQUIRE(line.words() == 1);
  amq::random_stream random(1);
  auto const check = [&](subset_line::const_subset s, index size) {
    auto const chosen = line.candidates_of(s);
    REQUIRE(std::ssize(chosen) == size);
    auto all = front;
    for (index const i : chosen) all.push_back(candidates.objectives(i, 1));
    CHECK(std::sqrt(std::max(line.variance(s), 0.0)) == Approx(amq::gap_deviation(all)).margin(1e-7));
  };
  index from_second = 0;
  for (int i = 0; i < 50; ++i) {
    std::vector<std::uint64_t> a(1), b(1), child(1, 77);
    line.draw(a, 3, random);
    line.draw(b, 3, random);
    check(a, 3);
    line.cross(a, b, child, 3, random);
    check(child, 3);
    auto const in_a = line.candidates_of(a), in_b = line.candidates_of(b), in_child = line.candidates_of(child);
    for (index candidate = 0; candidate < 6; ++candidate) {
      int const parents = static_cast<int>(std::count(in_a.begin(), in_a.end(), candidate) +
                                           std::count(in_b.begin(), in_b.end(), candidate));
      auto const kept = std::count(in_child.begin(), in_child.end(), candidate);
      if (std::count(in_a.begin(), in_a.end(), candidate) == 0) from_second += kept;
      if (parents == 0) CHECK(kept == 0);
      if (parents == 2) CHECK(kept == 1);
    }
    auto const before = line.candidates_of(a);
    line.swap_one(a, random);
    check(a, 3);
    auto const after = line.candidates_of(a);
    std::vector<index> same;
    std::set_intersection(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(same));
    CHECK(same.size() == 2);
  }
  CHECK(from_second > 10);
}

TEST_CASE("the chosen subset spreads better than any of a thousand random ones", "[subset]") {
  amq::random_stream random(2);
  std::vector<double> bits, front;
  for (int i = 0; i < 120; ++i) bits.push_back(2.25 + 2 * random.uniform());
  for (int i = 0; i < 20; ++i) front.push_back(2.25 + random.uniform());
  auto const candidates = candidates_of(bits);
  auto const deviation = [&](std::vector<index> const& chosen) {
    auto all = front;
    for (index const i : chosen) all.push_back(bits[static_cast<std::size_t>(i)]);
    return amq::gap_deviation(all);
  };
  amq::random_stream first(3), second(3);
  auto const chosen = amq::spread_infill{}.select(0, candidates, {front, {}}, 30, first);
  CHECK(chosen == amq::spread_infill{}.select(0, candidates, {front, {}}, 30, second));
  CHECK(std::set(chosen.begin(), chosen.end()).size() == 30);
  for (int i = 0; i < 1000; ++i) {
    auto order = random.permutation(120);
    order.resize(30);
    REQUIRE(deviation(order) > deviation(chosen));
  }
}

TEST_CASE("everything is chosen when there is too little to choose from", "[subset]") {
  auto const candidates = candidates_of({3, 2});
  amq::random_stream random(4);
  CHECK(amq::spread_infill{}.select(0, candidates, {{}, {}}, 2, random) == std::vector<index>{0, 1});
  CHECK(amq::spread_infill{}.select(0, candidates, {{}, {}}, 5, random) == std::vector<index>{0, 1});
  CHECK(amq::spread_infill{}.select(0, candidates, {{}, {}}, 0, random).empty());
  CHECK(amq::spread_infill{}.select(0, candidates, {{}, {}}, 1, random).size() == 1);
  CHECK_THROWS_AS(amq::spread_infill({.population = 0}), amq::precondition_error);
}

}  // namespace
