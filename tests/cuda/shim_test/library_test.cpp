// The libraries' functions and the intrinsics against plain formulas.
#include <cublas_v2.h>
#include <cusolverDn.h>

#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <cub/warp/warp_reduce.cuh>

#include "amq/core/random.hpp"
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;
using amq::cuda::device_buffer;
using amq::cuda::uploaded;

namespace {

std::vector<float> normal(std::size_t count, std::uint64_t seed) {
  amq::random_stream random{seed};
  std::vector<float> made(count);
  for (auto& one : made) one = static_cast<float>(random.normal());
  return made;
}

template <class T>
std::vector<T> read(device_buffer<T> const& from) {
  std::vector<T> made(from.size());
  amq::cuda::download(from.data(), std::span<T>(made), nullptr);
  return made;
}

}  // namespace

TEST_CASE("products of matrices in all orders", "[cuda][shim]") {
  constexpr int m = 5, n = 7, k = 9, stride = 11;
  auto const a = normal(stride * 11, 1), b = normal(stride * 11, 2);
  auto const on_a = uploaded<float>(a, nullptr), on_b = uploaded<float>(b, nullptr);
  cublasHandle_t handle = nullptr;
  REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  for (auto const op_a : {CUBLAS_OP_N, CUBLAS_OP_T})
    for (auto const op_b : {CUBLAS_OP_N, CUBLAS_OP_T}) {
      auto const c = normal(stride * n, 3);
      auto const on_c = uploaded<float>(c, nullptr);
      float const alpha = 2, beta = -1;
      REQUIRE(cublasSgemm(handle, op_a, op_b, m, n, k, &alpha, on_a.data(), stride, on_b.data(), stride, &beta,
                          on_c.data(), stride) == CUBLAS_STATUS_SUCCESS);
      auto const got = read(on_c);
      for (int row = 0; row < stride; ++row)
        for (int col = 0; col < n; ++col) {
          auto const at = static_cast<std::size_t>(col * stride + row);
          double sum = 0;
          for (int i = 0; i < k; ++i)
            sum += double{a[static_cast<std::size_t>(op_a == CUBLAS_OP_N ? i * stride + row : row * stride + i)]} *
                   b[static_cast<std::size_t>(op_b == CUBLAS_OP_N ? col * stride + i : i * stride + col)];
          REQUIRE(got[at] == Approx(row < m ? 2 * sum - c[at] : c[at]).margin(1e-4));
        }
    }
  cublasDestroy(handle);
}

