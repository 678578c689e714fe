// Writes AWQ's format in the layout gemm, which vLLM and transformers load: 4 bits, other layers in 16.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/companions.hpp"
#include "amq/export/detail/gptq_config.hpp"
#include "amq/export/detail/whole_checkpoint.hpp"
#include "amq/export/detail/words.hpp"
#include "amq/export/export_report.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/awq.hpp"

namespace amq {

struct awq_files_options {
  bool exact = false;  ///< refuse codes that would have to be fitted again
};

namespace detail {

/// Of every 8 values in a row, 4 bits each: field j of their word holds the one that `order[j]` names.
inline word_matrix pack_gemm(matrix<std::uint8_t> const& codes) {
  constexpr std::array<int, 8> order{0, 2, 4, 6, 1, 3, 5, 7};
  word_matrix words(codes.rows(), codes.cols() / 8);
  for (index row = 0; row < words.rows(); ++row)
    for (index word = 0; word < words.cols(); ++word)
      for (std::size_t field = 0; field < order.size(); ++field)
        words(row, word) |= std::uint32_t{codes(row, 8 * word + order[field])} << (4 * field);
  return words;
}

/// `qweight` (inputs, outputs / 8), `qzeros` (groups, outputs / 8), `scales` (groups, outputs).
inline void put_awq(packed_matrix const& stored, layer_output& output) {
  auto const codes = unpacked(stored);
  matrix<std::uint8_t> turned(codes.cols(), codes.rows());
  for (index row = 0; row < codes.rows(); ++row)
    for (index col = 0; col < codes.cols(); ++col) turned(col, row) = codes(row, col);
  output.put(".qweight", dtype::i32, pack_gemm(turned));
  output.put(".qzeros", dtype::i32, pack_gemm(zeros_by_group(stored)));
  output.put(".scales", dtype::f16, scales_by_group(stored));
}

inline nlohmann::ordered_json awq_config(std::span<linear_layer const> layers, std::span<format const> formats) {
  nlohmann::ordered_json config{{"quant_method", "awq"}, {"bits", 4},         {"group_size", 128},
                                {"zero_point", true},    {"version", "gemm"}, {"modules_to_not_convert", {}}};
  auto left = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (formats[i].kept()) left.push_back(layers[i].name);
    if (!formats[i].kept()) config["group_size"] = formats[i].group;
  }
  left.push_back("lm_head");
  config["modules_to_not_convert"] = std::move(left);
  // What GPTQModel looks at instead.
  config["dynamic"] = gptq_dynamic(layers, formats, most_frequent(formats));
  return config;
}

}  // namespace detail

/// Writes model.safetensors, config.json and the source's other files into an existing, empty folder. Layers whose
/// format is not 4 bits must be kept ones; the report says how many stay in 16 bits. Zeros are integers: real ones are
/// rounded and the codes fitted again. Memory: one layer. Throws input_error for what the format cannot hold.
template <class Model>
export_report write_awq(Model const& source, quantized_source const& quantized, std::span<format const> formats,
                        std::filesystem::path const& folder, awq_files_options options = {}) {
  expect_exportable(awq_target(), source.linears(), formats);
  detail::zero_fitting fitting("awq", options.exact);
  export_report report;
  index kept = 0;
  auto const write_layer = [&](index i, quantized_matrix const& layer, detail::layer_output& output) {
    format const f = formats[static_cast<std::size_t>(i)];
    if (f.kept()) {
      ++kept;
      return output.put_kept(layer.dequantized());
    }
    auto const& codes = detail::expect_consecutive(layer, f, output.name(), "awq");
    detail::put_awq(fitting.fit(codes, output.name(), code_zeros(4), [&] { return source.weight(i); }), output);
  };
  report.weight_bytes = detail::write_checkpoint(source, quantized, folder, {{"format", "pt"}}, write_layer);
  fitting.report(report.notes);
  if (kept > 0)
    report.notes.push_back("AWQ's files hold 4 bits only: " + std::to_string(kept) + " of " +
                           std::to_string(formats.size()) + " linear layers stay in 16 bits.");
  detail::write_companions(source.checkpoint().folder(), folder,
                           {{"quantization_config", detail::awq_config(source.linears(), formats)}});
  return report;
}

}  // namespace amq
