// Writes compressed-tensors' format pack-quantized, which vLLM and transformers load.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/companions.hpp"
#include "amq/export/detail/whole_checkpoint.hpp"
#include "amq/export/detail/words.hpp"
#include "amq/export/export_report.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/compressed_tensors.hpp"

namespace amq {

struct compressed_tensors_options {
  bool symmetric = false;  ///< no zeros: the middle code stands for 0 (codes are fitted to that where they must)
  bool exact = false;      ///< refuse codes that would have to be fitted again
};

namespace detail {

/// One scheme for each format in use, with the layers that have it by name.
inline nlohmann::ordered_json compressed_tensors_config(std::span<linear_layer const> layers,
                                                        std::span<format const> formats, bool symmetric) {
  auto const schemes = [&] {
    std::map<std::pair<int, int>, std::vector<std::string>> found;
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (!formats[i].kept()) found[{formats[i].bits, formats[i].group}].push_back(layers[i].name);
    return found;
  }();
  auto groups = nlohmann::ordered_json::object();
  for (auto const& [widths, names] : schemes) {
    bool const channel = widths.second == format::whole_row;
    nlohmann::ordered_json weights{{"num_bits", widths.first},    {"type", "int"},
                                   {"symmetric", symmetric},      {"strategy", channel ? "channel" : "group"},
                                   {"group_size", widths.second}, {"dynamic", false}};
    if (channel) weights["group_size"] = nullptr;
    groups["group_" + std::to_string(groups.size())] = {{"targets", names},
                                                        {"weights", std::move(weights)},
                                                        {"input_activations", nullptr},
                                                        {"output_activations", nullptr},
                                                        {"format", "pack-quantized"}};
  }
  auto ignored = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (formats[i].kept()) ignored.push_back(layers[i].name);
  ignored.push_back("lm_head");
  return {{"quant_method", "compressed-tensors"},
          {"format", "pack-quantized"},
          {"version", "0.20.0"},
          {"quantization_status", "compressed"},
          {"config_groups", groups},
          {"ignore", ignored},
          {"kv_cache_scheme", nullptr}};
}

/// Codes as a dense stream a row; zeros as one an output, each group a column; the shape, as rows may be padded.
inline void put_compressed_tensors(packed_matrix const& stored, bool symmetric, layer_output& output) {
  std::array<std::int64_t, 2> const shape{stored.rows(), stored.cols()};
  output.put(".weight_packed", dtype::i32, dense_rows(stored));
  output.put<std::int64_t>(".weight_shape", dtype::i64, {2}, shape);
  output.put<std::uint16_t>(".weight_scale", dtype::f16, {stored.rows(), stored.groups()}, stored.packed_scales());
  if (symmetric) return;
  output.put(".weight_zero_point", dtype::i32,
             transposed(pack_rows(zeros_by_group(stored), stored.storage().bits, pack_dense)));
}

}  // namespace detail

/// Writes model.safetensors, config.json and the source's other files into an existing, empty folder; scales in f16.
/// `formats` has one format a layer; layers that vLLM fuses must have the same. Zeros are integers: real ones are
/// rounded and the codes fitted again. Memory: one layer. Throws input_error for what the format cannot hold.
template <class Model>
export_report write_compressed_tensors(Model const& source, quantized_source const& quantized,
                                       std::span<format const> formats, std::filesystem::path const& folder,
                                       compressed_tensors_options options = {}) {
  auto const files = options.symmetric ? compressed_tensors_symmetric_target() : compressed_tensors_target();
  expect_exportable(files, source.linears(), formats);
  detail::zero_fitting fitting(files.name, options.exact);
  export_report report;
  auto const write_layer = [&](index i, quantized_matrix const& layer, detail::layer_output& output) {
    format const f = formats[static_cast<std::size_t>(i)];
    if (f.kept()) return output.put_kept(layer.dequantized());
    auto const& codes = detail::expect_consecutive(layer, f, output.name(), files.name);
    auto const range = options.symmetric ? middle_zero(f.bits) : code_zeros(f.bits);
    detail::put_compressed_tensors(fitting.fit(codes, output.name(), range, [&] { return source.weight(i); }),
                                   options.symmetric, output);
  };
  report.weight_bytes = detail::write_checkpoint(source, quantized, folder, {{"format", "pt"}}, write_layer);
  fitting.report(report.notes);
  auto config = detail::compressed_tensors_config(source.linears(), formats, options.symmetric);
  detail::write_companions(source.checkpoint().folder(), folder, {{"quantization_config", std::move(config)}});
  return report;
}

}  // namespace amq
