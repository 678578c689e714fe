// The golden checkpoint tiny_llama_f16 quantized by HQQ, each layer in a format of its own, for tests of exporters.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "amq/core/quantized_model.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/refit.hpp"
#include "amq/space/target.hpp"

namespace amq_test {

struct mixed_model {
  amq::llama model = amq::llama::load(AMQ_TESTS_FOLDER "/data/formats/tiny_llama_f16");
  std::vector<amq::format> formats;
  amq::quantized_memory quantized;

  /// The choices in turn, a choice for each set of layers that engines fuse; zeros real, or moved into `zeros(bits)`.
  template <class Zeros>
  mixed_model(std::vector<amq::format> const& choices, Zeros const& zeros) {
    std::size_t turn = 0;
    for (auto const& layer : model.linears()) {
      bool const follows =
          layer.name.ends_with("k_proj") || layer.name.ends_with("v_proj") || layer.name.ends_with("up_proj");
      if (!follows) ++turn;
      formats.push_back(choices[turn % choices.size()]);
      auto const i = quantized.layers();
      amq::format const f = formats.back();
      if (f.kept()) {
        quantized.layer(i, model.weight(i));
      } else {
        auto const weights = model.weight(i);
        quantized.layer(i, zeros(amq::hqq{}.quantize(weights, f, {}), weights));
      }
    }
  }
  explicit mixed_model(std::vector<amq::format> const& choices)
      : mixed_model(choices, [](amq::packed_matrix stored, amq::matrix<float> const&) { return stored; }) {}

  /// With integer zeros in 0 .. 2^bits - 1, or in the range that `range(bits)` gives.
  template <class Range>
  static mixed_model with_zeros(std::vector<amq::format> const& choices, Range const& range) {
    return {choices, [&](amq::packed_matrix const& stored, amq::matrix<float> const& weights) {
              return amq::refit_zeros(stored, weights, range(stored.storage().bits));
            }};
  }

  /// Bytes that the target promises for this configuration.
  std::int64_t predicted(amq::target const& files) const {
    std::int64_t bits = 0;
    for (std::size_t i = 0; i < formats.size(); ++i) bits += files.stored_bits(model.linears()[i], formats[i]);
    return (bits + 7) / 8 + model.other_bytes();
  }
};

}  // namespace amq_test
