// What the commands that run a model begin with: formats by widths, shapes, memory.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/available_memory.hpp"
#include "amq/core/error.hpp"
#include "amq/model/known_shapes.hpp"
#include "options.hpp"
#include "spaces.hpp"

namespace amq::cli {

/// As formats_of, and 16 bits, the model as it is, last.
inline std::vector<format> running_formats(std::vector<int> bits, int group) {
  auto const plain = std::erase(bits, 16);
  std::vector<format> formats;
  if (!bits.empty() || plain == 0) formats = formats_of(std::move(bits), group);
  if (plain > 0) formats.push_back(kept<bf16>::value);
  return formats;
}

/// The shape asked for by name, or the model's.
inline model_config shape_of(subject_options const& subject) {
  return subject.shape ? shape_named(*subject.shape) : load_config(*subject.model, quantized_models::amq);
}

/// What random weights may take.
inline std::int64_t weight_memory(subject_options const& subject) {
  if (subject.memory_gib) return static_cast<std::int64_t>(std::min(*subject.memory_gib, 1e6) * 1073741824.0);
  return available_memory() / 2;
}

}  // namespace amq::cli
