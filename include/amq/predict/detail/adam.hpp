// Adam: steps along the gradient's running mean, each parameter scaled by the gradient's running size.
#pragma once

#include <Eigen/Core>
#include <cmath>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// Kingma and Ba (2015), algorithm 1, with its constants. O(parameters) a step.
template <class Scalar>
class adam {
 public:
  using vector_type = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  explicit adam(index parameters) : mean_(vector_type::Zero(parameters)), square_(vector_type::Zero(parameters)) {}

  void step(vector_type& parameters, vector_type const& gradient, double rate) {
    constexpr double mean_decay = 0.9, square_decay = 0.999;
    constexpr auto smallest = static_cast<Scalar>(1e-8);
    ++steps_;
    mean_ += static_cast<Scalar>(1 - mean_decay) * (gradient - mean_);
    square_ += static_cast<Scalar>(1 - square_decay) * (gradient.cwiseAbs2() - square_);
    auto const n = static_cast<double>(steps_);
    auto const length = static_cast<Scalar>(rate / (1 - std::pow(mean_decay, n)));
    auto const size = static_cast<Scalar>(1 / std::sqrt(1 - std::pow(square_decay, n)));
    parameters.array() -= length * mean_.array() / (square_.array().sqrt() * size + smallest);
  }

 private:
  index steps_ = 0;
  vector_type mean_, square_;
};

}  // namespace amq::detail
