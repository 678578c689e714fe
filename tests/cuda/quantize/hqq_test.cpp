// HQQ on the device against the host's and the hqq package.
#include "amq/cuda/quantize/hqq.cuh"

#include <limits>
#include <numeric>

#include "amq/quantize/hqq.hpp"
#include "cuda/quantize/on_device.hpp"
#include "support/calibrated.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"
#include "support/quantized.hpp"

using amq::format;
using amq::zero_rounding;
using amq::cuda::hqq_request;
namespace quantizing = amq::cuda::quantizing;
using amq::testing::golden_case;
using amq::testing::quantized_on_device;
using amq::testing::random_matrix;

namespace {

auto hqq_with(hqq_request how) {
  return [how](auto const* weights, int rows, int cols, amq::tile_layout layout, std::uint8_t* tiles, auto& work,
               cudaStream_t on) { amq::cuda::quantize_hqq(weights, rows, cols, layout, how, tiles, work, on); };
}

amq::hqq host_of(hqq_request const& how) {
  return amq::hqq({how.lp_norm, how.beta, how.iterations, how.round_zero ? zero_rounding::always : zero_rounding::never,
                   how.optimize});
}

/// f16 numbers up to 255 are an eighth apart at most; fewer bits' zeros are closer. A zero that was 1e-4 off may round
/// to its neighbour.
double f16_step(amq::packed_matrix const& of) {
  double largest = 0;
  for (amq::index r = 0; r < of.rows(); ++r)
    for (amq::index g = 0; g < of.groups(); ++g) largest = std::max(largest, std::abs(double{of.zero(r, g)}));
  return std::ldexp(1.0, std::ilogb(std::max(largest, 1e-3)) - 10);
}

amq::index differing_zeros(amq::packed_matrix const& a, amq::packed_matrix const& b) {
  amq::index count = 0;
  for (amq::index r = 0; r < a.rows(); ++r)
    for (amq::index g = 0; g < a.groups(); ++g) count += a.zero(r, g) != b.zero(r, g);
  return count;
}

void check_like_host(amq::matrix<float> const& weights, format f, hqq_request const& how) {
  auto const found = quantized_on_device(weights, f, hqq_with(how));
  auto const expected = host_of(how).quantize(weights, f);
  auto const d = amq::testing::compare(found, expected);
  CHECK(d.by_more == 0);
  CHECK(static_cast<double>(d.by_one) <= 1e-3 * static_cast<double>(weights.size()));
  CHECK(d.scales == 0);
  CHECK(d.zeros <= f16_step(expected) + 1e-4);
  CHECK(static_cast<double>(differing_zeros(found, expected)) <=
        std::max(1.0, 0.03 * static_cast<double>(weights.rows() * found.groups())));
  CHECK(amq::testing::mean_distance(weights, found) ==
        Approx(amq::testing::mean_distance(weights, expected)).epsilon(1e-3));
}

}  // namespace

TEST_CASE("hqq on the device finds the host's codes and zeros", "[cuda][hqq]") {
  auto const weights = random_matrix(11, 256, 1);
  for (int bits : amq::tile_layout::widths)
    for (int group : amq::tile_layout::group_sizes) {
      CAPTURE(bits, group);
      check_like_host(weights, {bits, group}, {.round_zero = bits == 4});
    }
}

TEST_CASE("hqq on the device follows its settings", "[cuda][hqq]") {
  auto const weights = amq::testing::wavy(9, 64, 3.0);
  hqq_request const all[] = {{.optimize = false},
                             {.round_zero = true, .optimize = false},
                             {.iterations = 1},
                             {.iterations = 2},
                             {.iterations = 60},
                             {.lp_norm = 1, .beta = 3},
                             {.lp_norm = 0.5, .beta = 100},
                             {.beta = 1}};
  for (auto const& how : all)
    for (int bits : {2, 4}) {
      CAPTURE(how.lp_norm, how.beta, how.iterations, how.round_zero, how.optimize, bits);
      check_like_host(weights, {bits, 32}, how);
    }
}

