// Every operation of the vector types, on every instruction set, against the language's own operators.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "support/catch.hpp"

#define AMQ_SIMD_BODY "core/simd_vectors_body.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq {
namespace {

using simd::isa;

std::vector<float> wave(int n, float amplitude, float phase) {
  std::vector<float> values;
  for (int i = 0; i < n; ++i) values.push_back(amplitude * std::sin(1.3f * static_cast<float>(i) + phase));
  return values;
}

int width_of(isa which) { return AMQ_SIMD_CALL(which, vector_width()); }

}  // namespace

TEST_CASE("arithmetic, comparisons and rounding of f32 vectors, lane by lane", "[simd]") {
  using lane = std::function<double(float, float, float)>;
  std::vector<lane> const expected{
      [](float a, float b, float) { return a + b; },
      [](float a, float b, float) { return a - b; },
      [](float a, float b, float) { return a * b; },
      [](float a, float b, float) { return a / b; },
      [](float a, float b, float) { return std::min(a, b); },
      [](float a, float b, float) { return std::max(a, b); },
      [](float a, float b, float c) { return static_cast<double>(a) * b + c; },
      [](float a, float b, float c) { return c - static_cast<double>(a) * b; },
      [](float a, float, float) { return std::abs(a); },
      [](float a, float, float) { return std::sqrt(std::abs(a)); },
      [](float a, float, float) { return std::nearbyint(a); },
      [](float a, float, float) { return std::nearbyint(a); },
      [](float a, float b, float) { return a < b; },
      [](float a, float b, float) { return a <= b; },
      [](float a, float b, float) { return a == b; },
      [](float a, float b, float c) { return a < b && b < c; },
      [](float a, float b, float c) { return a < b || b < c; },
      [](float a, float, float) { return a; },
      [](float a, float b, float) { return std::ldexp(a, static_cast<int>(std::nearbyint(b))); },
  };
  for (isa const which : simd::supported_isas()) {
    int const width = width_of(which);
    auto const w = static_cast<std::size_t>(width);
    auto a = wave(width, 1e4f, 0.2f), b = wave(width, 40, 0.9f), c = wave(width, 60, 2.1f);
    a[0] = b[0] = 2.5f;  // equal, and a tie to even
    a[1] = -3.5f;
    a[2] = 0x1p30f;
    std::vector<float> out((expected.size() + 2) * w);
    AMQ_SIMD_CALL(which, f32_operations(a.data(), b.data(), c.data(), out.data()));
    for (std::size_t operation = 0; operation < expected.size(); ++operation)
      for (std::size_t i = 0; i < w; ++i) {
        CAPTURE(to_string(which), operation, i);
        CHECK(out[operation * w + i] == Approx(expected[operation](a[i], b[i], c[i]))
                                            .epsilon(2e-7)
                                            .margin(1e-3 * (operation == 6 || operation == 7)));
      }
    double sum = 0;
    for (float const v : a) sum += v;
    CHECK(out[expected.size() * w] == Approx(sum).epsilon(1e-6));
    CHECK(out[(expected.size() + 1) * w] == *std::max_element(a.begin(), a.end()));
  }
}

TEST_CASE("integer vectors, lane by lane", "[simd]") {
  using lane = std::function<std::int32_t(std::int32_t, std::int32_t)>;
  std::vector<lane> const expected{[](auto a, auto b) { return a + b; },  [](auto a, auto b) { return a - b; },
                                   [](auto a, auto b) { return a * b; },  [](auto a, auto b) { return a & b; },
                                   [](auto a, auto b) { return a | b; },  [](auto a, auto b) { return a ^ b; },
                                   [](auto a, auto) { return a * 8; },    [](auto a, auto) { return a >> 3; },
                                   [](auto a, auto b) { return a == b; }, [](auto a, auto b) { return a < b; }};
  for (isa const which : simd::supported_isas()) {
    auto const width = static_cast<std::size_t>(width_of(which));
    std::vector<std::int32_t> a, b;
    for (int i = 0; i < static_cast<int>(width); ++i)
      a.push_back(977 * i - 5003), b.push_back(i % 3 ? 61 * i - 400 : a.back());
    std::vector<std::int32_t> out(expected.size() * width);
    AMQ_SIMD_CALL(which, i32_operations(a.data(), b.data(), out.data()));
    for (std::size_t operation = 0; operation < expected.size(); ++operation)
      for (std::size_t i = 0; i < width; ++i) {
        CAPTURE(to_string(which), operation, i);
        CHECK(out[operation * width + i] == expected[operation](a[i], b[i]));
      }
  }
}

