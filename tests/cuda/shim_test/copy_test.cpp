// Asynchronous copies happen when they are waited for, and not before.
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;

namespace {

std::vector<int> numbers(std::size_t count) {
  std::vector<int> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<int>(i) + 1;
  return made;
}

}  // namespace

TEST_CASE("a read before the wait sees the old bytes", "[cuda][shim]") {
  auto const source = amq::cuda::uploaded<int>(numbers(12), nullptr);
  auto const seen = written<int>(8, {1, 1, 48}, [from = source.data()](int* out) {
    auto* const to = shared<int>();
    for (int i = 0; i < 12; ++i) to[i] = -1;
    for (int i = 0; i < 3; ++i) {
      ptx::copy_async_16(to + 4 * i, from + 4 * i);
      ptx::commit_copies();
    }
    out[0] = to[0];
    ptx::wait_copies<2>();
    out[1] = to[0];
    out[2] = to[4];
    ptx::wait_copies<1>();
    out[3] = to[7];
    out[4] = to[8];
    ptx::wait_copies<0>();
    out[5] = to[11];
    ptx::copy_async_16(to, from, false);
    ptx::wait_copies<0>();
    out[6] = to[0];  // never committed, so not waited for
    ptx::commit_copies();
    ptx::wait_copies<0>();
    out[7] = to[0] + to[3];
  });
  CHECK(seen == std::vector<int>{-1, 1, -1, 8, -1, 12, 1, 0});
}

TEST_CASE("permuted copies come early or late but never after the wait", "[cuda][shim]") {
  auto const source = amq::cuda::uploaded<int>(numbers(256), nullptr);
  shim::permuted const order(9);
  auto const seen = written<int>(128, {1, 64, 1024}, [from = source.data()](int* out) {
    auto* const to = shared<int>() + 4 * threadIdx.x;
    to[0] = -1;
    ptx::copy_async_16(to, from + 4 * threadIdx.x);
    ptx::commit_copies();
    out[threadIdx.x] = to[0];
    ptx::wait_copies<0>();
    out[64 + threadIdx.x] = to[0];
  });
  auto const early = std::count_if(seen.begin(), seen.begin() + 64, [](int value) { return value != -1; });
  CHECK(early > 10);
  CHECK(early < 54);
  for (int i = 0; i < 64; ++i) REQUIRE(seen[static_cast<std::size_t>(64 + i)] == 4 * i + 1);
}

TEST_CASE("copies of misaligned addresses are an error", "[cuda][shim]") {
  auto const source = amq::cuda::uploaded<int>(numbers(256), nullptr);
  auto* const from = source.data();
  CHECK_THAT(failure({1, 1, 64}, [from] { ptx::copy_async_16(ptx::dynamic_shared() + 4, from); }),
             Contains("not aligned to 16"));
  CHECK_THAT(failure({1, 1, 64}, [from] { ptx::copy_async_16(ptx::dynamic_shared(), from + 2); }),
             Contains("not aligned to 16"));
  CHECK_THAT(failure({1, 1, 64}, [from] { ptx::load_once(reinterpret_cast<uint2 const*>(from + 1)); }),
             Contains("not aligned to 8"));
}
