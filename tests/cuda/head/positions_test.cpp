#include "amq/cuda/head/positions.cuh"

#include <vector>

#include "amq/cuda/number.cuh"
#include "cuda/support/device_values.hpp"
#include "support/catch.hpp"

namespace amq::cuda {

TEMPLATE_TEST_CASE("rows with a token after them are gathered in tiles", "[cuda]", float, f16, bf16) {
  stream const on;
  constexpr int sequences = 4, length = 5;
  for (int const cols : {1, 8, 37, 1030}) {
    auto const width = static_cast<std::size_t>(cols);
    auto const x = rounded<TestType>(wave(sequences * length * width, 0.3));
    auto const x_there = on_device(x, on);
    for (int const first : {0, 3, 11}) {
      CAPTURE(cols, first);
      int const rows = 5;
      device_buffer<TestType> out(5 * width, on);
      gather_positions(x_there.data(), length, first, rows, cols, out.data(), on);
      std::vector<float> expected;
      for (int position = first; position < first + rows; ++position) {
        int const row = position / (length - 1) * length + position % (length - 1);
        for (std::size_t i = 0; i < width; ++i)
          expected.push_back(to_f32(x[static_cast<std::size_t>(row) * width + i]));
      }
      CHECK(as_f32(on_host(out, on)) == expected);
    }
  }
}

TEST_CASE("the tokens that follow are gathered from one token later", "[cuda]") {
  stream const on;
  auto const tokens = on_device(std::vector<std::int32_t>{1, 2, 3, 11, 12, 13, 21, 22, 23}, on);
  device_buffer<std::int32_t> out(6, on);
  gather_positions(tokens.data() + 1, 3, 0, 6, 1, out.data(), on);
  CHECK(on_host(out, on) == std::vector<std::int32_t>{2, 3, 12, 13, 22, 23});
  CHECK_THROWS_AS(gather_positions(tokens.data(), 1, 0, 1, 1, out.data(), on), precondition_error);
}

TEST_CASE("means of sequences are exact means of their positions", "[cuda]") {
  stream const on;
  for (int const count : {1, 3, 127, 128, 300}) {
    CAPTURE(count);
    std::vector<double> values;
    for (int i = 0; i < 3 * count; ++i) values.push_back(i % 7 - 2);  // small integers: any order gives the same sum
    auto const there = on_device(values, on);
    device_buffer<double> out(3, on);
    sequence_means(there.data(), 3, count, out.data(), on);
    std::vector<double> expected;
    for (int s = 0; s < 3; ++s) {
      double sum = 0;
      for (int i = 0; i < count; ++i) sum += values[static_cast<std::size_t>(s * count + i)];
      expected.push_back(sum / count);
    }
    CHECK(on_host(out, on) == expected);
  }
}

}  // namespace amq::cuda
