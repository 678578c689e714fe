#include "amq/compose/catalogue.hpp"

#include "amq/optimize/knapsack.hpp"
#include "amq/predict/additive.hpp"
#include "amq/search/crowding_infill.hpp"
#include "amq/search/presets/amq.hpp"
#include "amq/search/presets/random.hpp"
#include "amq/search/search.hpp"
#include "amq/search/thompson_infill.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/landscape.hpp"

namespace {

using amq::policy;
using amq::search_budget;
using amq::strategy_names;
using amq::hana::tuple_t;
using amq_test::lacks;
using amq_test::refusal;

template <class Table>
auto lines(Table const& table) {
  return std::vector(table.begin(), table.end());
}

/// Of each kind two, so that some fit together and some do not.
amq::catalogue small_catalogue() {
  return {
      lines(amq::policy_table<amq::any_predictor>(tuple_t<policy<"rbf", "", "", [] { return amq::rbf<>{}; }>,
                                                          policy<"additive", "", "", [] { return amq::additive{}; }>>)),
      lines(amq::policy_table<amq::any_optimizer>(tuple_t<policy<"nsga2", "", "", [] { return amq::nsga2<>{}; }>,
                                                          policy<"knapsack", "", "", [] { return amq::knapsack{}; }>>)),
      lines(amq::policy_table<amq::any_infill>(
          tuple_t<policy<"spread", "", "", [] { return amq::spread_infill{}; }>,
                  policy<"crowding", "", "", [] { return amq::crowding_infill{}; }>,
                  policy<"thompson", "", "", [] { return amq::thompson_infill{}; }>>)),
      lines(amq::preset_table(tuple_t<amq::amq_preset, amq::random_preset>))};
}

std::string refused(strategy_names const& names) {
  return refusal([&] { amq::expect_strategy(small_catalogue(), names); });
}

std::vector<amq::configuration> batch(strategy_names const& names) {
  auto const space = amq::testing::landscape_space(14);
  amq::testing::landscape_evaluator evaluator(amq::testing::landscape(14, 5));
  amq::memory_archive archive;
  auto const all = small_catalogue();
  auto const make = [&](amq::format_space const& s, search_budget const& b) {
    return amq::make_strategy(all, names, s, b, {.population = 30, .generations = 4});
  };
  amq::run_search(space, evaluator, archive, make,
                  {.seed = 3, .budget = {.evaluations = 60, .initial = 25, .candidates = 18}});
  std::vector<amq::configuration> last;
  for (auto const& e : std::span(archive.evaluations()).last(18)) last.push_back(e.configuration);
  return last;
}

}  // namespace

TEST_CASE("parts by other names replace the preset's, its own names change nothing") {
  auto const own = batch({"amq", "", "", ""});
  CHECK(batch({"amq", "rbf", "nsga2", "spread"}) == own);
  CHECK(batch({"amq", "additive", "", ""}) != own);
  CHECK(batch({"amq", "additive", "knapsack", ""}) != batch({"amq", "additive", "", ""}));
  CHECK(batch({"random", "", "", ""}) != own);
}

TEST_CASE("a strategy without given parts goes by the preset's names") {
  auto const all = small_catalogue();
  auto const names = amq::with_own_parts(all, {"amq", "additive", "", ""});
  CHECK(names.predictor == "additive");
  CHECK(names.optimizer == "nsga2");
  CHECK(names.infill == "spread");
  CHECK(amq::with_own_parts(all, {"random", "", "", ""}).predictor.empty());
}

TEST_CASE("unknown names are refused with the nearest") {
  CHECK(lacks(refused({"amg", "", "", ""}), {"'amg'", "a preset", "did you mean amq?"}) == "");
  CHECK(lacks(refused({"amq", "rbg", "", ""}), {"'rbg'", "a predictor", "did you mean rbf?"}) == "");
  CHECK(lacks(refused({"amq", "", "nsga3", ""}), {"'nsga3'", "an optimizer", "did you mean nsga2?"}) == "");
  CHECK(lacks(refused({"amq", "", "", "thomson"}), {"'thomson'", "an infill", "did you mean thompson?"}) == "");
}

TEST_CASE("parts that do not fit the predictor are refused with those that do") {
  CHECK(refused({"amq", "", "knapsack", ""}) ==
        "the optimizer knapsack needs a predictor that knows what each layer's choices cost, and rbf does not: use "
        "additive");
  CHECK(lacks(refused({"amq", "", "", "thompson"}),
              {"infill thompson", "draws losses", "rbf does not: use additive"}) == "");
  auto interpolants = small_catalogue();
  interpolants.predictors.pop_back();
  CHECK(lacks(refusal([&] {
                amq::expect_strategy(interpolants, {"amq", "", "", "thompson"});
              }),
              {"rbf does not: none does"}) == "");
  CHECK(refused({"amq", "additive", "knapsack", ""}) == "(nothing was refused)");
}

TEST_CASE("presets without parts have none to replace") {
  CHECK(refused({"random", "rbf", "", ""}) ==
        "the preset random has no predictor that rbf could replace; choose another preset, or leave it out");
  CHECK(lacks(refused({"random", "", "nsga2", ""}), {"no optimizer"}) == "");
  CHECK(lacks(refused({"random", "", "", "spread"}), {"no infill"}) == "");
  CHECK(refused({"random", "", "", ""}) == "(nothing was refused)");
}

TEST_CASE("searches with more objectives take parts that heed them, and refuse those that do not") {
  auto const all = small_catalogue();
  auto const names = amq::for_many_objectives(all, {"amq", "additive", "", ""});
  CHECK(names.predictor == "additive");
  CHECK(names.optimizer.empty());  // the preset's own heeds them
  CHECK(names.infill == "crowding");
  CHECK(amq::for_many_objectives(all, {"amq", "", "knapsack", "spread"}).optimizer == "knapsack");
  auto const refused_with_more = [&](strategy_names const& given) {
    return refusal([&] { amq::expect_strategy(all, given, true); });
  };
  CHECK(refused_with_more(names) == "(nothing was refused)");
  CHECK(refused_with_more({"amq", "", "", "spread"}) ==
        "the infill spread heeds two objectives and the search has more: use crowding");
  CHECK(refused_with_more({"amq", "additive", "knapsack", "crowding"}) ==
        "the optimizer knapsack heeds two objectives and the search has more: use nsga2");
  CHECK(refused_with_more({"random", "", "", ""}) ==
        "the preset random heeds two objectives and the search has more: use amq");
}
