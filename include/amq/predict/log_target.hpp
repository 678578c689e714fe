// log_target: a predictor of ln loss, for losses that span orders of magnitude.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/random.hpp"
#include "amq/predict/detail/training_set.hpp"

namespace amq {

/// P learns ln loss; predictions are exp of P's, hence positive, and the median where P's belief is normal. Near the
/// front of a large model losses differ by factors, which is what ln makes even.
///
/// A loss that is not positive has no logarithm and counts as a tenth of the least positive loss of the fit (1 where
/// there is none). Whatever else P can do is passed on; determinism and costs are P's.
template <class P>
class log_target {
 public:
  using policy_category = predictor_category;

  explicit log_target(P inner = P{}) : inner_(std::move(inner)) {}

  /// Throws precondition_error unless there is one finite loss for each row of genes (configurations, layers), and at
  /// least one.
  template <search_space Space>
  void fit(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    static_assert(diagnose_predictor<P, Space>());
    detail::expect_training_set("log_target::fit", genes, losses);
    double least = std::numeric_limits<double>::infinity();
    for (double const loss : losses)
      if (loss > 0) least = std::min(least, loss);
    double const floor = std::isfinite(least) ? std::log(least) - std::log(10.0) : 0.0;
    std::vector<double> logarithms;
    for (double const loss : losses) logarithms.push_back(loss > 0 ? std::log(loss) : floor);
    inner_.fit(space, genes, logarithms);
  }

  /// out[i] = exp of what P predicts for row i, in units of loss.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    inner_.predict(genes, out);
    for (double& value : out) value = exponential(value);
  }

  /// out[i] is the variance of the log-normal loss whose logarithm has P's mean m and variance v, in squared units of
  /// loss: (e^v - 1) e^(2 m + v), about e^(2 m) v for small v.
  void variance(matrix_view<gene const> genes, std::span<double> out) const
    requires requires(P const& p) { p.variance(genes, out); }
  {
    std::vector<double> means(out.size());
    inner_.predict(genes, means);
    inner_.variance(genes, out);
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = exponential(2 * (means[i] + out[i]) + std::log(-std::expm1(-out[i])));
  }

  /// exp of one draw of P's posterior, in units of loss.
  void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const
    requires requires(P const& p) { p.draw(genes, random, out); }
  {
    inner_.draw(genes, random, out);
    for (double& value : out) value = exponential(value);
  }

  /// P's, which are monotone in the loss as they are in its logarithm.
  matrix<double> layer_costs() const
    requires requires(P const& p) { p.layer_costs(); }
  {
    return inner_.layer_costs();
  }

  /// P's, as above.
  matrix<double> draw_layer_costs(random_stream& random) const
    requires requires(P const& p) { p.draw_layer_costs(random); }
  {
    return inner_.draw_layer_costs(random);
  }

  /// The predictor of ln loss.
  P const& inner() const { return inner_; }

 private:
  /// Predictions stay finite where P's would not be as losses.
  static double exponential(double logarithm) { return std::exp(std::min(logarithm, 700.0)); }

  P inner_;
};

}  // namespace amq
