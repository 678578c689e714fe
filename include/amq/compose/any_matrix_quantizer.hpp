// A matrix_quantizer whose type is known at run time only: banks and walks over models are compiled once for all of
// them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/concepts/preparing_quantizer.hpp"
#include "amq/evaluate/device_request.hpp"

namespace amq {

/// Models matrix_quantizer and preparing_quantizer. Shares the one it was made of; a virtual call a matrix.
class any_matrix_quantizer {
 public:
  using policy_category = quantizer_category;
  static constexpr bool uses_statistics = true;

  /// What layers with one input share; empty where there is nothing to prepare.
  struct preparation {
    std::shared_ptr<void const> shared;
    std::string note;
  };

  template <matrix_quantizer Quantizer>
  explicit any_matrix_quantizer(Quantizer quantizer)
      : self_(std::make_shared<holder<Quantizer> const>(std::move(quantizer))) {}

  /// Whether it wants statistics of the inputs of a layer that takes this format.
  bool needs_statistics_for(format f) const { return self_->needs_statistics_for(f); }

  preparation prepare(layer_statistics const& statistics) const { return self_->prepare(statistics); }
  quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics) const {
    return self_->quantize(weights, f, statistics);
  }
  quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics,
                            preparation const& prepared) const {
    return self_->quantize(weights, f, statistics, prepared);
  }

  std::string name() const { return self_->name(); }

  /// How a device makes this format as the one within would.
  std::optional<cuda::quantizer_request> device_request(format f) const { return self_->device_request(f); }

 private:
  struct erased {
    virtual ~erased() = default;
    virtual bool needs_statistics_for(format f) const = 0;
    virtual preparation prepare(layer_statistics const& statistics) const = 0;
    virtual quantized_matrix quantize(matrix_view<float const> weights, format f,
                                      layer_statistics const& statistics) const = 0;
    virtual quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics,
                                      preparation const& prepared) const = 0;
    virtual std::string name() const = 0;
    virtual std::optional<cuda::quantizer_request> device_request(format f) const = 0;
  };

  template <class Quantizer>
  struct holder final : erased {
    explicit holder(Quantizer quantizer) : quantizer_(std::move(quantizer)) {}

    bool needs_statistics_for(format f) const override {
      if constexpr (requires { quantizer_.needs_statistics_for(f); })
        return quantizer_.needs_statistics_for(f);
      else
        return needs_statistics<Quantizer> && !f.kept();
    }
    preparation prepare([[maybe_unused]] layer_statistics const& statistics) const override {
      if constexpr (preparing_quantizer<Quantizer>) {
        auto shared = std::make_shared<typename Quantizer::preparation const>(quantizer_.prepare(statistics));
        auto note = shared->note;
        return {std::move(shared), std::move(note)};
      } else {
        return {};
      }
    }
    quantized_matrix quantize(matrix_view<float const> weights, format f,
                              layer_statistics const& statistics) const override {
      return quantizer_.quantize(weights, f, statistics);
    }
    quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics,
                              [[maybe_unused]] preparation const& prepared) const override {
      if constexpr (preparing_quantizer<Quantizer>)
        return quantizer_.quantize(weights, f, statistics,
                                   *static_cast<typename Quantizer::preparation const*>(prepared.shared.get()));
      else
        return quantizer_.quantize(weights, f, statistics);
    }
    std::string name() const override { return quantizer_.name(); }
    std::optional<cuda::quantizer_request> device_request(format f) const override {
      return amq::device_request(quantizer_, f);
    }

    Quantizer quantizer_;
  };

  std::shared_ptr<erased const> self_;
};
static_assert(preparing_quantizer<any_matrix_quantizer>);

}  // namespace amq
