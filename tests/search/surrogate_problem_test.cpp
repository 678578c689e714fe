// The problem that optimizers see: sizes that add up to average bits, costs of the right layers, whole configurations.
#include "amq/search/surrogate_problem.hpp"

#include "support/catch.hpp"
#include "support/fitting_data.hpp"

namespace {

using amq::configuration;
using amq::format_space;
using amq::gene;
using amq::index;
using amq::matrix;

/// Costs and losses that say which layer and choice they are of.
struct numbered_predictor {
  using policy_category = amq::predictor_category;
  index choices = 3;
  template <class Space>
  void fit(Space const&, amq::matrix_view<gene const>, std::span<double const>) {}
  void predict(amq::matrix_view<gene const> genes, std::span<double> out) const {
    for (index i = 0; i < genes.rows; ++i) {
      double sum = 0;
      for (index l = 0; l < genes.cols; ++l) sum += cost(l, genes(i, l));
      out[static_cast<std::size_t>(i)] = sum;
    }
  }
  matrix<double> layer_costs() const {
    matrix<double> costs(5, choices);
    for (index l = 0; l < 5; ++l)
      for (index g = 0; g < choices; ++g) costs(l, g) = cost(l, g);
    return costs;
  }
  matrix<double> draw_layer_costs(amq::random_stream& random) const {
    auto drawn = layer_costs();
    double const shift = random.uniform();
    for (index i = 0; i < drawn.size(); ++i) drawn.data()[i] += shift;
    return drawn;
  }
  static double cost(index layer, index choice) { return static_cast<double>(10 * layer + choice); }
};

/// Only predicts.
struct plain_predictor {
  void predict(amq::matrix_view<gene const> genes, std::span<double> out) const {
    numbered_predictor{}.predict(genes, out);
  }
};

using numbered_problem = amq::surrogate_problem<format_space, numbered_predictor>;
static_assert(amq::sampled_problem<numbered_problem>);
static_assert(amq::sized_problem<amq::surrogate_problem<format_space, plain_predictor>>);

/// Layers of 3, 1, 2, 3 (pinned) and 3 choices, of different sizes.
format_space mixed_space() {
  std::vector<amq::format> const three{{2, 128}, {3, 128}, {4, 128}}, two{{3, 128}, {4, 128}}, one{{4, 128}};
  std::vector<amq::linear_layer> layers;
  for (int l = 0; l < 5; ++l) layers.push_back({"layer" + std::to_string(l), 128 * (1 + l), 128, l, 0});
  return format_space(layers, {three, one, two, three, three}, 0).pin(std::vector<index>{3});
}

TEST_CASE("sizes add up to the average bits, whatever the order of variables", "[surrogate_problem]") {
  auto const space = mixed_space();
  numbered_predictor const predictor;
  for (auto const& order : {std::vector<index>{0, 2, 4}, {4, 0, 2}, {2}}) {
    numbered_problem problem(space, predictor, order);
    auto const sizes = problem.sizes();
    REQUIRE((sizes.rows() == std::ssize(order) && sizes.cols() == (order.size() == 1 ? 2 : 3)));
    amq::random_stream random(1);
    matrix<gene> genes(20, problem.variables());
    for (index i = 1; i < 20; ++i)
      for (index v = 0; v < genes.cols(); ++v) genes(i, v) = static_cast<gene>(random.below(problem.levels(v)));
    matrix<double> objectives(20, 2);
    problem.evaluate(genes, objectives);
    for (index i = 0; i < 20; ++i) {
      double added = 0;
      for (index v = 0; v < genes.cols(); ++v) added += sizes(v, genes(i, v));
      CHECK(objectives(i, 1) - objectives(0, 1) == Approx(added).margin(1e-12));
    }
    for (index v = 0; v < genes.cols(); ++v) {
      CHECK(sizes(v, 0) == 0);
      for (index level = 0; level < sizes.cols(); ++level)
        CHECK(std::isinf(sizes(v, level)) == (level >= problem.levels(v)));
    }
  }
}

TEST_CASE("costs are those of the variables' layers, drawn ones too", "[surrogate_problem]") {
  auto const space = mixed_space();
  for (index const choices : {3, 5}) {  // the predictor may know of more choices than these layers have
    numbered_predictor const predictor{choices};
    std::vector<index> const order{4, 0, 2};
    numbered_problem const problem(space, predictor, order);
    amq::random_stream random(1), same(1);
    double const shift = same.uniform();
    auto const costs = problem.costs(), drawn = problem.draw_costs(random);
    REQUIRE((costs.rows() == 3 && costs.cols() == 3));
    for (index v = 0; v < 3; ++v)
      for (index level = 0; level < 3; ++level) {
        double const expected = level < problem.levels(v)
                                    ? numbered_predictor::cost(order[static_cast<std::size_t>(v)], level)
                                    : std::numeric_limits<double>::infinity();
        CHECK(costs(v, level) == expected);
        CHECK(drawn(v, level) == expected + shift);
      }
  }
}

TEST_CASE("the optimizer's genes become whole configurations and back, and are remembered", "[surrogate_problem]") {
  auto const space = mixed_space();
  numbered_predictor const predictor;
  std::vector<index> const order{4, 0, 2};
  numbered_problem problem(space, predictor, order);
  matrix<gene> genes(2, 3);
  std::ranges::copy(std::vector<gene>{1, 2, 0}, genes.row(0).begin());
  std::ranges::copy(std::vector<gene>{0, 1, 1}, genes.row(1).begin());
  matrix<double> objectives(2, 2);
  problem.evaluate(genes, objectives);
  REQUIRE(problem.history().size() == 1);
  auto const& kept = problem.history()[0];
  CHECK(std::ranges::equal(kept.genes.row(0), configuration{2, 0, 0, 2, 1}));
  CHECK(std::ranges::equal(kept.genes.row(1), configuration{1, 0, 1, 2, 0}));
  configuration back(3);
  problem.reduce(kept.genes.row(0), back);
  CHECK(back == configuration{1, 2, 0});
  auto const again = problem.rated(amq::clone(kept.genes.view()));
  for (index i = 0; i < 2; ++i) {
    CHECK(std::ranges::equal(kept.objectives.row(i), objectives.row(i)));
    CHECK(std::ranges::equal(again.objectives.row(i), objectives.row(i)));
    CHECK(objectives(i, 1) == space.average_bits(kept.genes.row(i)));
  }
  CHECK(objectives(0, 0) == 2 + 10 + 20 + 32 + 41);
}

TEST_CASE("nothing that varies is a problem without variables", "[surrogate_problem]") {
  auto const space = mixed_space();
  numbered_predictor const predictor;
  numbered_problem problem(space, predictor, {});
  CHECK(problem.variables() == 0);
  CHECK((problem.sizes().rows() == 0 && problem.costs().rows() == 0));
  matrix<double> objectives(1, 2);
  problem.evaluate(matrix<gene>(1, 0), objectives);
  CHECK(std::ranges::equal(problem.history()[0].genes.row(0), space.highest()));
}

}  // namespace
