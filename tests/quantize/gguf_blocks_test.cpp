#include "amq/quantize/gguf_blocks.hpp"

#include <cmath>
#include <limits>

#include "amq/core/random.hpp"
#include "amq/quantize/rtn.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden_case.hpp"
#include "support/quantized.hpp"

namespace {

using amq::format;
using amq::gguf_type;
using amq::matrix;

constexpr std::array k_types{gguf_type::q2_k, gguf_type::q3_k, gguf_type::q4_k, gguf_type::q5_k, gguf_type::q6_k};

/// Numbers as weights have them: bell-shaped, with a few large ones.
matrix<float> weights(amq::index rows, amq::index cols) {
  amq::random_stream random(11);
  matrix<float> result(rows, cols);
  for (amq::index i = 0; i < result.size(); ++i) {
    double const bell = random.uniform() + random.uniform() + random.uniform() + random.uniform() - 2;
    result.data()[i] = static_cast<float>(0.1 * bell * (random.uniform() < 0.01 ? 4 : 1));
  }
  return result;
}

std::vector<std::byte> encoded(gguf_type type, std::span<float const> row, std::span<float const> importance = {}) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(gguf_row_bytes(type, std::ssize(row))));
  encode_gguf_row(type, row, importance, bytes);
  return bytes;
}

std::vector<float> decoded(gguf_type type, std::span<std::byte const> bytes, std::size_t count) {
  std::vector<float> values(count);
  decode_gguf_row(type, bytes, values);
  return values;
}

std::vector<float> round_trip(gguf_type type, std::span<float const> row, std::span<float const> importance = {}) {
  return decoded(type, encoded(type, row, importance), row.size());
}

/// Square root of the sum of squared misses, each weighted, over that of the weighted numbers.
double relative_error(matrix<float> const& original, matrix<float> const& read,
                      std::span<float const> importance = {}) {
  double missed = 0, total = 0;
  for (amq::index row = 0; row < original.rows(); ++row)
    for (amq::index col = 0; col < original.cols(); ++col) {
      double const weight = importance.empty() ? 1 : importance[static_cast<std::size_t>(col)];
      missed += weight * std::pow(read(row, col) - original(row, col), 2);
      total += weight * std::pow(original(row, col), 2);
    }
  return std::sqrt(missed / total);
}

matrix<float> read_back(gguf_type type, matrix<float> const& original, std::span<float const> importance = {}) {
  matrix<float> read(original.rows(), original.cols());
  for (amq::index row = 0; row < original.rows(); ++row) {
    auto const values = round_trip(type, original.row(row), importance);
    std::copy(values.begin(), values.end(), read.row(row).begin());
  }
  return read;
}

}  // namespace

TEST_CASE("Q4_0 and Q8_0 blocks are the gguf package's, byte for byte") {
  amq::testing::golden_case const golden("formats", "gguf_blocks");
  auto const original = amq::testing::floats(golden.table("weight"));
  for (auto const type : {gguf_type::q4_0, gguf_type::q8_0}) {
    auto const bytes = golden.table(std::string(to_string(type)) + ".bytes");
    auto const values = golden.table(std::string(to_string(type)) + ".dequantised");
    for (amq::index row = 0; row < original.rows(); ++row) {
      auto const ours = encoded(type, original.row(row));
      REQUIRE(std::ssize(ours) == bytes.cols());
      for (amq::index i = 0; i < bytes.cols(); ++i)
        REQUIRE(std::to_integer<int>(ours[static_cast<std::size_t>(i)]) == bytes(row, i));
      auto const read = decoded(type, ours, static_cast<std::size_t>(original.cols()));
      for (amq::index i = 0; i < original.cols(); ++i) REQUIRE(read[static_cast<std::size_t>(i)] == values(row, i));
    }
  }
}

TEST_CASE("Any bytes of a K block are read as the gguf package reads them") {
  amq::testing::golden_case const golden("formats", "gguf_k_blocks");
  for (auto const type : k_types) {
    auto const bytes = golden.table(std::string(to_string(type)) + ".bytes");
    auto const values = golden.table(std::string(to_string(type)) + ".dequantised");
    for (amq::index row = 0; row < bytes.rows(); ++row) {
      std::vector<std::byte> block;
      for (amq::index i = 0; i < bytes.cols(); ++i) block.push_back(static_cast<std::byte>(bytes(row, i)));
      auto const read = decoded(type, block, 256);
      for (amq::index i = 0; i < 256; ++i) REQUIRE(read[static_cast<std::size_t>(i)] == values(row, i));
    }
  }
}

