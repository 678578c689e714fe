#include "amq/export/gguf.hpp"

#include <nlohmann/json.hpp>
#include <regex>

#include "amq/core/executor.hpp"
#include "amq/export/gguf_importance.hpp"
#include "amq/export/gguf_model.hpp"
#include "amq/export/gguf_recipe.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/gguf_blocks.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/random_model.hpp"
#include "support/wide_llama.hpp"

namespace {

std::string const golden_folder = std::string(AMQ_TESTS_FOLDER) + "/data/formats";

/// The formats of the golden file, layer by layer.
std::vector<amq::format> golden_formats(amq::llama const& model) {
  amq::gguf_file const golden(golden_folder + "/tiny_llama_mixed.gguf");
  std::vector<amq::format> formats;
  for (auto const& layer : model.linears()) {
    auto const type = golden.tensor(amq::detail::gguf_name(layer.name + ".weight", false)).type;
    formats.push_back({type == amq::gguf_type::q8_0 ? 8 : 4, 32});
  }
  return formats;
}

amq::llama loaded(amq_test::scratch_folder const& folder, amq_test::random_model const& model) {
  model.write(folder.path());
  return amq::llama::load(folder.path());
}

bool same(amq::matrix<float> const& a, amq::matrix<float> const& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && std::equal(a.data(), a.data() + a.size(), b.data());
}

/// A tokenizer.json beside a random model of 23 tokens.
void write_tokenizer(std::filesystem::path const& folder, nlohmann::json const& tokenizer,
                     nlohmann::json const& settings = nlohmann::json::object()) {
  std::ofstream(folder / "tokenizer.json") << tokenizer.dump();
  std::ofstream(folder / "tokenizer_config.json") << settings.dump();
}

nlohmann::json byte_level_tokenizer() {
  return {
      {"added_tokens",
       {{{"id", 0}, {"content", "<|end|>"}, {"special", true}}, {{"id", 5}, {"content", "tool"}, {"special", false}}}},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"use_regex", true}}},
      {"model",
       {{"type", "BPE"},
        {"vocab", {{"<|end|>", 0}, {"a", 1}, {"b", 2}, {"ab", 3}}},
        {"merges", nlohmann::json::array({nlohmann::json::array({"a", "b"})})}}}};
}

amq::gguf_metadata metadata_of(amq_test::scratch_folder const& folder, std::vector<std::string>& notes) {
  amq::gguf_metadata metadata;
  amq::detail::gguf_tokenizer(folder.path(), 8).describe(metadata, notes);
  return metadata;
}

template <class T>
T value_of(amq::gguf_metadata const& metadata, std::string const& key) {
  for (auto const& [name, value] : metadata)
    if (name == "tokenizer." + key) return std::get<T>(value);
  FAIL("no " << key);
  return {};
}

}  // namespace

TEST_CASE("A mixed Q4_0 and Q8_0 file is the gguf package's, tensor by tensor and byte for byte") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  amq_test::scratch_folder const folder;
  amq::gguf_options options;
  options.others.head = amq::gguf_type::q8_0;
  auto const report = amq::write_gguf(model, golden_formats(model), folder.path(), options);
  amq::gguf_file const ours(folder.path() / "model.gguf");
  amq::gguf_file const golden(golden_folder + "/tiny_llama_mixed.gguf");
  REQUIRE(ours.tensors().size() == golden.tensors().size());
  for (auto const& expected : golden.tensors()) {
    INFO(expected.name);
    auto const& tensor = ours.tensor(expected.name);
    CHECK(tensor.type == expected.type);
    CHECK(tensor.shape == expected.shape);
    CHECK(std::equal(tensor.data.begin(), tensor.data.end(), expected.data.begin(), expected.data.end()));
  }
  for (auto const* const key :
       {"llama.context_length", "llama.embedding_length", "llama.block_count", "llama.feed_forward_length",
        "llama.attention.head_count", "llama.attention.head_count_kv", "llama.rope.dimension_count"}) {
    INFO(key);
    REQUIRE(golden.find<std::uint32_t>(key) != nullptr);
    CHECK(*ours.find<std::uint32_t>(key) == *golden.find<std::uint32_t>(key));
  }
  CHECK(*ours.find<float>("llama.attention.layer_norm_rms_epsilon") == 1e-5f);
  CHECK(amq_test::lacks(report.notes.at(0), {"tokenizer.json", "token ids only"}) == "");
}

