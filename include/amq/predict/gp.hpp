// gp: a Gaussian process as predictor, which knows how unsure it is and learns its own hyper-parameters.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <nlopt.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"
#include "amq/predict/detail/gp_posterior.hpp"
#include "amq/predict/detail/lifted_factor.hpp"
#include "amq/predict/detail/target_frame.hpp"
#include "amq/predict/detail/training_set.hpp"
#include "amq/predict/gp_kernels.hpp"
#include "amq/predict/gp_likelihood.hpp"
#include "amq/predict/gp_options.hpp"

namespace amq {

namespace detail {

/// Largest number at most n of the sequence 1, 2, ... in which each is the one before times growth, rounded up.
inline index learned_count(index n, double growth) {
  index count = 1;
  for (;;) {
    auto const next = std::max(count + 1, static_cast<index>(std::ceil(static_cast<double>(count) * growth)));
    if (next > n) return count;
    count = next;
  }
}

inline std::vector<double> logarithms(gp_hyperparameters const& h) {
  std::vector<double> all{std::log(h.variance)};
  for (double const length : h.lengths) all.push_back(std::log(length));
  all.push_back(std::log(h.noise));
  return all;
}

inline gp_hyperparameters from_logarithms(std::vector<double> const& all) {
  gp_hyperparameters h{std::exp(all.front()), {}, std::exp(all.back())};
  for (std::size_t i = 1; i + 1 < all.size(); ++i) h.lengths.push_back(std::exp(all[i]));
  return h;
}

/// The likeliest hyper-parameters of some points and targets: NLopt's L-BFGS over logarithms within bounds.
template <class Kernel>
class gp_learning {
 public:
  gp_learning(matrix_view<double const> points, std::span<double const> targets, bool each, gp_options const& options)
      : options_(options), evidence_(points, targets), part_(0.1 / static_cast<double>(points.rows)) {
    double square = 0;
    for (double const target : targets) square += target * target / static_cast<double>(targets.size());
    double const variance = square > 0 ? square : 1.0;
    double const mean_square = evidence_.mean_square();
    double const length = mean_square > 0 ? std::sqrt(mean_square) : 1.0;
    auto const hyperparameters = [&](double v, double l, double noise) {
      std::vector<double> lengths(each ? static_cast<std::size_t>(points.cols) : 1, l * length);
      return logarithms({v * variance, std::move(lengths), noise * variance});
    };
    start_ = hyperparameters(1, 1, 0.01);
    least_ = hyperparameters(options.variance.least, options.length.least, options.noise.least);
    most_ = hyperparameters(options.variance.most, options.length.most, options.noise.most);
    for (std::size_t i = 0; i < start_.size(); ++i) start_[i] = std::clamp(start_[i], least_[i], most_[i]);
  }

  gp_hyperparameters start() const { return from_logarithms(start_); }

  gp_hyperparameters likeliest(random_stream& random) {
    best_ = start_;
    best_value_ = evidence_(start()).value;
    climb(start_);
    for (index restart = 0; restart < options_.restarts; ++restart) {
      auto from = start_;
      double const variance = random.normal(), length = random.normal(), noise = random.normal();
      for (double& logarithm : from) logarithm += length;
      from.front() += variance - length;
      from.back() += noise - length;
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = std::clamp(from[i], least_[i], most_[i]);
      climb(from);
    }
    return from_logarithms(best_);
  }

 private:
  static double value_and_gradient(std::vector<double> const& at, std::vector<double>& gradient, void* self) {
    return static_cast<gp_learning*>(self)->evaluate(at, gradient);
  }

