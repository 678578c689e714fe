// GPTQ on the device against the host's: real, random and degenerate layers, in all orders.
#include "amq/cuda/quantize/gptq.cuh"

#include <limits>

#include "amq/quantize/gptq.hpp"
#include "cuda/quantize/on_device.hpp"
#include "support/calibrated.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"
#include "support/quantized.hpp"

using amq::format;
using amq::cuda::gptq_request;
using amq::testing::output_error;
using amq::testing::random_hessian;
using amq::testing::random_matrix;
using amq::testing::refusal;
using amq::testing::with_hessian;

namespace {

class blas_handle {
 public:
  blas_handle() { amq::cuda::check_library(cublasCreate(&held_), "cublasCreate"); }
  ~blas_handle() { cublasDestroy(held_); }
  operator cublasHandle_t() const { return held_; }

 private:
  cublasHandle_t held_ = nullptr;
};

struct device_gptq {
  amq::packed_matrix packed;
  std::vector<std::int32_t> column_groups;
  std::string note;
};

template <class Real = float>
device_gptq gptq_on_device(amq::matrix<float> const& weights, amq::matrix<float> const& hessian, format f,
                           gptq_request const& how) {
  device_gptq result;
  result.packed = amq::testing::quantized_on_device<amq::cuda::gptq_workspace>(
      weights, f,
      [&](float const* at, int rows, int cols, amq::tile_layout layout, std::uint8_t* tiles,
          amq::cuda::gptq_workspace& work, cudaStream_t on) {
        std::vector<Real> const values(hessian.data(), hessian.data() + hessian.size());
        auto const there = amq::cuda::uploaded(std::span<Real const>(values), on);
        amq::cuda::cholesky_solver solver(on);
        auto const factor =
            amq::cuda::factorize_hessian(there.data(), static_cast<int>(hessian.rows()), how, solver, on);
        blas_handle const blas;
        amq::cuda::quantize_gptq(at, rows, cols, layout, how, factor, tiles, blas, work, on);
        amq::cuda::check(cudaStreamSynchronize(on), "cudaStreamSynchronize");
        result.note = factor.note;
        result.column_groups = amq::cuda::column_groups(how, factor, layout);
      });
  if (!result.column_groups.empty()) result.packed = std::move(result.packed).with_column_groups(result.column_groups);
  return result;
}

amq::gptq host_of(gptq_request const& how) {
  return amq::gptq({.damping = how.damping,
                    .act_order = how.act_order,
                    .static_groups = how.static_groups,
                    .symmetric = how.symmetric});
}

void check_like_host(amq::matrix<float> const& weights, amq::matrix<float> const& hessian, format f,
                     gptq_request const& how) {
  auto const found = gptq_on_device(weights, hessian, f, how);
  auto const expected = host_of(how).quantize(weights, f, with_hessian(hessian));
  CHECK(std::equal(found.column_groups.begin(), found.column_groups.end(), expected.column_groups().begin(),
                   expected.column_groups().end()));
  auto const d = amq::testing::compare(found.packed, expected);
  CHECK(static_cast<double>(d.by_one + d.by_more) <= 0.005 * static_cast<double>(weights.size()));
  CHECK(static_cast<double>(d.scales) <= 0.02 * static_cast<double>(weights.rows() * expected.groups()));
  CHECK(output_error(weights, amq::testing::dequantized(found.packed), hessian) ==
        Approx(output_error(weights, amq::testing::dequantized(expected), hessian)).epsilon(0.01));
}

std::vector<gptq_request> all_requests() {
  std::vector<gptq_request> all;
  for (bool act_order : {false, true})
    for (bool static_groups : {false, true})
      for (bool symmetric : {false, true}) all.push_back({0.01, act_order, static_groups, symmetric});
  return all;
}

}  // namespace

TEST_CASE("gptq on the device finds the host's codes, whatever the order and the groups", "[cuda][gptq]") {
  auto const weights = random_matrix(19, 352, 3);
  auto const hessian = random_hessian(352, 500, 4);
  for (auto const& how : all_requests()) {
    CAPTURE(how.act_order, how.static_groups, how.symmetric);
    check_like_host(weights, hessian, {3, 32}, how);
  }
  auto const wider = random_matrix(19, 384, 5), its_hessian = random_hessian(384, 500, 6);
  for (int bits : {2, 4, 8})
    for (int group : {64, 128}) {
      CAPTURE(bits, group);
      check_like_host(wider, its_hessian, {bits, group}, {});
    }
}

