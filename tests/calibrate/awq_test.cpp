#include "amq/calibrate/awq.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "amq/core/executor.hpp"
#include "amq/evaluate/streamed_pass.hpp"
#include "amq/model/llama.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden_case.hpp"
#include "support/quantized.hpp"
#include "support/random_model.hpp"

namespace {

using amq::testing::golden_case;

std::vector<float> floats(std::vector<double> const& values) { return {values.begin(), values.end()}; }

/// A one-block model of the weights in a golden case, whose embedding of token i is row i of the block's inputs.
amq::llama model_of(golden_case const& golden, std::filesystem::path const& folder) {
  nlohmann::json config = golden.arguments().at("config");
  auto const inputs = floats(golden.values("inputs"));
  amq::index const hidden = config.at("hidden_size"), tokens = std::ssize(inputs) / hidden;
  config.update({{"model_type", "llama"},
                 {"architectures", {"LlamaForCausalLM"}},
                 {"num_hidden_layers", 1},
                 {"vocab_size", tokens},
                 {"max_position_embeddings", 64},
                 {"rms_norm_eps", 1e-5},
                 {"rope_theta", 10000.0},
                 {"tie_word_embeddings", true}});
  std::ofstream(folder / "config.json") << config.dump();
  std::map<std::string, std::pair<std::vector<amq::index>, std::vector<float>>> tensors;
  tensors["model.embed_tokens.weight"] = {{tokens, hidden}, inputs};
  tensors["model.norm.weight"] = {{hidden}, std::vector<float>(static_cast<std::size_t>(hidden), 1.0f)};
  for (auto const* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                           "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
    auto const table = golden.table(std::string(name) + ".weight");
    tensors["model.layers.0." + std::string(name) + ".weight"] = {
        {table.rows(), table.cols()}, std::vector<float>(table.data(), table.data() + table.size())};
  }
  for (auto const* norm : {"input_layernorm.weight", "post_attention_layernorm.weight"})
    tensors["model.layers.0." + std::string(norm)] = {{hidden}, floats(golden.values(norm))};
  std::vector<amq::tensor_header> headers;
  for (auto const& [name, tensor] : tensors) headers.push_back({name, amq::dtype::f32, tensor.first});
  amq::safetensors_writer writer(folder / "model.safetensors", headers);
  for (auto const& [name, tensor] : tensors) writer.write(std::span<float const>(tensor.second));
  writer.commit();
  return amq::llama::load(folder);
}

/// A golden case: its model, its tokens, and the formats of a run for every layer of the model.
struct golden_block {
  golden_case golden;
  amq::llama model;
  amq::token_sequences tokens;
  amq::serial_executor executor;

  std::vector<amq::format> formats(std::string const& run) const {
    auto const& arguments = golden.arguments().at("cases").at(run);
    std::vector<amq::format> formats;
    for (auto const& linear : model.linears()) {
      auto const name = linear.name.substr(linear.name.find('.', 13) + 1);
      formats.push_back({arguments.at("bits").at(name).get<int>(), arguments.at("group").get<int>()});
    }
    return formats;
  }

