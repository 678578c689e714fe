// Training of one network: mini-batches, Adam under a cosine, early stopping on configurations held out.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/predict/detail/adam.hpp"
#include "amq/predict/detail/network.hpp"
#include "amq/predict/mlp_options.hpp"

namespace amq::detail {

template <class Scalar>
struct trained_network {
  network<Scalar> model;
  double held_out_error = 0;  ///< mean square on the held-out part
  index epochs = 0;           ///< run before it stopped
};

template <class Scalar>
class network_training {
 public:
  using matrix_type = typename network<Scalar>::matrix_type;
  using row_type = typename network<Scalar>::row_type;

  /// x (inputs, samples). Where the held-out part rounds down to nothing, all samples decide when to stop.
  network_training(matrix_type const& x, row_type const& targets, mlp_options const& options, random_stream& random)
      : x_(x), targets_(targets), options_(options), random_(random) {
    train_ = random.permutation(x.cols());
    auto const held_out = static_cast<index>(options.held_out * static_cast<double>(x.cols()));
    held_out_.assign(train_.end() - held_out, train_.end());
    train_.resize(train_.size() - static_cast<std::size_t>(held_out));
    if (held_out == 0) held_out_ = train_;
  }

  trained_network<Scalar> run() {
    network<Scalar> now(x_.rows(), options_.width, options_.hidden_layers, random_);
    adam<Scalar> optimizer(now.parameters().size());
    matrix_type const x = columns(held_out_);
    row_type const targets = targets_of(held_out_);
    auto best = now;
    Scalar least = network<Scalar>::smooth_absolute(now(x) - targets);
    index epoch = 0, best_epoch = 0;
    for (; epoch < options_.epochs && epoch - best_epoch < options_.patience; ++epoch) {
      double const angle = std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(options_.epochs);
      run_epoch(now, optimizer, options_.rate * (1 + std::cos(angle)) / 2);
      Scalar const loss = network<Scalar>::smooth_absolute(now(x) - targets);
      if (!(loss < least)) continue;
      least = loss;
      best = now;
      best_epoch = epoch;
    }
    auto const error = static_cast<double>((best(x) - targets).squaredNorm()) / static_cast<double>(targets.size());
    return {std::move(best), error, epoch};
  }

 private:
  void run_epoch(network<Scalar>& now, adam<Scalar>& optimizer, double rate) {
    random_.shuffle(train_);
    std::span<index const> const order(train_);
    for (std::size_t first = 0; first < order.size(); first += static_cast<std::size_t>(options_.batch)) {
      auto const samples =
          order.subspan(first, std::min(order.size() - first, static_cast<std::size_t>(options_.batch)));
      now.gradient(columns(samples), targets_of(samples), mask(std::ssize(samples)), slopes_);
      optimizer.step(now.parameters(), slopes_, rate);
    }
  }

  matrix_type columns(std::span<index const> samples) const {
    matrix_type chosen(x_.rows(), std::ssize(samples));
    for (std::size_t i = 0; i < samples.size(); ++i) chosen.col(static_cast<index>(i)) = x_.col(samples[i]);
    return chosen;
  }

  row_type targets_of(std::span<index const> samples) const {
    row_type chosen(std::ssize(samples));
    for (std::size_t i = 0; i < samples.size(); ++i) chosen(static_cast<index>(i)) = targets_(samples[i]);
    return chosen;
  }

  /// Dropout: zeros, and what makes up for them elsewhere.
  matrix_type mask(index samples) {
    auto const kept = static_cast<Scalar>(1 / (1 - options_.dropout));
    matrix_type factors = matrix_type::Constant(options_.width, samples, kept);
    if (options_.dropout > 0)
      for (index i = 0; i < factors.size(); ++i)
        if (random_.bernoulli(options_.dropout)) factors.data()[i] = 0;
    return factors;
  }

  matrix_type const& x_;
  row_type const& targets_;
  mlp_options const& options_;
  random_stream& random_;
  std::vector<index> train_, held_out_;
  typename network<Scalar>::vector_type slopes_;
};

}  // namespace amq::detail
