// The vectorised parts of the quantizers against plain loops, on every instruction set and on sizes that leave a rest.
#include <cmath>
#include <limits>
#include <vector>

#include "amq/quantize/detail/group_codes.hpp"
#include "amq/quantize/detail/group_range.hpp"
#include "amq/quantize/detail/hqq_iterations.hpp"
#include "support/catch.hpp"
#include "support/plain_hqq.hpp"
#include "support/quantized.hpp"

namespace {

using amq::simd::isa;

float clamped(float value, float highest) { return std::min(std::max(value, 0.0f), highest); }

amq::index const sizes[] = {1, 2, 3, 5, 8, 13, 16, 17, 31, 32, 33, 63, 64, 77, 128, 131};

}  // namespace

TEST_CASE("range_of finds the ends and what is not finite", "[kernels]") {
  for (isa const which : amq::simd::supported_isas())
    for (amq::index const size : sizes) {
      CAPTURE(to_string(which), size);
      auto weights = amq::testing::wavy(1, size);
      float* const values = weights.data();
      for (amq::index const place : {amq::index{0}, size / 2, size - 1}) {
        float const kept = values[place];
        values[place] = -7;
        REQUIRE(amq::simd::range_of(values, size, which).low == -7);
        REQUIRE(amq::simd::range_of(values, size, which).high == *std::max_element(values, values + size));
        values[place] = 9;
        REQUIRE(amq::simd::range_of(values, size, which).high == 9);
        REQUIRE(amq::simd::range_of(values, size, which).finite);
        for (float const bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity()}) {
          values[place] = bad;
          REQUIRE_FALSE(amq::simd::range_of(values, size, which).finite);
        }
        values[place] = kept;
      }
    }
}

TEST_CASE("codes are rounded half to even and clamped, and nothing behind them is written", "[kernels]") {
  for (isa const which : amq::simd::supported_isas())
    for (amq::index const size : sizes) {
      CAPTURE(to_string(which), size);
      std::vector<float> weights(static_cast<std::size_t>(size));
      for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 0.25f * static_cast<float>(i % 29) - 2;
      std::vector<std::uint8_t> divided(weights.size() + 1, 255), multiplied(weights.size() + 1, 255);
      amq::simd::codes_by_division(weights.data(), size, 0.5f, 3, 7, divided.data(), which);
      amq::simd::codes_by_product(weights.data(), size, 2, 3.5f, 7, multiplied.data(), which);
      for (std::size_t i = 0; i < weights.size(); ++i) {
        REQUIRE(divided[i] == clamped(std::nearbyint(weights[i] / 0.5f) + 3, 7));
        REQUIRE(multiplied[i] == clamped(std::nearbyint(weights[i] * 2 + 3.5f), 7));
      }
      REQUIRE(divided.back() == 255);
      REQUIRE(multiplied.back() == 255);
    }
}

TEST_CASE("what is no number gets code 0", "[kernels]") {
  float const infinity = std::numeric_limits<float>::infinity();
  float const weights[] = {0, infinity, -infinity, 1};
  std::uint8_t codes[4];
  for (isa const which : amq::simd::supported_isas()) {
    amq::simd::codes_by_division(weights, 4, 0, 0, 15, codes, which);
    REQUIRE(std::vector<int>(codes, codes + 4) == std::vector{0, 15, 0, 15});
    amq::simd::codes_by_product(weights, 4, infinity, 0, 15, codes, which);
    REQUIRE(std::vector<int>(codes, codes + 4) == std::vector{0, 15, 0, 15});
  }
}

TEST_CASE("an iteration of hqq equals the plain loop, with loud errors and without", "[kernels]") {
  double const lp_norm = 0.7, beta = 10;
  amq::detail::lp_shrink const shrink(lp_norm, beta);
  for (isa const which : amq::simd::supported_isas())
    for (double const amplitude : {0.05, 1.0, 20.0})
      for (amq::index const size : sizes) {
        CAPTURE(to_string(which), amplitude, size);
        auto const weights = amq::testing::wavy(1, size, amplitude);
        auto const steps = static_cast<float>(3.7 / amplitude);
        amq::detail::hqq_group const group{weights.data(), size, steps, 1 / steps, 7};
        float zeros[3];
        double distances[3] = {100, 200, 300};
        amq::simd::hqq_iterate(group, shrink, 3.1f, 3, zeros, distances, which);
        double zero = 3.1f;
        for (int i = 0; i < 3; ++i) {
          auto const expected = amq::testing::plain_hqq_iteration(group, lp_norm, beta, zero);
          REQUIRE(zeros[i] == Approx(expected.zero).epsilon(1e-5).margin(1e-5));
          REQUIRE(distances[i] - 100 * (i + 1) == Approx(expected.distance).epsilon(1e-4).margin(1e-5 * amplitude));
          zero = zeros[i];
        }
      }
}

TEST_CASE("errors up to `quiet` shrink to nothing, those well above it do not", "[kernels]") {
  for (double const lp_norm : {0.3, 0.7, 1.0})
    for (double const beta : {1.0, 10.0, 50.0}) {
      double const quiet = amq::detail::lp_shrink(lp_norm, beta).quiet;
      auto const shrunk = [&](double x) { return x - std::pow(x, lp_norm - 1) / beta; };
      REQUIRE(shrunk(quiet) < 0);
      REQUIRE(shrunk(quiet * 1.01) > 0);
    }
}
