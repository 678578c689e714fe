// bit_space: what is written at compile time is the space that runs.
#include "amq/space/bit_space.hpp"

#include "support/catch.hpp"

TEST_CASE("bit_space gives every layer its widths with its group", "[bit_space]") {
  using space_type = amq::bit_space<amq::bits<2, 3, 8>, amq::group<16>>;
  static_assert(space_type::formats.size() == 3);
  static_assert(space_type::formats[2] == amq::format{8, 16});
  auto const space = space_type::over({{"a", 2, 32, 0, 0}, {"b", 3, 16, 0, 1}}, 5);
  REQUIRE(space.size() == 2);
  for (amq::index layer : {0, 1})
    REQUIRE(std::equal(space.choices(layer).begin(), space.choices(layer).end(), space_type::formats.begin()));
  REQUIRE(space.other_bytes() == 5);
  REQUIRE(space.average_bits(space.highest()) == 10);
}

TEST_CASE("bit_space takes whole rows", "[bit_space]") {
  using space_type = amq::bit_space<amq::bits<4>, amq::group<amq::format::whole_row>>;
  auto const space = space_type::over({{"a", 2, 64, 0, 0}}, 0);
  REQUIRE(space.average_bits(space.lowest()) == 4.5);
}

TEST_CASE("bit_space refuses layers that its group does not divide", "[bit_space]") {
  using space_type = amq::bit_space<amq::bits<2, 3>, amq::group<16>>;
  REQUIRE_THROWS_AS(space_type::over({{"a", 2, 24, 0, 0}}, 0), amq::input_error);
}
