#include "amq/quantize/awq.hpp"

#include <algorithm>
#include <cmath>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/quantized.hpp"

namespace {

/// Sum of the squared differences of the outputs, token by token.
double output_distance(amq::matrix_view<float const> inputs, amq::matrix_view<float const> a,
                       amq::matrix_view<float const> b) {
  double total = 0;
  for (amq::index t = 0; t < inputs.rows; ++t)
    for (amq::index r = 0; r < a.rows; ++r) {
      double output = 0;
      for (amq::index c = 0; c < a.cols; ++c) output += double{inputs(t, c)} * (b(r, c) - a(r, c));
      total += output * output;
    }
  return total;
}

/// Inputs of which one channel in eight is ten times as large as the others, and what is known of them.
struct calibration {
  amq::matrix<float> inputs = amq::testing::wavy(60, 32, 1);
  amq::matrix<float> hessian{32, 32};
  std::vector<float> mean_absolute = std::vector<float>(32);

  calibration() {
    for (amq::index t = 0; t < inputs.rows(); ++t)
      for (amq::index i = 0; i < inputs.cols(); i += 8) inputs(t, i) *= 10;
    for (amq::index t = 0; t < inputs.rows(); ++t)
      for (amq::index i = 0; i < inputs.cols(); ++i) {
        mean_absolute[static_cast<std::size_t>(i)] += std::abs(inputs(t, i)) / static_cast<float>(inputs.rows());
        for (amq::index j = 0; j < inputs.cols(); ++j) hessian(i, j) += 2 * inputs(t, i) * inputs(t, j);
      }
  }

  amq::layer_statistics view() const {
    amq::layer_statistics statistics;
    statistics.hessian = hessian;
    statistics.mean_absolute = mean_absolute;
    statistics.tokens = inputs.rows();
    statistics.sequences = 1;
    return statistics;
  }

  double error(amq::matrix<float> const& weights, amq::matrix<float> const& found) const {
    return output_distance(inputs, weights, found);
  }
};

}  // namespace

TEST_CASE("awq's scales are magnitudes to a power, their ends mirrored at 1", "[awq]") {
  std::vector<float> const magnitudes{4, 1, 16, 0};
  auto const scales = amq::awq_scales(magnitudes, 0.5);
  // 2, 1, 4 and the least 1e-4 over sqrt(4 * 1e-4) = 0.02
  std::vector<double> const expected{100, 50, 200, 0.005};
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(scales[i] == Approx(expected[i]));
  for (float const scale : amq::awq_scales(magnitudes, 0)) REQUIRE(scale == 1);
}

TEST_CASE("awq's error by second moments is that of the outputs", "[awq]") {
  calibration const seen;
  auto const weights = amq::testing::wavy(70, 32);
  auto const rounded = amq::awq_rounded(weights, std::vector<float>(32, 1.0f), {3, 8});
  REQUIRE(amq::output_error(weights, rounded, seen.hessian) / 2 == Approx(seen.error(weights, rounded)).epsilon(1e-4));
}

TEST_CASE("awq's clip takes the first of the smallest errors of each group", "[awq]") {
  calibration const seen;
  auto const weights = amq::testing::wavy(5, 32);
  std::vector<float> const ones(16, 1.0f);
  for (auto const how : {amq::clipping::asymmetric, amq::clipping::symmetric}) {
    auto const ranges = amq::awq_clip(weights, {2, 16}, seen.hessian, std::vector<float>(32, 1.0f), how);
    amq::index clipped_groups = 0;
    for (amq::index row = 0; row < 5; ++row)
      for (amq::index group = 0; group < 2; ++group) {
        CAPTURE(row, group);
        amq::matrix<float> part(1, 16);
        std::copy_n(&weights(row, 16 * group), 16, part.data());
        auto [low, high] = std::minmax_element(part.data(), part.data() + 16);
        float const top = how == amq::clipping::symmetric ? std::max(*high, -*low) : *high;
        float const bottom = how == amq::clipping::symmetric ? -top : *low;
        amq::matrix_view<float const> const inputs(seen.inputs.data() + 16 * group, 60, 16, 32);
        double least = 1e30;
        float expected = 0;
        for (int k = 0; k < 10; ++k) {
          float const share = 1 - 0.05f * static_cast<float>(k);
          auto candidate = part.clone();
          for (amq::index c = 0; c < 16; ++c) candidate(0, c) = std::clamp(part(0, c), bottom * share, top * share);
          double const error = output_distance(inputs, part, amq::awq_rounded(candidate, ones, {2, 16}));
          if (error < least) expected = top * share;
          least = std::min(least, error);
        }
        clipped_groups += expected < top;
        REQUIRE(ranges.high(row, group) == expected);
      }
    REQUIRE(clipped_groups > 2);
  }
}

