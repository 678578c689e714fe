// Kernels with a missing barrier are reported, and the same kernels with it are not.
#include "cuda/races/reports.hpp"
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;

namespace {

/// Runs a kernel as it is right, then as it is wrong: only the second may be reported.
template <class What>
void check_race(launch_shape const& shape, What what) {
  amq::cuda::device_buffer<int> const out(1024, nullptr);
  auto const reports = [&](bool right) {
    races::reported();
    run(shape, [what, right, to = out.data()] { what(to, right); });
    amq::cuda::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    return races::reported();
  };
  for (unsigned const seed : {0u, 1u}) {
    shim::permuted const order(seed);
    CAPTURE(seed);
    CHECK(reports(true) == 0);
    CHECK(reports(false) > 0);
  }
}

}  // namespace

TEST_CASE("a race for want of a barrier", "[cuda][races]") {
  check_race({2, 96, 96 * 4}, [](int* out, bool right) {
    auto* const mine = shared<int>();
    mine[threadIdx.x] = 1;
    if (right) __syncthreads();
    out[blockIdx.x * blockDim.x + threadIdx.x] = mine[blockDim.x - 1 - threadIdx.x];
  });
}

TEST_CASE("a race for want of a second barrier before memory is used again", "[cuda][races]") {
  check_race({1, 64, 64 * 4}, [](int* out, bool right) {
    for (int round = 0; round < 3; ++round) {
      shared<int>()[threadIdx.x] = round;
      __syncthreads();
      out[threadIdx.x] = shared<int>()[63 - threadIdx.x];
      if (right) __syncthreads();
    }
  });
}

TEST_CASE("a race for want of __syncwarp, which a shuffle does not replace", "[cuda][races]") {
  check_race({1, 32, 32 * 4}, [](int* out, bool right) {
    shared<int>()[threadIdx.x] = 1;
    int const other = __shfl_xor_sync(~0u, 2, 1);
    if (right) __syncwarp();
    out[threadIdx.x] = shared<int>()[threadIdx.x ^ 1] + other;
  });
}

TEST_CASE("a race of an asynchronous copy with those who still read", "[cuda][races]") {
  amq::cuda::device_buffer<int> const from(64 * 4, nullptr);
  check_race({1, 64, 64 * 16}, [from = from.data()](int* out, bool right) {
    auto* const to = shared<int>();
    for (int round = 0; round < 2; ++round) {
      ptx::copy_async_16(to + 4 * threadIdx.x, from + 4 * threadIdx.x);
      ptx::commit_copies();
      ptx::wait_copies<0>();
      __syncthreads();
      out[threadIdx.x] = to[4 * (63 - threadIdx.x)];
      if (right) __syncthreads();
    }
  });
}

TEST_CASE("a race of an asynchronous copy that others read without a barrier", "[cuda][races]") {
  amq::cuda::device_buffer<int> const from(64 * 4, nullptr);
  check_race({1, 64, 64 * 16}, [from = from.data()](int* out, bool right) {
    ptx::copy_async_16(shared<int>() + 4 * threadIdx.x, from + 4 * threadIdx.x);
    ptx::commit_copies();
    ptx::wait_copies<0>();
    if (right) __syncthreads();
    out[threadIdx.x] = shared<int>()[4 * (63 - threadIdx.x)];
  });
}

TEST_CASE("a race of matrices' rows that another lane wrote", "[cuda][races]") {
  check_race({1, 32, 512}, [](int* out, bool right) {
    for (unsigned i = 0; i < 4; ++i) shared<int>()[threadIdx.x * 4 + i] = 1;
    if (right) __syncwarp();
    std::uint32_t r[4];
    ptx::load_matrices(r, shared<int>() + 4 * (31 - threadIdx.x));
    out[threadIdx.x] = static_cast<int>(r[0]);
  });
}

TEST_CASE("a race of blocks", "[cuda][races]") {
  check_race({3, 32, 0}, [](int* out, bool right) {
    if (threadIdx.x != blockIdx.x) return;
    if (right)
      atomicAdd(out, 1);
    else
      *out += 1;
  });
}

TEST_CASE("the last block may read what others wrote before their fences", "[cuda][races]") {
  amq::cuda::device_buffer<int> const out(128, nullptr), sums(32, nullptr);
  amq::cuda::device_buffer<unsigned> const turns(1, nullptr);
  cudaMemset(turns.data(), 0, sizeof(unsigned));
  races::reported();
  run({4, 32, 4}, [to = out.data(), sums = sums.data(), turn = turns.data()] {
    to[32 * blockIdx.x + (threadIdx.x + blockIdx.x) % 32] = 1;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) *shared<unsigned>() = atomicAdd(turn, 1u);
    __syncthreads();
    if (*shared<unsigned>() != 3) return;
    __threadfence();
    int sum = 0;
    for (unsigned block = 0; block < 4; ++block) sum += to[32 * block + threadIdx.x];
    sums[threadIdx.x] = sum;
  });
  CHECK(races::reported() == 0);
}

TEST_CASE("launches follow one another", "[cuda][races]") {
  amq::cuda::device_buffer<int> const out(64, nullptr);
  races::reported();
  for (unsigned shift = 0; shift < 3; ++shift)
    run({1, 64, 0}, [to = out.data(), shift] { to[(threadIdx.x + shift) % 64] = 1; });
  int host[64];
  cudaMemcpy(host, out.data(), sizeof(host), cudaMemcpyDeviceToHost);
  CHECK(races::reported() == 0);
}
