#include "amq/core/simd/half_rows.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace amq {
namespace {

bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}

}  // namespace

TEST_CASE("all 65,536 numbers of 16 bits convert as one by one, to f32 and back", "[simd]") {
  std::vector<std::uint16_t> all;
  for (unsigned bits = 0; bits < 65536; ++bits) all.push_back(static_cast<std::uint16_t>(bits));
  std::vector<float> f16(all.size()), bf16(all.size());
  std::vector<std::uint16_t> back(all.size());
  auto const n = static_cast<index>(all.size());
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    simd::f16_to_f32_row(all.data(), f16.data(), n, which);
    simd::bf16_to_f32_row(all.data(), bf16.data(), n, which);
    simd::f32_to_f16_row(f16.data(), back.data(), n, which);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      wrong += !same(f16[i], f16_to_f32(all[i]));
      wrong += !same(bf16[i], bf16_to_f32(all[i]));
      wrong += std::isnan(f16[i]) ? !std::isnan(f16_to_f32(back[i])) : back[i] != all[i];
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("f32 to f16 rounds half to even, overflows to infinity, at any length", "[simd]") {
  std::vector<float> values;
  for (int i = 0; i < 40'000; ++i) values.push_back(std::ldexp(1 + static_cast<float>(i) / 40'000, i % 45 - 27));
  values.insert(values.end(), {65504, 65519.9f, 65520, -65520, 1e30f, 0x1p-25f, 0x1.000002p-25f, -0.0f, 0x1.ffcp-15f});
  for (auto const which : simd::supported_isas())
    for (index const n : {index{0}, index{1}, index{15}, index{17}, static_cast<index>(values.size())}) {
      CAPTURE(to_string(which), n);
      std::vector<std::uint16_t> out(static_cast<std::size_t>(n) + 1, 0x1234);
      auto const* const first = values.data() + static_cast<index>(values.size()) - n;
      simd::f32_to_f16_row(first, out.data(), n, which);
      index wrong = 0;
      for (index i = 0; i < n; ++i) wrong += out[static_cast<std::size_t>(i)] != f32_to_f16(first[i]);
      CHECK(wrong == 0);
      CHECK(out.back() == 0x1234);
    }
}

}  // namespace amq
