// Beside a GGUF file, what llama.cpp's own quantizer needs to make one of the same types.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "amq/compose/exporter.hpp"
#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/export_report.hpp"
#include "amq/export/gguf_importance.hpp"
#include "amq/export/gguf_recipe.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// `files`, the exporter of GGUF, which then also writes `tensor_types.txt` (`llama-quantize --tensor-type-file`) and
/// `importance.imatrix` (`llama-quantize --imatrix`): sums of squares of what the unquantized layers are given by
/// `calibration`, which `dataset` names. One pass over the model. Tokens and executor must outlive the result.
template <class Model, class Executor>
exporter<Model> with_gguf_companions(exporter<Model> files, token_sequences const& calibration, std::string dataset,
                                     Executor& executor) {
  files.write = [write = std::move(files.write), &calibration, dataset = std::move(dataset), &executor](
                    Model const& source, quantized_source const& quantized, std::span<format const> formats,
                    std::filesystem::path const& folder) {
    auto report = write(source, quantized, formats, folder);
    write_file(folder / "tensor_types.txt", gguf_recipe(source, formats));
    auto const observed = gguf_calibration_of(source, calibration, executor);
    write_gguf_imatrix(source, observed.sums, dataset, calibration.length(), folder / "importance.imatrix");
    return report;
  };
  return files;
}

}  // namespace amq
