// The devices of this machine as the rest of the library sees them.
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <string>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/decoder/decoder.cuh"
#include "amq/cuda/decoder/device_scope.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/tuning.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
/// What a device is asked for to see whether this program has code for it.
template <class Tuning>
AMQ_CUDA_KERNEL void probe_kernel() {}

inline std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// The architectures that kernels were compiled for, as text.
inline std::string compiled_architectures() {
#if defined(__CUDA_ARCH_LIST__)
  std::string text;
  for (int const architecture : {__CUDA_ARCH_LIST__})
    text += (text.empty() ? "" : ", ") + std::string("sm_") + std::to_string(architecture / 10);
  return text;
#else
  return "the host";
#endif
}

template <class Tuning>
class opened_device final : public device, public std::enable_shared_from_this<opened_device<Tuning>> {
 public:
  explicit opened_device(device_facts facts) : facts_(std::move(facts)) {}

  device_facts const& facts() const override { return facts_; }

  std::unique_ptr<decoder> make_decoder(decoder_shape const& shape, decoder_options const& options) override {
    device_scope const scope(facts_.number);
    auto const self = this->shared_from_this();
    switch (options.numbers) {
      case dtype::f32:
        return std::make_unique<decoder_on_device<float, Tuning>>(self, shape, options);
      case dtype::f16:
        return std::make_unique<decoder_on_device<f16, Tuning>>(self, shape, options);
      case dtype::bf16:
        return std::make_unique<decoder_on_device<bf16, Tuning>>(self, shape, options);
      default:
        throw input_error(std::string("a device computes in f32, f16 or bf16, not in ") + to_string(options.numbers));
    }
  }

 private:
  device_facts facts_;
};

/// How many devices there are; 0 without a driver. Never throws for a machine without one.
inline int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

/// Opens a device by number. Throws input_error where there is none of that number, its driver is too old, or this
/// program holds no code for it, and says what it holds code for. Synchronises nothing.
template <class Tuning = default_tuning>
std::shared_ptr<device> open_device(int number) {
  int count = 0;
  auto const counted = cudaGetDeviceCount(&count);
  cudaGetLastError();
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (counted == cudaErrorInsufficientDriver && driver > 0)
    throw input_error("the CUDA driver here (" + version_text(driver) + ") is older than the CUDA " +
                      version_text(CUDART_VERSION) +
                      " that this program was built with; install a newer driver or build with an older toolkit");
  if (counted != cudaSuccess || count == 0)
    throw input_error("no CUDA device was found (" +
                      std::string(driver == 0 ? "there is no driver" : cudaGetErrorName(counted)) +
                      "); expected an NVIDIA GPU with its driver; --device cpu measures on the processor");
  if (number < 0 || number >= count)
    throw input_error("there is no CUDA device " + std::to_string(number) + "; the " + std::to_string(count) +
                      " here are numbered from 0");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, number), "cudaGetDeviceProperties");
  device_facts facts;
  facts.number = number;
  facts.name = properties.name;
  facts.capability = 10 * properties.major + properties.minor;
  facts.multiprocessors = properties.multiProcessorCount;
  facts.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  facts.cache_bytes = properties.l2CacheSize;
  int version = 0;
  check(cudaDriverGetVersion(&version), "cudaDriverGetVersion");
  facts.driver = version_text(version);
  check(cudaRuntimeGetVersion(&version), "cudaRuntimeGetVersion");
  facts.runtime = version_text(version);

  device_scope const scope(number);
  cudaFuncAttributes attributes{};
  auto const found = cudaFuncGetAttributes(&attributes, reinterpret_cast<void const*>(&probe_kernel<Tuning>));
  if (found == cudaErrorUnsupportedPtxVersion) {
    cudaGetLastError();
    throw input_error("the CUDA driver here (" + facts.driver + ") is older than the CUDA " + facts.runtime +
                      " that this program was built with, and cannot translate its kernels; install a newer driver, or "
                      "build with this GPU's architecture in CMAKE_CUDA_ARCHITECTURES");
  }
  if (facts.capability < 80 || found == cudaErrorNoKernelImageForDevice || found == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();
    throw input_error("CUDA device " + std::to_string(number) + " (" + facts.name + ") has compute capability " +
                      std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                      "; this program holds kernels for " + compiled_architectures() +
                      ", and kernels need 8.0 or newer: build it with that architecture in CMAKE_CUDA_ARCHITECTURES");
  }
  check(found, "cudaFuncGetAttributes");
  return std::make_shared<opened_device<Tuning>>(std::move(facts));
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
