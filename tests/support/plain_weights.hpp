// linear_weights by plain dot products, straight from a model's matrices.
#pragma once

#include <vector>

#include "amq/core/configuration.hpp"

namespace amq_test {

class plain_weights {
 public:
  template <class Model>
  explicit plain_weights(Model const& model) {
    for (amq::index layer = 0; layer < static_cast<amq::index>(model.linears().size()); ++layer)
      matrices_.push_back(model.weight(layer));
  }

  void multiply(amq::index layer, amq::matrix_view<float const> x, amq::matrix_view<float> y) const {
    auto const& w = matrices_[static_cast<std::size_t>(layer)];
    for (amq::index t = 0; t < x.rows; ++t)
      for (amq::index r = 0; r < w.rows(); ++r) {
        float sum = 0;
        for (amq::index c = 0; c < w.cols(); ++c) sum += x(t, c) * w(r, c);
        y(t, r) = sum;
      }
  }

 private:
  std::vector<amq::matrix<float>> matrices_;
};

}  // namespace amq_test
