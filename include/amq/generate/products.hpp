// Products of activations with the matrices of a model that runs, in a chosen precision and on a chosen executor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "amq/core/error.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/generate/detail/decoded_product.hpp"
#include "amq/generate/weight_matrix.hpp"
#include "amq/kernel/activations.hpp"
#include "amq/kernel/cpu_path.hpp"
#include "amq/kernel/half_product.hpp"
#include "amq/kernel/packed_product.hpp"

namespace amq {

/// Multiplies one matrix after the other; keeps buffers, so one a thread that calls. Same bits for any number of
/// workers.
template <class Executor>
class products {
 public:
  products(amq::precision precision, Executor& executor) : precision_(precision), executor_(&executor) {}

  amq::precision precision() const { return precision_; }
  Executor& executor() const { return *executor_; }

  /// The next products are with these rows: called once for matrices that share their input, so that activations are
  /// rounded once.
  void prepare(matrix_view<float const> x) {
    x_ = x;
    rounded_ = false;
  }

  /// y = x W^T for the rows prepared last; (rows of x, rows of W).
  void multiply(weight_matrix const& w, matrix_view<float> y) {
    AMQ_EXPECTS(x_.cols == w.cols() && y.cols == w.rows() && y.rows == x_.rows,
                "a product's operands and result disagree in their shapes");
    serial_executor alone;
    if (worth_sharing(w))
      multiply_on(w, y, *executor_);
    else
      multiply_on(w, y, alone);
  }

 private:
  /// Some ten microseconds of one core, reading or multiplying: what handing out pieces is worth.
  bool worth_sharing(weight_matrix const& w) const {
    constexpr std::int64_t least_bytes = 1 << 17, least_products = 1 << 20;
    return w.bytes() >= least_bytes || x_.rows * w.rows() * w.cols() >= least_products;
  }

  template <class Some>
  void multiply_on(weight_matrix const& w, matrix_view<float> y, Some& executor) {
    if (auto const tiles = w.tiled()) return multiply_tiles(*tiles, y, executor);
    if (auto const* const rows = w.plain()) return multiply_rows(*rows, y, executor);
    multiply_dense(*w.dense(), y, executor);
  }

  template <class Some>
  void multiply_tiles(tiled_view const& w, matrix_view<float> y, Some& executor) {
    if (!rounded_ || activations_.group() != w.layout.group)
      activations_.prepare(x_, precision_, w.layout.group, preferred_path(precision_, x_.rows));
    rounded_ = true;
    amq::multiply(w, activations_, y, executor);
  }

  template <class Some>
  void multiply_rows(dense_rows const& w, matrix_view<float> y, Some& executor) {
    bool const aligned = reinterpret_cast<std::uintptr_t>(w.data) % sizeof(std::uint16_t) == 0;
    if (w.type != dtype::f32 && aligned) {
      auto const* const data = reinterpret_cast<std::uint16_t const*>(w.data);
      return amq::multiply(half_view{data, w.type, w.rows, w.cols, w.cols}, x_, y, executor);
    }
    auto const decode = [&](index first, matrix_view<float> values) {
      for (index r = 0; r < values.rows; ++r) w.read(first + r, values.row(r));
    };
    detail::multiply_decoded(w.rows, decode, x_, y, executor);
  }

  template <class Some>
  void multiply_dense(dense_matrix const& w, matrix_view<float> y, Some& executor) {
    index const step = w.panel_rows(), pieces = (w.rows() + step - 1) / step;
    executor.for_each(pieces, [&](index piece, int) {
      index const first = piece * step, rows = std::min(step, w.rows() - first);
      w.multiply_from(first, x_, {y.data + first, y.rows, rows, y.stride});
    });
  }

  amq::precision precision_;
  Executor* executor_;
  matrix_view<float const> x_;
  activations activations_;
  bool rounded_ = false;  ///< whether activations_ are of x_
};

}  // namespace amq
