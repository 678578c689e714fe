// Packed matrices and activations on the device, and products in double to compare with.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "amq/core/half.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/layout/permute.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/stream.cuh"
#include "support/tiles.hpp"

namespace amq::test {

/// A packed matrix in the device layout.
struct matrix_on_device {
  matrix_on_device(packed_matrix const& source, cudaStream_t on)
      : bytes(static_cast<std::size_t>(cuda::device_matrix_bytes({source.storage().bits, source.storage().group},
                                                                 source.rows(), source.cols())),
              on),
        view{bytes.data(), static_cast<int>(source.rows()), static_cast<int>(source.cols()), source.storage().bits,
             source.storage().group} {
    tiled_matrix const tiles(source);
    auto const host = cuda::uploaded(std::span(tiles.view().data, static_cast<std::size_t>(tiles.bytes())), on);
    cuda::to_device_layout(host.data(), view, bytes.data(), on);
  }

  cuda::device_buffer<std::uint8_t> bytes;
  cuda::device_matrix view;
};

template <class T>
std::vector<T> downloaded(cuda::device_buffer<T> const& from, cuda::stream const& on) {
  std::vector<T> to(from.size());
  cuda::download(from.data(), std::span(to), on);
  on.synchronize();
  return to;
}

/// Numbers of the device with the values of a matrix, rounded.
template <class Number>
std::vector<Number> rounded(matrix<float> const& x) {
  std::vector<Number> made;
  for (index i = 0; i < x.size(); ++i) made.push_back(cuda::from_f32<Number>(x.data()[i]));
  return made;
}

/// x (tokens, cols) w^T and, for each result, the sum of the terms' magnitudes, in double.
struct exact_product {
  template <class Number>
  exact_product(packed_matrix const& w, std::vector<Number> const& x)
      : tokens(std::ssize(x) / w.cols()), values(tokens, w.rows()), sizes(tokens, w.rows()) {
    for (index row = 0; row < w.rows(); ++row)
      for (index col = 0; col < w.cols(); ++col) {
        index const group = col / w.storage().group;
        double const scale = w.scale(row, group), zero = w.zero(row, group), code = w.code(row, col);
        for (index token = 0; token < tokens; ++token) {
          double const input = cuda::to_f32(x[static_cast<std::size_t>(token * w.cols() + col)]);
          values(token, row) += (code - zero) * scale * input;
          sizes(token, row) += (code + std::abs(zero)) * std::abs(scale * input);
        }
      }
  }

  index tokens;
  matrix<double> values;
  matrix<double> sizes;
};

/// The largest error of y (tokens, rows) in units of the sum of its terms' magnitudes.
inline double largest_error(std::vector<float> const& y, exact_product const& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    double const error = std::abs(y[i] - expected.values.data()[i]) / expected.sizes.data()[i];
    largest = std::isnan(error) ? INFINITY : std::max(largest, error);
  }
  return largest;
}

}  // namespace amq::test
