#include "amq/quantize/gptq.hpp"

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <cmath>
#include <limits>

#include "amq/concepts/drift_aware.hpp"
#include "amq/concepts/preparing_quantizer.hpp"
#include "amq/kernel/lapack_factorizer.hpp"
#include "support/calibrated.hpp"
#include "support/catch.hpp"
#include "support/quantized.hpp"

namespace {

static_assert(amq::preparing_quantizer<amq::gptq> && amq::drift_aware<amq::gptq>);

using amq::index;
using amq::testing::output_error;
using amq::testing::random_hessian;
using amq::testing::random_matrix;
using amq::testing::refusal;
using amq::testing::with_hessian;
using matrix64 = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

index group_of(amq::gptq_codes const& result, index col) {
  if (!result.column_groups.empty()) return result.column_groups[static_cast<std::size_t>(col)];
  return col / (result.codes.codes.cols() / result.codes.scales.cols());
}

amq::matrix<float> dequantized(amq::gptq_codes const& result) {
  amq::matrix<float> values(result.codes.codes.rows(), result.codes.codes.cols());
  for (index row = 0; row < values.rows(); ++row)
    for (index col = 0; col < values.cols(); ++col) {
      index const group = group_of(result, col);
      values(row, col) = (static_cast<float>(result.codes.codes(row, col)) - result.codes.zeros(row, group)) *
                         result.codes.scales(row, group);
    }
  return values;
}

/// All runs of a golden case: its codes, scales, groups and the error that the published code printed.
void check_golden_runs(amq::testing::golden_case const& golden, amq::matrix<float> const& weights,
                       amq::matrix<float> const& hessian) {
  for (auto const& run : golden.arguments().at("runs")) {
    std::string const prefix = run.at("prefix");
    INFO(prefix);
    amq::gptq_options options;
    options.damping = run.at("percdamp");
    options.block = run.at("blocksize");
    options.act_order = run.at("act_order");
    options.static_groups = run.at("static_groups");
    options.symmetric = run.at("sym");
    amq::format const f{run.at("bits"), run.at("group")};
    auto const result = amq::gptq(options).encode(weights, f, with_hessian(hessian));

    auto const codes = golden.table(prefix + "codes");
    index differing = 0;
    for (index i = 0; i < codes.size(); ++i) differing += double{codes.data()[i]} != result.codes.codes.data()[i];
    CHECK(static_cast<double>(differing) <= 0.005 * static_cast<double>(codes.size()));
    auto const scales = golden.table(prefix + "scale");
    auto const zeros = golden.table(prefix + "zero");
    index far = 0;
    for (index i = 0; i < scales.size(); ++i)
      far += std::abs(scales.data()[i] - result.codes.scales.data()[i]) > 1e-5 ||
             zeros.data()[i] != result.codes.zeros.data()[i];
    CHECK(static_cast<double>(far) <= 0.02 * static_cast<double>(scales.size()));
    auto const groups = golden.values(prefix + "g_idx");
    for (index col = 0; col < weights.cols(); ++col)
      REQUIRE(group_of(result, col) == static_cast<index>(groups[static_cast<std::size_t>(col)]));
    CHECK(result.error == Approx(run.at("error").get<double>()).epsilon(1e-3));
  }
}

/// The published recursion column by column in f64, with the Hessian's inverse; no dead columns, groups in order.
matrix64 plain_gptq(amq::matrix<float> const& weights, amq::matrix<float> const& hessian, amq::format f,
                    amq::gptq_options const& options, matrix64 const& shift) {
  index const rows = weights.rows(), cols = weights.cols();
  matrix64 h(cols, cols), w(rows, cols);
  for (index i = 0; i < h.size(); ++i) h.data()[i] = double{hessian.data()[i]};
  for (index i = 0; i < w.size(); ++i) w.data()[i] = double{weights.data()[i]} + shift.data()[i];
  h.diagonal().array() += options.damping * h.diagonal().mean();
  matrix64 const u = Eigen::LLT<matrix64>(h.inverse()).matrixU();
  matrix64 running = w, quantized(rows, cols);
  matrix64 scale(rows, f.groups(cols)), zero(rows, f.groups(cols));
  double const highest = (1 << f.bits) - 1;
  for (index first = 0; first < cols; first += options.block) {
    index const last = std::min<index>(first + options.block, cols);
    for (index group = (first + f.group - 1) / f.group; group * f.group < last; ++group)
      for (index row = 0; row < rows; ++row) {
        auto const members = running.row(row).segment(group * f.group, f.group);
        double const low = std::min(members.minCoeff(), 0.0), high = std::max(members.maxCoeff(), 0.0);
        scale(row, group) = (high - low) / highest;
        zero(row, group) = std::nearbyint(-low / scale(row, group));
      }
    matrix64 own = running;
    for (index i = first; i < last; ++i)
      for (index row = 0; row < rows; ++row) {
        double const s = scale(row, i / f.group), z = zero(row, i / f.group);
        quantized(row, i) = (std::clamp(std::nearbyint(own(row, i) / s) + z, 0.0, highest) - z) * s;
        own.row(row).tail(cols - i) -= (own(row, i) - quantized(row, i)) / u(i, i) * u.row(i).tail(cols - i);
      }
    running.rightCols(cols - last) = own.rightCols(cols - last);
  }
  return quantized;
}

/// Values of `a` that are not those of `b`.
double share_differing(amq::matrix<float> const& a, matrix64 const& b) {
  index far = 0;
  for (index i = 0; i < a.size(); ++i) far += std::abs(a.data()[i] - b.data()[i]) > 1e-4;
  return static_cast<double>(far) / static_cast<double>(a.size());
}

bool skipped() {
  if (!std::string(AMQ_TEST_DATA).empty()) return false;
  WARN("skipped: needs golden/gptq in AMQ_TEST_DATA");
  return true;
}

}  // namespace

