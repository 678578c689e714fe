// packed_matrix: every width, groups and columns that leave bits over, and values that f16 cannot hold.
#include "amq/core/packed_matrix.hpp"

#include <limits>

#include "support/catch.hpp"

namespace {

struct parts {
  amq::matrix<std::uint8_t> codes;
  amq::matrix<float> scales;
  amq::matrix<float> zeros;

  parts(amq::format f, amq::index rows, amq::index cols)
      : codes(rows, cols), scales(rows, f.groups(cols)), zeros(rows, f.groups(cols)) {
    std::uint32_t state = 1;
    auto const next = [&state] { return (state = state * 1664525u + 1013904223u) >> 16; };
    for (amq::index i = 0; i < codes.size(); ++i) codes.data()[i] = static_cast<std::uint8_t>(next() % (1u << f.bits));
    for (amq::index i = 0; i < scales.size(); ++i) {
      scales.data()[i] = static_cast<float>(next() % 1000 + 1) / 997.0f;
      zeros.data()[i] = static_cast<float>(next() % 1000) / -31.0f;
    }
  }

  amq::packed_matrix pack(amq::format f) const { return {f, codes, scales, zeros}; }
};

float through_f16(float value) { return amq::f16_to_f32(amq::f32_to_f16(value)); }

std::string error_of(amq::format f, parts const& p) {
  try {
    p.pack(f);
  } catch (amq::input_error const& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("packed_matrix gives back every code, scale and zero", "[packed_matrix]") {
  for (int bits = 2; bits <= 8; ++bits)
    for (int group : {1, 3, 7, 13, amq::format::whole_row})
      for (amq::index cols : {273, 91 * 9}) {
        amq::format const f{bits, group};
        CAPTURE(bits, group, cols);
        parts const p(f, 5, cols);
        auto const packed = p.pack(f);
        REQUIRE(packed.storage() == f);
        REQUIRE(packed.groups() == (group < 0 ? 1 : cols / group));
        REQUIRE(packed.bytes() == 5 * ((cols * bits + 7) / 8 + 4 * packed.groups()));
        amq::matrix<float> dense(5, cols);
        packed.dequantize(dense);
        std::vector<std::uint8_t> unpacked(static_cast<std::size_t>(cols));
        int wrong = 0;
        for (amq::index r = 0; r < 5; ++r) {
          packed.unpack_row(r, unpacked.data());
          for (amq::index c = 0; c < cols; ++c) {
            amq::index const g = c / f.group_size(cols);
            float const expected =
                (static_cast<float>(p.codes(r, c)) - through_f16(p.zeros(r, g))) * through_f16(p.scales(r, g));
            wrong += packed.code(r, c) != p.codes(r, c) || unpacked[static_cast<std::size_t>(c)] != p.codes(r, c) ||
                     dense(r, c) != expected || packed.scale(r, g) != through_f16(p.scales(r, g)) ||
                     packed.zero(r, g) != through_f16(p.zeros(r, g));
          }
        }
        REQUIRE(wrong == 0);
      }
}

TEST_CASE("packed_matrix lays codes out lowest bit first, rows on bytes", "[packed_matrix]") {
  amq::format const f{3, amq::format::whole_row};
  parts p(f, 2, 3);
  std::uint8_t const codes[] = {1, 2, 7, 4, 0, 5};
  std::copy(std::begin(codes), std::end(codes), p.codes.data());
  auto const packed = p.pack(f);
  REQUIRE(packed.row_bytes() == 2);
  std::vector<int> const bytes(packed.packed_codes().begin(), packed.packed_codes().end());
  REQUIRE(bytes == std::vector<int>{0b11'010'001, 0b1, 0b01'000'100, 0b1});
}

TEST_CASE("packed_matrix packs rows of a wider matrix", "[packed_matrix]") {
  amq::format const f{4, 4};
  parts const wide(f, 3, 16);
  amq::matrix_view<std::uint8_t const> const left(wide.codes.data(), 3, 8, 16);
  amq::matrix_view<float const> const scales(wide.scales.data(), 3, 2, 4);
  amq::matrix_view<float const> const zeros(wide.zeros.data(), 3, 2, 4);
  amq::packed_matrix const packed(f, left, scales, zeros);
  REQUIRE(packed.code(2, 7) == wide.codes(2, 7));
  REQUIRE(packed.scale(2, 1) == through_f16(wide.scales(2, 1)));
}

TEST_CASE("packed_matrix refuses what f16 cannot hold, naming value, row and group", "[packed_matrix]") {
  amq::format const f{4, 8};
  auto const with = [&](bool scale, float value) {
    parts p(f, 3, 24);
    (scale ? p.scales : p.zeros)(1, 2) = value;
    return error_of(f, p);
  };
  float const infinity = std::numeric_limits<float>::infinity();
  for (float value : {65520.0f, -65520.0f, infinity, std::numeric_limits<float>::quiet_NaN()})
    for (bool scale : {true, false}) {
      CAPTURE(value, scale);
      REQUIRE(with(scale, value).find("row 1, group 2") != std::string::npos);
    }
  REQUIRE(with(true, 1e-9f).find("the scale 1e-09") != std::string::npos);
  REQUIRE(with(true, 65519.0f).empty());
  REQUIRE(with(true, 0.0f).empty());
  REQUIRE(with(false, 1e-9f).empty());
}

TEST_CASE("packed_matrix refuses shapes, widths and codes that do not fit", "[packed_matrix]") {
  parts const p({4, 8}, 2, 16);
  REQUIRE_THROWS_AS(p.pack({4, 4}), amq::precondition_error);
  REQUIRE_THROWS_AS(p.pack({4, 3}), amq::precondition_error);
  REQUIRE_THROWS_AS(p.pack({4, 0}), amq::precondition_error);
  REQUIRE_THROWS_AS(p.pack({9, 8}), amq::precondition_error);
  REQUIRE_THROWS_AS(p.pack({1, 8}), amq::precondition_error);
  parts large({4, 8}, 2, 16);
  large.codes(1, 15) = 16;
  REQUIRE_THROWS_AS(large.pack({4, 8}), amq::precondition_error);
  amq::matrix<float> narrow(2, 15);
  REQUIRE_THROWS_AS(p.pack({4, 8}).dequantize(narrow), amq::precondition_error);
}

TEST_CASE("packed_matrix is put together again from its packed parts", "[packed_matrix]") {
  parts const p({3, 8}, 3, 24);
  auto const packed = p.pack({3, 8});
  std::vector<std::uint16_t> const scales(packed.packed_scales().begin(), packed.packed_scales().end());
  std::vector<std::uint16_t> const zeros(packed.packed_zeros().begin(), packed.packed_zeros().end());
  amq::packed_matrix const again({3, 8}, 3, 24, packed.packed_codes(), scales, zeros);
  amq::matrix<float> first(3, 24), second(3, 24);
  packed.dequantize(first);
  again.dequantize(second);
  for (amq::index i = 0; i < first.size(); ++i) REQUIRE(first.data()[i] == second.data()[i]);
  REQUIRE_THROWS_AS(amq::packed_matrix({3, 8}, 3, 24, packed.packed_codes().first(26), scales, zeros),
                    amq::precondition_error);
  REQUIRE_THROWS_AS(amq::packed_matrix({3, 8}, 3, 24, packed.packed_codes(), {}, zeros), amq::precondition_error);
}

TEST_CASE("packed_matrix takes scale and zero of the group that a column is given", "[packed_matrix]") {
  parts const p({4, 8}, 2, 16);
  auto const plain = p.pack({4, 8});
  std::vector<std::int32_t> groups(16);
  for (std::size_t col = 0; col < 16; ++col) groups[col] = col % 2 == 0 ? 1 : 0;
  auto const permuted = p.pack({4, 8}).with_column_groups(groups);
  REQUIRE(permuted.bytes() == plain.bytes() + 4 * 16);
  amq::matrix<float> values(2, 16);
  permuted.dequantize(values);
  for (amq::index row = 0; row < 2; ++row)
    for (amq::index col = 0; col < 16; ++col) {
      amq::index const group = groups[static_cast<std::size_t>(col)];
      float const code = static_cast<float>(plain.code(row, col));
      REQUIRE(values(row, col) == (code - plain.zero(row, group)) * plain.scale(row, group));
    }
  groups[3] = 2;
  REQUIRE_THROWS_AS(p.pack({4, 8}).with_column_groups(groups), amq::precondition_error);
}
