// What files of a format can hold and what they cost, known before any work: the byte model of a search's target.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/dtype.hpp"
#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// What zeros a format stores.
enum class stored_zeros : std::uint8_t {
  real,     ///< any f16
  integer,  ///< codes: a real zero is rounded and the codes are fitted again
  none      ///< symmetric: the zero is the middle code
};

/// A format of files. Sizes are exact: the sum over layers and other tensors is what the weight files hold beside their
/// headers.
struct target {
  std::string name;  ///< as in `--target` and `--format`

  /// Bits of everything that the files hold for a linear layer stored so.
  std::function<std::int64_t(linear_layer const&, format)> stored_bits;

  /// Why the layer cannot be stored so, as the end of a sentence that begins with its name; empty where it can.
  std::function<std::string(linear_layer const&, format)> refusal;

  /// Bits of a tensor that is no linear layer's matrix; empty: as in the source.
  std::function<std::int64_t(std::string const& name, std::span<index const> shape, dtype type)> other_bits;

  /// Endings of names of layers that a reader of these files fuses, and which must therefore share a choice.
  std::vector<std::vector<std::string>> fused;

  stored_zeros zeros = stored_zeros::real;

  bool one_group = false;  ///< all quantized layers share one group size
};

/// The layers that vLLM and its relatives fuse.
inline std::vector<std::vector<std::string>> fused_projections() {
  return {{"q_proj", "k_proj", "v_proj"}, {"gate_proj", "up_proj"}};
}

}  // namespace amq
