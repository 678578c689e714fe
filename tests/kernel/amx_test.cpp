// The AMX path on emulated tiles, so that its kernels run where no processor has any.
#include "amq/kernel/paths/amx.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "amq/kernel/packed_product.hpp"
#include "amq/kernel/reference.hpp"
#include "support/catch.hpp"
#include "support/emulated_tiles.hpp"
#include "support/tiles.hpp"
#include "support/trapped_tiles.hpp"

#if defined(__x86_64__)

namespace amq {
namespace {

using test::emulated_tiles;

/// Codes are decoded by AVX-512's instructions whatever executes the tiles.
bool decodes() {
  if (supported(cpu_path::avx512_dot)) return true;
  WARN("skipped: emulated tiles, since this processor lacks the path avx512_dot or AMQ_CPU forbids it");
  return false;
}

matrix<float> emulated_product(tiled_view const& w, matrix_view<float const> x, precision p) {
  activations prepared;
  prepared.prepare(x, p, w.layout.group, cpu_path::amx);
  matrix<float> y(x.rows, w.rows);
  for (index block = 0; block < prepared.blocks(); ++block)
    detail::with_width(w.layout, [&]<int Bits>() {
      auto const rows = prepared.rows(block);
      auto const some = y.view().rows_from(block * prepared.block_tokens(), rows.tokens);
      if (p == precision::int8)
        paths::amx<paths::detail::int8_dot, Bits, emulated_tiles>::gemm(w, rows, some, 0, w.tiles());
      else
        paths::amx<paths::detail::bf16_dot, Bits, emulated_tiles>::gemm(w, rows, some, 0, w.tiles());
    });
  return y;
}

matrix<float> dot_product(tiled_view const& w, matrix_view<float const> x, precision p) {
  activations prepared;
  prepared.prepare(x, p, w.layout.group, cpu_path::avx512_dot);
  matrix<float> y(x.rows, w.rows);
  multiply(w, prepared, y);
  return y;
}

bool same_bits(matrix_view<float const> a, matrix_view<float const> b) {
  return a.size() == b.size() && std::memcmp(a.data, b.data, sizeof(float) * static_cast<std::size_t>(a.size())) == 0;
}

paths::amx_shapes shapes(int lines, int x_bytes, int w_lines) {
  return paths::amx_shapes{.line_bytes = {64, static_cast<std::uint16_t>(x_bytes), 64},
                           .lines = {static_cast<std::uint8_t>(lines), static_cast<std::uint8_t>(lines),
                                     static_cast<std::uint8_t>(w_lines)}};
}

}  // namespace

TEST_CASE("Emulated tiles multiply every width, group and number of tokens as the reference does", "[kernel]") {
  if (!decodes()) return;
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes) {
      tiled_matrix const w(test::random_packed({bits, group}, 37, 3 * group, 41));
      for (index const tokens : {5, 17, 33}) {
        auto const x = test::normal_matrix(tokens, 3 * group, 42);
        matrix<double> expected(tokens, 37);
        reference::multiply(w.view(), x, expected);
        INFO(bits << " bits, groups of " << group << ", " << tokens << " tokens");
        CHECK(test::relative_rms(emulated_product(w.view(), x, precision::bf16), expected) < 3e-3);
        auto const found = emulated_product(w.view(), x, precision::int8);
        CHECK(test::relative_rms(found, expected) < 1e-2);
        CHECK(same_bits(found, dot_product(w.view(), x, precision::int8)));
      }
    }
}

TEST_CASE("A token's products by tiles have the same bits in any batch", "[kernel]") {
  if (!decodes()) return;
  for (precision const p : {precision::bf16, precision::int8}) {
    tiled_matrix const w(test::random_packed({4, 64}, 50, 128, 43));
    auto const x = test::normal_matrix(300, 128, 44);  // more than lie together; a few are not for tiles
    auto const all = emulated_product(w.view(), x, p);
    for (index const count : {5, 15, 16, 31, 32, 50, 127, 128, 129, 257})
      for (index const first : {index{0}, (300 - count) / 2, 300 - count}) {
        INFO(to_string(p) << ", " << count << " tokens from " << first);
        CHECK(same_bits(emulated_product(w.view(), x.view().rows_from(first, count), p),
                        all.view().rows_from(first, count)));
      }
  }
}

TEST_CASE("Tiles pass NaNs and infinities of activations and scales on, to their results alone", "[kernel]") {
  if (!decodes()) return;
  tiled_matrix const finite(test::random_packed({3, 32}, 18, 96, 45));
  std::vector<std::uint8_t> bytes(finite.view().data, finite.view().data + finite.bytes());
  std::uint16_t const infinity = 0x7c00;  // the scale of row 17, inputs 64 to 95
  std::memcpy(bytes.data() + 6 * finite.view().layout.block_bytes() - 64 + 2, &infinity, 2);
  tiled_view const w{bytes.data(), 18, 96, {3, 32}};
  auto const x = test::normal_matrix(20, 96, 46);
  for (precision const p : {precision::bf16, precision::int8})
    for (float const odd : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      matrix<float> changed = test::normal_matrix(20, 96, 46);
      changed(3, 40) = odd;
      auto const expected = emulated_product(finite.view(), x, p), found = emulated_product(w, changed, p);
      for (index token = 0; token < 20; ++token)
        for (index r = 0; r < 18; ++r)
          CHECK((token == 3 || r == 17 ? !std::isfinite(found(token, r)) : found(token, r) == expected(token, r)));
    }
}

