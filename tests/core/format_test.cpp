#include "amq/core/format.hpp"

#include "support/catch.hpp"

using amq::format;

TEST_CASE("formats are spelled and parsed back", "[core]") {
  for (char const* text : {"3g128", "4grow", "3g128+8", "stack4", "stack4r16", "kept16", "8g32"}) {
    CAPTURE(text);
    auto const parsed = amq::parse_format(text);
    REQUIRE(parsed);
    REQUIRE(amq::spelling(*parsed) == text);
  }
  REQUIRE(amq::parse_format("3g128") == format{3, 128});
  REQUIRE(amq::parse_format("4grow") == format{4, format::whole_row});
  for (char const* text : {"", "g128", "9g128", "1g8", "3g", "3g0", "3g128+", "3g128+0", "3g128x", "stack", "stack0",
                           "stack65", "stack4r", "kept8", "3g99999999999", "kept", "3 g128"}) {
    CAPTURE(text);
    REQUIRE_FALSE(amq::parse_format(text));
  }
}

TEST_CASE("formats cost what is stored", "[core]") {
  REQUIRE(format{3, 128}.stored_bits(10, 256) == 10 * (256 * 3 + 64));
  REQUIRE(format{16, 128}.stored_bits(10, 256) == 10 * 256 * 16);
  REQUIRE(amq::affine_with_columns<3, 128, 8>::value.stored_bits(10, 256) == 10 * (256 * 3 + 64) + 8 * (160 + 32));
  REQUIRE(amq::bitstack_levels<4, 16>::value.stored_bits(4096, 4096) == 4 * (4096 * 4096 + 16 * 16 * 8192));
  REQUIRE(amq::stack_rank(4096, 4096) == 16);
  REQUIRE(amq::stack_rank(64, 64) == 1);
  REQUIRE(amq::bitstack_levels<2>::value.bits_per_weight(4096, 4096) == 2.25);
}

TEST_CASE("formats say how they run", "[core]") {
  REQUIRE(format{3, 128}.runs() == amq::execution::native);
  REQUIRE(amq::affine_with_columns<3, 128, 8>::value.runs() == amq::execution::native_with_columns);
  REQUIRE(amq::bitstack_levels<4>::value.runs() == amq::execution::dequantized);
  REQUIRE(amq::kept<amq::bf16>::value.runs() == amq::execution::native);
}
