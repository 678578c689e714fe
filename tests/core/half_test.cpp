#include "amq/core/half.hpp"

#include <limits>

#include "support/catch.hpp"

TEST_CASE("every binary16 value survives the way through f32 and back") {
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    auto const half = static_cast<std::uint16_t>(bits);
    float const value = amq::f16_to_f32(half);
    if (std::isnan(value)) {
      CHECK(std::isnan(amq::f16_to_f32(amq::f32_to_f16(value))));
    } else if (amq::f32_to_f16(value) != half) {
      FAIL("binary16 bits " << bits << " came back as " << amq::f32_to_f16(value));
    }
  }
}

TEST_CASE("f32 to binary16 rounds half to even and overflows to infinity") {
  CHECK(amq::f32_to_f16(1.0f) == 0x3c00);
  CHECK(amq::f32_to_f16(-2.0f) == 0xc000);
  CHECK(amq::f32_to_f16(1.0f + 0x1p-11f) == 0x3c00);             // a tie, to the even 1.0
  CHECK(amq::f32_to_f16(1.0f + 3 * 0x1p-11f) == 0x3c02);         // a tie, up to even
  CHECK(amq::f32_to_f16(1.0f + 0x1p-11f + 0x1p-20f) == 0x3c01);  // just above the tie
  CHECK(amq::f32_to_f16(65504.0f) == 0x7bff);
  CHECK(amq::f32_to_f16(65519.996f) == 0x7bff);
  CHECK(amq::f32_to_f16(65520.0f) == 0x7c00);
  CHECK(amq::f32_to_f16(0x1p-24f) == 0x0001);
  CHECK(amq::f32_to_f16(0x1p-25f) == 0x0000);
  CHECK(amq::f32_to_f16(-0x1.8p-24f) == 0x8002);
}

TEST_CASE("bfloat16 keeps the upper half of an f32, rounded half to even") {
  CHECK(amq::bf16_to_f32(0x3f80) == 1.0f);
  CHECK(amq::f32_to_bf16(1.0f + 0x1p-8f) == 0x3f80);
  CHECK(amq::f32_to_bf16(1.0f + 3 * 0x1p-8f) == 0x3f82);
  CHECK(amq::f32_to_bf16(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(std::isnan(amq::bf16_to_f32(amq::f32_to_bf16(std::numeric_limits<float>::quiet_NaN()))));
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    auto const half = static_cast<std::uint16_t>(bits);
    if (!std::isnan(amq::bf16_to_f32(half))) REQUIRE(amq::f32_to_bf16(amq::bf16_to_f32(half)) == half);
  }
}
