#include "amq/quantize/refit.hpp"

#include <algorithm>

#include "amq/core/random.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"
#include "support/catch.hpp"

namespace {

amq::matrix<float> random_weights(amq::index rows, amq::index cols, float shift) {
  amq::random_stream random{11};
  amq::matrix<float> weights(rows, cols);
  for (amq::index i = 0; i < weights.size(); ++i) weights.data()[i] = static_cast<float>(random.normal()) + shift;
  return weights;
}

double error_of(amq::packed_matrix const& stored, amq::matrix<float> const& weights) {
  amq::matrix<float> values(weights.rows(), weights.cols());
  stored.dequantize(values);
  double sum = 0;
  for (amq::index i = 0; i < values.size(); ++i)
    sum +=
        (double{values.data()[i]} - double{weights.data()[i]}) * (double{values.data()[i]} - double{weights.data()[i]});
  return sum;
}

/// One row, one group of four 2-bit codes.
amq::packed_matrix small(std::vector<std::uint8_t> const& codes, float scale, float zero) {
  amq::matrix<std::uint8_t> stored(1, 4);
  std::copy(codes.begin(), codes.end(), stored.data());
  amq::matrix<float> scales(1, 1), zeros(1, 1);
  scales(0, 0) = scale;
  zeros(0, 0) = zero;
  return {{2, 4}, stored, scales, zeros};
}

std::vector<int> codes_of(amq::packed_matrix const& stored) {
  std::vector<int> codes;
  for (amq::index col = 0; col < stored.cols(); ++col) codes.push_back(stored.code(0, col));
  return codes;
}

}  // namespace

TEST_CASE("a real zero is rounded and the codes are the nearest to the weights", "[refit]") {
  amq::matrix<float> weights(1, 4);
  std::copy_n(std::vector<float>{-1.6f, -0.4f, 0.7f, 1.2f}.begin(), 4, weights.data());
  auto const refitted = amq::refit_zeros(small({0, 1, 2, 3}, 1.0f, 1.4f), weights, amq::code_zeros(2));
  CHECK(refitted.zero(0, 0) == 1);
  CHECK(refitted.scale(0, 0) == 1);
  CHECK(codes_of(refitted) == std::vector<int>{0, 1, 2, 2});
}

TEST_CASE("an integer zero out of range takes the codes along and never looks at the weights", "[refit]") {
  amq::matrix<float> weights(1, 4);
  std::fill_n(weights.data(), 4, 100.0f);
  auto const shifted = amq::refit_zeros(small({0, 1, 2, 1}, 0.5f, 0.0f), weights, {1, 3});
  CHECK(shifted.zero(0, 0) == 1);
  CHECK(codes_of(shifted) == std::vector<int>{1, 2, 3, 2});
  CHECK(shifted.scale(0, 0) == 0.5f);
}

TEST_CASE("values that a moved zero puts out of reach are reached by another scale", "[refit]") {
  amq::matrix<float> const weights(1, 4);
  // Stored values 4, 5, 6, 7: with a zero of at least 0, three steps of 1 would end at 3.
  auto const stretched = amq::refit_zeros(small({0, 1, 2, 3}, 1.0f, -4.0f), weights, amq::code_zeros(2));
  CHECK(stretched.zero(0, 0) == 0);
  CHECK(stretched.scale(0, 0) == Approx(7.0 / 3).epsilon(1e-3));
  CHECK(codes_of(stretched) == std::vector<int>{2, 2, 3, 3});
}

TEST_CASE("refitting keeps what fits bit for bit and costs little elsewhere", "[refit]") {
  auto const weights = random_weights(8, 128, 0.2f);
  for (int bits : {2, 3, 4, 8}) {
    CAPTURE(bits);
    amq::format const f{bits, 32};
    auto const integer = amq::rtn{}.quantize(weights, f, {});
    if (amq::zeros_fit(integer, amq::code_zeros(bits))) {
      auto const same = amq::refit_zeros(integer, weights, amq::code_zeros(bits));
      CHECK(std::ranges::equal(same.packed_codes(), integer.packed_codes()));
      CHECK(std::ranges::equal(same.packed_scales(), integer.packed_scales()));
      CHECK(std::ranges::equal(same.packed_zeros(), integer.packed_zeros()));
    }
    auto const real = amq::hqq{}.quantize(weights, f, {});
    CHECK_FALSE(amq::zeros_fit(real, amq::code_zeros(bits)));
    auto const rounded = amq::refit_zeros(real, weights, amq::code_zeros(bits));
    CHECK(amq::zeros_fit(rounded, amq::code_zeros(bits)));
    CHECK(error_of(rounded, weights) < 1.6 * error_of(real, weights));
    auto const symmetric = amq::refit_zeros(real, weights, amq::middle_zero(bits));
    CHECK(amq::zeros_fit(symmetric, amq::middle_zero(bits)));
    CHECK(error_of(symmetric, weights) < 4 * error_of(real, weights));
  }
}