  std::vector<std::string> runs() const {
    std::vector<std::string> names;
    for (auto const& [name, run] : golden.arguments().at("cases").items()) names.push_back(name);
    return names;
  }
};

amq::token_sequences token_rows(amq::index rows, amq::index cols, std::vector<double> const& ids) {
  amq::matrix<std::int32_t> table(rows, cols);
  std::transform(ids.begin(), ids.end(), table.data(), [](double id) { return static_cast<std::int32_t>(id); });
  return amq::token_sequences(std::move(table));
}

std::vector<double> counting(amq::index count) {
  std::vector<double> ids;
  for (amq::index i = 0; i < count; ++i) ids.push_back(static_cast<double>(i));
  return ids;
}

std::string golden_folder() { return std::string(AMQ_TEST_DATA) + "/golden"; }

bool skipped() {
  if (std::filesystem::exists(golden_folder() + "/awq")) return false;
  WARN("skipped: needs golden/awq in AMQ_TEST_DATA");
  return true;
}

golden_block real_block() {
  golden_case golden("awq", "real_block0", golden_folder());
  auto model = amq::llama::load(std::string(AMQ_TEST_DATA) + "/data/models/TinyStories-656K");
  auto tokens = token_rows(12, 48, golden.values("token_ids"));
  return {std::move(golden), std::move(model), std::move(tokens), {}};
}

golden_block random_block(std::filesystem::path const& folder) {
  golden_case golden("awq", "random_mha_block0", golden_folder());
  auto model = model_of(golden, folder);
  return {std::move(golden), std::move(model), token_rows(12, 48, counting(12 * 48)), {}};
}

std::string previous_of(amq::llama const& model, amq::fold_group const& group) {
  auto const name =
      group.rows_of >= 0 ? model.linears()[static_cast<std::size_t>(group.rows_of)].name + ".weight" : group.vector;
  auto const start = name.find('.', 13) + 1;
  return name.substr(start, name.rfind('.') - start);
}

/// The ratios' losses, the ratio chosen and its scales, of every group of every run.
void check_scales(golden_block& block) {
  for (auto const& run : block.runs()) {
    auto const formats = block.formats(run);
    amq::block_walk walk(block.model, block.tokens, block.executor);
    amq::block_weights const weights(block.model, walk.layers(), block.executor);
    auto const statistics = walk.collect(weights);
    auto const found =
        amq::awq_search(block.model, 0, walk.inputs(), weights, statistics, formats, block.executor).run();
    REQUIRE(found.size() == block.golden.arguments().at("cases").at(run).at("scale_groups").size());
    for (auto const& fold : found) {
      auto const previous = previous_of(block.model, fold.group);
      CAPTURE(run, previous);
      auto const losses = block.golden.values(run + ".losses." + previous);
      for (std::size_t i = 0; i < losses.size(); ++i) {
        CAPTURE(i);
        CHECK(fold.losses[i] == Approx(losses[i]).epsilon(2e-3));
      }
      REQUIRE(fold.ratio == Approx(block.golden.values(run + ".ratio." + previous)[0]));
      auto const scales = block.golden.values(run + ".scale." + previous);
      for (std::size_t i = 0; i < scales.size(); ++i) REQUIRE(fold.scales[i] == Approx(scales[i]).epsilon(1e-4));
    }
  }
}

/// Share of groups whose highest end is as expected.
double agreement(amq::matrix<float> const& found, amq::matrix<double> const& expected) {
  amq::index same = 0;
  for (amq::index i = 0; i < found.size(); ++i)
    same += std::abs(found.data()[i] - expected.data()[i]) <= 1e-5 * std::max(1.0, std::abs(expected.data()[i]));
  return static_cast<double>(same) / static_cast<double>(found.size());
}

void check_clips(golden_block& block) {
  for (auto const& run : block.runs()) {
    auto const formats = block.formats(run);
    amq::block_walk walk(block.model, block.tokens, block.executor);
    amq::block_weights const weights(block.model, walk.layers(), block.executor);
    auto const statistics = walk.collect(weights);
    double same_asymmetric = 0, same_symmetric = 0, groups = 0;
    for (amq::index const layer : walk.layers()) {
      auto const& name = block.model.linears()[static_cast<std::size_t>(layer)].name.substr(15);
      if (!block.golden.contains(run + ".clip_asym_max." + name)) continue;
      amq::detail::layer_scaling scaling;
      for (auto const& group : block.model.fold_groups(0)) {
        auto const scales = floats(block.golden.values(run + ".scale." + previous_of(block.model, group)));
        if (std::ranges::find(group.layers, layer) != group.layers.end()) scaling.inputs = scales;
        if (group.rows_of == layer) scaling.rows = scales;
      }
      auto matrix = block.model.weight(layer);
      amq::detail::scale_into(matrix, scaling);
      if (scaling.inputs.empty()) scaling.inputs.assign(static_cast<std::size_t>(matrix.cols()), 1.0f);
      auto const clip = [&](amq::clipping how) {
        return amq::awq_clip(matrix, formats[static_cast<std::size_t>(layer)], statistics.layer(layer).hessian,
                             scaling.inputs, how);
      };
      auto const asymmetric = clip(amq::clipping::asymmetric);
      auto const size = static_cast<double>(asymmetric.high.size());
      groups += size;
      same_asymmetric += size * std::min(agreement(asymmetric.high, block.golden.table(run + ".clip_asym_max." + name)),
                                         agreement(asymmetric.low, block.golden.table(run + ".clip_asym_min." + name)));
      same_symmetric +=
          size * agreement(clip(amq::clipping::symmetric).high, block.golden.table(run + ".clip_sym_max." + name));
    }
    CAPTURE(run);
    REQUIRE(groups > 0);
    CHECK(same_asymmetric / groups >= 0.98);
    CHECK(same_symmetric / groups >= 0.88);
  }
}

/// Mean squared error of the first block's outputs with the matrices that awq leaves in memory.
double block_error(golden_block& block, std::string const& run, amq::awq_options options) {
  amq::quantized_memory memory;
  amq::awq(options).quantize(block.model, block.formats(run), block.tokens, memory, block.executor);
  amq::block_walk walk(block.model, block.tokens, block.executor);
  amq::block_weights weights(block.model, walk.layers(), block.executor);
  for (amq::index const layer : walk.layers()) weights.replace(layer, memory.layer(layer).dequantized());
  auto const expected = floats(block.golden.values("outputs"));
  double total = 0;
  walk.run(weights, [&](amq::index sequence, amq::matrix_view<float const> hidden) {
    total +=
        amq::detail::squared_distance(hidden, {expected.data() + sequence * hidden.size(), hidden.rows, hidden.cols});
  });
  return total / static_cast<double>(expected.size());
}

void check_block_errors(golden_block& block, std::string const& run) {
  using enum amq::clipping;
  std::map<std::string, amq::awq_options> const variants{{"round_to_nearest", {none, false, false}},
                                                         {"clip_asym_only", {asymmetric, false, false}},
                                                         {"scale", {none, true, false}},
                                                         {"scale_and_clip_asym", {asymmetric, true, false}},
                                                         {"scale_and_clip_sym", {symmetric, true, false}}};
  for (auto const& [name, options] : variants) {
    CAPTURE(run, name);
    double const expected = block.golden.arguments().at("cases").at(run).at("block_output_mse").at(name);
    CHECK(block_error(block, run, options) == Approx(expected).epsilon(0.03));
  }
}

/// Two blocks, 20 wide, two heads with as many key/value heads, a bias everywhere: all that can be folded is there.
struct foldable {
  amq_test::random_model files;
  amq_test::scratch_folder scratch;

