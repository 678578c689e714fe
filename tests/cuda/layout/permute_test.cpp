// The device layout: back and forth, its sizes, what is refused.
#include "amq/cuda/layout/permute.cuh"

#include <algorithm>
#include <vector>

#include "cuda/layout/on_device.hpp"
#include "support/catch.hpp"

namespace {

using amq::format;
using idx = amq::index;
using amq::tile_layout;

struct shape {
  idx rows, cols;
};

}  // namespace

TEST_CASE("to_host_layout undoes to_device_layout for every width, group and ragged shape", "[cuda][layout]") {
  amq::cuda::stream const on;
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes)
      for (auto const [rows, cols] : {shape{1, group}, shape{16, 128}, shape{35, 128 + group}, shape{50, 3 * group}}) {
        CAPTURE(bits, group, rows, cols);
        auto const packed = amq::test::random_packed({bits, group}, rows, cols, 7);
        amq::tiled_matrix const tiles(packed);
        amq::test::matrix_on_device const device(packed, on);
        amq::cuda::device_buffer<std::uint8_t> back(static_cast<std::size_t>(tiles.bytes()), on);
        amq::cuda::to_host_layout(device.view, back.data(), on);
        auto const found = amq::test::downloaded(back, on);
        REQUIRE(std::equal(found.begin(), found.end(), tiles.view().data));
      }
}

TEST_CASE("a matrix on the device takes bits + 32 / group a weight, inputs rounded up to 128", "[cuda][layout]") {
  STATIC_REQUIRE(amq::cuda::device_matrix_bytes({4, 128}, 4096, 4096) == 4096 * 4096 / 8 * 4 + 4096 * 32 * 4);
  STATIC_REQUIRE(amq::cuda::device_matrix_bytes({3, 64}, 16, 64) == amq::cuda::device_matrix_bytes({3, 64}, 1, 128));
  STATIC_REQUIRE(amq::cuda::device_matrix_bytes({3, 64}, 16, 128) == 16 * 128 / 8 * 3 + 2 * 64);
}

TEST_CASE("codes, scales and zeros lie where the layout says", "[cuda][layout]") {
  amq::cuda::stream const on;
  auto const packed = amq::test::random_packed({6, 64}, 20, 192, 8);
  amq::test::matrix_on_device const device(packed, on);
  auto const bytes = amq::test::downloaded(device.bytes, on);
  amq::cuda::device_layout const layout{6, 64};
  auto const half = [&](std::size_t at) { return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8); };
  for (idx row = 0; row < 32; ++row)
    for (idx col = 0; col < 256; ++col) {
      bool const padding = row >= 20 || col >= 192;
      auto const span = static_cast<std::size_t>((row / 16 * 2 + col / 128) * layout.span_bytes());
      idx const input = col % 128, chunk = input / 32, lane = row % 8 * 4 + input % 32 / 8;
      idx const part = input / 4 % 2, a = row / 8 % 2 + 2 * (input / 2 % 2);
      auto const word = [&](idx first_byte, idx number) {
        auto const at = span + static_cast<std::size_t>(first_byte + (number / 4 * 32 + lane) * 16 + number % 4 * 4);
        return half(at + (input % 2 == 1 ? 2 : 0));
      };
      int const low = word(0, 2 * chunk + part) >> (4 * a) & 15, high = word(1024, chunk) >> (4 * a + 2 * part) & 3;
      REQUIRE((low | high << 4) == (padding ? 0 : packed.code(row, col)));
      auto const parameters =
          span + static_cast<std::size_t>(layout.code_bytes() + (row % 8 * 2 + input / 64) * 8 + row / 8 % 2 * 2);
      REQUIRE(half(parameters) == (padding ? 0 : amq::f32_to_f16(packed.scale(row, col / 64))));
      REQUIRE(half(parameters + 4) == (padding ? 0 : amq::f32_to_f16(packed.zero(row, col / 64))));
    }
}

TEST_CASE("the device layout refuses formats, shapes and addresses with a sentence", "[cuda][layout]") {
  amq::cuda::stream const on;
  amq::cuda::device_buffer<std::uint8_t> const room(4096, on);
  auto const attempt = [&](amq::cuda::device_matrix shape, std::size_t shift) {
    amq::cuda::to_device_layout(room.data(), shape, room.data() + shift, on);
  };
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(attempt({nullptr, 16, 128, 7, 128}, 0), Contains("2, 3, 4, 5, 6 and 8 bits"));
  CHECK_THROWS_WITH(attempt({nullptr, 16, 128, 4, 16}, 0), Contains("groups of 32, 64 and 128"));
  CHECK_THROWS_WITH(attempt({nullptr, 16, 96, 4, 64}, 0), Contains("groups of 64 do not divide 96"));
  CHECK_THROWS_WITH(attempt({nullptr, 0, 128, 4, 128}, 0), Contains("(0, 128)"));
  CHECK_THROWS_WITH(attempt({nullptr, 16, 128, 4, 128}, 8), Contains("aligned to 16 bytes"));
}