TEST_CASE("hqq on the device stops where the whole matrix does", "[cuda][hqq]") {
  auto const weights = amq::testing::wavy(6, 64, 1.0);
  format const f{2, 32};
  auto const after = [&](int iterations) {
    return quantized_on_device(weights, f, hqq_with({.iterations = iterations}));
  };
  auto const all = after(20);
  REQUIRE(differing_zeros(all, after(100)) == 0);
  int stop = 1;
  while (differing_zeros(all, after(stop)) > 0) ++stop;
  REQUIRE(stop > 2);
  REQUIRE(stop < 20);
  check_like_host(weights, f, {.iterations = stop});
}

TEST_CASE("hqq's sums are the same however many blocks of threads share the matrix", "[cuda][hqq]") {
  constexpr int group = 32, iterations = 3;
  int const rows = 35, cols = 160, blocks = 3 * cols / group;
  auto const weights = random_matrix(rows, cols, 3);
  amq::cuda::stream const on;
  auto const there = amq::cuda::uploaded(amq::testing::values_of(weights), on);
  auto const sums = [&](int parts) {
    std::vector<double> found(static_cast<std::size_t>(iterations * parts));
    amq::cuda::device_buffer<double> const distances(found.size(), on);
    amq::cuda::launch({static_cast<unsigned>(parts), quantizing::block_threads,
                       iterations * quantizing::hqq_warps * sizeof(double), on},
                      quantizing::hqq_distances_kernel<group, float>, there.data(),
                      quantizing::weight_shape{rows, cols, cols / group}, blocks,
                      quantizing::hqq_rule{-0.3f, 0.1f, 7, false}, iterations, distances.data());
    amq::cuda::download(distances.data(), std::span(found), on);
    on.synchronize();
    std::vector<double> totals;
    for (int i = 0; i < iterations; ++i)
      totals.push_back(std::accumulate(found.begin() + i * parts, found.begin() + (i + 1) * parts, 0.0));
    return totals;
  };
  auto const all = sums(blocks);
  REQUIRE(all[0] > 0);
  for (int parts : {1, 4})
    for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(sums(parts)[i] == Approx(all[i]).epsilon(1e-12));
}

TEST_CASE("hqq stops at the first iteration whose summed error is not below the best", "[cuda][hqq]") {
  amq::cuda::stream const on;
  auto const kept = [&](std::vector<double> const& totals, int parts) {
    std::vector<double> distances;
    for (double const total : totals)
      for (int part = 0; part < parts; ++part) distances.push_back(total / parts + (part % 2 == 0 ? 0.5 : -0.5));
    auto const there = amq::cuda::uploaded(std::span<double const>(distances), on);
    amq::cuda::device_buffer<int> const count(1, on);
    amq::cuda::launch({1, 32 * 32, sizeof(quantizing::hqq_stop_shared<32>) + totals.size() * sizeof(double), on},
                      quantizing::hqq_stop_kernel<32>, there.data(), parts, static_cast<int>(totals.size()),
                      count.data());
    int result = 0;
    amq::cuda::download(count.data(), std::span(&result, 1), on);
    on.synchronize();
    return result;
  };
  std::vector<double> falling;
  for (int i = 0; i < 40; ++i) falling.push_back(1000 - i);
  for (int parts : {2, 100}) {
    REQUIRE(kept({64}, parts) == 1);
    REQUIRE(kept({64, 32, 16, 16, 8}, parts) == 4);
    REQUIRE(kept({64, 128, 8}, parts) == 2);
    REQUIRE(kept(falling, parts) == 40);
    falling[36] = 2000;
    REQUIRE(kept(falling, parts) == 37);
    falling[36] = 964;
    falling[2] = std::numeric_limits<double>::quiet_NaN();
    REQUIRE(kept(falling, parts) == 3);
    falling[2] = 998;
  }
}