TEST_CASE("The bytes of a GGUF file are the target's prediction and its header") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  for (auto const& others :
       {amq::gguf_other_types{}, amq::gguf_other_types{amq::gguf_type::q4_0, amq::gguf_type::q8_0}}) {
    amq_test::scratch_folder const folder;
    auto formats = golden_formats(model);
    formats[3] = amq::kept<amq::f16>::value;
    auto const target = amq::gguf_target(others);
    std::int64_t predicted = model.other_bytes(target.other_bits);
    for (std::size_t i = 0; i < formats.size(); ++i)
      predicted += target.stored_bits(model.linears()[i], formats[i]) / 8;
    amq::gguf_options options;
    options.others = others;
    auto const report = amq::write_gguf(model, formats, folder.path(), options);
    CHECK(report.weight_bytes == predicted);
    amq::gguf_file const file(folder.path() / "model.gguf");
    CHECK(static_cast<std::int64_t>(std::filesystem::file_size(file.path())) == predicted + file.header_bytes());
  }
}

TEST_CASE("A GGUF file gives back what gguf_blocks measured, rows in order") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  amq_test::scratch_folder const folder;
  auto formats = golden_formats(model);
  formats[0] = amq::kept<amq::f16>::value;
  amq::write_gguf(model, formats, folder.path());
  amq::gguf_model const read(model, folder.path() / "model.gguf");
  REQUIRE(read.layers() == std::ssize(formats));
  for (amq::index i = 0; i < read.layers(); ++i) {
    INFO(model.linears()[static_cast<std::size_t>(i)].name);
    auto const measured = amq::gguf_blocks{}.quantize(model.weight(i), formats[static_cast<std::size_t>(i)]);
    CHECK(same(read.layer(i).dequantized(), measured.dequantized()));
  }
  CHECK(read.replaced_names().empty());
}

TEST_CASE("What a quantizer changed is written, and told by the file") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  amq_test::scratch_folder const folder;
  auto const formats = golden_formats(model);
  amq::quantized_memory quantized;
  for (amq::index i = 0; i < std::ssize(formats); ++i) {
    auto doubled = model.weight(i);
    for (amq::index k = 0; k < doubled.size(); ++k) doubled.data()[k] *= 2;
    quantized.layer(i, std::move(doubled));
  }
  std::vector<float> const norm(64, 0.25f);
  quantized.vector("model.layers.1.input_layernorm.weight", norm);
  amq::write_gguf(model, quantized, formats, folder.path());
  amq::gguf_model const read(model, folder.path() / "model.gguf");
  CHECK(read.replaced_names() == std::vector<std::string>{"model.layers.1.input_layernorm.weight"});
  CHECK(read.replaced("model.layers.1.input_layernorm.weight") == norm);
  CHECK_FALSE(read.replaced("model.norm.weight").has_value());
  auto once = amq::gguf_blocks{}.quantize(model.weight(2), formats[2]).dequantized();
  for (amq::index k = 0; k < once.size(); ++k) once.data()[k] *= 2;
  CHECK(same(read.layer(2).dequantized(), once));
}

