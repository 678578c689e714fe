// Reads memory from front to back as fast as this core does: the bandwidth that a product of one token is held against.
#pragma once

#define AMQ_SIMD_BODY "kernel/stream_read.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// The sum of the words of `bytes` bytes, whole KiB of them.
inline std::int32_t stream_read(std::uint8_t const* data, index bytes, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, stream_read(data, bytes));
}

}  // namespace amq::simd
