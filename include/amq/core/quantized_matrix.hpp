// What a quantizer returns: one matrix in any of the stored forms.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/outlier_matrix.hpp"
#include "amq/core/packed_matrix.hpp"
#include "amq/core/residual_stack.hpp"

namespace amq {

/// A (rows, cols) matrix as codes, codes with kept columns, a residual stack, or plain f32 (layers that are left alone,
/// formats of other programs). With `input_scales` s, the stored form stands for W diag(s): the value of column j is
/// the stored one divided by s[j] (AWQ, arXiv 2306.00978, before its scales are folded into the layer before).
/// Move-only.
class quantized_matrix {
 public:
  using stored_form = std::variant<packed_matrix, outlier_matrix, residual_stack, matrix<float>>;

  quantized_matrix(packed_matrix stored) : stored_(std::move(stored)) {}
  quantized_matrix(outlier_matrix stored) : stored_(std::move(stored)) {}
  quantized_matrix(residual_stack stored) : stored_(std::move(stored)) {}
  quantized_matrix(matrix<float> stored) : stored_(std::move(stored)) {}

  /// `stored` stands for W diag(input_scales). Throws precondition_error unless there is one scale an input.
  quantized_matrix(packed_matrix stored, std::vector<float> input_scales)
      : stored_(std::move(stored)), input_scales_(std::move(input_scales)) {
    AMQ_EXPECTS(std::ssize(input_scales_) == cols(), "quantized_matrix needs one scale for each of its " +
                                                         std::to_string(cols()) + " inputs, not " +
                                                         std::to_string(input_scales_.size()));
  }

  index rows() const {
    return std::visit([](auto const& stored) { return index{stored.rows()}; }, stored_);
  }
  index cols() const {
    return std::visit([](auto const& stored) { return index{stored.cols()}; }, stored_);
  }
  std::vector<float> const& input_scales() const { return input_scales_; }  ///< empty: none
  stored_form const& stored() const { return stored_; }

  /// The stored form, when it is a T; else null.
  template <class T>
  T const* get_if() const {
    return std::get_if<T>(&stored_);
  }

  /// The values in f32, (rows, cols).
  void dequantize(matrix_view<float> out) const {
    if (auto const* dense = get_if<matrix<float>>()) {
      AMQ_EXPECTS(out.rows == dense->rows() && out.cols == dense->cols(),
                  "quantized_matrix::dequantize needs an output of the matrix's own shape");
      for (index row = 0; row < out.rows; ++row) std::copy_n(dense->row(row).data(), out.cols, out.row(row).data());
    } else {
      std::visit([&](auto const& stored) { dequantize_stored(stored, out); }, stored_);
    }
    if (input_scales_.empty()) return;
    for (index row = 0; row < out.rows; ++row)
      for (index col = 0; col < out.cols; ++col) out(row, col) /= input_scales_[static_cast<std::size_t>(col)];
  }

  [[nodiscard]] quantized_matrix clone() const {
    auto copy = std::visit(
        [](auto const& stored) -> quantized_matrix {
          if constexpr (std::is_same_v<std::remove_cvref_t<decltype(stored)>, packed_matrix>)
            return stored;
          else
            return stored.clone();
        },
        stored_);
    copy.input_scales_ = input_scales_;
    return copy;
  }

  [[nodiscard]] matrix<float> dequantized() const {
    matrix<float> values(rows(), cols());
    dequantize(values);
    return values;
  }

 private:
  static void dequantize_stored(matrix<float> const&, matrix_view<float>) {}
  template <class Stored>
  static void dequantize_stored(Stored const& stored, matrix_view<float> out) {
    stored.dequantize(out);
  }

  stored_form stored_;
  std::vector<float> input_scales_;
};

}  // namespace amq
