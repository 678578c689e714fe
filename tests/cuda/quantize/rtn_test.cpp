// Round to nearest on the device against the host's, code for code.
#include "amq/cuda/quantize/rtn.cuh"

#include <limits>

#include "amq/quantize/rtn.hpp"
#include "cuda/quantize/on_device.hpp"
#include "support/calibrated.hpp"
#include "support/catch.hpp"
#include "support/quantized.hpp"

using amq::format;
using amq::cuda::rtn_request;
using amq::testing::quantized_on_device;
using amq::testing::random_matrix;

namespace {

struct variant_pair {
  rtn_request device;
  amq::rtn_variant host;
};
constexpr variant_pair variants[] = {{rtn_request::asymmetric, amq::rtn_variant::asymmetric},
                                     {rtn_request::symmetric, amq::rtn_variant::symmetric},
                                     {rtn_request::awq, amq::rtn_variant::awq}};

auto rtn_with(rtn_request how) {
  return [how](auto const* weights, int rows, int cols, amq::tile_layout layout, std::uint8_t* tiles, auto& work,
               cudaStream_t on) { amq::cuda::quantize_rtn(weights, rows, cols, layout, how, tiles, work, on); };
}

void check_equal(amq::packed_matrix const& found, amq::packed_matrix const& expected) {
  auto const d = amq::testing::compare(found, expected);
  CHECK(d.by_one == 0);
  CHECK(d.by_more == 0);
  CHECK(d.scales == 0);
  CHECK(d.zeros == 0);
}

/// Groups of one value, of zeros, of one sign, of huge and of tiny weights, and ties.
amq::matrix<float> special_rows(amq::index cols) {
  amq::matrix<float> weights(7, cols);
  for (amq::index c = 0; c < cols; ++c) {
    auto const x = static_cast<float>(c % 32);
    weights(0, c) = 0.25f;
    weights(1, c) = 0;
    weights(2, c) = 1 + x / 7;
    weights(3, c) = -2 - x / 3;
    weights(4, c) = (x - 13) * 1000;
    weights(5, c) = (x - 20) * 1e-5f;
    weights(6, c) = x / 2 - 4;
  }
  return weights;
}

}  // namespace

TEST_CASE("rtn on the device chooses the host's codes, scales and zeros", "[cuda][rtn]") {
  auto const weights = random_matrix(21, 384, 1), special = special_rows(128);
  for (auto const& [device, host] : variants)
    for (int bits : amq::tile_layout::widths)
      for (int group : amq::tile_layout::group_sizes) {
        CAPTURE(static_cast<int>(device), bits, group);
        format const f{bits, group};
        amq::rtn const reference({.variant = host});
        check_equal(quantized_on_device(weights, f, rtn_with(device)), reference.quantize(weights, f));
        check_equal(quantized_on_device(special, f, rtn_with(device)), reference.quantize(special, f));
      }
}

TEST_CASE("rtn on the device reads f16 and bf16 as they lie in a checkpoint", "[cuda][rtn]") {
  auto const weights = random_matrix(5, 128, 2);
  auto const read_as = [&]<class Number>(Number, auto const& narrow, auto const& widen) {
    std::vector<Number> stored(static_cast<std::size_t>(weights.size()));
    amq::matrix<float> held(5, 128);
    for (amq::index i = 0; i < weights.size(); ++i) {
      auto const bits = narrow(weights.data()[i]);
      std::memcpy(&stored[static_cast<std::size_t>(i)], &bits, 2);
      held.data()[i] = widen(bits);
    }
    for (int group : amq::tile_layout::group_sizes)
      check_equal(quantized_on_device(stored, 5, 128, {3, group}, rtn_with(rtn_request::awq)),
                  amq::rtn({.variant = amq::rtn_variant::awq}).quantize(held, {3, group}));
  };
  read_as(amq::cuda::f16{}, amq::f32_to_f16, amq::f16_to_f32);
  read_as(amq::cuda::bf16{}, amq::f32_to_bf16, amq::bf16_to_f32);
}

TEST_CASE("rtn on the device refuses what the host refuses, in the same words", "[cuda][rtn]") {
  auto weights = random_matrix(19, 64, 3);
  format const f{4, 32};
  auto const same_words = [&] {
    auto const expected = amq::testing::refusal([&] { amq::rtn().quantize(weights, f); });
    CHECK(!expected.empty());
    CHECK(amq::testing::refusal([&] { quantized_on_device(weights, f, rtn_with(rtn_request::asymmetric)); }) ==
          expected);
  };
  for (float const value : {1e6f, -3e7f, std::numeric_limits<float>::max(), std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    CAPTURE(value);
    weights(18, 3) = value;
    same_words();
    weights(17, 40) = value;
    same_words();
  }
  for (amq::index c = 0; c < 32; ++c) weights(2, c) = 1e-9f;
  same_words();
  weights = random_matrix(19, 64, 3);
  for (amq::index c = 32; c < 64; ++c) weights(4, c) = static_cast<float>(c) * 1e-9f;
  same_words();
}

TEST_CASE("rtn on the device refuses shapes without a layout and pointers that are not aligned", "[cuda][rtn]") {
  auto const weights = random_matrix(3, 96, 4);
  auto const call = [&](format f, int shift) {
    quantized_on_device(weights, f,
                        [shift](float const* at, int rows, int cols, amq::tile_layout layout, std::uint8_t* tiles,
                                auto& work, cudaStream_t on) {
                          amq::cuda::quantize_rtn(at + shift, rows - 1, cols, layout, rtn_request::awq, tiles, work,
                                                  on);
                        });
  };
  REQUIRE_THROWS_AS(call({4, 64}, 0), amq::precondition_error);
  REQUIRE_THROWS_AS(call({7, 32}, 0), amq::precondition_error);
  REQUIRE_THROWS_AS(call({4, 32}, 1), amq::precondition_error);
}
