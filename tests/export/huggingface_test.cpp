#include "amq/export/huggingface.hpp"

#include <set>
#include "amq/model/llama.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

TEST_CASE("a rewritten checkpoint keeps files, names, dtypes and everything that is no linear layer") {
  for (char const* name : {"mistral_window_bf16", "qwen2_bias_sharded_f32", "qwen3_qknorm_f16"}) {
    auto const model = amq::llama::load(AMQ_TESTS_FOLDER "/data/forward/" + std::string(name));
    amq_test::scratch_folder const scratch;
    amq::quantized_memory quantized;
    for (amq::index layer = 0; layer < std::ssize(model.linears()); ++layer) {
      auto weights = model.weight(layer);
      for (amq::index i = 0; i < weights.size(); ++i) weights.data()[i] *= -1;  // exact in every dtype
      quantized.layer(layer, std::move(weights));
    }
    std::string const norm = "model.norm.weight";
    std::vector<float> const ones(static_cast<std::size_t>(model.config().hidden), 1.0f);
    quantized.vector(norm, ones);
    amq::write_huggingface(model, quantized, scratch.path());
    auto const written = amq::llama::load(scratch.path());
    CHECK(written.checkpoint().names() == model.checkpoint().names());
    CHECK(written.checkpoint().files().size() == model.checkpoint().files().size());
    std::set<std::string> linears;
    for (auto const& linear : model.linears()) linears.insert(linear.name + ".weight");
    for (auto const& tensor : model.checkpoint().names()) {
      auto const& before = model.checkpoint().tensor(tensor);
      auto const& after = written.checkpoint().tensor(tensor);
      CHECK(after.type == before.type);
      CHECK(after.shape == before.shape);
      CHECK(std::ranges::equal(after.bytes, before.bytes) == !(linears.contains(tensor) || tensor == norm));
    }
    CHECK(written.vector(norm) == ones);
    auto const original = model.weight(3);
    auto const negated = written.weight(3);
    for (amq::index i = 0; i < original.size(); ++i) REQUIRE(negated.data()[i] == -original.data()[i]);
  }
}

TEST_CASE("tokenizer and configuration go along, weights in other formats do not") {
  amq_test::scratch_folder const scratch;
  std::filesystem::create_directory(scratch.path() / "to");
  std::filesystem::copy(AMQ_TESTS_FOLDER "/data/forward/llama3_rope_untied_f32", scratch.path() / "from");
  for (char const* name : {"tokenizer.json", "tokenizer.model", "merges.txt", "chat_template.jinja", "LICENSE",
                           "pytorch_model.bin", "model.gguf", "quantization.json"})
    scratch.write(std::string("from/") + name, "x");
  auto const model = amq::llama::load(scratch.path() / "from");
  amq::quantized_memory quantized;
  for (amq::index layer = 0; layer < std::ssize(model.linears()); ++layer) quantized.layer(layer, model.weight(layer));
  amq::write_huggingface(model, quantized, scratch.path() / "to");
  std::vector<std::string> names;
  for (auto const& entry : std::filesystem::directory_iterator(scratch.path() / "to"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"LICENSE", "chat_template.jinja", "config.json", "merges.txt",
                                          "model.safetensors", "tokenizer.json", "tokenizer.model"});
}
