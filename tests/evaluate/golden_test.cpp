// Uniform and single-layer losses of the embedded model against AMQ's own code on the same tokens.
#include <nlohmann/json.hpp>

#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/space/format_space.hpp"
#include "amq/space/sensitivity.hpp"
#include "support/catch.hpp"

TEST_CASE("uniform losses, sensitivities and pinned layers are those of AMQ's own code") {
  std::filesystem::path const data = AMQ_TEST_DATA;
  auto const tokens_file = data / "data/tokens/books.calibration16.tiny.u16";
  if (data.empty() || !std::filesystem::exists(tokens_file)) {
    WARN("skipped: AMQ_TEST_DATA does not hold data/tokens/books.calibration16.tiny.u16");
    return;
  }
  auto const golden = nlohmann::json::parse(std::ifstream(data / "golden/search/golden.json"));
  auto const model = amq::llama::load(AMQ_SOURCE_FOLDER "/examples/models/tiny");
  auto const tokens = amq::load_tokens(tokens_file);
  amq::format_space const space({model.linears().begin(), model.linears().end()}, {{2, 128}, {3, 128}, {4, 128}}, 0);
  amq::thread_executor executor(2);
  amq::proxy_evaluator evaluator(model, tokens, space, amq::hqq{}, amq::jsd{}, executor);

  std::vector<amq::configuration> batch{space.uniform(0), space.uniform(1), space.uniform(2)};
  for (std::size_t layer = 0; layer < 56; ++layer) {
    batch.push_back(space.highest());
    batch.back()[layer] = 0;
  }
  std::vector<amq::measurement> measured(batch.size());
  evaluator.evaluate(batch, measured);

  for (std::size_t i = 0; i < 3; ++i)
    CHECK(measured[i].loss == Approx(golden["uniform_jsd"][i].get<double>()).epsilon(0.01));
  std::vector<double> alone;
  auto const order = space.variable_order();  // AMQ's: golden lists layers kind by kind
  std::vector<std::string> pinned;
  for (std::size_t i = 0; i < order.size(); ++i) {
    double const loss = measured[3 + static_cast<std::size_t>(order[i])].loss;
    CHECK(loss == Approx(golden["alone_at_2"][i].get<double>()).epsilon(0.01));
    alone.push_back(loss);
  }
  for (amq::index const i : amq::pinned_by_sensitivity(alone))
    pinned.push_back(golden["names"][static_cast<std::size_t>(i)].get<std::string>());
  CHECK(pinned == golden["pinned"].get<std::vector<std::string>>());
}
