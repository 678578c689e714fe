// rtn against GPTQ's and AWQ's own quantizers, special rows included, and what it refuses.
#include "amq/quantize/rtn.hpp"

#include <algorithm>
#include <limits>

#include "support/catch.hpp"
#include "support/golden_case.hpp"
#include "support/quantized.hpp"

static_assert(amq::diagnose_matrix_quantizer<amq::rtn>());

using amq::rtn_variant;

TEST_CASE("rtn chooses the peers' codes, zeros and scales", "[rtn]") {
  struct {
    char const* file;
    rtn_variant variant;
  } const cases[] = {{"rtn_gptq_asym", rtn_variant::asymmetric},
                     {"rtn_gptq_sym", rtn_variant::symmetric},
                     {"rtn_awq_asym", rtn_variant::awq}};
  for (auto const& [file, variant] : cases) {
    amq::testing::golden_case const golden("quantize", file);
    auto const weights = amq::testing::floats(golden.table("weight"));
    for (int bits : {2, 3, 4, 8})
      for (int group : {32, 64, 128}) {
        CAPTURE(file, bits, group);
        amq::format const f{bits, group};
        auto const expected = amq::testing::expected_codes(golden, f);
        auto const found = amq::rtn({.variant = variant}).encode(weights, f);
        REQUIRE(amq::testing::differing(found.codes, expected.codes) == 0);
        REQUIRE(amq::testing::differing(found.zeros, expected.zeros) == 0);
        REQUIRE(amq::testing::largest_relative_difference(found.scales, expected.scales) < 1e-6);
        REQUIRE(amq::testing::mean_distance(weights, found) ==
                Approx(amq::testing::mean_distance(weights, expected)).epsilon(1e-6));
      }
  }
}

TEST_CASE("rtn takes every width, and groups up to the whole row", "[rtn]") {
  auto const weights = amq::testing::wavy(7, 60);
  for (rtn_variant variant : {rtn_variant::asymmetric, rtn_variant::symmetric, rtn_variant::awq})
    for (int bits = 2; bits <= 8; ++bits)
      for (int group : {1, 3, 20, 60, amq::format::whole_row}) {
        CAPTURE(bits, group);
        amq::format const f{bits, group};
        auto const codes = amq::rtn({.variant = variant}).encode(weights, f);
        REQUIRE(codes.scales.cols() == (group < 0 ? 1 : 60 / group));
        // Half a step off, or a whole one where rounding the zero moves the range. The other variants do not reproduce
        // groups of one sign.
        if (group < 20 && group > 0 && variant != rtn_variant::asymmetric) continue;
        auto const distances = amq::testing::distances_in_steps(weights, codes);
        REQUIRE(*std::max_element(distances.begin(), distances.end()) <= 1.0001);
      }
}

TEST_CASE("rtn chooses codes in f32 and only then stores scale and zero as f16", "[rtn]") {
  amq::format const f{4, 20};
  auto const weights = amq::testing::wavy(5, 60);
  auto const codes = amq::rtn().encode(weights, f);
  auto const packed = amq::rtn().quantize(weights, f);
  for (amq::index r = 0; r < 5; ++r)
    for (amq::index c = 0; c < 60; ++c) {
      REQUIRE(packed.code(r, c) == codes.codes(r, c));
      REQUIRE(packed.scale(r, c / 20) == amq::f16_to_f32(amq::f32_to_f16(codes.scales(r, c / 20))));
    }
}

TEST_CASE("rtn refuses formats that do not fit, weights that are not finite and scales beyond f16", "[rtn]") {
  auto weights = amq::testing::wavy(3, 12);
  auto const says = [&weights](amq::format f) {
    return amq::testing::refusal([&] { amq::rtn().quantize(weights, f); });
  };
  REQUIRE(says({4, 5}).find("a group of 5 does not divide the 12 inputs") == 0);
  REQUIRE(says({4, 0}).find("a group of 0") == 0);
  REQUIRE(says({4, -2}).find("a group of -2") == 0);
  REQUIRE(says({1, 4}).find("2 to 8 bits a weight, not 1") != std::string::npos);
  REQUIRE(says({9, 4}).find("2 to 8 bits a weight, not 9") != std::string::npos);
  weights(1, 7) = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(says({4, 4}).find("row 1, column 7 is nan") != std::string::npos);
  weights(1, 7) = -std::numeric_limits<float>::infinity();
  REQUIRE(says({4, 4}).find("row 1, column 7 is -inf") != std::string::npos);
  weights(1, 7) = 1e6f;
  REQUIRE(says({4, 4}).find("of row 1, group 1 cannot be stored as a 16-bit float") != std::string::npos);
  weights(1, 7) = std::numeric_limits<float>::max();
  REQUIRE(says({4, 4}).find("of row 1, group 1") != std::string::npos);
  for (amq::index c = 4; c < 8; ++c) weights(1, c) = 1e-9f;
  REQUIRE(says({4, 4}).find("of row 1, group 1") != std::string::npos);
}

TEST_CASE("rtn's name tells its variant", "[rtn]") {
  REQUIRE(amq::rtn().name() == "rtn");
  REQUIRE(amq::rtn({.variant = rtn_variant::symmetric}).name() == "rtn_symmetric");
  REQUIRE(amq::rtn({.variant = rtn_variant::awq}).name() == "rtn_awq");
}
