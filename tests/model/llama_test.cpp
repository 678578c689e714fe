// What a checkpoint may look like, what is refused, and what a model says about itself.
#include "amq/model/llama.hpp"

#include <limits>

#include "support/random_model.hpp"

using namespace amq_test;

namespace {

std::string const embedding = "model.embed_tokens.weight";
std::string const head = "lm_head.weight";
std::string const query = "model.layers.1.self_attn.q_proj.weight";

std::string load_refusal(random_model const& model) {
  scratch_folder const folder;
  model.write(folder.path());
  return refusal([&] { amq::llama::load(folder.path()); });
}

std::string inspect_refusal(random_model const& model) {
  scratch_folder const folder;
  model.write(folder.path());
  return refusal([&] { amq::llama::inspect(folder.path()); });
}

}  // namespace

TEST_CASE("linear layers come in checkpoint order with names, shapes, blocks and kinds", "[model]") {
  scratch_folder const folder;
  random_model const source;
  source.write(folder.path());
  auto const model = amq::llama::load(folder.path());
  REQUIRE(model.linears().size() == 14);
  CHECK(model.linears()[0].name == "model.layers.0.self_attn.q_proj");
  CHECK(model.linears()[0].rows == 36);
  CHECK(model.linears()[0].cols == 20);
  auto const& output = model.linears()[3];
  CHECK(output.name == "model.layers.0.self_attn.o_proj");
  CHECK(output.rows == 20);
  CHECK(output.cols == 36);
  CHECK(output.kind == 3);
  auto const& down = model.linears()[13];
  CHECK(down.name == "model.layers.1.mlp.down_proj");
  CHECK(down.rows == 20);
  CHECK(down.cols == 34);
  CHECK(down.block == 1);
  CHECK(down.kind == 6);
  auto const weights = model.weight(13);
  auto const& expected = source.values(down.name + ".weight");
  CHECK(std::equal(expected.begin(), expected.end(), weights.data()));
  CHECK(model.weight_dtype(13) == amq::dtype::f32);
}

TEST_CASE("a tied head is read from either name, and counted once", "[model]") {
  random_model model;
  model.config["tie_word_embeddings"] = true;
  auto const read = [&](random_model const& source) {
    scratch_folder const folder;
    source.write(folder.path());
    auto const loaded = amq::llama::load(folder.path());
    auto const rows = loaded.output_head();
    auto const& expected = model.values(embedding);
    CHECK(std::equal(expected.begin(), expected.end(), rows.data));
    CHECK(amq::llama::inspect(folder.path()).other_bytes == loaded.other_bytes());
    return loaded.other_bytes();
  };
  auto const both = read(model);
  auto only_embedding = model;
  only_embedding.tensors.erase(head);
  CHECK(read(only_embedding) == both);
  auto only_head = model;
  only_head.tensors[head] = only_head.tensors[embedding];
  only_head.tensors.erase(embedding);
  CHECK(read(only_head) == both);
  model.config["tie_word_embeddings"] = false;
  model.tensors[head] = model.tensors[embedding];
  CHECK(read(model) == both + 4 * 23 * 20);
}

TEST_CASE("inspect tells sizes in the source's dtypes", "[model]") {
  scratch_folder const folder;
  random_model model;
  for (auto& [name, tensor] : model.tensors) tensor.type = amq::dtype::bf16;
  model.tensors["model.norm.weight"].type = amq::dtype::f32;
  model.write(folder.path());
  auto const summary = amq::llama::inspect(folder.path());
  std::int64_t const linear = 2 * (36 * 20 + 12 * 20 + 12 * 20 + 20 * 36 + 3 * 34 * 20);
  std::int64_t const other = 2 * 23 * 20 + 2 * 2 * 20;
  CHECK(summary.parameters == linear + other + 20);
  CHECK(summary.other_bytes == 2 * other + 4 * 20);
  CHECK(summary.linears.size() == 14);
  CHECK(summary.config.vocabulary == 23);
}

TEST_CASE("tensors that the model does not read are ignored", "[model]") {
  scratch_folder const folder;
  random_model model;
  model.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = {{1}, {std::numeric_limits<float>::infinity()}};
  model.write(folder.path());
  CHECK_NOTHROW(amq::llama::load(folder.path()));
}

