#include "amq/core/simd/elementwise.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "support/catch.hpp"

namespace amq {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// Distance of a result from the exact value, in units of the last place of the f32 next to the exact value.
double ulps(float result, double exact) {
  if (static_cast<float>(exact) == result) return 0;
  int const exponent = std::max(std::ilogb(exact), -126);
  return std::abs(static_cast<double>(result) - exact) / std::ldexp(1.0, exponent - 23);
}

/// All floats from `first` to `last` (same sign), `step` bit patterns apart.
std::vector<float> every(float first, float last, std::uint32_t step) {
  std::vector<float> values;
  auto const from = std::bit_cast<std::uint32_t>(first), to = std::bit_cast<std::uint32_t>(last);
  for (std::uint64_t bits = from; bits <= to; bits += step)
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  return values;
}

template <class Row, class Exact>
double worst_ulps(std::vector<float> const& values, Row const& row, Exact const& exact) {
  std::vector<float> results(values.size());
  row(values.data(), results.data(), static_cast<index>(values.size()));
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double const distance = ulps(results[i], exact(static_cast<double>(values[i])));
    if (!(distance <= worst)) worst = distance;
  }
  return worst;
}

double tolerance(simd::isa which, double with_fma) { return which == simd::isa::portable ? with_fma + 1 : with_fma; }

std::vector<float> wave(index n, float amplitude, float phase) {
  std::vector<float> values;
  for (index i = 0; i < n; ++i) values.push_back(amplitude * std::sin(static_cast<float>(i) * 1.7f + phase));
  return values;
}

std::vector<index> const sizes{0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257};

}  // namespace

TEST_CASE("the vectorised exponential is within 1 ulp, subnormal results included", "[simd]") {
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    auto const row = [which](float const* x, float* out, index n) { simd::exp_row(x, out, n, which); };
    auto const exact = [](double x) { return std::exp(x); };
    CHECK(worst_ulps(every(0.0f, 88.72283f, 997), row, exact) < tolerance(which, 1.0));
    CHECK(worst_ulps(every(-0.0f, -103.97f, 997), row, exact) < tolerance(which, 1.0));
  }
}

TEST_CASE("the vectorised exponential at the ends of its range", "[simd]") {
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    std::vector<float> values{infinity, 88.73f, 1e30f, -infinity, -104.1f, -1e30f, not_a_number, 0.0f};
    simd::exp_row(values.data(), values.data(), 8, which);
    CHECK(values[0] == infinity);
    CHECK(values[1] == infinity);
    CHECK(values[2] == infinity);
    CHECK(values[3] == 0.0f);
    CHECK(values[4] == 0.0f);
    CHECK(values[5] == 0.0f);
    CHECK(std::isnan(values[6]));
    CHECK(values[7] == 1.0f);
  }
}

TEST_CASE("the vectorised logarithm is within 1 ulp, subnormal arguments included", "[simd]") {
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    auto const row = [which](float const* x, float* out, index n) { simd::log_row(x, out, n, which); };
    auto const exact = [](double x) { return std::log(x); };
    CHECK(worst_ulps(every(0x1p-149f, std::numeric_limits<float>::max(), 997), row, exact) < tolerance(which, 1.0));
    CHECK(worst_ulps(every(0.5f, 2.0f, 7), row, exact) < tolerance(which, 1.0));
    std::vector<float> values{0.0f, infinity, -1.0f, not_a_number, 1.0f, -infinity};
    simd::log_row(values.data(), values.data(), 6, which);
    CHECK(values[0] == -infinity);
    CHECK(values[1] == infinity);
    CHECK(std::isnan(values[2]));
    CHECK(std::isnan(values[3]));
    CHECK(values[4] == 0.0f);
    CHECK(std::isnan(values[5]));
  }
}