TEST_CASE("Tiles read and write where nothing is aligned, and nothing beyond it", "[kernel]") {
  if (!decodes()) return;
  tiled_matrix const w(test::random_packed({5, 32}, 70, 64, 47));
  auto const x = test::normal_matrix(19, 64, 48);
  std::vector<std::uint8_t> moved(static_cast<std::size_t>(w.bytes()) + 1);
  std::memcpy(moved.data() + 1, w.view().data, static_cast<std::size_t>(w.bytes()));
  activations prepared;
  prepared.prepare(x, precision::bf16, 32, cpu_path::amx);
  matrix<float> y(19, 72);
  std::fill_n(y.data(), y.size(), 7.0f);
  using kernel = paths::amx<paths::detail::bf16_dot, 5, emulated_tiles>;
  tiled_view const unaligned{moved.data() + 1, 70, 64, {5, 32}};
  kernel::gemm(unaligned, prepared.rows(), {y.data() + 1, 19, 70, 72}, 3, 5);
  kernel::gemm(unaligned, prepared.rows(), {y.data() + 1, 19, 70, 72}, 0, 3);  // a pair of tiles, and one alone
  auto const expected = emulated_product(w.view(), x, precision::bf16);
  for (index t = 0; t < 19; ++t) {
    CHECK((y(t, 0) == 7 && y(t, 71) == 7));
    CHECK(same_bits({y.data() + 72 * t + 1, 1, 70}, expected.view().rows_from(t, 1)));
  }
}

#if defined(__linux__)
TEST_CASE("The path amx has the bits of emulated tiles, with the processor's own instructions and any threads",
          "[kernel]") {
  if (!decodes()) return;
  test::trapped_tiles const trapped;
  for (int const group : tile_layout::group_sizes)
    for (precision const p : {precision::bf16, precision::int8})
      for (index const tokens : {5, 34}) {
        tiled_matrix const w(test::random_packed({4, group}, 100, 2 * group, 49));
        auto const x = test::normal_matrix(tokens, 2 * group, 50);
        activations prepared;
        prepared.prepare(x, p, group, cpu_path::amx);
        auto const expected = emulated_product(w.view(), x, p);
        INFO("groups of " << group << ", " << to_string(p) << ", " << tokens << " tokens");
        for (int const threads : {1, 3}) {
          thread_executor executor(threads);
          matrix<float> y(tokens, 100);
          multiply(w.view(), prepared, y, executor);
          CHECK(same_bits(y, expected));
        }
        CHECK(!test::trapped_tiles::held());
      }
}
#endif

TEST_CASE("Emulated tiles refuse what a processor does", "[kernel]") {
  std::vector<std::uint8_t> bytes(1024);
  auto good = shapes(3, 32, 8);
  emulated_tiles tiles(good);
  tiles.load<0>(bytes.data(), 64);
  tiles.dot_int8<0, 1, 2>();
  CHECK_THROWS_AS(tiles.zero<3>(), std::logic_error);
  CHECK_THROWS_AS((tiles.load<4>(bytes.data(), 64)), std::logic_error);
  CHECK_THROWS_AS((tiles.dot_int8<0, 1, 1>()), std::logic_error);
  CHECK_THROWS_AS((tiles.dot_bf16<0, 2, 1>()), std::logic_error);
  CHECK_THROWS_AS(emulated_tiles(shapes(17, 32, 8)), std::logic_error);
  CHECK_THROWS_AS(emulated_tiles(shapes(3, 68, 8)), std::logic_error);
  CHECK_THROWS_AS(emulated_tiles(shapes(3, 0, 8)), std::logic_error);
  CHECK_THROWS_AS((emulated_tiles(shapes(3, 32, 9)).dot_int8<0, 1, 2>()), std::logic_error);
  good.palette = 2;
  CHECK_THROWS_AS(emulated_tiles(good), std::logic_error);
}

TEST_CASE("Emulated products have the values of Intel's definition", "[kernel]") {
  emulated_tiles tiles(shapes(1, 8, 2));
  std::uint16_t const x[] = {f32_to_bf16(1), f32_to_bf16(-2), f32_to_bf16(3), f32_to_bf16(0.5f)};
  std::uint16_t w[2][32] = {};
  w[0][2] = w[0][3] = w[1][2] = w[1][3] = f32_to_bf16(4);  // second column
  float sums[16] = {};
  sums[1] = 100;
  tiles.load<0>(sums, 64);
  tiles.load<1>(x, 8);
  tiles.load<2>(w, 64);
  tiles.dot_bf16<0, 1, 2>();
  tiles.store<0>(sums, 64);
  CHECK(sums[0] == 0);
  CHECK(sums[1] == 110);
  std::uint16_t const subnormal[] = {0x007f, 0x0001, 0x007f, 0x007f};
  tiles.zero<0>();
  tiles.load<1>(subnormal, 8);
  tiles.dot_bf16<0, 1, 2>();
  tiles.store<0>(sums, 64);
  CHECK(sums[1] == 0);
  std::uint8_t const signed_bytes[] = {0xff, 2, 0x80, 0, 0, 0, 0, 1}, codes[2][64] = {{255, 10, 1}, {0, 0, 0, 200}};
  std::int32_t whole[16] = {};
  tiles.load<0>(whole, 64);
  tiles.load<1>(signed_bytes, 8);
  tiles.load<2>(codes, 64);
  tiles.dot_int8<0, 1, 2>();
  tiles.store<0>(whole, 64);
  CHECK(whole[0] == -255 + 20 - 128 + 200);
  CHECK(whole[1] == 0);
}

}  // namespace amq
#endif
