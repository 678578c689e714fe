#include "amq/kernel/packed_product.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "amq/kernel/reference.hpp"
#include "support/catch.hpp"
#include "support/tiles.hpp"

namespace amq {
namespace {

/// Runs `check` for each path; says which ones this processor, or AMQ_CPU, leaves out.
template <class Check>
void for_each_path(Check const& check) {
  for (cpu_path const path : cpu_paths) {
    if (supported(path))
      check(path);
    else
      WARN("skipped: the path " << to_string(path) << ", which this processor lacks or AMQ_CPU forbids");
  }
}

matrix<float> product(tiled_view const& w, matrix_view<float const> x, precision p, cpu_path path) {
  activations prepared;
  prepared.prepare(x, p, w.layout.group, path);
  matrix<float> y(x.rows, w.rows);
  multiply(w, prepared, y);
  return y;
}

bool same_bits(matrix_view<float const> a, matrix_view<float const> b) {
  return a.size() == b.size() && std::memcmp(a.data, b.data, sizeof(float) * static_cast<std::size_t>(a.size())) == 0;
}

bool same_value(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

tile_layout random_layout(random_stream& random) {
  return {tile_layout::widths[static_cast<std::size_t>(random.below(6))],
          tile_layout::group_sizes[static_cast<std::size_t>(random.below(3))]};
}

/// What docs/packed-layout.md promises.
double bound(precision p) { return p == precision::f32 ? 1e-6 : p == precision::bf16 ? 3e-3 : 1e-2; }

}  // namespace

TEST_CASE("Every width, group, path and precision multiplies as the reference does", "[kernel]") {
  for_each_path([](cpu_path path) {
    for (int const bits : tile_layout::widths)
      for (int const group : tile_layout::group_sizes) {
        tiled_matrix const w(test::random_packed({bits, group}, 37, 5 * group, 11));
        for (index const tokens : {1, 2, 15}) {
          auto const x = test::normal_matrix(tokens, 5 * group, 12);
          matrix<double> expected(tokens, 37);
          reference::multiply(w.view(), x, expected);
          for (precision const p : {precision::f32, precision::bf16, precision::int8}) {
            INFO(to_string(path) << ", " << to_string(p) << ", " << bits << " bits, groups of " << group << ", "
                                 << tokens << " tokens");
            CHECK(test::relative_rms(product(w.view(), x, p, path), expected) < bound(p));
          }
        }
      }
  });
}

TEST_CASE("A product larger than a block of tokens, of tiles and of inputs is made of the right pieces", "[kernel]") {
  tiled_matrix const w(test::random_packed({3, 64}, 297, 640, 24));
  auto const x = test::normal_matrix(523, 640, 25);
  auto const last = x.view().rows_from(512, 11);
  matrix<double> expected(11, 297);
  reference::multiply(w.view(), last, expected);
  for_each_path([&](cpu_path path) {
    for (precision const p : {precision::f32, precision::bf16, precision::int8}) {
      INFO(to_string(path) << ", " << to_string(p));
      auto const all = product(w.view(), x, p, path), some = product(w.view(), last, p, path);
      CHECK(same_bits(all.view().rows_from(512, 11), some));
      CHECK(test::relative_rms(some, expected) < bound(p));
      CHECK(same_bits(all.view().rows_from(250, 9), product(w.view(), x.view().rows_from(250, 9), p, path)));
    }
  });
}

TEST_CASE("One token's bf16 lose next to nothing beyond their rounding, with an outlier in a group, too", "[kernel]") {
  tiled_matrix const w(test::random_packed({4, 64}, 37, 320, 26));
  auto x = test::normal_matrix(1, 320, 27);
  x(0, 70) = 30.11f;  // which bf16 rounds
  matrix<float> rounded(1, 320);
  for (index i = 0; i < 320; ++i) rounded(0, i) = bf16_to_f32(f32_to_bf16(x(0, i)));
  matrix<double> expected(1, 37);
  reference::multiply(w.view(), rounded, expected);
  for_each_path([&](cpu_path path) {
    INFO(to_string(path));
    CHECK(test::relative_rms(product(w.view(), x, precision::bf16, path), expected) < 3e-4);
  });
}

TEST_CASE("Kernels dequantize to the values that the packed matrix has", "[kernel]") {
  for_each_path([](cpu_path path) {
    for (int const bits : tile_layout::widths) {
      auto const packed = test::random_packed({bits, 64}, 35, 192, 13);
      tiled_matrix const tiled(packed);
      matrix<float> expected(35, 192), found(35, 192);
      packed.dequantize(expected);
      dequantize(tiled.view(), found, path);
      INFO(to_string(path) << ", " << bits << " bits");
      CHECK(same_bits(found, expected));
    }
  });
}

TEST_CASE("One to eight threads give the same bits, and so does a token in a batch, of a few or of many", "[kernel]") {
  tiled_matrix const w(test::random_packed({3, 32}, 211, 320, 14));
  auto const x = test::normal_matrix(9, 320, 15);
  for_each_path([&](cpu_path path) {
    for (precision const p : {precision::f32, precision::bf16, precision::int8}) {
      INFO(to_string(path) << ", " << to_string(p));
      auto const expected = product(w.view(), x, p, path), one = product(w.view(), x.view().rows_from(4, 1), p, path);
      for (int threads = 1; threads <= 8; ++threads) {
        thread_executor executor(threads);
        activations many, single;
        many.prepare(x, p, 32, path);
        single.prepare(x.view().rows_from(4, 1), p, 32, path);
        matrix<float> y(9, 211), z(1, 211);
        multiply(w.view(), many, y, executor);
        multiply(w.view(), single, z, executor);
        CHECK(same_bits(y, expected));
        CHECK(same_bits(z, one));
      }
      auto const some = product(w.view(), x.view().rows_from(2, 5), p, path);
      CHECK(same_bits(some, expected.view().rows_from(2, 5)));
      auto const pair = product(w.view(), x.view().rows_from(3, 2), p, path);  // one by one
      CHECK(same_bits(pair.view().rows_from(1, 1), one));
    }
  });
}

TEST_CASE("Tiles and results need no alignment, and nothing beyond them is touched", "[kernel]") {
  tiled_matrix const w(test::random_packed({5, 32}, 21, 96, 16));
  for_each_path([&](cpu_path path) {
    for (precision const p : {precision::f32, precision::bf16, precision::int8})
      for (index const tokens : {1, 3}) {
        auto const wide = test::normal_matrix(tokens, 99, 17);
        matrix_view<float const> const x{wide.data() + 1, tokens, 96, 99};
        std::vector<std::uint8_t> moved(static_cast<std::size_t>(w.bytes()) + 1);
        std::memcpy(moved.data() + 1, w.view().data, static_cast<std::size_t>(w.bytes()));
        tiled_view view = w.view();
        view.data = moved.data() + 1;
        activations prepared;
        prepared.prepare(x, p, 32, path);
        matrix<float> y(tokens, 23);
        for (index i = 0; i < y.size(); ++i) y.data()[i] = 7;
        multiply(view, prepared, {y.data() + 1, tokens, 21, 23});
        auto const expected = product(w.view(), x, p, path);
        for (index t = 0; t < tokens; ++t) {
          CHECK(y(t, 0) == 7);
          CHECK(y(t, 22) == 7);
          CHECK(same_bits({y.data() + 23 * t + 1, 1, 21}, expected.view().rows_from(t, 1)));
        }
      }
  });
}

TEST_CASE("A NaN or an infinity among activations or scales reaches its results and no others", "[kernel]") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  matrix<std::uint8_t> codes(18, 64);
  matrix<float> scales(18, 2), zeros(18, 2);
  for (index i = 0; i < codes.size(); ++i) codes.data()[i] = 3;
  for (index i = 0; i < scales.size(); ++i) scales.data()[i] = 1;
  tiled_matrix const finite(packed_matrix({4, 32}, codes, scales, zeros));
  std::vector<std::uint8_t> bytes(finite.view().data, finite.view().data + finite.bytes());
  std::uint16_t const infinite_scale = 0x7c00;  // of row 17, inputs 32 to 63
  std::memcpy(bytes.data() + 3 * finite.view().layout.block_bytes() + 256 + 2, &infinite_scale, 2);
  tiled_view const w{bytes.data(), 18, 64, {4, 32}};
  for_each_path([&](cpu_path path) {
    for (precision const p : {precision::f32, precision::bf16, precision::int8})
      for (index const tokens : {1, 3}) {
        INFO(to_string(path) << ", " << to_string(p) << ", " << tokens << " tokens");
        matrix<float> x(tokens, 64);
        for (index i = 0; i < x.size(); ++i) x.data()[i] = 1;
        auto y = product(w, x, p, path);
        CHECK(y(0, 16) == Approx(192).epsilon(0.01));
        CHECK(y(0, 17) == infinity);
        x(0, 5) = nan;
        y = product(w, x, p, path);
        CHECK(std::isnan(y(0, 0)));
        if (tokens > 1) CHECK(y(1, 0) == Approx(192).epsilon(0.01));
        x(0, 5) = -infinity;
        CHECK(!std::isfinite(product(w, x, p, path)(0, 0)));
      }
  });
}

TEST_CASE("Denormal activations and the largest scales keep f32's accuracy", "[kernel]") {
  tiled_matrix const w(test::random_packed({4, 32}, 19, 64, 18, 60000.0f));
  for_each_path([&](cpu_path path) {
    for (index const tokens : {1, 2}) {
      auto x = test::normal_matrix(tokens, 64, 19);
      for (index i = 0; i < x.size(); ++i) x.data()[i] *= 1e-39f;
      matrix<double> expected(tokens, 19);
      reference::multiply(w.view(), x, expected);
      INFO(to_string(path) << ", " << tokens << " tokens");
      CHECK(test::relative_rms(product(w.view(), x, precision::f32, path), expected) < 1e-5);
    }
  });
}

TEST_CASE("Random shapes multiply as the reference does, with zeros and with scales of all sizes", "[kernel]") {
  for_each_path([](cpu_path path) {
    random_stream random(23);
    for (int round = 0; round < 30; ++round) {
      auto const layout = random_layout(random);
      index const rows = 1 + random.below(50), cols = (1 + random.below(9)) * layout.group;
      index const tokens = 1 + random.below(20);
      float const scale = std::array{1e-6f, 0.25f, 60000.0f}[static_cast<std::size_t>(random.below(3))];  // f16's range
      tiled_matrix const w(test::random_packed({layout.bits, layout.group}, rows, cols, 24, scale));
      auto x = test::normal_matrix(tokens, cols, 25);
      for (index i = 0; i < x.size(); ++i) x.data()[i] *= random.bernoulli(0.3) ? 0 : scale;
      matrix<double> expected(tokens, rows);
      reference::multiply(w.view(), x, expected);
      for (precision const p : {precision::f32, precision::bf16, precision::int8}) {
        INFO(to_string(path) << ", " << to_string(p) << ", " << to_string(w.storage()) << ", " << rows << " x " << cols
                             << ", " << tokens << " tokens, scales up to " << scale);
        CHECK(test::relative_rms(product(w.view(), x, p, path), expected) < bound(p));
      }
    }
  });
}

TEST_CASE("Nothing times anything finite is 0, and so is a matrix whose codes equal their zeros", "[kernel]") {
  matrix<std::uint8_t> codes(19, 64);
  matrix<float> scales(19, 2), zeros(19, 2);
  std::fill_n(codes.data(), codes.size(), std::uint8_t{3});
  std::fill_n(scales.data(), scales.size(), 65504.0f);
  std::fill_n(zeros.data(), zeros.size(), 3.0f);
  tiled_matrix const nothing(packed_matrix({3, 32}, codes, scales, zeros));
  tiled_matrix const w(test::random_packed({3, 32}, 19, 64, 26));
  for_each_path([&](cpu_path path) {
    for (precision const p : {precision::f32, precision::bf16, precision::int8})
      for (index const tokens : {1, 3}) {
        INFO(to_string(path) << ", " << to_string(p) << ", " << tokens << " tokens");
        matrix<float> whole(tokens, 64);  // whole numbers, whose sums are exact
        for (index i = 0; i < whole.size(); ++i)
          whole.data()[i] = static_cast<float>(i % 64 < 32 ? 127 - 4 * (i % 64) : 0);
        auto const a = product(w.view(), matrix<float>(tokens, 64), p, path),
                   b = product(nothing.view(), whole, p, path);
        CHECK(std::all_of(a.data(), a.data() + a.size(), [](float v) { return v == 0; }));
        CHECK(std::all_of(b.data(), b.data() + b.size(), [](float v) { return v == 0; }));
      }
  });
}

TEST_CASE("Arbitrary bytes are some matrix, whose products are finite where the reference has them so", "[kernel]") {
  for_each_path([](cpu_path path) {
    random_stream random(20);
    for (int round = 0; round < 200; ++round) {
      auto const layout = random_layout(random);
      index const rows = 1 + random.below(40), cols = (1 + random.below(4)) * layout.group;
      index const tokens = 1 + random.below(4);
      std::vector<std::uint8_t> bytes(static_cast<std::size_t>(layout.bytes(rows, cols)));
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
      tiled_view const w{bytes.data(), rows, cols, layout};
      INFO("round " << round << ", " << to_string(path));
      matrix<float> expected(rows, cols), found(rows, cols);
      unpack(w).dequantize(expected);
      dequantize(w, found, path);
      for (index i = 0; i < found.size(); ++i) REQUIRE(same_value(found.data()[i], expected.data()[i]));
      auto x = test::normal_matrix(tokens, cols, 21);
      if (round % 2 == 0)
        x(random.below(tokens), random.below(cols)) =
            round % 4 == 0 ? std::nanf("") : -std::numeric_limits<float>::infinity();
      matrix<double> sums(tokens, rows);
      reference::multiply(w, x, sums);
      for (precision const p : {precision::f32, precision::bf16, precision::int8}) {
        INFO(to_string(p));
        auto const y = product(w, x, p, path);
        for (index i = 0; i < y.size(); ++i) REQUIRE(std::isfinite(y.data()[i]) == std::isfinite(sums.data()[i]));
      }
    }
  });
}

TEST_CASE("Operands that do not fit each other are refused with a sentence", "[kernel]") {
  tiled_matrix const w(test::random_packed({4, 64}, 8, 128, 22));
  activations x;
  CHECK_THROWS_WITH(x.prepare(matrix<float>(1, 96), precision::f32, 64, cpu_path::portable),
                    Catch::Contains("groups of 64 do not divide 96"));
  x.prepare(matrix<float>(1, 128), precision::f32, 32, cpu_path::portable);
  matrix<float> y(1, 8), wrong(1, 9);
  CHECK_THROWS_WITH(multiply(w.view(), x, y), Catch::Contains("groups of 32") && Catch::Contains("groups of 64"));
  CHECK_THROWS_WITH(multiply(w.view(), x, wrong), Catch::Contains("shapes"));
}

}  // namespace amq
