// A packed matrix a few of whose columns stay in 16 bits (OWQ, arXiv 2306.02272).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"

namespace amq {

/// A packed (rows, cols) matrix, and f16 values (rows, n) that replace its columns `columns()`, which rise.
class outlier_matrix {
 public:
  /// Throws precondition_error unless `columns` rise within the matrix and `values` has one column for each.
  outlier_matrix(packed_matrix packed, std::vector<std::int32_t> columns, matrix<std::uint16_t> values)
      : packed_(std::move(packed)), columns_(std::move(columns)), values_(std::move(values)) {
    auto const out_of_order = [](std::int32_t a, std::int32_t b) { return a >= b; };
    AMQ_EXPECTS(std::adjacent_find(columns_.begin(), columns_.end(), out_of_order) == columns_.end() &&
                    (columns_.empty() || (columns_.front() >= 0 && columns_.back() < packed_.cols())),
                "outlier_matrix needs rising columns below " + std::to_string(packed_.cols()));
    AMQ_EXPECTS(columns_.empty() || (values_.rows() == packed_.rows() && values_.cols() == std::ssize(columns_)),
                "outlier_matrix needs one column of values for each of its " + std::to_string(columns_.size()) +
                    " columns, and as many rows as the packed matrix");
  }

  index rows() const { return packed_.rows(); }
  index cols() const { return packed_.cols(); }
  packed_matrix const& packed() const { return packed_; }
  std::span<std::int32_t const> columns() const { return columns_; }
  /// f16 bits, (rows, number of columns).
  matrix_view<std::uint16_t const> values() const { return values_; }

  [[nodiscard]] outlier_matrix clone() const { return {packed_, columns_, values_.clone()}; }

  /// O(rows * cols).
  void dequantize(matrix_view<float> out) const {
    packed_.dequantize(out);
    for (index row = 0; row < rows(); ++row)
      for (std::size_t i = 0; i < columns_.size(); ++i)
        out(row, columns_[i]) = f16_to_f32(values_(row, static_cast<index>(i)));
  }

 private:
  packed_matrix packed_;
  std::vector<std::int32_t> columns_;
  matrix<std::uint16_t> values_;
};

}  // namespace amq