TEST_CASE("bytes and 16-bit numbers widen without a sign, and bytes narrow again", "[simd]") {
  for (isa const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    auto const width = static_cast<std::size_t>(width_of(which));
    std::vector<std::uint8_t> bytes, narrowed(width + 1, 7);
    std::vector<std::uint16_t> shorts;
    for (std::size_t i = 0; i < width; ++i)
      bytes.push_back(static_cast<std::uint8_t>(255 - 13 * i)),
          shorts.push_back(static_cast<std::uint16_t>(65535 - 4001 * i));
    std::vector<std::int32_t> words(width);
    AMQ_SIMD_CALL(which, bytes_to_words(bytes.data(), words.data()));
    CHECK(std::equal(words.begin(), words.end(), bytes.begin()));
    AMQ_SIMD_CALL(which, words_to_bytes(words.data(), narrowed.data()));
    CHECK(std::equal(bytes.begin(), bytes.end(), narrowed.begin()));
    CHECK(narrowed.back() == 7);
    AMQ_SIMD_CALL(which, shorts_to_words(shorts.data(), words.data()));
    CHECK(std::equal(words.begin(), words.end(), shorts.begin()));
  }
}

TEST_CASE("partial loads and stores touch only their elements", "[simd]") {
  for (isa const which : simd::supported_isas()) {
    int const width = width_of(which);
    auto const x = wave(width, 3, 0.4f);
    for (int count = 0; count <= width; ++count) {
      CAPTURE(to_string(which), count);
      std::vector<float> const exactly(x.begin(), x.begin() + count);
      std::vector<float> out(x.size(), 9), padded(x.size(), 9);
      AMQ_SIMD_CALL(which, copy_some(exactly.data(), out.data(), count));
      AMQ_SIMD_CALL(which, load_padded(exactly.data(), padded.data(), count));
      for (int i = 0; i < width; ++i) {
        auto const lane = static_cast<std::size_t>(i);
        CHECK(out[lane] == (i < count ? x[lane] : 9));
        CHECK(padded[lane] == (i < count ? x[lane] : 0));
      }
      float const smallest = count == 0 ? 0 : *std::min_element(exactly.begin(), exactly.end());
      CHECK_FALSE(AMQ_SIMD_CALL(which, any_below(x.data(), smallest, count)));
      CHECK(AMQ_SIMD_CALL(which, any_below(x.data(), smallest + 1e-3f, count)) == (count > 0));
    }
  }
}

TEST_CASE("double vectors, whole and partial", "[simd]") {
  for (isa const which : simd::supported_isas()) {
    int const width = AMQ_SIMD_CALL(which, double_width());
    for (int count = 1; count <= width; ++count) {
      CAPTURE(to_string(which), count);
      auto const n = static_cast<std::size_t>(count);
      std::vector<double> a, b, out(8 * n + 2, 77);
      for (int i = 0; i < count; ++i) a.push_back(std::sin(i + 0.3)), b.push_back(0.25 * i * i);
      AMQ_SIMD_CALL(which, f64_operations(a.data(), b.data(), count, out.data()));
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        std::vector<double> const expected{a[i] + b[i],       a[i] - b[i],          a[i] * b[i],
                                           a[i] / (2 + b[i]), std::min(a[i], b[i]), std::max(a[i], b[i]),
                                           a[i] * b[i] + 2,   std::sqrt(b[i])};
        for (std::size_t operation = 0; operation < expected.size(); ++operation)
          CHECK(out[operation * n + i] == Approx(expected[operation]).epsilon(1e-15));
        sum += a[i];
      }
      CHECK(out[8 * n] == Approx(sum).epsilon(1e-14));
      CHECK(out[8 * n + 1] == 77);
    }
    auto const x = wave(2 * width, 5, 0.1f);
    std::vector<double> wide(x.size());
    AMQ_SIMD_CALL(which, widen(x.data(), wide.data()));
    CHECK(std::equal(x.begin(), x.end(), wide.begin()));
  }
}

}  // namespace amq
