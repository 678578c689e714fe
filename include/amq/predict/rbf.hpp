// rbf: AMQ's predictor, a radial basis function interpolant with a polynomial tail, grown point by point.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/predict/detail/interpolant.hpp"
#include "amq/predict/detail/training_set.hpp"
#include "amq/predict/kernels.hpp"

namespace amq {

struct rbf_options {
  double eta = 1e-6;  ///< added to the kernel matrix's diagonal, so losses are smoothed a little (pySOT's default)
};

/// s(x) = sum_j c_j phi(|x - x_j|) + l_0 + l . x over the space's features, with (Phi + eta I) c + P l = y and
/// P^T c = 0 (Powell 1992; what pySOT's RBFInterpolant solves, which AMQ uses). Where the points do not span all
/// features (fewer points than features + 1, or layers that never varied), the tail has no slope across their span.
/// `constant_tail` has no l, `no_tail` no l_0 either; cubic and thin-plate kernels need the linear tail, `linear` at
/// least the constant one, `gaussian` none.
///
/// Data that extend those of the last fit are added to its factorization: m points to n cost O(m n^2), a first fit
/// O(n^3), a prediction O(n d). Coefficients are a function of the data and their order alone, bit for bit, however
/// many smaller fits went before; a prediction has the same bits whatever batch it is in.
template <class Kernel = cubic, class Tail = linear_tail>
class rbf {
  static_assert(Kernel::order - 1 <= Tail::degree, "amq: this kernel needs a tail of higher degree to have a solution");

 public:
  using policy_category = predictor_category;

  /// Throws precondition_error when the kernel's width, if it has one, or eta make no sense.
  explicit rbf(rbf_options options = {}, Kernel kernel = {}) : options_(options), kernel_(kernel) {
    AMQ_EXPECTS(
        options.eta >= 0 && std::isfinite(options.eta),
        "rbf_options::eta is added to a diagonal, so at least 0 and finite, not " + std::to_string(options.eta));
    if constexpr (requires { kernel.width; })
      AMQ_EXPECTS(
          kernel.width > 0 && std::isfinite(kernel.width),
          std::string(Kernel::name) + "::width must be above 0 and finite, not " + std::to_string(kernel.width));
  }

  /// Throws precondition_error unless there is one finite loss for each row of genes (configurations, layers), and at
  /// least one.
  template <search_space Space>
  void fit(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    detail::expect_training_set("rbf::fit", genes, losses);
    feature_count_ = space.feature_count();
    features_of_ = [space](std::span<gene const> from, std::span<double> to) { space.features(from, to); };
    matrix<double> features(genes.rows, feature_count_);
    for (index i = 0; i < genes.rows; ++i) features_of_(genes.row(i), features.row(i));
    index const known = extends(features) ? features_.rows() : 0;
    if (known == 0)
      model_.emplace(feature_count_, grid_ = detail::lattice::find(features), kernel_, Tail::degree, options_.eta);
    model_->add(features.view().rows_from(known, features.rows() - known));
    auto const differs = std::mismatch(losses_.begin(), losses_.end(), losses.begin(), losses.end()).first;
    model_->solve(losses, std::min<index>(known, differs - losses_.begin()));
    features_ = std::move(features);
    losses_.assign(losses.begin(), losses.end());
  }

  /// out[i] is the predicted loss of row i. Throws precondition_error before the first fit.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    AMQ_EXPECTS(model_.has_value(), "rbf::predict needs a fit before it");
    AMQ_EXPECTS(genes.rows == std::ssize(out), "rbf::predict needs room for one loss a configuration");
    constexpr index batch = 64;  // rows whose features stay in cache
    matrix<double> features(std::min(batch, genes.rows), feature_count_);
    for (index first = 0; first < genes.rows; first += batch) {
      index const count = std::min(batch, genes.rows - first);
      for (index i = 0; i < count; ++i) features_of_(genes.row(first + i), features.row(i));
      model_->evaluate(features.view().rows_from(0, count),
                       out.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    }
  }

  /// l_0, l (features), c (configurations, in the order of the fit); 0 for what the tail lacks. Throws
  /// precondition_error before the first fit.
  std::vector<double> coefficients() const {
    AMQ_EXPECTS(model_.has_value(), "rbf::coefficients needs a fit before it");
    std::vector<double> all{model_->tail().constant};
    all.insert(all.end(), model_->tail().slopes.begin(), model_->tail().slopes.end());
    auto const kernel = model_->kernel_coefficients();
    all.insert(all.end(), kernel.begin(), kernel.end());
    return all;
  }

  /// For each configuration, its loss less what the interpolant of all others predicts there (Rippa 1999). A layer that
  /// only one configuration varies has no slope without it. O(n^3), but one factorization, not n of them. Throws
  /// precondition_error before a fit to at least two configurations.
  std::vector<double> leave_one_out() const {
    AMQ_EXPECTS(model_ && model_->size() >= 2,
                "rbf::leave_one_out needs a fit to at least two configurations before it");
    return model_->leave_one_out();
  }

  /// Configurations whose diagonal was raised because the system was singular to working precision.
  index lifted() const { return model_ ? model_->lifted() : 0; }

 private:
  /// Whether the last fit's rows are the first of these, and a fit to all would choose the same lattice.
  bool extends(matrix<double> const& features) const {
    if (!model_ || features_.cols() != features.cols() || features_.rows() > features.rows()) return false;
    if (!std::equal(features_.data(), features_.data() + features_.size(), features.data())) return false;
    for (index i = features_.rows(); grid_ && i < features.rows(); ++i)
      if (!grid_->contains(features.row(i))) return false;
    return true;
  }

  rbf_options options_;
  [[no_unique_address]] Kernel kernel_;
  index feature_count_ = 0;
  std::function<void(std::span<gene const>, std::span<double>)> features_of_;
  std::optional<detail::lattice> grid_;
  std::optional<detail::interpolant<Kernel>> model_;
  matrix<double> features_;  // of the last fit
  std::vector<double> losses_;
};

}  // namespace amq