TEST_CASE("awq's clip weighs errors by the inputs that the scaled weights see", "[awq]") {
  calibration const seen;
  auto const weights = amq::testing::wavy(20, 32);
  auto const scales = amq::awq_scales(seen.mean_absolute, 0.5);
  amq::matrix<float> divided(32, 32);
  for (amq::index i = 0; i < 32; ++i)
    for (amq::index j = 0; j < 32; ++j)
      divided(i, j) = seen.hessian(i, j) / (scales[static_cast<std::size_t>(i)] * scales[static_cast<std::size_t>(j)]);
  auto const clip = [&](amq::matrix<float> const& hessian, std::vector<float> const& divisors) {
    return amq::awq_clip(weights, {2, 16}, hessian, divisors, amq::clipping::asymmetric);
  };
  auto const found = clip(seen.hessian, scales), expected = clip(divided, std::vector<float>(32, 1.0f));
  auto const unscaled = clip(seen.hessian, std::vector<float>(32, 1.0f));
  REQUIRE(amq::testing::differing(found.high, expected.high) == 0);
  REQUIRE(amq::testing::differing(unscaled.high, expected.high) > 0);
}

TEST_CASE("awq as a proxy rounds better than to nearest where inputs differ, with the scales given if any", "[awq]") {
  calibration const seen;
  auto const weights = amq::testing::wavy(24, 32);
  amq::format const f{3, 16};
  amq::awq_scaled const proxy({.middle = f});
  auto const own = proxy.quantize(weights, f, seen.view());
  auto const plain = amq::rtn({.variant = amq::rtn_variant::awq}).quantize(weights, f);
  amq::matrix<float> nearest(24, 32);
  plain.dequantize(nearest);
  REQUIRE(own.input_scales() == amq::awq_scales(seen.mean_absolute, amq::best_awq_ratio(weights, f, seen.view())));
  REQUIRE(own.input_scales()[0] > 1.5 * own.input_scales()[1]);
  REQUIRE(seen.error(weights, own.dequantized()) < 0.7 * seen.error(weights, nearest));

  REQUIRE(proxy.quantize(weights, {2, 16}, seen.view()).input_scales() == own.input_scales());
  auto given = seen.view();
  std::vector<float> const scales = amq::awq_scales(seen.mean_absolute, 0.9);
  given.input_scales = scales;
  REQUIRE(proxy.quantize(weights, f, given).input_scales() == scales);
}

TEST_CASE("awq as a proxy wants statistics and plain affine formats", "[awq]") {
  calibration const seen;
  auto const weights = amq::testing::wavy(4, 32);
  REQUIRE_THROWS_AS(amq::awq_scaled().quantize(weights, {3, 16}, {}), amq::precondition_error);
  auto const says =
      amq_test::refusal([&] { amq::awq_scaled().quantize(weights, amq::bitstack_levels<2>::value, seen.view()); });
  REQUIRE(amq_test::lacks(says, {"stack2", "4g128"}) == "");
  REQUIRE(amq::awq_scaled().name() == "awq_scaled");
  REQUIRE(amq::awq_scaled({.middle = {2, 64}, .clip = amq::clipping::none}).name() ==
          "awq_scaled(middle=2g64,clip=none)");
}
