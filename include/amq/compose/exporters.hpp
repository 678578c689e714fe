// Formats of files by name: how each is written, and read back to be measured.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/compose/exporter.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/amq.hpp"
#include "amq/export/awq.hpp"
#include "amq/export/compressed_tensors.hpp"
#include "amq/export/export_report.hpp"
#include "amq/export/gguf.hpp"
#include "amq/export/gguf_model.hpp"
#include "amq/export/gptq.hpp"
#include "amq/export/mlx.hpp"
#include "amq/export/override_tables.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/quantize/refit.hpp"

namespace amq {

/// Whether any layer is stored as codes or levels, and not in 16 or 32 bits.
inline bool holds_codes(quantized_source const& quantized) {
  for (index layer = 0; layer < quantized.layers(); ++layer)
    if (quantized.layer(layer).get_if<matrix<float>>() == nullptr) return true;
  return false;
}

/// Where a new exporter is announced. `exact`: a real zero that a format does not hold is refused, not rounded.
template <class Model>
std::vector<exporter<Model>> exporters(bool exact = false) {
  auto const symmetric_zero = [](int bits) { return middle_zero(bits); };
  auto const integer_zeros = [](int bits) { return code_zeros(bits); };
  std::vector<exporter<Model>> all;
  all.push_back(huggingface_exporter<Model>());
  all.push_back({"amq", "this library: packed, memory-mapped", amq_target(), {}, write_amq<Model>, {}});
  all.push_back({"compressed-tensors",
                 "vLLM, transformers: pack-quantized, integer zeros",
                 compressed_tensors_target(),
                 integer_zeros,
                 [exact](auto const& source, auto const& quantized, auto formats, auto const& folder) {
                   return write_compressed_tensors(source, quantized, formats, folder, {.exact = exact});
                 },
                 {}});
  all.push_back({"compressed-tensors-symmetric",
                 "the same without zeros",
                 compressed_tensors_symmetric_target(),
                 symmetric_zero,
                 [exact](auto const& source, auto const& quantized, auto formats, auto const& folder) {
                   return write_compressed_tensors(source, quantized, formats, folder,
                                                   {.symmetric = true, .exact = exact});
                 },
                 {}});
  all.push_back({"gptq",
                 "GPTQModel: int32 words, integer zeros",
                 gptq_target(),
                 integer_zeros,
                 [exact](auto const& source, auto const& quantized, auto formats, auto const& folder) {
                   return write_gptq(source, quantized, formats, folder, {.exact = exact});
                 },
                 {}});
  all.push_back({"gptq-symmetric",
                 "GPTQModel, vLLM (4 and 8 bits): the same without zeros, version 1",
                 gptq_symmetric_target(),
                 symmetric_zero,
                 [exact](auto const& source, auto const& quantized, auto formats, auto const& folder) {
                   return write_gptq(source, quantized, formats, folder,
                                     {.version = 1, .symmetric = true, .exact = exact});
                 },
                 {}});
  all.push_back({"awq",
                 "transformers, vLLM: 4 bits, gemm layout",
                 awq_target(),
                 integer_zeros,
                 [exact](auto const& source, auto const& quantized, auto formats, auto const& folder) {
                   return write_awq(source, quantized, formats, folder, {.exact = exact});
                 },
                 {}});
  all.push_back({"mlx", "mlx-lm: affine with f16 biases", mlx_target(), {}, write_mlx<Model>, {}});
  all.push_back({"gguf",
                 "llama.cpp: block types, quantized anew from the source",
                 gguf_target(),
                 {},
                 [exact](auto const& source, auto const& quantized, auto formats, auto const& folder) {
                   // What was quantized into blocks is written as it was measured: from the source, like there.
                   if (!holds_codes(quantized)) return write_gguf(source, formats, folder);
                   if (exact)
                     throw input_error(
                         "GGUF's blocks cannot hold another quantizer's codes; leave --exact out to have their values "
                         "quantized once more, or use the quantizer gguf");
                   auto report = write_gguf(source, quantized, formats, folder);
                   report.notes.push_back("The quantizer's values were quantized once more into GGUF's blocks.");
                   return report;
                 },
                 [](auto const& source, auto const& folder) -> std::unique_ptr<quantized_source> {
                   return std::make_unique<gguf_model<Model>>(source, folder / "model.gguf");
                 }});
  auto const table = [&all](std::string name, std::string description, std::string note, auto const& make) {
    auto const write = [name, note, make](Model const& source, quantized_source const&, std::span<format const> formats,
                                          std::filesystem::path const& folder) {
      write_file(folder / (name + ".json"), make(source.linears(), formats, false).dump(1) + "\n");
      return export_report{0, {note}};
    };
    auto files = gptq_target();
    files.name = name;
    all.push_back({name, std::move(description), std::move(files), {}, write, {}, false});
  };
  table("autoround", "AutoRound: its layer_config, no weights",
        "Only the table autoround.json was written: AutoRound quantizes by itself.", autoround_table);
  table("vllm", "vLLM: --hf-overrides for weights in GPTQ's format, no weights",
        "Only the table vllm.json was written, for weights in GPTQ's format; vLLM runs 4 and 8 bits of it.",
        vllm_table);
  return all;
}

/// Throws input_error, with the names there are, for a name that no exporter has.
template <class Model>
exporter<Model> find_exporter(std::string_view name, bool exact = false) {
  auto all = exporters<Model>(exact);
  std::vector<std::string_view> names;
  for (auto const& each : all) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  refuse_name(name, "a format of files", names);
}

}  // namespace amq
