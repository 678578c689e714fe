// Writes this library's own format: packed layers and everything else of the model in one memory-mapped file.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/companions.hpp"
#include "amq/export/export_report.hpp"
#include "amq/io/packed_model_writer.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/amq.hpp"

namespace amq {

/// Writes `folder`/model.safetensors, to be read as packed_model, and the source's companions into an existing, empty
/// folder. Codes, scales and zeros bit for bit, in the packed layout that kernels read from the mapped file where it
/// holds the format; norms and biases that a quantizer changed in their source's dtype.
/// Memory: one layer. Throws input_error when the disk refuses.
template <class Model>
export_report write_amq(Model const& source, quantized_source const& quantized, std::span<format const> formats,
                        std::filesystem::path const& folder) {
  expect_exportable(amq_target(), source.linears(), formats);
  std::vector<std::string> names;
  for (auto const& other : source.others()) names.push_back(other.name);
  packed_model_writer file(folder / "model.safetensors", source.linears(), names, dense_storage::sixteen_bits,
                           code_storage::tiles);
  for (index i = 0; i < quantized.layers(); ++i) file.layer(i, quantized.layer(i));
  for (auto const& name : names) {
    auto const& tensor = source.checkpoint().tensor(name);
    if (auto const values = quantized.replaced(name)) {
      file.vector({tensor.name, tensor.type, tensor.shape}, *values);
    } else {
      file.copy(tensor);
    }
  }
  export_report report;
  report.weight_bytes = file.data_bytes();
  file.commit();
  detail::write_companions(source.checkpoint().folder(), folder, {{"quantization_config", {{"quant_method", "amq"}}}});
  return report;
}

}  // namespace amq
