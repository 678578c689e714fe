// Measuring by names: banks of any proxy, with statistics where one needs them.
#include "engine.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "amq/calibrate/awq.hpp"
#include "amq/calibrate/calibration_note.hpp"
#include "amq/calibrate/statistics.hpp"
#include "amq/calibrate/statistics_file.hpp"
#include "amq/compose/evaluators.hpp"
#include "precisions.hpp"

namespace amq::cli {
namespace {

/// Statistics of the unquantized model: from the file where there is one, else collected, and kept there.
calibration_statistics statistics_of(llama const& model, token_sequences const& tokens,
                                     std::filesystem::path const& file, interruptible_executor& executor) {
  if (file.empty()) return calibration_statistics::collect(model, tokens, executor);
  statistics_origin const origin{model.fingerprint(), tokens.fingerprint()};
  if (std::filesystem::exists(file)) try {
      return load_statistics(file, origin);
    } catch (input_error const& failure) {
      std::string const why = failure.what();
      std::string const advice = "remove the file, and they are collected anew";
      throw input_error(why.ends_with(advice) ? why : why + "; " + advice);
    }
  auto const note = calibration_note(model.linears(), tokens.count() * tokens.length());
  if (!note.empty()) std::fprintf(stderr, "amq: %s\n", note.c_str());
  auto collected = calibration_statistics::collect(model, tokens, executor);
  std::filesystem::create_directories(file.parent_path());
  save_statistics(file, collected, origin);
  return collected;
}

/// The middle of the choices of a layer that is quantized: where a proxy that fixes its scales once finds them.
format middle_choice(format_space const& space) {
  for (index layer = 0; layer < space.size(); ++layer) {
    auto const choices = space.choices(layer);
    auto const middle = choices[choices.size() / 2];
    if (!middle.kept() && !middle.stacked()) return middle;
  }
  return {};
}

/// What the proxy knows of each layer's inputs.
std::function<layer_statistics(index)> statistics_for(std::string const& proxy, llama const& model,
                                                      token_sequences const& tokens, format_space const& space,
                                                      std::filesystem::path const& file,
                                                      interruptible_executor& executor) {
  auto const known = std::make_shared<calibration_statistics>(statistics_of(model, tokens, file, executor));
  if (proxy != "awq") return [known](index layer) { return known->layer(layer); };
  auto const scales = std::make_shared<std::vector<std::vector<float>>>(
      middle_awq_scales(model, tokens, middle_choice(space), executor));
  return [known, scales](index layer) {
    auto statistics = known->layer(layer);
    statistics.input_scales = (*scales)[static_cast<std::size_t>(layer)];
    return statistics;
  };
}

/// Before calibration: what these make has scales of its inputs, or blocks of another kind.
void expect_matrices_for_devices(std::string const& proxy) {
  if (proxy == "awq" || proxy == "gguf")
    throw input_error("--proxy " + proxy +
                      " makes matrices that no kernel on cuda reads; choose hqq, rtn, rtn_symmetric, rtn_awq or gptq, "
                      "or measure with --device cpu");
}

}  // namespace

void expect_names(std::string const& proxy, measuring const& measure) {
  with_registered(proxies(), proxy, "a proxy quantizer", [](auto const&) {});
  with_registered(losses(), measure.loss, "a loss", [](auto const&) {});
}

any_evaluator evaluator_of(llama const& model, token_sequences const& tokens, format_space const& space,
                           std::string const& proxy, measuring const& measure, device_list const& devices,
                           std::filesystem::path const& statistics_file, interruptible_executor& executor) {
  if (!devices.empty()) expect_matrices_for_devices(proxy);
  evaluator_request request{proxy, measure.loss};
  request.note = [](std::string const& note) { std::fprintf(stderr, "amq: %s\n", note.c_str()); };
  if (needs_calibration(proxy, space))
    request.statistics = statistics_for(proxy, model, tokens, space, statistics_file, executor);
  if (!devices.empty()) {
    cuda_executor const on_devices(devices, {.numbers = numbers_of(measure.precision)}, executor);
    return make_evaluator(model, tokens, space, request, on_devices);
  }
  request.precision = precision_of(measure.precision, measure.length);
  return make_evaluator(model, tokens, space, request, executor);
}

}  // namespace amq::cli
