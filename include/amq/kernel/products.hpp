// Products of activations with matrices in any form, in a chosen precision and on a chosen executor; those that share
// their input together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/dtype.hpp"
#include "amq/core/error.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/core/simd/elementwise.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/kernel/activations.hpp"
#include "amq/kernel/cpu_path.hpp"
#include "amq/kernel/detail/decoded_product.hpp"
#include "amq/kernel/half_product.hpp"
#include "amq/kernel/packed_product.hpp"
#include "amq/kernel/weight_matrix.hpp"

namespace amq {

/// A matrix and where the product with it goes: (tokens, rows of the matrix).
struct product_output {
  weight_matrix const* weights = nullptr;
  matrix_view<float> y;
};

/// Multiplies one set of activations after the other; keeps buffers, so one a thread that calls. Same bits for any
/// number of workers, and for matrices alone or together. Tiles are multiplied in the chosen precision, everything else
/// in f32.
template <class Executor>
class products {
 public:
  products(amq::precision precision, Executor& executor)
      : precision_(precision), executor_(&executor), halves_(static_cast<std::size_t>(executor.workers())) {}

  amq::precision precision() const { return precision_; }
  Executor& executor() const { return *executor_; }

  /// The next products are with these rows, which must stay as they are until then.
  void prepare(matrix_view<float const> x) {
    x_ = x;
    rounded_ = false;
  }

  /// y = x W^T for the rows prepared last: (rows of x, rows of W).
  void multiply(weight_matrix const& w, matrix_view<float> y) {
    product_output const one{&w, y};
    multiply(std::span(&one, 1));
  }

  /// The same for several matrices: the rows are rounded once, and workers are woken once.
  void multiply(std::span<product_output const> outputs) {
    for (auto const& output : outputs) expect_fits(*output.weights, output.y);
    if (!round_for(outputs)) {  // groups of different sizes
      for (auto const& output : outputs) multiply(std::span(&output, 1));
      return;
    }
    pieces_.clear();
    work_ = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i) add_pieces(static_cast<index>(i), *outputs[i].weights);
    run([&](index i, int) {
      auto const [which, first, rows] = pieces_[static_cast<std::size_t>(i)];
      auto const& [w, y] = outputs[static_cast<std::size_t>(which)];
      multiply_rows(*w, first, y.cols_from(first, rows));
    });
  }

  /// y = silu(x G^T) * (x U^T), elementwise: SwiGLU (arXiv 2002.05202). U's product is never stored as a whole.
  void multiply_gated(weight_matrix const& gate, weight_matrix const& up, matrix_view<float> y) {
    expect_fits(gate, y);
    expect_fits(up, y);
    product_output const both[2] = {{&gate, y}, {&up, y}};
    if (!round_for(both)) return multiply_gated_apart(gate, up, y);
    pieces_.clear();
    work_ = 0;
    add_pieces(0, gate, most_gated_rows);
    work_ *= 2;
    run([&](index i, int worker) {
      auto const [output, first, rows] = pieces_[static_cast<std::size_t>(i)];
      auto const out = y.cols_from(first, rows);
      auto& half = halves_[static_cast<std::size_t>(worker)];
      if (half.rows() < y.rows || half.cols() < rows) half = matrix<float>(y.rows, rows);
      matrix_view<float> const other{half.data(), y.rows, rows, half.cols()};
      multiply_rows(gate, first, out);
      multiply_rows(up, first, other);
      gate_rows(out, other);
    });
  }

 private:
  struct piece {
    index output;
    index first;
    index rows;
  };

  static constexpr index granule = 64;           ///< whole panels and pairs of tiles on every path
  static constexpr index most_gated_rows = 256;  ///< what of the second half stays in the cache

  void expect_fits(weight_matrix const& w, matrix_view<float> y) const {
    AMQ_EXPECTS(x_.cols == w.cols() && y.cols == w.rows() && y.rows == x_.rows,
                "a product's operands and result disagree in their shapes");
  }

  /// Rounds the activations for the tiles among the matrices; false when their groups differ.
  bool round_for(std::span<product_output const> outputs) {
    std::optional<int> group;
    for (auto const& output : outputs)
      if (auto const tiles = output.weights->tiled()) {
        if (group && *group != tiles->layout.group) return false;
        group = tiles->layout.group;
      }
    if (!group || (rounded_ && activations_.group() == *group)) return true;
    activations_.prepare(x_, precision_, *group, preferred_path(precision_, x_.rows));
    return rounded_ = true;
  }

  /// A few pieces a worker, of at most `most` rows.
  void add_pieces(index output, weight_matrix const& w, index most = 0) {
    index const workers = executor_->workers(), wanted = workers == 1 ? 1 : 4 * workers;
    index step = ((w.rows() + wanted - 1) / wanted + granule - 1) / granule * granule;
    if (most > 0) step = std::min(step, most);
    for (index first = 0; first < w.rows(); first += step)
      pieces_.push_back({output, first, std::min(step, w.rows() - first)});
    work_ += std::max(w.bytes() * (least_products / least_bytes), std::int64_t{x_.rows * w.rows() * w.cols()});
  }

  /// Some ten microseconds of one core, reading or multiplying, are worth handing out pieces.
  static constexpr std::int64_t least_bytes = 1 << 17, least_products = 1 << 20;

  template <class Work>
  void run(Work const& work) {
    if (work_ >= least_products)
      executor_->for_each(std::ssize(pieces_), work);
    else
      on_this_thread.for_each(std::ssize(pieces_), work);
  }

  /// Rows [first, first + y.cols) of w, on this thread.
  void multiply_rows(weight_matrix const& w, index first, matrix_view<float> y) const {
    if (auto const tiles = w.tiled()) return amq::multiply(tiles->rows_from(first, y.cols), activations_, y);
    if (auto const* const dense = w.dense()) return dense->multiply_from(first, x_, y);
    auto const& rows = *w.plain();
    bool const aligned = reinterpret_cast<std::uintptr_t>(rows.data) % sizeof(std::uint16_t) == 0;
    if (rows.type != dtype::f32 && aligned) {
      auto const* const data = reinterpret_cast<std::uint16_t const*>(rows.data) + first * rows.cols;
      return amq::multiply(half_view{data, rows.type, y.cols, rows.cols, rows.cols}, x_, y);
    }
    auto const decode = [&rows](index row, matrix_view<float> values) {
      for (index r = 0; r < values.rows; ++r) rows.read(row + r, values.row(r));
    };
    detail::multiply_decoded(first, decode, x_, y);
  }

  void multiply_gated_apart(weight_matrix const& gate, weight_matrix const& up, matrix_view<float> y) {
    matrix<float> other(y.rows, y.cols);
    multiply(gate, y);
    multiply(up, other);
    gate_rows(y, other);
  }

  static void gate_rows(matrix_view<float> y, matrix_view<float const> up) {
    for (index row = 0; row < y.rows; ++row)
      simd::silu_multiply(y.row(row).data(), up.row(row).data(), y.row(row).data(), y.cols);
  }

  amq::precision precision_;
  Executor* executor_;
  matrix_view<float const> x_;
  activations activations_;
  bool rounded_ = false;  ///< whether activations_ are of x_
  std::vector<piece> pieces_;
  std::int64_t work_ = 0;              ///< of all pieces, in multiply-adds or what they take to read
  std::vector<matrix<float>> halves_;  ///< of each worker: a piece of the second half
};

}  // namespace amq