TEST_CASE("gptq on the device makes outputs closer than rounding to nearest does", "[cuda][gptq]") {
  auto const weights = random_matrix(16, 256, 7);
  auto const hessian = random_hessian(256, 400, 8);
  format const f{3, 128};
  auto const error_of = [&](amq::packed_matrix const& packed) {
    return output_error(weights, amq::testing::dequantized(packed), hessian);
  };
  double const nearest = error_of(amq::rtn().quantize(weights, f));
  REQUIRE(error_of(gptq_on_device(weights, hessian, f, {}).packed) < 0.6 * nearest);
  REQUIRE(error_of(gptq_on_device<double>(weights, hessian, f, {.act_order = true}).packed) < 0.6 * nearest);
}

TEST_CASE("gptq on the device finds the published code's codes on a real layer", "[cuda][gptq]") {
  amq::testing::golden_case const golden("gptq", "real");
  auto const weights = amq::testing::floats(golden.table("weight"));
  auto const hessian = amq::testing::floats(golden.table("hessian"));
  int compared = 0;
  for (auto const& run : golden.arguments().at("runs")) {
    format const f{run.at("bits"), run.at("group")};
    if (run.at("blocksize") != 128 || !amq::tile_layout::refusal(f, weights.cols()).empty()) continue;
    std::string const prefix = run.at("prefix");
    CAPTURE(prefix);
    ++compared;
    gptq_request const how{run.at("percdamp"), run.at("act_order"), run.at("static_groups"), run.at("sym")};
    auto const found = gptq_on_device(weights, hessian, f, how);
    auto const codes = golden.table(prefix + "codes");
    amq::index differing = 0;
    for (amq::index r = 0; r < codes.rows(); ++r)
      for (amq::index c = 0; c < codes.cols(); ++c)
        differing += found.packed.code(r, c) != static_cast<int>(codes(r, c));
    // The published errors are those of scales in f32, ours those of the scales that are stored.
    CHECK(static_cast<double>(differing) <= 0.02 * static_cast<double>(codes.size()));
  }
  REQUIRE(compared > 0);
}

TEST_CASE("gptq on the device drops dead columns, and rounds where all are dead", "[cuda][gptq]") {
  auto const weights = random_matrix(9, 160, 9);
  auto hessian = random_hessian(160, 300, 10);
  for (amq::index dead : {0, 31, 127, 128, 159})
    for (amq::index i = 0; i < 160; ++i) hessian(i, dead) = hessian(dead, i) = 0;
  for (auto const& how : all_requests()) check_like_host(weights, hessian, {4, 32}, how);
  amq::matrix<float> const nothing(160, 160);
  auto const found = gptq_on_device(weights, nothing, {4, 32}, {});
  CHECK(found.note == "no calibration token gives an input other than 0, so weights are rounded to nearest");
  auto const d = amq::testing::compare(found.packed, amq::rtn().quantize(weights, {4, 32}));
  CHECK(d.by_more == 0);
  CHECK(d.by_one <= 2);
}

TEST_CASE("gptq on the device damps a Hessian until it is positive definite, and says so", "[cuda][gptq]") {
  auto const weights = random_matrix(5, 96, 11);
  auto hessian = random_hessian(96, 200, 12);
  for (amq::index i = 0; i < 96; ++i)
    if (i != 17) hessian(17, i) = hessian(i, 17) = 3 * hessian(i, i);
  auto const note = gptq_on_device(weights, hessian, {4, 32}, {}).note;
  CHECK(!note.empty());
  CHECK(note == host_of({}).prepare(with_hessian(hessian)).note);
  check_like_host(weights, hessian, {4, 32}, {});
}

TEST_CASE("gptq on the device refuses what the host refuses, in the same words", "[cuda][gptq]") {
  auto weights = random_matrix(5, 64, 13);
  auto hessian = random_hessian(64, 100, 14);
  format const f{4, 32};
  auto const same_words = [&](gptq_request const& how) {
    auto const expected = refusal([&] { host_of(how).quantize(weights, f, with_hessian(hessian)); });
    CHECK(!expected.empty());
    CHECK(refusal([&] { gptq_on_device(weights, hessian, f, how); }) == expected);
  };
  weights(3, 50) = 4e6f;
  same_words({});
  same_words({.static_groups = true});
  weights(4, 1) = std::numeric_limits<float>::quiet_NaN();
  same_words({.act_order = true});
  weights = random_matrix(5, 64, 13);
  for (amq::index i = 0; i < 64; ++i) hessian(i, i) = i == 7 ? -63.0f : 1.0f;  // a mean of 0 damps nothing
  same_words({});
  hessian(9, 3) = std::numeric_limits<float>::infinity();
  same_words({.act_order = true});
  REQUIRE_THROWS_AS(gptq_on_device(random_matrix(5, 32, 1), hessian, f, {}), amq::input_error);
  REQUIRE_THROWS_AS(gptq_on_device(random_matrix(5, 32, 1), random_hessian(64, 100, 1), f, {}),
                    amq::precondition_error);
  REQUIRE_THROWS_AS(gptq_on_device(weights, hessian, f, {.damping = -1}), amq::precondition_error);
}
