// Memory, streams, graphs, launches and devices answer as CUDA's do, with errors on demand.
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;
using amq::cuda::device_buffer;

TEST_CASE("new memory is full of NaNs and aligned", "[cuda][shim]") {
  auto const before = shim::live_allocations();
  {
    device_buffer<float> const memory(100, nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % 256 == 0);
    std::vector<float> values(100);
    amq::cuda::download(memory.data(), std::span<float>(values), nullptr);
    CHECK(std::ranges::all_of(values, [](float x) { return std::isnan(x); }));
    CHECK(shim::live_allocations() == before + 1);
    auto const shared_values =
        written<float>(8, {1, 8, 32}, [](float* out) { out[threadIdx.x] = shared<float>()[threadIdx.x]; });
    CHECK(std::ranges::all_of(shared_values, [](float x) { return std::isnan(x); }));
  }
  CHECK(shim::live_allocations() == before);
}

TEST_CASE("memory runs out where a test says so", "[cuda][shim]") {
  shim::with_devices const devices{{.memory_bytes = 4 << 20, .pinned_bytes = 1 << 20}};
  device_buffer<char> const first(3 << 20, nullptr);
  std::size_t free = 0, total = 0;
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free == std::size_t{1} << 20);
  CHECK(total == std::size_t{4} << 20);
  CHECK_THROWS_WITH(device_buffer<char>(2 << 20, nullptr), Contains("no room for 2 MiB more: 1 of its 4 MiB are free"));
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK_THROWS_WITH(amq::cuda::pinned_buffer<char>(2 << 20), Contains("cudaErrorMemoryAllocation"));
}

