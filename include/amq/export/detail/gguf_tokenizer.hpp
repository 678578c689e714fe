// A tokenizer.json as llama.cpp's metadata: byte-level BPE and SentencePiece-style BPE.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/gguf.hpp"
#include "amq/io/json.hpp"

namespace amq::detail {

/// What llama.cpp does with a token.
enum class gguf_token : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

/// Reads one folder's tokenizer.json and tokenizer_config.json; the members' names say what of them.
class gguf_tokenizer {
 public:
  /// `vocabulary`: the model's number of tokens.
  gguf_tokenizer(std::filesystem::path const& folder, index vocabulary)
      : folder_(folder),
        file_(folder / "tokenizer.json"),
        vocabulary_(vocabulary),
        json_(load_or_empty(file_)),
        settings_(load_or_empty(folder / "tokenizer_config.json")),
        model_config_(load_or_empty(folder / "config.json")) {}

  /// Appends to `metadata`, and to `notes` what llama.cpp will do otherwise than the tokenizer. Throws input_error for
  /// a malformed tokenizer, and for one with more tokens than the model.
  void describe(gguf_metadata& metadata, std::vector<std::string>& notes) {
    if (json_.empty() || text_at(model(), "type") != "BPE") {
      metadata.emplace_back("tokenizer.ggml.model", std::string("none"));
      notes.push_back(json_.empty() ? "there is no tokenizer.json, so llama.cpp can run the file on token ids only"
                                    : "tokenizer.json is no BPE, so llama.cpp can run the file on token ids only");
      return;
    }
    collect_tokens();
    metadata.emplace_back("tokenizer.ggml.model", std::string(is_byte_level() ? "gpt2" : "llama"));
    metadata.emplace_back("tokenizer.ggml.pre", is_byte_level() ? split_name(notes) : "default");
    metadata.emplace_back("tokenizer.ggml.tokens", tokens_);
    if (!is_byte_level()) metadata.emplace_back("tokenizer.ggml.scores", scores());
    metadata.emplace_back("tokenizer.ggml.token_type", types_);
    if (is_byte_level()) metadata.emplace_back("tokenizer.ggml.merges", merges());
    describe_special(metadata);
  }

 private:
  static nlohmann::json load_or_empty(std::filesystem::path const& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored) ? load_json(file) : nlohmann::json::object();
  }

