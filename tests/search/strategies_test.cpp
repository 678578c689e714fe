// What every strategy that is no surrogate keeps to: new configurations only, reproducible, never worse than uniform,
// and a way out of every odd space, budget, loss and archive.
#include <set>

#include "amq/search/direct.hpp"
#include "amq/search/evolution.hpp"
#include "amq/search/front.hpp"
#include "amq/search/greedy.hpp"
#include "amq/search/knapsack_strategy.hpp"
#include "amq/search/random_search.hpp"
#include "amq/search/search.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::format_space;
using amq::gene;
using amq::index;
using amq::memory_archive;
using amq::search_end;
using amq::testing::landscape;
using amq::testing::landscape_evaluator;
using amq::testing::landscape_space;

/// The made-up model, on a part of its tokens as well.
struct partial_landscape : landscape_evaluator {
  using landscape_evaluator::landscape_evaluator;
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<amq::measurement> out) {
    evaluate(batch, out);
    for (auto& m : out) m.loss *= 1 + 0.05 * (1 - fidelity);
  }
};

/// Calls check(name, make) with a function that makes each strategy.
template <class Check>
void for_each_strategy(Check const& check) {
  check("random_search", [](format_space const& s) { return amq::random_search(s); });
  check("greedy", [](format_space const& s) { return amq::greedy(s); });
  check("knapsack", [](format_space const& s) { return amq::knapsack_strategy(s); });
  check("knapsack, every choice",
        [](format_space const& s) { return amq::knapsack_strategy(s, {.every_choice = true}); });
  check("evolution", [](format_space const& s) { return amq::evolution(s); });
  check("direct, NSGA-II", [](format_space const& s) { return amq::direct(s); });
  check("direct, MOEA/D", [](format_space const& s) { return amq::direct<amq::decomposition_breeding<>>(s); });
  check("evolution, staged", [](format_space const& s) {
    return amq::evolution(s, {.offspring = 12, .stages = {{0.25, 5}, {0.5, 2}}, .targets = 6});
  });
}

struct run {
  memory_archive archive;
  amq::search_result result;
};

/// Losses may be altered as landscape_evaluator::alter does.
template <class MakeStrategy>
run search(format_space const& space, index evaluations, MakeStrategy const& make, memory_archive start = {},
           std::function<amq::measurement(configuration const&, amq::measurement)> alter = {}) {
  run r{std::move(start), {}};
  partial_landscape evaluator(landscape(space.size(), 7));
  evaluator.alter = std::move(alter);
  r.result = amq::run_search(space, evaluator, r.archive, make,
                             {.seed = 1, .budget = {.evaluations = evaluations, .initial = 20, .candidates = 8}});
  return r;
}

void check_same(memory_archive const& a, memory_archive const& b) {
  REQUIRE(a.evaluations().size() == b.evaluations().size());
  for (std::size_t i = 0; i < a.evaluations().size(); ++i) {
    auto const &left = a.evaluations()[i], &right = b.evaluations()[i];
    INFO("evaluation " << i);
    REQUIRE(left.configuration == right.configuration);
    REQUIRE((left.loss == right.loss && left.batch == right.batch && left.fidelity == right.fidelity));
  }
}

/// The uniform configurations are there, everything measured on all tokens is of the space and measured once, and no
/// budget of bits is served worse than by a uniform one.
void check_archive(format_space const& space, memory_archive const& archive) {
  std::set<configuration> distinct;
  index whole = 0;
  for (auto const& e : archive.evaluations()) {
    REQUIRE(space.contains(e.configuration));
    if (e.fidelity < 1) continue;
    distinct.insert(e.configuration);
    ++whole;
  }
  CHECK(std::ssize(distinct) == whole);
  amq::front const front(archive.evaluations());
  for (auto const& genes : amq::uniform_configurations(space)) {
    auto const* const uniform = archive.find(genes);
    REQUIRE(uniform);
    if (!std::isfinite(uniform->loss)) continue;
    auto const& best = front.best_within(uniform->average_bits);
    CHECK((best.loss <= uniform->loss && best.average_bits <= uniform->average_bits));
  }
}

TEST_CASE("strategies spend their budget on new configurations and are never worse than uniform", "[strategies]") {
  auto const space = landscape_space(20).pin(std::vector<index>{3, 11});
  for_each_strategy([&](std::string const& name, auto const& make) {
    INFO(name);
    auto const [archive, result] = search(space, 150, make);
    CHECK(result.end == search_end::finished);
    double spent = 0;
    for (auto const& e : archive.evaluations()) spent += e.fidelity;
    CHECK((spent > 149 && spent < 150.001));
    check_archive(space, archive);
  });
}

TEST_CASE("whoever owns the loop gets the uniform configurations first, and at most what was asked for",
          "[strategies]") {
  auto const space = landscape_space(15);
  landscape const model(15, 7);
  for_each_strategy([&](std::string const& name, auto const& make) {
    INFO(name);
    auto strategy = make(space);
    memory_archive archive;
    for (int ask = 0; ask < 40; ++ask) {
      amq::random_stream random(5, static_cast<std::uint64_t>(ask));
      auto const batch = strategy.ask(archive, 4, random);
      REQUIRE((!batch.empty() && batch.size() <= 4));
      std::vector<double> losses;
      for (auto const& genes : batch) {
        losses.push_back(model.loss(genes));
        archive.record({genes, space.average_bits(genes), space.model_bytes(genes), losses.back(), {}});
      }
      strategy.tell(batch, losses);
    }
    for (gene g = 0; g < 3; ++g) CHECK(archive.evaluations()[g].configuration == configuration(15, g));
    check_archive(space, archive);
    amq::random_stream random(6);
    CHECK(strategy.ask(archive, 0, random).empty());
    CHECK(strategy.ask(archive, -1, random).empty());
  });
}

