// Greedy batches by hypervolume gain: by hand on five candidates, against areas of fronts, and where nothing gains.
#include "amq/search/hypervolume_infill.hpp"

#include "support/catch.hpp"

namespace {

using amq::hypervolume_infill;
using amq::hypervolume_infill_options;
using amq::index;
using amq::loss_scale;
using amq::population;

static_assert(amq::infill<hypervolume_infill>);

struct candidate {
  double bits, loss;
};

population candidates_at(std::vector<candidate> const& list) {
  population p{amq::matrix<amq::gene>(std::ssize(list), 1), amq::matrix<double>(std::ssize(list), 2)};
  for (index i = 0; i < p.genes.rows(); ++i) {
    p.objectives(i, 0) = list[static_cast<std::size_t>(i)].loss;
    p.objectives(i, 1) = list[static_cast<std::size_t>(i)].bits;
  }
  return p;
}

// Coordinates are (bits - 2) / 2 and the loss itself; the logarithmic one is 0 at 0.01 and 0.5 at 0.1.
amq::hypervolume_frame const frame{2, 4, 1, 0.01};
std::vector<double> const front_bits{2, 4}, front_losses{1, 0.01};
amq::infill_context const context{front_bits, front_losses, frame};

std::vector<index> select(std::vector<candidate> const& list, index n, hypervolume_infill_options const& options,
                          amq::infill_context const& known = context, std::uint64_t seed = 1) {
  amq::random_stream random(seed);
  return hypervolume_infill(options).select(amq::detail::any_predictor_of_loss{}, candidates_at(list), known, n,
                                            random);
}

std::vector<candidate> const five{{2.4, 0.5}, {3, 0.3}, {3, 0.29}, {3.2, 0.2}, {3.6, 0.6}};

TEST_CASE("the greatest gain first, then what it leaves of the others", "[hypervolume_infill]") {
  // Raw gains to the corner (1, 1) of the front: (1 - x) (1 - loss): 0.4, 0.35, 0.355, 0.32, 0.08. After the first:
  // 0, 0.1, 0.105, 0.12, 0; after the fourth: 0, 0.02, 0.021, -, 0; then nothing gains.
  CHECK(select(five, 1, {.log_share = 0}) == std::vector<index>{0});
  CHECK(select(five, 3, {.log_share = 0}) == std::vector<index>{0, 3, 2});
}

TEST_CASE("half of the raw gain and half of the logarithmic one", "[hypervolume_infill]") {
  // Two candidates beside each other: raw prefers the fewer bits, logarithms the smaller loss.
  std::vector<candidate> const two{{2.5, 0.3}, {3, 0.1}};
  CHECK(select(two, 1, {.log_share = 0}) == std::vector<index>{0});    // 0.75 * 0.7 against 0.5 * 0.9
  CHECK(select(two, 1, {.log_share = 1}) == std::vector<index>{1});    // 0.75 * 0.26 against 0.5 * 0.5
  CHECK(select(two, 1, {.log_share = 0.5}) == std::vector<index>{0});  // 0.36 against 0.35
}

/// Area of the known front and these candidates, weighed as the options say.
double area(std::vector<candidate> const& list, std::vector<index> const& chosen, double log_share) {
  auto bits = front_bits, losses = front_losses;
  for (index const i : chosen) {
    bits.push_back(list[static_cast<std::size_t>(i)].bits);
    losses.push_back(list[static_cast<std::size_t>(i)].loss);
  }
  return (1 - log_share) * amq::normalised_hypervolume(bits, losses, frame, loss_scale::raw) +
         log_share * amq::normalised_hypervolume(bits, losses, frame, loss_scale::logarithmic);
}

TEST_CASE("each choice adds the most area that any candidate could", "[hypervolume_infill]") {
  amq::random_stream random(2);
  for (double const log_share : {0.0, 0.3, 0.5, 1.0}) {
    std::vector<candidate> list;
    for (int i = 0; i < 60; ++i) {
      double const bits = 2 + 2 * random.uniform();
      list.push_back({bits, std::pow(0.01, (bits - 2) / 2) * std::exp(0.5 * random.normal())});
    }
    auto const chosen = select(list, 12, {.log_share = log_share});
    REQUIRE(chosen.size() == 12);
    for (std::size_t k = 0; k < chosen.size(); ++k) {
      auto with = std::vector(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(k));
      auto const gain_of = [&](index i) {
        with.push_back(i);
        double const got = area(list, with, log_share);
        with.pop_back();
        return got;
      };
      double most = 0;
      for (index i = 0; i < 60; ++i) most = std::max(most, gain_of(i));
      CHECK(gain_of(chosen[k]) == Approx(most).epsilon(1e-12));
    }
  }
}

TEST_CASE("of equal candidates one is chosen for its gain", "[hypervolume_infill]") {
  std::vector<candidate> const equal{{3.5, 0.5}, {3, 0.3}, {3, 0.3}, {2.5, 0.5}};
  auto const chosen = select(equal, 2, {});
  CHECK(chosen == std::vector<index>{3, 1});
  CHECK(select(equal, 2, {}, context, 2) == chosen);
}

TEST_CASE("where nothing gains the batch is random, of the pool, none twice", "[hypervolume_infill]") {
  std::vector<candidate> worse;
  for (int i = 0; i < 40; ++i) worse.push_back({2 + 0.04 * i, 2});
  auto const first = select(worse, 10, {});
  CHECK(first.size() == 10);
  auto sorted = first;
  std::ranges::sort(sorted);
  CHECK(std::ranges::adjacent_find(sorted) == sorted.end());
  CHECK(select(worse, 10, {}) == first);
  CHECK(select(worse, 10, {}, context, 2) != first);
}

TEST_CASE("all candidates where there are fewer than asked for, none where there are none", "[hypervolume_infill]") {
  auto all = select(five, 9, {});
  std::ranges::sort(all);
  CHECK(all == std::vector<index>{0, 1, 2, 3, 4});
  CHECK(select({}, 3, {}).empty());
  CHECK(select(five, 0, {}).empty());
}

TEST_CASE("the pool is what lies nearest to the candidates' own front, never less than a batch",
          "[hypervolume_infill]") {
  std::vector<candidate> const list{{2.2, 0.05}, {2.3, 0.2}, {3.9, 0.04}};  // the second is four times the first
  CHECK(select(list, 1, {.pool = 1}) == std::vector<index>{0});
  CHECK(select(list, 2, {.pool = 1}) == std::vector<index>{0, 2});
  CHECK(select(list, 3, {.pool = 1}).size() == 3);
}

TEST_CASE("without a front, without scales and with losses of zero", "[hypervolume_infill]") {
  CHECK(select(five, 1, {.log_share = 0}, {{}, {}, frame}) == std::vector<index>{0});
  CHECK(select(five, 5, {}, {{}, {}, {3, 3, 0, 0}}).size() == 5);
  std::vector<candidate> const zero{{3, 0.0}, {3, 0.5}, {2.5, -1.0}};
  CHECK(select(zero, 3, {}).size() == 3);
  for (auto const& bad : {hypervolume_infill_options{.log_share = 1.5}, {.log_share = -0.1}, {.pool = 0}})
    CHECK_THROWS_AS(hypervolume_infill(bad), amq::precondition_error);
}

}  // namespace
