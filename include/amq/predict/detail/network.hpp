// A multi-layer perceptron with rectifiers and one output: its value and the gradient of its loss.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"

namespace amq::detail {

/// Hidden layers of equal width, each an affine map and max(0, .), then an affine map to one number. Samples are
/// columns. All weights and biases are one vector, so that an optimizer need not know the layers.
template <class Scalar>
class network {
 public:
  using matrix_type = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
  using vector_type = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;
  using row_type = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;

  /// Weights and biases uniform within 1 / sqrt(a layer's inputs), PyTorch's default for linear layers.
  network(index inputs, index width, index hidden_layers, random_stream& random) {
    index total = 0;
    for (index l = 0; l <= hidden_layers; ++l) {
      index const from = l == 0 ? inputs : width, to = l == hidden_layers ? 1 : width;
      layers_.push_back({from, to, total});
      total += to * (from + 1);
    }
    parameters_.resize(total);
    for (auto const& layer : layers_) {
      double const bound = 1 / std::sqrt(static_cast<double>(layer.inputs));
      for (index i = 0; i < layer.outputs * (layer.inputs + 1); ++i)
        parameters_(layer.first + i) = static_cast<Scalar>(bound * (2 * random.uniform() - 1));
    }
  }

  vector_type const& parameters() const { return parameters_; }
  vector_type& parameters() { return parameters_; }

  /// One value for each column of x (inputs, samples).
  row_type operator()(matrix_type const& x) const {
    matrix_type state = x;
    for (std::size_t l = 0; l < layers_.size(); ++l) state = apply(l, state);
    return state;
  }

  /// Mean smooth absolute error (e^2 / 2 below 1, |e| - 1/2 above) on x (inputs, samples), and its gradient. The last
  /// hidden layer is multiplied by `mask` (width, samples), which is how dropout is done.
  Scalar gradient(matrix_type const& x, row_type const& targets, matrix_type const& mask, vector_type& slopes) const {
    std::vector<matrix_type> states{x};
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      states.push_back(apply(l, states.back()));
      if (l + 2 == layers_.size()) states.back().array() *= mask.array();
    }
    row_type const errors = states.back().row(0) - targets;
    matrix_type down = errors.cwiseMax(Scalar(-1)).cwiseMin(Scalar(1)) / static_cast<Scalar>(errors.size());
    slopes.resize(parameters_.size());
    for (std::size_t l = layers_.size(); l-- > 0;) {
      weights(slopes, l).noalias() = down * states[l].transpose();
      biases(slopes, l) = down.rowwise().sum();
      if (l == 0) break;
      matrix_type const above = weights(parameters_, l).transpose() * down;
      down = (states[l].array() > 0).select(above, Scalar(0));
      if (l + 1 == layers_.size()) down.array() *= mask.array();
    }
    return smooth_absolute(errors);
  }

  static Scalar smooth_absolute(row_type const& errors) {
    auto const size = errors.array().abs();
    return (size < 1).select(size.square() / 2, size - Scalar(0.5)).mean();
  }

 private:
  struct map_shape {
    index inputs, outputs;
    index first;  // of its parameters: weights (outputs, inputs), then biases
  };

  template <class Vector>
  auto weights(Vector& all, std::size_t l) const {
    using mapped = std::conditional_t<std::is_const_v<Vector>, matrix_type const, matrix_type>;
    return Eigen::Map<mapped>(all.data() + layers_[l].first, layers_[l].outputs, layers_[l].inputs);
  }
  template <class Vector>
  auto biases(Vector& all, std::size_t l) const {
    using mapped = std::conditional_t<std::is_const_v<Vector>, vector_type const, vector_type>;
    auto const& [inputs, outputs, first] = layers_[l];
    return Eigen::Map<mapped>(all.data() + first + outputs * inputs, outputs);
  }

  matrix_type apply(std::size_t l, matrix_type const& state) const {
    matrix_type next = weights(parameters_, l) * state;
    next.colwise() += biases(parameters_, l);
    if (l + 1 < layers_.size()) next = next.cwiseMax(Scalar(0));
    return next;
  }

  std::vector<map_shape> layers_;
  vector_type parameters_;
};

}  // namespace amq::detail
