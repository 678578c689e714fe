// OWQ (Lee et al., arXiv 2306.02272): the most sensitive input columns stay in 16 bits, GPTQ quantizes the rest.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/cholesky_factorizer.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/half.hpp"
#include "amq/core/outlier_matrix.hpp"
#include "amq/quantize/affine_codes.hpp"
#include "amq/quantize/detail/gptq_codes.hpp"
#include "amq/quantize/detail/gptq_factor.hpp"
#include "amq/quantize/detail/gptq_recursion.hpp"
#include "amq/quantize/eigen_factorizer.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq {

struct owq_options {
  double damping = 0.01;  ///< as GPTQ's
  int block = 128;        ///< as GPTQ's
  bool symmetric = false;
};

/// Sensitivity of each input column: H_jj times the squared error of the column when it is rounded to nearest
/// (equation 4 of the paper). `hessian` (cols, cols).
inline std::vector<double> column_sensitivities(matrix_view<float const> weights, affine_codes const& rounded,
                                                matrix_view<float const> hessian) {
  std::vector<double> errors(static_cast<std::size_t>(weights.cols));
  index const size = weights.cols / rounded.scales.cols();
  for (index row = 0; row < weights.rows; ++row)
    for (index col = 0; col < weights.cols; ++col) {
      index const group = col / size;
      float const value =
          (static_cast<float>(rounded.codes(row, col)) - rounded.zeros(row, group)) * rounded.scales(row, group);
      double const distance = double{weights(row, col)} - value;
      errors[static_cast<std::size_t>(col)] += distance * distance;
    }
  for (index col = 0; col < weights.cols; ++col) errors[static_cast<std::size_t>(col)] *= double{hessian(col, col)};
  return errors;
}

/// Models matrix_quantizer. The `kept_columns` most sensitive columns come last in GPTQ's order, so they make up for
/// the errors of all others before they are rounded to f16; they have no part in the scales. The codes in their places
/// stand for 0 as nearly as the zero allows. Costs what GPTQ costs.
template <cholesky_factorizer Factorizer = eigen_factorizer>
class basic_owq {
 public:
  using policy_category = quantizer_category;
  static constexpr bool uses_statistics = true;

  explicit basic_owq(owq_options options = {}) : options_(options) {
    AMQ_EXPECTS(options.damping >= 0 && std::isfinite(options.damping),
                "owq needs a damping of at least 0, not " + std::to_string(options.damping));
    AMQ_EXPECTS(options.block >= 1, "owq needs a block of at least one column, not " + std::to_string(options.block));
  }

  /// The f.kept_columns most sensitive columns, rising; the first of equals.
  std::vector<std::int32_t> choose_columns(matrix_view<float const> weights, format f,
                                           matrix_view<float const> hessian) const {
    auto const sensitivities = column_sensitivities(weights, nearest().encode(weights, without_columns(f)), hessian);
    std::vector<std::int32_t> columns(static_cast<std::size_t>(weights.cols));
    std::iota(columns.begin(), columns.end(), 0);
    std::stable_sort(columns.begin(), columns.end(), [&](std::int32_t a, std::int32_t b) {
      return sensitivities[static_cast<std::size_t>(a)] > sensitivities[static_cast<std::size_t>(b)];
    });
    columns.resize(static_cast<std::size_t>(f.kept_columns));
    std::sort(columns.begin(), columns.end());
    return columns;
  }

