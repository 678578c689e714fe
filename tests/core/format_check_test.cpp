// Widths and groups that do not fit, and the sentences said about them.
#include "amq/core/format_check.hpp"

#include <vector>

#include "support/catch.hpp"

namespace {

std::vector<amq::linear_layer> layers_with(std::vector<amq::index> const& cols) {
  std::vector<amq::linear_layer> layers;
  for (amq::index const c : cols) layers.push_back({"layer" + std::to_string(layers.size()), 4, c, 0, 0});
  return layers;
}

std::string said_about(int group, std::vector<amq::index> const& cols) {
  try {
    amq::check_group(group, layers_with(cols));
  } catch (amq::input_error const& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("check_group names three layers, counts the rest and offers the largest group", "[format_check]") {
  REQUIRE(said_about(64, {128, 192, 64}).empty());
  REQUIRE(said_about(amq::format::whole_row, {128, 7}).empty());
  REQUIRE(
      said_about(128, {128, 192, 64}) ==
      "a group of 128 does not divide the inputs of layer1 (192 inputs), layer2 (64 inputs); the largest group that "
      "divides all layers is 64");
  REQUIRE(said_about(100, {96, 200, 24, 24, 48, 24}) ==
          "a group of 100 does not divide the inputs of layer0 (96 inputs), layer2 (24 inputs), layer3 (24 inputs) and "
          "2 more; the largest group that divides all layers is 8");
  REQUIRE(said_about(0, {8}).find("a group of 0 does not divide") == 0);
  REQUIRE(said_about(-128, {128}).find("a group of -128 does not divide") == 0);
}

TEST_CASE("check_bits takes 2 to 8", "[format_check]") {
  for (int bits = -1; bits <= 17; ++bits) {
    CAPTURE(bits);
    if (bits >= 2 && bits <= 8)
      REQUIRE_NOTHROW(amq::check_bits(bits));
    else
      REQUIRE_THROWS_AS(amq::check_bits(bits), amq::input_error);
  }
}

TEST_CASE("check_format looks at width and group of one matrix", "[format_check]") {
  REQUIRE_NOTHROW(amq::check_format({8, 3}, 12));
  REQUIRE_NOTHROW(amq::check_format({2, amq::format::whole_row}, 7));
  REQUIRE_THROWS_AS(amq::check_format({4, 5}, 12), amq::input_error);
  REQUIRE_THROWS_AS(amq::check_format({4, 24}, 12), amq::input_error);
  REQUIRE_THROWS_AS(amq::check_format({16, 4}, 12), amq::input_error);
  REQUIRE_THROWS_AS(amq::check_format({4, amq::format::whole_row}, 0), amq::input_error);
}
