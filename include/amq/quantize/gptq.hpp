// GPTQ (Frantar et al., arXiv 2210.17323): columns are quantized in turn, the rest makes up for their errors.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/cholesky_factorizer.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/quantize/affine_codes.hpp"
#include "amq/quantize/detail/gptq_codes.hpp"
#include "amq/quantize/detail/gptq_drift.hpp"
#include "amq/quantize/detail/gptq_factor.hpp"
#include "amq/quantize/detail/gptq_recursion.hpp"
#include "amq/quantize/eigen_factorizer.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq {

struct gptq_options {
  double damping = 0.01;       ///< added to the Hessian's diagonal, as a share of its mean; at least 0
  int block = 128;             ///< columns between two updates of all columns after them, at least 1
  bool act_order = false;      ///< columns with the largest inputs first
  bool static_groups = false;  ///< scales and zeros from the weights as they are; needed for act_order without g_idx
  bool symmetric = false;
  bool asymmetric_calibration = false;  ///< GPTAQ (arXiv 2504.02692): makes up for the drift, where there is one
  double drift_share = 0.25;            ///< how much of the drift GPTAQ makes up for (GPTQModel's v2_alpha)
};

/// What `encode` finds: the codes, and where act_order scatters groups, the group of each column.
struct gptq_codes {
  affine_codes codes;
  std::vector<std::int32_t> column_groups;  ///< empty: consecutive columns share a group
  double error = 0;                         ///< sum of (w_i - q_i)^2 / U_ii^2 / 2, as the published code prints it
  std::string note;                         ///< what the user should know, as one sentence; mostly empty
};

namespace detail {

inline void check_gptq_options(gptq_options const& options) {
  AMQ_EXPECTS(options.damping >= 0 && std::isfinite(options.damping),
              "gptq needs a damping of at least 0, not " + std::to_string(options.damping));
  AMQ_EXPECTS(options.block >= 1, "gptq needs a block of at least one column, not " + std::to_string(options.block));
}

/// GPTQ leaves codes and nothing else.
inline void check_gptq_format(format f, index cols) {
  if (f.stacked() || f.kept_columns > 0)
    throw input_error("GPTQ has no answer for " + to_string(f) + "; " +
                      (f.stacked() ? "stacks are BitStack's" : "columns are kept by OWQ"));
  check_format(f, cols);
}

inline std::string gptq_settings(gptq_options const& options) {
  gptq_options const usual;
  std::ostringstream text;
  if (options.damping != usual.damping) text << ",damping=" << options.damping;
  if (options.block != usual.block) text << ",block=" << options.block;
  if (options.act_order) text << ",act_order";
  if (options.static_groups) text << ",static_groups";
  if (options.symmetric) text << ",symmetric";
  if (options.asymmetric_calibration) {
    text << ",asymmetric_calibration";
    if (options.drift_share != usual.drift_share) text << ",drift_share=" << options.drift_share;
  }
  std::string const changed = text.str();
  return changed.empty() ? "" : "(" + changed.substr(1) + ")";
}

/// Runs the recursion in the published order of events: whole rows are scaled before dead columns are dropped, static
/// groups after. Returns the error.
inline double run_gptq(gptq_recursion& recursion, gptq_options const& options, format f, gptq_factor const& factor,
                       layer_statistics const& statistics) {
  if (f.group == format::whole_row) recursion.fix_groups();
  if (!factor.all_dead()) recursion.drop_dead_columns();
  if (f.group != format::whole_row && options.static_groups) recursion.fix_groups();
  if (options.asymmetric_calibration && statistics.drift.rows > 0)
    correct_drift(factor, statistics.drift, options.drift_share, recursion.weights());
  return recursion.run(options.block);
}

}  // namespace detail

