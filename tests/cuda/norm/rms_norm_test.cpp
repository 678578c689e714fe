#include "amq/cuda/norm/rms_norm.cuh"

#include <cmath>
#include <vector>

#include "cuda/support/device_values.hpp"
#include "cuda/support/host_library.hpp"
#include "support/catch.hpp"

namespace amq::cuda {

TEMPLATE_TEST_CASE("RMSNorm of rows equals its definition", "[cuda]", float, f16, bf16) {
  stream const on;
  constexpr int rows = 3;
  constexpr float epsilon = 1e-5f;
  for (int const cols : {1, 5, 8, 64, 255, 1024, 1500}) {
    CAPTURE(cols);
    auto const width = static_cast<std::size_t>(cols);
    auto const x = wave(rows * width, 0.4, 2.5), weight = wave(width, 1.1, 1.5);
    auto const x_there = on_device(x, on), weight_there = on_device(weight, on);
    device_buffer<TestType> out(rows * width, on);
    rms_norm(x_there.data(), weight_there.data(), epsilon, rows, cols, out.data(), on);
    auto const got = as_f32(on_host(out, on));
    for (std::size_t r = 0; r < rows; ++r) {
      double squares = 0;
      for (std::size_t i = 0; i < width; ++i) squares += std::pow(static_cast<double>(x[r * width + i]), 2);
      double const factor = 1 / std::sqrt(squares / cols + static_cast<double>(epsilon));
      for (std::size_t i = 0; i < width; ++i) {
        double const expected = static_cast<double>(weight[i]) * static_cast<double>(x[r * width + i]) * factor;
        REQUIRE(static_cast<double>(got[r * width + i]) ==
                Approx(expected).epsilon(1.01 * rounding<TestType> + 6e-7).margin(1e-7));
      }
    }
  }
}

TEST_CASE("RMSNorm equals the host's, in place too, and a row does not depend on its neighbours", "[cuda]") {
  stream const on;
  auto const values = wave(1200, 0.7), weight = wave(300, 0.1);
  auto const expected = host_rms_norm(values, weight, 1e-6f);
  auto const weight_there = on_device(weight, on);
  auto const in_place = on_device(values, on);
  rms_norm(in_place.data(), weight_there.data(), 1e-6f, 4, 300, in_place.data(), on);
  auto const got = on_host(in_place, on);
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == Approx(expected[i]).epsilon(1e-6));

  auto const alone = on_device(std::vector<float>(values.begin() + 900, values.end()), on);
  rms_norm(alone.data(), weight_there.data(), 1e-6f, 1, 300, alone.data(), on);
  CHECK(on_host(alone, on) == std::vector<float>(got.begin() + 900, got.end()));
}

}  // namespace amq::cuda
