#include "amq/cuda/embedding/embed.cuh"

#include <vector>

#include "cuda/support/device_values.hpp"
#include "support/catch.hpp"

namespace amq::cuda {

TEMPLATE_TEST_CASE("embeddings are the rows of the table that the tokens number", "[cuda]", float, f16, bf16) {
  stream const on;
  for (int const hidden : {1, 3, 4, 64, 257, 1100}) {
    CAPTURE(hidden);
    auto const width = static_cast<std::size_t>(hidden);
    auto const table = rounded<TestType>(wave(11 * width, 0.2, 3));
    std::vector<std::int32_t> const tokens{10, 0, 3, 3, 7};
    auto const table_there = on_device(table, on);
    auto const tokens_there = on_device(tokens, on);
    device_buffer<float> out(tokens.size() * width, on);
    embed(table_there.data(), tokens_there.data(), 5, hidden, out.data(), on);
    auto const got = on_host(out, on);
    std::vector<float> expected;
    for (auto const token : tokens)
      for (std::size_t i = 0; i < width; ++i)
        expected.push_back(to_f32(table[static_cast<std::size_t>(token) * width + i]));
    CHECK(got == expected);
  }
}

TEST_CASE("no tokens have no embeddings", "[cuda]") {
  stream const on;
  embed<float>(nullptr, nullptr, 0, 8, nullptr, on);
  on.synchronize();
  CHECK_THROWS_AS(embed<float>(nullptr, nullptr, 1, 0, nullptr, on), precondition_error);
}

}  // namespace amq::cuda
