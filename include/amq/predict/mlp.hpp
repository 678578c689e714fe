// mlp: AMQ's other predictor, a multi-layer perceptron; several of them know how unsure they are.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"
#include "amq/core/statistics.hpp"
#include "amq/predict/detail/network_training.hpp"
#include "amq/predict/detail/target_frame.hpp"
#include "amq/predict/detail/training_set.hpp"
#include "amq/predict/mlp_options.hpp"

namespace amq {

/// Hidden layers with rectifiers over the space's features; features and losses are scaled to mean 0 and deviation 1.
/// Trained by mini-batch Adam on a smooth absolute error with dropout before the output; parameters are those of the
/// best epoch on a held-out part. Constant losses are predicted as they are, without training.
///
/// Every fit starts anew from the seed, so equal data in equal order give equal bits whatever was fitted before (the
/// last bits of a prediction may depend on how many rows are predicted together). O(epochs n p) a fit and O(p) a
/// prediction for each member, p = width (features + width x (hidden_layers - 1)).
template <class Scalar = float>
class mlp {
 public:
  using policy_category = predictor_category;

  /// Throws precondition_error for an option that makes no sense.
  explicit mlp(mlp_options options = {}) : options_(options) { check(options_); }

  /// Throws precondition_error unless there is one finite loss for each row of genes (configurations, layers), and at
  /// least one.
  template <search_space Space>
  void fit(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    detail::expect_training_set("mlp::fit", genes, losses);
    features_of_ = [space](std::span<gene const> from, std::span<double> to) { space.features(from, to); };
    frame_ = detail::target_frame::of(losses);
    fitted_ = true;
    members_.clear();
    auto const [low, high] = std::minmax_element(losses.begin(), losses.end());
    if (*low == *high) return;
    scale_features(space.feature_count(), genes);
    train(scaled_features(genes), frame_.targets(losses));
  }

  /// out[i] is the predicted loss of row i, the members' mean. Throws precondition_error before the first fit.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    expect_rows("mlp::predict", genes, std::ssize(out));
    visit_members(genes, [&](index i, std::span<double const> values) {
      out[static_cast<std::size_t>(i)] = values.empty() ? frame_.centre : frame_.loss(mean(values));
    });
  }

  /// The members' sample variance, in squared units of loss. One member alone gives its mean squared error on what it
  /// held out, the same for every row; constant losses give 0. Throws precondition_error before the first fit.
  void variance(matrix_view<gene const> genes, std::span<double> out) const {
    expect_rows("mlp::variance", genes, std::ssize(out));
    visit_members(genes, [&](index i, std::span<double const> values) {
      auto const n = static_cast<double>(values.size());
      double const standard = values.empty()      ? 0.0
                              : values.size() > 1 ? n * std::pow(standard_error(values), 2)
                                                  : members_[0].held_out_error;
      out[static_cast<std::size_t>(i)] = frame_.scale * frame_.scale * standard;
    });
  }

  /// Epochs that each member of the last fit was trained for before it stopped.
  std::vector<index> epochs() const {
    std::vector<index> all;
    for (auto const& member : members_) all.push_back(member.epochs);
    return all;
  }

 private:
  using training = detail::network_training<Scalar>;
  using matrix_type = typename training::matrix_type;

  void expect_rows(std::string const& who, matrix_view<gene const> genes, index room) const {
    AMQ_EXPECTS(fitted_, who + " needs a fit before it");
    AMQ_EXPECTS(genes.rows == room, who + " needs room for one number a configuration");
  }

  /// Mean and deviation of each feature; layers that never varied keep deviation 1.
  void scale_features(index count, matrix_view<gene const> genes) {
    feature_frames_.assign(static_cast<std::size_t>(count), {});
    matrix<double> by_feature(count, genes.rows);
    std::vector<double> row(static_cast<std::size_t>(count));
    for (index i = 0; i < genes.rows; ++i) {
      features_of_(genes.row(i), row);
      for (index k = 0; k < count; ++k) by_feature(k, i) = row[static_cast<std::size_t>(k)];
    }
    for (index k = 0; k < count; ++k)
      feature_frames_[static_cast<std::size_t>(k)] = detail::target_frame::of(by_feature.row(k));
  }

  /// (features, configurations)
  matrix_type scaled_features(matrix_view<gene const> genes) const {
    auto const count = std::ssize(feature_frames_);
    matrix_type scaled(count, genes.rows);
    std::vector<double> row(feature_frames_.size());
    for (index i = 0; i < genes.rows; ++i) {
      features_of_(genes.row(i), row);
      for (std::size_t k = 0; k < row.size(); ++k)
        scaled(static_cast<index>(k), i) =
            static_cast<Scalar>((row[k] - feature_frames_[k].centre) / feature_frames_[k].scale);
    }
    return scaled;
  }

  void train(matrix_type const& x, std::vector<double> const& targets) {
    typename detail::network<Scalar>::row_type y(std::ssize(targets));
    for (std::size_t i = 0; i < targets.size(); ++i) y(static_cast<index>(i)) = static_cast<Scalar>(targets[i]);
    for (index member = 0; member < options_.members; ++member) {
      random_stream random(options_.seed, static_cast<std::uint64_t>(member));
      members_.push_back(training(x, y, options_, random).run());
    }
  }

  /// visit(row, scaled predictions of all members), some hundred rows at a time.
  template <class Visit>
  void visit_members(matrix_view<gene const> genes, Visit const& visit) const {
    constexpr index together = 256;
    std::vector<double> values(members_.size());
    for (index first = 0; first < genes.rows; first += together) {
      auto const rows = genes.rows_from(first, std::min(together, genes.rows - first));
      matrix_type const x = members_.empty() ? matrix_type() : scaled_features(rows);
      matrix_type predicted(std::ssize(members_), rows.rows);
      for (std::size_t m = 0; m < members_.size(); ++m) predicted.row(static_cast<index>(m)) = members_[m].model(x);
      for (index i = 0; i < rows.rows; ++i) {
        for (std::size_t m = 0; m < values.size(); ++m)
          values[m] = static_cast<double>(predicted(static_cast<index>(m), i));
        visit(first + i, values);
      }
    }
  }

  mlp_options options_;
  bool fitted_ = false;
  std::function<void(std::span<gene const>, std::span<double>)> features_of_;
  detail::target_frame frame_;
  std::vector<detail::target_frame> feature_frames_;
  std::vector<detail::trained_network<Scalar>> members_;
};

}  // namespace amq