TEST_CASE("Biases, query and key norms and a tied head have llama.cpp's names; only a Llama's rows are reordered") {
  auto const kept = [](amq::llama const& model) {
    return std::vector<amq::format>(model.linears().size(), amq::kept<amq::f16>::value);
  };
  amq_test::scratch_folder const qwen_folder, llama_folder, out;
  amq_test::random_model qwen_source("qwen3", "Qwen3ForCausalLM");
  qwen_source.config["attention_bias"] = true;
  qwen_source.config["tie_word_embeddings"] = true;
  auto const qwen = loaded(qwen_folder, qwen_source);
  amq::write_gguf(qwen, kept(qwen), out.path(), {{}, {}, "qwen.gguf"});
  amq::gguf_file const qwen_file(out.path() / "qwen.gguf");
  CHECK(*qwen_file.find<std::string>("general.architecture") == "qwen3");
  CHECK(*qwen_file.find<std::uint32_t>("qwen3.attention.key_length") == 6);
  for (auto const* const name : {"token_embd.weight", "output_norm.weight", "blk.1.attn_q_norm.weight",
                                 "blk.0.attn_k_norm.weight", "blk.0.attn_output.bias", "blk.1.ffn_gate.weight"}) {
    INFO(name);
    CHECK(qwen_file.contains(name));
  }
  CHECK_FALSE(qwen_file.contains("output.weight"));
  amq::gguf_model const qwen_read(qwen, out.path() / "qwen.gguf");
  CHECK(qwen_read.replaced_names().empty());

  amq_test::random_model llama_source;
  llama_source.config["attention_bias"] = true;
  llama_source.config["rope_parameters"] = {{"rope_type", "llama3"},   {"rope_theta", 10000.0},
                                            {"factor", 8.0},           {"low_freq_factor", 1.0},
                                            {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 64}};
  auto const llama = loaded(llama_folder, llama_source);
  amq::write_gguf(llama, kept(llama), out.path(), {{}, {}, "llama.gguf"});
  amq::gguf_file const llama_file(out.path() / "llama.gguf");
  auto const first_floats = [](amq::gguf_tensor_view const& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.bytes()) / sizeof(float));
    std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
    return values;
  };
  // Heads of 6: elements 0, 3, 1, 4, 2, 5 of each.
  auto const bias = first_floats(llama_file.tensor("blk.0.attn_k.bias"));
  auto const& source = llama_source.values("model.layers.0.self_attn.k_proj.bias");
  CHECK(bias == std::vector<float>{source[0], source[3], source[1], source[4], source[2], source[5], source[6],
                                   source[9], source[7], source[10], source[8], source[11]});
  CHECK(first_floats(llama_file.tensor("blk.0.attn_v.bias")) ==
        llama_source.values("model.layers.0.self_attn.v_proj.bias"));
  amq::gguf_model const llama_read(llama, out.path() / "llama.gguf");
  CHECK(llama_read.replaced_names().empty());
  auto const factors = first_floats(llama_file.tensor("rope_freqs.weight"));
  REQUIRE(factors.size() == 3);
  CHECK(factors[0] == 1.0f);  // 10 turns within 64 tokens
  CHECK(factors[2] == Approx(8.0));
}

TEST_CASE("Blocks of unequal widths are told apart") {
  amq::model_config config;
  config.blocks = 2;
  config.heads = 4;
  config.key_value_heads = 2;
  config.intermediate = 96;
  config.shapes = {{4, 2, 64}, {2, 1, 96}};
  auto const metadata = amq::detail::gguf_hyperparameters(config, "pruned", amq::gguf_type::q4_k);
  auto const widths = [&](std::string const& key) {
    for (auto const& [name, value] : metadata)
      if (name == "llama." + key) return std::get<std::vector<std::int32_t>>(value);
    return std::vector<std::int32_t>{};
  };
  CHECK(widths("attention.head_count") == std::vector<std::int32_t>{4, 2});
  CHECK(widths("attention.head_count_kv") == std::vector<std::int32_t>{2, 1});
  CHECK(widths("feed_forward_length") == std::vector<std::int32_t>{64, 96});
  CHECK(amq::detail::gguf_reordered_heads("model.layers.1.self_attn.q_proj.weight", config) == 2);
  CHECK(amq::detail::gguf_reordered_heads("model.layers.1.self_attn.k_proj.bias", config) == 1);
  CHECK(amq::detail::gguf_reordered_heads("model.layers.1.self_attn.v_proj.weight", config) == 0);
}

TEST_CASE("Formats, embeddings and weights that GGUF cannot hold are refused before anything is written") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  amq_test::scratch_folder const folder;
  std::vector<amq::format> formats(model.linears().size(), {3, 32});
  auto said = amq_test::refusal([&] { amq::write_gguf(model, formats, folder.path()); });
  CHECK(amq_test::lacks(said, {"gguf", "model.layers.0.self_attn.q_proj", "3g32", "256", "11 more"}) == "");
  formats.assign(formats.size(), {4, 32});
  amq::gguf_options options;
  options.others.embedding = amq::gguf_type::q6_k;
  said = amq_test::refusal([&] { amq::write_gguf(model, formats, folder.path(), options); });
  CHECK(amq_test::lacks(said, {"model.embed_tokens.weight", "rows of 64", "Q6_K", "F16"}) == "");
  amq::quantized_memory quantized;
  for (amq::index i = 0; i < std::ssize(formats); ++i) {
    auto values = model.weight(i);
    if (i == 5) values(1, 2) = 1e9f;
    quantized.layer(i, std::move(values));
  }
  said = amq_test::refusal([&] { amq::write_gguf(model, quantized, formats, folder.path()); });
  CHECK(amq_test::lacks(said, {"model.layers.0.mlp.up_proj.weight", "input 2", "Q4_0"}) == "");
  CHECK(folder.listing().empty());
}