TEST_CASE("hqq on the device gives the same bits again, from f16 as from f32", "[cuda][hqq]") {
  auto weights = random_matrix(35, 128, 4);
  std::vector<amq::cuda::f16> stored;
  for (amq::index i = 0; i < weights.size(); ++i) {
    stored.push_back(amq::cuda::from_f32<amq::cuda::f16>(weights.data()[i]));
    weights.data()[i] = amq::cuda::to_f32(stored.back());
  }
  format const f{3, 64};
  auto const once = quantized_on_device(weights, f, hqq_with({}));
  for (auto const& again :
       {quantized_on_device(weights, f, hqq_with({})), quantized_on_device(stored, 35, 128, {3, 64}, hqq_with({}))}) {
    auto const d = amq::testing::compare(once, again);
    REQUIRE(d.by_one + d.by_more + d.scales == 0);
    REQUIRE(differing_zeros(once, again) == 0);
  }
}

TEST_CASE("hqq on the device is as close to the hqq package as the host", "[cuda][hqq]") {
  struct {
    char const* file;
    format stored;
  } const cases[] = {{"hqq_babyllama361_l2_q", {3, 32}},
                     {"hqq_heavy_tailed", {2, 128}},
                     {"hqq_special_rows", {3, 128}},
                     {"hqq_special_rows", {4, 64}}};
  for (auto const& [file, stored] : cases) {
    CAPTURE(file, stored.bits, stored.group);
    golden_case const golden("quantize", file);
    auto const weights = amq::testing::floats(golden.table("weight"));
    auto const expected = amq::testing::expected_codes(golden, stored).pack(stored);
    auto const found = quantized_on_device(weights, stored, hqq_with({}));
    auto const d = amq::testing::compare(found, expected);
    REQUIRE(d.by_more == 0);
    REQUIRE(static_cast<double>(d.by_one) <= 0.005 * static_cast<double>(weights.size()));
    REQUIRE(amq::testing::mean_distance(weights, found) ==
            Approx(amq::testing::mean_distance(weights, expected)).epsilon(2e-3));
  }
  golden_case const rounded("quantize", "hqq_round_zero_babyllama361");
  auto const weights = amq::testing::floats(rounded.table("weight"));
  format const f{4, 128};
  auto const d = amq::testing::compare(quantized_on_device(weights, f, hqq_with({.round_zero = true})),
                                       amq::testing::expected_codes(rounded, f).pack(f));
  REQUIRE(d.by_more == 0);
  REQUIRE(static_cast<double>(d.by_one) <= 0.001 * static_cast<double>(weights.size()));
}

TEST_CASE("hqq on the device refuses what the host refuses, in the same words", "[cuda][hqq]") {
  auto weights = random_matrix(19, 64, 3);
  format const f{4, 32};
  auto const same_words = [&] {
    auto const expected = amq::testing::refusal([&] { amq::hqq().quantize(weights, f); });
    CHECK(!expected.empty());
    CHECK(amq::testing::refusal([&] { quantized_on_device(weights, f, hqq_with({.round_zero = true})); }) == expected);
  };
  weights(16, 40) = std::numeric_limits<float>::max();
  same_words();
  for (amq::index c = 0; c < 32; ++c) weights(3, c) = 1e9f + 64 * static_cast<float>(c);
  same_words();
  weights(18, 3) = std::numeric_limits<float>::infinity();
  same_words();
  weights(17, 40) = std::numeric_limits<float>::quiet_NaN();
  same_words();
}

TEST_CASE("hqq on the device refuses settings out of range", "[cuda][hqq]") {
  auto const weights = random_matrix(2, 32, 5);
  for (auto const& how : {hqq_request{.lp_norm = 0}, hqq_request{.lp_norm = 1.1}, hqq_request{.beta = 0},
                          hqq_request{.iterations = 0}, hqq_request{.iterations = 2049}})
    REQUIRE_THROWS_AS(quantized_on_device(weights, {4, 32}, hqq_with(how)), amq::precondition_error);
}