  /// A small part of the likelihood: L-BFGS's first step is as long as its gradient, and a long one lands where lengths
  /// are so short, or noise so large, that nothing is learned.
  double evaluate(std::vector<double> const& at, std::vector<double>& gradient) {
    auto const likelihood = evidence_(from_logarithms(at));
    if (likelihood.value > best_value_) {
      best_ = at;
      best_value_ = likelihood.value;
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = part_ * likelihood.gradient[i];
    return part_ * likelihood.value;
  }

  void climb(std::vector<double> from) {
    nlopt::opt search(nlopt::LD_LBFGS, static_cast<unsigned>(from.size()));
    search.set_max_objective(value_and_gradient, this);
    search.set_lower_bounds(least_);
    search.set_upper_bounds(most_);
    search.set_ftol_abs(1e-7);
    search.set_maxeval(static_cast<int>(options_.evaluations));
    double value = 0;
    try {
      search.optimize(from, value);
    } catch (std::runtime_error const&) {
      // A line search that ended in rounding: the best point seen is kept all the same.
    }
  }

  gp_options const& options_;
  gp_evidence<Kernel> evidence_;
  double part_;
  std::vector<double> start_, least_, most_, best_;
  double best_value_ = 0;
};

}  // namespace detail

/// Gaussian process regression (Rasmussen & Williams 2006, chapter 2) of losses on the space's features, or on genes
/// for kernels of genes. Hyper-parameters maximise the log marginal likelihood (section 5.4.1).
///
/// They are learned from the first m rows of n, m the largest term at most n of a sequence that grows by
/// `growth`; hence n / growth < m. So predictions are a function of the data and their order alone, bit for bit,
/// however many smaller fits went before, and between two terms m points are added to n in O(m n^2). A first fit is
/// O(n^3) and up to (restarts + 1) x evaluations likelihoods of O(learned_rows^3); fewer than 5 rows or constant losses
/// keep the starting values. A prediction is O(n d), a variance O(n^2), and neither depends on the batch it is in.
template <class Kernel = matern52>
class gp {
  static_assert(diagnose_gp_kernel<Kernel>());

 public:
  using policy_category = predictor_category;

  /// Throws precondition_error on options outside their ranges.
  explicit gp(gp_options options = {}) : options_(std::move(options)) { detail::expect_options(options_); }

  /// Throws precondition_error unless there is one finite loss, below 1e150 in magnitude, for each row of genes
  /// (configurations, layers), and at least one.
  template <search_space Space>
  void fit(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    expect_losses(genes, losses);
    auto describe = description(space);
    auto points = describe(genes);
    if (options_.fixed) detail::expect_hyperparameters(*options_.fixed, points.cols());
    index const count = options_.fixed ? points.rows() : detail::learned_count(points.rows(), options_.growth);
    auto const learned_from = losses.first(static_cast<std::size_t>(count));
    auto const frame = options_.standardize ? detail::target_frame::of(learned_from) : detail::target_frame{};
    bool const extended = extends(points);
    auto const hyperparameters = extended && std::ranges::equal(learned_from, learned_from_)
                                     ? posterior_->hyperparameters()
                                     : learn(points.view().rows_from(0, count), frame.targets(learned_from));
    if (!extended || posterior_->hyperparameters() != hyperparameters)
      posterior_.emplace(hyperparameters, points.cols());
    posterior_->add(points.view().rows_from(posterior_->size(), points.rows() - posterior_->size()));
    frame_ = frame;
    targets_ = frame.targets(losses);
    posterior_->solve(targets_);
    describe_ = std::move(describe);
    points_ = std::move(points);
    learned_from_.assign(learned_from.begin(), learned_from.end());
  }

  /// out[i] is the expected loss of row i. Throws precondition_error before the first fit, like all below.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    auto const points = points_of(genes, out);
    for (index i = 0; i < points.rows(); ++i)
      out[static_cast<std::size_t>(i)] = frame_.loss(posterior_->mean(points.row(i)));
  }

  /// out[i] is the variance of the loss of row i, without the measurement's noise, in squared units of loss.
  void variance(matrix_view<gene const> genes, std::span<double> out) const {
    posterior_->variances(points_of(genes, out), out);
    for (double& value : out) value *= frame_.scale * frame_.scale;
  }

  /// Covariance (rows, rows) of the losses of the rows, without the measurement's noise, in squared units of loss.
  matrix<double> covariance(matrix_view<gene const> genes) const {
    matrix<double> result(genes.rows, genes.rows);
    Eigen::Map<detail::row_major>(result.data(), genes.rows, genes.rows) =
        frame_.scale * frame_.scale * posterior().covariance(describe_(genes));
    return result;
  }

  /// One function drawn from the posterior, in units of loss, at all rows together. O(rows n (rows + n) + rows^3).
  void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const {
    auto const points = points_of(genes, out);
    double const prior = posterior_->hyperparameters().variance;
    double jitter = 1e-12 * prior;
    auto const factor = detail::lifted_factor(posterior_->covariance(points), prior, jitter);
    Eigen::VectorXd normal(points.rows());
    for (double& value : normal) value = random.normal();
    Eigen::VectorXd const deviation = factor.matrixL() * normal;
    for (index i = 0; i < points.rows(); ++i)
      out[static_cast<std::size_t>(i)] = frame_.loss(posterior_->mean(points.row(i)) + deviation[i]);
  }