TEST_CASE("gptq finds the published code's codes, groups and error on a real layer", "[gptq]") {
  amq::testing::golden_case const golden("gptq", "real");
  check_golden_runs(golden, amq::testing::floats(golden.table("weight")),
                    amq::testing::floats(golden.table("hessian")));
}

TEST_CASE("gptq finds the published code's codes on random layers and with dead columns", "[gptq]") {
  if (skipped()) return;
  std::string const folder = std::string(AMQ_TEST_DATA) + "/golden";
  amq::testing::golden_case const random("gptq", "random", folder);
  auto const weights = amq::testing::floats(random.table("weight"));
  auto hessian = amq::testing::floats(random.table("hessian"));
  check_golden_runs(random, weights, hessian);
  amq::testing::golden_case const dead("gptq", "dead_columns", folder);
  for (double const number : dead.values("dead"))
    for (amq::index i = 0; i < hessian.rows(); ++i) {
      auto const column = static_cast<amq::index>(number);
      hessian(i, column) = 0;
      hessian(column, i) = 0;
    }
  check_golden_runs(dead, weights, hessian);
}

TEST_CASE("gptq is the column by column recursion, whatever the blocks and groups", "[gptq]") {
  auto const weights = random_matrix(19, 60, 3);
  auto const hessian = random_hessian(60, 240, 4);
  matrix64 const unshifted = matrix64::Zero(19, 60);
  for (int const block : {1, 7, 16, 24, 60, 128})
    for (int const group : {12, 20, 30}) {
      INFO(block << " columns a block, groups of " << group);
      amq::gptq_options options;
      options.block = block;
      auto const expected = plain_gptq(weights, hessian, {3, group}, options, unshifted);
      auto const found = dequantized(amq::gptq(options).encode(weights, {3, group}, with_hessian(hessian)));
      REQUIRE(share_differing(found, expected) < 0.01);
    }
}

TEST_CASE("gptq's outputs are closer than round to nearest's", "[gptq]") {
  for (int const bits : {2, 3, 4}) {
    double nearest = 0, plain = 0, ordered = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      auto const weights = random_matrix(8, 64, seed);
      auto const hessian = random_hessian(64, 256, seed + 100);
      auto const statistics = with_hessian(hessian);
      amq::matrix<float> values(8, 64);
      auto const error = [&](amq::packed_matrix const& packed) {
        packed.dequantize(values);
        return output_error(weights, values, hessian);
      };
      nearest += error(amq::rtn().quantize(weights, {bits, 32}));
      plain += error(amq::gptq().quantize(weights, {bits, 32}, statistics));
      ordered += error(amq::gptq({.act_order = true}).quantize(weights, {bits, 32}, statistics));
    }
    CHECK(plain < 0.7 * nearest);
    CHECK(ordered < 0.7 * nearest);
  }
}

