// A quantized model as files with integer zeros will hold it: so that what is measured is what is written.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/quantized_model.hpp"
#include "amq/quantize/refit.hpp"

namespace amq {

/// Layers of `stored` with zeros in `range(bits)`, codes fitted again where they have to be; everything else as it is.
/// Both must outlive it. `range` empty: everything as it is.
template <class Model>
class refitted_source : public quantized_source {
 public:
  refitted_source(Model const& model, quantized_source const& stored, std::function<zero_range(int bits)> range)
      : model_(&model), stored_(&stored), range_(std::move(range)) {}

  index layers() const override { return stored_->layers(); }

  quantized_matrix layer(index layer) const override {
    auto quantized = stored_->layer(layer);
    auto const* const codes = quantized.template get_if<packed_matrix>();
    if (!range_ || codes == nullptr || !quantized.input_scales().empty()) return quantized;
    auto const range = range_(codes->storage().bits);
    if (zeros_fit(*codes, range)) return quantized;
    return refit_zeros(*codes, model_->weight(layer), range);
  }

  std::optional<std::vector<float>> replaced(std::string const& tensor) const override {
    return stored_->replaced(tensor);
  }
  std::vector<std::string> replaced_names() const override { return stored_->replaced_names(); }

 private:
  Model const* model_;
  quantized_source const* stored_;
  std::function<zero_range(int bits)> range_;
};

}  // namespace amq
