#include "amq/quantize/owq.hpp"

#include "amq/concepts/noting_quantizer.hpp"
#include "amq/quantize/gptq.hpp"
#include "support/calibrated.hpp"
#include "support/catch.hpp"
#include "support/quantized.hpp"

namespace {

static_assert(amq::noting_quantizer<amq::owq>);

using namespace amq::testing;

amq::matrix<float> values_of(amq::quantized_matrix const& quantized) { return quantized.dequantized(); }

}  // namespace

TEST_CASE("owq keeps the columns with the largest Hessian-weighted errors", "[owq]") {
  auto weights = random_matrix(6, 32, 3);
  auto hessian = random_hessian(32, 120, 4);
  for (amq::index i = 0; i < 32; ++i) {
    hessian(7, i) *= 30;
    hessian(i, 7) *= 30;
    hessian(20, i) *= 20;
    hessian(i, 20) *= 20;
  }
  auto const result = amq::owq().quantize(weights, {3, 16, 2}, with_hessian(hessian));
  REQUIRE(std::vector<std::int32_t>(result.columns().begin(), result.columns().end()) ==
          std::vector<std::int32_t>{7, 20});
  // By hand for one column: H_jj times the squared distance from the nearest codes.
  auto const rounded = amq::rtn().encode(weights, {3, 16});
  double expected = 0;
  for (amq::index row = 0; row < 6; ++row) {
    double const distance = weights(row, 20) - dequantized(rounded, row, 20);
    expected += distance * distance * hessian(20, 20);
  }
  REQUIRE(amq::column_sensitivities(weights, rounded, hessian)[20] == Approx(expected).epsilon(1e-6));
}

TEST_CASE("owq's kept columns make up for the errors of all others", "[owq]") {
  double gptq = 0, few = 0, more = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    auto const weights = random_matrix(8, 64, seed);
    auto const hessian = random_hessian(64, 256, seed + 100);
    auto const statistics = with_hessian(hessian);
    auto const error = [&](amq::quantized_matrix const& quantized) {
      return output_error(weights, values_of(quantized), hessian);
    };
    gptq += error(amq::gptq().quantize(weights, {3, 32}, statistics));
    few += error(amq::owq().quantize(weights, {3, 32, 2}, statistics));
    more += error(amq::owq().quantize(weights, {3, 32, 8}, statistics));
    auto const none = amq::owq().quantize(weights, {3, 32}, statistics);
    REQUIRE(differing(values_of(none.clone()), values_of(amq::gptq().quantize(weights, {3, 32}, statistics))) == 0);
  }
  CHECK(few < 0.95 * gptq);
  CHECK(more < 0.8 * gptq);
}

TEST_CASE("owq leaves kept columns out of scales, and codes that stand for 0 in their places", "[owq]") {
  auto weights = random_matrix(5, 48, 3);
  auto const hessian = random_hessian(48, 200, 4);
  for (amq::index row = 0; row < 5; ++row) weights(row, 21) = 500.0f + static_cast<float>(row);
  for (int const group : {16, int{amq::format::whole_row}}) {
    auto const result = amq::owq().quantize(weights, {4, group, 1}, with_hessian(hessian));
    REQUIRE(result.columns()[0] == 21);
    amq::index const of_column = group == 16 ? 1 : 0;
    for (amq::index row = 0; row < 5; ++row) {
      REQUIRE(result.packed().scale(row, of_column) < 1.0f);
      REQUIRE(static_cast<float>(result.packed().code(row, 21)) == result.packed().zero(row, of_column));
      REQUIRE(amq::f16_to_f32(result.values()(row, 0)) == Approx(weights(row, 21)).epsilon(0.02));
    }
  }
}

TEST_CASE("owq refuses what it has no answer for, and notes what it changed", "[owq]") {
  auto weights = random_matrix(4, 32, 2);
  auto const hessian = random_hessian(32, 100, 3);
  auto const says = [&](amq::format f) {
    return refusal([&] { amq::owq().quantize(weights, f, with_hessian(hessian)); });
  };
  REQUIRE(says({3, 16, 32}).find("can keep 0 to 31 of 32 columns, not 32") != std::string::npos);
  REQUIRE(says({3, 16, -1}).find("not -1") != std::string::npos);
  REQUIRE(says({9, 16, 1}).find("2 to 8 bits") != std::string::npos);
  weights(1, 3) = 7e4f;
  weights(1, 4) = 2e5f;
  REQUIRE(says({3, 16, 1}).find("kept column, row 1, cannot be stored as a 16-bit float") != std::string::npos);

  weights(1, 3) = weights(1, 4) = 1;
  amq::matrix<float> const nothing(32, 32);
  std::string note;
  auto const rounded = amq::owq().quantize(weights, {3, 16, 1}, with_hessian(nothing), note);
  REQUIRE(note.find("rounded to nearest") != std::string::npos);
  REQUIRE(amq::f16_to_f32(rounded.values()(2, 0)) == Approx(weights(2, 0)).epsilon(0.001));
  REQUIRE(amq::owq({.block = 32, .symmetric = true}).name() == "owq(block=32,symmetric)");
}
