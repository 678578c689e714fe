#include "amq/calibrate/bitstack.hpp"

#include <limits>

#include "amq/core/executor.hpp"
#include "amq/model/llama.hpp"
#include "amq/space/format_space.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/quantized.hpp"
#include "support/random_model.hpp"

namespace {

/// Each layer's weight halves with each of its levels; counts and records what it is asked.
struct halving_evaluator {
  std::vector<double> weights;
  std::vector<amq::configuration> asked = {};
  int broken_layer = -1;  ///< with fewer than three levels of it, there is no loss

  void evaluate(std::span<amq::configuration const> batch, std::span<amq::measurement> out) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      asked.push_back(batch[i]);
      double loss = 0;
      for (std::size_t layer = 0; layer < weights.size(); ++layer)
        loss += weights[layer] * std::pow(0.5, batch[i][layer]);
      out[i].loss = loss;
      if (broken_layer >= 0 && batch[i][static_cast<std::size_t>(broken_layer)] < 2) out[i].error = "broken";
    }
  }
};

amq::format_space three_levels(std::vector<amq::linear_layer> layers) {
  return {std::move(layers),
          std::vector{amq::bitstack_levels<1>::value, amq::bitstack_levels<2>::value, amq::bitstack_levels<3>::value},
          1000};
}

std::vector<amq::linear_layer> four_layers() {
  std::vector<amq::linear_layer> layers;
  for (int i = 0; i < 4; ++i) layers.push_back({"layers." + std::to_string(i) + ".w", 32 + 32 * i, 64, i, 0});
  return layers;
}

}  // namespace

TEST_CASE("a stack is sorted level by level, what helps most first", "[bitstack]") {
  auto const space = three_levels(four_layers());
  halving_evaluator measure{{1, 8, 2, 4}};
  auto const order = amq::sort_stack(space, measure);
  REQUIRE(order == std::vector<amq::index>{1, 3, 2, 0, 1, 3, 2, 0});
  REQUIRE(measure.asked.size() == 8);
  REQUIRE(measure.asked[2] == amq::configuration{0, 0, 1, 0});
  REQUIRE(measure.asked[5] == amq::configuration{1, 2, 1, 1});
}

TEST_CASE("levels whose loss is not finite come last among their own", "[bitstack]") {
  auto const space = three_levels(four_layers());
  halving_evaluator measure{{1, 8, 2, 4}};
  measure.broken_layer = 1;
  // Only layer 1 at three levels has a loss: nothing says what else to load last.
  REQUIRE(amq_test::lacks(amq_test::refusal([&] { amq::sort_stack(space, measure); }), {"not finite"}) == "");

  std::vector<std::vector<double>> losses{{3, std::nan(""), 1}, {2, 5, 4}};
  amq::detail::fill_unmeasured(losses);
  REQUIRE(losses[0] == std::vector<double>{3, 8, 1});
}

TEST_CASE("a budget loads the longest prefix of a sorted stack, to the byte", "[bitstack]") {
  auto const space = three_levels(four_layers());
  std::vector<amq::index> const order{1, 3, 2, 0, 1, 3, 2, 0};
  auto const bytes_of = [&](amq::configuration const& c) { return space.model_bytes(c); };
  amq::configuration const none(4, 0), two{0, 1, 0, 1}, all(4, 2);
  REQUIRE(amq::stack_within(space, order, bytes_of(none)) == none);
  REQUIRE(amq::stack_within(space, order, bytes_of(two)) == two);
  REQUIRE(amq::stack_within(space, order, bytes_of(two) - 1) == amq::configuration{0, 1, 0, 0});
  REQUIRE(amq::stack_within(space, order, std::numeric_limits<std::int64_t>::max()) == all);
  REQUIRE(amq::formats_within(space, order, bytes_of(two))[3] == amq::bitstack_levels<2>::value);
  auto const says = amq_test::refusal([&] { amq::stack_within(space, order, bytes_of(none) - 1); });
  REQUIRE(amq_test::lacks(says, {std::to_string(bytes_of(none)), std::to_string(bytes_of(none) - 1)}) == "");
}

TEST_CASE("a space of other choices is not a stack to sort", "[bitstack]") {
  halving_evaluator measure{{1, 8, 2, 4}};
  amq::format_space const affine(four_layers(), std::vector<amq::format>{{2, 32}, {3, 32}}, 0);
  REQUIRE_THROWS_AS(amq::sort_stack(affine, measure), amq::precondition_error);
}

TEST_CASE("a model's stacks are decomposed with the unquantized model's inputs", "[bitstack]") {
  amq_test::random_model const files;
  amq_test::scratch_folder const scratch;
  files.write(scratch.path());
  auto const model = amq::llama::load(scratch.path());
  amq::matrix<std::int32_t> ids(3, 20);
  for (amq::index i = 0; i < ids.size(); ++i) ids.data()[i] = static_cast<std::int32_t>(i * 7 % 23);
  amq::token_sequences const tokens(std::move(ids));
  amq::serial_executor executor;
  std::vector<amq::format> formats(model.linears().size(), amq::bitstack_levels<2>::value);
  formats[3] = {16, 128};
  amq::quantized_memory memory;
  amq::stacked_model().quantize(model, formats, tokens, memory, executor);

  amq::block_walk walk(model, tokens, executor);
  while (!walk.finished()) {
    amq::block_weights const weights(model, walk.layers(), executor);
    auto const statistics = walk.collect(weights);
    for (amq::index const layer : walk.layers()) {
      CAPTURE(layer);
      auto const own = model.weight(layer);
      auto const found = memory.layer(layer).dequantized();
      if (layer == 3) {
        REQUIRE(amq::testing::differing(found, own) == 0);
        continue;
      }
      amq::quantized_matrix const expected = amq::bitstack().quantize(own, formats[0], statistics.layer(layer));
      REQUIRE(amq::testing::differing(found, expected.dequantized()) == 0);
    }
    walk.advance(weights);
  }
  REQUIRE(amq::stacked_model().name() == "bitstack");
}