TEST_CASE("A GGUF file of another model is refused when it is read back") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  amq_test::scratch_folder const folder, other;
  auto const small = loaded(other, amq_test::random_model{});
  std::vector<amq::format> const kept(small.linears().size(), amq::kept<amq::f16>::value);
  amq::write_gguf(small, kept, folder.path());
  auto const said = amq_test::refusal([&] { amq::gguf_model(model, folder.path() / "model.gguf"); });
  CHECK(amq_test::lacks(said, {"model.layers.0.self_attn.q_proj.weight", "(36, 20)", "(64, 64)"}) == "");
}

TEST_CASE("Byte-level BPE becomes llama.cpp's gpt2: tokens, types, merges, special ids, split") {
  amq_test::scratch_folder const folder;
  std::vector<std::string> notes;
  auto tokenizer = byte_level_tokenizer();
  write_tokenizer(folder.path(), tokenizer, {{"bos_token", {{"content", "<|end|>"}}}, {"chat_template", "{{ x }}"}});
  auto metadata = metadata_of(folder, notes);
  CHECK(value_of<std::string>(metadata, "ggml.model") == "gpt2");
  CHECK(value_of<std::string>(metadata, "ggml.pre") == "gpt-2");
  CHECK(value_of<std::vector<std::string>>(metadata, "ggml.tokens") ==
        std::vector<std::string>{"<|end|>", "a", "b", "ab", "[PAD4]", "tool", "[PAD6]", "[PAD7]"});
  CHECK(value_of<std::vector<std::int32_t>>(metadata, "ggml.token_type") ==
        std::vector<std::int32_t>{3, 1, 1, 1, 5, 4, 5, 5});
  CHECK(value_of<std::vector<std::string>>(metadata, "ggml.merges") == std::vector<std::string>{"a b"});
  CHECK(value_of<std::uint32_t>(metadata, "ggml.bos_token_id") == 0);
  CHECK_FALSE(value_of<bool>(metadata, "ggml.add_bos_token"));
  CHECK(value_of<std::string>(metadata, "chat_template") == "{{ x }}");
  CHECK(notes.empty());

  tokenizer["post_processor"] = {
      {"type", "Sequence"},
      {"processors",
       {{{"type", "ByteLevel"}},
        {{"type", "TemplateProcessing"},
         {"single", {{{"SpecialToken", {{"id", "<|end|>"}}}}, {{"Sequence", {{"id", "A"}}}}}}}}}};
  auto const split = [](char const* digits) {
    return nlohmann::json{
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"},
           {"pattern",
            {{"Regex", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + std::string(digits) +
                           "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}}}},
          {{"type", "ByteLevel"}, {"use_regex", false}}}}};
  };
  for (auto const& [digits, name] :
       {std::pair{"\\p{N}{1,3}", "llama-bpe"}, {"\\p{N}", "qwen2"}, {"\\p{N}{4}", "default"}}) {
    tokenizer["pre_tokenizer"] = split(digits);
    write_tokenizer(folder.path(), tokenizer, {{"bos_token", "<|end|>"}});
    metadata = metadata_of(folder, notes);
    CHECK(value_of<std::string>(metadata, "ggml.pre") == name);
    CHECK(value_of<bool>(metadata, "ggml.add_bos_token"));
  }
  REQUIRE(notes.size() == 1);
  CHECK(amq_test::lacks(notes[0], {"splits text", "default"}) == "");
}

TEST_CASE("SentencePiece-style BPE becomes llama.cpp's llama: scores by rank, bytes, unknown, blanks") {
  amq_test::scratch_folder const folder;
  write_tokenizer(
      folder.path(),
      {{"added_tokens",
        {{{"id", 0}, {"content", "<unk>"}, {"special", true}}, {{"id", 1}, {"content", "<s>"}, {"special", true}}}},
       {"normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Prepend"}, {"prepend", "\u2581"}}}}}},
       {"pre_tokenizer", nullptr},
       {"model",
        {{"type", "BPE"},
         {"unk_token", "<unk>"},
         {"byte_fallback", true},
         {"vocab", {{"<unk>", 0}, {"<s>", 1}, {"<0x0A>", 2}, {"a", 3}, {"b", 4}, {"ab", 5}, {"aab", 6}, {"\u2581", 7}}},
         {"merges", {"a b", "a ab", "aa b"}}}}},
      {{"bos_token", "<s>"}, {"add_bos_token", true}});
  std::vector<std::string> notes;
  auto const metadata = metadata_of(folder, notes);
  CHECK(value_of<std::string>(metadata, "ggml.model") == "llama");
  CHECK(value_of<std::vector<std::int32_t>>(metadata, "ggml.token_type") ==
        std::vector<std::int32_t>{2, 3, 6, 1, 1, 1, 1, 1});
  CHECK(value_of<std::vector<float>>(metadata, "ggml.scores") == std::vector<float>{0, 0, 0, 0, 0, -1, -2, 0});
  CHECK(value_of<std::uint32_t>(metadata, "ggml.unknown_token_id") == 0);
  CHECK(value_of<bool>(metadata, "ggml.add_bos_token"));
  CHECK(value_of<bool>(metadata, "ggml.add_space_prefix"));
  CHECK(notes.empty());
}

