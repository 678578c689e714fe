// The example evaluator in Python against this library's own, on the embedded model: two implementations of one
// measure.
#include <cstdlib>

#include "amq/core/executor.hpp"
#include "amq/evaluate/process_evaluator.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"
#include "amq/space/format_space.hpp"
#include "amq/text/tokens.hpp"
#include "support/catch.hpp"

namespace {

std::string const source = AMQ_SOURCE_FOLDER;
std::string const tiny = source + "/examples/models/tiny";

/// The interpreter named by AMQ_PYTHON, or python3; empty when it lacks the packages.
std::string python() {
  char const* const named = std::getenv("AMQ_PYTHON");
  std::string const name = named != nullptr ? named : "python3";
  return std::system((name + " -c 'import torch, transformers' >/dev/null 2>&1").c_str()) == 0 ? name : "";
}

template <class Quantizer>
void compare(std::string const& interpreter, std::string const& name, Quantizer const& quantizer) {
  auto const model = amq::llama::load(tiny);
  auto const tokens = amq::load_tokens(tiny + "/calibration.npy", {4, 64});
  auto const linears = model.linears();
  std::vector<amq::format> const formats{{2, 128}, {3, 128}, {4, 128}};
  amq::format_space const space({linears.begin(), linears.end()}, formats, model.other_bytes());
  std::vector<amq::archived_layer> layers;
  for (auto const& layer : linears) layers.push_back({layer.name, formats, layer.rows, layer.cols});

  auto mixed = space.highest();
  for (std::size_t i = 0; i < mixed.size(); i += 3) mixed[i] = static_cast<amq::gene>(i % 2);
  std::vector<amq::configuration> const batch{space.lowest(), mixed, space.highest()};
  amq::serial_executor executor;
  amq::proxy_evaluator own(model, tokens, space, quantizer, amq::jsd{}, executor);
  amq::process_evaluator other(interpreter + " " + source + "/examples/python_evaluator.py " + tiny + " --tokens " +
                                   tiny + "/calibration.npy --sequences 4 --length 64 --device cpu --quantizer " + name,
                               layers, {.timeout = 60, .start_timeout = 300});
  CHECK(other.about().at("quantizer") == name);
  std::vector<amq::measurement> expected(3), measured(3);
  own.evaluate(batch, expected);
  other.evaluate(batch, measured);
  for (std::size_t i = 0; i < 3; ++i) {
    INFO(name << " " << i << ": " << measured[i].error);
    CHECK(measured[i].error.empty());
    CHECK(measured[i].loss == Approx(expected[i].loss).epsilon(0.01));
    CHECK(measured[i].sequence_losses.size() == 4);
  }
}

}  // namespace

TEST_CASE("the evaluator in Python measures what this library measures") {
  auto const interpreter = python();
  if (interpreter.empty()) {
    WARN("skipped: the Python named by AMQ_PYTHON (or python3) lacks torch or transformers");
    return;
  }
  compare(interpreter, "rtn", amq::rtn{});
  compare(interpreter, "hqq", amq::hqq{});
}
