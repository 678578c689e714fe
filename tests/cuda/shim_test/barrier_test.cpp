// Barriers hold, count, and notice threads that come by different ways.
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;

TEST_CASE("a barrier holds every thread until all are there", "[cuda][shim]") {
  for (unsigned const seed : {0u, 1u, 2u}) {
    shim::permuted const order(seed);
    auto const values = written<int>(3 * 200, {3, 200, 200 * sizeof(int)}, [](int* out) {
      auto* const mine = shared<int>();
      unsigned const i = threadIdx.x, n = blockDim.x;
      mine[i] = static_cast<int>(i + 1000 * blockIdx.x);
      for (int round = 0; round < 5; ++round) {
        __syncthreads();
        int const next = mine[(i + 1) % n];
        __syncthreads();
        mine[i] = next;
      }
      out[blockIdx.x * n + i] = mine[i];
    });
    for (int i = 0; i < 600; ++i)
      REQUIRE(values[static_cast<std::size_t>(i)] == (i % 200 + 5) % 200 + 1000 * (i / 200));
  }
}

TEST_CASE("a barrier counts conditions", "[cuda][shim]") {
  auto const values = written<int>(4 * 70, {1, 70, 0}, [](int* out) {
    int const i = static_cast<int>(threadIdx.x);
    out[4 * i] = __syncthreads_count(i % 3 == 0);
    out[4 * i + 1] = __syncthreads_or(i == 69) + 10 * __syncthreads_or(i == 70);
    out[4 * i + 2] = __syncthreads_and(i < 70) + 10 * __syncthreads_and(i < 69);
    out[4 * i + 3] = __syncthreads_count(1);
  });
  for (std::size_t i = 0; i < 70; ++i)
    REQUIRE(std::vector<int>(values.begin() + 4 * static_cast<int>(i), values.begin() + 4 * static_cast<int>(i) + 4) ==
            std::vector<int>{24, 1, 1, 70});
}

TEST_CASE("threads that left are not waited for", "[cuda][shim]") {
  auto const values = written<int>(64, {1, 64, 0}, [](int* out) {
    out[threadIdx.x] = -1;
    if (threadIdx.x >= 40) return;
    out[threadIdx.x] = __syncthreads_count(1);
  });
  CHECK(values[0] == 40);
  CHECK(values[39] == 40);
  CHECK(values[40] == -1);
}

TEST_CASE("a divergent barrier is an error that names both lines", "[cuda][shim]") {
  unsigned const first = __LINE__ + 3;
  auto const sentence = failure({2, 64, 0}, [] {
    if (threadIdx.x < 32)
      __syncthreads();
    else
      __syncthreads();
  });
  CHECK_THAT(sentence, Contains("divergent barrier") && Contains("barrier_test.cpp:" + std::to_string(first)) &&
                           Contains("barrier_test.cpp:" + std::to_string(first + 2)) && Contains("thread (32, 0, 0)"));
  CHECK(failure({1, 64, 0}, [] { __syncthreads(); }).empty());
}

TEST_CASE("threads that wait for one another for ever are an error", "[cuda][shim]") {
  auto const sentence = failure({1, 64, 0}, [] {
    if (threadIdx.x == 5)
      __syncwarp();
    else
      __syncthreads();
  });
  CHECK_THAT(sentence, Contains("wait for one another") && Contains("__syncwarp") && Contains("__syncthreads"));
}

TEST_CASE("what a kernel throws breaks the device until it is mended", "[cuda][shim]") {
  CHECK_THAT(failure({1, 32, 0},
                     [] {
                       if (threadIdx.x == 7) throw std::runtime_error("seven");
                     }),
             Contains("thread (7, 0, 0): seven") && Contains("cudaErrorLaunchFailure"));
  run({1, 1, 0}, [] { __trap(); });
  void* memory = nullptr;
  CHECK(cudaMalloc(&memory, 16) == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK_THAT(shim::last_fault(), Contains("__trap"));
  CHECK_THROWS_AS(run({1, 1, 0}, [] {}), amq::cuda_error);
  shim::mend();
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("writing beyond shared memory is an error", "[cuda][shim]") {
  if (SHIM_ASAN) return;  // which stops at it
  CHECK_THAT(failure({1, 32, 64},
                     [] {
                       if (threadIdx.x == 9) ptx::dynamic_shared()[64] = 1;
                     }),
             Contains("beyond the block's 64 bytes of shared memory"));
}

TEST_CASE("order dependence shows in permuted runs", "[cuda][shim]") {
  auto const last = [](unsigned seed) {
    shim::permuted const order(seed);
    return written<unsigned>(2, {8, 64, 0}, [](unsigned* out) {
      out[0] = blockIdx.x;
      out[1] = threadIdx.x;
    });
  };
  CHECK(last(0) == std::vector<unsigned>{7, 63});
  CHECK(last(3) == last(3));
  std::vector<std::vector<unsigned>> seen;
  for (unsigned seed = 1; seed < 6; ++seed) seen.push_back(last(seed));
  std::ranges::sort(seen);
  CHECK(std::ranges::unique(seen).begin() - seen.begin() > 3);
}