TEST_CASE("a tensor that is missing is refused by name", "[model]") {
  for (std::string const& name : {query, embedding, head, std::string("model.norm.weight"),
                                  std::string("model.layers.0.input_layernorm.weight")}) {
    random_model model;
    model.tensors.erase(name);
    CHECK(lacks(load_refusal(model), {"lacks the tensor '" + name + "'", "config.json"}) == "");
    CHECK(lacks(inspect_refusal(model), {"lacks the tensor '" + name + "'"}) == "");
  }
  random_model biased;
  biased.config["attention_bias"] = true;
  biased.tensors.erase("model.layers.1.self_attn.o_proj.bias");
  CHECK(lacks(load_refusal(biased), {"lacks the tensor 'model.layers.1.self_attn.o_proj.bias'"}) == "");
}

TEST_CASE("a shape that disagrees with config.json is refused with both", "[model]") {
  random_model model;
  model.tensors[query].shape = {20, 36};
  for (auto const& message : {load_refusal(model), inspect_refusal(model)})
    CHECK(lacks(message, {"model.safetensors", "tensor '" + query + "'", "shape (20, 36)", "expected (36, 20)",
                          "config.json"}) == "");
  random_model flat;
  flat.tensors["model.norm.weight"].shape = {20, 1};
  CHECK(lacks(load_refusal(flat), {"'model.norm.weight'", "(20, 1)", "expected (20)"}) == "");
}

TEST_CASE("weights that are not F32, F16 or BF16 are refused", "[model]") {
  random_model model;
  model.tensors[query].type = amq::dtype::i32;
  CHECK(lacks(load_refusal(model), {"tensor '" + query + "'", "dtype I32", "F32, F16 or BF16"}) == "");
}

TEST_CASE("NaN and infinite weights are refused by name, wherever they are", "[model]") {
  for (auto const type : {amq::dtype::f32, amq::dtype::f16, amq::dtype::bf16})
    for (std::string const& name : {query, embedding, std::string("model.layers.0.post_attention_layernorm.weight")})
      for (float const bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        random_model model;
        model.tensors[name].type = type;
        model.tensors[name].values[7] = bad;
        CHECK(lacks(load_refusal(model), {"model.safetensors", "tensor '" + name + "'", "element 7", "finite"}) == "");
      }
}

TEST_CASE("a model folder that is not there is refused", "[model]") {
  CHECK(lacks(refusal([] { amq::llama::load("/nowhere/model"); }), {"/nowhere/model/config.json", "No such file"}) ==
        "");
  scratch_folder const folder;
  folder.write("config.json", random_model().config.dump());
  CHECK(lacks(refusal([&] { amq::llama::load(folder.path()); }), {"neither model.safetensors nor"}) == "");
}

TEST_CASE("the fingerprint changes with names, types and bytes, not with where tensors lie", "[model]") {
  auto const print = [](random_model const& model) {
    scratch_folder const folder;
    model.write(folder.path());
    return amq::llama::load(folder.path()).fingerprint();
  };
  random_model model;
  model.tensors["extra"] = {{1}, {0.0f}};
  auto const expected = print(model);
  CHECK(expected.size() == 64);
  auto changed = model;
  changed.tensors[query].values[3] += 1;
  CHECK(print(changed) != expected);
  auto narrow = model;
  narrow.tensors[query].type = amq::dtype::bf16;
  CHECK(print(narrow) != expected);
  auto renamed = model;
  renamed.tensors["extrb"] = renamed.tensors["extra"];
  renamed.tensors.erase("extra");
  CHECK(print(renamed) != expected);

  scratch_folder const folder;
  model.write(folder.path());
  auto const path = folder.path() / "model.safetensors";
  {
    amq::safetensors_file const file(path);
    std::vector<amq::tensor_view> const backwards(file.tensors().rbegin(), file.tensors().rend());
    amq::write_safetensors(path, backwards);
  }
  CHECK(amq::safetensors_file(path).tensors()[0].name == "model.norm.weight");
  CHECK(amq::llama::load(folder.path()).fingerprint() == expected);
}
