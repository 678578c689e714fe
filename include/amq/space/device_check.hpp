// Whether what a model is to run on has a kernel for a format; said before a search starts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/tile_layout.hpp"

namespace amq {

/// What a quantized model is to run on.
enum class device : std::uint8_t {
  any,  ///< whatever holds dequantized weights, too
  cpu,  ///< kernels that read packed codes on the host
  cuda  ///< the same on a GPU, where nothing else is read
};

/// Throws input_error for a name that is none.
inline device device_named(std::string_view name) {
  if (name == "any") return device::any;
  if (name == "cpu") return device::cpu;
  if (name == "cuda") return device::cuda;
  throw input_error("'" + std::string(name.substr(0, 40)) + "' is no device; expected any, cpu or cuda");
}

/// Throws input_error, naming it, for a format that the device has no kernel for.
inline void expect_kernels(device wanted, std::span<format const> formats) {
  if (wanted == device::any) return;
  for (format const f : formats) {
    if (wanted == device::cuda && !f.kept() && !tile_layout::holds(f))
      throw input_error("no kernel runs " + spelling(f) +
                        " on cuda, where kernels read 2, 3, 4, 5, 6 and 8 bits in groups of 32, 64 and 128; leave the "
                        "format out, or --device");
    if (wanted == device::cpu && f.runs() == execution::dequantized)
      throw input_error("no kernel runs " + spelling(f) +
                        " on the cpu: it is dequantized when it is loaded; leave the format out, or --device");
  }
}

}  // namespace amq