TEST_CASE("what a strategy asks depends on archive, n and random alone: resumed at any point it goes the same way",
          "[strategies]") {
  auto const space = landscape_space(9);
  for_each_strategy([&](std::string const& name, auto const& make) {
    INFO(name);
    auto const straight = search(space, 60, make);
    for (std::size_t count = 0; count < straight.archive.evaluations().size(); count += 7) {
      memory_archive start;
      for (auto const& e : straight.archive.evaluations().first(count)) start.record(e);
      check_same(search(space, 60, make, std::move(start)).archive, straight.archive);
    }
  });
}

TEST_CASE("small spaces are searched to their end", "[strategies]") {
  for_each_strategy([&](std::string const& name, auto const& make) {
    for (index const layers : {1, 2, 4}) {
      INFO(name << ", " << layers << " layers");
      auto const [archive, result] = search(landscape_space(layers), 2000, make);
      CHECK(result.end == search_end::exhausted);
      CHECK(std::ranges::count(archive.evaluations(), 1.0, &amq::evaluation::fidelity) ==
            static_cast<index>(std::pow(3, layers)));
    }
  });
}

TEST_CASE("nothing to vary is an end, not an error", "[strategies]") {
  std::vector<index> all(6);
  std::iota(all.begin(), all.end(), index{0});
  for_each_strategy([&](std::string const& name, auto const& make) {
    INFO(name);
    for (auto const& space : {landscape_space(6).pin(all), landscape_space(6, {{4, 128}})}) {
      auto const [archive, result] = search(space, 30, make);
      CHECK(result.end == search_end::exhausted);
      CHECK(archive.evaluations().size() == 1);
    }
  });
}

TEST_CASE("layers of different numbers of choices are searched within them", "[strategies]") {
  auto const plain = landscape_space(5);
  std::vector<amq::linear_layer> const layers(plain.layers().begin(), plain.layers().end());
  format_space const mixed(
      layers,
      {{{2, 128}, {3, 128}, {4, 128}}, {{4, 128}}, {{2, 128}, {4, 128}}, {{3, 128}, {8, 128}}, {{2, 128}, {3, 128}}},
      0);
  for_each_strategy([&](std::string const& name, auto const& make) {
    INFO(name);
    auto const [archive, result] = search(mixed, 400, make);
    CHECK(result.end == search_end::exhausted);
    CHECK(std::ranges::count(archive.evaluations(), 1.0, &amq::evaluation::fidelity) == 3 * 2 * 2 * 2);
    check_archive(mixed, archive);
  });
}

TEST_CASE("budgets down to one evaluation are kept", "[strategies]") {
  for_each_strategy([&](std::string const& name, auto const& make) {
    for (index const n : {1, 2, 3, 4, 7, 13}) {
      INFO(name << ", " << n << " evaluations");
      auto const [archive, result] = search(landscape_space(12), n, make);
      CHECK(result.end == search_end::finished);
      double spent = 0;
      for (auto const& e : archive.evaluations()) spent += e.fidelity;
      CHECK(spent <= static_cast<double>(n) + 1e-9);
    }
  });
}

TEST_CASE("losses that are not numbers, some or all of them, stop nothing", "[strategies]") {
  auto const space = landscape_space(12);
  auto const some = [](configuration const& genes, amq::measurement m) {
    if ((genes[0] + genes[5] + genes[7]) % 3 == 1) m.loss = std::numeric_limits<double>::quiet_NaN();
    return m;
  };
  auto const highest_fails = [](configuration const& genes, amq::measurement m) {
    if (std::ranges::all_of(genes, [](gene g) { return g == 2; })) m.error = "out of memory";
    return m;
  };
  auto const all = [](configuration const&, amq::measurement m) {
    m.loss = -std::numeric_limits<double>::infinity();
    return m;
  };
  auto const zero = [](configuration const&, amq::measurement m) {
    m.loss = 0;
    return m;
  };
  for_each_strategy([&](std::string const& name, auto const& make) {
    INFO(name);
    for (auto const& alter : {std::function<amq::measurement(configuration const&, amq::measurement)>(some),
                              {highest_fails},
                              {all},
                              {zero}}) {
      auto const [archive, result] = search(space, 90, make, {}, alter);
      CHECK(result.end == search_end::finished);
      check_archive(space, archive);
    }
  });
}

TEST_CASE("what an archive holds of other spaces is passed over", "[strategies]") {
  auto const space = landscape_space(10).pin(std::vector<index>{2});
  landscape const model(10, 7);
  for_each_strategy([&](std::string const& name, auto const& make) {
    INFO(name);
    memory_archive archive;
    auto const record = [&](configuration genes, double loss, double bits) {
      archive.record({std::move(genes), bits, 1000, loss, {}});
    };
    for (auto const& genes : amq::uniform_configurations(space))
      record(genes, model.loss(genes), space.average_bits(genes));
    record(configuration(4, gene{1}), 1e-6, 2.3);   // fewer layers
    record(configuration(10, gene{7}), 1e-6, 2.4);  // choices that do not exist
    record(configuration(10, gene{1}), 1e-6, 2.5);  // the pinned layer below its highest
    auto strategy = make(space);
    for (int ask = 0; ask < 30; ++ask) {
      amq::random_stream random(2, static_cast<std::uint64_t>(ask));
      for (auto const& genes : strategy.ask(archive, 5, random)) {
        REQUIRE(space.contains(genes));
        record(genes, model.loss(genes), space.average_bits(genes));
      }
    }
  });
}

}  // namespace
