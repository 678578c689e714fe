// Formats of files by name: what each can hold and costs, and spaces as they see them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amq/compose/nearest_names.hpp"
#include "amq/core/error.hpp"
#include "amq/model/llama.hpp"
#include "amq/space/format_space.hpp"
#include "amq/space/target.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/amq.hpp"
#include "amq/space/targets/awq.hpp"
#include "amq/space/targets/compressed_tensors.hpp"
#include "amq/space/targets/gguf.hpp"
#include "amq/space/targets/gptq.hpp"
#include "amq/space/targets/mlx.hpp"
#include "amq/space/tied_layers.hpp"

namespace amq {

/// Where a new format of files is announced to searches.
inline std::vector<target> targets() {
  return {amq_target(),
          compressed_tensors_target(),
          compressed_tensors_symmetric_target(),
          gptq_target(),
          gptq_symmetric_target(),
          awq_target(),
          mlx_target(),
          gguf_target()};
}

/// Throws input_error, with the names there are, for a name that no target has.
inline target find_target(std::string_view name) {
  auto const all = targets();
  std::vector<std::string_view> names;
  for (auto const& each : all) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  refuse_name(name, "a target", names);
}

/// Bytes of everything in `model` but its linear layers, as files of `wanted` hold it.
template <class Model>
std::int64_t other_bytes(Model const& model, target const& wanted) {
  return wanted.other_bits ? model.other_bytes(wanted.other_bits) : model.other_bytes();
}

/// The same of a checkpoint whose headers alone were read.
inline std::int64_t other_bytes(model_summary const& summary, target const& wanted) {
  if (!wanted.other_bits) return summary.other_bytes;
  std::int64_t bits = 0;
  for (auto const& [name, shape, type] : summary.others) bits += wanted.other_bits(name, shape, type);
  return (bits + 7) / 8;
}

/// Names of the targets that can hold this configuration, one format a layer.
inline std::vector<std::string> targets_that_hold(std::span<linear_layer const> layers,
                                                  std::span<format const> formats) {
  std::vector<std::string> names;
  for (auto const& each : targets()) try {
      expect_exportable(each, layers, formats);
      names.push_back(each.name);
    } catch (input_error const&) {  // not this one
    }
  return names;
}

}  // namespace amq