TEST_CASE("gptq stores what it measured its errors against, groups of act_order included", "[gptq]") {
  auto const weights = random_matrix(6, 48, 8);
  auto const hessian = random_hessian(48, 200, 9);
  amq::gptq const quantizer({.act_order = true});
  auto const packed = quantizer.quantize(weights, {4, 16}, with_hessian(hessian));
  auto const exact = quantizer.encode(weights, {4, 16}, with_hessian(hessian));
  REQUIRE(exact.column_groups.size() == 48);
  REQUIRE(std::equal(exact.column_groups.begin(), exact.column_groups.end(), packed.column_groups().begin()));
  amq::matrix<float> stored(6, 48);
  packed.dequantize(stored);
  auto const values = dequantized(exact);
  for (amq::index i = 0; i < stored.size(); ++i) REQUIRE(stored.data()[i] == Approx(values.data()[i]).margin(0.003));
  REQUIRE(amq::gptq({.act_order = true, .static_groups = true})
              .quantize(weights, {4, 16}, with_hessian(hessian))
              .column_groups()
              .empty());
}

TEST_CASE("gptq gives weights that no input reaches the value 0", "[gptq]") {
  auto const weights = random_matrix(5, 32, 2);
  auto hessian = random_hessian(32, 100, 3);
  for (amq::index i = 0; i < 32; ++i) hessian(i, 9) = hessian(9, i) = 0;
  auto const values = dequantized(amq::gptq().encode(weights, {3, 16}, with_hessian(hessian)));
  for (amq::index row = 0; row < 5; ++row) REQUIRE(values(row, 9) == 0);

  amq::matrix<float> const nothing(32, 32);
  auto const all_dead = amq::gptq().encode(weights, {3, 16}, with_hessian(nothing));
  REQUIRE(amq::testing::differing(all_dead.codes.codes, amq::rtn().encode(weights, {3, 16}).codes) == 0);
  REQUIRE(all_dead.note.find("rounded to nearest") != std::string::npos);
}

TEST_CASE("gptq raises its damping until the Hessian is positive definite, and says so", "[gptq]") {
  auto const weights = random_matrix(5, 40, 2);
  SECTION("inputs of rank one") {
    amq::matrix<float> hessian(40, 40);
    std::fill(hessian.data(), hessian.data() + hessian.size(), 3.0f);
    auto const usual = amq::gptq().encode(weights, {3, 20}, with_hessian(hessian));
    REQUIRE(usual.note.empty());
    REQUIRE(std::isfinite(usual.error));
    auto const undamped = amq::gptq({.damping = 0}).encode(weights, {3, 20}, with_hessian(hessian));
    REQUIRE(undamped.note.find("with a damping of 0; it was raised to 0.001") != std::string::npos);
    REQUIRE(std::isfinite(undamped.error));
  }
  SECTION("an indefinite matrix") {
    auto hessian = random_hessian(40, 200, 5);
    hessian(3, 3) = -1;
    auto const result = amq::gptq().encode(weights, {3, 20}, with_hessian(hessian));
    REQUIRE(result.note.find("was raised to") != std::string::npos);
    auto const values = dequantized(result);
    for (amq::index i = 0; i < values.size(); ++i) REQUIRE(std::isfinite(values.data()[i]));
  }
}

TEST_CASE("gptq refuses what it has no answer for", "[gptq]") {
  auto weights = random_matrix(4, 32, 2);
  auto hessian = random_hessian(32, 100, 3);
  auto const says = [&](amq::format f) {
    return refusal([&] { amq::gptq().quantize(weights, f, with_hessian(hessian)); });
  };
  REQUIRE(says({4, 5}).find("a group of 5 does not divide the 32 inputs") == 0);
  REQUIRE(says({4, 16, 2}).find("2 kept columns; columns are kept by OWQ") != std::string::npos);
  REQUIRE(says(amq::bitstack_levels<3>::value).find("stacks are BitStack's") != std::string::npos);
  REQUIRE(refusal([&] { amq::gptq().quantize(weights, {4, 16}, {}); }).find("needs a Hessian") != std::string::npos);
  weights(2, 5) = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(says({4, 16}).find("row 2, column 5 is nan") != std::string::npos);
  weights(2, 5) = 0;
  hessian(7, 3) = std::numeric_limits<float>::infinity();
  REQUIRE(says({4, 16}).find("row 7 of the Hessian is not finite") == 0);
  hessian = random_hessian(16, 100, 3);
  REQUIRE(says({4, 16}).find("needs a Hessian of (32, 32), not (16, 16)") != std::string::npos);
}

