// What reads or writes beyond shared memory, a device's memory or a stack is reported; what does not is not.
#include "cuda/bounds/reports.hpp"
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;

namespace {

/// Runs a kernel with offsets inside and beyond.
template <class What>
void check_bounds(launch_shape const& shape, What what, std::string const& kind) {
  auto const report = [&](unsigned beyond) {
    bounds::reported();
    run(shape, [what, beyond] { what(beyond); });
    return bounds::reported();
  };
  CHECK(report(0).empty());
  CHECK_THAT(report(1), Contains(kind));
}

}  // namespace

TEST_CASE("a read beyond shared memory", "[cuda][bounds]") {
  amq::cuda::device_buffer<int> const out(64, nullptr);
  check_bounds(
      {2, 64, 64 * 4},
      [to = out.data()](unsigned beyond) {
        shared<int>()[threadIdx.x] = 1;
        __syncthreads();
        to[threadIdx.x] = shared<int>()[63 - threadIdx.x + beyond];
      },
      "heap-buffer-overflow");
}

TEST_CASE("a write beyond a device's memory", "[cuda][bounds]") {
  amq::cuda::device_buffer<int> const out(61, nullptr);
  check_bounds(
      {1, 61, 0}, [to = out.data()](unsigned beyond) { to[threadIdx.x + beyond] = 1; }, "heap-buffer-overflow");
}

TEST_CASE("an asynchronous copy beyond a device's memory", "[cuda][bounds]") {
  amq::cuda::device_buffer<int> const from(8, nullptr);
  check_bounds(
      {1, 2, 32},
      [from = from.data()](unsigned beyond) {
        ptx::copy_async_16(shared<int>() + 4 * threadIdx.x, from + 4 * (threadIdx.x + beyond));
        ptx::commit_copies();
        ptx::wait_copies<0>();
      },
      "heap-buffer-overflow");
}

TEST_CASE("a thread's own array, while others' stacks come and go", "[cuda][bounds]") {
  amq::cuda::device_buffer<int> const out(64, nullptr);
  check_bounds(
      {1, 64, 0},
      [to = out.data()](unsigned beyond) {
        int mine[8];
        int volatile* const at = mine;
        for (int i = 0; i < 8; ++i) at[i] = i;
        __syncthreads();
        unsigned const which = (threadIdx.x == 40 ? 7u : 0u) + beyond;
        to[threadIdx.x] = at[which];
      },
      "stack-buffer-overflow");
}
