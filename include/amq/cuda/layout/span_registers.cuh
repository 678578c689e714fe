// A lane's part of one span in registers: codes, scales and zeros.
#pragma once

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/layout/codes.cuh"
#include "amq/cuda/layout/parameters.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

template <int Bits, int Group>
struct span_registers {
  static constexpr int span_bytes = device_layout{Bits, Group}.span_bytes();
  static constexpr int code_bytes = device_layout{Bits, Group}.code_bytes();

  span_codes<Bits> codes;
  span_parameters<Group> parameters;

  /// Starts to read span number `span` of a matrix; what follows waits where it uses it.
  __device__ void load(std::uint8_t const* matrix, int span, int lane) {
    auto const from = matrix + std::int64_t{span} * span_bytes;
    load_codes(codes, from, lane);
    load_parameters(parameters, from + code_bytes, lane);
  }
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
