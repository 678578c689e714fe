// What candidates are compared with: the unquantized model's last hidden states, turned into logits a tile at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/statistics.hpp"
#include "amq/evaluate/streamed_pass.hpp"

namespace amq {

/// Rows of logits worked on at a time; a tile of both models stays in the second-level cache for small vocabularies.
inline constexpr index head_tile_rows = 64;

/// Two tiles of logits, one set for each worker.
struct head_scratch {
  matrix<float> reference;
  matrix<float> candidate;
};

/// Holds (tokens, hidden) states, the prepared output head, and logits of as many leading sequences as fit into a fixed
/// number of bytes: memory does not grow with vocabulary x tokens, and cached or not, a row of logits has the same
/// bits.
class reference_model {
 public:
  static constexpr std::int64_t default_cache_bytes = 64 << 20;

  /// One forward pass of the source model over all sequences.
  template <class Model, class Executor>
  reference_model(Model const& model, token_sequences const& tokens, Executor& executor,
                  std::int64_t cache_bytes = default_cache_bytes)
      : head_(model.output_head()),
        hidden_(streamed_pass(model, tokens, source_layers(model), executor)),
        cached_(count_cached(tokens, head_.rows(), cache_bytes)) {
    executor.for_each(static_cast<index>(cached_.size()), [&](index sequence, int) {
      auto const i = static_cast<std::size_t>(sequence);
      cached_[i] = matrix<float>(hidden_[i].rows(), head_.rows());
      head_.multiply(hidden_[i], cached_[i]);
    });
  }

  dense_matrix const& head() const { return head_; }
  index vocabulary() const { return head_.rows(); }

  /// Calls visit(first, reference, candidate) with tiles of logits (rows, vocabulary) of positions first, first + 1,
  /// ... of a sequence; its last position, which predicts nothing that is known, is left out.
  template <class Visit>
  void for_each_tile(index sequence, matrix_view<float const> candidate, head_scratch& scratch,
                     Visit const& visit) const {
    auto const i = static_cast<std::size_t>(sequence);
    index const positions = candidate.rows - 1;
    if (scratch.candidate.size() == 0) {
      scratch.reference = matrix<float>(head_tile_rows, vocabulary());
      scratch.candidate = matrix<float>(head_tile_rows, vocabulary());
    }
    for (index first = 0; first < positions; first += head_tile_rows) {
      index const rows = std::min(head_tile_rows, positions - first);
      auto const logits = scratch.candidate.view().rows_from(0, rows);
      head_.multiply(candidate.rows_from(first, rows), logits);
      visit(first, reference_rows(i, first, rows, scratch), matrix_view<float const>(logits));
    }
  }

 private:
  static std::size_t count_cached(token_sequences const& tokens, index vocabulary, std::int64_t bytes) {
    std::int64_t const one = tokens.length() * vocabulary * std::int64_t{sizeof(float)};
    return static_cast<std::size_t>(std::min<std::int64_t>(tokens.count(), bytes / one));
  }

  matrix_view<float const> reference_rows(std::size_t sequence, index first, index rows, head_scratch& scratch) const {
    if (sequence < cached_.size()) return cached_[sequence].view().rows_from(first, rows);
    auto const logits = scratch.reference.view().rows_from(0, rows);
    head_.multiply(hidden_[sequence].view().rows_from(first, rows), logits);
    return logits;
  }

  dense_matrix head_;
  std::vector<matrix<float>> hidden_;
  std::vector<matrix<float>> cached_;
};

/// The mean loss of one sequence's final-normed hidden states (tokens, hidden), nats a position; `positions` is
/// scratch.
template <class Loss>
double sequence_loss(reference_model const& reference, Loss const& loss, index sequence,
                     std::span<std::int32_t const> tokens, matrix_view<float const> candidate, head_scratch& scratch,
                     std::vector<double>& positions) {
  positions.resize(tokens.size() - 1);
  reference.for_each_tile(sequence, candidate, scratch, [&](index first, auto reference_logits, auto candidate_logits) {
    loss.positions(reference_logits, candidate_logits, tokens.data() + first + 1, positions.data() + first);
  });
  return mean(positions);
}

}  // namespace amq
