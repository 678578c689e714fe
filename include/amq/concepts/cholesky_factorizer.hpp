// cholesky_factorizer: splits a symmetric positive definite matrix into two triangles.
#pragma once

#include <concepts>

#include "amq/core/matrix.hpp"

namespace amq {

/// `factorize(h)`: of a symmetric h (n, n) in f32, of which the upper triangle is read, the upper triangle becomes U
/// with h = U^T U; what is below it then means nothing. (In LAPACK's words: spotrf 'L' on the same memory.) Returns
/// false where h is not positive definite; h then means nothing. Same input, same bits.
template <class F>
concept cholesky_factorizer = std::default_initializable<F> && requires(F const& factorizer, matrix_view<float> h) {
  { factorizer.factorize(h) } -> std::same_as<bool>;
};

/// One sentence for what F lacks.
template <class F>
constexpr bool diagnose_cholesky_factorizer() {
  static_assert(
      cholesky_factorizer<F>,
      "amq: a cholesky_factorizer needs a default constructor and `bool factorize(matrix_view<float>) const`, "
      "which leaves U with h = U^T U in the upper triangle");
  return cholesky_factorizer<F>;
}

}  // namespace amq