TEST_CASE("gptq with asymmetric calibration makes up for inputs that drifted", "[gptq]") {
  amq::index const cols = 40, tokens = 300;
  auto const weights = random_matrix(7, cols, 2);
  auto const hessian = random_hessian(cols, tokens, 3);
  amq::matrix<float> drift(cols, cols);
  for (amq::index i = 0; i < cols; ++i)
    for (amq::index j = 0; j < cols; ++j) drift(i, j) = 0.1f * hessian((i + 1) % cols, j);
  auto statistics = with_hessian(hessian);
  statistics.drift = drift;
  amq::gptq_options options;
  options.asymmetric_calibration = true;
  options.drift_share = 0.5;

  // Column q hands w_q D[q, F] H_FF^-1 to the columns F after it.
  matrix64 h(cols, cols), shift = matrix64::Zero(7, cols);
  for (amq::index i = 0; i < h.size(); ++i) h.data()[i] = double{hessian.data()[i]};
  h.diagonal().array() += options.damping * h.diagonal().mean();
  for (amq::index q = 0; q + 1 < cols; ++q) {
    amq::index const rest = cols - q - 1;
    Eigen::RowVectorXd row(rest);
    for (amq::index j = 0; j < rest; ++j) row(j) = double{drift(q, q + 1 + j)};
    Eigen::RowVectorXd const taken = row * h.bottomRightCorner(rest, rest).inverse();
    for (amq::index r = 0; r < 7; ++r) shift.row(r).tail(rest) += 0.5 * double{weights(r, q)} * taken;
  }
  auto const expected = plain_gptq(weights, hessian, {3, 20}, options, shift);
  auto const found = dequantized(amq::gptq(options).encode(weights, {3, 20}, statistics));
  REQUIRE(share_differing(found, expected) < 0.02);
  // Without a drift there is nothing to make up for.
  auto const undrifted = amq::gptq(options).encode(weights, {3, 20}, with_hessian(hessian));
  REQUIRE(amq::testing::differing(undrifted.codes.codes,
                                  amq::gptq().encode(weights, {3, 20}, with_hessian(hessian)).codes.codes) == 0);
}

namespace {

/// LAPACK's spotrf 'L' as the reference implementation has it, without LAPACK.
struct plain_spotrf {
  int operator()(int n, float* a, int stride) const {
    Eigen::Map<Eigen::MatrixXf, 0, Eigen::OuterStride<>> map(a, n, n, Eigen::OuterStride<>(stride));
    Eigen::LLT<Eigen::MatrixXf> const factor(map);
    if (factor.info() != Eigen::Success) return 1;
    map.triangularView<Eigen::Lower>() = Eigen::MatrixXf(factor.matrixL());
    return 0;
  }
};

}  // namespace

TEST_CASE("eigen_factorizer finds the triangle of a matrix of any size", "[gptq]") {
  for (amq::index const n : {1, 5, 128, 129, 300}) {
    auto const hessian = random_hessian(n, 2 * n + 8, 6);
    auto factor = hessian.clone(), other = hessian.clone();
    REQUIRE(amq::eigen_factorizer().factorize(factor));
    REQUIRE(amq::lapack_factorizer<plain_spotrf>().factorize(other));
    for (amq::index i = 0; i < n; ++i)
      for (amq::index j = i; j < n; ++j) REQUIRE(factor(i, j) == Approx(other(i, j)).margin(2e-5));
    auto indefinite = hessian.clone();
    indefinite(n - 1, n - 1) = -1;
    REQUIRE_FALSE(amq::eigen_factorizer().factorize(indefinite));
  }
}

TEST_CASE("gptq takes any factorizer", "[gptq]") {
  auto const weights = random_matrix(9, 160, 3);
  auto const hessian = random_hessian(160, 400, 4);
  using through_lapack = amq::basic_gptq<amq::lapack_factorizer<plain_spotrf>>;
  auto const ours = amq::gptq().encode(weights, {3, 32}, with_hessian(hessian));
  auto const theirs = through_lapack().encode(weights, {3, 32}, with_hessian(hessian));
  REQUIRE(amq::testing::differing(ours.codes.codes, theirs.codes.codes) < 15);
}

TEST_CASE("gptq's name tells what was changed", "[gptq]") {
  REQUIRE(amq::gptq().name() == "gptq");
  REQUIRE(amq::gptq({.damping = 0.05, .act_order = true, .static_groups = true}).name() ==
          "gptq(damping=0.05,act_order,static_groups)");
  REQUIRE(amq::gptq({.symmetric = true, .asymmetric_calibration = true}).name() ==
          "gptq(symmetric,asymmetric_calibration)");
  REQUIRE_THROWS_AS(amq::gptq({.damping = -1}), amq::precondition_error);
  REQUIRE_THROWS_AS(amq::gptq({.block = 0}), amq::precondition_error);
}
