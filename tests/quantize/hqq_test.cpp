// hqq against the hqq package: trained, heavy-tailed and special weights, and the rounded zeros that AMQ uses.
#include "amq/quantize/hqq.hpp"

#include "amq/core/statistics.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"
#include "support/plain_hqq.hpp"
#include "support/quantized.hpp"

static_assert(amq::diagnose_matrix_quantizer<amq::hqq>());

using amq::zero_rounding;
using amq::testing::golden_case;

namespace {

struct difference {
  amq::index codes = 0;       // that differ by one
  amq::index codes_more = 0;  // that differ by more
  amq::index zeros = 0;       // off by more than the tolerance
  double scales = 0;          // largest relative difference
};

difference compare(amq::affine_codes const& found, amq::affine_codes const& expected, double zero_tolerance) {
  difference d;
  for (amq::index i = 0; i < found.codes.size(); ++i) {
    int const off = std::abs(found.codes.data()[i] - expected.codes.data()[i]);
    d.codes += off == 1;
    d.codes_more += off > 1;
  }
  for (amq::index i = 0; i < found.zeros.size(); ++i)
    d.zeros += !(std::abs(found.zeros.data()[i] - expected.zeros.data()[i]) <= zero_tolerance);
  d.scales = amq::testing::largest_relative_difference(found.scales, expected.scales);
  return d;
}

}  // namespace

TEST_CASE("hqq equals the hqq package within golden's tolerances", "[hqq]") {
  amq::hqq const quantizer({.round_zero = zero_rounding::never});
  int compared = 0;
  for (char const* file :
       {"hqq_babyllama361_l2_q", "hqq_TinyStories656K_l0_down", "hqq_heavy_tailed", "hqq_special_rows"}) {
    golden_case const golden("quantize", file);
    auto const weights = amq::testing::floats(golden.table("weight"));
    for (int bits : {2, 3, 4, 8})
      for (int group : {32, 64, 128}) {
        amq::format const f{bits, group};
        if (!golden.contains("b" + std::to_string(bits) + "_g" + std::to_string(group) + ".codes")) continue;
        ++compared;
        CAPTURE(file, bits, group);
        auto const expected = amq::testing::expected_codes(golden, f);
        auto const found = quantizer.encode(weights, f);
        auto const d = compare(found, expected, 1e-3);
        REQUIRE(d.scales < 1e-6);
        REQUIRE(d.codes_more == 0);
        REQUIRE(static_cast<double>(d.codes) <= 0.005 * static_cast<double>(weights.size()));
        REQUIRE(static_cast<double>(d.zeros) <= 0.03 * static_cast<double>(found.zeros.size()));
        REQUIRE(amq::testing::mean_distance(weights, found) ==
                Approx(amq::testing::mean_distance(weights, expected)).epsilon(2e-3));
      }
  }
  REQUIRE(compared == 25);
}

TEST_CASE("hqq rounds the starting zero at 4 bits, as AMQ does", "[hqq]") {
  golden_case const golden("quantize", "hqq_round_zero_babyllama361");
  auto const weights = amq::testing::floats(golden.table("weight"));
  for (int group : {32, 64, 128}) {
    CAPTURE(group);
    amq::format const f{4, group};
    auto const found = amq::hqq().encode(weights, f);
    auto const d = compare(found, amq::testing::expected_codes(golden, f), 2e-4);
    REQUIRE(d.scales < 1e-5);
    REQUIRE(d.codes_more == 0);
    REQUIRE(static_cast<double>(d.codes) <= 0.001 * static_cast<double>(weights.size()));
    REQUIRE(d.zeros == 0);
  }
}

TEST_CASE("hqq starts from the range's zero, rounded where the policy says so", "[hqq]") {
  golden_case const golden("quantize", "hqq_babyllama361_l2_q");
  auto const weights = amq::testing::floats(golden.table("weight"));
  for (int bits : {2, 4}) {
    auto const start = golden.table("b" + std::to_string(bits) + "_g32.zero_initial");
    auto const zeros = [&](zero_rounding policy) {
      return amq::hqq({.round_zero = policy, .optimize = false}).encode(weights, {bits, 32}).zeros;
    };
    auto const plain = zeros(zero_rounding::never), rounded = zeros(zero_rounding::always),
               usual = zeros(zero_rounding::at_4_bits);
    for (amq::index i = 0; i < start.size(); ++i) {
      REQUIRE(plain.data()[i] == Approx(start.data()[i]).epsilon(1e-6));
      REQUIRE(rounded.data()[i] == std::nearbyint(plain.data()[i]));
    }
    REQUIRE(amq::testing::differing(usual, bits == 4 ? rounded : plain) == 0);
  }
}

TEST_CASE("hqq takes every width, and groups up to the whole row", "[hqq]") {
  auto const weights = amq::testing::wavy(7, 60, 3.0);
  for (int bits = 2; bits <= 8; ++bits)
    for (int group : {1, 3, 20, 60, amq::format::whole_row}) {
      CAPTURE(bits, group);
      amq::format const f{bits, group};
      auto const codes = amq::hqq().encode(weights, f);
      REQUIRE(codes.scales.cols() == (group < 0 ? 1 : 60 / group));
      // Better than the half step that rounding alone may be off by; a clipped outlier may be off by more.
      REQUIRE(amq::mean(amq::testing::distances_in_steps(weights, codes)) < 0.4);
    }
}

