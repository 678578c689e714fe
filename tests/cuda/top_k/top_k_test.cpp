// The largest logits of each row and their logarithmic sums against the sampler's own order.
#include <algorithm>
#include <cmath>
#include <limits>

#include "amq/core/random.hpp"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/stream.cuh"
#include "amq/cuda/top_k/largest.cuh"
#include "amq/cuda/top_k/log_sums.cuh"
#include "amq/generate/sampler.hpp"
#include "support/catch.hpp"

namespace {

struct candidates_of_rows {
  std::vector<float> values;
  std::vector<std::int32_t> tokens;
};

candidates_of_rows on_device(std::vector<float> const& logits, int rows, int k, amq::cuda::top_k_workspace& work,
                             cudaStream_t on) {
  auto const there = amq::cuda::uploaded(std::span<float const>(logits), on);
  auto const count = static_cast<std::size_t>(rows * k);
  amq::cuda::device_buffer<float> const values(count, on);
  amq::cuda::device_buffer<std::int32_t> const tokens(count, on);
  amq::cuda::top_k(there.data(), rows, static_cast<int>(logits.size()) / rows, k, values.data(), tokens.data(), work,
                   on);
  candidates_of_rows result{std::vector<float>(count), std::vector<std::int32_t>(count)};
  amq::cuda::download(values.data(), std::span(result.values), on);
  amq::cuda::download(tokens.data(), std::span(result.tokens), on);
  amq::cuda::check(cudaStreamSynchronize(on), "cudaStreamSynchronize");
  return result;
}

std::vector<float> log_sums_on_device(std::vector<float> const& logits, int rows) {
  amq::cuda::stream const on;
  auto const there = amq::cuda::uploaded(std::span<float const>(logits), on);
  std::vector<float> result(static_cast<std::size_t>(rows));
  amq::cuda::device_buffer<float> const sums(result.size(), on);
  amq::cuda::log_sums(there.data(), rows, static_cast<int>(logits.size()) / rows, sums.data(), on);
  amq::cuda::download(sums.data(), std::span(result), on);
  on.synchronize();
  return result;
}

/// Random logits on a grid of quarters, so that many are equal, and some are minus infinity.
std::vector<float> coarse_logits(int rows, int vocabulary, std::uint64_t seed) {
  amq::random_stream random(seed);
  std::vector<float> logits(static_cast<std::size_t>(rows * vocabulary));
  for (float& x : logits) {
    x = std::nearbyint(static_cast<float>(random.normal()) * 12) / 4;
    if (random.uniform() < 0.1) x = -std::numeric_limits<float>::infinity();
  }
  return logits;
}

}  // namespace

TEST_CASE("the largest logits come in the sampler's order, few or many of them", "[cuda][top_k]") {
  amq::cuda::stream const on;
  amq::cuda::top_k_workspace work;
  for (int vocabulary : {1, 33, 4096, 4097, 20000}) {
    int const rows = 3;
    auto const logits = coarse_logits(rows, vocabulary, static_cast<std::uint64_t>(vocabulary));
    for (int k : {1, 2, 50, 1024, 1025, vocabulary}) {
      if (k > vocabulary) continue;
      CAPTURE(vocabulary, k);
      auto const found = on_device(logits, rows, k, work, on);
      bool same = true;
      for (int r = 0; r < rows; ++r) {
        auto const row =
            std::span(logits).subspan(static_cast<std::size_t>(r * vocabulary), static_cast<std::size_t>(vocabulary));
        auto const expected = amq::most_likely(row, k);
        for (int i = 0; i < k; ++i) {
          auto const at = static_cast<std::size_t>(r * k + i);
          auto const& [token, weight] = expected[static_cast<std::size_t>(i)];
          same = same && found.tokens[at] == token && double{found.values[at]} == weight;
        }
      }
      REQUIRE(same);
    }
  }
}

TEST_CASE("logarithmic sums are those in f64, whatever the logits' size", "[cuda][top_k]") {
  for (int vocabulary : {1, 31, 700, 5000})
    for (float scale : {0.0f, 1.0f, 30.0f}) {
      auto logits = coarse_logits(4, vocabulary, 7);
      for (std::size_t i = 0; i < logits.size(); ++i)
        logits[i] = (std::isinf(logits[i]) && i % 3 != 0 ? 0.0f : logits[i]) * (scale == 0 ? 1.0f : scale) + 200;
      auto const found = log_sums_on_device(logits, 4);
      for (int r = 0; r < 4; ++r) {
        double largest = -INFINITY, sum = 0;
        for (int i = 0; i < vocabulary; ++i)
          largest = std::max(largest, double{logits[static_cast<std::size_t>(r * vocabulary + i)]});
        for (int i = 0; i < vocabulary; ++i)
          sum += std::exp(double{logits[static_cast<std::size_t>(r * vocabulary + i)]} - largest);
        CAPTURE(vocabulary, scale, r);
        if (std::isinf(largest))
          REQUIRE(found[static_cast<std::size_t>(r)] == -std::numeric_limits<float>::infinity());
        else
          REQUIRE(found[static_cast<std::size_t>(r)] == Approx(largest + std::log(sum)).epsilon(1e-6));
      }
    }
}

TEST_CASE("logarithmic sums are not a number where a logit is not", "[cuda][top_k]") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> logits(3 * 40, 1.0f);
  logits[7] = std::numeric_limits<float>::quiet_NaN();
  logits[45] = infinity;
  for (std::size_t i = 80; i < 120; ++i) logits[i] = -infinity;
  auto const sums = log_sums_on_device(logits, 3);
  REQUIRE(std::isnan(sums[0]));
  REQUIRE(std::isnan(sums[1]));
  REQUIRE(sums[2] == -infinity);
}

TEST_CASE("top_k refuses counts out of range", "[cuda][top_k]") {
  amq::cuda::stream const on;
  amq::cuda::top_k_workspace work;
  for (int k : {0, -1, 11})
    REQUIRE_THROWS_AS(amq::cuda::top_k(nullptr, 1, 10, k, nullptr, nullptr, work, on), amq::precondition_error);
  REQUIRE_THROWS_AS(amq::cuda::top_k(nullptr, 0, 10, 1, nullptr, nullptr, work, on), amq::precondition_error);
  REQUIRE_THROWS_AS(amq::cuda::log_sums(nullptr, 1, 0, nullptr, on), amq::precondition_error);
}
