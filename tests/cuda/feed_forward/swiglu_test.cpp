#include "amq/cuda/feed_forward/swiglu.cuh"

#include <cmath>
#include <vector>

#include "cuda/support/device_values.hpp"
#include "support/catch.hpp"

namespace amq::cuda {

TEMPLATE_TEST_CASE("SwiGLU equals its definition, with and without biases", "[cuda]", float, f16, bf16) {
  stream const on;
  constexpr int rows = 3;
  for (int const cols : {1, 7, 64, 1026, 1300})
    for (int const biases : {0, 1, 2, 3}) {
      CAPTURE(cols, biases);
      auto const width = static_cast<std::size_t>(cols);
      auto const gate = wave(rows * width, 0.4, 6), up = wave(rows * width, 1.4, 2);
      auto const gate_bias = wave(width, 0.9), up_bias = wave(width, 2.1);
      auto const gate_there = on_device(gate, on), up_there = on_device(up, on);
      auto const gate_bias_there = on_device(gate_bias, on), up_bias_there = on_device(up_bias, on);
      device_buffer<TestType> out(rows * width, on);
      swiglu(gate_there.data(), up_there.data(), biases & 1 ? gate_bias_there.data() : nullptr,
             biases & 2 ? up_bias_there.data() : nullptr, rows, cols, out.data(), on);
      auto const got = as_f32(on_host(out, on));
      for (std::size_t i = 0; i < got.size(); ++i) {
        double const g = static_cast<double>(gate[i]) + (biases & 1 ? static_cast<double>(gate_bias[i % width]) : 0.0);
        double const u = static_cast<double>(up[i]) + (biases & 2 ? static_cast<double>(up_bias[i % width]) : 0.0);
        REQUIRE(static_cast<double>(got[i]) ==
                Approx(g / (1 + std::exp(-g)) * u).epsilon(1.01 * rounding<TestType> + 6e-7).margin(1e-6));
      }
    }
}

TEST_CASE("the gate is shut for large negative numbers and open for large positive ones", "[cuda]") {
  stream const on;
  auto const gate = on_device(std::vector<float>{-1e30f, -200, -90, 0, 90, 1e30f}, on);
  auto const up = on_device(std::vector<float>(6, 2.0f), on);
  device_buffer<float> out(6, on);
  swiglu(gate.data(), up.data(), nullptr, nullptr, 2, 3, out.data(), on);
  auto const got = on_host(out, on);
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::abs(got[i]) < 1e-30f);
  CHECK(got[4] == 180.0f);
  CHECK(got[5] == 2e30f);
}

TEST_CASE("a bias is added to every row", "[cuda]") {
  stream const on;
  for (int const cols : {1, 6, 1028, 1301}) {
    CAPTURE(cols);
    auto const width = static_cast<std::size_t>(cols);
    auto const y = wave(5 * width, 0.4), bias = wave(width, 0.9);
    auto const y_there = on_device(y, on), bias_there = on_device(bias, on);
    add_bias(y_there.data(), bias_there.data(), 5, cols, on);
    auto const got = on_host(y_there, on);
    bool same = true;
    for (std::size_t i = 0; i < got.size(); ++i) same = same && got[i] == y[i] + bias[i % width];
    CHECK(same);
  }
}

}  // namespace amq::cuda
