#include "amq/evaluate/weights.hpp"

#include "support/files.hpp"

using namespace amq_test;

namespace {

/// (rows, cols) of small whole numbers, whose products are exact in any order.
amq::matrix<float> whole_numbers(amq::index rows, amq::index cols, int step) {
  amq::matrix<float> values(rows, cols);
  for (amq::index i = 0; i < values.size(); ++i) values.data()[i] = static_cast<float>((i * step + 1) % 7 - 3);
  return values;
}

}  // namespace

TEST_CASE("an adapter adds its product to the layer that it lies beside", "[weights]") {
  amq::index const rows = 5, cols = 9, rank = 2, tokens = 3;
  auto const w = whole_numbers(rows, cols, 3), x = whole_numbers(tokens, cols, 5);
  amq::adapter const pair{whole_numbers(rank, cols, 2), whole_numbers(rows, rank, 4), 0.5f};
  amq::dense_matrix const prepared(w);
  amq::layer_weights weights(2);
  weights.set(0, prepared);
  weights.set(1, prepared, &pair);
  amq::matrix<float> plain(tokens, rows), adapted(tokens, rows);
  weights.multiply(0, x, plain);
  weights.multiply(1, x, adapted);
  for (amq::index t = 0; t < tokens; ++t)
    for (amq::index r = 0; r < rows; ++r) {
      float own = 0, added = 0;
      for (amq::index c = 0; c < cols; ++c) own += w(r, c) * x(t, c);
      for (amq::index k = 0; k < rank; ++k)
        for (amq::index c = 0; c < cols; ++c) added += pair.up(r, k) * pair.down(k, c) * x(t, c);
      CHECK(plain(t, r) == own);
      CHECK(adapted(t, r) == own + 0.5f * added);
    }
}

TEST_CASE("an adapter of another shape is refused", "[weights]") {
  amq::adapter const pair{whole_numbers(2, 9, 2), whole_numbers(4, 2, 4)};
  amq::dense_matrix const prepared(whole_numbers(5, 9, 3));
  amq::layer_weights weights(1);
  weights.set(0, prepared, &pair);
  amq::matrix<float> y(1, 5);
  auto const message = refusal<amq::precondition_error>([&] { weights.multiply(0, whole_numbers(1, 9, 1), y); });
  CHECK(lacks(message, {"rank 2 for (4, 9)", "(5, 9) matrix"}) == "");
}
