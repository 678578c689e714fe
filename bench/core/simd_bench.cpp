// What a transformer does between its products, and the losses, on every instruction set; one thread.
#include <benchmark/benchmark.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "amq/core/simd/attention.hpp"
#include "amq/core/simd/distributions.hpp"
#include "amq/core/simd/elementwise.hpp"
#include "amq/core/simd/half_rows.hpp"

namespace amq::bench {
namespace {

std::vector<float> wave(index n) {
  std::vector<float> values;
  for (index i = 0; i < n; ++i) values.push_back(4 * std::sin(0.37f * static_cast<float>(i % 10007)));
  return values;
}

constexpr index row_size = 2048;

/// A function of a row; the counter says how many elements a second.
using row_work = void (*)(float const* x, float* out, simd::isa which);

void measure_row(benchmark::State& state, row_work work, simd::isa which) {
  auto const x = wave(row_size);
  auto out = wave(row_size);
  for ([[maybe_unused]] auto _ : state) {
    work(x.data(), out.data(), which);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * row_size);
}

void exp_row(float const* x, float* out, simd::isa which) { simd::exp_row(x, out, row_size, which); }
void log_row(float const* x, float* out, simd::isa which) { simd::log_row(x, out, row_size, which); }
void pow_row(float const* x, float* out, simd::isa which) { simd::pow_row(x, -0.3f, out, row_size, which); }
void silu_multiply(float const* x, float* out, simd::isa which) { simd::silu_multiply(x, out, out, row_size, which); }
void rms_norm(float const* x, float* out, simd::isa which) { simd::rms_norm(x, x, 1e-5f, out, row_size, which); }
void jensen_shannon_logits(float const* x, float* out, simd::isa which) {
  benchmark::DoNotOptimize(simd::jensen_shannon(x, out, row_size, which));
}
/// The reference's exponentials are there already: what one more candidate costs.
void jensen_shannon_prepared(float const* x, float* out, simd::isa which) {
  std::copy_n(x, row_size, out);
  simd::row_distribution const reference{x, row_size, {0, 1, 0, 0}};
  benchmark::DoNotOptimize(simd::jensen_shannon(reference, simd::exponentiate_row(out, row_size, which), which));
}
/// For comparison: the C library, one number at a time.
void exp_of_libm(float const* x, float* out, simd::isa) {
  for (index i = 0; i < row_size; ++i) out[i] = std::exp(x[i]);
}

struct attention_shape {
  index tokens, head_dim, heads, kv_heads;
};

void measure_attention(benchmark::State& state, attention_shape s, simd::isa which) {
  auto const q = wave(s.tokens * s.heads * s.head_dim), k = wave(s.tokens * s.kv_heads * s.head_dim);
  std::vector<float> out(q.size()), scratch;
  matrix_view<float const> const keys(k.data(), s.tokens, s.kv_heads * s.head_dim);
  for ([[maybe_unused]] auto _ : state)
    simd::causal_attention({q.data(), s.tokens, s.heads * s.head_dim}, keys, keys,
                           {out.data(), s.tokens, s.heads * s.head_dim},
                           {.heads = s.heads, .kv_heads = s.kv_heads, .scale = 0.1f}, scratch, which);
  double const operations = 2.0 * static_cast<double>(s.tokens * (s.tokens + 1) * s.head_dim * s.heads);
  state.counters["GFLOP/s"] =
      benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);  // of unmasked scores
}

[[maybe_unused]] bool const registered = [] {
  struct entry {
    char const* name;
    row_work work;
  };
  for (simd::isa const which : simd::supported_isas()) {
    std::string const suffix = std::string("/") + to_string(which);
    for (auto const& [name, work] : {entry{"exp", exp_row},
                                     {"log", log_row},
                                     {"pow", pow_row},
                                     {"silu_multiply", silu_multiply},
                                     {"rms_norm", rms_norm},
                                     {"jensen_shannon_logits", jensen_shannon_logits},
                                     {"jensen_shannon_prepared", jensen_shannon_prepared}})
      benchmark::RegisterBenchmark((name + suffix).c_str(), measure_row, work, which);
    for (auto const s : {attention_shape{256, 32, 4, 2}, {256, 64, 4, 4}, {2048, 128, 2, 1}})
      benchmark::RegisterBenchmark(("attention/" + std::to_string(s.tokens) + "x" + std::to_string(s.head_dim) + "x" +
                                    std::to_string(s.heads) + suffix)
                                       .c_str(),
                                   measure_attention, s, which);
  }
  benchmark::RegisterBenchmark("exp/libm", measure_row, exp_of_libm, simd::isa::portable);
  return true;
}();

}  // namespace
}  // namespace amq::bench
