#include "amq/core/simd/cached_attention.hpp"

#include <cstring>

#include "amq/core/random.hpp"
#include "support/catch.hpp"

namespace {

amq::matrix<float> random_rows(amq::index rows, amq::index cols, amq::random_stream& random) {
  amq::matrix<float> values(rows, cols);
  for (amq::index i = 0; i < values.size(); ++i) values.data()[i] = static_cast<float>(random.normal());
  return values;
}

}  // namespace

TEST_CASE("attention against a cache gives the bits of attention to the whole sequence", "[core]") {
  constexpr amq::index tokens = 77, heads = 6, kv_heads = 2, size = 20;
  amq::random_stream random{2};
  auto const q = random_rows(tokens, heads * size, random), k = random_rows(tokens, kv_heads * size, random),
             v = random_rows(tokens, kv_heads * size, random);
  std::vector<float> scratch;
  for (auto const which : amq::simd::supported_isas())
    for (amq::index const window : {0, 9}) {
      CAPTURE(amq::simd::to_string(which), window);
      amq::simd::attention_options const options{heads, kv_heads, 0.3f, window};
      amq::matrix<float> whole(tokens, heads * size), parts(tokens, heads * size);
      amq::simd::causal_attention(q, k, v, whole, options, scratch, which);
      amq::simd::cached_attention cache{nullptr, 80, kv_heads, size, which};
      amq::matrix<float> memory(1, cache.floats());
      cache.data = memory.data();
      amq::index first = 0;
      for (amq::index const count : {40, 1, 1, 17, 1, 16, 1}) {
        amq::simd::append(cache, first, k.view().rows_from(first, count), v.view().rows_from(first, count));
        for (amq::index shared = 0; shared < kv_heads; ++shared)
          amq::simd::attend_cached_head(cache, shared, first, q.view().rows_from(first, count),
                                        parts.view().rows_from(first, count), options, scratch);
        first += count;
      }
      REQUIRE(first == tokens);
      CHECK(std::memcmp(whole.data(), parts.data(), sizeof(float) * static_cast<std::size_t>(whole.size())) == 0);
    }
}
