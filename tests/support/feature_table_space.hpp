// A search_space of one layer whose gene names a row of given features: lets a predictor see any numbers.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "amq/concepts/search_space.hpp"
#include "amq/core/matrix.hpp"

namespace amq::testing {

class feature_table_space {
 public:
  explicit feature_table_space(matrix<double> const& table) : table_(std::make_shared<matrix<double>>(table.clone())) {}

  index size() const { return 1; }
  std::span<format const> choices(index) const { return formats_; }
  double average_bits(std::span<gene const>) const { return 4; }
  std::int64_t model_bytes(std::span<gene const>) const { return 1; }
  index feature_count() const { return table_->cols(); }
  void features(std::span<gene const> genes, std::span<double> out) const {
    auto const row = std::as_const(*table_).row(genes[0]);
    std::copy(row.begin(), row.end(), out.begin());
  }
  bool pinned(index) const { return false; }

  /// Configurations naming rows first .. first + count - 1.
  static matrix<gene> rows(index first, index count) {
    matrix<gene> genes(count, 1);
    for (index i = 0; i < count; ++i) genes(i, 0) = static_cast<gene>(first + i);
    return genes;
  }

 private:
  std::shared_ptr<matrix<double>> table_;
  std::vector<format> formats_{format{4, 128}};
};
static_assert(search_space<feature_table_space>);

}  // namespace amq::testing
