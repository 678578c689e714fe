// Searches with more than two objectives: the problem, the infill, the strategy and the front.
#include "amq/optimize/nsga2.hpp"
#include "amq/predict/additive.hpp"
#include "amq/search/crowding_infill.hpp"
#include "amq/search/objective_front.hpp"
#include "amq/search/resized_archive.hpp"
#include "amq/search/search.hpp"
#include "amq/search/surrogate_strategy.hpp"
#include "amq/space/layer_table_objective.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

using amq::configuration;
using amq::format_space;
using amq::gene;

/// Six layers of unequal sizes, three widths.
format_space six_layers() {
  std::vector<amq::linear_layer> layers;
  for (int l = 0; l < 6; ++l) layers.push_back({"layer" + std::to_string(l), 64 * (1 + l % 3), 128, l, 0});
  return {layers, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0};
}

/// Three bits are the slowest to unpack, in every second layer much so: latency is not another word for bytes.
amq::layer_table_objective latency(format_space const& space) {
  return amq::layer_table_objective::over(space, "latency", [](amq::linear_layer const& layer, amq::format const& f) {
    return static_cast<double>(layer.rows) * (f.bits == 3 ? (layer.block % 2 == 0 ? 6.0 : 3.5) : f.bits);
  });
}

double loss_of(std::span<gene const> genes) {
  double loss = 0;
  for (std::size_t l = 0; l < genes.size(); ++l) loss += static_cast<double>(l + 1) * std::pow(0.3, genes[l]);
  return loss;
}

struct sum_evaluator {
  void evaluate(std::span<configuration const> batch, std::span<amq::measurement> out) const {
    for (std::size_t i = 0; i < batch.size(); ++i) out[i].loss = loss_of(batch[i]);
  }
};

amq::evaluation measured(configuration genes, double bits, double loss) {
  amq::evaluation e;
  e.configuration = std::move(genes);
  e.average_bits = bits;
  e.loss = loss;
  return e;
}

amq::memory_archive searched(format_space const& space, std::vector<amq::any_objective> const& further) {
  using strategy = amq::surrogate_strategy<amq::additive, amq::nsga2<>, amq::crowding_infill>;
  auto const make = [&](format_space const& whole) {
    return strategy(whole, {}, amq::additive{}, amq::nsga2<>({.population = 60, .generations = 12}),
                    amq::crowding_infill{}, amq::amq_design({.initial = 30}), further);
  };
  sum_evaluator evaluator;
  amq::memory_archive archive;
  amq::run_search(space, evaluator, archive, make,
                  {.seed = 4, .budget = {.evaluations = 200, .initial = 30, .candidates = 20}});
  return archive;
}

}  // namespace

TEST_CASE("a table's objective adds up what each choice costs, tied layers together", "[objectives]") {
  auto const space = six_layers();
  auto const table = latency(space);
  CHECK(table.value(configuration{0, 0, 0, 0, 0, 0}) == 64 * 2 * 12);
  CHECK(table.value(configuration{1, 1, 2, 0, 0, 0}) == 64 * 6.0 + 128 * 3.5 + 192 * 4 + 64 * 2 + 128 * 2 + 192 * 2);
  auto const tied = latency(space.tie({{0, 3}, {1}, {2}, {4}, {5}}));
  CHECK(tied.value(configuration{1, 0, 0, 0, 0}) == 64 * (6.0 + 3.5) + 2 * (64 * 12 - 128));
  CHECK(lacks(refusal<amq::precondition_error>([&] { table.value(configuration{0}); }),
              {"'latency'", "6 genes, not 1"}) == "");
  CHECK(lacks(refusal<amq::precondition_error>([&] {
                table.value(configuration{3, 0, 0, 0, 0, 0});
              }),
              {"no choice 3"}) == "");
  auto const endless = [&] {
    amq::layer_table_objective::over(space, "latency",
                                     [](auto const&, amq::format const& f) { return 1.0 / (f.bits - 3); });
  };
  CHECK(lacks(refusal(endless), {"the latency of layer0 as 3g128 is inf", "finite"}) == "");
}

TEST_CASE("the problem has a column for each further objective", "[objectives]") {
  auto const space = six_layers();
  amq::additive predictor;
  amq::matrix<gene> genes(2, 6);
  for (amq::index l = 0; l < 6; ++l) genes(0, l) = 0, genes(1, l) = static_cast<gene>(l % 3);
  predictor.fit(space, genes, std::vector{2.0, 1.0});
  std::vector<amq::index> const layers{0, 1, 2, 3, 4, 5};
  std::vector<amq::any_objective> const further{latency(space), latency(space)};
  amq::surrogate_problem problem(space, predictor, layers, further);
  REQUIRE(problem.objectives() == 4);
  amq::matrix<double> objectives(2, 4);
  problem.evaluate(genes, objectives);
  CHECK(objectives(1, 1) == space.average_bits(genes.row(1)));
  CHECK(objectives(1, 2) == further[0].value(genes.row(1)));
  CHECK(problem.rated(genes.clone()).objectives(1, 3) == objectives(1, 2));
}

