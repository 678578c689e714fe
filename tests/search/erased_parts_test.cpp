#include "amq/search/erased_parts.hpp"

#include "amq/optimize/knapsack.hpp"
#include "amq/optimize/local_knapsack.hpp"
#include "amq/predict/additive.hpp"
#include "amq/search/any_strategy.hpp"
#include "amq/search/hypervolume_infill.hpp"
#include "amq/search/presets/amq.hpp"
#include "amq/search/presets/share.hpp"
#include "amq/search/search.hpp"
#include "amq/search/thompson_infill.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/landscape.hpp"

namespace {

using amq::any_predictor;
using amq::format_space;
using amq::gene;
using amq::index;
using amq::matrix;
using amq::predictor_ability;
using amq::search_budget;
using amq::testing::landscape;
using amq::testing::landscape_evaluator;
using amq::testing::landscape_space;

template <class Make>
amq::memory_archive searched(Make const& make) {
  auto const space = landscape_space(14);
  landscape_evaluator evaluator(landscape(space.size(), 5));
  amq::memory_archive archive;
  amq::run_search(space, evaluator, archive, make,
                  {.seed = 4, .budget = {.evaluations = 110, .initial = 30, .candidates = 20}});
  return archive;
}

bool same(amq::memory_archive const& a, amq::memory_archive const& b) {
  return std::ranges::equal(a.evaluations(), b.evaluations(), [](auto const& left, auto const& right) {
    return left.configuration == right.configuration && left.loss == right.loss;
  });
}

matrix<gene> some_rows() {
  matrix<gene> genes(6, 14);
  amq::random_stream random(2);
  for (index i = 0; i < genes.size(); ++i) genes.data()[i] = static_cast<gene>(random.below(3));
  return genes;
}

}  // namespace

TEST_CASE("a strategy of erased parts measures what the typed one does, bit for bit") {
  auto const typed_amq = searched([](format_space const& s, search_budget const& b) {
    return assemble(s, amq::amq_parts({.initial = b.initial}, {.population = 30, .generations = 5}));
  });
  auto const erased_amq = searched([](format_space const& s, search_budget const& b) {
    return assemble(s, erase(amq::amq_parts({.initial = b.initial}, {.population = 30, .generations = 5})));
  });
  CHECK(typed_amq.evaluations().size() == 110);
  CHECK(same(typed_amq, erased_amq));
  auto const typed_share =
      searched([](format_space const& s, search_budget const& b) { return amq::make_share_strategy(s, b); });
  auto const erased_share = searched([](format_space const& s, search_budget const& b) {
    return amq::any_strategy(assemble(s, erase(amq::share_parts(b))));
  });
  CHECK(same(typed_share, erased_share));
}

TEST_CASE("an erased predictor does what the owned one does and says what it cannot do") {
  auto const space = landscape_space(14);
  auto const genes = some_rows();
  std::vector<double> const losses{1, 2, 3, 4, 5, 6};
  any_predictor sure(amq::rbf<>{}), sum(amq::additive{}), unsure(amq::share{});
  amq::rbf<> plain;
  std::vector<double> of_erased(6), of_plain(6);
  plain.fit(space, genes, losses);
  plain.predict(genes, of_plain);
  for (auto* p : {&sure, &sum, &unsure}) p->fit(space, genes, losses);
  sure.predict(genes, of_erased);
  CHECK(of_erased == of_plain);

  CHECK_FALSE(sure.has(predictor_ability::variance));
  CHECK_FALSE(sure.has_layer_costs());
  CHECK(sum.has_layer_costs());
  CHECK((unsure.has(predictor_ability::variance) && unsure.has(predictor_ability::draws) &&
         unsure.has_layer_cost_draws()));
  amq::random_stream random(1);
  CHECK(unsure.layer_costs().rows() == 14);
  unsure.variance(genes, of_erased);
  CHECK(of_erased[0] > 0);
  CHECK_THROWS_AS(sure.variance(genes, of_erased), amq::precondition_error);
  CHECK_THROWS_AS(sure.draw(genes, random, of_erased), amq::precondition_error);
  CHECK_THROWS_AS(sure.layer_costs(), amq::precondition_error);
  CHECK_THROWS_AS(sure.draw_layer_costs(random), amq::precondition_error);
}

TEST_CASE("policies say what they need of a predictor, erased as well") {
  CHECK(amq::any_optimizer(amq::knapsack{}).needs() == predictor_ability::layer_costs);
  CHECK_FALSE(amq::any_optimizer(amq::local_knapsack{}).needs().has_value());
  CHECK(amq::any_infill(amq::thompson_infill{}).needs() == predictor_ability::draws);
  CHECK_FALSE(amq::any_infill(amq::hypervolume_infill{}).needs().has_value());
}

TEST_CASE("optimizers see costs of an erased predictor only where it has them") {
  auto const space = landscape_space(14);
  auto const genes = some_rows();
  std::vector<double> const losses{1, 2, 3, 4, 5, 6};
  auto const layers = amq::variable_layers(space);
  auto const found = [&](any_predictor& predictor, auto const& optimizer) {
    predictor.fit(space, genes, losses);
    amq::surrogate_problem problem(space, predictor, layers);
    amq::random_stream random(3);
    return amq::any_optimizer(optimizer).minimize(problem, matrix<gene>(0, 14), random).genes.rows();
  };
  any_predictor without(amq::rbf<>{}), with(amq::additive{});
  amq::local_knapsack const small({.sizes = 20, .rounds = 1, .polish_rounds = 1, .offspring = 5});
  CHECK(found(without, small) > 0);
  CHECK(found(with, small) > 0);
  CHECK(found(with, amq::knapsack({.sizes = 10})) == 10);
  CHECK_THROWS_AS(found(without, amq::knapsack{}), amq::precondition_error);
}
