// Records what the linear layers of a block are given while it runs one sequence.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/quantize/detail/group_range.hpp"

namespace amq::detail {

/// One input (tokens, cols) and the layers that were given it.
struct recorded_input {
  std::vector<index> layers;
  matrix<float> rows;
};

/// An observer for `observed_weights`.
class input_recorder {
 public:
  input_recorder(std::span<linear_layer const> linears, index sequence) : linears_(linears), sequence_(sequence) {}

  void operator()(index layer, matrix_view<float const> x) {
    if (!inputs_.empty() && is_last(x)) {
      inputs_.back().layers.push_back(layer);
      return;
    }
    check_finite(layer, x);
    inputs_.push_back({{layer}, clone(x)});
    last_ = x.data;
  }

  std::vector<recorded_input> take() { return std::move(inputs_); }

 private:
  /// The same place is not enough: a block writes other inputs into the buffers it has.
  bool is_last(matrix_view<float const> x) const {
    auto const& rows = inputs_.back().rows;
    if (x.data != last_ || x.rows != rows.rows() || x.cols != rows.cols()) return false;
    for (index r = 0; r < x.rows; ++r)
      if (std::memcmp(x.row(r).data(), rows.row(r).data(), x.row(r).size_bytes()) != 0) return false;
    return true;
  }

  void check_finite(index layer, matrix_view<float const> x) const {
    for (index token = 0; token < x.rows; ++token)
      if (!simd::range_of(x.row(token).data(), x.cols).finite) refuse(layer, token, x.row(token));
  }

  [[noreturn]] void refuse(index layer, index token, std::span<float const> row) const {
    auto const bad = std::find_if_not(row.begin(), row.end(), [](float value) { return std::isfinite(value); });
    throw input_error("the inputs of " + linears_[static_cast<std::size_t>(layer)].name + " hold " +
                      std::to_string(*bad) + " (sequence " + std::to_string(sequence_) + ", token " +
                      std::to_string(token) + ", channel " + std::to_string(bad - row.begin()) +
                      "); calibration needs finite activations, so check the model's weights and the tokens");
  }

  std::span<linear_layer const> linears_;
  index sequence_;
  std::vector<recorded_input> inputs_;
  float const* last_ = nullptr;
};

}  // namespace amq::detail
