// Writes MLX's affine format, which mlx-lm loads.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/half.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/companions.hpp"
#include "amq/export/detail/usual_format.hpp"
#include "amq/export/detail/whole_checkpoint.hpp"
#include "amq/export/detail/words.hpp"
#include "amq/export/export_report.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/mlx.hpp"

namespace amq {
namespace detail {

/// `weight` is a dense stream of codes a row, in whole words; a value is scale * code + bias, bias = -zero * scale.
inline void put_mlx(packed_matrix const& stored, layer_output& output) {
  matrix<std::uint16_t> biases(stored.rows(), stored.groups());
  for (index row = 0; row < stored.rows(); ++row)
    for (index group = 0; group < stored.groups(); ++group)
      biases(row, group) = f32_to_f16(-stored.zero(row, group) * stored.scale(row, group));
  for (std::uint16_t const bias : std::span(biases.data(), static_cast<std::size_t>(biases.size())))
    if (!std::isfinite(f16_to_f32(bias)))
      throw input_error("the layer " + output.name() + " has a bias (-zero * scale) beyond 65504, which mlx cannot " +
                        "hold; choose a smaller group");
  output.put(".weight", dtype::u32, dense_rows(stored));
  output.put<std::uint16_t>(".scales", dtype::f16, {stored.rows(), stored.groups()}, stored.packed_scales());
  output.put(".biases", dtype::f16, biases);
}

/// The most frequent format, and an entry for each layer that has another or none.
inline nlohmann::ordered_json mlx_config(std::span<linear_layer const> layers, std::span<format const> formats) {
  format const usual = most_frequent(formats);
  nlohmann::ordered_json config{{"group_size", usual.group}, {"bits", usual.bits}, {"mode", "affine"}};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (formats[i].kept()) {
      config[layers[i].name] = false;
    } else if (formats[i] != usual) {
      config[layers[i].name] = {{"group_size", formats[i].group}, {"bits", formats[i].bits}, {"mode", "affine"}};
    }
  }
  return config;
}

}  // namespace detail

/// Writes model.safetensors, config.json and the source's other files into an existing, empty folder. Codes, scales and
/// zeros as they are; biases rounded to f16, at most zero / 2048 of a step. Memory: one layer. Throws input_error for
/// what the format cannot hold.
template <class Model>
export_report write_mlx(Model const& source, quantized_source const& quantized, std::span<format const> formats,
                        std::filesystem::path const& folder) {
  expect_exportable(mlx_target(), source.linears(), formats);
  export_report report;
  auto const write_layer = [&](index i, quantized_matrix const& layer, detail::layer_output& output) {
    format const f = formats[static_cast<std::size_t>(i)];
    if (f.kept()) return output.put_kept(layer.dequantized());
    detail::put_mlx(detail::expect_consecutive(layer, f, output.name(), "mlx"), output);
  };
  report.weight_bytes = detail::write_checkpoint(source, quantized, folder, {{"format", "mlx"}}, write_layer);
  auto const config = detail::mlx_config(source.linears(), formats);
  detail::write_companions(source.checkpoint().folder(), folder,
                           {{"quantization", config}, {"quantization_config", config}});
  return report;
}

}  // namespace amq
