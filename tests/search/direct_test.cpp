#include "amq/search/direct.hpp"

#include <set>

#include "amq/indicate/hypervolume.hpp"
#include "amq/search/progress.hpp"
#include "amq/search/random_search.hpp"
#include "amq/search/search.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::index;
using amq::matrix;
using amq::testing::landscape;
using amq::testing::landscape_evaluator;
using amq::testing::landscape_space;

/// Rows 0 to 3 are the front from few bits to many, 4 and 5 are dominated.
matrix<double> small_front() {
  matrix<double> objectives(6, 2);
  double const rows[6][2] = {{1.0, 2.0}, {0.5, 2.5}, {0.2, 3.0}, {0.1, 4.0}, {1.5, 2.6}, {0.9, 3.9}};
  for (index i = 0; i < 6; ++i)
    for (index m = 0; m < 2; ++m) objectives(i, m) = rows[i][m];
  return objectives;
}

std::set<index> parents(amq::parent_pairs const& pairs) {
  std::set<index> rows;
  for (auto const& [a, b] : pairs) rows.insert({a, b});
  return rows;
}

template <class Make>
double hypervolume_after(index evaluations, std::uint64_t seed, Make const& make) {
  auto const space = landscape_space(21);
  landscape_evaluator evaluator(landscape(space.size(), 3));
  amq::memory_archive archive;
  amq::run_search(space, evaluator, archive, make,
                  {.seed = seed, .budget = {.evaluations = evaluations, .initial = 0, .candidates = 20}});
  return amq::normalised_hypervolume(archive.evaluations(), *amq::find_frame(space, archive),
                                     amq::loss_scale::logarithmic);
}

}  // namespace

TEST_CASE("NSGA-II's parents are survivors, each as often as any other enters its tournaments") {
  amq::random_stream random(1);
  auto const pairs = amq::dominance_breeding{}(small_front(), 4, random);
  CHECK(pairs.size() == 4);
  for (amq::index const row : parents(pairs)) CHECK(row < 4);
}

TEST_CASE("MOEA/D's parents are the best along some direction") {
  amq::random_stream random(1);
  std::set<amq::index> seen;
  for (int round = 0; round < 30; ++round)
    seen.merge(parents(amq::decomposition_breeding<>{}(small_front(), 8, random)));
  CHECK(seen == std::set<amq::index>{0, 1, 2, 3});
}

TEST_CASE("MOEA/D's parents are neighbours unless they come from anywhere") {
  amq::random_stream random(1);
  auto const near = amq::decomposition_breeding<>{.neighbours = 2, .anywhere = 0}(small_front(), 40, random);
  for (auto const& [a, b] : near) CHECK(std::abs(a - b) <= 1);
  auto const far = amq::decomposition_breeding<>{.neighbours = 2, .anywhere = 1}(small_front(), 40, random);
  CHECK(std::ranges::any_of(far, [](auto const& pair) { return std::abs(pair.first - pair.second) > 1; }));
}

TEST_CASE("both breed far better fronts than random search finds") {
  double random = 0, nsga2 = 0, moead = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    random += hypervolume_after(600, seed, [](auto const& s) { return amq::random_search(s); });
    nsga2 += hypervolume_after(600, seed, [](auto const& s) { return amq::direct(s); });
    moead += hypervolume_after(600, seed, [](auto const& s) { return amq::direct<amq::decomposition_breeding<>>(s); });
  }
  CHECK(nsga2 / 3 > random / 3 + 0.05);
  CHECK(moead / 3 > random / 3 + 0.05);
}
