#include "amq/calibrate/pruning.hpp"

#include "amq/core/executor.hpp"
#include "support/files.hpp"
#include "support/random_model.hpp"

using namespace amq_test;

namespace {

/// Two blocks; per block 4 heads in 2 groups of head size 2, 8 channels, 4 wide: a group has 48 weights, a channel 12.
amq::model_config two_blocks() {
  amq::model_config config;
  config.hidden = 4;
  config.intermediate = 8;
  config.blocks = 2;
  config.heads = 4;
  config.key_value_heads = 2;
  config.head_size = 2;
  return config;
}

using indices = std::vector<amq::index>;

std::vector<amq::block_importance> importances_of(random_model const& source, int workers = 1) {
  scratch_folder const folder;
  source.write(folder.path());
  auto const model = amq::llama::load(folder.path());
  amq::matrix<std::int32_t> ids(3, 12);
  for (amq::index i = 0; i < ids.size(); ++i) ids.data()[i] = static_cast<std::int32_t>(i * 7 % 23);
  amq::token_sequences const tokens(std::move(ids));
  amq::thread_executor executor(workers);
  return amq::measure_importance(model, tokens, executor);
}

}  // namespace

TEST_CASE("the least important parts a weight go, wherever they are", "[pruning]") {
  std::vector<amq::block_importance> const importance{{{1, 8}, {0.5, 0.1, 5, 5, 0.3, 5, 0.1, 5}},
                                                      {{8, 2}, std::vector<double>(8, 10.0)}};
  // Of 384 weights 76 may go. Channels 1 and 6 (0.2 for 24 weights) are the least, then group 0 (1 for 48): channels 0
  // and 4 (0.8 for 24) matter less in all, and more a weight.
  auto const plan = amq::choose_pruning(two_blocks(), importance, {.ratio = 0.2, .multiple_of = 2});
  CHECK(plan.removed == 72.0 / 384);
  CHECK(plan.blocks[0].channels == indices{0, 2, 3, 4, 5, 7});
  CHECK(plan.blocks[0].groups == indices{1});
  CHECK(plan.blocks[1].groups == indices{0, 1});
  CHECK(plan.blocks[1].channels.size() == 8);
  CHECK(amq::choose_pruning(two_blocks(), importance, {.ratio = 0}).removed == 0);
}

TEST_CASE("what stays is a multiple, and never nothing", "[pruning]") {
  std::vector<amq::block_importance> const importance(2, {{1, 8}, {1, 2, 3, 4, 5, 6, 7, 8}});
  auto const plan = amq::choose_pruning(two_blocks(), importance, {.ratio = 0.3125, .multiple_of = 3});
  for (auto const& block : plan.blocks) {
    CHECK(block.channels.size() % 3 == 0);
    CHECK(block.groups.size() == 2);  // three groups would make a multiple
  }
  CHECK(plan.blocks[0].channels == indices{5, 6, 7});
  auto const told = [&](amq::pruning_options options) {
    return refusal([&] { amq::choose_pruning(two_blocks(), importance, options); });
  };
  CHECK(lacks(told({.ratio = 0.9, .multiple_of = 2}), {"a ratio of 0.9", "at most 0.625"}) == "");
  CHECK(lacks(told({.ratio = 1}), {"a ratio of 1", "below 1"}) == "");
  CHECK(lacks(told({.ratio = -0.1}), {"a ratio of -0.1"}) == "");
  CHECK(lacks(told({.multiple_of = 0}), {"multiples of 0"}) == "");
}

TEST_CASE("a part matters by its output weights and what they are given", "[pruning]") {
  random_model model;
  auto& down = model.tensors.at("model.layers.0.mlp.down_proj.weight").values;
  for (int row = 0; row < random_model::hidden; ++row)
    down[static_cast<std::size_t>(row * random_model::intermediate + 3)] = 0;
  auto const before = importances_of(model);
  CHECK(before[0].channels[3] == 0);
  CHECK(std::count(before[0].channels.begin(), before[0].channels.end(), 0.0) == 1);
  // Weights twice as large, before or behind a channel, give it four times the energy, the others the same.
  auto& up = model.tensors.at("model.layers.0.mlp.up_proj.weight").values;
  for (int col = 0; col < random_model::hidden; ++col)
    up[static_cast<std::size_t>(5 * random_model::hidden + col)] *= 2;
  for (int row = 0; row < random_model::hidden; ++row)
    down[static_cast<std::size_t>(row * random_model::intermediate + 9)] *= 2;
  auto const after = importances_of(model);
  double const others = after[0].channels[6] / before[0].channels[6];  // the hidden states behind the block change
  CHECK(after[0].channels[5] / before[0].channels[5] == Approx(4 * others));
  CHECK(after[0].channels[9] / before[0].channels[9] == Approx(4 * others));
  CHECK(after[0].channels[7] / before[0].channels[7] == Approx(others));
  CHECK(after[0].groups[1] / before[0].groups[1] == Approx(others));
  REQUIRE(before[0].groups.size() == random_model::groups);
  auto const parallel = importances_of(model, 2);
  CHECK(parallel[1].channels == after[1].channels);
  CHECK(parallel[1].groups == after[1].groups);
}

TEST_CASE("importance is relative to the hidden states behind the block", "[pruning]") {
  random_model model;
  auto const before = importances_of(model);
  for (std::string const name : {"embed_tokens", "layers.0.self_attn.o_proj", "layers.0.mlp.down_proj"})
    for (float& value : model.tensors.at("model." + name + ".weight").values) value *= 2;
  auto const after = importances_of(model);
  for (std::size_t channel = 0; channel < 5; ++channel)
    CHECK(after[0].channels[channel] == Approx(before[0].channels[channel]).epsilon(1e-3));
  CHECK(after[0].groups[1] == Approx(before[0].groups[1]).epsilon(1e-3));
}