TEST_CASE("products of 16-bit numbers do not read what they overwrite", "[cuda][shim]") {
  using amq::cuda::bf16;
  std::vector<bf16> const a(6, bf16(1.5f)), b(8, bf16(-2.0f));
  auto const on_a = uploaded<bf16>(a, nullptr), on_b = uploaded<bf16>(b, nullptr);
  device_buffer<float> const c(12, nullptr);  // NaNs
  cublasHandle_t handle = nullptr;
  cublasCreate(&handle);
  float const alpha = 1, beta = 0;
  CHECK(cublasGemmEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, 3, 4, 2, &alpha, on_a.data(), CUDA_R_16BF, 2, on_b.data(),
                     CUDA_R_16BF, 2, &beta, c.data(), CUDA_R_32F, 3, CUBLAS_COMPUTE_32F,
                     CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
  CHECK(read(c) == std::vector<float>(12, -6.0f));
  CHECK(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 3, 4, 2, &alpha, on_a.data(), CUDA_R_16BF, 2, on_b.data(),
                     CUDA_R_16BF, 2, &beta, c.data(), CUDA_R_32F, 3, CUBLAS_COMPUTE_32F,
                     CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_INVALID_VALUE);
  cublasDestroy(handle);
}

TEST_CASE("a Cholesky factor, and the minor that is not positive", "[cuda][shim]") {
  constexpr int n = 6;
  Eigen::MatrixXf const root = Eigen::Map<Eigen::MatrixXf const>(normal(n * n, 4).data(), n, n);
  Eigen::MatrixXf good = root * root.transpose() + Eigen::MatrixXf::Identity(n, n);
  cusolverDnHandle_t handle = nullptr;
  cusolverDnParams_t params = nullptr;
  cusolverDnCreate(&handle);
  cusolverDnCreateParams(&params);
  device_buffer<char> const work(64, nullptr);
  device_buffer<int> const info(1, nullptr);
  char host_work[64];
  auto const factor = [&](Eigen::MatrixXf const& of, cublasFillMode_t triangle) {
    auto const memory = uploaded<float>(std::span(of.data(), n * n), nullptr);
    std::size_t on_device = 0, on_host = 0;
    CHECK(cusolverDnXpotrf_bufferSize(handle, params, triangle, n, CUDA_R_32F, memory.data(), n, CUDA_R_32F, &on_device,
                                      &on_host) == CUSOLVER_STATUS_SUCCESS);
    CHECK(cusolverDnXpotrf(handle, params, triangle, n, CUDA_R_32F, memory.data(), n, CUDA_R_32F, work.data(),
                           on_device, host_work, on_host, info.data()) == CUSOLVER_STATUS_SUCCESS);
    auto const values = read(memory);
    return Eigen::MatrixXf(Eigen::Map<Eigen::MatrixXf const>(values.data(), n, n));
  };
  Eigen::MatrixXf const lower = factor(good, CUBLAS_FILL_MODE_LOWER).triangularView<Eigen::Lower>();
  CHECK(read(info)[0] == 0);
  CHECK((lower * lower.transpose() - good).norm() < 1e-4f);
  Eigen::MatrixXf const upper = factor(good, CUBLAS_FILL_MODE_UPPER).triangularView<Eigen::Upper>();
  CHECK((upper.transpose() * upper - good).norm() < 1e-4f);
  good(3, 3) = -1;
  factor(good, CUBLAS_FILL_MODE_LOWER);
  CHECK(read(info)[0] == 4);
  cusolverDnDestroyParams(params);
  cusolverDnDestroy(handle);
}

TEST_CASE("sums of blocks and of warps", "[cuda][shim]") {
  using reduce = cub::BlockReduce<double, 96>;
  using warp_reduce = cub::WarpReduce<double>;
  auto const sums = written<double>(5, {1, 96, sizeof(reduce::TempStorage)}, [](double* out) {
    double const mine = threadIdx.x;
    double const sum = reduce(*shared<reduce::TempStorage>()).Sum(mine);
    __syncthreads();
    double const least =
        reduce(*shared<reduce::TempStorage>()).Reduce(-mine, [](double a, double b) { return a < b ? a : b; });
    warp_reduce::TempStorage storage;
    double const of_warp = warp_reduce(storage).Sum(mine);
    if (threadIdx.x == 0) out[0] = sum, out[1] = least;
    if (threadIdx.x % 32 == 0) out[2 + threadIdx.x / 32] = of_warp;
  });
  CHECK(sums == std::vector<double>{4560, -95, 496, 1520, 2544});
}

TEST_CASE("a block sorts pairs stably, the largest first", "[cuda][shim]") {
  using sort = cub::BlockRadixSort<float, 32, 3, std::int32_t>;
  auto const ranks = written<std::int32_t>(96, {1, 32, sizeof(sort::TempStorage)}, [](std::int32_t* out) {
    float keys[3];
    std::int32_t values[3];
    for (int i = 0; i < 3; ++i) {
      values[i] = static_cast<int>(threadIdx.x) * 3 + i;
      keys[i] =
          values[i] % 5 == 0 ? -0.0f : static_cast<float>(values[i] % 5 - 2) * (values[i] % 5 == 2 ? -1.0f : 1.0f);
    }
    sort(*shared<sort::TempStorage>()).SortDescendingBlockedToStriped(keys, values);
    for (int i = 0; i < 3; ++i) out[i * 32 + static_cast<int>(threadIdx.x)] = values[i];
  });
  std::vector<std::int32_t> expected(96);
  std::iota(expected.begin(), expected.end(), 0);
  std::ranges::stable_sort(expected, [](int a, int b) {
    auto const key = [](int i) { return i % 5 == 0 ? 0 : i % 5 - 2; };
    return key(a) > key(b);
  });
  CHECK(ranks == expected);
}

TEST_CASE("whole arrays and segments are sorted stably", "[cuda][shim]") {
  auto const values = uploaded<std::int32_t>(std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}, nullptr);
  device_buffer<char> const work(1024, nullptr);
  auto const keys = uploaded<float>(std::vector<float>{1, -3, 1, 2, 2, 5}, nullptr);
  auto const begins = uploaded<std::int32_t>(std::vector<std::int32_t>{0, 3}, nullptr);
  auto const ends = uploaded<std::int32_t>(std::vector<std::int32_t>{3, 6}, nullptr);
  device_buffer<float> const sorted(6, nullptr);
  device_buffer<std::int32_t> const order(6, nullptr);
  std::size_t bytes = 0;
  CHECK(cub::DeviceSegmentedRadixSort::SortPairsDescending(nullptr, bytes, keys.data(), sorted.data(), values.data(),
                                                           order.data(), 6, 2, begins.data(),
                                                           ends.data()) == cudaSuccess);
  REQUIRE(bytes <= work.size());
  CHECK(cub::DeviceSegmentedRadixSort::SortPairsDescending(work.data(), bytes, keys.data(), sorted.data(),
                                                           values.data(), order.data(), 6, 2, begins.data(),
                                                           ends.data()) == cudaSuccess);
  CHECK(read(order) == std::vector<std::int32_t>{0, 2, 1, 5, 3, 4});
  CHECK(read(sorted) == std::vector<float>{1, 1, -3, 5, 2, 2});

  auto const wide = uploaded<std::uint64_t>(std::vector<std::uint64_t>{7, 256, 3, 255, 1ull << 63, 2}, nullptr);
  device_buffer<std::uint64_t> const sorted_wide(6, nullptr);
  auto const sort = [&](int begin, int end) {
    CHECK(cub::DeviceRadixSort::SortPairs(work.data(), bytes, wide.data(), sorted_wide.data(), values.data(),
                                          order.data(), 6, begin, end) == cudaSuccess);
    return read(order);
  };
  CHECK(sort(0, 64) == std::vector<std::int32_t>{5, 2, 0, 3, 1, 4});
  CHECK(sort(0, 8) == std::vector<std::int32_t>{1, 4, 5, 2, 0, 3});
  CHECK(sort(8, 64) == std::vector<std::int32_t>{0, 2, 3, 5, 1, 4});
}