  /// What `predict` and `variance` would say of each point of the fit without it (hyper-parameters as they are), in
  /// closed form. O(n^3). Of a point that was lifted, with its lifted noise.
  leave_one_out_losses leave_one_out() const {
    leave_one_out_losses result{std::vector<double>(targets_.size()), std::vector<double>(targets_.size())};
    posterior().leave_one_out(targets_, result.means, result.variances);
    for (double& mean : result.means) mean = frame_.loss(mean);
    for (double& variance : result.variances) variance *= frame_.scale * frame_.scale;
    return result;
  }

  /// In units of the standardised targets.
  gp_hyperparameters const& hyperparameters() const { return posterior().hyperparameters(); }

  /// Configurations whose diagonal was raised because the covariance was singular to working precision.
  index lifted() const { return posterior_ ? posterior_->lifted() : 0; }

 private:
  static void expect_losses(matrix_view<gene const> genes, std::span<double const> losses) {
    detail::expect_training_set("gp::fit", genes, losses);
    auto const large = std::ranges::find_if(losses, [](double loss) { return std::abs(loss) >= 1e150; });
    AMQ_EXPECTS(large == losses.end(), "gp::fit needs losses below 1e150, whose squares are finite, and loss " +
                                           std::to_string(large - losses.begin()) + " is not");
  }

  template <class Space>
  static std::function<matrix<double>(matrix_view<gene const>)> description(Space const& space) {
    if constexpr (Kernel::of_genes)
      return [](matrix_view<gene const> genes) {
        matrix<double> points(genes.rows, genes.cols);
        for (index i = 0; i < genes.rows; ++i) std::ranges::copy(genes.row(i), points.row(i).begin());
        return points;
      };
    else
      return [space](matrix_view<gene const> genes) {
        matrix<double> points(genes.rows, space.feature_count());
        for (index i = 0; i < genes.rows; ++i) space.features(genes.row(i), points.row(i));
        return points;
      };
  }

  bool extends(matrix<double> const& points) const {
    return posterior_ && points_.cols() == points.cols() && points_.rows() <= points.rows() &&
           std::equal(points_.data(), points_.data() + points_.size(), points.data());
  }

  gp_hyperparameters learn(matrix_view<double const> points, std::vector<double> const& targets) const {
    if (options_.fixed) return *options_.fixed;
    random_stream random(options_.seed, static_cast<std::uint64_t>(points.rows));
    auto rows = random.permutation(points.rows);
    rows.resize(static_cast<std::size_t>(std::min(points.rows, options_.learned_rows)));
    std::ranges::sort(rows);
    matrix<double> some(std::ssize(rows), points.cols);
    std::vector<double> some_targets;
    for (index const row : rows) {
      std::ranges::copy(points.row(row), some.row(std::ssize(some_targets)).begin());
      some_targets.push_back(targets[static_cast<std::size_t>(row)]);
    }
    bool const each = points.cols > 0 && (options_.lengths == gp_lengths::each ||
                                          (options_.lengths == gp_lengths::automatic && points.cols <= 32));
    detail::gp_learning<Kernel> learning(some, some_targets, each, options_);
    bool const constant = std::ranges::adjacent_find(some_targets, std::ranges::not_equal_to{}) == some_targets.end();
    return constant || std::ssize(rows) < 5 ? learning.start() : learning.likeliest(random);
  }

  detail::gp_posterior<Kernel> const& posterior() const {
    AMQ_EXPECTS(posterior_.has_value(), "gp needs a fit before it is asked anything");
    return *posterior_;
  }

  matrix<double> points_of(matrix_view<gene const> genes, std::span<double> out) const {
    AMQ_EXPECTS(posterior_.has_value(), "gp needs a fit before it is asked anything");
    AMQ_EXPECTS(genes.rows == std::ssize(out), "gp needs room for one number a configuration");
    return describe_(genes);
  }

  gp_options options_;
  std::function<matrix<double>(matrix_view<gene const>)> describe_;
  std::optional<detail::gp_posterior<Kernel>> posterior_;
  detail::target_frame frame_;
  matrix<double> points_;             // of the last fit
  std::vector<double> targets_;       // of the last fit
  std::vector<double> learned_from_;  // losses that hyper-parameters and frame were learned from
};

}  // namespace amq
