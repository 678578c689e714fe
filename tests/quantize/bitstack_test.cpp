#include "amq/quantize/bitstack.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <Eigen/SVD>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/quantized.hpp"

namespace {

using amq::testing::golden_case;

/// Mean over sequences of the L2 norm over tokens, from calibration (sequences, tokens, cols).
std::vector<float> norms(std::vector<double> const& calibration, amq::index sequences, amq::index cols) {
  std::vector<float> result;
  amq::index const tokens = std::ssize(calibration) / sequences / cols;
  for (amq::index c = 0; c < cols; ++c) {
    double mean = 0;
    for (amq::index s = 0; s < sequences; ++s) {
      double squares = 0;
      for (amq::index t = 0; t < tokens; ++t)
        squares += std::pow(calibration[static_cast<std::size_t>((s * tokens + t) * cols + c)], 2);
      mean += std::sqrt(squares) / static_cast<double>(sequences);
    }
    result.push_back(static_cast<float>(mean));
  }
  return result;
}

amq::layer_statistics with_norms(std::vector<float> const& channel_norms) {
  amq::layer_statistics statistics;
  statistics.channel_norms = channel_norms;
  return statistics;
}

amq::format levels(int count, int rank) { return {count, amq::format::whole_row, 0, amq::format_kind::stack, rank}; }

/// Frobenius norm of scales * (a - b).
double distance(amq::matrix<float> const& a, amq::matrix<float> const& b, std::vector<float> const& scales) {
  double total = 0;
  for (amq::index r = 0; r < a.rows(); ++r)
    for (amq::index c = 0; c < a.cols(); ++c)
      total += std::pow((double{a(r, c)} - b(r, c)) * scales[static_cast<std::size_t>(c)], 2);
  return std::sqrt(total);
}

amq::matrix<float> values(amq::residual_stack const& stack) {
  amq::matrix<float> result(stack.rows(), stack.cols());
  stack.dequantize(result);
  return result;
}

int differing_bits(std::vector<std::uint8_t> const& found, std::vector<double> const& expected) {
  int bits = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    bits += std::popcount(static_cast<unsigned>(found[i] ^ static_cast<std::uint8_t>(expected[i])));
  return bits;
}

void check_golden(std::string const& name) {
  golden_case const golden("bitstack", name, std::string(AMQ_TEST_DATA) + "/golden");
  auto const weights = amq::testing::floats(golden.table("weight"));
  int const k = golden.arguments().at("k"), iterations = golden.arguments().at("iterations");
  amq::index const sequences = weights.rows() == 64 ? 6 : 3;
  auto const channel_norms = norms(golden.values("calibration"), sequences, weights.cols());
  auto const scales = amq::bitstack_channel_scales(channel_norms);
  auto const expected_scales = golden.values("channel_scale");
  for (std::size_t i = 0; i < scales.size(); ++i) REQUIRE(scales[i] == Approx(expected_scales[i]).epsilon(1e-6));

  auto const stack = amq::bitstack().quantize(weights, levels(iterations, k), with_norms(channel_norms));
  REQUIRE(stack.bytes() == golden.arguments().at("bytes_per_level").get<std::int64_t>() * iterations);
  auto const residuals = golden.values("residual_frobenius");
  auto const scaled = golden.table("scaled");
  double const largest = std::max(*std::max_element(scaled.data(), scaled.data() + scaled.size()), 0.0);
  for (int level = 0; level < iterations; ++level) {
    CAPTURE(name, level);
    auto const& signs = stack.levels()[static_cast<std::size_t>(level)].signs;
    auto const allowed = static_cast<int>(weights.size() / 1000);
    REQUIRE(differing_bits(signs, golden.values("signs_" + std::to_string(level))) <= allowed);
    // The stored factors are rounded to f16, the residuals' norms are of those before.
    REQUIRE(distance(weights, values(amq::prefix(stack, level)), scales) ==
            Approx(residuals[static_cast<std::size_t>(level)]).epsilon(1e-3));
  }
  auto const found = values(stack);
  auto const expected = golden.table("reconstruction_f16");
  amq::index far = 0;
  for (amq::index r = 0; r < found.rows(); ++r)
    for (amq::index c = 0; c < found.cols(); ++c)
      far += std::abs(found(r, c) * scales[static_cast<std::size_t>(c)] - expected(r, c)) > 2e-3 * largest;
  REQUIRE(far <= weights.size() / 1000);  // where a residual near 0 took the other sign
}

/// Exact to single precision, whatever the shape.
void check_triplets(amq::index rows, amq::index cols, amq::index k) {
  CAPTURE(rows, cols, k);
  Eigen::MatrixXf matrix(rows, cols);
  amq::random_stream random(7);
  for (amq::index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<float>(std::abs(random.normal()));
  auto const found = amq::detail::leading_triplets(matrix, k);
  Eigen::JacobiSVD<Eigen::MatrixXd> const exact(matrix.cast<double>(), Eigen::ComputeThinU | Eigen::ComputeThinV);
  Eigen::MatrixXd const expected = exact.matrixU().leftCols(k) * exact.singularValues().head(k).asDiagonal() *
                                   exact.matrixV().leftCols(k).transpose();
  Eigen::MatrixXf const product = found.left * found.values.asDiagonal() * found.right.transpose();
  REQUIRE((product.cast<double>() - expected).cwiseAbs().maxCoeff() <= 1e-5 * expected.cwiseAbs().maxCoeff());
}

}  // namespace

TEST_CASE("bitstack decomposes as the released code does", "[bitstack][golden]") {
  if (!std::filesystem::exists(std::string(AMQ_TEST_DATA) + "/golden/bitstack")) {
    WARN("skipped: needs golden/bitstack in AMQ_TEST_DATA");
    return;
  }
  check_golden("m64x128_k4");
  check_golden("m96x256_k16");
}

TEST_CASE("leading triplets are those of a full decomposition", "[bitstack]") {
  check_triplets(40, 100, 5);
  check_triplets(100, 40, 1);
  check_triplets(30, 30, 30);
  check_triplets(3, 50, 2);
  auto const none = amq::detail::leading_triplets(Eigen::MatrixXf::Zero(20, 30), 4);
  REQUIRE(none.values.isZero());
  REQUIRE((none.left * none.right.transpose()).allFinite());
}

TEST_CASE("a bitstack of fewer levels is a prefix of one of more, and each level brings it closer", "[bitstack]") {
  auto const weights = amq::testing::wavy(24, 40);
  std::vector<float> const channel_norms(40, 2.0f);
  auto const statistics = with_norms(channel_norms);
  auto const five = amq::bitstack().quantize(weights, levels(5, 2), statistics);
  double last = std::numeric_limits<double>::infinity();
  for (int count = 1; count <= 5; ++count) {
    auto const fewer = values(amq::bitstack().quantize(weights, levels(count, 2), statistics));
    REQUIRE(amq::testing::differing(fewer, values(amq::prefix(five, count))) == 0);
    double const error = distance(weights, fewer, std::vector<float>(40, 1.0f));
    REQUIRE(error < 0.8 * last);
    last = error;
  }
  REQUIRE_THROWS_AS(amq::prefix(five, 6), amq::precondition_error);
}

TEST_CASE("bitstack spends its accuracy on channels with large inputs", "[bitstack]") {
  auto const weights = amq::testing::wavy(24, 40);
  std::vector<float> channel_norms(40, 1.0f);
  for (std::size_t i = 0; i < 4; ++i) channel_norms[i] = 30;
  auto const weighed = values(amq::bitstack().quantize(weights, levels(2, 2), with_norms(channel_norms)));
  auto const alike = values(amq::bitstack({.scale = false}).quantize(weights, levels(2, 2), {}));
  std::vector<float> large(40, 0.0f);
  std::fill_n(large.begin(), 4, 1.0f);
  REQUIRE(distance(weights, weighed, large) < 0.5 * distance(weights, alike, large));
  REQUIRE(distance(weights, weighed, std::vector<float>(40, 1.0f)) >
          distance(weights, alike, std::vector<float>(40, 1.0f)));
}

TEST_CASE("bitstack's rank follows the matrix where none is given", "[bitstack]") {
  auto const weights = amq::testing::wavy(128, 384);
  auto const stack = amq::bitstack({.scale = false}).quantize(weights, amq::bitstack_levels<2>::value, {});
  REQUIRE(stack.levels()[1].left.cols() == amq::stack_rank(128, 384));
  REQUIRE(8 * stack.bytes() == amq::bitstack_levels<2>::value.stored_bits(128, 384));
}

TEST_CASE("bitstack refuses other formats, ranks above the matrix's, and what f16 cannot hold", "[bitstack]") {
  auto weights = amq::testing::wavy(6, 8);
  auto const says = [&](amq::format f) {
    return amq_test::refusal([&] { amq::bitstack({.scale = false}).quantize(weights, f, {}); });
  };
  REQUIRE(amq_test::lacks(says({4, 8}), {"stack4", "4g8"}) == "");
  REQUIRE(amq_test::lacks(says(levels(2, 7)), {"rank 7", "(6, 8)"}) == "");
  REQUIRE_THROWS_AS(amq::bitstack().quantize(weights, levels(2, 1), {}), amq::precondition_error);
  weights(2, 3) = 1e30f;
  REQUIRE(amq_test::lacks(says(levels(1, 1)), {"16-bit float"}) == "");
  weights(2, 3) = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(amq_test::lacks(says(levels(1, 1)), {"NaN or infinite"}) == "");
  REQUIRE(amq::bitstack().name() == "bitstack");
  REQUIRE(amq::bitstack({.scale = false}).name() == "bitstack(scale=false)");
}
