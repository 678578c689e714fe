// What activations are rounded to, by name.
#pragma once

#include <string>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/kernel/cpu_path.hpp"

namespace amq::cli {

/// `automatic`: bf16 where this processor multiplies so many tokens faster that way than in f32.
inline precision precision_of(std::string const& name, index tokens) {
  if (name == "automatic") return preferred_precision(tokens);
  if (auto const known = parse_precision(name)) return *known;
  throw input_error("--precision " + name.substr(0, 40) + " is not offered; expected automatic, f32, bf16 or int8");
}

}  // namespace amq::cli
