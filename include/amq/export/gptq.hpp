// Writes GPTQ's format, which GPTQModel, transformers and (4 and 8 bits, symmetric) vLLM load.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/companions.hpp"
#include "amq/export/detail/gptq_config.hpp"
#include "amq/export/detail/whole_checkpoint.hpp"
#include "amq/export/detail/words.hpp"
#include "amq/export/export_report.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/gptq.hpp"

namespace amq {

struct gptq_files_options {
  /// Of `checkpoint_format`: 2 ("gptq_v2", or "gptq_p" where some layer has 5, 6 or 7 bits) stores zeros as they are; 1
  /// ("gptq") stores zero - 1, so it cannot hold a zero of 0, and GPTQModel takes it from other programs for symmetric
  /// models only.
  int version = 2;
  bool symmetric = false;  ///< the middle code stands for 0 (codes are fitted to that where they must)
  bool exact = false;      ///< refuse codes that would have to be fitted again
};

namespace detail {

/// GPTQModel takes files in which some layer has 5, 6 or 7 bits as planar ones, 3 bits included.
inline bool needs_planes(std::span<format const> formats) {
  return std::any_of(formats.begin(), formats.end(), [](format f) { return f.bits >= 5 && f.bits <= 7; });
}

/// Codes of an output lie down its column of `qweight` (inputs * b / 32, outputs); zeros of `qzeros` (groups, outputs *
/// b / 32) along the outputs; `scales` (groups, outputs); `g_idx` (inputs).
inline void put_gptq(packed_matrix const& stored, int version, bool planar, layer_output& output) {
  int const bits = stored.storage().bits;
  auto const zeros = zeros_by_group(stored, version == 1 ? 1 : 0);
  output.put(".qweight", dtype::i32,
             transposed(planar ? pack_rows(unpacked(stored), bits, pack_planar) : dense_rows(stored)));
  output.put(".qzeros", dtype::i32, pack_rows(zeros, bits, planar ? pack_planar : pack_dense));
  output.put(".scales", dtype::f16, scales_by_group(stored));
  std::vector<std::int32_t> groups(stored.column_groups().begin(), stored.column_groups().end());
  index const size = stored.storage().group_size(stored.cols());
  for (index col = 0; groups.size() < static_cast<std::size_t>(stored.cols()); ++col)
    groups.push_back(static_cast<std::int32_t>(col / size));
  output.put<std::int32_t>(".g_idx", dtype::i32, {stored.cols()}, groups);
}

/// What the layers had in common, found while they are written.
struct gptq_findings {
  bool symmetric = true;
  bool permuted = false;

  void see(packed_matrix const& stored) {
    symmetric = symmetric && zeros_fit(stored, middle_zero(stored.storage().bits));
    permuted = permuted || !stored.column_groups().empty();
  }
};

}  // namespace detail

/// Writes model.safetensors, config.json and the source's other files into an existing, empty folder. `formats` has one
/// format a layer; the most frequent one is the default, others go into `dynamic`. Zeros are integers: real ones are
/// rounded and the codes fitted again. Groups of inputs that are not consecutive (act_order without static groups) make
/// `desc_act` true. Memory: one layer. Throws input_error for what the format cannot hold.
template <class Model>
export_report write_gptq(Model const& source, quantized_source const& quantized, std::span<format const> formats,
                         std::filesystem::path const& folder, gptq_files_options options = {}) {
  AMQ_EXPECTS(options.version == 1 || options.version == 2,
              "write_gptq knows versions 1 and 2, not " + std::to_string(options.version));
  expect_exportable(options.symmetric ? gptq_symmetric_target() : gptq_target(), source.linears(), formats);
  bool const planar = detail::needs_planes(formats);
  if (planar && options.version == 1)
    throw input_error(
        "version 1 of gptq's files has no layout for 5, 6 and 7 bits; write version 2, or search with 2, 3, "
        "4 and 8 bits");
  std::string const name = options.version == 1 ? "gptq (version 1)" : "gptq";
  detail::zero_fitting fitting(name, options.exact);
  detail::gptq_findings findings;
  export_report report;
  auto const write_layer = [&](index i, quantized_matrix const& layer, detail::layer_output& output) {
    format const f = formats[static_cast<std::size_t>(i)];
    if (f.kept()) return output.put_kept(layer.dequantized());
    auto const& codes = detail::expect_codes(layer, f, output.name(), name);
    zero_range range = options.symmetric ? middle_zero(f.bits) : code_zeros(f.bits);
    if (options.version == 1) range.lowest = std::max(range.lowest, 1);
    auto const fitted = fitting.fit(codes, output.name(), range, [&] { return source.weight(i); });
    findings.see(fitted);
    detail::put_gptq(fitted, options.version, planar, output);
  };
  report.weight_bytes = detail::write_checkpoint(source, quantized, folder, {{"format", "pt"}}, write_layer);
  fitting.report(report.notes);
  auto config = detail::gptq_config(source.linears(), formats, findings.symmetric, findings.permuted);
  config["checkpoint_format"] = planar ? "gptq_p" : options.version == 1 ? "gptq" : "gptq_v2";
  detail::write_companions(source.checkpoint().folder(), folder, {{"quantization_config", std::move(config)}});
  return report;
}

}  // namespace amq