TEST_CASE("copies are held to their kinds and to their memory's ends", "[cuda][shim]") {
  device_buffer<int> const memory(4, nullptr);
  int host[8] = {};
  CHECK(cudaMemcpy(memory.data(), host, 16, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(cudaMemcpy(memory.data(), host, 16, cudaMemcpyDefault) == cudaSuccess);
  CHECK(cudaMemcpy(memory.data(), host, 20, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(memory.data(), host, 16, cudaMemcpyDeviceToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, memory.data(), 16, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemset(memory.data() + 3, 0, 8) == cudaErrorInvalidValue);
  CHECK(cudaMemset(host, 0, 8) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
  cudaPointerAttributes of;
  CHECK(cudaPointerGetAttributes(&of, memory.data() + 1) == cudaSuccess);
  CHECK(of.type == cudaMemoryTypeDevice);
  CHECK(cudaPointerGetAttributes(&of, host) == cudaSuccess);
  CHECK(of.type == cudaMemoryTypeUnregistered);
}

TEST_CASE("a write beyond an allocation is noticed when it is freed", "[cuda][shim]") {
  if (SHIM_ASAN) return;  // which stops at it
  {
    device_buffer<int> const memory(3, nullptr);
    run({1, 1, 0}, [to = memory.data()] { to[3] = 1; });
  }
  CHECK_THAT(shim::last_fault(), Contains("beyond an allocation of 12 bytes"));
  shim::mend();
}

TEST_CASE("a kernel that is given the host's memory fails", "[cuda][shim]") {
  int host = 0;
  launch(
      {1, 1, 0}, +[](int* at) { *at = 1; }, &host);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK_THAT(shim::last_fault(), Contains("no device can reach"));
  CHECK(host == 0);
  shim::mend();
}

TEST_CASE("launches are refused that no device would start", "[cuda][shim]") {
  auto const attempt = [](dim3 grid, dim3 block, std::size_t bytes = 0) {
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = bytes;
    auto const code = cudaLaunchKernelEx(
        &config, +[] {});
    cudaGetLastError();
    return code;
  };
  CHECK(attempt(1, 1024) == cudaSuccess);
  CHECK(attempt(1, 1025) == cudaErrorInvalidConfiguration);
  CHECK(attempt(1, {32, 8, 8}) == cudaErrorInvalidConfiguration);
  CHECK(attempt(1, {1, 1, 65}) == cudaErrorInvalidConfiguration);
  CHECK(attempt(0, 32) == cudaErrorInvalidConfiguration);
  CHECK(attempt({1, 65536, 1}, 32) == cudaErrorInvalidConfiguration);
  CHECK(attempt(1, 32, 48 << 10) == cudaSuccess);
  CHECK(attempt(1, 32, (48 << 10) + 1) == cudaErrorInvalidValue);
  CHECK_NOTHROW(run({1, 32, 227 << 10}, [] { shared<char>()[(227 << 10) - 1] = 1; }));
  CHECK_THROWS_AS(run({1, 32, (227 << 10) + 1}, [] {}), amq::cuda_error);
  {
    shim::with_devices const old{{.capability = 86}};
    CHECK_THROWS_AS(run({1, 32, 100 << 10}, [] {}), amq::cuda_error);
  }
  shim::with_devices const older{{.capability = 75}};
  CHECK(attempt(1, 32) == cudaErrorNoKernelImageForDevice);
}

TEST_CASE("blocks and threads know their places", "[cuda][shim]") {
  auto const values = written<unsigned>(2 * 3 * 2 * 24, {{2, 3, 2}, {4, 3, 2}, 0}, [](unsigned* out) {
    unsigned const block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned const thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    out[block * 24 + thread] = 100 * block + thread;
  });
  for (unsigned i = 0; i < values.size(); ++i) REQUIRE(values[i] == 100 * (i / 24) + i % 24);
}

TEST_CASE("a graph records work with its arguments and does it at each launch", "[cuda][shim]") {
  amq::cuda::stream const on;
  device_buffer<int> const memory(1, on);
  cudaMemsetAsync(memory.data(), 0, 4, on);
  int step = 5;
  auto const recorded = amq::cuda::graph::record(on, [&] {
    run({1, 1, 0, on}, [to = memory.data(), step] { *to += step; });
    step = 100;
    amq::cuda::event const fork, join;
    amq::cuda::stream const other;
    fork.record(on);
    fork.hold(other);
    run({1, 1, 0, other}, [to = memory.data()] { *to *= 2; });
    join.record(other);
    join.hold(on);
  });
  auto const value = [&] {
    int got = -1;
    amq::cuda::download(memory.data(), std::span<int>(&got, 1), on);
    on.synchronize();
    return got;
  };
  CHECK(value() == 0);
  recorded.launch(on);
  CHECK(value() == 10);
  recorded.launch(on);
  CHECK(value() == 30);
}

TEST_CASE("what a graph cannot hold spoils its recording", "[cuda][shim]") {
  amq::cuda::stream const on;
  auto const record = [&](auto const& work) { return amq::cuda::graph::record(on, work); };
  CHECK_THROWS_WITH(record([&] { on.synchronize(); }), Contains("cudaErrorStreamCaptureUnsupported"));
  CHECK_THROWS_WITH(record([&] { device_buffer<int>(1, on); }), Contains("cudaErrorStreamCaptureUnsupported"));
  CHECK_THROWS_WITH(record([&] { cudaStreamSynchronize(on); }), Contains("cudaErrorStreamCaptureInvalidated"));
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(record([] {}));
}

TEST_CASE("events measure time where they may", "[cuda][shim]") {
  amq::cuda::stream const on;
  amq::cuda::event const begin(cudaEventDefault), end(cudaEventDefault), untimed;
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()) == cudaErrorInvalidResourceHandle);
  begin.record(on);
  run({1, 256, 0, on}, [] { __syncthreads(); });
  end.record(on);
  untimed.record(on);
  CHECK(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()) == cudaSuccess);
  CHECK(milliseconds > 0);
  CHECK(cudaEventElapsedTime(&milliseconds, begin.get(), untimed.get()) == cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}

TEST_CASE("there are as many devices as a test sets, each with its own streams and memory", "[cuda][shim]") {
  int count = 0;
  {
    shim::with_devices const none{};
    CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
    CHECK(count == 0);
  }
  shim::with_devices const two{{.name = "first", .capability = 80}, {.name = "second", .capability = 90}};
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(count == 2);
  cudaDeviceProp of;
  CHECK(cudaGetDeviceProperties(&of, 1) == cudaSuccess);
  CHECK(std::string(of.name) == "second");
  CHECK(of.major * 10 + of.minor == 90);
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  amq::cuda::stream const on_first;
  device_buffer<int> const memory(1, on_first);
  CHECK(cudaSetDevice(1) == cudaSuccess);
  CHECK(cudaMemsetAsync(memory.data(), 0, 4, on_first) == cudaErrorInvalidResourceHandle);
  launch(
      {1, 1, 0}, +[](int* at) { *at = 1; }, memory.data());
  CHECK_THAT(shim::last_fault(), Contains("another device's memory"));
  CHECK(cudaSetDevice(0) == cudaSuccess);
}
