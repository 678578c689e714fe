// AutoMixQ's setting: prune a model structurally, then search the pruned one for loss, bits and a latency at once.
#include <amq/calibrate/pruning.hpp>
#include <amq/core/executor.hpp>
#include <amq/evaluate/proxy_evaluator.hpp>
#include <amq/export/pruned.hpp>
#include <amq/export/staged_folder.hpp>
#include <amq/optimize/nsga2.hpp>
#include <amq/predict/additive.hpp>
#include <amq/quantize/hqq.hpp>
#include <amq/search/crowding_infill.hpp>
#include <amq/search/objective_front.hpp>
#include <amq/search/search.hpp>
#include <amq/search/surrogate_strategy.hpp>
#include <amq/space/layer_table_objective.hpp>
#include <cstdio>
#include <exception>
#include <string>

namespace {

/// Removes a fifth of the linear layers' weights and loads what is left.
amq::llama prune(std::string const& source, std::string const& target, amq::token_sequences const& tokens) {
  auto const whole = amq::llama::load(source);
  amq::serial_executor here;
  auto const importance = amq::measure_importance(whole, tokens, here);
  auto const plan = amq::choose_pruning(whole.config(), importance, {.ratio = 0.2, .multiple_of = 64});
  amq::staged_folder folder(target, "pruning.json", amq::existing_folder::replace);
  amq::write_pruned(whole, plan, folder.path());
  folder.commit();
  std::printf("pruned by %.1f %%; heads and channels by block:", 100 * plan.removed);
  auto pruned = amq::llama::load(target);
  for (int block = 0; block < pruned.blocks(); ++block)
    std::printf(" %td/%td", pruned.config().shape(block).heads, pruned.config().shape(block).intermediate);
  std::printf("\n");
  return pruned;
}

/// Microseconds that somebody measured for a million weights: 3 bits are the slowest to unpack.
double latency(amq::linear_layer const& layer, amq::format const& choice) {
  double const per_million = choice.bits == 2 ? 9.0 : choice.bits == 3 ? 17.0 : 14.0;
  return per_million * static_cast<double>(layer.rows * layer.cols) / 1e6;
}

}  // namespace

int main(int argc, char** argv) try {
  std::string const source = argc > 1 ? argv[1] : "examples/models/tiny";
  std::string const target = argc > 2 ? argv[2] : "out/pruned";
  auto const tokens = amq::load_tokens(source + "/calibration.npy", {.sequences = 4, .sequence_length = 128});
  auto const model = prune(source, target, tokens);

  std::vector<amq::linear_layer> const layers(model.linears().begin(), model.linears().end());
  amq::format_space const space(layers, std::vector<amq::format>{{2, 64}, {3, 64}, {4, 64}}, model.other_bytes());
  std::vector<amq::any_objective> const further{amq::layer_table_objective::over(space, "latency", latency)};

  // The light model of what each layer contributes, and the choice of Pareto points of all three objectives.
  using strategy = amq::surrogate_strategy<amq::additive, amq::nsga2<>, amq::crowding_infill>;
  auto const make = [&](amq::format_space const& whole) {
    return strategy(whole, {}, amq::additive{}, amq::nsga2<>{}, amq::crowding_infill{},
                    amq::amq_design({.initial = 60}), further);
  };
  amq::thread_executor executor(1);
  amq::proxy_evaluator evaluator(model, tokens, space, amq::hqq{}, amq::jsd{}, executor);
  amq::memory_archive archive;
  amq::run_search(space, evaluator, archive, make,
                  {.seed = 7, .budget = {.evaluations = 160, .initial = 60, .candidates = 20}});

  auto const front = amq::objective_front(archive.evaluations(), further);
  for (auto const& point : front)
    std::printf("%.3f bits  %7lld bytes  %5.2f us  JSD %.5f\n", point.average_bits,
                static_cast<long long>(point.model_bytes), point.further[0], point.loss);
  return front.size() > amq::objective_front(archive.evaluations(), {}).size() ? 0 : 1;
} catch (std::exception const& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
