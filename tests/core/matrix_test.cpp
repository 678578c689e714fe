#include "amq/core/matrix.hpp"

#include "support/catch.hpp"

TEST_CASE("a matrix is zeroed, aligned, and moves without leaving a size behind") {
  amq::matrix<float> a(3, 5);
  for (amq::index r = 0; r < 3; ++r)
    for (amq::index c = 0; c < 5; ++c) CHECK(a(r, c) == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 64 == 0);
  a(2, 4) = 7;
  amq::matrix<float> const b = std::move(a);
  CHECK(b(2, 4) == 7);
  CHECK(a.size() == 0);
  CHECK(a.data() == nullptr);
  CHECK(amq::matrix<float>(0, 4).size() == 0);
}

TEST_CASE("views take rows out of wider matrices, and clones are dense") {
  amq::matrix<int> wide(4, 6);
  for (int i = 0; i < 24; ++i) wide.data()[i] = i;
  amq::matrix_view<int const> const part(wide.data() + 1, 4, 3, 6);
  CHECK(part(2, 1) == 14);
  CHECK(part.rows_from(1, 2)(0, 0) == 7);
  auto const copy = amq::clone(part);
  CHECK(copy.cols() == 3);
  CHECK(copy(3, 2) == 21);
  CHECK(wide.clone()(3, 5) == 23);
}
