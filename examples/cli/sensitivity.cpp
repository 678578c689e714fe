// amq sensitivity: each linear layer alone at the lowest width, and which layers AMQ would pin.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

#include "amq/space/sensitivity.hpp"
#include "engine.hpp"
#include "interrupt.hpp"
#include "progress.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// Losses of every layer alone at its lowest choice; shorter than the model when interrupted.
std::vector<double> measure_alone(any_evaluator& evaluator, format_space const& space) {
  std::vector<configuration> batch(static_cast<std::size_t>(space.size()), space.highest());
  for (std::size_t layer = 0; layer < batch.size(); ++layer) batch[layer][layer] = 0;
  std::vector<double> losses;
  progress bar("sensitivity", space.size());
  evaluator.evaluate_each(batch, [&](std::size_t layer, measurement&& measured) {
    if (!measured.error.empty())
      throw input_error(space.layers()[layer].name + " alone at its lowest width: " + measured.error);
    losses.push_back(measured.loss);
    if (bar.due() || losses.size() == batch.size()) bar.show(static_cast<std::int64_t>(losses.size()), "");
    return !interrupt_requested();
  });
  return losses;
}

nlohmann::ordered_json table(format_space const& space, std::vector<double> const& losses, double threshold) {
  auto const pins = pinned_by_sensitivity(losses, threshold);
  std::vector<index> order(losses.size());
  std::iota(order.begin(), order.end(), index{0});
  auto const loss_of = [&](index layer) { return losses[static_cast<std::size_t>(layer)]; };
  std::stable_sort(order.begin(), order.end(), [&](index a, index b) { return loss_of(a) > loss_of(b); });
  nlohmann::ordered_json json;
  json["median"] = median(losses);
  json["threshold"] = threshold;
  json["pinned"] = pins.size();
  json["layers"] = nlohmann::ordered_json::array();
  for (index const layer : order)
    json["layers"].push_back({{"name", space.layers()[static_cast<std::size_t>(layer)].name},
                              {"loss", loss_of(layer)},
                              {"pinned", std::binary_search(pins.begin(), pins.end(), layer)}});
  return json;
}

void print(nlohmann::ordered_json const& json, std::string const& loss) {
  std::printf("%-44s %12s %10s\n", "layer", loss.c_str(), "x median");
  for (auto const& layer : json["layers"])
    std::printf("%-44s %12.6f %10.2f%s\n", layer["name"].get<std::string>().c_str(), layer["loss"].get<double>(),
                layer["loss"].get<double>() / json["median"].get<double>(),
                layer["pinned"].get<bool>() ? "  pinned" : "");
  std::printf("\n%d of %zu layers are above %.2f x the median (%.6f)\n", json["pinned"].get<int>(),
              json["layers"].size(), json["threshold"].get<double>(), json["median"].get<double>());
}

}  // namespace

int sensitivity(sensitivity_options const& options) {
  auto const start = std::chrono::steady_clock::now();
  check_measuring(options.measure, options.space.device);
  expect_names(proxy_of(options.measure, options.space.target), options.measure);
  auto const devices = open_devices(options.space);
  auto const model = llama::load(options.model);
  auto const tokens =
      load_checked_tokens(options.measure.tokens, {options.measure.sequences, options.measure.length}, model);
  auto const space = space_of(model, options.space);
  interruptible_executor executor(threads_to_use(options.measure.threads));
  auto evaluator = evaluator_of(model, tokens, space, proxy_of(options.measure, options.space.target), options.measure,
                                devices, {}, executor);
  executor.finish_pieces();
  auto const losses = measure_alone(evaluator, space);
  if (static_cast<index>(losses.size()) < space.size()) {
    std::fprintf(stderr, "amq: interrupted after %zu of %td layers; nothing was kept\n", losses.size(), space.size());
    return exit_interrupted;
  }
  auto json = table(space, losses, options.threshold);
  json["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.json)
    std::printf("%s\n", json.dump().c_str());
  else
    print(json, options.measure.loss);
  return exit_done;
}

}  // namespace amq::cli