  foldable() {
    files.config.update({{"num_attention_heads", 2},
                         {"num_key_value_heads", 2},
                         {"head_dim", 10},
                         {"attention_bias", true},
                         {"mlp_bias", true}});
    amq::random_stream random(3);
    for (auto& [name, tensor] : files.tensors) {
      if (name.find("self_attn") == std::string::npos) continue;
      auto const width = static_cast<std::size_t>(files.hidden);
      bool const weight = name.ends_with("weight");
      tensor.shape =
          weight ? std::vector<amq::index>{files.hidden, files.hidden} : std::vector<amq::index>{files.hidden};
      tensor.values.resize(weight ? width * width : width);
      for (auto& value : tensor.values) value = static_cast<float>(random.uniform() - 0.5);
    }
  }

  amq::llama load() const {
    files.write(scratch.path());
    return amq::llama::load(scratch.path());
  }

  /// The model with what a sink was given in place of its own tensors.
  void replace(amq::llama const& model, amq::quantized_memory const& memory) {
    for (amq::index layer = 0; layer < memory.layers(); ++layer) {
      auto const values = memory.layer(layer).dequantized();
      auto& tensor = files.tensors.at(model.linears()[static_cast<std::size_t>(layer)].name + ".weight");
      tensor.values.assign(values.data(), values.data() + values.size());
    }
    for (auto const& name : memory.replaced_names()) files.tensors.at(name).values = *memory.replaced(name);
  }
};

amq::token_sequences some_tokens() {
  return token_rows(4, 16, [] {
    auto ids = counting(64);
    for (auto& id : ids) id = std::fmod(id * 7, 23);
    return ids;
  }());
}

/// Final hidden states with the sink's matrices in the model's place.
std::vector<amq::matrix<float>> outputs(amq::llama const& model, amq::quantized_memory const* memory) {
  amq::serial_executor executor;
  return amq::streamed_pass(
      model, some_tokens(),
      [&](amq::index layer) {
        return amq::dense_matrix(memory ? memory->layer(layer).dequantized() : model.weight(layer));
      },
      executor);
}

double distance(std::vector<amq::matrix<float>> const& a, std::vector<amq::matrix<float>> const& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += amq::detail::squared_distance(a[i], b[i]);
  return std::sqrt(total);
}

template <class Executor>
amq::quantized_memory quantized(amq::llama const& model, amq::awq_options options, amq::format f, Executor&& executor) {
  amq::quantized_memory memory;
  amq::awq(options).quantize(model, std::vector(model.linears().size(), f), some_tokens(), memory, executor);
  return memory;
}

}  // namespace

TEST_CASE("awq chooses the published code's scales on a real block", "[awq][golden]") {
  if (skipped()) return;
  auto block = real_block();
  check_scales(block);
}

