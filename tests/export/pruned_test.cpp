#include "amq/export/pruned.hpp"

#include "amq/evaluate/weights.hpp"
#include "support/files.hpp"
#include "support/random_model.hpp"

using namespace amq_test;

namespace {

amq::matrix<float> hidden_states(std::filesystem::path const& folder) {
  auto const model = amq::llama::load(folder);
  auto const layers = static_cast<amq::index>(model.linears().size());
  std::vector<amq::dense_matrix> matrices;
  for (amq::index layer = 0; layer < layers; ++layer) matrices.emplace_back(model.weight(layer));
  amq::layer_weights weights(layers);
  for (amq::index layer = 0; layer < layers; ++layer) weights.set(layer, matrices[static_cast<std::size_t>(layer)]);
  amq::llama::state state;
  model.embed(std::vector<std::int32_t>{3, 14, 15, 9, 2, 6}, state);
  for (int block = 0; block < model.blocks(); ++block) model.block(block, state, weights);
  amq::matrix<float> result;
  model.head(state, [&](amq::matrix_view<float const> hidden) { result = amq::clone(hidden); });
  return result;
}

/// Block 0 keeps its second group of heads, block 1 both; channels differ.
amq::pruning_plan uneven_plan() { return {{{{1}, {0, 2, 3, 30, 33}}, {{0, 1}, {1, 4, 5, 6, 8, 9}}}, 0}; }

/// The weights that leave a block through what is pruned become 0.
void silence(random_model& model, amq::pruning_plan const& plan) {
  auto const clear = [&](std::string const& name, amq::index cols, std::vector<amq::index> const& kept,
                         amq::index width) {
    auto& values = model.tensors.at(name).values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto const part = static_cast<amq::index>(i) % cols / width;
      if (std::find(kept.begin(), kept.end(), part) == kept.end()) values[i] = 0;
    }
  };
  constexpr auto queries = random_model::heads * random_model::head_size;
  for (int b = 0; b < random_model::blocks; ++b) {
    std::string const block = "model.layers." + std::to_string(b) + ".";
    auto const& kept = plan.blocks[static_cast<std::size_t>(b)];
    clear(block + "self_attn.o_proj.weight", queries, kept.groups, queries / random_model::groups);
    clear(block + "mlp.down_proj.weight", random_model::intermediate, kept.channels, 1);
  }
}

}  // namespace

TEST_CASE("a pruned model computes what the whole one does with the pruned parts silenced", "[pruned]") {
  for (std::string const type : {"llama", "qwen2", "qwen3"}) {
    random_model model(type, type == "llama"   ? "LlamaForCausalLM"
                             : type == "qwen2" ? "Qwen2ForCausalLM"
                                               : "Qwen3ForCausalLM");
    model.config["mlp_bias"] = true;
    scratch_folder const source, target, silenced;
    model.write(source.path());
    amq::write_pruned(amq::llama::load(source.path()), uneven_plan(), target.path());
    silence(model, uneven_plan());
    model.write(silenced.path());
    auto const pruned = hidden_states(target.path()), whole = hidden_states(silenced.path());
    REQUIRE(pruned.rows() == whole.rows());
    for (amq::index i = 0; i < whole.size(); ++i) CHECK(pruned.data()[i] == Approx(whole.data()[i]).margin(1e-5));
  }
}

TEST_CASE("config.json lists what differs between blocks", "[pruned]") {
  random_model const model;
  scratch_folder const source, target, even;
  model.write(source.path());
  auto const loaded = amq::llama::load(source.path());
  amq::write_pruned(loaded, uneven_plan(), target.path());
  auto const config = nlohmann::json::parse(read_bytes(target.path() / "config.json"));
  CHECK(config.at("num_attention_heads") == nlohmann::json({3, 6}));
  CHECK(config.at("num_key_value_heads") == nlohmann::json({1, 2}));
  CHECK(config.at("intermediate_size") == nlohmann::json({5, 6}));
  CHECK(config.at("head_dim") == random_model::head_size);
  CHECK(amq::llama::load(target.path()).linears()[6].cols == 5);
  auto const kept = nlohmann::json::parse(read_bytes(target.path() / "pruning.json")).at("kept");
  CHECK(kept.at(1) == nlohmann::json{{"key_value_heads", {0, 1}}, {"channels", {1, 4, 5, 6, 8, 9}}});
  amq::write_pruned(loaded, {{{{0}, {1, 2}}, {{1}, {3, 4}}}, 0}, even.path());
  CHECK(nlohmann::json::parse(read_bytes(even.path() / "config.json")).at("intermediate_size") == 2);
  CHECK_FALSE(amq::load_config(even.path()).pruned());
  CHECK(lacks(refusal<amq::precondition_error>([&] { amq::write_pruned(loaded, {}, even.path()); }),
              {"a plan for 0 blocks, not 2"}) == "");
}

TEST_CASE("weights of every dtype keep their bits", "[pruned]") {
  random_model model;
  model.tensors.at("model.layers.0.mlp.gate_proj.weight").type = amq::dtype::bf16;
  model.tensors.at("model.layers.0.mlp.down_proj.weight").type = amq::dtype::f16;
  scratch_folder const source, target;
  model.write(source.path());
  auto const whole = amq::llama::load(source.path());
  amq::write_pruned(whole, uneven_plan(), target.path());
  auto const pruned = amq::llama::load(target.path());
  CHECK(pruned.weight_dtype(4) == amq::dtype::bf16);
  auto const gate = pruned.weight(4), all_gates = whole.weight(4), down = pruned.weight(6), all_downs = whole.weight(6);
  CHECK(gate(3, 7) == all_gates(30, 7));
  CHECK(down(11, 4) == all_downs(11, 33));
}