  /// Throws input_error when the group does not divide cols, bits are not 2..8, all columns are to be kept, a weight is
  /// not finite, f16 cannot hold a scale or a kept value, or `statistics` lack a finite Hessian of this size.
  outlier_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics) const {
    std::string unread;
    return quantize(weights, f, statistics, unread);
  }

  /// The same; `note` says where the Hessian needed more damping.
  outlier_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics,
                          std::string& note) const {
    check(weights, f, statistics);
    auto columns = choose_columns(weights, f, statistics.hessian);
    index const quantized = weights.cols - std::ssize(columns);
    auto const factor =
        detail::factorize_hessian(statistics.hessian, kept_last(columns, weights.cols), options_.damping, Factorizer());
    note = factor.note;
    detail::gptq_recursion recursion(weights, factor, group_positions(f, factor.order, quantized),
                                     {detail::highest_code(f), options_.symmetric, true});
    if (f.group == format::whole_row) recursion.fix_groups();
    if (!factor.all_dead()) recursion.drop_dead_columns();
    recursion.run(options_.block);
    return {pack(recursion, f, weights.rows, quantized), std::move(columns),
            halves(recursion.kept_values(), weights.rows)};
  }

  std::string name() const {
    owq_options const usual;
    std::ostringstream text;
    if (options_.damping != usual.damping) text << ",damping=" << options_.damping;
    if (options_.block != usual.block) text << ",block=" << options_.block;
    if (options_.symmetric) text << ",symmetric";
    std::string const changed = text.str();
    return changed.empty() ? "owq" : "owq(" + changed.substr(1) + ")";
  }

 private:
  rtn nearest() const {
    return rtn({.variant = options_.symmetric ? rtn_variant::symmetric : rtn_variant::asymmetric});
  }

  static format without_columns(format f) {
    f.kept_columns = 0;
    return f;
  }

  static void check(matrix_view<float const> weights, format f, layer_statistics const& statistics) {
    if (f.stacked()) throw input_error("OWQ has no answer for " + to_string(f) + "; stacks are BitStack's");
    check_format(f, weights.cols);
    if (f.kept_columns < 0 || f.kept_columns >= weights.cols)
      throw input_error("OWQ can keep 0 to " + std::to_string(weights.cols - 1) + " of " +
                        std::to_string(weights.cols) + " columns, not " + std::to_string(f.kept_columns));
    detail::check_hessian(statistics.hessian, weights.cols);
    detail::check_finite_rows(weights);
  }

  static std::vector<index> kept_last(std::vector<std::int32_t> const& columns, index cols) {
    std::vector<index> order;
    for (index col = 0; col < cols; ++col)
      if (!std::binary_search(columns.begin(), columns.end(), col)) order.push_back(col);
    order.insert(order.end(), columns.begin(), columns.end());
    return order;
  }

  static detail::gptq_groups group_positions(format f, std::vector<index> const& order, index quantized) {
    auto const cols = static_cast<index>(order.size());
    detail::gptq_groups groups{{}, f.groups(cols), quantized, f.group == format::whole_row};
    for (index const column : order) groups.of.push_back(static_cast<std::int32_t>(column / f.group_size(cols)));
    return groups;
  }

  static packed_matrix pack(detail::gptq_recursion const& recursion, format f, index rows, index quantized) {
    auto codes = detail::gather(recursion, f, rows, quantized);
    for (index k = quantized; k < recursion.cols(); ++k) {
      index const column = recursion.column(k);
      for (index row = 0; row < rows; ++row) {
        float const zero = codes.zeros(row, column / f.group_size(recursion.cols()));
        codes.codes(row, column) = static_cast<std::uint8_t>(std::clamp(zero, 0.0f, detail::highest_code(f)));
      }
    }
    return codes.pack(without_columns(f));
  }

  /// `values` (kept columns, rows and padding) as f16, (rows, kept columns).
  static matrix<std::uint16_t> halves(matrix<float> const& values, index rows) {
    matrix<std::uint16_t> stored(rows, values.rows());
    for (index row = 0; row < rows; ++row)
      for (index i = 0; i < values.rows(); ++i) {
        stored(row, i) = f32_to_f16(values(i, row));
        if (!std::isfinite(f16_to_f32(stored(row, i))))
          throw input_error("the weight " + std::to_string(values(i, row)) + " of a kept column, row " +
                            std::to_string(row) + ", cannot be stored as a 16-bit float (at most 65504 in magnitude)");
      }
    return stored;
  }

  owq_options options_;
};

using owq = basic_owq<>;

}  // namespace amq