TEST_CASE("Tokenizers that do not fit the model, or are broken, are refused in a sentence") {
  amq_test::scratch_folder const folder;
  std::vector<std::string> notes;
  auto const said = [&](nlohmann::json const& tokenizer) {
    write_tokenizer(folder.path(), tokenizer);
    return amq_test::refusal([&] { metadata_of(folder, notes); });
  };
  auto tokenizer = byte_level_tokenizer();
  tokenizer["model"]["vocab"]["far"] = 8;
  CHECK(amq_test::lacks(said(tokenizer), {"tokenizer.json", "id 8", "'far'", "8 tokens"}) == "");
  tokenizer["model"]["vocab"]["far"] = "x";
  CHECK(amq_test::lacks(said(tokenizer), {"'far'", "whole number"}) == "");
  tokenizer = byte_level_tokenizer();
  tokenizer["model"]["merges"] = nlohmann::json::array({"ab"});
  CHECK(amq_test::lacks(said(tokenizer), {"merge", "\"ab\"", "blank"}) == "");
  tokenizer["model"].erase("vocab");
  CHECK(amq_test::lacks(said(tokenizer), {"model.vocab"}) == "");
  write_tokenizer(folder.path(), {{"model", {{"type", "Unigram"}}}});
  CHECK(value_of<std::string>(metadata_of(folder, notes), "ggml.model") == "none");
  CHECK(amq_test::lacks(notes.back(), {"no BPE"}) == "");
}

TEST_CASE("A recipe names every matrix once, and its expressions match no other tensor") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  auto formats = golden_formats(model);
  formats[1] = amq::kept<amq::f16>::value;
  std::istringstream recipe(amq::gguf_recipe(model, formats, {amq::gguf_type::q4_0, std::nullopt}));
  amq::gguf_file const golden(golden_folder + "/tiny_llama_mixed.gguf");
  int lines = 0;
  for (std::string line; std::getline(recipe, line); ++lines) {
    auto const equals = line.find('=');
    std::regex const expression(line.substr(0, equals));
    int matches = 0;
    for (auto const& tensor : golden.tensors()) matches += std::regex_search(tensor.name, expression);
    INFO(line);
    CHECK(matches == 1);
    CHECK(amq::parse_gguf_type(line.substr(equals + 1)).has_value());
    if (lines == 0) CHECK(line == "^token_embd\\.weight$=q4_0");
    if (line.find("blk\\.0\\.attn_k") != std::string::npos) CHECK(line.ends_with("=f16"));
  }
  CHECK(lines == 16);
}