TEST_CASE("intrinsics on bits and numbers", "[cuda][shim]") {
  CHECK(__byte_perm(0x33221100u, 0x77665544u, 0x7250u) == 0x77225500u);
  CHECK(__byte_perm(0x80017f00u, 0, 0x8b9au) == 0x00ff0000u);
  CHECK(__funnelshift_r(0x89abcdefu, 0x01234567u, 8) == 0x6789abcdu);
  CHECK(__funnelshift_l(0x89abcdefu, 0x01234567u, 8) == 0x23456789u);
  CHECK(__brev(0x00000005u) == 0xa0000000u);
  CHECK(__ffs(8) == 4);
  CHECK(__ffs(0) == 0);
  CHECK(__clz(1) == 31);
  CHECK(__dp4a(0x01ff0203, 0x02030405, 10) == 10 + 2 - 3 + 8 + 15);
  CHECK(__umulhi(0x80000000u, 6) == 3u);
  CHECK(__float2int_rn(2.5f) == 2);
  CHECK(__float2int_rn(1e20f) == std::numeric_limits<int>::max());
  CHECK(__float2int_rn(std::nanf("")) == 0);
  CHECK(__float2uint_rn(-3.0f) == 0u);
  CHECK(rsqrtf(4.0f) == 0.5f);
  CHECK(__saturatef(-1.0f) == 0.0f);
  CHECK(min(3, 4) == 3);
  CHECK(max(2.0f, std::nanf("")) == 2.0f);
  CHECK(__fmaf_rn(3.0f, 4.0f, 5.0f) == 17.0f);
}
