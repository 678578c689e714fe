// What candidates are compared with: the unquantized model's last hidden states, turned into logits a tile at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/simd/distributions.hpp"
#include "amq/core/statistics.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/streamed_pass.hpp"

namespace amq {

/// Rows of logits worked on at a time; a tile of both models stays in the second-level cache for small vocabularies.
inline constexpr index head_tile_rows = 64;

/// Two tiles of logits, one set for each worker.
struct head_scratch {
  matrix<float> reference;
  matrix<float> candidate;
};

/// What a loss compares candidates with.
enum class reference_form : std::uint8_t {
  logits,        ///< for_each_tile
  distributions  ///< for_each_distribution: exponentials, made once
};

/// Holds (tokens, hidden) states, the prepared output head, and logits or exponentials of as many leading sequences as
/// fit into a fixed number of bytes: memory does not grow with vocabulary x tokens, and cached or not, a row has the
/// same bits.
class reference_model {
 public:
  static constexpr std::int64_t default_cache_bytes = 64 << 20;

  /// One forward pass of the source model over all sequences.
  template <class Model, class Executor>
  reference_model(Model const& model, token_sequences const& tokens, Executor& executor,
                  std::int64_t cache_bytes = default_cache_bytes, reference_form form = reference_form::logits)
      : form_(form),
        head_(model.output_head()),
        hidden_(streamed_pass(model, tokens, source_layers(model), executor)),
        cached_(count_cached(tokens, head_.rows(), cache_bytes)) {
    executor.for_each(std::ssize(cached_), [&](index sequence, int) {
      auto const& hidden = hidden_[static_cast<std::size_t>(sequence)];
      auto& own = cached_[static_cast<std::size_t>(sequence)];
      own.rows = matrix<float>(hidden.rows(), head_.rows());
      head_.multiply(hidden, own.rows);
      if (form_ == reference_form::distributions)
        for (index row = 0; row < hidden.rows(); ++row)
          own.summaries.push_back(simd::exponentiate_row(own.rows.row(row).data(), head_.rows()).summary);
    });
  }

  dense_matrix const& head() const { return head_; }
  index vocabulary() const { return head_.rows(); }

  /// Calls visit(first, reference, candidate) with tiles of logits (rows, vocabulary) of positions first, first + 1,
  /// ... of a sequence; its last position, which predicts nothing that is known, is left out.
  template <class Visit>
  void for_each_tile(index sequence, matrix_view<float const> candidate, head_scratch& scratch,
                     Visit const& visit) const {
    AMQ_EXPECTS(form_ == reference_form::logits, "a reference that holds distributions has no logits to show");
    for_each_candidate_tile(candidate, scratch, [&](index first, matrix_view<float> logits) {
      matrix_view<float const> const shown = logits;
      if (auto const* const own = cached(sequence))
        return visit(first, own->rows.view().rows_from(first, shown.rows), shown);
      visit(first, computed_rows(sequence, first, shown.rows, scratch), shown);
    });
  }

  /// The same row by row: visit(position, reference, candidate) with the reference's distribution and the candidate's
  /// logits, which may be overwritten.
  template <class Visit>
  void for_each_distribution(index sequence, matrix_view<float const> candidate, head_scratch& scratch,
                             Visit const& visit) const {
    AMQ_EXPECTS(form_ == reference_form::distributions, "a reference that holds logits has no distributions to show");
    for_each_candidate_tile(candidate, scratch, [&](index first, matrix_view<float> logits) {
      auto const* const own = cached(sequence);
      auto const fresh = own ? matrix_view<float>() : computed_rows(sequence, first, logits.rows, scratch);
      for (index row = 0; row < logits.rows; ++row) {
        index const position = first + row;
        auto const reference = own ? simd::row_distribution{own->rows.row(position).data(), vocabulary(),
                                                            own->summaries[static_cast<std::size_t>(position)]}
                                   : simd::exponentiate_row(fresh.row(row).data(), vocabulary());
        visit(position, reference, logits.row(row).data());
      }
    });
  }

 private:
  struct cached_rows {
    matrix<float> rows;  ///< (tokens, vocabulary): logits or exponentials
    std::vector<simd::row_summary> summaries;
  };

  static std::size_t count_cached(token_sequences const& tokens, index vocabulary, std::int64_t bytes) {
    std::int64_t const one = tokens.length() * vocabulary * std::int64_t{sizeof(float)};
    return static_cast<std::size_t>(std::min<std::int64_t>(tokens.count(), bytes / one));
  }

  cached_rows const* cached(index sequence) const {
    return sequence < std::ssize(cached_) ? &cached_[static_cast<std::size_t>(sequence)] : nullptr;
  }

  template <class Visit>
  void for_each_candidate_tile(matrix_view<float const> candidate, head_scratch& scratch, Visit const& visit) const {
    index const positions = candidate.rows - 1;
    if (scratch.candidate.size() == 0) {
      scratch.reference = matrix<float>(head_tile_rows, vocabulary());
      scratch.candidate = matrix<float>(head_tile_rows, vocabulary());
    }
    for (index first = 0; first < positions; first += head_tile_rows) {
      index const rows = std::min(head_tile_rows, positions - first);
      auto const logits = scratch.candidate.view().rows_from(0, rows);
      head_.multiply(candidate.rows_from(first, rows), logits);
      visit(first, logits);
    }
  }

  matrix_view<float> computed_rows(index sequence, index first, index rows, head_scratch& scratch) const {
    auto const logits = scratch.reference.view().rows_from(0, rows);
    head_.multiply(hidden_[static_cast<std::size_t>(sequence)].view().rows_from(first, rows), logits);
    return logits;
  }

  reference_form form_;
  dense_matrix head_;
  std::vector<matrix<float>> hidden_;
  std::vector<cached_rows> cached_;
};

/// What a loss needs of the reference.
template <class Loss>
inline constexpr reference_form reference_form_of =
    distribution_loss<Loss> ? reference_form::distributions : reference_form::logits;

/// The mean loss of one sequence's final-normed hidden states (tokens, hidden), nats a position; `positions` is
/// scratch. The reference is of the loss's form.
template <class Loss>
double sequence_loss(reference_model const& reference, Loss const& loss, index sequence,
                     std::span<std::int32_t const> tokens, matrix_view<float const> candidate, head_scratch& scratch,
                     std::vector<double>& positions) {
  positions.resize(tokens.size() - 1);
  if constexpr (distribution_loss<Loss>)
    reference.for_each_distribution(sequence, candidate, scratch, [&](index at, auto const& p, float* q) {
      positions[static_cast<std::size_t>(at)] = loss.position(p, q);
    });
  else
    reference.for_each_tile(sequence, candidate, scratch, [&](index first, auto p, auto q) {
      loss.positions(p, q, tokens.data() + first + 1, positions.data() + first);
    });
  return mean(positions);
}

}  // namespace amq