TEST_CASE("hqq does as many iterations as it is given", "[hqq]") {
  auto const weights = amq::testing::wavy(6, 64, 2.0);
  amq::format const f{2, 32};
  auto const zeros = [&](int iterations) { return amq::hqq({.iterations = iterations}).encode(weights, f).zeros; };
  auto const starting = amq::hqq({.optimize = false}).encode(weights, f).zeros;
  REQUIRE(amq::testing::differing(zeros(1), starting) > 0);
  REQUIRE(amq::testing::differing(zeros(2), zeros(1)) > 0);
  REQUIRE(amq::testing::differing(zeros(500), zeros(501)) == 0);
}

TEST_CASE("hqq keeps the zeros of the first iteration that does not lower the whole matrix's error", "[hqq]") {
  amq::index const size = 32;
  auto const weights = amq::testing::wavy(6, 2 * size, 1.0);
  amq::format const f{2, size};
  auto const start = amq::hqq({.optimize = false}).encode(weights, f);
  std::vector<amq::detail::hqq_group> groups;
  for (amq::index at = 0; at < start.scales.size(); ++at) {
    float const scale = start.scales.data()[at];
    groups.push_back({weights.data() + at * size, size, 1 / scale, scale, 3});
  }
  std::vector<double> const zeros(start.zeros.data(), start.zeros.data() + start.zeros.size());
  auto const history = amq::testing::plain_hqq(groups, zeros, 20);
  REQUIRE(history.size() > 2);
  REQUIRE(history.size() < 20);

  auto const found = amq::hqq().encode(weights, f).zeros;
  double largest_step = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    REQUIRE(found.data()[g] == Approx(history.back()[g]).margin(1e-5));
    largest_step = std::max(largest_step, std::abs(history.back()[g] - history[history.size() - 2][g]));
  }
  REQUIRE(largest_step > 1e-3);
}

TEST_CASE("hqq's scales span each group's range, within limits", "[hqq]") {
  auto const scale_of = [](std::initializer_list<float> values, int bits) {
    amq::matrix<float> weights(1, static_cast<amq::index>(values.size()));
    std::copy(values.begin(), values.end(), weights.data());
    return amq::hqq().encode(weights, {bits, amq::format::whole_row}).scales(0, 0);
  };
  REQUIRE(scale_of({-1, 2, 0, 1}, 2) == Approx(1.0));
  REQUIRE(scale_of({-1, 2, 0, 1}, 8) == Approx(3.0 / 255));
  REQUIRE(scale_of({0.5f, 0.5f}, 4) == 1);
  REQUIRE(scale_of({0.5f, 0.50009f}, 4) == 1);
  REQUIRE(scale_of({0.5f, 0.50011f}, 8) == Approx(5e-5));
  REQUIRE(scale_of({0.0f, 2e-3f}, 4) == Approx(2e-3 / 15));
}

TEST_CASE("hqq refuses formats that do not fit, weights that are not finite and options out of range", "[hqq]") {
  auto weights = amq::testing::wavy(3, 12);
  auto const says = [&weights](amq::format f) {
    return amq::testing::refusal([&] { amq::hqq().quantize(weights, f); });
  };
  REQUIRE(says({4, 5}).find("a group of 5 does not divide the 12 inputs") == 0);
  REQUIRE(says({16, 4}).find("2 to 8 bits a weight, not 16") != std::string::npos);
  weights(1, 7) = std::numeric_limits<float>::infinity();
  REQUIRE(says({4, 4}).find("row 1, column 7 is inf") != std::string::npos);
  weights(1, 7) = std::numeric_limits<float>::max();
  REQUIRE(says({4, 4}).find("of row 1, group 1 cannot be stored as a 16-bit float") != std::string::npos);
  for (amq::index c = 4; c < 8; ++c) weights(1, c) = 1e9f + static_cast<float>(c);
  REQUIRE(says({4, 4}).find("the zero -1e+09 of row 1, group 1") != std::string::npos);
  REQUIRE_THROWS_AS(amq::hqq({.lp_norm = 0}), amq::precondition_error);
  REQUIRE_THROWS_AS(amq::hqq({.lp_norm = 1.1}), amq::precondition_error);
  REQUIRE_THROWS_AS(amq::hqq({.beta = 0}), amq::precondition_error);
  REQUIRE_THROWS_AS(amq::hqq({.iterations = 0}), amq::precondition_error);
}

TEST_CASE("hqq's name tells what differs from the default", "[hqq]") {
  REQUIRE(amq::hqq().name() == "hqq");
  REQUIRE(amq::hqq({.lp_norm = 0.5, .iterations = 5}).name() == "hqq(lp_norm=0.5,iterations=5)");
  REQUIRE(amq::hqq({.beta = 2, .round_zero = zero_rounding::never, .optimize = false}).name() ==
          "hqq(beta=2,round_zero=never,optimize=false)");
}
