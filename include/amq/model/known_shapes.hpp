// Shapes of well-known models by name, for speed at real size without their weights.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/model/config.hpp"

namespace amq {

/// What a model's public config.json says of its sizes. Head sizes are hidden / heads.
struct known_shape {
  char const* name;
  amq::architecture architecture;
  index hidden;
  index intermediate;
  int blocks;
  index heads;
  index key_value_heads;
  index vocabulary;
  index max_length;
  double rope_theta;
  float norm_epsilon;
};

inline constexpr std::array known_shapes{
    known_shape{"llama-2-7b", architecture::llama, 4096, 11008, 32, 32, 32, 32000, 4096, 1e4, 1e-5f},
    known_shape{"llama-2-13b", architecture::llama, 5120, 13824, 40, 40, 40, 32000, 4096, 1e4, 1e-5f},
    known_shape{"llama-3.1-8b", architecture::llama, 4096, 14336, 32, 32, 8, 128256, 131072, 5e5, 1e-5f},
    known_shape{"llama-3.1-70b", architecture::llama, 8192, 28672, 80, 64, 8, 128256, 131072, 5e5, 1e-5f},
    known_shape{"qwen2.5-7b", architecture::qwen2, 3584, 18944, 28, 28, 4, 152064, 131072, 1e6, 1e-6f},
    known_shape{"mistral-7b", architecture::mistral, 4096, 14336, 32, 32, 8, 32768, 32768, 1e6, 1e-5f}};

/// The config that such a shape stands for. Llama 3.1's stretched positions cost as much as plain ones and are left
/// out.
inline model_config config_of(known_shape const& shape) {
  model_config config;
  config.architecture = shape.architecture;
  config.hidden = shape.hidden;
  config.intermediate = shape.intermediate;
  config.blocks = shape.blocks;
  config.heads = shape.heads;
  config.key_value_heads = shape.key_value_heads;
  config.head_size = shape.hidden / shape.heads;
  config.vocabulary = shape.vocabulary;
  config.max_length = shape.max_length;
  config.norm_epsilon = shape.norm_epsilon;
  config.rope.theta = shape.rope_theta;
  config.query_key_value_bias = shape.architecture == architecture::qwen2;
  config.windows.assign(static_cast<std::size_t>(shape.blocks), 0);
  return config;
}

/// A known shape by its name, or the config.json in the folder of that name. Throws input_error with the list for a
/// name that is neither, and as load_config does.
inline model_config shape_named(std::string const& name) {
  auto const known = std::ranges::find(known_shapes, std::string_view(name), &known_shape::name);
  if (known != known_shapes.end()) return config_of(*known);
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::path(name) / "config.json", ignored))
    return load_config(name, quantized_models::amq);
  std::string list;
  for (auto const& each : known_shapes) list += (list.empty() ? "" : ", ") + std::string(each.name);
  throw input_error("'" + name.substr(0, 60) + "' is no shape that is known; expected " + list +
                    ", or a folder with a config.json");
}

/// The first `count` blocks of a model: its shape with fewer of them.
inline model_config first_blocks(model_config config, int count) {
  AMQ_EXPECTS(count >= 1 && count <= config.blocks,
              "a model of " + std::to_string(config.blocks) + " blocks has no first " + std::to_string(count));
  auto const size = static_cast<std::size_t>(count);
  config.blocks = count;
  config.windows.resize(size);
  if (config.pruned()) config.shapes.resize(size);
  return config;
}

}  // namespace amq