TEST_CASE("An importance matrix has sums of squares and counts under llama.cpp's names") {
  auto const model = amq::llama::load(golden_folder + "/tiny_llama_f16");
  std::vector<amq::gguf_importance_sums> sums;
  for (auto const& layer : model.linears())
    sums.push_back({std::vector<float>(static_cast<std::size_t>(layer.cols), static_cast<float>(sums.size())), 100});
  amq_test::scratch_folder const folder;
  amq::write_gguf_imatrix(model, sums, "books", 64, folder.path() / "imatrix.gguf");
  amq::gguf_file const file(folder.path() / "imatrix.gguf");
  CHECK(*file.find<std::string>("general.type") == "imatrix");
  CHECK(*file.find<std::vector<std::string>>("imatrix.datasets") == std::vector<std::string>{"books"});
  CHECK(*file.find<std::uint32_t>("imatrix.chunk_count") == 2);
  CHECK(*file.find<std::uint32_t>("imatrix.chunk_size") == 64);
  REQUIRE(file.tensors().size() == 28);
  CHECK(file.tensor("blk.1.ffn_down.weight.in_sum2").shape == std::vector<amq::index>{1, 128});
  float value = 0;
  std::memcpy(&value, file.tensor("blk.1.ffn_down.weight.in_sum2").data.data(), sizeof value);
  CHECK(value == 13.0f);
  std::memcpy(&value, file.tensor("blk.0.attn_q.weight.counts").data.data(), sizeof value);
  CHECK(value == 100.0f);
  sums[3].squares.pop_back();
  CHECK(amq_test::lacks(amq_test::refusal<amq::precondition_error>(
                            [&] { amq::write_gguf_imatrix(model, sums, "books", 64, folder.path() / "again.gguf"); }),
                        {"o_proj", "64 inputs", "63"}) == "");
}

TEST_CASE("Importance from calibration tokens: the file holds what the weighted quantizer measures") {
  amq_test::scratch_folder const folder;
  amq_test::write_wide_llama(folder.path());
  auto const model = amq::llama::load(folder.path());
  amq::matrix<std::int32_t> ids(3, 32);
  for (amq::index i = 0; i < ids.size(); ++i) ids.data()[i] = static_cast<std::int32_t>(i * 11 % 64);
  amq::token_sequences const tokens(std::move(ids));
  amq::thread_executor executor(1);
  auto const statistics = amq::calibration_statistics::collect(model, tokens, executor);
  amq::gguf_options options;
  auto const calibration = amq::gguf_calibration_of(model, tokens, executor);
  options.importance = calibration.importance;
  std::vector<amq::format> formats(model.linears().size(), {2, 64});
  for (std::size_t i = 6; i < formats.size(); i += 7) formats[i].bits = 4;  // 288 inputs
  amq::write_gguf(model, formats, folder.path(), options);
  amq::gguf_model const read(model, folder.path() / "model.gguf");
  for (amq::index i = 0; i < read.layers(); ++i) {
    auto const f = formats[static_cast<std::size_t>(i)];
    auto const measured = amq::gguf_weighted_blocks{}.quantize(model.weight(i), f, statistics.layer(i)).dequantized();
    CHECK(same(read.layer(i).dequantized(), measured));
    bool const unweighted = same(measured, amq::gguf_blocks{}.quantize(model.weight(i), f).dequantized());
    CHECK(unweighted == (f.bits == 4));
  }
  // The first layer's inputs are the normed embeddings: their squares are about 1 a token before the norm's weights.
  auto const norm = model.checkpoint().tensor("model.layers.0.input_layernorm.weight");
  std::vector<float> weights(256);
  to_f32(norm, weights);
  double seen = 0, expected = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    seen += calibration.sums[0].squares[i] / (weights[i] * weights[i]);
    expected += 96;
  }
  CHECK(calibration.sums[0].tokens == 96);
  CHECK(seen == Approx(expected).epsilon(0.01));
  CHECK(amq::gguf_calibration_of(statistics, read.layers()).importance == calibration.importance);
}

TEST_CASE("What llama.cpp does otherwise than the model is noted") {
  auto const model = amq::llama::load(AMQ_TESTS_FOLDER "/data/forward/mistral_window_bf16");
  amq_test::scratch_folder const folder;
  std::vector<amq::format> const kept(model.linears().size(), amq::kept<amq::bf16>::value);
  auto const report = amq::write_gguf(model, kept, folder.path());
  CHECK(amq_test::lacks(report.notes.back(), {"ignores", "attention window"}) == "");
  amq::gguf_file const file(folder.path() / "model.gguf");
  CHECK(*file.find<std::string>("general.architecture") == "llama");
  CHECK(file.tensor("blk.0.attn_q.weight").type == amq::gguf_type::bf16);
  CHECK(amq::gguf_model(model, file.path()).replaced_names().empty());
}
