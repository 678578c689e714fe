// Some configurations' genes by layer, so that a pass over a layer reads one row.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"

namespace amq::detail {

struct gene_columns {
  std::vector<int> levels;  ///< choices of each layer
  matrix<gene> genes;       ///< (layers, configurations)

  index layers() const { return genes.rows(); }
  index size() const { return genes.cols(); }
  index steps(index layer) const { return levels[static_cast<std::size_t>(layer)] - 1; }
};

/// The rows of genes (configurations, layers) that `keep(row)` wants.
template <class Keep>
gene_columns columns_of(matrix_view<gene const> genes, std::vector<int> levels, Keep const& keep) {
  std::vector<index> rows;
  for (index i = 0; i < genes.rows; ++i)
    if (keep(i)) rows.push_back(i);
  gene_columns columns{std::move(levels), matrix<gene>(genes.cols, std::ssize(rows))};
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (index layer = 0; layer < genes.cols; ++layer)
      columns.genes(layer, static_cast<index>(i)) = genes(rows[i], layer);
  return columns;
}

/// The losses of the same rows.
template <class Keep>
std::vector<double> losses_of(std::span<double const> losses, Keep const& keep) {
  std::vector<double> kept;
  for (std::size_t i = 0; i < losses.size(); ++i)
    if (keep(static_cast<index>(i))) kept.push_back(losses[i]);
  return kept;
}

}  // namespace amq::detail
