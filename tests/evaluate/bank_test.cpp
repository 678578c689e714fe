#include "amq/evaluate/bank.hpp"

#include <cmath>

#include "amq/core/random.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"
#include "amq/space/format_space.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

struct embedded {
  amq::llama model = amq::llama::load(AMQ_SOURCE_FOLDER "/examples/models/tiny");
  amq::token_sequences tokens = amq::load_tokens(AMQ_SOURCE_FOLDER "/examples/models/tiny/calibration.npy",
                                                 {.sequences = 3, .sequence_length = 70});

  amq::format_space space(std::vector<amq::format> choices) const {
    return {{model.linears().begin(), model.linears().end()}, std::move(choices), 0};
  }
  std::vector<double> losses(amq::format_space const& space, std::span<amq::configuration const> batch,
                             amq::precision precision) const {
    amq::thread_executor executor(2);
    amq::proxy_evaluator evaluator(model, tokens, space, amq::rtn(), amq::jsd{}, executor, amq::no_statistics{},
                                   precision);
    std::vector<amq::measurement> measured(batch.size());
    evaluator.evaluate(batch, measured);
    std::vector<double> losses;
    for (auto const& m : measured) losses.push_back(m.loss);
    return losses;
  }
  /// The same from dequantized weights, a block at a time.
  double dequantized_loss(amq::format_space const& space, amq::configuration const& genes) const {
    amq::serial_executor alone;
    amq::reference_model const reference(model, tokens, alone, 0);
    auto const layer = [&](amq::index i) {
      auto const wanted = space.choices(i)[genes[static_cast<std::size_t>(i)]];
      return amq::dense_matrix(amq::quantized_weights(model, i, amq::rtn(), wanted));
    };
    auto const hidden = amq::streamed_pass(model, tokens, layer, alone);
    amq::head_scratch scratch;
    std::vector<double> sequences, positions(static_cast<std::size_t>(tokens.length() - 1));
    for (amq::index s = 0; s < tokens.count(); ++s) {
      reference.for_each_tile(s, hidden[static_cast<std::size_t>(s)], scratch, [&](amq::index first, auto p, auto q) {
        amq::jsd{}.positions(p, q, nullptr, positions.data() + first);
      });
      sequences.push_back(amq::mean(positions));
    }
    return amq::mean(sequences);
  }
};

std::vector<amq::configuration> random_configurations(amq::format_space const& space, int count) {
  amq::random_stream stream(5);
  std::vector<amq::configuration> drawn(static_cast<std::size_t>(count), space.highest());
  for (auto& genes : drawn)
    for (std::size_t i = 0; i < genes.size(); ++i)
      genes[i] = static_cast<amq::gene>(stream.below(std::ssize(space.choices(static_cast<amq::index>(i)))));
  return drawn;
}

}  // namespace

TEST_CASE("a bank holds packed tiles, and kept layers as they lie in the model's file") {
  embedded const given;
  auto const space = given.space({{2, 128}, {3, 64}, {16, 128}});
  amq::serial_executor alone;
  amq::bank const filled(given.model, space, amq::rtn(), alone);
  CHECK(filled.without_kernel() == 0);
  CHECK(filled.note() == "");
  double bits = 0;
  for (auto const& linear : given.model.linears())
    bits += static_cast<double>(linear.rows * linear.cols) * ((2 + 32.0 / 128) + (3 + 32.0 / 64) + 16);
  CHECK(static_cast<double>(filled.bytes()) == bits / 8);
  for (amq::index layer = 0; layer < filled.layers(); ++layer) {
    CHECK(filled.ready(layer, 0)->tiled()->layout == amq::tile_layout{2, 128});
    CHECK(filled.ready(layer, 1)->tiled()->layout == amq::tile_layout{3, 64});
    CHECK(filled.ready(layer, 2)->plain()->data == given.model.weight_tensor(layer).bytes.data());
  }
}

TEST_CASE("what no kernel reads is counted, said, and measured all the same") {
  embedded const given;
  auto const space = given.space({{2, 128}, {3, 16}, {16, 128}});
  amq::serial_executor alone;
  amq::bank const filled(given.model, space, amq::rtn(), alone);
  CHECK(filled.without_kernel() == 56);
  CHECK(amq_test::lacks(filled.note(), {"56 of 168", "without a kernel", "f32"}) == "");
  CHECK(filled.ready(0, 1) == nullptr);
  CHECK(filled.ready(space.uniform(0)));
  CHECK_FALSE(filled.ready(space.uniform(1)));

  auto batch = random_configurations(space, 2);
  batch.push_back(space.uniform(0));
  batch.push_back(space.uniform(2));
  auto const losses = given.losses(space, batch, amq::precision::f32);
  for (std::size_t i = 0; i < batch.size(); ++i) CHECK(losses[i] == given.dequantized_loss(space, batch[i]));
}

TEST_CASE("a loss from packed tiles in f32 is that of the dequantized weights, bit for bit") {
  embedded const given;
  auto const space = given.space({{2, 32}, {3, 64}, {4, 128}, {5, 128}, {6, 64}, {8, 32}});
  auto const batch = random_configurations(space, 3);
  auto const losses = given.losses(space, batch, amq::precision::f32);
  for (std::size_t i = 0; i < batch.size(); ++i) CHECK(losses[i] == given.dequantized_loss(space, batch[i]));
}

TEST_CASE("bf16 activations leave a loss where it is; those of int8 add to it") {
  embedded const given;
  auto const space = given.space({{2, 128}, {3, 128}, {4, 128}});
  std::vector<amq::configuration> const batch{space.uniform(2), space.uniform(1)};
  auto const exact = given.losses(space, batch, amq::precision::f32);
  auto const brain = given.losses(space, batch, amq::precision::bf16);
  auto const bytes = given.losses(space, batch, amq::precision::int8);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    CHECK(brain[i] != exact[i]);
    CHECK(std::abs(brain[i] / exact[i] - 1) < 0.02);
    CHECK(std::abs(bytes[i] / exact[i] - 1) < 0.2);
  }
}
