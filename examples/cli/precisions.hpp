// What activations are rounded to, by name: on the host and on GPUs.
#pragma once

#include <string>

#include "amq/core/dtype.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/kernel/cpu_path.hpp"

namespace amq::cli {

/// `automatic`: bf16 where this processor multiplies so many tokens faster that way than in f32.
inline precision precision_of(std::string const& name, index tokens) {
  if (name == "automatic") return preferred_precision(tokens);
  if (auto const known = parse_precision(name)) return *known;
  throw input_error("--precision " + name.substr(0, 40) +
                    " is not offered on the cpu; expected automatic, f32, bf16 or int8");
}

/// The same of a GPU, where `automatic` is bf16.
inline dtype numbers_of(std::string const& name) {
  if (name == "automatic" || name == "bf16") return dtype::bf16;
  if (name == "f16") return dtype::f16;
  if (name == "f32") return dtype::f32;
  throw input_error("--precision " + name.substr(0, 40) +
                    " is not offered on cuda; expected automatic, f32, bf16 or f16");
}

/// As `--precision` spells it.
inline std::string precision_name(dtype numbers) {
  return numbers == dtype::bf16 ? "bf16" : numbers == dtype::f16 ? "f16" : "f32";
}

}  // namespace amq::cli
