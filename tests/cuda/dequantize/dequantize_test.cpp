// Dequantized weights against the host's, to the bit.
#include "amq/cuda/dequantize/dequantize.cuh"

#include <algorithm>
#include <vector>

#include "cuda/layout/on_device.hpp"
#include "support/catch.hpp"

namespace {

using idx = amq::index;
using amq::tile_layout;
using amq::cuda::bf16;
using amq::cuda::f16;

template <class Number>
std::vector<float> as_f32(std::vector<Number> const& from) {
  std::vector<float> to;
  for (auto const v : from) to.push_back(amq::cuda::to_f32(v));
  return to;
}

/// The host's values, rounded to Number.
template <class Number>
std::vector<float> expected(amq::packed_matrix const& packed) {
  amq::matrix<float> values(packed.rows(), packed.cols());
  packed.dequantize(values);
  return as_f32(amq::test::rounded<Number>(values));
}

}  // namespace

TEMPLATE_TEST_CASE("dequantize gives the host's values for every width and group", "[cuda][dequantize]", float, f16,
                   bf16) {
  amq::cuda::stream const on;
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes)
      for (idx const rows : {1, 40}) {
        idx const cols = 128 + group;
        CAPTURE(bits, group, rows);
        auto const packed = amq::test::random_packed({bits, group}, rows, cols, 11);
        amq::test::matrix_on_device const device(packed, on);
        amq::cuda::device_buffer<TestType> out(static_cast<std::size_t>(rows * cols), on);
        amq::cuda::dequantize(device.view, out.data(), on);
        REQUIRE(as_f32(amq::test::downloaded(out, on)) == expected<TestType>(packed));
      }
}

TEST_CASE("dequantize_indirect follows what is written on the device", "[cuda][dequantize]") {
  amq::cuda::stream const on;
  idx const rows = 24, cols = 384;
  amq::cuda::device_buffer<amq::cuda::device_matrix> which(1, on);
  amq::cuda::device_buffer<float> out(static_cast<std::size_t>(rows * cols), on);
  auto const graph = amq::cuda::graph::record(on, [&] {
    amq::cuda::dequantize_indirect(which.data(), static_cast<int>(rows), static_cast<int>(cols), out.data(), on);
  });
  for (auto const format : {amq::format{2, 32}, amq::format{5, 128}, amq::format{8, 64}}) {
    auto const packed = amq::test::random_packed(format, rows, cols, 12);
    amq::test::matrix_on_device const device(packed, on);
    amq::cuda::upload(std::span(&device.view, 1), which.data(), on);
    graph.launch(on);
    CHECK(amq::test::downloaded(out, on) == expected<float>(packed));
  }
}

TEST_CASE("dequantize refuses what it cannot read or write with a sentence", "[cuda][dequantize]") {
  amq::cuda::stream const on;
  amq::test::matrix_on_device const device(amq::test::random_packed({4, 32}, 16, 128, 13), on);
  amq::cuda::device_buffer<float> const out(16 * 128 + 4, on);
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(amq::cuda::dequantize(device.view, out.data() + 1, on), Contains("aligned to 16 bytes"));
  CHECK_THROWS_WITH(amq::cuda::dequantize_indirect<float>(nullptr, 16, 128, out.data(), on), Contains("which matrix"));
  auto wrong = device.view;
  wrong.bits = 7;
  CHECK_THROWS_WITH(amq::cuda::dequantize(wrong, out.data(), on), Contains("2, 3, 4, 5, 6 and 8 bits"));
}
