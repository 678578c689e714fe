// config.json of a Hugging Face model: what the forward pass needs to know, checked before anything is allocated.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"
#include "amq/model/rope.hpp"

namespace amq {

enum class architecture : std::uint8_t { llama, mistral, qwen2, qwen3 };

constexpr char const* to_string(architecture a) {
  switch (a) {
    case architecture::llama:
      return "llama";
    case architecture::mistral:
      return "mistral";
    case architecture::qwen2:
      return "qwen2";
    case architecture::qwen3:
      return "qwen3";
  }
  return "unknown";
}

/// How wide a block's attention and feed-forward network are.
struct block_shape {
  index heads = 0;
  index key_value_heads = 0;
  index intermediate = 0;

  bool operator==(block_shape const&) const = default;
};

/// A decoder-only transformer with grouped-query attention, rotary positions, RMSNorm and SwiGLU. Where blocks were
/// pruned to unequal widths, `shapes` has one for each, and `heads`, `key_value_heads` and `intermediate` are the most
/// that any block has.
struct model_config {
  amq::architecture architecture = architecture::llama;
  index hidden = 0;
  index intermediate = 0;
  int blocks = 0;
  index heads = 0;
  index key_value_heads = 0;
  index head_size = 0;
  index vocabulary = 0;
  index max_length = 0;
  float norm_epsilon = 0;
  rope_options rope;
  bool tied_head = false;
  bool query_key_value_bias = false;
  bool output_bias = false;
  bool feed_forward_bias = false;
  bool query_key_norm = false;
  std::vector<index> windows;            ///< one a block: keys that a query sees, itself included; 0 for all before it
  std::vector<block_shape> shapes = {};  ///< one a block; empty where all blocks have the same

  /// Whether blocks have unequal widths.
  bool pruned() const { return !shapes.empty(); }
  block_shape shape(int block) const {
    return pruned() ? shapes[static_cast<std::size_t>(block)] : block_shape{heads, key_value_heads, intermediate};
  }
  index query_width(int block) const { return shape(block).heads * head_size; }
  index key_value_width(int block) const { return shape(block).key_value_heads * head_size; }
};

/// Which quantized models a reader takes beside those in F32, F16 or BF16.
enum class quantized_models : std::uint8_t {
  none,
  amq  ///< those that `amq deploy --format amq` wrote
};

namespace detail {

/// Reads one config.json; the names of its members are the keys' readers.
class config_reader {
 public:
  config_reader(std::filesystem::path file, quantized_models taken)
      : file_(std::move(file)), taken_(taken), json_(load_json(file_)) {}

