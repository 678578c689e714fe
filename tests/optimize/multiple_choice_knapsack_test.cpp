// The multiple-choice knapsack against looking at everything: all sizes, odd units, missing levels; then its hull.
#include "amq/optimize/multiple_choice_knapsack.hpp"

#include <functional>

#include "amq/core/random.hpp"
#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;
using amq::matrix;
using amq::multiple_choice_knapsack;
using amq::random_stream;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct instance {
  matrix<double> costs, sizes;

  double cost(configuration const& levels) const { return total(costs, levels); }
  double size(configuration const& levels) const { return total(sizes, levels); }

 private:
  static double total(matrix<double> const& of, configuration const& levels) {
    double sum = 0;
    for (std::size_t v = 0; v < levels.size(); ++v) sum += of(static_cast<index>(v), levels[v]);
    return sum;
  }
};

/// Costs of any order, some infinite; the last levels of some variables are missing. Sizes from `step`.
instance random_instance(index variables, index levels, random_stream& random, std::function<double()> const& step) {
  instance made{matrix<double>(variables, levels), matrix<double>(variables, levels)};
  for (index v = 0; v < variables; ++v) {
    index const there = 1 + random.below(levels);
    for (index level = 0; level < levels; ++level) {
      bool const missing = level >= there;
      made.sizes(v, level) = missing ? infinity : level == 0 ? 0.0 : made.sizes(v, level - 1) + step();
      made.costs(v, level) = missing || (level > 0 && random.bernoulli(0.1)) ? infinity : random.normal();
    }
  }
  return made;
}

/// The least cost within a size, of all there is.
double least_cost(instance const& given, double size) {
  double least = infinity;
  configuration levels(static_cast<std::size_t>(given.costs.rows()), gene{0});
  for (std::size_t v = 0; v < levels.size();) {
    if (given.size(levels) <= size) least = std::min(least, given.cost(levels));
    for (v = 0; v < levels.size(); levels[v++] = 0)
      if (++levels[v] < given.costs.cols()) break;
  }
  return least;
}

configuration solve(multiple_choice_knapsack const& optima, instance const& given, double size) {
  configuration levels(static_cast<std::size_t>(given.costs.rows()), gene{99});
  optima.within(size, levels);
  return levels;
}

TEST_CASE("every size of a small knapsack has its optimum", "[multiple_choice_knapsack]") {
  random_stream random(1);
  for (int trial = 0; trial < 30; ++trial) {
    auto const given = random_instance(5, 4, random, [&] { return static_cast<double>(random.below(4)); });
    multiple_choice_knapsack const optima(given.costs, given.sizes);
    CHECK(optima.exact());
    for (double size = 0; size <= optima.total() + 1; size += 0.5) {
      auto const found = solve(optima, given, size);
      INFO("trial " << trial << ", size " << size);
      REQUIRE(given.size(found) <= size);
      REQUIRE(given.cost(found) == Approx(least_cost(given, size)).margin(1e-12));
    }
  }
}

TEST_CASE("sizes in fractions of a unit are as exact as whole ones", "[multiple_choice_knapsack]") {
  for (double const unit : {0.1, 1.0 / 7, 3e-7, 1e9 / 3}) {
    random_stream random(2);
    auto given = random_instance(6, 3, random, [&] { return static_cast<double>(1 + random.below(60)); });
    multiple_choice_knapsack const whole(given.costs, given.sizes);
    auto scaled = instance{given.costs.clone(), given.sizes.clone()};
    for (index i = 0; i < scaled.sizes.size(); ++i) scaled.sizes.data()[i] *= unit;
    multiple_choice_knapsack const optima(scaled.costs, scaled.sizes);
    INFO("unit " << unit);
    CHECK(optima.exact());
    CHECK(optima.total() == Approx(whole.total() * unit));
    for (index size = 0; size <= static_cast<index>(whole.total()); ++size)
      REQUIRE(solve(optima, scaled, static_cast<double>(size) * unit) ==
              solve(whole, given, static_cast<double>(size)));
  }
}

TEST_CASE("2,000 steps are exact, one more is not", "[multiple_choice_knapsack]") {
  for (index const steps : {2000, 2001}) {
    instance given{matrix<double>(2, 2), matrix<double>(2, 2)};
    given.sizes(0, 1) = 1;
    given.sizes(1, 1) = static_cast<double>(steps - 1);
    CHECK(multiple_choice_knapsack(given.costs, given.sizes).exact() == (steps == 2000));
  }
}

/// The most that one variable's step can save.
double largest_saving(instance const& given) {
  double most = 0;
  for (index v = 0; v < given.costs.rows(); ++v)
    for (double const from : given.costs.row(v))
      for (double const to : given.costs.row(v))
        if (std::isfinite(from) && std::isfinite(to)) most = std::max(most, from - to);
  return most;
}

TEST_CASE("sizes without a common unit are solved within one step of the optimum", "[multiple_choice_knapsack]") {
  random_stream random(3);
  int optimal = 0, sizes = 0;
  for (int trial = 0; trial < 20; ++trial) {
    auto const given = random_instance(7, 3, random, [&] { return 0.1 + random.uniform(); });
    multiple_choice_knapsack const optima(given.costs, given.sizes);
    if (optima.exact()) continue;  // next to nothing to choose
    for (double place = 0; place < 1.05; place += 0.1, ++sizes) {
      auto const found = solve(optima, given, place * optima.total());
      double const size = place * optima.total() * (1 + 1e-9);
      double const least = least_cost(given, size);
      INFO("trial " << trial << ", place " << place);
      REQUIRE(given.size(found) <= size);
      REQUIRE(given.cost(found) >= least - 1e-12);
      REQUIRE(given.cost(found) <= least + largest_saving(given));
      optimal += given.cost(found) < least + 1e-12;
    }
  }
  CHECK(sizes > 100);
  CHECK(2 * optimal > sizes);
}

