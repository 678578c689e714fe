// The dense f32 product of every instruction set against Eigen and OpenBLAS, one thread, as a fraction of the core's
// multiply-add peak, which is measured between the products so that both see the same clock and the same neighbours.
#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "amq/kernel/blas_product.hpp"
#include "amq/kernel/dense_product.hpp"
#include "kernel/clock.hpp"
#include "kernel/eigen_product.hpp"
#include "kernel/fma_peak.hpp"
#include "kernel/packed_pool.hpp"

#if AMQ_BENCH_OPENBLAS
#include <cblas.h>
#endif

namespace amq::bench {
namespace {

struct shape {
  index tokens, rows, cols;
};
constexpr shape shapes[] = {{256, 64, 128},   {256, 128, 128},   {256, 384, 128},    {256, 128, 384},
                            {256, 2048, 128}, {256, 4096, 4096}, {256, 11008, 4096}, {16, 4096, 4096}};

using product = std::function<void(matrix_view<float const> x, matrix_view<float> y)>;
using product_maker = product (*)(matrix_view<float const> w);

void measure(benchmark::State& state, shape s, product_maker make) {
  auto const w = wave(s.rows, s.cols), x = wave(s.tokens, s.cols);
  matrix<float> y(s.tokens, s.rows);
  auto const multiply = make(w);
  multiply(x, y);
  double const operations = 2.0 * static_cast<double>(s.tokens * s.rows * s.cols);
  auto const steps = static_cast<index>(operations / (2.0 * 14 * 16) / 4) + 1000;
  float values[3] = {1e-3f, 1e-3f, 0};
  double seconds = 0, peak_seconds = 0, peak_operations = 0;
  for ([[maybe_unused]] auto _ : state) {
    double const took = thread_seconds([&] { multiply(x, y); });
    state.SetIterationTime(took);
    seconds += took;
    peak_seconds += thread_seconds([&] { peak_operations += simd::run_fma_chains(values, steps); });
    benchmark::DoNotOptimize(values);
  }
  double const speed = operations * static_cast<double>(state.iterations()) / seconds;
  double const peak = peak_operations / peak_seconds;
  state.counters["GFLOP/s"] = speed * 1e-9;
  state.counters["peak"] = peak * 1e-9;
  state.counters["of_peak"] = speed / peak;
}

template <simd::isa Which>
product amq_product(matrix_view<float const> w) {
  auto const packed = std::make_shared<dense_matrix>(w, Which);
  return [packed](matrix_view<float const> x, matrix_view<float> y) { packed->multiply(x, y); };
}

product eigen(matrix_view<float const> w) {
  return [w](matrix_view<float const> x, matrix_view<float> y) { eigen_product(x, w, y); };
}

#if AMQ_BENCH_OPENBLAS
product openblas(matrix_view<float const> w) {
  openblas_set_num_threads(1);
  auto const sgemm = [](index m, index n, index k, float const* a, index a_stride, float const* b, index b_stride,
                        float* c, index c_stride) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k),
                1, a, static_cast<int>(a_stride), b, static_cast<int>(b_stride), 0, c, static_cast<int>(c_stride));
  };
  auto const copied = std::make_shared<blas_matrix<std::remove_const_t<decltype(sgemm)>>>(w, sgemm);
  return [copied](matrix_view<float const> x, matrix_view<float> y) { copied->multiply(x, y); };
}
#endif

void register_all(std::string const& who, product_maker make) {
  for (shape const s : shapes) {
    std::string const name = "product/" + who + "/" + std::to_string(s.tokens) + "x" + std::to_string(s.cols) + "to" +
                             std::to_string(s.rows);
    benchmark::RegisterBenchmark(name.c_str(), measure, s, make)->UseManualTime()->Unit(benchmark::kMicrosecond);
  }
}

[[maybe_unused]] bool const registered = [] {
  if (simd::supported(simd::isa::avx512)) register_all("avx512", amq_product<simd::isa::avx512>);
  if (simd::supported(simd::isa::avx2)) register_all("avx2", amq_product<simd::isa::avx2>);
  register_all("portable", amq_product<simd::isa::portable>);
  register_all("eigen", eigen);
#if AMQ_BENCH_OPENBLAS
  register_all("openblas", openblas);
#endif
  return true;
}();

}  // namespace
}  // namespace amq::bench
