// One random product, and what a kernel makes of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "amq/cuda/product_workspace.cuh"
#include "cuda/layout/on_device.hpp"

namespace amq::test {

/// w (rows, cols) packed, x (tokens, cols).
template <class Number>
struct product_case {
  product_case(format stored, index rows, index cols, int tokens_, std::uint64_t seed)
      : w(random_packed(stored, rows, cols, seed)),
        x(rounded<Number>(normal_matrix(tokens_, cols, seed + 1))),
        tokens(tokens_) {}

  /// The same weights with one of the tokens.
  product_case token(int which) const {
    product_case alone = *this;
    alone.x.assign(x.begin() + which * w.cols(), x.begin() + (which + 1) * w.cols());
    alone.tokens = 1;
    return alone;
  }

  /// What y holds at i before.
  float before(std::size_t i) const { return static_cast<float>(i % 7) - 3; }

  double error(std::vector<float> const& y) const { return largest_error(y, exact_product(w, x)); }

  packed_matrix w;
  std::vector<Number> x;
  int tokens;
};

/// y (tokens, rows) of `product(w, x, tokens, y, accumulate, workspace, stream)`, split as on a device with so many
/// multiprocessors. What has to be overwritten is NaN before.
template <class Number, class Product>
std::vector<float> multiplied(product_case<Number> const& one, Product const& product, int multiprocessors = 132,
                              bool accumulate = false) {
  cuda::stream const on;
  matrix_on_device const w(one.w, on);
  std::vector<float> before(static_cast<std::size_t>(one.tokens * one.w.rows()), NAN);
  for (std::size_t i = 0; accumulate && i < before.size(); ++i) before[i] = one.before(i);
  auto const x = cuda::uploaded(std::span<Number const>(one.x), on);
  auto const y = cuda::uploaded(std::span<float const>(before), on);
  cuda::product_workspace workspace(90, multiprocessors);
  product(w.view, x.data(), one.tokens, y.data(), accumulate, workspace, static_cast<cudaStream_t>(on));
  return downloaded(y, on);
}

}  // namespace amq::test