TEST_CASE("hundreds of layers on the hull miss the optimum by little", "[multiple_choice_knapsack]") {
  random_stream random(4);
  instance given{matrix<double>(200, 3), matrix<double>(200, 3)};
  index total = 0;
  for (index v = 0; v < 200; ++v) {
    index const weight = 4 + random.below(20);
    total += 2 * weight;
    for (index level = 0; level < 3; ++level) {
      given.sizes(v, level) = static_cast<double>(level * weight);
      given.costs(v, level) = std::exp(random.normal()) * std::pow(0.3, level);
    }
  }
  REQUIRE(total > multiple_choice_knapsack::most_steps);
  multiple_choice_knapsack const hull(given.costs, given.sizes);
  CHECK_FALSE(hull.exact());
  std::vector<double> best(static_cast<std::size_t>(total) + 1, 0.0), next;
  for (index v = 0; v < 200; ++v) {
    next.assign(best.size(), infinity);
    for (index level = 0; level < 3; ++level)
      for (auto s = static_cast<std::size_t>(given.sizes(v, level)); s < best.size(); ++s)
        next[s] = std::min(next[s], best[s - static_cast<std::size_t>(given.sizes(v, level))] + given.costs(v, level));
    std::swap(best, next);
  }
  double missed = 0;
  for (index size = 0; size <= total; size += 97) {
    auto const found = solve(hull, given, static_cast<double>(size));
    REQUIRE(given.size(found) <= static_cast<double>(size));
    missed = std::max(missed, given.cost(found) / best[static_cast<std::size_t>(size)] - 1);
  }
  CHECK(missed < 0.005);
}

TEST_CASE("levels in one line are taken in order and never beyond the size", "[multiple_choice_knapsack]") {
  random_stream random(5);
  for (int trial = 0; trial < 20000; ++trial) {
    instance given{matrix<double>(2, 4), matrix<double>(2, 4)};
    for (index v = 0; v < 2; ++v)
      for (index level = 1; level < 4; ++level) {
        given.sizes(v, level) = given.sizes(v, level - 1) + 0.01 + random.uniform();
        given.costs(v, level) = -0.7 * given.sizes(v, level);
      }
    multiple_choice_knapsack const optima(given.costs, given.sizes);
    REQUIRE_FALSE(optima.exact());
    REQUIRE(solve(optima, given, optima.total()) == configuration(2, gene{3}));
    double const size = given.sizes(0, 1 + random.below(3));
    REQUIRE(given.size(solve(optima, given, size)) <= size * (1 + 1e-9));
  }
}

TEST_CASE("nothing to choose and sizes nobody has room for", "[multiple_choice_knapsack]") {
  multiple_choice_knapsack const empty(matrix<double>(0, 0), matrix<double>(0, 0));
  CHECK((empty.total() == 0 && empty.exact()));
  empty.within(1, {});
  instance single{matrix<double>(3, 1), matrix<double>(3, 1)};
  multiple_choice_knapsack const one(single.costs, single.sizes);
  CHECK(one.exact());
  CHECK(solve(one, single, 7) == configuration(3, gene{0}));
  instance given{matrix<double>(2, 2), matrix<double>(2, 2)};
  given.sizes(0, 1) = given.sizes(1, 1) = 3;
  given.costs(0, 1) = given.costs(1, 1) = -1;
  for (double const irrational : {0.0, std::sqrt(2.0)}) {
    given.sizes(1, 1) += irrational;
    multiple_choice_knapsack const optima(given.costs, given.sizes);
    CHECK(solve(optima, given, -5) == configuration(2, gene{0}));
    CHECK(solve(optima, given, 2.9) == configuration(2, gene{0}));
    CHECK(solve(optima, given, infinity) == configuration(2, gene{1}));
  }
}

std::string refusal(matrix<double> const& costs, matrix<double> const& sizes) {
  try {
    multiple_choice_knapsack const optima(costs, sizes);
  } catch (amq::precondition_error const& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("what is no knapsack is refused with a sentence", "[multiple_choice_knapsack]") {
  auto const with = [](int what, index v, index level, double value) {
    instance given{matrix<double>(2, 3), matrix<double>(2, 3)};
    for (index i = 0; i < 2; ++i) given.sizes(i, 1) = 1, given.sizes(i, 2) = 2;
    (what == 0 ? given.costs : given.sizes)(v, level) = value;
    return refusal(given.costs, given.sizes);
  };
  auto const says = [](std::string const& text, std::string const& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  CHECK(with(0, 0, 0, 1).empty());
  says(refusal(matrix<double>(2, 3), matrix<double>(2, 2)), "one size for each cost");
  says(refusal(matrix<double>(2, 3), matrix<double>(3, 3)), "one size for each cost");
  says(with(1, 1, 0, 0.5), "variable 1");
  says(with(0, 1, 0, infinity), "variable 1");
  says(with(0, 0, 2, std::nan("")), "variable 0 breaks that at level 2");
  says(with(1, 0, 2, 0.5), "variable 0 breaks that at level 2");
  says(with(1, 1, 1, std::nan("")), "variable 1 breaks that at level 1");
  says(with(1, 1, 0, std::nan("")), "variable 1");
}

}  // namespace