  model_config read() const {
    model_config config;
    config.architecture = read_architecture();
    check_features();
    config.hidden = extent("hidden_size", 1 << 20);
    config.blocks = static_cast<int>(extent("num_hidden_layers", 10'000));
    config.vocabulary = extent("vocab_size", 1 << 26);
    config.max_length = extent("max_position_embeddings", 1 << 28);
    read_shapes(config);
    config.head_size = read_head_size(config);
    config.norm_epsilon = static_cast<float>(
        expect_between(require<double>(json_, "rms_norm_eps", file_), 1e-12, 1.0, "rms_norm_eps", file_));
    config.rope = read_rope(config);
    config.tied_head = get_or(json_, "tie_word_embeddings", false, file_);
    read_biases(config);
    config.windows = read_windows(config);
    return config;
  }

 private:
  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(printable_path(file_) + ": " + found + "; expected " + expected);
  }

  index extent(char const* key, index most) const {
    return expect_between<index>(require<index>(json_, key, file_), 1, most, key, file_);
  }

  amq::architecture read_architecture() const {
    struct known {
      amq::architecture value;
      char const* type;
      char const* name;
    };
    constexpr std::array<known, 4> all{{{architecture::llama, "llama", "LlamaForCausalLM"},
                                        {architecture::mistral, "mistral", "MistralForCausalLM"},
                                        {architecture::qwen2, "qwen2", "Qwen2ForCausalLM"},
                                        {architecture::qwen3, "qwen3", "Qwen3ForCausalLM"}}};
    auto const type = require<std::string>(json_, "model_type", file_);
    for (auto const& candidate : all) {
      if (type != candidate.type) continue;
      check_class(candidate.name);
      return candidate.value;
    }
    refuse("the model_type '" + printable(type) + "' is not supported", "llama, mistral, qwen2 or qwen3");
  }

  void check_class(std::string const& name) const {
    auto const found = json_.find("architectures");
    if (found == json_.end() || found->is_null()) return;
    if (!found->is_array() || found->size() != 1 || !(*found)[0].is_string() || (*found)[0] != name)
      refuse("the architectures " + shown(*found) + " are not supported", "[\"" + name + "\"] for this model_type");
  }

  void check_features() const {
    auto const act = get_or<std::string>(json_, "hidden_act", "silu", file_);
    if (act != "silu" && act != "swish") refuse("the activation '" + printable(act) + "' is not supported", "silu");
    if (auto const found = json_.find("quantization_config"); found != json_.end() && !found->is_null())
      check_quantization(*found);
    double const rotated = get_or(json_, "partial_rotary_factor", 1.0, file_);
    if (rotated != 1.0)
      refuse("a partial_rotary_factor other than 1 is not supported", "rotary positions on whole heads");
  }

  void check_quantization(nlohmann::json const& quantization) const {
    if (taken_ == quantized_models::none)
      refuse("the model is quantized already (quantization_config)", "a model in F32, F16 or BF16");
    if (!quantization.is_object() || !quantization.contains("quant_method") || quantization["quant_method"] != "amq")
      refuse("the model is quantized in another format than amq's (quantization_config)",
             "a model in F32, F16 or BF16, or one that was deployed with --format amq");
  }

  /// One number for all blocks, or a list with one for each, as pruning leaves them.
  std::vector<index> extents(char const* key, int blocks, index most) const {
    auto const found = json_.find(key);
    if (found == json_.end() || !found->is_array())
      return std::vector(static_cast<std::size_t>(blocks), extent(key, most));
    if (std::ssize(*found) != blocks)
      refuse_value(file_, key, *found, "a number, or a list of " + std::to_string(blocks));
    std::vector<index> all;
    for (auto const& value : *found)
      all.push_back(expect_between<index>(json_value<index>(value, key, file_), 1, most, key, file_));
    return all;
  }

  void read_shapes(model_config& config) const {
    constexpr index most = 1 << 16;
    auto const heads = extents("num_attention_heads", config.blocks, most);
    // Only Llama's configurations were ever published without this key.
    bool const lacks_groups = !json_.contains("num_key_value_heads") || json_["num_key_value_heads"].is_null();
    bool const one_each = lacks_groups && config.architecture == architecture::llama;
    auto const groups = one_each ? heads : extents("num_key_value_heads", config.blocks, most);
    auto const intermediates = extents("intermediate_size", config.blocks, 1 << 22);
    for (std::size_t block = 0; block < heads.size(); ++block) {
      config.shapes.push_back({heads[block], groups[block], intermediates[block]});
      if (heads[block] % groups[block] != 0)
        refuse("num_attention_heads is " + std::to_string(heads[block]) + " and num_key_value_heads " +
                   std::to_string(groups[block]),
               "the second to divide the first");
    }
    config.heads = *std::max_element(heads.begin(), heads.end());
    config.key_value_heads = *std::max_element(groups.begin(), groups.end());
    config.intermediate = *std::max_element(intermediates.begin(), intermediates.end());
    if (std::equal(config.shapes.begin() + 1, config.shapes.end(), config.shapes.begin())) config.shapes.clear();
  }

  index read_head_size(model_config const& config) const {
    index const size = stated_head_size(config);
    if (size % 2 != 0) refuse("the head size is " + std::to_string(size), "an even one, for rotary positions");
    return size;
  }

  index stated_head_size(model_config const& config) const {
    auto const given = get_or<index>(json_, "head_dim", 0, file_);
    if (json_.contains("head_dim") && !json_["head_dim"].is_null())
      return expect_between<index>(given, 2, 1 << 16, "head_dim", file_);
    if (config.architecture == architecture::qwen3) return 128;  // transformers' default for this architecture alone
    if (config.pruned()) refuse("blocks have unequal widths and head_dim is not given", "it beside lists of widths");
    if (config.hidden % config.heads != 0)
      refuse("hidden_size is " + std::to_string(config.hidden) + ", num_attention_heads " +
                 std::to_string(config.heads) + " and head_dim is not given",
             "the second to divide the first");
    return config.hidden / config.heads;
  }

  /// Newer files have one object `rope_parameters`, older ones `rope_theta` and `rope_scaling`.
  rope_options read_rope(model_config const& config) const {
    nlohmann::json const none = nlohmann::json::object();
    auto const& parameters = object_or("rope_parameters", object_or("rope_scaling", none));
    for (auto const& [key, value] : parameters.items())
      if (value.is_object())
        refuse("rope parameters by layer type ('" + printable(key) + "') are not supported", "one set");
    rope_options rope;
    double const theta = get_or(parameters, "rope_theta", get_or(json_, "rope_theta", 10000.0, file_), file_);
    rope.theta = expect_between(theta, 1.0, 1e12, "rope_theta", file_);
    auto const older = get_or<std::string>(parameters, "type", "default", file_);
    auto const type = get_or<std::string>(parameters, "rope_type", older, file_);
    if (type == "default") return rope;
    if (type != "llama3") refuse("the rope type '" + printable(type) + "' is not supported", "default or llama3");
    auto const number = [&](char const* key, double low, double high) {
      return expect_between(require<double>(parameters, key, file_), low, high, key, file_);
    };
    rope.llama3 = true;
    rope.factor = number("factor", 1.0, 1e6);
    rope.low_frequency_factor = number("low_freq_factor", 1e-6, 1e6);
    rope.high_frequency_factor = number("high_freq_factor", 1e-6, 1e6);
    if (rope.high_frequency_factor <= rope.low_frequency_factor)
      refuse("high_freq_factor is not above low_freq_factor", "a higher one");
    auto const original =
        get_or(parameters, "original_max_position_embeddings", static_cast<double>(config.max_length), file_);
    rope.original_length = expect_between(original, 1.0, 1e9, "original_max_position_embeddings", file_);
    return rope;
  }

  nlohmann::json const& object_or(char const* key, nlohmann::json const& otherwise) const {
    auto const found = json_.find(key);
    if (found == json_.end() || found->is_null()) return otherwise;
    if (!found->is_object()) refuse_value(file_, key, *found, "an object");
    return *found;
  }

  void read_biases(model_config& config) const {
    bool const attention = get_or(json_, "attention_bias", false, file_);
    switch (config.architecture) {
      case architecture::llama:
        config.query_key_value_bias = config.output_bias = attention;
        config.feed_forward_bias = get_or(json_, "mlp_bias", false, file_);
        return;
      case architecture::mistral:
        return;
      case architecture::qwen2:
        config.query_key_value_bias = true;
        return;
      case architecture::qwen3:
        config.query_key_value_bias = config.output_bias = attention;
        config.query_key_norm = true;
        return;
    }
  }

  /// Llama ignores the key, Mistral applies it everywhere, Qwen from block `max_window_layers` on and only when
  /// `use_sliding_window` says so; `layer_types`, where given, says it for each block.
  std::vector<index> read_windows(model_config const& config) const {
    constexpr index default_window = 4096;  // transformers' for a key that is absent; null means none
    std::vector<index> windows(static_cast<std::size_t>(config.blocks), 0);
    if (config.architecture == architecture::llama) return windows;
    bool const is_qwen = config.architecture != architecture::mistral;
    if (is_qwen && !get_or(json_, "use_sliding_window", false, file_)) return windows;
    auto const found = json_.find("sliding_window");
    if (found != json_.end() && found->is_null()) return windows;
    index const window = found == json_.end() ? default_window : extent("sliding_window", 1 << 28);
    for (std::size_t block = 0; block < windows.size(); ++block)
      if (!is_qwen || is_windowed(block, windows.size())) windows[block] = window;
    return windows;
  }

  bool is_windowed(std::size_t block, std::size_t blocks) const {
    auto const found = json_.find("layer_types");
    if (found == json_.end() || found->is_null())
      return static_cast<index>(block) >= get_or<index>(json_, "max_window_layers", 28, file_);
    if (!found->is_array() || found->size() != blocks)
      refuse_value(file_, "layer_types", *found, "a list of " + std::to_string(blocks) + " names");
    auto const& type = (*found)[block];
    if (type != "sliding_attention" && type != "full_attention")
      refuse_value(file_, "layer_types", type, "full_attention or sliding_attention");
    return type == "sliding_attention";
  }

  std::filesystem::path file_;
  quantized_models taken_;
  nlohmann::json json_;
};

}  // namespace detail

/// Reads `config.json` of a model folder, in the dialects of transformers 4 and 5. Throws input_error for a key that is
/// missing, of the wrong type or absurd, and for architectures and features that amq does not compute.
inline model_config load_config(std::filesystem::path const& folder, quantized_models taken = quantized_models::none) {
  return detail::config_reader(folder / "config.json", taken).read();
}

}  // namespace amq
