// Causal grouped-query attention of one sequence, optionally within a sliding window.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq::detail {

struct attention_shape {
  index heads;
  index key_value_heads;
  index head_size;
  index window;  ///< keys that a query sees, itself included; 0 for all before it
};

/// out (positions, heads * head_size) from q of that shape and k, v (positions, key_value_heads * head_size). Query i
/// sees keys j with i - window < j <= i. O(positions^2 * heads * head_size).
inline void attend(matrix_view<float const> q, matrix_view<float const> k, matrix_view<float const> v,
                   attention_shape const& shape, matrix_view<float> out) {
  index const size = shape.head_size;
  float const scale = 1 / std::sqrt(static_cast<float>(size));
  std::vector<float> scores(static_cast<std::size_t>(q.rows));
  for (index head = 0; head < shape.heads; ++head) {
    index const column = head * size;
    index const shared = head / (shape.heads / shape.key_value_heads) * size;
    for (index i = 0; i < q.rows; ++i) {
      index const first = shape.window > 0 ? std::max<index>(0, i - shape.window + 1) : 0;
      float highest = -std::numeric_limits<float>::infinity();
      for (index j = first; j <= i; ++j) {
        float score = 0;
        for (index d = 0; d < size; ++d) score += q(i, column + d) * k(j, shared + d);
        scores[static_cast<std::size_t>(j)] = score * scale;
        highest = std::max(highest, score * scale);
      }
      float total = 0;
      for (index j = first; j <= i; ++j) {
        auto& score = scores[static_cast<std::size_t>(j)];
        score = std::exp(score - highest);
        total += score;
      }
      for (index d = 0; d < size; ++d) {
        float value = 0;
        for (index j = first; j <= i; ++j) value += scores[static_cast<std::size_t>(j)] * v(j, shared + d);
        out(i, column + d) = value / total;
      }
    }
  }
}

}  // namespace amq::detail
