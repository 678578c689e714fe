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

/// What random weights may take: bytes. Throws input_error for more than there is.
inline std::int64_t weight_memory(subject_options const& subject) {
  auto const there = available_memory();
  if (!subject.memory_gib) return there / 2;
  auto const asked = static_cast<std::int64_t>(std::min(*subject.memory_gib, 1e6) * 1073741824.0);
  if (asked > there)
    throw input_error("--memory-gib asks for " + std::to_string(asked >> 20) + " MiB and " +
                      std::to_string(there >> 20) + " MiB are free; ask for less");
  return asked;
}

}  // namespace amq::cli
