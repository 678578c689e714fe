#include "amq/model/rope.hpp"

#include <cmath>

#include "support/catch.hpp"

TEST_CASE("plain frequencies are theta^(-2i/d)", "[model]") {
  auto const frequencies = amq::rope_frequencies({.theta = 10000}, 8);
  REQUIRE(frequencies.size() == 4);
  CHECK(frequencies[0] == 1.0f);
  CHECK(frequencies[1] == Approx(0.1));
  CHECK(frequencies[3] == Approx(0.001));
}

TEST_CASE("llama3 keeps short wavelengths, divides long ones, and blends between", "[model]") {
  amq::rope_options const rope{.theta = 10000,
                               .llama3 = true,
                               .factor = 8,
                               .low_frequency_factor = 1,
                               .high_frequency_factor = 4,
                               .original_length = 64};
  auto const frequencies = amq::rope_frequencies(rope, 8);
  CHECK(frequencies[0] == 1.0f);
  double const turns = 64 * 0.1 / (2 * std::acos(-1.0));
  double const blend = (turns - 1) / 3;
  CHECK(frequencies[1] == Approx((1 - blend) * 0.1 / 8 + blend * 0.1));
  CHECK(frequencies[2] == Approx(0.01 / 8));
}

TEST_CASE("element i turns with element i + half, by position times frequency, in every head", "[model]") {
  amq::rope_table table;
  std::vector<float> const frequencies{1.0f, 0.25f};
  table.prepare(frequencies, 3);
  amq::matrix<float> x(3, 8);
  for (amq::index p = 0; p < 3; ++p)
    for (amq::index c = 0; c < 8; ++c) x(p, c) = static_cast<float>(c % 4 + 1);
  table.rotate(x);
  for (amq::index head : {0, 4}) {
    CHECK(x(0, head) == 1.0f);
    CHECK(x(2, head) == Approx(1 * std::cos(2.0) - 3 * std::sin(2.0)));
    CHECK(x(2, head + 1) == Approx(2 * std::cos(0.5) - 4 * std::sin(0.5)));
    CHECK(x(2, head + 2) == Approx(3 * std::cos(2.0) + 1 * std::sin(2.0)));
    CHECK(x(2, head + 3) == Approx(4 * std::cos(0.5) + 2 * std::sin(0.5)));
  }
}
