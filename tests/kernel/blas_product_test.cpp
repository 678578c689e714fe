#include "amq/kernel/blas_product.hpp"

#include "support/catch.hpp"

namespace amq {
namespace {

struct plain_sgemm {
  void operator()(index m, index n, index k, float const* a, index a_stride, float const* b, index b_stride, float* c,
                  index c_stride) const {
    for (index i = 0; i < m; ++i)
      for (index j = 0; j < n; ++j) {
        float sum = 0;
        for (index d = 0; d < k; ++d) sum += a[i * a_stride + d] * b[j * b_stride + d];
        c[i * c_stride + j] = sum;
      }
  }
};

}  // namespace

TEST_CASE("a BLAS gets the operands of the product in their places", "[kernel]") {
  matrix<float> w(2, 3), x(2, 5), y(2, 4);
  for (index i = 0; i < w.size(); ++i) w.data()[i] = static_cast<float>(i + 1);
  for (index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i);
  blas_matrix<plain_sgemm> const product(w);
  CHECK(product.rows() == 2);
  CHECK(product.cols() == 3);
  product.multiply({x.data() + 1, 2, 3, 5}, {y.data() + 1, 2, 2, 4});
  CHECK(y(0, 0) == 0);
  CHECK(y(0, 1) == 1 * 1 + 2 * 2 + 3 * 3);
  CHECK(y(0, 2) == 1 * 4 + 2 * 5 + 3 * 6);
  CHECK(y(1, 1) == 6 * 1 + 7 * 2 + 8 * 3);
  CHECK(y(1, 3) == 0);
  CHECK_THROWS_AS(product.multiply(x, y), precondition_error);
}

}  // namespace amq
