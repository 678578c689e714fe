// A fitted share model: what it keeps of its data, and its predictions.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "amq/core/random.hpp"
#include "amq/predict/detail/share_features.hpp"
#include "amq/predict/detail/share_overlaps.hpp"
#include "amq/predict/detail/share_posterior.hpp"

namespace amq::detail {

/// What is learnt besides the process itself.
struct share_state {
  effect_table theta;  // logarithms of corrections to the effects
  link_vector beta;
  share_scales scales;
};

/// The model linearised about a state, on given rows: features, residuals and, once solved, alpha.
class share_fit {
 public:
  share_fit() = default;
  /// `log_prior` is ln a, -inf past a layer's choices; `logs` are ln losses.
  share_fit(matrix_view<gene const> genes, std::span<double const> logs, effect_table const& log_prior,
            block_places const& places, bool interference, share_state state)
      : genes_(clone(genes)), places_(&places), interference_(interference), state_(std::move(state)) {
    effects_ = (log_prior + state_.theta).exp();
    share_features const plain(genes, log_prior.exp(), places, 0);
    centre_ = (plain.u.minCoeff() + plain.u.maxCoeff()) / 2;
    features_ = share_features(genes, effects_, places, centre_);
    slopes_.resize(genes.rows);
    for (index i = 0; i < genes.rows; ++i) slopes_(i) = link_slope(state_.beta, features_.u(i));
    double total = 0;
    for (double const y : logs) total += y;
    mean_ = total / static_cast<double>(genes.rows);
    residual_.resize(genes.rows);
    for (index i = 0; i < genes.rows; ++i)
      residual_(i) =
          logs[static_cast<std::size_t>(i)] - mean_ - features_.link.row(i).dot(link_mean()) + along(i, state_.theta);
  }

  index rows() const { return genes_.rows(); }
  share_state const& state() const { return state_; }
  Eigen::VectorXd const& residual() const { return residual_; }
  double jitter() const { return factor_ ? factor_->jitter : 0; }

  share_covariance covariance() const { return {genes_, features_, slopes_, *places_, effects_.cols(), interference_}; }

  /// Factors the covariance under these scales and solves for alpha.
  void solve(share_covariance const& k, share_scales const& scales) {
    state_.scales = scales;
    factor_.emplace(k.matrix(scales));
    alpha_ = factor_->llt.solve(residual_);
  }

  /// The state that alpha leads to.
  share_state advanced() const {
    double const tau = state_.scales.effect;
    return {(tau * tau * back(alpha_)).max(-3.0).min(3.0), link_mean() + link_of(alpha_), state_.scales};
  }

  /// All that predictions need, after solve().
  void prepare_predictions() {
    auto const& s = state_.scales;
    beta_ = link_mean() + link_of(alpha_);
    correction_ = s.effect * s.effect * back(alpha_) - state_.theta;
    if (interference_) overlaps_ = share_overlaps(genes_, features_, effects_, *places_);
    auto const scaled = [&](double scale) -> Eigen::VectorXf { return (scale * scale * alpha_).cast<float>(); };
    first_order_ = scaled(s.interference);
    second_order_ = scaled(s.pairs);
    local_order_ = scaled(s.local);
  }

  /// A configuration to predict.
  struct row {
    std::vector<gene> genes;
    link_vector link;
    double slope = 1;
    std::vector<double> shares;
    overlap_sums with_fit;
  };

  /// Calls visit(i, row) for each row of genes (configurations, layers).
  template <class Visit>
  void for_each_row(matrix_view<gene const> genes, Visit&& visit) const {
    row r;
    share_overlaps::walker walk(overlaps_);
    for (index i = 0; i < genes.rows; ++i) {
      auto const now = genes.row(i);
      r.genes.assign(now.begin(), now.end());
      double const sum = take_shares(r);
      if (interference_) {
        walk(r.genes, sum, r.with_fit);
      } else {
        r.with_fit.overlap.setZero(rows());
        r.with_fit.local.setZero(rows());
      }
      visit(i, r);
    }
  }

  /// ln loss, within what exp takes.
  double mean_of(row const& r) const {
    double first = 0;
    for (std::size_t l = 0; l < r.genes.size(); ++l)
      first += r.shares[l] * correction_(static_cast<index>(l), r.genes[l]);
    double value = mean_ + r.link.dot(beta_) + r.slope * first;
    if (interference_) {
      auto const o = r.with_fit.overlap.array();
      value += static_cast<double>(
          (o * (first_order_.array() + o * second_order_.array()) + r.with_fit.local.array() * local_order_.array())
              .sum());
    }
    return std::clamp(value, -690.0, 690.0);
  }

  /// L^-1 k(row, fit): its square norm is what the data explain of the row's variance.
  Eigen::VectorXd explained(row const& r) const { return factor_->llt.matrixL().solve(covariances(r)); }