TEST_CASE("the vectorised power is within 2 + 2 |power| ulp", "[simd]") {
  for (auto const which : simd::supported_isas()) {
    for (float const power : {-0.3f, 0.7f, 0.5f, 2.0f, -1.5f, 1.0f, 0.0f}) {
      CAPTURE(to_string(which), power);
      auto const row = [=](float const* x, float* out, index n) { simd::pow_row(x, power, out, n, which); };
      auto const exact = [power](double x) { return std::pow(x, static_cast<double>(power)); };
      CHECK(worst_ulps(every(1e-12f, 1e12f, 997), row, exact) < tolerance(which, 2 + 2 * std::abs(power)));
    }
    std::vector<float> values{0.0f, infinity, -1.0f, not_a_number, 1.0f};
    std::vector<float> roots(5), inverses(5);
    simd::pow_row(values.data(), 0.5f, roots.data(), 5, which);
    simd::pow_row(values.data(), -0.3f, inverses.data(), 5, which);
    CHECK(roots[0] == 0.0f);
    CHECK(roots[1] == infinity);
    CHECK(std::isnan(roots[2]));
    CHECK(std::isnan(roots[3]));
    CHECK(roots[4] == 1.0f);
    CHECK(inverses[0] == infinity);
    CHECK(inverses[1] == 0.0f);
    simd::pow_row(values.data(), 0.0f, roots.data(), 2, which);
    CHECK(roots[0] == 1.0f);
  }
}

TEST_CASE("the vectorised sigmoid is within 2.1 ulp", "[simd]") {
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    auto const row = [which](float const* x, float* out, index n) { simd::sigmoid_row(x, out, n, which); };
    auto const exact = [](double x) { return 1 / (1 + std::exp(-x)); };
    CHECK(worst_ulps(every(1e-9f, 200.0f, 997), row, exact) < tolerance(which, 2.1));
    CHECK(worst_ulps(every(-1e-9f, -103.0f, 997), row, exact) < tolerance(which, 2.1));
  }
}

TEST_CASE("rows of any length: silu_multiply, add, rms_norm and rotate_halves equal their f64 references", "[simd]") {
  for (auto const which : simd::supported_isas()) {
    for (index const n : sizes) {
      CAPTURE(to_string(which), n);
      auto const count = static_cast<std::size_t>(n);
      auto const x = wave(n, 9, 0.1f), y = wave(n, 3, 0.7f);
      std::vector<float> out(count + 1, 77.0f);

      simd::silu_multiply(x.data(), y.data(), out.data(), n, which);
      for (std::size_t i = 0; i < count; ++i) {
        double const gate = x[i];
        CHECK(out[i] == Approx(gate / (1 + std::exp(-gate)) * y[i]).epsilon(1e-6).margin(1e-30));
      }
      CHECK(out[count] == 77.0f);

      std::copy(y.begin(), y.end(), out.begin());
      simd::add(x.data(), out.data(), n, which);
      for (std::size_t i = 0; i < count; ++i) CHECK(out[i] == x[i] + y[i]);
      CHECK(out[count] == 77.0f);

      double squares = 0;
      for (float const v : x) squares += static_cast<double>(v) * v;
      double const factor = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
      simd::rms_norm(x.data(), y.data(), 1e-5f, out.data(), n, which);
      for (std::size_t i = 0; i < count; ++i) CHECK(out[i] == Approx(x[i] * factor * y[i]).epsilon(1e-6).margin(1e-9));
      CHECK(out[count] == 77.0f);
    }
    for (index const half : sizes) {
      CAPTURE(to_string(which), half);
      auto const head = wave(2 * half, 5, 0.3f), angles = wave(half, 3, 0.9f);
      std::vector<float> cosines, sines, turned = head;
      for (float const angle : angles) cosines.push_back(std::cos(angle)), sines.push_back(std::sin(angle));
      simd::rotate_halves(turned.data(), cosines.data(), sines.data(), 2 * half, which);
      for (std::size_t i = 0; i < angles.size(); ++i) {
        double const a = head[i], b = head[i + angles.size()], c = cosines[i], s = sines[i];
        CHECK(turned[i] == Approx(a * c - b * s).margin(1e-6));
        CHECK(turned[i + angles.size()] == Approx(b * c + a * s).margin(1e-6));
      }
    }
  }
}

}  // namespace amq