TEST_CASE("awq clips where the published code does on a real block", "[awq][golden]") {
  if (skipped()) return;
  auto block = real_block();
  check_clips(block);
  check_block_errors(block, "mixed_g128");
}

TEST_CASE("awq is the published one with as many key/value heads as heads: the output projection is scaled",
          "[awq][golden]") {
  if (skipped()) return;
  amq_test::scratch_folder scratch;
  auto block = random_block(scratch.path());
  check_scales(block);
  check_clips(block);
  for (auto const& run : block.runs()) check_block_errors(block, run);
}

TEST_CASE("awq's folded model computes what the scales beside each layer do", "[awq]") {
  foldable original;
  auto const model = original.load();
  amq::format const f{3, amq::format::whole_row};
  auto const folded = quantized(model, {}, f, amq::serial_executor());
  auto const beside = quantized(model, {.fold = false}, f, amq::serial_executor());
  REQUIRE(folded.replaced_names().size() == 8);  // two norms, the biases of v_proj and up_proj; in both blocks
  REQUIRE(beside.replaced_names().empty());
  REQUIRE_FALSE(beside.layer(3).input_scales().empty());
  REQUIRE(folded.layer(3).input_scales().empty());

  auto const expected = outputs(model, &beside);
  auto const unquantized = outputs(model, nullptr);
  foldable rewritten;
  rewritten.replace(model, folded);
  // What f16 does to scales that are divided by others is all that may differ.
  REQUIRE(distance(outputs(rewritten.load(), nullptr), expected) < 0.02 * distance(expected, unquantized));
}

TEST_CASE("awq leaves kept layers alone, but for what is folded into them", "[awq]") {
  foldable original;
  auto const model = original.load();
  std::vector<amq::format> formats(model.linears().size(), {16, 128});
  formats[6] = {2, amq::format::whole_row};  // down_proj: its scales go into up_proj's rows
  amq::quantized_memory memory;
  amq::serial_executor executor;
  amq::awq().quantize(model, formats, some_tokens(), memory, executor);
  for (amq::index layer = 0; layer < memory.layers(); ++layer) {
    CAPTURE(layer);
    bool const same = amq::testing::differing(memory.layer(layer).dequantized(), model.weight(layer)) == 0;
    REQUIRE(same == (layer != 5 && layer != 6));
  }
}

TEST_CASE("awq gives the same bits for any number of threads", "[awq]") {
  foldable original;
  auto const model = original.load();
  amq::format const f{4, amq::format::whole_row};
  auto const one = quantized(model, {}, f, amq::serial_executor());
  auto const three = quantized(model, {}, f, amq::thread_executor(3));
  for (amq::index layer = 0; layer < one.layers(); ++layer)
    REQUIRE(amq::testing::differing(one.layer(layer).dequantized(), three.layer(layer).dequantized()) == 0);
  REQUIRE(one.replaced_names() == three.replaced_names());
  for (auto const& name : one.replaced_names()) REQUIRE(one.replaced(name) == three.replaced(name));
}

TEST_CASE("awq refuses formats that it cannot quantize to before it works, and names the layer", "[awq]") {
  foldable original;
  auto const model = original.load();
  auto const says = [&](amq::format f) {
    return amq_test::refusal([&] { quantized(model, {}, f, amq::serial_executor()); });
  };
  REQUIRE(amq_test::lacks(says({3, 16}), {"model.layers.0.self_attn.q_proj", "group of 16", "20 inputs"}) == "");
  REQUIRE(amq_test::lacks(says(amq::bitstack_levels<2>::value), {"q_proj", "stack2", "4g128"}) == "");
  REQUIRE(amq_test::lacks(says({3, 4, 2}), {"q_proj", "3g4+2"}) == "");
}

TEST_CASE("awq's scales for a proxy are one a fold group, ones where nothing folds", "[awq]") {
  amq_test::random_model const files;  // fewer key/value heads than heads
  amq_test::scratch_folder const scratch;
  files.write(scratch.path());
  auto const model = amq::llama::load(scratch.path());
  amq::serial_executor executor;
  auto const scales = amq::middle_awq_scales(model, some_tokens(), {2, amq::format::whole_row}, executor);
  REQUIRE(scales.size() == 14);
  REQUIRE(scales[0] == scales[1]);
  REQUIRE(scales[0] == scales[2]);
  REQUIRE(scales[3] == std::vector<float>(36, 1.0f));
  REQUIRE(scales[4] == scales[5]);
  REQUIRE(scales[7] != scales[0]);
  REQUIRE(scales[6] != std::vector<float>(34, 1.0f));
}
