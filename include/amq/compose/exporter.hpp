// One format of files: how a quantized model is written in it, and read back to be measured.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "amq/compose/targets.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/export_report.hpp"
#include "amq/export/huggingface.hpp"
#include "amq/quantize/refit.hpp"
#include "amq/space/target.hpp"
#include "amq/space/target_check.hpp"

namespace amq {

/// One format of files. Functions that are empty are not needed by it.
template <class Model>
struct exporter {
  using writer = std::function<export_report(Model const& source, quantized_source const& quantized,
                                             std::span<format const> formats, std::filesystem::path const& folder)>;

  std::string name;
  std::string description;
  std::optional<target> files;                ///< byte model and what can be held; nothing: any configuration, 16 bits
  std::function<zero_range(int bits)> zeros;  ///< what zeros it holds; empty: any
  writer write;
  /// What a reader of the written folder gets; empty: the layers as they were given, with `zeros`.
  std::function<std::unique_ptr<quantized_source>(Model const& source, std::filesystem::path const& folder)> read_back;
  bool weights = true;  ///< false: a table for a program that quantizes itself
};

/// A Hugging Face folder that transformers and lm-eval load.
template <class Model>
exporter<Model> huggingface_exporter() {
  return {"hf",
          "transformers, lm-eval: dequantized, in the source's dtype",
          std::nullopt,
          {},
          [](Model const& source, quantized_source const& quantized, std::span<format const>,
             std::filesystem::path const& folder) {
            export_report report;
            report.weight_bytes = write_huggingface(source, quantized, folder);
            return report;
          },
          {}};
}

/// Throws input_error, naming layers and the formats that could, unless `files` can hold this configuration.
template <class Model>
void expect_holds(exporter<Model> const& files, std::span<linear_layer const> layers, std::span<format const> formats) {
  if (!files.files) return;
  try {
    expect_exportable(*files.files, layers, formats);
  } catch (input_error const& refusal) {
    std::string others;
    for (auto const& name : targets_that_hold(layers, formats)) others += ", " + name;
    throw input_error(std::string(refusal.what()) + "; formats that can hold it: hf" + others);
  }
}

}  // namespace amq
