// Numbers of one kind into numbers of another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
template <class From, class To>
AMQ_CUDA_KERNEL void convert_kernel(From const* from, To* to, std::int64_t count) {
  auto const step = std::int64_t{gridDim.x} * blockDim.x;
  for (auto i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step)
    to[i] = from_f32<To>(to_f32(from[i]));
}

/// to[i] = from[i], rounded to nearest, ties to even. Asynchronous.
template <class From, class To>
void convert(From const* from, To* to, std::int64_t count, cudaStream_t stream) {
  if (count == 0) return;
  constexpr unsigned threads = 256, most_blocks = 4096;
  unsigned const blocks = std::min(pieces(count, threads), most_blocks);
  launch({dim3(blocks), dim3(threads), 0, stream}, convert_kernel<From, To>, from, to, count);
}

/// The same from bytes whose type is known at run time. Throws precondition_error for types other than f32, f16, bf16.
template <class To>
void convert(void const* from, dtype type, To* to, std::int64_t count, cudaStream_t stream) {
  switch (type) {
    case dtype::f32:
      return convert(static_cast<float const*>(from), to, count, stream);
    case dtype::f16:
      return convert(static_cast<f16 const*>(from), to, count, stream);
    case dtype::bf16:
      return convert(static_cast<bf16 const*>(from), to, count, stream);
    default:
      throw precondition_error(std::string("the device reads F32, F16 and BF16, not ") + to_string(type));
  }
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
