// A quantizer at work on layers that share an input: what they share is done once, what it notes is kept.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "amq/concepts/noting_quantizer.hpp"
#include "amq/concepts/preparing_quantizer.hpp"

namespace amq::detail {

struct no_preparation {};

template <class Quantizer>
struct preparation_of {
  using type = no_preparation;
};
template <preparing_quantizer Quantizer>
struct preparation_of<Quantizer> {
  using type = typename Quantizer::preparation;
};

template <matrix_quantizer Quantizer>
class shared_work {
 public:
  /// The statistics' owner must outlive this.
  shared_work(Quantizer const& quantizer, layer_statistics statistics)
      : quantizer_(&quantizer), statistics_(statistics) {}

  quantized_matrix quantize(matrix_view<float const> weights, format wanted) {
    if constexpr (preparing_quantizer<Quantizer>) {
      if (!prepared_) prepared_.emplace(quantizer_->prepare(statistics_));
      note_ = prepared_->note;
      return quantizer_->quantize(weights, wanted, statistics_, *prepared_);
    } else if constexpr (noting_quantizer<Quantizer>) {
      return quantizer_->quantize(weights, wanted, statistics_, note_);
    } else {
      return quantizer_->quantize(weights, wanted, statistics_);
    }
  }

  /// Of the last layer; empty where there is none.
  std::string const& note() const { return note_; }

 private:
  Quantizer const* quantizer_;
  layer_statistics statistics_;
  std::optional<typename preparation_of<Quantizer>::type> prepared_;
  std::string note_;
};

}  // namespace amq::detail