/// Models matrix_quantizer. Same results as the published code (`fasterquant`, f32). A Hessian that is not positive
/// definite is damped ten times as much until it is, and `note` says so; where no input is ever other than 0, weights
/// are rounded to nearest, as the recursion does without errors to make up for. cols^3 / 3 + rows cols^2 multiply-adds;
/// memory: 4 cols^2 + 9 rows cols bytes.
template <cholesky_factorizer Factorizer = eigen_factorizer>
class basic_gptq {
 public:
  using policy_category = quantizer_category;
  static constexpr bool uses_statistics = true;

  /// The work on the Hessian that layers with one input share.
  using preparation = detail::gptq_factor;

  explicit basic_gptq(gptq_options options = {}) : options_(options) { detail::check_gptq_options(options); }
  basic_gptq(gptq_options options, Factorizer factorizer) : options_(options), factorizer_(std::move(factorizer)) {
    detail::check_gptq_options(options);
  }

  gptq_options const& options() const { return options_; }

  /// Orders and factorizes the Hessian. Throws input_error where it is missing or not finite.
  preparation prepare(layer_statistics const& statistics) const {
    auto const hessian = statistics.hessian;
    detail::check_hessian(hessian, std::max(hessian.rows, index{1}));
    auto order = detail::processing_order(hessian, options_.act_order);
    return detail::factorize_hessian(hessian, std::move(order), options_.damping, factorizer_);
  }

  bool uses_drift() const { return options_.asymmetric_calibration; }

  /// Codes, scales and zeros in f32, of `weights` (rows, cols). Throws input_error as `quantize` does.
  gptq_codes encode(matrix_view<float const> weights, format f, layer_statistics const& statistics) const {
    return encode(weights, f, statistics, prepare(statistics), false);
  }

  /// `encode` with scales as f16 holds them, stored. Throws input_error when the group does not divide cols, bits are
  /// not 2..8, a weight is not finite, f16 cannot hold a scale, or `statistics` lack a finite Hessian of this size.
  packed_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics) const {
    return quantize(weights, f, statistics, prepare(statistics));
  }

  /// The same with the preparation at hand.
  packed_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics,
                         preparation const& prepared) const {
    auto const result = encode(weights, f, statistics, prepared, true);
    auto packed = result.codes.pack(f);
    if (result.column_groups.empty()) return packed;
    return std::move(packed).with_column_groups(result.column_groups);
  }

  std::string name() const { return "gptq" + detail::gptq_settings(options_); }

 private:
  gptq_codes encode(matrix_view<float const> weights, format f, layer_statistics const& statistics,
                    preparation const& prepared, bool stored) const {
    detail::check_gptq_format(f, weights.cols);
    detail::check_hessian(statistics.hessian, weights.cols);
    detail::check_finite_rows(weights);
    auto groups = group_positions(f, prepared.order);
    bool const scattered = options_.act_order && !groups.fixed;
    auto const of_position = groups.of;
    detail::gptq_recursion recursion(weights, prepared, std::move(groups),
                                     {detail::highest_code(f), options_.symmetric, stored});
    double const error = detail::run_gptq(recursion, options_, f, prepared, statistics);
    gptq_codes result{detail::gather(recursion, f, weights.rows, weights.cols), {}, error, prepared.note};
    if (scattered) {
      result.column_groups.resize(static_cast<std::size_t>(weights.cols));
      for (index k = 0; k < weights.cols; ++k)
        result.column_groups[static_cast<std::size_t>(recursion.column(k))] = of_position[static_cast<std::size_t>(k)];
    }
    return result;
  }

  /// Static groups are those of the columns, others those of the order in which columns are quantized.
  detail::gptq_groups group_positions(format f, std::vector<index> const& order) const {
    auto const cols = static_cast<index>(order.size());
    detail::gptq_groups groups{{}, f.groups(cols), cols, options_.static_groups || f.group == format::whole_row};
    for (index k = 0; k < cols; ++k) {
      index const at = groups.fixed ? order[static_cast<std::size_t>(k)] : k;
      groups.of.push_back(static_cast<std::int32_t>(at / f.group_size(cols)));
    }
    return groups;
  }

  gptq_options options_;
  Factorizer factorizer_{};
};

using gptq = basic_gptq<>;

}  // namespace amq