  static nlohmann::json const& member(nlohmann::json const& object, char const* key) {
    static nlohmann::json const none;
    if (!object.is_object()) return none;
    auto const found = object.find(key);
    return found == object.end() ? none : *found;
  }
  static std::string text_at(nlohmann::json const& object, char const* key) {
    auto const& value = member(object, key);
    return value.is_string() ? value.get<std::string>() : "";
  }
  nlohmann::json const& model() const { return member(json_, "model"); }

  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(printable_path(file_) + " " + found + "; expected " + expected);
  }

  /// The parts of a normalizer, pre-tokenizer or post-processor: those of a Sequence, or the one that it is.
  static std::vector<nlohmann::json> parts(nlohmann::json const& stage, char const* list) {
    if (!stage.is_object()) return {};
    auto const& members = member(stage, list);
    if (text_at(stage, "type") != "Sequence" || !members.is_array()) return {stage};
    return members.get<std::vector<nlohmann::json>>();
  }
  std::vector<nlohmann::json> splitters() const { return parts(member(json_, "pre_tokenizer"), "pretokenizers"); }

  bool is_byte_level() const {
    auto const all = splitters();
    return std::any_of(all.begin(), all.end(), [](auto const& part) { return text_at(part, "type") == "ByteLevel"; });
  }

  std::size_t checked_id(nlohmann::json const& value, std::string const& token) const {
    if (!json_holds<index>(value) || value.get<index>() < 0)
      refuse("gives the token '" + printable(token) + "' the id " + shown(value), "a whole number");
    auto const id = value.get<index>();
    if (id >= vocabulary_)
      refuse("has the id " + std::to_string(id) + " for '" + printable(token) + "', but the model has " +
                 std::to_string(vocabulary_) + " tokens",
             "the model's own tokenizer");
    return static_cast<std::size_t>(id);
  }

  void collect_tokens() {
    for (index id = 0; id < vocabulary_; ++id) tokens_.push_back("[PAD" + std::to_string(id) + "]");
    types_.assign(tokens_.size(), static_cast<std::int32_t>(gguf_token::unused));
    auto const& vocabulary = member(model(), "vocab");
    if (!vocabulary.is_object()) refuse("has no model.vocab", "an object from tokens to ids");
    for (auto const& [token, id] : vocabulary.items()) set_token(checked_id(id, token), token, type_of(token));
    auto const& added = member(json_, "added_tokens");
    if (!added.is_array()) return;
    for (auto const& entry : added) {
      auto token = text_at(entry, "content");
      bool const special = member(entry, "special") == true;
      auto const id = checked_id(member(entry, "id"), token);
      if (!is_byte_level() && token == text_at(model(), "unk_token"))
        set_token(id, token, gguf_token::unknown);
      else
        set_token(id, special ? token : plain_blanks(token), special ? gguf_token::control : gguf_token::user_defined);
    }
  }

  void set_token(std::size_t id, std::string const& token, gguf_token type) {
    tokens_[id] = token;
    types_[id] = static_cast<std::int32_t>(type);
    ids_[token] = static_cast<std::uint32_t>(id);
  }

  /// `<0x0A>` stands for a byte where the model falls back on bytes.
  gguf_token type_of(std::string const& token) const {
    bool const falls_back = member(model(), "byte_fallback") == true;
    bool const is_byte = token.size() == 6 && token.starts_with("<0x") && token.back() == '>';
    if (falls_back && is_byte) return gguf_token::byte;
    return !is_byte_level() && token == text_at(model(), "unk_token") ? gguf_token::unknown : gguf_token::normal;
  }

  /// llama.cpp looks for added tokens in text as it was typed.
  static std::string plain_blanks(std::string text) {
    constexpr std::string_view mark = "\xe2\x96\x81";
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1))
      text.replace(at, mark.size(), " ");
    return text;
  }

  /// Pairs in order of rank, whether written as "a b" or as ["a", "b"].
  std::vector<std::pair<std::string, std::string>> merge_pairs() const {
    std::vector<std::pair<std::string, std::string>> pairs;
    auto const& list = member(model(), "merges");
    if (!list.is_array()) refuse("has no model.merges", "a list of pairs");
    for (auto const& entry : list) {
      if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
        pairs.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
        continue;
      }
      auto const text = entry.is_string() ? entry.get<std::string>() : "";
      auto const blank = text.find(' ');
      if (blank == std::string::npos) refuse("has the merge " + shown(entry), "two pieces with a blank between");
      pairs.emplace_back(text.substr(0, blank), text.substr(blank + 1));
    }
    return pairs;
  }

  std::vector<std::string> merges() const {
    std::vector<std::string> lines;
    for (auto const& [left, right] : merge_pairs()) lines.push_back(left + " " + right);
    return lines;
  }

  /// llama.cpp merges what gives the token of the highest score: minus the rank of the first merge that makes it.
  std::vector<float> scores() const {
    std::vector<float> all(tokens_.size(), 0);
    float rank = 0;
    for (auto const& [left, right] : merge_pairs()) {
      rank += 1;
      auto const made = ids_.find(left + right);
      if (made != ids_.end() && all[made->second] == 0) all[made->second] = -rank;
    }
    return all;
  }

  /// llama.cpp's name for the expression that splits text before merging.
  std::string split_name(std::vector<std::string>& notes) const {
    constexpr std::string_view words =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
        "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    std::string qwen(words);
    qwen.replace(qwen.find("{1,3}"), 5, "");
    bool digits = false, plain = true;
    for (auto const& part : splitters()) {
      auto const type = text_at(part, "type");
      auto const expression = text_at(member(part, "pattern"), "Regex");
      if (type == "Split" && expression == words) return "llama-bpe";
      if (type == "Split" && expression == qwen) return "qwen2";
      digits = digits || (type == "Digits" && member(part, "individual_digits") == true);
      plain = plain && (type == "Digits" || (type == "ByteLevel" && member(part, "use_regex") != false));
    }
    if (plain) return digits ? "smollm" : "gpt-2";
    notes.push_back(
        "llama.cpp has no name that amq knows for how tokenizer.json splits text; it will split by its "
        "default, so compare token ids before relying on it");
    return "default";
  }

  /// bos_token and the like: a text, an object with one, or in config.json an id (the first of several).
  std::optional<std::uint32_t> special_id(std::string const& name) const {
    auto const& given = member(settings_, name.c_str());
    auto text = given.is_string() ? given.get<std::string>() : text_at(given, "content");
    if (text.empty()) text = text_at(model(), name.c_str());  // the unknown token is the model's own
    if (auto const found = ids_.find(text); found != ids_.end()) return found->second;
    nlohmann::json const* id = &member(model_config_, (name + "_id").c_str());
    if (id->is_array() && !id->empty()) id = &(*id)[0];
    if (json_holds<index>(*id) && id->get<index>() >= 0 && id->get<index>() < vocabulary_)
      return id->get<std::uint32_t>();
    return std::nullopt;
  }

  /// Whether encoding a text begins with BOS: said outright, or by the template that follows.
  bool adds_bos(std::optional<std::uint32_t> bos) const {
    if (auto const& said = member(settings_, "add_bos_token"); said.is_boolean()) return said.get<bool>();
    for (auto const& part : parts(member(json_, "post_processor"), "processors")) {
      auto const& single = member(part, "single");
      if (!single.is_array() || single.empty()) continue;
      auto const first = ids_.find(text_at(member(single[0], "SpecialToken"), "id"));
      if (bos && first != ids_.end() && first->second == *bos) return true;
    }
    return false;
  }

  bool adds_blank() const {
    for (auto const& part : parts(member(json_, "normalizer"), "normalizers"))
      if (text_at(part, "type") == "Prepend") return true;
    for (auto const& part : splitters())
      if (text_at(part, "type") == "Metaspace") return text_at(part, "prepend_scheme") != "never";
    return false;
  }

  void describe_special(gguf_metadata& metadata) const {
    struct special {
      char const* ours;
      char const* theirs;
    };
    for (auto const& [ours, theirs] : {special{"bos_token", "bos"}, special{"eos_token", "eos"},
                                       special{"unk_token", "unknown"}, special{"pad_token", "padding"}})
      if (auto const id = special_id(ours))
        metadata.emplace_back(std::string("tokenizer.ggml.") + theirs + "_token_id", *id);
    metadata.emplace_back("tokenizer.ggml.add_bos_token", adds_bos(special_id("bos_token")));
    metadata.emplace_back("tokenizer.ggml.add_eos_token", member(settings_, "add_eos_token") == true);
    if (!is_byte_level()) metadata.emplace_back("tokenizer.ggml.add_space_prefix", adds_blank());
    if (auto const chat = text_at(settings_, "chat_template"); !chat.empty())
      metadata.emplace_back("tokenizer.chat_template", chat);
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
  index vocabulary_;
  nlohmann::json json_;
  nlohmann::json settings_;
  nlohmann::json model_config_;
  std::vector<std::string> tokens_;
  std::vector<std::int32_t> types_;
  std::map<std::string, std::uint32_t> ids_;
};

}  // namespace amq::detail
