// The embedded model in our own files, quantized by HQQ.
#pragma once

#include <filesystem>
#include <vector>

#include "amq/core/quantized_model.hpp"
#include "amq/export/amq.hpp"
#include "amq/kernel/dense_product.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "support/files.hpp"

namespace amq_test {

inline std::filesystem::path embedded_model() { return AMQ_SOURCE_FOLDER "/examples/models/tiny"; }

struct packed_embedded {
  scratch_folder folder;
  amq::llama source = amq::llama::load(embedded_model());
  std::vector<amq::dense_matrix> dequantized;  ///< what the files stand for, layer after layer

  /// 3 bits in groups of 128, but for layers that edit(formats) changes.
  template <class Edit>
  explicit packed_embedded(Edit const& edit) {
    std::vector<amq::format> formats(source.linears().size(), {3, 128});
    edit(formats);
    amq::quantized_memory quantized;
    for (std::size_t i = 0; i < formats.size(); ++i) {
      auto const layer = static_cast<amq::index>(i);
      if (formats[i].kept())
        quantized.layer(layer, source.weight(layer));
      else
        quantized.layer(layer, amq::hqq{}.quantize(source.weight(layer), formats[i], {}));
      dequantized.emplace_back(quantized.layer(layer).dequantized());
    }
    amq::write_amq(source, quantized, formats, folder.path());
  }
};

}  // namespace amq_test
