// Cholesky factorization through a LAPACK of the user's choice; nothing else of amq includes this header.
#pragma once

#include <concepts>
#include <limits>
#include <string>

#include "amq/concepts/cholesky_factorizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// A function for LAPACK's spotrf on the lower triangle of a column-major matrix; returns its `info`. For any LAPACK
/// (OpenBLAS, MKL, Accelerate, the reference one):
///
///     struct spotrf {
///       int operator()(int n, float* a, int stride) const {
///         char const lower = 'L';
///         int info = 0;
///         spotrf_(&lower, &n, a, &stride, &info);
///         return info;
///       }
///     };
template <class F>
concept spotrf_function = requires(F const& spotrf, int n, float* a) {
  { spotrf(n, a, n) } -> std::convertible_to<int>;
};

/// Models cholesky_factorizer: `basic_gptq<lapack_factorizer<spotrf>>`. Whether it gives the same bits for any number
/// of threads is up to the LAPACK.
template <spotrf_function Spotrf>
class lapack_factorizer {
 public:
  explicit lapack_factorizer(Spotrf spotrf = {}) : spotrf_(spotrf) {}

  bool factorize(matrix_view<float> h) const {
    AMQ_EXPECTS(h.stride <= std::numeric_limits<int>::max(),
                "LAPACK takes rows of at most 2147483647 numbers, not " + std::to_string(h.stride));
    return h.rows == 0 || spotrf_(static_cast<int>(h.rows), h.data, static_cast<int>(h.stride)) == 0;
  }

 private:
  Spotrf spotrf_;
};

}  // namespace amq
