#include "amq/core/tiled_matrix.hpp"

#include <algorithm>
#include <vector>

#include "amq/core/random.hpp"
#include "support/catch.hpp"

namespace {

using amq::format;
using amq::tile_layout;
using amq::tiled_matrix;
using idx = amq::index;

amq::packed_matrix random_packed(format storage, idx rows, idx cols, std::uint64_t seed) {
  amq::random_stream random(seed);
  amq::matrix<std::uint8_t> codes(rows, cols);
  idx const groups = storage.groups(cols);
  amq::matrix<float> scales(rows, groups), zeros(rows, groups);
  auto const below = [&](idx n) { return random.below(n); };
  for (idx i = 0; i < codes.size(); ++i) codes.data()[i] = static_cast<std::uint8_t>(below(idx{1} << storage.bits));
  for (idx i = 0; i < scales.size(); ++i) {
    scales.data()[i] = 0.01f * static_cast<float>(1 + below(1000));
    zeros.data()[i] = static_cast<float>(below(idx{1} << storage.bits)) - 0.25f;
  }
  return {storage, codes, scales, zeros};
}

}  // namespace

TEST_CASE("unpack is the inverse of packing for every width, group and number of rows", "[tiled_matrix]") {
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes)
      for (idx const rows : {1, 15, 16, 17, 37}) {
        auto const source = random_packed({bits, group}, rows, 3 * group, 7);
        auto const back = unpack(tiled_matrix(source).view());
        INFO(bits << " bits, groups of " << group << ", " << rows << " rows");
        REQUIRE(std::ranges::equal(back.packed_codes(), source.packed_codes()));
        REQUIRE(std::ranges::equal(back.packed_scales(), source.packed_scales()));
        REQUIRE(std::ranges::equal(back.packed_zeros(), source.packed_zeros()));
      }
}

TEST_CASE("Any bytes are the tiles of some matrix: packing gives back what was unpacked from them", "[tiled_matrix]") {
  amq::random_stream random(8);
  auto const any_of = [&](auto const& list) { return list[static_cast<std::size_t>(random.below(std::ssize(list)))]; };
  for (int round = 0; round < 2000; ++round) {
    tile_layout const layout{any_of(tile_layout::widths), any_of(tile_layout::group_sizes)};
    idx const rows = 16 * (1 + random.below(3)), cols = layout.group * (1 + random.below(3));
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(layout.bytes(rows, cols)));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
    tiled_matrix const again(amq::unpack({bytes.data(), rows, cols, layout}));
    CAPTURE(round, layout.bits, layout.group, rows, cols);
    REQUIRE(std::equal(bytes.begin(), bytes.end(), again.view().data));
    // Rows that do not fill the last tile: what lies in their place is nobody's.
    idx const fewer = rows - 1 - random.below(15);
    auto const part = amq::unpack({bytes.data(), fewer, cols, layout});
    auto const whole = unpack(again.view());
    REQUIRE(std::ranges::equal(part.packed_codes(), whole.packed_codes().first(part.packed_codes().size())));
    REQUIRE(std::ranges::equal(part.packed_zeros(), whole.packed_zeros().first(part.packed_zeros().size())));
  }
}

TEST_CASE("A matrix in tiles takes exactly bits + 32 / group a weight, rows rounded up to 16", "[tiled_matrix]") {
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes) {
      auto const tiled = tiled_matrix(random_packed({bits, group}, 33, 256, 7));
      REQUIRE(tiled.bytes() == idx{48} * (256 * bits + 32 * 256 / group) / 8);
    }
}

TEST_CASE("Each code lies in the tile where docs/packed-layout.md says", "[tiled_matrix]") {
  amq::matrix<std::uint8_t> codes(16, 32);
  codes(2, 4 * 7 + 1) = 0b101;  // quad 7 of 3 bits: two bits on top of vector 1, one on top of vector 2
  amq::matrix<float> scales(16, 1), zeros(16, 1);
  scales(2, 0) = 1;
  zeros(3, 0) = -2;
  amq::packed_matrix const source({3, 32}, codes, scales, zeros);
  tiled_matrix const tiled(source);
  std::uint8_t const* const block = tiled.view().block(0, 0);
  std::vector<std::uint8_t> expected(static_cast<std::size_t>(tiled.bytes()), 0);
  expected[64 + 4 * 2 + 1] = 0b01 << 6;
  expected[128 + 4 * 2 + 1] = 1 << 7;
  expected[192 + 2 * 2 + 1] = 0x3c;       // 1 in f16
  expected[192 + 32 + 2 * 3 + 1] = 0xc0;  // -2 in f16
  REQUIRE(std::equal(expected.begin(), expected.end(), block));
}

TEST_CASE("What the packed layout does not hold is refused with the list", "[tiled_matrix]") {
  using Catch::Contains;
  REQUIRE_THROWS_WITH(tiled_matrix(random_packed({7, 32}, 4, 64, 7)),
                      Contains("no kernel for") && Contains("2, 3, 4, 5, 6 and 8 bits in groups of 32, 64 and 128"));
  REQUIRE_THROWS_WITH(tiled_matrix(random_packed({4, 16}, 4, 64, 7)), Contains("groups of 32, 64 and 128"));
  REQUIRE_THROWS_WITH(tiled_matrix(random_packed({4, format::whole_row}, 4, 128, 7)), Contains("no kernel for"));
  auto grouped = random_packed({4, 32}, 4, 64, 7).with_column_groups(std::vector<std::int32_t>(64, 1));
  REQUIRE_THROWS_WITH(tiled_matrix(grouped), Contains("groups of their own"));
}