TEST_CASE("Nearest codes are clamped and rounded, the same for every instruction set") {
  auto const values = weights(1, 37);
  for (auto const which : amq::simd::supported_isas()) {
    std::vector<float> codes(37);
    amq::simd::nearest_codes(values.data(), 37, 0.05f, 20.0f, -1.0f, 3.0f, codes.data(), which);
    for (amq::index i = 0; i < 37; ++i) {
      float const wanted = std::clamp((values(0, i) + 0.05f) * 20.0f, -1.0f, 3.0f);
      CHECK(codes[static_cast<std::size_t>(i)] == std::nearbyint(wanted));
    }
  }
}

TEST_CASE("K blocks lose less than plain codes with as many groups, and less with more bits") {
  auto const original = weights(16, 512);
  double last = 1;
  struct row {
    gguf_type type;
    format plain;
    double most;  ///< of the plain codes' error; Q3_K and Q6_K have no minima, half as many numbers beside the codes
  };
  for (auto const& [type, plain, most] :
       {row{gguf_type::q2_k, {2, 16}, 0.8}, row{gguf_type::q3_k, {3, 16}, 1.05}, row{gguf_type::q4_k, {4, 32}, 0.9},
        row{gguf_type::q5_k, {5, 32}, 0.92}, row{gguf_type::q6_k, {6, 16}, 1.15}}) {
    double const error = relative_error(original, read_back(type, original));
    matrix<float> rounded(original.rows(), original.cols());
    amq::rtn({amq::rtn_variant::awq}).quantize(original, plain).dequantize(rounded);
    INFO(to_string(type) << ": " << error << " against " << relative_error(original, rounded));
    CHECK(error < most * relative_error(original, rounded));
    CHECK(error < last);
    last = error;
  }
}

TEST_CASE("Numbers that a K block can hold are found again") {
  for (auto const type : k_types) {
    auto const once = read_back(type, weights(4, 512));
    auto const twice = read_back(type, once);
    CHECK(relative_error(once, twice) < 0.35 * relative_error(weights(4, 512), once));
  }
  std::vector<float> levels;
  for (int i = 0; i < 256; ++i) levels.push_back(static_cast<float>((i * 7) % 4) * 0.25f - 0.5f);
  for (auto const type : {gguf_type::q2_k, gguf_type::q4_k}) {
    auto const read = round_trip(type, levels);
    for (std::size_t i = 0; i < levels.size(); ++i) REQUIRE(std::abs(read[i] - levels[i]) < 5e-4f);  // f16 scales
  }
}

TEST_CASE("Importance moves the error to inputs that matter less") {
  auto const original = weights(8, 256);
  std::vector<float> importance(256);
  for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = i % 5 == 0 ? 20.0f : 0.5f;
  for (auto const type : k_types) {
    auto const even = read_back(type, original);
    auto const weighted = read_back(type, original, importance);
    INFO(to_string(type));
    CHECK(relative_error(original, weighted, importance) < 0.97 * relative_error(original, even, importance));
    CHECK(relative_error(original, weighted) > relative_error(original, even));
  }
}

TEST_CASE("Blocks of one value, of zeros, of one sign and of tiny numbers are read back") {
  std::vector<float> row(256, 0.0f);
  for (auto const type : k_types) CHECK(round_trip(type, row) == row);
  CHECK(round_trip(gguf_type::q4_0, row) == row);
  CHECK(round_trip(gguf_type::q8_0, row) == row);
  for (float const value : {-0.75f, 0.75f}) {
    std::fill(row.begin(), row.end(), value);
    for (auto const type : k_types)
      for (float const read : round_trip(type, row)) CHECK(read == Approx(value).epsilon(0.04));
  }
  for (float const unit : {1e-9f, 1e-42f}) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = unit * static_cast<float>(i);
    for (auto const type : k_types)
      for (float const read : round_trip(type, row)) CHECK(std::abs(read) < 1e-6f);
    for (auto const type : {gguf_type::q4_0, gguf_type::q8_0})
      for (float const read : round_trip(type, row)) CHECK(std::abs(read) < 1e-6f);
  }
}