TEST_CASE("the infill by crowding takes the front of all objectives and leaves its crowded part", "[objectives]") {
  // The last is dominated; the fourth is nearer to the others than the fifth.
  double const values[6][3] = {{0, 4, 4}, {4, 0, 4}, {4, 4, 0}, {2.1, 2.1, 1.9}, {2, 2, 2}, {4, 4, 4}};
  amq::population candidates{amq::matrix<gene>(6, 1), amq::matrix<double>(6, 3)};
  for (amq::index i = 0; i < 6; ++i) std::copy_n(values[i], 3, candidates.objectives.row(i).begin());
  amq::random_stream random(1);
  auto chosen = amq::crowding_infill{}.select(0, candidates, {}, 4, random);
  std::sort(chosen.begin(), chosen.end());
  CHECK(chosen == std::vector<amq::index>{0, 1, 2, 4});
}

TEST_CASE("a front of three objectives keeps what only the third speaks for", "[objectives]") {
  struct first_gene {
    std::string name() const { return "first gene"; }
    double value(std::span<gene const> genes) const { return genes[0]; }
  };
  std::vector<amq::evaluation> const all{measured({2, 0}, 3, 1), measured({1, 1}, 3, 2), measured({1, 2}, 2, 3),
                                         measured({0, 1}, 4, 4), measured({1, 3}, 3, 2), measured({2, 2}, 3, 4)};
  std::vector<amq::any_objective> const further{first_gene{}};
  auto const front = amq::objective_front(all, further);
  REQUIRE(front.size() == 4);
  CHECK(front[0].configuration == configuration{1, 2});
  CHECK(front[1].configuration == configuration{2, 0});
  CHECK(front[2].configuration == configuration{1, 1});
  CHECK(front[3].configuration == configuration{0, 1});
  CHECK(front[3].further == std::vector{0.0});
  CHECK(amq::objective_front(all, {}).size() == 2);
}

TEST_CASE("a search that is told of latency finds more of the front that has it", "[objectives]") {
  auto const space = six_layers();
  std::vector<amq::any_objective> const further{latency(space)};
  std::vector<amq::evaluation> everything;
  for (int code = 0; code < 729; ++code) {
    configuration genes;
    for (int rest = code; genes.size() < 6; rest /= 3) genes.push_back(static_cast<gene>(rest % 3));
    everything.push_back(measured(genes, space.average_bits(genes), loss_of(genes)));
  }
  auto const whole = amq::objective_front(everything, further);
  auto const found = [&](amq::memory_archive const& archive) {
    return std::ranges::count_if(whole, [&](auto const& point) { return archive.contains(point.configuration); });
  };
  auto const told = found(searched(space, further)), untold = found(searched(space, {}));
  CAPTURE(whole.size(), told, untold);
  CHECK(told > untold);
  CHECK(told * 10 >= std::ssize(whole) * 9);
}

TEST_CASE("a search by another size finds that size's front, in an archive that has bits", "[objectives]") {
  auto const space = six_layers();
  auto const sized = space.sized_by([](amq::linear_layer const& layer, amq::format const& f) {
    return static_cast<double>(layer.rows) * (layer.block % 2 == 0 ? f.bits * f.bits : f.bits);
  });
  sum_evaluator evaluator;
  amq::memory_archive archive;
  using strategy = amq::surrogate_strategy<amq::additive, amq::nsga2<>>;
  auto const make = [](format_space const& whole) { return strategy(whole, {}, amq::additive{}, amq::nsga2<>{}); };
  auto const run = [&](amq::index evaluations) {
    amq::resized_archive seen(archive, space, sized);
    amq::run_search(sized, evaluator, seen, make,
                    {.seed = 4, .budget = {.evaluations = evaluations, .initial = 20, .candidates = 10}});
    for (auto const& e : seen.evaluations()) CHECK(e.average_bits == sized.average_bits(e.configuration));
    return seen.evaluations().size();
  };
  run(60);
  CHECK(run(120) == 120);  // continued from an archive of bits
  REQUIRE(archive.evaluations().size() == 120);
  for (auto const& e : archive.evaluations()) CHECK(e.average_bits == space.average_bits(e.configuration));
}