  /// Prior covariance of ln loss at two rows, noise left out.
  double covariance_of(row const& a, row const& b) const {
    auto const& s = state_.scales;
    double effects = 0, o = 0, local = 0, before = 0;
    index block = -1;
    double here = 0;
    auto const close_block = [&] {
      o += here;
      local += here * (here + before);
      before = here;
      here = 0;
    };
    for (std::size_t l = 0; l < a.genes.size(); ++l) {
      if (places_->block[l] != block) close_block();
      block = places_->block[l];
      if (a.genes[l] != b.genes[l]) continue;
      effects += a.shares[l] * b.shares[l];
      here += std::sqrt(a.shares[l] * b.shares[l]);
    }
    close_block();
    if (!interference_) o = local = 0;
    return a.link.cwiseProduct(link_variances()).dot(b.link) + s.effect * s.effect * a.slope * b.slope * effects +
           s.local * s.local * local + o * (s.interference * s.interference + s.pairs * s.pairs * o);
  }

  /// theta drawn from its posterior (Matheron's rule): a draw of the prior, corrected by what it misses of the data.
  effect_table draw_theta(random_stream& random) const {
    auto const& s = state_.scales;
    effect_table w(effects_.rows(), effects_.cols());
    for (index i = 0; i < w.size(); ++i) w(i) = s.effect * random.normal();
    link_vector const variances = link_variances();
    link_vector b;
    for (index i = 0; i < b.size(); ++i) b(i) = std::sqrt(variances(i)) * random.normal();
    double const rest = std::sqrt(s.noise * s.noise + s.pairs * s.pairs / 4);
    Eigen::VectorXd missed = residual_;
    for (index i = 0; i < rows(); ++i) missed(i) -= along(i, w) + features_.link.row(i).dot(b) + rest * random.normal();
    effect_table const theta = w + s.effect * s.effect * back(factor_->llt.solve(missed));
    return theta.max(-3.0).min(3.0);
  }

 private:
  /// J theta of one row of the fit, and J^T alpha.
  double along(index i, effect_table const& theta) const {
    double sum = 0;
    for (index l = 0; l < theta.rows(); ++l) sum += features_.shares(i, l) * theta(l, genes_(i, l));
    return slopes_(i) * sum;
  }
  effect_table back(Eigen::VectorXd const& alpha) const {
    effect_table sums = effect_table::Zero(effects_.rows(), effects_.cols());
    for (index i = 0; i < alpha.size(); ++i)
      for (index l = 0; l < sums.rows(); ++l) sums(l, genes_(i, l)) += alpha(i) * slopes_(i) * features_.shares(i, l);
    return sums;
  }
  link_vector link_of(Eigen::VectorXd const& alpha) const {
    return (features_.link.transpose() * alpha).cwiseProduct(link_variances());
  }

  /// Shares, link and slope of a row; returns the sum of its effects.
  double take_shares(row& r) const {
    double sum = 0, m = 0, q = 0;
    r.shares.resize(r.genes.size());
    for (std::size_t l = 0; l < r.genes.size(); ++l) sum += r.shares[l] = effects_(static_cast<index>(l), r.genes[l]);
    for (std::size_t l = 0; l < r.genes.size(); ++l) {
      double const depth = places_->depth[l];
      r.shares[l] /= sum;
      m += r.shares[l] * depth;
      q += r.shares[l] * (depth * depth - 1.0 / 3);
    }
    double const u = std::log(sum) - centre_;
    r.link = link_features(u, m, q);
    r.slope = link_slope(state_.beta, u);
    return sum;
  }

  /// With each configuration of the fit, noise left out.
  Eigen::VectorXd covariances(row const& r) const {
    auto const& s = state_.scales;
    link_vector const link = r.link.cwiseProduct(link_variances());
    Eigen::VectorXd k(rows());
    for (index i = 0; i < rows(); ++i) {
      double effects = 0;
      for (std::size_t l = 0; l < r.genes.size(); ++l)
        if (auto const layer = static_cast<index>(l); genes_(i, layer) == r.genes[l])
          effects += features_.shares(i, layer) * r.shares[l];
      double const o = static_cast<double>(r.with_fit.overlap(i));
      k(i) = features_.link.row(i).dot(link) + s.local * s.local * static_cast<double>(r.with_fit.local(i)) +
             s.effect * s.effect * r.slope * slopes_(i) * effects +
             o * (s.interference * s.interference + s.pairs * s.pairs * o);
    }
    return k;
  }

  matrix<gene> genes_;
  block_places const* places_ = nullptr;
  bool interference_ = true;
  share_state state_;
  double centre_ = 0, mean_ = 0;
  effect_table effects_;  // A
  share_features features_;
  Eigen::VectorXd slopes_, residual_, alpha_;
  std::optional<jittered_factor> factor_;
  link_vector beta_;
  effect_table correction_;
  share_overlaps overlaps_;
  Eigen::VectorXf first_order_, second_order_, local_order_;
};

}  // namespace amq::detail