TEST_CASE("A format's bits choose the GGUF type, and what does not fit is refused in a sentence") {
  CHECK(amq::gguf_type_for({2, 128}, 768) == gguf_type::q2_k);
  CHECK(amq::gguf_type_for({3, 64}, 256) == gguf_type::q3_k);
  CHECK(amq::gguf_type_for({4, 128}, 256) == gguf_type::q4_k);
  CHECK(amq::gguf_type_for({4, 128}, 384) == gguf_type::q4_0);
  CHECK(amq::gguf_type_for({8, 128}, 96) == gguf_type::q8_0);
  CHECK_FALSE(amq::gguf_type_for({3, 128}, 384).has_value());
  CHECK_FALSE(amq::gguf_type_for({8, 128}, 100).has_value());
  CHECK_FALSE(amq::gguf_type_for(amq::kept<amq::bf16>::value, 256).has_value());
  CHECK(amq::gguf_refusal({3, 128}, 256).empty());
  CHECK(amq::gguf_refusal(amq::kept<amq::bf16>::value, 100).empty());
  CHECK(amq_test::lacks(amq::gguf_refusal({3, 128}, 384), {"not 384", "3 bits", "256 inputs", "4 and 8 bits fit"}) ==
        "");
  CHECK(amq_test::lacks(amq::gguf_refusal({4, 10}, 100), {"not 100", "multiple of 32", "kept16"}) == "");
  CHECK(amq_test::lacks(amq::gguf_refusal({7, 128}, 256), {"2, 3, 4, 5, 6 and 8"}) == "");
  CHECK(amq::parse_gguf_type("q4_K") == gguf_type::q4_k);
  CHECK_FALSE(amq::parse_gguf_type("q4_k_m").has_value());
}

TEST_CASE("gguf_blocks gives the matrix that a file would hold") {
  static_assert(amq::matrix_quantizer<amq::gguf_blocks> && !amq::needs_statistics<amq::gguf_blocks>);
  static_assert(amq::matrix_quantizer<amq::gguf_weighted_blocks> && amq::needs_statistics<amq::gguf_weighted_blocks>);
  auto const original = weights(5, 256);
  auto const quantized = amq::gguf_blocks{}.quantize(original, {3, 128});
  auto const expected = read_back(gguf_type::q3_k, original);
  matrix<float> const values = quantized.dequantized();
  CHECK(std::equal(values.data(), values.data() + values.size(), expected.data()));
  CHECK(quantized.get_if<matrix<float>>() != nullptr);
  auto const kept = amq::gguf_blocks{}.quantize(original, amq::kept<amq::bf16>::value).dequantized();
  CHECK(std::equal(kept.data(), kept.data() + kept.size(), original.data()));

  auto const narrow = weights(2, 64);
  auto const refused = amq_test::refusal([&] { amq::gguf_blocks{}.quantize(narrow, {2, 64}); });
  CHECK(amq_test::lacks(refused, {"2g64", "not 64", "2 bits", "256"}) == "");
  auto broken = original.clone();
  broken(3, 17) = std::numeric_limits<float>::quiet_NaN();
  CHECK(amq_test::lacks(amq_test::refusal([&] {
                          amq::gguf_blocks{}.quantize(broken, {4, 64});
                        }),
                        {"nan", "input 17", "Q4_K"}) == "");
  broken(3, 17) = 1e6f;
  CHECK(amq_test::lacks(amq_test::refusal([&] { amq::gguf_blocks{}.quantize(broken, {2, 64}); }), {"65504"}) == "");
}

TEST_CASE("The weighted quantizer takes importance from the Hessian's diagonal") {
  auto const original = weights(6, 256);
  matrix<float> hessian(256, 256);
  for (amq::index i = 0; i < 256; ++i) hessian(i, i) = i < 128 ? 8.0f : 0.0f;
  amq::layer_statistics statistics;
  statistics.hessian = hessian;
  auto const importance = amq::gguf_importance(statistics);
  CHECK(importance[0] == 2.0f);
  CHECK(importance[200] == 1e-6f);
  auto const weighted = amq::gguf_weighted_blocks{}.quantize(original, {2, 64}, statistics).dequantized();
  CHECK(relative_error(original, weighted, importance) <
        relative_error(original, amq::gguf_blocks{}.quantize(original, {2, 64}).dequantized(), importance));
  CHECK(amq::gguf_importance({}).empty());
  matrix<float> const none(4, 4);
  statistics.hessian = none;
  CHECK(amq::gguf_importance(statistics).empty());
}
