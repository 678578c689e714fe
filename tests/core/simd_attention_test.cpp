#include "amq/core/simd/attention.hpp"

#include <cmath>
#include <cstring>
#include <vector>

#include "support/catch.hpp"

namespace amq {
namespace {

matrix<float> wave(index rows, index cols, double phase) {
  matrix<float> m(rows, cols);
  for (index i = 0; i < m.size(); ++i)
    m.data()[i] = 2 * static_cast<float>(std::sin(0.61 * static_cast<double>(i) + phase));
  return m;
}

/// Attention as its definition says, in f64.
matrix<double> reference(matrix<float> const& q, matrix<float> const& k, matrix<float> const& v,
                         simd::attention_options const& options) {
  index const head_dim = q.cols() / options.heads, group = options.heads / options.kv_heads;
  matrix<double> out(q.rows(), q.cols());
  for (index head = 0; head < options.heads; ++head)
    for (index i = 0; i < q.rows(); ++i) {
      index const first = options.window > 0 ? std::max<index>(0, i - options.window + 1) : 0;
      index const column = head * head_dim, shared = head / group * head_dim;
      double sum = 0;
      for (index j = first; j <= i; ++j) {
        double score = 0;
        for (index d = 0; d < head_dim; ++d) score += static_cast<double>(q(i, column + d)) * k(j, shared + d);
        double const weight = std::exp(score * options.scale);
        sum += weight;
        for (index d = 0; d < head_dim; ++d) out(i, column + d) += weight * v(j, shared + d);
      }
      for (index d = 0; d < head_dim; ++d) out(i, column + d) /= sum;
    }
  return out;
}

}  // namespace

TEST_CASE("causal attention equals its definition", "[simd]") {
  struct shape {
    index tokens, head_dim, heads, kv_heads, window;
  };
  std::vector<float> scratch;
  for (auto const which : simd::supported_isas())
    for (auto const [tokens, head_dim, heads, kv_heads, window] : {shape{0, 8, 1, 1, 0},
                                                                   {1, 4, 1, 1, 0},
                                                                   {2, 3, 2, 1, 0},
                                                                   {15, 16, 1, 1, 0},
                                                                   {33, 32, 4, 2, 0},
                                                                   {100, 17, 2, 2, 0},
                                                                   {100, 40, 1, 1, 1},
                                                                   {100, 80, 3, 1, 37},
                                                                   {70, 33, 4, 1, 64},
                                                                   {70, 32, 1, 1, 700}}) {
      CAPTURE(to_string(which), tokens, head_dim, heads, kv_heads, window);
      auto const q = wave(tokens, heads * head_dim, 0.1);
      auto const k = wave(tokens, kv_heads * head_dim, 0.6), v = wave(tokens, kv_heads * head_dim, 1.1);
      simd::attention_options const options{heads, kv_heads, 0.2f, window};
      auto const expected = reference(q, k, v, options);
      matrix<float> out(tokens, heads * head_dim);
      simd::causal_attention(q, k, v, out, options, scratch, which);
      double worst = 0;
      for (index i = 0; i < out.size(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(out.data()[i]) - expected.data()[i]));
      CHECK(worst < 2e-5);  // scores reach 64, so a weight is off by 64 roundings
    }
}

TEST_CASE("attention over scores far apart neither overflows nor divides by zero", "[simd]") {
  std::vector<float> scratch;
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    matrix<float> q(3, 2), k(3, 2), v(3, 2), out(3, 2);
    for (index i = 0; i < 3; ++i) {
      q(i, 0) = 1e4f;
      k(i, 0) = i == 1 ? 1e4f : -1e4f;
      v(i, 0) = static_cast<float>(i + 1);
    }
    simd::causal_attention(q, k, v, out, {.scale = 1}, scratch, which);
    CHECK(out(0, 0) == 1);
    CHECK(out(1, 0) == 2);
    CHECK(out(2, 0) == 2);
  }
}

TEST_CASE("a token's attention has the same bits whatever follows it", "[simd]") {
  std::vector<float> scratch;
  for (auto const which : simd::supported_isas())
    for (index const window : {0, 20}) {
      CAPTURE(to_string(which), window);
      auto const q = wave(90, 24, 0.1), k = wave(90, 24, 0.6), v = wave(90, 24, 1.1);
      matrix<float> all(90, 24);
      simd::causal_attention(q, k, v, all, {.window = window}, scratch, which);
      for (index const tokens : {1, 13, 14, 31, 64, 89}) {
        matrix<float> part(tokens, 24);
        simd::causal_attention(q.view().rows_from(0, tokens), k.view().rows_from(0, tokens),
                               v.view().rows_from(0, tokens), part, {.window = window}, scratch, which);
        CHECK(std::memcmp(part.data(), all.data(), sizeof(float) * static_cast<std::size_t>(part.size())) == 0);
      }
    }
}

TEST_CASE("attention reads and writes only its views", "[simd]") {
  std::vector<float> scratch;
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    auto const fused = wave(40, 30, 0.1);  // queries of 2 heads, keys and values of 1, 6 wide each, 6 unused
    matrix<float> q(40, 12), k(40, 6), v(40, 6), out(40, 12), wide(40, 20);
    for (index i = 0; i < 40; ++i)
      for (index j = 0; j < 24; ++j) (j < 12 ? q(i, j) : j < 18 ? k(i, j - 12) : v(i, j - 18)) = fused(i, j);
    for (index i = 0; i < wide.size(); ++i) wide.data()[i] = 9;
    simd::attention_options const options{.heads = 2, .kv_heads = 1};
    simd::causal_attention(q, k, v, out, options, scratch, which);
    simd::causal_attention({fused.data(), 40, 12, 30}, {fused.data() + 12, 40, 6, 30}, {fused.data() + 18, 40, 6, 30},
                           {wide.data() + 4, 40, 12, 20}, options, scratch, which);
    for (index i = 0; i < 40; ++i)
      for (index j = 0; j < 20; ++j) CHECK(wide(i, j) == (j < 4 || j >= 16 ? 9 : out(i, j - 4)));
  }
}

TEST_CASE("attention refuses shapes that disagree", "[simd]") {
  std::vector<float> scratch;
  matrix<float> q(4, 8), k(4, 4), few(3, 4), out(4, 8);
  CHECK_THROWS_AS(simd::causal_attention(q, k, k, out, {.heads = 2, .kv_heads = 2}, scratch), precondition_error);
  CHECK_THROWS_AS(simd::causal_attention(q, k, few, out, {.heads = 2, .kv_heads = 1}, scratch), precondition_error);
  CHECK_THROWS_AS(simd::causal_attention(q, k, k, out, {.heads = 3, .kv_heads = 2}, scratch), precondition_error);
}

}  // namespace amq
